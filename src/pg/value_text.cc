#include "pg/value_text.h"

#include <fmt/format.h>

#include "pg/border.h"

namespace identity_resolve::pg {

namespace {

bool is_ascii(std::string_view text) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & 0x8080808080808080U) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

bool is_open(int encoding) noexcept { return encoding == PG_UTF8 || encoding == PG_SQL_ASCII; }
bool is_utf8_already() noexcept { return is_open(GetDatabaseEncoding()); }

std::string_view convert(std::string_view text, int from, int to) {
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  unsigned char* converted =
      pg_do_encoding_conversion(bytes, static_cast<int>(text.size()), from, to);
  if (converted == bytes) return text;
  return reinterpret_cast<char*>(converted);
}

// Whether a text has no letter that the other encoding lacks. Throws PgError for an encoding
// without a conversion.
bool can_convert(std::string_view text, int from, int to) {
  constexpr std::size_t kLongest = std::size_t{INT_MAX} / MAX_CONVERSION_GROWTH - 1;
  if (is_ascii(text) || text.size() > kLongest) return true;
  return call([=] {
    const Oid conversion = FindDefaultConversionProc(from, to);
    if (!OidIsValid(conversion)) return false;
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
    const auto length = static_cast<int>(text.size());
    const std::size_t room = text.size() * MAX_CONVERSION_GROWTH + 1;
    auto* buffer = static_cast<unsigned char*>(MemoryContextAllocHuge(CurrentMemoryContext, room));
    const int converted = pg_do_encoding_conversion_buf(conversion, from, to, bytes, length, buffer,
                                                        static_cast<int>(room), true);
    pfree(buffer);
    return converted == length;
  });
}

// Digits on the current memory context.
template <class Integer>
std::string_view digits(Integer number) {
  constexpr std::size_t kLongest = 21;
  auto* buffer = static_cast<char*>(palloc(kLongest));
  const auto end = std::to_chars(buffer, buffer + kLongest, number);
  return {buffer, static_cast<std::size_t>(end.ptr - buffer)};
}

}  // namespace

std::string_view to_utf8(std::string_view text) {
  if (is_utf8_already() || is_ascii(text)) return text;
  return convert(text, GetDatabaseEncoding(), PG_UTF8);
}

std::string_view from_utf8(std::string_view text) {
  if (is_utf8_already() || is_ascii(text)) return text;
  return convert(text, PG_UTF8, GetDatabaseEncoding());
}

void OutputSettings::set() noexcept {
  session_ = exchange(
      {USE_ISO_DATES, DATEORDER_MDY, INTSTYLE_POSTGRES, 3, BYTEA_OUTPUT_HEX, pg_tzset("GMT")});
  is_set_ = true;
}

void OutputSettings::restore() noexcept {
  if (is_set_) exchange(session_);
  is_set_ = false;
}

OutputSettings::Values OutputSettings::exchange(const Values& values) noexcept {
  return {std::exchange(DateStyle, values.date_style),
          std::exchange(DateOrder, values.date_order),
          std::exchange(IntervalStyle, values.interval_style),
          std::exchange(extra_float_digits, values.float_digits),
          std::exchange(bytea_output, values.bytea_form),
          std::exchange(session_timezone, values.time_zone)};
}

bool has_spelling(std::string_view utf8) {
  return is_utf8_already() || can_convert(utf8, PG_UTF8, GetDatabaseEncoding());
}

std::string for_client(std::string_view utf8) {
  const int client = pg_get_client_encoding();
  if (is_open(client) || GetDatabaseEncoding() == PG_SQL_ASCII ||
      can_convert(utf8, PG_UTF8, client)) {
    return std::string(call([&] { return from_utf8(utf8); }));
  }
  std::string result;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(utf8.data() + at);
    const auto length = static_cast<std::size_t>(pg_utf_mblen(bytes));
    if (length == 1 || at + length > utf8.size()) {
      result += utf8[at++];
    } else {
      // A char32_t since PostgreSQL 19.
      const std::uint32_t character{utf8_to_unicode(bytes)};
      result += fmt::format("\\u{{{:x}}}", character);
      at += length;
    }
  }
  return result;
}

