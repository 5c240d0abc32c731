#include "resolve/parallel_sink.h"

#include <fmt/format.h>

#include "pg/bytes.h"
#include "pg/library.h"
#include "pg/settings.h"
#include "resolve/aliases.h"

extern "C" {
#include <access/parallel.h>
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
#include <utils/fmgroids.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

using engine::Error;

// ---- what a worker must know, as bytes ----

void add_layout(ByteWriter& to, const RowLayout& layout) {
  to.add(layout.source);
  to.add_text(layout.id_name);
  to.add(layout.id_type);
  to.add(layout.ids_are_unique);
  to.add(layout.updated_at_attribute);
  to.add(layout.updated_at_type);
  to.add(layout.packed_attribute);
  to.add(layout.columns.size());
  for (const SourceColumn& column : layout.columns) to.add(column);
}

// How rows are packed for an identity map's state.
void add_packing(ByteWriter& to, const Request& request) {
  const bool is_on = request.state && request.state->packing.is_on;
  to.add(is_on);
  if (!is_on) return;
  const auto add_all = [&to](const auto& numbers) {
    to.add(numbers.size());
    for (const auto number : numbers) to.add(number);
  };
  add_all(request.state->packing.numbers);
  add_all(request.state->packing.forgotten);
}

void get_packing(ByteReader& from, Request& request) {
  if (!from.get<bool>()) return;
  const auto get_all = [&from](auto& numbers) {
    numbers.resize(from.get<std::size_t>());
    for (auto& number : numbers) number = from.get<std::remove_reference_t<decltype(number)>>();
  };
  request.state->packing.is_on = true;
  get_all(request.state->packing.numbers);
  get_all(request.state->packing.forgotten);
}

RowLayout get_layout(ByteReader& from) {
  RowLayout layout;
  layout.source = from.get<engine::SourceNumber>();
  layout.id_name = from.get_text();
  layout.id_type = from.get<Oid>();
  layout.ids_are_unique = from.get<bool>();
  layout.updated_at_attribute = from.get<int>();
  layout.updated_at_type = from.get<Oid>();
  layout.packed_attribute = from.get<int>();
  const auto columns = from.get<std::size_t>();
  for (std::size_t i = 0; i < columns; ++i) layout.columns.push_back(from.get<SourceColumn>());
  return layout;
}

// ---- the leader's side ----

// A resolve that runs, for the aggregate's functions in the leader. On the stack of run().
class LeaderTask {
 public:
  LeaderTask(engine::Resolver& to, Environment& with, RowReader& by, engine::LocalSink& into,
             Progress& told)
      : resolver(&to),
        environment(&with),
        reader(&by),
        own(&into),
        progress(&told),
        outer_(newest_) {
    newest_ = this;
  }
  LeaderTask(const LeaderTask&) = delete;
  LeaderTask& operator=(const LeaderTask&) = delete;
  ~LeaderTask() { newest_ = outer_; }

  // What stands in the plan for the task; only this process makes anything of it.
  [[nodiscard]] std::uint64_t number() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this);
  }
  // Raises a PostgreSQL error for a number of no task.
  static LeaderTask* numbered(std::uint64_t number) {
    // A source's query may itself resolve: there can be several.
    for (LeaderTask* task = newest_; task != nullptr; task = task->outer_) {
      if (task->number() == number) return task;
    }
    elog(ERROR, "identity_sink() was called outside of a resolve");
  }

  engine::Resolver* resolver;
  Environment* environment;
  RowReader* reader;
  engine::LocalSink* own;
  Progress* progress;
  std::size_t messages = 0;
  std::uint64_t arrived = 0;  // rows of workers, in the resolver

 private:
  static LeaderTask* newest_;
  LeaderTask* outer_;
};
LeaderTask* LeaderTask::newest_ = nullptr;

// ---- a worker's side ----

// What a worker is told besides the row's layout and the clauses. The leader, which runs the same
// plan, needs the task alone.
struct Told {
  std::uint64_t task;
  KeySecret secret;
  TempFileSet files;
  std::size_t budget;
  bool keep_keys;
  bool keep_evidence;
  bool judges_values;
  bool tells_of_scope;
};

