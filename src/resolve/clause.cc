// The type identity_clause and its constructors. Everything here is plain data, so errors are
// raised the PostgreSQL way, from where they are found.
#include "resolve/clause.h"

#include <cmath>

#include "normalize/normalize.h"
#include "normalize/phone.h"
#include "pg/border.h"

namespace identity_resolve::pg {

namespace {

constexpr const char* kOldestDefaults = "0.1";
constexpr const char* kMakeClauses =
    "Make clauses with identity_source(), identity_rule(), identity_alias(), identity_defaults(), "
    "identity_output() and identity_column().";
constexpr const char* kClauseForm =
    "A clause is a JSON object whose \"clause\" is \"source\", \"rule\", \"alias\", \"defaults\", "
    "\"output\" or \"column\".";

int length_of(std::string_view text) { return static_cast<int>(text.size()); }

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view string_of(std::string_view key, const JsonbValue& value) {
  if (value.type != jbvString) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("identity_clause: \"%.*s\" must be a string", length_of(key), key.data()),
             errhint("%s", kMakeClauses)));
  }
  return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

// The empty pattern matches every text, as the longer `^` does; elsewhere no text is no pattern.
std::string_view pattern_of(std::string_view key, const JsonbValue& value) {
  const std::string_view pattern = string_of(key, value);
  return pattern.empty() ? "^" : pattern;
}

bool bool_of(std::string_view key, const JsonbValue& value) {
  if (value.type != jbvBool) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("identity_clause: \"%.*s\" must be true or false", length_of(key), key.data()),
             errhint("%s", kMakeClauses)));
  }
  return value.val.boolean;
}

std::int64_t integer_of(std::string_view key, const JsonbValue& value) {
  if (value.type != jbvNumeric) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("identity_clause: \"%.*s\" must be a number", length_of(key), key.data()),
             errhint("%s", kMakeClauses)));
  }
  return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)));
}

double number_of(std::string_view key, const JsonbValue& value) {
  if (value.type != jbvNumeric) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("identity_clause: \"%.*s\" must be a number", length_of(key), key.data()),
             errhint("%s", kMakeClauses)));
  }
  return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value.val.numeric)));
}

const JsonbContainer* elements_of(std::string_view key, const JsonbValue& value,
                                  jbvType type = jbvString) {
  bool strings = value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data) &&
                 !JsonContainerIsScalar(value.val.binary.data);
  if (strings) {
    JsonbIterator* iterator = JsonbIteratorInit(value.val.binary.data);
    JsonbValue element;
    for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &element, true); token != WJB_DONE;
         token = JsonbIteratorNext(&iterator, &element, true)) {
      strings = strings && (token != WJB_ELEM || element.type == type);
    }
  }
  if (!strings) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("identity_clause: \"%.*s\" must be an array of %s", length_of(key),
                           key.data(), type == jbvString ? "strings" : "numbers"),
                    errhint("%s", kMakeClauses)));
  }
  return value.val.binary.data;
}

// Whether a text can name a source or a kind: a lower-case SQL identifier of at most 60 bytes, as
// output columns are named after it.
bool is_name(std::string_view text) noexcept {
  constexpr std::size_t kLongest = NAMEDATALEN - 1 - 3;  // room for "_id"
  if (text.empty() || text.size() > kLongest || !is_letter(text.front())) return false;
  for (const char c : text) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '$') return false;
  }
  return true;
}

void check_name(std::string_view name, const char* what, const char* examples) {
  if (is_name(name)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_NAME),
           errmsg("\"%.*s\" cannot name %s", length_of(name), name.data(), what),
           errdetail("Output columns are named after it: it must start with a lower-case letter or "
                     "an underscore, go on with these or digits, and have at most 60 bytes."),
           errhint("Use a name such as %s.", examples)));
}

