// The identifiers of all rows, in 256 partitions by the first byte of their keys; those that are
// only held (KindRules::only_keeps_apart()) in one of their own.
//
// Input: (key, row) pairs in order of arrival. A partition is small enough that the table which
// finds equal keys stays near the core's cache while it is worked on; it is also the unit that
// several workers share and that is read back where links were spilled. Memory: 24 bytes an
// identifier that is not spilled, and up to 64 more an identifier of the one partition being
// united. Cost: linear.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "engine/environment.h"
#include "engine/key.h"
#include "engine/partitioned_log.h"
#include "engine/spill.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// Stands for the record's own id where a link names its kind.
inline constexpr KindNumber kRecordKind{std::numeric_limits<std::uint16_t>::max()};

// A row that carries an identifier.
struct Link {
  Key key;
  RowNumber row;
  KindNumber kind;
  bool links : 1 = true;           // may join rows; if not, it is here to be counted
  bool counts : 1 = true;          // is one of its kind's values, where a limit counts these
  bool gives_way : 1 = false;      // Standing::kGivesWay
  std::uint16_t ordinal : 13 = 0;  // in its row, where values are judged (kByKeys)
};
static_assert(sizeof(Link) == 24);

class LinkTable {
 public:
  static constexpr std::size_t kPartitions = 256;
  static constexpr std::size_t kHeld = kPartitions;  // the partition of those that are only held

  // Whether links of a kind are only held. Evidence asks for all by their keys.
  [[nodiscard]] static constexpr bool holds(const KindRules& rules, bool keeps_evidence) noexcept {
    return rules.only_keeps_apart() && !keeps_evidence;
  }

  explicit LinkTable(Environment& environment) : log_(environment, kPartitions + 1) {}

  void add(const Link& link) { log_.add(link.key.high >> 56, link); }
  void add_held(const Key& key, RowNumber row, KindNumber kind, bool gives_way) {
    log_.emplace(kHeld, key, row, kind, false, true, gives_way);
  }

  // Adds `rows` to every link's row number; to that of a spilled link when it is loaded.
  void renumber(std::uint32_t rows) noexcept;

  // Appends a partition's spilled links to a list, in order of arrival.
  void load_spilled(std::size_t partition, Spill& from,
                    boost::container::pmr::vector<Link>& to) const;

  // Calls visit(span of links) for each spilled piece of a partition, read into `buffer`.
  template <class Visit>
  void each_spilled(std::size_t partition, Spill& from, boost::container::pmr::vector<Link>& buffer,
                    Visit&& visit) const {
    log_.each_spilled(partition, from, buffer, [&](std::span<const Link>) {
      if (first_row_ != 0) add_rows({buffer.data(), buffer.size()}, first_row_);
      visit(std::span<const Link>(buffer.data(), buffer.size()));
    });
  }

  // How many links a partition holds.
  [[nodiscard]] std::size_t size(std::size_t partition) const noexcept {
    return log_.size(partition);
  }
  // Calls visit(span of links) for each chunk of a partition that is in memory.
  template <class Visit>
  void each_chunk(std::size_t partition, Visit&& visit) const {
    log_.each_chunk(partition, visit);
  }

  // The links as they lie: to be spilled, forgotten, handed over or adopted.
  [[nodiscard]] PartitionedLog<Link>& log() noexcept { return log_; }
  [[nodiscard]] const PartitionedLog<Link>& log() const noexcept { return log_; }

 private:
  static void add_rows(std::span<Link> links, std::uint32_t rows) noexcept;

  PartitionedLog<Link> log_;
  std::uint32_t first_row_ = 0;  // of the spilled links
};

// The links of one partition with the same key: the records that carry one identifier.
struct KeyGroup {
  Key key;
  std::uint32_t first_row;  // of its links in order of arrival
  std::uint32_t links;      // how many
  std::uint32_t leader;     // the row that the others are united with, or kNoRow
  KindNumber kind;
  bool too_common;  // links nobody
  bool gives_way;   // Standing::kGivesWay
};
static_assert(sizeof(KeyGroup) == 32);
inline constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

// Finds equal keys of one partition. Open addressing with linear probing, at most half full; a slot
// holds a tag of the key and its group's place, so that a probe touches a group only when the tags
// agree. Memory: 16 to 32 bytes a link, and 48 to 64 a group where there are more than a million
// links, so that a value which all of them share takes no more than a value.
class KeyIndex {
 public:
  explicit KeyIndex(Environment& environment)
      : slots_(&environment.memory()), groups_(&environment.memory()) {}

  // Forgets everything; makes room for `links` links.
  void reset(std::size_t links);

  // Counts a link in; gives its group's place, from 0 in order of arrival.
  std::uint32_t add(const Link& link) {
    const auto tag = static_cast<std::uint32_t>(link.key.low >> 32);
    for (std::size_t at = link.key.low & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.place == 0) {
        groups_.push_back({link.key, static_cast<std::uint32_t>(link.row), 1, kNoRow, link.kind,
                           false, link.gives_way});
        slot = {tag, static_cast<std::uint32_t>(groups_.size())};
        if (groups_.size() * 2 > slots_.size()) grow();
        return static_cast<std::uint32_t>(groups_.size()) - 1;
      }
      if (slot.tag == tag && groups_[slot.place - 1].key == link.key) {
        KeyGroup& group = groups_[slot.place - 1];
        ++group.links;
        group.gives_way |= link.gives_way;
        return slot.place - 1;
      }
    }
  }

  // Asks the processor to have a link's slot at hand soon.
  void prefetch(const Link& link) const noexcept {
    __builtin_prefetch(&slots_[link.key.low & mask_], 1);
  }

  // The group's place of a link that has been added.
  [[nodiscard]] std::uint32_t find(const Link& link) const noexcept {
    const auto tag = static_cast<std::uint32_t>(link.key.low >> 32);
    for (std::size_t at = link.key.low & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.tag == tag && slot.place != 0 && groups_[slot.place - 1].key == link.key) {
        return slot.place - 1;
      }
    }
  }

  [[nodiscard]] std::span<KeyGroup> groups() noexcept { return {groups_.data(), groups_.size()}; }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t place;  // 1 + the group's place; 0 where the slot is free
  };
  void grow();

  std::size_t mask_ = 0;
  boost::container::pmr::vector<Slot> slots_;
  boost::container::pmr::vector<KeyGroup> groups_;
};

// A table, and the file into which some of its links may have been spilled.
struct LoggedLinks {
  LinkTable* table;
  Spill* spill;
};

}  // namespace identity_resolve::engine
