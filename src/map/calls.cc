#include "map/calls.h"

#include <algorithm>

#include "map/datums.h"
#include "map/deferred_constraints.h"
#include "map/state_tables.h"
#include "pg/kept_plans.h"
#include "pg/progress.h"

extern "C" {
#include <access/htup_details.h>
#include <access/parallel.h>
#include <access/table.h>
#include <catalog/indexing.h>
#include <storage/lmgr.h>
#include <storage/lock.h>
#include <utils/fmgroids.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// Internal functions, those of them that touch a map, work only while this is above 0.
int calls_under_way = 0;

// An internal function, by its name and the types of its arguments, whoever may run it.
Oid find_function(const char* name, int count, const Oid* types) {
  const Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                                       PointerGetDatum(buildoidvector(types, count)),
                                       ObjectIdGetDatum(get_namespace_oid(kInternalSchema, false)));
  if (!OidIsValid(function)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                    errmsg("%s.%s() does not exist", kInternalSchema, name),
                    errhint("The library and the extension are of different versions: ALTER "
                            "EXTENSION identity_resolve UPDATE.")));
  }
  return function;
}

// A row of the catalog, as a value of its row type, on the current memory context; 0 where there is
// none. `condition` has one parameter, $1.
Datum find_map(const Home& home, const char* condition, Oid type, Datum value) {
  const MemoryContext outer = CurrentMemoryContext;
  return as_user(home.owner, kSafePath, [&] {
    SPI_connect();
    execute_cached(psprintf("SELECT c FROM %s.%s AS c WHERE %s ORDER BY c.map_id DESC LIMIT 1",
                            kInternalSchema, kCatalog, condition),
                   1, &type, &value, nullptr);
    Datum row = 0;
    if (SPI_processed > 0) {
      bool is_null = false;
      const Datum found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
      const MemoryContext inner = MemoryContextSwitchTo(outer);
      row = datumCopy(found, false, -1);
      MemoryContextSwitchTo(inner);
    }
    SPI_finish();
    return row;
  });
}

// A map by its table, which is there.
constexpr const char* kIsOfTable =
    "c.map = $1 AND identity_internal.identity_map_table(c.map, c.map_oid, c.map_name, "
    "c.written_in) "
    "IS NOT NULL";

Datum attribute_of(Datum row, const char* name, bool& is_null) {
  return GetAttributeByName(DatumGetHeapTupleHeader(row), name, &is_null);
}

bool is_allowed(Right right, Oid map) {
  if (owns_relation(map)) return true;
  if (right == Right::kOwn) return false;
  const AclMode mode = right == Right::kInsert ? ACL_INSERT : ACL_SELECT;
  return pg_class_aclcheck(map, GetUserId(), mode) == ACLCHECK_OK;
}

// The state of a map as a dump that was restored by another role has left it: error 55000. Costs a
// look at the index of pg_class by name, as rows of one map's tables lie side by side there.
void check_state_is_ours(const Home& home, int map_id) {
  const Oid schema = get_namespace_oid(kStateSchema, false);
  NameData from;
  NameData to;
  namestrcpy(&from, psprintf("m%d_", map_id));
  namestrcpy(&to, psprintf("m%d`", map_id));  // the character after _
  std::array<ScanKeyData, 2> keys{};
  ScanKeyInit(&keys[0], Anum_pg_class_relname, BTGreaterEqualStrategyNumber, F_NAMEGE,
              NameGetDatum(&from));
  ScanKeyInit(&keys[1], Anum_pg_class_relname, BTLessStrategyNumber, F_NAMELT, NameGetDatum(&to));
  const Relation classes = table_open(RelationRelationId, AccessShareLock);
  const SysScanDesc scan = systable_beginscan(classes, ClassNameNspIndexId, true, nullptr,
                                              static_cast<int>(keys.size()), keys.data());
  Oid stranger = InvalidOid;
  int count = 0;
  while (HeapTuple tuple = systable_getnext(scan)) {
    const auto* relation = reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(tuple));
    if (relation->relnamespace != schema) continue;
    ++count;
    if (relation->relowner != home.owner) stranger = relation->relowner;
  }
  systable_endscan(scan);
  table_close(classes, AccessShareLock);
  if (count > 0 && !OidIsValid(stranger)) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("the state of the identity map is not as the extension has made it"),
           count == 0 ? errdetail("Its tables in %s are missing.", kStateSchema)
                      : errdetail("Tables of it in %s belong to role \"%s\", as after a restore by "
                                  "another role.",
                                  kStateSchema, GetUserNameFromId(stranger, true)),
           errhint("%s", kMakeAnew)));
}

