#!/usr/bin/env bash
# Under forced parallelism: the regression tests once more on a server that has parallel workers run every statement, and
# every part of one, that may run in them. The answers must be the same.
#
# debug_parallel_query, force_parallel_mode before PostgreSQL 16, puts a Gather on top of each plan that is safe for a
# worker. Its value "regress" is the same as "on", but EXPLAIN and the errors of workers do not tell of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/server.sh
source test/lib/regress.sh

forced=debug_parallel_query
if (($("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/') < 16)); then forced=force_parallel_mode; fi
server_start "$forced = regress" 'parallel_setup_cost = 0' 'parallel_tuple_cost = 0' 'min_parallel_table_scan_size = 0' \
  'min_parallel_index_scan_size = 0'
# The library is preloaded, so that each of a hundred thousand workers need not load it anew.
library=$("$PG_CONFIG" --pkglibdir)/identity_resolve.so
if [[ -e $SERVER_DIR/stage$library ]]; then library=$SERVER_DIR/stage$library; fi
server_conf "shared_preload_libraries = '$library'"
regress || exit
