#include "match/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "normalize/text.h"

namespace identity_resolve::match {
namespace {

// ---- What the functions are, slowly and obviously ----

using Value = std::vector<std::uint32_t>;

// The longest beginning that is one code point, by trial; otherwise a byte beyond Unicode.
Value characters_of(std::string_view text) {
  Value characters;
  while (!text.empty() && characters.size() < kMaxCompared) {
    std::size_t size = 0;
    for (std::size_t n = 1; n <= 4 && n <= text.size() && size == 0; ++n) {
      if (normalize::is_valid_utf8(text.substr(0, n))) size = n;
    }
    if (size == 0) {
      characters.push_back(0x200000U + static_cast<unsigned char>(text.front()));
      size = 1;
    } else {
      std::size_t at = 0;
      characters.push_back(normalize::next_code_point(text, at));
    }
    text.remove_prefix(size);
  }
  return characters;
}

double reference_jaro_winkler(const Value& a, const Value& b) {
  if (a.empty() && b.empty()) return 1;
  const int m = static_cast<int>(a.size());
  const int n = static_cast<int>(b.size());
  const int reach = std::max(0, std::max(m, n) / 2 - 1);
  std::vector<bool> a_taken(a.size());
  std::vector<bool> b_taken(b.size());
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n && !a_taken[i]; ++j) {
      if (std::abs(i - j) <= reach && !b_taken[j] && a[i] == b[j]) a_taken[i] = b_taken[j] = true;
    }
  }
  Value from_a;
  Value from_b;
  for (int i = 0; i < m; ++i) {
    if (a_taken[i]) from_a.push_back(a[i]);
  }
  for (int j = 0; j < n; ++j) {
    if (b_taken[j]) from_b.push_back(b[j]);
  }
  if (from_a.empty()) return 0;
  int displaced = 0;
  for (std::size_t k = 0; k < from_a.size(); ++k) displaced += from_a[k] != from_b[k] ? 1 : 0;
  const double common = static_cast<double>(from_a.size());
  const double jaro = (common / m + common / n + (common - displaced / 2) / common) / 3;
  int prefix = 0;
  while (prefix < 4 && prefix < m && prefix < n && a[prefix] == b[prefix]) ++prefix;
  return jaro < 0.7 - 1e-12 ? jaro : jaro + 0.1 * prefix * (1 - jaro);
}

