#include "engine/union_stage.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace identity_resolve::engine {

namespace {

// Unites pairs of rows a little later than it is told to. Which pair comes first never matters.
class DelayedUnion {
 public:
  explicit DelayedUnion(DisjointSet& sets) noexcept : sets_(&sets) {}
  DelayedUnion(const DelayedUnion&) = delete;
  DelayedUnion& operator=(const DelayedUnion&) = delete;
  ~DelayedUnion() = default;

  void unite(RowNumber a, RowNumber b) noexcept {
    sets_->prefetch(a);
    sets_->prefetch(b);
    unite_now(pairs_.push({a, b}));
  }
  // Unites what is still waiting.
  void finish() noexcept {
    pairs_.finish([this](const Pair& pair) { unite_now(pair); });
  }

 private:
  using Pair = std::pair<RowNumber, RowNumber>;  // one row twice: no pair

  void unite_now(const Pair& pair) noexcept {
    if (pair.first != pair.second) sets_->unite(pair.first, pair.second);
  }

  DisjointSet* sets_;
  DelayLine<Pair> pairs_;
};

}  // namespace

UnionStage::UnionStage(Environment& environment, const UnionInput& input)
    : environment_(&environment),
      ticker_(environment),
      kinds_(input.kinds),
      source_count_(input.sources),
      tables_(input.links),
      rows_(input.rows),
      runs_(input.runs),
      row_count_(input.row_count),
      limit_of_kind_(input.kinds.size(), 0),
      identity_of_(&environment.memory()),
      role_links_(environment),
      role_spill_(environment),
      shared_role_keys_(&environment.memory()),
      record_of_(&environment.memory()),
      loaded_(&environment.memory()),
      piece_(&environment.memory()),
      index_(environment),
      pairs_(&environment.memory()),
      start_(&environment.memory()),
      arranged_(&environment.memory()),
      in_conflict_(&environment.memory()),
      members_(&environment.memory()),
      counted_(&environment.memory()),
      too_common_keys_(&environment.memory()),
      scattered_holders_(environment, input.kinds.size()),
      holders_spill_(environment),
      linked_sources_(&environment.memory()),
      source_of_(&environment.memory()),
      sources_here_(&environment.memory()),
      place_of_source_(&environment.memory()),
      first_record_(&environment.memory()),
      several_(&environment.memory()),
      cells_(&environment.memory()),
      forest_(&environment.memory()),
      conflicted_(&environment.memory()),
      broken_limits_(&environment.memory()),
      held_by_default_(&environment.memory()),
      conflicted_rows_(environment),
      number_of_(&environment.memory()),
      claims_here_(&environment.memory()),
      claimed_links_(&environment.memory()),
      claimed_keys_(&environment.memory()),
      values_(input.values),
      keep_evidence_(input.keep_evidence),
      tells_of_limits_(input.tells_of_limits) {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    const KindRules& rules = kinds_[kind];
    if (rules.least_looked_at() != 0) {
      least_looked_at_ = std::min(least_looked_at_, rules.least_looked_at());
    }
    const bool falls_back = rules.links && rules.fallback;
    if (falls_back) fallback_priorities_.push_back(rules.priority);
    has_fallback_ = has_fallback_ || falls_back;
    if (rules.max_per_identity == 0) continue;
    has_limits_ = true;
    if (rules.has_default_limit && tells_of_limits_ &&
        default_limits_.size() < kMostDefaultLimits) {
      default_limits_.push_back(KindNumber{static_cast<std::uint16_t>(kind)});
    }
    if (LinkTable::holds(rules, keep_evidence_)) {
      held_kinds_.push_back(KindNumber{static_cast<std::uint16_t>(kind)});
    } else if (counted_by_row(rules)) {
      limit_of_kind_[kind] = static_cast<std::uint16_t>(limits_++);
    } else {
      scattered_kinds_.push_back(KindNumber{static_cast<std::uint16_t>(kind)});
    }
  }
  std::sort(fallback_priorities_.begin(), fallback_priorities_.end());
  fallback_priorities_.erase(std::unique(fallback_priorities_.begin(), fallback_priorities_.end()),
                             fallback_priorities_.end());
}

