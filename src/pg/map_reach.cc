// identity_map_reach(): the records of an identity map that a change may concern.
//
// A walk from record to identifier to record, a step of all paths at a time: each record and each
// identifier is looked up once, by the primary keys of the map's own tables, in rising order.
//
// Plain frames: what C++ objects there are have all their memory on the function's context.
#include "pg/environment.h"
#include "pg/map_arrays.h"
#include "pg/map_keys.h"
#include "pg/map_lookup.h"
#include "pg/map_tables.h"

#include <algorithm>

namespace identity_resolve::pg {

namespace {

template <class T>
using Numbers = boost::container::pmr::vector<T>;

// The columns of m<id>_records: src/sql/51-map-state.sql.
enum RecordColumn : AttrNumber { kSource = 2, kIdentityId = 4, kKeys = 5 };

class Walk {
 public:
  // limits: of each kind, how many records of one source may carry an identifier; 0: any number.
  Walk(const Lookup& records, const Lookup& carriers, const Lookup& common,
       std::span<const std::int64_t> limits, ContextMemory& memory)
      : limits_(limits),
        records_(records),
        carriers_(carriers),
        common_(common),
        seen_records_(memory),
        seen_keys_(memory),
        new_records_(&memory),
        new_keys_(&memory),
        step_(&memory),
        common_keys_(&memory),
        connecting_(&memory),
        many_(&memory),
        rids_(&memory),
        sources_(&memory),
        olds_(&memory),
        old_is_null_(&memory) {}

  void add_record(std::int64_t rid) {
    guarded([&] {
      if (seen_records_.insert(rid).second) new_records_.push_back(rid);
    });
  }
  // An identifier that connects those who carry it, unless it is too common.
  void add_key(std::int64_t key, bool is_seed) {
    if (!guarded([&] { return seen_keys_.insert(key).second; })) return;
    const bool connects = !is_common(key);
    guarded([&] {
      if (connects) new_keys_.push_back(key);
      if (!connects) common_keys_.push_back(key);
      if (connects || is_seed) connecting_.push_back(key);
    });
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
    const std::size_t kind = kind_of_key(key);
    if (kind < limits_.size() && limits_[kind] > 0 && records >= limits_[kind]) {
      guarded([&] { many_.push_back(key); });
    }
  }

  // Whether it has come to its end without more records than `most`.
  bool go(std::int64_t most) {
    while (!new_records_.empty() || !new_keys_.empty()) {
      begin_step(new_records_);
      if (static_cast<std::int64_t>(seen_records_.keys().size()) > most) return false;
      for (const std::int64_t rid : step_) read_record(rid);
      begin_step(new_keys_);
      for (const std::int64_t key : step_) {
        add_carriers(key);
        if (static_cast<std::int64_t>(seen_records_.keys().size()) > most) return false;
      }
    }
    return true;
  }

  void close() {
    close_lookup(records_);
    close_lookup(carriers_);
    close_lookup(common_);
  }

  // A value of the type identity_map_reached.
  HeapTuple result(TupleDesc shape) {
    const auto count = static_cast<int>(rids_.size());
    std::array<Datum, 6> values = {
        number_array({rids_.data(), rids_.size()}),
        PointerGetDatum(construct_array(sources_.data(), count, INT2OID, sizeof(std::int16_t), true,
                                        TYPALIGN_SHORT)),
        uuid_array(olds_.data(), old_is_null_.data(), olds_.size()),
        number_array({connecting_.data(), connecting_.size()}),
        number_array({common_keys_.data(), common_keys_.size()}),
        number_array({many_.data(), many_.size()})};
    std::array<bool, 6> nulls{};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  // Takes what is to be looked up next, in rising order: neighbours lie on one page.
  void begin_step(Numbers<std::int64_t>& found) {
    step_.swap(found);
    found.clear();
    std::sort(step_.begin(), step_.end());
  }

  bool is_common(std::int64_t key) {
    find(common_, Int64GetDatum(key));
    return next(common_);
  }

  void read_record(std::int64_t rid) {
    find(records_, Int64GetDatum(rid));
    if (!next(records_)) return;
    slot_getsomeattrs(records_.row, kKeys);
    bool is_new = false;
    const Datum old = slot_getattr(records_.row, kIdentityId, &is_new);
    const Datum kept_old = is_new ? Datum{0} : datumCopy(old, false, sizeof(pg_uuid_t));
    const Datum source = value_of(records_, kSource);
    guarded([&] {
      rids_.push_back(rid);
      sources_.push_back(source);
      olds_.push_back(kept_old);
      old_is_null_.push_back(is_new);
    });
    const Datum stored = value_of(records_, kKeys);
    ArrayType* keys = DatumGetArrayTypeP(stored);
    for (const std::int64_t key : numbers_of(keys)) add_key(key, false);
    if (PointerGetDatum(keys) != stored) pfree(keys);
  }

  std::span<const std::int64_t> limits_;
  Lookup records_;
  Lookup carriers_;
  Lookup common_;
  NumberTable seen_records_;
  NumberTable seen_keys_;
  Numbers<std::int64_t> new_records_;
  Numbers<std::int64_t> new_keys_;
  Numbers<std::int64_t> step_;
  Numbers<std::int64_t> common_keys_;
  Numbers<std::int64_t> connecting_;
  Numbers<std::int64_t> many_;
  // What is found, a record at a place.
  Numbers<std::int64_t> rids_;
  Numbers<Datum> sources_;
  Numbers<Datum> olds_;
  Numbers<bool> old_is_null_;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_reach(map_id, live, keys, newly, no_longer, limits, most) → identity_map_reached:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_reach) {
  std::array<std::span<const std::int64_t>, 5> given;
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = number_argument(fcinfo, static_cast<int>(i) + 1);
  }
  TupleDesc shape = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE || shape->natts != 6) {
    elog(ERROR, "identity_map_reach() gives another type");
  }
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  const int map_id = PG_GETARG_INT32(0);
  const Lookup records = open_lookup(map_id, "records", GetActiveSnapshot());
  const Lookup carriers = open_lookup(map_id, "keys", GetActiveSnapshot(), IndexOnly::kYes);
  const Lookup common = open_lookup(map_id, "common", GetActiveSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  void* place = palloc(sizeof(Walk));
  Walk* walk =
      guarded([&] { return new (place) Walk(records, carriers, common, given[4], memory); });
  for (const std::int64_t rid : given[0]) walk->add_record(rid);
  for (const std::int64_t key : given[1]) walk->add_key(key, true);
  for (const std::int64_t key : given[3]) walk->add_key(key, true);
  for (const std::int64_t key : given[2]) walk->add_carriers(key);
  const bool has_ended = walk->go(PG_GETARG_INT64(6));
  walk->close();
  PopActiveSnapshot();
  if (!has_ended) PG_RETURN_NULL();
  PG_RETURN_DATUM(HeapTupleGetDatum(walk->result(shape)));
}
