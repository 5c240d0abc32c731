// identity_map_reach(): the records of an identity map that a change may concern, and their rows.
//
// A walk from identity to identifier to identity. It begins with the identities of the records that
// have changed; each identity comes with its pack, which has all of its rows. Where a pack says
// that its identity shares no identifier with another one, no path leads out of it but by what has
// changed. Each identifier is looked up once, in rising order.
//
// Of an identifier that a change concerns the records that carry it are counted: whether it is too
// common to connect anybody may be another answer than before.
//
// Plain frames: what C++ objects there are have all their memory on the function's context, or on
// that of the rows.
#include <algorithm>

#include "engine/stored_keys.h"
#include "map/datums.h"
#include "map/gone.h"
#include "map/home.h"
#include "map/lookup.h"
#include "map/places.h"
#include "map/reached.h"
#include "pg/progress.h"

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

class Walk {
 public:
  // limits: by kind, how many records of one source, and how many in all, may carry an identifier;
  // 0: any number. most: records.
  Walk(int map_id, const ChangedRows* changed, std::span<const std::int64_t> limits_a_source,
       std::span<const std::int64_t> limits_in_all, std::int64_t most, ReachedRows& rows,
       ContextMemory& memory)
      : map_id_(map_id),
        changed_(changed),
        limits_a_source_(limits_a_source),
        limits_in_all_(limits_in_all),
        most_(most),
        rows_(&rows),
        touched_(&memory),
        records_(memory),
        prefixes_(memory),
        keys_(memory),
        key_states_(&memory),
        waiting_(&memory),
        moves_(&memory),
        staying_(&memory),
        now_keys_(&memory),
        then_keys_(&memory),
        new_prefixes_(&memory),
        new_keys_(&memory),
        step_(&memory),
        connecting_(&memory),
        row_keys_(&memory),
        carriers_(&memory),
        counts_(&memory),
        places_(memory) {}

  void open() {
    places_.open(map_id_);
    identities_.open(map_id_);
    common_ = open_lookup(map_id_, "common", {"key"}, GetActiveSnapshot());
    rows_->is_told = changed_ == nullptr || changed_->is_told;
    if (!rows_->is_told) missing_.open(map_id_);
  }
  void close() {
    places_.close();
    identities_.close();
    close_lookup(common_);
    if (!rows_->is_told) missing_.close();
  }

  // Records of which rows came or went, and what they carry now and carried.
  void take_changes() {
    if (changed_ == nullptr) return;
    guarded([this] {
      for (const ChangedRows::Came& came : changed_->came) touched_.push_back(came.rid);
      for (const ChangedRows::Gone& gone : changed_->gone) touched_.push_back(gone.rid);
      engine::sort_each_once(touched_);
    });
    // Whether a key is too common hangs on all that has changed.
    waits_ = true;
    for (const std::int64_t rid : touched_) add_record(rid);
    load_identities();
    if (rows_->gone.size() != changed_->gone.size()) bad_state("A row that is gone is not there.");
    std::sort(staying_.begin(), staying_.end());
    for (const ChangedRows::Came& came : changed_->came) take_fresh(came);
    find_moves();
    waits_ = false;
    // Rising, as places are found fastest.
    std::sort(waiting_.begin(), waiting_.end());
    for (const Waiting& key : waiting_) note_key(key.key, key.leads);
    waiting_.clear();
  }
  // A record, whose rows are what they were.
  void add_record(std::int64_t rid) {
    for (const Place& place : places_.find(rid)) {
      if (place.is_record()) add_prefix(place.prefix());
    }
  }
  // An identifier that connects those who carry it, unless it is too common.
  void add_key(std::int64_t key) { note_key(key, true); }

  // False where there are more records than the most.
  bool go() {
    load_identities();
    while (!new_keys_.empty()) {
      step_.clear();
      step_.swap(new_keys_);
      std::sort(step_.begin(), step_.end());
      for (const std::int64_t key : step_) judge_key(key);
      load_identities();
      if (static_cast<std::int64_t>(rows_->rids.size()) > most_) return false;
    }
    return static_cast<std::int64_t>(rows_->rids.size()) <= most_;
  }

