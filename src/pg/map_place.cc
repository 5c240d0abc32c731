// identity_map_place(): resolves an identity map's records, or a part of them, and says which of
// the identities that they were lives on where.
//
// The resolve is that of resolve_identities(), read twice: for the records of each cluster, and
// then for its row. Which identity keeps its id: engine/succession.h.
#include "engine/succession.h"
#include "pg/execution.h"
#include "pg/map_arrays.h"
#include "pg/map_execute.h"
#include "pg/map_tables.h"
#include "pg/resolve.h"
#include "pg/spi.h"

#include <algorithm>

namespace identity_resolve::pg {

namespace {

using engine::Error;
using engine::Succession;
using engine::Uuid;

template <class T>
using List = boost::container::pmr::vector<T>;

// What each row of the result begins with; the columns of the map's table follow.
enum Place : std::size_t {
  kCluster,     // uuid: the id derived from its first record; of `lost` where it went, or NULL
  kKept,        // uuid: the identity that gives it its id; NULL: nobody
  kLost,        // uuid: an identity that is no more; all but the first NULL
  kOlds,        // uuid[]: what its records were, each once, rising; NULL: nothing
  kRecords,     // bigint: how many they are
  kMoved,       // bigint[]: those of them that were not `kept`; NULL: none
  kMerged,      // bigint[]: all of them, where several identities met and one of them is kept
  kMergedOlds,  // uuid[]: and what each was
  kFixed
};
constexpr std::array<Oid, kFixed> kTypes = {UUIDOID, UUIDOID,      UUIDOID,      UUIDARRAYOID,
                                            INT8OID, INT8ARRAYOID, INT8ARRAYOID, UUIDARRAYOID};

// A uuid[] of the arguments, taken apart.
struct Ids {
  Datum* values;
  bool* nulls;
  std::size_t count;
};

Ids ids_argument(FunctionCallInfo fcinfo, int argument) {
  return call([=] {
    Ids ids{};
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), UUIDOID, sizeof(pg_uuid_t), false,
                      TYPALIGN_CHAR, &ids.values, &ids.nulls, &count);
    ids.count = static_cast<std::size_t>(count);
    return ids;
  });
}

Uuid uuid_of(Datum value) noexcept {
  Uuid id;
  std::memcpy(id.data(), DatumGetUUIDP(value)->data, id.size());
  return id;
}

Datum datum_of(const Uuid& id) noexcept { return PointerGetDatum(id.data()); }

