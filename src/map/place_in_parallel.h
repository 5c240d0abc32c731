// Resolves what identity_map_reach() has found side by side: by this process and parallel workers,
// a part of the records each. Parts are made of records that a path of identifiers connects, or
// that were one identity: what becomes of one has nothing to do with the others. What is found out
// is written down when all have come to their end, in the same order as if one process had found
// it.
#pragma once

#include "map/datums.h"
#include "map/placing.h"

namespace identity_resolve::pg {

// An identity that was no more, and since when there was it: ReachedRows::back_ids.
struct BackIdentity {
  engine::Uuid id;
  TimestampTz since;
};

struct PlaceTask {
  Datum clauses;  // identity_clause[], in one piece
  int map_id;
  TupleDesc columns;               // of the map's table
  Oid function;                    // of the library, which workers load
  std::vector<BackIdentity> back;  // what a worker is told of those that were no more
};

// False where it does not pay, or no worker came: then nothing has been put. In a guarded() frame;
// throws engine::Error and PgError.
bool place_side_by_side(const PlaceTask& task, ReachedRows& reached, PlacedSink& sink);

}  // namespace identity_resolve::pg
