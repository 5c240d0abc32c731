// Plain frames all of it: it may raise PostgreSQL's errors.
#include "pg/kept_plans.h"

#include "pg/spi.h"

#include <string>
#include <unordered_map>

namespace identity_resolve::pg {

namespace {

// Plans that stay for as long as the session does, by what they are of: key_of(). They are made
// anew by PostgreSQL where a table changes. When there are too many no more are kept until the
// transaction ends, and then all of them go: until then somebody may be using them.
using PlanCache = std::unordered_map<std::string, SPIPlanPtr>;
constexpr std::size_t kMostPlans = 256;

PlanCache& plan_cache() {
  static PlanCache cache;
  return cache;
}

// A statement, and the types of its parameters: a type may be dropped, and made again.
const char* key_of(const char* statement, int count, const Oid* types) {
  StringInfoData key;
  initStringInfo(&key);
  appendStringInfoString(&key, statement);
  for (int i = 0; i < count; ++i) appendStringInfo(&key, " %u", types[i]);
  return key.data;
}

SPIPlanPtr known_plan(const char* key) {
  return guarded([key]() -> SPIPlanPtr {
    const auto found = plan_cache().find(key);
    return found == plan_cache().end() ? nullptr : found->second;
  });
}

void forget_plans(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT) return;
  if (plan_cache().size() < kMostPlans) return;
  for (const auto& [text, plan] : plan_cache()) SPI_freeplan(plan);
  plan_cache().clear();
}

void keep_plan(const char* key, SPIPlanPtr plan) {
  static bool is_told_of_ends = false;
  if (!is_told_of_ends) {
    RegisterXactCallback(forget_plans, nullptr);
    is_told_of_ends = true;
  }
  if (plan_cache().size() >= kMostPlans) return;
  SPI_keepplan(plan);
  guarded([=] { plan_cache().emplace(key, plan); });
}

// The plan of a statement: the one that is known, or a new one.
SPIPlanPtr plan_of(const char* statement, int count, Oid* types, int options) {
  const char* key = key_of(statement, count, types);
  SPIPlanPtr plan = known_plan(key);
  if (plan != nullptr) return plan;
  plan = SPI_prepare_cursor(statement, count, types, options);
  if (plan == nullptr) refused(SPI_result);
  keep_plan(key, plan);
  return plan;
}

}  // namespace

void execute_cached(const char* statement, int count, Oid* types, Datum* values,
                    const char* nulls) {
  const SPIPlanPtr plan = plan_of(statement, count, types, CURSOR_OPT_GENERIC_PLAN);
  const int result = SPI_execute_plan(plan, values, nulls, false, 0);
  if (result < 0) refused(result);
}

SPIPlanPtr kept_plan(const char* query) {
  const SPIPlanPtr plan = plan_of(query, 0, nullptr, 0);
  // What its tables are now.
  CachedPlan* now = SPI_plan_get_cached_plan(plan);
  if (now != nullptr) release_plan(now);
  return plan;
}

}  // namespace identity_resolve::pg
