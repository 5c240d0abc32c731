// The SQL function identity_check(): all that is wrong with a call at once.
//
//   clauses   read together; where that fails one by one, and what fails is told and left out
//   sources   each is prepared; the faults of all its columns are told. A column of no known kind
//             is then only carried, so that the rest can be measured; a source with another fault
//             is left out
//   run       one resolve with evidence of what is left. Where a source fails at run time, those
//             behind it are read alone, to find whatever else fails, and the rest is resolved: no
//             source is read more than twice
//   measure   one pass over the evidence counts; a second one, over what is in memory already,
//             counts the candidates for too frequent values
//
// What may fail runs in a subtransaction (pg/attempt.h). Nothing is written: a source's query runs
// read-only, as in a resolve. Memory: that of a resolve with evidence; some 10 MB a kind of ids at
// most; 8 bytes a record of sources that read the same table.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_set>

#include "engine/frequent_values.h"
#include "engine/spelling_gaps.h"
#include "pg/attempt.h"
#include "pg/result_rows.h"
#include "pg/spi.h"
#include "resolve/aliases.h"
#include "resolve/clause.h"
#include "resolve/execution.h"
#include "resolve/query_names.h"
#include "resolve/resolve.h"

namespace identity_resolve::pg {

namespace {

using engine::KindNumber;
using engine::LinkStatus;
using engine::SourceNumber;

constexpr std::size_t kNoSource = SIZE_MAX;

enum class Severity : std::uint8_t { kError, kWarning, kNote };
constexpr std::array kSeverityNames = {"error", "warning", "note"};

// The order of what is said of one source.
enum class Topic : std::uint8_t {
  kFault,
  kEmpty,
  kRecordId,
  kRepeats,
  kBare,
  kInvalid,
  kFrequent,
  kHoards,
  kSpelling,
  kUpdatedAt,
  kSameTable,
  kSharesNothing,
  kOneSource,
  kNoSourceHasIt,
  kName,
  kOther
};

struct Finding {
  Severity severity;
  std::size_t source;  // its place among the clauses; kNoSource
  Topic topic;
  std::string subject;
  std::string problem;
  std::string advice;
};

// From so many records on a share of them is worth telling; a record with so many identifiers of a
// kind is.
constexpr std::uint64_t kFewRecords = 5;
constexpr std::uint64_t kManyIdentifiers = 10;

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// A value of the data in a sentence, in the database's encoding.
std::string shown(std::string_view utf8) {
  constexpr std::size_t kLongest = 60;
  const bool is_long = utf8.size() > kLongest;
  if (is_long) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0U) == 0x80U) --end;
    utf8 = utf8.substr(0, end);
  }
  return for_client(utf8) + (is_long ? "..." : "");
}

std::string sentence_of(const std::string& message, const std::string& detail) {
  return detail.empty() ? message : fmt::format("{}. {}", message, detail);
}

// ---- what an invalid value looks like ----

enum class Look : std::uint8_t { kHash, kMasked, kJson, kNational, kOther };
constexpr std::size_t kLooks = 5;

Look look_of(const Kind& kind, std::string_view value) {
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_phone = kind.method == normalize::Method::kPhone;
  if (!is_phone && (value.size() == 32 || value.size() == 40 || value.size() == 64) &&
      std::ranges::all_of(value, is_hex)) {
    return Look::kHash;
  }
  if (value.starts_with('[') || value.starts_with('{')) return Look::kJson;
  if (value.find('*') != std::string_view::npos || value.find("xxx") != std::string_view::npos ||
      value.find("XXX") != std::string_view::npos) {
    return Look::kMasked;
  }
  constexpr std::ptrdiff_t kFewestDigits = 6;
  if (is_phone && kind.region.empty() && std::ranges::count_if(value, is_digit) >= kFewestDigits) {
    return Look::kNational;
  }
  return Look::kOther;
}

std::string describe(Look look, const Kind& kind, const std::string& source) {
  switch (look) {
    case Look::kHash:
      return fmt::format(
          "They look like hashes, which link to equal hashes only: name the column as a kind of "
          "its own, such as {0}_hash, and declare it with identity_rule('{0}_hash').",
          kind.name);
    case Look::kMasked:
      return "They look masked, and say nothing of a person: leave the column out, or have the "
             "loader bring the true values.";
    case Look::kJson:
      return "They look like JSON in a text column: cast it, for example column::jsonb, or take "
             "the values out with jsonb_array_elements_text().";
    case Look::kNational:
      return fmt::format(
          "They look like national telephone numbers: say of which country, "
          "identity_rule('{}', region => 'GB').",
          kind.name);
    case Look::kOther:
      break;
  }
  return fmt::format(
      "Look at them: identity_links() shows them with source {} and status invalid. If they are no "
      "{}, name the column as another kind, or leave it out.",
      source, kind.name);
}

// ---- what is counted ----

struct KindTally {
  std::array<std::uint64_t, engine::kLinkStatuses> statuses{};
  std::array<std::uint64_t, kLooks> looks{};  // of invalid ones
  std::uint64_t identifiers = 0;
  std::uint64_t records = 0;  // that carry any
  std::uint64_t crowded = 0;  // records with kManyIdentifiers or more
  std::uint64_t most = 0;     // on one record
  std::string most_id = {};   // the least of those
  std::string invalid = {};   // an example: the least
  engine::FrequentValues frequent = {};
  std::unordered_set<std::string> blocked = {};  // of those that are frequent

