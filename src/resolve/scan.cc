#include "resolve/scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "pg/kept_plans.h"
#include "resolve/estimate.h"
#include "resolve/source_tables.h"
#include "resolve/unique_ids.h"

extern "C" {
#include <optimizer/optimizer.h>
}

namespace identity_resolve::pg {

namespace {

using engine::Error;

constexpr std::string_view kUpdatedAt = "updated_at";

constexpr const char* kExactType =
    "Load the column as text, bigint or numeric; if none of its ids is that large, cast it: "
    "{0}::bigint{1} AS {0}.";

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

}  // namespace

SourceScan::SourceScan(const Request& request, engine::SourceNumber number, bool keeps_plan,
                       std::vector<ColumnFault>* faults)
    : request_(&request), source_(&request.sources[engine::index(number)]) {
  layout_.source = number;
  try {
    prepare(keeps_plan);
  } catch (const PgError& error) {
    rethrow(error);
  }
  check_only_reads(plan_, words());
  read_columns(faults);
}

void SourceScan::prepare(bool keeps_plan) {
  // The texts given to PostgreSQL must be of its encoding; they came from an SQL text.
  const char* query = source_->query.c_str();
  if (keeps_plan) {
    plan_ = call([query] { return kept_plan(query); });
    return;
  }
  plan_ = call([query] { return prepare_query(query); });
}

QueryWords SourceScan::words() const {
  const bool is_alias = source_->is_alias;
  return {title(),
          source_->query_as_typed(),
          is_alias ? "an alias" : "a source",
          is_alias ? "alias's" : "source's",
          "join several with UNION ALL, or make several sources",
          "Its first column is the record id, the others are identifiers: SELECT id, email FROM "
          "..."};
}

// The query, analysed and rewritten.
const Query* SourceScan::query() const {
  const auto* statement =
      static_cast<const CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan_)));
  return static_cast<const Query*>(linitial(statement->query_list));
}

void SourceScan::read_columns(std::vector<ColumnFault>* faults) {
  const auto try_column = [&](std::string_view column, auto&& step) {
    try {
      step();
    } catch (const Error& error) {
      if (faults == nullptr) throw;
      faults->push_back({std::string(column), error});
    }
  };
  const auto* statement =
      static_cast<const CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan_)));
  TupleDesc shape = statement->resultDesc;
  layout_.ids_are_unique = call([&] { return ids_are_unique(query()); });
  layout_.id_name = NameStr(TupleDescAttr(shape, 0)->attname);
  layout_.id_type = TupleDescAttr(shape, 0)->atttypid;
  try_column(layout_.id_name, [&] { check_identifies(layout_.id_name, layout_.id_type, true); });
  for (int attribute = 1; attribute < shape->natts; ++attribute) {
    const FormData_pg_attribute& description = *TupleDescAttr(shape, attribute);
    try_column(NameStr(description.attname), [&] { read_column(attribute, description); });
  }
  try_column({}, [&] { check_scopes(); });
}

