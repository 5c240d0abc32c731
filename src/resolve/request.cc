#include "resolve/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "normalize/phone.h"
#include "normalize/placeholder.h"
#include "normalize/text.h"
#include "pg/border.h"
#include "pg/value_text.h"
#include "resolve/clause.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;
using normalize::Method;

constexpr const char* kExample =
    "Write for example: resolve_identities(identity_source('stripe', "
    "'SELECT id, email FROM stripe.customers'), ...).";

// The defaults of doc/guards.md.
constexpr std::uint64_t kMaxRecords = 1000;
constexpr std::int32_t kDeclaredPriority = 40;

// Those of them that have changed, for identity_defaults(): the one place that knows what they
// were.
struct Defaults {
  std::string_view username_scope = "source";
  std::uint64_t external_ids_per_identity = 1;
  bool block_automatic = true;
  std::uint64_t role_max_records = 1;
  // A source's rows are people, accounts, devices, orders: nobody has ten thousand of one tool.
  std::uint64_t user_id_warn_records = 10000;
  // A record is a person, an account, a device: even a company's has no thousand of one kind.
  std::uint64_t warn_identifiers = 1000;
  bool placeholders_of_01 = false;
};
constexpr Defaults kDefaults;
constexpr Defaults kDefaultsOf01 = {.username_scope = "all",
                                    .external_ids_per_identity = 0,
                                    .block_automatic = false,
                                    .role_max_records = 0,
                                    .user_id_warn_records = 0,
                                    .warn_identifiers = 0,
                                    .placeholders_of_01 = true};

Kind new_kind(const Defaults& defaults, std::string name, Method method, std::int32_t priority) {
  Kind kind{std::move(name), method};
  kind.placeholders_of_01 = defaults.placeholders_of_01;
  kind.block_automatic = defaults.block_automatic;
  kind.rules.role_max_records = defaults.role_max_records;
  kind.rules.priority = priority;
  kind.rules.max_records = kMaxRecords;
  kind.rules.warn_identifiers = defaults.warn_identifiers;
  return kind;
}

void set_scope(Request& request, Kind& kind, std::string_view scope);

Kind& kind_at(Request& request, std::string_view name) {
  return request.kinds[engine::index(*request.kind_named(name))];
}

void add_known_kinds(Request& request, const Defaults& defaults) {
  const auto known_kind = [&](const char* name, Method method, std::int32_t priority) {
    return new_kind(defaults, name, method, priority);
  };
  request.kinds = {
      known_kind("user_id", Method::kExact, 100),
      known_kind("anonymous_id", Method::kExact, 10),
      known_kind("device_id", Method::kExact, 10),
      known_kind("username", Method::kExact, 20),
      known_kind("email", Method::kEmail, 60),
      known_kind("external_id", Method::kExact, 80),
      known_kind("phone", Method::kPhone, 40),
      known_kind("salesforce_id", Method::kSalesforceId, 80),
      known_kind("uuid", Method::kUuid, 80),
      known_kind("object_id", Method::kObjectId, 80),
  };
  const auto limit = [&](std::string_view name, std::uint64_t most) {
    engine::KindRules& rules = kind_at(request, name).rules;
    rules.max_per_identity = most;
    rules.has_default_limit = most != 0;
  };
  kind_at(request, "user_id").rules.max_records = 0;
  kind_at(request, "user_id").rules.warn_records = defaults.user_id_warn_records;
  limit("user_id", 1);
  limit("external_id", defaults.external_ids_per_identity);
  Kind& username = kind_at(request, "username");
  set_scope(request, username, defaults.username_scope);
  username.rules.tells_of_scope = username.rules.scoped;
}

// The clauses' datums; the array's own checks included.
struct ClauseArray {
  Datum* datums;
  bool* nulls;
  int count;
};

ClauseArray take_apart(Datum list) {
  return call([&] {
    ClauseArray clauses{nullptr, nullptr, 0};
    ArrayType* array = DatumGetArrayTypeP(list);
    deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &clauses.datums,
                      &clauses.nulls, &clauses.count);
    return clauses;
  });
}

void add_source(Request& request, const Clause& clause) {
  for (const Source& source : request.sources) {
    if (source.name != clause.name) continue;
    throw Error("42710", fmt::format("source \"{}\" is given twice", source.name),
                "Records are named by their source and their id, so every source needs its own "
                "name.",
                fmt::format("Name them apart, for example '{0}_eu' and '{0}_us', or join them "
                            "with UNION ALL in one query.",
                            source.name));
  }
  request.sources.push_back(
      {std::string(clause.name), std::string(clause.query), clause.bad_ids == "error"});
}

