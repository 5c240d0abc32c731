// Any bytes are read as a pack, as a row and as cells: an answer, and every view of it lies within
// the bytes. What was read is written again and comes back equal. Then the same bytes say what rows
// to write, and what was written is read back equal, whole and cut off.
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON
//   cmake --build build-fuzz --target fuzz_targets
//   build-fuzz/test/fuzz/packed_rows_fuzz -max_total_time=60 /tmp/corpus
//   test/fuzz/corpus/packed_rows
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/packed_rows.h"

namespace {

using namespace identity_resolve::engine;  // NOLINT(google-build-using-namespace)

void require(bool law) {
  if (!law) std::abort();
}

// Comparison by std::less is defined for pointers into different objects too.
void require_within(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> is_not_behind;
  require(part.empty() || (is_not_behind(whole.data(), part.data()) &&
                           is_not_behind(part.data() + part.size(), whole.data() + whole.size())));
}

struct Cell {
  CellReader::Sort sort;
  std::string text;
  std::vector<std::string> items;

  friend bool operator==(const Cell&, const Cell&) = default;
};
struct Row {
  std::int64_t rid = 0;
  std::int64_t fingerprint = 0;
  std::uint32_t source = 0;
  std::int64_t updated_at = 0;
  std::vector<std::int64_t> keys;
  std::string record_id;
  std::vector<Cell> cells;

