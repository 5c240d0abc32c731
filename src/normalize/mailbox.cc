#include "normalize/mailbox.h"

#include "normalize/email.h"

namespace identity_resolve::normalize {

Result normalize_mailbox(std::string_view utf8, Scratch& scratch) {
  const Result address = normalize_email(utf8, scratch);
  if (address.status != Status::kValid) return address;
  const std::size_t at = address.text.rfind('@');
  const std::string_view domain = address.text.substr(at + 1);
  if (domain != "gmail.com" && domain != "googlemail.com") return address;
  std::string mailbox;
  for (const char c : address.text.substr(0, at)) {
    if (c == '+') break;
    if (c != '.') mailbox.push_back(c);
  }
  if (mailbox.empty()) return address;
  mailbox.append("@gmail.com");
  scratch = std::move(mailbox);
  return {Status::kValid, scratch};
}

}  // namespace identity_resolve::normalize
