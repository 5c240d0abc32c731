#include "pg/scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "normalize/email_facts.h"
#include "normalize/placeholder.h"
#include "pg/estimate.h"
#include "pg/unique_ids.h"

namespace identity_resolve::pg {

namespace {

using engine::Error;

constexpr std::string_view kUpdatedAt = "updated_at";

// Makes the transaction read-only for as long as it lives: a source's query may call functions, and
// these may not write either. The setting's old value comes back with the GUC nesting level, also
// when an error ends the transaction.
class ReadOnlySection {
 public:
  ReadOnlySection() {
    if (XactReadOnly) return;
    level_ = call([] {
      const int level = NewGUCNestLevel();
      set_config_option("transaction_read_only", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                        true, 0, false);
      return level;
    });
  }
  ReadOnlySection(const ReadOnlySection&) = delete;
  ReadOnlySection& operator=(const ReadOnlySection&) = delete;
  ~ReadOnlySection() = default;

  // To be called at the end of the work; after an error the transaction's abort does it.
  void leave() {
    if (level_ != 0) call([this] { AtEOXact_GUC(true, level_); });
    level_ = 0;
  }

 private:
  int level_ = 0;
};

std::string names_of(const std::vector<Kind>& kinds) {
  std::string names;
  for (const Kind& kind : kinds) {
    if (!names.empty()) names += ", ";
    names += kind.name;
  }
  return names;
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string type_name(Oid type) {
  return call([type] { return format_type_be(type); });
}

// Copies text onto a memory context; nullptr where there is no memory.
char* keep(MemoryContext context, const std::string& text) {
  return call([&] { return MemoryContextStrdup(context, text.c_str()); });
}

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

SourceScan::SourceScan(const Request& request, engine::SourceNumber number)
    : number_(number), source_(&request.sources[engine::index(number)]) {
  try {
    prepare();
  } catch (const PgError& error) {
    rethrow(error);
  }
  check_statement();
  read_columns(request);
}

void SourceScan::prepare() {
  // The texts given to PostgreSQL must be of its encoding; they came from an SQL text.
  const char* query = source_->query.c_str();
  plan_ = call([query] {
    SPIPlanPtr plan = SPI_prepare_cursor(query, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
    if (plan == nullptr) {
      ereport(ERROR,
              (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
               errmsg("the query cannot be prepared: %s", SPI_result_code_string(SPI_result))));
    }
    return plan;
  });
}

void SourceScan::check_statement() const {
  const auto refuse = [this](const char(&sqlstate)[6], const char* what, const char* hint) {
    throw Error(sqlstate, fmt::format("source \"{}\": {}", name(), what),
                fmt::format("The query is: {}", source_->query), hint);
  };
  List* statements = SPI_plan_get_plan_sources(plan_);
  if (statements == NIL) {
    refuse("42601", "the query is empty", "Give one SELECT, or TABLE and a name.");
  }
  if (list_length(statements) > 1) {
    refuse("42601", "the query is more than one statement",
           "Give one SELECT; join several with UNION ALL, or make several sources.");
  }
  const auto* statement = static_cast<const CachedPlanSource*>(linitial(statements));
  bool selects = list_length(statement->query_list) == 1;
  bool writes = false;
  bool locks = false;
  if (selects) {
    const auto* query = static_cast<const Query*>(linitial(statement->query_list));
    selects = query->commandType == CMD_SELECT && statement->resultDesc != nullptr;
    writes = query->hasModifyingCTE;
    locks = query->rowMarks != NIL;
  }
  if (!selects) {
    refuse("42601", "the query is not a SELECT",
           "Give one SELECT, or TABLE and a name; a source is only ever read.");
  }
  if (writes || locks) {
    refuse("25006",
           writes ? "the query writes, and a source is only ever read"
                  : "the query locks rows, and a source is only ever read",
           "Leave INSERT, UPDATE, DELETE and FOR UPDATE out of it.");
  }
  if (statement->resultDesc->natts == 0) {
    refuse(
        "42601", "the query yields no column",
        "Its first column is the record id, the others are identifiers: SELECT id, email FROM …");
  }
}

void SourceScan::read_columns(const Request& request) {
  const auto* statement =
      static_cast<const CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan_)));
  TupleDesc shape = statement->resultDesc;
  ids_are_unique_ = call(
      [&] { return ids_are_unique(static_cast<const Query*>(linitial(statement->query_list))); });
  id_reader_ = call([&] { return ValueReader(TupleDescAttr(shape, 0)->atttypid); });
  output_settings_.add(id_reader_);

