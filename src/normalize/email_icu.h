// ICU and what was spelled by an older one.
//
// An index on addresses holds what some ICU spelled on the day each row came in. So no version may
// spell an address in another way (`is_old_enough` and `is_unsettled` in email.cc see to that), and
// a version that nobody has looked at yet is looked at before it is trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace identity_resolve::normalize {

/// The versions of ICU that are known to spell every address alike (Unicode 13 to 17).
inline constexpr int kOldestIcu = 66;
inline constexpr int kNewestIcu = 78;

/// A number that stands for what `spell` makes of some 270,000 addresses: each character of the
/// scripts that Unicode 13 knew, before the @ and in a domain, alone, among letters that are
/// written from right to left, and before a joiner. (Not the ideographs and the Hangul syllables,
/// which have no case, no direction and no second form.) Takes a tenth of a second.
[[nodiscard]] std::uint64_t digest_spellings(
    const std::function<std::string_view(std::string_view)>& spell);

/// What `digest_spellings` comes to with `normalize_email` in every version from kOldestIcu to
/// kNewestIcu; what is no address counts as empty.
inline constexpr std::uint64_t kSpellings = 0x6DC39912293411D0U;

/// Whether the ICU that is loaded spells addresses as all did before it. Costs nothing if it is one
/// of the known versions.
[[nodiscard]] bool icu_spells_as_ever();

/// The version of ICU that this was built with, such as "72.1".
[[nodiscard]] const char* icu_version();

}  // namespace identity_resolve::normalize
