// m<id>_gone: of each record that is gone, not longer ago than identity_resolve.revive_for says,
// the identity that it was, and since when there was that. Its key is the record's number.
//
// PostgreSQL's half.
#pragma once

#include "map/datums.h"
#include "map/lookup.h"
#include "map/state_tables.h"

namespace identity_resolve::pg {

struct GoneRecord {
  std::int64_t rid;
  engine::Uuid id;
  TimestampTz created_at;
};

// Looks records up, by the active snapshot.
class GoneRecords {
 public:
  void open(int map_id) {
    gone_ = open_lookup(map_id, "gone", {"hash"}, GetActiveSnapshot());
    retired_ = open_lookup(map_id, "retired", {"identity_id"}, GetActiveSnapshot());
  }
  void close() {
    close_lookup(gone_);
    close_lookup(retired_);
  }
  [[nodiscard]] bool are_none() const noexcept { return gone_.is_empty; }

  // Whether a record was gone: then what it was.
  bool find(std::int64_t rid, GoneRecord& found) {
    pg::find(gone_, Int64GetDatum(rid));
    if (!next(gone_)) return false;
    found = of_row(gone_.row);
    return true;
  }
  // Whether an identity is no more and has gone into no other one: it may come back.
  bool is_nobody(const engine::Uuid& id) {
    pg::find(retired_, datum_of(id));
    if (!next(retired_)) return false;
    bool has_gone_nowhere = false;
    static_cast<void>(slot_getattr(retired_.row, kRetiredInto, &has_gone_nowhere));
    return has_gone_nowhere;
  }

  // Calls visit(GoneRecord) for all of them.
  template <class Visit>
  static void each(int map_id, Visit&& visit) {
    each_state_row(map_id, "gone", [&](TupleTableSlot* row) { visit(of_row(row)); });
  }

 private:
  static constexpr AttrNumber kRetiredInto = 2;

  static GoneRecord of_row(TupleTableSlot* row) {
    slot_getallattrs(row);
    return {DatumGetInt64(row->tts_values[0]), uuid_of(row->tts_values[1]),
            DatumGetTimestampTz(row->tts_values[2])};
  }

  Lookup gone_{};
  Lookup retired_{};
};

// Writes down which records are gone, and which of them are back.
class GoneWriter {
 public:
  // As of `at`.
  void open(int map_id, TimestampTz at) {
    at_ = TimestampTzGetDatum(at);
    table_ = open_state_table(map_id, "gone");
    known_ = open_lookup(map_id, "gone", {"hash"}, GetActiveSnapshot());
  }
  void close() {
    close_lookup(known_);
    close_state_table(table_);
  }
  void add(const GoneRecord& record) {
    remove(record.rid);
    const std::array<Datum, 4> values = {Int64GetDatum(record.rid), datum_of(record.id),
                                         TimestampTzGetDatum(record.created_at), at_};
    const std::array<bool, 4> nulls{};
    insert_row(table_, values.data(), nulls.data());
  }
  void remove(std::int64_t rid) {
    CHECK_FOR_INTERRUPTS();
    find(known_, Int64GetDatum(rid));
    if (next(known_)) delete_row(table_, known_.row->tts_tid);
  }

 private:
  Datum at_ = 0;
  StateTable* table_ = nullptr;
  Lookup known_{};
};

}  // namespace identity_resolve::pg