// What an identity map does about a source that has lost many records.
void check_loss(const Clause& clause) {
  if (clause.max_loss && !(*clause.max_loss >= 0 && *clause.max_loss <= 1)) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("max_loss must lie between 0 and 1, not %g", *clause.max_loss),
             errdetail("Source \"%.*s\" asks for it: the share of its records that an identity map "
                       "lets go in one refresh.",
                       length_of(clause.name), clause.name.data()),
             errhint("Use max_loss => 0.5 for a half, or leave it out, which says the same.")));
  }
  if (clause.on_loss.data() == nullptr || clause.on_loss == "keep" || clause.on_loss == "fail" ||
      clause.on_loss == "allow") {
    return;
  }
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("on_loss cannot be \"%.*s\"", length_of(clause.on_loss), clause.on_loss.data()),
           errdetail("Source \"%.*s\" asks for it: what an identity map does when the source has "
                     "lost more records than max_loss allows.",
                     length_of(clause.name), clause.name.data()),
           errhint("Use on_loss => 'keep', which keeps the source as it was and warns, 'fail' or "
                   "'allow'.")));
}

void check_source(const Clause& clause) {
  check_name(clause.name, "a source", "'zendesk' or 'zendesk_eu'");
  if (clause.query.data() == nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("source \"%.*s\" has no query", length_of(clause.name), clause.name.data()),
             errhint("Write identity_source('name', 'SELECT id, email FROM ...').")));
  }
  if (clause.bad_ids.data() != nullptr && clause.bad_ids != "leave_out" &&
      clause.bad_ids != "error") {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("bad_ids cannot be \"%.*s\"", length_of(clause.bad_ids), clause.bad_ids.data()),
             errdetail("Source \"%.*s\" asks for it: what becomes of rows whose record id is blank "
                       "or stands for none.",
                       length_of(clause.name), clause.name.data()),
             errhint("Use bad_ids => 'leave_out', which warns, or bad_ids => 'error'.")));
  }
  check_loss(clause);
  if (clause.capture.data() == nullptr) return;
  if (clause.capture != "trigger") {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("capture cannot be \"%.*s\"", length_of(clause.capture), clause.capture.data()),
             errdetail("Source \"%.*s\" asks for it: how an identity map hears of its changes.",
                       length_of(clause.name), clause.name.data()),
             errhint("Use capture => 'trigger', or leave it out: the query is read as a whole.")));
  }
  if (clause.changed_since.data() != nullptr) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("source \"%.*s\" has both changed_since and capture",
                           length_of(clause.name), clause.name.data()),
                    errhint("Triggers tell of every change; leave changed_since out.")));
  }
}

[[noreturn]] void no_type();

void check_column(const Clause& clause) {
  if (clause.name.empty() || clause.name.size() >= NAMEDATALEN) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                    errmsg("\"%.*s\" cannot name a column", length_of(clause.name),
                           clause.name.empty() ? "" : clause.name.data()),
                    errhint("Use <source>_id, <kind>, <source>_<kind>, record_count or sources.")));
  }
  if (clause.name == "identity_id") {
    ereport(ERROR,
            (errcode(ERRCODE_RESERVED_NAME), errmsg("column \"identity_id\" is there anyway"),
             errdetail("It is the first column of every identity map, and its primary key."),
             errhint("Leave the clause out.")));
  }
  if (clause.column_type.empty()) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("column \"%.*s\" has no type", length_of(clause.name), clause.name.data()),
             errhint("Write for example identity_column('emails', 'text[]').")));
  }
}

void check_state(const Clause& clause) {
  if (clause.secret.empty() || clause.common == nullptr) no_type();
}

void check_kind(std::string_view kind, const char* what, const char* examples) {
  check_name(kind, what, examples);
  constexpr std::array<std::string_view, 7> kReserved = {
      "id", "identity_id", "record_count", "sources", "updated_at", "record_id", "source"};
  for (const std::string_view reserved : kReserved) {
    if (kind != reserved) continue;
    ereport(ERROR, (errcode(ERRCODE_RESERVED_NAME),
                    errmsg("\"%.*s\" cannot name %s", length_of(reserved), reserved.data(), what),
                    errdetail("The name has a meaning of its own in sources or results."),
                    errhint("Give the column another name in the source's query, with AS.")));
  }
}

