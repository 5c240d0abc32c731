#include "map/user_table.h"

#include <algorithm>

#include "map/datums.h"
#include "pg/progress.h"

extern "C" {
#include <catalog/pg_am.h>
}

namespace identity_resolve::pg {

namespace {

constexpr const char* kIdentityId = "identity_id";

// The place of a column, from 0, or -1.
AttrNumber place_of(TupleDesc shape, const char* name) noexcept {
  for (int i = 0; i < shape->natts; ++i) {
    const FormData_pg_attribute& column = *TupleDescAttr(shape, i);
    if (!column.attisdropped && std::strcmp(NameStr(column.attname), name) == 0) {
      return static_cast<AttrNumber>(i);
    }
  }
  return -1;
}

// Whether all that there is to a row is what it says.
bool is_plain(Relation table) {
  const FormData_pg_class& shape = *table->rd_rel;
  const TupleConstr* constraints = RelationGetDescr(table)->constr;
  return shape.relkind == RELKIND_RELATION && shape.relam == HEAP_TABLE_AM_OID &&
         !shape.relispartition && !shape.relhassubclass && !shape.relrowsecurity &&
         table->trigdesc == nullptr && table->rd_rules == nullptr &&
         (constraints == nullptr || (constraints->num_check == 0 && constraints->num_defval == 0));
}

// Whether a column can be left NULL as it is.
bool may_be_null(const FormData_pg_attribute& column) {
  return column.attisdropped || (!column.attnotnull && column.attidentity == '\0' &&
                                 get_typtype(column.atttypid) != TYPTYPE_DOMAIN);
}

// The places of the map's columns; false where there is one that the table has not, or a column
// beside them that a new row would need.
bool find_columns(MapTable& self, TupleDesc table, const MapColumns& columns) {
  Datum* names = nullptr;
  int count = 0;
  deconstruct_array(const_cast<ArrayType*>(columns.filled), TEXTOID, -1, false, TYPALIGN_INT,
                    &names, nullptr, &count);
  self.id = place_of(table, kIdentityId);
  if (self.id < 0 || TupleDescAttr(table, self.id)->atttypid != UUIDOID) return false;
  auto* is_ours = static_cast<bool*>(palloc0(static_cast<std::size_t>(table->natts)));
  is_ours[self.id] = true;
  self.stamp = -1;
  if (*columns.stamp != '\0') {
    self.stamp = place_of(table, columns.stamp);
    if (self.stamp < 0 || TupleDescAttr(table, self.stamp)->atttypid != TIMESTAMPTZOID) {
      return false;
    }
    is_ours[self.stamp] = true;
  }
  ShapeMaker shape(count);
  self.places =
      static_cast<AttrNumber*>(palloc(static_cast<std::size_t>(count + 1) * sizeof(AttrNumber)));
  for (int i = 0; i < count; ++i) {
    const AttrNumber place = place_of(table, TextDatumGetCString(names[i]));
    if (place < 0 || is_ours[place] || TupleDescAttr(table, place)->attnotnull) return false;
    is_ours[place] = true;
    self.places[i] = place;
    shape.add_copy(table, static_cast<AttrNumber>(place + 1));
  }
  self.shape = shape.finish();
  for (int i = 0; i < table->natts; ++i) {
    if (!is_ours[i] && !may_be_null(*TupleDescAttr(table, i))) return false;
  }
  return true;
}

void demand(Oid table, AclMode right) {
  const AclResult result = pg_class_aclcheck(table, GetUserId(), right);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, get_rel_name(table));
}

// The row of an identity by a snapshot: into lookup.row.
bool find_row(Lookup& lookup, const engine::Uuid& id) {
  find(lookup, datum_of(id));
  return next(lookup);
}

// The row of an identity by the snapshot of the table, nullptr for none; known: as set_identity()
// has it.
TupleTableSlot* row_of(MapTable& self, const engine::Uuid& id, const KnownRow* known) {
  if (known == nullptr) return find_row(self.by_id, id) ? self.by_id.row : nullptr;
  ItemPointerData place = known->place;
  return table_tuple_fetch_row_version(self.rows->table, &place, self.rows->state->es_snapshot,
                                       self.by_place)
             ? self.by_place
             : nullptr;
}

// Changes the row that the table has for an identity: try_it(row), again with the row as others
// have left it where they were sooner. Whether there was one, and try_it() had something to change.
template <class TryIt>
bool change_row(MapTable& self, const engine::Uuid& id, const KnownRow* known, TryIt&& try_it) {
  TupleTableSlot* row = row_of(self, id, known);
  if (row == nullptr) return false;
  std::optional<bool> done = try_it(row);
  while (!done) {
    CHECK_FOR_INTERRUPTS();
    PushActiveSnapshot(GetLatestSnapshot());
    Lookup latest{};
    if (!open_lookup_in(self.rows->table, {kIdentityId}, GetActiveSnapshot(), latest)) {
      elog(ERROR, "the table of an identity map has lost an index");
    }
    done = find_row(latest, id) ? try_it(latest.row) : false;
    close_lookup(latest);
    PopActiveSnapshot();
  }
  return *done;
}

// When the row that `self.values` holds was written.
void stamp(MapTable& self) {
  if (self.stamp < 0) return;
  self.values[self.stamp] = TimestampTzGetDatum(self.at);
  self.nulls[self.stamp] = false;
}

// Makes the table's row say what the values do, in `self.values`; whether it said anything else.
bool differs(MapTable& self, TupleTableSlot* row, const Datum* values, const bool* nulls) {
  slot_getallattrs(row);
  const auto columns = static_cast<std::size_t>(row->tts_tupleDescriptor->natts);
  std::copy_n(row->tts_values, columns, self.values);
  std::copy_n(row->tts_isnull, columns, self.nulls);
  // A stamp that was added lately says nothing yet.
  bool is_other = self.stamp >= 0 && self.nulls[self.stamp];
  for (int i = 0; i < self.shape->natts; ++i) {
    const AttrNumber place = self.places[i];
    const FormData_pg_attribute& column = *TupleDescAttr(self.shape, i);
    if (self.nulls[place] == nulls[i] &&
        (nulls[i] ||
         datum_image_eq(self.values[place], values[i], column.attbyval, column.attlen))) {
      continue;
    }
    is_other = true;
    self.nulls[place] = nulls[i];
    self.values[place] = values[i];
  }
  if (is_other) stamp(self);
  return is_other;
}

// What change_row() tries where a row is to say what the values do.
auto updating(MapTable& self, const Datum* values, const bool* nulls) {
  return [&self, values, nulls](TupleTableSlot* row) -> std::optional<bool> {
    if (!differs(self, row, values, nulls)) return false;
    if (!try_update_row(self.rows, row->tts_tid, self.values, self.nulls)) return {};
    return true;
  };
}

void insert_identity(MapTable* self, const engine::Uuid& id, const Datum* values,
                     const bool* nulls) {
  std::fill_n(self->nulls, RelationGetDescr(self->rows->table)->natts, true);
  self->values[self->id] = datum_of(id);
  self->nulls[self->id] = false;
  for (int i = 0; i < self->shape->natts; ++i) {
    self->values[self->places[i]] = values[i];
    self->nulls[self->places[i]] = nulls[i];
  }
  stamp(*self);
  insert_row(self->rows, self->values, self->nulls);
  ++self->inserted;
}

}  // namespace

