-- What identity_discover() says of one layout, against the answer sheet. 32_discover.sh lays it out, sets data, loader, seed, manifest, answers, exceptions
-- (and truth for the company) and counts the lines.
SET client_min_messages = error;
CREATE TEMP TABLE manifest (relation text, origin text, variant text);
COPY manifest FROM :'manifest' WITH (FORMAT csv, FORCE_NOT_NULL (variant));
CREATE TEMP TABLE answer (data text, origin text, tool text, verdict text, kinds text, may text, why text);
COPY answer FROM :'answers' WITH (FORMAT csv, HEADER);
CREATE TEMP TABLE exception (data text, loader text, origin text, fault text, reason text);
COPY exception FROM :'exceptions' WITH (FORMAT csv, HEADER);

-- What else is in a warehouse: a view of each table of people, and copies of some, as dbt makes them. None of them is in the manifest.
\if :{?truth}
CREATE SCHEMA analytics;
CREATE SCHEMA dbt_prod;
DO $$
DECLARE
  people record;
BEGIN
  FOR people IN SELECT m.relation, concat_ws('_', replace(m.origin, '/', '__'), nullif(m.variant, ''), nullif(row_number() OVER (PARTITION BY m.origin, m.variant ORDER BY m.relation), 1)) AS name FROM manifest AS m JOIN answer AS a ON a.origin = m.origin AND a.data = 'company' AND a.verdict = 'people' WHERE m.variant <> 'raw' LOOP
    EXECUTE format('CREATE VIEW analytics.%I AS SELECT * FROM %s', 'stg_' || people.name, people.relation);
    IF people.name ~ '^(zendesk|stripe|salesforce)' THEN
      EXECUTE format('CREATE TABLE dbt_prod.%I AS SELECT * FROM %s', 'stg_' || people.name, people.relation);
    END IF;
  END LOOP;
END $$;
-- One table that the caller may not read, and a schema that they may not even look into.
CREATE SCHEMA payroll;
CREATE TABLE payroll.employees AS SELECT n AS id, 'employee' || n || '@made-up.example' AS email FROM generate_series(1, 50) AS n;
CREATE SCHEMA closed;
CREATE TABLE closed.users AS SELECT * FROM payroll.employees;
ANALYZE;
\endif

-- The caller is an analyst, with no right but to read.
DO $$
DECLARE
  place name;
BEGIN
  FOR place IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'identity_internal', 'closed') LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO analyst', place);
    IF place <> 'payroll' THEN EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO analyst', place); END IF;
  END LOOP;
END $$;
GRANT CREATE ON SCHEMA public TO analyst;
GRANT SELECT ON manifest, answer, exception TO analyst;
SET ROLE analyst;


CREATE TEMP TABLE clock AS SELECT clock_timestamp() AS began;
CREATE TEMP TABLE found AS SELECT * FROM identity_discover();
CREATE TEMP TABLE again AS SELECT * FROM identity_discover();
SELECT format('# %s by %s, seed %s: two looks at %s relations in %s s', :'data', :'loader', :'seed', (SELECT count(DISTINCT relation) FROM found), round(extract(epoch FROM clock_timestamp() - began)::numeric, 1)) FROM clock;

-- One row a relation that was laid out, with what is right and what was found. A tool's own kind, the ids of its records, is written "own" in the answers;
-- it may always be there.
CREATE TEMP TABLE verdict AS
SELECT m.origin, m.variant, m.relation, a.tool, a.verdict, string_to_array(a.kinds, ' ') AS kinds, string_to_array(concat_ws(' ', 'own', a.kinds, a.may), ' ') AS may,
       f.source, f.tool AS found_tool, f.query, f.confidence, f.left_out, f.source IS NOT NULL AND f.left_out IS NULL AS is_source, f.why,
       ARRAY(SELECT DISTINCT CASE kind WHEN 'salesforce' THEN 'salesforce_id' WHEN f.tool THEN 'own' ELSE kind END FROM unnest(f.kinds) AS kind) AS found_kinds
FROM manifest AS m JOIN answer AS a ON a.data = :'data' AND a.origin = m.origin LEFT JOIN found AS f ON f.relation = m.relation::regclass;

CREATE TEMP TABLE fault (fault text, origin text, detail text);
INSERT INTO fault SELECT 'no answer', origin, relation FROM manifest WHERE origin NOT IN (SELECT origin FROM answer WHERE data = :'data');
INSERT INTO fault SELECT 'unstable', coalesce(f.relation, a.relation)::text, 'differs in a second look'
  FROM (SELECT DISTINCT f.relation, f::text AS said FROM found AS f) AS f FULL JOIN (SELECT DISTINCT a.relation, a::text AS said FROM again AS a) AS a USING (relation, said) WHERE f.said IS NULL OR a.said IS NULL;
