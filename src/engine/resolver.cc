// Rows go in through local sinks, identities come out. union_stage.cc, the only place in which rows
// meet, says which belong together.
#include "engine/resolver.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "engine/error.h"

namespace identity_resolve::engine {

LocalSink::LocalSink(Environment& environment, const Shape& shape, const KeyRing& keys,
                     std::size_t budget)
    : shape_(&shape),
      keys_(&keys),
      ticker_(environment),
      budget_(budget),
      log_(environment),
      links_(environment),
      spill_(environment),
      runs_(&environment.memory()),
      padded_(&environment.memory()),
      left_out_(shape.sources, 0, &environment.memory()),
      environment_(&environment),
      value_keys_(&environment.memory()) {}

std::size_t LocalSink::rows_given() const noexcept {
  std::uint64_t rows = log_.rows() + passed_over_;
  for (const std::uint64_t left_out : left_out_) rows += left_out;
  return rows + (suspects_ == nullptr ? 0 : suspects_->rows_given());
}

LocalSink& LocalSink::suspects() {
  // There are hardly any, unless a source names all of its records so.
  constexpr std::size_t kPart = 8;
  if (suspects_ == nullptr) {
    suspects_ = std::make_unique<LocalSink>(*environment_, *shape_, *keys_, budget_ / kPart);
  }
  return *suspects_;
}

void LocalSink::spill() {
  log_.spill(spill_, ticker_);
  links_.log().spill(spill_, ticker_);
}

void LocalSink::append(const void* bytes, std::size_t count) {
  if (open_bytes_ + count > log_.room()) {
    open_ = log_.open(open_bytes_ + count, open_, open_bytes_);
  }
  if (count != 0) std::memcpy(open_ + open_bytes_, bytes, count);  // an empty view may be null
  open_bytes_ += count;
}

void LocalSink::begin_run(SourceNumber source) {
  if (!runs_.empty() && runs_.back().source == source) return;
  runs_.push_back({static_cast<std::uint32_t>(rows()), source});
}

void LocalSink::begin_row(SourceNumber source, const RecordId& id, std::int64_t updated_at) {
  const std::string_view record_id = id.typed;
  const bool is_padded = id.compared.size() != record_id.size();
  if (rows() >= kMaxRows) {
    throw Error("54000", "too many rows: one call resolves at most 4294967294");
  }
  if (record_id.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("54000", "a record id is longer than 4 GiB");
  }
  const RowHeader header{static_cast<std::uint32_t>(record_id.size()), 0, source,
                         updated_at != kNeverUpdated, is_padded || !id.is_unique};
  open_ = log_.open(sizeof header + sizeof updated_at + record_id.size());
  std::memcpy(open_, &header, sizeof header);
  open_bytes_ = sizeof header;
  if (header.has_updated_at) {
    std::memcpy(open_ + open_bytes_, &updated_at, sizeof updated_at);
    open_bytes_ += sizeof updated_at;
  }
  if (!record_id.empty()) std::memcpy(open_ + open_bytes_, record_id.data(), record_id.size());
  open_bytes_ += record_id.size();
  numbered_ = 0;
  begin_value();
  const auto row = RowNumber{static_cast<std::uint32_t>(rows())};
  begin_run(source);
  if (!header.has_record_link) return;
  const Key key = keys_->record(source, id.compared);
  links_.add({key, row, kRecordKind, true, false, false});
  if (is_padded) padded_.push_back({key, static_cast<std::uint32_t>(row), source});
}

void LocalSink::add_identifier(KindNumber kind, std::string_view normalized, Standing standing,
                               std::string_view shown, std::string_view scoped) {
  const KindRules& rules = shape_->kinds[index(kind)];
  if (holds(kind)) {
    add_held(kind, key_of(kind, normalized), standing);
    return;
  }
  const bool counts = standing < Standing::kInvalid;
  note_showing(standing);
  const bool links = standing < Standing::kNoScope && rules.links;
  const bool limited = counts && rules.max_per_identity != 0;
  if (!links && !limited && !shape_->keep_evidence) return;

  // Within a scope the value links under another key than the one that limits count.
  const bool in_scope = rules.scoped && links;
  const Key key = keys_->identifier(kind, in_scope ? scoped : normalized);
  const auto row = RowNumber{static_cast<std::uint32_t>(rows())};
  ++identifiers_;
  Link link{key, row, kind, links, counts && !in_scope, standing == Standing::kGivesWay};
  if (links && shape_->judges_values) link.ordinal = number_identifier(key) & kByKeys;
  links_.add(link);
  if (in_scope && (limited || (rules.tells_of_scope && shape_->tells_of_scope))) {
    links_.add({keys_->identifier(kind, normalized), row, kind, false, true, false});
  }
  if (shape_->keep_keys && links) append_key(kKeySlot, key);
  if (!shape_->keep_evidence) return;
  LinkStatus status = LinkStatus::kAlone;  // decided by finalize()
  if (standing == Standing::kInvalid) {
    status = LinkStatus::kInvalid;
  } else if (standing == Standing::kBlocked) {
    status = LinkStatus::kBlocked;
  } else if (!links) {
    status = LinkStatus::kNotLinking;
  }
  append_evidence({key, 0, kind, status}, shown.data() == nullptr ? normalized : shown);
}

// Appends an identifier's evidence to the row: what is known of it, and how it is shown.
void LocalSink::append_evidence(const EvidenceHeader& header, std::string_view shown) {
  if (shown.size() > std::numeric_limits<std::uint32_t>::max() - sizeof(EvidenceHeader)) {
    throw Error("54000", "a value is longer than 4 GiB");
  }
  const ItemHeader item{static_cast<std::uint32_t>(sizeof header + shown.size()), kEvidenceSlot};
  append(&item, sizeof item);
  append(&header, sizeof header);
  append(shown.data(), shown.size());
}

// Gives an identifier of the value at hand, which may link, its number in the row. Values are
// judged.
std::uint16_t LocalSink::number_identifier(const Key& key) {
  const bool is_first = value_.ordinal == 0;
  if (is_first) value_keys_.clear();
  value_keys_.push_back(key);
  if (numbered_ < kByKeys) ++numbered_;
  value_.ordinal = is_first ? numbered_ : kByKeys;
  return numbered_;
}

void LocalSink::append_item(const ItemHeader& header, std::string_view bytes) {
  const std::size_t end = open_bytes_ + sizeof header + bytes.size();
  if (end > log_.room()) open_ = log_.open(end, open_, open_bytes_);
  std::byte* const at = open_ + open_bytes_;
  std::memcpy(at, &header, sizeof header);
  if (!bytes.empty()) std::memcpy(at + sizeof header, bytes.data(), bytes.size());
  open_bytes_ = end;
}

void LocalSink::add_value(SlotNumber slot, std::string_view value) {
  if (value.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("54000", "a value is longer than 4 GiB");
  }
  if (value_.ordinal == kByKeys) {
    for (const Key& key : value_keys_) append_key(kValueKeySlot, key);
  }
  ItemHeader header{static_cast<std::uint32_t>(value.size()), slot};
  header.ordinal = value_.ordinal & kByKeys;
  header.showing = value_.showing;
  append_item(header, value);
}

void LocalSink::end_row() {
  RowHeader header;
  std::memcpy(&header, open_, sizeof header);
  const std::size_t item_bytes = open_bytes_ - Row(open_).bytes();
  if (item_bytes > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("54000", "the values of a row take more than 4 GiB");
  }
  header.item_bytes = static_cast<std::uint32_t>(item_bytes);
  std::memcpy(open_, &header, sizeof header);
  log_.take(open_bytes_);
  most_on_a_row_ = std::max(most_on_a_row_, identifiers_ - identifiers_before_);
  identifiers_before_ = identifiers_;
  spill_beyond_budget();
}

void LocalSink::spill_some() {
  // Rows are wanted last, and from front to back: links, which are wanted at once, stay as long as
  // they leave room.
  log_.spill(spill_, ticker_);
  if (links_.log().resident_bytes() > budget_ / 2) links_.log().spill(spill_, ticker_);
}

template <class Visit>
void LocalSink::each_link(std::size_t partition, Visit&& visit) {
  boost::container::pmr::vector<Link> piece(&environment_->memory());
  const auto visit_all = [&](std::span<const Link> links) {
    for (const Link& link : links) {
      visit(link);
      ticker_.tick();
    }
  };
  std::as_const(links_).each_chunk(partition, visit_all);
  links_.each_spilled(partition, spill_, piece, visit_all);
}

// Takes those of another sink's rows that are to be kept, in their order.
void LocalSink::take_rows(LocalSink& of, const std::uint8_t* kept) {
  most_on_a_row_ = std::max(most_on_a_row_, of.most_on_a_row_);
  boost::container::pmr::vector<std::uint32_t> number(of.rows(), kNoRow, &environment_->memory());
  std::size_t at = 0;
  of.each_row([&](const Row& row) {
    ticker_.tick();
    if (kept[at++] == 0) return;
    number[at - 1] = static_cast<std::uint32_t>(rows());
    begin_run(row.source());
    std::memcpy(log_.open(row.bytes()), row.start(), row.bytes());
    log_.take(row.bytes());
    spill_beyond_budget();
  });
  for (std::size_t partition = 0; partition < links_.log().partitions(); ++partition) {
    of.each_link(partition, [&](Link link) {
      const std::uint32_t row = number[index(link.row)];
      if (row == kNoRow) return;
      link.row = RowNumber{row};
      links_.log().add(partition, link);
      if (link.kind != kRecordKind) ++identifiers_;
    });
    spill_beyond_budget();
  }
}

// ---- rows come in ----

Resolver::Resolver(Environment& environment, const Shape& shape, const KeyRing& keys)
    : environment_(&environment),
      shape_(shape),
      keys_(&keys),
      ticker_(environment),
      runs_(&environment.memory()),
      left_out_(shape.sources, 0, &environment.memory()),
      padded_(&environment.memory()),
      spelling_bytes_(environment.memory()),
      spelled_(&environment.memory()),
      spelling_links_(environment),
      spelling_spill_(environment),
      renamed_(&environment.memory()),
      first_member_(1, 0, &environment.memory()),
      members_(&environment.memory()),
      identity_of_(&environment.memory()),
      records_(&environment.memory()),
      first_record_(&environment.memory()),
      parts_spill_(environment),
      parts_(&environment.memory()),
      part_rows_(&environment.memory()) {}

std::unique_ptr<LocalSink> Resolver::make_sink(std::size_t budget) {
  return std::make_unique<LocalSink>(*environment_, shape_, *keys_, budget);
}

void Resolver::combine(std::unique_ptr<LocalSink> sink) {
  if (row_count_ + sink->rows() > kMaxRows) {
    throw Error("54000", "too many rows: one call resolves at most 4294967294");
  }
  const auto first = static_cast<std::uint32_t>(row_count_);
  sink->links_.renumber(first);
  for (const SourceRun& run : sink->runs_) {
    runs_.push_back({run.first_row + first, run.source});
  }
  for (LocalSink::PaddedRow padded : sink->padded_) {
    padded.row += first;
    padded_.push_back(padded);
  }
  for (std::size_t i = 0; i < left_out_.size(); ++i) left_out_[i] += sink->left_out_[i];
  if (sink->suspects_ != nullptr) suspects_.push_back(std::move(sink->suspects_));
  row_count_ += sink->rows();
  sinks_.push_back(std::move(sink));
}

std::uint64_t Resolver::identifiers() const noexcept {
  std::uint64_t identifiers = 0;
  for (const auto& sink : sinks_) identifiers += sink->identifiers();
  return identifiers;
}

std::uint64_t Resolver::spilled_bytes() const noexcept {
  std::uint64_t bytes = parts_spill_.bytes();
  for (const auto& sink : sinks_) bytes += sink->spilled_bytes();
  return bytes;
}

std::size_t Resolver::resident_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& sink : sinks_) bytes += sink->resident_bytes();
  return bytes;
}

