#include "engine/link_table.h"

#include <algorithm>
#include <bit>

namespace identity_resolve::engine {

void LinkTable::add_rows(std::span<Link> links, std::uint32_t rows) noexcept {
  for (Link& link : links) link.row = RowNumber{static_cast<std::uint32_t>(link.row) + rows};
}

void LinkTable::renumber(std::uint32_t rows) noexcept {
  first_row_ += rows;
  if (rows == 0) return;
  for (std::size_t partition = 0; partition < log_.partitions(); ++partition) {
    log_.each_chunk(partition, [&](std::span<Link> chunk) { add_rows(chunk, rows); });
  }
}

void LinkTable::load_spilled(std::size_t partition, Spill& from,
                             boost::container::pmr::vector<Link>& to) const {
  const std::size_t before = to.size();
  log_.load_spilled(partition, from, to);
  if (first_row_ != 0) add_rows({to.data() + before, to.size() - before}, first_row_);
}

void KeyIndex::reset(std::size_t links) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;
  constexpr std::size_t kFewest = 8;
  const std::size_t room = std::max(std::min(links, kMostAtOnce), kFewest);
  groups_.clear();
  groups_.reserve(room);
  slots_.assign(std::bit_ceil(room * 2), Slot{0, 0});
  mask_ = slots_.size() - 1;
}

void KeyIndex::grow() {
  slots_.assign(slots_.size() * 2, Slot{0, 0});
  mask_ = slots_.size() - 1;
  for (std::uint32_t place = 0; place < groups_.size(); ++place) {
    const Key& key = groups_[place].key;
    std::size_t at = key.low & mask_;
    while (slots_[at].place != 0) at = (at + 1) & mask_;
    slots_[at] = {static_cast<std::uint32_t>(key.low >> 32), place + 1};
  }
}

}  // namespace identity_resolve::engine