std::uint32_t reference_damerau(const Value& a, const Value& b) {
  std::vector<std::vector<std::uint32_t>> d(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<std::uint32_t>(i + j);
        continue;
      }
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

// ---- Pairs ----

class Pairs {
 public:
  explicit Pairs(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string value(const std::vector<std::string>& alphabet, std::size_t most) {
    std::string value;
    for (std::size_t n = below(most + 1); n > 0; --n) value += alphabet[below(alphabet.size())];
    return value;
  }
  // One that is a few edits away: of bytes, so that UTF-8 breaks.
  std::string like(std::string value, const std::vector<std::string>& alphabet) {
    for (std::size_t n = below(4); n > 0; --n) {
      const std::size_t at = below(value.size() + 1);
      const std::string& one = alphabet[below(alphabet.size())];
      switch (below(4)) {
        case 0:
          value.insert(at, one);
          break;
        case 1:
          if (at < value.size()) value.erase(at, 1);
          break;
        case 2:
          if (at < value.size()) value.replace(at, 1, one);
          break;
        default:
          if (at + 1 < value.size()) std::swap(value[at], value[at + 1]);
      }
    }
    return value;
  }

 private:
  std::mt19937 random_;
};

std::vector<std::string> letters(std::size_t count) {
  std::vector<std::string> alphabet;
  for (std::size_t i = 0; i < count; ++i) alphabet.emplace_back(1, static_cast<char>('A' + i));
  return alphabet;
}
std::vector<std::string> bytes(int first, int last) {
  std::vector<std::string> alphabet;
  for (int byte = first; byte <= last; ++byte) alphabet.emplace_back(1, static_cast<char>(byte));
  return alphabet;
}

void expect_all_alike(std::string_view a, std::string_view b) {
  const Value a_value = characters_of(a);
  const Value b_value = characters_of(b);
  const double similar = jaro_winkler(a, b);
  const std::uint32_t edits = damerau(a, b);
  ASSERT_NEAR(similar, reference_jaro_winkler(a_value, b_value), 1e-12) << a << "|" << b;
  ASSERT_EQ(edits, reference_damerau(a_value, b_value)) << a << "|" << b;

  ASSERT_EQ(similar, jaro_winkler(b, a)) << a << "|" << b;
  ASSERT_EQ(edits, damerau(b, a)) << a << "|" << b;
  ASSERT_GE(similar, 0);
  ASSERT_LE(similar, 1);
  ASSERT_EQ(similar == 1, a_value == b_value) << a << "|" << b;
  ASSERT_EQ(edits == 0, a_value == b_value) << a << "|" << b;
  ASSERT_EQ(one_edit(a, b), edits == 1) << a << "|" << b;
  for (const std::uint32_t limit : {0U, 1U, 2U, 3U, 7U, 20U, 1024U, UINT32_MAX}) {
    const std::uint32_t most = std::min<std::uint32_t>(limit, kMaxCompared) + 1;
    ASSERT_EQ(damerau_at_most(a, b, limit), std::min(edits, most)) << limit << a << "|" << b;
    ASSERT_EQ(forms::damerau_plain(a, b, most - 1), std::min(edits, most))
        << limit << a << "|" << b;
  }

  ASSERT_EQ(similar, forms::jaro_winkler_plain(a, b)) << a << "|" << b;
  if (std::max(a_value.size(), b_value.size()) <= forms::kMaxBits) {
    ASSERT_EQ(similar, forms::jaro_winkler_bits(a, b)) << a << "|" << b;
    ASSERT_EQ(edits, forms::damerau_bits(a, b)) << a << "|" << b;
    for (const std::uint32_t limit : {0U, 1U, 2U, 5U, 30U}) {
      ASSERT_EQ(forms::damerau_bits(a, b, limit), std::min(edits, limit + 1)) << a << "|" << b;
    }
  }
  const std::optional<Padded> a_padded = Padded::of(a);
  const std::optional<Padded> b_padded = Padded::of(b);
  const auto is_short = [](const Value& value) {
    return value.size() <= 16 &&
           std::all_of(value.begin(), value.end(), [](std::uint32_t c) { return c < 0xFF; });
  };
  ASSERT_EQ(a_padded.has_value(), is_short(a_value)) << a;
  ASSERT_EQ(b_padded.has_value(), is_short(b_value)) << b;
  if (!a_padded || !b_padded) return;
  ASSERT_EQ(similar, jaro_winkler(*a_padded, *b_padded)) << a << "|" << b;
  ASSERT_EQ(similar, forms::jaro_winkler_padded_plain(*a_padded, *b_padded)) << a << "|" << b;
  ASSERT_EQ(edits, damerau(*a_padded, *b_padded)) << a << "|" << b;
  ASSERT_EQ(edits, forms::damerau_padded_plain(*a_padded, *b_padded)) << a << "|" << b;
  ASSERT_EQ(edits == 1, one_edit(*a_padded, *b_padded)) << a << "|" << b;
  ASSERT_EQ(edits == 1, one_edit(*b_padded, *a_padded)) << a << "|" << b;
  ASSERT_EQ(edits == 1, forms::one_edit_padded_plain(*a_padded, *b_padded)) << a << "|" << b;
}

void expect_pairs_alike(unsigned seed, const std::vector<std::string>& alphabet, std::size_t most,
                        int pairs) {
  Pairs random(seed);
  for (int i = 0; i < pairs; ++i) {
    const std::string a = random.value(alphabet, most);
    const std::string b = random.below(2) == 0 ? random.value(alphabet, most)  //
                                               : random.like(a, alphabet);
    ASSERT_NO_FATAL_FAILURE(expect_all_alike(a, b));
  }
}

// ---- Tests ----

TEST(MatchCompare, GivesWhatWasPublished) {
  // Winkler, "Overview of Record Linkage and Current Research Directions" (2006), and Jaro's own.
  EXPECT_NEAR(jaro_winkler("MARTHA", "MARHTA"), 0.9611, 5e-5);
  EXPECT_NEAR(jaro_winkler("DIXON", "DICKSONX"), 0.8133, 5e-5);
  EXPECT_NEAR(jaro_winkler("DWAYNE", "DUANE"), 0.84, 5e-5);
  EXPECT_NEAR(jaro_winkler("SHACKLEFORD", "SHACKELFORD"), 0.9818, 5e-5);
  EXPECT_NEAR(jaro_winkler("DUNNINGHAM", "CUNNIGHAM"), 0.8963, 5e-5);
  EXPECT_NEAR(jaro_winkler("NICHLESON", "NICHULSON"), 0.9556, 5e-5);
  EXPECT_NEAR(jaro_winkler("JONES", "JOHNSON"), 0.8324, 5e-5);
  EXPECT_NEAR(jaro_winkler("MASSEY", "MASSIE"), 0.9333, 5e-5);
  EXPECT_EQ(damerau("CA", "ABC"), 3U);  // 2 where a part may be edited twice
  EXPECT_EQ(damerau("kitten", "sitting"), 3U);
  EXPECT_EQ(damerau("Jonh", "John"), 1U);
}

TEST(MatchCompare, KnowsTheEnds) {
  EXPECT_EQ(jaro_winkler("", ""), 1);
  EXPECT_EQ(jaro_winkler("", "a"), 0);
  EXPECT_EQ(jaro_winkler("a", "b"), 0);
  EXPECT_EQ(jaro_winkler("a", "a"), 1);
  EXPECT_EQ(damerau("", ""), 0U);
  EXPECT_EQ(damerau("", "abc"), 3U);
  EXPECT_EQ(damerau_at_most("", "abc", 1), 2U);
  EXPECT_FALSE(one_edit("", ""));
  EXPECT_TRUE(one_edit("", "a"));
  // 2 of 4 and of 5 in one order, and 0.633 is below 0.7; 3 of 5 and of 6 are exactly 0.7.
  EXPECT_NEAR(jaro_winkler("abcd", "abxyz"), (2 / 4.0 + 2 / 5.0 + 1) / 3, 1e-15);
  EXPECT_NEAR(jaro_winkler("abcde", "abcxyz"), 0.7 + 0.3 * 0.3, 1e-15);
}

TEST(MatchCompare, CountsCharactersAndNotBytes) {
  EXPECT_EQ(damerau("M\u00fcller", "Muller"), 1U);
  EXPECT_EQ(damerau("\u5f20\u4e09", "\u5f20\u56db"), 1U);
  EXPECT_EQ(damerau("\U0001F600", "\U0001F601"), 1U);
  EXPECT_EQ(jaro_winkler("M\u00c4RTHA", "M\u00c4RHTA"), jaro_winkler("MARTHA", "MARHTA"));
  // What is not UTF-8 is a character a byte: an overlong form, a surrogate, what is cut off.
  EXPECT_EQ(damerau("\xC0\x80", ""), 2U);
  EXPECT_EQ(damerau("\xED\xA0\x80", ""), 3U);
  EXPECT_EQ(damerau("\xF4\x90\x80\x80", ""), 4U);
  EXPECT_EQ(damerau("a\xE2\x82", "a"), 2U);
  EXPECT_EQ(damerau("a\xFF", "a\u00FF"), 1U);
  EXPECT_EQ(jaro_winkler("\xFF", "\xFE"), 0);
  EXPECT_EQ(damerau(std::string_view("a\0b", 3), "ab"), 1U);
}

TEST(MatchCompare, TakesShortValuesOfOneByteACharacter) {
  EXPECT_TRUE(Padded::of(""));
  EXPECT_TRUE(Padded::of("0123456789abcdef"));
  EXPECT_FALSE(Padded::of("0123456789abcdefg"));
  EXPECT_TRUE(Padded::of("Jos\u00e9 Mu\u00f1oz"));
  EXPECT_FALSE(Padded::of("\u00ff"));  // stands behind values
  EXPECT_FALSE(Padded::of("\u0100"));
  EXPECT_FALSE(Padded::of("\xE9"));
  EXPECT_EQ(Padded().length, 0);
}

TEST(MatchCompare, IsWhatTheReferenceSaysOfShortValues) {
  expect_pairs_alike(1, letters(2), 17, 150000);
  expect_pairs_alike(2, letters(4), 17, 150000);
  expect_pairs_alike(3, letters(26), 17, 150000);
  expect_pairs_alike(4, letters(3), 8, 150000);
}

TEST(MatchCompare, IsWhatTheReferenceSaysOfLongerValues) {
  expect_pairs_alike(5, letters(2), 70, 20000);
  expect_pairs_alike(6, letters(26), 70, 20000);
  expect_pairs_alike(7, bytes(0, 127), 70, 20000);
}

TEST(MatchCompare, IsWhatTheReferenceSaysBeyondAscii) {
  const std::vector<std::string> european{"a", "b", "\u00e9", "\u00fc", "\u00fe", "\u00ff"};
  const std::vector<std::string> any{"a",          "\u00e9", "\u0416", "\u5f20",
                                     "\U0001F600", "\xC3",   "\xFF"};
  expect_pairs_alike(8, european, 17, 100000);
  expect_pairs_alike(9, any, 17, 50000);
  expect_pairs_alike(10, any, 70, 10000);
  expect_pairs_alike(11, bytes(0, 255), 70, 10000);
  expect_pairs_alike(12, bytes(0x7E, 0xFF), 20, 50000);
  // Characters that meet in one slot of a table.
  const std::vector<std::string> meeting{"\u0101", "\u0181", "\u0201", "\u0281", "\u0301", "\x01"};
  expect_pairs_alike(13, meeting, 66, 10000);
}

// Every two values of up to five letters out of three.
TEST(MatchCompare, IsWhatTheReferenceSaysOfAllSmallValues) {
  std::vector<std::string> values{""};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() == 5) break;
    for (const char c : {'a', 'b', 'c'}) values.push_back(values[i] + c);
  }
  for (const std::string& a : values) {
    for (const std::string& b : values) ASSERT_NO_FATAL_FAILURE(expect_all_alike(a, b));
  }
}

