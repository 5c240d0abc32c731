// Who does what in an identity map: the ways from a user's call to the map's own work.
//
// A map's work is done in SQL and PL/pgSQL (src/sql/50-map.sql and on). What SQL cannot do stands
// here: to become the map's owner for as long as that work runs, as REFRESH MATERIALIZED VIEW does;
// to wait for each other by locks of our own that nobody else can take; and to write down a failure
// after it. How statements are run, and by which snapshot: map_execute.cc.
//
// Plain frames all of it: no C++ object is alive where PostgreSQL may raise an error.
#include <algorithm>

#include "pg/guard.h"
#include "pg/kept_plans.h"
#include "pg/map_arrays.h"
#include "pg/map_home.h"
#include "pg/map_snapshot.h"
#include "pg/pg.h"
#include "pg/resolve.h"

extern "C" {
#include <access/htup_details.h>
#include <nodes/parsenodes.h>
#include <parser/parse_func.h>
#include <storage/lmgr.h>
#include <storage/lock.h>
#include <utils/regproc.h>
#include <utils/resowner.h>
#include <utils/snapmgr.h>
#include <utils/syscache.h>
#include <utils/varlena.h>
}

namespace identity_resolve::pg {

namespace {

// A function of the extension, by its name and the types of its arguments.
Oid find_function(const char* name, int count, const Oid* types) {
  return LookupFuncName(list_make2(makeString(pstrdup(kInternalSchema)), makeString(pstrdup(name))),
                        count, types, false);
}

// A row of the catalog, as a value of its row type, on the current memory context; 0 where there is
// none. `condition` has one parameter.
Datum find_map(const Home& home, const char* condition, Oid type, Datum value) {
  const MemoryContext outer = CurrentMemoryContext;
  return as_user(home.owner, kSafePath, [&] {
    SPI_connect();
    execute_cached(
        psprintf("SELECT c FROM %s.%s AS c WHERE %s", kInternalSchema, kCatalog, condition), 1,
        &type, &value, nullptr);
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

int map_number(Datum map) {
  bool is_null = false;
  return DatumGetInt32(GetAttributeByName(DatumGetHeapTupleHeader(map), "map_id", &is_null));
}

[[noreturn]] void no_map(const char* name) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("\"%s\" is no identity map", name),
                  errhint("The view identity_maps lists them; create_identity_map() makes one.")));
  pg_unreachable();
}

// Calls a function of the map's own as its owner: function(catalog row, arguments) → jsonb.
Datum call_as_owner(const Home& home, Oid owner, const char* function, Datum map, Datum arguments,
                    bool small) {
  const std::array<Oid, 2> types = {get_rel_type_id(home.catalog), JSONBOID};
  const Oid id = find_function(function, 2, types.data());
  return as_user(owner, kSafePath, [&] {
    set_for_call("jit", "off");
    if (small) {
      // A few records among millions: by index, whatever the planner believes of a parameter.
      set_for_call("enable_seqscan", "off");
      set_for_call("enable_hashjoin", "off");
      set_for_call("enable_mergejoin", "off");
      set_for_call("identity_resolve.max_workers", "0");
      // A hash table is made as large as the planner expects it to become and memory allows: of a
      // million people's keys it expects so many that clearing it would take longer than the work.
      set_for_call("work_mem", "64kB");
    }
    return OidFunctionCall2(id, map, arguments);
  });
}

// Calls a function of the catalog's: function(map_id, arguments) → jsonb, as the catalog's owner.
Datum call_as_catalog(const Home& home, const char* function, int map_id, Datum arguments) {
  const std::array<Oid, 2> types = {INT4OID, JSONBOID};
  const Oid id = find_function(function, 2, types.data());
  return as_user(home.owner, kSafePath,
                 [&] { return OidFunctionCall2(id, Int32GetDatum(map_id), arguments); });
}

Datum jsonb_of(const char* json) { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json)); }

// The parts of a map's lock: one refresh at a time; the state, which identify() shares.
constexpr std::uint16_t kRefreshLock = 1;
constexpr std::uint16_t kStateLock = 2;

bool lock(Oid catalog, std::uint32_t object, std::uint16_t part, bool exclusive, bool wait) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, catalog, object, part);
  return LockAcquire(&tag, exclusive ? ExclusiveLock : ShareLock, false, !wait) !=
         LOCKACQUIRE_NOT_AVAIL;
}

enum class Right : std::uint8_t { kOwn, kInsert, kSelect };

