// The table of an identity map, written identity by identity without a plan, in the same pass in
// which a part of the map is placed.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "engine/identity_id.h"
#include "map/lookup.h"
#include "map/state_tables.h"

namespace identity_resolve::pg {

struct MapTable {
  StateTable* rows;
  Lookup by_id;
  TupleTableSlot* by_place;  // a row that was found by its place
  TupleDesc shape;           // of the map's columns, without the id
  AttrNumber id;             // their places in the table, from 0
  AttrNumber* places;
  AttrNumber stamp;  // that of the column which says when a row was written, -1: there is none
  TimestampTz at;
  std::uint64_t seed;  // of the prints of rows
  Datum* values;       // room for a row
  bool* nulls;
  std::int64_t kept;  // rows that set_identity() has found
  std::int64_t inserted;
  std::int64_t updated;
  std::int64_t deleted;
};

// Whether rows of one shape are rows of the other one. Raises no errors.
bool are_same_columns(TupleDesc a, TupleDesc b) noexcept;

// What a map's table has, by their names: the columns that a resolve fills, text[], and the one
// that says when a row was last written, '' for none.
struct MapColumns {
  const ArrayType* filled;
  const char* stamp;
};

// What the map's columns of a row say: print_of_row().
std::uint64_t print_of_known(const MapTable& table, TupleTableSlot* row);

// Opens it, for a user who has all rights on it, to write it as of a time. nullptr
// where a statement would do more than to put rows into the table and its indexes: where it has
// triggers, rules, policies, constraints, defaults, or is no ordinary table, or lacks a column or
// the index by id. A snapshot of its own is the active one for as long as it is open, which sees
// the rows of whoever had to be waited for. Error 42501.
//
// is_first: where the table is empty, and so stays for others, its indexes are made when all rows
// are there.
MapTable* open_map_table(Oid table, const MapColumns& columns, TimestampTz at,
                         bool is_first = false);
// What waits goes in.
void close_map_table(MapTable* table);

// An identity as it is now, a value for each of the map's columns: its row comes, or changes where
// it says something else. Who has taken the row of an identity out gets it back by a full refresh
// only.
void put_identity(MapTable* table, const engine::Uuid& id, bool is_new, const Datum* values,
                  const bool* nulls);
// A row that the table has: where it lies, and what its columns say in a number.
struct KnownRow {
  ItemPointerData place;
  std::uint64_t print;
};
// Calls visit(id, KnownRow) for each row that the table has.
template <class Visit>
void each_identity(const MapTable& table, Visit&& visit) {
  each_row(table.rows->table, table.rows->state->es_snapshot, [&](TupleTableSlot* row) {
    if (row->tts_isnull[table.id]) return;
    engine::Uuid id;
    std::memcpy(id.data(), DatumGetUUIDP(row->tts_values[table.id])->data, id.size());
    visit(id, KnownRow{row->tts_tid, print_of_known(table, row)});
  });
}
// An identity as it is now, whether or not the table has a row of it. known: that row, nullptr
// where it is to be looked up.
void set_identity(MapTable* table, const engine::Uuid& id, const KnownRow* known,
                  const Datum* values, const bool* nulls);
// One that is no more.
void remove_identity(MapTable* table, const engine::Uuid& id, const KnownRow* known = nullptr);

}  // namespace identity_resolve::pg
