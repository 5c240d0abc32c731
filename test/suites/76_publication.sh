#!/usr/bin/env bash
# Logical replication and maps: publications of all tables and of schemas stop nothing that a map does, what it does can be
# decoded, and a map's table can be replicated.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
skipped=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
same() { diff "$1" "$2" >"$SERVER_DIR/diff" || { head -n 6 "$SERVER_DIR/diff" | cut -c 1-300; false; }; }
value() { sql --quiet -At -d "$1" -c "SET client_min_messages = error" -c "$2"; }

# Decoding ends where WAL is flushed.
server_start "jit = off" "synchronous_commit = on" "wal_level = logical" "max_wal_senders = 6" "max_replication_slots = 6"
version=$(sql -At -c 'SHOW server_version_num')

# What a map goes through; last, how many of its rows differ from a full resolve.
life="CREATE TABLE app (id int PRIMARY KEY, email text);
  CREATE TABLE shop (id int PRIMARY KEY, email text);
  CREATE TABLE merges (former text PRIMARY KEY, present text);
  INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 50) n;
  INSERT INTO shop SELECT n, format('p%s@x.com', n * 2) FROM generate_series(1, 50) n;
  SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app', capture => 'trigger'), identity_source('shop', 'SELECT id, email FROM shop'),
    identity_rule('email', max_records => 5), identity_alias('email', 'TABLE merges'), identity_column('app_id', 'int[]'), identity_column('shop_id', 'int[]'), identity_column('email', 'text[]'));
  CALL refresh_identity_map('people');
  UPDATE app SET email = 'p2@x.com' WHERE id = 3;
  DELETE FROM app WHERE id = 7;
  INSERT INTO merges VALUES ('p9@x.com', 'p11@x.com'), ('p1@x.com', 'p13@x.com');
  DELETE FROM shop WHERE id IN (4, 5);
  CALL refresh_identity_map('people');
  SELECT identify('people', 'u1', '{\"email\": \"p4@x.com\"}'), identify('people', 'u1', '{\"email\": [\"p6@x.com\", \"p8@x.com\"]}');
  SELECT forget('people', 'app', '9');
  SELECT forget_identity('people', identity_id) FROM people WHERE 12 = ANY (app_id);
  SELECT remember('people', 'app', '9');
  DELETE FROM app WHERE id = 12;
  DELETE FROM merges WHERE former = 'p1@x.com';
  DELETE FROM shop WHERE id = 6;
  UPDATE app SET email = 'all@x.com' WHERE id BETWEEN 20 AND 30;
  CALL refresh_identity_map('people');
  UPDATE app SET email = format('p%s@x.com', id) WHERE id BETWEEN 20 AND 30;
  CALL refresh_identity_map('people', full => true);
  SELECT alter_identity_map('people', identity_source('app', 'SELECT id, email, email AS username FROM app', capture => 'trigger'));
  CALL refresh_identity_map('people');
  UPDATE app SET email = format('q%s@x.com', id);
  CALL refresh_identity_map('people');
  TRUNCATE shop;
  CALL refresh_identity_map('people')"
differ="SELECT count(*) FROM ((SELECT app_id, shop_id, email FROM people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id int[], email text[]))
  UNION ALL (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id int[], email text[]) EXCEPT ALL SELECT app_id, shop_id, email FROM people)) d"
live() { # live DATABASE [ROLE]
  sql --quiet -d "$1" -U "${2:-postgres}" -c "SET client_min_messages = error" -f - <<<"$life;" >/dev/null 2>"$SERVER_DIR/err" || { grep -m 2 ERROR "$SERVER_DIR/err"; return 1; }
  test "$(value "$1" "$differ")" = 0
}

for database in plain every schemas slot one copy; do sql --quiet -c "CREATE DATABASE $database"; done
for database in plain every schemas slot one; do sql --quiet -d "$database" -c 'CREATE EXTENSION identity_resolve'; done

check "nothing is published" live plain
sql --quiet -d every -c 'CREATE PUBLICATION everything FOR ALL TABLES'
check "all tables are published" live every
check "the map is dropped" sql --quiet -d every -c "SELECT drop_identity_map('people')" -o /dev/null
if ((version >= 150000)); then
  sql --quiet -d schemas -c 'CREATE PUBLICATION of_schemas FOR TABLES IN SCHEMA public, identity_state'
  check "schemas are published" live schemas
