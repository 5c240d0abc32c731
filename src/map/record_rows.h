// The rows that the state has of given records. PostgreSQL's half.
#pragma once

#include <algorithm>

#include "engine/place_table.h"
#include "map/places.h"
#include "map/reached.h"

namespace identity_resolve::pg {

// Calls visit(IdentityLookup::Found, PackedRow) for each row of the records with these numbers, in
// any order; places and identities are open. Each page and each identity is read once.
template <class Visit>
void each_row_of_records(std::span<const std::int64_t> rids, Places& places,
                         IdentityLookup& identities, boost::container::pmr::memory_resource& memory,
                         Visit&& visit) {
  boost::container::pmr::vector<std::int64_t> sorted(&memory);
  boost::container::pmr::vector<std::uint64_t> prefixes(&memory);
  guarded([&] {
    sorted.assign(rids.begin(), rids.end());
    engine::sort_each_once(sorted);
  });
  for (const std::int64_t rid : sorted) {
    for (const Place& place : places.find(rid)) {
      if (place.is_record()) guarded([&] { prefixes.push_back(place.prefix()); });
    }
  }
  engine::sort_each_once(prefixes);
  for (const std::uint64_t prefix : prefixes) {
    identities.find(prefix);
    IdentityLookup::Found found{};
    while (identities.next(found)) {
      each_row_of_pack(found.pack, [&](std::string_view, const engine::PackedRow& row) {
        if (std::binary_search(sorted.begin(), sorted.end(), row.rid)) visit(found, row);
      });
    }
  }
}

}  // namespace identity_resolve::pg
