#include "resolve/estimate.h"

#include <algorithm>
#include <cmath>

#include "pg/border.h"
#include "pg/settings.h"
#include "pg/spi.h"
#include "resolve/clause.h"

extern "C" {
#include <optimizer/cost.h>
#include <optimizer/optimizer.h>
}

namespace identity_resolve::pg {

namespace {

constexpr int kDeepest = 2;  // estimates within estimates
int depth = 0;

// Of the functions' rows and costs, in units of cpu_tuple_cost.
constexpr double kRowIn = 4;
constexpr double kRowOut = 2;

// The estimates of the plannings that are going on. Each lives on its planning's memory and leaves
// the list when that goes.
struct Known {
  Known* next;
  const PlannerGlobal* planning;
  Node* arguments;
  ResultForm form;
  bool has_estimate;
  CallEstimate estimate;
  MemoryContextCallback callback;
};
Known* first_known = nullptr;

void forget(void* object) {
  Known** place = &first_known;
  while (*place != nullptr && *place != object) place = &(*place)->next;
  if (*place != nullptr) *place = (*place)->next;
}

Known* remember(PlannerInfo* root, FuncExpr* call, ResultForm form) {
  const MemoryContext outer = MemoryContextSwitchTo(root->planner_cxt);
  auto* known = static_cast<Known*>(palloc0(sizeof(Known)));
  known->planning = root->glob;
  known->arguments = static_cast<Node*>(copyObjectImpl(call->args));
  known->form = form;
  known->callback.func = forget;
  known->callback.arg = known;
  MemoryContextRegisterResetCallback(root->planner_cxt, &known->callback);
  known->next = std::exchange(first_known, known);
  MemoryContextSwitchTo(outer);
  return known;
}

// Whether the user, or whoever a view reads for, may read the columns that a statement asks for.
// Where a statement names no column, as count(*) does, the right to read any column will do; where
// it takes whole rows, all columns have to be readable.
bool may_read(const AskedRights& asked) {
  if (!are_of_relation(asked) || asked.requiredPerms == 0) return true;
  if (asked.requiredPerms != ACL_SELECT) return false;
  const Oid user = OidIsValid(asked.checkAsUser) ? asked.checkAsUser : GetUserId();
  if (pg_class_aclcheck(asked.relid, user, ACL_SELECT) == ACLCHECK_OK) return true;
  const auto may_read_columns = [&](AclMaskHow how) {
    return pg_attribute_aclcheck_all(asked.relid, user, ACL_SELECT, how) == ACLCHECK_OK;
  };
  if (bms_is_empty(asked.selectedCols)) return may_read_columns(ACLMASK_ANY);
  for (int at = bms_next_member(asked.selectedCols, -1); at >= 0;
       at = bms_next_member(asked.selectedCols, at)) {
    const auto column = static_cast<AttrNumber>(at + FirstLowInvalidHeapAttributeNumber);
    const bool allowed =
        column == InvalidAttrNumber
            ? may_read_columns(ACLMASK_ALL)
            : pg_attribute_aclcheck(asked.relid, column, user, ACL_SELECT) == ACLCHECK_OK;
    if (!allowed) return false;
  }
  return true;
}

// Whether the user may read all that a planned statement reads. It finds what
// ExecCheckPermissions() of the executor finds, which must not be called here: it also calls
// ExecutorCheckPerms_hook, and a library that sets the hook expects a statement to be under way, as
// ExecutorStart() began it. pgaudit crashes the server otherwise.
bool may_read(const PlannedStmt* statement) {
  ListCell* cell = nullptr;
  foreach (cell, rights_asked_by(statement)) {
    if (!may_read(*static_cast<const AskedRights*>(lfirst(cell)))) return false;
  }
  return true;
}

// The number of a query's columns of identifiers.
int identifier_columns(TupleDesc shape) {
  int count = 0;
  for (int i = 1; i < shape->natts; ++i) {
    const Form_pg_attribute column = TupleDescAttr(shape, i);
    if (std::string_view(NameStr(column->attname)) != "updated_at") ++count;
  }
  return count;
}

struct Sums {
  double rows = 0;
  double most = 0;
  double links = 0;
  Cost cost = 0;
};

// Adds a source; false where it cannot be estimated.
bool add_source(const Clause& clause, MemoryContext memory, CallEstimate& estimate, Sums& sums) {
  const char* query = pnstrdup(clause.query.data(), clause.query.size());
  SPIPlanPtr prepared = SPI_prepare_cursor(query, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
  if (prepared == nullptr || list_length(SPI_plan_get_plan_sources(prepared)) != 1) return false;
  const auto* statement =
      static_cast<const CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(prepared)));
  if (list_length(statement->query_list) != 1) return false;
  const auto* parsed = static_cast<const Query*>(linitial(statement->query_list));
  if (parsed->commandType != CMD_SELECT || statement->resultDesc == nullptr ||
      parsed->hasModifyingCTE || parsed->rowMarks != NIL) {
    return false;
  }
  CachedPlan* plan = SPI_plan_get_cached_plan(prepared);
  if (plan == nullptr || list_length(plan->stmt_list) != 1) return false;
  const auto* planned = static_cast<const PlannedStmt*>(linitial(plan->stmt_list));
  const bool allowed = planned->commandType == CMD_SELECT && may_read(planned);
  const double rows = std::max(planned->planTree->plan_rows, 1.0);
  const Cost cost = planned->planTree->total_cost;
  release_plan(plan);
  if (!allowed) return false;

