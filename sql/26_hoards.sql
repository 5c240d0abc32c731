-- Records that hold more identifiers of one kind than honest data has: a warning for each source and kind counts them and names the worst.
-- Nothing is cut.
CREATE SCHEMA hoards;
SET search_path = hoards, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;

-- The tool's name in the place of the id: one record carries everybody's addresses, and is one person.
SELECT count(*) AS records, count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('identifies', $$SELECT 'web' AS id, 'p' || n || '@x.com' AS email FROM generate_series(1, 5001) n$$),
  identity_source('crm', $$SELECT n, 'p' || n || '@x.com' AS email FROM generate_series(1, 10) n$$));
-- The same in one row.
SELECT count(*) AS records FROM identity_records(
  identity_source('lists', $$SELECT 7 AS id, array_agg('p' || n || '@x.com') AS email FROM generate_series(1, 1001) n$$));

-- A company with 200 addresses is no such record, nor one with 1,000; nor one of whom many rows tell the same; nor where the kind does not link.
SELECT count(*) AS records FROM identity_records(
  identity_source('crm', $$SELECT 'acme' AS id, array_agg('p' || n || '@acme.com') AS email FROM generate_series(1, 200) n$$),
  identity_source('erp', $$SELECT 'acme' AS id, array_agg('q' || n || '@acme.com') AS email FROM generate_series(1, 1000) n$$),
  identity_source('identifies', $$SELECT 'u1' AS id, 'p' || n % 7 || '@x.com' AS email, 'u1' AS user_id FROM generate_series(1, 5000) n$$),
  identity_source('tags', $$SELECT 1 AS id, array_agg('t' || n) AS tag FROM generate_series(1, 5000) n$$), identity_rule('tag', link => false));

-- One warning for each source and kind. Of records that hold as many the one with the shortest id, then the least, is named, whatever the order of rows.
CREATE TABLE devices AS SELECT CASE n % 3 WHEN 0 THEN 'bot' WHEN 1 THEN 'test ' ELSE 'u' || n END AS id, 'd' || n AS device_id, 'a' || n % 3500 AS anonymous_id FROM generate_series(1, 6000) n;
CREATE FUNCTION people(orders text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('app', 'SELECT * FROM hoards.devices ' || orders), identity_source('old', $q$SELECT 'x' AS id, 'd' || n AS device_id FROM generate_series(7000, 8001) n$q$)) $$;
SELECT people('ORDER BY device_id');
\set VERBOSITY terse
SELECT people('ORDER BY md5(device_id)');
SET maintenance_work_mem = '1MB';
SELECT people('');
RESET maintenance_work_mem;
-- Workers count the same.
ALTER TABLE devices SET (parallel_workers = 3);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT people('');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- Every function that resolves tells of them; the report lists those with ten identifiers of a kind or more, by how many.
SELECT ARRAY[identity_source('app', 'TABLE hoards.devices'), identity_source('crm', $$SELECT 'acme' AS id, array_agg('p' || n || '@acme.com') AS email FROM generate_series(1, 12) n$$)] AS clauses \gset
SELECT count(*) FROM identity_links(VARIADIC :'clauses');
SELECT count(*) FROM resolve_identities(VARIADIC :'clauses') AS (app_id text);
SELECT * FROM identity_report(VARIADIC :'clauses') WHERE metric = 'records that hold most identifiers';

-- A rule says that any number is right, and the defaults of 0.1 told of none.
SELECT count(DISTINCT identity_id) FROM identity_records(VARIADIC :'clauses'::identity_clause[] || identity_rule('device_id', max_per_identity => 0) || identity_rule('anonymous_id', max_per_identity => 0));
SELECT count(DISTINCT identity_id) FROM identity_records(VARIADIC :'clauses'::identity_clause[] || identity_defaults('0.1'));
-- A limit is no such word.
SELECT count(DISTINCT identity_id) FROM identity_records(VARIADIC :'clauses'::identity_clause[] || identity_rule('device_id', max_per_identity => 5000) || identity_rule('anonymous_id', max_per_identity => 0));

SET client_min_messages = error;
DROP SCHEMA hoards CASCADE;
