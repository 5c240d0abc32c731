// How an identity map's work runs its statements: by plans that the session keeps
// (pg/kept_plans.h), and by the one snapshot of a refresh.
//
// Plain frames all of it, as in calls.cc.
#include "map/capture.h"
#include "map/home.h"
#include "map/reached.h"
#include "map/scan_in_parallel.h"
#include "map/snapshot.h"
#include "pg/border.h"
#include "pg/kept_plans.h"
#include "pg/spi.h"

extern "C" {
#include <utils/resowner.h>
#include <utils/snapmgr.h>
}

namespace identity_resolve::pg {

namespace {

// One refresh at a time in a session: whether it is on, and its snapshot, which the transaction's
// end, however it comes, does not outlive.
struct Refreshing {
  bool is_on;
  Snapshot snapshot;
};
Refreshing refreshing{false, nullptr};

// The statement and its parameters as SQL gave them: function(statement, VARIADIC "any").
struct Statement {
  const char* text;
  int count;
  Oid* types;
  Datum* values;
  char* nulls;
};

Statement statement_of(FunctionCallInfo fcinfo) {
  Statement statement{};
  statement.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
  statement.count = PG_NARGS() - 1;
  const auto room = static_cast<std::size_t>(statement.count) + 1;
  statement.types = static_cast<Oid*>(palloc(sizeof(Oid) * room));
  statement.values = static_cast<Datum*>(palloc(sizeof(Datum) * room));
  statement.nulls = static_cast<char*>(palloc(room));
  for (int i = 0; i < statement.count; ++i) {
    statement.types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + 1);
    statement.values[i] = PG_GETARG_DATUM(i + 1);
    statement.nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
    // A literal.
    if (statement.types[i] != UNKNOWNOID) continue;
    statement.types[i] = TEXTOID;
    if (!PG_ARGISNULL(i + 1)) statement.values[i] = CStringGetTextDatum(PG_GETARG_CSTRING(i + 1));
  }
  return statement;
}

// The first column of the first row that SPI has given, as text on a context; nullptr for none.
text* first_value(MemoryContext on) {
  if (SPI_processed == 0 || SPI_tuptable == nullptr) return nullptr;
  const char* value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  if (value == nullptr) return nullptr;
  const MemoryContext inner = MemoryContextSwitchTo(on);
  text* result = cstring_to_text(value);
  MemoryContextSwitchTo(inner);
  return result;
}

}  // namespace

void begin_refresh() {
  if (refreshing.is_on) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("an identity map cannot be refreshed while another one is"),
                    errdetail("What a refresh calls, such as a source's query, calls another one."),
                    errhint("Refresh one map after the other.")));
  }
  // What an earlier one of this transaction has read may not be so any more.
  LastFound::end();
  LastChanged::end();
  refreshing = {true, nullptr};
}

void end_refresh() {
  if (refreshing.snapshot != nullptr) {
    UnregisterSnapshotFromOwner(refreshing.snapshot, TopTransactionResourceOwner);
  }
  refreshing = {false, nullptr};
  LastFound::end();
  LastChanged::end();
}

Snapshot refresh_snapshot() noexcept { return refreshing.snapshot; }

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_execute(statement text, VARIADIC arguments "any") → text: runs a statement by a plan
// that the session keeps; gives the first column of its first row. With the rights of the caller.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_execute) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const Statement statement = statement_of(fcinfo);
  const MemoryContext outer = CurrentMemoryContext;
  SPI_connect();
  execute_cached(statement.text, statement.count, statement.types, statement.values,
                 statement.nulls);
  text* result = first_value(outer);
  SPI_finish();
  if (result == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(result);
}

// identity_map_take_snapshot() → void: from now on the refresh that is on sees its sources as they
// are now.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_take_snapshot) {
  if (!refreshing.is_on || refreshing.snapshot != nullptr) {
    out_of_turn("no refresh of an identity map is at its beginning");
  }
  forget_what_was_told();
  refreshing.snapshot = RegisterSnapshotOnOwner(GetLatestSnapshot(), TopTransactionResourceOwner);
  PG_RETURN_VOID();
}

// identity_map_execute_then(statement text, VARIADIC arguments "any") → text: as
// identity_map_execute(), by the refresh's snapshot.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_execute_then) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  if (refreshing.snapshot == nullptr) out_of_turn("no refresh has taken a snapshot");
  const Statement statement = statement_of(fcinfo);
  const MemoryContext outer = CurrentMemoryContext;
  SPI_connect();
  const SPIPlanPtr plan = SPI_prepare(statement.text, statement.count, statement.types);
  if (plan == nullptr) refused(SPI_result);
  const int done = SPI_execute_snapshot(plan, statement.values, statement.nulls,
                                        refreshing.snapshot, InvalidSnapshot, false, true, 0);
  if (done < 0) refused(done);
  text* result = first_value(outer);
  SPI_finish();
  if (result == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(result);
}
