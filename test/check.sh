#!/usr/bin/env bash
# Every test, from a clean clone: installs what is missing, builds, runs all there is, says what failed.
#
#   test/check.sh              everything that continuous integration runs
#   test/check.sh quick        what to run all day: 90 seconds once the extension is built
#   test/check.sh release      what takes hours: run it before a version is tagged, beside the check
#   test/check.sh unit 10_     only the steps whose name is or begins with one of these; also after quick or release
#   test/check.sh --list       the steps' names; also after quick or release
#
# Works as root and as an ordinary user with sudo (used for missing packages only). A step that fails
# does not stop the others; the last line is the total and the exit status tells it too.
#
# The steps are those below and then each executable test/suites/*.sh. The first ones run one after the
# other. The others run side by side, as many as there are processors (CHECK_JOBS=1: one after the
# other), the longest first; each prints what it says when it ends. So a suite has a server, a directory
# and names of its own, and promises nothing about the time that passes on the clock.
#
# A suite exits 0 (passed), 77 (skipped) or otherwise (failed), and may end with a line
# `N passed, N failed` or `N passed, N failed, N skipped`, which is added to the total; one without
# such a line counts as one test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source test/lib/install.sh
SKIP=77

jobs=${CHECK_JOBS:-$(nproc)}
# How many processes a step may start that others run beside.
beside=$(((jobs + 1) / 2))

step_format() { make -s format-check && echo "every file is as clang-format has it"; }

step_build() { make -s -j"$(nproc)" WERROR=-Werror all && ls -l identity_resolve.so identity_resolve--*.sql; }

# PGXN's own validator is a Perl module that few have; these are the meta-spec's required fields.
step_metadata() {
  command -v python3 >/dev/null || return $SKIP
  python3 - <<'PYTHON'
import glob, json, re

meta = json.load(open("META.json"))
control = dict(re.findall(r"^(\w+)\s*=\s*'?(.*?)'?$", open("identity_resolve.control").read(), re.M))
version = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([a-zA-Z][-0-9A-Za-z]*)?$")

for field in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
    assert meta.get(field), f"META.json: {field} is required"
assert re.fullmatch(r"[^\s/\\\x00-\x1f]{2,}", meta["name"]), "META.json: name"
assert meta["meta-spec"]["version"] == "1.0.0", "META.json: meta-spec"
assert meta["license"] == "postgresql", "META.json: license"
assert meta.get("release_status", "stable") in ("stable", "testing", "unstable")
assert version.match(meta["version"]), "META.json: version is not semantic"
for name, provided in meta["provides"].items():
    assert provided.get("file") and version.match(provided.get("version", "")), name
    open(provided["file"]).close()
    if "docfile" in provided:
        open(provided["docfile"]).close()
assert meta["provides"]["identity_resolve"]["version"] == meta["version"]
assert control["default_version"] == meta["version"], "control file and META.json: two versions"
assert control["trusted"] == "true" and control["relocatable"] == "false"
for part in sorted(glob.glob("src/sql/*.sql")):
    assert open(part, "rb").read().isascii(), f"{part}: CREATE EXTENSION fails in a database of another encoding than UTF8"
# What a room under src/ may include; src/*.cc, where the library is put together, may include all of them.
below = {"engine": [], "normalize": [], "match": ["engine", "normalize"], "pg": ["engine", "normalize", "match"]}
below["spelling"] = below["resolve"] = below["pg"] + ["pg"]
below["report"] = below["resolve"] + ["resolve"]
below["map"] = below["resolve"] + ["resolve"]
up = []
for path in sorted(glob.glob("src/*/*.h") + glob.glob("src/*/*.cc")):
    room = path.split("/")[1]
    assert room in below, f"{path}: what may src/{room} include? Say it here and in doc/architecture.md"
    for line, text in enumerate(open(path, encoding="utf-8"), 1):
        included = re.match(r'\s*#\s*include\s+"(?:(\w+)/)?', text)
        if included and included[1] != room and included[1] not in below[room]:
            up.append(f"{path}:{line}: {text.strip()}: {room} may include {' and '.join([room] + below[room])} only")
assert not up, "\n".join(["an include runs up (doc/architecture.md, Rooms)"] + up)
print(f"META.json is valid: {meta['name']} {meta['version']}")
print(f"No include runs up among {', '.join(below)}")
PYTHON
}

