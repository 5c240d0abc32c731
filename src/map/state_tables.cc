#include "map/state_tables.h"

#include "map/datums.h"
#include "map/home.h"
#include "map/lookup.h"

extern "C" {
#include <catalog/pg_am.h>
#include <catalog/pg_attribute.h>
#include <common/hashfn.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

void insert_batch(StateTable* self) {
  put_batch(self->batch, self->table, GetCurrentCommandId(true), 0, nullptr,
            [self](TupleTableSlot* row) {
              if (self->waits_for_indexes) return;
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

std::uint64_t print_of_value(Datum value, const FormData_pg_attribute& column, std::uint64_t seed) {
  const auto hash = [seed](const void* bytes, std::size_t length) {
    return DatumGetUInt64(hash_any_extended(static_cast<const unsigned char*>(bytes),
                                            static_cast<int>(length), seed));
  };
  if (column.attbyval) return hash(&value, sizeof value);
  if (column.attlen > 0) {
    return hash(DatumGetPointer(value), static_cast<std::size_t>(column.attlen));
  }
  if (column.attlen == -2) {
    const char* text = DatumGetCString(value);
    return hash(text, std::strlen(text));
  }
  const std::string_view bytes =
      bytes_of(reinterpret_cast<const varlena*>(PG_DETOAST_DATUM_PACKED(value)));
  return hash(bytes.data(), bytes.size());
}

// ---- shapes ----

// A column as src/sql/51-map-state.sql makes it. Texts among them that an index is of have the
// collation "C".
struct StateColumn {
  const char* name;
  Oid type;
  bool is_null;  // may be
  Oid collation = InvalidOid;
};
// An index, by its columns.
struct StateIndex {
  const char* first;
  const char* second = nullptr;
  bool is_unique = true;
};
// What columns of a table may follow, in any number.
enum class More : std::uint8_t { kNone, kLists };
// A table, by its columns and indexes.
struct StateShape {
  const char* name;
  std::span<const StateColumn> columns;
  std::span<const StateIndex> indexes;
  More more = More::kNone;
};

constexpr StateColumn kPlacesColumns[] = {{"first", INT8OID, false}, {"entries", BYTEAOID, false}};
constexpr StateColumn kAddedColumns[] = {
    {"hash", INT8OID, false}, {"place", INT8OID, false}, {"change", INT2OID, false}};
constexpr StateColumn kPrintsColumns[] = {{"source", INT2OID, false},
                                          {"part", INT8OID, false},
                                          {"came", BYTEAOID, true},
                                          {"came_rids", BYTEAOID, true},
                                          {"went", BYTEAOID, true}};
constexpr StateColumn kCommonColumns[] = {{"key", INT8OID, false}};
constexpr StateColumn kIdentitiesColumns[] = {{"identity_id", UUIDOID, false},
                                              {"created_at", TIMESTAMPTZOID, false},
                                              {"packed", BYTEAOID, false}};
constexpr StateColumn kRetiredColumns[] = {
    {"identity_id", UUIDOID, false}, {"into_id", UUIDOID, true}, {"at", TIMESTAMPTZOID, false}};
constexpr StateColumn kGoneColumns[] = {{"hash", INT8OID, false},
                                        {"identity_id", UUIDOID, false},
                                        {"created_at", TIMESTAMPTZOID, false},
                                        {"at", TIMESTAMPTZOID, false}};
constexpr StateColumn kHistoryColumns[] = {
    {"history_id", INT8OID, false},   {"at", TIMESTAMPTZOID, false},
    {"event", TEXTOID, false},        {"identity_id", UUIDOID, false},
    {"from_ids", UUIDARRAYOID, true}, {"into_id", UUIDOID, true},
    {"by_kind", TEXTOID, true},       {"by_value", TEXTOID, true},
    {"by_rids", INT8ARRAYOID, true}};
constexpr StateColumn kLogColumns[] = {{"source", INT2OID, false},
                                       {"record_id", TEXTOID, true, C_COLLATION_OID}};
constexpr StateColumn kTombstonesColumns[] = {
    {"hash", INT8OID, false}, {"source", TEXTOID, false}, {"at", TIMESTAMPTZOID, false}};
constexpr StateColumn kAliasesColumns[] = {{"key", INT8OID, false},
                                           {"kind", TEXTOID, false},
                                           {"former", BYTEAOID, false},
                                           {"present", BYTEAOID, false}};
constexpr StateColumn kClaimsColumns[] = {{"key", INT8OID, false}};
constexpr StateColumn kToldColumns[] = {{"rid", INT8OID, false},
                                        {"record_id", TEXTOID, false, C_COLLATION_OID},
                                        {"updated_at", TIMESTAMPOID, true}};

constexpr StateIndex kFirstIndexes[] = {{"first", nullptr, false}};
constexpr StateIndex kAddedIndexes[] = {{"hash", nullptr, false}};
constexpr StateIndex kKeyIndexes[] = {{"key"}};
constexpr StateIndex kIdentityIndexes[] = {{"identity_id"}};
constexpr StateIndex kHashIndexes[] = {{"hash"}};
constexpr StateIndex kToldIndexes[] = {{"rid"}};
constexpr StateIndex kAliasIndexes[] = {{"key", nullptr, false}};

// What the rows of a state mean: another number where they mean something else than before, and the
// same one as DEFAULT of identity_map_catalog.format (src/sql/50-map.sql). A state of another
// format is made anew by the next refresh; identities keep their ids.
constexpr int kStateFormat = 3;

// The tables that every map has.
constexpr StateShape kShapes[] = {{"places", kPlacesColumns, kFirstIndexes},
                                  {"added", kAddedColumns, kAddedIndexes},
                                  {"prints", kPrintsColumns, {}},
                                  {"common", kCommonColumns, kKeyIndexes},
                                  {"identities", kIdentitiesColumns, kIdentityIndexes},
                                  {"retired", kRetiredColumns, kIdentityIndexes},
                                  {"gone", kGoneColumns, kHashIndexes},
                                  {"history", kHistoryColumns, {}},
                                  {"log", kLogColumns, {}},
                                  {"tombstones", kTombstonesColumns, kHashIndexes},
                                  {"aliases", kAliasesColumns, kAliasIndexes},
                                  {"claims", kClaimsColumns, kKeyIndexes},
                                  {"told", kToldColumns, kToldIndexes, More::kLists}};

const StateShape& shape_of(const char* name) {
  for (const StateShape& shape : kShapes) {
    if (std::strcmp(shape.name, name) == 0) return shape;
  }
  elog(ERROR, "an identity map has no table \"%s\"", name);
}

// What is wrong with a column of a table, from 0; nullptr for nothing.
const char* problem_of_column(const char* table, const StateShape& shape, std::size_t at,
                              const FormData_pg_attribute& column) {
  if (column.attisdropped) return psprintf("A column of \"%s\" was dropped.", table);
  if (at >= shape.columns.size()) {
    if (column.atttypid == TEXTARRAYOID) return nullptr;
    return psprintf("Column \"%s\" of \"%s\" is of type %s.", NameStr(column.attname), table,
                    format_type_be(column.atttypid));
  }
  const StateColumn& wanted = shape.columns[at];
  if (std::strcmp(NameStr(column.attname), wanted.name) != 0) {
    return psprintf("Table \"%s\" has a column \"%s\" in the place of \"%s\".", table,
                    NameStr(column.attname), wanted.name);
  }
  if (column.atttypid != wanted.type) {
    return psprintf("Column \"%s\" of \"%s\" is of type %s, not %s.", wanted.name, table,
                    format_type_be(column.atttypid), format_type_be(wanted.type));
  }
  if (!wanted.is_null && !column.attnotnull) {
    return psprintf("Column \"%s\" of \"%s\" may be null.", wanted.name, table);
  }
  if (OidIsValid(wanted.collation) && column.attcollation != wanted.collation) {
    return psprintf("Column \"%s\" of \"%s\" has another collation.", wanted.name, table);
  }
  return nullptr;
}

const char* problem_of_table(const StateShape& shape, const FormData_pg_class& table) {
  const char* name = NameStr(table.relname);
  if (table.relkind != RELKIND_RELATION || table.relam != HEAP_TABLE_AM_OID) {
    return psprintf("\"%s\" is not a table of the access method heap.", name);
  }
  const auto columns = static_cast<std::size_t>(table.relnatts);
  if (columns < shape.columns.size() ||
      (columns > shape.columns.size() && shape.more == More::kNone)) {
    return psprintf("Table \"%s\" has %d columns, not %d.", name, table.relnatts,
                    static_cast<int>(shape.columns.size()));
  }
  return nullptr;
}

// The columns of a table that is open.
const char* problem_of(Relation table, const char* name) {
  const StateShape& shape = shape_of(name);
  const char* problem = problem_of_table(shape, *table->rd_rel);
  for (int i = 0; problem == nullptr && i < table->rd_rel->relnatts; ++i) {
    problem = problem_of_column(RelationGetRelationName(table), shape, static_cast<std::size_t>(i),
                                *TupleDescAttr(RelationGetDescr(table), i));
  }
  return problem;
}

// A table of the state, by the catalogs alone.
const char* problem_of_unopened(int map_id, const char* name) {
  const Oid id = find_state(map_id, name);
  const HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(id));
  if (!HeapTupleIsValid(row)) return psprintf("Table \"m%d_%s\" is missing.", map_id, name);
  const auto* table = reinterpret_cast<const FormData_pg_class*>(GETSTRUCT(row));
  const StateShape& shape = shape_of(name);
  const char* problem = problem_of_table(shape, *table);
  for (int i = 0; problem == nullptr && i < table->relnatts; ++i) {
    const HeapTuple column = SearchSysCache2(ATTNUM, ObjectIdGetDatum(id),
                                             Int16GetDatum(static_cast<std::int16_t>(i + 1)));
    if (!HeapTupleIsValid(column)) elog(ERROR, "cache lookup failed for a column of %u", id);
    problem = problem_of_column(NameStr(table->relname), shape, static_cast<std::size_t>(i),
                                *reinterpret_cast<const FormData_pg_attribute*>(GETSTRUCT(column)));
    ReleaseSysCache(column);
  }
  ReleaseSysCache(row);
  return problem;
}

// A list that a row of the catalog has.
struct Texts {
  Datum* values;
  bool* nulls;
  int count;
};
Texts texts_of(HeapTupleHeader map, const char* name, Oid type) {
  Texts texts{};
  bool is_null = false;
  const Datum list = GetAttributeByName(map, name, &is_null);
  if (is_null) return texts;
  std::int16_t length = 0;
  bool by_value = false;
  char alignment = '\0';
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  deconstruct_array(DatumGetArrayTypeP(list), type, length, by_value, alignment, &texts.values,
                    &texts.nulls, &texts.count);
  return texts;
}

}  // namespace

void bad_shape(const char* detail) {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the state of the identity map is not as the extension has made it"),
                  errdetail("%s", detail), errhint("%s", kMakeAnew)));
  pg_unreachable();
}

