// A connection to PostgreSQL's server programming interface from a frame that owns C++ objects.
#pragma once

#include "pg/guard.h"

namespace identity_resolve::pg {

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
