// Rows of an identity map's own tables, looked up by an index without a plan.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/index_leaf.h"

namespace identity_resolve::pg {

// A table m<id>_<name>, open, with one of its indexes.
struct Lookup {
  MemoryContext memory;  // on which a scan keeps what it needs from one key to the next
  Relation table;
  Relation index;
  IndexScanDesc scan;
  TupleTableSlot* row;                    // what next() has found
  std::array<ScanKeyData, 2> conditions;  // on the first columns of the index
  int count;                              // of them
  bool is_empty;    // the table had no page when it was opened: nothing is to be found
  int finds;        // since it was opened, or left its leaf alone
  IndexLeaf* leaf;  // nullptr for none yet
  bool is_on_leaf;  // what is to be found is what the leaf has
};

// Opens a table of the map for reading by an index that begins with these columns, one or two of
// them, whose types are bigint, smallint, uuid or text (COLLATE "C"). The snapshot outlives the
// lookup. Errors: 42501 where the user may not read it, 42P01, 55000 where there is no such index.
Lookup open_lookup(int map_id, const char* name, std::initializer_list<const char*> columns,
                   Snapshot snapshot);
// The same of any table that is open, whose rows the user may read, into `lookup`; it stays open.
// False where there is no such index.
bool open_lookup_in(Relation table, std::initializer_list<const char*> columns, Snapshot snapshot,
                    Lookup& lookup);
void close_lookup(const Lookup& lookup);
// Whether an open table has an index that a lookup by these columns could use, a unique one by all
// of them where that is asked for.
bool has_index(Relation table, std::span<const char* const> columns, bool is_unique);

// Begins with the rows of a key, of which nothing moves until the last row. Many keys that rise are
// found faster than others.
void find(Lookup& lookup, Datum key);
void find(Lookup& lookup, Datum first, Datum second);
// The next of them into lookup.row; false after the last one.
bool next(const Lookup& lookup);
// A column of the row that next() has found, which is not NULL.
Datum value_of(const Lookup& lookup, AttrNumber column);

}  // namespace identity_resolve::pg
