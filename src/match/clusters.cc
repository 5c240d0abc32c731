#include "match/clusters.h"

#include <algorithm>
#include <memory>
#include <queue>

namespace identity_resolve::match {

namespace {

struct Candidate {
  double mean;
  RecordIndex a;
  RecordIndex b;
  // The best first; of equal ones that of the first records.
  bool operator<(const Candidate& other) const noexcept {
    if (mean != other.mean) return mean < other.mean;
    return a != other.a ? a > other.a : b > other.b;
  }
};

class Linkage {
 public:
  Linkage(const Table& table, std::span<const Edge> edges, double threshold,
          const MayJoin& may_join, engine::Environment& environment)
      : threshold_(threshold),
        may_join_(&may_join),
        ticker_(environment),
        memory_(&environment.memory()),
        cluster_of_(table.size(), 0, memory_),
        sizes_(table.size(), 0, memory_),
        slots_(table.size(), kNone, memory_),
        neighbours_(memory_),
        queue_(std::less<Candidate>(), List<Candidate>(memory_)) {
    for (RecordIndex record = 0; record < table.size(); ++record) {
      cluster_of_[record] = table.exact(record);
      ++sizes_[table.exact(record)];
    }
    list_neighbours(edges);
  }

  List<RecordIndex> take() {
    for (RecordIndex record = 0; record < cluster_of_.size(); ++record) {
      cluster_of_[record] = find(record);
    }
    return std::move(cluster_of_);
  }

  void go() {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      ticker_.tick();
      if (cluster_of_[best.a] != best.a || cluster_of_[best.b] != best.b) continue;
      const auto found = map_of(best.a).find(best.b);
      if (found == map_of(best.a).end() || mean(best.a, best.b, found->second) != best.mean)
        continue;
      // A pair that may not be joined is asked for again when one of the two has grown.
      if ((*may_join_)(best.a, best.b)) join(best.a, best.b);
    }
  }

 private:
  // By the other cluster, what the pairs of both weigh above kNotCompared, all together.
  using Neighbours = Map<RecordIndex, double>;

  void list_neighbours(std::span<const Edge> edges) {
    for (const Edge& edge : edges) {
      ticker_.tick();
      const double more = std::min(edge.weight, kMostWeight) - kNotCompared;
      const RecordIndex a = cluster_of_[edge.a];
      const RecordIndex b = cluster_of_[edge.b];
      if (a == b) continue;
      map_of(a)[b] += more;
      map_of(b)[a] += more;
    }
    for (RecordIndex cluster = 0; cluster < cluster_of_.size(); ++cluster) {
      if (slots_[cluster] == kNone) continue;
      for (const auto& [other, more] : *neighbours_[slots_[cluster]]) {
        if (cluster < other) push(cluster, other, more);
      }
    }
  }
  Neighbours& map_of(RecordIndex cluster) {
    if (slots_[cluster] == kNone) {
      slots_[cluster] = static_cast<std::uint32_t>(neighbours_.size());
      neighbours_.push_back(std::make_unique<Neighbours>(memory_));
    }
    return *neighbours_[slots_[cluster]];
  }
  [[nodiscard]] double mean(RecordIndex a, RecordIndex b, double more) const {
    return more / (static_cast<double>(sizes_[a]) * static_cast<double>(sizes_[b])) + kNotCompared;
  }
  void push(RecordIndex a, RecordIndex b, double more) {
    const double weight = mean(a, b, more);
    if (weight > threshold_) queue_.push({weight, std::min(a, b), std::max(a, b)});
  }
  RecordIndex find(RecordIndex record) {
    while (cluster_of_[record] != record) {
      cluster_of_[record] = cluster_of_[cluster_of_[record]];
      record = cluster_of_[record];
    }
    return record;
  }
  // Into the one with the first record.
  void join(RecordIndex a, RecordIndex b) {
    const Neighbours others = std::move(map_of(b));
    neighbours_[slots_[b]] = std::make_unique<Neighbours>(memory_);
    cluster_of_[b] = a;
    sizes_[a] += sizes_[b];
    map_of(a).erase(b);
    for (const auto& [other, more] : others) {
      ticker_.tick();
      if (other == a) continue;
      map_of(other).erase(b);
      map_of(a)[other] += more;
    }
    for (const auto& [other, more] : map_of(a)) {
      ticker_.tick();
      map_of(other)[a] = more;
      push(a, other, more);
    }
  }

  static constexpr std::uint32_t kNone = UINT32_MAX;

  double threshold_;
  const MayJoin* may_join_;
  engine::Ticker ticker_;
  Memory* memory_;
  List<RecordIndex> cluster_of_;
  List<std::uint32_t> sizes_;
  List<std::uint32_t> slots_;  // of each cluster in neighbours_
  List<std::unique_ptr<Neighbours>> neighbours_;
  std::priority_queue<Candidate, List<Candidate>> queue_;
};

}  // namespace

List<RecordIndex> cluster(const Table& table, std::span<const Edge> edges, double threshold,
                          const MayJoin& may_join, engine::Environment& environment) {
  Linkage linkage(table, edges, threshold, may_join, environment);
  linkage.go();
  return linkage.take();
}

}  // namespace identity_resolve::match
