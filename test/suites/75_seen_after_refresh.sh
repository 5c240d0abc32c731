#!/usr/bin/env bash
# A statement that follows CALL refresh_identity_map() sees all that had been committed before the call: by whatever plan
# it reads the map's table, whichever way the refresh learnt of the change, and whatever else goes on. Sessions change a row
# of a source, refresh, and look at the map's row at once; beside them others commit, refresh the same maps, call
# identify(), change other columns of the same rows, VACUUM, ANALYZE and REINDEX.
# SECONDS_=3600 SEED=7 RATE=20 test/suites/75_seen_after_refresh.sh runs longer, with less beside it. A wrong row is kept in the table `wrong` with all
# that is known of it, and shown.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../lib/server.sh
source ../lib/amcheck.sh

seconds=${SECONDS_:-40}
seed=${SEED:-$$}
echo "SEED=$seed"
passed=0
failed=0
check() {  # check "what is promised" command…
  if "${@:2}"; then echo "ok: $1"; passed=$((passed + 1)); else echo "NOT OK: $1"; failed=$((failed + 1)); fi
}
value() { sql --quiet -At -c "SET client_min_messages = error" -c "$1"; }

server_start "autovacuum = on" "autovacuum_naptime = 1s" "jit = off" "deadlock_timeout = 200ms" "max_connections = 60" "shared_buffers = 256MB" \
  "max_wal_size = 2GB" "max_worker_processes = 24" "max_parallel_workers = 16" "log_min_error_statement = error"

