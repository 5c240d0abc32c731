#include "match/fold.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "normalize/ascii.h"
#include "normalize/memory.h"
#include "normalize/text.h"

namespace identity_resolve::match {

namespace {

using normalize::append_utf8;
using normalize::is_digit;
using normalize::is_letter;
using normalize::to_lower;

// What a code point is to a text of tokens.
enum class Role : std::uint8_t {
  kLetters,    // part of a token
  kInvisible,  // nothing: an accent, an apostrophe
  kBetween,    // parts tokens
};

// The code point at `text[at]`, and `at` behind it; U+FFFD for a byte that is no UTF-8.
char32_t next_of_any(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead < 0x80U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
  if (!normalize::is_valid_utf8(text.substr(at, size))) {
    ++at;
    return 0xFFFD;
  }
  return normalize::next_code_point(text, at);
}

// Those that stand inside names. Some decompose to a blank and an accent, so they are asked for
// before they decompose.
constexpr bool is_apostrophe(char32_t c) {
  switch (c) {
    case '\'':
    case '`':
    case 0x00B4:  // acute accent, as typed for an apostrophe
    case 0x02B9:  // modifier letter prime
    case 0x02BB:  // ʻokina
    case 0x02BC:  // modifier letter apostrophe
    case 0x02BD:
    case 0x02BE:  // hamza
    case 0x02BF:  // ayn
    case 0x02C8:
    case 0x2018:  // quotation marks
    case 0x2019:
    case 0x201B:
    case 0x2032:  // prime
    case 0xFF07:  // full-width
      return true;
    default:
      return false;
  }
}

// By canonical combining class (UAX #44): accents are 200 and above, 1 is an overlay, 7 a nukta, 10
// to 36 are the points of Hebrew, Arabic and Syriac, which are written or not. The others are part
// of the word: kana voicing (8), virama (9), vowels of South and South-East Asia.
bool is_accent(UChar32 c) {
  const std::uint8_t place = u_getCombiningClass(c);
  return place >= 200 || place == 1 || place == 7 || (place >= 10 && place <= 36);
}

// Appends the letters of one code point that does not decompose any further.
Role put_plain(char32_t c, std::string& out) {
  if (c < 0x80) {
    const auto ascii = static_cast<char>(c);
    if (is_apostrophe(c)) return Role::kInvisible;
    if (!is_letter(ascii) && !is_digit(ascii)) return Role::kBetween;
    out.push_back(to_lower(ascii));
    return Role::kLetters;
  }
  const auto icu = static_cast<UChar32>(c);
  if (is_apostrophe(c) || is_accent(icu) || c == 0x0640 /* tatweel, which only lengthens */ ||
      u_hasBinaryProperty(icu, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
    return Role::kInvisible;
  }
  if (const std::int32_t digit = u_charDigitValue(icu); digit >= 0) {
    out.push_back(static_cast<char>('0' + digit));
    return Role::kLetters;
  }
  constexpr std::uint32_t kParts = U_GC_L_MASK | U_GC_M_MASK | U_GC_NL_MASK;
  if ((U_GET_GC_MASK(icu) & kParts) == 0) return Role::kBetween;
  const auto folded = static_cast<char32_t>(u_foldCase(icu, U_FOLD_CASE_DEFAULT));
  if (const std::string_view ascii = ascii_of_letter(folded); !ascii.empty()) {
    out.append(ascii);
  } else {
    append_utf8(folded, out);
  }
  return Role::kLetters;
}

const icu::Normalizer2* nfkd() {
  static const icu::Normalizer2* const instance = [] {
    normalize::require_memory(normalize::kIcuBytes);
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* made = icu::Normalizer2::getNFKDInstance(error);
    return normalize::icu_succeeded(error) ? made : nullptr;
  }();
  return instance;
}

// Calls put(part) for each code point that `c` decomposes to.
template <typename Put>
void decompose(char32_t c, Put put) {
  icu::UnicodeString parts;
  const icu::Normalizer2* const form = nfkd();
  if (is_apostrophe(c) || form == nullptr ||
      !form->getDecomposition(static_cast<UChar32>(c), parts)) {
    put(c);
    return;
  }
  for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    put(static_cast<char32_t>(parts.char32At(i)));
  }
}

// The letters of Europe, U+0080 to U+024F, folded once and for all.
constexpr char32_t kTableBegin = 0x80;
constexpr char32_t kTableEnd = 0x250;

struct Folded {
  Role role = Role::kBetween;
  std::uint8_t size = 0;  // 0 of kLetters: not in the table
  std::array<char, 2> letters{};
};

using Table = std::array<Folded, kTableEnd - kTableBegin>;

const Table& table() {
  static const Table made = [] {
    Table result;
    for (char32_t c = kTableBegin; c < kTableEnd; ++c) {
      std::string letters;
      Role role = Role::kInvisible;
      bool is_simple = true;
      decompose(c, [&](char32_t part) {
        const Role one = put_plain(part, letters);
        if (one == Role::kBetween) {
          if (role == Role::kLetters) is_simple = false;
          role = Role::kBetween;
        } else if (one == Role::kLetters) {
          if (role == Role::kBetween) is_simple = false;
          role = Role::kLetters;
        }
      });
      Folded& folded = result[c - kTableBegin];
      folded.role = is_simple ? role : Role::kLetters;
      if (is_simple && role == Role::kLetters && letters.size() <= folded.letters.size() &&
          normalize::is_ascii(letters)) {
        folded.size = static_cast<std::uint8_t>(letters.size());
        std::copy(letters.begin(), letters.end(), folded.letters.begin());
      }
    }
    return result;
  }();
  return made;
}

// By byte: 0 parts tokens, 1 is dropped, 2 is beyond ASCII; else the letter or digit it becomes.
constexpr auto kBytes = [] {
  std::array<char, 256> bytes{};
  for (int i = 0; i < 128; ++i) {
    const auto c = static_cast<char>(i);
    if (is_letter(c) || is_digit(c)) bytes[i] = to_lower(c);
  }
  bytes['\''] = bytes['`'] = 1;
  for (int i = 128; i < 256; ++i) bytes[i] = 2;
  return bytes;
}();

}  // namespace

std::string_view cut(std::string_view utf8) {
  if (utf8.size() <= kMaxInput) return utf8;
  std::size_t end = kMaxInput;
  // A character has three bytes of continuation at most.
  for (int i = 0; i < 3 && (static_cast<unsigned char>(utf8[end]) & 0xC0U) == 0x80U; ++i) --end;
  return utf8.substr(0, end);
}

std::string_view ascii_of_letter(char32_t letter) {
  // clang-format off
  switch (letter) {
    case U'ß': case 0x1E9E: return "ss";
    case U'æ': return "ae";
    case U'œ': return "oe";
    case U'þ': return "th";
    case U'ƀ': case U'ƃ': case U'ɓ': return "b";
    case U'ƈ': case U'ȼ': return "c";
    case U'ð': case U'đ': case U'ƌ': case U'ɖ': case U'ɗ': return "d";
    case U'ǝ': case U'ə': case U'ɛ': case U'ɇ': return "e";
    case U'ƒ': return "f";
    case U'ǥ': case U'ɠ': case U'ɣ': return "g";
    case U'ħ': return "h";
    case U'ı': case U'ɨ': case U'ɩ': return "i";
    case U'ȷ': case U'ɉ': return "j";
    case U'ĸ': case U'ƙ': return "k";
    case U'ł': case U'ƚ': return "l";
    case U'ŋ': case U'ɲ': case U'ƞ': return "n";
    case U'ø': case U'ɔ': case U'ɵ': return "o";
    case U'ƥ': return "p";
    case U'ɍ': case U'ʀ': return "r";
    case U'ʃ': return "s";
    case U'ŧ': case U'ƭ': case U'ʈ': return "t";
    case U'ʉ': return "u";
    case U'ʋ': return "v";
    case U'ƴ': case U'ɏ': return "y";
    case U'ƶ': case U'ȥ': case U'ʒ': return "z";
    case 0x2C65: return "a";
    default: return {};
  }
  // clang-format on
}

void fold_to_ascii(std::string_view utf8, std::string& out) {
  out.clear();
  utf8 = cut(utf8);
  std::string letters;
  for (std::size_t at = 0; at < utf8.size();) {
    if (static_cast<unsigned char>(utf8[at]) < 0x80U) {
      out.push_back(to_lower(utf8[at++]));
      continue;
    }
    decompose(next_of_any(utf8, at), [&](char32_t part) {
      letters.clear();
      const Role role = put_plain(part, letters);
      if (part < 0x80) {
        out.push_back(to_lower(static_cast<char>(part)));
      } else if (role == Role::kLetters && normalize::is_ascii(letters)) {
        out.append(letters);
      } else if (role != Role::kInvisible) {
        out.push_back(' ');
      }
    });
  }
}

// Makes tokens of characters as they come. Inlined into one loop over the bytes of a text.
class Tokens::Reader {
 public:
  explicit Reader(Tokens& tokens) : tokens_(tokens), to_(tokens.text_.data()) {}

