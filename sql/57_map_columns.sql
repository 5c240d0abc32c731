-- The table of a map is its user's. A column that the map keeps and finds no more is an error that says what to do, and one
-- that was changed by hand is filled anew; nothing is left as it was in silence.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS kept, moved CASCADE;
CREATE SCHEMA kept;
CREATE TABLE kept.app (id int PRIMARY KEY, email text, phone text);
INSERT INTO kept.app SELECT n, 'e' || n || '@x.com', '+1415555010' || n FROM generate_series(1, 3) AS n;
SELECT create_identity_map('kept.people', identity_source('app', 'SELECT id, email, phone FROM kept.app'),
  identity_column('app_id', 'int[]'), identity_column('email', 'text[]'), identity_column('phone'));
CALL refresh_identity_map('kept.people');
CREATE VIEW kept.last AS SELECT last_changes ->> 'kind' AS kind, (last_changes -> 'updated')::int AS updated FROM identity_maps;

-- Renamed: nobody refreshes over it, nor identifies where a statement writes the table.
ALTER TABLE kept.people RENAME email TO "E-Mail";
UPDATE kept.app SET email = 'new@x.com' WHERE id = 1;
CALL refresh_identity_map('kept.people');
SELECT identify('kept.people', 'u1', '{"email": "e2@x.com"}');
SELECT last_error FROM identity_maps;
-- Back: all is well.
ALTER TABLE kept.people RENAME "E-Mail" TO email;
CALL refresh_identity_map('kept.people');
SELECT app_id, email FROM kept.people ORDER BY 1;
-- Or the column is the user's from now on.
ALTER TABLE kept.people RENAME email TO mail;
SELECT reduce_identity_map('kept.people', columns => '{email}');
UPDATE kept.app SET email = 'newer@x.com', phone = '+14155550111' WHERE id = 1;
CALL refresh_identity_map('kept.people');
SELECT app_id, mail, phone FROM kept.people ORDER BY 1;
ALTER TABLE kept.people DROP mail;
SELECT alter_identity_map('kept.people', identity_column('email', 'text[]'));
CALL refresh_identity_map('kept.people');

-- Dropped: the clause makes it again.
ALTER TABLE kept.people DROP phone;
CALL refresh_identity_map('kept.people');
SELECT alter_identity_map('kept.people', identity_column('phone'));
CALL refresh_identity_map('kept.people');
SELECT app_id, email, phone FROM kept.people ORDER BY 1;
-- Another one under the same name is empty, and is filled; names that were exchanged are, too.
ALTER TABLE kept.people DROP phone, ADD phone text;
CALL refresh_identity_map('kept.people');
TABLE kept.last;
ALTER TABLE kept.people DROP email, ADD email text;
ALTER TABLE kept.people RENAME email TO was_email;
ALTER TABLE kept.people RENAME phone TO email;
ALTER TABLE kept.people RENAME was_email TO phone;
CALL refresh_identity_map('kept.people');
SELECT app_id, email, phone FROM kept.people ORDER BY 1;

-- Of another type: identify() writes what fits it, the next refresh fills it.
ALTER TABLE kept.people ALTER email TYPE text[] USING ARRAY['mine', email];
SELECT identify('kept.people', 'u1', '{"email": ["e2@x.com", "u1@x.com"]}') IS NOT NULL AS known;
SELECT app_id, email FROM kept.people ORDER BY 1;
CALL refresh_identity_map('kept.people');
TABLE kept.last;
SELECT app_id, email FROM kept.people ORDER BY 1;
CALL refresh_identity_map('kept.people');
TABLE kept.last;
-- Also where a statement writes it.
ALTER TABLE kept.people ALTER phone TYPE text[] USING ARRAY['mine', phone], ADD CONSTRAINT checked CHECK (app_id <> '{}');
UPDATE kept.app SET phone = '+14155550122' WHERE id = 2;
SELECT identify('kept.people', 'u1', '{"phone": "+14155550123"}') IS NOT NULL AS known;
CALL refresh_identity_map('kept.people');
SELECT app_id, email, phone FROM kept.people ORDER BY 1;
ALTER TABLE kept.people DROP CONSTRAINT checked;
-- The clause's type comes back where it is asked for.
SELECT alter_identity_map('kept.people', identity_column('phone', 'text'));
CALL refresh_identity_map('kept.people');
SELECT app_id, phone FROM kept.people ORDER BY 1;

