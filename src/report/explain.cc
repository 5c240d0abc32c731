// The SQL functions explain_identity() and identity_graph(): the evidence of one or two records, in
// words and as a picture.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/evidence_graph.h"
#include "normalize/text.h"
#include "pg/result_rows.h"
#include "resolve/execution.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;
using engine::EvidenceGraph;
using engine::LinkStatus;
using Number = EvidenceGraph::Number;

// Whether the database and the client know more than letters.
bool is_utf8_here() noexcept {
  const auto is_utf8 = [](int encoding) { return encoding == PG_UTF8; };
  return is_utf8(GetDatabaseEncoding()) && is_utf8(pg_get_client_encoding());
}

// Into the database's encoding: what an Error says, and what is returned.
std::string native(std::string_view utf8) {
  return std::string(call([&] { return from_utf8(utf8); }));
}

// A resolve with evidence, for as long as it is asked about.
class Explained {
 public:
  explicit Explained(const ClauseList& clauses)
      : execution_(Execution::create(CurrentMemoryContext, ResultForm::kGraph, clauses, nullptr)),
        graph_(execution_->resolver()) {}
  Explained(const Explained&) = delete;
  Explained& operator=(const Explained&) = delete;
  // The resolve lives on the caller's memory context, and goes with it.
  ~Explained() { execution_->progress().end(); }

  [[nodiscard]] const EvidenceGraph& graph() const noexcept { return graph_; }
  [[nodiscard]] const Request& request() const noexcept { return execution_->request(); }

