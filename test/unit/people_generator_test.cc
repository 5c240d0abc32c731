// The made-up people that matching is measured with: what is promised of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/people.h"

namespace identity_resolve::people {
namespace {

constexpr std::uint64_t kRecords = 10'000;

std::vector<Record> records(KindSet kinds, std::uint64_t seed = 1, std::uint64_t count = kRecords) {
  const Population population({.records = count, .seed = seed, .kinds = kinds});
  std::vector<Record> result;
  for (std::size_t place = 0; place < population.size(); ++place) {
    result.push_back(population.record(place));
  }
  return result;
}

std::string csv(const std::vector<Record>& of) {
  std::string text;
  for (const Record& record : of) append_line(text, record);
  return text;
}

// FNV-1a.
std::uint64_t checksum(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return sum;
}

bool is_utf8(std::string_view text) {
  std::size_t rest = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xc0U) == 0x80U;
    if (continues != (rest > 0)) return false;
    if (continues) {
      --rest;
    } else {
      rest = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    }
  }
  return rest == 0;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

TEST(PeopleGenerator, TheSameSeedGivesTheSameBytes) {
  const std::string text = csv(records(kinds(true)));
  EXPECT_EQ(text, csv(records(kinds(true))));
  EXPECT_NE(text, csv(records(kinds(true), 2)));
  // On every machine. Whoever changes the people on purpose writes the new sum here.
  EXPECT_EQ(checksum(text), 4773518061626633686U);
}

TEST(PeopleGenerator, HasSoManyRecordsOfSixtyPercentAsManyPeople) {
  for (const std::uint64_t count : {1U, 2U, 1000U, 20'000U}) {
    EXPECT_EQ(records(kinds(true), 1, count).size(), count);
  }
  std::map<std::uint64_t, std::size_t> copies;
  std::uint64_t id = 0;
  for (const Record& record : records(0)) {
    ++copies[record.truth];
    EXPECT_EQ(record.id, ++id);
  }
  EXPECT_NEAR(static_cast<double>(copies.size()), 0.6 * kRecords, 0.02 * kRecords);
  std::size_t largest = 0;
  for (const auto& [truth, count] : copies) largest = std::max(largest, count);
  EXPECT_EQ(largest, kCopies);
}

TEST(PeopleGenerator, RecordsOfOnePersonAreAlikeWithoutErrors) {
  std::map<std::uint64_t, std::array<std::string, kColumns>> people;
  for (const Record& record : records(0)) {
    const auto [person, is_new] = people.emplace(record.truth, record.columns);
    if (!is_new) {
      EXPECT_EQ(person->second, record.columns) << record.truth;
    }
  }
}

TEST(PeopleGenerator, AKindOfErrorChangesItsColumnsAndNothingElse) {
  const std::vector<Record> plain = records(0);
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    const std::vector<Record> changed = records(1U << kind);
    std::size_t changes = 0;
    std::size_t strays = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      ASSERT_EQ(plain[i].truth, changed[i].truth);
      ASSERT_EQ(plain[i].source, changed[i].source);
      changes += plain[i].columns != changed[i].columns ? 1 : 0;
      for (std::size_t column = 0; column < kColumns; ++column) {
        const bool may_change = (kKinds[kind].columns >> column & 1U) != 0;
        if (!may_change && plain[i].columns[column] != changed[i].columns[column]) ++strays;
      }
    }
    EXPECT_EQ(strays, 0U) << kKinds[kind].name;
    EXPECT_GT(changes, 5U) << kKinds[kind].name;
    const double at_most = kKinds[kind].is_everywhere ? 1.0 : 0.4;
    EXPECT_LT(static_cast<double>(changes),
              1.3 * at_most * kRecords * kKinds[kind].per_mille / 1000)
        << kKinds[kind].name;
  }
}

TEST(PeopleGenerator, HeldOutKindsLeaveTheOthersAsTheyAre) {
  // Of the records whose held-out kinds do nothing, many remain; these are the same.
  const std::vector<Record> tuned = records(kinds(false));
  const std::vector<Record> all = records(kinds(true));
  std::size_t same = 0;
  for (std::size_t i = 0; i < tuned.size(); ++i) {
    EXPECT_EQ(tuned[i].truth, all[i].truth);
    same += tuned[i].columns == all[i].columns ? 1 : 0;
  }
  EXPECT_GT(same, tuned.size() / 2);
  EXPECT_LT(same, tuned.size());
}

