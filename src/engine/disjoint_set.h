// Disjoint sets of rows, as a forest in one array of 4 bytes a row.
//
// Path halving (Tarjan, van Leeuwen: "Worst-case analysis of set union algorithms", 1984). A root
// is always the smallest row of its set and a parent never comes after its child, which lets
// label() number all sets in one pass without a find.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/environment.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class DisjointSet {
 public:
  // rows sets of one row each.
  DisjointSet(Environment& environment, std::size_t rows)
      : environment_(&environment), parent_(rows, &environment.memory()) {
    for (std::size_t row = 0; row < rows; ++row) parent_[row] = static_cast<std::uint32_t>(row);
  }

  // The smallest row of the row's set.
  [[nodiscard]] RowNumber representative(RowNumber row) noexcept {
    auto at = static_cast<std::uint32_t>(row);
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return RowNumber{at};
  }

  // Asks the processor to have a row's place at hand soon.
  void prefetch(RowNumber row) const noexcept { __builtin_prefetch(&parent_[index(row)]); }

  // Makes one set of the two rows' sets; returns whether they were two.
  bool unite(RowNumber a, RowNumber b) noexcept {
    const auto root_a = static_cast<std::uint32_t>(representative(a));
    const auto root_b = static_cast<std::uint32_t>(representative(b));
    if (root_a == root_b) return false;
    if (root_a < root_b) {
      parent_[root_b] = root_a;
    } else {
      parent_[root_a] = root_b;
    }
    return true;
  }

  // Numbers the sets by their first rows and hands out each row's number, in place of the forest,
  // which is gone afterwards; `sets` receives how many there are.
  [[nodiscard]] boost::container::pmr::vector<std::uint32_t> label(std::size_t& sets) && {
    Ticker ticker(*environment_);
    std::uint32_t next = 0;
    for (std::size_t row = 0; row < parent_.size(); ++row) {
      // A parent comes before its child, so its place already holds its set's number.
      parent_[row] = parent_[row] == row ? next++ : parent_[parent_[row]];
      ticker.tick();
    }
    sets = next;
    return std::move(parent_);
  }

 private:
  Environment* environment_;
  boost::container::pmr::vector<std::uint32_t> parent_;
};

}  // namespace identity_resolve::engine
