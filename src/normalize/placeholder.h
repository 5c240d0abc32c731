// Values that stand for "no value": what programs write where they have no identifier. Thousands of
// records carry them, and none of these is the same person as another.
#pragma once

#include <span>
#include <string_view>

namespace identity_resolve::normalize {

struct Placeholder {
  std::string_view value;   // in lower case; a pattern where is_pattern
  bool is_pattern;          // a POSIX regular expression, as PostgreSQL's ~ reads it
  std::string_view source;  // the page or standard that names it, or why it is here
};

/// The whole list, for people to read.
[[nodiscard]] std::span<const Placeholder> placeholders();

/// Whether an identifier in its normalised spelling is one of them. Letter case does not count.
[[nodiscard]] bool is_placeholder(std::string_view normalized);

}  // namespace identity_resolve::normalize
