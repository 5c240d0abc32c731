// The identities that a change concerns, and their packs, brought in line with what they have come
// to be, for identity_map_place().
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/identity_id.h"
#include "engine/place_table.h"
#include "map/datums.h"
#include "map/places.h"
#include "map/reached.h"
#include "pg/border.h"

namespace identity_resolve::pg {

class IdentityRenewal {
 public:
  // The rows were reached; of_records: the cluster of each record, of which there are `clusters`,
  // numbered from 0. Throws PgError.
  IdentityRenewal(const ReachedRows& reached, std::size_t clusters, Environment& environment,
                  std::span<const std::uint32_t> of_records)
      : reached_(&reached),
        environment_(&environment),
        cluster_of_(&environment.memory()),
        order_(&environment.memory()),
        first_(clusters + 1, 0, &environment.memory()) {
    cluster_of_.reserve(reached.rows.size());
    for (const SourceRow& row : reached.rows) {
      const std::uint32_t cluster = of_records[row.record];
      cluster_of_.push_back(cluster);
      ++first_[cluster + 1];
    }
    sort_rows();
  }

  // Writes the clusters as identities with these ids, in their order; new ones are as of `at`.
  // Identities of which no cluster has the id go. Throws PgError.
  void write(std::span<const engine::Uuid> ids, TimestampTz at) {
    const engine::Sharers sharers = find_sharers();
    List<bool> is_kept(reached_->identities.size(), false, &environment_->memory());
    StateTable* table = call([this] { return open_state_table(reached_->map_id, "identities"); });
    std::string pack;
    engine::Ticker ticker(*environment_);
    for (std::uint32_t cluster = 0; cluster < ids.size(); ++cluster) {
      ticker.tick();
      engine::begin_pack(pack, sharers.shares(cluster));
      for (std::size_t i = first_[cluster]; i < first_[cluster + 1]; ++i) {
        engine::add_to_pack(pack, reached_->rows[order_[i]].packed);
      }
      const ReachedRows::Identity* old = reached_->identity_of(ids[cluster]);
      if (old != nullptr) {
        is_kept[static_cast<std::size_t>(old - reached_->identities.data())] = true;
        if (old->pack == pack) continue;
      }
      const TimestampTz since =
          old != nullptr ? old->created_at : reached_->since_of_back(ids[cluster]).value_or(at);
      call([&] { write_identity(table, ids[cluster], pack, old, since); });
    }
    for (std::size_t i = 0; i < is_kept.size(); ++i) {
      if (is_kept[i]) continue;
      call([&] { delete_row(table, reached_->identities[i].place); });
    }
    call([=] { close_state_table(table); });
  }

 private:
  template <class T>
  using List = boost::container::pmr::vector<T>;

  // By their records' numbers and their fingerprints, so that a pack says the same in the same
  // words.
  void sort_rows() {
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    order_.resize(cluster_of_.size());
    List<std::uint32_t> next(first_, &environment_->memory());
    for (std::uint32_t i = 0; i < cluster_of_.size(); ++i) order_[next[cluster_of_[i]]++] = i;
    for (std::size_t cluster = 0; cluster + 1 < first_.size(); ++cluster) {
      std::sort(order_.begin() + first_[cluster], order_.begin() + first_[cluster + 1],
                [this](std::uint32_t a, std::uint32_t b) { return key_of(a) < key_of(b); });
    }
  }
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> key_of(std::uint32_t place) const noexcept {
    const SourceRow& row = reached_->rows[place];
    return {row.rid, row.fingerprint()};
  }
  // The clusters that carry an identifier, not too common, together with another one.
  [[nodiscard]] engine::Sharers find_sharers() const {
    engine::Sharers sharers(environment_->memory());
    engine::Ticker ticker(*environment_);
    for (std::size_t i = 0; i < cluster_of_.size(); ++i) {
      ticker.tick();
      sharers.add(cluster_of_[i], reached_->keys_of(reached_->rows[i]), reached_->common);
    }
    return sharers;
  }

  // old: nullptr for none. PostgreSQL's half.
  void write_identity(StateTable* table, const engine::Uuid& id, std::string_view pack,
                      const ReachedRows::Identity* old, TimestampTz since) const {
    const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
    const std::array<Datum, 3> values = {datum_of(id), TimestampTzGetDatum(since),
                                         bytes_value(pack)};
    const std::array<bool, 3> nulls{};
    if (old == nullptr) {
      insert_row(table, values.data(), nulls.data());
    } else {
      update_row(table, old->place, values.data(), nulls.data());
    }
    MemoryContextSwitchTo(outer);
    MemoryContextReset(row_memory_);
  }

  const ReachedRows* reached_;
  Environment* environment_;
  // Of the rows, as they were reached: the cluster of each, and their places, cluster by cluster.
  List<std::uint32_t> cluster_of_;
  List<std::uint32_t> order_;
  List<std::uint32_t> first_;  // by cluster, where its places begin; one more for the end
  MemoryContext row_memory_ = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity map identities",
                                 ALLOCSET_DEFAULT_SIZES);
  });
};

