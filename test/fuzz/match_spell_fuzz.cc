// Any bytes, as each kind of field: what comes out is UTF-8 and, unless the value was cut, spells
// as itself.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "match/fold.h"
#include "match/nickname.h"
#include "match/spell.h"
#include "match/spell_date.h"
#include "normalize/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace identity_resolve::match;  // NOLINT(google-build-using-namespace)
  namespace normalize = identity_resolve::normalize;
  constexpr std::size_t kKinds = static_cast<std::size_t>(FieldKind::kCategory) + 1;
  // A text that is not cut, nor what it decomposes to: a character becomes eighteen at most, and
  // each may be a token.
  constexpr std::size_t kNotCut = 80;
  if (size == 0) return 0;
  const auto kind = static_cast<FieldKind>(data[0] % kKinds);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string once;
  std::string twice;
  spell(kind, text, once);
  if (!normalize::is_valid_utf8(once)) std::abort();
  spell(kind, once, twice);
  if (text.size() <= kNotCut && once != twice) std::abort();
  fold_umlauts(once, twice);
  if (!normalize::is_valid_utf8(twice) || !normalize::is_valid_utf8(latin(text))) std::abort();
  if (soundex(text).size() % 4 != 0 || suffix_of(text).size() > 3) std::abort();
  (void)are_nicknames(text, once);
  DateOrder order;
  order.look(text);
  spell_date(text, order, once);
  if (!once.empty() && once.size() != 8) std::abort();
  return 0;
}