else
  skipped=$((skipped + 1))
fi
# A map that is there before: the publication comes later; so does the state's way to be published.
for table in $(value plain "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' AND relreplident = 'f'"); do
  sql --quiet -d plain -c "ALTER TABLE $table REPLICA IDENTITY NOTHING"
done
sql --quiet -d plain -c 'CREATE PUBLICATION everything FOR ALL TABLES' -c "SELECT reduce_identity_map('people', rules => '{email}')" -o /dev/null
goes_on() {
  sql --quiet -d plain -c "CALL refresh_identity_map('people')" -c "UPDATE app SET email = 'p1@x.com' WHERE id < 4" -c "CALL refresh_identity_map('people')" &&
    test "$(value plain "$differ")" = 0
}
check "a state that an earlier version made is published, too" goes_on

# What is written by the map's own way, past the statements, can be decoded.
value slot "SELECT pg_create_logical_replication_slot('all_of_it', 'test_decoding')" >/dev/null
check "while a slot listens" live slot
value slot "SELECT data FROM pg_logical_slot_get_changes('all_of_it', NULL, NULL)" >"$SERVER_DIR/decoded"
decoded() { grep -c "table $1: $2:" "$SERVER_DIR/decoded"; }
check "inserts, updates and deletes of the map's table are decoded" test "$(decoded public.people INSERT)" -gt 0 -a "$(decoded public.people UPDATE)" -gt 0 -a "$(decoded public.people DELETE)" -gt 0
check "those of its state, with what was there before" grep -q 'table identity_state.m1_log: DELETE: source\[smallint\]:[0-9]' "$SERVER_DIR/decoded"
check "no change of the state is decoded without saying of which row" test "$(grep -cE 'table identity_state.*(no-tuple-data)' "$SERVER_DIR/decoded")" -eq 0
# By what was decoded alone the table is what it is.
check "as many rows as there are" test "$(($(decoded public.people INSERT) - $(decoded public.people DELETE)))" -eq "$(value slot 'SELECT count(*) FROM people')"
value slot "SELECT pg_drop_replication_slot('all_of_it')" >/dev/null

# A subscriber of the map's table sees it as it is.
sql --quiet -d one -c 'CREATE PUBLICATION of_people'
live one
sql --quiet -d one -c 'ALTER PUBLICATION of_people ADD TABLE people' -c "SELECT pg_create_logical_replication_slot('copy', 'pgoutput')" -o /dev/null
sql --quiet -d copy -c 'CREATE TABLE people (identity_id uuid PRIMARY KEY, app_id int[], shop_id int[], email text[])' \
  -c "CREATE SUBSCRIPTION copy CONNECTION 'host=$SERVER_DIR port=$PGPORT user=postgres dbname=one' PUBLICATION of_people WITH (create_slot = false)"
follows() { # until the copy is as the map, or for a minute
  local here there
  here=$(value one 'SELECT md5(string_agg(p::text, chr(32) ORDER BY identity_id)) FROM people p')
  for _ in $(seq 600); do
    there=$(value copy 'SELECT md5(string_agg(p::text, chr(32) ORDER BY identity_id)) FROM people p')
    [[ $here == "$there" ]] && return
    sleep 0.1
  done
  false
}
check "a subscriber copies the table" follows
value one "UPDATE app SET email = 'p1@x.com' WHERE id BETWEEN 10 AND 13; DELETE FROM app WHERE id = 14; INSERT INTO app VALUES (100, 'x@x.com')" >/dev/null
value one "CALL refresh_identity_map('people')" >/dev/null
check "... and follows a refresh" follows
value one "SELECT identify('people', 'u9', '{\"email\": \"x@x.com\"}'), forget('people', 'app', '15')" >/dev/null
check "... identify() and forget()" follows
value one "CALL refresh_identity_map('people', full => true)" >/dev/null
check "... and a full one" follows
sql --quiet -d copy -c 'SET client_min_messages = error' -c 'ALTER SUBSCRIPTION copy DISABLE' -c 'ALTER SUBSCRIPTION copy SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION copy'

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
