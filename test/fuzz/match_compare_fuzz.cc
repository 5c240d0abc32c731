// Any two values, cut from any bytes: the forms give one answer, and the laws of a comparison hold.
// The first byte says where the first value ends.
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON
//   cmake --build build-fuzz --target fuzz_targets
//   build-fuzz/test/fuzz/match_compare_fuzz -max_total_time=60 /tmp/corpus
//   test/fuzz/corpus/match_compare
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "match/compare.h"

namespace {

using namespace identity_resolve::match;  // NOLINT(google-build-using-namespace)

void require(bool law) {
  if (!law) std::abort();
}

// Bytes of their own, as long as they are: what reads behind their end is found out.
std::vector<char> copy_of(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

void check(std::string_view a, std::string_view b) {
  const double similar = jaro_winkler(a, b);
  const std::uint32_t edits = damerau(a, b);
  require(similar >= 0 && similar <= 1 && edits <= std::max(a.size(), b.size()));
  require((similar == 1) == (edits == 0));
  require(jaro_winkler(b, a) == similar && damerau(b, a) == edits);
  require(jaro_winkler(a, a) == 1 && damerau(a, a) == 0);
  require(one_edit(a, b) == (edits == 1));
  require(forms::jaro_winkler_plain(a, b) == similar && forms::damerau_plain(a, b) == edits);
  for (const std::uint32_t limit : {0U, 1U, 2U, 3U, 9U, 33U}) {
    require(damerau_at_most(a, b, limit) == std::min(edits, limit + 1));
    require(forms::damerau_plain(a, b, limit) == std::min(edits, limit + 1));
  }
  if (std::max(a.size(), b.size()) <= forms::kMaxBits) {
    require(forms::jaro_winkler_bits(a, b) == similar && forms::damerau_bits(a, b) == edits);
  }
  const auto a_padded = Padded::of(a);
  const auto b_padded = Padded::of(b);
  if (!a_padded || !b_padded) return;
  require(jaro_winkler(*a_padded, *b_padded) == similar);
  require(forms::jaro_winkler_padded_plain(*a_padded, *b_padded) == similar);
  require(damerau(*a_padded, *b_padded) == edits);
  require(forms::damerau_padded_plain(*a_padded, *b_padded) == edits);
  require(one_edit(*a_padded, *b_padded) == (edits == 1));
  require(forms::one_edit_padded_plain(*a_padded, *b_padded) == (edits == 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = std::min<std::size_t>(data[0], bytes.size());
  const std::vector<char> a = copy_of(bytes.substr(0, end));
  const std::vector<char> b = copy_of(bytes.substr(end));
  check({a.data(), a.size()}, {b.data(), b.size()});
  return 0;
}
