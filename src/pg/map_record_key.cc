#include "pg/map_record_key.h"

#include <sodium.h>

namespace identity_resolve::pg {

namespace {

// What an index row of 2704 bytes has room for, with the source's number, the mark and the hash.
constexpr int kLongest = 2600;
constexpr std::string_view kMark = "...";

}  // namespace

Datum record_key(Datum id) {
  auto* value = DatumGetTextPP(id);
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
