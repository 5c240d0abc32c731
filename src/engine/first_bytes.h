// What a text begins with, as a number that compares like it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace identity_resolve::engine {

// The first eight bytes, the first of them on top, zeros where there are none: of two texts the one
// that comes first, byte by byte, has no larger number.
[[nodiscard]] inline std::uint64_t first_bytes(std::string_view text) noexcept {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data(), std::min(text.size(), sizeof bytes));
  if constexpr (std::endian::native == std::endian::little) bytes = __builtin_bswap64(bytes);
  return bytes;
}

}  // namespace identity_resolve::engine
