// What a fill lists by numbers: records, keys and what was said of them before. A list is in
// partitions by its numbers, which are in their order: whoever goes through the partitions of two
// lists together meets equal numbers together.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>

#include "engine/partitioned_log.h"
#include "engine/sort_numbers.h"
#include "pg/pg.h"

namespace identity_resolve::pg::fill {

template <class T>
using List = boost::container::pmr::vector<T>;

inline constexpr std::size_t kPartitions = 256;

// So many bytes of each list are in memory; what is more goes to a file.
inline std::size_t list_budget() noexcept {
  return std::max<std::size_t>(static_cast<std::size_t>(maintenance_work_mem) * 1024 / 16,
                               std::size_t{1} << 20);
}

// That a record has a number, itself (is_record) or a key.
struct Entry {
  std::int64_t number;
  std::uint32_t cluster;
  std::uint16_t source;
  std::uint16_t is_record;

  [[nodiscard]] std::int64_t first() const noexcept { return number; }

  friend auto operator<=>(const Entry&, const Entry&) = default;
};
struct OldRecord {
  std::int64_t rid;
  std::uint32_t old;
  std::uint32_t source;  // the map's number

  [[nodiscard]] std::int64_t first() const noexcept { return rid; }

  friend auto operator<=>(const OldRecord&, const OldRecord&) = default;
};
// What all rows of a record say, in a number: the sum of their fingerprints.
struct RecordPrint {
  std::int64_t rid;
  std::int64_t print;

  [[nodiscard]] std::int64_t first() const noexcept { return rid; }

  friend auto operator<=>(const RecordPrint&, const RecordPrint&) = default;
};

// Values of one of these types. Memory: list_budget(), and one partition where it is loaded.
template <class T>
class NumberLog {
 public:
  NumberLog(engine::Environment& environment, engine::Ticker& ticker)
      : ticker_(&ticker),
        budget_(list_budget()),
        log_(environment, kPartitions),
        spill_(environment) {}

  // keep_to_budget() follows, at the latest behind all of an identity.
  void add(const T& value) { log_.add(partition_of(value.first()), value); }
  void keep_to_budget() {
    if (log_.resident_bytes() > budget_) log_.spill(spill_, *ticker_);
  }
  // A partition's values, sorted by their numbers, in the place of what `to` has.
  void load(std::size_t partition, List<T>& to) {
    to.clear();
    log_.load_spilled(partition, spill_, to);
    log_.each_chunk(partition,
                    [&](std::span<T> chunk) { to.insert(to.end(), chunk.begin(), chunk.end()); });
    engine::sort_by_number(to, [](const T& item) { return item.first(); });
  }
  // Gives memory and file back.
  void clear() {
    log_.clear();
    spill_.close();
  }

 private:
  static std::size_t partition_of(std::int64_t number) noexcept {
    // In their order, which is that of signed numbers.
    return (static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63)) >> 56;
  }

  engine::Ticker* ticker_;
  std::size_t budget_;
  engine::PartitionedLog<T> log_;
  engine::Spill spill_;
};

}  // namespace identity_resolve::pg::fill
