#include "pg/map_known_records.h"

#include <algorithm>
#include <numeric>

#include "pg/map_arrays.h"
#include "pg/map_record_key.h"
#include "pg/map_state.h"

namespace identity_resolve::pg {

namespace {

std::string_view text_view(Datum value) noexcept {
  return bytes_of(reinterpret_cast<const varlena*>(DatumGetPointer(value)));
}
bool is_less(Datum a, Datum b) noexcept { return text_view(a) < text_view(b); }

// The bytes of a KnownRecords begin with how many there are of each.
struct Head {
  std::size_t ids;
  std::size_t rows;
  std::size_t keys;
  std::size_t lost_keys;
};

// Lists of plain values one after the other, each at a place where it may lie.
template <class List>
void copy_out(char*& at, const List& list) noexcept {
  const std::size_t bytes = list.size() * sizeof(list[0]);
  if (bytes > 0) std::memcpy(at, list.data(), bytes);
  at += MAXALIGN(bytes);
}
template <class List>
void copy_in(const char*& at, List& list, std::size_t count) {
  list.resize(count);
  const std::size_t bytes = count * sizeof(list[0]);
  if (bytes > 0) std::memcpy(list.data(), at, bytes);
  at += MAXALIGN(bytes);
}
template <class List>
std::size_t room_for(const List& list) noexcept {
  return MAXALIGN(list.size() * sizeof(list[0]));
}

}  // namespace

void KnownRecords::open() {
  if (is_open_) return;
  const char* rows = psprintf("rows_%d", source_);
  record_of_id_ = open_lookup(map_id_, "records", {"source", "record_id"}, GetActiveSnapshot());
  rows_of_record_ = open_lookup(map_id_, rows, {"rid"}, GetActiveSnapshot());
  is_open_ = true;
}

void KnownRecords::close() {
  if (!is_open_) return;
  close_lookup(record_of_id_);
  close_lookup(rows_of_record_);
  is_open_ = false;
}

void KnownRecords::look_up(std::span<const Datum> ids) {
  guarded([&] { ids_.reserve(ids.size()); });
  for (const Datum id : ids) ids_.push_back(record_name(id));
  guarded([&] {
    std::sort(ids_.begin(), ids_.end(), is_less);
    ids_.erase(std::unique(ids_.begin(), ids_.end(),
                           [](Datum a, Datum b) { return text_view(a) == text_view(b); }),
               ids_.end());
    records_.reserve(ids_.size());
  });
  for (const Datum id : ids_) {
    const Record record = find_record(id);
    guarded([&] { records_.push_back(record); });
  }
  // These in the order of their numbers.
  List<std::size_t> by_rid(memory_);
  guarded([&] {
    rows_of_.resize(ids_.size());
    by_rid.resize(ids_.size());
    std::iota(by_rid.begin(), by_rid.end(), std::size_t{0});
    std::sort(by_rid.begin(), by_rid.end(),
              [this](std::size_t a, std::size_t b) { return records_[a].rid < records_[b].rid; });
  });
  for (const std::size_t named : by_rid) {
    const std::int64_t rid = records_[named].rid;
    rows_of_[named] = rid == kNoRecord ? Rows{rows_.size(), rows_.size()} : take_rows(rid);
  }
  order_prints();
}

void KnownRecords::order_prints() {
  guarded([&] {
    by_print_.resize(rows_.size());
    std::iota(by_print_.begin(), by_print_.end(), std::size_t{0});
    std::sort(by_print_.begin(), by_print_.end(),
              [this](std::size_t a, std::size_t b) { return prints_[a] < prints_[b]; });
  });
}

void KnownRecords::look_up(const FoundRows& found, const ScanResult& result, std::int64_t most) {
  TupleTableSlot* row = MakeSingleTupleTableSlot(found.shape, &TTSOpsMinimalTuple);
  const std::span<const Datum> ids = ids_of(found, result, row, most);
  if (!ids.empty()) {
    open();
    look_up(ids);
    // Of an id that may come several times no row says what its record lost.
    if (result.ids_are_unique) look_up_lost_keys(found, result, row);
  }
  ExecDropSingleTupleTableSlot(row);
  tuplestore_rescan(found.rows);
}

std::span<const Datum> KnownRecords::ids_of(const FoundRows& found, const ScanResult& result,
                                            TupleTableSlot* row, std::int64_t most) const {
  const auto most_bytes = static_cast<std::size_t>(maintenance_work_mem) * 1024 / 4;
  std::size_t room = 1024;
  const MemoryContext outer = MemoryContextSwitchTo(memory_->context());
  auto* ids = static_cast<Datum*>(palloc(room * sizeof(Datum)));
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getsomeattrs(row, FoundRows::kRecordId + 1);
    if (row->tts_isnull[FoundRows::kRecordId]) break;  // from here on they are gone
    if (is_known(result, row)) continue;
    const Datum id = row->tts_values[FoundRows::kRecordId];
    bytes += sizeof(Datum) + datumGetSize(id, false, -1);
    if (static_cast<std::int64_t>(count) == most || bytes > most_bytes) {
      count = 0;
      break;
    }
    if (count == room) {
      room *= 2;
      ids = static_cast<Datum*>(repalloc_huge(ids, room * sizeof(Datum)));
    }
    ids[count++] = datumCopy(id, false, -1);
  }
  MemoryContextSwitchTo(outer);
  return {ids, count};
}

