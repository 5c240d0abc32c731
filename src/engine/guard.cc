#include "engine/guard.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <tuple>
#include <utility>

namespace identity_resolve::engine {

namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014): no two numbers give the same.
std::uint64_t mix(std::uint64_t number) noexcept {
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9U;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBU;
  return number ^ (number >> 31);
}

}  // namespace

void Guard::ValueSet::add(Number value) noexcept {
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;
  const std::uint64_t first = mix(value + kStep);
  low += first;
  high += static_cast<std::uint32_t>(mix(first + kStep));
  ++count;
}

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

// Keeps its memory as long as it is little.
void Guard::PairSet::clear() {
  constexpr std::size_t kLittle = 4096;
  if (size_ == 0) return;
  size_ = 0;
  if (slots_.size() > kLittle) slots_.resize(kLittle);
  std::fill(slots_.begin(), slots_.end(), kFree);
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
      limits_(&environment.memory()),
      limit_of_kind_(kinds.size(), kNoLimit, &environment.memory()),
      sources_(&environment.memory()),
      identifiers_(&environment.memory()),
      edges_(&environment.memory()),
      values_(&environment.memory()),
      holdings_(&environment.memory()),
      parent_(&environment.memory()),
      clusters_(&environment.memory()),
      sets_(&environment.memory()),
      overfull_(&environment.memory()),
      held_(&environment.memory()),
      holds_(environment),
      copies_(&environment.memory()),
      copy_of_edge_(&environment.memory()),
      order_(&environment.memory()),
      seen_(&environment.memory()),
      room_(&environment.memory()),
      broken_(&environment.memory()),
      carriers_(&environment.memory()),
      stage_edges_(&environment.memory()),
      claims_(&environment.memory()),
      voices_(&environment.memory()),
      open_(&environment.memory()),
      kept_(&environment.memory()),
      touches_(&environment.memory()),
      members_(&environment.memory()),
      group_(&environment.memory()),
      open_of_(&environment.memory()),
      grouped_(&environment.memory()),
      source_seen_(&environment.memory()),
      settled_(&environment.memory()) {}

// Lists the limits of which anything is held.
void Guard::list_limits() {
  limits_.clear();
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (limit_of_kind_[kind] == kNoLimit) continue;
    limits_.push_back(
        {KindNumber{static_cast<std::uint16_t>(kind)}, kinds_[kind].max_per_identity, false});
  }
  // The limit of a kind that does not link counts at all stages. Another one counts at the stages
  // of its own priority and of smaller ones.
  std::sort(limits_.begin(), limits_.end(), [this](const Limit& a, const Limit& b) {
    const auto place = [this](const Limit& limit) {
      const KindRules& rules = kinds_[index(limit.kind)];
      return std::tuple(rules.links, -std::int64_t{rules.priority}, limit.kind);
    };
    return place(a) < place(b);
  });
  for (std::size_t limit = 0; limit < limits_.size(); ++limit) {
    limit_of_kind_[index(limits_[limit].kind)] = static_cast<std::uint16_t>(limit);
  }
}

void Guard::clear() {
  std::fill(limit_of_kind_.begin(), limit_of_kind_.end(), kNoLimit);
  sources_.clear();
  identifiers_.clear();
  edges_.clear();
  values_.clear();
  holdings_.clear();
  held_.clear();
  holds_.clear();
  copy_of_edge_.clear();
  strengths_ = 0;
  tests_ = 0;
}

Guard::Number Guard::add_record(SourceNumber source) {
  sources_.push_back(source);
  return static_cast<Number>(sources_.size() - 1);
}

Guard::Number Guard::add_identifier(KindNumber kind, bool gives_way) {
  identifiers_.push_back({kind, gives_way, edges_.size(), 0, 0});
  return static_cast<Number>(identifiers_.size() - 1);
}

Guard::Number Guard::add_claim(Number record) {
  edges_.push_back({record, Outcome::kHeld});
  return static_cast<Number>(edges_.size() - 1);
}

Guard::Number Guard::add_value(KindNumber kind) {
  values_.push_back(kind);
  limit_of_kind_[index(kind)] = 0;  // list_limits() says which
  return static_cast<Number>(values_.size() - 1);
}

