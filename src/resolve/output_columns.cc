#include "resolve/output_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>

namespace identity_resolve::pg {

namespace {

using engine::ColumnPlan;
using engine::Error;
using engine::KindNumber;
using engine::Shows;
using engine::SlotNumber;
using engine::SourceNumber;

// A thing that a name can mean. Slots are given once a column asks for it.
struct Meaning {
  Shows shows = Shows::kIdentityId;
  SourceNumber source{};
  KindNumber kind{};
  bool one_source = false;
};

using Meanings = std::vector<std::pair<std::string, Meaning>>;

// All names that mean something for these sources, in the order in which they are listed to a user.
Meanings all_meanings(const Request& request, const std::vector<SourceScan>& scans) {
  Meanings meanings = {{"identity_id", {Shows::kIdentityId, {}, {}, false}},
                       {"record_count", {Shows::kRecordCount, {}, {}, false}},
                       {"sources", {Shows::kSources, {}, {}, false}}};
  std::vector<std::vector<KindNumber>> kinds_of_source;
  std::vector<KindNumber> kinds;
  const auto add = [](std::vector<KindNumber>& list, KindNumber kind) {
    if (std::find(list.begin(), list.end(), kind) == list.end()) list.push_back(kind);
  };
  for (const SourceScan& scan : scans) {
    meanings.push_back({scan.name() + "_id", {Shows::kRecordId, scan.number(), {}, true}});
    kinds_of_source.emplace_back();
    for (const SourceColumn& column : scan.columns()) {
      add(kinds_of_source.back(), column.kind);
      add(kinds, column.kind);
    }
  }
  const auto kind_name = [&](KindNumber kind) { return request.kinds[engine::index(kind)].name; };
  for (const KindNumber kind : kinds) {
    meanings.push_back({kind_name(kind), {Shows::kValue, {}, kind, false}});
  }
  for (std::size_t i = 0; i < scans.size(); ++i) {
    for (const KindNumber kind : kinds_of_source[i]) {
      meanings.push_back({scans[i].name() + "_" + kind_name(kind),
                          {Shows::kValue, scans[i].number(), kind, true}});
    }
  }
  return meanings;
}

std::string describe(const Request& request, const Meaning& meaning) {
  const auto source = [&] { return request.sources[engine::index(meaning.source)].name; };
  const auto kind = [&] { return request.kinds[engine::index(meaning.kind)].name; };
  switch (meaning.shows) {
    case Shows::kIdentityId:
      return "the identity's id";
    case Shows::kRecordCount:
      return "the number of records";
    case Shows::kSources:
      return "the names of the sources";
    case Shows::kRecordId:
      return fmt::format("the record id of source \"{}\"", source());
    case Shows::kValue:
      break;
  }
  return meaning.one_source ? fmt::format("kind \"{}\" of source \"{}\"", kind(), source())
                            : fmt::format("kind \"{}\"", kind());
}

// nullptr where a name means nothing.
const Meaning* look_up(const Request& request, const Meanings& meanings, std::string_view name) {
  const Meaning* found = nullptr;
  for (const auto& [candidate, meaning] : meanings) {
    if (candidate != name) continue;
    if (found != nullptr) {
      throw Error("42702", fmt::format("column \"{}\" is ambiguous", name),
                  fmt::format("It could show {} or {}.", describe(request, *found),
                              describe(request, meaning)),
                  "Give the source another name in identity_source().");
    }
    found = &meaning;
  }
  return found;
}

// An array of record ids or values may be named in the plural.
const Meaning& find_meaning(const Request& request, const Meanings& meanings,
                            const std::string& name, bool array) {
  if (const Meaning* found = look_up(request, meanings, name)) return *found;
  if (array && name.ends_with('s')) {
    const Meaning* one =
        look_up(request, meanings, std::string_view(name).substr(0, name.size() - 1));
    if (one != nullptr && (one->shows == Shows::kRecordId || one->shows == Shows::kValue)) {
      return *one;
    }
  }

  if (name == "updated_at") {
    throw Error("42703", "column \"updated_at\" means nothing in a resolve",
                "In a source's query it says which values are the newest. Of a result nobody knows "
                "when it changed, as it is made anew each time.",
                "An identity map knows: identity_column('updated_at', 'timestamptz') of "
                "create_identity_map() says when anything in a row last changed.");
  }
  constexpr std::size_t kMostListed = 60;
  std::string names;
  for (std::size_t i = 0; i < std::min(meanings.size(), kMostListed); ++i) {
    if (meanings[i].first.ends_with(kRecordNumber)) continue;
    if (!names.empty()) names += ", ";
    names += meanings[i].first;
  }
  if (meanings.size() > kMostListed) {
    names += fmt::format(" and {} more", meanings.size() - kMostListed);
  }
  throw Error("42703", fmt::format("column \"{}\" means nothing for these sources", name),
              fmt::format("The names that do are: {}.", names),
              "A column of the definition list is identity_id, record_count, sources, "
              "<source>_id, <kind> or <source>_<kind>.");
}

// Gives the slots out: one for each kind that is shown normalised, one for each kind of a source
// that is shown as typed.
class Slots {
 public:
  explicit Slots(std::vector<SourceScan>& scans) : scans_(&scans) {}

