#include "resolve/source_tables.h"

extern "C" {
#include <catalog/pg_class.h>
#include <catalog/pg_inherits.h>
#include <utils/fmgroids.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// The file of a table as a snapshot sees it; InvalidOid where it sees no such table.
Oid file_seen(Oid table, Snapshot snapshot) {
  const Relation tables = table_open(RelationRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  const SysScanDesc scan = systable_beginscan(tables, ClassOidIndexId, true, snapshot, 1, &key);
  const HeapTuple seen = systable_getnext(scan);
  const Oid file = HeapTupleIsValid(seen)
                       ? reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(seen))->relfilenode
                       : InvalidOid;
  systable_endscan(scan);
  table_close(tables, AccessShareLock);
  return file;
}

// Whether a table, which is locked, has another file than the snapshot knows of: whatever writes
// all rows anew gives it one.
bool is_newer(Oid table, Snapshot snapshot) {
  const HeapTuple now = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(now)) return false;
  const FormData_pg_class shape = *reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(now));
  const TransactionId changed_by = HeapTupleHeaderGetXmin(now->t_data);
  ReleaseSysCache(now);
  // Mostly nobody has changed anything about it. What this transaction did is seen.
  if (shape.relkind != RELKIND_RELATION || TransactionIdIsCurrentTransactionId(changed_by) ||
      !XidInMVCCSnapshot(changed_by, snapshot)) {
    return false;
  }
  return file_seen(table, snapshot) != shape.relfilenode;
}

// What to look for, and what has been found.
struct Search {
  Snapshot snapshot;
  Oid newer;

  void look_at(Oid table) {
    if (snapshot != nullptr && !OidIsValid(newer) && is_newer(table, snapshot)) newer = table;
  }
};

bool lock_below(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Query)) return walk_query(reinterpret_cast<Query*>(node), lock_below, context);
  if (!IsA(node, RangeTblEntry)) return walk_expression(node, lock_below, context);
  const auto* table = reinterpret_cast<const RangeTblEntry*>(node);
  if (table->rtekind != RTE_RELATION) return false;
  auto* search = static_cast<Search*>(context);
  search->look_at(table->relid);
  if (!table->inh || !has_subclass(table->relid)) return false;
  List* all = find_all_inheritors(table->relid, AccessShareLock, nullptr);
  ListCell* cell = nullptr;
  foreach (cell, all) search->look_at(lfirst_oid(cell));
  list_free(all);
  return false;
}

}  // namespace

const char* files_of(std::span<const Oid> tables) {
  List* all = NIL;
  for (const Oid table : tables) {
    all = list_concat_unique_oid(all, find_all_inheritors(table, AccessShareLock, nullptr));
  }
  list_sort(all, list_oid_cmp);
  StringInfoData files;
  initStringInfo(&files);
  ListCell* cell = nullptr;
  foreach (cell, all) {
    const Oid table = lfirst_oid(cell);
    const HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(row)) continue;
    const Oid file = reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(row))->relfilenode;
    ReleaseSysCache(row);
    appendStringInfo(&files, "%s%u:%u", files.len == 0 ? "" : " ", table, file);
  }
  return files.data;
}

Oid lock_tables(const Query* query, Snapshot snapshot) {
  Search search{snapshot, InvalidOid};
  static_cast<void>(lock_below(reinterpret_cast<Node*>(const_cast<Query*>(query)), &search));
  return search.newer;
}

}  // namespace identity_resolve::pg
