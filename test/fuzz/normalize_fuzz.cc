// Every normaliser on any bytes: no crash, and the laws hold. The first byte picks the method, and
// for telephone numbers the region.
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON
//   cmake --build build-fuzz --target fuzz_targets
//   build-fuzz/test/fuzz/normalize_fuzz -max_total_time=60 -dict=test/fuzz/normalize.dict
//     /tmp/corpus test/fuzz/corpus/normalize
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "normalize/email.h"
#include "normalize/email_facts.h"
#include "normalize/normalize.h"
#include "normalize/phone.h"
#include "normalize/text.h"

namespace {

using namespace identity_resolve::normalize;  // NOLINT(google-build-using-namespace)

void require(bool law) {
  if (!law) std::abort();
}

// What is said of an address holds for every spelling of it; what is none has words for it.
void check_address(std::string_view typed) {
  Scratch scratch;
  const Address address = read_email(typed, scratch);
  require(describe(address.problem).empty() == (address.problem == EmailProblem::kNone));
  if (address.problem != EmailProblem::kNone) return;
  const std::string once(address.text);
  const std::string_view domain = domain_of(once);
  require(!domain.empty() && once.ends_with(domain));
  (void)is_role(once);
  (void)is_free(once);
  (void)is_disposable(once);

  std::string loud = once;
  for (char& c : loud) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  Scratch other;
  // A capital that a mark follows composes with it to another capital: only ASCII is told by this.
  if (is_ascii(once)) require(read_email(loud, other).text == once);
  for (const std::string& wrapped : {"<" + once + ">", "A. Name <" + once + ">", once + "."}) {
    const Address unwrapped = read_email(wrapped, other);
    require(unwrapped.problem == EmailProblem::kNone && unwrapped.text == once);
  }
}

// A number read as in a region is the same number read by itself.
void check_phone(std::string_view typed, std::string_view region) {
  Scratch scratch;
  const Result result = normalize_phone(typed, scratch, region);
  if (result.status != Status::kValid) return;
  const std::string once(result.text);
  require(once.front() == '+' && is_ascii(once));
  Scratch again;
  for (const std::string_view other : {region, std::string_view{}, std::string_view{"US"}}) {
    const Result reread = normalize_phone(once, again, other);
    require(reread.status == Status::kValid && reread.text == once);
  }
  // What stands behind a number makes no other number of it.
  const std::string number = once.substr(0, once.find(';'));
  for (const std::string_view rest :
       {".0", ",00", ".5", " home", " (neu)", " (2024)", " o. 901821", "/21", ", 901821",
        " 2024-01-31", " 24h", " 3. Stock", " 3 x", " (a)", " *2", ".0.0"}) {
    const Result remarked = normalize_phone(number + std::string(rest), again, region);
    require(remarked.status != Status::kValid || remarked.text == number);
  }
  if (number.size() < 10) return;  // so short that the digits behind a blank may be more of it
  for (const std::string_view rest : {" 2024", " 2", " 901821", "  +4930901820"}) {
    const Result followed = normalize_phone(number + std::string(rest), again, region);
    require(followed.status != Status::kValid || followed.text == number);
  }
}

void check(Method method, std::string_view typed) {
  Scratch scratch;
  const Result result = normalize(method, typed, scratch);
  if (result.status == Status::kBlank) {
    require(result.text.empty());
    return;
  }
  if (result.status == Status::kInvalid) return;
  const std::string once(result.text);
  require(!once.empty());

  Scratch again_scratch;
  const Result again = normalize(method, once, again_scratch);
  require(again.status == Status::kValid && again.text == once);

  if (method == Method::kNone) {
    require(once == typed);
    return;
  }
  const std::string wider = " " + once + "\n";
  const Result padded = normalize(method, wider, scratch);
  require(padded.status == Status::kValid && padded.text == once);

  if (method == Method::kEmail || method == Method::kMailbox) {
    const std::size_t at = once.rfind('@');
    require(once.size() <= 254 && at <= 64 && is_ascii(std::string_view(once).substr(at)));
    require(is_valid_utf8(once));
  }
  if (method == Method::kMailbox) {
    // A mailbox is an address too.
    const Result address = normalize(Method::kEmail, once, scratch);
    require(address.status == Status::kValid && address.text == once);
    // A disposable address of Yahoo's is never the account of its base name.
    const Result typed_address = normalize(Method::kEmail, typed, scratch);
    const std::string_view as_typed = typed_address.text;
    if (as_typed.ends_with("@yahoo.com") && as_typed.front() != '"' && as_typed.front() != '-') {
      require((once.find('-') == std::string::npos) ==
              (as_typed.find('-') == std::string_view::npos));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view typed(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto method = static_cast<Method>(data[0] % 9);
  check(method, typed);
  if (method == Method::kEmail) check_address(typed);
  if (method == Method::kPhone) {
    constexpr std::string_view kRegions[] = {"GB", "US", "DE", "IT", "AR", "MX", "BR", "JP"};
    check_phone(typed, kRegions[data[0] / 9 % std::size(kRegions)]);
  }
  return 0;
}
