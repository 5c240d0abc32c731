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

// A small problem, made of any bytes: what is asked for, rows, and the rows' way into sinks.
struct Case {
  Request request = {};
  std::vector<InputRow> rows = {};
  std::vector<std::vector<std::size_t>> deal = {};
};
Case case_from(std::span<const std::uint8_t> bytes);

// Whether the engine, with the case's sinks and with one, says what resolve_naively() says, and
// gives all memory back.
bool agrees_with_reference(const Case& problem);

}  // namespace identity_resolve::engine::testing