void apply_limits(Kind& kind, const Clause& clause) {
  engine::KindRules& rules = kind.rules;
  if (clause.max_records) {
    rules.max_records = static_cast<std::uint64_t>(*clause.max_records);
    rules.warn_records = 0;  // somebody has chosen
  }
  if (clause.max_records_in_all) {
    rules.max_records_in_all = static_cast<std::uint64_t>(*clause.max_records_in_all);
    rules.warn_records = 0;
  }
  if (clause.max_per_identity) {
    rules.max_per_identity = static_cast<std::uint64_t>(*clause.max_per_identity);
    rules.has_default_limit = false;
    kind.asks_for_several = *clause.max_per_identity != 1;
    if (*clause.max_per_identity == 0) rules.warn_identifiers = 0;  // somebody wants any number
  }
  if (clause.priority) rules.priority = static_cast<std::int32_t>(*clause.priority);
  if (clause.fallback) rules.fallback = *clause.fallback;
  if (clause.on_tie.data() != nullptr) rules.ties_by_data = clause.on_tie == "data";
}

// For options that concern email addresses only.
void require_addresses(const Kind& kind, std::string_view what, std::string_view example,
                       std::string_view option) {
  if (kind.is_address()) return;
  throw Error("22023", fmt::format("kind \"{}\" has no {}", kind.name, what),
              fmt::format("Its values are spelled by the normalizer \"{}\"; {} are email addresses "
                          "such as {}.",
                          normalize::name_of(kind.method), what, example),
              fmt::format("Add normalizer => 'email' to the rule, or leave {} out.", option));
}

// A blocked value is spelled as the identifiers are; one that has no such spelling blocks nothing,
// as no identifier has it either.
void apply_blocked(Kind& kind, const Clause& clause) {
  if (clause.block_placeholders) kind.block_placeholders = *clause.block_placeholders;
  kind.blocked_pattern = clause.blocked_pattern;
  kind.blocked_ipattern = clause.blocked_ipattern;
  kind.blocked_pattern_needs = normalize::RequiredText(kind.blocked_pattern, false);
  kind.blocked_ipattern_needs = normalize::RequiredText(kind.blocked_ipattern, true);
  if (clause.block_roles) {
    require_addresses(kind, "role addresses", "info@", "block_roles");
    kind.block_roles = *clause.block_roles;
  }
  if (clause.role_max_records) {
    require_addresses(kind, "role addresses", "info@", "role_max_records");
    kind.rules.role_max_records = static_cast<std::uint64_t>(*clause.role_max_records);
  }
  if (clause.block_automatic) {
    require_addresses(kind, "automatic senders", "no-reply@", "block_automatic");
    kind.block_automatic = *clause.block_automatic;
  }
  if (clause.blocked == nullptr) return;
  struct Listed {
    std::string_view* values;
    std::size_t count;
  };
  const Listed listed = call([&] {
    std::size_t count = 0;
    each_string(clause.blocked, [&](std::string_view) { ++count; });
    auto* values = static_cast<std::string_view*>(
        MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(std::string_view)));
    count = 0;
    each_string(clause.blocked, [&](std::string_view value) { values[count++] = to_utf8(value); });
    return Listed{values, count};
  });
  normalize::Scratch scratch;
  for (const std::string_view value : std::span(listed.values, listed.count)) {
    const normalize::Result spelled = spell(kind, value, scratch);
    if (spelled.status == normalize::Status::kValid) kind.blocked.emplace_back(spelled.text);
  }
  std::sort(kind.blocked.begin(), kind.blocked.end());
}

MapState read_state(const Clause& clause) {
  MapState state;
  state.secret = call([&] {
    engine::MapSecret secret;
    const Datum uuid = DirectFunctionCall1(
        uuid_in, CStringGetDatum(pnstrdup(clause.secret.data(), clause.secret.size())));
    std::memcpy(secret.data(), DatumGetUUIDP(uuid)->data, secret.size());
    return secret;
  });
  struct Listed {
    std::int64_t* keys;
    std::size_t count;
  };
  const Listed listed = call([&] {
    std::size_t count = 0;
    each_integer(clause.common, [&](std::int64_t) { ++count; });
    auto* keys = static_cast<std::int64_t*>(
        MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(std::int64_t)));
    count = 0;
    each_integer(clause.common, [&](std::int64_t key) { keys[count++] = key; });
    return Listed{keys, count};
  });
  state.common.assign(listed.keys, listed.keys + listed.count);
  std::sort(state.common.begin(), state.common.end());
  if (clause.aliased == nullptr) return state;
  state.map_id = static_cast<int>(clause.map_id);
  call([&] {
    each_string(clause.aliased,
                [&](std::string_view kind) { guarded([&] { state.aliased.emplace_back(kind); }); });
  });
  return state;
}

