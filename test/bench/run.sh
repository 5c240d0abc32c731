#!/usr/bin/env bash
# The benchmark: the extension beside the limit and its rivals, in one run, on one machine, on the same rows.
#
#   test/bench/run.sh [option…] [people…]        default: 5000 1000000
#   test/bench/run.sh --doc --sizes 1000,10000,100000,1000000
#
# For each number of people it generates the five-tool workload (workload.sql: 2.65 records a person) in a private
# server, runs every contestant (contestants/*) in a fresh session of its own, and prints one table.
# The fast contestants take turns, round by round, so that whatever else the machine does hits all of them alike.
# At the last size the guards are measured too: the extension with and without them, on people without a conflict.
#
#   --sizes N,N    the numbers of people, the smallest first
#   --doc          write the tables and the plot into doc/performance.md and doc/performance.svg
#   --figures F    where the figures are kept (build/bench/figures.tsv); report.py makes the tables and the plot of them
#   --rounds N     rounds of the fast contestants (3); the slow rivals run once
#   --or-join N    up to how many people the quadratic OR join takes part (10000)
#   --patience S   leave a rival out where, going by its time at the size before, it would take more seconds (120)
#   --corners N    instead of the workload: N records that share one value, that form a chain, that stand alone,
#                  that meet in one record of 100,000 identifiers, that share an address but have user ids of
#                  their own, that form a chain of whose records every tenth has
#   --no-rivals    only the limit and the extension
#   --realtime     for a machine that others keep busy: each measured backend (not its parallel workers) runs with
#                  real-time priority, so that it has a core to itself; needs root, or CAP_SYS_NICE
#   --keep         keep the last database and print how to reach it; ends on Enter
#
# pgRouting takes part where Debian's package is installed, DuckDB where npm has it or can fetch it (into build/).
# BENCH_SETTINGS adds lines to postgresql.conf; BENCH_CONTESTANTS is a folder in the place of contestants/.
# Shared buffers lie in huge pages where the kernel has some reserved: for a million people, sysctl vm.nr_hugepages=1200.
# How to read the table: doc/performance.md.
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
contestants=${BENCH_CONTESTANTS:-$here/contestants}
figures=$root/build/bench/figures.tsv

rounds=3 or_join_limit=10000 patience=120 corners='' rivals=yes realtime=no keep=no doc=no
sizes=()
while [ $# -gt 0 ]; do
  case $1 in
    --sizes)     IFS=, read -r -a sizes <<<"$2"; shift ;;
    --doc)       doc=yes ;;
    --figures)   figures=$2; shift ;;
    --rounds)    rounds=$2; shift ;;
    --or-join)   or_join_limit=$2; shift ;;
    --patience)  patience=$2; shift ;;
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
  echo "date:     $(date -u +%Y-%m-%d)"
  echo "machine:  $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores," \
    "$((kilobytes / 1024 / 1024)) GB, Linux $(uname -r)"
  echo "server:   $(sql -A -t -c 'SELECT version()' | cut -d, -f1)"
  echo "settings: $(sql -A -t -c "
    SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY position)
    FROM unnest('{shared_buffers,work_mem,maintenance_work_mem,max_parallel_workers_per_gather,max_parallel_workers,
                  max_parallel_maintenance_workers,fsync,synchronous_commit,full_page_writes,wal_level,autovacuum,jit}'::text[])
         WITH ORDINALITY AS u(name, position)"), huge pages = $(server_huge_pages)"
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

