// The rules that keep people apart: what too common values, limits, ties, fallback kinds and
// priorities do, told as small stories, and what must hold for any problem.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
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

constexpr std::size_t kUser = 0;
constexpr std::size_t kMail = 1;
constexpr std::size_t kPhone = 2;

// user_id 1 an identity and before email before phone.
std::vector<KindRules> usual_rules() {
  std::vector<KindRules> rules(3);
  rules[kUser].priority = 100;
  rules[kUser].max_per_identity = 1;
  rules[kMail].priority = 60;
  rules[kPhone].priority = 40;
  return rules;
}

// An identifier of a record, and what became of it.
using Claim = std::tuple<RecordName, std::size_t, std::string>;
struct Result {
  std::set<std::set<RecordName>> identities;
  std::map<Claim, std::pair<LinkStatus, std::uint32_t>> evidence;
  TooCommon too_common;
};

// Values that begin with '?' are invalid, with '!' blocked, with '~' role addresses.
Standing standing_of(const std::string& value) {
  switch (value.front()) {
    case '?':
      return Standing::kInvalid;
    case '!':
      return Standing::kBlocked;
    case '~':
      return Standing::kGivesWay;
    default:
      return Standing::kValid;
  }
}

Result resolve(const std::vector<KindRules>& rules, const std::vector<InputRow>& rows,
               std::size_t sinks = 1, unsigned char secret = 7) {
  constexpr std::size_t kSources = 4;
  TestEnvironment environment;
  // Several sinks, and then everything spilled: the same result.
  environment.memory_budget = sinks > 1 ? 0 : SIZE_MAX;
  Result result;
  {
    const KeyRing keys = key_ring(rules.size(), kSources, secret);
    Resolver resolver(environment, {rules, kSources, false, true}, keys);
    for (std::size_t number = 0; number < sinks; ++number) {
      auto sink = resolver.make_sink();
      for (std::size_t i = number; i < rows.size(); i += sinks) {
        sink->begin_row(source(rows[i].source), rows[i].id, rows[i].updated_at);
        for (const InputRow::Item& item : rows[i].items) {
          sink->add_identifier(kind(item.number), item.bytes, standing_of(item.bytes));
        }
        sink->end_row();
      }
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    result.too_common = resolver.too_common();
    for (std::size_t number = 0; number < resolver.identities(); ++number) {
      std::set<RecordName> records;
      for (const std::byte* at : resolver.rows_of(testing::identity(number))) {
        const Row row(at);
        const RecordName name(static_cast<std::uint16_t>(row.source()), row.record_id());
        records.insert(name);
        row.each_evidence([&](const Evidence& evidence) {
          const Claim claim(name, index(evidence.kind), evidence.value);
          const std::pair judged(evidence.status, evidence.others);
          const auto [known, is_new] = result.evidence.emplace(claim, judged);
          EXPECT_EQ(known->second, judged);
        });
      }
      EXPECT_TRUE(result.identities.insert(records).second);
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
  return result;
}

using Identities = std::set<std::set<RecordName>>;

LinkStatus status(const Result& result, std::size_t from, const std::string& id, std::size_t what,
                  const std::string& value) {
  return result.evidence.at(Claim(RecordName(from, id), what, value)).first;
}

TEST(Guard, AFamilysMailboxGoesToWhoHasMoreEvidence) {
  const Result result = resolve(usual_rules(), {record(0, "a").link(kUser, "1").link(kMail, "fam"),
                                                record(0, "b").link(kUser, "2").link(kMail, "fam"),
                                                record(1, "z").link(kUser, "1").link(kMail, "fam"),
                                                record(2, "s").link(kMail, "fam")});
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}, {1, "z"}, {2, "s"}}, {{0, "b"}}}));
  EXPECT_EQ(status(result, 0, "b", kMail, "fam"), LinkStatus::kConflict);
  EXPECT_EQ(status(result, 2, "s", kMail, "fam"), LinkStatus::kLinks);
}

