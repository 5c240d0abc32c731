#!/usr/bin/env bash
# Maps do not stop others: a first refresh with triggers lets their table be written while it reads; thousands of identify() in one
# transaction leave the server's table of locks to others, and still wait for whoever is about the same people, and for nobody else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }
# until "SQL condition": waits until it holds, a minute at most.
until_true() { local i; for ((i = 0; i < 600; ++i)); do [ "$(value "SELECT $1")" = t ] && return; sleep 0.1; done; return 1; }

# As few locks as PostgreSQL allows, some 300 in all, once the extension is there: CREATE EXTENSION locks each function.
server_start "jit = off" "max_connections = 20" "max_worker_processes = 2" "deadlock_timeout = 200ms"
sql --quiet -c 'CREATE EXTENSION identity_resolve'
server_conf "max_locks_per_transaction = 10"
sql --quiet -o /dev/null <<'SQL'
SET client_min_messages = error;
CREATE TABLE app (id int PRIMARY KEY, email text);
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 200) n;
CREATE TABLE gate (is_open boolean);
INSERT INTO gate VALUES (false);
-- Waits, as it is read, until the gate is open, as a long query would.
CREATE FUNCTION wait() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app', capture => 'trigger'),
  identity_source('slow', 'SELECT 1 AS id, format(''%s'', wait()) AS email'), identity_rule('user_id', max_per_identity => 0), identity_column('app_id', 'int[]'), identity_column('identify_id', 'text[]'));
SQL

