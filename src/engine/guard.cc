#include "engine/guard.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>
#include <utility>

namespace identity_resolve::engine {

namespace {
constexpr std::uint16_t kNoLimit = UINT16_MAX;
}  // namespace

// ---- a set of pairs: open addressing with linear probing, at most half full ----

std::size_t Guard::PairSet::place_of(std::uint64_t pair) const noexcept {
  // Fibonacci hashing (Knuth, TAOCP vol. 3, section 6.4); the numbers are ours, nobody chooses
  // them.
  const std::uint64_t mixed = (pair ^ (pair >> 32)) * 0x9E3779B97F4A7C15U;
  std::size_t place = mixed >> (64 - std::bit_width(slots_.size() - 1));
  while (slots_[place] != kFree && slots_[place] != pair) place = (place + 1) & (slots_.size() - 1);
  return place;
}

void Guard::PairSet::reserve(std::size_t pairs) {
  constexpr std::size_t kFewest = 16;
  const std::size_t wanted = std::bit_ceil(std::max(pairs * 2, kFewest));
  if (wanted <= slots_.size()) return;
  Vector<std::uint64_t> old(wanted, kFree, slots_.get_allocator());
  old.swap(slots_);
  for (const std::uint64_t pair : old) {
    if (pair != kFree) slots_[place_of(pair)] = pair;
  }
}

bool Guard::PairSet::insert(Number a, Number b) {
  reserve(size_ + 1);
  const std::uint64_t pair = std::uint64_t{a} << 32 | b;
  std::uint64_t& slot = slots_[place_of(pair)];
  if (slot == pair) return false;
  slot = pair;
  ++size_;
  return true;
}

bool Guard::PairSet::contains(Number a, Number b) const noexcept {
  const std::uint64_t pair = std::uint64_t{a} << 32 | b;
  return slots_[place_of(pair)] == pair;
}

// ---- what is added ----

Guard::Guard(Environment& environment, std::span<const KindRules> kinds)
    : environment_(&environment),
      ticker_(environment),
      kinds_(kinds),
      limit_of_kind_(kinds.size(), kNoLimit, &environment.memory()),
      most_(&environment.memory()),
      sources_(&environment.memory()),
      identifiers_(&environment.memory()),
      edges_(&environment.memory()),
      values_(&environment.memory()),
      holdings_(&environment.memory()),
      parent_(&environment.memory()),
      first_held_(&environment.memory()),
      size_(&environment.memory()),
      counts_(&environment.memory()),
      disputed_(&environment.memory()),
      rank_(&environment.memory()),
      overfull_(&environment.memory()),
      held_(&environment.memory()),
      holds_(environment),
      order_(&environment.memory()),
      seen_(&environment.memory()),
      extra_(&environment.memory()),
      carriers_(&environment.memory()),
      stage_edges_(&environment.memory()),
      claims_(&environment.memory()),
      open_(&environment.memory()),
      kept_(&environment.memory()),
      touches_(&environment.memory()),
      members_(&environment.memory()),
      group_(&environment.memory()),
      grouped_(&environment.memory()) {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (kinds[kind].max_per_identity == 0) continue;
    limit_of_kind_[kind] = static_cast<std::uint16_t>(limits_++);
    most_.push_back(kinds[kind].max_per_identity);
  }
}

Guard::Number Guard::add_record(SourceNumber source) {
  sources_.push_back(source);
  return static_cast<Number>(sources_.size() - 1);
}

Guard::Number Guard::add_identifier(KindNumber kind, bool gives_way) {
  identifiers_.push_back({kind, gives_way, false, edges_.size()});
  return static_cast<Number>(identifiers_.size() - 1);
}

Guard::Number Guard::add_claim(Number record) {
  edges_.push_back({record, Outcome::kHeld});
  return static_cast<Number>(edges_.size() - 1);
}

Guard::Number Guard::add_value(KindNumber kind) {
  values_.push_back(limit_of_kind_[index(kind)]);
  return static_cast<Number>(values_.size() - 1);
}

void Guard::add_holding(Number record, Number value) { holdings_.emplace_back(record, value); }

// ---- clusters ----

