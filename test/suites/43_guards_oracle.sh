#!/usr/bin/env bash
# The oracle of the rules that keep people apart: thousands of random problems with limits, ties,
# fallbacks, priorities and blocked values, each in two orders of rows and rules, compared with
# test/oracle/guards.py, which does what doc/guards.md says slowly and obviously.
# GRAPHS=20000 SEED=7 test/suites/43_guards_oracle.sh runs more of them, or the same ones again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command -v python3 >/dev/null || exit 77
source ../lib/server.sh

graphs=${GRAPHS:-3000}
seed=${SEED:-$(date +%s)}
echo "seed $seed (SEED=$seed repeats this run)"

server_start
sql --quiet -c 'CREATE EXTENSION identity_resolve'
python3 ../oracle/guards.py generate "$seed" "$graphs" >"$SERVER_DIR/graphs.sql"
sql --quiet -At -F $'\t' -f "$SERVER_DIR/graphs.sql" >"$SERVER_DIR/found.txt"
python3 ../oracle/guards.py compare "$seed" "$graphs" <"$SERVER_DIR/found.txt"
