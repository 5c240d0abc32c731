// Reads all records in the order in which they came, each with its identity's id: the long form.
//
// Nothing is sorted and no identity is visited: the rows are read once from front to back, and the
// ids lie in one array, so that the rows of a person may lie anywhere. For a resolver whose rows
// are in memory and whose Shape says only_records.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/identity_id.h"
#include "engine/resolver.h"
#include "engine/row.h"

namespace identity_resolve::engine {

class RecordReader {
 public:
  // source_names: by source, in UTF-8; the ids are made of them (identity_id.h). Of a resolver that
  // lists_records(), which must outlive the reader. Cost: a hash for each identity.
  // Memory: 16 bytes an identity.
  RecordReader(Resolver& resolver, std::span<const std::string_view> source_names);

  // Goes to the next record; false behind the last one. A record of several rows comes once.
  bool next() {
    const std::span<const std::uint32_t> records{resolver_->records_.data(),
                                                 resolver_->records_.size()};
    do {
      ticker_.tick();
      if (rows_left_ == 0 && !next_block()) return false;
      at_ = next_;
      next_ += row_space(Row(at_).bytes());
      --rows_left_;
      ++number_;
    } while (!records.empty() && records[number_ - 1] != number_ - 1);
    prefetch(number_ + kAhead);
    return true;
  }
  // Of the record: the row that came first, and the id of its identity.
  [[nodiscard]] Row row() const noexcept { return Row(at_); }
  [[nodiscard]] const Uuid& identity_id() const noexcept {
    return ids_[resolver_->identity_of_[number_ - 1]];
  }
  // How many rows have been read, of all rows.
  [[nodiscard]] std::size_t rows_read() const noexcept { return number_; }

  // Starts again before the first record.
  void rewind() noexcept;

 private:
  static constexpr std::size_t kAhead = 16;

  bool next_block() noexcept;
  void prefetch(std::size_t row) const noexcept {
    if (row < resolver_->row_count_) {
      __builtin_prefetch(ids_.data() + resolver_->identity_of_[row]);
    }
  }

  Resolver* resolver_;
  Ticker ticker_;
  boost::container::pmr::vector<Uuid> ids_;
  std::size_t sink_ = 0;
  std::size_t block_ = 0;  // of the sink: the next one
  const std::byte* at_ = nullptr;
  const std::byte* next_ = nullptr;
  std::uint64_t rows_left_ = 0;  // of the block
  std::size_t number_ = 0;
};

}  // namespace identity_resolve::engine
