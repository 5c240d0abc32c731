// Rows that are put into a table many at a time, as COPY does (commands/copyfrom.c).
//
// PostgreSQL's half: plain frames, which may raise errors.
#pragma once

#include "pg/pg.h"

extern "C" {
#include <access/heapam.h>
}

namespace identity_resolve::pg {

struct RowBatch {
  static constexpr std::size_t kMostRows = 1000;

  MemoryContext memory;                          // the slots
  MemoryContext leavings;                        // what putting rows in leaves behind
  std::size_t rows;                              // waiting
  std::array<TupleTableSlot*, kMostRows> slots;  // made as they are needed
};

// On the current memory context, for a batch that is all zeros.
inline void begin_batch(RowBatch& batch) {
  batch.memory = CurrentMemoryContext;
  batch.leavings = AllocSetContextCreate(CurrentMemoryContext, "identity_resolve insertion",
                                         ALLOCSET_DEFAULT_SIZES);
}

// Room for one more row of the table. It has come when `rows` has grown; where that is kMostRows
// there is no more room.
inline TupleTableSlot* room_in(RowBatch& batch, Relation table) {
  TupleTableSlot*& slot = batch.slots[batch.rows];
  if (slot == nullptr) {
    const MemoryContext outer = MemoryContextSwitchTo(batch.memory);
    slot = table_slot_create(table, nullptr);
    MemoryContextSwitchTo(outer);
  }
  return slot;
}

// The rows go into the table, by a command, options and a state as table_multi_insert() has them;
// each(slot) is called for each of them then.
template <class Each>
void put_batch(RowBatch& batch, Relation table, CommandId command, int options,
               BulkInsertState state, Each&& each) {
  if (batch.rows == 0) return;
  const MemoryContext outer = MemoryContextSwitchTo(batch.leavings);
  table_multi_insert(table, batch.slots.data(), static_cast<int>(batch.rows), command, options,
                     state);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    each(batch.slots[i]);
    ExecClearTuple(batch.slots[i]);
  }
  MemoryContextSwitchTo(outer);
  MemoryContextReset(batch.leavings);
  batch.rows = 0;
}

inline void end_batch(RowBatch& batch) {
  for (TupleTableSlot*& slot : batch.slots) {
    if (slot == nullptr) break;  // nor have those behind it been made
    ExecDropSingleTupleTableSlot(std::exchange(slot, nullptr));
  }
  MemoryContextDelete(batch.leavings);
}

}  // namespace identity_resolve::pg
