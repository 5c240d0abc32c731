// How alike two texts are, in SQL: jaro_winkler() and damerau(), which src/sql/24-similarity.sql
// declares.
#include "match/compare.h"
#include "spelling/text_argument.h"

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace identity_resolve::pg;
namespace match = identity_resolve::match;

namespace {

// The part of an argument that is compared, as typed. Of a long value that is compressed or stored
// apart no more than this is read.
std::string_view compared_part(Datum argument) {
  constexpr int kMaxCharacters = match::kMaxCompared;
  auto* stored = reinterpret_cast<varlena*>(DatumGetPointer(argument));
  const bool is_toasted = VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored);
  const std::string_view typed = bytes_of(
      is_toasted ? pg_detoast_datum_slice(stored, 0, kMaxCharacters * MAX_MULTIBYTE_CHAR_LEN)
                 : stored);
  if (typed.size() <= match::kMaxCompared) return typed;
  const auto size = static_cast<int>(std::min<std::size_t>(typed.size(), INT_MAX));
  const int part = pg_mbcharcliplen(typed.data(), size, kMaxCharacters);
  return typed.substr(0, static_cast<std::size_t>(part));
}

// A part in UTF-8, on the current memory context. False if UTF-8 lacks one of its characters.
bool to_utf8(std::string_view& part) {
  if (server_speaks_utf8() || identity_resolve::normalize::is_ascii(part)) return true;
  const std::size_t room = part.size() * MAX_CONVERSION_GROWTH + 1;
  auto* utf8 = static_cast<unsigned char*>(palloc(room));
  if (!convert_into({utf8, room}, part, GetDatabaseEncoding(), PG_UTF8)) return false;
  part = reinterpret_cast<const char*>(utf8);
  return true;
}

struct Sides {
  std::string_view left;
  std::string_view right;
};

// Both sides in UTF-8, or both as typed: then a byte is a character.
Sides compared_sides(FunctionCallInfo fcinfo) {
  const Sides typed{compared_part(PG_GETARG_DATUM(0)), compared_part(PG_GETARG_DATUM(1))};
  Sides utf8 = typed;
  return to_utf8(utf8.left) && to_utf8(utf8.right) ? utf8 : typed;
}

}  // namespace

// jaro_winkler(text, text) -> float8
IDENTITY_RESOLVE_FUNCTION(jaro_winkler) {
  const Sides sides = compared_sides(fcinfo);
  PG_RETURN_FLOAT8(guarded([&] { return match::jaro_winkler(sides.left, sides.right); }));
}

// damerau(text, text) -> int
IDENTITY_RESOLVE_FUNCTION(damerau) {
  const Sides sides = compared_sides(fcinfo);
  const std::uint32_t edits = guarded([&] { return match::damerau(sides.left, sides.right); });
  PG_RETURN_INT32(static_cast<int>(edits));
}
