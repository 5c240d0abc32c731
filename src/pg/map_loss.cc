#include "pg/map_loss.h"

#include <algorithm>
#include <cmath>

#include "pg/map_state.h"
#include "pg/map_tables.h"

namespace identity_resolve::pg {

namespace {

// Of fewer records nothing is said: half of five are gone every day.
constexpr std::int64_t kFewestRecords = 100;

// How many records the state has of a source, or `most`, where they are more: by an index.
std::int64_t count_records(int map_id, int source, std::int64_t most) {
  SPI_connect();
  const char* query = psprintf(
      "SELECT count(*) FROM (SELECT FROM identity_state.m%d_records AS r WHERE r.source = %d "
      "LIMIT " INT64_FORMAT ") AS r",
      map_id, source, most);
  const int result = SPI_execute(query, true, 1);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute: %s", SPI_result_code_string(result));
  bool is_null = false;
  const std::int64_t count =
      DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
  SPI_finish();
  return count;
}

// So many records have to be there for a loss of these to be no more than a share of them.
std::int64_t least_before(std::int64_t lost, double max_loss) {
  const double least = std::ceil(static_cast<double>(lost) / max_loss);
  // Beyond what a table can hold, and with a share of 0.
  constexpr double kMost = 1e15;
  return static_cast<std::int64_t>(least < kMost ? least : kMost);
}

// Goes through the rows that came, each with whether the map knew it after all, and then through
// the fingerprints of those that are gone.
template <class VisitCame, class VisitGone>
void each_found(const FoundRows& found, VisitCame&& came, VisitGone&& gone) {
  TupleTableSlot* row = MakeSingleTupleTableSlot(found.shape, &TTSOpsMinimalTuple);
  tuplestore_rescan(found.rows);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getsomeattrs(row, FoundRows::kRecordId + 1);
    if (row->tts_isnull[FoundRows::kRecordId]) {
      gone(DatumGetInt64(row->tts_values[FoundRows::kFingerprint]));
    } else {
      came(row);
    }
  }
  ExecDropSingleTupleTableSlot(row);
  tuplestore_rescan(found.rows);
}

// The records all of whose rows are gone, by what the state says.
class LostRecords {
 public:
  explicit LostRecords(ContextMemory& memory)
      : gone_prints_(memory), touched_(memory), alive_(&memory), new_ordinals_(memory) {}

  void add_gone(std::int64_t fingerprint) { gone_prints_.insert(fingerprint); }
  [[nodiscard]] bool is_gone(std::int64_t fingerprint) const noexcept {
    return gone_prints_.contains(fingerprint);
  }
  // A row of a record as it was.
  void add_row(std::int64_t rid, std::int64_t fingerprint) {
    const auto [place, is_first] = touched_.insert(rid);
    if (is_first) alive_.push_back(false);
    if (!is_gone(fingerprint)) alive_[place] = true;
  }
  // A row that came, of a record that is known or of a new one.
  void add_came(std::int64_t rid) {
    const std::uint32_t place = touched_.find(rid);
    if (place != NumberTable::kNone) alive_[place] = true;
  }
  void add_new(std::int64_t ordinal) { new_ordinals_.insert(ordinal); }

  [[nodiscard]] std::int64_t count() const noexcept {
    return std::count(alive_.begin(), alive_.end(), false);
  }
  [[nodiscard]] std::int64_t count_new() const noexcept {
    return static_cast<std::int64_t>(new_ordinals_.keys().size());
  }

 private:
  NumberTable gone_prints_;
  NumberTable touched_;
  boost::container::pmr::vector<bool> alive_;  // by their places in touched_
  NumberTable new_ordinals_;                   // of records that the map does not know
};

void add_rows_of_copy(Relation copy, LostRecords& lost) {
  const TableScanDesc scan = begin_table_scan(copy, GetActiveSnapshot());
  TupleTableSlot* row = table_slot_create(copy, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getsomeattrs(row, kRowFingerprint);
    guarded([&] {
      lost.add_row(DatumGetInt64(row->tts_values[kRowRid - 1]),
                   DatumGetInt64(row->tts_values[kRowFingerprint - 1]));
    });
  }
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
}

}  // namespace

Loss find_loss(int map_id, int source, double max_loss, Relation copy, const FoundRows& found,
               const ScanResult& result, KnownRecords& known, bool named) {
  // A record that is lost has lost a row: mostly that says enough.
  std::int64_t gone_rows = 0;
  each_found(
      found, [](TupleTableSlot*) {}, [&](std::int64_t) { ++gone_rows; });
  if (gone_rows == 0) return {};
  const std::int64_t least = std::max(least_before(gone_rows, max_loss), kFewestRecords);
  if (count_records(map_id, source, least) == least) return {};
  const std::int64_t before = count_records(map_id, source, PG_INT64_MAX);
  if (before < kFewestRecords) return {};

  const MemoryContext memory_context =
      AllocSetContextCreate(CurrentMemoryContext, "identity_map loss", ALLOCSET_DEFAULT_SIZES);
  ContextMemory memory(memory_context);
  auto* lost = make<LostRecords>(memory);
  each_found(
      found, [](TupleTableSlot*) {},
      [&](std::int64_t fingerprint) { guarded([&] { lost->add_gone(fingerprint); }); });
  if (named) {
    for (std::size_t i = 0; i < known.row_count(); ++i) {
      guarded([&] { lost->add_row(known.row(i).rid, known.row(i).fingerprint); });
    }
  } else {
    add_rows_of_copy(copy, *lost);
  }
  each_found(
      found,
      [&](TupleTableSlot* row) {
        if (is_known(result, row)) return;
        const Datum id = row->tts_values[FoundRows::kRecordId];
        const std::size_t place = known.place_of(id);
        const std::int64_t rid =
            place != KnownRecords::kNotNamed ? known.record(place).rid : known.find_record(id).rid;
        guarded([&] {
          if (rid == KnownRecords::kNoRecord) {
            lost->add_new(DatumGetInt64(row->tts_values[FoundRows::kOrdinal]));
          } else {
            lost->add_came(rid);
          }
        });
      },
      [](std::int64_t) {});
  const std::int64_t count = lost->count();
  const std::int64_t after = before - count + lost->count_new();
  MemoryContextDelete(memory_context);
  return {static_cast<double>(count) > max_loss * static_cast<double>(before), before, after,
          count};
}

}  // namespace identity_resolve::pg
