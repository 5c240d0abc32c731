#!/usr/bin/env bash
# The benchmark: the extension beside the limit and its rivals, in one run, on one machine, on the same rows.
#
#   test/bench/run.sh [option…] [people…]        default: 5000 1000000
#
# For each number of people it generates the five-tool workload (workload.sql: 2.65 records a person) in a private
# server, runs every contestant (contestants/*.sql) in a fresh session of its own, and prints one table.
# The fast contestants take turns, round by round, so that whatever else the machine does hits all of them alike.
#
#   --rounds N     rounds of the fast contestants (3); the slow rivals run once
#   --or-join N    up to how many people the quadratic OR join takes part (5000)
#   --corners N    instead of the workload: N records that share one value, that form a chain, that stand alone,
#                  that meet in one record of 100,000 identifiers
#   --no-rivals    only the limit and the extension
#   --realtime     for a machine that others keep busy: each measured backend (not its parallel workers) runs with
#                  real-time priority, so that it has a core to itself; needs root, or CAP_SYS_NICE
#   --keep         keep the last database and print how to reach it; ends on Enter
#
# BENCH_SETTINGS adds lines to postgresql.conf. How to read the table: doc/performance.md.
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

rounds=3 or_join_limit=5000 corners='' rivals=yes realtime=no keep=no
sizes=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds)    rounds=$2; shift ;;
    --or-join)   or_join_limit=$2; shift ;;
    --corners)   corners=$2; shift ;;
    --no-rivals) rivals=no ;;
    --realtime)  realtime=yes ;;
    --keep)      keep=yes ;;
    [0-9]*)      sizes+=("$1") ;;
    *)           sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
  shift
done
[ ${#sizes[@]} -gt 0 ] || sizes=(5000 1000000)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# --- the server ------------------------------------------------------------------------------------------------

kilobytes=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
shared_megabytes=$((kilobytes / 1024 / 8)); [ $shared_megabytes -le 2048 ] || shared_megabytes=2048

# Memory enough that no contestant spills at a million people; no disk in the measurement; no background work.
settings="
shared_buffers = ${shared_megabytes}MB
work_mem = 256MB
maintenance_work_mem = 256MB
max_parallel_workers_per_gather = 2
wal_level = replica
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 16GB
checkpoint_timeout = 1h
autovacuum = off
jit = off
${BENCH_SETTINGS:-}"

# shellcheck source=test/lib/server.sh
source "$root/test/lib/server.sh"
server_start "$settings"
trap 'server_stop; rm -rf "$scratch"' EXIT

query() { sql -q -A -t -d bench "$@"; }

fresh_database() {
  sql -q -c 'SET client_min_messages = warning' -c 'DROP DATABASE IF EXISTS bench' \
    -c "CREATE DATABASE bench TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
  query -c 'CREATE EXTENSION identity_resolve'
  postmaster=$(find_postmaster)
  pgrouting=no
  if query -c 'CREATE EXTENSION pgrouting CASCADE' >/dev/null 2>&1; then pgrouting=yes; fi
}

describe_machine() {
  echo "machine:  $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores," \
    "$((kilobytes / 1024 / 1024)) GB, Linux $(uname -r)"
  echo "server:   $(sql -A -t -c 'SELECT version()' | cut -d, -f1)"
  echo "settings: $(sql -A -t -c "
    SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY position)
    FROM unnest('{shared_buffers,work_mem,maintenance_work_mem,max_parallel_workers_per_gather,max_parallel_workers,
                  max_parallel_maintenance_workers,fsync,synchronous_commit,full_page_writes,wal_level,autovacuum,jit}'::text[])
         WITH ORDINALITY AS u(name, position)")"
  echo "load:     $(cut -d' ' -f1-3 /proc/loadavg) (1, 5 and 15 minutes before the first contestant), real-time priority: $realtime"
}

# --- one measurement -------------------------------------------------------------------------------------------

# The postmaster, by way of a backend, whose parent it is.
find_postmaster() {
  query <<'END'
SELECT pg_backend_pid() AS backend \gset
\setenv BACKEND :backend
\! awk '/^PPid/ { print $2 }' /proc/$BACKEND/status
END
}

# The most private memory (RssAnon: shared buffers and libraries left out) of those children of the server which
# were not there before, summed: the backend and its parallel workers. Looks every 20 ms.
watch_memory() { # file that is there while to be watched, file for the answer in megabytes
  local running=$1 answer=$2 children="/proc/$postmaster/task/$postmaster/children"
  local peak=0 sum child before=' ' resident shared pause _
  exec {pause}<> <(:)
  for child in $(<"$children"); do before+="$child "; done
  while [ -e "$running" ]; do
    sum=0
    for child in $(<"$children"); do
      case $before in *" $child "*) continue ;; esac
      { read -r _ resident shared _ <"/proc/$child/statm"; } 2>/dev/null || continue
      sum=$((sum + resident - shared))
    done
    [ $sum -le $peak ] || peak=$sum
    read -r -t 0.02 -u "$pause" _ || true
  done
  echo $((peak * $(getconf PAGESIZE) / 1048576)) >"$answer"
}

