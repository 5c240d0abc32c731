// Rows of an identity map's own tables, looked up by their primary keys without a plan.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// A table m<id>_<name>, open, with the index of its primary key, the first column of which is a
// bigint or a uuid.
struct Lookup {
  Relation table;
  Relation index;
  IndexScanDesc scan;
  TupleTableSlot* row;  // what next() has found
  ScanKeyData condition;
  Buffer visible;  // a page of the table's visibility map
  bool is_empty;   // the table had no page when it was opened: nothing is to be found
};

// kYes: for next_number().
enum class IndexOnly : bool { kNo, kYes };

// Opens a table of the map for reading. The snapshot outlives the lookup. Errors: 42501 where the
// user may not read it, 42P01, 42704.
Lookup open_lookup(int map_id, const char* name, Snapshot snapshot,
                   IndexOnly index_only = IndexOnly::kNo);
void close_lookup(const Lookup& lookup);

// Begins with the rows of a key: a bigint, or a uuid that stays where it is until the last row.
void find(Lookup& lookup, Datum key);
// The next of them into lookup.row; false after the last one.
bool next(const Lookup& lookup);
// A column of the row that next() has found, which is not NULL.
Datum value_of(const Lookup& lookup, AttrNumber column);
// The second column of the key of the next row, a bigint, where there is one.
bool next_number(Lookup& lookup, std::int64_t& number);

}  // namespace identity_resolve::pg
