-- In which order a source gives its rows, and which process reads them: a refresh finds the same.
SET client_min_messages = warning;
-- Which process reads is told here, so PostgreSQL does not choose another one for the sake of a test, nor reads tables as small
-- as these side by side.
SELECT count(set_config(name, 'off', false)) AS settings FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET min_parallel_table_scan_size = '8MB';
SET min_parallel_index_scan_size = '512kB';
CREATE SCHEMA rows;
CREATE TABLE rows.app (id int PRIMARY KEY, email text, place int);
CREATE TABLE rows.desk (id int, email text);
CREATE TABLE rows.shop (id int PRIMARY KEY, email text);
INSERT INTO rows.app SELECT n, 'e' || n || '@x.com', n FROM generate_series(1, 20000) AS n;
INSERT INTO rows.desk SELECT n, k || n || '@x.com' FROM generate_series(1, 3000) AS n CROSS JOIN unnest('{e,f}'::text[]) AS k;
INSERT INTO rows.shop SELECT n, 'E' || n * 2 || '@x.com' FROM generate_series(1, 5000) AS n;
CREATE VIEW rows.in_order AS SELECT id, email FROM rows.app ORDER BY place;
SELECT create_identity_map('rows.people', identity_source('app', 'SELECT id, email FROM rows.in_order', on_loss => 'allow'), identity_source('desk', 'SELECT id, email FROM rows.desk'),
  identity_source('shop', 'SELECT id, email FROM rows.shop'), identity_column('app_id', 'int[]'), identity_column('desk_id', 'int[]'), identity_column('shop_id', 'int[]'));
CREATE PROCEDURE rows.look(OUT changed bigint, OUT identities bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL refresh_identity_map('rows.people');
  SELECT (c.last_changes -> 'changed')::bigint INTO changed FROM identity_maps AS c;
  SELECT count(*) INTO identities FROM rows.people;
  SELECT count(*) INTO differ FROM (
    (SELECT app_id, desk_id, shop_id FROM rows.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[], shop_id int[]))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[], shop_id int[]) EXCEPT ALL SELECT app_id, desk_id, shop_id FROM rows.people)) AS d;
END $$;
CALL refresh_identity_map('rows.people');
RESET client_min_messages;
SET identity_resolve.max_workers = 0;

-- As the last time; rows gone here and there; a page of them, more than are looked through.
CALL rows.look(NULL, NULL, NULL);
DELETE FROM rows.app WHERE id % 100 = 7;
CALL rows.look(NULL, NULL, NULL);
DELETE FROM rows.app WHERE id BETWEEN 5000 AND 5200;
CALL rows.look(NULL, NULL, NULL);
-- Some come back, at the end and where they were; others change, in their places and at the end.
INSERT INTO rows.app SELECT n, 'e' || n || '@x.com', n + 100000 FROM generate_series(5000, 5100) AS n;
INSERT INTO rows.app SELECT n, 'e' || n || '@x.com', n FROM generate_series(5101, 5150) AS n;
UPDATE rows.app SET email = 'f' || id || '@x.com' WHERE id % 100 = 8;
UPDATE rows.app SET email = 'f' || id || '@x.com', place = place + 100000 WHERE id % 100 = 9;
CALL rows.look(NULL, NULL, NULL);
-- The same rows from the middle on; backwards; in no order: then all that is known is looked up by its value.
UPDATE rows.app SET place = (place + 10000) % 20000 WHERE place < 20000;
CALL rows.look(NULL, NULL, NULL);
UPDATE rows.app SET place = -place;
CALL rows.look(NULL, NULL, NULL);
UPDATE rows.app SET place = (id::bigint * 7919) % 20011;
CALL rows.look(NULL, NULL, NULL);
UPDATE rows.app SET place = id, email = CASE WHEN id % 1000 < 3 THEN 'g' || id || '@x.com' ELSE email END;
CALL rows.look(NULL, NULL, NULL);
-- Rows that are the same more than once: all but one of them go, then the last one; they come again.
INSERT INTO rows.desk SELECT n, 'e' || n || '@x.com' FROM generate_series(1, 100) AS n CROSS JOIN generate_series(1, 3);
CALL rows.look(NULL, NULL, NULL);
DELETE FROM rows.desk WHERE ctid <> (SELECT min(d.ctid) FROM rows.desk AS d WHERE d.id = desk.id AND d.email = desk.email) AND id <= 100;
CALL rows.look(NULL, NULL, NULL);
DELETE FROM rows.desk WHERE id <= 50;
CALL rows.look(NULL, NULL, NULL);
INSERT INTO rows.desk SELECT n, 'e' || n || '@x.com' FROM generate_series(1, 60) AS n CROSS JOIN generate_series(1, 2);
CALL rows.look(NULL, NULL, NULL);
-- All of a source goes, and comes again.
CREATE TABLE rows.kept AS TABLE rows.app;
TRUNCATE rows.app;
CALL rows.look(NULL, NULL, NULL);
INSERT INTO rows.app SELECT * FROM rows.kept;
CALL rows.look(NULL, NULL, NULL);

