#!/usr/bin/env bash
# Capture triggers are guests. Whatever is done to the table of a captured source, statements on it go on without an error, and
# the next refresh has what a full resolve gives, or says what is wrong: columns renamed, dropped and retyped, tables swapped,
# restored and emptied by a crash, triggers switched off, replication, rights that are missing, maps that are gone, writers beside
# a refresh that attaches.
# SECONDS_=60 test/suites/69_capture.sh lets writers and refreshes run longer beside each other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

seconds=${SECONDS_:-10}
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
is() { [ "$1" = "$2" ] || { echo "    it is: $1"; false; }; }  # is "what it is" "what it should be"
like() { [[ $1 == *"$2"* ]] || { echo "    it says: $1"; false; }; }  # like "text" "part of it"
value() { sql --quiet -At -d "${2:-postgres}" -c "SET client_min_messages = error" -c "$1"; }
# What a statement says, errors and warnings too, as a role.
# What a refresh finds out about the data (sql/57_map_warnings.sql) is not what is asked for here.
said() {
  psql --no-psqlrc --quiet -At -d "${3:-postgres}" -c "SET SESSION AUTHORIZATION $1" -c "$2" 2>&1 |
    sed '/^WARNING:  identity map "public.people": source /{N;/\nHINT:  SELECT [*] FROM identity_check(/d}' || true
}
# Statements of the application's role: they must not fail, nor say anything.
app() {
  local answer
  answer=$(said shop "$1" "${2:-postgres}")
  check "the application goes on: $1" [ -z "$answer" ]
  [ -z "$answer" ] || echo "    $answer"
}
# The map's owner refreshes; then the map is what a full resolve gives.
right() { # what
  local answer different
  answer=$(said anna "CALL refresh_identity_map('people')")
  different=$(value "SELECT model.as_resolved('people')")
  check "$1" [ -z "$answer$different" ]
  [ -z "$answer$different" ] || echo "    $answer $different"
}
people() { value "SELECT count(*) FROM people WHERE $1"; }
log_size() { value "SELECT count(*) FROM identity_state.m${1:-1}_log"; }
# Whether a refresh reads the log alone: what is lost from it is not seen. Brings the map up to date again.
lost=0
told_only() {
  local seen
  lost=$((lost + 1))
  value "UPDATE shop.users SET email = 'lost$lost@x.com' WHERE id = (SELECT min(id) FROM shop.users); DELETE FROM identity_state.m1_log"
  said anna "CALL refresh_identity_map('people')"
  seen=$(people "email @> '{lost$lost@x.com}'")
  said anna "CALL refresh_identity_map('people', \"full\" => true)"
  [ "$seen" = 0 ]
}

server_start "autovacuum = off" "jit = off" "wal_level = logical" "max_wal_senders = 10" "max_connections = 60"
sql --quiet -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = error;
CREATE ROLE shop LOGIN;
CREATE ROLE anna LOGIN;
CREATE SCHEMA shop AUTHORIZATION shop;
GRANT CREATE ON SCHEMA public TO anna;
SET SESSION AUTHORIZATION shop;
CREATE TABLE shop.users (extra int, id int, email text, note text);
ALTER TABLE shop.users DROP COLUMN extra;
CREATE TABLE shop.leads (id text, email text);
INSERT INTO shop.users SELECT n, format('p%s@x.com', n) FROM generate_series(1, 50) n;
INSERT INTO shop.leads SELECT 'l' || n, format('P%s@x.com', n) FROM generate_series(1, 50, 3) n;
GRANT USAGE ON SCHEMA shop TO anna;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO anna;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, TRIGGER ON TABLES TO anna;
SQL
make_map="SELECT create_identity_map('people', identity_source('users', 'SELECT id, email FROM shop.users', capture => 'trigger', on_loss => 'allow'),
  identity_source('leads', 'SELECT id, email FROM shop.leads', capture => 'trigger', on_loss => 'allow'), identity_rule('user_id', max_per_identity => 0),
  identity_column('users_id', 'text[]'), identity_column('leads_id', 'text[]'), identity_column('email', 'text[]'))"

# ---- Rights: TRIGGER is needed, and named when the map is made; ownership of the table is not.
answer=$(said anna "$make_map")
check "without TRIGGER the map is not made, and the error names source, privilege and table" like "$answer" 'ERROR:  source "users": the privilege TRIGGER on table shop.users is missing'
check "and the way out" like "$answer" 'GRANT TRIGGER ON shop.users TO anna;'
check "nothing is left of it" is "$(value "SELECT to_regclass('public.people') IS NULL AND NOT EXISTS (SELECT FROM identity_internal.identity_map_catalog)")" t
value "GRANT TRIGGER ON shop.users, shop.leads TO anna"
check "with TRIGGER it is" is "$(said anna "$make_map")" people
map_id=$(value "SELECT map_id FROM identity_internal.identity_map_catalog")
check "it is map 1" is "$map_id" 1
right "and is filled"
check "a map's triggers say which map they are of" is "$(value "SELECT count(*) FROM pg_trigger t WHERE tgrelid = 'shop.users'::regclass AND tgname ~ '^identity_map_m1_[0-9]_[a-z]+_people_users\$' AND obj_description(oid, 'pg_trigger') = 'capture of identity map public.people, source users'")" 5
check "as do their functions, which the map's owner alone may use" is "$(value "SELECT obj_description(oid, 'pg_proc'), proacl, pg_get_userbyid(proowner), prosecdef FROM pg_proc WHERE proname = 'm1_capture_1'")" 'capture of identity map public.people, source users|{postgres=X/postgres,anna=X/postgres}|postgres|f'
check "a refresh reads what triggers told, no more" told_only

