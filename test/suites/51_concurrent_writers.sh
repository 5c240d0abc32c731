#!/usr/bin/env bash
# While others write: all sources of a call are read under one snapshot, and a statement that locks or changes rows beside
# a call goes on rightly after it has waited for another writer.
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
-- A person is in one of two tables at any time; a writer moves people to and fro, each move a transaction.
CREATE TABLE here AS SELECT n AS id, format('p%s@x.com', n) AS email FROM generate_series(1, 500) n;
CREATE TABLE there (LIKE here);
CREATE PROCEDURE move(for_ interval) LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + for_;
BEGIN
  WHILE clock_timestamp() < until LOOP
    WITH gone AS (DELETE FROM here WHERE id % 7 = floor(random() * 7) RETURNING *) INSERT INTO there SELECT * FROM gone;
    COMMIT;
    WITH gone AS (DELETE FROM there WHERE id % 5 = floor(random() * 5) RETURNING *) INSERT INTO here SELECT * FROM gone;
    COMMIT;
  END LOOP;
END $$;
CREATE TABLE seen (records bigint, identities bigint, here bigint);
CREATE PROCEDURE look(times int) LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1..times LOOP
    INSERT INTO seen SELECT count(*), count(DISTINCT identity_id), count(*) FILTER (WHERE source = 'here')
      FROM identity_records(identity_source('here', 'TABLE here'), identity_source('there', 'TABLE there'));
    COMMIT;
  END LOOP;
END $$;
-- For the writer that is waited for.
CREATE TABLE app AS SELECT n AS id, format('p%s@x.com', n) AS email, 0 AS n FROM generate_series(1, 5) n;
CREATE TABLE shop AS SELECT 's' || n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 5) n;
SQL
sql --quiet -c "CALL move('20 s')" 2>/dev/null &
writer=$!
sql --quiet -c "CALL look(600)"
sql --quiet -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL move%'" >/dev/null
wait $writer 2>/dev/null || true
sql -P footer=off -c "SELECT count(*) AS calls, min(records) AS \"fewest records\", max(records) AS \"most records\", count(DISTINCT here) AS \"states seen\" FROM seen"
check "600 calls each saw each of 500 people once" [ "$(sql -At -c "SELECT count(*) FROM seen WHERE records <> 500 OR identities <> 500")" -eq 0 ]
check "people did move meanwhile" [ "$(sql -At -c "SELECT count(DISTINCT here) FROM seen")" -gt 10 ]

# Another session changes a row and holds it; ours waits for it and then looks at the new version of the row.
hold() {
  sql --quiet -c "BEGIN; UPDATE app SET n = n + 100 WHERE id = 2; SELECT pg_sleep(2); COMMIT" >/dev/null &
  holder=$!
  until [ "$(sql -At -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" -eq 1 ]; do sleep 0.05; done
}
clauses="identity_source('app', 'SELECT id, email FROM app'), identity_source('shop', 'TABLE shop')"
for plan in "enable_hashjoin = off; SET enable_mergejoin = off" "enable_nestloop = off; SET enable_mergejoin = off" "enable_nestloop = off; SET enable_hashjoin = off"; do
  hold
  sql --quiet -c "SET $plan; UPDATE app SET n = app.n + 1 FROM resolve_identities($clauses) AS r(app_id int, shop_id text) WHERE r.app_id = app.id AND r.shop_id = 's' || app.id"
  wait $holder
  check "UPDATE beside a call ($plan)" [ "$(sql -At -c "SELECT string_agg(n::text, ' ' ORDER BY id) FROM app" -c "UPDATE app SET n = 0" | head -1)" = "1 101 1 1 1" ]
  hold
  answer=$(sql --quiet -At -c "SET $plan; SELECT string_agg(id || shop_id || n, ' ' ORDER BY id) FROM (SELECT app.id, app.n, r.shop_id FROM app JOIN resolve_identities($clauses) AS r(app_id int, shop_id text) ON r.app_id = app.id FOR UPDATE OF app) l")
  wait $holder
  check "FOR UPDATE beside a call ($plan)" [ "$answer" = "1s10 2s2100 3s30 4s40 5s50" ]
  sql --quiet -c "UPDATE app SET n = 0"
