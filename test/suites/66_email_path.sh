#!/usr/bin/env bash
# The type email compares by address in all that outlives a session's search_path, and in what PostgreSQL itself runs under an
# empty one: restored constraints, indexes, generated columns, views and policies, pg_upgrade, logical replication.
# The extension is in a schema that is on nobody's path, installed by an ordinary role.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
same() { diff "$1" "$2" >"$SERVER_DIR/diff" || { head -n 6 "$SERVER_DIR/diff" | cut -c 1-300; false; }; }
value() { sql --quiet -At -d "$1" -c "SET client_min_messages = error" -c "$2"; }
refused() { ! value "$1" "$2" >/dev/null 2>"$SERVER_DIR/refused" && grep -q "$3" "$SERVER_DIR/refused"; }

server_start "jit = off" "wal_level = logical" "max_wal_senders = 4"
version=$(($(value postgres "SHOW server_version_num") / 10000))
sql --quiet -c "CREATE ROLE ida LOGIN" -c "CREATE ROLE joe LOGIN" -c "CREATE DATABASE one OWNER ida"
PGUSER=ida sql --quiet -d one <<'SQL'
CREATE SCHEMA ext;
CREATE EXTENSION identity_resolve SCHEMA ext;
CREATE SCHEMA app;
SET search_path = app;
CREATE DOMAIN address AS ext.email CHECK (VALUE <> 'root@x.org');
CREATE FUNCTION is_guest(ext.email) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 = 'guest@x.org' $$;
CREATE TABLE person (
  email ext.email PRIMARY KEY CHECK (email <> 'postmaster@x.org'),
  login address,
  vip boolean GENERATED ALWAYS AS (email IN ('vip@x.org', 'queen@x.org')) STORED,
  early boolean GENERATED ALWAYS AS (email < 'n@x.org') STORED,
  EXCLUDE USING hash (login WITH =) WHERE (login <> 'shared@x.org')
);
CREATE INDEX person_boss ON person (vip) WHERE email = 'boss@x.org';
CREATE INDEX person_guest ON person (is_guest(email));
CREATE TABLE ticket (id int PRIMARY KEY, email text REFERENCES person ON UPDATE CASCADE);
CREATE TABLE place (email ext.email) PARTITION BY LIST (email);
CREATE TABLE place_boss PARTITION OF place FOR VALUES IN ('boss@x.org');
CREATE TABLE place_rest PARTITION OF place DEFAULT;
CREATE TABLE moved (of text, was text);
CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO app.moved VALUES (CASE OLD.email WHEN 'guest@x.org' THEN 'guest' ELSE 'other' END, OLD.email);
  RETURN NULL;
END $$;
CREATE TRIGGER note_move AFTER UPDATE ON person FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email) EXECUTE FUNCTION note_move();
ALTER TABLE person ENABLE ALWAYS TRIGGER note_move;
CREATE VIEW v_using AS SELECT id, vip FROM person JOIN ticket USING (email);
CREATE VIEW v_many AS SELECT nullif(email, 'GUEST@x.org') AS known, CASE email WHEN 'BOSS@x.org' THEN 'boss' END AS title, email BETWEEN 'BOSS@x.org' AND 'boss@x.org' AS between,
  (email, vip) = ('BOSS@x.org', false) AS row, email = ANY (ARRAY['BOSS@x.org', 'x']) AS any, min(email) OVER () AS first, greatest(email, 'H@x.org') AS greatest FROM person;
SET search_path = app, ext;
CREATE VIEW v_on_path AS SELECT nullif(email, 'GUEST@x.org') AS known, CASE email WHEN 'BOSS@x.org' THEN 'boss' END AS title, email BETWEEN 'BOSS@x.org' AND 'boss@x.org' AS between,
  (email, vip) = ('BOSS@x.org', false) AS row, email = ANY (ARRAY['BOSS@x.org', 'x']) AS any, min(email) OVER () AS first, greatest(email, 'H@x.org') AS greatest FROM person;
SET search_path = app;
CREATE FUNCTION knows(text) RETURNS boolean LANGUAGE sql STABLE BEGIN ATOMIC SELECT EXISTS (SELECT FROM person WHERE email = $1); END;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON person TO joe USING (email = current_setting('app.who', true));
GRANT USAGE ON SCHEMA app TO joe;
GRANT SELECT ON person TO joe;
INSERT INTO person (email, login) VALUES ('Boss@x.org', 'Boss@x.org'), ('Guest@x.org', 'Shared@x.org'), ('Queen@x.org', 'SHARED@x.org'), ('Zoe <Zoe@x.org>', NULL);
INSERT INTO ticket VALUES (1, 'BOSS@x.org'), (2, 'zoe@X.org');
INSERT INTO place VALUES ('BOSS@x.org'), ('Other@x.org');
CREATE MATERIALIZED VIEW guests AS SELECT email FROM person WHERE is_guest(email);
SQL

