// The union stage's part for evidence: what became of each identifier.
#include "engine/union_stage.h"

#include <algorithm>

namespace identity_resolve::engine {

namespace {

LinkStatus status_of(Guard::Outcome outcome) noexcept {
  switch (outcome) {
    case Guard::Outcome::kHeld:
      return LinkStatus::kLinks;
    case Guard::Outcome::kConflict:
    case Guard::Outcome::kOwnConflict:
      return LinkStatus::kConflict;
    case Guard::Outcome::kAmbiguous:
    case Guard::Outcome::kOwnAmbiguous:
      break;
  }
  return LinkStatus::kAmbiguous;
}

}  // namespace

void UnionStage::write_evidence(RowVerdicts<Verdict>& verdicts) {
  find_records();
  std::uint32_t next_claim = 0;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    arrange();
    for (std::size_t group = 0; group < index_.groups().size(); ++group) {
      if (is_record(index_.groups()[group])) continue;
      judge_evidence(group, next_claim, [&](const Verdict& verdict) { verdicts.add(verdict); });
    }
    verdicts.spill_beyond_budget();
  }
}

// What became of the identifiers of one group. Claims come in the order in which tell_guard() told
// them.
template <class Judged>
void UnionStage::judge_evidence(std::size_t group, std::uint32_t& next_claim, Judged&& give) {
  const KeyGroup& at = index_.groups()[group];
  const KindRules& rules = rules_of(at);
  list_members(group, false);
  std::uint32_t carriers = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i == 0 || members_[i].record != members_[i - 1].record) ++carriers;
  }
  const auto judged = [&](const Member& member, LinkStatus status) {
    give(Verdict{at.key, static_cast<std::uint32_t>(member.link->row), carriers - 1, status});
  };
  for (const Member& member : members_) {
    if (!member.link->links) judged(member, LinkStatus::kAlone);
    if (member.link->links && at.too_common) judged(member, LinkStatus::kTooCommon);
  }
  if (at.too_common || !rules.links) return;
  list_members(group, true);
  const bool is_split = split(rules) > 1;
  for (std::size_t first = 0; first < members_.size();) {
    std::size_t last = first;
    while (last < members_.size() && members_[last].part == members_[first].part) ++last;
    const std::span part(members_.data() + first, last - first);
    first = last;
    if (part.front().record == part.back().record) {
      const LinkStatus status = is_split ? LinkStatus::kNotLinking : LinkStatus::kAlone;
      for (const Member& member : part) judged(member, status);
      continue;
    }
    if (!is_conflicted(part.front().record)) {
      for (const Member& member : part) judged(member, LinkStatus::kLinks);
      continue;
    }
    std::uint32_t claim = next_claim;
    for (std::size_t i = 0; i < part.size(); ++i) {
      ticker_.tick();
      if (i > 0 && part[i].record != part[i - 1].record) ++claim;
      judged(part[i], status_of(guard_->outcome_of(claim)));
    }
    next_claim = claim + 1;
  }
}

}  // namespace identity_resolve::engine
