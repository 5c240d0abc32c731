// How an identity map looks at its sources: the rows that it does not know yet, and those that are
// gone.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// What to read. The clauses hold the map's state (src/sql/50-map.sql: identity_map_scan_clauses).
struct ScanArguments {
  Datum clauses;            // identity_clause[]
  int source;               // its place among them, from 1
  const char* query;        // in the place of its own; nullptr: its own
  const char* search_path;  // under which its query runs
  const char* forgotten;    // a query for the records to leave out; nullptr: none
  // The fingerprints of the rows that are known: a query that gives them as m<id>_prints has them
  // (nullptr: none), and others.
  const char* known;
  std::span<const std::int64_t> prints;
};

// Where the rows go that came, as (fingerprint bigint, ordinal bigint, record_id text, keys
// bigint[], updated_at timestamp, and a column for each of the query's as text or text[]); an
// ordinal is a record's, from 1. After them, all else NULL, the fingerprints of those that are
// gone.
struct FoundRows {
  enum Column : std::uint8_t { kFingerprint, kOrdinal, kRecordId, kKeys, kUpdatedAt, kFirstCell };

  Tuplestorestate* rows;
  TupleDesc shape;
};

// The shape for rows of a source whose copy is m<id>_rows_<n>, open. PostgreSQL's half.
TupleDesc found_shape(Relation copy);

struct ScanResult {
  bool ids_are_unique;  // a record has one row, among those that came or were known
  // The fingerprints, rising, of rows among those that came that were known after all: they are no
  // news. On the memory context that was current.
  std::span<const std::int64_t> known;
  std::uint64_t left_out;  // rows that name no record
};

// Reads a source. In a guarded() frame: throws; needs no connection to SPI. Errors: those of the
// source's query; 55000 where its columns are others than the shape says.
ScanResult scan_source(const ScanArguments& arguments, const FoundRows& found);
// What the last read of a whole source left out, for identity_map_left_out().
void set_left_out(std::uint64_t rows) noexcept;
// Whether a row among those that came was known after all. PostgreSQL's half.
bool is_known(const ScanResult& result, TupleTableSlot* found);

// What the planner thinks that it costs to run the query of a source; 0 where a parallel worker
// could not run it. As scan_source().
Cost cost_in_worker(const ScanArguments& arguments);

}  // namespace identity_resolve::pg
