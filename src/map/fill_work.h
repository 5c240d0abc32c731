// What the steps of a fill share. fill.cc owns it and calls the steps in their order; each step
// writes the part that has its name and reads those before it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/succession.h"
#include "map/fill_entries.h"
#include "map/fill_prints.h"
#include "map/fill_sinks.h"
#include "map/identity_table.h"
#include "map/of_transaction.h"
#include "resolve/execution.h"

namespace identity_resolve::pg::fill {

// What a fill has found out, for identity_map_filled().
struct Filled {
  Filled(MemoryContext context, int number)
      : memory(context),
        map_id(number),
        done(&memory),
        ids(&memory),
        rids(&memory),
        olds(&memory) {}

  ContextMemory memory;
  int map_id;
  boost::container::pmr::vector<char> done;  // JSON
  // Of identities that took others in, a record at a place: the identity, the record, what it was.
  boost::container::pmr::vector<engine::Uuid> ids;
  boost::container::pmr::vector<std::int64_t> rids;
  boost::container::pmr::vector<engine::Uuid> olds;  // all 0: nothing
};
using LastFilled = OfTransaction<Filled>;

// What a fill is called with.
struct Task {
  Datum clauses;  // identity_clause[]
  const char* path;
  int map_id;
  MapPacking packing;
  std::span<const std::int64_t> limits_a_source;  // by kind
  std::span<const std::int64_t> limits_in_all;
  TimestampTz at;
  bool is_first;                                  // the state holds nothing
  std::vector<std::optional<double>> max_losses;  // by source: the share that it may lose
};

// Of a record or cluster: it was no identity.
inline constexpr std::uint32_t kNone = engine::Succession::kNone;
// Of a cluster: its records were of several identities.
inline constexpr std::uint32_t kMixed = kNone - 1;
// The source of a record that was gone.
inline constexpr std::uint32_t kWasGone = UINT32_MAX;

// A cluster and an identity that a part of its records was; kNone: nothing.
struct Part {
  std::uint32_t cluster;
  std::uint32_t old;

  friend auto operator<=>(const Part&, const Part&) = default;
};

// list: the sources as they are now.
struct Listed {
  Listed(Environment& environment, engine::Ticker& ticker, std::size_t sources)
      : clusters(&environment.memory()),
        entries(environment, ticker),
        counts(sources, 0),
        is_together(sources, false) {}

  List<engine::Uuid> clusters;        // the ids derived from their first records, until name
  NumberLog<Entry> entries;           // of all records and keys
  std::uint64_t records = 0;          // in all
  std::vector<std::uint64_t> counts;  // records by source, as the clauses have them
  std::vector<bool> is_together;      // by source: a record of it is with one of another source
};

// list: who the records were, and the identities by their numbers. Those that the state has come
// first, as IdentityTable numbers them; behind them are those that were no more and may be back.
struct Olds {
  Olds(Environment& environment, engine::Ticker& ticker)
      : ids(&environment.memory()),
        back_since(&environment.memory()),
        records(environment, ticker) {}

  // An identity that the state has.
  [[nodiscard]] bool is_old(std::uint32_t old) const noexcept {
    return old != kNone && old < first_back;
  }
  // An old identity that was no more when all began.
  [[nodiscard]] bool is_back(std::uint32_t old) const noexcept {
    return old != kNone && old >= first_back;
  }

  List<engine::Uuid> ids;
  std::uint32_t first_back = 0;   // from which on they were no more, and may be back
  List<std::int64_t> back_since;  // since when there were these
  NumberLog<OldRecord> records;   // until judge has read them
};

// judge: what the numbers say.
struct Judged {
  Judged(Environment& environment, std::size_t sources)
      : shares(&environment.memory()),
        common(&environment.memory()),
        members(&environment.memory()),
        only_old(&environment.memory()),
        returned(&environment.memory()),
        missing(&environment.memory()),
        before(sources, 0),
        lost(sources, 0) {}

  List<bool> shares;  // by cluster: it has a key, not a common one, that another one has, too
  List<std::int64_t> common;                 // keys
  List<engine::Succession::Member> members;  // each record
  // By cluster: the identity that all of its records were; kNone: none; kMixed: Named::mixed says.
  List<std::uint32_t> only_old;
  List<std::int64_t> returned;        // records that were gone
  List<OldRecord> missing;            // records that are
  std::vector<std::uint64_t> before;  // by source: records that the state has
  std::vector<std::uint64_t> lost;    // those of them that are gone
};

// name: ids, and who lives on.
struct Named {
  explicit Named(Environment& environment)
      : ids(&environment.memory()), mixed(&environment.memory()) {}

  List<engine::Uuid> ids;                        // by cluster
  List<Part> mixed;                              // of clusters that are kMixed, sorted
  std::optional<engine::Succession> succession;  // none in a first fill
  std::span<const std::uint32_t> kept;           // by cluster: the old identity whose id it has
};

// write: what has been done, for the report.
struct Written {
  std::uint64_t changed = 0;  // records
  std::uint64_t created = 0;  // from here on: identities
  std::uint64_t merged = 0;
  std::uint64_t split = 0;
  std::uint64_t retired = 0;
  std::vector<engine::Uuid> revived;
};

// All of it, and the means.
struct Work {
  Work(const Task& given, TupleDesc shape, FilledSink& to)
      : task(&given),
        columns(shape),
        sink(&to),
        environment(CurrentMemoryContext, SIZE_MAX / 2),
        ticker(environment),
        fingerprints(environment, {given.packing.numbers.data(), given.packing.numbers.size()},
                     list_budget()),
        identities(environment.memory()),
        listed(environment, ticker, given.packing.numbers.size()),
        olds(environment, ticker),
        judged(environment, given.packing.numbers.size()),
        named(environment) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Since when there is an old identity. PostgreSQL's half.
  [[nodiscard]] TimestampTz created_at(std::uint32_t old) {
    return olds.is_back(old) ? olds.back_since[old - olds.first_back]
                             : identities.read(old).created_at;
  }

  const Task* task;
  TupleDesc columns;  // the map's table's
  FilledSink* sink;   // takes what is placed
  Environment environment;
  engine::Ticker ticker;
  Execution* execution = nullptr;  // the resolve, which read makes
  Prints fingerprints;             // of all rows read
  IdentityTable identities;        // what the state has, and will have
  Filled* filled = nullptr;        // the outcome
  Listed listed;
  Olds olds;
  Judged judged;
  Named named;
  Written written;
};

}  // namespace identity_resolve::pg::fill
