// The library's identity card for PostgreSQL.
#include "pg/pg.h"

extern "C" {
PG_MODULE_MAGIC;
}
