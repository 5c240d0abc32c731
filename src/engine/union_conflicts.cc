// The union stage's part for identities that break a limit: the guard builds them again.
#include "engine/union_stage.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace identity_resolve::engine {

template <class Visit>
void UnionStage::each_second_value(KindNumber kind, Visit&& visit) {
  // By identity: half of a value's key, which is random, so that no two values of one identity have
  // the same; 0 for none.
  Vector<std::uint64_t> first(identities_, 0, &environment_->memory());
  struct Holder {
    std::uint64_t value = 0;
    std::uint32_t identity = 0;
  };
  DelayLine<Holder> coming;  // identities lie anywhere in memory
  const auto take = [&](const Holder& holder) {
    if (holder.value == 0) return;
    std::uint64_t& value = first[holder.identity];
    if (value == 0) value = holder.value;
    if (value != holder.value) visit(holder.identity);
  };
  stream(LinkTable::kHeld, [&](const Link& link) {
    if (link.kind != kind) return;
    const std::uint32_t identity = identity_of_[index(link.row)];
    __builtin_prefetch(&first[identity], 1);
    take(coming.push({link.key.low | 1, identity}));
  });
  coming.finish(take);
}

// Marks the identities that break a limit; says whether there is any.
bool UnionStage::find_conflicts() {
  conflicted_.assign(identities_, 0);
  bool any = false;
  Vector<std::uint32_t> counts(&environment_->memory());
  std::uint8_t limit = kOtherLimits;
  const auto begin_kind = [&](KindNumber kind) {
    counts.assign(identities_, 0);
    const std::uint32_t place = default_limit_of(kind);
    limit = place == kNoDefaultLimit ? kOtherLimits : static_cast<std::uint8_t>(1U << place);
  };
  const auto count = [&](std::uint32_t identity, std::uint32_t values, std::uint64_t most) {
    if ((counts[identity] += values) <= most) return;
    conflicted_[identity] |= limit;
    any = true;
  };
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
    if (!counted_by_row(kinds_[kind])) continue;
    begin_kind(KindNumber{static_cast<std::uint16_t>(kind)});
    const Vector<std::uint8_t>& values = holders_[limit_of_kind_[kind]];
    for (std::size_t row = 0; row < row_count_; ++row) {
      ticker_.tick();
      if (values[row] != 0) count(identity_of_[row], values[row], kinds_[kind].max_per_identity);
    }
  }
  for (const KindNumber kind : held_kinds_) {
    begin_kind(kind);
    each_second_value(kind, [&](std::uint32_t identity) {
      conflicted_[identity] |= limit;
      any = true;
    });
  }
  // Of a scattered value each identity is counted once.
  Vector<std::uint32_t> here(&environment_->memory());
  Vector<Holding> piece(&environment_->memory());
  for (const KindNumber kind : scattered_kinds_) {
    begin_kind(kind);
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
  RowSubset components(*environment_);  // of the identities those in a conflict
  components.reset(identities_);
  for (std::uint32_t identity = 0; identity < identities_; ++identity) {
    ticker_.tick();
    if (conflicted_[identity] == 0) continue;
    components.add(identity);
    if (!default_limits_.empty()) broken_limits_.push_back(conflicted_[identity]);
  }
  components.number();
  guard_->expect(conflicted_rows_.size());
  if (!record_of_.empty()) number_of_.reserve(conflicted_rows_.size());
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    if (!is_conflicted(row)) continue;
    const std::uint32_t record = record_of(RowNumber{row});  // never after the row
    const Guard::Number number =
        record == row ? guard_->add_record(source_of(row), components.number_of(identity_of_[row]))
                      : guard_number(record);
    if (!record_of_.empty()) number_of_.push_back(number);
  }
  tell_guard();
  bool by_data = false;
  for (const KindRules& rules : kinds_) by_data = by_data || (rules.links && rules.ties_by_data);
  const Vector<std::uint32_t> ranks =
      by_data ? survivorship_ranks() : Vector<std::uint32_t>(&environment_->memory());
  guard_->solve(static_cast<std::uint32_t>(components.size()), {ranks.data(), ranks.size()});
  if (!default_limits_.empty()) count_refused();
  if (values_ != nullptr) judge_claims();
  label_again();
}

void UnionStage::note_claim(Guard::Number claim, const Link& link) {
  claimed_links_.push_back({claim, static_cast<std::uint32_t>(link.row), link.ordinal});
  if (link.ordinal == kByKeys) claimed_keys_.push_back(link.key);
}