// The forms for names, against each other: the references are too slow for so many.
TEST(MatchCompare, HasFormsThatAreEqual) {
  Pairs random(14);
  for (const std::size_t count : {2, 3, 5, 26}) {
    const std::vector<std::string> alphabet = letters(count);
    for (int i = 0; i < 1000000; ++i) {
      const std::string a = random.value(alphabet, 16);
      const std::string b = random.below(2) == 0 ? random.value(alphabet, 16)
                                                 : random.like(a, alphabet).substr(0, 16);
      const Padded a_padded = *Padded::of(a);
      const Padded b_padded = *Padded::of(b);
      const double similar = jaro_winkler(a_padded, b_padded);
      const std::uint32_t edits = damerau(a_padded, b_padded);
      ASSERT_EQ(similar, forms::jaro_winkler_padded_plain(a_padded, b_padded)) << a << "|" << b;
      ASSERT_EQ(similar, forms::jaro_winkler_bits(a, b)) << a << "|" << b;
      ASSERT_EQ(edits, forms::damerau_padded_plain(a_padded, b_padded)) << a << "|" << b;
      ASSERT_EQ(edits, forms::damerau_bits(a, b)) << a << "|" << b;
      ASSERT_EQ(edits == 1, one_edit(a_padded, b_padded)) << a << "|" << b;
      ASSERT_EQ(edits == 1, forms::one_edit_padded_plain(a_padded, b_padded)) << a << "|" << b;
    }
  }
}