  [[nodiscard]] std::uint64_t with(LinkStatus status) const noexcept {
    return statuses[static_cast<std::size_t>(status)];
  }
};

struct SourceTally {
  std::uint64_t records = 0;
  std::uint64_t rows = 0;
  std::uint64_t dated = 0;    // rows with an updated_at
  std::uint64_t bare = 0;     // records without an identifier that links, or might
  std::uint64_t several = 0;  // records with several values of a kind that links
  bool shares = false;        // an identity with another source
  std::map<KindNumber, KindTally> kinds = {};
  std::unordered_set<std::uint64_t> ids = {};  // hashes; of sources that read one table
};

// What is known of a source before it is read.
struct SourceFacts {
  std::string name;
  std::string id_name = {};
  bool is_good = false;
  bool is_read = false;  // prepared: its columns are known
  bool ids_are_unique = false;
  bool has_updated_at = false;
  bool is_told = false;  // what identify() was told of an identity map: nobody can mend it
  std::vector<std::string> kinds = {};
  std::vector<Oid> tables = {};
  std::vector<std::size_t> twins = {};  // sources that read the same tables
};

// The lesser of two, of which one may not be there yet.
void keep_least(std::string& least, std::string_view value, bool is_first) {
  if (is_first || engine::compare_ids(value, least) < 0) least = value;
}

// Letters to be changed, added, taken away or swapped to make one word of another; for
// did-you-mean.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

class Check {
 public:
  explicit Check(const ClauseList& list);

  // In the order in which they are shown.
  std::vector<Finding> run();
  [[nodiscard]] std::string source_name(std::size_t place) const { return sources_[place].name; }

 private:
  struct ListedClause {
    Datum datum = 0;
    bool is_null = false;
    bool is_good = false;
    ClauseType type = ClauseType::kSource;
    std::string name = {};  // of a source; of a rule or an alias the kind
    bool is_ours = false;   // it carries a column that the user has no rule for
  };

  void read_clauses();
  void admit_one_by_one();
  [[nodiscard]] ClauseList good_clauses(const ListedClause* also = nullptr) const;
  void prepare();
  void prepare_source(const Request& request, std::size_t number);
  void carry_unknown_columns(std::size_t place, const std::vector<ColumnFault>& faults,
                             const Request& request);
  void try_aliases(const Request& request);
  void leave_out(std::size_t place);
  void try_columns();
  void resolve();
  [[nodiscard]] bool find_failing(const Fault& fault);
  void measure(Execution& execution);
  void count(Execution& execution);
  void count_record(const Request& request, const Execution::RecordEvidence& record);
  void count_frequent(Execution& execution);

  void judge_source(const Request& request, std::size_t number);
  void judge_kind(const Request& request, std::size_t number, KindNumber kind);
  void judge_frequent(const Kind& kind, std::size_t place, const KindTally& tally);
  void judge_kinds(const Request& request);
  void judge_rules(const Request& request);
  void judge_spellings(const Request& request);
  void judge_twins();
  void take_notices(const std::vector<Notice>& notices);

  void add(Severity severity, std::size_t source, Topic topic, std::string subject,
           std::string problem, std::string advice) {
    findings_.push_back(
        {severity, source, topic, std::move(subject), std::move(problem), std::move(advice)});
  }
  void add_fault(std::size_t source, std::string subject, const Fault& fault) {
    add(Severity::kError, source, Topic::kFault, std::move(subject),
        sentence_of(fault.message, fault.detail), fault.hint);
  }
  [[nodiscard]] std::size_t place_of(std::string_view name) const {
    const auto found = std::ranges::find(sources_, name, &SourceFacts::name);
    return found == sources_.end() ? kNoSource : static_cast<std::size_t>(found - sources_.begin());
  }

  MemoryContext memory_ = CurrentMemoryContext;  // of the whole call
  Oid clause_type_ = InvalidOid;
  std::vector<ListedClause> clauses_;
  std::vector<SourceFacts> sources_;  // in the order of the clauses
  std::vector<Finding> findings_;

  // Of what is resolved.
  std::vector<std::size_t> places_;  // of the request's sources
  std::vector<SourceTally> tallies_;
  std::map<KindNumber, engine::SpellingGaps> spellings_;
  struct Noted {
    const engine::TooCommon* values;
    std::vector<engine::Key> keys;  // sorted
    std::optional<std::string> worst = {};
  };
  std::vector<Noted> noted_;
};

// ---- clauses ----

Check::Check(const ClauseList& list) {
  // A call without clauses has nothing to check: the resolve's own error.
  if (list.is_missing || list.is_null) static_cast<void>(read_request(list));
  struct Parts {
    Datum* datums;
    bool* nulls;
    int count;
    Oid type;
  };
  const Parts parts = call([&] {
    Parts all{};
    ArrayType* array = DatumGetArrayTypeP(list.array);
    all.type = ARR_ELEMTYPE(array);
    deconstruct_array(array, all.type, -1, false, TYPALIGN_INT, &all.datums, &all.nulls,
                      &all.count);
    return all;
  });
  clause_type_ = parts.type;
  for (int i = 0; i < parts.count; ++i) clauses_.push_back({parts.datums[i], parts.nulls[i]});
}

