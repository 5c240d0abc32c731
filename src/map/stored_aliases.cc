#include "map/stored_aliases.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "map/queries.h"
#include "map/snapshot.h"
#include "map/state_tables.h"
#include "pg/kept_plans.h"
#include "pg/settings.h"
#include "pg/spi.h"

extern "C" {
#include <access/xact.h>
#include <utils/builtins.h>
}

namespace identity_resolve::pg {

namespace {

// A normalised value of the state, which the map's owner may have written. PostgreSQL's half.
std::string_view value_in(Datum bytes) {
  const bytea* value = DatumGetByteaPP(bytes);
  const char* text = VARDATA_ANY(value);
  const int length = static_cast<int>(VARSIZE_ANY_EXHDR(value));
  const int encoding = GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8;
  if (!pg_verify_mbstr(encoding, text, length, true)) bad_state("An alias is no text.");
  return {text, static_cast<std::size_t>(length)};
}

// All aliases of a kind. A connection to SPI is open.
std::vector<Alias> read_all(int map_id, const std::string& kind) {
  const std::string query = call([&] {
    return psprintf(
        "SELECT a.former, a.present FROM identity_state.m%d_aliases AS a WHERE a.kind "
        "OPERATOR(pg_catalog.=) %s ORDER BY a.former USING OPERATOR(pg_catalog.<)",
        map_id, quote_literal_cstr(kind.c_str()));
  });
  std::vector<Alias> aliases;
  read_rows(query.c_str(), {BYTEAOID, BYTEAOID}, [&](const Datum* values, const bool*) {
    const std::string_view former = value_in(values[0]);
    const std::string_view present = value_in(values[1]);
    guarded([&] { aliases.push_back({std::string(former), std::string(present)}); });
  });
  return aliases;
}

// Those of a kind, looked up by their keys; all of them where that is sooner.
class StoredAliases final : public AliasLookup {
 public:
  StoredAliases(const MapState& state, engine::KindNumber number, std::string kind)
      : map_id_(state.map_id), secret_(state.secret), number_(number), kind_(std::move(kind)) {}

  const Alias* find(std::string_view normalized) override {
    if (has_all_) return find_alias(all_, normalized);
    const auto known = known_.find(std::string(normalized));
    if (known != known_.end()) return known->second ? &*known->second : nullptr;
    if (++found_one_by_one_ <= kFew) {
      const std::string value(normalized);
      look_up({&value, 1});
      return find(normalized);
    }
    const SpiConnection spi;
    all_ = read_all(map_id_, kind_);
    SpiConnection::finish();
    has_all_ = true;
    return find_alias(all_, normalized);
  }

  void look_up(std::span<const std::string> values) override {
    std::vector<std::int64_t> keys;
    keys.reserve(values.size());
    for (const std::string& value : values) {
      known_.try_emplace(value);
      keys.push_back(engine::map_key(hash_, secret_, engine::index(number_), kind_, value));
    }
    const std::span<const Row> rows = call([&] { return rows_of(keys); });
    for (const Row& row : rows) {
      // Another value may have the same key.
      const auto known = known_.find(std::string(row.former));
      if (known != known_.end()) known->second = {known->first, std::string(row.present)};
    }
  }

 private:
  static constexpr std::size_t kFew = 1000;

  struct Row {
    std::string_view former;
    std::string_view present;
  };

  // Onto memory that outlives the connection to SPI.
  static std::string_view kept(Datum bytes) {
    const std::string_view value = value_in(bytes);
    auto* copy = static_cast<char*>(SPI_palloc(value.size() + 1));
    std::copy_n(value.data(), value.size(), copy);
    return {copy, value.size()};
  }
  // Those that have the keys. PostgreSQL's half.
  [[nodiscard]] std::span<const Row> rows_of(std::span<const std::int64_t> keys) const {
    SPI_connect();
    auto* datums = static_cast<Datum*>(palloc(keys.size() * sizeof(Datum)));
    std::transform(keys.begin(), keys.end(), datums, [](auto key) { return Int64GetDatum(key); });
    Oid type = INT8ARRAYOID;
    Datum list =
        PointerGetDatum(construct_array(datums, static_cast<int>(keys.size()), INT8OID,
                                        sizeof(std::int64_t), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    execute_cached(psprintf("SELECT a.former, a.present FROM pg_catalog.unnest($1) AS k (key) JOIN "
                            "identity_state.m%d_aliases AS a ON a.key OPERATOR(pg_catalog.=) k.key",
                            map_id_),
                   1, &type, &list, nullptr);
    const auto count = static_cast<std::size_t>(SPI_processed);
    auto* rows = static_cast<Row*>(SPI_palloc((count + 1) * sizeof(Row)));
    for (std::size_t i = 0; i < count; ++i) {
      const auto column = [i](int number) {
        bool is_null = false;
        return kept(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, number, &is_null));
      };
      rows[i] = {column(1), column(2)};
    }
    SPI_finish();
    return {rows, count};
  }

  int map_id_;
  engine::MapSecret secret_;
  engine::KindNumber number_;
  std::string kind_;
  engine::MapHash hash_;
  std::unordered_map<std::string, std::optional<Alias>> known_;
  std::size_t found_one_by_one_ = 0;
  std::vector<Alias> all_;
  bool has_all_ = false;
};

}  // namespace

void read_stored_aliases(Request& request) {
  const MapState& state = *request.state;
  // A refresh reads sources by its own snapshot, which may not see the aliases that it has read.
  const bool one_by_one =
      max_workers() == 0 && refresh_snapshot() == nullptr && !IsInParallelMode();
  for (const std::string& name : state.aliased) {
    const auto number = request.kind_named(name);
    if (!number) continue;
    Kind& kind = request.kinds[engine::index(*number)];
    if (one_by_one) {
      kind.alias_lookup = std::make_shared<StoredAliases>(state, *number, name);
    } else {
      kind.aliases = read_all(state.map_id, name);
    }
  }
}

}  // namespace identity_resolve::pg
