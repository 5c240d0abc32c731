-- An identity map: a table of people that is kept current.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS crm CASCADE;
CREATE SCHEMA crm;
RESET client_min_messages;
CREATE TABLE crm.app (id text PRIMARY KEY, email text);
CREATE TABLE crm.desk (id int PRIMARY KEY, user_id text, email text);
INSERT INTO crm.app VALUES ('ann', 'ann@x.com'), ('bob', 'bob@x.com'), ('cyd', 'cyd@x.com');
INSERT INTO crm.desk VALUES (1, 'ann', NULL), (2, NULL, 'Bob@X.com'), (3, NULL, 'dan@x.com');

SELECT create_identity_map('crm.people',
  identity_source('app', 'SELECT id, id AS user_id, email FROM crm.app'),
  identity_source('desk', 'SELECT id, user_id, email FROM crm.desk'),
  identity_column('app_id'), identity_column('desk_id', 'int[]'), identity_column('mails', 'text[]'));

SELECT create_identity_map('crm.people',
  identity_source('app', 'SELECT id, id AS user_id, email FROM crm.app'),
  identity_source('desk', 'SELECT id, user_id, email FROM crm.desk'),
  identity_column('app_id'), identity_column('desk_id', 'int[]'), identity_column('email', 'text[]'));
SELECT count(*) FROM crm.people;
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, email FROM crm.people ORDER BY app_id, desk_id;

-- What changed is written, and nothing else: the other rows stay where they are.
CREATE TEMP TABLE places AS SELECT identity_id, ctid AS place, xmin::text AS writer FROM crm.people;
INSERT INTO crm.desk VALUES (4, NULL, 'cyd@x.com'), (5, NULL, 'eve@x.com');
DELETE FROM crm.desk WHERE id = 2;
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, email, o.identity_id IS NOT NULL AS same_id,
       o.place = p.ctid AND o.writer = p.xmin::text AS untouched
FROM crm.people AS p LEFT JOIN places AS o USING (identity_id) ORDER BY app_id, desk_id;
SELECT map, sources, refreshes, needs_full, last_error, last_changes FROM identity_maps;

-- Nothing changed.
CALL refresh_identity_map('crm.people');
SELECT last_changes FROM identity_maps;

-- A full refresh reads everything, and mends what somebody did to the table by hand.
DELETE FROM crm.people WHERE app_id = 'ann';
UPDATE crm.people SET email = NULL WHERE app_id = 'bob';
INSERT INTO crm.people (identity_id, app_id) VALUES ('00000000-0000-0000-0000-000000000001', 'zoe');
CALL refresh_identity_map('crm.people', full => true);
SELECT app_id, desk_id, email FROM crm.people ORDER BY app_id, desk_id;
SELECT last_changes FROM identity_maps;

-- The map is what a resolve of its sources gives.
SELECT count(*) AS differ FROM (
  SELECT app_id, desk_id, email FROM crm.people
  EXCEPT SELECT * FROM (SELECT app_id, desk_id, email FROM resolve_identities(VARIADIC identity_map_clauses('crm.people'))
    AS (app_id text, desk_id int[], email text[])) AS r) AS d;

-- A failure leaves what was there, and is told.
ALTER TABLE crm.app RENAME COLUMN email TO mail;
CALL refresh_identity_map('crm.people');
SELECT last_error FROM identity_maps;
SELECT count(*) FROM crm.people;
ALTER TABLE crm.app RENAME COLUMN mail TO email;
CALL refresh_identity_map('crm.people');
SELECT last_error FROM identity_maps;

-- Sources, rules and columns come and go; ids stay.
CREATE TABLE crm.shop (id int, email text, phone text);
INSERT INTO crm.shop VALUES (10, 'dan@x.com', '+14155552671'), (11, 'eve@x.com', '+14155552671');
SELECT alter_identity_map('crm.people', identity_source('shop', 'SELECT id, email, phone FROM crm.shop'),
  identity_column('shop_id', 'int[]'), identity_column('app_id', 'varchar(10)'));
