#include "normalize/email.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include <array>
#include <cstddef>
#include <string>

#include "normalize/ascii.h"
#include "normalize/memory.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

constexpr std::size_t kMaxLocal = 64;
constexpr std::size_t kMaxDomain = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxAddress = 254;

// What an ASCII character may be in an address.
enum CharClass : std::uint8_t {
  kAtext = 1,  // RFC 5322 section 3.2.3: in an unquoted local part, besides the dot
  kLdh = 2,    // letter, digit or hyphen: in a domain's label
  kUpper = 4,  // A-Z
  kDigit = 8,  // 0-9
};

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = kAtext | kLdh;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] = kAtext | kLdh | kUpper;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = kAtext | kLdh | kDigit;
  for (const char c : std::string_view("!#$%&'*+-/=?^_`{|}~")) {
    classes[static_cast<unsigned char>(c)] = kAtext;
  }
  classes['-'] |= kLdh;
  return classes;
}();

std::uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// The plain address in `text`, which nearly every address is: ASCII, unquoted, no IDN. True if it
// is one; `upper` says whether it still has capitals. False says nothing: the long way decides.
bool is_plain(std::string_view text, bool& upper) {
  const std::size_t n = text.size();
  if (n > kMaxAddress) return false;
  unsigned seen = 0;
  std::size_t i = 0;
  char previous = '.';
  for (; i < n; ++i) {
    const char c = text[i];
    const unsigned cls = class_of(c);
    if ((cls & kAtext) == 0) {
      if (c != '.' || previous == '.') break;
    }
    seen |= cls;
    previous = c;
  }
  if (i == n || text[i] != '@' || previous == '.' || i > kMaxLocal) return false;
  const std::size_t domain = ++i;
  if (n - domain > kMaxDomain) return false;
  std::size_t label = domain;
  unsigned everything = 0xFF;  // classes that every character of the label has
  for (; i <= n; ++i) {
    if (i < n) {
      const unsigned cls = class_of(text[i]);
      if ((cls & kLdh) != 0) {
        seen |= cls;
        everything &= cls;
        continue;
      }
      if (text[i] != '.') return false;
    }
    const std::size_t length = i - label;
    if (length == 0 || length > kMaxLabel || text[label] == '-' || text[i - 1] == '-' ||
        (length > 3 && text[label + 2] == '-' && text[label + 3] == '-')) {
      return false;
    }
    if (i < n) {
      label = i + 1;
      everything = 0xFF;
    }
  }
  if (label == domain || (everything & kDigit) != 0) return false;
  upper = (seen & kUpper) != 0;
  return true;
}

// U+FF01..U+FF5E to the ASCII characters they are wide forms of.
bool narrow(std::string_view text, std::string& out) {
  if (text.find('\xEF') == std::string_view::npos) return false;
  out.clear();
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    append_utf8(c >= 0xFF01 && c <= 0xFF5E ? c - 0xFF01 + U'!' : c, out);
  }
  return true;
}

