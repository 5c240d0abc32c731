-- Records that come back are the people again that they were: an id that was retired because all of its records had gone is given again.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA revived;
SET search_path = revived, public;
CREATE TABLE crm (id text PRIMARY KEY, email text, user_id text);
CREATE TABLE shop (id int PRIMARY KEY, email text, user_id text);
INSERT INTO crm VALUES ('ann', 'ann@x.com', 'u1'), ('bob', 'bob@x.com', 'u2'), ('cyd', 'cyd@x.com', NULL), ('dan', 'dan@x.com', NULL);
INSERT INTO shop VALUES (1, 'ann@x.com', NULL), (2, 'bob@y.com', 'u2'), (3, 'eve@x.com', NULL);
-- Many others, so that what follows is a small part of the map.
INSERT INTO shop SELECT n, format('other%s@x.com', n), NULL FROM generate_series(100, 600) AS n;
SELECT create_identity_map('people', identity_source('crm', 'SELECT id, email, user_id FROM revived.crm', on_loss => 'allow'), identity_source('shop', 'SELECT id, email, user_id FROM revived.shop', on_loss => 'allow'),
  identity_column('crm_id', 'text[]'), identity_column('shop_id', 'int[]'));
CALL refresh_identity_map('people');
CREATE TABLE names AS SELECT identity_id, coalesce(crm_id[1], shop_id[1]::text) AS name FROM people;
-- The people of now by the names that their ids had at first; what happened since; what the map remembers of records that are gone.
CREATE VIEW now AS SELECT coalesce(n.name, 'somebody new') AS who, p.crm_id, p.shop_id FROM people AS p LEFT JOIN names AS n USING (identity_id)
  WHERE p.shop_id IS NULL OR p.shop_id[1] < 100 ORDER BY p.crm_id, p.shop_id;
CREATE FUNCTION called(id uuid) RETURNS text LANGUAGE sql STABLE AS $$ SELECT CASE WHEN id IS NOT NULL THEN coalesce((SELECT name FROM revived.names WHERE identity_id = id), 'somebody new') END $$;
CREATE VIEW told AS SELECT event, called(identity_id) AS who, ARRAY(SELECT called(f) FROM unnest(from_ids) AS f ORDER BY 1) AS from_them, called(into_id) AS into_them, by_kind, by_value
  FROM identity_map_history('people', (SELECT last_refresh FROM identity_maps WHERE map = 'revived.people'));
SELECT format('identity_state.m%s_gone', map_id) AS gone, format('identity_state.m%s_retired', map_id) AS retired FROM identity_internal.identity_map_catalog \gset
TABLE now;