std::size_t UnionStage::run() {
  environment_->begin_stage(Stage::kUnion);
  identity_of_.resize(row_count_);
  sets().reset(*environment_);
  for (std::size_t limit = 0; limit < limits_; ++limit) {
    holders_.emplace_back(row_count_, 0, &environment_->memory());
  }
  unite_all();
  if (has_fallback_) unite_fallbacks();
  unite_roles();
  identities_ = sets().label(*environment_);
  if (has_limits_) {
    environment_->begin_stage(Stage::kGuard);
    if (find_conflicts()) build_again();
  }
  return identities_;
}

SourceNumber UnionStage::source_of(std::uint32_t row) const noexcept {
  const auto after = std::upper_bound(
      runs_.begin(), runs_.end(), row,
      [](std::uint32_t number, const SourceRun& run) { return number < run.first_row; });
  return std::prev(after)->source;
}

// ---- one partition ----

// Calls visit(link) for each link of the loaded partition. Links stay where they are until the next
// one is loaded.
template <class Visit>
void UnionStage::each_link(Visit&& visit) const {
  const auto visit_all = [&](std::span<const Link> links) {
    for (const Link& link : links) {
      if (only_conflicted_ && !is_conflicted(static_cast<std::uint32_t>(link.row))) continue;
      visit(link);
    }
  };
  for (const LoggedLinks& table : tables_) {
    std::as_const(*table.table).each_chunk(partition_, visit_all);
  }
  visit_all({loaded_.data(), loaded_.size()});
}

// Groups a partition's links by their keys; calls visit(link, group) for each.
template <class Visit>
void UnionStage::load(std::size_t partition, Visit&& visit) {
  environment_->check_interrupts();
  partition_ = partition;
  is_arranged_ = false;
  loaded_.clear();
  for (const LoggedLinks& table : tables_) {
    if (!table.table->log().has_spilled(partition)) continue;
    table.table->load_spilled(partition, *table.spill, loaded_);
    ticker_.tick_bytes(loaded_.size() * sizeof(Link));
  }
  const std::size_t links = links_in(partition);
  // Keys are random: each partition has its part of the links in a conflict, more or less.
  index_.reset(only_conflicted_ ? links * conflicted_rows_.size() / row_count_ : links);
  // Of a large partition the index does not fit the processor's caches.
  DelayLine<const Link*> coming;
  in_conflict_.clear();
  const auto take = [&](const Link* link) {
    if (link == nullptr) return;
    visit(*link, index_.add(*link));
    ticker_.tick();
  };
  each_link([&](const Link& link) {
    index_.prefetch(link);
    take(coming.push(&link));
  });
  coming.finish(take);
}

void UnionStage::load(std::size_t partition) {
  only_conflicted_ = false;
  load(partition, [](const Link&, std::uint32_t) {});
  find_too_common(false);
  mark_shared_roles();
}

// Of the partition only the links of rows in a conflict. All who carry an identifier that links are
// in one identity, and who else carries one that does not is of no importance to the guard.
void UnionStage::load_conflicted(std::size_t partition) {
  only_conflicted_ = true;
  load(partition, [this](const Link& link, std::uint32_t group) {
    in_conflict_.push_back({&link, group});
  });
  mark_shared_roles();
  mark_too_common(too_common_keys_of(partition));
}

// Marks the groups of sorted keys that are known to link nobody.
void UnionStage::mark_too_common(std::span<const Key> keys) {
  if (keys.empty()) return;
  for (KeyGroup& group : index_.groups()) {
    ticker_.tick();
    if (std::binary_search(keys.begin(), keys.end(), group.key)) group.too_common = true;
  }
}

// Whether the links of a partition are more than the budget lets one load.
std::size_t UnionStage::links_in(std::size_t partition) const noexcept {
  std::size_t links = 0;
  for (const LoggedLinks& table : tables_) links += table.table->size(partition);
  return links;
}

bool UnionStage::is_too_large(std::size_t partition) const noexcept {
  return links_in(partition) * 2 * sizeof(Link) > environment_->budget() / 2;
}

