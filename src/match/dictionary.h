// Values coded once: everything behind it works on codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "match/list.h"

namespace identity_resolve::match {

using Code = std::uint32_t;
inline constexpr Code kMissing = 0;

// Texts and their codes, from 1 in the order of arrival. Memory: the text, 8 bytes a value and 8 to
// 16 for the table, half of which stays empty.
class Dictionary {
 public:
  explicit Dictionary(Memory& memory);

  // The text's code; an empty text is missing.
  Code code_of(std::string_view text);
  // The code of a text that may not be there: kMissing then.
  [[nodiscard]] Code find(std::string_view text) const noexcept;
  // Valid until the next code_of().
  [[nodiscard]] std::string_view text(Code code) const noexcept {
    return {bytes_.data() + ends_[code - 1], ends_[code] - ends_[code - 1]};
  }
  // One more than the greatest code.
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }

 private:
  [[nodiscard]] std::size_t slot_of(std::string_view text) const noexcept;
  void grow();

  List<char> bytes_;
  List<std::size_t> ends_;  // of each code's text in bytes_
  List<Code> slots_;
};

}  // namespace identity_resolve::match