std::uint64_t print_of_known(const MapTable& self, TupleTableSlot* row) {
  for (int i = 0; i < self.shape->natts; ++i) {
    self.values[i] = row->tts_values[self.places[i]];
    self.nulls[i] = row->tts_isnull[self.places[i]];
  }
  // A stamp that was added lately says nothing yet.
  const bool has_no_stamp = self.stamp >= 0 && row->tts_isnull[self.stamp];
  const std::uint64_t print = print_of_row(self.shape, self.values, self.nulls, self.seed);
  return has_no_stamp ? ~print : print;
}

bool are_same_columns(TupleDesc a, TupleDesc b) noexcept {
  if (a->natts != b->natts) return false;
  for (int i = 0; i < a->natts; ++i) {
    const FormData_pg_attribute& x = *TupleDescAttr(a, i);
    const FormData_pg_attribute& y = *TupleDescAttr(b, i);
    if (x.atttypid != y.atttypid || x.attisdropped != y.attisdropped) return false;
  }
  return true;
}

MapTable* open_map_table(Oid id, const MapColumns& columns, TimestampTz at, bool is_first) {
  for (const AclMode right : {ACL_SELECT, ACL_INSERT, ACL_UPDATE, ACL_DELETE}) demand(id, right);
  if (get_rel_relkind(id) != RELKIND_RELATION) return nullptr;
  const Relation table = table_open(id, is_first ? ExclusiveLock : RowExclusiveLock);
  // Taken once the lock is held: an ALTER TABLE that was waited for has written all rows anew, and
  // an older snapshot sees none of these.
  PushActiveSnapshot(GetTransactionSnapshot());
  auto* self = static_cast<MapTable*>(palloc0(sizeof(MapTable)));
  if (!is_plain(table) || !find_columns(*self, RelationGetDescr(table), columns) ||
      !open_lookup_in(table, {kIdentityId}, GetActiveSnapshot(), self->by_id)) {
    PopActiveSnapshot();
    table_close(table, NoLock);
    return nullptr;
  }
  for (const CmdType command : {CMD_UPDATE, CMD_DELETE}) CheckCmdReplicaIdentity(table, command);
  self->at = at;
  self->seed = draw_seed();
  self->rows = begin_writing(table);
  self->by_place = table_slot_create(table, nullptr);
  self->rows->waits_for_indexes = is_first && self->by_id.is_empty;
  const auto room = static_cast<std::size_t>(RelationGetDescr(table)->natts);
  self->values = static_cast<Datum*>(palloc(room * sizeof(Datum)));
  self->nulls = static_cast<bool*>(palloc(room));
  return self;
}

