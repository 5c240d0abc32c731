// Fault injection by counting: the n-th allocation fails, or the n-th check_interrupts() cancels,
// for n = 1, 2, … until a whole resolve and read passes. Each failure must come out as itself,
// leave nothing behind, and the same environment must then give the right answer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <random>

#include "engine/error.h"
#include "unit/engine_testing.h"

#if defined(__SANITIZE_ADDRESS__)
#define OPERATOR_NEW_IS_OURS 0  // but the sanitizer's
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OPERATOR_NEW_IS_OURS 0
#endif
#endif
#ifndef OPERATOR_NEW_IS_OURS
#define OPERATOR_NEW_IS_OURS 1
#endif

namespace {

// What operator new does while a test says so.
struct HeapFaults {
  bool armed = false;
  std::size_t allocations = 0;
  std::size_t fail_at = 0;
  std::ptrdiff_t blocks = 0;  // allocated and not given back
};
thread_local HeapFaults heap;

}  // namespace

#if OPERATOR_NEW_IS_OURS
// Not inlined: GCC would see a pointer from operator new go to free() and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (heap.armed) {
    if (++heap.allocations == heap.fail_at) throw std::bad_alloc();
    ++heap.blocks;
  }
  void* place = std::malloc(size == 0 ? 1 : size);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
[[gnu::noinline]] void operator delete(void* place) noexcept {
  if (heap.armed && place != nullptr) --heap.blocks;
  std::free(place);
}
[[gnu::noinline]] void operator delete(void* place, std::size_t /*size*/) noexcept {
  operator delete(place);
}
#endif

namespace identity_resolve::engine {
namespace {

using testing::Cancelled;
using testing::feed;
using testing::identity;
using testing::InputRow;
using testing::key_ring;
using testing::shape;
using testing::slot;
using testing::source;
using testing::TestEnvironment;

// A work-out of every stage: one identity with more rows than a tick's worth, some of them
// duplicates and some dated, and small ones beside it; arrays long enough to be hashed; two sinks.
class Workout {
 public:
  explicit Workout(std::size_t rows) {
    std::mt19937 random(12);
    for (std::size_t i = 0; i < rows; ++i) {
      InputRow row{static_cast<std::uint16_t>(i % (rows / 10) == 0 ? 0 : 1 + i % 2),
                   std::to_string(random() % rows)};
      if (random() % 2 == 0) row.updated_at = random() % 9;
      const std::string value = std::to_string(i % (rows / 4 + 1));
      row.link(0, i % 10 == 0 ? "alone " + value : "all").value(0, value).value(1, " " + value);
      row.link(1, value);
      rows_.push_back(std::move(row));
    }
    for (const bool array : {false, true}) {
      columns_.push_back({Shows::kRecordId, source(0), {}, false, array});
      columns_.push_back({Shows::kRecordId, source(1), {}, false, true});
      columns_.push_back({Shows::kValue, {}, slot(0), false, array});
      columns_.push_back({Shows::kValue, source(2), slot(1), true, array});
    }
  }

  // Everything that the glue does; returns a digest of all that was shown.
  std::uint64_t run(Environment& environment, std::uint64_t max_combinations) const {
    std::uint64_t digest = 14695981039346656037U;  // FNV-1a
    const auto mix = [&digest](std::string_view bytes) {
      for (const char byte : bytes) {
        digest = (digest ^ static_cast<unsigned char>(byte)) * 1099511628211U;
      }
    };
    const KeyRing keys = key_ring(2, 3);
    Resolver resolver(environment, shape(2, 3, true), keys);
    for (std::size_t half = 0; half < 2; ++half) {
      auto sink = resolver.make_sink();
      for (std::size_t i = half; i < rows_.size(); i += 2) feed(*sink, rows_[i]);
      resolver.combine(std::move(sink));
    }
    resolver.finalize();
    IdentityReader reader(resolver);
    Survivorship survivorship(environment, columns_, 3, 2);
    Combinations combinations(environment, columns_, 3, max_combinations);
    Cells cells = survivorship.make_cells();
    const auto mix_cells = [&](bool arrays) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (columns_[i].array && !arrays) continue;
        for (const std::string_view value : cells[i].values()) mix(value);
        mix("|");
      }
    };
    for (std::size_t number = 0; number < resolver.identities(); ++number) {
      reader.load(identity(number));
      survivorship.fill(reader, cells);
      mix_cells(true);
      try {
        combinations.each(
            reader, cells, [] { return std::string("a name that is long enough"); },
            [&] { mix_cells(false); });
      } catch (const Error& error) {
        mix(error.message());
      }
    }
    return digest;
  }

