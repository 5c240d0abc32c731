#include "engine/union_stage.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace identity_resolve::engine {

namespace {

// Unites pairs of rows a little later than it is told to, so that their places in the forest,
// which lie anywhere, have been fetched by then. Which pair comes first never matters.
class DelayedUnion {
 public:
  explicit DelayedUnion(DisjointSet& sets) noexcept : sets_(&sets) {}
  DelayedUnion(const DelayedUnion&) = delete;
  DelayedUnion& operator=(const DelayedUnion&) = delete;
  ~DelayedUnion() = default;

  void unite(RowNumber a, RowNumber b) noexcept {
    sets_->prefetch(a);
    sets_->prefetch(b);
    unite_now(std::exchange(pairs_[told_++ % kDelay], {a, b}));
  }
  // Unites what is still waiting.
  void finish() noexcept {
    for (Pair& pair : pairs_) unite_now(std::exchange(pair, Pair{}));
  }

 private:
  using Pair = std::pair<RowNumber, RowNumber>;  // one row twice: no pair

  void unite_now(const Pair& pair) noexcept {
    if (pair.first != pair.second) sets_->unite(pair.first, pair.second);
  }

  static constexpr std::size_t kDelay = 16;
  DisjointSet* sets_;
  std::size_t told_ = 0;
  std::array<Pair, kDelay> pairs_{};
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
      record_of_(&environment.memory()),
      loaded_(&environment.memory()),
      piece_(&environment.memory()),
      index_(environment),
      pairs_(&environment.memory()),
      start_(&environment.memory()),
      arranged_(&environment.memory()),
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
      conflicted_rows_(environment),
      number_of_(&environment.memory()),
      keep_evidence_(input.keep_evidence) {
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    const KindRules& rules = kinds_[kind];
    if (rules.max_records != 0) {
      least_max_records_ = std::min(least_max_records_, rules.max_records);
    }
    const bool falls_back = rules.links && rules.fallback;
    if (falls_back) fallback_priorities_.push_back(rules.priority);
    has_fallback_ = has_fallback_ || falls_back;
    if (rules.max_per_identity == 0) continue;
    has_limits_ = true;
    if (counted_by_row(rules)) {
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
  index_.reset(only_conflicted_ ? std::min(links, conflicted_rows_.size()) : links);
  each_link([&](const Link& link) {
    visit(link, index_.add(link));
    ticker_.tick();
  });
}

void UnionStage::load(std::size_t partition) {
  only_conflicted_ = false;
  load(partition, [](const Link&, std::uint32_t) {});
  find_too_common(false);
}

// Of the partition only the links of rows in a conflict. All who carry an identifier that links are
// in one identity, and who else carries one that does not is of no importance to the guard.
void UnionStage::load_conflicted(std::size_t partition) {
  only_conflicted_ = true;
  load(partition, [](const Link&, std::uint32_t) {});
  const std::span<const Key> keys = too_common_keys_of(partition);
  if (keys.empty()) return;
  for (KeyGroup& group : index_.groups()) {
    group.too_common = std::binary_search(keys.begin(), keys.end(), group.key);
    ticker_.tick();
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

// Calls visit(link) for each link of a partition, piece by piece.
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
  each_link([&](const Link& link) {
    arranged_[start_[index_.find(link)]++] = &link;
    ticker_.tick();
  });
  // Each start has moved on to its group's end: move them back by one place.
  for (std::size_t group = groups.size(); group > 0; --group) start_[group] = start_[group - 1];
  start_[0] = 0;
  is_arranged_ = true;
}

// Of the partition at hand all too common keys have been found.
void UnionStage::close_too_common_keys() {
  const std::size_t first = first_too_common_key_[partition_];
  too_common_count_[partition_] = too_common_keys_.size() - first;
  std::sort(too_common_keys_.begin() + static_cast<std::ptrdiff_t>(first), too_common_keys_.end(),
            [this](const Key& a, const Key& b) {
              ticker_.tick();
              return a < b;
            });
}

bool UnionStage::may_be_too_common(const KeyGroup& group) const noexcept {
  if (group.links <= least_max_records_ || is_record(group)) return false;
  const std::uint64_t most = rules_of(group).max_records;
  return most != 0 && group.links > most;
}

// Marks the groups that more records of one source carry than their kind allows.
void UnionStage::find_too_common(bool report) {
  const std::span<const KeyGroup> groups = index_.groups();
  if (report) first_too_common_key_[partition_] = too_common_keys_.size();
  for (std::size_t group = 0; group < groups.size(); ++group) {
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
    if (last - first > rules_of(judged).max_records) {
      if (report) {
        report_too_common(judged, SourceNumber{static_cast<std::uint16_t>(source)}, last - first);
      }
      judged.too_common = true;
    }
    first = last;
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
      for (std::size_t source = 0; source < source_count_; ++source) {
        const std::uint64_t count = records[place * source_count_ + source];
        if (count <= rules_of(judged).max_records) continue;
        report_too_common(judged, SourceNumber{static_cast<std::uint16_t>(source)}, count);
        judged.too_common = true;
      }
    }
  }
  close_too_common_keys();
}

// Keeps the worst: those that most records of one source carry.
void UnionStage::report_too_common(const KeyGroup& group, SourceNumber source,
                                   std::uint64_t records) {
  if (!group.too_common) {
    ++too_common_.identifiers;
    too_common_keys_.push_back(group.key);
  }
  const std::tuple place(std::numeric_limits<std::uint64_t>::max() - records, source, group.kind);
  const std::tuple worst(std::numeric_limits<std::uint64_t>::max() - too_common_.records,
                         too_common_.source, too_common_.kind);
  if (too_common_.records != 0 && place > worst) return;
  if (too_common_.records == 0 || place < worst) {
    too_common_.records = records;
    too_common_.source = source;
    too_common_.kind = group.kind;
    too_common_.worst = 0;
    too_common_.keys.clear();
  }
  ++too_common_.worst;
  if (too_common_.keys.size() < TooCommon::kMostNamed) too_common_.keys.push_back(group.key);
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
  }
}

void UnionStage::unite_partition(std::size_t partition) {
  pairs_.clear();
  load(partition, [this](const Link& link, std::uint32_t place) {
    if (!link.links) return;
    KeyGroup& group = index_.groups()[place];
    const auto row = static_cast<std::uint32_t>(link.row);
    if (group.leader == kNoRow) {
      group.leader = row;
    } else {
      pairs_.push_back({place, group.leader, row});
    }
  });
  find_too_common(true);
  const std::span<const KeyGroup> groups = index_.groups();
  DisjointSet forest = sets();
  DelayedUnion delayed(forest);
  for (const Pair& pair : pairs_) {
    ticker_.tick();
    const KeyGroup& group = groups[pair.group];
    if (group.too_common || falls_back(group)) continue;
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
  });
  const std::span<const KeyGroup> groups = index_.groups();
  const bool suspect = std::any_of(groups.begin(), groups.end(), [this](const KeyGroup& group) {
    ticker_.tick();
    return may_be_too_common(group);
  });
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
    if (group.too_common) return;
    delayed.unite(RowNumber{group.leader}, link.row);
  });
  delayed.finish();
  if (limits_ != 0) note_holders();
}

