#include "unit/engine_known_rows_reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace identity_resolve::engine {
namespace {

using testing::known_rows_fault;
using testing::KnownRowsCase;
using testing::stored_fingerprint;

// Fingerprints of `count` rows in an order of chance: each is a hash.
std::vector<std::int64_t> fingerprints(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(stored_fingerprint(random()));
  return all;
}

KnownRowsCase came(const std::vector<std::int64_t>& known, std::vector<std::int64_t> rows) {
  return {{{true, true, known}}, std::move(rows)};
}

// As many as a run needs, and so many strays that the order is lost.
constexpr std::size_t kMany = 20000;

TEST(KnownRows, KnowsNothingAtFirst) {
  EXPECT_EQ(known_rows_fault(came({}, {})), "");
  EXPECT_EQ(known_rows_fault(came({}, fingerprints(10, 1))), "");
}

TEST(KnownRows, FollowsRowsInTheOrderOfTheLastTime) {
  const std::vector<std::int64_t> known = fingerprints(kMany, 1);
  EXPECT_EQ(known_rows_fault(came(known, known)), "");
}

TEST(KnownRows, TellsRowsThatWent) {
  std::vector<std::int64_t> known = fingerprints(kMany, 1);
  std::vector<std::int64_t> rows = known;
  rows.erase(rows.begin() + 7000, rows.begin() + 7100);
  rows.pop_back();
  EXPECT_EQ(known_rows_fault(came(known, rows)), "");
  EXPECT_EQ(known_rows_fault(came(known, {})), "");
}

TEST(KnownRows, TellsNewRowsBetweenTheOthers) {
  const std::vector<std::int64_t> known = fingerprints(kMany, 1);
  std::vector<std::int64_t> rows = known;
  const std::vector<std::int64_t> fresh = fingerprints(300, 2);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(i * 60), fresh[i]);
  }
  EXPECT_EQ(known_rows_fault(came(known, rows)), "");
}

TEST(KnownRows, FindsItsWayAgainAfterAPartHasMoved) {
  const std::vector<std::int64_t> known = fingerprints(kMany, 1);
  std::vector<std::int64_t> rows = known;
  std::rotate(rows.begin(), rows.begin() + 9000, rows.end());
  EXPECT_EQ(known_rows_fault(came(known, rows)), "");
}

TEST(KnownRows, KnowsRowsInAnotherOrder) {
  const std::vector<std::int64_t> known = fingerprints(kMany, 1);
  std::vector<std::int64_t> rows = known;
  std::mt19937_64 random(3);
  std::shuffle(rows.begin(), rows.end(), random);
  rows.resize(kMany - 5000);
  const std::vector<std::int64_t> fresh = fingerprints(5000, 4);
  rows.insert(rows.begin() + 1000, fresh.begin(), fresh.end());
  EXPECT_EQ(known_rows_fault(came(known, rows)), "");
}

TEST(KnownRows, ReadsSeveralRunsAtOnce) {
  const std::vector<std::int64_t> one = fingerprints(6000, 1);
  const std::vector<std::int64_t> other = fingerprints(6000, 2);
  KnownRowsCase told{{{true, true, one}, {true, false, fingerprints(100, 3)}, {true, true, other}},
                     {}};
  for (std::size_t i = 0; i < one.size(); ++i) {
    told.rows.push_back(one[i]);
    told.rows.push_back(other[i]);
  }
  EXPECT_EQ(known_rows_fault(told), "");
}

TEST(KnownRows, ForgetsWhatWentUnlessItCameAgain) {
  const std::vector<std::int64_t> known = fingerprints(5000, 1);
  const std::vector<std::int64_t> some(known.begin(), known.begin() + 1000);
  const std::vector<std::int64_t> few(known.begin(), known.begin() + 10);
  EXPECT_EQ(known_rows_fault({{{true, true, known}, {false, false, some}}, known}), "");
  EXPECT_EQ(
      known_rows_fault({{{true, true, known}, {false, false, some}, {true, false, few}}, known}),
      "");
  EXPECT_EQ(known_rows_fault({{{false, false, some}, {true, true, known}}, known}), "");
}

TEST(KnownRows, CountsARowThatIsThereTwiceOnce) {
  std::vector<std::int64_t> known = fingerprints(100, 1);
  known.insert(known.end(), known.begin(), known.begin() + 20);
  std::vector<std::int64_t> rows = known;
  rows.insert(rows.end(), rows.begin(), rows.end());
  EXPECT_EQ(known_rows_fault(came(known, rows)), "");
}

TEST(KnownRows, SaysWhatSetsSay) {
  std::mt19937_64 random(1);
  const auto below = [&](std::size_t n) { return std::size_t{random() % n}; };
  for (int round = 0; round < 400; ++round) {
    // Few values, so that they meet, or so many that the order can be lost.
    const std::size_t values = round % 20 == 0 ? 8000 : 2 + below(60);
    const std::vector<std::int64_t> pool = fingerprints(values, random());
    KnownRowsCase told;
    for (std::size_t batches = below(5); batches > 0; --batches) {
      KnownRowsCase::Batch batch{below(3) > 0, below(2) > 0, {}};
      for (std::size_t n = below(values * 2); n > 0; --n)
        batch.fingerprints.push_back(pool[below(values)]);
      told.batches.push_back(std::move(batch));
    }
    for (std::size_t n = below(values * 3); n > 0; --n) told.rows.push_back(pool[below(values)]);
    ASSERT_EQ(known_rows_fault(told), "") << "round " << round;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
