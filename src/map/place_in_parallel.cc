#include "map/place_in_parallel.h"

#include <algorithm>
#include <atomic>

#include "engine/disjoint_set.h"
#include "engine/place_table.h"
#include "pg/library.h"
#include "pg/settings.h"
#include "pg/shared_rows.h"

extern "C" {
#include <optimizer/cost.h>
PGDLLEXPORT void identity_map_place_worker(dsm_segment* segment, shm_toc* toc);
}

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// What the processes share: this, what a worker is told, of each part but the first its rows, and
// of each part a shared tuplestore for what is found out of it.
struct Shared {
  std::atomic<std::uint32_t> next;  // the part that is to be taken
  std::uint32_t parts;
  SharedFileSet files;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

enum Key : std::uint64_t {
  kShared = 1,
  kTold,
  kFirstRows = std::uint64_t{1} << 32,  // of each part, by its number
  kFirstStore = std::uint64_t{2} << 32  // and for what is found out of it
};

// A part's rows as bytes: how many records and rows there are, the records, and each row with its
// head before it, all of them MAXALIGNed.
struct PartHead {
  std::size_t records;
  std::size_t rows;
};
struct PartRecord {
  std::int64_t rid;
  engine::Uuid old;
  std::uint32_t place;  // among all
  bool is_new;
};
struct PartRow {
  std::int64_t rid;
  std::size_t length;
  std::int32_t source;
};
static_assert(sizeof(PartHead) % MAXIMUM_ALIGNOF == 0 &&
              sizeof(PartRecord) % MAXIMUM_ALIGNOF == 0 && sizeof(PartRow) % MAXIMUM_ALIGNOF == 0);

// ---- parts ----

// What is together: records that carry the same identifier, not too common, or were one identity.
// A record stands for each set.
class Together {
 public:
  Together(const ReachedRows& reached, Environment& environment)
      : reached_(&reached),
        environment_(&environment),
        parents_(reached.rids.size(), &environment.memory()),
        sets_({parents_.data(), parents_.size()}) {
    sets_.reset(environment);
    unite_records();
    unite_rows();
  }

  [[nodiscard]] std::uint32_t root_of(std::uint32_t record) noexcept {
    return static_cast<std::uint32_t>(sets_.representative(engine::RowNumber{record}));
  }

 private:
  // The record that had a key first, for each key.
  template <class Key>
  struct Firsts {
    explicit Firsts(Environment& environment)
        : keys(environment.memory()), records(&environment.memory()) {}
    engine::PlaceTable<Key> keys;
    List<std::uint32_t> records;
  };
  // A record that has a key is together with the first one that has.
  template <class Key>
  void unite(Firsts<Key>& firsts, const Key& key, std::uint32_t record) {
    const auto [place, is_first] = firsts.keys.insert(key);
    if (is_first) {
      firsts.records.push_back(record);
    } else {
      sets_.unite(engine::RowNumber{firsts.records[place]}, engine::RowNumber{record});
    }
  }
  void unite_records() {
    engine::Ticker ticker(*environment_);
    Firsts<engine::Uuid> olds(*environment_);
    for (std::uint32_t i = 0; i < reached_->rids.size(); ++i) {
      ticker.tick();
      if (!reached_->is_new[i]) unite(olds, reached_->olds[i], i);
    }
  }
  void unite_rows() {
    engine::Ticker ticker(*environment_);
    Firsts<std::int64_t> keys(*environment_);
    for (const SourceRow& row : reached_->rows) {
      for (const std::int64_t key : reached_->keys_of(row)) {
        ticker.tick();
        if (!reached_->common.contains(key)) unite(keys, key, row.record);
      }
    }
  }