void Check::read_clauses() {
  for (std::size_t i = 0; i < clauses_.size(); ++i) {
    ListedClause& clause = clauses_[i];
    if (clause.is_null) {
      add(Severity::kError, kNoSource, Topic::kFault, {},
          fmt::format("clause {} of {} is null", i + 1, clauses_.size()),
          "Check the expression that gives this clause.");
      continue;
    }
    const std::optional<Fault> fault = attempt([&] {
      const Clause read = call([&] { return read_clause(clause.datum); });
      clause.type = read.type;
      clause.name = read.type == ClauseType::kSource || read.type == ClauseType::kColumn
                        ? read.name
                        : read.kind;
    });
    if (fault) {
      add_fault(kNoSource, {}, *fault);
      continue;
    }
    clause.is_good = true;
  }
  const auto together = [&] { static_cast<void>(read_request(good_clauses(), true)); };
  if (attempt(together)) admit_one_by_one();
  for (const ListedClause& clause : clauses_) {
    if (clause.is_good && clause.type == ClauseType::kSource) sources_.push_back({clause.name});
  }
}

// Sources first, as there must be one; then what they say of kinds, which others need.
void Check::admit_one_by_one() {
  std::vector<ListedClause*> in_turn;
  for (const std::vector<ClauseType>& types :
       {std::vector{ClauseType::kSource}, std::vector{ClauseType::kDefaults, ClauseType::kRule},
        std::vector{ClauseType::kAlias, ClauseType::kOutput, ClauseType::kColumn,
                    ClauseType::kState}}) {
    for (ListedClause& clause : clauses_) {
      if (clause.is_good && std::ranges::find(types, clause.type) != types.end()) {
        in_turn.push_back(&clause);
      }
    }
  }
  for (ListedClause* clause : in_turn) clause->is_good = false;
  for (ListedClause* clause : in_turn) {
    const std::optional<Fault> fault =
        attempt([&] { static_cast<void>(read_request(good_clauses(clause), true)); });
    clause->is_good = !fault;
    if (!fault) continue;
    add_fault(kNoSource, clause->name, *fault);
    const bool has_source = std::ranges::any_of(clauses_, [](const ListedClause& at) {
      return at.is_good && at.type == ClauseType::kSource;
    });
    if (!has_source) return;
  }
}

// The clauses that are good, in their order, and maybe another one at its place.
ClauseList Check::good_clauses(const ListedClause* also) const {
  std::vector<Datum> datums;
  for (const ListedClause& clause : clauses_) {
    if (clause.is_good || &clause == also) datums.push_back(clause.datum);
  }
  const Datum array = call([&] {
    return PointerGetDatum(construct_array(datums.data(), static_cast<int>(datums.size()),
                                           clause_type_, -1, false, TYPALIGN_INT));
  });
  return {array, false, false};
}

// ---- sources ----

void Check::leave_out(std::size_t place) {
  sources_[place].is_good = false;
  for (ListedClause& clause : clauses_) {
    if (clause.type == ClauseType::kSource && clause.name == sources_[place].name) {
      clause.is_good = false;
    }
  }
}

void Check::prepare() {
  const Request request = read_request(good_clauses(), true);
  SpiConnection spi;
  try_aliases(request);
  for (std::size_t i = 0; i < request.sources.size(); ++i) prepare_source(request, i);
  spi.finish();
  for (std::size_t a = 0; a < sources_.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (sources_[a].tables.empty() || sources_[a].tables != sources_[b].tables) continue;
      sources_[a].twins.push_back(b);
      sources_[b].twins.push_back(a);
    }
  }
}

void Check::prepare_source(const Request& request, std::size_t number) {
  SourceFacts& facts = sources_[number];
  std::vector<ColumnFault> faults;
  const std::optional<Fault> fault = attempt([&] {
    SourceScan scan(request, SourceNumber{static_cast<std::uint16_t>(number)}, false, &faults);
    // Planning finds faults of its own, such as 1 / 0. What fails later fails while it is read.
    static_cast<void>(scan.expected_rows());
    facts.id_name = scan.layout().id_name;
    facts.ids_are_unique = scan.layout().ids_are_unique;
    facts.has_updated_at = scan.layout().updated_at_attribute >= 0;
    for (const SourceColumn& column : scan.columns()) {
      facts.kinds.push_back(request.kinds[engine::index(column.kind)].name);
    }
    facts.tables = tables_of(scan.query());
    facts.is_told = std::ranges::any_of(facts.tables, [](Oid table) {
      const char* schema = call([=] { return get_namespace_name(get_rel_namespace(table)); });
      return schema != nullptr && std::string_view(schema) == "identity_state";
    });
  });
  if (fault) {
    add_fault(number, {}, *fault);
    leave_out(number);
    return;
  }
  facts.is_read = true;
  facts.is_good = true;
  for (const ColumnFault& at : faults) {
    add(Severity::kError, number, Topic::kFault, at.column,
        sentence_of(at.error.message(), at.error.detail()), at.error.hint());
  }
  carry_unknown_columns(number, faults, request);
  std::vector<std::string> names;
  if (facts.is_told) return;
  if (attempt([&] { names = unqualified_names(request.sources[number].query); })) return;
  for (const std::string& name : names) {
    add(Severity::kNote, number, Topic::kName, name,
        fmt::format("the query names \"{}\" without its schema", name),
        "Write schema.name: the same query finds another one, or none, under another search_path, "
        "as when a dump is restored or a materialized view refreshed.");
  }
}

