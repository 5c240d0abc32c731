// What a text must contain for a regular expression to match it: most texts are told from the
// pattern's by that, without the expression being run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace identity_resolve::normalize {

/// Literal text without which a PostgreSQL regular expression (an ARE, as `~` takes it) cannot
/// match: of each of its alternatives the longest. Only what certainly is demanded counts: for an
/// expression with anything else than characters, `.`, groups, bracket expressions, quantifiers,
/// anchors and class escapes nothing is demanded, nor by characters beyond ASCII.
/// Source: PostgreSQL's manual, 9.7.3.
class RequiredText {
 public:
  /// Demands nothing.
  RequiredText() = default;

  /// Of a pattern that PostgreSQL takes; with `any_case` of `~*`. Letters that change their case
  /// differently in some language (i) are not demanded then.
  RequiredText(std::string_view pattern, bool any_case);

  /// False only where the pattern certainly does not match the text. Takes as long as looking for
  /// a substring.
  [[nodiscard]] bool allows(std::string_view text) const;

  /// One of these is demanded; none: nothing is. In lower case for `~*`.
  [[nodiscard]] const std::vector<std::string>& alternatives() const { return alternatives_; }

 private:
  std::vector<std::string> alternatives_;
  bool any_case_ = false;
};

}  // namespace identity_resolve::normalize
