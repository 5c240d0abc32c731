// Where kept data goes beyond its budget: pieces in one temporary file, each read back whole.
//
// A piece is written once, at the file's end. Whoever spills sees to it that pieces are large (tens
// of kilobytes), for each costs a call of the operating system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/environment.h"

namespace identity_resolve::engine {

// A piece of a spill.
struct Extent {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
};

class Spill {
 public:
  // The file is made when something is written.
  explicit Spill(Environment& environment) noexcept : environment_(&environment) {}
  // A file to which somebody else has spilled so many bytes.
  Spill(Environment& environment, std::unique_ptr<SpillFile> file, std::uint64_t bytes) noexcept
      : environment_(&environment), file_(std::move(file)), end_(bytes) {}

  Extent write(const void* bytes, std::size_t count) {
    if (file_ == nullptr) file_ = environment_->make_spill_file();
    file_->append(bytes, count);
    const Extent extent{end_, count};
    end_ += count;
    return extent;
  }
  void read(const Extent& extent, void* to) { file_->read(extent.at, to, extent.bytes); }

  // nullptr where there is none yet.
  [[nodiscard]] const SpillFile* file() const noexcept { return file_.get(); }
  // Nothing will be read any more.
  void close() noexcept { file_.reset(); }
  // Written so far.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return end_; }

 private:
  Environment* environment_;
  std::unique_ptr<SpillFile> file_;
  std::uint64_t end_ = 0;
};

}  // namespace identity_resolve::engine