TEST(Guard, EqualClaimsJoinNobody) {
  const std::vector<InputRow> rows = {record(0, "a").link(kUser, "1").link(kMail, "fam"),
                                      record(0, "b").link(kUser, "2").link(kMail, "fam"),
                                      record(1, "s").link(kMail, "fam")};
  const Result result = resolve(usual_rules(), rows);
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}}, {{0, "b"}}, {{1, "s"}}}));
  for (const auto& [from, id] : {std::pair(0, "a"), std::pair(0, "b"), std::pair(1, "s")}) {
    EXPECT_EQ(status(result, from, id, kMail, "fam"), LinkStatus::kAmbiguous);
  }
  std::vector<KindRules> by_data = usual_rules();
  by_data[kMail].ties_by_data = true;
  const Result settled = resolve(by_data, rows);
  EXPECT_EQ(settled.identities, (Identities{{{0, "a"}, {1, "s"}}, {{0, "b"}}}));
  EXPECT_EQ(status(settled, 0, "b", kMail, "fam"), LinkStatus::kConflict);
  std::vector<InputRow> newer = rows;
  newer[1].updated_at = 5;
  EXPECT_EQ(resolve(by_data, newer).identities, (Identities{{{0, "b"}, {1, "s"}}, {{0, "a"}}}));
}

// The claims on "p3" come together, wherever the data have the claimants' records: only then it
// shows that two people claim it.
TEST(Guard, WhoClaimsAnIdentifierIsSeenAtOnceWhateverIsSettledByTheData) {
  std::vector<KindRules> rules = usual_rules();
  rules[kUser].ties_by_data = true;
  const Result result = resolve(
      rules, {record(0, "1").link(kUser, "u0").link(kMail, "p0"),
              record(0, "2").link(kUser, "u0").link(kMail, "p0"),
              record(1, "4").link(kUser, "u2").link(kMail, "p2"),
              record(2, "5").link(kUser, "u3").link(kMail, "p3"),
              record(2, "6").link(kMail, "p3").link(kMail, "p2"), record(2, "7").link(kMail, "p3"),
              record(0, "10").link(kMail, "p3").link(kMail, "p0")});
  EXPECT_EQ(
      result.identities,
      (Identities{{{0, "1"}, {0, "2"}, {0, "10"}}, {{1, "4"}, {2, "6"}}, {{2, "5"}}, {{2, "7"}}}));
}

TEST(Guard, ARecordBetweenTwoPeopleJoinsNeither) {
  const Result result = resolve(usual_rules(), {record(0, "a").link(kUser, "1").link(kMail, "x"),
                                                record(0, "b").link(kUser, "2").link(kMail, "y"),
                                                record(1, "t").link(kMail, "x").link(kMail, "y")});
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}}, {{0, "b"}}, {{1, "t"}}}));
  EXPECT_EQ(status(result, 1, "t", kMail, "x"), LinkStatus::kAmbiguous);
}

TEST(Guard, ARecordWithTwoUserIdsSpoilsNobody) {
  const Result result =
      resolve(usual_rules(),
              {record(0, "a").link(kUser, "1"), record(1, "b").link(kUser, "1"),
               record(2, "c").link(kUser, "1").link(kUser, "2"), record(0, "d").link(kUser, "2")});
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}, {1, "b"}}, {{2, "c"}}, {{0, "d"}}}));
  EXPECT_EQ(status(result, 2, "c", kUser, "1"), LinkStatus::kConflict);
  EXPECT_EQ(status(result, 0, "a", kUser, "1"), LinkStatus::kLinks);
  EXPECT_EQ(status(result, 0, "d", kUser, "2"), LinkStatus::kConflict);
}

TEST(Guard, RoleAddressesGiveWay) {
  // The personal address joins s to a before the role address, which b claims too, is looked at.
  const Result result =
      resolve(usual_rules(), {record(0, "a").link(kUser, "1").link(kMail, "ann"),
                              record(0, "b").link(kUser, "2").link(kMail, "~info"),
                              record(1, "s").link(kMail, "ann").link(kMail, "~info")});
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}, {1, "s"}}, {{0, "b"}}}));
  EXPECT_EQ(status(result, 0, "b", kMail, "~info"), LinkStatus::kAmbiguous);
  // Kinds that are weaker than addresses come before it, too.
  const Result called =
      resolve(usual_rules(), {record(0, "a").link(kUser, "1").link(kPhone, "9"),
                              record(0, "b").link(kUser, "2").link(kMail, "~info"),
                              record(1, "s").link(kPhone, "9").link(kMail, "~info")});
  EXPECT_EQ(called.identities, (Identities{{{0, "a"}, {1, "s"}}, {{0, "b"}}}));
  // Without a conflict it links as any other.
  const Result alone =
      resolve(usual_rules(), {record(0, "b").link(kUser, "2").link(kMail, "~info"),
                              record(1, "s").link(kPhone, "9").link(kMail, "~info")});
  EXPECT_EQ(alone.identities.size(), 1U);
}

