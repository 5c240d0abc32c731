-- Parallel workers and temporary files: the same people with any number of workers and any budget.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA many;

-- 20,000 people in three tools, with repeated ids, shared addresses, conflicts and a too common one.
CREATE TABLE many.app AS
SELECT lpad(to_hex(n * 2654435761 % 4294967296), 8, '0') AS id,
  CASE WHEN n % 500 = 0 THEN 'shared' || n % 7 || '@example.com'
       ELSE 'Person' || n || '@Example.com' END AS email,
  timestamptz '2026-01-01' + n * interval '1 second' AS updated_at
FROM generate_series(1, 20000) AS n;
CREATE TABLE many.tickets AS
SELECT n AS id,
  CASE WHEN n % 3 = 0 THEN lpad(to_hex(n * 2654435761 % 4294967296), 8, '0') END AS user_id,
  CASE WHEN n % 15 = 0 THEN 'info@example.com' ELSE 'person' || n || '@example.com' END AS email,
  repeat('x', n % 50) AS note
FROM generate_series(1, 20000) AS n;
-- An id that comes twice is one record.
CREATE TABLE many.leads AS
SELECT n / 2 AS id, 'person' || n || '@example.com ' AS email FROM generate_series(14000, 33000) AS n;
ANALYZE many.app, many.tickets, many.leads;

CREATE FUNCTION many.clauses() RETURNS identity_clause[] LANGUAGE sql AS $$
SELECT ARRAY[
  identity_source('app', 'SELECT id, id AS user_id, email, updated_at FROM many.app'),
  identity_source('tickets', 'SELECT id, user_id, email, note FROM many.tickets'),
  identity_source('leads', 'SELECT id, email FROM many.leads'),
  identity_rule('note', link => false), identity_rule('email', max_records => 1000)]
$$;

-- What every form of the result gives, in few bytes.
CREATE FUNCTION many.digest() RETURNS TABLE (form text, result_rows bigint, digest text)
LANGUAGE sql SET client_min_messages = error AS $$
SELECT 'records', count(*), md5(string_agg(r::text, ',' ORDER BY source, record_id))
FROM identity_records(VARIADIC many.clauses()) AS r
UNION ALL
SELECT 'identities', count(*), md5(string_agg(r::text, ',' ORDER BY r::text))
FROM resolve_identities(VARIADIC many.clauses()) AS r (identity_id uuid, app_id text, email text[],
  tickets_id int[], leads_id int, note text, record_count int, sources text[])
UNION ALL
SELECT 'combinations', count(*), md5(string_agg(r::text, ',' ORDER BY r::text))
FROM resolve_identities(VARIADIC many.clauses() || identity_output(rows => 'combinations'))
  AS r (app_id text, email text, tickets_id int, leads_id int)
UNION ALL
SELECT 'links', count(*), md5(string_agg(r::text, ',' ORDER BY r::text))
FROM identity_links(VARIADIC many.clauses()) AS r
$$;

-- Without workers, in memory: this is what it has to be.
SET identity_resolve.max_workers = 0;
CREATE TABLE many.expected AS SELECT * FROM many.digest();
SELECT form, result_rows FROM many.expected ORDER BY form;

-- How many workers there were, and whether anything went to temporary files, as EXPLAIN ANALYZE
-- tells it.
CREATE FUNCTION many.told(OUT workers bool, OUT spilled bool) LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  workers := false; spilled := false;
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) '
    'SELECT * FROM identity_records(VARIADIC many.clauses())'
  LOOP
    workers := workers OR line ~ 'Workers: [1-9]';
    spilled := spilled OR line ~ 'Spilled: [1-9]';
  END LOOP;
END $$;
SET client_min_messages = error;
SELECT * FROM many.told();

-- With workers: so small a table is read by some only if they cost nothing.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers = 8;
SET identity_resolve.max_workers = 2;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
SET identity_resolve.max_workers = 4;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
-- The leader only waits.
SET parallel_leader_participation = off;
SELECT * FROM many.told();
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
-- As many as max_parallel_maintenance_workers, if there are cores.
RESET identity_resolve.max_workers;
SET max_parallel_maintenance_workers = 0;
SELECT * FROM many.told();
SET max_parallel_maintenance_workers = 3;
SELECT * FROM many.told();
RESET parallel_leader_participation;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
-- No worker is to be had: the leader reads all of it.
SET max_parallel_workers = 0;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
RESET max_parallel_workers;

-- A budget that holds a small part: temporary files, with workers and without.
SET maintenance_work_mem = '1MB';
SET parallel_leader_participation = off;
SELECT * FROM many.told();
RESET parallel_leader_participation;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
SET identity_resolve.max_workers = 0;
SELECT * FROM many.told();
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
RESET identity_resolve.max_workers;

-- temp_file_limit holds, and the session goes on.
SET temp_file_limit = '1MB';
\set VERBOSITY sqlstate
SELECT count(*) FROM identity_records(VARIADIC many.clauses());
\set VERBOSITY default
RESET temp_file_limit;

-- What is explained is read by workers too, and leaves no file open, of which a warning would tell.
SET parallel_leader_participation = off;
SET client_min_messages = warning;
SELECT * FROM explain_identity('app', '9e3779b1', 'tickets', '1', VARIADIC many.clauses());
SET client_min_messages = error;
RESET parallel_leader_participation;

-- Nothing of it stays behind.
SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false);

