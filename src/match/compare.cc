#include "match/compare.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "normalize/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace identity_resolve::match {

namespace {

// ---- Characters ----

// What stands for a byte that is no part of a code point: behind the last of these.
constexpr char32_t kInvalid = 0x110000;

// The character at text[at]; moves `at` behind it. Well-formed is what RFC 3629 says.
char32_t next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> char32_t { return static_cast<unsigned char>(text[i]); };
  const char32_t first = byte(at);
  const std::size_t start = at++;
  if (first < 0x80) return first;
  const auto invalid = [&] {
    at = start + 1;
    return kInvalid + first;
  };
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4) return invalid();
  char32_t c = first & (0x3FU >> more);
  for (int i = 0; i < more; ++i, ++at) {
    if (at == text.size() || (byte(at) & 0xC0) != 0x80) return invalid();
    c = c << 6 | (byte(at) & 0x3F);
  }
  const bool is_overlong = (more == 2 && c < 0x800) || (more == 3 && c < 0x10000);
  if (is_overlong || (c >= 0xD800 && c < 0xE000) || c >= kInvalid) return invalid();
  return c;
}

// The characters of a value that are compared.
class Characters {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init,hicpp-member-init): those behind are
  // unread
  explicit Characters(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && size_ < kMaxCompared;) {
      characters_[size_++] = next_character(text, at);
    }
  }
  [[nodiscard]] std::span<const char32_t> all() const { return {characters_.data(), size_}; }

 private:
  std::array<char32_t, kMaxCompared> characters_;
  std::size_t size_ = 0;
};

// ASCII text is its characters.
std::span<const char> as_ascii(std::string_view text) { return {text.data(), text.size()}; }

bool are_short_ascii(std::string_view a, std::string_view b) {
  return a.size() <= forms::kMaxBits && b.size() <= forms::kMaxBits && normalize::is_ascii(a) &&
         normalize::is_ascii(b);
}

// ---- What is counted, as a similarity ----

// How far apart common characters may stand.
std::size_t reach_of(std::size_t longer) { return longer < 4 ? 0 : longer / 2 - 1; }

constexpr std::size_t kMaxPrefix = 4;

// `common` characters, of which `displaced` stand elsewhere in the order of the other value, and
// `prefix` equal ones at the beginning. No number here is above 30 * kMaxCompared^3, so a double
// holds each exactly.
double similarity(std::uint64_t a_length, std::uint64_t b_length, std::uint64_t common,
                  std::uint64_t displaced, std::uint64_t prefix) {
  if (common == 0) return a_length == 0 && b_length == 0 ? 1.0 : 0.0;
  const std::uint64_t product = a_length * b_length;
  const std::uint64_t jaro =
      common * common * (a_length + b_length) + (common - displaced / 2) * product;
  const std::uint64_t whole = 3 * common * product;
  const std::uint64_t boost = 10 * jaro >= 7 * whole ? prefix * (whole - jaro) : 0;
  return static_cast<double>(static_cast<std::int64_t>(10 * jaro + boost)) /
         static_cast<double>(static_cast<std::int64_t>(10 * whole));
}

// ---- Character by character ----

template <class Character>
std::size_t prefix_of(std::span<const Character> a, std::span<const Character> b) {
  const std::size_t most = std::min({a.size(), b.size(), kMaxPrefix});
  std::size_t prefix = 0;
  while (prefix < most && a[prefix] == b[prefix]) ++prefix;
  return prefix;
}

double jaro_winkler_plain(std::span<const char32_t> a, std::span<const char32_t> b) {
  const std::size_t reach = reach_of(std::max(a.size(), b.size()));
  std::array<bool, kMaxCompared> taken{};
  std::array<char32_t, kMaxCompared> in_order;  // the common characters, in the order of a
  std::size_t common = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t end = std::min(b.size(), i + reach + 1);
    for (std::size_t j = i > reach ? i - reach : 0; j < end; ++j) {
      if (taken[j] || a[i] != b[j]) continue;
      taken[j] = true;
      in_order[common++] = a[i];
      break;
    }
  }
  std::size_t displaced = 0;
  for (std::size_t j = 0, k = 0; k < common; ++j) {
    if (taken[j] && b[j] != in_order[k++]) ++displaced;
  }
  return similarity(a.size(), b.size(), common, displaced, prefix_of(a, b));
}

