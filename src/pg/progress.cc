#include "pg/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/guard.h"
#include "pg/resolve.h"
#include "pg/settings.h"

extern "C" {
#include <access/parallel.h>
}

namespace identity_resolve::pg {

namespace {

// Our command number in a backend's entry: far from PostgreSQL's own, which count from 0.
constexpr std::uint32_t kCommand = 0x69645f72;

// The integers of the entry, by place.
enum Place : std::uint8_t {
  kResult,
  kStage,
  kStarted,
  kSource,
  kSources,
  kRecords,
  kExpected,
  kIdentifiers,
  kIdentities,
  kEmitted,
  kSpilled,
  kWorkers,
  kShare,  // in millionths
  kPlaces
};
static_assert(kPlaces <= PGSTAT_NUM_PROGRESS_PARAM);
constexpr double kShareUnit = 1e6;

constexpr std::array<const char*, engine::kStages> kStageNames = {"scan", "union", "guard", "label",
                                                                  "emit"};
// How much of the time each stage takes, roughly: a profile of the master table at a million people
// (doc/performance.md). The sum is 1.
constexpr std::array<double, engine::kStages> kStageWeights = {0.55, 0.05, 0.07, 0.01, 0.32};

constexpr std::uint64_t kPublishEvery = 1024;  // records

// The one resolve that this process shows.
Progress* shown = nullptr;

// As an integer: no value of PostgreSQL's enumeration is ours.
std::uint32_t command_of(const PgBackendStatus* entry) noexcept {
  static_assert(sizeof entry->st_progress_command == sizeof kCommand);
  std::uint32_t command = 0;
  std::memcpy(&command, &entry->st_progress_command, sizeof command);
  return command;
}

// Changes our own entry the way its readers expect. Not through pgstat_progress_*(): these do
// nothing when track_activities has been switched off in between, which would leave a stale row.
void write_entry(std::uint32_t command, const std::array<std::int64_t, kPlaces>& places) noexcept {
  PgBackendStatus* entry = MyBEEntry;
  PGSTAT_BEGIN_WRITE_ACTIVITY(entry);
  std::memcpy(&entry->st_progress_command, &command, sizeof command);
  entry->st_progress_command_target = InvalidOid;
  std::copy(places.begin(), places.end(), entry->st_progress_param);
  PGSTAT_END_WRITE_ACTIVITY(entry);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace

const char* name_of(ResultKind result) noexcept {
  constexpr std::array<const char*, 5> kNames = {"identities", "combinations", "records", "links",
                                                 "evidence"};
  return kNames[static_cast<std::size_t>(result)];
}

void Progress::start(ResultKind result, const std::vector<double>& expected) {
  result_ = result;
  sources_.clear();
  for (const double rows : expected) {
    sources_.push_back({std::max(rows, 1.0), 0});
    expected_ += sources_.back().expected;
  }
  start_ = stage_start_ = GetCurrentTimestamp();
  // What a worker resolves is a part of what its leader does.
  started_ = !IsParallelWorker();
  publish();
}

void Progress::begin(Stage stage) {
  if (!started_) return;
  if (stage != stage_) tell();
  for (; stage_ < stage; stage_ = static_cast<Stage>(static_cast<std::uint8_t>(stage_) + 1)) {
    share_ += kStageWeights[static_cast<std::size_t>(stage_)];
  }
  stage_share_ = 0;
  stage_start_ = GetCurrentTimestamp();
  publish();
}

void Progress::begin_source(std::size_t source) noexcept {
  for (; source_ < source; ++source_) expected_before_ += sources_[source_].expected;
  publish();
}

void Progress::set_stage_share(double share) noexcept {
  stage_share_ = std::max(stage_share_, std::min(share, 1.0));
  publish();
}

void Progress::set_emitted(std::uint64_t identities) noexcept {
  emitted_ = identities;
  if (identities_ > 0) {
    set_stage_share(static_cast<double>(identities) / static_cast<double>(identities_));
  }
}

void Progress::set_spilled(std::uint64_t bytes) noexcept {
  spilled_ = bytes;
  publish();
}

void Progress::set_workers(std::uint64_t workers) noexcept {
  workers_ = workers;
  publish();
}

void Progress::finish() {
  if (!started_) return;
  emitted_ = identities_;
  end();
  tell();
}

void Progress::end() noexcept {
  started_ = false;
  if (shown != this) return;
  shown = nullptr;
  if (MyBEEntry != nullptr && command_of(MyBEEntry) == kCommand) {
    write_entry(PROGRESS_COMMAND_INVALID, {});
  }
}

// Of the rows that the planner expects: a source is done when it is, whatever was expected.
double Progress::scanned_share() const noexcept {
  if (sources_.empty()) return 1;
  const Source& source = sources_[source_];
  const double read = std::min(static_cast<double>(source.records), source.expected);
  return (expected_before_ + read) / expected_;
}

// Whether the entry is ours to write.
bool Progress::may_publish() noexcept {
  if (!started_ || MyBEEntry == nullptr || !pgstat_track_activities) return false;
  const std::uint32_t command = command_of(MyBEEntry);
  if (command != PROGRESS_COMMAND_INVALID && command != kCommand) return false;
  if (shown == nullptr || (shown->stage_ == Stage::kEmit && stage_ != Stage::kEmit)) shown = this;
  return shown == this;
}

void Progress::publish() noexcept {
  // Early on more often: the first rows of a slow source count, too.
  next_publish_ = records_ + std::clamp<std::uint64_t>(records_, 1, kPublishEvery);
  if (!may_publish()) return;
  const double weight = kStageWeights[static_cast<std::size_t>(stage_)];
  const double done = stage_ == Stage::kScan ? scanned_share() : stage_share_;
  std::array<std::int64_t, kPlaces> places{};
  places[kResult] = static_cast<std::int64_t>(result_);
  places[kStage] = static_cast<std::int64_t>(stage_);
  places[kStarted] = start_;
  places[kSource] = static_cast<std::int64_t>(source_ + 1);
  places[kSources] = static_cast<std::int64_t>(sources_.size());
  places[kRecords] = static_cast<std::int64_t>(records_);
  places[kExpected] = static_cast<std::int64_t>(std::min(expected_, 9e18));
  places[kIdentifiers] = static_cast<std::int64_t>(identifiers_);
  places[kIdentities] = static_cast<std::int64_t>(identities_);
  places[kEmitted] = static_cast<std::int64_t>(emitted_);
  places[kSpilled] = static_cast<std::int64_t>(spilled_);
  places[kWorkers] = static_cast<std::int64_t>(workers_);
  places[kShare] = static_cast<std::int64_t>(std::min(share_ + weight * done, 1.0) * kShareUnit);
  write_entry(kCommand, places);
}

// The stage at hand is over: says so where the setting asks for it.
void Progress::tell() const {
  if (!log_stages()) return;
  constexpr std::int64_t kMicroseconds = 1000;
  const std::int64_t took = (GetCurrentTimestamp() - stage_start_) / kMicroseconds;
  std::string counts;
  switch (stage_) {
    case Stage::kScan:
      counts = fmt::format(": {} of {}, {}", counted(records_, "record", "records"),
                           counted(sources_.size(), "source", "sources"),
                           counted(identifiers_, "identifier", "identifiers"));
      if (workers_ > 0) counts += fmt::format(", {}", counted(workers_, "worker", "workers"));
      break;
    case Stage::kUnion:
      counts = fmt::format(": {}", counted(identifiers_, "identifier", "identifiers"));
      break;
    case Stage::kGuard:
      break;
    case Stage::kLabel:
    case Stage::kEmit:
      counts = fmt::format(": {}", counted(identities_, "identity", "identities"));
      break;
  }
  if (spilled_ > 0 && stage_ != Stage::kEmit) {
    counts += fmt::format(", {} spilled so far", counted(spilled_, "byte", "bytes"));
  }
  const std::string message =
      fmt::format("identity_resolve: {} took {} ms{}",
                  kStageNames[static_cast<std::size_t>(stage_)], took, counts);
  call([&] { ereport(NOTICE, (errmsg("%s", message.c_str()))); });
}

// The resolves that are going on, one row each; raises errors the PostgreSQL way.
namespace {

void put_progress(ReturnSetInfo* result) {
  constexpr int kColumns = 16;
  constexpr int kOpenColumns = 2;  // which everybody may see
  const int backends = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= backends; ++i) {
    const PgBackendStatus* entry = backend_entry(i);
    if (entry == nullptr || command_of(entry) != kCommand) continue;
    std::array<Datum, kColumns> values{};
    std::array<bool, kColumns> nulls{};
    const auto* places = entry->st_progress_param;
    const auto stage = static_cast<std::size_t>(places[kStage]);
    const auto of = static_cast<std::size_t>(places[kResult]);
    if (stage >= kStageNames.size() || of > static_cast<std::size_t>(ResultKind::kEvidence))
      continue;
    std::size_t column = 0;
    values[column++] = Int32GetDatum(entry->st_procpid);
    values[column++] = ObjectIdGetDatum(entry->st_databaseid);
    if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
        has_privs_of_role(GetUserId(), entry->st_userid)) {
      values[column++] = ObjectIdGetDatum(entry->st_userid);
      values[column++] = TimestampTzGetDatum(places[kStarted]);
      values[column++] = CStringGetTextDatum(name_of(static_cast<ResultKind>(of)));
      values[column++] = CStringGetTextDatum(kStageNames[stage]);
      values[column++] = Int32GetDatum(static_cast<int>(places[kSource]));
      values[column++] = Int32GetDatum(static_cast<int>(places[kSources]));
      for (int place = kRecords; place <= kSpilled; ++place) {
        values[column++] = Int64GetDatum(places[place]);
      }
      values[column++] = Int32GetDatum(static_cast<int>(places[kWorkers]));
      values[column++] = Float8GetDatum(static_cast<double>(places[kShare]) / kShareUnit);
    } else {
      std::fill(nulls.begin() + kOpenColumns, nulls.end(), true);
    }
    tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
  }
}

}  // namespace

}  // namespace identity_resolve::pg

// identity_get_progress() → SETOF record: src/sql/45-progress.sql.
IDENTITY_RESOLVE_FUNCTION(identity_get_progress) {
  using namespace identity_resolve::pg;
  guarded([&] {
    ReturnSetInfo* result = begin_tuplestore(fcinfo);
    call([&] { put_progress(result); });
  });
  return Datum{0};
}
