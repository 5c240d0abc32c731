// Records as matching sees them: a code for each field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "match/compare.h"
#include "match/dictionary.h"
#include "match/field.h"
#include "match/list.h"

namespace identity_resolve::match {

// A record's number in its table.
using RecordIndex = std::uint32_t;

// The words of a column of bags of words, and those of each value.
struct Words {
  explicit Words(Memory& memory)
      : dictionary(memory), of_value(&memory), ends(&memory), counts(&memory), bits(&memory) {}
  [[nodiscard]] std::span<const Code> of(Code value) const noexcept {
    return {of_value.data() + (value < 2 ? 0 : ends[value - 1]),
            ends[value] - (value < 2 ? 0 : ends[value - 1])};
  }

  Dictionary dictionary;
  List<Code> of_value;         // the words of each value, one after the other
  List<std::uint32_t> ends;    // by the value's code
  List<std::uint32_t> counts;  // by the word's code: in how many records
  List<float> bits;            // by the word's code: log2 of its rarity
};

// What comparing values wants to know of each, found out once. By code.
struct Prepared {
  explicit Prepared(Memory& memory) : padded(&memory), nicknames(&memory) {}
  [[nodiscard]] bool is_padded(Code code) const noexcept { return padded[code].length != kLong; }

  static constexpr std::uint8_t kLong = UINT8_MAX;  // the length of one that cannot be padded
  List<Padded> padded;
  List<std::span<const std::uint16_t>> nicknames;  // of names: nickname_groups()
};

// A field of all records. Columns of names share a dictionary, so that a given name can be found
// again as a surname.
struct Column {
  Column(FieldKind kind_of_field, std::string field_name, Dictionary& values, Prepared& made_ready,
         Memory& memory)
      : kind(kind_of_field),
        name(std::move(field_name)),
        dictionary(&values),
        prepared(&made_ready),
        counts(&memory) {}
  [[nodiscard]] bool is_bag() const noexcept {
    return kind == FieldKind::kName || kind == FieldKind::kWords;
  }

  FieldKind kind;
  std::string name;
  Dictionary* dictionary;
  Prepared* prepared;
  List<std::uint32_t> counts;  // by code: how many records have it in this column
  std::uint32_t filled = 0;    // how many records have a value
  std::unique_ptr<Words> words;
};

// Memory: 4 bytes for each record and column, 20 for each record, and the dictionaries, with
// 50 bytes a value.
class Table {
 public:
  // At most so many columns are compared.
  static constexpr std::size_t kMostColumns = 24;

  explicit Table(Memory& memory);

  // Before the first record. Error 54000 for more than kMostColumns.
  std::size_t add_column(FieldKind kind, std::string name);

  // A record: its spelled values (match/spell.h), one for each column, empty where missing; what it
  // is known by, a hash of its source and id, which no other record has; its source's number; and
  // the number of the identity that it has by exact evidence.
  void add(std::uint64_t stamp, std::uint32_t source, std::uint32_t identity,
           std::span<const std::string_view> values);
  // Behind the last record: puts them into an order that depends on the stamps alone, and counts.
  void finish();

  [[nodiscard]] std::size_t size() const noexcept { return stamps_.size(); }
  [[nodiscard]] std::vector<Column>& columns() noexcept { return columns_; }
  [[nodiscard]] const std::vector<Column>& columns() const noexcept { return columns_; }
  // A record's codes, by column: side by side, as a comparison wants all of them.
  [[nodiscard]] const Code* row(RecordIndex record) const noexcept {
    return rows_.data() + record * columns_.size();
  }
  [[nodiscard]] std::uint64_t stamp(RecordIndex record) const noexcept { return stamps_[record]; }
  [[nodiscard]] std::uint32_t source(RecordIndex record) const noexcept { return sources_[record]; }
  // The first record of its identity by exact evidence: itself where it is alone.
  [[nodiscard]] RecordIndex exact(RecordIndex record) const noexcept { return exact_[record]; }
  // Which add() it was.
  [[nodiscard]] std::uint32_t arrival(RecordIndex record) const noexcept {
    return arrivals_[record];
  }
  [[nodiscard]] std::optional<std::size_t> column_of(FieldKind kind) const noexcept;
  [[nodiscard]] Memory& memory() const noexcept { return *memory_; }

 private:
  void read_words(Column& column);

  Memory* memory_;
  struct Values {
    explicit Values(Memory& memory) : dictionary(memory), prepared(memory) {}
    Dictionary dictionary;
    Prepared prepared;
  };
  // Where that has not been done for another column of the same values.
  static void prepare(const Column& column);

  std::vector<std::unique_ptr<Values>> values_;
  Values* names_ = nullptr;
  std::vector<Column> columns_;
  List<Code> rows_;
  List<std::uint64_t> stamps_;
  List<std::uint32_t> sources_;
  List<RecordIndex> exact_;  // until finish() the identity's number
  List<std::uint32_t> arrivals_;
};

}  // namespace identity_resolve::match