  friend bool operator==(const Row&, const Row&) = default;
};

// False where the bytes are no cells; what came before is in `cells`. A reading ends, as each step
// takes a byte.
bool read_cells(std::string_view bytes, std::vector<Cell>& cells) {
  CellReader reader(bytes);
  CellReader::Sort sort{};
  std::string_view text;
  std::uint64_t count = 0;
  while (!reader.is_at_end()) {
    if (!reader.next(sort, text, count)) return false;
    require_within(text, bytes);
    require(sort == CellReader::Sort::kText || text.empty());
    require(sort == CellReader::Sort::kList || count == 0);
    require(count <= bytes.size());
    Cell cell{sort, std::string(text), {}};
    for (; count > 0; --count) {
      if (!reader.next_item(text)) return false;
      require_within(text, bytes);
      cell.items.emplace_back(text);
    }
    cells.push_back(std::move(cell));
  }
  require(!reader.next(sort, text, count) && text.empty() && count == 0);
  return true;
}

// Whether the cells are some; the rest of the row is what it says.
bool read_all(std::string_view bytes, const PackedRow& packed, Row& row) {
  require(rid_of(bytes) == packed.rid && fingerprint_of(bytes) == packed.fingerprint);
  require(packed.key_count <= bytes.size() / sizeof(std::int64_t));
  require_within({packed.keys, packed.key_count * sizeof(std::int64_t)}, bytes);
  require_within(packed.record_id, bytes);
  require_within(packed.cells, bytes);
  row = {packed.rid,
         packed.fingerprint,
         packed.source,
         packed.updated_at,
         {},
         std::string(packed.record_id),
         {}};
  for (std::size_t i = 0; i < packed.key_count; ++i) row.keys.push_back(packed.key(i));
  return read_cells(packed.cells, row.cells);
}

std::string bytes_of(const Row& row) {
  std::string bytes;
  RowPacker packer(bytes,
                   {row.rid, row.fingerprint, row.source, row.updated_at, row.keys, row.record_id});
  for (const Cell& cell : row.cells) {
    switch (cell.sort) {
      case CellReader::Sort::kNull:
        packer.add_null();
        break;
      case CellReader::Sort::kText:
        packer.add_text(cell.text);
        break;
      case CellReader::Sort::kList:
        packer.begin_list(cell.items.size());
        for (const std::string& item : cell.items) packer.add_item(item);
    }
  }
  return bytes;
}

// The rows of a pack: false where it is none, or the cells of a row are none.
bool read_pack(std::string_view pack, std::vector<Row>& rows) {
  bool are_cells = true;
  const bool is_whole = each_packed_row(pack, [&](std::string_view bytes, const PackedRow& packed) {
    require_within(bytes, pack);
    Row row;
    if (!read_all(bytes, packed, row)) are_cells = false;
    rows.push_back(std::move(row));
  });
  require(!is_whole || is_pack(pack));
  return is_whole && are_cells;
}

// Bytes of their own, as long as they are: what reads behind their end is found out.
std::vector<char> copy_of(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }
std::string_view view_of(const std::vector<char>& bytes) { return {bytes.data(), bytes.size()}; }

void check_written(const std::vector<Row>& rows, bool shares) {
  std::string pack = "what was there before";
  begin_pack(pack, shares);
  std::vector<std::size_t> ends = {pack.size()};
  for (const Row& row : rows) {
    const std::vector<char> bytes = copy_of(bytes_of(row));
    const auto packed = read_row(view_of(bytes));
    Row again;
    require(packed && read_all(view_of(bytes), *packed, again) && again == row);
    add_to_pack(pack, view_of(bytes));
    ends.push_back(pack.size());
  }
  const std::vector<char> whole = copy_of(pack);
  std::vector<Row> again;
  require(read_pack(view_of(whole), again) && again == rows);
  require(pack_shares(view_of(whole)) == shares);
  // Cut off behind a row it is a pack of fewer rows, and anywhere else none.
  if (pack.size() > 400) return;
  std::size_t rows_before = 0;
  for (std::size_t size = 0; size < pack.size(); ++size) {
    while (rows_before < rows.size() && ends[rows_before + 1] <= size) ++rows_before;
    const std::vector<char> part = copy_of(std::string_view(pack).substr(0, size));
    again.clear();
    const bool is_one = read_pack(view_of(part), again);
    require(is_one == (size >= ends.front() && size == ends[rows_before]));
    if (is_one) {
      require(again.size() == rows_before && std::equal(again.begin(), again.end(), rows.begin()));
    }
  }
}

void check_read(std::string_view bytes) {
  std::vector<Row> rows;
  if (read_pack(bytes, rows)) check_written(rows, pack_shares(bytes));
  if (const auto packed = read_row(bytes)) {
    Row row;
    if (read_all(bytes, *packed, row)) check_written({row}, false);
  }
  Row row;
  if (read_cells(bytes, row.cells)) check_written({row}, true);
}

// What the bytes say when they are taken one after the other; zeros behind their end.
class Told {
 public:
  explicit Told(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool is_at_end() const { return bytes_.empty(); }
  unsigned byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  // Small ones, the least and the greatest, and any.
  std::int64_t number() {
    const unsigned first = byte();
    if (first == 255) return INT64_MAX;
    if (first == 254) return INT64_MIN;
    if (first < 128) return first;
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | byte();
    return static_cast<std::int64_t>(number);
  }
  // Lengths on both sides of those that take a byte more.
  std::string text() {
    const unsigned first = byte();
    if (first >= 250) return std::string((first - 250) * 100 + 24, static_cast<char>(byte()));
    const std::string_view part = bytes_.substr(0, first % 16);
    bytes_.remove_prefix(part.size());
    return std::string(part);
  }

 private:
  std::string_view bytes_;
};

std::vector<Row> rows_of(Told& told) {
  std::vector<Row> rows;
  while (!told.is_at_end() && rows.size() < 8) {
    Row row{told.number(), told.number(), {}, {}, {}, {}, {}};
    row.source = static_cast<std::uint32_t>(told.byte() << 8 | told.byte()) & INT16_MAX;
    row.updated_at = told.number();
    for (unsigned n = told.byte() % 80; n > 0; --n) row.keys.push_back(told.number());
    row.record_id = told.text();
    for (unsigned n = told.byte() % 8; n > 0; --n) {
      Cell cell{static_cast<CellReader::Sort>(told.byte() % 3), {}, {}};
      if (cell.sort == CellReader::Sort::kText) cell.text = told.text();
      if (cell.sort == CellReader::Sort::kList) {
        for (unsigned items = told.byte() % 200; items > 0; --items) {
          cell.items.push_back(told.text());
        }
      }
      row.cells.push_back(std::move(cell));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> bytes(data, data + size);
  check_read(view_of(bytes));
  if (size == 0) return 0;
  Told told(view_of(bytes));
  const bool shares = (told.byte() & 1) != 0;
  const std::vector<Row> rows = rows_of(told);
  check_written(rows, shares);
  return 0;
}
