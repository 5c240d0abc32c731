// identity_map_read_rows(): reads a source of an identity map, all of it or some of its records,
// and keeps what came and what is gone (ChangedRows) for the steps that follow.
//
// Whose a row is that is gone m<id>_prints says: beside the fingerprints of the rows that came
// there stand the numbers of their records.
//
// Plain frames: what C++ objects there are have all their memory on the function's context, or on
// that of the changes.
#include <algorithm>

#include "map/datums.h"
#include "map/home.h"
#include "map/places.h"
#include "map/prints.h"
#include "map/queries.h"
#include "map/reached.h"
#include "map/record_rows.h"
#include "map/scan_changes.h"
#include "map/scan_in_parallel.h"
#include "pg/spi.h"
#include "resolve/stored_row.h"

extern "C" {
#include <commands/sequence.h>
}

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

class Reading {
 public:
  // most: so many rows of all sources are kept.
  Reading(int map_id, int source, std::int64_t most, ContextMemory& memory)
      : map_id_(map_id),
        source_(source),
        most_(static_cast<std::size_t>(std::max<std::int64_t>(most, 0))),
        known_(&memory),
        prints_(&memory),
        touched_(memory),
        came_(&memory),
        came_rids_(&memory),
        went_(&memory),
        gone_(memory) {}

