// What an identity map knows of records of a source that are looked up by their ids: their numbers,
// the rows of the copy that are theirs, and who carries what they lost.
//
// Whoever has read a source can look this up, a parallel worker too (pg/map_ahead.h), and hand it
// over as bytes: who takes the rows in then need not.
//
// Plain frames all of it, but where something else is said: it may raise PostgreSQL's errors. What
// C++ objects there are have all their memory on a context.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>

#include "pg/environment.h"
#include "pg/map_lookup.h"
#include "pg/map_records.h"
#include "pg/map_scan.h"

namespace identity_resolve::pg {

class KnownRecords {
 public:
  static constexpr std::int64_t kNoRecord = -1;
  static constexpr std::size_t kNotNamed = SIZE_MAX;

  // A record that the map knows: its number, or kNoRecord, and where it stands.
  struct Record {
    std::int64_t rid;
    ItemPointerData place;
  };
  // A row of the copy as it was.
  struct Row {
    std::int64_t fingerprint;
    std::int64_t rid;
    ItemPointerData place;
    bool is_only;           // its record had no other one
    bool is_gone;           // it has been deleted, or a new row is in its place
    std::size_t first_key;  // keys_of()
    std::size_t key_count;
  };
  // Places among the rows.
  struct Rows {
    std::size_t begin;
    std::size_t end;

    [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
  };
  KnownRecords(int map_id, int source, ContextMemory& memory)
      : map_id_(map_id),
        source_(source),
        memory_(&memory),
        ids_(&memory),
        records_(&memory),
        rows_of_(&memory),
        rows_(&memory),
        keys_(&memory),
        prints_(&memory),
        by_print_(&memory),
        lost_keys_(&memory) {}

  // By the snapshot that is active. Closed by close(), or by an abort.
  void open();
  void close();

  // Looks up records by their ids, which stay where they are: neighbours lie on one page of an
  // index.
  void look_up(std::span<const Datum> ids);
  // Those of which rows came, unless they are more than `most`, or their ids take more than a
  // quarter of maintenance_work_mem; and what of it the one row of a record carried that another
  // one has taken the place of. The rows are at their beginning, before and after.
  void look_up(const FoundRows& found, const ScanResult& result, std::int64_t most);

  // All of it in one value, and from there; 0 where it is too large for that. The value is used
  // for as long as they are.
  [[nodiscard]] Datum as_bytes() const;
  void take_bytes(Datum bytes);

  // One by its id, whether it was looked up or not.
  [[nodiscard]] Record find_record(Datum id);
  // The rows of a record; forget_rows(): those from a place on, as there may be more than memory
  // holds.
  Rows take_rows(std::int64_t rid);
  void take_row(TupleTableSlot* row);
  void forget_rows(std::size_t begin) noexcept;

  // Of what was looked up; none of the others raises an error. The place of an id, or kNotNamed.
  [[nodiscard]] std::size_t place_of(Datum id) const;
  [[nodiscard]] const Record& record(std::size_t named) const noexcept { return records_[named]; }
  // The row of a record, where it had one, which is still there.
  [[nodiscard]] Row* only_row_of(std::size_t named) noexcept;
  [[nodiscard]] Row& row(std::size_t place) noexcept { return rows_[place]; }
  [[nodiscard]] std::size_t row_count() const noexcept { return rows_.size(); }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const Row& row) const noexcept {
    return {keys_.data() + row.first_key, row.key_count};
  }
  [[nodiscard]] std::span<const std::int64_t> prints() const noexcept {
    return {prints_.data(), prints_.size()};
  }
  [[nodiscard]] std::span<const LostKey> lost_keys() const noexcept {
    return {lost_keys_.data(), lost_keys_.size()};
  }
  // Calls visit(row) for each with a fingerprint; whether there is one.
  template <class Visit>
  bool each_with(std::int64_t fingerprint, Visit&& visit) {
    auto at = std::lower_bound(
        by_print_.begin(), by_print_.end(), fingerprint,
        [this](std::size_t place, std::int64_t wanted) { return prints_[place] < wanted; });
    const bool is_there = at != by_print_.end() && prints_[*at] == fingerprint;
    for (; at != by_print_.end() && prints_[*at] == fingerprint; ++at) visit(rows_[*at]);
    return is_there;
  }

 private:
  template <class T>
  using List = boost::container::pmr::vector<T>;

  std::span<const Datum> ids_of(const FoundRows& found, const ScanResult& result,
                                TupleTableSlot* row, std::int64_t most) const;
  void look_up_lost_keys(const FoundRows& found, const ScanResult& result, TupleTableSlot* row);
  void order_prints();

  int map_id_;
  int source_;
  ContextMemory* memory_;
  bool is_open_ = false;
  Lookup record_of_id_{};
  Lookup rows_of_record_{};
  // The names of the records, rising, what these are, and which of the rows are theirs; the rows,
  // what they carry, their fingerprints, and their places in the order of these.
  List<Datum> ids_;
  List<Record> records_;
  List<Rows> rows_of_;
  List<Row> rows_;
  List<std::int64_t> keys_;
  List<std::int64_t> prints_;
  List<std::size_t> by_print_;
  List<LostKey> lost_keys_;
};

}  // namespace identity_resolve::pg
