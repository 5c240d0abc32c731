#include "map/places.h"

#include <algorithm>
#include <bit>

#include "map/datums.h"

extern "C" {
#include <access/stratnum.h>
#include <utils/fmgroids.h>
}

namespace identity_resolve::pg {

namespace {

// What fits into a page beside its own head, the row's and the number before them.
constexpr std::size_t kEntriesAPage =
    (BLCKSZ - SizeOfPageHeaderData - sizeof(ItemIdData) - SizeofHeapTupleHeader - 1 -
     sizeof(std::int64_t) - VARHDRSZ - MAXIMUM_ALIGNOF) /
    sizeof(PlaceEntry);

enum PlacesColumn : AttrNumber { kFirst = 1, kEntries = 2 };
enum AddedColumn : AttrNumber { kHash = 1, kPlace = 2, kChange = 3 };

// The entries are little-endian, as all that the state keeps as bytes.
std::int64_t turned(std::int64_t number) noexcept {
  if constexpr (std::endian::native == std::endian::big)
    return static_cast<std::int64_t>(__builtin_bswap64(static_cast<std::uint64_t>(number)));
  return number;
}

PlaceEntry entry_at(const char* from) noexcept {
  std::array<std::int64_t, 2> numbers{};
  std::memcpy(numbers.data(), from, sizeof numbers);
  return {turned(numbers[0]), Place(turned(numbers[1]))};
}

// The entries of a row of m<id>_places, as bytes. Error XX001.
std::string_view entries_of(TupleTableSlot* row) {
  bool is_null = false;
  const auto* value = reinterpret_cast<const varlena*>(
      PG_DETOAST_DATUM_PACKED(slot_getattr(row, kEntries, &is_null)));
  const std::string_view bytes = bytes_of(value);
  if (bytes.empty() || bytes.size() % sizeof(PlaceEntry) != 0) {
    bad_state("A page of places is none.");
  }
  return bytes;
}

}  // namespace

void Places::open(int map_id) {
  same_ = open_lookup(map_id, "places", {"first"}, GetActiveSnapshot());
  added_ = open_lookup(map_id, "added", {"hash"}, GetActiveSnapshot());
  table_ = same_.table;
  index_ = same_.index;
  before_ = begin_index_scan(table_, index_, GetActiveSnapshot(), 1);
  row_ = table_slot_create(table_, nullptr);
  page_.clear();
}

void Places::close() {
  index_endscan(before_);
  ExecDropSingleTupleTableSlot(row_);
  close_lookup(same_);
  close_lookup(added_);
}

std::span<const Place> Places::find(std::int64_t number) {
  CHECK_FOR_INTERRUPTS();
  found_.clear();
  if (!same_.is_empty) {
    // Between two entries of the page at hand, or the page has to be found.
    const bool is_here =
        !page_.empty() && page_.front().number < number && number < page_.back().number;
    if (!is_here && !load_page_before(number)) page_.clear();
    take_from_page(number);
    if (!is_here && (page_.empty() || page_.back().number <= number)) {
      // They may go on, or begin, with a page of which this is the first number.
      pg::find(same_, Int64GetDatum(number));
      while (next(same_)) {
        const std::string_view bytes = entries_of(same_.row);
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(PlaceEntry)) {
          const PlaceEntry entry = entry_at(bytes.data() + at);
          if (entry.number != number) break;
          guarded([&] { found_.push_back(entry.place); });
        }
      }
    }
  }
  if (!added_.is_empty) find_added(number);
  return {found_.data(), found_.size()};
}

// The last page that begins with a smaller number; false where there is none.
bool Places::load_page_before(std::int64_t number) {
  ScanKeyData condition;
  ScanKeyInit(&condition, 1, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(number));
  index_rescan(before_, &condition, 1, nullptr, 0);
  return index_getnext_slot(before_, BackwardScanDirection, row_) && load_page(row_);
}

bool Places::load_page(TupleTableSlot* row) {
  const std::string_view bytes = entries_of(row);
  guarded([&] {
    page_.clear();
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(PlaceEntry)) {
      page_.push_back(entry_at(bytes.data() + at));
    }
  });
  return true;
}

