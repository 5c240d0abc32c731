#!/usr/bin/env bash
# Transactions that have asked an identity map something and stay open, while a refresh writes tables of its state anew: nobody waits
# for them, nobody meets a deadlock, and what they ask or tell then is answered, by a snapshot from before too. And a dump that
# begins at such a moment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "autovacuum = off" "jit = off" "deadlock_timeout = 200ms" "max_wal_size = 2GB"
sql --quiet -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = error;
CREATE TABLE desk (id int PRIMARY KEY, email text, round int);
CREATE TABLE till (id text PRIMARY KEY, email text);
INSERT INTO desk SELECT n, format('f%s@x.com', n), 0 FROM generate_series(1, 2000) n;
INSERT INTO till SELECT 't' || n, format('f%s@x.com', n) FROM generate_series(1, 2000) n;
SELECT create_identity_map('crowd', identity_source('desk', 'SELECT id, email, round FROM desk'), identity_source('till', 'SELECT id, email FROM till'), identity_rule('round', link => false),
  identity_rule('user_id', max_per_identity => 0), identity_column('desk_id', 'int'), identity_column('till_id', 'text[]'), identity_column('identify_id', 'text[]'), identity_column('round', 'int')) \g /dev/null
CALL refresh_identity_map('crowd');
SQL

# ---- Sessions that are driven through pipes: say NAME "statements" does not wait for the answer.
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

crowd_id=$(value "SELECT identity_of('crowd', 'desk', '1')")
rounds=0
renew() { # how: what has the state written anew, into $statement
  rounds=$((rounds + 1))
  case $1 in
    fill) statement="UPDATE desk SET round = round + 1; CALL refresh_identity_map('crowd', \"full\" => true)" ;;
    settle) statement="UPDATE till SET email = format('g%s-%s@x.com', $rounds, id) WHERE substr(id, 2)::int > 1000; CALL refresh_identity_map('crowd')" ;;
  esac
}
# What the state was written by last.
writers() { value "SELECT (SELECT max(xmin::text::bigint) FROM identity_state.m1_identities), (SELECT max(xmin::text::bigint) FROM identity_state.m1_places)"; }
for name in four five; do open_session $name; ask $name "SET application_name = $name; SET client_min_messages = error"; done
# five has done what it was told, or waits.
five_is_at() {
  local i
  for i in {1..600}; do
    [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'five' AND (wait_event_type = 'Lock' OR state = 'idle' AND query LIKE 'COMMIT%')")" -eq 0 ] || return 0
    sleep 0.05
  done
  return 1
}
names=(identity_current identity_of identity_of_value identity_map_records identity_map_retired identity_map_history "the table")
asks=(
  "identity_current('crowd', '$crowd_id')"
  "identity_of('crowd', 'desk', '1')"
  "(SELECT min(v::text) FROM identity_of_value('crowd', 'email', 'f1@x.com') v)"
  "(SELECT count(*) FROM identity_map_records('crowd') WHERE source = 'desk')"
  "(SELECT count(*) FROM identity_map_retired('crowd') WHERE retired_at < now() - interval '1 day')"
  "(SELECT count(*) FROM identity_map_history('crowd') WHERE at < now() - interval '1 day')"
  "(SELECT count(*) FROM crowd WHERE desk_id IS NOT NULL)")
wants=("$crowd_id" "$crowd_id" "$crowd_id" 2000 0 0 2000)
same_rows=0
for how in fill settle; do
  for i in "${!asks[@]}"; do
    name="${names[i]}, $how"
    ask four "BEGIN; SELECT ${asks[i]}"
    check "$name: an answer" [ "$answer" = "${wants[i]}" ]
    before=$(writers)
    renew $how
    ask five "SET lock_timeout = '2s'; $statement"
    check "$name: a refresh does not wait for the transaction that asked $answer" [ -z "$answer" ]
    [ -n "$answer" ] || [ "$(writers)" != "$before" ] || same_rows=$((same_rows + 1))
    ask four "SELECT ${asks[i]}"
    check "$name: the same answer after it" [ "$answer" = "${wants[i]}" ]
    ask four "COMMIT"
    # The refresh has the map, and waits or is done, when the transaction tells it of somebody.
    ask four "BEGIN; SELECT ${asks[i]}"
    renew $how
    say five "SET lock_timeout = 0; BEGIN; $statement; COMMIT"
    five_is_at
    ask four "SELECT length(identify('crowd', '$how-$i', '{\"email\": \"f1@x.com\"}')::text); COMMIT"
    check "$name: who asked, and tells during a refresh, is heard $answer" [ "$answer" = 36 ]
    hear five
    check "$name: and the refresh meets no error $answer" [ -z "$answer" ]
    for level in "REPEATABLE READ" SERIALIZABLE; do
      ask four "BEGIN ISOLATION LEVEL $level; SELECT"
      renew $how
      ask five "$statement"
      ask four "SELECT ${asks[i]}"
      check "$name: an answer in a ${level,,} transaction from before" [ "$answer" = "${wants[i]}" ]
      ask four COMMIT
    done
  done
done
check "the state was written each time ($same_rows times it was not)" [ $same_rows -eq 0 ]

# ---- A dump has one snapshot, and locks the tables one by one.
renew fill
ask four "BEGIN; $statement"
"$SERVER_BIN/pg_dump" --file="$SERVER_DIR/dump" &
dump=$!
while kill -0 "$dump" 2>/dev/null && [ "$(value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'")" -eq 0 ]; do sleep 0.05; done
ask four COMMIT
check "a dump that begins while a fill ends is made" wait "$dump"
value "CREATE DATABASE again" >/dev/null
sql --quiet --set=ON_ERROR_STOP=0 -d again -f "$SERVER_DIR/dump" >/dev/null 2>&1 || true
check "… and has a state that goes with the table" sql --quiet -d again -c "CALL model.together('crowd')"
exec {to[four]}>&- {to[five]}>&-
check "nobody met a deadlock" bash -c "! grep -i 'deadlock' '$SERVER_LOG'"
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