  const ReachedRows* reached_;
  Environment* environment_;
  List<std::uint32_t> parents_;
  engine::DisjointSet sets_;
};

// Gives each record and each row its part; whether no part is larger than two processes could use.
bool make_parts(ReachedRows& reached, std::size_t parts, Environment& environment) {
  Together together(reached, environment);
  engine::Ticker ticker(environment);
  List<std::size_t> bytes(reached.rids.size(), 0, &environment.memory());  // by root
  List<std::uint32_t> root_of_row(&environment.memory());
  root_of_row.reserve(reached.rows.size());
  for (const SourceRow& row : reached.rows) {
    ticker.tick();
    root_of_row.push_back(together.root_of(row.record));
    bytes[root_of_row.back()] += row.packed.size();
  }
  // The part that has least takes the next set.
  List<std::size_t> part_bytes(parts, 0, &environment.memory());
  List<std::uint16_t> part_of(reached.rids.size(), 0, &environment.memory());
  std::size_t all = 0;
  for (std::uint32_t i = 0; i < part_of.size(); ++i) {
    ticker.tick();
    if (together.root_of(i) != i) continue;
    const auto least = std::min_element(part_bytes.begin(), part_bytes.end());
    part_of[i] = static_cast<std::uint16_t>(least - part_bytes.begin());
    *least += bytes[i] + 1;
    all += bytes[i] + 1;
  }
  constexpr double kMost = 0.75;  // of all, in one part
  const std::size_t largest = *std::max_element(part_bytes.begin(), part_bytes.end());
  if (static_cast<double>(largest) > kMost * static_cast<double>(all)) return false;
  reached.record_parts.clear();
  for (std::uint32_t i = 0; i < part_of.size(); ++i) {
    reached.record_parts.push_back(part_of[together.root_of(i)]);
  }
  reached.row_parts.clear();
  for (const std::uint32_t root : root_of_row) reached.row_parts.push_back(part_of[root]);
  return true;
}

std::size_t room_for(const ReachedRows& reached, std::size_t part) noexcept {
  std::size_t bytes = sizeof(PartHead);
  for (const std::uint16_t of : reached.record_parts) bytes += of == part ? sizeof(PartRecord) : 0;
  for (std::size_t i = 0; i < reached.rows.size(); ++i) {
    if (reached.row_parts[i] != part) continue;
    bytes += sizeof(PartRow) + MAXALIGN(reached.rows[i].packed.size());
  }
  return bytes;
}

void write_part(const ReachedRows& reached, std::size_t part, char* to) noexcept {
  const auto add = [&to](const void* bytes, std::size_t size) {
    std::memcpy(to, bytes, size);
    to += MAXALIGN(size);
  };
  PartHead head{};
  for (const std::uint16_t of : reached.record_parts) head.records += of == part ? 1 : 0;
  for (const std::uint16_t of : reached.row_parts) head.rows += of == part ? 1 : 0;
  add(&head, sizeof head);
  for (std::size_t i = 0; i < reached.rids.size(); ++i) {
    if (reached.record_parts[i] != part) continue;
    const PartRecord record{reached.rids[i], reached.olds[i], static_cast<std::uint32_t>(i),
                            reached.is_new[i]};
    add(&record, sizeof record);
  }
  for (std::size_t i = 0; i < reached.rows.size(); ++i) {
    if (reached.row_parts[i] != part) continue;
    const SourceRow& row = reached.rows[i];
    const PartRow row_head{row.rid, row.packed.size(), row.source};
    add(&row_head, sizeof row_head);
    add(row.packed.data(), row.packed.size());
  }
}

// The bytes stay where they are for as long as what is read.
void read_part(char* from, ReachedRows& into) {
  const auto take = [&from](void* to, std::size_t size) {
    std::memcpy(to, from, size);
    from += MAXALIGN(size);
  };
  PartHead head{};
  take(&head, sizeof head);
  for (std::size_t i = 0; i < head.records; ++i) {
    PartRecord record{};
    take(&record, sizeof record);
    into.rids.push_back(record.rid);
    into.olds.push_back(record.old);
    into.is_new.push_back(record.is_new);
    into.all_places.push_back(record.place);
  }
  for (std::size_t i = 0; i < head.rows; ++i) {
    PartRow row{};
    take(&row, sizeof row);
    into.add(row.rid, row.source, 0, false, {}, {from, row.length});
    from += MAXALIGN(row.length);
  }
}

// ---- what a worker is told ----

struct ToldColumn {
  NameData name;
  Oid type;
  std::int32_t modifier;
  int dimensions;
  Oid collation;
};

std::string as_bytes(const PlaceTask& task, const ReachedRows& reached) {
  ByteWriter to;
  to.add(task.map_id);
  to.add(task.columns->natts);
  for (int i = 0; i < task.columns->natts; ++i) {
    const FormData_pg_attribute& column = *TupleDescAttr(task.columns, i);
    to.add(ToldColumn{column.attname, column.atttypid, column.atttypmod, column.attndims,
                      column.attcollation});
  }
  to.add(reached.back_since.size());
  for (std::size_t i = 0; i < reached.back_since.size(); ++i) {
    to.add(BackIdentity{reached.back_ids.keys()[i], reached.back_since[i]});
  }
  add_clauses(to, task.clauses);
  return to.take();
}

PlaceTask told_by(std::string_view bytes) {
  ByteReader from(bytes);
  PlaceTask task{};
  task.map_id = from.get<int>();
  std::vector<ToldColumn> columns(static_cast<std::size_t>(from.get<int>()));
  for (ToldColumn& column : columns) column = from.get<ToldColumn>();
  task.columns = call([&] {
    ShapeMaker shape(static_cast<int>(columns.size()));
    for (const ToldColumn& column : columns) {
      shape.add(NameStr(column.name), column.type, column.modifier, column.dimensions);
      shape.set_collation(column.collation);
    }
    return shape.finish();
  });
  task.back.resize(from.get<std::size_t>());
  for (BackIdentity& back : task.back) back = from.get<BackIdentity>();
  task.clauses = take_clauses(from);
  return task;
}

// ---- the work ----

// What is found out of what is at hand.
Tuplestorestate* place(const PlaceTask& task, TupleDesc shape, const ReachedRows& reached) {
  Tuplestorestate* placed = call([] { return tuplestore_begin_heap(false, false, work_mem); });
  PlacedRows rows(placed, shape);
  Placing placing(task.clauses, task.map_id, task.columns, rows);
  placing.read_reached(reached);
  placing.go({});
  return placed;
}

// What was found out of one part, row by row.
struct Stream {
  Tuplestorestate* rows;
  TupleTableSlot* row;
  bool has_row;

