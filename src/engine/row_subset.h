// Some of the rows (or of other things that are numbered from 0), with a number for each: a bit a
// row, and a count for each 64 of them, side by side. Memory: two bits a row.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>

#include "engine/environment.h"

namespace identity_resolve::engine {

class RowSubset {
 public:
  explicit RowSubset(Environment& environment) : words_(&environment.memory()) {}

  // Of so many rows, none.
  void reset(std::size_t rows) {
    words_.assign((rows + kBits - 1) / kBits, Word{0, 0});
    count_ = 0;
  }
  // Adds a row. All rows are added before number_of() is asked, and number() comes between.
  void add(std::uint32_t row) noexcept {
    words_[row / kBits].rows |= std::uint64_t{1} << row % kBits;
  }
  // Numbers the rows of the subset from 0, in order.
  void number() noexcept {
    count_ = 0;
    for (Word& word : words_) {
      word.before = count_;
      count_ += bits_in(word.rows);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool contains(std::uint32_t row) const noexcept {
    return !words_.empty() && (words_[row / kBits].rows >> row % kBits & 1) != 0;
  }
  // The number of one of its rows.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t row) const noexcept {
    const Word& word = words_[row / kBits];
    const std::uint64_t below = (std::uint64_t{1} << row % kBits) - 1;
    return word.before + bits_in(word.rows & below);
  }

 private:
  static constexpr std::size_t kBits = 64;

  // How many bits are set. std::popcount() is a call on processors of the x86-64 baseline, which
  // this is built for; this is not (Warren, "Hacker's Delight", section 5-1).
  static constexpr std::uint32_t bits_in(std::uint64_t bits) noexcept {
    bits -= bits >> 1 & 0x5555555555555555U;
    bits = (bits & 0x3333333333333333U) + (bits >> 2 & 0x3333333333333333U);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0FU;
    return static_cast<std::uint32_t>(bits * 0x0101010101010101U >> 56);
  }

  struct Word {
    std::uint64_t rows;    // a bit each
    std::uint32_t before;  // rows of the subset before these
  };

  boost::container::pmr::vector<Word> words_;
  std::uint32_t count_ = 0;
};

}  // namespace identity_resolve::engine
