#include "engine/packed_rows.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace identity_resolve::engine {
namespace {

std::string row_of(std::int64_t rid, std::int64_t fingerprint, std::span<const std::int64_t> keys,
                   std::string_view id, std::int64_t updated_at = kNeverUpdated) {
  std::string bytes;
  RowPacker packer(bytes, {rid, fingerprint, 7, updated_at, keys, id});
  packer.add_text("ziggy@example.com");
  packer.add_null();
  packer.begin_list(2);
  packer.add_item("");
  packer.add_item(std::string(300, 'x'));
  packer.add_text("");
  return bytes;
}

TEST(PackedRows, RowComesBackAsItWasWritten) {
  const std::vector<std::int64_t> keys = {-5, 0, INT64_MAX};
  const std::string bytes = row_of(INT64_MIN, 42, keys, "cus_1", -1);
  EXPECT_EQ(rid_of(bytes), INT64_MIN);
  EXPECT_EQ(fingerprint_of(bytes), 42);
  const auto row = read_row(bytes);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->rid, INT64_MIN);
  EXPECT_EQ(row->fingerprint, 42);
  EXPECT_EQ(row->source, 7U);
  EXPECT_EQ(row->updated_at, -1);
  ASSERT_EQ(row->key_count, keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(row->key(i), keys[i]);
  EXPECT_EQ(row->record_id, "cus_1");

  CellReader cells(row->cells);
  CellReader::Sort sort{};
  std::string_view text;
  std::uint64_t count = 0;
  ASSERT_TRUE(cells.next(sort, text, count));
  EXPECT_EQ(sort, CellReader::Sort::kText);
  EXPECT_EQ(text, "ziggy@example.com");
  ASSERT_TRUE(cells.next(sort, text, count));
  EXPECT_EQ(sort, CellReader::Sort::kNull);
  ASSERT_TRUE(cells.next(sort, text, count));
  EXPECT_EQ(sort, CellReader::Sort::kList);
  ASSERT_EQ(count, 2U);
  ASSERT_TRUE(cells.next_item(text));
  EXPECT_EQ(text, "");
  ASSERT_TRUE(cells.next_item(text));
  EXPECT_EQ(text.size(), 300U);
  ASSERT_TRUE(cells.next(sort, text, count));
  EXPECT_EQ(sort, CellReader::Sort::kText);
  EXPECT_EQ(text, "");
  EXPECT_TRUE(cells.is_at_end());
  EXPECT_FALSE(cells.next(sort, text, count));
}

TEST(PackedRows, NoTimeIsNoTime) {
  const auto row = read_row(row_of(1, 2, {}, ""));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->updated_at, kNeverUpdated);
  EXPECT_EQ(row->key_count, 0U);
}

TEST(PackedRows, BytesAreTheSameOnEveryMachine) {
  std::string bytes;
  const std::int64_t key = 1;
  RowPacker packer(bytes, {0x0102030405060708, 4, 300, kNeverUpdated, {&key, 1}, "a"});
  packer.add_text("b");
  EXPECT_EQ(bytes, std::string("\x08\x07\x06\x05\x04\x03\x02\x01"
                               "\x04\0\0\0\0\0\0\0"
                               "\xAC\x02"
                               "\x02"
                               "\x01\0\0\0\0\0\0\0"
                               "\x01"
                               "a"
                               "\x03"
                               "b",
                               31));
}

TEST(PackedRows, PackHasItsRowsInOrder) {
  std::string pack;
  begin_pack(pack, true);
  EXPECT_TRUE(pack_shares(pack));
  add_to_pack(pack, row_of(1, 8, {}, "a"));
  add_to_pack(pack, row_of(2, 4, {}, std::string(200, 'b')));
  std::vector<std::int64_t> rids;
  EXPECT_TRUE(each_packed_row(pack, [&](std::string_view bytes, const PackedRow& row) {
    EXPECT_EQ(rid_of(bytes), row.rid);
    rids.push_back(row.rid);
  }));
  EXPECT_EQ(rids, (std::vector<std::int64_t>{1, 2}));
  begin_pack(pack, false);
  EXPECT_FALSE(pack_shares(pack));
  EXPECT_TRUE(each_packed_row(pack, [](std::string_view, const PackedRow&) { FAIL(); }));
}