  void go_on() { has_row = tuplestore_gettupleslot(rows, true, false, row); }
  // A row that belongs to the one before.
  [[nodiscard]] bool goes_with_last() const {
    bool is_null = false;
    static_cast<void>(slot_getattr(row, kLost + 1, &is_null));
    return !is_null;
  }
  [[nodiscard]] engine::Uuid id() const {
    bool is_null = false;
    return uuid_of(slot_getattr(row, kId + 1, &is_null));
  }
};

// By the ids, as one process would have given them. PostgreSQL's half.
void put_all(std::span<Stream> streams, TupleDesc columns, PlacedSink& sink) {
  PlacedRow row;
  guarded([&] { row.make_room(static_cast<std::size_t>(columns->natts)); });
  const MemoryContext memory = AllocSetContextCreate(
      CurrentMemoryContext, "identity_map_place rows", ALLOCSET_DEFAULT_SIZES);
  for (Stream& stream : streams) stream.go_on();
  for (;;) {
    Stream* first = nullptr;
    for (Stream& stream : streams) {
      if (stream.has_row && (first == nullptr || stream.id() < first->id())) first = &stream;
    }
    if (first == nullptr) break;
    do {
      CHECK_FOR_INTERRUPTS();
      const MemoryContext outer = MemoryContextSwitchTo(memory);
      row.load(first->row);
      sink.put(row);
      MemoryContextSwitchTo(outer);
      MemoryContextReset(memory);
      first->go_on();
    } while (first->has_row && first->goes_with_last());
  }
  MemoryContextDelete(memory);
}

// Identities of which no record is left.
void put_dead(const ReachedRows& reached, TupleDesc columns, PlacedSink& sink,
              Environment& environment) {
  engine::PlaceTable<engine::Uuid> olds(environment.memory());
  engine::Ticker ticker(environment);
  for (std::size_t i = 0; i < reached.rids.size(); ++i) {
    ticker.tick();
    if (!reached.is_new[i]) olds.insert(reached.olds[i]);
  }
  PlacedRow row;
  row.make_room(static_cast<std::size_t>(columns->natts));
  put_dead(reached.ids.keys(), olds, row, sink, environment);
}

// How many workers pay: what they take from this process costs more than to start them. A row is
// read, normalised, and united with others, and its identity is built.
int workers_for(const ReachedRows& reached) {
  if (max_workers() == 0 || call([] { return IsInParallelMode(); })) return 0;
  constexpr double kTuples = 30;  // what the planner thinks of a row that is read, in such rows
  const double cost = static_cast<double>(reached.rows.size()) * kTuples * cpu_tuple_cost / 2;
  return cost > 2 * parallel_setup_cost ? max_workers() : 0;
}

}  // namespace

