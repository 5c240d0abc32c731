// Writes what a fill has found and what has changed: table, identities and history, then
// fingerprints, places, common keys and records that are gone.
#pragma once

#include "map/fill_work.h"

namespace identity_resolve::pg::fill {

// Into Written. Cost: all rows once more; by identity, one row of the table and one pack where it
// differs. Throws engine::Error, PgError.
void write(Work& work);

}  // namespace identity_resolve::pg::fill