step_unit() {
  compgen -G 'test/unit/*.cc' >/dev/null || return $SKIP
  mkdir -p build
  source test/lib/build.sh
  cmake_build unit_tests || return
  ctest --test-dir build --output-on-failure -j"$(nproc)" >build/ctest.log 2>&1
  local status=$?
  grep -vE '^ *(Start|[0-9]+/[0-9]+ Test .* Passed)' build/ctest.log
  sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' \
    build/ctest.log |
    while read -r failed all; do echo "$((all - failed)) passed, $failed failed"; done
  return $status
}

step_regress() {
  compgen -G 'sql/*.sql' >/dev/null || return $SKIP
  (
    source test/lib/server.sh
    source test/lib/regress.sh
    server_start && regress
  )
}

step_tidy() {
  make -s -k -j"$beside" WERROR=-Werror tidy 2> >(grep -v ' warnings\? generated\.$' >&2) &&
    echo "clang-tidy finds nothing in src/"
}

# ---- What takes hours. ----

# PostgreSQL 14 to 19, each on the release that has it: the regression tests, and the suites of histories and crashes.
step_versions() { test/versions.sh 14 15 16 17 18 19 60_golden 61_map 62_map; }

# Histories and problems by the thousand, of seeds that the check has not.
step_long_histories() { HISTORIES=600 STEPS=60 SEED=1000 test/suites/61_map_histories.sh; }
step_long_oracle() { GRAPHS=50000 test/suites/43_guards_oracle.sh; }
step_long_crashes() { for _ in {1..10}; do test/suites/62_map_crash.sh && KILLS=60 test/suites/62_map_crash_fill.sh || return; done; }

# An hour for each fuzz target.
step_long_fuzz() { FUZZ_SECONDS=3600 test/suites/85_fuzz.sh; }

# All laws of addresses, and all calls and states of suites 72 and 73, under the sanitizers.
step_long_sanitizers() { LAWS=1 SHARE=1 POKES=6000 ALTERED=60 SPOILED=120 test/suites/90_sanitizers.sh; }

# Ten million people: maps, and the other contestants as far as patience goes.
step_millions() { test/bench/refresh.sh --rounds 1 --changes 1 10000000 && test/bench/run.sh --no-rivals --rounds 1 --sizes 1000000,10000000 --figures build/bench/release.tsv; }

# ---- Which steps, and in what order. ----

tier=check
case ${1:-} in quick | release) tier=$1 && shift ;; esac

