-- Identity maps and aliases: a refresh gives what a full resolve does, whatever changed, and identify() goes by the last refresh.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA merged;
RESET client_min_messages;
SET search_path = merged, public;
CREATE TABLE merges (old_id text, new_id text);
CREATE TABLE app (id int, user_id text, email text);
CREATE TABLE shop (id int PRIMARY KEY, user_id text, email text);
CREATE TABLE desk (id int, user_id text, email text, version bigint);
INSERT INTO app VALUES (1, 'u1', 'ann@x.com'), (2, 'u2', 'ann2@x.com'), (3, 'u3', 'bob@x.com'), (4, 'u4', NULL);
INSERT INTO shop VALUES (1, 'u5', 'cat@x.com'), (2, 'u3', 'bob@x.com');
INSERT INTO desk VALUES (1, 'u6', 'ann@x.com', 1), (2, NULL, 'dan@x.com', 2);
SELECT create_identity_map('people', identity_source('app', 'SELECT id, user_id, email FROM app'),
  identity_source('shop', 'SELECT id, user_id, email FROM shop', capture => 'trigger'),
  identity_source('desk', 'SELECT id, user_id, email, version FROM desk', changed_since => 'version'),
  identity_alias('user_id', 'TABLE merges'), identity_rule('version', link => false),
  identity_column('app_id', 'int[]'), identity_column('shop_id', 'int[]'), identity_column('desk_id', 'int[]'), identity_column('identify_id', 'text[]'),
  identity_column('user_id', 'text[]'), identity_column('app_user_id', 'text[]'), identity_column('email', 'text[]'), identity_column('record_count', 'int'));
RESET search_path;
-- The map and a full resolve of its clauses are the same.
CREATE PROCEDURE merged.check(step text) LANGUAGE plpgsql SET search_path = merged, public AS $$
DECLARE
  differs text;
BEGIN
  SET LOCAL client_min_messages = error;
  WITH wanted AS (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('people'))
                    AS (app_id int[], shop_id int[], desk_id int[], identify_id text[], user_id text[], app_user_id text[], email text[], record_count int)),
       had AS (SELECT app_id, shop_id, desk_id, identify_id, user_id, app_user_id, email, record_count FROM people)
  SELECT string_agg(d.what || ' ' || d.row, E'\n' ORDER BY d) INTO differs FROM (
    SELECT 'map has' AS what, x::text AS row FROM (TABLE had EXCEPT ALL TABLE wanted) AS x
    UNION ALL SELECT 'resolve has', x::text FROM (TABLE wanted EXCEPT ALL TABLE had) AS x) AS d;
  IF differs IS NOT NULL THEN
    RAISE EXCEPTION '%: %', step, differs;
  END IF;
END $$;
CREATE VIEW merged.shown AS SELECT app_id, shop_id, desk_id, identify_id, user_id, app_user_id, email, record_count AS n FROM merged.people ORDER BY app_id, shop_id, desk_id, identify_id;
CREATE VIEW merged.done AS SELECT last_changes ->> 'kind' AS kind, last_changes -> 'created' AS created, last_changes -> 'merged' AS merged, last_changes -> 'split' AS split
  FROM identity_maps WHERE map = 'merged.people';
CALL refresh_identity_map('merged.people');
CALL merged.check('no alias yet');
TABLE merged.shown;
CREATE TABLE merged.at_first AS SELECT identity_id, unnest(app_id) AS app_id FROM merged.people;

-- A merge that is told between two refreshes joins two identities, though each may have one user id; the older id stays. The
-- present user id is shown, a source's own column shows what it has typed. No record is made of the pair.
INSERT INTO merged.merges VALUES ('u1', 'u2');
INSERT INTO merged.app VALUES (5, 'u7', 'eve@x.com');
CALL refresh_identity_map('merged.people');
CALL merged.check('a merge');
TABLE merged.shown;
TABLE merged.done;
SELECT count(*) AS kept FROM merged.people AS p JOIN merged.at_first AS f ON f.identity_id = p.identity_id AND f.app_id = ANY (p.app_id);
SELECT event, by_kind, by_value FROM identity_map_history('merged.people') ORDER BY 1;
-- The next one has nothing to do; pairs in another order, or twice, are the same.
CALL refresh_identity_map('merged.people');
TABLE merged.done;
INSERT INTO merged.merges SELECT * FROM merged.merges;
CALL refresh_identity_map('merged.people');
TABLE merged.done;

