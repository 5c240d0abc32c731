#include "map/fill_write.h"

#include <algorithm>
#include <numeric>

#include "engine/sort_numbers.h"
#include "map/datums.h"
#include "map/fill_changed.h"
#include "map/gone.h"
#include "map/identities.h"
#include "map/places.h"
#include "map/reached.h"
#include "map/rewrite.h"
#include "pg/settings.h"
#include "resolve/stored_row.h"

namespace identity_resolve::pg::fill {

namespace {

// PostgreSQL's half.
void write_gone(Work& work) {
  if (revive_for() == 0) work.judged.missing.clear();
  if (work.judged.returned.empty() && work.judged.missing.empty()) return;
  GoneWriter writer;
  writer.open(work.task->map_id, work.task->at);
  for (const std::int64_t rid : work.judged.returned) writer.remove(rid);
  for (const OldRecord& record : work.judged.missing) {
    writer.add({record.rid, work.olds.ids[record.old], work.created_at(record.old)});
  }
  writer.close();
}

void write_places(Work& work) {
  PlacesWriter writer(work.environment.memory());
  call([&] { writer.open(work.task->map_id); });
  List<Entry> entries(&work.environment.memory());
  List<PlaceEntry> sorted(&work.environment.memory());
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    work.listed.entries.load(partition, entries);
    sorted.clear();
    for (const Entry& entry : entries) {
      const engine::Uuid& id = work.named.ids[entry.cluster];
      sorted.push_back({entry.number, entry.is_record != 0 ? Place::of_record(id, entry.source)
                                                           : Place::of_key(id, entry.source)});
    }
    engine::sort_by_number(sorted, [](const PlaceEntry& entry) { return entry.number; });
    call([&] {
      CHECK_FOR_INTERRUPTS();
      for (const PlaceEntry& entry : sorted) writer.put(entry);
    });
  }
  work.listed.entries.clear();
  call([&] { writer.close(); });
}

void write_common(Work& work) {
  call([&] {
    Rewrite* table = begin_rewrite(work.task->map_id, "common");
    const bool is_null = false;
    for (const std::int64_t key : work.judged.common) {
      const Datum value = Int64GetDatum(key);
      rewrite_row(table, &value, &is_null);
    }
    finish_rewrite(table);
  });
}

class Writing {
 public:
  explicit Writing(Work& work) : work_(work), changed_(work.environment, work.ticker) {
    row_.make_room(static_cast<std::size_t>(work.columns->natts));
  }

  void go() {
    const List<std::uint32_t> order = order_of_clusters();
    call([this] { events_.open(work_.task->map_id, work_.task->at); });
    for (const std::uint32_t cluster : order) write_identity(cluster);
    for (std::uint32_t old = 0; old < work_.olds.first_back; ++old) {
      if (work_.named.succession->picks()[old] == kNone) call([&] { put_lost(old, nullptr); });
    }
    std::sort(work_.written.revived.begin(), work_.written.revived.end());
    call([this] {
      for (const engine::Uuid& id : work_.written.revived)
        events_.tell({"revived", datum_of(id), 0, 0, 0, 0, 0});
      events_.close();
      if (has_lookup_) were_gone_.close();
      if (!work_.task->is_first) {
        work_.identities.each_gone([this](std::uint32_t old) {
          const std::string_view pack = work_.identities.read(old).pack;
          guarded([&] { changed_.add(pack); });
        });
      }
      write_gone(work_);
      work_.identities.close();
    });
    work_.written.changed = changed_.count();
    work_.fingerprints.write(work_.task->map_id);
    write_places(work_);
    write_common(work_);
  }

