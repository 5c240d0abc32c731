#!/usr/bin/env bash
# The real pg_cron refreshes an identity map each minute, as its finest schedule allows, while a writer changes the sources
# without a pause. Both in the server's own workers and by connections of pg_cron's. Takes about two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/install.sh
source ../lib/server.sh

library=$("$PG_CONFIG" --pkglibdir)/pg_cron.so
[ -e "$library" ] || install_packages test || true
if [ ! -e "$library" ]; then
  echo "pg_cron is not installed ($library)"
  exit 77
fi
passed=0
failed=0
check() {
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "shared_preload_libraries = 'pg_cron'" "cron.database_name = 'postgres'" "cron.use_background_workers = on" "max_worker_processes = 16" "jit = off"
sql --quiet -c 'CREATE EXTENSION pg_cron' -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = error;
CREATE TABLE app (id int PRIMARY KEY, email text);
CREATE TABLE shop (id text PRIMARY KEY, email text);
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 20000) n;
INSERT INTO shop SELECT format('cus_%s', n), format('P%s@x.com', n) FROM generate_series(1, 20000, 2) n;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app'), identity_source('shop', 'SELECT id, email FROM shop', capture => 'trigger'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('email', 'text[]')) \g /dev/null
CALL refresh_identity_map('people');
SELECT cron.schedule('refresh', '* * * * *', $$CALL refresh_identity_map('people')$$) \g /dev/null
CREATE TABLE written (n int, at timestamptz DEFAULT clock_timestamp());
CREATE PROCEDURE write_on(until timestamptz) LANGUAGE plpgsql AS $$
DECLARE n int := 0;
BEGIN
  WHILE clock_timestamp() < until LOOP
    n := n + 1;
    INSERT INTO app VALUES (100000 + n, format('new%s@x.com', n));
    INSERT INTO shop VALUES ('cus_new' || n, format('NEW%s@x.com', n));
    UPDATE shop SET email = format('p%s@x.com', 1 + (n * 7) % 20000) WHERE id = 'cus_' || 1 + 2 * (n % 10000);
    INSERT INTO written VALUES (n, clock_timestamp());
    COMMIT;
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$;
CREATE TABLE seen (rows bigint, ids bigint, records bigint);
CREATE PROCEDURE read_on(until timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  WHILE clock_timestamp() < until LOOP
    INSERT INTO seen SELECT count(*), count(DISTINCT identity_id), sum(coalesce(cardinality(app_id), 0) + coalesce(cardinality(shop_id), 0)) FROM people;
    COMMIT;
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;
SQL
until=$(value "SELECT clock_timestamp() + interval '10 min'")
sql --quiet -c "CALL write_on('$until')" >/dev/null 2>&1 &
writer=$!
sql --quiet -c "CALL read_on('$until')" >"$SERVER_DIR/reader.out" 2>&1 &
reader=$!
runs() { value "SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'"; }
deadline=$((SECONDS + 200))
until [ "$(runs)" -ge 2 ] || [ $SECONDS -ge $deadline ]; do sleep 0.5; done
check "two runs succeeded" [ "$(runs)" -ge 2 ]
sql --quiet -c "SELECT cron.unschedule('refresh')" >/dev/null
value "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL write_on%' OR query LIKE 'CALL read_on%'" >/dev/null
wait $writer $reader 2>/dev/null || true
sql -P footer=off -c "SELECT status, return_message, start_time, end_time - start_time AS took FROM cron.job_run_details ORDER BY runid" \
  -c "SELECT count(*) AS reads, count(DISTINCT (rows, records)) AS \"states seen\", min(rows), max(rows) FROM seen" -c "SELECT map, refreshes, last_refresh, last_duration, last_changes, last_error FROM identity_maps"
check "none failed" [ "$(value "SELECT count(*) FROM cron.job_run_details WHERE status NOT IN ('succeeded', 'running', 'starting')")" -eq 0 ]
check "each was a refresh" [ "$(value "SELECT refreshes FROM identity_maps")" -ge 3 ]
check "what was written before the last run is there" [ "$(value "SELECT count(*) FROM written w WHERE w.at < (SELECT last_refresh FROM identity_maps) - interval '200 ms' AND NOT EXISTS (SELECT FROM people WHERE app_id @> ARRAY[100000 + w.n] AND shop_id @> ARRAY['cus_new' || w.n])")" -eq 0 ]
check "that was not nothing" [ "$(value "SELECT count(*) FROM people WHERE app_id && ARRAY(SELECT 100000 + n FROM written)")" -gt 100 ]
check "readers saw three states or more, whole ones" [ "$(value "SELECT count(DISTINCT (rows, records)) >= 3 AND min(rows) > 15000 AND bool_and(rows = ids) FROM seen")" = t ]
sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('people')"
check "the map is what a full resolve gives" [ -z "$(value "SELECT model.as_resolved('people')")" ]
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
