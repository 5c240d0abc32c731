// Where an identity map's records and identifiers are: from the 64-bit number of a record, or the
// key of an identifier (engine/stored_keys.h), to the identities that have it.
//
// An entry is a number and a place: the first 48 bits of an identity's id, and of which source the
// record is that has the number there. A record has one entry for itself and one for each of its
// keys. So the entries of a key are as many as the records that carry it.
//
//   m<id>_places   all entries, as they were when the state was last written as a whole: sorted, 16
//                  bytes each, a page of them a row, found by the first one's number
//   m<id>_added    what has come and gone since: a row an entry, with 1 or -1
//
// An id of which two begin alike leads to both: whoever reads them sees which one was meant.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <functional>

#include "engine/identity_id.h"
#include "map/lookup.h"
#include "map/rewrite.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg {

class Place {
 public:
  Place() noexcept = default;
  explicit Place(std::int64_t bits) noexcept : bits_(static_cast<std::uint64_t>(bits)) {}
  // Of a key that a record of the source carries; or of the record itself.
  static Place of_key(const engine::Uuid& id, std::int32_t source) noexcept {
    return Place(id, static_cast<std::uint32_t>(source));
  }
  static Place of_record(const engine::Uuid& id, std::int32_t source) noexcept {
    return Place(id, static_cast<std::uint32_t>(source) | kRecord);
  }

  [[nodiscard]] std::int64_t bits() const noexcept { return static_cast<std::int64_t>(bits_); }
  [[nodiscard]] bool is_record() const noexcept { return (bits_ & kRecord) != 0; }
  [[nodiscard]] std::int32_t source() const noexcept {
    return static_cast<std::int32_t>(bits_ & (kRecord - 1));
  }
  // The first bits of the identity's id.
  [[nodiscard]] std::uint64_t prefix() const noexcept { return bits_ >> 16; }
  static std::uint64_t prefix_of(const engine::Uuid& id) noexcept { return Place(id, 0).prefix(); }
  friend auto operator<=>(const Place&, const Place&) noexcept = default;

 private:
  static constexpr std::uint64_t kRecord = 0x8000;
  Place(const engine::Uuid& id, std::uint64_t low) noexcept : bits_(low) {
    for (std::size_t i = 0; i < 6; ++i) bits_ |= std::uint64_t{id[i]} << (56 - 8 * i);
  }
  std::uint64_t bits_ = 0;
};

struct PlaceEntry {
  std::int64_t number;
  Place place;

  friend auto operator<=>(const PlaceEntry&, const PlaceEntry&) noexcept = default;
};

// Numbers are in eight slices by their first bits; a set of these, a bit each. No page has entries
// of two slices, so that one may be written without the others.
using PlaceSlices = std::uint8_t;
inline constexpr PlaceSlices kAllSlices = 0xFF;
inline PlaceSlices slice_of(std::int64_t number) noexcept {
  return static_cast<PlaceSlices>(1U << (static_cast<std::uint64_t>(number) >> 61));
}

// Looks entries up. Plain frames: what it has is on the memory that it is given.
class Places {
 public:
  explicit Places(boost::container::pmr::memory_resource& memory) : found_(&memory) {}

  // For a user who may read them; by the active snapshot. Errors: 42501, 42P01, 55000.
  void open(int map_id);
  void close();
  // The places of a number, each as often as it has an entry, rising. They stay until the next
  // call. Numbers that rise are found faster than others.
  std::span<const Place> find(std::int64_t number);

 private:
  // A page of entries, which lives as long as its row is in the slot.
  struct Page {
    TupleTableSlot* row = nullptr;
    std::string_view entries = {};  // none: there is no page

    [[nodiscard]] bool is_there() const noexcept { return !entries.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries.size() / sizeof(PlaceEntry); }
    [[nodiscard]] PlaceEntry entry(std::size_t at) const noexcept;
    [[nodiscard]] std::int64_t first() const noexcept { return entry(0).number; }
    [[nodiscard]] std::int64_t last() const noexcept { return entry(size() - 1).number; }
  };

  void seek(std::int64_t number);
  bool step(std::int64_t number);
  void load(Page& page, IndexScanDesc scan, ScanDirection direction);
  void take_from(const Page& page, std::int64_t number);
  void find_added(std::int64_t number);

  Relation table_ = nullptr;
  Relation index_ = nullptr;
  IndexScanDesc before_ = nullptr;
  IndexScanDesc onward_ = nullptr;
  Lookup same_{};
  Lookup added_{};
  Page page_;  // the last page that begins with a smaller number than the one looked for
  Page next_;  // the first page that does not
  bool has_next_ = false;  // whether that has been looked for
  boost::container::pmr::vector<Place> found_;
};

// Writes all entries anew, in their order.
class PlacesWriter {
 public:
  explicit PlacesWriter(boost::container::pmr::memory_resource& memory) : page_(&memory) {}
  // All of them, or those of slices. Errors: 42501, 42P01, 55000.
  void open(int map_id, PlaceSlices slices = kAllSlices);
  // One of these.
  void put(const PlaceEntry& entry);
  void close();

 private:
  void write_page();

  int map_id_ = 0;
  PlaceSlices slices_ = kAllSlices;
  Rewrite* table_ = nullptr;
  boost::container::pmr::vector<PlaceEntry> page_;
  bool has_page_ = false;        // one was written
  std::int64_t last_first_ = 0;  // the number with which the last of these begins
};

// Entries that come and go one by one.
class PlacesLog {
 public:
  void open(int map_id) { table_ = open_state_table(map_id, "added"); }
  void close() { close_state_table(table_); }
  void add(const PlaceEntry& entry) { put(entry, 1); }
  void remove(const PlaceEntry& entry) { put(entry, -1); }

 private:
  void put(const PlaceEntry& entry, std::int16_t change);
  StateTable* table_ = nullptr;
};

// Calls visit(entry) for each entry, those that have come behind the others; not for those that
// have gone. Plain frame.
void each_place(int map_id, const std::function<void(const PlaceEntry&)>& visit);

// Writes m<id>_added into m<id>_places: all of it at once, or the slice that has most where it has
// become large.
void settle_places(int map_id, bool at_once, boost::container::pmr::memory_resource& memory);

}  // namespace identity_resolve::pg
