// How alike two values of a field are: one of a few levels, of which the model knows how often
// each comes up within a person, a household and at random. levels.cc names them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "match/table.h"

namespace identity_resolve::match {

// Of a pair of records and a column; kNoLevel where either value is missing.
using Level = std::uint8_t;
inline constexpr Level kNoLevel = UINT8_MAX;

// Of a bag of words: 0 for no word in common, and behind it steps of how much the common words
// tell, each with steps of how much of both bags that is.
inline constexpr std::size_t kBagBits = 6;
inline constexpr std::size_t kBagShares = 4;

// What is known of a kind of field before any data: Fellegi and Sunter's m, the share of each level
// within pairs of one person.
struct Kind {
  std::span<const double> m;           // by level; of bags by the steps of the share
  std::span<const char* const> names;  // of the levels
  Level equal;                         // equal values
  double most_different;  // two records of a person differ in no more than this share; 1: no bound
  bool is_of_household;   // people who live or work together have it in common
};
const Kind& kind_of(FieldKind kind) noexcept;
std::size_t level_count(FieldKind kind) noexcept;

// The level of names that are exchanged: the one's given name is the other's surname and the other
// way round. It stands for both columns; that of the surname says nothing then.
inline constexpr Level kSwapped = 6;

// Two values that differ, by their codes, neither of them missing.
Level compare_values(const Column& column, Code a, Code b);

// Compares pairs of records.
class Comparison {
 public:
  explicit Comparison(const Table& table);
  // levels: one for each column.
  void compare(RecordIndex a, RecordIndex b, Level* levels) const;

 private:
  [[nodiscard]] bool is_other_name(RecordIndex a, RecordIndex b) const;

  const Table* table_;
  std::size_t given_;  // the columns, or SIZE_MAX
  std::size_t surname_;
  std::size_t email_;
};

}  // namespace identity_resolve::match
