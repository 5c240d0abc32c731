// A scan of our own in the place of PostgreSQL's FunctionScan, so that rows stream.
//
// A FunctionScan first collects all rows of a function in a tuplestore, which spills to disk beyond
// work_mem, and then reads them back. Here rows go straight to whoever asks for them: at a million
// people that is a quarter of the whole time.
//
// How it comes about, with nothing preloaded:
//   1. The SQL functions have a planner support function (resolve_identities_support). PostgreSQL
//      calls it while it simplifies a statement's expressions, which loads this library.
//   2. _PG_init sets set_rel_pathlist_hook. It is asked for each relation's paths, which comes
//      later in the same planning, and puts a CustomPath in the place of the FunctionScan's path
//      where the relation is one plain call of our functions.
//   3. The plan keeps the whole call in custom_exprs, so that dropping the function invalidates it.
// Wherever that does not fit (WITH ORDINALITY, ROWS FROM with several functions, LATERAL arguments,
// whole-row references), the FunctionScan stays and gives the same rows.
#include "pg/execution.h"
#include "pg/resolve.h"

extern "C" {
#include <catalog/objectaccess.h>
#include <catalog/pg_proc.h>
#include <nodes/extensible.h>
#include <optimizer/optimizer.h>
#include <optimizer/pathnode.h>
#include <optimizer/paths.h>
#include <optimizer/restrictinfo.h>
#include <utils/acl.h>
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
#if PG_VERSION_NUM >= 150000
  path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
#endif
  path->custom_private = list_make2(function, makeInteger(static_cast<int>(*form)));
  path->methods = &kPathMethods;
  rel->pathlist = list_make1(path);
}

// The executor's side ---------------------------------------------------------------------------

Node* make_scan_state(CustomScan* plan);

const CustomScanMethods kScanMethods = {
    .CustomName = "identity_resolve",
    .CreateCustomScanState = make_scan_state,
};

// A plan's custom_private: the form, and the names, types, type modifiers and collations of the
// function's columns. Its custom_exprs: the call. Its custom_scan_tlist: all of the columns.
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
  scan->methods = &kScanMethods;
  return &scan->scan.plan;
}

struct ScanState {
  CustomScanState base;
  ResultForm form;
  FuncExpr* call;
  ExprState* clauses;  // nullptr where the call has no argument
  TupleDesc shape;
  Execution* execution;  // nullptr until the first row is asked for
};

ScanState* state_of(CustomScanState* node) { return reinterpret_cast<ScanState*>(node); }

void check_may_execute(Oid function) {
#if PG_VERSION_NUM >= 160000
  const AclResult allowed =
      object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
#else
  const AclResult allowed = pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
#endif
  if (allowed != ACLCHECK_OK) aclcheck_error(allowed, OBJECT_FUNCTION, get_func_name(function));
  InvokeFunctionExecuteHook(function);
}

void begin_scan(CustomScanState* node, EState* /*estate*/, int /*flags*/) {
  ScanState* state = state_of(node);
  const auto* plan = reinterpret_cast<const CustomScan*>(node->ss.ps.plan);
  state->form = static_cast<ResultForm>(intVal(linitial(plan->custom_private)));
  state->call = static_cast<FuncExpr*>(linitial(plan->custom_exprs));
  check_may_execute(state->call->funcid);
  state->clauses =
      state->call->args == NIL
          ? nullptr
          : ExecInitExpr(static_cast<Expr*>(linitial(state->call->args)), &node->ss.ps);
  const auto list = [plan](int place) {
    return static_cast<List*>(list_nth(plan->custom_private, place));
  };
  state->shape = BuildDescFromLists(list(1), list(2), list(3), list(4));
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

bool recheck(ScanState* /*state*/, TupleTableSlot* /*slot*/) { return true; }

TupleTableSlot* exec_scan(CustomScanState* node) {
  return ExecScan(&node->ss, reinterpret_cast<ExecScanAccessMtd>(next_row),
                  reinterpret_cast<ExecScanRecheckMtd>(recheck));
}

void forget(ScanState* state) {
  if (state->execution == nullptr) return;
  Execution* execution = std::exchange(state->execution, nullptr);
  guarded([execution] { Execution::destroy(execution); });
}

void end_scan(CustomScanState* node) { forget(state_of(node)); }

// The same rows again; other ones where a parameter of the clauses has changed.
void rescan(CustomScanState* node) {
  ScanState* state = state_of(node);
  if (node->ss.ps.chgParam != nullptr) {
    forget(state);
  } else if (state->execution != nullptr) {
    state->execution->rewind();
  }
  ExecScanReScan(&node->ss);
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
    .ExplainCustomScan = nullptr,
};

Node* make_scan_state(CustomScan* /*plan*/) {
  auto* state = reinterpret_cast<ScanState*>(newNode(sizeof(ScanState), T_CustomScanState));
  state->base.methods = &kExecMethods;
  return reinterpret_cast<Node*>(state);
}

}  // namespace

void install_resolve_scan() {
  next_pathlist_hook = set_rel_pathlist_hook;
  set_rel_pathlist_hook = offer_scan;
  RegisterCustomScanMethods(&kScanMethods);
}

}  // namespace identity_resolve::pg

// resolve_identities_support(internal) → internal: the planner's question about a call. It has no
// answer of its own yet; being asked loads the library in time for the scan above.
IDENTITY_RESOLVE_FUNCTION(resolve_identities_support) {
  static_cast<void>(fcinfo);
  return PointerGetDatum(nullptr);
}