// ---- union ----

std::vector<LoggedLinks> Resolver::tables() {
  std::vector<LoggedLinks> tables;
  for (const auto& sink : sinks_) tables.push_back({&sink->links_, &sink->spill_});
  if (!renamed_.empty()) tables.push_back({&spelling_links_, &spelling_spill_});
  return tables;
}

std::vector<LoggedRows> Resolver::logs() const {
  std::vector<LoggedRows> logs;
  for (const auto& sink : sinks_) logs.push_back({&sink->log_, &sink->spill_});
  return logs;
}

UnionInput Resolver::input(std::span<const LoggedLinks> links, std::span<const LoggedRows> rows,
                           RowVerdicts<ValueVerdict>* values) const noexcept {
  return {shape_.kinds,
          shape_.sources,
          links,
          rows,
          {runs_.data(), runs_.size()},
          row_count_,
          shape_.keep_evidence,
          shape_.tells_of_limits,
          values};
}

void Resolver::finalize(const std::function<void(const Row&)>& visit) {
  admit_suspects();
  if (visit) {
    each_row(logs(), [&](const Row& row) {
      ticker_.tick();
      visit(row);
    });
  }
  join_spellings();
  const std::vector<LoggedLinks> links = tables();
  const std::vector<LoggedRows> rows = logs();
  Judgement judgement(*environment_);
  if (shape_.judges_values) judgement.values.begin(row_count_, 0);
  UnionStage stage(*environment_,
                   input(links, rows, shape_.judges_values ? &judgement.values : nullptr));
  identities_ = stage.run();
  too_common_ = stage.too_common();
  shared_roles_ = stage.shared_roles();
  roles_shared_in_ = stage.take_roles_shared_in();
  frequent_ = stage.frequent();
  std::uint64_t most_on_a_row = 0;
  for (const auto& sink : sinks_) most_on_a_row = std::max(most_on_a_row, sink->most_on_a_row_);
  name_hoards(stage.find_hoards(most_on_a_row));
  refused_by_default_ = stage.take_refused_by_default();
  if (shape_.tells_of_scope) kept_apart_by_scope_ = stage.count_kept_apart_by_scope();
  if (shape_.keep_evidence) {
    judgement.identifiers.begin(row_count_, static_cast<std::size_t>(identifiers()));
    stage.write_evidence(judgement.identifiers);
  }
  environment_->begin_stage(Stage::kLabel);
  // The links' memory is free once they are forgotten: rows that had to make way for them may find
  // room again.
  std::uint64_t bytes = shape_.only_records && renamed_.empty()
                            ? identities_ * (sizeof(const std::byte*) + sizeof(SourceNumber) + 16)
                            : row_count_ * sizeof(const std::byte*);
  for (const auto& sink : sinks_) {
    bytes += std::max<std::uint64_t>(sink->log_.bytes(), sink->log_.resident_bytes());
  }
  const bool fits = bytes <= environment_->budget();
  const bool lists = shape_.only_records && renamed_.empty();
  if (fits && lists) records_ = stage.take_records();
  for (const auto& sink : sinks_) sink->links_.log().clear();
  spelling_links_.log().clear();
  stage.forget_links();
  if (fits) {
    for (const auto& sink : sinks_) sink->log_.load_spilled(sink->spill_, ticker_);
    if (lists) {
      identity_of_ = stage.take_identities();
      list_records();
    } else {
      place_in_memory(stage.identity_of(), judgement);
    }
  } else {
    place_in_parts(stage.identity_of(), judgement);
  }
  for (const auto& sink : sinks_) sink->spill_.close();
}

