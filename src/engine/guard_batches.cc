#include "engine/guard_batches.h"

#include <algorithm>

namespace identity_resolve::engine {

namespace {

// What a guard takes for so many records, some 200 bytes each, is in the second cache of most
// processors.
constexpr std::uint32_t kRecordsABatch = 2048;

// Visits numbers; fetches what each leads to, anywhere in memory, a little before.
template <class Fetch, class Visit>
void each_ahead(std::span<const std::uint32_t> numbers, Fetch&& fetch, Visit&& visit) {
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i + kAhead < numbers.size()) fetch(numbers[i + kAhead]);
    visit(numbers[i]);
  }
}

}  // namespace

GuardBatches::GuardBatches(Environment& environment, std::span<const KindRules> kinds)
    : environment_(&environment),
      ticker_(environment),
      kinds_(kinds),
      records_(&environment.memory()),
      identifiers_(&environment.memory()),
      claims_(&environment.memory()),
      values_(&environment.memory()),
      holdings_(&environment.memory()),
      components_(&environment.memory()),
      rays_(&environment.memory()),
      groups_(&environment.memory()),
      values_of_(kinds.size(), 0, &environment.memory()),
      records_of_(environment),
      identifiers_of_(environment),
      holdings_of_(environment),
      ranks_here_(&environment.memory()),
      first_in_cluster_(&environment.memory()),
      guard_(environment, kinds),
      settled_(&environment.memory()) {}

void GuardBatches::expect(std::size_t records) {
  records_.reserve(records);
  claims_.reserve(records);
  identifiers_.reserve(records / 2);
}

GuardBatches::Number GuardBatches::add_record(SourceNumber source, std::uint32_t component) {
  records_.push_back({component, kNone, kNone, source});
  return static_cast<Number>(records_.size() - 1);
}

GuardBatches::Number GuardBatches::add_identifier(KindNumber kind, bool gives_way) {
  identifiers_.push_back({static_cast<Number>(claims_.size()), kind, gives_way});
  return static_cast<Number>(identifiers_.size() - 1);
}

GuardBatches::Number GuardBatches::add_claim(Number record) {
  claims_.push_back(record);
  return static_cast<Number>(claims_.size() - 1);
}

GuardBatches::Number GuardBatches::add_value(KindNumber kind) {
  values_.push_back({kind, kNone, 0});
  return static_cast<Number>(values_.size() - 1);
}

void GuardBatches::add_holding(Number record, Number value) {
  Number& first = records_[record].first_held;
  if (first == kNone) {
    first = value;
  } else if (first != value) {
    holdings_.push_back({record, value});
  }
}

// A counting sort; what is in one batch keeps its order, and what is in none is left out.
template <class T, class BatchOf, class Thing>
GuardBatches::Sorted<T> GuardBatches::sort_by_batch(std::size_t count, BatchOf&& batch_of,
                                                    Thing&& thing) {
  Sorted<T> sorted(*environment_);
  sorted.first.resize(batches_ + 1U, 0);
  for (std::size_t i = 0; i < count; ++i) {
    ticker_.tick();
    const Number batch = batch_of(i);
    if (batch != kNone) ++sorted.first[batch + 1U];
  }
  for (std::size_t batch = 0; batch < batches_; ++batch) {
    sorted.first[batch + 1] += sorted.first[batch];
  }
  sorted.things.resize(sorted.first.back(), boost::container::default_init);
  Vector<Number> next(sorted.first.begin(), sorted.first.end(), &environment_->memory());
  for (std::size_t i = 0; i < count; ++i) {
    ticker_.tick();
    const Number batch = batch_of(i);
    if (batch != kNone) sorted.things[next[batch]++] = thing(i);
  }
  return sorted;
}

// Puts the components that are not solved yet, one after the other, into batches of at least so
// many records.
void GuardBatches::make_batches() {
  std::uint32_t filled = 0;
  batches_ = 0;
  for (Component& component : components_) {
    ticker_.tick();
    if (component.records == 0) continue;
    component.batch = batches_;
    filled += component.records;
    if (filled < kRecordsABatch) continue;
    filled = 0;
    ++batches_;
  }
  if (filled != 0) ++batches_;
}

