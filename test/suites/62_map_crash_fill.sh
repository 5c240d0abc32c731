#!/usr/bin/env bash
# The server is killed while a refresh fills a map anew: every process at once, the refreshing session alone, or by an immediate
# stop, at random moments from when it opens the state for writing until after the commit, with wal_level minimal and replica. The
# map is as before or as after, sound, and the next refresh works. No relation is left over, and no file.
# KILLS=100 SEED=7 test/suites/62_map_crash_fill.sh does more of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/amcheck.sh

kills=${KILLS:-18}
people=${PEOPLE:-5000}
seed=${SEED:-$$}
RANDOM=$seed
echo "SEED=$seed"
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "synchronous_commit = on" "full_page_writes = on" "autovacuum = off" "jit = off" "max_wal_size = 2GB" "log_checkpoints = off" "max_wal_senders = 0" "wal_level = minimal"
sql --quiet -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet -v people="$people" <<'SQL'
SET client_min_messages = error;
CREATE TABLE app (id int PRIMARY KEY, email text, label text);
CREATE TABLE shop (id text PRIMARY KEY, email text[]);
INSERT INTO app SELECT n, format('p%s@x.com', n), 'label' FROM generate_series(1, :people) n;
INSERT INTO shop SELECT 's' || n, ARRAY[format('P%s@x.com', n), format('q%s@x.com', n)] FROM generate_series(1, :people) n;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email, label FROM app'), identity_source('shop', 'SELECT id, email FROM shop'), identity_rule('label', link => false), identity_rule('user_id', max_per_identity => 0),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('identify_id', 'text[]'), identity_column('email', 'text[]'), identity_column('label')) \g /dev/null
CALL refresh_identity_map('people');

-- What the map and its state are, row by row, whatever their order on disk.
CREATE FUNCTION state() RETURNS TABLE (what text, hash numeric) LANGUAGE plpgsql AS $$
DECLARE r regclass;
BEGIN
  FOR r IN SELECT 'people'::regclass UNION ALL SELECT c.oid FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' AND relpersistence = 'p' ORDER BY 1 LOOP
    RETURN QUERY EXECUTE format('SELECT %L, coalesce(sum(hashtextextended(t::text, 0)), 0) FROM %s t', r::text, r);
  END LOOP;
END $$;
CREATE FUNCTION state_hash() RETURNS text LANGUAGE sql AS $$ SELECT md5(string_agg(what || ' ' || hash, ', ' ORDER BY what)) FROM state() $$;
-- Relations by name: one that is left would be one more.
CREATE FUNCTION relations() RETURNS text LANGUAGE sql AS $$ SELECT md5(string_agg(oid || ' ' || relname, ', ' ORDER BY oid)) FROM pg_class WHERE relkind <> 't' AND relname !~ '^pg_toast' AND relnamespace <> pg_my_temp_schema() $$;
-- TOAST tables whose table is not there, and tables that were to take another's place.
CREATE FUNCTION left_over() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM pg_class c
  WHERE c.relname LIKE 'pg\_temp\_%' OR (c.relkind = 't' AND NOT EXISTS (SELECT FROM pg_class o WHERE o.reltoastrelid = c.oid)) $$;
-- Files of this database that no relation has.
CREATE FUNCTION stray_files() RETURNS TABLE (node oid, bytes bigint) LANGUAGE sql AS $$
  SELECT split_part(split_part(f, '_', 1), '.', 1)::oid, sum((pg_stat_file(d.folder || '/' || f, true)).size)::bigint
  FROM (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()) d, pg_ls_dir(d.folder) f
  WHERE f ~ '^[0-9]+' AND NOT EXISTS (SELECT FROM pg_class c WHERE pg_relation_filenode(c.oid) = split_part(split_part(f, '_', 1), '.', 1)::oid)
  GROUP BY 1 $$;
CREATE TABLE known_strays (node oid PRIMARY KEY, bytes bigint);
-- Waits until a session has opened the state for writing, then a while: its process, and whether it writes still.
CREATE FUNCTION wait_for_writing(ms float) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  refresher int;
  began timestamptz := clock_timestamp();
BEGIN
  LOOP
    SELECT l.pid INTO refresher FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid() AND c.relnamespace = 'identity_state'::regnamespace AND c.relname LIKE '%identities' LIMIT 1;
    EXIT WHEN refresher IS NOT NULL OR clock_timestamp() > began + interval '60 s';
    PERFORM pg_sleep(0.0005);
  END LOOP;
  PERFORM pg_sleep(ms / 1000);
  RETURN refresher || ' ' || (SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                              WHERE l.mode = 'RowExclusiveLock' AND l.granted AND l.pid = refresher AND c.relnamespace = 'identity_state'::regnamespace AND c.relname LIKE '%identities');
