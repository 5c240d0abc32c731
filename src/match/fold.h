// Text as folded tokens: what every spelling of matching starts from.
//
// Folding: compatibility decomposition (NFKD, UAX #15), accents dropped, case folded, digits of all
// scripts as ASCII digits, Latin letters that do not decompose as their nearest ASCII letters (ß
// ss, ø o, ł l, æ ae). Letters of other scripts stay, composed again (NFC). Apostrophes and
// invisible characters vanish; whatever else is no letter and no digit parts tokens, invalid bytes
// as well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace identity_resolve::match {

// What is read of a value: a longer one is cut here, at the end of a character. Names, addresses
// and companies are shorter; what is longer is prose.
inline constexpr std::size_t kMaxInput = 1000;

// `utf8` without what is behind kMaxInput bytes.
[[nodiscard]] std::string_view cut(std::string_view utf8);

// The ASCII letters that a folded letter (in lower case) beyond ASCII is read as, or nothing.
[[nodiscard]] std::string_view ascii_of_letter(char32_t letter);

// `utf8` in ASCII, into `out`, which is overwritten: letters and digits folded, ASCII signs as
// they are, a blank for anything else. `utf8` is cut and need not be valid.
void fold_to_ascii(std::string_view utf8, std::string& out);

// What stands between a token and the one before it.
enum class Gap : std::uint8_t {
  kOther,
  kDot,     // one full stop and nothing else
  kHyphen,  // one hyphen and nothing else
  kComma,   // a comma among it
};

// A token: letters and digits. It has no initialisers, so that a list of them costs nothing.
struct Token {
  const char* data;
  std::uint32_t size;
  Gap gap;

  [[nodiscard]] std::string_view text() const { return {data, size}; }
};

// The tokens of one text, to be changed by the rules of a kind. Lives on the stack and asks for no
// memory as long as the text has letters of European scripts only. At most kMaxTokens are kept.
class Tokens {
 public:
  static constexpr std::size_t kMaxTokens = 96;

  // Folds `utf8`, which is cut and need not be valid.
  explicit Tokens(std::string_view utf8);
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const Token& operator[](std::size_t i) const { return tokens_[i]; }
  [[nodiscard]] std::string_view text(std::size_t i) const { return tokens_[i].text(); }

  void erase(std::size_t i);
  void clear() { count_ = 0; }
  // Puts `text`, which must outlive this, in place of a token.
  void replace(std::size_t i, std::string_view text);
  // Puts `text`, which must outlive this, before token `i`. False if there is no room.
  bool insert(std::size_t i, std::string_view text);
  // Makes one token of those from `begin` to before `end`. False if there is no room.
  bool merge(std::size_t begin, std::size_t end);
  // Moves the tokens from `begin` on before all others.
  void rotate(std::size_t begin);

  // Appends the tokens to `out`, with `between` between them.
  void join(std::string& out, std::string_view between = " ") const;

 private:
  class Reader;

  // An input byte makes at most one output byte, but for a few code points that decompose to many.
  static constexpr std::size_t kRoom = 2 * kMaxInput;

  std::array<char, kRoom> text_;
  std::array<Token, kMaxTokens> tokens_;
  std::string composed_;  // the text, where it had to be composed
  std::size_t used_ = 0;
  std::size_t count_ = 0;
};

}  // namespace identity_resolve::match
