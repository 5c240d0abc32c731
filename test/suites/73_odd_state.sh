#!/usr/bin/env bash
# The state of a map as nobody is meant to make it: tables that a superuser has altered, and rows into which the map's owner has
# written what comes to mind. Every call goes on or says what is wrong; the server does not crash, and shows nobody its memory. A
# refresh replaces a state whose tables are not as they were made; a full one mends rows, or the error is none of ours (XX000) and
# the state can be dropped and made anew. In the end the map is what a full resolve gives.
# SEED=7 test/suites/73_odd_state.sh writes other rubbish; ALTERED=400 and SPOILED=400 try more of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

seed=${SEED:-1}
echo "SEED=$seed"
RANDOM=$seed
passed=0
failed=0
check() { # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
# A server that is there already (90_sanitizers.sh) is used, and kept.
if [[ -n ${KEPT_SERVER:-} ]]; then
  SERVER_DIR=$KEPT_SERVER SERVER_LOG=$KEPT_SERVER/log
else
  server_start "jit = off" "autovacuum = off"
fi
createdb odd
export PGDATABASE=odd
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }
sql --quiet -o /dev/null <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION identity_resolve;
CREATE ROLE anna LOGIN;
CREATE SCHEMA tools AUTHORIZATION anna;
SET ROLE anna;
CREATE TABLE tools.app (id int PRIMARY KEY, email text, phone text[]);
INSERT INTO tools.app SELECT n, format('p%s@x.com', n % 90), ARRAY['+1415555' || 1000 + n % 70] FROM generate_series(1, 120) n;
CREATE TABLE tools.shop (id text PRIMARY KEY, email text);
INSERT INTO tools.shop SELECT 's' || n, format('p%s@x.com', n) FROM generate_series(1, 120, 2) n;
CREATE TABLE tools.merges AS SELECT format('p%s@x.com', n) AS former, format('P%s@x.com', n + 1) AS present FROM generate_series(50, 70, 2) n;
SELECT create_identity_map('tools.people', identity_source('app', 'SELECT id, email, phone FROM tools.app'), identity_source('shop', 'SELECT id, email FROM tools.shop', capture => 'trigger'),
  identity_rule('user_id', max_per_identity => 0), identity_rule('email', max_records => 40), identity_alias('email', 'TABLE tools.merges'), identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('tools.people');
UPDATE tools.shop SET email = 'p4@x.com' WHERE id = 's1';
CALL refresh_identity_map('tools.people');
SELECT identify('tools.people', 'jane', '{"email": "p7@x.com"}'), forget('tools.people', 'app', '20');
SQL
prefix() { value "SELECT 'identity_state.m' || map_id FROM identity_internal.identity_map_catalog"; }

# What people call, one after the other; what each says goes to $SERVER_DIR/said.
round=0
calls() {
  round=$((round + 1))
  PGUSER=anna psql --no-psqlrc --quiet -At -v VERBOSITY=verbose >>"$SERVER_DIR/said" 2>&1 <<SQL
SET client_min_messages = error;
SET statement_timeout = '60s';
\echo round $round: $1
UPDATE tools.shop SET email = 'p$((RANDOM % 90))@x.com' WHERE id = 's$((RANDOM % 60 * 2 + 1))';
UPDATE tools.app SET email = 'p$((RANDOM % 90))@x.com' WHERE id = $((RANDOM % 120 + 1));
SELECT identify('tools.people', 'u$((RANDOM % 9))', '{"email": "p$((RANDOM % 90))@x.com"}') IS NULL;
SELECT count(identity_current('tools.people', identity_id)) FROM tools.people;
SELECT count(md5(event) || coalesce(by_value, '') || coalesce(from_ids::text, '')) FROM identity_map_history('tools.people');
SELECT count(*), count(identity_of('tools.people', source, record_id)) FROM identity_map_records('tools.people');
SELECT count(*), count(current_id) FROM identity_map_retired('tools.people');
SELECT count(*) FROM identity_of_value('tools.people', 'email', 'p$((RANDOM % 90))@x.com');
SELECT cardinality(identity_map_clauses('tools.people'));
CALL refresh_identity_map('tools.people');
SELECT forget('tools.people', 'app', '$((RANDOM % 120 + 1))'), remember('tools.people', 'app', '20');
CALL refresh_identity_map('tools.people', "full" => true);
\echo ended $round
SQL
  if ! tail -n 1 "$SERVER_DIR/said" | grep -qx "ended $round"; then
    echo "NOT OK: the session ended: $1"
    tail -n 4 "$SERVER_DIR/said" | cut -c 1-300
    failed=$((failed + 1))
    until psql --no-psqlrc -qAtc "SELECT 1" >/dev/null 2>&1; do sleep 0.2; done
  fi
}
as_resolved() {
  value "SELECT count(*) FROM ((SELECT app_id, shop_id, email FROM tools.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('tools.people')) AS (app_id int[], shop_id text[], email text[]))
    UNION ALL (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('tools.people')) AS (app_id int[], shop_id text[], email text[]) EXCEPT ALL SELECT app_id, shop_id, email FROM tools.people)) d"
}
# Nobody is forgotten any more, so that a resolve may be compared.
remember_all() { value "SELECT count(remember('tools.people', 'app', n::text)) FROM generate_series(1, 120) n; CALL refresh_identity_map('tools.people')" >/dev/null; }