// Says how the values are shown of which the claims were not simply held.
void UnionStage::judge_claims() {
  std::size_t next_key = 0;
  for (const ClaimedLink& link : claimed_links_) {
    ticker_.tick();
    const Key key = link.ordinal == kByKeys ? claimed_keys_[next_key++] : Key{};
    const Showing showing = guard_->showing_of(link.claim);
    if (showing != Showing::kFirst) values_->add({key, link.row, link.ordinal, showing});
  }
  values_->spill_beyond_budget();
}

// Tells the guard what the records of the conflicted identities carry. A value that one record
// alone carries claims nothing.
void UnionStage::tell_guard() {
  GuardBatches& guard = *guard_;
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
          if (link->counts && in_conflict(link)) tell_holding(*link, value);
        }
      }
      if (rules.links) tell_claims(group);
    }
  }
  only_conflicted_ = false;
  if (!held_kinds_.empty()) tell_held();
}

// The claims on a group's identifier, or, of a fallback kind, on each of its parts.
void UnionStage::tell_claims(std::size_t group) {
  const KindRules& rules = rules_of(index_.groups()[group]);
  claims_here_.clear();
  if (!rules.fallback) {
    for (const Link* link : links_of(group)) {
      ticker_.tick();
      if (!link->links) continue;
      claims_here_.push_back({guard_number(static_cast<std::uint32_t>(link->row)), link});
    }
    tell_claimed(group);
    return;
  }
  list_members(group, true);
  split(rules);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (is_conflicted(members_[i].record)) {
      claims_here_.push_back({guard_number(members_[i].record), members_[i].link});
    }
    if (i + 1 < members_.size() && members_[i + 1].part == members_[i].part) continue;
    tell_claimed(group);
    claims_here_.clear();
  }
}

// One claim for each record of claims_here_, which are of one identity; none where there is but
// one. A record's number says which comes first, as its first row does.
void UnionStage::tell_claimed(std::size_t group) {
  const auto by_record = [](const ClaimHere& a, const ClaimHere& b) { return a.record < b.record; };
  if (!std::is_sorted(claims_here_.begin(), claims_here_.end(), by_record)) {
    std::sort(claims_here_.begin(), claims_here_.end(),
              [&](const ClaimHere& a, const ClaimHere& b) {
                ticker_.tick();
                return by_record(a, b);
              });
  }
  if (claims_here_.empty() || claims_here_.front().record == claims_here_.back().record) return;
  guard_->add_identifier(index_.groups()[group].kind, index_.groups()[group].gives_way);
  Guard::Number claim = 0;
  Guard::Number last = kNoRow;
  for (const ClaimHere& here : claims_here_) {
    if (std::exchange(last, here.record) != here.record) claim = guard_->add_claim(here.record);
    if (values_ != nullptr) note_claim(claim, *here.link);
  }
}

// The values of held kinds. Memory: 32 to 64 bytes a value.
void UnionStage::tell_held() {
  index_.reset(0);
  Vector<Guard::Number> number(&environment_->memory());  // by group
  stream(LinkTable::kHeld, [&](const Link& link) {
    if (!is_conflicted(static_cast<std::uint32_t>(link.row))) return;
    const std::uint32_t value = index_.add(link);
    if (value == number.size()) number.push_back(guard_->add_value(link.kind));
    tell_holding(link, number[value]);
  });
}

void UnionStage::tell_holding(const Link& link, Guard::Number value) {
  const Guard::Number record = guard_number(static_cast<std::uint32_t>(link.row));
  guard_->add_holding(record, value);
  const std::uint32_t limit = default_limit_of(link.kind);
  if (limit != kNoDefaultLimit) held_by_default_.push_back({record, value, limit});
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
    // Of an id in several spellings the first counts.
    if (const std::string_view id = at.record_id(); compare_ids(id, records[number].id) < 0) {
      auto* copy = reinterpret_cast<char*>(ids.allocate(id.size()));
      id.copy(copy, id.size());
      records[number].id = {copy, id.size()};
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
  std::uint32_t in_conflict = 0;  // how many of the rows so far are
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    std::uint32_t& identity = identity_of_[row];
    std::uint32_t& number = is_conflicted(row)
                                ? cluster_number[guard_->cluster_of(guard_number_at(in_conflict++))]
                                : new_number[identity];
    if (number == kNoRow) number = next++;
    identity = number;
  }
  identities_ = next;
}

}  // namespace identity_resolve::engine