  for (int attribute = 1; attribute < shape->natts; ++attribute) {
    const Form_pg_attribute description = TupleDescAttr(shape, attribute);
    const std::string_view column = NameStr(description->attname);
    const Oid type = description->atttypid;
    const Oid base = call([type] { return getBaseType(type); });

    if (column == kUpdatedAt) {
      if (base != TIMESTAMPTZOID && base != TIMESTAMPOID && base != DATEOID) {
        throw Error("42804",
                    fmt::format("source \"{}\": column \"updated_at\" is of type {}", name(),
                                type_name(type)),
                    "updated_at says which of a person's values is the newest, so it must be a "
                    "timestamp with or without time zone, or a date.",
                    "Cast it, for example updated_at::timestamptz or to_timestamp(updated_at) AS "
                    "updated_at, or leave it out.");
      }
      if (updated_at_attribute_ >= 0) {
        throw Error("42701",
                    fmt::format("source \"{}\": column \"updated_at\" is given twice", name()), {},
                    "Keep one, for example with greatest().");
      }
      updated_at_attribute_ = attribute;
      updated_at_type_ = base;
      continue;
    }

    const auto number = request.kind_named(column);
    if (!number) {
      const std::string lower = lower_case(column);
      if (column == "?column?") {
        throw Error("42703",
                    fmt::format("source \"{}\": column {} has no name", name(), attribute + 1),
                    "A column's name says which kind of identifier it holds.",
                    "Name it with AS, for example lower(login) AS username.");
      }
      throw Error(
          "42703",
          fmt::format("source \"{}\": column \"{}\" is not an identifier kind", name(), column),
          fmt::format("The kinds are {}.", names_of(request.kinds)),
          lower != column && request.kind_named(lower)
              ? fmt::format("Name it as the kind is: \"{}\" AS {}.", column, lower)
              : fmt::format("Leave it out of the query, name it as one of the kinds with AS, or "
                            "declare it: identity_rule('{0}') links people by it, "
                            "identity_rule('{0}', link => false) only carries it to the output.",
                            column));
    }
    const Kind& kind = request.kinds[engine::index(*number)];
    const Oid element = call([base] { return get_element_type(base); });
    const Oid value_type = OidIsValid(element) ? element : type;
    if (kind.rules.links && call([value_type] { return getBaseType(value_type); }) == BOOLOID) {
      throw Error("42804",
                  fmt::format("source \"{}\": column \"{}\" is of type boolean", name(), column),
                  "Every person with the same of two values would become one identity.",
                  fmt::format("Leave it out, or carry it with identity_rule('{}', link => false).",
                              column));
    }
    SourceColumn read;
    read.attribute = attribute;
    read.kind = *number;
    read.rules = &kind;
    read.pattern = call([&] { return pattern_text(kind.blocked_pattern); });
    read.ipattern = call([&] { return pattern_text(kind.blocked_ipattern); });
    read.array = OidIsValid(element);
    read.reader = call([value_type] { return ValueReader(value_type); });
    output_settings_.add(read.reader);
    columns_.push_back(read);
  }
}

// An error of the source's query, told so that the user knows which source to look at.
void SourceScan::rethrow(const PgError& error) const {
  ErrorData* data = error.data();
  // A cancel, a shutdown or a full disk is not about this query, and our own errors name it.
  const int category = ERRCODE_TO_CATEGORY(data->sqlerrcode);
  if (category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR) || data->elevel >= FATAL ||
      std::string_view(data->message).starts_with("source \"")) {
    throw error;
  }
  const MemoryContext context = CurrentMemoryContext;
  data->message = keep(context, fmt::format("source \"{}\": {}", name(), data->message));
  if (data->detail == nullptr) {
    data->detail = keep(context, fmt::format("The query is: {}", source_->query));
  }
  if (data->hint == nullptr) {
    const bool wrote = data->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION;
    data->hint = keep(context, wrote ? "A source is only ever read: leave what writes out of its "
                                       "query and of the functions that it calls."
                                     : "Run the source's query by itself to find the cause.");
  }
  throw error;
}

