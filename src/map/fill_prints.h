// The fingerprints that a fill meets, for m<id>_prints: the next refresh compares with them
// (map/prints.h reads them).
#pragma once

#include "engine/partitioned_log.h"
#include "map/fill_entries.h"
#include "map/rewrite.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg::fill {

// The fingerprints of the rows of each source, in the order in which they are read.
class Prints {
 public:
  // numbers: of the sources. More than `budget` bytes go to a file.
  Prints(Environment& environment, std::span<const std::int32_t> numbers, std::size_t budget)
      : environment_(&environment),
        numbers_(numbers),
        budget_(budget),
        rows_(environment, numbers.size()),
        spill_(environment) {}

  void add(std::size_t source, std::int64_t fingerprint, std::int64_t rid, engine::Ticker& ticker) {
    // What identify() was told is not compared with anything.
    if (numbers_[source] == 0) return;
    rows_.add(source, {fingerprint, rid});
    if (rows_.resident_bytes() > budget_) rows_.spill(spill_, ticker);
  }
  // Writes them as those that the state has, which are forgotten here.
  void write(int map_id);

 private:
  static constexpr std::size_t kMostRows = 1'000'000;
  struct Row {
    std::int64_t fingerprint;
    std::int64_t rid;
  };
  struct Part {
    explicit Part(boost::container::pmr::memory_resource& memory) : came(&memory), rids(&memory) {}
    List<std::int64_t> came;
    List<std::int64_t> rids;
  };

  void write(std::size_t source, Part& part);

  Environment* environment_;
  std::span<const std::int32_t> numbers_;
  std::size_t budget_;
  engine::PartitionedLog<Row> rows_;
  engine::Spill spill_;
  Rewrite* table_ = nullptr;
  std::int64_t parts_ = 0;
};

}  // namespace identity_resolve::pg::fill
