// identity_map_read_rows(): reads a source into an identity map's copy of it.
//
// The rows that came and those that are gone are what scan_source() gives. Each is looked up by the
// map's own indexes and written at once: of many rows that changed, a plan would take as long
// again. Nobody else writes these tables meanwhile, but for identify(), which writes to rows of
// records that are read here by their numbers and ids alone.
//
// Plain frames: what C++ objects there are have all their memory on the function's context.
#include "pg/environment.h"
#include "pg/map_arrays.h"
#include "pg/map_lookup.h"
#include "pg/map_records.h"
#include "pg/map_scan.h"
#include "pg/map_state.h"
#include "pg/map_tables.h"

#include <algorithm>
#include <numeric>

extern "C" {
#include <commands/sequence.h>
}

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// A row of the copy, of a record that is read again.
struct OldRow {
  std::int64_t fingerprint;
  std::int64_t rid;
  ItemPointerData place;
  bool is_replaced;  // by a new row, which is in its place
};

// A record of which a row came or went.
struct Touched {
  std::int64_t rid;
  // What it carries now, in keys_; kUnknown: to be looked up.
  std::size_t first_key;
  std::size_t key_count;
  bool is_live;
};
constexpr std::size_t kUnknown = SIZE_MAX;

std::string_view text_view(Datum value) noexcept {
  const auto* text = reinterpret_cast<const struct varlena*>(DatumGetPointer(value));
  return {VARDATA_ANY(text), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(text))};
}

class Copying {
 public:
  // named: whether the records that are read are named, by look_up(). most: so many records that
  // were touched are known one by one.
  Copying(int map_id, int source, bool named, std::int64_t most, ContextMemory& memory)
      : map_id_(map_id),
        source_(source),
        named_(named),
        most_(static_cast<std::size_t>(most)),
        memory_(memory),
        ids_(&memory),
        id_records_(&memory),
        old_rows_of_(&memory),
        old_rows_(&memory),
        old_prints_(&memory),
        by_print_(&memory),
        not_indexed_(memory),
        new_rids_(&memory),
        touched_rids_(memory),
        touched_(&memory),
        keys_(&memory),
        came_(&memory),
        went_(&memory) {}

  void open() {
    const char* rows = psprintf("rows_%d", source_);
    copy_ = open_state_table(map_id_, rows);
    records_ = open_state_table(map_id_, "records");
    record_of_id_ =
        open_lookup_by(map_id_, "records", {"source", "record_id"}, GetActiveSnapshot());
    const char* column = named_ ? "rid" : "fingerprint";
    has_index_ = named_ || has_lookup(copy_->table, {column});
    if (has_index_) row_of_ = open_lookup_by(map_id_, rows, {column}, GetActiveSnapshot());
    fresh_ = LastRead::of(map_id_);
    if (fresh_ == nullptr) fresh_ = LastRead::begin(map_id_);
    next_rid_ = find_state(map_id_, "records_rid_seq");
  }
  void close() {
    close_lookup(record_of_id_);
    if (has_index_) close_lookup(row_of_);
    close_state_table(records_);
    close_state_table(copy_);
  }

  // The copy's columns are those of what is found, but for the first two.
  [[nodiscard]] TupleDesc found_shape() const {
    TupleDesc shape = CreateTupleDescCopy(RelationGetDescr(copy_->table));
    TupleDescInitEntry(shape, FoundRows::kFingerprint + 1, "fingerprint", INT8OID, -1, 0);
    TupleDescInitEntry(shape, FoundRows::kOrdinal + 1, "ordinal", INT8OID, -1, 0);
    return shape;
  }

