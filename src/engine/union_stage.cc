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

UnionStage::UnionStage(Environment& environment, std::span<const KindRules> kinds,
                       std::size_t sources, std::span<const LinkTable* const> tables,
                       std::span<const std::byte* const> rows)
    : environment_(&environment),
      ticker_(environment),
      kinds_(kinds),
      source_count_(sources),
      tables_(tables),
      rows_(rows),
      record_of_(&environment.memory()),
      identity_of_(&environment.memory()),
      index_(environment),
      pairs_(&environment.memory()),
      start_(&environment.memory()),
      arranged_(&environment.memory()),
      members_(&environment.memory()),
      counted_(&environment.memory()),
      linked_sources_(&environment.memory()),
      source_of_(&environment.memory()),
      sources_here_(&environment.memory()),
      place_of_source_(&environment.memory()),
      first_record_(&environment.memory()),
      several_(&environment.memory()),
      cells_(&environment.memory()),
      forest_(&environment.memory()),
      conflicted_(&environment.memory()),
      number_of_(&environment.memory()) {
  for (const KindRules& rules : kinds) {
    holders_.emplace_back(&environment.memory());
    scattered_holders_.emplace_back(&environment.memory());
    if (rules.max_records != 0) {
      least_max_records_ = std::min(least_max_records_, rules.max_records);
    }
    const bool falls_back = rules.links && rules.fallback;
    if (falls_back) fallback_priorities_.push_back(rules.priority);
    has_fallback_ = has_fallback_ || falls_back;
    if (rules.max_per_identity == 0) continue;
    has_limits_ = true;
    has_scattered_limits_ = has_scattered_limits_ || !rules.links || falls_back;
  }
  std::sort(fallback_priorities_.begin(), fallback_priorities_.end());
  fallback_priorities_.erase(std::unique(fallback_priorities_.begin(), fallback_priorities_.end()),
                             fallback_priorities_.end());
}

boost::container::pmr::vector<std::uint32_t> UnionStage::run(std::size_t& identities) {
  environment_->begin_stage(Stage::kUnion);
  DisjointSet sets(*environment_, rows_.size());
  unite_all(sets);
  if (has_fallback_) unite_fallbacks(sets);
  identity_of_ = std::move(sets).label(identities);
  if (has_limits_) {
    environment_->begin_stage(Stage::kGuard);
    if (find_conflicts(identities)) build_again(identities);
  }
  return identity_of_;
}

// ---- one partition ----

// Groups a partition's links by their keys; calls visit(link, group) for each.
template <class Visit>
void UnionStage::load(std::size_t partition, Visit&& visit) {
  std::size_t links = 0;
  for (const LinkTable* table : tables_) links += table->size(partition);
  environment_->check_interrupts();
  partition_ = partition;
  is_arranged_ = false;
  index_.reset(links);
  for (const LinkTable* table : tables_) {
    table->each_chunk(partition, [&](std::span<const Link> chunk) {
      for (const Link& link : chunk) {
        visit(link, index_.add(link));
        ticker_.tick();
      }
    });
  }
}

void UnionStage::load(std::size_t partition) {
  load(partition, [](const Link&, std::uint32_t) {});
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
  for (const LinkTable* table : tables_) {
    table->each_chunk(partition_, [&](std::span<const Link> chunk) {
      for (const Link& link : chunk) {
        arranged_[start_[index_.find(link)]++] = &link;
        ticker_.tick();
      }
    });
  }
  // Each start has moved on to its group's end: move them back by one place.
  for (std::size_t group = groups.size(); group > 0; --group) start_[group] = start_[group - 1];
  start_[0] = 0;
  is_arranged_ = true;
}

// Marks the groups that more records of one source carry than their kind allows.
void UnionStage::find_too_common(bool report) {
  const std::span<const KeyGroup> groups = index_.groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups[group].links <= least_max_records_ || is_record(groups[group])) continue;
    const std::uint64_t most = rules_of(groups[group]).max_records;
    if (most == 0 || groups[group].links <= most) continue;
    find_records();
    arrange();
    judge(group, report);
  }
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
        if (!judged.too_common) ++too_common_.identifiers;
        report_too_common(judged, SourceNumber{static_cast<std::uint16_t>(source)},
                          {counted_.data() + first, last - first});
      }
      judged.too_common = true;
    }
    first = last;
  }
}

