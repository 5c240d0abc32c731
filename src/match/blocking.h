// Which pairs of records are compared: those that share something rare.
//
// Every record has base codes: its values, and of some fields a part of them or how they sound. A
// key is a base code or two of different fields. The records that agree on a key are a block, and a
// block counts if it is small. So nothing has to be chosen: what is rare in these data leads
// together.
//
// A pair is found once, by the first of its keys whose block is small: which keys two records share
// follows from the base codes on which they agree, and which of these count is a bit for each
// record. So there is no list of pairs, no sorting of it and no pair twice.
//
// Memory: 4 bytes for each record and base code, 8 for each record, and 16 for each record while a
// key is gone through.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/environment.h"
#include "match/list.h"
#include "match/table.h"

namespace identity_resolve::match {

class Blocking {
 public:
  // single, joint: how many records a block may have by one base code, and by two.
  struct Limits {
    std::uint32_t single = 100;
    std::uint32_t joint = 60;
  };

  Blocking(const Table& table, Limits limits, engine::Environment& environment);

  // Calls visit(a, b), a < b, for each pair once, in an order that depends on the table alone.
  template <class Visit>
  void each_pair(Visit&& visit);

 private:
  static constexpr std::size_t kMostBases = 16;
  static constexpr std::size_t kMostKeys = 64;
  // How many words of a bag lead to others: the rarest of those that another record has, too.
  static constexpr std::size_t kBagWords = 4;

  struct Base {
    std::size_t column;
    std::size_t distinct = 0;
  };
  struct Key {
    std::size_t one;
    std::size_t other;  // the same for a single one
  };
  struct Bag {
    List<Code> words;           // kBagWords for each record, rarest first
    List<std::uint32_t> sizes;  // by word: how many records have it among theirs
  };
  struct Entry {
    std::uint64_t number;
    RecordIndex record;
    bool operator<(const Entry& other) const noexcept {
      return number != other.number ? number < other.number : record < other.record;
    }
  };

  template <class Derive>
  void add_base(std::size_t column, Derive&& derive);
  void add_bases();
  void add_names(std::size_t given, std::size_t surname);
  void add_bag(std::size_t column);
  void choose_keys();
  // The base codes of a record.
  [[nodiscard]] Code* row(RecordIndex record) noexcept {
    return rows_.data() + record * kMostBases;
  }
  [[nodiscard]] const Code* row(RecordIndex record) const noexcept {
    return rows_.data() + record * kMostBases;
  }
  // The blocks of a key, as entries in order.
  void list_key(std::size_t key);
  void list_words(const Bag& bag);
  // Calls block(first, end) for each block of entries_ of 2 to `most` records.
  template <class Block>
  void each_block(std::uint32_t most, Block&& block) {
    for (std::size_t first = 0; first < entries_.size();) {
      std::size_t end = first + 1;
      while (end < entries_.size() && entries_[end].number == entries_[first].number) ++end;
      ticker_.tick(end - first);
      if (end - first > 1 && end - first <= most) block(first, end);
      first = end;
    }
  }
  // The first key that two records share and whose block counts, as its bit; 0 for none.
  [[nodiscard]] std::uint64_t first_key(RecordIndex a, RecordIndex b) const noexcept;
  // Whether an earlier bag, or an earlier word of this one, leads the pair together.
  [[nodiscard]] bool is_led_before(std::size_t bag, Code word, RecordIndex a, RecordIndex b) const;

  const Table* table_;
  Limits limits_;
  engine::Ticker ticker_;
  Memory* memory_;
  std::vector<Base> bases_;
  List<Code> rows_;  // kMostBases for each record, side by side
  std::vector<Key> keys_;
  std::vector<Bag> bags_;
  List<std::uint64_t> small_;  // by record, the keys whose block is small
  List<Entry> entries_;
};

template <class Visit>
void Blocking::each_pair(Visit&& visit) {
  small_.assign(table_->size(), 0);
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    list_key(key);
    const std::uint64_t bit = std::uint64_t{1} << key;
    const std::uint32_t most = keys_[key].one == keys_[key].other ? limits_.single : limits_.joint;
    each_block(most, [&](std::size_t first, std::size_t end) {
      for (std::size_t i = first; i < end; ++i) small_[entries_[i].record] |= bit;
    });
    each_block(most, [&](std::size_t first, std::size_t end) {
      for (std::size_t i = first; i < end; ++i) {
        ticker_.tick(end - i);
        for (std::size_t j = i + 1; j < end; ++j) {
          const RecordIndex a = entries_[i].record;
          const RecordIndex b = entries_[j].record;
          if (first_key(a, b) == bit) visit(a, b);
        }
      }
    });
  }
  for (std::size_t bag = 0; bag < bags_.size(); ++bag) {
    list_words(bags_[bag]);
    each_block(limits_.single, [&](std::size_t first, std::size_t end) {
      const auto word = static_cast<Code>(entries_[first].number);
      for (std::size_t i = first; i < end; ++i) {
        ticker_.tick(end - i);
        for (std::size_t j = i + 1; j < end; ++j) {
          const RecordIndex a = entries_[i].record;
          const RecordIndex b = entries_[j].record;
          if (first_key(a, b) == 0 && !is_led_before(bag, word, a, b)) visit(a, b);
        }
      }
    });
  }
  entries_.clear();
}

}  // namespace identity_resolve::match