  // The records that are read again: what rows they have. In the order of their ids: neighbours lie
  // on one page of the index.
  void look_up(const Datum* ids, std::size_t count) {
    guarded([&] {
      ids_.assign(ids, ids + count);
      std::sort(ids_.begin(), ids_.end(),
                [](Datum a, Datum b) { return text_view(a) < text_view(b); });
      ids_.erase(std::unique(ids_.begin(), ids_.end(),
                             [](Datum a, Datum b) { return text_view(a) == text_view(b); }),
                 ids_.end());
      id_records_.reserve(ids_.size());
    });
    for (const Datum id : ids_) {
      const Known record = find_record(id);
      guarded([&] { id_records_.push_back(record); });
    }
    // These in the order of their numbers.
    List<std::size_t> by_rid(&memory_);
    guarded([&] {
      old_rows_of_.resize(ids_.size());
      by_rid.resize(ids_.size());
      std::iota(by_rid.begin(), by_rid.end(), std::size_t{0});
      std::sort(by_rid.begin(), by_rid.end(), [this](std::size_t a, std::size_t b) {
        return id_records_[a].rid < id_records_[b].rid;
      });
    });
    for (const std::size_t named : by_rid) {
      const std::int64_t rid = id_records_[named].rid;
      old_rows_of_[named] = {old_rows_.size(), old_rows_.size()};
      if (rid == kNoRecord) continue;
      find(row_of_, Int64GetDatum(rid));
      while (next(row_of_)) {
        const OldRow row{DatumGetInt64(value_of(row_of_, kRowFingerprint)), rid,
                         row_of_.row->tts_tid, false};
        guarded([&] {
          old_rows_.push_back(row);
          old_prints_.push_back(row.fingerprint);
        });
      }
      old_rows_of_[named].end = old_rows_.size();
    }
    guarded([&] {
      by_print_.resize(old_rows_.size());
      std::iota(by_print_.begin(), by_print_.end(), std::size_t{0});
      std::sort(by_print_.begin(), by_print_.end(),
                [this](std::size_t a, std::size_t b) { return old_prints_[a] < old_prints_[b]; });
    });
  }
  // Of the rows that they have.
  [[nodiscard]] std::span<const std::int64_t> old_prints() const noexcept {
    return {old_prints_.data(), old_prints_.size()};
  }

  // A row that came.
  void add(TupleTableSlot* found, bool ids_are_unique) {
    slot_getallattrs(found);
    Datum* values = found->tts_values;
    const Datum fingerprint = values[FoundRows::kFingerprint];
    const Datum id = values[FoundRows::kRecordId];
    const std::size_t named = place_of(id);
    const std::int64_t ordinal = ids_are_unique ? 0 : DatumGetInt64(values[FoundRows::kOrdinal]);
    const Known known = named == kNotNamed ? find_record(id) : id_records_[named];
    const std::int64_t rid = number_of(id, known.rid, ordinal);
    ArrayType* keys = DatumGetArrayTypeP(values[FoundRows::kKeys]);
    guarded([&] {
      came_.push_back(DatumGetInt64(fingerprint));
      touch(rid, ids_are_unique ? numbers_of(keys) : std::span<const std::int64_t>(),
            ids_are_unique, true);
    });
    values[kRowRid - 1] = Int64GetDatum(rid);
    values[kRowFingerprint - 1] = fingerprint;
    OldRow* old = ids_are_unique ? only_row_of(named) : nullptr;
    if (old != nullptr) {
      update_row(copy_, old->place, values, found->tts_isnull);
      old->is_replaced = true;
    } else {
      insert_row(copy_, values, found->tts_isnull);
    }
    if (ids_are_unique) keep({rid, known.place}, values, found->tts_isnull);
    if (PointerGetDatum(keys) != values[FoundRows::kKeys]) pfree(keys);
  }

  // A row that is gone.
  void remove(std::int64_t fingerprint, bool ids_are_unique) {
    guarded([&] { went_.push_back(fingerprint); });
    if (named_) {
      auto at = std::lower_bound(
          by_print_.begin(), by_print_.end(), fingerprint,
          [this](std::size_t place, std::int64_t wanted) { return old_prints_[place] < wanted; });
      for (; at != by_print_.end() && old_prints_[*at] == fingerprint; ++at) {
        const OldRow& row = old_rows_[*at];
        if (!row.is_replaced) remove(row.place, row.rid, ids_are_unique);
      }
    } else if (has_index_) {
      find(row_of_, Int64GetDatum(fingerprint));
      while (next(row_of_)) {
        remove(row_of_.row->tts_tid, DatumGetInt64(value_of(row_of_, kRowRid)), ids_are_unique);
      }
    } else {
      guarded([&] { not_indexed_.insert(fingerprint); });
    }
  }
  // Those rows that are gone and that no index finds, when all have been told.
  void remove_others(bool ids_are_unique) {
    if (not_indexed_.keys().empty()) return;
    const TableScanDesc scan = table_beginscan(copy_->table, GetActiveSnapshot(), 0, nullptr);
    TupleTableSlot* row = table_slot_create(copy_->table, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
      CHECK_FOR_INTERRUPTS();
      slot_getsomeattrs(row, kRowFingerprint);
      if (!not_indexed_.contains(DatumGetInt64(row->tts_values[kRowFingerprint - 1]))) continue;
      remove(row->tts_tid, DatumGetInt64(row->tts_values[kRowRid - 1]), ids_are_unique);
    }
    ExecDropSingleTupleTableSlot(row);
    table_endscan(scan);
  }

