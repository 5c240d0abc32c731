// Scopes, and how many records may carry a value in all: also where links are spilled and a
// partition is larger than the budget.
#include <gtest/gtest.h>

#include "engine/resolver.h"
#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::key_ring;
using testing::kind;
using testing::source;
using testing::TestEnvironment;

struct Carried {
  std::uint16_t source;
  std::string id;
  std::string value;
  std::string scope;  // none: the row does not say
};

// Resolves rows with one identifier each.
class Resolved {
 public:
  Resolved(const KindRules& rules, const std::vector<Carried>& rows, std::size_t budget = SIZE_MAX)
      : keys_(key_ring(1, 4)), resolver_(environment_, shape_of(rules), keys_) {
    environment_.memory_budget = budget;
    auto sink = resolver_.make_sink();
    for (const Carried& row : rows) {
      sink->begin_row(source(row.source), row.id, kNeverUpdated);
      const std::string scoped = std::string(1, '\0') + row.scope + '\0' + row.value;
      if (!rules.scoped || !row.scope.empty()) {
        sink->add_identifier(kind(0), row.value, Standing::kValid, {}, scoped);
      } else {
        sink->add_identifier(kind(0), row.value, Standing::kNoScope);
      }
      sink->end_row();
    }
    resolver_.combine(std::move(sink));
    resolver_.finalize();
  }
  [[nodiscard]] std::size_t identities() const { return resolver_.identities(); }
  [[nodiscard]] const TooCommon& too_common() const { return resolver_.too_common(); }
  [[nodiscard]] std::vector<std::uint64_t> apart() const {
    const auto found = resolver_.kept_apart_by_scope();
    return {found.begin(), found.end()};
  }
  [[nodiscard]] std::vector<std::uint64_t> refused() const {
    const auto found = resolver_.refused_by_default();
    return {found.begin(), found.end()};
  }

 private:
  static Shape shape_of(const KindRules& rules) {
    Shape shape{{rules}, 4};
    shape.tells_of_scope = shape.tells_of_limits = true;
    return shape;
  }

  TestEnvironment environment_;
  KeyRing keys_;
  Resolver resolver_;
};

KindRules scoped() {
  KindRules rules;
  rules.scoped = rules.tells_of_scope = true;
  return rules;
}

TEST(Scope, EqualValuesLinkWithinAScope) {
  const std::vector<Carried> rows = {{0, "1", "alex", "a"}, {1, "1", "alex", "b"},
                                     {2, "1", "alex", "a"}, {3, "1", "alex", ""},
                                     {3, "2", "alex", ""},  {0, "2", "kim", "a"}};
  EXPECT_EQ(Resolved(scoped(), rows).identities(), 5U);
  EXPECT_EQ(Resolved(KindRules{}, rows).identities(), 2U);
}

TEST(Scope, ValuesAreCountedWhoseScopeKeepsThemApart) {
  // alex is apart; kim is in two sources of one scope; sam in one source alone.
  const std::vector<Carried> rows = {{0, "1", "alex", "a"}, {1, "1", "alex", "b"},
                                     {0, "2", "kim", "a"},  {1, "2", "kim", "a"},
                                     {0, "3", "sam", "a"},  {0, "4", "sam", "b"}};
  EXPECT_EQ(Resolved(scoped(), rows).apart(), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(Resolved(scoped(), rows, 1).apart(), (std::vector<std::uint64_t>{1}));
  KindRules silent = scoped();
  silent.tells_of_scope = false;
  EXPECT_EQ(Resolved(silent, rows).apart(), (std::vector<std::uint64_t>{0}));
}

TEST(Scope, LimitsCountValuesByThemselves) {
  KindRules rules = scoped();
  rules.max_per_identity = 1;
  // One record of two rows has one value in two scopes: it breaks no limit, and is joined by
  // either.
  const std::vector<Carried> one = {
      {0, "1", "alex", "a"}, {0, "1", "alex", "b"}, {1, "1", "alex", "a"}, {2, "1", "alex", "b"}};
  EXPECT_EQ(Resolved(rules, one).identities(), 1U);
  // Of two values, one of them without a scope, it breaks the limit alone.
  const std::vector<Carried> two = {
      {0, "1", "alex", "a"}, {0, "1", "kim", ""}, {1, "1", "alex", "a"}};
  EXPECT_EQ(Resolved(rules, two).identities(), 2U);
}

TEST(Scope, TooManyRecordsAreThoseOfAScope) {
  KindRules rules = scoped();
  rules.max_records = 2;
  const std::vector<Carried> rows = {{0, "1", "x", "a"},
                                     {0, "2", "x", "a"},
                                     {0, "3", "x", "b"},
                                     {0, "4", "x", "b"},
                                     {0, "5", "x", "b"}};
  for (const std::size_t budget : {SIZE_MAX, std::size_t{1}}) {
    const Resolved resolved(rules, rows, budget);
    EXPECT_EQ(resolved.identities(), 4U);
    EXPECT_EQ(resolved.too_common().identifiers, 1U);
    EXPECT_EQ(resolved.too_common().records, 3U);
  }
}

TEST(MaxRecordsInAll, CountsTheRecordsOfAllSources) {
  std::vector<Carried> rows;
  for (std::uint16_t of = 0; of < 4; ++of) {
    for (int id = 0; id < 3; ++id) rows.push_back({of, std::to_string(id), "x", ""});
  }
  rows.push_back({0, "0", "x", ""});  // again: no other record
  KindRules rules;
  for (const std::size_t budget : {SIZE_MAX, std::size_t{1}}) {
    rules.max_records = 3;
    rules.max_records_in_all = 12;
    EXPECT_EQ(Resolved(rules, rows, budget).identities(), 1U);
    rules.max_records_in_all = 11;
    const Resolved in_all(rules, rows, budget);
    EXPECT_EQ(in_all.identities(), 12U);
    EXPECT_EQ(in_all.too_common().identifiers, 1U);
    EXPECT_EQ(in_all.too_common().source, TooCommon::kAllSources);
    EXPECT_EQ(in_all.too_common().records, 12U);
    rules.max_records = 0;
    EXPECT_EQ(Resolved(rules, rows, budget).identities(), 12U);
    rules.max_records = 2;
    rules.max_records_in_all = 100;
    const Resolved in_one(rules, rows, budget);
    EXPECT_EQ(in_one.identities(), 12U);
    EXPECT_EQ(in_one.too_common().source, source(0));
    EXPECT_EQ(in_one.too_common().records, 3U);
  }
}

TEST(DefaultLimit, WhatItRefusesIsCounted) {
  KindRules rules;
  rules.max_per_identity = 1;
  const std::vector<Carried> rows = {
      {0, "1", "x", ""}, {0, "1", "y", ""}, {1, "1", "x", ""}, {2, "1", "y", ""}};
  // Both claims of the record that breaks it alone; nobody else is left to share them with.
  rules.has_default_limit = true;
  EXPECT_EQ(Resolved(rules, rows).refused(), (std::vector<std::uint64_t>{2}));
  rules.has_default_limit = false;
  EXPECT_TRUE(Resolved(rules, rows).refused().empty());
}

}  // namespace
}  // namespace identity_resolve::engine
