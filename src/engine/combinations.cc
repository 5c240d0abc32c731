#include "engine/combinations.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <cstring>
#include <functional>
#include <unordered_set>
#include <utility>

#include "engine/error.h"

namespace identity_resolve::engine {

namespace {

// Calls visit(key) for each linking identifier of a row.
template <class Visit>
void each_key(const Row& row, Visit&& visit) {
  row.each_item([&](SlotNumber slot, std::string_view bytes) {
    if (slot != kKeySlot) return;
    Key key;
    std::memcpy(&key, bytes.data(), sizeof key);
    visit(key);
  });
}

// A combination as 16 bytes, to tell the shown ones from new ones: BLAKE2b, so that neither chance
// nor craft makes two alike, whatever the values' lengths.
using Fingerprint = std::array<unsigned char, 16>;

Fingerprint fingerprint(std::span<const ColumnPlan> columns, const Cells& cells, Ticker& ticker) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof(Fingerprint));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].array) continue;  // alike in all combinations
    const auto values = cells[i].values();
    const std::size_t length = values.empty() ? SIZE_MAX : values.front().size();
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length),
                              sizeof length);
    if (length == 0 || values.empty()) continue;
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(values.front().data()),
                              length);
    ticker.tick_bytes(length);
  }
  Fingerprint print;
  crypto_generichash_final(&state, print.data(), print.size());
  return print;
}

// Fingerprints, in one table with open addressing: nothing to walk when it goes, as a large
// identity has millions of them. Any part of a fingerprint is a hash; a place without one holds
// zeros.
class FingerprintSet {
 public:
  explicit FingerprintSet(Environment& environment) : table_(kFirst, &environment.memory()) {}

  // Adds a fingerprint; whether it is new.
  bool insert(Fingerprint print) {
    print.back() |= 1U;  // so that none is all zeros
    if (count_ * 2 >= table_.size()) grow();
    return place(table_, print) && ++count_ > 0;
  }

 private:
  using Table = boost::container::pmr::vector<Fingerprint>;
  static constexpr std::size_t kFirst = 8;  // a power of two, as all its sizes are

  static bool place(Table& table, const Fingerprint& print) noexcept {
    const std::size_t mask = table.size() - 1;
    std::size_t at = 0;
    std::memcpy(&at, print.data(), sizeof at);
    for (at &= mask;; at = (at + 1) & mask) {
      if (table[at] == print) return false;
      if (table[at].back() == 0) break;
    }
    table[at] = print;
    return true;
  }

  void grow() {
    Table larger(table_.size() * 2, table_.get_allocator());
    for (const Fingerprint& print : table_) {
      if (print.back() != 0) place(larger, print);
    }
    table_.swap(larger);
  }

  Table table_;
  std::size_t count_ = 0;
};

}  // namespace

Combinations::Combinations(Environment& environment, std::span<const ColumnPlan> columns,
                           std::size_t sources, std::uint64_t max_combinations,
                           std::uint64_t max_in_memory)
    : environment_(&environment),
      columns_(columns),
      max_combinations_(max_combinations),
      max_in_memory_(max_in_memory),
      ticker_(environment),
      multiplied_(sources, false, &environment.memory()),
      spines_(&environment.memory()),
      spine_keys_(&environment.memory()),
      seen_by_(&environment.memory()),
      offers_(&environment.memory()),
      whole_(columns.size(), &environment.memory()) {
  for (const ColumnPlan& column : columns) {
    const bool of_source =
        column.shows == Shows::kRecordId || (column.shows == Shows::kValue && column.one_source);
    if (of_source && !column.array) multiplied_[index(column.source)] = true;
  }
}

void Combinations::check(std::uint64_t combinations, const IdentityReader& identity,
                         const Name& name) const {
  if (combinations > max_combinations_) {
    throw Error(
        "54000", fmt::format("identity {} has too many combinations", name()),
        fmt::format("Its {} records give more than {} rows.", identity.record_count(),
                    max_combinations_),
        "Ask for fewer sources or for arrays, find out what glues its records together, or raise "
        "the limit with identity_output(rows => 'combinations', max_combinations => ...).");
  }
  if (combinations > max_in_memory_) {
    throw Error("53200", fmt::format("identity {} has more combinations than memory", name()),
                fmt::format("Its {} records give more than {} rows, which is what "
                            "maintenance_work_mem holds.",
                            identity.record_count(), max_in_memory_),
                "Ask for fewer sources or for arrays, find out what glues its records together, or "
                "raise maintenance_work_mem.");
  }
}

