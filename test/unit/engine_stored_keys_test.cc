#include "engine/stored_keys.h"

#include <gtest/gtest.h>

#include <set>

namespace identity_resolve::engine {
namespace {

MapSecret secret(std::uint8_t first) {
  MapSecret made{};
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::uint8_t>(first + i);
  return made;
}

std::int64_t hash_of(MapHash::Sort sort, std::initializer_list<std::string_view> parts) {
  MapHash hash;
  hash.begin(sort);
  for (const std::string_view part : parts) hash.add(part);
  return hash.end(secret(0));
}

constexpr auto kRow = MapHash::Sort::kRow;

TEST(StoredKeys, StayWhatTheyAre) {
  // They are on disk: a map whose keys read otherwise in the next version would know nobody.
  MapHash hash;
  EXPECT_EQ(map_key(hash, secret(0), 5, "email", "ziggy@stardust.com"), 3151649205078368261);
  EXPECT_EQ(map_key(hash, secret(1), 5, "email", "ziggy@stardust.com"), 8599405532017954821);
  EXPECT_EQ(hash_of(kRow, {"a", "", std::string_view("\0b", 2)}), -1521084742873705701);
  EXPECT_EQ(hash_of(MapHash::Sort::kRecord, {std::string(300, 'x')}), 8763850323705269506);
  hash.begin(kRow);
  hash.add(std::int64_t{-2});
  EXPECT_EQ(hash.end(secret(0)), 1730819314404674982);
}

TEST(StoredKeys, TellPartsApart) {
  EXPECT_NE(hash_of(kRow, {"ab", "c"}), hash_of(kRow, {"a", "bc"}));
  EXPECT_NE(hash_of(kRow, {"ab"}), hash_of(kRow, {"ab", ""}));
  EXPECT_NE(hash_of(kRow, {}), hash_of(kRow, {""}));
  EXPECT_NE(hash_of(kRow, {"x"}), hash_of(MapHash::Sort::kRecord, {"x"}));
  EXPECT_NE(hash_of(kRow, {"x"}), hash_of(MapHash::Sort::kIdentifier, {"x"}));
  // No length makes another text's beginning.
  std::set<std::int64_t> all;
  for (std::size_t size = 0; size < 600; ++size)
    all.insert(hash_of(kRow, {std::string(size, '\x01'), "y"}));
  EXPECT_EQ(all.size(), 600U);
}

TEST(StoredKeys, SayTheirKind) {
  MapHash hash;
  std::set<std::int64_t> all;
  for (std::size_t kind = 0; kind < 100; ++kind) {
    const std::int64_t key = map_key(hash, secret(0), kind, "email", std::to_string(kind));
    EXPECT_EQ(kind_of_key(key), kind);
    all.insert(key - static_cast<std::int64_t>(kind));
  }
  EXPECT_EQ(all.size(), 100U);
  // The kind's name counts and not only its number.
  EXPECT_NE(map_key(hash, secret(0), 1, "email", "1"), map_key(hash, secret(0), 1, "phone", "1"));
}

TEST(StoredKeys, AreTheSecrets) {
  MapHash hash;
  EXPECT_NE(map_key(hash, secret(0), 1, "email", "1"), map_key(hash, secret(7), 1, "email", "1"));
}

}  // namespace
}  // namespace identity_resolve::engine
