// One execution of resolve_identities() or identity_records(): built once, then read row by row.
//
//   scan, normalise, key   scan.cc, parallel_sink.cc: each source's query, row by row, into the
//                          engine's sinks, here or in parallel workers
//   partition, union       engine/link_table.h, union_stage.cc: rows that share a key unite
//   guard                  engine/guard.cc: what breaks a limit is built again
//   label                  engine/disjoint_set.h, resolver.cc: identities are numbered, rows placed
//   survive                engine/identity_reader.cc, survivorship.cc, combinations.cc
//   emit                   emit.cc: a row at a time, as values of the requested types
//
// Memory: an Execution and all that its engine keeps live on one memory context below the caller's.
// A callback of that context destroys the C++ objects, so the end of the statement, an error or a
// cancel frees everything without our being asked. Rows and links take at most three quarters of
// maintenance_work_mem; the rest goes to temporary files (pg/temp_files.h).
#pragma once

#include <functional>

#include "engine/combinations.h"
#include "engine/identity_reader.h"
#include "engine/record_reader.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"
#include "pg/context_memory.h"
#include "resolve/emit.h"
#include "resolve/notice.h"
#include "resolve/output_columns.h"
#include "resolve/parallel_sink.h"
#include "resolve/request.h"
#include "resolve/scan.h"

namespace identity_resolve::pg {

class Execution {
 public:
  struct Wishes {
    bool with_evidence = false;  // also where the form does not show it
    bool keeps_plans = false;    // of the sources' queries, which are an identity map's own
    // Takes the warnings in place of the client, but for those that name a value: to find it, a
    // source is read again.
    std::vector<Notice>* told = nullptr;
    // An identity map reads its sources: packs their rows (MapState::packing), by the snapshot that
    // it has taken, but for what identify() was told, which is part of its state; each_row takes
    // each row that is taken, in the order in which they came.
    const MapPacking* packing = nullptr;
    Snapshot snapshot = nullptr;
    std::function<void(const engine::Row&)> each_row = {};
  };
  // Resolves the clauses; the rows can then be read. `shape` is the result's, and outlives the
  // object. Throws engine::Error and PgError for whatever is wrong with the clauses, the sources or
  // the definition list.
  static Execution* create(MemoryContext parent, ResultForm form, const ClauseList& clauses,
                           TupleDesc shape, const Wishes& wishes);
  static Execution* create(MemoryContext parent, ResultForm form, const ClauseList& clauses,
                           TupleDesc shape);
  // Frees it before its memory context's parent goes.
  static void destroy(Execution* execution);

  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // The next row's values, which live until the next call; false after the last row.
  // Throws engine::Error for a value that its column's type does not take.
  bool next(Datum* values, bool* nulls);
  // In its place, of the master table: the next identity's records alone, which identity() then
  // has; false after the last one.
  bool next_records() { return load_next_identity(); }
  [[nodiscard]] const engine::IdentityReader& identity() const noexcept { return *reader_; }
  // What a column of the master table shows.
  [[nodiscard]] const engine::ColumnPlan& column(std::size_t place) const noexcept {
    return plan_.columns[place];
  }
  // Of kLinks and kEvidence, in the place of next(): the next record with what it carries, each
  // identifier once, by kind and value; of kLinks only records that carry anything. It lives until
  // the next call.
  struct RecordEvidence {
    std::size_t identity = 0;  // its number
    engine::SourceNumber source{};
    std::string_view id;
    std::span<const engine::OrderedRow> rows;
    std::span<const engine::Evidence> links;
  };
  bool next_evidence() { return load_next_links(); }
  [[nodiscard]] RecordEvidence evidence() const noexcept {
    return {next_identity_ - 1,
            record_source_,
            record_id_,
            record_rows_,
            {links_.data(), links_.size()}};
  }
  // next_evidence() goes on with the first record of this identity.
  void seek_evidence(std::size_t identity) noexcept {
    next_identity_ = identity;
    next_row_ = reader_->rows().size();
  }
  // The warnings that name a value; worst_of() finds it, as it is shown, or nothing.
  using WorstOf = std::function<std::optional<std::string>(const engine::TooCommon&)>;
  [[nodiscard]] std::vector<Notice> notices_of_values(const WorstOf& worst_of) const;

