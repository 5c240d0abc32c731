// The stages from keys to identities: partition, union, guard and label.
//
// Rows that carry the same key are united, partition by partition; a record's id is a key like any
// other, so several rows of one record are united too. On the way the stage finds what is too
// common, splits the values of fallback kinds, and has the components that break a limit built
// again by the guard (guard.h). doc/guards.md says what is decided and in which order.
//
// Memory: 4 bytes a row for the forest and what one partition's links need; 4 bytes for each
// distinct value of a kind with a limit. Only where they are needed: 4 bytes a row for records of
// several rows, 4 for conflicts, 8 for each fallback priority and 64 sources, and 40 for each
// identifier of evidence. Cost: linear; partitions are gone through a second time where a component
// breaks a limit, for fallback kinds and for evidence.
#pragma once

#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/disjoint_set.h"
#include "engine/environment.h"
#include "engine/guard.h"
#include "engine/key.h"
#include "engine/link_table.h"
#include "engine/row.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// The identifiers that more records of one source carry than their kind's max_records.
struct TooCommon {
  std::uint64_t identifiers = 0;  // how many there are
  // The worst of them, if there is any: the one that most records of one source carry.
  Key key{};
  KindNumber kind{};
  SourceNumber source{};
  std::uint64_t records = 0;
  RowNumber row{};  // of the smallest record id among these
};

class UnionStage {
 public:
  // kinds: their rules; tables: the links, their rows numbered throughout; rows: where each row is
  // kept. All must outlive the object.
  UnionStage(Environment& environment, std::span<const KindRules> kinds, std::size_t sources,
             std::span<const LinkTable* const> tables, std::span<const std::byte* const> rows);

  // Each row's identity; identities are numbered from 0 by their first rows, and `identities`
  // receives how many there are.
  [[nodiscard]] boost::container::pmr::vector<std::uint32_t> run(std::size_t& identities);

  // Afterwards: writes what became of each identifier into the rows' evidence.
  void write_evidence();

  [[nodiscard]] const TooCommon& too_common() const noexcept { return too_common_; }

 private:
  template <class T>
  using Vector = boost::container::pmr::vector<T>;

  // A link of the group at hand, and which record has it.
  struct Member {
    std::uint32_t part;  // of a fallback kind's value
    std::uint32_t record;
    const Link* link;
  };
  // Two rows to be united, for the sake of a group.
  struct Pair {
    std::uint32_t group;
    std::uint32_t leader;
    std::uint32_t row;
  };
  struct Verdict {
    Key key;
    std::uint32_t row;
    std::uint32_t others;
    LinkStatus status;
  };

  [[nodiscard]] const KindRules& rules_of(const KeyGroup& group) const noexcept {
    return kinds_[index(group.kind)];
  }
  [[nodiscard]] static bool is_record(const KeyGroup& group) noexcept {
    return group.kind == kRecordKind;
  }
  [[nodiscard]] bool falls_back(const KeyGroup& group) const noexcept {
    return has_fallback_ && !is_record(group) && rules_of(group).fallback;
  }
  [[nodiscard]] SourceNumber source_of(std::uint32_t row) const noexcept {
    return Row(rows_[row]).source();
  }
  // The first row of a row's record, once find_records() has been called.
  [[nodiscard]] std::uint32_t record_of(RowNumber row) const noexcept {
    const auto number = static_cast<std::uint32_t>(row);
    return record_of_.empty() ? number : record_of_[number];
  }

  // Of one partition.
  template <class Visit>
  void load(std::size_t partition, Visit&& visit);
  void load(std::size_t partition);
  void arrange();
  [[nodiscard]] std::span<const Link* const> links_of(std::size_t group) const noexcept {
    return {arranged_.data() + start_[group], start_[group + 1] - start_[group]};
  }
  void find_too_common(bool report);
  void judge(std::size_t group, bool report);
  void report_too_common(const KeyGroup& group, SourceNumber source,
                         std::span<const std::uint64_t> records);
  void list_members(std::size_t group, bool only_links);
  std::uint32_t split(const KindRules& rules);

  void find_records();
  void unite_all(DisjointSet& sets);
  void note_holders();
  void note_sources();
  void mark_sources(std::size_t group);
  void unite_fallbacks(DisjointSet& sets);

  [[nodiscard]] bool find_conflicts(std::size_t identities);
  void build_again(std::size_t& identities);
  void tell_guard();
  [[nodiscard]] Vector<std::uint32_t> survivorship_ranks() const;
  void label_again(std::size_t& identities);
  void judge_evidence(std::size_t group, Vector<Verdict>& verdicts, std::uint32_t& next_claim);

  Environment* environment_;
  Ticker ticker_;
  std::span<const KindRules> kinds_;
  std::size_t source_count_;
  std::span<const LinkTable* const> tables_;
  std::span<const std::byte* const> rows_;
  std::uint64_t least_max_records_ = std::numeric_limits<std::uint64_t>::max();
  bool has_limits_ = false;
  bool has_fallback_ = false;
  bool has_scattered_limits_ = false;  // limits whose values may lie in several identities

  TooCommon too_common_;
  bool records_are_known_ = false;
  Vector<std::uint32_t> record_of_;  // empty where each row is a record of its own
  Vector<std::uint32_t> identity_of_;

  // One partition.
  std::size_t partition_ = 0;
  KeyIndex index_;
  Vector<Pair> pairs_;
  Vector<std::uint32_t> start_;   // by group, in arranged_
  Vector<const Link*> arranged_;  // by group
  bool is_arranged_ = false;
  Vector<Member> members_;
  Vector<std::uint64_t> counted_;

  // Who holds a value of a limited kind, by kind: one row for each value; and, of kinds whose
  // values may lie in several identities, each (value, row).
  std::vector<Vector<std::uint32_t>> holders_;
  std::vector<Vector<std::pair<std::uint32_t, std::uint32_t>>> scattered_holders_;
  std::uint32_t next_value_ = 0;

  // Of fallback kinds: which sources a record is linked to by stronger identifiers.
  std::vector<std::int32_t> fallback_priorities_;
  std::size_t words_ = 0;  // of 64 sources
  Vector<std::uint64_t> linked_sources_;
  Vector<std::uint16_t> source_of_;
  Vector<std::uint32_t> sources_here_;  // that the group at hand has records of
  Vector<std::uint32_t> place_of_source_;
  Vector<std::uint32_t> first_record_;  // by source: of the group at hand
  Vector<std::uint8_t> several_;        // by source: the group has more records than that one
  Vector<std::uint32_t> cells_;
  Vector<std::uint32_t> forest_;

  // Of conflicts.
  Vector<std::uint8_t> conflicted_;  // by identity
  Vector<std::uint32_t> number_of_;  // by row: the guard's number of the record, or kNoRow
  std::optional<Guard> guard_;       // where there is a conflict
};

}  // namespace identity_resolve::engine
