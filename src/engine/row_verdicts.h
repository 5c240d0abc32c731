// What is found out about rows while they lie anywhere: kept by ranges of rows, and asked for once
// the rows are gone through in the order of their numbers.
//
// Memory: what is told, on disk beyond a quarter of the budget, and one range of it sorted. Cost: a
// sort.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

#include "engine/environment.h"
#include "engine/key.h"
#include "engine/partitioned_log.h"
#include "engine/spill.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// What became of an identifier of a row; for evidence.
struct Verdict {
  Key key;
  std::uint32_t row;
  std::uint32_t others;
  LinkStatus status;

  [[nodiscard]] auto place() const noexcept { return std::tuple(row, key); }
};

// How a row's values of one identifier are shown, where that is not Showing::kFirst.
struct ValueVerdict {
  Key key;
  std::uint32_t row;
  std::uint16_t ordinal;  // the identifier's in its row (kByKeys)
  Showing showing;

  [[nodiscard]] auto place() const noexcept { return std::tuple(row, ordinal, key); }
};

template <class T>
class RowVerdicts {
 public:
  explicit RowVerdicts(Environment& environment)
      : environment_(&environment),
        ticker_(environment),
        spill_(environment),
        here_(&environment.memory()) {}

  // rows: how many there are; expected: how many verdicts come, as far as is known.
  void begin(std::size_t rows, std::size_t expected) {
    constexpr std::size_t kLeastRows = std::size_t{1} << 16;
    const std::size_t ranges = 1 + expected * sizeof(T) / (environment_->budget() / 4 + 1);
    rows_a_range_ = std::max(kLeastRows, rows / ranges + 1);
    log_ = std::make_unique<PartitionedLog<T>>(*environment_, rows / rows_a_range_ + 1);
  }
  // In any order.
  void add(const T& verdict) {
    log_->add(verdict.row / rows_a_range_, verdict);
    any_ = true;
  }
  void spill_beyond_budget() {
    if (log_->resident_bytes() > environment_->budget() / 4) log_->spill(spill_, ticker_);
  }
  [[nodiscard]] bool empty() const noexcept { return !any_; }

  // Those on a row, in the order of place(). All rows are asked for, from the first one on; they
  // live until the next row is asked for.
  [[nodiscard]] std::span<const T> of(std::size_t row) {
    if (row % rows_a_range_ == 0) load(row / rows_a_range_);
    const std::size_t first = next_;
    while (next_ < here_.size() && here_[next_].row == row) ++next_;
    return {here_.data() + first, next_ - first};
  }

 private:
  void load(std::size_t range) {
    next_ = 0;
    here_.clear();
    log_->load_spilled(range, spill_, here_);
    std::as_const(*log_).each_chunk(range, [this](std::span<const T> chunk) {
      here_.insert(here_.end(), chunk.begin(), chunk.end());
    });
    std::sort(here_.begin(), here_.end(), [this](const T& a, const T& b) {
      ticker_.tick();
      return a.place() < b.place();
    });
  }

  Environment* environment_;
  Ticker ticker_;
  std::unique_ptr<PartitionedLog<T>> log_;
  Spill spill_;
  std::size_t rows_a_range_ = 1;
  bool any_ = false;
  boost::container::pmr::vector<T> here_;  // of the range at hand
  std::size_t next_ = 0;
};

}  // namespace identity_resolve::engine
