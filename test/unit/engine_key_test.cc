#include "engine/key.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <set>
#include <string>

#include "unit/engine_testing.h"

namespace identity_resolve::engine {
namespace {

using testing::key_ring;
using testing::kind;
using testing::source;

KeyRing counting_ring() {
  std::array<std::byte, kSecretBytes> secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = std::byte(i);
  return KeyRing(secret, 2, 1);
}

// Worked out by another program: Python's hashlib for the secrets (BLAKE2b of the number of the
// kind or source as 8 bytes little-endian, keyed by the ring's secret 00 01 … 1f), and SipHash-2-4
// with 128 bits written from its paper, which agrees with the reference implementation's vectors.
TEST(Key, IsSipHash24Of128Bits) {
  const KeyRing keys = counting_ring();
  EXPECT_EQ(keys.identifier(kind(0), ""), (Key{0xbe6e3d63257f94c2, 0x2f67114949486273}));
  EXPECT_EQ(keys.identifier(kind(0), "ziggy@stardust.com"),
            (Key{0x7420f4d3b68a9343, 0x506dcfff75407e90}));
  EXPECT_EQ(keys.identifier(kind(1), "ziggy@stardust.com"),
            (Key{0x048b2d48fcab247e, 0xb5e7a07483740dc2}));
  EXPECT_EQ(keys.record(source(0), "ziggy@stardust.com"),
            (Key{0x65250a77e2fa7b79, 0x3178b252cfdae382}));
  std::string hundred(100, '\0');
  std::iota(hundred.begin(), hundred.end(), '\0');
  EXPECT_EQ(keys.record(source(0), hundred), (Key{0x9ceda69de2b23398, 0x41e639fa4a17c07a}));
}

TEST(Key, DependsOnTheSecretAlone) {
  const KeyRing one = key_ring(3, 3, 1);
  const KeyRing same = key_ring(3, 3, 1);
  const KeyRing other = key_ring(3, 3, 2);
  EXPECT_EQ(one.identifier(kind(1), "a"), same.identifier(kind(1), "a"));
  EXPECT_EQ(one.record(source(1), "a"), same.record(source(1), "a"));
  EXPECT_NE(one.identifier(kind(1), "a"), other.identifier(kind(1), "a"));
  EXPECT_NE(one.record(source(1), "a"), other.record(source(1), "a"));
}

TEST(Key, EqualBytesOfDifferentKindsAndSourcesNeverMeet) {
  const KeyRing keys = key_ring(200, 200);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  for (std::size_t i = 0; i < 200; ++i) {
    const Key of_kind = keys.identifier(kind(i), "1");
    const Key of_source = keys.record(source(i), "1");
    EXPECT_TRUE(seen.emplace(of_kind.high, of_kind.low).second) << "kind " << i;
    EXPECT_TRUE(seen.emplace(of_source.high, of_source.low).second) << "source " << i;
  }
}

// Both halves carry the hash: the partition, the place in the index and the tag come from them.
TEST(Key, ManyValuesShareNoHalf) {
  const KeyRing keys = key_ring(1, 1);
  std::set<std::uint64_t> highs;
  std::set<std::uint64_t> lows;
  std::array<std::size_t, 256> in_partition{};
  for (std::size_t i = 0; i < 50000; ++i) {
    const Key key = keys.identifier(kind(0), std::to_string(i));
    ASSERT_TRUE(highs.insert(key.high).second);
    ASSERT_TRUE(lows.insert(key.low).second);
    ++in_partition[key.high >> 56U];
  }
  for (const std::size_t count : in_partition) {  // 195 each; six standard deviations are 84
    EXPECT_GT(count, 110U);
    EXPECT_LT(count, 280U);
  }
}

TEST(Key, AnyBytesAndAnyLength) {
  const KeyRing keys = key_ring(1, 1);
  std::set<std::uint64_t> seen;
  for (std::size_t length = 0; length < 300; ++length) {
    EXPECT_TRUE(seen.insert(keys.identifier(kind(0), std::string(length, '\0')).high).second);
  }
  std::string large(1 << 20U, 'x');
  const Key before = keys.identifier(kind(0), large);
  large.back() = 'y';
  EXPECT_NE(keys.identifier(kind(0), large), before);
  EXPECT_EQ(keys.identifier(kind(0), {}), keys.identifier(kind(0), ""));
}

}  // namespace
}  // namespace identity_resolve::engine
