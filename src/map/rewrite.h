// A table of an identity map's state that is said anew as a whole, row by row. A row that the table
// has already stays as it is; the others come, and those that were not said go. It is done with
// ordinary rows: whoever has an older snapshot, such as a dump, sees what the table held before,
// and nobody waits.
//
// Rows are compared by a print. Memory: 40 bytes for each row that the table has had.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include <functional>

#include "map/state_tables.h"

namespace identity_resolve::pg {

struct Rewrite;

// Begins m<id>_<name>, for a user who may read it and replace all of its rows; of a part of them,
// as is_part(row) says, where that is given. Errors: 42501, 42P01, 55000.
using IsPart = std::function<bool(TupleTableSlot*)>;
Rewrite* begin_rewrite(int map_id, const char* name, const IsPart& is_part = {});
// A row: a value a column, copied.
void rewrite_row(Rewrite* self, const Datum* values, const bool* nulls);
// The table, or that part of it, has these rows and no others.
void finish_rewrite(Rewrite* self);

// All rows of m<id>_<name> go, or a part of them.
void clear_state(int map_id, const char* name, const IsPart& is_part = {});

}  // namespace identity_resolve::pg
