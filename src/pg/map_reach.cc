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
#include "pg/map_keys.h"
#include "pg/map_lookup.h"
#include "pg/map_packs.h"
#include "pg/map_records.h"
#include "pg/map_tables.h"

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
        live_(memory),
        gone_(memory),
        seeds_(memory),
        carrier_counts_(&memory),
        seen_records_(memory),
        included_(memory),
        seen_keys_(memory),
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
    for (const std::int64_t rid : live) live_.insert(rid);
    for (const std::int64_t rid : gone) gone_.insert(rid);
    for (const std::int64_t key : seeds) seeds_.insert(key);
    carrier_counts_.resize(seeds_.keys().size(), 0);
  }

  void open() {
    records_ = open_lookup(map_id_, "records", GetActiveSnapshot());
    carriers_ = open_lookup(map_id_, "keys", GetActiveSnapshot(), IndexOnly::kYes);
    common_ = open_lookup(map_id_, "common", GetActiveSnapshot());
    identity_of_ = open_lookup(map_id_, "identities", GetActiveSnapshot());
    fresh_ = LastRead::of(map_id_);
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
      for (const std::int64_t rid : live_.keys()) seen_records_.insert(rid);
      new_records_.assign(live_.keys().begin(), live_.keys().end());
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
    if (note_key(key)) {
      guarded([&] { new_keys_.push_back(key); });
    }
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
        if (!included_.contains(rid)) look_up_record(rid);
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
      const std::int64_t key = seeds_.keys()[i];
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
    return static_cast<std::int64_t>(seen_records_.keys().size()) > most_ ||
           bytes_ / 1024 > static_cast<std::size_t>(maintenance_work_mem);
  }
  [[nodiscard]] bool is_many(std::int64_t key, std::int64_t records) const noexcept {
    const std::size_t kind = kind_of_key(key);
    return kind < limits_.size() && limits_[kind] > 0 && records >= limits_[kind];
  }
  bool is_common(std::int64_t key) {
    find(common_, Int64GetDatum(key));
    return next(common_);
  }
  // Whether an identifier is a new one and connects those who carry it.
  bool note_key(std::int64_t key) {
    if (!guarded([&] { return seen_keys_.insert(key).second; })) return false;
    const bool connects = !is_common(key);
    guarded([&] {
      if (!connects) {
        common_keys_.push_back(key);
        rows_->common.insert(key);
      }
      if (connects || seeds_.contains(key)) connecting_.push_back(key);
    });
    return connects;
  }
  void add_record(std::int64_t rid) {
    guarded([&] {
      if (seen_records_.insert(rid).second) new_records_.push_back(rid);
    });
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
      if (!included_.contains(record.rid)) take_record(record);
    }
    records_here_->clear();
  }
  void take_record(const MapRecord& record) {
    include(record.rid, record.source, record.is_new ? nullptr : &record.identity);
    take_rows(record);
    count_carrier({row_keys_.data(), row_keys_.size()});
    for (const std::int64_t key : row_keys_) add_key(key);
  }
  // identity: nullptr for none.
  void include(std::int64_t rid, std::int32_t source, const engine::Uuid* identity) {
    guarded([&] {
      if (!included_.insert(rid).second) return;
      seen_records_.insert(rid);
      rows_->rids.push_back(rid);
      rows_->olds.push_back(identity == nullptr ? engine::Uuid{} : *identity);
      rows_->is_new.push_back(identity == nullptr);
      const auto number = static_cast<std::int16_t>(source);
      if (std::find(sources_.begin(), sources_.end(), number) == sources_.end()) {
        sources_.push_back(number);
      }
    });
  }

  void count_carrier(std::span<const std::int64_t> keys) noexcept {
    for (const std::int64_t key : keys) {
      const std::uint32_t place = seeds_.find(key);
      if (place != NumberTable::kNone) ++carrier_counts_[place];
    }
  }

  // The rows of a record; what they carry into row_keys_.
  void take_rows(const MapRecord& record) {
    row_keys_.clear();
    const FreshRows::Row* fresh = fresh_ == nullptr ? nullptr : fresh_->row_of(record.rid);
    if (fresh == nullptr || !record.knows_keys) {
      read_rows(record.rid, record.source);
      sort_each_once(row_keys_);
      return;
    }
    // It carries what the record does. The rows that were read end before those that were reached.
    const MinimalTuple row = fresh->tuple;
    bytes_ += row->t_len;
    guarded([&] {
      auto* copy = reinterpret_cast<MinimalTuple>(rows_->bytes.allocate(row->t_len));
      std::memcpy(copy, row, row->t_len);
      const std::span<const std::int64_t> keys = records_here_->keys_of(record);
      row_keys_.assign(keys.begin(), keys.end());
      rows_->add(record.rid, record.source, keys, copy);
    });
  }
  // The rows of a record, from the copy of its source.
  void read_rows(std::int64_t rid, std::int32_t source) {
    Lookup& rows = copies_.of(source).rows;
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
          rows_->add(rid, source, keys, tuple);
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
    ExecStoreMinimalTuple(tuple, row, false);
    slot_getsomeattrs(row, kRowKeys);
    const std::int64_t rid = DatumGetInt64(row->tts_values[kRowRid - 1]);
    with_numbers(row->tts_values[kRowKeys - 1], [&](std::span<const std::int64_t> keys) {
      // No path leads out of an identity that shares nothing, nor did by what a changed record
      // carried.
      for (const std::int64_t key : keys) {
        if (shares) {
          add_key(key);
        } else {
          static_cast<void>(note_key(key));
        }
      }
      if (gone_.contains(rid) || live_.contains(rid)) return;
      include(rid, source, &identity);
      count_carrier(keys);
      guarded([&] { rows_->add(rid, source, keys, tuple); });
    });
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
  NumberTable live_;
  NumberTable gone_;
  NumberTable seeds_;
  Numbers<std::int64_t> carrier_counts_;  // by the places of the seeds
  NumberTable seen_records_;              // found, to be read or included
  NumberTable included_;
  NumberTable seen_keys_;
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
IDENTITY_RESOLVE_FUNCTION(identity_map_reach) {
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
  auto* room = static_cast<MapRecords*>(palloc(sizeof(MapRecords)));
  guarded([&] { new (room) MapRecords(CurrentMemoryContext, map_id); });
  void* place = palloc(sizeof(Walk));
  const auto live = numbers(kLive);
  const auto gone = numbers(kGone);
  const auto keys = numbers(kKeys);
  const auto limits = numbers(kLimits);
  const std::int64_t most = PG_GETARG_INT64(kMost);
  Walk* walk = guarded([&] {
    return new (place) Walk(map_id, live, gone, keys, limits, most, *rows, *room, memory);
  });
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
