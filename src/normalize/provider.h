// Mail providers and what each of them says about its addresses: the table behind the mailbox
// level.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace identity_resolve::normalize {

/// What a provider does that does not fit a column.
enum class Peculiarity : std::uint8_t {
  kNone,
  kSubdomain,    ///< anything@name.domain is name@domain
  kHyphenIsDot,  ///< a dot and a hyphen in a name are the same
  kBaseName,     ///< the name before a tag is no account's: whoever has an account so named may be
                 ///< somebody else. Spelled with the tag's sign, which no account's name holds
  kNumber,       ///< in 12345+login the number is the account, and the login may change
};

/// One provider. A row holds for addresses whose local part is unquoted ASCII.
struct Provider {
  std::string_view name;
  std::string_view domains;  ///< its mail domains, separated by blanks
  std::string_view
      home;  ///< the domain they are all aliases of; empty: each has accounts of its own
  std::string_view ignored;  ///< characters of a name that make no difference
  char tag;                  ///< begins a tag, which makes no difference; 0: there are no tags
  Peculiarity peculiarity;
  std::string_view page;  ///< where the provider (or, if it is silent, a witness) says so
};

/// All rows.
[[nodiscard]] std::span<const Provider> providers();

/// The provider of the addresses at `domain` (an A-label domain in lower case), or null. A name's
/// subdomain is not its provider's domain.
[[nodiscard]] const Provider* provider_of(std::string_view domain);

}  // namespace identity_resolve::normalize