# C.2
sql --quiet -c "SELECT pg_advisory_lock(42)" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
blocker=$!
until_true "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)"
sql --quiet -c "CALL refresh_identity_map('people')" 2>"$SERVER_DIR/refresh.log" &
refresh=$!
check "a refresh is reading its sources" until_true "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
check "the triggers are there" [ "$(value "SELECT count(*) >= 4 FROM pg_trigger WHERE tgrelid = 'app'::regclass AND NOT tgisinternal")" = t ]
check "the table can be written meanwhile" [ "$(value "SET lock_timeout = '5s'; INSERT INTO app VALUES (201, 'new@x.com') RETURNING id")" = 201 ]
check "no lock on it keeps anybody from writing" [ "$(value "SELECT count(*) FROM pg_locks WHERE relation = 'app'::regclass AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')")" = 0 ]
value "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
wait $blocker 2>/dev/null || true
check "the refresh ends well" wait $refresh
value "CALL refresh_identity_map('people')"
check "what was written meanwhile is there after the next one" [ "$(value "SELECT count(*) FROM people WHERE 201 = ANY (app_id)")" = 1 ]
# In a transaction block nothing can be committed in between.
sql --quiet -o /dev/null <<'SQL'
BEGIN;
SELECT alter_identity_map('people', identity_source('app', 'SELECT id, email FROM app'));
CALL refresh_identity_map('people');
SELECT alter_identity_map('people', identity_source('app', 'SELECT id, email FROM app', capture => 'trigger'));
CALL refresh_identity_map('people');
COMMIT;
SQL
check "in a transaction block it works as well" [ "$(value "SELECT refreshes = 4 AND last_error IS NULL FROM identity_maps")" = t ]

# C.6
check "5,000 calls in one statement" [ "$(value "SELECT count(DISTINCT identify('people', 'u' || n, jsonb_build_object('email', format('q%s@x.com', n), 'phone', '+1415555' || 1000 + n % 9000))) FROM generate_series(1, 5000) n")" = 5000 ]
cat >"$SERVER_DIR/many.sql" <<'SQL'
BEGIN;
SELECT count(identify('people', 'm' || n, jsonb_build_object('email', format('m%s@x.com', n)))) FROM generate_series(1, 2000) n;
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('object', 'tuple', 'transactionid') \gset
\echo :locks
SELECT pg_advisory_lock_shared(43);
SELECT pg_advisory_unlock_shared(43);
COMMIT;
SQL
sql --quiet -c "SELECT pg_advisory_lock(43)" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
blocker=$!
until_true "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 43 AND granted)"
sql --quiet -At -f "$SERVER_DIR/many.sql" >"$SERVER_DIR/many.log" 2>&1 &
many=$!
check "2,000 calls in a transaction that stays open" until_true "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 43 AND NOT granted)"
check "take a handful of locks" [ "$(sed -n 2p "$SERVER_DIR/many.log")" -lt 10 ]
check "others may call meanwhile, about others" [ "$(value "SET statement_timeout = '20s'; SELECT identify('people', 'other', '{\"email\": \"other@x.com\"}') IS NOT NULL")" = t ]
check "about the same people they wait" [ "$(value "SET statement_timeout = '2s'; SELECT identify('people', 'other', '{\"email\": \"m7@x.com\"}') IS NOT NULL" 2>&1 | grep -c 'statement timeout')" = 1 ]
check "others have locks to take" [ "$(value "SELECT count(*) FROM (SELECT pg_advisory_lock(1000 + n) FROM generate_series(1, 100) n) t")" = 100 ]
sql --quiet -At -c "SELECT identify('people', 'waits', '{\"email\": \"m9@x.com\"}') IS NOT NULL" -c "SELECT count(*) FROM people WHERE identify_id @> '{m9,waits}'" >"$SERVER_DIR/waits.log" 2>&1 &
waits=$!
check "one who waits" until_true "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%waits%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid())"
value "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 43 AND granted" >/dev/null
wait $blocker 2>/dev/null || true
check "ends when the others have ended" wait $many $waits
check "and meets them" grep -qx 1 "$SERVER_DIR/waits.log"
# Two who want each other's people end by a deadlock, which ends one of them, as with rows.
sql --quiet -o /dev/null -c "BEGIN; SELECT identify('people', 'd1', '{\"email\": \"d1@x.com\"}'); SELECT pg_sleep(1); SELECT identify('people', 'd1b', '{\"email\": \"d2@x.com\"}'); COMMIT" 2>"$SERVER_DIR/d1" &
one=$!
sql --quiet -o /dev/null -c "BEGIN; SELECT identify('people', 'd2', '{\"email\": \"d2@x.com\"}'); SELECT pg_sleep(1); SELECT identify('people', 'd2b', '{\"email\": \"d1@x.com\"}'); COMMIT" 2>"$SERVER_DIR/d2" &
two=$!
ended=0
wait $one || ended=$((ended + 1))
wait $two || ended=$((ended + 1))
check "a deadlock ends one of two" [ "$ended" = 1 ]
check "by its own error" [ "$(cat "$SERVER_DIR/d1" "$SERVER_DIR/d2" | grep -c 'deadlock detected')" = 1 ]
# What claims leave behind goes with a refresh.
claims=$(value "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relname LIKE '%claims'")
check "claims are no rows that anybody sees" [ "$(value "SELECT count(*) FROM $claims")" = 0 ]
check "they are never logged" [ "$(value "SELECT relpersistence FROM pg_class WHERE oid = '$claims'::regclass")" = u ]
for ((i = 0; i < 3; ++i)); do value "SELECT count(identify('people', 'c' || n, jsonb_build_object('email', format('c%s@x.com', n + $i * 10000)))) FROM generate_series(1, 6000) n" >/dev/null; done
value "CALL refresh_identity_map('people')"
check "their room is given back" [ "$(value "SELECT pg_relation_size('$claims') <= 1000000")" = t ]
value "CALL refresh_identity_map('people', \"full\" => true)"
check "a full refresh has nothing to mend" [ "$(value "SELECT last_changes ->> 'inserted', last_changes ->> 'updated', last_changes ->> 'deleted' FROM identity_maps")" = "0|0|0" ]
check "nobody crashed, nobody ran out of shared memory" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:|out of shared memory' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
