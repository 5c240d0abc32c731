// The SQL functions by which an identity map looks at its sources: identity_map_scan(),
// identity_map_layout() and identity_map_aliases(). src/sql/50-map.sql has what they are for.
//
// A scan runs a source's query once, row by row, and keeps nothing of a row but its fingerprint.
// Those of the rows that the map's state holds are at hand in the order in which they came
// (engine/known_rows.h): what is not among them is new and goes out with its values and keys; what
// no row had goes out as gone. So a refresh costs the reading of the source and a hash a row,
// whatever else the map has to do.
#include "map/scan_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/known_rows.h"
#include "engine/place_table.h"
#include "map/datums.h"
#include "map/home.h"
#include "map/queries.h"
#include "map/record_name.h"
#include "map/snapshot.h"
#include "normalize/text.h"
#include "pg/context_memory.h"
#include "pg/progress.h"
#include "pg/result_rows.h"
#include "pg/spi.h"
#include "resolve/aliases.h"
#include "resolve/bad_ids.h"
#include "resolve/query_names.h"
#include "resolve/scan.h"
#include "resolve/source_tables.h"
#include "resolve/stored_row.h"

extern "C" {
#include <catalog/catalog.h>
#include <catalog/pg_class.h>
#include <catalog/pg_inherits.h>
#include <optimizer/clauses.h>
#include <utils/syscache.h>
}

namespace identity_resolve::pg {

namespace {

using engine::Error;

// Records that are to be left out: bigint.
void read_forgotten(const char* query, engine::NumberTable& records) {
  read_rows(query, {INT8OID}, [&](const Datum* values, const bool* nulls) {
    if (nulls[0]) return;
    const std::int64_t number = DatumGetInt64(values[0]);
    guarded([&] { records.insert(number); });
  });
}

// Fingerprints that the map knows, in the order in which they came and went: (came bytea, went
// bytea, bytes bigint), the last of all that came.
void read_known(const char* query, engine::KnownRows& known) {
  read_rows(query, {BYTEAOID, BYTEAOID, INT8OID}, [&](const Datum* values, const bool* nulls) {
    // A guess, and no more: what somebody has written there must not take all memory.
    constexpr std::int64_t kMost = std::int64_t{1} << 30;
    if (!nulls[2]) {
      const auto bytes = std::clamp(DatumGetInt64(values[2]), std::int64_t{0}, kMost);
      guarded([&] { known.expect(static_cast<std::size_t>(bytes) / sizeof(std::int64_t)); });
    }
    if (!nulls[1]) {
      each_slice(values[1], [&](std::span<const char> went, std::size_t) {
        guarded([&] { known.remove(went); });
      });
    }
    if (nulls[0]) return;
    const std::size_t size = toast_raw_datum_size(values[0]) - VARHDRSZ;
    known.begin_run(size / sizeof(std::int64_t));
    each_slice(values[0],
               [&](std::span<const char> came, std::size_t) { guarded([&] { known.add(came); }); });
  });
}

// The session's search_path and other settings, exchanged for as long as a source's query is
// analysed or runs. They come back with the GUC nesting level, also when an error ends the
// transaction.
class SearchPath {
 public:
  explicit SearchPath(const char* path) {
    level_ = call([path] {
      const int level = NewGUCNestLevel();
      set_for_call("search_path", path);
      set_work_settings();
      return level;
    });
  }
  SearchPath(const SearchPath&) = delete;
  SearchPath& operator=(const SearchPath&) = delete;
  ~SearchPath() = default;
  void leave() const {
    call([this] { AtEOXact_GUC(true, level_); });
  }

