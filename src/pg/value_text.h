// Datums as UTF-8 text, and back: the engine knows values as bytes only.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Gives the text of values of one type. Plain data: safe to hold where errors are raised.
class ValueReader {
 public:
  ValueReader() = default;
  // For values of `type`. Raises a PostgreSQL error for a type without an output function.
  explicit ValueReader(Oid type);

  // The value's text as its output function gives it, in UTF-8 where the database's encoding is
  // known; character(n) without its padding. Lives as long as the datum, or on the current memory
  // context. Raises whatever the output function raises.
  std::string_view read(Datum value);

 private:
  enum class Form : std::uint8_t { kVarlena, kPadded, kInt2, kInt4, kInt8, kOther };
  Form form_ = Form::kOther;
  bool varlena_ = false;
  FmgrInfo output_{};
};

// Text of the database's encoding as UTF-8, and the other way: the same bytes where no conversion
// is needed, else on the current memory context. SQL_ASCII is left alone, as nothing is known.
std::string_view to_utf8(std::string_view text);
std::string_view from_utf8(std::string_view text);

// Makes values of one type from UTF-8 text, by the type's input function.
class ValueWriter {
 public:
  ValueWriter() = default;
  ValueWriter(Oid type, std::int32_t typmod);

  // On the current memory context. Raises whatever the input function raises.
  Datum write(std::string_view text);

 private:
  enum class Form : std::uint8_t { kText, kInt4, kInt8, kOther };
  Form form_ = Form::kOther;
  std::int32_t typmod_ = -1;
  Oid parameter_ = InvalidOid;
  FmgrInfo input_{};
};

}  // namespace identity_resolve::pg