// Our end of the executor: a DestReceiver, and what it needs.
struct SourceScan::Receiver {
  DestReceiver base;
  SourceScan* scan;
  engine::LocalSink* sink;
  MemoryContext row_memory;
};

double SourceScan::expected_rows() {
  ReadOnlySection read_only;
  try {
    const double rows = call([this] { return plan_source(plan_).rows; });
    read_only.leave();
    return rows;
  } catch (const PgError& error) {
    rethrow(error);
  }
}

void SourceScan::run(engine::LocalSink& sink, Progress& progress) {
  progress_ = &progress;
  progress.begin_source(engine::index(number_));
  execute(&sink);
}

std::optional<std::string> SourceScan::find_value(engine::KindNumber kind, const engine::Key& key,
                                                  const engine::KeyRing& keys) {
  wanted_ = Wanted{kind, key, &keys};
  found_.reset();
  execute(nullptr);
  return found_;
}

void SourceScan::execute(engine::LocalSink* sink) {
  Receiver receiver{};
  receiver.base.receiveSlot = [](TupleTableSlot* slot, DestReceiver* self) {
    auto* to = reinterpret_cast<Receiver*>(self);
    to->scan->take_row(slot, to->sink, to->row_memory);
    return !to->scan->found_;  // false: no more rows
  };
  receiver.base.rStartup = [](DestReceiver*, int, TupleDesc) {};
  receiver.base.rShutdown = [](DestReceiver*) {};
  receiver.base.rDestroy = [](DestReceiver*) {};
  receiver.base.mydest = DestTuplestore;
  receiver.scan = this;
  receiver.sink = sink;
  receiver.row_memory = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_resolve row",
                                 ALLOCSET_DEFAULT_SIZES);
  });

  ReadOnlySection read_only;
  try {
    call([&] {
      SPIExecuteOptions options{};
      options.read_only = true;
      options.must_return_tuples = true;
      options.dest = &receiver.base;
      const int result = SPI_execute_plan_extended(plan_, &options);
      if (result < 0) elog(ERROR, "SPI_execute_plan_extended: %s", SPI_result_code_string(result));
    });
  } catch (const PgError& error) {
    output_settings_.restore();
    rethrow(error);
  }
  read_only.leave();
  call([&] { MemoryContextDelete(receiver.row_memory); });
  texts_ = nullptr;
}

// Called by the executor for each row: no C++ object is alive below us but the scan's own.
void SourceScan::take_row(TupleTableSlot* slot, engine::LocalSink* sink, MemoryContext row_memory) {
  const MemoryContext outer = MemoryContextSwitchTo(row_memory);
  if (output_settings_.needed()) {
    output_settings_.set();
    read_texts(slot);
    output_settings_.restore();
  } else {
    read_texts(slot);
  }
  guarded([&] {
    if (sink != nullptr) {
      put_row(*sink);
    } else {
      search_row();
    }
  });
  MemoryContextSwitchTo(outer);
  MemoryContextReset(row_memory);
}

// The row as text, on the row's memory. PostgreSQL's half: may raise errors.
void SourceScan::read_texts(TupleTableSlot* slot) {
  slot_getallattrs(slot);
  texts_ = nullptr;
  text_count_ = text_room_ = 0;
  const auto add = [this](const SourceColumn& column, std::string_view value) {
    if (text_count_ == text_room_) {
      const std::size_t room = std::max<std::size_t>(text_room_ * 2, columns_.size());
      auto* grown =
          static_cast<Text*>(MemoryContextAllocHuge(CurrentMemoryContext, room * sizeof(Text)));
      std::copy_n(texts_, text_count_, grown);
      texts_ = grown;
      text_room_ = room;
    }
    texts_[text_count_++] = {&column, value};
  };

  if (slot->tts_isnull[0]) {
    ereport(ERROR,
            (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
             errmsg("source \"%s\": a record id is null", source_->name.c_str()),
             errdetail("The first column of the query, \"%s\", names the record, so that it can "
                       "be found again.",
                       NameStr(TupleDescAttr(slot->tts_tupleDescriptor, 0)->attname)),
             errhint("Put the record's key first in the query, or leave such rows out with "
                     "WHERE … IS NOT NULL.")));
  }
  record_id_ = id_reader_.read(slot->tts_values[0]);

  updated_at_ = engine::kNeverUpdated;
  if (updated_at_attribute_ >= 0 && !slot->tts_isnull[updated_at_attribute_]) {
    const Datum value = slot->tts_values[updated_at_attribute_];
    // Days or microseconds: only values of this column are compared with each other.
    updated_at_ = updated_at_type_ == DATEOID ? std::int64_t{DatumGetDateADT(value)}
                                              : std::int64_t{DatumGetTimestamp(value)};
    // -infinity is still later than no updated_at at all.
    updated_at_ = std::max(updated_at_, engine::kNeverUpdated + 1);
  }

  for (SourceColumn& column : columns_) {
    if (slot->tts_isnull[column.attribute]) continue;
    const Datum value = slot->tts_values[column.attribute];
    if (!column.array) {
      add(column, column.reader.read(value));
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
      if (!nulls[i]) add(column, column.reader.read(elements[i]));
    }
  }
}

