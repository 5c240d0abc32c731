#include "normalize/mailbox.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "normalize/email.h"
#include "normalize/provider.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

// Where a mailbox is put together: no address is longer than 254 bytes, and no rule lengthens one
// by more than the home domain.
class Writer {
 public:
  void put(char c) { bytes_[size_++] = c; }
  void put(std::string_view text) {
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 512> bytes_;
  std::size_t size_ = 0;
};

// How a label begins in which letters beyond ASCII were written: no name of an account.
constexpr std::string_view kLabelBeyondAscii = "xn--";

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Writes the provider's one name for `name`; false if the rule does not fit it: then it is no name
// of that provider, and the address stands for itself.
bool write_name(const Provider& provider, std::string_view name, Writer& out) {
  if (provider.peculiarity == Peculiarity::kNumber) {
    const std::size_t plus = name.find('+');
    if (plus == std::string_view::npos || !all_digits(name.substr(0, plus))) return false;
    out.put(name.substr(0, plus + 1));
    return true;
  }
  const std::size_t tag = provider.tag == '\0' ? std::string_view::npos : name.find(provider.tag);
  name = name.substr(0, tag);
  const bool dots_count = provider.ignored.find('.') == std::string_view::npos &&
                          provider.peculiarity != Peculiarity::kHyphenIsDot;
  if (name.empty() || (dots_count && name.back() == '.')) return false;
  for (const char c : name) {
    if (provider.ignored.find(c) != std::string_view::npos) continue;
    out.put(c == '.' && provider.peculiarity == Peculiarity::kHyphenIsDot ? '-' : c);
  }
  if (out.text().empty()) return false;
  if (tag != std::string_view::npos && provider.peculiarity == Peculiarity::kBaseName) {
    out.put(provider.tag);
  }
  return true;
}

bool write_mailbox(std::string_view address, Writer& out) {
  if (address.front() == '"') return false;
  const std::size_t at = address.find('@');
  const std::string_view name = address.substr(0, at);
  const std::string_view domain = address.substr(at + 1);
  const Provider* provider = provider_of(domain);
  if (provider == nullptr) {
    // anything@name.domain: whatever stands before the @ is a tag.
    const std::size_t dot = domain.find('.');
    provider = provider_of(domain.substr(dot + 1));
    if (provider == nullptr || provider->peculiarity != Peculiarity::kSubdomain) return false;
    const std::string_view owner = domain.substr(0, dot);
    if (owner.starts_with(kLabelBeyondAscii)) return false;
    // No name at such a domain has a hyphen; there it stands for the underscore, which no host name
    // may have.
    for (const char c : owner) out.put(c == '-' ? '_' : c);
    out.put('@');
    out.put(domain.substr(dot + 1));
    return true;
  }
  if (!is_ascii(name) || !write_name(*provider, name, out)) return false;
  out.put('@');
  out.put(provider->home.empty() ? domain : provider->home);
  return true;
}

}  // namespace

Result normalize_mailbox(std::string_view utf8, Scratch& scratch) {
  const Result address = normalize_email(utf8, scratch);
  if (address.status != Status::kValid) return address;
  Writer mailbox;
  if (!write_mailbox(address.text, mailbox) || mailbox.text() == address.text) return address;
  scratch.assign(mailbox.text());
  return {Status::kValid, scratch};
}

bool is_base_name(std::string_view mailbox) {
  const std::size_t at = mailbox.find('@');
  if (at == std::string_view::npos || at == 0 || mailbox[at - 1] != '-') return false;
  const Provider* provider = provider_of(mailbox.substr(at + 1));
  return provider != nullptr && provider->peculiarity == Peculiarity::kBaseName;
}

}  // namespace identity_resolve::normalize