struct Worker {
  Worker(MemoryContext context, const Told& told, ByteReader& from)
      : layout(get_layout(from)),
        environment(context, told.budget, told.files, file_prefix(layout.source)) {
    shape.keep_keys = told.keep_keys;
    shape.keep_evidence = told.keep_evidence;
    shape.judges_values = told.judges_values;
    shape.tells_of_scope = told.tells_of_scope;
    ByteReader aliases(from.get_text());
    const std::string_view bytes = from.rest();
    const Datum clauses = call([&] {
      void* copy = MemoryContextAlloc(context, bytes.size());
      std::memcpy(copy, bytes.data(), bytes.size());
      return PointerGetDatum(copy);
    });
    request = read_request({clauses, false, false});
    get_aliases(aliases, request);
    get_packing(aliases, request);
    for (const Kind& kind : request.kinds) shape.kinds.push_back(kind.rules);
    shape.sources = request.sources.size();
    for (const SourceColumn& column : layout.columns) {
      normalize::prepare(request.kinds[engine::index(column.kind)].method);
    }
    keys.emplace(told.secret, request.kinds.size(), request.sources.size());
    reader.emplace(request, layout);
    sink.emplace(environment, shape, *keys, told.budget);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // What was handed over is closed; what was not, an abort has closed.
  ~Worker() { environment.files().abandon(); }

  // The files' names: of this process and source, for the next source's worker may be a process of
  // the same number. In one process no two workers read a source: recognised() has seen to it.
  static std::string file_prefix(engine::SourceNumber source) {
    return fmt::format("worker.{}.{}", engine::index(source), MyProcPid);
  }

  RowLayout layout;
  Environment environment;
  Request request;
  engine::Shape shape;
  std::optional<engine::KeyRing> keys;
  std::optional<RowReader> reader;
  std::optional<engine::LocalSink> sink;
};

// The aggregate's state.
struct SinkState {
  std::uint64_t task;
  RowReader* reader;
  engine::LocalSink* sink;
  Progress* progress;  // nullptr in a worker
  Worker* worker;      // nullptr in the leader
};

// For a plain frame. On the aggregate's memory context, which also destroys a worker.
SinkState* begin_state(MemoryContext context, bytea* parameters) {
  const MemoryContext outer = MemoryContextSwitchTo(context);
  auto* state = static_cast<SinkState*>(palloc0(sizeof(SinkState)));
  const std::string_view bytes(VARDATA_ANY(parameters), VARSIZE_ANY_EXHDR(parameters));
  state->task = guarded([bytes] { return ByteReader(bytes).get<Told>().task; });
  if (!IsParallelWorker()) {
    const LeaderTask* task = LeaderTask::numbered(state->task);
    state->reader = task->reader;
    state->sink = task->own;
    state->progress = task->progress;
  } else {
    void* place = palloc(sizeof(Worker));
    auto* callback = static_cast<MemoryContextCallback*>(palloc(sizeof(MemoryContextCallback)));
    state->worker = guarded([&] {
      ByteReader from(bytes);
      const Told told = from.get<Told>();
      return new (place) Worker(context, told, from);
    });
    callback->func = [](void* worker) { static_cast<Worker*>(worker)->~Worker(); };
    callback->arg = state->worker;
    MemoryContextRegisterResetCallback(context, callback);
    state->reader = &*state->worker->reader;
    state->sink = &*state->worker->sink;
  }
  MemoryContextSwitchTo(outer);
  return state;
}

// A sink: the name of its file, and its description.
void pack_sink(engine::LocalSink& sink, ByteWriter& to) {
  sink.spill();
  to.add_text(sink.file() == nullptr ? std::string_view() : name_of(*sink.file()));
  sink.describe([&](const void* bytes, std::size_t count) {
    to.add_bytes({static_cast<const char*>(bytes), count});
  });
}

void unpack_sink(Environment& environment, ByteReader& from, engine::LocalSink& sink) {
  const std::string name(from.get_text());
  sink.adopt([&](void* to, std::size_t bytes) { from.get_bytes(to, bytes); },
             name.empty() ? nullptr : environment.files().open(name));
}

// What a worker has read, as a message: the task, the sink, and, where there are any, that of
// suspects.
std::string pack_message(Worker& worker, std::uint64_t task) {
  engine::LocalSink& sink = *worker.sink;
  ByteWriter to;
  to.add(task);
  to.add(sink.has_suspects());
  pack_sink(sink, to);
  if (sink.has_suspects()) pack_sink(sink.suspects(), to);
  worker.sink.reset();
  return to.take();
}

// A worker's sink into the resolver.
void unpack_message(LeaderTask& task, ByteReader from) {
  Environment& environment = *task.environment;
  const auto has_suspects = from.get<bool>();
  auto sink = task.resolver->make_sink();
  unpack_sink(environment, from, *sink);
  if (has_suspects) unpack_sink(environment, from, sink->suspects());
  const std::size_t rows = sink->rows_given();
  task.arrived += rows;
  task.progress->add_records(rows, sink->identifiers());
  task.resolver->combine(std::move(sink));
  task.progress->set_spilled(task.resolver->spilled_bytes() + task.own->spilled_bytes());
  ++task.messages;
}

// ---- the query around the source's query ----

// identity_internal.identity_sink(internal, bytea, VARIADIC "any"); none where it is not there or
// the user may not execute it. For a plain frame.
Oid find_aggregate() {
  const Oid schema = get_namespace_oid(kInternalSchema, true);
  if (!OidIsValid(schema)) return InvalidOid;
  const Oid arguments[] = {INTERNALOID, BYTEAOID, ANYOID};
  oidvector* types = buildoidvector(arguments, 3);
  const Oid function =
      GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("identity_sink"),
                      PointerGetDatum(types), ObjectIdGetDatum(schema));
  if (OidIsValid(function) && right_to_execute(function) != ACLCHECK_OK) return InvalidOid;
  return function;
}