 private:
  int level_ = 0;
};

// Tells rows that the map knows from new ones.
class ChangeFinder final : public RowVisitor {
 public:
  // number: the map's of the source; known: the fingerprints of the rows that the map has;
  // forgotten: the records to leave out.
  ChangeFinder(SourceScan& scan, const engine::MapSecret& secret, int number,
               const FoundRows& found, ContextMemory& memory, engine::KnownRows& known,
               engine::NumberTable forgotten)
      : scan_(&scan),
        secret_(&secret),
        number_(number),
        found_(found),
        known_(&known),
        forgotten_(std::move(forgotten)),
        suspects_(memory) {}

  void take(const RowView& row) override {
    if (++rows_seen_ % kTellEvery == 0) add_map_rows(kTellEvery);
    if (row.record_name.empty()) {
      ++left_out_;
      return;
    }
    if (!forgotten_.keys().empty() && forgotten_.contains(number_of(row))) return;
    if (row.is_suspect) {
      hold(row);
    } else {
      take_named(row);
    }
  }
  // Takes the suspects that are the only rows of their records: all rows have come.
  void take_held() {
    for (Held& held : held_) {
      if (held.rows > 1) {
        left_out_ += held.rows;
        continue;
      }
      std::vector<RowView::Cell> cells;
      for (const auto& [column, value] : held.cells) cells.push_back({column, value});
      take_named({held.record_id, normalize::trim(held.record_id), true, held.updated_at, cells});
    }
  }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
  // Rows that were read and not told of yet.
  [[nodiscard]] std::uint64_t rows_to_tell() const noexcept { return rows_seen_ % kTellEvery; }

  // Those of the known rows that have not been seen.
  void put_gone() {
    std::array<Datum, FoundRows::kColumns> values{};
    std::array<bool, FoundRows::kColumns> nulls = {false, true, true};
    known_->each_unseen([&](std::int64_t fingerprint) {
      values[FoundRows::kFingerprint] = Int64GetDatum(fingerprint);
      call([&] { tuplestore_putvalues(found_.rows, found_.shape, values.data(), nulls.data()); });
    });
  }

 private:
  // The first row of a record whose id may be none.
  struct Held {
    std::uint64_t rows = 0;
    std::string record_id = {};
    std::int64_t updated_at = engine::kNeverUpdated;
    std::vector<std::pair<const SourceColumn*, std::string>> cells = {};
  };

  void hold(const RowView& row) {
    const auto [place, is_new] = suspects_.insert(number_of(row));
    if (is_new) held_.emplace_back();
    Held& held = held_[place];
    if (++held.rows > 1) {
      held.cells.clear();
      return;
    }
    held.record_id = row.record_id;
    held.updated_at = row.updated_at;
    for (const RowView::Cell& cell : row.cells) {
      held.cells.emplace_back(cell.column, std::string(cell.value));
    }
  }

  void take_named(const RowView& row) {
    const std::int64_t fingerprint = row_fingerprint(hash_, *secret_, scan_->name(), row);
    if (known_->see(fingerprint)) return;
    scan_->reader().keys_of(row, *secret_, keys_);
    const std::int64_t rid = number_of(row);
    packed_.clear();
    pack_row(row, scan_->columns(), rid, fingerprint, static_cast<std::uint32_t>(number_), keys_,
             packed_);
    call([&] {
      std::array<Datum, FoundRows::kColumns> values = {Int64GetDatum(fingerprint),
                                                       Int64GetDatum(rid), bytes_value(packed_)};
      std::array<bool, FoundRows::kColumns> nulls{};
      tuplestore_putvalues(found_.rows, found_.shape, values.data(), nulls.data());
      pfree(DatumGetPointer(values[FoundRows::kPacked]));
    });
  }

  std::int64_t number_of(const RowView& row) {
    return record_number(hash_, *secret_, scan_->name(), row.record_name);
  }

