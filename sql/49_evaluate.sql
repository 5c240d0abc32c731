-- How right a resolve is, against a truth that the user has.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA evaluate;
SET search_path = evaluate, public;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- Seven identities: A = app 1, app 2, shop s1; B = app 3, shop s2; C = shop s3; D = app 4; E = app 5; F = shop s5; G = shop s10.
CREATE TABLE app (id int, email text);
CREATE TABLE shop (id text, email text);
INSERT INTO app VALUES (1, 'ann@x.com'), (2, 'ann@x.com'), (3, 'bob@x.com'), (4, 'dora@x.com'), (5, 'fay@x.com');
INSERT INTO shop VALUES ('s1', 'ann@x.com'), ('s2', 'bob@x.com'), ('s3', 'ann@home.com'), ('s5', 'fay@home.com'), ('s10', NULL);
CREATE TABLE clauses AS SELECT ARRAY[identity_source('app', 'SELECT id, email FROM evaluate.app'), identity_source('shop', 'SELECT id, email FROM evaluate.shop')] AS clauses;
-- The truth knows eight of the ten records, and two that no source has.
CREATE TABLE labels (tool text, key text, who text);
INSERT INTO labels VALUES ('app', '1', 'ann'), ('shop', 's1', 'ann'), ('shop', 's3', 'ann'), ('app', '2', 'eve'), ('app', '3', 'bob'), ('shop', 's2', 'bob'),
  ('app', '5', 'fay'), ('shop', 's5', 'fay'), ('app', '99', 'zoe'), ('crm', '1', 'zoe');

-- By hand. Cells (person, identity): (ann, A) 2, (ann, C) 1, (eve, A) 1, (bob, B) 2, (fay, E) 1, (fay, F) 1. Bob alone is found exactly: 1 of 4.
--   true pairs: ann 3, bob 1, fay 1 = 5; found: A 3, B 1 = 4; right: (ann, A) 1, (bob, B) 1 = 2; precision 2/4, recall 2/5, F1 2 * 2 / (4 + 5)
--   B-cubed precision: (4/3 + 1 + 1/3 + 4/2 + 1 + 1) / 8 = 5/6; recall: (4/3 + 1/3 + 1 + 4/2 + 1/2 + 1/2) / 8 = 17/24; F1 = 85/111
SELECT * FROM identity_evaluate('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
-- The pairs to look at: identity A also has eve; ann is in C as well, and fay in F.
SELECT status, source_a, id_a, source_b, id_b, person_a, person_b, identity_a = identity_b AS joined, records
FROM identity_evaluate_pairs('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM identity_evaluate_pairs('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses)) AS p
  CROSS JOIN LATERAL explain_identity(p.source_a, p.id_a, p.source_b, p.id_b, VARIADIC (SELECT clauses FROM clauses)) AS e WHERE p.status = 'false' ORDER BY step;

-- Only the figures, in a row each.
CREATE FUNCTION figures(truth text, VARIADIC clauses identity_clause[]) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(coalesce(value::text, 'null'), ' ' ORDER BY n) FROM identity_evaluate(truth, VARIADIC clauses) WITH ORDINALITY AS e (metric, subject, value, n) WHERE metric <> 'not in the sources' $$;

-- A truth that is the resolve's own answer is all right, whatever the names and types of its columns.
SELECT figures('SELECT source, record_id, identity_id FROM identity_records(VARIADIC (SELECT clauses FROM evaluate.clauses))', VARIADIC (SELECT clauses FROM clauses));
SELECT figures($$SELECT 'app'::name, id, to_jsonb(id) FROM evaluate.app; $$, VARIADIC (SELECT clauses FROM clauses));
-- An identifier that JSON holds is the text in it; a time is written as a record's id is, whatever the session likes.
SET DateStyle = 'German';
SELECT figures($$SELECT '"t"'::jsonb, timestamptz '2024-05-06 07:08:09Z', 1$$, identity_source('t', $$SELECT timestamptz '2024-05-06 07:08:09Z' AS id$$));
RESET DateStyle;
-- An empty truth: counts are 0, shares unknown.
SELECT figures('SELECT 1, 2, 3 WHERE false', VARIADIC (SELECT clauses FROM clauses));
SELECT count(*) FROM identity_evaluate_pairs('SELECT 1, 2, 3 WHERE false', VARIADIC (SELECT clauses FROM clauses));
-- A truth of records that are unknown: they are counted by source, the twenty with most of them.
SELECT * FROM identity_evaluate($$SELECT 'tool' || n % 25, n::text, n FROM generate_series(1, 60) AS n UNION ALL SELECT 'shop', 's1 ', 1$$, VARIADIC (SELECT clauses FROM clauses)) WHERE metric IN ('records', 'not in the sources', 'people');
-- One person, ten records, none joined to another: nothing is found, so that precision has nothing to divide by.
SELECT figures($$SELECT 'a', n, 'one' FROM generate_series(1, 10) AS n$$, identity_source('a', 'SELECT n AS id FROM generate_series(1, 10) AS n'));