// Ukkonen's band ("Algorithms for Approximate String Matching", 1985): what lies further from the
// diagonal than `limit` is more than `limit` edits away.
std::uint32_t damerau_plain(std::span<const char32_t> a, std::span<const char32_t> b,
                            std::uint32_t limit) {
  const std::size_t m = a.size();
  const std::size_t n = b.size();
  if ((m > n ? m - n : n - m) > limit) return limit + 1;
  // The rows of the last three characters of a; [j] is for the first j characters of b.
  using Row = std::array<std::uint32_t, kMaxCompared + 1>;
  std::array<Row, 3> rows;
  constexpr std::uint32_t kFar = 4 * kMaxCompared;
  for (Row& row : rows) std::fill_n(row.begin(), n + 1, kFar);
  for (std::size_t j = 0; j <= n; ++j) rows[0][j] = static_cast<std::uint32_t>(j);
  for (std::size_t i = 1; i <= m; ++i) {
    const Row& before = rows[(i - 1) % 3];
    const Row& two_before = rows[(i + 1) % 3];
    Row& row = rows[i % 3];
    const std::size_t first = i > limit ? i - limit : 1;
    const std::size_t last = std::min<std::size_t>(n, i + limit);
    row[first - 1] = first == 1 ? static_cast<std::uint32_t>(i) : kFar;
    if (last < n) row[last + 1] = kFar;
    std::uint32_t least = row[first - 1];
    for (std::size_t j = first; j <= last; ++j) {
      std::uint32_t edits = std::min({before[j] + 1, row[j - 1] + 1,
                                      before[j - 1] + static_cast<unsigned>(a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        edits = std::min(edits, two_before[j - 2] + 1);
      }
      row[j] = edits;
      least = std::min(least, edits);
    }
    // The next row comes from this one, or by an exchange from the one before, in which nothing is
    // below `limit` then: one edit leads from there to here.
    if (least > limit) return limit + 1;
  }
  return std::min(rows[m % 3][n], limit + 1);
}

// ---- A bit for each character ----

// Where each character stands in a value of up to 64: bit i for place i.
template <class Character>
class Places {
 public:
  explicit Places(std::span<const Character> value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      Slot& slot = slots_[slot_of(value[i])];
      slot.character = value[i];
      slot.places |= std::uint64_t{1} << i;
    }
  }
  [[nodiscard]] std::uint64_t of(Character c) const { return slots_[slot_of(c)].places; }

 private:
  struct Slot {
    std::uint64_t places;
    Character character;
  };
  static constexpr std::size_t kSlots = 128;  // one for each of ASCII, and half of them stay free

  [[nodiscard]] std::size_t slot_of(Character c) const {
    std::size_t slot = static_cast<std::size_t>(c) % kSlots;
    while (slots_[slot].places != 0 && slots_[slot].character != c) slot = (slot + 1) % kSlots;
    return slot;
  }

  std::array<Slot, kSlots> slots_{};
};
template <>
class Places<char> {
 public:
  explicit Places(std::span<const char> ascii) {
    for (std::size_t i = 0; i < ascii.size(); ++i) {
      places_[static_cast<unsigned char>(ascii[i])] |= std::uint64_t{1} << i;
    }
  }
  [[nodiscard]] std::uint64_t of(char c) const { return places_[static_cast<unsigned char>(c)]; }

 private:
  std::array<std::uint64_t, 128> places_{};
};

// The lowest `count` bits.
std::uint64_t low_bits(std::size_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

template <class Character>
double jaro_winkler_bits(std::span<const Character> a, std::span<const Character> b) {
  const std::size_t reach = reach_of(std::max(a.size(), b.size()));
  const Places<Character> places(b);
  std::array<std::uint64_t, forms::kMaxBits> taken_by;  // the bit of b for each common one of a
  std::array<Character, forms::kMaxBits> in_order;      // and the character itself
  std::uint64_t taken = 0;
  std::size_t common = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::uint64_t near = i > reach ? low_bits(2 * reach + 1) << (i - reach)  //
                                         : low_bits(i + reach + 1);
    const std::uint64_t left = places.of(a[i]) & near & ~taken;
    if (left == 0) continue;
    taken_by[common] = left & -left;
    in_order[common++] = a[i];
    taken |= left & -left;
  }
  std::size_t displaced = 0;
  for (std::size_t k = 0; k < common; ++k, taken &= taken - 1) {
    if ((taken & -taken) == taken_by[k]) continue;
    displaced += static_cast<std::size_t>((places.of(in_order[k]) & taken & -taken) == 0);
  }
  return similarity(a.size(), b.size(), common, displaced, prefix_of(a, b));
}

// A column of the table of distances between the first characters of a and of b, by what it adds
// from one place to the next: Hyyro, "A Bit-Vector Algorithm for Computing Levenshtein and Damerau
// Edit Distances" (Nordic Journal of Computing 10, 2003), the form with exchanges.
template <class Bits>
class Column {
 public:
  // Takes one more character of b, which stands at `places` in a. Where the last row rises or
  // falls by one, `up` and `down` have its bit.
  void take(Bits places, Bits& up, Bits& down) {
    const Bits exchanged = static_cast<Bits>((~zero_ & places) << 1) & places_before_;
    zero_ = (((places & plus_) + plus_) ^ plus_) | places | minus_ | exchanged;
    up = minus_ | static_cast<Bits>(~(zero_ | plus_));
    down = zero_ & plus_;
    const Bits up_shifted = static_cast<Bits>(up << 1) | 1;
    plus_ = static_cast<Bits>(down << 1) | static_cast<Bits>(~(zero_ | up_shifted));
    minus_ = up_shifted & zero_;
    places_before_ = places;
  }

 private:
  Bits plus_ = static_cast<Bits>(~Bits{0});
  Bits minus_ = 0;
  Bits zero_ = 0;
  Bits places_before_ = 0;
};

template <class Character>
std::uint32_t damerau_bits(std::span<const Character> a, std::span<const Character> b,
                           std::uint32_t limit) {
  const std::size_t m = a.size();
  const std::size_t n = b.size();
  if ((m > n ? m - n : n - m) > limit) return limit + 1;
  if (m == 0) return static_cast<std::uint32_t>(n);
  const Places<Character> places(a);
  Column<std::uint64_t> column;
  auto edits = static_cast<std::uint32_t>(m);
  for (std::size_t j = 0; j < n; ++j) {
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    column.take(places.of(b[j]), up, down);
    edits += static_cast<std::uint32_t>(up >> (m - 1) & 1);
    edits -= static_cast<std::uint32_t>(down >> (m - 1) & 1);
    // What is left of b takes away one for each character at most.
    if (edits > limit + (n - 1 - j)) return limit + 1;
  }
  return std::min(edits, limit + 1);
}

// ---- Sixteen bytes at once ----

// Where what two values of sixteen bytes have in common stands, as bits. Each of these has
//   matches(a, b, at)  bit j of at[i] for a[i] == b[j], of the eight i that begin at 8 * half
//   same(a, b)         bit i for a[i] == b[i]
//   shifted(a, b)      bit i for a[i + 1] == b[i]; bit 15 says nothing
using Bytes = std::array<char, Padded::kMaxLength>;
using Matches = std::array<std::uint32_t, 8>;

struct PlainBytes {
  template <std::size_t kHalf>
  static void matches(const Bytes& a, const Bytes& b, Matches& at) {
    for (std::size_t i = 0; i < 8; ++i) {
      at[i] = 0;
      for (std::size_t j = 0; j < b.size(); ++j) {
        at[i] |= static_cast<std::uint32_t>(a[8 * kHalf + i] == b[j]) << j;
      }
    }
  }
  static std::uint32_t same(const Bytes& a, const Bytes& b) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      bits |= static_cast<std::uint32_t>(a[i] == b[i]) << i;
    return bits;
  }
  static std::uint32_t shifted(const Bytes& a, const Bytes& b) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i + 1 < a.size(); ++i) {
      bits |= static_cast<std::uint32_t>(a[i + 1] == b[i]) << i;
    }
    return bits;
  }
};

