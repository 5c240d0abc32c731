// The identities that a change concerns, and their packs, brought in line with what they have come
// to be, for identity_map_place().
#pragma once

#include <algorithm>
#include <numeric>

#include "engine/identity_id.h"
#include "pg/guard.h"
#include "pg/map_arrays.h"
#include "pg/map_packs.h"
#include "pg/map_tables.h"

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
    const Sharers sharers = find_sharers();
    List<bool> is_kept(reached_->identities.size(), false, &environment_->memory());
    StateTable* table = call([this] { return open_state_table(reached_->map_id, "identities"); });
    PackWriter writer(CurrentMemoryContext);
    engine::Ticker ticker(*environment_);
    for (std::uint32_t cluster = 0; cluster < ids.size(); ++cluster) {
      ticker.tick();
      call([&] {
        writer.begin(sharers.shares(cluster));
        for (std::size_t i = first_[cluster]; i < first_[cluster + 1]; ++i) {
          const SourceRow& row = reached_->rows[order_[i]];
          writer.add(row.source, {reinterpret_cast<const char*>(row.tuple), row.tuple->t_len});
        }
      });
      const std::span<const char> bytes = writer.bytes();
      const ReachedRows::Identity* old = reached_->identity_of(ids[cluster]);
      if (old != nullptr) {
        is_kept[static_cast<std::size_t>(old - reached_->identities.data())] = true;
        if (old->has_pack == !bytes.empty() &&
            std::ranges::equal(bytes, std::span(old->bytes, old->size))) {
          continue;
        }
      }
      call([&] { write_identity(table, ids[cluster], bytes, old, at); });
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
    return {row.rid, packed_fingerprint(row.tuple)};
  }
  // The clusters that carry an identifier, not too common, together with another one.
  [[nodiscard]] Sharers find_sharers() const {
    Sharers sharers(environment_->memory());
    engine::Ticker ticker(*environment_);
    for (std::size_t i = 0; i < cluster_of_.size(); ++i) {
      ticker.tick();
      sharers.add(cluster_of_[i], reached_->keys_of(reached_->rows[i]), reached_->common);
    }
    return sharers;
  }

  // bytes: none for no pack; old: nullptr for none. PostgreSQL's half.
  void write_identity(StateTable* table, const engine::Uuid& id, std::span<const char> bytes,
                      const ReachedRows::Identity* old, TimestampTz at) const {
    const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
    const std::array<Datum, 3> values = {datum_of(id),
                                         TimestampTzGetDatum(old == nullptr ? at : old->created_at),
                                         bytes.empty() ? Datum{0} : bytes_value(bytes)};
    const std::array<bool, 3> nulls = {false, false, bytes.empty()};
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

}  // namespace identity_resolve::pg
