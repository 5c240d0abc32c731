// How an identity map hears of changes in a source with capture => 'trigger': the triggers on the
// source's table, which write the ids of changed records into the map's log, m<id>_log.
//
// A trigger is a guest in somebody else's statement. Three promises hold, in this order:
//
//   1. It never makes that statement fail. It checks before it acts: that the log is there and
//      as it must be, that the column of the record ids is there, that an id is there, has a text
//      and is not too long. Where it cannot name the records it logs "read all of it", a row whose
//      id is NULL. Where it cannot even log, it does nothing. None of this needs a subtransaction.
//   2. Nothing is lost in silence. A refresh compares what the catalogs say of the table, the
//      triggers and the log with what they said at the last refresh, and reads the whole table
//      where anything differs: identity_map_capture_marks() in src/sql/52-map-read.sql. So where
//      a trigger does nothing, something that the mark holds must be another than it was.
//   3. It costs no more than it must: no plan, no check of rights, one row of the log for each
//      record that changed.
//
// What can still fail is what fails in any statement that writes: memory, disk, a cancel.
//
// Each source has a function of its own, m<id>_capture_<n>() in identity_state, whose name says
// the map and the source. The owner of the extension's functions owns it, as the log, and the map's
// owner alone may make triggers of it. It runs as whoever writes the table, and writes the log
// without a look at rights: all that it writes is the ids of the rows at hand. The arguments of a
// trigger are
//
//   (OID of the map's table, OID of the log, OID of the source's table, number of the id's column)
//
// A column's number survives a renaming. Numbers and OIDs do not survive a dump: then they name
// other things, or nothing. A trigger whose arguments do not fit each other and the table that it
// stands on belongs to a map that is not here (a schema that was restored without its data, a map
// whose table was dropped), and logs nothing; the next refresh, if there is one, makes it anew.
//
// There are five triggers on a table (identity_map_triggers()):
//
//   insert, update, delete   once for each statement, by transition tables; ordinary sessions
//   truncate                 once for each statement; all sessions
//   row                      once for each row, where session_replication_role is replica: the
//                            workers of logical replication fire no triggers of statements
//
// Plain frames all of it, but for what reads ids (pg/value_text.h), which throws nothing.
#include "map/capture.h"

#include <algorithm>

#include "map/calls.h"
#include "map/state_tables.h"
#include "pg/border.h"
#include "pg/value_text.h"

