// What an identity map tells those who may read its table: who an id is now, whose a record or a
// value is, all records, all retired ids, the history. src/sql/56-map-public.sql has what a user
// calls, src/sql/57-map-answers.sql the queries.
//
// A privilege on the table is enough, as nobody but the map's owner may read the state: a function
// checks who asks, and works as the owner. Where row-level security hides rows of the table from
// the caller, a look-up finds the identities whose rows the caller sees, and what lists them all is
// refused.
//
// The work takes snapshots of its own, after it has the locks on the state's tables: a statement
// that has waited for a refresh to end then sees what the refresh has written. By the snapshot of
// the statement it would see nothing in a table that was emptied and filled again.
//
// Plain frames all of it: no C++ object is alive where PostgreSQL may raise an error.
#include "map/answers.h"

#include "map/call_arguments.h"
#include "map/state_tables.h"
#include "pg/border.h"
#include "pg/result_rows.h"

extern "C" {
#include <utils/rls.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

constexpr Operation kCurrent{
    "identity_current()", "identity_map_get_current", Right::kSelect, true, nullptr, 0};
constexpr Operation kOf{"identity_of()", "identity_map_get_of", Right::kSelect, true, nullptr, 0};
constexpr Operation kOfValue{
    "identity_of_value()", "identity_map_get_of_value", Right::kSelect, true, nullptr, 0};
constexpr Operation kRecords{
    "identity_map_records()", "identity_map_records_text", Right::kSelect, false, nullptr, 0};
constexpr Operation kRetired{
    "identity_map_retired()", "identity_map_retired_text", Right::kSelect, false, nullptr, 0};

// Whether a row of the map's table with this id is one that the caller sees, who is under row-level
// security there.
bool is_seen(Oid table, Datum id) {
  Oid type = UUIDOID;
  const char* name =
      quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
  SPI_connect();
  const int result = SPI_execute_with_args(
      psprintf("SELECT FROM %s AS t WHERE t.identity_id OPERATOR(pg_catalog.=) $1", name), 1, &type,
      &id, nullptr, true, 1);
  if (result < 0) elog(ERROR, "SPI_execute_with_args: %s", SPI_result_code_string(result));
  const bool is_there = SPI_processed > 0;
  SPI_finish();
  return is_there;
}

// The identity, where the caller may know of it: NULL where there is none, or where row-level
// security hides its row.
Datum if_seen(FunctionCallInfo fcinfo, Oid table, const char* id) {
  const Datum found = uuid_or_null(fcinfo, id);
  if (fcinfo->isnull) return Datum{0};
  if (!may_read_all(table) && !is_seen(table, found)) PG_RETURN_NULL();
  return found;
}

// Of a function that lists all of a map: error 22004 without one.
void demand_map(FunctionCallInfo fcinfo) {
  if (!PG_ARGISNULL(0)) return;
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the map must not be null"),
                  errhint("Name it by its table.")));
}

// What lists all of a map is for those who may read all of its table; `what` is listed. Error
// 42501.
void demand_all(Oid table, const char* what) {
  check_right(Right::kSelect, table);
  if (may_read_all(table)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("permission denied for the %s of identity map \"%s\"", what, get_rel_name(table)),
           errdetail("Row-level security hides rows of the map's table from you, and this "
                     "lists all of them."),
           errhint("Ask the owner of the map, or a role with BYPASSRLS.")));
}

// The rows of a cursor, which are of the result's types, into the tuplestore of a result, a
// thousand at a time: there may be more than fit into memory.
void store_rows(Portal rows, const ReturnSetInfo* result) {
  constexpr long kRowsAtATime = 1000;
  do {
    CHECK_FOR_INTERRUPTS();
    SPI_cursor_fetch(rows, true, kRowsAtATime);
    for (std::uint64_t i = 0; i < SPI_processed; ++i) {
      tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
    }
    SPI_freetuptable(SPI_tuptable);
  } while (SPI_processed > 0);
  SPI_cursor_close(rows);
}

