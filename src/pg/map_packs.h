// Packs: the rows of one identity's records, as a map's copies of its sources have them, in one
// value, and whether it shares an identifier with another identity. A change that concerns a person
// who shares none is then settled by what two pages hold: a record's and its identity's. Table
// m<id>_identities has one for each identity, but for those of very many records; it is never more
// than a quicker way to what the copies say, and where a pack is missing these are asked.
//
// Also the rows of the records that the last identity_map_reach() of the transaction has found.
//
// What raises PostgreSQL's errors says so.
#pragma once

#include <algorithm>

#include "engine/arena.h"
#include "pg/environment.h"
#include "pg/map_state.h"
#include "pg/map_tables.h"
#include "pg/map_transaction.h"

namespace identity_resolve::pg {

// A row of m<id>_rows_<source>.
struct SourceRow {
  std::int64_t rid;
  std::int32_t source;      // its number
  std::uint32_t key_count;  // what it carries: ReachedRows::keys_of()
  std::size_t first_key;
  std::uint32_t record;  // the place of its record: ReachedRows::rids
  MinimalTuple tuple;
};

// Bytes on a memory context, made into a pack row by row. PostgreSQL's half.
class PackWriter {
 public:
  // An identity with more bytes than these has no pack.
  static constexpr std::size_t kMostBytes = std::size_t{64} << 10;

  explicit PackWriter(MemoryContext memory) noexcept : memory_(memory) {}

  // Begins anew.
  void begin(bool shares) noexcept {
    size_ = 0;
    shares_ = shares;
  }
  // A row of m<id>_rows_<source>: a MinimalTuple's bytes.
  void add(std::int32_t source, std::span<const char> row);
  // Valid until the next row; no data where it would be too large.
  [[nodiscard]] std::span<const char> bytes() const noexcept;

 private:
  void append(const void* bytes, std::size_t size);

  MemoryContext memory_;
  bool shares_ = false;
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

// Calls visit(source, tuple, bytes) for each row of a pack, whose bytes are MAXALIGNed; false where
// it is no pack, or another machine's. PostgreSQL's half.
template <class Visit>
bool each_packed_row(const char* bytes, std::size_t size, Visit&& visit);
// Whether a pack, which is one, says that its identity shares an identifier, not too common, with
// another one.
bool pack_shares(const char* bytes) noexcept;

// Whether the bytes are a row of the shape, of values that are neither compressed nor kept
// elsewhere. A map's owner, who may write its packs, could write anything. Raises no errors.
bool is_plain_row(TupleDesc shape, MinimalTuple row, std::size_t bytes) noexcept;
// A copy of a row of the shape that is plain. PostgreSQL's half.
MinimalTuple plain_row_of(TupleDesc shape, HeapTuple row);

// Whether rows of one shape are rows of the other one. Raises no errors.
bool are_same_columns(TupleDesc a, TupleDesc b) noexcept;

// What identity_map_reach() has found, on a context that the transaction's end frees.
struct ReachedRows {
  // An identity as the map has it.
  struct Identity {
    ItemPointerData place;
    TimestampTz created_at;
    bool has_pack;      // one that can be read, or cannot
    const char* bytes;  // the pack's
    std::size_t size;   // 0: none can be read
  };

  ReachedRows(MemoryContext context, int number)
      : memory(context),
        bytes(memory),
        map_id(number),
        rids(&memory),
        olds(&memory),
        is_new(&memory),
        rows(&memory),
        keys(&memory),
        ids(memory),
        identities(&memory),
        common(memory),
        shapes(&memory),
        record_parts(&memory),
        row_parts(&memory),
        all_places(&memory) {}

  void add(std::int64_t rid, std::int32_t source, std::uint32_t record,
           std::span<const std::int64_t> carried, MinimalTuple tuple) {
    rows.push_back(
        {rid, source, static_cast<std::uint32_t>(carried.size()), keys.size(), record, tuple});
    keys.insert(keys.end(), carried.begin(), carried.end());
  }
  [[nodiscard]] std::span<const std::int64_t> keys_of(const SourceRow& row) const noexcept {
    return {keys.data() + row.first_key, row.key_count};
  }
  // nullptr for one that there is not, or that was not reached.
  [[nodiscard]] const Identity* identity_of(const engine::Uuid& id) const noexcept {
    const std::uint32_t place = ids.find(id);
    return place == PlaceTable<engine::Uuid>::kNone ? nullptr : &identities[place];
  }

