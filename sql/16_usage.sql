-- Everywhere a query may stand: tables, views, CTEs, prepared statements, PL/pgSQL, cursors.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA usage;
SET search_path = usage, public;
RESET client_min_messages;

CREATE TABLE app (id int, email text);
CREATE TABLE shop (id text, email text);
INSERT INTO app VALUES (1, 'ann@x.com'), (2, 'bob@x.com'), (3, NULL);
INSERT INTO shop VALUES ('s1', 'Ann@x.com'), ('s2', 'carl@x.com');

-- The list of clauses, stored once and passed as an array.
CREATE TABLE jobs (name text PRIMARY KEY, clauses identity_clause[]);
INSERT INTO jobs VALUES ('people', ARRAY[
  identity_source('app', 'SELECT id, id AS user_id, email FROM usage.app'),
  identity_source('shop', 'SELECT id, email FROM usage.shop')]);
SELECT app_id, email, shop_id
  FROM resolve_identities(VARIADIC (SELECT clauses FROM jobs WHERE name = 'people')) AS (app_id int, email text, shop_id text) ORDER BY app_id, shop_id;
\set clauses 'identity_source(''app'', ''SELECT id, id AS user_id, email FROM usage.app''), identity_source(''shop'', ''SELECT id, email FROM usage.shop'')'

-- CREATE TABLE AS; INSERT … SELECT.
CREATE TABLE people AS SELECT * FROM resolve_identities(:clauses) AS (identity_id uuid, app_id int, email text, shop_id text);
SELECT app_id, email, shop_id FROM people ORDER BY 1, 3;
INSERT INTO people (app_id, email) SELECT * FROM resolve_identities(:clauses) AS (app_id int, email text);
SELECT count(*) FROM people;
TRUNCATE people;
WITH gone AS (DELETE FROM people)
INSERT INTO people SELECT * FROM resolve_identities(:clauses) AS (identity_id uuid, app_id int, email text, shop_id text);
ALTER TABLE people ADD UNIQUE (identity_id);

-- A view sees the rows of now, and its definition keeps the clauses.
CREATE VIEW people_now AS SELECT * FROM resolve_identities(:clauses) AS (identity_id uuid, app_id int, email text, shop_id text);
CREATE VIEW records_now AS SELECT * FROM identity_records(:clauses);
SELECT replace(pg_get_viewdef('people_now'), 'resolve_identities.', '') AS definition;
SELECT count(*) FROM people_now;
INSERT INTO shop VALUES ('s3', 'bob@x.com');
SELECT app_id, email, shop_id FROM people_now ORDER BY 1, 3;
SELECT count(*), count(DISTINCT identity_id) FROM records_now;
SELECT email FROM people_now WHERE app_id = 2;

-- A materialised view, refreshed under its readers.
CREATE MATERIALIZED VIEW people_kept AS SELECT * FROM resolve_identities(:clauses) AS (identity_id uuid, app_id int, email text, shop_id text);
CREATE UNIQUE INDEX ON people_kept (identity_id);
INSERT INTO shop VALUES ('s4', 'dora@x.com');
SELECT count(*) FROM people_kept;
REFRESH MATERIALIZED VIEW CONCURRENTLY people_kept;
SELECT count(*) FROM people_kept;
REFRESH MATERIALIZED VIEW people_kept;
SELECT app_id, email, shop_id FROM people_kept ORDER BY 1, 3;

