#include "pg/map_lookup.h"

extern "C" {
#include <access/stratnum.h>
#include <access/visibilitymap.h>
#include <storage/bufmgr.h>
#include <utils/fmgroids.h>
}

namespace identity_resolve::pg {

Lookup open_lookup(int map_id, const char* name, Snapshot snapshot, IndexOnly index_only) {
  Lookup lookup{};
  const char* relation = psprintf("m%d_%s", map_id, name);
  const Oid schema = get_namespace_oid("identity_state", false);
  const Oid id = get_relname_relid(relation, schema);
  if (!OidIsValid(id)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation \"identity_state.%s\" does not exist", relation)));
  }
  const AclResult right = pg_class_aclcheck(id, GetUserId(), ACL_SELECT);
  if (right != ACLCHECK_OK) aclcheck_error(right, OBJECT_TABLE, relation);
  lookup.table = table_open(id, AccessShareLock);
  const Oid key = primary_key_of(lookup.table);
  if (!OidIsValid(key)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                    errmsg("relation \"identity_state.%s\" has no primary key", relation)));
  }
  lookup.index = index_open(key, AccessShareLock);
  lookup.row = table_slot_create(lookup.table, nullptr);
  lookup.scan = begin_index_scan(lookup.table, lookup.index, snapshot, 1);
  lookup.scan->xs_want_itup = index_only == IndexOnly::kYes;
  lookup.visible = InvalidBuffer;
  lookup.is_empty = RelationGetNumberOfBlocks(lookup.table) == 0;
  const bool is_uuid = TupleDescAttr(RelationGetDescr(lookup.index), 0)->atttypid == UUIDOID;
  ScanKeyInit(&lookup.condition, 1, BTEqualStrategyNumber, is_uuid ? F_UUID_EQ : F_INT8EQ,
              Datum{0});
  return lookup;
}

void close_lookup(const Lookup& lookup) {
  if (lookup.visible != InvalidBuffer) ReleaseBuffer(lookup.visible);
  index_endscan(lookup.scan);
  ExecDropSingleTupleTableSlot(lookup.row);
  index_close(lookup.index, NoLock);
  table_close(lookup.table, NoLock);
}

void find(Lookup& lookup, Datum key) {
  CHECK_FOR_INTERRUPTS();
  if (lookup.is_empty) return;
  lookup.condition.sk_argument = key;
  index_rescan(lookup.scan, &lookup.condition, 1, nullptr, 0);
}

bool next(const Lookup& lookup) {
  return !lookup.is_empty && index_getnext_slot(lookup.scan, ForwardScanDirection, lookup.row);
}

Datum value_of(const Lookup& lookup, AttrNumber column) {
  bool is_null = false;
  return slot_getattr(lookup.row, column, &is_null);
}

// Of a page that all transactions see as a whole the index has said it all.
bool next_number(Lookup& lookup, std::int64_t& number) {
  if (lookup.is_empty) return false;
  const IndexScanDesc scan = lookup.scan;
  while (const ItemPointer row = index_getnext_tid(scan, ForwardScanDirection)) {
    if (!VM_ALL_VISIBLE(scan->heapRelation, ItemPointerGetBlockNumber(row), &lookup.visible)) {
      if (!index_fetch_heap(scan, lookup.row)) continue;
    }
    bool is_null = false;
    number = DatumGetInt64(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &is_null));
    return true;
  }
  return false;
}

}  // namespace identity_resolve::pg
