// identity_map_place(): resolves an identity map's records, or a part of them, and says which of
// the identities that they were lives on where. Of a part that identity_map_reach() has found it
// also writes this down in the map's state.
//
// The resolve is that of resolve_identities(), read twice: for the records of each cluster, and
// then for its row. Which identity keeps its id: engine/succession.h; by what identities merged:
// engine/merge_reasons.h; what is written down: map_identities.h, map_renew_identities.h, and,
// where it can, the map's own table: map_table.h.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/merge_reasons.h"
#include "engine/succession.h"
#include "pg/emit.h"
#include "pg/execution.h"
#include "pg/map_arrays.h"
#include "pg/map_execute.h"
#include "pg/map_identities.h"
#include "pg/map_lookup.h"
#include "pg/map_packs.h"
#include "pg/map_placed_row.h"
#include "pg/map_records.h"
#include "pg/map_renew_identities.h"
#include "pg/map_state.h"
#include "pg/map_table.h"
#include "pg/map_tables.h"
#include "pg/resolve.h"
#include "pg/spi.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;
using engine::MergeReasons;
using engine::Succession;
using engine::Uuid;

template <class T>
using List = boost::container::pmr::vector<T>;

// Each identity that a merge retired is told with all of them.
constexpr std::size_t kMostCarriers = 1000;

// Whether it is found out by what identities merged: for a part of a map. For all of it to keep
// what became of each identifier costs more than to look again at what merged.
enum class Reasons : bool { kNo, kYes };

class Placing {
 public:
  // Into rows of a result, each a PlacedRow, or into the map's table.
  Placing(FunctionCallInfo fcinfo, ReturnSetInfo* result, Reasons reasons)
      : Placing(fcinfo, reasons, result, nullptr, PlacedRow::columns_of(result->setDesc)) {}
  Placing(FunctionCallInfo fcinfo, MapTable* table)
      : Placing(fcinfo, Reasons::kYes, nullptr, table, table->shape) {}

  // Those that identity_map_reach() has found last, if any: what is found out is written down then,
  // as of `at`.
  bool read_reached(TimestampTz at) {
    const ReachedRows* reached = LastReached::of(map_id_);
    if (reached == nullptr) return false;
    at_ = at;
    members_.reserve(reached->rids.size());
    engine::Ticker ticker(environment_);
    for (std::size_t i = 0; i < reached->rids.size(); ++i) {
      ticker.tick();
      add_record(reached->rids[i], reached->is_new[i] ? nullptr : &reached->olds[i]);
    }
    writes_ = true;
    call([&] { writer_.open(map_id_, at); });
    return true;
  }
  // The records as the map knows them: their numbers, and what each was.
  void read_records(std::span<const std::int64_t> rids, const Ids& olds) {
    if (olds.count != rids.size()) {
      throw Error("22023", "the arguments of identity_map_place() do not belong together");
    }
    members_.reserve(rids.size());
    engine::Ticker ticker(environment_);
    for (std::size_t i = 0; i < rids.size(); ++i) {
      ticker.tick();
      const Uuid old = olds.nulls[i] ? Uuid{} : uuid_of(olds.values[i]);
      add_record(rids[i], olds.nulls[i] ? nullptr : &old);
    }
  }
  // All that the map has.
  void read_all_records() {
    const SpiConnection spi;
    const char* query = call([this] {
      return psprintf("SELECT rid, identity_id FROM identity_state.m%d_records", map_id_);
    });
    read_rows(query, {INT8OID, UUIDOID}, [this](const Datum* values, const bool* nulls) {
      const Uuid old = nulls[1] ? Uuid{} : uuid_of(values[1]);
      guarded([&] { add_record(DatumGetInt64(values[0]), nulls[1] ? nullptr : &old); });
    });
    SpiConnection::finish();
  }

  // `dead`: identities of records that are gone.
  void go(const Ids& dead) {
    read_clusters();
    Succession succession(environment_, {members_.data(), members_.size()},
                          {clusters_.data(), clusters_.size()}, olds_.keys().size());
    UsedIds used(map_id_);
    const std::span<const std::uint32_t> kept =
        succession.keep(ages_of(succession.tied(), used), olds_.keys());
    name_clusters(kept, used);
    used.close();
    const List<std::uint32_t> order = order_of_clusters();
    put_clusters({order.data(), order.size()}, succession.picks(), kept);
    put_dead(dead);
    if (writes_) {
      move_records(kept);
      call([this] { writer_.close(); });
      renew_identities({order.data(), order.size()});
    }
    Execution::destroy(execution_);
  }

  // What was done to identities and to the map's table, as JSON.
  [[nodiscard]] std::string report() const {
    return fmt::format(
        R"({{"inserted": {}, "updated": {}, "deleted": {}, "records": {}, "created": {}, "merged": {}, "split": {}, "retired": {}}})",
        table_->inserted, table_->updated, table_->deleted, records_, created_, merged_, split_,
        retired_);
  }

