// Where identity maps live, and as whom their work runs: the schemas and the catalog, the owner of
// the extension's functions, and the way to become another role for as long as a step takes.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/library.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

// The catalog of maps, the schema of the tables of their states, and the search_path of all
// internal work.
constexpr const char* kCatalog = "identity_map_catalog";
constexpr const char* kStateSchema = "identity_state";
constexpr const char* kSafePath = "pg_catalog, pg_temp";

// The extension's own catalog of maps, and the owner of its functions: after a trusted install by
// an ordinary role that is the bootstrap superuser, not the extension's owner.
struct Home {
  Oid catalog;  // kInternalSchema.kCatalog
  Oid owner;
};

// Errors: 42P01 without the catalog, 55000 where it belongs to another role than the function that
// was called.
Home find_home(FunctionCallInfo fcinfo);

// The owner of a relation that is there.
Oid owner_of(Oid relation);

// An internal function that touches a map works only as a part of a call on one
// (calls.h: call_as_owner() and its kin). Error 42501.
void require_call(FunctionCallInfo fcinfo);
// Runs work(), plain frames, as a part of a call on a map. It runs nothing that a user wrote but
// the sources' queries, as the map's owner.
void begin_call() noexcept;
void end_call() noexcept;
template <class Work>
Datum during_call(Work&& work) {
  Datum result = 0;
  begin_call();
  PG_TRY();
  { result = work(); }
  PG_FINALLY();
  { end_call(); }
  PG_END_TRY();
  return result;
}

// Raises 25006 on a standby and in a read-only transaction, where `what` cannot be called: before
// some step of it fails by a name that its caller does not know.
void demand_writable(const char* what);

// A setting, for as long as as_user() runs.
void set_for_call(const char* name, const char* value);

// Those of the settings that are the same for all work on maps, whoever calls and from whatever
// session: a source's query means the same, and a name is written in the same way, each time. Most
// are as PostgreSQL has them by default. It costs a comparison each where they are so already.
void set_work_settings();

// Runs work() as another role, under settings of its own that end with it. After an error the end
// of the (sub)transaction gives the old role and settings back.
template <class Work>
auto as_user(Oid user, const char* search_path, Work&& work) {
  Oid outer_user = InvalidOid;
  int outer_context = 0;
  GetUserIdAndSecContext(&outer_user, &outer_context);
  SetUserIdAndSecContext(
      user, outer_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
  const int level = NewGUCNestLevel();
  set_for_call("search_path", search_path);
  set_work_settings();
  const auto result = work();
  AtEOXact_GUC(false, level);
  SetUserIdAndSecContext(outer_user, outer_context);
  return result;
}

}  // namespace identity_resolve::pg

// A function that only a map's work calls: it refuses anything else.
#define IDENTITY_RESOLVE_INTERNAL_FUNCTION(name)          \
  static Datum name##_in_a_call(FunctionCallInfo fcinfo); \
  IDENTITY_RESOLVE_FUNCTION(name) {                       \
    identity_resolve::pg::require_call(fcinfo);           \
    return name##_in_a_call(fcinfo);                      \
  }                                                       \
  static Datum name##_in_a_call([[maybe_unused]] FunctionCallInfo fcinfo)
