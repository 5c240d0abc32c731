// Reads one identity's rows in the order of survivorship.
//
// The order: the source's precedence; within a source the record changed last (no updated_at is
// oldest), then the smaller record id (shorter first, then bytes); within a record the row changed
// last. Rows of one record that changed at the same time and differ in a slot give that slot's
// values by size, so that no column's value hangs on which other columns are asked for; where they
// do not differ, the values are in the order in which each has them, as of one row. The order
// depends on the data alone, never on the order of arrival.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <span>

#include "engine/identity_id.h"
#include "engine/resolver.h"
#include "engine/row.h"

namespace identity_resolve::engine {

struct OrderedRow {
  Row row;
  std::int64_t record_updated_at;  // of the record's row changed last
  bool starts_record;
  std::uint64_t id_prefix = 0;  // first_bytes() of the record id, where rows are sorted
};

// Calls visit(rows) for each run of rows which nothing but their values tells apart: rows of one
// record that changed at the same time. Most runs are one row.
template <class Visit>
void each_run(std::span<const OrderedRow> rows, Visit&& visit) {
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first + 1;
    while (last < rows.size() && !rows[last].starts_record &&
           rows[last].row.updated_at() == rows[first].row.updated_at()) {
      ++last;
    }
    visit(rows.subspan(first, last - first));
    first = last;
  }
}

// A value and its class; of none, kNever and a view without data.
struct ShownValue {
  Showing showing = Showing::kNever;
  std::string_view value = {};
};

// The value that survives in a slot of some rows of one record: of the best class that it has
// there, the first one of the row changed last; of several such rows that differ in the slot the
// smallest, whatever the other slots hold. Cost: reads all the rows' items, ticking.
ShownValue surviving_value(std::span<const OrderedRow> rows, SlotNumber slot, Ticker& ticker);

class IdentityReader {
 public:
  explicit IdentityReader(Resolver& resolver);

  // Makes `identity` the current one. Cost: its rows, sorted where one source has several.
  void load(IdentityNumber identity);

  // The current identity's rows in the order of survivorship; a record's rows are neighbours.
  [[nodiscard]] std::span<const OrderedRow> rows() const noexcept {
    return {rows_.data(), rows_.size()};
  }
  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }

  // Its first record, by source precedence and record id: the one that its id is made of.
  [[nodiscard]] SourceNumber first_source() const noexcept { return first_source_; }
  [[nodiscard]] std::string_view first_record_id() const noexcept { return first_record_id_; }

 private:
  void order();

  Resolver* resolver_;
  Ticker ticker_;
  boost::container::pmr::vector<OrderedRow> rows_;
  std::size_t record_count_ = 0;
  SourceNumber first_source_{};
  std::string_view first_record_id_;
};

}  // namespace identity_resolve::engine