  // The rows that the state has of these records: with their fingerprints the source is compared.
  void look_up(std::span<const std::int64_t> rids, ContextMemory& memory) {
    Places places(memory);
    IdentityLookup identities;
    places.open(map_id_);
    identities.open(map_id_);
    each_row_of_records(rids, places, identities, memory,
                        [this](const IdentityLookup::Found&, const engine::PackedRow& row) {
                          guarded([&] { known_.push_back({row.rid, row.fingerprint}); });
                        });
    places.close();
    identities.close();
    std::sort(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return std::pair(a.fingerprint, a.rid) < std::pair(b.fingerprint, b.rid);
    });
    guarded([&] {
      for (const ChangedRows::Gone& row : known_) prints_.push_back(row.fingerprint);
    });
    is_named_ = true;
  }
  [[nodiscard]] std::span<const std::int64_t> prints() const noexcept {
    return {prints_.data(), prints_.size()};
  }

  template <class Visit>
  void each_known(Visit&& visit) const {
    for (const ChangedRows::Gone& row : known_) visit(row);
  }

  // When all user code has run, which may have ended what an earlier step has kept.
  void begin() { changes_ = LastChanged::of_or_new(map_id_); }

  // A row that came: first that it did, then what it says.
  void note(TupleTableSlot* found) {
    slot_getsomeattrs(found, FoundRows::kRid + 1);
    const std::int64_t rid = DatumGetInt64(found->tts_values[FoundRows::kRid]);
    guarded([&] {
      came_.push_back(DatumGetInt64(found->tts_values[FoundRows::kFingerprint]));
      came_rids_.push_back(rid);
      touched_.insert(rid);
    });
  }
  void add(TupleTableSlot* found) {
    slot_getallattrs(found);
    const auto* packed = reinterpret_cast<const varlena*>(
        PG_DETOAST_DATUM_PACKED(found->tts_values[FoundRows::kPacked]));
    guarded([&] {
      if (has_room()) changes_->add(bytes_of(packed));
    });
  }
  void remove(std::int64_t fingerprint) {
    guarded([&] {
      went_.push_back(fingerprint);
      gone_.insert(fingerprint);
    });
  }
  // When all have been told, and before any of it is remembered: how many of `before` records are
  // lost. A record is lost where the state has it and the source does not: one that changed is
  // none, and new records make up for none.
  struct Loss {
    bool is_too_much;
    std::int64_t before;
    std::int64_t after;
    std::int64_t lost;
  };
  Loss find_loss(double max_loss, std::int64_t before, ContextMemory& memory) {
    // Below these a share says nothing. A record that is lost has lost a row: mostly that is
    // enough.
    constexpr std::int64_t kFewestRecords = 100;
    const double most = max_loss * static_cast<double>(before);
    if (before < kFewestRecords || static_cast<double>(gone_.keys().size()) <= most) return {};
    engine::NumberTable known(memory);  // records that the state has
    engine::NumberTable alive(memory);  // and those that are there now
    guarded([&] {
      for (const std::int64_t rid : came_rids_) alive.insert(rid);
      const std::size_t came = alive.keys().size();
      const auto see = [&](std::int64_t rid, std::int64_t fingerprint) {
        known.insert(rid);
        if (!gone_.contains(fingerprint)) alive.insert(rid);
      };
      if (is_named_) {
        for (const ChangedRows::Gone& row : known_) see(row.rid, row.fingerprint);
      } else {
        PrintsOfSource prints(memory);
        prints.read(map_id_, source_);
        prints.each(see);
      }
      std::int64_t lost = 0;
      for (const std::int64_t rid : known.keys()) lost += alive.contains(rid) ? 0 : 1;
      std::int64_t fresh = 0;
      for (const std::int64_t rid : alive.keys().first(came)) fresh += known.contains(rid) ? 0 : 1;
      loss_ = {static_cast<double>(lost) > most, before, before - lost + fresh, lost};
    });
    return loss_;
  }

  // And then: the records of the rows that are gone.
  void find_gone() {
    if (gone_.keys().empty()) return;
    if (is_named_) {
      for (const ChangedRows::Gone& row : known_) {
        if (gone_.contains(row.fingerprint)) note_gone(row.rid, row.fingerprint);
      }
    } else {
      look_through_prints();
    }
  }

  // (records bigint, came bytea, came_rids bytea, went bytea, loss bigint[]).
  HeapTuple result(TupleDesc shape) {
    std::array<Datum, 5> values = {Int64GetDatum(static_cast<std::int64_t>(touched_.keys().size())),
                                   pack(came_), pack(came_rids_), pack(went_), 0};
    std::array<bool, 5> nulls = {false, came_.empty(), came_.empty(), went_.empty(), true};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }
  // The same where the source has lost too much, and nothing is remembered.
  static HeapTuple result(TupleDesc shape, const Loss& loss) {
    const std::array<std::int64_t, 3> counts = {loss.before, loss.after, loss.lost};
    std::array<Datum, 5> values = {Int64GetDatum(0), 0, 0, 0,
                                   number_array({counts.data(), counts.size()})};
    std::array<bool, 5> nulls = {false, true, true, true, false};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  bool has_room() {
    if (!changes_->is_complete) return false;
    if (changes_->came.size() + changes_->gone.size() < most_) return true;
    // Everything will be read anew, which needs the memory.
    changes_->is_complete = false;
    return false;
  }
  void note_gone(std::int64_t rid, std::int64_t fingerprint) {
    guarded([&] {
      touched_.insert(rid);
      if (has_room()) changes_->gone.push_back({rid, fingerprint});
    });
  }
  // A fingerprint may have come with one record and gone, and come with it again: it is one row.
  void look_through_prints() {
    guarded([this] {
      List<bool> is_found(gone_.keys().size(), false, known_.get_allocator().resource());
      const char* query = call([this] {
        return psprintf(
            "SELECT came, came_rids FROM identity_state.m%d_prints WHERE source = %d AND "
            "length(came) = length(came_rids)",
            map_id_, source_);
      });
      const SpiConnection spi;
      read_rows(query, {BYTEAOID, BYTEAOID}, [&](const Datum* values, const bool*) {
        each_slice(values[0], [&](std::span<const char> came, std::size_t begin) {
          CHECK_FOR_INTERRUPTS();
          std::span<const char> rids;
          for (std::size_t at = 0; at + sizeof(std::int64_t) <= came.size();
               at += sizeof(std::int64_t)) {
            const std::int64_t fingerprint = number_at(came, at);
            const std::uint32_t place = gone_.find(fingerprint);
            if (place == engine::NumberTable::kNone) continue;
            if (rids.empty()) rids = slice_of(values[1], begin, came.size());
            note_gone(number_at(rids, at), fingerprint);
            is_found[place] = true;
          }
        });
      });
      SpiConnection::finish();
      if (std::ranges::find(is_found, false) != is_found.end()) {
        throw engine::Error("XX001", kBadState, "A row that is gone was nobody's.", kReadAnew);
      }
    });
  }

  static Datum pack(const List<std::int64_t>& numbers) {
    return bytes_value(
        {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)});
  }

  int map_id_;
  int source_;
  std::size_t most_;
  bool is_named_ = false;
  List<ChangedRows::Gone> known_;  // of records that were named, by their fingerprints
  List<std::int64_t> prints_;
  engine::NumberTable touched_;
  List<std::int64_t> came_;  // fingerprints
  List<std::int64_t> came_rids_;
  List<std::int64_t> went_;
  engine::NumberTable gone_;
  Loss loss_{};
  ChangedRows* changes_ = nullptr;
};

