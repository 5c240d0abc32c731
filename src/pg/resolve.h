// The two ways into an execution share these.
#pragma once

#include "pg/pg.h"

// The functions as PostgreSQL's function manager calls them, by which a plan's call is recognised.
extern "C" {
PGDLLEXPORT Datum resolve_identities(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum identity_records(PG_FUNCTION_ARGS);
}

namespace identity_resolve::pg {

// Makes the planner use the scan of resolve_scan.cc. Called once, when the library is loaded.
void install_resolve_scan();

}  // namespace identity_resolve::pg
