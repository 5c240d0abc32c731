// Role addresses: they link as long as no source has one on more records that nothing else unites.
// And what links, but in greater numbers than honest data has: values on many records, records with
// many values.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::InputRow;
using testing::key_ring;
using testing::kind;
using testing::record;
using testing::RecordName;
using testing::source;
using testing::TestEnvironment;

constexpr std::size_t kSources = 3;
constexpr std::size_t kUser = 0;
constexpr std::size_t kMail = 1;
using Identities = std::set<std::set<RecordName>>;

struct Result {
  Identities identities;
  TooCommon shared;
  TooCommon frequent;
  std::vector<std::uint64_t> shared_in;  // by source
  std::vector<NamedHoards> hoards;
};

// Addresses that begin with '~' are role addresses.
bool is_role(const std::string& value) { return value.front() == '~'; }

Result resolve(const std::vector<KindRules>& rules, const std::vector<InputRow>& rows,
               std::size_t sinks = 1) {
  TestEnvironment environment;
  // Several sinks, and then everything spilled: the same result.
  environment.memory_budget = sinks > 1 ? 0 : SIZE_MAX;
  Result result;
  {
    const KeyRing keys = key_ring(rules.size(), kSources);
    Resolver resolver(environment, {rules, kSources, false, false}, keys);
    for (std::size_t number = 0; number < sinks; ++number) {
      auto sink = resolver.make_sink();
      for (std::size_t i = number; i < rows.size(); i += sinks) {
        sink->begin_row(source(rows[i].source), rows[i].id, rows[i].updated_at);
        for (const InputRow::Item& item : rows[i].items) {
          sink->add_identifier(kind(item.number), item.bytes,
                               is_role(item.bytes) ? Standing::kGivesWay : Standing::kValid);
        }
        sink->end_row();
      }
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    result.shared = resolver.shared_roles();
    result.frequent = resolver.frequent();
    result.hoards.assign(resolver.hoards().begin(), resolver.hoards().end());
    const auto shared_in = resolver.roles_shared_in();
    result.shared_in.assign(shared_in.begin(), shared_in.end());
    for (std::size_t number = 0; number < resolver.identities(); ++number) {
      std::set<RecordName> records;
      for (const std::byte* at : resolver.rows_of(testing::identity(number))) {
        const Row row(at);
        records.emplace(static_cast<std::uint16_t>(row.source()), row.record_id());
      }
      EXPECT_TRUE(result.identities.insert(records).second);
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
  return result;
}

std::vector<KindRules> rules_of(std::uint64_t role_max_records) {
  std::vector<KindRules> rules(2);
  rules[kMail].role_max_records = role_max_records;
  return rules;
}

TEST(Roles, LinkUntilASourceHasOneTwice) {
  std::vector<InputRow> rows = {record(0, "a").link(kMail, "~info"),
                                record(1, "b").link(kMail, "~info")};
  EXPECT_EQ(resolve(rules_of(1), rows).identities.size(), 1U);
  rows.push_back(record(1, "c").link(kMail, "~info"));
  for (const std::size_t sinks : {1, 2}) {
    const Result apart = resolve(rules_of(1), rows, sinks);
    EXPECT_EQ(apart.identities.size(), 3U);
    EXPECT_EQ(apart.shared.identifiers, 1U);
    EXPECT_EQ(apart.shared.records, 2U);
    EXPECT_EQ(apart.shared.source, source(1));
    EXPECT_EQ(apart.shared_in, (std::vector<std::uint64_t>{0, 1, 0}));
    EXPECT_EQ(resolve(rules_of(2), rows, sinks).identities.size(), 1U);
    EXPECT_EQ(resolve(rules_of(0), rows, sinks).identities.size(), 1U);
  }
}

TEST(Roles, RecordsThatSomethingElseUnitesCountOnce) {
  const std::vector<InputRow> rows = {record(0, "a").link(kMail, "~info").link(kUser, "1"),
                                      record(0, "b").link(kMail, "~info"),
                                      record(1, "c").link(kMail, "~info").link(kMail, "bob"),
                                      record(2, "d").link(kMail, "bob").link(kUser, "1")};
  EXPECT_EQ(resolve(rules_of(1), rows).identities.size(), 2U);  // b is apart
  std::vector<InputRow> united = rows;
  united[1].link(kMail, "bob");
  EXPECT_EQ(resolve(rules_of(1), united).identities.size(), 1U);
  // Another role address is nothing else.
  united[1] = record(0, "b").link(kMail, "~info").link(kMail, "~sales");
  united[0].link(kMail, "~sales");
  const Result apart = resolve(rules_of(1), united);
  EXPECT_EQ(apart.identities.size(), 2U);
  EXPECT_EQ(apart.shared.identifiers, 2U);
  EXPECT_EQ(apart.shared_in, (std::vector<std::uint64_t>{2, 0, 0}));
}

TEST(FrequentValues, LinkAndAreNoted) {
  std::vector<KindRules> rules = rules_of(0);
  rules[kUser].warn_records = 3;
  std::vector<InputRow> rows;
  for (int i = 0; i < 3; ++i) rows.push_back(record(0, std::to_string(i)).link(kUser, "null"));
  rows.push_back(record(1, "x").link(kUser, "null"));
  rows.push_back(record(0, "2").link(kUser, "null"));  // again: no other record
  EXPECT_EQ(resolve(rules, rows).frequent.identifiers, 0U);
  rows.push_back(record(0, "3").link(kUser, "null"));
  for (const std::size_t sinks : {1, 2}) {
    const Result noted = resolve(rules, rows, sinks);
    EXPECT_EQ(noted.identities.size(), 1U);
    EXPECT_EQ(noted.frequent.identifiers, 1U);
    EXPECT_EQ(noted.frequent.records, 4U);
    EXPECT_EQ(noted.frequent.source, source(0));
  }
  // A value that a rule cuts links nobody, and needs no warning.
  rules[kUser].max_records = 3;
  EXPECT_EQ(resolve(rules, rows).frequent.identifiers, 0U);
  EXPECT_EQ(resolve(rules, rows).identities.size(), 5U);
}

TEST(Hoards, AreCountedBySourceAndKindAndTheWorstIsNamed) {
  std::vector<KindRules> rules = rules_of(0);
  rules[kMail].warn_identifiers = 3;
  std::vector<InputRow> rows;
  // b holds four in three rows, one of them twice; c four in one row; a three; the fourth is none
  // of the kind.
  rows.push_back(record(0, "b").link(kMail, "1").link(kMail, "2"));
  rows.push_back(record(0, "b").link(kMail, "2").link(kMail, "3"));
  rows.push_back(
      record(1, "a").link(kMail, "1").link(kMail, "2").link(kMail, "3").link(kUser, "4"));
  rows.push_back(
      record(0, "c").link(kMail, "5").link(kMail, "6").link(kMail, "7").link(kMail, "8"));
  EXPECT_EQ(resolve(rules_of(0), rows).hoards.size(), 0U);
  for (const bool more : {false, true}) {
    if (more) rows.push_back(record(0, "b").link(kMail, "4"));
    for (const std::size_t sinks : {1, 2, 3}) {
      const std::vector<NamedHoards> hoards = resolve(rules, rows, sinks).hoards;
      ASSERT_EQ(hoards.size(), 1U);
      EXPECT_EQ(hoards[0].source, source(0));
      EXPECT_EQ(hoards[0].kind, kind(kMail));
      EXPECT_EQ(hoards[0].records, more ? 2U : 1U);
      EXPECT_EQ(hoards[0].most, 4U);
      EXPECT_EQ(hoards[0].worst, more ? "b" : "c");
    }
  }
  // Another source has hoards of its own.
  rows.push_back(record(1, "a").link(kMail, "9"));
  EXPECT_EQ(resolve(rules, rows, 2).hoards.size(), 2U);
  rules[kMail].links = false;
  EXPECT_EQ(resolve(rules, rows).hoards.size(), 0U);
}

// ---- what must hold for any problem ----

using Value = std::pair<std::size_t, std::string>;

// Records and who they are one with, worked out the slow and obvious way.
class Naive {
 public:
  explicit Naive(const std::vector<InputRow>& rows) {
    for (const InputRow& row : rows) {
      const RecordName name(row.source, row.id);
      person_.emplace(name, person_.size());
      for (const InputRow::Item& item : row.items) {
        carriers_[{item.number, item.bytes}].insert(name);
      }
    }
  }

  Identities resolve(const std::vector<KindRules>& rules, std::vector<std::uint64_t>& shared_in) {
    const auto is_late = [&](const Value& value) {
      return is_role(value.second) && rules[value.first].role_max_records != 0;
    };
    for (const auto& [value, records] : carriers_) {
      if (!is_late(value)) unite(records);
    }
    shared_in.assign(kSources, 0);
    std::vector<const std::set<RecordName>*> linking;
    for (const auto& [value, records] : carriers_) {
      if (!is_late(value)) continue;
      std::map<std::size_t, std::set<std::size_t>> people;  // by source
      for (const RecordName& name : records) people[name.first].insert(person_.at(name));
      bool is_shared = false;
      for (const auto& [from, those] : people) {
        if (those.size() <= rules[value.first].role_max_records) continue;
        is_shared = true;
        ++shared_in[from];
      }
      if (!is_shared) linking.push_back(&records);
    }
    for (const std::set<RecordName>* records : linking) unite(*records);
    std::map<std::size_t, std::set<RecordName>> by_person;
    for (const auto& [name, person] : person_) by_person[person].insert(name);
    Identities identities;
    for (const auto& [person, records] : by_person) identities.insert(records);
    return identities;
  }

 private:
  void unite(const std::set<RecordName>& records) {
    const std::size_t one = person_.at(*records.begin());
    for (const RecordName& name : records) {
      const std::size_t other = person_.at(name);
      for (auto& [any, person] : person_) {
        if (person == other) person = one;
      }
    }
  }

  std::map<RecordName, std::size_t> person_;
  std::map<Value, std::set<RecordName>> carriers_;
};

bool lies_within(const Identities& fine, const Identities& coarse) {
  return std::all_of(fine.begin(), fine.end(), [&](const std::set<RecordName>& part) {
    return std::any_of(coarse.begin(), coarse.end(), [&](const std::set<RecordName>& whole) {
      return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
    });
  });
}

TEST(RoleLaws, HoldForRandomProblems) {
  std::mt19937_64 random(20261128);
  const auto one_of = [&](std::uint64_t many) { return random() % many; };
  std::size_t that_are_shared = 0;
  std::size_t all_link = 0;  // problems in which no role address is shared
  for (int round = 0; round < 3000; ++round) {
    SCOPED_TRACE(round);
    std::vector<InputRow> rows;
    for (std::size_t left = 2 + one_of(12); left > 0; --left) {
      InputRow row = record(one_of(kSources), std::to_string(one_of(8)));
      for (std::size_t i = one_of(4); i > 0; --i) {
        row.link(one_of(2),
                 std::string(one_of(3) == 0 ? "" : "~").append(std::to_string(one_of(5))));
      }
      rows.push_back(std::move(row));
    }
    std::vector<KindRules> rules = rules_of(1 + one_of(2));
    rules[kUser].role_max_records = one_of(3);
    const Result result = resolve(rules, rows);
    std::vector<std::uint64_t> shared_in;
    ASSERT_EQ(result.identities, Naive(rows).resolve(rules, shared_in));
    ASSERT_EQ(result.shared_in, shared_in);
    // Any order of rows, any number of sinks, any budget.
    std::shuffle(rows.begin(), rows.end(), random);
    const Result again = resolve(rules, rows, 1 + one_of(3));
    ASSERT_EQ(again.identities, result.identities);
    ASSERT_EQ(again.shared.identifiers, result.shared.identifiers);
    ASSERT_EQ(again.shared.records, result.shared.records);
    ASSERT_EQ(again.shared_in, result.shared_in);
    // Without the rule more links; a higher one never parts anybody whom a lower one unites.
    std::vector<KindRules> higher = rules;
    for (KindRules& one : higher) {
      if (one.role_max_records != 0) ++one.role_max_records;
    }
    const Identities more = resolve(higher, rows).identities;
    const Identities all = resolve(rules_of(0), rows).identities;
    ASSERT_TRUE(lies_within(result.identities, more));
    ASSERT_TRUE(lies_within(more, all));
    that_are_shared += result.shared.identifiers;
    if (result.shared.identifiers != 0) continue;
    ASSERT_EQ(result.identities, all);
    ++all_link;
  }
  EXPECT_GT(that_are_shared, 500U);
  EXPECT_GT(all_link, 300U);
}

}  // namespace
}  // namespace identity_resolve::engine
