// Which values are shown first, last or never: what the sink is told, what is found out when all
// rows are known, and what columns make of it.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/combinations.h"
#include "engine/identity_reader.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"
#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::InputRow;
using testing::key_ring;
using testing::kind;
using testing::Shown;
using testing::slot;
using testing::source;
using testing::TestEnvironment;

constexpr std::size_t kUser = 0;
constexpr std::size_t kMail = 1;
constexpr std::size_t kKinds = 2;
constexpr std::size_t kSources = 3;

// One user id an identity, and no address on more than four records of a source.
Shape usual_shape() {
  Shape shape;
  shape.kinds.resize(kKinds);
  shape.kinds[kUser].priority = 100;
  shape.kinds[kUser].max_per_identity = 1;
  shape.kinds[kMail].priority = 60;
  shape.kinds[kMail].max_records = 4;
  shape.sources = kSources;
  shape.judges_values = true;
  return shape;
}

Standing standing_of(const std::string& value) {
  return value.front() == '!' ? Standing::kBlocked : Standing::kValid;
}

// Each identifier with a value, in the slot of its kind. Several sinks, and everything spilled.
void feed(Resolver& resolver, const std::vector<InputRow>& rows, std::size_t sinks) {
  for (std::size_t number = 0; number < sinks; ++number) {
    auto sink = resolver.make_sink();
    for (std::size_t i = number; i < rows.size(); i += sinks) {
      sink->begin_row(source(rows[i].source), rows[i].id, rows[i].updated_at);
      for (const InputRow::Item& item : rows[i].items) {
        sink->begin_value();
        sink->add_identifier(kind(item.number), item.bytes, standing_of(item.bytes));
        sink->add_value(slot(item.number), item.bytes);
      }
      sink->end_row();
    }
    resolver.combine(std::move(sink));
  }
  resolver.finalize();
}

