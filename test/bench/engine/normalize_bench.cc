// What one value costs to spell. The promise: at most 40 ns for a plain ASCII address, at most 1 µs
// where ICU has to help.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "normalize/normalize.h"

namespace {

using identity_resolve::normalize::Method;
using identity_resolve::normalize::normalize;
using identity_resolve::normalize::Scratch;

// Eight values a round, so that the branch predictor learns no single one by heart.
using Values = std::array<std::string_view, 8>;

void spell(benchmark::State& state, Method method, const Values& values) {
  Scratch scratch;
  for (auto _ : state) {
    for (const std::string_view value : values) {
      benchmark::DoNotOptimize(normalize(method, value, scratch));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * values.size()));
}

constexpr Values kPlain{"ziggy@stardust.com",
                        "john.smith42@gmail.com",
                        "a.b@x.org",
                        "maria_garcia@yahoo.com",
                        "support@acme-corp.co.uk",
                        "k.tanaka@example.jp",
                        "info@hotmail.com",
                        "firstname.lastname@some-company.io"};
constexpr Values kCapitals{"Ziggy@Stardust.com",
                           "John.Smith42@Gmail.com",
                           "A.B@X.org",
                           "Maria_Garcia@yahoo.com",
                           "SUPPORT@ACME-CORP.CO.UK",
                           "K.Tanaka@example.jp",
                           "Info@Hotmail.com",
                           "Firstname.Lastname@Some-Company.io"};
constexpr Values kUnicode{"jürgen@example.de",  "用户@example.cn",    "josé@example.es",
                          "дмитрий@example.ru", "françois@orange.fr", "søren@example.dk",
                          "zoë@example.nl",     "ñandú@example.ar"};
constexpr Values kIdn{"info@bücher.example", "a@例子.广告", "b@почта.рф",      "c@straße.de",
                      "d@xn--bcher-kva.de",  "e@日本語.jp", "f@españa.com.ar", "g@köln.de"};
constexpr Values kGarbage{"n/a", "x", "none", "unknown", "-", "not an address", "@", "john.smith"};
constexpr Values kWrapped{"<ziggy@stardust.com>",
                          "mailto:john@gmail.com",
                          "Joe <joe@x.org>",
                          "\"Joe\" <joe@x.org>",
                          "\"joe\"@x.org",
                          "joe@x.org.",
                          "\"Smith, Joe\" <joe@gmail.com>",
                          "MAILTO:a@b.com?subject=c"};
constexpr Values kGmail{"john.smith@gmail.com", "j.o.h.n@gmail.com",      "john+news@gmail.com",
                        "maria@googlemail.com", "a.b.c+d@googlemail.com", "johnsmith@gmail.com",
                        "k.tanaka+x@gmail.com", "support@gmail.com"};
constexpr Values kPhones{"+44 20 8366 1177",  "+1 650-253-0000", "+49 30 12345678",
                         "+33 1 42 68 53 00", "+81 3-1234-5678", "+61 2 9374 4000",
                         "+14155552671",      "+442083661177"};

BENCHMARK_CAPTURE(spell, exact, Method::kExact, kPlain);
BENCHMARK_CAPTURE(spell, casefold_ascii, Method::kCasefold, kCapitals);
BENCHMARK_CAPTURE(spell, casefold_unicode, Method::kCasefold, kUnicode);
BENCHMARK_CAPTURE(spell, email_plain, Method::kEmail, kPlain);
BENCHMARK_CAPTURE(spell, email_capitals, Method::kEmail, kCapitals);
BENCHMARK_CAPTURE(spell, email_wrapped, Method::kEmail, kWrapped);
BENCHMARK_CAPTURE(spell, email_unicode, Method::kEmail, kUnicode);
BENCHMARK_CAPTURE(spell, email_idn, Method::kEmail, kIdn);
BENCHMARK_CAPTURE(spell, email_garbage, Method::kEmail, kGarbage);
BENCHMARK_CAPTURE(spell, mailbox_plain, Method::kMailbox, kPlain);
BENCHMARK_CAPTURE(spell, mailbox_gmail, Method::kMailbox, kGmail);
BENCHMARK_CAPTURE(spell, phone, Method::kPhone, kPhones);

}  // namespace
