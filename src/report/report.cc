// The SQL functions identity_report() and identity_match_rates(): what came of a resolve, in
// numbers.
//
// The report is one walk over the evidence, which counts by source, by status and by size, and
// keeps short lists of what is most: twenty values, twenty records, ten identities. These
// identities are then gone to again, to find what holds them together (engine/bridge.h). Match
// rates need no evidence: who is with whom is enough, and a matrix of the sources.
//
// Cost beside the resolve: the walk, which is less than to give all links out as rows.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/bridge.h"
#include "pg/result_rows.h"
#include "resolve/execution.h"
#include "resolve/resolve.h"

namespace identity_resolve::pg {

namespace {

using engine::LinkStatus;
using engine::SourceNumber;

constexpr std::size_t kMostListed = 20;       // values, records
constexpr std::size_t kMostIdentities = 10;   // whose bridges are looked for
constexpr std::size_t kMostBridges = 3;       // of one of them
constexpr std::uint64_t kFewestListed = 10;   // identifiers of one kind on a record
constexpr std::uint64_t kFewestTogether = 3;  // records of an identity
constexpr std::uint32_t kFewestCutOff = 2;

// The best of what it is given: the first ones by <.
template <class T>
class Best {
 public:
  explicit Best(std::size_t most) : most_(most) {}
  // Takes it, unless it comes behind so many others.
  void take(T one) {
    if (kept_.size() == most_ && !(one < *kept_.rbegin())) return;
    kept_.insert(std::move(one));
    if (kept_.size() > most_) kept_.erase(std::prev(kept_.end()));
  }
  [[nodiscard]] std::set<T>& kept() noexcept { return kept_; }
  [[nodiscard]] bool is_full() const noexcept { return kept_.size() == most_; }