// What the array columns of the kinds show, by the records of each identity; a scalar column shows
// the first of it.
using People = std::map<std::set<std::string>, std::vector<Shown>>;
People people(const std::vector<InputRow>& rows, std::size_t sinks = 1,
              Shape shape = usual_shape()) {
  TestEnvironment environment;
  environment.memory_budget = sinks > 1 ? 0 : SIZE_MAX;
  People people;
  {
    const KeyRing keys = key_ring(kKinds, kSources);
    Resolver resolver(environment, shape, keys);
    feed(resolver, rows, sinks);
    const std::vector<ColumnPlan> columns = {{Shows::kValue, {}, slot(kUser), false, true},
                                             {Shows::kValue, {}, slot(kMail), false, true},
                                             {Shows::kValue, {}, slot(kUser), false, false},
                                             {Shows::kValue, {}, slot(kMail), false, false}};
    IdentityReader reader(resolver);
    Survivorship survivorship(environment, columns, kSources, kKinds);
    Cells cells = survivorship.make_cells();
    for (std::size_t number = 0; number < resolver.identities(); ++number) {
      reader.load(testing::identity(number));
      survivorship.fill(reader, cells);
      std::set<std::string> records;
      for (const OrderedRow& ordered : reader.rows()) {
        records.insert(std::to_string(index(ordered.row.source())) + "/" +
                       std::string(ordered.row.record_id()));
      }
      std::vector<Shown> shown;
      for (std::size_t i = 0; i < kKinds; ++i) {
        shown.emplace_back(cells[i].values().begin(), cells[i].values().end());
        const auto scalar = cells[kKinds + i].values();
        EXPECT_EQ(scalar.empty(), shown.back().empty());
        if (scalar.empty()) continue;
        EXPECT_EQ(scalar.front(), shown.back().front());
      }
      people.emplace(records, shown);
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
  return people;
}

InputRow record(std::uint16_t from, std::string id, const std::vector<std::string>& users,
                const std::vector<std::string>& mails) {
  InputRow row{from, std::move(id)};
  for (const std::string& user : users) row.link(kUser, user);
  for (const std::string& mail : mails) row.link(kMail, mail);
  return row;
}

TEST(Showing, WhatIsBlockedComesLast) {
  EXPECT_EQ(people({record(0, "1", {"u1"}, {"!test"}), record(1, "1", {"u1"}, {"ann"}),
                    record(0, "2", {"u2"}, {"!test"})}),
            (People{{{"0/1", "1/1"}, {{"u1"}, {"ann", "!test"}}}, {{"0/2"}, {{"u2"}, {"!test"}}}}));
}

TEST(Showing, WhatIsTooCommonComesLast) {
  std::vector<InputRow> rows;
  for (const char* id : {"1", "2", "3", "4", "5"}) {
    rows.push_back(record(0, id, {std::string("u") + id}, {"office"}));
  }
  rows.push_back(record(1, "1", {"u1"}, {"ann"}));
  for (const std::size_t sinks : {1U, 3U}) {
    const People found = people(rows, sinks);
    ASSERT_EQ(found.size(), 5U);
    EXPECT_EQ(found.at({"0/1", "1/1"})[kMail], (Shown{"ann", "office"}));
    EXPECT_EQ(found.at({"0/2"})[kMail], (Shown{"office"}));
  }
}

TEST(Showing, WhatIsRefusedIsSomebodyElses) {
  const std::vector<InputRow> rows = {
      record(0, "ann", {"u1"}, {"family"}),      record(1, "ann", {"u1"}, {"family"}),
      record(0, "lead", {"u1", "u2"}, {"lead"}), record(0, "bob", {"u2"}, {"family"}),
      record(2, "bob", {"u2"}, {"bob"}),         record(0, "carl", {"u3"}, {"family"})};
  for (const std::size_t sinks : {1U, 4U}) {
    EXPECT_EQ(people(rows, sinks), (People{{{"0/ann", "1/ann"}, {{"u1"}, {"family"}}},
                                           {{"0/lead"}, {{}, {"lead"}}},
                                           {{"0/bob", "2/bob"}, {{"u2"}, {"bob"}}},
                                           {{"0/carl"}, {{"u3"}, {"family"}}}}));
  }
}

// More identifiers in a row than have a number of their own.
TEST(Showing, OfARowOfVeryManyIdentifiersEachIsJudged) {
  InputRow many = record(0, "1", {"u1"}, {});
  Shown expected;
  for (int i = 0; i < 20000; ++i) {
    many.link(kMail, "m" + std::to_string(i));
    if (i != 3 && i != 19998) expected.push_back("m" + std::to_string(i));
  }
  std::vector<InputRow> rows = {many};
  for (std::uint16_t from = 0; from < kSources; ++from) {
    rows.push_back(record(from, "2", {"u2"}, {"m3", "m19998"}));
  }
  for (const std::size_t sinks : {1U, 2U}) {
    const People found = people(rows, sinks);
    EXPECT_EQ(found.at({"0/1"})[kMail], expected);
    EXPECT_EQ(found.at({"0/2", "1/2", "2/2"})[kMail], (Shown{"m3", "m19998"}));
  }
}

// Of several identifiers that a value has, as in several scopes, the best one counts.
TEST(Showing, OfSeveralIdentifiersOfAValueTheBestOneCounts) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(kKinds, kSources);
  Shape shape = usual_shape();
  shape.kinds[kMail].scoped = true;
  shape.kinds[kMail].max_records = 1;
  Resolver resolver(environment, shape, keys);
  auto sink = resolver.make_sink();
  for (const char* id : {"1", "2", "3"}) {
    sink->begin_row(source(0), id, kNeverUpdated);
    sink->begin_value();
    sink->add_identifier(kind(kMail), "mail", Standing::kValid, {}, "common mail");
    if (*id == '3') sink->add_identifier(kind(kMail), "mail", Standing::kValid, {}, "rare mail");
    sink->add_value(slot(kMail), "mail");
    sink->end_row();
  }
  resolver.combine(std::move(sink));
  resolver.finalize();
  std::map<std::string, Showing> found;
  for (std::size_t number = 0; number < resolver.identities(); ++number) {
    for (const std::byte* at : resolver.rows_of(testing::identity(number))) {
      Row(at).each_value([&](SlotNumber, Showing showing, std::string_view) {
        found.emplace(Row(at).record_id(), showing);
      });
    }
  }
  EXPECT_EQ(found, (std::map<std::string, Showing>{
                       {"1", Showing::kLast}, {"2", Showing::kLast}, {"3", Showing::kFirst}}));
}

// The evidence says it, too: whatever the problem.
TEST(Showing, AgreesWithTheEvidence) {
  std::mt19937 random(7);
  const auto pick = [&](std::uint32_t below) {
    return static_cast<std::uint32_t>(random() % below);
  };
  std::map<LinkStatus, std::set<Showing>> met;
  for (int round = 0; round < 400; ++round) {
    std::vector<InputRow> rows;
    const std::uint32_t records = 2 + pick(12);
    for (std::uint32_t i = 0; i < records; ++i) {
      InputRow row{static_cast<std::uint16_t>(pick(kSources)), std::to_string(pick(records))};
      for (std::uint32_t n = pick(3); n > 0; --n) row.link(kUser, "u" + std::to_string(pick(3)));
      for (std::uint32_t n = pick(3); n > 0; --n) {
        row.link(kMail, (pick(8) == 0 ? "!m" : "m") + std::to_string(pick(4)));
      }
      rows.push_back(row);
    }
    for (const std::size_t sinks : {1U, 3U}) {
      TestEnvironment environment;
      environment.memory_budget = sinks > 1 ? 0 : SIZE_MAX;
      const KeyRing keys = key_ring(kKinds, kSources);
      Shape shape = usual_shape();
      shape.keep_evidence = true;
      Resolver resolver(environment, shape, keys);
      feed(resolver, rows, sinks);
      for (std::size_t number = 0; number < resolver.identities(); ++number) {
        for (const std::byte* at : resolver.rows_of(testing::identity(number))) {
          std::vector<LinkStatus> statuses;
          Row(at).each_evidence(
              [&](const Evidence& evidence) { statuses.push_back(evidence.status); });
          std::size_t next = 0;
          Row(at).each_header([&](const ItemHeader& item, std::string_view) {
            if (!is_value_slot(item.slot)) return;
            ASSERT_LT(next, statuses.size());
            met[statuses[next++]].insert(item.showing);
          });
          ASSERT_EQ(next, statuses.size());
        }
      }
    }
  }
  const std::set<Showing> own = {Showing::kFirst};
  const std::set<Showing> last = {Showing::kLast};
  const std::set<Showing> any = {Showing::kFirst, Showing::kContested, Showing::kNever};
  EXPECT_EQ(met, (std::map<LinkStatus, std::set<Showing>>{{LinkStatus::kLinks, own},
                                                          {LinkStatus::kAlone, own},
                                                          {LinkStatus::kBlocked, last},
                                                          {LinkStatus::kTooCommon, last},
                                                          {LinkStatus::kConflict, any},
                                                          {LinkStatus::kAmbiguous, any}}));
}

// ---- what columns make of the classes ----

TEST(Cell, ClassByClass) {
  TestEnvironment environment;
  Cell cell(environment);
  const auto shown = [&] { return Shown(cell.values().begin(), cell.values().end()); };
  cell.take_later("last", Showing::kLast);
  cell.take_later("contested", Showing::kContested);
  cell.take_later("own", Showing::kLast);
  cell.add("own", false);
  cell.add_later(false);
  EXPECT_EQ(shown(), (Shown{"own", "last"}));
  EXPECT_EQ(cell.showing(), Showing::kFirst);
  cell.clear();
  cell.take_later("last", Showing::kLast);
  cell.take_later("b", Showing::kContested);
  cell.take_later("a", Showing::kContested);
  cell.take_later("b", Showing::kContested);
  cell.add_later(false);
  EXPECT_EQ(shown(), (Shown{"b", "a", "last"}));
  EXPECT_EQ(cell.showing(), Showing::kContested);
  cell.clear();
  EXPECT_EQ(cell.showing(), Showing::kNever);
  cell.take_later("x", Showing::kLast);
  cell.take_later("y", Showing::kLast);
  cell.add_later(true);
  EXPECT_EQ(shown(), (Shown{"x"}));
  EXPECT_EQ(cell.showing(), Showing::kLast);
}

// A row with values of slot 0 and their classes.
struct Valued {
  const char* record;
  std::int64_t updated_at;
  std::vector<std::pair<std::string, Showing>> values;
};
std::pair<Shown, std::string> survivors(const std::vector<Valued>& rows) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 1);
  Resolver resolver(environment, testing::shape(1, 1, false), keys);
  auto sink = resolver.make_sink();
  for (const Valued& row : rows) {
    sink->begin_row(source(0), row.record, row.updated_at);
    sink->add_identifier(kind(0), "all");
    for (const auto& [value, showing] : row.values) {
      sink->begin_value(showing);
      sink->add_value(slot(0), value);
    }
    sink->end_row();
  }
  resolver.combine(std::move(sink));
  resolver.finalize();
  IdentityReader reader(resolver);
  reader.load(testing::identity(0));
  const std::vector<ColumnPlan> columns = {{Shows::kValue, {}, slot(0), false, true},
                                           {Shows::kValue, {}, slot(0), false, false}};
  Survivorship survivorship(environment, columns, 1, 1);
  Cells cells = survivorship.make_cells();
  survivorship.fill(reader, cells);
  const Shown array(cells[0].values().begin(), cells[0].values().end());
  const Shown scalar(cells[1].values().begin(), cells[1].values().end());
  EXPECT_EQ(scalar, array.empty() ? Shown{} : Shown{array.front()});
  // One record's rows alone, as combinations ask for them.
  Ticker ticker(environment);
  const std::string_view alone = surviving_value(reader.rows(), slot(0), ticker).value;
  return {array, std::string(alone)};
}