extern "C" {
#include <access/detoast.h>
#include <access/relation.h>
#include <commands/trigger.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

// No index of a map's state takes a longer one (a B-tree's entry is at most 2704 bytes).
constexpr std::size_t kLongestId = 2600;

// A capture function: of which source of which map, and whose.
struct CaptureFunction {
  int map_id;
  int source;
  Oid schema;
  Oid owner;
};

// Takes a number from the beginning of a text.
template <class Number>
bool take_number(std::string_view& text, Number& number) noexcept {
  const auto taken = std::from_chars(text.data(), text.data() + text.size(), number);
  if (taken.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(taken.ptr - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view beginning) noexcept {
  if (!text.starts_with(beginning)) return false;
  text.remove_prefix(beginning.size());
  return true;
}

// False where no such function is there, or it has another name.
bool find_function(Oid function, CaptureFunction& found) {
  const HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(row)) return false;
  const auto* form = reinterpret_cast<const FormData_pg_proc*>(GETSTRUCT(row));
  std::string_view name = NameStr(form->proname);
  found.schema = form->pronamespace;
  found.owner = form->proowner;
  const bool is_good = take(name, "m") && take_number(name, found.map_id) &&
                       take(name, "_capture_") && take_number(name, found.source) && name.empty();
  ReleaseSysCache(row);
  return is_good;
}

// Whether a relation is a log as identity_map_prepare() makes it.
bool is_log(Relation log, Oid owner) {
  const FormData_pg_class* form = log->rd_rel;
  const TupleDesc shape = RelationGetDescr(log);
  return form->relkind == RELKIND_RELATION && form->relpersistence == RELPERSISTENCE_PERMANENT &&
         form->relowner == owner && shape->natts == 2 &&
         TupleDescAttr(shape, 0)->atttypid == INT2OID &&
         TupleDescAttr(shape, 1)->atttypid == TEXTOID && !TupleDescAttr(shape, 0)->attisdropped &&
         !TupleDescAttr(shape, 1)->attisdropped;
}

const char* log_of(const CaptureFunction& function) { return psprintf("m%d_log", function.map_id); }

// The log of a function's map, open; nullptr where it is not there or not as it must be. Then it
// stays locked all the same: who puts it right waits for the transactions that could not write it
// (identity_map_capture_marks()). Nothing outside of the state is locked, whatever the OID says.
Relation open_log(const CaptureFunction& function, Oid id, LOCKMODE lock) {
  if (get_rel_namespace(id) != function.schema) return nullptr;
  const Relation log = try_relation_open(id, lock);
  if (log == nullptr) return nullptr;
  if (std::strcmp(RelationGetRelationName(log), log_of(function)) == 0 &&
      RelationGetNamespace(log) == function.schema && is_log(log, function.owner)) {
    return log;
  }
  relation_close(log, NoLock);
  return nullptr;
}

// The arguments of a trigger.
struct Arguments {
  Oid map;
  Oid log;
  Oid table;
  AttrNumber id;
};

bool read_arguments(const Trigger& trigger, Arguments& arguments) noexcept {
  if (trigger.tgnargs != 4) return false;
  const auto read = [&trigger](int i, auto& number) {
    std::string_view text = trigger.tgargs[i];
    return take_number(text, number) && text.empty();
  };
  return read(0, arguments.map) && read(1, arguments.log) && read(2, arguments.table) &&
         read(3, arguments.id);
}

// What the transaction has logged of a source. That all of it is to be read need not be logged
// again; a subtransaction that is rolled back takes its rows along, and so its tally, which lies in
// its memory. Beyond as many records as a refresh looks up one by one, all of it is to be read.
struct Tally {
  Oid log;
  int source;
  bool is_all;
  std::int64_t told;
  Tally* next;
  MemoryContextCallback end;
};
Tally* tallies = nullptr;

Tally* find_tally(Oid log, int source, bool is_all) noexcept {
  Tally* tally = tallies;
  while (tally != nullptr &&
         !(tally->log == log && tally->source == source && tally->is_all == is_all)) {
    tally = tally->next;
  }
  return tally;
}

void add_tally(MemoryContext memory, Oid log, int source, bool is_all, std::int64_t told) {
  auto* tally = static_cast<Tally*>(MemoryContextAllocZero(memory, sizeof(Tally)));
  tally->log = log;
  tally->source = source;
  tally->is_all = is_all;
  tally->told = told;
  tally->next = tallies;
  tally->end.arg = tally;
  tally->end.func = [](void* gone) {
    Tally** place = &tallies;
    while (*place != nullptr && *place != gone) place = &(*place)->next;
    if (*place != nullptr) *place = (*place)->next;
  };
  MemoryContextRegisterResetCallback(memory, &tally->end);
  tallies = tally;
}

// Of so many records a refresh always looks up each, however small the source; of more than this
// share of a source's rows it reads the whole source sooner.
constexpr std::int64_t kAlwaysTold = 1000;
constexpr double kShareTold = 0.05;

// How many records of a source, whose table this is, a refresh looks up one by one, about.
std::int64_t most_told(Relation source) {
  const double rows = source->rd_rel->reltuples;
  return std::max(kAlwaysTold, static_cast<std::int64_t>(rows * kShareTold));
}

// A log, open for the rows of one source that a statement changed.
struct Log {
  StateTable* table;
  Oid id;
  int source;
  bool is_all;  // what is put from now on would say nothing new
  std::int64_t told;
  // The id that was put last: rows of one record often follow each other.
  std::size_t last_size;
  std::array<char, kLongestId> last;
};

Log* begin_log(Relation relation, int source) {
  auto* log = static_cast<Log*>(palloc0(sizeof(Log)));
  log->table = begin_writing(relation);
  log->id = RelationGetRelid(relation);
  log->source = source;
  return log;
}

void end_log(Log* log) {
  close_state_table(log->table);
  if (log->told == 0) return;
  if (Tally* tally = find_tally(log->id, log->source, false)) {
    tally->told += log->told;
  } else {
    add_tally(TopTransactionContext, log->id, log->source, false, log->told);
  }
}

void put_row(Log* log, Datum id, bool is_null) {
  const std::array<Datum, 2> values = {Int16GetDatum(static_cast<std::int16_t>(log->source)), id};
  const std::array<bool, 2> nulls = {false, is_null};
  insert_row(log->table, values.data(), nulls.data());
}

// All of the source is to be read.
void put_all(Log* log) {
  put_row(log, Datum{0}, true);
  log->is_all = true;
  add_tally(CurTransactionContext, log->id, log->source, true, 0);
}

// A record, by its id in the database's encoding.
void put_id(Log* log, std::string_view id) {
  if (id.size() > kLongestId) return put_all(log);
  if (log->told > 0 && id == std::string_view(log->last.data(), log->last_size)) return;
  put_row(log, PointerGetDatum(cstring_to_text_with_len(id.data(), static_cast<int>(id.size()))),
          false);
  log->last_size = id.copy(log->last.data(), id.size());
  ++log->told;
}

// How the record ids of a table's rows are read.
struct IdColumn {
  AttrNumber number;
  bool is_varlena;
  ValueReader reader;
  OutputSettings settings;
};

// Nullptr where no id can be read.
IdColumn* find_column(TupleDesc shape, AttrNumber number) {
  if (number < 1 || number > shape->natts) return nullptr;
  const FormData_pg_attribute* column = TupleDescAttr(shape, number - 1);
  if (column->attisdropped) return nullptr;
  const HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(column->atttypid));
  if (!HeapTupleIsValid(row)) return nullptr;
  const auto* type = reinterpret_cast<const FormData_pg_type*>(GETSTRUCT(row));
  const bool has_text = type->typisdefined && OidIsValid(type->typoutput);
  ReleaseSysCache(row);
  if (!has_text) return nullptr;
  auto* id = static_cast<IdColumn*>(palloc0(sizeof(IdColumn)));
  *id = {number, column->attlen == -1, ValueReader(column->atttypid), OutputSettings()};
  id->settings.add(id->reader);
  return id;
}

// Whether JSON that is stored as text may be refused as jsonb (an escape of no character, a number
// too large), which must not end the statement of the table's user.
bool may_be_no_jsonb(std::string_view json) noexcept {
  const bool is_string = json.find_first_not_of(" \t\r\n") == json.find('"');
  return json.find("\\u") != std::string_view::npos ||
         (!is_string && json.find_first_of("eE") != std::string_view::npos);
}

// The record of a row. One without an id cannot be named: where the row is new, a refresh that
// reads all of the source comes upon it, if the query shows it, and says so; there was never a
// record of an old one.
void put_record(Log* log, IdColumn& id, TupleTableSlot* row, bool is_new) {
  bool is_null = false;
  const Datum value = slot_getattr(row, id.number, &is_null);
  if (log->is_all || (is_null && !is_new)) return;
  // Of a long value not even the text is made.
  if (is_null || (id.is_varlena && toast_raw_datum_size(value) > kLongestId + VARHDRSZ)) {
    return put_all(log);
  }
  if (id.reader.json() == JsonForm::kText && may_be_no_jsonb(id.reader.read_as_stored(value))) {
    return put_all(log);
  }
  put_id(log, id.reader.read_id_as_stored(value));
}

// Rows that a statement left for its triggers.
struct Rows {
  Tuplestorestate* store;
  TupleTableSlot* slot;
};

Rows begin_rows(Tuplestorestate* store, TupleDesc shape) {
  if (store == nullptr) return {nullptr, nullptr};
  // Other triggers read them, too, each at its own place.
  tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
  tuplestore_rescan(store);
  return {store, MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple)};
}

