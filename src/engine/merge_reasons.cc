#include "engine/merge_reasons.h"

#include <algorithm>
#include <tuple>

namespace identity_resolve::engine {

void MergeReasons::find(std::span<Carrier> carriers, std::uint32_t kept) {
  candidates_.clear();
  reasons_.clear();
  strongest_ = {};
  std::sort(carriers.begin(), carriers.end(), [this](const Carrier& a, const Carrier& b) {
    ticker_.tick_bytes(std::min(a.value.size(), b.value.size()));
    return std::tie(a.kind, a.value, a.record) < std::tie(b.kind, b.value, b.record);
  });
  const auto end =
      std::unique(carriers.begin(), carriers.end(), [](const Carrier& a, const Carrier& b) {
        return a.record == b.record && a.kind == b.kind && a.value == b.value;
      });
  carriers = carriers.first(static_cast<std::size_t>(end - carriers.begin()));
  for (std::size_t first = 0; first < carriers.size();) {
    std::size_t last = first + 1;
    while (last < carriers.size() && carriers[last].kind == carriers[first].kind &&
           carriers[last].value == carriers[first].value) {
      ++last;
    }
    add_candidates(carriers, first, last, kept);
    first = last;
  }

  std::sort(candidates_.begin(), candidates_.end(), [this](const Candidate& a, const Candidate& b) {
    ticker_.tick();
    return std::tie(a.old, a.without_kept, a.first) < std::tie(b.old, b.without_kept, b.first);
  });
  std::tuple strongest(true, SIZE_MAX);  // whether it tells of the kept one, where its carriers are
  for (const Candidate& candidate : candidates_) {
    if (!reasons_.empty() && reasons_.back().old == candidate.old) continue;
    const Shared by(carriers.data() + candidate.first, candidate.last - candidate.first);
    reasons_.push_back({candidate.old, by});
    const std::tuple rank(candidate.old == kept, candidate.first);
    if (strongest < rank) continue;
    strongest = rank;
    strongest_ = by;
  }
}

MergeReasons::Shared MergeReasons::of(std::uint32_t old) const noexcept {
  const auto found =
      std::lower_bound(reasons_.begin(), reasons_.end(), old,
                       [](const Reason& reason, std::uint32_t at) { return reason.old < at; });
  return found != reasons_.end() && found->old == old ? found->by : Shared();
}

// Where the carriers [first, last) of an identifier were of more than one identity.
void MergeReasons::add_candidates(Shared all, std::size_t first, std::size_t last,
                                  std::uint32_t kept) {
  bool joins = false;
  bool without_kept = true;
  for (std::size_t i = first; i < last; ++i) {
    ticker_.tick();
    joins = joins || all[i].old != all[first].old;
    without_kept = without_kept && all[i].old != kept;
  }
  if (!joins) return;
  for (std::size_t i = first; i < last; ++i) {
    if (all[i].old == kNone) continue;
    candidates_.push_back({all[i].old, without_kept, first, last});
  }
}

}  // namespace identity_resolve::engine