void check_rule(const Clause& clause) {
  check_kind(clause.kind, "a kind of identifier", "'loyalty_id' or 'plan'");
  if (clause.normalizer.data() != nullptr && !normalize::method_by_name(clause.normalizer)) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("normalizer \"%.*s\" does not exist", length_of(clause.normalizer),
                    clause.normalizer.data()),
             errdetail("Kind \"%.*s\" asks for it.", length_of(clause.kind), clause.kind.data()),
             errhint("Use one of exact, casefold, email, mailbox, phone, salesforce_id, uuid, "
                     "object_id, none.")));
  }
  if (clause.region.data() != nullptr &&
      guarded([&] { return normalize::phone_region(clause.region); }).empty()) {
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
         errmsg("region \"%.*s\" does not exist", length_of(clause.region), clause.region.data()),
         errdetail("Kind \"%.*s\" asks for it, to read telephone numbers in national form.",
                   length_of(clause.kind), clause.kind.data()),
         errhint("Use the two letters of ISO 3166-1, such as GB, US or DE, or the three, such as "
                 "GBR.")));
  }
}

void check_limit(const char* name, const std::optional<std::int64_t>& limit, const Clause& clause) {
  constexpr std::int64_t kGreatest = PG_INT32_MAX;
  if (!limit || (*limit >= 0 && *limit <= kGreatest)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("%s must lie between 0 and " INT64_FORMAT ", not " INT64_FORMAT, name, kGreatest,
                  *limit),
           errdetail("Kind \"%.*s\" asks for it.", length_of(clause.kind), clause.kind.data()),
           errhint("Use 0 for no limit, or leave it out for the kind's default.")));
}

// Raises PostgreSQL's own error for a pattern that is none, and says with it whose pattern it is.
void check_pattern(const Clause& clause, std::string_view pattern, bool any_case) {
  if (pattern.data() == nullptr) return;
  struct Asked {
    std::string_view kind;
    std::string_view pattern;
    bool any_case;
  } asked{clause.kind, pattern, any_case};
  ErrorContextCallback context{
      error_context_stack,
      [](void* argument) {
        if (geterrcode() != ERRCODE_INVALID_REGULAR_EXPRESSION) return;
        const auto* at = static_cast<const Asked*>(argument);
        errdetail("It is the %s of kind \"%.*s\": %.*s",
                  at->any_case ? "blocked_ipattern" : "blocked_pattern", length_of(at->kind),
                  at->kind.data(), length_of(at->pattern), at->pattern.data());
        errhint(
            "It is read as by the operator %s. A backslash before a character takes it as it is.",
            at->any_case ? "~*" : "~");
      },
      &asked};
  error_context_stack = &context;
  RE_compile_and_cache(cstring_to_text_with_len(pattern.data(), length_of(pattern)),
                       REG_ADVANCED | (any_case ? REG_ICASE : 0), DEFAULT_COLLATION_OID);
  error_context_stack = context.previous;
}

void check_scope(const Clause& clause) {
  if (clause.scope.data() == nullptr || clause.scope == "source") return;
  check_kind(clause.scope, "a scope", "'all', 'source', or a column of the sources: 'tenant'");
  if (clause.scope != clause.kind) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
       errmsg("kind \"%.*s\" cannot be its own scope", length_of(clause.kind), clause.kind.data()),
       errdetail("Equal values link only where their rows have the same scope, and equal "
                 "values always would."),
       errhint("Use 'all', 'source', or the name of another column, such as 'tenant'.")));
}