 private:
  std::vector<InputRow> rows_;
  std::vector<ColumnPlan> columns_;
};

constexpr std::uint64_t kManyCombinations = 1000000;
constexpr std::uint64_t kFewCombinations = 50;

class Faults : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(MaxCombinations, Faults,
                         ::testing::Values(kManyCombinations, kFewCombinations));

TEST_P(Faults, EveryAllocationOfTheEnvironment) {
  const Workout workout(150);
  TestEnvironment environment;
  const std::uint64_t expected = workout.run(environment, GetParam());
  const std::size_t allocations = std::exchange(environment.allocations, 0);
  ASSERT_EQ(environment.bytes, 0U);
  for (std::size_t nth = 1; nth <= allocations; ++nth) {
    environment.fail_at = nth;
    environment.allocations = 0;
    ASSERT_THROW(workout.run(environment, GetParam()), std::bad_alloc) << nth;
    ASSERT_EQ(environment.bytes, 0U) << nth;
    if (nth % 10 == 0) {
      environment.fail_at = 0;
      ASSERT_EQ(workout.run(environment, GetParam()), expected) << nth;
      ASSERT_EQ(environment.bytes, 0U);
    }
  }
  EXPECT_EQ(environment.wrong_deallocations, 0U);
  EXPECT_LE(environment.largest_alignment, 8U);  // more than MAXALIGN, PostgreSQL does not give
  EXPECT_GT(allocations, 300U);                  // it was a work-out
}

// The same where everything is spilled: each call of a file fails once, and each allocation.
TEST(FaultsOnce, EveryCallOfAFile) {
  const Workout workout(150);
  TestEnvironment environment;
  const std::uint64_t expected = workout.run(environment, kManyCombinations);
  environment.memory_budget = 20000;
  ASSERT_EQ(workout.run(environment, kManyCombinations), expected);
  const std::size_t calls = std::exchange(environment.file_calls, 0);
  ASSERT_GT(calls, 100U);
  for (std::size_t nth = 1; nth <= calls; ++nth) {
    environment.fail_file_at = nth;
    environment.file_calls = 0;
    ASSERT_THROW(workout.run(environment, kManyCombinations), testing::DiskFull) << nth;
    ASSERT_EQ(environment.bytes, 0U) << nth;
    ASSERT_EQ(environment.open_files, 0U) << nth;
  }
  environment.fail_file_at = 0;
  environment.allocations = 0;
  ASSERT_EQ(workout.run(environment, kManyCombinations), expected);
  const std::size_t allocations = environment.allocations;
  for (std::size_t nth = 1; nth <= allocations; nth += 7) {
    environment.fail_at = nth;
    environment.allocations = 0;
    ASSERT_THROW(workout.run(environment, kManyCombinations), std::bad_alloc) << nth;
    ASSERT_EQ(environment.bytes, 0U) << nth;
    ASSERT_EQ(environment.open_files, 0U) << nth;
  }
}

