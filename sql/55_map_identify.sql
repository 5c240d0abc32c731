-- identify(): what one knows of a user, told to the map in one's own transaction; current at once.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS site CASCADE;
CREATE SCHEMA site;
RESET client_min_messages;
CREATE TABLE site.leads (id int, email text, phone text);
INSERT INTO site.leads VALUES (1, 'jane@x.com', NULL), (2, 'kim@x.com', '+14155552671'), (3, 'lee@x.com', NULL);
SELECT create_identity_map('site.people', identity_source('leads', 'SELECT id, email, phone FROM site.leads'),
  identity_rule('plan', link => false),
  identity_column('identify_id', 'text[]'), identity_column('leads_id', 'int[]'), identity_column('email', 'text[]'),
  identity_column('phone'), identity_column('plan'));

-- Before the first refresh, too.
SELECT identify('site.people', 'u0', '{"email": "zoe@x.com"}') IS NOT NULL AS known;
SELECT identify_id, leads_id, email, phone, plan FROM site.people ORDER BY 1, 2;
CALL refresh_identity_map('site.people');
SELECT identify_id, leads_id, email, phone, plan FROM site.people ORDER BY 1, 2;

-- Jane's address is one of the leads'; her name is nobody's business.
SELECT identify('site.people', 'u1', '{"name": "Jane Kim", "email": "Jane@X.com", "plan": "pro"}') = (SELECT identity_id FROM site.people WHERE 1 = ANY (leads_id)) AS is_jane;
-- A trait replaces, null removes, what is not named stays; arrays are several.
SELECT identify('site.people', 'u1', '{"email": ["kim@x.com", "jane@x.com"]}') IS NOT NULL AS known;
SELECT identify_id, leads_id, email, phone, plan FROM site.people ORDER BY 1, 2;
SELECT event, cardinality(from_ids) AS taken, by_kind, by_value FROM identity_map_history('site.people') WHERE event IN ('merged', 'retired');
SELECT identify('site.people', 'u1', '{"email": null, "phone": "+1 415 555 2671"}') IS NOT NULL AS known;
SELECT identify_id, leads_id, email, phone, plan FROM site.people ORDER BY 1, 2;
-- Nothing new: nothing is written.
SELECT ctid AS place FROM site.people WHERE 'u1' = ANY (identify_id) \gset
SELECT identify('site.people', 'u1', '{"phone": "+1 415 555 2671"}') = identity_id AS same, ctid = :'place' AS untouched FROM site.people WHERE 'u1' = ANY (identify_id);
-- Numbers are as good as texts.
SELECT identify('site.people', 'u2', '{"device_id": 17, "email": "lee@x.com"}') = identify('site.people', 'u3', '{"device_id": ["17", 18]}') AS one;
SELECT identify('site.people', 'u4', '{"device_id": "18"}') = identify('site.people', 'u5', '{}') AS one;

-- It can be undone as anything in a transaction.
BEGIN;
SELECT identify('site.people', 'u9', '{"email": "kim@x.com"}') IS NOT NULL AS known;
ROLLBACK;
SELECT count(*) FROM site.people WHERE 'u9' = ANY (identify_id);

-- A refresh keeps what was told, and a full resolve sees it.
CALL refresh_identity_map('site.people');
SELECT last_changes -> 'changed' AS changed FROM identity_maps;
SELECT identify_id, leads_id, email, phone, plan FROM site.people ORDER BY 1, 2;
CALL refresh_identity_map('site.people', full => true);
SELECT last_changes -> 'updated' AS updated FROM identity_maps;
SELECT count(*) AS identities FROM (SELECT DISTINCT identity_id FROM identity_records(VARIADIC identity_map_clauses('site.people'))) AS r;
SELECT count(*) FROM site.people;

-- What is no identifier.
SELECT identify('site.people', 'u6', '{"email": {"work": "x@x.com"}}');
SELECT identify('site.people', 'u6', '{"email": [["x@x.com"]]}');
SELECT identify('site.people', 'u6', '["email"]');
SELECT identify('site.people', NULL, '{}');
SELECT identify('site.people', ' ', '{}');
SELECT identify('site.people', 'u6', NULL);
SELECT identify('site.leads', 'u6', '{}');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT identify('site.people', 'u6', '{}');
ROLLBACK;