  SourceScan* scan_;
  const engine::MapSecret* secret_;
  int number_;
  FoundRows found_;
  engine::KnownRows* known_;
  engine::NumberTable forgotten_;  // records
  engine::NumberTable suspects_;   // records whose id may be none
  std::vector<Held> held_;
  static constexpr std::uint64_t kTellEvery = 1024;
  std::uint64_t rows_seen_ = 0;
  std::uint64_t left_out_ = 0;
  engine::MapHash hash_;
  std::vector<std::int64_t> keys_;
  std::string packed_;
};

std::span<const std::int64_t> copy_of(std::span<const std::int64_t> numbers,
                                      ContextMemory& memory) {
  if (numbers.empty()) return {};
  auto* copy =
      static_cast<std::int64_t*>(memory.allocate(numbers.size_bytes(), alignof(std::int64_t)));
  std::copy(numbers.begin(), numbers.end(), copy);
  return {copy, numbers.size()};
}

// The source at a place, from 1. Error 22023 where there is none.
engine::SourceNumber source_at(const Request& request, int place) {
  if (place < 1 || static_cast<std::size_t>(place) > request.sources.size()) {
    throw Error("22023", fmt::format("there is no source {}", place));
  }
  return engine::SourceNumber{static_cast<std::uint16_t>(place - 1)};
}

// Whether a query reads what only this process, or only one process, can: temporary and foreign
// tables.
bool reads_here_only(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, RangeTblEntry)) {
    const auto* table = reinterpret_cast<const RangeTblEntry*>(node);
    if (table->rtekind != RTE_RELATION) return false;
    return get_rel_persistence(table->relid) == RELPERSISTENCE_TEMP ||
           get_rel_relkind(table->relid) == RELKIND_FOREIGN_TABLE;
  }
  if (IsA(node, Query)) {
    return walk_query(reinterpret_cast<Query*>(node), reads_here_only, context);
  }
  return walk_expression(node, reads_here_only, context);
}

// Whether parallel workers can run a query. PostgreSQL's half.
bool is_for_workers(const Query* query) {
  auto* copy = static_cast<Query*>(copyObjectImpl(query));
  return max_parallel_hazard(copy) == PROPARALLEL_SAFE &&
         !reads_here_only(reinterpret_cast<Node*>(copy), nullptr);
}

}  // namespace

ScanResult scan_source(const ScanArguments& arguments, const FoundRows& found) {
  Request request = read_request({arguments.clauses, false, false}, true);
  if (!request.state) throw Error("22023", "the clauses hold no state of an identity map");
  const engine::SourceNumber number = source_at(request, arguments.source);
  if (arguments.query != nullptr) request.sources[engine::index(number)].query = arguments.query;

  ContextMemory memory(CurrentMemoryContext);  // not SPI's, which ends before the tables do
  SpiConnection spi;
  read_aliases(request);
  engine::KnownRows known_rows(memory);
  engine::NumberTable forgotten_records(memory);
  if (arguments.known != nullptr) read_known(arguments.known, known_rows);
  known_rows.add(
      {reinterpret_cast<const char*>(arguments.prints.data()), arguments.prints.size_bytes()});
  known_rows.begin();
  if (arguments.forgotten != nullptr) read_forgotten(arguments.forgotten, forgotten_records);
  const SearchPath search_path(arguments.search_path);
  SourceScan scan(request, number);
  ChangeFinder finder(scan, request.state->secret, arguments.number, found, memory, known_rows,
                      std::move(forgotten_records));
  begin_map_source(arguments.source, static_cast<int>(request.sources.size()),
                   scan.expected_rows());
  // What identify() was told is part of the state, and read as it is now.
  const Snapshot snapshot = scan.name() == kIdentifySource ? nullptr : refresh_snapshot();
  if (snapshot != nullptr) call([=] { PushActiveSnapshot(snapshot); });
  scan.visit(finder);
  add_map_rows(finder.rows_to_tell());
  if (snapshot != nullptr) call([] { PopActiveSnapshot(); });
  search_path.leave();
  finder.take_held();
  const std::span<const std::int64_t> known = known_rows.finish();
  finder.put_gone();
  report_left_out(request.sources[engine::index(number)], scan.layout().id_name, finder.left_out());
  spi.finish();
  return {copy_of(known, memory), finder.left_out()};
}

