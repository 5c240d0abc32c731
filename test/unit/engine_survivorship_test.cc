// What each column shows of an identity.
#include "engine/survivorship.h"

#include <gtest/gtest.h>

#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::InputRow;
using testing::Request;
using testing::Shown;
using testing::slot;
using testing::source;
using testing::TestEnvironment;

ColumnPlan ids_of(std::size_t of, bool array = false) {
  return {Shows::kRecordId, source(of), {}, false, array};
}
ColumnPlan values_of(std::size_t of, bool array = false) {
  return {Shows::kValue, {}, slot(of), false, array};
}

// The cells of the one identity that the rows make, through kind 0.
std::vector<Shown> cells_of(std::vector<InputRow> rows, std::vector<ColumnPlan> columns) {
  TestEnvironment environment;
  for (InputRow& row : rows) row.link(0, "all");
  const auto found = testing::resolve(environment, {1, 3, 4, std::move(columns)}, rows);
  EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(environment.bytes, 0U);
  return found.front().cells;
}

using Table = std::vector<Shown>;

TEST(Survivorship, NoColumnsAtAll) { EXPECT_EQ(cells_of({InputRow{0, "1"}}, {}), Table{}); }

TEST(Survivorship, RecordIdsOfASource) {
  const std::vector<InputRow> rows = {{0, "10", 1}, {0, "9", 1}, {0, "8", 2}, {0, "9"}, {1, "x"}};
  EXPECT_EQ(cells_of(rows, {ids_of(0), ids_of(1), ids_of(2)}), (Table{{"8"}, {"x"}, {}}));
  EXPECT_EQ(cells_of(rows, {ids_of(0, true), ids_of(1, true), ids_of(2, true)}),
            (Table{{"8", "9", "10"}, {"x"}, {}}));
}

TEST(Survivorship, AScalarIsTheFirstElementOfItsArray) {
  const std::vector<InputRow> rows = {
      InputRow{1, "1", 9}.value(0, "newest of the second"),
      InputRow{0, "2", 1}.value(0, "older").value(0, "older still"),
      InputRow{0, "3", 2}.value(1, "something else"),
      InputRow{0, "4", 2}.value(0, "newer").value(0, "older"),
  };
  EXPECT_EQ(cells_of(rows, {values_of(0), values_of(0, true)}),
            (Table{{"newer"}, {"newer", "older", "older still", "newest of the second"}}));
}

// Whatever else tells the rows apart, and however often one comes.
TEST(Survivorship, RowsThatAgreeInASlotKeepItsOrder) {
  const InputRow z_b = InputRow{0, "1"}.value(0, "z").value(0, "b");
  const std::vector<ColumnPlan> columns = {values_of(0), values_of(0, true), values_of(1, true)};
  EXPECT_EQ(cells_of({z_b, z_b, z_b}, columns), (Table{{"z"}, {"z", "b"}, {}}));
  InputRow other = z_b;
  other.value(1, "q").value(1, "a");
  EXPECT_EQ(cells_of({z_b, other, InputRow{0, "1"}}, columns),
            (Table{{"z"}, {"z", "b"}, {"q", "a"}}));
  EXPECT_EQ(cells_of({z_b, InputRow{0, "1"}.value(0, "z")}, columns),
            (Table{{"b"}, {"b", "z"}, {}}));
  EXPECT_EQ(cells_of({z_b, InputRow{0, "1"}.value(0, "b").value(0, "z")}, columns),
            (Table{{"b"}, {"b", "z"}, {}}));
}

TEST(Survivorship, AnEmptyValueIsAValue) {
  EXPECT_EQ(cells_of({InputRow{0, "1"}.value(0, ""), InputRow{0, "2"}.value(0, "x")},
                     {values_of(0), values_of(0, true)}),
            (Table{{""}, {"", "x"}}));
}

TEST(Survivorship, ColumnsThatTheGlueFillsStayEmpty) {
  ColumnPlan id;
  ColumnPlan count{Shows::kRecordCount};
  ColumnPlan sources{Shows::kSources};
  sources.array = true;
  EXPECT_EQ(cells_of({InputRow{0, "1"}.value(0, "x")}, {id, count, sources}), (Table{{}, {}, {}}));
}

