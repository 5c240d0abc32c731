// What a user calls of identity maps, but for refresh_identity_map(): src/sql/56-map-public.sql.
// Each function checks its arguments, makes one jsonb value of them and hands it on.
//
// Plain frames all of it: no C++ object is alive where PostgreSQL may raise an error.
#include "pg/guard.h"
#include "pg/map_calls.h"
#include "pg/map_state.h"
#include "pg/resolve.h"

extern "C" {
#include <utils/rls.h>
#include <utils/varlena.h>
}

namespace identity_resolve::pg {

namespace {

constexpr Operation kIdentify{"identify()", "identity_map_identify", Right::kInsert, true, false,
                              kStateLock};
constexpr Operation kForget{"forget()", "identity_map_forget", Right::kOwn, true,
                            false,      kRefreshLock};
constexpr Operation kRemember{"remember()", "identity_map_remember", Right::kOwn, true, false,
                              kRefreshLock};
constexpr Operation kCurrent{
    "identity_current()", "identity_map_get_current", Right::kSelect, true, false, 0};
constexpr Operation kClauses{
    "identity_map_clauses()", "identity_map_get_clauses", Right::kOwn, false, false, 0};
constexpr Operation kAlter{
    "alter_identity_map()", "identity_map_alter", Right::kOwn, false, true, kRefreshLock};
constexpr Operation kReduce{
    "reduce_identity_map()", kAlter.function, Right::kOwn, false, true, kRefreshLock};
constexpr Operation kForgetIdentity{"forget_identity()", kForget.function, Right::kOwn, true, false,
                                    kRefreshLock};

// A JSON object that is being written.
struct Object {
  StringInfoData text;
};

void begin_member(Object& object, const char* name) {
  appendStringInfoString(&object.text, object.text.len > 1 ? ", " : "");
  escape_json(&object.text, name);
  appendStringInfoString(&object.text, ": ");
}

Object begin_object() {
  Object object{};
  initStringInfo(&object.text);
  appendStringInfoChar(&object.text, '{');
  return object;
}

Datum end_object(Object& object) {
  appendStringInfoChar(&object.text, '}');
  return jsonb_of(object.text.data);
}

void add_text(Object& object, const char* name, const char* value) {
  begin_member(object, name);
  if (value == nullptr) {
    appendStringInfoString(&object.text, "null");
  } else {
    escape_json(&object.text, value);
  }
}

void add_jsonb(Object& object, const char* name, Datum value) {
  begin_member(object, name);
  write_jsonb(&object.text, DatumGetJsonbP(value));
}

// An argument of type text, nullptr where it is NULL.
const char* text_argument(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

// An argument of type text[]; NULL where it is.
void add_texts(Object& object, const char* name, FunctionCallInfo fcinfo, int argument) {
  begin_member(object, name);
  if (PG_ARGISNULL(argument)) {
    appendStringInfoString(&object.text, "null");
    return;
  }
  Datum* values = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &values,
                    &nulls, &count);
  appendStringInfoChar(&object.text, '[');
  for (int i = 0; i < count; ++i) {
    if (i > 0) appendStringInfoString(&object.text, ", ");
    if (nulls[i]) {
      appendStringInfoString(&object.text, "null");
    } else {
      escape_json(&object.text, TextDatumGetCString(values[i]));
    }
  }
  appendStringInfoChar(&object.text, ']');
}

// An argument of type identity_clause[], whose values are stored as jsonb; false where it, or one
// of them, is NULL.
bool add_clauses(Object& object, const char* name, FunctionCallInfo fcinfo, int argument) {
  if (PG_ARGISNULL(argument)) return false;
  ArrayType* clauses = PG_GETARG_ARRAYTYPE_P(argument);
  if (array_contains_nulls(clauses)) return false;
  std::int16_t length = 0;
  bool by_value = false;
  char alignment = '\0';
  get_typlenbyvalalign(ARR_ELEMTYPE(clauses), &length, &by_value, &alignment);
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(clauses, ARR_ELEMTYPE(clauses), length, by_value, alignment, &values, nullptr,
                    &count);
  begin_member(object, name);
  appendStringInfoChar(&object.text, '[');
  for (int i = 0; i < count; ++i) {
    if (i > 0) appendStringInfoString(&object.text, ", ");
    write_jsonb(&object.text, DatumGetJsonbP(values[i]));
  }
  appendStringInfoChar(&object.text, ']');
  return true;
}

[[noreturn]] void no_clauses(const char* function) {
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                  errmsg("%s() needs a name and clauses that are not null", function),
                  errhint("Check the expressions that give them.")));
  pg_unreachable();
}

