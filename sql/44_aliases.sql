-- One person's former ids: accounts that were merged in the product. Rows of (former value, present value); both count as one
-- value everywhere, and no record is made of them.
CREATE TABLE merges (old_id text, new_id text);
INSERT INTO merges VALUES ('u1', 'u2'), ('u2', 'u3'),   -- a chain
  ('c1', 'c2'), ('c2', 'c1'),                           -- a circle
  (' u9 ', 'u3'), ('u3', NULL), (NULL, 'u3'), ('', 'u3'), ('null', 'u3'), ('u3', 'u3');
CREATE TABLE shop (id int, user_id text, email text);
INSERT INTO shop VALUES (1, 'u1', 'ann@x.com'), (2, 'u3', 'ann@y.com'), (3, 'c2', 'cat@x.com'), (4, 'u9', NULL), (5, 'null', 'eve@x.com');
CREATE TABLE desk (id int, user_id text, email text);
INSERT INTO desk VALUES (7, 'u2', 'ann@x.com'), (8, 'c1', NULL), (9, 'u1', 'ann@y.com');
SELECT ARRAY[identity_source('shop', 'TABLE shop'), identity_source('desk', 'TABLE desk'), identity_alias('user_id', 'TABLE merges')] AS clauses \gset
SELECT :'clauses';
-- The limit of one user id stands, and the present one is shown; a source's own column shows what it has typed.
SELECT * FROM resolve_identities(VARIADIC :'clauses') AS (user_id text, user_ids text[], shop_user_id text[], shop_id int[], desk_id int[], record_count int) ORDER BY 1;
SELECT source, record_id, value, status, linked_records FROM identity_links(VARIADIC :'clauses') WHERE kind = 'user_id' ORDER BY 1, 2;
SELECT metric, subject, value FROM identity_report(VARIADIC :'clauses') WHERE metric IN ('records', 'most shared') ORDER BY 1, 2;
SELECT step, explanation FROM explain_identity('shop', '1', 'shop', '4', VARIADIC :'clauses');
-- EXPLAIN counts the records, and no pair.
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT plan_lines(format('SELECT * FROM identity_records(VARIADIC %L::identity_clause[])', :'clauses'), 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF');
-- Without the clause they are several people.
SET client_min_messages = error;
SELECT user_id, shop_id, desk_id FROM resolve_identities(identity_source('shop', 'TABLE shop'), identity_source('desk', 'TABLE desk')) AS (user_id text[], shop_id int[], desk_id int[]) ORDER BY 1;
RESET client_min_messages;

-- Any kind has them, spelled as its values are; what a rule blocks or finds too common it blocks and counts in either spelling.
SELECT email, shop_id FROM resolve_identities(identity_source('shop', 'SELECT id, email FROM shop'),
  identity_alias('email', $$SELECT 'ANN@X.com', 'Ann@Y.com'$$)) AS (email text, shop_id int[]) ORDER BY 1;
SELECT record_id, value, status FROM identity_links(identity_source('shop', 'SELECT id, email FROM shop'),
  identity_alias('email', $$SELECT 'ann@x.com', 'ann@y.com'$$), identity_rule('email', blocked => ARRAY['ann@x.com'])) ORDER BY 1;
SELECT record_id, value, status FROM identity_links(identity_source('shop', 'SELECT id, email FROM shop'),
  identity_alias('email', $$SELECT 'ann@x.com', 'ann@y.com'$$), identity_rule('email', max_records => 1)) ORDER BY 1;
SELECT user_id FROM resolve_identities(identity_source('shop', 'SELECT id, user_id FROM shop WHERE id < 3'),
  identity_alias('user_id', $$SELECT * FROM (VALUES ('u1', 'z'), ('u1', 'y10'), ('u3', 'y9')) AS v (f, p)$$)) AS (user_id text);

-- A value that stands for "no value" is nobody's former one; which values do is the kind's rule to say.
SELECT defaults, (SELECT array_agg(r.user_id ORDER BY r.user_id) FROM resolve_identities(identity_source('shop', $$SELECT 1, '#N/A' AS user_id UNION ALL SELECT 2, 'u7'$$),
  identity_alias('user_id', $$SELECT '#N/A', 'u7'$$), defaults) AS r (user_id text)) AS people
FROM unnest(ARRAY[identity_defaults('current'), identity_defaults('0.1')]) AS defaults;

-- HubSpot's contacts name those that were merged into them, as vid:time;vid:time.
CREATE TABLE hubspot (vid bigint, email text, hs_calculated_merged_vids text);
INSERT INTO hubspot VALUES (301, 'ann@x.com', '101:1544563200000;201:1544563300000'), (302, 'bob@x.com', ''), (303, 'cat@x.com', NULL);
CREATE TABLE calls (id int, hubspot_vid bigint);
INSERT INTO calls VALUES (1, 101), (2, 301), (3, 302), (4, 201);
SELECT hubspot_id, call_ids FROM resolve_identities(
  identity_source('hubspot', 'SELECT vid, vid AS hubspot_vid, email FROM hubspot'),
  identity_source('call', 'SELECT id, hubspot_vid FROM calls'),
  identity_rule('hubspot_vid', max_per_identity => 1),
  identity_alias('hubspot_vid', $$SELECT split_part(merged, ':', 1), vid
                                  FROM hubspot, regexp_split_to_table(hs_calculated_merged_vids, ';') AS merged$$)) AS (hubspot_id bigint, call_ids int[]) ORDER BY 1;

-- Several former values may stand in an array, also in one of JSON; ids may be numbers, and a query may end in a semicolon.
SELECT hubspot_id, call_ids FROM resolve_identities(
  identity_source('hubspot', 'SELECT vid, vid AS hubspot_vid FROM hubspot'), identity_source('call', 'SELECT id, hubspot_vid FROM calls'), identity_rule('hubspot_vid', max_per_identity => 1),
  identity_alias('hubspot_vid', 'SELECT ARRAY[101, NULL, 201], 301::numeric; ')) AS (hubspot_id bigint, call_ids int[]) ORDER BY 1;
SELECT hubspot_id, call_ids FROM resolve_identities(
  identity_source('hubspot', 'SELECT vid, vid AS hubspot_vid FROM hubspot'), identity_source('call', 'SELECT id, hubspot_vid FROM calls'), identity_rule('hubspot_vid', max_per_identity => 1),
  identity_alias('hubspot_vid', $$SELECT '[101, "201"]'::jsonb, '"301"'::jsonb$$)) AS (hubspot_id bigint, call_ids int[]) ORDER BY 1;
-- A carried kind may be a scope. Blanks around its value do not count: the value is read as its present one.
SELECT shop_id, tenant FROM resolve_identities(identity_source('shop', $$SELECT * FROM (VALUES (1, 'sam@x.com', 'north'), (2, 'sam@x.com', ' north '), (3, 'sam@x.com', 'south'), (4, 'sam@x.com', 'west')) AS v (id, email, tenant)$$),
  identity_rule('email', scope => 'tenant'), identity_alias('tenant', $$SELECT ' north', 'south '$$)) AS (shop_id int[], tenant text[]) ORDER BY 1;

-- The same by workers.
CREATE TABLE many AS SELECT n AS id, 'u' || n AS user_id FROM generate_series(1, 20000) AS n;
ALTER TABLE many SET (parallel_workers = 3);
ANALYZE many;
CREATE FUNCTION outcome() RETURNS TABLE (people bigint, records bigint, same text) LANGUAGE sql AS $$
  SELECT count(DISTINCT identity_id), count(*), md5(string_agg(record_id || identity_id, ',' ORDER BY record_id))
  FROM identity_records(identity_source('many', 'TABLE many'),
    identity_alias('user_id', $q$SELECT user_id, 'u' || id / 2 FROM many WHERE id % 3 = 0 AND id > 1$q$)) $$;
SET identity_resolve.max_workers = 0;
CREATE TEMP TABLE outcomes AS SELECT * FROM outcome();
RESET identity_resolve.max_workers;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
INSERT INTO outcomes SELECT * FROM outcome();
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT people, records, count(*) AS times FROM outcomes GROUP BY people, records, same;

-- The query runs with the caller's rights, and sees what the caller's policies let through.
CREATE ROLE regress_alias;
GRANT SELECT ON shop, desk TO regress_alias;
GRANT SELECT (old_id) ON merges TO regress_alias;
SET ROLE regress_alias;
SELECT count(*) FROM identity_records(VARIADIC :'clauses'::identity_clause[]);
EXPLAIN (COSTS off) SELECT * FROM identity_records(VARIADIC :'clauses'::identity_clause[]);
RESET ROLE;
GRANT SELECT ON merges TO regress_alias;
ALTER TABLE merges ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_ones ON merges USING (old_id <> 'u2');
SET ROLE regress_alias;
SET client_min_messages = error;
SELECT user_id FROM resolve_identities(VARIADIC :'clauses'::identity_clause[]) AS (user_id text) ORDER BY 1;
RESET client_min_messages;
RESET ROLE;
SELECT user_id FROM resolve_identities(VARIADIC :'clauses'::identity_clause[]) AS (user_id text) ORDER BY 1;
-- Errors.
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT old_id, 1 / (length(old_id) - 2) FROM merges'));
SELECT identity_alias(NULL, 'TABLE merges');
SELECT identity_alias('user_id', NULL);
SELECT identity_alias('User', 'TABLE merges');
SELECT '{"clause": "alias", "kind": "user_id"}'::identity_clause;
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('hubspot', 'TABLE merges'));
SELECT count(*) FROM identity_records(VARIADIC :'clauses'::identity_clause[] || identity_alias('user_id', 'TABLE merges'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT old_id FROM merges'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'DELETE FROM merges RETURNING old_id, new_id'));
\set VERBOSITY terse
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT 1, 2, 3'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'merges CROSS JOIN desk'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', ' ; '));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', $$VALUES ('u1', 'u2')$$));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT 1, 2; SELECT 3'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT 1, 2) AS q (former, present); SELECT 3 FROM (SELECT 4'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'TABLE merges FOR UPDATE'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', $$SELECT 'u1', ARRAY['u2', 'u3']$$));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT 1::float8, 2'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT 1, 2::real'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', 'SELECT true, 2'));
SELECT count(*) FROM identity_records(identity_source('shop', 'TABLE shop'), identity_alias('user_id', $$SELECT '{"id": 1}'::json, 2$$));
DROP FUNCTION outcome;
DROP TABLE merges, shop, desk, hubspot, calls, many;
DROP ROLE regress_alias;
