// How alike two values of a field are: one of a few levels, of which the model knows how often
// each comes up within a person, a household and at random. The
// enumerations below name them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "match/table.h"

namespace identity_resolve::match {

// Of a pair of records and a column; kNoLevel where either value is missing.
using Level = std::uint8_t;
inline constexpr Level kNoLevel = UINT8_MAX;

// The levels, by what is compared. Those of names also say how a given name and a surname are
// exchanged: the one's given name is the other's surname and the other way round. That level stands
// for both columns; that of the surname says nothing then.
enum NameLevel : Level {
  kOtherName,
  kAlikeName,
  kInitial,
  kNameEdit,
  kNickname,
  kSameName,
  kSwapped
};
enum DateLevel : Level {
  kOtherDate,
  kNearDate,  // within a month, or that a year or a decade off
  kSamePart,  // the year, or day and month
  kTwoDigits,
  kDayForMonth,
  kDateEdit,
  kNewYear,  // equal, but a day that stands for one that is not known
  kSameDate
};
enum DigitLevel : Level { kOtherDigits, kTwoDigitsOff, kDigitEdit, kSameDigits };
enum PostcodeLevel : Level { kOtherPostcode, kTwoOff, kSameHead, kPostcodeEdit, kSamePostcode };
enum EmailLevel : Level {
  kOtherEmail,
  kAlikeLocal,
  kMuchAlikeLocal,
  kLocalEdit,
  kSameLocal,  // the local part: what is before the @
  kEmailEdit,
  kSameEmail
};
enum CityLevel : Level { kOtherCity, kAlikeCity, kMuchAlikeCity, kCityEdit, kSameCity };
enum EqualLevel : Level { kDifferent, kEqual };

// Of a bag of words: 0 for no word in common, and behind it steps of how much the common words
// tell, each with steps of how much of both bags that is.
inline constexpr std::size_t kBagBits = 6;
inline constexpr std::size_t kBagShares = 4;
inline constexpr Level kSameBag = kBagBits * kBagShares;
// The step of so many bits, and the bits in the middle of each.
std::size_t bag_step(double bits) noexcept;
inline constexpr std::array<double, kBagBits> kMiddleOfBagStep{2, 6, 10, 15, 22, 30};

// What is known of a kind of field before any data: Fellegi and Sunter's m, the share of each level
// within pairs of one person.
struct Kind {
  std::span<const double> m;  // by level; of bags by the steps of the share
  Level equal;                // equal values
  double most_different;  // two records of a person differ in no more than this share; 1: no bound
  bool is_of_household;   // people who live or work together have it in common
};
const Kind& kind_of(FieldKind kind) noexcept;

// The level of a value with itself, of all but bags: kind_of().equal, or kNewYear.
Level level_of_equal(const Column& column, Code value) noexcept;

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
