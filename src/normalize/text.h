// Text in Unicode, as far as identifiers need it: blanks, UTF-8 validity, canonical forms and case.
#pragma once

#include <string>
#include <string_view>

namespace identity_resolve::normalize {

/// Whether every byte is ASCII.
[[nodiscard]] bool is_ascii(std::string_view text);

/// Makes lower-case letters of the ASCII capitals in `text` and leaves every other byte alone.
void lower_ascii(std::string& text);

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above
/// U+10FFFF).
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Whether a code point is blank at the end of a value: Unicode's White_Space, and the zero-width
/// and directional marks that copying from a web page or a PDF brings along. The list is fixed, so
/// that it does not move with the ICU version.
[[nodiscard]] bool is_blank(char32_t c);

/// `text` without ASCII blanks (space, \t, \n, \v, \f, \r) at its ends.
[[nodiscard]] std::string_view trim_ascii(std::string_view text);

/// `text` without blanks (`is_blank`) at its ends. Text that is not valid UTF-8 loses ASCII blanks
/// only. Reads the whole of `text` only if a byte beyond ASCII stands at one of its ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Decodes the code point at `text[at]` and moves `at` behind it. `text` must be valid UTF-8.
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& at);

/// Appends `c` in UTF-8.
void append_utf8(char32_t c, std::string& out);

/// `text` in Normalization Form C, into `out`, which is overwritten. `text` must be valid UTF-8 and
/// not lie in `out`. False if ICU refuses (more than `kMaxIcuBytes`); throws std::bad_alloc if it
/// is out of memory.
[[nodiscard]] bool to_nfc(std::string_view text, std::string& out);

/// `text` in Unicode's canonical caseless form (The Unicode Standard, section 3.13, D145: full case
/// folding between two canonical normalisations), composed, into `out`, which is overwritten. Same
/// conditions as `to_nfc`.
[[nodiscard]] bool to_casefold(std::string_view text, std::string& out);

/// ICU counts in 32 bits and a case fold may triple a text: what is longer is not given to it.
inline constexpr std::size_t kMaxIcuBytes = std::size_t{1} << 28;

}  // namespace identity_resolve::normalize