// The little that is not the environment's: std::function, std::unique_ptr, sorting's buffers.
TEST_P(Faults, EveryAllocationOfTheHeap) {
  if (!OPERATOR_NEW_IS_OURS) GTEST_SKIP() << "operator new is the sanitizer's";
  const Workout workout(150);
  TestEnvironment environment;
  const std::uint64_t expected = workout.run(environment, GetParam());
  std::size_t failures = 0;
  for (std::size_t nth = 1;; ++nth) {
    heap = {true, 0, nth, 0};
    bool passed = false;
    std::uint64_t digest = 0;
    try {
      digest = workout.run(environment, GetParam());
      passed = true;
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    const HeapFaults after = std::exchange(heap, {});
    ASSERT_EQ(after.blocks, 0) << nth;
    ASSERT_EQ(environment.bytes, 0U) << nth;
    // A sort does without its buffer.
    if (passed) {
      ASSERT_EQ(digest, expected) << nth;
    }
    if (after.allocations < nth) break;
  }
  EXPECT_GT(failures, 3U);
}

TEST_P(Faults, EveryInterrupt) {
  const Workout workout(1500);
  TestEnvironment environment;
  const std::uint64_t expected = workout.run(environment, GetParam());
  const std::size_t checks = environment.checks;
  for (std::size_t nth = 1; nth <= checks; ++nth) {
    environment.cancel_at = nth;
    environment.checks = 0;
    ASSERT_THROW(workout.run(environment, GetParam()), Cancelled) << nth;
    ASSERT_EQ(environment.bytes, 0U) << nth;
    if (nth % 20 == 0) {
      environment.cancel_at = 0;
      ASSERT_EQ(workout.run(environment, GetParam()), expected) << nth;
    }
  }
  EXPECT_GT(checks, 260U);  // more than once a partition
}

// A budget that is too small for the data, whatever it is, is an error and no more.
TEST(FaultsOnce, EveryBudget) {
  const Workout workout(150);
  TestEnvironment environment;
  const std::uint64_t expected = workout.run(environment, kManyCombinations);
  const std::size_t needed = environment.most_bytes;
  for (std::size_t budget = 0; budget < needed; budget += needed / 97) {
    environment.limit = budget;
    ASSERT_THROW(workout.run(environment, kManyCombinations), std::bad_alloc) << budget;
    ASSERT_EQ(environment.bytes, 0U) << budget;
  }
  environment.limit = needed;
  EXPECT_EQ(workout.run(environment, kManyCombinations), expected);
}

// A callback of each()'s caller may throw: a tuplestore that is full, a cancelled statement.
TEST(FaultsOnce, EveryRowThatTheCallerRefuses) {
  std::vector<InputRow> rows;
  for (int i = 0; i < 20; ++i) rows.push_back(InputRow{1, std::to_string(i)}.link(0, "all"));
  rows.push_back(InputRow{0, "spine"}.link(0, "all"));
  const std::vector<ColumnPlan> columns = {{Shows::kRecordId, source(0)},
                                           {Shows::kRecordId, source(1)}};
  TestEnvironment environment;
  const KeyRing keys = key_ring(1, 2);
  {
    Resolver resolver(environment, shape(1, 2, true), keys);
    auto sink = resolver.make_sink();
    for (const InputRow& row : rows) feed(*sink, row);
    resolver.combine(std::move(sink));
    resolver.finalize();
    IdentityReader reader(resolver);
    Survivorship survivorship(environment, columns, 2, 0);
    Combinations combinations(environment, columns, 2, 100);
    Cells cells = survivorship.make_cells();
    const auto name = [] { return std::string("it"); };
    for (int refused = 1; refused <= 21; ++refused) {
      int emitted = 0;
      const auto emit = [&] {
        if (++emitted == refused) throw Cancelled();
      };
      reader.load(identity(0));
      survivorship.fill(reader, cells);
      if (refused <= 20) {
        ASSERT_THROW(combinations.each(reader, cells, name, emit), Cancelled);
      } else {
        combinations.each(reader, cells, name, emit);
        ASSERT_EQ(emitted, 20);
      }
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
}

}  // namespace
}  // namespace identity_resolve::engine