// Columns that are no kind are carried and nothing else; of a source with another fault nothing can
// be read.
void Check::carry_unknown_columns(std::size_t place, const std::vector<ColumnFault>& faults,
                                  const Request& request) {
  for (const ColumnFault& fault : faults) {
    ListedClause rule{0, false, true, ClauseType::kRule, fault.column, true};
    const bool is_unknown = std::string_view(fault.error.sqlstate()) == "42703" &&
                            !fault.column.empty() && !request.kind_named(fault.column);
    const bool is_declared = std::ranges::any_of(clauses_, [&](const ListedClause& clause) {
      return clause.is_ours && clause.name == fault.column;
    });
    if (is_unknown && is_declared) continue;
    const auto declare = [&] {
      rule.datum = call([&] {
        // The clause is read again when SPI's memory is gone.
        const MemoryContext before = MemoryContextSwitchTo(memory_);
        StringInfoData text;
        initStringInfo(&text);
        appendStringInfoString(&text, R"({"clause": "rule", "kind": )");
        escape_json(&text, fault.column.c_str());
        appendStringInfoString(&text, R"(, "normalizer": "none", "link": false})");
        Oid input = InvalidOid;
        Oid parameter = InvalidOid;
        getTypeInputInfo(clause_type_, &input, &parameter);
        const Datum clause = OidInputFunctionCall(input, text.data, parameter, -1);
        MemoryContextSwitchTo(before);
        return clause;
      });
    };
    if (!is_unknown || attempt(declare)) {
      leave_out(place);
      return;
    }
    clauses_.push_back(std::move(rule));
  }
}

void Check::try_aliases(const Request& request) {
  if (request.state) return;
  for (const AliasQuery& query : request.alias_queries) {
    const std::string& kind = request.kinds[engine::index(query.kind)].name;
    Request alone = request;
    alone.alias_queries = {query};
    std::uint64_t pairs = 0;
    const std::optional<Fault> fault = attempt([&] {
      query_aliases(alone);
      pairs = alone.kinds[engine::index(query.kind)].aliases.size();
    });
    if (!fault) {
      if (pairs > 0) continue;
      add(Severity::kWarning, kNoSource, Topic::kEmpty, kind,
          fmt::format("the alias query of \"{}\" yields no pair of different values", kind),
          "Its rows are (former value, present value): look whether the two are in that order, and "
          "spelled as the sources spell them.");
      continue;
    }
    add_fault(kNoSource, kind, *fault);
    for (ListedClause& clause : clauses_) {
      if (clause.type == ClauseType::kAlias && clause.name == kind) clause.is_good = false;
    }
  }
}

// ---- the run ----

// Whether the sources behind the one that failed are all looked at, and the failing ones left out.
bool Check::find_failing(const Fault& fault) {
  std::size_t failed = kNoSource;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (fault.message.starts_with(fmt::format("source \"{}\":", sources_[i].name))) failed = i;
  }
  add_fault(failed, {}, fault);
  if (failed == kNoSource) return false;
  leave_out(failed);

  struct Nobody : RowVisitor {
    void take(const RowView& /*row*/) override {}
  };
  const Request request = read_request(good_clauses());
  SpiConnection spi;
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    const std::size_t place = place_of(request.sources[i].name);
    if (place < failed) continue;  // it was read before the other one failed
    const std::optional<Fault> other = attempt([&] {
      Nobody nobody;
      SourceScan scan(request, SourceNumber{static_cast<std::uint16_t>(i)});
      scan.visit(nobody);
    });
    if (!other) continue;
    add_fault(place, {}, *other);
    leave_out(place);
  }
  spi.finish();
  return true;
}

void Check::resolve() {
  for (ListedClause& clause : clauses_) {
    // What maps alone understand.
    if (clause.type == ClauseType::kColumn || clause.type == ClauseType::kState) {
      clause.is_good = false;
    }
  }
  for (int tries = 0; tries < 2; ++tries) {
    if (std::ranges::none_of(sources_, &SourceFacts::is_good)) return;
    const ClauseList clauses = good_clauses();
    const MemoryContext outer = CurrentMemoryContext;
    const MemoryContext memory = call([=] {
      return AllocSetContextCreate(outer, "identity_resolve check", ALLOCSET_DEFAULT_SIZES);
    });
    std::vector<Finding> before = findings_;
    const std::optional<Fault> fault = attempt([&] {
      std::vector<Notice> notices;
      Execution* execution = Execution::create(memory, ResultForm::kEvidence, clauses, nullptr,
                                               {true, false, &notices});
      take_notices(notices);
      measure(*execution);
      execution->progress().end();
      Execution::destroy(execution);
    });
    call([=] { MemoryContextDelete(memory); });
    if (!fault) return;
    findings_ = std::move(before);
    if (tries > 0) add_fault(kNoSource, {}, *fault);
    if (tries > 0 || !find_failing(*fault)) return;
  }
}