void Guard::add_holding(Number record, Number value) { holdings_.emplace_back(record, value); }

// ---- clusters ----

Guard::Number Guard::root(Number node) noexcept {
  while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
  return node;
}

void Guard::prepare(std::span<const std::uint32_t> ranks) {
  ranks_ = ranks;
  list_limits();
  const std::size_t nodes = sources_.size() + identifiers_.size();
  parent_.resize(nodes);
  std::iota(parent_.begin(), parent_.end(), Number{0});
  group_.assign(parent_.begin(), parent_.end());
  open_of_.assign(nodes, 0);
  clusters_.assign(nodes, {});
  for (std::size_t record = 0; record < ranks.size(); ++record) {
    clusters_[record].rank = ranks[record];
  }
  copies_.assign(identifiers_.size(), {});
  sets_.assign(sources_.size() * limits_.size(), {});
  room_.assign(limits_.size(), 0);
  held_.reserve(holdings_.size());
  for (const auto& [record, value] : holdings_) {
    hold(record, value);
    ticker_.tick();
  }
  seen_.assign(values_.size(), 0);
  overfull_.assign(sources_.size(), kNoLimit);
  const Broken broken = find_overfull();
  if (std::find(broken.begin(), broken.end(), 1) != broken.end()) add_twins(broken);
  SourceNumber last{};
  for (const SourceNumber source : sources_) last = std::max(last, source);
  source_seen_.assign(index(last) + 1, 0);
}

// Finds the records that break a limit all by themselves.
Guard::Broken Guard::find_overfull() {
  Broken broken(limits_.size(), 0, &environment_->memory());
  for (Number record = 0; record < sources_.size(); ++record) {
    ticker_.tick();
    for (std::size_t limit = limits_.size(); limit-- > 0;) {
      if (set_of(record, limit).count <= limits_[limit].most) continue;
      overfull_[record] = static_cast<std::uint16_t>(limit);
      broken[limit] = 1;
    }
  }
  return broken;
}

// Gives each limit that a record breaks by itself a twin: with it the values that other records
// hold are counted without those that only such records hold.
void Guard::add_twins(const Broken& broken) {
  const Vector<Limit> plain = std::move(limits_);
  const Vector<ValueSet> sets = std::move(sets_);
  limits_ = Vector<Limit>(&environment_->memory());
  sets_ = Vector<ValueSet>(&environment_->memory());
  Vector<std::uint16_t> moved(plain.size(), 0, &environment_->memory());
  for (std::size_t limit = 0; limit < plain.size(); ++limit) {
    moved[limit] = static_cast<std::uint16_t>(limits_.size());
    limit_of_kind_[index(plain[limit].kind)] = moved[limit];
    limits_.push_back(plain[limit]);
    if (broken[limit] != 0) limits_.push_back({plain[limit].kind, plain[limit].most, true});
  }
  room_.assign(limits_.size(), 0);
  seen_.assign(2 * values_.size(), 0);
  sets_.assign(sources_.size() * limits_.size(), {});
  for (Number record = 0; record < sources_.size(); ++record) {
    ticker_.tick();
    Cluster& cluster = clusters_[record];
    if (cluster.first_limit != kNoLimit) cluster.first_limit = moved[cluster.first_limit];
    if (overfull_[record] != kNoLimit) overfull_[record] = moved[overfull_[record]];
    for (std::size_t limit = 0; limit < plain.size(); ++limit) {
      sets_of(record)[moved[limit]] = sets[record * plain.size() + limit];
    }
    // What hold() adds, it puts in front of these.
    for (Number at = cluster.first_held; at != kNone; at = held_[at].next) {
      const Number value = held_[at].value;
      const std::size_t limit = limit_of(value);
      if (limit + 1 == limits_.size() || !limits_[limit + 1].is_twin) continue;
      if (set_of(record, limit).count > limits_[limit].most) continue;
      hold(record, value + static_cast<Number>(values_.size()));
    }
  }
}

void Guard::hold(Number node, Number value) {
  if (holds(node, value)) return;
  held_.push_back({value, kNone});
  take(node, static_cast<Number>(held_.size() - 1));
}

