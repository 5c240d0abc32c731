// Any bytes make a source of few values: what came, what went, what the source has now. KnownRows
// must say of them what sets say (engine_known_rows_reference.h).
#include "unit/engine_known_rows_reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace identity_resolve::engine::testing;  // NOLINT(google-build-using-namespace)
  KnownRowsCase told;
  bool is_over = false;  // what follows are the source's rows
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint8_t byte = data[i];
    if (byte >= 0xFC) {
      is_over = is_over || byte == 0xFF;
      told.batches.push_back({byte != 0xFD, byte == 0xFE, {}});
      continue;
    }
    // Far apart, as hashes are; some are landmarks.
    const std::int64_t fingerprint = stored_fingerprint(byte * 0x9E3779B97F4A7C15U);
    if (is_over) {
      told.rows.push_back(fingerprint);
    } else if (!told.batches.empty()) {
      // Several of each, so that runs and lost orders come about.
      for (std::uint64_t n = 0; n < (told.batches.back().is_run ? 64 : 1); ++n) {
        told.batches.back().fingerprints.push_back(fingerprint ^ stored_fingerprint(n << 40));
      }
    }
  }
  if (!known_rows_fault(told).empty()) std::abort();
  return 0;
}
