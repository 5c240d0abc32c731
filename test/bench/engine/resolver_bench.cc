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

#include <array>
#include <boost/container/pmr/global_resource.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/identity_reader.h"
#include "engine/survivorship.h"

namespace identity_resolve::engine {
namespace {

class HeapEnvironment final : public Environment {
 public:
  boost::container::pmr::memory_resource& memory() noexcept override {
    return *boost::container::pmr::new_delete_resource();
  }
  void check_interrupts() override {}
};

constexpr KindNumber kUserId{0};
constexpr KindNumber kEmail{1};
constexpr SlotNumber kEmailSlot{0};
constexpr std::size_t kKinds = 2;
constexpr std::size_t kSources = 5;

// A tool: how many records it has in a thousand people, and in how many of a thousand records it
// knows the user id and the address.
struct Tool {
  std::uint64_t records, knows_user_id, knows_email;
};
constexpr std::array<Tool, kSources> kTools{{
    {1000, 1000, 800},  // segment
    {350, 500, 900},    // zendesk
    {500, 0, 950},      // stripe
    {300, 0, 970},      // salesforce
    {500, 700, 600},    // intercom
}};

// Vigna's SplitMix64: a number that looks random, as a function of n.
std::uint64_t dice(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15U;
  n = (n ^ (n >> 30U)) * 0xbf58476d1ce4e5b9U;
  n = (n ^ (n >> 27U)) * 0x94d049bb133111ebU;
  return n ^ (n >> 31U);
}

struct Record {
  SourceNumber source;
  std::string id, user_id, email;
};

class Workload {
 public:
  explicit Workload(std::size_t people) {
    for (std::size_t tool = 0; tool < kSources; ++tool) {
      const std::size_t count = people * kTools[tool].records / 1000;
      for (std::size_t n = 0; n < count; ++n) {
        const std::uint64_t roll = dice(n * kSources + tool);
        const std::size_t person = tool == 0 ? n : roll % people;
        Record record{SourceNumber{static_cast<std::uint16_t>(tool)}, {}, {}, {}};
        record.id = tool == 0 ? user_id(person) : "cus_" + std::to_string(roll);
        if ((roll >> 20U) % 1000 < kTools[tool].knows_user_id) record.user_id = user_id(person);
        if ((roll >> 40U) % 1000 < kTools[tool].knows_email) {
          record.email = "ziggy.stardust" + std::to_string(person) + "@gmail.com";
        }
        identifiers_ += (record.user_id.empty() ? 0U : 1U) + (record.email.empty() ? 0U : 1U);
        records_.push_back(std::move(record));
      }
    }
  }

  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  [[nodiscard]] std::size_t identifiers() const { return identifiers_; }

 private:
  static std::string user_id(std::size_t person) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(10, ' ');
    std::uint64_t bits = dice(person);
    for (char& c : text) {
      c = kDigits[bits & 15U];
      bits >>= 4U;
    }
    return text;
  }

  std::vector<Record> records_;
  std::size_t identifiers_ = 0;
};

KeyRing key_ring() {
  constexpr std::array<std::byte, kSecretBytes> kSecret{};
  return KeyRing(kSecret, kKinds, kSources);
}

// Sinks the whole workload; the e-mail address is carried to the output.
std::unique_ptr<LocalSink> sink_all(Resolver& resolver, const Workload& workload) {
  std::unique_ptr<LocalSink> sink = resolver.make_sink();
  for (const Record& record : workload.records()) {
    sink->begin_row(record.source, record.id, kNeverUpdated);
    if (!record.user_id.empty()) sink->add_identifier(kUserId, record.user_id);
    if (!record.email.empty()) {
      sink->add_identifier(kEmail, record.email);
      sink->add_value(kEmailSlot, record.email);
    }
    sink->end_row();
  }
  return sink;
}

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

  std::vector<ColumnPlan> columns;
  for (std::size_t source = 0; source < kSources; ++source) {
    columns.push_back({Shows::kRecordId, SourceNumber{static_cast<std::uint16_t>(source)},
                       SlotNumber{}, false, state.range(1) != 0});
  }
  columns.push_back({Shows::kValue, SourceNumber{}, kEmailSlot, false, state.range(1) != 0});

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
