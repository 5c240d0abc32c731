-- The evidence wherever a query may stand, with the caller's rights, and the report against counts made otherwise.
CREATE SCHEMA evidence_use;
SET search_path = evidence_use, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

CREATE TABLE app (id text, user_id text, email text, tenant text);
INSERT INTO app VALUES ('ann', 'u1', 'fam@x.com', 'regress_here'), ('bob', 'u2', 'fam@x.com', 'regress_there'), ('ceo', 'u3', NULL, 'regress_here');
CREATE TABLE ticket (id int, email text);
INSERT INTO ticket VALUES (1303, 'fam@x.com'), (1304, NULL);
CREATE FUNCTION clauses() RETURNS identity_clause[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[
  identity_source('app', 'SELECT id, user_id, email FROM evidence_use.app'), identity_source('zendesk', 'SELECT id, email FROM evidence_use.ticket')] $$;

-- In views,
CREATE VIEW links AS SELECT * FROM identity_links(VARIADIC clauses());
CREATE VIEW why AS SELECT step, explanation FROM explain_identity('app', 'ann', 'zendesk', '1303', VARIADIC clauses());
CREATE VIEW picture AS SELECT identity_graph('app', 'ann', VARIADIC clauses()) AS dot;
CREATE VIEW report AS SELECT * FROM identity_report(VARIADIC clauses());
SELECT source, record_id, kind, value, status, linked_records FROM links ORDER BY 1, 2, 3, 4;
SELECT * FROM why;
SELECT dot LIKE 'graph identity {%}%' AS is_a_graph FROM picture;
SELECT * FROM report WHERE metric IN ('records', 'identities');
-- in prepared statements, whose session goes on after an error,
PREPARE why (text, text) AS SELECT step, explanation FROM explain_identity($1, $2, 'zendesk', '1303', VARIADIC clauses());
EXECUTE why('app', 'bob');
EXECUTE why('app', NULL);
EXECUTE why(NULL, 'bob');
EXECUTE why('app', 'zed');
EXECUTE why('shop', 'bob');
EXECUTE why('zendesk', '1303');
PREPARE report (identity_clause[]) AS SELECT count(*) > 20 AS metrics FROM identity_report(VARIADIC $1);
EXECUTE report(clauses());
EXECUTE report(NULL);
EXECUTE report(clauses() || NULL::identity_clause);
EXECUTE report('{}');
SELECT identity_graph('app', NULL, VARIADIC clauses());
SELECT * FROM identity_links(VARIADIC NULL::identity_clause[]);
-- for each row of another query, and in PL/pgSQL.
SELECT a.id, e.explanation FROM app AS a, LATERAL explain_identity('app', a.id, 'zendesk', '1303', VARIADIC clauses()) AS e ORDER BY a.id, e.step;
DO $$
DECLARE
  l record;
BEGIN
  FOR l IN SELECT * FROM identity_links(VARIADIC evidence_use.clauses()) WHERE status = 'ambiguous' ORDER BY source, record_id LOOP
    RAISE NOTICE '% %: % % is %', l.source, l.record_id, l.kind, l.value, l.status;
    EXIT WHEN l.source = 'zendesk';
  END LOOP;
  BEGIN
    PERFORM identity_graph('app', 'zed', VARIADIC evidence_use.clauses());
  EXCEPTION WHEN invalid_parameter_value THEN
    RAISE NOTICE '%, and so it goes on: % metrics', SQLERRM, (SELECT count(*) FROM identity_report(VARIADIC evidence_use.clauses()));
  END;
END $$;

-- Whose rights count: the caller's, with their row-level security.
CREATE ROLE regress_here;
CREATE ROLE regress_nobody;
GRANT USAGE ON SCHEMA evidence_use TO regress_here, regress_nobody;
GRANT SELECT ON app, ticket TO regress_here;
GRANT SELECT ON links TO regress_nobody;
SET ROLE regress_nobody;
SELECT count(*) FROM identity_links(VARIADIC clauses());
SELECT count(*) FROM identity_evidence(VARIADIC clauses());
SELECT * FROM explain_identity('app', 'ann', 'app', 'bob', VARIADIC clauses());
SELECT identity_graph('app', 'ann', VARIADIC clauses());
SELECT * FROM identity_report(VARIADIC clauses());
SELECT count(*) FROM links;
RESET ROLE;
ALTER TABLE app ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app USING (tenant = current_user);
SET ROLE regress_here;
-- Bob is not there: neither in the links nor in the picture, nor as a reason. Without him the mailbox is Ann's.
SELECT source, record_id, kind, status FROM identity_links(VARIADIC clauses()) ORDER BY 1, 2, 3;
SELECT explanation FROM explain_identity('app', 'ann', 'zendesk', '1303', VARIADIC clauses());
SELECT identity_graph('app', 'ann', VARIADIC clauses()) LIKE '%bob%' AS bob_shows;
SELECT * FROM explain_identity('app', 'ann', 'app', 'bob', VARIADIC clauses());
RESET ROLE;

-- The report's numbers against counts that are made otherwise, on random records: some share too much, some have two user ids.
-- The same ones in every version of PostgreSQL.
CREATE FUNCTION dice(n int, what text) RETURNS float LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(md5(n || what), 8))::bit(32)::bigint / 4294967296.0 $$;
CREATE TABLE raw AS
  SELECT (ARRAY['a', 'b', 'c'])[1 + n % 3] AS source, (n / 3)::text AS id,
         CASE WHEN dice(n, 'a') < 0.6 THEN 'u' || floor(dice(n, 'b') * 150) END AS user_id,
         CASE WHEN dice(n, 'c') < 0.7 THEN (ARRAY['m' || floor(dice(n, 'd') * 150) || '@x.com', 'info@x.com', 'no address', 'test@test.com'])[1 + floor(power(dice(n, 'e'), 8) * 4)] END AS email,
         CASE WHEN dice(n, 'f') < 0.3 THEN 'd' || floor(dice(n, 'g') * 80) END AS device_id, 'plan' || floor(dice(n, 'h') * 3) AS plan
  FROM generate_series(0, 599) n;