  // What was resolved: of kLinks and kEvidence with evidence.
  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] engine::Resolver& resolver() noexcept { return *resolver_; }
  [[nodiscard]] Environment& environment() noexcept { return environment_; }
  [[nodiscard]] Progress& progress() noexcept { return environment_.progress(); }
  [[nodiscard]] const Progress& progress() const noexcept { return environment_.progress(); }

  // Starts again with the first row.
  void rewind() noexcept;
  // Of the master table: next() goes on with this identity. In another than the rising order it
  // costs reading from files where rows were spilled.
  void seek(engine::IdentityNumber identity) noexcept { next_identity_ = engine::index(identity); }

 private:
  Execution(MemoryContext memory, ResultForm form, TupleDesc shape);
  ~Execution() = default;

  void resolve(const ClauseList& clauses, const Wishes& wishes);
  void start_progress(std::vector<SourceScan>& scans);
  void report_record_ids(const std::vector<SourceScan>& scans) const;
  void warn_of_values(std::vector<SourceScan>& scans);
  std::optional<std::string> find_worst(const engine::TooCommon& noted,
                                        std::vector<SourceScan>& scans);
  [[nodiscard]] std::string name_worst(const engine::TooCommon& noted,
                                       const WorstOf& worst_of) const;
  [[nodiscard]] Notice notice_of_common_values(const WorstOf& worst_of) const;
  [[nodiscard]] Notice notice_of_shared_roles(const WorstOf& worst_of) const;
  [[nodiscard]] Notice notice_of_frequent_values(const WorstOf& worst_of) const;
  void warn_of_hoards() const;
  void warn_of_scopes() const;
  void warn_of_limits() const;
  bool load_next_identity();
  bool next_record(Datum* values, bool* nulls);
  bool next_listed_record(Datum* values, bool* nulls);
  bool next_link(Datum* values, bool* nulls);
  bool next_tally(Datum* values, bool* nulls) noexcept;
  bool load_next_links();
  void make_names();
  bool next_identity(Datum* values, bool* nulls);
  bool next_combination(Datum* values, bool* nulls);
  void collect_combinations();

  MemoryContext memory_;
  bool ends_in_order_ = false;
  MemoryContext row_memory_ = nullptr;  // a sibling of memory_: what a row's values need
  ResultForm form_;
  std::vector<Notice>* told_ = nullptr;
  TupleDesc shape_;
  Environment environment_;
  Request request_;
  OutputPlan plan_;
  KeySecret secret_{};
  std::optional<engine::KeyRing> keys_;
  std::optional<engine::Resolver> resolver_;
  std::optional<engine::RecordReader> records_;  // of the long form, where it fits into memory
  std::optional<engine::IdentityReader> reader_;
  std::optional<engine::Survivorship> survivorship_;
  std::optional<engine::Combinations> combinations_;
  std::optional<engine::Cells> cells_;
  std::optional<Emitter> emitter_;
  std::size_t next_identity_ = 0;

  // Of the long form and of links: the identity at hand.
  engine::Uuid id_{};
  std::size_t next_row_ = 0;
  std::vector<Datum> source_names_;
  TextWriter id_writer_;

  // Of links and evidence: the record at hand, what it carries, whether its own row is to come.
  std::vector<Datum> kind_names_;
  std::array<Datum, engine::kLinkStatuses> status_names_{};
  TextWriter value_writer_;
  engine::SourceNumber record_source_{};
  std::string_view record_id_;
  std::span<const engine::OrderedRow> record_rows_;
  boost::container::pmr::vector<engine::Evidence> links_;
  std::size_t next_link_ = 0;
  bool show_record_ = false;
  std::array<Datum, 2> tally_names_{};
  std::size_t next_tally_ = 0;  // source, and from the number of sources on the next tally's

  // Of combinations: those of the identity at hand, their scalar cells one after the other.
  boost::container::pmr::vector<std::string_view> combined_;
  std::size_t next_combined_ = 0;
};

}  // namespace identity_resolve::pg
