// What each kind of field is spelled as, and the laws that every spelling obeys.
#include "match/spell.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "match/fold.h"
#include "match/nickname.h"
#include "match/spell_date.h"
#include "normalize/text.h"

namespace identity_resolve::match {
namespace {

using namespace std::string_literals;       // NOLINT(google-build-using-namespace)
using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)

constexpr auto kKinds = std::to_array<FieldKind>(
    {FieldKind::kGivenName, FieldKind::kMiddleName, FieldKind::kSurname, FieldKind::kName,
     FieldKind::kNameSuffix, FieldKind::kDate, FieldKind::kPhone, FieldKind::kId,
     FieldKind::kHouseNumber, FieldKind::kPostcode, FieldKind::kEmail, FieldKind::kCity,
     FieldKind::kWords, FieldKind::kCategory});

std::string spelled(FieldKind kind, std::string_view utf8) {
  std::string out = "what was there before";
  spell(kind, utf8, out);
  return out;
}

std::string given(std::string_view utf8) { return spelled(FieldKind::kGivenName, utf8); }
std::string surname(std::string_view utf8) { return spelled(FieldKind::kSurname, utf8); }
std::string name(std::string_view utf8) { return spelled(FieldKind::kName, utf8); }
std::string words(std::string_view utf8) { return spelled(FieldKind::kWords, utf8); }
std::string date(std::string_view utf8) { return spelled(FieldKind::kDate, utf8); }
std::string email(std::string_view utf8) { return spelled(FieldKind::kEmail, utf8); }
std::string phone(std::string_view utf8) { return spelled(FieldKind::kPhone, utf8); }

TEST(MatchSpell, LettersFold) {
  EXPECT_EQ(given("  JOSÉ  "), "jose");
  EXPECT_EQ(given("Jose\u0301"), "jose");
  EXPECT_EQ(surname("Müller"), "muller");
  EXPECT_EQ(surname("Strauß"), "strauss");
  EXPECT_EQ(surname("STRAU\u1E9E"), "strauss");
  EXPECT_EQ(surname("Sørensen"), "sorensen");
  EXPECT_EQ(surname("Łukasz"), "lukasz");
  EXPECT_EQ(surname("Ðorđević"), "dordevic");
  EXPECT_EQ(surname("Æsir Œuvre Þor"), "aesir oeuvre thor");
  EXPECT_EQ(surname("YILDIRIM"), surname("Yıldırım"));
  EXPECT_EQ(given("İbrahim"), "ibrahim");
  EXPECT_EQ(given("Nguyễn"), "nguyen");
  EXPECT_EQ(given("\uFF2A\uFF4F\uFF48\uFF4E"), "john");  // full-width
  EXPECT_EQ(surname("\uFB01nch"), "finch");              // a ligature
  EXPECT_EQ(given("Ma\u00ADry\u200B"), "mary");          // soft hyphen, zero-width space
  EXPECT_EQ(given("Мария"), "мария");
  EXPECT_EQ(given("ЙОСИФ"), "иосиф");
  EXPECT_EQ(given("ΣΟΦΊΑ"), given("σοφια"));
  EXPECT_EQ(given("王小明"), "王小明");
  EXPECT_EQ(given("\u1112\u1161\u11AB"), "\uD55C");               // Hangul, composed
  EXPECT_EQ(given("\uFF76\uFF9E"), "\u30AC");                     // half-width kana with its mark
  EXPECT_EQ(given("\u0645\u064F\u062D"), given("\u0645\u062D"));  // Arabic vowels are optional
  EXPECT_EQ(spelled(FieldKind::kId, "\u0661\u0662\u0663\u0664"), "1234");
}

TEST(MatchSpell, Names) {
  EXPECT_EQ(surname("O'Neil"), "oneil");
  EXPECT_EQ(surname("O\u2019Neil"), "oneil");
  EXPECT_EQ(surname("O Neil"), "oneil");
  EXPECT_EQ(surname("O´Neil"), "oneil");
  EXPECT_EQ(given("Anne-Marie"), "anne marie");
  EXPECT_EQ(given("J.R."), "j r");
  EXPECT_EQ(given("Dr. Hans"), "hans");
  EXPECT_EQ(given("Mrs Jane"), "jane");
  EXPECT_EQ(given("Mr."), "");
  EXPECT_EQ(surname("Herr"), "herr");
  EXPECT_EQ(surname("Herr Prof. Dr. Müller"), "muller");
  EXPECT_EQ(given("Don"), "don");
  EXPECT_EQ(given("Don Luis"), "don luis");
  EXPECT_EQ(surname("Smith Jr."), "smith");
  EXPECT_EQ(surname("Smith, III"), "smith");
  EXPECT_EQ(surname("Smith, Ph.D."), "smith");
  EXPECT_EQ(surname("Smith MD"), "smith");
  EXPECT_EQ(given("Md Rahman"), "md rahman");
  EXPECT_EQ(surname("Smith-Jones"), "smith jones");
}

TEST(MatchSpell, ParticlesJoin) {
  for (const std::string_view one : {"van der Berg", "Van Derberg", "VANDERBERG", "van den Berg",
                                     "Berg, van der", "Vander Berg"}) {
    EXPECT_EQ(surname(one).substr(0, 4), "vand") << one;
    EXPECT_EQ(surname(one).find(' '), std::string::npos) << one;
  }
  EXPECT_EQ(surname("van der Berg"), "vanderberg");
  EXPECT_EQ(surname("Berg, van der"), "vanderberg");
  EXPECT_EQ(surname("von Neumann"), "vonneumann");
  EXPECT_EQ(surname("de la Cruz"), "delacruz");
  EXPECT_EQ(surname("Dela Cruz"), "delacruz");
  EXPECT_EQ(surname("García de la Cruz"), "garcia delacruz");
  EXPECT_EQ(surname("Al-Hassan"), "alhassan");
  EXPECT_EQ(surname("bin Laden"), "binladen");
  EXPECT_EQ(surname("Mc Donald"), "mcdonald");
  EXPECT_EQ(surname("St. John"), surname("Saint John"));
  EXPECT_EQ(surname("Van"), "van");
  EXPECT_EQ(surname("de la"), "dela");
  EXPECT_EQ(name("Jan van der Berg"), "jan vanderberg");
  EXPECT_EQ(name("Al Smith"), "al smith");
  EXPECT_EQ(name("Omar al-Hassan"), "omar alhassan");
  EXPECT_EQ(name("Van Morrison"), "van morrison");
  EXPECT_EQ(name("Smith, John, Jr."), "smith john");
  EXPECT_EQ(name("Smith, Dr. John"), "smith john");
}

TEST(MatchSpell, Suffixes) {
  const auto suffix = [](std::string_view utf8) { return spelled(FieldKind::kNameSuffix, utf8); };
  EXPECT_EQ(suffix("Jr."), "jr");
  EXPECT_EQ(suffix("Junior"), "jr");
  EXPECT_EQ(suffix("SR"), "sr");
  EXPECT_EQ(suffix("2nd"), "ii");
  EXPECT_EQ(suffix("III"), "iii");
  EXPECT_EQ(suffix("\u2162"), "iii");  // one Roman numeral
  EXPECT_EQ(suffix("the 4th"), "iv");
  EXPECT_EQ(suffix("V"), "v");
  EXPECT_EQ(suffix("PhD"), "");
  EXPECT_EQ(suffix("-"), "");
  EXPECT_EQ(suffix_of("John Smith Jr."), "jr");
  EXPECT_EQ(suffix_of("Smith, III, John"), "iii");
  EXPECT_EQ(suffix_of("John Smith"), "");
  EXPECT_EQ(suffix_of("Jr."), "");
  EXPECT_EQ(suffix_of("Sr. Juan Gómez"), "");
  EXPECT_EQ(suffix_of("\xFF\0"sv), "");
}

TEST(MatchSpell, Umlauts) {
  const auto folded = [](std::string_view utf8) {
    std::string out = "before";
    fold_umlauts(surname(utf8), out);
    return out;
  };
  // Müller and Mueller are two forms, one edit apart, and one with umlauts folded.
  EXPECT_NE(surname("Müller"), surname("Mueller"));
  EXPECT_EQ(folded("Müller"), "muller");
  EXPECT_EQ(folded("Mueller"), "muller");
  EXPECT_EQ(folded("Goethe"), folded("Göthe"));
  EXPECT_EQ(folded("Jaeger"), folded("Jäger"));
  EXPECT_EQ(folded("Ærø"), folded("Aero"));
  EXPECT_EQ(folded("Bauer"), "bauer");
  EXPECT_EQ(folded("Queen"), "queen");
  EXPECT_EQ(folded(""), "");
}

TEST(MatchSpell, Companies) {
  EXPECT_EQ(words("Acme, Inc."), "acme");
  EXPECT_EQ(words("ACME GmbH & Co. KG"), "acme");
  EXPECT_EQ(words("Acme S.A."), "acme");
  EXPECT_EQ(words("Acme L.L.C."), "acme");
  EXPECT_EQ(words("Acme S.p.A."), "acme");
  EXPECT_EQ(words("The Acme Corporation"), "acme");
  EXPECT_EQ(words("Smith & Sons"), words("Smith and Sons"));
  EXPECT_EQ(words("AG"), "ag");
  EXPECT_EQ(words("J.P. Morgan"), words("JP Morgan"));
  EXPECT_EQ(words("SA Brewing"), "sa brewing");
}

TEST(MatchSpell, Addresses) {
  EXPECT_EQ(words("Hauptstr. 5"), "haupt st 5");
  EXPECT_EQ(words("Hauptstraße 5"), "haupt st 5");
  EXPECT_EQ(words("HAUPT-STRASSE 5"), "haupt st 5");
  EXPECT_EQ(words("Kerkstraat 12"), "kerk st 12");
  EXPECT_EQ(words("7 Pridhamstreet"), "7 pridham st");
  EXPECT_EQ(words("12 Main Street"), words("12 Main St."));
  EXPECT_EQ(words("5th Avenue No. 12"), "5th ave 12");
  EXPECT_EQ(words("1 Elm Rd, Denver CO 80202"), "1 elm rd denver co 80202");
  EXPECT_EQ(words("10 bd. Saint-Michel"), words("10, Boulevard St Michel"));
  EXPECT_EQ(words("C/ Mayor 5"), words("Calle Mayor 5"));
  EXPECT_EQ(words("Avda. de América 3"), words("Avenida de America, 3"));
  EXPECT_EQ(words("P.za Navona 1"), "p za navona 1");
  EXPECT_EQ(words("Piazza Navona 1"), words("Pza Navona, 1"));
  EXPECT_EQ(words("P.O. Box 12"), words("PO Box 12"));
}

TEST(MatchSpell, Dates) {
  for (const std::string_view one : {"1999-12-31",
                                     "19991231",
                                     "31.12.1999",
                                     "31/12/1999",
                                     "12/31/1999",
                                     "31-12-1999",
                                     "1999/12/31",
                                     "1999-12-31T23:59:59Z",
                                     "1999-12-31 23:59:59.123+01:00",
                                     "19991231T235959",
                                     "12/31/1999 11:59:59 PM",
                                     "31.12.1999 00:00",
                                     "31 Dec 1999",
                                     "31. Dezember 1999",
                                     "Dec 31, 1999",
                                     "December 31st, 1999",
                                     "31-DEC-99",
                                     "31.12.99",
                                     "99-12-31",
                                     "31121999",
                                     "12311999",
                                     "991231",
                                     "311299",
                                     "31 décembre 1999",
                                     "31 de diciembre de 1999",
                                     "Fri Dec 31 23:59:59 CET 1999",
                                     "1999 Dec 31",
                                     "19991231235959",
                                     "1999年12月31日",
                                     "\uFF11\uFF19\uFF19\uFF19-12-31",
                                     "31. Dezember 1999, 10:30 Uhr"}) {
    EXPECT_EQ(date(one), "19991231") << one;
  }
  EXPECT_EQ(date("1. März 2001"), "20010301");
  EXPECT_EQ(date("1999"), "19990000");
  EXPECT_EQ(date("1999-05"), "19990500");
  EXPECT_EQ(date("05/1999"), "19990500");
  EXPECT_EQ(date("199905"), "19990500");
  EXPECT_EQ(date("May 1999"), "19990500");
  EXPECT_EQ(date("00.00.1999"), "19990000");
  EXPECT_EQ(date("31 Dec"), "00001231");
  EXPECT_EQ(date("circa 1850"), "18500000");
  EXPECT_EQ(date("1.1.29"), "20290101");
  EXPECT_EQ(date("1.1.30"), "19300101");
  EXPECT_EQ(date("29.2.2000"), "20000229");
  EXPECT_EQ(date("1121999"), "19991201");
  // Without any knowledge of the column.
  EXPECT_EQ(date("05/06/1999"), "19990506");
  EXPECT_EQ(date("05.06.1999"), "19990605");
  EXPECT_EQ(date("05-06-1999"), "19990605");
}

TEST(MatchSpell, DatesThatDoNotExistKeepTheirDigits) {
  EXPECT_EQ(date("31.02.1999"), "19990231");
  EXPECT_EQ(date("1999-13-05"), "19991305");
  EXPECT_EQ(date("1900-02-29"), "19000229");
  EXPECT_EQ(date("45.13.1999"), "19991345");
  EXPECT_EQ(date("31.12.199"), "01991231");
}

TEST(MatchSpell, NoDates) {
  for (const std::string_view one : {"",
                                     "-",
                                     "unknown",
                                     "May",
                                     "12",
                                     "0000-00-00",
                                     "00/00/00",
                                     "0/0/000 0 0 2",
                                     "9999-12-31",
                                     "0001-01-01",
                                     "9999-12-31 23:59:59",
                                     "12345",
                                     "1999-W05",
                                     "room 5, floor 3, 1999",
                                     "31 Dec May 1999",
                                     "1 2 3 4",
                                     "1e309",
                                     "123456789012345678901234567890",
                                     "12:30",
                                     "null"}) {
    EXPECT_EQ(date(one), "") << one;
  }
}

TEST(MatchSpell, OrderOfDates) {
  std::string out;
  DateOrder day;
  EXPECT_FALSE(day.day_first());
  EXPECT_FALSE(day.month_first());
  day.look("05/06/1999");
  day.look("1999-12-31");
  day.look("what\xFF");
  EXPECT_FALSE(day.day_first());
  day.look("31/12/1999");
  EXPECT_TRUE(day.day_first());
  spell_date("05/06/1999", day, out);
  EXPECT_EQ(out, "19990605");
  DateOrder month;
  month.look("12/31/99");
  EXPECT_TRUE(month.month_first());
  spell_date("05.06.1999", month, out);
  EXPECT_EQ(out, "19990506");
  spell_date("31.06.1999", month, out);  // no month
  EXPECT_EQ(out, "19990631");
  // As many of either: as without any.
  month.add(day);
  EXPECT_FALSE(month.month_first());
  EXPECT_FALSE(month.day_first());
  month.look("25-12-31");  // may begin with the year
  EXPECT_FALSE(month.day_first());
}

TEST(MatchSpell, Phones) {
  EXPECT_EQ(phone("+1 (415) 555-2671"), "4155552671");
  EXPECT_EQ(phone("415.555.2671 ext. 12"), "4155552671");
  EXPECT_EQ(phone("415 555 2671 x12"), "4155552671");
  EXPECT_EQ(phone("+49 (0)170 1234567"), phone("0170 1234567"));
  EXPECT_EQ(phone("Tel. 030 123456"), "030123456");
  EXPECT_EQ(phone("\uFF10\uFF13\uFF10-123456"), "030123456");
  EXPECT_EQ(phone("12345"), "");
  EXPECT_EQ(phone("000-000-0000"), "");
  EXPECT_EQ(phone("none"), "");
}

TEST(MatchSpell, Ids) {
  const auto id = [](std::string_view utf8) { return spelled(FieldKind::kId, utf8); };
  EXPECT_EQ(id("123-45-6789"), "123456789");
  EXPECT_EQ(id("Ab 12/C"), "ab12c");
  EXPECT_EQ(id("007"), "007");
  EXPECT_EQ(id("n/a"), "");
  EXPECT_EQ(id("0000000000"), "");
  EXPECT_EQ(id("unknown"), "");
}

TEST(MatchSpell, HouseNumbersAndPostcodes) {
  const auto house = [](std::string_view utf8) { return spelled(FieldKind::kHouseNumber, utf8); };
  EXPECT_EQ(house("12 B"), "12b");
  EXPECT_EQ(house("12b"), "12b");
  EXPECT_EQ(house("No. 0012"), "12");
  EXPECT_EQ(house("12 bis"), "12bis");
  EXPECT_EQ(house("12-14"), "12 14");
  EXPECT_EQ(house("12 1/2"), "12 1 2");
  EXPECT_EQ(house("0"), "0");
  const auto postcode = [](std::string_view utf8) { return spelled(FieldKind::kPostcode, utf8); };
  EXPECT_EQ(postcode("sw1a 1aa"), "sw1a1aa");
  EXPECT_EQ(postcode("D-80331"), "80331");
  EXPECT_EQ(postcode("12345-6789"), "12345");
  EXPECT_EQ(postcode("02139"), "02139");
}

TEST(MatchSpell, Emails) {
  EXPECT_EQ(email("John.Smith+news@Example.COM"), "john.smith@example.com");
  EXPECT_EQ(email("\"Smith\" <js@example.com>"), "js@example.com");
  EXPECT_EQ(email("john smith@example.com"), "johnsmith@example.com");
  EXPECT_EQ(email("John@Example"), "john@example");
  EXPECT_EQ(email("+@example.com"), "+@example.com");
  EXPECT_EQ(email("no address"), "");
  EXPECT_EQ(email("a@b@c"), "");
  EXPECT_EQ(email("@example.com"), "");
  EXPECT_EQ(email("n/a"), "");
}

TEST(MatchSpell, CitiesAndCategories) {
  EXPECT_EQ(spelled(FieldKind::kCity, "St. Louis"), "saint louis");
  EXPECT_EQ(spelled(FieldKind::kCity, "Sankt Gallen"), "saint gallen");
  EXPECT_EQ(spelled(FieldKind::kCity, "São Paulo"), "sao paulo");
  EXPECT_EQ(spelled(FieldKind::kCity, "Mt Vernon"), "mount vernon");
  EXPECT_EQ(spelled(FieldKind::kCategory, " Männlich "), "mannlich");
  EXPECT_EQ(spelled(FieldKind::kCategory, "NA"), "");
}

TEST(MatchSpell, WhatStandsForNoValueIsMissing) {
  for (const FieldKind kind : kKinds) {
    for (const std::string_view one :
         {"", " ", "-", "--", "...", "n/a", "N/A", "null", "(null)", "unknown", "Unknown", "test",
          "\\N", "?", "\t\n", "undefined", "\u2014"}) {
      EXPECT_EQ(spelled(kind, one), "") << static_cast<int>(kind) << ' ' << one;
    }
  }
  EXPECT_EQ(given("Na"), "na");
  EXPECT_EQ(surname("None"), "none");
  EXPECT_EQ(spelled(FieldKind::kCategory, "NO"), "no");
  EXPECT_EQ(name("Dr. Unknown"), "");
  EXPECT_EQ(given("[Nil"), "");
  EXPECT_EQ(given("FNU"), "");
  EXPECT_EQ(spelled(FieldKind::kCity, "none"), "");
}

std::vector<std::string> hostile() {
  std::vector<std::string> values{"\xFF\xFE",
                                  "Jo\xC3hn",
                                  "M\xFCller",
                                  "\xED\xA0\x80",
                                  "\xF4\x90\x80\x80",
                                  "\xC0\x80",
                                  "John\xE2\x82",
                                  "a\0b"s,
                                  "\0"s,
                                  "\x01\x02\x1F\x7F",
                                  "\u0301\u0302\u0303",
                                  "\u200B\uFEFF\u202E",
                                  "\uFDFA\uFDFA\uFDFA",  // decomposes to eighteen characters
                                  "\U0010FFFF",
                                  "a\u0301\u0301\u0301\u0301\u0301b",
                                  "\u0E33\u0E49",
                                  "\u0928\u092E\u0938\u094D\u0924\u0947",
                                  "\u1100\u1161\u11A8",
                                  "½ ¼ № ㈱ ⅷ ①",
                                  "'''",
                                  "van der",
                                  "d r smith",
                                  "d a smith",
                                  "dr jr",
                                  "no no 5",
                                  "the the",
                                  "aaastrstr",
                                  "str",
                                  "2002-20-24",
                                  "a.+x@b.com",
                                  "jo hn@m\u00FCller.de",
                                  "al-al-al",
                                  "a@[1.2.3.4]",
                                  "((((((((",
                                  "+++@+++",
                                  "\"a+b\"@example.com",
                                  "1.1.1.1.1.1.1.1.1.1"};
  for (const std::string_view one : {"a", "a ", "\xFF", "\u00E9", "\uFDFA", "1", "@", "van ",
                                     "\u0301", "\U00020000", ", ", "jr ", "a."}) {
    std::string many;
    while (many.size() < 1U << 20U) many += one;
    values.push_back(many);
  }
  return values;
}

TEST(MatchSpell, BadInputIsNoError) {
  DateOrder order;
  for (const std::string& value : hostile()) {
    for (const FieldKind kind : kKinds) {
      const std::string out = spelled(kind, value);
      EXPECT_TRUE(normalize::is_valid_utf8(out))
          << static_cast<int>(kind) << ' ' << value.substr(0, 40);
      EXPECT_LE(out.size(), 4 * kMaxInput);
    }
    order.look(value);
    (void)suffix_of(value);
    (void)soundex(value);
    EXPECT_TRUE(normalize::is_valid_utf8(latin(value)));
  }
  EXPECT_EQ(given("\u0301\u0302"), "");
  EXPECT_EQ(given("Jo\xC3hn"), "jo hn");
  EXPECT_EQ(given("a\0b"sv), "a b");
  EXPECT_EQ(given(std::string(1U << 20U, 'a')), std::string(kMaxInput, 'a'));
}

TEST(MatchSpell, SpellingAgainChangesNothing) {
  std::vector<std::string> values = hostile();
  values.erase(std::remove_if(values.begin(), values.end(),
                              [](const std::string& value) { return value.size() > kMaxInput; }),
               values.end());
  // Words that rules know, in pairs and threes: one rule must not make work for another.
  const auto known = std::to_array<std::string_view>(
      {"dr",  "mr",  "herr", "sr",  "jr",      "iii",          "phd",  "ph",  "d",
       "van", "der", "al",   "de",  "la",      "saint",        "st",   "str", "co",
       "inc", "and", "sa",   "ag",  "se",      "southeast",    "c",    "no",  "5",
       "12b", "b",   "bis",  "0",   "the",     "unknown",      "test", "na",  "1999",
       "31",  "12",  "feb",  "a@b", "+x@y.de", "müllerstraße", "王"});
  for (const std::string_view a : known) {
    for (const std::string_view b : known) {
      for (const std::string_view between : {" ", "-", ".", ", ", "'", ""}) {
        values.push_back(std::string(a) + std::string(between) + std::string(b));
        values.push_back(values.back() + std::string(between) + "smith");
        values.push_back("the " + values.back());
      }
      values.push_back(std::string(a) + " x " + std::string(b));
    }
  }
  for (const std::string& value : values) {
    for (const FieldKind kind : kKinds) {
      const std::string once = spelled(kind, value);
      EXPECT_EQ(spelled(kind, once), once) << static_cast<int>(kind) << ": " << value;
    }
  }
}

TEST(MatchSpell, EveryDateOfEightDigitsIsItself) {
  for (int digits = 0; digits < 100000000; digits += 9973) {
    std::string value = std::to_string(digits);
    value.insert(0, 8 - value.size(), '0');
    const std::string once = date(value);
    EXPECT_TRUE(once.empty() || once.size() == 8) << value;
    EXPECT_EQ(date(once), once) << value;
  }
}

TEST(MatchSpell, Latin) {
  EXPECT_EQ(latin("Wang"), "");
  EXPECT_EQ(latin("Müller 5"), "");
  EXPECT_EQ(latin(""), "");
  EXPECT_EQ(latin("\xFF"), "");
  const auto joined = [](std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    return text;
  };
  EXPECT_EQ(joined(latin("王小明")), joined(name("Wang Xiaoming")));
  EXPECT_EQ(latin("王小明"), "wang xiao ming");
  EXPECT_EQ(latin("Иван Петров"), "ivan petrov");
  EXPECT_EQ(latin("Σοφία"), "sophia");
  EXPECT_EQ(latin("\u0645\u062D\u0645\u062F"), "mhmd");
}

TEST(MatchSpell, Soundex) {
  // The National Archives' own examples, and the classic ones.
  EXPECT_EQ(soundex("washington"), "W252");
  EXPECT_EQ(soundex("lee"), "L000");
  EXPECT_EQ(soundex("gutierrez"), "G362");
  EXPECT_EQ(soundex("pfister"), "P236");
  EXPECT_EQ(soundex("jackson"), "J250");
  EXPECT_EQ(soundex("tymczak"), "T522");
  EXPECT_EQ(soundex("ashcraft"), "A261");
  EXPECT_EQ(soundex("Robert"), "R163");
  EXPECT_EQ(soundex("rupert"), "R163");
  EXPECT_EQ(soundex("anne marie"), soundex("annemarie"));
  EXPECT_EQ(soundex(""), "");
  EXPECT_EQ(soundex("5th"), "");
  EXPECT_EQ(soundex("王"), "");
}

TEST(MatchNickname, Groups) {
  EXPECT_TRUE(are_nicknames("robert", "bob"));
  EXPECT_TRUE(are_nicknames("bob", "robert"));
  EXPECT_TRUE(are_nicknames("bill", "will"));  // both of William
  EXPECT_TRUE(are_nicknames("elizabeth", "betty"));
  EXPECT_TRUE(are_nicknames("johannes", "hans"));
  EXPECT_TRUE(are_nicknames("francisco", "paco"));
  EXPECT_TRUE(are_nicknames("bob james", "robert"));
  EXPECT_FALSE(are_nicknames("robert", "robert"));
  EXPECT_FALSE(are_nicknames("robert", "elizabeth"));
  EXPECT_FALSE(are_nicknames("", "bob"));
  EXPECT_TRUE(nickname_groups("nobody").empty());
  const auto groups = nickname_groups("bob");
  EXPECT_FALSE(groups.empty());
  EXPECT_TRUE(std::is_sorted(groups.begin(), groups.end()));
}

}  // namespace
}  // namespace identity_resolve::match
