// identity_map_read_rows(): reads a source into an identity map's copy of it.
//
// The rows that came and those that are gone are what scan_source() gives. Records of which a row
// came are looked up by their ids, and what rows they had by their numbers, in the order of these;
// a new row goes into the place of the old one. The rows of other records that are gone are found
// by their fingerprints, which m<id>_prints has together with the records' numbers. All of it by
// the map's own indexes, and written at once: of many rows that changed, a plan would take as long
// again. Nobody else writes these tables meanwhile, but for identify(), which writes to rows of
// records that are read here by their numbers and ids alone.
//
// Plain frames: what C++ objects there are have all their memory on the function's context.
#include "pg/environment.h"
#include "pg/map_ahead.h"
#include "pg/map_arrays.h"
#include "pg/map_execute.h"
#include "pg/map_home.h"
#include "pg/map_known_records.h"
#include "pg/map_loss.h"
#include "pg/map_record_key.h"
#include "pg/map_records.h"
#include "pg/map_scan.h"
#include "pg/map_state.h"
#include "pg/map_tables.h"
#include "pg/spi.h"

#include <algorithm>

extern "C" {
#include <commands/sequence.h>
}

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// A key that a row carried which is gone.
struct WentKey {
  std::int64_t rid;
  std::int64_t key;

  friend auto operator<=>(const WentKey&, const WentKey&) = default;
};

// A record of which a row came or went.
struct Touched {
  std::int64_t rid;
  std::size_t first_key;  // what it carries now, in keys_, where that is known
  std::size_t key_count;
  bool is_known;
  bool is_live;
};

class Copying {
 public:
  // most: so many records that were touched are known one by one. known: what has been looked up.
  Copying(int map_id, int source, std::int64_t most, KnownRecords& known, ContextMemory& memory)
      : map_id_(map_id),
        source_(source),
        most_(static_cast<std::size_t>(most)),
        memory_(memory),
        known_(&known),
        strays_(memory),
        found_(memory),
        stray_rids_(&memory),
        new_rids_(&memory),
        touched_rids_(memory),
        touched_(&memory),
        keys_(&memory),
        went_keys_(&memory),
        came_(&memory),
        came_rids_(&memory),
        went_(&memory) {}

  void open() {
    const char* rows = psprintf("rows_%d", source_);
    copy_ = open_state_table(map_id_, rows);
    records_ = open_state_table(map_id_, "records");
    known_->open();
    next_rid_ = find_state_sequence(map_id_, "records_rid_seq");
  }
  // When all user code has run, which may have ended what an earlier step has kept.
  void begin() {
    fresh_ = LastRead::of_or_new(map_id_);
    const MemoryContext outer = MemoryContextSwitchTo(fresh_->memory.context());
    const TupleDesc columns = CreateTupleDescCopy(RelationGetDescr(copy_->table));
    MemoryContextSwitchTo(outer);
    guarded([&] { fresh_->shapes.push_back({source_, columns}); });
  }
  void close() {
    known_->close();
    close_state_table(records_);
    close_state_table(copy_);
  }

  [[nodiscard]] Relation copy() const noexcept { return copy_->table; }

  // A row that came.
  void add(TupleTableSlot* found, bool ids_are_unique) {
    slot_getallattrs(found);
    Datum* values = found->tts_values;
    const Datum fingerprint = values[FoundRows::kFingerprint];
    const Datum id = values[FoundRows::kRecordId];
    const std::size_t named = known_->place_of(id);
    const bool is_named = named != KnownRecords::kNotNamed;
    const std::int64_t ordinal = ids_are_unique ? 0 : DatumGetInt64(values[FoundRows::kOrdinal]);
    const KnownRecords::Record known = is_named ? known_->record(named) : known_->find_record(id);
    const std::int64_t rid = number_of(id, known.rid, ordinal);
    with_numbers(values[FoundRows::kKeys], [&](std::span<const std::int64_t> keys) {
      guarded([&] {
        came_.push_back(DatumGetInt64(fingerprint));
        came_rids_.push_back(rid);
        touch(rid, ids_are_unique ? keys : std::span<const std::int64_t>(), ids_are_unique, true);
      });
    });
    values[kRowRid - 1] = Int64GetDatum(rid);
    values[kRowFingerprint - 1] = fingerprint;
    // Of ids that are unique, what row there was is gone.
    KnownRecords::Row* old = ids_are_unique && is_named ? known_->only_row_of(named) : nullptr;
    if (old != nullptr) {
      update_row(copy_, old->place, values, found->tts_isnull);
      let_go(*old);
    } else {
      insert_row(copy_, values, found->tts_isnull);
    }
    if (ids_are_unique) keep({rid, known.place}, values, found->tts_isnull);
  }

