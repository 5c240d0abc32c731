// What stands behind a telephone number in the same value: words, brackets, a date, a decimal part,
// a second number. libphonenumber would take their digits, and the letters of words, for digits of
// the number.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace identity_resolve::normalize {

/// The value with a space for each blank, and the digits, signs and letters of full-width and
/// Arabic typography as ASCII.
[[nodiscard]] std::string plain_phone_text(std::string_view utf8);

/// Whether the value is a number in scientific notation (`4.9E+10`), whose last digits are lost.
[[nodiscard]] bool is_scientific(std::string_view text);

/// What follows a telephone number, if a telephone number is what stands before it.
enum class PhoneRest : std::uint8_t {
  kNothing,  ///< all of the text may be one number
  kWords,    ///< letters; whether they are digits on a telephone's keys is may_be_vanity()'s to say
  kRemark,   ///< a remark or a decimal part of zeros: the number stands without it
  kSecond,   ///< what may be a second number, or digits that are no part of one: the value is none
};

/// A text divided where a number may end.
struct PhoneParts {
  std::string_view number;
  PhoneRest rest = PhoneRest::kNothing;
};

/// Divides at the first word that does not begin an extension.
[[nodiscard]] PhoneParts divide_at_words(std::string_view text);

/// Of a text that words follow: divides before digits at its end that are the words' own, as in
/// `3. Stock`, `2 kids` and `(2. Nummer`. Without a bracket one digit, or two: these may as well be
/// the last group of a number in small groups (`90 18 20 home`).
[[nodiscard]] PhoneParts divide_at_own_digits(std::string_view text);

/// The ways to divide a text without words, in the order in which they are tried: before a decimal
/// part, a date at the end, a bracket at the end, a sign that may part two numbers, the first blank
/// behind a number that has none itself.
using DividePhone = PhoneParts (*)(std::string_view text);
[[nodiscard]] std::span<const DividePhone> phone_divisions();

/// Divides before a year at the end. It may be the last group of a number's digits as well, so this
/// is for a text that as a whole is no number.
[[nodiscard]] PhoneParts divide_at_year(std::string_view text);

/// Whether letters stand in the place of digits (`+1 (800) FLOWERS`) and are not a word beside the
/// number. In the North American plan, whose numbers are of one length, any letters may; elsewhere
/// capitals behind a short prefix.
[[nodiscard]] bool may_be_vanity(std::string_view text, bool north_american);

}  // namespace identity_resolve::normalize