#if defined(__SSE2__)
struct VectorBytes {
  static __m128i load(const Bytes& bytes) {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes.data()));
  }
  static std::uint32_t equal(__m128i a, __m128i b) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
  }
  template <std::size_t kHalf>
  static void matches(const Bytes& a, const Bytes& b, Matches& at) {
    const __m128i bytes = load(a);
    const __m128i other = load(b);
    // Each byte twice, then four times: a shuffle of words of four bytes spreads one over all.
    const __m128i twice = kHalf == 0 ? _mm_unpacklo_epi8(bytes, bytes)  //
                                     : _mm_unpackhi_epi8(bytes, bytes);
    const __m128i low = _mm_unpacklo_epi16(twice, twice);
    const __m128i high = _mm_unpackhi_epi16(twice, twice);
    at[0] = equal(_mm_shuffle_epi32(low, 0x00), other);
    at[1] = equal(_mm_shuffle_epi32(low, 0x55), other);
    at[2] = equal(_mm_shuffle_epi32(low, 0xAA), other);
    at[3] = equal(_mm_shuffle_epi32(low, 0xFF), other);
    at[4] = equal(_mm_shuffle_epi32(high, 0x00), other);
    at[5] = equal(_mm_shuffle_epi32(high, 0x55), other);
    at[6] = equal(_mm_shuffle_epi32(high, 0xAA), other);
    at[7] = equal(_mm_shuffle_epi32(high, 0xFF), other);
  }
  static std::uint32_t same(const Bytes& a, const Bytes& b) { return equal(load(a), load(b)); }
  static std::uint32_t shifted(const Bytes& a, const Bytes& b) {
    return equal(_mm_srli_si128(load(a), 1), load(b));
  }
};
#elif defined(__aarch64__)
struct VectorBytes {
  static uint8x16_t load(const Bytes& bytes) {
    return vld1q_u8(reinterpret_cast<const std::uint8_t*>(bytes.data()));
  }
  static std::uint32_t equal(uint8x16_t a, uint8x16_t b) {
    static constexpr std::array<std::uint8_t, 16> kBits{1, 2, 4, 8, 16, 32, 64, 128,
                                                        1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vandq_u8(vceqq_u8(a, b), vld1q_u8(kBits.data()));
    return static_cast<std::uint32_t>(vaddv_u8(vget_low_u8(bits))) |
           static_cast<std::uint32_t>(vaddv_u8(vget_high_u8(bits))) << 8;
  }
  template <std::size_t kHalf>
  static void matches(const Bytes& a, const Bytes& b, Matches& at) {
    const uint8x16_t other = load(b);
    for (std::size_t i = 0; i < 8; ++i) {
      at[i] = equal(vdupq_n_u8(static_cast<std::uint8_t>(a[8 * kHalf + i])), other);
    }
  }
  static std::uint32_t same(const Bytes& a, const Bytes& b) { return equal(load(a), load(b)); }
  static std::uint32_t shifted(const Bytes& a, const Bytes& b) {
    const uint8x16_t bytes = load(a);
    return equal(vextq_u8(bytes, bytes, 1), load(b));
  }
};
#else
using VectorBytes = PlainBytes;
#endif

// The common characters of a and b, found among eight of a at a time.
class Common {
 public:
  Common(std::uint32_t b_length, std::uint32_t reach)
      : all_((1U << b_length) - 1), left_(all_), near_((2U << 2 * reach) - 1), reach_(reach) {}