 private:
  Placing(FunctionCallInfo fcinfo, Reasons reasons, ReturnSetInfo* result, MapTable* table,
          TupleDesc columns)
      : result_(result),
        table_(table),
        reasons_wanted_(reasons),
        environment_(CurrentMemoryContext, SIZE_MAX / 2),
        rids_(environment_.memory()),
        members_(&environment_.memory()),
        clusters_(&environment_.memory()),
        olds_(environment_.memory()),
        ids_(&environment_.memory()),
        first_(&environment_.memory()),
        by_cluster_(&environment_.memory()),
        carriers_(&environment_.memory()),
        reasons_(environment_) {
    const ClauseList clauses{PG_GETARG_DATUM(0), false, false};
    map_id_ = PG_GETARG_INT32(1);
    make_shape(columns);
    execution_ = Execution::create(
        CurrentMemoryContext, ResultForm::kMasterTable, clauses, shape_,
        {.with_evidence = reasons == Reasons::kYes, .keeps_plans = reasons == Reasons::kYes});
    rank_kinds();
  }

  // The columns that are the map's table's, and behind them the records' numbers, by which the map
  // knows them.
  void make_shape(TupleDesc columns) {
    call([&] {
      shape_ = CreateTemplateTupleDesc(columns->natts + 1);
      for (int i = 1; i <= columns->natts; ++i) {
        TupleDescCopyEntry(shape_, static_cast<AttrNumber>(i), columns, static_cast<AttrNumber>(i));
      }
      TupleDescInitEntry(shape_, static_cast<AttrNumber>(shape_->natts), kRecordNumber,
                         INT8ARRAYOID, -1, 0);
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
        if (place == NumberTable::kNone || members_[place].cluster != Succession::kNone) missing();
        members_[place].cluster = cluster;
        by_cluster_.push_back(place);
      }
    }
    first_.push_back(static_cast<std::uint32_t>(by_cluster_.size()));
    if (by_cluster_.size() != members_.size()) missing();
    execution_->rewind();
  }

  // old: what it was; nullptr: nothing.
  void add_record(std::int64_t rid, const Uuid* old) {
    if (!rids_.insert(rid).second) return;
    members_.push_back(
        {Succession::kNone, old == nullptr ? Succession::kNone : olds_.insert(*old).first});
  }

  static std::int64_t number_of(const engine::Row& row, engine::SlotNumber slot) {
    std::int64_t number = -1;
    row.each_item([&](engine::SlotNumber at, std::string_view digits) {
      if (at == slot) std::from_chars(digits.data(), digits.data() + digits.size(), number);
    });
    return number;
  }

  [[noreturn]] static void missing() {
    throw Error("XX001", "the state of the identity map contradicts itself",
                "A record has no rows, or rows have no record.",
                "CALL refresh_identity_map(map, full => true) resolves all of it again.");
  }

  // When identities came to be, by what the map's state says.
  std::vector<std::int64_t> ages_of(std::span<const std::uint32_t> olds, UsedIds& used) const {
    std::vector<std::int64_t> ages;
    ages.reserve(olds.size());
    const ReachedRows* reached = writes_ ? LastReached::of(map_id_) : nullptr;
    for (const std::uint32_t old : olds) {
      const Uuid& id = olds_.keys()[old];
      if (reached == nullptr) {
        ages.push_back(used.created_at(id).value_or(Succession::kUnknownAge));
        continue;
      }
      const ReachedRows::Identity* identity = reached->identity_of(id);
      ages.push_back(identity == nullptr ? Succession::kUnknownAge : identity->created_at);
    }
    return ages;
  }