const char* caller_path() { return GetConfigOption("search_path", false, false); }

// Whether the caller may read every row of the map's table.
bool may_read_all(Oid table) {
  return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
         check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

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

// identify() by somebody who may not read all of the map: an error that comes of what others told
// the map may hold their values, in its message, its detail or its context. It keeps its SQLSTATE.
// The errors by which the call itself is refused, and those of the server's state, stay as they
// are.
void hide_others_values(ErrorData* error, const char* map) {
  switch (ERRCODE_TO_CATEGORY(error->sqlerrcode)) {
    case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_TRANSACTION_STATE):
    case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
    case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
    case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
    case ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED):
      return;
    default:
      break;
  }
  if (error->sqlerrcode == ERRCODE_NULL_VALUE_NOT_ALLOWED ||
      error->sqlerrcode == ERRCODE_INVALID_PARAMETER_VALUE ||
      error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE) {
    return;
  }
  error->message = psprintf("identify() could not bring identity map \"%s\" in line", map);
  error->detail = pstrdup("The cause is not shown, as it may hold values that you may not read.");
  error->detail_log = nullptr;
  error->hint = pstrdup("The owner of the map sees it by the same call.");
  error->context = nullptr;
  error->internalquery = nullptr;
}

Datum identify_hiding(const Home& home, Oid table, Datum arguments) {
  const MemoryContext memory = CurrentMemoryContext;
  Datum result = 0;
  // Warnings may name values, too; the server's log has them.
  const int level = NewGUCNestLevel();
  set_for_call("client_min_messages", "error");
  PG_TRY();
  { result = run_operation(home, table, kIdentify, arguments); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    const char* name = get_rel_name(table);
    hide_others_values(error, name == nullptr ? "?" : name);
    ReThrowError(error);
  }
  PG_END_TRY();
  AtEOXact_GUC(false, level);
  return result;
}

Datum uuid_or_null(FunctionCallInfo fcinfo, const char* id) {
  if (id == nullptr) PG_RETURN_NULL();
  return DirectFunctionCall1(uuid_in, CStringGetDatum(id));
}

// The identity that an id stands for now, as text; nullptr for nobody.
const char* current_of(const Home& home, Oid table, Datum id) {
  Object arguments = begin_object();
  add_text(arguments, "identity_id", DatumGetCString(DirectFunctionCall1(uuid_out, id)));
  return jsonb_text(run_operation(home, table, kCurrent, end_object(arguments)), "id");
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// create_identity_map(name text, VARIADIC clauses identity_clause[]) → regclass.
IDENTITY_RESOLVE_FUNCTION(create_identity_map) {
  const Home home = find_home(fcinfo);
  Object arguments = begin_object();
  if (PG_ARGISNULL(0) || !add_clauses(arguments, "clauses", fcinfo, 1)) {
    no_clauses("create_identity_map");
  }
  demand_writable("create_identity_map()");
  const char* name = text_argument(fcinfo, 0);
  add_text(arguments, "name", name);
  add_text(arguments, "path", caller_path());
  // In this order: who has no map left that lives is dismissed.
  clear_dead_maps(home);
  CommandCounterIncrement();
  admit_owner(home, GetUserId());
  const Datum made = call_as_caller("identity_map_create", end_object(arguments));
  const Oid table =
      DatumGetObjectId(DirectFunctionCall1(oidin, CStringGetDatum(jsonb_text(made, "map"))));
  check_right(Right::kOwn, table);
  const Datum layout = call_raised(home, "identity_map_register", static_cast<int>(table), made);
  CommandCounterIncrement();
  const Target target = find_target(home, table);
  call_raised(home, "identity_map_prepare", target.map_id, layout);
  PG_RETURN_OID(table);
}

// alter_identity_map(map regclass, VARIADIC clauses identity_clause[]) → void.
IDENTITY_RESOLVE_FUNCTION(alter_identity_map) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  Object arguments = begin_object();
  if (!add_clauses(arguments, "clauses", fcinfo, 1)) no_clauses("alter_identity_map");
  add_text(arguments, "path", caller_path());
  run_operation(find_home(fcinfo), PG_GETARG_OID(0), kAlter, end_object(arguments));
  PG_RETURN_VOID();
}

