// The fingerprints of a source's rows, as m<id>_prints has them, and whose they are.
#pragma once

#include "engine/error.h"
#include "engine/place_table.h"
#include "map/datums.h"
#include "map/queries.h"
#include "pg/context_memory.h"
#include "pg/spi.h"

namespace identity_resolve::pg {

// The fingerprints that a source has, of all parts, and their records.
class PrintsOfSource {
 public:
  explicit PrintsOfSource(ContextMemory& memory)
      : prints_(&memory), went_(memory), went_before_(&memory) {}

  void read(int map_id, int source) {
    const SpiConnection spi;
    const char* query = call([=] {
      return psprintf(
          "SELECT came, came_rids, went FROM identity_state.m%d_prints WHERE source = %d "
          "ORDER BY part",
          map_id, source);
    });
    read_rows(query, {BYTEAOID, BYTEAOID, BYTEAOID},
              [this](const Datum* values, const bool* nulls) {
                if (!nulls[2]) {
                  each_slice(values[2], [&](std::span<const char> went, std::size_t) {
                    guarded([&] { remove(went); });
                  });
                }
                if (nulls[0] || nulls[1] ||
                    toast_raw_datum_size(values[0]) != toast_raw_datum_size(values[1])) {
                  return;
                }
                each_slice(values[0], [&](std::span<const char> came, std::size_t begin) {
                  const std::span<const char> rids = slice_of(values[1], begin, came.size());
                  guarded([&] {
                    for (std::size_t at = 0; at + sizeof(std::int64_t) <= came.size();
                         at += sizeof(std::int64_t)) {
                      prints_.push_back({number_at(came, at), number_at(rids, at)});
                    }
                  });
                });
              });
    SpiConnection::finish();
  }
  // Calls visit(rid, fingerprint) for each that is left.
  template <class Visit>
  void each(Visit&& visit) const {
    for (std::size_t at = 0; at < prints_.size(); ++at) {
      if (!has_gone(at)) visit(prints_[at].rid, prints_[at].fingerprint);
    }
  }
  // Calls put(came, rids) for a million of those that are left, in their order, at a time.
  template <class Put>
  void each_part(ContextMemory& memory, Put&& put) {
    constexpr std::size_t kMost = 1'000'000;
    boost::container::pmr::vector<std::int64_t> came(&memory);
    boost::container::pmr::vector<std::int64_t> rids(&memory);
    for (std::size_t at = 0; at < prints_.size(); ++at) {
      if (has_gone(at)) continue;
      came.push_back(prints_[at].fingerprint);
      rids.push_back(prints_[at].rid);
      if (came.size() < kMost) continue;
      put(came, rids);
      came.clear();
      rids.clear();
    }
    if (!came.empty()) put(came, rids);
  }

 private:
  struct Print {
    std::int64_t fingerprint;
    std::int64_t rid;
  };
  [[nodiscard]] bool has_gone(std::size_t at) const noexcept {
    const std::uint32_t place = went_.find(prints_[at].fingerprint);
    return place != engine::NumberTable::kNone && at < went_before_[place];
  }
  void remove(std::span<const char> went) {
    for (std::size_t at = 0; at + sizeof(std::int64_t) <= went.size(); at += sizeof(std::int64_t)) {
      const auto [place, is_new] = went_.insert(number_at(went, at));
      if (is_new) went_before_.push_back(0);
      went_before_[place] = prints_.size();
    }
  }

  boost::container::pmr::vector<Print> prints_;  // as they came
  engine::NumberTable went_;
  boost::container::pmr::vector<std::size_t>
      went_before_;  // of each: those that came before this one
};

}  // namespace identity_resolve::pg
