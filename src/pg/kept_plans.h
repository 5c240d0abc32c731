// Statements that are run again and again, and whose tables are named only at run time: by plans
// that are made once for the session.
//
// PostgreSQL's half.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Executes a statement by a plan that is made once for the session; a connection to SPI is open.
// Its parameters: how many, their types, their values, and for each 'n' where it is null, else ' '
// (nullptr: none is).
void execute_cached(const char* statement, int count, Oid* types, Datum* values, const char* nulls);

// The plan of a query without parameters, one of a map's own, made once for the session and brought
// in line with what its tables are now; a connection to SPI is open.
SPIPlanPtr kept_plan(const char* query);

}  // namespace identity_resolve::pg