// Keeps the worst: the one that most records of one source carry. Between equals the data decides.
void UnionStage::report_too_common(const KeyGroup& group, SourceNumber source,
                                   std::span<const std::uint64_t> records) {
  if (records.size() < too_common_.records) return;
  const auto id_of = [this](std::uint32_t row) { return Row(rows_[row]).record_id(); };
  auto smallest = static_cast<std::uint32_t>(records.front());
  for (const std::uint64_t counted : records) {
    ticker_.tick();
    const auto record = static_cast<std::uint32_t>(counted);
    if (compare_ids(id_of(record), id_of(smallest)) < 0) smallest = record;
  }
  if (records.size() == too_common_.records) {
    const int ids =
        compare_ids(id_of(smallest), id_of(static_cast<std::uint32_t>(too_common_.row)));
    if (std::tuple(source, ids, group.kind) >=
        std::tuple(too_common_.source, 0, too_common_.kind)) {
      return;
    }
  }
  too_common_ = {too_common_.identifiers, group.first->key,   group.kind, source,
                 records.size(),          RowNumber{smallest}};
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
  DisjointSet sets(*environment_, rows_.size());
  KeyIndex records(*environment_);
  bool any = false;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    std::size_t links = 0;
    const auto each_record_link = [&](auto&& visit) {
      for (const LinkTable* table : tables_) {
        table->each_chunk(partition, [&](std::span<const Link> chunk) {
          for (const Link& link : chunk) {
            ticker_.tick();
            if (link.kind == kRecordKind) visit(link);
          }
        });
      }
    };
    each_record_link([&](const Link&) { ++links; });
    if (links == 0) continue;
    any = true;
    records.reset(links);
    each_record_link([&](const Link& link) {
      sets.unite(records.groups()[records.add(link)].first->row, link.row);
    });
  }
  if (!any) return;
  record_of_.resize(rows_.size());
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    record_of_[row] =
        static_cast<std::uint32_t>(sets.representative(RowNumber{static_cast<std::uint32_t>(row)}));
    ticker_.tick();
  }
}

// ---- union ----

void UnionStage::unite_all(DisjointSet& sets) {
  if (has_fallback_) note_sources();
  DelayedUnion delayed(sets);
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
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
    for (const Pair& pair : pairs_) {
      ticker_.tick();
      const KeyGroup& group = groups[pair.group];
      if (group.too_common || falls_back(group)) continue;
      delayed.unite(RowNumber{pair.leader}, RowNumber{pair.row});
    }
    if (has_limits_) note_holders();
    if (!has_fallback_) continue;
    arrange();
    for (std::size_t group = 0; group < groups.size(); ++group) mark_sources(group);
  }
  delayed.finish();
}

// Notes who holds the values of limited kinds.
void UnionStage::note_holders() {
  for (const KeyGroup& group : index_.groups()) {
    ticker_.tick();
    if (is_record(group) || group.too_common || group.leader == kNoRow) continue;
    if (rules_of(group).max_per_identity != 0 && !falls_back(group)) {
      holders_[index(group.kind)].push_back(group.leader);
    }
  }
  if (!has_scattered_limits_) return;
  arrange();
  const std::span<const KeyGroup> groups = index_.groups();
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (is_record(groups[group]) || groups[group].too_common) continue;
    const KindRules& rules = rules_of(groups[group]);
    if (rules.max_per_identity == 0 || (rules.links && !rules.fallback)) continue;
    for (const Link* link : links_of(group)) {
      ticker_.tick();
      if (!link->counts) continue;
      scattered_holders_[index(link->kind)].emplace_back(next_value_,
                                                         static_cast<std::uint32_t>(link->row));
    }
    ++next_value_;
  }
}

// ---- fallback kinds ----

// Makes room for the sources that each record is linked to.
void UnionStage::note_sources() {
  constexpr std::size_t kSourcesAWord = 64;
  find_records();
  words_ = (source_count_ + kSourcesAWord - 1) / kSourcesAWord;
  linked_sources_.assign(rows_.size() * fallback_priorities_.size() * words_, 0);
  source_of_.resize(rows_.size());
  for (std::size_t row = 0; row < rows_.size(); ++row) {
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

void UnionStage::unite_fallbacks(DisjointSet& sets) {
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    find_too_common(false);
    arrange();
    const std::span<const KeyGroup> groups = index_.groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const KeyGroup& at = groups[group];
      if (is_record(at) || at.too_common || !rules_of(at).links || !rules_of(at).fallback) continue;
      list_members(group, true);
      split(rules_of(at));
      for (std::size_t i = 1; i < members_.size(); ++i) {
        if (members_[i].part == members_[i - 1].part) {
          sets.unite(members_[i].link->row, members_[i - 1].link->row);
        }
      }
    }
  }
}

