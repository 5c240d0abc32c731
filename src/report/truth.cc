// What identity_evaluate() and identity_evaluate_pairs() compare a resolve with: a query of the
// user's that says of records who they are. It is checked and run as a source's is, with the
// caller's rights, and nothing that it calls may write. The comparison itself is SQL
// (src/sql/62-evaluate.sql), as PostgreSQL joins and counts beyond its memory, too.
#include <fmt/format.h>

#include <array>

#include "normalize/text.h"
#include "pg/result_rows.h"
#include "pg/value_text.h"
#include "resolve/read_query.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;

constexpr int kColumns = 3;  // source, record id, person

// Our end of the executor. Plain data: what it points at lives as long as the function's call.
struct Receiver {
  DestReceiver base;
  std::array<ValueReader, kColumns> readers;
  OutputSettings settings;
  const ReturnSetInfo* result;
  MemoryContext row_memory;
};

// Whether there is nothing but blanks.
bool is_blank(std::string_view stored) { return normalize::trim(to_utf8(stored)).empty(); }

// Keeps a row's three values as text; one that lacks any of them as NULLs. A plain frame.
bool take_row(TupleTableSlot* slot, DestReceiver* self) {
  auto* to = reinterpret_cast<Receiver*>(self);
  slot_getallattrs(slot);
  const MemoryContext outer = MemoryContextSwitchTo(to->row_memory);
  std::array<Datum, kColumns> values{};
  std::array<bool, kColumns> nulls{};
  bool lacks = false;
  if (to->settings.needed()) to->settings.set();
  for (int i = 0; i < kColumns && !lacks; ++i) {
    lacks = slot->tts_isnull[i];
    if (lacks) break;
    const std::string_view text = to->readers[i].read_id_as_stored(slot->tts_values[i]);
    lacks = is_blank(text);
    values[i] =
        PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
  }
  to->settings.restore();
  nulls.fill(lacks);
  tuplestore_putvalues(to->result->setResult, to->result->setDesc, values.data(), nulls.data());
  MemoryContextSwitchTo(outer);
  MemoryContextReset(to->row_memory);
  return true;
}

// The query, as the database's encoding has it.
std::string truth_of(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) {
    throw Error("22004", "truth must not be null",
                "It is a query that says of records who they are.",
                "Give one such as 'SELECT source, record_id, person FROM labels'.");
  }
  return call([fcinfo] { return text_to_cstring(PG_GETARG_TEXT_PP(0)); });
}

void read_truth(const QueryWords& words, Receiver& receiver) {
  const char* query = words.query.c_str();
  SPIPlanPtr plan = call([query] { return prepare_query(query); });
  check_only_reads(plan, words);
  const auto* statement =
      static_cast<const CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan)));
  TupleDesc shape = statement->resultDesc;
  if (shape->natts != kColumns) {
    throw Error("42601",
                fmt::format("{}: the query has {} column{}", words.title, shape->natts,
                            shape->natts == 1 ? "" : "s"),
                fmt::format("The query is: {}", words.query), words.columns);
  }
  call([&] {
    receiver.row_memory =
        AllocSetContextCreate(CurrentMemoryContext, "identity_resolve row", ALLOCSET_DEFAULT_SIZES);
    for (int i = 0; i < kColumns; ++i) {
      receiver.readers[i] = ValueReader(TupleDescAttr(shape, i)->atttypid);
      receiver.settings.add(receiver.readers[i]);
    }
  });
  const ReadOnlySection read_only;
  call([&] { run_query(plan, &receiver.base); });
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_internal.evaluate_truth(truth text) → TABLE (source, record_id, person):
// src/sql/62-evaluate.sql.
IDENTITY_RESOLVE_FUNCTION(evaluate_truth) {
  guarded([&] {
    const QueryWords words{"truth",
                           truth_of(fcinfo),
                           "the truth",
                           "truth's",
                           "join several with UNION ALL",
                           "Give three: the source, the record id and the person, such as SELECT "
                           "source, record_id, person FROM labels."};
    Receiver receiver{};
    receiver.base.receiveSlot = take_row;
    receiver.base.rStartup = [](DestReceiver*, int, TupleDesc) {};
    receiver.base.rShutdown = [](DestReceiver*) {};
    receiver.base.rDestroy = [](DestReceiver*) {};
    receiver.base.mydest = DestTuplestore;
    receiver.result = begin_tuplestore(fcinfo);
    const SpiConnection spi;
    try {
      read_truth(words, receiver);
    } catch (const PgError& error) {
      receiver.settings.restore();
      rethrow_of_query(error, words);
    }
    spi.finish();
  });
  return Datum{0};
}
