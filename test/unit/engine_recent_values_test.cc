#include "engine/recent_values.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::kind;

TEST(RecentValues, AnswersAsFindDoesWhateverCameBefore) {
  std::mt19937 random(7);
  RecentValues<std::size_t> recent;
  std::map<std::pair<int, std::string>, std::size_t> answers;
  for (int round = 0; round < 50'000; ++round) {
    const int of = static_cast<int>(random() % 3);
    // Of the same first and last bytes, too, so that values take places from each other; and longer
    // than what is kept.
    std::string value = "workspac";
    value += std::string(random() % 24, static_cast<char>('a' + random() % 2));
    value += random() % 4 == 0 ? "" : "kspace 1";
    if (random() % 50 == 0) value.clear();
    const auto [answer, is_new] = answers.try_emplace(std::pair(of, value), answers.size());
    EXPECT_EQ(
        recent.get(kind(static_cast<std::uint16_t>(of)), value, [&] { return answer->second; }),
        answer->second);
  }
}

TEST(RecentValues, LooksIntoAValueThatComesAgainNoMore) {
  RecentValues<int> recent;
  int looks = 0;
  const auto look = [&] { return ++looks; };
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(recent.get(kind(0), "workspace 1", look), 1);
  }
  EXPECT_EQ(recent.get(kind(1), "workspace 1", look), 2) << "another kind";
  EXPECT_EQ(recent.get(kind(1), "", look), 3);
  EXPECT_EQ(recent.get(kind(1), "", look), 3);
}

TEST(RecentValues, KeepsNothingOfALookThatFails) {
  RecentValues<int> recent;
  EXPECT_EQ(recent.get(kind(0), "a", [] { return 1; }), 1);
  EXPECT_THROW(recent.get(kind(1), "a", []() -> int { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(recent.get(kind(0), "a", [] { return 2; }), 1);
  EXPECT_EQ(recent.get(kind(1), "a", [] { return 3; }), 3);
}

}  // namespace
}  // namespace identity_resolve::engine