// The position behind the quoted string that opens at `text[at]`, or npos if it does not close.
std::size_t skip_quoted(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// Takes the address out of `Name <address>` (RFC 5322 section 3.4, with names as people write
// them). A name that holds an '@' outside quotes is refused: `a@x.com, b <c@y.com>` would be two
// addresses.
EmailProblem unbracket(std::string_view& text) {
  if (text.back() != '>') {
    return text.front() == '<' ? EmailProblem::kBrackets : EmailProblem::kNone;
  }
  std::size_t at = 0;
  while (text[at] != '<') {
    if (text[at] == '"') {
      at = skip_quoted(text, at);
      if (at >= text.size()) return EmailProblem::kBrackets;
      continue;
    }
    if (text[at] == '>' || text[at] == '@') return EmailProblem::kBrackets;
    ++at;
  }
  text = trim(text.substr(at + 1, text.size() - at - 2));
  return EmailProblem::kNone;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_mailto(std::string_view text) {
  constexpr std::string_view kScheme = "mailto:";
  if (text.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if (to_lower(text[i]) != kScheme[i]) return false;
  }
  return true;
}

// RFC 6068: the address of a mailto: URI, %-decoded, without the header fields behind '?'.
void decode_mailto(std::string_view uri, std::string& out) {
  out.clear();
  for (std::size_t i = std::string_view("mailto:").size(); i < uri.size() && uri[i] != '?'; ++i) {
    if (uri[i] == '%' && i + 2 < uri.size() && hex_value(uri[i + 1]) >= 0 &&
        hex_value(uri[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(uri[i + 1]) * 16 + hex_value(uri[i + 2])));
      i += 2;
    } else {
      out.push_back(uri[i]);
    }
  }
}

// Unicode grows, but what is said here of a character never changes once it is assigned (Unicode's
// stability policies on normalization and case pairs). Characters younger than this version are no
// part of an address, so that no ICU from 66 on spells an address differently and no index breaks
// by an upgrade.
constexpr unsigned kUnicodeMajor = 13;
static_assert(U_ICU_VERSION_MAJOR_NUM >= 66, "ICU 66 or later (Unicode 13) is needed");

bool is_old_enough(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && (age[0] < kUnicodeMajor || (age[0] == kUnicodeMajor && age[1] == 0));
}

// Whether a character beyond ASCII may stand in a local part: what can be seen (letters, marks,
// numbers, punctuation, symbols), and nothing that normalization would turn into ASCII.
bool is_local_character(char32_t c) {
  constexpr std::uint32_t kVisible =
      U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_P_MASK | U_GC_S_MASK;
  // KELVIN SIGN, GREEK QUESTION MARK and GREEK VARIA are canonically K, ; and `: taking them would
  // let another's address be spelled with a character that some mail system keeps apart.
  if (c == 0x212A || c == 0x037E || c == 0x1FEF) return false;
  const auto u = static_cast<UChar32>(c);
  return (U_GET_GC_MASK(u) & kVisible) != 0 && is_old_enough(c) &&
         u_hasBinaryProperty(u, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) == 0;
}

constexpr char32_t kThetaSymbol = 0x03F4;  // ϴ, the one capital whose letter is another's too

// Local part in NFC with lower-case letters for capitals.
//
// Only capitals change, each to its own lower-case letter, and nothing beyond ASCII ever becomes
// ASCII. A full case fold would make ss of ß, s of ſ, k of the Kelvin sign and i of İ, and so hand
// the account of `strasse` to who registers `straße` at a provider which tells them apart (that was
// done to password resets). Kept apart on purpose: ı İ i, ß ss, ſ s, ς σ, and all compatibility
// forms (ﬁ, ①), as NFKC is not applied; so ϴ, whose letter would be the θ of Θ, stays as it is.
EmailProblem fold_local(std::string& local) {
  if (is_ascii(local)) {
    lower_ascii(local);
    return EmailProblem::kNone;
  }
  for (std::size_t at = 0; at < local.size();) {
    const bool first = at == 0;
    const char32_t c = next_code_point(local, at);
    if (c < 0x80) continue;
    if (!is_local_character(c)) return EmailProblem::kLocalUnicode;
    // A mark needs something to sit on.
    if (first && (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0) {
      return EmailProblem::kLocalUnicode;
    }
  }
  std::string composed;
  if (!to_nfc(local, composed)) return EmailProblem::kIcu;
  std::string folded;
  for (std::size_t at = 0; at < composed.size();) {
    const char32_t c = next_code_point(composed, at);
    if (c < 0x80) {
      folded.push_back(to_lower(static_cast<char>(c)));
      continue;
    }
    const auto small = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
    append_utf8(small >= 0x80 && c != kThetaSymbol ? small : c, folded);
  }
  return to_nfc(folded, local) ? EmailProblem::kNone : EmailProblem::kIcu;
}

// Reads the local part at the head of `text` into `local` as it is to be written, and moves `text`
// behind the '@'.
EmailProblem read_local(std::string_view& text, std::string& local) {
  const bool quoted = text.front() == '"';
  local.clear();
  if (quoted) {
    const std::size_t end = skip_quoted(text, 0);
    if (end == std::string_view::npos) return EmailProblem::kLocalQuote;
    if (end == text.size()) return EmailProblem::kNoAt;
    if (text[end] != '@') return EmailProblem::kLocalQuote;
    for (std::size_t i = 1; i < end - 1; ++i) {
      if (text[i] == '\\') ++i;
      local.push_back(text[i]);
    }
    text.remove_prefix(end + 1);
  } else {
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos) return EmailProblem::kNoAt;
    local.assign(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  if (local.empty()) return EmailProblem::kLocalEmpty;
  const EmailProblem problem = fold_local(local);
  if (problem != EmailProblem::kNone) return problem;

  bool is_atom = true;  // may stand without quotes, as far as its characters go
  for (const char c : local) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == '.' || (class_of(c) & kAtext) != 0) continue;
    is_atom = false;
    if (!quoted || c < ' ' || c == '\x7F') return EmailProblem::kLocalCharacter;
  }
  const bool dots_fit =
      local.front() != '.' && local.back() != '.' && local.find("..") == std::string::npos;
  if (!quoted && !dots_fit) return EmailProblem::kLocalDot;
  if (!is_atom || !dots_fit) {
    std::string written = "\"";
    for (const char c : local) {
      if (c == '"' || c == '\\') written.push_back('\\');
      written.push_back(c);
    }
    written.push_back('"');
    local = std::move(written);
  }
  return local.size() > kMaxLocal ? EmailProblem::kLocalTooLong : EmailProblem::kNone;
}

const icu::IDNA* uts46() {
  static const icu::IDNA* const instance = [] {
    require_memory(kIcuBytes);
    UErrorCode error = U_ZERO_ERROR;
    const icu::IDNA* idna = icu::IDNA::createUTS46Instance(
        UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
            UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE,
        error);
    return icu_succeeded(error) ? idna : nullptr;
  }();
  return instance;
}

EmailProblem problem_of_idna(std::uint32_t errors) {
  // A "--" in the third place marks an encoded label, but plenty of ASCII hosts were named that way
  // before (RFC 5891 section 4.2.3.1 forbids new ones): they are harmless.
  errors &= ~std::uint32_t{UIDNA_ERROR_HYPHEN_3_4};
  if (errors == 0) return EmailProblem::kNone;
  if ((errors & UIDNA_ERROR_EMPTY_LABEL) != 0) return EmailProblem::kDomainDot;
  if ((errors & UIDNA_ERROR_LABEL_TOO_LONG) != 0) return EmailProblem::kDomainLabelTooLong;
  if ((errors & UIDNA_ERROR_DOMAIN_NAME_TOO_LONG) != 0) return EmailProblem::kDomainTooLong;
  if ((errors & (UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN)) != 0) {
    return EmailProblem::kDomainHyphen;
  }
  return EmailProblem::kDomainUnicode;
}

// Whether UTS #46 treats a character of Unicode 13 in different ways in different versions up to
// Unicode 17: then it is refused, in whatever version. email_icu_test.cc goes through all of them.
bool is_unsettled(char32_t c) {
  switch (c) {
    case 0x04C0:  // capitals whose lower-case letters came later
    case 0x2132:
    case 0x2183:
    case 0x115F:  // fillers
    case 0x1160:
    case 0x17B4:
    case 0x17B5:
    case 0x1806:
    case 0x3164:
    case 0xFFA0:
    case 0x180E:  // Mongolian vowel separator
    case 0x1734:  // marks that took their letter's direction and now have one of their own
    case 0x1171E:
    case 0x2260:  // ≠ ≮ ≯, which decompose to ASCII
    case 0x226E:
    case 0x226F:
    case 0x2F868:  // ideographs whose decompositions were corrected
    case 0x2F874:
    case 0x2F91F:
    case 0x2F95F:
    case 0x2F9BF:
      return true;
    default:
      return (c >= 0x10A0 && c <= 0x10C5) ||  // Georgian capitals
             (c >= 0x2061 && c <= 0x2063) ||  // invisible operators
             (c >= 0x206A && c <= 0x206F) ||  // deprecated format characters
             (c >= 0x1D173 && c <= 0x1D17A);  // format characters of musical notation
  }
}

// Whether UTS #46 maps a character to something else than its lower-case letter or canonical
// equivalent.
bool is_mapped_widely(char32_t c) {
  const auto u = static_cast<UChar32>(c);
  const std::int32_t type = u_getIntPropertyValue(u, UCHAR_DECOMPOSITION_TYPE);
  return (type != U_DT_NONE && type != U_DT_CANONICAL) ||
         u_hasBinaryProperty(u, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
}

// The domain to A-labels by UTS #46. Which characters UTS #46 maps has changed a little over its
// versions; those are settled here, so that no ICU version shows.
EmailProblem to_a_labels(std::string_view domain, std::string& out) {
  std::string settled;
  // Whether a label may turn out to be an A-label, as it has "--" or what may be mapped to that.
  bool encoded = domain.find("--") != std::string_view::npos;
  for (std::size_t at = 0; at < domain.size();) {
    char32_t c = next_code_point(domain, at);
    // Not left to UTS #46, which composes before it looks: = and U+0338 are ≠ by then.
    if (c < 0x80 && c != '.' && (class_of(static_cast<char>(c)) & kLdh) == 0) {
      return EmailProblem::kDomainCharacter;
    }
    if (c >= 0x80 && !encoded) encoded = is_mapped_widely(c);
    if (c == 0x1E9E) c = 0x00DF;  // ẞ: to ß, as since Unicode 15.1; before, to ss
    if (c >= 0x80 && (is_unsettled(c) || !is_old_enough(c))) return EmailProblem::kDomainUnicode;
    append_utf8(c, settled);
  }
  const icu::IDNA* idna = uts46();
  if (idna == nullptr) return EmailProblem::kIcu;
  require_memory(kIcuBytes);
  const auto piece = [](const std::string& s) {
    return icu::StringPiece(s.data(), static_cast<std::int32_t>(s.size()));
  };
  UErrorCode error = U_ZERO_ERROR;
  icu::IDNAInfo info;
  out.clear();
  icu::StringByteSink<std::string> sink(&out);
  idna->nameToASCII_UTF8(piece(settled), sink, info, error);
  if (!icu_succeeded(error)) return EmailProblem::kIcu;
  if (const EmailProblem p = problem_of_idna(info.getErrors()); p != EmailProblem::kNone) return p;
  // An encoded label may hide such a character, or one that is too young.
  if (!encoded) return EmailProblem::kNone;
  std::string shown;
  icu::IDNAInfo shown_info;
  icu::StringByteSink<std::string> shown_sink(&shown);
  idna->nameToUnicodeUTF8(piece(out), shown_sink, shown_info, error);
  if (!icu_succeeded(error)) return EmailProblem::kIcu;
  if (const EmailProblem p = problem_of_idna(shown_info.getErrors()); p != EmailProblem::kNone) {
    return p;
  }
  for (std::size_t at = 0; at < shown.size();) {
    const char32_t c = next_code_point(shown, at);
    if (c >= 0x80 && (is_unsettled(c) || !is_old_enough(c))) return EmailProblem::kDomainUnicode;
  }
  return EmailProblem::kNone;
}

bool has_encoded_label(std::string_view lower_domain) {
  return lower_domain.starts_with("xn--") || lower_domain.find(".xn--") != std::string_view::npos;
}

EmailProblem check_domain(std::string_view domain) {
  if (domain.size() > kMaxDomain) return EmailProblem::kDomainTooLong;
  bool all_digits = true;
  std::size_t labels = 0;
  for (std::size_t begin = 0; begin <= domain.size(); ++labels) {
    const std::size_t end = std::min(domain.find('.', begin), domain.size());
    const std::string_view label = domain.substr(begin, end - begin);
    if (label.empty()) return EmailProblem::kDomainDot;
    all_digits = true;
    for (const char c : label) {
      if ((class_of(c) & kLdh) == 0) return EmailProblem::kDomainCharacter;
      if ((class_of(c) & kDigit) == 0) all_digits = false;
    }
    if (label.size() > kMaxLabel) return EmailProblem::kDomainLabelTooLong;
    if (label.front() == '-' || label.back() == '-') return EmailProblem::kDomainHyphen;
    begin = end + 1;
  }
  if (labels < 2) return EmailProblem::kDomainOneLabel;
  return all_digits ? EmailProblem::kDomainNumeric : EmailProblem::kNone;
}

EmailProblem read_domain(std::string_view text, std::string& domain) {
  if (text.empty()) return EmailProblem::kDomainEmpty;
  if (text.front() == '[') return EmailProblem::kDomainLiteral;
  if (text.find('@') != std::string_view::npos) return EmailProblem::kSeveralAt;
  domain.assign(text);
  lower_ascii(domain);
  if (has_encoded_label(domain) || !is_ascii(domain)) {
    const std::string typed = std::move(domain);
    const EmailProblem problem = to_a_labels(typed, domain);
    if (problem != EmailProblem::kNone) return problem;
  }
  if (domain.ends_with('.')) domain.pop_back();
  return check_domain(domain);
}

// The long way: everything that is_plain() does not know. `text` has no blanks at its ends and is
// not empty; the address goes to `out`.
EmailProblem read_any(std::string_view text, std::string& out) {
  if (text.size() > kMaxEmailInput) return EmailProblem::kInputTooLong;
  if (!is_valid_utf8(text)) return EmailProblem::kNotUtf8;
  std::string narrowed;
  if (narrow(text, narrowed)) text = narrowed;
  if (const EmailProblem problem = unbracket(text); problem != EmailProblem::kNone) return problem;
  std::string decoded;
  if (is_mailto(text)) {
    decode_mailto(text, decoded);
    if (!is_valid_utf8(decoded)) return EmailProblem::kNotUtf8;
    text = decoded;
    if (narrow(text, narrowed)) text = narrowed;
    text = trim(text);
  }
  if (text.empty()) return EmailProblem::kNoAt;
  std::string local;
  if (const EmailProblem problem = read_local(text, local); problem != EmailProblem::kNone) {
    return problem;
  }
  std::string domain;
  if (const EmailProblem problem = read_domain(text, domain); problem != EmailProblem::kNone) {
    return problem;
  }
  if (local.size() + 1 + domain.size() > kMaxAddress) return EmailProblem::kAddressTooLong;
  out.assign(local).append(1, '@').append(domain);
  return EmailProblem::kNone;
}

}  // namespace

Address read_email(std::string_view utf8, Scratch& scratch) {
  std::string_view text = trim_ascii(utf8);
  bool upper = false;
  if (is_plain(text, upper)) {
    if (!upper) return {EmailProblem::kNone, text};
    scratch.assign(text);
    lower_ascii(scratch);
    return {EmailProblem::kNone, scratch};
  }
  text = trim(text);
  if (text.empty()) return {EmailProblem::kBlank, {}};
  const EmailProblem problem = read_any(text, scratch);
  if (problem != EmailProblem::kNone) return {problem, text};
  return {EmailProblem::kNone, scratch};
}

Result normalize_email(std::string_view utf8, Scratch& scratch) {
  const Address address = read_email(utf8, scratch);
  switch (address.problem) {
    case EmailProblem::kNone:
      return {Status::kValid, address.text};
    case EmailProblem::kBlank:
      return {Status::kBlank, {}};
    default:
      return {Status::kInvalid, address.text};
  }
}

std::string_view describe(EmailProblem problem) {
  switch (problem) {
    case EmailProblem::kNone:
      return {};
    case EmailProblem::kBlank:
      return "there is nothing but blanks";
    case EmailProblem::kNotUtf8:
      return "it is not valid UTF-8";
    case EmailProblem::kInputTooLong:
      return "it is longer than 1000 bytes";
    case EmailProblem::kBrackets:
      return "the brackets < and > do not hold one address";
    case EmailProblem::kNoAt:
      return "there is no @";
    case EmailProblem::kSeveralAt:
      return "there is more than one @";
    case EmailProblem::kLocalEmpty:
      return "there is nothing before the @";
    case EmailProblem::kLocalTooLong:
      return "the part before the @ is longer than 64 bytes";
    case EmailProblem::kLocalDot:
      return "the part before the @ starts or ends with a dot, or has two in a row";
    case EmailProblem::kLocalCharacter:
      return "the part before the @ has a character that needs quotes or is not allowed";
    case EmailProblem::kLocalUnicode:
      return "the part before the @ has a character that cannot be seen, is unassigned, or passes "
             "for "
             "another";
    case EmailProblem::kLocalQuote:
      return "the quotes before the @ do not match";
    case EmailProblem::kDomainEmpty:
      return "there is nothing after the @";
    case EmailProblem::kDomainTooLong:
      return "the domain is longer than 253 bytes";
    case EmailProblem::kDomainDot:
      return "the domain starts with a dot or has two in a row";
    case EmailProblem::kDomainOneLabel:
      return "the domain has no dot";
    case EmailProblem::kDomainNumeric:
      return "the domain's last part is a number";
    case EmailProblem::kDomainLiteral:
      return "the domain is an address literal in square brackets";
    case EmailProblem::kDomainCharacter:
      return "the domain has a character that is not allowed";
    case EmailProblem::kDomainHyphen:
      return "a part of the domain starts or ends with a hyphen";
    case EmailProblem::kDomainLabelTooLong:
      return "a part of the domain is longer than 63 bytes";
    case EmailProblem::kDomainUnicode:
      return "the domain is no valid internationalised name (UTS #46)";
    case EmailProblem::kAddressTooLong:
      return "it is longer than 254 bytes";
    case EmailProblem::kIcu:
      return "ICU could not read it";
  }
  return "it is no address";
}

}  // namespace identity_resolve::normalize
