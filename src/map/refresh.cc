// refresh_identity_map(): the steps of a refresh, each as the role that it must be, and what
// becomes of a failure.
//
//   secure    the functions' owner  the state's tables are the extension's, and nobody has rights
//   on
//                                   them but the map's owner; another role's state is replaced
//   look      the map's owner       the columns of the sources
//   prepare   the functions' owner  tables for what the sources are now
//   attach    the map's owner       triggers on a captured source that lacks them: they lock its
//                                   table, so a commit follows, and all of this once more
//   refresh   the map's owner       reads the sources, settles, writes
//   note      the functions' owner  what came of it, into the catalog
//
// The columns are looked at, and so the sources' tables locked against being altered, in the
// transaction that reads them.
//
// Plain frames all of it: no C++ object is alive where PostgreSQL may raise an error.
#include "map/calls.h"
#include "map/deferred_constraints.h"
#include "map/snapshot.h"
#include "pg/progress.h"

extern "C" {
#include <nodes/parsenodes.h>
#include <utils/resowner.h>
}

namespace identity_resolve::pg {

namespace {

// What refresh_identity_map() was asked for, and how far it has come.
struct Refresh {
  Oid table;
  bool full;
  bool wait;
  bool allow_loss;
  bool may_commit;  // between attaching triggers and reading
};

// Memory that outlives a commit: of the last refresh of this session.
MemoryContext session_memory() {
  static MemoryContext memory = nullptr;
  if (memory == nullptr) {
    memory =
        AllocSetContextCreate(TopMemoryContext, "identity_resolve refresh", ALLOCSET_SMALL_SIZES);
  }
  return memory;
}

// The refresh proper, which may take the refresh's snapshot.
Datum call_refresh(const Target& target, Datum arguments) {
  begin_refresh();
  Datum result = 0;
  PG_TRY();
  {
    const List* constraints = check_constraints_at_once(target.table);
    result = call_as_owner(target, "identity_map_refresh", arguments, false);
    defer_constraints_again(constraints);
  }
  PG_FINALLY();
  { end_refresh(); }
  PG_END_TRY();
  return result;
}

// Secures, looks, prepares, and attaches triggers: to one source, where a commit is to follow.
// Whether there were any to be attached.
bool make_ready(const Home& home, Target& target, bool may_commit) {
  admit_owner(home, target.owner);
  const Datum secured = call_raised(home, "identity_map_secure", target.map_id, jsonb_of("{}"));
  const char* former = jsonb_text(secured, "former");
  CommandCounterIncrement();
  // It has another number where its state had to be replaced.
  if (former != nullptr) target = find_target(home, target.table);
  const Datum layout = call_as_owner(target, "identity_map_look", jsonb_of("{}"), false);
  call_raised(home, "identity_map_prepare", target.map_id, layout);
  CommandCounterIncrement();
  target = find_target(home, target.table);
  if (former != nullptr) {
    call_as_owner(target, "identity_map_adopt", secured, false);
    call_raised(home, "identity_map_discard", target.map_id, secured);
  }
  const Datum attached = call_as_owner(target, "identity_map_attach",
                                       jsonb_of(may_commit ? "{\"most\": 1}" : "{}"), false);
  return std::strcmp(jsonb_text(attached, "count"), "0") != 0;
}

// One refresh, or its first half: false where it has attached triggers, which the caller is to
// commit before it calls again.
bool refresh(const Home& home, const Refresh& asked) {
  check_right(Right::kOwn, asked.table);
  const int map_id = find_target(home, asked.table).map_id;
  if (!lock_map(home, map_id, kRefreshLock, true, asked.wait)) {
    ereport(NOTICE, (errmsg("identity map \"%s\" is being refreshed by another session",
                            get_rel_name(asked.table)),
                     errdetail("Nothing was done, as wait is false.")));
    return true;
  }
  clear_dead_maps(home);
  // As whoever held the lock has left it.
  Target target = find_target(home, asked.table);
  if (make_ready(home, target, asked.may_commit) && asked.may_commit) return false;
  const Datum result = call_refresh(
      target, jsonb_of(psprintf("{\"full\": %s, \"allow_loss\": %s}", asked.full ? "true" : "false",
                                asked.allow_loss ? "true" : "false")));
  set_map_phase(MapPhase::kFinish);
  call_raised(home, "identity_map_note", target.map_id, result);
  return true;
}

// The same, and an error says of which map it comes.
bool refresh_named(const Home& home, const Refresh& asked) {
  const char* schema = get_namespace_name(get_rel_namespace(asked.table));
  const char* table = get_rel_name(asked.table);
  ErrorContextCallback context{};
  context.previous = error_context_stack;
  context.callback = [](void* name) {
    errcontext("refresh of identity map %s; alter_identity_map() gives a source another query",
               static_cast<const char*>(name));
  };
  context.arg = schema == nullptr || table == nullptr ? pstrdup("?")
                                                      : quote_qualified_identifier(schema, table);
  error_context_stack = &context;
  volatile bool is_done = false;
  // Not where a refresh calls a refresh, which is an error further on.
  const bool is_shown = begin_map_work(asked.table);
  PG_TRY();
  { is_done = refresh(home, asked); }
  PG_FINALLY();
  {
    if (is_shown) end_map_work();
  }
  PG_END_TRY();
  error_context_stack = context.previous;
  return is_done;
}

void commit() {
  SPI_connect_ext(SPI_OPT_NONATOMIC);
  commit_and_begin();
  SPI_finish();
}

// refresh() in a subtransaction of its own. Gives the error that it has raised, on the current
// memory context, or nullptr.
ErrorData* try_refresh(const Home& home, Refresh& asked, bool& is_done) {
  const MemoryContext memory = CurrentMemoryContext;
  const ResourceOwner resources = CurrentResourceOwner;
  ErrorData* volatile error = nullptr;
  volatile bool done = true;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    done = refresh_named(home, asked);
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
  is_done = done;
  return error;
}

// Writes a failure to the catalog and commits it, where the caller owns the map that failed. The
// error is then on memory that outlives the transaction.
ErrorData* note_failure(const Home& home, Oid table, ErrorData* error) {
  if (get_rel_name(table) == nullptr || !owns_relation(table)) return error;
  if (!is_map(home, table)) return error;
  StringInfoData json;
  initStringInfo(&json);
  appendStringInfoString(&json, "{\"error\": ");
  escape_json(&json, error->message);
  appendStringInfoString(&json, ", \"sqlstate\": ");
  escape_json(&json, unpack_sql_state(error->sqlerrcode));
  appendStringInfoChar(&json, '}');
  call_raised(home, "identity_map_note", find_target(home, table).map_id, jsonb_of(json.data));
  const MemoryContext outer = MemoryContextSwitchTo(session_memory());
  auto* kept = static_cast<ErrorData*>(palloc(sizeof(ErrorData)));
  *kept = *error;
  kept->message = pstrdup(error->message);
  kept->detail = error->detail == nullptr ? nullptr : pstrdup(error->detail);
  kept->hint = error->hint == nullptr ? nullptr : pstrdup(error->hint);
  kept->context = error->context == nullptr ? nullptr : pstrdup(error->context);
  MemoryContextSwitchTo(outer);
  commit();
  return kept;
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// refresh_identity_map(map regclass, full boolean, wait boolean, allow_loss boolean), a procedure:
// src/sql/56-map-public.sql. Where the call may commit, it does so once triggers are attached, and
// a failure is written to the catalog and then raised again.
IDENTITY_RESOLVE_FUNCTION(refresh_identity_map) {
  for (int i = 0; i < 4; ++i) {
    if (!PG_ARGISNULL(i)) continue;
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("no argument of refresh_identity_map() may be null")));
  }
  demand_writable("refresh_identity_map()");
  const Home home = find_home(fcinfo);
  Refresh asked{PG_GETARG_OID(0), PG_GETARG_BOOL(1), PG_GETARG_BOOL(2), PG_GETARG_BOOL(3), false};
  MemoryContextReset(session_memory());
  const bool is_atomic = fcinfo->context == nullptr || !IsA(fcinfo->context, CallContext) ||
                         reinterpret_cast<const CallContext*>(fcinfo->context)->atomic;
  if (is_atomic) {
    refresh_named(home, asked);
    return Datum{0};
  }
  // A commit a source that is attached. Should they be detached as fast, then without.
  constexpr int kMostCommits = 100;
  ErrorData* error = nullptr;
  bool is_done = false;
  for (int commits = 0;; ++commits) {
    asked.may_commit = commits < kMostCommits;
    error = try_refresh(home, asked, is_done);
    if (error != nullptr || is_done) break;
    commit();
  }
  if (error == nullptr) return Datum{0};
  ErrorData* kept = note_failure(home, asked.table, error);
  if (kept == error) ReThrowError(error);
  ereport(ERROR, (errcode(kept->sqlerrcode), errmsg("%s", kept->message),
                  kept->detail != nullptr ? errdetail("%s", kept->detail) : 0,
                  kept->hint != nullptr ? errhint("%s", kept->hint) : 0,
                  kept->context != nullptr ? errcontext("%s", kept->context) : 0));
  return Datum{0};
}
