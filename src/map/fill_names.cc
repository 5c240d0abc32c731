#include "map/fill_names.h"

#include <algorithm>

#include "engine/sort_numbers.h"
#include "map/identities.h"

namespace identity_resolve::pg::fill {

void name(Work& work) {
  if (work.task->is_first) {
    work.named.ids = std::move(work.listed.clusters);
    return;
  }
  for (const engine::Succession::Member& member : work.judged.members) {
    if (work.judged.only_old[member.cluster] == kMixed)
      work.named.mixed.push_back({member.cluster, member.old});
  }
  engine::sort_each_once(work.named.mixed);
  List<bool> is_back(&work.environment.memory());
  if (work.olds.first_back < work.olds.ids.size()) {
    is_back.assign(work.olds.ids.size(), true);
    std::fill_n(is_back.begin(), work.olds.first_back, false);
  }
  work.named.succession.emplace(
      work.environment,
      std::span<const engine::Succession::Member>(work.judged.members.data(),
                                                  work.judged.members.size()),
      std::span<const engine::Uuid>(work.listed.clusters.data(), work.listed.clusters.size()),
      work.olds.ids.size(), std::span<const bool>(is_back.data(), is_back.size()));
  List<std::int64_t> ages(&work.environment.memory());
  for (const std::uint32_t old : work.named.succession->tied()) {
    ages.push_back(call([&] { return work.created_at(old); }));
  }
  work.named.kept = work.named.succession->keep({ages.data(), ages.size()},
                                                {work.olds.ids.data(), work.olds.ids.size()});
  // What follows needs the memory.
  work.judged.members.clear();
  work.judged.members.shrink_to_fit();
  UsedIds used(work.task->map_id);
  work.named.ids = std::move(work.listed.clusters);
  List<std::uint32_t> fresh(&work.environment.memory());
  for (std::uint32_t cluster = 0; cluster < work.named.ids.size(); ++cluster) {
    if (work.named.kept[cluster] == kNone) {
      fresh.push_back(cluster);
    } else {
      work.named.ids[cluster] = work.olds.ids[work.named.kept[cluster]];
    }
  }
  std::sort(fresh.begin(), fresh.end(), [&](std::uint32_t a, std::uint32_t b) {
    return work.named.ids[a] < work.named.ids[b];
  });
  for (const std::uint32_t cluster : fresh) {
    work.ticker.tick();
    work.named.ids[cluster] = used.free_id(work.named.ids[cluster]);
  }
  used.close();
}

}  // namespace identity_resolve::pg::fill
