// Where C++ meets PostgreSQL's error handling. Two guards, one each way:
//
//   guarded(body)  runs C++ and turns an exception that leaves it into an ereport, after every
//                  destructor of the body has run. The body of each SQL function, and of each
//                  callback that PostgreSQL calls, stands in one.
//   call(body)     runs calls into PostgreSQL from a frame that owns C++ objects and turns an
//                  ereport (a longjmp) into a C++ exception, PgError, which keeps the whole
//                  ErrorData: SQLSTATE, DETAIL, HINT, CONTEXT and position survive the crossing.
//
// Rules. No exception is thrown inside call()'s body (it is noexcept: only PostgreSQL is called
// there, so no PG_TRY is ever left by a throw, which would leave PG_exception_stack dangling).
// A caught PgError is never swallowed: without a subtransaction PostgreSQL's state is only good
// enough to raise the error again, and guarded() does. Code that calls PostgreSQL outside call()
// must not have a live object whose destructor matters.
#pragma once

#include "engine/error.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

// A PostgreSQL error on its way through C++ frames. The ErrorData lives in the memory context
// that was current when the error was caught.
class PgError : public std::exception {
 public:
  explicit PgError(ErrorData* data) noexcept : data_(data) {}
  [[nodiscard]] const char* what() const noexcept override { return data_->message; }
  [[nodiscard]] ErrorData* data() const noexcept { return data_; }

 private:
  ErrorData* data_;
};

// A WARNING with its DETAIL and HINT, in the database's encoding. For frames of C++: an error that
// a log hook raises comes out as PgError.
void warn(const std::string& message, const std::string& detail, const std::string& hint);

namespace detail {

// An exception reduced to plain data which needs no destructor: fit to be raised.
struct Pending {
  ErrorData* rethrow = nullptr;  // an error that came from PostgreSQL, unchanged
  int sqlstate = 0;
  const char* message = nullptr;
  const char* detail = nullptr;
  const char* hint = nullptr;
};

// Reduces the exception in flight; allocates its texts in the current memory context, and does
// without them when there is no memory. Never throws, never ereports.
Pending pending_from_current_exception() noexcept;

// Raises it; does not return.
[[noreturn]] void raise(const Pending& pending);

// Runs function(argument); returns the copied error if it raised one, else nullptr.
ErrorData* try_call(void (*function)(void*), void* argument) noexcept;

}  // namespace detail

// Runs body() and returns its (trivial) result; see above.
template <class Body>
auto guarded(Body&& body) -> std::invoke_result_t<Body> {
  using Result = std::invoke_result_t<Body>;
  static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>);
  detail::Pending pending;
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    pending = detail::pending_from_current_exception();
  }
  detail::raise(pending);
}

// Runs body(), which calls PostgreSQL, and returns its (trivial) result.
// Throws PgError if PostgreSQL raised an error.
template <class Body>
auto call(Body&& body) -> std::invoke_result_t<Body> {
  using Result = std::invoke_result_t<Body>;
  if constexpr (std::is_void_v<Result>) {
    ErrorData* error = detail::try_call(
        [](void* b) noexcept { (*static_cast<std::remove_reference_t<Body>*>(b))(); },
        const_cast<void*>(static_cast<const void*>(&body)));
    if (error != nullptr) throw PgError(error);
  } else {
    static_assert(std::is_trivially_copyable_v<Result>);
    struct Frame {
      std::remove_reference_t<Body>* body;
      Result result;
    } frame{&body, {}};
    ErrorData* error = detail::try_call(
        [](void* f) noexcept {
          auto* inner = static_cast<Frame*>(f);
          inner->result = (*inner->body)();
        },
        &frame);
    if (error != nullptr) throw PgError(error);
    return frame.result;
  }
}

// Handles a pending cancel, termination or other interrupt; throws PgError where it ends the
// statement. Costs one read of a flag when nothing is pending. Callable from C++ frames.
inline void check_interrupts() {
  if (InterruptPending) [[unlikely]] {
    call([] { CHECK_FOR_INTERRUPTS(); });
  }
}

}  // namespace identity_resolve::pg
