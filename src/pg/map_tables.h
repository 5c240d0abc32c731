// What an identity map looks rows, records, identifiers and identities up in: tables of 64-bit
// numbers and of ids.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "engine/error.h"
#include "engine/identity_id.h"
#include "pg/environment.h"

namespace identity_resolve::pg {

// Where a search begins: any bits of what is hashed, or drawn, will do. Who could choose them would
// only make a table slow.
inline std::uint64_t mixed(std::int64_t number) noexcept {
  return static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15U >> 20;
}
inline std::uint64_t mixed(const engine::Uuid& id) noexcept {
  std::int64_t number = 0;
  std::memcpy(&number, id.data(), sizeof number);
  return mixed(number);
}

// Keys, each with its place in the order of arrival. Open addressing; half of it stays empty.
template <class Key>
class PlaceTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit PlaceTable(boost::container::pmr::memory_resource& memory)
      : keys_(&memory), slots_(kLeast, kNone, &memory) {}

  // The key's place, and whether it is new.
  std::pair<std::uint32_t, bool> insert(const Key& key) {
    if ((keys_.size() + 1) * 2 > slots_.size()) grow();
    const std::size_t at = find_slot(key);
    if (slots_[at] != kNone) return {slots_[at], false};
    if (keys_.size() >= kNone)
      throw engine::Error("54000", "a source has more rows than can be read");
    slots_[at] = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(key);
    return {slots_[at], true};
  }
  // Its place, or kNone.
  [[nodiscard]] std::uint32_t find(const Key& key) const noexcept { return slots_[find_slot(key)]; }
  [[nodiscard]] bool contains(const Key& key) const noexcept { return find(key) != kNone; }
  // By their places.
  [[nodiscard]] std::span<const Key> keys() const noexcept { return {keys_.data(), keys_.size()}; }

 private:
  static constexpr std::size_t kLeast = 1024;

  [[nodiscard]] std::size_t find_slot(const Key& key) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = mixed(key) & mask;
    while (slots_[at] != kNone && keys_[slots_[at]] != key) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, kNone);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      slots_[find_slot(keys_[i])] = static_cast<std::uint32_t>(i);
    }
  }

  boost::container::pmr::vector<Key> keys_;
  boost::container::pmr::vector<std::uint32_t> slots_;
};

using NumberTable = PlaceTable<std::int64_t>;

