#include "resolve/row_reader.h"

#include <algorithm>

#include "normalize/email.h"
#include "normalize/email_facts.h"
#include "normalize/mailbox.h"
#include "normalize/placeholder.h"
#include "normalize/text.h"
#include "pg/border.h"
#include "resolve/stored_row.h"

namespace identity_resolve::pg {

namespace {

// A pattern as PostgreSQL's regular expressions want it, on the current memory context; nullptr for
// none.
text* pattern_text(const std::string& pattern) {
  if (pattern.empty()) return nullptr;
  return cstring_to_text_with_len(pattern.data(), static_cast<int>(pattern.size()));
}

// Whether a text of the database's encoding matches. Raises PostgreSQL's errors.
bool matches(text* pattern, std::string_view value, int flags) {
  if (pattern == nullptr) return false;
  return RE_compile_and_execute(pattern, const_cast<char*>(value.data()),
                                static_cast<int>(value.size()), REG_ADVANCED | flags,
                                DEFAULT_COLLATION_OID, 0, nullptr);
}

}  // namespace

RowReader::RowReader(const Request& request, const RowLayout& layout)
    : request_(&request), layout_(&layout) {
  id_reader_ = call([&] { return ValueReader(layout.id_type); });
  output_settings_.add(id_reader_);
  columns_.reserve(layout.columns.size());
  for (const SourceColumn& column : layout.columns) {
    const Kind& kind = request.kinds[engine::index(column.kind)];
    columns_.push_back(call([&] {
      return Column{&column, &kind, pattern_text(kind.blocked_pattern),
                    pattern_text(kind.blocked_ipattern), ValueReader(column.type)};
    }));
    output_settings_.add(columns_.back().reader);
    const auto is_there = [&](const Scope& scope) { return scope.kind == *kind.scope; };
    if (kind.scope && std::none_of(scopes_.begin(), scopes_.end(), is_there)) {
      scopes_.push_back({*kind.scope});
    }
  }
  own_texts_ =
      call([&] { return static_cast<Text*>(palloc((columns_.size() + 1) * sizeof(Text))); });
}

void RowReader::take(const NullableDatum* cells, engine::LocalSink& sink, Progress* progress) {
  read_texts_under_settings(cells);
  const std::uint64_t before = sink.identifiers();
  guarded([&] { put_row(sink); });
  if (progress != nullptr) progress->add_records(1, sink.identifiers() - before);
  texts_ = nullptr;
}

std::string_view RowReader::find(const NullableDatum* cells, const WantedIdentifiers& wanted) {
  read_texts_under_settings(cells);
  return guarded([&]() -> std::string_view {
    const std::span texts(texts_, text_count_);
    find_scopes([&](auto&& visit) {
      for (const Text& text : texts) visit(*text.column, text.value);
    });
    for (const Text& text : texts) {
      if (text.column->layout->kind != wanted.kind) continue;
      const normalize::Result result = spell(*text.column->kind, text.value, scratch_);
      if (result.status != normalize::Status::kValid) continue;
      bool found = false;
      each_link_text(*text.column, result.text, [&](std::string_view link_text) {
        const engine::Key key = wanted.keys->identifier(wanted.kind, link_text);
        found = found || std::ranges::find(wanted.wanted, key) != wanted.wanted.end();
      });
      if (found) return has_spelling(result.text) ? result.text : text.value;
    }
    return {};
  });
}

void RowReader::show(const NullableDatum* cells, RowVisitor& visitor) {
  read_texts_under_settings(cells);
  guarded([&] { visitor.take(row_at_hand()); });
  texts_ = nullptr;
}

RowView RowReader::row_at_hand() {
  cells_.clear();
  for (const Text& text : std::span(texts_, text_count_)) {
    cells_.push_back({text.column->layout, text.value});
  }
  return {record_id_, record_name_, is_suspect_, updated_at_, cells_};
}

// The keys of an identifier that may link.
void RowReader::note_keys(const Column& column, std::string_view normalized,
                          engine::Standing standing) {
  const Kind& kind = *column.kind;
  if (!kind.rules.links || standing == engine::Standing::kBlocked) return;
  each_link_text(column, normalized, [&](std::string_view link_text) {
    keys_.push_back(engine::map_key(map_hash_, request_->state->secret,
                                    engine::index(column.layout->kind), kind.name, link_text));
  });
}

void RowReader::keep_packed(engine::LocalSink& sink) {
  std::sort(keys_.begin(), keys_.end());
  keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  packed_.clear();
  if (given_packed_.data() != nullptr) {
    // What the state has of it, but for its keys: the rules may be others now.
    const std::optional<engine::PackedRow> row = engine::read_row(given_packed_);
    if (!row) throw engine::Error("XX001", "a row of an identity map's state is none");
    engine::RowPacker(
        packed_, {row->rid, row->fingerprint, row->source, row->updated_at, keys_, row->record_id});
    packed_.append(row->cells);
  } else {
    const MapState& state = *request_->state;
    const std::string& source = request_->sources[engine::index(layout_->source)].name;
    const RowView row = row_at_hand();
    const auto number = state.packing.numbers[engine::index(layout_->source)];
    pack_row(row, layout_->columns, record_number(map_hash_, state.secret, source, record_name_),
             row_fingerprint(map_hash_, state.secret, source, row),
             static_cast<std::uint32_t>(number), keys_, packed_);
  }
  sink.keep_beside(packed_);
}

void RowReader::keys_of(const RowView& row, const engine::MapSecret& secret,
                        std::vector<std::int64_t>& keys) {
  keys.clear();
  const auto column_of = [this](const RowView::Cell& cell) -> const Column& {
    return columns_[static_cast<std::size_t>(cell.column - layout_->columns.data())];
  };
  find_scopes([&](auto&& visit) {
    for (const RowView::Cell& cell : row.cells) visit(column_of(cell), cell.value);
  });
  for (const RowView::Cell& cell : row.cells) {
    const Column& column = column_of(cell);
    const Kind& kind = *column.kind;
    if (!kind.rules.links) continue;
    const normalize::Result result = spell(kind, cell.value, scratch_);
    if (result.status != normalize::Status::kValid) continue;
    if (standing_of(column, cell.value, result.text) == engine::Standing::kBlocked) continue;
    each_link_text(column, result.text, [&](std::string_view link_text) {
      keys.push_back(engine::map_key(map_hash_, secret, engine::index(cell.column->kind), kind.name,
                                     link_text));
    });
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

// Finds the values that are the scope of others. each(visit) calls visit(column, value) for all
// that the row holds.
template <class Each>
void RowReader::find_scopes(Each&& each) {
  if (scopes_.empty()) return;
  for (Scope& scope : scopes_) scope.count = 0;
  each([this](const Column& column, std::string_view value) { add_scope(column, value); });
}

// What never links is no scope either: `null` is no tenant.
void RowReader::add_scope(const Column& column, std::string_view value) {
  for (Scope& scope : scopes_) {
    if (scope.kind != column.layout->kind) continue;
    const normalize::Result spelled = spell(*column.kind, value, scratch_);
    if (spelled.status != normalize::Status::kValid) return;
    if (standing_of(column, value, spelled.text) == engine::Standing::kBlocked) return;
    const std::string_view text = column.kind->compared(spelled.text);
    const auto end = scope.values.begin() + static_cast<std::ptrdiff_t>(scope.count);
    if (std::find(scope.values.begin(), end, text) != end) return;
    if (scope.count == scope.values.size()) scope.values.emplace_back();
    scope.values[scope.count++] = text;
    return;
  }
}

// Calls visit(text) with what links an identifier: equal texts do. Of a scoped kind it begins with
// the scope; once for each that the row has. Whether there is any.
template <class Visit>
bool RowReader::each_link_text(const Column& column, std::string_view normalized, Visit&& visit) {
  const Kind& kind = *column.kind;
  if (!kind.rules.scoped) {
    visit(normalized);
    return true;
  }
  // No text of PostgreSQL's has a byte 0: no value is another one with its scope.
  const auto visit_in = [&](std::string_view scope) {
    scoped_.assign(1, '\0');
    scoped_.append(scope);
    scoped_ += '\0';
    scoped_.append(normalized);
    visit(std::string_view(scoped_));
  };
  if (!kind.scope) {
    visit_in(request_->sources[engine::index(layout_->source)].name);
    return true;
  }
  const auto scope = std::find_if(scopes_.begin(), scopes_.end(),
                                  [&](const Scope& at) { return at.kind == *kind.scope; });
  for (std::size_t i = 0; i < scope->count; ++i) visit_in(scope->values[i]);
  return scope->count != 0;
}

// Whether an identity map knows of more records with the identifier than those which are read.
bool RowReader::is_common(const Column& column, std::string_view link_text) {
  if (!request_->state || request_->state->common.empty()) return false;
  const MapState& state = *request_->state;
  const std::int64_t key = engine::map_key(
      map_hash_, state.secret, engine::index(column.layout->kind), column.kind->name, link_text);
  return std::binary_search(state.common.begin(), state.common.end(), key);
}

void RowReader::read_texts_under_settings(const NullableDatum* cells) {
  if (output_settings_.needed()) {
    output_settings_.set();
    read_texts(cells);
    output_settings_.restore();
  } else {
    read_texts(cells);
  }
}

// Which record a row is of, and whether its id may be none. Of numbers that are unique each is a
// record; texts that are unique may still differ in blanks alone.
void RowReader::read_record_id(Datum id) {
  if (id_reader_.json() == JsonForm::kNone) {
    record_id_ = id_reader_.read(id);
  } else {
    const JsonScalar scalar = json_scalar(id, id_reader_.json());
    if (scalar.flaw != nullptr) refuse_json_id(scalar.flaw);
    record_id_ = to_utf8(scalar.text);
  }
  const bool is_text = id_reader_.may_have_blanks();
  record_name_ = is_text ? normalize::trim(record_id_) : record_id_;
  is_suspect_ = (is_text || !layout_->ids_are_unique) && normalize::is_placeholder(record_name_);
}

// What errors call the source. PostgreSQL's half.
const char* RowReader::title() const {
  const Source& source = request_->sources[engine::index(layout_->source)];
  return psprintf("%s \"%s\"", source.sort(), source.name.c_str());
}

// JSON that names no record. PostgreSQL's half: raises an error.
void RowReader::refuse_json_id(const char* held) const {
  const char* column = layout_->id_name.c_str();
  ereport(
      ERROR,
      (errcode(ERRCODE_SQL_JSON_SCALAR_REQUIRED),
       errmsg("%s: a record id is %s in JSON", title(), held),
       errdetail("The first column of the query, \"%s\", names the record. In json and jsonb a "
                 "string or a number does.",
                 column),
       errhint("Name the member that identifies, for example %s->>'id' AS %s.", column, column)));
}

// JSON that holds what is no identifier. PostgreSQL's half: raises an error.
void RowReader::refuse_json(const Column& column, const char* held) const {
  const std::string_view id = from_utf8(record_id_);
  const char* name = column.kind->name.c_str();
  ereport(ERROR,
          (errcode(ERRCODE_SQL_JSON_SCALAR_REQUIRED),
           errmsg("%s: column \"%s\" holds %s", title(), name, held),
           errdetail("The record \"%.*s\" has it. In json and jsonb an identifier is a "
                     "string, a number or an array of them.",
                     pg_mbcliplen(id.data(), static_cast<int>(id.size()), 100), id.data()),
           errhint("Name the member that identifies, for example column->>'id' AS %s.", name)));
}

// The row as text, on the row's memory. PostgreSQL's half: may raise errors.
void RowReader::read_texts(const NullableDatum* cells) {
  texts_ = own_texts_;
  text_room_ = columns_.size();
  text_count_ = 0;
  const auto add = [this](const Column& column, std::string_view value) {
    if (text_count_ == text_room_) {
      const std::size_t room = text_room_ * 2;
      auto* grown =
          static_cast<Text*>(MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(Text)));
      std::copy_n(texts_, text_count_, grown);
      texts_ = grown;
      text_room_ = room;
    }
    texts_[text_count_++] = {&column, value};
  };

  if (cells[0].isnull) {
    ereport(ERROR,
            (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s: a record id is null", title()),
             errdetail("The first column of the query, \"%s\", names the record, so that it can "
                       "be found again.",
                       layout_->id_name.c_str()),
             errhint("Put the record's key first in the query, or leave such rows out with "
                     "WHERE ... IS NOT NULL.")));
  }
  read_record_id(cells[0].value);

  updated_at_ = engine::kNeverUpdated;
  if (const int at = layout_->updated_at_attribute; at >= 0 && !cells[at].isnull) {
    const Datum value = cells[at].value;
    // Days or microseconds: only values of this column are compared with each other.
    updated_at_ = layout_->updated_at_type == DATEOID ? std::int64_t{DatumGetDateADT(value)}
                                                      : std::int64_t{DatumGetTimestamp(value)};
    // -infinity is still later than no updated_at at all.
    updated_at_ = std::max(updated_at_, engine::kNeverUpdated + 1);
  }

  given_packed_ = {};
  if (const int at = layout_->packed_attribute; at >= 0 && !cells[at].isnull) {
    given_packed_ = bytes_of(DatumGetByteaPP(cells[at].value));
  }

  for (Column& column : columns_) {
    const NullableDatum& cell = cells[column.layout->attribute];
    if (cell.isnull) continue;
    const Datum value = cell.value;
    const auto add_cell = [&](Datum datum) {
      if (column.layout->json_values) {
        JsonValues values(datum, column.reader.json());
        while (values.next()) add(column, to_utf8(values.text()));
        if (values.flaw() != nullptr) refuse_json(column, values.flaw());
      } else {
        add(column, column.reader.read(datum));
      }
    };
    if (!column.layout->array) {
      add_cell(value);
      continue;
    }
    ArrayType* array = DatumGetArrayTypeP(value);
    std::int16_t length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &alignment);
    Datum* elements = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, alignment, &elements, &nulls,
                      &count);
    for (int i = 0; i < count; ++i) {
      if (!nulls[i]) add_cell(elements[i]);
    }
  }
}