// Counts for each row the values of limited kinds that it stands for.
void UnionStage::note_holders() {
  for (const KeyGroup& group : index_.groups()) {
    ticker_.tick();
    if (is_record(group) || group.too_common || group.leader == kNoRow) continue;
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

// ---- fallback kinds ----

// Makes room for the sources that each record is linked to.
void UnionStage::note_sources() {
  constexpr std::size_t kSourcesAWord = 64;
  find_records();
  words_ = (source_count_ + kSourcesAWord - 1) / kSourcesAWord;
  linked_sources_.assign(row_count_ * fallback_priorities_.size() * words_, 0);
  source_of_.resize(row_count_);
  for (std::size_t row = 0; row < row_count_; ++row) {
    source_of_[row] = static_cast<std::uint16_t>(source_of(static_cast<std::uint32_t>(row)));
    ticker_.tick();
  }
  first_record_.assign(source_count_, kNoRow);
  several_.assign(source_count_, 0);
  place_of_source_.assign(source_count_, 0);
}

// Notes for each record of a group the sources of the group's other records, where a fallback kind
// wants to know it.
void UnionStage::mark_sources(std::size_t group) {
  const KeyGroup& marked = index_.groups()[group];
  if (is_record(marked) || marked.too_common || !rules_of(marked).links || marked.links < 2) return;
  const auto weaker = static_cast<std::size_t>(std::lower_bound(fallback_priorities_.begin(),
                                                                fallback_priorities_.end(),
                                                                rules_of(marked).priority) -
                                               fallback_priorities_.begin());
  if (weaker == 0) return;
  list_members(group, true);
  sources_here_.clear();
  for (const Member& member : members_) {
    ticker_.tick();
    const std::uint16_t source = source_of_[member.record];
    if (first_record_[source] == kNoRow) {
      first_record_[source] = member.record;
      sources_here_.push_back(source);
    } else if (first_record_[source] != member.record) {
      several_[source] = 1;
    }
  }
  for (const Member& member : members_) {
    const std::uint16_t own = source_of_[member.record];
    for (const std::uint32_t source : sources_here_) {
      ticker_.tick();
      if (source == own && several_[source] == 0) continue;
      for (std::size_t priority = 0; priority < weaker; ++priority) {
        const std::size_t mask = (member.record * fallback_priorities_.size() + priority) * words_;
        linked_sources_[mask + source / 64] |= std::uint64_t{1} << source % 64;
      }
    }
  }
  for (const std::uint32_t source : sources_here_) {
    first_record_[source] = kNoRow;
    several_[source] = 0;
  }
}

// Splits members_, which carry one value of a fallback kind, into the parts that it joins; gives
// how many there are, and orders the members by part. Two members are joined directly where neither
// is linked to the other's source; members of one source that are open to another one stand in one
// cell.
std::uint32_t UnionStage::split(const KindRules& rules) {
  if (!rules.fallback || members_.empty()) return members_.empty() ? 0 : 1;
  const auto priority = static_cast<std::size_t>(
      std::lower_bound(fallback_priorities_.begin(), fallback_priorities_.end(), rules.priority) -
      fallback_priorities_.begin());
  const auto open = [&](const Member& member, std::uint32_t source) {
    const std::size_t mask = (member.record * fallback_priorities_.size() + priority) * words_;
    return (linked_sources_[mask + source / 64] >> source % 64 & 1) == 0;
  };
  sources_here_.clear();
  for (const Member& member : members_) sources_here_.push_back(source_of_[member.record]);
  std::sort(sources_here_.begin(), sources_here_.end());
  sources_here_.erase(std::unique(sources_here_.begin(), sources_here_.end()), sources_here_.end());
  const std::size_t width = sources_here_.size();
  for (std::size_t i = 0; i < width; ++i) {
    place_of_source_[sources_here_[i]] = static_cast<std::uint32_t>(i);
  }
  cells_.assign(width * width, kNoRow);
  forest_.resize(members_.size());
  const auto cell = [&](std::size_t from, std::size_t to) -> std::uint32_t& {
    return cells_[from * width + to];
  };
  const auto root = [this](std::uint32_t at) {
    while (forest_[at] != at) at = forest_[at] = forest_[forest_[at]];
    return at;
  };
  const auto join = [&](std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    forest_[std::max(a, b)] = std::min(a, b);
  };
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    forest_[i] = i;
    const std::size_t own = place_of_source_[source_of_[members_[i].record]];
    for (std::size_t to = 0; to < width; ++to) {
      ticker_.tick();
      if (!open(members_[i], sources_here_[to])) continue;
      if (cell(own, to) == kNoRow) cell(own, to) = i;
    }
  }
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const std::size_t own = place_of_source_[source_of_[members_[i].record]];
    if (i > 0 && members_[i - 1].record == members_[i].record) join(i, i - 1);
    for (std::size_t to = 0; to < width; ++to) {
      ticker_.tick();
      if (open(members_[i], sources_here_[to]) && cell(to, own) != kNoRow) join(i, cell(to, own));
    }
  }
  std::uint32_t parts = 0;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    // A root comes before its tree.
    members_[i].part = forest_[i] == i ? parts++ : members_[root(i)].part;
  }
  std::stable_sort(members_.begin(), members_.end(), [this](const Member& a, const Member& b) {
    ticker_.tick();
    return a.part < b.part;
  });
  return parts;
}

