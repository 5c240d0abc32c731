#include "resolve/execution.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/spi.h"
#include "resolve/aliases.h"
#include "resolve/bad_ids.h"
#include "resolve/notice.h"
#include "resolve/stored_row.h"

namespace identity_resolve::pg {

namespace {

KeySecret draw_secret() {
  KeySecret secret;
  if (!call([&] { return pg_strong_random(secret.data(), secret.size()); })) {
    throw engine::Error("XX000", "could not draw random numbers for the identifiers' keys");
  }
  return secret;
}

std::vector<SourceScan> prepare_sources(const Request& request, bool keeps_plans) {
  std::vector<SourceScan> scans;
  scans.reserve(request.sources.size());
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    scans.emplace_back(request, engine::SourceNumber{static_cast<std::uint16_t>(i)}, keeps_plans);
  }
  return scans;
}

// Locks what the sources and the aliases read, and makes another snapshot the active one where the
// statement's does not see all of it (resolve/source_tables.h); whether it has. A transaction of
// one snapshot has no other one. Throws engine::Error.
bool push_snapshot_that_sees(const std::vector<SourceScan>& scans, const Request& request) {
  bool is_old = false;
  const auto lock = [&](const SourceScan& scan) {
    const Oid table = scan.lock_tables(call([] { return GetActiveSnapshot(); }));
    if (!OidIsValid(table)) return;
    if (IsolationUsesXactSnapshot()) {
      throw engine::Error("40001",
                          fmt::format("{}: table \"{}\" was written anew since the transaction "
                                      "began",
                                      scan.title(), call([=] { return get_rel_name(table); })),
                          "Its rows are newer than the transaction's snapshot, which sees none of "
                          "them.",
                          "Run the transaction again, or one that is READ COMMITTED.");
    }
    is_old = true;
  };
  each_alias(request, [&](const SourceScan& alias, engine::KindNumber) { lock(alias); });
  for (const SourceScan& scan : scans) lock(scan);
  if (is_old) call([] { PushActiveSnapshot(GetLatestSnapshot()); });
  return is_old;
}

// A quarter of maintenance_work_mem is for what the stages need besides rows and links. Evidence
// that somebody walks about in must lie in memory.
std::size_t budget_of(ResultForm form) noexcept {
  constexpr std::size_t kLeast = std::size_t{4} << 20;
  if (form == ResultForm::kGraph) return SIZE_MAX / 2;
  return std::max(static_cast<std::size_t>(maintenance_work_mem) * 1024 / 4 * 3, kLeast);
}

// Whether a kind that tells of its scope is in several sources.
bool has_scope_to_tell_of(const Request& request, const std::vector<SourceScan>& scans) {
  for (std::size_t kind = 0; kind < request.kinds.size(); ++kind) {
    const engine::KindRules& rules = request.kinds[kind].rules;
    if (!rules.tells_of_scope || !rules.links) continue;
    const auto sources = std::ranges::count_if(scans, [kind](const SourceScan& scan) {
      return std::ranges::any_of(scan.columns(), [kind](const SourceColumn& column) {
        return engine::index(column.kind) == kind;
      });
    });
    if (sources > 1) return true;
  }
  return false;
}

}  // namespace

Execution* Execution::create(MemoryContext parent, ResultForm form, const ClauseList& clauses,
                             TupleDesc shape) {
  return create(parent, form, clauses, shape, Wishes());
}

Execution* Execution::create(MemoryContext parent, ResultForm form, const ClauseList& clauses,
                             TupleDesc shape, const Wishes& wishes) {
  const MemoryContext memory = call([parent] {
    return AllocSetContextCreate(parent, "identity_resolve", ALLOCSET_DEFAULT_SIZES);
  });
  void* place = call([memory] { return MemoryContextAlloc(memory, sizeof(Execution)); });
  auto* callback = static_cast<MemoryContextCallback*>(
      call([memory] { return MemoryContextAlloc(memory, sizeof(MemoryContextCallback)); }));
  auto* execution = new (place) Execution(memory, form, shape);
  callback->func = [](void* object) {
    auto* ended = static_cast<Execution*>(object);
    // An abort has closed the files already.
    if (!ended->ends_in_order_) ended->environment_.files().abandon();
    ended->~Execution();
  };
  callback->arg = execution;
  MemoryContextRegisterResetCallback(memory, callback);
  execution->row_memory_ = call([parent] {
    return AllocSetContextCreate(parent, "identity_resolve rows", ALLOCSET_DEFAULT_SIZES);
  });
  try {
    execution->resolve(clauses, wishes);
  } catch (...) {
    execution->progress().end();
    throw;
  }
  return execution;
}