  void letter(char c) {
    if (is_between_) begin();
    if (to_ < end_) *to_++ = c;
  }
  void letters(std::string_view text) {
    if (is_between_) begin();
    if (static_cast<std::size_t>(end_ - to_) < text.size()) {
      end_ = to_;  // a character is not torn
      return;
    }
    std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
  }
  void between(char32_t c) {
    if (!is_between_) {
      finish();
      is_between_ = true;
      gap_ = c == '.'                                 ? Gap::kDot
             : c == '-' || c == 0x2010 || c == 0x2011 ? Gap::kHyphen
                                                      : Gap::kOther;
    } else {
      if (gap_ != Gap::kComma) gap_ = Gap::kOther;
    }
    if (c == ',') gap_ = Gap::kComma;
  }
  // A code point beyond the table of European letters.
  void code_point(char32_t c) {
    decompose(c, [&](char32_t part) {
      scratch_.clear();
      switch (put_plain(part, scratch_)) {
        case Role::kBetween:
          between(part);
          break;
        case Role::kInvisible:
          break;
        case Role::kLetters:
          // A mark without a letter before it is no word.
          if (is_between_ && (U_GET_GC_MASK(static_cast<UChar32>(part)) & U_GC_M_MASK) != 0) break;
          letters(scratch_);
          if (!normalize::is_ascii(scratch_)) is_foreign_ = true;
          break;
      }
    });
  }
  void finish() {
    if (is_between_ || is_full()) return;
    Token& token = tokens_.tokens_[tokens_.count_];
    token.size = static_cast<std::uint32_t>(to_ - token.data);
    if (token.size > 0) ++tokens_.count_;
    if (tokens_.count_ == kMaxTokens) end_ = to_;
  }
  [[nodiscard]] bool is_full() const { return tokens_.count_ == kMaxTokens; }
  [[nodiscard]] bool is_foreign() const { return is_foreign_; }
  [[nodiscard]] std::size_t used() const {
    return static_cast<std::size_t>(to_ - tokens_.text_.data());
  }