# ---- Triggers off and on.
app "INSERT INTO shop.users VALUES (101, 'p101@x.com'); UPDATE shop.users SET email = 'p2@x.com' WHERE id = 1; DELETE FROM shop.users WHERE id = 7"
right "what the application wrote is in the map"
app "ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p3@x.com' WHERE id = 4"
right "triggers that are off are put on, by an owner of the map who does not own the table; the table is read as a whole"
app "UPDATE shop.users SET email = 'p5@x.com' WHERE id = 4"
right "they tell again"
check "and only they" told_only
app "ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p6@x.com' WHERE id = 4; ALTER TABLE shop.users ENABLE TRIGGER ALL"
right "triggers that were off for a while"
app "BEGIN; ALTER TABLE shop.users DISABLE TRIGGER USER; DELETE FROM shop.users WHERE id = 8; ALTER TABLE shop.users ENABLE TRIGGER USER; COMMIT"
right "… within a transaction"
answer=$(said anna "BEGIN; CALL refresh_identity_map('people'); RESET SESSION AUTHORIZATION; ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p9@x.com' WHERE id = 10;
  ALTER TABLE shop.users ENABLE TRIGGER ALL; CALL refresh_identity_map('people'); COMMIT")
check "… within a transaction, between two refreshes of it" [ -z "$answer$(value "SELECT model.as_resolved('people')")" ]
value "DROP TRIGGER identity_map_m1_1_update_people_users ON shop.users"
app "UPDATE shop.users SET email = 'p11@x.com' WHERE id = 12"
right "a trigger that was dropped"
value "SET session_replication_role = replica; INSERT INTO shop.users VALUES (102, 'p14@x.com'); UPDATE shop.users SET email = 'p15@x.com' WHERE id = 16; DELETE FROM shop.users WHERE id = 17;
  COPY shop.users (id) FROM PROGRAM 'echo 103; echo 104'"
right "rows written under session_replication_role = replica"
check "are told by triggers, too" told_only
value "SET session_replication_role = replica; TRUNCATE shop.leads; INSERT INTO shop.leads VALUES ('l1', 'p1@x.com'), ('l4', 'p4@x.com')"
right "as is a TRUNCATE"
value "REVOKE TRIGGER ON shop.users FROM anna"
app "UPDATE shop.users SET email = 'p18@x.com' WHERE id = 19"
right "with the triggers there, TRIGGER is not needed any more"
app "ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p20@x.com' WHERE id = 19"
answer=$(said anna "CALL refresh_identity_map('people')")
check "where triggers cannot be made again all of the table is read, with a warning" like "$answer" 'WARNING:  identity map "public.people", source "users": its triggers cannot be made, so that all of it is read'
check "that tells the way out" like "$answer" 'GRANT TRIGGER ON shop.users TO anna;'
check "and the map is right" [ -z "$(value "SELECT model.as_resolved('people')")" ]
app "UPDATE shop.users SET email = 'p21@x.com' WHERE id = 19"
said anna "CALL refresh_identity_map('people')" >/dev/null
check "at the next refresh, too" [ -z "$(value "SELECT model.as_resolved('people')")" ]
value "GRANT TRIGGER ON shop.users TO anna"
right "until the privilege is given back"
check "then the triggers tell" told_only

# ---- Columns.
write="INSERT INTO shop.users VALUES (105, 'p22@x.com'); UPDATE shop.users SET email = 'p23@x.com' WHERE email = 'p24@x.com'; DELETE FROM shop.users WHERE email = 'p25@x.com'"
app "ALTER TABLE shop.users RENAME COLUMN id TO key"
app "$write"
answer=$(said anna "CALL refresh_identity_map('people')")
check "a renamed column: the refresh says which source, and what is wrong" like "$answer" 'ERROR:  source "users": column "id" does not exist'
check "which map, and the way out" like "$answer" 'refresh of identity map public.people; alter_identity_map() gives a source another query'
said anna "SELECT alter_identity_map('people', identity_source('users', 'SELECT key, email FROM shop.users', capture => 'trigger', on_loss => 'allow'))" >/dev/null
right "with another query it is right again"
app "UPDATE shop.users SET email = 'p26@x.com' WHERE key = 27"
right "and hears of changes"
app "ALTER TABLE shop.users RENAME COLUMN key TO id"
said anna "SELECT alter_identity_map('people', identity_source('users', 'SELECT id, email FROM shop.users', capture => 'trigger', on_loss => 'allow'))" >/dev/null
right "renamed back"
app "ALTER TABLE shop.users RENAME COLUMN id TO key; INSERT INTO shop.users VALUES (107, 'p107@x.com'); ALTER TABLE shop.users RENAME COLUMN key TO id"
right "renamed for a while"
app "ALTER TABLE shop.users RENAME COLUMN email TO old_email; ALTER TABLE shop.users RENAME COLUMN note TO email"
right "another column takes the name of the one that is read, without a write"
app "ALTER TABLE shop.users RENAME COLUMN email TO note; ALTER TABLE shop.users RENAME COLUMN old_email TO email"
right "and gives it back"
app "ALTER TABLE shop.users ADD COLUMN other_id int; UPDATE shop.users SET other_id = id + 1000; ALTER TABLE shop.users RENAME COLUMN id TO old_id; ALTER TABLE shop.users RENAME COLUMN other_id TO id"
right "another column takes the name of the record id"
app "INSERT INTO shop.users (old_id, id, email) VALUES (1, 5001, 'p28@x.com'); UPDATE shop.users SET email = 'p29@x.com' WHERE id = 1030"
right "whose changes are told by the new column"
app "ALTER TABLE shop.users DROP COLUMN id"
app "INSERT INTO shop.users (old_id, email) VALUES (2, 'p28@x.com'); UPDATE shop.users SET email = 'p31@x.com' WHERE old_id = 30; DELETE FROM shop.users WHERE old_id = 31"
app "INSERT INTO shop.users (old_id, email) VALUES (1, 'p32@x.com'); TRUNCATE shop.users; INSERT INTO shop.users (old_id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 60) n"
check "a dropped column: the refresh says so" like "$(said anna "CALL refresh_identity_map('people')")" 'ERROR:  source "users": column "id" does not exist'
app "ALTER TABLE shop.users RENAME COLUMN old_id TO id"
right "the first column is there again: right without a word to the map"
app "UPDATE shop.users SET email = 'p33@x.com' WHERE id = 34"
right "and it hears of changes"
for type in bigint text "varchar(20)" "char(10)" numeric; do
  app "ALTER TABLE shop.users ALTER COLUMN id TYPE $type USING id::$type"
  app "INSERT INTO shop.users (id, email) VALUES (200, 'p35@x.com'); UPDATE shop.users SET email = 'p36@x.com' WHERE id::text = '37'; DELETE FROM shop.users WHERE id::text = '200'; UPDATE shop.users SET email = 'p37@x.com' WHERE id::text = '37'"
  right "a column that became $type"
  app "UPDATE shop.users SET email = 'p38@x.com' WHERE id::text = '39'; UPDATE shop.users SET email = 'p39@x.com' WHERE id::text = '39'"
  right "… and what changed since"
done
app "ALTER TABLE shop.users ALTER COLUMN id TYPE int USING id::int"
app "ALTER TABLE shop.users ALTER COLUMN email TYPE text USING 'x' || email"
right "values that a rewrite of the table changed"
app "ALTER TABLE shop.users DROP COLUMN email; ALTER TABLE shop.users ADD COLUMN email text DEFAULT 'same@x.com'"
right "a column dropped and added, with other values in it"
app "UPDATE shop.users SET email = format('p%s@x.com', id)"
right "all rows changed"

# ---- Tables that are swapped, restored, attached.
app "BEGIN; CREATE TABLE shop.users_new (LIKE shop.users); INSERT INTO shop.users_new (id, email) SELECT id, format('p%s@x.com', id % 20) FROM shop.users; ALTER TABLE shop.users RENAME TO users_old; ALTER TABLE shop.users_new RENAME TO users; COMMIT"
app "INSERT INTO shop.users (id, email) VALUES (301, 'p1@x.com'); INSERT INTO shop.users_old (id, email) VALUES (302, 'p1@x.com')"
right "another table under the name"
check "has the triggers now, and the old one none" is "$(value "SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.users'::regclass), (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.users_old'::regclass)")" '5|0'
check "which tell" told_only
app "BEGIN; ALTER TABLE shop.users RENAME TO users_new; ALTER TABLE shop.users_old RENAME TO users; COMMIT; INSERT INTO shop.users (id, email) VALUES (303, 'p2@x.com')"
right "swapped back"
app "BEGIN; ALTER TABLE shop.users RENAME TO t; ALTER TABLE shop.users_new RENAME TO users; COMMIT; BEGIN; ALTER TABLE shop.users RENAME TO users_new; ALTER TABLE shop.t RENAME TO users; COMMIT; INSERT INTO shop.users (id, email) VALUES (304, 'p3@x.com')"
right "swapped and back between two refreshes"
app "DROP TABLE shop.users_new"
pg_dump -Fc -t shop.users -f "$SERVER_DIR/users.dump"
app "INSERT INTO shop.users (id, email) VALUES (305, 'p4@x.com')"
right "before a restore"
pg_restore --clean -d postgres "$SERVER_DIR/users.dump"
right "a table restored with --clean: what came since the dump is gone"
app "INSERT INTO shop.users (id, email) VALUES (306, 'p5@x.com')"
right "… and changes are told"
check "… by triggers of the new table" told_only
pg_dump -Fc --data-only -t shop.users -f "$SERVER_DIR/rows.dump"
app "UPDATE shop.users SET email = 'p6@x.com' WHERE id < 10"
right "before another restore"
value "ALTER TABLE shop.users DISABLE TRIGGER ALL; DELETE FROM shop.users; ALTER TABLE shop.users ENABLE TRIGGER ALL"
pg_restore --data-only --disable-triggers -d postgres "$SERVER_DIR/rows.dump"
right "rows restored with --disable-triggers"
app "CREATE TABLE shop.users_kid () INHERITS (shop.users); INSERT INTO shop.users_kid (id, email) VALUES (307, 'p7@x.com')"
answer=$(said anna "CALL refresh_identity_map('people')")
check "a table that has got a child: a warning" like "$answer" 'WARNING:  identity map "public.people", source "users": triggers cannot tell of its changes any more, so that all of it is read'
check "and the map is right" [ -z "$(value "SELECT model.as_resolved('people')")" ]
check "its triggers are gone" is "$(value "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.users'::regclass")" 0
app "INSERT INTO shop.users_kid (id, email) VALUES (308, 'p8@x.com')"
said anna "CALL refresh_identity_map('people')" >/dev/null
check "also of later rows" [ -z "$(value "SELECT model.as_resolved('people')")" ]
app "DROP TABLE shop.users_kid"
right "without the child the triggers are back"
check "and tell" told_only
app "CREATE TABLE shop.all_users (LIKE shop.users) PARTITION BY RANGE (id); ALTER TABLE shop.all_users ATTACH PARTITION shop.users DEFAULT; INSERT INTO shop.all_users (id, email) VALUES (309, 'p9@x.com');
  ALTER TABLE shop.all_users DETACH PARTITION shop.users; DROP TABLE shop.all_users"
