#include "normalize/phone_text.h"

#include <algorithm>
#include <array>

#include "normalize/ascii.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_digit));
}

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kNone = std::string_view::npos;

std::size_t find_digit(std::string_view text, std::size_t from = 0) {
  return text.find_first_of("0123456789", from);
}

// As many digits as a number has at least; fewer are the number of a remark.
constexpr std::size_t kFewestDigits = 5;
// A sign may part two numbers if there is a whole number before it, not the beginning of one that
// happens to be assigned.
constexpr std::size_t kWholeNumber = 7;
// A blank parts two numbers if there is a whole number without any before it: `0309018 2024` may
// still be one.
constexpr std::size_t kWithoutBlanks = 9;

// The letters from `at` on.
std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_letter(text[end])) ++end;
  return text.substr(at, end - at);
}

bool is_one_of(std::string_view word, std::string_view list) {
  std::string small(word.size() + 2, ' ');
  std::transform(word.begin(), word.end(), small.begin() + 1, to_lower);
  return list.find(small) != kNone;
}

// What libphonenumber knows as the beginning of an extension.
bool begins_extension(std::string_view word) {
  return is_one_of(word, " x ext extn xt xtn exten extension extensi int anexo ");
}

// Whether an extension, and nothing else, begins at `at`.
bool is_extension(std::string_view text, std::size_t at) {
  const std::string_view word = word_at(text, at);
  if (!begins_extension(word)) return false;
  const std::string_view rest = text.substr(at + word.size());
  return count_digits(rest) > 0 && rest.find_first_not_of("0123456789 .:,-=#") == kNone;
}

constexpr bool is_likely_year(int number) { return number >= 1900 && number < 2100; }

// A date, or a month and a year, at the end of the text: where it begins, or kNone. Behind a blank,
// a comma or an opening bracket.
std::size_t date_at_end(std::string_view text) {
  const std::size_t last = text.find_last_of(" ,(");
  if (last == kNone) return kNone;
  std::string_view date = text.substr(last + 1);
  while (!date.empty() && (date.back() == ')' || date.back() == '.')) date.remove_suffix(1);
  std::array<int, 3> numbers{};
  std::array<std::size_t, 3> widths{};
  std::size_t count = 0;
  char sign = '\0';
  for (const char c : date) {
    if (is_digit(c)) {
      if (count == 0) count = 1;
      if (++widths[count - 1] > 4) return kNone;
      numbers[count - 1] = numbers[count - 1] * 10 + (c - '0');
    } else if (count > 0 && count < 3 && (c == '-' || c == '.' || c == '/') &&
               (sign == '\0' || sign == c)) {
      sign = c;
      ++count;
    } else {
      return kNone;
    }
  }
  const auto is_year = [&](std::size_t i) { return widths[i] == 4 && is_likely_year(numbers[i]); };
  const auto is_day = [&](std::size_t i) {
    return (widths[i] == 1 || widths[i] == 2) && numbers[i] >= 1 && numbers[i] <= 31;
  };
  if (count == 2) return is_day(0) && numbers[0] <= 12 && is_year(1) ? last : kNone;
  if (count != 3 || !is_day(1)) return kNone;
  return (is_year(0) && is_day(2)) || (is_day(0) && is_year(2)) ? last : kNone;
}

// Whether the text is a year and nothing else.
bool is_year(std::string_view text) {
  if (text.size() != 4 || count_digits(text) != 4) return false;
  int number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  return is_likely_year(number);
}

// Where an opening bracket stands whose closing one ends the text; kNone.
std::size_t bracket_at_end(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" .,;");
  if (end == kNone) return kNone;
  constexpr std::string_view kClosing = ")]}";
  const std::size_t kind = kClosing.find(text[end]);
  if (kind == kNone) return kNone;
  const std::size_t open = text.find_last_of("([{"[kind], end);
  return open == 0 ? kNone : open;
}