  // (touched identity_map_touched[], records bigint, came bytea, went bytea).
  HeapTuple result(TupleDesc shape) {
    // Of more than are known one by one, about so many.
    const std::size_t count = touched_.size() <= most_
                                  ? touched_.size()
                                  : std::max({touched_.size(), came_.size(), went_.size()});
    std::array<Datum, 4> values = {0, Int64GetDatum(static_cast<std::int64_t>(count)), pack(came_),
                                   pack(went_)};
    std::array<bool, 4> nulls = {count > most_ || count == 0, false, came_.empty(), went_.empty()};
    if (!nulls[0]) values[0] = touched_array(get_element_type(TupleDescAttr(shape, 0)->atttypid));
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  static constexpr std::int64_t kNoRecord = -1;
  // Places in old_rows_.
  struct OldRows {
    std::size_t begin;
    std::size_t end;
  };
  static constexpr std::size_t kNotNamed = SIZE_MAX;
  static constexpr std::size_t kBytesBeside = 64;  // of a row that is kept, in tables

  // A record that the map knows: its number, or kNoRecord, and where it stands.
  struct Known {
    std::int64_t rid;
    ItemPointerData place;
  };
  Known find_record(Datum id) {
    find(record_of_id_, Int16GetDatum(static_cast<std::int16_t>(source_)), id);
    Known record{kNoRecord, {}};
    if (next(record_of_id_)) {
      record = {DatumGetInt64(value_of(record_of_id_, kRecordRid + 1)), record_of_id_.row->tts_tid};
    }
    return record;
  }

  // The place of an id among those that are named, or kNotNamed.
  [[nodiscard]] std::size_t place_of(Datum id) const noexcept {
    const auto found = std::lower_bound(
        ids_.begin(), ids_.end(), id, [](Datum a, Datum b) { return text_view(a) < text_view(b); });
    if (found == ids_.end() || text_view(*found) != text_view(id)) return kNotNamed;
    return static_cast<std::size_t>(found - ids_.begin());
  }
  // The row of a record that is named, where it has one, which is still there.
  OldRow* only_row_of(std::size_t named) noexcept {
    if (named == kNotNamed || old_rows_of_[named].end != old_rows_of_[named].begin + 1) {
      return nullptr;
    }
    OldRow& row = old_rows_[old_rows_of_[named].begin];
    return row.is_replaced ? nullptr : &row;
  }

  // The number of the record of a row that came: the known one, or a new one where it is new. An
  // ordinal tells new records that may have several rows from each other; 0: it has one.
  std::int64_t number_of(Datum id, std::int64_t known, std::int64_t ordinal) {
    if (known != kNoRecord) return known;
    const auto place = static_cast<std::size_t>(ordinal);
    if (place < new_rids_.size() && new_rids_[place] != kNoRecord) return new_rids_[place];
    const std::int64_t rid = nextval_internal(next_rid_, true);
    if (ordinal > 0) {
      guarded([&] {
        if (place >= new_rids_.size()) new_rids_.resize(place + 1, kNoRecord);
        new_rids_[place] = rid;
      });
    }
    std::array<Datum, kRecordColumns> values = {Int64GetDatum(rid),
                                                Int16GetDatum(static_cast<std::int16_t>(source_)),
                                                id, 0, number_array({})};
    std::array<bool, kRecordColumns> nulls{};
    nulls[kRecordIdentity] = true;
    insert_row(records_, values.data(), nulls.data());
    return rid;
  }
  // For the step that settles what changed, which looks up what is not kept.
  void keep(const Known& record, Datum* values, bool* nulls) {
    if (fresh_->bytes / 1024 > static_cast<std::size_t>(maintenance_work_mem) / 4) return;
    const MemoryContext outer = MemoryContextSwitchTo(fresh_->memory.context());
    MinimalTuple row = form_minimal_tuple(RelationGetDescr(copy_->table), values, nulls);
    MemoryContextSwitchTo(outer);
    fresh_->bytes += row->t_len + kBytesBeside;
    guarded([&] { fresh_->add(record.rid, {row, record.place}); });
  }

  void remove(const ItemPointerData& place, std::int64_t rid, bool ids_are_unique) {
    delete_row(copy_, place);
    // Of a record with one row it was the one, unless another one came before.
    guarded([&] { touch(rid, {}, ids_are_unique, false); });
  }

  void touch(std::int64_t rid, std::span<const std::int64_t> keys, bool is_known, bool is_live) {
    if (touched_.size() > most_ || !touched_rids_.insert(rid).second) return;
    touched_.push_back(
        {rid, is_known ? keys_.size() : kUnknown, keys.size(), is_live || !is_known});
    keys_.insert(keys_.end(), keys.begin(), keys.end());
  }

  static Datum pack(const List<std::int64_t>& numbers) {
    return bytes_value(
        {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
  }

  // Each a value of identity_map_touched: (source smallint, rid bigint, keys bigint[], is_live
  // boolean).
  Datum touched_array(Oid type) {
    const TupleDesc shape = lookup_rowtype_tupdesc_copy(type, -1);
    auto* items = static_cast<Datum*>(
        MemoryContextAllocHuge(CurrentMemoryContext, touched_.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < touched_.size(); ++i) {
      const Touched& record = touched_[i];
      std::array<Datum, 4> values = {Int16GetDatum(static_cast<std::int16_t>(source_)),
                                     Int64GetDatum(record.rid), 0, BoolGetDatum(record.is_live)};
      std::array<bool, 4> nulls = {false, false, record.first_key == kUnknown, false};
      if (!nulls[2]) values[2] = number_array({keys_.data() + record.first_key, record.key_count});
      items[i] = HeapTupleGetDatum(heap_form_tuple(shape, values.data(), nulls.data()));
    }
    return PointerGetDatum(construct_array(items, static_cast<int>(touched_.size()), type, -1,
                                           false, TYPALIGN_DOUBLE));
  }

  int map_id_;
  int source_;
  bool named_;
  std::size_t most_;
  ContextMemory& memory_;
  StateTable* copy_ = nullptr;
  StateTable* records_ = nullptr;
  Lookup record_of_id_{};
  Lookup row_of_{};
  bool has_index_ = false;  // by which row_of_ finds rows
  Oid next_rid_ = InvalidOid;
  FreshRows* fresh_ = nullptr;
  // The ids of the records that are named, rising, what they are, and which of the rows are theirs;
  // the rows, their fingerprints, and their places in the order of these.
  List<Datum> ids_;
  List<Known> id_records_;
  List<OldRows> old_rows_of_;
  List<OldRow> old_rows_;
  List<std::int64_t> old_prints_;
  List<std::size_t> by_print_;
  NumberTable not_indexed_;      // fingerprints
  List<std::int64_t> new_rids_;  // by ordinal
  NumberTable touched_rids_;
  List<Touched> touched_;
  List<std::int64_t> keys_;
  List<std::int64_t> came_;  // fingerprints
  List<std::int64_t> went_;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_read_rows(clauses, source, query, search_path, forgotten, known, map_id, number,
// ids, most) → (touched identity_map_touched[], records bigint, came bytea, went bytea):
// src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_read_rows) {
  const TupleDesc shape = result_shape(fcinfo, 4);
  const bool named = !PG_ARGISNULL(8);
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  void* place = palloc(sizeof(Copying));
  Copying* copying = guarded([&] {
    return new (place)
        Copying(PG_GETARG_INT32(6), PG_GETARG_INT32(7), named, PG_GETARG_INT64(9), memory);
  });
  copying->open();
  if (named) {
    Datum* ids = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(8), TEXTOID, -1, false, TYPALIGN_INT, &ids, nullptr,
                      &count);
    copying->look_up(ids, static_cast<std::size_t>(count));
  }
  const FoundRows found{tuplestore_begin_heap(false, false, work_mem), copying->found_shape()};
  const ScanArguments arguments{PG_GETARG_DATUM(0),       PG_GETARG_INT32(1),
                                optional_text(fcinfo, 2), optional_text(fcinfo, 3),
                                optional_text(fcinfo, 4), optional_text(fcinfo, 5),
                                copying->old_prints()};
  const bool ids_are_unique = guarded([&] { return scan_source(arguments, found); });
  TupleTableSlot* row = MakeSingleTupleTableSlot(found.shape, &TTSOpsMinimalTuple);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    bool is_gone = false;
    static_cast<void>(slot_getattr(row, FoundRows::kRecordId + 1, &is_gone));
    if (is_gone) {
      bool is_null = false;
      const Datum fingerprint = slot_getattr(row, FoundRows::kFingerprint + 1, &is_null);
      copying->remove(DatumGetInt64(fingerprint), ids_are_unique);
    } else {
      copying->add(row, ids_are_unique);
    }
  }
  ExecDropSingleTupleTableSlot(row);
  tuplestore_end(found.rows);
  copying->remove_others(ids_are_unique);
  copying->close();
  PopActiveSnapshot();
  PG_RETURN_DATUM(HeapTupleGetDatum(copying->result(shape)));
}
