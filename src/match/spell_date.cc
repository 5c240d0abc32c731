#include "match/spell_date.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "match/fold.h"
#include "normalize/ascii.h"
#include "normalize/text.h"
#include "normalize/word_table.h"

namespace identity_resolve::match {

namespace {

using normalize::is_digit;
using normalize::is_letter;
using normalize::WordTable;

constexpr std::uint16_t kNoMonth = 0;  // a word that says nothing

constexpr auto kDateWords = [] {
  WordTable<512> table;
  table.add("january jan januar janner jaenner janvier janv enero ene gennaio gen januari", 1);
  table.add("february feb februar fevrier fevr fev febrero febbraio februari", 2);
  table.add("march mar marz maerz mrz mars marzo maart mrt", 3);
  table.add("april apr avril avr abril abr aprile", 4);
  table.add("may mai mayo maggio mag mei", 5);
  table.add("june jun juni juin junio giugno giu", 6);
  table.add("july jul juli juillet juil julio luglio lug", 7);
  table.add("august aug aout agosto ago augustus", 8);
  table.add("september sep sept septembre septiembre setiembre settembre set", 9);
  table.add("october oct oktober okt octobre octubre ottobre ott", 10);
  table.add("november nov novembre noviembre", 11);
  table.add("december dec dezember dez decembre diciembre dic dicembre", 12);
  table.add("monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday",
            kNoMonth);
  table.add("sat sunday sun montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag",
            kNoMonth);
  table.add("mo di mi do fr sa so lundi mardi mercredi jeudi vendredi samedi dimanche", kNoMonth);
  table.add("lunes martes miercoles jueves viernes sabado domingo", kNoMonth);
  table.add("am pm a m p z t utc gmt cet cest est edt cst cdt mst mdt pst pdt bst uhr h", kNoMonth);
  table.add("st nd rd th er of the de del le den der at on um", kNoMonth);
  table.add("about abt circa ca c born b geb bef before aft after", kNoMonth);
  return table;
}();
static_assert(kDateWords.size() <= 256);

struct Number {
  std::string_view digits;

