// Matching: from records to clusters of people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/environment.h"
#include "match/blocking.h"
#include "match/clusters.h"
#include "match/list.h"
#include "match/model.h"
#include "match/table.h"

namespace identity_resolve::match {

struct Options {
  double threshold = 0;  // in bits
  std::uint32_t block_limit = 60;
};

struct Outcome {
  List<RecordIndex> clusters;  // by record, named by the first record of each
  List<Edge> edges;            // pairs that weigh more than kNotCompared
  std::uint64_t compared = 0;  // pairs
};

// table: finished.
Outcome match(const Table& table, const Options& options, const MayJoin& may_join,
              engine::Environment& environment);

}  // namespace identity_resolve::match
