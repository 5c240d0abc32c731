-- What identity_maps says of a map: how many people and records there are, exactly; the call that makes it; comments that name it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS defined, elsewhere CASCADE;
CREATE SCHEMA defined;
CREATE SCHEMA elsewhere;
SET search_path = defined, public;
CREATE TABLE app (id int PRIMARY KEY, user_id text, email text, tenant text, plan text, version bigint);
CREATE TABLE shop (id text PRIMARY KEY, email text);
CREATE TABLE merges (former text, present text);
INSERT INTO app SELECT n, 'u' || n, 'p' || n || '@x.com', NULL, NULL, n FROM generate_series(1, 20) AS n;
INSERT INTO shop SELECT 's' || n, 'P' || n * 2 || '@x.com' FROM generate_series(1, 20) AS n;
SET client_min_messages = error;  -- what a resolve warns of is not this test's
SELECT create_identity_map('people', identity_source('app', 'SELECT id, user_id, email FROM app WHERE id > 0'), identity_source('shop', 'SELECT id, email FROM shop', capture => 'trigger'),
  identity_column('app_id', 'int[]'), identity_column('email', 'text[]'), identity_column('shop_id'));

-- The numbers are exact after each call.
CREATE PROCEDURE counted(INOUT step text) LANGUAGE plpgsql AS $$
DECLARE
  said record;
  is_so record;
BEGIN
  SELECT identities, records INTO said FROM public.identity_maps WHERE map = 'defined.people';
  SELECT (SELECT count(*) FROM defined.people), (SELECT count(*) FROM identity_map_records('defined.people')) INTO is_so;
  step := format('%s: %s identities, %s records%s', step, said.identities, said.records, CASE WHEN (said.identities, said.records) = is_so THEN '' ELSE format(', not %s', is_so) END);
END $$;
CALL counted('made');
SELECT identify('people', 'early', '{"email": "early@x.com"}') IS NOT NULL AS known;
CALL counted('identified before the first refresh');
CALL refresh_identity_map('people');
CALL counted('first fill');
CALL refresh_identity_map('people');
CALL counted('nothing changed');
INSERT INTO shop VALUES ('new', 'new@x.com'), ('p1', 'p1@x.com');
UPDATE app SET email = 'p3@x.com' WHERE id = 4;
DELETE FROM app WHERE id IN (5, 6);
CALL refresh_identity_map('people');
CALL counted('changes');
SELECT identify('people', 'u7', '{"email": ["p8@x.com", "p9@x.com"]}') IS NOT NULL AS known, identify('people', 'nobody yet') IS NOT NULL AS known, identify('people', 'nobody yet') IS NOT NULL AS known;
CALL counted('identified');
BEGIN;
SELECT count(identify('people', 'm' || n)) FROM generate_series(1, 50) AS n;
CALL counted('in a transaction');
ROLLBACK;
CALL counted('taken back');
SELECT count(identify('people', 'm' || n)) FROM generate_series(1, 5) AS n;
SELECT forget('people', 'app', '9'), forget('people', 'app', '999'), forget_identity('people', identity_id) FROM people WHERE 10 = ANY (app_id);
CALL counted('forgotten');
CALL refresh_identity_map('people');
CALL counted('refreshed');
UPDATE app SET email = 'all@x.com' WHERE id > 10;
CALL refresh_identity_map('people', "full" => true);
CALL counted('full');
UPDATE app SET email = 'p' || id || '@x.com' WHERE id > 10;
CALL refresh_identity_map('people');
CALL counted('much changed');
SELECT remember('people', 'app', '9');
CALL refresh_identity_map('people');
CALL counted('remembered');
SELECT alter_identity_map('people', identity_rule('email', max_records => 1));
CALL counted('altered');
CALL refresh_identity_map('people');
CALL counted('... and refreshed');
SELECT pg_get_functiondef('identity_internal.identity_map_most'::regproc) AS in_memory \gset
CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$;
UPDATE app SET email = 'p1@x.com' WHERE id = 2;
CALL refresh_identity_map('people');
SELECT identify('people', 'm6', '{"email": "p1@x.com"}') IS NOT NULL AS known, forget('people', 'app', '1');
CALL counted('where memory does not suffice');
:in_memory;
-- A state that was damaged, or replaced.
UPDATE identity_internal.identity_map_catalog SET identities = 1, records = 1 WHERE map = 'people'::regclass;
CALL refresh_identity_map('people', "full" => true);
CALL counted('mended');
SELECT count(*) AS added FROM identity_internal.identity_map_counts;