CREATE TABLE rules AS SELECT ARRAY[
  identity_source('a', $$SELECT id, user_id, email, device_id, plan FROM evidence_use.raw WHERE source = 'a'$$),
  identity_source('b', $$SELECT id, user_id, email, device_id, plan FROM evidence_use.raw WHERE source = 'b'$$),
  identity_source('c', $$SELECT id, user_id, email, device_id, plan FROM evidence_use.raw WHERE source = 'c'$$),
  identity_rule('email', max_records => 8), identity_rule('plan', link => false)] AS clauses;
SET client_min_messages = error;
CREATE TABLE reported AS SELECT * FROM identity_report(VARIADIC (SELECT clauses FROM rules));
CREATE TABLE people AS SELECT * FROM identity_records(VARIADIC (SELECT clauses FROM rules));
CREATE TABLE evidence AS SELECT * FROM identity_links(VARIADIC (SELECT clauses FROM rules));
RESET client_min_messages;
CREATE TABLE counted (metric text, subject text, value numeric);
INSERT INTO counted SELECT 'records', coalesce(source, 'all sources'), count(*) FROM raw GROUP BY ROLLUP (source);
INSERT INTO counted SELECT 'identities', s, (SELECT count(DISTINCT identity_id) FROM people WHERE source = s OR s = 'all sources') FROM unnest('{a,b,c,all sources}'::text[]) AS s;
INSERT INTO counted
  SELECT 'match rate, %', x || ' in any other',
         round(100.0 * (SELECT count(*) FROM people p WHERE p.source = x AND EXISTS (SELECT FROM people q WHERE q.source <> x AND q.identity_id = p.identity_id)) / (SELECT count(*) FROM raw WHERE source = x), 1)
  FROM unnest('{a,b,c}'::text[]) AS x;
