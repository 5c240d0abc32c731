#include "match/matcher.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <vector>

namespace identity_resolve::match {

namespace {

// As many pairs tell the model all that it can learn.
constexpr std::uint64_t kEnough = 2'000'000;

std::uint64_t mixed(std::uint64_t number) noexcept {
  number ^= number >> 33U;
  number *= 0xFF51AFD7ED558CCDU;
  number ^= number >> 33U;
  number *= 0xC4CEB9FE1A85EC53U;
  return number ^ (number >> 33U);
}

class Patterns {
 public:
  explicit Patterns(Memory& memory) : patterns_(&memory), counts_(&memory) {}
  void add(std::span<const Level> levels) {
    patterns_.push_back(Pattern::of(levels));
    if (patterns_.size() >= kMost) shrink();
  }
  // The patterns, in order, each once.
  List<PatternCount> take() {
    shrink();
    return std::move(counts_);
  }

 private:
  static constexpr std::size_t kMost = 1U << 20U;

  void shrink() {
    std::sort(patterns_.begin(), patterns_.end());
    List<PatternCount> merged(counts_.get_allocator());
    std::size_t at = 0;
    for (std::size_t i = 0; i < patterns_.size();) {
      std::size_t end = i + 1;
      while (end < patterns_.size() && patterns_[end] == patterns_[i]) ++end;
      while (at < counts_.size() && counts_[at].pattern < patterns_[i])
        merged.push_back(counts_[at++]);
      PatternCount count{patterns_[i], static_cast<double>(end - i)};
      if (at < counts_.size() && counts_[at].pattern == patterns_[i])
        count.pairs += counts_[at++].pairs;
      merged.push_back(count);
      i = end;
    }
    merged.insert(merged.end(), counts_.begin() + static_cast<std::ptrdiff_t>(at), counts_.end());
    counts_ = std::move(merged);
    patterns_.clear();
  }

  List<Pattern> patterns_;
  List<PatternCount> counts_;
};

// Pairs taken at random, by numbers that hang on nothing but how many records there are; of few
// records all pairs.
List<PatternCount> see_random(const Table& table, const Comparison& comparison,
                              engine::Ticker& ticker) {
  Patterns patterns(table.memory());
  std::array<Level, Table::kMostColumns> levels{};
  const std::span<const Level> shown(levels.data(), table.columns().size());
  const std::uint64_t records = table.size();
  if (records < 2) return patterns.take();
  if (records * (records - 1) / 2 <= kEnough) {
    for (RecordIndex a = 0; a < records; ++a) {
      for (RecordIndex b = a + 1; b < records; ++b) {
        ticker.tick();
        comparison.compare(a, b, levels.data());
        patterns.add(shown);
      }
    }
    return patterns.take();
  }
  for (std::uint64_t i = 0; i < kEnough / 2; ++i) {
    ticker.tick();
    const auto a = static_cast<RecordIndex>(mixed(2 * i + 1) % records);
    const auto b = static_cast<RecordIndex>(mixed(2 * i + 2) % records);
    if (a == b) continue;
    comparison.compare(a, b, levels.data());
    patterns.add(shown);
  }
  return patterns.take();
}

// The pairs inside clusters, and between those that a pair connects, which were not compared, are:
// they may lie in no small block, and then they are no stranger to each other.
class Closure {
 public:
  Closure(const Table& table, const Comparison& comparison, const Model& model,
          engine::Environment& environment)
      : table_(&table), comparison_(&comparison), model_(&model), environment_(&environment) {}