  // The new ids in their order: where they may have been used is found by them.
  void name_clusters(std::span<const std::uint32_t> kept, UsedIds& used) {
    ids_.resize(kept.size());
    List<std::uint32_t> new_clusters(&environment_.memory());
    for (std::uint32_t cluster = 0; cluster < kept.size(); ++cluster) {
      if (kept[cluster] == Succession::kNone) {
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
        throw Error("XX000", "an identity was lost between two readings");
      }
      const std::span<const std::uint32_t> places(by_cluster_.data() + first_[cluster],
                                                  by_cluster_.data() + first_[cluster + 1]);
      list_olds(places);
      const bool is_merged = olds_here_.size() > 1 && kept[cluster] != Succession::kNone;
      if (is_merged && reasons_wanted_ == Reasons::kYes) find_reasons(places, kept[cluster]);
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
      if (members_[place].old != Succession::kNone) olds_here_.push_back(members_[place].old);
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
    if (is_merged && reasons_wanted_ == Reasons::kYes) set_reason(reasons_.strongest());
    const bool is_new = kept == Succession::kNone;
    if (table_ != nullptr) {
      put_identity(table_, ids_[cluster], is_new, row_.columns(), row_.column_nulls());
    } else {
      put_row(cluster, places, kept, is_merged);
    }
    records_ += places.size();
    if (is_new) ++(olds_here_.empty() ? created_ : split_);
    if (is_merged) ++merged_;
    if (writes_) write_cluster(cluster, kept);
  }

  // A row of the result.
  void put_row(std::size_t cluster, std::span<const std::uint32_t> places, std::uint32_t kept,
               bool is_merged) {
    row_.set(kId, datum_of(ids_[cluster]));
    row_.set(kIsNew, BoolGetDatum(kept == Succession::kNone));
    row_.set(kRecords, Int64GetDatum(static_cast<std::int64_t>(places.size())));
    auto* list = static_cast<std::int64_t*>(
        MemoryContextAllocHuge(CurrentMemoryContext, places.size() * sizeof(std::int64_t)));
    if (!writes_) {
      std::size_t count = 0;
      for (const std::uint32_t place : places) {
        if (has_moved(place, kept)) list[count++] = rids_.keys()[place];
      }
      if (count > 0) row_.set(kMoved, number_array({list, count}));
    }
    if (!olds_here_.empty()) row_.set(kOlds, olds_array(Succession::kNone));
    if (is_merged && reasons_wanted_ == Reasons::kNo) {
      auto* ids = static_cast<Datum*>(
          MemoryContextAllocHuge(CurrentMemoryContext, places.size() * sizeof(Datum)));
      auto* is_null =
          static_cast<bool*>(MemoryContextAllocHuge(CurrentMemoryContext, places.size()));
      for (std::size_t i = 0; i < places.size(); ++i) {
        const std::uint32_t old = members_[places[i]].old;
        list[i] = rids_.keys()[places[i]];
        is_null[i] = old == Succession::kNone;
        ids[i] = is_null[i] ? Datum{0} : datum_of(olds_.keys()[old]);
      }
      row_.set(kMerged, number_array({list, places.size()}));
      row_.set(kMergedOlds, uuid_array(ids, is_null, places.size()));
    }
    store();
  }

  // What the records of the cluster at hand were, but for one of them; 0 for nothing.
  Datum olds_array(std::uint32_t but) {
    auto* ids = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, olds_here_.size() * sizeof(Datum)));
    std::size_t count = 0;
    for (const std::uint32_t old : olds_here_) {
      if (old != but) ids[count++] = datum_of(olds_.keys()[old]);
    }
    return count == 0 ? 0 : uuid_array(ids, nullptr, count);
  }

  // Whether a record was of another identity than the one that its cluster kept, if any.
  [[nodiscard]] bool has_moved(std::uint32_t place, std::uint32_t kept) const noexcept {
    return kept == Succession::kNone || members_[place].old != kept;
  }

  void write_cluster(std::size_t cluster, std::uint32_t kept) {
    const bool is_new = kept == Succession::kNone;
    if (!is_new && olds_here_.size() < 2) return;
    const Datum from = olds_here_.empty() ? 0 : olds_array(kept);
    writer_.tell({is_new ? (olds_here_.empty() ? "created" : "split") : "merged",
                  datum_of(ids_[cluster]), from, 0, row_.value_or_none(kByKind),
                  row_.value_or_none(kByValue), row_.value_or_none(kByRecords)});
  }
  void set_reason(MergeReasons::Shared by) {
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

  // An identity that went into another one.
  void put_lost(std::uint32_t old, std::size_t cluster) {
    row_.begin_lost(datum_of(olds_.keys()[old]));
    row_.set(kId, datum_of(ids_[cluster]));
    if (reasons_wanted_ == Reasons::kYes) set_reason(reasons_.of(old));
    end_lost(olds_.keys()[old]);
  }
  // What is written down must have been an identity.
  void end_lost(const Uuid& id) {
    if (writes_) {
      if (LastReached::of(map_id_)->identity_of(id) == nullptr) return;
      writer_.retire(datum_of(id), row_.value_or_none(kId));
      writer_.tell({"retired", datum_of(id), 0, row_.value_or_none(kId),
                    row_.value_or_none(kByKind), row_.value_or_none(kByValue),
                    row_.value_or_none(kByRecords)});
    }
    ++retired_;
    if (table_ != nullptr) {
      remove_identity(table_, id);
    } else {
      store();
    }
  }

  void renew_identities(std::span<const std::uint32_t> order) {
    IdentityRenewal identities(*LastReached::of(map_id_), ids_.size(), environment_,
                               [this](std::int64_t rid) {
                                 const std::uint32_t place = rids_.find(rid);
                                 if (place == NumberTable::kNone) missing();
                                 return members_[place].cluster;
                               });
    identities.write({ids_.data(), ids_.size()}, order, at_);
    call([] {
      LastReached::end();
      LastRead::end();
    });
  }

  // Records that are of another identity now, in the order of their numbers: neighbours lie on one
  // page.
  void move_records(std::span<const std::uint32_t> kept) {
    List<std::uint32_t> moved(&environment_.memory());
    for (std::uint32_t place = 0; place < members_.size(); ++place) {
      if (has_moved(place, kept[members_[place].cluster])) moved.push_back(place);
    }
    std::sort(moved.begin(), moved.end(), [this](std::uint32_t a, std::uint32_t b) {
      return rids_.keys()[a] < rids_.keys()[b];
    });
    for (const std::uint32_t place : moved) {
      call([&] { writer_.move(rids_.keys()[place], datum_of(ids_[members_[place].cluster])); });
    }
  }

  // Identities whose records are gone, where no other record was of them.
  void put_dead(const Ids& dead) {
    for (std::size_t i = 0; i < dead.count; ++i) {
      if (dead.nulls[i] || !olds_.insert(uuid_of(dead.values[i])).second) continue;
      row_.begin_lost(dead.values[i]);
      call([&] { end_lost(uuid_of(dead.values[i])); });
    }
  }

  void store() { row_.store(*result_); }

  ReturnSetInfo* result_;
  MapTable* table_;
  Reasons reasons_wanted_;
  bool writes_ = false;
  TimestampTz at_ = 0;  // as of when
  StateWriter writer_;
  int map_id_ = 0;
  TupleDesc shape_ = nullptr;
  Environment environment_;
  Execution* execution_ = nullptr;
  MemoryContext row_memory_ = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_map_place rows",
                                 ALLOCSET_DEFAULT_SIZES);
  });
  // By the records' places.
  NumberTable rids_;
  List<Succession::Member> members_;
  List<Uuid> clusters_;  // the ids derived from their first records
  PlaceTable<Uuid> olds_;
  List<Uuid> ids_;  // by cluster
  // By cluster: where its records' places begin in by_cluster_; one more for the end.
  List<std::uint32_t> first_;
  List<std::uint32_t> by_cluster_;
  // Of the cluster at hand.
  std::vector<std::uint32_t> olds_here_;
  List<MergeReasons::Carrier> carriers_;
  MergeReasons reasons_;
  // Kinds, the strongest first, and each one's place there.
  std::vector<std::size_t> by_rank_;
  std::vector<std::uint32_t> rank_of_;
  PlacedRow row_;  // at hand
  // What has been done.
  std::uint64_t records_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t merged_ = 0;
  std::uint64_t split_ = 0;
  std::uint64_t retired_ = 0;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_place(clauses, map_id, rids, olds, dead, at) → SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_place) {
  guarded([&] {
    Placing placing(fcinfo, begin_tuplestore(fcinfo), Reasons::kYes);
    const std::span<const std::int64_t> rids = call([&] { return number_argument(fcinfo, 2); });
    const bool is_told = !rids.empty() || !placing.read_reached(PG_GETARG_TIMESTAMPTZ(5));
    if (is_told) placing.read_records(rids, call([&] { return ids_argument(fcinfo, 3); }));
    placing.go(call([&] { return ids_argument(fcinfo, 4); }));
  });
  return Datum{0};
}

