// What one process has read another one resolves: here two environments. What one describes of its
// sinks the other adopts.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::RecordName;
using testing::TestEnvironment;

// A file that its sink keeps and a describing one reads.
class BorrowedFile final : public SpillFile {
 public:
  explicit BorrowedFile(SpillFile& file) : file_(&file) {}
  void append(const void* /*bytes*/, std::size_t /*count*/) override { std::abort(); }
  void read(std::uint64_t at, void* to, std::size_t count) override { file_->read(at, to, count); }

 private:
  SpillFile* file_;
};

std::string describe(const LocalSink& sink) {
  std::string description;
  sink.describe([&](const void* bytes, std::size_t count) {
    description.append(static_cast<const char*>(bytes), count);
  });
  return description;
}

std::unique_ptr<LocalSink> adopt(Resolver& resolver, std::string_view description,
                                 std::unique_ptr<SpillFile> file) {
  auto sink = resolver.make_sink();
  sink->adopt(
      [&](void* to, std::size_t count) {
        if (count != 0) std::memcpy(to, description.data(), count);
        description.remove_prefix(count);
      },
      std::move(file));
  EXPECT_TRUE(description.empty());
  return sink;
}

std::set<std::set<RecordName>> identities_of(Resolver& resolver) {
  std::set<std::set<RecordName>> identities;
  for (std::size_t number = 0; number < resolver.identities(); ++number) {
    std::set<RecordName> records;
    for (const std::byte* at : resolver.rows_of(identity(number))) {
      records.emplace(static_cast<std::uint16_t>(Row(at).source()), Row(at).record_id());
    }
    EXPECT_TRUE(identities.insert(records).second);
  }
  return identities;
}

std::vector<InputRow> random_rows(std::size_t count, std::mt19937& random) {
  std::vector<InputRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    InputRow row{static_cast<std::uint16_t>(random() % 3), std::to_string(random() % count)};
    if (random() % 3 != 0) row.link(0, std::to_string(random() % count));
    if (random() % 3 != 0) row.link(1, std::to_string(random() % count));
    if (random() % 20 == 0) row.link(1, "shared");
    rows.push_back(std::move(row));
  }
  return rows;
}

// In pieces of any size; then the rows are in memory again, or stay where they are.
TEST(HandOver, ASinkIsResolvedByAnother) {
  std::mt19937 random(15);
  const std::vector<InputRow> rows = random_rows(500, random);
  const Shape shape{std::vector<KindRules>(2), 3};
  const KeyRing keys = key_ring(2, 3);
  std::set<std::set<RecordName>> expected;
  for (const std::size_t budget : {SIZE_MAX, std::size_t{30000}, std::size_t{0}}) {
    TestEnvironment theirs;
    TestEnvironment ours;
    ours.memory_budget = budget;
    {
      Resolver reader(theirs, shape, keys);
      auto read = reader.make_sink(budget);
      for (const InputRow& row : rows) feed(*read, row);
      EXPECT_EQ(read->spilled_bytes() != 0, budget != SIZE_MAX);
      read->spill();
      Resolver resolver(ours, shape, keys);
      resolver.combine(resolver.make_sink());
      auto own = resolver.make_sink();
      feed(*own, InputRow{0, "first"});
      resolver.combine(std::move(own));
      auto adopted =
          adopt(resolver, describe(*read), std::make_unique<BorrowedFile>(*theirs.last_file));
      EXPECT_EQ(adopted->rows(), rows.size());
      EXPECT_EQ(adopted->identifiers(), read->identifiers());
      resolver.combine(std::move(adopted));
      resolver.finalize();
      const auto found = identities_of(resolver);
      if (expected.empty()) expected = found;
      EXPECT_EQ(found, expected);
    }
    EXPECT_EQ(theirs.bytes, 0U);
    EXPECT_EQ(ours.bytes, 0U);
    EXPECT_EQ(theirs.wrong_deallocations + ours.wrong_deallocations, 0U);
  }
}

}  // namespace
}  // namespace identity_resolve::engine
