#include "pg/map_packs.h"
#include "pg/map_home.h"

#include "pg/map_arrays.h"
#include "pg/map_execute.h"
#include "pg/resolve.h"
#include "pg/spi.h"

namespace identity_resolve::pg {

namespace {

// The four bytes that a value of variable length begins with, wherever they lie.
struct ValueHead {
  explicit ValueHead(const char* from) noexcept { std::memcpy(bytes.data(), from, bytes.size()); }
  [[nodiscard]] bool is_plain() const noexcept { return VARATT_IS_4B_U(bytes.data()); }
  [[nodiscard]] std::size_t size() const noexcept { return VARSIZE_4B(bytes.data()); }

  alignas(std::uint32_t) std::array<char, VARHDRSZ> bytes{};
};

bool is_text(std::string_view bytes) noexcept {
  return pg_verify_mbstr(GetDatabaseEncoding(), bytes.data(), static_cast<int>(bytes.size()), true);
}

std::int32_t int_at(std::string_view bytes, std::size_t place) noexcept {
  std::int32_t number = 0;
  std::memcpy(&number, bytes.data() + place, sizeof number);
  return number;
}

// What follows the length of an array of one dimension, or none, that has no NULL.
bool is_array(std::string_view bytes, Oid element) noexcept {
  constexpr std::size_t kLength = sizeof(std::int32_t);
  constexpr std::size_t kNothing = sizeof(ArrayType) - kLength;
  constexpr std::size_t kData = ARR_OVERHEAD_NONULLS(1) - kLength;
  if (bytes.size() < kNothing || int_at(bytes, 4) != 0 ||
      static_cast<Oid>(int_at(bytes, 8)) != element) {
    return false;
  }
  if (int_at(bytes, 0) == 0) return bytes.size() == kNothing;
  if (int_at(bytes, 0) != 1 || bytes.size() < kData || int_at(bytes, 12) < 1) return false;
  const auto count = static_cast<std::size_t>(int_at(bytes, 12));
  const std::string_view data = bytes.substr(kData);
  if (element == INT8OID) return data.size() == count * sizeof(std::int64_t);
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (data.size() < at + sizeof(std::int32_t)) return false;
    const ValueHead head(data.data() + at);
    if (!head.is_plain() || head.size() < VARHDRSZ || head.size() > data.size() - at) return false;
    if (!is_text(data.substr(at + VARHDRSZ, head.size() - VARHDRSZ))) return false;
    at = INTALIGN(at + head.size());
  }
  return at == data.size();
}

bool is_value(std::string_view bytes, Oid type) noexcept {
  switch (type) {
    case TEXTOID:
      return is_text(bytes);
    case INT8ARRAYOID:
      return is_array(bytes, INT8OID);
    case TEXTARRAYOID:
      return is_array(bytes, TEXTOID);
    default:
      return false;
  }
}

// A value of variable length that begins at `at`; moves it behind the value.
bool is_plain_value(std::string_view data, std::size_t& at, const FormData_pg_attribute& column) {
  if (at >= data.size()) return false;
  // As att_align_pointer() has it.
  const std::size_t aligned = att_align_nominal(at, column.attalign);
  if (!VARATT_NOT_PAD_BYTE(data.data() + at)) at = aligned;
  if (at >= data.size()) return false;
  const char* value = data.data() + at;
  std::size_t head = VARHDRSZ_SHORT;
  std::size_t size = 0;
  if (VARATT_IS_1B_E(value)) return false;
  if (VARATT_IS_1B(value)) {
    size = VARSIZE_1B(value);
  } else {
    if (data.size() - at < VARHDRSZ || at != aligned) return false;
    const ValueHead long_head(value);
    if (!long_head.is_plain()) return false;
    head = VARHDRSZ;
    size = long_head.size();
  }
  if (size < head || size > data.size() - at) return false;
  at += size;
  return is_value({value + head, size - head}, column.atttypid);
}

// Opens a copy for a user who may read it. Error 55000 where it has other columns than when its
// rows were reached.
void check_copy(const ReachedRows& reached, std::int32_t source) {
  const Relation copy =
      open_state(reached.map_id, psprintf("rows_%d", source), {ACL_SELECT}, AccessShareLock);
  const TupleDesc then = reached.shape_of(source);
  if (then != nullptr && !are_same_columns(then, RelationGetDescr(copy))) {
    out_of_turn("a copy of a source was altered after its rows were looked for");
  }
  table_close(copy, NoLock);
}

// An aggregate's state: a pack that grows.
PackWriter* writer_of(FunctionCallInfo fcinfo) {
  MemoryContext memory = nullptr;
  if (AggCheckCallContext(fcinfo, &memory) == 0) {
    elog(ERROR, "identity_map_pack_rows() was called as no aggregate");
  }
  if (!PG_ARGISNULL(0)) return reinterpret_cast<PackWriter*>(PG_GETARG_POINTER(0));
  return new (MemoryContextAlloc(memory, sizeof(PackWriter))) PackWriter(memory);
}

}  // namespace

