// How many records a fill finds that say something else than they did.
#pragma once

#include "engine/packed_rows.h"
#include "map/fill_entries.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg::fill {

// Of identities that differ, the packs that they have and had.
class ChangedRecords {
 public:
  ChangedRecords(Environment& environment, engine::Ticker& ticker)
      : memory_(&environment.memory()), prints_(environment, ticker) {}

  // What the records of a pack say, now or before.
  void add(std::string_view pack) {
    // Its rows are sorted by their records, each row once.
    RecordPrint record{};
    bool has_one = false;
    const auto end_record = [&] {
      if (has_one) prints_.add(record);
    };
    static_cast<void>(
        engine::each_packed_row(pack, [&](std::string_view, const engine::PackedRow& row) {
          if (!has_one || row.rid != record.rid) {
            end_record();
            record = {row.rid, 0};
            has_one = true;
          }
          record.print = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.print) +
                                                   static_cast<std::uint64_t>(row.fingerprint));
        }));
    end_record();
    prints_.keep_to_budget();
  }
  // Records that say something else than they did, have come or are gone: what the identities that
  // differ say twice, now and before, has not changed.
  std::uint64_t count() {
    std::uint64_t changed = 0;
    List<RecordPrint> at_hand(memory_);
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      prints_.load(partition, at_hand);
      for (std::size_t i = 0; i < at_hand.size();) {
        const std::size_t next = i + 1;
        const bool has_next = next < at_hand.size();
        const bool is_same = has_next && at_hand[next] == at_hand[i];
        const bool is_other = !is_same && has_next && at_hand[next].rid == at_hand[i].rid;
        changed += is_same ? 0 : 1;
        i += is_same || is_other ? 2 : 1;
      }
    }
    prints_.clear();
    return changed;
  }

 private:
  boost::container::pmr::memory_resource* memory_;
  NumberLog<RecordPrint> prints_;
};

}  // namespace identity_resolve::pg::fill