bool Guard::holds(Number node, Number value) const noexcept {
  const Cluster& cluster = clusters_[node];
  if (cluster.size > kFew) return holds_.contains(node, value);
  for (Number at = cluster.first_held; at != kNone; at = held_[at].next) {
    if (held_[at].value == value) return true;
  }
  return false;
}

// Gives a cluster, by its root, a value that it does not hold yet.
void Guard::take(Number node, Number held) {
  Cluster& cluster = clusters_[node];
  const Number value = held_[held].value;
  held_[held].next = cluster.first_held;
  cluster.first_held = held;
  if (++cluster.size == kFew + 1) {
    for (Number at = held; at != kNone; at = held_[at].next) holds_.insert(node, held_[at].value);
  } else if (cluster.size > kFew) {
    holds_.insert(node, value);
  }
  const std::size_t limit = limit_of(value);
  sets_of(node)[limit].add(value);
  cluster.first_limit = std::min(cluster.first_limit, static_cast<std::uint16_t>(limit));
}

bool Guard::can_unite(Number a, Number b) {
  const std::array<Number, 2> both{a, b};
  return can_unite_all(both);
}

// Whether one cluster could be made of several, all different.
bool Guard::can_unite_all(std::span<const Number> clusters) {
  std::size_t bounds = 0;
  bool disputed = false;
  for (const Number cluster : clusters) {
    bounds += bound(cluster) ? 1 : 0;
    disputed = disputed || clusters_[cluster].disputed;
  }
  if (bounds < 2) return true;
  return !disputed && fits(clusters, false);
}

// Whether several clusters, all different, would break no limit that counts as one: each holds as
// many values as it says, or no more than one of them alone. The limits that they would break are
// in broken_; all: all of these, otherwise the first one that shows will do. Cost: the limits of
// each; where the sums of their values do not tell, also what all but the one that holds most hold.
bool Guard::fits(std::span<const Number> clusters, bool all) {
  broken_.clear();
  bool unknown = false;
  for (std::uint16_t limit = 0; limit < counting_; ++limit) {
    const ValueSet* largest = nullptr;
    std::uint64_t values = 0;
    bool differ = false;
    bool equally_many = false;  // two different sets, both of the largest size
    for (const Number cluster : clusters) {
      ticker_.tick();
      const ValueSet& set = set_of(cluster, limit);
      if (set.count == 0) continue;
      values += set.count;
      if (largest == nullptr) {
        largest = &set;
      } else if (set != *largest) {
        differ = true;
        if (set.count == largest->count) equally_many = true;
        if (set.count > largest->count) {
          equally_many = false;
          largest = &set;
        }
      }
    }
    room_[limit] = UINT64_MAX;
    if (!differ || values <= limits_[limit].most) continue;
    if (equally_many && largest->count >= limits_[limit].most) {
      broken_.push_back(limit);
      if (!all) return false;
      continue;
    }
    room_[limit] = std::max<std::uint64_t>(limits_[limit].most, largest->count);
    unknown = true;
  }
  if (!unknown) return broken_.empty();
  const Number most = *std::max_element(
      clusters.begin(), clusters.end(),
      [this](Number a, Number b) { return clusters_[a].size < clusters_[b].size; });
  for (std::uint16_t limit = 0; limit < counting_; ++limit) {
    if (room_[limit] != UINT64_MAX) room_[limit] -= set_of(most, limit).count;
  }
  if (++tests_ == 0) {  // the tests' numbers have run out
    std::fill(seen_.begin(), seen_.end(), 0);
    tests_ = 1;
  }
  for (const Number cluster : clusters) {
    if (cluster == most) continue;
    for (Number at = clusters_[cluster].first_held; at != kNone; at = held_[at].next) {
      ticker_.tick();
      const Number value = held_[at].value;
      const std::size_t limit = limit_of(value);
      if (limit >= counting_ || room_[limit] == UINT64_MAX || seen_[value] == tests_ ||
          holds(most, value)) {
        continue;
      }
      seen_[value] = tests_;
      if (room_[limit]-- != 0) continue;
      room_[limit] = UINT64_MAX;
      broken_.push_back(static_cast<std::uint16_t>(limit));
      if (!all) return false;
    }
  }
  return broken_.empty();
}

