#include "map/record_name.h"

#include "normalize/placeholder.h"
#include "normalize/text.h"
#include "pg/border.h"
#include "pg/value_text.h"

namespace identity_resolve::pg {

Datum record_name(Datum id) {
  const std::string_view typed = bytes_of(DatumGetTextPP(id));
  const std::string_view name = guarded([typed] {
    const std::string_view utf8 = to_utf8(typed);
    const std::string_view trimmed = normalize::trim(utf8);
    return trimmed.size() == utf8.size() ? typed : from_utf8(trimmed);
  });
  if (name.size() == typed.size()) return id;
  return PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_may_name_none(record_id text) → boolean: whether an id is blank, or one that
// programs write where they have none.
IDENTITY_RESOLVE_FUNCTION(identity_map_may_name_none) {
  const std::string_view id = bytes_of(PG_GETARG_TEXT_PP(0));
  PG_RETURN_BOOL(guarded([id] {
    const std::string_view name = identity_resolve::normalize::trim(to_utf8(id));
    return name.empty() || identity_resolve::normalize::is_placeholder(name);
  }));
}
