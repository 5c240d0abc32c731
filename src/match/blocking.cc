#include "match/blocking.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/sort_numbers.h"
#include "match/spell.h"

namespace identity_resolve::match {

namespace {

// The half that says the region.
std::string head_of_postcode(std::string_view code) {
  return std::string(code.substr(0, std::max<std::size_t>(2, code.size() / 2)));
}

}  // namespace

Blocking::Blocking(const Table& table, Limits limits, engine::Environment& environment)
    : table_(&table),
      limits_(limits),
      ticker_(environment),
      memory_(&environment.memory()),
      rows_(table.size() * kMostBases, kMissing, memory_),
      small_(memory_),
      entries_(memory_) {
  add_bases();
  choose_keys();
}

template <class Derive>
void Blocking::add_base(std::size_t column, Derive&& derive) {
  if (bases_.size() == kMostBases) return;
  const Column& values = table_->columns()[column];
  Dictionary parts(*memory_);
  List<Code> part_of(values.dictionary->size(), kMissing, memory_);
  for (Code code = 1; code < part_of.size(); ++code) {
    if (values.counts[code] > 0)
      part_of[code] = parts.code_of(derive(values.dictionary->text(code)));
  }
  const std::size_t base = bases_.size();
  for (RecordIndex record = 0; record < table_->size(); ++record) {
    row(record)[base] = part_of[table_->row(record)[column]];
  }
  ticker_.tick(table_->size());
  bases_.push_back({column, parts.size()});
}

void Blocking::add_bases() {
  const std::vector<Column>& columns = table_->columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const FieldKind kind = columns[i].kind;
    if (kind == FieldKind::kCategory || kind == FieldKind::kNameSuffix ||
        kind == FieldKind::kHouseNumber)
      continue;
    if (columns[i].is_bag()) {
      add_bag(i);
      continue;
    }
    add_base(i, [](std::string_view text) { return std::string(text); });
    if (kind == FieldKind::kGivenName || kind == FieldKind::kSurname) {
      add_base(i, [](std::string_view text) { return soundex(text); });
    } else if (kind == FieldKind::kDate) {
      add_base(i, [](std::string_view text) { return std::string(text.substr(0, 4)); });
      add_base(i, [](std::string_view text) {
        return std::string(text.size() == 8 && text.substr(6) != "00" ? text.substr(4) : "");
      });
    } else if (kind == FieldKind::kEmail) {
      add_base(i,
               [](std::string_view text) { return std::string(text.substr(0, text.find('@'))); });
    } else if (kind == FieldKind::kPostcode) {
      add_base(i, head_of_postcode);
    }
  }
  const auto given = table_->column_of(FieldKind::kGivenName);
  const auto surname = table_->column_of(FieldKind::kSurname);
  if (given && surname) add_names(*given, *surname);
}

// Both names, in whichever order.
void Blocking::add_names(std::size_t given, std::size_t surname) {
  if (bases_.size() == kMostBases) return;
  List<Entry> both(memory_);
  for (RecordIndex record = 0; record < table_->size(); ++record) {
    const auto [one, other] = std::minmax(table_->row(record)[given], table_->row(record)[surname]);
    if (one == kMissing) continue;
    both.push_back({(std::uint64_t{one} << 32U) | other, record});
  }
  engine::sort_by_number(both, [](const Entry& entry) { return entry.number; });
  std::size_t distinct = 0;
  for (std::size_t i = 0; i < both.size(); ++i) {
    if (i == 0 || both[i].number != both[i - 1].number) ++distinct;
    row(both[i].record)[bases_.size()] = static_cast<Code>(distinct);
  }
  bases_.push_back({given, distinct});
}