bool next_row(const Rows& rows) {
  return rows.store != nullptr && tuplestore_gettupleslot(rows.store, true, false, rows.slot);
}

void end_rows(const Rows& rows) {
  if (rows.slot != nullptr) ExecDropSingleTupleTableSlot(rows.slot);
}

std::int64_t count_rows(Tuplestorestate* store) {
  return store == nullptr ? 0 : tuplestore_tuple_count(store);
}

// An update's rows before and after it come in the same order: as records mostly keep their ids,
// each is put once.
void put_records(Log* log, IdColumn& id, const TriggerData& change) {
  const TupleDesc shape = RelationGetDescr(change.tg_relation);
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "identity map capture", ALLOCSET_SMALL_SIZES);
  const Rows before = begin_rows(change.tg_oldtable, shape);
  const Rows after = begin_rows(change.tg_newtable, shape);
  while (!log->is_all) {
    CHECK_FOR_INTERRUPTS();
    const bool has_before = next_row(before);
    const bool has_after = next_row(after);
    if (!has_before && !has_after) break;
    MemoryContextReset(memory);
    const MemoryContext outer = MemoryContextSwitchTo(memory);
    if (has_before) put_record(log, id, before.slot, false);
    if (has_after) put_record(log, id, after.slot, true);
    MemoryContextSwitchTo(outer);
  }
  end_rows(before);
  end_rows(after);
  MemoryContextDelete(memory);
}

void put_change(Log* log, IdColumn& id, const TriggerData& change) {
  if (!TRIGGER_FIRED_FOR_ROW(change.tg_event)) return put_records(log, id, change);
  put_record(log, id, change.tg_trigslot, TRIGGER_FIRED_BY_INSERT(change.tg_event));
  if (TRIGGER_FIRED_BY_UPDATE(change.tg_event)) put_record(log, id, change.tg_newslot, true);
}

