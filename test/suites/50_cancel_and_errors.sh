#!/usr/bin/env bash
# After every kind of error and cancel the same session runs the same call again and is right; it does not grow; and
# from a cancel to the end of the statement there are no 100 ms of work, whatever the stage.
# PEOPLE=300000 sizes the input of the cancels, ROUNDS=1000 the error loop, CANCELS=10 how many are spread over each statement.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh

people=${PEOPLE:-300000}
rounds=${ROUNDS:-1000}
cancels=${CANCELS:-10}
limit_ms=100
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}

server_start "shared_buffers = 256MB" "max_wal_size = 4GB" "autovacuum = off"

sql --quiet -v people="$people" <<'SQL'
CREATE EXTENSION identity_resolve;
CREATE UNLOGGED TABLE app AS
  SELECT n AS id, format('u%s', n) AS user_id, format('Person.%s@Example.com ', n) AS email, timestamptz '2024-01-01' + n * interval '1 s' AS updated_at
    FROM generate_series(1, :people) n;
CREATE UNLOGGED TABLE shop AS
  SELECT format('cus_%s', n) AS id, format('person.%s@example.com', n) AS email, 'plan ' || n % 7 AS plan FROM generate_series(1, :people, 2) n;
CREATE UNLOGGED TABLE help AS
  SELECT n AS id, CASE WHEN n % 3 > 0 THEN format('u%s', n) END AS user_id, ARRAY[format('p%s@other.org', n), format('PERSON.%s@example.com', n)] AS email
    FROM generate_series(1, :people, 3) n;
CREATE UNLOGGED TABLE chain AS  -- one person
  SELECT n AS id, ARRAY[n, n + 1] AS user_id FROM generate_series(1, :people) n ORDER BY md5(n::text);