TEST(PeopleGenerator, HalfOfTheKindsAreHeldOut) {
  std::set<std::string_view> names;
  std::size_t held_out = 0;
  for (const Kind& kind : kKinds) {
    names.insert(kind.name);
    held_out += kind.is_held_out ? 1 : 0;
    EXPECT_NE(kind.change == nullptr, kind.spell == nullptr) << kind.name;
  }
  EXPECT_EQ(names.size(), kKinds.size());
  EXPECT_EQ(held_out, kKinds.size() / 2);
  EXPECT_EQ(kinds(false) & kinds("married", true), 0U);
  EXPECT_EQ(kinds("none", false), 0U);
  EXPECT_EQ(kinds("moved,initial", false), kinds("initial,moved", true));
  EXPECT_THROW(kinds("married", false), std::invalid_argument);
  EXPECT_THROW(kinds("moved,nonsense", true), std::invalid_argument);
}

TEST(PeopleGenerator, TextIsUtf8AndAddressesAreAscii) {
  for (const Record& record : records(kinds(true))) {
    for (const std::string& column : record.columns) EXPECT_TRUE(is_utf8(column)) << column;
    EXPECT_TRUE(is_ascii(record.columns[kEmail])) << record.columns[kEmail];
  }
  const Names names;
  for (auto pool = static_cast<std::size_t>(Pool::kSurname); pool < 13; ++pool) {
    const NameList& list = names.list(static_cast<Pool>(pool));
    for (std::size_t i = 0; i < list.size(); ++i) {
      EXPECT_TRUE(is_ascii(without_accents(list.name(i), false))) << list.name(i);
      EXPECT_TRUE(is_ascii(without_accents(list.name(i), true))) << list.name(i);
      EXPECT_TRUE(is_utf8(to_upper(list.name(i)))) << list.name(i);
    }
  }
}

TEST(PeopleGenerator, Spelling) {
  EXPECT_EQ(to_upper("Jürgen Weiß"), "JÜRGEN WEIß");
  EXPECT_EQ(to_upper("Łukasz Dvořák Öztürk Žižek Nguyễn"), "ŁUKASZ DVOŘÁK ÖZTÜRK ŽIŽEK NGUYỄN");
  EXPECT_EQ(without_accents("Günther Weiß", false), "Gunther Weiss");
  EXPECT_EQ(without_accents("Günther Söğüt", true), "Guenther Soeguet");
  EXPECT_EQ(for_address("O'Neal-Müller", true), "onealmueller");
}

TEST(PeopleGenerator, FieldsWithCommasAndQuotesAreQuoted) {
  std::string line;
  append_field(line, "12 Oak Street, Apt 4");
  append_field(line, "Robert \"Bob\"");
  append_field(line, "plain");
  EXPECT_EQ(line, "\"12 Oak Street, Apt 4\"\"Robert \"\"Bob\"\"\"plain");
}

// People who are easily taken for one another.
TEST(PeopleGenerator, HasTwinsJuniorsHouseholdsAndOffices) {
  std::map<std::string, std::set<std::uint64_t>> twins, juniors, homes, phones, mailboxes, common;
  std::map<std::string, std::set<std::string>> births;
  for (const Record& record : records(0)) {
    const auto& columns = record.columns;
    const std::string home = columns[kStreet] + columns[kCity];
    const std::string name = columns[kGivenName] + " " + columns[kSurname];
    homes[home].insert(record.truth);
    twins[columns[kSurname] + columns[kBirthDate] + home].insert(record.truth);
    births[name + home].insert(columns[kBirthDate]);
    common[name + columns[kCity]].insert(record.truth);
    if (!columns[kPhone].empty()) phones[columns[kPhone]].insert(record.truth);
    if (!columns[kEmail].empty()) mailboxes[columns[kEmail]].insert(record.truth);
  }
  const auto shared = [](const auto& groups, std::size_t by) {
    return std::count_if(groups.begin(), groups.end(),
                         [by](const auto& group) { return group.second.size() >= by; });
  };
  EXPECT_GT(shared(twins, 2), 20);
  EXPECT_GT(shared(births, 2), 20);
  EXPECT_GT(shared(homes, 2), 500);
  EXPECT_GT(shared(homes, 5), 3);
  EXPECT_GT(shared(phones, 2), 200);
  EXPECT_GT(shared(mailboxes, 2), 50);
  EXPECT_GT(shared(common, 2), 5);
}

}  // namespace
}  // namespace identity_resolve::people
