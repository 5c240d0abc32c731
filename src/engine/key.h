// Keys: a 128-bit keyed hash stands for each identifier, so that the union stage compares and
// moves 16 bytes, whatever the values' lengths.
//
// SipHash-2-4 with 128-bit output (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012;
// libsodium's crypto_shorthash_siphashx24). By chance two of 10^9 identifiers share a key with
// p < 2e-21; by craft nobody can make two share one, for each call draws its own secret.
// Every kind, and the record ids of every source, hash under a secret of their own, so that equal
// bytes of different kinds never meet.
#pragma once

#include <array>
#include <boost/container/vector.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/types.h"

namespace identity_resolve::engine {

struct Key {
  std::uint64_t high;
  std::uint64_t low;
  // Keys are random: their order brings equal ones together, and is none to show.
  friend auto operator<=>(const Key&, const Key&) = default;
};

inline constexpr std::size_t kSecretBytes = 32;

class KeyRing {
 public:
  // secret: 32 bytes that nobody can guess; kinds and sources: how many of each there are.
  // The per-kind and per-source secrets are derived from it by keyed BLAKE2b (RFC 7693).
  KeyRing(std::span<const std::byte, kSecretBytes> secret, std::size_t kinds, std::size_t sources);

  // The key of an identifier: its kind and its normalised bytes.
  [[nodiscard]] Key identifier(KindNumber kind, std::string_view normalized) const noexcept {
    return hash(secrets_[index(kind)], normalized);
  }
  // The key of a record: its source and its id.
  [[nodiscard]] Key record(SourceNumber source, std::string_view record_id) const noexcept {
    return hash(secrets_[kinds_ + index(source)], record_id);
  }

 private:
  using Secret = std::array<unsigned char, 16>;
  static Key hash(const Secret& secret, std::string_view bytes) noexcept;

  std::size_t kinds_;
  boost::container::vector<Secret> secrets_;
};

}  // namespace identity_resolve::engine