// Finds the ids of the worst hoards: of those that hold as many the shortest, then the least.
void Resolver::name_hoards(const std::vector<Hoards>& found) {
  if (found.empty()) return;
  for (const Hoards& hoards : found) {
    hoards_.push_back({hoards.source, hoards.kind, hoards.records, hoards.most, {}});
  }
  std::vector<std::size_t> next(found.size(), 0);  // of the rows of each
  std::uint32_t number = 0;
  each_row(logs(), [&](const Row& row) {
    ticker_.tick();
    const std::uint32_t here = number++;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::vector<std::uint32_t>& rows = found[i].rows;
      if (next[i] == rows.size() || rows[next[i]] != here) continue;
      std::string& worst = hoards_[i].worst;
      const std::string_view id = row.record_id();
      const std::string_view so_far = worst;
      if (next[i]++ == 0 || std::tuple(id.size(), id) < std::tuple(so_far.size(), so_far)) {
        worst = id;
      }
    }
  });
}

// ---- which rows name a record, and how ----

// Takes the rows of the suspects' sinks that are the only ones of their records.
void Resolver::admit_suspects() {
  std::size_t rows = 0;
  for (const auto& sink : suspects_) rows += sink->rows();
  if (rows == 0) return;
  Vector<std::uint8_t> is_only(rows, 0, &environment_->memory());
  KeyIndex records(*environment_);
  for (std::size_t partition = 0; partition < LinkTable::kPartitions; ++partition) {
    records.reset(0);
    std::size_t first = 0;
    for (const auto& sink : suspects_) {
      sink->each_link(partition, [&](Link link) {
        if (link.kind != kRecordKind) return;
        link.row = RowNumber{static_cast<std::uint32_t>(index(link.row) + first)};
        static_cast<void>(records.add(link));
      });
      first += sink->rows();
    }
    for (const KeyGroup& record : records.groups()) {
      if (record.links == 1) is_only[record.first_row] = 1;
    }
  }
  const std::uint8_t* kept = is_only.data();
  for (std::unique_ptr<LocalSink>& sink : suspects_) {
    const std::uint8_t* const first = std::exchange(kept, kept + sink->rows());
    std::size_t row = 0;
    sink->each_row([&](const Row& at) {
      if (first[row++] == 0) ++left_out_[index(at.source())];
    });
    auto admitted = make_sink();
    admitted->take_rows(*sink, first);
    sink.reset();
    if (admitted->rows() != 0) combine(std::move(admitted));
  }
  suspects_.clear();
}

