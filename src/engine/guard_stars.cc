// Stars: components that one identifier makes, which each of their records carries, with one value
// of a limited kind at most. What the guard does with one follows at once from doc/guards.md, and
// most conflicts are such: an address that people in two workspaces have, or two of one family.
//
// Each record is a cluster that claims the identifier and nothing else, so nobody is united before
// or otherwise. Limits that all records together keep are kept by any of them. Of the other ones
// each record holds one value or none: who holds the same one is a group, with a copy of the
// identifier, and becomes one cluster; who holds none follows the strongest group, or nobody where
// there are two of these. The guard, asked for the same, gives the same (a unit test asks it).
#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/guard_batches.h"

namespace identity_resolve::engine {

// Solves all stars: they have no records left then. What an identifier leads to lies anywhere in
// memory: it is fetched a little before it is looked at, first its records, then their components.
void GuardBatches::solve_stars() {
  const auto count = static_cast<Number>(identifiers_.size());
  const auto component_of = [this](Number identifier) -> Component& {
    return components_[records_[claims_[first_claim_on(identifier)]].component];
  };
  const auto each_identifier = [&](auto&& fetch_records, auto&& visit) {
    constexpr Number kAhead = 16;
    for (Number identifier = 0; identifier < count; ++identifier) {
      ticker_.tick();
      if (identifier + 2 * kAhead < count) fetch_records(identifier + 2 * kAhead);
      if (identifier + kAhead < count) __builtin_prefetch(&component_of(identifier + kAhead), 1);
      visit(identifier);
    }
  };
  each_identifier(
      [this](Number identifier) {
        __builtin_prefetch(&records_[claims_[first_claim_on(identifier)]]);
      },
      [&](Number identifier) {
        Number& star = component_of(identifier).star;
        star = star == kNone ? identifier : kSeveral;
      });
  for (const Holding& holding : holdings_) {
    ticker_.tick();
    components_[records_[holding.record].component].star = kSeveral;
  }
  each_identifier(
      [this](Number identifier) {
        for (Number claim = first_claim_on(identifier); claim < first_claim_on(identifier + 1);
             ++claim) {
          ticker_.tick();
          __builtin_prefetch(&records_[claims_[claim]], 1);
        }
      },
      [&](Number identifier) {
        Component& component = component_of(identifier);
        if (component.star != identifier ||
            component.records != first_claim_on(identifier + 1) - first_claim_on(identifier) ||
            kinds_[index(identifiers_[identifier].kind)].ties_by_data) {
          return;
        }
        solve_star(identifier);
        component.records = 0;
      });
}

void GuardBatches::solve_star(Number identifier) {
  rays_.clear();
  for (Number claim = first_claim_on(identifier); claim < first_claim_on(identifier + 1); ++claim) {
    ticker_.tick();
    const Record& record = records_[claims_[claim]];
    rays_.push_back({record.first_held, record.source, claims_[claim], claim});
  }
  leave_what_keeps_apart(identifiers_[identifier]);
  const std::size_t followers = list_groups();
  if (groups_.empty()) {
    settle(0, rays_.size(), first_record(0, rays_.size()),
           Settled{Guard::Outcome::kHeld, false, false, Showing::kFirst});
    return;
  }
  const auto by_strength = [](const Group& a, const Group& b) { return a.strength < b.strength; };
  const auto strength = std::max_element(groups_.begin(), groups_.end(), by_strength)->strength;
  const bool tied = std::count_if(groups_.begin(), groups_.end(), [&](const Group& group) {
                      return group.strength == strength;
                    }) > 1;
  for (const Group& group : groups_) {
    const bool is_as_strong = group.strength == strength;
    const bool is_followed = is_as_strong && !tied;
    // Those who follow are one with the strongest group.
    const std::size_t last = is_followed ? rays_.size() : followers;
    const bool is_alone = group.last - group.first + last - followers == 1;
    const Guard::Outcome own =
        is_as_strong && tied ? Guard::Outcome::kOwnAmbiguous : Guard::Outcome::kOwnConflict;
    const Settled as{is_alone ? own : Guard::Outcome::kHeld, !is_followed, true,
                     is_alone ? Showing::kContested : Showing::kFirst};
    const Number cluster =
        std::min(first_record(group.first, group.last), first_record(followers, last));
    settle(group.first, group.last, cluster, as);
    settle(followers, last, cluster, as);
  }
  if (!tied) return;
  for (std::size_t i = followers; i < rays_.size(); ++i) {
    settle(i, i + 1, rays_[i].record,
           Settled{Guard::Outcome::kAmbiguous, true, false, Showing::kNever});
  }
}

// Each ray keeps its value of a limit that all rays together break, and forgets other values. Sorts
// the rays by value; those without one come last.
void GuardBatches::leave_what_keeps_apart(const Identifier& identifier) {
  const auto sort_by_value = [this] {
    std::sort(rays_.begin(), rays_.end(), [this](const Ray& a, const Ray& b) {
      ticker_.tick();
      return std::tuple(a.value, a.source) < std::tuple(b.value, b.source);
    });
  };
  sort_by_value();
  std::fill(values_of_.begin(), values_of_.end(), 0);
  Number last = kNone;
  for (const Ray& ray : rays_) {
    if (ray.value != kNone && ray.value != last) ++values_of_[index(values_[ray.value].kind)];
    last = ray.value;
  }
  bool forgotten = false;
  for (Ray& ray : rays_) {
    if (ray.value == kNone) continue;
    const KindNumber kind = values_[ray.value].kind;
    const KindRules& rules = kinds_[index(kind)];
    if (values_of_[index(kind)] > rules.max_per_identity &&
        Guard::counts(rules, kinds_[index(identifier.kind)], identifier.gives_way)) {
      continue;
    }
    ray.value = kNone;
    forgotten = true;
  }
  if (forgotten) sort_by_value();
}

// Lists the groups of rays; gives how many rays these are.
std::size_t GuardBatches::list_groups() {
  groups_.clear();
  std::size_t first = 0;
  while (first < rays_.size() && rays_[first].value != kNone) {
    Group group{{0, 0}, first, first};
    for (; group.last < rays_.size() && rays_[group.last].value == rays_[first].value;
         ++group.last) {
      const bool is_new =
          group.last == first || rays_[group.last].source != rays_[group.last - 1].source;
      group.strength.first += is_new ? 1 : 0;
      ++group.strength.second;
    }
    groups_.push_back(group);
    first = group.last;
  }
  return first;
}

// The first record of some rays.
GuardBatches::Number GuardBatches::first_record(std::size_t first,
                                                std::size_t last) const noexcept {
  Number record = kNone;
  for (; first < last; ++first) record = std::min(record, rays_[first].record);
  return record;
}

void GuardBatches::settle(std::size_t first, std::size_t last, Number cluster, Settled as) {
  for (; first < last; ++first) {
    ticker_.tick();
    records_[rays_[first].record].cluster = cluster;
    settled_[rays_[first].claim] = as;
  }
}

}  // namespace identity_resolve::engine
