// Where the identities go that a fill has found: into the map's table, or into rows of a result
// where only a statement may write the table.
#pragma once

#include <boost/container/pmr/vector.hpp>

#include "engine/place_table.h"
#include "map/datums.h"
#include "map/placed_row.h"
#include "map/placing.h"
#include "map/user_table.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg::fill {

// Where the identities go that a fill has found. PostgreSQL's half.
class FilledSink {
 public:
  static constexpr std::uint32_t kNew = UINT32_MAX;

  FilledSink() = default;
  FilledSink(const FilledSink&) = delete;
  FilledSink& operator=(const FilledSink&) = delete;
  virtual ~FilledSink() = default;
  // Those that the map has had, before the first put(): they are numbered by their places.
  virtual void know(const engine::PlaceTable<engine::Uuid>& olds) = 0;
  // An identity, or one that is lost, and which of these it was, or kNew. The row lives until put()
  // returns.
  virtual void put(const PlacedRow& row, std::uint32_t old) = 0;
};

// Into the map's own table.
class TableSink final : public FilledSink {
 public:
  explicit TableSink(Environment& environment) : places_(&environment.memory()) {}

  void open(MapTable* table) { table_ = table; }
  void know(const engine::PlaceTable<engine::Uuid>& olds) override {
    guarded([&] { places_.resize(olds.keys().size()); });
    each_identity(*table_, [&](const engine::Uuid& id, const KnownRow& row) {
      const std::uint32_t old = olds.find(id);
      if (old != engine::PlaceTable<engine::Uuid>::kNone) places_[old] = row;
    });
  }
  void put(const PlacedRow& row, std::uint32_t old) override {
    const KnownRow* place =
        old == kNew || !ItemPointerIsValid(&places_[old].place) ? nullptr : &places_[old];
    if (row.is_null(kLost)) {
      set_identity(table_, uuid_of(row.value(kId)), place, row.columns(), row.column_nulls());
    } else {
      remove_identity(table_, uuid_of(row.value(kLost)), place);
    }
  }

 private:
  MapTable* table_ = nullptr;
  boost::container::pmr::vector<KnownRow> places_;  // of old identities; invalid: there is none
};

// Into rows of a result.
class RowsSink final : public FilledSink {
 public:
  RowsSink(Tuplestorestate* rows, TupleDesc shape) : rows_(rows, shape) {}
  void know(const engine::PlaceTable<engine::Uuid>&) override {}
  void put(const PlacedRow& row, std::uint32_t) override { rows_.put(row); }

 private:
  PlacedRows rows_;
};

}  // namespace identity_resolve::pg::fill
