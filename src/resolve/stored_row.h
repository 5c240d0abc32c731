// A row of a source as an identity map's state keeps it: its numbers (engine/stored_keys.h) and its
// bytes (engine/packed_rows.h). One place for whoever reads a source, and whichever way.
#pragma once

#include "engine/packed_rows.h"
#include "engine/stored_keys.h"
#include "resolve/row_reader.h"

namespace identity_resolve::pg {

// What identify() was told.
inline constexpr std::string_view kIdentifySource = "identify";

// The number of a record: by the source's name and the record's, which has no blanks around it.
inline std::int64_t record_number(engine::MapHash& hash, const engine::MapSecret& secret,
                                  std::string_view source, std::string_view record_name) {
  hash.begin(engine::MapHash::Sort::kRecord);
  hash.add(source);
  hash.add(record_name);
  return hash.end(secret);
}

// The fingerprint of a row: equal for equal rows. Its last two bits are 0 (engine/known_rows.h).
inline std::int64_t row_fingerprint(engine::MapHash& hash, const engine::MapSecret& secret,
                                    std::string_view source, const RowView& row) {
  hash.begin(engine::MapHash::Sort::kRow);
  hash.add(row.record_id);
  // When identify() was last told something is not what it was told.
  const bool has_time = source != kIdentifySource && row.updated_at != engine::kNeverUpdated;
  hash.add_count(has_time ? 1 : 0);
  if (has_time) hash.add(row.updated_at);
  for (const RowView::Cell& cell : row.cells) {
    hash.add_count(static_cast<std::size_t>(cell.column->attribute));
    hash.add(cell.value);
  }
  return hash.end(secret) & ~std::int64_t{3};
}

// Appends a row's bytes; source: the map's number of it.
inline void pack_row(const RowView& row, const std::vector<SourceColumn>& columns, std::int64_t rid,
                     std::int64_t fingerprint, std::uint32_t source,
                     std::span<const std::int64_t> keys, std::string& to) {
  engine::RowPacker packer(to, {rid, fingerprint, source, row.updated_at, keys, row.record_id});
  std::size_t next = 0;
  for (const SourceColumn& column : columns) {
    std::size_t end = next;
    while (end < row.cells.size() && row.cells[end].column == &column) ++end;
    if (end == next) {
      packer.add_null();
    } else if (column.holds_many()) {
      packer.begin_list(end - next);
      for (; next < end; ++next) packer.add_item(row.cells[next].value);
    } else {
      packer.add_text(row.cells[next].value);
    }
    next = end;
  }
}

}  // namespace identity_resolve::pg
