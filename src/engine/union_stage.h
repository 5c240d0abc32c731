// The stages from keys to identities: partition, union, guard and label.
//
// Rows that carry the same key are united, partition by partition; a record's id is a key like any
// other, so several rows of one record are united too. On the way the stage finds what is too
// common, splits the values of fallback kinds, and has the components that break a limit built
// again by the guard (guard.h). doc/guards.md says what is decided and in which order. What only
// some calls need is in union_fallbacks.cc, union_conflicts.cc and union_evidence.cc.
//
// Memory: 4 bytes a row for the forest, 1 a row for each kind with a limit, and what one
// partition's links need. Only where they are needed: 4 bytes a row for records of several rows, 8
// for each fallback priority and 64 sources, and for records in a conflict what the guard needs.
// A partition that would take more than half of the budget is gone through without being loaded,
// as far as no guard wants to see its links side by side.
// Cost: linear; partitions are gone through a second time where a component breaks a limit, for
// fallback kinds and for evidence.
#pragma once

#include <array>
#include <boost/container/pmr/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/delay_line.h"
#include "engine/disjoint_set.h"
#include "engine/environment.h"
#include "engine/guard_batches.h"
#include "engine/key.h"
#include "engine/link_table.h"
#include "engine/row.h"
#include "engine/row_log.h"
#include "engine/row_subset.h"
#include "engine/row_verdicts.h"
#include "engine/types.h"

namespace identity_resolve::engine {

// The identifiers that more records carry than their kind's max_records and max_records_in_all.
struct TooCommon {
  static constexpr SourceNumber kAllSources{std::numeric_limits<std::uint16_t>::max()};
  // Of so many that are equally common none is the worst.
  static constexpr std::size_t kMostNamed = 1000;

  std::uint64_t identifiers = 0;  // how many there are
  // The worst of them, if there is any: those that most records of one source carry; between
  // equals the first source, then the first kind.
  std::uint64_t records = 0;
  SourceNumber source{};  // kAllSources: all of them together
  KindNumber kind{};
  std::uint64_t worst = 0;     // how many these are
  std::vector<Key> keys = {};  // and which, up to kMostNamed

  // Takes an identifier that so many records of a source carry; keeps the worst.
  void keep(const Key& key, SourceNumber of, KindNumber its_kind, std::uint64_t carriers);
};

// Records of a source that hold more identifiers of a kind than KindRules::warn_identifiers.
struct Hoards {
  SourceNumber source;
  KindNumber kind;
  std::uint64_t records = 0;
  std::uint64_t most = 0;                // identifiers on one of them
  std::vector<std::uint32_t> rows = {};  // of those with most, by number
};

// From this row on, up to the next run, the rows are of this source.
struct SourceRun {
  std::uint32_t first_row;
  SourceNumber source;
};

// What a stage works on; all of it outlives the stage.
struct UnionInput {
  std::span<const KindRules> kinds;
  std::size_t sources;
  std::span<const LoggedLinks> links;  // the rows numbered throughout
  std::span<const LoggedRows> rows;
  std::span<const SourceRun> runs;  // by row
  std::size_t row_count;
  bool keep_evidence;
  bool tells_of_limits;
  RowVerdicts<ValueVerdict>* values;  // where values are judged; nullptr where they are not
};

class UnionStage {
 public:
  UnionStage(Environment& environment, const UnionInput& input);

  // Gives how many identities there are; identity_of() then tells each row's. They are numbered
  // from 0 by their first rows.
  [[nodiscard]] std::size_t run();
  [[nodiscard]] std::span<const std::uint32_t> identity_of() const noexcept {
    return {identity_of_.data(), identity_of_.size()};
  }
  // The first row of each row's record; empty where each row is a record of its own. While the
  // links are there.
  [[nodiscard]] boost::container::pmr::vector<std::uint32_t> take_records() {
    find_records();
    return std::move(record_of_);
  }
  // Afterwards: hoards by source and kind, the same whatever the rows' order. most_on_a_row: no row
  // carries more identifiers.
  [[nodiscard]] std::vector<Hoards> find_hoards(std::uint64_t most_on_a_row);
  // Forgets everything but identity_of().
  void forget_links() noexcept;
  // identity_of(), for good.
  [[nodiscard]] boost::container::pmr::vector<std::uint32_t> take_identities() noexcept {
    return std::move(identity_of_);
  }

