#include "match/dictionary.h"

#include <functional>

namespace identity_resolve::match {

Dictionary::Dictionary(Memory& memory)
    : bytes_(&memory), ends_(1, 0, &memory), slots_(64, kMissing, &memory) {}

std::size_t Dictionary::slot_of(std::string_view text) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = std::hash<std::string_view>{}(text)&mask;
  while (slots_[at] != kMissing && this->text(slots_[at]) != text) at = (at + 1) & mask;
  return at;
}

Code Dictionary::find(std::string_view text) const noexcept {
  return text.empty() ? kMissing : slots_[slot_of(text)];
}

Code Dictionary::code_of(std::string_view text) {
  if (text.empty()) return kMissing;
  std::size_t at = slot_of(text);
  if (slots_[at] != kMissing) return slots_[at];
  if (ends_.size() * 2 > slots_.size()) {
    grow();
    at = slot_of(text);
  }
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  ends_.push_back(bytes_.size());
  slots_[at] = static_cast<Code>(ends_.size() - 1);
  return slots_[at];
}

void Dictionary::grow() {
  const std::size_t size = slots_.size() * 2;
  slots_.assign(size, kMissing);
  for (Code code = 1; code < ends_.size(); ++code) slots_[slot_of(text(code))] = code;
}

}  // namespace identity_resolve::match
