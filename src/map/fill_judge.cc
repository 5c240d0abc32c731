#include "map/fill_judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/stored_keys.h"

namespace identity_resolve::pg::fill {

namespace {

// Of a cluster: none of its records has been met.
constexpr std::uint32_t kUnknown = kNone - 2;

class Judging {
 public:
  explicit Judging(Work& work)
      : work_(work),
        partition_(&work.environment.memory()),
        old_partition_(&work.environment.memory()) {}

  // By their numbers: what records were, which keys are too common, who shares one.
  void go() {
    work_.judged.shares.assign(work_.listed.clusters.size(), false);
    if (!work_.task->is_first) {
      work_.judged.members.reserve(work_.listed.records);
      work_.judged.only_old.assign(work_.listed.clusters.size(), kUnknown);
    }
    for (std::size_t partition = 0; partition < kPartitions; ++partition) {
      work_.environment.check_interrupts();
      work_.listed.entries.load(partition, partition_);
      if (!work_.task->is_first) {
        work_.olds.records.load(partition, old_partition_);
        count_lost();
      }
      std::size_t old = 0;
      for (std::size_t begin = 0; begin < partition_.size();) {
        std::size_t end = begin + 1;
        while (end < partition_.size() && partition_[end].number == partition_[begin].number) ++end;
        const std::span<const Entry> run(partition_.data() + begin, end - begin);
        work_.ticker.tick();
        judge_keys(run);
        if (!work_.task->is_first) judge_record(run, old);
        begin = end;
      }
    }
    work_.olds.records.clear();
  }

 private:
  // Records that the state has of each source, in a partition, and those of them that are gone; and
  // records that were gone and are back.
  void count_lost() {
    auto now = partition_.begin();
    const OldRecord* last = nullptr;
    for (const OldRecord& old : old_partition_) {
      if (last != nullptr && last->rid == old.rid) continue;
      last = &old;
      while (now != partition_.end() &&
             (now->number < old.rid || (now->number == old.rid && now->is_record == 0))) {
        ++now;
      }
      const bool is_here = now != partition_.end() && now->number == old.rid;
      if (old.source == kWasGone) {
        if (is_here) work_.judged.returned.push_back(old.rid);
        continue;
      }
      if (!is_here && !is_forgotten(old.rid))
        work_.judged.missing.push_back({old.rid, old.old, old.source});
      const auto place =
          std::ranges::find(work_.task->packing.numbers, static_cast<std::int32_t>(old.source));
      if (place == work_.task->packing.numbers.end()) continue;
      const auto source = static_cast<std::size_t>(place - work_.task->packing.numbers.begin());
      ++work_.judged.before[source];
      if (!is_here) ++work_.judged.lost[source];
    }
  }
  [[nodiscard]] bool is_forgotten(std::int64_t rid) const noexcept {
    const std::vector<std::int64_t>& forgotten = work_.task->packing.forgotten;
    return std::binary_search(forgotten.begin(), forgotten.end(), rid);
  }
  void judge_keys(std::span<const Entry> run) {
    std::size_t keys = 0;
    bool are_shared = false;
    std::uint32_t first = kNone;
    for (const Entry& entry : run) {
      if (entry.is_record != 0) continue;
      ++keys;
      if (first == kNone) first = entry.cluster;
      are_shared = are_shared || entry.cluster != first;
    }
    if (keys < 2) return;
    if (is_common(run, keys)) {
      work_.judged.common.push_back(run.front().number);
      return;
    }
    if (!are_shared) return;
    for (const Entry& entry : run) {
      if (entry.is_record == 0) work_.judged.shares[entry.cluster] = true;
    }
  }
  [[nodiscard]] bool is_common(std::span<const Entry> run, std::size_t keys) {
    const std::size_t kind = engine::kind_of_key(run.front().number);
    const auto limit_in = [kind](std::span<const std::int64_t> limits) {
      return kind < limits.size() ? static_cast<std::size_t>(limits[kind]) : std::size_t{0};
    };
    const std::size_t in_all = limit_in(work_.task->limits_in_all);
    const std::size_t a_source = limit_in(work_.task->limits_a_source);
    if (in_all > 0 && keys > in_all) return true;
    if (a_source == 0 || keys <= a_source) return false;
    std::vector<std::size_t> by_source;
    for (const Entry& entry : run) {
      if (entry.is_record != 0) continue;
      if (entry.source >= by_source.size()) by_source.resize(entry.source + std::size_t{1}, 0);
      if (++by_source[entry.source] > a_source) return true;
    }
    return false;
  }
  void judge_record(std::span<const Entry> run, std::size_t& old) {
    const std::int64_t rid = run.front().number;
    while (old < old_partition_.size() && old_partition_[old].rid < rid) ++old;
    const bool is_known = old < old_partition_.size() && old_partition_[old].rid == rid;
    for (const Entry& entry : run) {
      if (entry.is_record == 0) continue;
      const std::uint32_t was = is_known ? old_partition_[old].old : kNone;
      work_.judged.members.push_back({entry.cluster, was});
      std::uint32_t& only = work_.judged.only_old[entry.cluster];
      if (only == kUnknown) {
        only = was;
      } else if (only != was) {
        only = kMixed;
      }
    }
  }

  Work& work_;
  List<Entry> partition_;  // at hand
  List<OldRecord> old_partition_;
};

}  // namespace

void judge(Work& work) { Judging(work).go(); }

bool hold_losses(Work& work) {
  constexpr std::uint64_t kFewestRecords = 100;  // below these a share says nothing
  std::string lost;
  for (std::size_t i = 0; i < work.task->max_losses.size() && !work.task->is_first; ++i) {
    if (!work.task->max_losses[i] || work.judged.before[i] < kFewestRecords ||
        static_cast<double>(work.judged.lost[i]) <=
            *work.task->max_losses[i] * static_cast<double>(work.judged.before[i])) {
      continue;
    }
    lost += fmt::format("{}\"{}\": [{}, {}, {}]", lost.empty() ? "" : ", ",
                        work.task->packing.numbers[i], work.judged.before[i], work.listed.counts[i],
                        work.judged.lost[i]);
  }
  if (lost.empty()) return false;
  const std::string done = fmt::format(R"({{"lost": {{{}}}}})", lost);
  work.filled->done.assign(done.begin(), done.end());
  return true;
}

}  // namespace identity_resolve::pg::fill