 private:
  std::size_t most_;
  std::set<T> kept_;
};

// A value that many records carry: by how many others, then kind, then value.
struct SharedValue {
  std::uint64_t others;
  std::string_view kind;
  std::string value;
  bool operator<(const SharedValue& other) const noexcept {
    return std::tie(other.others, kind, value) < std::tie(others, other.kind, other.value);
  }
};

// A record with many identifiers of a kind.
struct FullRecord {
  std::uint64_t identifiers;
  std::string_view source;
  std::string id;
  std::string_view kind;
  bool operator<(const FullRecord& other) const noexcept {
    return std::tie(other.identifiers, source, id, kind) <
           std::tie(identifiers, other.source, other.id, other.kind);
  }
};

// An identity of many records; between equals its first record decides.
struct LargeIdentity {
  std::uint64_t records;
  SourceNumber first_source;
  std::string first_id;
  std::size_t number;
  std::string name;  // its id, and how many records of which source
  bool operator<(const LargeIdentity& other) const noexcept {
    if (records != other.records) return records > other.records;
    if (first_source != other.first_source) return first_source < other.first_source;
    return engine::compare_ids(first_id, other.first_id) < 0;
  }
};

struct Range {
  const char* name;
  std::uint64_t high;
};
constexpr std::array<Range, 8> kRanges = {{{"1", 1},
                                           {"2", 2},
                                           {"3", 3},
                                           {"4 to 5", 5},
                                           {"6 to 10", 10},
                                           {"11 to 100", 100},
                                           {"101 to 1000", 1000},
                                           {"more than 1000", UINT64_MAX}}};

// A share as a number of so many digits behind the point, rounded; empty of nothing.
std::string share_of(std::uint64_t part, std::uint64_t all, std::uint64_t whole, int digits) {
  if (all == 0) return {};
  std::uint64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  // There are less than 2^32 records, so nothing overflows.
  const std::uint64_t rounded = (part * whole * unit * 2 + all) / (all * 2);
  return fmt::format("{}.{:0{}}", rounded / unit, rounded % unit, digits);
}

Datum text_datum(std::string_view utf8) {
  const std::string_view spelled = from_utf8(utf8);
  return PointerGetDatum(
      cstring_to_text_with_len(spelled.data(), static_cast<int>(spelled.size())));
}
Datum numeric_datum(const std::string& digits) {
  return DirectFunctionCall3(numeric_in, CStringGetDatum(digits.c_str()),
                             ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

// ---- the report ----

class Report {
 public:
  Report(Execution& execution, const ReturnSetInfo* result)
      : execution_(&execution),
        request_(&execution.request()),
        result_(result),
        sources_(request_->sources.size()),
        kinds_(request_->kinds.size()) {}

  void write() {
    count();
    find_statuses();
    write_sources();
    write_identities();
    write_identifiers();
    write_lists();
    write_largest();
  }

 private:
  using Statuses = std::array<std::uint64_t, engine::kLinkStatuses>;
  struct SourceCount {
    std::uint64_t records = 0;
    std::uint64_t identities = 0;
    std::uint64_t matched = 0;  // records of an identity with other sources
    std::uint64_t bare = 0;     // records that carry nothing
    Statuses statuses{};
  };
  // The identity at hand.
  struct Identity {
    std::size_t number = SIZE_MAX;
    std::uint64_t records = 0;
    std::vector<std::pair<SourceNumber, std::uint64_t>> of_source;  // in their order
    std::optional<engine::KindNumber> joined_by;
    bool joined_by_several = false;
    std::optional<LargeIdentity> large;  // where it may be one of the largest
  };

  void count() {
    engine::Ticker ticker(execution_->environment());
    while (execution_->next_evidence()) {
      const Execution::RecordEvidence record = execution_->evidence();
      ticker.tick(1 + record.links.size());
      if (record.identity != identity_.number) {
        end_identity();
        begin_identity(record.identity);
      }
      count_record(record);
    }
    end_identity();
  }

  void begin_identity(std::size_t number) {
    identity_.number = number;
    identity_.records = 0;
    identity_.of_source.clear();
    identity_.joined_by.reset();
    identity_.joined_by_several = false;
    identity_.large.reset();
    // Now, while its rows are at hand.
    const engine::IdentityReader& reader = execution_->identity();
    const std::size_t records = reader.record_count();
    if (records < kFewestTogether) return;
    if (largest_.is_full() && records < largest_.kept().rbegin()->records) return;
    identity_.large = {records, reader.first_source(), std::string(reader.first_record_id()),
                       number, as_text(id_of(*request_, reader))};
  }

  void count_record(const Execution::RecordEvidence& record) {
    SourceCount& source = sources_[engine::index(record.source)];
    ++source.records;
    ++identity_.records;
    const auto at = std::ranges::find(identity_.of_source, record.source,
                                      &std::pair<SourceNumber, std::uint64_t>::first);
    if (at == identity_.of_source.end()) {
      identity_.of_source.emplace_back(record.source, 1);
    } else {
      ++at->second;
    }
    if (record.links.empty()) ++source.bare;
    for (std::size_t i = 0; i < record.links.size();) {
      const std::size_t first = i;
      const engine::KindNumber kind = record.links[i].kind;
      for (; i < record.links.size() && record.links[i].kind == kind; ++i) {
        count_link(source, record.links[i]);
      }
      if (i - first >= kFewestListed) {
        full_.take({i - first, request_->sources[engine::index(record.source)].name,
                    std::string(record.id), request_->kinds[engine::index(kind)].name});
      }
    }
  }

  void count_link(SourceCount& source, const engine::Evidence& link) {
    const auto status = static_cast<std::size_t>(link.status);
    ++source.statuses[status];
    ++kinds_[engine::index(link.kind)][status];
    if (link.status == LinkStatus::kLinks) {
      identity_.joined_by_several =
          identity_.joined_by_several || (identity_.joined_by && *identity_.joined_by != link.kind);
      identity_.joined_by = link.kind;
    }
    if (link.others > 0) note_shared(link);
  }

  // Of one value in several scopes, the one that most others carry counts.
  void note_shared(const engine::Evidence& link) {
    std::set<SharedValue>& kept = shared_.kept();
    const std::string_view kind = request_->kinds[engine::index(link.kind)].name;
    if (shared_.is_full()) {
      const SharedValue& last = *kept.rbegin();
      const auto place = [](std::uint64_t others, std::string_view of, std::string_view value) {
        return std::tuple(~others, of, value);
      };
      if (place(link.others, kind, link.value) >= place(last.others, last.kind, last.value)) return;
    }
    const auto same = std::ranges::find_if(
        kept, [&](const SharedValue& at) { return at.value == link.value && at.kind == kind; });
    if (same != kept.end()) {
      if (same->others >= link.others) return;
      kept.erase(same);
    }
    shared_.take({link.others, kind, std::string(link.value)});
  }

  void end_identity() {
    if (identity_.records == 0) return;
    ++identities_;
    records_ += identity_.records;
    const bool is_matched = identity_.of_source.size() > 1;
    for (const auto& [source, records] : identity_.of_source) {
      SourceCount& count = sources_[engine::index(source)];
      ++count.identities;
      if (is_matched) count.matched += records;
    }
    const auto range = std::ranges::find_if(
        kRanges, [&](const Range& at) { return identity_.records <= at.high; });
    ++sizes_[static_cast<std::size_t>(range - kRanges.begin())];
    if (identity_.joined_by_several) {
      ++joined_by_several_;
    } else if (identity_.joined_by) {
      ++joined_by_[*identity_.joined_by];
    }
    if (!identity_.large) return;
    std::string& name = identity_.large->name;
    for (std::size_t i = 0; i < identity_.of_source.size(); ++i) {
      const auto& [source, records] = identity_.of_source[i];
      name += fmt::format("{} {} {}", i == 0 ? ":" : ",",
                          request_->sources[engine::index(source)].name, records);
    }
    largest_.take(std::move(*identity_.large));
  }

  // With which statuses the most shared values come: in a walk of its own, over the few that are
  // left. What is neither of their kind nor of their length is passed by.
  void find_statuses() {
    constexpr std::size_t kLengths = 64;
    std::vector<std::uint64_t> lengths(request_->kinds.size());
    const auto length_of = [](std::string_view value) {
      return std::uint64_t{1} << value.size() % kLengths;
    };
    for (const SharedValue& shared : shared_.kept()) {
      lengths[engine::index(*request_->kind_named(shared.kind))] |= length_of(shared.value);
    }
    if (shared_.kept().empty()) return;
    engine::Ticker ticker(execution_->environment());
    execution_->rewind();
    while (execution_->next_evidence()) {
      const Execution::RecordEvidence record = execution_->evidence();
      ticker.tick(1 + record.links.size());
      for (const engine::Evidence& link : record.links) {
        if (link.others == 0) continue;
        if ((lengths[engine::index(link.kind)] & length_of(link.value)) == 0) continue;
        const std::string_view kind = request_->kinds[engine::index(link.kind)].name;
        for (const SharedValue& shared : shared_.kept()) {
          if (shared.value != link.value || shared.kind != kind) continue;
          statuses_[{std::string(kind), shared.value}].insert(engine::status_name(link.status));
        }
      }
    }
  }

  // ---- rows ----

  // No digits: NULL.
  void put(std::string_view metric, std::string_view subject, const std::string& value) {
    call([&] {
      std::array<Datum, 3> values = {text_datum(metric), text_datum(subject), 0};
      std::array<bool, 3> nulls = {false, false, value.empty()};
      if (!value.empty()) values[2] = numeric_datum(value);
      tuplestore_putvalues(result_->setResult, result_->setDesc, values.data(), nulls.data());
    });
  }
  void put(std::string_view metric, std::string_view subject, std::uint64_t value) {
    put(metric, subject, std::to_string(value));
  }
  template <class Value>
  void put_by_source(std::string_view metric, bool with_zeros, Value&& value) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const std::uint64_t number = value(i);
      if (number > 0 || with_zeros) put(metric, request_->sources[i].name, number);
    }
  }

  void write_sources() {
    const std::span<const std::uint64_t> left_out = execution_->resolver().left_out();
    put_by_source("rows left out", false,
                  [&](std::size_t i) { return i < left_out.size() ? left_out[i] : 0; });
    put_by_source("records", true, [&](std::size_t i) { return sources_[i].records; });
    put("records", "all sources", records_);
    put_by_source("records without identifier", false,
                  [&](std::size_t i) { return sources_[i].bare; });
    put_by_source("identities", true, [&](std::size_t i) { return sources_[i].identities; });
    put("identities", "all sources", identities_);
    put_by_source("duplicate records", false,
                  [&](std::size_t i) { return sources_[i].records - sources_[i].identities; });
    if (sources_.size() < 2) return;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      put("match rate, %", fmt::format("{} in any other", request_->sources[i].name),
          share_of(sources_[i].matched, sources_[i].records, 100, 1));
    }
  }

