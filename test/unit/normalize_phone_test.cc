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

// A spreadsheet's decimal part is no digit of the number.
TEST(PhoneTest, DecimalParts) {
  for (const char* typed :
       {"+4930901820.0", "+4930901820.00", "+4930901820,0", "+49 30 901820.0", "030901820.0",
        "+4930901820.0.0", "+4930901820..0", "030 90 18 20.00000"}) {
    EXPECT_EQ(phone(typed, "DE"), "+4930901820") << typed;
  }
  for (const char* typed : {"+4930901820.5", "4.930901820E+11", "+4.93E10", "030 901,820"}) {
    EXPECT_EQ(phone(typed, "DE"), "<invalid>") << typed;
  }
  EXPECT_EQ(phone("+44.2083661177"), "+442083661177");  // as domain registries write it
  EXPECT_EQ(phone("01.42.68.53.00", "FR"), "+33142685300");
  EXPECT_EQ(phone("+33 1.42.68.53.00"), "+33142685300");
  EXPECT_EQ(phone("030.901820", "DE"), "+4930901820");
}

// Words, brackets and dates behind a number are remarks; letters for digits are digits.
TEST(PhoneTest, Remarks) {
  for (const char* rest :
       {" home", " (neu)", " (2024)", " (Büro)", " mobile", ", work", " - office", " h", " [main]",
        " seit 2024-01-31", " 2024-01-31", " (01/2024)", ", 31.01.2024", " home 2", " 24h"}) {
    EXPECT_EQ(phone(std::string("+49 30 901820") + rest), "+4930901820") << rest;
  }
  EXPECT_EQ(phone("+1 (800) FLOWERS"), "+18003569377");
  EXPECT_EQ(phone("1-800-FLOWERS", "US"), "+18003569377");
  EXPECT_EQ(phone("+1 800 flowers"), "+18003569377");
  for (const char* typed : {"+1 650 253 home", "+49 30 90 home", "+1 800 253 home",
                            "+49 800 9018 neu", "+49 800 9018 Haus"}) {
    EXPECT_EQ(phone(typed), "<invalid>") << typed;
  }
  // However the number itself is grouped.
  for (const char* number : {"+4930901820", "+49-30-901820", "030/901820", "(030) 901820",
                             "030 90 18 20", "0049 30 901820"}) {
    for (const char* rest : {" (neu)", "(neu)", " [neu]", " (2. Nummer)", " neu", " - neu", " ("}) {
      EXPECT_EQ(phone(std::string(number) + rest, "DE"), "+4930901820") << number << rest;
    }
  }
  // Digits before the words that are the words' own.
  for (const char* rest : {" 3. Stock", ", 3. OG", " 12. Etage", " 2. Anschluss", " (2. Nummer)",
                           " (24h)", "(9-17 Uhr)", " (0172 neu)"}) {
    EXPECT_EQ(phone(std::string("+49 30 901820") + rest), "+4930901820") << rest;
  }
  for (const char* rest : {" 3 Kinder", " 12 Uhr", " 0 Zentrale"}) {
    EXPECT_EQ(phone(std::string("+49 30 901820") + rest), "<invalid>") << rest;
  }
  EXPECT_EQ(phone("030 90 18 20 home", "DE"), "+4930901820");
  EXPECT_EQ(phone("0151 234567 89 privat", "DE"), "+4915123456789");  // needs its last group
  EXPECT_EQ(phone("030 901820-0 Zentrale", "DE"), "+49309018200");
  EXPECT_EQ(phone("Tel. +49 30 901820"), "+4930901820");
  EXPECT_EQ(phone("+44 (0)20 8366 1177"), "+442083661177");
  EXPECT_EQ(phone("+49 30 (901820)"), "+4930901820");
}

