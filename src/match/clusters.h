// From weights of pairs to people: average linkage.
//
// Two clusters are joined while the mean weight of all pairs between them is above a threshold, the
// best first. A pair that was never compared counts kNotCompared. So one pair that looks alike by
// chance does not chain two people together, as connected components would.
//
// Sokal, Michener: A statistical method for evaluating systematic relationships (1958), on
// unweighted means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "engine/environment.h"
#include "match/list.h"
#include "match/table.h"

namespace identity_resolve::match {

// A pair that was not compared shares nothing rare.
inline constexpr float kNotCompared = -8;
// What a pair weighs at most, and at least.
inline constexpr float kMostWeight = 12;
inline constexpr float kLeastWeight = -12;

struct Edge {
  RecordIndex a;
  RecordIndex b;
  float weight;
  bool operator<(const Edge& other) const noexcept {
    return a != other.a ? a < other.a : b < other.b;
  }
};

// Whether two clusters may be joined, by any record of each. Asked before each union.
using MayJoin = std::function<bool(RecordIndex, RecordIndex)>;

// The cluster of each record, named by its first one. table: whose exact identities stay together,
// whatever their pairs weigh. edges: each pair once, its weight above kNotCompared; those within an
// exact identity say nothing. Memory: 120 bytes an edge.
List<RecordIndex> cluster(const Table& table, std::span<const Edge> edges, double threshold,
                          const MayJoin& may_join, engine::Environment& environment);

}  // namespace identity_resolve::match
