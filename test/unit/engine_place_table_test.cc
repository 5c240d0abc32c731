#include "engine/place_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "engine/sort_numbers.h"

namespace identity_resolve::engine {
namespace {

boost::container::pmr::memory_resource& heap() {
  return *boost::container::pmr::new_delete_resource();
}

TEST(PlaceTable, GivesEachNumberItsPlaceInTheOrderOfArrival) {
  NumberTable table(heap());
  std::map<std::int64_t, std::uint32_t> expected;
  std::vector<std::int64_t> order;
  std::mt19937_64 random(1);
  for (int i = 0; i < 50000; ++i) {
    // Some in a row, some far apart, some that differ in the first bits only, many again.
    std::int64_t number = static_cast<std::int64_t>(random() % 20000);
    if (i % 3 == 1) number <<= 12;
    if (i % 3 == 2) number = -number;
    const auto [place, is_new] = table.insert(number);
    const auto [found, is_first] =
        expected.emplace(number, static_cast<std::uint32_t>(order.size()));
    ASSERT_EQ(is_new, is_first);
    ASSERT_EQ(place, found->second);
    if (is_first) order.push_back(number);
  }
  for (const auto& [number, place] : expected) ASSERT_EQ(table.find(number), place);
  EXPECT_TRUE(std::ranges::equal(table.keys(), order));
  for (int i = 0; i < 1000; ++i) {
    const auto number = static_cast<std::int64_t>(random());
    ASSERT_EQ(table.contains(number), expected.contains(number));
  }
}

TEST(PlaceTable, FindsNothingInAnEmptyOne) {
  const NumberTable table(heap());
  EXPECT_EQ(table.find(0), NumberTable::kNone);
  EXPECT_FALSE(table.contains(-1));
  EXPECT_TRUE(table.keys().empty());
}

TEST(PlaceTable, HoldsIds) {
  PlaceTable<Uuid> table(heap());
  std::set<Uuid> all;
  for (int i = 0; i < 5000; ++i) all.insert(identity_id("tool", std::to_string(i)));
  for (const Uuid& id : all) ASSERT_TRUE(table.insert(id).second);
  for (const Uuid& id : all) ASSERT_FALSE(table.insert(id).second);
  // Ids that begin alike, as an owner of a map may write them.
  Uuid alike{};
  for (int i = 0; i < 300; ++i) {
    alike[15] = static_cast<std::uint8_t>(i);
    alike[14] = static_cast<std::uint8_t>(i >> 8);
    ASSERT_TRUE(table.insert(alike).second);
  }
  EXPECT_EQ(table.keys().size(), 5300U);
}

TEST(SortEachOnce, SortsAndDropsEqualOnes) {
  std::vector<std::int64_t> numbers{5, -1, 5, 3, 3, 3, -1};
  sort_each_once(numbers);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{-1, 3, 5}));
}

TEST(Sharers, AreWhoHasAKeyTogetherWithAnotherOne) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    NumberTable common(heap());
    for (std::int64_t key = 0; key < round % 4; ++key) common.insert(key);
    Sharers sharers(heap());
    std::map<std::int64_t, std::set<std::uint32_t>> owners_of;
    for (int i = 0; i < 60; ++i) {
      const auto owner = static_cast<std::uint32_t>(random() % 30);
      std::vector<std::int64_t> keys;
      for (std::size_t n = random() % 3; n > 0; --n)
        keys.push_back(static_cast<std::int64_t>(random() % 50));
      sharers.add(owner, keys, common);
      for (const std::int64_t key : keys) {
        if (!common.contains(key)) owners_of[key].insert(owner);
      }
    }
    std::set<std::uint32_t> expected;
    for (const auto& [key, owners] : owners_of) {
      if (owners.size() > 1) expected.insert(owners.begin(), owners.end());
    }
    for (std::uint32_t owner = 0; owner < 40; ++owner) {
      ASSERT_EQ(sharers.shares(owner), expected.contains(owner)) << "round " << round;
    }
  }
}

TEST(PlaceTable, GivesItsKeysAway) {
  NumberTable table(heap());
  for (std::int64_t key = 100; key > 0; --key) table.insert(key);
  const auto keys = table.take_keys();
  ASSERT_EQ(keys.size(), 100U);
  EXPECT_EQ(keys.front(), 100);
  EXPECT_EQ(keys.back(), 1);
}

struct Numbered {
  std::int64_t number;
  int rest;
  auto operator<=>(const Numbered&) const = default;
};

TEST(SortByNumber, SortsAsAnOrdinarySortDoes) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Numbered> items(random() % (round % 10 == 0 ? 20000 : 50));
    for (Numbered& item : items) {
      const auto drawn = static_cast<std::int64_t>(random());
      // All bits, the last ones, few numbers, one.
      item.number = round % 4 == 0   ? drawn
                    : round % 4 == 1 ? drawn & 0xFF
                    : round % 4 == 2 ? drawn % 3
                                     : INT64_MIN;
      item.rest = static_cast<int>(random() % 5);
    }
    std::vector<Numbered> expected = items;
    std::sort(expected.begin(), expected.end());
    sort_by_number(items, [](const Numbered& item) { return item.number; });
    ASSERT_EQ(items, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
