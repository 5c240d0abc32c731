-- What a map answers: whose a record is, whose an address, all records, all retired ids; under the map's own ids.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS answers CASCADE;
CREATE ROLE regress_answers_reader;
CREATE ROLE regress_answers_red;
CREATE ROLE regress_answers_mallory;
CREATE SCHEMA answers;
GRANT USAGE ON SCHEMA answers TO PUBLIC;
SET client_min_messages = error;  -- what a resolve warns of is not this test's
SET search_path = answers, public;
CREATE TABLE app (id int PRIMARY KEY, user_id text, email text, phone text, login text, tenant text, customer_no text, plan text);
CREATE TABLE shop (id text, email text, login text, tenant text, customer_no text);
CREATE TABLE desk (id jsonb, email text);
CREATE TABLE merges (former text, present text);
INSERT INTO app VALUES (1, 'u1', 'ann@x.com', '020 7946 0018', 'ann', 'red', '17', 'pro'), (2, 'u2', 'bob@x.com', NULL, 'bob', 'blue', '17', 'pro'),
  (3, 'u3', 'cat@x.com', NULL, 'ann', 'red', '18', NULL), (4, 'u4', 'test@test.com', NULL, NULL, NULL, NULL, NULL), (5, 'u5', NULL, NULL, NULL, 'blue', '18', NULL);
-- Ids with blanks around them, in each row of the record or in some; very long ones; in JSON.
INSERT INTO shop VALUES ('s1', 'Ann@X.com', 'ann', NULL, NULL), (' s2 ', 'bob@x.com', NULL, NULL, NULL), (E'\ts2  ', 'bob@x.com', NULL, NULL, NULL), ('s3', NULL, NULL, 'red', '17'), ('s3 ', NULL, NULL, NULL, NULL),
  (repeat('long ', 800) || '1', 'cat@x.com', NULL, NULL, NULL), (repeat('long ', 800) || '2', 'dan@x.com', NULL, NULL, NULL);
INSERT INTO desk VALUES ('"d1 "', 'ann@x.com'), ('7', 'eve@x.com'), ('"7 "', 'fay@x.com');
SELECT create_identity_map('people', identity_source('app', 'TABLE app'), identity_source('shop', 'TABLE shop'), identity_source('desk', 'TABLE desk'),
  identity_rule('phone', region => 'GB'), identity_rule('login', scope => 'source'), identity_rule('customer_no', scope => 'tenant'), identity_rule('plan', link => false),
  identity_alias('user_id', 'TABLE merges'),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('desk_id', 'text[]'), identity_column('identify_id', 'text[]'), identity_column('email', 'text[]'));

-- Before the first refresh nobody is known.
SELECT count(*) FROM identity_map_records('people');
SELECT identity_of('people', 'app', '1') IS NULL AS nobody;
SELECT count(*) FROM identity_of_value('people', 'email', 'ann@x.com');
SELECT count(*) FROM identity_map_retired('people');
CALL refresh_identity_map('people');
SELECT identify('people', 'u2', '{"email": "bobby@x.com"}') IS NOT NULL AS known, identify('people', ' new one', '{"email": "gus@x.com"}') IS NOT NULL AS known;

-- The records are those of a resolve, with the same ids of theirs, and hang together in the same way.
CREATE FUNCTION differs() RETURNS TABLE (what text, records text[]) LANGUAGE sql AS $$
  WITH had AS (SELECT array_agg(source || '/' || left(record_id, 10) || length(record_id) || right(record_id, 1) ORDER BY source, record_id) FROM answers.people JOIN identity_map_records('answers.people') USING (identity_id) GROUP BY identity_id),
       wanted AS (SELECT array_agg(source || '/' || left(record_id, 10) || length(record_id) || right(record_id, 1) ORDER BY source, record_id) FROM identity_records(VARIADIC identity_map_clauses('answers.people')) GROUP BY identity_id)
  SELECT 'map has', x.* FROM (TABLE had EXCEPT ALL TABLE wanted) AS x UNION ALL SELECT 'resolve has', x.* FROM (TABLE wanted EXCEPT ALL TABLE had) AS x $$;
SELECT * FROM differs();
SELECT source, replace(left(record_id, 12), E'\t', '<tab>') AS record_id, length(record_id) FROM identity_map_records('people') ORDER BY source COLLATE "C", record_id COLLATE "C";
-- As a table says it that shows all ids.
SELECT count(*) AS not_in_the_table FROM identity_map_records('people') AS r WHERE NOT EXISTS (
  SELECT FROM people AS p WHERE p.identity_id = r.identity_id
    AND r.record_id = ANY (CASE r.source WHEN 'app' THEN p.app_id::text[] WHEN 'shop' THEN p.shop_id WHEN 'desk' THEN p.desk_id ELSE p.identify_id END));

