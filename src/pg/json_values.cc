#include "pg/json_values.h"

namespace identity_resolve::pg {

namespace {

Jsonb* in_binary(Datum value, JsonForm form) {
  if (form == JsonForm::kBinary) return DatumGetJsonbP(value);
  char* json = text_to_cstring(DatumGetTextPP(value));
  return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

// The text of a string or a number; no data for what is neither.
std::string_view text_of(const JsonbValue& value) {
  if (value.type == jbvString) {
    return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
  }
  if (value.type != jbvNumeric) return {};
  return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
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
        text_ = text_of(value);
        if (text_.data() != nullptr) return true;
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

JsonScalar json_scalar(Datum value, JsonForm form) {
  Jsonb* json = in_binary(value, form);
  JsonbValue scalar;
  if (!JsonbExtractScalar(&json->root, &scalar)) {
    return {{}, JB_ROOT_IS_OBJECT(json) ? "an object" : "an array"};
  }
  const std::string_view text = text_of(scalar);
  if (text.data() != nullptr) return {text, nullptr};
  return {{}, scalar.type == jbvNull ? "a null" : "a boolean"};
}

}  // namespace identity_resolve::pg
