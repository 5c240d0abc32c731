-- The column updated_at of a map: when anything in its row was last changed, and nothing else moves it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS changed CASCADE;
CREATE SCHEMA changed;
SET search_path = changed, public;
CREATE TABLE app (id int PRIMARY KEY, email text, plan text, updated_at timestamptz DEFAULT '2020-01-01');
CREATE TABLE shop (id text PRIMARY KEY, email text);
INSERT INTO app SELECT n, 'p' || n || '@x.com', 'free' FROM generate_series(1, 12) AS n;
INSERT INTO shop SELECT 's' || n, 'P' || n || '@x.com' FROM generate_series(1, 8) AS n;
SET client_min_messages = error;
SELECT create_identity_map('people', identity_source('app', 'TABLE app'), identity_source('shop', 'TABLE shop', capture => 'trigger'), identity_rule('plan', link => false),
  identity_column('app_id', 'int[]'), identity_column('updated_at', 'timestamptz'), identity_column('email', 'text[]'), identity_column('shop_id', 'text[]'), identity_column('identify_id', 'text[]'), identity_column('plan'));

-- Whose rows have changed since this was asked last; a row that did change has a later time than all had, and none has no time.
CREATE TABLE seen (identity_id uuid, updated_at timestamptz, said jsonb);
CREATE FUNCTION shown() RETURNS SETOF seen LANGUAGE sql AS $$ SELECT identity_id, updated_at, to_jsonb(p) - 'updated_at' FROM changed.people AS p $$;
CREATE PROCEDURE told(INOUT what text, is_judged boolean DEFAULT true) LANGUAGE plpgsql AS $$
BEGIN
  what := what || (
    SELECT format(': %s changed, of %s%s',
        coalesce(string_agg(array_to_string(ARRAY(SELECT jsonb_array_elements_text(coalesce(nullif(p.said -> k, 'null'), '[]')) FROM unnest('{app_id,shop_id,identify_id}'::text[]) AS k), '+'), ' ' ORDER BY p.said -> 'app_id', p.said)
                 FILTER (WHERE s.identity_id IS NULL OR p.updated_at <> s.updated_at), 'nothing'), count(*),
        '; WRONG: ' || string_agg(p::text, ' ') FILTER (WHERE is_judged AND (p.updated_at IS NULL
          OR CASE WHEN s.said = p.said THEN p.updated_at <> s.updated_at ELSE p.updated_at <= coalesce((SELECT max(updated_at) FROM changed.seen), '-infinity') END)))
    FROM changed.shown() AS p LEFT JOIN changed.seen AS s USING (identity_id));
  DELETE FROM changed.seen;
  INSERT INTO changed.seen SELECT * FROM changed.shown();
END $$;
CREATE PROCEDURE refreshed(INOUT what text, "full" boolean DEFAULT false, is_judged boolean DEFAULT true) LANGUAGE plpgsql AS $$
BEGIN
  CALL public.refresh_identity_map('changed.people', "full");
  CALL changed.told(what, is_judged);
END $$;
\pset tuples_only on
CALL refreshed('first fill');
SELECT count(DISTINCT updated_at) AS times, bool_and(updated_at > now() - interval '1 hour') AS is_now FROM people;
CALL refreshed('nothing');
CALL refreshed('nothing, in full', true);
UPDATE app SET updated_at = now() WHERE id = 2;
CALL refreshed('what no row shows');
UPDATE app SET plan = 'pro' WHERE id = 3;
CALL refreshed('a value');
UPDATE app SET email = 'p2@x.com' WHERE id = 1;
UPDATE shop SET email = 'p9@x.com' WHERE id = 's4';
CALL refreshed('a record that moves, and one that leaves its person');
DELETE FROM app WHERE id = 12;
CALL refreshed('one who goes');
SELECT identify('people', 'u1', '{"email": "p5@x.com"}') IS NOT NULL;
CALL told('identify()');
SELECT identify('people', 'u1', '{"email": "p5@x.com"}') IS NOT NULL;
CALL told('identify() of the same');
SELECT identify('people', 'u1', '{"email": ["p6@x.com", "p7@x.com"]}') IS NOT NULL;
CALL told('identify() that joins two');
SELECT forget('people', 'shop', 's8');
CALL told('forget()');
UPDATE app SET plan = 'team' WHERE id > 8;
UPDATE app SET plan = 'team' WHERE id < 8;
CALL refreshed('most of it');

