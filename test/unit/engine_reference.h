// The engine's answer worked out the slow and obvious way: every row is compared with every row,
// nothing is hashed, nothing is packed. It follows the words of identity_reader.h, survivorship.h
// and combinations.h, none of their code.
#pragma once

#include <span>
#include <vector>

#include "unit/engine_testing.h"

namespace identity_resolve::engine::testing {

// What resolve() should return. Cost: quadratic in the rows and worse.
std::vector<Identity> resolve_naively(const Request& request, std::span<const InputRow> rows);

}  // namespace identity_resolve::engine::testing