void UnionStage::unite_fallbacks() {
  DisjointSet forest = sets();
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    arrange();
    const std::span<const KeyGroup> groups = index_.groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const KeyGroup& at = groups[group];
      if (is_record(at) || at.too_common || !rules_of(at).links || !rules_of(at).fallback) continue;
      list_members(group, true);
      split(rules_of(at));
      for (std::size_t i = 1; i < members_.size(); ++i) {
        if (members_[i].part == members_[i - 1].part) {
          forest.unite(members_[i].link->row, members_[i - 1].link->row);
        }
      }
    }
  }
}

// ---- guard ----

// Marks the identities that break a limit; says whether there is any.
bool UnionStage::find_conflicts() {
  conflicted_.assign(identities_, 0);
  bool any = false;
  Vector<std::uint32_t> counts(&environment_->memory());
  const auto count = [&](std::uint32_t identity, std::uint32_t values, std::uint64_t most) {
    if ((counts[identity] += values) <= most) return;
    conflicted_[identity] = 1;
    any = true;
  };
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (!counted_by_row(kinds_[kind])) continue;
    counts.assign(identities_, 0);
    const Vector<std::uint8_t>& values = holders_[limit_of_kind_[kind]];
    for (std::size_t row = 0; row < row_count_; ++row) {
      ticker_.tick();
      if (values[row] != 0) count(identity_of_[row], values[row], kinds_[kind].max_per_identity);
    }
  }
  // Of a scattered value each identity is counted once.
  Vector<std::uint32_t> here(&environment_->memory());
  Vector<Holding> piece(&environment_->memory());
  for (const KindNumber kind : scattered_kinds_) {
    counts.assign(identities_, 0);
    std::uint32_t value = kNoRow;
    const auto finish_value = [&] {
      std::sort(here.begin(), here.end(), [this](std::uint32_t a, std::uint32_t b) {
        ticker_.tick();
        return a < b;
      });
      here.erase(std::unique(here.begin(), here.end()), here.end());
      for (const std::uint32_t identity : here) {
        count(identity, 1, kinds_[index(kind)].max_per_identity);
      }
      here.clear();
    };
    const auto take = [&](std::span<const Holding> holdings) {
      for (const Holding& holding : holdings) {
        ticker_.tick();
        if (std::exchange(value, holding.value) != holding.value) finish_value();
        here.push_back(identity_of_[holding.row]);
      }
    };
    scattered_holders_.each_spilled(index(kind), holders_spill_, piece, take);
    std::as_const(scattered_holders_).each_chunk(index(kind), take);
    finish_value();
  }
  scattered_holders_.clear();
  holders_.clear();
  return any;
}

