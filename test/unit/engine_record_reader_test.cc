// The long form as record_reader.h reads it says the same as the identities one by one.
#include "engine/record_reader.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::Identity;
using testing::InputRow;
using testing::key_ring;
using testing::RecordName;
using testing::Request;
using testing::TestEnvironment;

constexpr std::size_t kKinds = 2;
constexpr std::size_t kSources = 3;

std::vector<InputRow> random_rows(std::size_t count, std::mt19937& random) {
  std::vector<InputRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    InputRow row{static_cast<std::uint16_t>(random() % kSources), std::to_string(random() % count)};
    if (random() % 2 != 0) row.updated_at = static_cast<std::int64_t>(random() % 5);
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      if (random() % 3 != 0) row.link(kind, std::to_string(random() % count));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

using Listed = std::multimap<RecordName, Uuid>;

Listed read(RecordReader& reader) {
  Listed listed;
  while (reader.next()) {
    const Row row = reader.row();
    listed.emplace(RecordName(static_cast<std::uint16_t>(row.source()), row.record_id()),
                   reader.identity_id());
  }
  return listed;
}

class Listing {
 public:
  // Row i goes to sink i % sinks; `spilled`: that sink has written it to a file before.
  Listing(std::span<const InputRow> rows, std::size_t sinks, bool spilled, std::size_t budget) {
    environment_.memory_budget = budget;
    Shape shape = testing::shape(kKinds, kSources, false);
    shape.only_records = true;
    resolver_.emplace(environment_, shape, keys_);
    for (std::size_t number = 0; number < sinks; ++number) {
      auto sink = resolver_->make_sink(SIZE_MAX);
      for (std::size_t row = number; row < rows.size(); row += sinks) feed(*sink, rows[row]);
      if (spilled) sink->spill();
      resolver_->combine(std::move(sink));
    }
    resolver_->finalize();
  }
  Resolver& resolver() { return *resolver_; }
  RecordReader reader() {
    const std::vector<std::string> names = {testing::source_name(0), testing::source_name(1),
                                            testing::source_name(2)};
    const std::vector<std::string_view> views(names.begin(), names.end());
    return RecordReader(*resolver_, views);
  }

 private:
  TestEnvironment environment_;
  KeyRing keys_ = key_ring(kKinds, kSources);
  std::optional<Resolver> resolver_;
};

Listed expected(std::span<const InputRow> rows) {
  TestEnvironment environment;
  const Request request{kKinds, kSources};
  Listed listed;
  for (const Identity& identity : testing::resolve(environment, request, rows)) {
    for (const RecordName& record : identity.records) listed.emplace(record, identity.id);
  }
  return listed;
}

// Records of several rows, spread over sources and sinks in any order: each comes once.
TEST(RecordReader, ListsEachRecordOnceWithItsIdentity) {
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    const std::vector<InputRow> rows = random_rows(1 + random() % 300, random);
    const Listed truth = expected(rows);
    for (const std::size_t sinks : {1U, 2U, 5U}) {
      for (const bool spilled : {false, true}) {
        Listing listing(rows, sinks, spilled, std::size_t{1} << 40);
        ASSERT_TRUE(listing.resolver().lists_records());
        RecordReader reader = listing.reader();
        ASSERT_EQ(read(reader), truth);
        ASSERT_FALSE(reader.next());
        EXPECT_EQ(reader.rows_read(), rows.size());
        reader.rewind();
        ASSERT_EQ(read(reader), truth);
      }
    }
  }
}

TEST(RecordReader, WithoutRoomIdentitiesAreReadOneByOne) {
  std::mt19937 random(6);
  const std::vector<InputRow> rows = random_rows(300, random);
  Listing listing(rows, 1, false, 2000);
  EXPECT_FALSE(listing.resolver().lists_records());
  EXPECT_TRUE(listing.resolver().has_parts());
  IdentityReader identities(listing.resolver());
  Listed listed;
  for (std::size_t number = 0; number < listing.resolver().identities(); ++number) {
    identities.load(testing::identity(number));
    const auto first = static_cast<std::size_t>(identities.first_source());
    const Uuid id = identity_id(testing::source_name(first), identities.first_record_id());
    for (const OrderedRow& ordered : identities.rows()) {
      if (!ordered.starts_record) continue;
      listed.emplace(
          RecordName(static_cast<std::uint16_t>(ordered.row.source()), ordered.row.record_id()),
          id);
    }
  }
  EXPECT_EQ(listed, expected(rows));
}

TEST(RecordReader, NothingInNothingOut) {
  Listing listing({}, 2, false, std::size_t{1} << 40);
  EXPECT_FALSE(listing.resolver().lists_records());
  EXPECT_EQ(listing.resolver().identities(), 0U);
}

}  // namespace
}  // namespace identity_resolve::engine
