// Any bytes make a small problem, which the engine solves with one sink and with several; both must
// say what the slow and obvious way says.
//
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON
//   cmake --build build-fuzz --target fuzz_targets
//   build-fuzz/test/fuzz/engine_fuzz -max_total_time=60 -max_len=400 /tmp/corpus
//   test/fuzz/corpus/engine
//
// The problem and the reference are those of the unit tests; each fuzz target is one file.
#include "unit/engine_reference.cc"  // NOLINT(bugprone-suspicious-include)
#include "unit/engine_testing.cc"    // NOLINT(bugprone-suspicious-include)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using identity_resolve::engine::testing::agrees_with_reference;
  using identity_resolve::engine::testing::case_from;
  if (!agrees_with_reference(case_from({data, size}))) std::abort();
  return 0;
}
