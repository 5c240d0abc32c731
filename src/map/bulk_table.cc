#include "map/bulk_table.h"

#include "pg/progress.h"

extern "C" {
#include <storage/lmgr.h>
}

namespace identity_resolve::pg {

namespace {

// A batch ends with so many bytes too, as COPY's does (commands/copyfrom.c).
constexpr std::size_t kMostBytes = std::size_t{64} * 1024;

void put_waiting(BulkTable* self) {
  put_batch(self->batch, self->rows, self->command, TABLE_INSERT_SKIP_FSM, self->state,
            [](TupleTableSlot*) {});
  self->bytes = 0;
}

void put_into_twin(BulkTable* self, const Datum* values, const bool* nulls) {
  TupleTableSlot* slot = room_in(self->batch, self->rows);
  const auto columns = static_cast<std::size_t>(slot->tts_tupleDescriptor->natts);
  ExecClearTuple(slot);
  std::memcpy(slot->tts_values, values, columns * sizeof(Datum));
  std::memcpy(slot->tts_isnull, nulls, columns * sizeof(bool));
  ExecStoreVirtualTuple(slot);
  ExecMaterializeSlot(slot);
  const auto* row = reinterpret_cast<const BufferHeapTupleTableSlot*>(slot);
  self->bytes += row->base.tuple->t_len;
  if (++self->batch.rows == RowBatch::kMostRows || self->bytes >= kMostBytes) put_waiting(self);
}

void begin_comparing(BulkTable* self) {
  if (RelationGetNumberOfBlocks(self->table) == 0) return;
  self->former = begin_table_scan(self->table, RegisterSnapshot(GetLatestSnapshot()));
  self->former_row = table_slot_create(self->table, nullptr);
}
void end_comparing(BulkTable* self) {
  if (self->former == nullptr) return;
  const Snapshot snapshot = self->former->rs_snapshot;
  ExecDropSingleTupleTableSlot(self->former_row);
  table_endscan(self->former);
  UnregisterSnapshot(snapshot);
  self->former = nullptr;
}
bool next_former(BulkTable* self) {
  return self->former != nullptr &&
         table_scan_getnextslot(self->former, ForwardScanDirection, self->former_row);
}
bool is_former_row(BulkTable* self, const Datum* values, const bool* nulls) {
  TupleTableSlot* row = self->former_row;
  slot_getallattrs(row);
  for (int i = 0; i < row->tts_tupleDescriptor->natts; ++i) {
    const FormData_pg_attribute& column = *TupleDescAttr(row->tts_tupleDescriptor, i);
    if (row->tts_isnull[i] != nulls[i]) return false;
    if (!nulls[i] &&
        !datum_image_eq(row->tts_values[i], values[i], column.attbyval, column.attlen)) {
      return false;
    }
  }
  return true;
}

// The rows that were the same so far are the twin's first ones.
void begin_twin(BulkTable* self) {
  const MemoryContext outer = MemoryContextSwitchTo(self->memory);
  const Oid twin = make_twin(self->table);
  CommandCounterIncrement();
  self->rows = table_open(twin, ExclusiveLock);
  self->state = GetBulkInsertState();
  self->command = GetCurrentCommandId(true);
  begin_batch(self->batch);
  if (self->former != nullptr) table_rescan(self->former, nullptr);
  for (std::int64_t i = 0; i < self->same; ++i) {
    CHECK_FOR_INTERRUPTS();
    if (!next_former(self)) elog(ERROR, "a row was lost between two readings");
    slot_getallattrs(self->former_row);
    put_into_twin(self, self->former_row->tts_values, self->former_row->tts_isnull);
  }
  end_comparing(self);
  MemoryContextSwitchTo(outer);
}

}  // namespace

BulkTable* begin_bulk(int map_id, const char* name) {
  auto* self = static_cast<BulkTable*>(palloc0(sizeof(BulkTable)));
  // Readers go on meanwhile.
  self->table = open_state(map_id, name, {ACL_INSERT, ACL_DELETE, ACL_TRUNCATE}, ExclusiveLock);
  self->memory = CurrentMemoryContext;
  begin_comparing(self);
  return self;
}

void put_bulk(BulkTable* self, const Datum* values, const bool* nulls) {
  if (self->rows == nullptr) {
    if (next_former(self) && is_former_row(self, values, nulls)) {
      ++self->same;
      return;
    }
    begin_twin(self);
  }
  put_into_twin(self, values, nulls);
}

void finish_bulk(BulkTable* self) {
  if (self->rows == nullptr && next_former(self)) begin_twin(self);
  end_comparing(self);
  const Oid table = RelationGetRelid(self->table);
  const char persistence = self->table->rd_rel->relpersistence;
  table_close(self->table, NoLock);
  if (self->rows != nullptr) {
    put_waiting(self);
    end_batch(self->batch);
    FreeBulkInsertState(self->state);
    table_finish_bulk_insert(self->rows, TABLE_INSERT_SKIP_FSM);
    const Oid twin = RelationGetRelid(self->rows);
    table_close(self->rows, NoLock);
    LockRelationOid(table, AccessExclusiveLock);
    CommandCounterIncrement();
    const MapPhase phase = set_map_phase(MapPhase::kIndex);
    take_rows_of_twin(table, twin, persistence);
    set_map_phase(phase);
  }
  pfree(self);
}

}  // namespace identity_resolve::pg
