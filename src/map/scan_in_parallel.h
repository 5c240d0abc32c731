// Sources of an identity map that are read side by side, by this process and parallel workers, a
// source each at a time, before any of them is taken into the map.
//
// Of what they find they look up at once what the map knows: to read the map's tables is the other
// half of the work that they can share. A worker tells no more than the rows that changed and what
// it has looked up: by temporary files that the processes share.
#pragma once

#include <algorithm>
#include <boost/container/pmr/vector.hpp>

#include "map/of_transaction.h"
#include "map/scan_changes.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg {

// What has been found of sources, for identity_map_read_rows().
struct FoundAhead {
  struct Source {
    int number;
    Tuplestorestate* rows;
    ScanResult result;
  };

  FoundAhead(MemoryContext context, int number)
      : memory(context), map_id(number), sources(&memory) {}

  // Of a source, for whoever takes it first: nothing where it has not been read.
  [[nodiscard]] std::optional<Source> take(int number) {
    const auto found = std::ranges::find(sources, number, &Source::number);
    if (found == sources.end()) return std::nullopt;
    const Source source = *found;
    sources.erase(found);
    return source;
  }

  ContextMemory memory;
  int map_id;
  boost::container::pmr::vector<Source> sources;
};

using LastFound = OfTransaction<FoundAhead>;

}  // namespace identity_resolve::pg