right "rows that came by way of a partitioned table, for a while"

# ---- A crash empties an UNLOGGED table.
app "ALTER TABLE shop.users SET UNLOGGED"
right "an UNLOGGED table"
app "UPDATE shop.users SET email = 'p10@x.com' WHERE id = 11"
right "is heard of"
check "by triggers" told_only
server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=immediate --silent stop
server_up
check "it is empty after a crash" is "$(value "SELECT count(*) FROM shop.users")" 0
right "and so is the map"
app "INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 60) n"
right "filled again"
check "by what triggers told" told_only
# One process is killed; the server starts the others anew, and goes on under the same number.
backend=$(value "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
kill -9 "$backend"
for i in {1..100}; do
  if [ "$(value "SELECT count(*) FROM shop.users" 2>/dev/null)" = 0 ]; then break; fi
  sleep 0.1
done
check "it is empty after the crash of one process" is "$(value "SELECT count(*) FROM shop.users")" 0
right "and so is the map, again"
app "ALTER TABLE shop.users SET LOGGED; INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 60) n"
right "LOGGED again"

# ---- What the log holds.
app "BEGIN; TRUNCATE shop.users; TRUNCATE shop.users; TRUNCATE shop.users; INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 60) n; COMMIT"
check "that all is to be read is logged once a transaction" is "$(log_size)" 1
right "and all is read"
check "the log is empty then" is "$(log_size)" 0
app "BEGIN; SAVEPOINT s; TRUNCATE shop.users; ROLLBACK TO s; TRUNCATE shop.users; SAVEPOINT s; INSERT INTO shop.users (id, email) VALUES (1, 'p1@x.com'); RELEASE s; COMMIT"
check "a subtransaction that is rolled back takes it along" is "$(log_size)" 1
right "but not what came after"
answer=$(said anna "RESET SESSION AUTHORIZATION; BEGIN; TRUNCATE shop.users; CALL refresh_identity_map('people'); INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 60) n; COMMIT")
check "a refresh within the transaction has taken it" [ -z "$answer" ]
right "and what comes later is told again"
if (($(value 'SHOW server_version_num') >= 150000)); then
  app "DELETE FROM shop.users WHERE id = 31"
  right "before a MERGE"
  app "MERGE INTO shop.users u USING (VALUES (30, 'p1@x.com'), (31, 'p2@x.com'), (32, NULL)) v (id, email) ON u.id = v.id WHEN MATCHED AND v.email IS NULL THEN DELETE
    WHEN MATCHED THEN UPDATE SET email = v.email WHEN NOT MATCHED THEN INSERT (id, email) VALUES (v.id, v.email)"
  check "a MERGE logs what it inserts, updates and deletes" is "$(value "SELECT string_agg(record_id, ' ' ORDER BY record_id) FROM identity_state.m1_log")" '30 31 32'
  right "and the map follows"
  app "INSERT INTO shop.users (id, email) VALUES (32, 'p32@x.com')"
  right "as before"
fi
app "UPDATE shop.users SET note = 'x'"
check "an update that keeps the record ids logs each once" is "$(log_size)" 60
app "UPDATE shop.users SET id = id + 1000 WHERE id > 55"
check "one that changes them logs both" is "$(log_size)" 70
app "INSERT INTO shop.users (id, email) SELECT 7, format('q%s@x.com', n) FROM generate_series(1, 500) n; DELETE FROM shop.users WHERE email LIKE 'q%'"
check "rows of one record log it once a statement" is "$(log_size)" 72
right "and the map is right"
app "INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(2001, 5000) n"
check "a statement on very many records logs that all is to be read" is "$(value "SELECT count(*), count(record_id) FROM identity_state.m1_log")" '1|0'
right "which it is"
app "DO \$\$ BEGIN FOR i IN 1 .. 3000 LOOP UPDATE shop.users SET note = 'y' WHERE id = 2000 + i; END LOOP; END \$\$"
check "as does a transaction of many statements, when they are too many" is "$(value "SELECT count(*), count(record_id) FROM identity_state.m1_log")" '1001|1000'
right "which is read, too"
app "DELETE FROM shop.users WHERE id > 2000; INSERT INTO shop.users (email) VALUES ('nobody@x.com'); DELETE FROM shop.users WHERE id IS NULL"
right "a row without a record id came and went"
app "INSERT INTO shop.users (email) VALUES ('nobody@x.com'); UPDATE shop.users SET email = 'p11@x.com' WHERE id = 12"
check "one that stays is an error of the refresh, as it is of a resolve" like "$(said anna "CALL refresh_identity_map('people')")" 'ERROR:  source "users": a record id is null'
app "DELETE FROM shop.users WHERE id IS NULL"
right "until it is gone"
app "INSERT INTO shop.leads VALUES (repeat('long', 100000), 'p1@x.com'); UPDATE shop.leads SET email = 'p2@x.com' WHERE length(id) > 1000"
check "of an id that is longer than any index takes, all is to be read" is "$(value "SELECT count(*), count(record_id) FROM identity_state.m1_log WHERE source = 2")" '1|0'
app "DELETE FROM shop.leads WHERE length(id) > 1000"
right "and when it is gone again"
value "CREATE INDEX ON identity_state.m1_log (record_id)"
app "UPDATE shop.users SET email = 'p12@x.com' WHERE id = 13"
check "an index that somebody has made on the log has the row" is "$(value "SET enable_seqscan = off; SELECT count(*) FROM identity_state.m1_log WHERE record_id = '13'")" 1
value "DROP INDEX identity_state.m1_log_record_id_idx"
right "and a refresh finds it"

# ---- A log that is not as it must be: nothing is logged, nothing fails, and the refresh after it has been put right reads all.
for damage in "RENAME TO elsewhere" "RENAME COLUMN record_id TO x" "ADD COLUMN x int" "SET UNLOGGED" "OWNER TO anna"; do
  case $damage in
    "RENAME TO elsewhere") mended="identity_state.elsewhere RENAME TO m1_log" ;;
    RENAME*) mended="identity_state.m1_log RENAME COLUMN x TO record_id" ;;
    ADD*) mended="" ;;
    SET*) mended="identity_state.m1_log SET LOGGED" ;;
    OWNER*) mended="identity_state.m1_log OWNER TO postgres" ;;
  esac
  value "ALTER TABLE identity_state.m1_log $damage"
  app "UPDATE shop.users SET email = 'p14@x.com' WHERE id = 15; INSERT INTO shop.users (id, email) VALUES (400, 'p14@x.com'); DELETE FROM shop.users WHERE id = 400; TRUNCATE shop.leads; INSERT INTO shop.leads VALUES ('l1', 'p1@x.com')"
  if [ -n "$mended" ]; then
    value "ALTER TABLE $mended"
  else
    value "DROP TABLE identity_state.m1_log; CREATE TABLE identity_state.m1_log (source smallint NOT NULL, record_id text COLLATE \"C\")"
  fi
  right "the log was damaged ($damage) while the application wrote"
  app "UPDATE shop.users SET email = 'p16@x.com' WHERE id = 15"
  right "and is written again"