// Makes one cluster of two; gives its root.
Guard::Number Guard::unite(Number a, Number b) {
  a = root(a);
  b = root(b);
  if (a == b) return a;
  if (clusters_[a].size < clusters_[b].size) std::swap(a, b);
  parent_[b] = a;
  clusters_[a].disputed = clusters_[a].disputed || clusters_[b].disputed;
  clusters_[a].rank = std::min(clusters_[a].rank, clusters_[b].rank);
  if (clusters_[b].size == 0 || std::equal(sets_of(b), sets_of(b) + limits_.size(), sets_of(a))) {
    return a;
  }
  for (Number at = clusters_[b].first_held; at != kNone;) {
    ticker_.tick();
    const Number next = held_[at].next;
    if (!holds(a, held_[at].value)) take(a, at);
    at = next;
  }
  return a;
}

// ---- stages ----

void Guard::solve(std::span<const std::uint32_t> ranks) {
  prepare(ranks);
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

// How many limits count at an identifier's stage.
std::uint16_t Guard::limits_that_count(const Identifier& identifier) const noexcept {
  const KindRules& stage = kinds_[index(identifier.kind)];
  std::size_t counting = 0;
  while (counting < limits_.size() &&
         counts(kinds_[index(limits_[counting].kind)], stage, identifier.gives_way)) {
    ++counting;
  }
  return static_cast<std::uint16_t>(counting);
}

// The strongest claims come first. Those on one copy stay side by side among equals, as they were
// collected.
void Guard::sort_by_strength() {
  const bool is_sorted =
      std::is_sorted(claims_.begin(), claims_.end(), [this](const Claim& a, const Claim& b) {
        ticker_.tick();
        return a.strength() > b.strength();
      });
  if (is_sorted) return;
  std::sort(claims_.begin(), claims_.end(), [this](const Claim& a, const Claim& b) {
    ticker_.tick();
    return std::tuple(b.strength(), a.copy) < std::tuple(a.strength(), b.copy);
  });
}

void Guard::run_stage(std::span<const Number> identifiers) {
  const Identifier& any = identifiers_[identifiers.front()];
  const bool by_data = kinds_[index(any.kind)].ties_by_data;
  counting_ = limits_that_count(any);
  collect_claims(identifiers, by_data);
  if (by_data) {
    order_copies();
    std::sort(claims_.begin(), claims_.end(), [&](const Claim& a, const Claim& b) {
      ticker_.tick();
      return std::tuple(b.strength(), a.rank, a.order) < std::tuple(a.strength(), b.rank, b.order);
    });
  } else {
    sort_by_strength();
  }
  for (std::size_t first = 0; first < claims_.size();) {
    std::size_t last = first + 1;
    while (last < claims_.size() && claims_[last].strength() == claims_[first].strength()) ++last;
    const std::span level(claims_.data() + first, last - first);
    if (by_data) {
      decide_in_order(level);
    } else {
      decide_together(level);
    }
    first = last;
  }
  for (const Claim& claim : claims_) write_outcomes({&claim, 1}, claim.outcome);
}

// Writes down what became of claims.
void Guard::write_outcomes(std::span<const Claim> claims, Outcome outcome) {
  for (const Claim& claim : claims) {
    for (std::size_t i = 0; i < claim.edges; ++i) {
      edges_[stage_edges_[claim.first_edge + i]].outcome = outcome;
    }
    ticker_.tick();
  }
}

// The clusters' claims on a stage's identifiers, with their strengths.
void Guard::collect_claims(std::span<const Number> identifiers, bool by_data) {
  claims_.clear();
  stage_edges_.clear();
  for (const Number identifier : identifiers) {
    carriers_.clear();
    const std::size_t first_claim = claims_.size();
    for (std::size_t at = identifiers_[identifier].first_edge; at < end_of_edges(identifier);
         ++at) {
      ticker_.tick();
      Edge& edge = edges_[at];
      if (is_overfull(edge.record)) {
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
                           clusters_[carrier.cluster].rank, 0, Outcome::kHeld});
      }
      Claim& claim = claims_.back();
      if (claim.edges == 0 || carriers_[i - 1].source != carrier.source) ++claim.sources;
      ++claim.records;
      ++claim.edges;
      stage_edges_.push_back(carrier.edge);
    }
    make_copies(identifier, first_claim, by_data);
  }
}

