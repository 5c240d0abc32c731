// Where the extension is found: its schema, and its library, for parallel workers to load.
#pragma once

#include "pg/pg.h"

extern "C" {
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

// The schema of what users do not call.
constexpr const char* kInternalSchema = "identity_internal";

// The library, as the definition of one of its functions names it. PostgreSQL's half.
inline const char* library_of(Oid function) {
  const HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(row)) elog(ERROR, "cache lookup failed for function %u", function);
  bool is_null = false;
  const Datum name = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_probin, &is_null);
  const char* library = is_null ? "identity_resolve" : TextDatumGetCString(name);
  ReleaseSysCache(row);
  return library;
}

}  // namespace identity_resolve::pg