// Puts the links of each group side by side: a counting sort.
void UnionStage::arrange() {
  if (is_arranged_) return;
  const std::span<const KeyGroup> groups = index_.groups();
  start_.assign(groups.size() + 1, 0);
  std::uint32_t next = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    start_[group] = next;
    next += groups[group].links;
  }
  arranged_.resize(next);
  const auto place = [&](const Link& link, std::uint32_t group) {
    arranged_[start_[group]++] = &link;
    ticker_.tick();
  };
  if (only_conflicted_) {
    for (const auto& [link, group] : in_conflict_) place(*link, group);
  } else {
    each_link([&](const Link& link) { place(link, index_.find(link)); });
  }
  // Each start has moved on to its group's end: move them back by one place.
  for (std::size_t group = groups.size(); group > 0; --group) start_[group] = start_[group - 1];
  start_[0] = 0;
  is_arranged_ = true;
}

// Of the partition at hand all too common keys have been found.
void UnionStage::close_too_common_keys() {
  const std::size_t first = first_too_common_key_[partition_];
  too_common_count_[partition_] = too_common_keys_.size() - first;
  sort_keys(too_common_keys_, first);
}

// Sorts a partition's keys, which are the last ones, from `first` on.
void UnionStage::sort_keys(Vector<Key>& keys, std::size_t first) {
  std::sort(keys.begin() + static_cast<std::ptrdiff_t>(first), keys.end(),
            [this](const Key& a, const Key& b) {
              ticker_.tick();
              return a < b;
            });
}

// Marks the groups that more records carry than their kind allows.
void UnionStage::find_too_common(bool report) {
  const std::span<const KeyGroup> groups = index_.groups();
  if (report) first_too_common_key_[partition_] = too_common_keys_.size();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups[group].links == 1) continue;  // neither too common nor a record of several rows
    if (report) note_rows_of(groups[group]);
    if (!may_be_too_common(groups[group])) continue;
    find_records();
    arrange();
    judge(group, report);
  }
  if (report) close_too_common_keys();
}

void UnionStage::judge(std::size_t group, bool report) {
  KeyGroup& judged = index_.groups()[group];
  constexpr unsigned kSourceShift = 32;
  counted_.clear();
  for (const Link* link : links_of(group)) {
    ticker_.tick();
    if (!link->links) continue;
    const std::uint32_t record = record_of(link->row);
    counted_.push_back(
        std::uint64_t{static_cast<std::uint16_t>(source_of(record))} << kSourceShift | record);
  }
  std::sort(counted_.begin(), counted_.end(), [this](std::uint64_t a, std::uint64_t b) {
    ticker_.tick();
    return a < b;
  });
  counted_.erase(std::unique(counted_.begin(), counted_.end()), counted_.end());
  for (std::size_t first = 0; first < counted_.size();) {
    const std::uint64_t source = counted_[first] >> kSourceShift;
    std::size_t last = first;
    while (last < counted_.size() && counted_[last] >> kSourceShift == source) ++last;
    check_count(judged, SourceNumber{static_cast<std::uint16_t>(source)}, last - first, report);
    first = last;
  }
  check_count(judged, TooCommon::kAllSources, counted_.size(), report);
}

// Marks a group that more records of a source, or of all, carry than its kind allows, and notes one
// that may link but is on more records of a source than honest data has.
void UnionStage::check_count(KeyGroup& group, SourceNumber source, std::uint64_t records,
                             bool report) {
  const KindRules& rules = rules_of(group);
  const bool of_all = source == TooCommon::kAllSources;
  const std::uint64_t most = of_all ? rules.max_records_in_all : rules.max_records;
  if (most != 0 && records > most) {
    if (report) report_too_common(group, source, records);
    group.too_common = true;
  } else if (report && !of_all && rules.warn_records != 0 && records > rules.warn_records) {
    ++frequent_.identifiers;
    frequent_.keep(group.key, source, group.kind, records);
  }
}