-- Nothing that is no person, no copy, and no event is sure to be a source.
INSERT INTO fault SELECT 'sure of what is none', origin, concat_ws(' ', relation, source, found_tool, why)
  FROM verdict WHERE is_source AND confidence = 'sure' AND (verdict IN ('no', 'copy', 'either') OR verdict = 'pairs' AND query !~* '\m(distinct|group by)\M');
INSERT INTO fault SELECT 'another tool', origin, concat_ws(' ', relation, found_tool, 'for', tool) FROM verdict WHERE is_source AND confidence = 'sure' AND found_tool IS DISTINCT FROM tool;
INSERT INTO fault SELECT 'wrong kind', origin, concat_ws(' ', relation, array_to_string(found_kinds, ' '), 'for', array_to_string(may, ' '))
  FROM verdict WHERE is_source AND confidence IN ('sure', 'likely') AND NOT found_kinds <@ may;
INSERT INTO fault SELECT 'copy taken', relation::text, concat_ws(' ', source, confidence, why) FROM found WHERE left_out IS NULL AND confidence = 'sure' AND relation NOT IN (SELECT m.relation::regclass FROM manifest AS m);
\if :{?truth}
INSERT INTO fault SELECT 'rights', coalesce(relation, 'payroll.employees'), left_out FROM (SELECT 1) AS one LEFT JOIN (SELECT relation::text, source, left_out FROM found WHERE relation::text ~ '^(payroll|closed)\.') AS f ON true
  WHERE relation IS DISTINCT FROM 'payroll.employees' OR source IS NOT NULL OR left_out IS NULL;
\endif
-- A lead of Intercom's has no id of ours.
INSERT INTO fault SELECT 'wrong kind', origin, relation || ' takes user_id' FROM verdict WHERE is_source AND variant = 'leads' AND 'user_id' = ANY (found_kinds);
-- The raw tables beside Airbyte's typed ones are the same rows again.
INSERT INTO fault SELECT 'raw copy', origin, relation FROM verdict WHERE variant = 'raw' AND is_source AND confidence = 'sure' AND EXISTS (
  SELECT FROM verdict AS v WHERE v.origin = verdict.origin AND v.variant <> 'raw' AND v.is_source);
INSERT INTO fault SELECT 'not listed', origin, relation FROM verdict WHERE source IS NULL AND left_out IS NULL AND verdict IN ('people', 'twin');
INSERT INTO fault SELECT 'no reason', origin, relation FROM verdict WHERE source IS NULL AND btrim(left_out) = '';

-- What has to be found: each kind of each table of people; of several copies, of one of them.
CREATE TEMP TABLE link AS
SELECT DISTINCT CASE verdict WHEN 'twin' THEN tool || ' (of two copies)' ELSE origin END AS origin, tool, kind, origin AS at FROM verdict, unnest(kinds) AS kind
WHERE verdict IN ('people', 'twin', 'pairs') AND variant NOT IN ('raw') AND NOT (variant = 'leads' AND kind = 'user_id');
CREATE TEMP TABLE linked AS
SELECT l.origin, l.tool, l.kind, coalesce(bool_or(v.is_source AND l.kind = ANY (v.found_kinds) AND v.confidence IN ('sure', 'likely')), false) AS is_found,
       coalesce(bool_or(v.is_source AND l.kind = ANY (v.found_kinds) AND v.confidence = 'sure'), false) AS is_sure
FROM link AS l LEFT JOIN verdict AS v ON v.origin = l.at GROUP BY 1, 2, 3;
INSERT INTO fault SELECT 'missed', origin, kind FROM linked WHERE NOT is_found;
INSERT INTO fault SELECT 'missed as sure', origin, kind FROM linked WHERE is_found AND NOT is_sure AND tool IS NOT NULL AND tool <> 'production';

