#include "pg/aliases.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/row.h"
#include "pg/scan.h"

namespace identity_resolve::pg {

namespace {

using engine::compare_ids;

// The pairs of one kind, and which values they make one: a forest by value.
class Pairs final : public RowVisitor {
 public:
  explicit Pairs(const Kind& kind) : kind_(&kind) {}

  // A row: its id is the former value, its one cell the present one.
  void take(const RowView& row) override {
    if (row.cells.empty()) return;
    const std::optional<std::string> former = spelled(row.record_id);
    const std::optional<std::string> present = spelled(row.cells.front().value);
    if (!former || !present || *former == *present) return;
    is_former_[*former] = true;
    is_former_.try_emplace(*present, false);
    unite(*former, *present);
  }

  // Each value that is shown as another one, rising by value. All values that pairs connect are
  // one. It is shown as the one that is nowhere a former one; as the first of several such, or,
  // where they run in a circle, of all: the shorter first, then by bytes.
  std::vector<Alias> finish() {
    std::map<std::string, std::pair<bool, std::string>, std::less<>> shown;  // by root
    for (const auto& [value, is_former] : is_former_) {
      const auto [at, is_new] = shown.try_emplace(root_of(value), is_former, value);
      auto& [best_is_former, best] = at->second;
      if (is_new || is_former > best_is_former) continue;
      if (is_former < best_is_former || compare_ids(value, best) < 0) {
        best_is_former = is_former;
        best = value;
      }
    }
    std::vector<Alias> aliases;
    for (const auto& [value, is_former] : is_former_) {
      const std::string& present = shown.find(root_of(value))->second.second;
      if (present != value) aliases.push_back({value, present});
    }
    return aliases;
  }

 private:
  std::optional<std::string> spelled(std::string_view typed) {
    const normalize::Result result = spell(*kind_, typed, scratch_);
    if (result.status != normalize::Status::kValid) return std::nullopt;
    // What stands for "no value" is nobody's former one.
    if (is_blocked_placeholder(*kind_, typed, result.text)) return std::nullopt;
    return std::string(result.text);
  }
  std::string root_of(std::string value) {
    for (auto at = parent_.find(value); at != parent_.end(); at = parent_.find(value)) {
      if (const auto above = parent_.find(at->second); above != parent_.end()) {
        at->second = above->second;
      }
      value = at->second;
    }
    return value;
  }
  void unite(const std::string& a, const std::string& b) {
    std::string left = root_of(a);
    std::string right = root_of(b);
    if (left == right) return;
    if (right < left) std::swap(left, right);
    parent_[right] = left;
  }

  const Kind* kind_;
  normalize::Scratch scratch_;
  std::map<std::string, bool, std::less<>> is_former_;
  std::map<std::string, std::string, std::less<>> parent_;
};

}  // namespace

void read_aliases(Request& request) {
  for (const AliasQuery& alias : request.alias_queries) {
    Kind& kind = request.kinds[engine::index(alias.kind)];
    // A source of one row a pair, so that it is checked and read as sources are.
    Request pairs;
    pairs.sources.push_back({fmt::format("alias of {}", kind.name),
                             fmt::format("SELECT q.former::pg_catalog.text, q.present::pg_catalog."
                                         "text AS value FROM ({}\n) AS q (former, present) WHERE "
                                         "q.former IS NOT NULL",
                                         alias.query),
                             false, alias.query});
    pairs.kinds.push_back({"value", normalize::Method::kNone});
    pairs.kinds.front().rules.links = false;
    SourceScan scan(pairs, engine::SourceNumber{0});
    Pairs found(kind);
    static_cast<void>(scan.expected_rows());
    scan.visit(found);
    kind.aliases = found.finish();
    // A rule that blocks a value blocks the one that it is read as.
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
