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
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
