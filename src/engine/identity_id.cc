#include "engine/identity_id.h"

#include <sodium.h>

#include <cstddef>

namespace identity_resolve::engine {

Uuid identity_id(std::string_view source, std::string_view record_id) noexcept {
  constexpr std::size_t kLengthBytes = 8;
  constexpr std::size_t kBlock = 128;  // BLAKE2b's: what fits needs no copies of its state
  std::array<unsigned char, kBlock> block;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    block[i] = static_cast<unsigned char>(std::uint64_t{source.size()} >> (8 * i));
  }
  Uuid uuid;
  static_assert(sizeof(Uuid) == crypto_generichash_BYTES_MIN);
  if (source.size() + record_id.size() <= kBlock - kLengthBytes) {
    source.copy(reinterpret_cast<char*>(block.data()) + kLengthBytes, source.size());
    record_id.copy(reinterpret_cast<char*>(block.data()) + kLengthBytes + source.size(),
                   record_id.size());
    crypto_generichash(uuid.data(), uuid.size(), block.data(),
                       kLengthBytes + source.size() + record_id.size(), nullptr, 0);
  } else {
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, uuid.size());
    crypto_generichash_update(&state, block.data(), kLengthBytes);
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(source.data()),
                              source.size());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(record_id.data()),
                              record_id.size());
    crypto_generichash_final(&state, uuid.data(), uuid.size());
  }
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x80);  // version 8
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);  // variant 10
  return uuid;
}

}  // namespace identity_resolve::engine