// The row into the sink: normalise, key, keep. C++'s half: may throw, calls PostgreSQL only within
// call().
void RowReader::put_row(engine::LocalSink& to) {
  if (record_name_.empty()) {
    to.leave_out(layout_->source);
    return;
  }
  const bool keeps = keeps_packed();
  if (keeps) {
    keys_.clear();
    const std::vector<std::int64_t>& forgotten = request_->state->packing.forgotten;
    if (!forgotten.empty() &&
        std::ranges::binary_search(
            forgotten,
            record_number(map_hash_, request_->state->secret,
                          request_->sources[engine::index(layout_->source)].name, record_name_))) {
      to.pass_over();
      return;
    }
  }
  engine::LocalSink& sink = is_suspect_ ? to.suspects() : to;
  sink.begin_row(layout_->source,
                 {record_id_, record_name_, layout_->ids_are_unique && !is_suspect_}, updated_at_);
  const std::span texts(texts_, text_count_);
  find_scopes([&](auto&& visit) {
    for (const Text& text : texts) visit(*text.column, text.value);
  });
  for (const Text& text : texts) {
    const Column& column = *text.column;
    const SourceColumn& layout = *column.layout;
    if (!layout.normalized_slot && !layout.typed_slot && sink.holds(layout.kind)) {
      put_held(sink, text);
      continue;
    }
    const normalize::Result result = spell(*column.kind, text.value, scratch_);
    if (result.status == normalize::Status::kBlank) continue;
    sink.begin_value();
    if (result.status == normalize::Status::kValid) {
      // A spelling that the database's encoding lacks links all the same, but cannot be shown.
      const std::string_view& shown = has_spelling(result.text) ? result.text : text.value;
      if (sink.wants(layout.kind)) {
        put_identifier(sink, text, result.text, shown);
      } else if (layout.normalized_slot || layout.typed_slot) {
        sink.begin_value(showing_of_carried(column, text.value, result.text));
      }
      if (layout.normalized_slot) sink.add_value(*layout.normalized_slot, shown);
    } else {
      sink.add_identifier(layout.kind, text.value, engine::Standing::kInvalid);
    }
    if (layout.typed_slot) sink.add_value(*layout.typed_slot, text.value);
  }
  if (keeps) keep_packed(sink);
  sink.end_row();
}

