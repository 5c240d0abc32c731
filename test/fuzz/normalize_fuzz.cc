// Every normaliser on any bytes: no crash, and the laws hold. The first byte picks the method.
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON
//   cmake --build build-fuzz --target fuzz_targets
//   build-fuzz/test/fuzz/normalize_fuzz -max_total_time=60 -dict=test/fuzz/normalize.dict
//     /tmp/corpus test/fuzz/corpus/normalize
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "normalize/normalize.h"
#include "normalize/text.h"

namespace {

using namespace identity_resolve::normalize;  // NOLINT(google-build-using-namespace)

void require(bool law) {
  if (!law) std::abort();
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
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view typed(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(static_cast<Method>(data[0] % 9), typed);
  return 0;
}
