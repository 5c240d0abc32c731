#include "pg/attempt.h"

namespace identity_resolve::pg::detail {

Fault fault_of(const PgError& error) {
  const ErrorData* data = error.data();
  const auto text = [](const char* part) { return std::string(part == nullptr ? "" : part); };
  Fault fault{{}, text(data->message), text(data->detail), text(data->hint)};
  std::memcpy(fault.sqlstate.data(), unpack_sql_state(data->sqlerrcode), fault.sqlstate.size());
  return fault;
}

Fault fault_of(const engine::Error& error) {
  Fault fault{{}, error.message(), error.detail(), error.hint()};
  std::memcpy(fault.sqlstate.data(), error.sqlstate(), fault.sqlstate.size());
  return fault;
}

void throw_again(const Fault& fault) {
  // An Error's SQLSTATE outlives it.
  static std::array<char, 6> sqlstate;
  sqlstate = fault.sqlstate;
  throw engine::Error(*reinterpret_cast<const char(*)[6]>(sqlstate.data()), fault.message,
                      fault.detail, fault.hint);
}

}  // namespace identity_resolve::pg::detail