done

# The row is looked at again also where the call stands in a subquery, of which a part of the plan runs again as a whole.
r="resolve_identities($clauses) AS r(app_id int, shop_id text)"
again() {  # again "what is promised" "the answer" "its rows afterwards" STATEMENT; @ is the call
  sql --quiet -c "UPDATE app SET n = 0"
  hold
  local answer
  answer=$(sql -At -c "${4//@/$r}")
  wait $holder
  check "$1" [ "${answer//$'\n'/ }, then $(sql -At -c "SELECT string_agg(n::text, ' ' ORDER BY id) FROM app")" = "$2, then $3" ]
}
again "UPDATE by a correlated subquery" "UPDATE 5" "1 101 1 1 1" \
  "UPDATE app SET n = n + 1 WHERE (SELECT count(*) FROM @ WHERE r.app_id = app.id) = 1"
again "UPDATE by a subquery that is kept as a hash" "UPDATE 5" "1 101 1 1 1" \
  "UPDATE app SET n = n + 1 WHERE (id IN (SELECT r.app_id FROM @)) IS TRUE"
again "UPDATE by a subquery of its own" "UPDATE 5" "1 101 1 1 1" \
  "UPDATE app SET n = n + 1 FROM (SELECT r.app_id FROM @ OFFSET 0) q WHERE q.app_id = app.id"
again "UPDATE by a UNION ALL of calls" "UPDATE 5" "1 101 1 1 1" \
  "UPDATE app SET n = n + 1 FROM (SELECT r.app_id FROM @ UNION ALL SELECT -r.app_id FROM @) q WHERE q.app_id = app.id"
again "UPDATE by a common table expression" "UPDATE 5" "1 101 1 1 1" \
  "WITH q AS MATERIALIZED (SELECT r.app_id FROM @) UPDATE app SET n = n + 1 FROM q WHERE q.app_id = app.id"
again "DELETE by a UNION ALL of calls" "DELETE 1" "0 0 0 0" \
  "DELETE FROM app USING (SELECT r.app_id FROM @ UNION ALL SELECT -r.app_id FROM @) q WHERE q.app_id = app.id AND app.id = 2"
sql --quiet -c "TRUNCATE app; INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 5) n"
again "FOR UPDATE with a correlated subquery" "1s10 2s2100 3s30 4s40 5s50" "0 100 0 0 0" \
  "SELECT string_agg(id || shop_id || n, ' ' ORDER BY id) FROM (SELECT id, n, (SELECT r.shop_id FROM @ WHERE r.app_id = app.id AND app.n >= 0) FROM app FOR UPDATE) l"
again "FOR UPDATE with a UNION ALL of calls" "1s10 2s2100 3s30 4s40 5s50" "0 100 0 0 0" \
  "SELECT string_agg(id || shop_id || n, ' ' ORDER BY id) FROM (SELECT app.id, app.n, q.shop_id FROM app JOIN (SELECT r.app_id, r.shop_id FROM @ UNION ALL SELECT -r.app_id, r.shop_id FROM @) q ON q.app_id = app.id FOR UPDATE OF app) l"
sql --quiet -c "UPDATE app SET n = 0"

