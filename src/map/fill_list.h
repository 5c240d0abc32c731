// Lists what a fill has read, and what the state says: clusters, entries of records and keys, and
// who the records were.
#pragma once

#include "map/fill_work.h"

namespace identity_resolve::pg::fill {

// Into Listed and Olds. Opens Work::identities, and tells the sink the identities that there are.
// Cost: all rows, and all packs of the state. Throws engine::Error, PgError.
void list(Work& work);

}  // namespace identity_resolve::pg::fill
