// What ASCII characters are, whatever the locale.
#pragma once

namespace identity_resolve::normalize {

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
[[nodiscard]] constexpr bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
/// The small letter of a capital; anything else as it is.
[[nodiscard]] constexpr char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c | 0x20) : c;
}
/// The capital of a small letter; anything else as it is.
[[nodiscard]] constexpr char to_upper(char c) {
  return is_letter(c) ? static_cast<char>(static_cast<unsigned char>(c) & 0xDFU) : c;
}

}  // namespace identity_resolve::normalize