// As find_too_common(true), for a partition that is streamed and has no record of several rows: the
// links of a row come one behind the other.
void UnionStage::count_streamed() {
  const std::span<KeyGroup> groups = index_.groups();
  Vector<std::uint32_t> suspects(&environment_->memory());  // sorted
  for (std::uint32_t group = 0; group < groups.size(); ++group) {
    if (may_be_too_common(groups[group])) suspects.push_back(group);
  }
  first_too_common_key_[partition_] = too_common_keys_.size();
  if (!suspects.empty()) {
    Vector<std::uint64_t> records(suspects.size() * source_count_, 0, &environment_->memory());
    Vector<std::uint32_t> last_row(suspects.size(), kNoRow, &environment_->memory());
    stream(partition_, [&](const Link& link) {
      if (!link.links) return;
      const std::uint32_t group = index_.find(link);
      const auto found = std::lower_bound(suspects.begin(), suspects.end(), group);
      if (found == suspects.end() || *found != group) return;
      const auto place = static_cast<std::size_t>(found - suspects.begin());
      const auto row = static_cast<std::uint32_t>(link.row);
      if (std::exchange(last_row[place], row) == row) return;
      ++records[place * source_count_ + index(source_of(row))];
    });
    for (std::size_t place = 0; place < suspects.size(); ++place) {
      KeyGroup& judged = groups[suspects[place]];
      std::uint64_t in_all = 0;
      for (std::size_t source = 0; source < source_count_; ++source) {
        const std::uint64_t carriers = records[place * source_count_ + source];
        check_count(judged, SourceNumber{static_cast<std::uint16_t>(source)}, carriers, true);
        in_all += carriers;
      }
      check_count(judged, TooCommon::kAllSources, in_all, true);
    }
  }
  close_too_common_keys();
}

void TooCommon::keep(const Key& key, SourceNumber of, KindNumber its_kind, std::uint64_t carriers) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::tuple place(kMost - carriers, of, its_kind);
  const std::tuple worst_place(kMost - records, source, kind);
  if (records != 0 && place > worst_place) return;
  if (records == 0 || place < worst_place) {
    records = carriers;
    source = of;
    kind = its_kind;
    worst = 0;
    keys.clear();
  }
  ++worst;
  if (keys.size() < kMostNamed) keys.push_back(key);
}

void UnionStage::report_too_common(const KeyGroup& group, SourceNumber source,
                                   std::uint64_t records) {
  if (!group.too_common) {
    ++too_common_.identifiers;
    too_common_keys_.push_back(group.key);
  }
  too_common_.keep(group.key, source, group.kind, records);
}

// A value that links nobody is shown last.
void UnionStage::show_last(const Link& link) {
  if (values_ == nullptr || !link.links) return;
  values_->add({link.key, static_cast<std::uint32_t>(link.row), link.ordinal, Showing::kLast});
}

// The same of all who carry it.
void UnionStage::show_last(std::size_t group) {
  for (const Link* link : links_of(group)) {
    ticker_.tick();
    show_last(*link);
  }
}

// The same of all of the loaded partition that is too common.
void UnionStage::show_too_common_last() {
  if (values_ == nullptr || too_common_keys_.size() == first_too_common_key_[partition_]) return;
  const std::span<const KeyGroup> groups = index_.groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    ticker_.tick();
    if (groups[group].too_common) show_last(group);
  }
  values_->spill_beyond_budget();
}

// The links of a group in members_, ordered by record; of several parts all in part 0 for now.
void UnionStage::list_members(std::size_t group, bool only_links) {
  members_.clear();
  for (const Link* link : links_of(group)) {
    ticker_.tick();
    if (only_links && !link->links) continue;
    members_.push_back({0, record_of(link->row), link});
  }
  std::sort(members_.begin(), members_.end(), [this](const Member& a, const Member& b) {
    ticker_.tick();
    return std::tuple(a.record, a.link->row) < std::tuple(b.record, b.link->row);
  });
}

// ---- records ----