// What may be asked of a map, and by whom.
struct Operation {
  std::string_view name;
  const char* function;
  Right right;
  bool small;           // works on a few records
  bool notes;           // what it gives is written to the catalog
  std::uint16_t locks;  // a part of the map's lock, or 0
};

constexpr std::array kOperations = {
    Operation{"identify", "identity_map_identify", Right::kInsert, true, false, kStateLock},
    Operation{"forget", "identity_map_forget", Right::kOwn, true, false, kRefreshLock},
    Operation{"remember", "identity_map_remember", Right::kOwn, true, false, kRefreshLock},
    Operation{"current", "identity_map_get_current", Right::kSelect, true, false, 0},
    Operation{"clauses", "identity_map_get_clauses", Right::kOwn, false, false, 0},
    Operation{"alter", "identity_map_alter", Right::kOwn, false, true, kRefreshLock},
};

bool is_allowed(Right right, Oid map) {
  if (owns_relation(map)) return true;
  if (right == Right::kOwn) return false;
  const AclMode mode = right == Right::kInsert ? ACL_INSERT : ACL_SELECT;
  return pg_class_aclcheck(map, GetUserId(), mode) == ACLCHECK_OK;
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

// The map whose table this is, and its owner.
struct Target {
  Datum map;
  Oid table;
  Oid owner;
  int map_id;
};

Target find_target(const Home& home, Oid table) {
  Target target{};
  target.table = table;
  const char* name = get_rel_name(table);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation with OID %u does not exist", table)));
  }
  target.map = find_map(home, "c.map = $1", REGCLASSOID, ObjectIdGetDatum(table));
  if (target.map == 0) no_map(name);
  target.owner = owner_of(table);
  target.map_id = map_number(target.map);
  return target;
}

// A map's state belongs to the owner of its table; whoever owns the state may lock it.
void check_owns_state(const Home& home, int map_id) {
  if (owns_relation(home.catalog)) return;
  const Oid schema = get_namespace_oid(kStateSchema, true);
  const Oid records =
      OidIsValid(schema) ? get_relname_relid(psprintf("m%d_records", map_id), schema) : InvalidOid;
  if (OidIsValid(records) && owns_relation(records)) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied for the state of that identity map")));
}

// A map's own function, which may take the refresh's snapshot.
Datum call_refresh(const Home& home, Oid owner, Datum map, Datum arguments) {
  begin_refresh();
  Datum result = 0;
  PG_TRY();
  { result = call_as_owner(home, owner, "identity_map_refresh", map, arguments, false); }
  PG_CATCH();
  {
    end_refresh();
    PG_RE_THROW();
  }
  PG_END_TRY();
  end_refresh();
  return result;
}

