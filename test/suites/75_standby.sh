#!/usr/bin/env bash
# A map on a standby and in read-only sessions: what reads it works, and what cannot says why, by the name that the caller
# knows. After a promotion the map goes on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
same() { diff "$1" "$2" >"$SERVER_DIR/diff" || { head -n 6 "$SERVER_DIR/diff" | cut -c 1-300; false; }; }

server_start "jit = off" "synchronous_commit = on" "wal_level = replica" "max_wal_senders = 2" "hot_standby = on"
standby_stop() {
  local status=$?
  if [[ -n $SERVER_DIR && -f $SERVER_DIR/standby/postmaster.pid ]]; then
    server_run "$SERVER_BIN/pg_ctl" --pgdata=standby --wait --mode=immediate --silent stop >/dev/null 2>&1 || true
  fi
  return "$status"
}
trap 'standby_stop; server_stop' EXIT
server_run "$SERVER_BIN/pg_basebackup" --host="$SERVER_DIR" --port="$PGPORT" --username=postgres --pgdata=standby --write-recovery-conf \
  --wal-method=stream --checkpoint=fast --no-sync
echo "port = 5433" >>"$SERVER_DIR/standby/postgresql.conf"
server_run "$SERVER_BIN/pg_ctl" --pgdata=standby --wait --timeout=60 --log="$SERVER_DIR/standby.log" --silent start >/dev/null

on_standby() { PGPORT=5433 sql "$@"; }
# Until the standby has replayed what the primary has written.
catch_up() {
  local lsn
  lsn=$(sql -At -c 'SELECT pg_current_wal_insert_lsn()')
  for _ in $(seq 600); do
    [[ $(on_standby -At -c "SELECT pg_last_wal_replay_lsn() >= '$lsn'") == t ]] && return
    sleep 0.1
  done
  echo "the standby does not follow"
  return 1
}

sql --quiet <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE ROLE site;
CREATE TABLE app (id int PRIMARY KEY, email text);
CREATE TABLE shop (id int PRIMARY KEY, email text);
INSERT INTO app SELECT n, format('p%s@x.com', n) FROM generate_series(1, 50) n;
INSERT INTO shop SELECT n, format('p%s@x.com', n * 2) FROM generate_series(1, 50) n;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app', capture => 'trigger'), identity_source('shop', 'SELECT id, email FROM shop'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'int[]'), identity_column('email', 'text[]')) \g /dev/null
CALL refresh_identity_map('people');
UPDATE app SET email = 'p2@x.com' WHERE id = 3;
CALL refresh_identity_map('people');
SELECT identify('people', 'u1', '{"email": "p4@x.com"}') \g /dev/null
SQL
catch_up

# What reads.
reading="SELECT count(*), md5(string_agg(p::text, ' ' ORDER BY identity_id)) FROM people p;
  SELECT count(*) FROM identity_map_history('people');
  SELECT identity_current('people', identity_id) = identity_id FROM people WHERE 2 = ANY (app_id);
  SELECT identity_current('people', identity_id) IS NOT NULL FROM identity_map_history('people') WHERE event = 'retired';
  SELECT md5(string_agg(r::text, ' ' ORDER BY r)) FROM identity_map_records('people') r;
  SELECT md5(string_agg(r::text, ' ' ORDER BY r)) FROM identity_map_retired('people') r;
  SELECT app_id FROM people WHERE identity_id IN (identity_of('people', 'app', '3'), (SELECT identity_of_value('people', 'email', 'P8@x.com'))) ORDER BY 1;
  SELECT cardinality(identity_map_clauses('people'));
  SELECT identity_map_definition('people');
  SELECT identities, records FROM identity_maps;
  SELECT count(*) FROM identity_records(VARIADIC identity_map_clauses('people'));
  SELECT map, refreshes, last_changes, needs_full, last_error FROM identity_maps"
sql -At -c "$reading" >"$SERVER_DIR/primary"
on_standby -At -c "$reading" >"$SERVER_DIR/standby.out" 2>&1 || true
check "a standby reads the map, its history and what it is made of" same "$SERVER_DIR/primary" "$SERVER_DIR/standby.out"
PGOPTIONS="-c default_transaction_read_only=on" sql -At -c "$reading" >"$SERVER_DIR/read_only" 2>&1 || true
check "a read-only session does, too" same "$SERVER_DIR/primary" "$SERVER_DIR/read_only"

