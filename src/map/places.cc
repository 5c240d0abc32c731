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

// A row of m<id>_added.
struct Change {
  PlaceEntry entry;
  std::int64_t change;
};
Change change_of(TupleTableSlot* row) {
  return {{DatumGetInt64(row->tts_values[kHash - 1]),
           Place(DatumGetInt64(row->tts_values[kPlace - 1]))},
          DatumGetInt16(row->tts_values[kChange - 1])};
}

// Calls visit(entry) for each entry of m<id>_places, of slices, in their order. Of pages that begin
// with the same number the index says no order.
template <class Visit>
void each_entry_in_order(int map_id, PlaceSlices slices,
                         boost::container::pmr::memory_resource& memory, Visit&& visit) {
  const Lookup lookup = open_lookup(map_id, "places", {"first"}, GetActiveSnapshot());
  const IndexScanDesc scan = begin_index_scan(lookup.table, lookup.index, GetActiveSnapshot(), 0);
  index_rescan(scan, nullptr, 0, nullptr, 0);
  boost::container::pmr::vector<PlaceEntry> entries(&memory);
  std::size_t pages = 0;
  const auto visit_all = [&] {
    if (pages > 1) std::sort(entries.begin(), entries.end());
    for (const PlaceEntry& entry : entries) visit(entry);
    entries.clear();
    pages = 0;
  };
  const MemoryContext page =
      AllocSetContextCreate(CurrentMemoryContext, "identity map page", ALLOCSET_DEFAULT_SIZES);
  while (index_getnext_slot(scan, ForwardScanDirection, lookup.row)) {
    CHECK_FOR_INTERRUPTS();
    bool is_null = false;
    const std::int64_t first = DatumGetInt64(slot_getattr(lookup.row, kFirst, &is_null));
    if ((slice_of(first) & slices) == 0) continue;
    const MemoryContext outer = MemoryContextSwitchTo(page);
    const std::string_view bytes = entries_of(lookup.row);
    MemoryContextSwitchTo(outer);
    if (!entries.empty() && entries.front().number != entry_at(bytes.data()).number) visit_all();
    ++pages;
    guarded([&] {
      for (std::size_t at = 0; at < bytes.size(); at += sizeof(PlaceEntry)) {
        entries.push_back(entry_at(bytes.data() + at));
      }
    });
    MemoryContextReset(page);
  }
  visit_all();
  MemoryContextDelete(page);
  index_endscan(scan);
  close_lookup(lookup);
}

}  // namespace

PlaceEntry Places::Page::entry(std::size_t at) const noexcept {
  return entry_at(entries.data() + at * sizeof(PlaceEntry));
}

void Places::open(int map_id) {
  same_ = open_lookup(map_id, "places", {"first"}, GetActiveSnapshot());
  added_ = open_lookup(map_id, "added", {"hash"}, GetActiveSnapshot());
  table_ = same_.table;
  index_ = same_.index;
  before_ = begin_index_scan(table_, index_, GetActiveSnapshot(), 1);
  onward_ = begin_index_scan(table_, index_, GetActiveSnapshot(), 1);
  page_ = {table_slot_create(table_, nullptr)};
  next_ = {table_slot_create(table_, nullptr)};
  has_next_ = false;
}

void Places::close() {
  index_endscan(before_);
  index_endscan(onward_);
  ExecDropSingleTupleTableSlot(page_.row);
  ExecDropSingleTupleTableSlot(next_.row);
  close_lookup(same_);
  close_lookup(added_);
}

std::span<const Place> Places::find(std::int64_t number) {
  CHECK_FOR_INTERRUPTS();
  found_.clear();
  if (!same_.is_empty) {
    const bool is_within = page_.is_there() && page_.first() < number && number < page_.last();
    if (!is_within) seek(number);
    take_from(page_, number);
    if (!is_within && next_.is_there() && next_.first() == number) {
      // They go on, or begin, with pages of which this is the first number.
      pg::find(same_, Int64GetDatum(number));
      while (next(same_)) {
        const Page same{same_.row, entries_of(same_.row)};
        for (std::size_t at = 0; at < same.size() && same.entry(at).number == number; ++at) {
          guarded([&] { found_.push_back(same.entry(at).place); });
        }
      }
    }
  }
  if (!added_.is_empty) find_added(number);
  return {found_.data(), found_.size()};
}