# measure NAME FILE: runs the file's statements in a fresh session and appends to $scratch/NAME.runs its seconds,
# the backend's processor seconds (parallel workers' not included), the backend's peak with the shared buffers that it touched (VmHWM), the peak of private memory and what went
# to temporary files, in megabytes. Leaves the output in the table `result`.
measure() {
  local name=$1 file=$2 spilled watcher status=0
  query -c 'SET client_min_messages = error' -c 'DROP TABLE IF EXISTS result' -c CHECKPOINT
  spilled=$(query -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'bench'")
  touch "$scratch/running"
  watch_memory "$scratch/running" "$scratch/private" & watcher=$!
  query >"$scratch/session" <<END || status=$?
SET client_min_messages = error;
SELECT pg_backend_pid() AS backend \gset
\setenv BACKEND :backend
\! [ $realtime = no ] || chrt --fifo --pid 1 \$BACKEND
SELECT clock_timestamp() AS started \gset
\i $file
SELECT 'seconds ' || extract(epoch FROM clock_timestamp() - :'started');
\! awk '/^VmHWM/ { print "resident", int(\$2 / 1024) }' /proc/\$BACKEND/status
\! awk -v hertz=\$(getconf CLK_TCK) '{ print "cpu", (\$14 + \$15) / hertz }' /proc/\$BACKEND/stat
END
  rm "$scratch/running"
  wait "$watcher"
  if [ $status != 0 ]; then echo "$name failed" >&2; exit 1; fi
  spilled=$(( ($(query -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'bench'") - spilled) / 1048576 ))
  awk -v private="$(<"$scratch/private")" -v spilled="$spilled" \
    '{ value[$1] = $2 } END { print value["seconds"], value["cpu"], value["resident"], private, spilled }' \
    "$scratch/session" >>"$scratch/$name.runs"
}

# --- what came out ---------------------------------------------------------------------------------------------

# Each check_… prints "rows|identities|verdict" of the table `result`; a verdict other than these four fails the run:
verdict_is_good() { case $1 in reference | agrees | expected | '-') ;; *) return 1 ;; esac; }

# A partition of the records, against the first partition of the run: the same records, and the same ones together.
check_partition() {
  if [ -z "$(query -c "SELECT to_regclass('reference')")" ]; then
    query -c 'ALTER TABLE result RENAME TO reference' -c 'ANALYZE reference'
    query -F '|' -c "SELECT count(*), count(DISTINCT identity_id), 'reference' FROM reference"
  else
    query -F '|' -c "
      SELECT count(r.record_id), ours,
             CASE WHEN count(*) = count(r.record_id) AND count(*) = count(f.record_id) AND ours = theirs AND ours = pairs
                  THEN 'agrees' ELSE 'DIFFERS' END
      FROM (SELECT count(DISTINCT r.identity_id) AS ours, count(DISTINCT f.identity_id) AS theirs,
                   count(DISTINCT (r.identity_id, f.identity_id)) AS pairs
            FROM result r JOIN reference f USING (source, record_id)) x,
           result r FULL JOIN reference f USING (source, record_id)
      GROUP BY ours, theirs, pairs"
  fi
}

# One row an identity, none without a record, no Segment account twice.
check_master() {
  query -F '|' -c "
    SELECT count(*), count(*),
           CASE WHEN count(*) = (SELECT count(DISTINCT identity_id) FROM reference)
                 AND count(segment_id) = count(DISTINCT segment_id)
                 AND count(*) = count(coalesce(segment_id, zendesk_id::text, stripe_id, salesforce_id, intercom_id))
                THEN 'agrees' ELSE 'DIFFERS' END
    FROM result"
}

# No record lost.
check_combinations() {
  query -F '|' -c "
    SELECT count(*), '-',
           CASE WHEN count(DISTINCT segment_id) = (SELECT count(*) FROM segment.users)
                 AND count(DISTINCT zendesk_id) = (SELECT count(*) FROM zendesk.users)
                 AND count(DISTINCT stripe_id) = (SELECT count(*) FROM stripe.customers)
                 AND count(DISTINCT salesforce_id) = (SELECT count(*) FROM salesforce.leads)
                 AND count(DISTINCT intercom_id) = (SELECT count(*) FROM intercom.users)
                THEN 'agrees' ELSE 'DIFFERS' END
    FROM result"
}

check_rows() { query -F '|' -c "SELECT count(*), '-', '-' FROM result"; }

failed=0
check() { # NAME, check: the first round's result is looked at, not each
  [ -e "$scratch/$1.check" ] || "check_$2" >"$scratch/$1.check"
}

print_header() {
  printf '| %-34s | rounds | min s    | median s | x limit | x min | cpu s    | backend MB | private MB | temp MB | %10s | %10s | %-9s |\n' \
    contestant rows identities partition
  printf '|%s|--------|----------|----------|---------|-------|----------|------------|------------|---------|%s|%s|-----------|\n' \
    "$(printf -- '-%.0s' {1..36})" "$(printf -- '-%.0s' {1..12})" "$(printf -- '-%.0s' {1..12})"
}

print_contestant() { # NAME, title
  local rows identities verdict
  IFS='|' read -r rows identities verdict <"$scratch/$1.check"
  sort -g "$scratch/$1.runs" | awk -v title="$2" -v rows="$rows" -v identities="$identities" -v verdict="$verdict" \
    -v limit="$(median limit)" \
    -v fastest="$(fastest limit)" '
    { seconds[NR] = $1; if (NR == 1 || $2 < cpu) cpu = $2
      for (i = 3; i <= 5; i++) if ($i > peak[i]) peak[i] = $i }
    END {
      middle = (seconds[int((NR + 1) / 2)] + seconds[int((NR + 2) / 2)]) / 2
      printf "| %-34s | %6d | %8.3f | %8.3f | %7.2f | %5.2f | %8.2f | %10d | %10d | %7d | %10s | %10s | %-9s |\n", title, NR,
        seconds[1], middle, middle / limit, seconds[1] / fastest, cpu, peak[3], peak[4], peak[5], rows, identities, verdict }'
  if ! verdict_is_good "$verdict"; then failed=1; fi
}

fastest() { # NAME
  sort -g "$scratch/$1.runs" | awk 'NR == 1 { print $1 }'
}

median() { # NAME
  sort -g "$scratch/$1.runs" |
    awk '{ s[NR] = $1 } END { print (s[int((NR + 1) / 2)] + s[int((NR + 2) / 2)]) / 2 }'
}

# --- the five-tool workload ------------------------------------------------------------------------------------

run_workload() { # people
  local people=$1 round
  rm -f "$scratch"/*.runs "$scratch"/*.check
  fresh_database
  query -v people="$people" -f "$here/workload.sql"
  query -F ' ' -c "
    WITH identifier(record, user_id, email) AS (
      SELECT 1, id, email FROM segment.users UNION ALL SELECT 1, external_id, email FROM zendesk.users
      UNION ALL SELECT 1, NULL, email FROM stripe.customers UNION ALL SELECT 1, NULL, email FROM salesforce.leads
      UNION ALL SELECT 1, user_id, email FROM intercom.users)
    SELECT count(*), count(user_id) + count(nullif(trim(email), '')) FROM identifier" |
    { read -r records identifiers
      printf '\n%s people, %s records, %s identifiers\n\n' "$people" "$records" "$identifiers"; }

  for ((round = 1; round <= rounds; round++)); do
    measure limit "$here/contestants/limit.sql";               check limit rows
    measure records "$here/contestants/records.sql";           check records partition
    measure master "$here/contestants/master.sql";             check master master
    measure combinations "$here/contestants/combinations.sql"; check combinations combinations
    if [ $round = 1 ] && [ $rivals = yes ]; then
      measure label_propagation "$here/contestants/label_propagation.sql"; check label_propagation partition
      if [ $pgrouting = yes ]; then
        measure pgrouting "$here/contestants/pgrouting.sql"; check pgrouting partition
      fi
      if [ "$people" -le "$or_join_limit" ]; then
        measure or_join "$here/contestants/or_join.sql"; check or_join rows
      fi
    fi
  done

  print_header
  print_contestant limit        'limit: copy every record once'
  print_contestant records      'identity_records (long form)'
  print_contestant master       'resolve_identities (master table)'
  print_contestant combinations '... with rows => combinations'
  [ $rivals = yes ] || return 0
  print_contestant label_propagation 'label propagation in PL/pgSQL'
  if [ $pgrouting = yes ]; then
    print_contestant pgrouting 'pgr_connectedComponents + SQL'
  else
    echo '(pgRouting left out: not installed; Debian has it as postgresql-15-pgrouting)'
  fi
  if [ "$people" -le "$or_join_limit" ]; then
    print_contestant or_join 'the plain SQL (OR joins)'
  else
    echo "(the plain SQL's OR joins left out: they are quadratic; see a size of at most $or_join_limit people)"
  fi
}

# --- the corners -----------------------------------------------------------------------------------------------

run_corners() { # records
  local records=$1 corner round identities
  fresh_database
  for corner in shared chain alone wide; do
    rm -f "$scratch"/*.runs "$scratch"/*.check
    query -v records="$records" -v corner="$corner" -f "$here/corners.sql"
    identities=$(query -c 'SELECT identities FROM corner.expected')
    printf '\n%s\n\n' "$(query -c 'SELECT story FROM corner.expected')"
    for ((round = 1; round <= rounds; round++)); do
      measure limit "$here/contestants/corner_limit.sql";     check limit rows
      measure records "$here/contestants/corner_records.sql"; check records "corner"
      measure master "$here/contestants/corner_master.sql";   check master "corner"
    done
    print_header
    print_contestant limit   'limit: copy every record once'
    print_contestant records 'identity_records (long form)'
    print_contestant master  'resolve_identities (master table)'
  done
}

# As many identities as the corner's arithmetic says, and every record in one.
check_corner() {
  query -F '|' -c "
    SELECT count(*), count(DISTINCT identity_id),
           CASE WHEN count(DISTINCT identity_id) = (SELECT identities FROM corner.expected)
                 AND count(*) IN ((SELECT count(*) FROM corner.users), (SELECT identities FROM corner.expected))
                THEN 'expected' ELSE 'DIFFERS' END
    FROM result"
}

# --- ----------------------------------------------------------------------------------------------------------

describe_machine
if [ -n "$corners" ]; then
  run_corners "$corners"
else
  for people in "${sizes[@]}"; do run_workload "$people"; done
fi
echo
echo 'seconds: wall clock of all statements, in a fresh session. x limit: median to median; x min: fastest to fastest.'
echo 'cpu s: processor time of the backend in its best round, parallel workers left out. On a busy machine the fastest rounds'
echo 'and the processor time say more than the medians.'
echo "backend MB: the backend's peak resident memory with the shared buffers it touched; private MB: without them,"
echo 'parallel workers included. temp MB: written to temporary files. Peaks are the worst round'"'s."
if [ $keep = yes ]; then
  echo; echo "psql -h $PGHOST -p $PGPORT -U postgres bench     (Enter ends the server)"; read -r _
fi
if [ $failed != 0 ]; then echo 'FAILED: a contestant came to another partition.'; exit 1; fi