  // Afterwards, with evidence: what became of each identifier.
  void write_evidence(RowVerdicts<Verdict>& verdicts);

  [[nodiscard]] const TooCommon& too_common() const noexcept { return too_common_; }
  // Those that link, but are on more records than KindRules::warn_records.
  [[nodiscard]] const TooCommon& frequent() const noexcept { return frequent_; }
  // Those that give way and are on more records than KindRules::role_max_records, counting as one
  // those that something else unites.
  [[nodiscard]] const TooCommon& shared_roles() const noexcept { return shared_roles_; }
  // By source: how many such identifiers are on too many of its own records; empty for none.
  [[nodiscard]] std::vector<std::uint64_t> take_roles_shared_in() noexcept {
    return std::move(roles_shared_in_);
  }
  // Afterwards: by kind, how many links its limit refused, which is a default; empty for none.
  [[nodiscard]] std::vector<std::uint64_t> take_refused_by_default() noexcept {
    return std::move(refused_by_default_);
  }
  // Afterwards, while the links are there: by kind, how many values are in several sources and in
  // several identities. Of the kinds that tell of their scope, 0 for the others.
  [[nodiscard]] std::vector<std::uint64_t> count_kept_apart_by_scope();

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
  // A row that holds a value of a kind with a limit; a value's rows come one behind the other.
  struct Holding {
    std::uint32_t value;
    std::uint32_t row;
  };

  // A record, by the guard's number, that holds a value of a kind with a default limit.
  struct HeldByDefault {
    Guard::Number record;
    Guard::Number value;
    std::uint32_t limit;  // its place in default_limits_
  };

  // A link of the group at hand, and whose it is, by the guard's number.
  struct ClaimHere {
    Guard::Number record;
    const Link* link;
  };

  // A link of which a claim was made: a record has several such where several rows have its key.
  struct ClaimedLink {
    Guard::Number claim;
    std::uint32_t row;
    std::uint16_t ordinal;
  };

  static constexpr std::uint8_t kMostCounted = 255;

