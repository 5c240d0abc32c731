#!/usr/bin/env bash
# Identity maps while others work: refreshes without a pause beside writers, readers and identify(); refreshes that meet;
# identify() of one person and of several from many sessions; and what a refresh leaves alone on disk and in the log.
# SECONDS_=60 test/suites/63_map_concurrency.sh lets the first part run longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/amcheck.sh

seconds=${SECONDS_:-20}
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
like() { [[ $1 == *"$2"* ]]; }  # like "text" "part of it"
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "autovacuum = off" "jit = off" "deadlock_timeout = 200ms" "max_connections = 60" "shared_buffers = 256MB" "max_wal_size = 2GB"

sql --quiet -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = warning;
-- ---- People with a record in each of two tools; each transaction of a writer leaves the number of the last one with the
-- people whom it touched and in `control`, so that half of a transaction, and half of a state, would show.
CREATE TABLE app (id int PRIMARY KEY, email text, label int);
CREATE TABLE shop (id text PRIMARY KEY, email text, label int);
CREATE TABLE control (id int, label int);
INSERT INTO app SELECT n, format('p%s@x.com', n), 0 FROM generate_series(1, 300) n;
INSERT INTO shop SELECT 's' || n, format('P%s@x.com', n), 0 FROM generate_series(1, 300) n;
INSERT INTO control VALUES (1, 0);
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email, label FROM app'), identity_source('shop', 'SELECT id, email, label FROM shop', capture => 'trigger'),
  identity_source('control', 'SELECT id, label FROM control'), identity_rule('label', link => false), identity_rule('user_id', max_per_identity => 0),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('control_id', 'int'), identity_column('identify_id', 'text[]'),
  identity_column('email', 'text[]'), identity_column('label', 'int[]'), identity_column('record_count', 'int')) \g /dev/null
CALL refresh_identity_map('people');

