// One call, from its clauses to its rows. The stages are called in the order in which DESIGN names
// them; each tells its own story in its own file.
//
//   scan, normalise, key   pg/scan.cc: each source's query, row by row, into the engine's sink
//   partition, union       engine/link_table.h, engine/resolver.cc: rows that share a key unite
//   guard                  (every link holds in this version)
//   label                  engine/disjoint_set.h: identities are numbered
//   survive                engine/identity_reader.cc, survivorship.cc, combinations.cc
//   emit                   pg/emit.cc: values of the requested types, into a tuplestore
//
// Memory: the engine's is a memory context below the statement's, deleted at the end of the call
// or by an abort. The result is a tuplestore, which spills beyond work_mem.
#include "pg/resolve.h"

#include <fmt/format.h>

#include "engine/combinations.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"
#include "pg/emit.h"
#include "pg/environment.h"
#include "pg/output_columns.h"
#include "pg/request.h"
#include "pg/scan.h"

namespace identity_resolve::pg {

namespace {

using engine::IdentityNumber;

// A connection to SPI for as long as the call works; an abort ends it by itself.
class SpiConnection {
 public:
  SpiConnection() {
    call([] { SPI_connect(); });
  }
  SpiConnection(const SpiConnection&) = delete;
  SpiConnection& operator=(const SpiConnection&) = delete;
  ~SpiConnection() = default;
  void finish() {
    call([] { SPI_finish(); });
  }
};

engine::KeyRing draw_keys(const Request& request) {
  std::array<std::byte, engine::kSecretBytes> secret;
  if (!call([&] { return pg_strong_random(secret.data(), secret.size()); })) {
    throw engine::Error("XX000", "could not draw random numbers for the identifiers' keys");
  }
  return {secret, request.kinds.size(), request.sources.size()};
}

std::vector<SourceScan> prepare_sources(const Request& request) {
  std::vector<SourceScan> scans;
  scans.reserve(request.sources.size());
  for (std::size_t i = 0; i < request.sources.size(); ++i) {
    scans.emplace_back(request, engine::SourceNumber{static_cast<std::uint16_t>(i)});
  }
  return scans;
}

// From rows to identities: scan to label.
void unite_sources(std::vector<SourceScan>& scans, engine::Resolver& resolver) {
  auto sink = resolver.make_sink();
  for (SourceScan& scan : scans) scan.run(*sink);
  resolver.combine(std::move(sink));
  resolver.finalize();
}

template <class Visit>
void each_identity(const engine::Resolver& resolver, engine::IdentityReader& reader,
                   Visit&& visit) {
  engine::Ticker ticker(resolver.environment());
  for (std::size_t i = 0; i < resolver.identities(); ++i) {
    reader.load(IdentityNumber{static_cast<std::uint32_t>(i)});
    visit();
    ticker.tick();
  }
}

// From identities to rows: survive and emit.
void write_master_table(const Request& request, const OutputPlan& plan,
                        const engine::Resolver& resolver, RowSink& rows) {
  engine::Environment& environment = resolver.environment();
  engine::Survivorship survivorship(environment, plan.columns, request.sources.size(), plan.slots);
  engine::Cells cells = survivorship.make_cells();
  engine::IdentityReader reader(resolver);
  Emitter emitter(request, plan.columns, rows);

  if (request.rows == OutputRows::kIdentities) {
    each_identity(resolver, reader, [&] {
      survivorship.fill(reader, cells);
      emitter.put(reader, cells);
    });
    return;
  }
  engine::Combinations combinations(environment, plan.columns, request.sources.size(),
                                    request.max_combinations);
  const auto name = [&] {
    return fmt::format("of source \"{}\", record \"{}\"",
                       request.sources[engine::index(reader.first_source())].name,
                       reader.first_record_id());
  };
  each_identity(resolver, reader, [&] {
    survivorship.fill(reader, cells);
    combinations.each(reader, cells, name, [&] { emitter.put(reader, cells); });
  });
}

// identity_records: the id, the source and the record id of each record.
void write_records(const Request& request, const engine::Resolver& resolver, RowSink& rows) {
  engine::IdentityReader reader(resolver);
  std::vector<Datum> names(request.sources.size());
  call([&] {
    for (std::size_t i = 0; i < names.size(); ++i) {
      names[i] = PointerGetDatum(cstring_to_text(request.sources[i].name.c_str()));
    }
  });
  const MemoryContext memory = call([] {
    return AllocSetContextCreate(CurrentMemoryContext, "identity_resolve output",
                                 ALLOCSET_DEFAULT_SIZES);
  });
  ValueWriter writer = call([] { return ValueWriter(TEXTOID, -1); });
  std::array<bool, 3> nulls{};
  each_identity(resolver, reader, [&] {
    const engine::Uuid id = id_of(request, reader);
    call([&] {
      const MemoryContext outer = MemoryContextSwitchTo(memory);
      for (const engine::OrderedRow& ordered : reader.rows()) {
        if (!ordered.starts_record) continue;
        std::array<Datum, 3> values = {PointerGetDatum(id.data()),
                                       names[engine::index(ordered.row.source())],
                                       writer.write(ordered.row.record_id())};
        rows.put(values.data(), nulls.data());
        CHECK_FOR_INTERRUPTS();
      }
      MemoryContextSwitchTo(outer);
      MemoryContextReset(memory);
    });
  });
}

}  // namespace

void resolve_identities(FunctionCallInfo fcinfo) {
  const Request request = read_request(fcinfo, 0);
  RowSink rows(fcinfo);
  Environment environment(CurrentMemoryContext);
  SpiConnection spi;
  std::vector<SourceScan> scans = prepare_sources(request);
  const OutputPlan plan = plan_output(request, scans, rows.shape());
  const engine::KeyRing keys = draw_keys(request);
  const engine::Shape shape{request.kinds.size(), request.sources.size(),
                            request.rows == OutputRows::kCombinations};
  {
    engine::Resolver resolver(environment, shape, keys);
    unite_sources(scans, resolver);
    write_master_table(request, plan, resolver, rows);
  }
  spi.finish();
}

void identity_records(FunctionCallInfo fcinfo) {
  const Request request = read_request(fcinfo, 0);
  RowSink rows(fcinfo);
  Environment environment(CurrentMemoryContext);
  SpiConnection spi;
  std::vector<SourceScan> scans = prepare_sources(request);
  const engine::KeyRing keys = draw_keys(request);
  {
    engine::Resolver resolver(environment, {request.kinds.size(), request.sources.size(), false},
                              keys);
    unite_sources(scans, resolver);
    write_records(request, resolver, rows);
  }
  spi.finish();
}

}  // namespace identity_resolve::pg

// resolve_identities(VARIADIC clauses identity_clause[]) → SETOF record: see
// src/sql/10-resolve.sql.
IDENTITY_RESOLVE_FUNCTION(resolve_identities) {
  identity_resolve::pg::guarded([&] { identity_resolve::pg::resolve_identities(fcinfo); });
  return Datum{0};
}

// identity_records(VARIADIC clauses identity_clause[]) → TABLE (identity_id, source, record_id).
IDENTITY_RESOLVE_FUNCTION(identity_records) {
  identity_resolve::pg::guarded([&] { identity_resolve::pg::identity_records(fcinfo); });
  return Datum{0};
}