// The spines with their keys, and the records of each multiplied later source.
void Combinations::collect(const IdentityReader& identity) {
  spines_.clear();
  spine_keys_.clear();
  offers_.clear();
  const auto rows = identity.rows();
  for (std::uint32_t first = 0; first < rows.size();) {
    std::uint32_t last = first + 1;
    while (last < rows.size() && !rows[last].starts_record) ++last;
    const SourceNumber source = rows[first].row.source();
    if (source == identity.first_source()) {
      // Rows alike in everything but their time are one spine.
      std::unordered_set<std::string_view, std::hash<std::string_view>, std::equal_to<>,
                         boost::container::pmr::polymorphic_allocator<std::string_view>>
          seen(0, std::hash<std::string_view>(), std::equal_to<>(), &environment_->memory());
      for (std::uint32_t row = first; row < last; ++row) {
        const std::string_view items = rows[row].row.items();
        ticker_.tick_bytes(items.size());
        if (last - first > 1 && !seen.insert(items).second) continue;
        const auto spine = static_cast<std::uint32_t>(spines_.size());
        spines_.push_back({row, {first, last}});
        each_key(rows[row].row, [&](const Key& key) {
          spine_keys_.push_back({key, spine});
          ticker_.tick();
        });
      }
    } else if (multiplied_[index(source)]) {
      if (offers_.empty() || offers_.back().source != source) {
        offers_.emplace_back(source, &environment_->memory());
      }
      offers_.back().records.push_back({first, last});
    }
    ticker_.tick();
    first = last;
  }
  std::sort(spine_keys_.begin(), spine_keys_.end(), [this](const auto& a, const auto& b) {
    ticker_.tick();
    return a.key < b.key;
  });
}

// Which of a source's records share an identifier with which spine, and which with none.
void Combinations::match(const IdentityReader& identity, Offer& offer, const Name& name) {
  const auto rows = identity.rows();
  // Which record was last seen to share an identifier with each spine: several in common are one
  // pair. The last place stands for none.
  seen_by_.assign(spines_.size(), UINT32_MAX);
  for (std::uint32_t place = 0; place < offer.records.size(); ++place) {
    std::size_t spines = 0;
    for (std::uint32_t row = offer.records[place].first; row < offer.records[place].last; ++row) {
      each_key(rows[row].row, [&](const Key& key) {
        ticker_.tick();
        auto at = std::lower_bound(spine_keys_.begin(), spine_keys_.end(), key,
                                   [](const SpineKey& a, const Key& b) { return a.key < b; });
        for (; at != spine_keys_.end() && at->key == key && spines < spines_.size(); ++at) {
          ticker_.tick();
          if (std::exchange(seen_by_[at->spine], place) == place) continue;
          ++spines;
          offer.shared.push_back({at->spine, place});
          check(offer.shared.size(), identity, name);
        }
      });
    }
    if (spines == 0) offer.with_no_spine.push_back(place);
  }
  std::sort(offer.shared.begin(), offer.shared.end(), [this](const Pair& a, const Pair& b) {
    ticker_.tick();
    return a < b;
  });
}

// The records that the source offers the spine.
void Combinations::choose(Offer& offer, std::uint32_t spine) {
  offer.chosen.clear();
  auto at = std::lower_bound(offer.shared.begin(), offer.shared.end(), Pair{spine, 0});
  for (; at != offer.shared.end() && at->spine == spine; ++at) offer.chosen.push_back(at->record);
  offer.chosen.insert(offer.chosen.end(), offer.with_no_spine.begin(), offer.with_no_spine.end());
  if (!offer.chosen.empty()) return;
  for (std::uint32_t i = 0; i < offer.records.size(); ++i) offer.chosen.push_back(i);
}