bool has_member(Datum object, const char* key) {
  JsonbValue room;
  return getKeyJsonValueFromContainer(&DatumGetJsonbP(object)->root, key,
                                      static_cast<int>(std::strlen(key)), &room) != nullptr;
}

}  // namespace

void begin_call() noexcept { ++calls_under_way; }
void end_call() noexcept { --calls_under_way; }

void require_call(FunctionCallInfo fcinfo) {
  if (calls_under_way > 0 || IsParallelWorker()) return;
  // The owner of the function may do what it likes.
  if (GetUserId() == find_home(fcinfo).owner) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("%s() is internal to identity_resolve", get_func_name(fcinfo->flinfo->fn_oid)),
           errdetail("It works only as a part of a call on an identity map."),
           errhint("Call refresh_identity_map(), identify() and their kin: see doc/maps.md.")));
}

bool lock_map(const Home& home, int map_id, std::uint16_t part, bool exclusive, bool wait) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, home.catalog, static_cast<std::uint32_t>(map_id), part);
  const LOCKMODE mode = exclusive ? ExclusiveLock : ShareLock;
  if (LockAcquire(&tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL) return true;
  if (!wait) return false;
  const MapPhase phase = set_map_phase(MapPhase::kWait);
  LockAcquire(&tag, mode, false, false);
  set_map_phase(phase);
  return true;
}

void no_map(const char* name, Oid table) {
  const AttrNumber id = OidIsValid(table) ? get_attnum(table, "identity_id") : InvalidAttrNumber;
  const bool looks_like_one = id != InvalidAttrNumber && get_atttype(table, id) == UUIDOID;
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("\"%s\" is no identity map", name),
                  looks_like_one
                      ? errdetail("It has a column identity_id: it may have been a map's table, "
                                  "and been restored without the map, as by pg_dump -s.")
                      : 0,
                  errhint("The view identity_maps lists them; create_identity_map() makes one.")));
  pg_unreachable();
}

void check_right(Right right, Oid map) {
  if (is_allowed(right, map)) return;
  const char* name = get_rel_name(map);
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("permission denied for identity map \"%s\"", name == nullptr ? "?" : name),
           errdetail("%s", right == Right::kOwn ? "Only its owner, or a member of that role, may."
                           : right == Right::kInsert
                               ? "It needs the privilege INSERT on the map's table."
                               : "It needs the privilege SELECT on the map's table.")));
}

bool is_map(const Home& home, Oid table) {
  return find_map(home, kIsOfTable, REGCLASSOID, ObjectIdGetDatum(table)) != 0;
}

Target find_target(const Home& home, Oid table) {
  Target target{};
  target.table = table;
  const char* name = get_rel_name(table);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation with OID %u does not exist", table)));
  }
  target.map = find_map(home, kIsOfTable, REGCLASSOID, ObjectIdGetDatum(table));
  if (target.map == 0) no_map(name, table);
  target.owner = owner_of(table);
  bool is_null = false;
  target.map_id = DatumGetInt32(attribute_of(target.map, "map_id", is_null));
  return target;
}

Target find_dead_target(const Home& home, const char* name) {
  Target target{};
  target.map =
      find_map(home,
               "c.map_name = $1 AND identity_internal.identity_map_table(c.map, c.map_oid, "
               "c.map_name, c.written_in) IS NULL",
               TEXTOID, PointerGetDatum(cstring_to_text(name)));
  if (target.map == 0) return target;
  bool is_null = false;
  target.map_id = DatumGetInt32(attribute_of(target.map, "map_id", is_null));
  const Datum owner = attribute_of(target.map, "owner_name", is_null);
  target.owner = is_null ? InvalidOid : get_role_oid(NameStr(*DatumGetName(owner)), true);
  // Of a role that is no more only a superuser, or the functions' owner, may clear things away.
  const Oid needed = OidIsValid(target.owner) ? target.owner : home.owner;
  if (!has_privs_of_role(GetUserId(), needed)) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied for identity map \"%s\"", name),
                    errdetail("Only its owner, or a member of that role, may.")));
  }
  return target;
}