TEST(Survivorship, OneSlotMayFillSeveralColumns) {
  EXPECT_EQ(cells_of({InputRow{0, "1"}.value(2, "x")}, {values_of(2), values_of(2), values_of(1)}),
            (Table{{"x"}, {"x"}, {}}));
}

// Rows which only their values tell apart: what a column shows hangs on no other column.
TEST(Survivorship, RowsOfARecordThatChangedTogetherGiveTheSmallestValue) {
  const std::vector<InputRow> rows = {InputRow{0, "1"}.value(0, "a").value(1, "z"),
                                      InputRow{0, "1"}.value(0, "b").value(1, "y")};
  EXPECT_EQ(cells_of(rows, {values_of(0), values_of(1)}), (Table{{"a"}, {"y"}}));
  EXPECT_EQ(cells_of(rows, {values_of(1, true)}), (Table{{"y", "z"}}));
}

TEST(Survivorship, DuplicatesOfOneRowAddNothing) {
  const std::vector<InputRow> rows(500, InputRow{0, "1"}.value(0, "x"));
  EXPECT_EQ(cells_of(rows, {ids_of(0, true), values_of(0, true)}), (Table{{"1"}, {"x"}}));
}

// Past the number of values up to which a cell searches instead of hashing.
TEST(Survivorship, ManyDistinctValuesInOrder) {
  for (const std::size_t distinct : {1, 23, 24, 25, 26, 1000, 100000}) {
    InputRow row{0, "1"};
    Shown expected;
    for (std::size_t i = 0; i < distinct; ++i) expected.push_back(std::to_string(i * 7919));
    for (const std::string& value : expected) row.value(0, value).value(0, expected.front());
    EXPECT_EQ(cells_of({row}, {values_of(0, true), values_of(0)}),
              (Table{expected, {expected.front()}}));
  }
}

TEST(Survivorship, CellsAreClearedBetweenIdentities) {
  TestEnvironment environment;
  std::vector<InputRow> rows;
  InputRow& large = rows.emplace_back(InputRow{0, "0"});
  for (int i = 0; i < 100; ++i) large.value(0, std::to_string(i));
  for (int i = 1; i < 50; ++i) rows.push_back(InputRow{0, std::to_string(i)}.value(0, "7"));
  const auto found = testing::resolve(
      environment, {1, 1, 1, {values_of(0, true), values_of(0), ids_of(0, true)}}, rows);
  ASSERT_EQ(found.size(), 50U);
  for (const auto& each : found) {
    EXPECT_EQ(each.cells[0].size(), each.records.front().second == "0" ? 100U : 1U);
    EXPECT_EQ(each.cells[2].size(), 1U);
  }
}

TEST(Cell, KeepFirstKeepsTheFirst) {
  TestEnvironment environment;
  Cell cell(environment);
  EXPECT_TRUE(cell.empty());
  cell.add("a", true);
  cell.add("b", true);
  EXPECT_EQ(Shown(cell.values().begin(), cell.values().end()), Shown{"a"});
  cell.set("c");
  EXPECT_EQ(Shown(cell.values().begin(), cell.values().end()), Shown{"c"});
  cell.clear();
  EXPECT_TRUE(cell.empty());
}

TEST(Cell, MovesWithItsValues) {
  TestEnvironment environment;
  {
    std::vector<std::string> values;
    for (int i = 0; i < 100; ++i) values.push_back(std::to_string(i));
    Cell cell(environment);
    for (const std::string& value : values) cell.add(value, false);
    Cell moved = std::move(cell);
    for (const std::string& value : values) moved.add(value, false);
    EXPECT_EQ(moved.values().size(), 100U);
    Cell assigned(environment);
    assigned = std::move(moved);
    assigned.add("new", false);
    EXPECT_EQ(assigned.values().size(), 101U);
  }
  EXPECT_EQ(environment.bytes, 0U);
}

}  // namespace
}  // namespace identity_resolve::engine
