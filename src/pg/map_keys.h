// The numbers of a map's state by their names in this room.
#pragma once

#include "engine/stored_keys.h"

namespace identity_resolve::pg {

using engine::kind_of_key;
using engine::kKindsOfMap;
using engine::map_key;
using engine::MapHash;
using engine::MapSecret;

}  // namespace identity_resolve::pg
