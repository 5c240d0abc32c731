#include "engine/merge_reasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::TestEnvironment;
using Carrier = MergeReasons::Carrier;

constexpr std::uint32_t kNone = MergeReasons::kNone;

// What joined an old identity: the identifier, and the records that share it.
struct Told {
  std::uint32_t kind;
  std::string value;
  std::vector<std::int64_t> records;
  bool operator==(const Told&) const = default;
};

struct Outcome {
  std::map<std::uint32_t, Told> reasons;
  std::optional<Told> strongest;
  bool operator==(const Outcome&) const = default;
};

Told told(MergeReasons::Shared by) {
  Told made{by.front().kind, std::string(by.front().value), {}};
  for (const Carrier& carrier : by) made.records.push_back(carrier.record);
  return made;
}

Outcome find(std::vector<Carrier> carriers, std::uint32_t kept) {
  TestEnvironment environment;
  MergeReasons merge(environment);
  // What was found before is forgotten.
  std::vector<Carrier> others = {{9, "z", 1, 7}, {9, "z", 2, 8}};
  merge.find(others, 7);
  merge.find(carriers, kept);
  Outcome outcome;
  for (const MergeReasons::Reason& reason : merge.reasons()) {
    EXPECT_TRUE(outcome.reasons.emplace(reason.old, told(reason.by)).second);
    EXPECT_EQ(merge.of(reason.old).data(), reason.by.data());
  }
  for (std::uint32_t old = 0; old < 10; ++old) {
    EXPECT_EQ(merge.of(old).empty(), !outcome.reasons.contains(old));
  }
  if (!merge.strongest().empty()) outcome.strongest = told(merge.strongest());
  return outcome;
}

// The rules, one after the other.
Outcome find_naively(const std::vector<Carrier>& carriers, std::uint32_t kept) {
  std::map<std::pair<std::uint32_t, std::string>, std::map<std::int64_t, std::uint32_t>> shared;
  for (const Carrier& at : carriers) shared[{at.kind, std::string(at.value)}][at.record] = at.old;
  Outcome outcome;
  std::map<std::uint32_t, bool> has_kept;
  for (const bool with_kept : {true, false}) {
    for (const auto& [identifier, records] : shared) {
      std::set<std::uint32_t> olds;
      Told made{identifier.first, identifier.second, {}};
      for (const auto& [record, old] : records) {
        olds.insert(old);
        made.records.push_back(record);
      }
      if (olds.size() < 2 || olds.contains(kept) != with_kept) continue;
      for (const std::uint32_t old : olds) {
        if (old != kNone) outcome.reasons.emplace(old, made);
      }
    }
  }
  for (const auto& [old, reason] : outcome.reasons) {
    if (old == kept) continue;
    const auto order = [](const Told& at) { return std::tie(at.kind, at.value); };
    if (!outcome.strongest || order(reason) < order(*outcome.strongest)) outcome.strongest = reason;
  }
  if (!outcome.strongest && outcome.reasons.contains(kept)) {
    outcome.strongest = outcome.reasons[kept];
  }
  return outcome;
}

TEST(MergeReasons, NothingHasNone) { EXPECT_EQ(find({}, 0), Outcome{}); }

TEST(MergeReasons, WhatJoinsOneIdentityAloneIsNone) {
  EXPECT_EQ(find({{0, "a", 1, 0}, {0, "a", 2, 0}, {0, "b", 3, kNone}, {0, "b", 4, kNone}}, 0),
            Outcome{});
}

TEST(MergeReasons, ASharedIdentifierTellsBoth) {
  const Told by{0, "a", {1, 2}};
  EXPECT_EQ(find({{0, "a", 2, 1}, {0, "a", 1, 0}}, 0), (Outcome{{{0, by}, {1, by}}, by}));
}

TEST(MergeReasons, ANewRecordBetweenThemTellsEachByItsOwn) {
  const Told left{1, "a", {1, 3}};
  const Told right{1, "b", {2, 3}};
  EXPECT_EQ(find({{1, "a", 1, 0}, {1, "a", 3, kNone}, {1, "b", 2, 1}, {1, "b", 3, kNone}}, 0),
            (Outcome{{{0, left}, {1, right}}, right}));
}

TEST(MergeReasons, WhatTheKeptOneSharesComesBeforeAStrongerKind) {
  const Told weak{5, "b", {1, 2}};
  const Outcome outcome = find({{0, "a", 2, 1}, {0, "a", 3, 2}, {5, "b", 1, 0}, {5, "b", 2, 1}}, 0);
  EXPECT_EQ(outcome.reasons.at(1), weak);
  EXPECT_EQ(outcome.reasons.at(2), (Told{0, "a", {2, 3}}));
  // The merge is told as the strongest of them.
  EXPECT_EQ(outcome.strongest, (Told{0, "a", {2, 3}}));
}

TEST(MergeReasons, TheStrongerKindThenTheSmallerValue) {
  const Outcome outcome = find({{1, "a", 1, 0},
                                {1, "a", 2, 1},
                                {0, "c", 1, 0},
                                {0, "c", 2, 1},
                                {0, "b", 1, 0},
                                {0, "b", 2, 1}},
                               0);
  EXPECT_EQ(outcome.strongest, (Told{0, "b", {1, 2}}));
}

TEST(MergeReasons, WhereOnlyTheKeptOneIsToldTheMergeIs) {
  const Told by{0, "a", {1, 2}};
  EXPECT_EQ(find({{0, "a", 1, 0}, {0, "a", 2, kNone}}, 0), (Outcome{{{0, by}}, by}));
}

TEST(MergeReasons, FollowsTheRulesWhateverTheOrderOfTheCarriers) {
  std::mt19937 random(11);
  const auto draw = [&](std::size_t below) { return static_cast<std::uint32_t>(random() % below); };
  const std::vector<std::string> values = {"", "a", "aa", "b"};
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint32_t> olds;  // by record
    for (std::uint32_t i = 2 + draw(6); i > 0; --i) {
      olds.push_back(draw(4) == 0 ? kNone : draw(4));
    }
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> drawn;
    for (std::uint32_t i = draw(20); i > 0; --i) {
      drawn.insert({draw(3), draw(values.size()), draw(olds.size())});
    }
    std::vector<Carrier> carriers;
    for (const auto& [kind, value, record] : drawn) {
      carriers.push_back({kind, values[value], record, olds[record]});
    }
    const std::uint32_t kept = draw(4);
    const Outcome expected = find_naively(carriers, kept);
    for (std::uint32_t i = draw(3); i > 0 && !carriers.empty(); --i) {
      carriers.push_back(carriers[draw(carriers.size())]);
    }
    std::shuffle(carriers.begin(), carriers.end(), random);
    ASSERT_EQ(find(carriers, kept), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