# What does not: the first line that is said, and that a hint tells the way out.
calls=(
  "refresh_identity_map()|CALL refresh_identity_map('people')"
  "refresh_identity_map()|CALL refresh_identity_map('people', wait => false)"
  "identify()|SELECT identify('people', 'u2', '{}')"
  "forget()|SELECT forget('people', 'app', '1')"
  "forget_identity()|SELECT forget_identity('people', identity_id) FROM people LIMIT 1"
  "remember()|SELECT remember('people', 'app', '1')"
  "alter_identity_map()|SELECT alter_identity_map('people', identity_column('sources'))"
  "reduce_identity_map()|SELECT reduce_identity_map('people', columns => '{email}')"
  "drop_identity_map()|SELECT drop_identity_map('people')"
  "create_identity_map()|SELECT create_identity_map('others', identity_source('app', 'SELECT id, email FROM app'))"
)
says() { # says EXPECTED COMMAND…: the error is that one, of SQLSTATE 25006, and has a hint
  local expected=$1 said
  said=$("${@:2}" 2>&1 || true)
  if grep -qF "ERROR:  25006: $expected" <<<"$said" && grep -q '^HINT:' <<<"$said"; then return; fi
  head -n 4 <<<"$said"
  false
}
read_only() { PGOPTIONS="-c default_transaction_read_only=on" sql -v VERBOSITY=verbose -c "$1"; }
read_only_block() { sql -v VERBOSITY=verbose -c "BEGIN READ ONLY; $1; COMMIT"; }
standby() { on_standby -v VERBOSITY=verbose -c "$1"; }
for call in "${calls[@]}"; do
  name=${call%%|*} statement=${call#*|}
  check "standby: $statement" says "cannot execute $name during recovery" standby "$statement"
  check "read-only session: $statement" says "cannot execute $name in a read-only transaction" read_only "$statement"
  check "read-only transaction: $statement" says "cannot execute $name in a read-only transaction" read_only_block "$statement"
done
# A new owner's right to work with maps is given by the first call on the primary.
sql --quiet -c 'CREATE ROLE heir' -c 'GRANT SELECT ON app, shop TO heir' -c 'ALTER TABLE people OWNER TO heir'
catch_up
check "standby: the map of a new owner" says "cannot execute the first call on a map of a new owner during recovery" standby "SELECT identity_map_clauses('people')"
sql --quiet -c 'GRANT TRIGGER ON app TO heir' -c "CALL refresh_identity_map('people')"
sql -At -c "$reading" >"$SERVER_DIR/primary"
catch_up
on_standby -At -c "$reading" >"$SERVER_DIR/standby.out" 2>&1 || true
check "... and after that call" same "$SERVER_DIR/primary" "$SERVER_DIR/standby.out"

check "and nothing came of it" test "$(sql -At -c 'SELECT last_error IS NULL FROM identity_maps')" = t

# The standby becomes the primary, after a change that is not refreshed yet.
sql --quiet -c "UPDATE app SET email = 'p5@x.com' WHERE id = 6"  # not refreshed yet
catch_up
server_run "$SERVER_BIN/pg_ctl" --pgdata=data --wait --mode=fast --silent stop >/dev/null
server_run "$SERVER_BIN/pg_ctl" --pgdata=standby --wait --silent promote >/dev/null
promoted() {
  on_standby -At <<'SQL'
CALL refresh_identity_map('people');
SELECT last_changes ->> 'kind', last_changes ->> 'changed' FROM identity_maps;
SELECT identify('people', 'u1', '{"email": "p8@x.com"}') = (SELECT identity_id FROM people WHERE 8 = ANY (app_id));
SELECT count(*) FROM ((SELECT app_id, shop_id, email FROM people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id int[], email text[]))
  UNION ALL (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people')) AS (app_id int[], shop_id int[], email text[]) EXCEPT ALL SELECT app_id, shop_id, email FROM people)) d;
CALL refresh_identity_map('people', full => true);
SELECT last_changes ->> 'kind', last_changes ->> 'updated' FROM identity_maps;
SQL
}
promoted >"$SERVER_DIR/promoted" 2>&1 || true
check "after a promotion the map goes on where it was" same "$SERVER_DIR/promoted" - <<'TEXT'
CALL
changes|1
t
0
CALL
full|0
TEXT

echo "$passed passed, $failed failed"
((failed == 0))
