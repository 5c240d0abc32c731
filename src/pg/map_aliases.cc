#include "pg/map_aliases.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "pg/kept_plans.h"
#include "pg/map_execute.h"
#include "pg/map_snapshot.h"
#include "pg/map_state.h"
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
    auto known = known_.find(std::string(normalized));
    if (known == known_.end()) {
      if (known_.size() == kFew) {
        const SpiConnection spi;
        all_ = read_all(map_id_, kind_);
        SpiConnection::finish();
        has_all_ = true;
        return find_alias(all_, normalized);
      }
      known = known_.emplace(normalized, look_up(normalized)).first;
    }
    return known->second ? &*known->second : nullptr;
  }

 private:
  static constexpr std::size_t kFew = 1000;

  std::optional<Alias> look_up(std::string_view normalized) {
    const std::int64_t key = map_key(hash_, secret_, engine::index(number_), kind_, normalized);
    const std::string_view present = call([&] { return present_of(key, normalized); });
    if (present.data() == nullptr) return std::nullopt;
    return Alias{std::string(normalized), std::string(present)};
  }
  // No data for none. PostgreSQL's half.
  std::string_view present_of(std::int64_t key, std::string_view normalized) const {
    SPI_connect();
    Oid type = INT8OID;
    Datum value = Int64GetDatum(key);
    execute_cached(psprintf("SELECT a.former, a.present FROM identity_state.m%d_aliases AS a WHERE "
                            "a.key OPERATOR(pg_catalog.=) $1",
                            map_id_),
                   1, &type, &value, nullptr);
    std::string_view present;
    for (std::uint64_t i = 0; i < SPI_processed; ++i) {
      const auto column = [&](int number) {
        bool is_null = false;
        return SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, number, &is_null);
      };
      if (value_in(column(1)) != normalized) continue;
      const std::string_view found = value_in(column(2));
      auto* copy = static_cast<char*>(SPI_palloc(found.size() + 1));
      std::copy_n(found.data(), found.size(), copy);
      present = {copy, found.size()};
    }
    SPI_finish();
    return present;
  }

  int map_id_;
  MapSecret secret_;
  engine::KindNumber number_;
  std::string kind_;
  MapHash hash_;
  std::unordered_map<std::string, std::optional<Alias>> known_;
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