std::int64_t fingerprint_of(TupleTableSlot* found) {
  bool is_null = false;
  return DatumGetInt64(slot_getattr(found, FoundRows::kFingerprint + 1, &is_null));
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_read_rows(clauses, source, query, search_path, forgotten, known, map_id, number,
// rids, most, max_loss, before) → (records bigint, came bytea, came_rids bytea, went bytea, loss
// bigint[]): src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_read_rows) {
  demand_arguments(fcinfo, {0, 1, 3, 6, 7, 9});
  const TupleDesc shape = result_shape(fcinfo, 5);
  const bool named = !PG_ARGISNULL(8);
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  const int map_id = PG_GETARG_INT32(6);
  const int source = PG_GETARG_INT32(7);
  FoundAhead* all_ahead = LastFound::of(map_id);
  std::optional<FoundAhead::Source> ahead;
  if (all_ahead != nullptr && !named) ahead = all_ahead->take(source);
  auto* reading = make<Reading>(map_id, source, PG_GETARG_INT64(9), memory);
  if (named) reading->look_up(number_argument(fcinfo, 8), memory);
  FoundRows found{nullptr, found_shape()};
  ScanResult result{};
  if (ahead) {
    found.rows = ahead->rows;
    result = ahead->result;
  } else {
    found.rows = tuplestore_begin_heap(true, false, work_mem);
    const ScanArguments arguments{
        PG_GETARG_DATUM(0),       PG_GETARG_INT32(1),       source,
        optional_text(fcinfo, 2), optional_text(fcinfo, 3), optional_text(fcinfo, 4),
        optional_text(fcinfo, 5), reading->prints()};
    result = guarded([&] { return scan_source(arguments, found); });
  }
  if (!named) set_left_out(result.left_out);
  TupleTableSlot* row = MakeSingleTupleTableSlot(found.shape, &TTSOpsMinimalTuple);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    bool is_gone = false;
    static_cast<void>(slot_getattr(row, FoundRows::kRid + 1, &is_gone));
    if (is_gone) {
      reading->remove(fingerprint_of(row));
    } else if (!is_known(result, row)) {
      reading->note(row);
    }
  }
  if (!PG_ARGISNULL(10) && !PG_ARGISNULL(11)) {
    const Reading::Loss loss =
        reading->find_loss(PG_GETARG_FLOAT8(10), PG_GETARG_INT64(11), memory);
    if (loss.is_too_much) {
      ExecDropSingleTupleTableSlot(row);
      tuplestore_end(found.rows);
      PopActiveSnapshot();
      PG_RETURN_DATUM(HeapTupleGetDatum(Reading::result(shape, loss)));
    }
  }
  reading->begin();
  tuplestore_rescan(found.rows);
  while (tuplestore_gettupleslot(found.rows, true, false, row)) {
    CHECK_FOR_INTERRUPTS();
    bool is_gone = false;
    static_cast<void>(slot_getattr(row, FoundRows::kRid + 1, &is_gone));
    if (is_gone) break;  // and so are those that follow
    if (!is_known(result, row)) reading->add(row);
  }
  ExecDropSingleTupleTableSlot(row);
  tuplestore_end(found.rows);
  reading->find_gone();
  PopActiveSnapshot();
  PG_RETURN_DATUM(HeapTupleGetDatum(reading->result(shape)));
}

// identity_map_told(map_id, rids bigint[], packed bytea) → void: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_told) {
  demand_arguments(fcinfo, {0, 1});
  const int map_id = PG_GETARG_INT32(0);
  PushActiveSnapshot(GetTransactionSnapshot());
  ContextMemory memory(CurrentMemoryContext);
  auto* reading = make<Reading>(map_id, 0, INT64_MAX, memory);
  reading->look_up(number_argument(fcinfo, 1), memory);
  ChangedRows* changes = LastChanged::begin(map_id);
  changes->is_told = true;
  guarded([&] {
    reading->each_known([&](const ChangedRows::Gone& row) { changes->gone.push_back(row); });
    if (!PG_ARGISNULL(2)) changes->add(bytes_of(PG_GETARG_BYTEA_PP(2)));
  });
  PopActiveSnapshot();
  PG_RETURN_VOID();
}

// identity_map_renew_prints(map_id, number) → void: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_renew_prints) {
  const int map_id = PG_GETARG_INT32(0);
  const int source = PG_GETARG_INT32(1);
  PushActiveSnapshot(GetTransactionSnapshot());
  guarded([&] {
    ContextMemory memory(CurrentMemoryContext);
    PrintsOfSource prints(memory);
    prints.read(map_id, source);
    call([=] {
      SPI_connect();
      const int result = SPI_execute(
          psprintf("DELETE FROM identity_state.m%d_prints WHERE source = %d", map_id, source),
          false, 0);
      if (result < 0) refused(result);
      SPI_finish();
    });
    prints.each_part(memory, [&](const auto& came, const auto& rids) {
      call([&] {
        StateTable* table = open_state_table(map_id, "prints");
        const auto bytes = [](const auto& numbers) {
          return bytes_value({reinterpret_cast<const char*>(numbers.data()),
                              numbers.size() * sizeof(std::int64_t)});
        };
        const std::array<Datum, 5> values = {
            Int16GetDatum(static_cast<std::int16_t>(source)),
            Int64GetDatum(nextval_internal(find_state_sequence(map_id, "prints_part_seq"), false)),
            bytes(came), bytes(rids), 0};
        const std::array<bool, 5> nulls = {false, false, false, false, true};
        insert_row(table, values.data(), nulls.data());
        close_state_table(table);
      });
    });
  });
  PopActiveSnapshot();
  PG_RETURN_VOID();
}