// identity_map_write(clauses, map_id, dead, at, map, columns) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_write) {
  return guarded([&] {
    MapTable* table =
        call([&] { return open_map_table(PG_GETARG_OID(4), PG_GETARG_ARRAYTYPE_P(5)); });
    if (table == nullptr) {
      fcinfo->isnull = true;
      return Datum{0};
    }
    Placing placing(fcinfo, table);
    if (!placing.read_reached(PG_GETARG_TIMESTAMPTZ(3))) {
      throw identity_resolve::engine::Error("XX000",
                                            "no records of the identity map were looked for");
    }
    placing.go(call([&] { return ids_argument(fcinfo, 2); }));
    const std::string done = placing.report();
    return call([&] {
      close_map_table(table);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(done.c_str())));
    });
  });
}

// identity_map_place(clauses, map_id, dead) → SETOF record: of all of the map's records.
IDENTITY_RESOLVE_FUNCTION(identity_map_place_all) {
  guarded([&] {
    Placing placing(fcinfo, begin_tuplestore(fcinfo), Reasons::kNo);
    placing.read_all_records();
    placing.go(call([&] { return ids_argument(fcinfo, 2); }));
  });
  return Datum{0};
}

// identity_map_free_id(map_id, cluster uuid) → uuid: src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_free_id) {
  return guarded([&] {
    UsedIds used(PG_GETARG_INT32(0));
    const identity_resolve::engine::Uuid id = used.free_id(uuid_of(PG_GETARG_DATUM(1)));
    used.close();
    return call([&] { return uuid_datum(id); });
  });
}