void RowReader::put_identifier(engine::LocalSink& sink, const Text& text,
                               const std::string_view& normalized, const std::string_view& shown) {
  using engine::Standing;
  const Column& column = *text.column;
  const engine::KindNumber kind = column.layout->kind;
  if (sink.holds(kind)) {
    const Held& held = recent_held_.get(
        kind, text.value, [&] { return judge_held(sink, column, text.value, normalized); });
    sink.add_held(kind, held.key, held.standing);
    return;
  }
  const Standing standing = standing_of(column, text.value, normalized);
  if (keeps_packed()) note_keys(column, normalized, standing);
  if (!column.kind->rules.scoped) {
    const bool common = is_common(column, normalized);
    sink.add_identifier(kind, normalized, common ? Standing::kBlocked : standing, shown);
    return;
  }
  if (!column.kind->rules.links || standing == Standing::kBlocked) {
    sink.add_identifier(kind, normalized, standing, shown);
    return;
  }
  const bool has_scope = each_link_text(column, normalized, [&](std::string_view link_text) {
    // The value counts as in any other scope.
    const bool common = is_common(column, link_text);
    sink.add_identifier(kind, normalized, common ? Standing::kTooCommonInScope : standing, shown,
                        link_text);
  });
  if (!has_scope) sink.add_identifier(kind, normalized, Standing::kNoScope, shown);
}