void Check::measure(Execution& execution) {
  const Request& request = execution.request();
  const engine::Resolver& resolver = execution.resolver();
  places_.clear();
  for (const Source& source : request.sources) places_.push_back(place_of(source.name));
  tallies_.assign(request.sources.size(), {});
  spellings_.clear();
  noted_.clear();
  for (const engine::TooCommon* values :
       {&resolver.too_common(), &resolver.shared_roles(), &resolver.frequent()}) {
    noted_.push_back({values, values->keys});
    std::ranges::sort(noted_.back().keys);
  }
  count(execution);
  count_frequent(execution);

  take_notices(execution.notices_of_values(
      [&](const engine::TooCommon& values) -> std::optional<std::string> {
        if (values.worst > values.keys.size()) return std::nullopt;
        for (const Noted& noted : noted_) {
          if (noted.values == &values && noted.worst) return shown(*noted.worst);
        }
        return "?";
      }));
  const std::span<const std::uint64_t> left_out = resolver.left_out();
  for (std::size_t i = 0; i < tallies_.size(); ++i) {
    if (sources_[places_[i]].is_told) continue;
    if (tallies_[i].rows > 0) {
      judge_source(request, i);
    } else if (i >= left_out.size() || left_out[i] == 0) {
      add(Severity::kWarning, places_[i], Topic::kEmpty, {}, "the query yields no row",
          "Look whether the loader has filled the table, whether a filter takes all rows away, "
          "and whether row-level security shows you any.");
    }
  }
  judge_kinds(request);
  judge_rules(request);
  judge_spellings(request);
  judge_twins();
}

void Check::count(Execution& execution) {
  const Request& request = execution.request();
  engine::Ticker ticker(execution.environment());
  std::size_t identity = SIZE_MAX;
  std::vector<SourceNumber> sources;  // of the identity at hand
  const auto end_identity = [&] {
    if (sources.size() < 2) return;
    for (const SourceNumber source : sources) tallies_[engine::index(source)].shares = true;
  };
  while (execution.next_evidence()) {
    ticker.tick();
    const Execution::RecordEvidence record = execution.evidence();
    if (record.identity != identity) {
      end_identity();
      sources.clear();
      identity = record.identity;
    }
    if (std::ranges::find(sources, record.source) == sources.end()) {
      sources.push_back(record.source);
    }
    count_record(request, record);
  }
  end_identity();
}

void Check::count_record(const Request& request, const Execution::RecordEvidence& record) {
  const std::size_t source = engine::index(record.source);
  SourceTally& tally = tallies_[source];
  ++tally.records;
  tally.rows += record.rows.size();
  for (const engine::OrderedRow& row : record.rows) {
    if (row.row.updated_at() != engine::kNeverUpdated) ++tally.dated;
  }
  if (!sources_[places_[source]].twins.empty()) {
    tally.ids.insert(std::hash<std::string_view>{}(record.id));
  }
  bool is_bare = true;
  bool has_several = false;
  for (std::size_t i = 0; i < record.links.size();) {
    const KindNumber number = record.links[i].kind;
    const Kind& kind = request.kinds[engine::index(number)];
    KindTally& of_kind = tally.kinds[number];
    ++of_kind.records;
    std::uint64_t held = 0;
    for (; i < record.links.size() && record.links[i].kind == number; ++i) {
      const engine::Evidence& link = record.links[i];
      ++held;
      ++of_kind.identifiers;
      ++of_kind.statuses[static_cast<std::size_t>(link.status)];
      for (Noted& noted : noted_) {
        if (noted.values->identifiers == 0 || noted.values->kind != number ||
            !std::ranges::binary_search(noted.keys, link.key)) {
          continue;
        }
        if (!noted.worst || engine::compare_ids(link.value, *noted.worst) < 0) {
          noted.worst = std::string(link.value);
        }
      }
      if (!kind.rules.links) continue;
      if (link.status == LinkStatus::kInvalid) {
        keep_least(of_kind.invalid, link.value, of_kind.with(LinkStatus::kInvalid) == 1);
        ++of_kind.looks[static_cast<std::size_t>(look_of(kind, link.value))];
        continue;
      }
      of_kind.frequent.add(link.value);
      if (link.status == LinkStatus::kBlocked) continue;
      is_bare = false;
      if (kind.method == normalize::Method::kExact && !kind.rules.scoped) {
        spellings_[number].add(record.source, link.value);
      }
    }
    has_several = has_several || (held > 1 && kind.rules.links);
    if (held >= kManyIdentifiers) ++of_kind.crowded;
    if (held > of_kind.most ||
        (held == of_kind.most && engine::compare_ids(record.id, of_kind.most_id) < 0)) {
      of_kind.most_id = record.id;
    }
    of_kind.most = std::max(of_kind.most, held);
  }
  if (is_bare) ++tally.bare;
  if (has_several) ++tally.several;
}