  // (records bigint, sources smallint[], keys bigint[], common bigint[]).
  HeapTuple result(TupleDesc shape) {
    List<std::int16_t> sources(connecting_.get_allocator());
    guarded([&] {
      std::array<bool, 1 << 15> has{};
      for (const SourceRow& row : rows_->rows) has[static_cast<std::size_t>(row.source)] = true;
      for (std::size_t i = 0; i < has.size(); ++i) {
        if (has[i]) sources.push_back(static_cast<std::int16_t>(i));
      }
      std::sort(connecting_.begin(), connecting_.end());
    });
    auto* numbers = static_cast<Datum*>(palloc((sources.size() + 1) * sizeof(Datum)));
    std::transform(sources.begin(), sources.end(), numbers,
                   [](std::int16_t source) { return Int16GetDatum(source); });
    std::array<Datum, 4> values = {
        Int64GetDatum(static_cast<std::int64_t>(rows_->rids.size())),
        PointerGetDatum(construct_array(numbers, static_cast<int>(sources.size()), INT2OID,
                                        sizeof(std::int16_t), true, TYPALIGN_SHORT)),
        number_array({connecting_.data(), connecting_.size()}), number_array(rows_->common.keys())};
    std::array<bool, 4> nulls{};
    return heap_form_tuple(shape, values.data(), nulls.data());
  }

 private:
  // A record of a source that began, or ceased, to carry a key.
  struct Move {
    std::int64_t key;
    std::int32_t source;
    std::int32_t change;

    friend auto operator<=>(const Move&, const Move&) = default;
  };
  struct Waiting {
    std::int64_t key;
    bool leads;

    friend auto operator<=>(const Waiting&, const Waiting&) = default;
  };
  // A record and a key that it carries.
  struct Carried {
    std::int64_t rid;
    std::int64_t key;
    std::int32_t source;

    friend auto operator<=>(const Carried&, const Carried&) = default;
  };

  [[nodiscard]] bool is_touched(std::int64_t rid) const noexcept {
    return !touched_.empty() && std::binary_search(touched_.begin(), touched_.end(), rid);
  }
  [[nodiscard]] bool is_gone(std::int64_t rid, std::int64_t fingerprint) const noexcept {
    return changed_ != nullptr && std::binary_search(changed_->gone.begin(), changed_->gone.end(),
                                                     ChangedRows::Gone{rid, fingerprint});
  }

  void add_prefix(std::uint64_t prefix) {
    guarded([&] {
      if (prefixes_.insert(static_cast<std::int64_t>(prefix)).second) {
        new_prefixes_.push_back(prefix);
      }
    });
  }
  void load_identities() {
    if (new_prefixes_.empty()) return;
    std::sort(new_prefixes_.begin(), new_prefixes_.end());
    for (std::size_t i = 0; i < new_prefixes_.size(); ++i) {
      identities_.find(new_prefixes_[i]);
      IdentityLookup::Found found{};
      while (identities_.next(found)) load_identity(found);
    }
    new_prefixes_.clear();
  }
  void load_identity(const IdentityLookup::Found& found) {
    const bool is_new = guarded([&] {
      if (!rows_->ids.insert(found.id).second) return false;
      auto* copy = reinterpret_cast<char*>(rows_->bytes.allocate(found.pack.size()));
      found.pack.copy(copy, found.pack.size());
      rows_->identities.push_back({found.place, found.created_at, {copy, found.pack.size()}});
      return true;
    });
    if (!is_new) return;
    const std::string_view pack = rows_->identities.back().pack;
    if (!engine::is_pack(pack)) bad_state("A pack of rows is none.");
    const bool shares = engine::pack_shares(pack);
    each_row_of_pack(pack, [&](std::string_view bytes, const engine::PackedRow& row) {
      take_row(found.id, bytes, row, shares);
    });
  }

