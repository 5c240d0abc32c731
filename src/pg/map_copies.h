// The copies of an identity map's sources, by their records' numbers: opened as they are needed.
//
// Plain frames all of it: it may raise PostgreSQL's errors.
#pragma once

#include <boost/container/pmr/vector.hpp>

#include "pg/environment.h"
#include "pg/map_lookup.h"
#include "pg/map_state.h"

namespace identity_resolve::pg {

class MapCopies {
 public:
  struct Copy {
    std::int32_t source;  // its number
    Lookup rows;          // of m<id>_rows_<source>, by rid
    TupleTableSlot* row;  // for a row of it that is at hand: a MinimalTuple
  };

  MapCopies(int map_id, boost::container::pmr::memory_resource& memory)
      : map_id_(map_id), copies_(&memory) {}

  [[nodiscard]] bool has(std::int32_t source) const {
    for (const Copy& copy : copies_) {
      if (copy.source == source) return true;
    }
    return OidIsValid(find_state(map_id_, name_of(source)));
  }
  // Valid until another one is asked for. Errors: XX001 for a source that the map has not, 42501,
  // 55000.
  Copy& of(std::int32_t source) {
    for (Copy& copy : copies_) {
      if (copy.source == source) return copy;
    }
    if (!has(source)) bad_state("A record is of a source that the map does not have.");
    const Lookup rows = open_lookup(map_id_, name_of(source), {"rid"}, GetActiveSnapshot());
    TupleTableSlot* row =
        MakeSingleTupleTableSlot(RelationGetDescr(rows.table), &TTSOpsMinimalTuple);
    guarded([&] { copies_.push_back({source, rows, row}); });
    return copies_.back();
  }
  void close() const {
    for (const Copy& copy : copies_) {
      ExecDropSingleTupleTableSlot(copy.row);
      close_lookup(copy.rows);
    }
  }

 private:
  static const char* name_of(std::int32_t source) { return psprintf("rows_%d", source); }

  int map_id_;
  boost::container::pmr::vector<Copy> copies_;
};

}  // namespace identity_resolve::pg
