// Whether a source has lost so many of its records that an identity map is not to follow: found out
// from what a refresh has read of it, before any of that is taken in.
//
// A record is lost where the state has it and the source does not: a record that changed is none,
// and new records make up for none. A loader that empties a table and fills it later, or with other
// ids, makes all of them lost.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include "pg/map_known_records.h"

namespace identity_resolve::pg {

struct Loss {
  bool is_too_much;
  std::int64_t before;  // the records that the state has of the source
  std::int64_t after;   // those that the source has now
  std::int64_t lost;
};

// Of the source whose copy this is. max_loss: the share of its records that it may lose. found: the
// rows that came and those that are gone, at their beginning, before and after; known: what the map
// knows, open; named: whether these are rows of some records only, which `known` has looked up.
// Costs a look at the rows that were found; where they may tell of too much, one at each row of the
// copy as well.
Loss find_loss(int map_id, int source, double max_loss, Relation copy, const FoundRows& found,
               const ScanResult& result, KnownRecords& known, bool named);

}  // namespace identity_resolve::pg
