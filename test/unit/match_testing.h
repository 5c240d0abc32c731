// What the tests of matching share: a table from literal rows, and clusters as sets of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "match/matcher.h"
#include "unit/engine_testing.h"

namespace identity_resolve::match::testing {

using Row = std::vector<std::string>;
using Fields = std::vector<std::pair<FieldKind, std::string>>;
using Groups = std::set<std::set<std::uint32_t>>;

// Rows of spelled values; exact: the identity of each, none: each is alone. order: in which they
// come.
inline std::unique_ptr<Table> table_of(Memory& memory, const Fields& fields,
                                       const std::vector<Row>& rows,
                                       const std::vector<std::uint32_t>& exact = {},
                                       std::vector<std::uint32_t> order = {}) {
  auto table = std::make_unique<Table>(memory);
  for (const auto& [kind, name] : fields) table->add_column(kind, name);
  if (order.empty()) {
    order.resize(rows.size());
    std::iota(order.begin(), order.end(), 0U);
  }
  for (const std::uint32_t row : order) {
    const std::vector<std::string_view> values(rows[row].begin(), rows[row].end());
    // Stamps that say nothing of the order of the rows.
    table->add((row + 1) * 0x9E3779B97F4A7C15U, 0, exact.empty() ? row : exact[row], values);
  }
  table->finish();
  return table;
}

// The number of the row that a record came from: table_of() has them in `order`.
inline std::uint32_t row_of(const Table& table, RecordIndex record,
                            const std::vector<std::uint32_t>& order = {}) {
  const std::uint32_t arrival = table.arrival(record);
  return order.empty() ? arrival : order[arrival];
}

inline Groups groups_of(const Table& table, const List<RecordIndex>& clusters,
                        const std::vector<std::uint32_t>& order = {}) {
  std::map<RecordIndex, std::set<std::uint32_t>> groups;
  for (RecordIndex record = 0; record < table.size(); ++record) {
    groups[clusters[record]].insert(row_of(table, record, order));
  }
  Groups all;
  for (const auto& [name, group] : groups) all.insert(group);
  return all;
}

inline bool always(RecordIndex /*a*/, RecordIndex /*b*/) { return true; }

}  // namespace identity_resolve::match::testing
