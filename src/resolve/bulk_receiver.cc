#include "resolve/bulk_receiver.h"

#include "pg/pg.h"
#include "pg/row_batch.h"
#include "resolve/resolve.h"

extern "C" {
#include <catalog/objectaddress.h>
}

namespace identity_resolve::pg {

namespace {

// A batch ends with so many bytes too, as COPY's does (commands/copyfrom.c).
constexpr Size kMostBytes = Size{64} * 1024;

ExecutorRun_hook_type next_run_hook = nullptr;

// The table that a receiver of PostgreSQL's own inserts into, and how.
struct Output {
  Relation table;  // nullptr: leave the rows to the receiver
  CommandId command;
  int options;
  BulkInsertState state;
};

// The two receivers, which PostgreSQL declares in its source files only: DR_intorel of
// commands/createas.c and DR_transientrel of commands/matview.c, the same from 14 to 19.
struct IntoReceiver {
  DestReceiver base;
  IntoClause* into;
  Relation table;
  ObjectAddress address;
  CommandId command;
  int options;
  BulkInsertState state;
};

struct TransientReceiver {
  DestReceiver base;
  Oid number;
  Relation table;
  CommandId command;
  int options;
  BulkInsertState state;
};

// Where a receiver that has started up inserts. What its fields say of the table twice has to
// agree, so that a server which declares them otherwise keeps inserting by itself.
Output output_of(const DestReceiver* receiver) {
  Output output{};
  if (receiver->mydest == DestIntoRel) {
    const auto* into = reinterpret_cast<const IntoReceiver*>(receiver);
    if (into->into == nullptr || !IsA(into->into, IntoClause) || into->into->skipData ||
        into->table == nullptr || into->address.classId != RelationRelationId ||
        into->address.objectId != RelationGetRelid(into->table)) {
      return {};
    }
    output = {into->table, into->command, into->options, into->state};
  } else {
    const auto* transient = reinterpret_cast<const TransientReceiver*>(receiver);
    if (transient->table == nullptr || transient->number != RelationGetRelid(transient->table)) {
      return {};
    }
    output = {transient->table, transient->command, transient->options, transient->state};
  }
  if (output.state == nullptr || table_slot_callbacks(output.table) != &TTSOpsBufferHeapTuple) {
    return {};
  }
  return output;
}

// Receives the rows in the place of `replaced`, a receiver of PostgreSQL's own.
struct BulkReceiver {
  DestReceiver base;
  DestReceiver* replaced;
  Output output;
  RowBatch batch;
  Size bytes;  // of its rows
};

BulkReceiver* bulk_of(DestReceiver* receiver) { return reinterpret_cast<BulkReceiver*>(receiver); }

void insert_batch(BulkReceiver* self) {
  const Output& output = self->output;
  put_batch(self->batch, output.table, output.command, output.options, output.state,
            [](TupleTableSlot*) {});
  self->bytes = 0;
}

void start_up(DestReceiver* receiver, int operation, TupleDesc shape) {
  BulkReceiver* self = bulk_of(receiver);
  self->replaced->rStartup(self->replaced, operation, shape);
  self->output = output_of(self->replaced);
}

bool receive(TupleTableSlot* row, DestReceiver* receiver) {
  BulkReceiver* self = bulk_of(receiver);
  if (self->output.table == nullptr) return self->replaced->receiveSlot(row, self->replaced);
  TupleTableSlot* kept = room_in(self->batch, self->output.table);
  ExecCopySlot(kept, row);
  self->bytes += reinterpret_cast<HeapTupleTableSlot*>(kept)->tuple->t_len;
  if (++self->batch.rows == RowBatch::kMostRows || self->bytes >= kMostBytes) insert_batch(self);
  return true;
}

void shut_down(DestReceiver* receiver) {
  BulkReceiver* self = bulk_of(receiver);
  insert_batch(self);
  end_batch(self->batch);
  self->replaced->rShutdown(self->replaced);
}

// The replaced receiver belongs to who made it.
void destroy(DestReceiver* /*receiver*/) {}

DestReceiver* make_receiver(DestReceiver* replaced) {
  auto* self = static_cast<BulkReceiver*>(palloc0(sizeof(BulkReceiver)));
  self->base = {receive, start_up, shut_down, destroy, replaced->mydest};
  self->replaced = replaced;
  begin_batch(self->batch);
  return &self->base;
}

bool has_resolve_scan(PlanState* state, void* context) {
  return is_resolve_scan(state) || any_child_plan(state, has_resolve_scan, context);
}

bool makes_table_of_identities(const QueryDesc* query) {
  return query->dest != nullptr &&
         (query->dest->mydest == DestIntoRel || query->dest->mydest == DestTransientRel) &&
         query->planstate != nullptr && has_resolve_scan(query->planstate, nullptr);
}

// `once` is there up to PostgreSQL 17 only.
template <class... Once>
void run(QueryDesc* query, ScanDirection direction, uint64 count, Once... once) {
  DestReceiver* replaced = query->dest;
  if (makes_table_of_identities(query)) {
    const MemoryContext outer = MemoryContextSwitchTo(query->estate->es_query_cxt);
    query->dest = make_receiver(replaced);
    MemoryContextSwitchTo(outer);
  }
  const ExecutorRun_hook_type next =
      next_run_hook != nullptr ? next_run_hook : standard_ExecutorRun;
  next(query, direction, count, once...);
  query->dest = replaced;
}

}  // namespace

void install_bulk_receiver() {
  next_run_hook = ExecutorRun_hook;
  ExecutorRun_hook = run;
}

}  // namespace identity_resolve::pg