Guard::Number Guard::root(Number node) noexcept {
  while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
  return node;
}

void Guard::prepare(std::span<const std::uint32_t> ranks) {
  const std::size_t nodes = sources_.size() + identifiers_.size();
  parent_.resize(nodes);
  std::iota(parent_.begin(), parent_.end(), Number{0});
  group_ = parent_;
  first_held_.assign(nodes, kNone);
  size_.assign(nodes, 0);
  counts_.assign(nodes * limits_, 0);
  disputed_.assign(nodes, 0);
  rank_.assign(nodes, UINT32_MAX);
  std::copy(ranks.begin(), ranks.end(), rank_.begin());
  seen_.assign(values_.size(), 0);
  extra_.assign(limits_, 0);
  held_.reserve(holdings_.size());
  holds_.reserve(holdings_.size());
  for (const auto& [record, value] : holdings_) {
    hold(record, value);
    ticker_.tick();
  }
  overfull_.assign(sources_.size(), 0);
  for (Number record = 0; record < sources_.size(); ++record) {
    overfull_[record] = breaks_alone(record) ? 1 : 0;
  }
}

void Guard::hold(Number node, Number value) {
  if (!holds_.insert(node, value)) return;
  held_.push_back({value, first_held_[node]});
  first_held_[node] = static_cast<Number>(held_.size() - 1);
  ++size_[node];
  ++counts_[node * limits_ + values_[value]];
}

bool Guard::breaks_alone(Number record) const noexcept {
  for (std::size_t limit = 0; limit < limits_; ++limit) {
    if (counts_[record * limits_ + limit] > most_[limit]) return true;
  }
  return false;
}

bool Guard::can_unite(Number a, Number b) {
  const std::array<Number, 2> both{a, b};
  return can_unite_all(both);
}

// Whether one cluster could be made of several, all different. Cost: what all but the one that
// holds most hold.
bool Guard::can_unite_all(std::span<const Number> clusters) {
  std::size_t bounds = 0;
  bool disputed = false;
  Number most = clusters.front();
  for (const Number cluster : clusters) {
    bounds += bound(cluster) ? 1 : 0;
    disputed = disputed || disputed_[cluster] != 0;
    if (size_[cluster] > size_[most]) most = cluster;
  }
  if (bounds < 2) return true;
  if (disputed) return false;
  if (++tests_ == 0) {  // the tests' numbers have run out
    std::fill(seen_.begin(), seen_.end(), 0);
    tests_ = 1;
  }
  std::fill(extra_.begin(), extra_.end(), 0);
  for (const Number cluster : clusters) {
    if (cluster == most) continue;
    for (Number at = first_held_[cluster]; at != kNone; at = held_[at].next) {
      ticker_.tick();
      const Number value = held_[at].value;
      if (seen_[value] == tests_ || holds_.contains(most, value)) continue;
      seen_[value] = tests_;
      const std::uint16_t limit = values_[value];
      if (counts_[most * limits_ + limit] + ++extra_[limit] > most_[limit]) return false;
    }
  }
  return true;
}

// Makes one cluster of two; gives its root.
Guard::Number Guard::unite(Number a, Number b) {
  a = root(a);
  b = root(b);
  if (a == b) return a;
  if (size_[a] < size_[b]) std::swap(a, b);
  parent_[b] = a;
  disputed_[a] = disputed_[a] | disputed_[b];
  rank_[a] = std::min(rank_[a], rank_[b]);
  for (Number at = first_held_[b]; at != kNone;) {
    ticker_.tick();
    const Number next = held_[at].next;
    const Number value = held_[at].value;
    if (holds_.insert(a, value)) {
      held_[at].next = first_held_[a];
      first_held_[a] = at;
      ++size_[a];
      ++counts_[a * limits_ + values_[value]];
    }
    at = next;
  }
  return a;
}

// ---- stages ----

