// The column definition list: which name shows what, and as which type.
#pragma once

#include "engine/survivorship.h"
#include "pg/request.h"
#include "pg/scan.h"

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

}  // namespace identity_resolve::pg
