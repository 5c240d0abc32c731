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
  identity_source('desk', 'SELECT id, email, updated_at FROM flow.desk; -- all of them', changed_since => 'updated_at', on_loss => 'allow'),
  identity_column('app_id'), identity_column('desk_id', 'text[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('flow.people');
SELECT format('identity_state.m%s_log', map_id) AS log FROM identity_internal.identity_map_catalog WHERE map = 'flow.people'::regclass \gset
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
SELECT regexp_replace(tgname, 'm[0-9]+', 'm#') AS tgname, tgenabled, obj_description(oid, 'pg_trigger') AS comment FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass ORDER BY tgname;

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
-- What is lost from the log is not seen, as only what triggers tell is read; a full refresh sees everything.
UPDATE flow.app SET email = 'lost@x.com' WHERE id = 'gus';
SELECT source, record_id FROM :log;
DELETE FROM :log;
CALL refresh_identity_map('flow.people');
SELECT count(*) FROM flow.people WHERE 'lost@x.com' = ANY (email);
CALL refresh_identity_map('flow.people', full => true);
SELECT count(*) FROM flow.people WHERE 'lost@x.com' = ANY (email);
SELECT drop_identity_map('flow.people');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'flow.app'::regclass;

-- Ids of any type that can name a record are told as a refresh reads them, whatever the settings of who writes.
CREATE TYPE flow.mood AS ENUM ('sad', 'so so');
CREATE DOMAIN flow.code AS char(6);
CREATE TABLE flow.typed (i2 smallint, i8 bigint, n numeric, t text, v varchar(10), c char(8), u uuid, b bytea, day date,
  at timestamp, atz timestamptz, i interval, m flow.mood, k flow.code, j jsonb, r int4range, ip inet, email text);
INSERT INTO flow.typed VALUES (-2, 9007199254740993, 1.500, 'é ', 'v ', 'c  ', '00000000-0000-0000-0000-00000000000A', '\xDEAD00', '2020-02-03',
  '2020-02-03 04:05:06.7', '2020-02-03 04:05:06.7+09', '1 day 02:03:04.5', 'so so', 'code', '"a b"', '[1,5]', '10.0.0.1/8', 'ann@x.com');
SELECT create_identity_map('flow.types', VARIADIC
  (SELECT array_agg(identity_source(column_name, format('SELECT %I, email FROM flow.typed', column_name), capture => 'trigger') ORDER BY ordinal_position)
   FROM information_schema.columns WHERE table_schema = 'flow' AND table_name = 'typed' AND column_name <> 'email') || identity_column('record_count', 'int') || identity_column('email', 'text'));
CALL refresh_identity_map('flow.types');
SELECT map_id, format('identity_state.m%s_log', map_id) AS log
FROM identity_internal.identity_map_catalog WHERE map = 'flow.types'::regclass \gset
BEGIN;
SET LOCAL DateStyle = German;
SET LOCAL TimeZone = 'Asia/Tokyo';
SET LOCAL IntervalStyle = iso_8601;
SET LOCAL extra_float_digits = -3;
SET LOCAL bytea_output = escape;
UPDATE flow.typed SET email = 'new@x.com';
SHOW DateStyle;
SELECT timestamptz '2020-02-03 04:05:06+00', 0.1::float8 / 3, '\xde'::bytea;
COMMIT;
CREATE TEMP TABLE told AS SELECT source, record_id FROM :log;
SELECT r.record_id, t.record_id IS NOT NULL AS was_told FROM identity_internal.identity_map_all_records(:map_id) r LEFT JOIN told t ON t.source = r.source AND btrim(t.record_id) = btrim(r.record_id) ORDER BY r.source;
SELECT count(*) FROM told;
CALL refresh_identity_map('flow.types');
SELECT record_count, email FROM flow.types;
SELECT drop_identity_map('flow.types');

-- Rows that a foreign key takes along, that other triggers change, and that one statement changes in several ways.
CREATE TABLE flow.firms (id int PRIMARY KEY);
CREATE TABLE flow.staff (id int PRIMARY KEY, email text, firm int REFERENCES flow.firms ON DELETE CASCADE ON UPDATE CASCADE, boss int REFERENCES flow.staff ON DELETE CASCADE);
INSERT INTO flow.firms SELECT n FROM generate_series(1, 3) AS n;
INSERT INTO flow.staff SELECT n, format('s%s@x.com', n), 1 + n % 3, nullif(n / 3, 0) FROM generate_series(1, 12) AS n;
CREATE FUNCTION flow.lower_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE flow.staff SET email = lower(email) WHERE email <> lower(email);
  RETURN NULL;
END $$;
CREATE TRIGGER lower_email AFTER INSERT ON flow.staff FOR EACH STATEMENT EXECUTE FUNCTION flow.lower_email();
SELECT create_identity_map('flow.staffers', identity_source('staff', 'SELECT id, email FROM flow.staff', capture => 'trigger'), identity_column('staff_id', 'int[]'));
CALL refresh_identity_map('flow.staffers');
SELECT format('identity_state.m%s_log', map_id) AS log FROM identity_internal.identity_map_catalog WHERE map = 'flow.staffers'::regclass \gset
DELETE FROM flow.firms WHERE id = 1;
SELECT id FROM flow.staff ORDER BY id;
SELECT DISTINCT record_id FROM :log ORDER BY 1;
CALL refresh_identity_map('flow.staffers');
SELECT staff_id FROM flow.staffers ORDER BY 1;
UPDATE flow.firms SET id = 20 WHERE id = 2;
WITH gone AS (DELETE FROM flow.staff WHERE id = 1 RETURNING id), came AS (INSERT INTO flow.staff SELECT id + 100, 'S101@X.com' FROM gone)
  UPDATE flow.staff SET id = 200 WHERE id = 8;
SELECT id, email FROM flow.staff ORDER BY id;
SELECT DISTINCT record_id FROM :log ORDER BY 1;
CALL refresh_identity_map('flow.staffers');
SELECT staff_id FROM flow.staffers ORDER BY 1;
SELECT drop_identity_map('flow.staffers');

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
CREATE TEMP TABLE passing (id int, email text);
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE passing', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'SELECT oid AS id, rolname AS username FROM pg_authid', capture => 'trigger'));
-- Who makes the map makes the triggers.
CREATE ROLE ir_capture;
GRANT CREATE, USAGE ON SCHEMA flow TO ir_capture;
GRANT SELECT ON flow.app TO ir_capture;
SET ROLE ir_capture;
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE flow.app', capture => 'trigger'));
SELECT create_identity_map('flow.no', identity_source('s', 'TABLE flow.app'));
SELECT alter_identity_map('flow.no', identity_source('s', 'TABLE flow.app', capture => 'trigger'));
SELECT drop_identity_map('flow.no');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA flow CASCADE;
DROP OWNED BY ir_capture;
DROP ROLE ir_capture;