-- A CTE, used twice; a subquery; UNION; joins with tables and with itself.
WITH p AS MATERIALIZED (SELECT * FROM resolve_identities(:clauses) AS (app_id int, email text))
SELECT a.app_id, b.email FROM p a JOIN p b USING (app_id) ORDER BY 1;
SELECT (SELECT count(*) FROM identity_records(:clauses)) AS records, EXISTS (SELECT FROM identity_records(:clauses) WHERE source = 'shop') AS shop;
SELECT app.id, p.shop_id FROM app LEFT JOIN resolve_identities(:clauses) AS p(app_id int, shop_id text) ON p.app_id = app.id ORDER BY 1;
SELECT count(*) FROM resolve_identities(:clauses) AS a(identity_id uuid) JOIN identity_records(:clauses) b USING (identity_id);
SELECT record_id FROM identity_records(:clauses) UNION SELECT app_id::text FROM resolve_identities(:clauses) AS (app_id int) ORDER BY 1;
SELECT app.id, r.* FROM app, LATERAL (SELECT count(*) FROM identity_records(identity_source('one', format('SELECT id FROM usage.app WHERE id <= %s', app.id)))) r ORDER BY 1;
SELECT name, r.* FROM jobs, resolve_identities(VARIADIC clauses) AS r(record_count int, email text) ORDER BY email;
-- In the target list, one row each.
SELECT (identity_records(:clauses)).source AS source ORDER BY 1;
SELECT count(*) FROM (SELECT identity_records(:clauses)) r;
-- WITH ORDINALITY and ROWS FROM.
SELECT max(n) FROM identity_records(:clauses) WITH ORDINALITY AS r(identity_id, source, record_id, n);
SELECT count(*), count(email), count(record_id) FROM ROWS FROM (resolve_identities(:clauses) AS (email text), identity_records(:clauses));

-- Prepared statements, with the values of a call, planned each time and once for all.
PREPARE people_of(text) AS
  SELECT count(*) FROM resolve_identities(identity_source('app', 'SELECT id, email FROM usage.app'), identity_source($1, 'SELECT id, email FROM usage.shop')) AS (record_count int);
EXECUTE people_of('shop'); EXECUTE people_of('other');
SET plan_cache_mode = force_generic_plan;
EXECUTE people_of('shop'); EXECUTE people_of('other');
EXECUTE people_of('shop'); EXECUTE people_of('other');
EXECUTE people_of('shop'); EXECUTE people_of('other');
EXECUTE people_of('shop'); EXECUTE people_of('shop');
RESET plan_cache_mode;
PREPARE by_row(identity_clause[]) AS SELECT count(*) FROM identity_records(VARIADIC $1);
EXECUTE by_row((ARRAY[identity_source('app', 'SELECT id FROM usage.app')]));

-- A plan outlives the extension's being dropped and made again.
PREPARE kept AS SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email FROM usage.app'));
EXECUTE kept;
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION identity_resolve CASCADE;
\set VERBOSITY terse
EXECUTE kept;
\set VERBOSITY default
ROLLBACK;
EXECUTE kept;

-- PL/pgSQL: loops, EXECUTE, RETURN QUERY, and a failed call caught.
CREATE FUNCTION walk() RETURNS TABLE(step text, n bigint) LANGUAGE plpgsql AS $$
DECLARE
  job identity_clause[];
  r record;
BEGIN
  SELECT clauses INTO job FROM jobs;
  n := 0;
  FOR r IN SELECT * FROM resolve_identities(VARIADIC job) AS (app_id int, record_count int) LOOP
    n := n + r.record_count;
  END LOOP;
  step := 'loop'; RETURN NEXT;
  EXECUTE 'SELECT count(*) FROM identity_records(VARIADIC $1)' INTO n USING job;
  step := 'execute'; RETURN NEXT;
  RETURN QUERY SELECT 'query'::text, count(*) FROM resolve_identities(VARIADIC job) AS (identity_id uuid);
  FOR i IN 1..3 LOOP
    BEGIN
      PERFORM FROM identity_records(identity_source('bad', 'SELECT 1 / (3 - id) FROM usage.app'));
    EXCEPTION WHEN division_by_zero THEN
      step := 'caught'; n := i; RETURN NEXT;
    END;
  END LOOP;
  SELECT count(*) INTO n FROM identity_records(VARIADIC job);
  step := 'afterwards'; RETURN NEXT;
  FOR r IN SELECT * FROM identity_records(VARIADIC job) LOOP EXIT; END LOOP;
END $$;
SELECT * FROM walk();
SELECT * FROM walk();

