// Which rows end in one identity, whatever the order, the sinks and the size.
#include "engine/resolver.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>

#include "unit/engine_reference.h"
#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::feed;
using testing::Identity;
using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::Request;
using testing::shape;
using testing::slot;
using testing::source;
using testing::TestEnvironment;

using Deal = std::vector<std::vector<std::size_t>>;

// Every row is dealt to one of `sinks` sinks.
Deal deal(std::size_t rows, std::size_t sinks, std::mt19937& random) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  Deal result(sinks);
  for (const std::size_t row : order) result[random() % sinks].push_back(row);
  return result;
}

// The record ids and one kind's values, as scalars and as arrays.
Request request_of(std::size_t sources, bool combinations) {
  Request request{2, sources, 1, {}, combinations};
  for (const bool array : {false, true}) {
    for (std::size_t of = 0; of < sources; ++of) {
      request.columns.push_back({Shows::kRecordId, source(of), {}, false, array});
    }
    request.columns.push_back({Shows::kValue, {}, slot(0), false, array});
  }
  return request;
}

// Ids that the caller vouches for are not looked up: the rows link by their identifiers alone.
TEST(Resolver, UniqueIdsAreTakenAtTheirWord) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 1);
  for (const bool vouched : {false, true}) {
    Resolver resolver(environment, shape(1, 1, false), keys);
    auto sink = resolver.make_sink();
    for (const char* id : {"a", "b", "c"}) {
      sink->begin_row(source(0), id, kNeverUpdated, vouched);
      if (*id != 'c') sink->add_identifier(KindNumber{0}, "shared");
      sink->end_row();
    }
    resolver.combine(std::move(sink));
    resolver.finalize();
    EXPECT_EQ(resolver.identities(), 2U);
  }
  Resolver resolver(environment, shape(1, 1, false), keys);
  auto sink = resolver.make_sink();
  for (const bool vouched : {false, false, true}) {
    sink->begin_row(source(0), "again", kNeverUpdated, vouched);
    sink->end_row();
  }
  resolver.combine(std::move(sink));
  resolver.finalize();
  EXPECT_EQ(resolver.identities(), 2U);  // the two that were looked up, and the one that was not
}

TEST(Resolver, NothingInNothingOut) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 1);
  {
    Resolver no_sink(environment, shape(1, 1, false), keys);
    no_sink.finalize();
    EXPECT_EQ(no_sink.identities(), 0U);
    EXPECT_EQ(no_sink.rows(), 0U);

    Resolver empty_sinks(environment, shape(1, 1, false), keys);
    for (int i = 0; i < 3; ++i) empty_sinks.combine(empty_sinks.make_sink());
    empty_sinks.finalize();
    EXPECT_EQ(empty_sinks.identities(), 0U);

    Resolver never_finalized(environment, shape(1, 1, false), keys);
    auto sink = never_finalized.make_sink();
    feed(*sink, InputRow{0, "1"});
    never_finalized.combine(std::move(sink));
    EXPECT_EQ(never_finalized.identities(), 0U);
  }
  EXPECT_EQ(environment.bytes, 0U);
}

// Values that only keep apart may come with their keys: it is the same, whatever is known of them.
TEST(Resolver, HeldIdentifiersMayComeByTheirKeys) {
  TestEnvironment environment;
  const KeyRing keys = key_ring(2, 1);
  Shape of = shape(2, 1, false);
  of.kinds[1].links = false;
  of.kinds[1].max_per_identity = 1;
  const KindNumber tenant{1};
  for (const bool by_key : {false, true}) {
    Resolver resolver(environment, of, keys);
    auto sink = resolver.make_sink();
    ASSERT_TRUE(sink->holds(tenant));
    ASSERT_FALSE(sink->holds(KindNumber{0}));
    const auto add = [&](const char* id, const char* mail, const char* value, Standing standing) {
      sink->begin_row(source(0), id, kNeverUpdated, true);
      sink->add_identifier(KindNumber{0}, mail);
      if (by_key) {
        sink->add_held(tenant, sink->key_of(tenant, value), standing);
      } else {
        sink->add_identifier(tenant, value, standing);
      }
      sink->end_row();
    };
    add("a", "parted@x", "red", Standing::kValid);
    add("b", "parted@x", "blue", Standing::kValid);
    add("c", "one@x", "red", Standing::kValid);
    add("d", "one@x", "blue", Standing::kBlocked);
    add("e", "two@x", "red", Standing::kValid);
    add("f", "two@x", "none", Standing::kInvalid);
    EXPECT_EQ(sink->identifiers(), 10U);
    resolver.combine(std::move(sink));
    resolver.finalize();
    EXPECT_EQ(resolver.identities(), 4U) << by_key;
  }
}