void Execution::destroy(Execution* execution) {
  const MemoryContext rows = execution->row_memory_;
  const MemoryContext memory = execution->memory_;
  execution->ends_in_order_ = true;
  call([=] {
    MemoryContextDelete(rows);
    MemoryContextDelete(memory);
  });
}

// Only what cannot fail: the object must be whole before the callback that destroys it is set.
Execution::Execution(MemoryContext memory, ResultForm form, TupleDesc shape)
    : memory_(memory),
      form_(form),
      shape_(shape),
      environment_(memory, budget_of(form)),
      links_(&environment_.memory()),
      combined_(&environment_.memory()) {}

// From clauses to identities: scan to label. What survives is found out as rows are read.
void Execution::resolve(const ClauseList& clauses, const Wishes& wishes) {
  told_ = wishes.told;
  request_ = read_request(clauses);
  const bool packs = wishes.packing != nullptr && request_.state;
  if (packs) request_.state->packing = *wishes.packing;
  SpiConnection spi;
  std::vector<SourceScan> scans = prepare_sources(request_, wishes.keeps_plans);
  // Nobody else writes what is a map's own.
  const bool has_snapshot =
      !wishes.keeps_plans && !packs && push_snapshot_that_sees(scans, request_);
  read_aliases(request_);
  if (form_ == ResultForm::kMasterTable) plan_ = plan_output(request_, scans, shape_);
  secret_ = draw_secret();
  keys_.emplace(secret_, request_.kinds.size(), request_.sources.size());

  const bool combine = form_ == ResultForm::kMasterTable &&  //
                       request_.rows == OutputRows::kCombinations;
  engine::Shape wanted;
  for (const Kind& kind : request_.kinds) wanted.kinds.push_back(kind.rules);
  wanted.sources = request_.sources.size();
  wanted.keep_keys = combine;
  wanted.keep_evidence =
      wishes.with_evidence || (form_ != ResultForm::kMasterTable && form_ != ResultForm::kRecords);
  wanted.judges_values = plan_.slots != 0;
  wanted.only_records = form_ == ResultForm::kRecords;
  // What a part of an identity map's records shows is no number for a warning; explain_identity()
  // and identity_graph() say by themselves why two records are apart.
  const bool tells = !wishes.keeps_plans && form_ != ResultForm::kGraph;
  wanted.tells_of_scope = tells && has_scope_to_tell_of(request_, scans);
  wanted.tells_of_limits = tells;
  resolver_.emplace(environment_, wanted, *keys_);
  const ParallelSink parallel(*resolver_, environment_, secret_, clauses, request_);
  start_progress(scans);
  auto sink = resolver_->make_sink();
  for (SourceScan& scan : scans) {
    const bool is_told = scan.name() == kIdentifySource;
    const Snapshot snapshot = packs && !is_told ? wishes.snapshot : nullptr;
    if (snapshot != nullptr) call([=] { PushActiveSnapshot(snapshot); });
    scan.run(parallel, *sink, progress());
    if (snapshot != nullptr) call([] { PopActiveSnapshot(); });
    progress().set_spilled(resolver_->spilled_bytes() + sink->spilled_bytes());
  }
  resolver_->combine(std::move(sink));
  resolver_->finalize(wishes.each_row);
  progress().set_spilled(resolver_->spilled_bytes());
  progress().set_identities(resolver_->identities());
  progress().begin(Stage::kEmit);
  report_record_ids(scans);
  if (told_ == nullptr) warn_of_values(scans);
  warn_of_hoards();
  warn_of_scopes();
  warn_of_limits();
  if (has_snapshot) call([] { PopActiveSnapshot(); });
  spi.finish();

  if (form_ != ResultForm::kMasterTable) make_names();
  if (resolver_->lists_records()) {
    std::vector<std::string_view> names;
    for (const Source& source : request_.sources) names.push_back(source.name);
    records_.emplace(*resolver_, names);
    return;
  }
  reader_.emplace(*resolver_);
  if (form_ != ResultForm::kMasterTable) return;
  survivorship_.emplace(environment_, plan_.columns, request_.sources.size(), plan_.slots);
  cells_.emplace(survivorship_->make_cells());
  emitter_.emplace(request_, plan_.columns, shape_, memory_, row_memory_);
  if (combine) {
    // What one combination takes: its cells here, and in the engine a pair for each source and a
    // copy by which it is known to have been shown.
    constexpr std::size_t kBytesACombination = 160;
    constexpr std::size_t kBytesACell = 48;
    const std::size_t bytes = kBytesACombination + kBytesACell * plan_.columns.size();
    const std::size_t budget = static_cast<std::size_t>(maintenance_work_mem) * 1024;
    combinations_.emplace(environment_, plan_.columns, request_.sources.size(),
                          request_.max_combinations, std::max<std::size_t>(budget / bytes, 1));
  }
}