  // Throws Error 22023 for a record that is not there.
  [[nodiscard]] Number find(std::string_view source, std::string_view id) const {
    const std::vector<Source>& sources = request().sources;
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [&](const Source& at) { return at.name == source; });
    if (found == sources.end()) {
      std::string names;
      for (const Source& at : sources) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", at.name);
      }
      throw Error("22023", fmt::format("there is no source \"{}\"", native(source)),
                  fmt::format("The sources are {}.", names),
                  "Name the source as identity_source() does.");
    }
    const auto number = engine::SourceNumber{static_cast<std::uint16_t>(found - sources.begin())};
    const std::optional<Number> record = named(number, id);
    if (!record) {
      throw Error("22023",
                  fmt::format("source \"{}\" has no record \"{}\"", native(source), native(id)),
                  "Record ids are compared as text, byte by byte, but for blanks around them.",
                  fmt::format("Run the source's query by itself: {}", found->query));
    }
    return *record;
  }

  // The record of an id, as it is shown or with other blanks around it.
  [[nodiscard]] std::optional<Number> named(engine::SourceNumber source,
                                            std::string_view id) const {
    if (const std::optional<Number> record = graph_.find(source, id)) return record;
    engine::Ticker ticker(execution_->environment());
    for (Number number = 0; number < graph_.records(); ++number) {
      ticker.tick();
      const EvidenceGraph::Record& at = graph_.record(number);
      if (at.source == source && normalize::trim(at.id) == normalize::trim(id)) return number;
    }
    return std::nullopt;
  }

  // A record as people name it.
  [[nodiscard]] std::string name(Number record) const {
    const EvidenceGraph::Record& at = graph_.record(record);
    return fmt::format("{} {}", source(record), at.id);
  }
  [[nodiscard]] const std::string& source(Number record) const {
    return request().sources[engine::index(graph_.record(record).source)].name;
  }
  [[nodiscard]] const Kind& kind(const EvidenceGraph::Link& link) const {
    return request().kinds[engine::index(link.evidence.kind)];
  }
  // Within what a scoped identifier links.
  [[nodiscard]] std::string_view scope_of(const EvidenceGraph::Link& link) const {
    const Kind& of = kind(link);
    return of.scope ? std::string_view(request().kinds[engine::index(*of.scope)].name) : "source";
  }
  // An identifier as people name it.
  [[nodiscard]] std::string name(const EvidenceGraph::Link& link) const {
    return fmt::format("{} {}", kind(link).name, link.evidence.value);
  }

  // Why a step is refused.
  [[nodiscard]] std::string reason(const EvidenceGraph::Step& step, LinkStatus status) const {
    const Kind& of = kind(*step.from);
    switch (status) {
      case LinkStatus::kInvalid:
        return fmt::format("it is no valid {}", of.name);
      case LinkStatus::kBlocked:
        return "the value is blocked";
      case LinkStatus::kTooCommon:
        return too_common(*step.from);
      case LinkStatus::kConflict:
        return conflict(step);
      case LinkStatus::kAmbiguous:
        return ambiguity(step);
      case LinkStatus::kNotLinking:
      case LinkStatus::kLinks:  // within each of the two identities
      case LinkStatus::kAlone:
        if (!of.rules.links) return fmt::format("values of kind {} do not link", of.name);
        if (of.scope && status == LinkStatus::kNotLinking && !of.rules.fallback) {
          return fmt::format("its row has no {0}, and {1} links only within one {0}",
                             scope_of(*step.from), of.name);
        }
        return "a stronger kind of identifier links them elsewhere";
    }
    return {};
  }

 private:
  using Excess = EvidenceGraph::Excess;

  // Which limit an identifier on many records is over.
  [[nodiscard]] std::string too_common(const EvidenceGraph::Link& link) const {
    const engine::KindRules& rules = kind(link).rules;
    const EvidenceGraph::Carried carried = graph_.most_carried(link.identifier);
    const std::string& most_in = request().sources[engine::index(carried.source)].name;
    if (rules.max_records != 0 && carried.records > rules.max_records) {
      return fmt::format("it is too common: {} records of {} carry it, and max_records is {}",
                         carried.records, most_in, rules.max_records);
    }
    if (rules.max_records_in_all != 0 && carried.in_all > rules.max_records_in_all) {
      return fmt::format("it is too common: {} records carry it, and max_records_in_all is {}",
                         carried.in_all, rules.max_records_in_all);
    }
    return fmt::format(
        "several people of one source share this role address, and role_max_records is {}",
        rules.role_max_records);
  }

  [[nodiscard]] std::string conflict(const EvidenceGraph::Step& step) const {
    const Number from = graph_.record(step.from->record).identity;
    const Number to = graph_.record(step.to->record).identity;
    for (const Number record : {step.from->record, step.to->record}) {
      const Number identity = graph_.record(record).identity;
      if (const auto alone = graph_.excess(identity, identity)) {
        return fmt::format("{} alone holds {}", name(record), name(*alone));
      }
    }
    if (const auto both = graph_.excess(from, to)) {
      return fmt::format("a stronger claim came first, and together they would hold {}",
                         name(*both));
    }
    if (const auto rival = graph_.rival(step)) {
      return fmt::format("{} has the stronger claim, and cannot be one with both", name(*rival));
    }
    return "a stronger claim came first, and together they would break max_per_identity";
  }

  [[nodiscard]] std::string ambiguity(const EvidenceGraph::Step& step) const {
    const Number from = graph_.record(step.from->record).identity;
    const Number to = graph_.record(step.to->record).identity;
    if (const auto both = graph_.excess(from, to)) {
      return fmt::format(
          "it is ambiguous: neither has the stronger claim, and together they would "
          "hold {}",
          name(*both));
    }
    if (const auto rival = graph_.rival(step)) {
      return fmt::format("it is ambiguous: the evidence for {} is as strong", name(*rival));
    }
    return "it is ambiguous: people claim it with equally strong evidence";
  }

  // Values that one identity cannot hold together, with the limit.
  [[nodiscard]] std::string name(const Excess& excess) const {
    const Kind& kind = request().kinds[engine::index(excess.kind)];
    std::string values;
    for (std::size_t i = 0; i < excess.values.size(); ++i) {
      const bool is_last = i + 1 == excess.count;
      values += fmt::format("{}{}", i == 0 ? "" : is_last ? " and " : ", ", excess.values[i]);
    }
    if (excess.count > excess.values.size()) {
      values += fmt::format(" and {} more", excess.count - excess.values.size());
    }
    return fmt::format("{} {}, where max_per_identity is {}", kind.name, values,
                       kind.rules.max_per_identity);
  }

  Execution* execution_;
  EvidenceGraph graph_;
};

// Of a refused step, the end that says more.
LinkStatus refusal(const EvidenceGraph::Step& step) {
  const LinkStatus from = step.from->evidence.status;
  return from == LinkStatus::kLinks || from == LinkStatus::kAlone ? step.to->evidence.status : from;
}

// ---- in words ----

// Collects the rows of the result. Texts are UTF-8.
class Rows {
 public:
  explicit Rows(ReturnSetInfo* result) : result_(result) {}

