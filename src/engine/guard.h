// The guard stage: components that break a limit are taken apart and built again, the strongest
// evidence first. doc/guards.md, "A component that breaks a limit", is the algorithm; the words
// below (cluster, bound, claim, copy, level, region, disputed, dead) are used as it defines them.
//
// What holds afterwards, for every component that went in:
//   - no cluster breaks a limit by links of the limit's own priority or weaker ones: it holds no
//     more values than the limit says, or than one of its parts got by stronger links
//   - uniting the two sides of a claim refused as kConflict would break a limit that counts for it
//   - a claim is refused as kAmbiguous only where people with equal evidence would have to share
//   - the numbers of records, identifiers, values and claims decide nothing: any order of adding
//     them gives the same clusters and outcomes
//
// Memory: about 50 bytes a record or identifier, 16 a record and limit, 40 a claim and 8 a held
// value. Cost: the claims of a stage are sorted; apart from that linear, but for values that are
// moved from a smaller cluster to a larger one at most log(n) times.
#pragma once

#include <array>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "engine/environment.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class Guard {
 public:
  // What became of a claim. Held: another record of the same cluster holds the identifier, too.
  // Own: it held, but nobody else in the cluster has the identifier, as the claims of others were
  // refused (as a conflict, or as ambiguous) or are on other copies of it.
  enum class Outcome : std::uint8_t { kHeld, kConflict, kAmbiguous, kOwnConflict, kOwnAmbiguous };
  using Number = std::uint32_t;

  // Whether a kind's limit counts at the stage of another one's identifiers: all do where role
  // addresses are decided, otherwise those of kinds that do not link, and those of the stage's own
  // priority and greater ones.
  [[nodiscard]] static constexpr bool counts(const KindRules& limited, const KindRules& stage,
                                             bool gives_way) noexcept {
    return gives_way || !limited.links || limited.priority >= stage.priority;
  }

  // kinds: the rules of all kinds; must outlive the object.
  Guard(Environment& environment, std::span<const KindRules> kinds);

  // Forgets all that was added, and keeps its memory for what comes next.
  void clear();

  // A record of a source; gives its number, from 0.
  Number add_record(SourceNumber source);
  // An identifier of a kind that links; gives its number, from 0. gives_way: Standing::kGivesWay.
  Number add_identifier(KindNumber kind, bool gives_way);
  // The record carries the identifier added last. At most once for each of its records.
  // Gives the claim's number, from 0.
  Number add_claim(Number record);
  // A value of a kind that a limit counts; gives its number, from 0.
  Number add_value(KindNumber kind);
  // The record holds the value. Saying so twice is saying it once.
  void add_holding(Number record, Number value);

  // Decides. ranks: each record's place in the order of survivorship, for kinds whose ties are
  // settled by the data; may be empty where there is no such kind.
  void solve(std::span<const std::uint32_t> ranks);
  // Says of each claim what became of it in the end. Only then outcome_of() may be asked.
  void settle();

  // One more than the greatest number of a cluster.
  [[nodiscard]] std::size_t clusters() const noexcept { return parent_.size(); }
  // A record's cluster: two records with the same number are one identity.
  [[nodiscard]] Number cluster_of(Number record) noexcept { return root(record); }
  [[nodiscard]] Outcome outcome_of(Number claim) const noexcept { return edges_[claim].outcome; }
  // Whether the claim's value is shown as its identity's: a refused one is not if the identifier,
  // or a copy of it, belongs to somebody else, and one of several that have a copy each is
  // contested.
  [[nodiscard]] Showing showing_of(Number claim) const noexcept;
  // Whether the claim joins nobody to whom the identifier belongs: it is refused, or on the copy of
  // a group that is not the strongest one.
  [[nodiscard]] bool is_kept_apart(Number claim) const noexcept {
    const Outcome outcome = edges_[claim].outcome;
    return outcome == Outcome::kConflict || outcome == Outcome::kAmbiguous ||
           (is_on_copy(claim) && !copies_[copy_of_edge_[claim]].is_strongest);
  }
  // Whether the claim is on a copy of the identifier: people who cannot be one have one each.
  [[nodiscard]] bool is_on_copy(Number claim) const noexcept {
    return !copy_of_edge_.empty() && copy_of_edge_[claim] != kNone &&
           copies_[copy_of_edge_[claim]].is_one_of_several;
  }

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  static constexpr Number kNone = UINT32_MAX;

  // A kind's limit. Where some record holds more values than that all by itself, the limit has a
  // twin behind it, which counts only what all other records hold.
  struct Limit {
    KindNumber kind;
    std::uint64_t most;
    bool is_twin;
  };
  // A record's claim on an identifier, as it was told.
  struct Edge {
    Number record;
    Outcome outcome;
    // Settled: an identity that is not disputed has the identifier, or a copy of it.
    bool has_owner = false;
  };
  struct Identifier {
    KindNumber kind;
    bool gives_way;
    std::size_t first_edge;
    // Its copies: it is the first one itself; these are the other ones.
    Number first_copy;
    Number end_of_copies;
  };
  // An identifier, or one of the copies that groups of its claimants have.
  struct Copy {
    bool dead = false;
    bool is_one_of_several = false;
    bool is_strongest = false;  // of all groups, and no other one is as strong
    bool is_tied = false;       // no group is stronger, but another one as strong
  };
  using Strength = std::pair<std::uint32_t, std::uint32_t>;  // sources, records
  // A cluster's claim on a copy of an identifier.
  struct Claim {
    Number cluster;  // as it was at the start of the stage
    Number copy;
    std::uint32_t sources;  // its strength, as are the
    std::uint32_t records;
    std::size_t first_edge;  // of its edges in stage_edges_
    std::uint32_t edges;
    std::uint32_t rank;   // of the cluster's first record, and
    std::uint32_t order;  // of the copy, where ties are settled by the data
    Outcome outcome;
    [[nodiscard]] Strength strength() const noexcept { return {sources, records}; }
  };
  // A group of claims that has a copy for itself.
  struct Voice {
    Strength strength;
    std::uint32_t rank;  // of its first record
    Number copy;
  };
  // A claim of a record in the end.
  struct Settled {
    Number cluster;
    Number copy;
    Number edge;
    bool holds;
  };
  // Of what a cluster holds.
  struct Held {
    Number value;
    Number next;
  };
  // What stands at the root of a cluster.
  struct Cluster {
    Number first_held = kNone;
    std::uint32_t size = 0;                // values held
    std::uint32_t rank = UINT32_MAX;       // of its first record
    std::uint16_t first_limit = kNoLimit;  // of which it holds a value
    bool disputed = false;
  };
  // The values of one limit that a cluster holds: how many, and a sum of 96 bits, each value mixed,
  // by which two sets are compared.
  struct ValueSet {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t count = 0;
    void add(Number value) noexcept;
    friend auto operator<=>(const ValueSet&, const ValueSet&) = default;
  };
  // A region meets a bound cluster through a claim.
  struct Touch {
    Number region;  // the free cluster; beyond all clusters: two bound ones meet
    Number neighbour;
    Claim* claim;
  };
  struct Carrier {
    Number cluster;
    SourceNumber source;
    Number edge;
  };

  // A set of pairs of numbers.
  class PairSet {
   public:
    explicit PairSet(Environment& environment) : slots_(&environment.memory()) {}
    void clear();
    void reserve(std::size_t pairs);
    bool insert(Number a, Number b);
    [[nodiscard]] bool contains(Number a, Number b) const noexcept;

   private:
    [[nodiscard]] std::size_t place_of(std::uint64_t pair) const noexcept;
    static constexpr std::uint64_t kFree = UINT64_MAX;
    std::size_t size_ = 0;
    Vector<std::uint64_t> slots_;
  };

  static constexpr std::uint16_t kNoLimit = UINT16_MAX;
  // A cluster that holds more values than that has them in holds_, too.
  static constexpr std::uint32_t kFew = 8;

  [[nodiscard]] Number node_of(Number copy) const noexcept {
    return static_cast<Number>(sources_.size()) + copy;
  }
  [[nodiscard]] std::size_t end_of_edges(Number identifier) const noexcept {
    return identifier + 1 < identifiers_.size() ? identifiers_[identifier + 1].first_edge
                                                : edges_.size();
  }
  Number root(Number node) noexcept;
  // Only records hold values, and a cluster that holds some has one as its root.
  [[nodiscard]] ValueSet* sets_of(Number record) noexcept {
    return &sets_[record * limits_.size()];
  }
  [[nodiscard]] const ValueSet& set_of(Number node, std::size_t limit) const noexcept {
    static constexpr ValueSet kEmpty{};
    return node < sources_.size() ? sets_[node * limits_.size() + limit] : kEmpty;
  }
  [[nodiscard]] bool bound(Number node) const noexcept {
    return clusters_[node].first_limit < counting_ || clusters_[node].disputed;
  }
  [[nodiscard]] bool is_overfull(Number record) const noexcept {
    return overfull_[record] < counting_;
  }
  [[nodiscard]] std::size_t limit_of(Number value) const noexcept {
    return value < values_.size() ? limit_of_kind_[index(values_[value])]
                                  : limit_of_kind_[index(values_[value - values_.size()])] + 1U;
  }
  void list_limits();
  void prepare(std::span<const std::uint32_t> ranks);
  // Limits, a byte each: whether a record breaks it all by itself.
  using Broken = Vector<std::uint8_t>;
  [[nodiscard]] Broken find_overfull();
  void add_twins(const Broken& broken);
  void hold(Number node, Number value);
  [[nodiscard]] bool holds(Number node, Number value) const noexcept;
  void take(Number node, Number held);
  bool can_unite(Number a, Number b);
  bool can_unite_all(std::span<const Number> clusters);
  bool fits(std::span<const Number> clusters, bool all);
  // Why two clusters that cannot be united are not: a limit, or that one of them is disputed.
  [[nodiscard]] Outcome refusal(Number a, Number b) const noexcept {
    return clusters_[a].disputed || clusters_[b].disputed ? Outcome::kAmbiguous
                                                          : Outcome::kConflict;
  }
  Number unite(Number a, Number b);

  void run_stage(std::span<const Number> identifiers);
  void sort_by_strength();
  [[nodiscard]] std::uint16_t limits_that_count(const Identifier& identifier) const noexcept;
  void collect_claims(std::span<const Number> identifiers, bool by_data);
  [[nodiscard]] Strength strength_of(std::span<const Claim> claims);
  void make_copies(Number identifier, std::size_t first_claim, bool by_data);
  Voice give_copies(Number identifier, std::span<Claim> claims, bool by_data);
  void name_copies_of_edges();
  Number add_copy();
  void claim_copy(std::span<Claim> claims, Number copy);
  void write_outcomes(std::span<const Claim> claims, Outcome outcome);
  void order_copies();
  void strengthen_free(std::span<Claim> claims, Strength group = {});
  void decide_together(std::span<Claim> level);
  void decide_copy(std::span<Claim*> claims);
  void decide_regions();
  void decide_groups(std::span<const std::span<Touch>> regions);
  void refuse(std::span<Touch> region);
  void decide_in_order(std::span<Claim> level);
  void settle(Number identifier);
  [[nodiscard]] Number copy_of(std::size_t edge, Number identifier) const noexcept {
    return copy_of_edge_.empty() ? identifier : copy_of_edge_[edge];
  }

  Environment* environment_;
  Ticker ticker_;
  std::span<const KindRules> kinds_;
  Vector<Limit> limits_;  // those that count at more stages come first
  Vector<std::uint16_t> limit_of_kind_;

  // As added.
  Vector<SourceNumber> sources_;
  Vector<Identifier> identifiers_;
  Vector<Edge> edges_;
  Vector<KindNumber> values_;
  Vector<std::pair<Number, Number>> holdings_;

  // Clusters: by node, a record or a copy of an identifier; what is said of a cluster stands at its
  // root.
  Vector<Number> parent_;
  Vector<Cluster> clusters_;
  Vector<ValueSet> sets_;           // by record and limit
  Vector<std::uint16_t> overfull_;  // by record: the first limit that it breaks by itself
  Vector<Held> held_;
  PairSet holds_;
  Vector<Copy> copies_;
  Vector<Number> copy_of_edge_;  // empty as long as there are none but the identifiers themselves

  std::span<const std::uint32_t> ranks_;  // by record
  Vector<std::uint32_t> order_;           // by copy
  Vector<Number> seen_;                   // by value: in which test it was seen last
  Number tests_ = 0;
  Vector<std::uint64_t> room_;  // by limit: of the test at hand

  // Of the stage and the level at hand.
  std::uint16_t counting_ = 0;    // the limits that count: the first ones
  Vector<std::uint16_t> broken_;  // limits, as fits() found them
  Vector<Carrier> carriers_;
  Vector<Number> stage_edges_;
  Vector<Claim> claims_;
  Vector<Voice> voices_;
  Vector<Claim*> open_;
  Vector<Claim*> kept_;
  Vector<Touch> touches_;
  Vector<Number> members_;
  Vector<Number> group_;    // by node
  Vector<Number> open_of_;  // by node: a root's open claims, its own and those on it
  Vector<std::pair<Number, Number>> grouped_;
  Vector<Number> source_seen_;  // by source: for which strength it was counted last
  Number strengths_ = 0;

  Vector<Settled> settled_;
};

}  // namespace identity_resolve::engine