// Within which equal values of a kind link. Kinds are found by their names once all are known: the
// order of rules of several kinds says nothing.
void set_scope(Request& request, Kind& kind, std::string_view scope) {
  kind.rules.tells_of_scope = false;  // somebody has chosen
  kind.rules.scoped = scope != "all";
  kind.scope.reset();
  if (scope == "all" || scope == "source") return;
  kind.scope = request.kind_named(scope);
}

// The kinds that rules declare by naming them as a scope: they are there to be compared, not to
// link.
void declare_scope(Request& request, const Defaults& defaults, std::string_view scope) {
  if (scope == "all" || scope == "source") return;
  if (request.kind_named(scope)) return;
  request.kinds.push_back(
      new_kind(defaults, std::string(scope), Method::kExact, kDeclaredPriority));
  request.kinds.back().rules.links = false;
}

void apply_rule(Request& request, const Defaults& defaults, const Clause& clause) {
  const bool link = clause.link.value_or(true);
  auto number = request.kind_named(clause.kind);
  if (!number) {
    number = engine::KindNumber{static_cast<std::uint16_t>(request.kinds.size())};
    request.kinds.push_back(new_kind(defaults, std::string(clause.kind),
                                     link ? Method::kExact : Method::kNone, kDeclaredPriority));
    request.kinds.back().rules.links = link;
  }
  Kind& kind = request.kinds[engine::index(*number)];
  if (clause.link) kind.rules.links = link;
  if (clause.normalizer.data() != nullptr) {
    kind.method = *normalize::method_by_name(clause.normalizer);
  }
  apply_limits(kind, clause);
  if (clause.region.data() == nullptr) {
    apply_blocked(kind, clause);
    return;
  }
  if (kind.method != Method::kPhone) {
    throw Error("22023", fmt::format("kind \"{}\" has no use for a region", kind.name),
                fmt::format("Its values are spelled by the normalizer \"{}\"; a region is for "
                            "telephone numbers.",
                            normalize::name_of(kind.method)),
                "Add normalizer => 'phone' to the rule, or leave the region out.");
  }
  kind.region = normalize::phone_region(clause.region);
  apply_blocked(kind, clause);
}

void add_alias(Request& request, const Clause& clause) {
  const auto kind = request.kind_named(clause.kind);
  if (!kind) {
    throw Error("42704", fmt::format("identity_alias(): there is no kind \"{}\"", clause.kind), {},
                fmt::format("Declare it: identity_rule('{}').", clause.kind));
  }
  for (const AliasQuery& other : request.alias_queries) {
    if (other.kind != *kind) continue;
    throw Error("42710",
                fmt::format("identity_alias() is given twice for kind \"{}\"", clause.kind), {},
                "Join the queries with UNION ALL.");
  }
  request.alias_queries.push_back({*kind, std::string(clause.query)});
}

// What the clauses say of kinds.
struct Rules {
  const Defaults* defaults = nullptr;  // where a clause asks for them
  std::vector<Clause> kinds = {};      // one a kind
  // All that were named, also where a later rule names another one: the sources have the column.
  std::vector<std::string_view> scopes = {};
};

void add_rule(Rules& rules, const Clause& clause) {
  if (clause.scope.data() != nullptr) rules.scopes.push_back(clause.scope);
  const auto found = std::ranges::find_if(
      rules.kinds, [&](const Clause& rule) { return rule.kind == clause.kind; });
  if (found == rules.kinds.end()) {
    rules.kinds.push_back(clause);
  } else {
    refine(*found, clause);
  }
}

void apply_rules(Request& request, const Rules& rules) {
  const Defaults& defaults = rules.defaults == nullptr ? kDefaults : *rules.defaults;
  add_known_kinds(request, defaults);
  for (const Clause& rule : rules.kinds) apply_rule(request, defaults, rule);
  for (const std::string_view scope : rules.scopes) declare_scope(request, defaults, scope);
  for (const Clause& rule : rules.kinds) {
    if (rule.scope.data() == nullptr) continue;
    set_scope(request, kind_at(request, rule.kind), rule.scope);
  }
}

}  // namespace

std::string Source::title() const { return fmt::format("{} \"{}\"", sort(), name); }