  // A row that is gone.
  void remove(std::int64_t fingerprint) {
    guarded([&] { went_.push_back(fingerprint); });
    if (!known_->each_with(fingerprint, [this](KnownRecords::Row& row) { remove_row(row); })) {
      guarded([&] { strays_.insert(fingerprint); });
    }
  }
  // When all have been told: those of them whose records have not been looked up. Where they are
  // few the numbers of their records lead to them.
  void remove_strays() {
    if (strays_.keys().empty()) return;
    const auto remove_if_stray = [this](KnownRecords::Row& row) {
      if (!strays_.contains(row.fingerprint)) return;
      if (guarded([&] { return found_.insert(row.fingerprint).second; })) remove_row(row);
    };
    if (static_cast<double>(strays_.keys().size()) < kFew * copy_->table->rd_rel->reltuples) {
      find_strays();
      for (const std::int64_t rid : stray_rids_) {
        const KnownRecords::Rows rows = known_->take_rows(rid);
        for (std::size_t i = rows.begin; i < rows.end; ++i) remove_if_stray(known_->row(i));
        known_->forget_rows(rows.begin);
      }
    }
    if (found_.keys().size() == strays_.keys().size()) return;
    const TableScanDesc scan = begin_table_scan(copy_->table, GetActiveSnapshot());
    TupleTableSlot* row = table_slot_create(copy_->table, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
      CHECK_FOR_INTERRUPTS();
      slot_getsomeattrs(row, kRowKeys);
      if (!strays_.contains(DatumGetInt64(row->tts_values[kRowFingerprint - 1]))) continue;
      known_->take_row(row);
      const std::size_t place = known_->row_count() - 1;
      remove_if_stray(known_->row(place));
      known_->forget_rows(place);
    }
    ExecDropSingleTupleTableSlot(row);
    table_endscan(scan);
  }

  // What was touched, for the step that follows.
  void hand_over() {
    TouchedRecords* to = LastTouched::of_or_new(map_id_);
    guarded([&] {
      if (touched_.size() > most_) {
        to->is_complete = false;
        return;
      }
      std::sort(touched_.begin(), touched_.end(),
                [](const Touched& a, const Touched& b) { return a.rid < b.rid; });
      std::sort(went_keys_.begin(), went_keys_.end());
      List<std::int64_t> went(&memory_);
      auto at = went_keys_.begin();
      for (const Touched& record : touched_) {
        went.clear();
        for (; at != went_keys_.end() && at->rid <= record.rid; ++at) {
          if (at->rid < record.rid || (!went.empty() && went.back() == at->key)) continue;
          went.push_back(at->key);
        }
        to->add({record.rid, source_, record.is_known, record.is_live, 0, 0, 0, 0},
                {keys_.data() + record.first_key, record.key_count}, {went.data(), went.size()});
      }
      const std::span<const LostKey> lost = known_->lost_keys();
      to->lost_keys.insert(to->lost_keys.end(), lost.begin(), lost.end());
    });
  }

