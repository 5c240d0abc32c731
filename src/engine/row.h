// How a row of a source is kept: one contiguous piece of bytes, so that keeping it is one bump of
// a pointer, spilling it is one write, and an identity's rows can be visited in any order.
//
//   RowHeader | updated_at, if there is one | record id | item | item | …    item = ItemHeader |
//   bytes
//
// An item is a value carried to the output (slot = where it goes), or, in slot kKeySlot, the
// 16-byte key of a linking identifier, or, in slot kEvidenceSlot, an identifier with what became of
// it. Keys and evidence are kept only when the caller asks for them. A key in slot kValueKeySlot
// belongs to the value behind it (kByKeys).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/key.h"
#include "engine/types.h"

namespace identity_resolve::engine {

inline constexpr SlotNumber kKeySlot{0xFFFF};
inline constexpr SlotNumber kEvidenceSlot{0xFFFE};
inline constexpr SlotNumber kValueKeySlot{0xFFFD};
// What the caller keeps beside a row: bytes that no column shows.
inline constexpr SlotNumber kBesideSlot{0xFFFC};

// Whether a slot holds values that a column may show.
constexpr bool is_value_slot(SlotNumber slot) noexcept { return slot < kBesideSlot; }

struct RowHeader {
  std::uint32_t id_bytes;
  std::uint32_t item_bytes;
  SourceNumber source;
  bool has_updated_at;
  bool has_record_link;  // a link of kRecordKind brings it together with its record's other rows
};
static_assert(sizeof(RowHeader) == 12);

// What a row of so many bytes takes where rows lie one behind the other.
constexpr std::size_t row_space(std::size_t bytes) noexcept {
  return (bytes + 3) & ~std::size_t{3};
}

struct ItemHeader {
  std::uint32_t bytes;
  SlotNumber slot;
  std::uint16_t ordinal : 13 = 0;  // of a value: its identifier's (kByKeys)
  Showing showing : 3 = Showing::kFirst;
};
static_assert(sizeof(ItemHeader) == 8);

// An identifier of a row, and, once the resolver is finalized, what became of it.
struct Evidence {
  KindNumber kind;
  LinkStatus status;
  std::uint32_t others;  // how many other records carry it, whether or not it links them
  Key key;               // equal for equal identifiers, and random otherwise: no order to show
  std::string_view value;
};

// How evidence lies in its item, before the value's bytes.
struct EvidenceHeader {
  Key key;
  std::uint32_t others;
  KindNumber kind;
  LinkStatus status;
};

// A row as it is read back; a view, valid as long as the sink that wrote it.
class Row {
 public:
  explicit Row(const std::byte* start) noexcept : start_(start) {
    std::memcpy(&header_, start, sizeof header_);
  }

  [[nodiscard]] SourceNumber source() const noexcept { return header_.source; }
  [[nodiscard]] bool has_record_link() const noexcept { return header_.has_record_link; }
  [[nodiscard]] std::int64_t updated_at() const noexcept {
    std::int64_t updated_at = kNeverUpdated;
    if (header_.has_updated_at) {
      std::memcpy(&updated_at, start_ + sizeof(RowHeader), sizeof updated_at);
    }
    return updated_at;
  }
  [[nodiscard]] std::string_view record_id() const noexcept {
    return {reinterpret_cast<const char*>(start_) + id_offset(), header_.id_bytes};
  }

  // Calls visit(slot, bytes) for each item in the order of the row's columns.
  template <class Visit>
  void each_item(Visit&& visit) const {
    each_header([&](const ItemHeader& item, std::string_view bytes) { visit(item.slot, bytes); });
  }
  // Calls visit(header, bytes) for each item; the header lies before the bytes.
  template <class Visit>
  void each_header(Visit&& visit) const {
    const char* at = record_id().data() + header_.id_bytes;
    const char* const end = at + header_.item_bytes;
    while (at != end) {
      ItemHeader item;
      std::memcpy(&item, at, sizeof item);
      at += sizeof item;
      visit(item, std::string_view(at, item.bytes));
      at += item.bytes;
    }
  }

  // Calls visit(slot, showing, bytes) for each value that may be shown, in the order of the
  // columns.
  template <class Visit>
  void each_value(Visit&& visit) const {
    each_header([&](const ItemHeader& item, std::string_view bytes) {
      if (!is_value_slot(item.slot) || item.showing == Showing::kNever) return;
      visit(item.slot, item.showing, bytes);
    });
  }

  // Calls visit(Evidence) for each identifier of the row, in the order of its columns; the same
  // identifier can come several times.
  template <class Visit>
  void each_evidence(Visit&& visit) const {
    each_item([&](SlotNumber slot, std::string_view bytes) {
      if (slot != kEvidenceSlot) return;
      EvidenceHeader header;
      std::memcpy(&header, bytes.data(), sizeof header);
      visit(Evidence{header.kind, header.status, header.others, header.key,
                     bytes.substr(sizeof header)});
    });
  }

  // Where it lies, and how many bytes it has.
  [[nodiscard]] const std::byte* start() const noexcept { return start_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return id_offset() + header_.id_bytes + header_.item_bytes;
  }

  // What the caller keeps beside it; empty for nothing.
  [[nodiscard]] std::string_view beside() const noexcept {
    std::string_view kept;
    each_item([&](SlotNumber slot, std::string_view bytes) {
      if (slot == kBesideSlot) kept = bytes;
    });
    return kept;
  }

  // All the items as bytes: two rows of one record that are alike in it are the same row.
  [[nodiscard]] std::string_view items() const noexcept {
    return {record_id().data() + header_.id_bytes, header_.item_bytes};
  }

 private:
  [[nodiscard]] std::size_t id_offset() const noexcept {
    return sizeof(RowHeader) + (header_.has_updated_at ? sizeof(std::int64_t) : 0);
  }

  const std::byte* start_;
  RowHeader header_;
};

// The order of record ids: shorter first, then byte by byte, so that 9 comes before 10 and the
// order depends on no collation.
[[nodiscard]] inline int compare_ids(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace identity_resolve::engine
