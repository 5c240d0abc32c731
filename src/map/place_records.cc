// identity_map_place(): resolves an identity map's records, or a part of them, and says which of
// the identities that they were lives on where (placing.h). Of a part that identity_map_reach()
// has found it also writes this down in the map's state (place_writer.h), and
// identity_map_write() in the map's own table, where it can (user_table.h).
#include "map/home.h"
#include "map/place_in_parallel.h"
#include "map/place_writer.h"
#include "map/placing.h"
#include "pg/result_rows.h"
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

// What identity_map_place() has counted, for identity_map_counted().
struct Counted {
  Counted(MemoryContext context, int number) : memory(context), map_id(number), counts(&memory) {}
  ContextMemory memory;
  int map_id;
  boost::container::pmr::vector<char> counts;  // JSON
};
using LastCounted = OfTransaction<Counted>;

// The rows of a function's result.
PlacedRows rows_of(const ReturnSetInfo& result) { return {result.setResult, result.setDesc}; }

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_place(clauses, map_id, at) → SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_place) {
  guarded([&] {
    const Datum clauses = PG_GETARG_DATUM(0);
    const int map_id = PG_GETARG_INT32(1);
    const ReturnSetInfo& result = *begin_tuplestore(fcinfo);
    const TupleDesc columns = PlacedRow::columns_of(result.setDesc);
    ReachedRows* reached = LastReached::of(map_id);
    if (reached == nullptr) {
      call([] { out_of_turn("no records of the identity map were looked for"); });
      return;  // never comes here
    }
    PlacedRows rows = rows_of(result);
    PlaceWriter writer(*reached, PG_GETARG_TIMESTAMPTZ(2), nullptr);
    ShownAndWritten both(rows, writer);
    Placing placing(clauses, map_id, columns, both);
    placing.read_reached(*reached);
    placing.go(reached->ids.keys());
    writer.finish();
    Counted* counted = call([=] { return LastCounted::begin(map_id); });
    const std::string json = fmt::format("{{{}}}", writer.counts());
    counted->counts.assign(json.begin(), json.end());
  });
  return Datum{0};
}

// identity_map_counted(map_id) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_counted) {
  const Counted* counted = LastCounted::of(PG_GETARG_INT32(0));
  if (counted == nullptr) out_of_turn("nothing was counted");
  return DirectFunctionCall1(
      jsonb_in, CStringGetDatum(pnstrdup(counted->counts.data(), counted->counts.size())));
}

// identity_map_write(clauses, map_id, at, map, columns, stamp) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_write) {
  return guarded([&] {
    const Datum clauses = call([&] { return PointerGetDatum(PG_GETARG_ARRAYTYPE_P(0)); });
    const int map_id = PG_GETARG_INT32(1);
    MapTable* table = call([&] {
      const MapColumns columns{PG_GETARG_ARRAYTYPE_P(4), text_to_cstring(PG_GETARG_TEXT_PP(5))};
      return open_map_table(PG_GETARG_OID(3), columns, PG_GETARG_TIMESTAMPTZ(2));
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
    PlaceWriter writer(*reached, PG_GETARG_TIMESTAMPTZ(2), table);
    if (!place_side_by_side({clauses, map_id, table->shape, fcinfo->flinfo->fn_oid, {}}, *reached,
                            writer)) {
      Placing placing(clauses, map_id, table->shape, writer);
      placing.read_reached(*reached);
      placing.go(reached->ids.keys());
    }
    writer.finish();
    const std::string done = writer.report();
    return call([&] {
      close_map_table(table);
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(done.c_str())));
    });
  });
}