# A table that is emptied and loaded, or altered so that all of its rows are written again: a snapshot that was taken before
# sees none of them. CREATE TABLE AS has its snapshot when it comes to wait for such a one.
sql --quiet <<'SQL'
CREATE TABLE team (id int, email text, city text) PARTITION BY LIST (city);
CREATE TABLE team_oslo PARTITION OF team FOR VALUES IN ('Oslo');
CREATE TABLE team_rome PARTITION OF team FOR VALUES IN ('Rome');
INSERT INTO team SELECT n, format('t%s@x.com', n), (ARRAY['Oslo', 'Rome'])[1 + n % 2] FROM generate_series(1, 6) n;
CREATE VIEW teams AS SELECT id, email FROM team;
CREATE MATERIALIZED VIEW people AS SELECT * FROM identity_records(identity_source('app', 'SELECT id, email FROM app'));
SQL
app="identity_source('app', 'SELECT id, email FROM app')"
both="$app, identity_source('team', 'TABLE teams')"
while_loaded() { # table, what is done to it for two seconds, statements meanwhile: what they show
  sql --quiet -c "BEGIN; CREATE TEMP TABLE kept AS TABLE $1; ${2:-TRUNCATE $1; INSERT INTO $1 TABLE kept}; SELECT pg_sleep(2); COMMIT" >/dev/null &
  local holder=$!
  until [ "$(sql -At -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" -eq 1 ]; do sleep 0.05; done
  sql --quiet -At -c "$3" -c "${4:-SELECT count(*) FROM made}" 2>&1
  wait $holder
  sql --quiet -c 'SET client_min_messages = error' -c 'DROP TABLE IF EXISTS made'
}
check "CREATE TABLE AS waits for a table that is loaded anew, and has all" [ "$(while_loaded app '' "CREATE TABLE made AS SELECT * FROM identity_records($app)")" = 5 ]
check "… for one that is altered" [ "$(while_loaded app 'ALTER TABLE app ALTER n TYPE bigint' "CREATE TABLE made AS SELECT * FROM identity_records($app)")" = 5 ]
check "… for a partition, below a view" [ "$(while_loaded team_rome '' "CREATE TABLE made AS SELECT * FROM identity_records($both)")" = 11 ]
check "… by parallel workers" [ "$(while_loaded app '' "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; CREATE TABLE made AS SELECT * FROM identity_records($both)")" = 11 ]
check "a materialised view does" [ "$(while_loaded app '' 'REFRESH MATERIALIZED VIEW people' 'SELECT count(*) FROM people')" = 5 ]
check "a statement that is prepared does" [ "$(while_loaded app '' "PREPARE q AS SELECT count(*) FROM identity_records($app)" 'EXECUTE q')" = 5 ]
check "a SELECT does" [ "$(while_loaded app '' "SELECT count(*) FROM identity_records($app)" 'SELECT')" = 5 ]
check "the report does" [ "$(while_loaded app '' "CREATE TABLE made AS SELECT value FROM identity_report($app) WHERE metric = 'records' AND subject = 'app'" 'SELECT value FROM made')" = 5 ]
# The pairs of an alias as well.
sql --quiet -c "CREATE TABLE merges AS SELECT 'p2@x.com' AS former, 'p3@x.com' AS present"
alias="identity_alias('email', 'TABLE merges')"
check "an alias whose table is loaded anew" [ "$(while_loaded merges '' "CREATE TABLE made AS SELECT DISTINCT identity_id FROM identity_records($app, $alias)")" = 4 ]
psql="psql --no-psqlrc --quiet"
told() { # what another session does after the snapshot of this one, what this one does before its call
  sql --quiet -At -v VERBOSITY=verbose 2>&1 <<SQL | sed -nE 's/^(psql:[^ ]* )?ERROR:  ([0-9A-Z]{5}): /\2 /p; /^[0-9]+$/p'
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT FROM shop \g /dev/null
\! $psql -c "$1"
${2:-SELECT};
SELECT count(*) FROM identity_records($app${3:-});
COMMIT;
SQL
}
refused() { grep -q '^40001 source "app": table "app" was written anew since the transaction began' <<<"$1"; }
check "a transaction with an older snapshot is refused" refused "$(told "CREATE TEMP TABLE kept AS TABLE app; TRUNCATE app; INSERT INTO app TABLE kept")"
check "also where another table has the name" refused "$(told "CREATE TABLE new AS TABLE app; ALTER TABLE app RENAME TO old; ALTER TABLE new RENAME TO app")"
check "also one of which an alias's table is newer" bash -c "grep -q '^40001 alias of \"email\": table \"merges\" was written anew since the transaction began' <<<'$(told "CREATE TEMP TABLE kept AS TABLE merges; TRUNCATE merges; INSERT INTO merges TABLE kept" '' ", $alias")'"
check "what leaves the rows alone is let be" [ "$(told "ALTER TABLE app ADD COLUMN more int; CREATE INDEX ON app (id); GRANT SELECT ON app TO PUBLIC; ANALYZE app")" = 5 ]
check "what the transaction did itself, too" [ "$(told "SELECT" "TRUNCATE app; INSERT INTO app VALUES (7, 'p7@x.com')")" = 1 ]
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
