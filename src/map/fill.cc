// identity_map_fill(): all of an identity map from its sources, at first and wherever so much has
// changed that to read everything is sooner done. identity_map_fill_rows() is the same where only a
// statement may write the map's table.
//
// One resolve, as resolve_identities() does it, in which each row keeps its bytes beside it. What
// it says of an identity goes into the map's table, and the bytes of its rows, as the identity's
// pack, into the state, where rows that say the same stay (map/rewrite.h). Identities keep their
// ids by what the old state says of their records (engine/succession.h).
//
//   read     here            sources: rows into the engine
//   list     fill_list.h     clusters, and for each record and each key that it carries an entry;
//                            what the state says
//   judge    fill_judge.h    entries by their numbers: what a record was, which keys are too
//   common,
//                            and which identities share one with others
//   name     fill_names.h    which identity lives on where, new ids
//   write    fill_write.h    table, identities, history; fingerprints; places. What has not changed
//                            is not written
//
// What they share, and what each of them finds out, is in fill_work.h. This file calls them in
// their order.
//
// Memory: what a resolve takes, 16 bytes an identity, and of a map that was filled before 8 bytes a
// record and 53 an old identity. What is listed goes to files beyond sixteenths of
// maintenance_work_mem.
#include <fmt/format.h>

#include <algorithm>

#include "map/datums.h"
#include "map/fill_judge.h"
#include "map/fill_list.h"
#include "map/fill_names.h"
#include "map/fill_write.h"
#include "map/home.h"
#include "map/queries.h"
#include "map/reached.h"
#include "map/snapshot.h"
#include "map/user_table.h"
#include "pg/result_rows.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "resolve/execution.h"
#include "resolve/stored_row.h"