// The settings that values are written under are the session's own again, also after an error.
void put_changes(Log* log, IdColumn& id, const TriggerData& change) {
  if (!id.settings.needed()) return put_change(log, id, change);
  id.settings.set();
  PG_TRY();
  { put_change(log, id, change); }
  PG_FINALLY();
  { id.settings.restore(); }
  PG_END_TRY();
}

// Whether a change names its records at all: a TRUNCATE does not, nor does a trigger that was made
// without transition tables.
bool names_records(const TriggerData& change) noexcept {
  return TRIGGER_FIRED_FOR_ROW(change.tg_event) || change.tg_oldtable != nullptr ||
         change.tg_newtable != nullptr;
}

// Whether one by one the transaction has named more records, with those of this change, than a
// refresh would look up.
bool is_much(const CaptureFunction& function, Oid log, const TriggerData& change) {
  const Tally* tally = find_tally(log, function.source, false);
  const std::int64_t told =
      (tally == nullptr ? 0 : tally->told) +
      std::max({std::int64_t{1}, count_rows(change.tg_oldtable), count_rows(change.tg_newtable)});
  return told > kAlwaysTold && told > most_told(change.tg_relation);
}

void capture(Oid called, const TriggerData& change) {
  CaptureFunction function{};
  Arguments arguments{};
  if (!TRIGGER_FIRED_AFTER(change.tg_event) || !find_function(called, function) ||
      !read_arguments(*change.tg_trigger, arguments) ||
      arguments.table != RelationGetRelid(change.tg_relation) ||
      !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(arguments.map)) ||
      find_tally(arguments.log, function.source, true) != nullptr) {
    return;
  }
  const Relation relation = open_log(function, arguments.log, RowExclusiveLock);
  if (relation == nullptr) return;
  IdColumn* id = nullptr;
  if (names_records(change) && !is_much(function, arguments.log, change)) {
    id = find_column(RelationGetDescr(change.tg_relation), arguments.id);
  }
  Log* log = begin_log(relation, function.source);
  if (id == nullptr) {
    put_all(log);
  } else {
    put_changes(log, *id, change);
  }
  end_log(log);
}

}  // namespace

void forget_what_was_told() noexcept { tallies = nullptr; }

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// m<id>_capture_<n>() → trigger, as identity_map_arm() makes it: src/sql/51-map-state.sql.
IDENTITY_RESOLVE_FUNCTION(identity_map_capture) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("the capture of an identity map is a trigger's function"),
                    errhint("identity_source(..., capture => 'trigger') makes its triggers.")));
  }
  const auto* change = reinterpret_cast<const TriggerData*>(fcinfo->context);
  capture(fcinfo->flinfo->fn_oid, *change);
  // Of no use to the triggers that are meant; another one lets the row be.
  const HeapTuple row =
      TRIGGER_FIRED_BY_UPDATE(change->tg_event) ? change->tg_newtuple : change->tg_trigtuple;
  return PointerGetDatum(row);
}

// identity_map_has_log(capture regprocedure) → boolean: whether the triggers of a capture function
// find the log that they write.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_has_log) {
  CaptureFunction function{};
  if (!find_function(PG_GETARG_OID(0), function)) PG_RETURN_BOOL(false);
  const Oid id = get_relname_relid(log_of(function), function.schema);
  const Relation log = open_log(function, id, AccessShareLock);
  if (log == nullptr) PG_RETURN_BOOL(false);
  relation_close(log, AccessShareLock);
  PG_RETURN_BOOL(true);
}

// identity_map_server_start() → timestamptz: since when the server runs without having crashed, or
// NULL. UNLOGGED tables are as they were then. A crash ends all processes but the first one, so it
// is the process which writes checkpoints that tells.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_server_start) {
  for (int i = 1; i <= pgstat_fetch_stat_numbackends(); ++i) {
    const PgBackendStatus* entry = backend_entry(i);
    if (entry != nullptr && entry->st_backendType == B_CHECKPOINTER) {
      PG_RETURN_TIMESTAMPTZ(entry->st_proc_start_timestamp);
    }
  }
  PG_RETURN_NULL();
}

// identity_map_arm_captures(map_id integer) → void: makes the functions of a map's capture
// triggers, and has the triggers that are there fire when they must, by identity_map_arm(), as the
// owner of the extension's functions. For the owner of the map: what it does hangs on the map's
// clauses and the catalogs alone.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_arm_captures) {
  const Home home = find_home(fcinfo);
  const int map_id = PG_GETARG_INT32(0);
  check_does_work(home, map_id);
  call_raised(home, "identity_map_arm", map_id, jsonb_of("{}"));
  PG_RETURN_VOID();
}
