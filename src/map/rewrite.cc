#include "map/rewrite.h"

#include <algorithm>
#include <boost/container/pmr/vector.hpp>

#include "pg/border.h"
#include "pg/context_memory.h"

namespace identity_resolve::pg {

struct Rewrite {
  explicit Rewrite(MemoryContext context) : memory(context), formers(&memory) {}

  // A row that the table has had.
  struct Former {
    std::uint64_t print;
    ItemPointerData place;
    bool stays;
    std::uint32_t equals;  // of the first one of a print: so many of these stay
  };

  ContextMemory memory;
  StateTable* table = nullptr;
  std::uint64_t seed = 0;
  boost::container::pmr::vector<Former> formers;  // by their prints
};

namespace {

StateTable* open_for_rewrite(int map_id, const char* name) {
  return begin_writing(
      open_state(map_id, name, {ACL_SELECT, ACL_INSERT, ACL_UPDATE, ACL_DELETE}, RowExclusiveLock));
}

// The rows of a table that is open, as this transaction has left it.
template <class Visit>
void each_former(StateTable* table, Visit&& visit) {
  PushActiveSnapshot(GetLatestSnapshot());
  each_row(table->table, GetActiveSnapshot(), visit);
  PopActiveSnapshot();
}

// What the same statement does then sees the rows as they are now.
void close_rewritten(StateTable* table) {
  close_state_table(table);
  CommandCounterIncrement();
}

}  // namespace

Rewrite* begin_rewrite(int map_id, const char* name, const IsPart& is_part) {
  auto* self = make<Rewrite>(CurrentMemoryContext);
  self->table = open_for_rewrite(map_id, name);
  self->seed = draw_seed();
  each_former(self->table, [&](TupleTableSlot* row) {
    if (is_part && !is_part(row)) return;
    const std::uint64_t print =
        print_of_row(row->tts_tupleDescriptor, row->tts_values, row->tts_isnull, self->seed);
    guarded([&] { self->formers.push_back({print, row->tts_tid, false, 0}); });
  });
  std::sort(self->formers.begin(), self->formers.end(),
            [](const auto& a, const auto& b) { return a.print < b.print; });
  return self;
}

void rewrite_row(Rewrite* self, const Datum* values, const bool* nulls) {
  const std::uint64_t print =
      print_of_row(RelationGetDescr(self->table->table), values, nulls, self->seed);
  const auto first = std::lower_bound(
      self->formers.begin(), self->formers.end(), print,
      [](const Rewrite::Former& former, std::uint64_t wanted) { return former.print < wanted; });
  if (first != self->formers.end() && first->print == print &&
      self->formers.end() - first > first->equals) {
    const auto next = first + first->equals;
    if (next->print == print) {
      next->stays = true;
      ++first->equals;
      return;
    }
  }
  insert_row(self->table, values, nulls);
}

void finish_rewrite(Rewrite* self) {
  // In their order in the table again.
  std::sort(self->formers.begin(), self->formers.end(),
            [](auto a, auto b) { return ItemPointerCompare(&a.place, &b.place) < 0; });
  for (const Rewrite::Former& former : self->formers) {
    CHECK_FOR_INTERRUPTS();
    if (!former.stays) delete_row(self->table, former.place);
  }
  close_rewritten(self->table);
  guarded([&] { self->formers = {}; });
}

void clear_state(int map_id, const char* name, const IsPart& is_part) {
  StateTable* table = open_for_rewrite(map_id, name);
  each_former(table, [&](TupleTableSlot* row) {
    if (!is_part || is_part(row)) delete_row(table, row->tts_tid);
  });
  close_rewritten(table);
}

}  // namespace identity_resolve::pg