done

# ---- Logical replication writes by row, without statements: what it brings is told, too.
sql --quiet -c "CREATE DATABASE far"
sql --quiet -d far -c "CREATE SCHEMA shop" -c "CREATE TABLE shop.leads (id text PRIMARY KEY, email text)" -c "CREATE PUBLICATION p FOR TABLE shop.leads" \
  -c "INSERT INTO shop.leads VALUES ('far1', 'p41@x.com'), ('far2', 'p42@x.com')" -c "SELECT pg_create_logical_replication_slot('s', 'pgoutput')" >/dev/null
app "ALTER TABLE shop.leads ADD PRIMARY KEY (id)"
right "before it"
value "CREATE SUBSCRIPTION s CONNECTION 'dbname=far host=$PGHOST' PUBLICATION p WITH (create_slot = false, slot_name = s)"
comes() { # SQL condition: until it holds
  local i
  for i in {1..200}; do
    if [ "$(value "SELECT $1")" = t ]; then return 0; fi
    sleep 0.1
  done
  return 1
}
check "the table is copied" comes "count(*) = 2 FROM shop.leads WHERE id LIKE 'far%'"
right "… and the copy told of"
sql --quiet -d far -c "INSERT INTO shop.leads VALUES ('far3', 'p43@x.com')" -c "UPDATE shop.leads SET id = 'far4' WHERE id = 'far1'" -c "UPDATE shop.leads SET email = 'p44@x.com' WHERE id = 'far4'" -c "DELETE FROM shop.leads WHERE id = 'far2'"
check "changes come" comes "string_agg(id || email, ' ' ORDER BY id) = 'far3p43@x.com far4p44@x.com' FROM shop.leads WHERE id LIKE 'far%'"
check "and are logged, record by record" is "$(value "SELECT string_agg(DISTINCT record_id, ' ' ORDER BY record_id) FROM identity_state.m1_log WHERE source = 2")" 'far1 far2 far3 far4'
right "and told of"
sql --quiet -d far -c "TRUNCATE shop.leads"
check "a TRUNCATE comes" comes "count(*) = 0 FROM shop.leads"
right "and is told of"
value "ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s"
sql --quiet -d far -c "SELECT pg_drop_replication_slot('s')" >/dev/null