  // A row of one sentence.
  void add(int step, const std::string& explanation) {
    std::array<std::optional<std::string>, kColumns> row;
    row[1] = explanation;
    put(row, step);
  }
  void add(const Explained& explained, int step, const std::string& explanation,
           const EvidenceGraph::Link& link, LinkStatus status, std::optional<Number> to) {
    const EvidenceGraph& graph = explained.graph();
    const auto id_of = [&](Number record) { return std::string(graph.record(record).id); };
    std::array<std::optional<std::string>, kColumns> row;
    row[1] = explanation;
    row[2] = explained.source(link.record);
    row[3] = id_of(link.record);
    row[4] = explained.kind(link).name;
    row[5] = std::string(link.evidence.value);
    row[6] = std::string(engine::status_name(status));
    if (to) {
      row[7] = explained.source(*to);
      row[8] = id_of(*to);
    }
    put(row, step);
  }

 private:
  static constexpr std::size_t kColumns = 9;

  void put(const std::array<std::optional<std::string>, kColumns>& row, int step) {
    call([&] {
      std::array<Datum, kColumns> values{};
      std::array<bool, kColumns> nulls{};
      values[0] = Int32GetDatum(step);
      for (std::size_t i = 1; i < kColumns; ++i) {
        nulls[i] = !row[i].has_value();
        if (nulls[i]) continue;
        const std::string_view spelled = from_utf8(*row[i]);
        values[i] = PointerGetDatum(
            cstring_to_text_with_len(spelled.data(), static_cast<int>(spelled.size())));
      }
      tuplestore_putvalues(result_->setResult, result_->setDesc, values.data(), nulls.data());
    });
  }

  ReturnSetInfo* result_;
};

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void explain_steps(const Explained& explained, const std::vector<EvidenceGraph::Step>& steps,
                   Rows& rows) {
  // Not every encoding has them.
  const char* line = is_utf8_here() ? "—" : "-";
  const char* arrow = is_utf8_here() ? "→" : "->";
  int number = 0;
  for (const EvidenceGraph::Step& step : steps) {
    const std::string from = explained.name(step.from->record);
    const std::string to = explained.name(step.to->record);
    const std::string by = explained.name(*step.from);
    if (step.accepted) {
      rows.add(explained, ++number, fmt::format("{} {}{}{} {}", from, line, by, arrow, to),
               *step.from, LinkStatus::kLinks, step.to->record);
    } else {
      const LinkStatus status = refusal(step);
      rows.add(
          explained, ++number,
          fmt::format("{} - -{}- - {}: refused, {}", from, by, to, explained.reason(step, status)),
          *step.from, status, step.to->record);
    }
  }
}

// Whether a record carries an identifier's value in another scope.
bool carries_elsewhere(const Explained& explained, Number record, const EvidenceGraph::Link& link) {
  const std::span<const EvidenceGraph::Link> links = explained.graph().links_of(record);
  return explained.kind(link).rules.scoped &&
         std::ranges::any_of(links, [&](const EvidenceGraph::Link& at) {
           return at.evidence.kind == link.evidence.kind &&
                  at.evidence.value == link.evidence.value;
         });
}

void list_identifiers(const Explained& explained, Number record, Number other, int& number,
                      Rows& rows) {
  for (const EvidenceGraph::Link& link : explained.graph().links_of(record)) {
    std::string why(engine::status_name(link.evidence.status));
    if (carries_elsewhere(explained, other, link)) {
      why += fmt::format("; so does {}, but {} links only within one {}", explained.name(other),
                         explained.kind(link).name, explained.scope_of(link));
    }
    rows.add(explained, ++number,
             fmt::format("{} carries {} ({})", explained.name(record), explained.name(link), why),
             link, link.evidence.status, std::nullopt);
  }
  if (explained.graph().links_of(record).empty()) {
    rows.add(++number, fmt::format("{} carries no identifier", explained.name(record)));
  }
}

