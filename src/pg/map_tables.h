// What an identity map looks things up in, by its names in this room.
#pragma once

#include "engine/place_table.h"
#include "pg/environment.h"

namespace identity_resolve::pg {

using engine::mixed;
using engine::NumberTable;
using engine::PlaceTable;
using engine::Sharers;
using engine::sort_each_once;

}  // namespace identity_resolve::pg
