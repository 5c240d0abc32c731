#include "normalize/phone.h"

#include <phonenumbers/phonenumberutil.h>

#include <string>

#include "normalize/memory.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

using i18n::phonenumbers::PhoneNumberUtil;

// What libphonenumber takes, and more: 2.6 MB while it makes its tables, of which it keeps 1.5; for
// a number, 0.3 MB of a country's patterns that come up for the first time, and as much for the
// text.
constexpr std::size_t kTableBytes = std::size_t{8} << 20;
constexpr std::size_t kNumberBytes = std::size_t{1} << 20;

const PhoneNumberUtil& phone_numbers() {
  static const PhoneNumberUtil* const instance = [] {
    require_memory(kTableBytes);
    return PhoneNumberUtil::GetInstance();
  }();
  return *instance;
}

// libphonenumber itself reads no more than 250 characters.
constexpr std::size_t kMaxPhoneBytes = 1000;

// `text` with a space for each blank in it: libphonenumber knows only some of Unicode's, and not
// the narrow ones that French typography puts between digits.
std::string with_plain_blanks(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::string plain;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    append_utf8(is_blank(c) ? U' ' : c, plain);
  }
  return plain;
}

// Whether a second number or extension stands behind a slash (`x302/x2303`). libphonenumber would
// take the first; either choice might be wrong, as with two email addresses in one value.
bool has_second_extension(std::string_view text) {
  for (std::size_t at = text.find_first_of("/\\"); at != std::string_view::npos;
       at = text.find_first_of("/\\", at + 1)) {
    const std::size_t next = text.find_first_not_of(' ', at + 1);
    if (next != std::string_view::npos && (text[next] == 'x' || text[next] == 'X')) return true;
  }
  return false;
}

}  // namespace

Result normalize_phone(std::string_view utf8, Scratch& scratch, std::string_view region) {
  using i18n::phonenumbers::PhoneNumber;
  const std::string_view text = trim(utf8);
  if (text.empty()) return {Status::kBlank, {}};
  if (text.size() > kMaxPhoneBytes || !is_valid_utf8(text)) return {Status::kInvalid, text};
  const std::string typed = with_plain_blanks(text);
  if (has_second_extension(typed)) return {Status::kInvalid, text};
  const PhoneNumberUtil& util = phone_numbers();
  require_memory(kNumberBytes);
  PhoneNumber number;
  const auto read = [&](const std::string& written, std::string_view in) {
    return util.Parse(written, std::string(in), &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
           util.IsValidNumber(number);
  };
  constexpr std::string_view kNoRegion = "ZZ";
  if (!read(typed, region.empty() ? kNoRegion : region)) return {Status::kInvalid, text};
  util.Format(number, PhoneNumberUtil::E164, &scratch);  // without the extension
  const std::string extension = number.extension();
  // A few plans have digits that are dialled within the country only, as Mexico's 1 before a mobile
  // number was, and libphonenumber drops them from the international form alone: so that is read.
  if (!region.empty() && typed.front() != '+') {
    if (!read(scratch, kNoRegion)) return {Status::kInvalid, text};
    util.Format(number, PhoneNumberUtil::E164, &scratch);
  }
  if (!extension.empty()) scratch.append(";ext=").append(extension);
  return {Status::kValid, scratch};
}

bool is_phone_region(std::string_view region) {
  return phone_numbers().GetCountryCodeForRegion(std::string(region)) != 0;
}

}  // namespace identity_resolve::normalize