// A decimal part: one or two digits behind the only point or comma, or zeros only.
PhoneParts divide_at_decimals(std::string_view text) {
  const std::size_t point = text.find_first_of(".,");
  if (point == kNone || point + 1 == text.size()) return {text};
  const std::string_view part = text.substr(point + 1);
  if (count_digits(part) > 0 && part.find_first_not_of("0.,") == kNone) {
    return {text.substr(0, point), PhoneRest::kRemark};
  }
  if (part.find_first_not_of("0123456789") != kNone || part.size() > 2) return {text};
  return {text.substr(0, point), PhoneRest::kSecond};
}

PhoneParts divide_at_date(std::string_view text) {
  const std::size_t date = date_at_end(text);
  if (date == kNone) return {text};
  return {text.substr(0, date), PhoneRest::kRemark};
}

PhoneParts divide_at_bracket(std::string_view text) {
  const std::size_t open = bracket_at_end(text);
  if (open == kNone) return {text};
  return {text.substr(0, open), PhoneRest::kRemark};
}

// A slash, or its like, parts numbers as it parts the area from the rest of one (`030/901820`), and
// in `901820/21` the rest is half a number. A comma behind a whole number and before few digits is
// dialled as a pause.
PhoneParts divide_at_separator(std::string_view text) {
  constexpr std::string_view kSeparators = "/\\|&*,;\n";
  for (std::size_t at = text.find_first_of(kSeparators); at != kNone;
       at = text.find_first_of(kSeparators, at + 1)) {
    const bool is_whole = count_digits(text.substr(0, at)) >= kWholeNumber;
    const bool pauses = text[at] == ',' || text[at] == ';';
    if (!is_whole && !pauses) continue;
    const std::string_view rest = text.substr(at + 1);
    if (rest.find_first_of(kLetters) != kNone) continue;
    if (count_digits(rest) >= (pauses && is_whole ? kFewestDigits : 1)) {
      return {text.substr(0, at), PhoneRest::kSecond};
    }
  }
  return {text};
}

// A number that is written without blanks does not group its digits by them. So what follows its
// first blank is no part of it.
PhoneParts divide_at_first_blank(std::string_view text) {
  const std::size_t first = find_digit(text);
  const std::size_t blank = first == kNone ? kNone : text.find(' ', first);
  if (blank == kNone || count_digits(text.substr(0, blank)) < kWithoutBlanks) return {text};
  const std::string_view rest = trim(text.substr(blank));
  if (count_digits(rest) == 0) return {text};
  if (!is_digit(rest.front()) && rest.front() != '+' && rest.front() != '(') return {text};
  return {text.substr(0, blank), is_year(rest) ? PhoneRest::kRemark : PhoneRest::kSecond};
}

}  // namespace

std::string plain_phone_text(std::string_view utf8) {
  if (is_ascii(utf8)) return std::string(utf8);
  std::string plain;
  for (std::size_t at = 0; at < utf8.size();) {
    char32_t c = next_code_point(utf8, at);
    if (is_blank(c)) c = U' ';
    if (c >= U'\uff01' && c <= U'\uff5e') c = c - U'\uff01' + U'!';
    if (c >= U'\u0660' && c <= U'\u0669') c = c - U'\u0660' + U'0';
    if (c >= U'\u06f0' && c <= U'\u06f9') c = c - U'\u06f0' + U'0';
    append_utf8(c, plain);
  }
  return plain;
}

bool is_scientific(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  if (e == kNone || e == 0 || e + 1 == text.size()) return false;
  const std::string_view number = text.substr(0, e);
  std::string_view power = text.substr(e + 1);
  const bool is_signed = power.front() == '+' || power.front() == '-';
  if (is_signed) power.remove_prefix(1);
  const std::size_t start = number.front() == '+' || number.front() == '-' ? 1 : 0;
  return !power.empty() && power.find_first_not_of("0123456789") == kNone &&
         number.size() > start && number.find_first_not_of("0123456789.,", start) == kNone &&
         (is_signed || number.find_first_of(".,") != kNone);
}

