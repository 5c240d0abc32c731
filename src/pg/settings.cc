#include "pg/settings.h"

#include <algorithm>
#include <thread>

#include "pg/pg.h"

namespace identity_resolve::pg {

namespace {

int max_workers_setting = -1;
bool log_stages_setting = false;
constexpr int kNinetyDays = 90 * SECS_PER_DAY;
int revive_for_setting = kNinetyDays;

// Workers beside the leader, which reads too, for which there is a core: more would only take
// turns.
int workers_with_a_core() noexcept {
  static const int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (cores == 0) return max_parallel_maintenance_workers;  // not known
  return parallel_leader_participation ? cores - 1 : cores;
}

}  // namespace

int max_workers() noexcept {
  return max_workers_setting >= 0
             ? max_workers_setting
             : std::min(max_parallel_maintenance_workers, workers_with_a_core());
}

int revive_for() noexcept { return revive_for_setting; }

bool log_stages() noexcept { return log_stages_setting; }

int begin_silence() {
  const int level = NewGUCNestLevel();
  for (const char* setting : {"client_min_messages", "log_min_messages"}) {
    set_config_option(setting, "error", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  }
  return level;
}

void end_silence(int level) { AtEOXact_GUC(true, level); }

void define_settings() {
  constexpr int kMostWorkers = 1024;  // as of max_parallel_maintenance_workers
  DefineCustomIntVariable(
      "identity_resolve.max_workers", "How many parallel workers may read a source.",
      "-1: as many as max_parallel_maintenance_workers, if there are cores.", &max_workers_setting,
      -1, -1, kMostWorkers, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("identity_resolve.log_stages",
                           "Says after each stage of a resolve how long it took.",
                           "As NOTICE, with the counts that belong to the stage.",
                           &log_stages_setting, false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("identity_resolve.revive_for",
                          "How long an identity map remembers records that are gone, to give their "
                          "identity its id again.",
                          "0: not at all. A refresh goes by it.", &revive_for_setting, kNinetyDays,
                          0, PG_INT32_MAX, PGC_USERSET, GUC_UNIT_S, nullptr, nullptr, nullptr);
  reserve_setting_prefix("identity_resolve");
}

}  // namespace identity_resolve::pg