void UnionStage::build_again() {
  find_records();
  guard_.emplace(*environment_, kinds_);
  conflicted_rows_.reset(row_count_);
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    if (conflicted_[identity_of_[row]] != 0) conflicted_rows_.add(row);
  }
  conflicted_rows_.number();
  number_of_.reserve(conflicted_rows_.size());
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    if (!is_conflicted(row)) continue;
    const std::uint32_t record = record_of(RowNumber{row});  // never after the row
    number_of_.push_back(record == row ? guard_->add_record(source_of(row)) : guard_number(record));
  }
  tell_guard();
  bool by_data = false;
  for (const KindRules& rules : kinds_) by_data = by_data || (rules.links && rules.ties_by_data);
  const Vector<std::uint32_t> ranks =
      by_data ? survivorship_ranks() : Vector<std::uint32_t>(&environment_->memory());
  guard_->solve({ranks.data(), ranks.size()});
  label_again();
}

// Tells the guard what the records of the conflicted identities carry. A value that one record
// alone carries claims nothing.
void UnionStage::tell_guard() {
  Guard& guard = *guard_;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    // Evidence, which asks for the claims in the order in which they come here, sees all links.
    if (keep_evidence_) {
      load(partition);
    } else {
      load_conflicted(partition);
    }
    arrange();
    const std::span<const KeyGroup> groups = index_.groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      if (is_record(groups[group]) || groups[group].too_common) continue;
      const KindRules& rules = rules_of(groups[group]);
      const std::span<const Link* const> links = links_of(group);
      const auto in_conflict = [this](const Link* link) {
        ticker_.tick();
        return is_conflicted(static_cast<std::uint32_t>(link->row));
      };
      if (!std::any_of(links.begin(), links.end(), in_conflict)) continue;
      if (rules.max_per_identity != 0) {
        const Guard::Number value = guard.add_value(groups[group].kind);
        for (const Link* link : links) {
          if (link->counts && in_conflict(link)) {
            guard.add_holding(guard_number(static_cast<std::uint32_t>(link->row)), value);
          }
        }
      }
      if (!rules.links) continue;
      list_members(group, true);
      split(rules);
      for (std::size_t first = 0; first < members_.size();) {
        std::size_t last = first;
        while (last < members_.size() && members_[last].part == members_[first].part) ++last;
        if (members_[first].record != members_[last - 1].record &&
            is_conflicted(members_[first].record)) {
          guard.add_identifier(groups[group].kind, members_[first].link->gives_way);
          for (std::size_t i = first; i < last; ++i) {
            if (i > first && members_[i].record == members_[i - 1].record) continue;
            guard.add_claim(guard_number(members_[i].record));
          }
        }
        first = last;
      }
    }
  }
  only_conflicted_ = false;
}

