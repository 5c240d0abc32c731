// A source's query run by parallel workers, each of which normalises and keys the rows that it
// reads into a sink of its own.
//
// PostgreSQL's executor does the sharing: the query becomes the subquery of
//
//   SELECT identity_sink(NULL, <what a worker must know>, column, …), count(*) FROM (<query>)
//
// and identity_sink() is a parallel-safe aggregate whose state is a sink. A worker's finished sink
// goes to a temporary file, and its description to the leader, which reads back what it needs when
// it needs it. count(*) says how many rows there were; as many have to arrive in the resolver.
// Where the planner finds no parallel plan worth its price, nothing of this happens.
#pragma once

#include "engine/resolver.h"
#include "pg/context_memory.h"
#include "resolve/row_reader.h"

namespace identity_resolve::pg {

using KeySecret = std::array<std::byte, engine::kSecretBytes>;

class ParallelSink {
 public:
  // All of them outlive the object. `clauses` are those that the request was read from, to
  // which its aliases have come.
  ParallelSink(engine::Resolver& resolver, Environment& environment, const KeySecret& secret,
               const ClauseList& clauses, const Request& request);

  // How many workers the planner would have read the query; 0: none. Throws PgError.
  [[nodiscard]] int planned_workers(const Query& query, const std::string& text,
                                    const RowLayout& layout) const;
  // Runs a query for which workers are planned to its end. What this process reads goes into `own`
  // by `reader`, what workers read straight into the resolver. False where workers pay no longer,
  // as the tables' statistics may have changed: then nothing has been read. Throws PgError, and
  // engine::Error, also XX000 where rows that were read have not arrived.
  [[nodiscard]] bool run(const Query& query, const std::string& text, const RowLayout& layout,
                         int workers, RowReader& reader, engine::LocalSink& own,
                         Progress& progress) const;

 private:
  [[nodiscard]] std::string parameters(const RowLayout& layout, std::size_t budget,
                                       std::uint64_t task) const;
  [[nodiscard]] const PlannedStmt* plan(const Query& query, const std::string& text,
                                        const std::string& told) const;

  engine::Resolver* resolver_;
  Environment* environment_;
  const KeySecret* secret_;
  Datum clauses_;
  const Request* request_;
};

}  // namespace identity_resolve::pg
