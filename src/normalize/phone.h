// Telephone numbers, spelled in E.164.
#pragma once

#include <string_view>

#include "normalize/normalize.h"

namespace identity_resolve::normalize {

/// The telephone number in E.164 (`+442083661177`), followed by `;ext=` and the extension if it has
/// one (the form of RFC 3966).
///
/// `region` is the country (ISO 3166-1, two capitals) whose national form the number may be written
/// in; empty: only numbers in international form, with a leading `+`, are numbers. Invalid if
/// libphonenumber does not take it for a number that can exist.
///
/// A word, a bracket, a date or a decimal part of zeros behind a number is a remark (phone_text.h);
/// a value with a second number is invalid. A number that has two spellings in the international
/// form gets one: Brazil's mobile numbers have their ninth digit, Argentina's no 9 before the area.
[[nodiscard]] Result normalize_phone(std::string_view utf8, Scratch& scratch,
                                     std::string_view region = {});

/// The region that `written` names, in two capitals: any letter case, blanks around it, UK for GB,
/// the three letters of ISO 3166-1. Empty if libphonenumber knows no such region.
[[nodiscard]] std::string_view phone_region(std::string_view written);

}  // namespace identity_resolve::normalize