TEST(Guard, TheStrongerKindComesFirst) {
  std::vector<KindRules> rules = usual_rules();
  const std::vector<InputRow> rows = {record(0, "a").link(kUser, "1").link(kMail, "x"),
                                      record(0, "b").link(kUser, "2").link(kPhone, "9"),
                                      record(1, "t").link(kMail, "x").link(kPhone, "9")};
  EXPECT_EQ(resolve(rules, rows).identities, (Identities{{{0, "a"}, {1, "t"}}, {{0, "b"}}}));
  rules[kPhone].priority = 70;
  EXPECT_EQ(resolve(rules, rows).identities, (Identities{{{0, "b"}, {1, "t"}}, {{0, "a"}}}));
}

TEST(Guard, AWeakKindNeverOutranksAStrongOneHoweverMuchEvidenceItHas) {
  // The phone is known to be b's on four records of three sources; t's user id is a's.
  const Result result = resolve(usual_rules(), {record(0, "a").link(kUser, "1"),
                                                record(0, "b").link(kUser, "2").link(kPhone, "9"),
                                                record(1, "b").link(kUser, "2").link(kPhone, "9"),
                                                record(2, "b").link(kUser, "2").link(kPhone, "9"),
                                                record(2, "c").link(kUser, "2").link(kPhone, "9"),
                                                record(3, "t").link(kUser, "1").link(kPhone, "9")});
  EXPECT_EQ(result.identities,
            (Identities{{{0, "a"}, {3, "t"}}, {{0, "b"}, {1, "b"}, {2, "b"}, {2, "c"}}}));
  EXPECT_EQ(status(result, 3, "t", kPhone, "9"), LinkStatus::kConflict);
}

TEST(Guard, MoreSourcesComeBeforeMoreRecords) {
  // a has the address on three records of one source, b on two records of two.
  const Result result = resolve(usual_rules(), {record(0, "a").link(kUser, "1").link(kMail, "x"),
                                                record(0, "c").link(kUser, "1").link(kMail, "x"),
                                                record(0, "d").link(kUser, "1").link(kMail, "x"),
                                                record(0, "b").link(kUser, "2").link(kMail, "x"),
                                                record(1, "b").link(kUser, "2").link(kMail, "x"),
                                                record(2, "t").link(kMail, "x")});
  EXPECT_EQ(result.identities,
            (Identities{{{0, "a"}, {0, "c"}, {0, "d"}}, {{0, "b"}, {1, "b"}, {2, "t"}}}));
}

TEST(Guard, ExactlyAtTheLimitIsNotTooCommon) {
  std::vector<KindRules> rules = usual_rules();
  rules[kMail].max_records = 3;
  std::vector<InputRow> rows;
  for (int i = 0; i < 3; ++i) rows.push_back(record(0, std::to_string(i)).link(kMail, "x"));
  for (int i = 0; i < 3; ++i) rows.push_back(record(1, std::to_string(i)).link(kMail, "x"));
  const Result at_limit = resolve(rules, rows);  // six in all, but three of each source
  EXPECT_EQ(at_limit.identities.size(), 1U);
  EXPECT_EQ(at_limit.too_common.identifiers, 0U);
  rows.push_back(record(1, "3").link(kMail, "x"));
  const Result beyond = resolve(rules, rows, 3);
  EXPECT_EQ(beyond.identities.size(), 7U);
  EXPECT_EQ(beyond.too_common.identifiers, 1U);
  EXPECT_EQ(beyond.too_common.records, 4U);
}

