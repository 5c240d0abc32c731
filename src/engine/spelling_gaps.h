// Ids of two sources that miss each other by their spelling alone: 1E81 and 1e81, 007 and 7, 42.0
// and 42, {1E81-07E2} and 1e8107e2.
//
// Every value of a kind is read loosely: letter case, blanks, zeros in front, a decimal part of
// zeros, hyphens, underscores and brackets do not count. Values with one loose reading are a group;
// where two sources of a group have no value in common they would be joined if they were spelled
// alike.
//
// Memory is bounded: beyond kMostGroups groups only those whose hash ends in a zero bit are kept,
// then in two, and so on, and counts are multiplied by what was left out. Which groups are kept
// hangs on the values alone, not on their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/types.h"

namespace identity_resolve::engine {

// In what a value and another one with the same loose reading differ.
enum class SpellingGap : std::uint8_t { kCase, kZeros, kDecimals, kBlanks, kMarks, kSeveral };

// The value as it is compared here; empty for a value of marks alone.
[[nodiscard]] std::string loose_reading(std::string_view value);
// Both have one loose reading and are not the same.
[[nodiscard]] SpellingGap gap_between(std::string_view a, std::string_view b);

class SpellingGaps {
 public:
  static constexpr std::size_t kMostGroups = 50'000;

  explicit SpellingGaps(std::size_t most_groups = kMostGroups) : most_groups_(most_groups) {}

  // A value that a source has. Cost: its bytes.
  void add(SourceNumber source, std::string_view value);

  // Two sources, the first before the second, and how many values they would share.
  struct Found {
    SourceNumber source;
    SourceNumber other;
    std::uint64_t values = 0;
    bool is_estimate = false;
    SpellingGap gap = SpellingGap::kSeveral;  // of all of them; kSeveral where they differ
    std::string in_source;                    // an example: the least by loose reading
    std::string in_other;
  };
  // By source and other source.
  [[nodiscard]] std::vector<Found> find() const;

 private:
  struct Spelled {
    SourceNumber source;
    std::string value;
    auto operator<=>(const Spelled&) const = default;
  };
  // No more than this many of a group, the first by source and value.
  static constexpr std::size_t kMostSpellings = 64;

  struct Pair {
    Found found;
    std::string reading;  // of the example
    std::optional<SpellingGap> gap = {};
  };
  using Pairs = std::map<std::pair<SourceNumber, SourceNumber>, Pair>;

  void thin_out();
  // The first source's part of a group, which is sorted by source.
  static std::span<const Spelled> first_run(std::span<const Spelled> group);
  static bool share_a_value(std::span<const Spelled> a, std::span<const Spelled> b);
  static void compare(const std::string& reading, std::span<const Spelled> group, Pairs& pairs);

  std::size_t most_groups_;
  std::uint64_t mask_ = 0;  // of the hashes that are kept: these bits are 0
  std::unordered_map<std::string, std::vector<Spelled>> groups_;
};

}  // namespace identity_resolve::engine