# ---- Two maps of one table; capture that is taken away; maps that are dropped, or whose table was.
triggers() { value "SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('shop.users'::regclass, 'shop.leads'::regclass) AND NOT tgisinternal"; }
sql --quiet -c "CREATE ROLE bert LOGIN" -c "GRANT CREATE ON SCHEMA public TO bert" -c "GRANT USAGE ON SCHEMA shop TO bert" -c "GRANT SELECT, TRIGGER ON ALL TABLES IN SCHEMA shop TO bert"
check "another map of another owner over the same table" is "$(said bert "SELECT create_identity_map('others', identity_source('users', 'SELECT id, email FROM shop.users', capture => 'trigger', on_loss => 'allow'), identity_column('users_id', 'text[]')); CALL refresh_identity_map('others')")" others
app "UPDATE shop.users SET email = 'p45@x.com' WHERE id = 46"
right "both hear of a change: the one"
check "and the other" [ -z "$(said bert "CALL refresh_identity_map('others')")$(value "SELECT model.as_resolved('others')")" ]
others=$(value "SELECT map_id FROM identity_internal.identity_map_catalog WHERE map = 'others'::regclass")
check "the functions of one are not for the other" like "$(said bert "CREATE TABLE bert_s (id int); CREATE TRIGGER t AFTER INSERT ON bert_s REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION identity_state.m1_capture_1()")" 'permission denied for function'
said bert "ALTER TABLE others RENAME TO strangers"
check "a map under another name" [ -z "$(said bert "CALL refresh_identity_map('strangers')")" ]
check "is named so by its triggers" is "$(value "SELECT count(*) FROM pg_description WHERE classoid = 'pg_trigger'::regclass AND description = 'capture of identity map public.strangers, source users'")" 5
check "a superuser may drop it, though he owns neither it nor the table" [ -z "$(value "SELECT drop_identity_map('strangers')")" ]
check "its triggers go" is "$(triggers)" 10
said anna "SELECT alter_identity_map('people', identity_source('leads', 'SELECT id, email FROM shop.leads', on_loss => 'allow'))" >/dev/null
right "without capture a source is read as a whole"
check "and has no triggers" is "$(triggers)" 5
said anna "SELECT reduce_identity_map('people', sources => '{leads}')" >/dev/null
right "a source less"
said anna "SELECT alter_identity_map('people', identity_source('leads', 'SELECT id, email FROM shop.leads', capture => 'trigger', on_loss => 'allow'))" >/dev/null
right "and again"
check "with triggers" is "$(triggers)" 10