// What is built, and how many rows the planner expects of each source.
void Execution::start_progress(std::vector<SourceScan>& scans) {
  std::vector<double> expected;
  expected.reserve(scans.size());
  for (SourceScan& scan : scans) expected.push_back(scan.expected_rows());
  progress().start(result_of(form_, request_.rows), expected);
}

// The names that rows of the long form and of links show again and again.
void Execution::make_names() {
  source_names_.resize(request_.sources.size());
  kind_names_.resize(request_.kinds.size());
  call([this] {
    const MemoryContext outer = MemoryContextSwitchTo(memory_);
    for (std::size_t i = 0; i < source_names_.size(); ++i) {
      source_names_[i] = PointerGetDatum(cstring_to_text(request_.sources[i].name.c_str()));
    }
    for (std::size_t i = 0; i < kind_names_.size(); ++i) {
      kind_names_[i] = PointerGetDatum(cstring_to_text(request_.kinds[i].name.c_str()));
    }
    for (std::size_t i = 0; i < status_names_.size(); ++i) {
      const std::string_view name = status_name(static_cast<engine::LinkStatus>(i));
      status_names_[i] =
          PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
    }
    tally_names_ = {PointerGetDatum(cstring_to_text("left_out")),
                    PointerGetDatum(cstring_to_text("roles_shared"))};
    MemoryContextSwitchTo(outer);
  });
}

// What record ids name no record, and which name one in several ways.
void Execution::report_record_ids(const std::vector<SourceScan>& scans) const {
  const std::span<const std::uint64_t> left_out = resolver_->left_out();
  for (std::size_t i = 0; i < left_out.size(); ++i) {
    report_left_out(request_.sources[i], scans[i].layout().id_name, left_out[i], told_);
  }
  const engine::Spellings& spellings = resolver_->spellings();
  warn_of_spellings(spellings, request_.sources[engine::index(spellings.source)].name, told_);
}

// Warnings that name a value, to find which a source is read again.
void Execution::warn_of_values(std::vector<SourceScan>& scans) {
  const WorstOf worst_of = [&](const engine::TooCommon& noted) { return find_worst(noted, scans); };
  for (Notice& notice : notices_of_values(worst_of)) tell(std::move(notice), nullptr);
}

std::vector<Notice> Execution::notices_of_values(const WorstOf& worst_of) const {
  std::vector<Notice> notices;
  if (resolver_->too_common().identifiers > 0) {
    notices.push_back(notice_of_common_values(worst_of));
  }
  if (resolver_->shared_roles().identifiers > 0) {
    notices.push_back(notice_of_shared_roles(worst_of));
  }
  if (resolver_->frequent().identifiers > 0) {
    notices.push_back(notice_of_frequent_values(worst_of));
  }
  return notices;
}

