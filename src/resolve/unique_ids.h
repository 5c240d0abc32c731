// Whether a source's record ids are known to differ, so that nobody has to look for repeated ones.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Whether no two rows of `query` (analysed and rewritten) can have the same text in the first
// column: it reads one table and nothing else, or one view or subquery that does, its first column
// is a column of that table, of a type whose different values have different texts, and a unique
// index that is valid, whole and checked at once stands on that column alone. False wherever that
// is not plain to see. Raises PostgreSQL errors.
bool ids_are_unique(const Query* query);

}  // namespace identity_resolve::pg