// The places of the conflicted records in the order of survivorship.
boost::container::pmr::vector<std::uint32_t> UnionStage::survivorship_ranks() {
  struct Record {
    SourceNumber source;
    std::int64_t updated_at;
    std::string_view id;
  };
  Arena ids(environment_->memory());
  Vector<Record> records(&environment_->memory());  // by the guard's number
  std::uint32_t row = 0;
  each_row(rows_, [&](const Row& at) {
    ticker_.tick();
    if (!is_conflicted(row)) {
      ++row;
      return;
    }
    const Guard::Number number = guard_number(row++);
    if (number == records.size()) {
      const std::string_view id = at.record_id();
      auto* copy = reinterpret_cast<char*>(ids.allocate(id.size()));
      id.copy(copy, id.size());
      records.push_back({at.source(), at.updated_at(), {copy, id.size()}});
    }
    records[number].updated_at = std::max(records[number].updated_at, at.updated_at());
  });
  Vector<std::uint32_t> sorted(records.size(), &environment_->memory());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
    ticker_.tick();
    const Record& left = records[a];
    const Record& right = records[b];
    if (left.source != right.source) return left.source < right.source;
    if (left.updated_at != right.updated_at) return left.updated_at > right.updated_at;
    return compare_ids(left.id, right.id) < 0;
  });
  Vector<std::uint32_t> ranks(records.size(), &environment_->memory());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) ranks[sorted[i]] = i;
  return ranks;
}

