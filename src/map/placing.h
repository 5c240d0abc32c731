// Resolves an identity map's records, or a part of them, and finds out which of the identities that
// they were lives on where.
//
// The resolve is that of resolve_identities(), read twice: for the records of each cluster, and
// then for its row. Which identity keeps its id: engine/succession.h; by what identities merged:
// engine/merge_reasons.h.
#pragma once

#include <algorithm>
#include <numeric>

#include "engine/merge_reasons.h"
#include "engine/place_table.h"
#include "engine/succession.h"
#include "map/datums.h"
#include "map/identities.h"
#include "map/placed_row.h"
#include "map/queries.h"
#include "map/reached.h"
#include "pg/spi.h"
#include "resolve/emit.h"
#include "resolve/execution.h"
#include "resolve/resolve.h"

namespace identity_resolve::pg {

inline engine::Error state_contradicts_itself() {
  return {"XX001", kBadState, "A record has no rows, or rows have no record.", kReadAnew};
}

// Where it goes.
class PlacedSink {
 public:
  PlacedSink() = default;
  PlacedSink(const PlacedSink&) = delete;
  PlacedSink& operator=(const PlacedSink&) = delete;
  virtual ~PlacedSink() = default;
  // The row lives until put() returns. PostgreSQL's half.
  virtual void put(const PlacedRow& row) = 0;
};
// Identities of which no record is left, rising: those that none of `olds` is. Throws PgError.
inline void put_dead(std::span<const engine::Uuid> identities,
                     const engine::PlaceTable<engine::Uuid>& olds, PlacedRow& row, PlacedSink& sink,
                     Environment& environment) {
  boost::container::pmr::vector<engine::Uuid> dead(&environment.memory());
  for (const engine::Uuid& id : identities) {
    if (!olds.contains(id)) dead.push_back(id);
  }
  engine::sort_each_once(dead);
  for (const engine::Uuid& id : dead) {
    row.begin_lost(datum_of(id));
    call([&] { sink.put(row); });
  }
}
// Rows of a result.
class PlacedRows final : public PlacedSink {
 public:
  PlacedRows(Tuplestorestate* rows, TupleDesc shape) : rows_(rows), shape_(shape) {}
  void put(const PlacedRow& row) override { row.store(rows_, shape_); }

 private:
  Tuplestorestate* rows_;
  TupleDesc shape_;
};

class Placing {
 public:
  // clauses: identity_clause[]; columns: those of the map's table. What is found out goes into the
  // sink, row by row. Throws engine::Error and PgError.
  Placing(Datum clauses, int map_id, TupleDesc columns, PlacedSink& sink)
      : sink_(&sink),
        environment_(CurrentMemoryContext, SIZE_MAX / 2),
        map_id_(map_id),
        rids_(environment_.memory()),
        members_(&environment_.memory()),
        reached_places_(&environment_.memory()),
        clusters_(&environment_.memory()),
        olds_(environment_.memory()),
        ids_(&environment_.memory()),
        first_(&environment_.memory()),
        by_cluster_(&environment_.memory()),
        carriers_(&environment_.memory()),
        reasons_(environment_) {
    make_shape(columns);
    Execution::Wishes wishes;
    wishes.with_evidence = true;
    wishes.keeps_plans = true;
    execution_ = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable,
                                   {clauses, false, false}, shape_, wishes);
    rank_kinds();
  }

  // Those that identity_map_reach() has found, and that are at hand.
  void read_reached(const ReachedRows& reached) {
    members_.reserve(reached.rids.size());
    reached_ = &reached;
    engine::Ticker ticker(environment_);
    for (std::size_t i = 0; i < reached.rids.size(); ++i) {
      ticker.tick();
      if (!reached.has_record(i)) continue;
      reached_places_.push_back(reached.all_places.empty() ? static_cast<std::uint32_t>(i)
                                                           : reached.all_places[i]);
      add_record(reached.rids[i], reached.is_new[i] ? nullptr : &reached.olds[i]);
    }
  }
  // identities: all that may have no record left.
  void go(std::span<const engine::Uuid> identities) {
    read_clusters();
    const List<bool> is_back = find_back();
    engine::Succession succession(environment_, {members_.data(), members_.size()},
                                  {clusters_.data(), clusters_.size()}, olds_.keys().size(),
                                  {is_back.data(), is_back.size()});
    UsedIds used(map_id_);
    const std::span<const std::uint32_t> kept =
        succession.keep(ages_of(succession.tied(), used), olds_.keys());
    name_clusters(kept, used);
    used.close();
    const List<std::uint32_t> order = order_of_clusters();
    put_clusters({order.data(), order.size()}, succession.picks(), kept);
    put_dead(identities, olds_, row_, *sink_, environment_);
    Execution::destroy(execution_);
  }