// The row into the sink: normalise, key, keep. C++'s half: may throw, calls PostgreSQL only within
// call().
void SourceScan::put_row(engine::LocalSink& sink) {
  sink.begin_row(number_, record_id_, updated_at_, ids_are_unique_);
  std::size_t identifiers = 0;
  for (const Text& text : std::span(texts_, text_count_)) {
    const SourceColumn& column = *text.column;
    const normalize::Result result = spell(*column.rules, text.value, scratch_);
    if (result.status == normalize::Status::kBlank) continue;
    if (result.status == normalize::Status::kValid) {
      // A spelling that the database's encoding lacks links all the same, but cannot be shown.
      const std::string_view shown = has_spelling(result.text) ? result.text : text.value;
      if (sink.wants(column.kind)) {
        ++identifiers;
        sink.add_identifier(column.kind, result.text, standing_of(column, result.text), shown);
      }
      if (column.normalized_slot) sink.add_value(*column.normalized_slot, shown);
    } else {
      sink.add_identifier(column.kind, text.value, engine::Standing::kInvalid);
    }
    if (column.typed_slot) sink.add_value(*column.typed_slot, text.value);
  }
  sink.end_row();
  progress_->add_records(1, identifiers);
}

// Whether a pattern of the rules of its kind blocks an identifier.
bool SourceScan::matches_pattern(const SourceColumn& column, std::string_view normalized) {
  const Kind& kind = *column.rules;
  text* pattern = kind.blocked_pattern_needs.allows(normalized) ? column.pattern : nullptr;
  text* ipattern = kind.blocked_ipattern_needs.allows(normalized) ? column.ipattern : nullptr;
  if (pattern == nullptr && ipattern == nullptr) return false;
  return has_spelling(normalized) && call([&] {
           const std::string_view value = from_utf8(normalized);
           return matches(pattern, value, 0) || matches(ipattern, value, REG_ICASE);
         });
}

// What the rules of its kind say of an identifier.
engine::Standing SourceScan::standing_of(const SourceColumn& column, std::string_view normalized) {
  using engine::Standing;
  const Kind& kind = *column.rules;
  if (kind.block_placeholders && normalize::is_placeholder(normalized)) return Standing::kBlocked;
  if (!kind.blocked.empty() &&
      std::binary_search(kind.blocked.begin(), kind.blocked.end(), normalized)) {
    return Standing::kBlocked;
  }
  if (matches_pattern(column, normalized)) return Standing::kBlocked;
  if (kind.is_address() && normalize::is_role(normalized)) {
    return kind.block_roles ? Standing::kBlocked : Standing::kGivesWay;
  }
  return Standing::kValid;
}

// Whether the row has the identifier that is looked for.
void SourceScan::search_row() {
  for (const Text& text : std::span(texts_, text_count_)) {
    if (text.column->kind != wanted_.kind) continue;
    const normalize::Result result = spell(*text.column->rules, text.value, scratch_);
    if (result.status != normalize::Status::kValid) continue;
    if (wanted_.keys->identifier(wanted_.kind, result.text) != wanted_.key) continue;
    found_ = has_spelling(result.text) ? result.text : text.value;
    return;
  }
}

}  // namespace identity_resolve::pg
