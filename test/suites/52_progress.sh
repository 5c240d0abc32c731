#!/usr/bin/env bash
# A running build is seen from another session: its numbers only grow, and its row is gone after success, error, cancel,
# termination and the early close of a cursor. The build waits at gates which the test opens, so no clock takes part.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

server_start
sql --quiet <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE TABLE app AS SELECT n AS id, format('p%s@x.com', n) AS email FROM generate_series(1, 6000) n;
CREATE TABLE shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 6000, 2) n;
ANALYZE app, shop;
CREATE TABLE gates (name text);
-- True, once the gate is open.
CREATE FUNCTION gate(gate text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  WHILE NOT EXISTS (SELECT FROM gates WHERE name = gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
  RETURN true;
END $$;
-- Two gates in the first source, one in the second.
CREATE FUNCTION tools() RETURNS identity_clause[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[
  identity_source('app', 'SELECT id, email FROM app WHERE id % 2000 > 0 OR gate(id::text)'),
  identity_source('shop', 'SELECT id, email FROM shop WHERE id <> 2001 OR gate(''shop'')')] $$;
-- What another session sees, over and over, until it is told to stop.
CREATE TABLE seen (n serial, started timestamptz, result text, stage int, source int, records bigint, identifiers bigint, emitted bigint, share float);
CREATE PROCEDURE watch() LANGUAGE plpgsql AS $$
BEGIN
  WHILE NOT EXISTS (SELECT FROM gates WHERE name = 'stop') LOOP
    INSERT INTO seen (started, result, stage, source, records, identifiers, emitted, share)
      SELECT started, result, array_position(ARRAY['scan', 'union', 'guard', 'label', 'emit'], stage), source, records_read, identifiers, identities_emitted, share_done
        FROM identity_progress;
    COMMIT;
    PERFORM pg_sleep(0.002);
  END LOOP;
END $$;
CREATE ROLE stranger LOGIN;
CREATE ROLE monitor LOGIN IN ROLE pg_read_all_stats;
SQL
see() { sql -At -F ' ' -c "SELECT $1 FROM identity_progress" "${@:2}"; }
open_gate() { sql --quiet -c "INSERT INTO gates SELECT unnest(string_to_array('$1', ' '))"; }
# Waits for a condition about the progress; half a minute means that it will never come true.
await() {
  local i
  for ((i = 0; i < 1500; i++)); do
    if [ "$(sql -At -c "SELECT $1 FROM (SELECT count(*) AS builds, max(stage) AS stage, max(source) AS source, max(records_read) AS records_read FROM identity_progress) p")" = t ]; then return 0; fi
    sleep 0.02
  done
  echo "never came true: $1; seen: $(see "stage, source, records_read")"
  return 1
}

# The builder, a session of its own that takes statements through a pipe.
mkfifo "$SERVER_DIR/builder"
start_builder() {
  PGAPPNAME=builder psql --no-psqlrc --quiet --tuples-only --no-align <"$SERVER_DIR/builder" >>"$SERVER_DIR/answers" 2>&1 &
  builder=$!
  exec 3>"$SERVER_DIR/builder"
}
build() { printf '%s;\n' "$1" >&3; }
pid_of_builder() { sql -At -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'builder'"; }

# A build from its beginning to its end.
start_builder
sql --quiet -c "CALL watch()" &
watcher=$!
build "SET identity_resolve.log_stages = on"
build "CREATE TABLE people AS SELECT * FROM resolve_identities(VARIADIC tools()) AS (app_id int, shop_id int, email text) WHERE app_id <> 5000 OR gate('emit')"
check "seen before the first gate" await "stage = 'scan' AND source = 1 AND records_read = 1024"
check "all of it, from another session" [ "$(see "datname, usename, result, sources, records_estimated >= 3000, identities, bytes_spilled, elapsed > interval '0', pid = $(pid_of_builder)")" = "postgres postgres identities 2 t 0 0 t t" ]
check "no view of PostgreSQL's own shows it" [ "$(sql -At -c "SELECT (SELECT count(*) FROM pg_stat_progress_copy) + (SELECT count(*) FROM pg_stat_progress_create_index) + (SELECT count(*) FROM pg_stat_progress_vacuum)
  + (SELECT count(*) FROM pg_stat_progress_analyze) + (SELECT count(*) FROM pg_stat_progress_cluster) + (SELECT count(*) FROM pg_stat_progress_basebackup)")" -eq 0 ]
check "a stranger sees that there is a build" [ "$(see "pid = $(pid_of_builder), datname" -U stranger)" = "t postgres" ]
check "... and no more" [ "$(see "num_nulls(usesysid, usename, started, elapsed, result, stage, source, sources, records_read, records_estimated, identifiers, identities, identities_emitted, bytes_spilled, workers, share_done)" -U stranger)" = 16 ]
check "a member of pg_read_all_stats sees all" [ "$(see "stage, records_read" -U monitor)" = "scan 1024" ]
sql --quiet -c "CREATE DATABASE other" -c "\c other" -c "CREATE EXTENSION identity_resolve"
check "so does one in another database" [ "$(see "datname, stage" -d other)" = "postgres scan" ]
open_gate 2000
check "it moves within a source" await "source = 1 AND records_read = 3072"
open_gate "4000 6000"
check "... and on to the next" await "source = 2 AND records_read >= 6000"
open_gate shop
check "... and to the output" await "stage = 'emit' AND records_read = 9000"
check "a part of which is done" [ "$(see "identities, identities_emitted, round(share_done::numeric, 2)")" = "6000 4096 0.90" ]
open_gate emit
check "at the end it is gone" await "builds = 0"
open_gate stop
wait $watcher
sql -P footer=off -c "SELECT stage, count(*) AS looks, min(records) AS records_from, max(records) AS records_to, min(share) AS share_from, max(share) AS share_to FROM seen GROUP BY 1 ORDER BY 1"
check "seen in the stages scan and emit at least" [ "$(sql -At -c "SELECT count(DISTINCT stage) FROM seen WHERE stage IN (1, 5)")" -eq 2 ]
check "each number only grew, between 0 and 1 the share" [ "$(sql -At -c "SELECT count(*) FROM (SELECT *, lag(seen) OVER (ORDER BY n) AS before FROM seen) s
  WHERE stage < (before).stage OR source < (before).source OR records < (before).records OR identifiers < (before).identifiers OR emitted < (before).emitted OR share < (before).share
     OR NOT share BETWEEN 0 AND 1 OR started <> (before).started")" -eq 0 ]
build "\\echo built"
until grep -q '^built' "$SERVER_DIR/answers"; do sleep 0.02; done
check "each stage was told" diff - <(sed -E 's/.*NOTICE: +//; s/ [0-9]+ ms/ … ms/; /^built/d' "$SERVER_DIR/answers") <<'TEXT'
identity_resolve: scan took … ms: 9000 records of 2 sources, 9000 identifiers
identity_resolve: union took … ms: 9000 identifiers
identity_resolve: guard took … ms
identity_resolve: label took … ms: 6000 identities
identity_resolve: emit took … ms: 6000 identities
TEXT

# Ends of every other kind.
build "RESET identity_resolve.log_stages"
slow="SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email FROM app WHERE id <> 3000 OR gate(''END'')'))"

build "SELECT 1 / (record_id::int - 3000) FROM identity_records(identity_source('app', 'SELECT id, email FROM app WHERE id <> 3000 OR gate(''error'')'))"
check "a build that will fail is seen" await "records_read = 2048"
open_gate error
check "... and gone after the error" await "builds = 0"
build "${slow/END/never}"
check "a build is seen" await "records_read = 2048"
sql -At -c "SELECT pg_cancel_backend($(pid_of_builder))" >/dev/null
check "... and gone after a cancel" await "builds = 0"
build "BEGIN; DECLARE c CURSOR FOR SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM app')); FETCH 1 FROM c"
check "a cursor that is read is seen" await "stage = 'emit'"
build "CLOSE c"
check "... and gone after CLOSE, though the transaction goes on" await "builds = 0"
build "ROLLBACK; BEGIN; DECLARE c CURSOR FOR SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM app')); FETCH 1 FROM c"
check "another one" await "stage = 'emit'"
build "ROLLBACK"
check "... and gone after ROLLBACK" await "builds = 0"
build "BEGIN; SAVEPOINT s; ${slow/END/never}"
check "within a savepoint" await "records_read = 2048"
sql -At -c "SELECT pg_cancel_backend($(pid_of_builder))" >/dev/null
check "... gone after a cancel, before ROLLBACK TO" await "builds = 0"
build "ROLLBACK TO s; COMMIT"
build "SET statement_timeout = 500; ${slow/END/never}; RESET statement_timeout"
check "before a timeout" await "records_read = 2048"
check "... and gone after it" await "builds = 0"
build "${slow/END/never}"
check "before the session is terminated" await "records_read = 2048"
sql -At -c "SELECT pg_terminate_backend($(pid_of_builder))" >/dev/null
check "... and gone with it" await "builds = 0"
exec 3>&-
wait $builder 2>/dev/null || true
start_builder
build "BEGIN; DECLARE c CURSOR FOR SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM app')); FETCH 1 FROM c"
check "a client that goes away with an open cursor" await "stage = 'emit'"
exec 3>&-
wait $builder 2>/dev/null || true
check "... leaves nothing" await "builds = 0"
# ---- A refresh of an identity map: which map, which phase and how far, from its beginning to its end.
sql --quiet <<'SQL'
CREATE SCHEMA tools;
CREATE TABLE tools.app AS SELECT n AS id, format('p%s@x.com', n) AS email FROM generate_series(1, 60000) n;
CREATE TABLE tools.shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 60000, 2) n;
ANALYZE tools.app, tools.shop;
SELECT create_identity_map('tools."The people"', identity_source('app', 'SELECT id, email FROM tools.app WHERE id % 20000 > 0 OR public.gate(''app'' || id)'), identity_source('shop', 'SELECT id, email FROM tools.shop'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'int[]'), identity_column('email', 'text[]')) \g /dev/null
-- What another session sees while the builder works.
CREATE TABLE seen_map (n serial, round int, map text, phase text, stage text, result text, share float);
CREATE PROCEDURE watch_map(round int) LANGUAGE plpgsql AS $$
BEGIN
  WHILE NOT EXISTS (SELECT FROM gates WHERE name = 'stop' || round) LOOP
    INSERT INTO seen_map (round, map, phase, stage, result, share)
      SELECT round, p.map, p.phase, p.stage, p.result, p.share_done FROM pg_stat_activity AS a LEFT JOIN identity_progress AS p USING (pid)
      WHERE a.application_name = 'builder' AND a.state = 'active' AND a.query ~ 'refresh_identity_map';
    COMMIT;
    PERFORM pg_sleep(0.001);
  END LOOP;
END $$;
SQL
refresh="CALL refresh_identity_map('tools.\"The people\"')"
# Waits for a condition about the rows of the view.
await_map() {
  local i
  for ((i = 0; i < 1500; i++)); do
    if [ "$(sql -At -c "SELECT EXISTS (SELECT FROM identity_progress WHERE map = 'tools.\"The people\"' AND $1)")" = t ]; then return 0; fi
    sleep 0.02
  done
  echo "never came true: $1; seen: $(see "map, phase, stage, source, records_read, waits_for")"
  return 1
}
start_builder
# A session that holds a lock until it is told.
mkfifo "$SERVER_DIR/holder"
psql --no-psqlrc --quiet --tuples-only --no-align <"$SERVER_DIR/holder" >"$SERVER_DIR/held" 2>&1 &
holder=$!
exec 4>"$SERVER_DIR/holder"
hold() { printf '%s;\n\\echo %s\n' "$1" "$2" >&4; until grep -qx "$2" "$SERVER_DIR/held"; do sleep 0.02; done; }

sql --quiet -c "CALL watch_map(1)" &
watcher=$!
hold "BEGIN; LOCK TABLE tools.shop IN ACCESS EXCLUSIVE MODE" locked
build "$refresh"
check "a refresh that waits for a source's table" await_map "phase = 'prepare' AND waits_for = 'relation' AND result = 'refresh' AND stage IS NULL AND share_done IS NULL"
PGAPPNAME=second sql --quiet -c "$refresh" &
second=$!
check "a second one, which waits for the first" await_map "phase = 'wait' AND waits_for = 'object'"
check "... each in a row of its own" [ "$(see "count(*), count(DISTINCT pid), count(DISTINCT phase)")" = "2 2 2" ]
check "a stranger sees that there are two" [ "$(see "count(*), count(map), count(phase), count(waits_for)" -U stranger)" = "2 0 0 0" ]
check "another database does not name the map" [ "$(see "count(*), count(map), count(phase)" -d other)" = "2 0 2" ]
hold "ROLLBACK" unlocked
check "the first fill reads" await_map "(phase, source, sources) = ('read', 1, 2) AND records_read BETWEEN 1 AND 20000 AND records_estimated > 10000 AND share_done BETWEEN 0 AND 1 OR phase = 'resolve' AND stage = 'scan'"
open_gate "app20000 app40000 app60000"
wait $second
check "both are over, and nothing is left" await "builds = 0"
open_gate stop1
wait $watcher
sql -P footer=off -c "SELECT string_agg(format('%s %s', phase, looks), ' ' ORDER BY first) AS \"phases as they came, and looks\" FROM (SELECT phase, min(n) AS first, count(*) AS looks FROM (SELECT n, phase, n - row_number() OVER (PARTITION BY phase ORDER BY n) AS run FROM seen_map WHERE round = 1) AS s GROUP BY phase, run) AS r"
sql -P footer=off -c "SELECT phase, stage, count(*) AS looks, max(share) AS share FROM seen_map WHERE round = 1 GROUP BY 1, 2 ORDER BY min(n)"
check "seen in each of these phases" [ "$(sql -At -c "SELECT count(DISTINCT phase) FROM seen_map WHERE round = 1 AND phase IN ('prepare', 'read', 'resolve', 'write', 'index')")" -ge 4 ]
check "at hardly any look was the refresh on and not in the view" [ "$(sql -At -c "SELECT count(*) FILTER (WHERE map IS NULL) * 10 < count(*) FROM seen_map WHERE round = 1")" = t ]
check "every time with the map, every time a refresh" [ "$(sql -At -c "SELECT count(*) FROM seen_map WHERE phase IS NOT NULL AND (map, result) IS DISTINCT FROM ('tools.\"The people\"', 'refresh')")" = 0 ]

# What changed; calls of identify() that have not ended; then everything.
sql --quiet -c "DELETE FROM gates WHERE name LIKE 'app%'" -c "UPDATE tools.app SET email = 'new' || email WHERE id <= 500"
hold "BEGIN; SELECT identify('tools.\"The people\"', 'u1')" identified
build "$refresh"
check "it reads one source after the other" await_map "phase = 'read' AND source = 1 AND sources >= 2 AND records_read BETWEEN 1 AND 20000"
open_gate "app20000 app40000"
check "... further on" await_map "phase = 'read' AND source = 1 AND records_read > 50000 AND share_done > 0.5"
open_gate app60000
check "it waits for calls of identify() to end" await_map "phase = 'wait' AND waits_for = 'object'"
hold "COMMIT" committed
check "it is over" await "builds = 0"
sql --quiet -c "DELETE FROM gates WHERE name LIKE 'app%'"
build "$refresh"
check "another one" await_map "phase = 'read'"
sql -At -c "SELECT pg_cancel_backend($(pid_of_builder))" >/dev/null
check "... gone after a cancel" await "builds = 0"
build "BEGIN; SAVEPOINT s; $refresh"
check "within a savepoint" await_map "phase = 'read'"
sql -At -c "SELECT pg_cancel_backend($(pid_of_builder))" >/dev/null
check "... gone after a cancel, before ROLLBACK TO" await "builds = 0"
build "ROLLBACK"
build "BEGIN; DECLARE c CURSOR FOR SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM public.app')); FETCH 1 FROM c"
check "a cursor that is read" await "stage = 'emit'"
build "$refresh"
check "... makes way for a refresh" await_map "phase = 'read'"
open_gate "app20000 app40000 app60000"
build "FETCH 5000 FROM c"
check "... and comes back with its next rows" await "stage = 'emit'"
build "COMMIT"
check "nothing is left" await "builds = 0"
sql --quiet -c "ALTER TABLE tools.app RENAME COLUMN email TO mail"
build "$refresh"
build "\\echo failed"
until grep -q '^failed' "$SERVER_DIR/answers"; do sleep 0.02; done
check "nor after an error" await "builds = 0"
exec 4>&-
wait $holder 2>/dev/null || true
exec 3>&-
wait $builder 2>/dev/null || true
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
