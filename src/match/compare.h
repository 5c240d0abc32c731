// How alike two values are: Jaro-Winkler similarity, and the distance of Damerau and Levenshtein.
//
// A value is a row of characters: the code points of its UTF-8, where each byte that is no part of
// a code point is a character of its own, equal to the same byte only. Of a value longer than
// kMaxCompared characters the first kMaxCompared count, so that no pair costs more than a few
// milliseconds. Upper and lower case are two characters: whoever compares brings values to one
// spelling first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace identity_resolve::match {

// How many characters of a value are compared.
inline constexpr std::size_t kMaxCompared = 1024;

// A short value made ready once, to be compared many times: up to 16 characters, each below U+00FF
// and so a byte. That is nearly every name in a Latin script of Western Europe. The bytes behind
// the value are 0xFF, which is no character of any.
struct Padded {
  static constexpr std::size_t kMaxLength = 16;

  alignas(16) std::array<char, kMaxLength> bytes;
  std::uint8_t length = 0;

  Padded() { bytes.fill(static_cast<char>(0xFF)); }

  // None where the value is longer or has another character.
  [[nodiscard]] static std::optional<Padded> of(std::string_view value);
};

// The similarity of Jaro and Winkler, from 0 (nothing in common) to 1 (equal). Two empty values:
// 1; an empty one and another: 0. It is symmetric.
//
// Jaro ("Advances in Record-Linkage Methodology as Applied to Matching the 1985 Census of Tampa,
// Florida", JASA 84, 1989): m characters are common, that is equal and no further apart than half
// of the longer length, less one; each is taken once, by the first that may have it. The common
// ones stand in one order in a and in another in b; t is half the number of places in which these
// differ, rounded down as in Winkler's program strcmp95.c. The similarity is
// (m / |a| + m / |b| + (m - t) / m) / 3.
//
// Winkler ("String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model of
// Record Linkage", 1990): a similarity s of at least 0.7 becomes s + 0.1 p (1 - s), where p is the
// length of the common beginning, at most 4. The adjustments of strcmp95.c for look-alikes and for
// long values are not made.
//
// It is worked out in whole numbers and divided once: the result is the double that is next to the
// true quotient, whichever form has counted.
[[nodiscard]] double jaro_winkler(std::string_view a, std::string_view b);
[[nodiscard]] double jaro_winkler(const Padded& a, const Padded& b);

// How many edits make b of a: a character inserted, deleted or replaced, or two neighbours
// exchanged. It is the "optimal string alignment": no part is edited twice, so CA and ABC are 3
// apart, where Damerau's own distance is 2. Symmetric; 0 only for values that are equal as far as
// they are compared.
[[nodiscard]] std::uint32_t damerau(std::string_view a, std::string_view b);
[[nodiscard]] std::uint32_t damerau(const Padded& a, const Padded& b);

// The same up to `limit`; limit + 1 where it is more, which is found out sooner. A limit of
// kMaxCompared or above is none.
[[nodiscard]] std::uint32_t damerau_at_most(std::string_view a, std::string_view b,
                                            std::uint32_t limit);

// Whether damerau() is exactly 1.
[[nodiscard]] bool one_edit(std::string_view a, std::string_view b);
[[nodiscard]] bool one_edit(const Padded& a, const Padded& b);

// The forms that the functions above choose among, for tests and benchmarks. All give one answer.
namespace forms {

// Character by character, for any length.
[[nodiscard]] double jaro_winkler_plain(std::string_view a, std::string_view b);
[[nodiscard]] std::uint32_t damerau_plain(std::string_view a, std::string_view b,
                                          std::uint32_t limit = kMaxCompared);

// A bit for each character, for values of up to kMaxBits characters.
inline constexpr std::size_t kMaxBits = 64;
[[nodiscard]] double jaro_winkler_bits(std::string_view a, std::string_view b);
[[nodiscard]] std::uint32_t damerau_bits(std::string_view a, std::string_view b,
                                         std::uint32_t limit = kMaxCompared);

// As for Padded, without the processor's vectors.
[[nodiscard]] double jaro_winkler_padded_plain(const Padded& a, const Padded& b);
[[nodiscard]] std::uint32_t damerau_padded_plain(const Padded& a, const Padded& b);
[[nodiscard]] bool one_edit_padded_plain(const Padded& a, const Padded& b);

}  // namespace forms

}  // namespace identity_resolve::match