# A dump of the schema alone is restored: a table that is no map, and triggers that tell nobody.
pg_dump -s -f "$SERVER_DIR/schema.sql"
pg_dump -a -t 'shop.*' -f "$SERVER_DIR/shop.sql"
sql --quiet -c "CREATE DATABASE bare"
check "a dump of the schema is restored" [ -z "$(sql --quiet -d bare -o /dev/null -f "$SERVER_DIR/schema.sql" 2>&1)" ]
sql --quiet -d bare -o /dev/null -f "$SERVER_DIR/shop.sql"
app "INSERT INTO shop.users (id, email) SELECT n, 'x' FROM generate_series(1, 100) n; UPDATE shop.users SET email = 'y'; DELETE FROM shop.users WHERE id = 5; TRUNCATE shop.leads" bare
check "triggers are there, and log nothing" is "$(value "SELECT (SELECT count(*) FROM identity_state.m1_log), (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.users'::regclass)" bare)" '0|5'
check "it is no map" like "$(said anna "CALL refresh_identity_map('people')" bare)" 'is no identity map'
value "SELECT create_identity_map('public.new_people', identity_source('users', 'SELECT id, email FROM shop.users', capture => 'trigger'), identity_column('users_id', 'text[]')); CALL refresh_identity_map('public.new_people')" bare >/dev/null
check "the next call of one who may clears it away" is "$(value "SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.leads'::regclass), (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.users'::regclass)" bare)" '0|5'
app "UPDATE shop.users SET email = 'z@x.com' WHERE id IN (7, 8)" bare
value "CALL refresh_identity_map('public.new_people')" bare
check "and the new map hears of changes" [ -z "$(value "SELECT model.as_resolved('public.new_people')" bare)" ]
# A dump of everything.
app "UPDATE shop.users SET email = 'p47@x.com' WHERE id = 48"
pg_dump -Fc -f "$SERVER_DIR/all.dump"
sql --quiet -c "CREATE DATABASE whole"
pg_restore -d whole "$SERVER_DIR/all.dump"
app "UPDATE shop.users SET email = 'p49@x.com' WHERE id = 50" whole
check "after a restore the next refresh reads all" [ -z "$(said anna "CALL refresh_identity_map('people')" whole)$(value "SELECT model.as_resolved('people')" whole)" ]
app "UPDATE shop.users SET email = 'p51@x.com' WHERE id = 52" whole
check "and then triggers tell" is "$(value "SELECT string_agg(record_id, ' ') FROM identity_state.m1_log" whole)" 52
check "of every change" [ -z "$(said anna "CALL refresh_identity_map('people')" whole)$(value "SELECT model.as_resolved('people')" whole)" ]
pg_restore --clean -d whole "$SERVER_DIR/all.dump" 2>/dev/null || true
app "UPDATE shop.users SET email = 'p53@x.com' WHERE id = 54" whole
check "as after a restore over what was there" [ -z "$(said anna "CALL refresh_identity_map('people')" whole)$(value "SELECT model.as_resolved('people')" whole)" ]

# The table of a map is dropped by hand.
right "before it is dropped"
said anna "DROP TABLE people"
app "INSERT INTO shop.users (id, email) VALUES (500, 'p1@x.com'); UPDATE shop.users SET email = 'x'; DELETE FROM shop.users WHERE id = 500; TRUNCATE shop.leads"
check "nothing is logged for a map that is gone" is "$(log_size)" 0
check "the map is made anew" is "$(said anna "$make_map")" people
check "which clears the old one away" is "$(value "SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace AND relname LIKE 'm1\\_%'")" 0
right "and is right"
check "with the triggers of one map" is "$(triggers)" 10
check "which its owner drops without owning the tables" [ -z "$(said anna "SELECT drop_identity_map('people')")" ]
check "and the triggers go" is "$(triggers)" 0

# ---- What the owner of a map may do with a capture function: nothing to anybody else.
said anna "$make_map" >/dev/null
right "another one"
id=$(value "SELECT map_id FROM identity_internal.identity_map_catalog")
check "it cannot be called" like "$(said anna "SELECT identity_state.m${id}_capture_1()")" 'the capture of an identity map is a trigger'
arguments=$(value "SELECT string_agg(quote_literal(x), ', ') FROM pg_trigger, string_to_table(encode(tgargs, 'escape'), '\000') x WHERE tgrelid = 'shop.users'::regclass AND tgtype = 4 AND x <> ''")
said anna "CREATE TABLE own (id int, email text)"
own=$(value "SELECT 'own'::regclass::oid")
n=0
for when in BEFORE AFTER; do
  for scope in "FOR EACH ROW" "FOR EACH STATEMENT"; do
    for given in "" "'x'" "'1', '2', '3', '4'" "$arguments" "$(sed "s/'[0-9]*', '\([0-9]*\)'\$/'$own', '\1'/" <<<"$arguments")" "'-1', '99999999999', '', 'a'" "'1', '2', '3', '4', '5'" \
      "$(sed "s/'[0-9]*', '[0-9]*'\$/'$own', '-7'/" <<<"$arguments")" "$(sed "s/'[0-9]*', '[0-9]*'\$/'$own', '3'/" <<<"$arguments")" "$(sed "s/, '[0-9]*', '[0-9]*', '[0-9]*'\$/, '1259', '$own', '1'/" <<<"$arguments")"; do
      n=$((n + 1))
      said anna "CREATE TRIGGER t$n $when INSERT OR UPDATE OR DELETE ON own $scope EXECUTE FUNCTION identity_state.m${id}_capture_1($given)"
    done
  done
