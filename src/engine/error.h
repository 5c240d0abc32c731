// The one exception that the engine and the glue throw at a user.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace identity_resolve::engine {

// What went wrong, in the five parts a PostgreSQL client shows.
//   sqlstate  five characters of the SQL standard or of PostgreSQL's appendix A, e.g. "42703"
//   message   one sentence, lower case, without a full stop
//   detail    facts that help to find the place; may be empty
//   hint      the way out; may be empty
class Error : public std::exception {
 public:
  Error(const char (&sqlstate)[6], std::string message, std::string detail = {},
        std::string hint = {})
      : sqlstate_(sqlstate),
        message_(std::move(message)),
        detail_(std::move(detail)),
        hint_(std::move(hint)) {}

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const char* sqlstate() const noexcept { return sqlstate_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  const char* sqlstate_;
  std::string message_;
  std::string detail_;
  std::string hint_;
};

}  // namespace identity_resolve::engine