ValueReader::ValueReader(Oid type) {
  switch (getBaseType(type)) {
    case TEXTOID:
    case VARCHAROID:
      form_ = Form::kVarlena;
      return;
    case BPCHAROID:
      form_ = Form::kPadded;
      return;
    case INT2OID:
      form_ = Form::kInt2;
      return;
    case INT4OID:
      form_ = Form::kInt4;
      return;
    case INT8OID:
      form_ = Form::kInt8;
      return;
    default:
      break;
  }
  json_ = json_form(type);
  Oid output = InvalidOid;
  getTypeOutputInfo(type, &output, &varlena_);
  fmgr_info(output, &output_);
}

std::string_view ValueReader::read(Datum value) { return to_utf8(read_as_stored(value)); }

std::string_view ValueReader::read_id_as_stored(Datum value) {
  if (json_ != JsonForm::kNone) {
    const JsonScalar scalar = json_scalar(value, json_);
    if (scalar.flaw == nullptr) return scalar.text;
  }
  return read_as_stored(value);
}

std::string_view ValueReader::read_as_stored(Datum value) {
  switch (form_) {
    case Form::kVarlena:
    case Form::kPadded: {
      const auto* text = reinterpret_cast<const struct varlena*>(
          pg_detoast_datum_packed(reinterpret_cast<struct varlena*>(DatumGetPointer(value))));
      std::string_view view(VARDATA_ANY(text), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(text)));
      if (form_ == Form::kPadded) {
        const std::size_t last = view.find_last_not_of(' ');
        view = view.substr(0, last == std::string_view::npos ? 0 : last + 1);
      }
      return view;
    }
    case Form::kInt2:
      return digits(DatumGetInt16(value));
    case Form::kInt4:
      return digits(DatumGetInt32(value));
    case Form::kInt8:
      return digits(DatumGetInt64(value));
    case Form::kOther:
      break;
  }
  if (varlena_) value = PointerGetDatum(PG_DETOAST_DATUM(value));
  return OutputFunctionCall(&output_, value);
}

Datum TextWriter::write(std::string_view utf8, MemoryContext row_memory) {
  std::string_view text = utf8;
  if (!is_utf8_already() && !is_ascii(utf8)) {
    text = call([=] {
      MemoryContextReset(row_memory);
      const MemoryContext outer = MemoryContextSwitchTo(row_memory);
      const std::string_view converted = from_utf8(utf8);
      MemoryContextSwitchTo(outer);
      return converted;
    });
  }
  if (text.size() > MaxAllocSize - VARHDRSZ) {
    throw engine::Error("54000", "a value is longer than 1 GB");
  }
  const std::size_t bytes = VARHDRSZ + text.size();
  if (buffer_.size() < bytes) buffer_.resize(bytes * 2);
  // std::string's memory comes from operator new, aligned for any type.
  char* start = buffer_.data();
  SET_VARSIZE(start, bytes);
  text.copy(start + VARHDRSZ, text.size());
  return PointerGetDatum(start);
}

ValueWriter::ValueWriter(Oid type, std::int32_t typmod) : typmod_(typmod) {
  if (type == TEXTOID || (type == VARCHAROID && typmod < 0)) {
    form_ = Form::kText;
    return;
  }
  if (type == INT4OID) form_ = Form::kInt4;
  if (type == INT8OID) form_ = Form::kInt8;
  Oid input = InvalidOid;
  getTypeInputInfo(type, &input, &parameter_);
  fmgr_info(input, &input_);
}

Datum ValueWriter::write(std::string_view text) {
  if (form_ == Form::kInt8) {
    std::int64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return Int64GetDatum(number);
  } else if (form_ == Form::kInt4) {
    std::int32_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return Int32GetDatum(number);
  }
  const std::string_view native = from_utf8(text);
  if (native.size() > MaxAllocSize - VARHDRSZ - 1) {
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a value is longer than 1 GB")));
  }
  if (form_ == Form::kText) {
    return PointerGetDatum(
        cstring_to_text_with_len(native.data(), static_cast<int>(native.size())));
  }
  // An integer that the fast path did not read is left to the input function, for its own rules
  // (blanks, a plus sign) and its own errors.
  return InputFunctionCall(&input_, pnstrdup(native.data(), native.size()), parameter_, typmod_);
}

}  // namespace identity_resolve::pg