// What keeps people apart.
void check_guards(const Clause& clause) {
  check_limit("max_records", clause.max_records, clause);
  check_limit("role_max_records", clause.role_max_records, clause);
  check_limit("max_records_in_all", clause.max_records_in_all, clause);
  check_limit("max_per_identity", clause.max_per_identity, clause);
  if (clause.priority && (*clause.priority < PG_INT16_MIN || *clause.priority > PG_INT16_MAX)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("priority must lie between -32768 and 32767, not " INT64_FORMAT,
                           *clause.priority),
                    errhint("The greater is the stronger kind; user_id has 100, email 60.")));
  }
  check_scope(clause);
  if (clause.on_tie.data() != nullptr && clause.on_tie != "apart" && clause.on_tie != "data") {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("on_tie cannot be \"%.*s\"", length_of(clause.on_tie), clause.on_tie.data()),
             errdetail("It says what becomes of a value that several people claim with equally "
                       "strong evidence."),
             errhint("Use on_tie => 'apart' (it joins none of them) or on_tie => 'data' (the "
                     "first in the order of the data has it).")));
  }
  check_pattern(clause, clause.blocked_pattern, false);
  check_pattern(clause, clause.blocked_ipattern, true);
}

void check_output(const Clause& clause) {
  if (clause.rows != "identities" && clause.rows != "combinations") {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("identity_output() cannot give \"%.*s\" as rows", length_of(clause.rows),
                    clause.rows.data() != nullptr ? clause.rows.data() : ""),
             errdetail("'identities' is one row an identity, 'combinations' the rows that LEFT "
                       "JOINs over all links would give."),
             errhint("Use rows => 'identities' or rows => 'combinations'.")));
  }
  if (clause.max_combinations < 1) {
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
         errmsg("max_combinations must be at least 1, not " INT64_FORMAT, clause.max_combinations),
         errdetail("It is the most rows that one identity may give."),
         errhint("Leave it out for the default of " INT64_FORMAT ".", kDefaultMaxCombinations)));
  }
}

void check_alias(const Clause& clause) {
  check_name(clause.kind, "a kind of identifier", "'user_id' or 'hubspot_id'");
  if (clause.query.data() != nullptr) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("the alias of \"%.*s\" has no query", length_of(clause.kind), clause.kind.data()),
           errhint("Write identity_alias('user_id', 'SELECT former, present FROM ...').")));
}

void check_defaults(const Clause& clause) {
  if (clause.version == kOldestDefaults || clause.version == "current") return;
  const bool is_missing = clause.version.data() == nullptr;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("there are no defaults of version \"%.*s\"", length_of(clause.version),
                         is_missing ? "" : clause.version.data()),
                  errhint("Write identity_defaults('%s'), or leave it out for those of today.",
                          kOldestDefaults)));
}

[[noreturn]] void unknown_part(std::string_view key) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("identity_clause has no part \"%.*s\"", length_of(key), key.data()),
                  errhint("%s", kMakeClauses)));
  pg_unreachable();
}

[[noreturn]] void no_type() {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("identity_clause does not say what it is"), errdetail("%s", kClauseForm),
                  errhint("%s", kMakeClauses)));
  pg_unreachable();
}

ClauseType type_named(std::string_view name) {
  if (name == "source") return ClauseType::kSource;
  if (name == "rule") return ClauseType::kRule;
  if (name == "alias") return ClauseType::kAlias;
  if (name == "defaults") return ClauseType::kDefaults;
  if (name == "output") return ClauseType::kOutput;
  if (name == "column") return ClauseType::kColumn;
  if (name == "state") return ClauseType::kState;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("identity_clause cannot be a \"%.*s\"", length_of(name),
                         name.data() != nullptr ? name.data() : ""),
                  errdetail("%s", kClauseForm), errhint("%s", kMakeClauses)));
  pg_unreachable();
}

