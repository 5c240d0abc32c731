#!/usr/bin/env bash
# The real pg_cron rebuilds the master table, each minute as its finest schedule allows: once as a materialised view,
# once as a plain table in one statement. Data changes in between; readers watch that neither is ever empty or half
# built. Takes about three minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

library=$("$PG_CONFIG" --pkglibdir)/pg_cron.so
if [ ! -e "$library" ]; then
  echo "pg_cron is not installed ($library)"
  exit 77
fi
passed=0
failed=0
check() {
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

# cron.use_background_workers: jobs run in the server itself and need no connection.
server_start "shared_preload_libraries = 'pg_cron'" "cron.database_name = 'postgres'" "cron.use_background_workers = on" \
  "max_worker_processes = 16"

sql --quiet <<'SQL'
CREATE EXTENSION pg_cron;
CREATE EXTENSION identity_resolve;
CREATE TABLE app (id int PRIMARY KEY, email text);
CREATE TABLE shop (id text PRIMARY KEY, email text);
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 20000) n;
INSERT INTO shop SELECT format('cus_%s', n), format('P%s@x.com', n) FROM generate_series(1, 20000, 2) n;

-- Built once by hand …
CREATE MATERIALIZED VIEW people_view AS
  SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM public.app'), identity_source('shop', 'SELECT id, email FROM public.shop'))
    AS (identity_id uuid, app_id int, shop_id text, email text);
CREATE UNIQUE INDEX ON people_view (identity_id);
CREATE TABLE people AS TABLE people_view;
CREATE TABLE people_keyed AS TABLE people_view;
ALTER TABLE people_keyed ADD PRIMARY KEY (identity_id);

-- … and then each night; here each minute.
SELECT cron.schedule('view', '* * * * *', 'REFRESH MATERIALIZED VIEW CONCURRENTLY people_view') \g /dev/null
SELECT cron.schedule('table', '* * * * *', $$
  WITH gone AS (DELETE FROM people)
  INSERT INTO people
  SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM public.app'), identity_source('shop', 'SELECT id, email FROM public.shop'))
    AS (identity_id uuid, app_id int, shop_id text, email text)$$) \g /dev/null
-- Where a unique index stands, the old rows have to go before the new ones come: the INSERT waits for the count.
SELECT cron.schedule('keyed table', '* * * * *', $$
  WITH gone AS (DELETE FROM people_keyed RETURNING 1)
  INSERT INTO people_keyed
  SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM public.app'), identity_source('shop', 'SELECT id, email FROM public.shop'))
    AS (identity_id uuid, app_id int, shop_id text, email text)
   WHERE (SELECT count(*) FROM gone) >= 0$$) \g /dev/null

-- A reader: what it saw, each state once.
CREATE TABLE seen (what text, people bigint, shops bigint, newest int, ids bigint, first timestamptz DEFAULT clock_timestamp(), times bigint DEFAULT 1,
  UNIQUE (what, people, shops, newest, ids));
CREATE PROCEDURE watch(for_ interval) LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + for_;
BEGIN
  WHILE clock_timestamp() < until LOOP
    INSERT INTO seen SELECT 'table', count(*), count(shop_id), max(app_id), count(DISTINCT identity_id) FROM people
      ON CONFLICT (what, people, shops, newest, ids) DO UPDATE SET times = seen.times + 1;
    INSERT INTO seen SELECT 'keyed table', count(*), count(shop_id), max(app_id), count(DISTINCT identity_id) FROM people_keyed
      ON CONFLICT (what, people, shops, newest, ids) DO UPDATE SET times = seen.times + 1;
    INSERT INTO seen SELECT 'view', count(*), count(shop_id), max(app_id), count(DISTINCT identity_id) FROM people_view
      ON CONFLICT (what, people, shops, newest, ids) DO UPDATE SET times = seen.times + 1;
    COMMIT;
  END LOOP;
END $$;
SQL

runs() { sql -At -c "SELECT coalesce(min(n), 0) FROM (SELECT count(*) FILTER (WHERE status = 'succeeded') AS n FROM cron.job LEFT JOIN cron.job_run_details USING (jobid) GROUP BY jobid) r"; }
wait_for_runs() {
  local deadline=$((SECONDS + 90))
  until [ "$(runs)" -ge "$1" ] || [ $SECONDS -ge $deadline ]; do sleep 0.5; done
  [ "$(runs)" -ge "$1" ]
}
# Somebody new signs up: the 20000 + n-th person, with a shop account too.
newcomer() { sql --quiet -c "INSERT INTO app VALUES ($((20000 + $1)), 'new$1@x.com'); INSERT INTO shop VALUES ('cus_new$1', 'NEW$1@x.com')"; }

sql --quiet -c "CALL watch('1 hour')" >/dev/null 2>&1 &
reader=$!
# The first change comes before the first run, the next when that run has ended; each run takes all of a state or none.
newcomer 1
check "the first run of all three jobs" wait_for_runs 1
newcomer 2
check "the second run of all three jobs" wait_for_runs 2
for _ in {1..40}; do  # until the reader has seen the last state of all three
  [ "$(sql -At -c "SELECT count(*) FROM seen WHERE people = 20002")" -lt 3 ] || break
  sleep 0.5
done
kill $reader 2>/dev/null || true
wait $reader 2>/dev/null || true
sql --quiet -c "SELECT cron.unschedule(jobid) FROM cron.job" >/dev/null

sql -P footer=off -c "SELECT jobid, status, return_message, count(*) AS runs FROM cron.job_run_details GROUP BY 1, 2, 3 ORDER BY 1, 2" \
  -c "SELECT what, people, shops, newest, times AS \"times seen\" FROM seen ORDER BY what, first"
check "no run failed" [ "$(sql -At -c "SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'")" -eq 0 ]
check "readers saw whole states only: 20000 people and one newcomer more with each" \
  [ "$(sql -At -c "SELECT count(*) FROM seen WHERE people <> newest OR shops <> 10000 + newest - 20000 OR ids <> people OR people NOT BETWEEN 20000 AND 20002")" -eq 0 ]
check "each of the three tables was seen in the first state and in the last" \
  [ "$(sql -At -c "SELECT count(*) FROM seen WHERE people IN (20000, 20002)")" -eq 6 ]
check "all three are now what a call gives" \
  [ "$(sql -At -c "
    WITH now AS (SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM public.app'), identity_source('shop', 'SELECT id, email FROM public.shop')) AS (identity_id uuid, app_id int, shop_id text, email text))
    SELECT (SELECT count(*) FROM (TABLE now EXCEPT ALL TABLE people) d) + (SELECT count(*) FROM (TABLE people EXCEPT ALL TABLE now) d)
         + (SELECT count(*) FROM (TABLE now EXCEPT ALL TABLE people_keyed) d) + (SELECT count(*) FROM (TABLE people_keyed EXCEPT ALL TABLE now) d)
         + (SELECT count(*) FROM (TABLE now EXCEPT ALL TABLE people_view) d) + (SELECT count(*) FROM (TABLE people_view EXCEPT ALL TABLE now) d)")" -eq 0 ]

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
