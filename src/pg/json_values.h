// Identifiers in columns of type json and jsonb: loaders lay lists of ids and addresses there.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

/// The form of a type's values: JSON as text, JSON in binary, or no JSON at all. A domain has the
/// form of its base type.
enum class JsonForm : std::uint8_t { kNone, kText, kBinary };

/// Raises PostgreSQL's errors for a type that does not exist.
[[nodiscard]] JsonForm json_form(Oid type);

/// The strings and numbers of one JSON value: the value itself, or the elements of an array. An
/// array within an array is walked as PostgreSQL's own arrays are: its elements count. A null is
/// left out.
///
/// A plain object for plain frames: its memory is the current memory context's.
class JsonValues {
 public:
  /// Raises PostgreSQL's errors for JSON that jsonb cannot hold (the character \u0000).
  JsonValues(Datum value, JsonForm form);

  /// Moves to the next string or number; false at the end, and before what is neither.
  bool next();
  /// A string without its quotes, or a number in full, in the database's encoding.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// What next() has stopped at, for a message; nullptr at the end.
  [[nodiscard]] const char* flaw() const noexcept { return flaw_; }

 private:
  JsonbIterator* at_;
  std::string_view text_;
  const char* flaw_ = nullptr;
};

/// A JSON value that is one string or number: its text as JsonValues gives it. Of others no data,
/// and what it is, for a message.
struct JsonScalar {
  std::string_view text;
  const char* flaw;
};

/// Raises PostgreSQL's errors for JSON that jsonb cannot hold. For plain frames.
[[nodiscard]] JsonScalar json_scalar(Datum value, JsonForm form);

}  // namespace identity_resolve::pg
