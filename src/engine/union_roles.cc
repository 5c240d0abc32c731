// The union stage's part for role addresses (identifiers that give way): they link only as long as
// no source has one on more records than KindRules::role_max_records that nothing else unites.
//
// They are united last, after fallbacks, and all of them are judged before the first one unites
// anything: so it does not matter which comes first. Memory: 24 bytes a link of such an identifier,
// on disk beyond a quarter of the budget.
#include <algorithm>
#include <utility>

#include "engine/union_stage.h"

namespace identity_resolve::engine {

void UnionStage::unite_roles() {
  roles_are_judged_ = true;
  roles_shared_in_.assign(source_count_, 0);
  const LoggedLinks roles{&role_links_, &role_spill_};
  const std::span<const LoggedLinks> all = std::exchange(tables_, std::span(&roles, 1));
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    first_shared_role_[partition] = shared_role_keys_.size();
    if (links_in(partition) != 0) judge_roles(partition);
  }
  first_shared_role_[LinkTable::kPartitions] = shared_role_keys_.size();
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    if (links_in(partition) != 0) unite_roles_of(partition);
  }
  tables_ = all;
  role_links_.log().clear();
}

void UnionStage::judge_roles(std::size_t partition) {
  load(partition);
  arrange();
  for (std::size_t group = 0; group < index_.groups().size(); ++group) judge_role(group);
  sort_keys(shared_role_keys_, first_shared_role_[partition]);
}

// The rows of one record are united by now, as are those that anything else unites.
void UnionStage::judge_role(std::size_t group) {
  const KeyGroup& judged = index_.groups()[group];
  const std::uint64_t most = rules_of(judged).role_max_records;
  if (judged.too_common || judged.links <= most) return;
  constexpr unsigned kSourceShift = 32;
  counted_.clear();
  for (const Link* link : links_of(group)) {
    ticker_.tick();
    const SourceNumber source = source_of(static_cast<std::uint32_t>(link->row));
    const auto together = static_cast<std::uint32_t>(sets().representative(link->row));
    counted_.push_back(std::uint64_t{static_cast<std::uint16_t>(source)} << kSourceShift |
                       together);
  }
  std::sort(counted_.begin(), counted_.end(), [this](std::uint64_t a, std::uint64_t b) {
    ticker_.tick();
    return a < b;
  });
  counted_.erase(std::unique(counted_.begin(), counted_.end()), counted_.end());
  bool is_shared = false;
  for (std::size_t first = 0; first < counted_.size();) {
    const std::uint64_t source = counted_[first] >> kSourceShift;
    std::size_t last = first;
    while (last < counted_.size() && counted_[last] >> kSourceShift == source) ++last;
    if (last - first > most) {
      shared_roles_.keep(judged.key, SourceNumber{static_cast<std::uint16_t>(source)}, judged.kind,
                         last - first);
      ++roles_shared_in_[source];
      is_shared = true;
    }
    first = last;
  }
  if (!is_shared) return;
  ++shared_roles_.identifiers;
  shared_role_keys_.push_back(judged.key);
}

void UnionStage::unite_roles_of(std::size_t partition) {
  load(partition);
  arrange();
  const std::span<KeyGroup> groups = index_.groups();
  DisjointSet forest = sets();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    KeyGroup& at = groups[group];
    if (at.too_common) {
      show_last(group);
      continue;
    }
    const std::span<const Link* const> links = links_of(group);
    at.leader = static_cast<std::uint32_t>(links.front()->row);
    if (falls_back(at)) {
      unite_within_parts(group, forest);
      continue;
    }
    for (const Link* link : links) {
      ticker_.tick();
      forest.unite(RowNumber{at.leader}, link->row);
    }
  }
  if (values_ != nullptr) values_->spill_beyond_budget();
  if (limits_ != 0) note_holders();
  if (!scattered_kinds_.empty()) note_scattered_holders();
}

// Marks those groups of the partition at hand that link nobody as they are shared.
void UnionStage::mark_shared_roles() {
  const std::size_t first = first_shared_role_[partition_];
  const std::size_t last = first_shared_role_[partition_ + 1];
  if (first >= last) return;
  mark_too_common({shared_role_keys_.data() + first, last - first});
}

}  // namespace identity_resolve::engine
