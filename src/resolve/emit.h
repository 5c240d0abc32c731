// The emit stage: what the engine shows of an identity becomes a row of the requested types.
#pragma once

#include "engine/identity_reader.h"
#include "engine/survivorship.h"
#include "pg/border.h"
#include "pg/value_text.h"
#include "resolve/request.h"

namespace identity_resolve::pg {

// Writes the master table's rows.
class Emitter {
 public:
  // request, columns and shape must outlive the object; what lasts is made on `memory`, the rows'
  // values on `row_memory`.
  Emitter(const Request& request, std::span<const engine::ColumnPlan> columns, TupleDesc shape,
          MemoryContext memory, MemoryContext row_memory);

  // Makes one row's values, which live until the next call: the cells, and what the identity
  // itself shows. Throws PgError where a value cannot be cast to its column's type: the SQLSTATE is
  // PostgreSQL's, the message names column, source and value.
  void write(const engine::IdentityReader& identity, const engine::Cells& cells, Datum* values,
             bool* nulls);

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

  void make_columns(std::span<const engine::ColumnPlan> plans, MemoryContext memory);
  void write_row(const engine::IdentityReader& identity, const engine::Cells& cells, Datum* values,
                 bool* nulls);
  Datum cast(Column& column, std::string_view value);
  Datum write_cell(Column& column, std::span<const std::string_view> values);
  Datum write_identity(std::size_t place, const engine::IdentityReader& identity);
  Datum write_sources(Column& column, const engine::IdentityReader& identity);
  Datum make_array(const Column& column, Datum* elements, std::size_t count) const;
  [[noreturn]] void rethrow(const PgError& error, const engine::IdentityReader& identity) const;

  const Request* request_;
  TupleDesc shape_;
  MemoryContext row_memory_;
  std::vector<Column> columns_;
  // What is being cast, for the error message.
  std::size_t casting_column_ = 0;
  std::string_view casting_value_;
  bool casting_ = false;
};

// The identity's id, and how it is written.
engine::Uuid id_of(const Request& request, const engine::IdentityReader& identity) noexcept;
std::string as_text(const engine::Uuid& uuid);
// And as a value of its own on the current memory context. PostgreSQL's half.
Datum uuid_datum(const engine::Uuid& uuid);

}  // namespace identity_resolve::pg