void bad_state(const char* detail) {
  ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("%s", kBadState), errdetail("%s", detail),
                  errhint("%s", kReadAnew)));
  pg_unreachable();
}

const char* problem_of_state(HeapTupleHeader map) {
  bool is_null = false;
  const int map_id = DatumGetInt32(GetAttributeByName(map, "map_id", &is_null));
  const int format = DatumGetInt32(GetAttributeByName(map, "format", &is_null));
  if (format != kStateFormat) return psprintf("Its format is %d, not %d.", format, kStateFormat);
  for (const StateShape& shape : kShapes) {
    if (const char* problem = problem_of_unopened(map_id, shape.name)) return problem;
  }
  const Texts kinds = texts_of(map, "trait_kinds", TEXTOID);
  const Oid told = find_state(map_id, "told");
  for (int i = 0; i < kinds.count; ++i) {
    const char* column =
        psprintf("k_%s", kinds.nulls[i] ? "" : TextDatumGetCString(kinds.values[i]));
    if (get_attnum(told, column) == InvalidAttrNumber) {
      return psprintf("Table \"m%d_told\" has no column \"%s\".", map_id, column);
    }
  }
  return nullptr;
}

Oid find_state(int map_id, const char* name) {
  return get_relname_relid(psprintf("m%d_%s", map_id, name),
                           get_namespace_oid("identity_state", false));
}

