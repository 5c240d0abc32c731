// The names in a source's query: which tables it reads, and which names hang on the search path.
// For frames of C++.
#pragma once

#include "pg/border.h"

namespace identity_resolve::pg {

// The tables that a query, analysed and rewritten, reads: in its subqueries and in views, too.
// Sorted.
std::vector<Oid> tables_of(const Query* query);

// The relations and functions that a query names without a schema and that are none of
// PostgreSQL's own, each once, in the order of the text.
std::vector<std::string> unqualified_names(const std::string& query);

}  // namespace identity_resolve::pg