// ---- guard ----

// Marks the identities that break a limit; says whether there is any.
bool UnionStage::find_conflicts(std::size_t identities) {
  conflicted_.assign(identities, 0);
  bool any = false;
  Vector<std::uint32_t> counts(&environment_->memory());
  Vector<std::pair<std::uint32_t, std::uint32_t>> held(&environment_->memory());
  const auto count = [&](std::uint32_t identity, std::uint64_t most) {
    ticker_.tick();
    if (++counts[identity] <= most) return;
    conflicted_[identity] = 1;
    any = true;
  };
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    const std::uint64_t most = kinds_[kind].max_per_identity;
    if (most == 0) continue;
    counts.assign(identities, 0);
    if (kinds_[kind].links && !kinds_[kind].fallback) {
      for (const std::uint32_t row : holders_[kind]) count(identity_of_[row], most);
      continue;
    }
    held.clear();
    for (const auto& [value, row] : scattered_holders_[kind]) {
      held.emplace_back(identity_of_[row], value);
    }
    std::sort(held.begin(), held.end(), [this](const auto& a, const auto& b) {
      ticker_.tick();
      return a < b;
    });
    held.erase(std::unique(held.begin(), held.end()), held.end());
    for (const auto& [identity, value] : held) count(identity, most);
  }
  for (auto& rows : holders_) rows = Vector<std::uint32_t>(&environment_->memory());
  for (auto& pairs : scattered_holders_) {
    pairs = Vector<std::pair<std::uint32_t, std::uint32_t>>(&environment_->memory());
  }
  return any;
}

void UnionStage::build_again(std::size_t& identities) {
  find_records();
  guard_.emplace(*environment_, kinds_);
  number_of_.assign(rows_.size(), kNoRow);
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    ticker_.tick();
    if (conflicted_[identity_of_[row]] == 0) continue;
    const std::uint32_t record = record_of(RowNumber{row});  // never after the row
    number_of_[row] = record == row ? guard_->add_record(source_of(row)) : number_of_[record];
  }
  tell_guard();
  bool by_data = false;
  for (const KindRules& rules : kinds_) by_data = by_data || (rules.links && rules.ties_by_data);
  const Vector<std::uint32_t> ranks =
      by_data ? survivorship_ranks() : Vector<std::uint32_t>(&environment_->memory());
  guard_->solve({ranks.data(), ranks.size()});
  label_again(identities);
}

// Tells the guard what the records of the conflicted identities carry. A value that one record
// alone carries claims nothing.
void UnionStage::tell_guard() {
  Guard& guard = *guard_;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    find_too_common(false);
    arrange();
    const std::span<const KeyGroup> groups = index_.groups();
    for (std::size_t group = 0; group < groups.size(); ++group) {
      if (is_record(groups[group]) || groups[group].too_common) continue;
      const KindRules& rules = rules_of(groups[group]);
      const std::span<const Link* const> links = links_of(group);
      const bool here = std::any_of(links.begin(), links.end(), [this](const Link* link) {
        ticker_.tick();
        return number_of_[index(link->row)] != kNoRow;
      });
      if (!here) continue;
      if (rules.max_per_identity != 0) {
        const Guard::Number value = guard.add_value(groups[group].kind);
        for (const Link* link : links) {
          const std::uint32_t number = number_of_[index(link->row)];
          if (link->counts && number != kNoRow) guard.add_holding(number, value);
        }
      }
      if (!rules.links) continue;
      list_members(group, true);
      split(rules);
      for (std::size_t first = 0; first < members_.size();) {
        std::size_t last = first;
        while (last < members_.size() && members_[last].part == members_[first].part) ++last;
        if (members_[first].record != members_[last - 1].record &&
            number_of_[members_[first].record] != kNoRow) {
          guard.add_identifier(groups[group].kind, members_[first].link->gives_way);
          for (std::size_t i = first; i < last; ++i) {
            if (i > first && members_[i].record == members_[i - 1].record) continue;
            guard.add_claim(number_of_[members_[i].record]);
          }
        }
        first = last;
      }
    }
  }
}