// How many sources and records carry the identifier that several clusters claim.
Guard::Strength Guard::strength_of(std::span<const Claim> claims) {
  if (++strengths_ == 0) {  // the numbers have run out
    std::fill(source_seen_.begin(), source_seen_.end(), 0);
    strengths_ = 1;
  }
  Strength strength;
  for (const Claim& claim : claims) {
    strength.second += claim.records;
    for (std::size_t i = 0; i < claim.edges; ++i) {
      ticker_.tick();
      const Number edge = stage_edges_[claim.first_edge + i];
      Number& seen = source_seen_[index(sources_[edges_[edge].record])];
      if (std::exchange(seen, strengths_) != strengths_) ++strength.first;
    }
  }
  return strength;
}

// Where those who claim an identifier cannot all be one: those who agree in the values of the
// limits that stand between them get a copy of it for themselves, and who has no such values
// follows the strongest of these groups.
void Guard::make_copies(Number identifier, std::size_t first_claim, bool by_data) {
  std::span claims(claims_.data() + first_claim, claims_.size() - first_claim);
  members_.clear();
  for (const Claim& claim : claims) {
    if (clusters_[claim.cluster].first_limit < counting_) members_.push_back(claim.cluster);
  }
  if (members_.size() < 2 || fits({members_.data(), members_.size()}, true)) {
    strengthen_free(claims);
    return;
  }
  // A limit and its twin keep apart together.
  for (std::size_t i = 0, broken = broken_.size(); i < broken; ++i) {
    const std::uint16_t limit = broken_[i];
    if (limits_[limit].is_twin) broken_.push_back(static_cast<std::uint16_t>(limit - 1));
    if (limit + 1U < limits_.size() && limits_[limit + 1U].is_twin) {
      broken_.push_back(static_cast<std::uint16_t>(limit + 1));
    }
  }
  const auto followers = std::partition(claims.begin(), claims.end(), [this](const Claim& claim) {
    return std::any_of(broken_.begin(), broken_.end(), [&](std::uint16_t limit) {
      return set_of(claim.cluster, limit).count != 0;
    });
  });
  const auto in_groups = static_cast<std::size_t>(followers - claims.begin());
  const Voice strongest = give_copies(identifier, claims.first(in_groups), by_data);
  if (in_groups == claims.size()) return;
  claims = claims.subspan(in_groups);
  if (copies_[strongest.copy].is_tied) {
    write_outcomes(claims, Outcome::kAmbiguous);
    claims_.resize(claims_.size() - claims.size());
    return;
  }
  claim_copy(claims, strongest.copy);
  strengthen_free(claims, strongest.strength);
  // Side by side, those who follow with those whom they follow.
  std::sort(claims_.begin() + static_cast<std::ptrdiff_t>(first_claim), claims_.end(),
            [this](const Claim& a, const Claim& b) {
              ticker_.tick();
              return a.copy < b.copy;
            });
}

