// The 64-bit numbers by which an identity map's state knows things: identifiers, rows, records.
//
// All are SipHash-2-4 (Aumasson, Bernstein, 2012) under the map's own secret, so that nobody who
// can write a source can make two of them meet. Two identifiers with one key make a refresh look at
// more records than it need, and nothing worse. Two rows of one fingerprint would be taken for one:
// of n rows a changed one is overlooked with p = n / 2^64.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace identity_resolve::engine {

using MapSecret = std::array<std::uint8_t, crypto_shorthash_KEYBYTES>;

// Bytes of several parts, each told apart from the next; reused from one to the next.
class MapHash {
 public:
  // What is hashed: things of different sorts never share a number but by chance.
  enum class Sort : char { kIdentifier = 'i', kRow = 'r', kRecord = 'n' };

  void begin(Sort sort) { bytes_.assign(1, static_cast<char>(sort)); }
  void add(std::int64_t number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  // Seven bits a byte, as the fewer bytes are hashed the sooner a source is read.
  void add_count(std::size_t count) {
    constexpr std::size_t kMore = 0x80;
    for (; count >= kMore; count >>= 7) bytes_ += static_cast<char>(count | kMore);
    bytes_ += static_cast<char>(count);
  }
  void add(std::string_view part) {
    add_count(part.size());
    bytes_.append(part);
  }
  [[nodiscard]] std::int64_t end(const MapSecret& secret) const noexcept {
    std::array<unsigned char, crypto_shorthash_BYTES> hash;
    crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(bytes_.data()),
                     bytes_.size(), secret.data());
    std::int64_t number = 0;
    static_assert(sizeof number == crypto_shorthash_BYTES);
    std::memcpy(&number, hash.data(), sizeof number);
    return number;
  }

 private:
  std::string bytes_;
};

// The key of an identifier; its last bits are the kind's number in the request, so that a map can
// tell which rule it comes under.
inline constexpr std::int64_t kKindsOfMap = 4096;

inline std::int64_t map_key(MapHash& hash, const MapSecret& secret, std::size_t kind,
                            std::string_view kind_name, std::string_view normalized) {
  hash.begin(MapHash::Sort::kIdentifier);
  hash.add(kind_name);
  hash.add(normalized);
  return (hash.end(secret) & ~(kKindsOfMap - 1)) | (static_cast<std::int64_t>(kind) % kKindsOfMap);
}

inline std::size_t kind_of_key(std::int64_t key) noexcept {
  return static_cast<std::size_t>(key & (kKindsOfMap - 1));
}

}  // namespace identity_resolve::engine