void Blocking::add_bag(std::size_t column) {
  const Column& values = table_->columns()[column];
  const Words& words = *values.words;
  List<Code> of_value(values.dictionary->size() * kBagWords, kMissing, memory_);
  std::vector<Code> here;
  for (Code value = 1; value < values.dictionary->size(); ++value) {
    here.clear();
    for (const Code word : words.of(value)) {
      if (words.counts[word] > 1) here.push_back(word);
    }
    std::sort(here.begin(), here.end(), [&](Code a, Code b) {
      if (words.counts[a] != words.counts[b]) return words.counts[a] < words.counts[b];
      return words.dictionary.text(a) < words.dictionary.text(b);
    });
    std::copy_n(here.begin(), std::min(here.size(), kBagWords),
                of_value.begin() + static_cast<std::ptrdiff_t>(value * kBagWords));
  }
  Bag bag{List<Code>(table_->size() * kBagWords, kMissing, memory_),
          List<std::uint32_t>(words.dictionary.size(), 0, memory_)};
  const std::size_t base = bases_.size();
  for (RecordIndex record = 0; record < table_->size(); ++record) {
    const auto first =
        of_value.begin() + static_cast<std::ptrdiff_t>(table_->row(record)[column] * kBagWords);
    std::copy_n(first, kBagWords,
                bag.words.begin() + static_cast<std::ptrdiff_t>(record * kBagWords));
    if (base < kMostBases) row(record)[base] = *first;
    for (std::size_t i = 0; i < kBagWords; ++i)
      ++bag.sizes[*(first + static_cast<std::ptrdiff_t>(i))];
  }
  ticker_.tick(table_->size());
  bags_.push_back(std::move(bag));
  if (base < kMostBases) bases_.push_back({column, words.dictionary.size()});
}

// All single ones, and of the joint ones those of the most different values, as their blocks are
// the smallest that chance makes.
void Blocking::choose_keys() {
  std::vector<Key> joint;
  for (std::size_t i = 0; i < bases_.size(); ++i) {
    keys_.push_back({i, i});
    for (std::size_t j = i + 1; j < bases_.size(); ++j) {
      if (bases_[i].column != bases_[j].column) joint.push_back({i, j});
    }
  }
  const auto distinct = [this](const Key& key) {
    return static_cast<double>(bases_[key.one].distinct) *
           static_cast<double>(bases_[key.other].distinct);
  };
  std::stable_sort(joint.begin(), joint.end(),
                   [&](const Key& a, const Key& b) { return distinct(a) > distinct(b); });
  for (const Key& key : joint) {
    if (keys_.size() < kMostKeys) keys_.push_back(key);
  }
}

void Blocking::list_key(std::size_t key) {
  entries_.clear();
  for (RecordIndex record = 0; record < table_->size(); ++record) {
    const Code one = row(record)[keys_[key].one];
    const Code other = row(record)[keys_[key].other];
    if (one == kMissing || other == kMissing) continue;
    entries_.push_back({(std::uint64_t{one} << 32U) | other, record});
  }
  ticker_.tick(table_->size());
  engine::sort_by_number(entries_, [](const Entry& entry) { return entry.number; });
}

void Blocking::list_words(const Bag& bag) {
  entries_.clear();
  for (std::size_t i = 0; i < bag.words.size(); ++i) {
    if (bag.words[i] == kMissing) continue;
    entries_.push_back({bag.words[i], static_cast<RecordIndex>(i / kBagWords)});
  }
  ticker_.tick(bag.words.size());
  engine::sort_by_number(entries_, [](const Entry& entry) { return entry.number; });
}

std::uint64_t Blocking::first_key(RecordIndex a, RecordIndex b) const noexcept {
  std::uint64_t both = small_[a] & small_[b];
  const Code* row_a = row(a);
  const Code* row_b = row(b);
  while (both != 0) {
    const std::uint64_t bit = both & (~both + 1);
    const Key& key = keys_[static_cast<std::size_t>(__builtin_ctzll(both))];
    both ^= bit;
    if (row_a[key.one] == row_b[key.one] && row_a[key.other] == row_b[key.other]) return bit;
  }
  return 0;
}

// Words are gone through bag by bag, and within a bag by their codes.
bool Blocking::is_led_before(std::size_t bag, Code word, RecordIndex a, RecordIndex b) const {
  for (std::size_t i = 0; i <= bag; ++i) {
    for (std::size_t x = 0; x < kBagWords; ++x) {
      const Code one = bags_[i].words[a * kBagWords + x];
      if (one == kMissing || (i == bag && one >= word)) continue;
      for (std::size_t y = 0; y < kBagWords; ++y) {
        if (bags_[i].words[b * kBagWords + y] == one && bags_[i].sizes[one] <= limits_.single)
          return true;
      }
    }
  }
  return false;
}

}  // namespace identity_resolve::match