// Calls visit(row, number, record) for each row of the records of spelled_.
template <class Visit>
void Resolver::each_spelled_row(Visit&& visit) {
  std::vector<bool> is_spelled(shape_.sources);
  for (const SpelledRecord& record : spelled_) is_spelled[index(record.source)] = true;
  std::uint32_t number = 0;
  std::size_t next_padded = 0;
  each_row(logs(), [&](const Row& row) {
    ticker_.tick();
    const std::uint32_t here = number++;
    if (!is_spelled[index(row.source())]) return;
    const bool is_padded = next_padded < padded_.size() && padded_[next_padded].row == here;
    const Key key =
        is_padded ? padded_[next_padded++].key : keys_->record(row.source(), row.record_id());
    const auto record = std::lower_bound(
        spelled_.begin(), spelled_.end(), key,
        [](const SpelledRecord& at, const Key& wanted) { return at.key < wanted; });
    if (record != spelled_.end() && record->key == key) visit(row, here, *record);
  });
}

// Ids that differ in the blanks around them name one record: finds these records, unites their
// rows, and has all of them show the first spelling. Where no id has blanks around it, as nearly
// always, nothing is looked at.
void Resolver::join_spellings() {
  if (padded_.empty()) return;
  for (const LocalSink::PaddedRow& padded : padded_) {
    spelled_.push_back({padded.key, padded.source});
  }
  std::sort(spelled_.begin(), spelled_.end(), [this](const auto& a, const auto& b) {
    ticker_.tick();
    return a.key < b.key;
  });
  spelled_.erase(std::unique(spelled_.begin(), spelled_.end(),
                             [](const auto& a, const auto& b) { return a.key == b.key; }),
                 spelled_.end());
  const auto copy = [this](std::string_view id) {
    auto* bytes = reinterpret_cast<char*>(spelling_bytes_.allocate(id.size()));
    id.copy(bytes, id.size());
    return std::string_view(bytes, id.size());
  };
  each_spelled_row([&](const Row& row, std::uint32_t, SpelledRecord& record) {
    const std::string_view id = row.record_id();
    if (record.first.data() == nullptr) {
      record.first = record.last = copy(id);
    } else if (compare_ids(id, record.first) < 0) {
      record.first = copy(id);
    } else if (compare_ids(id, record.last) > 0) {
      record.last = copy(id);
    }
    record.has_several = record.first != record.last;
  });
  const SpelledRecord* first = nullptr;
  for (const SpelledRecord& record : spelled_) {
    if (!record.has_several) continue;
    ++spellings_.records;
    if (first == nullptr || record.source < first->source ||
        (record.source == first->source && compare_ids(record.first, first->first) < 0)) {
      first = &record;
    }
  }
  if (first == nullptr) return;
  spellings_.source = first->source;
  spellings_.shown = first->first;
  spellings_.other = first->last;
  each_spelled_row([&](const Row& row, std::uint32_t number, const SpelledRecord& record) {
    if (!record.has_several) return;
    if (!row.has_record_link()) {
      spelling_links_.add({record.key, RowNumber{number}, kRecordKind, true, false, false});
    }
    if (row.record_id() != record.first) {
      renamed_.push_back({number, static_cast<std::uint32_t>(&record - spelled_.data())});
    }
  });
}

