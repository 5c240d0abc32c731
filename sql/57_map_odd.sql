-- What is odd about a map is refused when it is made, or works: ids of any type and length, columns that tell what changed.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS odd CASCADE;
CREATE SCHEMA odd;
SET search_path = odd, public;
CREATE TYPE odd.pair AS (a int, b text);
CREATE TYPE odd.mood AS ENUM ('sad', 'glad', 'so so');
CREATE DOMAIN odd.padded AS char(5);
CREATE DOMAIN odd.list AS int[];
CREATE COLLATION odd.caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Ids of a type: three records, of which one changes, one goes and a fourth comes, all found by triggers and by a column that
-- grows. How many rows then differ from a full resolve, and how many records the state has of more rows than it should.
CREATE PROCEDURE odd.try(type text, ids text[], OUT differ bigint, OUT rows_too_many bigint) LANGUAGE plpgsql AS $$
DECLARE
  state text;
BEGIN
  EXECUTE format('CREATE TABLE odd.told (id %1$s, email text); CREATE TABLE odd.dated (id %1$s, email text, changed timestamptz)', type);
  FOR i IN 1 .. 3 LOOP
    EXECUTE format('INSERT INTO odd.told VALUES (%1$L, %2$L); INSERT INTO odd.dated VALUES (%1$L, %3$L, %4$L)', ids[i], 'told' || i || '@x.com', 'dated' || i || '@x.com', '2024-01-01');
  END LOOP;
  PERFORM create_identity_map('odd.people', identity_source('told', 'SELECT id, email FROM told', capture => 'trigger'),
    identity_source('dated', 'SELECT id, email, changed AS updated_at FROM dated', changed_since => 'updated_at'),
    identity_column('told_id', 'text[]'), identity_column('dated_id', 'text[]'), identity_column('email', 'text[]'));
  CALL refresh_identity_map(to_regclass('odd.people'));  -- PostgreSQL 14 keeps the number of a name
  UPDATE odd.told SET email = 'dated2@x.com' WHERE email = 'told1@x.com';
  UPDATE odd.dated SET email = 'told3@x.com', changed = '2024-01-02' WHERE email = 'dated1@x.com';
  DELETE FROM odd.told WHERE email = 'told2@x.com';
  EXECUTE format('INSERT INTO odd.told VALUES (%1$L, %2$L); INSERT INTO odd.dated VALUES (%1$L, %3$L, %4$L)', ids[4], 'dated3@x.com', 'new@x.com', '2024-01-03');
  CALL refresh_identity_map(to_regclass('odd.people'));  -- PostgreSQL 14 keeps the number of a name
  UPDATE odd.told SET email = 'new@x.com' WHERE email = 'dated2@x.com';
  UPDATE odd.dated SET email = 'told3@x.com', changed = '2024-01-04' WHERE email = 'new@x.com';
  CALL refresh_identity_map(to_regclass('odd.people'));  -- PostgreSQL 14 keeps the number of a name
  SELECT count(*) INTO differ FROM (
    (SELECT told_id, dated_id, email FROM odd.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('odd.people')) AS (told_id text[], dated_id text[], email text[]))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('odd.people')) AS (told_id text[], dated_id text[], email text[]) EXCEPT ALL SELECT told_id, dated_id, email FROM odd.people)) AS d;
  SELECT count(*) - 7 INTO rows_too_many FROM identity_internal.identity_map_catalog AS c CROSS JOIN LATERAL identity_internal.identity_map_rows(c.map_id, 1, true)
    AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text);
  SELECT rows_too_many + count(*) INTO rows_too_many FROM identity_internal.identity_map_catalog AS c CROSS JOIN LATERAL identity_internal.identity_map_rows(c.map_id, 2, true)
    AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text);
  PERFORM drop_identity_map('odd.people');
  DROP TABLE odd.told, odd.dated;
END $$;
CREATE FUNCTION odd.try_all() RETURNS TABLE (type text, differ bigint, rows_too_many bigint) LANGUAGE plpgsql AS $$
DECLARE
  ids text[];
