#include "pg/json_values.h"

namespace identity_resolve::pg {

namespace {

Jsonb* in_binary(Datum value, JsonForm form) {
  if (form == JsonForm::kBinary) return DatumGetJsonbP(value);
  char* json = text_to_cstring(DatumGetTextPP(value));
  return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

}  // namespace

JsonForm json_form(Oid type) {
  const Oid base = getBaseType(type);
  if (base == JSONOID) return JsonForm::kText;
  return base == JSONBOID ? JsonForm::kBinary : JsonForm::kNone;
}

JsonValues::JsonValues(Datum value, JsonForm form)
    : at_(JsonbIteratorInit(&in_binary(value, form)->root)) {}

bool JsonValues::next() {
  for (;;) {
    JsonbValue value;
    switch (JsonbIteratorNext(&at_, &value, false)) {
      case WJB_BEGIN_ARRAY:
      case WJB_END_ARRAY:
        continue;
      case WJB_ELEM:
        if (value.type == jbvNull) continue;
        if (value.type == jbvString) {
          text_ = {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
          return true;
        }
        if (value.type == jbvNumeric) {
          text_ =
              DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
          return true;
        }
        flaw_ = "a boolean";
        return false;
      case WJB_BEGIN_OBJECT:
        flaw_ = "an object";
        return false;
      default:
        return false;
    }
  }
}

}  // namespace identity_resolve::pg