// A copy of a row with another record id, which lives as long as the resolver.
std::byte* Resolver::rename(std::byte* row, std::string_view id) {
  const Row typed(row);
  RowHeader header;
  std::memcpy(&header, row, sizeof header);
  const auto typed_id = reinterpret_cast<const std::byte*>(typed.record_id().data());
  const auto before = static_cast<std::size_t>(typed_id - row);
  header.id_bytes = static_cast<std::uint32_t>(id.size());
  // As long as a row's place is: it may be copied with what fills it up.
  std::byte* const copy =
      spelling_bytes_.allocate(row_space(before + id.size() + header.item_bytes));
  std::memcpy(copy, row, before);
  std::memcpy(copy, &header, sizeof header);
  std::memcpy(copy + before, id.data(), id.size());
  if (header.item_bytes != 0) {
    std::memcpy(copy + before + id.size(), typed.items().data(), header.item_bytes);
  }
  return copy;
}

// ---- where an identity's rows are ----

// Calls visit(row, number) for all rows in the order of their numbers, their evidence complete.
template <class Visit>
void Resolver::each_judged_row(Judgement& judgement, bool forget, Visit&& visit) {
  std::size_t number = 0;
  std::size_t next_renamed = 0;
  for (const auto& sink : sinks_) {
    sink->log_.each_block(sink->spill_, forget, [&](std::byte* start, const RowLog::Block& block) {
      each_row_of(start, block, [&](std::byte* row) {
        ticker_.tick();
        if (!judgement.identifiers.empty()) judge_row(row, judgement.identifiers.of(number));
        if (!judgement.values.empty()) {
          const std::span<const ValueVerdict> verdicts = judgement.values.of(number);
          if (!verdicts.empty()) judge_values(row, verdicts);
        }
        if (next_renamed < renamed_.size() && renamed_[next_renamed].row == number) {
          row = rename(row, spelled_[renamed_[next_renamed++].record].first);
        }
        visit(row, number++);
      });
    });
    if (forget) sink->spill_.close();
  }
}

