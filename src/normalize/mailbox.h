// The mailbox behind an email address, by what each provider says about its own addresses.
#pragma once

#include <string_view>

#include "normalize/normalize.h"

namespace identity_resolve::normalize {

/// The mailbox that mail to the address `utf8` reaches, written as one address of it. At a provider
/// that is not known this is the address itself, as `normalize_email` spells it.
[[nodiscard]] Result normalize_mailbox(std::string_view utf8, Scratch& scratch);

}  // namespace identity_resolve::normalize
