// A text argument on its way to a normaliser and back: encodings are settled here.
//
// Nothing here lets a C++ exception into PostgreSQL or owns an object with a destructor when it
// calls PostgreSQL: the value is detoasted by the caller, read inside guarded(), and what comes out
// is plain data.
#pragma once

#include "normalize/email.h"
#include "normalize/normalize.h"
#include "normalize/text.h"
#include "pg/border.h"
#include "pg/pg.h"

extern "C" {
#include <catalog/namespace.h>
}

namespace identity_resolve::pg {

// What an argument says: something that has one spelling, in UTF-8 and spelled so, or something
// else, as typed.
struct Reading {
  bool is_valid;
  std::string_view text;
};

// A comparison has two sides. What they write to lives as long as the session and stays small, as
// no spelling is longer than a thousand bytes.
inline normalize::Scratch left_scratch;
inline normalize::Scratch right_scratch;

// Whether the bytes of a text are UTF-8 already. A database without an encoding holds what its
// clients sent; the reader finds out whether that is UTF-8.
inline bool server_speaks_utf8() {
  const int encoding = GetDatabaseEncoding();
  return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

// `bytes` from one encoding to another, into `out`, with a zero behind. False if there is no way
// from one to the other, or one of the characters has none.
inline bool convert_into(std::span<unsigned char> out, std::string_view bytes, int from, int to) {
  const Oid conversion = FindDefaultConversionProc(from, to);
  if (!OidIsValid(conversion)) return false;
  const auto size = static_cast<int>(bytes.size());
  // The interface is not const-correct; the bytes are only read.
  auto* in = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  const int done = pg_do_encoding_conversion_buf(conversion, from, to, in, size, out.data(),
                                                 static_cast<int>(out.size()), true);
  return done == size;
}

// The same, in memory that the next call overwrites.
inline bool convert(std::string_view bytes, int from, int to, std::string_view& converted) {
  constexpr std::size_t kMaxBytes = normalize::kMaxEmailInput * MAX_MULTIBYTE_CHAR_LEN;
  static std::array<unsigned char, (kMaxBytes + 1) * MAX_CONVERSION_GROWTH + 1> out;
  if (bytes.size() > kMaxBytes || !convert_into(out, bytes, from, to)) return false;
  converted = reinterpret_cast<const char*>(out.data());
  return true;
}

// `typed`, in the database's encoding, in UTF-8.
inline bool convert_to_utf8(std::string_view typed, std::string_view& utf8) {
  return convert(typed, GetDatabaseEncoding(), PG_UTF8, utf8);
}

// Reads a value with `spell`, which is normalize::normalize_email or another function of its form.
template <class Spell>
Reading read_with(text* value, normalize::Scratch& scratch, Spell&& spell) {
  const std::string_view typed = bytes_of(value);
  std::string_view utf8 = typed;
  if (!server_speaks_utf8() && !normalize::is_ascii(typed)) {
    if (!convert_to_utf8(normalize::trim_ascii(typed), utf8)) return {false, typed};
  }
  const Reading reading = guarded([&]() -> Reading {
    const normalize::Result result = spell(utf8, scratch);
    if (result.status != normalize::Status::kValid) return {false, typed};
    // The next conversion overwrites `utf8`, so what points into it moves to the scratch.
    if (utf8.data() != typed.data() && result.text.data() != scratch.data()) {
      scratch.assign(result.text);
      return {true, scratch};
    }
    return {true, result.text};
  });
  // What the database's encoding cannot write has no spelling in this database.
  std::string_view written;
  if (reading.is_valid && !server_speaks_utf8() && !normalize::is_ascii(reading.text) &&
      !convert(reading.text, PG_UTF8, GetDatabaseEncoding(), written)) {
    return {false, typed};
  }
  return reading;
}

// A valid reading's text in the database's encoding.
inline text* to_server_text(std::string_view utf8) {
  std::string_view written = utf8;
  if (!server_speaks_utf8() && !normalize::is_ascii(utf8)) {
    convert(utf8, PG_UTF8, GetDatabaseEncoding(), written);
  }
  return cstring_to_text_with_len(written.data(), static_cast<int>(written.size()));
}

}  // namespace identity_resolve::pg
