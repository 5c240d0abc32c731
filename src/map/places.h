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
#include "map/bulk_table.h"
#include "map/lookup.h"
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

// Looks entries up. Plain frames: what it has is on the memory that it is given.
class Places {
 public:
  explicit Places(boost::container::pmr::memory_resource& memory)
      : page_(&memory), found_(&memory) {}

  // For a user who may read them; by the active snapshot. Errors: 42501, 42P01, 55000.
  void open(int map_id);
  void close();
  // The places of a number, each as often as it has an entry, rising. They stay until the next
  // call. Numbers that rise are found faster than others.
  std::span<const Place> find(std::int64_t number);

 private:
  bool load_page_before(std::int64_t number);
  bool load_page(TupleTableSlot* row);
  void take_from_page(std::int64_t number);
  void find_added(std::int64_t number);

  Relation table_ = nullptr;
  Relation index_ = nullptr;
  IndexScanDesc before_ = nullptr;
  TupleTableSlot* row_ = nullptr;
  Lookup same_{};
  Lookup added_{};
  boost::container::pmr::vector<PlaceEntry> page_;
  boost::container::pmr::vector<Place> found_;
};

// Writes all entries anew, in their order.
class PlacesWriter {
 public:
  explicit PlacesWriter(boost::container::pmr::memory_resource& memory) : page_(&memory) {}
  // Errors: 42501, 42P01, 55000.
  void open(int map_id);
  void put(const PlaceEntry& entry);
  void close();

 private:
  void write_page();

  int map_id_ = 0;
  BulkTable* table_ = nullptr;
  boost::container::pmr::vector<PlaceEntry> page_;
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

// Writes m<id>_added into m<id>_places where it has become large beside it, or at once.
void settle_places(int map_id, bool at_once, boost::container::pmr::memory_resource& memory);

}  // namespace identity_resolve::pg
