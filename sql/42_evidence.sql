-- What became of each identifier, why two records are one person or two, a picture, and the numbers.
CREATE SCHEMA evidence;
SET search_path = evidence, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

CREATE TABLE segment (id text, user_id text, email text);
INSERT INTO segment VALUES ('mYhg', '1e810c', 'jane@work.com'), ('QZnP', '7adt7X', 'fam@home.com'), ('x9', 'null', 'test@test.com');
CREATE TABLE zendesk (id bigint, user_id text, email text[], phone text);
INSERT INTO zendesk VALUES
  (1303, '1e810c', '{Jane@Work.com,fam@home.com}', NULL), (1304, NULL, '{FAM@home.com}', '+44 20 7946 0958'),
  (1305, NULL, '{no address}', 'call me'), (1306, NULL, NULL, NULL);
CREATE TABLE stripe (id text, email text, plan text);
INSERT INTO stripe VALUES ('cus_1', 'jane@work.com', 'pro'), ('cus_2', 'support@acme.com', 'pro');
CREATE TABLE clauses AS SELECT ARRAY[
  identity_source('segment', 'TABLE segment'), identity_source('zendesk', 'TABLE zendesk'), identity_source('stripe', 'TABLE stripe'),
  identity_source('forum', 'SELECT n AS id, ''support@acme.com'' AS email FROM generate_series(1, 4) n'),
  identity_rule('email', max_records => 3), identity_rule('plan', link => false)] AS clauses;

-- Each identifier of each record once, with its status; the addresses of the family and of the support desk join nobody.
SET client_min_messages = error;  -- the warning that names the support desk's: sql/40_rules.sql
SELECT source, record_id, kind, value, status, linked_records FROM identity_links(VARIADIC (SELECT clauses FROM clauses)) ORDER BY 1, length(record_id), 2, 3, 4;

-- The identity is that of the long form; a record without identifiers is there, and not here.
SELECT count(DISTINCT source || record_id) AS records, count(DISTINCT l.identity_id) AS identities, bool_and(l.identity_id IS NOT DISTINCT FROM r.identity_id) AS agree
FROM identity_records(VARIADIC (SELECT clauses FROM clauses)) AS r LEFT JOIN identity_links(VARIADIC (SELECT clauses FROM clauses)) AS l USING (source, record_id)
WHERE (source, record_id) <> ('zendesk', '1306');

-- A record of several rows has each of its identifiers once.
SELECT kind, value, status, linked_records
FROM identity_links(identity_source('a', $$SELECT * FROM (VALUES (1, 'x@y.z', '{u,u}'::text[]), (1, 'X@y.z', '{v}'), (1, 'z@y.z', '{u}'), (2, 'z@y.z', NULL)) v(id, email, external_id)$$), identity_rule('external_id', max_per_identity => 0))
WHERE record_id = '1' ORDER BY 1, 2;

-- Streamed by the scan of the extension's own, or collected by PostgreSQL where the call stands elsewhere: the same rows.
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT plan_lines('SELECT * FROM identity_links(VARIADIC (SELECT clauses FROM clauses))');
SELECT count(*) FROM (SELECT identity_links(VARIADIC (SELECT clauses FROM clauses))) AS collected;

