// The mailbox behind an email address, by what each provider says about its own addresses
// (provider.h).
//
// The address level (email.h) never takes two mailboxes for one. This level goes further where the
// provider itself says that two addresses reach the same account: dots in Gmail names, tags,
// domains that are aliases. An address whose provider is not known, or whose local part is quoted
// or not ASCII, is its own mailbox: no tag is cut on suspicion.
#pragma once

#include <string_view>

#include "normalize/normalize.h"

namespace identity_resolve::normalize {

/// The mailbox that mail to the address `utf8` reaches, written as one address of it: the name
/// without tag and ignored characters, at the provider's home domain. Where that would be an
/// address which somebody else can own, it is one that nobody can: `12345+` for GitHub's no-reply
/// addresses, as `12345` alone would be a login's; `name-` for Yahoo's disposable ones, as `name`
/// alone may be another person's account.
[[nodiscard]] Result normalize_mailbox(std::string_view utf8, Scratch& scratch);

/// Whether a mailbox is that of disposable addresses, of which it has the beginning only:
/// `mailer-@yahoo.com` stands for `mailer-daemon@yahoo.com`.
[[nodiscard]] bool is_base_name(std::string_view mailbox);

}  // namespace identity_resolve::normalize
