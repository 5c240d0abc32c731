// The column definition list: which name shows what, and as which type.
#pragma once

#include "engine/survivorship.h"
#include "resolve/request.h"
#include "resolve/scan.h"

namespace identity_resolve::pg {

// What a call's output columns show, and the slots that carry their values.
struct OutputPlan {
  std::vector<engine::ColumnPlan> columns;  // as many as the tuple descriptor has
  std::size_t slots = 0;
};

// Finds out what each column of `shape` shows, and tells the scans which values to carry.
// Throws engine::Error 42703 for a name that means nothing (DETAIL lists those that do), 42702 for
// one that means two things, 42804 for a type that cannot show it.
OutputPlan plan_output(const Request& request, std::vector<SourceScan>& scans, TupleDesc shape);

// A column that a definition list may have.
struct ListedColumn {
  std::string name;
  Oid type = InvalidOid;  // of one value
  engine::Shows shows = engine::Shows::kRecordId;
  bool asks_for_all = false;  // a rule says that a person may have several values of the kind
};

// The columns which show what the sources have: for each source its record ids and then those of
// its kinds that no source before it has. A kind that is the very record id of a source is left
// out, as it is shown there. `ambiguous` takes the names that mean two things, which are left out.
// Needs a connection to SPI.
std::vector<ListedColumn> list_columns(const Request& request, const std::vector<SourceScan>& scans,
                                       std::vector<std::string>& ambiguous);

}  // namespace identity_resolve::pg
