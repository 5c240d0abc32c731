-- A record id that is no id. "An id that comes twice is one record": so rows without an id must not become
-- one record that carries everybody's addresses.
\set VERBOSITY default
CREATE TABLE crm AS SELECT * FROM (VALUES (1, 'ann@x.com'), (2, 'bob@x.com')) AS v(id, email);

-- Ann and Bob are two people, whatever the shop writes where a customer has no account.
CREATE FUNCTION people(shop text) RETURNS TABLE (email text, record_count bigint, sources text[]) LANGUAGE sql AS $$
  SELECT email, record_count, sources FROM resolve_identities(
    identity_source('crm', 'SELECT id, email FROM crm'),
    identity_source('shop', shop)) AS (email text, record_count bigint, sources text[]) ORDER BY email
$$;
SELECT * FROM people($$SELECT * FROM (VALUES ('','ann@x.com'),('','bob@x.com')) v(customer_id, email)$$);
SELECT * FROM people($$SELECT * FROM (VALUES (' ','ann@x.com'),(E'\t\n','bob@x.com'),(U&'\00A0\3000','bob@x.com')) v(customer_id, email)$$);

-- A blank id is none also where it comes once, and so is one that a program writes where it has none, where it comes
-- on several rows.
SELECT * FROM people($$SELECT '' AS customer_id, 'ann@x.com' AS email$$);
\set VERBOSITY terse
DO $$
DECLARE
  id text;
  people bigint;
BEGIN
  FOREACH id IN ARRAY '{"null",anonymousId,(null),"\\N","{{user.id}}",undefined,"NULL",unknown,00000000-0000-0000-0000-000000000000,0,-1,[object Object],N/A,"undefined "}'::text[] LOOP
    SELECT count(*) INTO people FROM people(format($q$SELECT * FROM (VALUES (%1$L,'ann@x.com'),(%1$L,'bob@x.com')) v(customer_id, email)$q$, id));
    IF people <> 2 THEN
      RAISE EXCEPTION '"%" made % people of two', id, people;
    END IF;
  END LOOP;
END $$;

-- So with every word of the list; on one row each, they are so many records.
SELECT count(*) AS records FROM identity_records(identity_source('shop', 'SELECT value, n AS user_id FROM identity_blocked_values(), generate_series(1, 2) n WHERE NOT is_pattern'));
SELECT count(*) = (SELECT count(*) FROM identity_blocked_values() WHERE NOT is_pattern) AS as_many FROM identity_records(identity_source('shop', 'SELECT value FROM identity_blocked_values() WHERE NOT is_pattern'));
-- Segment's identifies, by the query of doc/seven-tools.md: a page that calls identify() before it has an anonymousId sends the name in its place. 5,000 users stay 5,000 people,
-- and the one device is told by them.
CREATE TABLE identifies AS SELECT CASE WHEN n = 7 THEN 'd7' ELSE 'anonymousId' END AS anonymous_id, 'u' || n AS user_id, 'p' || n || '@x.com' AS email FROM generate_series(1, 5000) n;
SELECT count(DISTINCT identity_id) AS people, count(*) AS records, count(*) FILTER (WHERE source = 'device') AS devices FROM identity_records(
  identity_source('segment', 'SELECT user_id, user_id, email FROM identifies'),
  identity_source('device', 'SELECT anonymous_id, anonymous_id, user_id, email FROM identifies WHERE anonymous_id IS NOT NULL'));

-- One that comes once is an ordinary record: Drupal's user 0, a dimension's "unknown".
SELECT * FROM people($$SELECT * FROM (VALUES ('0','ann@x.com'),('unknown','bob@x.com'),('null','cat@x.com')) v(customer_id, email)$$);
SELECT * FROM people($$SELECT * FROM (VALUES (0,'ann@x.com'),(1,'bob@x.com')) v(customer_id, email)$$);
-- With other blanks around it comes twice. In another source it is another record.
SELECT * FROM people($$SELECT * FROM (VALUES ('null','ann@x.com'),('null ','bob@x.com')) v(customer_id, email)$$);
SELECT source, record_id FROM identity_records(
  identity_source('a', $$SELECT 'null' AS id, 'ann@x.com' AS email$$),
  identity_source('b', $$SELECT 'null' AS id, 'bob@x.com' AS email$$)) ORDER BY 1;

-- NULL stays an error; and whoever is strict gets one for the others as well.
SELECT * FROM people($$SELECT NULL AS customer_id, 'ann@x.com' AS email$$);
\set VERBOSITY default
SELECT * FROM identity_records(identity_source('shop', $$SELECT * FROM (VALUES ('','ann@x.com'),('null','bob@x.com'),('null','bob@x.com')) v(customer_id, email)$$, bad_ids => 'error'));
SELECT * FROM identity_records(identity_source('shop', $$SELECT ' ' AS id, 'ann@x.com' AS email$$, bad_ids => 'error'));
SELECT count(*) FROM identity_records(identity_source('shop', $$SELECT 'null' AS id, 'ann@x.com' AS email$$, bad_ids => 'error'));
SELECT identity_source('shop', 'TABLE shop', bad_ids => 'leave_out'), identity_source('shop', 'TABLE shop', bad_ids => NULL);
SELECT identity_source('shop', 'TABLE shop', bad_ids => 'drop');

-- Every function leaves them out, and the report counts them.
\set VERBOSITY terse
SELECT ARRAY[identity_source('crm', 'SELECT id, email FROM crm'),
             identity_source('shop', $$SELECT * FROM (VALUES ('','ann@x.com'),('undefined','ann@x.com'),('undefined','bob@x.com'),('7','bob@x.com')) v(customer_id, email)$$)] AS clauses \gset