  [[nodiscard]] std::span<const std::int64_t> row_keys() const noexcept {
    return {row_keys_.data(), row_keys_.size()};
  }
  void take_row(const engine::Uuid& id, std::string_view bytes, const engine::PackedRow& row,
                bool shares) {
    const bool touched = is_touched(row.rid);
    guarded([&] {
      row_keys_.clear();
      for (std::size_t i = 0; i < row.key_count; ++i) row_keys_.push_back(row.key(i));
      if (touched) {
        for (const std::int64_t key : row_keys_) {
          then_keys_.push_back({row.rid, key, static_cast<std::int32_t>(row.source)});
        }
      }
      if (touched && is_gone(row.rid, row.fingerprint)) {
        rows_->gone.push_back({row.rid, static_cast<std::int32_t>(row.source), id,
                               rows_->keys.size(), static_cast<std::uint32_t>(row.key_count)});
        rows_->keys.insert(rows_->keys.end(), row_keys_.begin(), row_keys_.end());
        return;
      }
      const std::uint32_t record = record_of(row.rid, &id);
      rows_->add(row.rid, static_cast<std::int32_t>(row.source), record, false, row_keys(), bytes);
      if (touched) {
        staying_.push_back({row.rid, row.fingerprint});
        for (const std::int64_t key : row_keys_) {
          now_keys_.push_back({row.rid, key, static_cast<std::int32_t>(row.source)});
        }
      }
    });
    for (const std::int64_t key : row_keys_) note_key(key, shares);
  }
  // A row that the state does not have.
  void take_fresh(const ChangedRows::Came& came) {
    const std::optional<engine::PackedRow> row = engine::read_row(came.packed);
    if (!row) bad_state("A row is none.");
    if (std::binary_search(staying_.begin(), staying_.end(),
                           ChangedRows::Gone{came.rid, came.fingerprint})) {
      bad_state("A row that came is there.");
    }
    guarded([&] {
      row_keys_.clear();
      for (std::size_t i = 0; i < row->key_count; ++i) row_keys_.push_back(row->key(i));
      const auto source = static_cast<std::int32_t>(row->source);
      rows_->add(row->rid, source, record_of_fresh(row->rid), true, row_keys(), came.packed);
      for (const std::int64_t key : row_keys_) now_keys_.push_back({row->rid, key, source});
    });
    for (const std::int64_t key : row_keys_) note_key(key, true);
  }
  // What a record was whose rows have gone, all that have been loaded; nullptr: nothing.
  const engine::Uuid* identity_of_gone(std::int64_t rid) {
    if (gone_are_sorted_ != rows_->gone.size()) {
      std::sort(rows_->gone.begin(), rows_->gone.end(),
                [](const GoneRow& a, const GoneRow& b) { return a.rid < b.rid; });
      gone_are_sorted_ = rows_->gone.size();
    }
    const auto found =
        std::lower_bound(rows_->gone.begin(), rows_->gone.end(), rid,
                         [](const GoneRow& row, std::int64_t wanted) { return row.rid < wanted; });
    return found != rows_->gone.end() && found->rid == rid ? &found->identity : nullptr;
  }
  // The place of a record of which a row came.
  std::uint32_t record_of_fresh(std::int64_t rid) {
    const std::uint32_t known = records_.find(rid);
    if (known != engine::NumberTable::kNone) return known;
    if (const engine::Uuid* id = identity_of_gone(rid)) return record_of(rid, id);
    const std::optional<engine::Uuid> back = identity_of_missing(rid);
    return record_of(rid, back ? &*back : nullptr);
  }
  // What a record was that was gone when the refresh began and is back: the identity that comes
  // back with it.
  std::optional<engine::Uuid> identity_of_missing(std::int64_t rid) {
    if (rows_->is_told || missing_.are_none()) return std::nullopt;
    GoneRecord gone{};
    if (!call([&] { return missing_.find(rid, gone); })) return std::nullopt;
    rows_->returned.push_back(rid);
    if (rows_->back_ids.contains(gone.id)) return gone.id;
    if (!call([&] { return missing_.is_nobody(gone.id); })) return std::nullopt;
    rows_->back_ids.insert(gone.id);
    rows_->back_since.push_back(gone.created_at);
    return gone.id;
  }
  // The place of a record; id: what it was, nullptr for nothing.
  std::uint32_t record_of(std::int64_t rid, const engine::Uuid* id) {
    const auto [place, is_first] = records_.insert(rid);
    if (is_first) {
      rows_->rids.push_back(rid);
      rows_->olds.push_back(id == nullptr ? engine::Uuid{} : *id);
      rows_->is_new.push_back(id == nullptr);
    } else if (id != nullptr && !rows_->is_new[place] && rows_->olds[place] != *id) {
      throw engine::Error("XX001", kBadState, "A record is of two identities.", kReadAnew);
    }
    return place;
  }