TargetEntry* argument(Aggref* aggregate, Expr* value) {
  aggregate->aggargtypes =
      lappend_oid(aggregate->aggargtypes, exprType(reinterpret_cast<Node*>(value)));
  return makeTargetEntry(value, static_cast<AttrNumber>(list_length(aggregate->args) + 1), nullptr,
                         false);
}

// count(*), as the planner wants it. For a plain frame.
Aggref* count_of_rows() {
  Aggref* count = makeNode(Aggref);
  count->aggfnoid = F_COUNT_;
  count->aggtype = INT8OID;
  count->aggstar = true;
  count->aggkind = AGGKIND_NORMAL;
  count->aggsplit = AGGSPLIT_SIMPLE;
  count->aggno = -1;
  count->aggtransno = -1;
  count->location = -1;
  return count;
}

// SELECT identity_sink(…), count(*) FROM (the source's query). For a plain frame.
Query* around(const Query& source, Oid function, std::string_view parameters) {
  RangeTblEntry* subquery = makeNode(RangeTblEntry);
  subquery->rtekind = RTE_SUBQUERY;
  subquery->subquery = static_cast<Query*>(copyObjectImpl(&source));
  subquery->inFromCl = true;
  List* names = NIL;

  Aggref* aggregate = makeNode(Aggref);
  aggregate->aggfnoid = function;
  aggregate->aggtype = INT8OID;
  aggregate->aggkind = AGGKIND_NORMAL;
  aggregate->aggsplit = AGGSPLIT_SIMPLE;
  aggregate->aggno = -1;
  aggregate->aggtransno = -1;
  aggregate->location = -1;
  const auto add = [aggregate](Expr* value) {
    aggregate->args = lappend(aggregate->args, argument(aggregate, value));
  };
  // Without a value, which no EXPLAIN could show: auto_explain may.
  add(reinterpret_cast<Expr*>(
      makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum), Datum{0}, true, true)));
  auto* told = static_cast<bytea*>(palloc(VARHDRSZ + parameters.size()));
  SET_VARSIZE(told, VARHDRSZ + parameters.size());
  std::memcpy(VARDATA(told), parameters.data(), parameters.size());
  add(reinterpret_cast<Expr*>(
      makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(told), false, false)));
  ListCell* cell = nullptr;
  foreach (cell, subquery->subquery->targetList) {
    const auto* column = static_cast<const TargetEntry*>(lfirst(cell));
    if (column->resjunk) continue;
    const Node* value = reinterpret_cast<const Node*>(column->expr);
    add(reinterpret_cast<Expr*>(
        makeVar(1, column->resno, exprType(value), exprTypmod(value), exprCollation(value), 0)));
    names = lappend(names, makeString(pstrdup(column->resname)));
  }
  subquery->eref = makeAlias("source", names);

  RangeTblRef* reference = makeNode(RangeTblRef);
  reference->rtindex = 1;
  Query* query = makeNode(Query);
  query->commandType = CMD_SELECT;
  query->canSetTag = true;
  query->hasAggs = true;
  query->rtable = list_make1(subquery);
  query->jointree = makeFromExpr(list_make1(reference), nullptr);
  const auto column = [](Aggref* of, AttrNumber number, const char* name) {
    return makeTargetEntry(reinterpret_cast<Expr*>(of), number, pstrdup(name), false);
  };
  query->targetList = list_make2(column(aggregate, 1, "sunk"), column(count_of_rows(), 2, "rows"));
  return query;
}