// What a refresh does, each step as who it must be: look at the sources (owner), make room for them
// (catalog), read and settle (owner), write down what came of it (catalog).
void refresh(const Home& home, Oid table, bool full, bool wait) {
  check_right(Right::kOwn, table);
  const int map_id = find_target(home, table).map_id;
  if (!lock(home.catalog, static_cast<std::uint32_t>(map_id), kRefreshLock, true, wait)) {
    ereport(NOTICE, (errmsg("identity map \"%s\" is being refreshed by another session",
                            get_rel_name(table)),
                     errdetail("Nothing was done, as wait is false.")));
    return;
  }
  // As whoever held the lock has left it.
  const Target target = find_target(home, table);
  const char* call_arguments =
      psprintf("{\"full\": %s, \"wait\": %s}", full ? "true" : "false", wait ? "true" : "false");
  const Datum layout = call_as_owner(home, target.owner, "identity_map_look", target.map,
                                     jsonb_of(call_arguments), false);
  call_as_catalog(home, "identity_map_prepare", target.map_id, layout);
  CommandCounterIncrement();
  const Datum map = find_map(home, "c.map = $1", REGCLASSOID, ObjectIdGetDatum(table));
  if (map == 0) no_map(get_rel_name(table));
  const Datum result = call_refresh(home, target.owner, map, jsonb_of(call_arguments));
  call_as_catalog(home, "identity_map_note", target.map_id, result);
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// refresh_identity_map(map regclass, full boolean, wait boolean), a procedure:
// src/sql/56-map-public.sql. A failure is written to the catalog where the call may commit, and
// then raised again.
IDENTITY_RESOLVE_FUNCTION(refresh_identity_map) {
  for (int i = 0; i < 3; ++i) {
    if (!PG_ARGISNULL(i)) continue;
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("no argument of refresh_identity_map() may be null")));
  }
  const Home home = find_home(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  const bool full = PG_GETARG_BOOL(1);
  const bool wait = PG_GETARG_BOOL(2);
  const bool atomic = fcinfo->context == nullptr || !IsA(fcinfo->context, CallContext) ||
                      reinterpret_cast<const CallContext*>(fcinfo->context)->atomic;
  if (atomic) {
    refresh(home, table, full, wait);
    return Datum{0};
  }
  const MemoryContext memory = CurrentMemoryContext;
  const ResourceOwner resources = CurrentResourceOwner;
  ErrorData* volatile error = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    refresh(home, table, full, wait);
    ReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = resources;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = resources;
  }
  PG_END_TRY();
  if (error == nullptr) return Datum{0};

  // Only of maps that the caller may refresh is a failure written down.
  if (get_rel_name(table) != nullptr && owns_relation(table)) {
    const Datum map = find_map(home, "c.map = $1", REGCLASSOID, ObjectIdGetDatum(table));
    if (map != 0) {
      StringInfoData json;
      initStringInfo(&json);
      appendStringInfoString(&json, "{\"error\": ");
      escape_json(&json, error->message);
      appendStringInfoString(&json, ", \"sqlstate\": ");
      escape_json(&json, unpack_sql_state(error->sqlerrcode));
      appendStringInfoChar(&json, '}');
      call_as_catalog(home, "identity_map_note", map_number(map), jsonb_of(json.data));
      ErrorData* kept = nullptr;
      {
        // A commit resets the memory of the transaction.
        const MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
        ErrorData* copy = static_cast<ErrorData*>(palloc(sizeof(ErrorData)));
        *copy = *error;
        copy->message = pstrdup(error->message);
        copy->detail = error->detail == nullptr ? nullptr : pstrdup(error->detail);
        copy->hint = error->hint == nullptr ? nullptr : pstrdup(error->hint);
        copy->context = error->context == nullptr ? nullptr : pstrdup(error->context);
        kept = copy;
        MemoryContextSwitchTo(outer);
      }
      SPI_connect_ext(SPI_OPT_NONATOMIC);
      SPI_commit();
      SPI_finish();
      const ErrorData told = *kept;
      pfree(kept);
      ereport(ERROR, (errcode(told.sqlerrcode), errmsg("%s", told.message),
                      told.detail != nullptr ? errdetail("%s", told.detail) : 0,
                      told.hint != nullptr ? errhint("%s", told.hint) : 0,
                      told.context != nullptr ? errcontext("%s", told.context) : 0));
    }
  }
  ReThrowError(error);
  return Datum{0};
}

// identity_map_call(map regclass, operation text, arguments jsonb) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_call) {
  const Home home = find_home(fcinfo);
  const text* name = PG_GETARG_TEXT_PP(1);
  const std::string_view asked(VARDATA_ANY(name),
                               static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name)));
  const Operation* operation = nullptr;
  for (const Operation& known : kOperations) {
    if (known.name == asked) operation = &known;
  }
  if (operation == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("an identity map knows no operation \"%.*s\"",
                           static_cast<int>(asked.size()), asked.data())));
  }
  Target target = find_target(home, PG_GETARG_OID(0));
  check_right(operation->right, target.table);
  if (operation->locks != 0) {
    // identify() shares the state with others of its kind; the rest wait for a refresh and it for
    // them.
    lock(home.catalog, static_cast<std::uint32_t>(target.map_id), operation->locks,
         operation->locks == kRefreshLock, true);
    target = find_target(home, target.table);
  }
  const Datum result = call_as_owner(home, target.owner, operation->function, target.map,
                                     PG_GETARG_DATUM(2), operation->small);
  if (operation->notes) call_as_catalog(home, "identity_map_note", target.map_id, result);
  PG_RETURN_DATUM(result);
}

