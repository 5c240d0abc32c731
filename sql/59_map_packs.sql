-- Packs: the rows of an identity's records in one value, the only copy of the sources' rows that a map has.
SET client_min_messages = warning;
CREATE SCHEMA packs;
CREATE TABLE packs.app (id text PRIMARY KEY, email text, phone text);
CREATE TABLE packs.desk (id int PRIMARY KEY, email text);
CREATE TABLE packs.rows (id int, email text);
CREATE TABLE packs.notes (id int PRIMARY KEY, user_id text, note text);
INSERT INTO packs.app SELECT 'u' || n, 'u' || n || '@x.com' FROM generate_series(1, 5) AS n;
INSERT INTO packs.desk SELECT n, 'u' || n || '@x.com' FROM generate_series(1, 3) AS n;
-- 20 kB that do not compress: a pack of one is kept out of line.
INSERT INTO packs.notes SELECT n, CASE n WHEN 1 THEN 'u1' ELSE 'u4' END, (SELECT string_agg(md5(n || ' ' || i), '') FROM generate_series(1, 640) AS i)
FROM generate_series(1, 5) AS n;
INSERT INTO packs.rows VALUES (1, 'u1@x.com'), (1, 'one@x.com'), (2, 'two@x.com');
SELECT create_identity_map('packs.people', identity_source('app', 'SELECT id, id AS user_id, email, phone FROM packs.app', capture => 'trigger'),
  identity_source('desk', 'SELECT id, email FROM packs.desk'), identity_source('rows', 'SELECT id, email FROM packs.rows'),
  identity_source('notes', 'SELECT id, user_id, note FROM packs.notes', capture => 'trigger'),
  identity_rule('email', max_records => 3), identity_rule('note', link => false),
  identity_column('app_id', 'text[]'), identity_column('desk_id', 'int[]'), identity_column('rows_id', 'int[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('packs.people');
RESET client_min_messages;
SELECT map_id AS id, format('identity_state.m%s_identities', map_id) AS identities FROM identity_internal.identity_map_catalog \gset

-- What a map holds, how many packs there are, in which way the state does not agree with them, and whether the map is what a
-- full resolve gives.
CREATE VIEW packs.shown AS SELECT app_id, desk_id, rows_id, email FROM packs.people;
CREATE FUNCTION packs.look(OUT identities bigint, OUT packs bigint, OUT wrong text, OUT differ bigint) LANGUAGE plpgsql AS $$
DECLARE m identity_internal.identity_map_catalog := (SELECT c FROM identity_internal.identity_map_catalog AS c);
BEGIN
  EXECUTE format('SELECT (SELECT count(*) FROM packs.people), count(*) FROM identity_state.m%s_identities', m.map_id) INTO identities, packs;
  wrong := identity_internal.identity_map_differences(m.map_id);
  SELECT count(*) INTO differ FROM (
    (TABLE packs.shown EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('packs.people')) AS (app_id text[], desk_id int[], rows_id int[], email text[]))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('packs.people')) AS (app_id text[], desk_id int[], rows_id int[], email text[]) EXCEPT ALL TABLE packs.shown)) AS d;
END $$;
SELECT * FROM packs.look();

-- A change writes the packs of those whom it concerns, and no others.
CREATE TABLE packs.before AS SELECT identity_id, xmin::text AS written FROM :identities;
UPDATE packs.app SET email = 'u2@x.com' WHERE id = 'u1';
UPDATE packs.desk SET email = 'u5@x.com' WHERE id = 3;
DELETE FROM packs.rows WHERE email = 'two@x.com';
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();
SELECT p.app_id, p.desk_id, p.rows_id, b.written IS NULL AS is_new, b.written <> k.xmin::text AS is_written
FROM packs.people AS p JOIN :identities AS k USING (identity_id) LEFT JOIN packs.before AS b USING (identity_id) ORDER BY 1, 2, 3;

-- u1 and u2 are two users with one address: they share it. What becomes of one of them concerns the other one too.
SELECT count(*) AS sharers FROM :identities WHERE get_byte(packed, 3) = 1;
INSERT INTO packs.desk VALUES (10, 'u2@x.com'), (11, 'u2@x.com');
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();
-- Now it is too common, and they share nothing.
SET client_min_messages = error;
INSERT INTO packs.desk VALUES (12, 'u2@x.com');
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();
RESET client_min_messages;
SELECT count(*) AS sharers FROM :identities WHERE get_byte(packed, 3) = 1;
-- And no longer is.
DELETE FROM packs.desk WHERE id = 12;
UPDATE packs.app SET email = 'u1@x.com' WHERE id = 'u1';
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();
SELECT count(*) AS sharers FROM :identities WHERE get_byte(packed, 3) = 1;

-- Long values.
SELECT p.app_id, length(k.packed) > 20000 AS is_long FROM packs.people AS p LEFT JOIN :identities AS k USING (identity_id) WHERE p.app_id && '{u1,u4}' ORDER BY 1;
UPDATE packs.app SET email = 'four@x.com' WHERE id = 'u4';
UPDATE packs.notes SET note = reverse(note) WHERE id = 1;
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();
DELETE FROM packs.notes WHERE id IN (2, 3);
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();

