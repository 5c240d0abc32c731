#include "map/identity_table.h"

#include "map/datums.h"

namespace identity_resolve::pg {

void IdentityTable::open(int map_id) {
  const Relation table = open_state(
      map_id, "identities", {ACL_SELECT, ACL_INSERT, ACL_UPDATE, ACL_DELETE}, RowExclusiveLock);
  table_ = begin_writing(table);
  // Of a table that never had a row nobody uses the index.
  table_->waits_for_indexes = RelationGetNumberOfBlocks(table) == 0;
  snapshot_ = RegisterSnapshot(GetLatestSnapshot());
  row_ = table_slot_create(table, nullptr);
  memory_ =
      AllocSetContextCreate(CurrentMemoryContext, "identity map pack", ALLOCSET_DEFAULT_SIZES);
}

IdentityLookup::Found IdentityTable::read(std::uint32_t number) {
  if (!table_tuple_fetch_row_version(table_->table, &places_[number], snapshot_, row_)) {
    bad_state("An identity was lost between two readings.");
  }
  MemoryContextReset(memory_);
  const MemoryContext outer = MemoryContextSwitchTo(memory_);
  const IdentityLookup::Found found = IdentityLookup::found_in(row_);
  MemoryContextSwitchTo(outer);
  return found;
}

bool IdentityTable::put(std::uint32_t number, const engine::Uuid& id, TimestampTz at,
                        std::string_view pack, std::uint64_t print) {
  if (number != kNew) {
    const bool is_same = prints_[number] == print;
    became_[number] = is_same ? Became::kSame : Became::kOther;
    if (is_same) return false;
    at = read(number).created_at;
  }
  const std::array<Datum, 3> values = {datum_of(id), TimestampTzGetDatum(at), bytes_value(pack)};
  const std::array<bool, 3> nulls{};
  // A row that changes may find room on its page, and its index nothing to do; many are sooner
  // written together.
  if (number != kNew && ++changes_ <= places_.size() / 8) {
    update_row(table_, places_[number], values.data(), nulls.data());
  } else {
    if (number != kNew) delete_row(table_, places_[number]);
    insert_row(table_, values.data(), nulls.data());
  }
  pfree(DatumGetPointer(values[2]));
  return true;
}

void IdentityTable::end() {
  UnregisterSnapshot(snapshot_);
  ExecDropSingleTupleTableSlot(row_);
  MemoryContextDelete(memory_);
  // What follows needs the memory.
  const auto drop = [](auto& list) {
    list.clear();
    list.shrink_to_fit();
  };
  guarded([&] {
    drop(places_);
    drop(prints_);
    drop(became_);
  });
  const Oid table = RelationGetRelid(table_->table);
  const bool waits = table_->waits_for_indexes;
  close_state_table(table_);
  CommandCounterIncrement();
  if (!waits) return;
  const MapPhase phase = set_map_phase(MapPhase::kIndex);
  rebuild_indexes(table);
  set_map_phase(phase);
}

void IdentityTable::leave() { end(); }

void IdentityTable::close() {
  each_gone([this](std::uint32_t number) {
    CHECK_FOR_INTERRUPTS();
    delete_row(table_, places_[number]);
  });
  end();
}

}  // namespace identity_resolve::pg
