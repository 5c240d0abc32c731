// The one door to PostgreSQL: whatever sees the server includes this header and never postgres.h
// itself. Version differences between PostgreSQL 14 and 19 are settled here.
#pragma once

// The standard library comes first: PostgreSQL's port.h redefines printf and friends as macros.
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

extern "C" {
#include <postgres.h>

#include <access/genam.h>
#include <access/htup_details.h>
#include <access/multixact.h>
#include <access/nbtree.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/tupdesc.h>
#include <access/xact.h>
#include <catalog/index.h>
#include <catalog/namespace.h>
#include <catalog/pg_aggregate.h>
#include <catalog/pg_authid.h>
#include <catalog/pg_class.h>
#include <catalog/pg_collation.h>
#include <catalog/pg_operator.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <commands/explain.h>
#include <executor/executor.h>
#include <executor/spi.h>
#include <fmgr.h>
#include <funcapi.h>
#include <mb/pg_wchar.h>
#include <miscadmin.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <nodes/supportnodes.h>
#include <optimizer/optimizer.h>
#include <pgtime.h>
#include <regex/regex.h>
#include <storage/fd.h>
#include <tcop/cmdtag.h>
#include <tcop/dest.h>
#include <tcop/tcopprot.h>
#include <utils/acl.h>
#include <utils/array.h>
#include <utils/backend_status.h>
#include <utils/builtins.h>
#include <utils/bytea.h>
#include <utils/date.h>
#include <utils/datum.h>
#include <utils/float.h>
#include <utils/guc.h>
#include <utils/json.h>
#include <utils/jsonb.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/plancache.h>
#include <utils/regproc.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>
#include <utils/tuplestore.h>
#include <utils/typcache.h>
#include <utils/uuid.h>
#include <utils/wait_event.h>
}

#if PG_VERSION_NUM < 140000
#error "identity_resolve needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM >= 190000
extern "C" {
#include <commands/repack.h>
}
#else
extern "C" {}
#endif
#if PG_VERSION_NUM >= 160000
extern "C" {
#include <varatt.h>
}
#endif
#if PG_VERSION_NUM >= 180000
extern "C" {
#include <commands/explain_format.h>
#include <commands/explain_state.h>
}
#endif

#if PG_VERSION_NUM >= 150000
extern "C" {
#include <nodes/extensible.h>
#include <storage/fileset.h>
}
// Of a custom path: its scan computes what is asked of it. Before 15 none has to say so.
#define CUSTOM_SCAN_PROJECTS CUSTOMPATH_SUPPORT_PROJECTION
#else
#define CUSTOM_SCAN_PROJECTS 0
// As its arrayutils.c has it.
#define MaxArraySize (static_cast<Size>(MaxAllocSize / sizeof(Datum)))
// Shared file sets without the sharing: their files are named by process and number alone. What
// SharedFileSetInit() puts into a set, but not into the list of sets that the process deletes as it
// ends: ours do not live that long. Their numbers are not among its own.
extern "C" {
#include <commands/tablespace.h>
#include <storage/sharedfileset.h>
}
using FileSet = SharedFileSet;
inline void FileSetInit(FileSet* set) {
  static uint32 counter = 0x80000000U;
  *set = {};
  set->creator_pid = MyProcPid;
  set->number = counter++;
  PrepareTempTablespaces();
  set->ntablespaces = GetTempTablespaces(set->tablespaces, lengthof(set->tablespaces));
  if (set->ntablespaces == 0) set->ntablespaces = 1;
  for (int i = 0; i < set->ntablespaces; ++i) {
    if (!OidIsValid(set->tablespaces[i])) set->tablespaces[i] = MyDatabaseTableSpace;
  }
}
inline void FileSetDeleteAll(FileSet* set) { SharedFileSetDeleteAll(set); }
inline bool FileSetDelete(FileSet* set, const char* name, bool error_on_failure) {
  return SharedFileSetDelete(set, name, error_on_failure);
}
inline File FileSetCreate(FileSet* set, const char* name) { return SharedFileSetCreate(set, name); }
inline File FileSetOpen(FileSet* set, const char* name, int mode) {
  return SharedFileSetOpen(set, name, mode);
}
#endif