void SourceScan::read_column(int attribute, const FormData_pg_attribute& description) {
  const Request& request = *request_;
  const std::string_view column = NameStr(description.attname);
  const Oid type = description.atttypid;
  const Oid base = call([type] { return getBaseType(type); });

  if (column == kUpdatedAt) {
    if (base != TIMESTAMPTZOID && base != TIMESTAMPOID && base != DATEOID) {
      throw Error("42804",
                  fmt::format("{}: column \"updated_at\" is of type {}", title(), type_name(type)),
                  "updated_at says which of a person's values is the newest, so it must be a "
                  "timestamp with or without time zone, or a date.",
                  "Cast it, for example updated_at::timestamptz or to_timestamp(updated_at) AS "
                  "updated_at, or leave it out.");
    }
    if (layout_.updated_at_attribute >= 0) {
      throw Error("42701", fmt::format("{}: column \"updated_at\" is given twice", title()), {},
                  "Keep one, for example with greatest().");
    }
    layout_.updated_at_attribute = attribute;
    layout_.updated_at_type = base;
    return;
  }

  if (request.state && column == kPackedRow && type == BYTEAOID) {
    layout_.packed_attribute = attribute;
    return;
  }

  const auto number = request.kind_named(column);
  if (!number) {
    const std::string lower = lower_case(column);
    if (column == "?column?") {
      throw Error("42703", fmt::format("{}: column {} has no name", title(), attribute + 1),
                  "A column's name says which kind of identifier it holds.",
                  "Name it with AS, for example lower(login) AS username.");
    }
    throw Error(
        "42703", fmt::format("{}: column \"{}\" is not an identifier kind", title(), column),
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
  if (kind.rules.links) check_identifies(kind.name, type, false);
  // Now, before any row is read: rows take the memory.
  normalize::prepare(kind.method);
  const bool is_scope = std::ranges::any_of(
      request.kinds, [&](const Kind& scoped) { return scoped.scope == *number; });
  const bool compared = kind.rules.links || kind.rules.max_per_identity != 0 || is_scope;
  const bool json = call([value_type] { return json_form(value_type); }) != JsonForm::kNone;
  layout_.columns.push_back(
      {attribute, *number, OidIsValid(element), value_type, compared && json, {}, {}});
}

// A source that never says in which scope its values are would silently link nobody by them. What
// identify() was told, which has a column only for what the sources have, may.
void SourceScan::check_scopes() const {
  if (request_->state) return;
  for (const SourceColumn& column : layout_.columns) {
    const Kind& kind = request_->kinds[engine::index(column.kind)];
    if (!kind.rules.links || !kind.scope) continue;
    if (std::ranges::any_of(layout_.columns,
                            [&](const SourceColumn& at) { return at.kind == *kind.scope; })) {
      continue;
    }
    const std::string& scope = request_->kinds[engine::index(*kind.scope)].name;
    throw Error(
        "42703", fmt::format("{}: there is no column \"{}\"", title(), scope),
        fmt::format("It is the scope of \"{}\", which the query has: equal values link only "
                    "where their rows have the same {}.",
                    kind.name, scope),
        fmt::format("Add the column, for example '...' AS {0}; where it is null, the row's {1} "
                    "links nobody.",
                    scope, kind.name));
  }
}

// Refuses types whose values cannot tell people apart, or, of the record id, records; and arrays of
// them.
void SourceScan::check_identifies(const std::string& column, Oid type, bool is_id) const {
  const bool is_alias = source_->is_alias;
  const bool is_record = is_id && !is_alias;
  const Oid base = call([type] { return getBaseType(type); });
  const Oid element = call([base] { return get_element_type(base); });
  const bool is_array = OidIsValid(element);
  const std::string carry = fmt::format("identity_rule('{}', link => false)", column);
  const char* why = nullptr;
  std::string hint = fmt::format(kExactType, column, is_array ? "[]" : "");
  if (!is_id && !is_alias) hint += " To only carry it, write " + carry + ".";
  switch (is_array ? call([element] { return getBaseType(element); }) : base) {
    case BOOLOID:
      why = is_record ? "All rows with the same of two values would become one record."
                      : "Every person with the same of two values would become one identity.";
      hint = is_alias    ? "Give two columns, the former value and the present one."
             : is_record ? "Put the record's own key first in the query."
                         : "Leave it out, or carry it with " + carry + ".";
      break;
    case FLOAT4OID:
      why =
          "Its numbers have no more than 6 sure digits: two ids above 16777216 may be the same "
          "real, and their people would become one identity.";
      break;
    case FLOAT8OID:
      why =
          "Its numbers have no more than 15 sure digits: two ids above 9007199254740992 may be "
          "the same double precision, and their people would become one identity.";
      break;
    default:
      return;
  }
  throw Error("42804",
              fmt::format("{}: {} \"{}\" is of type {}", title(),
                          is_record ? "the record id" : "column", column, type_name(type)),
              why, hint);
}

// An error of the source's query, told so that the user knows which source to look at.
void SourceScan::rethrow(const PgError& error) const { rethrow_of_query(error, words()); }

RowReader& SourceScan::reader() {
  if (reader_ == nullptr) reader_ = std::make_unique<RowReader>(*request_, layout_);
  return *reader_;
}

Oid SourceScan::lock_tables(Snapshot snapshot) const {
  return call([=, this] { return pg::lock_tables(query(), snapshot); });
}

// Our end of the executor: a DestReceiver, and what it needs.
struct SourceScan::Receiver {
  DestReceiver base;
  SourceScan* scan;
  engine::LocalSink* sink;
  const WantedIdentifiers* wanted;
  RowVisitor* visitor;
  MemoryContext row_memory;
  NullableDatum* cells;
};

double SourceScan::expected_rows() {
  const ReadOnlySection read_only;
  try {
    const SourcePlan planned = call([this] { return plan_source(plan_); });
    cost_ = planned.cost;
    return planned.rows;
  } catch (const PgError& error) {
    rethrow(error);
  }
}

// Plans how many parallel workers are to read the source; 0: none.
int SourceScan::plan_workers(const ParallelSink& parallel) {
  // A plan that costs less than to start workers is not worth a second look.
  if (cost_ <= parallel_setup_cost && parallel_setup_cost > 0) return 0;
  const ReadOnlySection read_only;
  try {
    return parallel.planned_workers(*query(), source_->query, layout_);
  } catch (const PgError& error) {
    rethrow(error);
  }
}

void SourceScan::run(const ParallelSink& parallel, engine::LocalSink& sink, Progress& progress) {
  progress_ = &progress;
  progress.begin_source(engine::index(layout_.source));
  const int workers = plan_workers(parallel);
  if (workers > 0 && run_in_workers(parallel, workers, sink)) return;
  execute(&sink, nullptr);
}

bool SourceScan::run_in_workers(const ParallelSink& parallel, int workers,
                                engine::LocalSink& sink) {
  const ReadOnlySection read_only;
  try {
    return parallel.run(*query(), source_->query, layout_, workers, reader(), sink, *progress_);
  } catch (const PgError& error) {
    reader().restore_settings();
    rethrow(error);
  }
}

std::optional<std::string> SourceScan::find_value(engine::KindNumber kind,
                                                  std::span<const engine::Key> wanted,
                                                  const engine::KeyRing& keys) {
  const WantedIdentifiers identifiers{kind, wanted, &keys};
  found_.reset();
  execute(nullptr, &identifiers);
  return found_;
}

void SourceScan::visit(RowVisitor& visitor) { execute(nullptr, nullptr, &visitor); }

void SourceScan::execute(engine::LocalSink* sink, const WantedIdentifiers* wanted,
                         RowVisitor* visitor) {
  Receiver receiver{};
  receiver.base.receiveSlot = [](TupleTableSlot* slot, DestReceiver* self) {
    auto* to = reinterpret_cast<Receiver*>(self);
    to->scan->take_row(slot, *to);
    // One that is found is enough, unless a smaller one may come.
    return !to->scan->found_ || to->wanted->wanted.size() > 1;  // false: no more rows
  };
  receiver.base.rStartup = [](DestReceiver*, int, TupleDesc) {};
  receiver.base.rShutdown = [](DestReceiver*) {};
  receiver.base.rDestroy = [](DestReceiver*) {};
  receiver.base.mydest = DestTuplestore;
  receiver.scan = this;
  receiver.sink = sink;
  receiver.wanted = wanted;
  receiver.visitor = visitor;
  static_cast<void>(reader());
  call([&] {
    receiver.row_memory =
        AllocSetContextCreate(CurrentMemoryContext, "identity_resolve row", ALLOCSET_DEFAULT_SIZES);
    const auto columns = static_cast<std::size_t>(list_length(query()->targetList));
    receiver.cells = static_cast<NullableDatum*>(palloc(columns * sizeof(NullableDatum)));
  });

  const ReadOnlySection read_only;
  try {
    call([&] { run_query(plan_, &receiver.base); });
  } catch (const PgError& error) {
    reader().restore_settings();
    rethrow(error);
  }
  call([&] { MemoryContextDelete(receiver.row_memory); });
}

// Called by the executor for each row: no C++ object is alive below us but the scan's own.
void SourceScan::take_row(TupleTableSlot* slot, Receiver& receiver) {
  slot_getallattrs(slot);
  for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i) {
    receiver.cells[i] = {slot->tts_values[i], slot->tts_isnull[i]};
  }
  const MemoryContext outer = MemoryContextSwitchTo(receiver.row_memory);
  if (receiver.sink != nullptr) {
    reader_->take(receiver.cells, *receiver.sink, progress_);
  } else if (receiver.visitor != nullptr) {
    reader_->show(receiver.cells, *receiver.visitor);
  } else {
    const std::string_view value = reader_->find(receiver.cells, *receiver.wanted);
    guarded([&] {
      if (value.data() == nullptr) return;
      if (!found_ || engine::compare_ids(value, *found_) < 0) found_ = value;
    });
  }
  MemoryContextSwitchTo(outer);
  MemoryContextReset(receiver.row_memory);
}

}  // namespace identity_resolve::pg
