// What comparing two names costs. The promise: at most 30 ns a pair where the values are padded.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "match/compare.h"

namespace {

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace identity_resolve::match;

constexpr std::array kNames = std::to_array<std::string_view>(
    {"james",       "mary",          "robert",    "patricia",   "john",     "jennifer",
     "michael",     "linda",         "david",     "elizabeth",  "william",  "barbara",
     "richard",     "susan",         "joseph",    "jessica",    "thomas",   "sarah",
     "christopher", "karen",         "charles",   "lisa",       "daniel",   "nancy",
     "matthew",     "betty",         "anthony",   "sandra",     "mark",     "margaret",
     "donald",      "ashley",        "steven",    "kimberly",   "andrew",   "emily",
     "paul",        "donna",         "joshua",    "michelle",   "kenneth",  "carol",
     "kevin",       "amanda",        "brian",     "melissa",    "timothy",  "deborah",
     "ronald",      "stephanie",     "george",    "rebecca",    "jason",    "laura",
     "edward",      "sharon",        "jeffrey",   "cynthia",    "ryan",     "kathleen",
     "jacob",       "amy",           "nicholas",  "angela",     "gary",     "shirley",
     "eric",        "anna",          "jonathan",  "brenda",     "stephen",  "pamela",
     "larry",       "emma",          "justin",    "nicole",     "scott",    "helen",
     "brandon",     "samantha",      "benjamin",  "katherine",  "samuel",   "christine",
     "gregory",     "debra",         "alexander", "rachel",     "patrick",  "carolyn",
     "frank",       "janet",         "raymond",   "maria",      "jack",     "catherine",
     "dennis",      "heather",       "jerry",     "diane",      "smith",    "johnson",
     "williams",    "brown",         "jones",     "garcia",     "miller",   "davis",
     "rodriguez",   "martinez",      "hernandez", "lopez",      "gonzalez", "wilson",
     "anderson",    "taylor",        "moore",     "jackson",    "martin",   "lee",
     "perez",       "thompson",      "white",     "harris",     "sanchez",  "clark",
     "ramirez",     "lewis",         "robinson",  "walker",     "young",    "allen",
     "king",        "wright",        "torres",    "nguyen",     "hill",     "flores",
     "green",       "adams",         "nelson",    "baker",      "hall",     "rivera",
     "campbell",    "mitchell",      "carter",    "roberts",    "gomez",    "phillips",
     "evans",       "turner",        "diaz",      "parker",     "cruz",     "edwards",
     "collins",     "reyes",         "stewart",   "morris",     "morales",  "murphy",
     "cook",        "rogers",        "gutierrez", "ortiz",      "morgan",   "cooper",
     "peterson",    "bailey",        "reed",      "kelly",      "howard",   "ramos",
     "kim",         "cox",           "ward",      "richardson", "watson",   "brooks",
     "chavez",      "wood",          "bennett",   "gray",       "mendoza",  "ruiz",
     "hughes",      "price",         "alvarez",   "castillo",   "sanders",  "patel",
     "myers",       "long",          "ross",      "foster",     "jimenez",  "fitzgerald",
     "montgomery",  "schwarzenegger"});

// Pairs in a fixed order, more than a branch predictor learns by heart: all names against all, or
// as blocking finds them, those of one beginning.
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
const Pairs& pairs(bool are_near) {
  static const std::array<Pairs, 2> kPairs = [] {
    std::array<Pairs, 2> made;
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same pairs each time
    const auto name = [&] { return kNames[random() % kNames.size()]; };
    while (made[0].size() < 16384) made[0].emplace_back(name(), name());
    while (made[1].size() < 16384) {
      const auto a = name();
      const auto b = name();
      if (a != b && a.substr(0, 2) == b.substr(0, 2)) made[1].emplace_back(a, b);
    }
    return made;
  }();
  return kPairs[are_near ? 1 : 0];
}

template <auto kCompare>
void views(benchmark::State& state) {
  for (auto _ : state) {
    for (const auto& [a, b] : pairs(state.range(0) != 0)) {
      benchmark::DoNotOptimize(kCompare(a, b));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * 16384));
}

template <auto kCompare>
void padded(benchmark::State& state) {
  std::vector<std::pair<Padded, Padded>> values;
  for (const auto& [a, b] : pairs(state.range(0) != 0)) {
    values.emplace_back(*Padded::of(a), *Padded::of(b));
  }
  for (auto _ : state) {
    for (const auto& [a, b] : values) benchmark::DoNotOptimize(kCompare(a, b));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * 16384));
}

using View = std::string_view;
constexpr double (*kJaroPadded)(const Padded&, const Padded&) = jaro_winkler;
constexpr double (*kJaroView)(View, View) = jaro_winkler;
constexpr std::uint32_t (*kDamerauPadded)(const Padded&, const Padded&) = damerau;
constexpr std::uint32_t (*kDamerauView)(View, View) = damerau;
constexpr bool (*kOneEditPadded)(const Padded&, const Padded&) = one_edit;
std::uint32_t damerau_plain(View a, View b) { return forms::damerau_plain(a, b); }
std::uint32_t damerau_bits(View a, View b) { return forms::damerau_bits(a, b); }
std::uint32_t at_most_two(View a, View b) { return damerau_at_most(a, b, 2); }

// ns a pair: 1e9 / items_per_second. 0: any two names; 1: two that begin alike.
BENCHMARK(padded<kJaroPadded>)->Name("jaro_winkler/padded")->DenseRange(0, 1);
BENCHMARK(padded<forms::jaro_winkler_padded_plain>)
    ->Name("jaro_winkler/padded_plain")
    ->DenseRange(0, 1);
BENCHMARK(views<kJaroView>)->Name("jaro_winkler/text")->DenseRange(0, 1);
BENCHMARK(views<forms::jaro_winkler_bits>)->Name("jaro_winkler/bits")->DenseRange(0, 1);
BENCHMARK(views<forms::jaro_winkler_plain>)->Name("jaro_winkler/plain")->DenseRange(0, 1);
BENCHMARK(padded<kDamerauPadded>)->Name("damerau/padded")->DenseRange(0, 1);
BENCHMARK(padded<forms::damerau_padded_plain>)->Name("damerau/padded_plain")->DenseRange(0, 1);
BENCHMARK(views<kDamerauView>)->Name("damerau/text")->DenseRange(0, 1);
BENCHMARK(views<damerau_bits>)->Name("damerau/bits")->DenseRange(0, 1);
BENCHMARK(views<at_most_two>)->Name("damerau_at_most/text")->DenseRange(0, 1);
BENCHMARK(views<damerau_plain>)->Name("damerau/plain")->DenseRange(0, 1);
BENCHMARK(padded<kOneEditPadded>)->Name("one_edit/padded")->DenseRange(0, 1);

}  // namespace
