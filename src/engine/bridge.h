// What holds an identity together: a record, or an identifier, without which it would be several.
//
// Records and the identifiers that link them are the two sorts of nodes of a graph; a node whose
// removal takes it apart is an articulation point. They are found in one depth-first walk (Hopcroft
// and Tarjan: "Algorithm 447: efficient algorithms for graph manipulation", 1973): a node is one
// where some child's subtree has no edge to anything above the node. The walk also counts each
// subtree's records, so how large the parts are costs nothing more.
//
//   a1 - u1 - a2 - x@y - b1 - u2 - b2      without x@y: 2 records and 2; without a2: 1 and 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/environment.h"

namespace identity_resolve::engine {

struct CarriedIdentifier {
  std::uint32_t record;
  std::uint32_t identifier;
};

struct Bridge {
  bool is_record;
  std::uint32_t number;   // of the record or the identifier
  std::uint32_t cut_off;  // records that are not in the largest part once it is taken away
  std::uint32_t parts;    // into how many parts the others fall
};

// The bridges of a graph of so many records and identifiers. What is not connected to the rest at
// all is a graph of its own. Each pair is given once. By record and then identifier, each by
// number. Cost: time and memory grow with the pairs.
[[nodiscard]] std::vector<Bridge> find_bridges(std::uint32_t records, std::uint32_t identifiers,
                                               std::span<const CarriedIdentifier> carried,
                                               Ticker& ticker);

}  // namespace identity_resolve::engine