# What the database says of itself, asked under a path without the extension.
answers() {
  sql --quiet -At -d "$1" <<'SQL'
SET search_path = '';
SET client_min_messages = error;
SELECT * FROM app.person ORDER BY email;
SELECT * FROM app.v_using ORDER BY id;
SELECT * FROM app.v_many ORDER BY known;
SELECT 'on path', * FROM app.v_on_path ORDER BY known;
REFRESH MATERIALIZED VIEW app.guests;
TABLE app.guests;
SELECT app.knows('boss@x.org'), app.knows('nobody@x.org'), (SELECT count(*) FROM app.place_boss), (SELECT count(*) FROM app.place WHERE email = 'Boss@X.org');
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT vip FROM app.person WHERE email = 'BOSS@X.org' AND vip;
EXPLAIN (COSTS OFF) SELECT FROM app.person WHERE email = 'ZOE@X.org'::text;
SELECT count(*) FROM app.person WHERE app.is_guest(email);
SET app.who = 'GUEST@X.org';
SET ROLE joe;
SELECT 'as joe', email FROM app.person;
RESET ROLE;
SQL
}
definitions() { PGUSER=ida pg_dump -s -d "$1" | grep -vE '^(--|\\(un)?restrict|$)'; }
judge() { # database, how it came about
  check "$2: every answer is the same" same "$SERVER_DIR/answers" <(answers "$1")
  check "$2: every definition too" same "$SERVER_DIR/definitions" <(definitions "$1")
  check "$2: its constraints know addresses" refused "$1" "INSERT INTO app.person (email) VALUES ('PostMaster@x.org')" person_email_check
  check "$2: its domains" refused "$1" "INSERT INTO app.person VALUES ('new@x.org', 'Root@x.org')" address_check
  check "$2: its keys" refused "$1" "INSERT INTO app.person (email) VALUES ('BOSS@x.org')" person_pkey
  check "$2: its exclusions" refused "$1" "INSERT INTO app.person VALUES ('new@x.org', 'BOSS@x.org')" person_login_excl
  check "$2: its triggers, which a mere change of spelling does not set off" [ "$(value "$1" "SET search_path = ''; BEGIN;
    UPDATE app.person SET email = 'GUEST@x.org' WHERE email = 'guest@X.org'; UPDATE app.person SET email = 'gone@x.org' WHERE email = 'guest@X.org'; TABLE app.moved; ROLLBACK")" = "guest|GUEST@x.org" ]
}

answers one >"$SERVER_DIR/answers"
definitions one >"$SERVER_DIR/definitions"
check "the first answers are right" same - "$SERVER_DIR/answers" <<'TXT'
Boss@x.org|Boss@x.org|f|t
Guest@x.org|Shared@x.org|f|t
Queen@x.org|SHARED@x.org|t|f
Zoe <Zoe@x.org>||f|f
1|f
2|f
Boss@x.org|boss|t|t|t|Boss@x.org|H@x.org
Queen@x.org||f|f|f|Boss@x.org|Queen@x.org
Zoe <Zoe@x.org>||f|f|f|Boss@x.org|Zoe <Zoe@x.org>
||f|f|f|Boss@x.org|H@x.org
on path|Boss@x.org|boss|t|t|t|Boss@x.org|H@x.org
on path|Queen@x.org||f|f|f|Boss@x.org|Queen@x.org
on path|Zoe <Zoe@x.org>||f|f|f|Boss@x.org|Zoe <Zoe@x.org>
on path|||f|f|f|Boss@x.org|H@x.org
Guest@x.org
t|f|1|1
Index Only Scan using person_boss on person
  Index Cond: (vip = true)
Index Only Scan using person_pkey on person
  Index Cond: (email = 'ZOE@X.org'::text)
1
as joe|Guest@x.org
TXT
check "nothing was taken for a text" bash -c "! grep -E '\(+(\w+\.)?(email|login|VALUE)\)::text' '$SERVER_DIR/definitions'"
judge one original

# Dumped by the owner, who is no superuser, and restored by a superuser.
restored() { # database, how
  local tool=(pg_restore)
  [ "$2" != -f ] || tool=(sql --quiet -o /dev/null)
  "${tool[@]}" -d "$1" "${@:2}" 2>&1 | tee "$SERVER_DIR/restored"
  [ ! -s "$SERVER_DIR/restored" ]
}
PGUSER=ida pg_dump -d one -f "$SERVER_DIR/one.sql"
PGUSER=ida pg_dump -d one -Fc -f "$SERVER_DIR/one.dump"
sql --quiet -c "CREATE DATABASE plain OWNER ida" -c "CREATE DATABASE custom OWNER ida"
check "a plain dump is restored without an error" restored plain -f "$SERVER_DIR/one.sql"
judge plain plain
check "a custom one too, by two processes" restored custom --exit-on-error -j 2 "$SERVER_DIR/one.dump"
judge custom custom