// All values that max_records cut, with the worst of them by name.
Notice Execution::notice_of_common_values(const WorstOf& worst_of) const {
  const engine::TooCommon& cut = resolver_->too_common();
  const Kind& kind = request_.kinds[engine::index(cut.kind)];
  const bool in_all = cut.source == engine::TooCommon::kAllSources;
  const std::string whose =
      in_all ? "all sources"
             : fmt::format("source \"{}\"", request_.sources[engine::index(cut.source)].name);
  const std::string_view limit = in_all ? "max_records_in_all" : "max_records";
  const std::uint64_t most = in_all ? kind.rules.max_records_in_all : kind.rules.max_records;
  const std::string message = fmt::format("{} identifier{} too common to link anybody",
                                          cut.identifiers, cut.identifiers == 1 ? " is" : "s are");
  const std::optional<std::string> worst = worst_of(cut);
  std::string detail;
  if (!worst) {
    detail = fmt::format(
        "The most common are {} of the kind {}: {} records of {} carry each, and {} is {}.",
        cut.worst, kind.name, cut.records, whose, limit, most);
  } else {
    detail = fmt::format("The most common is {} \"{}\": {} records of {} carry it, and {} is {}.",
                         kind.name, *worst, cut.records, whose, limit, most);
  }
  const std::string hint = fmt::format(
      "identity_links() shows all of them with the status too_common. Where such a value really is "
      "one person, raise the limit: identity_rule('{}', {} => ...).",
      kind.name, limit);
  const std::string& source =
      in_all ? std::string() : request_.sources[engine::index(cut.source)].name;
  return {source, kind.name, message, detail, hint};
}

// The value, as it is shown, of the worst of the identifiers that were noted. Nothing where they
// are too many to be looked for.
std::optional<std::string> Execution::find_worst(const engine::TooCommon& noted,
                                                 std::vector<SourceScan>& scans) {
  if (noted.worst > noted.keys.size()) return std::nullopt;
  const bool in_all = noted.source == engine::TooCommon::kAllSources;
  std::optional<std::string> value;
  for (std::size_t i = 0; i < scans.size() && !value; ++i) {
    if (!in_all && i != engine::index(noted.source)) continue;
    value = scans[i].find_value(noted.kind, noted.keys, *keys_);
  }
  return for_client(value.value_or("?"));
}

// The same as a part of a sentence, with the kind.
std::string Execution::name_worst(const engine::TooCommon& noted, const WorstOf& worst_of) const {
  const std::string& kind = request_.kinds[engine::index(noted.kind)].name;
  const std::optional<std::string> worst = worst_of(noted);
  return worst ? fmt::format("{} \"{}\"", kind, *worst)
               : fmt::format("{} values of {}", noted.worst, kind);
}

// All role addresses that role_max_records cut.
Notice Execution::notice_of_shared_roles(const WorstOf& worst_of) const {
  const engine::TooCommon& cut = resolver_->shared_roles();
  const Kind& kind = request_.kinds[engine::index(cut.kind)];
  const std::string message = fmt::format(
      "{} role address{} nobody: several people of one source share {}", cut.identifiers,
      cut.identifiers == 1 ? " links" : "es link", cut.identifiers == 1 ? "it" : "each");
  const std::string detail = fmt::format(
      "The most shared is {}: {} records of source \"{}\" have it that nothing else unites, and "
      "role_max_records is {}.",
      name_worst(cut, worst_of), cut.records, request_.sources[engine::index(cut.source)].name,
      kind.rules.role_max_records);
  const std::string hint = fmt::format(
      "identity_links() shows all of them with the status too_common. To have them link: "
      "identity_rule('{0}', role_max_records => 0). To block role addresses without being told: "
      "identity_rule('{0}', block_roles => true).",
      kind.name);
  return {request_.sources[engine::index(cut.source)].name, kind.name, message, detail, hint};
}

