// A source's query, checked and run: each of its rows goes into a sink.
#pragma once

#include "engine/key.h"
#include "engine/resolver.h"
#include "resolve/parallel_sink.h"
#include "resolve/read_query.h"
#include "resolve/request.h"
#include "resolve/row_reader.h"

namespace identity_resolve::pg {

// What is wrong with a column of a source's query.
struct ColumnFault {
  std::string column;
  engine::Error error;
};

class SourceScan {
 public:
  // Prepares the source's query; needs a connection to SPI. Throws PgError or engine::Error for a
  // query that fails, is no single SELECT, or has a column of no known kind.
  // The request must outlive the object. keeps_plan: the query is an identity map's own, and the
  // session keeps its plan (pg/kept_plans.h).
  // faults: takes what is wrong with columns, instead of the first of it being thrown; a scan with
  // faults is not to be run.
  SourceScan(const Request& request, engine::SourceNumber number, bool keeps_plan = false,
             std::vector<ColumnFault>* faults = nullptr);

  [[nodiscard]] engine::SourceNumber number() const noexcept { return layout_.source; }
  [[nodiscard]] const std::string& name() const noexcept { return source_->name; }
  [[nodiscard]] std::string title() const { return source_->title(); }
  [[nodiscard]] std::vector<SourceColumn>& columns() noexcept { return layout_.columns; }
  [[nodiscard]] const std::vector<SourceColumn>& columns() const noexcept {
    return layout_.columns;
  }

  // What the query's columns are, and the query, analysed and rewritten.
  [[nodiscard]] const RowLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] const Query* query() const;

  // Locks all that the query reads; gives a table whose rows the snapshot does not see, as it was
  // written anew since, or InvalidOid (resolve/source_tables.h).
  [[nodiscard]] Oid lock_tables(Snapshot snapshot) const;

  // How many rows the planner expects; makes the plan that run() then uses.
  [[nodiscard]] double expected_rows();
  // And what it thinks that the query costs; after expected_rows().
  [[nodiscard]] Cost cost() const noexcept { return cost_; }

  // Runs the query to its end, every row going into the sink, or, where parallel workers pay, into
  // the resolver by a sink of a worker's own. Tells how far it is. After expected_rows().
  void run(const ParallelSink& parallel, engine::LocalSink& sink, Progress& progress);

  // Runs the query again, under the same snapshot; gives the smallest of the wanted identifiers
  // (the shorter first, then by bytes) as normalised, in UTF-8.
  std::optional<std::string> find_value(engine::KindNumber kind,
                                        std::span<const engine::Key> wanted,
                                        const engine::KeyRing& keys);

  // Runs the query and shows the visitor each of its rows.
  void visit(RowVisitor& visitor);
  // Reads the values of rows; made when the columns have their slots.
  RowReader& reader();

 private:
  struct Receiver;

  void prepare(bool keeps_plan);
  [[nodiscard]] QueryWords words() const;  // for errors
  void read_columns(std::vector<ColumnFault>* faults);
  void read_column(int attribute, const FormData_pg_attribute& description);
  void check_scopes() const;
  void check_identifies(const std::string& column, Oid type, bool is_id) const;
  [[nodiscard]] int plan_workers(const ParallelSink& parallel);
  [[nodiscard]] bool run_in_workers(const ParallelSink& parallel, int workers,
                                    engine::LocalSink& sink);
  void execute(engine::LocalSink* sink, const WantedIdentifiers* wanted,
               RowVisitor* visitor = nullptr);
  void take_row(TupleTableSlot* slot, Receiver& receiver);
  [[noreturn]] void rethrow(const PgError& error) const;

  const Request* request_;
  const Source* source_;
  SPIPlanPtr plan_ = nullptr;
  Cost cost_ = 0;  // as expected_rows() has found it
  RowLayout layout_;
  std::unique_ptr<RowReader> reader_;
  Progress* progress_ = nullptr;
  std::optional<std::string> found_;
};

}  // namespace identity_resolve::pg