// Each number once, rising.
template <class Numbers>
void sort_each_once(Numbers& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

// Which owners have a key together with another one. Owners are numbered from 0, in any order.
class Sharers {
 public:
  explicit Sharers(boost::container::pmr::memory_resource& memory)
      : shares_(&memory), keys_(memory), owners_(&memory) {}

  // common: keys that do not count.
  void add(std::uint32_t owner, std::span<const std::int64_t> keys, const NumberTable& common) {
    if (owner >= shares_.size()) shares_.resize(owner + std::size_t{1}, false);
    for (const std::int64_t key : keys) {
      if (!common.keys().empty() && common.contains(key)) continue;
      const auto [place, is_first] = keys_.insert(key);
      if (is_first) {
        owners_.push_back(owner);
      } else if (owners_[place] != owner) {
        shares_[owners_[place]] = shares_[owner] = true;
      }
    }
  }
  [[nodiscard]] bool shares(std::uint32_t owner) const noexcept {
    return owner < shares_.size() && shares_[owner];
  }

 private:
  boost::container::pmr::vector<bool> shares_;
  NumberTable keys_;
  boost::container::pmr::vector<std::uint32_t> owners_;  // of each key the first one
};

// The order in which numbers came before, by which one can tell what is likely to come soon. A
// source whose rows lie in a table is read in the same order again, but for the rows that changed.
// It only ever guesses: nothing but time hangs on it.
class ArrivalOrder {
 public:
  static constexpr std::uint64_t kUnknown = UINT64_MAX;  // not a number of anybody

  explicit ArrivalOrder(ContextMemory& memory)
      : numbers_(&memory), landmarks_(memory), landmark_places_(&memory) {}

  // Begins a run of `count` numbers: they came one after the other, though others may have come
  // between them. Few of them are not worth it, nor are more runs than it can follow.
  void reserve(std::size_t more) { numbers_.reserve(numbers_.size() + more); }
  bool begin_run(std::size_t count) {
    if (count < kLeastRun || runs_ == kMostRuns) return false;
    run_[runs_++] = {numbers_.size(), numbers_.size() + count};
    return true;
  }
  void add(std::uint64_t number) { numbers_.push_back(number); }

  // Takes note that a number has come; the one that may come a while after it, or kUnknown.
  std::uint64_t follow(std::uint64_t number) {
    for (std::size_t i = 0; i < runs_; ++i) {
      Run& run = run_[i];
      const std::size_t end = std::min(run.next + kWindow, run.end);
      for (std::size_t at = run.next; at < end; ++at) {
        if (numbers_[at] == number) return expect_after(run, at);
      }
    }
    return runs_ == 0 || !is_landmark(number) ? kUnknown : find_way(number);
  }

 private:
  struct Run {
    std::size_t next = 0;
    std::size_t end = 0;
  };
  static constexpr std::size_t kMostRuns = 8;
  static constexpr std::size_t kLeastRun = 4096;
  static constexpr std::size_t kWindow = 4;  // this many are looked through for what came
  static constexpr std::size_t kAhead = 16;

  // One number in 64, by its value: who comes upon it knows again where he is.
  static bool is_landmark(std::uint64_t number) noexcept { return (number >> 8 & 63) == 0; }

  std::uint64_t expect_after(Run& run, std::size_t at) noexcept {
    run.next = at + 1;
    return at + kAhead < run.end ? numbers_[at + kAhead] : kUnknown;
  }
  std::uint64_t find_way(std::uint64_t number) {
    if (landmark_places_.empty()) note_landmarks();
    const std::uint32_t landmark = landmarks_.find(static_cast<std::int64_t>(number));
    if (landmark == NumberTable::kNone) return kUnknown;
    const std::size_t at = landmark_places_[landmark];
    for (std::size_t i = 0; i < runs_; ++i) {
      const std::size_t begin = i == 0 ? 0 : run_[i - 1].end;
      if (at >= begin && at < run_[i].end) return expect_after(run_[i], at);
    }
    return kUnknown;
  }
  void note_landmarks() {
    for (std::size_t at = 0; at < numbers_.size(); ++at) {
      if (!is_landmark(numbers_[at])) continue;
      if (landmarks_.insert(static_cast<std::int64_t>(numbers_[at])).second) {
        landmark_places_.push_back(at);
      }
    }
  }

  boost::container::pmr::vector<std::uint64_t> numbers_;  // run by run
  std::array<Run, kMostRuns> run_{};
  std::size_t runs_ = 0;
  NumberTable landmarks_;  // made when it lost its way for the first time
  boost::container::pmr::vector<std::size_t> landmark_places_;
};

// The fingerprints of rows: 62 bits of each, and in the other two what became of it, in one word of
// an open-addressing table at most half full. A probe is one miss of the cache, unless it was
// expected.
class FingerprintSet {
 public:
  enum State : std::uint64_t { kGone = 0, kKnown = 1, kSeen = 2 };  // kGone: was there once

  explicit FingerprintSet(ContextMemory& memory)
      : slots_(kLeast, kEmpty, &memory), order_(memory) {}

  // There will be so many in all, at first in runs.
  void expect(std::size_t count) {
    if (count_ > 0) return;
    reserve(count);
    order_.reserve(count);
  }
  void reserve(std::size_t more) {
    std::size_t size = slots_.size();
    while ((count_ + more) * 2 > size) size *= 2;
    if (size > slots_.size()) resize(size);
  }
  // The next `count` that are known came one after the other.
  void begin_run(std::size_t count) { is_run_ = order_.begin_run(count); }
  // `count` of them, eight bytes each; many at once, so that the misses overlap.
  void set(const char* fingerprints, std::size_t count, State state) {
    const auto word_at = [fingerprints](std::size_t place) {
      std::int64_t fingerprint = 0;
      std::memcpy(&fingerprint, fingerprints + place * sizeof fingerprint, sizeof fingerprint);
      return word(fingerprint);
    };
    reserve(count);
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < count; ++i) {
      if (is_run_ && state == kKnown) order_.add(word_at(i));
      if (i + kAhead < count) __builtin_prefetch(&slots_[home(word_at(i + kAhead))], 1);
      std::uint64_t& slot = find(word_at(i));
      if (slot == kEmpty) ++count_;
      slot = word_at(i) | state;
    }
  }
  // Marks a row as seen; whether it was known before, or seen already.
  bool see(std::int64_t fingerprint) {
    const std::uint64_t soon = order_.follow(word(fingerprint));
    if (soon != ArrivalOrder::kUnknown) __builtin_prefetch(&slots_[home(soon)], 1);
    std::uint64_t& slot = find(word(fingerprint));
    const bool is_known = slot != kEmpty && (slot & kStates) != kGone;
    if (is_known) {
      slot = word(fingerprint) | kSeen;
      return true;
    }
    set(reinterpret_cast<const char*>(&fingerprint), 1, kSeen);
    return false;
  }
  // Calls visit(fingerprint) for each that was known and not seen; of the two bits nothing is
  // known.
  template <class Visit>
  void each_unseen(Visit&& visit) const {
    for (const std::uint64_t slot : slots_) {
      if (slot != kEmpty && (slot & kStates) == kKnown) {
        visit(static_cast<std::int64_t>(slot & ~kStates));
      }
    }
  }

 private:
  static constexpr std::size_t kLeast = 1024;
  static constexpr std::uint64_t kStates = 3;
  static constexpr std::uint64_t kEmpty = kStates;

  static std::uint64_t word(std::int64_t fingerprint) noexcept {
    return static_cast<std::uint64_t>(fingerprint) & ~kStates;
  }
  [[nodiscard]] std::size_t home(std::uint64_t word) const noexcept {
    return (word >> 20) & (slots_.size() - 1);  // a keyed hash: any bits will do
  }
  std::uint64_t& find(std::uint64_t word) noexcept {
    std::size_t at = home(word);
    while (slots_[at] != kEmpty && (slots_[at] & ~kStates) != word) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return slots_[at];
  }
  void resize(std::size_t size) {
    boost::container::pmr::vector<std::uint64_t> old(size, kEmpty, slots_.get_allocator());
    old.swap(slots_);
    for (const std::uint64_t slot : old) {
      if (slot != kEmpty) find(slot & ~kStates) = slot;
    }
  }

  boost::container::pmr::vector<std::uint64_t> slots_;
  std::size_t count_ = 0;
  ArrivalOrder order_;
  bool is_run_ = false;
};

}  // namespace identity_resolve::pg
