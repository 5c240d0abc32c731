// A piece of work that may fail, in a subtransaction: an error leaves nothing behind, and is told
// as data.
#pragma once

#include <optional>
#include <string>

#include "pg/border.h"

namespace identity_resolve::pg {

// An error, its texts in the database's encoding.
struct Fault {
  std::array<char, 6> sqlstate{};
  std::string message;
  std::string detail;
  std::string hint;

  // Whether it is no fault of the sources or clauses: a cancel, a deadlock, want of memory or disk.
  [[nodiscard]] bool concerns_user() const noexcept {
    const std::string_view category(sqlstate.data(), 2);
    return category == "57" || category == "40" || category == "53" || category == "58";
  }
};

namespace detail {

[[nodiscard]] Fault fault_of(const PgError& error);
[[nodiscard]] Fault fault_of(const engine::Error& error);
// Raises what an attempt must not swallow.
[[noreturn]] void throw_again(const Fault& fault);

}  // namespace detail

// Runs body(), C++ that may throw; gives the error that it ended with, if any. Errors that are no
// fault of what was tried (Fault::concerns_user()) are thrown again once all is rolled back. What
// body() opens it must close before it returns. Not in parallel mode.
template <class Body>
std::optional<Fault> attempt(Body&& body) {
  const MemoryContext context = CurrentMemoryContext;
  const ResourceOwner owner = CurrentResourceOwner;
  const auto go_back = [&] {
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
  };
  const auto roll_back = [&] {
    call([&] {
      MemoryContextSwitchTo(context);
      RollbackAndReleaseCurrentSubTransaction();
      go_back();
    });
  };
  call([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
  });
  std::optional<Fault> fault;
  try {
    body();
  } catch (const PgError& error) {
    fault = detail::fault_of(error);  // before its memory goes
  } catch (const engine::Error& error) {
    fault = detail::fault_of(error);
  } catch (...) {
    roll_back();
    throw;
  }
  if (fault) {
    roll_back();
    if (fault->concerns_user()) detail::throw_again(*fault);
  } else {
    call([&] {
      ReleaseCurrentSubTransaction();
      go_back();
    });
  }
  return fault;
}

}  // namespace identity_resolve::pg