TEST(Guard, TooCommonValuesLinkNobodyAndTheWorstIsNamed) {
  std::vector<KindRules> rules = usual_rules();
  rules[kMail].max_records = 2;
  std::vector<InputRow> rows;
  for (int i = 0; i < 4; ++i) rows.push_back(record(1, std::to_string(9 - i)).link(kMail, "all"));
  rows.push_back(record(2, "s").link(kMail, "all"));
  for (int i = 0; i < 3; ++i) rows.push_back(record(0, std::to_string(i)).link(kMail, "some"));
  // One record in many rows, and twice in one row, is one record.
  for (int i = 0; i < 5; ++i) rows.push_back(record(0, "r").link(kMail, "one").link(kMail, "one"));
  rows.push_back(record(2, "o").link(kMail, "one"));
  const Result result = resolve(rules, rows);
  EXPECT_EQ(result.identities.size(), 4U + 1 + 3 + 1);
  EXPECT_EQ(result.too_common.identifiers, 2U);
  EXPECT_EQ(result.too_common.records, 4U);
  EXPECT_EQ(result.too_common.source, source(1));
  EXPECT_EQ(result.too_common.kind, kind(kMail));
  EXPECT_EQ(status(result, 2, "s", kMail, "all"), LinkStatus::kTooCommon);
  EXPECT_EQ(result.evidence.at(Claim(RecordName(2, "s"), kMail, "all")).second, 4U);
  EXPECT_EQ(status(result, 0, "r", kMail, "one"), LinkStatus::kLinks);
}

TEST(Guard, AFallbackLinksOnlyWhereNothingStrongerDoes) {
  std::vector<KindRules> rules = usual_rules();
  rules[kUser].max_per_identity = 0;
  const std::vector<InputRow> rows = {record(0, "a").link(kUser, "1").link(kMail, "x"),
                                      record(0, "b").link(kUser, "2").link(kMail, "y"),
                                      record(1, "t").link(kUser, "1").link(kMail, "y"),
                                      record(2, "s").link(kMail, "y")};
  EXPECT_EQ(resolve(rules, rows).identities.size(), 1U);
  rules[kMail].fallback = true;
  const Result result = resolve(rules, rows);
  // t is linked to source 0 by its user id, so its address joins it to no record there; but s,
  // which nothing else links, joins both t and b by it.
  EXPECT_EQ(result.identities.size(), 1U);
  std::vector<InputRow> without = rows;
  without.pop_back();
  const Result apart = resolve(rules, without);
  EXPECT_EQ(apart.identities, (Identities{{{0, "a"}, {1, "t"}}, {{0, "b"}}}));
  EXPECT_EQ(status(apart, 1, "t", kMail, "y"), LinkStatus::kNotLinking);
}

TEST(Guard, AKindThatDoesNotLinkCanKeepApart) {
  std::vector<KindRules> rules = usual_rules();
  rules[kPhone].links = false;
  rules[kPhone].max_per_identity = 1;
  const Result result = resolve(rules, {record(0, "a").link(kPhone, "1").link(kMail, "x"),
                                        record(1, "b").link(kPhone, "2").link(kMail, "x"),
                                        record(0, "c").link(kPhone, "3").link(kMail, "y"),
                                        record(1, "d").link(kPhone, "3").link(kMail, "y")});
  EXPECT_EQ(result.identities, (Identities{{{0, "a"}}, {{1, "b"}}, {{0, "c"}, {1, "d"}}}));
  EXPECT_EQ(status(result, 0, "c", kPhone, "3"), LinkStatus::kNotLinking);
  EXPECT_EQ(result.evidence.at(Claim(RecordName(0, "c"), kPhone, "3")).second, 1U);
}

TEST(Guard, InvalidAndBlockedValuesAreCountedAndNeverLink) {
  const Result result =
      resolve(usual_rules(), {record(0, "a").link(kUser, "!null").link(kMail, "?@"),
                              record(1, "b").link(kUser, "!null").link(kMail, "?@"),
                              record(2, "c").link(kUser, "!nil")});
  EXPECT_EQ(result.identities.size(), 3U);
  const std::pair blocked(LinkStatus::kBlocked, std::uint32_t{1});
  EXPECT_EQ(result.evidence.at(Claim(RecordName(0, "a"), kUser, "!null")), blocked);
  EXPECT_EQ(status(result, 1, "b", kMail, "?@"), LinkStatus::kInvalid);
}

