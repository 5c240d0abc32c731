// How an identity map's work runs its statements: by plans that the session keeps, and by the one
// snapshot of a refresh.
//
// Plain frames all of it, as in map_calls.cc.
#include "pg/map_execute.h"

#include "pg/guard.h"
#include "pg/map_ahead.h"
#include "pg/map_records.h"
#include "pg/map_snapshot.h"
#include "pg/spi.h"

#include <string>
#include <unordered_map>

extern "C" {
#include <access/xact.h>
#include <utils/resowner.h>
#include <utils/snapmgr.h>
}

namespace identity_resolve::pg {

namespace {

// Plans that stay for as long as the session does, by what they are of: key_of(). They are made
// anew by PostgreSQL where a table changes. When there are too many no more are kept until the
// transaction ends, and then all of them go: until then somebody may be using them.
using PlanCache = std::unordered_map<std::string, SPIPlanPtr>;
constexpr std::size_t kMostPlans = 256;

PlanCache& plan_cache() {
  static PlanCache cache;
  return cache;
}

// A statement, and the types of its parameters: a type may be dropped, and made again.
const char* key_of(const char* statement, int count, const Oid* types) {
  StringInfoData key;
  initStringInfo(&key);
  appendStringInfoString(&key, statement);
  for (int i = 0; i < count; ++i) appendStringInfo(&key, " %u", types[i]);
  return key.data;
}

SPIPlanPtr known_plan(const char* key) {
  return guarded([key]() -> SPIPlanPtr {
    const auto found = plan_cache().find(key);
    return found == plan_cache().end() ? nullptr : found->second;
  });
}

void forget_plans(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT) return;
  if (plan_cache().size() < kMostPlans) return;
  for (const auto& [text, plan] : plan_cache()) SPI_freeplan(plan);
  plan_cache().clear();
}

void keep_plan(const char* key, SPIPlanPtr plan) {
  static bool is_told_of_ends = false;
  if (!is_told_of_ends) {
    RegisterXactCallback(forget_plans, nullptr);
    is_told_of_ends = true;
  }
  if (plan_cache().size() >= kMostPlans) return;
  SPI_keepplan(plan);
  guarded([=] { plan_cache().emplace(key, plan); });
}

// The plan of a statement: the one that is known, or a new one.
SPIPlanPtr plan_of(const char* statement, int count, Oid* types, int options) {
  const char* key = key_of(statement, count, types);
  SPIPlanPtr plan = known_plan(key);
  if (plan != nullptr) return plan;
  plan = SPI_prepare_cursor(statement, count, types, options);
  if (plan == nullptr) elog(ERROR, "SPI_prepare_cursor: %s", SPI_result_code_string(SPI_result));
  keep_plan(key, plan);
  return plan;
}

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

void execute_cached(const char* statement, int count, Oid* types, Datum* values,
                    const char* nulls) {
  const SPIPlanPtr plan = plan_of(statement, count, types, CURSOR_OPT_GENERIC_PLAN);
  const int result = SPI_execute_plan(plan, values, nulls, false, 0);
  if (result < 0) elog(ERROR, "SPI_execute_plan: %s", SPI_result_code_string(result));
}

SPIPlanPtr kept_plan(const char* query) {
  const SPIPlanPtr plan = plan_of(query, 0, nullptr, 0);
  // What its tables are now.
  CachedPlan* now = SPI_plan_get_cached_plan(plan);
  if (now != nullptr) release_plan(now);
  return plan;
}

void begin_refresh() {
  if (refreshing.is_on) elog(ERROR, "a source of an identity map refreshes another one");
  // What an earlier one of this transaction has read may not be so any more.
  LastFound::end();
  LastRead::end();
  LastTouched::end();
  refreshing = {true, nullptr};
}

void end_refresh() {
  if (refreshing.snapshot != nullptr) {
    UnregisterSnapshotFromOwner(refreshing.snapshot, TopTransactionResourceOwner);
  }
  refreshing = {false, nullptr};
  LastFound::end();
  LastTouched::end();
}

Snapshot refresh_snapshot() noexcept { return refreshing.snapshot; }

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_execute(statement text, VARIADIC arguments "any") → text: runs a statement by a plan
// that the session keeps; gives the first column of its first row. With the rights of the caller.
IDENTITY_RESOLVE_FUNCTION(identity_map_execute) {
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
IDENTITY_RESOLVE_FUNCTION(identity_map_take_snapshot) {
  if (!refreshing.is_on || refreshing.snapshot != nullptr) {
    elog(ERROR, "no refresh of an identity map is at its beginning");
  }
  refreshing.snapshot = RegisterSnapshotOnOwner(GetLatestSnapshot(), TopTransactionResourceOwner);
  PG_RETURN_VOID();
}

// identity_map_execute_then(statement text, VARIADIC arguments "any") → text: as
// identity_map_execute(), by the refresh's snapshot.
IDENTITY_RESOLVE_FUNCTION(identity_map_execute_then) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  if (refreshing.snapshot == nullptr) elog(ERROR, "no refresh has taken a snapshot");
  const Statement statement = statement_of(fcinfo);
  const MemoryContext outer = CurrentMemoryContext;
  SPI_connect();
  const SPIPlanPtr plan = SPI_prepare(statement.text, statement.count, statement.types);
  if (plan == nullptr) elog(ERROR, "SPI_prepare: %s", SPI_result_code_string(SPI_result));
  const int done = SPI_execute_snapshot(plan, statement.values, statement.nulls,
                                        refreshing.snapshot, InvalidSnapshot, false, true, 0);
  if (done < 0) elog(ERROR, "SPI_execute_snapshot: %s", SPI_result_code_string(done));
  text* result = first_value(outer);
  SPI_finish();
  if (result == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(result);
}
