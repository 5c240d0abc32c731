// Values of one plain type in partitions, each in order of arrival: what a stage hands to the next
// one, which works on one partition at a time.
//
// Values lie in chunks, in memory; spill() moves all of them to a temporary file, from which
// load_spilled() brings one partition back. Memory: the values, and at most one half-filled chunk a
// partition. Cost: linear; a spill writes each partition's values in one piece.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include "engine/arena.h"
#include "engine/environment.h"
#include "engine/spill.h"

namespace identity_resolve::engine {

template <class T>
class PartitionedLog {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);

 public:
  PartitionedLog(Environment& environment, std::size_t partitions)
      : arena_(environment.memory()), partitions_(&environment.memory()) {
    partitions_.reserve(partitions);
    for (std::size_t i = 0; i < partitions; ++i) partitions_.emplace_back(&environment.memory());
  }

  [[nodiscard]] std::size_t partitions() const noexcept { return partitions_.size(); }

  void add(std::size_t partition, const T& value) {
    Partition& to = partitions_[partition];
    if (to.next == to.end) [[unlikely]] {
      add_chunk(to);
    }
    std::memcpy(to.next++, &value, sizeof value);  // whole, not member by member
  }

  // The same of a value's parts, which go straight to where it is: a value that has just been put
  // together in pieces is not yet at hand as a whole.
  template <class... Parts>
  void emplace(std::size_t partition, const Parts&... parts) {
    Partition& to = partitions_[partition];
    if (to.next == to.end) [[unlikely]] {
      add_chunk(to);
    }
    ::new (static_cast<void*>(to.next++)) T{parts...};
  }

  // How many values a partition has, spilled ones included.
  [[nodiscard]] std::size_t size(std::size_t partition) const noexcept {
    const Partition& of = partitions_[partition];
    std::size_t values = of.spilled;
    each_chunk(partition, [&](std::span<const T> chunk) { values += chunk.size(); });
    return values;
  }
  [[nodiscard]] bool has_spilled(std::size_t partition) const noexcept {
    return partitions_[partition].spilled != 0;
  }
  // What the values in memory take.
  [[nodiscard]] std::size_t resident_bytes() const noexcept { return arena_.bytes(); }

  // Calls visit(span of values) for each chunk in memory.
  template <class Visit>
  void each_chunk(std::size_t partition, Visit&& visit) const {
    each_chunk_of(partitions_[partition], visit);
  }
  template <class Visit>
  void each_chunk(std::size_t partition, Visit&& visit) {
    each_chunk_of(partitions_[partition], visit);
  }

  // Moves all values in memory to a file, in pieces of at most kBytesAPiece.
  void spill(Spill& to, Ticker& ticker) {
    boost::container::pmr::vector<T> piece(partitions_.get_allocator().resource());
    for (Partition& partition : partitions_) {
      const auto write = [&] {
        if (piece.empty()) return;
        partition.extents.push_back(to.write(piece.data(), piece.size() * sizeof(T)));
        partition.spilled += piece.size();
        piece.clear();
      };
      each_chunk_of(partition, [&](std::span<const T> chunk) {
        if ((piece.size() + chunk.size()) * sizeof(T) > kBytesAPiece) write();
        piece.insert(piece.end(), chunk.begin(), chunk.end());
        ticker.tick_bytes(chunk.size_bytes());
      });
      write();
    }
    forget_chunks();
  }
  // Calls visit(span of values) for each spilled piece of a partition, in order of arrival; the
  // values are read into `buffer`.
  template <class Visit>
  void each_spilled(std::size_t partition, Spill& from, boost::container::pmr::vector<T>& buffer,
                    Visit&& visit) const {
    for (const Extent& extent : partitions_[partition].extents) {
      buffer.resize(extent.bytes / sizeof(T));
      from.read(extent, buffer.data());
      visit(std::span<const T>(buffer.data(), buffer.size()));
    }
  }
  // Appends a partition's spilled values to a list, in order of arrival.
  void load_spilled(std::size_t partition, Spill& from,
                    boost::container::pmr::vector<T>& to) const {
    const Partition& of = partitions_[partition];
    std::size_t at = to.size();
    to.resize(at + of.spilled);
    for (const Extent& extent : of.extents) {
      from.read(extent, to.data() + at);
      at += extent.bytes / sizeof(T);
    }
  }

  // Forgets everything and gives the memory back.
  void clear() noexcept {
    for (Partition& partition : partitions_) {
      partition.extents.clear();
      partition.spilled = 0;
    }
    forget_chunks();
  }

  // Calls visit(partition, extent) for each piece that has been spilled.
  template <class Visit>
  void each_extent(Visit&& visit) const {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      for (const Extent& extent : partitions_[i].extents) visit(i, extent);
    }
  }
  // A piece that somebody else has spilled.
  void adopt(std::size_t partition, const Extent& extent) {
    partitions_[partition].extents.push_back(extent);
    partitions_[partition].spilled += extent.bytes / sizeof(T);
  }

 private:
  static constexpr std::size_t kBytesAPiece = std::size_t{1} << 20;
  static constexpr std::size_t kBytesAChunk = 6144;
  static constexpr std::size_t kValuesAChunk = kBytesAChunk / sizeof(T);

  struct Chunk {
    T* start;
    std::size_t values;  // of the last chunk: not yet known
  };
  struct Partition {
    explicit Partition(boost::container::pmr::memory_resource* memory)
        : chunks(memory), extents(memory) {}
    T* next = nullptr;  // in the last chunk
    T* end = nullptr;
    boost::container::pmr::vector<Chunk> chunks;
    boost::container::pmr::vector<Extent> extents;
    std::size_t spilled = 0;  // values
  };

  static void close_chunk(Partition& partition) noexcept {
    if (partition.chunks.empty()) return;
    Chunk& last = partition.chunks.back();
    last.values = static_cast<std::size_t>(partition.next - last.start);
  }
  void add_chunk(Partition& partition) {
    auto* chunk = reinterpret_cast<T*>(arena_.allocate(sizeof(T) * kValuesAChunk));
    close_chunk(partition);
    partition.chunks.push_back({chunk, 0});
    partition.next = chunk;
    partition.end = chunk + kValuesAChunk;
  }
  template <class Of, class Visit>
  static void each_chunk_of(Of& partition, Visit&& visit) {
    for (std::size_t i = 0; i < partition.chunks.size(); ++i) {
      const Chunk& chunk = partition.chunks[i];
      const bool last = i + 1 == partition.chunks.size();
      visit(std::span(chunk.start, last ? static_cast<std::size_t>(partition.next - chunk.start)
                                        : chunk.values));
    }
  }
  void forget_chunks() noexcept {
    for (Partition& partition : partitions_) {
      partition.chunks.clear();
      partition.next = partition.end = nullptr;
    }
    arena_.clear();
  }

  Arena arena_;
  boost::container::pmr::vector<Partition> partitions_;
};

}  // namespace identity_resolve::engine
