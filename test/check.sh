#!/usr/bin/env bash
# Every test, from a clean clone: installs what is missing, builds, runs all there is, says what failed.
#
#   test/check.sh              everything
#   test/check.sh unit 10_     only the steps whose name is or begins with one of these
#   test/check.sh --list       the steps' names
#
# Works as root and as an ordinary user with sudo (used for missing packages only). A step that fails
# does not stop the others; the last line is the total and the exit status tells it too.
#
# The steps are those below and then each executable test/suites/*.sh, in the order of their names.
# A suite exits 0 (passed), 77 (skipped) or otherwise (failed), and may end with a line
# `N passed, N failed` or `N passed, N failed, N skipped`, which is added to the total; one without
# such a line counts as one test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source test/lib/install.sh
SKIP=77

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
print(f"META.json is valid: {meta['name']} {meta['version']}")
PYTHON
}

step_unit() {
  compgen -G 'test/unit/*.cc' >/dev/null || return $SKIP
  mkdir -p build
  {
    flock Makefile cmake -S . -B build -DPG_CONFIG="${PG_CONFIG:-pg_config}" &&
      flock Makefile cmake --build build --target unit_tests -j"$(nproc)"
  } >build/check.log 2>&1 || {
    cat build/check.log
    return 1
  }
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
  make -s -k -j"$(nproc)" WERROR=-Werror tidy 2> >(grep -v ' warnings\? generated\.$' >&2) &&
    echo "clang-tidy finds nothing in src/"
}

STEPS=(format build metadata unit regress tidy)
for suite in test/suites/*.sh; do
  if [[ -x $suite ]]; then STEPS+=("$(basename "$suite" .sh)"); fi
done

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

install_packages build test bench || exit

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0 failed=0 skipped=0 ran=0 summary= found=
for step in "${STEPS[@]}"; do
  is_wanted "$step" "$@" || continue
  ran=$((ran + 1))
  printf '\n==== %s ====\n' "$step"
  start=$SECONDS
  run_step "$step" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  # The step's own count, if its last such line gives one.
  read -r p f s < <(sed -nE \
    's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?\.?$/\1 \2 0\4/p' "$log" | tail -n 1) ||
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
    found+=$(grep -aE '^SEED=|NOT OK|not ok|FAILED|ERROR:|error:|^test .* failed' "$log" | head -n 20 |
      sed "s/^/$step: /")$'\n'
  fi
  summary+=$(printf '%-8s %-24s %5d passed %4d failed %4d skipped %5d s' \
    "$verdict" "$step" "$p" "$f" "$s" $((SECONDS - start)))$'\n'
done
if ((ran == 0)); then
  echo "No step is called '$*'; test/check.sh --list names them" >&2
  exit 2
fi

printf '\n==== summary ====\n%s%s%d passed, %d failed, %d skipped\n' \
  "$summary" "$found" "$passed" "$failed" "$skipped"
((failed == 0))
