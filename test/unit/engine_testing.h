// What the engine's tests share: an environment that counts and fails on demand, rows as plain
// data, and the engine's whole way from rows to output written once.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/pmr/memory_resource.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/combinations.h"
#include "engine/environment.h"
#include "engine/identity_id.h"
#include "engine/identity_reader.h"
#include "engine/key.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"

namespace identity_resolve::engine::testing {

// Thrown by TestEnvironment::check_interrupts(): no std::exception, so that nobody swallows it.
struct Cancelled {};

class TestEnvironment;

// Thrown where a file has no room.
struct DiskFull {};

// A file in memory that is not counted.
class TestFile final : public SpillFile {
 public:
  explicit TestFile(TestEnvironment& environment);
  ~TestFile() override;
  void append(const void* bytes, std::size_t count) override;
  void read(std::uint64_t at, void* to, std::size_t count) override;

 private:
  void count();
  TestEnvironment* environment_;
  std::string bytes_;
};

// Memory from malloc, counted; the n-th allocation or the n-th check_interrupts() throws.
class TestEnvironment final : public Environment, private boost::container::pmr::memory_resource {
 public:
  TestEnvironment() = default;
  TestEnvironment(const TestEnvironment&) = delete;
  TestEnvironment& operator=(const TestEnvironment&) = delete;
  ~TestEnvironment() override = default;

  boost::container::pmr::memory_resource& memory() noexcept override { return *this; }
  [[nodiscard]] std::size_t budget() const noexcept override { return memory_budget; }
  std::unique_ptr<SpillFile> make_spill_file() override {
    ++files;
    auto file = std::make_unique<TestFile>(*this);
    last_file = file.get();
    return file;
  }
  void check_interrupts() override {
    if (++checks == cancel_at) throw Cancelled();
  }

  std::size_t memory_budget = std::size_t{1} << 40;
  SpillFile* last_file = nullptr;       // made
  std::size_t files = 0;                // calls of make_spill_file()
  std::size_t open_files = 0;           // that are still there
  std::size_t file_calls = 0;           // appends and reads
  std::size_t fail_file_at = 0;         // which of them throws; 0: none
  std::size_t checks = 0;               // calls of check_interrupts()
  std::size_t cancel_at = 0;            // which of them throws; 0: none
  std::size_t allocations = 0;          // calls of allocate()
  std::size_t fail_at = 0;              // which of them throws; 0: none
  std::size_t bytes = 0;                // allocated and not given back
  std::size_t most_bytes = 0;           // the most that `bytes` has been
  std::size_t limit = SIZE_MAX;         // an allocation that takes `bytes` beyond it throws
  std::size_t wrong_deallocations = 0;  // given back with another size than allocated
  std::size_t largest_alignment = 1;    // asked for

 private:
  // The size stands before the block, so that deallocate() can compare.
  static constexpr std::size_t kBefore = 16;

