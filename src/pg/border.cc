#include "pg/border.h"

namespace identity_resolve::pg {

void warn(const std::string& message, const std::string& detail, const std::string& hint) {
  call([&] {
    ereport(WARNING, (errmsg("%s", message.c_str()), errdetail("%s", detail.c_str()),
                      errhint("%s", hint.c_str())));
  });
}

}  // namespace identity_resolve::pg

namespace identity_resolve::pg::detail {

namespace {

// A copy of text on the current memory context, or fallback where there is no memory for it.
const char* keep(const std::string& text, const char* fallback) noexcept {
  if (text.empty()) return fallback;
  auto* copy = static_cast<char*>(MemoryContextAllocExtended(CurrentMemoryContext, text.size() + 1,
                                                             MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
  if (copy == nullptr) return fallback;
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace

Pending pending_from_current_exception() noexcept {
  Pending pending;
  try {
    throw;
  } catch (const PgError& error) {
    pending.rethrow = error.data();
  } catch (const engine::Error& error) {
    const char* s = error.sqlstate();
    pending.sqlstate = MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
    pending.message = keep(error.message(), "identity resolution failed");
    pending.detail = keep(error.detail(), nullptr);
    pending.hint = keep(error.hint(), nullptr);
  } catch (const std::bad_alloc&) {
    pending.sqlstate = ERRCODE_OUT_OF_MEMORY;
    pending.message = "out of memory";
    pending.detail = "identity_resolve could not allocate memory for this statement.";
  } catch (const std::length_error&) {
    pending.sqlstate = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    pending.message = "a list grew beyond what memory can address";
  } catch (const std::exception& error) {
    pending.sqlstate = ERRCODE_INTERNAL_ERROR;
    pending.message = keep(std::string(error.what()), "unexpected C++ exception");
  } catch (...) {
    pending.sqlstate = ERRCODE_INTERNAL_ERROR;
    pending.message = "unexpected C++ exception";
  }
  return pending;
}

void raise(const Pending& pending) {
  if (pending.rethrow != nullptr) ReThrowError(pending.rethrow);
  ereport(ERROR, (errcode(pending.sqlstate), errmsg("%s", pending.message),
                  pending.detail != nullptr ? errdetail("%s", pending.detail) : 0,
                  pending.hint != nullptr ? errhint("%s", pending.hint) : 0));
  pg_unreachable();
}

ErrorData* try_call(void (*function)(void*), void* argument) noexcept {
  MemoryContext context = CurrentMemoryContext;
  ErrorData* volatile error = nullptr;
  PG_TRY();
  { function(argument); }
  PG_CATCH();
  {
    // Copying needs memory of its own; ErrorContext, where we stand, is reserved for the next
    // error.
    MemoryContextSwitchTo(context);
    error = CopyErrorData();
    FlushErrorState();
  }
  PG_END_TRY();
  return error;
}

}  // namespace identity_resolve::pg::detail