TEST(Guard, AMillionPeopleWithOneAddressAreTakenApartInLinearTime) {
  constexpr int kPeople = 20000;
  std::vector<InputRow> rows;
  for (int i = 0; i < kPeople; ++i) {
    rows.push_back(record(0, std::to_string(i)).link(kUser, std::to_string(i)).link(kMail, "all"));
    rows.push_back(record(1, std::to_string(i)).link(kUser, std::to_string(i)));
  }
  EXPECT_EQ(resolve(usual_rules(), rows).identities.size(), std::size_t{kPeople});
}

// ---- what must hold for any problem ----

struct Problem {
  std::vector<KindRules> rules;
  std::vector<InputRow> rows;
};

Problem random_problem(std::mt19937_64& random) {
  const auto one_of = [&](std::uint64_t many) { return random() % many; };
  Problem problem;
  const std::size_t kinds = 2 + one_of(3);
  for (std::size_t i = 0; i < kinds; ++i) {
    KindRules rules;
    rules.priority = static_cast<std::int32_t>(one_of(3));
    rules.links = one_of(8) != 0;
    rules.fallback = one_of(6) == 0;
    rules.ties_by_data = one_of(6) == 0;
    if (one_of(2) == 0) rules.max_per_identity = 1 + one_of(2);
    if (one_of(4) == 0) rules.max_records = 1 + one_of(3);
    problem.rules.push_back(rules);
  }
  const std::size_t rows = 2 + one_of(14);
  const std::size_t values = 2 + one_of(5);
  for (std::size_t i = 0; i < rows; ++i) {
    InputRow row = record(one_of(3), std::to_string(one_of(9)));
    row.updated_at = one_of(3) == 0 ? kNeverUpdated : static_cast<std::int64_t>(one_of(3));
    for (std::size_t left = one_of(4); left > 0; --left) {
      const char* mark = one_of(12) == 0 ? "?" : one_of(12) == 0 ? "!" : one_of(6) == 0 ? "~" : "";
      row.link(one_of(kinds), std::string(mark).append(std::to_string(one_of(values))));
    }
    problem.rows.push_back(std::move(row));
  }
  return problem;
}

using Values = std::map<std::size_t, std::set<std::string>>;

bool breaks_a_limit(const Problem& problem, const Values& values) {
  for (const auto& [what, held] : values) {
    const std::uint64_t most = problem.rules[what].max_per_identity;
    if (most != 0 && held.size() > most) return true;
  }
  return false;
}

// What each record holds.
std::map<RecordName, Values> holdings(const Result& result) {
  std::map<RecordName, Values> held;
  for (const auto& [claim, judged] : result.evidence) {
    if (judged.first == LinkStatus::kInvalid || judged.first == LinkStatus::kBlocked ||
        judged.first == LinkStatus::kTooCommon) {
      continue;
    }
    held[std::get<0>(claim)][std::get<1>(claim)].insert(std::get<2>(claim));
  }
  return held;
}

// Whether a limit of the kind counts where an identifier of another one, or of the same, links.
// Role addresses begin with '~'.
bool counts_at(const Problem& problem, std::size_t limited, std::size_t what,
               const std::string& value) {
  const KindRules& rules = problem.rules[limited];
  return value.front() == '~' || !rules.links || rules.priority >= problem.rules[what].priority;
}

// Whether one of the limits that count where the identifier links is broken.
bool breaks_a_limit_at(const Problem& problem, const Values& values, const Claim& claim) {
  return std::any_of(values.begin(), values.end(), [&](const auto& of) {
    const std::uint64_t most = problem.rules[of.first].max_per_identity;
    return most != 0 && of.second.size() > most &&
           counts_at(problem, of.first, std::get<1>(claim), std::get<2>(claim));
  });
}

Values together(std::map<RecordName, Values>& held, const std::set<RecordName>& records) {
  Values all;
  for (const RecordName& name : records) {
    for (const auto& [what, values] : held[name]) all[what].insert(values.begin(), values.end());
  }
  return all;
}

