// The two ways into an execution share these.
#pragma once

#include "pg/pg.h"
#include "resolve/request.h"

// The functions as PostgreSQL's function manager calls them, by which a plan's call is recognised.
extern "C" {
PGDLLEXPORT Datum resolve_identities(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum identity_records(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum identity_links(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum identity_evidence(PG_FUNCTION_ARGS);
}

namespace identity_resolve::pg {

// The clauses that a function of nothing but clauses was called with.
ClauseList clauses_of(FunctionCallInfo fcinfo) noexcept;

// Answers a planner support request about one of the functions; nullptr where there is no answer.
Node* answer_planner(Node* request);

// Makes the planner use the scan of resolve_scan.cc. Called once, when the library is loaded.
void install_resolve_scan();

// Whether a node of a plan that is being executed is that scan.
bool is_resolve_scan(const PlanState* state);

}  // namespace identity_resolve::pg
