// Rows of an identity map's sources as bytes: what the map's state keeps of a row, and of an
// identity all of its rows in one value, its pack.
//
//   pack   'I' 'R' version flags | length row | length row | ...
//   row    record number, fingerprint (8 bytes each) | source | keys * 2 + has a time | time (8) |
//          keys (8 each) | length record id | cells
//   cell   0: null;  1: a list: count, then length item ...;  2 + length: a text
//
// Lengths and counts are LEB128, numbers of eight bytes little-endian, texts UTF-8: a pack that a
// dump takes to another machine or to a database of another encoding says the same there. Whatever
// the bytes are, nothing outside of them is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/types.h"

namespace identity_resolve::engine {

namespace detail {
void append_count(std::string& to, std::uint64_t count);
// False where the bytes end, or say no number. Moves them on.
bool take_count(std::string_view& from, std::uint64_t& count) noexcept;
bool take_number(std::string_view& from, std::int64_t& number) noexcept;
bool take_bytes(std::string_view& from, std::uint64_t count, std::string_view& bytes) noexcept;
std::int64_t number_at(const char* from) noexcept;
void append_number(std::string& to, std::int64_t number);
}  // namespace detail

// Writes a row, cell by cell, at the end of a string.
class RowPacker {
 public:
  // What a row says beside its cells. updated_at: kNeverUpdated for none.
  struct Head {
    std::int64_t rid;
    std::int64_t fingerprint;
    std::uint32_t source;
    std::int64_t updated_at;
    std::span<const std::int64_t> keys;
    std::string_view record_id;
  };
  RowPacker(std::string& to, const Head& head);
  void add_null() { *to_ += '\0'; }
  void add_text(std::string_view text) {
    detail::append_count(*to_, text.size() + 2);
    to_->append(text);
  }
  // `count` items follow.
  void begin_list(std::size_t count) {
    *to_ += '\1';
    detail::append_count(*to_, count);
  }
  void add_item(std::string_view text) {
    detail::append_count(*to_, text.size());
    to_->append(text);
  }

 private:
  std::string* to_;
};

// A row as it is read: views into its bytes.
struct PackedRow {
  std::int64_t rid;
  std::int64_t fingerprint;
  std::uint32_t source;
  std::int64_t updated_at;
  std::size_t key_count;
  const char* keys;
  std::string_view record_id;
  std::string_view cells;

  [[nodiscard]] std::int64_t key(std::size_t place) const noexcept {
    return detail::number_at(keys + place * sizeof(std::int64_t));
  }
};
// Nothing for bytes that are no row.
std::optional<PackedRow> read_row(std::string_view bytes) noexcept;
// The record number and the fingerprint of a row, which has them.
inline std::int64_t rid_of(std::string_view row) noexcept { return detail::number_at(row.data()); }
inline std::int64_t fingerprint_of(std::string_view row) noexcept {
  return detail::number_at(row.data() + sizeof(std::int64_t));
}

// A row's cells, one after the other.
class CellReader {
 public:
  enum class Sort : std::uint8_t { kNull, kText, kList };
  explicit CellReader(std::string_view cells) noexcept : rest_(cells) {}
  // The next cell: of a text its bytes, of a list how many items follow. False behind the last one,
  // and where the bytes are no cells.
  bool next(Sort& sort, std::string_view& text, std::uint64_t& count) noexcept;
  bool next_item(std::string_view& text) noexcept;
  [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Writes a pack. shares: whether the identity has an identifier, not too common, together with
// another identity.
inline void begin_pack(std::string& to, bool shares) {
  to.assign({'I', 'R', '\2', shares ? '\1' : '\0'});
}
inline void add_to_pack(std::string& to, std::string_view row) {
  detail::append_count(to, row.size());
  to.append(row);
}
// Whether bytes begin as a pack does.
bool is_pack(std::string_view bytes) noexcept;
// What a pack says of sharing.
inline bool pack_shares(std::string_view pack) noexcept { return (pack[3] & 1) != 0; }
// Calls visit(row's bytes, PackedRow) for each row of a pack; false where it is none, or a part of
// it is no row: what came before has been visited.
template <class Visit>
bool each_packed_row(std::string_view pack, Visit&& visit) {
  if (!is_pack(pack)) return false;
  pack.remove_prefix(4);
  while (!pack.empty()) {
    std::uint64_t length = 0;
    std::string_view bytes;
    if (!detail::take_count(pack, length) || !detail::take_bytes(pack, length, bytes)) return false;
    const std::optional<PackedRow> row = read_row(bytes);
    if (!row) return false;
    visit(bytes, *row);
  }
  return true;
}

// What a pack says, in a number: equal for equal packs, and for others but with a chance of 2^-64
// for each pair. It is made of records' numbers, fingerprints and keys, which are keyed hashes, and
// of what these do not say.
class PackPrint {
 public:
  explicit PackPrint(std::string_view pack) noexcept : print_(pack_shares(pack) ? 1 : 0) {}
  void add(const PackedRow& row) noexcept {
    mix(row.rid);
    mix(row.fingerprint);
    mix(row.updated_at);
    mix(static_cast<std::int64_t>(std::uint64_t{row.source} << 32 | row.cells.size()));
    for (std::size_t i = 0; i < row.key_count; ++i) mix(row.key(i));
    mix(static_cast<std::int64_t>(row.key_count));
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return print_; }

 private:
  // A step of MurmurHash3's (public domain, Austin Appleby).
  void mix(std::int64_t number) noexcept {
    print_ = (print_ ^ static_cast<std::uint64_t>(number)) * 0xFF51AFD7ED558CCDU;
    print_ ^= print_ >> 32;
  }
  std::uint64_t print_;
};

}  // namespace identity_resolve::engine
