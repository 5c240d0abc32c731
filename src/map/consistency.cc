// identity_map_differences(): whether the parts of an identity map's state say the same. For tests,
// and for whoever suspects a state: a refresh looks at no more of it than it needs.
#include <fmt/format.h>

#include <algorithm>

#include "map/home.h"
#include "map/places.h"
#include "map/prints.h"
#include "map/reached.h"

namespace identity_resolve::pg {

namespace {

template <class T>
using List = boost::container::pmr::vector<T>;

// What the packs say, and what stands beside them.
class Consistency {
 public:
  Consistency(int map_id, ContextMemory& memory)
      : map_id_(map_id),
        memory_(&memory),
        has_(&memory),
        expected_(&memory),
        actual_(&memory),
        rows_(&memory),
        numbers_(&memory),
        shares_(&memory),
        common_(memory) {}

  void read() {
    read_packs();
    read_places();
    read_common();
  }

  // Entries that one side has and the other has not, each as often as it has more.
  [[nodiscard]] std::int64_t places() {
    engine::sort_each_once(has_);
    for (const Has& has : has_) expected_.push_back(has.entry);
    std::sort(expected_.begin(), expected_.end());
    std::sort(actual_.begin(), actual_.end());
    std::int64_t differences = 0;
    auto expected = expected_.begin();
    auto actual = actual_.begin();
    while (expected != expected_.end() || actual != actual_.end()) {
      if (actual == actual_.end() || (expected != expected_.end() && *expected < *actual)) {
        ++differences;
        ++expected;
      } else if (expected == expected_.end() || *actual < *expected) {
        ++differences;
        ++actual;
      } else {
        ++expected;
        ++actual;
      }
    }
    return differences;
  }
  // Rows whose fingerprints are not in m<id>_prints, or the other way round.
  [[nodiscard]] std::int64_t prints() {
    engine::sort_each_once(numbers_);
    std::sort(rows_.begin(), rows_.end());
    List<Print> found(memory_);
    for (const std::int32_t number : numbers_) {
      if (number == 0) continue;
      PrintsOfSource prints(*memory_);
      prints.read(map_id_, number);
      prints.each([&](std::int64_t rid, std::int64_t fingerprint) {
        found.push_back({number, rid, fingerprint});
      });
    }
    engine::sort_each_once(found);
    List<Print> difference(memory_);
    std::set_symmetric_difference(rows_.begin(), rows_.end(), found.begin(), found.end(),
                                  std::back_inserter(difference));
    return static_cast<std::int64_t>(difference.size());
  }
  // Identities that share an identifier, and whose packs deny it: a path out of them would not be
  // found.
  [[nodiscard]] std::int64_t sharers() const {
    std::int64_t wrong = 0;
    List<bool> is_wrong(shares_.size(), false, memory_);
    List<std::pair<std::int64_t, std::uint32_t>> carriers(memory_);
    for (const Has& has : has_) {
      if (has.entry.place.is_record() || common_.contains(has.entry.number)) continue;
      carriers.push_back({has.entry.number, has.identity});
    }
    engine::sort_each_once(carriers);
    for (std::size_t i = 1; i < carriers.size(); ++i) {
      if (carriers[i].first != carriers[i - 1].first) continue;
      for (const std::uint32_t identity : {carriers[i].second, carriers[i - 1].second}) {
        if (shares_[identity] || is_wrong[identity]) continue;
        is_wrong[identity] = true;
        ++wrong;
      }
    }
    return wrong;
  }

 private:
  struct Has {
    std::int64_t rid;
    PlaceEntry entry;
    std::uint32_t identity;

    friend auto operator<=>(const Has&, const Has&) = default;
  };
  struct Print {
    std::int32_t source;
    std::int64_t rid;
    std::int64_t fingerprint;

    friend auto operator<=>(const Print&, const Print&) = default;
  };

  void read_packs() {
    call([this] {
      each_state_row(map_id_, "identities", [this](TupleTableSlot* row) {
        const IdentityLookup::Found found = IdentityLookup::found_in(row);
        each_row_of_pack(found.pack, [&](std::string_view, const engine::PackedRow& packed) {
          guarded([&] { take_row(found.id, packed); });
        });
        guarded([&] { shares_.push_back(engine::pack_shares(found.pack)); });
      });
    });
  }
  void take_row(const engine::Uuid& id, const engine::PackedRow& row) {
    const auto source = static_cast<std::int32_t>(row.source);
    const auto identity = static_cast<std::uint32_t>(shares_.size());
    has_.push_back({row.rid, {row.rid, Place::of_record(id, source)}, identity});
    for (std::size_t i = 0; i < row.key_count; ++i) {
      has_.push_back({row.rid, {row.key(i), Place::of_key(id, source)}, identity});
    }
    numbers_.push_back(source);
    if (source != 0) rows_.push_back({source, row.rid, row.fingerprint});
  }
  void read_places() {
    call([this] {
      each_place(map_id_,
                 [this](const PlaceEntry& entry) { guarded([&] { actual_.push_back(entry); }); });
    });
  }
  void read_common() {
    call([this] {
      each_state_row(map_id_, "common", [this](TupleTableSlot* row) {
        guarded([&] { common_.insert(DatumGetInt64(row->tts_values[0])); });
      });
    });
  }

  int map_id_;
  ContextMemory* memory_;
  List<Has> has_;
  List<PlaceEntry> expected_;
  List<PlaceEntry> actual_;
  List<Print> rows_;
  List<std::int32_t> numbers_;
  List<bool> shares_;  // by identity
  engine::NumberTable common_;
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_differences(map_id) → text: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_differences) {
  PushActiveSnapshot(GetTransactionSnapshot());
  const char* told = guarded([&] {
    ContextMemory memory(CurrentMemoryContext);
    Consistency consistency(PG_GETARG_INT32(0), memory);
    consistency.read();
    const std::int64_t places = consistency.places();
    const std::int64_t prints = consistency.prints();
    const std::int64_t sharers = consistency.sharers();
    if (places == 0 && prints == 0 && sharers == 0) return static_cast<char*>(nullptr);
    const std::string found = fmt::format(
        "{} places, {} prints and {} packs are not as they should be", places, prints, sharers);
    return call([&] { return pstrdup(found.c_str()); });
  });
  PopActiveSnapshot();
  if (told == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(told));
}