-- Read side by side. The first source waits, whoever has taken it, so that others read the rest meanwhile.
SET client_min_messages = warning;
SELECT drop_identity_map('rows.people');
CREATE FUNCTION rows.reader(wait float) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE COST 100000 AS $$
BEGIN
  PERFORM pg_sleep(wait);
  RETURN pg_backend_pid();
END $$;
CREATE VIEW rows.app_read AS SELECT id, email, rows.reader(CASE WHEN id = 1 THEN 0.5 ELSE 0 END) AS reader FROM rows.app WHERE id <= 20;
CREATE VIEW rows.desk_read AS SELECT id, email, rows.reader(0) AS reader FROM rows.desk WHERE id <= 10;
CREATE VIEW rows.shop_read AS SELECT id, email, rows.reader(0) AS reader FROM rows.shop WHERE id <= 10;
SELECT create_identity_map('rows.people', identity_source('app', 'SELECT id, email, reader FROM rows.app_read'), identity_source('desk', 'SELECT id, email, reader FROM rows.desk_read'),
  identity_source('shop', 'SELECT id, email, reader FROM rows.shop_read'), identity_rule('reader', link => false), identity_column('app_id', 'int[]'), identity_column('desk_id', 'int[]'),
  identity_column('shop_id', 'int[]'), identity_column('reader', 'text[]'));
