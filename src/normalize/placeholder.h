// Values that stand for "no value": what programs write where they have no identifier. Thousands of
// records carry them, and none of these is the same person as another.
#pragma once

#include <span>
#include <string_view>

namespace identity_resolve::normalize {

struct Placeholder {
  std::string_view value;     // in lower case; a pattern where is_pattern
  bool is_pattern;            // a regular expression, as PostgreSQL's ~* reads it
  std::string_view source;    // the page or standard that names it, or why it is here
  std::string_view freed_by;  // the option of a rule that lets it link
};

/// The whole list, for people to read.
[[nodiscard]] std::span<const Placeholder> placeholders();

/// Whether a value is one of those that block_placeholders frees. Letter case does not count.
/// Callers ask for the value as typed, without blanks at its ends, and as normalised: each may hide
/// what the other shows (`000000000000000` becomes `000000000000000AAA`).
[[nodiscard]] bool is_placeholder(std::string_view value);

/// Whether a text is what programs write where there is no value of any sort: null as languages,
/// databases, loaders and spreadsheets write it. Without what may be an honest text or number
/// (`none`, `unknown`, `false`, `0`, `NA`). Letter case does not count.
[[nodiscard]] bool is_null(std::string_view value);

/// Whether a value in its normalised spelling is one of those that version 0.1 knew.
[[nodiscard]] bool is_placeholder_of_01(std::string_view normalized);

}  // namespace identity_resolve::normalize
