// Email addresses, spelled one way.
//
// This is the *address* level: two spellings become one only if no mail system that keeps to the
// standards can tell them apart, with the one exception that everybody makes, ASCII letter case in
// the local part. What a provider does with dots and tags belongs to the mailbox level (mailbox.h).
//
//   1. Blanks, zero-width characters and directional marks go from both ends.
//   2. Full-width ASCII (U+FF01..U+FF5E, what an East-Asian keyboard types) becomes ASCII.
//   3. The address comes out of `Name <...>`, `"Name" <...>`, `<...>` and `mailto:` (RFC 6068: what
//      follows a `?` is no part of it, and %-sequences are decoded).
//   4. The local part: needless quotes and backslashes go (RFC 5321 section 4.1.2 makes them
//      equivalent), then NFC (RFC 6532 section 3.1), then capitals become lower-case letters.
//      Nothing else folds, see `fold_local` in email.cc.
//   5. The domain: UTS #46, non-transitional, to lower-case A-labels, without a trailing dot; at
//      least two labels of letters, digits and inner hyphens, the last one not all digits (RFC 5321
//      section 2.3.5 wants a fully-qualified name, RFC 3696 section 2 no numeric top-level domain).
//      Address literals such as [192.0.2.1] name a host of the moment, not a person's account: they
//      are no address here.
//   6. The limits of RFC 5321 section 4.5.3.1 hold for the result: local part 64 octets, domain 253
//      (255 on the wire), address 254 (path 256 with its brackets; RFC 3696 erratum 1690).
#pragma once

#include <cstdint>
#include <string_view>

#include "normalize/normalize.h"

namespace identity_resolve::normalize {

/// Why a value is no email address.
enum class EmailProblem : std::uint8_t {
  kNone,
  kBlank,
  kNotUtf8,
  kInputTooLong,
  kBrackets,
  kNoAt,
  kSeveralAt,
  kLocalEmpty,
  kLocalTooLong,
  kLocalDot,
  kLocalCharacter,
  kLocalUnicode,
  kLocalQuote,
  kDomainEmpty,
  kDomainTooLong,
  kDomainDot,
  kDomainOneLabel,
  kDomainNumeric,
  kDomainLiteral,
  kDomainCharacter,
  kDomainHyphen,
  kDomainLabelTooLong,
  kDomainUnicode,
  kAddressTooLong,
  kIcu,
};

/// A value longer than this after trimming is no address, however much of it a display name is.
inline constexpr std::size_t kMaxEmailInput = 1000;

struct Address {
  EmailProblem problem;   ///< kNone: `text` is the address
  std::string_view text;  ///< else what was typed, without blanks at its ends
};

/// Reads the address in `utf8` and spells it as described at the head of this file. Costs about as
/// much as copying it for a plain ASCII address; `scratch` is not touched if that is in its one
/// spelling already.
[[nodiscard]] Address read_email(std::string_view utf8, Scratch& scratch);

/// `read_email` as a normaliser.
[[nodiscard]] Result normalize_email(std::string_view utf8, Scratch& scratch);

/// What is wrong, in words for a user, lower case and without a full stop. Empty for kNone.
[[nodiscard]] std::string_view describe(EmailProblem problem);

}  // namespace identity_resolve::normalize