RowReader::Held RowReader::judge_held(const engine::LocalSink& sink, const Column& column,
                                      std::string_view typed, std::string_view normalized) {
  const engine::KindNumber kind = column.layout->kind;
  if (!column.kind->rules.scoped && is_common(column, normalized)) {
    return {engine::Standing::kBlocked, {}};
  }
  return {standing_of(column, typed, normalized), sink.key_of(kind, normalized)};
}

// A value that is only held and not carried: of one that came lately all is known.
void RowReader::put_held(engine::LocalSink& sink, const Text& text) {
  const Column& column = *text.column;
  const Held& held = recent_held_.get(column.layout->kind, text.value, [&] {
    const normalize::Result result = spell(*column.kind, text.value, scratch_);
    return result.status == normalize::Status::kValid
               ? judge_held(sink, column, text.value, result.text)
               : Held{};
  });
  sink.add_held(column.layout->kind, held.key, held.standing);
}

// Whether a pattern of the rules of its kind blocks an identifier.
bool RowReader::matches_pattern(const Column& column, std::string_view normalized) {
  const Kind& kind = *column.kind;
  text* pattern = kind.blocked_pattern_needs.allows(normalized) ? column.pattern : nullptr;
  text* ipattern = kind.blocked_ipattern_needs.allows(normalized) ? column.ipattern : nullptr;
  if (pattern == nullptr && ipattern == nullptr) return false;
  return has_spelling(normalized) && call([&] {
           const std::string_view value = from_utf8(normalized);
           return matches(pattern, value, 0) || matches(ipattern, value, REG_ICASE);
         });
}