namespace {

std::uint64_t last_left_out = 0;  // of this session

}  // namespace

void set_left_out(std::uint64_t rows) noexcept { last_left_out = rows; }

TupleDesc found_shape() {
  ShapeMaker shape(FoundRows::kColumns);
  shape.add("fingerprint", INT8OID);
  shape.add("rid", INT8OID);
  shape.add("packed", BYTEAOID);
  return shape.finish();
}

bool is_known(const ScanResult& result, TupleTableSlot* found) {
  if (result.known.empty()) return false;
  bool is_null = false;
  const Datum fingerprint = slot_getattr(found, FoundRows::kFingerprint + 1, &is_null);
  return std::ranges::binary_search(result.known, DatumGetInt64(fingerprint));
}

Cost cost_in_worker(const ScanArguments& arguments) {
  const Request request = read_request({arguments.clauses, false, false}, true);
  const engine::SourceNumber number = source_at(request, arguments.source);
  SpiConnection spi;
  const SearchPath search_path(arguments.search_path);
  SourceScan scan(request, number);
  const bool is_safe = call([&] { return is_for_workers(scan.query()); });
  static_cast<void>(scan.expected_rows());
  search_path.leave();
  spi.finish();
  return is_safe ? scan.cost() : 0;
}

namespace {

// JSON's way to write a text.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

// Where a query reads one plain table and nothing else, and its first column is one of the table's:
// the table and the column, as JSON; the reason why not otherwise. PostgreSQL's half.
struct Captured {
  const char* table;
  const char* column;
  const char* problem;
};

// Whether tables inherit from it now; pg_class goes on saying so when the last of them is gone.
bool has_children(Oid table) {
  return has_subclass(table) && find_inheritance_children(table, NoLock) != NIL;
}

Captured captured_by(const Query* query) {
  if (query->setOperations != nullptr || query->hasTargetSRFs || query->hasAggs ||
      query->hasWindowFuncs || query->hasSubLinks || query->cteList != NIL ||
      query->groupClause != NIL || query->groupingSets != NIL || query->limitCount != nullptr ||
      query->limitOffset != nullptr || query->distinctClause != NIL ||
      list_length(query->rtable) != 1 || list_length(query->jointree->fromlist) != 1 ||
      !IsA(linitial(query->jointree->fromlist), RangeTblRef)) {
    return {nullptr, nullptr, "Its query is more than one table's rows, some of them left out."};
  }
  const auto* table = static_cast<const RangeTblEntry*>(linitial(query->rtable));
  if (table->rtekind != RTE_RELATION || get_rel_relkind(table->relid) != RELKIND_RELATION ||
      has_children(table->relid) || has_superclass(table->relid)) {
    return {nullptr, nullptr, "It reads no plain table: a view, a partition, or something else."};
  }
  if (get_rel_persistence(table->relid) == RELPERSISTENCE_TEMP ||
      IsCatalogRelationOid(table->relid)) {
    return {nullptr, nullptr, "It reads a temporary table, or a catalog of PostgreSQL."};
  }
  const auto* first = static_cast<const TargetEntry*>(linitial(query->targetList));
  const Node* value = reinterpret_cast<const Node*>(first->expr);
  if (!IsA(value, Var) || reinterpret_cast<const Var*>(value)->varattno <= 0) {
    return {nullptr, nullptr, "Its record id is not a column of the table."};
  }
  return {quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->relid)),
                                     get_rel_name(table->relid)),
          get_attname(table->relid, reinterpret_cast<const Var*>(value)->varattno, false), nullptr};
}

