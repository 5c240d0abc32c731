// Who does what in an identity map: the ways from a user's call to the map's own work.
//
// A call has up to three roles. The caller asks, and is checked. The owner of the map's table does
// all work on rows: reading the sources, the map's state and its table. The owner of the
// extension's functions makes and drops the tables of a state and writes the catalog; what runs as
// that role touches no row of a state, and runs nothing that the map's owner can choose
// (doc/security.md).
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "map/home.h"

namespace identity_resolve::pg {

// What a caller needs: to own the map's table, or a privilege on it.
enum class Right : std::uint8_t { kOwn, kInsert, kSelect };

// What may be asked of a map, and by whom.
struct Operation {
  const char* name;      // what the caller has called
  const char* function;  // (identity_map_catalog, jsonb) → jsonb, runs as the map's owner
  Right right;
  bool is_small;  // works on a few records
  // Where what it gives has this member, it is written to the catalog, by identity_map_note();
  // nullptr: never.
  const char* notes;
  std::uint16_t locks;  // a part of the map's lock, or 0 where nothing is written
};

// The parts of a map's lock: one refresh at a time; the state, which identify() shares; and, of
// map 0, the rights that owners of maps are given.
constexpr std::uint16_t kRefreshLock = 1;
constexpr std::uint16_t kStateLock = 2;
constexpr std::uint16_t kRightsLock = 3;

// Locks a part of a map's lock until the end of the transaction; false where it is taken and the
// caller does not wait.
bool lock_map(const Home& home, int map_id, std::uint16_t part, bool exclusive, bool wait);

// A map: its row of the catalog, its table and the owner of that.
struct Target {
  Datum map;
  Oid table;
  Oid owner;
  int map_id;
};

// The map whose table this is. Errors: 42P01, 42704.
Target find_target(const Home& home, Oid table);
// The map that had a table of this name, where that was dropped by hand, and whose owner's role the
// user has; map 0 where there is none.
Target find_dead_target(const Home& home, const char* name);
// Whether there is one.
bool is_map(const Home& home, Oid table);
// Error 42704; table: InvalidOid where no table has the name.
[[noreturn]] void no_map(const char* name, Oid table);
// Error 42501 where the user has not got it.
void check_right(Right right, Oid map);

// Of functions that anybody may call who works on a map: the user is its owner, who may write its
// state, or the functions' owner. Error 42501.
void check_does_work(const Home& home, int map_id);

// Calls a function of the map's own as its owner: function(catalog row, arguments) → jsonb.
Datum call_as_owner(const Target& target, const char* function, Datum arguments, bool is_small);
// Calls a function of the catalog's, function(id, arguments) → jsonb, as the functions' owner.
Datum call_raised(const Home& home, const char* function, int id, Datum arguments);
// Calls a function as the caller: function(arguments) → jsonb.
Datum call_as_caller(const char* function, Datum arguments);

// Checks who asks, and does it. Errors: 25006, 42501, 42704, 55000 where the state is another
// role's.
Datum run_operation(const Home& home, Oid table, const Operation& operation, Datum arguments);

// Lets a role that owns maps, or is about to, run the internal functions that work as the owner of
// a map. Costs one look at the rights on one of them where it may already.
void admit_owner(const Home& home, Oid role);
// Clears away what is left of maps whose table was dropped by hand, of those that the user may
// drop.
void clear_dead_maps(const Home& home);
// Drops the map's table, as its owner.
void drop_table(const Target& target);

Datum jsonb_of(const char* json);
// A member of an object as text, or nullptr where it is missing or null.
const char* jsonb_text(Datum object, const char* key);

}  // namespace identity_resolve::pg