-- An error in a worker is an error of the source. (Its context tells who had it, which may be anybody.)
\set SHOW_CONTEXT never
SELECT count(*) FROM identity_records(
  identity_source('app', 'SELECT id, 1 / (length(email) - 23) AS user_id FROM many.app'));
SELECT count(*) FROM identity_records(
  identity_source('app', 'SELECT nullif(id, ''00000000'') || nullif(id, id) FROM many.app'));
-- A cursor that is not read to its end, and one that outlives an error.
BEGIN;
DECLARE people CURSOR FOR SELECT record_id FROM identity_records(VARIADIC many.clauses());
MOVE 5 IN people;
SAVEPOINT here;
SELECT 1 / 0;
ROLLBACK TO here;
MOVE 40000 IN people;
CLOSE people;
DECLARE people CURSOR FOR SELECT record_id FROM identity_records(VARIADIC many.clauses());
MOVE 5 IN people;
COMMIT;
BEGIN;
DECLARE people CURSOR FOR SELECT record_id FROM identity_records(VARIADIC many.clauses());
MOVE 5 IN people;
ROLLBACK;
SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false);

-- Whoever may not execute the aggregate has no workers, and the same result.
CREATE ROLE many_reader;
GRANT USAGE ON SCHEMA many TO many_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA many TO many_reader;
REVOKE EXECUTE ON FUNCTION identity_internal.identity_sink(internal, bytea, VARIADIC "any") FROM PUBLIC;
SET ROLE many_reader;
SELECT * FROM many.told();
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
RESET ROLE;
GRANT EXECUTE ON FUNCTION identity_internal.identity_sink(internal, bytea, VARIADIC "any") TO PUBLIC;
SET ROLE many_reader;
SET parallel_leader_participation = off;
SELECT * FROM many.told();
RESET parallel_leader_participation;
-- The user's own rights hold in workers as elsewhere.
RESET ROLE;
REVOKE SELECT ON many.leads FROM many_reader;
ALTER TABLE many.tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON many.tickets TO many_reader USING (id % 100 = 0);
SET ROLE many_reader;
SELECT count(*) FROM identity_records(identity_source('leads', 'SELECT id, email FROM many.leads'));
SELECT count(*) FROM identity_records(
  identity_source('tickets', 'SELECT id, user_id, email FROM many.tickets'));
RESET ROLE;
DROP OWNED BY many_reader;
DROP ROLE many_reader;

-- Whatever plan there is for a source, each of its rows arrives: with one aggregate above a Gather, or below it, as
-- debug_parallel_query (force_parallel_mode before 16) makes it; with an aggregate for each partition; with a
-- query of which only a part may run in workers.
CREATE FUNCTION many.sees(query text) RETURNS TABLE (read bigint, digest text) LANGUAGE sql SET client_min_messages = error AS $$
SELECT count(*), md5(string_agg(r::text, ',' ORDER BY record_id)) FROM identity_records(identity_source('s', query)) AS r
$$;
CREATE TABLE many.parts (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE many.part_1 PARTITION OF many.parts FOR VALUES FROM (0) TO (9000);
CREATE TABLE many.part_2 PARTITION OF many.parts FOR VALUES FROM (9000) TO (18000);
CREATE TABLE many.part_3 PARTITION OF many.parts FOR VALUES FROM (18000) TO (40000);
INSERT INTO many.parts SELECT id, email FROM many.leads;
ANALYZE many.parts;
CREATE TABLE many.queries AS SELECT n, query FROM (VALUES
  (1, 'SELECT id, email FROM many.leads'), (2, 'SELECT id, email FROM many.parts'), (3, 'SELECT id, email FROM many.leads ORDER BY email LIMIT 7000'),
  (4, 'SELECT id, max(email) AS email FROM many.leads GROUP BY id'), (5, 'SELECT id, email FROM many.leads UNION ALL SELECT id, email FROM many.tickets'),
  (6, 'SELECT id, email FROM many.leads WHERE id IN (SELECT id FROM many.tickets)')) AS q(n, query);
CREATE TABLE many.seen AS SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s WITH NO DATA;
SET identity_resolve.max_workers = 0;
INSERT INTO many.seen SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s;
SELECT n, read FROM many.seen ORDER BY n;
SET identity_resolve.max_workers = 3;
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
SET enable_partitionwise_aggregate = on;
SET maintenance_work_mem = '1MB';
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
RESET maintenance_work_mem;
RESET enable_partitionwise_aggregate;
SELECT count(set_config(name, 'on', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
RESET min_parallel_table_scan_size;
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
SELECT count(set_config(name, 'regress', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
SELECT n, s.* FROM many.queries, LATERAL many.sees(query) AS s EXCEPT SELECT * FROM many.seen;
SELECT * FROM many.digest() EXCEPT SELECT * FROM many.expected;
SELECT count(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;

-- Rows that do not arrive are an error. Here what workers have read gets lost on its way.
BEGIN;
CREATE FUNCTION many.loses(bytea, internal) RETURNS internal AS '$libdir/identity_resolve', 'identity_sink_end' LANGUAGE c STRICT PARALLEL SAFE;
UPDATE pg_aggregate SET aggdeserialfn = 'many.loses' WHERE aggfnoid = 'identity_internal.identity_sink'::regproc;
SET LOCAL parallel_leader_participation = off;
SELECT * FROM many.sees('SELECT id, email FROM many.leads');
ROLLBACK;

-- The aggregate that workers run is of no use to anybody else.
\set VERBOSITY terse
SELECT identity_internal.identity_sink(id, '', email) FROM many.app;