CALL refresh_identity_map('rows.people');
SET parallel_setup_cost = 0;
SET identity_resolve.max_workers = 2;
RESET client_min_messages;
CALL refresh_identity_map('rows.people');
SELECT count(*) > 1 AS several, bool_or(r = pg_backend_pid()::text) AS and_we FROM (SELECT DISTINCT unnest(reader) AS r FROM rows.people) AS readers;
-- None where the user wants none, and of what is not for workers.
SET identity_resolve.max_workers = 0;
CALL refresh_identity_map('rows.people');
SELECT DISTINCT r = pg_backend_pid()::text AS only_we FROM (SELECT unnest(reader) AS r FROM rows.people) AS readers;
SET identity_resolve.max_workers = 2;
ALTER FUNCTION rows.reader(float) PARALLEL RESTRICTED;
CALL refresh_identity_map('rows.people');
SELECT DISTINCT r = pg_backend_pid()::text AS only_we FROM (SELECT unnest(reader) AS r FROM rows.people) AS readers;
ALTER FUNCTION rows.reader(float) PARALLEL SAFE;
CREATE TEMP TABLE own_rows AS SELECT n AS id, 'e' || n || '@x.com' AS email FROM generate_series(1, 20) AS n;
CREATE TEMP VIEW own AS SELECT id, email, rows.reader(0) AS reader FROM own_rows;
SET client_min_messages = warning;
SELECT alter_identity_map('rows.people', identity_source('shop', 'SELECT id, email, reader FROM pg_temp.own'));
SELECT alter_identity_map('rows.people', identity_source('desk', 'SELECT id, email, reader FROM pg_temp.own WHERE id < 5'));
CALL refresh_identity_map('rows.people');
RESET client_min_messages;
CALL refresh_identity_map('rows.people');
SELECT DISTINCT r = pg_backend_pid()::text AS only_we FROM (SELECT unnest(reader) AS r FROM rows.people) AS readers;
-- An error is told whoever meets it; the map stays as it was.
SET client_min_messages = warning;
SELECT alter_identity_map('rows.people', identity_source('shop', 'SELECT id, email, reader FROM rows.shop_read'));
SELECT alter_identity_map('rows.people', identity_source('desk', 'SELECT id, email, reader FROM rows.desk_read'));
CALL refresh_identity_map('rows.people');
RESET client_min_messages;
CREATE OR REPLACE VIEW rows.shop_read AS SELECT id, email, rows.reader(0) AS reader FROM rows.shop WHERE 1 / (id - 5) < 7;
\set VERBOSITY terse
CALL refresh_identity_map('rows.people');
\set VERBOSITY default
CREATE OR REPLACE VIEW rows.shop_read AS SELECT id, email, rows.reader(0) AS reader FROM rows.shop WHERE id <= 12;
CALL refresh_identity_map('rows.people');
SELECT count(*) FROM rows.people WHERE shop_id && '{11,12}';
-- By hand nothing can be read ahead, nor by a query of a source that there is not.
SELECT identity_internal.identity_map_scan_ahead(identity_internal.identity_map_scan_clauses(c), '{1,2}', '{1,2}', 'public', '{x,x}', '{x,x}', c.map_id) FROM identity_internal.identity_map_catalog AS c;
CREATE FUNCTION rows.meddle(wait float) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
BEGIN
  PERFORM identity_internal.identity_map_scan_ahead(identity_internal.identity_map_scan_clauses(c), '{7,9}', '{1,2}', 'public', '{x,x}', '{x,x}', c.map_id) FROM identity_internal.identity_map_catalog AS c;
  RETURN 'x';
END $$;
CREATE OR REPLACE VIEW rows.desk_read AS SELECT id, email, rows.meddle(0) AS reader FROM rows.desk WHERE id <= 10;
\set VERBOSITY terse
CALL refresh_identity_map('rows.people');
CREATE OR REPLACE FUNCTION rows.meddle(wait float) RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
BEGIN
  PERFORM identity_internal.identity_map_scan_ahead(identity_internal.identity_map_scan_clauses(c), '{1,2}', '{1}', 'public', '{x,x}', '{x,x}', c.map_id) FROM identity_internal.identity_map_catalog AS c;
  RETURN 'x';
END $$;
CALL refresh_identity_map('rows.people');
\set VERBOSITY default
CREATE OR REPLACE VIEW rows.desk_read AS SELECT id, email, rows.reader(0) AS reader FROM rows.desk WHERE id <= 10;
-- What was forgotten stays away, by whomever it is read.
SELECT forget('rows.people', 'shop', '11');
UPDATE rows.shop SET email = 'again@x.com' WHERE id = 11;
CALL refresh_identity_map('rows.people');
SELECT count(*) FROM rows.people WHERE shop_id && '{11,12}';
SELECT remember('rows.people', 'shop', '11');
-- Many rows of a worker, and an earlier change of the same transaction.
ALTER FUNCTION rows.reader(float) COST 1;
CREATE OR REPLACE VIEW rows.desk_read AS SELECT id, email, NULL::text AS reader FROM rows.desk;
CREATE OR REPLACE VIEW rows.shop_read AS SELECT id, email, NULL::text AS reader FROM rows.shop;
SET maintenance_work_mem = '1MB';  -- what is found goes to files
BEGIN;
UPDATE rows.desk SET email = 'last@x.com' WHERE id = 77;
CALL refresh_identity_map('rows.people');
DELETE FROM rows.desk WHERE id = 78;
CALL refresh_identity_map('rows.people');
COMMIT;
SELECT count(*), count(*) FILTER (WHERE 77 = ANY (desk_id)) AS changed, count(*) FILTER (WHERE 78 = ANY (desk_id)) AS gone FROM rows.people;
CALL refresh_identity_map('rows.people', full => true);
SELECT count(*) AS differ FROM (
  (SELECT app_id, desk_id, shop_id FROM rows.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[], shop_id int[]))
  UNION ALL
  (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[], shop_id int[]) EXCEPT ALL SELECT app_id, desk_id, shop_id FROM rows.people)) AS d;
