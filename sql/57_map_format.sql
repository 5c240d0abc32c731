-- A state of another format, as another version has made it: nothing reads it, and the next refresh makes it anew, under the same ids.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS formats CASCADE;
CREATE SCHEMA formats;
SET search_path = formats, public;
CREATE TABLE app (id text PRIMARY KEY, email text);
CREATE TABLE desk (id int PRIMARY KEY, email text);
INSERT INTO app SELECT 'u' || n, format('p%s@x.com', n) FROM generate_series(1, 300) AS n;
INSERT INTO desk SELECT n, format('p%s@x.com', n) FROM generate_series(1, 300) AS n;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app'), identity_source('desk', 'SELECT id, email FROM desk', capture => 'trigger'),
                           identity_column('app_id', 'text[]'), identity_column('desk_id', 'int[]'), identity_column('identify_id', 'text[]'));
CALL refresh_identity_map('people');
SELECT identify('people', 'told', '{"email": "p7@x.com"}') IS NOT NULL AS is_told;
DELETE FROM desk WHERE id = 300;
UPDATE app SET email = 'p1@x.com' WHERE id = 'u2';
CALL refresh_identity_map('people');
CREATE TABLE kept AS TABLE people;
CREATE TABLE history AS SELECT * FROM identity_map_history('people');

UPDATE identity_internal.identity_map_catalog SET format = 0 WHERE map = 'people'::regclass;
\set VERBOSITY default
SELECT identify('people', 'told too', '{"email": "p8@x.com"}');
SELECT identity_of('people', 'app', 'u1') IS NULL;
INSERT INTO app VALUES ('u301', 'p3@x.com');
CALL refresh_identity_map('people');
-- All but the one who has come to u3 is as it was.
SELECT count(*) AS kept, count(*) FILTER (WHERE p IS DISTINCT FROM k) AS other, count(*) FILTER (WHERE p.app_id @> '{u301}') AS fresh
FROM people AS p FULL JOIN kept AS k USING (identity_id);
SELECT (SELECT count(*) FROM (TABLE history EXCEPT SELECT * FROM identity_map_history('people')) AS h) AS lost_history;
SELECT identify_id FROM people WHERE identify_id IS NOT NULL;
SELECT identity_of('people', 'app', 'u1') = (SELECT identity_id FROM kept WHERE app_id @> '{u1}') AS is_found;
CALL refresh_identity_map('people');
SELECT last_changes ->> 'kind' AS kind, last_changes ->> 'changed' AS changed, last_error FROM identity_maps WHERE map = 'formats.people';
SELECT identity_internal.identity_map_differences(map_id) FROM identity_internal.identity_map_catalog WHERE map = 'people'::regclass;

SELECT drop_identity_map('people');
DROP SCHEMA formats CASCADE;