std::string qualified_type(Oid type, std::int32_t modifier) {
  return call([=] {
    return format_type_extended(type, modifier,
                                FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
  });
}

// The operator by which values of a type are equal, as SQL names it wherever it is; nullptr where
// there is none, or where several values cannot come as an array, as arrays cannot. PostgreSQL's
// half.
const char* equality_of(Oid type) {
  const Oid equality = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
  if (!OidIsValid(equality) || !OidIsValid(get_array_type(type)) ||
      OidIsValid(get_element_type(getBaseType(type)))) {
    return nullptr;
  }
  HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(equality));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator %u", equality);
  const auto* form = reinterpret_cast<const FormData_pg_operator*>(GETSTRUCT(tuple));
  const char* name =
      psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
               NameStr(form->oprname));
  ReleaseSysCache(tuple);
  return name;
}

// Whether the map's own source, identify, takes a kind: not where a column <source>_id would then
// mean two things, and no other source nor rule asks for the kind.
bool identify_takes(const Request& request, const std::vector<bool>& used, std::size_t kind) {
  if (used[kind]) return true;
  return std::none_of(request.sources.begin(), request.sources.end(), [&](const Source& source) {
    return source.name + "_id" == request.kinds[kind].name;
  });
}

std::string scope_name(const Request& request, const Kind& kind) {
  if (!kind.rules.scoped) return "all";
  return kind.scope ? request.kinds[engine::index(*kind.scope)].name : "source";
}

std::string layout_of(const Request& request, const char* path) {
  std::string json = "{\"sources\": [";
  std::vector<bool> used(request.kinds.size(), false);
  SpiConnection spi;
  const SearchPath search_path(path);
  each_alias(request, [](const SourceScan& alias, engine::KindNumber) {
    static_cast<void>(alias.lock_tables(nullptr));
  });
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    const SourceScan scan(request, engine::SourceNumber{static_cast<std::uint16_t>(i)});
    // A refresh takes its snapshot after this, and so sees the rows of all that it reads.
    static_cast<void>(scan.lock_tables(nullptr));
    const RowLayout& layout = scan.layout();
    const Oid id_type = layout.id_type;
    // The statement alone, to be a part of another one: without a semicolon and what follows it.
    const Query* query = scan.query();
    const auto begin = static_cast<std::size_t>(std::max(query->stmt_location, 0));
    const std::string_view statement =
        std::string_view(request.sources[i].query)
            .substr(begin, query->stmt_len > 0 ? static_cast<std::size_t>(query->stmt_len)
                                               : std::string_view::npos);
    const bool is_json = call([id_type] { return json_form(id_type); }) != JsonForm::kNone;
    // JSON is read as its string or number is: what is equal as JSON is no text of that.
    const char* equality = is_json ? nullptr : call([id_type] { return equality_of(id_type); });
    json += fmt::format("{}{{\"name\": {}, \"id\": {}, \"id_type\": {}, \"id_equality\": {}, ",
                        i == 0 ? "" : ", ", quoted(scan.name()), quoted(layout.id_name),
                        quoted(qualified_type(id_type, -1)),
                        equality == nullptr ? "null" : quoted(equality));
    json += fmt::format(
        "\"id_is_json\": {}, \"id_is_padded\": {}, \"id_may_have_blanks\": {}, "
        "\"updated_at\": {}, ",
        is_json, call([id_type] { return getBaseType(id_type) == BPCHAROID; }),
        call([id_type] { return ValueReader(id_type).may_have_blanks(); }),
        layout.updated_at_attribute >= 0);
    json += fmt::format("\"query\": {}, \"names\": [", quoted(statement));
    std::string types;
    ListCell* cell = nullptr;
    foreach (cell, query->targetList) {
      const auto* target = static_cast<const TargetEntry*>(lfirst(cell));
      if (target->resjunk) continue;
      const Node* value = reinterpret_cast<const Node*>(target->expr);
      const std::string_view comma = types.empty() ? "" : ", ";
      json += fmt::format("{}{}", comma, quoted(target->resname));
      types +=
          fmt::format("{}{}", comma, quoted(qualified_type(exprType(value), exprTypmod(value))));
    }
    json += fmt::format("], \"types\": [{}], \"columns\": [", types);
    for (const SourceColumn& column : scan.columns()) {
      used[engine::index(column.kind)] = true;
      json += fmt::format(
          "{}{{\"kind\": {}, \"array\": {}}}", &column == scan.columns().data() ? "" : ", ",
          quoted(request.kinds[engine::index(column.kind)].name), column.holds_many());
    }
    const Captured captured = call([&] { return captured_by(query); });
    if (captured.problem != nullptr) {
      json += fmt::format("], \"no_capture\": {}}}", quoted(captured.problem));
    } else {
      json += fmt::format("], \"table\": {}, \"table_id\": {}}}", quoted(captured.table),
                          quoted(captured.column));
    }
  }
  search_path.leave();
  spi.finish();
  // Where a kind is taken, so is its scope.
  for (const Kind& kind : request.kinds) {
    if (kind.scope) used[engine::index(*kind.scope)] = true;
  }
  json += "], \"kinds\": [";
  for (std::size_t i = 0; i < request.kinds.size(); ++i) {
    const Kind& kind = request.kinds[i];
    json += fmt::format(
        "{}{{\"name\": {}, \"links\": {}, \"priority\": {}, \"max_records\": {}, "
        "\"max_records_in_all\": {}, \"max_per_identity\": {}, \"scope\": {}, \"identify\": {}}}",
        i == 0 ? "" : ", ", quoted(kind.name), kind.rules.links, kind.rules.priority,
        kind.rules.max_records, kind.rules.max_records_in_all, kind.rules.max_per_identity,
        quoted(scope_name(request, kind)), identify_takes(request, used, i));
  }
  return json + "]}";
}

