#!/usr/bin/env bash
# A refresh that does not come to its end: the server is killed (-9) at random moments beside writers, refreshes and calls of
# identify(), sessions are cancelled and terminated, queries fail. The map is always in the last state that was committed,
# the next refresh brings it to what a full resolve gives, and ids stay.
# KILLS=50 CANCELS=200 SEED=7 test/suites/62_map_crash.sh does more of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/amcheck.sh

kills=${KILLS:-10}
cancels=${CANCELS:-40}
seed=${SEED:-$$}
RANDOM=$seed
echo "SEED=$seed"
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

# A commit is a commit here: synchronous_commit.
server_start "synchronous_commit = on" "full_page_writes = on" "autovacuum = on" "autovacuum_naptime = 1s" "jit = off" "checkpoint_timeout = 30s" "log_checkpoints = off"
sql --quiet -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = error;
CREATE TABLE app (id int PRIMARY KEY, email text);
CREATE TABLE shop (id text PRIMARY KEY, email text);
CREATE TABLE help (id int PRIMARY KEY, email text[], updated_at timestamptz DEFAULT clock_timestamp());
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 2000) n;
INSERT INTO shop SELECT 's' || n, format('P%s@x.com', n) FROM generate_series(1, 2000, 2) n;
INSERT INTO help SELECT n, ARRAY[format('p%s@x.com', n), format('h%s@x.com', n)] FROM generate_series(1, 2000, 3) n;
-- A switch for a source that fails.
CREATE TABLE switch (fails boolean);
INSERT INTO switch VALUES (false);
CREATE FUNCTION maybe(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF id > 1000 AND (SELECT fails FROM public.switch) THEN RAISE 'the tool is out of order' USING ERRCODE = 'P0042'; END IF;
  RETURN true;
END $$;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app WHERE maybe(id)'), identity_source('shop', 'SELECT id, email FROM shop', capture => 'trigger'),
  identity_source('help', 'SELECT id, email, updated_at FROM help'), identity_rule('user_id', max_per_identity => 0),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('help_id', 'int[]'), identity_column('identify_id', 'text[]'), identity_column('email', 'text[]')) \g /dev/null
CALL refresh_identity_map('people');

CREATE PROCEDURE write_on() LANGUAGE plpgsql AS $$
DECLARE x int; y int;
BEGIN
  LOOP
    x := 1 + floor(random() * 2000); y := 1 + floor(random() * 2000);
    UPDATE shop SET email = format('p%s@x.com', CASE WHEN random() < 0.5 THEN y ELSE x END) WHERE id = 's' || x;
    UPDATE help SET email = ARRAY[format('p%s@x.com', x), format('p%s@x.com', y)], updated_at = clock_timestamp() WHERE id % 50 = x % 50;
    UPDATE app SET email = format('p%s@x.com', y) WHERE id = x;
    COMMIT;
    DELETE FROM app WHERE id = y;
    INSERT INTO app VALUES (x, format('p%s@x.com', x)) ON CONFLICT (id) DO UPDATE SET email = excluded.email;
    COMMIT;
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$;
-- What each refresh and identify() left, written in its own transaction.
CREATE TABLE ledger (n serial, refreshes bigint, hash bigint);
CREATE TABLE told (n serial, user_id text, email text, id uuid);
CREATE FUNCTION hash() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(hashtextextended(p::text, 0) % 1000000007)::bigint FROM people p';
CREATE PROCEDURE refresh_on(with_ledger boolean) LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    CALL refresh_identity_map('people', "full" => random() < 0.1);
    IF with_ledger THEN INSERT INTO ledger (refreshes, hash) SELECT refreshes, hash() FROM identity_maps; END IF;
    COMMIT;
  END LOOP;
END $$;
CREATE PROCEDURE identify_on() LANGUAGE plpgsql AS $$
DECLARE u text; e text;
BEGIN
  LOOP
    u := format('u%s', floor(random() * 500)); e := format('p%s@x.com', 1 + floor(random() * 2000));
    INSERT INTO told (user_id, email, id) SELECT u, e, identify('people', u, jsonb_build_object('email', e));
    COMMIT;
  END LOOP;
END $$;
SQL

# Kills every process of the server, at once and without a chance to say goodbye.
murder() {
  local postmaster children process
  postmaster=$(head -n 1 "$SERVER_DIR/data/postmaster.pid")
  children=$(ps --ppid "$postmaster" -o pid= || true)
  kill -9 "$postmaster" $children 2>/dev/null || true
  for process in $postmaster $children; do
    while kill -0 "$process" 2>/dev/null && [ "$(ps -o state= -p "$process" 2>/dev/null)" != Z ]; do sleep 0.02; done
  done
  # Where nobody reaps what is dead, the server would take its predecessor for alive.
  rm -f "$SERVER_DIR/data/postmaster.pid" "$SERVER_DIR/.s.PGSQL.$PGPORT.lock"
}
work() { sql --quiet -c "SET client_min_messages = error" -c "$1" >/dev/null 2>&1 & }

