// One spelling for each identifier.
//
// Two records link when they carry the same identifier, and "the same" is decided here: `normalize`
// takes a value as some tool stored it and gives the one spelling that every tool's copy of it
// shares. What has no such spelling (an address without a domain, a telephone number that cannot
// exist) is `kInvalid` and must never link; what says nothing (blanks only) is `kBlank`.
//
// Input is UTF-8. Nothing here throws except std::bad_alloc, nothing depends on a locale or a
// setting, and plain ASCII values never reach ICU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace identity_resolve::normalize {

/// How a kind of identifier is spelled. The names users type are in `name_of`.
enum class Method : std::uint8_t {
  kExact,         ///< as typed, without blanks and zero-width characters at its ends
  kCasefold,      ///< kExact, and letter case and canonically equivalent spellings do not count
  kEmail,         ///< the address (email.h)
  kMailbox,       ///< the mailbox behind the address, by its provider's own rules (mailbox.h)
  kPhone,         ///< E.164 with the extension kept apart (phone.h)
  kNone,          ///< as typed, byte for byte
  kSalesforceId,  ///< this and the next: ids that tools write in more than one way (id.h)
  kUuid,
  kObjectId,
};

enum class Status : std::uint8_t {
  kValid,    ///< `text` is the identifier's one spelling, never empty
  kBlank,    ///< the value says nothing; `text` is empty
  kInvalid,  ///< the value is none of its kind; `text` is the typed value without outer blanks
};

struct Result {
  Status status;
  std::string_view text;  ///< points into the input, or into the scratch until its next use
};

/// Memory that `normalize` may write to; reused between calls, it only ever grows.
using Scratch = std::string;

/// Spells `utf8` the one way that `method` says.
///
/// Takes any bytes, of any length. Idempotent: a valid result normalises to itself. Throws nothing
/// but std::bad_alloc.
[[nodiscard]] Result normalize(Method method, std::string_view utf8, Scratch& scratch);

/// Makes what a method needs besides the value: tables and objects of libphonenumber's and ICU's,
/// up to some megabytes, that the first value would otherwise make. To be called before memory gets
/// scarce; again it costs less than a tenth of a millisecond. Throws nothing but std::bad_alloc.
void prepare(Method method);

/// The method a user names: exact, casefold, email, mailbox, phone, none. Nothing for any other
/// name.
[[nodiscard]] std::optional<Method> method_by_name(std::string_view name);

/// The name that `method_by_name` knows the method by.
[[nodiscard]] std::string_view name_of(Method method);

}  // namespace identity_resolve::normalize
