// identity_map_change_records(): brings an identity map's records and keys in line with what those
// records carry now that have been touched.
//
// Each record is looked up once, in the order of their numbers, each key that goes in that of the
// keys: neighbours lie on one page. Nobody else writes to the map meanwhile.
//
// Plain frames: what C++ objects there are have all their memory on the function's context, or on
// that of the records.
#include "pg/map_arrays.h"
#include "pg/map_copies.h"
#include "pg/map_home.h"
#include "pg/map_lookup.h"
#include "pg/map_records.h"
#include "pg/map_state.h"
#include "pg/progress.h"

#include <algorithm>

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// Who carries a key.
struct Carrier {
  std::int64_t key;
  std::int64_t rid;

  friend auto operator<=>(const Carrier&, const Carrier&) = default;
};
Carrier carrier_of(const LostKey& lost) noexcept { return {lost.key, lost.rid}; }

class Change {
 public:
  Change(int map_id, const TouchedRecords& touched, MapRecords& changed, ContextMemory& memory)
      : map_id_(map_id),
        touched_(&touched),
        changed_(&changed),
        copies_(map_id, memory),
        row_keys_(&memory),
        difference_(&memory),
        less_(&memory),
        more_(&memory),
        maybe_more_(&memory),
        live_(&memory),
        gone_(&memory),
        former_(&memory),
        dead_(memory),
        keys_(&memory),
        moved_(&memory) {}

  // touched: the records, by their numbers.
  void change_records(std::span<const TouchedRecords::Record> touched) {
    StateTable* table = open_state_table(map_id_, "records");
    Lookup records = open_lookup(map_id_, "records", {"rid"}, GetActiveSnapshot());
    for (const TouchedRecords::Record& record : touched) {
      if (is_where_it_was(record.rid, table, records.row)) {
        change_record(record, records.row, table);
        continue;
      }
      find(records, Int64GetDatum(record.rid));
      if (next(records)) change_record(record, records.row, table);
    }
    copies_.close();
    close_lookup(records);
    close_state_table(table);
  }

  void change_keys() {
    StateTable* table = open_state_table(map_id_, "keys");
    Lookup keys = open_lookup(map_id_, "keys", {"key", "rid"}, GetActiveSnapshot());
    std::sort(less_.begin(), less_.end());
    auto lost = touched_->lost_keys.begin();
    for (const Carrier& carrier : less_) {
      while (lost != touched_->lost_keys.end() && carrier_of(*lost) < carrier) ++lost;
      if (lost != touched_->lost_keys.end() && carrier_of(*lost) == carrier) {
        delete_row(table, lost->place);
        continue;
      }
      find(keys, Int64GetDatum(carrier.key), Int64GetDatum(carrier.rid));
      if (next(keys)) delete_row(table, keys.row->tts_tid);
    }
    // What other rows of its record carried all along is there.
    std::sort(maybe_more_.begin(), maybe_more_.end());
    for (const Carrier& carrier : maybe_more_) {
      find(keys, Int64GetDatum(carrier.key), Int64GetDatum(carrier.rid));
      if (next(keys)) continue;
      guarded([&] {
        more_.push_back(carrier);
        moved_.push_back(carrier.key);
      });
    }
    std::sort(more_.begin(), more_.end());
    for (const Carrier& carrier : more_) {
      CHECK_FOR_INTERRUPTS();
      const std::array<Datum, 2> values = {Int64GetDatum(carrier.key), Int64GetDatum(carrier.rid)};
      const std::array<bool, 2> nulls{};
      insert_row(table, values.data(), nulls.data());
    }
    close_lookup(keys);
    close_state_table(table);
  }