  void* do_allocate(std::size_t size, std::size_t alignment) override {
    largest_alignment = std::max(largest_alignment, alignment);
    if (++allocations == fail_at || size > limit - bytes) throw std::bad_alloc();
    auto* block = static_cast<std::byte*>(std::malloc(kBefore + size));  // NOLINT
    if (block == nullptr) throw std::bad_alloc();
    std::memcpy(block, &size, sizeof size);
    bytes += size;
    most_bytes = std::max(most_bytes, bytes);
    return block + kBefore;
  }
  void do_deallocate(void* place, std::size_t size, std::size_t /*alignment*/) override {
    if (place == nullptr) return;
    auto* block = static_cast<std::byte*>(place) - kBefore;
    std::size_t allocated = 0;
    std::memcpy(&allocated, block, sizeof allocated);
    if (allocated != size) ++wrong_deallocations;
    bytes -= allocated;
    std::free(block);  // NOLINT
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

// A row of a source, as plain data.
struct InputRow {
  struct Item {
    bool links;  // an identifier of kind `number`, or a value in slot `number`
    std::uint16_t number;
    std::string bytes;
  };
  std::uint16_t source = 0;
  std::string id;
  std::int64_t updated_at = kNeverUpdated;
  std::vector<Item> items = {};

  InputRow& link(std::size_t kind, std::string value) {
    items.push_back({true, static_cast<std::uint16_t>(kind), std::move(value)});
    return *this;
  }
  InputRow& value(std::size_t slot, std::string value) {
    items.push_back({false, static_cast<std::uint16_t>(slot), std::move(value)});
    return *this;
  }
};

// A record of a source, without identifiers yet.
inline InputRow record(std::size_t from, std::string id) {
  InputRow row;
  row.source = static_cast<std::uint16_t>(from);
  row.id = std::move(id);
  return row;
}

inline SourceNumber source(std::size_t number) {
  return SourceNumber{static_cast<std::uint16_t>(number)};
}
inline KindNumber kind(std::size_t number) {
  return KindNumber{static_cast<std::uint16_t>(number)};
}
inline SlotNumber slot(std::size_t number) {
  return SlotNumber{static_cast<std::uint16_t>(number)};
}
inline IdentityNumber identity(std::size_t number) {
  return IdentityNumber{static_cast<std::uint32_t>(number)};
}

// Kinds without limits.
inline Shape shape(std::size_t kinds, std::size_t sources, bool keep_keys) {
  return {std::vector<KindRules>(kinds), sources, keep_keys, false};
}

inline KeyRing key_ring(std::size_t kinds, std::size_t sources, unsigned char secret = 0) {
  std::array<std::byte, kSecretBytes> bytes;
  bytes.fill(std::byte{secret});
  return KeyRing(bytes, kinds, sources);
}

inline void feed(LocalSink& sink, const InputRow& row) {
  sink.begin_row(source(row.source), row.id, row.updated_at);
  for (const InputRow::Item& item : row.items) {
    if (item.links) {
      sink.add_identifier(kind(item.number), item.bytes);
    } else {
      sink.add_value(slot(item.number), item.bytes);
    }
  }
  sink.end_row();
}

// ---- what a user asks for, and what comes out, in an order that the data alone sets ----

struct Request {
  std::size_t kinds = 1;
  std::size_t sources = 1;
  std::size_t slots = 0;
  std::vector<ColumnPlan> columns = {};
  bool combinations = false;
  std::uint64_t max_combinations = 10000;
};

// (source, record id)
using RecordName = std::pair<std::uint16_t, std::string>;
// What a column shows; a scalar column shows one value or none.
using Shown = std::vector<std::string>;

struct Identity {
  Uuid id{};
  std::vector<RecordName> records = {};               // in the order of survivorship
  std::vector<Shown> cells = {};                      // by column
  std::vector<std::vector<Shown>> combinations = {};  // sorted
  bool too_many = false;                              // combinations

  friend bool operator==(const Identity&, const Identity&) = default;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

inline std::string source_name(std::size_t number) { return "source_" + std::to_string(number); }

inline std::vector<Shown> shown(const Cells& cells) {
  std::vector<Shown> result;
  for (const Cell& cell : cells) result.emplace_back(cell.values().begin(), cell.values().end());
  return result;
}

// Reads all identities of a finalized resolver; sorted.
std::vector<Identity> read_all(Resolver& resolver, const Request& request);

// The engine's whole way with one sink for each element of `deal`, which lists the sink's rows;
// sinks are combined in the order of `deal`.
std::vector<Identity> resolve(Environment& environment, const Request& request,
                              std::span<const InputRow> rows,
                              std::span<const std::vector<std::size_t>> deal);

// The same with one sink.
std::vector<Identity> resolve(Environment& environment, const Request& request,
                              std::span<const InputRow> rows);

}  // namespace identity_resolve::engine::testing
