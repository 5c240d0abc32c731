// A bump allocator over the environment's memory: what it hands out lives as long as it does.
#pragma once

#include <algorithm>
#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <utility>

namespace identity_resolve::engine {

class Arena {
 public:
  explicit Arena(boost::container::pmr::memory_resource& memory) noexcept
      : memory_(&memory), blocks_(&memory) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { clear(); }

  // Gives all memory back; what was handed out is gone.
  void clear() noexcept {
    for (const Block& block : blocks_) memory_->deallocate(block.start, block.bytes, kAlignment);
    blocks_.clear();
    bytes_ = 0;
    next_ = end_ = nullptr;
    next_size_ = kFirstBlock;
  }

  // `bytes` bytes, aligned to 8. Throws std::bad_alloc.
  std::byte* allocate(std::size_t bytes) {
    bytes = round_up(bytes);
    if (bytes > room()) add_block(bytes);
    std::byte* start = next_;
    next_ += bytes;
    return start;
  }

  // What it has asked for.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  // An open piece: room for at least `bytes` bytes at the returned place, of which take() then
  // keeps what was used. `begun` bytes already written to the open piece at `from` move along.
  std::byte* open(std::size_t bytes, const std::byte* from = nullptr, std::size_t begun = 0) {
    if (bytes > room()) {
      add_block(bytes);
      if (begun != 0) std::copy_n(from, begun, next_);
    }
    return next_;
  }
  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - next_); }
  void take(std::size_t bytes) noexcept { next_ += std::min(round_up(bytes), room()); }

 private:
  struct Block {
    std::byte* start;
    std::size_t bytes;
  };
  static constexpr std::size_t kAlignment = 8;
  static constexpr std::size_t kFirstBlock = std::size_t{16} << 10;
  static constexpr std::size_t kLargestBlock = std::size_t{8} << 20;

  static constexpr std::size_t round_up(std::size_t bytes) noexcept {
    return (bytes + kAlignment - 1) & ~(kAlignment - 1);
  }

  // Blocks double up to 8 MiB, of which an environment can make huge pages; a piece larger than
  // that gets twice its own size, so that an open piece which keeps growing is moved a logarithmic
  // number of times.
  void add_block(std::size_t bytes) {
    const std::size_t size =
        bytes > next_size_ ? round_up(bytes) * 2 : std::exchange(next_size_, grown());
    if (blocks_.size() == blocks_.capacity()) blocks_.reserve(blocks_.size() * 2 + 8);
    auto* start = static_cast<std::byte*>(memory_->allocate(size, kAlignment));
    blocks_.push_back({start, size});
    bytes_ += size;
    next_ = start;
    end_ = start + size;
  }
  [[nodiscard]] std::size_t grown() const noexcept {
    return std::min(next_size_ * 2, kLargestBlock);
  }

  boost::container::pmr::memory_resource* memory_;
  boost::container::pmr::vector<Block> blocks_;
  std::size_t bytes_ = 0;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_size_ = kFirstBlock;
};

}  // namespace identity_resolve::engine