-- The call that makes it.
\pset format unaligned
\pset tuples_only on
SELECT identity_map_definition('people');
-- With every clause there is, and texts that want quotes.
SELECT create_identity_map('elsewhere."Odd ""map""''s"', identity_source('app', $$SELECT id, user_id, email, tenant, plan, version FROM app WHERE email <> 'it''s' AND email !~ '\.$'$$, changed_since => 'version', bad_ids => 'error', max_loss => 0.25, on_loss => 'fail'),
  identity_source('shop', E'SELECT id, email\nFROM shop', capture => 'trigger'), identity_rule('plan', link => false), identity_rule('version', 'none', false),
  identity_rule('email', blocked => ARRAY['a@x.com', E'b"{},\\''@x.com'], blocked_pattern => '@spam\.', max_records => 50, on_tie => 'data', block_roles => true, role_max_records => 0, priority => -3),
  identity_rule('phone', region => 'GB', scope => 'tenant'), identity_rule('user_id', max_per_identity => 0), identity_rule('user_id', scope => 'all', fallback => false, block_placeholders => false), identity_defaults('0.1'), identity_alias('user_id', 'TABLE merges'),
  identity_column('app_id', 'int[]'), identity_column('email'), identity_column('plans', 'text[]'), identity_column('user_id', 'varchar(20)[]'));
SELECT identity_map_definition('elsewhere."Odd ""map""''s"');
-- The path comes with it where the session has another one, and the schema of what is hidden there.
SET search_path = pg_catalog;
SELECT public.identity_map_definition('elsewhere."Odd ""map""''s"') AS definition \gset
\echo :definition
SELECT public.drop_identity_map('elsewhere."Odd ""map""''s"') \g /dev/null
-- It runs, and makes the same.
:definition
SHOW search_path;
SELECT identity_map_definition('elsewhere."Odd ""map""''s"') = substr(:'definition', strpos(:'definition', E'\n') + 1) AS is_same;
SET search_path = '';
SELECT public.create_identity_map('elsewhere.bare', public.identity_source('app', 'SELECT id FROM defined.app'));
SELECT public.identity_map_definition('elsewhere.bare');
SET search_path = defined, public;
SELECT identity_map_definition('elsewhere.bare');
SELECT drop_identity_map('elsewhere.bare') \g /dev/null
SELECT identity_map_definition(NULL) IS NULL AS null_of_null;
SELECT identity_map_definition('app');
-- Only for its owner.
CREATE ROLE regress_defined;
GRANT USAGE ON SCHEMA defined TO regress_defined;
GRANT SELECT ON people TO regress_defined;
SET ROLE regress_defined;
SELECT identity_map_definition('people');
RESET ROLE;

-- Comments name the map; one of the user's stays, and so does one that was taken away until the map is altered.
CREATE FUNCTION comments(map regclass) RETURNS TABLE (comment text) LANGUAGE sql AS $$
  SELECT coalesce(t.attname || ': ', '') || d.description FROM pg_description AS d LEFT JOIN pg_attribute AS t ON t.attrelid = d.objoid AND t.attnum = d.objsubid AND t.attnum > 0
  WHERE d.objoid = map AND d.classoid = 'pg_class'::regclass ORDER BY d.objsubid $$;
SELECT * FROM comments('people');
SELECT DISTINCT d.description FROM pg_description AS d JOIN pg_trigger AS t ON t.oid = d.objoid AND d.classoid = 'pg_trigger'::regclass WHERE t.tgrelid = 'shop'::regclass AND d.description LIKE '%defined.people%';
COMMENT ON TABLE people IS 'everybody';
COMMENT ON COLUMN people.app_id IS 'kept by somebody else';
COMMENT ON COLUMN people.shop_id IS NULL;
ALTER TABLE people ADD COLUMN mine int;
ALTER TABLE people RENAME TO persons;
CALL refresh_identity_map('persons');
SELECT * FROM comments('persons');
ALTER TABLE persons RENAME TO people;
ALTER TABLE people RENAME COLUMN email TO address;
SELECT alter_identity_map('people', identity_column('sources', 'text[]')) \g /dev/null
SELECT reduce_identity_map('people', columns => '{email}') \g /dev/null
CALL refresh_identity_map('people');
SELECT * FROM comments('people');
SELECT map, identities = (SELECT count(*) FROM people) AS counted FROM identity_maps WHERE map = 'defined.people';
SELECT drop_identity_map('people') \g /dev/null
SELECT drop_identity_map('elsewhere."Odd ""map""''s"') \g /dev/null
SELECT count(*) AS left FROM identity_internal.identity_map_counts;
SET client_min_messages = warning;
DROP SCHEMA defined, elsewhere CASCADE;
DROP ROLE regress_defined;