  void write_identities() {
    std::map<std::string, std::uint64_t> alone;
    for (const auto& [kind, count] : joined_by_) {
      alone[request_->kinds[engine::index(kind)].name + " alone"] = count;
    }
    for (const auto& [name, count] : alone) put("identities joined by", name, count);
    if (joined_by_several_ > 0) put("identities joined by", "several kinds", joined_by_several_);
    for (std::size_t i = 0; i < kRanges.size(); ++i) {
      put("identities of n records", kRanges[i].name, sizes_[i]);
    }
  }

  void write_identifiers() {
    for (std::size_t status = 0; status < engine::kLinkStatuses; ++status) {
      const std::string name(engine::status_name(static_cast<LinkStatus>(status)));
      std::uint64_t all = 0;
      std::map<std::string, std::uint64_t> by_kind;
      for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
        if (kinds_[kind][status] == 0) continue;
        all += kinds_[kind][status];
        by_kind[request_->kinds[kind].name] = kinds_[kind][status];
      }
      put("identifiers", name, all);
      for (const auto& [kind, count] : by_kind) {
        put("identifiers", fmt::format("{}, {}", name, kind), count);
      }
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      for (std::size_t status = 0; status < engine::kLinkStatuses; ++status) {
        const std::uint64_t count = sources_[i].statuses[status];
        if (count == 0) continue;
        put("identifiers by source",
            fmt::format("{}, {}", request_->sources[i].name,
                        engine::status_name(static_cast<LinkStatus>(status))),
            count);
      }
    }
  }

