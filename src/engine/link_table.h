// The identifiers of all rows, in 256 partitions by the first byte of their keys.
//
// Input: (key, row) pairs in order of arrival. A partition is small enough that the table which
// finds equal keys stays near the core's cache while it is worked on; it is also the unit that
// several workers can share and that a budget can spill. Memory: 24 bytes an identifier, and up
// to 40 more an identifier of the one partition being united. Cost: linear.
#pragma once

#include <array>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "engine/arena.h"
#include "engine/environment.h"
#include "engine/key.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// Stands for the record's own id where a link names its kind.
inline constexpr KindNumber kRecordKind{std::numeric_limits<std::uint16_t>::max()};

// A row that carries an identifier.
struct Link {
  Key key;
  RowNumber row;
  KindNumber kind;
  bool links : 1 = true;       // may join rows; if not, it is here to be counted
  bool counts : 1 = true;      // is one of its kind's values, where a limit counts these
  bool gives_way : 1 = false;  // Standing::kGivesWay
};
static_assert(sizeof(Link) == 24);

class LinkTable {
 public:
  static constexpr std::size_t kPartitions = 256;

  explicit LinkTable(Environment& environment);

  void add(const Link& link) {
    Partition& partition = partitions_[link.key.high >> 56];
    if (partition.used == kLinksAChunk) [[unlikely]] {
      add_chunk(partition);
    }
    partition.last[partition.used++] = link;
  }

  // Forgets all links and gives their memory back.
  void clear() noexcept;

  // Adds `rows` to every link's row number.
  void renumber(std::uint32_t rows) noexcept;

  // How many links a partition holds.
  [[nodiscard]] std::size_t size(std::size_t partition) const noexcept;

  // Calls visit(span of links) for each chunk of a partition, in order of arrival.
  template <class Visit>
  void each_chunk(std::size_t partition, Visit&& visit) const {
    const Partition& p = partitions_[partition];
    for (std::size_t i = 0; i + 1 < p.chunks.size(); ++i) {
      visit(std::span<const Link>(p.chunks[i], kLinksAChunk));
    }
    if (!p.chunks.empty()) visit(std::span<const Link>(p.chunks.back(), p.used));
  }

 private:
  static constexpr std::size_t kLinksAChunk = 256;

  struct Partition {
    explicit Partition(boost::container::pmr::memory_resource* memory) : chunks(memory) {}
    Link* last = nullptr;
    std::size_t used = kLinksAChunk;
    boost::container::pmr::vector<Link*> chunks;
  };

  void add_chunk(Partition& partition);

  Arena arena_;
  boost::container::pmr::vector<Partition> partitions_;
};

// The links of one partition with the same key: the records that carry one identifier.
struct KeyGroup {
  const Link* first;     // in order of arrival
  std::uint32_t links;   // how many
  std::uint32_t leader;  // the row that the others are united with, or kNoRow
  KindNumber kind;
  bool too_common;  // links nobody
};
inline constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

// Finds equal keys of one partition. Open addressing with linear probing; a slot holds a tag of the
// key and its group's place, so that a probe touches a link only when the tags agree.
class KeyIndex {
 public:
  explicit KeyIndex(Environment& environment)
      : slots_(&environment.memory()), groups_(&environment.memory()) {}

  // Forgets everything; makes room for `links` links.
  void reset(std::size_t links);

  // Counts a link in; gives its group's place, from 0 in order of arrival.
  // Takes at most as many links as reset() was told.
  std::uint32_t add(const Link& link) {
    const auto tag = static_cast<std::uint32_t>(link.key.low >> 32);
    for (std::size_t at = link.key.low & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.place == 0) {
        groups_.push_back({&link, 1, kNoRow, link.kind, false});
        slot = {tag, static_cast<std::uint32_t>(groups_.size())};
        return slot.place - 1;
      }
      if (slot.tag == tag && groups_[slot.place - 1].first->key == link.key) {
        ++groups_[slot.place - 1].links;
        return slot.place - 1;
      }
    }
  }

  // The group's place of a link that has been added.
  [[nodiscard]] std::uint32_t find(const Link& link) const noexcept {
    const auto tag = static_cast<std::uint32_t>(link.key.low >> 32);
    for (std::size_t at = link.key.low & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.tag == tag && slot.place != 0 && groups_[slot.place - 1].first->key == link.key) {
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
  std::size_t mask_ = 0;
  boost::container::pmr::vector<Slot> slots_;
  boost::container::pmr::vector<KeyGroup> groups_;
};

}  // namespace identity_resolve::engine
