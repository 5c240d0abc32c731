#include "engine/packed_rows.h"

#include <bit>
#include <cstring>

namespace identity_resolve::engine {

namespace {

std::uint64_t little_endian(std::uint64_t number) noexcept {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(number);
  return number;
}

}  // namespace

namespace detail {

void append_count(std::string& to, std::uint64_t count) {
  constexpr std::uint64_t kMore = 0x80;
  for (; count >= kMore; count >>= 7) to += static_cast<char>(count | kMore);
  to += static_cast<char>(count);
}

bool take_count(std::string_view& from, std::uint64_t& count) noexcept {
  constexpr unsigned kMostBits = 63;
  count = 0;
  for (unsigned shift = 0; !from.empty() && shift < kMostBits; shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    count |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

std::int64_t number_at(const char* from) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, from, sizeof number);
  return static_cast<std::int64_t>(little_endian(number));
}

bool take_number(std::string_view& from, std::int64_t& number) noexcept {
  if (from.size() < sizeof number) return false;
  number = number_at(from.data());
  from.remove_prefix(sizeof number);
  return true;
}

bool take_bytes(std::string_view& from, std::uint64_t count, std::string_view& bytes) noexcept {
  if (count > from.size()) return false;
  bytes = from.substr(0, count);
  from.remove_prefix(count);
  return true;
}

void append_number(std::string& to, std::int64_t number) {
  const std::uint64_t bytes = little_endian(static_cast<std::uint64_t>(number));
  to.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

}  // namespace detail

RowPacker::RowPacker(std::string& to, const Head& head) : to_(&to) {
  const bool has_time = head.updated_at != kNeverUpdated;
  detail::append_number(to, head.rid);
  detail::append_number(to, head.fingerprint);
  detail::append_count(to, head.source);
  detail::append_count(to, head.keys.size() * 2 + (has_time ? 1 : 0));
  if (has_time) detail::append_number(to, head.updated_at);
  for (const std::int64_t key : head.keys) detail::append_number(to, key);
  detail::append_count(to, head.record_id.size());
  to.append(head.record_id);
}

std::optional<PackedRow> read_row(std::string_view bytes) noexcept {
  PackedRow row{};
  std::uint64_t source = 0;
  std::uint64_t keys = 0;
  std::uint64_t id_bytes = 0;
  std::string_view key_bytes;
  row.updated_at = kNeverUpdated;
  if (!detail::take_number(bytes, row.rid) || !detail::take_number(bytes, row.fingerprint) ||
      !detail::take_count(bytes, source) || source > INT16_MAX ||
      !detail::take_count(bytes, keys)) {
    return {};
  }
  if ((keys & 1) != 0 && !detail::take_number(bytes, row.updated_at)) return {};
  row.source = static_cast<std::uint32_t>(source);
  row.key_count = keys / 2;
  if (row.key_count > bytes.size() / sizeof(std::int64_t) ||
      !detail::take_bytes(bytes, row.key_count * sizeof(std::int64_t), key_bytes) ||
      !detail::take_count(bytes, id_bytes) || !detail::take_bytes(bytes, id_bytes, row.record_id)) {
    return {};
  }
  row.keys = key_bytes.data();
  row.cells = bytes;
  return row;
}

bool CellReader::next(Sort& sort, std::string_view& text, std::uint64_t& count) noexcept {
  std::uint64_t tag = 0;
  text = {};
  count = 0;
  if (rest_.empty() || !detail::take_count(rest_, tag)) return false;
  if (tag == 0) {
    sort = Sort::kNull;
    return true;
  }
  if (tag == 1) {
    sort = Sort::kList;
    return detail::take_count(rest_, count) && count <= rest_.size();
  }
  sort = Sort::kText;
  return detail::take_bytes(rest_, tag - 2, text);
}

bool CellReader::next_item(std::string_view& text) noexcept {
  std::uint64_t length = 0;
  return detail::take_count(rest_, length) && detail::take_bytes(rest_, length, text);
}

bool is_pack(std::string_view bytes) noexcept {
  return bytes.size() >= 4 && bytes[0] == 'I' && bytes[1] == 'R' && bytes[2] == '\2' &&
         (bytes[3] & ~1) == 0;
}

}  // namespace identity_resolve::engine
