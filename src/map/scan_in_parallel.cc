// identity_map_scan_ahead(): src/sql/50-map.sql.
//
// The leader and the workers take the sources one by one, those that cost most first. What the
// leader finds is in a tuplestore as if it had read the source alone. What a worker finds goes into
// a shared tuplestore of the source, which the leader reads when all have come to their end. An
// error of a worker is the leader's.
#include "map/scan_in_parallel.h"
#include "map/home.h"

#include "map/datums.h"
#include "map/snapshot.h"
#include "map/state_tables.h"
#include "pg/library.h"
#include "pg/settings.h"
#include "pg/shared_rows.h"

#include <algorithm>
#include <atomic>

extern "C" {
#include <optimizer/cost.h>
PGDLLEXPORT void identity_map_scan_worker(dsm_segment* segment, shm_toc* toc);
}

namespace identity_resolve::pg {

namespace {

// What the processes must know.
struct Told {
  struct Source {
    int place;  // among the clauses, from 1
    int number;
    std::string forgotten;
    std::string known;
    Cost cost;
  };
  int map_id;
  std::string path;
  std::vector<Source> sources;  // in the order in which they are taken
  Datum clauses;
};

// What they share: this, of each source an Outcome and a shared tuplestore for its rows, and what a
// worker is told.
struct Shared {
  std::atomic<std::uint32_t> next;  // the source that is to be taken
  SharedFileSet files;
};
struct Outcome {
  bool is_found;  // by a worker
  std::uint64_t left_out;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

enum Key : std::uint64_t { kShared = 1, kOutcomes, kTold, kFirstStore };

std::string as_bytes(const Told& told) {
  ByteWriter to;
  to.add(told.map_id);
  to.add_text(told.path);
  to.add(told.sources.size());
  for (const Told::Source& source : told.sources) {
    to.add(source.place);
    to.add(source.number);
    to.add_text(source.forgotten);
    to.add_text(source.known);
  }
  add_clauses(to, told.clauses);
  return to.take();
}

// bytes: aligned as they were allocated, and there for as long as what is read.
Told told_by(std::string_view bytes) {
  ByteReader from(bytes);
  Told told{};
  told.map_id = from.get<int>();
  told.path = from.get_text();
  told.sources.resize(from.get<std::size_t>());
  for (Told::Source& source : told.sources) {
    source.place = from.get<int>();
    source.number = from.get<int>();
    source.forgotten = from.get_text();
    source.known = from.get_text();
  }
  told.clauses = take_clauses(from);
  return told;
}

// Takes the sources that nobody has taken, one after the other: take(place, rows, result).
template <class Take>
void read_sources(const Told& told, Shared& shared, Take&& take) {
  for (std::size_t at = shared.next++; at < told.sources.size(); at = shared.next++) {
    const Told::Source& source = told.sources[at];
    const FoundRows found = call([&] {
      return FoundRows{tuplestore_begin_heap(true, false, work_mem), found_shape()};
    });
    const ScanResult result = scan_source({told.clauses,
                                           source.place,
                                           source.number,
                                           nullptr,
                                           told.path.c_str(),
                                           source.forgotten.c_str(),
                                           source.known.c_str(),
                                           {}},
                                          found);
    take(at, found, result);
  }
}

// Sources that this process has taken, for identity_map_read_rows(). The tuplestores are on the
// memory context that is current.
void read_here(const Told& told, Shared& shared, FoundAhead& into) {
  read_sources(told, shared, [&](std::size_t at, const FoundRows& found, const ScanResult& result) {
    into.sources.push_back({told.sources[at].number, found.rows, result});
  });
}

// What workers have found, for identity_map_read_rows(). PostgreSQL's half.
void collect(const Told& told, const Outcome* outcomes, SharedTuplestoreAccessor** stores,
             FoundAhead& into) {
  for (std::size_t at = 0; at < told.sources.size(); ++at) {
    if (!outcomes[at].is_found) continue;
    Tuplestorestate* rows = take_shared_rows(stores[at], found_shape());
    guarded([&] {
      into.sources.push_back({told.sources[at].number, rows, {{}, outcomes[at].left_out}});
    });
  }
}

// Reads the sources with so many workers, or as many of these as there are; none of them where no
// worker comes. PostgreSQL's half; `told` outlives an error.
void read_side_by_side(const Told& told, std::string_view bytes, const char* library, int workers) {
  PushActiveSnapshot(refresh_snapshot());
  EnterParallelMode();
  ParallelContext* context = CreateParallelContext(library, "identity_map_scan_worker", workers);
  const std::size_t outcomes_size = told.sources.size() * sizeof(Outcome);
  shm_toc_estimate_chunk(&context->estimator, sizeof(Shared));
  shm_toc_estimate_chunk(&context->estimator, outcomes_size);
  shm_toc_estimate_chunk(&context->estimator, sized_room(bytes));
  const std::size_t store_count = told.sources.size();
  estimate_stores(context, store_count);
  shm_toc_estimate_keys(&context->estimator, 3);
  InitializeParallelDSM(context);
  if (context->nworkers > 0) {
    auto* shared = new (shm_toc_allocate(context->toc, sizeof(Shared))) Shared{};
    SharedFileSetInit(&shared->files, context->seg);
    shm_toc_insert(context->toc, kShared, shared);
    void* outcomes = shm_toc_allocate(context->toc, outcomes_size);
    std::memset(outcomes, 0, outcomes_size);
    shm_toc_insert(context->toc, kOutcomes, outcomes);
    auto* room = static_cast<char*>(shm_toc_allocate(context->toc, sized_room(bytes)));
    put_sized(room, bytes);
    shm_toc_insert(context->toc, kTold, room);
    SharedTuplestoreAccessor** stores =
        make_stores(context, store_count, kFirstStore, &shared->files);
    LaunchParallelWorkers(context);
    if (context->nworkers_launched > 0) {
      FoundAhead* found = LastFound::of_or_new(told.map_id);
      const MemoryContext outer = MemoryContextSwitchTo(found->memory.context());
      guarded([&] { read_here(told, *shared, *found); });
      WaitForParallelWorkersToFinish(context);
      collect(told, static_cast<const Outcome*>(outcomes), stores, *found);
      MemoryContextSwitchTo(outer);
    }
  }
  DestroyParallelContext(context);
  ExitParallelMode();
  PopActiveSnapshot();
}

// What of the arguments can be read side by side, those that cost most first.
Told read_arguments(FunctionCallInfo fcinfo) {
  Told told{};
  struct Lists {
    Datum* values[4];
    int count;
  };
  const Lists lists = call([&] {
    Lists taken{};
    constexpr std::array<Oid, 4> kTypes = {INT4OID, INT4OID, TEXTOID, TEXTOID};
    constexpr std::array<int, 4> kArguments = {1, 2, 4, 5};
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      int count = 0;
      deconstruct_array(PG_GETARG_ARRAYTYPE_P(kArguments[i]), kTypes[i],
                        kTypes[i] == INT4OID ? 4 : -1, kTypes[i] == INT4OID, TYPALIGN_INT,
                        &taken.values[i], nullptr, &count);
      if (i > 0 && count != taken.count) {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("the arguments of identity_map_scan_ahead() do not belong together")));
      }
      taken.count = count;
    }
    return taken;
  });
  told.clauses = call([&] { return PointerGetDatum(PG_GETARG_ARRAYTYPE_P(0)); });
  told.path = call([&] { return text_to_cstring(PG_GETARG_TEXT_PP(3)); });
  told.map_id = PG_GETARG_INT32(6);
  for (int i = 0; i < lists.count; ++i) {
    Told::Source source{DatumGetInt32(lists.values[0][i]), DatumGetInt32(lists.values[1][i]),
                        call([&] { return TextDatumGetCString(lists.values[2][i]); }),
                        call([&] { return TextDatumGetCString(lists.values[3][i]); }), 0};
    source.cost = cost_in_worker({told.clauses,
                                  source.place,
                                  source.number,
                                  nullptr,
                                  told.path.c_str(),
                                  nullptr,
                                  nullptr,
                                  {}});
    if (source.cost > 0) told.sources.push_back(std::move(source));
  }
  std::ranges::stable_sort(told.sources, std::ranges::greater(), &Told::Source::cost);
  return told;
}