BEGIN
  FOR type, ids IN VALUES
    ('bigint', '{1,-2,9223372036854775807,0}'::text[]),
    ('numeric', '{1.0,1.00,1,1.000}'),
    ('"char"', '{a,b,c,d}'),
    ('char(5)', '{a,b,"c d",e}'),
    ('odd.padded', '{a,b,"c d",e}'),
    ('varchar(5)', '{a,"b ",b,"it''s"}'),
    ('name', E'{a,A,"\\\\","it''s"}'),
    ('text COLLATE odd.caseless', '{a,A,b,B}'),
    ('bytea', E'{"\\\\x00","\\\\x","\\\\x27","\\\\x5c"}'),
    ('uuid', '{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-000000000003,00000000-0000-0000-0000-000000000004}'),
    ('date', '{2024-01-31,infinity,"0044-03-15 BC",2024-02-01}'),
    ('timestamptz', '{2024-01-31 12:00:00.25+05,infinity,2024-01-31 12:00:00.25+00,-infinity}'),
    ('interval', '{1 day,24 hours,-1 mon,1 day 00:00:00.001}'),
    ('inet', '{10.0.0.1,10.0.0.1/8,::1,10.0.0.2}'),
    ('int4range', '{"[1,2)",empty,"(,)","[3,4]"}'),
    ('odd.mood', '{sad,glad,so so,sad}'),
    ('odd.pair', '{"(1,a)","(,)","(1,)","(,\"x y\")"}'),
    ('int[]', '{"{1,2}","{}","{NULL}","{{1},{2}}"}'),
    ('text[]', E'{"{a,b}","{}","{\\"it''s\\"}","{\\"a,b\\"}"}'),
    ('odd.list', '{"{1}","{2}","{}","{3,4}"}'),
    ('point[]', '{"{\"(1,2)\"}","{}","{NULL}","{\"(3,4)\"}"}'),
    ('jsonb', '{1,1.0,"\"it''s\"","\"a \\\"b\""}'),
    ('json', '{1,1.0,"\"it''s\"","\"a \\\"b\""}'),
    ('xml', '{<a/>,<a></a>,b,c}'),
    ('point', '{"(1,2)","(2,1)","(0,0)","(-0,0)"}'),
    ('circle', '{"<(0,0),1>","<(1,0),1>","<(0,0),2>","<(5,5),1>"}'),
    ('tsvector', '{a,b,a b,c}')
  LOOP
    CALL odd.try(type, ids, differ, rows_too_many);
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM odd.try_all();

-- Ids that no index has room for: they are found again, and told apart by what comes late in them.
CREATE FUNCTION odd.long(seed text, length int) RETURNS text LANGUAGE sql AS $$
  SELECT left(string_agg(md5(seed || n), ''), length) FROM generate_series(1, length / 32 + 1) AS n $$;
CREATE TABLE odd.files (id text, email text);
INSERT INTO odd.files SELECT odd.long('same', l) || n, 'f' || l || '_' || n || '@x.com' FROM unnest('{2599,2600,2601,2700,8000}'::int[]) AS l, generate_series(1, 3) AS n;
INSERT INTO odd.files VALUES (repeat('é', 1300), 'e1@x.com'), (repeat('é', 1301), 'e2@x.com'), (repeat('x', 3000000) || 'y', 'y@x.com');
SELECT create_identity_map('odd.people', identity_source('files', 'SELECT id, email FROM files', capture => 'trigger'), identity_column('files_id', 'text[]'),
  identity_column('email', 'text[]'), identity_column('identify_id', 'text[]'));
CREATE FUNCTION odd.differ() RETURNS TABLE (people bigint, differ bigint) LANGUAGE sql AS $$
  SELECT (SELECT count(*) FROM odd.people), count(*) FROM (
    (SELECT files_id, email, identify_id FROM odd.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('odd.people')) AS (files_id text[], email text[], identify_id text[]))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('odd.people')) AS (files_id text[], email text[], identify_id text[]) EXCEPT ALL SELECT files_id, email, identify_id FROM odd.people)) AS d $$;
CALL refresh_identity_map('odd.people');
SELECT * FROM odd.differ();
UPDATE odd.files SET email = 'f8000_1@x.com' WHERE email IN ('f2700_2@x.com', 'e2@x.com', 'f8000_3@x.com');
DELETE FROM odd.files WHERE email = 'f8000_2@x.com';
INSERT INTO odd.files VALUES (odd.long('new', 5000), 'f2601_1@x.com');
CALL refresh_identity_map('odd.people');
SELECT last_changes -> 'changed' AS changed FROM identity_maps;
SELECT * FROM odd.differ();
-- Where everything is read anew, known records keep their ids.
CREATE TABLE odd.before AS SELECT identity_id FROM odd.people;
SELECT alter_identity_map('odd.people', identity_rule('email', max_records => 100));
CALL refresh_identity_map('odd.people');
SELECT count(*) AS others FROM odd.people FULL JOIN odd.before USING (identity_id) WHERE people.* IS NULL OR before.* IS NULL;
-- By whom people were merged; a user of a long id; who is forgotten stays so.
SELECT by_kind, by_value FROM identity_map_history('odd.people') WHERE event = 'merged' ORDER BY by_value;
SELECT identify('odd.people', odd.long('user', 4000), '{"email": "y@x.com"}') = identify('odd.people', odd.long('user', 4000), '{"phone": "+14155550100"}') AS same;
SELECT forget('odd.people', 'files', odd.long('new', 5000)), forget('odd.people', 'files', odd.long('other', 5000));
SELECT forget_identity('odd.people', identity_id) FROM odd.people WHERE 'f8000_1@x.com' = ANY (email);
UPDATE odd.files SET email = 'back@x.com' WHERE email IN ('f2601_1@x.com', 'f8000_1@x.com');
CALL refresh_identity_map('odd.people', full => true);
SELECT count(*) FROM odd.people WHERE 'back@x.com' = ANY (email);
SELECT remember('odd.people', 'files', odd.long('new', 5000));
CALL refresh_identity_map('odd.people');
SELECT odd.long('new', 5000) = ANY (files_id) AS is_back FROM odd.people WHERE 'back@x.com' = ANY (email);
SELECT drop_identity_map('odd.people');

