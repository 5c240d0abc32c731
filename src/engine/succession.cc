#include "engine/succession.h"

#include <algorithm>
#include <tuple>

namespace identity_resolve::engine {

Succession::Succession(Environment& environment, std::span<const Member> members,
                       std::span<const Uuid> clusters, std::size_t olds,
                       std::span<const bool> is_back)
    : environment_(&environment),
      claims_(&environment.memory()),
      picks_(olds, kNone, &environment.memory()),
      tied_(&environment.memory()),
      kept_(clusters.size(), kNone, &environment.memory()) {
  pick(members, clusters, is_back);
  find_ties();
}

void Succession::pick(std::span<const Member> members, std::span<const Uuid> clusters,
                      std::span<const bool> is_back) {
  Ticker ticker(*environment_);
  // Mostly a cluster has records of one old identity only, and that has no others: it is its.
  constexpr std::uint32_t kSeveral = kNone - 1;
  const auto note = [](std::uint32_t& only, std::uint32_t found) {
    only = only == kNone || only == found ? found : kSeveral;
  };
  for (const Member& member : members) {
    ticker.tick();
    if (member.old == kNone) continue;
    note(kept_[member.cluster], member.old);
    note(picks_[member.old], member.cluster);
  }
  const auto is_plain = [&](const Member& member) {
    return kept_[member.cluster] == member.old && picks_[member.old] == member.cluster;
  };
  // Of the others, how many records of old identities each cluster has, and they themselves by
  // identity and cluster.
  boost::container::pmr::vector<std::uint32_t> in_all(clusters.size(), 0, &environment_->memory());
  boost::container::pmr::vector<Member> known(&environment_->memory());
  for (const Member& member : members) {
    ticker.tick();
    if (member.old == kNone || is_plain(member)) continue;
    ++in_all[member.cluster];
    known.push_back(member);
  }
  for (const Member& member : known) kept_[member.cluster] = kNone;
  std::sort(known.begin(), known.end(), [&](const Member& a, const Member& b) {
    ticker.tick();
    return std::tie(a.old, a.cluster) < std::tie(b.old, b.cluster);
  });

  for (std::size_t first = 0; first < known.size();) {
    const std::uint32_t old = known[first].old;
    Claim claim{kNone, old, 0, !is_back.empty() && is_back[old]};
    const auto is_better = [&](std::uint32_t cluster, std::uint32_t records) {
      if (claim.cluster == kNone || records != claim.records) return records > claim.records;
      return std::tie(in_all[cluster], clusters[cluster]) <
             std::tie(in_all[claim.cluster], clusters[claim.cluster]);
    };
    while (first < known.size() && known[first].old == claim.old) {
      const std::uint32_t cluster = known[first].cluster;
      std::uint32_t records = 0;
      while (first < known.size() && known[first].old == claim.old &&
             known[first].cluster == cluster) {
        ++records;
        ++first;
      }
      ticker.tick();
      if (is_better(cluster, records)) {
        claim.cluster = cluster;
        claim.records = records;
      }
    }
    picks_[claim.old] = claim.cluster;
    claims_.push_back(claim);
  }
  std::sort(claims_.begin(), claims_.end(), [&](const Claim& a, const Claim& b) {
    ticker.tick();
    return std::tie(a.cluster, a.is_back, b.records, a.old) <
           std::tie(b.cluster, b.is_back, a.records, b.old);
  });
}

void Succession::find_ties() {
  Ticker ticker(*environment_);
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    ticker.tick();
    const Claim& claim = claims_[i];
    const bool leads = i == 0 || claims_[i - 1].cluster != claim.cluster;
    if (leads) kept_[claim.cluster] = claim.old;
    const auto equals = [&](std::size_t other) {
      return claims_[other].cluster == claim.cluster && claims_[other].is_back == claim.is_back &&
             claims_[other].records == claim.records;
    };
    // Only those that tie with the cluster's first.
    const bool follows =
        !leads && equals(i - 1) && !tied_.empty() && tied_.back() == claims_[i - 1].old;
    if (follows || (leads && i + 1 < claims_.size() && equals(i + 1))) tied_.push_back(claim.old);
  }
  std::sort(tied_.begin(), tied_.end());
}

std::span<const std::uint32_t> Succession::keep(std::span<const std::int64_t> created,
                                                std::span<const Uuid> olds) {
  Ticker ticker(*environment_);
  const auto rank = [&](std::uint32_t old) {
    const auto at = std::lower_bound(tied_.begin(), tied_.end(), old) - tied_.begin();
    return std::tie(created[static_cast<std::size_t>(at)], olds[old]);
  };
  for (const std::uint32_t old : tied_) {
    ticker.tick();
    std::uint32_t& kept = kept_[picks_[old]];
    if (rank(old) < rank(kept)) kept = old;
  }
  return {kept_.data(), kept_.size()};
}

}  // namespace identity_resolve::engine