-- A user is one person unless a rule says otherwise. A value that more records carry than max_records links nobody, and links again when fewer do.
SELECT alter_identity_map('site.people', identity_rule('device_id', max_records => 2),
  identity_rule('user_id', max_per_identity => 0));
CALL refresh_identity_map('site.people');
SELECT identify_id FROM site.people WHERE identify_id IS NOT NULL ORDER BY 1;
SELECT identify('site.people', 'u6', '{"device_id": "17"}') IS NOT NULL AS known;
SELECT identify_id FROM site.people WHERE identify_id IS NOT NULL ORDER BY 1;
SELECT identify('site.people', 'u6', '{"device_id": "99"}') IS NOT NULL AS known;
SELECT identify_id FROM site.people WHERE identify_id IS NOT NULL ORDER BY 1;
SELECT drop_identity_map('site.people');

-- What one call says may concern thousands: then they are joined as a refresh joins them. Two accounts with one address keep
-- all apart who only share it; without the second they are one again.
CREATE TABLE site.shared AS SELECT n AS id, 'all@x.com' AS email FROM generate_series(1, 3000) AS n;
SELECT create_identity_map('site.crowd', identity_source('shared', 'SELECT id, email FROM site.shared'),
  identity_rule('email', max_records => 0, role_max_records => 0), identity_column('shared_id', 'int[]'), identity_column('identify_id', 'text[]'));
CALL refresh_identity_map('site.crowd');
CREATE PROCEDURE site.as_resolved(OUT identities bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
BEGIN
  SELECT count(DISTINCT identity_id) INTO identities FROM site.crowd;
  SELECT count(*) INTO differ
  FROM (SELECT array_agg(r ORDER BY r COLLATE "C") AS records
        FROM (SELECT identity_id, source || ' ' || record_id AS r FROM identity_records(VARIADIC identity_map_clauses('site.crowd'))) AS r
        GROUP BY identity_id) AS n
  FULL JOIN (SELECT ARRAY(SELECT x.r FROM (SELECT 'identify ' || unnest(p.identify_id) UNION ALL SELECT 'shared ' || unnest(p.shared_id)) AS x (r)
                          ORDER BY x.r COLLATE "C") AS records FROM site.crowd AS p) AS k USING (records)
  WHERE n.records IS NULL OR k.records IS NULL;
END $$;
SELECT identify('site.crowd', 'u1', '{"email": "all@x.com"}') IS NOT NULL AS known;
CALL site.as_resolved(NULL, NULL);
SELECT identify('site.crowd', 'u2', '{"email": "all@x.com"}') IS NOT NULL AS known;
CALL site.as_resolved(NULL, NULL);
SELECT forget('site.crowd', 'identify', 'u2');
CALL site.as_resolved(NULL, NULL);
SELECT event, count(*) FROM identity_map_history('site.crowd') GROUP BY event ORDER BY event;
SELECT bool_and(setting = reset_val) AS settings_as_before FROM pg_settings WHERE name IN ('work_mem', 'random_page_cost', 'enable_hashjoin', 'enable_seqscan');
-- The session keeps the plans of a map's statements, up to a number; they are made anew where the map's tables change.
BEGIN;
SELECT count(*) FROM generate_series(1, 600) AS n WHERE identity_internal.identity_map_execute(format('SELECT %s + $1', n), 1) = (n + 1)::text;
SELECT identify('site.crowd', 'u3', '{"email": "all@x.com"}') IS NOT NULL AS known;
SELECT count(*) FROM generate_series(1, 600) AS n WHERE identity_internal.identity_map_execute(format('SELECT %s + $1', n), 1) = (n + 1)::text;
COMMIT;
CALL site.as_resolved(NULL, NULL);
SELECT alter_identity_map('site.crowd', identity_rule('badge'), identity_source('shared', 'SELECT id, email, ''b'' || id AS badge FROM site.shared'));
CALL refresh_identity_map('site.crowd');
SELECT identify('site.crowd', 'u3', '{"email": "u3@x.com", "badge": "B7"}') IS NOT NULL AS known;
CALL site.as_resolved(NULL, NULL);
SELECT identify('site.crowd', 'u4', '{"badge": ["x4", "b8"]}') AS u4 \gset
SELECT identity_id = :'u4' AS is_8 FROM site.crowd WHERE 8 = ANY (shared_id);
CALL site.as_resolved(NULL, NULL);
SELECT drop_identity_map('site.crowd');
SET client_min_messages = warning;
DROP SCHEMA site CASCADE;
