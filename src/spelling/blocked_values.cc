// The SQL function identity_blocked_values().
#include "normalize/placeholder.h"
#include "pg/pg.h"

using namespace identity_resolve;

// identity_blocked_values() → table (value text, is_pattern boolean, source text, freed_by text)
IDENTITY_RESOLVE_FUNCTION(identity_blocked_values) {
  if (SRF_IS_FIRSTCALL()) {
    FuncCallContext* first = SRF_FIRSTCALL_INIT();
    const MemoryContext outer = MemoryContextSwitchTo(first->multi_call_memory_ctx);
    TupleDesc row = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) {
      elog(ERROR, "identity_blocked_values() gives rows");
    }
    first->tuple_desc = BlessTupleDesc(row);
    MemoryContextSwitchTo(outer);
  }
  FuncCallContext* calls = SRF_PERCALL_SETUP();
  if (calls->call_cntr >= normalize::placeholders().size()) SRF_RETURN_DONE(calls);
  const normalize::Placeholder& placeholder = normalize::placeholders()[calls->call_cntr];
  const auto text_of = [](std::string_view utf8) {
    return PointerGetDatum(cstring_to_text_with_len(utf8.data(), static_cast<int>(utf8.size())));
  };
  std::array<Datum, 4> values = {text_of(placeholder.value), BoolGetDatum(placeholder.is_pattern),
                                 text_of(placeholder.source), text_of(placeholder.freed_by)};
  std::array<bool, 4> nulls = {false, false, false, false};
  SRF_RETURN_NEXT(
      calls, HeapTupleGetDatum(heap_form_tuple(calls->tuple_desc, values.data(), nulls.data())));
}
