// The arguments of a user's call on an identity map as the one jsonb value that is handed on to the
// map's own functions (calls.h).
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "map/calls.h"

namespace identity_resolve::pg {

// A JSON object that is being written.
struct Object {
  StringInfoData text;
};

inline void begin_member(Object& object, const char* name) {
  appendStringInfoString(&object.text, object.text.len > 1 ? ", " : "");
  escape_json(&object.text, name);
  appendStringInfoString(&object.text, ": ");
}

inline Object begin_object() {
  Object object{};
  initStringInfo(&object.text);
  appendStringInfoChar(&object.text, '{');
  return object;
}

inline Datum end_object(Object& object) {
  appendStringInfoChar(&object.text, '}');
  return jsonb_of(object.text.data);
}

inline void add_text(Object& object, const char* name, const char* value) {
  begin_member(object, name);
  if (value == nullptr) {
    appendStringInfoString(&object.text, "null");
  } else {
    escape_json(&object.text, value);
  }
}

inline void add_jsonb(Object& object, const char* name, Datum value) {
  begin_member(object, name);
  write_jsonb(&object.text, DatumGetJsonbP(value));
}

// An argument of type text, nullptr where it is NULL.
inline const char* text_argument(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

// An argument of type text[]; NULL where it is.
inline void add_texts(Object& object, const char* name, FunctionCallInfo fcinfo, int argument) {
  begin_member(object, name);
  if (PG_ARGISNULL(argument)) {
    appendStringInfoString(&object.text, "null");
    return;
  }
  Datum* values = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &values,
                    &nulls, &count);
  appendStringInfoChar(&object.text, '[');
  for (int i = 0; i < count; ++i) {
    if (i > 0) appendStringInfoString(&object.text, ", ");
    if (nulls[i]) {
      appendStringInfoString(&object.text, "null");
    } else {
      escape_json(&object.text, TextDatumGetCString(values[i]));
    }
  }
  appendStringInfoChar(&object.text, ']');
}

// An argument of type identity_clause[], whose values are stored as jsonb; false where it, or one
// of them, is NULL.
inline bool add_clauses(Object& object, const char* name, FunctionCallInfo fcinfo, int argument) {
  if (PG_ARGISNULL(argument)) return false;
  ArrayType* clauses = PG_GETARG_ARRAYTYPE_P(argument);
  if (array_contains_nulls(clauses)) return false;
  std::int16_t length = 0;
  bool by_value = false;
  char alignment = '\0';
  get_typlenbyvalalign(ARR_ELEMTYPE(clauses), &length, &by_value, &alignment);
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(clauses, ARR_ELEMTYPE(clauses), length, by_value, alignment, &values, nullptr,
                    &count);
  begin_member(object, name);
  appendStringInfoChar(&object.text, '[');
  for (int i = 0; i < count; ++i) {
    if (i > 0) appendStringInfoString(&object.text, ", ");
    write_jsonb(&object.text, DatumGetJsonbP(values[i]));
  }
  appendStringInfoChar(&object.text, ']');
  return true;
}

// An id as text, nullptr for NULL, as a function's result.
inline Datum uuid_or_null(FunctionCallInfo fcinfo, const char* id) {
  if (id == nullptr) PG_RETURN_NULL();
  return DirectFunctionCall1(uuid_in, CStringGetDatum(id));
}

}  // namespace identity_resolve::pg
