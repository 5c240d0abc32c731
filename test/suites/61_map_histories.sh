#!/usr/bin/env bash
# Random histories of identity maps: rows of four sources and aliases come, change and go, rules, queries and columns
# change, people are identified and forgotten; after each step the map is what a full resolve gives, in partition and in
# every column, its ids obey the rules of doc/maps.md, and its history says what became of each. test/oracle/maps.sql is
# the judge.
# HISTORIES=400 STEPS=60 SEED=7 test/suites/61_map_histories.sh runs more of them, or the same ones again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

histories=${HISTORIES:-60}
steps=${STEPS:-40}
first=${SEED:-1}
echo "seeds $first … (SEED=$first repeats this run)"
passed=0
failed=0

server_start "autovacuum = off" "shared_buffers = 256MB" "max_wal_size = 2GB" "jit = off"

prepare() { # a database with the extension and the model
  sql --quiet -c "CREATE DATABASE $1"
  sql --quiet -d "$1" -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
}

# Histories of seeds from $2 on in database $1, $3 of them; what went wrong to stdout, also with tables and indexes on disk.
live() {
  local seed
  {
    cat ../lib/amcheck.sql
    for ((seed = $2; seed < $2 + $3; seed++)); do printf 'CALL model.history(%s, %s);\nSELECT pg_temp.unsound();\n' "$seed" "$steps"; done
  } | PGOPTIONS="-c client_min_messages=error" psql --no-psqlrc --quiet -At -d "$1" 2>&1
}

# Two databases, so that both processors of a small machine have something to do. In the first no change is small enough
# to be known record by record and settled in memory: the whole map is, by SQL. In the second the sources are read, and
# what changed is resolved, side by side by parallel workers.
half=$((histories / 2))
prepare one
prepare two
sql --quiet -d one -c 'CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$'
sql --quiet -c 'ALTER DATABASE two SET parallel_setup_cost = 0' -c 'ALTER DATABASE two SET identity_resolve.max_workers = 2'
live one "$first" "$half" >"$SERVER_DIR/one.out" &
live two $((first + half)) $((histories - half)) >"$SERVER_DIR/two.out" &
wait
cat "$SERVER_DIR"/{one,two}.out
for database in one two; do sql -d $database -At -F ' ' -c 'SELECT what, n FROM model.counts'; done |
  awk '{ n = $NF; $NF = ""; sum[$0] += n } END { for (what in sum) printf "%8d %s\n", sum[what], what }' | sort -k 2
lived=$(for database in one two; do sql -d $database -At -c "SELECT n FROM model.counts WHERE what = 'histories'"; done | awk '{ n += $1 } END { print n + 0 }')
passed=$((passed + lived))
failed=$((failed + histories - lived))
unsound=$(cat "$SERVER_DIR"/{one,two}.out | grep -c '^UNSOUND' || true)
if [ "$unsound" -eq 0 ]; then
  echo "ok: after each history amcheck finds tables and indexes sound"
  passed=$((passed + 1))
else
  echo "NOT OK: amcheck finds $unsound faults"
  failed=$((failed + 1))
fi
if [ "$lived" -eq "$histories" ]; then echo "ok: $lived histories of $steps steps"; else echo "NOT OK: $((histories - lived)) histories of $histories"; fi

# Would it notice? Each of these is the map with one thing wrong.
template=two
notices() { # what, function, the text in it, what stands there instead; the seed of the first history that is looked at
  local status
  sql --quiet -c "DROP DATABASE IF EXISTS wrong" -c "CREATE DATABASE wrong TEMPLATE $template" 2>/dev/null
  status=$(sql --quiet -At -d wrong -v name="$2" -v right="$3" -v wrong="$4" <<'SQL'
SELECT position(:'right' IN pg_get_functiondef(f.oid)) > 0 AS is_there, replace(pg_get_functiondef(f.oid), :'right', :'wrong') AS definition
  FROM pg_proc f WHERE f.proname = :'name' \gset
\if :is_there
:definition;
\else
\echo is not there
\endif
SQL
  )
  if [ -n "$status" ]; then
    echo "NOT OK: $2 has no such text: $3"
    failed=$((failed + 1))
    return
  fi
  # Until the model finds one wrong: a history that stops with another error tells nothing. Always the same ones, so that it does not hang on luck whether they come upon it.
  local first=${5:-1} seed found=
  for ((seed = first; seed < first + 40 && ${#found} == 0; seed++)); do
    found=$(live wrong "$seed" 1 | grep -m 1 -E "ERROR: .*(seed $seed, step|table and state differ)" || true)
  done
  if [[ $found == *"seed $((seed - 1)), step"* || $found == *"table and state differ"* ]]; then
    echo "ok: noticed: $1 (${found#*ERROR:  })"
    passed=$((passed + 1))
  else
    echo "NOT OK: not noticed: $1 $found"
    failed=$((failed + 1))
  fi
}
if [ "$lived" -eq "$histories" ]; then
  notices 'a refresh that skips a source' identity_map_refresh 'CONTINUE WHEN is_whole' 'CONTINUE WHEN i = 1 OR is_whole'
  notices 'changed records that are overlooked' identity_map_refresh 'is_whole AND changed > 0' 'is_whole AND changed > 1'
  notices 'values that are never too common' identity_map_settle 'm.limits_a_source, m.limits_in_all' "'{}', '{}'"
  template=one
  notices 'merges that are told by any identifier' identity_map_name_merges 'HAVING count(DISTINCT coalesce(old::text, %3$L)) > 1' 'HAVING true OR %3$L = %2$L' 121
  template=two
  notices 'rows of the table that stay as they were' identity_map_settle_text "AND (' || is_other" "AND (false AND ' || is_other"
  notices 'records that are back and strangers' identity_map_refresh 'DELETE FROM %sgone WHERE at < $1' 'DELETE FROM %sgone WHERE at < $1 OR true'
  notices 'forgotten records that are remembered' identity_map_forget 'DELETE FROM %1$sgone AS g USING chain WHERE' 'DELETE FROM %1$sgone AS g USING chain WHERE false AND'
  notices 'a source that has lost most of its records, and they are taken away' identity_map_max_loss '(0.5)::double precision' '(1.0)::double precision'
  notices 'a table that was emptied, and its rows are still there' identity_map_file_marks 'md5(f.value)' "'x'"
  notices 'forgotten records that come back' identity_map_forgotten 'WHERE source =' 'WHERE false AND source ='
  notices 'triggers that tell of another column' identity_map_captured 'a.attrelid::regclass, a.attnum' 'a.attrelid::regclass, (a.attnum + 1)::smallint'
  notices 'triggers whose log is thrown away' identity_map_changed 'SELECT DISTINCT record_id FROM gone' 'SELECT DISTINCT record_id FROM gone WHERE false'
  notices 'changed_since that overlooks rows of the last moment' identity_map_since '%s OPERATOR(pg_catalog.>=) %L' '%s > %L'
  notices 'a full refresh that believes changed_since' identity_map_refresh 'OR m.rebuild OR is_full' 'OR m.rebuild'
  notices 'aliases that change, and the sources are not read anew' identity_map_read_aliases 'SELECT EXISTS (SELECT FROM less) OR EXISTS (SELECT FROM more)' 'SELECT false'
  notices 'identify() that knows no aliases' identity_map_identify '|| m.state, cardinality' "|| identity_internal.identity_map_state(m.secret, '{}', m.map_id, '[]'), cardinality"
  notices 'identify() that drops what it knew' identity_map_identify "coalesce(former, '{}') - 'rid'" "'{}'::jsonb - 'rid'"
fi
server_stop
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
