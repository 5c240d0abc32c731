// What the planner can know of a call of resolve_identities() and its kin: how many rows it will
// give and what it will cost, from the planner's own estimates of the sources' queries.
//
// The clauses are constants at planning time when a call is literal or its parameters are known.
// Then each source's query is planned, as EXPLAIN of it would, and not executed. With rᵢ the rows
// of source i, S their sum and M the greatest of them:
//
//   records        S: the rows of the sources (a record of several rows is counted as often)
//   identities     √(M·S): every person is in the largest source, then it is M; nobody is in two
//                  sources, then it is S. Nothing tells where between, and no other number is off
//                  by so small a factor at worst, √(S/M)
//   combinations   the same: most identities have one
//   links          Σ rᵢ·cᵢ, where source i has cᵢ columns of identifiers
//   evidence       S + Σ rᵢ·cᵢ
//   cost           what the sources' plans cost; for each row of theirs, to normalise, key, keep
//                  and unite it, four times what the planner takes for handing on a row; and twice
//                  that for each row of the result
//
// What can go wrong. The query may be broken, and then planning must not fail in another way than
// executing does: the estimate is made within a subtransaction, which is rolled back on any error,
// and the function's own ROWS and COST stand. Only what is no fault of the query reaches the user:
// a cancel, a deadlock, want of memory or disk. In parallel mode, where no subtransaction may
// begin, there is no estimate. A query that itself resolves is estimated to a depth of two, so that
// one that calls itself ends. Warnings while planning are left to the execution. A user who may not
// read all that a source reads, learns nothing: the default estimate stands, and executing raises
// the error.
//
// Everything here is plain data and raises errors the PostgreSQL way.
#pragma once

#include "resolve/request.h"

namespace identity_resolve::pg {

struct SourcePlan {
  double rows = 0;
  Cost cost = 0;
};

// The plan of a prepared query of one statement, which is kept for the execution.
SourcePlan plan_source(SPIPlanPtr plan);

struct CallEstimate {
  ResultKind result = ResultKind::kIdentities;
  double rows = 0;
  Cost cost = 0;
  List* names = nullptr;   // of the sources: String
  List* counts = nullptr;  // their rows: Float
};

// The estimate of a call, of one of our functions; nullptr where there is none. Lives as long as
// the planning, and is made once in it.
const CallEstimate* estimate_call(PlannerInfo* root, FuncExpr* call, ResultForm form);

}  // namespace identity_resolve::pg
