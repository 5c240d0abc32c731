// Disjoint sets of rows, as a forest in one array of 4 bytes a row.
//
// Path halving (Tarjan, van Leeuwen: "Worst-case analysis of set union algorithms", 1984). A root
// is always the smallest row of its set and a parent never comes after its child, which lets
// label() number all sets in one pass without a find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/environment.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class DisjointSet {
 public:
  // A forest that lies at `parents`, one place a row, and outlives the object.
  explicit DisjointSet(std::span<std::uint32_t> parents) noexcept : parents_(parents) {}

  // Makes each row a set of its own.
  void reset(Environment& environment) {
    Ticker ticker(environment);
    for (std::size_t row = 0; row < parents_.size(); ++row) {
      parents_[row] = static_cast<std::uint32_t>(row);
      ticker.tick();
    }
  }

  // The smallest row of the row's set.
  [[nodiscard]] RowNumber representative(RowNumber row) noexcept {
    auto at = static_cast<std::uint32_t>(row);
    while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
    return RowNumber{at};
  }

  // Asks the processor to have a row's place at hand soon.
  void prefetch(RowNumber row) const noexcept { __builtin_prefetch(&parents_[index(row)]); }

  // Makes one set of the two rows' sets; returns whether they were two.
  bool unite(RowNumber a, RowNumber b) noexcept {
    const auto root_a = static_cast<std::uint32_t>(representative(a));
    const auto root_b = static_cast<std::uint32_t>(representative(b));
    if (root_a == root_b) return false;
    if (root_a < root_b) {
      parents_[root_b] = root_a;
    } else {
      parents_[root_a] = root_b;
    }
    return true;
  }

  // Numbers the sets by their first rows, and writes each row's number in the place of its parent:
  // the forest is gone afterwards. Gives how many sets there are.
  [[nodiscard]] std::size_t label(Environment& environment) && {
    Ticker ticker(environment);
    std::uint32_t next = 0;
    for (std::size_t row = 0; row < parents_.size(); ++row) {
      // A parent comes before its child, so its place already holds its set's number.
      parents_[row] = parents_[row] == row ? next++ : parents_[parents_[row]];
      ticker.tick();
    }
    return next;
  }

 private:
  std::span<std::uint32_t> parents_;
};

}  // namespace identity_resolve::engine
