// Some of the rows, with a number for each: a bit a row, and a count for each 512 of them.
#pragma once

#include <bit>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>

#include "engine/environment.h"

namespace identity_resolve::engine {

class RowSubset {
 public:
  explicit RowSubset(Environment& environment)
      : bits_(&environment.memory()), before_(&environment.memory()) {}

  // Of so many rows, none.
  void reset(std::size_t rows) {
    bits_.assign((rows + kBitsABlock - 1) / kBitsABlock * kWordsABlock, 0);
    before_.assign(bits_.size() / kWordsABlock, 0);
    count_ = 0;
  }
  // Adds a row. All rows are added before number_of() is asked, and number() comes between.
  void add(std::uint32_t row) noexcept { bits_[row / kBits] |= std::uint64_t{1} << row % kBits; }
  // Numbers the rows of the subset from 0, in order.
  void number() noexcept {
    count_ = 0;
    for (std::size_t word = 0; word < bits_.size(); ++word) {
      if (word % kWordsABlock == 0) before_[word / kWordsABlock] = count_;
      count_ += static_cast<std::uint32_t>(std::popcount(bits_[word]));
    }
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool contains(std::uint32_t row) const noexcept {
    return !bits_.empty() && (bits_[row / kBits] >> row % kBits & 1) != 0;
  }
  // The number of one of its rows.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t row) const noexcept {
    const std::size_t last = row / kBits;
    std::uint32_t number = before_[last / kWordsABlock];
    for (std::size_t word = last / kWordsABlock * kWordsABlock; word < last; ++word) {
      number += static_cast<std::uint32_t>(std::popcount(bits_[word]));
    }
    const std::uint64_t below = (std::uint64_t{1} << row % kBits) - 1;
    return number + static_cast<std::uint32_t>(std::popcount(bits_[last] & below));
  }

 private:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t kWordsABlock = 8;
  static constexpr std::size_t kBitsABlock = kBits * kWordsABlock;

  boost::container::pmr::vector<std::uint64_t> bits_;
  boost::container::pmr::vector<std::uint32_t> before_;  // by block: rows of the subset before it
  std::uint32_t count_ = 0;
};

}  // namespace identity_resolve::engine