// The second pass, where there is anything to count.
void Check::count_frequent(Execution& execution) {
  bool has_candidates = false;
  for (SourceTally& tally : tallies_) {
    for (auto& [kind, of_kind] : tally.kinds) {
      of_kind.frequent.start_counting();
      has_candidates = has_candidates || of_kind.records >= kFewRecords;
    }
  }
  if (!has_candidates) return;
  engine::Ticker ticker(execution.environment());
  execution.rewind();
  while (execution.next_evidence()) {
    ticker.tick();
    const Execution::RecordEvidence record = execution.evidence();
    SourceTally& tally = tallies_[engine::index(record.source)];
    for (const engine::Evidence& link : record.links) {
      if (link.status == LinkStatus::kInvalid) continue;
      KindTally& of_kind = tally.kinds[link.kind];
      const bool is_candidate = of_kind.frequent.count(link.value);
      if (is_candidate && link.status == LinkStatus::kBlocked) {
        of_kind.blocked.emplace(link.value);
      }
    }
  }
}

// ---- what it means ----

void Check::take_notices(const std::vector<Notice>& notices) {
  for (const Notice& notice : notices) {
    const bool is_of_id =
        notice.is_error || notice.message.find("naming no record") != std::string::npos;
    add(notice.is_error ? Severity::kError : Severity::kWarning,
        notice.source.empty() ? kNoSource : place_of(notice.source),
        is_of_id ? Topic::kRecordId : Topic::kOther, notice.subject,
        sentence_of(notice.message, notice.detail), notice.hint);
  }
}

void Check::judge_source(const Request& request, std::size_t number) {
  const SourceTally& tally = tallies_[number];
  const std::size_t place = places_[number];
  const SourceFacts& facts = sources_[place];
  if (tally.records < tally.rows) {
    // Rows that say the same again, as of events, harm nobody.
    const bool is_usual = tally.rows < 2 * tally.records || tally.several * 10 < tally.records;
    add(is_usual ? Severity::kNote : Severity::kWarning, place, Topic::kRepeats, facts.id_name,
        fmt::format("the first column repeats: {} are {}", counted(tally.rows, "row"),
                    counted(tally.records, "record")),
        "Rows with one id are one record with all their identifiers. If they are not one person, "
        "account or device, put the record's own key first in the query.");
  }
  if (tally.bare > 0) {
    const bool is_most = 2 * tally.bare > tally.records;
    add(is_most ? Severity::kWarning : Severity::kNote, place, Topic::kBare, {},
        fmt::format("{} of {} carr{} no identifier that could link", tally.bare,
                    counted(tally.records, "record"), tally.bare == 1 ? "ies" : "y"),
        "Each stays a person of its own. Look whether the query leaves a column out that "
        "identifies, such as an address or the id in another tool.");
  }
  if (facts.has_updated_at && tally.dated == 0) {
    add(Severity::kWarning, place, Topic::kUpdatedAt, "updated_at",
        "updated_at is always NULL, so it does not say which of a person's values is the newest",
        "Take another column AS updated_at, or leave it out: the smaller record id then decides.");
  }
  const auto others = static_cast<std::size_t>(
      std::ranges::count_if(tallies_, [](const SourceTally& other) { return other.records > 0; }));
  if (!tally.shares && others > 1) {
    std::string kinds;
    for (const std::string& kind : facts.kinds) {
      const auto known = request.kind_named(kind);
      if (!known || !request.kinds[engine::index(*known)].rules.links) continue;
      if (kinds.find(kind) == std::string::npos) kinds += (kinds.empty() ? "" : ", ") + kind;
    }
    add(Severity::kWarning, place, Topic::kSharesNothing, {},
        fmt::format("it shares no person with another source ({})",
                    counted(tally.records, "record")),
        kinds.empty()
            ? "The query has no column of a kind that links: name one, such as email, with AS."
            : fmt::format("It could link by {}: look whether the other sources have these kinds, "
                          "under the same names and in the same spelling.",
                          kinds));
  }
  for (const auto& [kind, of_kind] : tally.kinds) judge_kind(request, number, kind);
}

void Check::judge_kind(const Request& request, std::size_t number, KindNumber kind_number) {
  const KindTally& tally = tallies_[number].kinds.at(kind_number);
  const Kind& kind = request.kinds[engine::index(kind_number)];
  const std::size_t place = places_[number];
  if (!kind.rules.links) return;
  const std::uint64_t invalid = tally.with(LinkStatus::kInvalid);
  if (2 * invalid > tally.identifiers) {
    const auto worst = std::ranges::max_element(tally.looks) - tally.looks.begin();
    const bool is_one_look = 2 * tally.looks[static_cast<std::size_t>(worst)] > invalid;
    add(Severity::kWarning, place, Topic::kInvalid, kind.name,
        fmt::format("{} of {} of {} {} invalid, such as \"{}\"", invalid,
                    counted(tally.identifiers, "value"), kind.name, invalid == 1 ? "is" : "are",
                    shown(tally.invalid)),
        describe(is_one_look ? static_cast<Look>(worst) : Look::kOther, kind,
                 sources_[place].name));
  }
  if (tally.records >= kFewRecords) judge_frequent(kind, place, tally);
  if (tally.crowded > 0 &&
      (kind.rules.warn_identifiers == 0 || tally.most <= kind.rules.warn_identifiers)) {
    add(Severity::kNote, place, Topic::kHoards, kind.name,
        fmt::format("{} {} {} or more values of {}; record \"{}\" has the most: {}",
                    counted(tally.crowded, "record"), tally.crowded == 1 ? "has" : "have",
                    kManyIdentifiers, kind.name, shown(tally.most_id), tally.most),
        "All of them count as one person's. If that is not so, the first column is not the "
        "record's own key, or the list not the record's own.");
  }
}