// Finds out which rows are one record.
void UnionStage::find_records() {
  if (records_are_known_) return;
  records_are_known_ = true;
  KeyIndex records(*environment_);
  const auto each_record_link = [&](std::size_t partition, auto&& visit) {
    stream(partition, [&](const Link& link) {
      if (link.kind == kRecordKind) visit(link);
    });
  };
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    std::size_t links = 0;
    each_record_link(partition, [&](const Link&) { ++links; });
    if (links == 0) continue;
    if (record_of_.empty()) {
      record_of_.resize(row_count_);
      DisjointSet({record_of_.data(), record_of_.size()}).reset(*environment_);
    }
    DisjointSet records_of({record_of_.data(), record_of_.size()});
    records.reset(links);
    each_record_link(partition, [&](const Link& link) {
      const std::uint32_t place = records.add(link);  // moves the groups
      records_of.unite(RowNumber{records.groups()[place].first_row}, link.row);
    });
  }
  // In the order of rows: what a row's parent says of its record is known before the row is.
  for (std::uint32_t& row : record_of_) {
    row = record_of_[row];
    ticker_.tick();
  }
}

// ---- union ----

void UnionStage::unite_all() {
  if (has_fallback_) note_sources();
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    if (is_too_large(partition) && !has_fallback_ && scattered_kinds_.empty()) {
      unite_streamed(partition);
    } else {
      unite_partition(partition);
    }
    if (role_links_.log().resident_bytes() > environment_->budget() / 4) {
      role_links_.log().spill(role_spill_, ticker_);
    }
  }
  if (most_rows_ == 1) records_are_known_ = true;  // each row is one
}

void UnionStage::unite_partition(std::size_t partition) {
  pairs_.clear();
  load(partition, [this](const Link& link, std::uint32_t place) {
    if (!link.links) return;
    keep_role(link);
    KeyGroup& group = index_.groups()[place];
    const auto row = static_cast<std::uint32_t>(link.row);
    if (group.leader == kNoRow) {
      group.leader = row;
    } else {
      pairs_.push_back({place, group.leader, row});
    }
  });
  find_too_common(true);
  show_too_common_last();
  const std::span<const KeyGroup> groups = index_.groups();
  DisjointSet forest = sets();
  DelayedUnion delayed(forest);
  for (const Pair& pair : pairs_) {
    ticker_.tick();
    const KeyGroup& group = groups[pair.group];
    if (group.too_common || falls_back(group) || is_limited_role(group)) continue;
    delayed.unite(RowNumber{pair.leader}, RowNumber{pair.row});
  }
  delayed.finish();
  if (limits_ != 0) note_holders();
  if (!scattered_kinds_.empty()) note_scattered_holders();
  if (!has_fallback_) return;
  arrange();
  for (std::size_t group = 0; group < groups.size(); ++group) mark_sources(group);
}

// A partition too large to be loaded.
void UnionStage::unite_streamed(std::size_t partition) {
  environment_->check_interrupts();
  partition_ = partition;
  index_.reset(0);
  stream(partition, [this](const Link& link) {
    const std::uint32_t place = index_.add(link);  // moves the groups
    KeyGroup& group = index_.groups()[place];
    if (link.links && group.leader == kNoRow) group.leader = static_cast<std::uint32_t>(link.row);
    if (link.links) keep_role(link);
  });
  const std::span<const KeyGroup> groups = index_.groups();
  bool suspect = false;
  for (const KeyGroup& group : groups) {
    ticker_.tick();
    note_rows_of(group);
    suspect = suspect || may_be_too_common(group);
  }
  if (suspect) find_records();
  if (record_of_.empty()) {
    count_streamed();
  } else {
    // Only side by side do the rows of one record show: such a partition is loaded after all.
    load(partition, [](const Link&, std::uint32_t) {});
    for (KeyGroup& group : index_.groups()) group.leader = kNoRow;
    each_link([this](const Link& link) {
      KeyGroup& group = index_.groups()[index_.find(link)];
      if (link.links && group.leader == kNoRow) {
        group.leader = static_cast<std::uint32_t>(link.row);
      }
      ticker_.tick();
    });
    find_too_common(true);
  }
  DisjointSet forest = sets();
  DelayedUnion delayed(forest);
  stream(partition, [&](const Link& link) {
    if (!link.links) return;
    const KeyGroup& group = index_.groups()[index_.find(link)];
    if (group.too_common) {
      show_last(link);
      return;
    }
    if (is_limited_role(group)) return;
    delayed.unite(RowNumber{group.leader}, link.row);
  });
  delayed.finish();
  if (values_ != nullptr) values_->spill_beyond_budget();
  if (limits_ != 0) note_holders();
}