namespace identity_resolve::pg {

inline void run_to_end(QueryDesc* execution) {
#if PG_VERSION_NUM >= 180000
  ExecutorRun(execution, ForwardScanDirection, 0);
#else
  ExecutorRun(execution, ForwardScanDirection, 0, true);
#endif
}

// The bytes of a text or bytea that is not compressed or stored elsewhere.
inline std::string_view bytes_of(const varlena* value) noexcept {
  return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// Of a procedure: ends its transaction, and begins the next one.
inline void commit_and_begin() {
  SPI_commit();
#if PG_VERSION_NUM < 150000
  SPI_start_transaction();
#endif
}

}  // namespace identity_resolve::pg

#undef _
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef gettext
#undef ngettext
#undef dgettext
#undef dngettext

namespace identity_resolve::pg {

// Warns of settings below the prefix that do not exist.
inline void reserve_setting_prefix(const char* prefix) {
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved(prefix);
#else
  EmitWarningsOnPlaceholders(prefix);
#endif
}

// The copy of a backend's entry that this transaction works with; `index` counts from 1 to
// pgstat_fetch_stat_numbackends().
inline const PgBackendStatus* backend_entry(int index) {
#if PG_VERSION_NUM >= 160000
  const LocalPgBackendStatus* local = pgstat_get_local_beentry_by_index(index);
#else
  const LocalPgBackendStatus* local = pgstat_fetch_stat_local_beentry(index);
#endif
  return local == nullptr ? nullptr : &local->backendStatus;
}

// A scan by an index, of as many conditions as are given.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot,
                                      int conditions) {
#if PG_VERSION_NUM >= 190000
  return index_beginscan(table, index, snapshot, nullptr, conditions, 0, SO_NONE);
#elif PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, conditions, 0);
#else
  return index_beginscan(table, index, snapshot, conditions, 0);
#endif
}

// A scan of all of a table's rows that a snapshot sees.
inline TableScanDesc begin_table_scan(Relation table, Snapshot snapshot) {
#if PG_VERSION_NUM >= 190000
  return table_beginscan(table, snapshot, 0, nullptr, SO_NONE);
#else
  return table_beginscan(table, snapshot, 0, nullptr);
#endif
}

// The same, always in the order in which the rows lie in the table.
inline TableScanDesc begin_ordered_scan(Relation table, Snapshot snapshot) {
  return table_beginscan_strat(table, snapshot, 0, nullptr, true, false);
}

// The leaf page of a B-tree where entries of a key begin, pinned and locked for reading, or
// InvalidBuffer where the index has none.
inline Buffer find_leaf_page(Relation index, [[maybe_unused]] Relation table, BTScanInsert key) {
  Buffer page = InvalidBuffer;
#if PG_VERSION_NUM >= 190000
  _bt_search(index, table, key, &page, BT_READ, false);
#else
#if PG_VERSION_NUM >= 170000
  BTStack way = _bt_search(index, table, key, &page, BT_READ);
#elif PG_VERSION_NUM >= 160000
  BTStack way = _bt_search(index, table, key, &page, BT_READ, nullptr);
#else
  BTStack way = _bt_search(index, key, &page, BT_READ, nullptr);
#endif
  if (way != nullptr) _bt_freestack(way);
#endif
  return page;
}

// A row of a table, which lies in it already, into the table's indexes. only_summaries: into those
// alone that say something of whole pages; before 16 there is no such choice.
inline void put_index_entries(ResultRelInfo* table, TupleTableSlot* row, EState* state,
                              bool is_update, [[maybe_unused]] bool only_summaries) {
  if (table->ri_NumIndices == 0) return;
#if PG_VERSION_NUM >= 190000
  const uint32 flags =
      (is_update ? EIIT_IS_UPDATE : 0U) | (only_summaries ? EIIT_ONLY_SUMMARIZING : 0U);
  List* checked = ExecInsertIndexTuples(table, state, flags, row, NIL, nullptr);
#elif PG_VERSION_NUM >= 160000
  List* checked =
      ExecInsertIndexTuples(table, row, state, is_update, false, nullptr, NIL, only_summaries);
#else
  List* checked = ExecInsertIndexTuples(table, row, state, is_update, false, nullptr, NIL);
#endif
  list_free(checked);
}
inline void insert_index_entries(ResultRelInfo* table, TupleTableSlot* row, EState* state) {
  put_index_entries(table, row, state, false, false);
}

// A new version of a row, into the table and, where it needs that, the indexes; waits for others
// who change it. TM_Updated or TM_Deleted where they have: then nothing is done.
inline TM_Result update_table_row(ResultRelInfo* table, ItemPointerData place, TupleTableSlot* row,
                                  EState* state) {
  TM_FailureData failure;
  LockTupleMode lock = LockTupleNoKeyExclusive;
#if PG_VERSION_NUM >= 160000
  TU_UpdateIndexes indexes = TU_None;
#else
  bool indexes = false;
#endif
#if PG_VERSION_NUM >= 190000
  const TM_Result result =
      table_tuple_update(table->ri_RelationDesc, &place, row, GetCurrentCommandId(true), 0,
                         state->es_snapshot, InvalidSnapshot, true, &failure, &lock, &indexes);
#else
  const TM_Result result =
      table_tuple_update(table->ri_RelationDesc, &place, row, GetCurrentCommandId(true),
                         state->es_snapshot, InvalidSnapshot, true, &failure, &lock, &indexes);
#endif
  if (result != TM_Ok) return result;
#if PG_VERSION_NUM >= 160000
  if (indexes != TU_None) put_index_entries(table, row, state, true, indexes == TU_Summarizing);
#else
  if (indexes) put_index_entries(table, row, state, true, false);
#endif
  return result;
}

// Takes a row out of a table; waits for others who change it. TM_Updated or TM_Deleted where they
// have: then nothing is done.
inline TM_Result delete_table_row(Relation table, ItemPointerData place, EState* state) {
  TM_FailureData failure;
#if PG_VERSION_NUM >= 190000
  return table_tuple_delete(table, &place, GetCurrentCommandId(true), 0, state->es_snapshot,
                            InvalidSnapshot, true, &failure);
#else
  return table_tuple_delete(table, &place, GetCurrentCommandId(true), state->es_snapshot,
                            InvalidSnapshot, true, &failure, false);
#endif
}

// Makes all indexes of a table anew.
inline void reindex_all_of(Oid table) {
  ReindexParams how{};
#if PG_VERSION_NUM >= 170000
  reindex_relation(nullptr, table, 0, &how);
#else
  reindex_relation(table, 0, &how);
#endif
}

// A row's shape, made column by column. PostgreSQL 19 crashes on one that was not finalized:
// nothing but finish() gives it out. The shape lies in the memory context of the constructor.
class ShapeMaker {
 public:
  explicit ShapeMaker(int columns) : shape_(CreateTemplateTupleDesc(columns)) {}

