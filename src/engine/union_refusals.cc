// The union stage's part for limits that nobody asked for: how many links they have refused.
#include <algorithm>
#include <bit>
#include <tuple>

#include "engine/union_stage.h"

namespace identity_resolve::engine {

std::uint32_t UnionStage::default_limit_of(KindNumber kind) const noexcept {
  const auto found = std::find(default_limits_.begin(), default_limits_.end(), kind);
  return found == default_limits_.end()
             ? kNoDefaultLimit
             : static_cast<std::uint32_t>(found - default_limits_.begin());
}

// Counts the claims that were refused, by the limit that refused them. Where one limit was broken
// before the guard came, it is that one; of several, each which those who carry the identifier
// would break together. A claim that another record of the same identity makes too joins its record
// all the same, and is none.
void UnionStage::count_refused() {
  refused_by_default_.assign(kinds_.size(), 0);
  if (held_by_default_.empty()) return;
  const GuardBatches& guard = *guard_;
  // What each cluster holds, side by side.
  struct Value {
    Guard::Number cluster;
    std::uint32_t limit;
    Guard::Number value;
    auto operator<=>(const Value&) const = default;
  };
  Vector<Value> values(&environment_->memory());
  for (const HeldByDefault& held : held_by_default_) {
    ticker_.tick();
    values.push_back({guard.cluster_of(held.record), held.limit, held.value});
  }
  std::sort(values.begin(), values.end(), [this](const Value& a, const Value& b) {
    ticker_.tick();
    return a < b;
  });
  values.erase(std::unique(values.begin(), values.end()), values.end());

  Vector<Guard::Number> clusters(&environment_->memory());  // of those who carry an identifier
  Vector<std::pair<std::uint32_t, Guard::Number>> held(&environment_->memory());
  // The limits that the identities of `clusters` would break together.
  const auto broken_together = [&] {
    held.clear();
    for (const Guard::Number cluster : clusters) {
      auto at = std::lower_bound(values.begin(), values.end(), Value{cluster, 0, 0});
      for (; at != values.end() && at->cluster == cluster; ++at) {
        ticker_.tick();
        held.emplace_back(at->limit, at->value);
      }
    }
    std::sort(held.begin(), held.end());
    held.erase(std::unique(held.begin(), held.end()), held.end());
    unsigned broken = 0;
    for (std::size_t limit = 0; limit < default_limits_.size(); ++limit) {
      const auto count = std::count_if(held.begin(), held.end(),
                                       [limit](const auto& at) { return at.first == limit; });
      const std::uint64_t most = kinds_[index(default_limits_[limit])].max_per_identity;
      if (static_cast<std::uint64_t>(count) > most) broken |= 1U << limit;
    }
    return broken;
  };

  for (Guard::Number identifier = 0; identifier < guard.identifiers(); ++identifier) {
    const Guard::Number first = guard.first_claim_on(identifier);
    const Guard::Number last = guard.first_claim_on(identifier + 1);
    bool any = false;
    for (Guard::Number claim = first; claim < last; ++claim)
      any = any || guard.is_kept_apart(claim);
    ticker_.tick();
    if (!any) continue;
    clusters.clear();
    for (Guard::Number claim = first; claim < last; ++claim) {
      clusters.push_back(guard.cluster_of(guard.record_of(claim)));
    }
    std::sort(clusters.begin(), clusters.end());
    std::uint64_t refused = 0;
    for (Guard::Number claim = first; claim < last; ++claim) {
      ticker_.tick();
      const Guard::Number cluster = guard.cluster_of(guard.record_of(claim));
      const auto own = std::equal_range(clusters.begin(), clusters.end(), cluster);
      if (guard.is_kept_apart(claim) && own.second - own.first == 1) ++refused;
    }
    clusters.erase(std::unique(clusters.begin(), clusters.end()), clusters.end());
    unsigned limits = broken_limits_[guard.component_of(guard.record_of(first))];
    if (!std::has_single_bit(limits)) limits = broken_together();
    for (std::size_t limit = 0; limit < default_limits_.size(); ++limit) {
      if ((limits >> limit & 1U) != 0)
        refused_by_default_[index(default_limits_[limit])] += refused;
    }
  }
}

}  // namespace identity_resolve::engine
