#!/usr/bin/env bash
# Real schemas: the seeds that the makers of dbt packages publish, loaded as they are, one table a CSV file, one schema a folder,
# and a master table over all people in them. Facts in 30_real_schema.sql, each a line "ok" or "not ok".
#
# The files are no part of the project (test/lib/real_schema.sh tells where they are). Skips without them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/real_schema.sh
real_schema_data || exit 77

server_start
real_schema_load

output=$(sql --quiet --no-align --tuples-only -f 30_real_schema.sql 2>&1) || output+=$'\nnot ok: the script failed'
echo "$output"
server_stop
passed=$(grep -c '^ok' <<<"$output" || true)
failed=$(grep -c '^not ok' <<<"$output" || true)
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
