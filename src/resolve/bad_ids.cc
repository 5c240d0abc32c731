#include "resolve/bad_ids.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "pg/border.h"
#include "pg/value_text.h"

namespace identity_resolve::pg {

void report_left_out(const Source& source, std::string_view id_name, std::uint64_t rows,
                     std::vector<Notice>* list) {
  if (rows == 0) return;
  const std::string count = fmt::format("{} row{}", rows, rows == 1 ? "" : "s");
  const std::string detail = fmt::format(
      "The record id, \"{}\", is blank there, or one of identity_blocked_values() that "
      "comes on several rows.",
      id_name);
  if (source.bad_ids_are_errors) {
    const std::string message = fmt::format("source \"{}\": {} {} no record", source.name, count,
                                            rows == 1 ? "names" : "name");
    const std::string hint =
        "Leave such rows out in the query, or drop bad_ids => 'error' from the source.";
    if (list == nullptr) throw engine::Error("22023", message, detail, hint);
    list->push_back({source.name, std::string(id_name), message, detail, hint, true});
    return;
  }
  tell({source.name, std::string(id_name),
        fmt::format("source \"{}\": {} {} left out, naming no record", source.name, count,
                    rows == 1 ? "is" : "are"),
        detail,
        "Put the record's own key first in the query, or leave such rows out there; bad_ids => "
        "'error' makes this an error."},
       list);
}

void warn_of_spellings(const engine::Spellings& spellings, const std::string& source,
                       std::vector<Notice>* list) {
  if (spellings.records == 0) return;
  tell({source,
        {},
        fmt::format("{} record id{} written with and without blanks around {}", spellings.records,
                    spellings.records == 1 ? " is" : "s are",
                    spellings.records == 1 ? "it" : "them"),
        fmt::format("In source \"{}\", \"{}\" and \"{}\" are one record, shown as \"{}\".", source,
                    for_client(spellings.shown), for_client(spellings.other),
                    for_client(spellings.shown)),
        "Trim the id in the query, for example SELECT btrim(id) AS id."},
       list);
}

}  // namespace identity_resolve::pg
