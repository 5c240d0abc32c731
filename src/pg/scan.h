// The scan stage: one source's query, run through the executor, row by row into a local sink.
//
// The query is prepared and checked before any source is read. It runs with the caller's rights,
// under the caller's snapshot, in a transaction that is read-only for as long, with parallel plans
// allowed; its rows arrive in a DestReceiver of our own, and nothing is materialised.
//
// A row's journey: the slot is taken apart and its values become text (here PostgreSQL may raise
// errors, and no C++ object is alive); then the values are normalised and go into the sink (here
// C++ may throw).
#pragma once

#include "engine/resolver.h"
#include "normalize/normalize.h"
#include "pg/guard.h"
#include "pg/request.h"
#include "pg/value_text.h"

namespace identity_resolve::pg {

// A column of a source's query, apart from the first one, which is the record id.
struct SourceColumn {
  int attribute = 0;  // its place in the query, from 0
  engine::KindNumber kind{};
  const Kind* rules = nullptr;
  text* pattern = nullptr;   // that its kind blocks; lives as long as the connection to SPI
  text* ipattern = nullptr;  // the same in any letter case
  bool array = false;
  ValueReader reader;  // of the value, or of an array's elements
  // Where its values are carried: as normalised, and as typed.
  std::optional<engine::SlotNumber> normalized_slot;
  std::optional<engine::SlotNumber> typed_slot;
};

class SourceScan {
 public:
  // Prepares the source's query; needs a connection to SPI. Throws PgError or engine::Error for a
  // query that fails, is no single SELECT, or has a column of no known kind.
  // The request must outlive the object.
  SourceScan(const Request& request, engine::SourceNumber number);

  [[nodiscard]] engine::SourceNumber number() const noexcept { return number_; }
  [[nodiscard]] const std::string& name() const noexcept { return source_->name; }
  [[nodiscard]] std::vector<SourceColumn>& columns() noexcept { return columns_; }
  [[nodiscard]] const std::vector<SourceColumn>& columns() const noexcept { return columns_; }

  // How many rows the planner expects; makes the plan that run() then uses.
  [[nodiscard]] double expected_rows();

  // Runs the query to its end, every row going into the sink, and tells how far it is.
  void run(engine::LocalSink& sink, Progress& progress);

  // Runs the query again, under the same snapshot, until a row carries the identifier; gives it as
  // normalised, in UTF-8.
  std::optional<std::string> find_value(engine::KindNumber kind, const engine::Key& key,
                                        const engine::KeyRing& keys);

 private:
  struct Receiver;

  void prepare();
  void check_statement() const;
  void read_columns(const Request& request);
  void execute(engine::LocalSink* sink);
  void take_row(TupleTableSlot* slot, engine::LocalSink* sink, MemoryContext row_memory);
  void search_row();
  static engine::Standing standing_of(const SourceColumn& column, std::string_view normalized);
  [[nodiscard]] static bool matches_pattern(const SourceColumn& column,
                                            std::string_view normalized);
  void put_row(engine::LocalSink& sink);
  void read_texts(TupleTableSlot* slot);
  [[noreturn]] void rethrow(const PgError& error) const;

  engine::SourceNumber number_;
  const Source* source_;
  SPIPlanPtr plan_ = nullptr;
  ValueReader id_reader_;
  bool ids_are_unique_ = false;
  std::vector<SourceColumn> columns_;
  int updated_at_attribute_ = -1;
  Oid updated_at_type_ = InvalidOid;
  OutputSettings output_settings_;

  // The row at hand, as text. Plain data on the row's memory context.
  struct Text {
    const SourceColumn* column;
    std::string_view value;
  };
  std::string_view record_id_;
  std::int64_t updated_at_ = engine::kNeverUpdated;
  Text* texts_ = nullptr;
  std::size_t text_count_ = 0;
  std::size_t text_room_ = 0;
  normalize::Scratch scratch_;
  Progress* progress_ = nullptr;

  // The identifier that find_value() looks for.
  struct Wanted {
    engine::KindNumber kind{};
    engine::Key key{};
    const engine::KeyRing* keys = nullptr;
  };
  Wanted wanted_;
  std::optional<std::string> found_;
};

}  // namespace identity_resolve::pg