PhoneParts divide_at_words(std::string_view text) {
  const std::size_t first = find_digit(text);
  if (first == kNone || text.find(";phone-context=") != kNone) return {text};
  std::size_t at = first;
  while (at < text.size() && !is_letter(text[at])) ++at;
  if (at == text.size() || is_extension(text, at)) return {text};
  const std::string_view rest = text.substr(at);
  // One or two digits that a letter follows are the word's (`24h`).
  std::size_t end = at;
  while (end > first && is_digit(text[end - 1])) --end;
  if (at - end > 2 || end == first || text[end - 1] != ' ') end = at;
  const std::string_view number = text.substr(0, end);
  if (begins_extension(word_at(text, at))) return {number, PhoneRest::kSecond};
  // A second number behind the word, and not a date.
  std::string_view others = rest;
  if (const std::size_t date = date_at_end(rest); date != kNone) others = rest.substr(0, date);
  const bool second = count_digits(others) >= kFewestDigits;
  return {number, second ? PhoneRest::kSecond : PhoneRest::kWords};
}

PhoneParts divide_at_own_digits(std::string_view text) {
  const std::size_t open = text.find_last_of("([{");
  if (open != kNone && open > 0 && text.find_first_of(")]}", open) == kNone) {
    const std::size_t inside = count_digits(text.substr(open));
    if (inside > 0) {
      return {text.substr(0, open),
              inside < kFewestDigits ? PhoneRest::kRemark : PhoneRest::kSecond};
    }
  }
  const std::size_t end = text.find_last_not_of(" .");
  if (end == kNone || !is_digit(text[end])) return {text};
  const bool is_ordinal = text.find('.', end) != kNone;
  const std::size_t blank = text.rfind(' ', end);
  if (blank == kNone || end - blank > 2 || !is_digit(text[blank + 1])) return {text};
  const std::string_view number = trim(text.substr(0, blank));
  const std::size_t before = number.find_last_not_of("0123456789");
  const std::size_t group = number.size() - (before == kNone ? 0 : before + 1);
  if (end - blank == 2 && group < kFewestDigits) return {text};
  return {number, is_ordinal ? PhoneRest::kRemark : PhoneRest::kSecond};
}

std::span<const DividePhone> phone_divisions() {
  static constexpr std::array kDivisions = {&divide_at_decimals, &divide_at_date,
                                            &divide_at_bracket, &divide_at_separator,
                                            &divide_at_first_blank};
  return kDivisions;
}

PhoneParts divide_at_year(std::string_view text) {
  text = trim(text);
  const std::size_t blank = text.rfind(' ');
  if (blank == kNone || !is_year(text.substr(blank + 1))) return {text};
  const std::string_view number = text.substr(0, blank);
  if (count_digits(number) < kWholeNumber) return {text};
  return {number, PhoneRest::kRemark};
}

bool may_be_vanity(std::string_view text, bool north_american) {
  const std::size_t first = find_digit(text);
  std::size_t at = first == kNone ? text.size() : first;
  while (at < text.size() && !is_letter(text[at])) ++at;
  if (at == text.size()) return false;
  const std::string_view rest = text.substr(at);
  // Letters, digits and hyphens up to the end, nothing that parts words but a blank.
  if (!std::all_of(rest.begin(), rest.end(),
                   [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == ' '; })) {
    return false;
  }
  const std::string_view word = word_at(text, at);
  if (is_one_of(word,
                " home work cell cellular mobile mobil handy office main fax phone tel direct "
                "private privat neu alt new old buero and or oder und ")) {
    return false;
  }
  if (north_american) return true;
  constexpr std::size_t kLongestPrefix = 6;
  return word.size() >= 4 && std::all_of(word.begin(), word.end(), is_upper) &&
         count_digits(text.substr(0, at)) <= kLongestPrefix;
}

}  // namespace identity_resolve::normalize