  template <std::size_t kHalf>
  void find(const Matches& at) {
#pragma GCC unroll 8
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint32_t place = static_cast<std::uint32_t>(8 * kHalf) + i;
      const std::uint32_t free = at[i] & left_ & near_ << place >> reach_;
      const std::uint32_t lowest = free & (0U - free);
      // One that stands before another that is taken already is out of order.
      crossed_ |= (all_ ^ left_) & (0U - lowest);
      left_ ^= lowest;
      count_ += static_cast<std::uint32_t>(free != 0);
      found_ |= static_cast<std::uint32_t>(free != 0) << place;
    }
  }
  [[nodiscard]] std::uint32_t count() const { return count_; }
  // How many stand elsewhere in the order of the other value.
  [[nodiscard]] std::uint32_t displaced(const std::array<Matches, 2>& at) const {
    if (crossed_ == 0) return 0;
    std::uint32_t displaced = 0;
    std::uint32_t taken = all_ ^ left_;
    for (std::uint32_t found = found_; found != 0; found &= found - 1, taken &= taken - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(found));
      displaced += static_cast<std::uint32_t>((at[i / 8][i % 8] & taken & (0U - taken)) == 0);
    }
    return displaced;
  }

 private:
  std::uint32_t all_;
  std::uint32_t left_;
  std::uint32_t near_;
  std::uint32_t reach_;
  std::uint32_t crossed_ = 0;
  std::uint32_t found_ = 0;
  std::uint32_t count_ = 0;
};