SELECT needs_full FROM identity_maps;
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, shop_id, email FROM crm.people ORDER BY app_id, desk_id;
SELECT alter_identity_map('crm.people', identity_rule('phone', link => false));
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, shop_id, email FROM crm.people ORDER BY app_id, desk_id;
SELECT reduce_identity_map('crm.people', sources => '{shop}', columns => '{shop_id}', rules => '{phone}');
CALL refresh_identity_map('crm.people');
SELECT p.*, o.identity_id IS NOT NULL AS same_id FROM (SELECT identity_id, app_id, desk_id, email FROM crm.people) AS p
LEFT JOIN places AS o USING (identity_id) ORDER BY app_id, desk_id;
SELECT reduce_identity_map('crm.people', sources => '{shop}');

-- A table's query may change what it shows.
ALTER TABLE crm.desk ADD COLUMN phone text;
SELECT alter_identity_map('crm.people', identity_source('desk', 'TABLE crm.desk'));
UPDATE crm.desk SET phone = '+14155552671' WHERE id IN (3, 5);
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, email FROM crm.people ORDER BY app_id, desk_id;
ALTER TABLE crm.desk DROP COLUMN phone;
CALL refresh_identity_map('crm.people');
SELECT app_id, desk_id, email FROM crm.people ORDER BY app_id, desk_id;

-- The table may move; columns and indexes of one's own are welcome.
ALTER TABLE crm.people RENAME TO folk;
ALTER TABLE crm.folk ADD COLUMN note text;
CREATE INDEX ON crm.folk USING gin (email);
UPDATE crm.folk SET note = 'a friend' WHERE app_id = 'ann';
UPDATE crm.desk SET email = 'ann@work.com' WHERE id = 1;
CALL refresh_identity_map('crm.folk');
SELECT app_id, desk_id, email, note FROM crm.folk ORDER BY app_id, desk_id;
SELECT map FROM identity_maps;

-- What makes no map.
SELECT create_identity_map('crm.none', identity_column('app_id'));
SELECT create_identity_map('crm.none', identity_source('app', 'SELECT id, email FROM crm.app'), identity_output('combinations'));
SELECT create_identity_map('crm.none', identity_source('identify', 'SELECT id, email FROM crm.app'));
SELECT create_identity_map('crm.none', identity_source('app', 'SELECT id, email FROM crm.app'), identity_column('app_id', 'txt'));
SELECT create_identity_map('crm.none', identity_source('app', 'SELECT id, email FROM crm.app', changed_since => 'updated_at'));
SELECT create_identity_map('crm.none', identity_source('app', 'SELECT max(id), email FROM crm.app GROUP BY email', capture => 'trigger'));
SELECT create_identity_map('crm.folk', identity_source('app', 'SELECT id, email FROM crm.app'));
SELECT identity_source('app', 'SELECT 1', capture => 'magic');
SELECT identity_source('app', 'SELECT 1', capture => 'trigger', changed_since => 'x');
SELECT identity_column('identity_id');
SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM crm.app'), identity_column('app_id')) AS (app_id text);
CALL refresh_identity_map('crm.app');
CALL refresh_identity_map(NULL);
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL refresh_identity_map('crm.folk');
ROLLBACK;

-- A map whose table was dropped by hand is dropped by its name; nothing is left.
DROP TABLE crm.folk;
SELECT map, table_is_gone FROM identity_maps;
SELECT drop_identity_map('crm.folk');
SELECT drop_identity_map('crm.folk');
SELECT count(*) FROM identity_maps;
SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace;

-- A map whose sources were empty at its first refreshes is changed, and filled then.
CREATE TABLE crm.early (id int, email text);
SELECT create_identity_map('crm.folk', identity_source('early', 'SELECT id, email FROM crm.early'), identity_column('early_id', 'int[]'));
CALL refresh_identity_map('crm.folk');
SELECT alter_identity_map('crm.folk', identity_column('record_count', 'bigint'));
CALL refresh_identity_map('crm.folk');
SELECT alter_identity_map('crm.folk', identity_column('sources', 'text[]'));
INSERT INTO crm.early VALUES (1, 'ann@example.com'), (2, 'Ann@example.com'), (3, 'bob@example.com');
CALL refresh_identity_map('crm.folk');
SELECT early_id, record_count, sources FROM crm.folk ORDER BY 1;
SELECT event FROM identity_map_history('crm.folk');
SELECT drop_identity_map('crm.folk');
SET client_min_messages = warning;
DROP SCHEMA crm CASCADE;