void Places::take_from_page(std::int64_t number) {
  const auto first =
      std::lower_bound(page_.begin(), page_.end(), number,
                       [](const PlaceEntry& entry, std::int64_t at) { return entry.number < at; });
  guarded([&] {
    for (auto at = first; at != page_.end() && at->number == number; ++at) {
      found_.push_back(at->place);
    }
  });
}

void Places::find_added(std::int64_t number) {
  const std::size_t before = found_.size();
  bool has_gone = false;
  std::size_t gone = 0;
  pg::find(added_, Int64GetDatum(number));
  // Those that have come stand behind, those that have gone at the end.
  boost::container::pmr::vector<Place> less(found_.get_allocator());
  while (next(added_)) {
    const Place place(DatumGetInt64(value_of(added_, kPlace)));
    const std::int16_t change = DatumGetInt16(value_of(added_, kChange));
    guarded([&] {
      if (change > 0) {
        found_.push_back(place);
      } else {
        less.push_back(place);
        has_gone = true;
      }
    });
  }
  if (found_.size() == before && !has_gone) return;
  std::sort(found_.begin(), found_.end());
  if (!has_gone) return;
  std::sort(less.begin(), less.end());
  std::size_t kept = 0;
  for (const Place& place : found_) {
    if (gone < less.size() && less[gone] < place) {
      while (gone < less.size() && less[gone] < place) ++gone;
    }
    if (gone < less.size() && less[gone] == place) {
      ++gone;
    } else {
      found_[kept++] = place;
    }
  }
  found_.resize(kept);
}

void PlacesWriter::open(int map_id) {
  map_id_ = map_id;
  table_ = begin_bulk(map_id, "places");
  guarded([&] { page_.reserve(kEntriesAPage); });
}

void PlacesWriter::put(const PlaceEntry& entry) {
  page_.push_back(entry);
  if (page_.size() == kEntriesAPage) write_page();
}

void PlacesWriter::write_page() {
  if (page_.empty()) return;
  const std::int64_t first = page_.front().number;
  if constexpr (std::endian::native == std::endian::big) {
    for (PlaceEntry& entry : page_) {
      entry = {turned(entry.number), Place(turned(entry.place.bits()))};
    }
  }
  const std::array<Datum, 2> values = {Int64GetDatum(first),
                                       bytes_value({reinterpret_cast<const char*>(page_.data()),
                                                    page_.size() * sizeof(PlaceEntry)})};
  const std::array<bool, 2> nulls{};
  put_bulk(table_, values.data(), nulls.data());
  pfree(DatumGetPointer(values[1]));
  page_.clear();
}

void PlacesWriter::close() {
  write_page();
  finish_bulk(table_);
  // What had come and gone is in it.
  finish_bulk(begin_bulk(map_id_, "added"));
}

void PlacesLog::put(const PlaceEntry& entry, std::int16_t change) {
  const std::array<Datum, 3> values = {Int64GetDatum(entry.number),
                                       Int64GetDatum(entry.place.bits()), Int16GetDatum(change)};
  const std::array<bool, 3> nulls{};
  insert_row(table_, values.data(), nulls.data());
}