// Numbers the identities again by their first rows, the conflicted ones as the guard has them.
void UnionStage::label_again() {
  Vector<std::uint32_t> new_number(identities_, kNoRow, &environment_->memory());
  Vector<std::uint32_t> cluster_number(guard_->clusters(), kNoRow, &environment_->memory());
  std::uint32_t next = 0;
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    std::uint32_t& identity = identity_of_[row];
    std::uint32_t& number = conflicted_[identity] != 0
                                ? cluster_number[guard_->cluster_of(guard_number(row))]
                                : new_number[identity];
    if (number == kNoRow) number = next++;
    identity = number;
  }
  identities_ = next;
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
  number_of_ = Vector<std::uint32_t>(&environment_->memory());
  guard_.reset();
}

// ---- evidence ----

void UnionStage::write_evidence(PartitionedLog<Verdict>& verdicts, Spill& spill,
                                std::size_t rows_a_partition) {
  find_records();
  std::uint32_t next_claim = 0;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    arrange();
    for (std::size_t group = 0; group < index_.groups().size(); ++group) {
      if (is_record(index_.groups()[group])) continue;
      judge_evidence(group, next_claim, [&](const Verdict& verdict) {
        verdicts.add(verdict.row / rows_a_partition, verdict);
      });
    }
    if (verdicts.resident_bytes() > environment_->budget() / 4) verdicts.spill(spill, ticker_);
  }
}

// What became of the identifiers of one group. Claims come in the order in which tell_guard() told
// them.
template <class Judged>
void UnionStage::judge_evidence(std::size_t group, std::uint32_t& next_claim, Judged&& give) {
  const KeyGroup& at = index_.groups()[group];
  const KindRules& rules = rules_of(at);
  list_members(group, false);
  std::uint32_t carriers = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i == 0 || members_[i].record != members_[i - 1].record) ++carriers;
  }
  const auto judged = [&](const Member& member, LinkStatus status) {
    give(Verdict{at.key, static_cast<std::uint32_t>(member.link->row), carriers - 1, status});
  };
  for (const Member& member : members_) {
    if (!member.link->links) judged(member, LinkStatus::kAlone);
    if (member.link->links && at.too_common) judged(member, LinkStatus::kTooCommon);
  }
  if (at.too_common || !rules.links) return;
  list_members(group, true);
  const bool is_split = split(rules) > 1;
  for (std::size_t first = 0; first < members_.size();) {
    std::size_t last = first;
    while (last < members_.size() && members_[last].part == members_[first].part) ++last;
    const std::span part(members_.data() + first, last - first);
    first = last;
    if (part.front().record == part.back().record) {
      const LinkStatus status = is_split ? LinkStatus::kNotLinking : LinkStatus::kAlone;
      for (const Member& member : part) judged(member, status);
      continue;
    }
    if (!is_conflicted(part.front().record)) {
      for (const Member& member : part) judged(member, LinkStatus::kLinks);
      continue;
    }
    const Guard& guard = *guard_;
    const std::uint32_t first_claim = next_claim;
    std::size_t held = 0;
    bool conflict = false;
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (i > 0 && part[i].record == part[i - 1].record) continue;
      const Guard::Outcome outcome = guard.outcome_of(next_claim++);
      held += outcome == Guard::Outcome::kHeld ? 1 : 0;
      conflict = conflict || outcome == Guard::Outcome::kConflict;
    }
    const LinkStatus held_by_one = conflict ? LinkStatus::kConflict : LinkStatus::kAmbiguous;
    std::uint32_t claim = first_claim;
    for (std::size_t i = 0; i < part.size(); ++i) {
      ticker_.tick();
      if (i > 0 && part[i].record != part[i - 1].record) ++claim;
      switch (guard.outcome_of(claim)) {
        case Guard::Outcome::kHeld:
          judged(part[i], held > 1 ? LinkStatus::kLinks : held_by_one);
          break;
        case Guard::Outcome::kConflict:
          judged(part[i], LinkStatus::kConflict);
          break;
        case Guard::Outcome::kAmbiguous:
          judged(part[i], LinkStatus::kAmbiguous);
          break;
      }
    }
  }
}

}  // namespace identity_resolve::engine