// A value on a fifth of the records that have any.
void Check::judge_frequent(const Kind& kind, std::size_t place, const KindTally& tally) {
  for (const auto& [value, records] : tally.frequent.counts()) {
    if (records < kFewRecords || records * 5 < tally.records) continue;
    const bool is_blocked = tally.blocked.contains(value);
    add(is_blocked ? Severity::kNote : Severity::kWarning, place, Topic::kFrequent, kind.name,
        fmt::format("\"{}\" is on {} of {} that have {}{}", shown(value), records,
                    counted(tally.records, "record"), kind.name, is_blocked ? ", and blocked" : ""),
        is_blocked
            ? "It stands for no value and links nobody. Where it should be a value, look at what "
              "the tool, or the loader, writes there."
            : fmt::format("If it is nobody's: identity_rule('{}', blocked => ARRAY[...]) with this "
                          "value. identity_links() shows with its status whether it joins these "
                          "records.",
                          kind.name));
  }
}

void Check::judge_kinds(const Request& request) {
  const auto good = std::ranges::count_if(
      sources_, [](const SourceFacts& facts) { return facts.is_good && !facts.is_told; });
  // What a source that was not read has is not known.
  if (good < 2 || !std::ranges::all_of(sources_, &SourceFacts::is_read)) return;
  for (const Kind& kind : request.kinds) {
    if (!kind.rules.links) continue;
    std::vector<std::size_t> having;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& kinds = sources_[i].kinds;
      if (sources_[i].is_told) continue;
      if (std::ranges::find(kinds, kind.name) != kinds.end()) having.push_back(i);
    }
    if (having.size() != 1) continue;
    add(Severity::kNote, having.front(), Topic::kOneSource, kind.name,
        fmt::format("no other source has {}", kind.name),
        "It joins records of this source only. If another source has it under another name, name "
        "it so there with AS.");
  }
}

void Check::judge_rules(const Request& request) {
  if (!std::ranges::all_of(sources_, &SourceFacts::is_read)) return;
  std::vector<std::string> had;
  for (const SourceFacts& facts : sources_) {
    had.insert(had.end(), facts.kinds.begin(), facts.kinds.end());
  }
  for (const Kind& kind : request.kinds) {
    if (kind.scope) had.push_back(request.kinds[engine::index(*kind.scope)].name);
  }
  std::vector<std::string> told;
  for (const ListedClause& clause : clauses_) {
    const bool is_alias = clause.type == ClauseType::kAlias;
    if (!clause.is_good || clause.is_ours) continue;
    if (clause.type != ClauseType::kRule && !is_alias) continue;
    if (std::ranges::find(had, clause.name) != had.end()) continue;
    if (std::ranges::find(told, clause.name) != told.end()) continue;
    told.push_back(clause.name);
    std::string nearest;
    std::size_t least = 3;
    for (const std::string& name : had) {
      const std::size_t steps = distance(clause.name, name);
      if (steps < least || (steps == least && !nearest.empty() && name < nearest)) {
        least = steps;
        nearest = name;
      }
    }
    add(Severity::kWarning, kNoSource, Topic::kNoSourceHasIt, clause.name,
        fmt::format("no source has {}, of which there is {}", clause.name,
                    is_alias ? "an alias" : "a rule"),
        nearest.empty()
            ? "Take the clause away, or name the column so in the sources' queries with AS."
            : fmt::format("Is {} meant? Else take the clause away, or name the column so in the "
                          "sources' queries with AS.",
                          nearest));
  }
}

void Check::judge_spellings(const Request& request) {
  constexpr std::array kGaps = {"letter case",
                                "zeros in front",
                                "a decimal part of zeros",
                                "blanks",
                                "hyphens, underscores, quotes or brackets",
                                "their spelling"};
  constexpr std::array kAdvice = {
      "identity_rule('{}', normalizer => 'casefold') makes them one, or lower() in both queries.",
      "Write both alike in the queries, for example ltrim({0}, '0') AS {0}.",
      "The column went through a floating-point number: cast it, for example {0}::numeric::bigint "
      "AS {0}.",
      "Take the blanks out in the queries, for example replace({0}, ' ', '') AS {0}.",
      "Write both alike in the queries; of UUIDs identity_rule('{}', normalizer => 'uuid') does.",
      "Write both alike in the queries: which of the two is it in the other tool?"};
  for (const auto& [number, gaps] : spellings_) {
    const Kind& kind = request.kinds[engine::index(number)];
    // Of each source the one that it misses most.
    std::map<SourceNumber, engine::SpellingGaps::Found> worst;
    for (const engine::SpellingGaps::Found& found : gaps.find()) {
      const auto [at, is_new] = worst.try_emplace(found.other, found);
      if (!is_new && found.values > at->second.values) at->second = found;
    }
    for (const auto& [other, found] : worst) {
      const std::size_t gap = static_cast<std::size_t>(found.gap);
      add(Severity::kWarning, places_[engine::index(other)], Topic::kSpelling, kind.name,
          fmt::format("{}{} of {} would be in source \"{}\" too, but for {}: \"{}\" here, \"{}\" "
                      "there",
                      found.is_estimate ? "about " : "", counted(found.values, "value"), kind.name,
                      request.sources[engine::index(found.source)].name, kGaps[gap],
                      shown(found.in_other), shown(found.in_source)),
          fmt::format(fmt::runtime(kAdvice[gap]), kind.name));
    }
  }
}