// The settings that limit the planner, as ours for as long as the object lives.
class PlannerLimits {
 public:
  explicit PlannerLimits(int workers) noexcept
      : workers_(std::exchange(max_parallel_workers_per_gather, workers)),
        partitionwise_(std::exchange(enable_partitionwise_aggregate, false)) {}
  PlannerLimits(const PlannerLimits&) = delete;
  PlannerLimits& operator=(const PlannerLimits&) = delete;
  ~PlannerLimits() {
    max_parallel_workers_per_gather = workers_;
    enable_partitionwise_aggregate = partitionwise_;
  }

 private:
  int workers_;
  bool partitionwise_;
};

// The Gather of a plan in which each process fills one sink and the leader combines them:
//
//   Finalize Aggregate → Gather → Partial Aggregate
//
// nullptr for any other plan. With debug_parallel_query there can be a Gather above one aggregate,
// which fills its sink in a worker and hands nothing over; with a query that must not run in
// workers as a whole, a Gather far below it; with partitionwise aggregation, several sinks in a
// process.
const Gather* recognised(const PlannedStmt* plan) noexcept {
  const auto aggregate_of = [](const Plan* node, AggSplit split) {
    return node != nullptr && IsA(node, Agg) &&
           reinterpret_cast<const Agg*>(node)->aggsplit == split;
  };
  if (!aggregate_of(plan->planTree, AGGSPLIT_FINAL_DESERIAL)) return nullptr;
  const Plan* gather = plan->planTree->lefttree;
  if (gather == nullptr || !IsA(gather, Gather)) return nullptr;
  if (!aggregate_of(gather->lefttree, AGGSPLIT_INITIAL_SERIAL)) return nullptr;
  return reinterpret_cast<const Gather*>(gather);
}

// Takes the one row of the query around a source's: what count(*) counts.
struct CountReceiver {
  DestReceiver base;
  std::int64_t rows;
};

CountReceiver make_count_receiver() noexcept {
  CountReceiver receiver{};
  receiver.base.receiveSlot = [](TupleTableSlot* row, DestReceiver* self) {
    bool is_null = false;
    const Datum count = slot_getattr(row, 2, &is_null);
    if (!is_null) reinterpret_cast<CountReceiver*>(self)->rows += DatumGetInt64(count);
    return true;
  };
  receiver.base.rStartup = [](DestReceiver*, int, TupleDesc) {};
  receiver.base.rShutdown = [](DestReceiver*) {};
  receiver.base.rDestroy = [](DestReceiver*) {};
  receiver.base.mydest = DestNone;
  return receiver;
}

// Says which query an error is of, as SPI does where no worker reads. An error_context_stack
// callback.
void say_query(void* text) { errcontext("SQL statement \"%s\"", static_cast<const char*>(text)); }