// Whether the rules of its kind name a value as one that never links.
bool RowReader::is_listed(const Column& column, std::string_view normalized) {
  const Kind& kind = *column.kind;
  if (!kind.blocked.empty() &&
      std::binary_search(kind.blocked.begin(), kind.blocked.end(), normalized)) {
    return true;
  }
  return matches_pattern(column, normalized);
}

// How a value is shown that is no identifier here. Much of what cannot identify anybody is an
// honest text or number: of these only what programs write for no value at all comes last.
engine::Showing RowReader::showing_of_carried(const Column& column, std::string_view typed,
                                              std::string_view normalized) {
  using normalize::Method;
  const Kind& kind = *column.kind;
  const bool is_text = kind.method == Method::kNone || kind.method == Method::kExact ||
                       kind.method == Method::kCasefold;
  const bool comes_last =
      is_text ? (kind.block_placeholders && normalize::is_null(normalize::trim(typed))) ||
                    is_listed(column, normalized)
              : standing_of(column, typed, normalized) == engine::Standing::kBlocked;
  return comes_last ? engine::Showing::kLast : engine::Showing::kFirst;
}

// What says whose an identifier is: itself, but for a mailbox that has only the beginning of the
// address in it.
std::string_view RowReader::address_of(const Kind& kind, std::string_view typed,
                                       std::string_view normalized) {
  if (kind.method != normalize::Method::kMailbox || !normalize::is_base_name(normalized)) {
    return normalized;
  }
  const bool is_its = normalize::normalize_mailbox(typed, address_).text == normalized;
  return is_its ? normalize::normalize_email(typed, address_).text : normalized;
}

// What the rules of its kind say of an identifier.
engine::Standing RowReader::standing_of(const Column& column, std::string_view typed,
                                        std::string_view normalized) {
  using engine::Standing;
  const Kind& kind = *column.kind;
  const std::string_view address = address_of(kind, typed, normalized);
  if (is_blocked_placeholder(kind, typed, address)) return Standing::kBlocked;
  if (kind.block_automatic && kind.is_address() && normalize::is_automatic(address)) {
    return Standing::kBlocked;
  }
  if (is_listed(column, normalized)) return Standing::kBlocked;
  if (kind.is_address() && normalize::is_role(address)) {
    return kind.block_roles ? Standing::kBlocked : Standing::kGivesWay;
  }
  return Standing::kValid;
}

}  // namespace identity_resolve::pg
