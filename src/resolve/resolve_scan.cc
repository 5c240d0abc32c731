// A scan of our own in the place of PostgreSQL's FunctionScan, so that rows stream.
//
// A FunctionScan first collects all rows of a function in a tuplestore, which spills to disk beyond
// work_mem, and then reads them back. Here rows go straight to whoever asks for them: at a million
// people that is a quarter of the whole time.
//
// How it comes about, with nothing preloaded:
//   1. The SQL functions have a planner support function (resolve_identities_support). PostgreSQL
//      calls it while it simplifies a statement's expressions, which loads this library, and later
//      asks it for rows and costs, which estimate.h knows.
//   2. _PG_init sets set_rel_pathlist_hook. It is asked for each relation's paths, which comes
//      later in the same planning, and puts a CustomPath in the place of the FunctionScan's path
//      where the relation is one plain call of our functions.
//   3. The plan keeps the whole call in custom_exprs, so that dropping the function invalidates it.
// Wherever that does not fit (WITH ORDINALITY, ROWS FROM with several functions, LATERAL arguments,
// whole-row references), the FunctionScan stays and gives the same rows.
//
// A statement that locks or changes rows looks again at a row that it had to wait for, and runs a
// part of its plan again for that (EvalPlanQual). A table function that is joined with such a row
// is then read from the copy that the statement keeps of its row, which is a whole-row reference:
// so the scan is never asked for one row of its own again. What remains are scans within
// subqueries, which run again as a whole.
#include "resolve/estimate.h"
#include "resolve/execution.h"
#include "resolve/resolve.h"

extern "C" {
#include <catalog/objectaccess.h>
#include <catalog/pg_proc.h>
#include <nodes/extensible.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/paths.h>
#include <optimizer/restrictinfo.h>
}

namespace identity_resolve::pg {

namespace {

set_rel_pathlist_hook_type next_pathlist_hook = nullptr;

// The plan's side -------------------------------------------------------------------------------

// Which of our functions a call is of.
std::optional<ResultForm> form_of(Oid function) {
  FmgrInfo info;
  if (!OidIsValid(get_func_support(function))) return std::nullopt;
  fmgr_info(function, &info);
  if (info.fn_addr == ::resolve_identities) return ResultForm::kMasterTable;
  if (info.fn_addr == ::identity_records) return ResultForm::kRecords;
  if (info.fn_addr == ::identity_links) return ResultForm::kLinks;
  if (info.fn_addr == ::identity_evidence) return ResultForm::kEvidence;
  return std::nullopt;
}

// Whether anything refers to the relation's row as a whole, which only a FunctionScan can give.
bool whole_row_is_needed(const RelOptInfo* rel, Index number) {
  Bitmapset* referred = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(rel->reltarget->exprs), number, &referred);
  ListCell* cell = nullptr;
  foreach (cell, rel->baserestrictinfo) {
    const auto* filter = static_cast<const RestrictInfo*>(lfirst(cell));
    pull_varattnos(reinterpret_cast<Node*>(filter->clause), number, &referred);
  }
  return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, referred);
}

Plan* plan_scan(PlannerInfo* /*root*/, RelOptInfo* rel, CustomPath* path, List* targets,
                List* clauses, List* /*children*/);

const CustomPathMethods kPathMethods = {
    .CustomName = "identity_resolve",
    .PlanCustomPath = plan_scan,
    .ReparameterizeCustomPathByChild = nullptr,
};

