// What a call asks for: its clauses, taken together and checked against each other.
#pragma once

#include "engine/types.h"
#include "normalize/normalize.h"
#include "pg/pg.h"

namespace identity_resolve::pg {

// A kind of identifier: how its values are spelled, and what they may do.
struct Kind {
  std::string name;
  normalize::Method method;
  engine::KindRules rules = {};
  std::string region = {};  // of telephone numbers in national form
};

struct Source {
  std::string name;
  std::string query;
};

enum class OutputRows : std::uint8_t { kIdentities, kCombinations };

struct Request {
  std::vector<Source> sources;  // in the order of precedence
  std::vector<Kind> kinds;      // the known ones, as rules changed them, and the declared ones
  OutputRows rows = OutputRows::kIdentities;
  std::uint64_t max_combinations = 0;

  [[nodiscard]] std::optional<engine::KindNumber> kind_named(std::string_view name) const;
};

// The argument `clauses identity_clause[]` of an SQL function.
struct ClauseList {
  Datum array = 0;
  bool is_null = false;
  bool is_missing = false;  // the function was called without any clause
};

// Reads it.
// Throws engine::Error: 22004 for a NULL array or clause, 22023 for no source and for a clause
// that repeats another; and PgError for a clause that is no good by itself.
Request read_request(const ClauseList& list);

}  // namespace identity_resolve::pg
