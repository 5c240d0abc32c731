// The union stage's part for kinds that link two records only where no stronger kind does.
#include "engine/union_stage.h"

#include <algorithm>
#include <tuple>

namespace identity_resolve::engine {

// Makes room for the sources that each record is linked to.
void UnionStage::note_sources() {
  constexpr std::size_t kSourcesAWord = 64;
  find_records();
  words_ = (source_count_ + kSourcesAWord - 1) / kSourcesAWord;
  linked_sources_.assign(row_count_ * fallback_priorities_.size() * words_, 0);
  source_of_.resize(row_count_);
  for (std::size_t row = 0; row < row_count_; ++row) {
    source_of_[row] = static_cast<std::uint16_t>(source_of(static_cast<std::uint32_t>(row)));
    ticker_.tick();
  }
  first_record_.assign(source_count_, kNoRow);
  several_.assign(source_count_, 0);
  place_of_source_.assign(source_count_, 0);
}

// Notes for each record of a group the sources of the group's other records, where a fallback kind
// wants to know it.
void UnionStage::mark_sources(std::size_t group) {
  const KeyGroup& marked = index_.groups()[group];
  if (is_record(marked) || marked.too_common || !rules_of(marked).links || marked.links < 2) return;
  // A role address with a limit is no stronger identifier: whether it links is decided last.
  if (is_limited_role(marked)) return;
  const auto weaker = static_cast<std::size_t>(std::lower_bound(fallback_priorities_.begin(),
                                                                fallback_priorities_.end(),
                                                                rules_of(marked).priority) -
                                               fallback_priorities_.begin());
  if (weaker == 0) return;
  list_members(group, true);
  sources_here_.clear();
  for (const Member& member : members_) {
    ticker_.tick();
    const std::uint16_t source = source_of_[member.record];
    if (first_record_[source] == kNoRow) {
      first_record_[source] = member.record;
      sources_here_.push_back(source);
    } else if (first_record_[source] != member.record) {
      several_[source] = 1;
    }
  }
  for (const Member& member : members_) {
    const std::uint16_t own = source_of_[member.record];
    for (const std::uint32_t source : sources_here_) {
      ticker_.tick();
      if (source == own && several_[source] == 0) continue;
      for (std::size_t priority = 0; priority < weaker; ++priority) {
        const std::size_t mask = (member.record * fallback_priorities_.size() + priority) * words_;
        linked_sources_[mask + source / 64] |= std::uint64_t{1} << source % 64;
      }
    }
  }
  for (const std::uint32_t source : sources_here_) {
    first_record_[source] = kNoRow;
    several_[source] = 0;
  }
}

// Splits members_, which carry one value of a fallback kind, into the parts that it joins; gives
// how many there are, and orders the members by part. Two members are joined directly where neither
// is linked to the other's source; members of one source that are open to another one stand in one
// cell.
std::uint32_t UnionStage::split(const KindRules& rules) {
  if (!rules.fallback || members_.empty()) return members_.empty() ? 0 : 1;
  const auto priority = static_cast<std::size_t>(
      std::lower_bound(fallback_priorities_.begin(), fallback_priorities_.end(), rules.priority) -
      fallback_priorities_.begin());
  const auto open = [&](const Member& member, std::uint32_t source) {
    const std::size_t mask = (member.record * fallback_priorities_.size() + priority) * words_;
    return (linked_sources_[mask + source / 64] >> source % 64 & 1) == 0;
  };
  sources_here_.clear();
  for (const Member& member : members_) sources_here_.push_back(source_of_[member.record]);
  std::sort(sources_here_.begin(), sources_here_.end());
  sources_here_.erase(std::unique(sources_here_.begin(), sources_here_.end()), sources_here_.end());
  const std::size_t width = sources_here_.size();
  for (std::size_t i = 0; i < width; ++i) {
    place_of_source_[sources_here_[i]] = static_cast<std::uint32_t>(i);
  }
  cells_.assign(width * width, kNoRow);
  forest_.resize(members_.size());
  const auto cell = [&](std::size_t from, std::size_t to) -> std::uint32_t& {
    return cells_[from * width + to];
  };
  const auto root = [this](std::uint32_t at) {
    while (forest_[at] != at) at = forest_[at] = forest_[forest_[at]];
    return at;
  };
  const auto join = [&](std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    forest_[std::max(a, b)] = std::min(a, b);
  };
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    forest_[i] = i;
    const std::size_t own = place_of_source_[source_of_[members_[i].record]];
    for (std::size_t to = 0; to < width; ++to) {
      ticker_.tick();
      if (!open(members_[i], sources_here_[to])) continue;
      if (cell(own, to) == kNoRow) cell(own, to) = i;
    }
  }
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const std::size_t own = place_of_source_[source_of_[members_[i].record]];
    if (i > 0 && members_[i - 1].record == members_[i].record) join(i, i - 1);
    for (std::size_t to = 0; to < width; ++to) {
      ticker_.tick();
      if (open(members_[i], sources_here_[to]) && cell(to, own) != kNoRow) join(i, cell(to, own));
    }
  }
  std::uint32_t parts = 0;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    // A root comes before its tree.
    members_[i].part = forest_[i] == i ? parts++ : members_[root(i)].part;
  }
  // Within a part as list_members() has them.
  std::sort(members_.begin(), members_.end(), [this](const Member& a, const Member& b) {
    ticker_.tick();
    return std::tuple(a.part, a.record, a.link->row) < std::tuple(b.part, b.record, b.link->row);
  });
  return parts;
}

void UnionStage::unite_fallbacks() {
  DisjointSet forest = sets();
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    arrange();
    const std::span<const KeyGroup> groups = index_.groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const KeyGroup& at = groups[group];
      if (is_record(at) || at.too_common || !rules_of(at).links || !rules_of(at).fallback) continue;
      if (is_limited_role(at)) continue;
      unite_within_parts(group, forest);
    }
  }
}

// Of a fallback kind's identifier: unites those who carry it, part by part.
void UnionStage::unite_within_parts(std::size_t group, DisjointSet& forest) {
  list_members(group, true);
  split(rules_of(index_.groups()[group]));
  for (std::size_t i = 1; i < members_.size(); ++i) {
    if (members_[i].part == members_[i - 1].part) {
      forest.unite(members_[i].link->row, members_[i - 1].link->row);
    }
  }
}

}  // namespace identity_resolve::engine