// reduce_identity_map(map regclass, sources text[], rules text[], columns text[], aliases text[]) →
// void.
IDENTITY_RESOLVE_FUNCTION(reduce_identity_map) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  Object arguments = begin_object();
  begin_member(arguments, "clauses");
  appendStringInfoString(&arguments.text, "[]");
  add_texts(arguments, "sources", fcinfo, 1);
  add_texts(arguments, "rules", fcinfo, 2);
  add_texts(arguments, "columns", fcinfo, 3);
  add_texts(arguments, "aliases", fcinfo, 4);
  run_operation(find_home(fcinfo), PG_GETARG_OID(0), kReduce, end_object(arguments));
  PG_RETURN_VOID();
}

// drop_identity_map(name text) → void: a map's triggers, state, history and table. Where no table
// has the name: the map whose table had it.
IDENTITY_RESOLVE_FUNCTION(drop_identity_map) {
  if (PG_ARGISNULL(0)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("drop_identity_map() needs a name"), errhint("Name the map's table.")));
  }
  demand_writable("drop_identity_map()");
  const Home home = find_home(fcinfo);
  const char* name = text_argument(fcinfo, 0);
  // As to_regclass() has it.
  List* names = name_parts(name);
  const Oid table = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
  Target target{};
  if (OidIsValid(table)) {
    target = find_target(home, table);
    check_right(Right::kOwn, table);
    lock_map(home, target.map_id, kRefreshLock, true, true);
    target = find_target(home, table);
  } else {
    target = find_dead_target(home, name);
    if (target.map == 0) no_map(name, InvalidOid);
  }
  call_raised(home, "identity_map_erase", target.map_id, jsonb_of("{}"));
  if (OidIsValid(table)) drop_table(target);
  PG_RETURN_VOID();
}

// identify(map regclass, user_id text, traits jsonb) → uuid.
IDENTITY_RESOLVE_FUNCTION(identify) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const Home home = find_home(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  Object arguments = begin_object();
  add_text(arguments, "user_id", text_argument(fcinfo, 1));
  if (PG_ARGISNULL(2)) {
    add_text(arguments, "traits", nullptr);
  } else {
    add_jsonb(arguments, "traits", PG_GETARG_DATUM(2));
  }
  const Datum given = end_object(arguments);
  const Datum result = may_read_all(table) ? run_operation(home, table, kIdentify, given)
                                           : identify_hiding(home, table, given);
  return uuid_or_null(fcinfo, jsonb_text(result, "id"));
}

// identity_current(map regclass, identity_id uuid) → uuid. NULL, too, where row-level security
// hides the identity's row from the caller.
IDENTITY_RESOLVE_FUNCTION(identity_current) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_NULL();
  const Oid table = PG_GETARG_OID(0);
  const Datum id = uuid_or_null(fcinfo, current_of(find_home(fcinfo), table, PG_GETARG_DATUM(1)));
  if (fcinfo->isnull) return Datum{0};
  if (!may_read_all(table) && !is_seen(table, id)) PG_RETURN_NULL();
  return id;
}