void offer_scan(PlannerInfo* root, RelOptInfo* rel, Index number, RangeTblEntry* entry) {
  if (next_pathlist_hook != nullptr) next_pathlist_hook(root, rel, number, entry);
  if (entry->rtekind != RTE_FUNCTION || entry->funcordinality ||
      list_length(entry->functions) != 1 || rel->pathlist == NIL ||
      !bms_is_empty(rel->lateral_relids)) {
    return;
  }
  auto* function = static_cast<RangeTblFunction*>(linitial(entry->functions));
  if (!IsA(function->funcexpr, FuncExpr)) return;
  auto* call = reinterpret_cast<FuncExpr*>(function->funcexpr);
  const std::optional<ResultForm> form = form_of(call->funcid);
  if (!form || list_length(call->args) > 1 || whole_row_is_needed(rel, number)) return;

  const Path* replaced = static_cast<const Path*>(linitial(rel->pathlist));
  CustomPath* path = makeNode(CustomPath);
  path->path.pathtype = T_CustomScan;
  path->path.parent = rel;
  path->path.pathtarget = rel->reltarget;
  path->path.rows = replaced->rows;
  path->path.startup_cost = replaced->startup_cost;
  path->path.total_cost = replaced->total_cost;
  path->flags = CUSTOM_SCAN_PROJECTS;
  const CallEstimate* estimate = estimate_call(root, call, *form);
  const ResultKind result =
      estimate != nullptr ? estimate->result : result_of(*form, OutputRows::kIdentities);
  path->custom_private = list_make5(
      function, makeInteger(static_cast<int>(*form)), makeInteger(static_cast<int>(result)),
      estimate == nullptr ? NIL : estimate->names, estimate == nullptr ? NIL : estimate->counts);
  path->methods = &kPathMethods;
  rel->pathlist = list_make1(path);
}

// The executor's side ---------------------------------------------------------------------------

Node* make_scan_state(CustomScan* plan);

const CustomScanMethods kScanMethods = {
    .CustomName = "identity_resolve",
    .CreateCustomScanState = make_scan_state,
};

// A plan's custom_private, by place; columns are those of the function. Its custom_exprs: the call.
// Its custom_scan_tlist: all of the columns.
enum PlanPart : std::uint8_t {
  kForm,
  kColumnNames,
  kColumnTypes,
  kColumnTypmods,
  kColumnCollations,
  kResult,       // what the rows are, as far as the planner knows
  kSourceNames,  // and of the sources, if it knows them
  kSourceRows
};

template <class Part>
Part* part_of(const CustomScan* plan, PlanPart part) {
  return static_cast<Part*>(list_nth(plan->custom_private, part));
}

Plan* plan_scan(PlannerInfo* /*root*/, RelOptInfo* rel, CustomPath* path, List* targets,
                List* clauses, List* /*children*/) {
  auto* function = static_cast<RangeTblFunction*>(linitial(path->custom_private));
  CustomScan* scan = makeNode(CustomScan);
  scan->flags = path->flags;
  scan->scan.plan.targetlist = targets;
  scan->scan.plan.qual = extract_actual_clauses(clauses, false);
  scan->scan.scanrelid = 0;
  scan->custom_exprs = list_make1(copyObjectImpl(function->funcexpr));
  List* names = NIL;
  List* types = NIL;
  List* typmods = NIL;
  List* collations = NIL;
  if (function->funccolnames != NIL) {
    names = function->funccolnames;
    types = function->funccoltypes;
    typmods = function->funccoltypmods;
    collations = function->funccolcollations;
  } else {
    TupleDesc shape = nullptr;
    get_expr_result_type(function->funcexpr, nullptr, &shape);
    for (int i = 0; i < shape->natts; ++i) {
      const Form_pg_attribute column = TupleDescAttr(shape, i);
      names = lappend(names, makeString(pstrdup(NameStr(column->attname))));
      types = lappend_oid(types, column->atttypid);
      typmods = lappend_int(typmods, column->atttypmod);
      collations = lappend_oid(collations, column->attcollation);
    }
  }
  const auto number = static_cast<int>(rel->relid);
  for (int i = 0; i < list_length(types); ++i) {
    Var* column =
        makeVar(static_cast<decltype(Var::varno)>(number), static_cast<AttrNumber>(i + 1),
                list_nth_oid(types, i), list_nth_int(typmods, i), list_nth_oid(collations, i), 0);
    scan->custom_scan_tlist =
        lappend(scan->custom_scan_tlist,
                makeTargetEntry(reinterpret_cast<Expr*>(column), static_cast<AttrNumber>(i + 1),
                                pstrdup(strVal(list_nth(names, i))), false));
  }
  scan->custom_private = list_make5(lsecond(path->custom_private), copyObjectImpl(names),
                                    list_copy(types), list_copy(typmods), list_copy(collations));
  for (int part = 2; part < list_length(path->custom_private); ++part) {
    void* of_path = list_nth(path->custom_private, part);
    scan->custom_private = lappend(scan->custom_private, copyObjectImpl(of_path));
  }
  scan->methods = &kScanMethods;
  return &scan->scan.plan;
}