  // (live bigint[], gone bigint[], dead uuid[], keys bigint[], moved bigint[], more bigint,
  // former_sources bigint[], former_names text[], former_ids uuid[]).
  HeapTuple result(TupleDesc shape) {
    auto* dead = static_cast<Datum*>(palloc((dead_.keys().size() + 1) * sizeof(Datum)));
    std::transform(dead_.keys().begin(), dead_.keys().end(), dead,
                   [](const engine::Uuid& id) { return datum_of(id); });
    const std::size_t formers = former_.size();
    auto* sources = static_cast<std::int64_t*>(palloc((formers + 1) * sizeof(std::int64_t)));
    auto* names = static_cast<Datum*>(palloc((formers + 1) * sizeof(Datum)));
    auto* ids = static_cast<Datum*>(palloc((formers + 1) * sizeof(Datum)));
    for (std::size_t i = 0; i < formers; ++i) {
      sources[i] = former_[i].source;
      names[i] = former_[i].name;
      ids[i] = datum_of(former_[i].identity);
    }
    std::array<Datum, 9> values = {
        number_array({live_.data(), live_.size()}),
        number_array({gone_.data(), gone_.size()}),
        uuid_array(dead, nullptr, dead_.keys().size()),
        number_array({keys_.data(), keys_.size()}),
        number_array({moved_.data(), moved_.size()}),
        Int64GetDatum(more_records_),
        number_array({sources, formers}),
        PointerGetDatum(
            construct_array(names, static_cast<int>(formers), TEXTOID, -1, false, TYPALIGN_INT)),
        uuid_array(ids, nullptr, formers)};
    const std::array<bool, 9> nulls{};
    return heap_form_tuple(shape, values.data(), const_cast<bool*>(nulls.data()));
  }

 private:
  // What a record's rows carry, into row_keys_; whether it has any.
  bool look_up_rows(const TouchedRecords::Record& record) {
    row_keys_.clear();
    bool is_live = false;
    Lookup& rows = copies_.of(record.source).rows;
    find(rows, Int64GetDatum(record.rid));
    while (next(rows)) {
      is_live = true;
      with_numbers(value_of(rows, kRowKeys), [this](std::span<const std::int64_t> keys) {
        guarded([&] { row_keys_.insert(row_keys_.end(), keys.begin(), keys.end()); });
      });
    }
    sort_each_once(row_keys_);
    return is_live;
  }

  // Whether a record stands where it did when its source was read, into `row`: then it need not be
  // looked up. identify() may have given it another identity, and with that another place, since.
  bool is_where_it_was(std::int64_t rid, StateTable* records, TupleTableSlot* row) {
    const FreshRows* fresh = LastRead::of(map_id_);
    const FreshRows::Row* known = fresh == nullptr ? nullptr : fresh->row_of(rid);
    if (known == nullptr || !ItemPointerIsValid(&known->record)) return false;
    CHECK_FOR_INTERRUPTS();
    ItemPointerData place = known->record;
    if (!table_tuple_fetch_row_version(records->table, &place, GetActiveSnapshot(), row)) {
      return false;
    }
    slot_getsomeattrs(row, kRecordRid + 1);
    return DatumGetInt64(row->tts_values[kRecordRid]) == rid;
  }

  void change_record(const TouchedRecords::Record& record, TupleTableSlot* row, StateTable* table) {
    slot_getallattrs(row);
    const bool is_live = record.is_known ? record.is_live : look_up_rows(record);
    const std::span<const std::int64_t> new_keys =
        record.is_known ? touched_->keys_of(record)
                        : std::span<const std::int64_t>(row_keys_.data(), row_keys_.size());
    MapRecord now{};
    now.rid = record.rid;
    now.source = DatumGetInt16(row->tts_values[kRecordSource]);
    now.is_new = row->tts_isnull[kRecordIdentity];
    if (!now.is_new) now.identity = uuid_of(row->tts_values[kRecordIdentity]);
    guarded([&] {
      note(record, touched_->went_of(record), new_keys);
      if (is_live) {
        live_.push_back(record.rid);
        if (now.is_new) ++more_records_;
        changed_->add(now, new_keys);
      } else {
        gone_.push_back(record.rid);
        if (!now.is_new) {
          dead_.insert(now.identity);
          --more_records_;
        }
      }
    });
    if (!is_live && !now.is_new) {
      const Datum name = datumCopy(row->tts_values[kRecordRecordId], false, -1);
      guarded([&] { former_.push_back({now.source, name, now.identity}); });
    }
    if (!is_live) delete_row(table, row->tts_tid);
  }

