#include "engine/key.h"

#include <sodium.h>

#include <cstring>
#include <stdexcept>

namespace identity_resolve::engine {

KeyRing::KeyRing(std::span<const std::byte, kSecretBytes> secret, std::size_t kinds,
                 std::size_t sources)
    : kinds_(kinds), secrets_(kinds + sources) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(Secret));
  std::uint64_t number = 0;
  for (Secret& derived : secrets_) {
    crypto_generichash(derived.data(), derived.size(),
                       reinterpret_cast<const unsigned char*>(&number), sizeof number,
                       reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
    ++number;
  }
}

Key KeyRing::hash(const Secret& secret, std::string_view bytes) noexcept {
  std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> digest;
  crypto_shorthash_siphashx24(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                              bytes.size(), secret.data());
  Key key;
  static_assert(sizeof key == digest.size());
  std::memcpy(&key, digest.data(), sizeof key);
  return key;
}

}  // namespace identity_resolve::engine