-- Each record is found by its source and its id, however that is spelled.
SELECT count(*) AS records, count(*) FILTER (WHERE identity_of('people', source, record_id) = identity_id) AS found, count(*) FILTER (WHERE identity_of('people', source, E' \t' || record_id || ' ') = identity_id) AS found_with_blanks
FROM identity_map_records('people');
SELECT p.app_id, p.email FROM people AS p WHERE identity_id = identity_of('people', 'shop', 's2');
SELECT identity_of('people', 'app', '99') IS NULL AS nobody, identity_of('people', 'desk', 's1') IS NULL AS of_another_source, identity_of('people', NULL, '1') IS NULL AS null_source,
  identity_of('people', 'app', NULL) IS NULL AS null_id, identity_of(NULL, 'app', '1') IS NULL AS null_map, identity_of('people', 'app', '') IS NULL AS blank;
SELECT identity_of('people', 'crm', '1');
SELECT identity_of('app', 'app', '1');
-- It is looked up once in a statement, and the table by its key.
EXPLAIN (COSTS OFF) SELECT email FROM people WHERE identity_id = identity_of('people', 'app', '1');

-- A value is typed as people type it.
CREATE FUNCTION of(kind text, value text, scope text DEFAULT NULL) RETURNS TABLE (app_id int[], email text[]) LANGUAGE sql AS $$
  SELECT p.app_id, p.email FROM identity_of_value('answers.people', kind, value, scope) AS id JOIN answers.people AS p ON p.identity_id = id ORDER BY p.app_id $$;
SELECT * FROM of('email', ' ANN@x.com ');
SELECT * FROM of('phone', '(020) 7946-0018');
SELECT * FROM of('phone', '+44 20 7946 0018');
SELECT * FROM of('email', 'Gus <gus@x.com>');
SELECT count(*) AS none FROM (SELECT of('email', 'nobody@x.com') UNION ALL SELECT of('email', 'test@test.com') UNION ALL SELECT of('email', 'no address') UNION ALL SELECT of('email', '') UNION ALL SELECT of('user_id', 'n/a')) AS n;
SELECT count(*) AS none FROM (SELECT identity_of_value('people', 'email', NULL) UNION ALL SELECT identity_of_value('people', NULL, 'x') UNION ALL SELECT identity_of_value(NULL, 'email', 'x')) AS n;
-- Each identifier that a record has finds that record's identity, and no other that has not got it.
CREATE FUNCTION values_differ() RETURNS TABLE (kind text, value text, had uuid[], wanted uuid[]) LANGUAGE sql AS $$
  SELECT * FROM (
    SELECT l.kind, l.value, ARRAY(SELECT identity_of_value('answers.people', l.kind, l.value)) AS had, array_agg(DISTINCT r.identity_id ORDER BY r.identity_id) AS wanted
    FROM identity_links(VARIADIC identity_map_clauses('answers.people')) AS l JOIN identity_map_records('answers.people') AS r USING (source, record_id)
    WHERE l.status NOT IN ('blocked', 'invalid') AND l.kind IN ('user_id', 'email', 'phone') GROUP BY l.kind, l.value) AS v
  WHERE had <> wanted $$;
SELECT * FROM values_differ();
-- What links within one source is looked for in each of them, or in one; what links within a tenant in that.
SELECT * FROM of('login', 'ann');
SELECT * FROM of('login', 'ann', 'shop');
SELECT * FROM of('login', 'ann', 'crm');
SELECT * FROM of('customer_no', '17', 'red');
SELECT * FROM of('customer_no', '17', 'blue');
SELECT * FROM of('customer_no', '17', 'green');
SELECT * FROM of('customer_no', '17');
SELECT * FROM of('email', 'ann@x.com', 'shop');
SELECT * FROM of('plan', 'pro');
SELECT * FROM of('mail', 'ann@x.com');
-- A former value finds the present one's person, once the map knows of it.
INSERT INTO merges VALUES ('old1', 'u1'), ('u3', 'u1');
SELECT count(*) FROM of('user_id', 'old1');
CALL refresh_identity_map('people');
SELECT * FROM of('user_id', 'old1');
SELECT * FROM of('user_id', 'u3');
SELECT * FROM values_differ();
SELECT * FROM differs();

-- Everybody who was retired, and who that is now: what identity_current() says of each.
CREATE FUNCTION retired_differ() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM identity_map_retired('answers.people') AS r FULL JOIN (SELECT identity_id, at FROM identity_map_history('answers.people') WHERE event = 'retired') AS h USING (identity_id)
  WHERE (r.retired_at, r.current_id) IS DISTINCT FROM (h.at, identity_current('answers.people', identity_id)) $$;