CREATE PROCEDURE write_on(until timestamptz, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  x int; y int; number int;
BEGIN
  n := 0;
  WHILE clock_timestamp() < until LOOP
    UPDATE control SET label = label + 1 RETURNING label INTO number;
    x := 1 + floor(random() * 300);
    y := 1 + floor(random() * 300);
    CASE floor(random() * 4)
      WHEN 0 THEN  -- x and y meet: x uses the address of y in the shop
        UPDATE app SET label = number WHERE id IN (x, y);
        UPDATE shop SET email = format('p%s@x.com', y), label = number WHERE id = 's' || x;
      WHEN 1 THEN  -- and part
        UPDATE app SET email = format('p%s@x.com', id), label = number WHERE id IN (x, y);
        UPDATE shop SET email = format('p%s@x.com', x), label = number WHERE id = 's' || x;
      WHEN 2 THEN  -- somebody new
        INSERT INTO app SELECT 1000 + number, format('p%s@x.com', 1000 + number), number UNION ALL SELECT 2000000 + number, format('p%s@x.com', x), number;
        INSERT INTO shop SELECT 's' || 1000 + number, format('p%s@x.com', 1000 + number), number;
      ELSE  -- somebody leaves, and another is told of it
        DELETE FROM app WHERE id > 1000 AND id % 7 = x % 7;
        DELETE FROM shop WHERE length(id) > 4 AND right(id, 1)::int = x % 7;
        UPDATE app SET label = number WHERE id IN (x, y, 7);
    END CASE;
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;

CREATE PROCEDURE refresh_on(until timestamptz, OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  n := 0;
  WHILE clock_timestamp() < until LOOP
    CALL refresh_identity_map('people', "full" => n % 20 = 19);
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;

CREATE TABLE seen (reader int, rows bigint, ids bigint, apps bigint, distinct_apps bigint, shops bigint, distinct_shops bigint, records bigint, members bigint,
  newest int, control int, with_newest bigint, hash bigint);
CREATE PROCEDURE read_on(reader int, until timestamptz, OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  n := 0;
  WHILE clock_timestamp() < until LOOP
    INSERT INTO seen
      SELECT reader, count(*), count(DISTINCT identity_id), sum(cardinality(app_id)), (SELECT count(DISTINCT x) FROM people, unnest(app_id) x),
        sum(cardinality(shop_id)), (SELECT count(DISTINCT x) FROM people, unnest(shop_id) x), sum(record_count),
        sum(coalesce(cardinality(app_id), 0) + coalesce(cardinality(shop_id), 0) + coalesce(cardinality(identify_id), 0)) + count(control_id),
        (SELECT max(x) FROM people, unnest(label) x), max(label[1]) FILTER (WHERE control_id = 1),
        count(*) FILTER (WHERE label @> ARRAY[(SELECT p.label[1] FROM people p WHERE p.control_id = 1)]), sum(hashtextextended(p::text, 0) % 1000000)
      FROM people p;
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;

CREATE PROCEDURE identify_on(who int, until timestamptz, OUT n int, OUT strange int) LANGUAGE plpgsql AS $$
DECLARE
  id uuid; user_id text;
BEGIN
  n := 0; strange := 0;
  WHILE clock_timestamp() < until LOOP
    user_id := format('u%s', floor(random() * 40));
    id := identify('people', user_id, jsonb_build_object('email', format('p%s@x.com', 1 + floor(random() * 300))));
    -- Current at once, in this very transaction.
    IF NOT EXISTS (SELECT FROM people p WHERE p.identity_id = id AND user_id = ANY (identify_id)) THEN strange := strange + 1; END IF;
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;
SQL

# ---- Everybody at once.
until=$(value "SELECT clock_timestamp() + interval '$seconds s'")
pids=()
run() { # name, statement: in a session of its own; answer and errors are kept
  sql --quiet -At -c "SET client_min_messages = error" -c "$2" >"$SERVER_DIR/$1.out" 2>"$SERVER_DIR/$1.err" &
  pids+=($!)
}
run refresher "CALL refresh_on('$until', NULL)"
run refresher2 "CALL refresh_on('$until', NULL)"
for i in 1 2; do run "writer$i" "CALL write_on('$until', NULL)"; done
for i in 1 2; do run "reader$i" "CALL read_on($i, '$until', NULL)"; done
for i in 1 2 3; do run "identifier$i" "CALL identify_on($i, '$until', NULL, NULL)"; done
wait "${pids[@]}" || true
for name in refresher refresher2 writer1 writer2 reader1 reader2 identifier1 identifier2 identifier3; do
  echo "$name: $(cat "$SERVER_DIR/$name.out" "$SERVER_DIR/$name.err")"
done
check "nobody met an error" [ -z "$(cat "$SERVER_DIR"/*.err)" ]
check "all got somewhere" [ "$(cat "$SERVER_DIR"/{refresher,refresher2,writer1,writer2,reader1,reader2,identifier1,identifier2,identifier3}.out | awk -F'|' '$1 >= 5' | wc -l)" -eq 9 ]
check "each identify() was seen in its own transaction" [ "$(cat "$SERVER_DIR"/identifier*.out | awk -F'|' '{ n += $2 } END { print n }')" -eq 0 ]
sql -P footer=off -c "SELECT count(*) AS reads, count(DISTINCT hash) AS \"states seen\", min(rows) AS \"fewest rows\", max(rows) AS \"most rows\", min(newest) AS \"first writer\", max(newest) AS \"last writer\" FROM seen"
check "readers saw many states" [ "$(value "SELECT count(DISTINCT hash) FROM seen")" -gt 10 ]
check "readers saw never a gap" [ "$(value "SELECT count(*) FROM seen WHERE rows < 100")" -eq 0 ]
check "readers saw each id once" [ "$(value "SELECT count(*) FROM seen WHERE rows <> ids")" -eq 0 ]
check "readers saw each record once" [ "$(value "SELECT count(*) FROM seen WHERE apps <> distinct_apps OR shops <> distinct_shops OR records <> members")" -eq 0 ]
# A reader would see a state that is none: writers' transactions leave their number in `control` and with people.
check "readers saw whole transactions of writers" [ "$(value "SELECT count(*) FROM seen WHERE newest <> control OR with_newest < 2")" -eq 0 ]
sql --quiet -c "CALL refresh_identity_map('people')" -c "CALL model.together('people')"
as_resolved() { # map, its sources' names: 0 if the map's records go together as a full resolve says
  value "WITH full_ AS (SELECT source, record_id, identity_id FROM identity_records(VARIADIC identity_map_clauses('$1'))),
    map_ AS ($2),
    pair AS (SELECT f.identity_id f, m.identity_id m FROM full_ f FULL JOIN map_ m USING (source, record_id))
    SELECT (SELECT count(*) FROM pair WHERE f IS NULL OR m IS NULL) + (SELECT count(*) FROM (SELECT f FROM pair GROUP BY f HAVING count(DISTINCT m) > 1) x)
         + (SELECT count(*) FROM (SELECT m FROM pair GROUP BY m HAVING count(DISTINCT f) > 1) x)"
}
people="SELECT 'app' source, unnest(app_id)::text record_id, identity_id FROM people UNION ALL SELECT 'shop', unnest(shop_id), identity_id FROM people UNION ALL SELECT 'identify', unnest(identify_id), identity_id FROM people UNION ALL SELECT 'control', control_id::text, identity_id FROM people WHERE control_id IS NOT NULL"
check "the map is what a full resolve gives" [ "$(as_resolved people "$people")" = 0 ]
before=$(value "SELECT md5(string_agg(p::text, ' ' ORDER BY identity_id)) FROM people p")
sql --quiet -c "CALL refresh_identity_map('people', \"full\" => true)"
check "and a full refresh finds nothing to change" [ "$(value "SELECT md5(string_agg(p::text, ' ' ORDER BY identity_id)) FROM people p")" = "$before" ]
check "no deadlock" bash -c "! grep -i 'deadlock' '$SERVER_LOG'"

# ---- Sessions that hold their transactions open, driven through pipes: say NAME "statements" does not wait for the answer.
declare -A to from
open_session() {
  mkfifo "$SERVER_DIR/$1.in" "$SERVER_DIR/$1.answers"
  stdbuf -oL psql --no-psqlrc --quiet -At <"$SERVER_DIR/$1.in" >"$SERVER_DIR/$1.answers" 2>&1 &
  exec {fd}>"$SERVER_DIR/$1.in"; to[$1]=$fd
  exec {fd}<"$SERVER_DIR/$1.answers"; from[$1]=$fd
}
say() { printf '%s;\n\\echo ---done\n' "$2" >&"${to[$1]}"; }
hear() { # NAME [seconds]: what it answered into $answer; fails if it does not within the time
  local line
  answer=
  while IFS= read -r -t "${2:-30}" line <&"${from[$1]}"; do
    [[ $line != ---done ]] || return 0
    answer+=${answer:+ }$line
  done
  return 1
}
ask() { say "$1" "$2"; hear "$1"; }
waits() { # NAME: until the session waits for a lock
  local i
  for i in {1..100}; do
    [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event_type = 'Lock'")" -eq 0 ] || return 0
    sleep 0.05
  done
  return 1
}
for name in one two three; do open_session $name; ask $name "SET application_name = $name"; done

# ---- Two refreshes at once.
ask one "BEGIN; UPDATE app SET label = -1 WHERE id = 1; COMMIT; BEGIN; CALL refresh_identity_map('people')"
check "the first refresh is done, and its transaction open" [ -z "$answer" ]
# Else a statement that follows could see what that snapshot does.
check "no snapshot of it is left" [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'one' AND state = 'idle in transaction' AND backend_xmin IS NULL AND backend_xid IS NOT NULL")" = 1 ]
ask two "CALL refresh_identity_map('people', wait => false)"
check "one that does not wait returns with a notice" like "$answer" 'is being refreshed by another session'
ask two "SET lock_timeout = '300ms'; CALL refresh_identity_map('people'); RESET lock_timeout"
check "one that waits waits, as long as lock_timeout lets it" like "$answer" 'canceling statement due to lock timeout'
say two "CALL refresh_identity_map('people')"
check "without a limit it waits" waits two
sql --quiet -c "UPDATE app SET label = -2 WHERE id = 2"
check "readers do not" [ "$(value "SET lock_timeout = '1s'; SELECT count(*) > 0 FROM people")" = t ]
ask one COMMIT
hear two
check "and goes on when the first has ended" [ -z "$answer" ]
check "nor is one of a refresh that has ended" [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('one', 'two') AND state = 'idle' AND backend_xmin IS NULL AND backend_xid IS NULL")" = 2 ]
check "both did their part" [ "$(value "SELECT count(*) FROM people WHERE app_id @> '{1}' AND label @> '{-1}' OR app_id @> '{2}' AND label @> '{-2}'")" -ge 1 ]
check "also what changed while the second waited" [ "$(value "SELECT label @> '{-2}' FROM people WHERE app_id @> '{2}'")" = t ]
ask one "BEGIN ISOLATION LEVEL REPEATABLE READ; CALL refresh_identity_map('people'); ROLLBACK"
check "REPEATABLE READ is refused, as it might see an older state" like "$answer" 'that is repeatable read'

# ---- identify(): different people do not wait for each other, the same do.
ask one "BEGIN; SELECT identify('people', 'anna', '{\"email\": \"anna@x.com\"}')"
anna=$answer
check "a call in an open transaction" [ ${#anna} -eq 36 ]
ask two "SET lock_timeout = '2s'; SELECT count(identify('people', 'other' || n, jsonb_build_object('email', format('other%s@x.com', n)))) FROM generate_series(1, 200) n"
check "200 other people meanwhile" [ "$answer" = 200 ]
ask two "SELECT count(identify('people', 'known' || n, jsonb_build_object('email', format('p%s@x.com', n)))) FROM generate_series(1, 100) n"
check "100 people of the sources meanwhile" [ "$answer" = 100 ]
ask two "SET lock_timeout = '300ms'; SELECT identify('people', 'anna', '{\"phone\": \"+14155550100\"}')"
check "the same user waits" like "$answer" 'lock timeout'
ask two "SELECT identify('people', 'hannah', '{\"email\": \"ANNA@x.com\"}')"
check "somebody else with the same address waits" like "$answer" 'lock timeout'
ask two "RESET lock_timeout"
say two "SELECT identify('people', 'hannah', '{\"email\": \"ANNA@x.com\"}')"
check "… as long as need be" waits two
ask one COMMIT
hear two
check "and is the same person then" [ "$answer" = "$anna" ]

# A chain: the third call needs what two others hold.
ask one "BEGIN; SELECT identify('people', 'bert', '{\"email\": \"bert@x.com\"}')"; bert=$answer
ask two "BEGIN; SELECT identify('people', 'carl', '{\"email\": \"carl@x.com\"}')"; carl=$answer
say three "SELECT identify('people', 'both', '{\"email\": [\"bert@x.com\", \"carl@x.com\"]}')"
check "a call that concerns two people waits for both" waits three
ask one COMMIT
check "… for the second too" waits three
ask two COMMIT
hear three
check "and joins them: one of two ids stays" grep -q "$answer" <<<"$bert $carl"
check "who is one identity now" [ "$(value "SELECT count(*) FROM people WHERE identify_id @> '{bert,carl,both}'")" = 1 ]
check "and the other id leads there" [ "$(value "SELECT identity_current('people', '$bert') = identity_current('people', '$carl')")" = t ]
ask one "BEGIN; SELECT identify('people', 'nobody', '{\"email\": \"nobody@x.com\"}'); ROLLBACK"
check "a transaction rolled back leaves nobody" [ "$(value "SELECT count(*) FROM people WHERE identify_id @> '{nobody}'")" = 0 ]

# ---- identify() and refresh.
ask one "BEGIN; UPDATE shop SET email = 'dora@x.com' WHERE id = 's9'; CALL refresh_identity_map('people')"
say two "SELECT identify('people', 'dora', '{\"email\": \"dora@x.com\"}')"
check "identify() of somebody whom a refresh touches waits for it" waits two
ask one COMMIT
hear two
check "and is that person" [ "$(value "SELECT identity_id FROM people WHERE shop_id @> '{s9}' AND identify_id @> '{dora}'")" = "$answer" ]
ask one "BEGIN; SELECT identify('people', 'emil', '{\"email\": \"emil@x.com\"}')"; emil=$answer
sql --quiet -c "UPDATE shop SET email = 'emil@x.com' WHERE id = 's10'"
say two "CALL refresh_identity_map('people')"
check "a refresh waits for identify()" waits two
ask one COMMIT
hear two
check "and puts the two together" [ "$(value "SELECT count(*) FROM people WHERE shop_id @> '{s10}' AND identify_id @> '{emil}'")" = 1 ]
check "the map is what a full resolve gives again" [ "$(as_resolved people "$people")" = 0 ]

# ---- One person from many sessions at once, and a tangle of a few people: no deadlock, one identity.
pids=()
start=$(value "SELECT clock_timestamp() + interval '1 s'")
for i in {1..8}; do
  run "same$i" "SELECT pg_sleep_until('$start'); SELECT count(DISTINCT identify('people', 'grace', jsonb_build_object('email', format('grace%s@x.com', (n * $i) % 5)))) FROM generate_series(1, 20) n"
done
wait "${pids[@]}" || true
check "eight sessions, one person: no errors" [ -z "$(cat "$SERVER_DIR"/same*.err)" ]
check "one identity" [ "$(value "SELECT count(*) FROM people WHERE identify_id @> '{grace}'")" = 1 ]
sql --quiet <<'SQL'
CREATE PROCEDURE tangle(who int, rounds int, OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  n := 0;
  FOR i IN 1 .. rounds LOOP
    PERFORM identify('people', format('t%s', floor(random() * 12)), jsonb_build_object('email', ARRAY[format('t%s@x.com', floor(random() * 8)), format('t%s@x.com', floor(random() * 8))],
      'phone', format('+1415555010%s', floor(random() * 4))));
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;
SQL
pids=()
for i in {1..8}; do run "tangle$i" "CALL tangle($i, 25, NULL)"; done
wait "${pids[@]}" || true
cat "$SERVER_DIR"/tangle*.err
check "eight sessions, a tangle of twelve: no errors" [ -z "$(cat "$SERVER_DIR"/tangle*.err)" ]
check "200 calls" [ "$(cat "$SERVER_DIR"/tangle*.out | awk '{ n += $1 } END { print n }')" -eq 200 ]
sql --quiet -c "CALL model.together('people')"
check "as a full resolve has it" [ "$(as_resolved people "$people")" = 0 ]
check "no deadlock" bash -c "! grep -i 'deadlock' '$SERVER_LOG'"

# ---- A table whose rows are all written anew, and that is waited for: a snapshot from before would see none of them.
sql --quiet <<'SQL'
SET client_min_messages = error;
ALTER TABLE people ADD COLUMN note int;
CREATE TABLE crew (id int, email text, city text) PARTITION BY LIST (city);
CREATE TABLE crew_oslo PARTITION OF crew FOR VALUES IN ('Oslo');
CREATE TABLE crew_rome PARTITION OF crew FOR VALUES IN ('Rome');
INSERT INTO crew SELECT n, format('c%s@x.com', n), (ARRAY['Oslo', 'Rome'])[1 + n % 2] FROM generate_series(1, 100) n;
CREATE VIEW crews AS SELECT id, email FROM crew;
SELECT create_identity_map('sailors', identity_source('crew', 'TABLE crews'), identity_column('crew_id', 'int')) \g /dev/null
CALL refresh_identity_map('sailors');
CALL refresh_identity_map('people');
SQL
label=$(value "UPDATE app SET label = label + 1 WHERE id = 11 RETURNING label")
ask one "BEGIN; ALTER TABLE people ALTER note TYPE bigint USING note + 1"
say two "CALL refresh_identity_map('people')"
check "a refresh waits for who alters the map's table" waits two
ask one COMMIT
hear two
check "and writes to its rows as they are now" [ "$(value "SELECT label @> '{$label}' FROM people WHERE app_id @> '{11}'")" = t ]
ask one "BEGIN; ALTER TABLE people ALTER note TYPE int USING note + 1"
say two "SELECT identify('people', 'rita', '{\"email\": \"p12@x.com\"}')"
check "so does identify()" waits two
ask one COMMIT
hear two
check "and writes to its rows" [ "$(value "SELECT identity_id FROM people WHERE app_id @> '{12}' AND identify_id @> '{rita}'")" = "$answer" ]
before=$(value "SELECT md5(string_agg(s::text, ' ' ORDER BY identity_id)) FROM sailors s")
for table in crew_rome crew; do
  ask one "BEGIN; CREATE TEMP TABLE kept AS TABLE $table; TRUNCATE $table; INSERT INTO $table TABLE kept; DROP TABLE kept"
  say two "CALL refresh_identity_map('sailors')"
  check "a refresh waits for who loads $table" waits two
  ask one COMMIT
  hear two
  check "and nobody is gone, nor has another id" [ "$(value "SELECT md5(string_agg(s::text, ' ' ORDER BY identity_id)) FROM sailors s")" = "$before" ]
done
sql --quiet -c "CALL model.together('people')"
check "people are what a full resolve gives" [ "$(as_resolved people "$people")" = 0 ]
exec {to[one]}>&- {to[two]}>&- {to[three]}>&-
check "amcheck finds tables and indexes sound" sound

# ---- What did not change stays where it is, and costs no log.
sql --quiet <<'SQL'
SET client_min_messages = error;
SELECT drop_identity_map('people') \g /dev/null
TRUNCATE app, shop;
INSERT INTO app SELECT n, format('p%s@x.com', n), 0 FROM generate_series(1, 20000) n;
INSERT INTO shop SELECT 's' || n, format('P%s@x.com', n), 0 FROM generate_series(1, 20000, 2) n;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email, label FROM app'), identity_source('shop', 'SELECT id, email, label FROM shop'),
  identity_rule('label', link => false), identity_column('app_id', 'int'), identity_column('shop_id', 'text'), identity_column('email', 'text[]'), identity_column('label', 'int')) \g /dev/null
CALL refresh_identity_map('people');
VACUUM ANALYZE;
CHECKPOINT;
CREATE FUNCTION places() RETURNS TABLE (what text, place text, txn text, row_ text) LANGUAGE plpgsql AS $$
DECLARE r regclass;
BEGIN
  FOR r IN SELECT 'people'::regclass UNION ALL SELECT c.oid FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' LOOP
    RETURN QUERY EXECUTE format('SELECT %L, ctid::text, xmin::text, t::text FROM %s t', r::text, r);
  END LOOP;
END $$;
CREATE TABLE places AS SELECT * FROM places();
SQL
# What `statements` write to the log, in bytes.
wal_of() {
  sql --quiet -At <<SQL
SET client_min_messages = error;
SELECT pg_current_wal_insert_lsn() AS before \gset
$1;
SELECT pg_current_wal_insert_lsn() - :'before'::pg_lsn;
SQL
}
moved() { # how many rows of the map and its state are new or elsewhere
  value "SELECT count(*) FROM (SELECT * FROM places() EXCEPT ALL TABLE places) x WHERE what LIKE '$1'"
}
nothing=$(wal_of "CALL refresh_identity_map('people')")
check "a refresh with nothing changed writes next to nothing ($nothing bytes of log)" [ "$nothing" -lt 16384 ]
check "and touches no row of map and state" [ "$(moved %)" -eq 0 ]
nothing=$(wal_of "CALL refresh_identity_map('people', \"full\" => true)")
check "nor does a full one ($nothing bytes of log)" [ "$nothing" -lt 16384 ]
check "nor does it touch a row" [ "$(moved %)" -eq 0 ]
sql --quiet -c "UPDATE app SET label = 7 WHERE id <= 200" -c "UPDATE app SET email = 'p' || id + 1 || '@x.com' WHERE id BETWEEN 1002 AND 1005"
value "SELECT (SELECT count(*) FROM people p WHERE p.app_id <= 200)" >/dev/null
little=$(wal_of "CALL refresh_identity_map('people')")
copy=$(wal_of "CREATE TABLE again AS TABLE people; ALTER TABLE again ADD PRIMARY KEY (identity_id)")
echo "log of a refresh after 1 % of the records changed: $little bytes; in proportion to a copy of the map (wal_level minimal leaves its rows out): $copy bytes"
rows=$(moved people)
check "1 % changed: 200 rows and those of a few merges are written ($rows)" [ $((rows >= 200 && rows <= 210)) -eq 1 ]
check "every other row is where it was, by the same transaction" \
  [ "$(value "SELECT count(*) FROM places p JOIN (SELECT * FROM places() WHERE what = 'people') n USING (what, row_) WHERE (p.place, p.txn) IS DISTINCT FROM (n.place, n.txn)")" -eq 0 ]
check "as is the state" [ "$(moved 'identity_state.%identities')" -le 230 ]

# ---- Who writes to the table meanwhile is waited for, and what he wrote stays.
sql --quiet -c 'SET client_min_messages = error' -c 'ALTER TABLE people ADD COLUMN note text' -c "CALL refresh_identity_map('people')"
sql --quiet -At >/dev/null <<'SQL' &
BEGIN;
UPDATE people SET note = 'mine' WHERE app_id = 300;
DELETE FROM people WHERE app_id = 301;
SELECT pg_sleep(2) AS writing;
COMMIT;
SQL
writer=$!
until [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%writing%' AND pid <> pg_backend_pid()")" -eq 1 ]; do sleep 0.1; done
sql --quiet -c 'UPDATE app SET label = 9 WHERE id IN (300, 301, 302)' -c "CALL refresh_identity_map('people')"
check "it waited" [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%writing%' AND pid <> pg_backend_pid()")" -eq 0 ]
wait "$writer"
rows=$(value "SELECT string_agg(concat_ws(' ', app_id, label, note), ', ' ORDER BY app_id) FROM people WHERE app_id IN (300, 301, 302)")
check "both have written: $rows" [ "$rows" = '300 9 mine, 302 9' ]

# ---- The state is written anew beside who asks: fills, in full and because half of all records changed, change who goes with
# whom each time. Each answer is of a state that was there between the question and the answer.
sql --quiet <<'SQL'
SET client_min_messages = error;
CREATE TABLE desk (id int PRIMARY KEY, email text, round int);
CREATE TABLE till (id text PRIMARY KEY, email text);
INSERT INTO desk SELECT n, format('f%s@x.com', n), 0 FROM generate_series(1, 2000) n;
INSERT INTO till SELECT 't' || n, format('f%s@x.com', n) FROM generate_series(1, 2000) n;
SELECT create_identity_map('crowd', identity_source('desk', 'SELECT id, email, round FROM desk'), identity_source('till', 'SELECT id, email FROM till'), identity_rule('round', link => false),
  identity_rule('user_id', max_per_identity => 0), identity_column('desk_id', 'int'), identity_column('till_id', 'text[]'), identity_column('identify_id', 'text[]'), identity_column('round', 'int')) \g /dev/null
CALL refresh_identity_map('crowd');
-- Whose each record was, by the round; written in the refresh's transaction.
CREATE TABLE rounds (n int PRIMARY KEY);
CREATE TABLE whose (n int, record text, identity_id uuid, PRIMARY KEY (n, record));
CREATE PROCEDURE note_whose(latest int) LANGUAGE sql AS $$
  INSERT INTO rounds VALUES (latest);
  INSERT INTO whose SELECT latest, 'd' || desk_id, identity_id FROM crowd WHERE desk_id IS NOT NULL UNION ALL SELECT latest, unnest(till_id), identity_id FROM crowd $$;
CALL note_whose(0);
CREATE TABLE is_over (yes boolean);
CREATE TABLE asked (who text, before int, after int, record text, id uuid, wrong text);

CREATE PROCEDURE fill_on(fills int, OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. fills LOOP
    -- Each second record: with the next one of the desk in odd rounds, by itself in even ones.
    UPDATE till SET email = format('f%s@x.com', substr(id, 2)::int + i % 2) WHERE substr(id, 2)::int % 2 = 1;
    UPDATE desk SET round = i WHERE id % 2 = i % 2;
    COMMIT;
    CALL refresh_identity_map('crowd', "full" => i % 4 < 2);
    CALL note_whose(i);
    COMMIT;
    n := i;
  END LOOP;
  INSERT INTO is_over VALUES (true);
END $$;

CREATE FUNCTION latest() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT max(n) FROM rounds';
-- What somebody asks: an answer that is wrong in every round is told at once; one that is right in some is judged later.
CREATE PROCEDURE ask_on(who text, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  x int; first int; record text; id uuid; wrong text; ids uuid[];
BEGIN
  n := 0;
  WHILE NOT EXISTS (SELECT FROM is_over) LOOP
    x := 1 + floor(random() * 2000);
    first := latest();
    record := NULL; id := NULL; wrong := NULL;
    CASE n % 4
      WHEN 0 THEN
        record := 't' || x;
        id := identity_of('crowd', 'till', record);
      WHEN 1 THEN
        -- Somebody has the records of whoever had any of these ids.
        IF identity_current('crowd', (SELECT w.identity_id FROM whose w WHERE w.n = 0 AND w.record = 't' || x)) IS NULL THEN wrong := 'an id is nobody'; END IF;
      WHEN 2 THEN
        ids := ARRAY(SELECT identity_of_value('crowd', 'email', format('f%s@x.com', x)));
        record := 'd' || x;
        id := ids[1];
        IF cardinality(ids) <> 1 THEN wrong := format('%s people have an address', cardinality(ids)); END IF;
      ELSE
        SELECT format('%s records', count(*)) INTO wrong FROM identity_map_records('crowd') r WHERE r.source <> 'identify' HAVING count(*) <> 4000;
        IF wrong IS NULL THEN PERFORM FROM identity_map_retired('crowd'); END IF;
    END CASE;
    COMMIT;
    INSERT INTO asked VALUES (who, first, latest(), record, id, wrong);
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;
-- The table: each record once, and half of the desk of the last round, half of the one before.
CREATE PROCEDURE look_on(OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  n := 0;
  WHILE NOT EXISTS (SELECT FROM is_over) LOOP
    INSERT INTO asked (who, wrong)
      SELECT 'table', CASE WHEN (desks, desk_ids, tills, last, before_) IS DISTINCT FROM (2000, 2000, 2000, CASE WHEN newest = 0 THEN 2000 ELSE 1000 END, CASE WHEN newest = 0 THEN 2000 ELSE 1000 END)
        THEN format('%s records of the desk, %s different, %s of the till, %s of round %s, %s of the one before', desks, desk_ids, tills, last, newest, before_) END
      FROM (SELECT count(desk_id) AS desks, count(DISTINCT desk_id) AS desk_ids, sum(cardinality(till_id)) AS tills, max(newest) AS newest,
              count(*) FILTER (WHERE round = newest) AS last, count(*) FILTER (WHERE round = greatest(newest - 1, 0)) AS before_
            FROM (SELECT c.*, max(c.round) OVER () AS newest FROM crowd c) c) counted;
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;
CREATE TABLE told (user_id text, round int, id uuid);
CREATE PROCEDURE tell_on(who int, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  x int; first int; id uuid;
BEGIN
  n := 0;
  WHILE NOT EXISTS (SELECT FROM is_over) LOOP
    x := 1 + floor(random() * 2000);
    first := latest();
    -- By turns somebody whom the sources have, and somebody new.
    id := identify('crowd', format('%s-%s', who, n), jsonb_build_object('email', format(CASE WHEN n % 2 = 0 THEN 'f%s@x.com' ELSE 'new%s@x.com' END, x)));
    INSERT INTO told VALUES (format('%s-%s', who, n), first, id);
    IF NOT EXISTS (SELECT FROM crowd c WHERE c.identity_id = id AND c.identify_id @> ARRAY[format('%s-%s', who, n)]) OR identity_of('crowd', 'identify', format('%s-%s', who, n)) IS DISTINCT FROM id THEN
      INSERT INTO asked (who, wrong) VALUES ('told', format('%s-%s is not who was told', who, n));
    END IF;
    COMMIT;
    INSERT INTO asked VALUES ('told', first, latest(), CASE WHEN n % 2 = 0 THEN 'd' || x END, CASE WHEN n % 2 = 0 THEN id END);
    COMMIT;
    n := n + 1;
  END LOOP;
END $$;
SQL
rm -f "$SERVER_DIR"/*.out "$SERVER_DIR"/*.err
pids=()
run filler "CALL fill_on(${FILLS:-30}, NULL)"
for i in 1 2; do run "asker$i" "CALL ask_on('asker$i', NULL)"; done
run looker "CALL look_on(NULL)"
for i in 1 2; do run "teller$i" "CALL tell_on($i, NULL)"; done
wait "${pids[0]}" || value "INSERT INTO is_over VALUES (true)"
wait "${pids[@]}" || true
for name in filler asker1 asker2 looker teller1 teller2; do echo "$name: $(cat "$SERVER_DIR/$name.out" "$SERVER_DIR/$name.err")"; done
check "fills beside who asks and who tells: nobody met an error" [ -z "$(cat "$SERVER_DIR"/*.err)" ]
check "all fills were made, and all others got somewhere" [ "$(cat "$SERVER_DIR"/{filler,asker1,asker2,looker,teller1,teller2}.out | awk '$1 >= 10' | wc -l)" -eq 6 ]
value "SELECT DISTINCT who || ': ' || wrong FROM asked WHERE wrong IS NOT NULL LIMIT 10"
check "no answer was none" [ "$(value "SELECT count(*) FROM asked WHERE wrong IS NOT NULL")" -eq 0 ]
# A round is in the ledger when its refresh is committed: what was the latest one after the answer may be followed by one more.
strange=$(value "SELECT count(*) FROM asked a WHERE record IS NOT NULL AND NOT EXISTS (SELECT FROM whose w WHERE w.record = a.record AND w.identity_id = a.id AND w.n BETWEEN a.before AND a.after + 1)")
check "each answer was of the state before or after ($strange were not)" [ "$strange" -eq 0 ]
across=$(value "SELECT count(*) FROM asked WHERE after > before")
check "some answers had fills between question and answer ($across)" [ "$across" -ge 5 ]
check "many records went from one person to another" [ "$(value "SELECT count(*) FROM (SELECT record FROM whose GROUP BY record HAVING count(DISTINCT identity_id) > 1) d")" -ge 100 ]
check "people were told while a fill went on" [ "$(value "SELECT count(DISTINCT round) FROM told")" -ge 5 ]
check "whoever was told is in the map" [ "$(value "SELECT count(*) FROM told t WHERE NOT EXISTS (SELECT FROM crowd c WHERE c.identify_id @> ARRAY[t.user_id])")" -eq 0 ]
check "under the id that was told, or one that it became" [ "$(value "SELECT count(*) FROM told t WHERE identity_current('crowd', t.id) IS NULL")" -eq 0 ]
sql --quiet -c "CALL refresh_identity_map('crowd')" -c "CALL model.together('crowd')"
check "and the map is what a full resolve gives" [ -z "$(value "SELECT model.as_resolved('crowd')")" ]
check "no deadlock" bash -c "! grep -i 'deadlock' '$SERVER_LOG'"

# ---- A session keeps plans: of tables that another one makes anew, and of an extension that it makes anew. Each line of
# psql's input is a statement; those behind \! run in a session of their own.
again="psql -X --quiet -c 'DROP EXTENSION identity_resolve CASCADE' -c 'DROP TABLE people' -c 'CREATE EXTENSION identity_resolve' -c \"SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app'), identity_column('app_id', 'int'))\" -c \"CALL refresh_identity_map('people')\" >/dev/null"
told=$(PGOPTIONS='-c client_min_messages=error' sql --quiet -At 2>&1 <<SQL
SELECT identify('people', 'one', '{"email": "p1@x.com"}') = (SELECT identity_id FROM people WHERE app_id = 1);
\\! psql -X --quiet -c "SELECT alter_identity_map('people', identity_source('app', 'SELECT id, email, label, ''b'' || id AS badge FROM app'), identity_rule('badge'))" -c "CALL refresh_identity_map('people')" >/dev/null
SELECT identify('people', 'two', '{"badge": "b2"}') = (SELECT identity_id FROM people WHERE app_id = 2);
\\! $again
SELECT identify('people', 'three', '{"email": "p3@x.com"}') = (SELECT identity_id FROM people WHERE app_id = 3);
\\! $again
SELECT identify('people', 'three', '{"email": "p3@x.com"}') = (SELECT identity_id FROM people WHERE app_id = 3);
UPDATE app SET email = 'four@x.com' WHERE id = 4;
CALL refresh_identity_map('people');
SELECT identify('people', 'four', '{"email": "four@x.com"}') = (SELECT identity_id FROM people WHERE app_id = 4);
SQL
) || true
check "plans that are kept follow what others do: $(tr '\n' ' ' <<<"$told")" [ "$told" = $'t\nt\nt\nt\nt' ]
check "amcheck finds tables and indexes sound again" sound
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