// Brings page_ and next_ to both sides of where pages begin with the number. Mostly they are a few
// pages on; else the index leads there.
void Places::seek(std::int64_t number) {
  if (step(number)) return;
  ScanKeyData condition;
  ScanKeyInit(&condition, 1, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(number));
  index_rescan(before_, &condition, 1, nullptr, 0);
  load(page_, before_, BackwardScanDirection);
  has_next_ = false;
  next_.entries = {};
  if (page_.is_there() && number < page_.last()) return;
  ScanKeyInit(&condition, 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(number));
  index_rescan(onward_, &condition, 1, nullptr, 0);
  load(next_, onward_, ForwardScanDirection);
  has_next_ = true;
}

bool Places::step(std::int64_t number) {
  constexpr int kMostSteps = 8;
  if (!page_.is_there() || number <= page_.first()) return false;
  if (!has_next_) {
    ScanKeyData condition;
    ScanKeyInit(&condition, 1, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(page_.first()));
    index_rescan(onward_, &condition, 1, nullptr, 0);
    load(next_, onward_, ForwardScanDirection);
    has_next_ = true;
  }
  for (int steps = 0; next_.is_there() && next_.first() < number; ++steps) {
    if (steps == kMostSteps) return false;
    std::swap(page_, next_);
    load(next_, onward_, ForwardScanDirection);
  }
  return true;
}

void Places::load(Page& page, IndexScanDesc scan, ScanDirection direction) {
  page.entries = {};
  if (index_getnext_slot(scan, direction, page.row)) page.entries = entries_of(page.row);
}