std::optional<engine::KindNumber> Request::kind_named(std::string_view name) const {
  const auto found =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == name; });
  if (found == kinds.end()) return std::nullopt;
  return engine::KindNumber{static_cast<std::uint16_t>(found - kinds.begin())};
}

namespace {

normalize::Result spell_alone(const Kind& kind, std::string_view value,
                              normalize::Scratch& scratch) {
  if (kind.method == Method::kPhone) {
    return normalize::normalize_phone(value, scratch, kind.region);
  }
  if (kind.method == Method::kNone) {
    const normalize::Result trimmed = normalize::normalize(Method::kExact, value, scratch);
    if (trimmed.status == normalize::Status::kBlank) return trimmed;
  }
  return normalize::normalize(kind.method, value, scratch);
}

}  // namespace

normalize::Result spell(const Kind& kind, std::string_view value, normalize::Scratch& scratch) {
  normalize::Result result = spell_alone(kind, value, scratch);
  if (!kind.has_aliases() || result.status != normalize::Status::kValid) return result;
  if (const Alias* alias = kind.alias_of(result.text)) result.text = alias->present;
  return result;
}

bool is_blocked_placeholder(const Kind& kind, std::string_view typed, std::string_view normalized) {
  if (!kind.block_placeholders) return false;
  if (kind.placeholders_of_01) return normalize::is_placeholder_of_01(normalized);
  if (normalize::is_placeholder(normalized)) return true;
  const std::string_view trimmed = normalize::trim(typed);
  return trimmed != normalized && normalize::is_placeholder(trimmed);
}

Request read_request(const ClauseList& list, bool for_map) {
  const auto no_source = [](int clauses) {
    return Error("22023", "there is no source to resolve",
                 fmt::format("The call has {} clauses, and none is an identity_source().", clauses),
                 kExample);
  };
  if (list.is_missing) throw no_source(0);
  if (list.is_null) {
    throw Error("22004", "the list of clauses must not be null", {}, kExample);
  }
  const ClauseArray clauses = take_apart(list.array);

  Request request;
  Rules rules;
  std::vector<Clause> aliases;
  request.max_combinations = kDefaultMaxCombinations;
  bool has_output = false;
  for (int i = 0; i < clauses.count; ++i) {
    if (clauses.nulls[i]) {
      throw Error("22004", fmt::format("clause {} of {} is null", i + 1, clauses.count),
                  "A source that is left out by accident would change who is who.",
                  "Check the expression that gives this clause.");
    }
    const Clause clause = call([&] { return read_clause(clauses.datums[i]); });
    switch (clause.type) {
      case ClauseType::kSource:
        add_source(request, clause);
        break;
      case ClauseType::kRule:
        add_rule(rules, clause);
        break;
      case ClauseType::kAlias:
        aliases.push_back(clause);
        break;
      case ClauseType::kDefaults:
        if (rules.defaults != nullptr) {
          throw Error("42710", "identity_defaults() is given twice", {},
                      "Leave one of the clauses out.");
        }
        // read_clause() knows no other version.
        rules.defaults = clause.version == "current" ? &kDefaults : &kDefaultsOf01;
        break;
      case ClauseType::kColumn:
        if (for_map) break;
        throw Error("22023", "identity_column() is for identity maps",
                    fmt::format("Clause {} of {} asks for the column \"{}\".", i + 1, clauses.count,
                                clause.name),
                    "Leave the clause out: here the definition list says what is shown, as in "
                    "resolve_identities(...) AS (identity_id uuid, email text).");
      case ClauseType::kState:
        request.state = read_state(clause);
        break;
      case ClauseType::kOutput:
        if (has_output) {
          throw Error("42710", "identity_output() is given twice", {},
                      "Put all it needs into one identity_output().");
        }
        has_output = true;
        request.rows =
            clause.rows == "combinations" ? OutputRows::kCombinations : OutputRows::kIdentities;
        request.max_combinations = static_cast<std::uint64_t>(clause.max_combinations);
        break;
    }
  }
  if (request.sources.empty()) throw no_source(clauses.count);
  apply_rules(request, rules);
  for (const Clause& alias : aliases) add_alias(request, alias);
  constexpr std::size_t kMostSources = 32767;
  if (request.sources.size() > kMostSources || request.kinds.size() > kMostSources) {
    throw Error("54000", fmt::format("more than {} sources or kinds", kMostSources));
  }
  if (request.state) {
    // Behind all others, whose numbers are part of identifiers' keys.
    request.kinds.push_back(new_kind(kDefaults, kRecordNumber, Method::kNone, kDeclaredPriority));
    request.kinds.back().rules.links = false;
  }
  return request;
}

}  // namespace identity_resolve::pg
