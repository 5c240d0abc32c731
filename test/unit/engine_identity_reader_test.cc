// The order of survivorship, rule by rule.
#include "engine/identity_reader.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::shape;
using testing::TestEnvironment;

// Everything in one identity: kind 0 links all rows.
InputRow row_of(std::uint16_t source, std::string id, std::int64_t updated_at = kNeverUpdated) {
  return InputRow{source, std::move(id), updated_at}.link(0, "all");
}

struct Read {
  std::string order;  // "source:id@updated_at ", where a record starts; "+@updated_at " where not
  std::size_t records = 0;
  std::string first;
  friend bool operator==(const Read&, const Read&) = default;
};

std::ostream& operator<<(std::ostream& out, const Read& read) {
  return out << read.order << "(" << read.records << " records, first " << read.first << ")";
}

std::string at(std::int64_t updated_at) {
  return updated_at == kNeverUpdated ? " " : "@" + std::to_string(updated_at) + " ";
}

Read read(const std::vector<InputRow>& rows) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 10);
  Resolver resolver(environment, shape(1, 10, false), keys);
  auto sink = resolver.make_sink();
  for (const InputRow& row : rows) feed(*sink, row);
  resolver.combine(std::move(sink));
  resolver.finalize();
  EXPECT_EQ(resolver.identities(), 1U);
  IdentityReader reader(resolver);
  reader.load(identity(0));
  Read result;
  for (const OrderedRow& ordered : reader.rows()) {
    if (ordered.starts_record) {
      result.order +=
          std::to_string(index(ordered.row.source())) + ":" + std::string(ordered.row.record_id());
    } else {
      result.order += "+";
    }
    result.order += at(ordered.row.updated_at());
  }
  result.records = reader.record_count();
  result.first =
      std::to_string(index(reader.first_source())) + ":" + std::string(reader.first_record_id());
  return result;
}

// In every order of arrival (or, of many rows, in 200 of them) the same.
void expect_order(std::vector<InputRow> rows, const Read& expected) {
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(read(rows), expected);
    std::shuffle(rows.begin(), rows.end(), random);
  }
}

TEST(IdentityReader, OneRow) { expect_order({row_of(3, "x", 5)}, {"3:x@5 ", 1, "3:x"}); }

TEST(IdentityReader, SourcesByPrecedenceWhateverWasUpdatedLast) {
  expect_order({row_of(0, "z", 1), row_of(1, "a", 9), row_of(4, "b")},
               {"0:z@1 1:a@9 4:b ", 3, "0:z"});
}

TEST(IdentityReader, WithinASourceTheRecordUpdatedLast) {
  expect_order({row_of(0, "a", 1), row_of(0, "b", 3), row_of(0, "c", 2), row_of(1, "d", 7)},
               {"0:b@3 0:c@2 0:a@1 1:d@7 ", 4, "0:a"});
}

TEST(IdentityReader, NoTimeIsOlderThanEveryTime) {
  expect_order({row_of(0, "a"), row_of(0, "b", kNeverUpdated + 1), row_of(0, "c", INT64_MAX)},
               {"0:c@9223372036854775807 0:b@-9223372036854775807 0:a ", 3, "0:a"});
}

TEST(IdentityReader, ThenTheRecordIdShorterFirst) {
  expect_order({row_of(0, "10"), row_of(0, "9"), row_of(0, "11"), row_of(0, "")},
               {"0: 0:9 0:10 0:11 ", 4, "0:"});
  expect_order({row_of(0, "10", 4), row_of(0, "9", 4), row_of(0, "11", 4), row_of(0, "8", 3)},
               {"0:9@4 0:10@4 0:11@4 0:8@3 ", 4, "0:8"});
}

TEST(IdentityReader, ARecordsRowsStayTogetherAndItsLastUpdateCounts) {
  expect_order(
      {row_of(0, "a", 1), row_of(0, "a", 9), row_of(0, "b", 5), row_of(0, "a"), row_of(1, "a", 7)},
      {"0:a@9 +@1 + 0:b@5 1:a@7 ", 3, "0:a"});
  expect_order({row_of(0, "b", 5), row_of(0, "b", 5), row_of(0, "a", 4)},
               {"0:b@5 +@5 0:a@4 ", 2, "0:a"});
}

TEST(IdentityReader, TheSameIdInTwoSourcesIsTwoRecords) {
  expect_order({row_of(0, "1"), row_of(1, "1")}, {"0:1 1:1 ", 2, "0:1"});
}

TEST(IdentityReader, RowsOfOneRecordAreComparedByTheirValues) {
  std::vector<InputRow> rows = {row_of(0, "1").value(0, "b"), row_of(0, "1").value(0, "a"),
                                row_of(0, "1"), row_of(0, "1").value(0, "a").value(1, "c")};
  expect_order(rows, {"0:1 + + + ", 1, "0:1"});
}

TEST(IdentityReader, LoadsInAnyOrderAndAnyNumberOfTimes) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 1);
  {
    Resolver resolver(environment, shape(1, 1, false), keys);
    auto sink = resolver.make_sink();
    for (int i = 0; i < 100; ++i) {
      feed(*sink, InputRow{0, std::to_string(i)}.link(0, std::to_string(i % 10)));
    }
    resolver.combine(std::move(sink));
    resolver.finalize();
    ASSERT_EQ(resolver.identities(), 10U);
    IdentityReader reader(resolver);
    for (int i = 0; i < 1000; ++i) {
      const auto number = static_cast<std::size_t>(i * 7 % 10);
      reader.load(identity(number));
      ASSERT_EQ(reader.rows().size(), 10U);
      ASSERT_EQ(reader.record_count(), 10U);
      ASSERT_EQ(reader.first_record_id(), std::to_string(number));
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
}

}  // namespace
}  // namespace identity_resolve::engine
