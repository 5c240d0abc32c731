#include "engine/succession.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/container/vector.hpp>
#include <map>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::TestEnvironment;
using Member = Succession::Member;

constexpr std::uint32_t kNone = Succession::kNone;

// Ids in the order of `ranks`.
std::vector<Uuid> ids(const std::vector<std::uint8_t>& ranks) {
  std::vector<Uuid> made;
  for (const std::uint8_t rank : ranks) {
    Uuid id{};
    id[3] = rank;
    made.push_back(id);
  }
  return made;
}

struct Case {
  std::vector<Member> members;
  std::vector<std::uint8_t> clusters;
  std::vector<std::uint8_t> olds;
  std::vector<std::int64_t> created;
  boost::container::vector<bool> is_back = {};
};

struct Outcome {
  std::vector<std::uint32_t> picks;
  std::vector<std::uint32_t> kept;
  bool operator==(const Outcome&) const = default;
};

Outcome succeed(const Case& given) {
  TestEnvironment environment;
  const std::vector<Uuid> clusters = ids(given.clusters);
  const std::vector<Uuid> olds = ids(given.olds);
  Succession succession(environment, given.members, clusters, olds.size(),
                        {given.is_back.data(), given.is_back.size()});
  std::vector<std::int64_t> ages;
  for (const std::uint32_t old : succession.tied()) ages.push_back(given.created[old]);
  EXPECT_TRUE(std::is_sorted(succession.tied().begin(), succession.tied().end()));
  const auto kept = succession.keep(ages, olds);
  return {{succession.picks().begin(), succession.picks().end()}, {kept.begin(), kept.end()}};
}

// The rules, one after the other, over everything there is.
Outcome succeed_naively(const Case& given) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> counts;  // by old and cluster
  std::vector<std::int64_t> in_all(given.clusters.size());
  for (const Member& member : given.members) {
    if (member.old == kNone) continue;
    ++counts[{member.old, member.cluster}];
    ++in_all[member.cluster];
  }
  Outcome outcome{std::vector<std::uint32_t>(given.olds.size(), kNone),
                  std::vector<std::uint32_t>(given.clusters.size(), kNone)};
  for (std::uint32_t old = 0; old < given.olds.size(); ++old) {
    std::optional<std::tuple<std::int64_t, std::int64_t, std::uint8_t>> best;
    for (std::uint32_t cluster = 0; cluster < given.clusters.size(); ++cluster) {
      if (!counts.contains({old, cluster})) continue;
      const std::tuple rank(-counts[{old, cluster}], in_all[cluster], given.clusters[cluster]);
      if (best && *best < rank) continue;
      best = rank;
      outcome.picks[old] = cluster;
    }
  }
  for (std::uint32_t cluster = 0; cluster < given.clusters.size(); ++cluster) {
    std::optional<std::tuple<bool, std::int64_t, std::int64_t, std::uint8_t>> best;
    for (std::uint32_t old = 0; old < given.olds.size(); ++old) {
      if (outcome.picks[old] != cluster) continue;
      const bool is_back = !given.is_back.empty() && given.is_back[old];
      const std::tuple rank(is_back, -counts[{old, cluster}], given.created[old], given.olds[old]);
      if (best && *best < rank) continue;
      best = rank;
      outcome.kept[cluster] = old;
    }
  }
  return outcome;
}

TEST(Succession, NothingHasNoHeirs) { EXPECT_EQ(succeed({}), Outcome{}); }

TEST(Succession, NewRecordsInheritNothing) {
  EXPECT_EQ(succeed({{{0, kNone}, {0, kNone}}, {1}, {}, {}}), (Outcome{{}, {kNone}}));
}

TEST(Succession, AnIdentityWithoutRecordsPicksNothing) {
  EXPECT_EQ(succeed({{{0, kNone}}, {1}, {1}, {5}}), (Outcome{{kNone}, {kNone}}));
}

TEST(Succession, TheLargestPartKeepsTheIdAtASplit) {
  EXPECT_EQ(succeed({{{0, 0}, {1, 0}, {1, 0}}, {1, 2}, {9}, {5}}), (Outcome{{1}, {kNone, 0}}));
}

