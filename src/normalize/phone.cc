#include "normalize/phone.h"

#include <phonenumbers/phonenumberutil.h>

#include <string>

#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

// libphonenumber itself reads no more than 250 characters.
constexpr std::size_t kMaxPhoneBytes = 1000;

}  // namespace

Result normalize_phone(std::string_view utf8, Scratch& scratch, std::string_view region) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const std::string_view text = trim(utf8);
  if (text.empty()) return {Status::kBlank, {}};
  if (text.size() > kMaxPhoneBytes || !is_valid_utf8(text)) return {Status::kInvalid, text};
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  const std::string region_code(region.empty() ? std::string_view("ZZ") : region);
  if (util.Parse(std::string(text), region_code, &number) != PhoneNumberUtil::NO_PARSING_ERROR ||
      !util.IsValidNumber(number)) {
    return {Status::kInvalid, text};
  }
  util.Format(number, PhoneNumberUtil::E164, &scratch);  // without the extension
  if (number.has_extension()) scratch.append(";ext=").append(number.extension());
  return {Status::kValid, scratch};
}

bool is_phone_region(std::string_view region) {
  return i18n::phonenumbers::PhoneNumberUtil::GetInstance()->GetCountryCodeForRegion(
             std::string(region)) != 0;
}

}  // namespace identity_resolve::normalize
