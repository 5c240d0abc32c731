// Candidates for values that are on a large share of all records, in little memory.
//
// The method of Misra and Gries ("Finding repeated elements", 1982): so many counters, each for a
// value; one that has no counter takes a free one, or, where none is free, takes one off every
// counter. Whatever makes up more than 1 / (kCounters + 1) of all values keeps a counter. What else
// keeps one hangs on the order, so candidates are counted again by whoever asks, and then nothing
// hangs on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace identity_resolve::engine {

class FrequentValues {
 public:
  static constexpr std::size_t kCounters = 20;

  void add(std::string_view value) {
    if (const auto known = counters_.find(value); known != counters_.end()) {
      ++known->second;
    } else if (counters_.size() < kCounters) {
      counters_.emplace(value, 1);
    } else {
      for (auto at = counters_.begin(); at != counters_.end();) {
        at = --at->second == 0 ? counters_.erase(at) : std::next(at);
      }
    }
  }

  // The candidates, with 0 for each: to be counted by count() in a second pass.
  void start_counting() {
    for (auto& [value, count] : counters_) count = 0;
  }
  // Whether it is one of them.
  bool count(std::string_view value) {
    const auto known = counters_.find(value);
    if (known == counters_.end()) return false;
    ++known->second;
    return true;
  }
  // By value.
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& counts() const noexcept {
    return counters_;
  }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counters_;
};

}  // namespace identity_resolve::engine