done
answer=$(said anna "INSERT INTO own VALUES (1, 'a'), (2, 'b'); UPDATE own SET email = email || 'x' RETURNING email; DELETE FROM own WHERE id = 1 RETURNING id")
check "$n odd triggers on a table of his own let its rows be: $answer" is "$answer" $'ax\nbx\n1'
check "they have logged into his own map's log at most" is "$(value "SELECT count(DISTINCT source) <= 1 FROM identity_state.m${id}_log")" t
said anna "DROP TABLE own"
right "whom that does no harm"
value "SELECT drop_identity_map('public.people')"

# ---- Others at work. Sessions that hold their transactions open, driven through pipes: say NAME "statements" does not wait for the answer.
declare -A to from
open_session() {
  mkfifo "$SERVER_DIR/$1.in" "$SERVER_DIR/$1.answers"
  stdbuf -oL psql --no-psqlrc --quiet -At <"$SERVER_DIR/$1.in" >"$SERVER_DIR/$1.answers" 2>&1 &
  exec {fd}>"$SERVER_DIR/$1.in"; to[$1]=$fd
  exec {fd}<"$SERVER_DIR/$1.answers"; from[$1]=$fd
  ask "$1" "SET application_name = $1; SET SESSION AUTHORIZATION $2"
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
goes_on() { # NAME "statements": within a second
  say "$1" "SET lock_timeout = '1s'; $2; RESET lock_timeout"
  hear "$1" && is "$answer" ""
}
value "DELETE FROM shop.users; DELETE FROM shop.leads; INSERT INTO shop.users (id, email) SELECT n, format('p%s@x.com', n) FROM generate_series(1, 200) n; INSERT INTO shop.leads SELECT 'l' || n, format('P%s@x.com', n) FROM generate_series(1, 200, 3) n"
value "CREATE TABLE shop.slow (id int, email text); INSERT INTO shop.slow VALUES (1, 'p1@x.com'); GRANT SELECT ON shop.slow TO anna;
       CREATE FUNCTION shop.wait() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_advisory_xact_lock_shared(7) IS NOT NULL'"
open_session one postgres
open_session two anna
open_session writer shop
# The first source is slow: while one holds the lock, a refresh stands where it reads that one.
said anna "SELECT create_identity_map('people', identity_source('slow', 'SELECT id, email FROM shop.slow WHERE shop.wait()'), identity_source('users', 'SELECT id, email FROM shop.users', capture => 'trigger', on_loss => 'allow'),
  identity_source('leads', 'SELECT id, email FROM shop.leads', capture => 'trigger', on_loss => 'allow'), identity_rule('user_id', max_per_identity => 0), identity_column('users_id', 'text[]'), identity_column('leads_id', 'text[]'), identity_column('slow_id', 'text[]'))" >/dev/null
ask one "SELECT pg_advisory_lock(7)"
say two "CALL refresh_identity_map('people')"
check "a first refresh reads" waits two
check "meanwhile the triggers are there, and nobody waits for it" goes_on writer "UPDATE shop.users SET email = 'p70@x.com' WHERE id = 71; INSERT INTO shop.leads VALUES ('late', 'p72@x.com')"
ask one "SELECT pg_advisory_unlock(7)"
hear two
check "it ends" is "$answer" ""
right "what was written after its snapshot comes with the next one"
said anna "SELECT alter_identity_map('people', identity_rule('phone'))" >/dev/null
ask one "SELECT pg_advisory_lock(7)"
say two "CALL refresh_identity_map('people')"
check "a refresh that reads everything anew" waits two
check "nor does anybody wait for it" goes_on writer "UPDATE shop.users SET email = 'p73@x.com' WHERE id = 74; DELETE FROM shop.leads WHERE id = 'late'"
ask one "SELECT pg_advisory_unlock(7)"
hear two
right "what was written after its snapshot comes with the next one, too"
ask one "SELECT pg_advisory_lock(7)"
say two "CALL refresh_identity_map('people')"
check "a refresh that reads what changed" waits two
check "and nobody waits for it" goes_on writer "UPDATE shop.users SET email = 'p75@x.com' WHERE id = 76; DELETE FROM shop.leads WHERE id = 'l4'"
ask one "SELECT pg_advisory_unlock(7)"
hear two
right "what was written after its snapshot comes with the next one, here as well"