void GuardBatches::solve(std::uint32_t components, std::span<const std::uint32_t> ranks) {
  ranks_ = ranks;
  components_.assign(components, {});
  for (const Record& record : records_) {
    ticker_.tick();
    ++components_[record.component].records;
  }
  settled_.resize(claims_.size(), boost::container::default_init);
  solve_stars();
  make_batches();
  if (batches_ == 0) return;
  const auto batch_of = [this](std::size_t record) {
    return components_[records_[record].component].batch;
  };
  records_of_ = sort_by_batch<Number>(
      records_.size(), batch_of, [](std::size_t record) { return static_cast<Number>(record); });
  identifiers_of_ = sort_by_batch<Number>(
      identifiers_.size(),
      [&](std::size_t identifier) {
        return batch_of(claims_[identifiers_[identifier].first_claim]);
      },
      [](std::size_t identifier) { return static_cast<Number>(identifier); });
  holdings_of_ = sort_by_batch<Holding>(
      holdings_.size(), [&](std::size_t holding) { return batch_of(holdings_[holding].record); },
      [this](std::size_t holding) { return holdings_[holding]; });
  holdings_ = Vector<Holding>(&environment_->memory());
  for (Number batch = 0; batch < batches_; ++batch) solve_batch(batch);
  holdings_of_ = Sorted<Holding>(*environment_);
}

void GuardBatches::solve_batch(Number batch) {
  const std::span<const Number> records = records_of_.of(batch);
  const std::span<const Number> identifiers = identifiers_of_.of(batch);
  guard_.clear();
  ranks_here_.clear();
  each_ahead(
      records, [this](Number record) { __builtin_prefetch(&records_[record], 1); },
      [this](Number record) {
        ticker_.tick();
        records_[record].cluster = guard_.add_record(records_[record].source);
        if (!ranks_.empty()) ranks_here_.push_back(ranks_[record]);
      });
  const auto each_claim = [&](Number identifier, auto&& take) {
    for (Number claim = first_claim_on(identifier); claim < first_claim_on(identifier + 1);
         ++claim) {
      ticker_.tick();
      take(claim);
    }
  };
  each_ahead(
      identifiers,
      [this](Number identifier) { __builtin_prefetch(&claims_[first_claim_on(identifier)]); },
      [&](Number identifier) {
        guard_.add_identifier(identifiers_[identifier].kind, identifiers_[identifier].gives_way);
        each_claim(identifier,
                   [this](Number claim) { guard_.add_claim(records_[claims_[claim]].cluster); });
      });
  const auto tell_holding = [&](Number record, Number held) {
    ticker_.tick();
    Value& value = values_[held];
    if (value.batch != batch) {
      value.batch = batch;
      value.number = guard_.add_value(value.kind);
    }
    guard_.add_holding(records_[record].cluster, value.number);
  };
  for (const Number record : records) {
    const Number held = records_[record].first_held;
    if (held != kNone) tell_holding(record, held);
  }
  for (const auto& [record, held] : holdings_of_.of(batch)) tell_holding(record, held);
  guard_.solve({ranks_here_.data(), ranks_here_.size()});
  guard_.settle();
  // A cluster's number is that of its first record.
  first_in_cluster_.assign(guard_.clusters(), kNone);
  for (const Number record : records) {
    ticker_.tick();
    Number& first = first_in_cluster_[guard_.cluster_of(records_[record].cluster)];
    first = std::min(first, record);
    records_[record].cluster = first;
  }
  Number number = 0;
  each_ahead(
      identifiers,
      [this](Number identifier) { __builtin_prefetch(&settled_[first_claim_on(identifier)], 1); },
      [&](Number identifier) {
        each_claim(identifier, [&](Number claim) {
          settled_[claim] = Settled{guard_.outcome_of(number), guard_.is_kept_apart(number),
                                    guard_.is_on_copy(number), guard_.showing_of(number)};
          ++number;
        });
      });
}

}  // namespace identity_resolve::engine