TEST(PackedRows, WhatIsNoPackIsNone) {
  const auto none = [](std::string_view, const PackedRow&) {};
  EXPECT_FALSE(each_packed_row("", none));
  EXPECT_FALSE(each_packed_row("IR", none));
  EXPECT_FALSE(each_packed_row(std::string("IR\1\0", 4), none));  // another version
  EXPECT_FALSE(each_packed_row(std::string("IR\2\4", 4), none));  // a flag that there is not
  EXPECT_FALSE(each_packed_row(std::string("XX\2\0", 4), none));
}

// Cut off anywhere, and with bytes changed at random: an answer, and nothing outside is read (the
// sanitizers say so).
TEST(PackedRows, AnyBytesAreRead) {
  std::string pack;
  begin_pack(pack, false);
  const std::vector<std::int64_t> keys = {1, 2, 3};
  for (int i = 0; i < 3; ++i) add_to_pack(pack, row_of(i, 4 * i, keys, "id", i));
  const auto read = [](std::string_view bytes) {
    std::size_t sum = 0;
    const bool is_pack_here =
        each_packed_row(std::string(bytes), [&](std::string_view, const PackedRow& row) {
          for (std::size_t i = 0; i < row.key_count; ++i)
            sum += static_cast<std::size_t>(row.key(i));
          CellReader cells(row.cells);
          CellReader::Sort sort{};
          std::string_view text;
          std::uint64_t count = 0;
          while (cells.next(sort, text, count)) {
            if (sort != CellReader::Sort::kList) continue;
            while (count-- > 0 && cells.next_item(text)) sum += text.size();
          }
        });
    return std::pair(is_pack_here, sum);
  };
  EXPECT_TRUE(read(pack).first);
  for (std::size_t end = 5; end < pack.size(); ++end) {
    static_cast<void>(read(std::string_view(pack).substr(0, end)));
  }
  std::mt19937 draw(1);
  for (int round = 0; round < 20000; ++round) {
    std::string broken = pack;
    for (unsigned i = draw() % 4; i < 4; ++i)
      broken[draw() % broken.size()] = static_cast<char>(draw());
    static_cast<void>(read(broken));
  }
}

std::uint64_t print_of(std::string_view pack) {
  PackPrint print(pack);
  EXPECT_TRUE(
      each_packed_row(pack, [&](std::string_view, const PackedRow& row) { print.add(row); }));
  return print.value();
}

TEST(PackPrint, IsAnotherForAnotherPack) {
  const std::vector<std::int64_t> keys = {5, 6};
  const std::vector<std::int64_t> less = {5};
  const std::vector<std::int64_t> turned = {6, 5};
  const std::vector<std::string> rows = {
      row_of(1, 42, keys, "a"),    row_of(2, 42, keys, "a"),       row_of(1, 43, keys, "a"),
      row_of(1, 42, less, "a"),    row_of(1, 42, turned, "a"),     row_of(1, 42, {}, "a"),
      row_of(1, 42, keys, "a", 9), row_of(1, 42, keys, "a") + '\0'};
  std::vector<std::string> packs;
  for (const bool shares : {false, true}) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      begin_pack(packs.emplace_back(), shares);
      add_to_pack(packs.back(), rows[i]);
      for (std::size_t j = i; j < rows.size(); ++j) {
        packs.push_back(packs.back());
        add_to_pack(packs.back(), rows[j]);
      }
    }
    begin_pack(packs.emplace_back(), shares);
  }
  for (std::size_t i = 0; i < packs.size(); ++i) {
    for (std::size_t j = 0; j < packs.size(); ++j) {
      ASSERT_EQ(print_of(packs[i]) == print_of(packs[j]), packs[i] == packs[j]) << i << ' ' << j;
    }
  }
}

}  // namespace
}  // namespace identity_resolve::engine
