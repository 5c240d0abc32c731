#include "pg/index_leaf.h"

extern "C" {
#include <storage/bufmgr.h>
}

namespace identity_resolve::pg {

namespace {

Page page_of(const IndexLeaf& leaf) noexcept { return BufferGetPage(leaf.page); }
BTPageOpaque opaque_of(Page page) noexcept {
  return reinterpret_cast<BTPageOpaque>(PageGetSpecialPointer(page));
}

// How the key compares with the highest that the page may have; less than 0 where it may have any.
int compare_to_end(const IndexLeaf& leaf) {
  const Page page = page_of(leaf);
  return P_RIGHTMOST(opaque_of(page)) ? -1 : _bt_compare(leaf.index, leaf.key, page, P_HIKEY);
}

// Whether entries of the key, if any, begin on the page, which is locked, or on the one to the
// right of it, which is locked then in its place; `end`: as compare_to_end() says. Keys below a
// page's first entry are not looked for there, nor are they on pages to the right of it.
bool is_here(IndexLeaf& leaf, int& end) {
  for (int pages = 0; pages < 2; ++pages) {
    const Page page = page_of(leaf);
    const BTPageOpaque opaque = opaque_of(page);
    if (P_IGNORE(opaque) || !P_ISLEAF(opaque)) return false;
    end = compare_to_end(leaf);
    if (end <= 0) {
      const OffsetNumber first = P_FIRSTDATAKEY(opaque);
      return pages > 0 || (first <= PageGetMaxOffsetNumber(page) &&
                           _bt_compare(leaf.index, leaf.key, page, first) > 0);
    }
    if (pages == 0) leaf.page = _bt_relandgetbuf(leaf.index, leaf.page, opaque->btpo_next, BT_READ);
  }
  return false;
}

// The page where entries of the key begin, locked; false where the index has none.
bool find_page(IndexLeaf& leaf, int& end) {
  if (leaf.page != InvalidBuffer) {
    LockBuffer(leaf.page, BT_READ);
    if (is_here(leaf, end)) return true;
    _bt_relbuf(leaf.index, leaf.page);
    leaf.page = InvalidBuffer;
  }
  ++leaf.descents;
  leaf.page = find_leaf_page(leaf.index, leaf.table, leaf.key);
  if (leaf.page == InvalidBuffer) return false;
  end = compare_to_end(leaf);
  return true;
}

// The first entry on the page that is not below the key.
OffsetNumber lower_bound(const IndexLeaf& leaf) {
  const Page page = page_of(leaf);
  OffsetNumber low = P_FIRSTDATAKEY(opaque_of(page));
  auto high = static_cast<OffsetNumber>(PageGetMaxOffsetNumber(page) + 1);
  while (low < high) {
    const auto middle = static_cast<OffsetNumber>(low + (high - low) / 2);
    if (_bt_compare(leaf.index, leaf.key, page, middle) > 0) {
      low = static_cast<OffsetNumber>(middle + 1);
    } else {
      high = middle;
    }
  }
  return low;
}

void add_entry(IndexLeaf& leaf, IndexTuple entry, bool with_numbers) {
  std::int64_t number = 0;
  if (with_numbers) {
    bool is_null = false;
    number = DatumGetInt64(index_getattr(entry, 2, RelationGetDescr(leaf.index), &is_null));
  }
  const bool is_list = BTreeTupleIsPosting(entry);
  const int count = is_list ? BTreeTupleGetNPosting(entry) : 1;
  const ItemPointerData* places = is_list ? BTreeTupleGetPosting(entry) : &entry->t_tid;
  for (int i = 0; i < count && leaf.count < static_cast<int>(leaf.places.size()); ++i) {
    const auto at = static_cast<std::size_t>(leaf.count++);
    leaf.places[at] = places[i];
    leaf.numbers[at] = number;
  }
}

}  // namespace

IndexLeaf* open_leaf(MemoryContext memory, Relation index, Relation table, int conditions) {
  const MemoryContext outer = MemoryContextSwitchTo(memory);
  auto* leaf = static_cast<IndexLeaf*>(palloc(sizeof(IndexLeaf)));
  leaf->index = index;
  leaf->table = table;
  leaf->key = _bt_mkscankey(index, nullptr);
  leaf->key->keysz = conditions;
  leaf->page = InvalidBuffer;
  leaf->searches = leaf->descents = leaf->count = leaf->next = 0;
  MemoryContextSwitchTo(outer);
  return leaf;
}

void close_leaf(IndexLeaf* leaf) {
  if (leaf->page != InvalidBuffer) ReleaseBuffer(leaf->page);
  pfree(leaf->key);
  pfree(leaf);
}

bool search_leaf(IndexLeaf* leaf, const ScanKeyData* conditions, bool with_numbers) {
  for (int i = 0; i < leaf->key->keysz; ++i) {
    ScanKeyData& key = leaf->key->scankeys[i];
    key.sk_flags &= ~SK_ISNULL;
    key.sk_argument = conditions[i].sk_argument;
  }
  leaf->count = leaf->next = 0;
  ++leaf->searches;
  int end = 0;
  if (!find_page(*leaf, end)) return false;
  const Page page = page_of(*leaf);
  const auto last = static_cast<OffsetNumber>(PageGetMaxOffsetNumber(page));
  OffsetNumber at = lower_bound(*leaf);
  for (; at <= last && _bt_compare(leaf->index, leaf->key, page, at) == 0; ++at) {
    const ItemId item = PageGetItemId(page, at);
    if (ItemIdIsDead(item)) continue;
    add_entry(*leaf, reinterpret_cast<IndexTuple>(PageGetItem(page, item)), with_numbers);
  }
  LockBuffer(leaf->page, BUFFER_LOCK_UNLOCK);
  return at <= last || end < 0;
}

}  // namespace identity_resolve::pg
