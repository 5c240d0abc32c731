#include "normalize/text.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <cstdint>
#include <cstring>

#include "normalize/memory.h"

namespace identity_resolve::normalize {

namespace {

constexpr bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

icu::StringPiece piece(std::string_view text) {
  return {text.data(), static_cast<std::int32_t>(text.size())};
}

// The code point that ends just before `end`, and where it starts.
char32_t previous_code_point(std::string_view text, std::size_t end, std::size_t& start) {
  start = end - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
  std::size_t at = start;
  return next_code_point(text, at);
}

}  // namespace

bool is_ascii(std::string_view text) {
  const char* p = text.data();
  std::size_t left = text.size();
  std::uint64_t high = 0;
  while (left >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    high |= word;
    p += sizeof word;
    left -= sizeof word;
  }
  while (left-- > 0) high |= static_cast<unsigned char>(*p++);
  return (high & 0x8080808080808080U) == 0;
}

void lower_ascii(std::string& text) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;  // times a byte: that byte eight times
  char* p = text.data();
  std::size_t left = text.size();
  for (; left >= sizeof(std::uint64_t); p += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    // In a byte's low seven bits, adding carries into the eighth from 'A' and from behind 'Z' on.
    const std::uint64_t low = word & (kEach * 0x7F);
    const std::uint64_t from_a = low + kEach * (0x80 - 'A');
    const std::uint64_t behind_z = low + kEach * (0x7F - 'Z');
    const std::uint64_t capital = (from_a ^ behind_z) & ~word & (kEach * 0x80);
    word |= capital >> 2U;  // 0x80 becomes 0x20
    std::memcpy(p, &word, sizeof word);
  }
  for (; left > 0; ++p, --left) {
    if (*p >= 'A' && *p <= 'Z') *p = static_cast<char>(*p | 0x20);
  }
}

bool is_valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = p + text.size();
  while (p < end) {
    if (*p < 0x80U) {
      ++p;
      continue;
    }
    const unsigned lead = *p;
    std::ptrdiff_t length = 0;
    unsigned lowest = 0x80U;
    unsigned highest = 0xBFU;  // of the second byte
    if (lead >= 0xC2U && lead <= 0xDFU) {
      length = 2;
    } else if (lead >= 0xE0U && lead <= 0xEFU) {
      length = 3;
      if (lead == 0xE0U) lowest = 0xA0U;   // overlong
      if (lead == 0xEDU) highest = 0x9FU;  // surrogates
    } else if (lead >= 0xF0U && lead <= 0xF4U) {
      length = 4;
      if (lead == 0xF0U) lowest = 0x90U;   // overlong
      if (lead == 0xF4U) highest = 0x8FU;  // above U+10FFFF
    } else {
      return false;
    }
    if (end - p < length || p[1] < lowest || p[1] > highest) return false;
    for (std::ptrdiff_t i = 2; i < length; ++i) {
      if ((p[i] & 0xC0U) != 0x80U) return false;
    }
    p += length;
  }
  return true;
}

bool is_blank(char32_t c) {
  if (c < 0x80) return is_ascii_blank(static_cast<char>(c));
  switch (c) {
    case 0x0085:  // next line
    case 0x00A0:  // no-break space
    case 0x00AD:  // soft hyphen
    case 0x061C:  // Arabic letter mark
    case 0x1680:  // Ogham space mark
    case 0x180E:  // Mongolian vowel separator
    case 0x2028:  // line separator
    case 0x2029:  // paragraph separator
    case 0x202F:  // narrow no-break space
    case 0x205F:  // medium mathematical space
    case 0x3000:  // ideographic space
    case 0xFEFF:  // zero width no-break space, byte order mark
      return true;
    default:
      return (c >= 0x2000 && c <= 0x200F) ||  // spaces; zero width space, (non-)joiner, LRM, RLM
             (c >= 0x202A && c <= 0x202E) ||  // directional embeddings and overrides
             (c >= 0x2060 && c <= 0x2064) ||  // word joiner, invisible operators
             (c >= 0x2066 && c <= 0x206F);    // directional isolates, deprecated format characters
  }
}

std::string_view trim_ascii(std::string_view text) {
  while (!text.empty() && is_ascii_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  text = trim_ascii(text);
  if (text.empty() || ((static_cast<unsigned char>(text.front()) |
                        static_cast<unsigned char>(text.back())) < 0x80U)) {
    return text;
  }
  if (!is_valid_utf8(text)) return text;
  while (!text.empty()) {
    std::size_t at = 0;
    if (!is_blank(next_code_point(text, at))) break;
    text.remove_prefix(at);
  }
  while (!text.empty()) {
    std::size_t start = 0;
    if (!is_blank(previous_code_point(text, text.size(), start))) break;
    text = text.substr(0, start);
  }
  return text;
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(at);
  if (lead < 0x80) {
    at += 1;
    return lead;
  }
  if (lead < 0xE0) {
    at += 2;
    return ((lead & 0x1FU) << 6U) | (byte(at - 1) & 0x3FU);
  }
  if (lead < 0xF0) {
    at += 3;
    return ((lead & 0x0FU) << 12U) | ((byte(at - 2) & 0x3FU) << 6U) | (byte(at - 1) & 0x3FU);
  }
  at += 4;
  return ((lead & 0x07U) << 18U) | ((byte(at - 3) & 0x3FU) << 12U) |
         ((byte(at - 2) & 0x3FU) << 6U) | (byte(at - 1) & 0x3FU);
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0U | (c >> 6U));
    put(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0U | (c >> 12U));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  } else {
    put(0xF0U | (c >> 18U));
    put(0x80U | ((c >> 12U) & 0x3FU));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  }
}

bool to_nfc(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() > kMaxIcuBytes) return false;
  require_memory(kIcuBytes);
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (!icu_succeeded(error)) return false;
  icu::StringByteSink<std::string> sink(&out);
  nfc->normalizeUTF8(0, piece(text), sink, nullptr, error);
  return icu_succeeded(error);
}

bool to_casefold(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() > kMaxIcuBytes) return false;
  require_memory(kIcuBytes);
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(error);
  if (!icu_succeeded(error)) return false;
  std::string decomposed;
  icu::StringByteSink<std::string> decomposed_sink(&decomposed);
  nfd->normalizeUTF8(0, piece(text), decomposed_sink, nullptr, error);
  if (!icu_succeeded(error)) return false;
  std::string folded;
  icu::StringByteSink<std::string> folded_sink(&folded);
  icu::CaseMap::utf8Fold(0, piece(decomposed), folded_sink, nullptr, error);
  return icu_succeeded(error) && to_nfc(folded, out);
}

}  // namespace identity_resolve::normalize
