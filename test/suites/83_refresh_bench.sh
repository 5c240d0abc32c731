#!/usr/bin/env bash
# The benchmark of identity maps at a tiny size: all of it runs, each map ends as a full resolve has it, and the table is
# there. No time is judged.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
judge() { # what, command…
  if "${@:2}"; then
    passed=$((passed + 1))
    echo "ok: $1"
  else
    failed=$((failed + 1))
    echo "not ok: $1"
  fi
}

"$root/test/bench/refresh.sh" --rounds 2 --changes 2 600 >"$scratch/output" 2>&1
status=$?
cat "$scratch/output"
judge 'the benchmark runs, and every map is what a full resolve gives' [ $status -eq 0 ]
judge 'its table has the limit, three builds and nine refreshes' [ "$(grep -cE '^\| (limit|full build|refresh).*\| +[0-9]+\.[0-9]{3} \|' "$scratch/output")" -eq 13 ]
judge 'identify() is in it' grep -qE '^identify\(\), 1000 calls: median [0-9.]+ ms, 99 % within [0-9.]+ ms' "$scratch/output"
judge 'and each way of telling found the changes' [ "$(grep -cE '^  (default|trigger|since) \| .*"inserted": [1-9]' "$scratch/output")" -eq 3 ]

judge 'as are the pairs of a refresh and the limit' [ "$(grep -cE '^  (default|trigger|since) \| [0-9.]+ : [0-9.]+(, [0-9.]+ : [0-9.]+){3}$' "$scratch/output")" -eq 3 ]

# A map that is not what a full resolve gives fails the run.
cp -r "$root/test" "$scratch/test"
sed -i "s/^  differences=\$(query/  query -c \"DELETE FROM people WHERE segment_id = (SELECT max(segment_id) FROM people)\"\n&/" "$scratch/test/bench/refresh.sh"
sed -i "s#^root=.*#root=$root#" "$scratch/test/bench/refresh.sh"
"$scratch/test/bench/refresh.sh" --rounds 1 100 >"$scratch/output" 2>&1
judge 'a map with other rows fails the run' grep -q '^FAILED: a map is not' "$scratch/output"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
