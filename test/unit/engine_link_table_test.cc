#include "engine/link_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::key_ring;
using testing::kind;
using testing::TestEnvironment;

RowNumber row(std::size_t number) { return RowNumber{static_cast<std::uint32_t>(number)}; }

Link link(std::uint64_t high, std::uint64_t low, std::size_t at) {
  return {{high, low}, row(at), kind(0)};
}

std::vector<Link> links_of(const LinkTable& table, std::size_t partition) {
  std::vector<Link> links;
  table.each_chunk(partition, [&](std::span<const Link> chunk) {
    links.insert(links.end(), chunk.begin(), chunk.end());
  });
  return links;
}

TEST(LinkTable, KeepsEveryLinkInItsPartitionAndInOrder) {
  TestEnvironment environment;
  {
    LinkTable table(environment);
    const KeyRing keys = key_ring(3, 1);
    std::vector<std::vector<Link>> expected(LinkTable::kPartitions);
    for (std::size_t i = 0; i < 200000; ++i) {
      // One partition gets far more than the others.
      const std::string value = i % 3 == 0 ? "popular" : std::to_string(i);
      const Link added{keys.identifier(kind(i % 3), value), row(i), kind(i % 3)};
      expected[added.key.high >> 56U].push_back(added);
      table.add(added);
    }
    for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
      const std::vector<Link> found = links_of(table, partition);
      ASSERT_EQ(table.size(partition), expected[partition].size());
      ASSERT_EQ(found.size(), expected[partition].size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].key, expected[partition][i].key);
        ASSERT_EQ(found[i].row, expected[partition][i].row);
        ASSERT_EQ(found[i].kind, expected[partition][i].kind);
      }
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
}

// Exactly full, one less, one more: where chunks begin and end.
TEST(LinkTable, EverySizeAroundAChunk) {
  for (std::size_t size = 0; size < 1030; ++size) {
    TestEnvironment environment;
    LinkTable table(environment);
    for (std::size_t i = 0; i < size; ++i) table.add(link(0, i, i));
    ASSERT_EQ(table.size(0), size);
    ASSERT_EQ(links_of(table, 0).size(), size);
    table.renumber(1000);
    std::size_t at = 1000;
    for (const Link& found : links_of(table, 0)) ASSERT_EQ(found.row, row(at++));
    ASSERT_EQ(table.size(255), 0U);
  }
}

TEST(LinkTable, ClearForgetsAndCanBeFilledAgain) {
  TestEnvironment environment;
  LinkTable table(environment);
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = environment.bytes;
    for (std::size_t i = 0; i < 100000; ++i) table.add(link(i << 56U, i, i));
    EXPECT_GT(environment.bytes, before + 100000 * sizeof(Link));
    table.log().clear();
    EXPECT_LT(environment.bytes, 100000U);
    for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
      ASSERT_EQ(table.size(partition), 0U);
      ASSERT_TRUE(links_of(table, partition).empty());
    }
  }
}

// A failed add() may lose its own link, and no other.
TEST(LinkTable, SurvivesAnAllocationThatFails) {
  for (std::size_t nth = 1;; ++nth) {
    TestEnvironment environment;
    LinkTable table(environment);
    environment.fail_at = environment.allocations + nth;
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < 2000; ++i) {
      try {
        table.add(link((i % 2) << 56U, i, i));
        kept.push_back(i);
      } catch (const std::bad_alloc&) {
      }
    }
    std::vector<std::size_t> found;
    for (const std::size_t partition : {0, 1}) {
      for (const Link& at : links_of(table, partition)) found.push_back(index(at.row));
    }
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, kept) << "allocation " << nth;
    if (kept.size() == 2000) break;
  }
}

RowNumber first_row(KeyIndex& keys, const Link& link) {
  const std::uint32_t place = keys.add(link);
  return RowNumber{keys.groups()[place].first_row};
}

TEST(KeyIndex, NamesTheFirstRowOfEachKey) {
  TestEnvironment environment;
  KeyIndex keys(environment);
  std::mt19937_64 random(4);
  for (const std::size_t size : {0, 1, 2, 7, 8, 9, 1000, 33, 50000}) {
    keys.reset(size);
    std::vector<Link> links;
    std::map<std::pair<std::uint64_t, std::uint64_t>, RowNumber> first;
    for (std::size_t i = 0; i < size; ++i) {
      links.push_back(link(random() % 3, random() % (size / 2 + 1), i));
    }
    for (const Link& at : links) {
      const auto [known, is_new] = first.try_emplace({at.key.high, at.key.low}, at.row);
      ASSERT_EQ(first_row(keys, at), known->second);
    }
  }
}

// Keys that collide in everything the index looks at first: place, tag, either half.
TEST(KeyIndex, TellsApartKeysThatCollide) {
  TestEnvironment environment;
  KeyIndex keys(environment);
  std::vector<Link> links;
  for (std::uint64_t i = 0; i < 500; ++i)
    links.push_back(link(i, 0xABCDEF0000000000, links.size()));
  for (std::uint64_t i = 0; i < 500; ++i) links.push_back(link(1000, i << 32U, links.size()));
  for (std::uint64_t i = 0; i < 500; ++i) links.push_back(link(1000, i << 20U, links.size()));
  links.push_back(link(~std::uint64_t{0}, ~std::uint64_t{0}, links.size()));
  keys.reset(2 * links.size());
  for (int round = 0; round < 2; ++round) {
    for (const Link& at : links) {
      const auto first = std::find_if(links.begin(), links.end(),
                                      [&](const Link& other) { return other.key == at.key; });
      ASSERT_EQ(first_row(keys, at), first->row);
    }
  }
}

TEST(KeyIndex, OneKeyAsOftenAsOneLikes) {
  TestEnvironment environment;
  KeyIndex keys(environment);
  keys.reset(100000);
  std::vector<Link> links;
  for (std::size_t i = 0; i < 100000; ++i) links.push_back(link(1, 1, i + 17));
  for (const Link& at : links) ASSERT_EQ(first_row(keys, at), row(17));
}

TEST(KeyIndex, ResetForgets) {
  TestEnvironment environment;
  KeyIndex keys(environment);
  const Link one = link(1, 1, 1);
  const Link two = link(1, 1, 2);
  keys.reset(1);
  EXPECT_EQ(first_row(keys, one), row(1));
  keys.reset(1);
  EXPECT_EQ(first_row(keys, two), row(2));
}

}  // namespace
}  // namespace identity_resolve::engine
