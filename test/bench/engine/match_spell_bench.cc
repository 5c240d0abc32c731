// What one value costs to spell for matching. The promise: at most 300 ns for an ASCII name.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "match/fold.h"
#include "match/nickname.h"
#include "match/spell.h"

namespace identity_resolve::match {
namespace {

// Eight values a round, so that the branch predictor learns no single one by heart.
using Values = std::array<std::string_view, 8>;

void spell_values(benchmark::State& state, FieldKind kind, const Values& values) {
  std::string out;
  for (auto _ : state) {
    for (const std::string_view value : values) {
      spell(kind, value, out);
      benchmark::DoNotOptimize(out);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * values.size()));
}

constexpr Values kNames{"Johnson",        "Dr. Smith",  "O'Neil",   "van der Berg",
                        "Garcia Marquez", "Smith, Jr.", "Williams", "de la Cruz"};
constexpr Values kAccents{"Müller", "Sørensen", "José", "Łukasz", "Nuñez", "Çelik", "Åberg", "Zoë"};
constexpr Values kForeign{"王小明", "Иван", "Σοφία", "محمد", "김철수", "さくら", "דוד", "สมชาย"};
constexpr Values kAddresses{"12 Main Street",  "Hauptstr. 5",   "5th Avenue No. 12", "Elm Rd",
                            "10 bd St Michel", "Calle Mayor 5", "Acme GmbH & Co KG", "Via Roma 1"};
constexpr Values kDates{"1999-12-31",  "31.12.1999",   "12/31/1999", "19991231",
                        "31 Dec 1999", "Dec 31, 1999", "1999",       "1999-12-31 23:59:59"};
constexpr Values kPhones{"+1 415 555 2671", "(415) 555-2671", "030 123456", "+49 170 1234567",
                         "4155552671",      "415.555.2671",   "0170/12345", "+44 20 7946 0958"};
constexpr Values kEmails{"john.smith@example.com", "a.b+c@x.org",      "Maria@Yahoo.com",
                         "info@acme.co.uk",        "k@example.jp",     "j.d@gmail.com",
                         "support@acme-corp.com",  "ziggy@stardust.de"};

BENCHMARK_CAPTURE(spell_values, surname, FieldKind::kSurname, kNames);
BENCHMARK_CAPTURE(spell_values, name, FieldKind::kName, kNames);
BENCHMARK_CAPTURE(spell_values, accents, FieldKind::kSurname, kAccents);
BENCHMARK_CAPTURE(spell_values, foreign, FieldKind::kGivenName, kForeign);
BENCHMARK_CAPTURE(spell_values, address, FieldKind::kWords, kAddresses);
BENCHMARK_CAPTURE(spell_values, date, FieldKind::kDate, kDates);
BENCHMARK_CAPTURE(spell_values, phone, FieldKind::kPhone, kPhones);
BENCHMARK_CAPTURE(spell_values, email, FieldKind::kEmail, kEmails);

void latin_of(benchmark::State& state) {
  for (auto _ : state) {
    for (const std::string_view value : kForeign) benchmark::DoNotOptimize(latin(value));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kForeign.size()));
}
BENCHMARK(latin_of);

void soundex_of(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(soundex("washington"));
}
BENCHMARK(soundex_of);

void nicknames(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(are_nicknames("robert", "bob"));
}
BENCHMARK(nicknames);

}  // namespace
}  // namespace identity_resolve::match
