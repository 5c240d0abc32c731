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
      add_one(word, number);
    }
  }

  /// Adds one word, which may hold blanks.
  constexpr void add_one(std::string_view word, std::uint16_t number) {
    std::size_t slot = hash(word);
    while (!slots_[slot].word.empty() && slots_[slot].word != word) slot = (slot + 1) % Slots;
    if (!slots_[slot].word.empty()) return;
    slots_[slot] = {word, number};
    ++size_;
    first_letters_[line_of(word.size())] |= bit_of(word.front());
    middle_letters_[line_of(word.size())] |= bit_of(word[word.size() / 2]);
    last_letters_[line_of(word.size())] |= bit_of(word.back());
  }

  /// False where no word has this length, these letters at its ends and this one in its middle, the
  /// letter at half the length: most words are told from the table's by that alone, without being
  /// hashed.
  [[nodiscard]] constexpr bool may_contain(std::size_t length, char first, char middle,
                                           char last) const {
    return (first_letters_[line_of(length)] & bit_of(first)) != 0 &&
           (last_letters_[line_of(length)] & bit_of(last)) != 0 &&
           (middle_letters_[line_of(length)] & bit_of(middle)) != 0;
  }

  /// The word's number, or nothing.
  [[nodiscard]] constexpr const std::uint16_t* find(std::string_view word) const {
    if (word.empty() ||
        !may_contain(word.size(), word.front(), word[word.size() / 2], word.back())) {
      return nullptr;
    }
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

  static constexpr std::size_t kLines = 32;  // all longer words share the last one
  static constexpr std::size_t line_of(std::size_t length) {
    return length < kLines ? length : kLines - 1;
  }
  static constexpr std::uint32_t bit_of(char letter) {
    return std::uint32_t{1} << (static_cast<unsigned char>(letter) % 32U);
  }

  std::array<Slot, Slots> slots_{};
  std::array<std::uint32_t, kLines> first_letters_{};  // by length: which there are, modulo 32
  std::array<std::uint32_t, kLines> middle_letters_{};
  std::array<std::uint32_t, kLines> last_letters_{};
  std::size_t size_ = 0;
};

}  // namespace identity_resolve::normalize
