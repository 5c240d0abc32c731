// What the engine's stages cost an identifier, without PostgreSQL around them: key, sink, union and
// label (finalize), survive. The input is the five-tool workload of test/bench/workload.sql,
// with clean addresses: normalising them is normalize_bench's matter.
//
//   cmake --build build --target resolver_bench && build/test/bench/engine/resolver_bench
//
// Each line's argument is a number of people; `identifier` is the time for one, record ids not
// counted. Growing numbers on one stage show where the caches end.
#include "engine/resolver.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/engine/workload.h"
#include "engine/identity_reader.h"
#include "engine/survivorship.h"

namespace identity_resolve::engine {
namespace {

const Shape kShape{std::vector<KindRules>(kKinds), kSources};

void count_identifiers(benchmark::State& state, std::size_t identifiers) {
  using benchmark::Counter;
  state.counters["identifier"] =
      Counter(static_cast<double>(identifiers),
              Counter::kIsIterationInvariantRate | Counter::kInvert, Counter::kIs1000);
}

void key(benchmark::State& state) {
  const KeyRing keys = key_ring();
  const std::string value(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(keys.identifier(kEmail, value));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(key)->Arg(10)->Arg(24)->Arg(100);

void sink(benchmark::State& state) {
  HeapEnvironment environment;
  const Workload workload(static_cast<std::size_t>(state.range(0)));
  const KeyRing keys = key_ring();
  for (auto _ : state) {
    Resolver resolver(environment, kShape, keys);
    std::unique_ptr<LocalSink> sink = sink_all(resolver, workload);
    benchmark::DoNotOptimize(sink->rows());
    state.PauseTiming();
    sink.reset();
    state.ResumeTiming();
  }
  count_identifiers(state, workload.identifiers());
}
BENCHMARK(sink)->RangeMultiplier(8)->Range(1 << 11, 1 << 20)->Unit(benchmark::kMillisecond);

void unite_and_label(benchmark::State& state) {
  HeapEnvironment environment;
  const Workload workload(static_cast<std::size_t>(state.range(0)));
  const KeyRing keys = key_ring();
  std::size_t identities = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::optional<Resolver> resolver(std::in_place, environment, kShape, keys);
    resolver->combine(sink_all(*resolver, workload));
    state.ResumeTiming();
    resolver->finalize();
    state.PauseTiming();
    identities = resolver->identities();
    resolver.reset();
    state.ResumeTiming();
  }
  state.counters["identities"] = static_cast<double>(identities);
  count_identifiers(state, workload.identifiers());
}
BENCHMARK(unite_and_label)
    ->RangeMultiplier(8)
    ->Range(1 << 11, 1 << 20)
    ->Unit(benchmark::kMillisecond);

// The master table's columns: each source's record id and the address.
void survive(benchmark::State& state) {
  HeapEnvironment environment;
  const Workload workload(static_cast<std::size_t>(state.range(0)));
  const KeyRing keys = key_ring();
  Resolver resolver(environment, kShape, keys);
  resolver.combine(sink_all(resolver, workload));
  resolver.finalize();

  const std::vector<ColumnPlan> columns = master_columns(state.range(1) != 0);
  for (auto _ : state) {
    IdentityReader reader(resolver);
    Survivorship survivorship(environment, columns, kSources, 1);
    Cells cells = survivorship.make_cells();
    for (std::size_t identity = 0; identity < resolver.identities(); ++identity) {
      reader.load(IdentityNumber{static_cast<std::uint32_t>(identity)});
      survivorship.fill(reader, cells);
      benchmark::DoNotOptimize(cells.data());
    }
  }
  count_identifiers(state, workload.identifiers());
}
BENCHMARK(survive)
    ->ArgNames({"people", "arrays"})
    ->ArgsProduct({{1 << 11, 1 << 17, 1 << 20}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

// The whole engine on one record for each argument that shares one value, and on a chain: the
// shapes that punish a careless union.
void shared_value(benchmark::State& state) {
  HeapEnvironment environment;
  const KeyRing keys = key_ring();
  for (auto _ : state) {
    Resolver resolver(environment, kShape, keys);
    std::unique_ptr<LocalSink> sink = resolver.make_sink();
    for (std::int64_t n = 0; n < state.range(0); ++n) {
      sink->begin_row(SourceNumber{0}, std::to_string(n), kNeverUpdated);
      sink->add_identifier(kEmail, "info@example.com");
      sink->end_row();
    }
    resolver.combine(std::move(sink));
    resolver.finalize();
    if (resolver.identities() != 1) state.SkipWithError("more than one identity");
  }
  count_identifiers(state, static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(shared_value)->Arg(1 << 17)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

void chain(benchmark::State& state) {
  HeapEnvironment environment;
  const KeyRing keys = key_ring();
  const auto records = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    Resolver resolver(environment, kShape, keys);
    std::unique_ptr<LocalSink> sink = resolver.make_sink();
    for (std::uint64_t n = 0; n < records; ++n) {
      const std::uint64_t at = n * 2654435761U % records;  // neighbours arrive far apart
      sink->begin_row(SourceNumber{0}, std::to_string(at), kNeverUpdated);
      sink->add_identifier(kUserId, std::to_string(at));
      sink->add_identifier(kUserId, std::to_string(at + 1));
      sink->end_row();
    }
    resolver.combine(std::move(sink));
    resolver.finalize();
    if (resolver.identities() != 1) state.SkipWithError("more than one identity");
  }
  count_identifiers(state, 2 * static_cast<std::size_t>(records));
}
BENCHMARK(chain)->Arg(1 << 17)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace identity_resolve::engine