 private:
  template <class T>
  using List = boost::container::pmr::vector<T>;

  // Each identity that a merge retired is told with all of them.
  static constexpr std::size_t kMostCarriers = 1000;

  // The columns that are the map's table's, and behind them the records' numbers, by which the map
  // knows them.
  void make_shape(TupleDesc columns) {
    call([&] {
      ShapeMaker shape(columns->natts + 1);
      for (int i = 1; i <= columns->natts; ++i) shape.add_copy(columns, static_cast<AttrNumber>(i));
      shape.add(kRecordNumber, INT8ARRAYOID);
      shape_ = shape.finish();
    });
    row_.make_room(static_cast<std::size_t>(shape_->natts));
  }

  // Which of them are together, as resolved.
  void read_clusters() {
    engine::Ticker ticker(environment_);
    const engine::SlotNumber slot =
        execution_->column(static_cast<std::size_t>(shape_->natts - 1)).slot;
    while (execution_->next_records()) {
      const engine::IdentityReader& identity = execution_->identity();
      const auto cluster = static_cast<std::uint32_t>(clusters_.size());
      clusters_.push_back(id_of(execution_->request(), identity));
      first_.push_back(static_cast<std::uint32_t>(by_cluster_.size()));
      for (const engine::OrderedRow& ordered : identity.rows()) {
        if (!ordered.starts_record) continue;
        ticker.tick();
        const std::uint32_t place = rids_.find(number_of(ordered.row, slot));
        if (place == engine::NumberTable::kNone ||
            members_[place].cluster != engine::Succession::kNone)
          throw state_contradicts_itself();
        members_[place].cluster = cluster;
        by_cluster_.push_back(place);
      }
    }
    first_.push_back(static_cast<std::uint32_t>(by_cluster_.size()));
    if (by_cluster_.size() != members_.size()) throw state_contradicts_itself();
    execution_->rewind();
  }

  // old: what it was; nullptr: nothing.
  void add_record(std::int64_t rid, const engine::Uuid* old) {
    if (!rids_.insert(rid).second) return;
    members_.push_back({engine::Succession::kNone,
                        old == nullptr ? engine::Succession::kNone : olds_.insert(*old).first});
  }

  static std::int64_t number_of(const engine::Row& row, engine::SlotNumber slot) {
    std::int64_t number = -1;
    row.each_item([&](engine::SlotNumber at, std::string_view digits) {
      if (at == slot) std::from_chars(digits.data(), digits.data() + digits.size(), number);
    });
    return number;
  }

  // Of each of olds_ whether it was no more; empty where none of them was.
  List<bool> find_back() {
    List<bool> is_back(&environment_.memory());
    if (reached_->back_ids.keys().empty()) return is_back;
    is_back.reserve(olds_.keys().size());
    for (const engine::Uuid& id : olds_.keys()) is_back.push_back(reached_->back_ids.contains(id));
    return is_back;
  }

  // When identities came to be, by what the map's state says.
  std::vector<std::int64_t> ages_of(std::span<const std::uint32_t> olds, UsedIds& used) const {
    std::vector<std::int64_t> ages;
    ages.reserve(olds.size());
    for (const std::uint32_t old : olds) {
      const engine::Uuid& id = olds_.keys()[old];
      const std::optional<std::int64_t> since = reached_->since_of_back(id);
      ages.push_back(since ? *since
                           : used.created_at(id).value_or(engine::Succession::kUnknownAge));
    }
    return ages;
  }

