// Dates as people and programs write them, as eight digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace identity_resolve::match {

// Whether a column writes the day before the month (31/12/1999) or behind it (12/31/1999), found
// out from those of its values that can be read in one way only.
class DateOrder {
 public:
  // Takes one value into account. Any bytes.
  void look(std::string_view utf8);
  // Takes into account what another one has seen, of other rows of the column.
  void add(const DateOrder& other);

  // Whether more values prove that the day comes first than that the month does. With as many of
  // either (none, as a rule) neither this nor month_first() holds; then a date with slashes has
  // the month first (12/31/1999), with full stops, hyphens or blanks the day.
  [[nodiscard]] bool day_first() const { return day_first_ > month_first_; }
  // The opposite.
  [[nodiscard]] bool month_first() const { return month_first_ > day_first_; }

 private:
  std::uint64_t day_first_ = 0;
  std::uint64_t month_first_ = 0;
};

// Years of two digits from this one on are of the 20th century, those below of the 21st. Fixed, as
// no answer depends on a clock; most dates that are matched are birth dates.
inline constexpr int kPivotYear = 30;

// A date as YYYYMMDD, into `out`, which is overwritten and in which `utf8` must not lie; 00 for a
// month or day that is missing, 0000 for a missing year. Empty if `utf8` is no date, or one that
// stands for none (9999-12-31, 0001-01-01). Throws std::bad_alloc only.
//
// Reads ISO 8601 dates and timestamps, eight digits (YYYYMMDD; where that is no date, DDMMYYYY or
// MMDDYYYY), three numbers in the orders y-m-d, d-m-y and m-d-y with any signs between, months by
// their names in English, German, French, Spanish, Italian and Dutch, a year, a year and a month.
// A time of day, a zone and a weekday are passed over; other words make it no date.
//
// A date that does not exist (31 February, month 13) keeps its digits, so that a slip of one digit
// is still compared as one.
void spell_date(std::string_view utf8, const DateOrder& order, std::string& out);

}  // namespace identity_resolve::match
