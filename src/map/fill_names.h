// Names the clusters of a fill: which identity lives on where (engine/succession.h), and new ids.
#pragma once

#include "map/fill_work.h"

namespace identity_resolve::pg::fill {

// Into Named; Listed::clusters are moved there. Throws engine::Error, PgError.
void name(Work& work);

}  // namespace identity_resolve::pg::fill
