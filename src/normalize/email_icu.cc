#include "normalize/email_icu.h"

#include <unicode/uversion.h>

#include <string>

#include "normalize/email.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

// FNV-1a, a byte at a time; a zero ends each text, so that none runs into the next.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0);
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add_byte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001B3U; }

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kScripts[] = {
    {0x0080, 0x33FF},  // all scripts of the first plane but the ideographs, the Hangul syllables
    {0xA000, 0xABFF},  // and the surrogates
    {0xD7B0, 0xD7FF},   {0xF900, 0xFFFD},
    {0x10000, 0x16FFF},                      // scripts and symbols of the second, without Tangut
    {0x1B000, 0x1FBFF}, {0x2F800, 0x2FA1F},  // ideographs that decompose
    {0xE0000, 0xE01FF},                      // tags and variation selectors
};

}  // namespace

std::uint64_t digest_spellings(const std::function<std::string_view(std::string_view)>& spell) {
  Digest digest;
  std::string character;
  const auto add = [&](std::string_view before, std::string_view behind) {
    digest.add(spell(std::string(before).append(character).append(behind)));
  };
  for (const auto& [first, last] : kScripts) {
    for (char32_t c = first; c <= last; ++c) {
      character.clear();
      append_utf8(c, character);
      add("a", "@x.org");
      add("a@x", ".org");
      add("a@\u05D0", "\u05D0.org");
      add("a@\u0628", "\u200C\u0628.org");
    }
  }
  return digest.value();
}

bool icu_spells_as_ever() {
  UVersionInfo version;
  u_getVersion(version);
  if (version[0] >= kOldestIcu && version[0] <= kNewestIcu) return true;
  Scratch scratch;
  return digest_spellings([&](std::string_view typed) {
           const Address address = read_email(typed, scratch);
           return address.problem == EmailProblem::kNone ? address.text : std::string_view{};
         }) == kSpellings;
}

const char* icu_version() { return U_ICU_VERSION; }

}  // namespace identity_resolve::normalize