namespace identity_resolve::pg::fill {

namespace {

// After which user code has run: the sources' queries.
void read(Work& work) {
  Execution::Wishes wishes;
  wishes.packing = &work.task->packing;
  wishes.snapshot = refresh_snapshot();
  wishes.each_row = [&](const engine::Row& row) {
    const std::string_view packed = row.beside();
    if (packed.size() < 2 * sizeof(std::int64_t)) return;
    work.fingerprints.add(engine::index(row.source()), engine::fingerprint_of(packed),
                          engine::rid_of(packed), work.ticker);
  };
  const int level = call([&] {
    const int outer = NewGUCNestLevel();
    set_for_call("search_path", work.task->path);
    set_work_settings();
    return outer;
  });
  work.execution = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable,
                                     {work.task->clauses, false, false}, work.columns, wishes);
  call([=] { AtEOXact_GUC(true, level); });
}

// A part of a JSON object: how many identities are back, and how many of these live on.
std::string told_of_back(const Work& work) {
  std::size_t back = 0;
  for (std::uint32_t old = work.olds.first_back; old < work.olds.ids.size(); ++old) {
    if (work.named.succession->picks()[old] != kNone) ++back;
  }
  if (back == 0) return {};
  return fmt::format(R"(, "revived": {}, "back": {})", work.written.revived.size(), back);
}

void hold_result(Work& work) {
  std::string counts;
  std::string together;
  std::string left_out;
  const std::span<const std::uint64_t> left = work.execution->resolver().left_out();
  for (std::size_t i = 0; i < work.listed.counts.size(); ++i) {
    const std::int32_t number = work.task->packing.numbers[i];
    counts += fmt::format("{}\"{}\": {}", i == 0 ? "" : ", ", number, work.listed.counts[i]);
    left_out += fmt::format("{}\"{}\": {}", i == 0 ? "" : ", ", number, left[i]);
    if (work.listed.is_together[i])
      together += fmt::format("{}{}", together.empty() ? "" : ", ", number);
  }
  const std::string done =
      fmt::format(
          R"({{"records": {}, "created": {}, "merged": {}, "split": {}, "retired": {}, "identities": {}, "changed": {}, "totals": {{{}}}, "together": [{}], "left_out": {{{}}})",
          work.listed.records, work.written.created, work.written.merged, work.written.split,
          work.written.retired, work.named.ids.size(), work.written.changed, counts, together,
          left_out) +
      told_of_back(work) + "}";
  work.filled->done.assign(done.begin(), done.end());
}

// What follows read().
void fill(Work& work) {
  work.filled = call([&] { return LastFilled::begin(work.task->map_id); });
  // While rows are emitted users' code may run: no other step writes the state meanwhile.
  const LastFilled::Hold filled_hold;
  const LastReached::Hold reached_hold;
  list(work);
  judge(work);
  // Nothing has been written yet but what the next fill writes anew.
  if (!hold_losses(work)) {
    name(work);
    write(work);
    hold_result(work);
  } else {
    call([&] { work.identities.leave(); });
  }
  // Whatever was read of the sources before is in it.
  call([] { LastChanged::end(); });
  Execution::destroy(work.execution);
}

// The arguments that both functions have: (clauses, search_path, map_id, numbers integer[],
// limits_a_source bigint[], limits_in_all bigint[], at, is_first, max_losses double precision[]).
Task task_of(FunctionCallInfo fcinfo) {
  enum Argument : std::uint8_t {
    kClauses,
    kPath,
    kMapId,
    kNumbers,
    kLimitsASource,
    kLimitsInAll,
    kAt,
    kIsFirst,
    kMaxLosses
  };
  Task task{};
  struct Numbers {
    Datum* values;
    int count;
    Datum* losses;
    bool* no_losses;
    int loss_count;
  };
  const Numbers numbers = call([&] {
    Numbers taken{};
    bool* nulls = nullptr;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(kNumbers), INT4OID, sizeof(std::int32_t), true,
                      TYPALIGN_INT, &taken.values, &nulls, &taken.count);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(kMaxLosses), FLOAT8OID, sizeof(double), FLOAT8PASSBYVAL,
                      TYPALIGN_DOUBLE, &taken.losses, &taken.no_losses, &taken.loss_count);
    task.clauses = PointerGetDatum(PG_GETARG_ARRAYTYPE_P_COPY(kClauses));
    task.path = text_to_cstring(PG_GETARG_TEXT_PP(kPath));
    task.limits_a_source = number_argument(fcinfo, kLimitsASource);
    task.limits_in_all = number_argument(fcinfo, kLimitsInAll);
    return taken;
  });
  task.map_id = PG_GETARG_INT32(kMapId);
  task.at = PG_GETARG_TIMESTAMPTZ(kAt);
  task.is_first = PG_GETARG_BOOL(kIsFirst);
  task.packing.is_on = true;
  for (int i = 0; i < numbers.count; ++i) {
    task.packing.numbers.push_back(DatumGetInt32(numbers.values[i]));
  }
  for (int i = 0; i < numbers.loss_count; ++i) {
    task.max_losses.emplace_back();
    if (!numbers.no_losses[i]) task.max_losses.back() = DatumGetFloat8(numbers.losses[i]);
  }
  const SpiConnection spi;
  const char* query =
      call([&] { return psprintf("SELECT hash FROM identity_state.m%d_tombstones", task.map_id); });
  read_rows(query, {INT8OID}, [&](const Datum* values, const bool*) {
    const std::int64_t hash = DatumGetInt64(values[0]);
    guarded([&] { task.packing.forgotten.push_back(hash); });
  });
  SpiConnection::finish();
  std::sort(task.packing.forgotten.begin(), task.packing.forgotten.end());
  return task;
}

}  // namespace

}  // namespace identity_resolve::pg::fill

using namespace identity_resolve::pg;