// Of a rule: the parts that keep people apart. Whether `key` is one of them.
bool set_guard(Clause& clause, std::string_view key, const JsonbValue& value) {
  if (key == "blocked") {
    clause.blocked = elements_of(key, value);
  } else if (key == "blocked_pattern") {
    clause.blocked_pattern = pattern_of(key, value);
  } else if (key == "blocked_ipattern") {
    clause.blocked_ipattern = pattern_of(key, value);
  } else if (key == "block_placeholders") {
    clause.block_placeholders = bool_of(key, value);
  } else if (key == "block_roles") {
    clause.block_roles = bool_of(key, value);
  } else if (key == "block_automatic") {
    clause.block_automatic = bool_of(key, value);
  } else if (key == "role_max_records") {
    clause.role_max_records = integer_of(key, value);
  } else if (key == "max_records") {
    clause.max_records = integer_of(key, value);
  } else if (key == "max_per_identity") {
    clause.max_per_identity = integer_of(key, value);
  } else if (key == "priority") {
    clause.priority = integer_of(key, value);
  } else if (key == "fallback") {
    clause.fallback = bool_of(key, value);
  } else if (key == "on_tie") {
    clause.on_tie = string_of(key, value);
  } else if (key == "max_records_in_all") {
    clause.max_records_in_all = integer_of(key, value);
  } else if (key == "scope") {
    clause.scope = string_of(key, value);
  } else {
    return false;
  }
  return true;
}

void set_part(Clause& clause, std::string_view key, const JsonbValue& value) {
  if (key == "clause") return;
  if (clause.type == ClauseType::kSource && key == "name") {
    clause.name = string_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "query") {
    clause.query = string_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "changed_since") {
    clause.changed_since = string_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "capture") {
    clause.capture = string_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "bad_ids") {
    clause.bad_ids = string_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "max_loss") {
    clause.max_loss = number_of(key, value);
  } else if (clause.type == ClauseType::kSource && key == "on_loss") {
    clause.on_loss = string_of(key, value);
  } else if (clause.type == ClauseType::kColumn && key == "name") {
    clause.name = string_of(key, value);
  } else if (clause.type == ClauseType::kColumn && key == "type") {
    clause.column_type = string_of(key, value);
  } else if (clause.type == ClauseType::kState && key == "secret") {
    clause.secret = string_of(key, value);
  } else if (clause.type == ClauseType::kState && key == "common") {
    clause.common = elements_of(key, value, jbvNumeric);
  } else if (clause.type == ClauseType::kState && key == "map_id") {
    clause.map_id = integer_of(key, value);
  } else if (clause.type == ClauseType::kState && key == "aliased") {
    clause.aliased = elements_of(key, value);
  } else if (clause.type == ClauseType::kRule && key == "kind") {
    clause.kind = string_of(key, value);
  } else if (clause.type == ClauseType::kRule && key == "normalizer") {
    clause.normalizer = string_of(key, value);
  } else if (clause.type == ClauseType::kRule && key == "region") {
    clause.region = string_of(key, value);
  } else if (clause.type == ClauseType::kRule && key == "link") {
    clause.link = bool_of(key, value);
  } else if (clause.type == ClauseType::kRule && set_guard(clause, key, value)) {
    return;
  } else if (clause.type == ClauseType::kAlias && key == "kind") {
    clause.kind = string_of(key, value);
  } else if (clause.type == ClauseType::kAlias && key == "query") {
    clause.query = string_of(key, value);
  } else if (clause.type == ClauseType::kDefaults && key == "version") {
    clause.version = string_of(key, value);
  } else if (clause.type == ClauseType::kOutput && key == "rows") {
    clause.rows = string_of(key, value);
  } else if (clause.type == ClauseType::kOutput && key == "max_combinations") {
    clause.max_combinations = integer_of(key, value);
  } else {
    unknown_part(key);
  }
}

