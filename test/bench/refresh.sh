#!/usr/bin/env bash
# The benchmark of identity maps: what it costs to keep one current, beside the limit and a full build, in one run on one
# machine on the same rows.
#
#   test/bench/refresh.sh [option…] [people]     default: 1000000
#
# The rows are those of workload.sql (2.65 records a person in five tools), each table with an updated_at and an index on it.
# In each round, in fresh sessions, for each way to tell what changed (default: all is read; triggers; changed_since): the map
# is built, refreshed with nothing changed, refreshed after 1 % of the records have changed: 0.9 % have another address, for
# half of them one of another person, and 0.1 % are new; then the limit (limit.sql: every record copied once), on the same
# rows, which the refresh has just read, so that both find them in memory. These two, one right after the other, are a pair:
# what a machine does beside comes and goes in minutes, and such a refresh is compared with the limit by the median of its
# pairs. Then it is refreshed after 100 records have changed.
# At last identify() is called 1000 times, each call a transaction: half of them for users of Segment, with their own address
# or a new one, half for users who are new, with the address of somebody or a new one. In the last round each map is compared with a full resolve, column by column.
#
# What nothing changed costs with triggers and changed_since is also measured in a session that has refreshed before: a fresh one
# loads the library and plans each query first.
#
#   --rounds N     rounds (3); the table has medians
#   --changes N    of how many changes of 1 %, one after the other, each map has a pair in each round (3)
#   --keep         keep the database and print how to reach it; ends on Enter
#
# BENCH_SETTINGS adds lines to postgresql.conf. Shared buffers lie in huge pages where the kernel has some reserved: for a
# million people, sysctl vm.nr_hugepages=1200.
set -euo pipefail
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
people=1000000 rounds=3 changes=3 keep=no
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --changes) changes=$2; shift ;;
    --keep)   keep=yes ;;
    [0-9]*)   people=$1 ;;
    *)        sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
  shift
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

kilobytes=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
shared_megabytes=$((kilobytes / 1024 / 8)); [ $shared_megabytes -le 2048 ] || shared_megabytes=2048
# shellcheck source=test/lib/server.sh
source "$root/test/lib/server.sh"
server_start "
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
trap 'server_stop; rm -rf "$scratch"' EXIT
query() { PGOPTIONS='-c client_min_messages=error' sql -q -A -t -d bench "$@"; }

sql -q -c "CREATE DATABASE bench TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
query -c 'CREATE EXTENSION identity_resolve'
query -v people="$people" -f "$here/workload.sql"
query <<'SQL'
CREATE SCHEMA bench;
CREATE FUNCTION bench.clauses(mode text) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(identity_source(name, query || CASE mode WHEN 'since' THEN ', updated_at' ELSE '' END || ' FROM ' || name || '.' || relation,
                                   changed_since => CASE mode WHEN 'since' THEN 'updated_at' END, capture => CASE mode WHEN 'trigger' THEN 'trigger' END) ORDER BY place)
  FROM (VALUES (1, 'segment', 'users', 'SELECT id, id AS user_id, email'), (2, 'zendesk', 'users', 'SELECT id, external_id AS user_id, email'),
               (3, 'stripe', 'customers', 'SELECT id, email'), (4, 'salesforce', 'leads', 'SELECT id, email'), (5, 'intercom', 'users', 'SELECT id, user_id, email'))
    AS s (place, name, relation, query) $$;
