// identity_clause: the type of the things that a resolve is told.
//
// A value is stored as jsonb is, so it prints as JSON, can be kept in a table and dumped:
//   {"clause": "source", "name": "segment", "query": "SELECT …"}
//   {"clause": "source", "name": "shop", "query": "SELECT …", "bad_ids": "error"}
//   {"clause": "source", "name": "crm", "query": "SELECT …", "max_loss": 0.1, "on_loss": "fail"}
//   {"clause": "rule", "kind": "plan", "normalizer": "none", "link": false}
//   {"clause": "rule", "kind": "phone", "region": "GB"}
//   {"clause": "rule", "kind": "email", "blocked": ["x@y.z"], "max_records": 500}
//   {"clause": "rule", "kind": "username", "scope": "all"}
//   {"clause": "alias", "kind": "user_id", "query": "SELECT former, present FROM …"}
//   {"clause": "defaults", "version": "0.1"}
//   {"clause": "output", "rows": "combinations", "max_combinations": 10000}
//   {"clause": "column", "name": "zendesk_id", "type": "bigint"}
//   {"clause": "state", "secret": "…", "common": [123, …], "map_id": 1, "aliased": ["user_id"]}:
//     made by identity maps only
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

enum class ClauseType : std::uint8_t {
  kSource,
  kRule,
  kAlias,
  kDefaults,
  kOutput,
  kColumn,
  kState
};

// A clause taken apart; the views point into the datum. What is absent has no data.
struct Clause {
  ClauseType type = ClauseType::kSource;
  std::string_view name;                    // of a source or a column
  std::string_view query;                   // of a source or an alias
  std::string_view changed_since;           // of a source: a column of its query, for maps
  std::string_view capture;                 // of a source: how a map hears of changes
  std::string_view bad_ids;                 // of a source: what becomes of rows of no record
  std::optional<double> max_loss;           // of a source: the share of its records it may lose
  std::string_view on_loss;                 // of a source: what a map does when it loses more
  std::string_view column_type;             // of a column
  std::string_view kind;                    // of a rule or an alias
  std::string_view normalizer;              // of a rule
  std::string_view region;                  // of a rule
  std::optional<bool> link;                 // of a rule, and so on down to scope
  const JsonbContainer* blocked = nullptr;  // an array of strings
  std::string_view blocked_pattern;
  std::string_view blocked_ipattern;
  std::optional<bool> block_placeholders;
  std::optional<bool> block_roles;
  std::optional<bool> block_automatic;
  std::optional<std::int64_t> role_max_records;
  std::optional<std::int64_t> max_records;
  std::optional<std::int64_t> max_per_identity;
  std::optional<std::int64_t> priority;
  std::optional<bool> fallback;
  std::string_view on_tie;
  std::optional<std::int64_t> max_records_in_all;
  std::string_view scope;
  std::string_view version;                 // of defaults
  std::string_view rows;                    // of an output
  std::int64_t max_combinations = 0;        // of an output
  std::string_view secret;                  // of a state: a UUID
  const JsonbContainer* common = nullptr;   // of a state: an array of numbers
  std::int64_t map_id = 0;                  // of a state
  const JsonbContainer* aliased = nullptr;  // of a state: kinds that have aliases there
};

inline constexpr std::int64_t kDefaultMaxCombinations = 10000;

// Takes a datum of type identity_clause apart and checks every part of it.
// Raises a PostgreSQL error (22023) where a part is missing, unknown or of no use.
Clause read_clause(Datum datum);

// A rule that another one of the same kind refines: what the later one says counts, part by part.
void refine(Clause& rule, const Clause& later);

// Calls visit(string_view) for each string of a clause's array. For plain data: may raise errors.
template <class Visit>
void each_string(const JsonbContainer* array, Visit&& visit) {
  JsonbIterator* iterator = JsonbIteratorInit(const_cast<JsonbContainer*>(array));
  JsonbValue value;
  for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
       token = JsonbIteratorNext(&iterator, &value, true)) {
    if (token != WJB_ELEM) continue;
    visit(std::string_view(value.val.string.val, static_cast<std::size_t>(value.val.string.len)));
  }
}

// Calls visit(int64) for each number of a clause's array. For plain data: may raise errors.
template <class Visit>
void each_integer(const JsonbContainer* array, Visit&& visit) {
  JsonbIterator* iterator = JsonbIteratorInit(const_cast<JsonbContainer*>(array));
  JsonbValue value;
  for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
       token = JsonbIteratorNext(&iterator, &value, true)) {
    if (token != WJB_ELEM) continue;
    visit(DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric))));
  }
}

}  // namespace identity_resolve::pg
