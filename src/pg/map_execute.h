// Statements of an identity map, whose tables are named only at run time: by plans that stay.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Executes a statement by a plan that is made once for the session; a connection to SPI is open.
// Its parameters: how many, their types, their values, and for each 'n' where it is null, else ' '
// (nullptr: none is).
void execute_cached(const char* statement, int count, Oid* types, Datum* values, const char* nulls);

}  // namespace identity_resolve::pg
