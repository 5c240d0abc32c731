#include "engine/spelling_gaps.h"

#include <algorithm>

namespace identity_resolve::engine {

namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_mark(char c) noexcept {
  return c == '-' || c == '_' || c == '{' || c == '}' || c == '(' || c == ')' || c == '[' ||
         c == ']' || c == '"' || c == '\'';
}

std::string without_case(std::string_view value) {
  std::string result(value);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}
std::string without_blanks(std::string_view value) {
  std::string result(value);
  std::erase_if(result, is_blank);
  return result;
}
std::string without_marks(std::string_view value) {
  std::string result(value);
  std::erase_if(result, is_mark);
  return result;
}
// 42.0 and 42.00 are 42; 4.20 stays.
std::string without_decimals(std::string_view value) {
  const std::size_t point = value.find('.');
  if (point == std::string_view::npos || point == 0 || point + 1 == value.size()) {
    return std::string(value);
  }
  if (!std::ranges::all_of(value.substr(0, point), is_digit) ||
      !std::ranges::all_of(value.substr(point + 1), [](char c) { return c == '0'; })) {
    return std::string(value);
  }
  return std::string(value.substr(0, point));
}
// 007 is 7; only of numbers, as 0x and 00Q31000 are something else without theirs.
std::string without_zeros(std::string_view value) {
  if (!std::ranges::all_of(value, is_digit)) return std::string(value);
  const std::size_t first = std::min(value.find_first_not_of('0'), value.size());
  return std::string(value.substr(first == value.size() && first > 0 ? first - 1 : first));
}

// FNV-1a with a last mixing: the same on every machine.
std::uint64_t hash_of(std::string_view bytes) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  hash ^= hash >> 29U;
  hash *= 0xBF58476D1CE4E5B9U;
  return hash ^ (hash >> 32U);
}

}  // namespace

std::string loose_reading(std::string_view value) {
  return without_zeros(without_decimals(without_marks(without_blanks(without_case(value)))));
}

SpellingGap gap_between(std::string_view a, std::string_view b) {
  if (without_case(a) == without_case(b)) return SpellingGap::kCase;
  if (without_zeros(a) == without_zeros(b)) return SpellingGap::kZeros;
  if (without_decimals(a) == without_decimals(b)) return SpellingGap::kDecimals;
  if (without_blanks(a) == without_blanks(b)) return SpellingGap::kBlanks;
  if (without_marks(a) == without_marks(b)) return SpellingGap::kMarks;
  return SpellingGap::kSeveral;
}

void SpellingGaps::add(SourceNumber source, std::string_view value) {
  std::string reading = loose_reading(value);
  if (reading.empty() || (hash_of(reading) & mask_) != 0) return;
  std::vector<Spelled>& group = groups_[std::move(reading)];
  Spelled spelled{source, std::string(value)};
  const auto at = std::ranges::lower_bound(group, spelled);
  if (at == group.end() || *at != spelled) group.insert(at, std::move(spelled));
  if (group.size() > kMostSpellings) group.pop_back();
  if (groups_.size() > most_groups_) thin_out();
}

void SpellingGaps::thin_out() {
  while (groups_.size() > most_groups_) {
    mask_ = mask_ << 1U | 1U;
    std::erase_if(groups_, [&](const auto& group) { return (hash_of(group.first) & mask_) != 0; });
  }
}

std::span<const SpellingGaps::Spelled> SpellingGaps::first_run(std::span<const Spelled> group) {
  const auto end = std::ranges::find_if(
      group, [&](const Spelled& at) { return at.source != group.front().source; });
  return group.first(static_cast<std::size_t>(end - group.begin()));
}

bool SpellingGaps::share_a_value(std::span<const Spelled> a, std::span<const Spelled> b) {
  return std::ranges::any_of(a, [&](const Spelled& one) {
    return std::ranges::any_of(b, [&](const Spelled& other) { return other.value == one.value; });
  });
}

void SpellingGaps::compare(const std::string& reading, std::span<const Spelled> group,
                           Pairs& pairs) {
  while (!group.empty()) {
    const std::span<const Spelled> a = first_run(group);
    group = group.subspan(a.size());
    for (std::span<const Spelled> rest = group; !rest.empty();) {
      const std::span<const Spelled> b = first_run(rest);
      rest = rest.subspan(b.size());
      if (share_a_value(a, b)) continue;
      Pair& pair = pairs[{a.front().source, b.front().source}];
      ++pair.found.values;
      const SpellingGap gap = gap_between(a.front().value, b.front().value);
      if (!pair.gap) pair.gap = gap;
      if (*pair.gap != gap) pair.gap = SpellingGap::kSeveral;
      if (pair.found.values > 1 && pair.reading <= reading) continue;
      pair.reading = reading;
      pair.found.in_source = a.front().value;
      pair.found.in_other = b.front().value;
    }
  }
}

std::vector<SpellingGaps::Found> SpellingGaps::find() const {
  Pairs pairs;
  for (const auto& [reading, group] : groups_) compare(reading, group, pairs);
  std::vector<Found> result;
  result.reserve(pairs.size());
  for (auto& [sources, pair] : pairs) {
    pair.found.source = sources.first;
    pair.found.other = sources.second;
    pair.found.values *= mask_ + 1;
    pair.found.is_estimate = mask_ != 0;
    pair.found.gap = pair.gap.value_or(SpellingGap::kSeveral);
    result.push_back(std::move(pair.found));
  }
  return result;
}

}  // namespace identity_resolve::engine
