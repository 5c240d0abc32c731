#include "resolve/aliases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/row.h"
#include "resolve/scan.h"

namespace identity_resolve::pg {

namespace {

using engine::compare_ids;
using engine::Error;

// The pairs of one kind, and which values they make one: a forest by value.
class Pairs final : public RowVisitor {
 public:
  explicit Pairs(const Kind& kind) : kind_(&kind) {}

  // A row: its id is the present value, its cells the former ones.
  void take(const RowView& row) override {
    const std::optional<std::string> present = spelled(row.record_id);
    if (!present) return;
    for (const RowView::Cell& cell : row.cells) {
      const std::optional<std::string> former = spelled(cell.value);
      if (!former || *former == *present) continue;
      const Place from = place_of(*former);
      is_former_[from] = true;
      unite(from, place_of(*present));
    }
  }

  // Each value that is shown as another one, rising by value. All values that pairs connect are
  // one. It is shown as the one that is nowhere a former one; as the first of several such, or,
  // where they run in a circle, of all: the shorter first, then by bytes.
  std::vector<Alias> finish() {
    std::vector<const std::string*> values(places_.size());
    std::vector<std::optional<Place>> shown(places_.size());  // by root
    for (const auto& [value, place] : places_) {
      values[place] = &value;
      std::optional<Place>& best = shown[root_of(place)];
      const bool is_better =
          !best || is_former_[place] < is_former_[*best] ||
          (is_former_[place] == is_former_[*best] && compare_ids(value, *values[*best]) < 0);
      if (is_better) best = place;
    }
    std::vector<Alias> aliases;
    for (const auto& [value, place] : places_) {
      const Place present = *shown[root_of(place)];
      if (present != place) aliases.push_back({value, *values[present]});
    }
    return aliases;
  }

 private:
  using Place = std::uint32_t;

  std::optional<std::string> spelled(std::string_view typed) {
    const normalize::Result result = spell(*kind_, typed, scratch_);
    if (result.status != normalize::Status::kValid) return std::nullopt;
    // What stands for "no value" is nobody's former one.
    if (is_blocked_placeholder(*kind_, typed, result.text)) return std::nullopt;
    return std::string(kind_->compared(result.text));
  }
  Place place_of(const std::string& value) {
    const auto [at, is_new] = places_.try_emplace(value, static_cast<Place>(places_.size()));
    if (is_new) {
      parent_.push_back(at->second);
      is_former_.push_back(false);
    }
    return at->second;
  }
  Place root_of(Place place) {
    while (parent_[place] != place) {
      parent_[place] = parent_[parent_[place]];
      place = parent_[place];
    }
    return place;
  }
  void unite(Place a, Place b) { parent_[root_of(a)] = root_of(b); }

  const Kind* kind_;
  normalize::Scratch scratch_;
  std::map<std::string, Place, std::less<>> places_;
  std::vector<Place> parent_;
  std::vector<bool> is_former_;
};

// A source of one row a pair, so that it is checked and read as sources are.
Request pairs_of(const Request& request, const AliasQuery& alias) {
  Request pairs;
  // It may end in a semicolon, as a source's may.
  const std::size_t end = alias.query.find_last_not_of("; \t\r\n");
  pairs.sources.push_back(
      {request.kinds[engine::index(alias.kind)].name,
       fmt::format("SELECT q.present, q.former FROM ({}\n) AS q (former, present) WHERE q.present "
                   "IS NOT NULL",
                   std::string_view(alias.query).substr(0, end + 1)),
       false, alias.query, true});
  pairs.kinds.push_back({"former", normalize::Method::kNone});
  return pairs;
}

// That the query is one, and has no more columns than the two that are read, and one present value
// a row. Of former ones there may be several.
void check_columns(const SourceScan& scan, const AliasQuery& alias) {
  const auto* pairs = static_cast<const RangeTblEntry*>(linitial(scan.query()->rtable));
  if (pairs->rtekind != RTE_SUBQUERY) {  // what stands in FROM may be a JOIN by itself
    throw Error("42601", fmt::format("{}: the query is not a SELECT", scan.title()),
                fmt::format("The query is: {}", alias.query),
                "Give one SELECT, or TABLE and a name.");
  }
  const int columns = list_length(pairs->eref->colnames);
  if (columns != 2) {
    throw Error("42601", fmt::format("{}: the query has {} columns", scan.title(), columns),
                fmt::format("The query is: {}", alias.query),
                "Give two: the former value, then the present one.");
  }
  const Oid type = scan.layout().id_type;
  if (!OidIsValid(call([=] { return get_element_type(getBaseType(type)); }))) return;
  throw Error("42804", fmt::format("{}: the present value is an array", scan.title()),
              fmt::format("The query is: {}", alias.query),
              "Give a row for each of its values, with unnest(). The former value, which comes "
              "first, may be an array.");
}

ReadAliases read_stored_aliases = nullptr;

}  // namespace

void set_stored_aliases(ReadAliases read) noexcept { read_stored_aliases = read; }

void each_alias(const Request& request,
                const std::function<void(SourceScan&, engine::KindNumber)>& take) {
  for (const AliasQuery& alias : request.alias_queries) {
    const Request pairs = pairs_of(request, alias);
    SourceScan scan(pairs, engine::SourceNumber{0});
    check_columns(scan, alias);
    take(scan, alias.kind);
  }
}

void query_aliases(Request& request) {
  each_alias(request, [&](SourceScan& scan, engine::KindNumber number) {
    Kind& kind = request.kinds[engine::index(number)];
    Pairs found(kind);
    static_cast<void>(scan.expected_rows());
    scan.visit(found);
    kind.aliases = found.finish();
  });
}

void read_aliases(Request& request) {
  if (request.state) {
    read_stored_aliases(request);
  } else {
    query_aliases(request);
  }
  for (Kind& kind : request.kinds) {
    if (!kind.has_aliases()) continue;
    // A rule that blocks a value blocks the one that it is read as.
    if (kind.alias_lookup && !kind.blocked.empty()) kind.alias_lookup->look_up(kind.blocked);
    for (std::string& value : kind.blocked) {
      if (const Alias* known = kind.alias_of(value)) value = known->present;
    }
    std::sort(kind.blocked.begin(), kind.blocked.end());
  }
}

void add_aliases(ByteWriter& to, const Request& request) {
  for (const Kind& kind : request.kinds) {
    to.add(kind.aliases.size());
    for (const Alias& alias : kind.aliases) {
      to.add_text(alias.former);
      to.add_text(alias.present);
    }
    to.add(kind.blocked.size());
    for (const std::string& value : kind.blocked) to.add_text(value);
  }
}

void get_aliases(ByteReader& from, Request& request) {
  for (Kind& kind : request.kinds) {
    kind.aliases.resize(from.get<std::size_t>());
    for (Alias& alias : kind.aliases) {
      alias.former = from.get_text();
      alias.present = from.get_text();
    }
    kind.blocked.resize(from.get<std::size_t>());
    for (std::string& value : kind.blocked) value = from.get_text();
  }
}

}  // namespace identity_resolve::pg
