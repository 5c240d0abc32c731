#!/usr/bin/env bash
# pg_dump and restore carry identity maps: table, state, ids, history, tombstones, aliases, triggers. The first refresh of
# the copy changes nothing, later changes are seen there as here, and ids go on.
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

server_start "jit = off"
sql --quiet <<'SQL'
CREATE ROLE anna LOGIN;
CREATE ROLE bert LOGIN;
CREATE DATABASE one OWNER anna;
CREATE DATABASE anna_s OWNER anna;
SQL
sql --quiet -d one -c 'SET ROLE anna; CREATE EXTENSION identity_resolve'
sql --quiet -d one <<'SQL'
SET client_min_messages = error;
SET ROLE anna;
CREATE SCHEMA tools;
CREATE TABLE tools.app (id int PRIMARY KEY, email text);
CREATE TABLE tools.shop (id text PRIMARY KEY, email text, active boolean DEFAULT true);
CREATE TABLE tools.help (id int PRIMARY KEY, email text[], updated_at timestamptz);
INSERT INTO tools.app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 300) n;
INSERT INTO tools.shop SELECT 's' || n, format('P%s@x.com', n) FROM generate_series(1, 300, 2) n;
INSERT INTO tools.help SELECT n, ARRAY[format('p%s@x.com', n), format('h%s@x.com', n)], timestamptz '2024-01-01' + n * interval '1 s' FROM generate_series(1, 300, 3) n;
CREATE TABLE tools.merges (former text, present text);
INSERT INTO tools.merges VALUES ('jane_before', 'jane');
CREATE SCHEMA "Master data";
SET search_path = "Master data", tools, public;
SELECT create_identity_map('"Our people"', identity_source('app', 'SELECT id, email FROM app'), identity_source('shop', 'SELECT id, email FROM shop WHERE active', capture => 'trigger'),
  identity_source('help', 'SELECT id, email, updated_at FROM help', changed_since => 'updated_at'), identity_rule('email', max_records => 5), identity_rule('user_id', max_per_identity => 0), identity_alias('user_id', 'SELECT former, present FROM merges'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('help_id', 'int[]'), identity_column('identify_id', 'text[]'), identity_column('email', 'text[]')) \g /dev/null
CALL refresh_identity_map('"Our people"');
-- Merges, splits, somebody who left, somebody who is too common, identify(), forget().
UPDATE shop SET email = 'p2@x.com' WHERE id = 's1';
UPDATE help SET email = '{p4@x.com,p7@x.com}', updated_at = updated_at + interval '1 h' WHERE id = 4;
CALL refresh_identity_map('"Our people"');
UPDATE help SET email = '{p4@x.com}', updated_at = updated_at + interval '1 h' WHERE id = 4;
DELETE FROM app WHERE id = 300;
UPDATE app SET email = 'all@x.com' WHERE id BETWEEN 200 AND 210;
CALL refresh_identity_map('"Our people"');
SELECT identify('"Our people"', 'jane', '{"email": ["p10@x.com", "p11@x.com"], "phone": "+14155550100"}') \g /dev/null
SELECT forget('"Our people"', 'app', '20'), forget_identity('"Our people"', (SELECT identity_id FROM "Our people" WHERE shop_id @> '{s21}')) \g /dev/null
UPDATE shop SET email = 'p50@x.com' WHERE id = 's51';  -- not refreshed yet: in the log
SQL
# Everything about the map, as one text.
all_of() {
  value "$1" "SELECT (SELECT string_agg(p::text, E'\n' ORDER BY identity_id) FROM \"Master data\".\"Our people\" p)
    || (SELECT string_agg(h::text, E'\n') FROM identity_map_history('\"Master data\".\"Our people\"') h)
    || (SELECT (m.map, m.owner, m.sources, m.clauses, m.refreshes, m.last_refresh, m.last_changes, m.needs_full, m.last_error)::text FROM identity_maps m)"
}
state_of() {
  local relation
  for relation in $(value "$1" "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'identity_state'::regnamespace AND relkind IN ('r', 'S') ORDER BY relname"); do
    value "$1" "SELECT '$relation', pg_get_userbyid(relowner), relkind FROM pg_class WHERE oid = '$relation'::regclass"
    case $relation in
      *_seq) value "$1" "SELECT last_value, is_called FROM $relation" ;;
      *)     value "$1" "SELECT count(*), md5(string_agg(ROW(t.*)::text, ' ' ORDER BY ROW(t.*)::text)) FROM $relation t" ;;
    esac
  done
  value "$1" "SELECT tgname, tgrelid::regclass, pg_get_userbyid(f.proowner), tgfoid::regproc, tgenabled FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid WHERE tgname LIKE 'identity%' ORDER BY 1"
  value "$1" "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'identity_state'::regnamespace ORDER BY indexrelid::regclass::text"
}
# What a change in both databases does there.
change="SET ROLE anna; SET search_path = \"Master data\", tools, public;
  INSERT INTO shop VALUES ('s60x', 'p60@x.com'); DELETE FROM shop WHERE id = 's3'; UPDATE shop SET active = false WHERE id = 's5';
  UPDATE app SET email = 'p70@x.com' WHERE id = 71; INSERT INTO help VALUES (1000, '{p80@x.com,p81@x.com}', now()); DELETE FROM app WHERE id = 90;
  CALL refresh_identity_map('\"Our people\"')"