void Places::take_from(const Page& page, std::int64_t number) {
  std::size_t first = 0;
  for (std::size_t count = page.size(); count > 0;) {
    const std::size_t half = count / 2;
    if (page.entry(first + half).number < number) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  guarded([&] {
    for (; first < page.size() && page.entry(first).number == number; ++first) {
      found_.push_back(page.entry(first).place);
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

void PlacesWriter::open(int map_id, PlaceSlices slices) {
  map_id_ = map_id;
  slices_ = slices;
  table_ = begin_rewrite(map_id, "places", [slices](TupleTableSlot* row) {
    return (slice_of(DatumGetInt64(row->tts_values[kFirst - 1])) & slices) != 0;
  });
  guarded([&] { page_.reserve(kEntriesAPage); });
}

// A page that begins as the one before it has entries of that number only: so the last page that
// begins with a smaller number than another one has that one's entries, whichever of several is
// found.
void PlacesWriter::put(const PlaceEntry& entry) {
  const bool continues = !page_.empty() && has_page_ && page_.front().number == last_first_;
  const bool is_in_slice =
      page_.empty() || slice_of(page_.front().number) == slice_of(entry.number);
  if (page_.size() == kEntriesAPage || (continues && entry.number != last_first_) || !is_in_slice) {
    write_page();
  }
  page_.push_back(entry);
}

void PlacesWriter::write_page() {
  if (page_.empty()) return;
  const std::int64_t first = page_.front().number;
  last_first_ = first;
  has_page_ = true;
  if constexpr (std::endian::native == std::endian::big) {
    for (PlaceEntry& entry : page_) {
      entry = {turned(entry.number), Place(turned(entry.place.bits()))};
    }
  }
  const std::array<Datum, 2> values = {Int64GetDatum(first),
                                       bytes_value({reinterpret_cast<const char*>(page_.data()),
                                                    page_.size() * sizeof(PlaceEntry)})};
  const std::array<bool, 2> nulls{};
  rewrite_row(table_, values.data(), nulls.data());
  pfree(DatumGetPointer(values[1]));
  page_.clear();
}

void PlacesWriter::close() {
  write_page();
  finish_rewrite(table_);
  // What had come and gone is in it.
  clear_state(map_id_, "added", [this](TupleTableSlot* row) {
    return (slice_of(DatumGetInt64(row->tts_values[kHash - 1])) & slices_) != 0;
  });
}

void PlacesLog::put(const PlaceEntry& entry, std::int16_t change) {
  const std::array<Datum, 3> values = {Int64GetDatum(entry.number),
                                       Int64GetDatum(entry.place.bits()), Int16GetDatum(change)};
  const std::array<bool, 3> nulls{};
  insert_row(table_, values.data(), nulls.data());
}

void each_place(int map_id, const std::function<void(const PlaceEntry&)>& visit) {
  ContextMemory memory(CurrentMemoryContext);
  auto* more = make<boost::container::pmr::vector<PlaceEntry>>(&memory);
  auto* less = make<boost::container::pmr::vector<PlaceEntry>>(&memory);
  each_state_row(map_id, "added", [&](TupleTableSlot* row) {
    const Change change = change_of(row);
    guarded([&] { (change.change > 0 ? more : less)->push_back(change.entry); });
  });
  each_state_row(map_id, "places", [&](TupleTableSlot* row) {
    const std::string_view bytes = entries_of(row);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(PlaceEntry)) {
      guarded([&] { more->push_back(entry_at(bytes.data() + at)); });
    }
  });
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
  const double pages = RelationGetNumberOfBlocks(places);
  table_close(places, NoLock);
  const Relation added = open_state(map_id, "added", {ACL_SELECT}, AccessShareLock);
  const double more = RelationGetNumberOfBlocks(added);
  // Rows and their index take six times what they say, and to settle them writes pages anew.
  constexpr double kMost = 0.25;
  constexpr double kFew = 8;
  constexpr double kRowsAPage = 150;
  const double most = std::max(kFew, kMost * pages);
  boost::container::pmr::vector<Change> changes(&memory);
  if (more > 0 && (at_once || more >= most)) {
    each_row(added, GetActiveSnapshot(),
             [&](TupleTableSlot* row) { guarded([&] { changes.push_back(change_of(row)); }); });
  }
  table_close(added, NoLock);
  // Pages whose rows have gone are there still.
  if (changes.empty() || (!at_once && static_cast<double>(changes.size()) < most * kRowsAPage)) {
    return;
  }
  PlaceSlices slices = kAllSlices;
  if (!at_once) {
    std::array<std::size_t, 8> counts{};
    const auto of = [](const Change& change) {
      return static_cast<std::size_t>(std::countr_zero(slice_of(change.entry.number)));
    };
    for (const Change& change : changes) ++counts[of(change)];
    const auto largest =
        static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
    slices = static_cast<PlaceSlices>(1U << largest);
    changes.erase(std::remove_if(changes.begin(), changes.end(),
                                 [&](const Change& change) { return of(change) != largest; }),
                  changes.end());
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.entry < b.entry; });
  PlacesWriter writer(memory);
  writer.open(map_id, slices);
  std::size_t at = 0;
  // What has come of an entry, from `at` on; 0 where nothing has.
  const auto sum_of = [&](const PlaceEntry& entry) {
    std::int64_t change = 0;
    for (; at < changes.size() && changes[at].entry == entry; ++at) change += changes[at].change;
    return change;
  };
  const auto put_until = [&](const PlaceEntry* end) {
    while (at < changes.size() && (end == nullptr || changes[at].entry < *end)) {
      const PlaceEntry entry = changes[at].entry;
      for (std::int64_t left = sum_of(entry); left > 0; --left) writer.put(entry);
    }
  };
  PlaceEntry last{};
  bool is_first = true;
  std::int64_t gone = 0;
  each_entry_in_order(map_id, slices, memory, [&](const PlaceEntry& entry) {
    if (!is_first && entry < last) bad_state("Places are out of their order.");
    if (is_first || entry != last) {
      put_until(&entry);
      const std::int64_t change = sum_of(entry);
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
  });
  put_until(nullptr);
  writer.close();
}

}  // namespace identity_resolve::pg
