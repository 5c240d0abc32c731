// Rows whose ids may name no record, and ids in several spellings: against what a walk over the
// same rows says, in memory and on disk, by one sink and by several.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::identity;
using testing::key_ring;
using testing::TestEnvironment;

struct TypedRow {
  std::string typed;
  std::string compared;
  bool is_suspect;
  std::string identifier;
};

struct Outcome {
  std::set<std::multiset<std::string>> identities;  // of each, what its rows show
  std::uint64_t left_out = 0;
  std::uint64_t spellings = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome resolve(const std::vector<TypedRow>& rows, bool is_unique, std::size_t sinks,
                std::size_t budget, bool only_records) {
  TestEnvironment environment;
  environment.memory_budget = budget;
  Shape shape;
  shape.kinds.emplace_back();
  shape.sources = 1;
  shape.only_records = only_records;
  const KeyRing keys = key_ring(1, 1);
  Resolver resolver(environment, shape, keys);
  for (std::size_t part = 0; part < sinks; ++part) {
    auto sink = resolver.make_sink(budget);
    for (std::size_t i = part; i < rows.size(); i += sinks) {
      const TypedRow& row = rows[i];
      if (row.compared.empty()) {
        sink->leave_out(SourceNumber{0});
        continue;
      }
      LocalSink& to = row.is_suspect ? sink->suspects() : *sink;
      to.begin_row(SourceNumber{0}, {row.typed, row.compared, is_unique && !row.is_suspect},
                   kNeverUpdated);
      to.add_identifier(KindNumber{0}, row.identifier);
      to.end_row();
    }
    EXPECT_LE(sink->rows(), sink->rows_given());
    resolver.combine(std::move(sink));
  }
  resolver.finalize();
  Outcome outcome;
  outcome.left_out = resolver.left_out()[0];
  outcome.spellings = resolver.spellings().records;
  if (resolver.lists_records()) return outcome;
  for (std::size_t number = 0; number < resolver.identities(); ++number) {
    std::multiset<std::string> shown;
    for (const std::byte* at : resolver.rows_of(identity(number))) {
      shown.emplace(Row(at).record_id());
    }
    outcome.identities.insert(shown);
  }
  return outcome;
}

// The same, by looking at each pair of rows.
Outcome expected(const std::vector<TypedRow>& rows) {
  Outcome outcome;
  std::map<std::string, std::set<std::string>> spelled;
  std::map<std::string, std::size_t> count;
  for (const TypedRow& row : rows) ++count[row.compared];
  std::vector<TypedRow> left;
  for (const TypedRow& row : rows) {
    if (row.compared.empty() || (row.is_suspect && count[row.compared] > 1)) {
      ++outcome.left_out;
    } else {
      left.push_back(row);
      spelled[row.compared].insert(row.typed);
    }
  }
  for (const auto& [name, spellings] : spelled) outcome.spellings += spellings.size() > 1 ? 1 : 0;
  std::vector<std::size_t> of(left.size());
  for (std::size_t i = 0; i < of.size(); ++i) of[i] = i;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      for (std::size_t j = 0; j < left.size(); ++j) {
        if (left[i].compared != left[j].compared && left[i].identifier != left[j].identifier)
          continue;
        if (of[i] < of[j]) {
          of[j] = of[i];
          changed = true;
        }
      }
    }
  }
  std::map<std::size_t, std::multiset<std::string>> identities;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::set<std::string>& all = spelled[left[i].compared];
    identities[of[i]].insert(*std::min_element(
        all.begin(), all.end(),
        [](const std::string& a, const std::string& b) { return compare_ids(a, b) < 0; }));
  }
  for (const auto& [number, shown] : identities) outcome.identities.insert(shown);
  return outcome;
}

TEST(RecordIds, SuspectsAndSpellings) {
  std::mt19937 random(7);
  const auto dice = [&](std::size_t sides) { return random() % sides; };
  for (int round = 0; round < 300; ++round) {
    std::vector<TypedRow> rows;
    const std::size_t count = 1 + dice(30);
    for (std::size_t i = 0; i < count; ++i) {
      TypedRow row;
      row.is_suspect = dice(4) == 0;
      row.compared = dice(8) == 0 ? "" : (row.is_suspect ? "null" : "r") + std::to_string(dice(12));
      if (row.compared.empty()) row.is_suspect = false;
      row.typed = std::string(dice(4) == 0 ? 1 : 0, ' ') + row.compared +
                  std::string(dice(4) == 0 ? 1 + dice(2) : 0, ' ');
      row.identifier = "i" + std::to_string(dice(25));
      rows.push_back(row);
    }
    const Outcome wanted = expected(rows);
    for (const std::size_t sinks : {1, 3}) {
      for (const std::size_t budget : {std::size_t{1} << 30, std::size_t{64}}) {
        EXPECT_EQ(resolve(rows, false, sinks, budget, false), wanted) << "round " << round;
      }
    }
    EXPECT_EQ(resolve(rows, false, 2, std::size_t{1} << 30, true).left_out, wanted.left_out);
  }
}

// A unique index tells 'a' from 'a ': of ids that are unique but for blanks the same comes out.
TEST(RecordIds, UniqueButForBlanks) {
  std::vector<TypedRow> rows;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "r" + std::to_string(i);
    rows.push_back({name, name, false, "i" + std::to_string(i)});
    if (i % 3 == 0) rows.push_back({name + " ", name, false, "j" + std::to_string(i)});
    if (i % 9 == 0) rows.push_back({" " + name, name, false, "k" + std::to_string(i)});
  }
  for (const std::size_t budget : {std::size_t{1} << 30, std::size_t{64}}) {
    EXPECT_EQ(resolve(rows, true, 2, budget, false), expected(rows));
  }
  EXPECT_EQ(expected(rows).spellings, 17U);
}

}  // namespace
}  // namespace identity_resolve::engine
