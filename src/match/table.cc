#include "match/table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"
#include "match/nickname.h"

namespace identity_resolve::match {

namespace {

bool is_name(FieldKind kind) {
  return kind == FieldKind::kGivenName || kind == FieldKind::kMiddleName ||
         kind == FieldKind::kSurname;
}

template <class Each>
void each_word(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Table::Table(Memory& memory)
    : memory_(&memory),
      rows_(&memory),
      stamps_(&memory),
      sources_(&memory),
      exact_(&memory),
      arrivals_(&memory) {}

std::size_t Table::add_column(FieldKind kind, std::string name) {
  if (columns_.size() == kMostColumns) {
    throw engine::Error("54000", "too many fields to compare people by",
                        "At most 24 kinds are compared.", "Leave out those that tell least.");
  }
  Values* values = is_name(kind) ? names_ : nullptr;
  if (values == nullptr) {
    values_.push_back(std::make_unique<Values>(*memory_));
    values = values_.back().get();
    if (is_name(kind)) names_ = values;
  }
  columns_.emplace_back(kind, std::move(name), values->dictionary, values->prepared, *memory_);
  return columns_.size() - 1;
}

void Table::add(std::uint64_t stamp, std::uint32_t source, std::uint32_t identity,
                std::span<const std::string_view> values) {
  arrivals_.push_back(static_cast<std::uint32_t>(stamps_.size()));
  stamps_.push_back(stamp);
  sources_.push_back(source);
  exact_.push_back(identity);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    rows_.push_back(columns_[i].dictionary->code_of(values[i]));
  }
}

void Table::finish() {
  std::sort(arrivals_.begin(), arrivals_.end(),
            [this](std::uint32_t a, std::uint32_t b) { return stamps_[a] < stamps_[b]; });
  const auto arrange = [this](auto& list) {
    auto arranged = list;
    for (std::size_t i = 0; i < list.size(); ++i) arranged[i] = list[arrivals_[i]];
    list = std::move(arranged);
  };
  arrange(stamps_);
  arrange(sources_);
  arrange(exact_);
  List<RecordIndex> firsts(memory_);
  for (RecordIndex record = 0; record < exact_.size(); ++record) {
    const std::uint32_t identity = exact_[record];
    if (identity >= firsts.size()) firsts.resize(identity + std::size_t{1}, UINT32_MAX);
    if (firsts[identity] == UINT32_MAX) firsts[identity] = record;
    exact_[record] = firsts[identity];
  }
  List<Code> rows(rows_.size(), kMissing, memory_);
  for (std::size_t i = 0; i < size(); ++i) {
    std::copy_n(row(arrivals_[i]), columns_.size(),
                rows.begin() + static_cast<std::ptrdiff_t>(i * columns_.size()));
  }
  rows_ = std::move(rows);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    column.counts.assign(column.dictionary->size(), 0);
    for (RecordIndex record = 0; record < size(); ++record) ++column.counts[row(record)[i]];
    column.filled = static_cast<std::uint32_t>(size()) - column.counts[kMissing];
    column.counts[kMissing] = 0;
    if (column.is_bag()) {
      read_words(column);
    } else {
      prepare(column);
    }
  }
}

void Table::prepare(const Column& column) {
  const Dictionary& values = *column.dictionary;
  Prepared& prepared = *column.prepared;
  if (prepared.padded.size() == values.size()) return;
  prepared.padded.resize(values.size());
  if (is_name(column.kind)) prepared.nicknames.resize(values.size());
  for (Code code = 1; code < values.size(); ++code) {
    const std::string_view text = values.text(code);
    const std::optional<Padded> padded = Padded::of(text);
    if (padded) {
      prepared.padded[code] = *padded;
    } else {
      prepared.padded[code].length = Prepared::kLong;
    }
    if (is_name(column.kind))
      prepared.nicknames[code] = nickname_groups(text.substr(0, text.find(' ')));
  }
}

// A word that a value has twice counts once.
void Table::read_words(Column& column) {
  column.words = std::make_unique<Words>(*memory_);
  Words& words = *column.words;
  words.ends.push_back(0);
  std::vector<Code> here;
  for (Code value = 1; value < column.dictionary->size(); ++value) {
    here.clear();
    each_word(column.dictionary->text(value), [&](std::string_view word) {
      const Code code = words.dictionary.code_of(word);
      if (std::find(here.begin(), here.end(), code) == here.end()) here.push_back(code);
    });
    words.counts.resize(words.dictionary.size(), 0);
    for (const Code code : here) words.counts[code] += column.counts[value];
    words.of_value.insert(words.of_value.end(), here.begin(), here.end());
    words.ends.push_back(static_cast<std::uint32_t>(words.of_value.size()));
  }
  words.counts.resize(words.dictionary.size(), 0);
  words.bits.assign(words.dictionary.size(), 0);
  for (Code word = 1; word < words.bits.size(); ++word) {
    words.bits[word] = static_cast<float>(
        std::log2(static_cast<double>(std::max<std::uint32_t>(column.filled, 2)) /
                  std::max<std::uint32_t>(words.counts[word], 1)));
  }
}

std::optional<std::size_t> Table::column_of(FieldKind kind) const noexcept {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].kind == kind) return i;
  }
  return std::nullopt;
}

}  // namespace identity_resolve::match
