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
/// without tag and ignored characters, at the provider's home domain. For GitHub's no-reply
/// addresses it is `12345+`, as `12345` alone would be the address of a login spelled that way.
[[nodiscard]] Result normalize_mailbox(std::string_view utf8, Scratch& scratch);

}  // namespace identity_resolve::normalize
