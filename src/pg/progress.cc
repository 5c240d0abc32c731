#include "pg/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/border.h"
#include "pg/result_rows.h"
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
  // Of a refresh: the table of its map, 0 where there is none. PostgreSQL counts an index build
  // that it does not announce in places 9 to 16, and an exchange of a table's rows in 1 and 7;
  // these stay as they are.
  kMap = 17,
  kPhase,
  kMapStarted,
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

constexpr std::array<const char*, 9> kPhaseNames = {nullptr,   "wait",  "prepare", "read",  "reach",
                                                    "resolve", "write", "index",   "finish"};

// The refresh that this process does.
struct MapWork {
  Oid map = InvalidOid;  // its table
  MapPhase phase = MapPhase::kNone;
  std::int64_t started = 0;
  int source = 0;
  int sources = 0;
  std::uint64_t rows = 0;
  double expected = 0;
};
MapWork map_work;

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

void put_map_work(std::array<std::int64_t, kPlaces>& places) noexcept {
  places[kMap] = map_work.map;
  places[kPhase] = static_cast<std::int64_t>(map_work.phase);
  places[kMapStarted] = map_work.started;
}

// Whether the entry reports nothing, or what is ours.
bool is_free() noexcept {
  if (MyBEEntry == nullptr || !pgstat_track_activities) return false;
  const std::uint32_t command = command_of(MyBEEntry);
  return command == PROGRESS_COMMAND_INVALID || command == kCommand;
}

// A refresh, while no resolve is at hand.
void publish_map_work() noexcept {
  if (shown != nullptr || !is_free()) return;
  std::array<std::int64_t, kPlaces> places{};
  put_map_work(places);
  places[kSource] = map_work.source;
  places[kSources] = map_work.sources;
  places[kRecords] = static_cast<std::int64_t>(map_work.rows);
  places[kExpected] = static_cast<std::int64_t>(std::min(map_work.expected, 9e18));
  if (map_work.phase == MapPhase::kRead && map_work.expected > 0) {
    places[kShare] = static_cast<std::int64_t>(
        std::min(static_cast<double>(map_work.rows) / map_work.expected, 1.0) * kShareUnit);
  }
  write_entry(kCommand, places);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace

bool begin_map_work(Oid table) noexcept {
  if (OidIsValid(map_work.map)) return false;
  map_work = {table, MapPhase::kPrepare, GetCurrentTimestamp(), 0, 0, 0, 0};
  // A cursor that is being read makes way.
  shown = nullptr;
  publish_map_work();
  return true;
}

void end_map_work() noexcept {
  if (!OidIsValid(map_work.map)) return;
  map_work = {};
  if (shown == nullptr && MyBEEntry != nullptr && command_of(MyBEEntry) == kCommand) {
    write_entry(PROGRESS_COMMAND_INVALID, {});
  }
}

void show_map_work() noexcept {
  if (OidIsValid(map_work.map)) publish_map_work();
}

MapPhase set_map_phase(MapPhase phase) noexcept {
  const MapPhase before = map_work.phase;
  if (!OidIsValid(map_work.map)) return before;
  if (phase != before && before != MapPhase::kWait && phase != MapPhase::kWait) {
    map_work.source = map_work.sources = 0;
    map_work.rows = 0;
    map_work.expected = 0;
  }
  map_work.phase = phase;
  publish_map_work();
  return before;
}

void begin_map_source(int source, int sources, double expected) noexcept {
  if (!OidIsValid(map_work.map)) return;
  set_map_phase(MapPhase::kRead);
  map_work.source = source;
  map_work.sources = sources;
  map_work.expected += std::max(expected, 1.0);
  publish_map_work();
}

void add_map_rows(std::uint64_t rows) noexcept {
  if (!OidIsValid(map_work.map)) return;
  map_work.rows += rows;
  publish_map_work();
}

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
  if (started_) set_map_phase(MapPhase::kResolve);
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
  if (OidIsValid(map_work.map)) {
    set_map_phase(MapPhase::kWrite);
    return;
  }
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
  if (!started_ || !is_free()) return false;
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
  put_map_work(places);
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

// What is written of an entry: a value a column, NULL where it does not apply.
struct ProgressRow {
  static constexpr std::size_t kColumns = 18;
  std::array<Datum, kColumns> values{};
  std::array<bool, kColumns> nulls{};
  std::size_t count = 0;

  void put(Datum value) { values[count++] = value; }
  void put_if(bool applies, Datum value) {
    nulls[count] = !applies;
    values[count++] = value;
  }
  void put_none() {
    while (count < kColumns) nulls[count++] = true;
  }
};

void put_progress(ReturnSetInfo* result) {
  const int backends = pgstat_fetch_stat_numbackends();
  for (int i = 1; i <= backends; ++i) {
    const PgBackendStatus* entry = backend_entry(i);
    if (entry == nullptr || command_of(entry) != kCommand) continue;
    const auto* places = entry->st_progress_param;
    const auto of = static_cast<std::size_t>(places[kResult]);
    const auto phase = static_cast<std::size_t>(places[kPhase]);
    const bool is_refresh = places[kMap] != 0;
    const bool resolves = places[kStarted] != 0;
    // PostgreSQL counts in other places while a table's rows are exchanged and indexed.
    const auto stage = resolves ? static_cast<std::size_t>(places[kStage]) : std::size_t{0};
    if (stage >= kStageNames.size() || of > static_cast<std::size_t>(ResultKind::kEvidence) ||
        phase >= kPhaseNames.size() || is_refresh != (phase != 0)) {
      continue;
    }
    ProgressRow row;
    row.put(Int32GetDatum(entry->st_procpid));
    row.put(ObjectIdGetDatum(entry->st_databaseid));
    if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
        has_privs_of_role(GetUserId(), entry->st_userid)) {
      row.put(ObjectIdGetDatum(entry->st_userid));
      row.put(TimestampTzGetDatum(places[is_refresh ? kMapStarted : kStarted]));
      row.put(CStringGetTextDatum(is_refresh ? "refresh" : name_of(static_cast<ResultKind>(of))));
      row.put_if(resolves, CStringGetTextDatum(kStageNames[stage]));
      row.put_if(places[kSources] != 0, Int32GetDatum(static_cast<int>(places[kSource])));
      row.put_if(places[kSources] != 0, Int32GetDatum(static_cast<int>(places[kSources])));
      for (int place = kRecords; place <= kSpilled; ++place) row.put(Int64GetDatum(places[place]));
      row.put(Int32GetDatum(static_cast<int>(places[kWorkers])));
      row.put_if(resolves || phase == static_cast<std::size_t>(MapPhase::kRead),
                 Float8GetDatum(static_cast<double>(places[kShare]) / kShareUnit));
      row.put_if(is_refresh, ObjectIdGetDatum(static_cast<Oid>(places[kMap])));
      row.put_if(is_refresh, is_refresh ? CStringGetTextDatum(kPhaseNames[phase]) : Datum{0});
    }
    row.put_none();
    tuplestore_putvalues(result->setResult, result->setDesc, row.values.data(), row.nulls.data());
  }
}

}  // namespace

}  // namespace identity_resolve::pg

// identity_get_progress() → SETOF record: src/sql/58-progress.sql.
IDENTITY_RESOLVE_FUNCTION(identity_get_progress) {
  using namespace identity_resolve::pg;
  guarded([&] {
    ReturnSetInfo* result = begin_tuplestore(fcinfo);
    call([&] { put_progress(result); });
  });
  return Datum{0};
}
