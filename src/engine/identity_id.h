// The id of an identity: a UUID that depends on nothing but the identity's first record.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace identity_resolve::engine {

using Uuid = std::array<std::uint8_t, 16>;

// The version-8 UUID (RFC 9562, section 5.8) of an identity whose first record, by source
// precedence and then by record id, is (source, record_id), both UTF-8.
// 122 bits of BLAKE2b (RFC 7693) over the source's length as 8 bytes little-endian, its name, and
// the record id: collision resistant, for whoever could choose record ids that collide could have
// two people shown under one identity_id. Call sodium_init() (KeyRing does) before.
Uuid identity_id(std::string_view source, std::string_view record_id) noexcept;

}  // namespace identity_resolve::engine