  void write_lists() {
    const std::span<const std::uint64_t> roles = execution_->resolver().roles_shared_in();
    put_by_source("role addresses shared", false,
                  [&](std::size_t i) { return i < roles.size() ? roles[i] : 0; });
    for (const SharedValue& shared : shared_.kept()) {
      const std::set<std::string_view>& statuses =
          statuses_[{std::string(shared.kind), shared.value}];
      std::string subject = fmt::format("{} {}", shared.kind, shared.value);
      if (statuses != std::set<std::string_view>{engine::status_name(LinkStatus::kLinks)}) {
        std::string list;
        for (const std::string_view status : statuses) {
          list += fmt::format("{}{}", list.empty() ? "" : ", ", status);
        }
        subject += fmt::format(" ({})", list);
      }
      put("most shared", subject, shared.others + 1);
    }
    for (const FullRecord& record : full_.kept()) {
      put("records that hold most identifiers",
          fmt::format("{} {}: {}", record.source, record.id, record.kind), record.identifiers);
    }
  }

  void write_largest() {
    for (const LargeIdentity& identity : largest_.kept()) {
      put("largest identities", identity.name, identity.records);
      write_bridges(identity);
    }
  }

  // What is needed for the bridges of one identity: its records and the identifiers that link them.
  struct Evidence {
    std::vector<std::string> records;      // source and id
    std::vector<std::string> identifiers;  // kind and value
    std::vector<engine::CarriedIdentifier> carried;
  };

  [[nodiscard]] Evidence evidence_of(const LargeIdentity& identity) {
    Evidence evidence;
    std::map<engine::Key, std::uint32_t> numbers;
    execution_->seek_evidence(identity.number);
    for (std::uint64_t i = 0; i < identity.records && execution_->next_evidence(); ++i) {
      const Execution::RecordEvidence record = execution_->evidence();
      const auto number = static_cast<std::uint32_t>(evidence.records.size());
      evidence.records.push_back(
          fmt::format("{} {}", request_->sources[engine::index(record.source)].name, record.id));
      for (const engine::Evidence& link : record.links) {
        if (link.status != LinkStatus::kLinks) continue;
        const auto [at, is_new] =
            numbers.try_emplace(link.key, static_cast<std::uint32_t>(evidence.identifiers.size()));
        if (is_new) {
          evidence.identifiers.push_back(
              fmt::format("{} {}", request_->kinds[engine::index(link.kind)].name, link.value));
        }
        evidence.carried.push_back({number, at->second});
      }
    }
    return evidence;
  }

  void write_bridges(const LargeIdentity& identity) {
    const Evidence evidence = evidence_of(identity);
    engine::Ticker ticker(execution_->environment());
    const std::vector<engine::Bridge> bridges = engine::find_bridges(
        static_cast<std::uint32_t>(evidence.records.size()),
        static_cast<std::uint32_t>(evidence.identifiers.size()), evidence.carried, ticker);
    const auto name_of = [&](const engine::Bridge& bridge) {
      return bridge.is_record ? fmt::format("record {}", evidence.records[bridge.number])
                              : evidence.identifiers[bridge.number];
    };
    // What cuts most off; an identifier before a record, then by name.
    struct Named {
      std::uint32_t cut_off;
      bool is_record;
      std::string name;
      std::uint32_t parts;
      bool operator<(const Named& other) const noexcept {
        return std::tie(other.cut_off, is_record, name) <
               std::tie(cut_off, other.is_record, other.name);
      }
    };
    Best<Named> best(kMostBridges);
    for (const engine::Bridge& bridge : bridges) {
      if (bridge.cut_off < kFewestCutOff) continue;
      if (best.is_full() && bridge.cut_off < best.kept().rbegin()->cut_off) continue;
      best.take({bridge.cut_off, bridge.is_record, name_of(bridge), bridge.parts});
    }
    const std::string id = identity.name.substr(0, identity.name.find(':'));
    for (const Named& bridge : best.kept()) {
      put("held together by",
          fmt::format("{}: {} (without it, {} parts)", id, bridge.name, bridge.parts),
          bridge.cut_off);
    }
  }

