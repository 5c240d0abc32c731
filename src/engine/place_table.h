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

namespace identity_resolve::engine {

// Where a search begins: any bits of what is hashed, or drawn, will do. Who could choose them would
// only make a table slow.
inline std::uint64_t mixed(std::int64_t number) noexcept {
  return static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15U >> 20;
}
inline std::uint64_t mixed(const Uuid& id) noexcept {
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
    if (keys_.size() >= kNone) throw Error("54000", "a source has more rows than can be read");
    slots_[at] = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(key);
    return {slots_[at], true};
  }
  // Its place, or kNone.
  [[nodiscard]] std::uint32_t find(const Key& key) const noexcept { return slots_[find_slot(key)]; }
  [[nodiscard]] bool contains(const Key& key) const noexcept { return find(key) != kNone; }
  // By their places.
  [[nodiscard]] std::span<const Key> keys() const noexcept { return {keys_.data(), keys_.size()}; }
  // The same, which leave the table: it is of no use any more.
  [[nodiscard]] boost::container::pmr::vector<Key> take_keys() noexcept { return std::move(keys_); }

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

}  // namespace identity_resolve::engine