# ---- Tables altered by a superuser.
mapfile -t alterations < <(value "SELECT c.relname || '|' || a.attname || '|' || v.change FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  CROSS JOIN (VALUES ('TYPE bigint USING 4242'), ('TYPE text USING ''x'''), ('TYPE uuid USING gen_random_uuid()'), ('TYPE bytea USING ''x'''), ('TYPE smallint USING 1'), ('TYPE bigint[] USING ''{1,NULL}'''), ('DROP'), ('RENAME')) v (change)
  WHERE c.relnamespace = 'identity_state'::regnamespace AND c.relkind = 'r' ORDER BY md5('$seed' || c.relname || a.attname || v.change) LIMIT ${ALTERED:-45}")
refused=0
for alteration in "${alterations[@]}"; do
  IFS='|' read -r table column change <<<"$alteration"
  table=$(prefix)_${table#m*_}
  case $change in
    DROP) command="ALTER TABLE $table DROP COLUMN $column CASCADE" ;;
    RENAME) command="ALTER TABLE $table RENAME COLUMN $column TO other" ;;
    *) command="ALTER TABLE $table ALTER COLUMN $column DROP IDENTITY IF EXISTS; ALTER TABLE $table ALTER COLUMN $column $change" ;;
  esac
  # What cannot be altered so (a key of rows that would be the same) is spoiled by a dropped column.
  sql --quiet -c "$command" >/dev/null 2>&1 || sql --quiet -c "ALTER TABLE $table DROP COLUMN $column CASCADE" >/dev/null 2>&1 || refused=$((refused + 1))
  calls "$command"