Datum call_as_owner(const Target& target, const char* function, Datum arguments, bool is_small) {
  const std::array<Oid, 2> types = {HeapTupleHeaderGetTypeId(DatumGetHeapTupleHeader(target.map)),
                                    JSONBOID};
  const Oid id = find_function(function, 2, types.data());
  return during_call([&] {
    return as_user(target.owner, kSafePath, [&] {
      if (is_small) {
        // A few records among millions: by index, whatever the planner believes of a parameter.
        set_for_call("enable_seqscan", "off");
        set_for_call("enable_hashjoin", "off");
        set_for_call("enable_mergejoin", "off");
        set_for_call("identity_resolve.max_workers", "0");
        // A hash table is made as large as the planner expects it to become and memory allows: of a
        // million people's keys it expects so many that clearing it would take longer than the
        // work.
        set_for_call("work_mem", "64kB");
      }
      return OidFunctionCall2(id, target.map, arguments);
    });
  });
}

Datum call_raised(const Home& home, const char* function, int id, Datum arguments) {
  const std::array<Oid, 2> types = {INT4OID, JSONBOID};
  const Oid code = find_function(function, 2, types.data());
  return during_call([&] {
    return as_user(home.owner, kSafePath, [&] {
      // "drop cascades to" the triggers of a source: nobody has to do anything about it.
      set_for_call("client_min_messages", "warning");
      const Datum result = OidFunctionCall2(code, Int32GetDatum(id), arguments);
      show_map_work();
      return result;
    });
  });
}

Datum call_as_caller(const char* function, Datum arguments) {
  const Oid type = JSONBOID;
  const Oid id = find_function(function, 1, &type);
  return during_call([&] { return OidFunctionCall1(id, arguments); });
}

Datum run_operation(const Home& home, Oid table, const Operation& operation, Datum arguments) {
  if (operation.locks != 0) demand_writable(operation.name);
  Target target = find_target(home, table);
  check_right(operation.right, table);
  if (operation.locks != 0) {
    // identify() shares the state with others of its kind; the rest wait for a refresh and it for
    // them.
    lock_map(home, target.map_id, operation.locks, operation.locks == kRefreshLock, true);
    target = find_target(home, table);
  }
  check_state_is_ours(home, target.map_id);
  if (const char* problem = problem_of_state(DatumGetHeapTupleHeader(target.map))) {
    bad_shape(problem);
  }
  admit_owner(home, target.owner);
  // A new owner of the table has no rights on the state before the first call.
  const Oid records = find_state(target.map_id, "identities");
  if (OidIsValid(records) && pg_class_aclcheck(records, target.owner, ACL_INSERT) != ACLCHECK_OK) {
    call_raised(home, "identity_map_secure", target.map_id, jsonb_of("{}"));
    CommandCounterIncrement();
  }
  const List* constraints = operation.locks == 0 ? NIL : check_constraints_at_once(table);
  const Datum result = call_as_owner(target, operation.function, arguments, operation.is_small);
  defer_constraints_again(constraints);
  if (operation.notes != nullptr && has_member(result, operation.notes)) {
    call_raised(home, "identity_map_note", target.map_id, result);
  }
  return result;
}

void admit_owner(const Home& home, Oid role) {
  // One of those that identity_map_admit() gives all at once.
  const Oid type = JSONBOID;
  const Oid one = find_function("identity_map_create", 1, &type);
  if (right_to_execute(one, role) == ACLCHECK_OK) return;
  demand_writable("the first call on a map of a new owner");
  // Two grants on one function at a time would be one too many for PostgreSQL.
  lock_map(home, 0, kRightsLock, true, true);
  call_raised(home, "identity_map_admit", static_cast<int>(role), jsonb_of("{}"));
  CommandCounterIncrement();
}

void clear_dead_maps(const Home& home) {
  call_raised(home, "identity_map_clear_dead", static_cast<int>(GetUserId()), jsonb_of("{}"));
}

void drop_table(const Target& target) {
  as_user(target.owner, kSafePath, [&] {
    SPI_connect();
    const char* name = quote_qualified_identifier(
        get_namespace_name(get_rel_namespace(target.table)), get_rel_name(target.table));
    const int result = SPI_execute(psprintf("DROP TABLE %s", name), false, 0);
    if (result < 0) elog(ERROR, "SPI_execute: %s", SPI_result_code_string(result));
    SPI_finish();
    return 0;
  });
}

Datum jsonb_of(const char* json) { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json)); }

const char* jsonb_text(Datum object, const char* key) {
  JsonbValue room;
  const JsonbValue* value = getKeyJsonValueFromContainer(&DatumGetJsonbP(object)->root, key,
                                                         static_cast<int>(std::strlen(key)), &room);
  if (value == nullptr || value->type == jbvNull) return nullptr;
  if (value->type == jbvString) return pnstrdup(value->val.string.val, value->val.string.len);
  if (value->type == jbvNumeric) {
    return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
  }
  if (value->type == jbvBool) return value->val.boolean ? "true" : "false";
  elog(ERROR, "member \"%s\" is no scalar", key);
  return nullptr;
}

