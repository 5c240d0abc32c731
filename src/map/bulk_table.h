// A table of an identity map's state written anew as a whole: its rows go into a twin that nobody
// else sees, whose place the table takes at last, with its indexes made from all rows at once. What
// the table held before is there until the transaction commits, and whatever ends that sooner.
//
// A table that has these very rows, in this order, stays as it is: nothing is written, and nobody
// waits. Rows are compared with those of the table until one differs.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "map/state_tables.h"
#include "pg/row_batch.h"

namespace identity_resolve::pg {

struct BulkTable {
  Relation table;
  // Rows that the table has, for as long as no other one has come: nullptr for none.
  TableScanDesc former;
  TupleTableSlot* former_row;
  std::int64_t same;  // so many of them have come
  Relation rows;      // the twin, open; nullptr: there is none yet
  BulkInsertState state;
  CommandId command;
  RowBatch batch;
  std::size_t bytes;  // of the rows that wait
  MemoryContext memory;
};

// Begins m<id>_<name>, for a user who may replace all of its rows. Errors: 42501, 42P01, 55000.
BulkTable* begin_bulk(int map_id, const char* name);
// A row: a value a column, copied.
void put_bulk(BulkTable* self, const Datum* values, const bool* nulls);
// The table has these rows and no others.
void finish_bulk(BulkTable* self);

}  // namespace identity_resolve::pg
