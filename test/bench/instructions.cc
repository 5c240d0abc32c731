// How many instructions the normalisers and the engine's stages take: a benchmark without a clock,
// for machines whose clock says nothing. test/suites/81_instructions.sh runs it under Valgrind's
// callgrind and compares with instructions.txt.
//
//   instructions [--twice NAME] [NAME…]
//
// runs all workloads, or those named, and prints a line for each: its name, how many units of work
// it did, and what the unit is. Callgrind counts the work alone, not what prepares it, and dumps
// the count under the workload's name. --twice has a workload do its work twice while it still
// reports it once, so that the suite can show that it would notice.
//
// Everything is fixed: the values, the secret of the keys, the order. Each workload has run once
// before it is counted, so that what is done once in a process (ICU's tables, the telephone
// numbers' metadata) is not counted.
#include <valgrind/callgrind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/engine/workload.h"
#include "engine/identity_id.h"
#include "engine/identity_reader.h"
#include "engine/resolver.h"
#include "engine/survivorship.h"
#include "normalize/normalize.h"

namespace identity_resolve::engine {
namespace {

constexpr std::size_t kPeople = 10'000;

// What the compiler must not find out to be unused.
void keep(const void* result) { asm volatile("" : : "g"(result) : "memory"); }

// Counts the instructions of pieces of work.
class Counter {
 public:
  Counter(std::vector<std::string_view> wanted, std::string_view doubled)
      : wanted_(std::move(wanted)), doubled_(doubled) {}

  // A workload: prepare() makes ready what work() takes; only work() is counted.
  template <class Prepare, class Work>
  void count(std::string_view name, std::size_t units, std::string_view unit, Prepare&& prepare,
             Work&& work) {
    if (!is_wanted(name)) return;
    known_ = true;
    {
      auto warm = prepare();
      work(warm);
    }
    auto first = prepare();
    auto second = prepare();
    const std::string title(name);  // the macro keeps no more than a pointer to it
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
    work(first);
    if (name == doubled_) work(second);
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(title.c_str());
    std::printf("%.*s %zu %.*s\n", static_cast<int>(name.size()), name.data(), units,
                static_cast<int>(unit.size()), unit.data());
  }

  // Whether any workload had a name that was asked for.
  [[nodiscard]] bool knew_a_name() const { return known_; }

 private:
  [[nodiscard]] bool is_wanted(std::string_view name) const {
    if (wanted_.empty()) return true;
    for (const std::string_view wanted : wanted_) {
      if (wanted == name) return true;
    }
    return false;
  }