// PostgreSQL's own count goes another way than the rows do: by count(*)'s states, not by sinks. A
// row that a worker read and that did not arrive would be a person who is silently not there.
void check_count(std::uint64_t read, std::uint64_t arrived, const std::string& text) {
  if (read == arrived) return;
  throw Error("XX000", fmt::format("{} rows of a source were read and {} arrived", read, arrived),
              fmt::format("The query is: {}", text),
              "Nothing is resolved from a part of a source. Set identity_resolve.max_workers to 0, "
              "so that no parallel workers read it, and please report this.");
}

}  // namespace

ParallelSink::ParallelSink(engine::Resolver& resolver, Environment& environment,
                           const KeySecret& secret, const ClauseList& clauses,
                           const Request& request)
    : resolver_(&resolver),
      environment_(&environment),
      secret_(&secret),
      clauses_(clauses.array),
      request_(&request) {}

std::string ParallelSink::parameters(const RowLayout& layout, std::size_t budget,
                                     std::uint64_t task) const {
  ByteWriter to;
  Told told{};
  told.task = task;
  told.secret = *secret_;
  told.files = environment_->files().set();
  told.budget = budget;
  told.keep_keys = resolver_->shape().keep_keys;
  told.keep_evidence = resolver_->shape().keep_evidence;
  told.judges_values = resolver_->shape().judges_values;
  told.tells_of_scope = resolver_->shape().tells_of_scope;
  to.add(told);
  add_layout(to, layout);
  ByteWriter aliases;
  add_aliases(aliases, *request_);
  add_packing(aliases, *request_);
  to.add_text(aliases.take());
  const auto* array = call([this] { return DatumGetArrayTypeP(clauses_); });
  to.add_bytes({reinterpret_cast<const char*>(array), VARSIZE(array)});
  return to.take();
}

// nullptr where the planner finds no parallel plan worth its price.
const PlannedStmt* ParallelSink::plan(const Query& query, const std::string& text,
                                      const std::string& told) const {
  const PlannerLimits limits(max_workers());
  const PlannedStmt* plan = call([&]() -> const PlannedStmt* {
    const Oid function = find_aggregate();
    if (!OidIsValid(function)) return nullptr;
    // The query has been planned by itself before, with whatever that had to say.
    const int level = begin_silence();
    const PlannedStmt* planned =
        plan_query(around(query, function, told), text.c_str(), CURSOR_OPT_PARALLEL_OK);
    end_silence(level);
    return planned;
  });
  return plan != nullptr && recognised(plan) != nullptr ? plan : nullptr;
}

int ParallelSink::planned_workers(const Query& query, const std::string& text,
                                  const RowLayout& layout) const {
  // A function takes at most FUNC_MAX_ARGS arguments, and the transition function one more than
  // the aggregate.
  constexpr int kOtherArguments = 3;
  const bool looks_up = std::ranges::any_of(
      request_->kinds, [](const Kind& kind) { return kind.alias_lookup != nullptr; });
  if (max_workers() == 0 || IsInParallelMode() || looks_up ||
      list_length(query.targetList) > FUNC_MAX_ARGS - kOtherArguments) {
    return 0;
  }
  const PlannedStmt* found = plan(query, text, parameters(layout, 0, 0));
  return found == nullptr ? 0 : recognised(found)->num_workers;
}

