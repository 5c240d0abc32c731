#include "match/clusters.h"

#include <gtest/gtest.h>

#include "unit/match_testing.h"

namespace identity_resolve::match {
namespace {

using testing::Groups;
using testing::groups_of;
using testing::Row;
using testing::table_of;

struct Case {
  std::size_t records;
  std::vector<std::uint32_t> exact;
  std::vector<Edge> edges;
};

std::unique_ptr<Table> table_for(const Case& one, Memory& memory) {
  return table_of(memory, {{FieldKind::kCity, "city"}}, std::vector<Row>(one.records, Row{"x"}),
                  one.exact);
}

// Average linkage, as it is written in the books: all pairs of clusters, all pairs of records.
std::vector<std::set<RecordIndex>> slow(const Table& table, const std::vector<Edge>& edges,
                                        double threshold, const MayJoin& may_join) {
  std::map<std::pair<RecordIndex, RecordIndex>, double> weights;
  for (const Edge& edge : edges) weights[{edge.a, edge.b}] = std::min(edge.weight, kMostWeight);
  std::map<RecordIndex, std::set<RecordIndex>> clusters;
  for (RecordIndex record = 0; record < table.size(); ++record) {
    clusters[table.exact(record)].insert(record);
  }
  std::set<std::pair<RecordIndex, RecordIndex>> refused;
  for (;;) {
    double best = threshold;
    std::pair<RecordIndex, RecordIndex> pair{UINT32_MAX, UINT32_MAX};
    for (const auto& [one, of_one] : clusters) {
      for (const auto& [other, of_other] : clusters) {
        if (one >= other || refused.contains({one, other})) continue;
        double sum = 0;
        bool has_edge = false;
        for (const RecordIndex a : of_one) {
          for (const RecordIndex b : of_other) {
            const auto found = weights.find({std::min(a, b), std::max(a, b)});
            has_edge = has_edge || found != weights.end();
            sum += found == weights.end() ? double{kNotCompared} : found->second;
          }
        }
        const double mean =
            sum / (static_cast<double>(of_one.size()) * static_cast<double>(of_other.size()));
        if (has_edge && mean > best) {
          best = mean;
          pair = {one, other};
        }
      }
    }
    if (pair.first == UINT32_MAX) break;
    if (!may_join(pair.first, pair.second)) {
      refused.insert(pair);
      continue;
    }
    clusters[pair.first].merge(clusters[pair.second]);
    clusters.erase(pair.second);
  }
  std::vector<std::set<RecordIndex>> all;
  for (const auto& [name, records] : clusters) all.push_back(records);
  return all;
}

Case random_case(unsigned seed) {
  std::mt19937 random(seed);
  Case one{4 + random() % 14, {}, {}};
  for (std::uint32_t i = 0; i < one.records; ++i) {
    one.exact.push_back(random() % 4 == 0 && i > 0 ? one.exact[random() % i] : i);
  }
  for (RecordIndex a = 0; a < one.records; ++a) {
    for (RecordIndex b = a + 1; b < one.records; ++b) {
      // Weights of which sums are exact and few are equal.
      if (random() % 3 == 0) {
        one.edges.push_back(
            {a, b, static_cast<float>(static_cast<int>(random() % 20000) - 7900) / 1024});
      }
    }
  }
  return one;
}

TEST(Clusters, AreThoseOfTheSlowWay) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const Case one = random_case(seed);
    engine::testing::TestEnvironment environment;
    const auto table = table_for(one, environment.memory());
    const MayJoin may_join = seed % 2 == 0
                                 ? MayJoin(testing::always)
                                 : [](RecordIndex a, RecordIndex b) { return (a + b) % 5 != 0; };
    const double threshold = seed % 3 == 0 ? 2 : 0;
    const auto clusters = cluster(*table, one.edges, threshold, may_join, environment);
    std::map<RecordIndex, std::set<RecordIndex>> fast;
    for (RecordIndex record = 0; record < clusters.size(); ++record) {
      fast[clusters[record]].insert(record);
    }
    std::vector<std::set<RecordIndex>> found;
    for (const auto& [name, records] : fast) found.push_back(records);
    EXPECT_EQ(found, slow(*table, one.edges, threshold, may_join)) << "seed " << seed;
  }
}

// What exact evidence has joined stays, whatever its pairs weigh.
TEST(Clusters, KeepExactIdentities) {
  engine::testing::TestEnvironment environment;
  const Case one{3, {0, 0, 2}, {}};
  const auto table = table_for(one, environment.memory());
  const auto clusters = cluster(*table, {}, 0, testing::always, environment);
  EXPECT_EQ(groups_of(*table, clusters), (Groups{{0, 1}, {2}}));
}

// A chain of likely pairs does not join its ends, which share nothing.
TEST(Clusters, DoNotChain) {
  engine::testing::TestEnvironment environment;
  Case one{40, {}, {}};
  for (std::uint32_t i = 0; i < one.records; ++i) one.exact.push_back(i);
  for (RecordIndex i = 0; i + 1 < one.records; ++i) one.edges.push_back({i, i + 1, 3});
  const auto table = table_for(one, environment.memory());
  const auto clusters = cluster(*table, one.edges, 0, testing::always, environment);
  for (const auto& group : groups_of(*table, clusters)) EXPECT_LE(group.size(), 2U);
}

}  // namespace
}  // namespace identity_resolve::match