CREATE TEMP TABLE excused AS
SELECT DISTINCT f.* FROM fault AS f JOIN exception AS e ON e.data = :'data' AND (e.loader = '*' OR e.loader = :'loader') AND (e.origin = '*' OR e.origin = f.origin) AND e.fault = f.fault;
SELECT format('# excused: %s: %s: %s', fault, origin, detail) FROM excused ORDER BY 1;
SELECT format('# %s: %s: %s', fault, origin, detail) FROM (SELECT * FROM fault EXCEPT SELECT * FROM excused) AS f ORDER BY 1;
CREATE FUNCTION pg_temp.none(what text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s - %s: %s', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'not ok' END, what, count(*)) FROM (SELECT * FROM fault EXCEPT SELECT * FROM excused) AS f WHERE fault = what $$;
SELECT pg_temp.none(what) FROM unnest(ARRAY['no answer', 'unstable', 'sure of what is none', 'another tool', 'wrong kind', 'raw copy', 'copy taken', 'rights', 'not listed', 'no reason']) AS what;
-- A few rows of a file prove little, so that only the company's have to be sure.
SELECT format('%s - links found: %s of %s, of which sure %s', CASE WHEN count(*) FILTER (WHERE is_found) >= 0.95 * count(*) AND count(*) FILTER (WHERE is_sure OR :'data' = 'saas') >= 0.95 * count(*) THEN 'ok' ELSE 'not ok' END,
              count(*) FILTER (WHERE is_found), count(*), count(*) FILTER (WHERE is_sure)) FROM linked
WHERE (origin, kind) NOT IN (SELECT origin, detail FROM excused WHERE fault = 'missed');
SELECT format('%s - sources found, sure: %s, likely: %s', CASE WHEN count(*) FILTER (WHERE confidence = 'sure') > 0 THEN 'ok' ELSE 'not ok' END,
              count(*) FILTER (WHERE confidence = 'sure'), count(*) FILTER (WHERE confidence = 'likely')) FROM verdict WHERE is_source;

-- Person by person ---------------------------------------------------------------------------------------------------------------------------
-- What the sources that are sure, and those that are likely as well, make of the rows.
CREATE TEMP TABLE people AS
SELECT confidence, r.source, r.record_id, r.identity_id, f.tool, m.origin
FROM unnest(ARRAY['sure', 'likely']) AS confidence
  CROSS JOIN LATERAL identity_records(VARIADIC identity_discovered(confidence => confidence)) AS r
  LEFT JOIN (SELECT DISTINCT ON (source) source, tool, relation FROM found WHERE left_out IS NULL ORDER BY source) AS f USING (source)
  LEFT JOIN manifest AS m ON m.relation::regclass = f.relation;

\if :{?truth}
CREATE TEMP TABLE truth (tool text, id text, person int, item text);
COPY truth FROM :'truth' WITH (FORMAT csv, HEADER);
DELETE FROM truth WHERE tool NOT IN (SELECT split_part(origin, '/', 1) FROM manifest);
-- Without what the exceptions say of whole tables.
DELETE FROM truth WHERE tool IN (SELECT split_part(origin, '/', 1) FROM excused WHERE fault = 'missed as sure');
CREATE TEMP TABLE found_person AS
SELECT DISTINCT p.confidence, t.tool, t.item, t.person, p.identity_id FROM truth AS t JOIN people AS p ON split_part(p.origin, '/', 1) = t.tool AND p.record_id = t.id;
CREATE TEMP TABLE gone (tool text, id text);
COPY gone FROM :'gone' WITH (FORMAT csv, HEADER);
SELECT format('%s - records of staff, or deleted: %s%s', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'not ok' END, count(*), ' ' || min(p.source || ' ' || p.record_id))
FROM people AS p JOIN gone AS g ON g.tool = split_part(p.origin, '/', 1) AND g.id = p.record_id;
SELECT format('%s - identities of two people, %s: %s', CASE WHEN count(wrong.confidence) = 0 THEN 'ok' ELSE 'not ok' END, c, count(wrong.confidence))
FROM unnest(ARRAY['sure', 'likely']) AS c LEFT JOIN (SELECT confidence, identity_id FROM found_person GROUP BY 1, 2 HAVING count(DISTINCT person) > 1) AS wrong ON wrong.confidence = c GROUP BY c ORDER BY c DESC;
-- Of n records of one person in k identities, n - k are joined. Records that no source brings are an identity each.
SELECT format('%s - records joined, %s: %s of %s', CASE WHEN sum(coalesce(joined, 0)) >= 0.95 * sum(n - 1) THEN 'ok' ELSE 'not ok' END, c, sum(coalesce(joined, 0)), sum(n - 1))
FROM unnest(ARRAY['sure', 'likely']) AS c CROSS JOIN (SELECT person, count(DISTINCT (tool, item)) AS n FROM truth GROUP BY 1) AS t
  LEFT JOIN (SELECT confidence AS c, person, count(DISTINCT (tool, item)) - count(DISTINCT identity_id) AS joined FROM found_person GROUP BY 1, 2) AS j USING (c, person)
GROUP BY c ORDER BY c DESC;
SELECT format('# apart: %s: %s', c, string_agg(tool || ' ' || n, ', ' ORDER BY n DESC, tool))
FROM (SELECT c, tool, count(*) AS n
      FROM (SELECT c, tool, item FROM unnest(ARRAY['sure', 'likely']) AS c CROSS JOIN truth EXCEPT SELECT confidence, tool, item FROM found_person) AS missing GROUP BY 1, 2) AS missing
GROUP BY c ORDER BY c DESC;
\else
-- Made by different hands, these tools share nobody. What is a copy of another file, or of the same maker, is one.
SELECT format('%s - identities that span tools which share nobody, %s: %s', CASE WHEN count(wrong.confidence) = 0 THEN 'ok' ELSE 'not ok' END, c, count(wrong.confidence))
FROM unnest(ARRAY['sure', 'likely']) AS c LEFT JOIN (
  SELECT confidence, identity_id FROM people GROUP BY 1, 2
  HAVING count(DISTINCT coalesce(tool, split_part(origin, '/', 1))) FILTER (WHERE split_part(origin, '/', 1) NOT IN ('shopify', 'klaviyo')) > 1) AS wrong ON wrong.confidence = c GROUP BY c ORDER BY c DESC;
\endif

\if :{?by_hand}
-- The same clauses, written by hand: the sure sources make the same identities of the same records.
\ir :by_hand
SELECT format('%s - records by hand: %s, of which discovery has %s; identities: %s and %s, overlapping in %s pairs',
              CASE WHEN count(*) > 0 AND count(*) = count(f.identity_id) AND count(DISTINCT h.identity_id) = ALL (ARRAY[count(DISTINCT f.identity_id), count(DISTINCT (h.identity_id, f.identity_id))]) THEN 'ok' ELSE 'not ok' END,
              count(*), count(f.identity_id), count(DISTINCT h.identity_id), count(DISTINCT f.identity_id), count(DISTINCT (h.identity_id, f.identity_id)) FILTER (WHERE f.identity_id IS NOT NULL))
FROM (SELECT DISTINCT t.tool, t.item, b.identity_id FROM by_hand AS b JOIN truth AS t ON t.tool = b.tool AND t.id = b.record_id) AS h
  LEFT JOIN (SELECT * FROM found_person WHERE confidence = 'sure') AS f USING (tool, item);
SELECT format('%s - user ids that are nobody''s: %s%s', CASE WHEN count(DISTINCT value) = 0 THEN 'ok' ELSE 'not ok' END, count(DISTINCT value), ' ' || min(source || ' ' || value))
FROM identity_links(VARIADIC identity_discovered()) WHERE kind = 'user_id' AND status <> 'blocked' AND value NOT IN (SELECT id FROM truth WHERE tool = 'production');
SELECT create_identity_map('people_map', VARIADIC identity_discovered()) IS NULL AS created \gset
CALL refresh_identity_map('people_map');
SELECT format('%s - identities of the map: %s', CASE WHEN count(*) = (SELECT count(DISTINCT identity_id) FROM people WHERE confidence = 'sure') AND count(*) > 100 THEN 'ok' ELSE 'not ok' END, count(*)) FROM people_map;
\endif

-- The statement ----------------------------------------------------------------------------------------------------------------------------------
-- Run as it is, it makes the table that identity_discovered() makes.
SELECT identity_suggest() AS suggestion \gset
:suggestion
SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) AS definition FROM pg_attribute WHERE attrelid = 'user_identities'::regclass AND attnum > 0 AND NOT attisdropped \gset
CREATE TEMP TABLE discovered AS SELECT * FROM resolve_identities(VARIADIC identity_discovered()) AS (:definition);
SELECT format('%s - rows of the suggestion: %s, other than of the discovered clauses: %s', CASE WHEN count(*) FILTER (WHERE place IS NULL) > 0 AND count(place) = 0 THEN 'ok' ELSE 'not ok' END, count(*) FILTER (WHERE place IS NULL), count(place))
FROM (SELECT NULL AS place FROM user_identities UNION ALL
      SELECT 1 FROM (SELECT to_jsonb(u)::text FROM user_identities AS u EXCEPT SELECT to_jsonb(d)::text FROM discovered AS d) AS a UNION ALL
      SELECT 2 FROM (SELECT to_jsonb(d)::text FROM discovered AS d EXCEPT SELECT to_jsonb(u)::text FROM user_identities AS u) AS b) AS all_rows;