  [[nodiscard]] std::size_t size() const { return digits.size(); }
  // Of at most nine digits.
  [[nodiscard]] int value() const {
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    return value;
  }
};

// What a text has in it that may be a date.
struct Parts {
  std::array<Number, 8> numbers;
  std::size_t count = 0;
  int month = 0;         // that a word names
  char separator = ' ';  // behind the first number
};

// Passes over a time of day and its zone; `at` is behind its hour.
void skip_time(std::string_view text, std::size_t& at) {
  const auto pass = [&](std::string_view what) {
    while (at < text.size() &&
           (is_digit(text[at]) || what.find(text[at]) != std::string_view::npos)) {
      ++at;
    }
  };
  pass(":.,");
  std::size_t zone = at;
  if (zone < text.size() && text[zone] == ' ') ++zone;
  if (zone + 1 < text.size() && (text[zone] == '+' || text[zone] == '-') &&
      is_digit(text[zone + 1])) {
    at = zone + 1;
    pass(":");
  }
}

// The parts of a text in ASCII; nothing if a word is none of a date's.
std::optional<Parts> divide(std::string_view text) {
  Parts parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (is_digit(text[at])) {
      while (at < text.size() && is_digit(text[at])) ++at;
      if (at < text.size() && text[at] == ':' && at - begin <= 2) {
        skip_time(text, at);
        continue;
      }
      if (at - begin > 17 || parts.count == parts.numbers.size()) return std::nullopt;
      parts.numbers[parts.count++].digits = text.substr(begin, at - begin);
      if (parts.count == 1 && at < text.size()) parts.separator = text[at];
    } else if (is_letter(text[at])) {
      while (at < text.size() && is_letter(text[at])) ++at;
      std::array<char, 16> word{};
      if (at - begin > word.size()) return std::nullopt;
      std::transform(text.begin() + begin, text.begin() + at, word.begin(), normalize::to_lower);
      const std::string_view lower(word.data(), at - begin);
      // 19991231T235959
      if (lower == "t" && begin > 0 && is_digit(text[begin - 1]) && at < text.size() &&
          is_digit(text[at])) {
        break;
      }
      const std::uint16_t* const month = kDateWords.find(lower);
      if (month == nullptr || (*month != kNoMonth && parts.month != 0)) return std::nullopt;
      if (*month != kNoMonth) parts.month = *month;
    } else {
      ++at;
    }
  }
  return parts;
}

struct Date {
  int year;
  int month;
  int day;
};

int days_of(int year, int month) {
  constexpr std::array<int, 13> kDays{31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  // 29 February is right where the year is missing.
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : kDays[month];
}

// Whether there is such a date; 0 stands for what is missing.
bool exists(const Date& date) {
  return date.month <= 12 && date.day <= days_of(date.year, date.month);
}

void write(const Date& date, std::string& out) {
  const auto put = [&](int value, int digits) {
    for (int unit = digits == 4 ? 1000 : 10; unit > 0; unit /= 10) {
      out.push_back(static_cast<char>('0' + value / unit % 10));
    }
  };
  put(date.year, 4);
  put(date.month, 2);
  put(date.day, 2);
}

constexpr bool is_recent(int year) { return year >= 1800 && year < 2100; }

int full_year(const Number& number) {
  const int year = number.value();
  if (number.size() > 2) return year;
  return year >= kPivotYear ? 1900 + year : 2000 + year;
}

// Two numbers of a day and a month.
Date with_order(int first, int second, int year, bool day_first) {
  // A number that is no month says more than the order.
  if (first > 12 && second <= 12) day_first = true;
  if (second > 12 && first <= 12) day_first = false;
  return day_first ? Date{year, second, first} : Date{year, first, second};
}

Date split(std::string_view digits) {
  return {Number{digits.substr(0, 4)}.value(), Number{digits.substr(4, 2)}.value(),
          Number{digits.substr(6, 2)}.value()};
}

// Eight digits. What is no date in any order stays as it is: reading it again changes nothing.
Date compact(std::string_view digits, bool day_first) {
  const Date date = split(digits);
  if (exists(date)) return date;
  const Date other =
      with_order(Number{digits.substr(0, 2)}.value(), Number{digits.substr(2, 2)}.value(),
                 Number{digits.substr(4, 4)}.value(), day_first);
  return is_recent(other.year) && exists(other) ? other : date;
}

std::optional<Date> read_one(std::string_view digits, bool day_first) {
  const auto number = [&](std::size_t at, std::size_t size) {
    return Number{digits.substr(at, size)};
  };
  switch (digits.size()) {
    case 4:
      if (const int year = number(0, 4).value(); year >= 1000 && year < 3000) {
        return Date{year, 0, 0};
      }
      return std::nullopt;
    case 6: {
      const Date month{number(0, 4).value(), number(4, 2).value(), 0};
      if (is_recent(month.year) && month.month >= 1 && month.month <= 12) return month;
      const Date date = with_order(number(0, 2).value(), number(2, 2).value(),
                                   full_year(number(4, 2)), day_first);
      if (exists(date)) return date;
      const Date other{full_year(number(0, 2)), number(2, 2).value(), number(4, 2).value()};
      return exists(other) ? std::optional(other) : std::nullopt;
    }
    case 7: {  // a leading zero is lost
      const std::string padded = "0" + std::string(digits);
      const Date date = compact(padded, day_first);
      return exists(date) && is_recent(date.year) ? std::optional(date) : std::nullopt;
    }
    case 8:
      return compact(digits, day_first);
    case 12:
    case 14:
    case 17: {  // with hours, minutes, seconds, milliseconds
      const Date date = split(digits);
      return exists(date) && is_recent(date.year) ? std::optional(date) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Date> read_with_month(const Parts& parts) {
  const Number& first = parts.numbers[0];
  const Number& second = parts.numbers[1];
  const auto is_year = [](const Number& number) {
    return number.size() == 3 || number.size() == 4 || number.value() > 31;
  };
  const auto fits = [](const Number& number) { return number.size() <= 4; };
  switch (parts.count) {
    case 1:
      if (!fits(first)) return std::nullopt;
      if (is_year(first)) return Date{full_year(first), parts.month, 0};
      return Date{0, parts.month, first.value()};
    case 2:
      if (!fits(first) || !fits(second)) return std::nullopt;
      if (is_year(first) && second.size() <= 2) {
        return Date{full_year(first), parts.month, second.value()};
      }
      if (first.size() <= 2) return Date{full_year(second), parts.month, first.value()};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Date> read(Parts parts, const DateOrder& order) {
  const bool day_first = order.day_first() || (!order.month_first() && parts.separator != '/');
  // A time of day without colons follows.
  if (parts.count > 4 && parts.month == 0) parts.count = 3;
  if (parts.month != 0) return read_with_month(parts);
  const Number& first = parts.numbers[0];
  const Number& second = parts.numbers[1];
  const Number& third = parts.numbers[2];
  if (parts.count == 1) return read_one(first.digits, day_first);
  if (parts.count == 2) {
    if (first.size() == 8 || first.size() == 14) return read_one(first.digits, day_first);
    if (first.size() == 4 && second.size() <= 2) {
      return Date{first.value(), second.value(), 0};
    }
    if (first.size() <= 2 && (second.size() == 4 || (second.size() == 2 && second.value() > 31))) {
      return Date{full_year(second), first.value(), 0};
    }
    return std::nullopt;
  }
  if (parts.count != 3 || second.size() > 2) return std::nullopt;
  if (third.size() <= 2 &&
      (first.size() == 3 || first.size() == 4 || (first.size() == 2 && first.value() > 31))) {
    return Date{full_year(first), second.value(), third.value()};
  }
  if (first.size() > 2 || third.size() > 4) return std::nullopt;
  return with_order(first.value(), second.value(), full_year(third), day_first);
}

// Whether nothing but zeros is there: 00/00/00 is not the year 2000.
bool is_zero(const Parts& parts) {
  return parts.month == 0 &&
         std::all_of(parts.numbers.begin(), parts.numbers.begin() + parts.count,
                     [](const Number& number) {
                       return number.digits.find_first_not_of('0') == std::string_view::npos;
                     });
}

// The text itself if it is ASCII, else what `scratch` is overwritten with.
std::string_view in_ascii(std::string_view utf8, std::string& scratch) {
  utf8 = cut(utf8);
  if (normalize::is_ascii(utf8)) return utf8;
  fold_to_ascii(utf8, scratch);
  return scratch;
}

}  // namespace

void DateOrder::look(std::string_view utf8) {
  std::string scratch;
  const std::optional<Parts> parts = divide(in_ascii(utf8, scratch));
  if (!parts || parts->month != 0 || parts->count < 3 || parts->count == 4) return;
  const Number& year = parts->numbers[2];
  if (parts->numbers[0].size() > 2 || parts->numbers[1].size() > 2) return;
  // 25-12-31 may as well begin with the year.
  if (year.size() != 4 && (year.size() != 2 || (year.value() <= 31 && year.value() > 0))) return;
  const int first = parts->numbers[0].value();
  const int second = parts->numbers[1].value();
  const auto is_month = [](int value) { return value >= 1 && value <= 12; };
  const auto is_only_day = [](int value) { return value > 12 && value <= 31; };
  if (is_only_day(first) && is_month(second)) ++day_first_;
  if (is_month(first) && is_only_day(second)) ++month_first_;
}

void DateOrder::add(const DateOrder& other) {
  day_first_ += other.day_first_;
  month_first_ += other.month_first_;
}

void spell_date(std::string_view utf8, const DateOrder& order, std::string& out) {
  out.clear();
  std::string scratch;
  const std::optional<Parts> parts = divide(in_ascii(utf8, scratch));
  if (!parts || is_zero(*parts)) return;
  const std::optional<Date> date = read(*parts, order);
  if (!date) return;
  const bool is_none = (date->year == 0 && date->month == 0 && date->day == 0) ||
                       (date->year == 9999 && date->month == 12 && date->day == 31) ||
                       (date->year == 1 && date->month == 1 && date->day == 1);
  if (is_none) return;
  write(*date, out);
  if (exists(*date)) return;
  // As eight digits are read, so that reading them again changes nothing.
  const Date again = compact(out, order.day_first() || !order.month_first());
  out.clear();
  write(again, out);
}

}  // namespace identity_resolve::match