  sums.rows += rows;
  sums.most = std::max(sums.most, rows);
  sums.links += rows * identifier_columns(statement->resultDesc);
  sums.cost += cost;
  const MemoryContext outer = MemoryContextSwitchTo(memory);
  estimate.names =
      lappend(estimate.names, makeString(pnstrdup(clause.name.data(), clause.name.size())));
  estimate.counts = lappend(estimate.counts, makeFloat(psprintf("%.0f", rows)));
  MemoryContextSwitchTo(outer);
  return true;
}

double rows_of(ResultKind result, const Sums& sums) {
  switch (result) {
    case ResultKind::kIdentities:
    case ResultKind::kCombinations:
      return std::sqrt(sums.most * sums.rows);
    case ResultKind::kRecords:
      return sums.rows;
    case ResultKind::kLinks:
      return sums.links;
    case ResultKind::kEvidence:
      return sums.rows + sums.links;
  }
  return sums.rows;
}

// The estimate of a list of clauses; false where there is none.
bool estimate_clauses(Datum list, ResultForm form, MemoryContext memory, CallEstimate& estimate) {
  ArrayType* array = DatumGetArrayTypeP(list);
  Datum* datums = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &datums, &nulls, &count);
  OutputRows rows = OutputRows::kIdentities;
  Sums sums;
  for (int i = 0; i < count; ++i) {
    if (nulls[i]) return false;
    const Clause clause = read_clause(datums[i]);
    if (clause.type == ClauseType::kOutput && clause.rows == "combinations") {
      rows = OutputRows::kCombinations;
    }
    if (clause.type == ClauseType::kSource && !add_source(clause, memory, estimate, sums)) {
      return false;
    }
  }
  if (estimate.names == NIL) return false;
  estimate.result = result_of(form, rows);
  estimate.rows = clamp_row_est(rows_of(estimate.result, sums));
  estimate.cost = sums.cost + (kRowIn * sums.rows + kRowOut * estimate.rows) * cpu_tuple_cost;
  return true;
}

// The same, of the call's argument.
void estimate_argument(PlannerInfo* root, Node* argument, Known& known) {
  XactReadOnly = true;  // until the subtransaction ends
  const int level = begin_silence();
  if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
  const Node* value = IsA(argument, Const) ? argument : estimate_expression_value(root, argument);
  if (IsA(value, Const)) {
    const auto* clauses = reinterpret_cast<const Const*>(value);
    known.has_estimate =
        !clauses->constisnull &&
        estimate_clauses(clauses->constvalue, known.form, root->planner_cxt, known.estimate);
  }
  SPI_finish();
  end_silence(level);
}

// Whether an error is no fault of the sources or clauses.
bool concerns_user(const ErrorData* error) {
  const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
  return category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
         category == ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK) ||
         category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
         category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR);
}

// Runs the estimate in a subtransaction, so that an error leaves nothing behind.
void estimate_safely(PlannerInfo* root, Node* argument, Known& known) {
  struct Job {
    PlannerInfo* root;
    Node* argument;
    Known* known;
  } job{root, argument, &known};
  const MemoryContext outer = CurrentMemoryContext;
  const ResourceOwner owner = CurrentResourceOwner;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(outer);  // an error's copy must outlive the subtransaction
  ++depth;
  ErrorData* error = detail::try_call(
      [](void* at) noexcept {
        const auto* the = static_cast<const Job*>(at);
        estimate_argument(the->root, the->argument, *the->known);
      },
      &job);
  --depth;
  if (error == nullptr) {
    ReleaseCurrentSubTransaction();
  } else {
    RollbackAndReleaseCurrentSubTransaction();
  }
  MemoryContextSwitchTo(outer);
  CurrentResourceOwner = owner;
  if (error == nullptr) return;
  if (concerns_user(error)) ReThrowError(error);
  FreeErrorData(error);
  known.has_estimate = false;
}

}  // namespace

SourcePlan plan_source(SPIPlanPtr prepared) {
  CachedPlan* plan = SPI_plan_get_cached_plan(prepared);
  if (plan == nullptr) return {};
  const auto* planned = static_cast<const PlannedStmt*>(linitial(plan->stmt_list));
  const SourcePlan result{planned->planTree->plan_rows, planned->planTree->total_cost};
  release_plan(plan);
  return result;
}

const CallEstimate* estimate_call(PlannerInfo* root, FuncExpr* call, ResultForm form) {
  if (root == nullptr || list_length(call->args) != 1) return nullptr;
  for (const Known* known = first_known; known != nullptr; known = known->next) {
    if (known->planning == root->glob && known->form == form &&
        equal(known->arguments, call->args)) {
      return known->has_estimate ? &known->estimate : nullptr;
    }
  }
  auto* argument = static_cast<Node*>(linitial(call->args));
  if (depth >= kDeepest || IsInParallelMode() || !ActiveSnapshotSet() ||
      contain_var_clause(argument)) {
    return nullptr;
  }
  Known* known = remember(root, call, form);
  estimate_safely(root, argument, *known);
  return known->has_estimate ? &known->estimate : nullptr;
}

}  // namespace identity_resolve::pg