// Writes what became of a row's identifiers into its evidence.
void Resolver::judge_row(std::byte* row, std::span<const Verdict> verdicts) {
  Row(row).each_item([&](SlotNumber slot, std::string_view bytes) {
    ticker_.tick();
    if (slot != kEvidenceSlot) return;
    EvidenceHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    const auto found =
        std::lower_bound(verdicts.begin(), verdicts.end(), header.key,
                         [](const Verdict& verdict, const Key& key) { return verdict.key < key; });
    header.others = found->others;
    // What was known from the start stays: such a link joins nothing.
    if (header.status == LinkStatus::kAlone) header.status = found->status;
    // The rows are the sinks' own bytes, which nobody else reads yet.
    std::memcpy(const_cast<char*>(bytes.data()), &header, sizeof header);
  });
}

// Writes into a row how those of its values are that are not as they came.
void Resolver::judge_values(std::byte* row, std::span<const ValueVerdict> verdicts) {
  Showing best = Showing::kNever;  // of the identifiers whose keys stand before the value
  const auto showing_of = [&](auto&& is_it) {
    const auto found = std::find_if(verdicts.begin(), verdicts.end(), is_it);
    return found == verdicts.end() ? Showing::kFirst : found->showing;
  };
  Row(row).each_header([&](ItemHeader header, std::string_view bytes) {
    ticker_.tick();
    if (header.slot == kValueKeySlot) {
      Key key;
      std::memcpy(&key, bytes.data(), sizeof key);
      best = std::min(best, showing_of([&](const auto& verdict) { return verdict.key == key; }));
      return;
    }
    if (header.ordinal == 0) return;
    const Showing showing =
        header.ordinal == kByKeys
            ? std::exchange(best, Showing::kNever)
            : showing_of([&](const auto& verdict) { return verdict.ordinal == header.ordinal; });
    header.showing = showing;
    std::memcpy(const_cast<char*>(bytes.data()) - sizeof header, &header, sizeof header);
  });
}

