#!/usr/bin/env bash
# The fuzz targets for a bounded time each, under ASan and UBSan, from the seeds in test/fuzz/corpus.
#
#   FUZZ_SECONDS=3600 test/suites/85_fuzz.sh     how long each target runs (default: 20)
#
# What libFuzzer finds is kept in build/fuzz/findings; the run then fails and says how to repeat it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/install.sh

seconds=${FUZZ_SECONDS:-20}
install_packages fuzz || exit 77

mkdir -p build/fuzz
flock build/fuzz cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DIDENTITY_RESOLVE_FUZZ=ON \
  >/dev/null
flock build/fuzz cmake --build build/fuzz --target fuzz_targets -j"$(nproc)" >build/fuzz/build.log 2>&1 || {
  cat build/fuzz/build.log
  exit 1
}

passed=0 failed=0
mkdir -p build/fuzz/findings
for source in test/fuzz/*_fuzz.cc; do
  target=$(basename "$source" .cc)
  name=${target%_fuzz}
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  options=(-max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-")
  if [[ -f test/fuzz/$name.dict ]]; then options+=(-dict="test/fuzz/$name.dict"); fi
  log=build/fuzz/$name.log
  if "build/fuzz/test/fuzz/$target" "${options[@]}" "$corpus" "test/fuzz/corpus/$name" >"$log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, nothing found"
    passed=$((passed + 1))
  else
    tail -n 40 "$log"
    echo "$target failed; again with: build/fuzz/test/fuzz/$target build/fuzz/findings/$name-…"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
((failed == 0))