  // Which keys records began, or ceased, to carry.
  void find_moves() {
    guarded([this] {
      engine::sort_each_once(then_keys_);
      engine::sort_each_once(now_keys_);
      const auto note = [this](const Carried& carried, std::int32_t change) {
        moves_.push_back({carried.key, carried.source, change});
      };
      auto then = then_keys_.begin();
      auto now = now_keys_.begin();
      while (then != then_keys_.end() || now != now_keys_.end()) {
        if (now == now_keys_.end() || (then != then_keys_.end() && *then < *now)) {
          note(*then++, -1);
        } else if (then == then_keys_.end() || *now < *then) {
          note(*now++, 1);
        } else {
          ++then;
          ++now;
        }
      }
      std::sort(moves_.begin(), moves_.end());
    });
    std::int64_t last = 0;
    bool is_first = true;
    for (const Move& move : moves_) {
      if (!is_first && move.key == last) continue;
      is_first = false;
      last = move.key;
      note_key(move.key, true);
    }
  }
  [[nodiscard]] std::span<const Move> moves_of(std::int64_t key) const noexcept {
    const auto begin =
        std::lower_bound(moves_.begin(), moves_.end(), key,
                         [](const Move& move, std::int64_t wanted) { return move.key < wanted; });
    auto end = begin;
    while (end != moves_.end() && end->key == key) ++end;
    return {moves_.data() + (begin - moves_.begin()), static_cast<std::size_t>(end - begin)};
  }

  // A key that somebody carries. leads: whether a path may lead on by it.
  void note_key(std::int64_t key, bool leads) {
    guarded([&] {
      if (waits_) {
        waiting_.push_back({key, leads});
        return;
      }
      const auto [place, is_first] = keys_.insert(key);
      if (is_first) {
        carriers_.clear();
        key_states_.push_back(limit_of(key) ? state_of(key) : 0);
        if (key_states_[place] != kCommon) connecting_.push_back(key);
        if (key_states_[place] != 0) rows_->common.insert(key);
        // To be counted it has been looked up: its carriers are at hand.
        if (leads && !carriers_.empty()) {
          key_states_[place] |= kQueued;
          if (key_states_[place] == (kCommon | kQueued)) return;
          for (const std::uint64_t prefix : carriers_) {
            if (prefixes_.insert(static_cast<std::int64_t>(prefix)).second) {
              new_prefixes_.push_back(prefix);
            }
          }
        }
      }
      std::uint8_t& state = key_states_[place];
      if (!leads || (state & kQueued) != 0) return;
      state |= kQueued;
      new_keys_.push_back(key);
    });
  }
  [[nodiscard]] bool limit_of(std::int64_t key) const noexcept {
    const std::size_t kind = engine::kind_of_key(key);
    return (kind < limits_a_source_.size() && limits_a_source_[kind] > 0) ||
           (kind < limits_in_all_.size() && limits_in_all_[kind] > 0);
  }
  // Whether the state says that a key is too common.
  bool was_common(std::int64_t key) {
    return call([&] {
      pg::find(common_, Int64GetDatum(key));
      return pg::next(common_);
    });
  }
  // And whether it is so with what has changed.
  std::uint8_t state_of(std::int64_t key) {
    const bool was = was_common(key);
    const std::span<const Move> moves = moves_of(key);
    if (moves.empty()) return was ? kCommon : 0;
    const bool now = count_is_common(key, moves);
    if (now && !was) rows_->newly_common.push_back(key);
    if (!now && was) rows_->no_longer_common.push_back(key);
    return now ? (was ? kCommon : kCommon | kNewly) : 0;
  }
  bool count_is_common(std::int64_t key, std::span<const Move> moves) {
    const std::span<const Place> places = call([&] { return places_.find(key); });
    counts_.clear();
    std::int64_t all = 0;
    const auto count = [&](std::int32_t source, std::int64_t change) {
      const auto found =
          std::ranges::find(counts_, source, &std::pair<std::int32_t, std::int64_t>::first);
      if (found == counts_.end()) {
        counts_.emplace_back(source, change);
      } else {
        found->second += change;
      }
      all += change;
    };
    for (const Place& place : places) {
      if (place.is_record()) continue;
      count(place.source(), 1);
      carriers_.push_back(place.prefix());
    }
    for (const Move& move : moves) count(move.source, move.change);
    const std::size_t kind = engine::kind_of_key(key);
    const std::int64_t a_source = kind < limits_a_source_.size() ? limits_a_source_[kind] : 0;
    const std::int64_t in_all = kind < limits_in_all_.size() ? limits_in_all_[kind] : 0;
    return (in_all > 0 && all > in_all) ||
           (a_source > 0 &&
            std::ranges::any_of(counts_, [=](const auto& of) { return of.second > a_source; }));
  }