done
check "${#alterations[@]} altered tables" [ $refused -lt 5 ]
for command in "DROP TABLE %_retired; CREATE VIEW %_retired AS SELECT gen_random_uuid() AS identity_id, NULL::uuid AS into_id, now() AS at" \
  "DROP TABLE %_log; CREATE SEQUENCE %_log" "DROP TABLE %_places; CREATE TABLE %_places (first bigint, entries bytea) PARTITION BY RANGE (first)" \
  "DROP TABLE %_history" "DROP TABLE %_added CASCADE" "ALTER TABLE %_identities DROP CONSTRAINT %%_identities_pkey" "ALTER TABLE %_identities ADD COLUMN more int DEFAULT 7" "DROP TABLE %_claims"; do
  p=$(prefix)
  command=${command//%%/${p#*.}}
  sql --quiet -c "${command//%/$p}" >/dev/null 2>&1 || true
  calls "$command"
done
remember_all
check "after all of them a refresh has made the map what a full resolve gives" [ "$(as_resolved)" = 0 ]
check "and the state is sound" [ "$(value "SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname ~ '_(places|added|prints|common|identities|retired|gone|history|log|tombstones|aliases|claims|told)\$' AND relkind = 'r'")" = 13 ]

# ---- Rows that the map's owner has written.
values_of() { # a type: an expression
  local bigints=(0 -1 1 9223372036854775807 -9223372036854775808 4242 "(random() * 400)::bigint")
  local arrays=("'{}'" "'{NULL}'" "'{1,NULL}'" "'{3,2,1}'" "'{{1,2},{3,4}}'" "'[5:6]={1,2}'" "'{-9223372036854775808}'" "ARRAY(SELECT (random() * 1e9)::bigint FROM generate_series(1, 300))")
  case $1 in
    bigint | smallint | integer) echo "(${bigints[RANDOM % 7]})::$1" ;;
    'bigint[]') echo "(${arrays[RANDOM % 8]})::bigint[]" ;;
    uuid) [ $((RANDOM % 2)) = 0 ] && echo "gen_random_uuid()" || echo "NULL::uuid" ;;
    'uuid[]') echo "ARRAY[NULL, gen_random_uuid()]::uuid[]" ;;
    bytea)
      local bytes=("NULL::bytea" "''::bytea" "'x'::bytea" "substr(%, 1, length(%) / 2)" "% || %" "% || '\\x00'::bytea" "set_byte(%, (random() * (length(%) - 1))::int, (random() * 255)::int)" "set_bit(%, (random() * (length(%) * 8 - 1))::int, 1)"
        "decode(repeat('ff', 40), 'hex')" "decode(repeat('00', 64), 'hex')" "set_byte(%, 0, (random() * 255)::int)" "set_byte(%, length(%) - 1, (random() * 255)::int)" "set_byte(%, least(4 + (random() * 20)::int, length(%) - 1), 255)")
      local chosen=${bytes[RANDOM % 13]}
      echo "${chosen//%/$2}" ;;
    'text[]') echo "'{NULL,\"\",x,{y}}'::text[]" | sed 's/,{y}//' ;;
    timestamp*) echo "'infinity'::$1" ;;
    *) local texts=("''" "'x'" "repeat('y', 9000)" "NULL"); echo "(${texts[RANDOM % 4]})::$1" ;;
  esac
}
spoil() { # a column of a state's table: writes rubbish into some of its rows
  local table column type
  IFS='|' read -r table column type <<<"$1"
  table=$(prefix)_${table#m*_}
  local command="UPDATE $table SET $column = $(values_of "$type" "$column") WHERE random() < 0.$((RANDOM % 9 + 1))"
  [ $((RANDOM % 12)) = 0 ] && command="DELETE FROM $table WHERE random() < 0.5"
  PGUSER=anna psql --no-psqlrc --quiet -c "SELECT setseed(0.$((RANDOM % 1000)))" -c "$command" >/dev/null 2>&1 || true
  calls "$command"
}
# Packs and prints, which are bytes that C++ reads, more often than others.
mapfile -t columns < <(value "SELECT c.relname || '|' || quote_ident(a.attname) || '|' || format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  CROSS JOIN LATERAL generate_series(1, CASE WHEN a.atttypid = 'bytea'::regtype THEN 6 WHEN a.atttypid = 'bigint[]'::regtype THEN 3 ELSE 1 END) WHERE c.relnamespace = 'identity_state'::regnamespace AND c.relkind = 'r' ORDER BY 1")
for ((i = 0; i < ${SPOILED:-60}; ++i)); do
  # The numbers of tables change as states are replaced; their names' ends do not.
  spoil "${columns[RANDOM % ${#columns[@]}]}"
done
check "${SPOILED:-60} times rubbish in rows" true
# A way out that always is one: without its state the map makes it anew.
sql --quiet -c "DROP TABLE $(prefix)_places CASCADE"
value "DELETE FROM $(prefix)_identities; DELETE FROM $(prefix)_retired; DELETE FROM $(prefix)_history; DELETE FROM $(prefix)_tombstones; DELETE FROM $(prefix)_told" >/dev/null
PGUSER=anna sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('tools.people', \"full\" => true)"
check "a state that is dropped is made anew, and the map is what a full resolve gives" [ "$(as_resolved)" = 0 ]
internal=$(grep -aE 'ERROR: +XX000' "$SERVER_DIR/said" | sort | uniq -c | sort -rn | head -n 5 || true)
check "no error is an internal one" [ -z "$internal" ]
if [ -n "$internal" ]; then echo "$internal" | cut -c 1-300; fi
check "nobody crashed" bash -c "! grep -aE 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

if [ -z "${KEPT_SERVER:-}" ]; then server_stop; fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