TEST(Survivorship, TheBestClassOfARecordsRows) {
  constexpr Showing kF = Showing::kFirst;
  constexpr Showing kC = Showing::kContested;
  constexpr Showing kL = Showing::kLast;
  constexpr Showing kN = Showing::kNever;
  using Result = std::pair<Shown, std::string>;
  EXPECT_EQ(survivors({{"1", 2, {{"new", kL}}}, {"1", 1, {{"old", kF}}}}),
            Result({"old", "new"}, "old"));
  EXPECT_EQ(survivors({{"1", 2, {{"new", kN}}}, {"1", 1, {{"old", kL}}}}), Result({"old"}, "old"));
  EXPECT_EQ(survivors({{"1", 1, {{"z", kC}, {"y", kL}, {"x", kF}}}}), Result({"x", "y"}, "x"));
  EXPECT_EQ(survivors({{"1", 1, {{"z", kN}}}}), Result({}, ""));
  // Rows that differ give their values by size, class by class; rows that agree in the order in
  // which they have them.
  EXPECT_EQ(survivors({{"1", 1, {{"z", kF}, {"a", kL}}}, {"1", 1, {{"y", kF}}}}),
            Result({"y", "z", "a"}, "y"));
  EXPECT_EQ(survivors({{"1", 1, {{"z", kF}, {"a", kL}, {"y", kF}}},
                       {"1", 1, {{"z", kF}, {"a", kF}, {"y", kF}}}}),
            Result({"z", "a", "y"}, "z"));
  EXPECT_EQ(
      survivors({{"1", 1, {{"z", kN}, {"b", kF}, {"a", kF}}}, {"1", 1, {{"b", kF}, {"a", kF}}}}),
      Result({"b", "a"}, "b"));
}

}  // namespace
}  // namespace identity_resolve::engine
