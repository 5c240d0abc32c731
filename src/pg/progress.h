// How far a resolve is: published so that other sessions can watch it, counted for EXPLAIN ANALYZE,
// and told stage by stage where identity_resolve.log_stages asks for it.
//
// PostgreSQL gives each backend an entry in shared memory, which has room for the progress of one
// command: a command number and some integers (pg_stat_progress_* shows them). Ours is a number
// that none of PostgreSQL's commands has, so no view of PostgreSQL's shows it, and
// identity_get_progress() does. Nothing has to be preloaded, and an abort ends the report by
// itself.
//
//   * Where the entry already reports another command (COPY (SELECT …) TO, CREATE INDEX, …) it is
//     left alone, and the resolve is not shown.
//   * Of resolves within resolves only the outermost is shown. One that is just being read (a
//     cursor that stays open) makes way for one that is being built, and comes back afterwards.
//   * A subtransaction that aborts meanwhile takes the report away; the next number brings it back.
//
//   * While an identity map is refreshed, the entry says which map and which phase, also between
//   the
//     resolves that the refresh does; what these report stands beside it. CREATE INDEX and ANALYZE,
//     which a refresh runs, take the entry for themselves; then the view goes by their reports and
//     by the lock that a refresh holds.
//
// Cost: a handful of stores in each 1024 records.
#pragma once

#include "engine/environment.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

using engine::Stage;

// What a result's rows are.
enum class ResultKind : std::uint8_t { kIdentities, kCombinations, kRecords, kLinks, kEvidence };
[[nodiscard]] const char* name_of(ResultKind result) noexcept;

// What a refresh of an identity map is about. What a resolve within it finds is written when the
// resolve is over, so that the phase after kResolve is kWrite.
enum class MapPhase : std::uint8_t {
  kNone,
  kWait,     // for another refresh, or for calls of identify() to end
  kPrepare,  // looks at the sources, and makes tables and triggers for what they are now
  kRead,     // a source, for what is new and what is gone
  kReach,    // which other records are connected with these
  kResolve,
  kWrite,  // state and table
  kIndex,  // the index of a table that was written as a whole
  kFinish  // writes down what was done
};

// Of the one refresh that this process does. False where one is on already; all the others do
// nothing while there is none.
bool begin_map_work(Oid table) noexcept;
void end_map_work() noexcept;
// After a command that reports its own progress, and takes the report away when it ends.
void show_map_work() noexcept;
// A phase begins, and counts from 0; gives the one before.
MapPhase set_map_phase(MapPhase phase) noexcept;
// A source is read: its place, from 1, of how many, and the rows that the planner expects of it.
void begin_map_source(int source, int sources, double expected) noexcept;
// Rows of it were read.
void add_map_rows(std::uint64_t rows) noexcept;

class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { end(); }

  // Begins the report: what is built, and how many rows the planner expects of each source.
  void start(ResultKind result, const std::vector<double>& expected);
  // A stage begins; the one before ends, and is told of. Throws PgError.
  void begin(Stage stage);
  // The scan stage goes on to a source, numbered from 0.
  void begin_source(std::size_t source) noexcept;
  // Rows of that source were read, and so many identifiers in them.
  void add_records(std::uint64_t records, std::uint64_t identifiers) noexcept {
    sources_[source_].records += records;
    records_ += records;
    identifiers_ += identifiers;
    if (records_ >= next_publish_) [[unlikely]]
      publish();
  }
  // How much of a later stage is done, from 0 to 1; nothing need be said.
  void set_stage_share(double share) noexcept;
  void set_identities(std::uint64_t identities) noexcept { identities_ = identities; }
  void set_emitted(std::uint64_t identities) noexcept;
  void set_spilled(std::uint64_t bytes) noexcept;
  void set_workers(std::uint64_t workers) noexcept;
  // All rows are read. Throws PgError.
  void finish();
  // Nothing more will come, for whatever reason.
  void end() noexcept;

  // What was counted; of use after the end, too.
  struct Source {
    double expected = 0;
    std::uint64_t records = 0;
  };
  [[nodiscard]] const std::vector<Source>& sources() const noexcept { return sources_; }
  [[nodiscard]] ResultKind result() const noexcept { return result_; }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] std::uint64_t identifiers() const noexcept { return identifiers_; }
  [[nodiscard]] std::uint64_t identities() const noexcept { return identities_; }
  [[nodiscard]] std::uint64_t spilled() const noexcept { return spilled_; }
  [[nodiscard]] std::uint64_t workers() const noexcept { return workers_; }

 private:
  void publish() noexcept;
  [[nodiscard]] bool may_publish() noexcept;
  [[nodiscard]] double scanned_share() const noexcept;
  void tell() const;

  bool started_ = false;
  ResultKind result_ = ResultKind::kIdentities;
  Stage stage_ = Stage::kScan;
  std::int64_t start_ = 0;        // when: PostgreSQL's timestamp
  std::int64_t stage_start_ = 0;  // likewise
  std::vector<Source> sources_;
  std::size_t source_ = 0;
  double expected_ = 0;         // rows of all sources
  double expected_before_ = 0;  // of those that have been read
  std::uint64_t records_ = 0;
  std::uint64_t next_publish_ = 0;  // at so many records
  std::uint64_t identifiers_ = 0;
  std::uint64_t identities_ = 0;
  std::uint64_t emitted_ = 0;
  std::uint64_t spilled_ = 0;
  std::uint64_t workers_ = 0;
  double stage_share_ = 0;
  double share_ = 0;  // of all; never falls
};

}  // namespace identity_resolve::pg
