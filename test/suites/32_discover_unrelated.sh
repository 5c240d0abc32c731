#!/usr/bin/env bash
# Discovery in a database of 1,000 tables that hold no people of any tool, many under names and columns that tools have too: nothing is sure to be a source, and
# the time that one look takes is printed. Facts in 32_discover_unrelated.sql, each a line "ok" or "not ok".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

server_start
output=$(sql --quiet --no-align --tuples-only -f 32_discover_unrelated.sql 2>&1) || output+=$'\nnot ok: the script failed'
echo "$output"
server_stop
passed=$(grep -c '^ok' <<<"$output" || true)
failed=$(grep -c '^not ok' <<<"$output" || true)
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
