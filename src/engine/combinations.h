// The rows that identity_output(rows => 'combinations') shows of one identity: what the plain
// SQL's LEFT JOINs and GROUP BY would give if they followed every link.
//
// Each row of the identity's first source is a spine. For a spine, each later source offers
//   1. its records that share a linking identifier with that very row, and its records that share
//      one with no spine;
//   2. where there are none, all of the identity's records of that source;
//   3. where there are none either, nothing (NULL).
// The combinations are the product of the offers; alike ones are shown once. Only sources that a
// scalar column shows are multiplied: an array column holds all of the identity's values anyway.
//
// Memory: the identity's records, the pairs (spine, record) that share an identifier, and the
// combinations already shown. Each pair is at least one combination, so what is kept stays below a
// number of combinations that the caller sets by its budget.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/identity_reader.h"
#include "engine/survivorship.h"

namespace identity_resolve::engine {

class Combinations {
 public:
  // columns as for Survivorship, and outliving the object; max_combinations: of one identity, as
  // the user sets it; max_in_memory: how many of them the caller's budget holds.
  // The resolver that the readers read must have been shaped with keep_keys.
  Combinations(Environment& environment, std::span<const ColumnPlan> columns, std::size_t sources,
               std::uint64_t max_combinations, std::uint64_t max_in_memory = UINT64_MAX);

  // Calls emit() once for each combination of the loaded identity, with `cells` showing it. On
  // entry `cells` show the whole identity, as Survivorship::fill() left them; on return they show
  // the last combination. Throws Error 54000 where it has more than max_combinations, and 53200
  // where it has more than max_in_memory; both name the identity as name() calls it.
  void each(const IdentityReader& identity, Cells& cells, const std::function<std::string()>& name,
            const std::function<void()>& emit);

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  // The reader's rows [first, last): a record.
  struct Record {
    std::uint32_t first;
    std::uint32_t last;
  };
  struct Spine {
    std::uint32_t row;
    Record record;
  };
  struct SpineKey {
    Key key;
    std::uint32_t spine;
  };
  struct Pair {
    std::uint32_t spine;
    std::uint32_t record;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  // What one later source has for the spines.
  struct Offer {
    Offer(SourceNumber number, boost::container::pmr::memory_resource* memory)
        : source(number), records(memory), shared(memory), with_no_spine(memory), chosen(memory) {}
    SourceNumber source;
    Vector<Record> records;
    Vector<Pair> shared;                  // sorted
    Vector<std::uint32_t> with_no_spine;  // places in records
    Vector<std::uint32_t> chosen;         // of the spine at hand: places in records
  };

  using Name = std::function<std::string()>;

  void check(std::uint64_t combinations, const IdentityReader& identity, const Name& name) const;
  void collect(const IdentityReader& identity);
  void match(const IdentityReader& identity, Offer& offer, const Name& name);
  void choose(Offer& offer, std::uint32_t spine);
  [[nodiscard]] std::string_view of_one_record(const ShownValue& value,
                                               std::size_t column) const noexcept;
  void show_spine(const IdentityReader& identity, const Spine& spine, Cells& cells);
  void show_record(const IdentityReader& identity, const Offer& offer, std::size_t place,
                   Cells& cells);

  Environment* environment_;
  std::span<const ColumnPlan> columns_;
  std::uint64_t max_combinations_;
  std::uint64_t max_in_memory_;
  Ticker ticker_;
  Vector<bool> multiplied_;  // by source
  Vector<Spine> spines_;
  Vector<SpineKey> spine_keys_;    // sorted by key
  Vector<std::uint32_t> seen_by_;  // of each spine
  Vector<Offer> offers_;
  Vector<ShownValue> whole_;  // what the scalar columns show of the whole identity
};

}  // namespace identity_resolve::engine