// Whether rows of one shape are rows of the other.
bool is_same_shape(TupleDesc given, TupleDesc wanted) {
  bool is_same = given->natts == wanted->natts;
  for (int i = 0; is_same && i < given->natts; ++i) {
    is_same = TupleDescAttr(given, i)->atttypid == TupleDescAttr(wanted, i)->atttypid;
  }
  return is_same;
}

// Gives the rows of the query that an operation writes, which runs as the map's owner. Its
// parameter $1, where it has one, is the function's second argument, a time. `what` is listed.
void list_all(FunctionCallInfo fcinfo, const Operation& operation, const char* what) {
  demand_map(fcinfo);
  const Home home = find_home(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  const Oid owner = find_target(home, table).owner;
  demand_all(table, what);
  const char* query = jsonb_text(run_operation(home, table, operation, jsonb_of("{}")), "query");
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  as_user(owner, kSafePath, [&] {
    SPI_connect();
    const bool has_time = PG_NARGS() > 1;
    Oid type = TIMESTAMPTZOID;
    Datum time = has_time ? PG_GETARG_DATUM(1) : Datum{0};
    const char null = has_time && PG_ARGISNULL(1) ? 'n' : ' ';
    const Portal rows =
        SPI_cursor_open_with_args(nullptr, query, has_time ? 1 : 0, &type, &time, &null, false, 0);
    if (!is_same_shape(rows->tupDesc, result->setDesc)) {
      elog(ERROR, "%s gives other columns", operation.name);
    }
    during_call([&] {
      store_rows(rows, result);
      return Datum{0};
    });
    SPI_finish();
    return 0;
  });
}

}  // namespace

bool may_read_all(Oid table) {
  return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
         check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

const char* current_of(const Home& home, Oid table, Datum id) {
  Object arguments = begin_object();
  add_text(arguments, "identity_id", DatumGetCString(DirectFunctionCall1(uuid_out, id)));
  return jsonb_text(run_operation(home, table, kCurrent, end_object(arguments)), "id");
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_current(map regclass, identity_id uuid) → uuid. NULL, too, where row-level security
// hides the identity's row from the caller.
IDENTITY_RESOLVE_FUNCTION(identity_current) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_NULL();
  const Oid table = PG_GETARG_OID(0);
  return if_seen(fcinfo, table, current_of(find_home(fcinfo), table, PG_GETARG_DATUM(1)));
}

// identity_of(map regclass, source text, record_id text) → uuid; NULL as above.
IDENTITY_RESOLVE_FUNCTION(identity_of) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2)) PG_RETURN_NULL();
  const Oid table = PG_GETARG_OID(0);
  Object arguments = begin_object();
  add_text(arguments, "source", text_argument(fcinfo, 1));
  add_text(arguments, "record_id", text_argument(fcinfo, 2));
  const Datum found = run_operation(find_home(fcinfo), table, kOf, end_object(arguments));
  return if_seen(fcinfo, table, jsonb_text(found, "id"));
}

// identity_of_value(map regclass, kind text, value text, scope text) → SETOF uuid.
IDENTITY_RESOLVE_FUNCTION(identity_of_value) {
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2)) return Datum{0};
  const Oid table = PG_GETARG_OID(0);
  Object arguments = begin_object();
  add_text(arguments, "kind", text_argument(fcinfo, 1));
  add_text(arguments, "value", text_argument(fcinfo, 2));
  add_text(arguments, "scope", text_argument(fcinfo, 3));
  const Datum found = run_operation(find_home(fcinfo), table, kOfValue, end_object(arguments));
  const bool sees_all = may_read_all(table);
  JsonbIterator* at = JsonbIteratorInit(&DatumGetJsonbP(found)->root);
  JsonbValue value;
  for (JsonbIteratorToken token = JsonbIteratorNext(&at, &value, false); token != WJB_DONE;
       token = JsonbIteratorNext(&at, &value, false)) {
    if (token != WJB_ELEM) continue;
    CHECK_FOR_INTERRUPTS();
    Datum id = DirectFunctionCall1(
        uuid_in, CStringGetDatum(pnstrdup(value.val.string.val, value.val.string.len)));
    bool is_null = false;
    if (sees_all || is_seen(table, id)) {
      tuplestore_putvalues(result->setResult, result->setDesc, &id, &is_null);
    }
  }
  return Datum{0};
}