struct ScanState {
  CustomScanState base;
  ResultForm form;
  FuncExpr* call;
  ExprState* clauses;     // nullptr where the call has no argument
  Bitmapset* parameters;  // of the executor, that the clauses depend on
  TupleDesc shape;
  Execution* execution;  // nullptr until the first row is asked for
};

ScanState* state_of(CustomScanState* node) { return reinterpret_cast<ScanState*>(node); }

void check_may_execute(Oid function) {
  const AclResult allowed = right_to_execute(function);
  if (allowed != ACLCHECK_OK) aclcheck_error(allowed, OBJECT_FUNCTION, get_func_name(function));
  InvokeFunctionExecuteHook(function);
}

// Adds the executor's parameters that an expression depends on.
struct ParameterSearch {
  const EState* state;
  Bitmapset* found;
};
bool add_parameters(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* search = static_cast<ParameterSearch*>(context);
  if (IsA(node, Param)) {
    const auto* parameter = reinterpret_cast<const Param*>(node);
    if (parameter->paramkind == PARAM_EXEC) {
      search->found = bms_add_member(search->found, parameter->paramid);
    }
    return false;
  }
  if (IsA(node, SubPlan)) {
    const int number = reinterpret_cast<const SubPlan*>(node)->plan_id;
    const auto* plan =
        static_cast<const Plan*>(list_nth(search->state->es_plannedstmt->subplans, number - 1));
    search->found = bms_add_members(search->found, plan->extParam);
  }
  return walk_expression(node, add_parameters, context);
}

void begin_scan(CustomScanState* node, EState* estate, int /*flags*/) {
  ScanState* state = state_of(node);
  const auto* plan = reinterpret_cast<const CustomScan*>(node->ss.ps.plan);
  state->form = static_cast<ResultForm>(intVal(part_of<Node>(plan, kForm)));
  state->call = static_cast<FuncExpr*>(linitial(plan->custom_exprs));
  check_may_execute(state->call->funcid);
  state->clauses =
      state->call->args == NIL
          ? nullptr
          : ExecInitExpr(static_cast<Expr*>(linitial(state->call->args)), &node->ss.ps);
  ParameterSearch search{estate, nullptr};
  add_parameters(reinterpret_cast<Node*>(state->call), &search);
  state->parameters = search.found;
  state->shape = BuildDescFromLists(
      part_of<List>(plan, kColumnNames), part_of<List>(plan, kColumnTypes),
      part_of<List>(plan, kColumnTypmods), part_of<List>(plan, kColumnCollations));
}

// The clauses are evaluated once, when the first row is asked for.
void start(ScanState* state) {
  ClauseList clauses{Datum{0}, false, state->clauses == nullptr};
  if (state->clauses != nullptr) {
    clauses.array = ExecEvalExprSwitchContext(state->clauses, state->base.ss.ps.ps_ExprContext,
                                              &clauses.is_null);
  }
  const MemoryContext query = state->base.ss.ps.state->es_query_cxt;
  guarded([&] { state->execution = Execution::create(query, state->form, clauses, state->shape); });
}

TupleTableSlot* next_row(ScanState* state) {
  if (state->execution == nullptr) start(state);
  TupleTableSlot* slot = state->base.ss.ss_ScanTupleSlot;
  ExecClearTuple(slot);
  const bool found =
      guarded([&] { return state->execution->next(slot->tts_values, slot->tts_isnull); });
  return found ? ExecStoreVirtualTuple(slot) : slot;
}