-- Why one person, in words.
SELECT step, explanation FROM explain_identity('stripe', 'cus_1', 'zendesk', '1303', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('stripe', 'cus_1', 'segment', 'mYhg', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM explain_identity('zendesk', '1303', 'segment', 'mYhg', VARIADIC (SELECT clauses FROM clauses));

-- Why two: the nearest refused links.
SELECT step, explanation FROM explain_identity('zendesk', '1304', 'segment', 'mYhg', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('stripe', 'cus_2', 'forum', '3', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('stripe', 'cus_1', 'stripe', 'cus_2', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('segment', 'x9', 'zendesk', '1305', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('segment', 'x9', 'zendesk', '1306', VARIADIC (SELECT clauses FROM clauses));
SELECT step, explanation FROM explain_identity('segment', 'x9', 'segment', 'x9', VARIADIC (SELECT clauses FROM clauses));

-- A conflict: Bob's claim on the mailbox is weaker. One record of two people: it says so itself. And the record between two, by either step.
SELECT e.step, e.explanation FROM (VALUES (1, 'app', 'bob', 'zendesk', '1'), (2, 'app', 'ann', 'crm', '9'), (3, 'app', 'ann', 'zendesk', '2'), (4, 'app', 'bob', 'app', 'ann')) AS asked(n, source_a, a, source_b, b),
  LATERAL explain_identity(source_a, a, source_b, b,
    identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', '{fam@x.com,ann@x.com}'::text[]), ('bob', 'u2', '{fam@x.com,bob@x.com}')) v(id, user_id, email)$$),
    identity_source('shop', $$SELECT 's', 'u1' AS user_id, 'fam@x.com' AS email$$), identity_source('crm', $$SELECT 9, ARRAY['u1', 'u7', 'u8', 'u9'] AS user_id$$),
    identity_source('zendesk', $$SELECT * FROM (VALUES (1, '{fam@x.com}'::text[]), (2, '{ann@x.com,bob@x.com}')) v(id, email)$$)) AS e ORDER BY n, step;

-- A fallback, and a kind of which others hold too many.
SELECT step, explanation FROM explain_identity('app', 'eve', 'zendesk', '1', identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'ann@x.com'), ('eve', NULL, 'eve@x.com')) v(id, user_id, email)$$),
  identity_source('zendesk', $$SELECT 1, 'u1' AS user_id, 'eve@x.com' AS email$$), identity_rule('email', fallback => true));

-- A long chain is found, and the shortest one where there are several.
SELECT count(*) - 1 AS steps FROM explain_identity('chain', '1', 'chain', '500',
  identity_source('chain', $$SELECT n, ARRAY['a' || n, 'a' || n + 1] AS external_id FROM generate_series(1, 500) n$$), identity_rule('external_id', max_per_identity => 0));
SELECT step, explanation FROM explain_identity('chain', '1', 'chain', '9',
  identity_source('chain', $$SELECT n, ARRAY['a' || n, 'a' || n + 1] AS external_id, CASE WHEN n IN (2, 8) THEN 'short@cut.com' END AS email FROM generate_series(1, 9) n$$), identity_rule('external_id', max_per_identity => 0));
-- Ten thousand records that one refused value joins are gone through once.
SELECT step, left(explanation, 120) AS explanation FROM explain_identity('many', '7', 'many', '9999',
  identity_source('many', $$SELECT n, 'x@y.z' AS email, 'u' || n AS user_id FROM generate_series(1, 10000) n$$));

-- What cannot be explained.
SELECT * FROM explain_identity('stripe', 'cus_9', 'stripe', 'cus_1', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM explain_identity('strip', 'cus_1', 'stripe', 'cus_1', VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM explain_identity('stripe', NULL, 'stripe', 'cus_1', VARIADIC (SELECT clauses FROM clauses));
SELECT identity_graph('stripe', 'cus_9', VARIADIC (SELECT clauses FROM clauses));

-- A picture in Graphviz's language. Quotes, backslashes and line ends in values are kept apart from its own.
\pset format unaligned
SELECT identity_graph('zendesk', '1304', VARIADIC (SELECT clauses FROM clauses));
SELECT identity_graph('odd', E'a"b\\c\nd', identity_source('odd', $$SELECT E'a"b\\c\nd' AS id, 'x"]; }' AS user_id$$));
SELECT length(identity_graph('big', '1', identity_source('big', 'SELECT n, ''one'' AS user_id FROM generate_series(1, 5000) n'))) < 20000 AS of_a_large_identity_a_part;
--    Whoever is asked about is among those who are drawn.
SELECT identity_graph('big', '4711', identity_source('big', 'SELECT n, ''one'' AS user_id FROM generate_series(1, 5000) n')) LIKE '%style="filled,bold", fillcolor="#dbe9f6", label="big 4711"%' AS asked_is_drawn;
--    Of a record of very many identifiers and of a very long one the first are drawn.
SELECT drawn.* FROM (SELECT count(*) FILTER (WHERE line LIKE '%shape=ellipse%') AS identifiers, max(line) FILTER (WHERE line LIKE '%shape=note%') AS rest, max(length(line)) < 200 AS short
  FROM regexp_split_to_table(identity_graph('a', '1', identity_source('a', $$SELECT 1, array_agg(repeat('é', 300) || n) AS external_id FROM generate_series(1, 500) n$$)), E'\n') AS line) AS drawn;
\pset format aligned

-- In numbers.
SELECT * FROM identity_report(VARIADIC (SELECT clauses FROM clauses));
SELECT metric, subject, value FROM identity_report(identity_source('empty', 'SELECT 1 AS id WHERE false'), identity_source('one', 'SELECT 1 AS id')) WHERE metric NOT LIKE 'identit%ers';

-- Records and links of one resolve: each record once, then its links.
CREATE TEMP TABLE evidence AS SELECT row_number() OVER () AS place, e.* FROM identity_evidence(VARIADIC (SELECT clauses FROM clauses)) e;
SELECT count(*) FILTER (WHERE kind IS NULL) AS records, count(kind) AS links FROM evidence;
SELECT count(*) AS wrong_records FROM (
  SELECT identity_id, source, record_id FROM evidence WHERE kind IS NULL AND value IS NULL AND status IS NULL AND linked_records IS NULL) e
  FULL JOIN identity_records(VARIADIC (SELECT clauses FROM clauses)) r USING (identity_id, source, record_id) WHERE e IS NULL OR r IS NULL;
SELECT count(*) AS wrong_links FROM (
  SELECT identity_id, source, record_id, kind, value, status, linked_records FROM evidence WHERE kind IS NOT NULL) e
  FULL JOIN identity_links(VARIADIC (SELECT clauses FROM clauses)) l USING (identity_id, source, record_id, kind, value, status, linked_records)
 WHERE e IS NULL OR l IS NULL;
SELECT count(*) AS links_that_do_not_follow_their_record FROM (
  SELECT (source, record_id) AS it, kind, lag((source, record_id)) OVER (ORDER BY place) AS before FROM evidence) e
 WHERE kind IS NOT NULL AND it IS DISTINCT FROM before;

-- What holds the largest identities together: a family's address between two people; a record between two. How many records the smaller parts have.
SELECT subject, value FROM identity_report(
  identity_source('app', $$SELECT * FROM (VALUES (1, 'u1', 'fam@x.com'), (2, 'u1', NULL), (3, 'u1', NULL), (4, NULL, 'fam@x.com')) v(id, user_id, email)$$),
  identity_source('shop', $$SELECT * FROM (VALUES ('s1', 'fam@x.com', '+16502530000'), ('s2', NULL, '+16502530000'), ('s3', NULL, '+16502530000')) v(id, email, phone)$$)) WHERE metric IN ('largest identities', 'held together by');
SELECT subject, value FROM identity_report(identity_source('app', $$SELECT * FROM (VALUES (1, '{a@x.com,c@x.com}'::text[]), (2, '{a@x.com,c@x.com}'), (3, '{a@x.com,b@x.com}'), (4, '{b@x.com,d@x.com}'), (5, '{b@x.com,d@x.com}')) v(id, email)$$)) WHERE metric IN ('largest identities', 'held together by');
-- The rates of each two sources; of one there is none.
SELECT * FROM identity_match_rates(VARIADIC (SELECT clauses FROM clauses));
SELECT * FROM identity_match_rates(identity_source('empty', 'SELECT 1 AS id WHERE false'), identity_source('one', 'SELECT 1 AS id'));
SELECT count(*) FROM identity_match_rates(identity_source('one', 'SELECT 1 AS id'));

-- Without a source.
SELECT * FROM identity_match_rates();
SELECT * FROM explain_identity('stripe', 'cus_1', 'stripe', 'cus_2');
SELECT identity_graph('stripe', 'cus_1');
SELECT * FROM identity_links();
SELECT * FROM identity_evidence();
SELECT * FROM identity_report();

SET client_min_messages = warning;
DROP SCHEMA evidence CASCADE;
