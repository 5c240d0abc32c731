// The rows of a map's sources, as SQL sees them: identity_map_rows(), and the lookup of identities.
#include "engine/row.h"
#include "map/datums.h"
#include "map/home.h"
#include "map/lookup.h"
#include "map/places.h"
#include "map/reached.h"
#include "map/record_rows.h"
#include "pg/result_rows.h"
#include "pg/value_text.h"

extern "C" {
#include <access/stratnum.h>
#include <utils/fmgroids.h>
}

namespace identity_resolve::pg {

namespace {

// The columns of identity_map_rows(): src/sql/50-map.sql. Behind them one for each column of the
// source, text or text[].
enum RowsColumn : std::uint8_t { kNumber, kRecordId, kUpdatedAt, kPacked, kFirstCell };

constexpr const char* kNoRow = "A row has other columns than its source.";

Datum text_of(std::string_view utf8) {
  const int encoding = GetDatabaseEncoding();
  if (encoding != PG_SQL_ASCII &&
      !pg_verify_mbstr(PG_UTF8, utf8.data(), static_cast<int>(utf8.size()), true)) {
    bad_state("A text is not of the encoding UTF8.");
  }
  if (std::ranges::find(utf8, '\0') != utf8.end()) bad_state("A text has a byte 0.");
  const std::string_view text = from_utf8(utf8);
  return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

Datum list_of(engine::CellReader& cells, std::uint64_t count) {
  auto* elements = static_cast<Datum*>(palloc((count + 1) * sizeof(Datum)));
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view item;
    if (!cells.next_item(item)) bad_state(kNoRow);
    elements[i] = text_of(item);
  }
  return PointerGetDatum(
      construct_array(elements, static_cast<int>(count), TEXTOID, -1, false, TYPALIGN_INT));
}

// A row's values, on the current memory context. is_whole: with its bytes.
void unpack(std::string_view bytes, const engine::PackedRow& row, TupleDesc shape, bool is_whole,
            Datum* values, bool* nulls) {
  values[kNumber] = Int64GetDatum(row.rid);
  values[kRecordId] = text_of(row.record_id);
  values[kUpdatedAt] = TimestampGetDatum(row.updated_at);
  values[kPacked] = is_whole ? bytes_value(bytes) : Datum{0};
  nulls[kNumber] = nulls[kRecordId] = false;
  nulls[kUpdatedAt] = row.updated_at == engine::kNeverUpdated;
  nulls[kPacked] = !is_whole;
  engine::CellReader cells(row.cells);
  for (int i = kFirstCell; i < shape->natts; ++i) {
    engine::CellReader::Sort sort{};
    std::string_view text;
    std::uint64_t count = 0;
    if (!cells.next(sort, text, count)) bad_state(kNoRow);
    const bool is_list = TupleDescAttr(shape, i)->atttypid == TEXTARRAYOID;
    nulls[i] = sort == engine::CellReader::Sort::kNull;
    if (nulls[i]) continue;
    if ((sort == engine::CellReader::Sort::kList) != is_list) bad_state(kNoRow);
    values[i] = is_list ? list_of(cells, count) : text_of(text);
  }
  if (!cells.is_at_end()) bad_state(kNoRow);
}

void check_shape(TupleDesc shape) {
  constexpr std::array<Oid, kFirstCell> kTypes = {INT8OID, TEXTOID, TIMESTAMPOID, BYTEAOID};
  bool is_good = shape->natts >= kFirstCell;
  for (int i = 0; is_good && i < shape->natts; ++i) {
    const Oid type = TupleDescAttr(shape, i)->atttypid;
    is_good = i < kFirstCell ? type == kTypes[static_cast<std::size_t>(i)]
                             : type == TEXTOID || type == TEXTARRAYOID;
  }
  if (is_good) return;
  ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                  errmsg("the rows of an identity map's source have other columns")));
}

}  // namespace

void IdentityLookup::open(int map_id) {
  const Lookup lookup = open_lookup(map_id, "identities", {"identity_id"}, GetActiveSnapshot());
  table_ = lookup.table;
  index_ = lookup.index;
  row_ = lookup.row;
  index_endscan(lookup.scan);
  scan_ = begin_index_scan(table_, index_, GetActiveSnapshot(), 2);
  memory_ =
      AllocSetContextCreate(CurrentMemoryContext, "identity map pack", ALLOCSET_DEFAULT_SIZES);
}

void IdentityLookup::close() {
  index_endscan(scan_);
  ExecDropSingleTupleTableSlot(row_);
  index_close(index_, NoLock);
  table_close(table_, NoLock);
  MemoryContextDelete(memory_);
}