-- A cursor that is left half read; one that goes back; one that outlives its transaction.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM identity_records(:clauses);
FETCH 1 FROM c \g /dev/null
SAVEPOINT forward;
FETCH BACKWARD 1 FROM c;
ROLLBACK TO forward;
CLOSE c;
DECLARE d SCROLL CURSOR FOR SELECT source FROM identity_records(:clauses) ORDER BY source;
MOVE 4 FROM d;
FETCH BACKWARD 1 FROM d;
DECLARE e CURSOR WITH HOLD FOR SELECT source FROM identity_records(:clauses) ORDER BY source DESC;
DECLARE f CURSOR FOR SELECT * FROM resolve_identities(:clauses) AS (app_id int);
FETCH 1 FROM f \g /dev/null
COMMIT;
FETCH 2 FROM e;
CLOSE e;

-- Two cursors read in turn see what was there when they were opened; each goes back to its start as often as one likes.
BEGIN;
DECLARE g SCROLL CURSOR FOR SELECT record_id FROM identity_records(:clauses) WHERE source = 'app';
DECLARE h SCROLL CURSOR FOR SELECT app_id FROM resolve_identities(:clauses) AS (app_id int) WHERE app_id IS NOT NULL;
FETCH 1 FROM g;
INSERT INTO app VALUES (4, 'late@x.com');
FETCH ALL FROM h;
FETCH ALL FROM g;
MOVE ABSOLUTE 0 IN g;
FETCH 2 FROM g;
FETCH BACKWARD ALL FROM h;
FETCH LAST FROM g;
ROLLBACK;
-- A cursor goes on after a savepoint that was rolled back, and after one that was released.
BEGIN;
DECLARE c CURSOR FOR SELECT source, record_id FROM identity_records(:clauses) WHERE source = 'app';
FETCH 1 FROM c;
SAVEPOINT s;
SELECT * FROM identity_records(identity_source('bad', 'SELECT 1/0'));
ROLLBACK TO s;
FETCH 1 FROM c;
SAVEPOINT s;
DECLARE d CURSOR FOR SELECT app_id FROM resolve_identities(:clauses) AS (app_id int) WHERE app_id IS NOT NULL;
FETCH 1 FROM d;
RELEASE s;
FETCH ALL FROM c;
FETCH ALL FROM d;
COMMIT;
-- A loop that commits as it goes.
CREATE PROCEDURE commits(job identity_clause[]) LANGUAGE plpgsql AS $$
DECLARE
  r record;
  n int := 0;
BEGIN
  FOR r IN SELECT * FROM identity_records(VARIADIC job) LOOP
    n := n + 1;
    COMMIT;
  END LOOP;
  RAISE NOTICE '% records', n;
