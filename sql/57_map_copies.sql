-- How a refresh finds the rows that are gone: those of records of which a row came by these records, others by their
-- fingerprints, beside which stands whose they are. Whatever becomes of that, it finds the same.
SET client_min_messages = warning;
CREATE SCHEMA copies;
CREATE TABLE copies.app (id text PRIMARY KEY, email text);
CREATE TABLE copies.desk (id text, email text);
INSERT INTO copies.app SELECT 'u' || n, 'u' || n || '@x.com' FROM generate_series(1, 100) AS n;
-- Of several rows each.
INSERT INTO copies.desk SELECT 'd' || n, k || n || '@x.com' FROM generate_series(1, 20) AS n CROSS JOIN unnest('{u,v,w}'::text[]) AS k;
SELECT create_identity_map('copies.people', identity_source('app', 'SELECT id, email FROM copies.app', on_loss => 'allow'), identity_source('desk', 'SELECT id, email FROM copies.desk'),
  identity_column('app_id', 'text[]'), identity_column('desk_id', 'text[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('copies.people');
RESET client_min_messages;
SELECT format('identity_state.m%s_prints', map_id) AS prints, format('identity_state.m%s_places', map_id) AS places,
       format('identity_state.m%s_identities', map_id) AS identities FROM identity_internal.identity_map_catalog \gset

-- Refreshes; says how many records changed, whether the map is what a full resolve gives, and whether all of its state says
-- the same.
CREATE PROCEDURE copies.look(OUT changed bigint, OUT identities bigint, OUT differ bigint, OUT state_differs text) LANGUAGE plpgsql AS $$
DECLARE m identity_internal.identity_map_catalog := (SELECT c FROM identity_internal.identity_map_catalog AS c);
BEGIN
  CALL refresh_identity_map('copies.people');
  SELECT (c.last_changes -> 'changed')::bigint INTO changed FROM identity_maps AS c;
  SELECT count(*) INTO identities FROM copies.people;
  SELECT count(*) INTO differ FROM (
    (SELECT app_id, desk_id, email FROM copies.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('copies.people')) AS (app_id text[], desk_id text[], email text[]))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('copies.people')) AS (app_id text[], desk_id text[], email text[]) EXCEPT ALL SELECT app_id, desk_id, email FROM copies.people)) AS d;
  state_differs := identity_internal.identity_map_differences(m.map_id);
END $$;
CALL copies.look(NULL, NULL, NULL, NULL);

-- A row goes, and another one of its record stays; one comes beside others; one is changed; all of a record go.
DELETE FROM copies.desk WHERE email = 'v1@x.com';
CALL copies.look(NULL, NULL, NULL, NULL);
INSERT INTO copies.desk VALUES ('d2', 'u3@x.com');
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE copies.desk SET email = 'u4@x.com' WHERE email = 'v5@x.com';
CALL copies.look(NULL, NULL, NULL, NULL);
DELETE FROM copies.desk WHERE id = 'd6';
CALL copies.look(NULL, NULL, NULL, NULL);
-- The same value in two rows of a record: when one of them goes it is carried all the same.
ALTER TABLE copies.desk ADD COLUMN note text;
INSERT INTO copies.desk VALUES ('d7', 'u7@x.com', 'again');
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE copies.desk SET email = 'x7@x.com' WHERE note = 'again';
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE copies.desk SET email = 'u7@x.com' WHERE note = 'again';
CALL copies.look(NULL, NULL, NULL, NULL);

-- Records of one row: one goes, one is changed, one comes; then most of them.
DELETE FROM copies.app WHERE id = 'u1';
UPDATE copies.app SET email = 'u2@x.com' WHERE id = 'u3';
INSERT INTO copies.app VALUES ('u101', 'u4@x.com');
CALL copies.look(NULL, NULL, NULL, NULL);
DELETE FROM copies.app WHERE id IN (SELECT 'u' || n FROM generate_series(30, 100) AS n);
CALL copies.look(NULL, NULL, NULL, NULL);
INSERT INTO copies.app SELECT 'u' || n, 'u' || n || '@x.com' FROM generate_series(30, 100) AS n;
CALL copies.look(NULL, NULL, NULL, NULL);