// The records of the identities that a refused link would connect, were all links held: those that
// carry the identifier, and on through every identifier that is ambiguous for one who carries it.
std::set<RecordName> connected(
    const Result& result, const Claim& from,
    const std::map<RecordName, const std::set<RecordName>*>& identity_of) {
  using Identifier = std::pair<std::size_t, std::string>;
  std::vector<std::pair<RecordName, Identifier>> joins;
  std::set<Identifier> ambiguous;
  for (const auto& [claim, judged] : result.evidence) {
    const Identifier identifier(std::get<1>(claim), std::get<2>(claim));
    if (judged.first == LinkStatus::kAmbiguous) ambiguous.insert(identifier);
    if (judged.first == LinkStatus::kLinks || judged.first == LinkStatus::kConflict ||
        judged.first == LinkStatus::kAmbiguous) {
      joins.emplace_back(std::get<0>(claim), identifier);
    }
  }
  std::set<Identifier> identifiers{{std::get<1>(from), std::get<2>(from)}};
  std::set<RecordName> records;
  for (std::size_t before = 0; before != records.size() + identifiers.size();) {
    before = records.size() + identifiers.size();
    for (const auto& [name, identifier] : joins) {
      if (identifiers.contains(identifier)) {
        const std::set<RecordName>& identity = *identity_of.at(name);
        records.insert(identity.begin(), identity.end());
      }
      if (records.contains(name) && ambiguous.contains(identifier)) identifiers.insert(identifier);
    }
  }
  return records;
}

// Whether an identity holds more values of a kind than its limit, and not only by links at which
// the limit does not count: what those make of it are parts, and one of them must hold as many.
// for_sure: without the records that break the limit alone.
bool breaks_by_its_own(const Problem& problem, const Result& result,
                       std::map<RecordName, Values>& held, const std::set<RecordName>& identity,
                       std::size_t limited, bool for_sure) {
  const std::uint64_t most = problem.rules[limited].max_per_identity;
  if (most == 0) return false;
  std::map<RecordName, RecordName> part_of;
  for (const RecordName& name : identity) part_of.emplace(name, name);
  std::map<std::pair<std::size_t, std::string>, RecordName> first;
  for (const auto& [claim, judged] : result.evidence) {
    const auto& [name, what, value] = claim;
    if (judged.first != LinkStatus::kLinks || !identity.contains(name) ||
        counts_at(problem, limited, what, value)) {
      continue;
    }
    const RecordName from = part_of.at(name);
    const RecordName to = part_of.at(first.emplace(std::pair(what, value), name).first->second);
    for (auto& [record, part] : part_of) {
      if (part == from) part = to;
    }
  }
  std::set<std::string> all;
  std::map<RecordName, std::set<std::string>> of_part;
  for (const RecordName& name : identity) {
    const std::set<std::string>& values = held[name][limited];
    if (for_sure && values.size() > most) continue;
    all.insert(values.begin(), values.end());
    of_part[part_of.at(name)].insert(values.begin(), values.end());
  }
  return all.size() > most && std::none_of(of_part.begin(), of_part.end(),
                                           [&](const auto& part) { return part.second == all; });
}

