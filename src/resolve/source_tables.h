// The tables that a source's query reads, and whether a snapshot sees their rows.
//
// Whoever empties a table and loads it anew, or alters it so that all of its rows are written
// again, is waited for; a snapshot that was taken before sees none of these rows, and the table
// looks empty (PostgreSQL's documentation, "Caveats" of its MVCC). A plain SELECT locks its tables
// first and takes its snapshot then. Here the tables are named in a text, which is read when the
// statement may have its snapshot already.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

// Locks all that a query, analysed and rewritten, reads: the analysis has locked the tables that it
// names, but not their partitions and other children. Gives one that was written anew, or made,
// after the snapshot; InvalidOid where there is none, or no snapshot.
Oid lock_tables(const Query* query, Snapshot snapshot);

// Tables, and those that inherit from them, each with the file that holds its rows, as text. What
// has no file, such as a foreign table, has 0.
const char* files_of(std::span<const Oid> tables);

}  // namespace identity_resolve::pg