bool are_same_columns(TupleDesc a, TupleDesc b) noexcept {
  if (a->natts != b->natts) return false;
  for (int i = 0; i < a->natts; ++i) {
    const FormData_pg_attribute& x = *TupleDescAttr(a, i);
    const FormData_pg_attribute& y = *TupleDescAttr(b, i);
    if (x.atttypid != y.atttypid || x.attisdropped != y.attisdropped) return false;
  }
  return true;
}

bool is_plain_row(TupleDesc shape, MinimalTuple row, std::size_t bytes) noexcept {
  const int columns = row->t_infomask2;
  const bool has_nulls = (row->t_infomask & HEAP_HASNULL) != 0;
  if (row->t_len != bytes || columns < kRowKeys || columns > shape->natts ||
      (row->t_infomask & ~(HEAP_HASNULL | HEAP_HASVARWIDTH)) != 0 ||
      row->t_hoff !=
          MAXALIGN(SizeofHeapTupleHeader + (has_nulls ? BITMAPLEN(columns) : std::size_t{0}))) {
    return false;
  }
  const std::size_t begin = row->t_hoff - MINIMAL_TUPLE_OFFSET;
  if (begin > bytes) return false;
  const std::string_view data(reinterpret_cast<const char*>(row) + begin, bytes - begin);
  std::size_t at = 0;
  for (int i = 0; i < columns; ++i) {
    if (has_nulls && att_isnull(i, row->t_bits)) {
      if (i < kRowKeys) return false;
      continue;
    }
    const FormData_pg_attribute& column = *TupleDescAttr(shape, i);
    if (column.attlen == sizeof(std::int64_t)) {
      at = DOUBLEALIGN(at) + sizeof(std::int64_t);
      if (at > data.size()) return false;
    } else if (column.attlen != -1 || !is_plain_value(data, at, column)) {
      return false;
    }
  }
  return true;
}

MinimalTuple plain_row_of(TupleDesc shape, HeapTuple row) {
  MinimalTuple copy = minimal_tuple_of(row);
  if (is_plain_row(shape, copy, copy->t_len)) return copy;
  pfree(copy);
  const auto columns = static_cast<std::size_t>(shape->natts);
  auto* values = static_cast<Datum*>(palloc(columns * sizeof(Datum)));
  auto* nulls = static_cast<bool*>(palloc(columns * sizeof(bool)));
  heap_deform_tuple(row, shape, values, nulls);
  auto* plain = static_cast<Datum*>(palloc(columns * sizeof(Datum)));
  std::copy_n(values, columns, plain);
  for (std::size_t i = 0; i < columns; ++i) {
    if (nulls[i] || TupleDescAttr(shape, static_cast<int>(i))->attlen != -1) continue;
    plain[i] = PointerGetDatum(PG_DETOAST_DATUM(values[i]));
  }
  copy = form_minimal_tuple(shape, plain, nulls);
  for (std::size_t i = 0; i < columns; ++i) {
    if (plain[i] != values[i]) pfree(DatumGetPointer(plain[i]));
  }
  pfree(values);
  pfree(plain);
  pfree(nulls);
  return copy;
}

void check_copies(const ReachedRows& reached) {
  for (const ReachedRows::CopyShape& shape : reached.shapes) check_copy(reached, shape.source);
}

void PackWriter::append(const void* bytes, std::size_t size) {
  if (size_ + size > room_) {
    room_ = std::max(2 * room_, MAXALIGN(size_ + size) + 512);
    bytes_ = static_cast<char*>(bytes_ == nullptr ? MemoryContextAlloc(memory_, room_)
                                                  : repalloc(bytes_, room_));
  }
  std::memcpy(bytes_ + size_, bytes, size);
  size_ += size;
}

void PackWriter::add(std::int32_t source, std::span<const char> row) {
  const std::size_t head_bytes = size_ == 0 ? sizeof(detail::PackHead) : 0;
  const std::size_t bytes = head_bytes + sizeof(detail::PackedRow) + MAXALIGN(row.size());
  if (size_ > kMostBytes || bytes > kMostBytes - size_) {
    size_ = kMostBytes + 1;
    return;
  }
  if (size_ == 0) {
    const detail::PackHead head{.shares = static_cast<std::uint16_t>(shares_ ? 1 : 0)};
    append(&head, sizeof head);
  }
  const detail::PackedRow head{source, static_cast<std::uint32_t>(row.size())};
  append(&head, sizeof head);
  append(row.data(), row.size());
  constexpr std::array<char, MAXIMUM_ALIGNOF> kPadding{};
  append(kPadding.data(), MAXALIGN(row.size()) - row.size());
}