  std::vector<std::string_view> wanted_;
  std::string_view doubled_;
  bool known_ = false;
};

// --- the normalisers ---

using normalize::Method;

void count_spelling(Counter& counter, std::string_view name, Method method,
                    std::span<const std::string_view> values) {
  constexpr std::size_t kRounds = 100;
  counter.count(
      name, kRounds * values.size(), "value", [] { return normalize::Scratch(); },
      [&](normalize::Scratch& scratch) {
        for (std::size_t round = 0; round < kRounds; ++round) {
          for (const std::string_view value : values) {
            const normalize::Result result = normalize::normalize(method, value, scratch);
            keep(&result);
          }
        }
      });
}

constexpr std::array<std::string_view, 8> kPlain{"ziggy@stardust.com",
                                                 "john.smith42@gmail.com",
                                                 "a.b@x.org",
                                                 "maria_garcia@yahoo.com",
                                                 "support@acme-corp.co.uk",
                                                 "k.tanaka@example.jp",
                                                 "info@hotmail.com",
                                                 "firstname.lastname@some-company.io"};
constexpr std::array<std::string_view, 8> kTyped{"Ziggy@Stardust.com",
                                                 "  john.smith42@gmail.com",
                                                 "A.B@X.ORG ",
                                                 "<maria_garcia@yahoo.com>",
                                                 "mailto:support@x.co.uk",
                                                 "K. Tanaka <k.tanaka@x.jp>",
                                                 "INFO@hotmail.com",
                                                 "not an address"};
constexpr std::array<std::string_view, 8> kUnicode{
    "jürgen@example.de",  "用户@example.cn",  "josé@example.es", "дмитрий@example.ru",
    "françois@orange.fr", "søren@example.dk", "zoë@example.nl",  "ñandú@example.ar"};
constexpr std::array<std::string_view, 8> kIdn{
    "info@bücher.example", "a@例子.广告", "b@почта.рф",      "c@straße.de",
    "d@xn--bcher-kva.de",  "e@日本語.jp", "f@españa.com.ar", "g@köln.de"};
constexpr std::array<std::string_view, 8> kGmail{
    "john.smith@gmail.com",   "j.o.h.n@gmail.com",   "john+news@gmail.com",  "maria@googlemail.com",
    "a.b.c+d@googlemail.com", "johnsmith@gmail.com", "k.tanaka+x@gmail.com", "support@gmail.com"};
constexpr std::array<std::string_view, 4> kPhones{"+44 20 8366 1177", "+1 650-253-0000",
                                                  "+49 30 12345678", "+442083661177"};
constexpr std::array<std::string_view, 4> kUuids{
    "8f14e45f-ceea-467f-a9a4-0b2c5b5f5e5c", "{8F14E45F-CEEA-467F-A9A4-0B2C5B5F5E5C}",
    "8f14e45fceea467fa9a40b2c5b5f5e5c", "urn:uuid:8f14e45f-ceea-467f-a9a4-0b2c5b5f5e5c"};
constexpr std::array<std::string_view, 4> kSalesforceIds{"00Q3100000ABCDEEAO", "00Q3100000ABCDE",
                                                         "003D000000QV9n2IAD", "001A0000006Vm9r"};

void count_normalisers(Counter& counter) {
  count_spelling(counter, "exact", Method::kExact, kPlain);
  count_spelling(counter, "casefold", Method::kCasefold, kTyped);
  count_spelling(counter, "casefold_unicode", Method::kCasefold, kUnicode);
  count_spelling(counter, "email_plain", Method::kEmail, kPlain);
  count_spelling(counter, "email_typed", Method::kEmail, kTyped);
  count_spelling(counter, "email_unicode", Method::kEmail, kUnicode);
  count_spelling(counter, "email_idn", Method::kEmail, kIdn);
  count_spelling(counter, "mailbox", Method::kMailbox, kGmail);
  count_spelling(counter, "phone", Method::kPhone, kPhones);
  count_spelling(counter, "uuid", Method::kUuid, kUuids);
  count_spelling(counter, "salesforce_id", Method::kSalesforceId, kSalesforceIds);
}

// --- the engine ---

// The kinds without a rule, and with the rules that calls have by default (doc/guards.md).
Shape plain_shape() { return {std::vector<KindRules>(kKinds), kSources}; }
Shape guarded_shape() {
  Shape shape = plain_shape();
  shape.kinds[index(kUserId)].priority = 100;
  shape.kinds[index(kUserId)].max_per_identity = 1;
  shape.kinds[index(kEmail)].priority = 60;
  shape.kinds[index(kEmail)].max_records = 1000;
  return shape;
}
Shape evidence_shape() {
  Shape shape = guarded_shape();
  shape.keep_evidence = true;
  return shape;
}
Shape keys_shape() {
  Shape shape = plain_shape();
  shape.keep_keys = true;
  return shape;
}
Shape fallback_shape() {
  Shape shape = guarded_shape();
  shape.kinds[index(kEmail)].fallback = true;
  return shape;
}

// One resolver and what it needs, at an address of its own.
struct Engine {
  Engine(const Shape& rules, const Workload& records)
      : shape(rules), workload(records), resolver(environment, shape, keys) {}

