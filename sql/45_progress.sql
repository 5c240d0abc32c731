-- Watching a build. (That another session sees it move and vanish is proved by test/suites/52_progress.sh.)
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA progress;
SET search_path = progress, public;
RESET client_min_messages;
SET identity_resolve.max_workers = 0;  -- whatever the server's costs of parallel workers are

CREATE TABLE app AS SELECT n AS id, format('p%s@x.com', n) AS email FROM generate_series(1, 6000) n;
CREATE TABLE shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 6000, 2) n;
ANALYZE app, shop;
\set clauses 'identity_source(''app'', ''SELECT id, email FROM progress.app''), identity_source(''shop'', ''SELECT id, email FROM progress.shop'')'

-- Nothing is going on.
SELECT count(*) FROM identity_progress WHERE pid = pg_backend_pid();

-- A cursor that is being read is a resolve that goes on. (Within a transaction the view, like PostgreSQL's own, shows what it has
-- shown before until pg_stat_clear_snapshot().)
CREATE VIEW mine AS
  SELECT datname = current_database() AS here, usename = session_user AS me, started <= clock_timestamp() AND elapsed >= interval '0' AS timed, result, stage, source, sources,
         records_read, records_estimated, identifiers, identities, identities_emitted, bytes_spilled, workers, share_done
    FROM identity_progress WHERE pid = pg_backend_pid();
\pset expanded on
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM identity_records(:clauses);
FETCH 1 FROM c \g /dev/null
SELECT * FROM mine;
MOVE 3000 FROM c;
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT stage, identities_emitted, round(share_done::numeric, 2) AS share_done FROM mine;
-- Another command of the same session reports its own progress meanwhile; the next rows bring ours back.
CREATE INDEX ON shop (id);
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT count(*) FROM mine;
MOVE 1600 FROM c;
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT stage, identities_emitted FROM mine;
-- So does a subtransaction that is rolled back.
SAVEPOINT s;
SELECT 1 / 0;
ROLLBACK TO s;
MOVE 1600 FROM c;
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT stage, identities_emitted FROM mine;
-- Read to its end it is over, though the cursor is still open.
MOVE ALL FROM c;
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT count(*) FROM mine;
COMMIT;

-- Closed early; rolled back; left to a LIMIT.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM resolve_identities(:clauses) AS (app_id int, shop_id int, email text);
FETCH 1 FROM c \g /dev/null
SELECT result, stage FROM mine;
CLOSE c;
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT count(*) FROM mine;
DECLARE c CURSOR FOR SELECT * FROM identity_links(:clauses);
FETCH 1 FROM c \g /dev/null
SELECT pg_stat_clear_snapshot() \g /dev/null
SELECT result, stage FROM mine;
ROLLBACK;
SELECT count(*) FROM mine;
SELECT count(*) FROM (SELECT FROM identity_evidence(:clauses) LIMIT 1) l;
SELECT count(*) FROM mine;

-- A source's query can look, too: one row a record of the source before it. Each source is done when it is read, whatever the
-- planner expected; the share never falls.
CREATE FUNCTION look() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE seen text;
BEGIN
  PERFORM pg_stat_clear_snapshot();
  SELECT format('%s, %s, source %s of %s, %s records, %s %%', result, stage, source, sources, records_read, round((100 * share_done)::numeric)) INTO seen
    FROM public.identity_progress WHERE pid = pg_backend_pid();
  RETURN coalesce(seen, 'nothing');
END $$;
\pset expanded off
SELECT user_id FROM resolve_identities(identity_source('app', 'SELECT id, email FROM progress.app'), identity_source('look', 'SELECT 1, progress.look() AS user_id'),
  identity_source('shop', 'SELECT id, email FROM progress.shop'), identity_source('more', 'SELECT 1, progress.look() AS user_id')) AS (look_id int, user_id text) WHERE user_id IS NOT NULL ORDER BY 1 DESC;
-- Of a resolve within a resolve the outer one is shown, before and after.
SELECT user_id FROM resolve_identities(
  identity_source('inner', $$SELECT record_id || source, progress.look() AS user_id FROM identity_records(identity_source('app', 'SELECT id, email FROM progress.app LIMIT 2'))$$),
  identity_source('after', 'SELECT 1, progress.look() AS user_id')) AS (user_id text) ORDER BY 1;
-- One that is being read makes way for one that is being built, and comes back.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM identity_records(:clauses);
FETCH 1 FROM c \g /dev/null
SELECT user_id FROM resolve_identities(identity_source('look', 'SELECT 1, progress.look() AS user_id')) AS (user_id text);
SELECT look();
MOVE 3000 FROM c;
SELECT look();
COMMIT;
-- A query whose subtransaction fails takes the report away for no longer than to the next number.
CREATE FUNCTION fails() RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN RETURN progress.look(); END $$;
SELECT user_id FROM resolve_identities(identity_source('fails', 'SELECT 1, progress.fails() AS user_id'), identity_source('look', 'SELECT 1, progress.look() AS user_id'))
  AS (fails_id int, look_id int, user_id text) ORDER BY 1;
