// The emit stage: what the engine shows of an identity becomes a row of the requested types.
#pragma once

#include "engine/identity_reader.h"
#include "engine/survivorship.h"
#include "pg/guard.h"
#include "pg/request.h"
#include "pg/value_text.h"

namespace identity_resolve::pg {

// Where rows go. The tuplestore of a set-returning function; rows are put in one by one.
class RowSink {
 public:
  // Opens the result of a set-returning function in materialize mode. Throws engine::Error 0A000
  // where the caller takes no set, 42601 where it gave no column definition list.
  explicit RowSink(FunctionCallInfo fcinfo);

  [[nodiscard]] TupleDesc shape() const noexcept { return shape_; }
  // Raises PostgreSQL errors: to be called within call().
  void put(const Datum* values, const bool* nulls) {
    tuplestore_putvalues(store_, shape_, const_cast<Datum*>(values), const_cast<bool*>(nulls));
  }

 private:
  TupleDesc shape_ = nullptr;
  Tuplestorestate* store_ = nullptr;
};

// Writes the master table's rows.
class Emitter {
 public:
  Emitter(const Request& request, std::span<const engine::ColumnPlan> columns, RowSink& sink);
  ~Emitter();
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  // Writes one row: the cells, and what the identity itself shows. Throws engine::Error where a
  // value cannot be cast to its column's type: SQLSTATE as PostgreSQL's, naming column, source and
  // value.
  void put(const engine::IdentityReader& identity, const engine::Cells& cells);

 private:
  struct Column {
    engine::ColumnPlan plan;
    ValueWriter writer;  // of the value, or of an array's elements
    bool is_uuid = false;
    bool has_domain = false;  // an array's domain, checked after the array is made
    Oid type = InvalidOid;
    Oid element = InvalidOid;
    std::int16_t element_length = 0;
    bool element_by_value = false;
    char element_alignment = 0;
  };

  void make_columns(std::span<const engine::ColumnPlan> plans);
  void write_row(const engine::IdentityReader& identity, const engine::Cells& cells);
  Datum write_cell(Column& column, std::span<const std::string_view> values);
  void write_identity(std::size_t place, const engine::IdentityReader& identity);
  Datum write_sources(Column& column, const engine::IdentityReader& identity);
  Datum make_array(const Column& column, Datum* elements, std::size_t count) const;
  [[noreturn]] void rethrow(const PgError& error, const engine::IdentityReader& identity) const;

  const Request* request_;
  RowSink* sink_;
  MemoryContext memory_ = nullptr;  // of a few rows
  unsigned rows_in_memory_ = 0;
  std::vector<Column> columns_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  // What is being cast, for the error message.
  std::size_t casting_column_ = 0;
  std::string_view casting_value_;
  bool casting_ = false;
};

// The identity's id, as a datum on the current memory context or in `place`.
engine::Uuid id_of(const Request& request, const engine::IdentityReader& identity) noexcept;

}  // namespace identity_resolve::pg
