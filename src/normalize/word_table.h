// A set of words known at compile time, each with a number: what the lists of domains and names are
// kept in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace identity_resolve::normalize {

/// An open-addressing hash table of `Slots` slots (a power of two, at least twice the words), built
/// by the compiler. Words are views of string literals. A look-up hashes the word once and compares
/// about one.
template <std::size_t Slots>
class WordTable {
  static_assert((Slots & (Slots - 1)) == 0);

 public:
  /// Adds every word of `words`, which blanks separate, with `number`. A word that is there already
  /// keeps its first number.
  constexpr void add(std::string_view words, std::uint16_t number) {
    while (true) {
      const std::size_t begin = words.find_first_not_of(' ');
      if (begin == std::string_view::npos) return;
      words.remove_prefix(begin);
      const std::string_view word = words.substr(0, words.find(' '));
      words.remove_prefix(word.size());
      std::size_t slot = hash(word);
      while (!slots_[slot].word.empty() && slots_[slot].word != word) slot = (slot + 1) % Slots;
      if (slots_[slot].word.empty()) {
        slots_[slot] = {word, number};
        ++size_;
      }
    }
  }

  /// The word's number, or nothing.
  [[nodiscard]] constexpr const std::uint16_t* find(std::string_view word) const {
    for (std::size_t slot = hash(word); !slots_[slot].word.empty(); slot = (slot + 1) % Slots) {
      if (slots_[slot].word == word) return &slots_[slot].number;
    }
    return nullptr;
  }

  [[nodiscard]] constexpr bool contains(std::string_view word) const {
    return find(word) != nullptr;
  }

  /// How many words there are; a table more than half full does not compile where this is asserted.
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::string_view word;
    std::uint16_t number = 0;
  };

  // FNV-1a
  static constexpr std::size_t hash(std::string_view word) {
    std::uint32_t h = 2166136261U;
    for (const char c : word) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
    return (h ^ (h >> 16U)) % Slots;
  }

  std::array<Slot, Slots> slots_{};
  std::size_t size_ = 0;
};

}  // namespace identity_resolve::normalize
