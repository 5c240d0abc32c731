// What the engine asks of whoever calls it: memory, and a word whether to go on.
#pragma once

#include <boost/container/pmr/memory_resource.hpp>
#include <cstddef>

namespace identity_resolve::engine {

class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  virtual ~Environment() = default;

  // Where all memory that grows with the data comes from. allocate() throws std::bad_alloc.
  virtual boost::container::pmr::memory_resource& memory() noexcept = 0;

  // Called at least every few thousand steps of any loop; throws to end the work.
  virtual void check_interrupts() = 0;
};

// Counts a loop's steps and asks the environment every `kEvery` of them.
class Ticker {
 public:
  explicit Ticker(Environment& environment) noexcept : environment_(&environment) {}
  void tick() {
    if (++steps_ % kEvery == 0) [[unlikely]] {
      environment_->check_interrupts();
    }
  }

 private:
  static constexpr unsigned kEvery = 4096;
  Environment* environment_;
  unsigned steps_ = 0;
};

}  // namespace identity_resolve::engine
