// Telephone numbers and ids in SQL: normalize_phone() and normalize_id(), which src/sql/22-ids.sql
// declares.
#include "normalize/id.h"
#include "normalize/phone.h"
#include "spelling/text_argument.h"

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace identity_resolve::pg;
namespace normalize = identity_resolve::normalize;

namespace {

Datum spelling(FunctionCallInfo fcinfo, const Reading& reading) {
  if (!reading.is_valid) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(to_server_text(reading.text));
}

}  // namespace

// normalize_phone(text [, country text]) -> text. A country comes from data: one that is not known,
// or is NULL, leaves the international form.
IDENTITY_RESOLVE_FUNCTION(normalize_phone) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  text* value = PG_GETARG_TEXT_PP(0);
  std::string_view region;
  if (PG_NARGS() > 1 && !PG_ARGISNULL(1)) {
    const std::string_view country = bytes_of(PG_GETARG_TEXT_PP(1));
    region = guarded([&] { return normalize::phone_region(country); });
  }
  return spelling(fcinfo, read_with(value, left_scratch,
                                    [&](std::string_view utf8, normalize::Scratch& scratch) {
                                      return normalize::normalize_phone(utf8, scratch, region);
                                    }));
}

// normalize_id(kind text, text) -> text
IDENTITY_RESOLVE_FUNCTION(normalize_id) {
  const std::string_view kind = bytes_of(PG_GETARG_TEXT_PP(0));
  text* value = PG_GETARG_TEXT_PP(1);
  const std::optional<normalize::Method> method = normalize::method_by_name(kind);
  if (!method || (*method != normalize::Method::kSalesforceId &&
                  *method != normalize::Method::kUuid && *method != normalize::Method::kObjectId)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("\"%.*s\" is no kind of id", static_cast<int>(kind.size()), kind.data()),
                    errhint("Use one of salesforce_id, uuid, object_id.")));
  }
  return spelling(fcinfo, read_with(value, left_scratch,
                                    [&](std::string_view utf8, normalize::Scratch& scratch) {
                                      return normalize::normalize(*method, utf8, scratch);
                                    }));
}
