#include "resolve/emit.h"

#include <fmt/format.h>

namespace identity_resolve::pg {

namespace {

using engine::Error;
using engine::Shows;

// A value as an error message shows it.
std::string shown(std::string_view value) {
  constexpr std::size_t kLongest = 200;
  if (value.size() <= kLongest) return std::string(value);
  const std::size_t whole = static_cast<std::size_t>(call([&] {
    return pg_mbcliplen(value.data(), static_cast<int>(kLongest * 4), static_cast<int>(kLongest));
  }));
  return fmt::format("{}... ({} bytes)", value.substr(0, whole), value.size());
}

}  // namespace

Datum uuid_datum(const engine::Uuid& uuid) {
  auto* copy = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  static_assert(sizeof copy->data == sizeof uuid);
  std::memcpy(copy->data, uuid.data(), uuid.size());
  return UUIDPGetDatum(copy);
}

engine::Uuid id_of(const Request& request, const engine::IdentityReader& identity) noexcept {
  return engine::identity_id(request.sources[engine::index(identity.first_source())].name,
                             identity.first_record_id());
}

std::string as_text(const engine::Uuid& uuid) {
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

Emitter::Emitter(const Request& request, std::span<const engine::ColumnPlan> columns,
                 TupleDesc shape, MemoryContext memory, MemoryContext row_memory)
    : request_(&request), shape_(shape), row_memory_(row_memory), columns_(columns.size()) {
  make_columns(columns, memory);
}

void Emitter::make_columns(std::span<const engine::ColumnPlan> plans, MemoryContext memory) {
  call([&] {
    const MemoryContext outer = MemoryContextSwitchTo(memory);
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const Form_pg_attribute attribute = TupleDescAttr(shape_, static_cast<int>(i));
      Column& column = columns_[i];
      column.plan = plans[i];
      column.type = attribute->atttypid;
      column.is_uuid = column.type == UUIDOID;
      if (column.plan.array) {
        column.element = get_base_element_type(column.type);
        column.has_domain = getBaseType(column.type) != column.type;
        get_typlenbyvalalign(column.element, &column.element_length, &column.element_by_value,
                             &column.element_alignment);
        // A domain over an array keeps its type modifier, as varchar(5)[] has one, to itself.
        std::int32_t typmod = attribute->atttypmod;
        if (column.has_domain) getBaseTypeAndTypmod(column.type, &typmod);
        column.writer = ValueWriter(column.element, typmod);
      } else {
        column.writer = ValueWriter(column.type, attribute->atttypmod);
      }
    }
    MemoryContextSwitchTo(outer);
  });
}

void Emitter::write(const engine::IdentityReader& identity, const engine::Cells& cells,
                    Datum* values, bool* nulls) {
  casting_ = false;
  try {
    call([&] {
      MemoryContextReset(row_memory_);
      const MemoryContext outer = MemoryContextSwitchTo(row_memory_);
      write_row(identity, cells, values, nulls);
      MemoryContextSwitchTo(outer);
    });
  } catch (const PgError& error) {
    rethrow(error, identity);
  }
}

void Emitter::write_row(const engine::IdentityReader& identity, const engine::Cells& cells,
                        Datum* values, bool* nulls) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Column& column = columns_[i];
    casting_column_ = i;
    if (column.plan.shows != Shows::kRecordId && column.plan.shows != Shows::kValue) {
      nulls[i] = false;
      values[i] = write_identity(i, identity);
      continue;
    }
    nulls[i] = cells[i].empty();
    if (nulls[i]) {
      values[i] = Datum{0};
      continue;
    }
    values[i] = write_cell(column, cells[i].values());
  }
}

// One value as its column's type; an error's message tells of it.
Datum Emitter::cast(Column& column, std::string_view value) {
  casting_value_ = value;
  casting_ = true;
  const Datum datum = column.writer.write(value);
  casting_ = false;
  return datum;
}