FIRST=(format build metadata unit)
SUITES=()
for suite in test/suites/*.sh; do
  if [[ -x $suite ]]; then SUITES+=("$(basename "$suite" .sh)"); fi
done
case $tier in
  check) STEPS=("${FIRST[@]}" regress tidy "${SUITES[@]}") ;;
  quick)
    STEPS=("${FIRST[@]}" regress 31_readme 41_metamorphic 60_golden 65_map_dump 71_security)
    export HISTORIES=8 LARGE= # as 60_golden has it
    ;;
  release) STEPS=(build long_sanitizers long_histories long_oracle long_crashes long_fuzz versions millions) ;;
esac
# The longest first, so that none is left at the end with nothing beside it.
LONGEST=(90_sanitizers tidy 68_forced_parallel 50_cancel_and_errors 61_map_histories 85_fuzz 67_other_extensions
  81_instructions 64_map_cron 60_nightly 60_golden 72_any_argument 77_map_bloat 62_map_crash_fill 43_guards_oracle
  regress)

if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${STEPS[@]}"
  exit
fi

# Whether the user asked for step $1; the other arguments are what was asked for.
is_wanted() {
  local step=$1 wanted
  shift
  (($# > 0)) || return 0
  for wanted in "$@"; do
    if [[ $step == "$wanted"* ]]; then return 0; fi
  done
  return 1
}

run_step() {
  if declare -F "step_$1" >/dev/null; then "step_$1"; else "test/suites/$1.sh"; fi
}

is_among() { # word, words
  local word=$1
  shift
  [[ " $* " == *" $word "* ]]
}

install_packages build test bench || exit

logs=$(mktemp -d)
running=() # by process: its step
# Each step is a process group, so that what it has started ends with it.
set -m
stop() {
  local process
  for process in "${!running[@]}"; do kill -TERM -- "-$process" 2>/dev/null; done
  wait
  rm -rf "$logs"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
passed=0 failed=0 skipped=0 ran=0 summary= found=

begin() { # step
  run_step "$1" </dev/null >"$logs/$1" 2>&1 &
  running[$!]=$1
  began[$!]=$SECONDS
  ran=$((ran + 1))
}
began=()

# Waits for a step to end, prints what it said and counts.
finish() {
  local process status step p f s verdict
  wait -n -p process "${!running[@]}"
  status=$?
  step=${running[$process]}
  unset "running[$process]"
  printf '\n==== %s ====\n' "$step"
  cat "$logs/$step"
  # The step's own count, if its last such line gives one.
  read -r p f s < <(sed -nE \
    's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?\.?$/\1 \2 0\4/p' "$logs/$step" | tail -n 1) ||
    p=0 f=0 s=0
  s=$((10#${s:-0}))
  case $status in
    0)
      verdict=passed
      if ((f > 0)); then
        verdict=FAILED
      elif ((p + s == 0)); then
        p=1
      fi
      ;;
    "$SKIP")
      verdict=skipped
      if ((s == 0)); then s=1; fi
      ;;
    *)
      verdict=FAILED
      if ((f == 0)); then f=1; fi
      ;;
  esac
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  # What a step that failed said of it, again at the end, where it is found.
  if [[ $verdict == FAILED ]]; then
    found+=$(grep -aE '^SEED=|NOT OK|not ok|FAILED|ERROR:|error:|^test .* failed' "$logs/$step" | head -n 20 |
      sed "s/^/$step: /")$'\n'
  fi
  summary+=$(printf '%-8s %-24s %5d passed %4d failed %4d skipped %5d s' \
    "$verdict" "$step" "$p" "$f" "$s" $((SECONDS - began[process])))$'\n'
}

# Those of the first steps one after the other: the others need what they build.
rest=()
for step in "${STEPS[@]}"; do
  is_wanted "$step" "$@" || continue
  if is_among "$step" "${FIRST[@]}"; then
    begin "$step"
    finish
  else
    rest+=("$step")
  fi
done
ordered=()
for step in "${LONGEST[@]}"; do
  if is_among "$step" ${rest[@]+"${rest[@]}"}; then ordered+=("$step"); fi
done
for step in ${rest[@]+"${rest[@]}"}; do
  is_among "$step" ${ordered[@]+"${ordered[@]}"} || ordered+=("$step")
done
# Hours of benchmarks are no company for each other.
if [[ $tier == release ]]; then jobs=1 beside=$(nproc); fi
for step in ${ordered[@]+"${ordered[@]}"}; do
  if ((${#running[@]} >= jobs)); then finish; fi
  begin "$step"
done
while ((${#running[@]} > 0)); do finish; done
if ((ran == 0)); then
  echo "No step is called '$*'; test/check.sh --list names them" >&2
  exit 2
fi

printf '\n==== summary ====\n%s%s%d passed, %d failed, %d skipped in %d s\n' \
  "$summary" "$found" "$passed" "$failed" "$skipped" "$SECONDS"
((failed == 0))