void Guard::solve(std::span<const std::uint32_t> ranks) {
  prepare(ranks);
  order_identifiers(ranks);
  const auto stage_of = [this](Number identifier) {
    const Identifier& at = identifiers_[identifier];
    const KindRules& rules = kinds_[index(at.kind)];
    return std::tuple(at.gives_way, -std::int64_t{rules.priority}, rules.ties_by_data);
  };
  Vector<Number> identifiers(identifiers_.size(), &environment_->memory());
  std::iota(identifiers.begin(), identifiers.end(), Number{0});
  std::sort(identifiers.begin(), identifiers.end(), [&](Number a, Number b) {
    ticker_.tick();
    return stage_of(a) < stage_of(b);
  });
  for (std::size_t first = 0; first < identifiers.size();) {
    std::size_t last = first + 1;
    while (last < identifiers.size() &&
           stage_of(identifiers[last]) == stage_of(identifiers[first])) {
      ++last;
    }
    run_stage({identifiers.data() + first, last - first});
    first = last;
  }
}

// The identifiers in an order of the data: by the ranks of the records that carry them, the
// smallest first. Identifiers that the same records carry are alike: which comes first changes
// nothing.
void Guard::order_identifiers(std::span<const std::uint32_t> ranks) {
  order_.assign(identifiers_.size(), 0);
  if (ranks.empty()) return;
  Vector<std::uint32_t> carried(edges_.size(), &environment_->memory());
  for (std::size_t i = 0; i < edges_.size(); ++i) carried[i] = ranks[edges_[i].record];
  const auto carriers = [&](Number identifier) {
    const std::size_t first = identifiers_[identifier].first_edge;
    return std::span(carried.data() + first, end_of_edges(identifier) - first);
  };
  Vector<Number> sorted(identifiers_.size(), &environment_->memory());
  for (Number identifier = 0; identifier < identifiers_.size(); ++identifier) {
    const auto ranked = carriers(identifier);
    std::sort(ranked.begin(), ranked.end());
    sorted[identifier] = identifier;
    ticker_.tick();
  }
  const auto before = [&](Number a, Number b) {
    ticker_.tick();
    const auto left = carriers(a);
    const auto right = carriers(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  };
  std::sort(sorted.begin(), sorted.end(), before);
  for (std::size_t i = 0; i < sorted.size(); ++i) order_[sorted[i]] = static_cast<Number>(i);
}

void Guard::run_stage(std::span<const Number> identifiers) {
  collect_claims(identifiers);
  const bool by_data = kinds_[index(identifiers_[identifiers.front()].kind)].ties_by_data;
  const auto strength = [](const Claim& claim) {
    return std::pair(-std::int64_t{claim.sources}, -std::int64_t{claim.records});
  };
  std::sort(claims_.begin(), claims_.end(), [&](const Claim& a, const Claim& b) {
    ticker_.tick();
    return std::tuple(strength(a), a.rank, a.order) < std::tuple(strength(b), b.rank, b.order);
  });
  for (std::size_t first = 0; first < claims_.size();) {
    std::size_t last = first + 1;
    while (last < claims_.size() && strength(claims_[last]) == strength(claims_[first])) ++last;
    const std::span level(claims_.data() + first, last - first);
    if (by_data) {
      decide_in_order(level);
    } else {
      decide_together(level);
    }
    first = last;
  }
  for (const Claim& claim : claims_) {
    for (std::size_t i = 0; i < claim.edges; ++i) {
      edges_[stage_edges_[claim.first_edge + i]].outcome = claim.outcome;
    }
    ticker_.tick();
  }
}

// The clusters' claims on a stage's identifiers, with their strengths.
void Guard::collect_claims(std::span<const Number> identifiers) {
  claims_.clear();
  stage_edges_.clear();
  for (const Number identifier : identifiers) {
    carriers_.clear();
    const std::size_t first_claim = claims_.size();
    for (std::size_t at = identifiers_[identifier].first_edge; at < end_of_edges(identifier);
         ++at) {
      ticker_.tick();
      Edge& edge = edges_[at];
      if (overfull_[edge.record] != 0) {
        edge.outcome = Outcome::kConflict;
        continue;
      }
      carriers_.push_back({root(edge.record), sources_[edge.record], static_cast<Number>(at)});
    }
    std::sort(carriers_.begin(), carriers_.end(), [this](const Carrier& a, const Carrier& b) {
      ticker_.tick();
      return std::tuple(a.cluster, a.source) < std::tuple(b.cluster, b.source);
    });
    for (std::size_t i = 0; i < carriers_.size(); ++i) {
      const Carrier& carrier = carriers_[i];
      if (i == 0 || carriers_[i - 1].cluster != carrier.cluster) {
        claims_.push_back({carrier.cluster, identifier, 0, 0, stage_edges_.size(), 0,
                           rank_[carrier.cluster], order_[identifier], Outcome::kHeld});
      }
      Claim& claim = claims_.back();
      if (claim.edges == 0 || carriers_[i - 1].source != carrier.source) ++claim.sources;
      ++claim.records;
      ++claim.edges;
      stage_edges_.push_back(carrier.edge);
    }
    strengthen_free({claims_.data() + first_claim, claims_.size() - first_claim});
  }
}

// A free cluster follows an identifier to its strongest claimant: its claims, all on one
// identifier, become as strong as the strongest of them.
void Guard::strengthen_free(std::span<Claim> claims) {
  std::pair<std::uint32_t, std::uint32_t> strongest;
  for (const Claim& claim : claims) {
    strongest = std::max(strongest, std::pair(claim.sources, claim.records));
  }
  for (Claim& claim : claims) {
    ticker_.tick();
    if (!bound(claim.cluster)) std::tie(claim.sources, claim.records) = strongest;
  }
}

// One after the other: whoever comes first has it.
void Guard::decide_in_order(std::span<Claim> level) {
  for (Claim& claim : level) {
    ticker_.tick();
    const Number cluster = root(claim.cluster);
    const Number claimed = root(node_of(claim.identifier));
    if (cluster == claimed) continue;
    if (can_unite(cluster, claimed)) {
      unite(cluster, claimed);
    } else {
      claim.outcome = refusal(cluster, claimed);
    }
  }
}

// The claims of a level, which are equally strong. The numbers are those of doc/guards.md.
void Guard::decide_together(std::span<Claim> level) {
  open_.clear();
  for (Claim& claim : level) {
    ticker_.tick();
    const Number cluster = root(claim.cluster);
    const Number claimed = root(node_of(claim.identifier));
    if (identifiers_[claim.identifier].dead) {  // 1
      claim.outcome = Outcome::kAmbiguous;
    } else if (cluster == claimed) {
      claim.outcome = Outcome::kHeld;
    } else if (bound(claimed) && !can_unite(cluster, claimed)) {  // 2
      claim.outcome = refusal(cluster, claimed);
    } else {
      open_.push_back(&claim);
    }
  }
  std::sort(open_.begin(), open_.end(), [this](const Claim* a, const Claim* b) {
    ticker_.tick();
    return a->identifier < b->identifier;
  });
  kept_.clear();
  for (std::size_t first = 0; first < open_.size();) {  // 3
    std::size_t last = first + 1;
    while (last < open_.size() && open_[last]->identifier == open_[first]->identifier) ++last;
    refuse_dead({open_.data() + first, last - first});
    first = last;
  }
  touches_.clear();
  for (Claim* claim : kept_) {  // 4
    ticker_.tick();
    const Number cluster = root(claim->cluster);
    const Number claimed = root(node_of(claim->identifier));
    if (!bound(cluster) && !bound(claimed)) unite(cluster, claimed);
  }
  auto beyond = static_cast<Number>(parent_.size());
  for (Claim* claim : kept_) {
    ticker_.tick();
    const Number cluster = root(claim->cluster);
    const Number claimed = root(node_of(claim->identifier));
    if (cluster == claimed) continue;
    if (bound(cluster) && bound(claimed)) {
      touches_.push_back({beyond, cluster, claim});
      touches_.push_back({beyond, claimed, claim});
      ++beyond;
    } else if (bound(cluster)) {
      touches_.push_back({claimed, cluster, claim});
    } else {
      touches_.push_back({cluster, claimed, claim});
    }
  }
  decide_regions();
}

// The claims of a level on one identifier: keeps them, or, where its cluster is free and those who
// claim it cannot all be united, refuses them all.
void Guard::refuse_dead(std::span<Claim*> claims) {
  Identifier& identifier = identifiers_[claims.front()->identifier];
  members_.clear();
  if (!bound(root(node_of(claims.front()->identifier)))) {
    for (const Claim* claim : claims) {
      const Number cluster = root(claim->cluster);
      if (bound(cluster)) members_.push_back(cluster);
    }
    std::sort(members_.begin(), members_.end());
    members_.erase(std::unique(members_.begin(), members_.end()), members_.end());
  }
  if (members_.size() < 2 || can_unite_all({members_.data(), members_.size()})) {
    kept_.insert(kept_.end(), claims.begin(), claims.end());
    return;
  }
  identifier.dead = true;
  for (Claim* claim : claims) claim->outcome = Outcome::kAmbiguous;
}

void Guard::decide_regions() {
  std::sort(touches_.begin(), touches_.end(), [this](const Touch& a, const Touch& b) {
    ticker_.tick();
    return std::tuple(a.region, a.neighbour) < std::tuple(b.region, b.neighbour);
  });
  Vector<std::span<Touch>> between(&environment_->memory());  // regions of several neighbours
  Vector<std::span<Touch>> within(&environment_->memory());   // regions of one
  for (std::size_t first = 0; first < touches_.size();) {
    std::size_t last = first;
    members_.clear();
    for (; last < touches_.size() && touches_[last].region == touches_[first].region; ++last) {
      ticker_.tick();
      const Number neighbour = touches_[last].neighbour;
      if (members_.empty() || members_.back() != neighbour) members_.push_back(neighbour);
    }
    const std::span region(touches_.data() + first, last - first);
    if (members_.size() == 1) {
      within.push_back(region);
    } else if (can_unite_all({members_.data(), members_.size()})) {
      between.push_back(region);
    } else {
      refuse(region);  // 5
    }
    first = last;
  }
  decide_groups({between.data(), between.size()});
  for (const std::span<Touch> region : within) {  // 7
    ticker_.tick();
    unite(region.front().region, region.front().neighbour);
  }
}

// Regions between several neighbours, each of which could be united with them by itself.
void Guard::decide_groups(std::span<const std::span<Touch>> regions) {
  const auto group_of = [this](Number node) {
    while (group_[node] != node) node = group_[node] = group_[group_[node]];
    return node;
  };
  grouped_.clear();
  for (const std::span<Touch> region : regions) {
    for (const Touch& touch : region) {
      ticker_.tick();
      group_[group_of(touch.neighbour)] = group_of(region.front().neighbour);
    }
  }
  for (const std::span<Touch> region : regions) {
    for (const Touch& touch : region) {
      grouped_.emplace_back(group_of(touch.neighbour), touch.neighbour);
    }
  }
  std::sort(grouped_.begin(), grouped_.end(), [this](const auto& a, const auto& b) {
    ticker_.tick();
    return a < b;
  });
  grouped_.erase(std::unique(grouped_.begin(), grouped_.end()), grouped_.end());
  Vector<Number> broken(&environment_->memory());  // groups, sorted
  for (std::size_t first = 0; first < grouped_.size();) {
    members_.clear();
    const Number group = grouped_[first].first;
    for (; first < grouped_.size() && grouped_[first].first == group; ++first) {
      members_.push_back(grouped_[first].second);
    }
    if (!can_unite_all({members_.data(), members_.size()})) broken.push_back(group);
  }
  for (const std::span<Touch> region : regions) {
    if (std::binary_search(broken.begin(), broken.end(), group_of(region.front().neighbour))) {
      refuse(region);  // 6
    }
  }
  for (const std::span<Touch> region : regions) {
    if (region.front().claim->outcome != Outcome::kHeld) continue;
    const bool pair = region.front().region >= parent_.size();
    for (const Touch& touch : region) {
      ticker_.tick();
      unite(pair ? region.front().neighbour : touch.region, touch.neighbour);
    }
  }
  for (const auto& [group, member] : grouped_) group_[member] = member;
}

// Refuses the claims that connect a region with its neighbours, now and later.
void Guard::refuse(std::span<Touch> region) {
  for (const Touch& touch : region) touch.claim->outcome = Outcome::kAmbiguous;
  if (region.front().region < parent_.size()) disputed_[region.front().region] = 1;
}

}  // namespace identity_resolve::engine
