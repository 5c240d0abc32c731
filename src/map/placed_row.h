// The rows in which identity_map_place() says what it has found.
//
// PostgreSQL's half but for columns_of(), which throws.
#pragma once

#include <algorithm>

#include "pg/border.h"

namespace identity_resolve::pg {

// What each row of the result begins with; the columns of the map's table follow. A row is an
// identity as it is now, or one that is no more.
enum PlacedColumn : std::size_t {
  kId,         // uuid: the identity's id; of `lost` where it went, or NULL
  kIsNew,      // boolean: whether the id is
  kIsBack,     // boolean: whether the identity, or `lost`, was no more before
  kLost,       // uuid: the identity that is no more; all but the id and the reason NULL
  kOlds,       // uuid[]: what its records were, each once, rising; NULL: nothing
  kRecords,    // bigint: how many they are
  kByKind,     // text: of one that took others in, or went into another one, the identifier that
  kByValue,    // text:   joined them; NULL where it is not to be found out
  kByRecords,  // bigint[]: the records that carry it; NULL: more than kMostCarriers
  kAll,        // bigint[]: the places of its records: ReachedRows::rids
  kFixed
};
inline constexpr std::array<Oid, kFixed> kTypes = {UUIDOID,      BOOLOID,     BOOLOID, UUIDOID,
                                                   UUIDARRAYOID, INT8OID,     TEXTOID, TEXTOID,
                                                   INT8ARRAYOID, INT8ARRAYOID};

// One of them: its values live until the next one.
class PlacedRow {
 public:
  // Those columns of a result that are the map's table's. Throws PgError: 42804 where it does not
  // begin as `PlacedColumn` says.
  static TupleDesc columns_of(TupleDesc all) {
    return call([all] {
      bool is_good = all->natts >= static_cast<int>(kFixed);
      for (std::size_t i = 0; is_good && i < kFixed; ++i) {
        is_good = TupleDescAttr(all, static_cast<int>(i))->atttypid == kTypes[i];
      }
      if (!is_good) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("identity_map_place() gives other columns")));
      }
      const int count = all->natts - static_cast<int>(kFixed);
      ShapeMaker columns(count);
      for (int i = 1; i <= count; ++i) {
        columns.add_copy(all, static_cast<AttrNumber>(i + static_cast<int>(kFixed)));
      }
      return columns.finish();
    });
  }

  // Such rows, with these columns of the map's table. PostgreSQL's half.
  static TupleDesc shape_with(TupleDesc columns) {
    ShapeMaker all(static_cast<int>(kFixed) + columns->natts);
    for (const Oid type : kTypes) all.add(nullptr, type);
    for (int i = 1; i <= columns->natts; ++i) all.add_copy(columns, static_cast<AttrNumber>(i));
    return all.finish();
  }

  // For so many columns behind those of `PlacedColumn`.
  void make_room(std::size_t columns) {
    values_.resize(kFixed + columns);
    nulls_ = std::make_unique<bool[]>(values_.size());
  }
  [[nodiscard]] Datum* columns() noexcept { return values_.data() + kFixed; }
  [[nodiscard]] bool* column_nulls() noexcept { return nulls_.get() + kFixed; }

  // An identity as it is now, of which nothing is said yet but its columns.
  void begin() noexcept { std::fill_n(nulls_.get(), std::size_t{kFixed}, true); }
  // One that is no more.
  void begin_lost(Datum id) {
    std::fill_n(nulls_.get(), values_.size(), true);
    set(kLost, id);
    set(kRecords, Int64GetDatum(0));
  }
  void set(PlacedColumn place, Datum value) noexcept {
    values_[place] = value;
    nulls_[place] = false;
  }
  [[nodiscard]] Datum value_or_none(PlacedColumn place) const noexcept {
    return nulls_[place] ? 0 : values_[place];
  }
  [[nodiscard]] bool is_null(PlacedColumn place) const noexcept { return nulls_[place]; }
  [[nodiscard]] Datum value(PlacedColumn place) const noexcept { return values_[place]; }
  [[nodiscard]] const Datum* columns() const noexcept { return values_.data() + kFixed; }
  [[nodiscard]] const bool* column_nulls() const noexcept { return nulls_.get() + kFixed; }

  void store(Tuplestorestate* rows, TupleDesc shape) const {
    tuplestore_putvalues(rows, shape, const_cast<Datum*>(values_.data()), nulls_.get());
  }
  // One that was stored.
  void load(TupleTableSlot* row) {
    slot_getallattrs(row);
    std::copy_n(row->tts_values, values_.size(), values_.begin());
    std::copy_n(row->tts_isnull, values_.size(), nulls_.get());
  }

 private:
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
};

}  // namespace identity_resolve::pg