# The most private memory (RssAnon: shared buffers and libraries left out) of those processes of a list which were
# not in it before, summed: of the server's children the backend and its parallel workers. Looks every 20 ms.
watch_memory() { # file that is there while to be watched, file for the answer in megabytes, file with the list, what
                 # stood in it before
  local running=$1 answer=$2 processes=$3 before=" $4 "
  local peak=0 sum child resident shared pause _
  exec {pause}<> <(:)
  while [ -e "$running" ]; do
    sum=0
    for child in $(<"$processes"); do
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
# the backend's processor seconds (parallel workers' not included), the backend's peak with the shared buffers that it
# touched (VmHWM), the peak of private memory and what went to temporary files, in megabytes. Leaves the output in the
# table `result`. Looking every 20 ms misses the peak of a short statement: then the backend's peak less the shared
# pages that it has touched by the end, which cannot be above the private peak either, is nearer.
measure() {
  local name=$1 file=$2 children=/proc/$postmaster/task/$postmaster/children spilled watcher status=0
  query -c 'SET client_min_messages = error' -c 'DROP TABLE IF EXISTS result' -c CHECKPOINT
  spilled=$(query -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'bench'")
  touch "$scratch/running"
  watch_memory "$scratch/running" "$scratch/private" "$children" "$(<"$children")" & watcher=$!
  query >"$scratch/session" <<END || status=$?
SET client_min_messages = error;
SELECT pg_backend_pid() AS backend \gset
\setenv BACKEND :backend
\! [ $realtime = no ] || chrt --fifo --pid 1 \$BACKEND
SELECT clock_timestamp() AS started \gset
\i $file
SELECT 'seconds ' || extract(epoch FROM clock_timestamp() - :'started');
\! awk '/^VmHWM/ { peak = \$2 } /^Rss(File|Shmem)/ { shared += \$2 } END { print "resident", int(peak / 1024); print "own", int((peak - shared) / 1024) }' /proc/\$BACKEND/status
\! awk -v hertz=\$(getconf CLK_TCK) '{ print "cpu", (\$14 + \$15) / hertz }' /proc/\$BACKEND/stat
END
  rm "$scratch/running"
  wait "$watcher"
  if [ $status != 0 ]; then echo "$name failed" >&2; exit 1; fi
  spilled=$(( ($(query -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'bench'") - spilled) / 1048576 ))
  awk -v private="$(<"$scratch/private")" -v spilled="$spilled" \
    '{ value[$1] = $2 }
     END { if (value["own"] > private) private = value["own"]
           print value["seconds"], value["cpu"], value["resident"], private, spilled }' \
    "$scratch/session" >>"$scratch/$name.runs"
}

# --- DuckDB ----------------------------------------------------------------------------------------------------

DUCKDB='@duckdb/node-api@1.5.6-r.1'

# DuckDB as npm has it, once for this checkout; what is missing otherwise stands in $duckdb_missing.
find_duckdb() {
  duckdb_missing=
  local place=$root/build/duckdb
  mkdir -p "$place"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    duckdb_missing='node and npm are not installed'
  elif ! (cd "$place" && node --input-type=module -e "import '@duckdb/node-api'") 2>/dev/null; then
    timeout 180 npm install --prefix "$place" --no-save --no-audit --no-fund --fetch-retries=1 "$DUCKDB" \
      >"$scratch/npm" 2>&1 || duckdb_missing="npm cannot install $DUCKDB"
  fi
  # The script lives here, the package in build/, where Node looks for it by the script's place.
  cp "$contestants/duckdb.mjs" "$place/"
}

# Copies the tables into a DuckDB database file: its own storage.
load_duckdb() {
  local table folder=$scratch/duckdb
  rm -rf "$folder"
  mkdir "$folder"
  for table in segment.users zendesk.users stripe.customers salesforce.leads intercom.users; do
    query -c "\\copy $table TO '$folder/$table.csv' (FORMAT csv, HEADER)"
  done
  node "$root/build/duckdb/duckdb.mjs" load "$folder"
}

# As measure(): the whole Node process is watched, all of DuckDB's threads count, and what it writes to temporary
# files is not known.
measure_duckdb() {
  local watcher process status=0 folder=$scratch/duckdb
  load_duckdb
  touch "$scratch/running"
  : >"$scratch/processes"
  watch_memory "$scratch/running" "$scratch/private" "$scratch/processes" '' & watcher=$!
  node "$root/build/duckdb/duckdb.mjs" resolve "$folder" >"$scratch/session" & process=$!
  echo "$process" >"$scratch/processes"
  wait "$process" || status=$?
  rm "$scratch/running"
  wait "$watcher"
  if [ $status != 0 ]; then echo 'DuckDB failed' >&2; exit 1; fi
  awk -v private="$(<"$scratch/private")" \
    '{ value[$1] = $2 } END { print value["seconds"], value["cpu"], value["resident"], private, "-" }' \
    "$scratch/session" >>"$scratch/duckdb.runs"
  query -c 'SET client_min_messages = error' -c 'DROP TABLE IF EXISTS result' \
    -c 'CREATE TABLE result (identity_id bigint, source text, record_id text)' \
    -c "\\copy result FROM '$folder/result.csv' (FORMAT csv, HEADER)"
  rm -rf "$folder"
}

# --- what came out ---------------------------------------------------------------------------------------------

# Each check_… prints "rows|identities|verdict" of the table `result`; a verdict other than these fails the run:
verdict_is_good() { case $1 in reference | agrees | finer | expected | '-') ;; *) return 1 ;; esac; }

# A partition of the records, against the first partition of the run: the same records, and the same ones together.
check_partition() {
  if [ -z "$(query -c "SELECT to_regclass('reference')")" ]; then
    query -c 'ALTER TABLE result RENAME TO reference' -c 'ANALYZE reference'
    query -F '|' -c "SELECT count(*), count(DISTINCT identity_id), 'reference' FROM reference"
  else
    compare_with_reference result agrees 'pairs = theirs'
  fi
}

# With the guards: the same records; each identity lies within one of the reference's, and has one user id at most.
check_guarded() {
  query -c 'SET client_min_messages = error' -c 'DROP TABLE IF EXISTS guarded' -c 'ALTER TABLE result RENAME TO guarded'
  compare_with_reference guarded finer "NOT EXISTS (
    SELECT FROM guarded JOIN (
        SELECT 'segment' AS source, id AS record_id, id AS user_id FROM segment.users
        UNION ALL SELECT 'zendesk', id::text, external_id FROM zendesk.users WHERE external_id IS NOT NULL
        UNION ALL SELECT 'intercom', id, user_id FROM intercom.users WHERE user_id IS NOT NULL) u
      USING (source, record_id)
    GROUP BY identity_id HAVING min(user_id) <> max(user_id))"
}

# A pair is an identity of ours and one of the reference's that have records in common.
compare_with_reference() { # table, verdict if it has the reference's records, none of its identities lies in
                           # two of the reference's, and a condition holds; the condition
  query -c "ANALYZE $1" -F '|' -c "
    WITH pair AS (
      SELECT o.identity_id AS ours, t.identity_id AS theirs, count(*) AS records
      FROM $1 o FULL JOIN reference t USING (source, record_id)
      GROUP BY 1, 2),
    sums AS (
      SELECT count(*) AS pairs, count(DISTINCT ours) AS ours, count(DISTINCT theirs) AS theirs, sum(records) AS records,
             bool_or(ours IS NULL OR theirs IS NULL) AS is_missing
      FROM pair)
    SELECT (SELECT count(*) FROM $1), ours,
           CASE WHEN NOT is_missing AND pairs = ours AND records = (SELECT count(*) FROM $1)
                 AND records = (SELECT count(*) FROM reference) AND $3
                THEN '$2' ELSE 'DIFFERS' END
    FROM sums"
}

# One row an identity, none without a record, no Segment account twice.
check_master() { # the long form's table
  query -F '|' -c "
    SELECT count(*), count(*),
           CASE WHEN count(*) = (SELECT count(DISTINCT identity_id) FROM ${1:-reference})
                 AND count(segment_id) = count(DISTINCT segment_id)
                 AND count(*) = count(coalesce(segment_id, zendesk_id::text, stripe_id, salesforce_id, intercom_id))
                THEN 'agrees' ELSE 'DIFFERS' END
    FROM result"
}

check_master_guarded() { check_master guarded; }

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

# The joins without OR give the very rows of those with, where these have run.
check_or_join() {
  check_rows
  query -c 'ALTER TABLE result RENAME TO or_joined'
}

check_equi_joins() {
  if [ -z "$(query -c "SELECT to_regclass('or_joined')")" ]; then check_rows; return; fi
  query -F '|' -c "
    SELECT count(*), '-',
           CASE WHEN NOT EXISTS (TABLE result EXCEPT ALL TABLE or_joined) AND NOT EXISTS (TABLE or_joined EXCEPT ALL TABLE result)
                THEN 'agrees' ELSE 'DIFFERS' END
    FROM result"
}

check_rows() { query -F '|' -c "SELECT count(*), '-', '-' FROM result"; }

failed=0
check() { # NAME, check: the first round's result is looked at, not each
  [ -e "$scratch/$1.check" ] || "check_$2" >"$scratch/$1.check"
}

print_header() {
  printf '| %-36s | rounds | min s    | median s | x limit | x min | cpu s    | backend MB | private MB | temp MB | %10s | %10s | %-9s |\n' \
    contestant rows identities partition
  printf '|%s|--------|----------|----------|---------|-------|----------|------------|------------|---------|%s|%s|-----------|\n' \
    "$(printf -- '-%.0s' {1..38})" "$(printf -- '-%.0s' {1..12})" "$(printf -- '-%.0s' {1..12})"
}

# A line of the table; and the same, raw, into the figures: part, people, records, name, then the table's columns.
print_contestant() { # NAME, title
  local rows identities verdict
  IFS='|' read -r rows identities verdict <"$scratch/$1.check"
  sort -g "$scratch/$1.runs" | awk -v name="$1" -v title="$2" -v rows="$rows" -v identities="$identities" \
    -v verdict="$verdict" -v limit="$(median limit)" -v fastest="$(fastest limit)" \
    -v part="$part" -v people="$people" -v records="$records" -v figures="$scratch/figures" '
    function worst(before, value) { return before == "" || (value != "-" && value > before) ? value : before }
    { seconds[NR] = $1; if (NR == 1 || $2 < cpu) cpu = $2
      for (i = 3; i <= 5; i++) peak[i] = worst(peak[i], $i) }
    END {
      middle = (seconds[int((NR + 1) / 2)] + seconds[int((NR + 2) / 2)]) / 2
      printf "| %-36s | %6d | %8.3f | %8.3f | %7.2f | %5.2f | %8.2f | %10s | %10s | %7s | %10s | %10s | %-9s |\n", title, NR,
        seconds[1], middle, middle / limit, seconds[1] / fastest, cpu, peak[3], peak[4], peak[5], rows, identities, verdict
      OFS = "\t"
      print part, people, records, name, title, NR, seconds[1], middle, middle / limit, seconds[1] / fastest, cpu,
        peak[3], peak[4], peak[5], rows, identities, verdict >>figures }'
  if ! verdict_is_good "$verdict"; then failed=1; fi
}

print_left_out() { # title, why
  echo "($1 left out: $2)"
  printf '%s\t%s\t%s\tleft out\t%s\t%s\n' "$part" "$people" "$records" "$1" "$2" >>"$scratch/figures"
}

fastest() { # NAME
  sort -g "$scratch/$1.runs" | awk 'NR == 1 { print $1 }'
}

median() { # NAME
  sort -g "$scratch/$1.runs" |
    awk '{ s[NR] = $1 } END { print (s[int((NR + 1) / 2)] + s[int((NR + 2) / 2)]) / 2 }'
}

# --- the five-tool workload ------------------------------------------------------------------------------------

make_workload() { # people, of 200 people so many share an address
  rm -f "$scratch"/*.runs "$scratch"/*.check
  fresh_database
  query -v people="$1" -v shared="$2" -f "$here/workload.sql"
  IFS=' ' read -r records identifiers < <(query -F ' ' -c "
    WITH identifier(record, user_id, email) AS (
      SELECT 1, id, email FROM segment.users UNION ALL SELECT 1, external_id, email FROM zendesk.users
      UNION ALL SELECT 1, NULL, email FROM stripe.customers UNION ALL SELECT 1, NULL, email FROM salesforce.leads
      UNION ALL SELECT 1, user_id, email FROM intercom.users)
    SELECT count(*), count(user_id) + count(nullif(trim(email), '')) FROM identifier")
}

# Whether a rival would take too long: its time at the size before, times the sizes' ratio to the power of its growth.
# Then $left_out says so.
left_out=''
is_too_slow() { # NAME, growth
  local before_people before_seconds seconds
  left_out=''
  [ -e "$scratch/$1.before" ] || return 1
  read -r before_people before_seconds <"$scratch/$1.before"
  seconds=$(awk -v s="$before_seconds" -v n="$people" -v b="$before_people" -v g="$2" 'BEGIN { printf "%d", s * (n / b) ^ g }')
  [ "$seconds" -gt "$patience" ] || return 1
  left_out="$before_seconds s at $before_people people lets expect about $seconds s here"
}

note_time() { echo "$people $(median "$1")" >"$scratch/$1.before"; }

rival() { # NAME, growth: of its time with the number of people
  if is_too_slow "$1" "$2"; then
    echo "$left_out" >"$scratch/$1.left_out"
  else
    measure "$1" "$contestants/$1.sql"
    note_time "$1"
  fi
}

run_rivals() {
  rm -f "$scratch"/*.left_out
  rival label_propagation 1
  [ -e "$scratch/label_propagation.left_out" ] || check label_propagation partition
  if [ $pgrouting = yes ]; then
    rival pgrouting 1
    [ -e "$scratch/pgrouting.left_out" ] || check pgrouting partition
  else
    echo 'not installed; Debian has it as postgresql-15-pgrouting' >"$scratch/pgrouting.left_out"
  fi
  if [ -n "$duckdb_missing" ]; then
    echo "$duckdb_missing" >"$scratch/duckdb.left_out"
  elif is_too_slow duckdb 1; then
    echo "$left_out" >"$scratch/duckdb.left_out"
  else
    measure_duckdb
    note_time duckdb
    check duckdb partition
  fi
  if [ "$people" -gt "$or_join_limit" ]; then
    echo "quadratic; it takes part up to $or_join_limit people" >"$scratch/or_join.left_out"
  else
    rival or_join 2
    [ -e "$scratch/or_join.left_out" ] || check or_join or_join
  fi
  rival equi_joins 1
  [ -e "$scratch/equi_joins.left_out" ] || check equi_joins equi_joins
}

print_rival() { # NAME, title
  if [ -e "$scratch/$1.left_out" ]; then
    print_left_out "$2" "$(<"$scratch/$1.left_out")"
  else
    print_contestant "$1" "$2"
  fi
}

run_workload() { # people
  local people=$1 round part=workload records identifiers
  make_workload "$people" 1
  printf '\n%s people, %s records, %s identifiers\n\n' "$people" "$records" "$identifiers"

  for ((round = 1; round <= rounds; round++)); do
    measure limit "$contestants/limit.sql";                 check limit rows
    measure records_plain "$contestants/records_plain.sql"; check records_plain partition
    measure master_plain "$contestants/master_plain.sql";   check master_plain master
    measure records "$contestants/records.sql";             check records guarded
    measure master "$contestants/master.sql";               check master master_guarded
    measure combinations "$contestants/combinations.sql";   check combinations combinations
    if [ $round = 1 ] && [ $rivals = yes ]; then run_rivals; fi
  done

  print_header
  print_contestant limit         'limit: copy every record once'
  print_contestant records       'identity_records (long form)'
  print_contestant master        'resolve_identities (master table)'
  print_contestant combinations  '... with rows => combinations'
  print_contestant records_plain 'identity_records, guards off'
  print_contestant master_plain  'resolve_identities, guards off'
  [ $rivals = yes ] || return 0
  print_rival duckdb            'DuckDB, label propagation'
  print_rival pgrouting         'pgr_connectedComponents + SQL'
  print_rival label_propagation 'label propagation in PL/pgSQL'
  print_rival or_join           'the plain SQL (OR joins)'
  print_rival equi_joins        'the plain SQL with UNION for OR'
}

# What the guards cost where they find nothing: nobody shares an address, so no identity breaks a limit, and all
# must come to the same identities.
run_guards() { # people
  local people=$1 round part=guards records identifiers
  make_workload "$people" 0
  printf '\nThe guards, where there is no conflict: %s people, %s records, %s identifiers\n\n' "$people" "$records" "$identifiers"
  for ((round = 1; round <= rounds; round++)); do
    measure limit "$contestants/limit.sql";                 check limit rows
    measure records_plain "$contestants/records_plain.sql"; check records_plain partition
    measure records "$contestants/records.sql";             check records partition
    measure records_lists "$contestants/records_lists.sql"; check records_lists partition
    measure records_all "$contestants/records_all.sql";     check records_all partition
    measure master_plain "$contestants/master_plain.sql";   check master_plain master
    measure master "$contestants/master.sql";               check master master
    measure master_lists "$contestants/master_lists.sql";   check master_lists master
    measure master_all "$contestants/master_all.sql";       check master_all master
  done
  print_header
  print_contestant limit         'limit: copy every record once'
  print_contestant records_plain 'identity_records, guards off'
  print_contestant records       'identity_records (default rules)'
  print_contestant records_lists 'identity_records, all but patterns'
  print_contestant records_all   'identity_records, every rule on'
  print_contestant master_plain  'resolve_identities, guards off'
  print_contestant master        'resolve_identities (default rules)'
  print_contestant master_lists  'resolve_identities, all but patterns'
  print_contestant master_all    'resolve_identities, every rule on'
  echo
  echo 'Times the time without guards: median to median, fastest to fastest, processor time to processor time:'
  print_ratio records_plain records       'identity_records, default rules'
  print_ratio records_plain records_lists 'identity_records, all but patterns'
  print_ratio records_plain records_all   'identity_records, every rule on'
  print_ratio master_plain  master        'resolve_identities, default rules'
  print_ratio master_plain  master_lists  'resolve_identities, all but patterns'
  print_ratio master_plain  master_all    'resolve_identities, every rule on'
}

print_ratio() { # NAME of the one, NAME of the other, title
  awk -v title="$3" -v a="$(median "$1")" -v b="$(median "$2")" -v c="$(fastest "$1")" -v d="$(fastest "$2")" \
    -v e="$(least_cpu "$1")" -v f="$(least_cpu "$2")" \
    'BEGIN { printf "  %-36s %.2f  %.2f  %s\n", title, b / a, d / c, (e > 0 ? sprintf("%.2f", f / e) : "-") }'
}

least_cpu() { # NAME
  sort -g -k 2 "$scratch/$1.runs" | awk 'NR == 1 { print $2 }'
}

# --- the corners -----------------------------------------------------------------------------------------------

run_corners() { # records
  local records=$1 people=0 part=corner corner guarded round
  fresh_database
  for corner in shared chain alone wide crowd claims; do
    rm -f "$scratch"/*.runs "$scratch"/*.check
    query -v records="$records" -v corner="$corner" -f "$here/corners.sql"
    printf '\n%s\n\n' "$(query -c 'SELECT story FROM corner.expected')"
    case $corner in crowd | claims) guarded=_guarded ;; *) guarded= ;; esac
    for ((round = 1; round <= rounds; round++)); do
      measure limit "$contestants/corner_limit.sql";             check limit rows
      measure records "$contestants/corner_records$guarded.sql"; check records corner
      measure master "$contestants/corner_master$guarded.sql";   check master corner
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

describe_machine | tee "$scratch/machine"
if [ -n "$corners" ]; then
  run_corners "$corners"
else
  if [ $rivals = yes ]; then find_duckdb; fi
  for size in "${sizes[@]}"; do run_workload "$size"; done
  run_guards "${sizes[-1]}"
  mkdir -p "$(dirname "$figures")"
  { sed 's/^/machine\t/' "$scratch/machine"; cat "$scratch/figures"; } >"$figures"
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
if [ $doc = yes ] && [ -z "$corners" ]; then
  python3 "$here/report.py" "$figures" "$root/doc"
  echo 'written: doc/performance.md, doc/performance.svg'
fi