  void extend(const List<RecordIndex>& clusters, List<Edge>& edges) {
    engine::Ticker ticker(*environment_);
    Memory& memory = environment_->memory();
    Set<std::uint64_t> known(&memory);
    for (const Edge& edge : edges) known.insert(name_of(edge.a, edge.b));
    // The records cluster by cluster, and where each begins.
    List<RecordIndex> members(clusters.size(), 0, &memory);
    std::iota(members.begin(), members.end(), 0U);
    std::sort(members.begin(), members.end(), [&](RecordIndex a, RecordIndex b) {
      return clusters[a] != clusters[b] ? clusters[a] < clusters[b] : a < b;
    });
    List<std::uint32_t> begins(clusters.size(), 0, &memory);
    List<std::uint32_t> sizes(clusters.size(), 0, &memory);
    for (std::uint32_t i = 0; i < members.size(); ++i) {
      if (sizes[clusters[members[i]]]++ == 0) begins[clusters[members[i]]] = i;
    }
    const auto members_of = [&](RecordIndex cluster) {
      return std::span<const RecordIndex>(members.data() + begins[cluster], sizes[cluster]);
    };
    Set<std::uint64_t> done(&memory);
    const std::size_t before = edges.size();
    for (std::size_t i = 0; i < before; ++i) {
      const RecordIndex one = clusters[edges[i].a];
      const RecordIndex other = clusters[edges[i].b];
      if (std::size_t{sizes[one]} * sizes[other] > kMostPairs) continue;
      if (one != other && edges[i].weight < kWorthALook) continue;
      if (!done.insert(name_of(one, other)).second) continue;
      for (const RecordIndex a : members_of(one)) {
        for (const RecordIndex b : members_of(other)) {
          ticker.tick();
          if (table_->exact(a) == table_->exact(b) || (one == other && a > b)) continue;
          if (!known.insert(name_of(a, b)).second) continue;
          comparison_->compare(a, b, levels_.data());
          const double weight = model_->weight({levels_.data(), table_->columns().size()}, a);
          edges.push_back(
              {std::min(a, b), std::max(a, b),
               static_cast<float>(std::clamp<double>(weight, kLeastWeight, kMostWeight))});
        }
      }
    }
  }

 private:
  static constexpr std::size_t kMostPairs = 2500;
  static constexpr float kWorthALook = -4;

  static std::uint64_t name_of(RecordIndex a, RecordIndex b) noexcept {
    return (std::uint64_t{std::min(a, b)} << 32U) | std::max(a, b);
  }

  const Table* table_;
  const Comparison* comparison_;
  const Model* model_;
  engine::Environment* environment_;
  std::array<Level, Table::kMostColumns> levels_{};
};

}  // namespace

Outcome match(const Table& table, const Options& options, const MayJoin& may_join,
              engine::Environment& environment) {
  engine::Ticker ticker(environment);
  const Comparison comparison(table);
  std::array<Level, Table::kMostColumns> levels{};
  const std::span<const Level> shown(levels.data(), table.columns().size());
  Blocking blocking(table, {options.block_limit * 5 / 3, options.block_limit}, environment);

  // Of many candidates a part is enough to learn from: one in `every`, by the records' hashes.
  Outcome outcome{List<RecordIndex>(&environment.memory()), List<Edge>(&environment.memory())};
  const auto is_decided = [&](RecordIndex a, RecordIndex b) {
    return table.exact(a) == table.exact(b);
  };
  blocking.each_pair(
      [&](RecordIndex a, RecordIndex b) { outcome.compared += is_decided(a, b) ? 0 : 1; });
  const std::uint64_t every = outcome.compared / kEnough + 1;
  Patterns patterns(environment.memory());
  std::uint64_t taken = 0;
  blocking.each_pair([&](RecordIndex a, RecordIndex b) {
    if (is_decided(a, b)) return;
    if (every > 1 && mixed(table.stamp(a) ^ mixed(table.stamp(b))) % every != 0) return;
    ++taken;
    comparison.compare(a, b, levels.data());
    patterns.add(shown);
  });
  const List<PatternCount> random = see_random(table, comparison, ticker);
  const double share = outcome.compared == 0
                           ? 1
                           : static_cast<double>(taken) / static_cast<double>(outcome.compared);
  const List<PatternCount> seen = patterns.take();
  const Model model(table, {seen.data(), seen.size()}, {random.data(), random.size()},
                    std::max(share, 1e-9));

  blocking.each_pair([&](RecordIndex a, RecordIndex b) {
    if (is_decided(a, b) || model.weight_at_most(a, b) <= kNotCompared) return;
    comparison.compare(a, b, levels.data());
    const double weight = model.weight(shown, a);
    if (weight > kNotCompared) {
      outcome.edges.push_back({std::min(a, b), std::max(a, b),
                               static_cast<float>(std::min<double>(weight, kMostWeight))});
    }
  });
  const auto join = [&] {
    // Sums of weights do not depend on the order in which blocks were gone through.
    std::sort(outcome.edges.begin(), outcome.edges.end());
    outcome.clusters = cluster(table, {outcome.edges.data(), outcome.edges.size()},
                               options.threshold, may_join, environment);
  };
  join();
  Closure(table, comparison, model, environment).extend(outcome.clusters, outcome.edges);
  join();
  return outcome;
}

}  // namespace identity_resolve::match