VACUUM ANALYZE;
-- The statements, each with its own clauses.
CREATE FUNCTION tools() RETURNS identity_clause[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[
  identity_source('app', 'SELECT * FROM app'), identity_source('shop', 'SELECT * FROM shop'), identity_source('help', 'SELECT * FROM help'),
  identity_rule('plan', link => false)] $$;
-- One component, in which every hundredth record has a user id of its own: all of it is taken apart.
CREATE FUNCTION conflict() RETURNS identity_clause[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[
  identity_source('chain', 'SELECT id, CASE WHEN id % 100 = 0 THEN id END AS user_id, user_id AS seat FROM chain'), identity_rule('seat')] $$;
CREATE UNLOGGED TABLE latency (statement text, how text, delay_ms float, wall_ms float, work_ms float);
SQL

# The statements that are cancelled: name|query. Between them they are in every stage.
statements=(
  "long|SELECT count(*) FROM identity_records(VARIADIC tools())"
  "master|SELECT count(*) FROM resolve_identities(VARIADIC tools()) AS (identity_id uuid, app_id int, email text, shop_id text[], shop_plan text, help_email text[], record_count int, sources text[])"
  "combinations|SELECT count(*) FROM resolve_identities(VARIADIC tools() || identity_output('combinations')) AS (identity_id uuid, app_id int, email text, shop_id text, help_id int)"
  "one person|SELECT count(*) FROM resolve_identities(identity_source('chain', 'SELECT * FROM chain'), identity_rule('user_id', max_per_identity => 0)) AS (identity_id uuid, chain_id int[], user_id int[])"
  "a conflict of all|SELECT count(*), count(DISTINCT identity_id) FROM identity_records(VARIADIC conflict())"
  "links|SELECT count(*), count(*) FILTER (WHERE status = 'links') FROM identity_links(VARIADIC conflict())"
  "explain|SELECT count(*) FROM explain_identity('chain', '1', 'chain', '9', VARIADIC conflict())"
  "graph|SELECT length(identity_graph('chain', '1', VARIADIC conflict())) > 100"
  "columns|SELECT identity_columns(VARIADIC conflict()) <> ''"
  "check|SELECT count(*) > 1 FROM identity_check(VARIADIC conflict() || identity_source('bad', 'SELECT 1 / (n - 1) AS id, n AS user_id FROM generate_series(1, 9) n'))"
  "report|SELECT count(*) > 10 FROM identity_report(VARIADIC conflict())"
  "many combinations|SET maintenance_work_mem = '256MB'; SELECT count(*) FROM resolve_identities(identity_source('a', 'SELECT n, 1 AS user_id FROM generate_series(1, 1000) n'), identity_source('b', 'SELECT n, 1 AS user_id FROM generate_series(1, 1000) n'), identity_output('combinations', 10000000)) AS (a_id int, b_id int)"
  "little memory|SET maintenance_work_mem = '1MB'; SET work_mem = '64kB'; SELECT count(*) FROM resolve_identities(VARIADIC tools()) AS (identity_id uuid, email text, app_id int, shop_id text[])"
  "into a table|CREATE TEMP TABLE new AS SELECT * FROM identity_records(VARIADIC tools()); DROP TABLE new"
  "slow source|SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email FROM app ORDER BY md5(email), md5(user_id)'))"
)

# A victim and a canceller, one session each, which take statements through pipes; the victim answers to a file descriptor.
mkfifo "$SERVER_DIR/victim" "$SERVER_DIR/answers" "$SERVER_DIR/canceller"
stdbuf -oL psql --no-psqlrc --quiet --tuples-only --no-align <"$SERVER_DIR/victim" >"$SERVER_DIR/answers" 2>&1 &
victim=$!
exec 3>"$SERVER_DIR/victim" 4<"$SERVER_DIR/answers"
ask() {  # ask "statements": sends them to the victim, reads what it answers into $answer
  local line
  printf '%s;\n\\echo ---done\n' "$1" >&3
  answer=
  while IFS= read -r line <&4 && [[ $line != ---done ]]; do answer+=${answer:+ }$line; done
}
ask "SELECT pg_backend_pid()"
pid=$answer

# The canceller, inside the server: waits until the victim has worked for so long, cancels, and measures until the end.
# Work is the time which the victim's process spent on a processor (schedstat); it is what a loaded machine cannot disturb.
sql --quiet <<'SQL'
CREATE FUNCTION work_ms(pid int) RETURNS float LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file(format('/proc/%s/schedstat', pid)), ' ', 1)::float / 1e6 $$;
CREATE PROCEDURE cancel_after(pid_ int, delay_ms float, statement text) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz; began float; now_ timestamptz; wall timestamptz; work float;
  done bool := false;
BEGIN
  -- Wait for it to begin.
  LOOP
    PERFORM pg_stat_clear_snapshot();
    SELECT query_start INTO started FROM pg_stat_activity WHERE pid = pid_ AND state = 'active' AND query ~ '(resolve_identities|identity_(records|links|report|graph)|explain_identity)\(';
    EXIT WHEN started IS NOT NULL;
    PERFORM pg_sleep(0.0005);
    IF clock_timestamp() > statement_timestamp() + interval '20 s' THEN RETURN; END IF;
  END LOOP;
  PERFORM pg_sleep(greatest(0, delay_ms / 1000 - extract(epoch FROM clock_timestamp() - started)));
  -- Has it ended meanwhile? (If it ends just now, the cancel finds an idle session, which ignores it.)
  PERFORM pg_stat_clear_snapshot();
  PERFORM FROM pg_stat_activity WHERE pid = pid_ AND state = 'active' AND query_start = started;
  IF NOT FOUND THEN RETURN; END IF;
  work := work_ms(pid_);
  wall := clock_timestamp();
  PERFORM pg_cancel_backend(pid_);
  LOOP
    PERFORM pg_stat_clear_snapshot();
    SELECT state <> 'active' OR query_start <> started INTO done FROM pg_stat_activity WHERE pid = pid_;
    EXIT WHEN done;
    PERFORM pg_sleep(0.0005);
  END LOOP;
  INSERT INTO latency VALUES (statement, 'pg_cancel_backend', delay_ms, extract(epoch FROM clock_timestamp() - wall) * 1000, work_ms(pid_) - work);
END $$;
SQL
mkfifo "$SERVER_DIR/cancelled"
stdbuf -oL psql --no-psqlrc --quiet <"$SERVER_DIR/canceller" >"$SERVER_DIR/cancelled" &
canceller=$!
exec 5>"$SERVER_DIR/canceller" 6<"$SERVER_DIR/cancelled"

for entry in "${statements[@]}"; do
  name=${entry%%|*}
  query=${entry#*|}
  ask "$query"
  right=$answer
  started=$(date +%s%N)
  ask "$query"
  full_ms=$((($(date +%s%N) - started) / 1000000))
  check "$name: the same answer twice ($right, $full_ms ms)" [ "$answer" = "$right" ]
  cancelled=0
  wrong=0
  for ((i = 0; i < cancels; i++)); do
    # From 1 ms to the end, evenly; and as many by timeout.
    delay=$((1 + full_ms * i / cancels))
    if ((i % 2)); then
      printf '%s\n' "CALL cancel_after($pid, $delay, '$name');" '\echo done' >&5
      ask "$query"
      read -r _ <&6  # the canceller is done too, and will not meet the next statement
      if [[ $answer == *"canceling statement due to user request"* ]]; then cancelled=$((cancelled + 1)); fi
    else
      ask "SET statement_timeout = $delay; $query"
      if [[ $answer == *"canceling statement due to statement timeout"* ]]; then cancelled=$((cancelled + 1)); fi
    fi
    # A statement timeout is one for RESET, too.
    until ask "RESET ALL; SET client_min_messages = warning; DROP TABLE IF EXISTS new" && [ -z "$answer" ]; do echo "again, after $answer"; done
    ask "$query"
    [[ $answer == "$right" ]] || { wrong=$((wrong + 1)); echo "$name, $delay ms: '$answer'"; }
  done
  check "$name: $cancelled of $cancels cancelled, each followed by the right answer" [ $wrong -eq 0 ]
  check "$name: most cancels hit" [ $cancelled -gt $((cancels / 3)) ]
done
sql --quiet -P footer=off -c "
  SELECT statement, count(*) AS cancels, round(max(delay_ms)) AS latest_at_ms, round(max(wall_ms)::numeric, 1) AS max_wall_ms,
         round(max(work_ms)::numeric, 1) AS max_work_ms, round(avg(work_ms)::numeric, 1) AS mean_work_ms FROM latency GROUP BY 1 ORDER BY 1"
worst=$(sql -At -c "SELECT coalesce(ceil(max(work_ms)), 999999) FROM latency")
check "from cancel to end at most $limit_ms ms of work (worst: $worst ms)" [ "$worst" -le "$limit_ms" ]
exec 3>&- 4<&- 5>&- 6<&-
wait $victim $canceller || true

# A thousand errors and cancels at the top level of one session, the right answer after each, and its memory.
errors=(
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, 1 / (id - 1999) AS user_id FROM few'))"
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT nullif(id, 2000), email FROM few'))"
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email AS name FROM few'))"
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id FROM nowhere'))"
  "SELECT count(*) FROM identity_records(identity_source('app', 'INSERT INTO few SELECT'))"
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id FROM few'), identity_source('app', 'SELECT id FROM few'))"
  "SELECT count(*) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few')) AS (app_id int, email int)"
  "SELECT count(*) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few')) AS (app_id int, mail text)"
  "SELECT count(*) FROM resolve_identities(identity_source('app', 'SELECT id, nullif(email, ''x'') AS email FROM few ORDER BY id')) AS (app_id small)"
  "SELECT count(*) FROM resolve_identities(identity_source('a', 'SELECT id, id % 9 AS user_id FROM few'), identity_source('b', 'SELECT id, id % 9 AS user_id FROM few'), identity_output('combinations', 40000)) AS (a_id int, b_id int)"
  "SELECT 1 / (app_id - 500) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few')) AS (app_id int, email text)"
  "SELECT fails(record_id::int) FROM identity_records(identity_source('app', 'SELECT id, email FROM few'))"
  "INSERT INTO narrow SELECT app_id FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few')) AS (app_id int)"
  "SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id FROM few, fails(id)'))"
  "SELECT '{\"source\": 1'::identity_clause"
  "SELECT identity_rule('x', 'y')"
  "SET statement_timeout = TIMEOUT; SELECT count(*) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few'), identity_source('shop', 'SELECT id, email FROM few')) AS (identity_id uuid, app_id int[], email text, shop_id int)"
  "SET statement_timeout = TIMEOUT; SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email FROM few, pg_sleep(0.001)'))"
)
{
  cat <<'SQL'
SET client_min_messages = warning;
CREATE TABLE few AS SELECT n AS id, format('P%s@x.com', n % 1000) AS email FROM generate_series(1, 2000) n;
CREATE TABLE narrow (id int CHECK (id < 500));
CREATE DOMAIN small AS int CHECK (VALUE < 900);
CREATE FUNCTION fails(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF n > 1900 THEN RAISE 'no more' USING ERRCODE = 'P0042'; END IF; RETURN n; END $$;
CREATE FUNCTION again() RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) || (SELECT md5(string_agg(m::text, ',' ORDER BY m::text)) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM few')) AS m(identity_id uuid, app_id int[], email text))
    FROM identity_records(identity_source('app', 'SELECT id, email FROM few')) r $$;
-- What this session uses: its own kilobytes, and what the memory contexts count.
CREATE FUNCTION used(OUT contexts_kb bigint, OUT process_kb bigint) LANGUAGE sql VOLATILE AS $$
  SELECT (SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts),
         substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s*(\d+)')::bigint $$;
SELECT again() AS right \gset
\set wrong 0
\set unfailed 0
SQL
  for ((i = 0; i < rounds + 200; i++)); do
    error=${errors[i % ${#errors[@]}]}
    echo "${error/TIMEOUT/$((1 + i % 23))};"
    if [[ $error != SET* ]]; then
      echo '\if :ERROR'
      echo '\else'
      echo "\\echo did not fail: ${error//\'/\"}"
      echo '\endif'
    fi
    # A statement timeout is one for RESET, too: what it cancels is said again.
    printf '%s\n' 'RESET statement_timeout;' '\if :ERROR' 'RESET statement_timeout;' '\endif' '\if :ERROR' 'RESET statement_timeout;' '\endif'
    echo "SELECT again() = :'right' AS same \\gset"
    echo '\if :same'
    echo '\else'
    echo "\\echo wrong after ${error//\'/\"}"
    echo '\endif'
    if ((i == 199 || i == rounds + 199)); then echo "SELECT 'memory', contexts_kb, process_kb FROM used();"; fi
  done
} >"$SERVER_DIR/loop.sql"
psql --no-psqlrc --quiet --tuples-only --no-align --field-separator=' ' -f "$SERVER_DIR/loop.sql" >"$SERVER_DIR/loop.out" 2>"$SERVER_DIR/loop.err" || true
sort "$SERVER_DIR/loop.out" | grep -v ^memory | uniq -c || true
echo "$(grep -c 'ERROR:' "$SERVER_DIR/loop.err") errors and cancels:"
sed -nE 's/.*(ERROR: .*)/\1/p' "$SERVER_DIR/loop.err" | sed 's/[0-9a-f-]\{36\}/…/' | sort | uniq -c | sort -rn
mapfile -t memory < <(grep ^memory "$SERVER_DIR/loop.out")
check "the loop ran to its end" [ ${#memory[@]} -eq 2 ]
check "each error was followed by the right answer" [ "$(grep -c '^wrong' "$SERVER_DIR/loop.out" || true)" -eq 0 ]
check "each wrong call failed" [ "$(grep -c '^did not' "$SERVER_DIR/loop.out" || true)" -eq 0 ]
check "at least $rounds errors" [ "$(grep -c 'ERROR:' "$SERVER_DIR/loop.err")" -ge "$rounds" ]
read -r _ contexts_before process_before <<<"${memory[0]:-x 0 0}"
read -r _ contexts_after process_after <<<"${memory[1]:-x 999999 999999}"
echo "memory after 200 rounds: $contexts_before kB in contexts, $process_before kB in all; $rounds rounds later: $contexts_after kB, $process_after kB"
check "memory contexts do not grow" [ $((contexts_after - contexts_before)) -le 128 ]
check "the process does not grow" [ $((process_after - process_before)) -le 1024 ]
check "nobody crashed" bash -c "! grep -E 'PANIC|terminated by signal|TRAP:' '$SERVER_LOG'"

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