  [[nodiscard]] const KindRules& rules_of(const KeyGroup& group) const noexcept {
    return kinds_[index(group.kind)];
  }
  [[nodiscard]] static bool is_record(const KeyGroup& group) noexcept {
    return group.kind == kRecordKind;
  }
  // Whether an identifier is united last, once it is known what all others unite.
  [[nodiscard]] bool is_limited_role(const KeyGroup& group) const noexcept {
    return group.gives_way && !is_record(group) && rules_of(group).links &&
           rules_of(group).role_max_records != 0;
  }
  [[nodiscard]] bool falls_back(const KeyGroup& group) const noexcept {
    return has_fallback_ && !is_record(group) && rules_of(group).fallback;
  }
  // Whether a limit is one whose values are counted by row: each lies within one identity.
  [[nodiscard]] static bool counted_by_row(const KindRules& rules) noexcept {
    return rules.max_per_identity != 0 && rules.max_per_identity < kMostCounted && rules.links &&
           !rules.fallback && !rules.scoped;
  }
  [[nodiscard]] SourceNumber source_of(std::uint32_t row) const noexcept;
  [[nodiscard]] bool is_conflicted(std::uint32_t row) const noexcept {
    return conflicted_rows_.contains(row);
  }
  [[nodiscard]] Guard::Number guard_number(std::uint32_t row) const noexcept {
    return guard_number_at(conflicted_rows_.number_of(row));
  }
  // That of the row which comes so many rows after the first one in a conflict.
  [[nodiscard]] Guard::Number guard_number_at(std::uint32_t place) const noexcept {
    return number_of_.empty() ? place : number_of_[place];
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
  void load_conflicted(std::size_t partition);
  template <class Visit>
  void each_link(Visit&& visit) const;
  // Calls visit(link) for each link of a partition, piece by piece.
  template <class Visit>
  void stream(std::size_t partition, Visit&& visit);
  [[nodiscard]] std::size_t links_in(std::size_t partition) const noexcept;
  [[nodiscard]] bool is_too_large(std::size_t partition) const noexcept;
  void arrange();
  [[nodiscard]] std::span<const Link* const> links_of(std::size_t group) const noexcept {
    return {arranged_.data() + start_[group], start_[group + 1] - start_[group]};
  }
  [[nodiscard]] bool may_be_too_common(const KeyGroup& group) const noexcept {
    if (group.links <= least_looked_at_ || is_record(group)) return false;
    const std::uint64_t most = rules_of(group).least_looked_at();
    return most != 0 && group.links > most;
  }
  void find_too_common(bool report);
  void judge(std::size_t group, bool report);
  void check_count(KeyGroup& group, SourceNumber source, std::uint64_t records, bool report);
  void count_streamed();
  void close_too_common_keys();
  void sort_keys(Vector<Key>& keys, std::size_t first);
  void mark_too_common(std::span<const Key> keys);
  [[nodiscard]] std::span<const Key> too_common_keys_of(std::size_t partition) const noexcept {
    return {too_common_keys_.data() + first_too_common_key_[partition],
            too_common_count_[partition]};
  }
  void report_too_common(const KeyGroup& group, SourceNumber source, std::uint64_t records);
  void show_last(const Link& link);
  void show_last(std::size_t group);
  void show_too_common_last();
  void list_members(std::size_t group, bool only_links);
  std::uint32_t split(const KindRules& rules);

  [[nodiscard]] DisjointSet sets() noexcept {
    return DisjointSet({identity_of_.data(), identity_of_.size()});
  }
  void find_records();
  void unite_all();
  void unite_partition(std::size_t partition);
  void unite_streamed(std::size_t partition);
  void note_holders();
  void note_scattered_holders();
  void note_sources();
  void mark_sources(std::size_t group);
  void unite_fallbacks();
  void unite_within_parts(std::size_t group, DisjointSet& forest);
  void keep_role(const Link& link) {
    if (link.gives_way && kinds_[index(link.kind)].role_max_records != 0) role_links_.add(link);
  }
  void note_rows_of(const KeyGroup& group) noexcept {
    if (is_record(group)) most_rows_ = std::max<std::uint64_t>(most_rows_, group.links);
  }
  [[nodiscard]] Vector<std::uint32_t> count_identifiers();
  [[nodiscard]] Vector<std::uint32_t> count_distinct(const Vector<std::uint32_t>& place,
                                                     std::size_t suspects);
  [[nodiscard]] std::vector<Hoards> tell_hoards(const Vector<std::uint32_t>& counts,
                                                const Vector<std::uint32_t>& suspects);
  void add_rows_of_records(std::vector<Hoards>& all);
  void unite_roles();
  void judge_roles(std::size_t partition);
  void judge_role(std::size_t group);
  void unite_roles_of(std::size_t partition);
  void mark_shared_roles();

  [[nodiscard]] bool find_conflicts();
  // Calls visit(identity) for each value of a held kind that an identity has beside another one.
  template <class Visit>
  void each_second_value(KindNumber kind, Visit&& visit);
  void build_again();
  void tell_guard();
  void tell_claims(std::size_t group);
  void tell_claimed(std::size_t group);
  void tell_held();
  void tell_holding(const Link& link, Guard::Number value);
  void note_claim(Guard::Number claim, const Link& link);
  void judge_claims();
  // A kind's place in default_limits_; kNoDefaultLimit where its limit is none that is told of.
  [[nodiscard]] std::uint32_t default_limit_of(KindNumber kind) const noexcept;
  void count_refused();
  [[nodiscard]] Vector<std::uint32_t> survivorship_ranks();
  void label_again();
  template <class Judged>
  void judge_evidence(std::size_t group, std::uint32_t& next_claim, Judged&& give);

  Environment* environment_;
  Ticker ticker_;
  std::span<const KindRules> kinds_;
  std::size_t source_count_;
  std::span<const LoggedLinks> tables_;
  std::span<const LoggedRows> rows_;
  std::span<const SourceRun> runs_;
  std::size_t row_count_;
  std::uint64_t least_looked_at_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint16_t> limit_of_kind_;  // of those counted by row
  std::size_t limits_ = 0;                    // how many these are
  std::vector<KindNumber> held_kinds_;        // those whose links are in LinkTable::kHeld
  std::vector<KindNumber> scattered_kinds_;   // the other ones with a limit

  std::size_t identities_ = 0;
  Vector<std::uint32_t> identity_of_;  // the forest, until it is labelled
  // How many values of a limited kind each row stands for, up to kMostCounted, by limit.
  std::vector<Vector<std::uint8_t>> holders_;
  TooCommon too_common_;
  TooCommon frequent_;
  std::uint64_t most_rows_ = 1;  // of one record

  // The links of identifiers with a role_max_records, and those of these that do not link, by
  // partition and sorted.
  LinkTable role_links_;
  Spill role_spill_;
  TooCommon shared_roles_;
  std::vector<std::uint64_t> roles_shared_in_;
  Vector<Key> shared_role_keys_;
  std::array<std::size_t, LinkTable::kPartitions + 1> first_shared_role_{};
  bool roles_are_judged_ = false;
  Vector<std::uint32_t> record_of_;  // empty where each row is a record of its own

  // One partition.
  std::size_t partition_ = 0;
  Vector<Link> loaded_;  // its spilled links
  Vector<Link> piece_;
  KeyIndex index_;
  Vector<Pair> pairs_;
  Vector<std::uint32_t> start_;   // by group, in arranged_
  Vector<const Link*> arranged_;  // by group
  Vector<std::pair<const Link*, std::uint32_t>>
      in_conflict_;  // only_conflicted_: links, and their groups
  Vector<Member> members_;
  Vector<std::uint64_t> counted_;
  Vector<Key> too_common_keys_;  // those of a partition together, sorted
  std::array<std::size_t, LinkTable::kPartitions> first_too_common_key_{};
  std::array<std::size_t, LinkTable::kPartitions> too_common_count_{};

  // Who holds the values of the scattered kinds, by place in scattered_kinds_.
  PartitionedLog<Holding> scattered_holders_;
  Spill holders_spill_;

  // Of fallback kinds: which sources a record is linked to by stronger identifiers.
  std::vector<std::int32_t> fallback_priorities_;
  std::size_t words_ = 0;  // of 64 sources
  Vector<std::uint64_t> linked_sources_;
  Vector<std::uint16_t> source_of_;     // by row
  Vector<std::uint32_t> sources_here_;  // that the group at hand has records of
  Vector<std::uint32_t> place_of_source_;
  Vector<std::uint32_t> first_record_;  // by source: of the group at hand
  Vector<std::uint8_t> several_;        // by source: the group has more records than that one
  Vector<std::uint32_t> cells_;
  Vector<std::uint32_t> forest_;

  // Of conflicts.
  // By identity: 0 for none; else which limits it breaks: of default_limits_ a bit each, the other
  // ones kOtherLimits.
  static constexpr std::uint8_t kOtherLimits = 128;
  static constexpr std::size_t kMostDefaultLimits = 7;
  static constexpr std::uint32_t kNoDefaultLimit = UINT32_MAX;
  Vector<std::uint8_t> conflicted_;
  Vector<std::uint8_t> broken_limits_;      // the same, of the guard's components
  std::vector<KindNumber> default_limits_;  // that nobody asked for, and that are told of
  Vector<HeldByDefault> held_by_default_;
  std::vector<std::uint64_t> refused_by_default_;
  RowSubset conflicted_rows_;  // theirs
  // Of these rows: the guard's numbers of their records; empty where each row is one.
  Vector<std::uint32_t> number_of_;
  std::optional<GuardBatches> guard_;  // where there is a conflict
  Vector<ClaimHere> claims_here_;
  Vector<ClaimedLink> claimed_links_;  // where values are judged
  Vector<Key> claimed_keys_;           // of those without a number of their own (kByKeys)

  RowVerdicts<ValueVerdict>* values_;
  std::uint32_t next_value_ = 0;  // of scattered_holders_
  bool keep_evidence_;
  bool tells_of_limits_;
  bool has_limits_ = false;
  bool has_fallback_ = false;
  bool records_are_known_ = false;
  bool only_conflicted_ = false;  // of the partition only links of rows in a conflict are seen
  bool is_arranged_ = false;      // the partition's links, by group
};

template <class Visit>
void UnionStage::stream(std::size_t partition, Visit&& visit) {
  const auto visit_all = [&](std::span<const Link> links) {
    for (const Link& link : links) {
      visit(link);
      ticker_.tick();
    }
  };
  for (const LoggedLinks& table : tables_) {
    std::as_const(*table.table).each_chunk(partition, visit_all);
    table.table->each_spilled(partition, *table.spill, piece_, visit_all);
  }
}

}  // namespace identity_resolve::engine
