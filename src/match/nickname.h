// Given names that one person may go by: Robert and Bob, Johannes and Hans.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace identity_resolve::match {

// The numbers of the groups that a given name, as spell() writes it, is in: ascending, none for a
// name that is in no group. A group is a full name with its nicknames. Names that share a group
// may be one person's. The numbers change with the list (nicknames.py names its source and
// licence), so they are not to be stored.
[[nodiscard]] std::span<const std::uint16_t> nickname_groups(std::string_view given);

// Whether two such lists share a group.
[[nodiscard]] bool share_group(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b);

// Whether two names are different and share a group. Of names of several words the first counts.
[[nodiscard]] bool are_nicknames(std::string_view a, std::string_view b);

}  // namespace identity_resolve::match