  SlotNumber slot_of(const Meaning& meaning) {
    const auto key = std::tuple(meaning.one_source, meaning.source, meaning.kind);
    if (const auto known = given_.find(key); known != given_.end()) return known->second;
    if (given_.size() >= engine::index(engine::kValueKeySlot)) {
      throw Error("54000", "the definition list asks for too many different values");
    }
    const SlotNumber slot{static_cast<std::uint16_t>(given_.size())};
    given_.emplace(key, slot);
    for (SourceScan& scan : *scans_) {
      if (meaning.one_source && scan.number() != meaning.source) continue;
      for (SourceColumn& column : scan.columns()) {
        if (column.kind != meaning.kind) continue;
        (meaning.one_source ? column.typed_slot : column.normalized_slot) = slot;
      }
    }
    return slot;
  }
  [[nodiscard]] std::size_t count() const noexcept { return given_.size(); }

 private:
  std::vector<SourceScan>* scans_;
  std::map<std::tuple<bool, SourceNumber, KindNumber>, SlotNumber> given_;
};

void check_type(const std::string& name, Shows shows, bool array, Oid type) {
  const bool must_be_array = shows == Shows::kSources;
  const bool must_be_scalar = shows == Shows::kIdentityId || shows == Shows::kRecordCount;
  if (must_be_array == array && must_be_array) return;
  if (!must_be_array && !(must_be_scalar && array)) return;
  throw Error("42804",
              fmt::format("column \"{}\" cannot be of type {}", name,
                          std::string(call([type] { return format_type_be(type); }))),
              must_be_array ? "An identity has records in several sources."
                            : "An identity has exactly one of it.",
              must_be_array ? "Declare it as an array: sources text[]."
                            : fmt::format("Declare it as {} {}.", name,
                                          shows == Shows::kIdentityId ? "uuid" : "bigint"));
}

// The type in which a definition list shows values of a type: their own where that reads their text
// back as it is, text otherwise (character(n) has a length, an array is for several values, JSON is
// shown without its quotes).
Oid listed_type(Oid type) {
  const Oid base = call([type] { return getBaseType(type); });
  switch (base) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case NUMERICOID:
    case UUIDOID:
    case DATEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case INETOID:
    case CIDROID:
    case BOOLOID:
    case FLOAT4OID:
    case FLOAT8OID:
      return base;
    default:
      break;
  }
  return call([base] { return get_typtype(base); }) == TYPTYPE_ENUM ? base : TEXTOID;
}

// The one type for values of two; of whole numbers the wider one.
Oid common_type(Oid a, Oid b) {
  constexpr std::array kNumbers = {INT2OID, INT4OID, INT8OID, NUMERICOID};
  const auto at = [&](Oid type) { return std::ranges::find(kNumbers, type); };
  if (a == b) return a;
  if (at(a) == kNumbers.end() || at(b) == kNumbers.end()) return TEXTOID;
  return *std::max(at(a), at(b));
}

// Of a kind, from the columns that have it.
Oid type_of_kind(const Request& request, const std::vector<SourceScan>& scans, KindNumber number) {
  const Kind& kind = request.kinds[engine::index(number)];
  const bool keeps_text =
      kind.method == normalize::Method::kNone || kind.method == normalize::Method::kExact;
  const bool is_uuid = kind.method == normalize::Method::kUuid;
  const bool is_renamed = std::ranges::any_of(
      request.alias_queries, [&](const AliasQuery& alias) { return alias.kind == number; });
  if ((!keeps_text && !is_uuid) || is_renamed) return TEXTOID;
  Oid type = InvalidOid;
  for (const SourceScan& scan : scans) {
    for (const SourceColumn& column : scan.columns()) {
      if (column.kind != number) continue;
      const Oid one = column.json_values ? TEXTOID : listed_type(column.type);
      type = OidIsValid(type) ? common_type(type, one) : one;
    }
  }
  return is_uuid && type != UUIDOID ? TEXTOID : type;
}

// Whether a column of a source's query gives what its first column gives.
bool repeats_id(const SourceScan& scan, const SourceColumn& column) {
  const auto* targets = scan.query()->targetList;
  const auto* id = static_cast<const TargetEntry*>(linitial(targets));
  const auto* other = static_cast<const TargetEntry*>(list_nth(targets, column.attribute));
  return call([=] { return equal(id->expr, other->expr); });
}

}  // namespace

