// What a call asks for: its clauses, taken together and checked against each other.
#pragma once

#include <algorithm>
#include <memory>

#include "engine/stored_keys.h"
#include "engine/types.h"
#include "normalize/normalize.h"
#include "normalize/pattern.h"
#include "normalize/text.h"
#include "pg/pg.h"
#include "pg/progress.h"

namespace identity_resolve::pg {

// A value of a kind that is read as another one (aliases.h); both normalised.
struct Alias {
  std::string former;
  std::string present;
};

// The one of a value, among aliases by their former values; nullptr for none.
[[nodiscard]] inline const Alias* find_alias(const std::vector<Alias>& aliases,
                                             std::string_view normalized) noexcept {
  const auto found = std::lower_bound(
      aliases.begin(), aliases.end(), normalized,
      [](const Alias& alias, std::string_view value) { return alias.former < value; });
  return found != aliases.end() && found->former == normalized ? &*found : nullptr;
}

// Aliases of a kind that lie somewhere else than in memory.
class AliasLookup {
 public:
  AliasLookup() = default;
  AliasLookup(const AliasLookup&) = delete;
  AliasLookup& operator=(const AliasLookup&) = delete;
  virtual ~AliasLookup() = default;
  // What it gives stays for as long as the object. May throw, as the other.
  virtual const Alias* find(std::string_view normalized) = 0;
  // Finds several at once, and keeps them for find().
  virtual void look_up(std::span<const std::string> values) = 0;
};

// A kind of identifier: how its values are spelled, and what they may do.
struct Kind {
  std::string name;
  normalize::Method method;
  engine::KindRules rules = {};
  std::string region = {};  // of telephone numbers in national form
  // Values that never link: normalised ones, sorted; patterns in the database's encoding, empty for
  // none; identity_blocked_values(); automatic senders; role addresses.
  std::vector<std::string> blocked = {};
  std::string blocked_pattern = {};
  std::string blocked_ipattern = {};
  normalize::RequiredText blocked_pattern_needs = {};
  normalize::RequiredText blocked_ipattern_needs = {};
  std::vector<Alias> aliases = {};                 // by their former values
  std::shared_ptr<AliasLookup> alias_lookup = {};  // in their place, where it is set
  bool block_placeholders = true;
  bool placeholders_of_01 = false;  // only those that version 0.1 knew
  bool block_automatic = true;      // of addresses
  bool block_roles = false;
  bool asks_for_several = false;  // a rule says that an identity may have several values
  // Within which equal values link (rules.scoped): a source, or where there is one the rows that
  // have the same value of this kind.
  std::optional<engine::KindNumber> scope = {};

  [[nodiscard]] bool has_aliases() const noexcept {
    return !aliases.empty() || alias_lookup != nullptr;
  }
  // A value by which others are compared with it: without the blanks around it where it is only
  // carried, as it was typed.
  [[nodiscard]] std::string_view compared(std::string_view normalized) const {
    return method == normalize::Method::kNone ? normalize::trim(normalized) : normalized;
  }
  // Calls a lookup, which may throw.
  [[nodiscard]] const Alias* alias_of(std::string_view normalized) const {
    const std::string_view former = compared(normalized);
    return alias_lookup ? alias_lookup->find(former) : find_alias(aliases, former);
  }
  [[nodiscard]] bool is_address() const noexcept {
    return method == normalize::Method::kEmail || method == normalize::Method::kMailbox;
  }
};

// A value in the one spelling of its kind, a former value as the present one. Blanks say nothing,
// also where a value is only carried as it was typed. UTF-8.
normalize::Result spell(const Kind& kind, std::string_view value, normalize::Scratch& scratch);

// Whether the kind's rules block a value as one that stands for "no value": as typed, or as
// normalised.
bool is_blocked_placeholder(const Kind& kind, std::string_view typed, std::string_view normalized);

struct Source {
  std::string name;
  std::string query;
  bool bad_ids_are_errors = false;  // rows that name no record are not just left out
  std::string typed = {};           // what errors show of a query that stands within another one
  bool is_alias = false;            // it reads the pairs of the kind of this name

  // What errors call it, in the database's encoding; a query as it was given.
  [[nodiscard]] const char* sort() const noexcept { return is_alias ? "alias of" : "source"; }
  [[nodiscard]] std::string title() const;
  [[nodiscard]] const std::string& query_as_typed() const { return typed.empty() ? query : typed; }
};

// Where a kind's aliases are read.
struct AliasQuery {
  engine::KindNumber kind{};
  std::string query;
};

enum class OutputRows : std::uint8_t { kIdentities, kCombinations };

// What an identity map knows that its sources do not show when only some of their records are read:
// identifiers, by their keys (engine/stored_keys.h), that too many records carry. None of them
// links. Its records have numbers, which a source may give in a column of this name: a kind of its
// own.
inline constexpr const char* kRecordNumber = "[number]";

// The same of the bytes of a row as the map's state has them (engine/packed_rows.h), in a bytea: a
// source whose rows are the state's own gives them.
inline constexpr const char* kPackedRow = "[packed]";

// What a resolve needs to know to keep each row's bytes beside it, for a map's state.
struct MapPacking {
  bool is_on = false;
  std::vector<std::int32_t> numbers = {};    // the map's numbers of the sources, in their order
  std::vector<std::int64_t> forgotten = {};  // records that are left out, sorted
};

struct MapState {
  engine::MapSecret secret{};
  std::vector<std::int64_t> common = {};  // sorted
  MapPacking packing = {};
  // The map, and the kinds of which its state has aliases.
  int map_id = 0;
  std::vector<std::string> aliased = {};
};

struct Request {
  std::vector<Source> sources;  // in the order of precedence
  std::vector<AliasQuery> alias_queries;
  std::vector<Kind> kinds;  // the known ones, as rules changed them, and the declared ones
  OutputRows rows = OutputRows::kIdentities;
  std::uint64_t max_combinations = 0;
  std::optional<MapState> state;

  [[nodiscard]] std::optional<engine::KindNumber> kind_named(std::string_view name) const;
};

// Which of the functions was called.
enum class ResultForm : std::uint8_t {
  kMasterTable,  // resolve_identities(): the columns of the definition list
  kRecords,      // identity_records(): identity_id, source, record_id
  kLinks,        // identity_links(): each identifier of each record, and what became of it
  kEvidence,     // identity_evidence(): the same, and before it a row for the record itself
  kGraph,        // explain_identity() and identity_graph(): the evidence, all of it in memory
};

[[nodiscard]] inline ResultKind result_of(ResultForm form, OutputRows rows) noexcept {
  if (form == ResultForm::kRecords) return ResultKind::kRecords;
  if (form == ResultForm::kLinks || form == ResultForm::kGraph) return ResultKind::kLinks;
  if (form == ResultForm::kEvidence) return ResultKind::kEvidence;
  return rows == OutputRows::kCombinations ? ResultKind::kCombinations : ResultKind::kIdentities;
}

// The argument `clauses identity_clause[]` of an SQL function.
struct ClauseList {
  Datum array = 0;
  bool is_null = false;
  bool is_missing = false;  // the function was called without any clause
};

// Reads it.
// Throws engine::Error: 22004 for a NULL array or clause, 22023 for no source and for a clause
// that repeats another; and PgError for a clause that is no good by itself.
// Columns (identity_column()) are an error (22023) unless a map asks.
Request read_request(const ClauseList& list, bool for_map = false);

}  // namespace identity_resolve::pg