  Execution* execution_;
  const Request* request_;
  const ReturnSetInfo* result_;
  std::vector<SourceCount> sources_;
  std::vector<Statuses> kinds_;
  std::uint64_t identities_ = 0;
  std::uint64_t records_ = 0;
  std::array<std::uint64_t, kRanges.size()> sizes_{};
  std::map<engine::KindNumber, std::uint64_t> joined_by_;
  std::uint64_t joined_by_several_ = 0;

  Identity identity_;
  Best<SharedValue> shared_{kMostListed};
  std::map<std::pair<std::string, std::string>, std::set<std::string_view>> statuses_;
  Best<FullRecord> full_{kMostListed};
  Best<LargeIdentity> largest_{kMostIdentities};
};

// ---- match rates ----

class MatchRates {
 public:
  explicit MatchRates(Execution& execution)
      : execution_(&execution),
        sources_(execution.request().sources.size()),
        records_(sources_),
        matched_(sources_ * sources_) {}

  void count() {
    std::vector<std::pair<std::size_t, std::uint64_t>> present;  // of the identity, by source
    engine::Ticker ticker(execution_->environment());
    while (execution_->next_records()) {
      present.clear();
      for (const engine::OrderedRow& row : execution_->identity().rows()) {
        ticker.tick();
        if (!row.starts_record) continue;
        const std::size_t source = engine::index(row.row.source());
        // Rows come source by source.
        if (present.empty() || present.back().first != source) present.emplace_back(source, 0);
        ++present.back().second;
      }
      for (const auto& [source, records] : present) {
        records_[source] += records;
        for (const auto& [other, others] : present) {
          if (other != source) matched_[source * sources_ + other] += records;
        }
      }
    }
  }

  void write(const ReturnSetInfo* result) const {
    const std::vector<Source>& names = execution_->request().sources;
    for (std::size_t source = 0; source < sources_; ++source) {
      for (std::size_t other = 0; other < sources_; ++other) {
        if (other == source) continue;
        const std::uint64_t matched = matched_[source * sources_ + other];
        const std::string share = share_of(matched, records_[source], 1, 4);
        call([&] {
          std::array<Datum, 5> values = {text_datum(names[source].name),
                                         text_datum(names[other].name),
                                         Int64GetDatum(static_cast<std::int64_t>(records_[source])),
                                         Int64GetDatum(static_cast<std::int64_t>(matched)), 0};
          std::array<bool, 5> nulls = {false, false, false, false, share.empty()};
          if (!share.empty()) values[4] = numeric_datum(share);
          tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data());
        });
      }
    }
  }

 private:
  Execution* execution_;
  std::size_t sources_;
  std::vector<std::uint64_t> records_;
  std::vector<std::uint64_t> matched_;  // by source, then other source
};

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_report(VARIADIC clauses identity_clause[]) → TABLE (metric, subject, value):
// src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(identity_report) {
  guarded([&] {
    const ReturnSetInfo* result = begin_tuplestore(fcinfo);
    Execution* execution =
        Execution::create(CurrentMemoryContext, ResultForm::kEvidence, clauses_of(fcinfo), nullptr);
    Report(*execution, result).write();
    execution->progress().end();
    Execution::destroy(execution);
  });
  return Datum{0};
}

// identity_match_rates(VARIADIC clauses identity_clause[]) → TABLE (source, other, records,
// matched, share): src/sql/30-evidence.sql.
IDENTITY_RESOLVE_FUNCTION(identity_match_rates) {
  guarded([&] {
    const ReturnSetInfo* result = begin_tuplestore(fcinfo);
    const TupleDesc nothing = call([] { return ShapeMaker(0).finish(); });
    Execution* execution = Execution::create(CurrentMemoryContext, ResultForm::kMasterTable,
                                             clauses_of(fcinfo), nothing);
    MatchRates rates(*execution);
    rates.count();
    rates.write(result);
    execution->progress().end();
    Execution::destroy(execution);
  });
  return Datum{0};
}
