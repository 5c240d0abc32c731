#include "pg/result_rows.h"

#include "engine/error.h"
#include "pg/border.h"

namespace identity_resolve::pg {

namespace {

ReturnSetInfo* result_of(FunctionCallInfo fcinfo) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (result == nullptr || !IsA(result, ReturnSetInfo) ||
      (result->allowedModes & SFRM_Materialize) == 0) {
    throw engine::Error("0A000",
                        "this function gives a set of rows, and was called where none can stand",
                        {}, "Call it in FROM: SELECT * FROM resolve_identities(...) AS (...).");
  }
  if (result->expectedDesc == nullptr) {
    throw engine::Error(
        "42601", "a column definition list is required",
        "The result's columns are what the list asks for.",
        "Call it in FROM, with the columns you want: SELECT * FROM resolve_identities(...) AS "
        "(identity_id uuid, email text, stripe_id text).");
  }
  return result;
}

}  // namespace

ReturnSetInfo* begin_tuplestore(FunctionCallInfo fcinfo) {
  ReturnSetInfo* result = result_of(fcinfo);
  call([&] {
    const MemoryContext outer = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
    result->setDesc = CreateTupleDescCopy(result->expectedDesc);
    result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
                                              false, work_mem);
    result->returnMode = SFRM_Materialize;
    MemoryContextSwitchTo(outer);
  });
  return result;
}

}  // namespace identity_resolve::pg
