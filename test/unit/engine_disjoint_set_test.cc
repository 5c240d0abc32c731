#include "engine/disjoint_set.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::TestEnvironment;

RowNumber row(std::size_t number) { return RowNumber{static_cast<std::uint32_t>(number)}; }

// The labels of `rows` rows of which the pairs are united: each set's number by its first row.
std::vector<std::uint32_t> labels_naively(
    std::size_t rows, const std::vector<std::pair<std::size_t, std::size_t>>& pairs,
    std::size_t& sets) {
  std::vector<std::size_t> set(rows);
  std::iota(set.begin(), set.end(), std::size_t{0});
  for (const auto& [a, b] : pairs) {
    const std::size_t from = std::max(set[a], set[b]);
    const std::size_t to = std::min(set[a], set[b]);
    std::replace(set.begin(), set.end(), from, to);
  }
  std::vector<std::uint32_t> labels(rows);
  sets = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    labels[i] = set[i] == i ? static_cast<std::uint32_t>(sets++) : labels[set[i]];
  }
  return labels;
}

struct Forest {
  explicit Forest(std::size_t rows) : parents(rows) {
    TestEnvironment environment;
    sets().reset(environment);
  }
  [[nodiscard]] DisjointSet sets() { return DisjointSet(parents); }
  std::vector<std::uint32_t> parents;
};

TEST(DisjointSet, NothingHasNoSets) {
  TestEnvironment environment;
  EXPECT_EQ(DisjointSet({}).label(environment), 0U);
}

TEST(DisjointSet, RowsAreAloneUntilUnited) {
  Forest forest(3);
  DisjointSet sets = forest.sets();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(sets.representative(row(i)), row(i));
  EXPECT_TRUE(sets.unite(row(2), row(1)));
  EXPECT_FALSE(sets.unite(row(1), row(2)));
  EXPECT_FALSE(sets.unite(row(1), row(1)));
  EXPECT_EQ(sets.representative(row(2)), row(1));
  EXPECT_EQ(sets.representative(row(0)), row(0));
}

TEST(DisjointSet, AgreesWithRelabellingOnRandomPairs) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    TestEnvironment environment;
    const std::size_t rows = 1 + random() % 60;
    Forest forest(rows);
    std::vector<std::pair<std::size_t, std::size_t>> pairs(random() % 80);
    for (auto& [a, b] : pairs) {
      a = random() % rows;
      b = random() % rows;
    }
    std::size_t expected_sets = 0;
    const std::vector<std::uint32_t> expected = labels_naively(rows, pairs, expected_sets);

    DisjointSet sets = forest.sets();
    for (const auto& [a, b] : pairs) {
      const bool were_two = sets.representative(row(a)) != sets.representative(row(b));
      ASSERT_EQ(sets.unite(row(a), row(b)), were_two);
    }
    for (std::size_t i = 0; i < rows; ++i) {  // a root is the smallest row of its set
      const std::size_t first =
          std::find(expected.begin(), expected.end(), expected[i]) - expected.begin();
      ASSERT_EQ(sets.representative(row(i)), row(first));
    }
    ASSERT_EQ(std::move(sets).label(environment), expected_sets);
    ASSERT_EQ(forest.parents, expected);  // the labels take the forest's place
  }
}

// Orders that would make a careless forest a list: each must end, and in no time.
TEST(DisjointSet, LongChainsInEveryOrder) {
  constexpr std::size_t kRows = 300000;
  std::vector<std::size_t> forwards(kRows - 1);
  std::iota(forwards.begin(), forwards.end(), std::size_t{0});
  std::vector<std::size_t> backwards(forwards.rbegin(), forwards.rend());
  std::vector<std::size_t> shuffled = forwards;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(3));
  for (const auto* order : {&forwards, &backwards, &shuffled}) {
    TestEnvironment environment;
    Forest forest(kRows);
    DisjointSet sets = forest.sets();
    for (const std::size_t at : *order) ASSERT_TRUE(sets.unite(row(at), row(at + 1)));
    EXPECT_EQ(std::move(sets).label(environment), 1U);
    EXPECT_TRUE(std::all_of(forest.parents.begin(), forest.parents.end(),
                            [](auto label) { return label == 0; }));
  }
}

}  // namespace
}  // namespace identity_resolve::engine