// Where the records and identifiers are that a change concerns, brought in line, and which of them
// are too common.
class PlacesRenewal {
 public:
  PlacesRenewal(const ReachedRows& reached, Environment& environment)
      : reached_(&reached),
        environment_(&environment),
        then_(&environment.memory()),
        now_(&environment.memory()),
        changes_(&environment.memory()) {}

  // ids: of the clusters; cluster_of: of the records. Throws PgError.
  void write(std::span<const engine::Uuid> ids, std::span<const std::uint32_t> cluster_of) {
    find_changed(ids, cluster_of);
    for (const SourceRow& row : reached_->rows) {
      if (!is_changed_[row.record]) continue;
      if (!row.is_fresh) {
        add(then_, row.rid, row.source, reached_->olds[row.record], reached_->keys_of(row));
      }
      add(now_, row.rid, row.source, ids[cluster_of[row.record]], reached_->keys_of(row));
    }
    for (const GoneRow& row : reached_->gone) {
      add(then_, row.rid, row.source, row.identity, reached_->keys_of(row));
    }
    engine::sort_each_once(then_);
    engine::sort_each_once(now_);
    count();
    find_changes();
    call([this] { write_changes(); });
  }

  // By source, how many records more or fewer there are than before: JSON.
  [[nodiscard]] std::string counts() const {
    std::string json = "{";
    for (const auto& [source, change] : counts_) {
      if (change == 0) continue;
      json += fmt::format("{}\"{}\": {}", json.size() > 1 ? ", " : "", source, change);
    }
    return json + "}";
  }

 private:
  template <class T>
  using List = boost::container::pmr::vector<T>;

  // What a record had, or has: itself, or a key.
  struct Has {
    std::int64_t rid;
    PlaceEntry entry;

    friend auto operator<=>(const Has&, const Has&) = default;
  };
  struct Change {
    PlaceEntry entry;
    bool has_come;
  };

  // Records that are of another identity now, or of which rows came or went.
  void find_changed(std::span<const engine::Uuid> ids, std::span<const std::uint32_t> cluster_of) {
    is_changed_.assign(reached_->rids.size(), false);
    for (std::size_t i = 0; i < is_changed_.size(); ++i) {
      is_changed_[i] = reached_->is_new[i] || reached_->olds[i] != ids[cluster_of[i]];
    }
    for (const SourceRow& row : reached_->rows) {
      if (row.is_fresh) is_changed_[row.record] = true;
    }
    if (reached_->gone.empty()) return;
    engine::NumberTable gone(environment_->memory());
    for (const GoneRow& row : reached_->gone) gone.insert(row.rid);
    for (std::size_t i = 0; i < is_changed_.size(); ++i) {
      if (gone.contains(reached_->rids[i])) is_changed_[i] = true;
    }
  }

  static void add(List<Has>& to, std::int64_t rid, std::int32_t source, const engine::Uuid& id,
                  std::span<const std::int64_t> keys) {
    to.push_back({rid, {rid, Place::of_record(id, source)}});
    for (const std::int64_t key : keys) to.push_back({rid, {key, Place::of_key(id, source)}});
  }

  void count() {
    const auto count_in = [this](const List<Has>& list, std::int64_t change) {
      for (const Has& has : list) {
        if (!has.entry.place.is_record()) continue;
        counts_[has.entry.place.source()] += change;
      }
    };
    count_in(now_, 1);
    count_in(then_, -1);
  }

  void find_changes() {
    auto then = then_.begin();
    auto now = now_.begin();
    while (then != then_.end() || now != now_.end()) {
      if (now == now_.end() || (then != then_.end() && *then < *now)) {
        changes_.push_back({(then++)->entry, false});
      } else if (then == then_.end() || *now < *then) {
        changes_.push_back({(now++)->entry, true});
      } else {
        ++then;
        ++now;
      }
    }
    std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return std::pair(a.entry, a.has_come) < std::pair(b.entry, b.has_come);
    });
  }

  // PostgreSQL's half.
  void write_changes() {
    if (!changes_.empty()) {
      PlacesLog log;
      log.open(reached_->map_id);
      for (const Change& change : changes_) {
        CHECK_FOR_INTERRUPTS();
        if (change.has_come) {
          log.add(change.entry);
        } else {
          log.remove(change.entry);
        }
      }
      log.close();
    }
    if (reached_->newly_common.empty() && reached_->no_longer_common.empty()) return;
    StateTable* table = open_state_table(reached_->map_id, "common");
    Lookup known = open_lookup(reached_->map_id, "common", {"key"}, GetActiveSnapshot());
    for (const std::int64_t key : reached_->no_longer_common) {
      find(known, Int64GetDatum(key));
      if (next(known)) delete_row(table, known.row->tts_tid);
    }
    for (const std::int64_t key : reached_->newly_common) {
      const Datum value = Int64GetDatum(key);
      const bool is_null = false;
      insert_row(table, &value, &is_null);
    }
    close_lookup(known);
    close_state_table(table);
  }

  const ReachedRows* reached_;
  Environment* environment_;
  List<Has> then_;
  List<Has> now_;
  List<Change> changes_;
  std::vector<bool> is_changed_;  // by record
  std::map<std::int32_t, std::int64_t> counts_;
};

}  // namespace identity_resolve::pg