TEST(MatchCompare, ComparesTheBeginningOfLongValues) {
  const std::string a(kMaxCompared, 'a');
  EXPECT_EQ(damerau(a + "b", a + "c"), 0U);
  EXPECT_EQ(jaro_winkler(a + "b", a + "c"), 1);
  EXPECT_EQ(damerau(a, ""), kMaxCompared);
  EXPECT_EQ(damerau(a, std::string(kMaxCompared, 'b')), kMaxCompared);
  EXPECT_EQ(damerau_at_most(a, std::string(kMaxCompared, 'b'), 1), 2U);
  EXPECT_EQ(damerau_at_most(a, a + a, 0), 0U);
  Pairs random(15);
  for (int i = 0; i < 5; ++i) {
    const std::string megabyte = random.value(letters(4), 1 << 20);
    const std::string other = random.like(megabyte, letters(4));
    ASSERT_NO_FATAL_FAILURE(expect_all_alike(megabyte, other));
  }
  for (int i = 0; i < 20; ++i) {
    const std::string value = random.value({"a", "b", "\u00e9", "\xFF"}, 1100);
    ASSERT_NO_FATAL_FAILURE(expect_all_alike(value, random.like(value, letters(3))));
  }
}

}  // namespace
}  // namespace identity_resolve::match
