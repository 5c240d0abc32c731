-- EXPLAIN: what will be resolved, how many rows are expected, what was read.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA explaining;
SET search_path = explaining, public;
RESET client_min_messages;
SET identity_resolve.max_workers = 0;  -- whatever the server's costs of parallel workers are

CREATE TABLE app AS SELECT n AS id, n AS user_id, format('p%s@x.com', n) AS email FROM generate_series(1, 4000) n;
CREATE TABLE shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 1000) n;
ANALYZE app, shop;
\set sources 'identity_source(''app'', ''SELECT id, user_id, email FROM explaining.app''), identity_source(''shop'', ''SELECT id, email FROM explaining.shop'')'

EXPLAIN (COSTS OFF) SELECT * FROM resolve_identities(:sources) AS (app_id int, email text);
EXPLAIN (COSTS OFF) SELECT * FROM resolve_identities(:sources, identity_output('combinations')) AS (app_id int, email text);
EXPLAIN (COSTS OFF) SELECT * FROM identity_records(:sources) WHERE source = 'app';
EXPLAIN (COSTS OFF) SELECT * FROM identity_links(:sources);
EXPLAIN (COSTS OFF) SELECT * FROM identity_evidence(:sources);
SET compute_query_id = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT email, app_id FROM resolve_identities(:sources) AS (app_id int, email text) WHERE app_id > 5;
RESET compute_query_id;
-- What was read, with ANALYZE.
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT plan_lines('SELECT * FROM resolve_identities(' || :'sources' || ') AS (app_id int, email text)', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF');
SELECT plan_lines('SELECT * FROM identity_records(' || :'sources' || ') WHERE false', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF');

-- The numbers, from EXPLAIN itself.
CREATE FUNCTION plan_of(statement text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement INTO plan;
  RETURN jsonb_path_query_first(plan, '$.**{0 to 8} ? (@."Node Type" == "Custom Scan" || @."Node Type" == "Function Scan")');
END $$;
CREATE FUNCTION rows_of(statement text) RETURNS float LANGUAGE sql AS $$ SELECT (plan_of(statement) ->> 'Plan Rows')::float $$;
CREATE FUNCTION clauses() RETURNS text LANGUAGE sql AS
$$ SELECT $c$identity_source('app', 'SELECT id, user_id, email FROM explaining.app'), identity_source('shop', 'SELECT id, email FROM explaining.shop')$c$ $$;
-- Each form's estimate lies about its formula (doc/progress.md).
SELECT form, rows_of(format(statement, clauses())) BETWEEN 0.95 * expected AND 1.05 * expected AS fair, expected
  FROM (VALUES
    (1, 'identities', 'SELECT * FROM resolve_identities(%s) AS (app_id int)', 4472),
    (2, 'combinations', 'SELECT * FROM resolve_identities(%s, identity_output(''combinations'')) AS (app_id int)', 4472),
    (3, 'records', 'SELECT * FROM identity_records(%s)', 5000),
    (4, 'links', 'SELECT * FROM identity_links(%s)', 9000),
    (5, 'evidence', 'SELECT * FROM identity_evidence(%s)', 14000)) AS f(n, form, statement, expected) ORDER BY n;
SELECT s ->> 'Source' AS source, (s ->> 'Plan Rows')::int AS rows FROM jsonb_array_elements(plan_of(format('SELECT * FROM identity_records(%s)', clauses())) -> 'Sources') s;
-- One source has as many identities as records; a filter of the source's own query counts, and so does its LIMIT.
SELECT rows_of($$SELECT * FROM resolve_identities(identity_source('a', 'SELECT id FROM explaining.app WHERE id <= 400')) AS (a_id int)$$) BETWEEN 300 AND 500 AS filtered,
       rows_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.app LIMIT 7'))$$) AS limited,
       rows_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.app WHERE false'))$$) AS none;
-- More to read costs more.
SELECT (plan_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.app'))$$) ->> 'Total Cost')::float
     > (plan_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.shop'))$$) ->> 'Total Cost')::float * 3 AS dearer;
-- WITH ORDINALITY is PostgreSQL's own scan, and knows the rows, too.
SELECT plan ->> 'Node Type' AS node, plan ->> 'Plan Rows' AS rows
  FROM plan_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.shop')) WITH ORDINALITY$$) plan;
-- A resolve of a resolve; and a view that reads itself, whose estimate ends.
SELECT rows_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT record_id FROM identity_records(identity_source(''b'', ''SELECT id FROM explaining.shop''))'))$$) AS nested;
CREATE VIEW itself AS SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.app'));
CREATE OR REPLACE VIEW itself AS SELECT * FROM identity_records(identity_source('a', 'SELECT record_id FROM explaining.itself'), identity_source('b', 'SELECT record_id FROM explaining.itself'));
SELECT rows_of('SELECT * FROM explaining.itself') > 0 AS ends;

-- Clauses that are known when the statement is planned: an array, a stable expression, a parameter's value.
SELECT rows_of($$SELECT * FROM identity_records(VARIADIC ARRAY[identity_source('a', 'SELECT id FROM explaining.shop')])$$) AS array,
       rows_of($$SELECT * FROM identity_records(identity_source('a', format('SELECT id FROM %I.shop', 'explaining')))$$) AS stable;
PREPARE counted(text) AS SELECT * FROM identity_records(identity_source('a', $1));
SELECT rows_of($$EXECUTE counted('SELECT id FROM explaining.shop')$$) AS shop, rows_of($$EXECUTE counted('SELECT id FROM explaining.app')$$) AS app;
-- ... and that are not: the functions' own ROWS stand.
SELECT rows_of($$SELECT * FROM identity_records(VARIADIC (SELECT ARRAY[identity_source('a', 'SELECT id FROM explaining.shop')]))$$) AS query,
       rows_of($$SELECT r.* FROM explaining.shop, identity_records(identity_source('a', 'SELECT ' || shop.id)) r$$) AS lateral;

-- What cannot be planned is explained with ROWS, and executing it raises the same error as ever.
CREATE FUNCTION try(query text) RETURNS TABLE (rows float, error text) LANGUAGE plpgsql AS $$
DECLARE statement text := format('SELECT count(*) FROM identity_records(identity_source(''a'', %L))', query);
BEGIN
  rows := rows_of(statement);
  BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN error := format('%s %s', SQLSTATE, SQLERRM); END;
  RETURN NEXT;
END $$;
CREATE FUNCTION warns(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'said once'; RETURN n; END $$;
CREATE FUNCTION writes(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN EXECUTE 'INSERT INTO explaining.shop VALUES (0)'; RETURN n; END $$;
CREATE FUNCTION executed() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE NOTICE 'executed'; RETURN 1; END $$;
SELECT query, t.* FROM (VALUES (1, 'SELECT'), (2, 'SELECT nothing'), (3, 'SELECT FROM'), (4, 'SELECT id FROM nowhere'), (5, ''), (6, 'SELECT 1; SELECT 2'),
  (7, 'DELETE FROM explaining.shop'), (8, 'SELECT 1 / 0'), (9, 'SELECT id FROM explaining.shop FOR UPDATE'), (10, 'SELECT explaining.writes(1)')) AS q(n, query), LATERAL try(query) t ORDER BY n;
SELECT rows_of($$SELECT * FROM identity_records(identity_rule('x'))$$) AS no_source, rows_of('SELECT * FROM identity_records(VARIADIC NULL::identity_clause[])') AS null;
-- A warning is given once, by the execution; a volatile function is not executed.
SELECT rows_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT explaining.warns(1)'))$$);
SELECT count(*) FROM identity_records(identity_source('a', 'SELECT explaining.warns(1)'));
SELECT rows_of($$SELECT * FROM identity_records(identity_source('a', 'SELECT explaining.executed()'))$$);
SELECT count(*) FROM shop;
SHOW client_min_messages;
SHOW transaction_read_only;

-- Rights: who may not read a table learns nothing of its size, and gets the error on executing.
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA explaining TO regress_reader;
CREATE VIEW shops AS SELECT id FROM shop;
GRANT SELECT ON shops TO regress_reader;
SET ROLE regress_reader;
EXPLAIN SELECT * FROM identity_records(identity_source('a', 'SELECT id FROM explaining.app'));
SELECT * FROM try('SELECT id FROM explaining.app');
SELECT * FROM try('SELECT id FROM explaining.shops');
SELECT * FROM try('SELECT count(*) FROM explaining.app');
RESET ROLE;
-- The right to one column: it can be read, rows can be counted, and whole rows cannot.
CREATE VIEW everything AS SELECT * FROM app;
ALTER VIEW everything OWNER TO regress_reader;
GRANT SELECT (id) ON app TO regress_reader;
CREATE FUNCTION tries() RETURNS TABLE (query text, planned boolean, error text) LANGUAGE sql AS $$
  SELECT q.query, t.rows <> 10000, t.error FROM (VALUES (1, 'SELECT id FROM explaining.app'), (2, 'SELECT id, email FROM explaining.app'),
    (3, 'SELECT n FROM generate_series(1, 5) n, (SELECT count(*) FROM explaining.app) a'), (4, 'SELECT id, a::text AS email FROM explaining.app a'),
    (5, 'SELECT id FROM explaining.everything'), (6, 'SELECT id FROM explaining.app FOR UPDATE')) AS q(n, query), LATERAL try(query) t ORDER BY n $$;
GRANT SELECT ON everything TO regress_reader;
SET ROLE regress_reader;
SELECT * FROM tries();
RESET ROLE;
GRANT SELECT (user_id, email) ON app TO regress_reader;
SET ROLE regress_reader;
SELECT * FROM tries();
RESET ROLE;
-- The statement that a plan belongs to may be anything; and a cancel is no fault of the query.
EXPLAIN (COSTS OFF) CREATE TABLE people AS SELECT * FROM resolve_identities(:sources) AS (app_id int, email text);
CREATE FUNCTION sleeps() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$;
SET statement_timeout = 50;
EXPLAIN SELECT * FROM identity_records(identity_source('a', 'SELECT explaining.sleeps()'));
RESET statement_timeout;
SELECT count(*) FROM identity_records(:sources);

SET client_min_messages = warning;
DROP SCHEMA explaining CASCADE;
DROP ROLE regress_reader;
