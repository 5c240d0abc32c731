// The guard stage: components that break a limit are taken apart and built again, the strongest
// evidence first. doc/guards.md, "A component that breaks a limit", is the algorithm; the words
// below (cluster, bound, claim, level, region, disputed, dead) are used as it defines them.
//
// What holds afterwards, for every component that went in:
//   - no cluster breaks a limit, unless it is one record that breaks it alone
//   - uniting the two sides of a claim refused as kConflict would break a limit, then and later:
//     clusters only grow
//   - a claim is refused as kAmbiguous only where the claimants of one level cannot all be united
//   - the numbers of records, identifiers, values and claims decide nothing: any order of adding
//     them gives the same clusters and outcomes
//
// Memory: about 60 bytes a record or identifier, 40 a claim and 30 a held value. Cost: the claims
// of a stage are sorted; apart from that linear, but for values that are moved from a smaller
// cluster to a larger one at most log(n) times.
#pragma once

#include <array>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/environment.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class Guard {
 public:
  enum class Outcome : std::uint8_t { kHeld, kConflict, kAmbiguous };
  using Number = std::uint32_t;

  // kinds: the rules of all kinds; must outlive the object.
  Guard(Environment& environment, std::span<const KindRules> kinds);

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

  // One more than the greatest number of a cluster.
  [[nodiscard]] std::size_t clusters() const noexcept { return parent_.size(); }
  // A record's cluster: two records with the same number are one identity.
  [[nodiscard]] Number cluster_of(Number record) noexcept { return root(record); }
  [[nodiscard]] Outcome outcome_of(Number claim) const noexcept { return edges_[claim].outcome; }
  [[nodiscard]] Number record_of(Number claim) const noexcept { return edges_[claim].record; }
  // The claims on an identifier: from this one on, up to those on the next.
  [[nodiscard]] std::size_t identifiers() const noexcept { return identifiers_.size(); }
  [[nodiscard]] Number first_claim_on(Number identifier) const noexcept {
    return static_cast<Number>(
        identifier < identifiers_.size() ? identifiers_[identifier].first_edge : edges_.size());
  }

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  static constexpr Number kNone = UINT32_MAX;

  // A record's claim on an identifier, as it was told.
  struct Edge {
    Number record;
    Outcome outcome;
  };
  struct Identifier {
    KindNumber kind;
    bool gives_way;
    bool dead;
    std::size_t first_edge;
  };
  // A cluster's claim on an identifier.
  struct Claim {
    Number cluster;  // as it was at the start of the stage
    Number identifier;
    std::uint32_t sources;  // its strength, as are the
    std::uint32_t records;
    std::size_t first_edge;  // of its edges in stage_edges_
    std::uint32_t edges;
    std::uint32_t rank;   // of the cluster's first record, and
    std::uint32_t order;  // of the identifier, where ties are settled by the data
    Outcome outcome;
  };
  // Of what a cluster holds.
  struct Held {
    Number value;
    Number next;
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
    void reserve(std::size_t pairs);
    bool insert(Number a, Number b);
    [[nodiscard]] bool contains(Number a, Number b) const noexcept;

   private:
    [[nodiscard]] std::size_t place_of(std::uint64_t pair) const noexcept;
    static constexpr std::uint64_t kFree = UINT64_MAX;
    std::size_t size_ = 0;
    Vector<std::uint64_t> slots_;
  };

  [[nodiscard]] Number node_of(Number identifier) const noexcept {
    return static_cast<Number>(sources_.size()) + identifier;
  }
  [[nodiscard]] std::size_t end_of_edges(Number identifier) const noexcept {
    return identifier + 1 < identifiers_.size() ? identifiers_[identifier + 1].first_edge
                                                : edges_.size();
  }
  Number root(Number node) noexcept;
  [[nodiscard]] bool bound(Number node) const noexcept {
    return size_[node] != 0 || disputed_[node] != 0;
  }
  void prepare(std::span<const std::uint32_t> ranks);
  void hold(Number node, Number value);
  [[nodiscard]] bool breaks_alone(Number record) const noexcept;
  bool can_unite(Number a, Number b);
  bool can_unite_all(std::span<const Number> clusters);
  // Why two clusters that cannot be united are not: a limit, or that one of them is disputed.
  [[nodiscard]] Outcome refusal(Number a, Number b) const noexcept {
    return disputed_[a] != 0 || disputed_[b] != 0 ? Outcome::kAmbiguous : Outcome::kConflict;
  }
  Number unite(Number a, Number b);

  void order_identifiers(std::span<const std::uint32_t> ranks);
  void run_stage(std::span<const Number> identifiers);
  void collect_claims(std::span<const Number> identifiers);
  void strengthen_free(std::span<Claim> claims);
  void decide_together(std::span<Claim> level);
  void refuse_dead(std::span<Claim*> claims);
  void decide_regions();
  void decide_groups(std::span<const std::span<Touch>> regions);
  void refuse(std::span<Touch> region);
  void decide_in_order(std::span<Claim> level);

  Environment* environment_;
  Ticker ticker_;
  std::span<const KindRules> kinds_;
  std::size_t limits_ = 0;  // how many kinds have one
  Vector<std::uint16_t> limit_of_kind_;
  Vector<std::uint64_t> most_;  // by limit

  // As added.
  Vector<SourceNumber> sources_;
  Vector<Identifier> identifiers_;
  Vector<Edge> edges_;
  Vector<std::uint16_t> values_;  // each value's limit
  Vector<std::pair<Number, Number>> holdings_;

  // Clusters: by node, a record or an identifier; what is said of a cluster stands at its root.
  Vector<Number> parent_;
  Vector<Number> first_held_;
  Vector<std::uint32_t> size_;    // values held
  Vector<std::uint32_t> counts_;  // values held, by limit
  Vector<std::uint8_t> disputed_;
  Vector<std::uint32_t> rank_;
  Vector<std::uint8_t> overfull_;  // by record
  Vector<Held> held_;
  PairSet holds_;

  Vector<std::uint32_t> order_;  // by identifier
  Vector<Number> seen_;          // by value: in which test it was seen last
  Number tests_ = 0;
  Vector<std::uint64_t> extra_;  // by limit

  // Of the stage and the level at hand.
  Vector<Carrier> carriers_;
  Vector<Number> stage_edges_;
  Vector<Claim> claims_;
  Vector<Claim*> open_;
  Vector<Claim*> kept_;
  Vector<Touch> touches_;
  Vector<Number> members_;
  Vector<Number> group_;  // by node
  Vector<std::pair<Number, Number>> grouped_;
};

}  // namespace identity_resolve::engine
