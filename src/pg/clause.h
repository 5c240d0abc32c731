// identity_clause: the type of the things that a resolve is told.
//
// A value is stored as jsonb is, so it prints as JSON, can be kept in a table and dumped:
//   {"clause": "source", "name": "segment", "query": "SELECT …"}
//   {"clause": "rule", "kind": "plan", "normalizer": "none", "link": false}
//   {"clause": "rule", "kind": "phone", "region": "GB"}
//   {"clause": "output", "rows": "combinations", "max_combinations": 10000}
#pragma once

#include "pg/pg.h"

namespace identity_resolve::pg {

enum class ClauseType : std::uint8_t { kSource, kRule, kOutput };

// A clause taken apart; the views point into the datum. What is absent has no data.
struct Clause {
  ClauseType type = ClauseType::kSource;
  std::string_view name;              // of a source
  std::string_view query;             // of a source
  std::string_view kind;              // of a rule
  std::string_view normalizer;        // of a rule
  std::string_view region;            // of a rule
  std::optional<bool> link;           // of a rule
  std::string_view rows;              // of an output
  std::int64_t max_combinations = 0;  // of an output
};

inline constexpr std::int64_t kDefaultMaxCombinations = 10000;

// Takes a datum of type identity_clause apart and checks every part of it.
// Raises a PostgreSQL error (22023) where a part is missing, unknown or of no use.
Clause read_clause(Datum datum);

}  // namespace identity_resolve::pg
