// A connection to PostgreSQL's server programming interface from a frame that owns C++ objects.
#pragma once

#include "pg/border.h"

namespace identity_resolve::pg {

// Ends the use of what SPI_plan_get_cached_plan() has given. PostgreSQL's half.
inline void release_plan(CachedPlan* plan) {
  ReleaseCachedPlan(plan, plan->is_saved ? CurrentResourceOwner : nullptr);
}

// Raises error 0A000 for what the interface refuses to prepare or to run, such as COMMIT.
// PostgreSQL's half.
[[noreturn]] inline void refused(int result) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("the statement cannot be run here: %s", SPI_result_code_string(result))));
  pg_unreachable();
}

// Connects; an abort ends the connection by itself.
class SpiConnection {
 public:
  SpiConnection() {
    call([] { SPI_connect(); });
  }
  SpiConnection(const SpiConnection&) = delete;
  SpiConnection& operator=(const SpiConnection&) = delete;
  ~SpiConnection() = default;
  static void finish() {
    call([] { SPI_finish(); });
  }
};

}  // namespace identity_resolve::pg
