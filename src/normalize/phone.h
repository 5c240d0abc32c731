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
[[nodiscard]] Result normalize_phone(std::string_view utf8, Scratch& scratch,
                                     std::string_view region = {});

/// Whether libphonenumber knows the region `region`, such as GB.
[[nodiscard]] bool is_phone_region(std::string_view region);

}  // namespace identity_resolve::normalize