-- Chains, circles, and what says nothing: blanks, no value, placeholders, the same value.
INSERT INTO merged.merges VALUES ('u2', 'u3'), ('u5', 'u6'), ('u6', 'u5'), (' u7 ', 'u4'), ('u4', NULL), (NULL, 'u4'), ('', 'u4'), ('null', 'u4'), ('u4', 'u4'), ('u8', 'undefined');
CALL refresh_identity_map('merged.people');
CALL merged.check('chains and circles');
TABLE merged.shown;
-- identify() by a former value finds the person; it goes by the aliases of the last refresh, and runs nobody's query.
SELECT identify('merged.people', 'u1', '{"email": "ann3@x.com"}') = identity_id AS same FROM merged.people WHERE 3 = ANY (app_id);
SELECT user_id, identify_id, email FROM merged.people WHERE 3 = ANY (app_id);
INSERT INTO merged.merges VALUES ('u9', 'u3');
SELECT identify('merged.people', 'u9') = identity_id AS same FROM merged.people WHERE 3 = ANY (app_id);
CALL refresh_identity_map('merged.people');
CALL merged.check('after identify()');
SELECT identify('merged.people', 'u9') = identity_id AS same FROM merged.people WHERE 3 = ANY (app_id);
SELECT app_id, shop_id, desk_id, identify_id FROM merged.people WHERE 3 = ANY (app_id);
SET search_path = merged, public;
SELECT metric, subject, value FROM identity_report(VARIADIC identity_map_clauses('merged.people')) WHERE metric = 'records';
SELECT step, explanation FROM explain_identity('app', '1', 'identify', 'u9', VARIADIC identity_map_clauses('merged.people')) WHERE step < 2;
RESET search_path;

-- Changes of the sources, each told in its way, while the aliases stay.
UPDATE merged.app SET user_id = 'u6' WHERE id = 4;
INSERT INTO merged.shop VALUES (3, 'u1', NULL);
UPDATE merged.desk SET user_id = 'u9', version = 3 WHERE id = 2;
CALL refresh_identity_map('merged.people');
CALL merged.check('sources changed');
TABLE merged.done;
TABLE merged.shown;
-- And together with them; of a source with changed_since all is read where aliases have changed.
DELETE FROM merged.desk WHERE id = 1;
DELETE FROM merged.merges WHERE old_id = 'u2';
UPDATE merged.shop SET user_id = 'u7' WHERE id = 1;
CALL refresh_identity_map('merged.people');
CALL merged.check('sources and aliases changed');
TABLE merged.done;
TABLE merged.shown;

-- Without its pair a person is several again.
DELETE FROM merged.merges;
CALL refresh_identity_map('merged.people');
CALL merged.check('no alias any more');
TABLE merged.done;
TABLE merged.shown;

-- Any kind has aliases, also one that does not link: its limit counts one value. Kinds with a scope, and what a rule blocks.
SELECT alter_identity_map('merged.people', identity_alias('email', $$VALUES ('CAT@x.com', ' Dan@X.com'), ('eve@x.com', 'bob@x.com'), ('m1@x.com', 'zoe@x.com'), ('m999@x.com', 'yan@x.com')$$),
  identity_alias('version', 'SELECT 3, 2'), identity_rule('version', link => false, max_per_identity => 1));
UPDATE merged.desk SET user_id = 'u3';
INSERT INTO merged.desk VALUES (3, 'u3', NULL, 2);
SELECT identify('merged.people', 'u20', '{"email": "cat@x.com"}') = identity_id AS not_yet FROM merged.people WHERE 2 = ANY (desk_id);
CALL refresh_identity_map('merged.people');
CALL merged.check('several kinds');
TABLE merged.done;
TABLE merged.shown;
-- A user may have very many values: each is read as its present one.
SELECT identify('merged.people', 'u21', jsonb_build_object('email', ARRAY(SELECT 'm' || n || '@x.com' FROM generate_series(1, 1500) AS n) || 'M7@x.com'::text)) IS NOT NULL AS is_there;
CALL merged.check('many values');
SELECT cardinality(email) AS addresses, email @> '{zoe@x.com,yan@x.com}' AS has_the_present_ones, email && '{m1@x.com,m999@x.com}' AS has_a_former_one FROM merged.people WHERE 'u21' = ANY (identify_id);
SELECT forget('merged.people', 'identify', 'u21');
SELECT alter_identity_map('merged.people', identity_rule('email', scope => 'source', blocked => ARRAY['dan@x.com']), identity_alias('version', 'SELECT 3, 4'));
CALL refresh_identity_map('merged.people');
CALL merged.check('a scope and a blocked value');
TABLE merged.shown;
-- A kind that is the scope of another one: equal addresses link where the tenant is the same, and a tenant that has become another's is.
CREATE TABLE merged.members (id int, tenant text, email text);
INSERT INTO merged.members VALUES (1, 'north', 'sam@x.com'), (2, ' north', 'sam@x.com'), (3, 'south', 'sam@x.com');
SET search_path = merged, public;
SELECT create_identity_map('tenants', identity_source('app', 'TABLE members'), identity_rule('email', scope => 'tenant'), identity_rule('tenant', link => false), identity_rule('user_id', max_per_identity => 0),
  identity_alias('tenant', $$SELECT * FROM merges WHERE old_id LIKE 'nor%'$$), identity_alias('email', $$SELECT * FROM merges WHERE old_id LIKE '%@%'$$),
  identity_column('app_id', 'int[]'), identity_column('identify_id', 'text[]'), identity_column('tenant', 'text[]'), identity_column('email', 'text[]'));
