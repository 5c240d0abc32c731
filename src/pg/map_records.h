// Records as an identity map has them.
#pragma once

#include "pg/map_tables.h"
#include "pg/map_transaction.h"

namespace identity_resolve::pg {

struct MapRecord {
  std::int64_t rid;
  std::int32_t source;  // its number
  bool is_new;          // it has no identity
  engine::Uuid identity;
  bool knows_keys;  // what it carries, which is MapRecords::keys_of() then
  std::size_t first_key;
  std::size_t key_count;
};

// A list of records. Those that identity_map_change_records() has changed, for the
// identity_map_reach() that follows it.
struct MapRecords {
  MapRecords(MemoryContext context, int number)
      : memory(context), map_id(number), records(&memory), keys(&memory) {}

  void add(MapRecord record) {
    record.knows_keys = false;
    records.push_back(record);
  }
  void add(MapRecord record, std::span<const std::int64_t> carried) {
    record.knows_keys = true;
    record.first_key = keys.size();
    record.key_count = carried.size();
    records.push_back(record);
    keys.insert(keys.end(), carried.begin(), carried.end());
  }
  void clear() noexcept {
    records.clear();
    keys.clear();
  }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const MapRecord& record) const noexcept {
    return {keys.data() + record.first_key, record.key_count};
  }

  ContextMemory memory;
  int map_id;
  boost::container::pmr::vector<MapRecord> records;
  boost::container::pmr::vector<std::int64_t> keys;
};

using ChangedRecords = OfTransaction<MapRecords>;

// A key that a record does not carry any more, and where m<id>_keys has it.
struct LostKey {
  std::int64_t key;
  std::int64_t rid;
  ItemPointerData place;
};

// Records of which rows came or went, and what is known of them: for identity_map_change_records().
struct TouchedRecords {
  struct Record {
    std::int64_t rid;
    std::int32_t source;    // its number
    bool is_known;          // what it carries now, and that all that it carried is in `went`
    bool is_live;           // it has a row; where it is known
    std::size_t first_key;  // in `keys`: what it carries, rising, where it is known
    std::size_t key_count;
    std::size_t first_went;  // and what its rows carried that are gone, rising
    std::size_t went_count;
  };

  TouchedRecords(MemoryContext context, int number)
      : memory(context), map_id(number), records(&memory), keys(&memory), lost_keys(&memory) {}

  void add(Record record, std::span<const std::int64_t> now, std::span<const std::int64_t> went) {
    record.first_key = keys.size();
    record.key_count = now.size();
    keys.insert(keys.end(), now.begin(), now.end());
    record.first_went = keys.size();
    record.went_count = went.size();
    keys.insert(keys.end(), went.begin(), went.end());
    records.push_back(record);
  }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const Record& record) const noexcept {
    return {keys.data() + record.first_key, record.key_count};
  }
  [[nodiscard]] std::span<const std::int64_t> went_of(const Record& record) const noexcept {
    return {keys.data() + record.first_went, record.went_count};
  }

  ContextMemory memory;
  int map_id;
  bool is_complete = true;  // all that were touched are here
  boost::container::pmr::vector<Record> records;
  boost::container::pmr::vector<std::int64_t> keys;
  boost::container::pmr::vector<LostKey> lost_keys;  // those that have been looked up
};

using LastTouched = OfTransaction<TouchedRecords>;

// What a refresh has put into the copies of its sources, of records that have one row: for the
// steps that follow.
struct FreshRows {
  struct Row {
    MinimalTuple tuple;
    std::int32_t source;     // whose copy has it
    ItemPointerData record;  // where the record stands in m<id>_records, or stood; or nowhere
  };

  FreshRows(MemoryContext context, int number)
      : memory(context), map_id(number), rids(memory), rows(&memory), shapes(&memory) {}

  // The row of a record; nullptr where it is not known.
  [[nodiscard]] const Row* row_of(std::int64_t rid) const noexcept {
    const std::uint32_t place = rids.find(rid);
    return place == NumberTable::kNone ? nullptr : &rows[place];
  }
  void add(std::int64_t rid, const Row& row) {
    if (rids.insert(rid).second) rows.push_back(row);
  }

  ContextMemory memory;
  int map_id;
  std::size_t bytes = 0;  // that they take
  NumberTable rids;
  boost::container::pmr::vector<Row> rows;  // of these records
  // The columns of the copies when their rows were put in.
  struct CopyShape {
    std::int32_t source;
    TupleDesc columns;
  };
  boost::container::pmr::vector<CopyShape> shapes;
};

using LastRead = OfTransaction<FreshRows>;

}  // namespace identity_resolve::pg