class Placing {
 public:
  Placing(FunctionCallInfo fcinfo, ReturnSetInfo* result)
      : result_(result),
        environment_(CurrentMemoryContext, SIZE_MAX / 2),
        rids_(environment_.memory()),
        members_(&environment_.memory()),
        clusters_(&environment_.memory()),
        olds_(environment_.memory()),
        first_(&environment_.memory()),
        by_cluster_(&environment_.memory()) {
    const ClauseList clauses{PG_GETARG_DATUM(0), false, false};
    map_id_ = PG_GETARG_INT32(1);
    make_shape();
    execution_ = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable, clauses, shape_);
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
      add_record(rids[i], olds.values[i], olds.nulls[i]);
    }
  }
  // All that the map has.
  void read_all_records() {
    const SpiConnection spi;
    const char* query = call([this] {
      return psprintf("SELECT rid, identity_id FROM identity_state.m%d_records", map_id_);
    });
    read_rows(query, {INT8OID, UUIDOID}, [this](const Datum* values, const bool* nulls) {
      guarded([&] { add_record(DatumGetInt64(values[0]), values[1], nulls[1]); });
    });
    SpiConnection::finish();
  }

  // `dead`: identities of records that are gone.
  void go(const Ids& dead) {
    read_clusters();
    Succession succession(environment_, {members_.data(), members_.size()},
                          {clusters_.data(), clusters_.size()}, olds_.keys().size());
    const std::span<const std::uint32_t> kept =
        succession.keep(ages_of(succession.tied()), olds_.keys());
    put_clusters(kept);
    put_lost(succession.picks(), kept);
    put_dead(dead);
    Execution::destroy(execution_);
  }

 private:
  // The columns that are the map's table's, and behind them the records' numbers, by which the map
  // knows them.
  void make_shape() {
    const TupleDesc all = result_->setDesc;
    call([&] {
      bool is_good = all->natts >= static_cast<int>(kFixed);
      for (std::size_t i = 0; is_good && i < kFixed; ++i) {
        is_good = TupleDescAttr(all, static_cast<int>(i))->atttypid == kTypes[i];
      }
      if (!is_good) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("identity_map_place() gives other columns")));
      }
      const int columns = all->natts - static_cast<int>(kFixed);
      shape_ = CreateTemplateTupleDesc(columns + 1);
      for (int i = 1; i <= columns; ++i) {
        TupleDescCopyEntry(shape_, static_cast<AttrNumber>(i), all,
                           static_cast<AttrNumber>(i + static_cast<int>(kFixed)));
      }
      TupleDescInitEntry(shape_, static_cast<AttrNumber>(columns + 1), kRecordNumber, INT8ARRAYOID,
                         -1, 0);
    });
    values_.resize(static_cast<std::size_t>(all->natts) + 1);
    nulls_ = std::make_unique<bool[]>(values_.size());
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
        if (place == NumberTable::kNone) missing();
        members_[place].cluster = cluster;
        by_cluster_.push_back(place);
      }
    }
    first_.push_back(static_cast<std::uint32_t>(by_cluster_.size()));
    if (by_cluster_.size() != members_.size()) missing();
    execution_->rewind();
  }

  void add_record(std::int64_t rid, Datum old, bool is_new) {
    if (!rids_.insert(rid).second) return;
    members_.push_back(
        {Succession::kNone, is_new ? Succession::kNone : olds_.insert(uuid_of(old)).first});
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
  std::vector<std::int64_t> ages_of(std::span<const std::uint32_t> olds) {
    std::vector<std::int64_t> ages(olds.size(), Succession::kUnknownAge);
    if (olds.empty()) return ages;
    call([&] {
      auto* ids = static_cast<Datum*>(palloc(olds.size() * sizeof(Datum)));
      for (std::size_t i = 0; i < olds.size(); ++i) ids[i] = datum_of(olds_.keys()[olds[i]]);
      Datum array = uuid_array(ids, nullptr, olds.size());
      Oid type = UUIDARRAYOID;
      SPI_connect();
      execute_cached(
          psprintf("SELECT u.n, i.created_at FROM unnest($1) WITH ORDINALITY AS u (id, n) "
                   "JOIN identity_state.m%d_identities AS i ON i.identity_id = u.id",
                   map_id_),
          1, &type, &array, nullptr);
      for (std::uint64_t i = 0; i < SPI_processed; ++i) {
        bool is_null = false;
        const HeapTuple row = SPI_tuptable->vals[i];
        const std::int64_t n =
            DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
        ages[static_cast<std::size_t>(n - 1)] =
            DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
      }
      SPI_finish();
    });
    return ages;
  }

  void put_clusters(std::span<const std::uint32_t> kept) {
    for (std::size_t cluster = 0; cluster < kept.size(); ++cluster) {
      if (!execution_->next(values_.data() + kFixed, nulls_.get() + kFixed)) {
        throw Error("XX000", "an identity was lost between two readings");
      }
      const std::span<const std::uint32_t> places(by_cluster_.data() + first_[cluster],
                                                  by_cluster_.data() + first_[cluster + 1]);
      call([&] {
        const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
        put_cluster(cluster, places, kept[cluster]);
        MemoryContextSwitchTo(outer);
        MemoryContextReset(row_memory_);
      });
    }
  }

  // PostgreSQL's half.
  void put_cluster(std::size_t cluster, std::span<const std::uint32_t> places, std::uint32_t kept) {
    std::fill_n(nulls_.get(), std::size_t{kFixed}, true);
    set(kCluster, datum_of(clusters_[cluster]));
    if (kept != Succession::kNone) set(kKept, datum_of(olds_.keys()[kept]));
    set(kRecords, Int64GetDatum(static_cast<std::int64_t>(places.size())));

    auto* list = static_cast<std::int64_t*>(
        MemoryContextAllocHuge(CurrentMemoryContext, places.size() * sizeof(std::int64_t)));
    auto* ids = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, places.size() * sizeof(Datum)));
    auto* is_null = static_cast<bool*>(palloc(places.size() + 1));
    std::size_t count = 0;
    std::size_t olds = 0;
    for (const std::uint32_t place : places) {
      const std::uint32_t old = members_[place].old;
      if (old != Succession::kNone) ids[olds++] = datum_of(olds_.keys()[old]);
      if (kept == Succession::kNone || old != kept) list[count++] = rids_.keys()[place];
    }
    if (count > 0) set(kMoved, number_array({list, count}));
    std::sort(ids, ids + olds, is_less);
    olds = static_cast<std::size_t>(std::unique(ids, ids + olds) - ids);
    if (olds > 0) set(kOlds, uuid_array(ids, nullptr, olds));
    if (olds > 1 && kept != Succession::kNone) {
      for (std::size_t i = 0; i < places.size(); ++i) {
        const std::uint32_t old = members_[places[i]].old;
        list[i] = rids_.keys()[places[i]];
        is_null[i] = old == Succession::kNone;
        ids[i] = is_null[i] ? Datum{0} : datum_of(olds_.keys()[old]);
      }
      set(kMerged, number_array({list, places.size()}));
      set(kMergedOlds, uuid_array(ids, is_null, places.size()));
    }
    store();
  }

  // One identity is at one place, so that equal ids are equal pointers.
  static bool is_less(Datum a, Datum b) noexcept {
    return std::memcmp(DatumGetPointer(a), DatumGetPointer(b), sizeof(pg_uuid_t)) < 0;
  }

  void put_lost(std::span<const std::uint32_t> picks, std::span<const std::uint32_t> kept) {
    begin_lost();
    for (std::uint32_t old = 0; old < picks.size(); ++old) {
      const std::uint32_t cluster = picks[old];
      if (cluster != Succession::kNone && kept[cluster] == old) continue;
      set(kLost, datum_of(olds_.keys()[old]));
      nulls_[kCluster] = cluster == Succession::kNone;
      if (cluster != Succession::kNone) values_[kCluster] = datum_of(clusters_[cluster]);
      call([this] { store(); });
    }
  }

  // Identities whose records are gone, where no other record was of them.
  void put_dead(const Ids& dead) {
    begin_lost();
    for (std::size_t i = 0; i < dead.count; ++i) {
      if (dead.nulls[i] || !olds_.insert(uuid_of(dead.values[i])).second) continue;
      set(kLost, dead.values[i]);
      call([this] { store(); });
    }
  }

  void begin_lost() {
    std::fill_n(nulls_.get(), values_.size(), true);
    set(kRecords, Int64GetDatum(0));
  }
  void set(Place place, Datum value) noexcept {
    values_[place] = value;
    nulls_[place] = false;
  }
  void store() {
    tuplestore_putvalues(result_->setResult, result_->setDesc, values_.data(), nulls_.get());
  }
  ReturnSetInfo* result_;
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
  List<Uuid> clusters_;
  PlaceTable<Uuid> olds_;
  // By cluster: where its records' places begin in by_cluster_; one more for the end.
  List<std::uint32_t> first_;
  List<std::uint32_t> by_cluster_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_place(clauses, map_id, rids, olds, dead) → SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_place) {
  guarded([&] {
    Placing placing(fcinfo, begin_tuplestore(fcinfo));
    placing.read_records(call([&] { return number_argument(fcinfo, 2); }), ids_argument(fcinfo, 3));
    placing.go(ids_argument(fcinfo, 4));
  });
  return Datum{0};
}

// identity_map_place(clauses, map_id, dead) → SETOF record: of all of the map's records.
IDENTITY_RESOLVE_FUNCTION(identity_map_place_all) {
  guarded([&] {
    Placing placing(fcinfo, begin_tuplestore(fcinfo));
    placing.read_all_records();
    placing.go(ids_argument(fcinfo, 2));
  });
  return Datum{0};
}
