// What a change concerns: the rows of the records that identity_map_reach() has found, of the
// identities that they are, and what has become of identifiers that many carry.
//
// What raises PostgreSQL's errors says so.
#pragma once

#include <algorithm>
#include <optional>

#include "engine/arena.h"
#include "engine/packed_rows.h"
#include "engine/place_table.h"
#include "map/of_transaction.h"
#include "map/state_tables.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg {

// A row of a source, whose bytes somebody else keeps.
struct SourceRow {
  std::int64_t rid;
  std::int32_t source;      // its number
  std::uint32_t key_count;  // what it carries: ReachedRows::keys_of()
  std::size_t first_key;
  std::uint32_t record;  // the place of its record: ReachedRows::rids
  bool is_fresh;         // the state does not have it yet
  std::string_view packed;

  [[nodiscard]] std::int64_t fingerprint() const noexcept { return engine::fingerprint_of(packed); }
};

// A row that the state has and the source has not any more.
struct GoneRow {
  std::int64_t rid;
  std::int32_t source;
  engine::Uuid identity;
  std::size_t first_key;
  std::uint32_t key_count;
};

// What identity_map_reach() has found, on a context that the transaction's end frees.
struct ReachedRows {
  // An identity as the map has it.
  struct Identity {
    ItemPointerData place;
    TimestampTz created_at;
    std::string_view pack;
  };

  ReachedRows(MemoryContext context, int number)
      : memory(context),
        bytes(memory),
        map_id(number),
        rids(&memory),
        olds(&memory),
        is_new(&memory),
        rows(&memory),
        gone(&memory),
        keys(&memory),
        ids(memory),
        identities(&memory),
        back_ids(memory),
        back_since(&memory),
        returned(&memory),
        common(memory),
        newly_common(&memory),
        no_longer_common(&memory),
        record_parts(&memory),
        row_parts(&memory),
        all_places(&memory) {}

  void add(std::int64_t rid, std::int32_t source, std::uint32_t record, bool is_fresh,
           std::span<const std::int64_t> carried, std::string_view packed) {
    rows.push_back({rid, source, static_cast<std::uint32_t>(carried.size()), keys.size(), record,
                    is_fresh, packed});
    keys.insert(keys.end(), carried.begin(), carried.end());
  }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const SourceRow& row) const noexcept {
    return {keys.data() + row.first_key, row.key_count};
  }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const GoneRow& row) const noexcept {
    return {keys.data() + row.first_key, row.key_count};
  }
  // nullptr for one that there is not, or that was not reached.
  [[nodiscard]] const Identity* identity_of(const engine::Uuid& id) const noexcept {
    const std::uint32_t place = ids.find(id);
    return place == engine::PlaceTable<engine::Uuid>::kNone ? nullptr : &identities[place];
  }

  // Since when there was an identity that is back; none for another one.
  [[nodiscard]] std::optional<TimestampTz> since_of_back(const engine::Uuid& id) const noexcept {
    const std::uint32_t place = back_ids.find(id);
    if (place == engine::PlaceTable<engine::Uuid>::kNone) return std::nullopt;
    return back_since[place];
  }

  // Whether a record, or a row, is of the part that is at hand; by its place.
  [[nodiscard]] bool has_record(std::size_t at) const noexcept {
    return part == kAllParts || record_parts[at] == part;
  }
  [[nodiscard]] bool has_row(std::size_t at) const noexcept {
    return part == kAllParts || row_parts[at] == part;
  }

  ContextMemory memory;
  engine::Arena bytes;  // packs and rows
  int map_id;
  // The records: their numbers, and the identity of each, unless it has none yet.
  boost::container::pmr::vector<std::int64_t> rids;
  boost::container::pmr::vector<engine::Uuid> olds;
  boost::container::pmr::vector<bool> is_new;
  boost::container::pmr::vector<SourceRow> rows;
  boost::container::pmr::vector<GoneRow> gone;
  boost::container::pmr::vector<std::int64_t> keys;
  engine::PlaceTable<engine::Uuid> ids;                // of the identities
  boost::container::pmr::vector<Identity> identities;  // what they are
  // Identities that were no more, as all of their records had gone, and of which some are back:
  // they are none of the map's yet. And all records that are back.
  engine::PlaceTable<engine::Uuid> back_ids;
  boost::container::pmr::vector<TimestampTz> back_since;
  boost::container::pmr::vector<std::int64_t> returned;
  bool is_told = false;  // what changed the sources do not say: nobody comes back or is missed
  engine::NumberTable common;  // keys that connect nobody
  // Those of them that did before, and keys that did not and do now.
  boost::container::pmr::vector<std::int64_t> newly_common;
  boost::container::pmr::vector<std::int64_t> no_longer_common;
  // A process that resolves a part of them (place_in_parallel.h) sees no others.
  static constexpr std::uint16_t kAllParts = UINT16_MAX;
  std::uint16_t part = kAllParts;
  boost::container::pmr::vector<std::uint16_t> record_parts;  // of rids
  boost::container::pmr::vector<std::uint16_t> row_parts;     // of rows
  // Where that has only its own: the places of these records among all.
  boost::container::pmr::vector<std::uint32_t> all_places;
};