// identity_map_fill(clauses, search_path, map_id, numbers, limits_a_source, limits_in_all, at,
// is_first, max_losses, map regclass, columns text[], stamp text) -> jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_fill) {
  return guarded([&] {
    const fill::Task task = fill::task_of(fcinfo);
    const auto columns_of = [fcinfo] {
      return MapColumns{PG_GETARG_ARRAYTYPE_P(10), text_to_cstring(PG_GETARG_TEXT_PP(11))};
    };
    const TupleDesc columns = call([&]() -> TupleDesc {
      MapTable* table = open_map_table(PG_GETARG_OID(9), columns_of(), task.at);
      if (table == nullptr) return nullptr;
      const TupleDesc shape = table->shape;
      close_map_table(table);
      return shape;
    });
    if (columns == nullptr) {
      fcinfo->isnull = true;
      return Datum{0};
    }
    Environment environment(CurrentMemoryContext, SIZE_MAX / 2);
    fill::TableSink sink(environment);
    call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    fill::Work work(task, columns, sink);
    fill::read(work);
    call([] { PopActiveSnapshot(); });
    MapTable* table = call(
        [&] { return open_map_table(PG_GETARG_OID(9), columns_of(), task.at, task.is_first); });
    if (table == nullptr || !call([&] { return are_same_columns(table->shape, columns); })) {
      throw identity_resolve::engine::Error(
          "55000", "the table of the identity map was altered while its sources were read", {},
          "Refresh the identity map again.");
    }
    sink.open(table);
    fill::fill(work);
    const std::string done =
        fmt::format(R"({{"inserted": {}, "updated": {}, "deleted": {}, "kept": {}}})",
                    table->inserted, table->updated, table->deleted, table->kept);
    return call([&] {
      close_map_table(table);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(done.c_str())));
    });
  });
}

// identity_map_fill_rows(clauses, search_path, map_id, numbers, limits_a_source, limits_in_all, at,
// is_first, max_losses) -> SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_fill_rows) {
  guarded([&] {
    const fill::Task task = fill::task_of(fcinfo);
    const ReturnSetInfo& result = *begin_tuplestore(fcinfo);
    const TupleDesc columns = PlacedRow::columns_of(result.setDesc);
    fill::RowsSink rows(result.setResult, result.setDesc);
    call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    fill::Work work(task, columns, rows);
    fill::read(work);
    call([] {
      PopActiveSnapshot();
      PushActiveSnapshot(GetTransactionSnapshot());
    });
    fill::fill(work);
    call([] { PopActiveSnapshot(); });
  });
  return Datum{0};
}

// identity_map_filled(map_id) -> (done jsonb, ids uuid[], rids bigint[], olds uuid[]): what the
// last fill of the transaction has done, and what of that by what identities merged is to be found
// out.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_filled) {
  const TupleDesc shape = result_shape(fcinfo, 4);
  const fill::Filled* filled = fill::LastFilled::of(PG_GETARG_INT32(0));
  if (filled == nullptr) out_of_turn("nothing was filled");
  const std::size_t count = filled->rids.size();
  auto* ids = static_cast<Datum*>(palloc((count + 1) * sizeof(Datum)));
  auto* olds = static_cast<Datum*>(palloc((count + 1) * sizeof(Datum)));
  auto* are_null = static_cast<bool*>(palloc(count + 1));
  const identity_resolve::engine::Uuid none{};
  for (std::size_t i = 0; i < count; ++i) {
    ids[i] = datum_of(filled->ids[i]);
    are_null[i] = filled->olds[i] == none;
    olds[i] = datum_of(filled->olds[i]);
  }
  std::array<Datum, 4> values = {
      DirectFunctionCall1(jsonb_in,
                          CStringGetDatum(pnstrdup(filled->done.data(), filled->done.size()))),
      count == 0 ? PointerGetDatum(construct_empty_array(UUIDOID))
                 : uuid_array(ids, nullptr, count),
      number_array({filled->rids.data(), count}),
      count == 0 ? PointerGetDatum(construct_empty_array(UUIDOID))
                 : uuid_array(olds, are_null, count)};
  std::array<bool, 4> nulls{};
  fill::LastFilled::end();
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(shape, values.data(), nulls.data())));
}
