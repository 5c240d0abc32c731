// identity_map_reach(): the records of an identity map that a change may concern, and their rows.
//
// A walk from record to identifier to record, a step of all paths at a time: each record and each
// identifier is looked up once, by the indexes of the map's own tables, in rising order. Where an
// identity has a pack (pg/map_packs.h), the pack has all of its records: none of them is looked up;
// nor is what they carry, unless the pack says that a path may lead out of it.
//
// Plain frames: what C++ objects there are have all their memory on the function's context, or on
// that of the rows.
#include "pg/environment.h"
#include "pg/map_arrays.h"
#include "pg/map_copies.h"
#include "pg/map_home.h"
#include "pg/map_keys.h"
#include "pg/map_lookup.h"
#include "pg/map_packs.h"
#include "pg/map_records.h"
#include "pg/map_tables.h"
#include "pg/progress.h"

#include <algorithm>

namespace identity_resolve::pg {

namespace {

template <class T>
using Numbers = boost::container::pmr::vector<T>;

class Walk {
 public:
  // live, gone: records whose rows have changed, and records that are no more, of which a pack does
  // not know yet. seeds: the identifiers that are given. limits: of each kind, how many records of
  // one source may carry an identifier; 0: any number. most: records.
  Walk(int map_id, std::span<const std::int64_t> live, std::span<const std::int64_t> gone,
       std::span<const std::int64_t> seeds, std::span<const std::int64_t> limits, std::int64_t most,
       ReachedRows& rows, MapRecords& room, ContextMemory& memory)
      : map_id_(map_id),
        most_(most),
        limits_(limits),
        rows_(&rows),
        records_here_(&room),
        known_records_(memory),
        record_states_(&memory),
        record_places_(&memory),
        known_keys_(memory),
        key_is_seen_(&memory),
        carrier_counts_(&memory),
        identities_(&memory),
        new_records_(&memory),
        new_keys_(&memory),
        step_(&memory),
        row_keys_(&memory),
        copies_(map_id, memory),
        common_keys_(&memory),
        connecting_(&memory),
        many_(&memory),
        sources_(&memory) {
    for (const std::int64_t rid : live) record_states_[place_of_record(rid)] |= kLive;
    for (const std::int64_t rid : gone) record_states_[place_of_record(rid)] |= kGone;
    for (const std::int64_t key : seeds) static_cast<void>(place_of_key(key));
    carrier_counts_.resize(known_keys_.keys().size(), 0);
  }

  void open() {
    records_ = open_lookup(map_id_, "records", {"rid"}, GetActiveSnapshot());
    carriers_ = open_number_lookup(map_id_, "keys", {"key", "rid"}, GetActiveSnapshot());
    common_ = open_lookup(map_id_, "common", {"key"}, GetActiveSnapshot());
    identity_of_ = open_lookup(map_id_, "identities", {"identity_id"}, GetActiveSnapshot());
    fresh_ = LastRead::of(map_id_);
    // Whatever has become of the copies since.
    if (fresh_ != nullptr && !std::ranges::all_of(fresh_->shapes, [this](const auto& shape) {
          return copies_.has(shape.source) &&
                 are_same_columns(shape.columns, shape_of(shape.source));
        })) {
      fresh_ = nullptr;
    }
  }
  void close() {
    copies_.close();
    close_lookup(records_);
    close_lookup(carriers_);
    close_lookup(common_);
    close_lookup(identity_of_);
  }

  // The records that have changed, first of all: then what their identities carry is known.
  void read_live() {
    guarded([&] {
      const std::span<const std::int64_t> known = known_records_.keys();
      for (std::size_t place = 0; place < known.size(); ++place) {
        if ((record_states_[place] & kLive) != 0) find_record(known[place]);
      }
    });
    begin_step(new_records_);
    // What identity_map_change_records() has just found.
    const MapRecords* known = ChangedRecords::of(map_id_);
    std::size_t at = 0;
    for (const std::int64_t rid : step_) {
      while (known != nullptr && at < known->records.size() && known->records[at].rid < rid) ++at;
      if (known != nullptr && at < known->records.size() && known->records[at].rid == rid) {
        guarded(
            [&] { records_here_->add(known->records[at], known->keys_of(known->records[at])); });
      } else {
        look_up_record(rid);
      }
    }
    take_records();
  }
  // An identity of a record that is no more.
  void add_identity(const engine::Uuid& id) { static_cast<void>(take_pack(id)); }
  // An identifier that connects those who carry it, unless it is too common.
  void add_key(std::int64_t key) {
    add_key(key, guarded([&] { return place_of_key(key); }));
  }
  // Those who carry an identifier, whatever it is.
  void add_carriers(std::int64_t key) {
    std::int64_t records = 0;
    std::int64_t rid = 0;
    find(carriers_, Int64GetDatum(key));
    while (next_number(carriers_, rid)) {
      add_record(rid);
      ++records;
    }
    if (is_many(key, records)) {
      guarded([&] { many_.push_back(key); });
    }
  }