-- Rows that say of no record, or nothing of it, are left out and counted: NULL and blank. A record that comes twice with one person is one.
SELECT figures($$VALUES ('app', '1', 'ann'), ('app', '1', 'ann'), ('app', NULL, 'bob'), (NULL, '2', 'bob'), ('app', '2', NULL), ('app', '3', ' '), (' ', '3', 'x'), ('app', '', 'x'), ('app', E'\u2003', 'x')$$, VARIADIC (SELECT clauses FROM clauses));
SELECT figures($$SELECT NULL, NULL, NULL$$, VARIADIC (SELECT clauses FROM clauses));

-- A truth that contradicts itself says where.
SELECT * FROM identity_evaluate($$VALUES ('app', 10, 'ann'), ('app', 9, 'bob'), ('app', 10, 'eve'), ('app', 9, 'ann'), ('app', 1, 'ann'), ('shop', 1, 'bob')$$, VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate_pairs($$VALUES ('app', 10, 'ann'), ('app', 10, 'eve')$$, VARIADIC (SELECT clauses FROM clauses));

-- Queries that are no truth.
SELECT * FROM identity_evaluate(NULL, VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('SELECT tool, key FROM evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('SELECT', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('SELECT 1; SELECT 2', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('TABLE nowhere', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('SELECT 1, 2, 1 / (random() * 0)::int', VARIADIC (SELECT clauses FROM clauses));
-- It is only ever read.
SELECT * FROM identity_evaluate('DELETE FROM evaluate.labels RETURNING *', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('WITH d AS (DELETE FROM evaluate.labels RETURNING *) TABLE d', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate('SELECT * FROM evaluate.labels FOR UPDATE', VARIADIC (SELECT clauses FROM clauses));
CREATE FUNCTION sneak() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM evaluate.labels; RETURN 'app'; END $$;
SELECT * FROM identity_evaluate('SELECT evaluate.sneak(), 1, 2', VARIADIC (SELECT clauses FROM clauses));
SELECT count(*) FROM labels;
-- The clauses are checked as anywhere else.
SELECT * FROM identity_evaluate('TABLE evaluate.labels');
SELECT * FROM identity_evaluate_pairs('TABLE evaluate.labels');
SELECT * FROM identity_evaluate('TABLE evaluate.labels', identity_source('a', 'SELECT id, oops FROM evaluate.app'));

-- A person of 200,000 records: 200,000 * 199,999 / 2 pairs, which nobody goes through. Half of them are one identity, and a hundred others are on their own.
CREATE TABLE many AS SELECT n AS id, CASE WHEN n <= 100000 THEN 1 WHEN n <= 199900 THEN 2 ELSE n END AS account FROM generate_series(1, 200000) AS n;
SELECT * FROM identity_evaluate($$SELECT 'many', id, 'one' FROM evaluate.many$$, identity_source('many', 'SELECT id, account FROM evaluate.many'), identity_rule('account', max_records => 0));
SELECT status, id_a, id_b, records, count(*) OVER () FROM identity_evaluate_pairs($$SELECT 'many', id, 'one' FROM evaluate.many$$, identity_source('many', 'SELECT id, account FROM evaluate.many'), identity_rule('account', max_records => 0)) LIMIT 3;
-- And one identity of as many people: a row each, but one.
SELECT status, id_a, id_b, records, count(*) OVER () FROM identity_evaluate_pairs($$SELECT 'many', id, id FROM evaluate.many WHERE account = 1$$, identity_source('many', 'SELECT id, account FROM evaluate.many'), identity_rule('account', max_records => 0)) LIMIT 3;
-- The planner may expect one record of a source, or one row of the truth, and still no pairs of rows are gone through.
SELECT figures($$SELECT 'many', id, account FROM evaluate.many WHERE id % 1 = 0 AND id % 2 < 2 AND account % 1 = 0$$, identity_source('many', 'SELECT id, account FROM evaluate.many WHERE id % 1 = 0 AND id % 2 < 2 AND account % 1 = 0'), identity_rule('account', max_records => 0));

-- The same by going through all pairs, on small data of chance.
CREATE TABLE random_records (seed int, source text, id int, account int, mail int, person int);
CREATE FUNCTION chance(what text, below int) RETURNS int LANGUAGE sql AS $$ SELECT ('x' || left(md5(what), 7))::bit(28)::int % below $$;
INSERT INTO random_records
  SELECT s, (ARRAY['a', 'b'])[1 + chance(r || 'source', 2)], n, chance(r || 'account', 10), chance(r || 'mail', 40), CASE WHEN chance(r || 'known', 10) > 0 THEN chance(r || 'person', 2 + s % 12) END
  FROM generate_series(1, 40) AS s, generate_series(1, 30) AS n CROSS JOIN LATERAL format('%s %s ', s, n) AS r;
CREATE FUNCTION clauses_of(seed int) RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('a', format('SELECT id, nullif(account, 0) AS account, nullif(mail, 0) AS mail FROM evaluate.random_records WHERE seed = %s AND source = ''a'' AND id %% 7 <> 0', seed)),
               identity_source('b', format('SELECT id, NULL::int AS account, mail FROM evaluate.random_records WHERE seed = %s AND source = ''b''', seed)), identity_rule('account'), identity_rule('mail')] $$;
CREATE FUNCTION by_pairs(seed int) RETURNS TABLE (subject text, value numeric) LANGUAGE sql AS $$
  WITH r AS MATERIALIZED (SELECT t.person, i.* FROM evaluate.random_records AS t JOIN identity_records(VARIADIC evaluate.clauses_of(by_pairs.seed)) AS i ON i.source = t.source AND i.record_id = t.id::text
                          WHERE t.seed = by_pairs.seed AND t.person IS NOT NULL),
  p AS (SELECT a.person = b.person AS is_true, a.identity_id = b.identity_id AS is_found FROM r AS a JOIN r AS b ON (a.source, a.record_id) < (b.source, b.record_id)),
  n AS (SELECT count(*) FILTER (WHERE is_true) AS t, count(*) FILTER (WHERE is_found) AS f, count(*) FILTER (WHERE is_true AND is_found) AS b FROM p),
  c AS (SELECT avg((SELECT avg((o.person = r.person)::int) FROM r AS o WHERE o.identity_id = r.identity_id)) AS p, avg((SELECT avg((o.identity_id = r.identity_id)::int) FROM r AS o WHERE o.person = r.person)) AS r FROM r),
  e AS (SELECT count(*) AS e FROM (SELECT array_agg(source || record_id ORDER BY source, record_id) FROM r GROUP BY person INTERSECT SELECT array_agg(source || record_id ORDER BY source, record_id) FROM r GROUP BY identity_id) AS x)
  SELECT v.* FROM n, c, e CROSS JOIN LATERAL (VALUES ('pairs true', t), ('pairs found', f), ('pairs right', b), ('pairs precision', round(b::numeric / nullif(f, 0), 6)), ('pairs recall', round(b::numeric / nullif(t, 0), 6)),
    ('pairs F1', round(2 * b::numeric / nullif(f + t, 0), 6)), ('B-cubed precision', round(c.p, 6)), ('B-cubed recall', round(c.r, 6)), ('B-cubed F1', round(2 * c.p * c.r / (c.p + c.r), 6)), ('people found exactly people', e.e),
    ('people in the truth', (SELECT count(DISTINCT person) FROM r)), ('identities found', (SELECT count(DISTINCT identity_id) FROM r)), ('records compared', (SELECT count(*) FROM r))) AS v $$;
CREATE FUNCTION truth_of(seed int) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT source, id, person FROM evaluate.random_records WHERE seed = %s', seed) $$;
SELECT count(*) AS figures, count(*) FILTER (WHERE e.value IS DISTINCT FROM b.value) AS wrong
FROM generate_series(1, 40) AS s CROSS JOIN LATERAL by_pairs(s) AS b LEFT JOIN LATERAL identity_evaluate(truth_of(s), VARIADIC clauses_of(s)) AS e ON e.metric || ' ' || e.subject = b.subject;
-- Each pair is one that is wrong, as it says; and there are as many as cells too many.
CREATE TABLE found AS SELECT s AS seed, r.source, r.record_id, r.identity_id, t.person::text FROM generate_series(1, 40) AS s CROSS JOIN LATERAL identity_records(VARIADIC clauses_of(s)) AS r
  JOIN random_records AS t ON t.seed = s AND t.source = r.source AND t.id::text = r.record_id;
CREATE TABLE told AS SELECT s AS seed, p.* FROM generate_series(1, 40) AS s CROSS JOIN LATERAL identity_evaluate_pairs(truth_of(s), VARIADIC clauses_of(s)) AS p;
SELECT status, count(*) > 0 AS some, count(*) FILTER (WHERE (a.identity_id = b.identity_id) IS DISTINCT FROM (p.status = 'false') OR (a.person = b.person) IS DISTINCT FROM (p.status = 'missed')
  OR (a.identity_id, b.identity_id, a.person, b.person) IS DISTINCT FROM (p.identity_a, p.identity_b, p.person_a, p.person_b)
  OR p.records <> (SELECT count(*) FROM found AS f WHERE (f.seed, f.identity_id, f.person) = (p.seed, p.identity_b, p.person_b))) AS wrong
FROM told AS p LEFT JOIN found AS a ON (a.seed, a.source, a.record_id) = (p.seed, p.source_a, p.id_a) LEFT JOIN found AS b ON (b.seed, b.source, b.record_id) = (p.seed, p.source_b, p.id_b) GROUP BY status ORDER BY status;
SELECT (SELECT count(*) FROM told) = sum(2 * c.cells - c.people - c.identities) AS all_of_them
FROM (SELECT count(DISTINCT (person, identity_id)) AS cells, count(DISTINCT person) AS people, count(DISTINCT identity_id) AS identities FROM found WHERE person IS NOT NULL GROUP BY seed) AS c;
-- The order of the rows says nothing.
SELECT count(*) FROM generate_series(1, 5) AS s WHERE
  ARRAY(SELECT p::text FROM identity_evaluate_pairs(truth_of(s) || ' ORDER BY id', VARIADIC clauses_of(s)) AS p) <> ARRAY(SELECT p::text FROM identity_evaluate_pairs(truth_of(s) || ' ORDER BY md5(id::text)', VARIADIC clauses_of(s)) AS p);

-- Whose rights count: the caller's, of the truth as of the sources; in a view, whoever asks.
CREATE ROLE regress_judge;
GRANT USAGE ON SCHEMA evaluate TO regress_judge;
GRANT SELECT ON app, shop, clauses TO regress_judge;
CREATE VIEW judged AS SELECT * FROM identity_evaluate('TABLE evaluate.labels', identity_source('app', 'SELECT id, email FROM evaluate.app'));
GRANT SELECT ON judged TO regress_judge;
SET ROLE regress_judge;
SELECT * FROM identity_evaluate('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_evaluate_pairs('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM judged;
SELECT figures($$SELECT 'app', id, email FROM evaluate.app$$, VARIADIC (SELECT clauses FROM clauses));
-- Nobody runs the stages by name.
SELECT * FROM identity_internal.evaluate_truth('SELECT 1, 2, 3');
RESET ROLE;
REVOKE SELECT ON app FROM regress_judge;
GRANT SELECT ON labels TO regress_judge;
SET ROLE regress_judge;
SELECT * FROM identity_evaluate('TABLE evaluate.labels', VARIADIC (SELECT clauses FROM clauses));
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA evaluate CASCADE;
DROP ROLE regress_judge;