-- Gone, and back: in part, then the rest.
DELETE FROM crm WHERE id IN ('ann', 'cyd');
DELETE FROM shop WHERE id = 1;
CALL refresh_identity_map('people');
TABLE told;
SELECT count(*) AS remembered FROM :gone;
SELECT count(*) FILTER (WHERE identity_current('people', identity_id) IS NULL) AS nobody FROM names WHERE name IN ('ann', 'cyd');
INSERT INTO crm VALUES ('cyd', 'cyd@x.com', NULL);
INSERT INTO shop VALUES (1, 'ann@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
SELECT last_changes -> 'revived' AS revived, last_changes -> 'created' AS created FROM identity_maps WHERE map = 'revived.people';
INSERT INTO crm VALUES ('ann', 'ann@x.com', 'u1');
CALL refresh_identity_map('people');
TABLE told;
TABLE now;
SELECT (SELECT count(*) FROM :gone) AS remembered, (SELECT count(*) FROM :retired) AS retired;
-- One record of two went, and is back with another address: its person never was away, so it is somebody new.
DELETE FROM crm WHERE id = 'ann';
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('ann', 'ann@z.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
UPDATE crm SET email = 'ann@x.com' WHERE id = 'ann';
CALL refresh_identity_map('people');
TABLE now;

-- Two that are back as one: the one with most records, as among the living.
DELETE FROM crm WHERE id IN ('bob', 'cyd');
DELETE FROM shop WHERE id = 2;
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('bob', 'bob@x.com', 'u2'), ('cyd', 'bob@x.com', NULL);
INSERT INTO shop VALUES (2, 'bob@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
TABLE now;
SELECT name, called(identity_current('people', identity_id)) FROM names WHERE name IN ('bob', 'cyd') ORDER BY 1;
-- One that is back as two: the larger part.
DELETE FROM crm WHERE id IN ('bob', 'cyd');
DELETE FROM shop WHERE id = 2;
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('bob', 'bob@x.com', NULL), ('cyd', 'cyd@x.com', NULL);
INSERT INTO shop VALUES (2, 'bob@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
TABLE now;

-- Who is back among people who are there is one of them, though he brings more records: an id that is in use stays.
DELETE FROM crm WHERE id = 'bob';
DELETE FROM shop WHERE id = 2;
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('bob', 'dan@x.com', 'u2');
INSERT INTO shop VALUES (2, 'bob@y.com', 'u2');
CALL refresh_identity_map('people');
TABLE told;
TABLE now;
SELECT name, called(identity_current('people', identity_id)) FROM names WHERE name = 'bob';
SELECT called(identity_id) AS who, called(into_id) AS into_them FROM :retired AS r WHERE called(identity_id) = 'bob';
-- Once it has gone into another one it is not given again.
DELETE FROM crm WHERE id IN ('bob', 'dan');
DELETE FROM shop WHERE id = 2;
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('bob', 'bob@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
TABLE now;

-- A table that writes itself by statements, and one that workers resolve.
ALTER TABLE people ADD CHECK (identity_id IS NOT NULL), ADD note text DEFAULT 'fresh';
UPDATE people SET note = 'kept';
DELETE FROM crm WHERE id = 'ann';
DELETE FROM shop WHERE id IN (1, 3);
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('ann', 'ann@x.com', NULL);
INSERT INTO shop VALUES (3, 'eve@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
SELECT who, p.note FROM now JOIN people AS p USING (crm_id, shop_id) UNION ALL SELECT called(identity_id), note FROM people WHERE shop_id = '{3}' OR crm_id = '{ann}' ORDER BY 1;
-- All of them, by one reading of everything.
DELETE FROM crm;
DELETE FROM shop;
CALL refresh_identity_map('people');
SELECT count(*) AS people, (SELECT count(*) FROM :gone) > 500 AS remembered FROM people;
INSERT INTO crm VALUES ('ann', 'ann@x.com', NULL), ('dan', 'dan@x.com', NULL);
INSERT INTO shop VALUES (3, 'eve@x.com', NULL);
INSERT INTO shop SELECT n, format('other%s@x.com', n), NULL FROM generate_series(100, 600) AS n;
CALL refresh_identity_map('people', full => true);
TABLE now;
SELECT count(*) FROM people JOIN names USING (identity_id);
SELECT last_changes - 'records' AS done FROM identity_maps WHERE map = 'revived.people';

-- A source that leaves the map and comes back.
DROP VIEW now;
SELECT reduce_identity_map('people', sources => '{shop}', columns => '{shop_id}');
CALL refresh_identity_map('people');
SELECT count(*) FROM people;
SELECT alter_identity_map('people', identity_source('shop', 'SELECT id, email, user_id FROM revived.shop', on_loss => 'allow'), identity_column('shop_id', 'int[]'));
CALL refresh_identity_map('people');
SELECT count(*), count(n.name) AS as_before FROM people LEFT JOIN names AS n USING (identity_id);

-- How long: a setting. What is forgotten is not remembered.
SHOW identity_resolve.revive_for;
-- Each version of PostgreSQL says this in its own words.
\set VERBOSITY sqlstate
SET identity_resolve.revive_for = -1;
\set VERBOSITY default
SET identity_resolve.revive_for = 0;
DELETE FROM crm WHERE id = 'dan';
CALL refresh_identity_map('people');
INSERT INTO crm VALUES ('dan', 'dan@x.com', NULL);
CALL refresh_identity_map('people');
TABLE told;
SET identity_resolve.revive_for = '2h';
DELETE FROM shop WHERE id IN (3, 100, 101, 102);
CALL refresh_identity_map('people');
UPDATE :gone SET at = at - interval '3 h' WHERE identity_id = (SELECT identity_id FROM names WHERE name = '100');
SELECT forget('people', 'shop', '101') AS was_there;
SELECT remember('people', 'shop', '101');
SELECT forget_identity('people', identity_id) FROM names WHERE name = '102';
SELECT called(identity_id) AS remembered FROM :gone ORDER BY 1;
INSERT INTO shop VALUES (3, 'eve@x.com', NULL), (100, 'other100@x.com', NULL), (101, 'other101@x.com', NULL), (102, 'other102@x.com', NULL);
CALL refresh_identity_map('people');
SELECT called(identity_id) AS who, shop_id FROM people WHERE shop_id <@ '{3,100,101,102}' ORDER BY shop_id;
SELECT count(*) AS remembered FROM :gone;
RESET identity_resolve.revive_for;

-- More than memory holds is settled by SQL, by the same rules.
SET maintenance_work_mem = '1MB';
INSERT INTO shop SELECT n, format('many%s@x.com', n / 2), NULL FROM generate_series(1000, 12999) AS n;
INSERT INTO crm SELECT 'c' || n, format('many%s@x.com', n), NULL FROM generate_series(500, 6499, 10) AS n;
CALL refresh_identity_map('people');
TRUNCATE names;
INSERT INTO names SELECT identity_id, coalesce(crm_id[1], shop_id[1]::text) FROM people;
DELETE FROM shop WHERE id >= 1000;
DELETE FROM crm WHERE id LIKE 'c%' AND id <> 'c500';
CALL refresh_identity_map('people');
SELECT count(*) AS people, (SELECT count(*) FROM :gone) AS remembered FROM people;
INSERT INTO shop SELECT n, format('many%s@x.com', n / 2), NULL FROM generate_series(1000, 12999) AS n WHERE n NOT IN (1020, 1022, 1023);
-- Together with one that is there, apart from one another, and two as one.
INSERT INTO shop VALUES (1020, 'many500@x.com', NULL), (1022, 'many512@x.com', NULL), (1023, 'many511@x.com', NULL);
CALL refresh_identity_map('people');
SELECT last_changes - 'records' AS done FROM identity_maps WHERE map = 'revived.people';
SELECT called(identity_id) AS who, crm_id, shop_id FROM people WHERE shop_id && '{1000,1001,1020,1021,1022,1023,1024,1025,1040}' ORDER BY shop_id;
SELECT event, called(identity_id) AS who, called(into_id) AS into_them FROM identity_map_history('people', (SELECT last_refresh FROM identity_maps WHERE map = 'revived.people'))
  WHERE event <> 'revived' ORDER BY 1, 2;
SELECT (SELECT count(*) FROM :gone) AS remembered, (SELECT count(*) FROM :retired AS r JOIN people USING (identity_id)) AS retired_and_there;
DROP VIEW told;
SELECT drop_identity_map('people');
DROP SCHEMA revived CASCADE;
