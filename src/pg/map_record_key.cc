#include "pg/map_record_key.h"

#include <sodium.h>

#include "normalize/placeholder.h"
#include "normalize/text.h"
#include "pg/guard.h"
#include "pg/value_text.h"

namespace identity_resolve::pg {

namespace {

// What an index row of 2704 bytes has room for, with the source's number, the mark and the hash.
constexpr int kLongest = 2600;
constexpr std::string_view kMark = "...";

}  // namespace

Datum record_name(Datum id) {
  const std::string_view typed = bytes_of(DatumGetTextPP(id));
  const std::string_view name = guarded([typed] {
    const std::string_view utf8 = to_utf8(typed);
    const std::string_view trimmed = normalize::trim(utf8);
    return trimmed.size() == utf8.size() ? typed : from_utf8(trimmed);
  });
  if (name.size() == typed.size()) return id;
  return PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
}

Datum record_key(Datum id) {
  auto* value = DatumGetTextPP(record_name(id));
  const char* bytes = VARDATA_ANY(value);
  const auto size = static_cast<int>(VARSIZE_ANY_EXHDR(value));
  if (size <= kLongest) return PointerGetDatum(value);
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes),
                     static_cast<unsigned long long>(size));
  const auto begin = static_cast<std::size_t>(pg_mbcliplen(bytes, size, kLongest));
  constexpr std::size_t kDigits = std::size_t{2} * crypto_hash_sha256_BYTES;
  auto* key = static_cast<struct varlena*>(palloc(VARHDRSZ + begin + kMark.size() + kDigits + 1));
  SET_VARSIZE(key, VARHDRSZ + begin + kMark.size() + kDigits);
  char* at = VARDATA(key);
  std::memcpy(at, bytes, begin);
  std::memcpy(at + begin, kMark.data(), kMark.size());
  sodium_bin2hex(at + begin + kMark.size(), kDigits + 1, hash.data(), hash.size());
  return PointerGetDatum(key);
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_record_key(record_id text) → text.
IDENTITY_RESOLVE_FUNCTION(identity_map_record_key) {
  PG_RETURN_DATUM(record_key(PG_GETARG_DATUM(0)));
}

// identity_map_may_name_none(record_id text) → boolean: whether an id is blank, or one that
// programs write where they have none.
IDENTITY_RESOLVE_FUNCTION(identity_map_may_name_none) {
  const std::string_view id = bytes_of(PG_GETARG_TEXT_PP(0));
  PG_RETURN_BOOL(guarded([id] {
    const std::string_view name = identity_resolve::normalize::trim(to_utf8(id));
    return name.empty() || identity_resolve::normalize::is_placeholder(name);
  }));
}
