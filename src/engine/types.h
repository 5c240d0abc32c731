// The engine's numbers, as types of their own so that they cannot be mixed up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace identity_resolve::engine {

// A source's place in the clause list: its precedence.
enum class SourceNumber : std::uint16_t {};
// A kind of identifier, as numbered by the caller.
enum class KindNumber : std::uint16_t {};
// A row of a source in order of arrival; several rows may be one record (same source and id).
enum class RowNumber : std::uint32_t {};
// An identity, numbered by its first row.
enum class IdentityNumber : std::uint32_t {};
// A place for values that are carried to the output.
enum class SlotNumber : std::uint16_t {};

template <class Number>
constexpr std::size_t index(Number number) noexcept {
  return static_cast<std::size_t>(number);
}

// Rows one resolver can hold; the last number is kept free.
inline constexpr std::size_t kMaxRows = std::numeric_limits<std::uint32_t>::max() - 1;

// "No updated_at": older than every real one. Microseconds otherwise, of any epoch, as they are
// compared only within one source.
inline constexpr std::int64_t kNeverUpdated = std::numeric_limits<std::int64_t>::min();

}  // namespace identity_resolve::engine
