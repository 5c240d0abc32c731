#!/usr/bin/env bash
# Beside other extensions: the regression tests once more on a server where pgaudit, set_user, pg_qualstats,
# pg_stat_statements and auto_explain watch every statement by their hooks. The answers must be the same, and no hook may
# be called in a state that its library does not expect. Of libraries that are not installed it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source test/lib/server.sh
source test/lib/regress.sh

# The libraries that are installed, and their extensions. auto_explain has none.
directory=$("$PG_CONFIG" --pkglibdir)
libraries=() extensions=() skipped=0
for library in pgaudit set_user pg_qualstats hypopg pg_stat_statements auto_explain; do
  if [[ ! -e $directory/$library.so ]]; then
    echo "skipped: $library is not installed ($directory/$library.so)"
    skipped=$((skipped + 1))
    continue
  fi
  libraries+=("$library")
  if [[ $library != auto_explain ]]; then extensions+=("$library"); fi
done
if ((${#libraries[@]} == 0)); then exit 77; fi
has() { [[ " ${libraries[*]} " == *" $1 "* ]]; }

settings=("shared_preload_libraries = '$(IFS=, && echo "${libraries[*]}")'")
if has pgaudit; then
  settings+=("pgaudit.log = 'all'" 'pgaudit.log_relation = on' 'pgaudit.log_parameter = on' 'pgaudit.log_rows = on')
fi
if has pg_qualstats; then settings+=('pg_qualstats.sample_rate = 1'); fi
if has pg_stat_statements; then
  settings+=("pg_stat_statements.track = 'all'" 'pg_stat_statements.track_planning = on')
fi
if has auto_explain; then
  settings+=('auto_explain.log_min_duration = 0' 'auto_explain.log_analyze = on' 'auto_explain.log_buffers = on'
    'auto_explain.log_verbose = on' 'auto_explain.log_triggers = on' 'auto_explain.log_nested_statements = on')
fi
server_start "${settings[@]}"
# Databases that a test makes have them too.
for extension in "${extensions[@]}"; do
  sql --quiet -d template1 -c "CREATE EXTENSION $extension"
done

passed=0 failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

# What a user without further rights does, first with pgaudit's rows and then without, which are two ways through it.
sql --quiet -d template1 -c 'CREATE DATABASE office'
sql --quiet -d office <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE ROLE clerk;
CREATE TABLE app AS SELECT n AS id, format('p%s@x.com', n) AS email FROM generate_series(1, 2000) n;
CREATE TABLE shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 2000, 2) n;
CREATE TABLE closed AS TABLE shop;
GRANT SELECT ON app, shop TO clerk;
GRANT CREATE ON DATABASE office TO clerk;
SQL
for rows in on off; do
  if has pgaudit; then sql --quiet -d office -c "ALTER DATABASE office SET pgaudit.log_rows = $rows"; fi
  sql --quiet -At -d office >"$SERVER_DIR/clerk.out" 2>&1 <<'SQL' || true
SET ROLE clerk;
SET identity_resolve.max_workers = 2;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
\set clauses 'identity_source(''app'', ''SELECT id, email FROM app''), identity_source(''shop'', ''SELECT id, email FROM shop'')'
EXPLAIN SELECT * FROM identity_records(:clauses) \g /dev/null
EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM resolve_identities(:clauses) AS (app_id int, shop_id int) \g /dev/null
SELECT count(*), count(DISTINCT identity_id) FROM identity_records(:clauses);
PREPARE people AS SELECT count(shop_id) FROM resolve_identities(:clauses) AS (app_id int, shop_id int);
EXECUTE people;
EXECUTE people;
CREATE TEMP TABLE made AS SELECT * FROM resolve_identities(:clauses) AS (app_id int, shop_id int);
SELECT count(*) FROM made;
BEGIN;
DECLARE people CURSOR FOR SELECT * FROM identity_links(:clauses);
FETCH 3 FROM people \g /dev/null
SELECT count(*) FROM identity_records(:clauses);
COMMIT;
DO $$ BEGIN PERFORM * FROM identity_records(identity_source('app', 'SELECT id FROM app')); END $$;
\set ON_ERROR_STOP off
SELECT count(*) FROM identity_records(identity_source('closed', 'SELECT id, email FROM closed'));
EXPLAIN SELECT * FROM identity_records(identity_source('closed', 'SELECT id, email FROM closed')) \g /dev/null
SELECT count(*) FROM identity_records(identity_source('broken', 'SELECT 1 / (id - 1) FROM app'));
\set ON_ERROR_STOP on
CREATE SCHEMA own;
SELECT create_identity_map('own.people', :clauses);
CALL refresh_identity_map('own.people');
CALL refresh_identity_map('own.people');
SELECT count(*) FROM own.people;
SELECT drop_identity_map('own.people') \g /dev/null
DROP SCHEMA own CASCADE;
SQL
  grep -vE '^(DETAIL|HINT|CONTEXT|NOTICE|LINE|PL/pgSQL|SQL )' "$SERVER_DIR/clerk.out" >"$SERVER_DIR/clerk.said" || true
  diff "$SERVER_DIR/clerk.said" - <<'SAID' >"$SERVER_DIR/clerk.diff" || true
3000|2000
1000
1000
2000
3000
ERROR:  source "closed": permission denied for table closed
ERROR:  source "broken": division by zero
own.people
2000
SAID
  cat "$SERVER_DIR/clerk.diff"
  check "a user without further rights, pgaudit.log_rows $rows" [ ! -s "$SERVER_DIR/clerk.diff" ]
done
if has pgaudit; then
  check "the audit names the tables of the sources" grep -q 'AUDIT: .*,READ,SELECT,TABLE,public.app,' "$SERVER_LOG"
fi
if has auto_explain; then check "plans are logged" grep -q 'Custom Scan (identity_resolve)' "$SERVER_LOG"; fi
if has pg_stat_statements; then
  check "statements are counted" [ "$(sql -At -d template1 -c "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%identity_records%'")" -gt 0 ]
fi

check "the regression tests" regress "${extensions[@]/#/--load-extension=}"
passed=$((passed + REGRESS_PASSED)) failed=$((failed + REGRESS_FAILED))
check "nobody crashed" bash -c "! grep -aE 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