RESET maintenance_work_mem;
-- What changed is resolved side by side, too: this process waits for one of two people, so that a worker takes the other.
SET client_min_messages = warning;
SELECT drop_identity_map('rows.people');
SELECT set_config('rows.leader', pg_backend_pid()::text, false) IS NOT NULL AS told;
CREATE FUNCTION rows.shows(value text) RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL SAFE AS $$
BEGIN
  IF value LIKE 'now%' AND pg_backend_pid() = current_setting('rows.leader')::int THEN
    PERFORM pg_sleep(1);
  ELSIF value LIKE 'now%' THEN
    RAISE NOTICE 'shown by another process';
  END IF;
  RETURN value NOT LIKE '%bad%';
END $$;
UPDATE rows.app SET email = 'both' || id || '@x.com' WHERE id IN (1, 2);
UPDATE rows.desk SET email = 'both' || id || '@x.com' WHERE id IN (1, 2);
CREATE DOMAIN rows.shown AS text CHECK (rows.shows(VALUE));
SELECT create_identity_map('rows.people', identity_source('app', 'SELECT id, email FROM rows.app WHERE id <= 100'), identity_source('desk', 'SELECT id, email FROM rows.desk'),
  identity_column('app_id', 'int[]'), identity_column('desk_id', 'int[]'), identity_column('email', 'rows.shown[]'));
CALL refresh_identity_map('rows.people');
CREATE TABLE rows.before AS SELECT identity_id, app_id FROM rows.people;
UPDATE rows.app SET email = 'now' || id || '@x.com' WHERE id IN (1, 2);
RESET client_min_messages;
CALL refresh_identity_map('rows.people');
SELECT p.app_id, p.desk_id, p.email, b.identity_id IS NOT NULL AS kept FROM rows.people AS p LEFT JOIN rows.before AS b USING (identity_id) WHERE p.app_id && '{1,2}' OR p.desk_id && '{1,2}' ORDER BY 1, 2;
SELECT event, count(*) FROM identity_map_history('rows.people') GROUP BY event ORDER BY event;
-- People of one past are one part, and so are those whom an identifier connects: no worker is of use then.
UPDATE rows.app SET email = 'now@x.com' WHERE id IN (1, 2);
CALL refresh_identity_map('rows.people');
SELECT app_id, desk_id, email FROM rows.people WHERE app_id && '{1,2}' ORDER BY 1;
SELECT event, by_value, count(*) FROM identity_map_history('rows.people') WHERE event <> 'created' AND event <> 'split' GROUP BY event, by_value ORDER BY event;
-- An error of a worker leaves the map as it was.
UPDATE rows.app SET email = 'now' || id || '.bad@x.com' WHERE id IN (3, 4);
\set VERBOSITY terse
CALL refresh_identity_map('rows.people');
\set VERBOSITY default
SELECT app_id, email FROM rows.people WHERE app_id && '{3,4}' ORDER BY 1;
-- Nor does it matter how many there are.
UPDATE rows.app SET email = 'same' || id % 30 || '@x.com';
UPDATE rows.desk SET email = 'e' || id + 1 || '@x.com' WHERE id % 7 = 0;
DELETE FROM rows.desk WHERE id % 11 = 0;
CALL refresh_identity_map('rows.people');
SELECT (last_changes - 'records') FROM identity_maps;
SELECT count(*) AS differ FROM (
  (SELECT app_id, desk_id FROM rows.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[]))
  UNION ALL
  (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('rows.people')) AS (app_id int[], desk_id int[]) EXCEPT ALL SELECT app_id, desk_id FROM rows.people)) AS d;
SET client_min_messages = warning;
SELECT drop_identity_map('rows.people');
DROP SCHEMA rows CASCADE;