// The places of the conflicted records in the order of survivorship.
boost::container::pmr::vector<std::uint32_t> UnionStage::survivorship_ranks() const {
  struct Record {
    std::int64_t updated_at;
    std::uint32_t row;
  };
  Ticker ticker(*environment_);
  Vector<Record> records(&environment_->memory());  // by the guard's number
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    ticker.tick();
    if (number_of_[row] == kNoRow) continue;
    const std::int64_t updated_at = Row(rows_[row]).updated_at();
    if (number_of_[row] == records.size()) records.push_back({updated_at, row});
    Record& record = records[number_of_[row]];
    record.updated_at = std::max(record.updated_at, updated_at);
  }
  Vector<std::uint32_t> sorted(records.size(), &environment_->memory());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
    ticker.tick();
    const Row left(rows_[records[a].row]);
    const Row right(rows_[records[b].row]);
    if (left.source() != right.source()) return left.source() < right.source();
    if (records[a].updated_at != records[b].updated_at) {
      return records[a].updated_at > records[b].updated_at;
    }
    return compare_ids(left.record_id(), right.record_id()) < 0;
  });
  Vector<std::uint32_t> ranks(records.size(), &environment_->memory());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) ranks[sorted[i]] = i;
  return ranks;
}

// Numbers the identities again by their first rows, the conflicted ones as the guard has them.
void UnionStage::label_again(std::size_t& identities) {
  Vector<std::uint32_t> new_number(identities, kNoRow, &environment_->memory());
  Vector<std::uint32_t> cluster_number(guard_->clusters(), kNoRow, &environment_->memory());
  std::uint32_t next = 0;
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    ticker_.tick();
    std::uint32_t& identity = identity_of_[row];
    std::uint32_t& number = conflicted_[identity] != 0
                                ? cluster_number[guard_->cluster_of(number_of_[row])]
                                : new_number[identity];
    if (number == kNoRow) number = next++;
    identity = number;
  }
  identities = next;
}

// ---- evidence ----

void UnionStage::write_evidence() {
  find_records();
  Vector<Verdict> verdicts(&environment_->memory());
  std::uint32_t next_claim = 0;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    load(partition);
    find_too_common(false);
    arrange();
    for (std::size_t group = 0; group < index_.groups().size(); ++group) {
      if (!is_record(index_.groups()[group])) judge_evidence(group, verdicts, next_claim);
    }
  }
  // By row, and within a row by key, so that a row of many identifiers is gone through once.
  std::sort(verdicts.begin(), verdicts.end(), [this](const Verdict& a, const Verdict& b) {
    ticker_.tick();
    return std::tuple(a.row, a.key.high, a.key.low) < std::tuple(b.row, b.key.high, b.key.low);
  });
  for (std::size_t first = 0; first < verdicts.size();) {
    std::size_t last = first;
    while (last < verdicts.size() && verdicts[last].row == verdicts[first].row) ++last;
    const std::span row(verdicts.data() + first, last - first);
    Row(rows_[row.front().row]).each_item([&](SlotNumber slot, std::string_view bytes) {
      ticker_.tick();
      if (slot != kEvidenceSlot) return;
      EvidenceHeader header;
      std::memcpy(&header, bytes.data(), sizeof header);
      const auto found = std::lower_bound(
          row.begin(), row.end(), header.key, [](const Verdict& verdict, const Key& key) {
            return std::tuple(verdict.key.high, verdict.key.low) < std::tuple(key.high, key.low);
          });
      header.others = found->others;
      // What was known from the start stays: such a link joins nothing.
      if (header.status == LinkStatus::kAlone) header.status = found->status;
      // The rows are the sinks' own bytes, which nobody else reads yet.
      std::memcpy(const_cast<char*>(bytes.data()), &header, sizeof header);
    });
    first = last;
  }
}

// What became of the identifiers of one group. Claims come in the order in which tell_guard() told
// them.
void UnionStage::judge_evidence(std::size_t group, Vector<Verdict>& verdicts,
                                std::uint32_t& next_claim) {
  const KeyGroup& at = index_.groups()[group];
  const KindRules& rules = rules_of(at);
  list_members(group, false);
  std::uint32_t carriers = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i == 0 || members_[i].record != members_[i - 1].record) ++carriers;
  }
  const auto judged = [&](const Member& member, LinkStatus status) {
    verdicts.push_back(
        {at.first->key, static_cast<std::uint32_t>(member.link->row), carriers - 1, status});
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
    if (number_of_.empty() || number_of_[part.front().record] == kNoRow) {
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