INSERT INTO counted SELECT 'records without identifier', source, count(*) FROM people p WHERE NOT EXISTS (SELECT FROM evidence e WHERE (e.source, e.record_id) = (p.source, p.record_id)) GROUP BY source;
INSERT INTO counted SELECT 'duplicate records', source, count(*) - count(DISTINCT identity_id) FROM people GROUP BY source HAVING count(*) > count(DISTINCT identity_id);
INSERT INTO counted SELECT 'identifiers by source', source || ', ' || status, count(*) FROM evidence GROUP BY source, status;
INSERT INTO counted
  SELECT 'largest identities', identity_id || ': ' || string_agg(source || ' ' || n, ', ' ORDER BY source), sum(n)
  FROM (SELECT identity_id, source, count(*) AS n FROM people GROUP BY 1, 2) AS p
  GROUP BY identity_id HAVING sum(n) > 2
  ORDER BY sum(n) DESC, (SELECT row(q.source, length(q.record_id), q.record_id COLLATE "C") FROM people q WHERE q.identity_id = p.identity_id ORDER BY q.source, length(q.record_id), q.record_id COLLATE "C" LIMIT 1) LIMIT 10;
INSERT INTO counted
  SELECT 'identities joined by', CASE cardinality(kinds) WHEN 1 THEN kinds[1] || ' alone' ELSE 'several kinds' END, count(*)
  FROM (SELECT ARRAY(SELECT DISTINCT kind FROM evidence e WHERE e.identity_id = p.identity_id AND e.status = 'links') AS kinds
        FROM people p GROUP BY identity_id HAVING count(*) > 1) AS joined GROUP BY 2;
INSERT INTO counted
  SELECT 'identities of n records', name, (SELECT count(*) FROM (SELECT count(*) AS n FROM people GROUP BY identity_id) AS sizes WHERE n >= low AND n <= high)
  FROM (VALUES ('1', 1, 1), ('2', 2, 2), ('3', 3, 3), ('4 to 5', 4, 5), ('6 to 10', 6, 10), ('11 to 100', 11, 100), ('101 to 1000', 101, 1000), ('more than 1000', 1001, 1000000)) AS ranges(name, low, high);
INSERT INTO counted SELECT 'identifiers', s, (SELECT count(*) FROM evidence WHERE status = s) FROM unnest('{links,alone,invalid,blocked,too_common,conflict,ambiguous,not_linking}'::text[]) AS s;
INSERT INTO counted SELECT 'identifiers', status || ', ' || kind, count(*) FROM evidence GROUP BY 2;
-- How many share a value is counted from the raw table; which statuses it has, from the evidence.
INSERT INTO counted
  SELECT 'most shared', kind || ' ' || value || coalesce(' (' || nullif((SELECT string_agg(DISTINCT status, ', ') FROM evidence e WHERE (e.kind, e.value) = (v.kind, v.value)), 'links') || ')', ''), count(*)
  FROM (SELECT k.kind, k.value FROM raw, LATERAL (VALUES ('user_id', user_id), ('email', email), ('device_id', device_id), ('plan', plan)) AS k(kind, value) WHERE k.value IS NOT NULL) AS v
  GROUP BY v.kind, v.value HAVING count(*) > 1 ORDER BY count(*) DESC, v.kind COLLATE "C", v.value COLLATE "C" LIMIT 20;
SELECT metric, count(*) AS rows, sum(value) > 0 AS some FROM reported GROUP BY 1 ORDER BY 1;
SELECT subject, value > 0 AS some FROM reported WHERE metric = 'identifiers' AND subject NOT LIKE '%,%';
SELECT * FROM reported FULL JOIN counted USING (metric, subject) WHERE reported.value IS DISTINCT FROM counted.value AND metric <> 'held together by';
-- The rates of each two sources.
SET client_min_messages = error;
SELECT count(*) AS pairs, sum(matched) > 0 AS some, count(*) FILTER (WHERE m.records <> (SELECT count(*) FROM people WHERE source = m.source)
    OR m.matched <> (SELECT count(*) FROM people p WHERE p.source = m.source AND EXISTS (SELECT FROM people q WHERE q.source = m.other AND q.identity_id = p.identity_id))
    OR m.share <> round(m.matched::numeric / m.records, 4)) AS wrong