void close_map_table(MapTable* self) {
  const Oid table = RelationGetRelid(self->rows->table);
  const bool waits = self->rows->waits_for_indexes;
  close_lookup(self->by_id);
  ExecDropSingleTupleTableSlot(self->by_place);
  close_state_table(self->rows);
  if (waits) {
    const MapPhase phase = set_map_phase(MapPhase::kIndex);
    rebuild_indexes(table);
    set_map_phase(phase);
  }
  PopActiveSnapshot();
}

void put_identity(MapTable* self, const engine::Uuid& id, bool is_new, const Datum* values,
                  const bool* nulls) {
  if (!is_new) {
    if (change_row(*self, id, nullptr, updating(*self, values, nulls))) ++self->updated;
    return;
  }
  insert_identity(self, id, values, nulls);
}

void set_identity(MapTable* self, const engine::Uuid& id, const KnownRow* known,
                  const Datum* values, const bool* nulls) {
  if (known != nullptr && known->print == print_of_row(self->shape, values, nulls, self->seed)) {
    ++self->kept;
    return;
  }
  bool is_there = false;
  const auto update = updating(*self, values, nulls);
  const auto note_and_update = [&](TupleTableSlot* row) {
    is_there = true;
    return update(row);
  };
  if (change_row(*self, id, known, note_and_update)) ++self->updated;
  if (is_there) {
    ++self->kept;
  } else {
    insert_identity(self, id, values, nulls);
  }
}
void remove_identity(MapTable* self, const engine::Uuid& id, const KnownRow* known) {
  const auto remove = [&](TupleTableSlot* row) -> std::optional<bool> {
    if (!try_delete_row(self->rows, row->tts_tid)) return {};
    return true;
  };
  if (change_row(*self, id, known, remove)) ++self->deleted;
}

}  // namespace identity_resolve::pg