// Values that link, but on more records than honest data has.
Notice Execution::notice_of_frequent_values(const WorstOf& worst_of) const {
  const engine::TooCommon& noted = resolver_->frequent();
  const Kind& kind = request_.kinds[engine::index(noted.kind)];
  const std::string message = fmt::format("{} is on {} records of source \"{}\" and makes them one",
                                          name_worst(noted, worst_of), noted.records,
                                          request_.sources[engine::index(noted.source)].name);
  const std::string detail = fmt::format(
      "More than {} records with one {} are more than one person has. It may be a placeholder that "
      "identity_blocked_values() does not know.",
      kind.rules.warn_records, kind.name);
  const std::string hint = fmt::format(
      "If it is nobody's: identity_rule('{0}', blocked => ARRAY['...']), or max_records => 1000 "
      "for all such values. If it is right, or the rows are events: identity_rule('{0}', "
      "max_records => 0) ends this warning.",
      kind.name);
  return {request_.sources[engine::index(noted.source)].name, kind.name, message, detail, hint};
}

// A warning for each source and kind of which records hold more identifiers than honest data has.
void Execution::warn_of_hoards() const {
  for (const engine::NamedHoards& hoards : resolver_->hoards()) {
    const Kind& kind = request_.kinds[engine::index(hoards.kind)];
    const std::string message =
        fmt::format("{} record{} of source \"{}\" hold{} more than {} identifiers of the kind {}",
                    hoards.records, hoards.records == 1 ? "" : "s",
                    request_.sources[engine::index(hoards.source)].name,
                    hoards.records == 1 ? "s" : "", kind.rules.warn_identifiers, kind.name);
    const std::string detail = fmt::format(
        "Record \"{}\" holds the most: {}. They all count as one person's. identity_report() lists "
        "the records that hold most identifiers.",
        for_client(hoards.worst), hoards.most);
    std::string hint =
        "The first column may not be the record's own id, or the list not the record's own: mend "
        "the source's query.";
    if (kind.rules.max_per_identity == 0) {
      hint += fmt::format(
          " Where a record really has so many, identity_rule('{}', max_per_identity => 0) ends "
          "this warning.",
          kind.name);
    }
    tell({request_.sources[engine::index(hoards.source)].name, kind.name, message, detail, hint},
         told_);
  }
}

// A warning for each kind that links only within a source because nobody said anything else.
void Execution::warn_of_scopes() const {
  const std::span<const std::uint64_t> apart = resolver_->kept_apart_by_scope();
  for (std::size_t i = 0; i < apart.size(); ++i) {
    if (apart[i] == 0) continue;
    const std::string& kind = request_.kinds[i].name;
    const bool one = apart[i] == 1;
    const std::string message = fmt::format(
        "{} {} in several sources and link{} nobody across them", apart[i],
        one ? fmt::format("value of {} is", kind) : fmt::format("values of {} are", kind),
        one ? "s" : "");
    const std::string detail = fmt::format(
        "Values of {} link only within one source: in another tool the same one may be somebody "
        "else's.",
        kind);
    const std::string hint = fmt::format(
        "Where all tools have them from one place, as with single sign-on, say "
        "identity_rule('{0}', scope => 'all'). To be asked no more: identity_rule('{0}', scope => "
        "'source').",
        kind);
    tell({{}, kind, message, detail, hint}, told_);
  }
}

// A warning for each kind whose limit has refused links and is a default.
void Execution::warn_of_limits() const {
  const std::span<const std::uint64_t> refused = resolver_->refused_by_default();
  for (std::size_t i = 0; i < refused.size(); ++i) {
    if (refused[i] == 0) continue;
    const Kind& kind = request_.kinds[i];
    const std::string message =
        fmt::format("{} link{} refused, as an identity has at most {} {}", refused[i],
                    refused[i] == 1 ? " is" : "s are", kind.rules.max_per_identity, kind.name);
    const std::string detail = fmt::format(
        "That limit is a default of {}. identity_links() shows what it refused with the status "
        "conflict or ambiguous.",
        kind.name);
    const std::string hint = fmt::format(
        "Where a person really has several, lift it: identity_rule('{0}', max_per_identity => 0). "
        "To "
        "keep it without being told: identity_rule('{0}', max_per_identity => {1}).",
        kind.name, kind.rules.max_per_identity);
    tell({{}, kind.name, message, detail, hint}, told_);
  }
}