void each_place(int map_id, const std::function<void(const PlaceEntry&)>& visit) {
  const Relation added = open_state(map_id, "added", {ACL_SELECT}, AccessShareLock);
  const Relation places = open_state(map_id, "places", {ACL_SELECT}, AccessShareLock);
  ContextMemory memory(CurrentMemoryContext);
  auto* more = make<boost::container::pmr::vector<PlaceEntry>>(&memory);
  auto* less = make<boost::container::pmr::vector<PlaceEntry>>(&memory);
  TableScanDesc scan = begin_table_scan(added, GetActiveSnapshot());
  TupleTableSlot* row = table_slot_create(added, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    const PlaceEntry entry{DatumGetInt64(row->tts_values[kHash - 1]),
                           Place(DatumGetInt64(row->tts_values[kPlace - 1]))};
    const bool has_come = DatumGetInt16(row->tts_values[kChange - 1]) > 0;
    guarded([&] { (has_come ? more : less)->push_back(entry); });
  }
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
  scan = begin_table_scan(places, GetActiveSnapshot());
  row = table_slot_create(places, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    const std::string_view bytes = entries_of(row);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(PlaceEntry)) {
      const PlaceEntry entry = entry_at(bytes.data() + at);
      guarded([&] { more->push_back(entry); });
    }
  }
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
  table_close(added, NoLock);
  table_close(places, NoLock);
  std::sort(more->begin(), more->end());
  std::sort(less->begin(), less->end());
  auto gone = less->begin();
  for (const PlaceEntry& entry : *more) {
    while (gone != less->end() && *gone < entry) ++gone;
    if (gone != less->end() && *gone == entry) {
      ++gone;
      continue;
    }
    visit(entry);
  }
}

void settle_places(int map_id, bool at_once, boost::container::pmr::memory_resource& memory) {
  const Relation places = open_state(map_id, "places", {ACL_SELECT}, AccessShareLock);
  const Relation added = open_state(map_id, "added", {ACL_SELECT}, AccessShareLock);
  const double pages = RelationGetNumberOfBlocks(places);
  const double more = RelationGetNumberOfBlocks(added);
  // Rows and their index take four times what they say.
  constexpr double kMost = 0.5;
  constexpr double kFew = 16;
  if (more == 0 || (!at_once && more < std::max(kFew, kMost * pages))) {
    table_close(places, NoLock);
    table_close(added, NoLock);
    return;
  }
  struct Change {
    PlaceEntry entry;
    std::int64_t change;
  };
  boost::container::pmr::vector<Change> changes(&memory);
  TableScanDesc scan = begin_table_scan(added, GetActiveSnapshot());
  TupleTableSlot* row = table_slot_create(added, nullptr);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    guarded([&] {
      changes.push_back({{DatumGetInt64(row->tts_values[kHash - 1]),
                          Place(DatumGetInt64(row->tts_values[kPlace - 1]))},
                         DatumGetInt16(row->tts_values[kChange - 1])});
    });
  }
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.entry < b.entry; });
  PlacesWriter writer(memory);
  writer.open(map_id);
  std::size_t at = 0;
  // What has come of an entry, from `at` on; 0 where nothing has.
  const auto change_of = [&](const PlaceEntry& entry) {
    std::int64_t change = 0;
    for (; at < changes.size() && changes[at].entry == entry; ++at) change += changes[at].change;
    return change;
  };
  const auto put_until = [&](const PlaceEntry* end) {
    while (at < changes.size() && (end == nullptr || changes[at].entry < *end)) {
      const PlaceEntry entry = changes[at].entry;
      for (std::int64_t left = change_of(entry); left > 0; --left) writer.put(entry);
    }
  };
  // Pages were written in their order, and no row of them has changed since.
  scan = begin_table_scan(places, GetActiveSnapshot());
  row = table_slot_create(places, nullptr);
  PlaceEntry last{};
  bool is_first = true;
  std::int64_t gone = 0;
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    CHECK_FOR_INTERRUPTS();
    const std::string_view bytes = entries_of(row);
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(PlaceEntry)) {
      const PlaceEntry entry = entry_at(bytes.data() + i);
      if (!is_first && entry < last) bad_state("Places are out of their order.");
      if (is_first || entry != last) {
        put_until(&entry);
        const std::int64_t change = change_of(entry);
        for (std::int64_t more_of = change; more_of > 0; --more_of) writer.put(entry);
        gone = std::max<std::int64_t>(-change, 0);
      }
      is_first = false;
      last = entry;
      if (gone > 0) {
        --gone;
      } else {
        writer.put(entry);
      }
    }
  }
  put_until(nullptr);
  ExecDropSingleTupleTableSlot(row);
  table_endscan(scan);
  table_close(places, NoLock);
  table_close(added, NoLock);
  writer.close();
}

}  // namespace identity_resolve::pg
