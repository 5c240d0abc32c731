// The country of a telephone number, as people and tools write it.
#pragma once

#include <string_view>

namespace identity_resolve::normalize {

/// The country `written` by its two letters in capitals: any letter case, blanks around it, UK for
/// GB, the three letters of ISO 3166-1. Empty for what is neither. Whether the country has
/// telephone numbers is not asked (phone_region() in phone.h).
[[nodiscard]] std::string_view country_code(std::string_view written);

}  // namespace identity_resolve::normalize
