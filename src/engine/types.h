// The engine's numbers, as types of their own so that they cannot be mixed up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

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

// What a caller knows of an identifier before any other record is looked at.
enum class Standing : std::uint8_t {
  kValid,     // may link, as its kind's rules have it
  kGivesWay,  // as kValid, but in a conflict every other identifier comes first
  // From here on none links.
  kNoScope,  // of a scoped kind, and its row does not say in which scope: counts, never links
  // From here on none is shown before others.
  kTooCommonInScope,  // too many records of its scope carry it, as the caller knows: counts
  // From here on none counts for a limit.
  kInvalid,  // is none of its kind
  kBlocked,  // a rule forbids the value
};

// Which of a column's values is shown: the first of the best class there is. doc/guards.md, "What
// is shown".
enum class Showing : std::uint8_t {
  kFirst,      // the person's own; also what is carried and links nobody by its kind
  kContested,  // people who cannot be one have it, and none of them for sure: shown only where
               // there is no value of the first class
  kLast,       // it never links: invalid, blocked or too common
  kNever,      // it belongs to somebody else
};

// What became of an identifier of a record. The names that users see: status_name().
enum class LinkStatus : std::uint8_t {
  kLinks,       // joins the record to another record of its identity
  kAlone,       // no other record carries it
  kInvalid,     // Standing::kInvalid
  kBlocked,     // Standing::kBlocked
  kTooCommon,   // more records of one source carry it than KindRules::max_records
  kConflict,    // the link would break a limit, and a stronger claim came first
  kAmbiguous,   // people with equally strong claims: it joins none of them
  kNotLinking,  // its kind does not link, its row has no scope, or, of a fallback kind, a stronger
                // identifier does
};

inline constexpr std::size_t kLinkStatuses = 8;

// The status as users read it: links, alone, invalid, blocked, too_common, conflict, ambiguous,
// not_linking.
[[nodiscard]] std::string_view status_name(LinkStatus status) noexcept;

// The rules of a kind of identifier: what it may do. doc/guards.md says how they work together.
struct KindRules {
  bool links = true;
  bool fallback = false;                 // links two records only where no stronger kind does
  bool ties_by_data = false;             // a tie is settled by the data's own order
  std::int32_t priority = 0;             // the greater is the stronger kind
  std::uint64_t max_records = 0;         // of one source that may carry a value; 0: any number
  std::uint64_t max_records_in_all = 0;  // of all sources together; 0: any number
  std::uint64_t max_per_identity = 0;    // distinct values in one identity; 0: any number
  // An identifier that gives way links only as long as no source has it on more than so many
  // records that nothing else unites; 0: on any number.
  std::uint64_t role_max_records = 0;
  // What no honest data has, and is told of; 0: any number.
  std::uint64_t warn_records = 0;      // of one source with one value
  std::uint64_t warn_identifiers = 0;  // of the kind on one record
  // Equal values link only within a scope, which is a part of their keys. Limits count the values
  // by themselves: one value in two scopes is one.
  bool scoped = false;
  bool tells_of_scope = false;     // the values that their scope alone keeps apart are counted
  bool has_default_limit = false;  // what max_per_identity refuses is counted: nobody asked for it

  // The kind only keeps apart, and one identity has one value of it: to find who breaks that, rows
  // are gone through once, and nobody asks who else has a value.
  [[nodiscard]] constexpr bool only_keeps_apart() const noexcept {
    return !links && max_per_identity == 1;
  }
  // A value that no more records carry needs no look, whoever they are; 0: none does.
  [[nodiscard]] constexpr std::uint64_t least_looked_at() const noexcept {
    const std::uint64_t least = least_max_records();
    return least == 0 || (warn_records != 0 && warn_records < least) ? warn_records : least;
  }
  // A value that no more records carry is not too common, whoever they are; 0: none is.
  [[nodiscard]] constexpr std::uint64_t least_max_records() const noexcept {
    if (max_records == 0 || max_records_in_all == 0) return max_records + max_records_in_all;
    return max_records < max_records_in_all ? max_records : max_records_in_all;
  }
};

template <class Number>
constexpr std::size_t index(Number number) noexcept {
  return static_cast<std::size_t>(number);
}

// The identifiers of a row that may link are numbered from 1, so that a value of the row can tell
// which one it shows; 0: none. kByKeys: one that comes too late in its row to have a number of its
// own, or one of several that a value has; the value tells their keys.
inline constexpr std::uint16_t kByKeys = (1U << 13) - 1;

// Rows one resolver can hold; the last number is kept free.
inline constexpr std::size_t kMaxRows = std::numeric_limits<std::uint32_t>::max() - 1;

// "No updated_at": older than every real one. Microseconds otherwise, of any epoch, as they are
// compared only within one source.
inline constexpr std::int64_t kNeverUpdated = std::numeric_limits<std::int64_t>::min();

}  // namespace identity_resolve::engine