END $$;
-- How long the writing takes, until the commit.
CREATE FUNCTION length_of_writing() RETURNS float LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz;
BEGIN
  PERFORM wait_for_writing(0);
  began := clock_timestamp();
  WHILE EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid() AND c.relnamespace = 'identity_state'::regnamespace AND c.relname LIKE '%identities') LOOP
    PERFORM pg_sleep(0.0005);
  END LOOP;
  RETURN extract(epoch FROM clock_timestamp() - began) * 1000;
END $$;
SQL

# Changes in each kind of table that the state has.
shake() { sql --quiet -c "UPDATE app SET email = format('p%s@x.com', 1 + (id * 7 + $1) % $people), label = 'label $1'" -c "DELETE FROM shop WHERE id IN (SELECT 's' || n FROM generate_series(1 + $1, $people, 50) n)" \
  -c "INSERT INTO shop SELECT 's' || n, ARRAY[format('p%s@x.com', n)] FROM generate_series(2 + $1, $people, 50) n ON CONFLICT DO NOTHING"; }
refresh="CALL refresh_identity_map('people', \"full\" => true)"
murder() {
  local postmaster children process
  postmaster=$(head -n 1 "$SERVER_DIR/data/postmaster.pid")
  children=$(ps --ppid "$postmaster" -o pid= || true)
  kill -9 "$postmaster" $children 2>/dev/null || true
  for process in $postmaster $children; do
    while kill -0 "$process" 2>/dev/null && [ "$(ps -o state= -p "$process" 2>/dev/null)" != Z ]; do sleep 0.02; done
  done
  rm -f "$SERVER_DIR/data/postmaster.pid" "$SERVER_DIR/.s.PGSQL.$PGPORT.lock"
}
# Its answer comes without the time that a program takes to end.
start_watcher() { coproc watcher { stdbuf -oL psql --no-psqlrc --quiet -At 2>/dev/null; }; watch_pid=$!; }
stop_watcher() { kill "$watch_pid" 2>/dev/null || true; wait "$watch_pid" 2>/dev/null || true; }
watch_() { # statement: its answer into $answer
  echo "$1;" >&"${watcher[1]}"
  read -r -t 90 answer <&"${watcher[0]}"
}

shake 1
start_watcher
sql --quiet -c "SET client_min_messages = error" -c "$refresh" &
refresher=$!
watch_ "SELECT length_of_writing()"
window=$answer
wait "$refresher"
stop_watcher
echo "the writing takes $window ms"
value "CHECKPOINT" >/dev/null
check "no stray file before the first kill" [ "$(value "SELECT count(*) FROM stray_files()")" -eq 0 ]