wrong_state=0 not_together=0 wrong_resolve=0 lost_ids=0 lost_calls=0 in_middle=0 idle=0 unsound=0
for ((i = 0; i < kills; i++)); do
  sql --quiet -c "TRUNCATE ledger, told; INSERT INTO ledger (refreshes, hash) SELECT refreshes, hash() FROM identity_maps"
  work "CALL write_on()"
  # By turns: refreshes alone, whose last state is in the ledger; and with identify() beside them.
  if ((i % 2 == 0)); then work "CALL refresh_on(true)"; else work "CALL refresh_on(false)"; work "CALL identify_on()"; work "CALL identify_on()"; fi
  sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
  [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL refresh_on%' AND state = 'active'")" -eq 0 ] || in_middle=$((in_middle + 1))
  murder
  wait || true
  server_up
  sound || { unsound=$((unsound + 1)); echo "kill $i: not sound"; }
  if ((i % 2 == 0)); then
    [ "$(value "SELECT hash() = (SELECT hash FROM ledger ORDER BY n DESC LIMIT 1) AND (SELECT refreshes FROM identity_maps) = (SELECT refreshes FROM ledger ORDER BY n DESC LIMIT 1)")" = t ] ||
      { wrong_state=$((wrong_state + 1)); echo "kill $i: another state than the last one committed"; }
    [ "$(value "SELECT count(*) FROM ledger")" -gt 1 ] || idle=$((idle + 1))
  fi
  sql --quiet -c "CALL model.together('people')" || not_together=$((not_together + 1))
  # A user is where the last call put it, and an id that was told is followed or was retired: it may have stayed with other
  # records, which were then deleted.
  lost=$(value "SELECT count(*) FROM told t WHERE NOT EXISTS (SELECT FROM people p WHERE identify_id @> ARRAY[t.user_id] AND p.email && (SELECT array_agg(o.email) FROM told o WHERE o.user_id = t.user_id))
    OR identity_current('people', t.id) IS NULL AND NOT EXISTS (SELECT FROM identity_map_history('people') h WHERE h.event = 'retired' AND h.identity_id = t.id)")
  lost_calls=$((lost_calls + lost))
  sql --quiet -c "CREATE TABLE kept_$i AS TABLE people" -c "CALL refresh_identity_map('people')"
  found=$(value "SELECT model.as_resolved('people')")
  [ -z "$found" ] || { wrong_resolve=$((wrong_resolve + 1)); echo "kill $i: $found"; }
  # Who has the same records as before, has the same id.
  lost_ids=$((lost_ids + $(value "SELECT count(*) FROM kept_$i k JOIN people p ON (k.app_id, k.shop_id, k.help_id, k.identify_id) IS NOT DISTINCT FROM (p.app_id, p.shop_id, p.help_id, p.identify_id) WHERE k.identity_id <> p.identity_id")
    + $(value "SELECT count(*) FROM kept_$i k WHERE identity_current('people', k.identity_id) IS NULL AND EXISTS (SELECT FROM people p WHERE p.app_id && k.app_id OR p.shop_id && k.shop_id OR p.help_id && k.help_id OR p.identify_id && k.identify_id)")))
done
echo "$kills kills, $in_middle of them in the middle of a refresh"
check "amcheck finds tables and indexes sound after each kill" [ $unsound -eq 0 ]
check "after each kill the map is in the last state committed" [ $wrong_state -eq 0 ]
check "refreshes had been committed before" [ $idle -le $((kills / 4)) ]
check "table and state are one" [ $not_together -eq 0 ]
check "no call of identify() that was committed is lost" [ $lost_calls -eq 0 ]
check "the next refresh gives what a full resolve gives" [ $wrong_resolve -eq 0 ]
check "ids stay" [ $lost_ids -eq 0 ]
check "most kills met a refresh" [ $in_middle -ge $((kills / 2)) ]

# ---- Cancelled and terminated, at moments spread over a refresh. 700 records change before each.
shake() { sql --quiet -c "UPDATE help SET email = ARRAY[format('p%s@x.com', id), format('p%s@x.com', 1 + (id * $1) % 2000)], updated_at = clock_timestamp()" -c "UPDATE shop SET email = format('p%s@x.com', (substr(id, 2)::int + $1) % 2000) WHERE length(id) < 4"; }
shake 3
begin=$(date +%s%N)
sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('people')"
full_ms=$((($(date +%s%N) - begin) / 1000000))
wrong=0 stopped=0 unsaid=0
for ((i = 0; i < cancels; i++)); do
  shake $((i + 5))
  before=$(value "SELECT hash() || ' ' || refreshes FROM identity_maps")
  # At first the refresh has just begun: what is stopped before leaves no trace. To begin the session took a part of the time too.
  delay=$((20 + (full_ms > 40 ? full_ms - 40 : 0) * i / cancels))
  case $((i % 3)) in
    0) answer=$(sql --quiet -c "SET client_min_messages = error" -c "SET statement_timeout = $delay" -c "CALL refresh_identity_map('people')" 2>&1 || true) ;;
    1 | 2)
      ended=$([ $((i % 3)) -eq 1 ] && echo pg_cancel_backend || echo pg_terminate_backend)
      PGAPPNAME=victim sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('people')" >"$SERVER_DIR/victim" 2>&1 &
      victim=$!
      value "DO \$\$ BEGIN FOR i IN 1 .. 2000 LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active' AND query LIKE 'CALL%'); PERFORM pg_sleep(0.001); END LOOP;
        PERFORM pg_sleep($delay / 1000.0); PERFORM $ended(pid) FROM pg_stat_activity WHERE application_name = 'victim'; END \$\$"
      wait $victim || true
      answer=$(cat "$SERVER_DIR/victim")
      ;;
  esac
  sql --quiet -c "CALL model.together('people')" || wrong=$((wrong + 1))
  after=$(value "SELECT hash() || ' ' || refreshes FROM identity_maps")
  # A session that is terminated may have committed by then, and not yet have said so: all of the refresh is there.
  if ((i % 3 == 2)) && [ "${after#* }" -eq $((${before#* } + 1)) ] && [ -z "$(value "SELECT model.as_resolved('people')")" ]; then answer=; fi
  if [ -n "$answer" ]; then
    stopped=$((stopped + 1))
    [ "$before" = "$after" ] || { wrong=$((wrong + 1)); echo "stopped after $delay ms, and the map is another: $answer"; }
    if ((i % 3 < 2)); then
      [ "$(value "SELECT last_error LIKE '%canceling statement%' AND last_error_at IS NOT NULL FROM identity_maps")" = t ] || { unsaid=$((unsaid + 1)); echo "$delay ms: $(value "SELECT last_error FROM identity_maps") | $answer"; }
    fi
  fi
done
echo "$stopped of $cancels refreshes of $full_ms ms were stopped"
check "whatever was stopped left the last state" [ $wrong -eq 0 ]
check "many were stopped" [ $stopped -ge $((cancels / 3)) ]
check "identity_maps shows what stopped it" [ $unsaid -eq 0 ]
check "amcheck finds tables and indexes sound after them" sound
sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('people')"
check "the next refresh gives what a full resolve gives" [ -z "$(value "SELECT model.as_resolved('people')")" ]
check "and the error is gone" [ "$(value "SELECT last_error IS NULL AND last_error_at IS NULL FROM identity_maps")" = t ]

# ---- A source that fails.
shake 77
before=$(value "SELECT hash() || ' ' || refreshes FROM identity_maps")
sql --quiet -c "UPDATE switch SET fails = true"
answer=$(value "CALL refresh_identity_map('people')" 2>&1 || true)
check "a failing query fails the refresh" grep -q 'the tool is out of order' <<<"$answer"
check "with its own SQLSTATE" [ "$(sql --quiet -At -c '\set ON_ERROR_STOP off' -c "CALL refresh_identity_map('people')" -c '\echo :SQLSTATE' 2>/dev/null)" = P0042 ]
check "the map is as it was" [ "$(value "SELECT hash() || ' ' || refreshes FROM identity_maps")" = "$before" ]
check "identity_maps shows the error" [ "$(value "SELECT last_error LIKE '%the tool is out of order%' AND last_error LIKE '%P0042%' AND last_error_at > now() - interval '1 min' FROM identity_maps")" = t ]
answer=$(value "SELECT identify('people', 'new', '{\"email\": \"p5@x.com\"}')")
check "identify() works meanwhile" [ "$(value "SELECT identity_id FROM people WHERE identify_id @> '{new}'")" = "$answer" ]
sql --quiet -c "UPDATE switch SET fails = false"
value "BEGIN; CALL refresh_identity_map('people'); ROLLBACK"
check "a refresh rolled back did nothing" [ "$(value "SELECT refreshes FROM identity_maps")" = "${before#* }" ]
sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('people')"
check "and the next refresh gives what a full resolve gives" [ -z "$(value "SELECT model.as_resolved('people')")" ]
check "the error is gone" [ "$(value "SELECT last_error IS NULL FROM identity_maps")" = t ]

# ---- And amcheck would notice: an index that lacks the entry of a row.
file=$SERVER_DIR/data/$(value "SELECT pg_relation_filepath('app_pkey')")
server_conf
cp "$file" "$SERVER_DIR/before"
value "INSERT INTO app VALUES (1000000, 'last@x.com')"
server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=fast --silent stop >/dev/null
cat "$SERVER_DIR/before" >"$file"
server_up
found=$(sound || true)
check "amcheck notices an index that lacks an entry" grep -q 'app_pkey: heap tuple .* lacks matching index tuple' <<<"$found"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