// Builds the JSON text of a clause part by part and makes a checked datum of it.
class ClauseText {
 public:
  explicit ClauseText(const char* type) {
    initStringInfo(&text_);
    appendStringInfo(&text_, "{\"clause\": \"%s\"", type);
  }
  void add(const char* key, const text* value) {
    appendStringInfo(&text_, ", \"%s\": ", key);
    escape_json(&text_, text_to_cstring(value));
  }
  void add(const char* key, bool value) {
    appendStringInfo(&text_, ", \"%s\": %s", key, value ? "true" : "false");
  }
  void add(const char* key, std::int64_t value) {
    appendStringInfo(&text_, ", \"%s\": " INT64_FORMAT, key, value);
  }
  // A double that JSON cannot write is a string there, which the clause then refuses.
  void add(const char* key, double value) {
    const char* digits = DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value)));
    const bool is_number = std::isfinite(value);
    appendStringInfo(&text_, is_number ? ", \"%s\": %s" : ", \"%s\": \"%s\"", key, digits);
  }
  // Raises an error for a NULL element.
  void add(const char* key, ArrayType* values) {
    Datum* datums = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(values, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &count);
    appendStringInfo(&text_, ", \"%s\": [", key);
    for (int i = 0; i < count; ++i) {
      if (nulls[i]) {
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not hold null", key),
                 errhint("A null identifier never links anyway: leave it out.")));
      }
      if (i > 0) appendStringInfoString(&text_, ", ");
      escape_json(&text_, TextDatumGetCString(datums[i]));
    }
    appendStringInfoChar(&text_, ']');
  }
  Datum finish() {
    appendStringInfoChar(&text_, '}');
    const Datum datum = DirectFunctionCall1(jsonb_in, CStringGetDatum(text_.data));
    read_clause(datum);
    return datum;
  }

 private:
  StringInfoData text_;
};

[[noreturn]] void null_argument(const char* function, const char* argument) {
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                  errmsg("%s of %s() must not be null", argument, function),
                  errhint("Check the expression that gives it; a clause cannot be half made.")));
  pg_unreachable();
}

}  // namespace

void refine(Clause& rule, const Clause& later) {
  const auto take = [](auto& part, const auto& refined) {
    if (refined) part = refined;
  };
  const auto take_text = [](std::string_view& part, std::string_view refined) {
    if (refined.data() != nullptr) part = refined;
  };
  take_text(rule.normalizer, later.normalizer);
  take_text(rule.region, later.region);
  take(rule.link, later.link);
  take(rule.blocked, later.blocked);
  take_text(rule.blocked_pattern, later.blocked_pattern);
  take_text(rule.blocked_ipattern, later.blocked_ipattern);
  take(rule.block_placeholders, later.block_placeholders);
  take(rule.block_roles, later.block_roles);
  take(rule.block_automatic, later.block_automatic);
  take(rule.role_max_records, later.role_max_records);
  take(rule.max_records, later.max_records);
  take(rule.max_per_identity, later.max_per_identity);
  take(rule.priority, later.priority);
  take(rule.fallback, later.fallback);
  take_text(rule.on_tie, later.on_tie);
  take(rule.max_records_in_all, later.max_records_in_all);
  take_text(rule.scope, later.scope);
}

Clause read_clause(Datum datum) {
  Jsonb* jsonb = DatumGetJsonbP(datum);
  Clause clause;
  clause.rows = "identities";
  clause.max_combinations = kDefaultMaxCombinations;
  if (!JB_ROOT_IS_OBJECT(jsonb)) no_type();

  JsonbValue type;
  if (getKeyJsonValueFromContainer(&jsonb->root, "clause", 6, &type) == nullptr) no_type();
  clause.type = type_named(string_of("clause", type));

  JsonbIterator* iterator = JsonbIteratorInit(&jsonb->root);
  JsonbValue value;
  std::string_view key;
  for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, true); token != WJB_DONE;
       token = JsonbIteratorNext(&iterator, &value, true)) {
    // Only the object's own parts: an array among them is one value.
    if (token == WJB_KEY) {
      key = {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
    } else if (token == WJB_VALUE) {
      set_part(clause, key, value);
    }
  }
  switch (clause.type) {
    case ClauseType::kSource:
      check_source(clause);
      break;
    case ClauseType::kRule:
      check_rule(clause);
      check_guards(clause);
      break;
    case ClauseType::kAlias:
      check_alias(clause);
      break;
    case ClauseType::kDefaults:
      check_defaults(clause);
      break;
    case ClauseType::kOutput:
      check_output(clause);
      break;
    case ClauseType::kColumn:
      check_column(clause);
      break;
    case ClauseType::kState:
      check_state(clause);
      break;
  }
  return clause;
}

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_clause_in(cstring) → identity_clause: JSON, checked as a constructor would.
IDENTITY_RESOLVE_FUNCTION(identity_clause_in) {
  const Datum json = PG_GETARG_DATUM(0);
  const Datum datum = guarded([json] {
    try {
      return call([json] { return DirectFunctionCall1(jsonb_in, json); });
    } catch (const PgError& error) {
      if (error.data()->sqlerrcode != ERRCODE_INVALID_TEXT_REPRESENTATION) throw;
      throw identity_resolve::engine::Error("22P02",
                                            "invalid input syntax for type identity_clause",
                                            error.data()->message, kMakeClauses);
    }
  });
  read_clause(datum);
  PG_RETURN_DATUM(datum);
}