// A counting sort: members are counted in first_member_, listed from the starts that this makes of
// the counts, which finish_members() moves back to where they were.
void Resolver::start_members(std::size_t rows) {
  std::uint32_t start = 0;
  for (std::uint32_t& first : first_member_) start += std::exchange(first, start);
  members_.resize(rows);
}

void Resolver::finish_members() noexcept {
  for (std::size_t identity = first_member_.size() - 1; identity > 0; --identity) {
    first_member_[identity] = first_member_[identity - 1];
  }
  first_member_[0] = 0;
}

// Each identity's first record, by source and then by id. Identities are numbered by their first
// rows, so that a new one is mostly the next one.
void Resolver::list_records() {
  constexpr SourceNumber kNone{std::numeric_limits<std::uint16_t>::max()};
  first_record_.assign(identities_, nullptr);
  Vector<SourceNumber> first_source(identities_, kNone, &environment_->memory());
  const std::uint32_t* identity = identity_of_.data();
  for (const auto& sink : sinks_) {
    for (const RowLog::Block& block : sink->log_.blocks()) {
      each_row_of(block.start, block, [&](const std::byte* place) {
        ticker_.tick();
        const Row row(place);
        const std::byte*& first = first_record_[*identity];
        SourceNumber& source = first_source[*identity++];
        if (row.source() > source) return;
        if (row.source() < source || first == nullptr ||
            compare_ids(row.record_id(), Row(first).record_id()) < 0) {
          first = place;
          source = row.source();
        }
      });
    }
  }
}

void Resolver::place_in_memory(std::span<const std::uint32_t> identity_of, Judgement& judgement) {
  first_member_.assign(identities_ + 1, 0);
  for (const std::uint32_t identity : identity_of) {
    ++first_member_[identity];
    ticker_.tick();
  }
  start_members(row_count_);
  // Both places are anywhere in memory: they are fetched before it is their turn, the second by
  // what stands in the first.
  constexpr std::size_t kAhead = 16;
  each_judged_row(judgement, false, [&](const std::byte* row, std::size_t number) {
    if (number + 2 * kAhead < identity_of.size()) {
      __builtin_prefetch(&first_member_[identity_of[number + 2 * kAhead]], 1);
      __builtin_prefetch(&members_[first_member_[identity_of[number + kAhead]]], 1);
    }
    members_[first_member_[identity_of[number]]++] = row;
  });
  finish_members();
}

