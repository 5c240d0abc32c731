// The identities of a map's state, for identity_map_place(): which ids were ever used, and what
// becomes of identities and their records.
#pragma once

#include "engine/error.h"
#include "engine/identity_id.h"
#include "map/lookup.h"
#include "map/state_tables.h"
#include "pg/border.h"
#include "pg/value_text.h"
#include "resolve/emit.h"

extern "C" {
#include <commands/sequence.h>
#include <utils/fmgrprotos.h>
}

namespace identity_resolve::pg {

// Ids that a map has used, ever.
class UsedIds {
 public:
  explicit UsedIds(int map_id) {
    call([&] {
      identities_ = open_lookup(map_id, "identities", {"identity_id"}, GetActiveSnapshot());
      retired_ = open_lookup(map_id, "retired", {"identity_id"}, GetActiveSnapshot());
    });
  }
  void close() {
    call([this] {
      close_lookup(identities_);
      close_lookup(retired_);
    });
  }

  // When an identity came to be; none where there is no such.
  std::optional<std::int64_t> created_at(const engine::Uuid& id) {
    return call([&]() -> std::optional<std::int64_t> {
      if (!is_there(identities_, id)) return std::nullopt;
      return DatumGetTimestampTz(value_of(identities_, kIdentityCreatedAt));
    });
  }
  // A new cluster's id: the one derived from its first record, or, where that was used before, the
  // first of those derived from it and a number that was not. The numbers used are 1 to some n: it
  // is found in steps that double and then halve, as records that come together and part again,
  // every minute for years, have used many.
  engine::Uuid free_id(const engine::Uuid& cluster) {
    if (!is_used(cluster)) return cluster;
    std::uint32_t used = 0;
    std::uint32_t unused = 1;
    while (is_used(derived(cluster, unused))) {
      used = unused;
      unused *= 2;
      if (unused == 0)
        throw engine::Error("XX001", "the identity map has no id left for an identity");
    }
    while (unused - used > 1) {
      const std::uint32_t between = used + (unused - used) / 2;
      (is_used(derived(cluster, between)) ? used : unused) = between;
    }
    return derived(cluster, unused);
  }

 private:
  static bool is_there(Lookup& in, const engine::Uuid& id) {
    find(in, PointerGetDatum(id.data()));
    return next(in);
  }
  bool is_used(const engine::Uuid& id) {
    return call([&] { return is_there(identities_, id) || is_there(retired_, id); });
  }
  // MD5 of the id's text and the number, as a UUID of version 8 (RFC 9562, section 5.8).
  static engine::Uuid derived(const engine::Uuid& id, std::uint32_t number) {
    const std::string told = as_text(id) + std::to_string(number);
    const char* hex = call([&] {
      const Datum value = PointerGetDatum(cstring_to_text(told.c_str()));
      return TextDatumGetCString(DirectFunctionCall1Coll(md5_text, C_COLLATION_OID, value));
    });
    engine::Uuid made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      std::from_chars(hex + 2 * i, hex + 2 * i + 2, made[i], 16);
    }
    made[6] = static_cast<std::uint8_t>(0x80 | (made[6] & 0x0F));
    made[8] = static_cast<std::uint8_t>(0xB0 | (made[8] & 0x0F));
    return made;
  }

  Lookup identities_{};
  Lookup retired_{};
};

// What became of identities, written into the map's state; identities themselves:
// renew_identities.h. PostgreSQL's half.
class StateWriter {
 public:
  void open(int map_id, TimestampTz at) {
    at_ = TimestampTzGetDatum(at);
    retired_ = open_state_table(map_id, "retired");
    known_retired_ = open_lookup(map_id, "retired", {"identity_id"}, GetActiveSnapshot());
    history_ = open_state_table(map_id, "history");
    next_event_ = find_state_sequence(map_id, "history_history_id_seq");
  }
  void close() {
    close_lookup(known_retired_);
    for (StateTable* table : {retired_, history_}) close_state_table(table);
  }

  // An identity that is no more; into: 0: it has gone into no other one.
  void retire(Datum id, Datum into) {
    const std::array<Datum, 3> values = {id, into, at_};
    const std::array<bool, 3> nulls = {false, into == 0, false};
    insert_row(retired_, values.data(), nulls.data());
  }
  // One that was no more and is back.
  void revive(Datum id) {
    find(known_retired_, id);
    if (next(known_retired_)) delete_row(retired_, known_retired_.row->tts_tid);
  }
  // What happened to an identity. 0: NULL.
  struct Event {
    const char* name;
    Datum id;
    Datum from_ids;
    Datum into;
    Datum by_kind;
    Datum by_value;
    Datum by_records;
  };
  void tell(const Event& event) {
    const std::array<Datum, 9> values = {Int64GetDatum(nextval_internal(next_event_, true)),
                                         at_,
                                         CStringGetTextDatum(event.name),
                                         event.id,
                                         event.from_ids,
                                         event.into,
                                         event.by_kind,
                                         event.by_value,
                                         event.by_records};
    std::array<bool, 9> nulls{};
    for (std::size_t i = 4; i < nulls.size(); ++i) nulls[i] = values[i] == 0;
    insert_row(history_, values.data(), nulls.data());
  }

 private:
  Datum at_ = 0;
  StateTable* retired_ = nullptr;
  StateTable* history_ = nullptr;
  Lookup known_retired_{};
  Oid next_event_ = InvalidOid;
};

}  // namespace identity_resolve::pg
