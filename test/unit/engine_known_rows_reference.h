// What KnownRows promises, found out slowly with sets: shared by its unit tests and its fuzz
// target.
#pragma once

#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/known_rows.h"

namespace identity_resolve::engine::testing {

// What is told of a source: fingerprints that came and went, one batch after the other, and those
// of the rows that the source has now.
struct KnownRowsCase {
  struct Batch {
    bool came;
    bool is_run;
    std::vector<std::int64_t> fingerprints;
  };
  std::vector<Batch> batches;
  std::vector<std::int64_t> rows;
};

// A fingerprint as a map stores it: its last two bits are 0.
inline std::int64_t stored_fingerprint(std::uint64_t number) {
  return static_cast<std::int64_t>(number << 2);
}

// Nothing where KnownRows says of a case what the sets say; otherwise what it says wrong.
inline std::string known_rows_fault(const KnownRowsCase& told) {
  std::set<std::int64_t> known;
  boost::container::pmr::memory_resource& memory = *boost::container::pmr::new_delete_resource();
  KnownRows rows(memory);
  for (const KnownRowsCase::Batch& batch : told.batches) {
    const std::span<const char> bytes{reinterpret_cast<const char*>(batch.fingerprints.data()),
                                      batch.fingerprints.size() * sizeof(std::int64_t)};
    if (batch.came) {
      if (batch.is_run) rows.begin_run(batch.fingerprints.size());
      rows.add(bytes);
      known.insert(batch.fingerprints.begin(), batch.fingerprints.end());
    } else {
      rows.remove(bytes);
      for (const std::int64_t fingerprint : batch.fingerprints) known.erase(fingerprint);
    }
  }
  rows.begin();

  std::set<std::int64_t> seen;
  std::set<std::int64_t> taken_for_new;
  for (const std::int64_t row : told.rows) {
    const bool has_been_seen = !seen.insert(row).second;
    if (rows.see(row)) {
      if (!has_been_seen && !known.contains(row)) return "a new row is taken for a known one";
    } else {
      if (has_been_seen) return "a row is new a second time";
      taken_for_new.insert(row);
    }
  }
  const std::span<const std::int64_t> after_all = rows.finish();
  for (std::size_t i = 0; i < after_all.size(); ++i) {
    if (i > 0 && after_all[i - 1] >= after_all[i]) return "what is known after all is not rising";
    if (!known.contains(after_all[i])) return "a new row is known after all";
    if (!seen.contains(after_all[i])) return "a row that is not there is known after all";
    taken_for_new.erase(after_all[i]);
  }
  for (const std::int64_t row : taken_for_new) {
    if (known.contains(row)) return "a known row stays new";
  }

  std::set<std::int64_t> gone;
  rows.each_unseen([&](std::int64_t fingerprint) { gone.insert(fingerprint); });
  for (const std::int64_t fingerprint : known) {
    if (!seen.contains(fingerprint) && !gone.contains(fingerprint))
      return "a row that went is not told";
  }
  for (const std::int64_t fingerprint : gone) {
    if (!known.contains(fingerprint)) return "a row went that was not known";
    if (seen.contains(fingerprint)) return "a row went that is there";
  }
  return {};
}

}  // namespace identity_resolve::engine::testing