# Transactions that are open over a refresh.
ask writer "BEGIN; UPDATE shop.users SET email = 'p77@x.com' WHERE id = 78"
right "one that is open is not waited for"
ask writer COMMIT
right "it comes when it has ended"
ask writer "BEGIN; ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p79@x.com' WHERE id = 80; ALTER TABLE shop.users ENABLE TRIGGER ALL"
ask two "SET lock_timeout = '200ms'; CALL refresh_identity_map('people'); RESET lock_timeout"
check "one that has triggers off, open over a refresh, is not seen: $answer" is "$answer" ""
ask writer COMMIT
right "and is found out when it has ended"
value "ALTER TABLE identity_state.m$(value "SELECT map_id FROM identity_internal.identity_map_catalog")_log RENAME TO elsewhere"
ask writer "BEGIN; UPDATE shop.users SET email = 'p81@x.com' WHERE id = 82"
log=identity_state.m$(value "SELECT map_id FROM identity_internal.identity_map_catalog")_log
check "one that could not write the log" is "$answer" ""
say one "ALTER TABLE identity_state.elsewhere RENAME TO ${log#*.}"
check "is waited for by who puts the log right" waits one
ask writer COMMIT
hear one
right "so that it is found out"

# Writers, an operator who switches triggers off and on, swaps tables and writes without triggers, and refreshes, all at random; after
# each round what the refreshes have taken in is all there is.
sql --quiet <<'SQL'
CREATE PROCEDURE shop.write(until timestamptz, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
  x int;
BEGIN
  n := 0;
  WHILE clock_timestamp() < until LOOP
    BEGIN
      x := 1 + floor(random() * 200);
      CASE floor(random() * 5)
        WHEN 0 THEN UPDATE shop.users SET email = format('p%s@x.com', 1 + floor(random() * 200)) WHERE id = x;
        WHEN 1 THEN INSERT INTO shop.users (id, email) VALUES (x, format('p%s@x.com', x));
        WHEN 2 THEN DELETE FROM shop.users WHERE id = x AND email <> 'p1@x.com';
        WHEN 3 THEN INSERT INTO shop.leads VALUES ('l' || x, format('p%s@x.com', x)) ON CONFLICT (id) DO UPDATE SET email = excluded.email;
        ELSE UPDATE shop.users SET id = 1 + floor(random() * 200) WHERE id = x;
      END CASE;
      IF random() < 0.2 THEN
        RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ001';
      END IF;
      n := n + 1;
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
    END;
    COMMIT;
  END LOOP;
END $$;
CREATE PROCEDURE shop.operate(until timestamptz, OUT n int) LANGUAGE plpgsql AS $$
BEGIN
  n := 0;
  WHILE clock_timestamp() < until LOOP
    CASE floor(random() * 6)
      WHEN 0 THEN ALTER TABLE shop.users DISABLE TRIGGER ALL; COMMIT; PERFORM pg_sleep(random() * 0.03); ALTER TABLE shop.users ENABLE TRIGGER ALL;
      WHEN 1 THEN ALTER TABLE shop.users DISABLE TRIGGER ALL; UPDATE shop.users SET email = 'p9@x.com' WHERE id % 50 = 1; ALTER TABLE shop.users ENABLE TRIGGER ALL;
      WHEN 2 THEN PERFORM set_config('session_replication_role', 'replica', true); UPDATE shop.users SET email = format('p%s@x.com', id) WHERE id % 40 = 2;
      WHEN 3 THEN
        DROP TABLE IF EXISTS shop.again;
        CREATE TABLE shop.again (LIKE shop.users);
        GRANT SELECT, TRIGGER ON shop.again TO anna;
        LOCK TABLE shop.users;
        INSERT INTO shop.again SELECT * FROM shop.users WHERE id % 60 <> 3;
        ALTER TABLE shop.users RENAME TO gone;
        ALTER TABLE shop.again RENAME TO users;
        DROP TABLE shop.gone;
      WHEN 4 THEN TRUNCATE shop.leads; INSERT INTO shop.leads SELECT 'l' || i, format('p%s@x.com', i) FROM generate_series(1, 200, 4) i;
      ELSE ALTER TABLE shop.users RENAME COLUMN id TO key; UPDATE shop.users SET email = 'p8@x.com' WHERE key % 45 = 4; ALTER TABLE shop.users RENAME COLUMN key TO id;
    END CASE;
    COMMIT;
    n := n + 1;
    PERFORM pg_sleep(random() * 0.1);
  END LOOP;
END $$;
SQL
end_at=$((SECONDS + seconds))
rounds=0
wrong=
while ((SECONDS < end_at)); do
  rounds=$((rounds + 1))
  until=$(value "SELECT clock_timestamp() + interval '0.7 s'")
  pids=()
  for i in 1 2 3; do
    sql --quiet -At -c "CALL shop.write('$until', NULL)" >"$SERVER_DIR/write$i.out" 2>>"$SERVER_DIR/write.err" & pids+=($!)
  done
  sql --quiet -At -c "CALL shop.operate('$until', NULL)" >"$SERVER_DIR/operate.out" 2>>"$SERVER_DIR/operate.err" & pids+=($!)
  for i in 1 2 3 4; do
    said anna "CALL refresh_identity_map('people')" >>"$SERVER_DIR/refresh.out"
    sleep 0.1
  done
  wait "${pids[@]}" || true
  wrong+=$(said anna "CALL refresh_identity_map('people')")$(value "SELECT model.as_resolved('people')")
done
check "$rounds rounds of writers, an operator and refreshes: each time the map is right at last" is "$wrong" ""
grep -h ERROR "$SERVER_DIR/write.err" "$SERVER_DIR/operate.err" "$SERVER_DIR/refresh.out" | sort | uniq -c | head || true
check "no writer failed but by another one" is "$(grep ERROR "$SERVER_DIR/write.err" | grep -cv 'deadlock detected' || true)" 0
check "and nobody had a deadlock with a refresh" bash -c "! grep -A 8 'deadlock detected' '$SERVER_LOG' | grep refresh_identity_map"
exec {to[one]}>&- {to[two]}>&- {to[writer]}>&-
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal (6|7|11)|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
