// The methods by name, text, and the laws that every method obeys.
#include "normalize/normalize.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "normalize/text.h"

namespace identity_resolve::normalize {
namespace {

constexpr Method kMethods[] = {Method::kExact,        Method::kCasefold, Method::kEmail,
                               Method::kMailbox,      Method::kPhone,    Method::kNone,
                               Method::kSalesforceId, Method::kUuid,     Method::kObjectId};

std::string spell(Method method, std::string_view typed) {
  Scratch scratch;
  const Result result = normalize(method, typed, scratch);
  switch (result.status) {
    case Status::kValid:
      return std::string(result.text);
    case Status::kBlank:
      return "<blank>";
    case Status::kInvalid:
      return "<invalid>";
  }
  return {};
}

TEST(NormalizeTest, MethodsHaveNames) {
  for (const Method method : kMethods) EXPECT_EQ(method_by_name(name_of(method)), method);
  EXPECT_EQ(method_by_name("Email"), std::nullopt);
  EXPECT_EQ(method_by_name(""), std::nullopt);
}

TEST(NormalizeTest, Exact) {
  EXPECT_EQ(spell(Method::kExact, " \u00a0ABC def\u200b\n"), "ABC def");
  EXPECT_EQ(spell(Method::kExact, "\xff x "), "\xff x");
  EXPECT_EQ(spell(Method::kExact, "\u00a0\xff"), "\u00a0\xff");  // broken: ASCII blanks only
  EXPECT_EQ(spell(Method::kExact, " \u3000 "), "<blank>");
  EXPECT_EQ(spell(Method::kExact, ""), "<blank>");
  EXPECT_EQ(spell(Method::kExact, std::string_view("\0", 1)), std::string_view("\0", 1));
  EXPECT_EQ(spell(Method::kExact, "007"), "007");
  EXPECT_EQ(spell(Method::kExact, "+7"), "+7");
}

TEST(NormalizeTest, None) {
  EXPECT_EQ(spell(Method::kNone, " A "), " A ");
  EXPECT_EQ(spell(Method::kNone, " "), " ");
  EXPECT_EQ(spell(Method::kNone, ""), "<blank>");
}

TEST(NormalizeTest, Casefold) {
  EXPECT_EQ(spell(Method::kCasefold, " ABC "), "abc");
  EXPECT_EQ(spell(Method::kCasefold, "STRASSE"), spell(Method::kCasefold, "Straße"));
  EXPECT_EQ(spell(Method::kCasefold, "ΝΙΚΟΣ"), spell(Method::kCasefold, "νικος"));
  EXPECT_EQ(spell(Method::kCasefold, "Ju\u0308rgen"), "jürgen");
  EXPECT_EQ(spell(Method::kCasefold, "ı"), "ı");  // no Turkish rules: they would depend on a locale
  EXPECT_EQ(spell(Method::kCasefold, "\u200b"), "<blank>");
  EXPECT_EQ(spell(Method::kCasefold, "a\xff"), "<invalid>");
}

TEST(NormalizeTest, LowerAsciiLeavesAllElseAlone) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  for (std::size_t skip = 0; skip < 8; ++skip) {
    std::string text = all.substr(skip);
    lower_ascii(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = all[i + skip];
      EXPECT_EQ(text[i], c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    }
  }
}

TEST(NormalizeTest, Utf8Validity) {
  for (const std::string_view good : {"", "a", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000",
                                      "\uffff", "\U00010000", "\U0010ffff"}) {
    EXPECT_TRUE(is_valid_utf8(good));
  }
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xff", "\xfe"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(c, text);
    std::size_t at = 0;
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(next_code_point(text, at), c);
    ASSERT_EQ(at, text.size());
  }
}

// A spelling of a spelling is itself, for any bytes.
TEST(NormalizeLawTest, Idempotent) {
  std::mt19937_64 random{42};
  for (int i = 0; i < 100000; ++i) {
    std::string typed;
    for (std::uint64_t n = random() % 12; n > 0; --n) {
      if (random() % 4 == 0) {
        typed.push_back(static_cast<char>(random()));
      } else {
        auto c = static_cast<char32_t>(random() % 0x3000);
        append_utf8(c, typed);
      }
    }
    for (const Method method :
         {Method::kExact, Method::kCasefold, Method::kEmail, Method::kMailbox}) {
      const std::string once = spell(method, typed);
      if (once.front() == '<') continue;
      ASSERT_EQ(spell(method, once), once) << name_of(method);
    }
  }
}

TEST(NormalizeLawTest, CasefoldIsIdempotentForEveryCharacter) {
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    for (const char32_t next : {U'a', U'\u0301', U'\u0345', U'\u0307'}) {
      std::string typed;
      append_utf8(c, typed);
      append_utf8(next, typed);
      const std::string once = spell(Method::kCasefold, typed);
      if (once.front() == '<') continue;
      ASSERT_EQ(spell(Method::kCasefold, once), once)
          << "U+" << std::hex << static_cast<unsigned>(c);
    }
  }
}

// One megabyte of anything is read without delay and without overflow.
TEST(NormalizeTest, HugeValues) {
  constexpr std::size_t kMegabyte = std::size_t{1} << 20;
  std::string wide;
  while (wide.size() < kMegabyte) wide += "ß";
  for (const std::string& value :
       {std::string(kMegabyte, 'A'), std::string(kMegabyte, ' '), std::string(kMegabyte, '+'),
        std::string(kMegabyte, '1'), std::string(kMegabyte, '\xff'), wide}) {
    for (const Method method : kMethods) {
      Scratch scratch;
      const Result result = normalize(method, value, scratch);
      if (method != Method::kExact && method != Method::kCasefold && method != Method::kNone) {
        EXPECT_NE(result.status, Status::kValid);
      }
    }
  }
}

}  // namespace
}  // namespace identity_resolve::normalize
