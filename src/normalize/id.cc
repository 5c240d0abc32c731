#include "normalize/id.h"

#include <array>
#include <string>

#include "normalize/ascii.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

constexpr bool is_hex(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }

// Whether `text` starts with `prefix` in any case, and if so `text` without it.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (to_lower(text[i]) != to_lower(prefix[i])) return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

// `text` without the brackets or quotes around it, if both are there.
bool take_around(std::string_view& text, char open, char close) {
  if (text.size() < 2 || text.front() != open || text.back() != close) return false;
  text = text.substr(1, text.size() - 2);
  return true;
}

constexpr std::size_t kShort = 15;
constexpr std::size_t kLong = 18;
constexpr std::string_view kChecks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

// Which check character says that these five characters have their capitals where they have them.
char check_of(std::string_view five) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < five.size(); ++i) {
    if (is_upper(five[i])) bits |= 1U << i;
  }
  return kChecks[bits];
}

// Whether the letters of `text` are all capitals or all not: then a tool may have changed their
// case.
bool is_one_case(std::string_view text) {
  bool capitals = false;
  bool small = false;
  for (const char c : text) {
    capitals = capitals || is_upper(c);
    small = small || (is_letter(c) && !is_upper(c));
  }
  return !(capitals && small);
}

// Gives the first 15 characters the case that the last three tell. False if one of them is no check
// character, or wants a digit to be a capital.
bool restore_case(std::string_view text, std::array<char, kLong>& id) {
  for (std::size_t i = 0; i < kShort; ++i) {
    const std::size_t bits = kChecks.find(to_upper(text[kShort + i / 5]));
    if (bits == std::string_view::npos) return false;
    const bool capital = ((bits >> (i % 5)) & 1U) != 0;
    if (capital && !is_letter(text[i])) return false;
    id[i] = capital ? to_upper(text[i]) : to_lower(text[i]);
  }
  return true;
}

}  // namespace

Result normalize_salesforce_id(std::string_view utf8, Scratch& scratch) {
  const std::string_view text = trim(utf8);
  if (text.empty()) return {Status::kBlank, {}};
  if (text.size() != kShort && text.size() != kLong) return {Status::kInvalid, text};
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c)) return {Status::kInvalid, text};
  }
  std::array<char, kLong> id{};
  text.copy(id.data(), kShort);
  if (text.size() == kLong && is_one_case(text.substr(0, kShort)) && !restore_case(text, id)) {
    return {Status::kInvalid, text};
  }
  for (std::size_t group = 0; group < 3; ++group) {
    const char check = check_of({id.data() + group * 5, 5});
    if (text.size() == kLong && to_upper(text[kShort + group]) != check) {
      return {Status::kInvalid, text};
    }
    id[kShort + group] = check;
  }
  scratch.assign(id.data(), id.size());
  return {Status::kValid, scratch};
}

Result normalize_uuid(std::string_view utf8, Scratch& scratch) {
  const std::string_view typed = trim(utf8);
  if (typed.empty()) return {Status::kBlank, {}};
  std::string_view text = typed;
  if (!take_prefix(text, "urn:uuid:")) take_around(text, '{', '}');
  constexpr std::size_t kDigits = 32;
  const bool hyphens = text.size() == kDigits + 4;
  if (!hyphens && text.size() != kDigits) return {Status::kInvalid, typed};
  std::array<char, kDigits + 4> uuid{};
  bool nil = true;
  bool max = true;
  std::size_t from = 0;
  for (std::size_t to = 0; to < uuid.size(); ++to) {
    if (to == 8 || to == 13 || to == 18 || to == 23) {
      uuid[to] = '-';
      if (hyphens && text[from++] != '-') return {Status::kInvalid, typed};
      continue;
    }
    const char c = to_lower(text[from++]);
    if (!is_hex(c)) return {Status::kInvalid, typed};
    nil = nil && c == '0';
    max = max && c == 'f';
    uuid[to] = c;
  }
  if (nil || max) return {Status::kInvalid, typed};
  scratch.assign(uuid.data(), uuid.size());
  return {Status::kValid, scratch};
}

Result normalize_object_id(std::string_view utf8, Scratch& scratch) {
  const std::string_view typed = trim(utf8);
  if (typed.empty()) return {Status::kBlank, {}};
  std::string_view text = typed;
  if (take_prefix(text, "ObjectId")) {
    if (!take_around(text, '(', ')')) return {Status::kInvalid, typed};
    text = trim_ascii(text);
    if (!take_around(text, '"', '"')) take_around(text, '\'', '\'');
  }
  constexpr std::size_t kDigits = 24;
  if (text.size() != kDigits) return {Status::kInvalid, typed};
  for (const char c : text) {
    if (!is_hex(c)) return {Status::kInvalid, typed};
  }
  scratch.assign(text);
  lower_ascii(scratch);
  return {Status::kValid, scratch};
}

}  // namespace identity_resolve::normalize
