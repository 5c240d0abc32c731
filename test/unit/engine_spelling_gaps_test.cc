#include "engine/spelling_gaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/frequent_values.h"

namespace identity_resolve::engine {
namespace {

constexpr SourceNumber kApp{0};
constexpr SourceNumber kDesk{1};
constexpr SourceNumber kShop{2};

TEST(SpellingGaps, ReadsLoosely) {
  EXPECT_EQ(loose_reading("{1E81-07E2}"), "1e8107e2");
  EXPECT_EQ(loose_reading("007"), "7");
  EXPECT_EQ(loose_reading("42.00"), "42");
  EXPECT_EQ(loose_reading(" 0 "), "0");
  EXPECT_EQ(loose_reading("000"), "0");
  EXPECT_EQ(loose_reading("00Q3"), "00q3") << "zeros of what is no number are a part of it";
  EXPECT_EQ(loose_reading("4.20"), "4.20") << "a version, not a whole number";
  EXPECT_EQ(loose_reading("--"), "");
}

TEST(SpellingGaps, NamesTheGap) {
  EXPECT_EQ(gap_between("AB", "ab"), SpellingGap::kCase);
  EXPECT_EQ(gap_between("007", "7"), SpellingGap::kZeros);
  EXPECT_EQ(gap_between("42.0", "42"), SpellingGap::kDecimals);
  EXPECT_EQ(gap_between("4 2", "42"), SpellingGap::kBlanks);
  EXPECT_EQ(gap_between("a-b", "ab"), SpellingGap::kMarks);
  EXPECT_EQ(gap_between("A-B", "ab"), SpellingGap::kSeveral);
}

TEST(SpellingGaps, FindsPairsOfSourcesThatMissEachOther) {
  SpellingGaps gaps;
  gaps.add(kApp, "1E81");
  gaps.add(kApp, "7ADT");
  gaps.add(kDesk, "1e81");
  gaps.add(kDesk, "7adt");
  gaps.add(kShop, "1E81");
  const std::vector<SpellingGaps::Found> found = gaps.find();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].source, kApp);
  EXPECT_EQ(found[0].other, kDesk);
  EXPECT_EQ(found[0].values, 2U);
  EXPECT_EQ(found[0].gap, SpellingGap::kCase);
  EXPECT_EQ(found[0].in_source, "1E81");
  EXPECT_EQ(found[0].in_other, "1e81");
  EXPECT_FALSE(found[0].is_estimate);
  EXPECT_EQ(found[1].source, kDesk);
  EXPECT_EQ(found[1].other, kShop);
}

TEST(SpellingGaps, SaysNothingWhereTheyShareAValueOrASourceIsAlone) {
  SpellingGaps gaps;
  gaps.add(kApp, "AB");
  gaps.add(kApp, "ab");
  gaps.add(kDesk, "ab");
  gaps.add(kShop, "other");
  EXPECT_TRUE(gaps.find().empty());
}

// Few groups are kept of many: the count is an estimate, near the truth, and the same in any order.
TEST(SpellingGaps, EstimatesInBoundedMemoryWhateverTheOrder) {
  constexpr int kValues = 20000;
  std::vector<int> numbers(kValues);
  for (int i = 0; i < kValues; ++i) numbers[static_cast<std::size_t>(i)] = i;
  const auto count = [&] {
    SpellingGaps gaps(2000);
    for (const int number : numbers) {
      gaps.add(kApp, "U" + std::to_string(number));
      gaps.add(kDesk, "u" + std::to_string(number));
    }
    const std::vector<SpellingGaps::Found> found = gaps.find();
    return found.size() == 1 && found[0].is_estimate ? found[0].values : 0;
  };
  const std::uint64_t in_order = count();
  std::mt19937 random(7);
  std::ranges::shuffle(numbers, random);
  EXPECT_EQ(count(), in_order);
  EXPECT_GT(in_order, kValues * 8 / 10U);
  EXPECT_LT(in_order, kValues * 12 / 10U);
}

TEST(FrequentValues, KeepsWhatIsOnALargeShare) {
  std::vector<std::string> values;
  for (int i = 0; i < 1000; ++i) values.push_back("rare" + std::to_string(i));
  for (int i = 0; i < 100; ++i) values.emplace_back("often");
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(values, random);
    FrequentValues frequent;
    for (const std::string& value : values) frequent.add(value);
    frequent.start_counting();
    for (const std::string& value : values) frequent.count(value);
    ASSERT_TRUE(frequent.counts().contains("often"));
    EXPECT_EQ(frequent.counts().at("often"), 100U);
    EXPECT_LE(frequent.counts().size(), FrequentValues::kCounters);
  }
}

}  // namespace
}  // namespace identity_resolve::engine