bool ParallelSink::run(const Query& query, const std::string& text, const RowLayout& layout,
                       int workers, RowReader& reader, engine::LocalSink& own,
                       Progress& progress) const {
  // What is left of the budget, in equal parts. A sink that may hold very little spills after every
  // few rows, which the parts of later sources then do.
  constexpr std::size_t kLeast = std::size_t{1} << 20;
  const std::size_t held = resolver_->resident_bytes() + own.resident_bytes();
  const std::size_t left = environment_->budget() - std::min(environment_->budget(), held);
  const std::size_t share = std::max(left / (static_cast<std::size_t>(workers) + 1), kLeast);
  LeaderTask task(*resolver_, *environment_, reader, own, progress);
  const PlannedStmt* planned = plan(query, text, parameters(layout, share, task.number()));
  if (planned == nullptr) return false;
  own.set_budget(own.resident_bytes() + share);
  const std::size_t owned = own.rows_given();
  CountReceiver receiver = make_count_receiver();
  call([&] {
    ErrorContextCallback context{error_context_stack, say_query, const_cast<char*>(text.c_str())};
    error_context_stack = &context;
    const bool has_snapshot = ActiveSnapshotSet();
    if (!has_snapshot) PushActiveSnapshot(GetTransactionSnapshot());
    QueryDesc* execution =
        CreateQueryDesc(const_cast<PlannedStmt*>(planned), text.c_str(), GetActiveSnapshot(),
                        InvalidSnapshot, &receiver.base, nullptr, nullptr, 0);
    ExecutorStart(execution, 0);
    run_to_end(execution);
    ExecutorFinish(execution);
    ExecutorEnd(execution);
    FreeQueryDesc(execution);
    error_context_stack = context.previous;
    if (!has_snapshot) PopActiveSnapshot();
  });
  progress.set_workers(std::max<std::uint64_t>(progress.workers(), task.messages));
  check_count(static_cast<std::uint64_t>(receiver.rows), own.rows_given() - owned + task.arrived,
              text);
  return true;
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// The aggregate's functions: src/sql/40-parallel.sql. All have an argument of type internal, so
// that no SQL can call them.

// identity_sink_row(state internal, NULL internal, parameters bytea, VARIADIC "any") → internal.
IDENTITY_RESOLVE_FUNCTION(identity_sink_row) {
  MemoryContext context = nullptr;
  if (AggCheckCallContext(fcinfo, &context) == 0 || PG_ARGISNULL(2)) {
    elog(ERROR, "identity_sink_row() was called by hand");
  }
  auto* state = PG_ARGISNULL(0) ? begin_state(context, PG_GETARG_BYTEA_PP(2))
                                : reinterpret_cast<SinkState*>(PG_GETARG_POINTER(0));
  constexpr int kFirstColumn = 3;
  state->reader->take(fcinfo->args + kFirstColumn, *state->sink, state->progress);
  PG_RETURN_POINTER(state);
}

// identity_sink_pack(state internal) → bytea: a worker's message to the leader.
IDENTITY_RESOLVE_FUNCTION(identity_sink_pack) {
  const auto* state = reinterpret_cast<const SinkState*>(PG_GETARG_POINTER(0));
  // What the leader reads is where it belongs.
  if (state->worker == nullptr) PG_RETURN_BYTEA_P(cstring_to_text_with_len("", 0));
  return guarded([&] {
    const std::string message = pack_message(*state->worker, state->task);
    if (message.size() > MaxAllocSize - VARHDRSZ) {
      throw Error("54000", "a parallel worker has read too much to tell");
    }
    return call([&] {
      return PointerGetDatum(
          cstring_to_text_with_len(message.data(), static_cast<int>(message.size())));
    });
  });
}

// identity_sink_unpack(message bytea, internal) → internal.
IDENTITY_RESOLVE_FUNCTION(identity_sink_unpack) {
  static char state;  // anything that is not NULL: there is nothing left to combine
  bytea* message = PG_GETARG_BYTEA_PP(0);
  const std::string_view bytes(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));
  if (!bytes.empty()) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    LeaderTask* task = LeaderTask::numbered(number);
    guarded([&] { unpack_message(*task, ByteReader(bytes.substr(sizeof number))); });
  }
  PG_RETURN_POINTER(&state);
}

// identity_sink_combine(internal, internal) → internal.
IDENTITY_RESOLVE_FUNCTION(identity_sink_combine) {
  if (!PG_ARGISNULL(0)) PG_RETURN_DATUM(PG_GETARG_DATUM(0));
  if (!PG_ARGISNULL(1)) PG_RETURN_DATUM(PG_GETARG_DATUM(1));
  PG_RETURN_NULL();
}

// identity_sink_end(state internal) → bigint: nothing.
IDENTITY_RESOLVE_FUNCTION(identity_sink_end) { PG_RETURN_NULL(); }
