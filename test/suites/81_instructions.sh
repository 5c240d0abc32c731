#!/usr/bin/env bash
# No stage of the engine and no normaliser takes many more instructions than the committed table says.
# Counted by Valgrind's callgrind, not timed, so that a busy machine changes nothing.
#
#   test/suites/81_instructions.sh            compares with test/bench/instructions.txt
#   test/suites/81_instructions.sh --write    writes that table anew
#
# More than BOUND % above the table fails; more than BOUND % below it asks to write the table anew, lest a
# later loss hide in the gain. The bound is generous because compilers, ICU and libphonenumber differ from
# machine to machine; on one machine two runs differ by less than 0.1 %.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/build.sh
source test/lib/install.sh

BOUND=25
table=test/bench/instructions.txt

if [[ $(uname -m) != x86_64 ]]; then
  echo "skipped: the table holds for x86-64, this is $(uname -m)"
  exit 77
fi
if ! command -v valgrind >/dev/null || ! [[ -e /usr/include/valgrind/callgrind.h ]]; then
  install_packages instructions || true
fi
if ! command -v valgrind >/dev/null || ! [[ -e /usr/include/valgrind/callgrind.h ]]; then
  echo 'skipped: no valgrind with its headers here, and it cannot be installed'
  exit 77
fi

cmake_build instruction_count
build=$PWD/build

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Prints for each workload: its name, instructions for one unit, what the unit is. The locale, the linker's
# laziness and the allocator's settings are the caller's; here they are the same for everybody.
count() { # arguments of the program
  env -i PATH="$PATH" LC_ALL=C LD_BIND_NOW=1 valgrind --tool=callgrind --instr-atstart=no --combine-dumps=yes \
    --callgrind-out-file="$scratch/dump" "$build/test/bench/instructions" "$@" \
    >"$scratch/units" 2>"$scratch/errors" || {
    cat "$scratch/errors" >&2
    return 1
  }
  awk 'FILENAME ~ /units$/ { order[++workloads] = $1; units[$1] = $2; unit[$1] = $3; next }
       /^desc: Trigger: Client Request: / { name = $NF }
       /^totals: / && name != "" { counted[name] = $2; name = "" }
       END { for (n = 1; n <= workloads; ++n)
               printf "%-22s %10.1f %s\n", order[n], counted[order[n]] / units[order[n]], unit[order[n]] }' \
    "$scratch/units" "$scratch/dump"
}

# Compares a table with what was counted, prints a line a workload, fails if one is above the bound, is not
# in the table, was not counted, or counted nothing. Sets passed and failed, or adds to them.
passed=0 failed=0
compare() { # table, counted
  local lines
  lines=$(awk -v bound="$BOUND" '
    /^#/ || NF == 0 { next }
    FNR == NR { expected[$1] = $2; unit[$1] = $3; order[++workloads] = $1; next }
    { counted[$1] = $2; if (!($1 in expected)) { order[++workloads] = $1; unit[$1] = $3 } }
    END {
      for (n = 1; n <= workloads; ++n) {
        name = order[n]
        if (!(name in expected)) verdict = "not ok: the table does not know it (--write)"
        else if (!(name in counted) || counted[name] <= 0) verdict = "not ok: was not counted"
        else if (counted[name] > expected[name] * (1 + bound / 100)) verdict = "not ok: slower"
        else if (counted[name] < expected[name] * (1 - bound / 100)) verdict = "ok: faster; write the table anew (--write)"
        else verdict = "ok"
        change = expected[name] > 0 ? sprintf("%+7.1f %%", 100 * (counted[name] / expected[name] - 1)) : "        -"
        printf "%-22s %10.1f  was %10.1f  %s  instructions per %-10s  %s\n", name, counted[name], expected[name], change, unit[name], verdict
      }
    }' "$1" "$2")
  echo "$lines"
  passed=$((passed + $(grep -c '  ok' <<<"$lines" || true)))
  failed=$((failed + $(grep -c '  not ok' <<<"$lines" || true)))
}

count >"$scratch/counted"

if [[ ${1:-} == --write ]]; then
  {
    echo '# Instructions that one unit of work takes: workload, instructions, unit. Counted and compared by'
    echo '# test/suites/81_instructions.sh; its --write makes this file. test/bench/instructions.cc has the workloads.'
    echo "# $("${CXX:-c++}" --version | head -n 1), $(. /etc/os-release && echo "$PRETTY_NAME"), $(uname -m)"
    cat "$scratch/counted"
  } >"$table"
  echo "wrote $table"
  exit
fi

compare "$table" "$scratch/counted"

# Would it notice? A normaliser and a stage that do their work twice must be too slow, each alone.
regular_passed=$passed regular_failed=$failed
for workload in email_plain unite; do
  passed=0 failed=0
  count --twice "$workload" "$workload" >"$scratch/slow"
  grep "^$workload " "$table" >"$scratch/expected"
  output=$(compare "$scratch/expected" "$scratch/slow")
  if grep -q 'not ok: slower' <<<"$output"; then
    echo "ok: $workload, its work done twice, is noticed"
    regular_passed=$((regular_passed + 1))
  else
    echo "$output"
    echo "not ok: $workload, its work done twice, is not noticed"
    regular_failed=$((regular_failed + 1))
  fi
done

# Nothing but the work decides the count: counted again, in other surroundings, it is the same to 1 %.
count email_unicode unite_conflicted evidence >"$scratch/again"
if awk 'FNR == NR { before[$1] = $2; next }
        { if ($2 > before[$1] * 1.01 || $2 < before[$1] * 0.99) exit 1 }' "$scratch/counted" "$scratch/again"; then
  echo 'ok: counted again, the same'
  regular_passed=$((regular_passed + 1))
else
  cat "$scratch/again"
  echo 'not ok: counted again, it differs by more than 1 %'
  regular_failed=$((regular_failed + 1))
fi

echo "$regular_passed passed, $regular_failed failed"
((regular_failed == 0))