void explain(const Explained& explained, Number a, Number b, Rows& rows) {
  const EvidenceGraph& graph = explained.graph();
  const std::string both = fmt::format("{} and {}", explained.name(a), explained.name(b));
  if (a == b) {
    rows.add(0, fmt::format("{} is one record", explained.name(a)));
    return;
  }
  const std::vector<EvidenceGraph::Step> steps = graph.path(a, b);
  const auto refused = static_cast<std::size_t>(std::count_if(
      steps.begin(), steps.end(), [](const EvidenceGraph::Step& step) { return !step.accepted; }));
  if (graph.record(a).identity == graph.record(b).identity) {
    rows.add(0, fmt::format("{} are one identity, by {}", both, counted(steps.size(), "step")));
    explain_steps(explained, steps, rows);
  } else if (!steps.empty()) {
    const std::string which =
        steps.size() == 1 ? "the one step between them"
        : refused < steps.size()
            ? fmt::format("{} of the {} steps between them", refused, steps.size())
        : steps.size() == 2 ? "both steps between them"
                            : fmt::format("all {} steps between them", steps.size());
    rows.add(0, fmt::format("{} are two identities: {} {} refused", both, which,
                            refused == 1 ? "is" : "are"));
    explain_steps(explained, steps, rows);
  } else {
    rows.add(0,
             fmt::format("{} are two identities, and nothing that they carry connects them", both));
    int number = 0;
    list_identifiers(explained, a, b, number, rows);
    list_identifiers(explained, b, a, number, rows);
  }
}

// ---- as a picture ----

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  std::string result = "\"";
  const char* rest = "";
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
    rest = is_utf8_here() ? "…" : "...";
  }
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      result += "\\n";
    } else if (c == '&') {
      result += "&amp;";  // Graphviz reads HTML's entities in every label
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + rest + "\"";
}

class Picture {
 public:
  explicit Picture(const Explained& explained) : explained_(&explained) {}

  std::string draw(Number record) {
    const EvidenceGraph& graph = explained_->graph();
    std::vector<Number> records = graph.records_of(graph.record(record).identity);
    out_ =
        "graph identity {\n"
        "  rankdir=LR;\n"
        "  node [fontname=\"Helvetica\", fontsize=11];\n"
        "  edge [fontname=\"Helvetica\", fontsize=9];\n";
    const std::size_t drawn = std::min(records.size(), kMostRecords);
    // The one that is asked about is always there.
    const auto asked = std::find(records.begin(), records.end(), record);
    if (asked - records.begin() >= static_cast<std::ptrdiff_t>(drawn)) {
      std::iter_swap(asked, records.begin() + static_cast<std::ptrdiff_t>(drawn) - 1);
    }
    for (std::size_t i = 0; i < drawn; ++i) draw_record(records[i], records[i] == record);
    for (std::size_t i = 0; i < drawn; ++i) draw_links(records[i]);
    if (drawn < records.size()) {
      out_ += fmt::format("  rest [shape=note, label={}];\n",
                          quoted(fmt::format("{} more records", records.size() - drawn)));
    }
    out_ += "}\n";
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kMostRecords = 100;
  static constexpr std::size_t kMostIdentifiers = 50;  // of one record
  static constexpr std::size_t kMostBeyond = 3;  // records on the far side of one refused link

  // Numbers in the order of drawing: the graph's own hang on the order of rows and on keys.
  static std::size_t number_of(std::map<Number, std::size_t>& numbers, Number of) {
    return numbers.try_emplace(of, numbers.size() + 1).first->second;
  }
  std::size_t record_number(Number record) { return number_of(records_, record); }
  std::size_t identifier_number(Number identifier) { return number_of(identifiers_, identifier); }

  void draw_record(Number record, bool asked) {
    out_ +=
        fmt::format("  r{} [shape=box, style=\"filled{}\", fillcolor=\"#dbe9f6\", label={}];\n",
                    record_number(record), asked ? ",bold" : "", quoted(explained_->name(record)));
  }

  void draw_identifier(const EvidenceGraph::Link& link) {
    if (identifiers_.contains(link.identifier)) return;
    out_ += fmt::format(
        "  i{} [shape=ellipse, label={}];\n", identifier_number(link.identifier),
        quoted(fmt::format("{}\n{}", explained_->kind(link).name, link.evidence.value)));
  }

  void draw_edge(const EvidenceGraph::Link& link) {
    const LinkStatus status = link.evidence.status;
    const bool solid = status == LinkStatus::kLinks || status == LinkStatus::kAlone;
    out_ +=
        fmt::format("  r{} -- i{}", record_number(link.record), identifier_number(link.identifier));
    if (!solid) {
      out_ += fmt::format(" [style=dashed, color=\"#b03030\", label={}]",
                          quoted(engine::status_name(status)));
    }
    out_ += ";\n";
  }

  void draw_links(Number record) {
    const EvidenceGraph& graph = explained_->graph();
    const std::span<const EvidenceGraph::Link> links = graph.links_of(record);
    const std::size_t drawn = std::min(links.size(), kMostIdentifiers);
    for (const EvidenceGraph::Link& link : links.first(drawn)) {
      const bool is_new = !identifiers_.contains(link.identifier);
      draw_identifier(link);
      draw_edge(link);
      if (is_new) draw_beyond(link);
    }
    if (drawn < links.size()) {
      out_ +=
          fmt::format("  n{0} [shape=note, label={1}];\n  r{0} -- n{0};\n", record_number(record),
                      quoted(fmt::format("{} more identifiers", links.size() - drawn)));
    }
  }

  // Some of the records of other identities that carry the identifier too.
  void draw_beyond(const EvidenceGraph::Link& link) {
    const EvidenceGraph& graph = explained_->graph();
    const Number identity = graph.record(link.record).identity;
    std::vector<Number> beyond;  // the first ones by source and id
    std::size_t count = 0;
    const auto before = [&](Number a, Number b) {
      return graph.before(graph.link(a).record, graph.link(b).record);
    };
    for (const Number number : graph.carriers_of(link.identifier)) {
      if (count % 4096 == 0) check_interrupts();
      if (graph.record(graph.link(number).record).identity == identity) continue;
      ++count;
      beyond.insert(std::upper_bound(beyond.begin(), beyond.end(), number, before), number);
      if (beyond.size() > kMostBeyond) beyond.pop_back();
    }
    for (const Number number : beyond) {
      const EvidenceGraph::Link& other = graph.link(number);
      if (!records_.contains(other.record)) {
        out_ += fmt::format(
            "  r{} [shape=box, style=\"dashed\", color=\"#808080\", fontcolor=\"#606060\", "
            "label={}];\n",
            record_number(other.record), quoted(explained_->name(other.record)));
      }
      out_ += fmt::format("  i{} -- r{} [style=dashed, color=\"#808080\", label={}];\n",
                          identifier_number(link.identifier), record_number(other.record),
                          quoted(engine::status_name(other.evidence.status)));
    }
    if (count > beyond.size()) {
      out_ += fmt::format(
          "  m{0} [shape=note, color=\"#808080\", label={1}];\n  i{0} -- m{0} "
          "[style=dashed, color=\"#808080\"];\n",
          identifier_number(link.identifier),
          quoted(fmt::format("{} more records", count - beyond.size())));
    }
  }

  const Explained* explained_;
  std::string out_;
  std::map<Number, std::size_t> records_;
  std::map<Number, std::size_t> identifiers_;
};

std::string_view argument(FunctionCallInfo fcinfo, int number, const char* name) {
  if (PG_ARGISNULL(number)) {
    throw Error("22004", fmt::format("{} must not be null", name),
                "A record is named by its source and its id.");
  }
  const Datum datum = PG_GETARG_DATUM(number);
  return call([datum] {
    const text* value = DatumGetTextPP(datum);
    return to_utf8({VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))});
  });
}