SELECT source, record_id FROM identity_records(VARIADIC :'clauses') ORDER BY 1, 2;
SELECT source, record_id, value, status FROM identity_links(VARIADIC :'clauses') ORDER BY 1, 2;
SELECT source, record_id, value, status, linked_records FROM identity_evidence(VARIADIC :'clauses') ORDER BY 1, 2, 3;
SELECT * FROM identity_report(VARIADIC :'clauses') WHERE metric IN ('rows left out', 'records');
SELECT explanation FROM explain_identity('crm', '1', 'crm', '2', VARIADIC :'clauses') WHERE step = 0;
SELECT explanation FROM explain_identity('crm', '1', 'shop', 'undefined', VARIADIC :'clauses') WHERE step = 0;
SELECT * FROM resolve_identities(identity_source('shop', $$SELECT '' AS id, 'ann@x.com' AS email$$)) AS (shop_id text, email text);
SELECT * FROM resolve_identities(VARIADIC :'clauses'::identity_clause[] || identity_output(rows => 'combinations')) AS (crm_id int, shop_id text, email text) ORDER BY 1;

-- Where many workers read a source and memory is short as where one reads it.
CREATE TABLE hits AS
  SELECT CASE n % 5 WHEN 0 THEN '' WHEN 1 THEN 'undefined' WHEN 2 THEN 'anonymous ' ELSE 'u' || n END AS id, 'p' || n % 40000 || '@x.com' AS email
  FROM generate_series(1, 100000) AS n;
INSERT INTO hits VALUES ('n/a', 'p3@x.com'), ('false', 'p4@x.com');
ALTER TABLE hits SET (parallel_workers = 3);
ANALYZE hits;
CREATE FUNCTION outcome() RETURNS TABLE (records bigint, identities bigint, named text, same text) LANGUAGE sql AS $$
  SELECT count(*), count(DISTINCT identity_id), string_agg(record_id, ' ' ORDER BY record_id) FILTER (WHERE record_id !~ '^u[0-9]'),
         md5(string_agg(record_id || identity_id, ',' ORDER BY record_id COLLATE "C"))
  FROM identity_records(identity_source('hits', 'SELECT id, email FROM hits'))
$$;
CREATE TEMP TABLE outcomes AS SELECT 'alone' AS how, * FROM outcome() LIMIT 0;
SET identity_resolve.max_workers = 0;
INSERT INTO outcomes SELECT 'alone', * FROM outcome();
SET maintenance_work_mem = '1MB';
INSERT INTO outcomes SELECT 'alone, on disk', * FROM outcome();
RESET identity_resolve.max_workers;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
INSERT INTO outcomes SELECT 'workers, on disk', * FROM outcome();
RESET maintenance_work_mem;
INSERT INTO outcomes SELECT 'workers', * FROM outcome();
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT records, identities, named, count(*) AS times FROM outcomes GROUP BY 1, 2, 3, same;

-- 'a' and 'a ' are one record: compared without the blanks around them, shown as typed, the first of several
-- spellings (the shorter, and then by byte) wherever the record is shown.
\set VERBOSITY default
SELECT ARRAY[identity_source('crm', 'SELECT id, email FROM crm'),
             identity_source('shop', $$SELECT * FROM (VALUES ('a ','ann@x.com'),('a','bob@x.com'),(E'\tb','cat@x.com'),(' b','dan@x.com'),('c ','eve@x.com')) v(customer_id, email)$$),
             identity_rule('email', max_per_identity => 0)] AS clauses \gset
SELECT source, record_id FROM identity_records(VARIADIC :'clauses') ORDER BY 1, 2;
\set VERBOSITY terse
SELECT crm_id, shop_id, emails, record_count FROM (SELECT * FROM resolve_identities(VARIADIC :'clauses') AS (crm_id int[], shop_id text, email text[], record_count int)) r(crm_id, shop_id, emails, record_count) ORDER BY 2;
SELECT source, record_id, value, status, linked_records FROM identity_links(VARIADIC :'clauses') ORDER BY 1, 2, 3;
SELECT step, explanation FROM explain_identity('shop', 'a', 'crm', '2', VARIADIC :'clauses') ORDER BY 1;
SELECT step, explanation FROM explain_identity('shop', ' a ', 'crm', '2', VARIADIC :'clauses') ORDER BY 1;
-- Where an id has one spelling, the identity's id is the one that this spelling gives.
SELECT a.identity_id = b.identity_id AS same FROM
  identity_records(identity_source('shop', $$SELECT ' x ' AS id, 'ann@x.com' AS email$$)) a,
  identity_records(identity_source('shop', $$SELECT * FROM (VALUES (' x ', 'ann@x.com'), (' x ', 'bob@x.com')) v(id, email)$$)) b;
-- Also where the id is unique in its table.
CREATE TABLE accounts (id text PRIMARY KEY, email text);
INSERT INTO accounts SELECT n::text, 'a' || n || '@x.com' FROM generate_series(1, 1000) AS n;
INSERT INTO accounts SELECT n || ' ', 'b' || n || '@x.com' FROM generate_series(1, 1000, 3) AS n;
SELECT count(*), count(DISTINCT identity_id), count(*) FILTER (WHERE record_id LIKE '% ') FROM identity_records(identity_source('accounts', 'SELECT id, email FROM accounts'));
DROP TABLE crm, hits, accounts;
DROP FUNCTION people, outcome;