// The next row that passes the filter, as the plan above wants it. What ExecScan() does, but for
// EvalPlanQual: a scan of no relation, which this is, would there be asked for the row that it has
// shown before, and up to PostgreSQL's releases of November 2025 also where it stands in a subquery
// that runs again as a whole. This one gives its rows in any case.
TupleTableSlot* exec_scan(CustomScanState* node) {
  ExprContext* context = node->ss.ps.ps_ExprContext;
  const ProjectionInfo* projection = node->ss.ps.ps_ProjInfo;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    ResetExprContext(context);
    TupleTableSlot* row = next_row(state_of(node));
    if (TupIsNull(row)) {
      return projection == nullptr ? row : ExecClearTuple(projection->pi_state.resultslot);
    }
    context->ecxt_scantuple = row;
    if (ExecQual(node->ss.ps.qual, context)) {
      return projection == nullptr ? row : ExecProject(node->ss.ps.ps_ProjInfo);
    }
    InstrCountFiltered1(node, 1);
  }
}

void forget(ScanState* state) {
  if (state->execution == nullptr) return;
  Execution* execution = std::exchange(state->execution, nullptr);
  guarded([execution] { Execution::destroy(execution); });
}

void end_scan(CustomScanState* node) { forget(state_of(node)); }

// The same rows again; other ones where a parameter of the clauses has changed, while one of the
// filter alone does not cost another resolve.
void rescan(CustomScanState* node) {
  ScanState* state = state_of(node);
  if (bms_overlap(node->ss.ps.chgParam, state->parameters)) {
    forget(state);
  } else if (state->execution != nullptr) {
    state->execution->rewind();
  }
  ExecClearTuple(node->ss.ss_ScanTupleSlot);
}

// What EXPLAIN shows beside rows and costs: what the rows are, and of each source the rows that are
// expected; with ANALYZE also what was read.
void explain_source(const char* name, const double* expected, const std::uint64_t* read,
                    ExplainState* explain) {
  if (explain->format == EXPLAIN_FORMAT_TEXT) {
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfoString(&line, name);
    if (expected != nullptr && explain->costs) appendStringInfo(&line, "  (rows=%.0f)", *expected);
    if (read != nullptr) appendStringInfo(&line, "  (actual rows=" UINT64_FORMAT ")", *read);
    ExplainPropertyText("Source", line.data, explain);
    return;
  }
  ExplainOpenGroup("Source", nullptr, true, explain);
  ExplainPropertyText("Source", name, explain);
  if (expected != nullptr && explain->costs) {
    ExplainPropertyFloat("Plan Rows", nullptr, *expected, 0, explain);
  }
  if (read != nullptr) ExplainPropertyUInteger("Actual Rows", nullptr, *read, explain);
  ExplainCloseGroup("Source", nullptr, true, explain);
}

void explain_scan(CustomScanState* node, List* /*ancestors*/, ExplainState* explain) {
  const ScanState* state = state_of(node);
  const auto* plan = reinterpret_cast<const CustomScan*>(node->ss.ps.plan);
  const Execution* execution = explain->analyze ? state->execution : nullptr;
  const Progress* done = execution == nullptr ? nullptr : &execution->progress();
  const List* names = part_of<List>(plan, kSourceNames);
  const List* counts = part_of<List>(plan, kSourceRows);
  const auto expected = static_cast<std::size_t>(list_length(names));

  const ResultKind result = done != nullptr
                                ? done->result()
                                : static_cast<ResultKind>(intVal(part_of<Node>(plan, kResult)));
  const bool is_known = done != nullptr || expected > 0 || result != ResultKind::kIdentities;
  ExplainPropertyText("Result", is_known ? name_of(result) : "master table", explain);
  ExplainOpenGroup("Sources", "Sources", false, explain);
  const std::size_t sources = done != nullptr ? done->sources().size() : expected;
  for (std::size_t i = 0; i < sources; ++i) {
    const bool planned = expected == sources;
    const double rows = planned ? floatVal(list_nth(counts, static_cast<int>(i))) : 0;
    const char* name = done != nullptr ? execution->request().sources[i].name.c_str()
                                       : strVal(list_nth(names, static_cast<int>(i)));
    explain_source(name, planned ? &rows : nullptr,
                   done != nullptr ? &done->sources()[i].records : nullptr, explain);
  }
  ExplainCloseGroup("Sources", "Sources", false, explain);
  if (done == nullptr) return;
  ExplainPropertyUInteger("Identifiers", nullptr, done->identifiers(), explain);
  ExplainPropertyUInteger("Identities", nullptr, done->identities(), explain);
  if (done->spilled() > 0 || explain->format != EXPLAIN_FORMAT_TEXT) {
    ExplainPropertyUInteger("Spilled", "kB", (done->spilled() + 1023) / 1024, explain);
  }
  if (done->workers() > 0 || explain->format != EXPLAIN_FORMAT_TEXT) {
    ExplainPropertyUInteger("Workers", nullptr, done->workers(), explain);
  }
}

