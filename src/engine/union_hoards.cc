// The union stage's part for hoards: records that hold more identifiers of one kind than honest
// data has (KindRules::warn_identifiers). Nothing is cut; somebody is told.
//
// Most data needs no look: the most identifiers on one row times the most rows of one record are
// too few. Otherwise the identifiers of each record are counted, one that comes twice twice, and
// only records with too many by that count are looked at closely. Memory: 4 bytes a row, and for
// those records their identifiers of one partition.
#include <algorithm>
#include <tuple>

#include "engine/union_stage.h"

namespace identity_resolve::engine {

std::vector<Hoards> UnionStage::find_hoards(std::uint64_t most_on_a_row) {
  std::uint64_t least = 0;
  for (const KindRules& rules : kinds_) {
    const std::uint64_t most = rules.links ? rules.warn_identifiers : 0;
    if (most != 0 && (least == 0 || most < least)) least = most;
  }
  if (least == 0 || most_on_a_row * most_rows_ <= least) return {};
  find_records();
  Vector<std::uint32_t> place = count_identifiers();
  Vector<std::uint32_t> suspects(&environment_->memory());
  for (std::uint32_t row = 0; row < row_count_; ++row) {
    ticker_.tick();
    const std::uint32_t held = std::exchange(place[row], kNoRow);
    if (held <= least) continue;
    place[row] = static_cast<std::uint32_t>(suspects.size());
    suspects.push_back(row);
  }
  if (suspects.empty()) return {};
  const Vector<std::uint32_t> counts = count_distinct(place, suspects.size());
  return tell_hoards(counts, suspects);
}

// By the first row of each record: how many identifiers that link its rows carry.
UnionStage::Vector<std::uint32_t> UnionStage::count_identifiers() {
  Vector<std::uint32_t> held(row_count_, 0, &environment_->memory());
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    environment_->check_interrupts();
    stream(partition, [&](const Link& link) {
      if (!link.links || link.kind == kRecordKind) return;
      std::uint32_t& count = held[record_of(link.row)];
      if (count != kNoRow) ++count;
    });
  }
  return held;
}

// By suspect and kind: how many identifiers there are, each once. place: of a record's first row,
// which suspect it is.
UnionStage::Vector<std::uint32_t> UnionStage::count_distinct(const Vector<std::uint32_t>& place,
                                                             std::size_t suspects) {
  struct Held {
    Key key;
    std::uint32_t suspect;
    KindNumber kind;
  };
  Vector<std::uint32_t> counts(suspects * kinds_.size(), 0, &environment_->memory());
  Vector<Held> held(&environment_->memory());
  const auto forget_repeats = [&] {
    std::sort(held.begin(), held.end(), [this](const Held& a, const Held& b) {
      ticker_.tick();
      return std::tie(a.suspect, a.key) < std::tie(b.suspect, b.key);
    });
    held.erase(std::unique(held.begin(), held.end(),
                           [](const Held& a, const Held& b) {
                             return a.suspect == b.suspect && a.key == b.key;
                           }),
               held.end());
  };
  constexpr std::size_t kFirstLook = 4096;
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    environment_->check_interrupts();
    held.clear();
    std::size_t next_look = kFirstLook;
    stream(partition, [&](const Link& link) {
      if (!link.links || link.kind == kRecordKind) return;
      const std::uint32_t suspect = place[record_of(link.row)];
      if (suspect == kNoRow) return;
      held.push_back({link.key, suspect, link.kind});
      if (held.size() < next_look) return;
      forget_repeats();
      next_look = std::max(kFirstLook, held.size() * 2);
    });
    forget_repeats();
    for (const Held& one : held) ++counts[one.suspect * kinds_.size() + index(one.kind)];
  }
  return counts;
}

// By source and kind: how many records are hoards, and which are the worst.
std::vector<Hoards> UnionStage::tell_hoards(const Vector<std::uint32_t>& counts,
                                            const Vector<std::uint32_t>& suspects) {
  std::vector<Hoards> all;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    ticker_.tick();
    const std::size_t kind = i % kinds_.size();
    const std::uint64_t most = kinds_[kind].warn_identifiers;
    if (most == 0 || counts[i] <= most) continue;
    const std::uint32_t record = suspects[i / kinds_.size()];
    const Hoards here{source_of(record), KindNumber{static_cast<std::uint16_t>(kind)}};
    auto found = std::lower_bound(all.begin(), all.end(), here, [](const auto& a, const auto& b) {
      return std::tie(a.source, a.kind) < std::tie(b.source, b.kind);
    });
    if (found == all.end() || found->source != here.source || found->kind != here.kind) {
      found = all.insert(found, here);
    }
    ++found->records;
    if (counts[i] < found->most) continue;
    if (counts[i] > found->most) found->rows.clear();
    found->most = counts[i];
    found->rows.push_back(record);
  }
  add_rows_of_records(all);
  return all;
}

// To the first rows of the worst records their other rows: their ids may be typed in other ways.
void UnionStage::add_rows_of_records(std::vector<Hoards>& all) {
  if (record_of_.empty()) return;
  for (Hoards& hoards : all) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < row_count_; ++row) {
      ticker_.tick();
      if (std::binary_search(hoards.rows.begin(), hoards.rows.end(), record_of(RowNumber{row}))) {
        rows.push_back(row);
      }
    }
    hoards.rows = std::move(rows);
  }
}

}  // namespace identity_resolve::engine