std::vector<ListedColumn> list_columns(const Request& request, const std::vector<SourceScan>& scans,
                                       std::vector<std::string>& ambiguous) {
  const Meanings meanings = all_meanings(request, scans);
  std::vector<ListedColumn> columns;
  std::vector<bool> is_seen(request.kinds.size());
  const auto add = [&](ListedColumn column) {
    if (std::ranges::count(meanings, column.name, &Meanings::value_type::first) == 1) {
      columns.push_back(std::move(column));
    } else if (std::ranges::find(ambiguous, column.name) == ambiguous.end()) {
      ambiguous.push_back(std::move(column.name));
    }
  };
  for (const SourceScan& scan : scans) {
    for (const SourceColumn& column : scan.columns()) {
      if (repeats_id(scan, column)) is_seen[engine::index(column.kind)] = true;
    }
  }
  for (const SourceScan& scan : scans) {
    add({scan.name() + "_id", listed_type(scan.layout().id_type), Shows::kRecordId, false});
    for (const SourceColumn& column : scan.columns()) {
      const std::size_t kind = engine::index(column.kind);
      if (is_seen[kind]) continue;
      is_seen[kind] = true;
      add({request.kinds[kind].name, type_of_kind(request, scans, column.kind), Shows::kValue,
           request.kinds[kind].asks_for_several});
    }
  }
  return columns;
}

OutputPlan plan_output(const Request& request, std::vector<SourceScan>& scans, TupleDesc shape) {
  const Meanings meanings = all_meanings(request, scans);
  Slots slots(scans);
  OutputPlan plan;
  for (int i = 0; i < shape->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(shape, i);
    const std::string name(NameStr(attribute->attname));
    const Oid type = attribute->atttypid;
    const bool array = call([type] { return OidIsValid(get_base_element_type(type)); });
    const Meaning& meaning = find_meaning(request, meanings, name, array);
    check_type(name, meaning.shows, array, type);
    ColumnPlan column;
    column.shows = meaning.shows;
    column.source = meaning.source;
    column.one_source = meaning.one_source;
    column.array = array;
    if (meaning.shows == Shows::kValue) column.slot = slots.slot_of(meaning);
    plan.columns.push_back(column);
  }
  plan.slots = slots.count();
  return plan;
}

}  // namespace identity_resolve::pg
