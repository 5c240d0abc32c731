#!/usr/bin/env bash
# Real schemas: the seeds that the makers of dbt packages publish, loaded as they are, one table a CSV file, one schema a folder,
# and a master table over all people in them. Facts in 30_real_schema.sql, each a line "ok" or "not ok".
#
# The files are no part of the project (test/lib/real_schema.sh tells where they are). Skips without them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/facts.sh
source ../lib/real_schema.sh
real_schema_data || exit 77

server_start
real_schema_load
facts 30_real_schema.sql
