// No version of ICU spells an address in another way: every character in many places, and what they
// all come to as one number a place, the same with ICU 66 (Unicode 13) as with ICU 78 (Unicode 17).
//
// If a newer ICU changes one of these numbers, find the characters (the same loop, both versions,
// compared line by line), settle them in `is_unsettled` in email.cc, and only then move kNewestIcu.
#include "normalize/email_icu.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "normalize/email.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {
namespace {

std::string_view spell(std::string_view typed) {
  static Scratch scratch;
  const Address address = read_email(typed, scratch);
  return address.problem == EmailProblem::kNone ? address.text : std::string_view{};
}

std::string utf8(char32_t c) {
  std::string out;
  append_utf8(c, out);
  return out;
}

// The A-label of some code points, by RFC 3492 alone: no check, no mapping, and no ICU.
std::string a_label(std::u32string_view label) {
  constexpr std::uint32_t kBase = 36;
  constexpr std::uint32_t kMin = 1;
  constexpr std::uint32_t kMax = 26;
  std::string out = "xn--";
  std::uint32_t handled = 0;
  for (const char32_t c : label) {
    if (c >= 0x80) continue;
    out.push_back(static_cast<char>(c));
    ++handled;
  }
  const std::uint32_t basic = handled;
  if (basic > 0) out.push_back('-');
  std::uint32_t n = 0x80;
  std::uint32_t delta = 0;
  std::uint32_t bias = 72;
  for (; handled < label.size(); ++delta, ++n) {
    char32_t next = std::numeric_limits<char32_t>::max();
    for (const char32_t c : label) {
      if (c >= n && c < next) next = c;
    }
    delta += (static_cast<std::uint32_t>(next) - n) * (handled + 1);
    n = static_cast<std::uint32_t>(next);
    for (const char32_t c : label) {
      if (c < n) ++delta;
      if (c != n) continue;
      std::uint32_t rest = delta;
      for (std::uint32_t k = kBase;; k += kBase) {
        const std::uint32_t t = k <= bias ? kMin : k >= bias + kMax ? kMax : k - bias;
        const std::uint32_t digit = rest < t ? rest : t + (rest - t) % (kBase - t);
        out.push_back(static_cast<char>(digit < 26 ? 'a' + digit : '0' + digit - 26));
        if (rest < t) break;
        rest = (rest - t) / (kBase - t);
      }
      delta = handled == basic ? delta / 700 : delta / 2;
      delta += delta / (handled + 1);
      std::uint32_t k = 0;
      for (; delta > 455; k += kBase) delta /= kBase - kMin;
      bias = k + kBase * delta / (delta + 38);
      delta = 0;
      ++handled;
    }
  }
  return out;
}

TEST(EmailIcuTest, ALabelsOfTheTestItself) {
  EXPECT_EQ(a_label(U"bücher"), "xn--bcher-kva");
  EXPECT_EQ(a_label(U"例子"), "xn--fsqu00a");
  EXPECT_EQ(a_label(U"почта"), "xn--80a1acny");
}

struct Place {
  std::string (*with)(char32_t c);
  std::uint64_t digest;
};

constexpr std::array kPlaces{
    Place{[](char32_t c) { return "a" + utf8(c) + "b@x.org"; }, 0x2659DFBE85F9B608U},
    Place{[](char32_t c) { return utf8(c) + "\u0301@x.org"; }, 0x779B54241158C823U},
    Place{[](char32_t c) { return "a" + utf8(c) + "\u0307\u0345@x.org"; }, 0x72E926D66F017A9BU},
    Place{[](char32_t c) { return "\"a " + utf8(c) + "\"@x.org"; }, 0x28353B8E0857BBBDU},
    Place{[](char32_t c) { return "a@x" + utf8(c) + "y.org"; }, 0x7D0596BC35AF6571U},
    Place{[](char32_t c) { return "a@" + utf8(c) + ".org"; }, 0x88C7ED0E24F6CAD5U},
    Place{[](char32_t c) { return "a@1" + utf8(c) + ".org"; }, 0xD1FB7A7C8F6F19EFU},
    Place{[](char32_t c) { return "a@xn--" + utf8(c) + ".org"; }, 0x0B8F5154680FF31CU},
    Place{[](char32_t c) { return "a@" + utf8(c) + "\u0301.org"; }, 0x5688020AAC680DFAU},
    Place{[](char32_t c) { return "a@x" + utf8(c) + "\u0338y.org"; }, 0x30697AB7C3B259C1U},
    // Among letters from right to left.
    Place{[](char32_t c) { return "a@\u05d0" + utf8(c) + "\u05d0.org"; }, 0x10DF45D2F939D59CU},
    Place{[](char32_t c) { return "a@" + utf8(c) + "\u05d0.org"; }, 0xEE14AA1290FE6EC6U},
    Place{[](char32_t c) { return "a@\u05d0" + utf8(c) + ".org"; }, 0xD9566A168B53345EU},
    // Beside a joiner.
    Place{[](char32_t c) { return "a@" + utf8(c) + "\u200c\u0628.org"; }, 0x8C08458847DDFC97U},
    Place{[](char32_t c) { return "a@\u0628\u200c" + utf8(c) + ".org"; }, 0x4109A007CDEFE63CU},
    Place{[](char32_t c) { return "a@\u0628" + utf8(c) + "\u200c\u0628.org"; },
          0xE9BC35F59DA4DF20U},
    Place{[](char32_t c) { return "a@\u0628\u200c" + utf8(c) + "\u0628.org"; },
          0x4627B63ADA711542U},
    Place{[](char32_t c) { return "a@\u0915" + utf8(c) + "\u200d\u0915.org"; },
          0x8E37678DB79CFB43U},
    // Within an A-label.
    Place{[](char32_t c) { return "a@" + a_label(std::u32string{c}) + ".org"; },
          0x5C8B3B182FDFA951U},
    Place{[](char32_t c) {
            return "a@" + a_label(std::u32string{U'a', c}) + ".org";
          },
          0x35A7F12C64F5B60EU},
    Place{[](char32_t c) {
            return "a@" + a_label(std::u32string{c, 0x05d0}) + ".org";
          },
          0xC1D34717DF6CD5FAU},
    Place{[](char32_t c) {
            return "a@" + a_label(std::u32string{c, 0x0301}) + ".org";
          },
          0xE18360EF480B927EU},
    Place{[](char32_t c) {
            return "a@" + a_label(std::u32string{0x0628, c, 0x200c, 0x0628}) + ".org";
          },
          0x88AC653D38483F06U},
};

TEST(EmailIcuTest, EveryCharacterInEveryPlaceIsSpelledAlike) {
  for (std::size_t place = 0; place < kPlaces.size(); ++place) {
    std::uint64_t digest = 0xCBF29CE484222325U;  // FNV-1a
    for (char32_t c = 1; c < 0xE1000; ++c) {
      if ((c >= 0xD800 && c <= 0xDFFF) || (c >= 0x33000 && c < 0xE0000)) continue;
      for (const char byte : std::string(spell(kPlaces[place].with(c))) + '\n') {
        digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
      }
    }
    EXPECT_EQ(digest, kPlaces[place].digest)
        << "place " << place << ", ICU " << icu_version() << std::hex << ": 0x" << digest;
  }
}

TEST(EmailIcuTest, TheCheckAtLoadTime) {
  EXPECT_EQ(digest_spellings(spell), kSpellings) << "ICU " << icu_version();
  EXPECT_TRUE(icu_spells_as_ever());
  // One spelling of another kind is noticed, and one address that is none any more.
  for (const std::string_view changed : {"a\u00e9@x.org", "a@x\u2260.org", "a@x\u1734.org"}) {
    EXPECT_NE(digest_spellings([&](std::string_view typed) {
                return typed == changed ? std::string_view("other@x.org") : spell(typed);
              }),
              kSpellings);
  }
  EXPECT_NE(digest_spellings([&](std::string_view typed) {
              return typed == "a@x\u00e9.org" ? std::string_view{} : spell(typed);
            }),
            kSpellings);
}

}  // namespace
}  // namespace identity_resolve::normalize
