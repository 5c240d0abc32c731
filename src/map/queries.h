// Queries of an identity map, whose tables are named only at run time.
#pragma once

#include "pg/border.h"
#include "pg/pg.h"
#include "pg/spi.h"

namespace identity_resolve::pg {

// Runs a query, handing its rows to take(values, nulls), which runs C++; a connection to SPI is
// open. Error 42804 where its columns are of other types.
template <class Take>
void read_rows(const char* query, std::initializer_list<Oid> types, Take&& take) {
  struct Receiver {
    DestReceiver base;
    std::remove_reference_t<Take>* take;
    const std::initializer_list<Oid>* types;
  } receiver{};
  receiver.base.receiveSlot = [](TupleTableSlot* slot, DestReceiver* self) {
    slot_getallattrs(slot);
    auto* to = reinterpret_cast<Receiver*>(self);
    (*to->take)(slot->tts_values, slot->tts_isnull);
    return true;
  };
  receiver.base.rStartup = [](DestReceiver* self, int, TupleDesc shape) {
    const auto* to = reinterpret_cast<const Receiver*>(self);
    bool is_good = static_cast<std::size_t>(shape->natts) == to->types->size();
    int at = 0;
    for (const Oid type : *to->types) {
      is_good = is_good && TupleDescAttr(shape, at++)->atttypid == type;
    }
    if (is_good) return;
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("what an identity map knows is of another type")));
  };
  receiver.base.rShutdown = [](DestReceiver*) {};
  receiver.base.rDestroy = [](DestReceiver*) {};
  receiver.base.mydest = DestTuplestore;
  receiver.take = &take;
  receiver.types = &types;
  call([&] {
    SPIExecuteOptions options{};
    options.read_only = true;
    options.must_return_tuples = true;
    options.dest = &receiver.base;
    const int result = SPI_execute_extended(query, &options);
    if (result < 0) refused(result);
  });
}

}  // namespace identity_resolve::pg