in_writing=0 as_before=0 as_after=0 neither=0 apart=0 unsound=0 wrong=0 relations_left=0 files_of_committed=0 files_of_refresh=0 strays=0 stray_bytes=0 lost_ids=0
for ((i = 0; i < kills; i++)); do
  # By halves: with the rows of new tables in the log, and without.
  if ((i == kills / 2)); then server_conf "wal_level = replica"; fi
  shake $((i + 2))
  before=$(value "SELECT state_hash() || ' ' || refreshes FROM identity_maps")
  relations=$(value "SELECT relations()")
  sql --quiet -c "TRUNCATE known_strays; CHECKPOINT" -c "INSERT INTO known_strays SELECT * FROM stray_files()"
  start_watcher
  sql --quiet -c "SET client_min_messages = error" -c "$refresh" >/dev/null 2>&1 &
  refresher=$!
  # A tenth of the moments are after its end.
  delay=$(awk -v r=$RANDOM -v w="$window" 'BEGIN { print r / 32768 * w * 1.1 }')
  watch_ "SELECT wait_for_writing($delay)"
  read -r victim held <<<"$answer"
  case $((i % 3)) in
    0) murder ;;
    1)
      kill -9 "$victim" 2>/dev/null || true
      wait "$refresher" || true
      ;;
    2) server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=immediate --silent stop >/dev/null ;;
  esac
  wait "$refresher" || true
  stop_watcher
  if ((i % 3 == 1)); then
    # The postmaster starts again by itself; a session that had ended by then was no crash.
    until value "SELECT 1" >/dev/null 2>&1; do sleep 0.05; done
  else
    server_up
  fi
  if ((held > 0)); then in_writing=$((in_writing + 1)); fi
  sound || { unsound=$((unsound + 1)); echo "kill $i: not sound"; }
  after=$(value "SELECT state_hash() || ' ' || refreshes FROM identity_maps")
  sql --quiet -c "CALL model.together('people')" || apart=$((apart + 1))
  value CHECKPOINT >/dev/null
  found=$(value "SELECT count(*) || ' ' || coalesce(sum(bytes), 0) FROM stray_files() WHERE node NOT IN (SELECT node FROM known_strays)")
  if [ "$after" = "$before" ]; then
    as_before=$((as_before + 1))
    strays=$((strays + ${found% *})) stray_bytes=$((stray_bytes + ${found#* }))
  elif [ "${after#* }" -eq $((${before#* } + 1)) ] && [ -z "$(value "SELECT model.as_resolved('people')")" ]; then
    as_after=$((as_after + 1))
    if ((${found% *} > 0)); then files_of_committed=$((files_of_committed + 1)); echo "kill $i: the refresh was committed, and files are left: $found"; fi
  else
    neither=$((neither + 1))
    echo "kill $i: neither as before nor as after"
  fi
  [ "$(value "SELECT relations()")" = "$relations" ] && [ "$(value "SELECT left_over()")" -eq 0 ] || { relations_left=$((relations_left + 1)); echo "kill $i: relations are left"; }
  # The next one, and what it leaves.
  sql --quiet -c "CHECKPOINT" -c "TRUNCATE known_strays" -c "INSERT INTO known_strays SELECT * FROM stray_files()" -c "CREATE TABLE kept AS TABLE people" -c "CALL refresh_identity_map('people')"
  found=$(value "SELECT model.as_resolved('people')")
  [ -z "$found" ] || { wrong=$((wrong + 1)); echo "kill $i: $found"; }
  lost_ids=$((lost_ids + $(value "SELECT count(*) FROM kept k JOIN people p ON (k.app_id, k.shop_id) IS NOT DISTINCT FROM (p.app_id, p.shop_id) WHERE k.identity_id <> p.identity_id")))
  sql --quiet -c "DROP TABLE kept" -c CHECKPOINT
  [ "$(value "SELECT count(*) FROM stray_files() WHERE node NOT IN (SELECT node FROM known_strays)")" -eq 0 ] || { files_of_refresh=$((files_of_refresh + 1)); echo "kill $i: the refresh after it leaves files"; }
done
echo "$kills kills, $in_writing of them while it was written; $as_before left the map as before, $as_after as after"
check "each kill leaves the map as before or as after" [ $neither -eq 0 ]
check "most kills met the writing" [ $in_writing -ge $((kills / 2)) ]
check "table and state are one" [ $apart -eq 0 ]
check "amcheck finds tables and indexes sound after each kill" [ $unsound -eq 0 ]
check "the next refresh gives what a full resolve gives" [ $wrong -eq 0 ]
check "ids stay" [ $lost_ids -eq 0 ]
check "no relation is left over" [ $relations_left -eq 0 ]
check "a refresh that was committed leaves no file" [ $files_of_committed -eq 0 ]
check "nor does the refresh after it" [ $files_of_refresh -eq 0 ]
echo "files of killed transactions that are left: $strays, $((stray_bytes / 1024)) kB"

# ---- The same of PostgreSQL's own: a table that was being made.
sql --quiet -c "TRUNCATE known_strays; CHECKPOINT" -c "INSERT INTO known_strays SELECT * FROM stray_files()"
value "CHECKPOINT" >/dev/null
sql --quiet -c "BEGIN; CREATE TABLE made AS SELECT * FROM people; SELECT pg_sleep(600)" >/dev/null 2>&1 &
maker=$!
until [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()")" -eq 1 ]; do sleep 0.05; done
murder
wait "$maker" || true
server_up
value CHECKPOINT >/dev/null
own=$(value "SELECT count(*) FROM stray_files() WHERE node NOT IN (SELECT node FROM known_strays)")
echo "a CREATE TABLE that is killed leaves $own files"
check "PostgreSQL leaves the files of what a killed transaction has made; and stray files are noticed" [ $((own > 0 || strays == 0)) -eq 1 ]
check "nobody crashed but by our hand" bash -c "! grep -E 'PANIC|TRAP:|terminated by signal (11|6|7|8)' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
