#include "map/lookup.h"

#include "map/state_tables.h"

extern "C" {
#include <access/stratnum.h>
#include <catalog/pg_am.h>
#include <utils/fmgroids.h>
}

namespace identity_resolve::pg {

namespace {

[[noreturn]] void no_index(Relation table, const char* column) {
  bad_shape(psprintf("Table \"%s\" has no index by its column \"%s\".",
                     RelationGetRelationName(table), column));
}

RegProcedure equality_of(Oid type) {
  switch (type) {
    case INT8OID:
      return F_INT8EQ;
    case INT2OID:
      return F_INT2EQ;
    case UUIDOID:
      return F_UUID_EQ;
    case TEXTOID:
      return F_TEXTEQ;
    default:
      elog(ERROR, "an identity map looks nothing up by type %u", type);
  }
}

Lookup begin_lookup(Relation table, Relation index, int count, Snapshot snapshot) {
  Lookup lookup{};
  lookup.memory = CurrentMemoryContext;
  lookup.table = table;
  lookup.index = index;
  lookup.count = count;
  lookup.row = table_slot_create(table, nullptr);
  lookup.scan = begin_index_scan(table, index, snapshot, count);
  lookup.is_empty = RelationGetNumberOfBlocks(table) == 0;
  for (int i = 0; i < count; ++i) {
    const Oid type = TupleDescAttr(RelationGetDescr(index), i)->atttypid;
    // Its collation is "C".
    ScanKeyInit(&lookup.conditions[static_cast<std::size_t>(i)], static_cast<AttrNumber>(i + 1),
                BTEqualStrategyNumber, equality_of(type), Datum{0});
  }
  return lookup;
}

// Whether it can be asked, and begins with these columns.
bool begins_with(Relation index, Relation table, std::span<const char* const> columns) {
  const FormData_pg_index* shape = index->rd_index;
  if (!shape->indisvalid || shape->indnkeyatts < static_cast<int>(columns.size()) ||
      index->rd_rel->relam != BTREE_AM_OID) {
    return false;
  }
  int at = 0;
  for (const char* column : columns) {
    const AttrNumber number = shape->indkey.values[at++];
    if (number <= 0) return false;
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), number - 1);
    if (std::strcmp(NameStr(attribute->attname), column) != 0) return false;
    // In the type's own order: the operator that is looked up by is of that class.
    if (!is_in_own_order(index, at - 1, attribute->atttypid)) return false;
  }
  return RelationGetIndexPredicate(index) == NIL;
}

// One that can be asked by these columns, open; nullptr for none.
Relation find_index(Relation table, std::span<const char* const> columns, bool is_unique = false) {
  Relation found = nullptr;
  List* indexes = RelationGetIndexList(table);
  ListCell* cell = nullptr;
  foreach (cell, indexes) {
    const Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    const FormData_pg_index& shape = *index->rd_index;
    if (begins_with(index, table, columns) &&
        (!is_unique ||
         (shape.indisunique && shape.indnkeyatts == static_cast<int>(columns.size())))) {
      found = index;
      break;
    }
    index_close(index, AccessShareLock);
  }
  list_free(indexes);
  return found;
}

// Finds the conditions' rows by the leaf page of the index that is at hand; false where a scan has
// to do it: for the first few keys, of which nothing is known yet, for a while after many that lay
// on pages of their own, and where a transaction has to take note of what it has looked for.
bool find_on_leaf(Lookup& lookup) {
  constexpr int kFew = 32;
  constexpr int kTrial = 256;
  constexpr int kPause = 2048;
  if (++lookup.finds <= kFew || IsolationIsSerializable()) return false;
  if (lookup.leaf == nullptr) {
    lookup.leaf = open_leaf(lookup.memory, lookup.index, lookup.table, lookup.count);
  }
  IndexLeaf& leaf = *lookup.leaf;
  if (leaf.searches == kTrial) {
    if (leaf.descents > kTrial * 3 / 4) lookup.finds = kFew - kPause;
    leaf.searches = leaf.descents = 0;
  }
  return search_leaf(&leaf, lookup.conditions.data());
}

// The row at a place that the index has, or its version that the snapshot sees, into lookup.row.
bool fetch_row(const Lookup& lookup, ItemPointerData place) {
  bool has_more = false;
  return table_index_fetch_tuple(lookup.scan->xs_heapfetch, &place, lookup.scan->xs_snapshot,
                                 lookup.row, &has_more, nullptr);
}

}  // namespace

Lookup open_lookup(int map_id, const char* name, std::initializer_list<const char*> columns,
                   Snapshot snapshot) {
  const Relation table = open_state(map_id, name, {ACL_SELECT}, AccessShareLock);
  const Relation index = find_index(table, {columns.begin(), columns.size()});
  if (index == nullptr) no_index(table, *columns.begin());
  return begin_lookup(table, index, static_cast<int>(columns.size()), snapshot);
}

bool open_lookup_in(Relation table, std::initializer_list<const char*> columns, Snapshot snapshot,
                    Lookup& lookup) {
  const Relation index = find_index(table, {columns.begin(), columns.size()});
  if (index == nullptr) return false;
  RelationIncrementReferenceCount(table);
  lookup = begin_lookup(table, index, static_cast<int>(columns.size()), snapshot);
  return true;
}

bool has_index(Relation table, std::span<const char* const> columns, bool is_unique) {
  const Relation index = find_index(table, columns, is_unique);
  if (index != nullptr) index_close(index, AccessShareLock);
  return index != nullptr;
}

void close_lookup(const Lookup& lookup) {
  if (lookup.leaf != nullptr) close_leaf(lookup.leaf);
  index_endscan(lookup.scan);
  ExecDropSingleTupleTableSlot(lookup.row);
  index_close(lookup.index, NoLock);
  table_close(lookup.table, NoLock);
}

void find(Lookup& lookup, Datum key) {
  CHECK_FOR_INTERRUPTS();
  if (lookup.is_empty) return;
  lookup.conditions[0].sk_argument = key;
  lookup.is_on_leaf = find_on_leaf(lookup);
  if (lookup.is_on_leaf) return;
  const MemoryContext outer = MemoryContextSwitchTo(lookup.memory);
  index_rescan(lookup.scan, lookup.conditions.data(), lookup.count, nullptr, 0);
  MemoryContextSwitchTo(outer);
}

void find(Lookup& lookup, Datum first, Datum second) {
  lookup.conditions[1].sk_argument = second;
  find(lookup, first);
}

bool next(const Lookup& lookup) {
  if (lookup.is_empty) return false;
  if (!lookup.is_on_leaf) {
    const MemoryContext outer = MemoryContextSwitchTo(lookup.memory);
    const bool is_found = index_getnext_slot(lookup.scan, ForwardScanDirection, lookup.row);
    MemoryContextSwitchTo(outer);
    return is_found;
  }
  IndexLeaf& leaf = *lookup.leaf;
  while (leaf.next < leaf.count) {
    if (fetch_row(lookup, leaf.places[static_cast<std::size_t>(leaf.next++)])) return true;
  }
  return false;
}

Datum value_of(const Lookup& lookup, AttrNumber column) {
  bool is_null = false;
  return slot_getattr(lookup.row, column, &is_null);
}

}  // namespace identity_resolve::pg