TEST(Succession, OfEqualPartsTheOneWhereOthersHaveLeast) {
  // The first cluster has another identity's record, too.
  EXPECT_EQ(succeed({{{0, 0}, {1, 0}, {0, 1}, {0, 1}}, {1, 2}, {8, 9}, {5, 5}}),
            (Outcome{{1, 0}, {1, 0}}));
}

TEST(Succession, OfEqualPartsTheSmallerCluster) {
  EXPECT_EQ(succeed({{{0, 0}, {1, 0}}, {2, 1}, {9}, {5}}), (Outcome{{1}, {kNone, 0}}));
}

TEST(Succession, TheIdentityWithMostRecordsIsKeptAtAMerge) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}, {0, 1}}, {1}, {1, 2}, {1, 2}}), (Outcome{{0, 0}, {1}}));
}

TEST(Succession, OfEqualOnesTheOlder) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}}, {1}, {1, 2}, {6, 5}}), (Outcome{{0, 0}, {1}}));
}

TEST(Succession, OfEquallyOldOnesTheSmallerId) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}}, {1}, {2, 1}, {5, 5}}), (Outcome{{0, 0}, {1}}));
}

TEST(Succession, WhoseAgeIsUnknownComesLast) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}}, {1}, {1, 2}, {Succession::kUnknownAge, 5}}),
            (Outcome{{0, 0}, {1}}));
}

TEST(Succession, WhoIsBackYieldsToWhoIsThere) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}, {0, 1}}, {1}, {1, 2}, {5, 1}, {false, true}}),
            (Outcome{{0, 0}, {0}}));
}

TEST(Succession, OfThoseWhoAreBackTheOneWithMostRecords) {
  EXPECT_EQ(succeed({{{0, 0}, {0, 1}, {0, 1}}, {1}, {1, 2}, {1, 5}, {true, true}}),
            (Outcome{{0, 0}, {1}}));
}

TEST(Succession, WhoIsBackAloneHasItsId) {
  // Who is there goes with the larger part, and leaves the smaller one.
  EXPECT_EQ(succeed({{{0, 0}, {0, 0}, {1, 0}, {1, 1}}, {1, 2}, {1, 2}, {1, 5}, {false, true}}),
            (Outcome{{0, 1}, {0, 1}}));
}

TEST(Succession, OnlyThoseWhoTieForTheFirstPlaceAreAskedForTheirAge) {
  TestEnvironment environment;
  // Of one cluster 0 has two records and 1 and 2 have one each; of the other 3 and 4 have one each.
  const std::vector<Member> members = {{0, 0}, {0, 0}, {0, 1}, {0, 2}, {1, 4}, {1, 3}};
  const Succession succession(environment, members, ids({1, 2}), 5);
  EXPECT_EQ(std::vector(succession.tied().begin(), succession.tied().end()),
            (std::vector<std::uint32_t>{3, 4}));
}

TEST(Succession, FollowsTheRulesWhateverTheOrderOfTheRecords) {
  std::mt19937 random(7);
  const auto draw = [&](std::size_t below) {
    return static_cast<std::uint32_t>(random() % std::max<std::size_t>(below, 1));
  };
  for (int round = 0; round < 3000; ++round) {
    Case given;
    const std::size_t clusters = 1 + draw(5);
    const std::size_t olds = draw(6);
    for (std::size_t i = 0; i < clusters; ++i)
      given.clusters.push_back(static_cast<std::uint8_t>(i));
    for (std::size_t i = 0; i < olds; ++i) given.olds.push_back(static_cast<std::uint8_t>(i));
    std::shuffle(given.clusters.begin(), given.clusters.end(), random);
    std::shuffle(given.olds.begin(), given.olds.end(), random);
    for (std::size_t i = 0; i < olds; ++i) given.created.push_back(draw(3));
    for (std::size_t i = 0; round % 2 == 0 && i < olds; ++i) given.is_back.push_back(draw(3) == 0);
    for (std::uint32_t i = 0; i < clusters; ++i) given.members.push_back({i, kNone});
    for (std::uint32_t i = draw(15); i > 0; --i) {
      const bool is_new = olds == 0 || draw(5) == 0;
      given.members.push_back({draw(clusters), is_new ? kNone : draw(olds)});
    }
    const Outcome expected = succeed_naively(given);
    std::shuffle(given.members.begin(), given.members.end(), random);
    ASSERT_EQ(succeed(given), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