// What stands behind a value equals what stands behind the other only, which is masked.
template <class Vector>
double jaro_winkler_padded(const Padded& left, const Padded& right) {
  const bool is_turned = left.length > right.length;
  const Padded& a = is_turned ? right : left;
  const Padded& b = is_turned ? left : right;
  if (a.length == 0) return b.length == 0 ? 1.0 : 0.0;
  std::array<Matches, 2> at;
  Common common(b.length, static_cast<std::uint32_t>(reach_of(b.length)));
  Vector::template matches<0>(a.bytes, b.bytes, at[0]);
  common.find<0>(at[0]);
  if (a.length > 8) {
    Vector::template matches<1>(a.bytes, b.bytes, at[1]);
    common.find<1>(at[1]);
  }
  const std::uint32_t most = std::min<std::uint32_t>(kMaxPrefix, a.length);
  const auto prefix = std::countr_zero(~Vector::same(a.bytes, b.bytes) | 1U << most);
  return similarity(a.length, b.length, common.count(), common.displaced(at),
                    static_cast<std::uint64_t>(prefix));
}

template <class Vector>
std::uint32_t damerau_padded(const Padded& left, const Padded& right) {
  // A character of the shorter one is a step.
  const bool is_turned = left.length > right.length;
  const Padded& a = is_turned ? right : left;
  const Padded& b = is_turned ? left : right;
  if (a.length == 0) return b.length;
  std::array<Matches, 2> at;
  Vector::template matches<0>(a.bytes, b.bytes, at[0]);
  if (a.length > 8) Vector::template matches<1>(a.bytes, b.bytes, at[1]);
  Column<std::uint32_t> column;
  std::uint32_t edits = b.length;
  const std::uint32_t last = b.length - 1U;
  for (std::size_t i = 0; i < a.length; ++i) {
    std::uint32_t up = 0;
    std::uint32_t down = 0;
    column.take(at[i / 8][i % 8], up, down);
    edits += (up >> last & 1) - (down >> last & 1);
  }
  return edits;
}

template <class Vector>
bool one_edit_padded(const Padded& left, const Padded& right) {
  const bool is_turned = left.length > right.length;
  const Padded& a = is_turned ? right : left;
  const Padded& b = is_turned ? left : right;
  const std::uint32_t all = (1U << a.length) - 1;
  const std::uint32_t differ = ~Vector::same(a.bytes, b.bytes) & all;
  if (b.length == a.length + 1) {
    // Behind the first that differs, b goes on one place later.
    const std::uint32_t behind = all & (0U - (differ & (0U - differ)));
    return (~Vector::shifted(b.bytes, a.bytes) & behind) == 0;
  }
  if (a.length != b.length || differ == 0) return false;
  const std::uint32_t first = differ & (0U - differ);
  if (differ == first) return true;
  return differ == (first | first << 1) &&
         (Vector::shifted(a.bytes, b.bytes) & Vector::shifted(b.bytes, a.bytes) & first) != 0;
}

}  // namespace

