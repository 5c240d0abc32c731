// Writes down what became of the records and identities that identity_map_reach() has found: in the
// map's state (identities.h, renew_identities.h), and in its table (user_table.h).
#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "map/gone.h"
#include "map/identities.h"
#include "map/placing.h"
#include "map/renew_identities.h"
#include "map/user_table.h"
#include "pg/settings.h"

namespace identity_resolve::pg {

class PlaceWriter final : public PlacedSink {
 public:
  // As of `at`; table: nullptr where somebody else writes it. What was reached, the last that was,
  // is held until finish(). Throws PgError.
  PlaceWriter(const ReachedRows& reached, TimestampTz at, MapTable* table)
      : reached_(&reached),
        at_(at),
        table_(table),
        environment_(CurrentMemoryContext, SIZE_MAX / 2),
        ids_(&environment_.memory()),
        cluster_of_(reached.rids.size(), kNone, &environment_.memory()),
        revived_(&environment_.memory()) {
    call([&] { writer_.open(reached.map_id, at); });
  }

  // PostgreSQL's half. They come in the order of their ids, so that neighbours lie on one page.
  void put(const PlacedRow& row) override {
    if (row.is_null(kLost)) {
      put_cluster(row);
    } else {
      put_lost(row);
    }
  }

  // When all have come. What was reached is forgotten. Throws engine::Error, PgError.
  void finish() {
    if (std::ranges::find(cluster_of_, kNone) != cluster_of_.end()) {
      throw state_contradicts_itself();
    }
    std::sort(revived_.begin(), revived_.end());
    call([this] {
      for (const engine::Uuid& id : revived_)
        writer_.tell({"revived", datum_of(id), 0, 0, 0, 0, 0});
      writer_.close();
      write_gone();
    });
    IdentityRenewal identities(*reached_, ids_.size(), environment_,
                               {cluster_of_.data(), cluster_of_.size()});
    identities.write({ids_.data(), ids_.size()}, at_);
    PlacesRenewal places(*reached_, environment_);
    places.write({ids_.data(), ids_.size()}, {cluster_of_.data(), cluster_of_.size()});
    counts_ = fmt::format(R"("counts": {})", places.counts());
    if (const std::size_t back = reached_->back_since.size(); back > 0) {
      counts_ += fmt::format(R"(, "revived": {}, "back": {})", revived_.size(), back);
    }
    hold_.release();
    changed_hold_.release();
    call([] {
      LastReached::end();
      LastChanged::end();
    });
  }

  // What else there is to say, a part of a JSON object: by source, how many records more or fewer
  // there are; how many identities are back, and how many of these live on.
  [[nodiscard]] const std::string& counts() const noexcept { return counts_; }
  // What was done to identities and to the map's table, as JSON.
  [[nodiscard]] std::string report() const {
    return fmt::format(
        R"({{"inserted": {}, "updated": {}, "deleted": {}, "records": {}, "created": {}, "merged": {}, "split": {}, "retired": {}, {}}})",
        table_->inserted, table_->updated, table_->deleted, records_, created_, merged_, split_,
        retired_, counts_);
  }

 private:
  template <class T>
  using List = boost::container::pmr::vector<T>;

  static constexpr std::uint32_t kNone = UINT32_MAX;
  void put_cluster(const PlacedRow& row) {
    const engine::Uuid id = uuid_of(row.value(kId));
    const bool is_new = DatumGetBool(row.value(kIsNew));
    const bool is_back = DatumGetBool(row.value(kIsBack));
    if (is_back) {
      writer_.revive(row.value(kId));
      guarded([&] { revived_.push_back(id); });
    }
    if (table_ != nullptr) {
      put_identity(table_, id, is_new || is_back, row.columns(), row.column_nulls());
    }
    const auto cluster = static_cast<std::uint32_t>(ids_.size());
    guarded([&] { ids_.push_back(id); });
    with_numbers(row.value(kAll), [&](std::span<const std::int64_t> all) {
      records_ += all.size();
      for (const std::int64_t place : all) cluster_of_[static_cast<std::size_t>(place)] = cluster;
    });
    tell(row, id, is_new);
  }

  // What happened to an identity, if anything.
  void tell(const PlacedRow& row, const engine::Uuid& id, bool is_new) {
    if (row.is_null(kOlds)) {
      ++created_;
      tell("created", row, 0);
      return;
    }
    Datum* olds = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(row.value(kOlds)), UUIDOID, sizeof(pg_uuid_t), false,
                      TYPALIGN_CHAR, &olds, nullptr, &count);
    if (!is_new && count < 2) return;
    ++(is_new ? split_ : merged_);
    Datum* end = std::remove_if(olds, olds + count, [&](Datum old) { return uuid_of(old) == id; });
    tell(is_new ? "split" : "merged", row,
         uuid_array(olds, nullptr, static_cast<std::size_t>(end - olds)));
  }
  void tell(const char* event, const PlacedRow& row, Datum from_ids) {
    writer_.tell({event, row.value(kId), from_ids, 0, row.value_or_none(kByKind),
                  row.value_or_none(kByValue), row.value_or_none(kByRecords)});
  }

  // An identity that is no more; what is written down must have been one.
  void put_lost(const PlacedRow& row) {
    const Datum lost = row.value(kLost);
    const engine::Uuid id = uuid_of(lost);
    const bool is_back = !row.is_null(kIsBack) && DatumGetBool(row.value(kIsBack));
    if (!is_back && reached_->identity_of(id) == nullptr) return;
    const Datum into = row.value_or_none(kId);
    if (is_back) writer_.revive(lost);
    writer_.retire(lost, into);
    writer_.tell({"retired", lost, 0, into, row.value_or_none(kByKind), row.value_or_none(kByValue),
                  row.value_or_none(kByRecords)});
    ++retired_;
    if (table_ != nullptr) remove_identity(table_, id);
  }

  // Records that are gone, and records that are back. PostgreSQL's half.
  void write_gone() {
    const bool remembers = revive_for() > 0 && !reached_->gone.empty();
    if (reached_->is_told || (!remembers && reached_->returned.empty())) return;
    GoneWriter writer;
    writer.open(reached_->map_id, at_);
    for (const std::int64_t rid : reached_->returned) writer.remove(rid);
    if (remembers) {
      List<GoneRecord> gone(&environment_.memory());
      guarded([&] { find_gone(gone); });
      for (const GoneRecord& record : gone) writer.add(record);
    }
    writer.close();
  }
  void find_gone(List<GoneRecord>& gone) {
    engine::NumberTable here(environment_.memory());
    for (const std::int64_t rid : reached_->rids) here.insert(rid);
    for (const GoneRow& row : reached_->gone) {
      const ReachedRows::Identity* identity = reached_->identity_of(row.identity);
      if (identity == nullptr || !here.insert(row.rid).second) continue;
      gone.push_back({row.rid, row.identity, identity->created_at});
    }
  }

  LastReached::Hold hold_;
  LastChanged::Hold changed_hold_;  // rows that came lie there
  const ReachedRows* reached_;
  TimestampTz at_;
  MapTable* table_;
  Environment environment_;
  StateWriter writer_;
  List<engine::Uuid> ids_;          // by cluster
  List<std::uint32_t> cluster_of_;  // of each record that was reached
  List<engine::Uuid> revived_;
  std::string counts_;
  // What has been done.
  std::uint64_t records_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t merged_ = 0;
  std::uint64_t split_ = 0;
  std::uint64_t retired_ = 0;
};

}  // namespace identity_resolve::pg
