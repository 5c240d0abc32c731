// The guard stage, batch by batch: components that break a limit are told here, and a guard solves
// some of them at a time, so that what it works on stays in the processor's cache. Components have
// nothing in common but values, which each batch numbers for itself. The plainest components, stars
// (guard_stars.cc), need no guard.
//
// Memory: 20 bytes a record, which may hold one value, 16 for each further one, 5 a claim, 12 an
// identifier, 12 a value and a component, and what the guard takes for one batch, which is a few
// thousand records or one large component.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/environment.h"
#include "engine/guard.h"
#include "engine/types.h"

namespace identity_resolve::engine {

class GuardBatches {
 public:
  using Number = Guard::Number;

  // kinds: the rules of all kinds; must outlive the object.
  GuardBatches(Environment& environment, std::span<const KindRules> kinds);

  // Makes room for so many records, each with a claim.
  void expect(std::size_t records);
  // A record of a source and of a component; gives its number, from 0.
  Number add_record(SourceNumber source, std::uint32_t component);
  // The rest is told as to Guard; those who claim an identifier are of one component.
  Number add_identifier(KindNumber kind, bool gives_way);
  Number add_claim(Number record);
  Number add_value(KindNumber kind);
  void add_holding(Number record, Number value);

  // Decides. components: one more than the greatest number of one. ranks: as for Guard.
  void solve(std::uint32_t components, std::span<const std::uint32_t> ranks);

  // One more than the greatest number of a cluster.
  [[nodiscard]] std::size_t clusters() const noexcept { return records_.size(); }
  // A record's cluster: two records with the same number are one identity.
  [[nodiscard]] Number cluster_of(Number record) const noexcept { return records_[record].cluster; }
  [[nodiscard]] Guard::Outcome outcome_of(Number claim) const noexcept {
    return settled_[claim].outcome;
  }
  [[nodiscard]] bool is_kept_apart(Number claim) const noexcept {
    return settled_[claim].is_kept_apart;
  }
  [[nodiscard]] bool is_on_copy(Number claim) const noexcept { return settled_[claim].is_on_copy; }
  // Whether the claim's value is shown as its identity's: see Guard::showing_of().
  [[nodiscard]] Showing showing_of(Number claim) const noexcept { return settled_[claim].showing; }
  [[nodiscard]] Number record_of(Number claim) const noexcept { return claims_[claim]; }
  [[nodiscard]] std::uint32_t component_of(Number record) const noexcept {
    return records_[record].component;
  }
  // The claims on an identifier: from this one on, up to those on the next.
  [[nodiscard]] std::size_t identifiers() const noexcept { return identifiers_.size(); }
  [[nodiscard]] Number first_claim_on(Number identifier) const noexcept {
    return identifier < identifiers_.size() ? identifiers_[identifier].first_claim
                                            : static_cast<Number>(claims_.size());
  }

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  static constexpr Number kNone = UINT32_MAX;
  static constexpr Number kSeveral = kNone - 1;

  struct Component {
    Number records = 0;   // how many; 0: it is solved
    Number star = kNone;  // its only identifier; kNone: it has none; kSeveral: it is no star
    Number batch = kNone;
  };
  struct Record {
    std::uint32_t component;
    Number first_held;  // the value told first, or kNone
    Number cluster;     // once it is solved; in the batch at hand its number there
    SourceNumber source;
  };
  static_assert(sizeof(Record) == 16);
  struct Identifier {
    Number first_claim;
    KindNumber kind;
    bool gives_way;
  };
  struct Value {
    KindNumber kind;
    Number batch;  // the last one in which it is held, and its number there
    Number number;
  };
  struct Holding {
    Number record;
    Number value;
  };
  struct Settled {
    Guard::Outcome outcome : 4;
    bool is_kept_apart : 1;
    bool is_on_copy : 1;
    Showing showing : 2;
  };
  static_assert(sizeof(Settled) == 1);
  // Some of each batch's things: those of batch b are from first[b] on, up to first[b + 1].
  template <class T>
  struct Sorted {
    explicit Sorted(Environment& environment)
        : first(&environment.memory()), things(&environment.memory()) {}
    Vector<Number> first;
    Vector<T> things;
    [[nodiscard]] std::span<const T> of(Number batch) const noexcept {
      return {things.data() + first[batch], first[batch + 1] - first[batch]};
    }
  };

  // A claim on a star's identifier.
  struct Ray {
    Number value;  // of a limit that keeps apart; kNone: none
    SourceNumber source;
    Number record;
    Number claim;
  };
  // Those who hold the same value.
  struct Group {
    std::pair<std::uint32_t, std::uint32_t> strength;  // sources and records
    std::size_t first;                                 // in rays_, as is the
    std::size_t last;
  };

  void solve_stars();
  void solve_star(Number identifier);
  void leave_what_keeps_apart(const Identifier& identifier);
  std::size_t list_groups();
  [[nodiscard]] Number first_record(std::size_t first, std::size_t last) const noexcept;
  void settle(std::size_t first, std::size_t last, Number cluster, Settled as);

  template <class T, class BatchOf, class Thing>
  Sorted<T> sort_by_batch(std::size_t count, BatchOf&& batch_of, Thing&& thing);
  void make_batches();
  void solve_batch(Number batch);

  Environment* environment_;
  Ticker ticker_;
  std::span<const KindRules> kinds_;
  Vector<Record> records_;
  Vector<Identifier> identifiers_;
  Vector<Number> claims_;  // their records
  Vector<Value> values_;
  Vector<Holding> holdings_;  // the values that are not the first ones

  Vector<Component> components_;
  Vector<Ray> rays_;  // of the star at hand, as are the
  Vector<Group> groups_;
  Vector<Number> values_of_;  // by kind

  Number batches_ = 0;
  Sorted<Number> records_of_;
  Sorted<Number> identifiers_of_;
  Sorted<Holding> holdings_of_;
  std::span<const std::uint32_t> ranks_;
  Vector<std::uint32_t> ranks_here_;
  Vector<Number> first_in_cluster_;
  Guard guard_;

  Vector<Settled> settled_;  // by claim
};

}  // namespace identity_resolve::engine