Oid find_state_sequence(int map_id, const char* name) {
  const Oid id = find_state(map_id, name);
  if (!OidIsValid(id) || get_rel_relkind(id) != RELKIND_SEQUENCE) {
    bad_shape(psprintf("Sequence \"m%d_%s\" is missing.", map_id, name));
  }
  return id;
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
  const Relation table = relation_open(id, lock);
  if (const char* problem = problem_of(table, name)) bad_shape(problem);
  return table;
}

StateTable* open_state_table(int map_id, const char* name) {
  return begin_writing(
      open_state(map_id, name, {ACL_INSERT, ACL_UPDATE, ACL_DELETE}, RowExclusiveLock));
}

StateTable* begin_writing(Relation table) {
  // A source's query may call what writes here, and may not write.
  PreventCommandIfReadOnly("UPDATE");
  PreventCommandIfParallelMode("UPDATE");
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

void rebuild_indexes(Oid table) {
  CommandCounterIncrement();
  reindex_all_of(table);
}

std::uint64_t print_of_row(TupleDesc shape, const Datum* values, const bool* nulls,
                           std::uint64_t seed) {
  std::uint64_t print = seed;
  for (int i = 0; i < shape->natts; ++i) {
    print = nulls[i] ? print * 31 + 1
                     : seed ^ print_of_value(values[i], *TupleDescAttr(shape, i), print);
  }
  return print;
}

std::uint64_t draw_seed() {
  std::uint64_t seed = 0;
  if (!pg_strong_random(&seed, sizeof seed)) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw a random number")));
  }
  return seed;
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

using namespace identity_resolve::pg;

namespace {

// The indexes of a table whose columns are in order; locks it.
const char* problem_of_indexes(int map_id, const char* name) {
  const Oid id = find_state(map_id, name);
  if (!OidIsValid(id)) return psprintf("Table \"m%d_%s\" is missing.", map_id, name);
  const Relation table = table_open(id, AccessShareLock);
  const char* problem = nullptr;
  for (const StateIndex& index : shape_of(name).indexes) {
    const std::array columns = {index.first, index.second};
    const std::size_t count = index.second == nullptr ? 1 : 2;
    if (problem == nullptr && !has_index(table, {columns.data(), count}, index.is_unique)) {
      problem = psprintf("Table \"%s\" has no index by its column \"%s\".",
                         RelationGetRelationName(table), index.first);
    }
  }
  table_close(table, NoLock);
  return problem;
}

Datum answer(FunctionCallInfo fcinfo, const char* problem) {
  if (problem == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(problem));
}

}  // namespace

// identity_map_state_problem(m identity_map_catalog) → text: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_state_problem) {
  const HeapTupleHeader map = PG_GETARG_HEAPTUPLEHEADER(0);
  const char* problem = problem_of_state(map);
  bool is_null = false;
  const int map_id = DatumGetInt32(GetAttributeByName(map, "map_id", &is_null));
  for (const StateShape& shape : kShapes) {
    if (problem == nullptr) problem = problem_of_indexes(map_id, shape.name);
  }
  return answer(fcinfo, problem);
}

// identity_map_state_problem(map_id integer, name text) → text: of one table.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_table_problem) {
  const int map_id = PG_GETARG_INT32(0);
  const char* name = text_to_cstring(PG_GETARG_TEXT_PP(1));
  const char* problem = problem_of_unopened(map_id, name);
  return answer(fcinfo, problem != nullptr ? problem : problem_of_indexes(map_id, name));
}
