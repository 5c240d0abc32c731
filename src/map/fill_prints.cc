#include "map/fill_prints.h"

#include "map/datums.h"
#include "pg/border.h"

extern "C" {
#include <commands/sequence.h>
}

namespace identity_resolve::pg::fill {

void Prints::write(int map_id) {
  call([&] { table_ = begin_rewrite(map_id, "prints"); });
  List<Row> buffer(&environment_->memory());
  for (std::size_t source = 0; source < numbers_.size(); ++source) {
    Part part(environment_->memory());
    const auto take = [&](std::span<const Row> rows) {
      for (const Row& row : rows) {
        part.came.push_back(row.fingerprint);
        part.rids.push_back(row.rid);
        if (part.came.size() == kMostRows) write(source, part);
      }
    };
    rows_.each_spilled(source, spill_, buffer, take);
    rows_.each_chunk(source, take);
    write(source, part);
  }
  rows_.clear();
  spill_.close();
  call([&] {
    finish_rewrite(table_);
    // Parts that come later have greater numbers.
    const Oid next_part = find_state_sequence(map_id, "prints_part_seq");
    while (nextval_internal(next_part, false) < parts_) CHECK_FOR_INTERRUPTS();
  });
}

void Prints::write(std::size_t source, Part& part) {
  if (part.came.empty()) return;
  ++parts_;
  call([&] {
    const auto bytes = [](const List<std::int64_t>& numbers) {
      return bytes_value(
          {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
    };
    const std::array<Datum, 5> values = {Int16GetDatum(static_cast<std::int16_t>(numbers_[source])),
                                         Int64GetDatum(parts_), bytes(part.came), bytes(part.rids),
                                         0};
    const std::array<bool, 5> nulls = {false, false, false, false, true};
    rewrite_row(table_, values.data(), nulls.data());
    pfree(DatumGetPointer(values[2]));
    pfree(DatumGetPointer(values[3]));
  });
  part.came.clear();
  part.rids.clear();
}

}  // namespace identity_resolve::pg::fill
