#include "engine/link_table.h"

#include <algorithm>
#include <bit>

namespace identity_resolve::engine {

LinkTable::LinkTable(Environment& environment)
    : arena_(environment.memory()), partitions_(&environment.memory()) {
  partitions_.reserve(kPartitions);
  for (std::size_t i = 0; i < kPartitions; ++i) partitions_.emplace_back(&environment.memory());
}

void LinkTable::add_chunk(Partition& partition) {
  static_assert(alignof(Link) <= 8);
  auto* chunk = reinterpret_cast<Link*>(arena_.allocate(sizeof(Link) * kLinksAChunk));
  partition.chunks.push_back(chunk);
  partition.last = chunk;
  partition.used = 0;
}

void LinkTable::clear() noexcept {
  for (Partition& partition : partitions_) {
    partition.chunks.clear();
    partition.last = nullptr;
    partition.used = kLinksAChunk;
  }
  arena_.clear();
}

void LinkTable::renumber(std::uint32_t rows) noexcept {
  for (Partition& partition : partitions_) {
    for (Link* chunk : partition.chunks) {
      const std::size_t used = chunk == partition.last ? partition.used : kLinksAChunk;
      for (std::size_t i = 0; i < used; ++i) {
        chunk[i].row = RowNumber{static_cast<std::uint32_t>(chunk[i].row) + rows};
      }
    }
  }
}

std::size_t LinkTable::size(std::size_t partition) const noexcept {
  const Partition& p = partitions_[partition];
  return p.chunks.empty() ? 0 : (p.chunks.size() - 1) * kLinksAChunk + p.used;
}

void KeyIndex::reset(std::size_t links) {
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(links * 2, 16));
  groups_.clear();
  groups_.reserve(links);
  slots_.assign(wanted, Slot{0, 0});
  mask_ = wanted - 1;
}

}  // namespace identity_resolve::engine
