// The library's identity card for PostgreSQL, and what it does when it is loaded.
#include "pg/pg.h"
#include "pg/resolve.h"
#include "pg/settings.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();  // NOLINT(bugprone-reserved-identifier): PostgreSQL looks for it
void _PG_init() {
  identity_resolve::pg::define_settings();
  identity_resolve::pg::install_resolve_scan();
}
}