// identity_clause_out(identity_clause) → cstring: its JSON.
IDENTITY_RESOLVE_FUNCTION(identity_clause_out) {
  PG_RETURN_DATUM(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(0)));
}

// identity_clause_recv(internal) → identity_clause: as jsonb travels, checked.
IDENTITY_RESOLVE_FUNCTION(identity_clause_recv) {
  const Datum datum = DirectFunctionCall1(jsonb_recv, PG_GETARG_DATUM(0));
  read_clause(datum);
  PG_RETURN_DATUM(datum);
}

// identity_clause_send(identity_clause) → bytea: as jsonb travels.
IDENTITY_RESOLVE_FUNCTION(identity_clause_send) {
  PG_RETURN_DATUM(DirectFunctionCall1(jsonb_send, PG_GETARG_DATUM(0)));
}

// identity_source(name text, query text, changed_since text, capture text, bad_ids text, max_loss
// double precision, on_loss text) → identity_clause. Errors: 22004 for NULL, 42602 for a name that
// no output column can bear, 22023 for a capture, bad_ids or on_loss that does not exist, and for a
// max_loss that is no share. The query is looked at only when the clause is used.
IDENTITY_RESOLVE_FUNCTION(identity_source) {
  if (PG_ARGISNULL(0)) null_argument("identity_source", "the name");
  if (PG_ARGISNULL(1)) null_argument("identity_source", "the query");
  ClauseText clause("source");
  clause.add("name", PG_GETARG_TEXT_PP(0));
  clause.add("query", PG_GETARG_TEXT_PP(1));
  if (PG_NARGS() > 2 && !PG_ARGISNULL(2)) clause.add("changed_since", PG_GETARG_TEXT_PP(2));
  if (PG_NARGS() > 3 && !PG_ARGISNULL(3)) clause.add("capture", PG_GETARG_TEXT_PP(3));
  if (PG_NARGS() > 4 && !PG_ARGISNULL(4)) clause.add("bad_ids", PG_GETARG_TEXT_PP(4));
  if (PG_NARGS() > 5 && !PG_ARGISNULL(5)) clause.add("max_loss", PG_GETARG_FLOAT8(5));
  if (PG_NARGS() > 6 && !PG_ARGISNULL(6)) clause.add("on_loss", PG_GETARG_TEXT_PP(6));
  PG_RETURN_DATUM(clause.finish());
}

// identity_column(name text, type text) → identity_clause. Errors: 22004, 42602, 42939 for
// identity_id, 22023. Whether the name and the type mean something is found out when a map is made.
IDENTITY_RESOLVE_FUNCTION(identity_column) {
  if (PG_ARGISNULL(0)) null_argument("identity_column", "the name");
  if (PG_ARGISNULL(1)) null_argument("identity_column", "the type");
  ClauseText clause("column");
  clause.add("name", PG_GETARG_TEXT_PP(0));
  clause.add("type", PG_GETARG_TEXT_PP(1));
  PG_RETURN_DATUM(clause.finish());
}