std::string files_of(const Request& request, const char* path) {
  std::string json = "{";
  SpiConnection spi;
  const SearchPath search_path(path);
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    const SourceScan scan(request, engine::SourceNumber{static_cast<std::uint16_t>(i)});
    const std::vector<Oid> tables = tables_of(scan.query());
    const char* files = call([&] { return pg::files_of({tables.data(), tables.size()}); });
    json += fmt::format("{}{}: {}", i == 0 ? "" : ", ", quoted(scan.name()), quoted(files));
  }
  search_path.leave();
  spi.finish();
  return json + '}';
}

// All aliases that the queries give, as a refresh sees them: (key bigint, kind text, former bytea,
// present bytea), normalised, in UTF-8.
void write_aliases(Request& request, const char* path, const ReturnSetInfo& to) {
  if (!request.state) throw Error("22023", "the clauses hold no state of an identity map");
  SpiConnection spi;
  const SearchPath search_path(path);
  const Snapshot snapshot = refresh_snapshot();
  if (snapshot != nullptr) call([=] { PushActiveSnapshot(snapshot); });
  query_aliases(request);
  if (snapshot != nullptr) call([] { PopActiveSnapshot(); });
  search_path.leave();
  spi.finish();
  engine::MapHash hash;
  for (std::size_t i = 0; i < request.kinds.size(); ++i) {
    const Kind& kind = request.kinds[i];
    for (const Alias& alias : kind.aliases) {
      const std::int64_t key =
          engine::map_key(hash, request.state->secret, i, kind.name, alias.former);
      call([&] {
        CHECK_FOR_INTERRUPTS();
        std::array values = {Int64GetDatum(key), CStringGetTextDatum(kind.name.c_str()),
                             bytes_value(alias.former), bytes_value(alias.present)};
        std::array nulls = {false, false, false, false};
        tuplestore_putvalues(to.setResult, to.setDesc, values.data(), nulls.data());
        for (std::size_t at = 1; at < values.size(); ++at) pfree(DatumGetPointer(values[at]));
      });
    }
  }
}

}  // namespace

}  // namespace identity_resolve::pg

using namespace identity_resolve::pg;

