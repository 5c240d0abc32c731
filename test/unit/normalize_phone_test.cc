// Telephone numbers. What a number may be is libphonenumber's to know; here is what is made of it.
#include "normalize/phone.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace identity_resolve::normalize {
namespace {

std::string phone(std::string_view typed, std::string_view region = {}) {
  Scratch scratch;
  const Result result = normalize_phone(typed, scratch, region);
  if (result.status == Status::kBlank) return "<blank>";
  return result.status == Status::kInvalid ? "<invalid>" : std::string(result.text);
}

TEST(PhoneTest, InternationalForm) {
  for (const char* typed :
       {"+44 20 8366 1177", "+442083661177", "+44 (0)20 8366 1177", " +44-20-8366-1177\u200b",
        "＋４４ ２０ ８３６６ １１７７", "tel:+44-20-8366-1177", "+٤٤٢٠٨٣٦٦١١٧٧",
        "+44\u00a020\u202f8366\u20091177", "\u202a+44 20 8366 1177\u202c", "(+44) 20-8366 1177"}) {
    EXPECT_EQ(phone(typed), "+442083661177") << typed;
    EXPECT_EQ(phone(typed, "US"), "+442083661177") << typed;
  }
  EXPECT_EQ(phone("+39 06 698 12345"), "+390669812345");  // Italy keeps its zero
}

TEST(PhoneTest, NationalFormNeedsARegion) {
  EXPECT_EQ(phone("020 8366 1177"), "<invalid>");
  EXPECT_EQ(phone("020 8366 1177", "GB"), "+442083661177");
  EXPECT_EQ(phone("(650) 253-0000", "US"), "+16502530000");
  EXPECT_EQ(phone("0044 20 8366 1177", "DE"), "+442083661177");
  EXPECT_EQ(phone("011 44 20 8366 1177", "US"), "+442083661177");
}

// Found by the fuzzer: digits that were dialled within Mexico only came through.
TEST(PhoneTest, NationalFormIsTheInternationalOne) {
  EXPECT_EQ(phone("01 1 83 2264 6355", "MX"), "+528322646355");
  EXPECT_EQ(phone("+52 1 83 2264 6355", "MX"), "+528322646355");
  EXPECT_EQ(phone("83 2264 6355 ext. 7", "MX"), "+528322646355;ext=7");
  for (const char* region : {"AR", "BR", "DE", "GB", "IT", "JP", "MX", "US"}) {
    for (const char* typed : {"01183Ba6hn--ekk", "011 15 2345 6789", "0011 23 4567 8901",
                              "045 1 55 1234 5678", "06 1234 5678", "0 15 11 2345 6789"}) {
      const std::string once = phone(typed, region);
      if (once == "<invalid>") continue;
      EXPECT_EQ(phone(once), once) << typed << " in " << region;
    }
  }
}

TEST(PhoneTest, ExtensionsAreKeptApart) {
  EXPECT_EQ(phone("+1 650-253-0000 ext. 5"), "+16502530000;ext=5");
  EXPECT_EQ(phone("+1 650-253-0000;ext=5"), "+16502530000;ext=5");
  EXPECT_NE(phone("+1 650-253-0000"), phone("+1 650-253-0000 x5"));
  EXPECT_NE(phone("+1 650-253-0000 x5"), phone("+1 650-253-0000 x05"));
  EXPECT_EQ(phone("tel:253-0000;ext=5;phone-context=+1650"), "+16502530000;ext=5");
}

TEST(PhoneTest, WhatCannotExistIsInvalid) {
  for (const char* typed : {"+1 650 253", "+1 000 000 0000", "+999 123456789", "12345", "n/a", "+",
                            "+44 20 8366 11770000", "\xff"}) {
    EXPECT_EQ(phone(typed), "<invalid>") << typed;
  }
  // Two numbers, or two extensions, are none: either might be the wrong one.
  for (const char* typed : {"+1 650-253-0000 / +1 650-253-0001", "+1 650-253-0000, +1 650-253-0001",
                            "+1 650-253-0000 x302/x2303", "+1 650-253-0000 x302 \\ X2303",
                            "+16502530000;ext=9;ext=8"}) {
    EXPECT_EQ(phone(typed), "<invalid>") << typed;
  }
  EXPECT_EQ(phone("911", "US"), "<invalid>");              // dialled, but nobody's
  EXPECT_EQ(phone("+44 7700 900123", "GB"), "<invalid>");  // kept free for films
  EXPECT_EQ(phone(" "), "<blank>");
  EXPECT_EQ(phone(std::string(1001, '1')), "<invalid>");
}

TEST(PhoneTest, Regions) {
  EXPECT_TRUE(is_phone_region("GB"));
  EXPECT_FALSE(is_phone_region("gb"));
  EXPECT_FALSE(is_phone_region("XX"));
  EXPECT_FALSE(is_phone_region(""));
}

}  // namespace
}  // namespace identity_resolve::normalize