  // The columns that the rows of a source's copy had when they were reached: within a transaction
  // somebody may alter the copy. nullptr: none of its rows was reached. note_shape() is
  // PostgreSQL's half.
  [[nodiscard]] TupleDesc shape_of(std::int32_t source) const noexcept {
    const auto found = std::ranges::find(shapes, source, &CopyShape::source);
    return found == shapes.end() ? nullptr : found->columns;
  }
  void note_shape(std::int32_t source, TupleDesc columns) {
    if (shape_of(source) != nullptr) return;
    const MemoryContext outer = MemoryContextSwitchTo(memory.context());
    TupleDesc copy = CreateTupleDescCopy(columns);
    MemoryContextSwitchTo(outer);
    guarded([&] { shapes.push_back({source, copy}); });
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
  boost::container::pmr::vector<std::int64_t> keys;
  PlaceTable<engine::Uuid> ids;                        // of the identities
  boost::container::pmr::vector<Identity> identities;  // what they are
  NumberTable common;                                  // keys that connect nobody
  struct CopyShape {
    std::int32_t source;
    TupleDesc columns;
  };
  boost::container::pmr::vector<CopyShape> shapes;
  // A process that resolves a part of them (map_place_side.h) sees no others.
  static constexpr std::uint16_t kAllParts = UINT16_MAX;
  std::uint16_t part = kAllParts;
  boost::container::pmr::vector<std::uint16_t> record_parts;  // of rids
  boost::container::pmr::vector<std::uint16_t> row_parts;     // of rows
  // Where that has only its own: the places of these records among all.
  boost::container::pmr::vector<std::uint32_t> all_places;
};

using LastReached = OfTransaction<ReachedRows>;

// Raises error 55000 where a copy has other columns than when its rows were reached. For whoever
// hands rows to another process. PostgreSQL's half.
void check_copies(const ReachedRows& reached);

namespace detail {

// Bytes of another machine, or of another version of PostgreSQL, would not begin so.
struct PackHead {
  std::uint32_t mark = 0x49525031;
  std::uint8_t alignment = MAXIMUM_ALIGNOF;
  std::uint8_t tuple = SizeofMinimalTupleHeader;
  std::uint16_t shares = 0;  // 1: it does

  friend bool operator==(const PackHead&, const PackHead&) = default;
};
struct PackedRow {
  std::int32_t source;
  std::uint32_t length;  // of the tuple that follows
};

}  // namespace detail

template <class Visit>
bool each_packed_row(const char* bytes, std::size_t size, Visit&& visit) {
  detail::PackHead head{};
  if (size < sizeof head) return false;
  std::memcpy(&head, bytes, sizeof head);
  if (head != detail::PackHead{.shares = head.shares}) return false;
  std::size_t at = sizeof head;
  while (at < size) {
    detail::PackedRow row{};
    if (size - at < sizeof row) return false;
    std::memcpy(&row, bytes + at, sizeof row);
    at += sizeof row;
    const std::size_t length = MAXALIGN(row.length);
    if (size - at < length || row.length < SizeofMinimalTupleHeader) return false;
    visit(row.source, reinterpret_cast<MinimalTuple>(const_cast<char*>(bytes + at)),
          std::size_t{row.length});
    at += length;
  }
  return true;
}

// The fingerprint of a row of m<id>_rows_<n>, the second one of its columns, which are never NULL
// up to there.
inline std::int64_t packed_fingerprint(MinimalTuple row) noexcept {
  static_assert(kRowRid == 1 && kRowFingerprint == 2);
  std::int64_t fingerprint = 0;
  std::memcpy(&fingerprint,
              reinterpret_cast<const char*>(row) + row->t_hoff - MINIMAL_TUPLE_OFFSET +
                  sizeof(std::int64_t),
              sizeof fingerprint);
  return fingerprint;
}

inline bool pack_shares(const char* bytes) noexcept {
  detail::PackHead head{};
  std::memcpy(&head, bytes, sizeof head);
  return head.shares != 0;
}

}  // namespace identity_resolve::pg
