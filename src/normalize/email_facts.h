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

/// Whether the name is an automatic sender's: no-reply, do-not-reply and the like in several
/// languages, alone or as a part of the name (comments-noreply, noreply+4711), mailer-daemon and
/// bounces. Nobody reads what is sent there. GitHub's and GitLab's users.noreply addresses are
/// people's.
[[nodiscard]] bool is_automatic(std::string_view address);

/// The same as a regular expression, as PostgreSQL's ~* reads it.
inline constexpr std::string_view kAutomaticPattern =
    R"(^(([^@]*[._+-])?(no[._-]?reply|no[._-]?respuesta|do[._-]?not[._-]?reply|dont[._-]?reply)"
    R"(|no[._-]?responder|no[._-]?responda|nao[._-]?responda|nao[._-]?responder)"
    R"(|ne[._-]?pas[._-]?repondre|nicht[._-]?antworten|keine[._-]?antwort|non[._-]?rispondere)"
    R"(|niet[._-]?beantwoorden|nie[._-]?odpowiadac|nie[._-]?odpowiadaj|svara[._-]?inte)"
    R"(|ikke[._-]?svar)"
    R"(|do[._-]?not[._-]?respond|dont[._-]?respond|unmonitored|geen[._-]?antwoord)"
    R"(|niet[._-]?antwoorden|norispondere|no[._-]?contestar|no[._-]?contesten)"
    R"(|svar[._-]?ikke|svara[._-]?ej|nu[._-]?raspunde|nu[._-]?raspundeti)"
    R"(|ne[._-]?repondez[._-]?pas|yanitlamayin|neodpovidat|neodpovidejte|ne[._-]?otvechat)"
    R"(|ne[._-]?otvechayte)([._+-][^@]*|[0-9]*))"
    R"(|(mailer[._-]?daemon|mail[._-]?daemon|auto[._-]?reply|auto[._-]?responder|auto[._-]?confirm)"
    R"(|auto[._-]?mailer|dev[._-]?null)([+][^@]*|[0-9]*))"
    R"(|bounces?([+=][^@]*|-[^@]*[0-9=][^@]*)?)@(?!users[.]noreply[.]))";

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