bool Execution::next(Datum* values, bool* nulls) {
  if (records_) return next_listed_record(values, nulls);
  if (form_ == ResultForm::kRecords) return next_record(values, nulls);
  if (form_ == ResultForm::kLinks || form_ == ResultForm::kEvidence) {
    return next_link(values, nulls);
  }
  return combinations_ ? next_combination(values, nulls) : next_identity(values, nulls);
}

void Execution::rewind() noexcept {
  if (records_) records_->rewind();
  next_identity_ = 0;
  next_row_ = 0;
  next_combined_ = 0;
  combined_.clear();
  next_link_ = 0;
  links_.clear();
  show_record_ = false;
  next_tally_ = 0;
}

bool Execution::load_next_identity() {
  if (next_identity_ == resolver_->identities()) {
    progress().finish();
    return false;
  }
  constexpr std::size_t kIdentitiesACheck = 1024;
  if (next_identity_ % kIdentitiesACheck == 0) {
    environment_.check_interrupts();
    progress().set_emitted(next_identity_);
  }
  reader_->load(engine::IdentityNumber{static_cast<std::uint32_t>(next_identity_++)});
  return true;
}

bool Execution::next_listed_record(Datum* values, bool* nulls) {
  constexpr std::size_t kRowsAReport = 1024;
  if (records_->rows_read() % kRowsAReport == 0) {
    progress().set_emitted(resolver_->identities() * records_->rows_read() / resolver_->rows());
  }
  if (!records_->next()) {
    progress().finish();
    return false;
  }
  const engine::Row row = records_->row();
  values[0] = PointerGetDatum(records_->identity_id().data());
  values[1] = source_names_[engine::index(row.source())];
  values[2] = id_writer_.write(row.record_id(), row_memory_);
  nulls[0] = nulls[1] = nulls[2] = false;
  return true;
}

bool Execution::next_record(Datum* values, bool* nulls) {
  // A record's further rows are skipped; before the first identity there is no row at all.
  while (next_identity_ > 0 && next_row_ < reader_->rows().size() &&
         !reader_->rows()[next_row_].starts_record) {
    ++next_row_;
  }
  if (next_identity_ == 0 || next_row_ == reader_->rows().size()) {
    if (!load_next_identity()) return false;
    next_row_ = 0;
    id_ = id_of(request_, *reader_);
  }
  const engine::Row& row = reader_->rows()[next_row_++].row;
  values[0] = PointerGetDatum(id_.data());
  values[1] = source_names_[engine::index(row.source())];
  values[2] = id_writer_.write(row.record_id(), row_memory_);
  nulls[0] = nulls[1] = nulls[2] = false;
  return true;
}

// The next record, of links the next that carries anything: its identifiers, each once, by kind and
// value.
bool Execution::load_next_links() {
  links_.clear();
  next_link_ = 0;
  engine::Ticker ticker(environment_);
  show_record_ = form_ == ResultForm::kEvidence;
  do {
    if (next_identity_ == 0 || next_row_ == reader_->rows().size()) {
      if (!load_next_identity()) return false;
      next_row_ = 0;
      id_ = id_of(request_, *reader_);
    }
    const std::span<const engine::OrderedRow> rows = reader_->rows();
    record_source_ = rows[next_row_].row.source();
    record_id_ = rows[next_row_].row.record_id();
    const std::size_t first = next_row_;
    do {
      rows[next_row_++].row.each_evidence([&](const engine::Evidence& evidence) {
        ticker.tick();
        links_.push_back(evidence);
      });
    } while (next_row_ < rows.size() && !rows[next_row_].starts_record);
    record_rows_ = rows.subspan(first, next_row_ - first);
  } while (links_.empty() && !show_record_);
  // Keys are random, and come last: they only bring equal identifiers together.
  const auto order = [](const engine::Evidence& at) {
    return std::tuple(at.kind, at.value, at.key);
  };
  std::sort(links_.begin(), links_.end(), [&](const auto& a, const auto& b) {
    ticker.tick_bytes(std::min(a.value.size(), b.value.size()));
    return order(a) < order(b);
  });
  links_.erase(std::unique(links_.begin(), links_.end(),
                           [](const auto& a, const auto& b) { return a.key == b.key; }),
               links_.end());
  return true;
}