TEST(Resolver, KindsAndSourcesDoNotMix) {
  TestEnvironment environment;
  const std::vector<InputRow> rows = {
      InputRow{0, "1"}.link(0, "x"),  // the same bytes everywhere
      InputRow{1, "1"}.link(1, "x"), InputRow{1, "x"}.link(1, "1"),
      InputRow{0, "x"}.link(0, ""),  InputRow{1, ""}.link(1, ""),
  };
  EXPECT_EQ(testing::resolve(environment, {2, 2}, rows).size(), 5U);
}

TEST(Resolver, RowsOfOneRecordAreOne) {
  TestEnvironment environment;
  const std::vector<InputRow> rows = {InputRow{0, "1"}.link(0, "a"), InputRow{0, "2"}.link(0, "b"),
                                      InputRow{0, "1"}.link(0, "b"), InputRow{1, "1"}};
  const auto found = testing::resolve(environment, {1, 2}, rows);
  ASSERT_EQ(found.size(), 2U);
  std::set<std::size_t> sizes;
  for (const Identity& each : found) sizes.insert(each.records.size());
  EXPECT_EQ(sizes, (std::set<std::size_t>{1, 2}));
}

TEST(Resolver, ValuesNeverLink) {
  TestEnvironment environment;
  const std::vector<InputRow> rows = {InputRow{0, "1"}.value(0, "gold"),
                                      InputRow{0, "2"}.value(0, "gold")};
  EXPECT_EQ(testing::resolve(environment, {1, 1, 1}, rows).size(), 2U);
}

// Identities are numbered by their first rows and every row is in exactly one; in memory, and where
// everything is spilled.
TEST(Resolver, NumbersIdentitiesByTheirFirstRows) {
  for (const std::size_t budget : {std::size_t{0}, std::size_t{5000}, SIZE_MAX}) {
    std::mt19937 random(6);
    TestEnvironment environment;
    environment.memory_budget = budget;
    const KeyRing keys = key_ring(1, 1);
    Resolver resolver(environment, shape(1, 1, false), keys);
    std::size_t rows = 0;
    for (int sinks = 0; sinks < 3; ++sinks) {
      auto sink = resolver.make_sink();
      for (int i = 0; i < 300; ++i) {
        feed(*sink, InputRow{0, std::to_string(rows++)}.link(0, std::to_string(random() % 500)));
      }
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    EXPECT_EQ(resolver.has_parts(), budget != SIZE_MAX);
    EXPECT_EQ(resolver.spilled_bytes() != 0, budget != SIZE_MAX);
    std::vector<bool> seen(resolver.rows());
    std::size_t next = 0;
    for (std::size_t number = 0; number < resolver.identities(); ++number) {
      std::vector<std::size_t> members;
      for (const std::byte* at : resolver.rows_of(identity(number))) {
        members.push_back(std::stoul(std::string(Row(at).record_id())));
      }
      ASSERT_FALSE(members.empty());
      while (next < seen.size() && seen[next]) ++next;
      ASSERT_EQ(members.front(), next);
      ASSERT_TRUE(std::is_sorted(members.begin(), members.end()));
      for (const std::size_t row : members) {
        ASSERT_FALSE(seen[row]);
        seen[row] = true;
      }
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](bool one) { return one; }));
  }
}

// Random problems of every shape, against the slow and obvious way.
TEST(Resolver, AgreesWithTheReference) {
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::vector<std::uint8_t> bytes(random() % 400);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    ASSERT_TRUE(testing::agrees_with_reference(testing::case_from(bytes))) << "round " << round;
  }
}