  // The new ids in their order: where they may have been used is found by them.
  void name_clusters(std::span<const std::uint32_t> kept, UsedIds& used) {
    ids_.resize(kept.size());
    List<std::uint32_t> new_clusters(&environment_.memory());
    for (std::uint32_t cluster = 0; cluster < kept.size(); ++cluster) {
      if (kept[cluster] == engine::Succession::kNone) {
        new_clusters.push_back(cluster);
      } else {
        ids_[cluster] = olds_.keys()[kept[cluster]];
      }
    }
    std::sort(new_clusters.begin(), new_clusters.end(),
              [this](std::uint32_t a, std::uint32_t b) { return clusters_[a] < clusters_[b]; });
    for (const std::uint32_t cluster : new_clusters) {
      ids_[cluster] = used.free_id(clusters_[cluster]);
    }
  }

  // By their ids, as the map's table is found by: neighbours lie on one page. Not where rows have
  // to be read from files again.
  List<std::uint32_t> order_of_clusters() {
    List<std::uint32_t> order(ids_.size(), &environment_.memory());
    std::iota(order.begin(), order.end(), 0U);
    if (!execution_->resolver().has_parts()) {
      engine::Ticker ticker(environment_);
      std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        ticker.tick();
        return ids_[a] < ids_[b];
      });
    }
    return order;
  }

  void put_clusters(std::span<const std::uint32_t> order, std::span<const std::uint32_t> picks,
                    std::span<const std::uint32_t> kept) {
    for (const std::uint32_t cluster : order) {
      execution_->seek(engine::IdentityNumber{cluster});
      if (!execution_->next(row_.columns(), row_.column_nulls())) {
        throw engine::Error("XX000", "an identity was lost between two readings");
      }
      const std::span<const std::uint32_t> places(by_cluster_.data() + first_[cluster],
                                                  by_cluster_.data() + first_[cluster + 1]);
      list_olds(places);
      const bool is_merged = olds_here_.size() > 1 && kept[cluster] != engine::Succession::kNone;
      if (is_merged) find_reasons(places, kept[cluster]);
      call([&] {
        const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
        put_cluster(cluster, places, kept[cluster], is_merged);
        for (const std::uint32_t old : olds_here_) {
          if (picks[old] == cluster && kept[cluster] != old) put_lost(old, cluster);
        }
        MemoryContextSwitchTo(outer);
        MemoryContextReset(row_memory_);
      });
    }
  }

  // What the records of a cluster were, each once, by id.
  void list_olds(std::span<const std::uint32_t> places) {
    olds_here_.clear();
    for (const std::uint32_t place : places) {
      if (members_[place].old != engine::Succession::kNone)
        olds_here_.push_back(members_[place].old);
    }
    std::sort(olds_here_.begin(), olds_here_.end(), [this](std::uint32_t a, std::uint32_t b) {
      return olds_.keys()[a] < olds_.keys()[b];
    });
    olds_here_.erase(std::unique(olds_here_.begin(), olds_here_.end()), olds_here_.end());
  }

  // The stronger kinds first; of equal ones by name.
  void rank_kinds() {
    const std::vector<Kind>& kinds = execution_->request().kinds;
    by_rank_.resize(kinds.size());
    std::iota(by_rank_.begin(), by_rank_.end(), std::size_t{0});
    std::sort(by_rank_.begin(), by_rank_.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(kinds[b].rules.priority, kinds[a].name) <
             std::tie(kinds[a].rules.priority, kinds[b].name);
    });
    rank_of_.resize(kinds.size());
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      rank_of_[by_rank_[i]] = static_cast<std::uint32_t>(i);
    }
  }

  // Of the identity at hand. They point into its rows.
  void find_reasons(std::span<const std::uint32_t> places, std::uint32_t kept) {
    carriers_.clear();
    std::size_t records = 0;
    engine::Ticker ticker(environment_);
    for (const engine::OrderedRow& ordered : execution_->identity().rows()) {
      if (ordered.starts_record) ++records;
      const std::uint32_t place = places[records - 1];
      ordered.row.each_evidence([&](const engine::Evidence& evidence) {
        ticker.tick();
        if (evidence.status != engine::LinkStatus::kLinks) return;
        carriers_.push_back({rank_of_[engine::index(evidence.kind)], evidence.value,
                             rids_.keys()[place], members_[place].old});
      });
    }
    reasons_.find({carriers_.data(), carriers_.size()}, kept);
  }

  // PostgreSQL's half.
  void put_cluster(std::size_t cluster, std::span<const std::uint32_t> places, std::uint32_t kept,
                   bool is_merged) {
    row_.begin();
    row_.set(kId, datum_of(ids_[cluster]));
    row_.set(kIsNew, BoolGetDatum(kept == engine::Succession::kNone));
    row_.set(kIsBack, BoolGetDatum(reached_->back_ids.contains(ids_[cluster])));
    row_.set(kRecords, Int64GetDatum(static_cast<std::int64_t>(places.size())));
    auto* list = static_cast<std::int64_t*>(
        MemoryContextAllocHuge(CurrentMemoryContext, places.size() * sizeof(std::int64_t)));
    if (!olds_here_.empty()) row_.set(kOlds, olds_array());
    if (is_merged) set_reason(reasons_.strongest());
    std::transform(places.begin(), places.end(), list,
                   [this](std::uint32_t place) { return reached_places_[place]; });
    row_.set(kAll, number_array({list, places.size()}));
    sink_->put(row_);
  }
  // What the records of the cluster at hand were, which is something.
  Datum olds_array() {
    auto* ids = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, olds_here_.size() * sizeof(Datum)));
    std::transform(olds_here_.begin(), olds_here_.end(), ids,
                   [this](std::uint32_t old) { return datum_of(olds_.keys()[old]); });
    return uuid_array(ids, nullptr, olds_here_.size());
  }

  void set_reason(engine::MergeReasons::Shared by) {
    if (by.empty()) return;
    const std::string& kind = execution_->request().kinds[by_rank_[by.front().kind]].name;
    const std::string_view value = from_utf8(by.front().value);
    row_.set(kByKind, PointerGetDatum(cstring_to_text(kind.c_str())));
    row_.set(kByValue, PointerGetDatum(
                           cstring_to_text_with_len(value.data(), static_cast<int>(value.size()))));
    if (by.size() > kMostCarriers) return;
    std::array<std::int64_t, kMostCarriers> list;
    for (std::size_t i = 0; i < by.size(); ++i) list[i] = by[i].record;
    row_.set(kByRecords, number_array({list.data(), by.size()}));
  }

  // An identity that went into another one. PostgreSQL's half.
  void put_lost(std::uint32_t old, std::size_t cluster) {
    row_.begin_lost(datum_of(olds_.keys()[old]));
    row_.set(kIsBack, BoolGetDatum(reached_->back_ids.contains(olds_.keys()[old])));
    row_.set(kId, datum_of(ids_[cluster]));
    set_reason(reasons_.of(old));
    sink_->put(row_);
  }

  PlacedSink* sink_;
  const ReachedRows* reached_ = nullptr;
  TupleDesc shape_ = nullptr;
  Environment environment_;
  int map_id_;
  Execution* execution_ = nullptr;
  MemoryContext row_memory_ = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_map_place rows",
                                 ALLOCSET_DEFAULT_SIZES);
  });
  // By the records' places.
  engine::NumberTable rids_;
  List<engine::Succession::Member> members_;
  List<std::uint32_t> reached_places_;  // of those that were reached: ReachedRows::rids
  List<engine::Uuid> clusters_;         // the ids derived from their first records
  engine::PlaceTable<engine::Uuid> olds_;
  List<engine::Uuid> ids_;  // by cluster
  // By cluster: where its records' places begin in by_cluster_; one more for the end.
  List<std::uint32_t> first_;
  List<std::uint32_t> by_cluster_;
  // Of the cluster at hand.
  std::vector<std::uint32_t> olds_here_;
  List<engine::MergeReasons::Carrier> carriers_;
  engine::MergeReasons reasons_;
  // Kinds, the strongest first, and each one's place there.
  std::vector<std::size_t> by_rank_;
  std::vector<std::uint32_t> rank_of_;
  PlacedRow row_;  // at hand
};

}  // namespace identity_resolve::pg