// identity_map_records(map regclass) → SETOF (identity_id uuid, source text, record_id text).
IDENTITY_RESOLVE_FUNCTION(identity_map_records) {
  list_all(fcinfo, kRecords, "records");
  return Datum{0};
}

// identity_map_retired(map regclass, since timestamptz) → SETOF (identity_id uuid, current_id uuid,
// retired_at timestamptz).
IDENTITY_RESOLVE_FUNCTION(identity_map_retired) {
  list_all(fcinfo, kRetired, "retired ids");
  return Datum{0};
}

// identity_map_records_support(internal) → internal: how many rows identity_map_records() gives, by
// what the planner knows of the map's table, whose name mostly is a constant. A guess is needed, as
// a join with millions of records is another one than with a thousand.
IDENTITY_RESOLVE_FUNCTION(identity_map_records_support) {
  constexpr double kRecordsOfAnIdentity = 3;
  auto* asked = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
  if (!IsA(asked, SupportRequestRows)) PG_RETURN_DATUM(Datum{0});
  auto* rows = reinterpret_cast<SupportRequestRows*>(asked);
  if (!is_funcclause(rows->node)) PG_RETURN_DATUM(Datum{0});
  const List* arguments = reinterpret_cast<const FuncExpr*>(rows->node)->args;
  const auto* map = static_cast<const Node*>(linitial(arguments));
  if (!IsA(map, Const) || reinterpret_cast<const Const*>(map)->constisnull) {
    PG_RETURN_DATUM(Datum{0});
  }
  const Datum table = reinterpret_cast<const Const*>(map)->constvalue;
  const HeapTuple found = SearchSysCache1(RELOID, table);
  if (!HeapTupleIsValid(found)) PG_RETURN_DATUM(Datum{0});
  const double identities = reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(found))->reltuples;
  ReleaseSysCache(found);
  if (identities <= 0) PG_RETURN_DATUM(Datum{0});
  rows->rows = identities * kRecordsOfAnIdentity;
  PG_RETURN_POINTER(asked);
}

// identity_map_history(map regclass, since timestamptz, identity_id uuid). Row by row into a
// tuplestore, as a map may have had more events than fit into memory.
IDENTITY_RESOLVE_FUNCTION(identity_map_history) {
  demand_map(fcinfo);
  const Target target = find_target(find_home(fcinfo), PG_GETARG_OID(0));
  demand_all(target.table, "history");
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  as_user(target.owner, kSafePath, [&] {
    // Its columns are of the types that the result has, and stay so.
    table_close(open_state(target.map_id, "history", {ACL_SELECT}, AccessShareLock), NoLock);
    std::array<Oid, 2> types = {TIMESTAMPTZOID, UUIDOID};
    std::array<Datum, 2> values = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
    const std::array<char, 2> nulls = {PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' '};
    const char* query = psprintf(
        "SELECT h.at, h.event, h.identity_id, h.from_ids, h.into_id, h.by_kind, h.by_value "
        "FROM %s.m%d_history AS h WHERE ($1 IS NULL OR h.at >= $1) "
        "AND ($2 IS NULL OR $2 IN (h.identity_id, h.into_id) OR $2 = ANY (h.from_ids)) "
        "ORDER BY h.history_id",
        kStateSchema, target.map_id);
    SPI_connect();
    const Portal rows =
        SPI_cursor_open_with_args(nullptr, query, static_cast<int>(types.size()), types.data(),
                                  values.data(), nulls.data(), true, 0);
    store_rows(rows, result);
    SPI_finish();
    return 0;
  });
  return Datum{0};
}