  void add(const char* name, Oid type, int32 modifier = -1, int dimensions = 0) {
    TupleDescInitEntry(shape_, ++at_, name, type, modifier, dimensions);
  }
  // Instead of the type's own.
  void set_collation(Oid collation) { TupleDescInitEntryCollation(shape_, at_, collation); }
  // A copy of a column of another shape, which counts from 1; without defaults and constraints.
  void add_copy(TupleDesc from, AttrNumber column) {
    TupleDescCopyEntry(shape_, ++at_, from, column);
  }

  // When all columns are there.
  TupleDesc finish() {
    Assert(at_ == shape_->natts);
#if PG_VERSION_NUM >= 190000
    TupleDescFinalize(shape_);
#endif
    return shape_;
  }

 private:
  TupleDesc shape_;
  AttrNumber at_ = 0;
};
#pragma GCC poison CreateTemplateTupleDesc CreateTupleDesc TupleDescInitEntry TupleDescCopyEntry

inline MinimalTuple form_minimal_tuple(TupleDesc shape, Datum* values, bool* nulls) {
#if PG_VERSION_NUM >= 180000
  return heap_form_minimal_tuple(shape, values, nulls, 0);
#else
  return heap_form_minimal_tuple(shape, values, nulls);
#endif
}

// A copy of a row, without what only a table's page needs: rows that say the same are the same
// bytes.
inline MinimalTuple minimal_tuple_of(HeapTuple row) {
#if PG_VERSION_NUM >= 180000
  MinimalTuple copy = minimal_tuple_from_heap_tuple(row, 0);
#else
  MinimalTuple copy = minimal_tuple_from_heap_tuple(row);
#endif
  std::memset(copy->mt_padding, 0, sizeof copy->mt_padding);
  copy->t_infomask &= HEAP_HASNULL | HEAP_HASVARWIDTH;
  copy->t_infomask2 &= HEAP_NATTS_MASK;
  return copy;
}

// A plan of a query that has been rewritten.
inline PlannedStmt* plan_query(Query* query, const char* text, int options) {
#if PG_VERSION_NUM >= 190000
  return pg_plan_query(query, text, options, nullptr, nullptr);
#else
  return pg_plan_query(query, text, options, nullptr);
#endif
}

// The parts of a name that may be qualified, as SQL reads it; raises 42602 where it is none.
inline List* name_parts(const char* name) {
#if PG_VERSION_NUM >= 160000
  return stringToQualifiedNameList(name, nullptr);
#else
  return stringToQualifiedNameList(name);
#endif
}

// The text of a jsonb value, behind what is in `text` where that is given. VARSIZE() has the type
// Size from 19 on.
inline char* write_jsonb(StringInfo text, Jsonb* value) {
  return JsonbToCString(text, &value->root, static_cast<int>(VARSIZE(value)));
}

// A role's right to execute a function, and the user's.
inline AclResult right_to_execute(Oid function, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE);
#else
  return pg_proc_aclcheck(function, role, ACL_EXECUTE);
#endif
}
inline AclResult right_to_execute(Oid function) { return right_to_execute(function, GetUserId()); }

