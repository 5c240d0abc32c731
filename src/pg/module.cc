// The library's identity card for PostgreSQL, and what it does when it is loaded.
#include "pg/pg.h"
#include "pg/resolve.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
void _PG_init() { identity_resolve::pg::install_resolve_scan(); }
}