RESET search_path;
CALL refresh_identity_map('merged.tenants');
SELECT app_id, identify_id, tenant, email FROM merged.tenants ORDER BY 1, 2;
INSERT INTO merged.merges VALUES ('north', 'south'), ('old@x.com', 'sam@x.com');
CALL refresh_identity_map('merged.tenants');
SELECT identify('merged.tenants', 'a', '{"email": "old@x.com", "tenant": "north"}') = identify('merged.tenants', 'b', '{"email": "sam@x.com", "tenant": "south"}') AS one;
SELECT identify('merged.tenants', 'c', '{"email": "sam@x.com", "tenant": "west"}') IS NOT NULL AS another;
SELECT app_id, identify_id, tenant, email FROM merged.tenants ORDER BY 1, 2;
DELETE FROM merged.merges WHERE old_id IN ('north', 'old@x.com');
CALL refresh_identity_map('merged.tenants');
SELECT app_id, identify_id, tenant, email FROM merged.tenants ORDER BY 1, 2;
SELECT reduce_identity_map('merged.tenants', rules => '{tenant}', aliases => '{email}');
SELECT drop_identity_map('merged.tenants');
-- Clauses that go: of aliases, by their kinds.
SELECT reduce_identity_map('merged.people', aliases => '{version,email}', rules => '{email}');
SELECT reduce_identity_map('merged.people', aliases => '{email}');
CALL refresh_identity_map('merged.people');
CALL merged.check('clauses are gone');
TABLE merged.shown;
CALL refresh_identity_map('merged.people', full => true);
SELECT last_changes - '{kind,records}'::text[] AS nothing FROM identity_maps WHERE map = 'merged.people';

