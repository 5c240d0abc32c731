#include "pg/map_state.h"

namespace identity_resolve::pg {

namespace {

void insert_batch(StateTable* self) {
  put_batch(self->batch, self->table, GetCurrentCommandId(true), 0, nullptr,
            [self](TupleTableSlot* row) {
              ResetPerTupleExprContext(self->state);
              insert_index_entries(self->target, row, self->state);
            });
}

// Makes a slot hold a row that is nowhere yet.
void fill(TupleTableSlot* slot, const Datum* values, const bool* nulls) {
  const auto columns = static_cast<std::size_t>(slot->tts_tupleDescriptor->natts);
  ExecClearTuple(slot);
  std::memcpy(slot->tts_values, values, columns * sizeof(Datum));
  std::memcpy(slot->tts_isnull, nulls, columns * sizeof(bool));
  ExecStoreVirtualTuple(slot);
}

// What became of a row that was to be changed; false where somebody else was sooner.
bool is_done(Relation table, TM_Result result) {
  if (result == TM_Ok) return true;
  if (result != TM_Updated && result != TM_Deleted) {
    elog(ERROR, "a row of \"%s\" cannot be changed: %d", RelationGetRelationName(table),
         static_cast<int>(result));
  }
  if (IsolationUsesXactSnapshot()) {
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("could not serialize access due to concurrent update")));
  }
  return false;
}

}  // namespace

Oid find_state(int map_id, const char* name) {
  return get_relname_relid(psprintf("m%d_%s", map_id, name),
                           get_namespace_oid("identity_state", false));
}

Relation open_state(int map_id, const char* name, std::initializer_list<AclMode> rights,
                    LOCKMODE lock) {
  const Oid id = find_state(map_id, name);
  if (!OidIsValid(id)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation \"identity_state.m%d_%s\" does not exist", map_id, name)));
  }
  for (const AclMode mode : rights) {
    const AclResult right = pg_class_aclcheck(id, GetUserId(), mode);
    if (right != ACLCHECK_OK) {
      aclcheck_error(right, OBJECT_TABLE, psprintf("m%d_%s", map_id, name));
    }
  }
  return table_open(id, lock);
}

StateTable* open_state_table(int map_id, const char* name) {
  return begin_writing(
      open_state(map_id, name, {ACL_INSERT, ACL_UPDATE, ACL_DELETE}, RowExclusiveLock));
}

StateTable* begin_writing(Relation table) {
  auto* self = static_cast<StateTable*>(palloc0(sizeof(StateTable)));
  self->table = table;
  self->state = CreateExecutorState();
  self->state->es_snapshot = GetActiveSnapshot();
  self->target = makeNode(ResultRelInfo);
  InitResultRelInfo(self->target, self->table, 0, nullptr, 0);
  ExecOpenIndices(self->target, false);
  self->old_row = table_slot_create(self->table, nullptr);
  self->new_row = table_slot_create(self->table, nullptr);
  begin_batch(self->batch);
  return self;
}

void close_state_table(StateTable* self) {
  insert_batch(self);
  end_batch(self->batch);
  ExecDropSingleTupleTableSlot(self->old_row);
  ExecDropSingleTupleTableSlot(self->new_row);
  ExecCloseIndices(self->target);
  FreeExecutorState(self->state);
  table_close(self->table, NoLock);
  pfree(self);
}

void insert_row(StateTable* self, const Datum* values, const bool* nulls) {
  TupleTableSlot* slot = room_in(self->batch, self->table);
  fill(slot, values, nulls);
  ExecMaterializeSlot(slot);
  if (++self->batch.rows == RowBatch::kMostRows) insert_batch(self);
}

ItemPointerData put_row(StateTable* self, const Datum* values, const bool* nulls) {
  fill(self->new_row, values, nulls);
  ResetPerTupleExprContext(self->state);
  table_tuple_insert(self->table, self->new_row, GetCurrentCommandId(true), 0, nullptr);
  insert_index_entries(self->target, self->new_row, self->state);
  const ItemPointerData place = self->new_row->tts_tid;
  ExecClearTuple(self->new_row);
  return place;
}

void update_row(StateTable* self, const ItemPointerData& place, const Datum* values,
                const bool* nulls) {
  fill(self->new_row, values, nulls);
  self->old_row->tts_tid = place;
  ResetPerTupleExprContext(self->state);
  ExecSimpleRelationUpdate(self->target, self->state, &self->epq, self->old_row, self->new_row);
  ExecClearTuple(self->new_row);
}

void delete_row(StateTable* self, const ItemPointerData& place) {
  self->old_row->tts_tid = place;
  ResetPerTupleExprContext(self->state);
  ExecSimpleRelationDelete(self->target, self->state, &self->epq, self->old_row);
}

bool try_update_row(StateTable* self, const ItemPointerData& place, const Datum* values,
                    const bool* nulls) {
  fill(self->new_row, values, nulls);
  ResetPerTupleExprContext(self->state);
  const TM_Result result = update_table_row(self->target, place, self->new_row, self->state);
  ExecClearTuple(self->new_row);
  return is_done(self->table, result);
}

bool try_delete_row(StateTable* self, const ItemPointerData& place) {
  return is_done(self->table, delete_table_row(self->table, place, self->state));
}

}  // namespace identity_resolve::pg