void IdentityLookup::find(std::uint64_t prefix) {
  CHECK_FOR_INTERRUPTS();
  for (std::size_t i = 0; i < 6; ++i) {
    const auto byte = static_cast<unsigned char>(prefix >> (40 - 8 * i));
    bounds_[0].data[i] = bounds_[1].data[i] = byte;
  }
  std::memset(bounds_[0].data + 6, 0, UUID_LEN - 6);
  std::memset(bounds_[1].data + 6, 0xFF, UUID_LEN - 6);
  std::array<ScanKeyData, 2> conditions;
  ScanKeyInit(&conditions[0], 1, BTGreaterEqualStrategyNumber, F_UUID_GE,
              UUIDPGetDatum(&bounds_[0]));
  ScanKeyInit(&conditions[1], 1, BTLessEqualStrategyNumber, F_UUID_LE, UUIDPGetDatum(&bounds_[1]));
  index_rescan(scan_, conditions.data(), 2, nullptr, 0);
}

IdentityLookup::Found IdentityLookup::found_in(TupleTableSlot* row) {
  slot_getallattrs(row);
  Found found{};
  std::memcpy(found.id.data(), DatumGetUUIDP(row->tts_values[0])->data, found.id.size());
  found.place = row->tts_tid;
  found.created_at = DatumGetTimestampTz(row->tts_values[kIdentityCreatedAt - 1]);
  found.pack = bytes_of(reinterpret_cast<const varlena*>(
      PG_DETOAST_DATUM_PACKED(row->tts_values[kIdentityPacked - 1])));
  return found;
}

bool IdentityLookup::next(Found& found) {
  if (!index_getnext_slot(scan_, ForwardScanDirection, row_)) return false;
  MemoryContextReset(memory_);
  const MemoryContext outer = MemoryContextSwitchTo(memory_);
  found = found_in(row_);
  MemoryContextSwitchTo(outer);
  return true;
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;
using identity_resolve::engine::PackedRow;

// identity_map_rows(map_id, source, of_all boolean) → SETOF record: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_rows) {
  const int map_id = PG_GETARG_INT32(0);
  const std::int32_t source = PG_GETARG_INT32(1);
  const bool of_all = PG_GETARG_BOOL(2);
  // Whoever may read the identities may read their rows.
  const Relation identities = open_state(map_id, "identities", {ACL_SELECT}, AccessShareLock);
  const ReachedRows* reached = of_all ? nullptr : LastReached::of(map_id);
  if (!of_all && reached == nullptr) out_of_turn("no records of the identity map were looked for");
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  const TupleDesc shape = result->setDesc;
  check_shape(shape);
  auto* values =
      static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<std::size_t>(shape->natts)));
  auto* nulls = static_cast<bool*>(palloc(static_cast<std::size_t>(shape->natts)));
  const MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "identity map row", ALLOCSET_DEFAULT_SIZES);
  const auto put = [&](std::string_view bytes, const PackedRow& row) {
    CHECK_FOR_INTERRUPTS();
    const MemoryContext outer = MemoryContextSwitchTo(memory);
    unpack(bytes, row, shape, of_all, values, nulls);
    MemoryContextSwitchTo(outer);
    tuplestore_putvalues(result->setResult, shape, values, nulls);
    MemoryContextReset(memory);
  };
  if (of_all) {
    each_row(identities, GetActiveSnapshot(), [&](TupleTableSlot* slot) {
      each_row_of_pack(IdentityLookup::found_in(slot).pack,
                       [&](std::string_view bytes, const PackedRow& row) {
                         if (static_cast<std::int32_t>(row.source) == source) put(bytes, row);
                       });
    });
  } else {
    for (std::size_t i = 0; i < reached->rows.size(); ++i) {
      const SourceRow& row = reached->rows[i];
      if (row.source != source || !reached->has_row(i)) continue;
      const auto read = identity_resolve::engine::read_row(row.packed);
      if (read) put(row.packed, *read);
    }
  }
  table_close(identities, NoLock);
  return Datum{0};
}

// identity_map_packed_numbers(packed bytea) → bigint[]: a row's fingerprint and its keys.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_packed_numbers) {
  const auto row = identity_resolve::engine::read_row(bytes_of(PG_GETARG_BYTEA_PP(0)));
  if (!row) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the bytes are no row of a source of an identity map")));
  }
  auto* numbers = static_cast<std::int64_t*>(palloc((row->key_count + 1) * sizeof(std::int64_t)));
  numbers[0] = row->fingerprint;
  for (std::size_t i = 0; i < row->key_count; ++i) numbers[i + 1] = row->key(i);
  PG_RETURN_DATUM(number_array({numbers, row->key_count + 1}));
}