sql --quiet -c 'CREATE EXTENSION identity_resolve' -c 'CREATE EXTENSION pageinspect' -f ../oracle/maps.sql
sql --quiet <<'SQL'
SET client_min_messages = warning;
-- ---- 400 people, with a record in each of three tools, of which a refresh learns in three ways. Only the first 300 are
-- changed by the sessions that look; each of these has its own.
CREATE TABLE app (id int PRIMARY KEY, email text, label int);
CREATE TABLE shop (id int PRIMARY KEY, email text, label int);
CREATE TABLE crm (id int PRIMARY KEY, email text, label int, since timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO app SELECT n, format('p%s@x.com', n), 0 FROM generate_series(1, 400) n;
INSERT INTO shop SELECT n, format('P%s@x.com', n), 0 FROM generate_series(1, 400) n;
INSERT INTO crm SELECT n, format('p%s@X.com', n), 0 FROM generate_series(1, 400) n;
CREATE TABLE noise (id int PRIMARY KEY, n int);
INSERT INTO noise SELECT n, 0 FROM generate_series(1, 100) n;
-- Two maps of them. Of `plain` a new version of a row goes where the old one was, and no index hears of it; of `covered`
-- an index has each label.
SELECT create_identity_map(name, identity_source('app', 'SELECT id, email, label FROM app'), identity_source('shop', 'SELECT id, email, label FROM shop', capture => 'trigger'),
  identity_source('crm', 'SELECT id, email, label, since AS updated_at FROM crm', changed_since => 'updated_at'),
  identity_rule('label', link => false), identity_column('app_id', 'int'), identity_column('app_label', 'int'), identity_column('shop_label', 'int'),
  identity_column('crm_label', 'int'), identity_column('identify_id', 'text[]'))
  FROM unnest(ARRAY['plain', 'covered']) name \g /dev/null
CALL refresh_identity_map('plain');
CALL refresh_identity_map('covered');
ALTER TABLE plain ADD COLUMN note int;
ALTER TABLE covered ADD COLUMN note int;
ALTER TABLE plain SET (parallel_workers = 2);
ALTER TABLE covered SET (parallel_workers = 2);
CREATE INDEX plain_app ON plain (app_id);
CREATE INDEX covered_app ON covered (app_id) INCLUDE (app_label, shop_label, crm_label);
CREATE INDEX covered_note ON covered (note);
VACUUM ANALYZE;

-- How the next statements read the map's table: 1 all of it, 2 by an index, 3 by an index alone where it has all that is
-- asked for, 4 by an index and a bitmap, 5 all of it, by parallel workers.
CREATE FUNCTION read_by(way int) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT set_config('enable_seqscan', CASE WHEN way IN (1, 5) THEN 'on' ELSE 'off' END, false),
         set_config('enable_indexscan', CASE WHEN way = 2 THEN 'on' ELSE 'off' END, false),
         set_config('enable_indexonlyscan', CASE WHEN way = 3 THEN 'on' ELSE 'off' END, false),
         set_config('enable_bitmapscan', CASE WHEN way = 4 THEN 'on' ELSE 'off' END, false),
         set_config('max_parallel_workers_per_gather', CASE WHEN way = 5 THEN '2' ELSE '0' END, false) $$;
-- Whether a refresh resolves with parallel workers, and its commit waits for the disk.
CREATE FUNCTION refresh_by(workers int) RETURNS void LANGUAGE sql VOLATILE AS $$
  SELECT set_config('synchronous_commit', CASE workers WHEN 1 THEN 'on' ELSE 'off' END, false), set_config('identity_resolve.max_workers', workers::text, false), set_config('parallel_setup_cost', '0', false), set_config('parallel_tuple_cost', '0', false),
         set_config('min_parallel_table_scan_size', '0', false) $$;

-- What is known of a row that was seen wrong, and what it is like a moment later.
CREATE TABLE wrong (place serial, at timestamptz, how text, map regclass, app_id int, source int, expected int, seen text, what text, value text);
CREATE FUNCTION tell_wrong(how_ text, map_ regclass, id_ int, source_ int, expected_ int, seen_ text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  at_ timestamptz := clock_timestamp();
  item record;
  block bigint;
  text_ text;
BEGIN
  FOR item IN
    SELECT 'now' AS what, format('SELECT string_agg(format(''%%s xmin %%s %%s xmax %%s: %%s'', ctid, xmin, pg_xact_status(xmin::text::xid8), xmax, t), ''; '') FROM %s t WHERE app_id = %s', map_, id_) AS query
    UNION ALL SELECT 'sources', format('SELECT (SELECT format(''app xmin %%s: %%s'', xmin, a) FROM app a WHERE id = %1$s) || (SELECT format(''; shop xmin %%s: %%s'', xmin, a) FROM shop a WHERE id = %1$s)
      || (SELECT format(''; crm xmin %%s: %%s'', xmin, a) FROM crm a WHERE id = %1$s)', id_)
    UNION ALL SELECT 'snapshot, transaction', 'SELECT pg_current_snapshot()::text || '' '' || pg_current_xact_id()::text'
    UNION ALL SELECT 'map', format('SELECT m::text FROM identity_maps m WHERE map = %L', 'public.' || map_::text)
    UNION ALL SELECT 'sessions', 'SELECT string_agg(format(''%s %s %s %s'', pid, state, backend_xid, query), E''\n'') FROM pg_stat_activity WHERE backend_type = ''client backend'''
  LOOP
    EXECUTE item.query INTO text_;
    INSERT INTO wrong (at, how, map, app_id, source, expected, seen, what, value) VALUES (at_, how_, map_, id_, source_, expected_, seen_, item.what, text_);
  END LOOP;
  FOR block IN EXECUTE format('SELECT DISTINCT (ctid::text::point)[0]::bigint FROM %s WHERE app_id = %s', map_, id_) LOOP
    INSERT INTO wrong (at, how, map, app_id, source, expected, seen, what, value)
      SELECT at_, how_, map_, id_, source_, expected_, seen_, 'block ' || block, format('lp %s flags %s xmin %s xmax %s ctid %s infomask %s %s', lp, lp_flags, t_xmin, t_xmax, t_ctid, t_infomask, t_infomask2)
      FROM heap_page_items(get_raw_page(map_::text, block::int));
  END LOOP;
END $$;

-- Changes a row, refreshes and looks, in PL/pgSQL: what was seen.
CREATE PROCEDURE keep(map regclass, person int, round int, in_one boolean, INOUT seen text) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE app SET label = round WHERE id = person;
  IF NOT in_one THEN COMMIT; END IF;
  CALL refresh_identity_map(map);
  EXECUTE format('SELECT string_agg(app_label::text, '' '') FROM %s WHERE app_id = $1', map) INTO seen USING person;
END $$;
SQL

# ---- The sessions that look. :base is the first of their people, less one.
scripts=$SERVER_DIR/scripts
mkdir "$scripts"
look() { # map, way, where it looks: what the map says of the person's source, and whether it is what was written
  cat <<PGBENCH
SELECT read_by($2);
SELECT count(*) AS rows, coalesce(min(CASE :source::int WHEN 1 THEN app_label WHEN 2 THEN shop_label ELSE crm_label END), -1) AS least,
  coalesce(max(CASE :source::int WHEN 1 THEN app_label WHEN 2 THEN shop_label ELSE crm_label END), -1) AS most FROM $1 WHERE app_id = :id \\gset
\\if :rows <> 1 or :least <> :round or :most <> :round
SELECT tell_wrong('$3, way $2', '$1', :id, :source, :round, concat_ws(' ', :rows, :least, :most));
\\endif
PGBENCH
}
change() {
  cat <<PGBENCH
\\if :source = 1
UPDATE app SET label = :round WHERE id = :id;
\\elif :source = 2
UPDATE shop SET label = :round WHERE id = :id;
\\else
-- One after the other: a later time is never committed sooner.
SELECT pg_advisory_xact_lock(7);
UPDATE crm SET label = :round, since = clock_timestamp() WHERE id = :id;
\\endif
PGBENCH
}
for map in plain covered; do
  for way in 1 2 3 4 5; do
    {
      cat <<PGBENCH
\\set round :round + 1
\\set id :base + :client_id * 20 + random(1, 20)
\\set source random(1, 3)
\\set workers random(0, 2)
\\set other random(1, 300)
SELECT refresh_by(:workers);
PGBENCH
      cat >"$scripts/call" <<PGBENCH
-- What another session has committed by now is to be seen then, too.
SELECT label AS others FROM app WHERE id = :other \\gset
CALL refresh_identity_map('$map');
PGBENCH
      # Each in a transaction of its own; or all of it in one.
      echo '\if random(1, 4) > 1'
      echo 'BEGIN;'
      change
      echo 'COMMIT;'
      cat "$scripts/call"
      look $map $way 'on its own'
      look $map $((way % 5 + 1)) 'then'
      echo '\else'
      echo 'BEGIN;'
      change
      cat "$scripts/call"
      look $map $way 'before the commit'
      echo 'COMMIT;'
      look $map $((way % 5 + 1)) 'after the commit'
      echo '\endif'
      cat <<PGBENCH
SELECT coalesce(min(app_label), -1) AS least FROM $map WHERE app_id = :other \\gset
\\if :least < :others
SELECT tell_wrong('of another session', '$map', :other, 1, :others, :least::text);
\\endif
PGBENCH
    } >"$scripts/$map$way"
  done
  cat >"$scripts/${map}_keep" <<PGBENCH
\\set round :round + 1
\\set id :base + :client_id * 20 + random(1, 20)
\\set in_one random(0, 1)
CALL keep('$map', :id, :round, :in_one::int = 1, NULL) \\gset
\\if :seen <> :round
SELECT tell_wrong('in PL/pgSQL', '$map', :id, 1, :round, :seen::text);
\\endif
PGBENCH
  # All of it sent at once.
  cat >"$scripts/${map}_pipe" <<PGBENCH
\\set round :round + 1
\\set id :base + :client_id * 20 + random(1, 20)
\\startpipeline
UPDATE app SET label = :round WHERE id = :id;
CALL refresh_identity_map('$map');
INSERT INTO wrong (at, how, map, app_id, source, expected, seen) SELECT clock_timestamp(), 'in a pipeline', '$map', :id, 1, :round, min(app_label)::text
  FROM $map WHERE app_id = :id HAVING count(*) <> 1 OR min(app_label) <> :round::int;
\\endpipeline
PGBENCH
done

# ---- The others.
cat >"$scripts/noise" <<'PGBENCH'
\set id random(1, 100)
UPDATE noise SET n = n + 1 WHERE id = :id;
PGBENCH
for map in plain covered; do
  cat >"$scripts/${map}_note" <<PGBENCH
\\set id random(1, 400)
UPDATE $map SET note = coalesce(note, 0) + 1 WHERE app_id = :id;
PGBENCH
  cat >"$scripts/${map}_identify" <<PGBENCH
\\set user random(1, 60)
\\set id random(301, 420)
SELECT identify('$map', 'u' || :user, jsonb_build_object('email', format('p%s@x.com', :id)));
PGBENCH
  cat >"$scripts/${map}_meet" <<PGBENCH
\\set id random(301, 400)
\\set other random(301, 400)
UPDATE app SET email = format('p%s@x.com', :other), label = label + 1 WHERE id = :id;
CALL refresh_identity_map('$map', wait => false);
PGBENCH
  echo "CALL refresh_identity_map('$map', wait => false);" >"$scripts/${map}_again"
  echo "CALL refresh_identity_map('$map', true);" >"$scripts/${map}_full"
done
cat >"$scripts/tidy" <<'PGBENCH'
VACUUM plain;
VACUUM (ANALYZE) covered;
\sleep 100 ms
REINDEX INDEX CONCURRENTLY plain_app;
VACUUM (FREEZE) plain;
ANALYZE plain;
\sleep 100 ms
DROP INDEX covered_note;
VACUUM covered;
CREATE INDEX covered_note ON covered (note);
REINDEX TABLE covered;
VACUUM FULL plain;
\sleep 100 ms
PGBENCH

# An index alone is read where all pages are known to be visible, which none is while a session has an older snapshot: one of
# autovacuum's, say.
for ((try = 0; try < 100; try++)); do
  [ "$(value "SELECT relallvisible >= relpages FROM pg_class WHERE oid = 'covered'::regclass")" = f ] || break
  sleep 0.1
  sql --quiet -c 'VACUUM covered'
done

# The ways are what they are called.
for map in plain covered; do
  found=$(sql --quiet -At 2>&1 <<SQL
SELECT refresh_by(0) \\g /dev/null
\\o /dev/null
$(for way in 1 2 3 4 5; do printf '\\o /dev/null\nSELECT read_by(%s);\n\\o\nEXPLAIN (COSTS OFF) SELECT count(*), min(app_label) FROM %s WHERE app_id = 5;\n' $way $map; done)
SQL
  )
  wanted=("Seq Scan on $map" "Index Scan using ${map}_app" "Bitmap Heap Scan on $map" "Parallel Seq Scan on $map")
  [ $map = plain ] || wanted+=("Index Only Scan using ${map}_app")
  for scan in "${wanted[@]}"; do check "a look by $scan" grep -q "$scan" <<<"$found"; done
done

bench() { # name, then pgbench's arguments
  pgbench -n -T "$seconds" --random-seed="$seed" -D round=0 "${@:2}" postgres >"$SERVER_DIR/$1.out" 2>"$SERVER_DIR/$1.err" &
  pids+=($!)
}
files() { printf -- '-f %s ' "$@"; }
looking=()
for map in plain covered; do
  for way in 1 2 3 4 5; do looking+=(-f "$scripts/$map$way"); done
  looking+=(-f "$scripts/${map}_keep")
done

# One that is not refreshed is told of.
grep -v '^CALL' "$scripts/plain1" >"$scripts/blind"
pgbench -n -t 8 -D base=0 -D round=1000 -f "$scripts/blind" postgres >/dev/null 2>&1
check "a row that is as before is noticed" [ "$(value "SELECT count(*) > 0 AND bool_and(map = 'plain'::regclass) FROM wrong")" = t ]
check "and all is kept that is known of it" [ "$(value "SELECT count(DISTINCT split_part(what, ' ', 1)) FROM wrong")" -eq 6 ]
sql --quiet -c 'TRUNCATE wrong' -c 'UPDATE app SET label = 0' -c 'UPDATE shop SET label = 0' -c 'UPDATE crm SET label = 0, since = clock_timestamp()'

pids=()
bench simple -M simple -c 3 -D base=0 "${looking[@]}"
PGOPTIONS='-c plan_cache_mode=force_generic_plan' bench prepared -M prepared -c 2 -D base=100 "${looking[@]}" -f "$scripts/plain_pipe" -f "$scripts/covered_pipe"
bench extended -M extended -c 1 -D base=200 "${looking[@]}" -f "$scripts/plain_pipe" -f "$scripts/covered_pipe"
bench others -c 4 --rate=${RATE:-150} -f "$scripts/noise@12" $(for map in plain covered; do files "$scripts/${map}_note@4" "$scripts/${map}_identify@2" "$scripts/${map}_meet@1" "$scripts/${map}_again@2" "$scripts/${map}_full@1"; done)
bench tidy -c 1 -f "$scripts/tidy"
ended=0
for pid in "${pids[@]}"; do wait "$pid" || ended=1; done
cat "$SERVER_DIR"/{simple,prepared,extended,others,tidy}.err | grep -v '^pgbench (\|setting random seed\|NOTICE\|DETAIL' || true
rounds=$(cat "$SERVER_DIR"/{simple,prepared,extended}.out | awk '/^number of transactions actually processed/ { n += $6 } END { print n + 0 }')
echo "$rounds rounds; others: $(awk '/^number of transactions actually processed/ { print $6 }' "$SERVER_DIR/others.out"), tidied $(awk '/^number of transactions actually processed/ { print $6 }' "$SERVER_DIR/tidy.out") times; refreshes: $(value "SELECT string_agg(map || ' ' || refreshes, ', ' ORDER BY map) FROM identity_maps")"
check "no session met an error" [ $ended -eq 0 ]
check "there were rounds" [ "$rounds" -ge 10 ]
sql -At -c 'SELECT * FROM wrong ORDER BY place LIMIT 300'
check "whatever was committed before a refresh was seen after it" [ "$(value 'SELECT count(*) FROM wrong')" -eq 0 ]
check "nobody crashed, no deadlock" bash -c "! grep -iE 'PANIC|terminated by signal|TRAP:|deadlock' '$SERVER_LOG'"
for map in plain covered; do
  sql --quiet -c "SET client_min_messages = error" -c "CALL refresh_identity_map('$map', true)"
  check "$map is what a full resolve gives" [ -z "$(value "SELECT model.as_resolved('$map')")" ]
done
check "amcheck finds tables and indexes sound" sound

server_stop
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
