#include "engine/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::TestEnvironment;

bool is_aligned(const std::byte* place) { return reinterpret_cast<std::uintptr_t>(place) % 8 == 0; }

TEST(Arena, AsksForNoMemoryBeforeItsFirstPiece) {
  TestEnvironment environment;
  Arena arena(environment.memory());
  EXPECT_EQ(environment.allocations, 0U);
  EXPECT_EQ(arena.room(), 0U);
}

TEST(Arena, PiecesAreAlignedAndNeverOverlap) {
  TestEnvironment environment;
  {
    Arena arena(environment.memory());
    std::mt19937 random(1);
    std::vector<std::pair<std::byte*, std::size_t>> pieces;
    for (int i = 0; i < 3000; ++i) {
      const std::size_t size = i % 100 == 0 ? random() % 200000 : random() % 300;
      std::byte* piece = arena.allocate(size);
      ASSERT_TRUE(is_aligned(piece));
      std::memset(piece, i % 251, size);
      pieces.emplace_back(piece, size);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto [piece, size] = pieces[i];
      ASSERT_TRUE(
          std::all_of(piece, piece + size, [&](std::byte b) { return b == std::byte(i % 251); }))
          << "piece " << i;
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
  EXPECT_EQ(environment.wrong_deallocations, 0U);
  EXPECT_LE(environment.largest_alignment, 8U);
}

TEST(Arena, AnOpenPieceKeepsItsBytesWhileItGrows) {
  TestEnvironment environment;
  Arena arena(environment.memory());
  std::byte* open = arena.open(1);
  std::size_t begun = 0;
  for (; begun < 5000000; begun += 1000) {
    if (begun + 1000 > arena.room()) open = arena.open(begun + 1000, open, begun);
    std::memset(open + begun, static_cast<int>(begun / 1000 % 251), 1000);
  }
  arena.take(begun);
  for (std::size_t i = 0; i < begun; ++i) {
    ASSERT_EQ(open[i], std::byte(i / 1000 % 251)) << i;
  }
  // Moved a logarithmic number of times, not five thousand.
  EXPECT_LT(environment.allocations, 30U);
  EXPECT_TRUE(is_aligned(arena.open(1)));
}

TEST(Arena, TakingAnOddNumberOfBytesLeavesTheNextPieceAligned) {
  TestEnvironment environment;
  Arena arena(environment.memory());
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    ASSERT_TRUE(is_aligned(arena.open(bytes)));
    arena.take(bytes);
    ASSERT_TRUE(is_aligned(arena.allocate(bytes)));
  }
}

TEST(Arena, SmallPiecesWasteLittle) {
  TestEnvironment environment;
  Arena arena(environment.memory());
  std::size_t handed_out = 0;
  for (int i = 0; i < 200000; ++i) {
    arena.allocate(48);
    handed_out += 48;
  }
  EXPECT_LT(environment.bytes, handed_out + (std::size_t{9} << 20U));  // the last block is 8 MiB
}

TEST(Arena, ClearGivesEverythingBackAndStartsAnew) {
  TestEnvironment environment;
  {
    Arena arena(environment.memory());
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 1000; ++i) std::memset(arena.allocate(1000), round, 1000);
      arena.clear();
      EXPECT_EQ(arena.room(), 0U);
      EXPECT_LT(environment.bytes, 10000U);  // the list of blocks stays
    }
  }
  EXPECT_EQ(environment.bytes, 0U);
}

TEST(Arena, AFailedAllocationLeavesWhatWasHandedOut) {
  TestEnvironment environment;
  {
    Arena arena(environment.memory());
    std::byte* piece = arena.allocate(100);
    std::memset(piece, 7, 100);
    environment.limit = environment.bytes;
    EXPECT_THROW(arena.allocate(1000000), std::bad_alloc);
    EXPECT_THROW(arena.open(1000000, piece, 100), std::bad_alloc);
    environment.limit = SIZE_MAX;
    EXPECT_TRUE(std::all_of(piece, piece + 100, [](std::byte b) { return b == std::byte{7}; }));
    std::memset(arena.allocate(1000000), 8, 1000000);
  }
  EXPECT_EQ(environment.bytes, 0U);
}

}  // namespace
}  // namespace identity_resolve::engine
