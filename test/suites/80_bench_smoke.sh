#!/usr/bin/env bash
# The benchmark at a tiny size: every contestant runs and comes to the same identities, one that does not is noticed,
# and the tables and the plot are made. No time is judged.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench=$root/test/bench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

judge() { # what, whether it is as it should be (a command), what to show otherwise
  local what=$1 shown=$2
  shift 2
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $what"
  else
    failed=$((failed + 1))
    cat "$shown"
    echo "not ok: $what"
  fi
}

run() { # arguments of the benchmark
  "$bench/run.sh" --rounds 1 --figures "$scratch/figures.tsv" "$@" >"$scratch/output" 2>&1
}

# Exit status 1 and the verdict, not some other trouble.
differs() {
  run "$@"
  (($? == 1)) && grep -q '^FAILED: a contestant' "$scratch/output" && grep -q '| DIFFERS ' "$scratch/output"
}

judge 'five tools, 500 and 2,000 people: all rivals agree' "$scratch/output" run --sizes 500,2000

# The page has the run's tables between the marks and everything else as it was; the plot is XML with a line for
# each contestant that it knows.
reports() {
  cp "$root/doc/performance.md" "$scratch/" &&
    "$bench/report.py" "$scratch/figures.tsv" "$scratch" >"$scratch/output" 2>&1 &&
    python3 - "$root/doc" "$scratch" >>"$scratch/output" 2>&1 <<'PYTHON'
import sys
import xml.etree.ElementTree
from pathlib import Path

before, after = (Path(folder, "performance.md").read_text() for folder in sys.argv[1:])
begin, end = "<!-- figures: test/bench", "<!-- figures: to here"
assert before.split(begin)[0] == after.split(begin)[0] and before.split(end)[1] == after.split(end)[1], "the page around"
written = after.split(begin)[1].split(end)[0]
for line in ("500 people, 1,325 records:", "2,000 people, 5,300 records:", "| label propagation in PL/pgSQL | 1 |", "(performance.svg)"):
    assert line in written, line
lines = xml.etree.ElementTree.parse(Path(sys.argv[2], "performance.svg")).findall(".//{*}polyline")
assert len(lines) >= 2 * 5 and all(len(line.get("points").split()) == 2 for line in lines), "the plot's lines"
PYTHON
}
judge 'its tables and its plot' "$scratch/output" reports

judge 'corners, 3,000 records: as many identities as arithmetic promises' "$scratch/output" run --corners 3000

# Rivals that overlook the addresses come to other identities.
cp -r "$bench/contestants" "$scratch/"
sed -i 's/nullif(lower(trim(email)), .*) AS email/NULL::text AS email/' "$scratch/contestants/links.sql"
BENCH_CONTESTANTS=$scratch/contestants judge 'a rival with other identities fails the run' "$scratch/output" \
  differs 1000

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