// Counts for each row the values of limited kinds that it stands for.
void UnionStage::note_holders() {
  for (const KeyGroup& group : index_.groups()) {
    ticker_.tick();
    if (is_record(group) || group.too_common || group.leader == kNoRow) continue;
    if (is_limited_role(group) != roles_are_judged_) continue;
    if (!counted_by_row(rules_of(group))) continue;
    std::uint8_t& count = holders_[limit_of_kind_[index(group.kind)]][group.leader];
    if (count != kMostCounted) ++count;
  }
}

// Notes who holds the values of the other limited kinds.
void UnionStage::note_scattered_holders() {
  arrange();
  const std::span<const KeyGroup> groups = index_.groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (is_record(groups[group]) || groups[group].too_common) continue;
    if (is_limited_role(groups[group]) != roles_are_judged_) continue;
    const KindRules& rules = rules_of(groups[group]);
    if (rules.max_per_identity == 0 || counted_by_row(rules)) continue;
    for (const Link* link : links_of(group)) {
      ticker_.tick();
      if (!link->counts) continue;
      scattered_holders_.add(index(link->kind),
                             {next_value_, static_cast<std::uint32_t>(link->row)});
    }
    ++next_value_;
  }
  if (scattered_holders_.resident_bytes() > environment_->budget() / 4) {
    scattered_holders_.spill(holders_spill_, ticker_);
  }
}

std::vector<std::uint64_t> UnionStage::count_kept_apart_by_scope() {
  struct Carrier {
    Key key;
    KindNumber kind;
    SourceNumber source;
    std::uint32_t identity;
  };
  std::vector<std::uint64_t> apart(kinds_.size(), 0);
  Vector<Carrier> carriers(&environment_->memory());
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    carriers.clear();
    stream(partition, [&](const Link& link) {
      // These are the values by themselves; with their scope they link.
      if (link.links || !link.counts || !kinds_[index(link.kind)].tells_of_scope) return;
      const auto row = static_cast<std::uint32_t>(link.row);
      carriers.push_back({link.key, link.kind, source_of(row), identity_of_[row]});
    });
    std::sort(carriers.begin(), carriers.end(), [this](const Carrier& a, const Carrier& b) {
      ticker_.tick();
      return a.key < b.key;
    });
    for (std::size_t first = 0; first < carriers.size();) {
      const Carrier& one = carriers[first];
      bool several_sources = false;
      bool several_identities = false;
      std::size_t last = first;
      for (; last < carriers.size() && carriers[last].key == one.key; ++last) {
        several_sources = several_sources || carriers[last].source != one.source;
        several_identities = several_identities || carriers[last].identity != one.identity;
      }
      if (several_sources && several_identities) ++apart[index(one.kind)];
      first = last;
    }
  }
  return apart;
}

void UnionStage::forget_links() noexcept {
  loaded_ = Vector<Link>(&environment_->memory());
  index_ = KeyIndex(*environment_);
  arranged_ = Vector<const Link*>(&environment_->memory());
  start_ = Vector<std::uint32_t>(&environment_->memory());
  pairs_ = Vector<Pair>(&environment_->memory());
  record_of_ = Vector<std::uint32_t>(&environment_->memory());
  linked_sources_ = Vector<std::uint64_t>(&environment_->memory());
  source_of_ = Vector<std::uint16_t>(&environment_->memory());
  conflicted_ = Vector<std::uint8_t>(&environment_->memory());
  broken_limits_ = Vector<std::uint8_t>(&environment_->memory());
  held_by_default_ = Vector<HeldByDefault>(&environment_->memory());
  claimed_links_ = Vector<ClaimedLink>(&environment_->memory());
  claimed_keys_ = Vector<Key>(&environment_->memory());
  number_of_ = Vector<std::uint32_t>(&environment_->memory());
  guard_.reset();
}

}  // namespace identity_resolve::engine