std::span<const char> PackWriter::bytes() const noexcept {
  return size_ > kMostBytes ? std::span<const char>() : std::span<const char>(bytes_, size_);
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_reached_rows(shape anyelement, copy regclass, map_id, source) → SETOF anyelement:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_reached_rows) {
  demand_arguments(fcinfo, {1, 2, 3});
  const int map_id = PG_GETARG_INT32(2);
  const std::int32_t source = PG_GETARG_INT32(3);
  // Whoever may read the copy may read them, and as nothing else.
  const char* copy = psprintf("rows_%d", source);
  const Oid table = find_state(map_id, copy);
  if (!OidIsValid(table) || table != PG_GETARG_OID(1) ||
      get_rel_type_id(table) != get_fn_expr_argtype(fcinfo->flinfo, 0)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("rows of identity_state.m%d_%s have another type", map_id, copy)));
  }
  const ReachedRows* rows = LastReached::of(map_id);
  if (rows == nullptr) out_of_turn("no records of the identity map were looked for");
  // In a parallel worker it is the leader that has checked them.
  check_copy(*rows, source);
  const ReturnSetInfo* result = guarded([&] { return begin_tuplestore(fcinfo); });
  TupleTableSlot* slot = MakeSingleTupleTableSlot(result->setDesc, &TTSOpsMinimalTuple);
  for (std::size_t i = 0; i < rows->rows.size(); ++i) {
    CHECK_FOR_INTERRUPTS();
    const SourceRow& row = rows->rows[i];
    if (row.source != source || !rows->has_row(i)) continue;
    ExecStoreMinimalTuple(row.tuple, slot, false);
    tuplestore_puttupleslot(result->setResult, slot);
  }
  ExecDropSingleTupleTableSlot(slot);
  return Datum{0};
}

// identity_map_packed_row(source_row record) → bytea: what a pack holds of a row.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_packed_row) {
  HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
  HeapTupleData tuple{};
  tuple.t_len = HeapTupleHeaderGetDatumLength(row);
  tuple.t_data = row;
  const TupleDesc shape =
      lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
  const MinimalTuple packed = plain_row_of(shape, &tuple);
  ReleaseTupleDesc(shape);
  PG_RETURN_DATUM(bytes_value({reinterpret_cast<const char*>(packed), packed->t_len}));
}

// identity_map_pack_step(internal, source smallint, packed_row bytea, shares boolean) → internal,
// and identity_map_pack_end(internal) → bytea: the aggregate identity_map_pack_rows(),
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_pack_step) {
  demand_arguments(fcinfo, {1, 2, 3});
  PackWriter* writer = writer_of(fcinfo);
  if (PG_ARGISNULL(0)) writer->begin(PG_GETARG_BOOL(3));
  const bytea* row = PG_GETARG_BYTEA_PP(2);
  writer->add(PG_GETARG_INT16(1),
              {VARDATA_ANY(row), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(row))});
  PG_RETURN_POINTER(writer);
}

IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_pack_end) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const std::span<const char> bytes = writer_of(fcinfo)->bytes();
  if (bytes.empty()) PG_RETURN_NULL();
  PG_RETURN_DATUM(bytes_value(bytes));
}

// identity_map_sharers(map_id) → uuid[]: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_sharers) {
  const int map_id = PG_GETARG_INT32(0);
  return guarded([&] {
    ContextMemory memory(CurrentMemoryContext);  // not SPI's, which ends before
    NumberTable common_keys(memory);
    PlaceTable<identity_resolve::engine::Uuid> identities(memory);
    Sharers sharers(memory);
    const SpiConnection spi;
    const char* common =
        call([=] { return psprintf("SELECT key FROM identity_state.m%d_common", map_id); });
    read_rows(common, {INT8OID}, [&](const Datum* values, const bool*) {
      guarded([&] { common_keys.insert(DatumGetInt64(values[0])); });
    });
    const char* carriers = call([=] {
      return psprintf(
          "SELECT m.identity_id, k.key FROM identity_state.m%d_keys AS k "
          "JOIN identity_state.m%d_records AS m ON m.rid = k.rid WHERE m.identity_id IS NOT NULL",
          map_id, map_id);
    });
    read_rows(carriers, {UUIDOID, INT8OID}, [&](const Datum* values, const bool*) {
      const std::int64_t key = DatumGetInt64(values[1]);
      guarded([&] {
        sharers.add(identities.insert(uuid_of(values[0])).first, {&key, 1}, common_keys);
      });
    });
    SpiConnection::finish();
    boost::container::pmr::vector<Datum> ids(&memory);
    for (std::uint32_t place = 0; place < identities.keys().size(); ++place) {
      if (sharers.shares(place)) ids.push_back(datum_of(identities.keys()[place]));
    }
    return call([&] {
      return ids.empty() ? PointerGetDatum(construct_empty_array(UUIDOID))
                         : uuid_array(ids.data(), nullptr, ids.size());
    });
  });
}