 private:
  void begin() {
    is_between_ = false;
    if (is_full()) return;
    Token& token = tokens_.tokens_[tokens_.count_];
    token.data = to_;
    token.gap = tokens_.count_ == 0 ? Gap::kOther : gap_;
  }

  Tokens& tokens_;
  char* to_;
  char* end_ = to_ + kRoom;
  std::string scratch_;
  Gap gap_ = Gap::kOther;
  bool is_between_ = true;
  bool is_foreign_ = false;
};

Tokens::Tokens(std::string_view utf8) {
  utf8 = cut(utf8);
  Reader reader(*this);
  for (std::size_t at = 0; at < utf8.size() && !reader.is_full();) {
    const char byte = kBytes[static_cast<unsigned char>(utf8[at])];
    if (byte > 2) {
      reader.letter(byte);
      ++at;
    } else if (byte == 0) {
      reader.between(static_cast<unsigned char>(utf8[at]));
      ++at;
    } else if (byte == 1) {
      ++at;
    } else {
      const char32_t c = next_of_any(utf8, at);
      if (c >= 0x300 && c < 0x370) continue;  // accents
      if (c >= kTableEnd) {
        reader.code_point(c);
        continue;
      }
      const Folded& folded = table()[c - kTableBegin];
      if (folded.role == Role::kBetween) {
        reader.between(c);
      } else if (folded.role == Role::kLetters) {
        if (folded.size == 0) {
          reader.code_point(c);
        } else {
          reader.letters({folded.letters.data(), folded.size});
        }
      }
    }
  }
  reader.finish();
  used_ = reader.used();
  if (!reader.is_foreign()) return;
  // Hangul and kana are composed again. A blank takes part in no composition.
  std::string joined;
  join(joined);
  if (!normalize::to_nfc(joined, composed_)) return;
  const char* from = composed_.data();
  const char* const end = from + composed_.size();
  for (std::size_t i = 0; i < count_; ++i) {
    const char* const blank = std::find(from, end, ' ');
    tokens_[i].data = from;
    tokens_[i].size = static_cast<std::uint32_t>(blank - from);
    from = blank == end ? end : blank + 1;
  }
}

void Tokens::erase(std::size_t i) {
  std::move(tokens_.begin() + i + 1, tokens_.begin() + count_, tokens_.begin() + i);
  --count_;
}

void Tokens::replace(std::size_t i, std::string_view text) {
  tokens_[i].data = text.data();
  tokens_[i].size = static_cast<std::uint32_t>(text.size());
}

bool Tokens::insert(std::size_t i, std::string_view text) {
  if (count_ == kMaxTokens) return false;
  std::move_backward(tokens_.begin() + i, tokens_.begin() + count_, tokens_.begin() + count_ + 1);
  ++count_;
  replace(i, text);
  tokens_[i].gap = Gap::kOther;
  return true;
}

bool Tokens::merge(std::size_t begin, std::size_t end) {
  std::size_t size = 0;
  for (std::size_t i = begin; i < end; ++i) size += tokens_[i].size;
  if (size > kRoom - used_) return false;
  char* const merged = text_.data() + used_;
  for (std::size_t i = begin; i < end; ++i) {
    std::memcpy(text_.data() + used_, tokens_[i].data, tokens_[i].size);
    used_ += tokens_[i].size;
  }
  tokens_[begin].data = merged;
  tokens_[begin].size = static_cast<std::uint32_t>(size);
  std::move(tokens_.begin() + end, tokens_.begin() + count_, tokens_.begin() + begin + 1);
  count_ -= end - begin - 1;
  return true;
}

void Tokens::rotate(std::size_t begin) {
  std::rotate(tokens_.begin(), tokens_.begin() + begin, tokens_.begin() + count_);
}

void Tokens::join(std::string& out, std::string_view between) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (i > 0) out.append(between);
    out.append(text(i));
  }
}

}  // namespace identity_resolve::match
