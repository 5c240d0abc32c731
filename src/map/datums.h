// Arguments of an identity map's functions: numbers (bigint[]), ids (uuid[]), texts. PostgreSQL's
// half: all of it may raise errors, and lives on the current memory context.
#pragma once

#include "engine/identity_id.h"
#include "map/state_tables.h"

extern "C" {
#include <access/detoast.h>
}

namespace identity_resolve::pg {

// An id; raises nothing.
inline engine::Uuid uuid_of(Datum value) noexcept {
  engine::Uuid id;
  std::memcpy(id.data(), DatumGetUUIDP(value)->data, id.size());
  return id;
}
inline Datum datum_of(const engine::Uuid& id) noexcept { return PointerGetDatum(id.data()); }

// Raises error 22004 where one of these arguments is NULL. For functions that are not STRICT.
inline void demand_arguments(FunctionCallInfo fcinfo, std::initializer_list<int> arguments) {
  for (const int argument : arguments) {
    if (!PG_ARGISNULL(argument)) continue;
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("argument %d of %s() must not be null", argument + 1,
                           get_func_name(fcinfo->flinfo->fn_oid))));
  }
}

// Whether it is an array of bigint without NULLs.
inline bool is_numbers(ArrayType* array) {
  return ARR_ELEMTYPE(array) == INT8OID && !array_contains_nulls(array);
}
// Its numbers.
inline std::span<const std::int64_t> numbers_of(const ArrayType* array) noexcept {
  return {reinterpret_cast<const std::int64_t*>(ARR_DATA_PTR(array)),
          static_cast<std::size_t>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)))};
}

// Calls visit(numbers) for a bigint[] of a map's state, wherever it is stored, and leaves no copy
// behind. Error XX001 for NULLs in it.
template <class Visit>
void with_numbers(Datum stored, Visit&& visit) {
  ArrayType* array = DatumGetArrayTypeP(stored);
  if (!is_numbers(array)) bad_state("A list of numbers holds null.");
  visit(numbers_of(array));
  if (PointerGetDatum(array) != stored) pfree(array);
}

// Those of an argument; error 22023 where it is anything else.
inline std::span<const std::int64_t> number_argument(FunctionCallInfo fcinfo, int argument) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(argument);
  if (!is_numbers(array)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("argument %d has to be numbers, none of them null", argument + 1)));
  }
  return numbers_of(array);
}

// The type of a function's result, a row of so many columns; error XX000 where it has others.
inline TupleDesc result_shape(FunctionCallInfo fcinfo, int columns) {
  TupleDesc shape = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE ||
      shape->natts != columns) {
    elog(ERROR, "%s() gives another type", get_func_name(fcinfo->flinfo->fn_oid));
  }
  return shape;
}

// An argument's text; nullptr for NULL.
inline const char* optional_text(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

// A bigint[].
inline Datum number_array(std::span<const std::int64_t> numbers) {
  if (numbers.empty()) return PointerGetDatum(construct_empty_array(INT8OID));
  const std::size_t bytes = ARR_OVERHEAD_NONULLS(1) + numbers.size_bytes();
  auto* array = static_cast<ArrayType*>(palloc0(bytes));
  SET_VARSIZE(array, bytes);
  array->ndim = 1;
  array->elemtype = INT8OID;
  ARR_DIMS(array)[0] = static_cast<int>(numbers.size());
  ARR_LBOUND(array)[0] = 1;
  std::memcpy(ARR_DATA_PTR(array), numbers.data(), numbers.size_bytes());
  return PointerGetDatum(array);
}

// A bytea.
inline Datum bytes_value(std::span<const char> bytes) {
  auto* value = static_cast<bytea*>(palloc(VARHDRSZ + bytes.size()));
  SET_VARSIZE(value, VARHDRSZ + bytes.size());
  if (!bytes.empty()) std::memcpy(VARDATA(value), bytes.data(), bytes.size());
  return PointerGetDatum(value);
}

// A part of a bytea, wherever that is stored.
inline std::span<const char> slice_of(Datum value, std::size_t begin, std::size_t size) {
  const auto* part = reinterpret_cast<const bytea*>(PG_DETOAST_DATUM_SLICE(
      value, static_cast<std::int32_t>(begin), static_cast<std::int32_t>(size)));
  return {VARDATA_ANY(part), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(part))};
}
// Calls visit(bytes, begin) for one part of a bytea after the other: of a large one to take up its
// room at once would cost more than to read it.
template <class Visit>
void each_slice(Datum value, Visit&& visit) {
  constexpr std::size_t kBytes = std::size_t{64} << 10;
  const std::size_t size = toast_raw_datum_size(value) - VARHDRSZ;
  const MemoryContext room =
      AllocSetContextCreate(CurrentMemoryContext, "identity_resolve slice", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext outer = MemoryContextSwitchTo(room);
  for (std::size_t begin = 0; begin < size; begin += kBytes) {
    visit(slice_of(value, begin, std::min(kBytes, size - begin)), begin);
    MemoryContextReset(room);
  }
  MemoryContextSwitchTo(outer);
  MemoryContextDelete(room);
}
inline std::int64_t number_at(std::span<const char> bytes, std::size_t place) noexcept {
  std::int64_t number = 0;
  std::memcpy(&number, bytes.data() + place, sizeof number);
  return number;
}

// A uuid[]; nulls: nullptr for none.
inline Datum uuid_array(Datum* ids, bool* nulls, std::size_t count) {
  int size = static_cast<int>(count);
  int first = 1;
  return PointerGetDatum(construct_md_array(ids, nulls, 1, &size, &first, UUIDOID,
                                            sizeof(pg_uuid_t), false, TYPALIGN_CHAR));
}

}  // namespace identity_resolve::pg