  // (records bigint, came bytea, came_rids bytea, went bytea, loss bigint[]).
  HeapTuple result(TupleDesc shape) {
    // Of more than are known one by one, about so many.
    const std::size_t count = touched_.size() <= most_
                                  ? touched_.size()
                                  : std::max({touched_.size(), came_.size(), went_.size()});
    std::array<Datum, 5> values = {Int64GetDatum(static_cast<std::int64_t>(count)), pack(came_),
                                   pack(came_rids_), pack(went_), Datum{0}};
    std::array<bool, 5> nulls = {false, came_.empty(), came_.empty(), went_.empty(), true};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  static constexpr std::size_t kBytesBeside = 64;  // of a row that is kept, in tables
  static constexpr double kFew = 0.3;              // of the rows of a copy

  // The number of the record of a row that came: the known one, or a new one where it is new. An
  // ordinal tells new records that may have several rows from each other; 0: it has one.
  std::int64_t number_of(Datum id, std::int64_t known, std::int64_t ordinal) {
    if (known != KnownRecords::kNoRecord) return known;
    const auto place = static_cast<std::size_t>(ordinal);
    if (place < new_rids_.size() && new_rids_[place] != KnownRecords::kNoRecord)
      return new_rids_[place];
    const std::int64_t rid = nextval_internal(next_rid_, true);
    if (ordinal > 0) {
      guarded([&] {
        if (place >= new_rids_.size()) new_rids_.resize(place + 1, KnownRecords::kNoRecord);
        new_rids_[place] = rid;
      });
    }
    std::array<Datum, kRecordColumns> values = {
        Int64GetDatum(rid), Int16GetDatum(static_cast<std::int16_t>(source_)), record_key(id), 0};
    std::array<bool, kRecordColumns> nulls{};
    nulls[kRecordIdentity] = true;
    insert_row(records_, values.data(), nulls.data());
    return rid;
  }
  // For the step that settles what changed, which looks up what is not kept.
  void keep(const KnownRecords::Record& record, Datum* values, bool* nulls) {
    if (fresh_->bytes / 1024 > static_cast<std::size_t>(maintenance_work_mem) / 4) return;
    const MemoryContext outer = MemoryContextSwitchTo(fresh_->memory.context());
    MinimalTuple row = form_minimal_tuple(RelationGetDescr(copy_->table), values, nulls);
    MemoryContextSwitchTo(outer);
    fresh_->bytes += row->t_len + kBytesBeside;
    guarded([&] { fresh_->add(record.rid, {row, source_, record.place}); });
  }

  void remove_row(KnownRecords::Row& row) {
    if (row.is_gone) return;
    delete_row(copy_, row.place);
    // Where it was the only one the record has no row, unless one came: then that is known already.
    guarded([&] { touch(row.rid, {}, row.is_only, false); });
    let_go(row);
  }
  // What a row carried that is gone.
  void let_go(KnownRecords::Row& row) {
    row.is_gone = true;
    guarded([&] {
      if (touched_.size() > most_) return;
      for (const std::int64_t key : known_->keys_of(row)) went_keys_.push_back({row.rid, key});
    });
  }
  void touch(std::int64_t rid, std::span<const std::int64_t> keys, bool is_known, bool is_live) {
    if (touched_.size() > most_ || !touched_rids_.insert(rid).second) return;
    touched_.push_back({rid, keys_.size(), keys.size(), is_known, is_live});
    keys_.insert(keys_.end(), keys.begin(), keys.end());
  }

  // The numbers of the records that had rows with these fingerprints, and maybe of others, rising:
  // m<id>_prints says so.
  void find_strays() {
    guarded([this] {
      const char* query = call([this] {
        return psprintf(
            "SELECT came, came_rids FROM identity_state.m%d_prints WHERE source = %d AND "
            "length(came) = length(came_rids)",
            map_id_, source_);
      });
      const SpiConnection spi;
      read_rows(query, {BYTEAOID, BYTEAOID}, [this](const Datum* values, const bool*) {
        each_slice(values[0], [&](std::span<const char> came, std::size_t begin) {
          CHECK_FOR_INTERRUPTS();
          std::span<const char> rids;
          for (std::size_t at = 0; at + sizeof(std::int64_t) <= came.size();
               at += sizeof(std::int64_t)) {
            if (!strays_.contains(number_at(came, at))) continue;
            if (rids.empty()) rids = slice_of(values[1], begin, came.size());
            guarded([&] { stray_rids_.push_back(number_at(rids, at)); });
          }
        });
      });
      SpiConnection::finish();
      sort_each_once(stray_rids_);
    });
  }

  static Datum pack(const List<std::int64_t>& numbers) {
    return bytes_value(
        {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
  }

  int map_id_;
  int source_;
  std::size_t most_;
  ContextMemory& memory_;
  KnownRecords* known_;
  StateTable* copy_ = nullptr;
  StateTable* records_ = nullptr;
  Oid next_rid_ = InvalidOid;
  FreshRows* fresh_ = nullptr;
  NumberTable strays_;  // fingerprints
  NumberTable found_;   // those of them that have been found
  List<std::int64_t> stray_rids_;
  List<std::int64_t> new_rids_;  // by ordinal
  NumberTable touched_rids_;
  List<Touched> touched_;
  List<std::int64_t> keys_;
  List<WentKey> went_keys_;
  List<std::int64_t> came_;       // fingerprints
  List<std::int64_t> came_rids_;  // and whose they are
  List<std::int64_t> went_;       // fingerprints
};

// The same where the source has lost too much, and nothing has been taken in.
HeapTuple loss_result(TupleDesc shape, const Loss& loss) {
  const std::array<std::int64_t, 3> counts = {loss.before, loss.after, loss.lost};
  std::array<Datum, 5> values = {Int64GetDatum(0), 0, 0, 0,
                                 number_array({counts.data(), counts.size()})};
  std::array<bool, 5> nulls = {false, true, true, true, false};
  return heap_form_tuple(shape, values.data(), nulls.data());
}

std::int64_t fingerprint_of(TupleTableSlot* found) {
  bool is_null = false;
  return DatumGetInt64(slot_getattr(found, FoundRows::kFingerprint + 1, &is_null));
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_read_rows(clauses, source, query, search_path, forgotten, known, map_id, number,
// ids, most, max_loss) → (records bigint, came bytea, came_rids bytea, went bytea, loss bigint[]):
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_read_rows) {
  demand_arguments(fcinfo, {0, 1, 3, 6, 7, 9});
  const TupleDesc shape = result_shape(fcinfo, 5);
  const bool named = !PG_ARGISNULL(8);
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  const int map_id = PG_GETARG_INT32(6);
  const int source = PG_GETARG_INT32(7);
  const std::int64_t most = PG_GETARG_INT64(9);
  FoundAhead* all_ahead = LastFound::of(map_id);
  std::optional<FoundAhead::Source> ahead;
  if (all_ahead != nullptr && !named) ahead = all_ahead->take(source);
  KnownRecords* known = ahead ? ahead->known : nullptr;
  const bool is_looked_up = known != nullptr;
  if (known == nullptr) known = make<KnownRecords>(map_id, source, memory);
  auto* copying = make<Copying>(map_id, source, most, *known, memory);
  copying->open();
  if (named) {
    Datum* ids = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(8), TEXTOID, -1, false, TYPALIGN_INT, &ids, nullptr,
                      &count);
    known->look_up({ids, static_cast<std::size_t>(count)});
  }
  FoundRows found{nullptr, found_shape(copying->copy())};
  ScanResult result{};
  if (ahead) {
    found.rows = ahead->rows;
    result = ahead->result;
  } else {
    found.rows = tuplestore_begin_heap(true, false, work_mem);
    const ScanArguments arguments{PG_GETARG_DATUM(0),       PG_GETARG_INT32(1),
                                  optional_text(fcinfo, 2), optional_text(fcinfo, 3),
                                  optional_text(fcinfo, 4), optional_text(fcinfo, 5),
                                  known->prints()};
    result = guarded([&] { return scan_source(arguments, found); });
  }
  if (!named) set_left_out(result.left_out);
  if (!named && !is_looked_up) known->look_up(found, result, most);
  if (!PG_ARGISNULL(10)) {
    const Loss loss = find_loss(map_id, source, PG_GETARG_FLOAT8(10), copying->copy(), found,
                                result, *known, named);
    if (loss.is_too_much) {
      tuplestore_end(found.rows);
      copying->close();
      PopActiveSnapshot();
      PG_RETURN_DATUM(HeapTupleGetDatum(loss_result(shape, loss)));
    }
  }
  copying->begin();
  TupleTableSlot* row = MakeSingleTupleTableSlot(found.shape, &TTSOpsMinimalTuple);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    bool is_gone = false;
    static_cast<void>(slot_getattr(row, FoundRows::kRecordId + 1, &is_gone));
    if (is_gone) {
      copying->remove(fingerprint_of(row));
    } else if (!is_known(result, row)) {
      copying->add(row, result.ids_are_unique);
    }
  }
  ExecDropSingleTupleTableSlot(row);
  tuplestore_end(found.rows);
  copying->remove_strays();
  copying->close();
  copying->hand_over();
  PopActiveSnapshot();
  PG_RETURN_DATUM(HeapTupleGetDatum(copying->result(shape)));
}
