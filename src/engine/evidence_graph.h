// The evidence as a graph: records, the identifiers that they carry, and which of these join them.
//
// Of a finalized resolver with evidence. Two records that carry one identifier are neighbours; the
// step between them is accepted where the identifier links both and they are one identity, refused
// otherwise. Nothing here depends on keys' values or on the order of rows: records go by source and
// id, identifiers by their kind's priority, kind and value.
//
// Memory: about 100 bytes for each identifier of each record, 24 a record. Cost: a sort.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/identity_reader.h"
#include "engine/resolver.h"

namespace identity_resolve::engine {

class EvidenceGraph {
 public:
  using Number = std::uint32_t;

  // A record, by its number.
  struct Record {
    SourceNumber source;
    std::string_view id;
    Number identity;
    std::size_t first_link;  // of its links
    std::size_t links;
  };
  // A record carries an identifier.
  struct Link {
    Evidence evidence;
    Number record;
    Number identifier;
  };
  // From one record to another by an identifier that both carry.
  struct Step {
    const Link* from;
    const Link* to;
    bool accepted;
  };

  // More values of a kind than one identity may hold.
  struct Excess {
    KindNumber kind;
    std::size_t count;
    std::vector<std::string_view> values;  // the first ones of them
  };

  // The source with the most records that carry an identifier, the first of equals, with how many
  // they are there and in all sources.
  struct Carried {
    SourceNumber source;
    std::size_t records;
    std::size_t in_all;
  };

  // The resolver must not have parts, and outlive the object.
  explicit EvidenceGraph(Resolver& resolver);

  // The record, or nothing.
  [[nodiscard]] std::optional<Number> find(SourceNumber source, std::string_view id) const;
  [[nodiscard]] const Record& record(Number number) const noexcept { return records_[number]; }
  [[nodiscard]] std::size_t records() const noexcept { return records_.size(); }
  // What a record carries, each identifier once: the strongest kind first, then by kind and value.
  [[nodiscard]] std::span<const Link> links_of(Number record) const noexcept {
    return {links_.data() + records_[record].first_link, records_[record].links};
  }
  // The links of one identifier; the records of one identity are neighbours.
  [[nodiscard]] std::span<const Number> carriers_of(Number identifier) const noexcept {
    return {carriers_.data() + first_carrier_[identifier],
            first_carrier_[identifier + 1] - first_carrier_[identifier]};
  }
  [[nodiscard]] const Link& link(Number number) const noexcept { return links_[number]; }
  // Where an identifier is most common. Cost: its carriers.
  [[nodiscard]] Carried most_carried(Number identifier) const;
  // The identity's records by source and id.
  [[nodiscard]] std::vector<Number> records_of(Number identity) const;
  // Whether one record comes before another: by source, then id.
  [[nodiscard]] bool before(Number a, Number b) const noexcept;

  // The steps from one record to another by kinds that link: as few refused ones as can be, and
  // then as few steps. Between such paths the data decides. Empty where nothing connects them, and
  // where both are the same record.
  [[nodiscard]] std::vector<Step> path(Number from, Number to) const;

  // What two identities cannot be one for, the strongest kind first; of one identity (given twice)
  // what its only record breaks alone. Nothing where they break no limit together. Cost: what they
  // hold.
  [[nodiscard]] std::optional<Excess> excess(Number identity, Number other) const;
  // Why a refused step was, where it is not for its two ends: a record of a third identity that
  // carries what the step is by, or what else its ends carry, and cannot be one with one of them.
  // Only the first ones by source and id are looked at.
  [[nodiscard]] std::optional<Number> rival(const Step& step) const;

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  [[nodiscard]] bool is_accepted(const Link& a, const Link& b) const noexcept;
  // The records of an identity stand beside each other.
  [[nodiscard]] std::span<const Record> records_in(Number identity) const noexcept;
  void read(Resolver& resolver);
  void number_identifiers();

  Environment* environment_;
  std::span<const KindRules> kinds_;
  Vector<Record> records_;
  Vector<Link> links_;       // by record
  Vector<Number> carriers_;  // numbers of links, by identifier
  Vector<Number> first_carrier_;
};

}  // namespace identity_resolve::engine