ClauseList clauses_at(FunctionCallInfo fcinfo, int number) noexcept {
  if (PG_NARGS() <= number) return {Datum{0}, true, true};
  return {PG_GETARG_DATUM(number), PG_ARGISNULL(number), false};
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// explain_identity(source_a, id_a, source_b, id_b, VARIADIC clauses) → TABLE (…):
// src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(explain_identity) {
  guarded([&] {
    ReturnSetInfo* result = begin_tuplestore(fcinfo);
    const std::string_view source_a = argument(fcinfo, 0, "source_a");
    const std::string_view id_a = argument(fcinfo, 1, "id_a");
    const std::string_view source_b = argument(fcinfo, 2, "source_b");
    const std::string_view id_b = argument(fcinfo, 3, "id_b");
    const Explained explained(clauses_at(fcinfo, 4));
    const Number a = explained.find(source_a, id_a);
    const Number b = explained.find(source_b, id_b);
    Rows rows(result);
    explain(explained, a, b, rows);
  });
  return Datum{0};
}

// identity_graph(source, id, VARIADIC clauses) → text: src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(identity_graph) {
  return guarded([&] {
    const std::string_view source = argument(fcinfo, 0, "the source");
    const std::string_view id = argument(fcinfo, 1, "the id");
    const Explained explained(clauses_at(fcinfo, 2));
    const std::string dot = Picture(explained).draw(explained.find(source, id));
    return call([&] {
      const std::string_view spelled = from_utf8(dot);
      return PointerGetDatum(
          cstring_to_text_with_len(spelled.data(), static_cast<int>(spelled.size())));
    });
  });
}