// Whether the current user owns the relation, or is a member of the role that does.
inline bool owns_relation(Oid relation) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, relation, GetUserId());
#else
  return pg_class_ownercheck(relation, GetUserId());
#endif
}

// What a planned statement asks of a relation's rights. Up to 15 the range table's entries say it.
#if PG_VERSION_NUM >= 160000
using AskedRights = RTEPermissionInfo;
inline const List* rights_asked_by(const PlannedStmt* statement) { return statement->permInfos; }
inline bool are_of_relation(const AskedRights& /*asked*/) { return true; }
#else
using AskedRights = RangeTblEntry;
inline const List* rights_asked_by(const PlannedStmt* statement) { return statement->rtable; }
inline bool are_of_relation(const AskedRights& asked) { return asked.rtekind == RTE_RELATION; }
#endif

// A function as the tree walkers take it.
template <class T>
auto walker_of(bool (*matches)(T*, void*)) noexcept {
#if PG_VERSION_NUM >= 160000
  return matches;
#else
  // Declared without parameters, which in C leaves them open. By way of void(*)(), as a cast
  // straight from one to the other is warned of.
  return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(matches));
#endif
}

// Whether `matches` holds for a node of an executed plan right below `state`.
inline bool any_child_plan(PlanState* state, bool (*matches)(PlanState*, void*), void* context) {
  return planstate_tree_walker(state, walker_of(matches), context);
}

// Whether `matches` holds for what an expression is made of, or what a query is made of: for each
// entry of its range table, too.
inline bool walk_expression(Node* node, bool (*matches)(Node*, void*), void* context) {
  return expression_tree_walker(node, walker_of(matches), context);
}
inline bool walk_query(Query* query, bool (*matches)(Node*, void*), void* context) {
  return query_tree_walker(query, walker_of(matches), context, QTW_EXAMINE_RTES_BEFORE);
}

// The same for what the parser has made of a statement, before names are looked up.
inline bool walk_parsed(Node* node, bool (*matches)(Node*, void*), void* context) {
  return raw_expression_tree_walker(node, walker_of(matches), context);
}

}  // namespace identity_resolve::pg

// Marks a function as callable from SQL; the library is built with hidden visibility.
#define IDENTITY_RESOLVE_FUNCTION(name)     \
  extern "C" {                              \
  PG_FUNCTION_INFO_V1(name);                \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  }                                         \
  Datum name(PG_FUNCTION_ARGS)