// The parts of a statement that raise PostgreSQL's errors, and those that throw, in turns.
bool place_side_by_side(const PlaceTask& task, ReachedRows& reached, PlacedSink& sink) {
  const int workers = workers_for(reached);
  if (workers == 0) return false;
  Environment environment(CurrentMemoryContext, SIZE_MAX / 2);
  const std::size_t parts = static_cast<std::size_t>(workers) + 1;
  if (!make_parts(reached, parts, environment)) return false;
  const std::string told = as_bytes(task, reached);
  const TupleDesc shape = call([&] { return PlacedRow::shape_with(task.columns); });
  List<std::size_t> sizes(&environment.memory());
  std::size_t shared_bytes = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    sizes.push_back(part == 0 ? 0 : room_for(reached, part));
    shared_bytes += sizes.back();
  }
  // A container's /dev/shm has 64 MB, if nobody has asked for more: what needs more is resolved
  // here.
  constexpr std::size_t kMostShared = std::size_t{32} << 20;
  if (shared_bytes > kMostShared) return false;
  List<Stream> streams(&environment.memory());
  streams.reserve(parts);

  ParallelContext* context = call([&] {
    EnterParallelMode();
    ParallelContext* made =
        CreateParallelContext(library_of(task.function), "identity_map_place_worker", workers);
    shm_toc_estimate_chunk(&made->estimator, sizeof(Shared));
    shm_toc_estimate_chunk(&made->estimator, sized_room(told));
    for (std::size_t part = 0; part < parts; ++part) {
      shm_toc_estimate_chunk(&made->estimator, sizes[part]);
    }
    estimate_stores(made, parts);
    shm_toc_estimate_keys(&made->estimator, 2 + parts);
    InitializeParallelDSM(made);
    return made;
  });
  SharedTuplestoreAccessor** stores = nullptr;
  Shared* shared = nullptr;
  const bool is_on = call([&] {
    if (context->nworkers == 0) return false;
    shared = new (shm_toc_allocate(context->toc, sizeof(Shared))) Shared{};
    shared->next = 1;
    shared->parts = static_cast<std::uint32_t>(parts);
    SharedFileSetInit(&shared->files, context->seg);
    shm_toc_insert(context->toc, kShared, shared);
    auto* room = static_cast<char*>(shm_toc_allocate(context->toc, sized_room(told)));
    put_sized(room, told);
    shm_toc_insert(context->toc, kTold, room);
    for (std::size_t part = 1; part < parts; ++part) {
      auto* rows = static_cast<char*>(shm_toc_allocate(context->toc, sizes[part]));
      write_part(reached, part, rows);
      shm_toc_insert(context->toc, kFirstRows + part, rows);
    }
    stores = make_stores(context, parts, kFirstStore, &shared->files);
    LaunchParallelWorkers(context);
    return context->nworkers_launched > 0;
  });
  if (is_on) {
    List<bool> is_here(parts, false, &environment.memory());
    for (std::size_t part = 0; part < parts; part = shared->next++) {
      reached.part = static_cast<std::uint16_t>(part);
      streams.push_back({place(task, shape, reached), nullptr, false});
      is_here[part] = true;
    }
    reached.part = ReachedRows::kAllParts;
    call([&] { WaitForParallelWorkersToFinish(context); });
    for (std::size_t part = 0; part < parts; ++part) {
      if (is_here[part]) continue;
      streams.push_back(
          {call([&] { return take_shared_rows(stores[part], shape); }), nullptr, false});
    }
  }
  call([&] {
    DestroyParallelContext(context);
    ExitParallelMode();
  });
  if (!is_on) return false;
  call([&] {
    for (Stream& stream : streams) {
      stream.row = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
    }
    put_all({streams.data(), streams.size()}, task.columns, sink);
    for (const Stream& stream : streams) {
      ExecDropSingleTupleTableSlot(stream.row);
      tuplestore_end(stream.rows);
    }
  });
  put_dead(reached, task.columns, sink, environment);
  return true;
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// A worker's main function.
void identity_map_place_worker(dsm_segment* segment, shm_toc* toc) {
  auto* shared = static_cast<Shared*>(shm_toc_lookup(toc, kShared, false));
  SharedFileSetAttach(&shared->files, segment);
  const auto* bytes = static_cast<const char*>(shm_toc_lookup(toc, kTold, false));
  guarded([&] {
    const PlaceTask task = told_by(sized_at(bytes));
    const TupleDesc shape = call([&] { return PlacedRow::shape_with(task.columns); });
    for (std::size_t part = shared->next++; part < shared->parts; part = shared->next++) {
      auto* rows =
          call([&] { return static_cast<char*>(shm_toc_lookup(toc, kFirstRows + part, false)); });
      ReachedRows* reached = call([&] { return LastReached::begin(task.map_id); });
      read_part(rows, *reached);
      for (const BackIdentity& back : task.back) {
        reached->back_ids.insert(back.id);
        reached->back_since.push_back(back.since);
      }
      const LastReached::Hold hold;
      Tuplestorestate* placed = place(task, shape, *reached);
      call([&] {
        share_rows(attach_store(toc, kFirstStore + part, &shared->files), placed, shape,
                   [](TupleTableSlot*) { return false; });
      });
    }
  });
}