// Each group of claims on an identifier, those of clusters that hold the same values of the limits
// in broken_, gets a copy of it, and the strength of all of it. Gives the strongest group.
Guard::Voice Guard::give_copies(Number identifier, std::span<Claim> claims, bool by_data) {
  const auto compare = [this](const Claim& a, const Claim& b) {
    for (const std::uint16_t limit : broken_) {
      const auto order = set_of(a.cluster, limit) <=> set_of(b.cluster, limit);
      if (order != 0) return order;
    }
    return std::strong_ordering::equal;
  };
  std::sort(claims.begin(), claims.end(), [&](const Claim& a, const Claim& b) {
    ticker_.tick();
    return compare(a, b) < 0;
  });
  name_copies_of_edges();
  Identifier& at = identifiers_[identifier];
  for (std::size_t edge = at.first_edge; edge < end_of_edges(identifier); ++edge) {
    copy_of_edge_[edge] = kNone;
  }
  at.first_copy = static_cast<Number>(copies_.size());
  voices_.clear();
  for (std::size_t first = 0; first < claims.size();) {
    std::size_t last = first + 1;
    while (last < claims.size() && compare(claims[first], claims[last]) == 0) ++last;
    const auto group = claims.subspan(first, last - first);
    Voice voice{strength_of(group), UINT32_MAX, first == 0 ? identifier : add_copy()};
    for (Claim& claim : group) {
      std::tie(claim.sources, claim.records) = voice.strength;
      voice.rank = std::min(voice.rank, claim.rank);
    }
    claim_copy(group, voice.copy);
    copies_[voice.copy].is_one_of_several = true;
    voices_.push_back(voice);
    first = last;
  }
  at.end_of_copies = static_cast<Number>(copies_.size());
  // Of equals the first one in the order of the data.
  const Voice strongest =
      *std::max_element(voices_.begin(), voices_.end(), [](const Voice& a, const Voice& b) {
        return std::tuple(a.strength, b.rank) < std::tuple(b.strength, a.rank);
      });
  const auto is_as_strong = [&](const Voice& voice) {
    return voice.strength == strongest.strength;
  };
  const bool tied = !by_data && std::count_if(voices_.begin(), voices_.end(), is_as_strong) > 1;
  for (const Voice& voice : voices_) copies_[voice.copy].is_tied = tied && is_as_strong(voice);
  copies_[strongest.copy].is_strongest = !tied;
  return strongest;
}

// From now on each claim is said to be on a copy; so far on the identifier itself.
void Guard::name_copies_of_edges() {
  if (!copy_of_edge_.empty()) return;
  copy_of_edge_.resize(edges_.size());
  for (Number identifier = 0; identifier < identifiers_.size(); ++identifier) {
    for (std::size_t edge = identifiers_[identifier].first_edge; edge < end_of_edges(identifier);
         ++edge) {
      ticker_.tick();
      copy_of_edge_[edge] = identifier;
    }
  }
}

// One more copy of an identifier, a free cluster of its own.
Guard::Number Guard::add_copy() {
  copies_.emplace_back();
  const auto node = static_cast<Number>(parent_.size());
  parent_.push_back(node);
  group_.push_back(node);
  open_of_.push_back(0);
  clusters_.emplace_back();
  return static_cast<Number>(copies_.size() - 1);
}

void Guard::claim_copy(std::span<Claim> claims, Number copy) {
  for (Claim& claim : claims) {
    claim.copy = copy;
    for (std::size_t i = 0; i < claim.edges; ++i) {
      ticker_.tick();
      copy_of_edge_[stage_edges_[claim.first_edge + i]] = copy;
    }
  }
}

