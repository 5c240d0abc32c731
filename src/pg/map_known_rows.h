// The rows that an identity map knows of a source, by their name in this room.
#pragma once

#include "engine/known_rows.h"

namespace identity_resolve::pg {

using engine::KnownRows;

}  // namespace identity_resolve::pg