 private:
  // By their ids, as table and state are found by. Not where rows have to be read from files again.
  List<std::uint32_t> order_of_clusters() {
    List<std::uint32_t> order(work_.named.ids.size(), &work_.environment.memory());
    std::iota(order.begin(), order.end(), 0U);
    if (!work_.execution->resolver().has_parts()) {
      std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        work_.ticker.tick();
        return work_.named.ids[a] < work_.named.ids[b];
      });
    }
    return order;
  }

  // The identities that records of a cluster were, into olds_here_, rising by their ids.
  void list_olds(std::uint32_t cluster) {
    olds_here_.clear();
    if (work_.task->is_first) return;
    const std::uint32_t only = work_.judged.only_old[cluster];
    if (only != kMixed) {
      if (only != kNone) olds_here_.push_back(only);
      return;
    }
    auto part =
        std::lower_bound(work_.named.mixed.begin(), work_.named.mixed.end(), Part{cluster, 0});
    for (; part != work_.named.mixed.end() && part->cluster == cluster; ++part) {
      if (part->old != kNone) olds_here_.push_back(part->old);
    }
    std::sort(olds_here_.begin(), olds_here_.end(), [this](std::uint32_t a, std::uint32_t b) {
      return work_.olds.ids[a] < work_.olds.ids[b];
    });
  }

  void write_identity(std::uint32_t cluster) {
    work_.ticker.tick();
    work_.execution->seek(engine::IdentityNumber{cluster});
    if (!work_.execution->next(row_.columns(), row_.column_nulls())) {
      throw engine::Error("XX000", "an identity was lost between two readings");
    }
    const std::uint32_t kept = work_.task->is_first ? kNone : work_.named.kept[cluster];
    list_olds(cluster);
    make_pack(work_.judged.shares[cluster]);
    if (kept != kNone && olds_here_.size() > 1) remember_merged(cluster);
    call([&] {
      const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
      put_into_state(cluster, kept);
      row_.begin();
      row_.set(kId, datum_of(work_.named.ids[cluster]));
      row_.set(kIsNew, BoolGetDatum(kept == kNone));
      work_.sink->put(row_, work_.olds.is_old(kept) ? kept : FilledSink::kNew);
      if (work_.olds.is_back(kept)) {
        events_.revive(datum_of(work_.named.ids[cluster]));
        guarded([&] { work_.written.revived.push_back(work_.named.ids[cluster]); });
      }
      tell(cluster, kept);
      for (const std::uint32_t old : olds_here_) {
        if (work_.named.succession->picks()[old] == cluster && kept != old)
          put_lost(old, &work_.named.ids[cluster]);
      }
      MemoryContextSwitchTo(outer);
      MemoryContextReset(row_memory_);
    });
  }
  // PostgreSQL's half.
  void put_into_state(std::uint32_t cluster, std::uint32_t kept) {
    const bool was_here = work_.olds.is_old(kept);
    const TimestampTz since = work_.olds.is_back(kept)
                                  ? work_.olds.back_since[kept - work_.olds.first_back]
                                  : work_.task->at;
    const bool differs = work_.identities.put(was_here ? kept : IdentityTable::kNew,
                                              work_.named.ids[cluster], since, pack_, print_);
    if (!differs || work_.task->is_first) return;
    guarded([this] { changed_.add(pack_); });
    if (!was_here) return;
    const std::string_view before = work_.identities.read(kept).pack;
    guarded([&] { changed_.add(before); });
  }
  // Of the identity at hand: its rows in the order of their records' numbers and their
  // fingerprints, equal ones once.
  void make_pack(bool shares) {
    bytes_here_.clear();
    for (const engine::OrderedRow& ordered : work_.execution->identity().rows()) {
      bytes_here_.push_back(ordered.row.beside());
    }
    const auto key_of = [](std::string_view row) {
      return std::pair(engine::rid_of(row), engine::fingerprint_of(row));
    };
    std::sort(bytes_here_.begin(), bytes_here_.end(),
              [&](std::string_view a, std::string_view b) { return key_of(a) < key_of(b); });
    engine::begin_pack(pack_, shares);
    engine::PackPrint print(pack_);
    for (std::size_t i = 0; i < bytes_here_.size(); ++i) {
      if (i > 0 && key_of(bytes_here_[i]) == key_of(bytes_here_[i - 1])) continue;
      engine::add_to_pack(pack_, bytes_here_[i]);
      if (!work_.task->is_first) print.add(*engine::read_row(bytes_here_[i]));
    }
    print_ = print.value();
  }

  // What happened to an identity, if anything. PostgreSQL's half, as those that follow.
  void tell(std::uint32_t cluster, std::uint32_t kept) {
    if (olds_here_.empty()) {
      ++work_.written.created;
      if (!work_.task->is_first) tell("created", cluster, 0);
      return;
    }
    if (kept != kNone && olds_here_.size() < 2) return;
    ++(kept == kNone ? work_.written.split : work_.written.merged);
    auto* from = static_cast<Datum*>(palloc(olds_here_.size() * sizeof(Datum)));
    std::size_t count = 0;
    for (const std::uint32_t old : olds_here_) {
      if (old != kept) from[count++] = datum_of(work_.olds.ids[old]);
    }
    tell(kept == kNone ? "split" : "merged", cluster, uuid_array(from, nullptr, count));
  }
  void tell(const char* event, std::uint32_t cluster, Datum from) {
    events_.tell({event, datum_of(work_.named.ids[cluster]), from, 0, 0, 0, 0});
  }
  void put_lost(std::uint32_t old, const engine::Uuid* into) {
    const Datum went = into == nullptr ? Datum{0} : datum_of(*into);
    ++work_.written.retired;
    if (work_.olds.is_back(old)) events_.revive(datum_of(work_.olds.ids[old]));
    events_.retire(datum_of(work_.olds.ids[old]), went);
    events_.tell({"retired", datum_of(work_.olds.ids[old]), 0, went, 0, 0, 0});
    row_.begin_lost(datum_of(work_.olds.ids[old]));
    if (into != nullptr) row_.set(kId, went);
    work_.sink->put(row_, work_.olds.is_old(old) ? old : FilledSink::kNew);
  }

  // By what these identities merged is found out when all is written.
  void remember_merged(std::uint32_t cluster) {
    const std::size_t first = work_.filled->rids.size();
    std::int64_t last = 0;
    for (const std::string_view row : bytes_here_) {
      const std::int64_t rid = engine::rid_of(row);
      if (work_.filled->rids.size() > first && rid == last) continue;
      work_.filled->rids.push_back(last = rid);
      work_.filled->ids.push_back(work_.named.ids[cluster]);
      work_.filled->olds.push_back({});
    }
    for (const std::uint32_t old : olds_here_) {
      if (!work_.olds.is_old(old)) continue;
      const std::string_view pack = call([&] { return work_.identities.read(old).pack; });
      // A row that cannot be read says nothing, as in read_olds().
      static_cast<void>(
          engine::each_packed_row(pack, [&](std::string_view, const engine::PackedRow& row) {
            const auto begin = work_.filled->rids.begin() + static_cast<std::ptrdiff_t>(first);
            const auto at = std::lower_bound(begin, work_.filled->rids.end(), row.rid);
            if (at == work_.filled->rids.end() || *at != row.rid) return;
            work_.filled->olds[static_cast<std::size_t>(at - work_.filled->rids.begin())] =
                work_.olds.ids[old];
          }));
    }
    call([&] {
      if (!std::ranges::any_of(olds_here_,
                               [this](std::uint32_t old) { return work_.olds.is_back(old); }))
        return;
      if (!has_lookup_) were_gone_.open(work_.task->map_id);
      has_lookup_ = true;
      for (std::size_t i = first; i < work_.filled->rids.size(); ++i) {
        GoneRecord gone{};
        if (work_.filled->olds[i] != engine::Uuid{} ||
            !were_gone_.find(work_.filled->rids[i], gone))
          continue;
        const auto is_it = [&](std::uint32_t old) { return work_.olds.ids[old] == gone.id; };
        if (std::ranges::any_of(olds_here_, is_it)) work_.filled->olds[i] = gone.id;
      }
    });
  }

  Work& work_;
  ChangedRecords changed_;
  StateWriter events_;
  GoneRecords were_gone_;
  bool has_lookup_ = false;  // were_gone_ is open
  MemoryContext row_memory_ = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_map_fill rows",
                                 ALLOCSET_DEFAULT_SIZES);
  });
  // Of the identity at hand.
  std::vector<std::uint32_t> olds_here_;
  std::vector<std::string_view> bytes_here_;
  std::string pack_;
  std::uint64_t print_ = 0;  // of the pack
  PlacedRow row_;
};

}  // namespace

void write(Work& work) { Writing(work).go(); }

}  // namespace identity_resolve::pg::fill
