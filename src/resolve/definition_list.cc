// The SQL function identity_columns(): the definition list of a call, as text. Types come from the
// sources' queries; what is an array comes from the data, which is resolved once.
#include <fmt/format.h>

#include <algorithm>

#include "pg/spi.h"
#include "resolve/execution.h"
#include "resolve/resolve.h"

namespace identity_resolve::pg {

namespace {

using engine::Shows;

std::vector<ListedColumn> columns_of(const ClauseList& clauses, bool& shows_combinations,
                                     std::vector<std::string>& ambiguous) {
  const Request request = read_request(clauses);
  shows_combinations = request.rows == OutputRows::kCombinations;
  SpiConnection spi;
  std::vector<SourceScan> scans;
  scans.reserve(request.sources.size());
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    scans.emplace_back(request, engine::SourceNumber{static_cast<std::uint16_t>(i)});
  }
  std::vector<ListedColumn> columns = list_columns(request, scans, ambiguous);
  scans.clear();
  spi.finish();
  return columns;
}

// Whether each of the columns, of record ids or of values, has several of them in some identity.
std::vector<bool> find_several(const ClauseList& clauses,
                               const std::vector<const ListedColumn*>& columns) {
  std::vector<bool> several(columns.size());
  if (columns.empty()) return several;
  TupleDesc shape = call([&] {
    ShapeMaker maker(static_cast<int>(columns.size()));
    for (const ListedColumn* column : columns) {
      maker.add(column->name.c_str(), TEXTARRAYOID, -1, 1);
    }
    return maker.finish();
  });
  // What the resolve warns of is told when the list is used.
  std::vector<Notice> unheard;
  Execution* execution = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable, clauses,
                                           shape, {false, false, &unheard});
  for (const Notice& notice : unheard) {
    if (notice.is_error) {
      throw engine::Error("22023", notice.message, notice.detail, notice.hint);
    }
  }
  std::vector<Datum> values(columns.size());
  const auto nulls = std::make_unique<bool[]>(columns.size());
  std::size_t left = columns.size();
  while (left > 0 && execution->next(values.data(), nulls.get())) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (several[i] || nulls[i]) continue;
      const auto* array = reinterpret_cast<const ArrayType*>(DatumGetPointer(values[i]));
      if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) < 2) continue;
      several[i] = true;
      --left;
    }
  }
  Execution::destroy(execution);
  return several;
}

// A name that the list leaves out is told: what it would show is not in the result.
void warn_of_ambiguous(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    warn(fmt::format("column \"{}\" is left out, as it could show two things", name),
         "A source's record ids are named <source>_id, and a kind has that name too.",
         "Give the source another name in identity_source().");
  }
}

std::string definition_list(const ClauseList& clauses) {
  bool shows_combinations = false;
  std::vector<std::string> ambiguous;
  const std::vector<ListedColumn> columns = columns_of(clauses, shows_combinations, ambiguous);
  warn_of_ambiguous(ambiguous);

  std::vector<const ListedColumn*> asked;
  for (const ListedColumn& column : columns) {
    if (shows_combinations) break;  // a row has one of each
    if (column.shows == Shows::kRecordId || column.asks_for_all) asked.push_back(&column);
  }
  const std::vector<bool> several = find_several(clauses, asked);

  std::string list;
  for (const ListedColumn& column : columns) {
    const auto at = std::ranges::find(asked, &column);
    const bool is_array =
        at != asked.end() && several[static_cast<std::size_t>(at - asked.begin())];
    if (!list.empty()) list += ", ";
    list += call([&] { return quote_identifier(column.name.c_str()); });
    list += ' ';
    list += call([&] { return format_type_be(column.type); });
    if (is_array) list += "[]";
  }
  return list;
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_columns(VARIADIC clauses identity_clause[]) → text: src/sql/60-columns.sql.
IDENTITY_RESOLVE_FUNCTION(identity_columns) {
  return guarded([&] {
    const std::string list = definition_list(clauses_of(fcinfo));
    return call([&] {
      return PointerGetDatum(cstring_to_text_with_len(list.data(), static_cast<int>(list.size())));
    });
  });
}
