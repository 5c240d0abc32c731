// What was found out of a kind's values, where the same ones come again and again: workspaces,
// countries, dates of birth. The last ones are kept with their bytes, so that most need not be
// looked into again. Which are kept changes no answer.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/first_bytes.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// Memory: 128 places, 32 bytes and an Answer each.
template <class Answer>
class RecentValues {
 public:
  RecentValues() : slots_(kSlots) {}

  // What find() answers to a value, which hangs on its kind and bytes alone. Cost: a comparison
  // where it is among the last ones, otherwise find(). May throw what find() throws. The answer
  // stays where it is until the next call.
  template <class Find>
  const Answer& get(KindNumber kind, std::string_view value, Find&& find) {
    if (value.size() > kLongest) return not_kept_ = find();
    Slot& slot = slots_[place_of(value)];
    if (slot.kind != kind || slot.value() != value) {
      slot.answer = find();
      slot.kind = kind;
      slot.size = static_cast<std::uint8_t>(value.size());
      value.copy(slot.bytes.data(), value.size());
    }
    return slot.answer;
  }

 private:
  static constexpr unsigned kSlotBits = 7;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kLongest = 29;
  static constexpr KindNumber kNoKind{UINT16_MAX};

  struct Slot {
    Answer answer{};
    KindNumber kind = kNoKind;
    std::uint8_t size = 0;
    std::array<char, kLongest> bytes{};
    [[nodiscard]] std::string_view value() const noexcept { return {bytes.data(), size}; }
  };

  // Values that differ only in their middles share a place; then the last one has it.
  static std::size_t place_of(std::string_view value) noexcept {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    const std::string_view last = value.substr(value.size() - std::min(value.size(), kWord));
    // Fibonacci hashing (Knuth, TAOCP vol. 3, section 6.4): whoever makes values meet in a place
    // makes them slower, no more.
    const std::uint64_t mixed =
        (first_bytes(value) ^ std::rotl(first_bytes(last), 29)) * 0x9E3779B97F4A7C15U;
    return mixed >> (64 - kSlotBits);
  }

  std::vector<Slot> slots_;
  Answer not_kept_{};
};

}  // namespace identity_resolve::engine
