#!/usr/bin/env bash
# The oracle: identity_records, the combinations and the master table on thousands of small random graphs,
# each compared with plain SQL that knows nothing of this extension.
# GRAPHS=20000 SEED=7 test/suites/40_oracle.sh runs more of them, or the same ones again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

graphs=${GRAPHS:-5000}
seed=${SEED:-$(date +%s)}
passed=0
failed=0
echo "seed $seed (SEED=$seed repeats this run)"

server_start
for part in oracle oracle_master oracle_combinations; do
  if ! output=$(sql --quiet -v graphs="$graphs" -v seed="$seed" -f "40_$part.sql" 2>&1); then output+=$'\nthe script failed'; fi
  echo "$output"
  if grep -q "^${part/_/ of the }: $graphs graphs, 0 differences$" <<<"$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
server_stop
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
