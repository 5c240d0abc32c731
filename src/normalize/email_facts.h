// What can be told from an address alone, for reports and rules: its domain, and whether it belongs
// to a function rather than a person, to a provider of free mailboxes, or to nobody for long.
#pragma once

#include <span>
#include <string_view>

namespace identity_resolve::normalize {

// Each takes an address as `read_email` spells it.

/// The domain, in A-labels.
[[nodiscard]] std::string_view domain_of(std::string_view address);

/// Whether the name is a function's (info, support, postmaster), with or without a tag: RFC 2142's
/// names and what else is common in several languages. Such a mailbox is read by many and links
/// nobody well.
[[nodiscard]] bool is_role(std::string_view address);

/// Whether anybody can have a mailbox at the domain for nothing: then the domain says nothing about
/// a company. True for the names' subdomains at Fastmail too.
[[nodiscard]] bool is_free(std::string_view address);

/// Whether the domain, or one above it, gives out mailboxes that last for minutes: the list of the
/// disposable-email-domains project and a few more (disposable_domains.py). New ones appear every
/// day; it is not a defence against fraud.
[[nodiscard]] bool is_disposable(std::string_view address);

/// That list: a domain a line, in the order of bytes, each line ended; in a few parts.
[[nodiscard]] std::span<const std::string_view> disposable_domains();

}  // namespace identity_resolve::normalize