  // Loads those who carry a key, where it connects them or did before.
  void judge_key(std::int64_t key) {
    if ((key_states_[keys_.find(key)] & (kCommon | kNewly)) == kCommon) return;
    for (const Place& at : places_.find(key)) {
      if (!at.is_record()) add_prefix(at.prefix());
    }
  }

  int map_id_;
  const ChangedRows* changed_;
  std::span<const std::int64_t> limits_a_source_;
  std::span<const std::int64_t> limits_in_all_;
  std::int64_t most_;
  ReachedRows* rows_;
  List<std::int64_t> touched_;    // records, rising
  engine::NumberTable records_;   // their places in rows_
  engine::NumberTable prefixes_;  // of identities that have been looked up
  // Whether it is too common, and whether it is so since now; whether it is to be looked up.
  enum KeyState : std::uint8_t { kCommon = 1, kNewly = 2, kQueued = 4 };
  engine::NumberTable keys_;
  List<std::uint8_t> key_states_;  // by their places
  bool waits_ = false;
  List<Waiting> waiting_;
  List<Move> moves_;
  List<ChangedRows::Gone> staying_;  // rows of touched records
  List<Carried> now_keys_;           // of touched records
  List<Carried> then_keys_;
  List<std::uint64_t> new_prefixes_;
  List<std::int64_t> new_keys_;
  List<std::int64_t> step_;
  List<std::int64_t> connecting_;
  List<std::int64_t> row_keys_;   // of the row at hand
  List<std::uint64_t> carriers_;  // identities of the key that was counted last
  List<std::pair<std::int32_t, std::int64_t>> counts_;
  std::size_t gone_are_sorted_ = SIZE_MAX;
  Places places_;
  IdentityLookup identities_;
  Lookup common_{};
  GoneRecords missing_;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_reach(map_id, rids, keys, limits_a_source, limits_in_all, most) →
// identity_map_reached: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_reach) {
  enum Argument : std::uint8_t { kMapId, kRids, kKeys, kLimitsASource, kLimitsInAll, kMost };
  const auto numbers = [fcinfo](Argument argument) { return number_argument(fcinfo, argument); };
  const TupleDesc shape = result_shape(fcinfo, 4);
  // As the statements before have left it.
  PushActiveSnapshot(GetTransactionSnapshot());
  const int map_id = PG_GETARG_INT32(kMapId);
  ChangedRows* changed = LastChanged::of(map_id);
  if (changed != nullptr) {
    if (!changed->is_complete) out_of_turn("not all records that changed are known");
    changed->sort();
  }
  set_map_phase(MapPhase::kReach);
  ReachedRows* rows = LastReached::begin(map_id);
  ContextMemory memory(CurrentMemoryContext);
  auto* walk = make<Walk>(map_id, changed, numbers(kLimitsASource), numbers(kLimitsInAll),
                          PG_GETARG_INT64(kMost), *rows, memory);
  walk->open();
  walk->take_changes();
  for (const std::int64_t rid : numbers(kRids)) walk->add_record(rid);
  for (const std::int64_t key : numbers(kKeys)) walk->add_key(key);
  const bool has_ended = walk->go();
  walk->close();
  PopActiveSnapshot();
  if (!has_ended) {
    // The whole map is settled then, which needs the memory.
    LastReached::end();
    PG_RETURN_NULL();
  }
  PG_RETURN_DATUM(HeapTupleGetDatum(walk->result(shape)));
}
