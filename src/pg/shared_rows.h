// Rows that one process of a statement hands to another one: by shared tuplestores, which are
// temporary files; and what parallel workers are told.
//
// PostgreSQL's half, but for what is told, which throws.
#pragma once

#include "pg/border.h"
#include "pg/bytes.h"

extern "C" {
#include <access/parallel.h>
#include <storage/sharedfileset.h>
#include <utils/sharedtuplestore.h>
}

namespace identity_resolve::pg {

// An identity_clause[] in one piece, as the last thing that is told.
inline void add_clauses(ByteWriter& to, Datum clauses) {
  const auto* bytes = reinterpret_cast<const char*>(DatumGetPointer(clauses));
  to.add_bytes({bytes, VARSIZE(bytes)});
}
inline Datum take_clauses(const ByteReader& from) {
  const std::string_view clauses = from.rest();
  return call([&] {
    void* copy = palloc(clauses.size());
    std::memcpy(copy, clauses.data(), clauses.size());
    return PointerGetDatum(copy);
  });
}

// Shared tuplestores, each filled by one process, under keys of the table of contents that follow
// each other. First room for so many, before InitializeParallelDSM(), and then they are made.
inline void estimate_stores(ParallelContext* context, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    shm_toc_estimate_chunk(&context->estimator, sts_estimate(context->nworkers + 1));
  }
  shm_toc_estimate_keys(&context->estimator, count);
}
inline SharedTuplestoreAccessor** make_stores(ParallelContext* context, std::size_t count,
                                              std::uint64_t first_key, SharedFileSet* files) {
  const int processes = context->nworkers + 1;
  auto** stores =
      static_cast<SharedTuplestoreAccessor**>(palloc(count * sizeof(SharedTuplestoreAccessor*)));
  for (std::size_t i = 0; i < count; ++i) {
    auto* store =
        static_cast<SharedTuplestore*>(shm_toc_allocate(context->toc, sts_estimate(processes)));
    stores[i] = sts_initialize(store, processes, 0, 0, SHARED_TUPLESTORE_SINGLE_PASS, files,
                               psprintf("rows.%zu", i));
    shm_toc_insert(context->toc, first_key + i, store);
  }
  return stores;
}
// One of them, in a worker.
inline SharedTuplestoreAccessor* attach_store(shm_toc* toc, std::uint64_t key,
                                              SharedFileSet* files) {
  auto* store = static_cast<SharedTuplestore*>(shm_toc_lookup(toc, key, false));
  return sts_attach(store, ParallelWorkerNumber + 1, files);
}

// Hands over the rows, but for those to skip(slot), and ends them.
template <class Skip>
void share_rows(SharedTuplestoreAccessor* store, Tuplestorestate* rows, TupleDesc shape,
                Skip&& skip) {
  TupleTableSlot* row = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
  while (tuplestore_gettupleslot(rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    if (skip(row)) continue;
    bool is_own = false;
    MinimalTuple tuple = ExecFetchSlotMinimalTuple(row, &is_own);
    sts_puttuple(store, nullptr, tuple);
    if (is_own) pfree(tuple);
  }
  sts_end_write(store);
  ExecDropSingleTupleTableSlot(row);
  tuplestore_end(rows);
}
// What was handed over; to be read from the beginning as often as one likes.
inline Tuplestorestate* take_shared_rows(SharedTuplestoreAccessor* store, TupleDesc shape) {
  TupleTableSlot* row = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
  Tuplestorestate* rows = tuplestore_begin_heap(true, false, work_mem);
  sts_begin_parallel_scan(store);
  while (MinimalTuple tuple = sts_parallel_scan_next(store, nullptr)) {
    CHECK_FOR_INTERRUPTS();
    ExecStoreMinimalTuple(tuple, row, false);
    tuplestore_puttupleslot(rows, row);
  }
  sts_end_parallel_scan(store);
  ExecDropSingleTupleTableSlot(row);
  return rows;
}

}  // namespace identity_resolve::pg
