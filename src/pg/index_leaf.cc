#include "pg/index_leaf.h"

extern "C" {
#include <catalog/pg_am.h>
#include <commands/defrem.h>
#include <storage/bufmgr.h>
}

namespace identity_resolve::pg {

namespace {

Page page_of(const IndexLeaf& leaf) noexcept { return BufferGetPage(leaf.page); }
BTPageOpaque opaque_of(Page page) noexcept {
  return reinterpret_cast<BTPageOpaque>(PageGetSpecialPointer(page));
}

// The same, rising.
bool is_plain_column(Relation index, int column, Oid type) {
  return is_in_own_order(index, column, type) && index->rd_indoption[column] == 0;
}

KeyForm form_of(Relation index, int conditions) {
  if (is_plain_column(index, 0, UUIDOID)) return conditions == 1 ? KeyForm::kId : KeyForm::kOther;
  if (is_plain_column(index, 0, INT8OID)) {
    const bool is_number = conditions == 1 || is_plain_column(index, 1, INT8OID);
    return is_number ? KeyForm::kNumbers : KeyForm::kOther;
  }
  const bool is_name =
      conditions == 2 && is_plain_column(index, 0, INT2OID) && is_plain_column(index, 1, TEXTOID);
  return is_name ? KeyForm::kName : KeyForm::kOther;
}

template <class T>
T value_at(const char* data) noexcept {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}
template <class T>
int order_of(T a, T b) noexcept {
  return a < b ? -1 : static_cast<int>(a > b);
}

// A text of an entry, which begins at or after `data`; none where it is compressed.
std::optional<std::string_view> text_at(const char* data) noexcept {
  if (!VARATT_NOT_PAD_BYTE(data)) data = reinterpret_cast<const char*>(INTALIGN(data));
  if (VARATT_IS_1B_E(data) || VARATT_IS_4B_C(data)) return std::nullopt;
  return std::string_view(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

// How the key compares with an entry of the page: less than 0, 0 or more.
int compare(const IndexLeaf& leaf, Page page, OffsetNumber at) {
  const auto* entry = reinterpret_cast<IndexTuple>(PageGetItem(page, PageGetItemId(page, at)));
  if (leaf.form == KeyForm::kOther || IndexTupleHasNulls(entry)) {
    return _bt_compare(leaf.index, leaf.key, page, at);
  }
  const char* data = reinterpret_cast<const char*>(entry) + MAXALIGN(sizeof(IndexTupleData));
  const auto wanted = [&leaf](int i) { return leaf.key->scankeys[i].sk_argument; };
  if (leaf.form == KeyForm::kNumbers) {
    const int order = order_of(DatumGetInt64(wanted(0)), value_at<std::int64_t>(data));
    if (order != 0 || leaf.key->keysz == 1) return order;
    return order_of(DatumGetInt64(wanted(1)), value_at<std::int64_t>(data + sizeof(std::int64_t)));
  }
  if (leaf.form == KeyForm::kId) {
    return std::memcmp(DatumGetUUIDP(wanted(0))->data, data, UUID_LEN);
  }
  const int order = order_of(DatumGetInt16(wanted(0)), value_at<std::int16_t>(data));
  if (order != 0) return order;
  const std::optional<std::string_view> text = text_at(data + sizeof(std::int16_t));
  if (!text) return _bt_compare(leaf.index, leaf.key, page, at);
  const auto* name = reinterpret_cast<const struct varlena*>(DatumGetPointer(wanted(1)));
  return std::string_view(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)).compare(*text);
}

// How the key compares with the highest that the page may have; less than 0 where it may have any.
int compare_to_end(const IndexLeaf& leaf) {
  const Page page = page_of(leaf);
  return P_RIGHTMOST(opaque_of(page)) ? -1 : _bt_compare(leaf.index, leaf.key, page, P_HIKEY);
}

// Whether entries of the key, if any, begin on the page, which is locked, or on the one to the
// right of it, which is locked then in its place; `end`: as compare_to_end() says, or less than 0
// where they end before the page does. Keys that are not above a page's first entry are not looked
// for there, nor on pages to the right of it.
bool is_here(IndexLeaf& leaf, int& end) {
  for (int pages = 0; pages < 2; ++pages) {
    const Page page = page_of(leaf);
    const BTPageOpaque opaque = opaque_of(page);
    if (P_IGNORE(opaque) || !P_ISLEAF(opaque)) return false;
    const OffsetNumber first = P_FIRSTDATAKEY(opaque);
    const auto last = static_cast<OffsetNumber>(PageGetMaxOffsetNumber(page));
    if (pages == 0 && (first > last || compare(leaf, page, first) <= 0)) return false;
    end = first <= last && compare(leaf, page, last) < 0 ? -1 : compare_to_end(leaf);
    if (end <= 0) return true;
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
    if (compare(leaf, page, middle) > 0) {
      low = static_cast<OffsetNumber>(middle + 1);
    } else {
      high = middle;
    }
  }
  return low;
}

void add_entry(IndexLeaf& leaf, IndexTuple entry) {
  const bool is_list = BTreeTupleIsPosting(entry);
  const int count = is_list ? BTreeTupleGetNPosting(entry) : 1;
  const ItemPointerData* places = is_list ? BTreeTupleGetPosting(entry) : &entry->t_tid;
  for (int i = 0; i < count && leaf.count < static_cast<int>(leaf.places.size()); ++i) {
    leaf.places[static_cast<std::size_t>(leaf.count++)] = places[i];
  }
}

}  // namespace

bool is_in_own_order(Relation index, int column, Oid type) {
  const Oid own = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
  return index->rd_opcintype[column] == type && index->rd_opfamily[column] == own &&
         (type != TEXTOID || index->rd_indcollation[column] == C_COLLATION_OID);
}

IndexLeaf* open_leaf(MemoryContext memory, Relation index, Relation table, int conditions) {
  const MemoryContext outer = MemoryContextSwitchTo(memory);
  auto* leaf = static_cast<IndexLeaf*>(palloc(sizeof(IndexLeaf)));
  leaf->index = index;
  leaf->table = table;
  leaf->key = _bt_mkscankey(index, nullptr);
  leaf->key->keysz = conditions;
  leaf->form = form_of(index, conditions);
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

bool search_leaf(IndexLeaf* leaf, const ScanKeyData* conditions) {
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
  for (; at <= last && compare(*leaf, page, at) == 0; ++at) {
    const ItemId item = PageGetItemId(page, at);
    if (ItemIdIsDead(item)) continue;
    add_entry(*leaf, reinterpret_cast<IndexTuple>(PageGetItem(page, item)));
  }
  LockBuffer(leaf->page, BUFFER_LOCK_UNLOCK);
  return at <= last || end < 0;
}

}  // namespace identity_resolve::pg