const CustomExecMethods kExecMethods = {
    .CustomName = "identity_resolve",
    .BeginCustomScan = begin_scan,
    .ExecCustomScan = exec_scan,
    .EndCustomScan = end_scan,
    .ReScanCustomScan = rescan,
    .MarkPosCustomScan = nullptr,
    .RestrPosCustomScan = nullptr,
    .EstimateDSMCustomScan = nullptr,
    .InitializeDSMCustomScan = nullptr,
    .ReInitializeDSMCustomScan = nullptr,
    .InitializeWorkerCustomScan = nullptr,
    .ShutdownCustomScan = nullptr,
    .ExplainCustomScan = explain_scan,
};

Node* make_scan_state(CustomScan* /*plan*/) {
  auto* state = reinterpret_cast<ScanState*>(newNode(sizeof(ScanState), T_CustomScanState));
  state->base.methods = &kExecMethods;
  return reinterpret_cast<Node*>(state);
}

// The planner's question about a call, answered in the request; false where there is no answer.
bool answer(Node* request) {
  if (IsA(request, SupportRequestRows)) {
    auto* rows = reinterpret_cast<SupportRequestRows*>(request);
    if (rows->node == nullptr || !IsA(rows->node, FuncExpr)) return false;
    const auto form = form_of(rows->funcid);
    if (!form) return false;
    const CallEstimate* estimate =
        estimate_call(rows->root, reinterpret_cast<FuncExpr*>(rows->node), *form);
    if (estimate == nullptr) return false;
    rows->rows = estimate->rows;
    return true;
  }
  if (IsA(request, SupportRequestCost)) {
    auto* cost = reinterpret_cast<SupportRequestCost*>(request);
    if (cost->node == nullptr || !IsA(cost->node, FuncExpr)) return false;
    const auto form = form_of(cost->funcid);
    if (!form) return false;
    const CallEstimate* estimate =
        estimate_call(cost->root, reinterpret_cast<FuncExpr*>(cost->node), *form);
    if (estimate == nullptr) return false;
    cost->startup = 0;
    cost->per_tuple = estimate->cost;
    return true;
  }
  return false;
}

}  // namespace

Node* answer_planner(Node* request) { return answer(request) ? request : nullptr; }

bool is_resolve_scan(const PlanState* state) {
  return IsA(state, CustomScanState) &&
         reinterpret_cast<const CustomScanState*>(state)->methods == &kExecMethods;
}

void install_resolve_scan() {
  next_pathlist_hook = set_rel_pathlist_hook;
  set_rel_pathlist_hook = offer_scan;
  RegisterCustomScanMethods(&kScanMethods);
}

}  // namespace identity_resolve::pg

// resolve_identities_support(internal) → internal: the planner's questions about a call, of which
// rows and costs are answered. Being asked loads the library in time for the scan above.
IDENTITY_RESOLVE_FUNCTION(resolve_identities_support) {
  auto* request = reinterpret_cast<Node*>(PG_GETARG_POINTER(0));
  return PointerGetDatum(identity_resolve::pg::answer_planner(request));
}
