// The guard's last step: what became of the claims, once all stages have been run.
#include <algorithm>
#include <tuple>

#include "engine/guard.h"

namespace identity_resolve::engine {

void Guard::settle() {
  for (Number identifier = 0; identifier < identifiers_.size(); ++identifier) settle(identifier);
}

// A refused claim whose two sides are one cluster in the end counts as held; so do those on a copy
// that nobody got, where all who claim it are one cluster.
void Guard::settle(Number identifier) {
  const std::size_t first = identifiers_[identifier].first_edge;
  const std::size_t last = end_of_edges(identifier);
  const bool has_copies = copies_[identifier].is_one_of_several;
  bool any_conflict = false;
  members_.assign(1, root(node_of(identifier)));  // the clusters that have it, or a copy of it
  if (has_copies) {
    const Identifier& copied = identifiers_[identifier];
    for (Number copy = copied.first_copy; copy < copied.end_of_copies; ++copy) {
      members_.push_back(root(node_of(copy)));
      ticker_.tick();
    }
    std::sort(members_.begin(), members_.end());
  }
  settled_.clear();
  for (std::size_t at = first; at < last; ++at) {
    ticker_.tick();
    const Number cluster = root(edges_[at].record);
    const bool holds = std::binary_search(members_.begin(), members_.end(), cluster);
    settled_.push_back({cluster, copy_of(at, identifier), static_cast<Number>(at), holds});
  }
  const auto by_copy = [](const Settled& a, const Settled& b) { return a.copy < b.copy; };
  if (has_copies) std::sort(settled_.begin(), settled_.end(), by_copy);
  for (std::size_t begin = 0; begin < settled_.size();) {
    std::size_t end = begin;
    bool together = settled_[begin].copy != kNone;
    for (; end < settled_.size() && settled_[end].copy == settled_[begin].copy; ++end) {
      together =
          together && !settled_[end].holds && settled_[end].cluster == settled_[begin].cluster;
    }
    for (; begin < end; ++begin) settled_[begin].holds = settled_[begin].holds || together;
  }
  bool has_owner = false;
  for (const Settled& claim : settled_) {
    ticker_.tick();
    any_conflict =
        any_conflict || (!claim.holds && edges_[claim.edge].outcome == Outcome::kConflict);
    has_owner = has_owner || (claim.holds && !clusters_[claim.cluster].disputed);
  }
  for (std::size_t at = first; at < last; ++at) edges_[at].has_owner = has_owner;
  std::sort(settled_.begin(), settled_.end(), [this](const Settled& a, const Settled& b) {
    ticker_.tick();
    return std::tuple(!a.holds, a.cluster) < std::tuple(!b.holds, b.cluster);
  });
  for (std::size_t begin = 0; begin < settled_.size() && settled_[begin].holds;) {
    std::size_t end = begin;
    while (end < settled_.size() && settled_[end].holds &&
           settled_[end].cluster == settled_[begin].cluster) {
      ++end;
    }
    Outcome outcome = Outcome::kHeld;
    if (end - begin == 1) {
      const Number copy = settled_[begin].copy;
      const bool conflict = has_copies && copy != kNone ? !copies_[copy].is_tied : any_conflict;
      outcome = conflict ? Outcome::kOwnConflict : Outcome::kOwnAmbiguous;
    }
    for (; begin < end; ++begin) edges_[settled_[begin].edge].outcome = outcome;
  }
}

Showing Guard::showing_of(Number claim) const noexcept {
  switch (edges_[claim].outcome) {
    case Outcome::kHeld:
      break;
    case Outcome::kConflict:
    case Outcome::kAmbiguous:
      return edges_[claim].has_owner ? Showing::kNever : Showing::kContested;
    case Outcome::kOwnConflict:
    case Outcome::kOwnAmbiguous:
      if (is_on_copy(claim)) return Showing::kContested;
      break;
  }
  return Showing::kFirst;
}

}  // namespace identity_resolve::engine
