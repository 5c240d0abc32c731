#include "engine/row.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::InputRow;
using testing::key_ring;
using testing::kind;
using testing::shape;
using testing::TestEnvironment;

TEST(CompareIds, ShorterFirstThenBytes) {
  EXPECT_LT(compare_ids("9", "10"), 0);
  EXPECT_GT(compare_ids("10", "9"), 0);
  EXPECT_LT(compare_ids("10", "11"), 0);
  EXPECT_EQ(compare_ids("10", "10"), 0);
  EXPECT_EQ(compare_ids("", ""), 0);
  EXPECT_LT(compare_ids("", "a"), 0);
  EXPECT_LT(compare_ids("Z", "a"), 0);     // no collation
  EXPECT_LT(compare_ids("a", "\xff"), 0);  // bytes are not negative
  EXPECT_LT(compare_ids(std::string_view("\0", 1), "a"), 0);
}

// What goes in comes out.
class RowTest : public ::testing::TestWithParam<bool> {
 protected:
  // Feeds rows to one sink and reads them back in order; from memory, and from a file.
  void round_trip(const std::vector<InputRow>& rows) {
    round_trip(rows, SIZE_MAX);
    round_trip(rows, 0);
  }
  void round_trip(const std::vector<InputRow>& rows, std::size_t budget) {
    TestEnvironment environment;
    environment.memory_budget = budget;
    const KeyRing keys = key_ring(3, 3);
    {
      Resolver resolver(environment, shape(3, 3, GetParam()), keys);
      auto sink = resolver.make_sink();
      for (const InputRow& row : rows) feed(*sink, row);
      ASSERT_EQ(sink->rows(), rows.size());
      std::size_t i = 0;
      sink->each_row([&](const Row& row) {
        ASSERT_EQ(index(row.source()), rows[i].source);
        ASSERT_EQ(row.record_id(), rows[i].id);
        ASSERT_EQ(row.updated_at(), rows[i].updated_at);
        auto expected = rows[i].items.begin();
        const auto skip_links = [&] {  // which only a sink that keeps keys keeps
          while (!GetParam() && expected != rows[i].items.end() && expected->links) ++expected;
        };
        std::size_t bytes_of_items = 0;
        row.each_item([&](SlotNumber slot, std::string_view bytes) {
          skip_links();
          ASSERT_NE(expected, rows[i].items.end());
          if (expected->links) {
            ASSERT_EQ(slot, kKeySlot);
            const Key key = keys.identifier(kind(expected->number), expected->bytes);
            ASSERT_EQ(bytes.size(), sizeof key);
            ASSERT_EQ(std::memcmp(bytes.data(), &key, sizeof key), 0);
          } else {
            ASSERT_EQ(index(slot), expected->number);
            ASSERT_EQ(bytes, expected->bytes);
            ASSERT_NE(bytes.data(), nullptr);  // an empty value is a value
          }
          bytes_of_items += sizeof(ItemHeader) + bytes.size();
          ++expected;
        });
        skip_links();
        ASSERT_EQ(expected, rows[i].items.end());
        ASSERT_EQ(row.items().size(), bytes_of_items);
        ++i;
      });
      ASSERT_EQ(i, rows.size());
      ASSERT_EQ(environment.files, budget == 0 ? 1U : 0U);
    }
    ASSERT_EQ(environment.bytes, 0U);
  }
};
INSTANTIATE_TEST_SUITE_P(KeepKeys, RowTest, ::testing::Bool());

TEST_P(RowTest, EmptyRow) { round_trip({InputRow{}}); }

TEST_P(RowTest, EveryPart) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  round_trip({
      InputRow{2, every_byte, -1}.link(0, every_byte).value(7, every_byte).value(7, ""),
      InputRow{0, "", kNeverUpdated}.value(0, "").link(2, "").value(0xFFFE, "x"),
      InputRow{1, "1", INT64_MAX}.link(1, "a").link(1, "a"),
  });
}

TEST_P(RowTest, GiantRows) {
  std::vector<InputRow> rows;
  for (std::size_t i = 0; i < 20; ++i) {
    rows.push_back(
        InputRow{0, std::string((i % 3) << 20U, 'i')}
            .value(0, std::string((std::size_t{1} << 20U) + i, static_cast<char>('a' + i)))
            .link(1, std::string(std::size_t{1} << 20U, 'l'))
            .value(1, "after"));
    rows.push_back(InputRow{1, "small"}.value(0, "x"));
  }
  round_trip(rows);
}

TEST_P(RowTest, ManyItems) {
  InputRow row{0, "1"};
  for (int i = 0; i < 100000; ++i) row.link(0, std::to_string(i)).value(1, std::to_string(i));
  round_trip({InputRow{0, "0"}, row, InputRow{0, "2"}});
}

TEST_P(RowTest, EveryLengthThatPadsOrFillsABlock) {
  std::vector<InputRow> rows;
  for (std::size_t length = 0; length < 70; ++length) {
    rows.push_back(InputRow{0, std::string(length, 'i')}.value(0, std::string(length, 'v')));
  }
  for (std::size_t length = 16300; length < 16400; ++length) {
    rows.push_back(InputRow{0, "1"}.value(0, std::string(length, 'v')));
  }
  round_trip(rows);
}

// A string_view may point nowhere where it is empty.
TEST_P(RowTest, ViewsWithoutData) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 1);
  Resolver resolver(environment, shape(1, 1, GetParam()), keys);
  auto sink = resolver.make_sink();
  sink->begin_row(SourceNumber{0}, std::string_view(), kNeverUpdated);
  sink->add_identifier(KindNumber{0}, std::string_view());
  sink->add_value(SlotNumber{0}, std::string_view());
  sink->end_row();
  sink->each_row([](const Row& row) { EXPECT_EQ(row.record_id(), ""); });
  EXPECT_EQ(sink->rows(), 1U);
}

}  // namespace
}  // namespace identity_resolve::engine
