#!/usr/bin/env bash
# What must not change when the input is permuted, split, doubled or grows: see 41_metamorphic.sql.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

graphs=${GRAPHS:-600}
seed=${SEED:-$(date +%s)}
echo "seed $seed (SEED=$seed repeats this run)"

server_start
verdict=$(sql --quiet -v graphs="$graphs" -v seed="$seed" -f 41_metamorphic.sql 2>&1) || verdict+=$'\n0 passed, 1 failed'
server_stop
echo "$verdict"
[[ $verdict == *" passed, 0 failed" ]]
