// What the engine asks of whoever calls it: memory, room in temporary files, and a word whether to
// go on.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace identity_resolve::engine {

// The stages of a resolve in which time is spent, in their order. Scan takes rows from the sources
// through normalise and key into the partitions; emit, reading identities out, includes survive.
enum class Stage : std::uint8_t { kScan, kUnion, kGuard, kLabel, kEmit };
inline constexpr std::size_t kStages = 5;

// A temporary file: written at its end, read anywhere. Gone with the object.
class SpillFile {
 public:
  SpillFile() = default;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  virtual ~SpillFile() = default;

  // Writes behind what has been written. Throws where there is no room.
  virtual void append(const void* bytes, std::size_t count) = 0;
  // Reads `count` bytes that have been written, from the byte `at` on.
  virtual void read(std::uint64_t at, void* to, std::size_t count) = 0;
};

class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  virtual ~Environment() = default;

  // Where all memory that grows with the data comes from. allocate() throws std::bad_alloc.
  virtual boost::container::pmr::memory_resource& memory() noexcept = 0;

  // How many bytes rows and links may take in memory, all sinks together; the rest is spilled.
  [[nodiscard]] virtual std::size_t budget() const noexcept = 0;
  // A new temporary file. Throws where none can be had.
  virtual std::unique_ptr<SpillFile> make_spill_file() = 0;

  // Called at least every few thousand steps of any loop; throws to end the work.
  virtual void check_interrupts() = 0;

  // Called when a stage begins, and with it the one before ends; may throw to end the work.
  virtual void begin_stage(Stage /*stage*/) {}
};

// Counts a loop's steps and asks the environment every `kEvery` of them. A step takes about as long
// as a cache miss; one that reads a value takes as many as tick_bytes() says.
class Ticker {
 public:
  explicit Ticker(Environment& environment) noexcept : environment_(&environment) {}
  void tick(std::size_t steps = 1) {
    steps_ += steps;
    if (steps_ >= kEvery) [[unlikely]] {
      steps_ = 0;
      environment_->check_interrupts();
    }
  }
  void tick_bytes(std::size_t bytes) { tick(1 + bytes / 1024); }

 private:
  static constexpr std::size_t kEvery = 4096;
  Environment* environment_;
  std::size_t steps_ = 0;
};

}  // namespace identity_resolve::engine
