// What a user calls of identity maps, but for refresh_identity_map(): src/sql/56-map-public.sql.
// Each function checks its arguments, makes one jsonb value of them and hands it on.
//
// Plain frames all of it: no C++ object is alive where PostgreSQL may raise an error.
#include "map/answers.h"
#include "map/call_arguments.h"
#include "pg/border.h"

extern "C" {
#include <utils/varlena.h>
}

namespace identity_resolve::pg {

namespace {

// Each of these two adds to how many identities and records there are.
constexpr const char* kCounts = "counts";
constexpr Operation kIdentify{"identify()", "identity_map_identify", Right::kInsert, true, kCounts,
                              kStateLock};
constexpr Operation kForget{"forget()", "identity_map_forget", Right::kOwn, true,
                            kCounts,    kRefreshLock};
constexpr Operation kRemember{"remember()", "identity_map_remember", Right::kOwn, true, nullptr,
                              kRefreshLock};
constexpr Operation kClauses{
    "identity_map_clauses()", "identity_map_get_clauses", Right::kOwn, false, nullptr, 0};
constexpr Operation kDefinition{
    "identity_map_definition()", "identity_map_get_definition", Right::kOwn, false, nullptr, 0};
constexpr Operation kAlter{
    "alter_identity_map()", "identity_map_alter", Right::kOwn, false, "clauses", kRefreshLock};
constexpr Operation kReduce{
    "reduce_identity_map()", kAlter.function, Right::kOwn, false, kAlter.notes, kRefreshLock};
constexpr Operation kForgetIdentity{
    "forget_identity()", kForget.function, Right::kOwn, true, kCounts, kRefreshLock};

[[noreturn]] void no_clauses(const char* function) {
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                  errmsg("%s() needs a name and clauses that are not null", function),
                  errhint("Check the expressions that give them.")));
  pg_unreachable();
}

const char* caller_path() { return GetConfigOption("search_path", false, false); }

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

// identity_map_definition(map regclass) → text. The search_path of the call says whether the one of
// the map's has to be set first.
IDENTITY_RESOLVE_FUNCTION(identity_map_definition) {
  Object arguments = begin_object();
  add_text(arguments, "path", caller_path());
  const Datum found =
      run_operation(find_home(fcinfo), PG_GETARG_OID(0), kDefinition, end_object(arguments));
  PG_RETURN_TEXT_P(cstring_to_text(jsonb_text(found, "definition")));
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
  add_text(arguments, "asked", DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(1))));
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