std::optional<Padded> Padded::of(std::string_view value) {
  std::optional<Padded> padded(std::in_place);
  if (value.size() <= kMaxLength && normalize::is_ascii(value)) {
    value.copy(padded->bytes.data(), value.size());
    padded->length = static_cast<std::uint8_t>(value.size());
    return padded;
  }
  std::size_t length = 0;
  for (std::size_t at = 0; at < value.size();) {
    const char32_t c = next_character(value, at);
    if (length == kMaxLength || c >= 0xFF) return std::nullopt;
    padded->bytes[length++] = static_cast<char>(c);
  }
  padded->length = static_cast<std::uint8_t>(length);
  return padded;
}

double jaro_winkler(const Padded& a, const Padded& b) {
  return jaro_winkler_padded<VectorBytes>(a, b);
}
std::uint32_t damerau(const Padded& a, const Padded& b) {
  return damerau_padded<VectorBytes>(a, b);
}
bool one_edit(const Padded& a, const Padded& b) { return one_edit_padded<VectorBytes>(a, b); }

double jaro_winkler(std::string_view a, std::string_view b) {
  if (const auto a_padded = Padded::of(a)) {
    if (const auto b_padded = Padded::of(b)) return jaro_winkler(*a_padded, *b_padded);
  }
  if (are_short_ascii(a, b)) return jaro_winkler_bits(as_ascii(a), as_ascii(b));
  const Characters a_characters(a);
  const Characters b_characters(b);
  if (std::max(a_characters.all().size(), b_characters.all().size()) <= forms::kMaxBits) {
    return jaro_winkler_bits(a_characters.all(), b_characters.all());
  }
  return jaro_winkler_plain(a_characters.all(), b_characters.all());
}

std::uint32_t damerau_at_most(std::string_view a, std::string_view b, std::uint32_t limit) {
  limit = std::min<std::uint32_t>(limit, kMaxCompared);
  if (const auto a_padded = Padded::of(a)) {
    if (const auto b_padded = Padded::of(b)) {
      return std::min(damerau(*a_padded, *b_padded), limit + 1);
    }
  }
  if (are_short_ascii(a, b)) return damerau_bits(as_ascii(a), as_ascii(b), limit);
  const Characters a_characters(a);
  const Characters b_characters(b);
  if (std::max(a_characters.all().size(), b_characters.all().size()) <= forms::kMaxBits) {
    return damerau_bits(a_characters.all(), b_characters.all(), limit);
  }
  return damerau_plain(a_characters.all(), b_characters.all(), limit);
}

std::uint32_t damerau(std::string_view a, std::string_view b) {
  return damerau_at_most(a, b, kMaxCompared);
}

bool one_edit(std::string_view a, std::string_view b) { return damerau_at_most(a, b, 1) == 1; }

namespace forms {

double jaro_winkler_plain(std::string_view a, std::string_view b) {
  return match::jaro_winkler_plain(Characters(a).all(), Characters(b).all());
}
std::uint32_t damerau_plain(std::string_view a, std::string_view b, std::uint32_t limit) {
  return match::damerau_plain(Characters(a).all(), Characters(b).all(), limit);
}
double jaro_winkler_bits(std::string_view a, std::string_view b) {
  if (are_short_ascii(a, b)) return match::jaro_winkler_bits(as_ascii(a), as_ascii(b));
  return match::jaro_winkler_bits(Characters(a).all(), Characters(b).all());
}
std::uint32_t damerau_bits(std::string_view a, std::string_view b, std::uint32_t limit) {
  if (are_short_ascii(a, b)) return match::damerau_bits(as_ascii(a), as_ascii(b), limit);
  return match::damerau_bits(Characters(a).all(), Characters(b).all(), limit);
}
double jaro_winkler_padded_plain(const Padded& a, const Padded& b) {
  return jaro_winkler_padded<PlainBytes>(a, b);
}
std::uint32_t damerau_padded_plain(const Padded& a, const Padded& b) {
  return damerau_padded<PlainBytes>(a, b);
}
bool one_edit_padded_plain(const Padded& a, const Padded& b) {
  return one_edit_padded<PlainBytes>(a, b);
}

}  // namespace forms

}  // namespace identity_resolve::match
