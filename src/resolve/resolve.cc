// The SQL functions resolve_identities(), identity_records(), identity_links() and
// identity_evidence().
//
// Called in FROM by themselves they are replaced by a scan of our own while the statement is being
// planned (resolve_scan.cc), which streams the rows. What stands here is the other way in: any
// place where PostgreSQL itself calls the function, which then fills a tuplestore.
#include "resolve/resolve.h"

#include "pg/result_rows.h"
#include "resolve/execution.h"

namespace identity_resolve::pg {

namespace {

void fill_tuplestore(FunctionCallInfo fcinfo, ResultForm form) {
  ReturnSetInfo* result = begin_tuplestore(fcinfo);

  const TupleDesc shape = result->setDesc;
  Execution* execution = Execution::create(CurrentMemoryContext, form, clauses_of(fcinfo), shape);
  const auto columns = static_cast<std::size_t>(shape->natts);
  std::vector<Datum> values(columns);
  const auto nulls = std::make_unique<bool[]>(columns);
  while (execution->next(values.data(), nulls.get())) {
    call([&] { tuplestore_putvalues(result->setResult, shape, values.data(), nulls.get()); });
  }
  Execution::destroy(execution);
}

}  // namespace

ClauseList clauses_of(FunctionCallInfo fcinfo) noexcept {
  if (PG_NARGS() == 0) return {Datum{0}, false, true};
  return {PG_GETARG_DATUM(0), PG_ARGISNULL(0), false};
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// resolve_identities(VARIADIC clauses identity_clause[]) → SETOF record: src/sql/10-resolve.sql.
IDENTITY_RESOLVE_FUNCTION(resolve_identities) {
  guarded([&] { fill_tuplestore(fcinfo, ResultForm::kMasterTable); });
  return Datum{0};
}

// identity_records(VARIADIC clauses identity_clause[]) → TABLE (identity_id, source, record_id).
IDENTITY_RESOLVE_FUNCTION(identity_records) {
  guarded([&] { fill_tuplestore(fcinfo, ResultForm::kRecords); });
  return Datum{0};
}

// identity_links(VARIADIC clauses identity_clause[]) → TABLE (...): src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(identity_links) {
  guarded([&] { fill_tuplestore(fcinfo, ResultForm::kLinks); });
  return Datum{0};
}

// identity_evidence(VARIADIC clauses identity_clause[]) → TABLE (...): src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(identity_evidence) {
  guarded([&] { fill_tuplestore(fcinfo, ResultForm::kEvidence); });
  return Datum{0};
}
