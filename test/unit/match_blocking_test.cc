#include "match/blocking.h"

#include <gtest/gtest.h>

#include "match/spell.h"
#include "unit/match_testing.h"

namespace identity_resolve::match {
namespace {

using testing::Fields;
using testing::Row;
using testing::table_of;

const Fields kFields{{FieldKind::kGivenName, "given_name"},
                     {FieldKind::kSurname, "surname"},
                     {FieldKind::kDate, "birth_date"},
                     {FieldKind::kWords, "street"},
                     {FieldKind::kEmail, "email"}};

// Few values, so that many records share some of them, and some are missing.
std::vector<Row> random_rows(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  const auto one_of = [&](std::initializer_list<const char*> values) {
    return std::string(*(values.begin() + random() % values.size()));
  };
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({one_of({"", "anna", "anne", "bob", "eve", "mia"}),
                    one_of({"", "smith", "smyth", "jones", "weber"}),
                    one_of({"", "19800101", "19810102", "19810201", "19990930"}),
                    one_of({"", "high street", "mill lane", "high lane north", "park road"}),
                    one_of({"", "a@x.com", "a@y.com", "b@x.com"})});
  }
  return rows;
}

std::set<std::pair<RecordIndex, RecordIndex>> pairs_of(const Table& table, Blocking::Limits limits,
                                                       std::size_t* visits) {
  engine::testing::TestEnvironment environment;
  Blocking blocking(table, limits, environment);
  std::set<std::pair<RecordIndex, RecordIndex>> pairs;
  *visits = 0;
  blocking.each_pair([&](RecordIndex a, RecordIndex b) {
    EXPECT_LT(a, b);
    pairs.insert({a, b});
    ++*visits;
  });
  return pairs;
}

TEST(Blocking, FindsEachPairOnce) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    engine::testing::TestEnvironment environment;
    const auto table = table_of(environment.memory(), kFields, random_rows(40 + seed * 5, seed));
    for (const std::uint32_t limit : {2U, 5U, 20U, 1000U}) {
      std::size_t visits = 0;
      const auto pairs = pairs_of(*table, {limit, limit}, &visits);
      EXPECT_EQ(pairs.size(), visits) << "seed " << seed << ", limit " << limit;
    }
  }
}

// Whoever shares a value that few have is compared.
TEST(Blocking, FindsWhatIsRare) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    engine::testing::TestEnvironment environment;
    const auto table = table_of(environment.memory(), kFields, random_rows(60, seed));
    std::size_t visits = 0;
    const auto pairs = pairs_of(*table, {12, 8}, &visits);
    for (std::size_t i = 0; i < table->columns().size(); ++i) {
      const Column& column = table->columns()[i];
      if (column.is_bag()) continue;
      for (RecordIndex a = 0; a < table->size(); ++a) {
        for (RecordIndex b = a + 1; b < table->size(); ++b) {
          const Code code = table->row(a)[i];
          if (code == kMissing || code != table->row(b)[i]) continue;
          if (column.counts[code] <= 12) {
            EXPECT_TRUE(pairs.contains({a, b})) << column.name << ", seed " << seed;
          }
        }
      }
    }
  }
}

// A value that all have leads nobody together.
TEST(Blocking, LeavesOutWhatIsCommon) {
  engine::testing::TestEnvironment environment;
  const std::vector<Row> rows(1000, Row{"anna", "smith", "19810102", "high street", "a@x.com"});
  const auto table = table_of(environment.memory(), kFields, rows);
  std::size_t visits = 0;
  EXPECT_TRUE(pairs_of(*table, {100, 60}, &visits).empty());
}

TEST(Blocking, OfNothing) {
  engine::testing::TestEnvironment environment;
  for (const std::size_t count : {0U, 1U, 2U}) {
    const auto table =
        table_of(environment.memory(), kFields, std::vector<Row>(count, Row{"", "", "", "", ""}));
    std::size_t visits = 0;
    EXPECT_TRUE(pairs_of(*table, {100, 60}, &visits).empty());
  }
}

}  // namespace
}  // namespace identity_resolve::match
