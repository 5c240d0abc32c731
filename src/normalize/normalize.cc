#include "normalize/normalize.h"

#include <array>
#include <utility>

#include "normalize/email.h"
#include "normalize/id.h"
#include "normalize/mailbox.h"
#include "normalize/phone.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

constexpr std::array<std::pair<std::string_view, Method>, 9> kNames{{
    {"exact", Method::kExact},
    {"casefold", Method::kCasefold},
    {"email", Method::kEmail},
    {"mailbox", Method::kMailbox},
    {"phone", Method::kPhone},
    {"none", Method::kNone},
    {"salesforce_id", Method::kSalesforceId},
    {"uuid", Method::kUuid},
    {"object_id", Method::kObjectId},
}};

Result normalize_casefold(std::string_view utf8, Scratch& scratch) {
  const std::string_view text = trim(utf8);
  if (text.empty()) return {Status::kBlank, {}};
  if (is_ascii(text)) {
    scratch.assign(text);
    lower_ascii(scratch);
    return {Status::kValid, scratch};
  }
  if (!is_valid_utf8(text) || !to_casefold(text, scratch)) return {Status::kInvalid, text};
  return {Status::kValid, scratch};
}

}  // namespace

Result normalize(Method method, std::string_view utf8, Scratch& scratch) {
  switch (method) {
    case Method::kExact: {
      const std::string_view text = trim(utf8);
      return {text.empty() ? Status::kBlank : Status::kValid, text};
    }
    case Method::kCasefold:
      return normalize_casefold(utf8, scratch);
    case Method::kEmail:
      return normalize_email(utf8, scratch);
    case Method::kMailbox:
      return normalize_mailbox(utf8, scratch);
    case Method::kPhone:
      return normalize_phone(utf8, scratch);
    case Method::kSalesforceId:
      return normalize_salesforce_id(utf8, scratch);
    case Method::kUuid:
      return normalize_uuid(utf8, scratch);
    case Method::kObjectId:
      return normalize_object_id(utf8, scratch);
    case Method::kNone:
      break;
  }
  return {utf8.empty() ? Status::kBlank : Status::kValid, utf8};
}

void prepare(Method method) {
  // A value that needs all of it.
  const auto example = [method]() -> std::string_view {
    switch (method) {
      case Method::kCasefold:
        return "\u00C4";
      case Method::kEmail:
      case Method::kMailbox:
        return "\u00C4@\u00C4.org";
      case Method::kPhone:
        return "+44 20 8366 1177";
      case Method::kExact:
      case Method::kNone:
      case Method::kSalesforceId:
      case Method::kUuid:
      case Method::kObjectId:
        break;
    }
    return {};
  }();
  if (example.empty()) return;
  Scratch scratch;
  static_cast<void>(normalize(method, example, scratch));
}

std::optional<Method> method_by_name(std::string_view name) {
  for (const auto& [known, method] : kNames) {
    if (known == name) return method;
  }
  return std::nullopt;
}

std::string_view name_of(Method method) {
  for (const auto& [name, known] : kNames) {
    if (known == method) return name;
  }
  return "unknown";
}

}  // namespace identity_resolve::normalize