// identity_map_members(map_id, identity_id uuid, rids bigint[]) → TABLE (identity_id, rid, source,
// record_id, fingerprint): src/sql/50-map.sql. By a snapshot that sees what has been committed.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_members) {
  demand_arguments(fcinfo, {0});
  const int map_id = PG_GETARG_INT32(0);
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  ContextMemory memory(CurrentMemoryContext);
  IdentityLookup identities;
  PushActiveSnapshot(GetLatestSnapshot());
  identities.open(map_id);
  const auto put = [&](const IdentityLookup::Found& found, const PackedRow& row) {
    std::array<Datum, 5> values = {datum_of(found.id), Int64GetDatum(row.rid),
                                   Int16GetDatum(static_cast<std::int16_t>(row.source)),
                                   text_of(row.record_id), Int64GetDatum(row.fingerprint)};
    std::array<bool, 5> nulls{};
    tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
  };
  if (!PG_ARGISNULL(1)) {
    const auto id = uuid_of(PG_GETARG_DATUM(1));
    IdentityLookup::Found found{};
    identities.find(Place::prefix_of(id));
    while (identities.next(found)) {
      if (found.id != id) continue;
      each_row_of_pack(found.pack,
                       [&](std::string_view, const PackedRow& row) { put(found, row); });
    }
  }
  if (!PG_ARGISNULL(2)) {
    auto* places = make<Places>(memory);
    places->open(map_id);
    each_row_of_records(number_argument(fcinfo, 2), *places, identities, memory, put);
    places->close();
  }
  identities.close();
  PopActiveSnapshot();
  return Datum{0};
}

// identity_map_carriers(map_id, keys bigint[]) → uuid[]: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_carriers) {
  const int map_id = PG_GETARG_INT32(0);
  ContextMemory memory(CurrentMemoryContext);
  boost::container::pmr::vector<identity_resolve::engine::Uuid> found_ids(&memory);
  PushActiveSnapshot(GetLatestSnapshot());
  IdentityLookup identities;
  identities.open(map_id);
  auto* places = make<Places>(memory);
  places->open(map_id);
  for (const std::int64_t key : number_argument(fcinfo, 1)) {
    for (const Place& place : places->find(key)) {
      if (place.is_record()) continue;
      // By 48 bits of its id: it may be another one.
      identities.find(place.prefix());
      IdentityLookup::Found found{};
      while (identities.next(found)) {
        bool carries = false;
        each_row_of_pack(found.pack, [&](std::string_view, const PackedRow& row) {
          for (std::size_t i = 0; i < row.key_count; ++i) carries = carries || row.key(i) == key;
        });
        if (carries) guarded([&] { found_ids.push_back(found.id); });
      }
    }
  }
  places->close();
  identities.close();
  PopActiveSnapshot();
  identity_resolve::engine::sort_each_once(found_ids);
  auto* ids = static_cast<Datum*>(palloc((found_ids.size() + 1) * sizeof(Datum)));
  for (std::size_t i = 0; i < found_ids.size(); ++i) ids[i] = datum_of(found_ids[i]);
  PG_RETURN_DATUM(found_ids.empty() ? PointerGetDatum(construct_empty_array(UUIDOID))
                                    : uuid_array(ids, nullptr, found_ids.size()));
}

// identity_map_all_records(map_id) → TABLE (identity_id uuid, source smallint, record_id text):
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_all_records) {
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  const Relation identities =
      open_state(PG_GETARG_INT32(0), "identities", {ACL_SELECT}, AccessShareLock);
  PushActiveSnapshot(GetLatestSnapshot());
  each_row(identities, GetActiveSnapshot(), [&](TupleTableSlot* slot) {
    const IdentityLookup::Found found = IdentityLookup::found_in(slot);
    PackedRow shown{};
    bool has_one = false;
    const auto put = [&] {
      if (!has_one) return;
      std::array<Datum, 3> values = {datum_of(found.id),
                                     Int16GetDatum(static_cast<std::int16_t>(shown.source)),
                                     text_of(shown.record_id)};
      std::array<bool, 3> nulls{};
      tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
    };
    // A record's rows are neighbours.
    each_row_of_pack(found.pack, [&](std::string_view, const PackedRow& row) {
      if (has_one && row.rid == shown.rid) {
        if (identity_resolve::engine::compare_ids(row.record_id, shown.record_id) < 0) shown = row;
        return;
      }
      put();
      shown = row;
      has_one = true;
    });
    put();
  });
  PopActiveSnapshot();
  table_close(identities, AccessShareLock);
  return Datum{0};
}

// identity_map_settle_places(map_id, at_once boolean) → void: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_settle_places) {
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  settle_places(PG_GETARG_INT32(0), PG_GETARG_BOOL(1), memory);
  PopActiveSnapshot();
  PG_RETURN_VOID();
}
