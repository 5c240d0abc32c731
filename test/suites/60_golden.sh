#!/usr/bin/env bash
# Golden sums: what random histories of an identity map leave behind is what test/oracle/golden.txt says, to the byte, in
# whichever way the map does its work. The sums are taken through public functions (test/oracle/golden.sql), so a change of
# the code that only moves things leaves them as they are. One that changes an answer says why, and writes the file anew:
#
#   test/suites/60_golden.sh --write         writes the sums, if all ways agree
#   HISTORIES=8 LARGE= test/suites/60_golden.sh    the first eight, without the large ones
#   LINES_IN=DIR test/suites/60_golden.sh    also writes the lines behind the sums into DIR, a file for each way, so that
#                                            those of two commits can be compared
#
# Each map draws a secret of its own, by which its keys are hashed: equal sums show as well that no answer depends on it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

histories=${HISTORIES:-30}
steps=20
read -r -a large <<<"${LARGE-1012 1023 1032}" # the seeds of those with thousands of records, which merge and split by the thousand
all=$((histories + ${#large[@]}))
expected=../oracle/golden.txt
passed=0 failed=0
say() { if [[ $1 == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; echo "$1: $2"; }

server_start "autovacuum = off" "shared_buffers = 256MB" "max_wal_size = 2GB" "jit = off" "client_min_messages = error"

# The ways, each in a database of its own: its settings, and SQL that is run in it first. In `workers` the
# map's own work is done side by side, and no other query. In `whole` memory is scarce, and no change is small enough to be
# known record by record. `whole` and `in_full` read all of each source, as a full refresh sees what one by changed_since does not.
declare -A SETTINGS=(
  [usual]=""
  [workers]="identity_resolve.max_workers=2 parallel_setup_cost=0 max_parallel_workers_per_gather=0"
  [whole]="identity_resolve.max_workers=0 maintenance_work_mem=1MB work_mem=64kB"
  [in_full]="identity_resolve.max_workers=0")
declare -A FIRST=(
  [usual]="SELECT"
  [workers]="SELECT"
  [whole]="SELECT golden.all_is_read();
    DO \$\$ BEGIN IF to_regprocedure('identity_internal.identity_map_most(identity_internal.identity_map_catalog)') IS NOT NULL THEN
      CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 0::bigint';
    END IF; END \$\$"
  [in_full]="SELECT golden.all_is_read(), golden.all_is_full()")
declare -A SOURCES=([usual]=drawn [workers]=drawn [whole]=read [in_full]=read)

prepare() { # way
  local setting
  sql --quiet -c "CREATE DATABASE $1"
  for setting in ${SETTINGS[$1]}; do sql --quiet -c "ALTER DATABASE $1 SET ${setting%%=*} = '${setting#*=}'"; done
  sql --quiet -d "$1" -c 'CREATE EXTENSION identity_resolve' -f ../oracle/maps.sql -f ../oracle/golden.sql
  sql --quiet -d "$1" -o /dev/null -c "${FIRST[$1]}"
}

# The sums of one history: how its sources are read, the seed, a sum for each check.
sums() { # database, drawn or read, seed
  sql --quiet -At -d "$1" -c "SELECT concat_ws(' ', '$2', $3, string_agg(sum, ' ' ORDER BY clock)) FROM golden.sums($3)"
}

live() { # way
  local seed
  for ((seed = 1; seed <= histories; seed++)); do
    sql --quiet -d "$1" -c "CALL golden.history($seed, $steps)" && sums "$1" "${SOURCES[$1]}" "$seed"
  done
  for seed in "${large[@]}"; do
    sql --quiet -d "$1" -c "CALL golden.large_history($seed, 6)" && sums "$1" "${SOURCES[$1]}" "$seed"
  done
}

# Two at a time, for the processors of a small machine.
for pair in "usual workers" "whole in_full"; do
  for way in $pair; do
    prepare "$way"
    live "$way" >"$SERVER_DIR/$way.sums" 2>"$SERVER_DIR/$way.errors" &
  done
  wait
done
if [[ -n ${LINES_IN:-} ]]; then
  mkdir -p "$LINES_IN"
  for way in "${!SOURCES[@]}"; do
    sql --quiet -At -d "$way" -o "$LINES_IN/$way.txt" -c 'SELECT seed, clock, line FROM golden.lines ORDER BY seed, clock, line COLLATE "C"'
  done
fi

# The first check of the first history in which two files of sums differ: seed and check, or nothing.
differs() { # sums, sums
  awk 'FNR == NR { sums[$1 " " $2] = $0; next }
       sums[$1 " " $2] != $0 { n = split(sums[$1 " " $2], a); for (i = 3; i <= NF && i <= n && a[i] == $i; i++); print $2, i - 2; exit }' "$1" "$2"
}

# What was written down in a way at one check.
lines() { # way, seed, check
  sql --quiet -At -d "$1" -c "SELECT line FROM golden.lines WHERE seed = $2 AND clock = $3 ORDER BY line COLLATE \"C\""
}

check_way() { # way, the file of sums that it is to have, the way that has made these (or nothing)
  local seed at
  read -r seed at < <(differs "$2" "$SERVER_DIR/$1.sums") || true
  if [[ -s $SERVER_DIR/$1.errors ]] || (($(wc -l <"$SERVER_DIR/$1.sums") != all)); then
    say 'NOT OK' "$1: not all histories come to their end"
    head -n 20 "$SERVER_DIR/$1.errors"
  elif [[ -z $seed ]]; then
    say ok "$1: $all histories leave behind what ${3:-${expected##*/}} has"
  else
    say 'NOT OK' "$1: history $seed leaves behind something else, at check $at first"
    if [[ -n $3 ]]; then
      diff <(lines "$3" "$seed" "$at") <(lines "$1" "$seed" "$at") | head -n 20 || true
    else
      lines "$1" "$seed" "$at" | head -n 20
      echo "LINES_IN=DIR $0 writes all lines, to be compared with those of another commit"
    fi
  fi
}
check_way workers "$SERVER_DIR/usual.sums" usual
check_way in_full "$SERVER_DIR/whole.sums" whole

if [[ ${1:-} == --write ]]; then
  if ((failed > 0 || all < 33)); then
    echo "the ways do not agree, or not all histories have been run: nothing is written"
    exit 1
  fi
  {
    echo '# What random histories of identity maps leave behind: how the sources are read (as drawn, or all as a whole), the seed, a'
    echo '# sum for each check. Compared by test/suites/60_golden.sh; its --write makes this file.'
    cat "$SERVER_DIR/usual.sums" "$SERVER_DIR/whole.sums"
  } >"$expected"
  echo "wrote $expected"
  exit
fi

# PostgreSQL 14 has another random(), and so other histories.
if (($(sql -At -c 'SHOW server_version_num') >= 150000)); then
  for way in usual whole; do
    grep -E "^${SOURCES[$way]} ($(cut -d ' ' -f 2 "$SERVER_DIR/$way.sums" | paste -sd '|')) " "$expected" >"$SERVER_DIR/expected" || true
    check_way "$way" "$SERVER_DIR/expected" ''
  done
else
  echo 'golden.txt is of PostgreSQL 15 and later: not compared with it'
fi

# Would the sums notice? Each of these is a public function with one thing wrong, of the first history that has such an answer.
notices() { # what, the definition of a function in the schema `wrong`
  local seed
  sql --quiet -d usual -c "DROP SCHEMA wrong CASCADE" -c "CREATE SCHEMA wrong" -c "SET search_path = wrong, public" -c "CREATE FUNCTION $2"
  for ((seed = 1; seed <= histories; seed++)); do
    sql --quiet -d usual -c "CALL golden.history($seed, $steps)"
    grep "^drawn $seed " "$SERVER_DIR/usual.sums" >"$SERVER_DIR/right"
    sums usual drawn "$seed" >"$SERVER_DIR/wrong"
    if [[ -n $(differs "$SERVER_DIR/right" "$SERVER_DIR/wrong") ]]; then
      say ok "noticed: $1 (history $seed, check $(differs "$SERVER_DIR/right" "$SERVER_DIR/wrong" | cut -d ' ' -f 2))"
      return
    fi
  done
  say 'NOT OK' "not noticed: $1"
}
history_with() { # what stands in the place of its columns, and maybe which rows there are
  echo "identity_map_history(map regclass, since timestamptz DEFAULT NULL) RETURNS TABLE (at timestamptz, event text, identity_id uuid, from_ids uuid[], into_id uuid, by_kind text, by_value text)
    LANGUAGE sql AS \$\$ SELECT $1 FROM public.identity_map_history(map, since => since) h ${2:-} \$\$"
}
notices 'a merge that names another identifier' "$(history_with "h.at, h.event, h.identity_id, h.from_ids, h.into_id, h.by_kind, CASE WHEN h.event = 'merged' THEN replace(h.by_value, '1', '7') ELSE h.by_value END")"
notices 'a merge that names another kind' "$(history_with "h.at, h.event, h.identity_id, h.from_ids, h.into_id, replace(h.by_kind, 'team', 'user_id'), h.by_value")"
notices 'an identity that is retired into another one' "$(history_with "h.at, h.event, h.identity_id, h.from_ids, CASE WHEN h.into_id IS NOT NULL THEN h.identity_id END, h.by_kind, h.by_value")"
notices 'a split whose origin is missing' "$(history_with "h.at, h.event, h.identity_id, CASE WHEN h.event <> 'split' THEN h.from_ids END, h.into_id, h.by_kind, h.by_value")"
notices 'a created identity that the history does not tell' "$(history_with 'h.*' "WHERE h.event <> 'created'")"
notices 'a retired id that leads to itself' "identity_current(map regclass, identity_id uuid) RETURNS uuid LANGUAGE sql AS \$\$ SELECT coalesce(public.identity_current(map, identity_id), identity_id) \$\$"

# The same of one row of the table, changed by hand after the last history.
sql --quiet -d usual -c "DROP SCHEMA wrong CASCADE" -c "CREATE SCHEMA wrong"
again() { # what is written down now
  sql --quiet -At -d usual -c "DELETE FROM golden.lines WHERE clock = 1001" -c "UPDATE model.state SET clock = 1000" \
    -c "CALL model.check('nothing', clock_timestamp())" -c "SELECT sum FROM golden.sums((SELECT seed FROM model.state)) WHERE clock = 1001"
}
before=$(again)
for change in "identity_id = overlay(identity_id::text placing 'ffff' from 33)::uuid" "b_id = b_id || '{new}'"; do
  sql --quiet -d usual -c "UPDATE m SET $change WHERE identity_id = (SELECT identity_id FROM m ORDER BY identity_id LIMIT 1)"
  after=$(again)
  if [[ -n $before && $before != "$after" ]]; then say ok "noticed: a row with $change"; else say 'NOT OK' "not noticed: a row with $change"; fi
  before=$after
done
server_stop
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