// What a record shows in a column of its source. A contested value is hidden where the whole
// identity has a better one.
std::string_view Combinations::of_one_record(const ShownValue& value,
                                             std::size_t column) const noexcept {
  const bool is_hidden =
      value.showing == Showing::kContested && whole_[column].showing == Showing::kFirst;
  return is_hidden ? std::string_view() : value.value;
}

// What the spine's own source and the kinds show of it.
void Combinations::show_spine(const IdentityReader& identity, const Spine& spine, Cells& cells) {
  const auto rows = identity.rows();
  const auto own = rows.subspan(spine.row, 1);
  const auto record = rows.subspan(spine.record.first, spine.record.last - spine.record.first);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ColumnPlan& column = columns_[i];
    if (column.array) continue;
    if (column.shows == Shows::kRecordId && column.source == identity.first_source()) {
      cells[i].set(own.front().row.record_id());
    } else if (column.shows == Shows::kValue && !column.one_source) {
      const ShownValue value = surviving_value(own, column.slot, ticker_);
      cells[i].set(whole_[i].showing < value.showing ? whole_[i].value : value.value);
    } else if (column.shows == Shows::kValue && column.source == identity.first_source()) {
      ShownValue value = surviving_value(own, column.slot, ticker_);
      if (value.showing != Showing::kFirst) {
        const ShownValue of_record = surviving_value(record, column.slot, ticker_);
        if (of_record.showing < value.showing) value = of_record;
      }
      cells[i].set(of_one_record(value, i));
    }
  }
}

// What a later source's columns show of the record chosen.
void Combinations::show_record(const IdentityReader& identity, const Offer& offer,
                               std::size_t place, Cells& cells) {
  const Record& record = offer.records[offer.chosen[place]];
  const auto rows = identity.rows().subspan(record.first, record.last - record.first);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ColumnPlan& column = columns_[i];
    if (column.array || column.source != offer.source) continue;
    if (column.shows == Shows::kRecordId) {
      cells[i].set(rows.front().row.record_id());
    } else if (column.shows == Shows::kValue && column.one_source) {
      cells[i].set(of_one_record(surviving_value(rows, column.slot, ticker_), i));
    }
  }
}

void Combinations::each(const IdentityReader& identity, Cells& cells,
                        const std::function<std::string()>& name,
                        const std::function<void()>& emit) {
  collect(identity);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    whole_[i] = {cells[i].showing(),
                 cells[i].empty() ? std::string_view() : cells[i].values().front()};
  }
  check(spines_.size(), identity, name);
  for (Offer& offer : offers_) {
    match(identity, offer, name);
  }
  // First count, so that a large identity fails before it shows its first row.
  std::uint64_t total = 0;
  for (std::uint32_t spine = 0; spine < spines_.size(); ++spine) {
    std::uint64_t product = 1;
    for (Offer& offer : offers_) {
      choose(offer, spine);
      if (__builtin_mul_overflow(product, offer.chosen.size(), &product)) product = UINT64_MAX;
      check(product, identity, name);
      ticker_.tick();
    }
    total += product;
    check(total, identity, name);
  }

  FingerprintSet shown(*environment_);
  std::vector<std::size_t> odometer(offers_.size());
  for (std::uint32_t spine = 0; spine < spines_.size(); ++spine) {
    show_spine(identity, spines_[spine], cells);
    std::fill(odometer.begin(), odometer.end(), 0);
    for (std::size_t i = 0; i < offers_.size(); ++i) {
      choose(offers_[i], spine);
      show_record(identity, offers_[i], 0, cells);
    }
    for (bool more = true; more;) {
      if (total == 1 || shown.insert(fingerprint(columns_, cells, ticker_))) emit();
      ticker_.tick();
      more = false;
      for (std::size_t i = offers_.size(); i > 0 && !more; --i) {
        more = ++odometer[i - 1] < offers_[i - 1].chosen.size();
        if (!more) odometer[i - 1] = 0;
        show_record(identity, offers_[i - 1], odometer[i - 1], cells);
      }
    }
  }
}

}  // namespace identity_resolve::engine