  // What it no longer carries, and what it did not carry before; where rows of it have stayed,
  // that is not certain yet.
  void note(const TouchedRecords::Record& record, std::span<const std::int64_t> went,
            std::span<const std::int64_t> now) {
    keys_.insert(keys_.end(), went.begin(), went.end());
    find_difference(record.rid, went, now, less_);
    moved_.insert(moved_.end(), difference_.begin(), difference_.end());
    if (record.is_known) {
      find_difference(record.rid, now, went, more_);
      moved_.insert(moved_.end(), difference_.begin(), difference_.end());
    } else {
      find_difference(record.rid, now, {}, maybe_more_);
    }
    keys_.insert(keys_.end(), difference_.begin(), difference_.end());
  }
  // Those of `some` that are not among `others`.
  void find_difference(std::int64_t rid, std::span<const std::int64_t> some,
                       std::span<const std::int64_t> others, List<Carrier>& carriers) {
    difference_.clear();
    std::set_difference(some.begin(), some.end(), others.begin(), others.end(),
                        std::back_inserter(difference_));
    for (const std::int64_t key : difference_) carriers.push_back({key, rid});
  }

  int map_id_;
  const TouchedRecords* touched_;
  MapRecords* changed_;
  MapCopies copies_;
  List<std::int64_t> row_keys_;
  List<std::int64_t> difference_;
  List<Carrier> less_;
  List<Carrier> more_;
  List<Carrier> maybe_more_;
  List<std::int64_t> live_;
  List<std::int64_t> gone_;
  // Those of them that were an identity's.
  struct Former {
    std::int32_t source;
    Datum name;  // as m<id>_records has it
    engine::Uuid identity;
  };
  List<Former> former_;
  PlaceTable<engine::Uuid> dead_;
  List<std::int64_t> keys_;
  List<std::int64_t> moved_;
  std::int64_t more_records_ = 0;  // than the map had
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_touch(map_id, source, rid, went bigint[]): a record of which rows are gone, which
// carried `went`, rising.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_touch) {
  const int map_id = PG_GETARG_INT32(0);
  const std::span<const std::int64_t> went = number_argument(fcinfo, 3);
  table_close(open_state(map_id, "records", {ACL_UPDATE}, AccessShareLock), NoLock);
  TouchedRecords* touched = LastTouched::of_or_new(map_id);
  guarded([&] {
    touched->add({PG_GETARG_INT64(2), PG_GETARG_INT32(1), false, false, 0, 0, 0, 0}, {}, went);
  });
  PG_RETURN_VOID();
}

// identity_map_change_records(map_id) → (live bigint[], gone bigint[], dead uuid[], keys bigint[],
// moved bigint[], more bigint, former_sources bigint[], former_names text[], former_ids uuid[]):
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_change_records) {
  const TupleDesc shape = result_shape(fcinfo, 9);
  const int map_id = PG_GETARG_INT32(0);
  set_map_phase(MapPhase::kChange);
  TouchedRecords* touched = LastTouched::of_or_new(map_id);
  if (!touched->is_complete) out_of_turn("not all records that changed are known");
  std::sort(touched->records.begin(), touched->records.end(),
            [](const auto& a, const auto& b) { return a.rid < b.rid; });
  std::sort(touched->lost_keys.begin(), touched->lost_keys.end(),
            [](const LostKey& a, const LostKey& b) { return carrier_of(a) < carrier_of(b); });
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  MapRecords* changed = ChangedRecords::begin(map_id);
  auto* change = make<Change>(map_id, *touched, *changed, memory);
  change->change_records({touched->records.data(), touched->records.size()});
  change->change_keys();
  LastTouched::end();
  PopActiveSnapshot();
  PG_RETURN_DATUM(HeapTupleGetDatum(change->result(shape)));
}
