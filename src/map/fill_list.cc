#include "map/fill_list.h"

#include <algorithm>

#include "engine/place_table.h"
#include "engine/sort_numbers.h"
#include "map/gone.h"
#include "map/placing.h"
#include "map/reached.h"
#include "resolve/emit.h"
#include "resolve/stored_row.h"

namespace identity_resolve::pg::fill {

namespace {

void add_entry(Work& work, const Entry& entry) {
  work.listed.entries.add(entry);
  work.listed.entries.keep_to_budget();
}

// Clusters, and their records' entries.
void list_records(Work& work) {
  List<std::int64_t> keys(&work.environment.memory());
  std::vector<bool> is_here(work.task->packing.numbers.size(), false);
  work.listed.clusters.reserve(work.execution->resolver().identities());
  while (work.execution->next_records()) {
    const engine::IdentityReader& identity = work.execution->identity();
    const auto cluster = static_cast<std::uint32_t>(work.listed.clusters.size());
    work.listed.clusters.push_back(id_of(work.execution->request(), identity));
    std::optional<Entry> record;
    const auto end_record = [&] {
      if (!record) return;
      add_entry(work, *record);
      engine::sort_each_once(keys);
      for (const std::int64_t key : keys) add_entry(work, {key, cluster, record->source, 0});
      keys.clear();
    };
    std::fill(is_here.begin(), is_here.end(), false);
    for (const engine::OrderedRow& ordered : identity.rows()) {
      work.ticker.tick();
      const std::optional<engine::PackedRow> row = engine::read_row(ordered.row.beside());
      if (!row) throw state_contradicts_itself();
      const std::size_t source = engine::index(ordered.row.source());
      if (ordered.starts_record) {
        end_record();
        record = Entry{row->rid, cluster, static_cast<std::uint16_t>(row->source), 1};
        ++work.listed.counts[source];
        ++work.listed.records;
      }
      is_here[source] = true;
      for (std::size_t i = 0; i < row->key_count; ++i) keys.push_back(row->key(i));
    }
    end_record();
    if (std::count(is_here.begin(), is_here.end(), true) < 2) continue;
    for (std::size_t i = 0; i < is_here.size(); ++i) {
      if (is_here[i]) work.listed.is_together[i] = true;
    }
  }
  work.execution->rewind();
}

// What the state says of who the records were. What cannot be read says nothing.
void read_olds(Work& work) {
  engine::PlaceTable<engine::Uuid> olds(work.environment.memory());
  call([&] {
    work.identities.each([&](const IdentityLookup::Found& found) {
      return guarded([&] {
        const std::uint32_t old = olds.insert(found.id).first;
        if (old + std::size_t{1} < olds.keys().size()) throw state_contradicts_itself();
        engine::PackPrint print(found.pack);
        const bool is_good = engine::each_packed_row(
            found.pack, [&](std::string_view, const engine::PackedRow& row) {
              print.add(row);
              work.olds.records.add({row.rid, old, row.source});
            });
        work.olds.records.keep_to_budget();
        // A pack that is none is like none that there will be.
        return is_good ? print.value() : ~print.value();
      });
    });
    work.sink->know(olds);
  });
  work.olds.ids = olds.take_keys();
}

// And what records were that were gone, and may be back.
void read_gone(Work& work) {
  call([&] {
    GoneRecords gone;
    gone.open(work.task->map_id);
    if (!gone.are_none()) {
      engine::PlaceTable<engine::Uuid> ids(work.environment.memory());
      List<std::uint32_t> olds(&work.environment.memory());  // by their places
      GoneRecords::each(work.task->map_id, [&](const GoneRecord& record) {
        const std::pair<std::uint32_t, bool> id = guarded([&] { return ids.insert(record.id); });
        const bool may_come = id.second && gone.is_nobody(record.id);
        guarded([&] {
          if (id.second) {
            olds.push_back(may_come ? static_cast<std::uint32_t>(work.olds.ids.size()) : kNone);
          }
          if (may_come) {
            work.olds.ids.push_back(record.id);
            work.olds.back_since.push_back(record.created_at);
          }
          work.olds.records.add({record.rid, olds[id.first], kWasGone});
          work.olds.records.keep_to_budget();
        });
      });
    }
    gone.close();
  });
}

}  // namespace

void list(Work& work) {
  list_records(work);
  call([&] { work.identities.open(work.task->map_id); });
  if (work.task->is_first) return;
  read_olds(work);
  work.olds.first_back = static_cast<std::uint32_t>(work.olds.ids.size());
  read_gone(work);
}

}  // namespace identity_resolve::pg::fill