void Resolver::place_in_parts(std::span<const std::uint32_t> identity_of, Judgement& judgement) {
  constexpr std::size_t kSmallestBuffer = std::size_t{8} << 10;
  constexpr std::size_t kLargestBuffer = std::size_t{128} << 10;
  constexpr std::size_t kMostParts = std::size_t{1} << 14;
  const std::size_t budget = std::max<std::size_t>(environment_->budget(), 64);
  std::uint64_t bytes = row_count_ * (sizeof(PartRow) + sizeof(const std::byte*));
  for (const auto& sink : sinks_) bytes += sink->log_.bytes();
  // Identities with small numbers have more rows than later ones: parts of an eighth of the budget
  // on the average leave room for that.
  const std::size_t parts =
      std::min(kMostParts, static_cast<std::size_t>(bytes / (budget / 8)) + 1);
  identities_a_part_ = identities_ / parts + 1;
  loaded_part_ = parts;
  parts_.reserve(parts);
  for (std::size_t i = 0; i < parts; ++i) parts_.emplace_back(&environment_->memory());

  const std::size_t room = std::clamp(budget / 4 / parts, kSmallestBuffer, kLargestBuffer) & ~3U;
  Vector<std::byte> buffers(parts * room, &environment_->memory());
  Vector<std::size_t> used(parts, 0, &environment_->memory());
  const auto flush = [&](std::size_t part) {
    if (used[part] == 0) return;
    parts_[part].extents.push_back(parts_spill_.write(buffers.data() + part * room, used[part]));
    used[part] = 0;
  };
  each_judged_row(judgement, true, [&](const std::byte* row, std::size_t number) {
    const PartRow before{identity_of[number]};
    const std::size_t part = before.identity / identities_a_part_;
    const std::size_t space = row_space(Row(row).bytes());
    if (used[part] + sizeof before + space > room) flush(part);
    parts_[part].bytes += sizeof before + space;
    ++parts_[part].rows;
    std::byte* at = buffers.data() + part * room + used[part];
    std::memcpy(at, &before, sizeof before);
    used[part] += sizeof before;
    if (used[part] + space <= room) {
      std::memcpy(at + sizeof before, row, space);
      used[part] += space;
    } else {
      flush(part);
      parts_[part].extents.push_back(parts_spill_.write(row, space));
      ticker_.tick_bytes(space);
    }
  });
  for (std::size_t part = 0; part < parts; ++part) flush(part);
}

void Resolver::load_part_of(IdentityNumber identity) {
  const std::size_t number = index(identity) / identities_a_part_;
  if (number == loaded_part_) return;
  environment_->check_interrupts();
  const Part& part = parts_[number];
  loaded_part_ = parts_.size();
  first_identity_ = number * identities_a_part_;
  part_rows_.clear();
  part_rows_.resize(part.bytes, boost::container::default_init);
  std::size_t at = 0;
  for (const Extent& extent : part.extents) {
    parts_spill_.read(extent, part_rows_.data() + at);
    ticker_.tick_bytes(extent.bytes);
    at += extent.bytes;
  }
  const auto each = [&](auto&& visit) {
    for (const std::byte *row = part_rows_.data(), *end = row + part_rows_.size(); row != end;) {
      ticker_.tick();
      PartRow before;
      std::memcpy(&before, row, sizeof before);
      row += sizeof before;
      visit(before.identity - first_identity_, row);
      row += row_space(Row(row).bytes());
    }
  };
  first_member_.assign(std::min(identities_a_part_, identities_ - first_identity_) + 1, 0);
  each([&](std::size_t place, const std::byte*) { ++first_member_[place]; });
  start_members(part.rows);
  each([&](std::size_t place, const std::byte* row) { members_[first_member_[place]++] = row; });
  finish_members();
  loaded_part_ = number;
}

}  // namespace identity_resolve::engine