-- COPY reports its own progress, and keeps it.
CREATE FUNCTION copied() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT progress.look() || ', copies: ' || count(*) FROM pg_stat_progress_copy WHERE pid = pg_backend_pid() $$;
COPY (SELECT user_id FROM resolve_identities(identity_source('app', 'SELECT id, email FROM progress.app'), identity_source('look', 'SELECT 1, progress.copied() AS user_id'))
  AS (look_id int, user_id text) WHERE look_id = 1) TO STDOUT;
SELECT count(*) FROM mine;
-- A refresh of a map shows the map, and what it is about, and nothing afterwards.
CREATE FUNCTION look_map() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE seen text;
BEGIN
  PERFORM pg_stat_clear_snapshot();
  SELECT format('%s of %s: %s%s, source %s of %s, %s rows', result, map, phase, ', ' || stage, source, sources, records_read) INTO seen
    FROM public.identity_progress WHERE pid = pg_backend_pid();
  RETURN coalesce(seen, 'nothing');
END $$;
SELECT create_identity_map('watched', identity_source('app', 'SELECT id, email FROM progress.app'), identity_source('look', 'SELECT 1 AS id, progress.look_map() AS note'),
  identity_rule('note', link => false), identity_column('app_id', 'int'), identity_column('note')) \g /dev/null
CALL refresh_identity_map('watched');
SELECT look_map();
UPDATE app SET email = 'new@x.com' WHERE id = 7;
CALL refresh_identity_map('watched');
SELECT note FROM watched WHERE note IS NOT NULL;
CREATE FUNCTION look_at_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', progress.look_map(); RETURN NEW; END $$;
CREATE TRIGGER look AFTER UPDATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION look_at_write();
UPDATE app SET email = 'newer@x.com' WHERE id = 7;
CALL refresh_identity_map('watched');
SELECT identify('watched', 'u7', '{"email": "newer@x.com"}') IS NOT NULL AS known;
DO $$ BEGIN CALL public.refresh_identity_map('progress.app'); EXCEPTION WHEN undefined_object THEN RAISE NOTICE '%', progress.look_map(); END $$;
SELECT drop_identity_map('watched') \g /dev/null
-- After errors nothing is left, caught or not, wherever they come from.
SELECT count(*) FROM identity_records(identity_source('a', 'SELECT 1 / (3000 - id) FROM progress.app'));
SELECT count(*) FROM mine;
SELECT 1 / (3000 - record_id::int) FROM identity_records(:clauses);
SELECT count(*) FROM mine;
DO $$ BEGIN
  PERFORM FROM identity_records(identity_source('a', 'SELECT 1 / (3000 - id) FROM progress.app'));
EXCEPTION WHEN division_by_zero THEN RAISE NOTICE '%', progress.look(); END $$;
SELECT count(*) FROM explain_identity('app', '1', 'shop', '1', :clauses), look() WHERE look <> 'nothing';
-- As a function in the target list, which has no scan of its own.
SELECT count(*), look() FROM (SELECT identity_records(:clauses)) r;
-- Switched off.
SET track_activities = off;
SELECT user_id FROM resolve_identities(identity_source('look', 'SELECT 1, progress.look() AS user_id')) AS (user_id text);
RESET track_activities;
-- ... in between.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM identity_records(:clauses);
FETCH 1 FROM c \g /dev/null
SET track_activities = off;
CLOSE c;
RESET track_activities;
COMMIT;
SELECT count(*) FROM mine;

-- Rights: everybody may look; of other people's sessions only that there is a resolve.
CREATE ROLE regress_watcher;
GRANT USAGE ON SCHEMA progress TO regress_watcher;
\pset expanded on
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM identity_records(:clauses);
FETCH 1 FROM c \g /dev/null
SET LOCAL ROLE regress_watcher;
SELECT pid = pg_backend_pid() AS pid, datname = current_database() AS here, usesysid, usename, started, elapsed, result, stage, source, sources, records_read, records_estimated, identifiers, identities, identities_emitted, bytes_spilled, workers, share_done
  FROM identity_progress WHERE pid = pg_backend_pid();
RESET ROLE;
GRANT pg_read_all_stats TO regress_watcher;
SET LOCAL ROLE regress_watcher;
SELECT usename = session_user AS usename, result, stage, records_read FROM identity_progress WHERE pid = pg_backend_pid();
COMMIT;
\pset expanded off

-- The stages, told as they end: off by default, and anybody's to switch on.
SELECT setting, context, boot_val FROM pg_settings WHERE name = 'identity_resolve.log_stages';

SET client_min_messages = warning;
DROP SCHEMA progress CASCADE;
DROP ROLE regress_watcher;