using LastReached = OfTransaction<ReachedRows>;

// Rows of sources that came, and rows that are gone, which the state does not know of yet: what the
// steps of a refresh have read, or identify() was told, or forget() takes away.
struct ChangedRows {
  struct Came {
    std::int64_t rid;
    std::int64_t fingerprint;
    std::string_view packed;

    friend auto operator<=>(const Came&, const Came&) = default;
  };
  struct Gone {
    std::int64_t rid;
    std::int64_t fingerprint;

    friend auto operator<=>(const Gone&, const Gone&) = default;
  };

  ChangedRows(MemoryContext context, int number)
      : memory(context), bytes(memory), map_id(number), came(&memory), gone(&memory) {}

  void add(std::string_view packed) {
    auto* copy = reinterpret_cast<char*>(bytes.allocate(packed.size()));
    packed.copy(copy, packed.size());
    came.push_back({engine::rid_of(packed), engine::fingerprint_of(packed), {copy, packed.size()}});
  }
  void sort() {
    std::sort(came.begin(), came.end());
    std::sort(gone.begin(), gone.end());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  }

  ContextMemory memory;
  engine::Arena bytes;
  int map_id;
  bool is_complete = true;  // all of them are here
  bool is_told = false;     // not by the sources
  boost::container::pmr::vector<Came> came;
  boost::container::pmr::vector<Gone> gone;
};

using LastChanged = OfTransaction<ChangedRows>;

// The identities of a map, as m<id>_identities has them, found by how their ids begin. Plain
// frames.
class IdentityLookup {
 public:
  struct Found {
    engine::Uuid id;
    ItemPointerData place;
    TimestampTz created_at;
    std::string_view pack;  // until the next one is asked for
  };

  void open(int map_id);
  void close();
  // Begins with those whose ids have these first 48 bits (Place::prefix()).
  void find(std::uint64_t prefix);
  bool next(Found& found);
  // Of a row of that table.
  static Found found_in(TupleTableSlot* row);

 private:
  Relation table_ = nullptr;
  Relation index_ = nullptr;
  IndexScanDesc scan_ = nullptr;
  TupleTableSlot* row_ = nullptr;
  std::array<pg_uuid_t, 2> bounds_{};
  MemoryContext memory_ = nullptr;
};

// Calls visit(bytes, PackedRow) for each row of an identity's pack. Error XX001 where it is none.
// PostgreSQL's half.
template <class Visit>
void each_row_of_pack(std::string_view pack, Visit&& visit) {
  if (!engine::each_packed_row(pack, visit)) bad_state("A pack of rows is none.");
}

}  // namespace identity_resolve::pg