-- A forgotten record stays forgotten. The pairs leave the state when their query no longer gives them.
INSERT INTO merged.merges VALUES ('u4', 'u3'), ('u1', 'u2');
CALL refresh_identity_map('merged.people');
SELECT forget('merged.people', 'app', '1');
DELETE FROM merged.merges WHERE 'u1' IN (old_id, new_id);
CALL refresh_identity_map('merged.people');
SELECT app_id, user_id FROM merged.people WHERE app_id && '{1,2}';
CREATE FUNCTION merged.pairs() RETURNS TABLE (kind text, former text, present text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE (SELECT format('SELECT kind, convert_from(former, ''UTF8''), convert_from(present, ''UTF8'') FROM identity_state.m%s_aliases', map_id)
                        FROM identity_internal.identity_map_catalog WHERE map = 'merged.people'::regclass);
END $$;
SELECT * FROM merged.pairs();
SELECT remember('merged.people', 'app', '1');
CALL refresh_identity_map('merged.people');
CALL merged.check('remembered');

-- A random walk.
SELECT setseed(0.31);
CREATE PROCEDURE merged.walk() LANGUAGE plpgsql AS $$
DECLARE
  u text[];
BEGIN
  FOR i IN 1 .. 60 LOOP
    FOR j IN 0 .. floor(random() * 3) LOOP
      u := ARRAY(SELECT (ARRAY['', ' ', ' u2', 'u3 '])[1 + floor(random() * 30)::int] FROM generate_series(1, 2));
      u := ARRAY[coalesce(u[1], 'u' || floor(random() * 10)), coalesce(u[2], 'u' || floor(random() * 10))];
      CASE floor(random() * 7)
        WHEN 0 THEN INSERT INTO merged.merges VALUES (u[1], u[2]);
        WHEN 1 THEN DELETE FROM merged.merges WHERE old_id = u[1];
        WHEN 2 THEN UPDATE merged.merges SET new_id = u[2] WHERE old_id = u[1];
        WHEN 3 THEN INSERT INTO merged.app VALUES (random() * 9, u[1], 'p' || floor(random() * 9) || '@x.com');
        WHEN 4 THEN UPDATE merged.shop SET user_id = u[1] WHERE id = floor(random() * 4);
        WHEN 5 THEN INSERT INTO merged.desk SELECT random() * 9, u[1], 'p' || floor(random() * 9) || '@x.com', max(version) + 1 FROM merged.desk;
        ELSE PERFORM identify('merged.people', 'u' || floor(random() * 10), jsonb_build_object('email', 'p' || floor(random() * 9) || '@x.com'));
      END CASE;
    END LOOP;
    SET client_min_messages = error;
    CALL refresh_identity_map('merged.people', full => i % 20 = 0);
    CALL merged.check('walk, step ' || i);
    COMMIT;
  END LOOP;
END $$;
CALL merged.walk();
RESET client_min_messages;
DROP VIEW merged.shown;
SELECT drop_identity_map('merged.people');

-- A refresh reads aliases with the rights of the map's owner, and by the search_path of the map's making; identify() needs none.
CREATE ROLE regress_alias_owner;
CREATE ROLE regress_alias_site;
GRANT CREATE, USAGE ON SCHEMA merged TO regress_alias_owner;
GRANT USAGE ON SCHEMA merged TO regress_alias_site;
GRANT SELECT ON merged.app TO regress_alias_owner;
TRUNCATE merged.merges, merged.app;
INSERT INTO merged.merges VALUES ('u1', 'u2');
INSERT INTO merged.app VALUES (1, 'u1', NULL), (2, 'u2', NULL), (3, 'u3', NULL);
SET ROLE regress_alias_owner;
SET search_path = merged, public;
SELECT create_identity_map('theirs', identity_source('app', 'SELECT id, user_id FROM app'), identity_alias('user_id', 'TABLE merges'), identity_column('app_id', 'int[]'));
GRANT INSERT ON theirs TO regress_alias_site;
RESET search_path;
CALL refresh_identity_map('merged.theirs');
RESET ROLE;
CALL refresh_identity_map('merged.theirs');
SELECT last_error FROM identity_maps WHERE map = 'merged.theirs';
GRANT SELECT ON merged.merges TO regress_alias_owner;
CALL refresh_identity_map('merged.theirs');
SELECT app_id FROM merged.theirs ORDER BY 1;
REVOKE SELECT ON merged.merges FROM regress_alias_owner;
SET ROLE regress_alias_site;
SELECT identify('merged.theirs', 'u1') = identify('merged.theirs', 'u2') AS same;
SET ROLE regress_alias_owner;
CALL refresh_identity_map('merged.theirs');
RESET ROLE;
SELECT app_id FROM merged.theirs ORDER BY 1;
-- Queries that are none are refused at once, as a source's; those that fail, when they run.
SELECT alter_identity_map('merged.theirs', identity_alias('user_id', 'SELECT old_id FROM merged.merges'));
SELECT alter_identity_map('merged.theirs', identity_alias('user_id', 'SELECT 1, 2, 3'));
SELECT alter_identity_map('merged.theirs', identity_alias('user_id', 'DELETE FROM merged.merges RETURNING 1, 2'));
SELECT alter_identity_map('merged.theirs', identity_alias('nobody', 'TABLE merged.merges'));
SELECT alter_identity_map('merged.theirs', identity_alias('user_id', 'SELECT id, 1 / (id - 1) FROM merged.app'));
CALL refresh_identity_map('merged.theirs');
-- The map's owner writes bytes into the state that are no text. The next refresh writes the state anew.
SELECT alter_identity_map('merged.theirs', identity_alias('user_id', $$SELECT 'u2', 'u3'$$));
CALL refresh_identity_map('merged.theirs');
DO $$ BEGIN EXECUTE (SELECT format('UPDATE identity_state.m%s_aliases SET present = %L', map_id, '\xff00') FROM identity_internal.identity_map_catalog WHERE map = 'merged.theirs'::regclass); END $$;
SELECT identify('merged.theirs', 'u2', '{"email": "ann@x.com"}');
CALL refresh_identity_map('merged.theirs');
SELECT identify('merged.theirs', 'u2', '{"email": "ann@x.com"}') = identity_id AS same FROM merged.theirs WHERE 3 = ANY (app_id);
SELECT drop_identity_map('merged.theirs');
-- All is new, and the pairs are, in a state that was looked at when it held nothing.
TRUNCATE merged.merges, merged.app;
INSERT INTO merged.app VALUES (1, 'u1', NULL);
SET search_path = merged, public;
SELECT create_identity_map('large', identity_source('app', 'SELECT id, user_id FROM app'), identity_alias('user_id', 'TABLE merges'), identity_column('app_id', 'int[]'));
CALL refresh_identity_map('large');
DELETE FROM app;
CALL refresh_identity_map('large');
INSERT INTO app SELECT n, 'u' || n FROM generate_series(1, 40000) AS n;
INSERT INTO merges SELECT 'u' || n, 'u' || n + 1 FROM generate_series(1, 40000, 2) AS n;
SET statement_timeout = '120s';
CALL refresh_identity_map('large');
RESET statement_timeout;
SELECT count(*), sum(cardinality(app_id)) FROM large;
SELECT identify('large', 'u7') = identity_id AS same FROM large WHERE app_id = '{7,8}';
SELECT drop_identity_map('large');
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA merged CASCADE;
DROP ROLE regress_alias_owner, regress_alias_site;