-- changed_since may name the id, where it grows.
CREATE TABLE odd.events (id int PRIMARY KEY, email text, note jsonb, version date);
INSERT INTO odd.events SELECT n, 'v' || n || '@x.com', '{}', '2024-01-01' FROM generate_series(1, 3) AS n;
SELECT create_identity_map('odd.people', identity_source('events', 'SELECT id, email FROM events', changed_since => 'id'), identity_rule('version', link => false),
  identity_column('events_id', 'int[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('odd.people');
INSERT INTO odd.events VALUES (4, 'v1@x.com', '{}', '2024-01-02');
CALL refresh_identity_map('odd.people');
SELECT events_id, email FROM odd.people ORDER BY 1;
-- Another column, of a source that is empty meanwhile: nothing is left of how far the former one was.
DELETE FROM odd.events;
SELECT alter_identity_map('odd.people', identity_source('events', 'SELECT id, email, version FROM events', changed_since => 'version'));
CALL refresh_identity_map('odd.people');
INSERT INTO odd.events VALUES (5, 'v5@x.com', '{}', '2024-01-01');
CALL refresh_identity_map('odd.people');
SELECT events_id, email FROM odd.people ORDER BY 1;
-- A column of another type begins anew.
ALTER TABLE odd.events ALTER version TYPE bigint USING extract(year FROM version);
CALL refresh_identity_map('odd.people');
UPDATE odd.events SET email = 'v6@x.com', version = version + 1;
CALL refresh_identity_map('odd.people');
SELECT events_id, email FROM odd.people ORDER BY 1;
-- A record without an id is an error, whichever way it is found.
INSERT INTO odd.events VALUES (6, 'v9@x.com', '{}', 9999);
ALTER TABLE odd.events DROP CONSTRAINT events_pkey, ALTER id DROP NOT NULL;
UPDATE odd.events SET id = NULL WHERE id = 6;
CALL refresh_identity_map('odd.people');
DELETE FROM odd.events WHERE id IS NULL;
-- One that is gone is said to be.
SELECT alter_identity_map('odd.people', identity_source('events', 'TABLE latest', changed_since => 'version'));
CREATE VIEW odd.latest AS SELECT id, email, version FROM odd.events;
SELECT alter_identity_map('odd.people', identity_source('events', 'TABLE latest', changed_since => 'version'));
CALL refresh_identity_map('odd.people');
DROP VIEW odd.latest;
CREATE VIEW odd.latest AS SELECT id, email FROM odd.events;
CALL refresh_identity_map('odd.people');
SELECT drop_identity_map('odd.people');
SELECT create_identity_map('odd.no', identity_source('e', 'SELECT id, email, email FROM events', changed_since => 'email'));
SELECT create_identity_map('odd.no', identity_source('e', 'SELECT id, email, note AS user_id FROM events', changed_since => 'user_id'));
SELECT create_identity_map('odd.no', identity_source('e', 'SELECT point(id, id) AS key, email FROM events', changed_since => 'key'));
SELECT create_identity_map('odd.no', identity_source('e', 'SELECT id, email FROM events', changed_since => 'version'));

-- A kind may be called as the map calls things itself.
SELECT create_identity_map('odd.people', identity_source('events', 'SELECT id, email AS ir_id, email AS q, version AS since FROM events', changed_since => 'since'),
  identity_rule('ir_id'), identity_rule('q'), identity_rule('since', link => false), identity_column('ir_id'), identity_column('q'));
CALL refresh_identity_map('odd.people');
UPDATE odd.events SET email = 'v7@x.com', version = version + 1;
CALL refresh_identity_map('odd.people');
SELECT ir_id, q FROM odd.people;
SELECT drop_identity_map('odd.people');

-- A table that once had a child is a plain one.
CREATE TABLE odd.child () INHERITS (odd.events);
SELECT create_identity_map('odd.people', identity_source('events', 'SELECT id, email FROM events', capture => 'trigger'), identity_column('email'));
DROP TABLE odd.child;
SELECT create_identity_map('odd.people', identity_source('events', 'SELECT id, email FROM events', capture => 'trigger'), identity_column('email'));
CALL refresh_identity_map('odd.people');
CREATE TABLE odd.child () INHERITS (odd.people);
DROP TABLE odd.child;
UPDATE odd.events SET email = 'v8@x.com';
CALL refresh_identity_map('odd.people');
SELECT email FROM odd.people;
SELECT drop_identity_map('odd.people');
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA odd CASCADE;