SELECT count(*) AS retired, count(current_id) AS lives FROM identity_map_retired('people');
SELECT retired_differ();
SELECT clock_timestamp() AS then \gset
UPDATE app SET email = 'ann@x.com' WHERE id = 2;
UPDATE app SET email = 'eve@x.com', user_id = 'u2' WHERE id = 4;
CALL refresh_identity_map('people');
DELETE FROM desk WHERE id = '"7 "';
DELETE FROM shop WHERE email = 'dan@x.com';
CALL refresh_identity_map('people');
SELECT count(*) AS retired, count(current_id) AS lives, count(DISTINCT current_id) AS who FROM identity_map_retired('people');
SELECT count(*) AS since FROM identity_map_retired('people', since => :'then');
SELECT count(*) AS since FROM identity_map_retired('people', 'infinity');
SELECT retired_differ();
SELECT * FROM differs();
-- Into one that is retired itself later on.
INSERT INTO app VALUES (6, 'u6', 'hal@x.com'), (7, 'u7', 'ivy@x.com');
CALL refresh_identity_map('people');
UPDATE app SET email = 'hal@x.com' WHERE id = 7;
CALL refresh_identity_map('people');
INSERT INTO app VALUES (8, 'u1', 'hal@x.com');
CALL refresh_identity_map('people');
SELECT retired_differ(), count(current_id) AS lives, count(DISTINCT current_id) AS who FROM identity_map_retired('people');
SELECT alter_identity_map('people', identity_rule('email', max_records => 3));
SELECT reduce_identity_map('people', sources => '{desk}', columns => '{desk_id}');
SELECT * FROM of('email', 'eve@x.com');
CALL refresh_identity_map('people');
SELECT identity_of('people', 'desk', '7');
SELECT retired_differ();
SELECT * FROM values_differ();
SELECT * FROM differs();
SELECT forget('people', 'shop', 's2');
SELECT identity_of('people', 'shop', 's2') IS NULL AS forgotten;
-- The clauses do not say who was forgotten.
SELECT * FROM differs();

-- Who may SELECT from the map may ask; nobody else. Row-level security hides people from look-ups, and lists are not given at all.
GRANT SELECT ON people TO regress_answers_reader;
SELECT identity_of('people', 'app', '1') AS ann \gset
SET ROLE regress_answers_reader;
SELECT identity_of('people', 'app', '1') = :'ann' AS same, (SELECT identity_of_value('people', 'user_id', 'u1')) = :'ann' AS same, (SELECT count(*) FROM identity_of_value('people', 'user_id', 'u5')) AS seen;
SELECT count(*) > 5 AS some FROM identity_map_records('people');
SELECT count(*) > 3 AS some FROM identity_map_retired('people');
SET ROLE regress_answers_mallory;
SELECT identity_of('people', 'app', '1');
SELECT identity_of('people', 'crm', '1');
SELECT identity_of_value('people', 'email', 'ann@x.com');
SELECT * FROM identity_map_records('people');
SELECT * FROM identity_map_retired('people');
RESET ROLE;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON people FOR SELECT TO regress_answers_red USING (1 = ANY (app_id));
GRANT SELECT ON people TO regress_answers_red;
SET ROLE regress_answers_red;
SELECT identity_of('people', 'app', '1') = :'ann' AS same, identity_of('people', 'app', '6') IS NULL AS hidden;
SELECT identity_of_value('people', 'email', 'ann@x.com') = :'ann' AS same;
SELECT count(*) AS hidden FROM identity_of_value('people', 'user_id', 'u5');
SELECT * FROM identity_map_records('people');
SELECT * FROM identity_map_retired('people');
RESET ROLE;
SELECT * FROM identity_map_records(NULL);
SELECT * FROM identity_map_retired(NULL);
SELECT * FROM identity_map_records('app');

-- A new owner of the table may not have called before; its reader may all the same.
GRANT ALL ON SCHEMA answers TO regress_answers_mallory;
ALTER TABLE people OWNER TO regress_answers_mallory;
SET ROLE regress_answers_mallory;
SELECT identity_of('people', 'app', '1') = :'ann' AS same;
RESET ROLE;
SELECT drop_identity_map('people');

-- The planner knows about how many records there are.
CREATE TABLE many AS SELECT n AS id, 'p' || n / 2 || '@x.com' AS email FROM generate_series(1, 2000) AS n;
SELECT create_identity_map('crowd', identity_source('many', 'TABLE many'));
CALL refresh_identity_map('crowd');
DO $$ DECLARE plan json; BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) SELECT * FROM identity_map_records(''answers.crowd'')' INTO plan;
  RAISE INFO '% rows are expected', plan #>> '{0,Plan,Plan Rows}';
END $$;
SELECT count(*) FROM many JOIN identity_map_records('crowd') ON source = 'many' AND record_id = many.id::text JOIN crowd USING (identity_id);
SELECT drop_identity_map('crowd');
SET client_min_messages = warning;
DROP SCHEMA answers CASCADE;
DROP ROLE regress_answers_reader, regress_answers_red, regress_answers_mallory;