all_of one >"$SERVER_DIR/all.one"
state_of one >"$SERVER_DIR/state.one"
judge_copy() { # database, how it came about
  check "$2: table, history and view" same "$SERVER_DIR/all.one" <(all_of "$1")
  check "$2: state, its owner, indexes and triggers" same "$SERVER_DIR/state.one" <(state_of "$1")
  value "$1" "SET ROLE anna; CALL refresh_identity_map('\"Master data\".\"Our people\"')"
  check "$2: a refresh sees only what was in the log, s51" \
    [ "$(value "$1" "SELECT last_changes ->> 'changed', last_changes ->> 'records', last_changes ->> 'kind' FROM identity_maps")" = "1|3|changes" ]
  value "$1" "SET ROLE anna; CALL refresh_identity_map('\"Master data\".\"Our people\"', \"full\" => true)"
  check "$2: a full one nothing at all" [ "$(value "$1" "SELECT last_changes ->> 'inserted', last_changes ->> 'updated', last_changes ->> 'deleted' FROM identity_maps")" = "0|0|0" ]
  check "$2: who was forgotten stays so" [ "$(value "$1" "SELECT count(*) FROM \"Master data\".\"Our people\" WHERE app_id && '{20,21}' OR shop_id @> '{s21}'")" = 0 ]
  value "$1" "$change"
  value "$1" "SET ROLE anna; SELECT identify('\"Master data\".\"Our people\"', 'jane', '{\"email\": \"p12@x.com\"}'); SELECT identify('\"Master data\".\"Our people\"', 'joan', '{\"email\": \"p13@x.com\"}'); SELECT identify('\"Master data\".\"Our people\"', 'jane_before')" >/dev/null
  check "$2: by a former user id identify() finds the person" [ "$(value "$1" "SELECT count(*) FROM \"Master data\".\"Our people\" WHERE identify_id @> '{jane,jane_before}'")" = 1 ]
  sql --quiet -d "$1" -f ../oracle/maps.sql -c "CALL model.together('\"Master data\".\"Our people\"')"
}
judge_there() { # database, how: after the same changes the same people have the same ids
  check "$2: later changes are seen, and ids are the same as in the original" \
    same <(value one 'SELECT * FROM "Master data"."Our people" ORDER BY 1') <(value "$1" 'SELECT * FROM "Master data"."Our people" ORDER BY 1')
  check "$2: retired ids lead on" [ "$(value "$1" "SELECT count(*) > 0 AND bool_and(identity_current('\"Master data\".\"Our people\"', h.identity_id) IS NOT NULL) FROM identity_map_history('\"Master data\".\"Our people\"') h WHERE event = 'retired' AND into_id IS NOT NULL")" = t ]
  value "$1" "SET ROLE anna; SET search_path = public; SELECT create_identity_map('public.second', identity_source('app', 'SELECT id, email FROM tools.app'), identity_column('app_id', 'int')); CALL refresh_identity_map('public.second')" >/dev/null
  check "$2: another map can be made" [ "$(value "$1" "SELECT count(*) > 200 AND model.as_resolved('public.second') IS NULL FROM public.second")" = t ]
  value "$1" "SET ROLE anna; SELECT drop_identity_map('public.second'), drop_identity_map('\"Master data\".\"Our people\"')" >/dev/null
  check "$2: and both dropped without a trace" [ "$(value "$1" "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace) + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'identity%') + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'identity_state'::regnamespace) + (SELECT count(*) FROM identity_internal.identity_map_catalog)")" = 0 ]
}

pg_dump -d one -f "$SERVER_DIR/one.sql"
pg_dump -d one -Fc -f "$SERVER_DIR/one.dump"
copies=(plain custom)
sql --quiet -c "CREATE DATABASE plain OWNER anna"
check "a plain dump is restored without an error" [ -z "$(sql --quiet -d plain -o /dev/null -f "$SERVER_DIR/one.sql" 2>&1)" ]
sql --quiet -c "CREATE DATABASE custom OWNER anna"
check "a custom one too, by two processes" [ -z "$(pg_restore --exit-on-error -j 2 -d custom "$SERVER_DIR/one.dump" 2>&1)" ]
# The owner of a database and its map is no superuser.
PGUSER=anna pg_dump -d one -f "$SERVER_DIR/anna.sql" 2>"$SERVER_DIR/anna.err" || true
check "the owner of the database, no superuser, may dump it" [ ! -s "$SERVER_DIR/anna.err" ]
cat "$SERVER_DIR/anna.err"
if [ ! -s "$SERVER_DIR/anna.err" ]; then
  check "and a superuser restores it" [ -z "$(sql --quiet -d anna_s -o /dev/null -f "$SERVER_DIR/anna.sql" 2>&1)" ]
  copies+=(anna_s)
fi

for copy in "${copies[@]}"; do judge_copy $copy "$copy"; done
sql --quiet -d one -f ../oracle/maps.sql
value one "SET ROLE anna; CALL refresh_identity_map('\"Master data\".\"Our people\"')"
value one "$change"
value one "SET ROLE anna; SELECT identify('\"Master data\".\"Our people\"', 'jane', '{\"email\": \"p12@x.com\"}'); SELECT identify('\"Master data\".\"Our people\"', 'joan', '{\"email\": \"p13@x.com\"}'); SELECT identify('\"Master data\".\"Our people\"', 'jane_before')" >/dev/null
for copy in "${copies[@]}"; do judge_there $copy "$copy"; done
# The triggers are those of a restored function: whoever writes, the map's owner logs it.
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