FROM identity_match_rates(VARIADIC (SELECT clauses FROM rules)) AS m;
RESET client_min_messages;
-- What holds an identity together, by taking it away: the records that are not connected with the largest part any more.
CREATE FUNCTION cut_off(identity uuid, bridge text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  parts bigint[];
BEGIN
  CREATE TEMP TABLE edge ON COMMIT DROP AS SELECT source || ' ' || record_id AS record, kind || ' ' || value AS identifier FROM evidence
    WHERE identity_id = identity AND status = 'links' AND 'record ' || source || ' ' || record_id <> bridge AND kind || ' ' || value <> bridge;
  CREATE TEMP TABLE part ON COMMIT DROP AS SELECT source || ' ' || record_id AS record, source || ' ' || record_id AS label FROM people
    WHERE identity_id = identity AND 'record ' || source || ' ' || record_id <> bridge;
  LOOP
    UPDATE part p SET label = l.label FROM (SELECT a.record, min(q.label) AS label FROM edge a JOIN edge b USING (identifier) JOIN part q ON q.record = b.record GROUP BY a.record) AS l
    WHERE l.record = p.record AND l.label < p.label;
    EXIT WHEN NOT FOUND;
  END LOOP;
  parts := ARRAY(SELECT count(*) FROM part GROUP BY label ORDER BY 1 DESC);
  DROP TABLE edge, part;
  RETURN (SELECT sum(n) FROM unnest(parts) AS n) - parts[1];
END $$;
SELECT count(*) > 5 AS some, count(*) FILTER (WHERE value <> cut_off(left(subject, 36)::uuid, regexp_replace(substr(subject, 39), ' \(without.*', ''))) AS wrong FROM reported WHERE metric = 'held together by';

-- Where rows lie in temporary files, and where they lie in memory: the same report, rates and findings.
CREATE TABLE much AS SELECT n AS id, 'u' || n / 2 AS user_id, CASE n % 2 WHEN 0 THEN 'p' || n / 10 || '@x.com' END AS email, repeat('x', 40) || n % 7 AS plan FROM generate_series(1, 60000) n;
CREATE FUNCTION much() RETURNS identity_clause[] LANGUAGE sql AS $$ SELECT ARRAY[identity_source('app', 'SELECT * FROM evidence_use.much'), identity_source('shop', 'SELECT id, upper(user_id) AS user_id, email FROM evidence_use.much WHERE id % 3 = 0'),
  identity_rule('plan', link => false), identity_rule('user_id', max_per_identity => 0)] $$;
CREATE FUNCTION told() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT r::text FROM identity_report(VARIADIC evidence_use.much()) AS r UNION ALL SELECT m::text FROM identity_match_rates(VARIADIC evidence_use.much()) AS m
  UNION ALL SELECT c::text FROM identity_check(VARIADIC evidence_use.much()) AS c UNION ALL SELECT identity_columns(VARIADIC evidence_use.much()) $$;
SET client_min_messages = error;
SET maintenance_work_mem = '256MB';
CREATE TABLE in_memory AS SELECT * FROM told() AS line;
SET maintenance_work_mem = '1MB';
CREATE TABLE in_files AS SELECT * FROM told() AS line;
RESET maintenance_work_mem;
RESET client_min_messages;
SELECT count(*) > 50 AS some, count(*) FILTER (WHERE line LIKE '("held together by"%') > 5 AS bridges FROM in_memory;
(TABLE in_memory EXCEPT ALL TABLE in_files) UNION ALL (TABLE in_files EXCEPT ALL TABLE in_memory);

SET client_min_messages = warning;
DROP SCHEMA evidence_use CASCADE;
DROP ROLE regress_here, regress_nobody;