// Which of two numbers is meant nobody knows.
TEST(PhoneTest, SecondNumbers) {
  for (const char* rest :
       {" o. 901821", " *2", " oder 030 901821", "/21", " / 901821", ", 901821", "; 901821",
        " & 901821", "\n901821", " or +49 30 901821", " | +49 30 901821"}) {
    EXPECT_EQ(phone(std::string("+49 30 901820") + rest), "<invalid>") << rest;
  }
  EXPECT_EQ(phone("030/901820", "DE"), "+4930901820");
  EXPECT_EQ(phone("+49 (0)30 / 901 820"), "+4930901820");
  EXPECT_EQ(phone("+1 650-253-0000, ext. 5"), "+16502530000;ext=5");
}

// Blanks group the digits of a number. Behind one that has none itself, they part it from what
// follows; a year ends a number that would not exist with it.
TEST(PhoneTest, Blanks) {
  for (const char* typed : {"030 90 18 20", "030 901820", "+49 30 90 18 20", "+4930 901820",
                            "(030) 90 18 20", "+49-30-90 18 20"}) {
    EXPECT_EQ(phone(typed, "DE"), "+4930901820") << typed;
  }
  EXPECT_EQ(phone("0309018 2024", "DE"), "+493090182024");
  EXPECT_EQ(phone("030 9018 2024", "DE"), "+493090182024");
  // A number with it and without it: as it stands, digits in groups.
  EXPECT_EQ(phone("+49 30 901820 2024"), "+49309018202024");
  EXPECT_EQ(phone("030 901820 2", "DE"), "+49309018202");

  for (const char* typed : {"+4930901820 2024", "030901820 1999", "030/901820 2024",
                            "Tel. +4930901820 2024", "+49-30-901820 2024"}) {
    EXPECT_EQ(phone(typed, "DE"), "+4930901820") << typed;
  }
  EXPECT_EQ(phone("+1 650 253 0000 2024"), "+16502530000");
  EXPECT_EQ(phone("(650) 253-0000 2024", "US"), "+16502530000");
  EXPECT_EQ(phone("+44 20 8366 1177 1987 "), "+442083661177");
  // Any other number may be an extension, or a second number.
  for (const char* typed :
       {"+4930901820 2", "030901820 21", "+4930901820 901821", "+4930901820 +4930901821",
        "+4930901820 (030) 901821", "+4930901820 2100", "+4930901820 2024 2025",
        "+1 650 253 0000 5", "+1 650 253 0000 1234", "+44 20 8366 1177 020 8366 1178"}) {
    EXPECT_EQ(phone(typed, "DE"), "<invalid>") << typed;
  }
  EXPECT_EQ(phone("+16502530000 #5"), "+16502530000;ext=5");
  EXPECT_EQ(phone("+4930901820 - 20"), "+493090182020");  // through a switchboard
}

// One number that is dialled in two ways from abroad has one spelling.
TEST(PhoneTest, OneNumberOfTwoSpellings) {
  EXPECT_EQ(phone("+55 11 8765 4321"), "+5511987654321");
  EXPECT_EQ(phone("+55 11 98765 4321"), "+5511987654321");
  EXPECT_EQ(phone("(11) 8765-4321", "BR"), "+5511987654321");
  EXPECT_EQ(phone("+55 11 7123 4567"), "+5511971234567");
  EXPECT_EQ(phone("+55 11 7812 3456"), "+551178123456");  // a trunking radio
  EXPECT_EQ(phone("+55 11 3456 7890"), "+551134567890");
  for (const char* typed : {"+54 9 11 2345 6789", "+54 11 2345 6789", "+5491123456789"}) {
    EXPECT_EQ(phone(typed), "+541123456789") << typed;
  }
  EXPECT_EQ(phone("011 15-2345-6789", "AR"), "+541123456789");
}

TEST(PhoneTest, Regions) {
  for (const char* written : {"GB", "gb", " GB ", "UK", "uk", "GBR", "gbr"}) {
    EXPECT_EQ(phone_region(written), "GB") << written;
  }
  EXPECT_EQ(phone_region("USA"), "US");
  EXPECT_EQ(phone_region("XKX"), "XK");
  for (const char* written : {"XX", "", "England", "G", "44", "EU", "GB R", "ZZ", "001"}) {
    EXPECT_EQ(phone_region(written), "") << written;
  }
}

}  // namespace
}  // namespace identity_resolve::normalize