// identity_map_scan(clauses, source, query, search_path, forgotten) → SETOF record:
// src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_scan) {
  demand_arguments(fcinfo, {0, 1, 3});
  guarded([&] {
    ReturnSetInfo* result = begin_tuplestore(fcinfo);
    const ScanArguments arguments = call([&] {
      return ScanArguments{
          PG_GETARG_DATUM(0),       PG_GETARG_INT32(1),       0,       optional_text(fcinfo, 2),
          optional_text(fcinfo, 3), optional_text(fcinfo, 4), nullptr, {}};
    });
    // None is known.
    set_left_out(scan_source(arguments, {result->setResult, result->setDesc}).left_out);
  });
  return Datum{0};
}

// identity_map_left_out() → bigint: how many rows the last read of a whole source left out, as they
// name no record.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_left_out) {
  PG_RETURN_INT64(static_cast<std::int64_t>(last_left_out));
}

// identity_map_layout(clauses identity_clause[], search_path text) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_layout) {
  return guarded([&] {
    const Request request = read_request({PG_GETARG_DATUM(0), false, false}, true);
    const char* path = call([&] { return optional_text(fcinfo, 1); });
    const std::string json = layout_of(request, path);
    return call(
        [&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(json.c_str()))); });
  });
}

// identity_map_files(clauses identity_clause[], search_path text) → jsonb: src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_files) {
  return guarded([&] {
    const Request request = read_request({PG_GETARG_DATUM(0), false, false}, true);
    const char* path = call([&] { return optional_text(fcinfo, 1); });
    const std::string json = files_of(request, path);
    return call(
        [&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(pstrdup(json.c_str()))); });
  });
}

// identity_map_aliases(clauses identity_clause[], search_path text) → SETOF (key bigint, kind text,
// former bytea, present bytea): src/sql/50-map.sql.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_aliases) {
  guarded([&] {
    const ReturnSetInfo* result = begin_tuplestore(fcinfo);
    const char* path = call([&] { return optional_text(fcinfo, 1); });
    Request request = read_request({PG_GETARG_DATUM(0), false, false}, true);
    write_aliases(request, path, *result);
  });
  return Datum{0};
}

// identity_map_pack(numbers bigint[]) → bytea: eight bytes each, as this machine has them.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_pack) {
  const std::span<const std::int64_t> numbers = number_argument(fcinfo, 0);
  PG_RETURN_DATUM(
      bytes_value({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}));
}

// identity_map_minus(numbers bigint[], others bigint[]) → bigint[]: those that are not among the
// others. Both rise.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_minus) {
  const std::span<const std::int64_t> numbers = number_argument(fcinfo, 0);
  const std::span<const std::int64_t> others = number_argument(fcinfo, 1);
  auto* left = static_cast<std::int64_t*>(palloc((numbers.size() + 1) * sizeof(std::int64_t)));
  const std::int64_t* end =
      std::set_difference(numbers.begin(), numbers.end(), others.begin(), others.end(), left);
  PG_RETURN_DATUM(number_array({left, end}));
}

// identity_map_record(secret uuid, source text, record_id text) → bigint: the number by which a map
// remembers a record that was forgotten.
IDENTITY_RESOLVE_INTERNAL_FUNCTION(identity_map_record) {
  const std::uint8_t* secret = DatumGetUUIDP(PG_GETARG_DATUM(0))->data;
  const std::string_view source_name = to_utf8(bytes_of(PG_GETARG_TEXT_PP(1)));
  const std::string_view record_id =
      to_utf8(bytes_of(DatumGetTextPP(record_name(PG_GETARG_DATUM(2)))));
  PG_RETURN_INT64(guarded([&] {
    identity_resolve::engine::MapSecret key;
    std::copy_n(secret, key.size(), key.begin());
    identity_resolve::engine::MapHash hash;
    hash.begin(identity_resolve::engine::MapHash::Sort::kRecord);
    hash.add(source_name);
    hash.add(record_id);
    return hash.end(key);
  }));
}