// identity_map_history(map regclass, since timestamptz, identity_id uuid):
// src/sql/56-map-public.sql. Row by row into a tuplestore, as a map may have had more events than
// fit into memory.
IDENTITY_RESOLVE_FUNCTION(identity_map_history) {
  if (PG_ARGISNULL(0)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the map must not be null"),
                    errhint("Name it by its table.")));
  }
  const Home home = find_home(fcinfo);
  const Target target = find_target(home, PG_GETARG_OID(0));
  check_right(Right::kSelect, target.table);
  ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  as_user(target.owner, kSafePath, [&] {
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

// identity_map_enter(map regclass, arguments jsonb) → integer: takes a table into the catalog, as
// create_identity_map() has made it. Only its owner may.
IDENTITY_RESOLVE_FUNCTION(identity_map_enter) {
  const Home home = find_home(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  check_right(Right::kOwn, table);
  if (find_map(home, "c.map = $1", REGCLASSOID, ObjectIdGetDatum(table)) != 0) {
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("\"%s\" is an identity map already", get_rel_name(table)),
                    errhint("Change it with alter_identity_map().")));
  }
  const Datum entered =
      call_as_catalog(home, "identity_map_register", static_cast<int>(table), PG_GETARG_DATUM(1));
  CommandCounterIncrement();
  const Target target = find_target(home, table);
  call_as_catalog(home, "identity_map_prepare", target.map_id, entered);
  PG_RETURN_INT32(target.map_id);
}

// identity_map_leave(name text, table oid) → void: drops a map's state and, where it is still
// there, its table. Errors: 42704 for what is no map, 42501.
IDENTITY_RESOLVE_FUNCTION(identity_map_leave) {
  const Home home = find_home(fcinfo);
  const char* name = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const Oid table = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
  Datum map = 0;
  if (OidIsValid(table)) {
    map = find_map(home, "c.map = $1", REGCLASSOID, ObjectIdGetDatum(table));
    if (map == 0) no_map(name);
    check_right(Right::kOwn, table);
    call_as_owner(home, owner_of(table), "identity_map_detach", map, jsonb_of("{}"), false);
  } else {
    // The table was dropped by hand: the map is known by the name that it had.
    map = find_map(home, "c.map_name = $1 AND NOT EXISTS (SELECT FROM pg_class WHERE oid = c.map)",
                   TEXTOID, PointerGetDatum(cstring_to_text(name)));
    if (map == 0) no_map(name);
    check_owns_state(home, map_number(map));
    const Oid records = get_relname_relid(psprintf("m%d_records", map_number(map)),
                                          get_namespace_oid(kStateSchema, false));
    call_as_owner(home, owner_of(records), "identity_map_detach", map, jsonb_of("{}"), false);
  }
  call_as_catalog(home, "identity_map_erase", map_number(map), jsonb_of("{}"));
  PG_RETURN_VOID();
}

// identity_map_lock(catalog regclass, map_id integer, part integer, exclusive boolean, wait
// boolean) → boolean: until the end of the transaction. Part 1: one refresh at a time; part 2: the
// state.
IDENTITY_RESOLVE_FUNCTION(identity_map_lock) {
  const int map_id = PG_GETARG_INT32(0);
  const Home home = find_home(fcinfo);
  check_owns_state(home, map_id);
  PG_RETURN_BOOL(lock(home.catalog, static_cast<std::uint32_t>(map_id),
                      static_cast<std::uint16_t>(PG_GETARG_INT32(1)), PG_GETARG_BOOL(2),
                      PG_GETARG_BOOL(3)));
}

// identity_map_lock_keys(map_id integer, keys bigint[]) → void: each of the keys, in order, until
// the end of the transaction. Keys of one lock are of no harm: somebody waits who need not have.
IDENTITY_RESOLVE_FUNCTION(identity_map_lock_keys) {
  const int map_id = PG_GETARG_INT32(0);
  const Home home = find_home(fcinfo);
  check_owns_state(home, map_id);
  const std::span<const std::int64_t> keys = number_argument(fcinfo, 1);
  constexpr std::uint64_t kFirstPart = 16;
  constexpr std::uint64_t kParts = 65536 - kFirstPart;
  auto* tags = static_cast<std::uint64_t*>(palloc(sizeof(std::uint64_t) * (keys.size() + 1)));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::uint64_t mixed = static_cast<std::uint64_t>(keys[i]) ^
                          (static_cast<std::uint64_t>(map_id) * 0x9E3779B97F4A7C15U);
    mixed *= 0xFF51AFD7ED558CCDU;
    tags[i] = (mixed & 0xFFFFFFFF00000000U) | (kFirstPart + ((mixed & 0xFFFFFFFFU) % kParts));
  }
  std::sort(tags, tags + keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    lock(home.catalog, static_cast<std::uint32_t>(tags[i] >> 32),
         static_cast<std::uint16_t>(tags[i] & 0xFFFF), true, true);
  }
  PG_RETURN_VOID();
}