// identity_map_clauses(map regclass) → identity_clause[].
IDENTITY_RESOLVE_FUNCTION(identity_map_clauses) {
  const Datum found = run_operation(find_home(fcinfo), PG_GETARG_OID(0), kClauses, jsonb_of("{}"));
  const Oid array = get_func_rettype(fcinfo->flinfo->fn_oid);
  const Oid type = get_element_type(array);
  ArrayBuildState* clauses = initArrayResult(type, CurrentMemoryContext, false);
  Oid input = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(type, &input, &parameter);
  JsonbIterator* at = JsonbIteratorInit(&DatumGetJsonbP(found)->root);
  JsonbValue value;
  for (JsonbIteratorToken token = JsonbIteratorNext(&at, &value, true); token != WJB_DONE;
       token = JsonbIteratorNext(&at, &value, true)) {
    if (token != WJB_ELEM) continue;
    char* written = write_jsonb(nullptr, JsonbValueToJsonb(&value));
    accumArrayResult(clauses, OidInputFunctionCall(input, written, parameter, -1), false, type,
                     CurrentMemoryContext);
  }
  return makeArrayResult(clauses, CurrentMemoryContext);
}

// forget(map regclass, source text, record_id text) → boolean.
IDENTITY_RESOLVE_FUNCTION(forget) {
  Object arguments = begin_object();
  add_text(arguments, "source", text_argument(fcinfo, 1));
  add_text(arguments, "record_id", text_argument(fcinfo, 2));
  const Datum done =
      run_operation(find_home(fcinfo), PG_GETARG_OID(0), kForget, end_object(arguments));
  PG_RETURN_BOOL(std::strcmp(jsonb_text(done, "forgotten"), "0") != 0);
}

// forget_identity(map regclass, identity_id uuid) → integer; NULL for an id that stands for nobody.
IDENTITY_RESOLVE_FUNCTION(forget_identity) {
  const Home home = find_home(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  check_right(Right::kOwn, table);
  Object arguments = begin_object();
  add_text(arguments, "identity_id", current_of(home, table, PG_GETARG_DATUM(1)));
  const Datum done = run_operation(home, table, kForgetIdentity, end_object(arguments));
  return DirectFunctionCall1(int4in, CStringGetDatum(jsonb_text(done, "forgotten")));
}

// remember(map regclass, source text, record_id text) → boolean.
IDENTITY_RESOLVE_FUNCTION(remember) {
  Object arguments = begin_object();
  add_text(arguments, "source", text_argument(fcinfo, 1));
  add_text(arguments, "record_id", text_argument(fcinfo, 2));
  const Datum done =
      run_operation(find_home(fcinfo), PG_GETARG_OID(0), kRemember, end_object(arguments));
  PG_RETURN_BOOL(std::strcmp(jsonb_text(done, "was_forgotten"), "true") == 0);
}

// identity_map_history(map regclass, since timestamptz, identity_id uuid). Row by row into a
// tuplestore, as a map may have had more events than fit into memory.
IDENTITY_RESOLVE_FUNCTION(identity_map_history) {
  if (PG_ARGISNULL(0)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the map must not be null"),
                    errhint("Name it by its table.")));
  }
  const Home home = find_home(fcinfo);
  const Target target = find_target(home, PG_GETARG_OID(0));
  check_right(Right::kSelect, target.table);
  if (!may_read_all(target.table)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
         errmsg("permission denied for the history of identity map \"%s\"",
                get_rel_name(target.table)),
         errdetail("Row-level security hides rows of the map's table from you; the history tells "
                   "of all of them."),
         errhint("Ask the owner of the map, or a role with BYPASSRLS.")));
  }
  ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  as_user(target.owner, kSafePath, [&] {
    // Its columns are of the types that the result has, and stay so.
    table_close(open_state(target.map_id, "history", {ACL_SELECT}, AccessShareLock), NoLock);
    constexpr long kRowsAtATime = 1000;
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
    do {
      CHECK_FOR_INTERRUPTS();
      SPI_cursor_fetch(rows, true, kRowsAtATime);
      for (std::uint64_t i = 0; i < SPI_processed; ++i) {
        tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
      }
      SPI_freetuptable(SPI_tuptable);
    } while (SPI_processed > 0);
    SPI_cursor_close(rows);
    SPI_finish();
    return 0;
  });
  return Datum{0};
}