-- By statements, as they run where the table has triggers, and where memory does not suffice.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER nothing BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION nothing();
UPDATE app SET plan = 'one' WHERE id = 3;
INSERT INTO app VALUES (20, 'new@x.com');
CALL refreshed('by a statement');
SELECT identify('people', 'u2', '{"email": "p3@x.com"}') IS NOT NULL, identify('people', 'u3') IS NOT NULL;
CALL told('identify() by a statement');
CALL refreshed('nothing by a statement');
CALL refreshed('nothing by a statement, in full', true);
DROP TRIGGER nothing ON people;
SELECT pg_get_functiondef('identity_internal.identity_map_most'::regproc) AS in_memory \gset
CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$;
UPDATE app SET plan = 'two' WHERE id = 3;
DELETE FROM app WHERE id = 20;
INSERT INTO app VALUES (21, 'newer@x.com');
CALL refreshed('where memory does not suffice');
CALL refreshed('nothing there', true);
:in_memory;

-- What somebody else has written into the table a full refresh mends; a time of his does not stand where it has to write.
UPDATE people SET plan = 'mine' WHERE 3 = ANY (app_id);
CALL refreshed('written by hand', true, false);
UPDATE people SET updated_at = NULL WHERE 5 = ANY (app_id);
CALL refreshed('a time taken away', true, false);

-- The rows' columns change, and so do the rows.
SELECT alter_identity_map('people', identity_column('record_count', 'int'));
CALL refreshed('a column more');
SELECT reduce_identity_map('people', columns => '{record_count}');
CALL refreshed('a column less', false, false);
SELECT reduce_identity_map('people', columns => '{updated_at}');
CALL refresh_identity_map('people');
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND NOT attisdropped;
UPDATE app SET plan = 'three' WHERE id = 3;
CALL refresh_identity_map('people');
SELECT alter_identity_map('people', identity_column('updated_at', 'timestamptz'));
SELECT identify('people', 'u4') IS NOT NULL;
SELECT count(*), count(updated_at) FROM people;
CALL refresh_identity_map('people');
SELECT count(*) - count(updated_at), count(DISTINCT updated_at) FROM people;
CALL told('added', false);
UPDATE app SET plan = 'four' WHERE id = 3;
CALL refreshed('and kept');
SELECT identity_map_definition('people');
ALTER TABLE people RENAME COLUMN updated_at TO changed_at;
CALL refresh_identity_map('people');
ALTER TABLE people RENAME COLUMN changed_at TO updated_at;
CALL refreshed('renamed and back');

-- It is of one type, and of maps alone.
SELECT alter_identity_map('people', identity_column('updated_at'));
SELECT alter_identity_map('people', identity_column('updated_at', 'date'));
SELECT create_identity_map('others', identity_source('app', 'TABLE app'), identity_rule('plan', link => false), identity_column('updated_at', 'timestamp'));
SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email, updated_at FROM app')) AS (email text, updated_at timestamptz);
-- A kind `at` of a source called `updated` has the name already.
CREATE TABLE updated (id int, at text);
INSERT INTO updated VALUES (1, 'noon');
SELECT updated_at FROM resolve_identities(identity_source('updated', 'TABLE updated'), identity_rule('at', link => false)) AS (updated_at text);
SELECT create_identity_map('times', identity_source('updated', 'TABLE updated'), identity_rule('at', link => false), identity_column('updated_at'));
CALL refresh_identity_map('times');
SELECT updated_at FROM times;
SELECT alter_identity_map('times', identity_source('updated', 'SELECT id, at AS time FROM updated'), identity_rule('time', link => false));
SELECT alter_identity_map('times', identity_source('updated', 'SELECT id, at AS time FROM updated'), identity_rule('time', link => false), identity_column('updated_at', 'timestamptz'));
CALL refresh_identity_map('times');
SELECT updated_at > now() - interval '1 hour' FROM times;
-- A map that shows nothing else.
SELECT create_identity_map('bare', identity_source('shop', 'TABLE shop'), identity_column('updated_at', 'timestamptz'));
CALL refresh_identity_map('bare');
INSERT INTO shop VALUES ('s9', 'p99@x.com');
CALL refresh_identity_map('bare');
CALL refresh_identity_map('bare', "full" => true);
SELECT updated_at = max(updated_at) OVER () AS is_last, count(*) FROM bare GROUP BY updated_at ORDER BY 1;
SELECT drop_identity_map('people'), drop_identity_map('times'), drop_identity_map('bare') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA changed CASCADE;
