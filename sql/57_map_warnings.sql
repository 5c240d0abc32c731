-- What a refresh warns of, once, and identity_maps.warnings shows as long as it is so.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
CREATE SCHEMA warned;
CREATE TABLE warned.app (id int PRIMARY KEY, email text);
CREATE TABLE warned.shop (id int PRIMARY KEY, email text);
CREATE TABLE warned.desk (id int PRIMARY KEY, email text);
INSERT INTO warned.app SELECT n, 'p' || n || '@x.com' FROM generate_series(1, 20) n;
INSERT INTO warned.shop SELECT n, 's' || n || '@x.com' FROM generate_series(1, 20) n;
SELECT create_identity_map('warned.people', identity_source('app', 'TABLE warned.app'), identity_source('shop', 'TABLE warned.shop'), identity_source('desk', 'TABLE warned.desk'),
  identity_column('app_id', 'int[]'), identity_rule('email', max_records => 5));
SELECT warnings FROM identity_maps WHERE map = 'warned.people';

-- The first refresh: a source without records, and two that share nobody.
CALL refresh_identity_map('warned.people');
SELECT cardinality(warnings) AS count, warnings FROM identity_maps WHERE map = 'warned.people';

-- Nothing changed, or all is read once more: nothing is said again, and the warnings stand.
CALL refresh_identity_map('warned.people');
CALL refresh_identity_map('warned.people', full => true);
SELECT last_changes ->> 'kind' AS kind, cardinality(warnings) AS count FROM identity_maps WHERE map = 'warned.people';

-- What is mended goes: what a look at one row answers at once, who is with whom when all is looked at.
INSERT INTO warned.desk VALUES (1, 'p1@x.com');
UPDATE warned.shop SET email = 'p2@x.com' WHERE id = 1;
CALL refresh_identity_map('warned.people');
SELECT last_changes ->> 'kind' AS kind, warnings FROM identity_maps WHERE map = 'warned.people';
CALL refresh_identity_map('warned.people', full => true);
SELECT warnings FROM identity_maps WHERE map = 'warned.people';

-- A value on too many records, by a change; a source that is emptied, and filled, and emptied again.
UPDATE warned.shop SET email = 'office@x.com' WHERE id > 10;
CALL refresh_identity_map('warned.people');
DELETE FROM warned.desk;
CALL refresh_identity_map('warned.people');
SELECT warnings FROM identity_maps WHERE map = 'warned.people';
INSERT INTO warned.desk VALUES (1, 'p1@x.com');
CALL refresh_identity_map('warned.people');
SELECT warnings FROM identity_maps WHERE map = 'warned.people';
DELETE FROM warned.desk;
CALL refresh_identity_map('warned.people');

-- Fewer than ten records share nobody without a word; a source that is taken away takes its warning along.
SELECT reduce_identity_map('warned.people', sources => '{desk}');
DELETE FROM warned.shop WHERE id BETWEEN 10 AND 20 OR id = 1;
CALL refresh_identity_map('warned.people');
SELECT warnings FROM identity_maps WHERE map = 'warned.people';

-- Of a map that is filled for the first time the resolve says which value is too common, and the map only counts it.
INSERT INTO warned.shop SELECT n, 'office@x.com' FROM generate_series(101, 120) n;
SELECT create_identity_map('warned.again', identity_source('shop', 'TABLE warned.shop'), identity_rule('email', max_records => 5));
CALL refresh_identity_map('warned.again');
SELECT warnings FROM identity_maps WHERE map = 'warned.again';
-- A refresh that fails, or is taken back, has said nothing yet.
TRUNCATE warned.shop;
BEGIN;
CALL refresh_identity_map('warned.again');
ROLLBACK;
CALL refresh_identity_map('warned.again');
SELECT warnings FROM identity_maps WHERE map = 'warned.again';

-- identity_check() of a map's clauses says nothing of what identify() was told, which is nothing here.
SELECT severity, source, subject, problem FROM identity_check(VARIADIC identity_map_clauses('warned.people'));

-- The first thousand records say nothing of the others: all are looked at then.
TRUNCATE warned.app, warned.shop;
INSERT INTO warned.app SELECT n, 'p' || n || '@x.com' FROM generate_series(1, 3000) n;
INSERT INTO warned.shop SELECT n, CASE n WHEN 2999 THEN 'p2998' ELSE 's' || n END || '@x.com' FROM generate_series(1, 3000) n;
INSERT INTO warned.desk SELECT n, 'd' || n || '@x.com' FROM generate_series(1, 3000) n;
SELECT create_identity_map('warned.late', identity_source('app', 'TABLE warned.app'), identity_source('shop', 'TABLE warned.shop'), identity_source('desk', 'TABLE warned.desk'));
CALL refresh_identity_map('warned.late');
SELECT warnings FROM identity_maps WHERE map = 'warned.late';

SELECT drop_identity_map('warned.people'), drop_identity_map('warned.again'), drop_identity_map('warned.late');
SET client_min_messages = warning;
DROP SCHEMA warned CASCADE;
