// Datums as UTF-8 text, and back: the engine knows values as bytes only.
#pragma once

#include "pg/json_values.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

// Text of the database's encoding as UTF-8, and the other way: the same bytes where no conversion
// is needed, else on the current memory context. SQL_ASCII is left alone, as nothing is known.
std::string_view to_utf8(std::string_view text);
std::string_view from_utf8(std::string_view text);

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
  // The same in the database's own encoding.
  std::string_view read_as_stored(Datum value);

  // The value as a record id, in the database's own encoding: JSON strings without their quotes.
  // What is no id in JSON (json_scalar()) as read_as_stored() gives it.
  std::string_view read_id_as_stored(Datum value);

  // Whether the text may be blank, or have blanks around it.
  [[nodiscard]] bool may_have_blanks() const noexcept {
    return form_ != Form::kInt2 && form_ != Form::kInt4 && form_ != Form::kInt8;
  }

  // Whether the values are JSON, and in which form.
  [[nodiscard]] JsonForm json() const noexcept { return json_; }

  // Whether the text may depend on the session's settings (OutputSettings).
  [[nodiscard]] bool depends_on_settings() const noexcept { return form_ == Form::kOther; }

 private:
  enum class Form : std::uint8_t { kVarlena, kPadded, kInt2, kInt4, kInt8, kOther };
  Form form_ = Form::kOther;
  JsonForm json_ = JsonForm::kNone;
  bool varlena_ = false;
  FmgrInfo output_{};
};

// The settings under which values of dates, times, intervals, floating-point numbers and bytea are
// written: always the same ones, so that a person's record id, and with it identity_id, does not
// change with DateStyle or TimeZone, and no digit of a number is lost (pg_dump and postgres_fdw
// set the same ones for the same reason). Only while a value is written: the sources' own queries
// run under the session's settings.
class OutputSettings {
 public:
  // A reader whose values will be written.
  void add(const ValueReader& reader) noexcept {
    needed_ = needed_ || reader.depends_on_settings();
  }
  [[nodiscard]] bool needed() const noexcept { return needed_; }
  // Sets them. Raises no error; restore() must follow, also after an error.
  void set() noexcept;
  void restore() noexcept;

 private:
  struct Values {
    int date_style;
    int date_order;
    int interval_style;
    int float_digits;
    int bytea_form;
    pg_tz* time_zone;
  };
  static Values exchange(const Values& values) noexcept;

  bool needed_ = false;
  bool is_set_ = false;
  Values session_{};
};

// Whether UTF-8 text can be written in the database's encoding: a normalised value may have letters
// that the typed one had not (LATIN1 has µ, whose case-folded form is a Greek μ).
// Throws PgError for an encoding without a conversion.
bool has_spelling(std::string_view utf8);

// UTF-8 text for a message, in the database's encoding; letters that the client's encoding lacks
// are written \u{1f600}: a warning that cannot be sent would end the statement by an error.
std::string for_client(std::string_view utf8);

// Makes text values one after the other in memory of its own, so that none asks PostgreSQL for any.
class TextWriter {
 public:
  // The value lives until the next call, as does `row_memory`, on which a text is converted where
  // the database's encoding is not UTF-8. Throws PgError where that encoding cannot spell it,
  // engine::Error 54000 beyond 1 GB.
  Datum write(std::string_view utf8, MemoryContext row_memory);

 private:
  std::string buffer_;
};

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
