// The kept rows of a sink, one behind the other in blocks: in memory, or in a temporary file.
//
// A row is numbered by its place. Rows are read block by block, in that order; a block that has
// been spilled is read into a buffer. Memory: the blocks, or a buffer for one of them.
#pragma once

#include <algorithm>
#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "engine/environment.h"
#include "engine/row.h"
#include "engine/spill.h"

namespace identity_resolve::engine {

class RowLog {
 public:
  // A block: `rows` rows in `bytes` bytes, in memory or in the file.
  struct Block {
    std::byte* start = nullptr;  // nullptr: spilled
    std::size_t room = 0;        // what to give back
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
    Extent extent = {};
  };

  explicit RowLog(Environment& environment)
      : memory_(&environment.memory()),
        blocks_(&environment.memory()),
        buffer_(&environment.memory()) {}
  RowLog(const RowLog&) = delete;
  RowLog& operator=(const RowLog&) = delete;
  ~RowLog() { clear(); }

  // Room for at least `bytes` bytes of a row that is being written; take() makes them the next row.
  // `begun` bytes that are already written at `from` move along.
  std::byte* open(std::size_t bytes, const std::byte* from = nullptr, std::size_t begun = 0) {
    if (bytes > room()) {
      std::byte* const start = add_block(bytes);
      if (begun != 0) std::copy_n(from, begun, start);
    }
    return next_;
  }
  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - next_); }
  void take(std::size_t bytes) noexcept {
    Block& block = blocks_.back();
    next_ += std::min(row_space(bytes), room());
    block.bytes = static_cast<std::uint64_t>(next_ - block.start);
    ++block.rows;
    ++rows_;
  }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] bool has_spilled() const noexcept { return has_spilled_; }
  // What the blocks in memory take.
  [[nodiscard]] std::size_t resident_bytes() const noexcept { return resident_bytes_; }
  // What the rows take, wherever they are.
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const Block& block : blocks_) bytes += block.bytes;
    return bytes;
  }

  // Moves all rows in memory to a file.
  void spill(Spill& to, Ticker& ticker) {
    for (Block& block : blocks_) {
      if (block.start == nullptr) continue;
      if (block.bytes != 0) block.extent = to.write(block.start, block.bytes);
      ticker.tick_bytes(block.bytes);
      give_back(block);
      has_spilled_ = true;
    }
    next_ = end_ = nullptr;
    next_size_ = std::max(next_size_ / 4, kFirstBlock);
    blocks_.erase(std::remove_if(blocks_.begin(), blocks_.end(),
                                 [](const Block& block) { return block.rows == 0; }),
                  blocks_.end());
  }

  // Brings all spilled rows back into memory.
  void load_spilled(Spill& from, Ticker& ticker) {
    for (Block& block : blocks_) {
      if (block.start != nullptr) continue;
      block.start = static_cast<std::byte*>(memory_->allocate(block.bytes, kAlignment));
      block.room = block.bytes;
      resident_bytes_ += block.room;
      from.read(block.extent, block.start);
      ticker.tick_bytes(block.bytes);
    }
    has_spilled_ = false;
  }

  // Calls visit(rows' start, block) for each block, in order. What it sees lives until the next.
  // With `forget`, each block's memory is given back behind it, and no row is left.
  template <class Visit>
  void each_block(Spill& from, bool forget, Visit&& visit) {
    for (Block& block : blocks_) {
      std::byte* start = block.start;
      if (start == nullptr) {
        buffer_.resize(block.bytes);
        from.read(block.extent, buffer_.data());
        start = buffer_.data();
      }
      visit(start, std::as_const(block));
      if (forget && block.start != nullptr) give_back(block);
    }
    if (forget) clear();
  }

  [[nodiscard]] const boost::container::pmr::vector<Block>& blocks() const noexcept {
    return blocks_;
  }
  // A block that somebody else has spilled.
  void adopt(const Extent& extent, std::uint64_t rows) {
    blocks_.push_back({nullptr, 0, extent.bytes, rows, extent});
    rows_ += rows;
    has_spilled_ = true;
  }

  void clear() noexcept {
    for (Block& block : blocks_) give_back(block);
    blocks_.clear();
    buffer_.clear();
    buffer_.shrink_to_fit();
    rows_ = 0;
    resident_bytes_ = 0;
    next_ = end_ = nullptr;
  }

 private:
  static constexpr std::size_t kAlignment = 8;
  static constexpr std::size_t kFirstBlock = std::size_t{16} << 10;
  static constexpr std::size_t kLargestBlock = std::size_t{8} << 20;

  // Blocks double up to 8 MiB, of which an environment can make huge pages; a row larger than that
  // gets twice its own size, so that one which keeps growing is moved a logarithmic number of
  // times.
  std::byte* add_block(std::size_t bytes) {
    const std::size_t size =
        row_space(bytes) > next_size_ ? row_space(bytes) * 2 : std::exchange(next_size_, grown());
    if (blocks_.size() == blocks_.capacity()) blocks_.reserve(blocks_.size() * 2 + 8);
    auto* start = static_cast<std::byte*>(memory_->allocate(size, kAlignment));
    blocks_.push_back({start, size, 0, 0, {}});
    resident_bytes_ += size;
    next_ = start;
    end_ = start + size;
    return start;
  }
  [[nodiscard]] std::size_t grown() const noexcept {
    return std::min(next_size_ * 2, kLargestBlock);
  }
  void give_back(Block& block) noexcept {
    if (block.start != nullptr) {
      resident_bytes_ -= block.room;
      memory_->deallocate(block.start, block.room, kAlignment);
    }
    block.start = nullptr;
  }

  boost::container::pmr::memory_resource* memory_;
  boost::container::pmr::vector<Block> blocks_;
  boost::container::pmr::vector<std::byte> buffer_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_size_ = kFirstBlock;
  std::size_t rows_ = 0;
  std::size_t resident_bytes_ = 0;
  bool has_spilled_ = false;
};

// A sink's rows, and the file into which some of them may have been spilled.
struct LoggedRows {
  RowLog* log;
  Spill* spill;
};

// Calls visit(start) for each of a block's rows.
template <class Visit>
void each_row_of(std::byte* start, const RowLog::Block& block, Visit&& visit) {
  for (std::uint64_t row = 0; row < block.rows; ++row) {
    const std::size_t space = row_space(Row(start).bytes());
    visit(start);
    start += space;
  }
}

// Calls visit(Row) for each row of several logs, in order.
template <class Visit>
void each_row(std::span<const LoggedRows> logs, Visit&& visit) {
  for (const LoggedRows& rows : logs) {
    rows.log->each_block(*rows.spill, false, [&](std::byte* start, const RowLog::Block& block) {
      each_row_of(start, block, [&](std::byte* row) { visit(Row(row)); });
    });
  }
}

}  // namespace identity_resolve::engine
