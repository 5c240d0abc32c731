// identity_map_place(): resolves an identity map's records, or a part of them, and says which of
// the identities that they were lives on where (map_placing.h). Of a part that identity_map_reach()
// has found it also writes this down in the map's state (map_place_writer.h), and
// identity_map_write() in the map's own table, where it can (map_table.h).
#include "pg/map_home.h"
#include "pg/map_place_side.h"
#include "pg/map_place_writer.h"
#include "pg/map_placing.h"
#include "pg/resolve.h"
#include "pg/spi.h"

namespace identity_resolve::pg {

namespace {

// What is written down is shown, too.
class ShownAndWritten final : public PlacedSink {
 public:
  ShownAndWritten(PlacedRows& rows, PlaceWriter& writer) : rows_(&rows), writer_(&writer) {}
  void put(const PlacedRow& row) override {
    rows_->put(row);
    writer_->put(row);
  }

 private:
  PlacedRows* rows_;
  PlaceWriter* writer_;
};

// The rows of a function's result.
PlacedRows rows_of(const ReturnSetInfo& result) { return {result.setResult, result.setDesc}; }

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_place(clauses, map_id, rids, olds, dead, at, back) → SETOF record:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_place) {
  guarded([&] {
    const Datum clauses = PG_GETARG_DATUM(0);
    const int map_id = PG_GETARG_INT32(1);
    const ReturnSetInfo& result = *begin_tuplestore(fcinfo);
    const TupleDesc columns = PlacedRow::columns_of(result.setDesc);
    const std::span<const std::int64_t> rids = call([&] { return number_argument(fcinfo, 2); });
    const Ids dead = call([&] { return ids_argument(fcinfo, 4); });
    const Ids back = call([&] { return ids_argument(fcinfo, 6); });
    PlacedRows rows = rows_of(result);
    ReachedRows* reached = rids.empty() ? LastReached::of(map_id) : nullptr;
    if (reached == nullptr) {
      Placing placing(clauses, map_id, columns, Reasons::kYes, rows);
      placing.read_records(rids, call([&] { return ids_argument(fcinfo, 3); }));
      placing.go(dead, back);
      return;
    }
    PlaceWriter writer(*reached, PG_GETARG_TIMESTAMPTZ(5), nullptr, back);
    ShownAndWritten both(rows, writer);
    Placing placing(clauses, map_id, columns, Reasons::kYes, both);
    placing.read_reached(*reached);
    placing.go(dead, back);
    writer.finish();
  });
  return Datum{0};
}

// identity_map_write(clauses, map_id, dead, at, map, columns, stamp, back) → jsonb:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_write) {
  return guarded([&] {
    const Datum clauses = call([&] { return PointerGetDatum(PG_GETARG_ARRAYTYPE_P(0)); });
    const int map_id = PG_GETARG_INT32(1);
    MapTable* table = call([&] {
      const MapColumns columns{PG_GETARG_ARRAYTYPE_P(5), text_to_cstring(PG_GETARG_TEXT_PP(6))};
      return open_map_table(PG_GETARG_OID(4), columns, PG_GETARG_TIMESTAMPTZ(3));
    });
    if (table == nullptr) {
      fcinfo->isnull = true;
      return Datum{0};
    }
    ReachedRows* reached = LastReached::of(map_id);
    if (reached == nullptr) {
      call([] { out_of_turn("no records of the identity map were looked for"); });
      return Datum{0};  // never comes here
    }
    const Ids dead = call([&] { return ids_argument(fcinfo, 2); });
    const Ids back = call([&] { return ids_argument(fcinfo, 7); });
    PlaceWriter writer(*reached, PG_GETARG_TIMESTAMPTZ(3), table, back);
    if (!place_side_by_side({clauses, map_id, table->shape, fcinfo->flinfo->fn_oid, back}, *reached,
                            dead, writer)) {
      Placing placing(clauses, map_id, table->shape, Reasons::kYes, writer);
      placing.read_reached(*reached);
      placing.go(dead, back);
    }
    writer.finish();
    const std::string done = writer.report();
    return call([&] {
      close_map_table(table);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(done.c_str())));
    });
  });
}

// identity_map_place(clauses, map_id, dead, back) → SETOF record: of all of the map's records.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_place_all) {
  guarded([&] {
    const ReturnSetInfo& result = *begin_tuplestore(fcinfo);
    PlacedRows rows = rows_of(result);
    Placing placing(PG_GETARG_DATUM(0), PG_GETARG_INT32(1), PlacedRow::columns_of(result.setDesc),
                    Reasons::kNo, rows);
    placing.read_all_records();
    placing.go(call([&] { return ids_argument(fcinfo, 2); }),
               call([&] { return ids_argument(fcinfo, 3); }));
  });
  return Datum{0};
}

// identity_map_free_id(map_id, cluster uuid) → uuid: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_free_id) {
  return guarded([&] {
    UsedIds used(PG_GETARG_INT32(0));
    const identity_resolve::engine::Uuid id = used.free_id(uuid_of(PG_GETARG_DATUM(1)));
    used.close();
    return call([&] { return uuid_datum(id); });
  });
}