-- Nobody may write a generated column; a default and NOT NULL have their say.
ALTER TABLE kept.people DROP phone, ADD phone text GENERATED ALWAYS AS ('none') STORED;
CALL refresh_identity_map('kept.people');
ALTER TABLE kept.people DROP phone, ADD phone text DEFAULT 'none' NOT NULL;
CALL refresh_identity_map('kept.people');
UPDATE kept.app SET phone = NULL WHERE id = 3;
\set VERBOSITY terse
CALL refresh_identity_map('kept.people');
\set VERBOSITY default
ALTER TABLE kept.people ALTER phone DROP NOT NULL;
CALL refresh_identity_map('kept.people');
SELECT app_id, phone FROM kept.people ORDER BY 1;

-- The id.
ALTER TABLE kept.people RENAME identity_id TO id;
CALL refresh_identity_map('kept.people');
SELECT identify('kept.people', 'u2', '{"email": "e2@x.com"}');
ALTER TABLE kept.people RENAME id TO identity_id;
ALTER TABLE kept.people ALTER identity_id TYPE text;
CALL refresh_identity_map('kept.people');
ALTER TABLE kept.people ALTER identity_id TYPE uuid USING identity_id::uuid;
CALL refresh_identity_map('kept.people');

-- The table may be called otherwise and lie elsewhere.
CREATE SCHEMA moved;
ALTER TABLE kept.people SET SCHEMA moved;
ALTER TABLE moved.people RENAME TO "Our people";
UPDATE kept.app SET email = 'moved@x.com' WHERE id = 3;
SELECT identify('moved."Our people"', 'u1', '{"email": null}') IS NOT NULL AS known;
CALL refresh_identity_map('moved."Our people"');
SELECT app_id, email FROM moved."Our people" ORDER BY 1;
SELECT map, map::regclass = 'moved."Our people"'::regclass AS is_it FROM identity_maps;

-- Rows of tables that inherit from it are not the map's: they stay.
CREATE TABLE moved.guests (note text) INHERITS (moved."Our people");
INSERT INTO moved.guests (identity_id, email, note) VALUES (gen_random_uuid(), '{guest@x.com}', 'not to be deleted');
INSERT INTO moved."Our people" (identity_id, email) VALUES (gen_random_uuid(), '{stray@x.com}');
CALL refresh_identity_map('moved."Our people"', full => true);
SELECT tableoid::regclass, app_id, email FROM moved."Our people" ORDER BY 1, 2;
DROP TABLE moved.guests;
-- It may be a child or a partition of another one.
ALTER TABLE moved."Our people" RENAME TO people;
CREATE TABLE moved.parent (identity_id uuid NOT NULL, email text[]);
ALTER TABLE moved.people INHERIT moved.parent;
UPDATE kept.app SET email = 'child@x.com' WHERE id = 3;
CALL refresh_identity_map('moved.people');
SELECT email FROM moved.parent ORDER BY 1;
ALTER TABLE moved.people NO INHERIT moved.parent;
CREATE TABLE moved.everybody (identity_id uuid NOT NULL, app_id int[], phone text, email text[]) PARTITION BY HASH (identity_id);
ALTER TABLE moved.everybody ATTACH PARTITION moved.people FOR VALUES WITH (MODULUS 1, REMAINDER 0);
UPDATE kept.app SET email = 'partition@x.com' WHERE id = 3;
DELETE FROM kept.app WHERE id = 2;
CALL refresh_identity_map('moved.people');
CALL refresh_identity_map('moved.people', full => true);
SELECT email FROM moved.everybody ORDER BY 1;
ALTER TABLE moved.everybody DETACH PARTITION moved.people;

-- Of a table that is not logged nothing tells whether a crash has emptied it: all of it is compared.
ALTER TABLE moved.people SET UNLOGGED;
DELETE FROM moved.people;
CALL refresh_identity_map('moved.people');
SELECT count(*) FROM moved.people;
TABLE kept.last;
ALTER TABLE moved.people SET LOGGED;

SELECT drop_identity_map('moved.people');
SET client_min_messages = warning;
DROP SCHEMA kept, moved CASCADE;