# Logical replication: whatever runs at the other end runs under no path of anybody's.
sql --quiet -d plain -c "TRUNCATE app.person, app.ticket" -c "CREATE INDEX ON app.person ((email <= 'guest@x.org'))"
((version < 15)) || check "replication: a row filter of addresses is refused, and compares no texts" refused one "CREATE PUBLICATION people FOR TABLE app.person WHERE (email <> 'queen@x.org')" "User-defined operators are not allowed"
value one "CREATE PUBLICATION people FOR TABLE app.person"
value one "SELECT pg_create_logical_replication_slot('people', 'pgoutput')" >/dev/null
value plain "CREATE SUBSCRIPTION people CONNECTION 'host=$PGHOST port=$PGPORT user=postgres dbname=one' PUBLICATION people WITH (create_slot = false, slot_name = people)"
arrived() { # query on the copy, what it says once all has arrived
  local i
  for ((i = 0; i < 300; i++)); do [ "$(value plain "$1")" != "$2" ] || return 0; sleep 0.1; done
  value plain "$1"
  return 1
}
check "replication: the first copy" arrived "SELECT count(*), count(*) FILTER (WHERE vip) FROM app.person" "4|1"
value one "UPDATE app.person SET email = 'GUEST@x.org' WHERE email = 'guest@X.org'"
check "replication: an update finds its row by address" arrived "SELECT email, (SELECT count(*) FROM app.moved) FROM app.person WHERE email = 'guest@x.org'" "GUEST@x.org|0"
value one "UPDATE app.person SET email = 'gone@x.org' WHERE email = 'guest@X.org'"
check "replication: a trigger there sees addresses" arrived "TABLE app.moved" "guest|GUEST@x.org"
value one "ALTER TABLE app.person REPLICA IDENTITY FULL; DELETE FROM app.person WHERE email = 'GONE@x.org'"
check "replication: so does a delete without a key" arrived "SELECT count(*) FROM app.person WHERE email = 'gone@X.org'" 0
value one "INSERT INTO app.person (email, login) VALUES ('Guest@x.org', 'Shared@x.org'); ALTER TABLE app.person REPLICA IDENTITY DEFAULT; TRUNCATE app.moved"
value plain "DROP SUBSCRIPTION people"
value one "DROP PUBLICATION people"

# pg_upgrade makes what lives in pg_catalog, and says that it is the extension's.
if [ -x "$SERVER_BIN/pg_upgrade" ]; then
  sql --quiet -c "DROP DATABASE plain" -c "DROP DATABASE custom"
  server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=fast --silent stop >/dev/null
  mv "$SERVER_DIR/data" "$SERVER_DIR/old"
  server_run "$SERVER_BIN/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  cp "$SERVER_DIR/old/postgresql.conf" "$SERVER_DIR/data/postgresql.conf"
  check "pg_upgrade takes it along" server_run "$SERVER_BIN/pg_upgrade" --old-datadir=old --new-datadir=data --old-bindir="$SERVER_BIN" --new-bindir="$SERVER_BIN" --username=postgres --socketdir="$SERVER_DIR" --link >"$SERVER_DIR/upgrade.log"
  grep '^NOT OK' "$SERVER_DIR/upgrade.log" && cat "$SERVER_DIR/upgrade.log"
  server_up
  judge one upgraded
fi

# PostgreSQL's own part of pg_catalog ends below 16384.
ours="(SELECT 'pg_operator'::regclass AS classid, oid FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oid >= 16384
       UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND oid >= 16384) o"
members="SELECT count(*), count(d.objid) FROM $ours
  LEFT JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.oid AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve')"
check "what is in pg_catalog is the extension's" [ "$(value one "$members")" = "20|20" ]
value one "DROP SCHEMA ext CASCADE"
check "and goes with it" [ "$(value one "SELECT count(*) FROM $ours")" = 0 ]
value postgres "CREATE DATABASE two OWNER ida"
value two "SET ROLE ida; CREATE EXTENSION identity_resolve; DROP EXTENSION identity_resolve; CREATE SCHEMA ext; CREATE EXTENSION identity_resolve SCHEMA ext"
check "an ordinary role makes it, drops it and makes it again" [ "$(value two "$members")" = "20|20" ]
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
