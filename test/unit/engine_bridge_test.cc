#include "engine/bridge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::TestEnvironment;

struct Graph {
  std::uint32_t records;
  std::uint32_t identifiers;
  std::vector<CarriedIdentifier> carried;
};

std::vector<Bridge> bridges_of(const Graph& graph) {
  TestEnvironment environment;
  Ticker ticker(environment);
  return find_bridges(graph.records, graph.identifiers, graph.carried, ticker);
}

// The sizes of the parts, counted in records, that are left of a record's graph without a node, by
// walking.
std::vector<std::uint32_t> parts_without(const Graph& graph, std::uint32_t from, bool is_record,
                                         std::uint32_t number) {
  // Which records are connected with `from` at all.
  const auto reach = [&](std::uint32_t start, bool leave_out) {
    std::set<std::uint32_t> reached = {start};
    std::vector<std::uint32_t> todo = {start};
    while (!todo.empty()) {
      const std::uint32_t record = todo.back();
      todo.pop_back();
      for (const CarriedIdentifier& one : graph.carried) {
        if (one.record != record || (leave_out && !is_record && one.identifier == number)) continue;
        for (const CarriedIdentifier& other : graph.carried) {
          if (other.identifier != one.identifier) continue;
          if (leave_out && is_record && other.record == number) continue;
          if (reached.insert(other.record).second) todo.push_back(other.record);
        }
      }
    }
    return reached;
  };
  std::set<std::uint32_t> left = reach(from, false);
  if (is_record) left.erase(number);
  std::vector<std::uint32_t> parts;
  while (!left.empty()) {
    const std::set<std::uint32_t> part = reach(*left.begin(), true);
    parts.push_back(static_cast<std::uint32_t>(part.size()));
    for (const std::uint32_t record : part) left.erase(record);
  }
  return parts;
}

TEST(Bridge, FindsTheValueBetweenTwoPeople) {
  // a1 - u1 - a2 - x@y - b1 - u2 - b2
  const Graph graph{4, 3, {{0, 0}, {1, 0}, {1, 1}, {2, 1}, {2, 2}, {3, 2}}};
  const std::vector<Bridge> bridges = bridges_of(graph);
  ASSERT_EQ(bridges.size(), 5U) << "two records and all three values";
  EXPECT_TRUE(bridges[0].is_record);
  EXPECT_EQ(bridges[0].number, 1U);
  EXPECT_EQ(bridges[0].cut_off, 1U);
  EXPECT_FALSE(bridges[3].is_record);
  EXPECT_EQ(bridges[3].number, 1U);
  EXPECT_EQ(bridges[3].cut_off, 2U) << "x@y: two and two";
  EXPECT_EQ(bridges[3].parts, 2U);
}

TEST(Bridge, FindsNothingWhereTwoValuesHoldItTogether) {
  EXPECT_TRUE(bridges_of({2, 2, {{0, 0}, {1, 0}, {0, 1}, {1, 1}}}).empty());
  EXPECT_TRUE(bridges_of({1, 2, {{0, 0}, {0, 1}}}).empty())
      << "what one record alone carries is no part";
  EXPECT_TRUE(bridges_of({0, 0, {}}).empty());
}

TEST(Bridge, WalksALongChain) {
  constexpr std::uint32_t kRecords = 300'000;
  Graph graph{kRecords, kRecords - 1, {}};
  for (std::uint32_t i = 0; i + 1 < kRecords; ++i) {
    graph.carried.push_back({i, i});
    graph.carried.push_back({i + 1, i});
  }
  const std::vector<Bridge> bridges = bridges_of(graph);
  ASSERT_EQ(bridges.size(), kRecords - 2 + kRecords - 1);
  const auto most = std::ranges::max(bridges, {}, &Bridge::cut_off);
  EXPECT_EQ(most.cut_off, kRecords / 2);
}

TEST(Bridge, AgreesWithTakingEachNodeAway) {
  std::mt19937 random(11);
  const auto draw = [&](std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random);
  };
  for (int round = 0; round < 300; ++round) {
    Graph graph{1 + draw(8), 1 + draw(8), {}};
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t i = draw(20); i > 0; --i) {
      pairs.insert({draw(graph.records), draw(graph.identifiers)});
    }
    for (const auto& [record, identifier] : pairs) graph.carried.push_back({record, identifier});
    std::ranges::shuffle(graph.carried, random);
    std::vector<std::tuple<bool, std::uint32_t, std::uint32_t, std::uint32_t>> expected;
    const auto expect = [&](bool is_record, std::uint32_t number, std::uint32_t from) {
      const std::vector<std::uint32_t> parts = parts_without(graph, from, is_record, number);
      if (parts.size() < 2) return;
      std::uint32_t all = 0;
      for (const std::uint32_t part : parts) all += part;
      expected.emplace_back(is_record, number, all - std::ranges::max(parts), parts.size());
    };
    for (std::uint32_t record = 0; record < graph.records; ++record) expect(true, record, record);
    for (std::uint32_t identifier = 0; identifier < graph.identifiers; ++identifier) {
      const auto carrier =
          std::ranges::find(graph.carried, identifier, &CarriedIdentifier::identifier);
      if (carrier != graph.carried.end()) expect(false, identifier, carrier->record);
    }
    std::vector<std::tuple<bool, std::uint32_t, std::uint32_t, std::uint32_t>> found;
    for (const Bridge& bridge : bridges_of(graph)) {
      found.emplace_back(bridge.is_record, bridge.number, bridge.cut_off, bridge.parts);
    }
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