-- A pack that cannot be read, one of another version, one cut short: a refresh that needs it says so; a full one reads all anew.
UPDATE :identities AS k SET packed = '\x00' FROM packs.people AS p WHERE p.identity_id = k.identity_id AND p.app_id = '{u2}';
UPDATE :identities AS k SET packed = set_byte(packed, 2, 9) FROM packs.people AS p WHERE p.identity_id = k.identity_id AND p.app_id = '{u4}';
UPDATE :identities AS k SET packed = substr(packed, 1, length(packed) - 1) FROM packs.people AS p WHERE p.identity_id = k.identity_id AND p.app_id = '{u5}';
UPDATE packs.app SET email = 'again.' || email WHERE id <> 'u3';
\set VERBOSITY terse
CALL refresh_identity_map('packs.people');
\set VERBOSITY default
CALL refresh_identity_map('packs.people', full => true);
SELECT * FROM packs.look();

-- A full refresh writes them anew.
UPDATE packs.app SET email = 'once.' || email WHERE id IN ('u1', 'u3');
CALL refresh_identity_map('packs.people', full => true);
SELECT * FROM packs.look();
-- It brings back the identities that somebody took out of the state.
DELETE FROM :identities;
CALL refresh_identity_map('packs.people', full => true);
SELECT identities = (SELECT count(*) FROM :identities) AS all_there, wrong, differ FROM packs.look();
UPDATE :identities SET packed = '';
SELECT alter_identity_map('packs.people', identity_rule('email', max_records => 4));
CALL refresh_identity_map('packs.people');
SELECT * FROM packs.look();

-- identify() and forget() write them too.
SELECT identify('packs.people', 'u3', '{"email": ["u3@x.com", "three@x.com"]}') IS NOT NULL AS known;
SELECT * FROM packs.look();
SELECT count(*) AS told FROM :identities WHERE position('three@x.com'::bytea IN packed) > 0;
-- So many identifiers that their list is stored in another way.
SELECT identify('packs.people', 'u3', jsonb_build_object('email', (SELECT jsonb_agg('three' || n || '@x.com') || '["three@x.com"]' FROM generate_series(1, 40) AS n))) IS NOT NULL AS known;
SELECT * FROM packs.look();
SELECT identify('packs.people', 'u3', '{"email": ["u3@x.com", "three@x.com"]}') IS NOT NULL AS known;
SELECT * FROM packs.look();
SELECT forget('packs.people', 'identify', 'u3');
SELECT * FROM packs.look();
SELECT count(*) AS told FROM :identities WHERE position('three@x.com'::bytea IN packed) > 0;
SELECT forget_identity('packs.people', identity_id) AS records FROM packs.people WHERE app_id = '{u1}';
SELECT identities, packs, wrong FROM packs.look();
SELECT count(*) AS told FROM :identities WHERE position('again.u1@x.com'::bytea IN packed) > 0;

-- Several refreshes, and identify() between them, in one transaction; a part of it rolled back.
BEGIN;
UPDATE packs.app SET email = 'a@x.com' WHERE id = 'u2';
CALL refresh_identity_map('packs.people');
SAVEPOINT s;
SELECT identify('packs.people', 'u2', '{"email": "b@x.com"}') IS NOT NULL AS known;
UPDATE packs.app SET email = 'b@x.com' WHERE id = 'u5';
CALL refresh_identity_map('packs.people');
SELECT identities, packs, wrong FROM packs.look();
ROLLBACK TO s;
UPDATE packs.app SET email = 'a@x.com' WHERE id = 'u5';
CALL refresh_identity_map('packs.people');
SELECT identities, packs, wrong FROM packs.look();
COMMIT;
SELECT identities, packs, wrong FROM packs.look();

-- The rows that are at hand for a step of a refresh are nobody's but of those who may read the state.
\set VERBOSITY sqlstate
SELECT count(*) FROM identity_internal.identity_map_rows(:id, 1, false) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text, c2 text, c3 text);
SELECT count(*) FROM identity_internal.identity_map_rows(:id, 1, true) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text);
SELECT count(*) FROM identity_internal.identity_map_rows(:id, 1, true) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text, c2 text, c3 text);
SELECT count(*) FROM identity_internal.identity_map_rows(-1, 1, true) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text);
CREATE ROLE regress_packs_reader;
GRANT USAGE ON SCHEMA packs TO regress_packs_reader;
GRANT SELECT, INSERT ON packs.people TO regress_packs_reader;
SET ROLE regress_packs_reader;
BEGIN;
SELECT identify('packs.people', 'u2', '{"email": "c@x.com"}') IS NOT NULL AS known;
SELECT count(*) FROM identity_internal.identity_map_rows(:id, 1, false) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea, c1 text, c2 text, c3 text);
ROLLBACK;
SELECT * FROM identity_internal.identity_map_read_rows('{}', 1, NULL, '', NULL, NULL, :id, 1, NULL, 0, NULL, NULL);
RESET ROLE;
\set VERBOSITY default

DROP VIEW packs.shown;
SELECT drop_identity_map('packs.people');
SET client_min_messages = warning;
DROP SCHEMA packs CASCADE;
DROP ROLE regress_packs_reader;