void check_does_work(const Home& home, int map_id) {
  if (GetUserId() == home.owner) return;
  const Oid records = find_state(map_id, "identities");
  if (OidIsValid(records) && pg_class_aclcheck(records, GetUserId(), ACL_INSERT) == ACLCHECK_OK) {
    return;
  }
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for the state of that identity map")));
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_lock(map_id integer, part integer, exclusive boolean, wait boolean) → boolean: until
// the end of the transaction. Part 1: one refresh at a time; part 2: the state.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_lock) {
  const int map_id = PG_GETARG_INT32(0);
  const int part = PG_GETARG_INT32(1);
  const Home home = find_home(fcinfo);
  check_does_work(home, map_id);
  if (part != kRefreshLock && part != kStateLock) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("a map's lock has no part %d", part)));
  }
  PG_RETURN_BOOL(lock_map(home, map_id, static_cast<std::uint16_t>(part), PG_GETARG_BOOL(2),
                          PG_GETARG_BOOL(3)));
}

// identity_map_lock_keys(map_id integer, keys bigint[]) → void: each of the keys, in order, until
// the end of the transaction, as calls of identify() lock what they are about. A lock is a row of
// m<id>_claims that is put in and taken out at once: whoever puts in the same key waits, at the
// primary key, until this transaction has ended, and finds nothing then. So it takes no room in the
// server's table of locks, however many keys a transaction claims.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_lock_keys) {
  const int map_id = PG_GETARG_INT32(0);
  const Home home = find_home(fcinfo);
  check_does_work(home, map_id);
  const std::span<const std::int64_t> keys = number_argument(fcinfo, 1);
  auto* sorted = static_cast<std::int64_t*>(palloc(keys.size_bytes() + sizeof(std::int64_t)));
  std::copy(keys.begin(), keys.end(), sorted);
  std::sort(sorted, sorted + keys.size());
  const std::int64_t* end = std::unique(sorted, sorted + keys.size());
  PushActiveSnapshot(GetLatestSnapshot());
  StateTable* claims = open_state_table(map_id, "claims");
  auto* places = static_cast<ItemPointerData*>(palloc(sizeof(ItemPointerData) * (keys.size() + 1)));
  std::size_t count = 0;
  for (const std::int64_t* key = sorted; key != end; ++key) {
    CHECK_FOR_INTERRUPTS();
    const Datum value = Int64GetDatum(*key);
    const bool is_null = false;
    places[count++] = put_row(claims, &value, &is_null);
  }
  CommandCounterIncrement();
  UpdateActiveSnapshotCommandId();
  claims->state->es_snapshot = GetActiveSnapshot();
  for (std::size_t i = 0; i < count; ++i) delete_row(claims, places[i]);
  close_state_table(claims);
  PopActiveSnapshot();
  PG_RETURN_VOID();
}

// identity_map_analyze(map_id integer, VARIADIC names text[]) → void: what the planner knows of
// tables m<id>_<name>, anew. It runs as their owner: before PostgreSQL 17 nobody else may.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_analyze) {
  const int map_id = PG_GETARG_INT32(0);
  const Home home = find_home(fcinfo);
  check_does_work(home, map_id);
  Datum* names = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
                    &count);
  for (int i = 0; i < count; ++i) {
    const char* name = nulls[i] ? "" : TextDatumGetCString(names[i]);
    const Oid table = find_state(map_id, name);
    if (!OidIsValid(table) || owner_of(table) != home.owner ||
        get_rel_relkind(table) != RELKIND_RELATION) {
      ereport(ERROR,
              (errcode(ERRCODE_UNDEFINED_TABLE),
               errmsg("an identity map's state has no table m%d_%s of its own", map_id, name)));
    }
    as_user(home.owner, kSafePath, [&] {
      SPI_connect();
      const char* statement =
          psprintf("ANALYZE %s", quote_qualified_identifier(kStateSchema, get_rel_name(table)));
      const int result = SPI_execute(statement, false, 0);
      if (result < 0) elog(ERROR, "SPI_execute: %s", SPI_result_code_string(result));
      SPI_finish();
      return 0;
    });
  }
  show_map_work();
  PG_RETURN_VOID();
}