void Check::judge_twins() {
  for (std::size_t i = 0; i < tallies_.size(); ++i) {
    const SourceFacts& facts = sources_[places_[i]];
    for (std::size_t j = 0; j < i; ++j) {
      if (std::ranges::find(facts.twins, places_[j]) == facts.twins.end()) continue;
      if (tallies_[i].records == 0 || tallies_[j].records == 0) continue;
      const auto shared = std::ranges::count_if(
          tallies_[i].ids, [&](std::uint64_t id) { return tallies_[j].ids.contains(id); });
      const std::string table = call([&] {
        const Oid first = facts.tables.front();
        return static_cast<const char*>(quote_qualified_identifier(
            get_namespace_name(get_rel_namespace(first)), get_rel_name(first)));
      });
      add(shared > 0 ? Severity::kWarning : Severity::kNote, places_[i], Topic::kSameTable, table,
          shared > 0 ? fmt::format("source \"{}\" reads the same table, and {} {} in both",
                                   sources_[places_[j]].name,
                                   counted(static_cast<std::uint64_t>(shared), "record id"),
                                   shared == 1 ? "is" : "are")
                     : fmt::format("source \"{}\" reads the same table", sources_[places_[j]].name),
          "A row that is in both counts as two records. One source with all the columns says the "
          "same; rows with one id may be joined by UNION ALL in its query.");
    }
  }
}

// The columns that clauses ask of an identity map: each as the map would judge it.
void Check::try_columns() {
  if (!std::ranges::all_of(sources_, &SourceFacts::is_good)) return;
  for (const ListedClause& clause : clauses_) {
    if (!clause.is_good || clause.type != ClauseType::kColumn) continue;
    const std::optional<Fault> fault = attempt([&] {
      const Request request = read_request(good_clauses(), true);
      SpiConnection spi;
      std::vector<SourceScan> scans;
      scans.reserve(request.sources.size());
      for (std::size_t i = 0; i < request.sources.size(); ++i) {
        scans.emplace_back(request, SourceNumber{static_cast<std::uint16_t>(i)});
      }
      const TupleDesc shape = call([&] {
        const Clause read = read_clause(clause.datum);
        ShapeMaker maker(1);
        const Datum type = DirectFunctionCall1(
            regtypein, CStringGetDatum(pnstrdup(read.column_type.data(),
                                                static_cast<Size>(read.column_type.size()))));
        maker.add(clause.name.c_str(), DatumGetObjectId(type));
        return maker.finish();
      });
      static_cast<void>(plan_output(request, scans, shape));
      scans.clear();
      spi.finish();
    });
    if (fault) add_fault(kNoSource, clause.name, *fault);
  }
}

std::vector<Finding> Check::run() {
  read_clauses();
  if (!sources_.empty()) {
    prepare();
    try_columns();
    resolve();
  }
  std::ranges::stable_sort(findings_, [](const Finding& a, const Finding& b) {
    const auto order = [](const Finding& at) {
      // What concerns no single source comes first.
      return std::tuple(at.severity, at.source == kNoSource ? 0 : at.source + 1, at.topic,
                        std::string_view(at.subject), std::string_view(at.problem));
    };
    return order(a) < order(b);
  });
  return std::move(findings_);
}

void put(const ReturnSetInfo* result, const Check& check, const Finding& finding) {
  const std::string source =
      finding.source == kNoSource ? std::string() : check.source_name(finding.source);
  const std::array<std::string_view, 5> cells = {
      kSeverityNames[static_cast<std::size_t>(finding.severity)], source, finding.subject,
      finding.problem, finding.advice};
  call([&] {
    std::array<Datum, 5> values{};
    std::array<bool, 5> nulls{};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      nulls[i] = cells[i].empty();
      if (nulls[i]) continue;
      values[i] = PointerGetDatum(
          cstring_to_text_with_len(cells[i].data(), static_cast<int>(cells[i].size())));
    }
    tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
  });
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_check(VARIADIC clauses identity_clause[]) → TABLE (…): src/sql/61-check.sql.
IDENTITY_RESOLVE_FUNCTION(identity_check) {
  guarded([&] {
    const ReturnSetInfo* result = begin_tuplestore(fcinfo);
    Check check(clauses_of(fcinfo));
    for (const Finding& finding : check.run()) put(result, check, finding);
  });
  return Datum{0};
}