// Shapes that random bytes seldom make: a few hundred rows each, with two to eight sinks.
class Shapes : public ::testing::TestWithParam<const char*> {
 protected:
  static std::vector<InputRow> rows_of(std::string_view shape, std::mt19937& random) {
    constexpr std::size_t kRows = 150;
    std::vector<InputRow> rows;
    for (std::size_t i = 0; i < kRows; ++i) {
      InputRow row{static_cast<std::uint16_t>(random() % 3), std::to_string(i)};
      if (random() % 2 == 0) row.updated_at = random() % 5;
      const auto connect = [&row](std::size_t kind, std::size_t to) {
        row.link(kind, std::to_string(to)).value(kind, std::to_string(to));
      };
      if (shape == "chain") {
        connect(i % 2, i / 2);
        connect((i + 1) % 2, (i + 1) / 2);
      } else if (shape == "stars") {
        connect(0, i % 4);
      } else if (shape == "cliques") {
        for (std::size_t k = 0; k < 5; ++k) connect(1, (i % 10) * 5 + k);
      } else if (shape == "tree") {
        connect(0, i);
        connect(0, i * 2 + 1);
        connect(0, i * 2 + 2);
      } else if (shape == "sparse") {
        connect(random() % 2, random() % (2 * kRows));
        connect(random() % 2, random() % (2 * kRows));
      } else if (shape == "duplicates") {
        row.id = std::to_string(i % 20);
        row.source = static_cast<std::uint16_t>(i % 2);
        connect(0, i % 10);
      } else if (shape == "ring") {
        connect(0, i);
        connect(0, (i + 1) % kRows);
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }
};
INSTANTIATE_TEST_SUITE_P(Resolver, Shapes,
                         ::testing::Values("chain", "stars", "cliques", "tree", "sparse",
                                           "duplicates", "ring", "alone"));

TEST_P(Shapes, AreTheSameWithAnySinksInAnyOrder) {
  std::mt19937 random(8);
  for (int round = 0; round < 3; ++round) {
    std::vector<InputRow> rows = rows_of(GetParam(), random);
    Request request = request_of(3, false);
    request.slots = 2;
    const std::vector<Identity> expected = testing::resolve_naively(request, rows);
    TestEnvironment environment;
    ASSERT_EQ(testing::resolve(environment, request, rows), expected);
    for (std::size_t sinks = 1; sinks <= 8; ++sinks) {
      // Everything in memory, a little, nothing.
      environment.memory_budget = sinks % 3 == 0 ? SIZE_MAX : sinks % 3 == 1 ? 100000 : 0;
      ASSERT_EQ(testing::resolve(environment, request, rows, deal(rows.size(), sinks, random)),
                expected)
          << sinks << " sinks";
    }
    ASSERT_EQ(environment.bytes, 0U);
  }
}

// Combinations too: few enough rows for all the products.
TEST(Resolver, CombinationsAreTheSameWithAnySinksInAnyOrder) {
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    std::vector<InputRow> rows;
    for (std::size_t i = 0; i < 24; ++i) {
      InputRow row{static_cast<std::uint16_t>(random() % 3), std::to_string(random() % 12)};
      for (std::size_t k = random() % 3; k > 0; --k) {
        const std::string value = std::to_string(random() % 10);
        row.link(k % 2, value).value(0, value);
      }
      rows.push_back(std::move(row));
    }
    const Request request = request_of(3, true);
    const std::vector<Identity> expected = testing::resolve_naively(request, rows);
    TestEnvironment environment;
    for (const std::size_t sinks : {1, 2, 5, 8}) {
      environment.memory_budget = random() % 2 == 0 ? SIZE_MAX : random() % 3000;
      ASSERT_EQ(testing::resolve(environment, request, rows, deal(rows.size(), sinks, random)),
                expected);
    }
  }
}

// The secret decides where keys lie, and nothing that a user sees.
TEST(Resolver, TheSecretChangesNothing) {
  std::mt19937 random(10);
  std::vector<InputRow> rows;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string value = std::to_string(random() % 60);
    rows.push_back(InputRow{static_cast<std::uint16_t>(i % 3), std::to_string(random() % 30)}
                       .link(0, value)
                       .link(1, std::to_string(random() % 100))
                       .value(0, value));
  }
  const Request request = request_of(3, true);
  TestEnvironment environment;
  std::vector<Identity> expected;
  for (unsigned char secret = 0; secret < 20; ++secret) {
    const KeyRing keys = key_ring(2, 3, secret);
    Resolver resolver(environment, shape(2, 3, true), keys);
    auto sink = resolver.make_sink();
    for (const InputRow& row : rows) feed(*sink, row);
    resolver.combine(std::move(sink));
    resolver.finalize();
    std::vector<Identity> found = testing::read_all(resolver, request);
    if (secret == 0) expected = found;
    ASSERT_EQ(found, expected);
  }
}

// ---- giants; each with several sinks ----

TEST(ResolverGiants, OneIdentifierSharedByAll) {
  constexpr std::size_t kRows = 300000;
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 2);
  {
    Resolver resolver(environment, shape(1, 2, false), keys);
    for (std::size_t sinks = 0; sinks < 3; ++sinks) {
      auto sink = resolver.make_sink();
      for (std::size_t i = sinks; i < kRows; i += 3) {
        feed(*sink, InputRow{static_cast<std::uint16_t>(i % 2), std::to_string(i),
                             static_cast<std::int64_t>(i % 1000)}
                        .link(0, "info@example.com")
                        .value(0, std::to_string(i)));
      }
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    ASSERT_EQ(resolver.identities(), 1U);
    IdentityReader reader(resolver);
    reader.load(identity(0));
    EXPECT_EQ(reader.record_count(), kRows);
    EXPECT_EQ(reader.first_record_id(), "0");
    EXPECT_EQ(reader.rows().front().row.updated_at(), 998);  // even ones are of source 0
    EXPECT_EQ(reader.rows().front().row.record_id(), "998");
    const std::vector<ColumnPlan> columns = {{Shows::kValue, {}, slot(0), false, true}};
    Survivorship survivorship(environment, columns, 2, 1);
    Cells cells = survivorship.make_cells();
    survivorship.fill(reader, cells);
    EXPECT_EQ(cells[0].values().size(), kRows);
  }
  EXPECT_EQ(environment.bytes, 0U);
}