Datum Emitter::write_cell(Column& column, std::span<const std::string_view> values) {
  if (!column.plan.array) {
    return cast(column, values.front());
  }
  auto* elements = static_cast<Datum*>(
      MemoryContextAllocHuge(CurrentMemoryContext, values.size() * sizeof(Datum)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4096 == 0) CHECK_FOR_INTERRUPTS();
    elements[i] = cast(column, values[i]);
  }
  casting_ = true;  // a domain over the array may refuse it
  const Datum array = make_array(column, elements, values.size());
  casting_ = false;
  return array;
}

Datum Emitter::make_array(const Column& column, Datum* elements, std::size_t count) const {
  if (count > MaxArraySize) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("an array of %zu elements is too long", count)));
  }
  const Datum array = PointerGetDatum(
      construct_array(elements, static_cast<int>(count), column.element, column.element_length,
                      column.element_by_value, column.element_alignment));
  if (column.has_domain) domain_check(array, false, column.type, nullptr, nullptr);
  return array;
}

Datum Emitter::write_identity(std::size_t place, const engine::IdentityReader& identity) {
  Column& column = columns_[place];
  switch (column.plan.shows) {
    case Shows::kIdentityId: {
      const Datum uuid = uuid_datum(id_of(*request_, identity));
      if (column.is_uuid) return uuid;
      return cast(column, DatumGetCString(DirectFunctionCall1(uuid_out, uuid)));
    }
    case Shows::kRecordCount: {
      std::array<char, 24> digits;
      const auto end =
          std::to_chars(digits.data(), digits.data() + digits.size(), identity.record_count());
      return cast(column, {digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
    }
    case Shows::kSources:
      return write_sources(column, identity);
    case Shows::kRecordId:
    case Shows::kValue:
      break;
  }
  return Datum{0};
}

Datum Emitter::write_sources(Column& column, const engine::IdentityReader& identity) {
  const std::size_t most = request_->sources.size();
  auto* elements = static_cast<Datum*>(palloc(most * sizeof(Datum)));
  std::size_t count = 0;
  const engine::OrderedRow* last = nullptr;
  for (const engine::OrderedRow& ordered : identity.rows()) {
    if (last != nullptr && last->row.source() == ordered.row.source()) continue;
    last = &ordered;
    elements[count++] = cast(column, request_->sources[engine::index(ordered.row.source())].name);
  }
  return make_array(column, elements, count);
}

void Emitter::rethrow(const PgError& error, const engine::IdentityReader& identity) const {
  const ErrorData* data = error.data();
  const int category = ERRCODE_TO_CATEGORY(data->sqlerrcode);
  if (!casting_ || category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
      category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES)) {
    throw error;
  }
  // Which record the value came from is looked up only now that somebody wants to know.
  const engine::ColumnPlan& plan = columns_[casting_column_].plan;
  std::string from;
  for (const engine::OrderedRow& ordered : identity.rows()) {
    bool here = plan.shows == Shows::kRecordId && ordered.row.source() == plan.source &&
                ordered.row.record_id() == casting_value_;
    ordered.row.each_item([&](engine::SlotNumber slot, std::string_view bytes) {
      here = here || (plan.shows == Shows::kValue && slot == plan.slot && bytes == casting_value_);
    });
    if (here) {
      from = fmt::format(" of source \"{}\", record \"{}\"",
                         request_->sources[engine::index(ordered.row.source())].name,
                         shown(ordered.row.record_id()));
      break;
    }
  }
  const Form_pg_attribute attribute = TupleDescAttr(shape_, static_cast<int>(casting_column_));
  const Oid type = attribute->atttypid;
  const std::int32_t typmod = attribute->atttypmod;
  const char* type_name = call([&] { return format_type_with_typemod(type, typmod); });
  const MemoryContext context = CurrentMemoryContext;
  const auto keep = [&](const std::string& text) {
    return call([&] { return MemoryContextStrdup(context, text.c_str()); });
  };
  ErrorData* told = error.data();
  told->detail = keep(fmt::format("{}.", shown(data->message)));
  told->message =
      keep(fmt::format("column \"{}\": value \"{}\"{} cannot be shown as {}",
                       NameStr(attribute->attname), shown(casting_value_), from, type_name));
  told->hint = keep("Declare the column as text, or leave such values out of the source's query.");
  throw error;
}

}  // namespace identity_resolve::pg