-- Whose the fingerprints are is not known, or is not so: a refresh that needs it says so, and a full one mends it.
UPDATE :prints SET came_rids = NULL;
DELETE FROM copies.app WHERE id = 'u30';
DELETE FROM copies.desk WHERE id = 'd8';
\set VERBOSITY terse
CALL refresh_identity_map('copies.people');
\set VERBOSITY default
CALL refresh_identity_map('copies.people', full => true);
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE :prints SET came_rids = overlay(came PLACING '\x00' FROM 1) WHERE came IS NOT NULL;
DELETE FROM copies.app WHERE id = 'u31';
DELETE FROM copies.desk WHERE id = 'd9' AND email = 'u9@x.com';
\set VERBOSITY terse
CALL refresh_identity_map('copies.people');
\set VERBOSITY default
CALL refresh_identity_map('copies.people', full => true);
CALL copies.look(NULL, NULL, NULL, NULL);

-- Ids that were not unique become so, and a row goes while another one of its record stays as it was.
DELETE FROM copies.desk WHERE email LIKE 'v%' OR email LIKE 'w%' AND id <> 'd12' OR note = 'again' OR email IN ('u3@x.com', 'u4@x.com') AND id <> 'd3' AND id <> 'd4';
CALL copies.look(NULL, NULL, NULL, NULL);
DELETE FROM copies.desk WHERE email = 'w12@x.com';
ALTER TABLE copies.desk ADD PRIMARY KEY (id);
CALL copies.look(NULL, NULL, NULL, NULL);
SELECT count(*) FROM copies.people WHERE desk_id && '{d12}';
ALTER TABLE copies.desk DROP CONSTRAINT desk_pkey;
INSERT INTO copies.desk (id, email) VALUES ('d12', 'u13@x.com'), ('d13', 'u14@x.com');
CALL copies.look(NULL, NULL, NULL, NULL);
-- Two rows in the place of which one came.
DELETE FROM copies.desk WHERE id IN ('d12', 'd13');
INSERT INTO copies.desk VALUES ('d12', 'u14@x.com'), ('d13', 'u15@x.com');
ALTER TABLE copies.desk ADD PRIMARY KEY (id);
CALL copies.look(NULL, NULL, NULL, NULL);

-- A state that contradicts itself, as somebody has laid hands on it: a full refresh reads all of it anew, and who is known
-- keeps the id.
SELECT identity_id AS known FROM copies.people WHERE app_id && '{u50}' \gset
DELETE FROM :identities WHERE identity_id = (SELECT identity_id FROM copies.people WHERE app_id && '{u51}');
DELETE FROM :places;
UPDATE copies.app SET email = 'other52@x.com' WHERE id = 'u52';
UPDATE copies.app SET email = 'u51@x.com' WHERE id = 'u50';
\set VERBOSITY terse
CALL refresh_identity_map('copies.people');
CALL refresh_identity_map('copies.people', full => true);
\set VERBOSITY default
CALL copies.look(NULL, NULL, NULL, NULL);
SELECT identity_id = :'known' AS is_known, app_id, email FROM copies.people WHERE app_id && '{u50,u51,u52}' ORDER BY 2;

-- Packs that end too early, of identities that merge with others: what cannot be read says nothing of who they were.
UPDATE copies.app SET email = 'u60@x.com' WHERE id = 'u61';
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE copies.app SET email = 'u60@x.com' WHERE id = 'u62';
UPDATE copies.app SET email = 'u64@x.com' WHERE id = 'u63';
UPDATE :identities SET packed = substr(packed, 1, length(packed) - 1)
WHERE identity_id IN (SELECT identity_id FROM copies.people WHERE app_id && '{u60,u63}');
\set VERBOSITY terse
CALL refresh_identity_map('copies.people', full => true);
\set VERBOSITY default
CALL copies.look(NULL, NULL, NULL, NULL);
SELECT app_id, email FROM copies.people WHERE app_id && '{u60,u61,u62,u63,u64}' ORDER BY 1;

-- More than memory holds: so many ids that the records are not looked up beforehand, and so many records that all are.
INSERT INTO copies.app SELECT repeat('long', 50) || n, 'l' || n || '@x.com' FROM generate_series(1, 8000) AS n;
CALL copies.look(NULL, NULL, NULL, NULL);
SET maintenance_work_mem = '1MB';
UPDATE copies.app SET email = 'm' || email WHERE id LIKE 'long%' AND right(id, 1) IN ('1', '2');
DELETE FROM copies.app WHERE id LIKE 'long%99';
CALL copies.look(NULL, NULL, NULL, NULL);
UPDATE copies.app SET email = 'n' || email WHERE id LIKE 'long%' AND right(id, 1) NOT IN ('3', '4');
CALL copies.look(NULL, NULL, NULL, NULL);
DELETE FROM copies.app WHERE id LIKE 'long%';
CALL copies.look(NULL, NULL, NULL, NULL);
RESET maintenance_work_mem;

SELECT drop_identity_map('copies.people');
SET client_min_messages = warning;
DROP SCHEMA copies CASCADE;
