// An identity map's own tables, and their rows, written without a plan.
//
// A state may be damaged: its tables came out of a dump that somebody has edited, a superuser has
// altered them, their rows were written by hand. So a table is compared with what the extension
// makes before anything reads it (check_shape()), and what its rows say is checked where it is
// used. Either ends in an error that tells the way out, and never in a value of another type.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/pg.h"
#include "pg/row_batch.h"

namespace identity_resolve::pg {

// The relation m<id>_<name> of an identity map, a table or a sequence; InvalidOid where there is
// none.
Oid find_state(int map_id, const char* name);
// A sequence of these. Error 55000 where there is none.
Oid find_state_sequence(int map_id, const char* name);
// A table of these, open, for a user who has all of these rights, and of the shape that the
// extension gives it. Errors: 42501, 42P01, 55000 for another shape.
Relation open_state(int map_id, const char* name, std::initializer_list<AclMode> rights,
                    LOCKMODE lock);

// Calls visit(TupleTableSlot*) for each row of a table that a snapshot sees, in the order in which
// they lie in it. All columns are at hand; what visit() leaves on the memory context lives until
// the next row.
template <class Visit>
void each_row(Relation table, Snapshot snapshot, Visit&& visit) {
  const TableScanDesc scan = begin_ordered_scan(table, snapshot);
  TupleTableSlot* row = table_slot_create(table, nullptr);
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "identity map row", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext outer = MemoryContextSwitchTo(memory);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    visit(row);
    MemoryContextReset(memory);
  }
  MemoryContextSwitchTo(outer);
  MemoryContextDelete(memory);
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
}
// The same of a table of a map's state, for a user who may read it, by the active snapshot. Errors:
// 42501, 42P01, 55000.
template <class Visit>
void each_state_row(int map_id, const char* name, Visit&& visit) {
  const Relation table = open_state(map_id, name, {ACL_SELECT}, AccessShareLock);
  each_row(table, GetActiveSnapshot(), visit);
  table_close(table, NoLock);
}

// Raises error 55000: a table of a map's state is not what the extension has made. `detail` says in
// which way.
[[noreturn]] void bad_shape(const char* detail);
// Raises error XX001: what the rows of a map's state say cannot be. `detail` says what.
[[noreturn]] void bad_state(const char* detail);
inline constexpr const char* kMakeAnew =
    "CALL refresh_identity_map() makes it anew; identities keep their ids.";
// The same for C++ frames: the parts of that error.
inline constexpr const char* kBadState = "the state of the identity map contradicts itself";
inline constexpr const char* kReadAnew =
    "CALL refresh_identity_map(map, full => true) reads everything anew.";

// In which way the tables of a map's state are not as the extension has made them, or nullptr; a
// map as its row of the catalog. By the catalogs alone: locks nothing, and does not look at
// indexes.
const char* problem_of_state(HeapTupleHeader map);

// The columns of m<id>_identities, from 1.
enum IdentityColumn : AttrNumber { kIdentityCreatedAt = 2, kIdentityPacked = 3 };

// A table m<id>_<name>, open for writing. Rows that come in are kept until there are enough of them
// to be put in at once, as COPY does.
struct StateTable {
  Relation table;
  ResultRelInfo* target;
  EState* state;
  EPQState epq;  // what triggers would need; there are none
  TupleTableSlot* old_row;
  TupleTableSlot* new_row;
  RowBatch batch;
  bool waits_for_indexes;  // what is put in goes into the table alone: rebuild_indexes() follows
};

// Opens it; closed by close_state_table(), or by an abort. A snapshot is active for as long.
// Errors: 42501 where the user may not write it, 42P01.
StateTable* open_state_table(int map_id, const char* name);
// A table that is open, by a user who may write it; closed likewise.
StateTable* begin_writing(Relation table);
// What waits goes in.
void close_state_table(StateTable* table);
// Makes the indexes of a table anew, which is closed, from all of its rows.
void rebuild_indexes(Oid table);

// What a row says, in a number: equal for equal rows, and for others but with a chance of 2^-64 for
// each pair, as seeds are drawn. A value of a type without a fixed length counts without its
// header.
std::uint64_t print_of_row(TupleDesc shape, const Datum* values, const bool* nulls,
                           std::uint64_t seed);
std::uint64_t draw_seed();

// A row that comes: a value a column, copied.
void insert_row(StateTable* table, const Datum* values, const bool* nulls);
// The same at once: gives its place. Waits where the table has a unique index, and another
// transaction, which has not ended, has put in, or taken out, a row of the same key.
ItemPointerData put_row(StateTable* table, const Datum* values, const bool* nulls);
// A row that has been looked up by the snapshot that is active, and that nobody else can have
// changed since: error XX000 where somebody has.
void update_row(StateTable* table, const ItemPointerData& place, const Datum* values,
                const bool* nulls);
void delete_row(StateTable* table, const ItemPointerData& place);
// The same for a row that somebody else may have changed, or may be about to: false where he has,
// and nothing has been done.
bool try_update_row(StateTable* table, const ItemPointerData& place, const Datum* values,
                    const bool* nulls);
bool try_delete_row(StateTable* table, const ItemPointerData& place);

}  // namespace identity_resolve::pg