TEST(GuardLaws, HoldForRandomProblems) {
  std::mt19937_64 random(20261124);
  std::map<LinkStatus, std::size_t> seen;
  for (int round = 0; round < 6000; ++round) {
    SCOPED_TRACE(round);
    const Problem problem = random_problem(random);
    const Result result = resolve(problem.rules, problem.rows);
    std::map<RecordName, Values> held = holdings(result);
    std::map<RecordName, const std::set<RecordName>*> identity_of;
    for (const std::set<RecordName>& identity : result.identities) {
      for (const RecordName& name : identity) identity_of[name] = &identity;
      for (std::size_t what = 0; what < problem.rules.size() && identity.size() > 1; ++what) {
        ASSERT_FALSE(breaks_by_its_own(problem, result, held, identity, what, false));
        ASSERT_FALSE(breaks_by_its_own(problem, result, held, identity, what, true));
      }
    }
    for (const auto& [claim, judged] : result.evidence) {
      ++seen[judged.first];
      const auto& [name, what, value] = claim;
      bool shared = false;  // with a record of the same identity, where the value links both
      std::set<RecordName> carriers = *identity_of[name];  // and whoever is one with them
      for (const auto& [other, judged_other] : result.evidence) {
        if (std::get<0>(other) == name || std::get<1>(other) != what || std::get<2>(other) != value)
          continue;
        const bool same = identity_of[name] == identity_of[std::get<0>(other)];
        shared = shared || (same && judged_other.first == LinkStatus::kLinks);
        carriers.insert(identity_of[std::get<0>(other)]->begin(),
                        identity_of[std::get<0>(other)]->end());
      }
      ASSERT_TRUE(judged.first != LinkStatus::kLinks || shared);
      ASSERT_TRUE(judged.first != LinkStatus::kAlone || judged.second == 0);
      ASSERT_TRUE(judged.first != LinkStatus::kConflict ||
                  breaks_a_limit_at(problem, together(held, carriers), claim));
      // What is ambiguous is so for people who cannot be one, all together.
      if (judged.first == LinkStatus::kAmbiguous) {
        ASSERT_TRUE(breaks_a_limit(problem, together(held, connected(result, claim, identity_of))));
      }
    }
    // Any order of rows, any number of sinks, any secret.
    std::vector<InputRow> shuffled = problem.rows;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    const Result again =
        resolve(problem.rules, shuffled, 1 + random() % 3, static_cast<unsigned char>(random()));
    ASSERT_EQ(again.identities, result.identities);
    ASSERT_EQ(again.evidence, result.evidence);
    ASSERT_EQ(again.too_common.identifiers, result.too_common.identifiers);
    ASSERT_EQ(again.too_common.records, result.too_common.records);
    // Without limits: the plain components, which every identity lies within; and where none of
    // them breaks a limit, they are the result.
    Problem plain = problem;
    for (KindRules& rules : plain.rules) rules.max_per_identity = 0;
    const Result merged = resolve(plain.rules, plain.rows);
    bool any_breaks = false;
    for (const std::set<RecordName>& component : merged.identities) {
      any_breaks = any_breaks || breaks_a_limit(problem, together(held, component));
      for (const RecordName& name : component) {
        ASSERT_TRUE(std::includes(component.begin(), component.end(), identity_of[name]->begin(),
                                  identity_of[name]->end()));
      }
    }
    ASSERT_TRUE(any_breaks || merged.identities == result.identities);
    // The weakest kind's limit alone refuses no stronger kind's link.
    for (std::size_t weakest = 0; weakest < problem.rules.size(); ++weakest) {
      const KindRules& rules = problem.rules[weakest];
      bool is_weakest = rules.links && rules.max_per_identity != 0;
      Problem alone = problem;
      for (std::size_t what = 0; what < problem.rules.size(); ++what) {
        if (what == weakest) continue;
        alone.rules[what].max_per_identity = 0;
        is_weakest = is_weakest && problem.rules[what].priority > rules.priority;
      }
      if (!is_weakest) continue;
      for (const auto& [claim, judged] : resolve(alone.rules, alone.rows).evidence) {
        ASSERT_TRUE(
            std::get<1>(claim) == weakest || std::get<2>(claim).front() == '~' ||
            (judged.first != LinkStatus::kConflict && judged.first != LinkStatus::kAmbiguous));
      }
    }
    // Taking away the one limit that a component breaks is enough.
    for (std::size_t what = 0; what < problem.rules.size(); ++what) {
      Problem without = problem;
      without.rules[what].max_per_identity = 0;
      bool breaks = false;
      for (const std::set<RecordName>& component : merged.identities) {
        breaks = breaks || breaks_a_limit(without, together(held, component));
      }
      ASSERT_TRUE(breaks || resolve(without.rules, without.rows).identities == merged.identities);
    }
  }
  EXPECT_EQ(seen.size(), 8U);  // every status occurred
  for (const auto& [at, times] : seen) EXPECT_GT(times, 100U) << status_name(at);
}

}  // namespace
}  // namespace identity_resolve::engine