END $$;
DO $$ DECLARE job identity_clause[]; BEGIN SELECT clauses INTO job FROM jobs; CALL commits(job); END $$;
-- Again and again on the inner side of a join, with and without something of the outer side in it.
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
SELECT app.id, count(r.record_id) FROM app LEFT JOIN identity_records(:clauses) r ON r.record_id = app.id::text OR r.source = 'shop' GROUP BY 1 ORDER BY 1;
SELECT app.id, (SELECT count(*) FROM resolve_identities(:clauses) AS (app_id int) WHERE app_id <= app.id) FROM app ORDER BY 1;
SELECT app.id, p.email FROM app, LATERAL resolve_identities(identity_source('app', 'SELECT id, email FROM usage.app WHERE id = ' || app.id)) AS p(email text) ORDER BY 1;
SELECT app.id, p.record_id FROM app LEFT JOIN LATERAL (SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM usage.app WHERE id < ' || app.id)) LIMIT 1) p ON true ORDER BY 1;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material;
-- A subquery whose filter alone depends on the row outside is resolved once; one whose clauses do, once for each value.
CREATE FUNCTION reads(id int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'reads %', id; RETURN id; END $$;
SELECT n, (SELECT count(*) FROM identity_records(identity_source('a', 'SELECT usage.reads(2)')) WHERE record_id = n::text) FROM generate_series(1, 3) n;
SELECT n, (SELECT count(*) FROM identity_records(identity_source('a', 'SELECT usage.reads(' || n / 2 || ')')) WHERE record_id = n::text) FROM generate_series(1, 3) n;
SELECT n, (SELECT count(*) FROM identity_records(VARIADIC (SELECT ARRAY[identity_source('a', 'SELECT usage.reads(' || n || ')')])) WHERE record_id = n::text) FROM generate_series(1, 3) n;
SELECT count(*) FROM app, identity_records(:clauses) r, resolve_identities(:clauses) AS m(identity_id uuid, app_id int) WHERE r.identity_id = m.identity_id AND m.app_id = app.id;
-- Rows of a table locked and changed beside it.
BEGIN;
SELECT app.id, p.shop_id FROM app JOIN resolve_identities(:clauses) AS p(app_id int, shop_id text) ON p.app_id = app.id ORDER BY 1 FOR UPDATE OF app;
UPDATE app SET email = p.email FROM resolve_identities(:clauses) AS p(app_id int, email text) WHERE p.app_id = app.id AND app.email IS NOT NULL;
DELETE FROM shop USING identity_records(:clauses) r WHERE r.source = 'shop' AND r.record_id = shop.id;
ROLLBACK;
-- Inlined into a query, in a function, as a set of rows, as a whole row, and with no column wanted.
CREATE FUNCTION emails() RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT email FROM resolve_identities(identity_source('app', 'SELECT id, email FROM usage.app')) AS (email text) WHERE email IS NOT NULL $$;
SELECT * FROM emails() ORDER BY 1;
SELECT r FROM resolve_identities(:clauses) AS r(app_id int, email text) ORDER BY app_id, email;
SELECT to_jsonb(r) FROM resolve_identities(:clauses) AS r(app_id int, email text) WHERE app_id = 1;
SELECT count(*) FROM (SELECT FROM identity_records(:clauses)) nothing;
SELECT source FROM identity_records(:clauses) WHERE identity_id IS NULL OR random() < 0;
SELECT count(*), count(tableoid) FROM (SELECT r.*, NULL::oid AS tableoid FROM identity_records(:clauses) r) t;
SELECT (SELECT r.source FROM identity_records(:clauses) r WHERE r.record_id = 's2') AS source FROM generate_series(1, 2);

-- A source which itself asks who is who.
SELECT people_id, email, shop_id FROM resolve_identities(
  identity_source('people', $$
    SELECT identity_id, email FROM resolve_identities(identity_source('app', 'SELECT id, email FROM usage.app')) AS (identity_id uuid, email text) WHERE email IS NOT NULL$$),
  identity_source('shop', 'SELECT id, email FROM usage.shop')) AS (people_id uuid, email text, shop_id text) ORDER BY email;

-- Subtransactions, read-only and serializable transactions.
BEGIN READ ONLY;
SELECT count(*) FROM identity_records(:clauses);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM identity_records(:clauses);
SAVEPOINT s;
INSERT INTO shop VALUES ('s5', 'gone@x.com');
SELECT count(*) FROM identity_records(:clauses);
ROLLBACK TO s;
SELECT count(*) FROM identity_records(:clauses);
COMMIT;

-- The statement's own snapshot: what it writes it does not read.
CREATE TABLE grows (id serial, email text);
INSERT INTO grows (email) VALUES ('a@x.com'), ('b@x.com');
INSERT INTO grows (email) SELECT email FROM resolve_identities(identity_source('grows', 'SELECT id, email FROM usage.grows')) AS (email text);
SELECT count(*) FROM grows;
WITH new AS (INSERT INTO grows (email) VALUES ('c@x.com') RETURNING id)
SELECT count(*) FROM new, identity_records(identity_source('grows', 'SELECT id, email FROM usage.grows'));

-- EXPLAIN knows it, and runs nothing without ANALYZE.
EXPLAIN (COSTS OFF) SELECT * FROM identity_records(identity_source('bad', 'SELECT 1/0'));
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT plan_lines('SELECT source FROM identity_records(' || :'clauses' || ') WHERE source = ''app''', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF');
-- A query with no row wanted, and one that stops early.
SELECT * FROM identity_records(:clauses) LIMIT 0;
SELECT count(*) FROM (SELECT * FROM resolve_identities(:clauses) AS (app_id int) LIMIT 1) l;

SET client_min_messages = warning;
DROP SCHEMA usage CASCADE;