// Numbers the copies by the ranks of the records that carry them, the smallest first. Those that
// the same records carry are alike: which comes first changes nothing.
void Guard::order_copies() {
  struct Ranked {
    Number copy;
    std::size_t first;
    std::size_t last;
  };
  Vector<Ranked> copies(&environment_->memory());
  Vector<std::uint32_t> ranks(&environment_->memory());
  Vector<std::size_t> by_copy(&environment_->memory());
  by_copy.resize(claims_.size());
  std::iota(by_copy.begin(), by_copy.end(), std::size_t{0});
  std::sort(by_copy.begin(), by_copy.end(), [this](std::size_t a, std::size_t b) {
    ticker_.tick();
    return claims_[a].copy < claims_[b].copy;
  });
  for (const std::size_t place : by_copy) {
    const Claim& claim = claims_[place];
    if (copies.empty() || copies.back().copy != claim.copy) {
      copies.push_back({claim.copy, ranks.size(), ranks.size()});
    }
    for (std::size_t i = 0; i < claim.edges; ++i) {
      ticker_.tick();
      ranks.push_back(ranks_[edges_[stage_edges_[claim.first_edge + i]].record]);
    }
    copies.back().last = ranks.size();
  }
  const auto carriers = [&](const Ranked& copy) {
    return std::span(ranks.data() + copy.first, copy.last - copy.first);
  };
  for (const Ranked& copy : copies) {
    const auto ranked = carriers(copy);
    std::sort(ranked.begin(), ranked.end());
    ticker_.tick();
  }
  std::sort(copies.begin(), copies.end(), [&](const Ranked& a, const Ranked& b) {
    ticker_.tick();
    const auto left = carriers(a);
    const auto right = carriers(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  order_.resize(copies_.size());
  for (std::size_t i = 0; i < copies.size(); ++i) {
    order_[copies[i].copy] = static_cast<Number>(i);
  }
  for (Claim& claim : claims_) claim.order = order_[claim.copy];
}

// A free cluster follows an identifier to its strongest claimant: its claims, all on one copy of
// an identifier, become as strong as the strongest of them, or as that copy's group.
void Guard::strengthen_free(std::span<Claim> claims, Strength group) {
  Strength strongest = group;
  for (const Claim& claim : claims) {
    strongest = std::max(strongest, claim.strength());
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
    const Number claimed = root(node_of(claim.copy));
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
    const Number claimed = root(node_of(claim.copy));
    if (copies_[claim.copy].dead) {  // 1
      claim.outcome = Outcome::kAmbiguous;
    } else if (cluster == claimed) {
      claim.outcome = Outcome::kHeld;
    } else if (bound(claimed) && !can_unite(cluster, claimed)) {  // 2
      claim.outcome = refusal(cluster, claimed);
    } else {
      open_.push_back(&claim);
      ++open_of_[cluster];
      ++open_of_[claimed];
    }
  }
  kept_.clear();
  for (std::size_t first = 0; first < open_.size();) {  // 3
    std::size_t last = first + 1;
    while (last < open_.size() && open_[last]->copy == open_[first]->copy) ++last;
    decide_copy({open_.data() + first, last - first});
    first = last;
  }
  // Those that are no root any more are not asked for again.
  for (const Claim* claim : open_) {
    ticker_.tick();
    open_of_[root(claim->cluster)] = open_of_[root(node_of(claim->copy))] = 0;
  }
  if (kept_.empty()) return;
  touches_.clear();
  for (Claim* claim : kept_) {  // 4
    ticker_.tick();
    const Number cluster = root(claim->cluster);
    const Number claimed = root(node_of(claim->copy));
    if (!bound(cluster) && !bound(claimed)) unite(cluster, claimed);
  }
  auto beyond = static_cast<Number>(parent_.size());
  for (Claim* claim : kept_) {
    ticker_.tick();
    const Number cluster = root(claim->cluster);
    const Number claimed = root(node_of(claim->copy));
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

// The open claims of a level on one copy of an identifier: refuses them all, where its cluster is
// free and those who claim it cannot all be united. Otherwise keeps them for what the other claims
// say; where none of the clusters has another one, they are united at once.
void Guard::decide_copy(std::span<Claim*> claims) {
  const Number claimed = root(node_of(claims.front()->copy));
  const bool is_bound = bound(claimed);
  bool alone = open_of_[claimed] == claims.size();
  members_.clear();
  if (is_bound) members_.push_back(claimed);
  for (const Claim* claim : claims) {
    ticker_.tick();
    const Number cluster = root(claim->cluster);
    alone = alone && open_of_[cluster] == 1;
    if (bound(cluster)) members_.push_back(cluster);
  }
  std::sort(members_.begin(), members_.end());
  members_.erase(std::unique(members_.begin(), members_.end()), members_.end());
  const bool asked = !is_bound || alone;
  const bool fit =
      members_.size() < 2 || (asked && can_unite_all({members_.data(), members_.size()}));
  if (fit && alone) {
    for (const Claim* claim : claims) unite(claim->cluster, claimed);
  } else if (fit || is_bound) {
    kept_.insert(kept_.end(), claims.begin(), claims.end());
  } else {
    copies_[claims.front()->copy].dead = true;
    for (Claim* claim : claims) claim->outcome = Outcome::kAmbiguous;
  }
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
  if (region.front().region < parent_.size()) clusters_[region.front().region].disputed = true;
}

}  // namespace identity_resolve::engine