// identity_rule(kind text, ...) → identity_clause: src/sql/00-clauses.sql. NULL leaves what the
// kind has. Errors: 22004, 42602, 42939 for a reserved name, 22023 for what is unknown or out of
// range, 2201B for an invalid pattern.
IDENTITY_RESOLVE_FUNCTION(identity_rule) {
  if (PG_ARGISNULL(0)) null_argument("identity_rule", "the kind");
  ClauseText clause("rule");
  clause.add("kind", PG_GETARG_TEXT_PP(0));
  if (!PG_ARGISNULL(1)) clause.add("normalizer", PG_GETARG_TEXT_PP(1));
  if (!PG_ARGISNULL(2)) clause.add("link", PG_GETARG_BOOL(2));
  if (!PG_ARGISNULL(3)) clause.add("region", PG_GETARG_TEXT_PP(3));
  if (!PG_ARGISNULL(4)) clause.add("blocked", PG_GETARG_ARRAYTYPE_P(4));
  if (!PG_ARGISNULL(5)) clause.add("blocked_pattern", PG_GETARG_TEXT_PP(5));
  if (!PG_ARGISNULL(6)) clause.add("blocked_ipattern", PG_GETARG_TEXT_PP(6));
  if (!PG_ARGISNULL(7)) clause.add("block_placeholders", PG_GETARG_BOOL(7));
  if (!PG_ARGISNULL(8)) clause.add("block_roles", PG_GETARG_BOOL(8));
  if (!PG_ARGISNULL(9)) clause.add("max_records", static_cast<std::int64_t>(PG_GETARG_INT64(9)));
  if (!PG_ARGISNULL(10)) {
    clause.add("max_per_identity", static_cast<std::int64_t>(PG_GETARG_INT32(10)));
  }
  if (!PG_ARGISNULL(11)) clause.add("priority", static_cast<std::int64_t>(PG_GETARG_INT32(11)));
  if (!PG_ARGISNULL(12)) clause.add("fallback", PG_GETARG_BOOL(12));
  if (!PG_ARGISNULL(13)) clause.add("on_tie", PG_GETARG_TEXT_PP(13));
  if (!PG_ARGISNULL(14)) {
    clause.add("max_records_in_all", static_cast<std::int64_t>(PG_GETARG_INT64(14)));
  }
  if (!PG_ARGISNULL(15)) clause.add("scope", PG_GETARG_TEXT_PP(15));
  if (!PG_ARGISNULL(16)) clause.add("block_automatic", PG_GETARG_BOOL(16));
  if (!PG_ARGISNULL(17)) {
    clause.add("role_max_records", static_cast<std::int64_t>(PG_GETARG_INT64(17)));
  }
  PG_RETURN_DATUM(clause.finish());
}

// identity_alias(kind text, query text) → identity_clause. Errors: 22004, 42602. The query is
// looked at only when the clause is used.
IDENTITY_RESOLVE_FUNCTION(identity_alias) {
  if (PG_ARGISNULL(0)) null_argument("identity_alias", "the kind");
  if (PG_ARGISNULL(1)) null_argument("identity_alias", "the query");
  ClauseText clause("alias");
  clause.add("kind", PG_GETARG_TEXT_PP(0));
  clause.add("query", PG_GETARG_TEXT_PP(1));
  PG_RETURN_DATUM(clause.finish());
}

// identity_defaults(version text) → identity_clause. Errors: 22004, 22023 for another version.
IDENTITY_RESOLVE_FUNCTION(identity_defaults) {
  if (PG_ARGISNULL(0)) null_argument("identity_defaults", "the version");
  ClauseText clause("defaults");
  clause.add("version", PG_GETARG_TEXT_PP(0));
  PG_RETURN_DATUM(clause.finish());
}

// identity_output(rows text, max_combinations bigint) → identity_clause. Errors: 22004, 22023.
IDENTITY_RESOLVE_FUNCTION(identity_output) {
  if (PG_ARGISNULL(0)) null_argument("identity_output", "rows");
  if (PG_ARGISNULL(1)) null_argument("identity_output", "max_combinations");
  ClauseText clause("output");
  clause.add("rows", PG_GETARG_TEXT_PP(0));
  clause.add("max_combinations", static_cast<std::int64_t>(PG_GETARG_INT64(1)));
  PG_RETURN_DATUM(clause.finish());
}
