// By which keys a map knows a value that somebody types: identity_map_value_keys(), for
// identity_of_value(). The value is spelled, judged and keyed as that of a source's row would be
// (resolve/row_reader.h), by the map's rules and aliases.
#include <fmt/format.h>

#include "map/datums.h"
#include "map/home.h"
#include "pg/border.h"
#include "pg/spi.h"
#include "resolve/aliases.h"
#include "resolve/row_reader.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;

// What is looked for, in the database's encoding.
struct Wanted {
  engine::KindNumber kind{};
  std::string_view value;
  std::optional<std::string_view> scope;  // whatever that is: rules.scoped, Kind::scope
};

std::string names_of_kinds(const Request& request) {
  std::string names;
  for (const Kind& kind : request.kinds) {
    if (!kind.rules.links) continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
  }
  return names;
}

std::string names_of_sources(const Request& request) {
  std::string names;
  for (const Source& source : request.sources) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", source.name);
  }
  return names;
}

engine::KindNumber find_kind(const Request& request, std::string_view name) {
  const std::optional<engine::KindNumber> kind = request.kind_named(name);
  if (!kind) {
    throw Error("42704", fmt::format("the identity map has no kind \"{}\"", name),
                fmt::format("The kinds that link are {}.", names_of_kinds(request)),
                "Name a kind of identifier, such as email. A record is looked up by its source and "
                "its id: identity_of(map, source, record_id).");
  }
  if (!request.kinds[engine::index(*kind)].rules.links) {
    throw Error("22023", fmt::format("the kind \"{}\" of the identity map does not link", name),
                "Values are found by the index of those that link records; this kind is only "
                "carried, or keeps apart.",
                "Look it up in the map's table, in a column that shows it.");
  }
  return *kind;
}

// Takes one row and gives its keys.
class KeyTaker final : public RowVisitor {
 public:
  KeyTaker(RowReader& reader, const engine::MapSecret& secret)
      : reader_(&reader), secret_(&secret) {}
  void take(const RowView& row) override { reader_->keys_of(row, *secret_, keys_); }
  [[nodiscard]] const std::vector<std::int64_t>& keys() const noexcept { return keys_; }

 private:
  RowReader* reader_;
  const engine::MapSecret* secret_;
  std::vector<std::int64_t> keys_;
};

Datum text_datum(std::string_view text) {
  return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

// The keys of the value in a row of one source.
void add_keys(const Request& request, const Wanted& wanted, engine::SourceNumber source,
              std::vector<std::int64_t>& keys) {
  const Kind& kind = request.kinds[engine::index(wanted.kind)];
  RowLayout layout;
  layout.source = source;
  layout.id_name = "id";
  layout.id_type = TEXTOID;
  const auto add_column = [&](engine::KindNumber number) {
    SourceColumn& column = layout.columns.emplace_back();
    column.attribute = static_cast<int>(layout.columns.size());
    column.kind = number;
    column.type = TEXTOID;
  };
  add_column(wanted.kind);
  if (kind.scope) add_column(*kind.scope);
  RowReader reader(request, layout);
  KeyTaker taker(reader, request.state->secret);
  // Texts of the database's encoding, as those of a source.
  call([&] {
    const std::array<NullableDatum, 3> cells = {
        NullableDatum{text_datum("-"), false}, NullableDatum{text_datum(wanted.value), false},
        NullableDatum{text_datum(wanted.scope.value_or("")), false}};
    reader.show(cells.data(), taker);
  });
  for (const std::int64_t key : taker.keys()) {
    // Not those of the scope, which may link, too.
    if (engine::kind_of_key(key) == engine::index(wanted.kind)) keys.push_back(key);
  }
}

std::vector<std::int64_t> keys_of(const Request& request, const Wanted& wanted) {
  const Kind& kind = request.kinds[engine::index(wanted.kind)];
  const bool is_of_source = kind.rules.scoped && !kind.scope;
  if (wanted.scope && !kind.rules.scoped) {
    throw Error("22023", fmt::format("the kind \"{}\" of the identity map has no scope", kind.name),
                "Its values link everywhere.", "Leave the scope out.");
  }
  if (!wanted.scope && kind.scope) {
    const std::string& scope = request.kinds[engine::index(*kind.scope)].name;
    throw Error(
        "22004",
        fmt::format("a value of the kind \"{}\" is looked up within its {}", kind.name, scope),
        fmt::format("It links only records of one {}, so that it may be several people's.", scope),
        fmt::format("Give the {} as well: identity_of_value(map, kind, value, scope => ...).",
                    scope));
  }
  std::vector<std::int64_t> keys;
  bool is_known = false;
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    if (is_of_source && wanted.scope && request.sources[i].name != *wanted.scope) continue;
    is_known = true;
    add_keys(request, wanted, engine::SourceNumber{static_cast<std::uint16_t>(i)}, keys);
    if (!is_of_source) break;  // it has the same key in all of them
  }
  if (!is_known) {
    throw Error("42704", fmt::format("the identity map has no source \"{}\"", *wanted.scope),
                fmt::format("Its sources are {}.", names_of_sources(request)),
                fmt::format("A value of the kind \"{}\" links within one source: name one as the "
                            "scope, or leave the scope out to look into each.",
                            kind.name));
  }
  return keys;
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_value_keys(clauses identity_clause[], kind text, value text, scope text) → bigint[]:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_value_keys) {
  demand_arguments(fcinfo, {0, 1, 2});
  const char* kind = optional_text(fcinfo, 1);
  const char* value = optional_text(fcinfo, 2);
  const char* scope = optional_text(fcinfo, 3);
  return guarded([&] {
    Request request = read_request({PG_GETARG_DATUM(0), false, false}, true);
    if (!request.state) {
      throw identity_resolve::engine::Error("22023",
                                            "the clauses hold no state of an identity map");
    }
    {
      const SpiConnection spi;
      read_aliases(request);
      SpiConnection::finish();
    }
    Wanted wanted;
    wanted.kind = find_kind(request, kind);
    wanted.value = value;
    if (scope != nullptr) wanted.scope = scope;
    const std::vector<std::int64_t> keys = keys_of(request, wanted);
    return call([&] { return number_array(keys); });
  });
}
