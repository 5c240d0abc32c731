// The guard in batches, and the stars that it solves by itself, say what one guard of everything
// says.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "engine/guard.h"
#include "engine/guard_batches.h"
#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::kind;
using testing::source;
using testing::TestEnvironment;

constexpr std::size_t kUser = 0;
constexpr std::size_t kMail = 1;
constexpr std::size_t kTenant = 2;
constexpr std::size_t kPhone = 3;

struct Problem {
  struct Identifier {
    std::size_t kind;
    bool gives_way;
    std::vector<std::uint32_t> records;
  };
  std::vector<KindRules> rules;
  std::vector<std::size_t> sources;  // of the records
  std::vector<std::uint32_t> components;
  std::vector<Identifier> identifiers;
  std::vector<std::size_t> values;  // their kinds
  std::vector<std::pair<std::uint32_t, std::uint32_t>> holdings;
  std::vector<std::uint32_t> ranks;
};

// What became of a claim, and of the records, each by the first one of its cluster.
struct Answer {
  std::vector<std::uint32_t> clusters;
  std::vector<std::tuple<Guard::Outcome, bool, bool, Showing>> claims;
  bool operator==(const Answer&) const = default;
};

template <class Solved>
Answer answer_of(Solved& solved, const Problem& problem) {
  Answer answer;
  std::map<std::uint32_t, std::uint32_t> first;
  for (std::uint32_t record = 0; record < problem.sources.size(); ++record) {
    answer.clusters.push_back(first.emplace(solved.cluster_of(record), record).first->second);
  }
  std::uint32_t claim = 0;
  for (const Problem::Identifier& identifier : problem.identifiers) {
    for (std::size_t i = 0; i < identifier.records.size(); ++i, ++claim) {
      answer.claims.emplace_back(solved.outcome_of(claim), solved.is_kept_apart(claim),
                                 solved.is_on_copy(claim), solved.showing_of(claim));
    }
  }
  return answer;
}

template <class Told>
void tell(Told& guard, const Problem& problem) {
  for (const Problem::Identifier& identifier : problem.identifiers) {
    guard.add_identifier(kind(identifier.kind), identifier.gives_way);
    for (const std::uint32_t record : identifier.records) guard.add_claim(record);
  }
  for (const std::size_t of : problem.values) guard.add_value(kind(of));
  for (const auto& [record, value] : problem.holdings) guard.add_holding(record, value);
}

Answer solve_at_once(const Problem& problem) {
  TestEnvironment environment;
  Guard guard(environment, problem.rules);
  for (const std::size_t from : problem.sources) guard.add_record(source(from));
  tell(guard, problem);
  guard.solve(problem.ranks);
  guard.settle();
  return answer_of(guard, problem);
}

Answer solve_in_batches(const Problem& problem) {
  TestEnvironment environment;
  GuardBatches guard(environment, problem.rules);
  for (std::size_t record = 0; record < problem.sources.size(); ++record) {
    guard.add_record(source(problem.sources[record]), problem.components[record]);
  }
  tell(guard, problem);
  guard.solve(problem.components.back() + 1, problem.ranks);
  return answer_of(guard, problem);
}

std::vector<KindRules> rules(std::size_t most, bool ties_by_data) {
  std::vector<KindRules> rules(4);
  rules[kUser].priority = 100;
  rules[kUser].max_per_identity = 1;
  rules[kMail].priority = 60;
  rules[kMail].ties_by_data = ties_by_data;
  rules[kTenant].links = false;
  rules[kTenant].max_per_identity = most;
  rules[kPhone].priority = 40;  // counts for role addresses only
  rules[kPhone].max_per_identity = 1;
  return rules;
}

// Components of one address each. oddities: some have a second one, or a record without it, or one
// that holds several values.
Problem random_problem(unsigned seed, bool oddities) {
  std::mt19937 random(seed);
  const auto below = [&random](std::size_t many) { return random() % many; };
  Problem problem;
  problem.rules = rules(1 + below(2), oddities && below(4) == 0);
  constexpr std::size_t kValuesAKind = 3;
  const std::vector<std::size_t> limited = {kUser, kTenant, kPhone};
  for (const std::size_t of : limited)
    problem.values.insert(problem.values.end(), kValuesAKind, of);
  const std::size_t components = 1 + below(4);
  for (std::uint32_t component = 0; component < components; ++component) {
    const auto first = static_cast<std::uint32_t>(problem.sources.size());
    const std::size_t records = 2 + below(6);
    Problem::Identifier address{kMail, below(4) == 0, {}};
    for (std::size_t i = 0; i < records; ++i) {
      const auto record = static_cast<std::uint32_t>(first + i);
      problem.sources.push_back(below(3));
      problem.components.push_back(component);
      if (!oddities || i < 2 || below(6) != 0) address.records.push_back(record);
      while (below(4) != 0) {
        problem.holdings.emplace_back(record, below(problem.values.size()));
        if (!oddities || below(2) == 0) break;
      }
    }
    if (oddities && below(2) == 0) {
      problem.identifiers.push_back({below(2) == 0 ? kPhone : kMail, false, {first, first + 1}});
    }
    problem.identifiers.push_back(address);
  }
  problem.ranks.resize(problem.sources.size());
  std::iota(problem.ranks.begin(), problem.ranks.end(), 0);
  std::shuffle(problem.ranks.begin(), problem.ranks.end(), random);
  return problem;
}

TEST(GuardBatches, StarsAreSolvedAsTheGuardWould) {
  std::size_t apart = 0;
  std::size_t ambiguous = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    const Problem problem = random_problem(seed, false);
    const Answer answer = solve_in_batches(problem);
    ASSERT_EQ(answer, solve_at_once(problem)) << "seed " << seed;
    for (const auto& [outcome, is_kept_apart, is_on_copy, showing] : answer.claims) {
      apart += is_kept_apart ? 1 : 0;
      ambiguous += outcome == Guard::Outcome::kAmbiguous ? 1 : 0;
    }
  }
  EXPECT_GT(apart, 1000U);
  EXPECT_GT(ambiguous, 1000U);
}

TEST(GuardBatches, OtherComponentsAreSolvedByIt) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    const Problem problem = random_problem(seed, true);
    ASSERT_EQ(solve_in_batches(problem), solve_at_once(problem)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace identity_resolve::engine