  HeapEnvironment environment;
  KeyRing keys = key_ring();
  Shape shape;
  const Workload& workload;
  Resolver resolver;
  std::unique_ptr<LocalSink> sink;
};
using EnginePointer = std::unique_ptr<Engine>;

void count_sink(Counter& counter, std::string_view name, const Shape& shape,
                const Workload& workload) {
  counter.count(
      name, workload.records().size(), "record",
      [&] { return std::make_unique<Engine>(shape, workload); },
      [](EnginePointer& engine) {
        engine->sink = sink_all(engine->resolver, engine->workload, true);
        keep(engine->sink.get());
      });
}

// Everything from the sinks' end to the numbered identities.
void count_finalize(Counter& counter, std::string_view name, const Shape& shape,
                    const Workload& workload, bool ids_are_unique = true) {
  counter.count(
      name, workload.records().size(), "record",
      [&] {
        auto engine = std::make_unique<Engine>(shape, workload);
        engine->resolver.combine(sink_all(engine->resolver, workload, ids_are_unique));
        return engine;
      },
      [](EnginePointer& engine) { engine->resolver.finalize(); });
}

EnginePointer finalized(const Shape& shape, const Workload& workload) {
  auto engine = std::make_unique<Engine>(shape, workload);
  engine->resolver.combine(sink_all(engine->resolver, workload, true));
  engine->resolver.finalize();
  return engine;
}

void count_survivors(Counter& counter, std::string_view name, const Workload& workload,
                     bool arrays) {
  const std::vector<ColumnPlan> columns = master_columns(arrays);
  counter.count(
      name, workload.records().size(), "record", [&] { return finalized(plain_shape(), workload); },
      [&](EnginePointer& engine) {
        IdentityReader reader(engine->resolver);
        Survivorship survivorship(engine->environment, columns, kSources, 1);
        Cells cells = survivorship.make_cells();
        for (std::size_t n = 0; n < engine->resolver.identities(); ++n) {
          reader.load(IdentityNumber{static_cast<std::uint32_t>(n)});
          survivorship.fill(reader, cells);
          keep(cells.data());
        }
      });
}

void count_engine(Counter& counter) {
  const Workload ordinary(kPeople);
  const Workload conflicted(kPeople, 50);

  const KeyRing keys = key_ring();
  counter.count(
      "key", kPeople, "identifier", [] { return std::string(24, 'x'); },
      [&](const std::string& value) {
        for (std::size_t n = 0; n < kPeople; ++n) {
          const Key key = keys.identifier(kEmail, value);
          keep(&key);
        }
      });
  count_sink(counter, "sink", plain_shape(), ordinary);
  count_sink(counter, "sink_evidence", evidence_shape(), ordinary);
  count_sink(counter, "sink_keys", keys_shape(), ordinary);
  count_finalize(counter, "unite", plain_shape(), ordinary);
  count_finalize(counter, "unite_looking_up_ids", plain_shape(), ordinary, false);
  count_finalize(counter, "unite_guarded", guarded_shape(), ordinary);
  count_finalize(counter, "unite_conflicted", guarded_shape(), conflicted);
  count_finalize(counter, "unite_fallback", fallback_shape(), ordinary);
  count_finalize(counter, "evidence", evidence_shape(), ordinary);
  count_finalize(counter, "evidence_conflicted", evidence_shape(), conflicted);
  count_survivors(counter, "survive", ordinary, false);
  count_survivors(counter, "survive_arrays", ordinary, true);
  counter.count(
      "identity_id", kPeople, "identity", [] { return std::string("1e810c197e"); },
      [](const std::string& id) {
        for (std::size_t n = 0; n < kPeople; ++n) {
          const Uuid uuid = identity_id("segment", id);
          keep(&uuid);
        }
      });
}

int run(std::span<char*> arguments) {
  std::vector<std::string_view> wanted;
  std::string_view doubled;
  for (std::size_t n = 1; n < arguments.size(); ++n) {
    const std::string_view argument = arguments[n];
    if (argument == "--twice" && n + 1 < arguments.size()) {
      doubled = arguments[++n];
    } else {
      wanted.push_back(argument);
    }
  }
  Counter counter(wanted, doubled);
  count_normalisers(counter);
  count_engine(counter);
  if (!counter.knew_a_name()) {
    std::fputs("instructions: no workload of that name\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace identity_resolve::engine

int main(int argc, char** argv) {
  try {
    return identity_resolve::engine::run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instructions: %s\n", error.what());
    return 1;
  }
}