bool Execution::next_link(Datum* values, bool* nulls) {
  if (next_link_ == links_.size() && !show_record_) {
    if (!load_next_links()) return next_tally(values, nulls);
  }
  values[0] = PointerGetDatum(id_.data());
  values[1] = source_names_[engine::index(record_source_)];
  values[2] = id_writer_.write(record_id_, row_memory_);
  if (show_record_) {
    show_record_ = false;
    std::fill_n(nulls, 3, false);
    std::fill_n(nulls + 3, 4, true);
    return true;
  }
  const engine::Evidence& link = links_[next_link_++];
  values[3] = kind_names_[engine::index(link.kind)];
  values[4] = value_writer_.write(link.value, row_memory_);
  values[5] = status_names_[static_cast<std::size_t>(link.status)];
  values[6] = Int64GetDatum(static_cast<std::int64_t>(link.others));
  std::fill_n(nulls, 7, false);
  return true;
}

// Evidence ends with what was counted by source: the rows left out, and the role addresses on too
// many records.
bool Execution::next_tally(Datum* values, bool* nulls) noexcept {
  show_record_ = false;
  if (form_ != ResultForm::kEvidence) return false;
  const std::size_t sources = request_.sources.size();
  const std::array tallies = {resolver_->left_out(), resolver_->roles_shared_in()};
  for (; next_tally_ < tallies.size() * sources; ++next_tally_) {
    const std::span<const std::uint64_t> tally = tallies[next_tally_ / sources];
    const std::size_t source = next_tally_ % sources;
    if (source >= tally.size() || tally[source] == 0) continue;
    std::fill_n(nulls, 7, true);
    values[1] = source_names_[source];
    values[5] = tally_names_[next_tally_ / sources];
    values[6] = Int64GetDatum(static_cast<std::int64_t>(tally[source]));
    nulls[1] = nulls[5] = nulls[6] = false;
    ++next_tally_;
    return true;
  }
  return false;
}

bool Execution::next_identity(Datum* values, bool* nulls) {
  if (!load_next_identity()) return false;
  survivorship_->fill(*reader_, *cells_);
  emitter_->write(*reader_, *cells_, values, nulls);
  return true;
}

bool Execution::next_combination(Datum* values, bool* nulls) {
  if (next_combined_ == combined_.size()) {
    if (!load_next_identity()) return false;
    survivorship_->fill(*reader_, *cells_);
    collect_combinations();
  }
  for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
    const std::string_view value = combined_[next_combined_++];
    if (!plan_.columns[i].array) (*cells_)[i].set(value);
  }
  emitter_->write(*reader_, *cells_, values, nulls);
  return true;
}

// The combinations of the identity at hand, each as the values of its scalar cells.
void Execution::collect_combinations() {
  combined_.clear();
  next_combined_ = 0;
  const auto name = [this] {
    return fmt::format("{} (source \"{}\", record \"{}\")", as_text(id_of(request_, *reader_)),
                       request_.sources[engine::index(reader_->first_source())].name,
                       reader_->first_record_id());
  };
  combinations_->each(*reader_, *cells_, name, [this] {
    for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
      const engine::Cell& cell = (*cells_)[i];
      const bool shown = !plan_.columns[i].array && !cell.empty();
      combined_.push_back(shown ? cell.values().front() : std::string_view());
    }
  });
}

}  // namespace identity_resolve::pg
