// How an identity map looks at its sources: the rows that it does not know yet, and those that are
// gone.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// What to read. The clauses hold the map's state (src/sql/50-map.sql: identity_map_scan_clauses).
struct ScanArguments {
  Datum clauses;            // identity_clause[]
  int source;               // its place among them, from 1
  int number;               // the map's number of it
  const char* query;        // in the place of its own; nullptr: its own
  const char* search_path;  // under which its query runs
  const char* forgotten;    // a query for the records to leave out; nullptr: none
  // The fingerprints of the rows that are known: a query that gives them as m<id>_prints has them
  // (nullptr: none), and others.
  const char* known;
  std::span<const std::int64_t> prints;
};

// Where the rows go that came: (fingerprint bigint, rid bigint, packed bytea), the number of the
// record and the row's bytes (engine/packed_rows.h). After them, all else NULL, the fingerprints of
// those that are gone.
struct FoundRows {
  enum Column : std::uint8_t { kFingerprint, kRid, kPacked, kColumns };

  Tuplestorestate* rows;
  TupleDesc shape;
};

// Its shape. PostgreSQL's half.
TupleDesc found_shape();

struct ScanResult {
  // The fingerprints, rising, of rows among those that came that were known after all: they are no
  // news. On the memory context that was current.
  std::span<const std::int64_t> known;
  std::uint64_t left_out;  // rows that name no record
};

// Reads a source. In a guarded() frame: throws; needs no connection to SPI. Errors: those of the
// source's query.
ScanResult scan_source(const ScanArguments& arguments, const FoundRows& found);
// What the last read of a whole source left out, for identity_map_left_out().
void set_left_out(std::uint64_t rows) noexcept;
// Whether a row among those that came was known after all. PostgreSQL's half.
bool is_known(const ScanResult& result, TupleTableSlot* found);

// What the planner thinks that it costs to run the query of a source; 0 where a parallel worker
// could not run it. As scan_source().
Cost cost_in_worker(const ScanArguments& arguments);

}  // namespace identity_resolve::pg
