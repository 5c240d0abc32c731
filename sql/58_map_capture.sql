-- How a refresh finds what changed: reading it all, a column that grows, triggers. All come to the same.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS flow CASCADE;
CREATE SCHEMA flow;
RESET client_min_messages;
CREATE TABLE flow.app (id char(6) PRIMARY KEY, email text);
CREATE TABLE flow.desk (id timestamptz PRIMARY KEY, email text[], updated_at timestamp NOT NULL);
INSERT INTO flow.app VALUES ('ann', 'ann@x.com'), ('bob', 'bob@x.com');
INSERT INTO flow.desk VALUES ('2020-01-01 12:00+00', '{ann@x.com}', '2020-01-01'), ('2020-01-02 12:00+00', '{zoe@x.com,zoe@y.com}', '2020-01-02');
SELECT create_identity_map('flow.people',
  identity_source('app', 'SELECT id, email FROM flow.app WHERE email IS NOT NULL', capture => 'trigger'),
  identity_source('desk', 'SELECT id, email, updated_at FROM flow.desk; -- all of them', changed_since => 'updated_at'),
  identity_column('app_id'), identity_column('desk_id', 'text[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('flow.people');
CREATE FUNCTION flow.show() RETURNS TABLE (app_id text, desk_id text[], email text[], changed int) LANGUAGE sql AS $$
  SELECT app_id, desk_id, email, (SELECT (last_changes -> 'changed')::int FROM identity_maps) FROM flow.people ORDER BY 1, 2 $$;
SELECT * FROM flow.show();

-- Triggers tell of every statement: also of rows that the query leaves out, and of keys that change.
INSERT INTO flow.app SELECT 'cyd', 'zoe@y.com' UNION ALL SELECT 'dan', NULL;
UPDATE flow.app SET id = 'bo' WHERE id = 'bob';
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
UPDATE flow.app SET email = CASE id WHEN 'dan' THEN 'dan@x.com' END WHERE id IN ('dan', 'bo');
INSERT INTO flow.app VALUES ('ann', 'new@x.com') ON CONFLICT (id) DO UPDATE SET email = excluded.email;
DELETE FROM flow.app WHERE id = 'cyd';
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
BEGIN;
DELETE FROM flow.app;
ROLLBACK;
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
TRUNCATE flow.app;
INSERT INTO flow.app VALUES ('fay', 'fay@x.com');
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
-- A trigger that is disabled or gone is made again, and the table is read as a whole.
ALTER TABLE flow.app DISABLE TRIGGER ALL;
INSERT INTO flow.app VALUES ('gus', 'gus@x.com');
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass AND tgenabled = 'O';

-- What is newer or as new is read again; what was changed behind the column's back only by a full refresh, as what is gone.
UPDATE flow.desk SET email = '{fay@x.com}', updated_at = '2020-01-02' WHERE email = '{ann@x.com}';
INSERT INTO flow.desk VALUES ('2020-01-03 12:00+00', '{gus@x.com}', '2020-01-03');
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
RESET DateStyle;
RESET TimeZone;
UPDATE flow.desk SET email = '{zoe@z.com}' WHERE '{zoe@x.com}' <@ email;
DELETE FROM flow.desk WHERE email = '{gus@x.com}';
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();
CALL refresh_identity_map('flow.people', full => true);
SELECT * FROM flow.show();
-- The mark is as the column says now, though it says less.
INSERT INTO flow.desk VALUES ('2020-01-04 12:00+00', '{hal@x.com}', '2020-01-02 12:00');
CALL refresh_identity_map('flow.people');
SELECT * FROM flow.show();

-- A record of several rows changes as one: what its other rows say stays.
CREATE TABLE flow.addresses (user_id int, email text, updated_at timestamptz);
INSERT INTO flow.addresses VALUES (1, 'ivy@x.com', '2020-01-01'), (1, 'fay@x.com', '2020-01-02'), (2, 'jo@x.com', NULL);
SELECT alter_identity_map('flow.people', identity_source('addresses', 'SELECT user_id AS key, email, updated_at FROM flow.addresses', changed_since => 'updated_at'),
  identity_column('addresses_id', 'int[]'));
CALL refresh_identity_map('flow.people');
UPDATE flow.addresses SET email = 'gus@x.com', updated_at = '2020-01-03' WHERE email = 'fay@x.com';
CALL refresh_identity_map('flow.people');
SELECT app_id, addresses_id, email FROM flow.people WHERE addresses_id IS NOT NULL ORDER BY addresses_id;

-- Rows that all have one moment, as after a load, are read as a whole: so many are not looked up one by one.
INSERT INTO flow.desk SELECT timestamptz '2021-01-01 12:00+00' + n * interval '1 s', ARRAY['bulk' || n || '@x.com'], '2022-01-01' FROM generate_series(1, 1500) AS n;
CALL refresh_identity_map('flow.people');
SELECT count(*) FROM flow.people WHERE email[1] LIKE 'bulk%';
UPDATE flow.desk SET email = '{bulk1@x.com}' WHERE email = '{bulk2@x.com}';
DELETE FROM flow.desk WHERE email = '{bulk3@x.com}';
CALL refresh_identity_map('flow.people');
SELECT count(*) FROM flow.people WHERE email[1] LIKE 'bulk%';
DELETE FROM flow.desk WHERE updated_at = '2022-01-01';
CALL refresh_identity_map('flow.people', full => true);
SELECT count(*) FROM flow.people WHERE email[1] LIKE 'bulk%';

-- Without captures the triggers are of no use, and go with the map.
SELECT alter_identity_map('flow.people', identity_source('app', 'SELECT id, email FROM flow.app'));
CALL refresh_identity_map('flow.people');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass;
SELECT alter_identity_map('flow.people', identity_source('app', 'SELECT id, email FROM flow.app', capture => 'trigger'));
CALL refresh_identity_map('flow.people');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass;
SELECT drop_identity_map('flow.people');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass;

-- What no trigger can tell.
CREATE TABLE flow.parts (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE flow.part PARTITION OF flow.parts DEFAULT;
CREATE VIEW flow.view AS TABLE flow.app;
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE flow.parts', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE flow.part', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE flow.view', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'SELECT upper(id), email FROM flow.app', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'SELECT id, (SELECT max(email) FROM flow.app) AS email FROM flow.app', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'SELECT a.id FROM flow.app a, flow.app b', capture => 'trigger'));
SET client_min_messages = warning;
DROP SCHEMA flow CASCADE;