CREATE FUNCTION bench.columns() RETURNS identity_clause[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[identity_column('segment_id'), identity_column('email'), identity_column('zendesk_id', 'bigint'), identity_column('stripe_id', 'text[]'),
               identity_column('salesforce_id'), identity_column('intercom_id')] $$;
-- 1 % of each tool's records, others in each round.
CREATE PROCEDURE bench.change(round int, people bigint) LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY '{segment.users,zendesk.users,stripe.customers,salesforce.leads,intercom.users}'::text[] LOOP
    EXECUTE format('UPDATE %s SET email = CASE workload.dice(hashtext(id::text), %s, 2) WHEN 0 THEN workload.private_address(1 + workload.dice(hashtext(id::text), %s, %s))
      ELSE ''new'' || %s || ''.'' || id || ''@example.com'' END, updated_at = clock_timestamp() WHERE workload.dice(hashtext(id::text), %s, 1000) < 9', t, round, round + 1, people, round, round + 2);
  END LOOP;
  INSERT INTO segment.users SELECT 'new' || round || '.' || n, workload.private_address(1 + workload.dice(n, round, people)), clock_timestamp() FROM generate_series(1, greatest(people / 1000, 1)) n;
  INSERT INTO zendesk.users SELECT -(round::bigint * 10000000 + n), NULL, workload.private_address(1 + workload.dice(n, round + 1, people)), clock_timestamp() FROM generate_series(1, greatest(people * 35 / 100000, 1)) n;
  INSERT INTO stripe.customers SELECT 'cus_new' || round || '.' || n, workload.private_address(1 + workload.dice(n, round + 2, people)), clock_timestamp() FROM generate_series(1, greatest(people * 5 / 10000, 1)) n;
  INSERT INTO salesforce.leads SELECT 'new' || round || '.' || n, 'lead' || round || '.' || n || '@example.com', clock_timestamp() FROM generate_series(1, greatest(people * 3 / 10000, 1)) n;
  INSERT INTO intercom.users SELECT 'new' || round || '.' || n, workload.segment_id(1 + workload.dice(n, round + 3, people)), NULL, clock_timestamp() FROM generate_series(1, greatest(people * 5 / 10000, 1)) n;
END $$;
-- identify(): each call in a transaction of its own, by the clock.
CREATE TABLE bench.calls (n int, known_user boolean, known_address boolean, ms float);
CREATE PROCEDURE bench.identify(calls int, people bigint) LANGUAGE plpgsql AS $$
DECLARE began timestamptz; user_id text; traits jsonb; person bigint;
BEGIN
  FOR n IN 1 .. calls LOOP
    person := 1 + workload.dice(n, 90, people);
    user_id := CASE WHEN n % 2 = 0 THEN workload.segment_id(person) ELSE 'new.user.' || n END;
    traits := jsonb_build_object('name', 'Jane Kim', 'email', CASE WHEN n % 4 < 2 THEN workload.private_address(person) ELSE 'told.' || n || '@example.com' END);
    COMMIT;
    began := clock_timestamp();
    PERFORM identify('people', user_id, traits);
    COMMIT;
    INSERT INTO bench.calls VALUES (n, n % 2 = 0, n % 4 < 2, extract(epoch FROM clock_timestamp() - began) * 1000);
  END LOOP;
END $$;
SQL
for table in segment.users zendesk.users stripe.customers salesforce.leads intercom.users; do
  query -c "ALTER TABLE $table ADD COLUMN updated_at timestamptz NOT NULL DEFAULT '2024-01-01'" -c "CREATE INDEX ON $table (updated_at)" -c "VACUUM ANALYZE $table"
done

# measure NAME "statements": in a fresh session, by the server's clock; the seconds are appended to $scratch/NAME.
measure() {
  query -c CHECKPOINT
  query >>"$scratch/$1" <<SQL
SELECT clock_timestamp() AS started \gset
$2;
SELECT extract(epoch FROM clock_timestamp() - :'started');
SQL
}
# again NAME: the same for a refresh that finds nothing changed, in a session that has refreshed ten times: the mean of ten.
again() {
  local calls
  calls=$(printf "CALL refresh_identity_map('people');%.0s" {1..10})
  query >>"$scratch/$1" <<SQL
$calls
SELECT clock_timestamp() AS started \gset
$calls
SELECT extract(epoch FROM clock_timestamp() - :'started') / 10;
SQL
}
failed=0
# The map holds what a full resolve gives, column by column.
compare() { # mode
  local differences
  differences=$(query <<SQL
CREATE TEMP TABLE resolved AS SELECT * FROM resolve_identities(VARIADIC bench.clauses('$1'))
  AS (segment_id text, email text, zendesk_id bigint, stripe_id text[], salesforce_id text, intercom_id text);
CREATE TEMP TABLE kept AS SELECT segment_id, email, zendesk_id, stripe_id, salesforce_id, intercom_id FROM people;
SELECT (SELECT count(*) FROM (TABLE resolved EXCEPT ALL TABLE kept) x) + (SELECT count(*) FROM (TABLE kept EXCEPT ALL TABLE resolved) x);
SQL
  )
  if [ "$differences" != 0 ]; then
    echo "DIFFERS: the map ($1) from a full resolve in $differences rows"
    failed=1
  fi
}

change=0
for ((round = 1; round <= rounds; round++)); do
  for mode in default trigger since; do
    measure "build.$mode" "SELECT create_identity_map('people', VARIADIC bench.clauses('$mode') || bench.columns()) \g /dev/null
      CALL refresh_identity_map('people')"
    query -c 'VACUUM ANALYZE'
    measure "nothing.$mode" "CALL refresh_identity_map('people')"
    [ "$mode" = default ] || again "again.$mode"
    for ((pair = 1; pair <= changes; pair++)); do
      [ $pair -eq 1 ] || query -c 'VACUUM ANALYZE'
      change=$((change + 10))
      query -c "CALL bench.change($change, $people)"
      measure "change.$mode" "CALL refresh_identity_map('people')"
      measure "limit.$mode" "$(cat "$here/contestants/limit.sql")"
      query -c 'DROP TABLE result'
      [ $round -ne 1 ] || [ $pair -ne 1 ] || query -F ' | ' -c "SELECT '$mode', last_changes FROM identity_maps" >>"$scratch/changes"
    done
    query -c "UPDATE segment.users SET email = 'few$change.' || id || '@example.com', updated_at = clock_timestamp() WHERE id IN (SELECT id FROM segment.users ORDER BY id LIMIT 100)"
    measure "few.$mode" "CALL refresh_identity_map('people')"
    if [ $round -eq "$rounds" ]; then
      compare "$mode"
      # The last map is asked for identify().
      if [ "$mode" = since ]; then
        query -c 'VACUUM ANALYZE' -c "CALL bench.identify(1000, $people)"
        query -F ' ' -c "SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2), round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2), round(max(ms)::numeric, 2) FROM bench.calls" >"$scratch/identify"
        query -F ' | ' -c "SELECT CASE WHEN known_user THEN 'a user of Segment' ELSE 'a new user' END || ', ' || CASE WHEN known_address THEN 'somebody''s address' ELSE 'a new address' END,
          round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2) FROM bench.calls GROUP BY 1 ORDER BY 1" >"$scratch/identify.kinds"
      fi
    fi
    [ "$keep" = yes ] && [ $round -eq "$rounds" ] && [ "$mode" = since ] || query -c "SELECT drop_identity_map('people')" >/dev/null
  done
done

records=$(query -c 'SELECT (SELECT count(*) FROM segment.users) + (SELECT count(*) FROM zendesk.users) + (SELECT count(*) FROM stripe.customers) + (SELECT count(*) FROM salesforce.leads) + (SELECT count(*) FROM intercom.users)')
median() { sort -g "$scratch/$1" | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }
echo "machine:  $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $((kilobytes / 1024 / 1024)) GB, load $(cut -d' ' -f1-3 /proc/loadavg), shared buffers in huge pages: $(server_huge_pages)"
echo "server:   $(sql -A -t -c 'SELECT version()' | cut -d, -f1); $people people, $records records at the end, medians of $rounds rounds (1 % changed, and the limit: $changes times in each)"
echo
printf '| %-48s | %9s | %8s | %8s | %9s |\n' '' 'median s' 'best s' 'x limit' '% build'
printf '|%s|%s|%s|%s|%s|\n' "$(printf -- '-%.0s' {1..50})" ----------: ---------: ---------: ----------:
cat "$scratch"/limit.* >"$scratch/limit"
for mode in default trigger since; do
  paste "$scratch/change.$mode" "$scratch/limit.$mode" | awk '{ print $1 / $2 }' >"$scratch/pairs.$mode"
done
row() { # NAME, NAME of its full build, title [, NAME of its pairs]
  awk -v title="$3" -v s="$(median "$1")" -v best="$(sort -g "$scratch/$1" | head -n 1)" -v limit="$(median limit)" -v build="$([ -z "$2" ] || median "$2")" \
    -v pairs="$([ -z "${4-}" ] || median "$4")" \
    'BEGIN { printf "| %-48s | %9.3f | %8.3f | %8.2f | %9s |\n", title, s, best, pairs == "" ? s / limit : pairs, build == "" ? "" : sprintf("%.1f", 100 * s / build) }'
}
row limit '' 'limit: copy every record once'
row build.default build.default 'full build'
row nothing.default build.default 'refresh, nothing changed'
row change.default build.default 'refresh, 1 % of the records changed' pairs.default
row few.default build.default 'refresh, 100 records changed'
row build.trigger build.trigger 'full build, triggers'
row nothing.trigger build.trigger 'refresh, triggers, nothing changed'
row again.trigger build.trigger '... in a session that has refreshed before'
row change.trigger build.trigger 'refresh, triggers, 1 % of the records changed' pairs.trigger
row few.trigger build.trigger 'refresh, triggers, 100 records changed'
row build.since build.since 'full build, changed_since'
row nothing.since build.since 'refresh, changed_since, nothing changed'
row again.since build.since '... in a session that has refreshed before'
row change.since build.since 'refresh, changed_since, 1 % changed' pairs.since
row few.since build.since 'refresh, changed_since, 100 records changed'
echo
read -r median99 p99 worst <"$scratch/identify"
echo "identify(), 1000 calls: median $median99 ms, 99 % within $p99 ms, the slowest $worst ms. Medians by what is told:"
sed 's/^/  /; s/$/ ms/' "$scratch/identify.kinds"
echo
echo "The pairs, refresh after 1 % changed : limit, in seconds:"
for mode in default trigger since; do
  echo "  $mode | $(paste -d: "$scratch/change.$mode" "$scratch/limit.$mode" | awk -F: '{ printf "%s%.2f : %.2f", NR == 1 ? "" : ", ", $1, $2 }')"
done
echo
echo "What the first changes did:"
sed 's/^/  /' "$scratch/changes"
if [ $keep = yes ]; then
  echo; echo "psql -h $PGHOST -p $PGPORT -U postgres bench     (Enter ends the server)"; read -r _
fi
if [ $failed -ne 0 ]; then echo 'FAILED: a map is not what a full resolve gives.'; exit 1; fi