void KnownRecords::look_up_lost_keys(const FoundRows& found, const ScanResult& result,
                                     TupleTableSlot* row) {
  tuplestore_rescan(found.rows);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getsomeattrs(row, FoundRows::kKeys + 1);
    if (row->tts_isnull[FoundRows::kRecordId]) break;
    if (is_known(result, row)) continue;
    const std::size_t named = place_of(row->tts_values[FoundRows::kRecordId]);
    const Row* old = named == kNotNamed ? nullptr : only_row_of(named);
    if (old == nullptr) continue;
    with_numbers(row->tts_values[FoundRows::kKeys], [&](std::span<const std::int64_t> now) {
      for (const std::int64_t key : keys_of(*old)) {
        if (std::binary_search(now.begin(), now.end(), key)) continue;
        guarded([&] { lost_keys_.push_back({key, old->rid, {}}); });
      }
    });
  }
  std::sort(lost_keys_.begin(), lost_keys_.end(), [](const LostKey& a, const LostKey& b) {
    return std::pair(a.key, a.rid) < std::pair(b.key, b.rid);
  });
  Lookup carriers = open_lookup(map_id_, "keys", {"key", "rid"}, GetActiveSnapshot());
  std::size_t count = 0;
  for (const LostKey& lost : lost_keys_) {
    find(carriers, Int64GetDatum(lost.key), Int64GetDatum(lost.rid));
    if (next(carriers)) lost_keys_[count++] = {lost.key, lost.rid, carriers.row->tts_tid};
  }
  lost_keys_.resize(count);
  close_lookup(carriers);
}

Datum KnownRecords::as_bytes() const {
  std::size_t bytes = MAXALIGN(sizeof(Head)) + room_for(records_) + room_for(rows_of_) +
                      room_for(rows_) + room_for(keys_) + room_for(prints_) + room_for(lost_keys_);
  for (const Datum id : ids_) bytes += MAXALIGN(datumGetSize(id, false, -1));
  constexpr std::size_t kMostBytes = MaxAllocSize / 4;
  if (bytes > kMostBytes) return 0;
  // The bytes themselves begin at an aligned place.
  auto* value = static_cast<bytea*>(palloc(MAXALIGN(VARHDRSZ) + bytes));
  SET_VARSIZE(value, MAXALIGN(VARHDRSZ) + bytes);
  char* at = reinterpret_cast<char*>(value) + MAXALIGN(VARHDRSZ);
  const Head head{ids_.size(), rows_.size(), keys_.size(), lost_keys_.size()};
  std::memcpy(at, &head, sizeof head);
  at += MAXALIGN(sizeof head);
  copy_out(at, records_);
  copy_out(at, rows_of_);
  copy_out(at, rows_);
  copy_out(at, keys_);
  copy_out(at, prints_);
  copy_out(at, lost_keys_);
  for (const Datum id : ids_) {
    const std::size_t size = datumGetSize(id, false, -1);
    std::memcpy(at, DatumGetPointer(id), size);
    at += MAXALIGN(size);
  }
  return PointerGetDatum(value);
}