TEST(ResolverGiants, AChain) {
  constexpr std::size_t kRows = 300000;
  std::vector<std::size_t> order(kRows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (const char* arrival : {"forwards", "backwards", "shuffled"}) {
    if (*arrival == 'b') std::reverse(order.begin(), order.end());
    if (*arrival == 's') std::shuffle(order.begin(), order.end(), std::mt19937(11));
    TestEnvironment environment;
    const KeyRing keys = key_ring(1, 1);
    Resolver resolver(environment, shape(1, 1, false), keys);
    for (std::size_t sinks = 0; sinks < 4; ++sinks) {
      auto sink = resolver.make_sink();
      for (std::size_t i = sinks; i < kRows; i += 4) {
        feed(*sink, InputRow{0, std::to_string(order[i])}
                        .link(0, std::to_string(order[i]))
                        .link(0, std::to_string(order[i] + 1)));
      }
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    EXPECT_EQ(resolver.identities(), 1U) << arrival;
  }
}

TEST(ResolverGiants, ARowWithAHundredThousandIdentifiers) {
  constexpr std::size_t kIdentifiers = 100000;
  InputRow giant{0, "giant"};
  for (std::size_t i = 0; i < kIdentifiers; ++i) giant.link(0, std::to_string(i));
  for (std::size_t i = 0; i < kIdentifiers; ++i) giant.value(0, std::to_string(i));
  std::vector<InputRow> rows = {giant};
  for (std::size_t i = 0; i < 1000; ++i) {
    rows.push_back(InputRow{1, std::to_string(i)}.link(0, std::to_string(i * 200)));
  }
  TestEnvironment environment;
  const auto found = testing::resolve(environment, request_of(2, true), rows);
  EXPECT_EQ(found.size(), 501U);  // half of the small ones are beyond the giant's identifiers
  const auto giant_one = std::find_if(found.begin(), found.end(),
                                      [](const Identity& each) { return each.records.size() > 1; });
  ASSERT_NE(giant_one, found.end());
  EXPECT_EQ(giant_one->records.size(), 501U);
  EXPECT_EQ(giant_one->combinations.size(), 500U);
  EXPECT_EQ(giant_one->cells.back().size(), kIdentifiers);
  EXPECT_EQ(environment.bytes, 0U);
}

TEST(ResolverGiants, ValuesOfAMegabyte) {
  const std::string large(std::size_t{1} << 20U, 'x');
  std::vector<InputRow> rows;
  for (std::size_t i = 0; i < 30; ++i) {
    const std::string value = large + std::to_string(i / 3);
    rows.push_back(
        InputRow{static_cast<std::uint16_t>(i % 3), large + std::to_string(i)}.link(0, value).value(
            0, value));
  }
  TestEnvironment environment;
  const auto found = testing::resolve(environment, request_of(3, true), rows);
  ASSERT_EQ(found.size(), 10U);
  for (const Identity& each : found) {
    EXPECT_EQ(each.records.size(), 3U);
    EXPECT_EQ(each.combinations.size(), 1U);
  }
  EXPECT_EQ(environment.bytes, 0U);
}

TEST(ResolverGiants, DuplicatesOfOneRecord) {
  constexpr std::size_t kRows = 100000;
  TestEnvironment environment;
  const std::vector<InputRow> rows(kRows, InputRow{0, "1", 1}.link(0, "a").value(0, "a"));
  const auto found = testing::resolve(environment, request_of(1, true), rows);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().records.size(), 1U);
  EXPECT_EQ(found.front().combinations.size(), 1U);
}

// Rows that differ in nothing but their time are one spine, however many they are.
TEST(ResolverGiants, OneRecordUpdatedAHundredThousandTimes) {
  std::vector<InputRow> rows;
  for (std::int64_t i = 0; i < 100000; ++i) {
    const std::string value = i % 3 == 0 ? "a" : "b";
    rows.push_back(InputRow{0, "1", i}.link(0, value).value(0, value));
  }
  TestEnvironment environment;
  const auto found = testing::resolve(environment, request_of(1, true), rows);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found.front().too_many);
  EXPECT_EQ(found.front().combinations.size(), 2U);
}

}  // namespace
}  // namespace identity_resolve::engine