// How many workers are worth their price: what they can take from this process costs more than to
// start them.
int workers_for(const Told& told) {
  if (told.sources.size() < 2) return 0;
  Cost cost = 0;
  for (std::size_t i = 1; i < told.sources.size(); ++i) cost += told.sources[i].cost;
  if (cost <= 2 * parallel_setup_cost) return 0;
  return std::min(max_workers(), static_cast<int>(told.sources.size()) - 1);
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// A worker's main function.
void identity_map_scan_worker(dsm_segment* segment, shm_toc* toc) {
  auto* shared = static_cast<Shared*>(shm_toc_lookup(toc, kShared, false));
  SharedFileSetAttach(&shared->files, segment);
  auto* outcomes = static_cast<Outcome*>(shm_toc_lookup(toc, kOutcomes, false));
  const auto* bytes = static_cast<const char*>(shm_toc_lookup(toc, kTold, false));
  guarded([&] {
    const Told told = told_by(sized_at(bytes));
    read_sources(
        told, *shared, [&](std::size_t at, const FoundRows& found, const ScanResult& result) {
          call([&] {
            share_rows(attach_store(toc, kFirstStore + at, &shared->files), found.rows, found.shape,
                       [&](TupleTableSlot* row) { return is_known(result, row); });
          });
          outcomes[at] = {true, result.left_out};
        });
  });
}

// identity_map_scan_ahead(clauses, places, numbers, search_path, forgotten, known, map_id) → void:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_scan_ahead) {
  if (refresh_snapshot() == nullptr) out_of_turn("no refresh has taken a snapshot");
  if (max_workers() == 0 || IsInParallelMode()) PG_RETURN_VOID();
  PushActiveSnapshot(GetTransactionSnapshot());
  guarded([&] {
    const Told told = read_arguments(fcinfo);
    const int workers = workers_for(told);
    if (workers == 0) return;
    const std::string bytes = as_bytes(told);
    call([&] { read_side_by_side(told, bytes, library_of(fcinfo->flinfo->fn_oid), workers); });
  });
  PopActiveSnapshot();
  PG_RETURN_VOID();
}