void KnownRecords::take_bytes(Datum bytes) {
  const char* at = reinterpret_cast<const char*>(DatumGetPointer(bytes)) + MAXALIGN(VARHDRSZ);
  Head head{};
  std::memcpy(&head, at, sizeof head);
  at += MAXALIGN(sizeof head);
  guarded([&] {
    copy_in(at, records_, head.ids);
    copy_in(at, rows_of_, head.ids);
    copy_in(at, rows_, head.rows);
    copy_in(at, keys_, head.keys);
    copy_in(at, prints_, head.rows);
    copy_in(at, lost_keys_, head.lost_keys);
    ids_.reserve(head.ids);
    for (std::size_t i = 0; i < head.ids; ++i) {
      ids_.push_back(PointerGetDatum(at));
      at += MAXALIGN(datumGetSize(ids_.back(), false, -1));
    }
  });
  order_prints();
}

KnownRecords::Record KnownRecords::find_record(Datum id) {
  find(record_of_id_, Int16GetDatum(static_cast<std::int16_t>(source_)), record_key(id));
  Record record{kNoRecord, {}};
  if (next(record_of_id_)) {
    record = {DatumGetInt64(value_of(record_of_id_, kRecordRid + 1)), record_of_id_.row->tts_tid};
  }
  return record;
}

void KnownRecords::take_row(TupleTableSlot* row) {
  slot_getsomeattrs(row, kRowKeys);
  with_numbers(row->tts_values[kRowKeys - 1], [&](std::span<const std::int64_t> keys) {
    guarded([&] {
      const std::int64_t fingerprint = DatumGetInt64(row->tts_values[kRowFingerprint - 1]);
      rows_.push_back({fingerprint, DatumGetInt64(row->tts_values[kRowRid - 1]), row->tts_tid,
                       false, false, keys_.size(), keys.size()});
      prints_.push_back(fingerprint);
      keys_.insert(keys_.end(), keys.begin(), keys.end());
    });
  });
}

KnownRecords::Rows KnownRecords::take_rows(std::int64_t rid) {
  Rows rows{rows_.size(), rows_.size()};
  find(rows_of_record_, Int64GetDatum(rid));
  while (next(rows_of_record_)) take_row(rows_of_record_.row);
  rows.end = rows_.size();
  if (rows.size() == 1) rows_[rows.begin].is_only = true;
  return rows;
}

void KnownRecords::forget_rows(std::size_t begin) noexcept {
  if (begin < rows_.size()) keys_.resize(rows_[begin].first_key);
  rows_.resize(begin);
  prints_.resize(begin);
}

std::size_t KnownRecords::place_of(Datum id) const {
  const Datum name = record_name(id);
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), name, is_less);
  if (found == ids_.end() || text_view(*found) != text_view(name)) return kNotNamed;
  return static_cast<std::size_t>(found - ids_.begin());
}

KnownRecords::Row* KnownRecords::only_row_of(std::size_t named) noexcept {
  if (rows_of_[named].size() != 1) return nullptr;
  Row& row = rows_[rows_of_[named].begin];
  return row.is_gone ? nullptr : &row;
}

}  // namespace identity_resolve::pg