  // Whether it has come to its end without more records than there may be, nor more bytes of rows
  // than maintenance_work_mem has.
  bool go() {
    if (has_too_much()) return false;
    while (!new_records_.empty() || !new_keys_.empty()) {
      begin_step(new_records_);
      for (const std::int64_t rid : step_) {
        if (!is_included(rid)) look_up_record(rid);
      }
      take_records();
      begin_step(new_keys_);
      for (const std::int64_t key : step_) {
        if (has_too_much()) return false;
        add_carriers(key);
      }
      if (has_too_much()) return false;
    }
    for (std::size_t i = 0; i < carrier_counts_.size(); ++i) {
      const std::int64_t key = known_keys_.keys()[i];
      if (!is_many(key, carrier_counts_[i])) continue;
      guarded([&] { many_.push_back(key); });
    }
    return true;
  }

  // A value of the type identity_map_reached.
  HeapTuple result(TupleDesc shape) {
    auto* sources = static_cast<Datum*>(palloc((sources_.size() + 1) * sizeof(Datum)));
    std::transform(sources_.begin(), sources_.end(), sources,
                   [](std::int16_t source) { return Int16GetDatum(source); });
    std::array<Datum, 5> values = {
        Int64GetDatum(static_cast<std::int64_t>(rows_->rids.size())),
        PointerGetDatum(construct_array(sources, static_cast<int>(sources_.size()), INT2OID,
                                        sizeof(std::int16_t), true, TYPALIGN_SHORT)),
        number_array({connecting_.data(), connecting_.size()}),
        number_array({common_keys_.data(), common_keys_.size()}),
        number_array({many_.data(), many_.size()})};
    std::array<bool, 5> nulls{};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  // Takes what is to be looked up next, in rising order: neighbours lie on one page.
  void begin_step(Numbers<std::int64_t>& found) {
    step_.swap(found);
    found.clear();
    std::sort(step_.begin(), step_.end());
  }

  [[nodiscard]] bool has_too_much() const noexcept {
    return seen_records_ > most_ || bytes_ / 1024 > static_cast<std::size_t>(maintenance_work_mem);
  }
  [[nodiscard]] bool is_many(std::int64_t key, std::int64_t records) const noexcept {
    const std::size_t kind = kind_of_key(key);
    return kind < limits_.size() && limits_[kind] > 0 && records >= limits_[kind];
  }
  bool is_common(std::int64_t key) {
    find(common_, Int64GetDatum(key));
    return next(common_);
  }
  std::uint32_t place_of_record(std::int64_t rid) {
    const auto [place, is_new] = known_records_.insert(rid);
    if (is_new) {
      record_states_.push_back(0);
      record_places_.push_back(0);
    }
    return place;
  }
  std::uint32_t place_of_key(std::int64_t key) {
    const auto [place, is_new] = known_keys_.insert(key);
    if (is_new) key_is_seen_.push_back(false);
    return place;
  }
  // The first of the identifiers are those that were given.
  [[nodiscard]] bool is_seed(std::uint32_t key) const noexcept {
    return key < carrier_counts_.size();
  }

  // Whether an identifier is a new one and connects those who carry it.
  bool note_key(std::int64_t key, std::uint32_t place) {
    if (key_is_seen_[place]) return false;
    key_is_seen_[place] = true;
    const bool connects = !is_common(key);
    guarded([&] {
      if (!connects) {
        common_keys_.push_back(key);
        rows_->common.insert(key);
      }
      if (connects || is_seed(place)) connecting_.push_back(key);
    });
    return connects;
  }
  // Whether a record is seen for the first time.
  bool see_record(std::uint32_t place) noexcept {
    std::uint8_t& state = record_states_[place];
    if ((state & kSeen) != 0) return false;
    state |= kSeen;
    ++seen_records_;
    return true;
  }
  void find_record(std::int64_t rid) {
    if (see_record(place_of_record(rid))) new_records_.push_back(rid);
  }
  void add_record(std::int64_t rid) {
    guarded([&] { find_record(rid); });
  }
  [[nodiscard]] bool is_included(std::int64_t rid) const noexcept {
    const std::uint32_t place = known_records_.find(rid);
    return place != NumberTable::kNone && (record_states_[place] & kIncluded) != 0;
  }

  // A record by its number, into records_here_.
  void look_up_record(std::int64_t rid) {
    find(records_, Int64GetDatum(rid));
    if (!next(records_)) return;
    slot_getallattrs(records_.row);
    const Datum* values = records_.row->tts_values;
    MapRecord record{};
    record.rid = rid;
    record.source = DatumGetInt16(values[kRecordSource]);
    record.is_new = records_.row->tts_isnull[kRecordIdentity];
    if (!record.is_new) record.identity = uuid_of(values[kRecordIdentity]);
    guarded([&] { records_here_->add(record); });
  }

  // Takes in records with their rows and their identities', these in the order of their ids; not
  // all of them where they are too much.
  void take_records() {
    guarded([&] {
      identities_.clear();
      for (const MapRecord& record : records_here_->records) {
        if (!record.is_new) identities_.push_back(record.identity);
      }
    });
    std::sort(identities_.begin(), identities_.end());
    for (const engine::Uuid& id : identities_) {
      if (has_too_much()) return;
      static_cast<void>(take_pack(id));
    }
    for (const MapRecord& record : records_here_->records) {
      if (has_too_much()) return;
      // Of a pack all that it says is known now, unless the record has changed.
      if (!is_included(record.rid)) take_record(record);
    }
    records_here_->clear();
  }
  void take_record(const MapRecord& record) {
    const std::uint32_t place = guarded([&] {
      return include(record.rid, place_of_record(record.rid), record.source,
                     record.is_new ? nullptr : &record.identity);
    });
    take_rows(record, place);
    for (const std::int64_t key : row_keys_) {
      const std::uint32_t known = guarded([&] { return place_of_key(key); });
      count_carrier(known);
      add_key(key, known);
    }
  }
  // identity: nullptr for none. Gives the record's place in rows_. In a guarded() frame.
  std::uint32_t include(std::int64_t rid, std::uint32_t known, std::int32_t source,
                        const engine::Uuid* identity) {
    if ((record_states_[known] & kIncluded) != 0) return record_places_[known];
    record_states_[known] |= kIncluded;
    static_cast<void>(see_record(known));
    const auto place = static_cast<std::uint32_t>(rows_->rids.size());
    record_places_[known] = place;
    rows_->rids.push_back(rid);
    rows_->olds.push_back(identity == nullptr ? engine::Uuid{} : *identity);
    rows_->is_new.push_back(identity == nullptr);
    const auto number = static_cast<std::int16_t>(source);
    if (std::find(sources_.begin(), sources_.end(), number) == sources_.end()) {
      sources_.push_back(number);
    }
    return place;
  }

  void count_carrier(std::uint32_t key) noexcept {
    if (is_seed(key)) ++carrier_counts_[key];
  }

  TupleDesc shape_of(std::int32_t source) {
    return RelationGetDescr(copies_.of(source).rows.table);
  }

  // The rows of a record, which is at a place in rows_; what they carry into row_keys_.
  void take_rows(const MapRecord& record, std::uint32_t place) {
    row_keys_.clear();
    const FreshRows::Row* fresh = fresh_ == nullptr ? nullptr : fresh_->row_of(record.rid);
    if (fresh == nullptr || fresh->source != record.source || !record.knows_keys) {
      read_rows(record.rid, record.source, place);
      sort_each_once(row_keys_);
      return;
    }
    // It carries what the record does. The rows that were read end before those that were reached.
    const MinimalTuple row = fresh->tuple;
    bytes_ += row->t_len;
    rows_->note_shape(record.source, shape_of(record.source));
    guarded([&] {
      auto* copy = reinterpret_cast<MinimalTuple>(rows_->bytes.allocate(row->t_len));
      std::memcpy(copy, row, row->t_len);
      const std::span<const std::int64_t> keys = records_here_->keys_of(record);
      row_keys_.assign(keys.begin(), keys.end());
      rows_->add(record.rid, record.source, place, keys, copy);
    });
  }
  // The rows of a record, from the copy of its source.
  void read_rows(std::int64_t rid, std::int32_t source, std::uint32_t place) {
    Lookup& rows = copies_.of(source).rows;
    rows_->note_shape(source, RelationGetDescr(rows.table));
    find(rows, Int64GetDatum(rid));
    while (next(rows)) {
      const MemoryContext outer = MemoryContextSwitchTo(rows_->memory.context());
      bool is_own = false;
      HeapTuple row = ExecFetchSlotHeapTuple(rows.row, false, &is_own);
      // Later its values go into another table.
      MinimalTuple tuple = plain_row_of(rows.row->tts_tupleDescriptor, row);
      if (is_own) heap_freetuple(row);
      MemoryContextSwitchTo(outer);
      with_numbers(value_of(rows, kRowKeys), [&](std::span<const std::int64_t> keys) {
        guarded([&] {
          row_keys_.insert(row_keys_.end(), keys.begin(), keys.end());
          rows_->add(rid, source, place, keys, tuple);
        });
      });
      bytes_ += tuple->t_len;
    }
  }

  // Takes in all of an identity by its pack; false where it has none. Once for each identity.
  bool take_pack(const engine::Uuid& id) {
    if (const ReachedRows::Identity* known = rows_->identity_of(id)) return known->size > 0;
    find(identity_of_, datum_of(id));
    if (!next(identity_of_)) return false;
    slot_getallattrs(identity_of_.row);
    ReachedRows::Identity identity{};
    identity.place = identity_of_.row->tts_tid;
    identity.created_at = DatumGetTimestampTz(identity_of_.row->tts_values[kIdentityCreatedAt - 1]);
    identity.has_pack = !identity_of_.row->tts_isnull[kIdentityPacked - 1];
    if (!identity.has_pack) {
      guarded([&] { note_identity(id, identity); });
      return false;
    }
    const Datum stored = identity_of_.row->tts_values[kIdentityPacked - 1];
    const auto* packed = DatumGetByteaPP(stored);
    const std::size_t size = VARSIZE_ANY_EXHDR(packed);
    auto* bytes = guarded([&] { return reinterpret_cast<char*>(rows_->bytes.allocate(size)); });
    bytes_ += size;
    std::memcpy(bytes, VARDATA_ANY(packed), size);
    if (PointerGetDatum(packed) != stored) pfree(const_cast<bytea*>(packed));
    // One that cannot be read is as good as none.
    bool is_good = true;
    const bool is_pack = each_packed_row(
        bytes, size, [&](std::int32_t source, MinimalTuple tuple, std::size_t length) {
          is_good = is_good && copies_.has(source) &&
                    is_plain_row(copies_.of(source).row->tts_tupleDescriptor, tuple, length);
        });
    is_good = is_good && is_pack;
    identity.bytes = bytes;
    identity.size = is_good ? size : 0;
    guarded([&] { note_identity(id, identity); });
    if (!is_good) return false;
    const bool shares = pack_shares(bytes);
    each_packed_row(bytes, size, [&](std::int32_t source, MinimalTuple tuple, std::size_t) {
      take_packed_row(source, tuple, id, shares);
    });
    return true;
  }
  void note_identity(const engine::Uuid& id, const ReachedRows::Identity& identity) {
    rows_->ids.insert(id);
    rows_->identities.push_back(identity);
  }
  void take_packed_row(std::int32_t source, MinimalTuple tuple, const engine::Uuid& identity,
                       bool shares) {
    TupleTableSlot* row = copies_.of(source).row;
    rows_->note_shape(source, row->tts_tupleDescriptor);
    ExecStoreMinimalTuple(tuple, row, false);
    slot_getsomeattrs(row, kRowKeys);
    const std::int64_t rid = DatumGetInt64(row->tts_values[kRowRid - 1]);
    const std::uint32_t record = guarded([&] { return place_of_record(rid); });
    // One that has changed carries something else, or is no more.
    const bool is_as_it_was = (record_states_[record] & (kLive | kGone)) == 0;
    with_numbers(row->tts_values[kRowKeys - 1], [&](std::span<const std::int64_t> keys) {
      // No path leads out of an identity that shares nothing, nor did by what a changed record
      // carried.
      for (const std::int64_t key : keys) {
        const std::uint32_t place = guarded([&] { return place_of_key(key); });
        if (shares) {
          add_key(key, place);
        } else {
          static_cast<void>(note_key(key, place));
        }
        if (is_as_it_was) count_carrier(place);
      }
      if (!is_as_it_was) return;
      guarded(
          [&] { rows_->add(rid, source, include(rid, record, source, &identity), keys, tuple); });
    });
  }
  void add_key(std::int64_t key, std::uint32_t place) {
    if (note_key(key, place)) {
      guarded([&] { new_keys_.push_back(key); });
    }
  }

  int map_id_;
  std::int64_t most_;
  std::span<const std::int64_t> limits_;
  ReachedRows* rows_;
  std::size_t bytes_ = 0;     // of rows
  MapRecords* records_here_;  // that have been looked up, to be taken in
  const FreshRows* fresh_ = nullptr;
  Lookup records_{};
  Lookup carriers_{};
  Lookup common_{};
  Lookup identity_of_{};
  // What is known of a record: whether its rows have changed, or it is no more; whether it was
  // found, to be read or included; whether it is included.
  enum State : std::uint8_t { kLive = 1, kGone = 2, kSeen = 4, kIncluded = 8 };
  NumberTable known_records_;
  Numbers<std::uint8_t> record_states_;
  Numbers<std::uint32_t> record_places_;  // in rows_, of those that are included
  std::int64_t seen_records_ = 0;
  NumberTable known_keys_;
  Numbers<bool> key_is_seen_;
  Numbers<std::int64_t> carrier_counts_;  // of those that were given
  Numbers<engine::Uuid> identities_;
  Numbers<std::int64_t> new_records_;
  Numbers<std::int64_t> new_keys_;
  Numbers<std::int64_t> step_;
  Numbers<std::int64_t> row_keys_;  // what the record at hand carries
  MapCopies copies_;
  Numbers<std::int64_t> common_keys_;
  Numbers<std::int64_t> connecting_;
  Numbers<std::int64_t> many_;
  Numbers<std::int16_t> sources_;  // of the records that are found, each once
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_reach(map_id, live, keys, newly, no_longer, limits, most, gone, dead) →
// identity_map_reached: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_reach) {
  set_map_phase(MapPhase::kReach);
  enum Argument : std::uint8_t {
    kMapId,
    kLive,
    kKeys,
    kNewly,
    kNoLonger,
    kLimits,
    kMost,
    kGone,
    kDead
  };
  const auto numbers = [fcinfo](Argument argument) { return number_argument(fcinfo, argument); };
  const TupleDesc shape = result_shape(fcinfo, 5);
  const Ids dead = ids_argument(fcinfo, kDead);
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  const int map_id = PG_GETARG_INT32(kMapId);
  ReachedRows* rows = LastReached::begin(map_id);
  ContextMemory memory(CurrentMemoryContext);
  auto* room = make<MapRecords>(CurrentMemoryContext, map_id);
  const std::int64_t most = PG_GETARG_INT64(kMost);
  const auto keys = numbers(kKeys);
  auto* walk = make<Walk>(map_id, numbers(kLive), numbers(kGone), keys, numbers(kLimits), most,
                          *rows, *room, memory);
  walk->open();
  for (std::size_t i = 0; i < dead.count; ++i) {
    if (!dead.nulls[i]) walk->add_identity(uuid_of(dead.values[i]));
  }
  walk->read_live();
  for (const std::int64_t key : keys) walk->add_key(key);
  for (const std::int64_t key : numbers(kNoLonger)) walk->add_carriers(key);
  for (const std::int64_t key : numbers(kNewly)) walk->add_carriers(key);
  ChangedRecords::end();
  const bool has_ended = walk->go();
  walk->close();
  PopActiveSnapshot();
  if (!has_ended) {
    // The whole map is settled then, which needs the memory.
    LastReached::end();
    LastRead::end();
    PG_RETURN_NULL();
  }
  PG_RETURN_DATUM(HeapTupleGetDatum(walk->result(shape)));
}
