// A cancelled statement ends soon in every stage: check_interrupts() is called at least once in
// ten thousand steps, a step being a row, a link, an item, a comparison or a combination, or a
// kilobyte of a value.
#include <gtest/gtest.h>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::shape;
using testing::slot;
using testing::source;
using testing::TestEnvironment;

constexpr std::size_t kStepsACheck = 10000;

// The giant's stages, each of which is given a lower bound of its steps.
class Interrupts : public ::testing::Test {
 protected:
  static constexpr std::size_t kRows = 200000;

  template <class Stage>
  void expect_checks(std::size_t steps, const char* name, Stage&& stage) {
    environment_.checks = 0;
    stage();
    EXPECT_GE(environment_.checks, steps / kStepsACheck) << name;
  }

  void resolve(std::size_t rows, auto&& row_of) {
    auto sink = resolver_.make_sink();
    for (std::size_t i = 0; i < rows; ++i) feed(*sink, row_of(i));
    resolver_.combine(std::move(sink));
    resolver_.finalize();
    ASSERT_EQ(resolver_.identities(), 1U);
  }

  TestEnvironment environment_;
  KeyRing keys_ = key_ring(1, 2);
  Resolver resolver_{environment_, shape(1, 2, true), keys_};
  std::vector<ColumnPlan> columns_ = {
      {Shows::kRecordId, source(0)},
      {Shows::kRecordId, source(1)},
      {Shows::kValue, {}, slot(0)},
      {Shows::kValue, {}, slot(0), false, true},
  };
};

TEST_F(Interrupts, EveryStageOfAGiantIdentity) {
  // One spine and very many records of the second source, in the worst order for the sort.
  const auto row_of = [](std::size_t i) {
    const std::string text = std::to_string((i * 7919) % kRows);
    return InputRow{static_cast<std::uint16_t>(i == 0 ? 0 : 1), text,
                    static_cast<std::int64_t>(i % 10)}
        .link(0, "all")
        .value(0, text);
  };
  expect_checks(kRows * 5, "union, label", [&] { resolve(kRows, row_of); });
  IdentityReader reader(resolver_);
  expect_checks(kRows * 17, "order", [&] { reader.load(identity(0)); });
  Survivorship survivorship(environment_, columns_, 2, 1);
  Cells cells = survivorship.make_cells();
  expect_checks(kRows * 2, "survive", [&] { survivorship.fill(reader, cells); });
  Combinations combinations(environment_, columns_, 2, 10 * kRows);
  std::size_t emitted = 0;
  std::size_t checks_at_first = 0;
  std::size_t most_apart = 0;
  expect_checks(kRows * 4, "combinations", [&] {
    std::size_t checks = 0;
    std::size_t apart = 0;
    combinations.each(
        reader, cells, [] { return std::string(); },
        [&] {
          if (emitted++ == 0) checks_at_first = environment_.checks;
          apart = environment_.checks == checks ? apart + 1 : 0;
          checks = environment_.checks;
          most_apart = std::max(most_apart, apart);
        });
  });
  EXPECT_EQ(emitted, kRows - 1);
  EXPECT_GE(checks_at_first, kRows * 2 / kStepsACheck);  // collect, match, count
  EXPECT_LE(most_apart, kStepsACheck);
}

// Many spines of one record: each looks through the whole record for what it has not itself.
TEST_F(Interrupts, ARecordOfManyRows) {
  constexpr std::size_t kSpines = 2000;
  columns_.push_back({Shows::kValue, source(0), slot(1), true});
  resolve(kSpines, [](std::size_t i) {
    return InputRow{0, "1", static_cast<std::int64_t>(i)}.link(0, "all").value(0,
                                                                               std::to_string(i));
  });
  IdentityReader reader(resolver_);
  reader.load(identity(0));
  Survivorship survivorship(environment_, columns_, 2, 2);
  Cells cells = survivorship.make_cells();
  survivorship.fill(reader, cells);
  Combinations combinations(environment_, columns_, 2, kSpines);
  expect_checks(kSpines * kSpines, "combinations", [&] {
    combinations.each(
        reader, cells, [] { return std::string(); }, [] {});
  });
}

// Rows of one record with the same giant value: every comparison reads all of it.
TEST_F(Interrupts, GiantValues) {
  constexpr std::size_t kKilobytes = 256;
  constexpr std::size_t kCopies = 400;
  resolve(kCopies, [](std::size_t i) {
    return InputRow{0, "1", 1}.link(0, "all").value(
        0, std::string(kKilobytes << 10U, 'x') + std::to_string(i));
  });
  IdentityReader reader(resolver_);
  expect_checks(kCopies * 8 * kKilobytes, "order", [&] { reader.load(identity(0)); });
  Survivorship survivorship(environment_, columns_, 2, 2);
  Cells cells = survivorship.make_cells();
  expect_checks(kCopies * 8 * kKilobytes, "survive", [&] { survivorship.fill(reader, cells); });
  Combinations combinations(environment_, columns_, 2, kCopies);
  const std::size_t before = environment_.bytes;
  environment_.most_bytes = before;
  expect_checks(kCopies * 2 * kKilobytes, "combinations", [&] {
    combinations.each(
        reader, cells, [] { return std::string(); }, [] {});
  });
  EXPECT_LT(environment_.most_bytes, before + (std::size_t{1} << 20U));
}

// A row with very many identifiers, several times: the sort looks past all its keys.
TEST_F(Interrupts, RowsOfManyIdentifiers) {
  constexpr std::size_t kIdentifiers = 20000;
  constexpr std::size_t kCopies = 20;
  resolve(kCopies, [](std::size_t i) {
    InputRow row{0, "1", 1};
    for (std::size_t k = 0; k < kIdentifiers; ++k) row.link(0, std::to_string(k));
    return row.value(0, std::to_string(i));
  });
  IdentityReader reader(resolver_);
  expect_checks(kIdentifiers * kCopies * 4, "order", [&] { reader.load(identity(0)); });
}

}  // namespace
}  // namespace identity_resolve::engine
