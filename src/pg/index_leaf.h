// Searches of a B-tree index whose keys rise: the leaf page at which one has ended is where the
// next one begins. Of many keys several lie on one page; to come down from the root for each of
// them takes longer than all else that is done with what is found.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// What the conditions of a search are, and how they are compared with an entry: as the types' own
// classes of operators do, without a call for each.
enum class KeyForm : std::uint8_t {
  kOther,    // by the index's functions
  kNumbers,  // one or two bigint
  kId,       // a uuid
  kName      // a smallint and a text, by its bytes
};

// A leaf page, and what the last search has found on it.
struct IndexLeaf {
  Relation index;
  Relation table;
  BTScanInsert key;
  KeyForm form;
  Buffer page;  // pinned; InvalidBuffer before the first search
  int searches;
  int descents;  // of these searches came down from the root
  int count;     // of what was found
  int next;      // of it
  std::array<ItemPointerData, MaxTIDsPerBTreePage> places;  // in the table
};

// Whether a column of the index has this type, in the order of the type's own class of operators;
// of texts by their bytes (COLLATE "C").
bool is_in_own_order(Relation index, int column, Oid type);

// On the memory context, closed by close_leaf() or by an abort. The index is one by columns that
// are not NULL; conditions: how many of its first columns are searched by.
IndexLeaf* open_leaf(MemoryContext memory, Relation index, Relation table, int conditions);
void close_leaf(IndexLeaf* leaf);

// Finds the entries of a key: a value for each condition. They are those that a scan of the index
// would find, in its order; a snapshot tells which of the rows are there. False where they may go
// on on another page, or the index has no page: then a scan has to be asked. What is found can be
// read until the next search, and no VACUUM gives a row's place away meanwhile.
bool search_leaf(IndexLeaf* leaf, const ScanKeyData* conditions);

}  // namespace identity_resolve::pg
