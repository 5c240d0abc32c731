-- Identity maps and record ids that are none: a refresh gives what a full resolve does, whichever way it reads a source.
\set VERBOSITY terse
CREATE SCHEMA bad;
CREATE TABLE bad.told (id text, email text);
CREATE TABLE bad.since (id text, email text, version bigint);
CREATE TABLE bad.read (id text, email text);
CREATE TABLE bad.keyed (id text PRIMARY KEY, email text);
CREATE FUNCTION bad.clauses() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('told', 'SELECT id, email FROM bad.told', capture => 'trigger'),
               identity_source('since', 'SELECT id, email, version FROM bad.since', changed_since => 'version'),
               identity_source('read', 'SELECT id, email FROM bad.read'),
               identity_source('keyed', 'SELECT id, email FROM bad.keyed', capture => 'trigger'),
               identity_rule('version', link => false), identity_rule('email', max_records => 2)] $$;
SELECT create_identity_map('bad.people', VARIADIC bad.clauses() || ARRAY[identity_column('told_id', 'text[]'), identity_column('since_id', 'text[]'),
  identity_column('read_id', 'text[]'), identity_column('keyed_id', 'text[]'), identity_column('email', 'text[]'), identity_column('record_count', 'int')]);
-- What differs between the map and a full resolve: nothing.
CREATE PROCEDURE bad.check(step text, "full" boolean DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE
  differs text;
BEGIN
  SET LOCAL client_min_messages = error;
  WITH wanted AS (SELECT * FROM resolve_identities(VARIADIC bad.clauses()) AS (told_id text[], since_id text[], read_id text[], keyed_id text[], email text[], record_count int)),
       had AS (SELECT told_id, since_id, read_id, keyed_id, email, record_count FROM bad.people)
  SELECT string_agg(d.what || ' ' || d.row, E'\n' ORDER BY d) INTO differs FROM (
    SELECT 'map has' AS what, x::text AS row FROM (TABLE had EXCEPT ALL TABLE wanted) AS x
    UNION ALL SELECT 'resolve has', x::text FROM (TABLE wanted EXCEPT ALL TABLE had) AS x) AS d;
  RAISE LOG '%', step;
  IF differs IS NOT NULL THEN
    RAISE EXCEPTION '%: %', step, differs;
  END IF;
END $$;
CREATE FUNCTION bad.write(id text, email text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO bad.told VALUES ($1, $2);
  INSERT INTO bad.since VALUES ($1, $2, (SELECT coalesce(max(version), 0) + 1 FROM bad.since));
  INSERT INTO bad.read VALUES ($1, $2);
  INSERT INTO bad.keyed VALUES ($1, $2) ON CONFLICT DO NOTHING;
$$;
-- A source with changed_since tells of no row that is gone: its rows lose what they carry.
CREATE FUNCTION bad.erase(id text, email text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM bad.told AS t WHERE t.id = $1 AND t.email = $2;
  UPDATE bad.since AS t SET email = NULL, version = (SELECT max(version) + 1 FROM bad.since) WHERE t.id = $1 AND t.email = $2;
  DELETE FROM bad.read AS t WHERE t.id = $1 AND t.email = $2;
  DELETE FROM bad.keyed AS t WHERE t.id = $1 AND t.email = $2;
$$;
SELECT count(bad.write('u' || n, 'p' || n || '@x.com')) FROM generate_series(1, 200) AS n;
SELECT bad.write('undefined', 'p1@x.com'), bad.write('', 'p2@x.com'), bad.write('a', 'p3@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('first fill');
SELECT left_out FROM identity_maps WHERE map = 'bad.people';

-- The id that was on one row, and is now on two, and back; blank ids that come and go; another spelling of an id.
SELECT bad.write('undefined', 'p4@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('undefined twice');
SELECT left_out FROM identity_maps WHERE map = 'bad.people';
SELECT last_changes ->> 'kind' AS kind FROM identity_maps WHERE map = 'bad.people';
SELECT bad.erase('undefined', 'p1@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('undefined once');
SELECT bad.write('undefined ', 'p5@x.com'), bad.write(' ', 'p6@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('undefined in two spellings');
SELECT left_out FROM identity_maps WHERE map = 'bad.people';
SELECT bad.erase('undefined', 'p4@x.com'), bad.erase('', 'p2@x.com'), bad.erase(' ', 'p6@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('undefined in one spelling');
SELECT left_out FROM identity_maps WHERE map = 'bad.people';
SELECT bad.write('a ', 'p7@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('a in two spellings');
SELECT told_id, keyed_id, record_count FROM bad.people WHERE 'a' = ANY (told_id);
UPDATE bad.told SET email = 'p8@x.com' WHERE id = 'a ';
UPDATE bad.keyed SET email = 'p8@x.com' WHERE id = 'a';
CALL refresh_identity_map('bad.people');
CALL bad.check('one of them changed');
SELECT bad.erase('a', 'p3@x.com');
DELETE FROM bad.keyed WHERE id = 'a';
CALL refresh_identity_map('bad.people');
CALL bad.check('the other one is gone');
SELECT bad.write('a', 'p3@x.com'), bad.write(' a', 'p9@x.com');
CALL refresh_identity_map('bad.people');
CALL bad.check('three spellings');
CALL refresh_identity_map('bad.people', full => true);
CALL bad.check('full');
-- It found nothing to do.
SELECT last_changes - '{kind,records}'::text[] AS nothing FROM identity_maps WHERE map = 'bad.people';
SELECT alter_identity_map('bad.people', identity_rule('email', max_records => 2, fallback => false));
CALL refresh_identity_map('bad.people');
CALL bad.check('all read anew');
SELECT left_out FROM identity_maps WHERE map = 'bad.people';

-- A random walk through all of it.
SELECT setseed(0.23);
CREATE PROCEDURE bad.walk() LANGUAGE plpgsql AS $$
DECLARE
  ids text[] := ARRAY['', ' ', 'null', 'null ', 'NULL', '0', '00', 'undefined', E'\tundefined', 'b', ' b', 'b ', 'c', 'c ', 'd'];
  id text;
  email text;
BEGIN
  FOR i IN 1 .. 60 LOOP
    FOR j IN 1 .. 1 + floor(random() * 3) LOOP
      id := ids[1 + floor(random() * cardinality(ids))];
      email := 'p' || floor(random() * 6) || '@x.com';
      IF random() < 0.5 THEN PERFORM bad.write(id, email); ELSE PERFORM bad.erase(id, email); END IF;
    END LOOP;
    SET client_min_messages = error;
    CALL refresh_identity_map('bad.people');
    CALL bad.check('walk, step ' || i);
    COMMIT;
  END LOOP;
END $$;
CALL bad.walk();

-- Whoever is strict has the refresh fail.
SELECT alter_identity_map('bad.people', identity_source('read', $$SELECT '' AS id, 'p1@x.com' AS email$$, bad_ids => 'error'));
CALL refresh_identity_map('bad.people');
RESET client_min_messages;
SELECT last_error FROM identity_maps WHERE map = 'bad.people';
SELECT drop_identity_map('bad.people');

-- identify() refuses what is no user id. With other blanks around it a user is the same one.
SELECT create_identity_map('bad.users', identity_source('none', 'SELECT NULL::text AS id, NULL::text AS email WHERE false'), identity_column('identify_id', 'text[]'), identity_column('email', 'text[]'));
CALL refresh_identity_map('bad.users');
SELECT identify('bad.users', u) FROM (VALUES ('undefined')) AS v(u);
SELECT identify('bad.users', ' null ');
SELECT identify('bad.users', '0');
SELECT identify('bad.users', '[object Object]');
SELECT identify('bad.users', U&'\00A0');
SELECT identify('bad.users', 'ann ', '{"email": "ann@x.com"}') = identify('bad.users', 'ann', '{"email": "ann2@x.com"}') AS same;
SELECT identify_id, email FROM bad.users;
CALL refresh_identity_map('bad.users', full => true);
SELECT identify_id, email FROM bad.users;
-- A record is forgotten, and remembered, in all of its spellings.
SELECT forget('bad.users', 'identify', ' ann');
SELECT identify('bad.users', 'ann ');
SELECT remember('bad.users', 'identify', 'ann');
SELECT identify('bad.users', 'ann ') IS NOT NULL AS is_back;
SELECT drop_identity_map('bad.users');

-- Blanks around record ids, and ids in JSON, when records go one by one.
CREATE TABLE bad.crm (id text, email text);
CREATE TABLE bad.docs (id jsonb PRIMARY KEY, email text);
INSERT INTO bad.crm VALUES ('a', 'a@x.com'), ('a ', 'a2@x.com'), ('b ', 'b@x.com'), (' c', 'c@x.com'), ('d', 'd@x.com'), ('', 'e@x.com');
INSERT INTO bad.docs VALUES ('"j1"', 'a@x.com'), ('7', 'b@x.com'), ('"j3"', 'f@x.com');
SELECT create_identity_map('bad.olds', identity_source('crm', 'SELECT id, email FROM bad.crm'), identity_source('docs', 'SELECT id, email FROM bad.docs', capture => 'trigger'),
  identity_column('crm_id', 'text[]'), identity_column('docs_id', 'text[]'), identity_column('email', 'text[]'));
SET client_min_messages = error;
CALL refresh_identity_map('bad.olds');
UPDATE bad.crm SET email = 'new' || email;
UPDATE bad.docs SET email = 'new' || email;
SELECT forget('bad.olds', 'crm', 'b'), remember('bad.olds', 'crm', ' b ');
CALL refresh_identity_map('bad.olds');
SELECT crm_id, docs_id, email FROM bad.olds ORDER BY email;
SELECT count(*) AS wrong FROM (SELECT crm_id, docs_id, email FROM bad.olds EXCEPT SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('bad.olds')) AS (crm_id text[], docs_id text[], email text[])) w;
SELECT identify('bad.olds', 'u3', '{"email": "newb@x.com"}') = (SELECT identity_id FROM bad.olds WHERE crm_id = '{"b "}') AS joins_b;
DELETE FROM bad.crm WHERE id IN ('a ', ' c');
CALL refresh_identity_map('bad.olds');
SELECT crm_id, docs_id, email FROM bad.olds ORDER BY email;
SELECT identity_internal.identity_map_differences(map_id) FROM identity_internal.identity_map_catalog WHERE map = 'bad.olds'::regclass;
SELECT drop_identity_map('bad.olds');
RESET client_min_messages;
DROP SCHEMA bad CASCADE;
