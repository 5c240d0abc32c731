-- A map's queries run with its owner's rights, whoever refreshes; only the owner may; nobody else's code runs.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS vault, hostile CASCADE;
CREATE ROLE regress_map_owner;
CREATE ROLE regress_map_member IN ROLE regress_map_owner;
CREATE ROLE regress_map_site;
CREATE ROLE regress_map_reader;
CREATE ROLE regress_map_mallory;
CREATE SCHEMA vault AUTHORIZATION regress_map_owner;
CREATE SCHEMA hostile AUTHORIZATION regress_map_mallory;
GRANT USAGE ON SCHEMA vault TO PUBLIC;
RESET client_min_messages;
SET ROLE regress_map_owner;
CREATE TABLE vault.app (id int, email text, owner name DEFAULT current_user);
ALTER TABLE vault.app ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.app FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON vault.app USING (owner = current_user);
INSERT INTO vault.app VALUES (1, 'ann@x.com');
SET search_path = vault, public;
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email FROM app'), identity_column('app_id', 'int[]'));
RESET search_path;
GRANT INSERT ON vault.people TO regress_map_site;
GRANT SELECT ON vault.people TO regress_map_reader;
RESET ROLE;
INSERT INTO vault.app VALUES (2, 'bob@x.com', 'somebody else');

-- The superuser refreshes: still the owner's view of the table, and the search_path of the map's making.
SET search_path = pg_catalog;
CALL public.refresh_identity_map('vault.people');
RESET search_path;
SELECT app_id FROM vault.people;
SET ROLE regress_map_member;
CALL refresh_identity_map('vault.people');
SELECT map, owner, refreshes FROM identity_maps;

-- Who may INSERT may identify, and no more; who may SELECT may read the history.
SET ROLE regress_map_site;
SELECT identify('vault.people', 'u1', '{"email": "ann@x.com"}') IS NOT NULL AS known;
CALL refresh_identity_map('vault.people');
SELECT identity_map_history('vault.people');
SELECT forget('vault.people', 'app', '1');
SELECT identity_map_clauses('vault.people');
SET ROLE regress_map_reader;
SELECT count(*) FROM identity_map_history('vault.people');
SELECT identity_current('vault.people', identity_id) = identity_id AS same FROM vault.people;
SELECT identify('vault.people', 'u1', '{}');
SET ROLE regress_map_mallory;
SELECT count(*) FROM identity_maps;
SELECT identify('vault.people', 'u1', '{}');
SELECT alter_identity_map('vault.people', identity_source('app', 'SELECT 1 AS id'));
SELECT reduce_identity_map('vault.people', columns => '{app_id}');
SELECT drop_identity_map('vault.people');
SELECT forget_identity('vault.people', '00000000-0000-0000-0000-000000000000');
SELECT * FROM identity_map_history('vault.people');

-- Nothing of the extension's is writable, and the internal functions are of no use to others.
SELECT * FROM identity_internal.identity_map_catalog;
UPDATE identity_internal.identity_map_catalog SET map_name = 'mine';
CREATE TABLE identity_state.mine (id int);
SELECT identity_internal.identity_map_note(1, '{"error": "x", "sqlstate": "y"}');
SELECT identity_internal.identity_map_erase(1, '{}');
SELECT identity_internal.identity_map_register(1, '{}');
SELECT identity_internal.identity_map_prepare(1, '{}');
RESET ROLE;
SELECT map_id AS id FROM identity_internal.identity_map_catalog \gset
SET ROLE regress_map_mallory;
\set VERBOSITY sqlstate
SELECT identity_internal.identity_map_lock(:id, 1, true, true);
SELECT identity_internal.identity_map_lock_keys(:id, '{1}');
SELECT identity_internal.identity_map_reach(:id, '{1}', '{}', '{}', '{}', 10);
SELECT * FROM identity_internal.identity_map_place((SELECT array_agg(c) FROM unnest(ARRAY[identity_source('app', 'SELECT 1 AS id, 1 AS "[number]"')]) AS c), :id, now())
  AS (id uuid, is_new boolean, lost uuid, olds uuid[], records bigint, by_kind text, by_value text, by_rids bigint[], places bigint[]);
SELECT identity_internal.identity_map_fill(ARRAY[identity_source('app', 'SELECT 1 AS id')], 'public', :id, '{1}', '{}', '{}', now(), true, '{NULL}', 'pg_class', '{}');
SELECT * FROM identity_internal.identity_map_members(:id, NULL, '{1}');
SELECT * FROM identity_internal.identity_map_all_records(:id);
SELECT * FROM identity_internal.identity_map_rows(:id, 1, true) AS r (rid bigint, record_id text, updated_at timestamp, packed bytea);
SELECT identity_internal.identity_map_carriers(:id, '{1}');
SELECT identity_internal.identity_map_differences(:id);
SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = 'identity_state'::regnamespace AND c.relkind = 'r'
  AND (has_table_privilege(c.oid, 'SELECT') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'));
RESET ROLE;
-- Called with what they are not made for they say so.
SELECT identity_internal.identity_map_reach(:id, '{NULL}', '{}', '{}', '{}', 10);
SELECT identity_internal.identity_map_reach(-1, '{1}', '{}', '{}', '{}', 10);
SELECT identity_internal.identity_map_reach(:id, '{-1}', '{-1}', '{-1}', '{-1}', 10);
SELECT * FROM identity_internal.identity_map_place(ARRAY[identity_source('app', 'SELECT 1 AS id')], :id, now()) AS (cluster uuid);
SELECT identity_internal.identity_map_fill(ARRAY[identity_source('app', 'SELECT 1 AS id')], 'public', :id, '{1,2}', '{}', '{}', now(), true, '{NULL}', 'vault.people', '{app_id}', '');
SELECT identity_internal.identity_map_fill(ARRAY[identity_source('app', 'SELECT 1 AS id')], 'public', :id, '{}', '{}', '{}', now(), true, '{NULL}', 'vault.people', '{app_id}', '');
SELECT identity_internal.identity_map_filled(:id);
SELECT identity_internal.identity_map_counted(:id);
SELECT * FROM identity_internal.identity_map_rows(:id, 1, true) AS r (rid bigint);
SELECT identity_internal.identity_map_told(:id, '{NULL}', NULL);
SELECT identity_internal.identity_map_packed_numbers('\x00');
SELECT identity_internal.identity_map_minus('{1,NULL}', '{}');
\set VERBOSITY default
SELECT identity_internal.identity_map_minus('{1,2,4,7}', '{0,2,3,7,9}') AS minus, identity_internal.identity_map_minus('{}', '{1}') AS nothing, identity_internal.identity_map_minus('{1}', '{}') AS everything;
SELECT count(*) AS writable FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'identity_resolve'
WHERE c.relkind IN ('r', 'v', 'S') AND has_table_privilege('regress_map_mallory', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE');
SELECT has_schema_privilege('regress_map_mallory', 'identity_state', 'CREATE') AS may_create;

-- Mallory's functions and operators lie in wait: a superuser with her schema first in the path runs none of them.
SET ROLE regress_map_mallory;
CREATE TABLE hostile.loot (who name);
GRANT ALL ON hostile.loot TO PUBLIC;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.take(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hostile.loot VALUES (current_user); RETURN $1; END $$;
CREATE FUNCTION hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT hostile.take($1) $$;
CREATE FUNCTION hostile.format(text, integer) RETURNS text LANGUAGE sql AS $$ SELECT hostile.take($1) $$;
CREATE FUNCTION hostile.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS $$ SELECT 1::bigint FROM (SELECT hostile.take('x')) AS t $$;
CREATE FUNCTION hostile.jsonb_build_object(VARIADIC text[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb FROM (SELECT hostile.take('x')) AS t $$;
CREATE FUNCTION hostile.coalesce_text(text, text) RETURNS text LANGUAGE sql AS $$ SELECT hostile.take($1) $$;
CREATE OPERATOR hostile.|| (FUNCTION = hostile.coalesce_text, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION hostile.same(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.take($1) = $2 $$;
CREATE OPERATOR hostile.= (FUNCTION = hostile.same, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION hostile.same8(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.take('x') IS NULL $$;
CREATE OPERATOR hostile.= (FUNCTION = hostile.same8, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION hostile.identity_map_settle(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb FROM (SELECT hostile.take('x')) AS t $$;
CREATE TABLE hostile.app (id int, email text);
RESET ROLE;
SET search_path = hostile, pg_catalog, public;
INSERT INTO vault.app VALUES (3, 'cyd@x.com', 'regress_map_owner');
CALL refresh_identity_map('vault.people');
CALL refresh_identity_map('vault.people', full => true);
SELECT identify('vault.people', 'u2', '{"email": "cyd@x.com"}') IS NOT NULL AS known;
SELECT count(*) OPERATOR(pg_catalog.>) 0 AS told FROM identity_map_history('vault.people');
SELECT forget('vault.people', 'identify', 'u2');
SELECT alter_identity_map('vault.people', identity_column('email'));
CALL refresh_identity_map('vault.people');
SELECT create_identity_map('vault.second', identity_source('app', 'SELECT id, email FROM vault.app'), identity_column('app_id'));
CALL refresh_identity_map('vault.second');
SELECT drop_identity_map('vault.second');
SELECT map FROM identity_maps;
RESET search_path;
SELECT count(*) AS loot FROM hostile.loot;
-- The bait was good.
SET search_path = hostile, pg_catalog;
SELECT format('%s', 1) OPERATOR(pg_catalog.=) '%s' AS taken;
RESET search_path;
SELECT count(*) AS loot FROM hostile.loot;

-- A query of Mallory's map does not run as the superuser who refreshes it.
SET ROLE regress_map_mallory;
TRUNCATE hostile.loot;
CREATE FUNCTION hostile.spy() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN current_user || ' ' || has_table_privilege('vault.app', 'SELECT'); END $$;
SELECT create_identity_map('hostile.map', identity_source('spy', 'SELECT hostile.spy()'), identity_column('spy_id'));
RESET ROLE;
CALL refresh_identity_map('hostile.map');
SELECT spy_id FROM hostile.map;
-- Nor can it become anybody else.
SET ROLE regress_map_mallory;
CREATE OR REPLACE FUNCTION hostile.spy() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN current_user; END $$;
RESET ROLE;
CALL refresh_identity_map('hostile.map');

-- A new owner of the table has the rights on its state; the former has none, and nobody but the extension's own role owns it.
ALTER TABLE hostile.map OWNER TO regress_map_owner;
GRANT USAGE ON SCHEMA hostile TO regress_map_owner;
SET ROLE regress_map_mallory;
CREATE OR REPLACE FUNCTION hostile.spy() RETURNS text LANGUAGE sql AS $$ SELECT 'quiet ' || current_user $$;
RESET ROLE;
CALL refresh_identity_map('hostile.map');
SELECT spy_id FROM hostile.map;
SELECT DISTINCT r.rolname AS role, c.relowner = (SELECT proowner FROM pg_proc WHERE proname = 'identity_map_prepare') AS is_the_extensions
FROM pg_class AS c, pg_roles AS r WHERE relnamespace = 'identity_state'::regnamespace AND relkind = 'r' AND r.rolname ~ '^regress_map'
  AND has_table_privilege(r.rolname, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') ORDER BY 1;
SELECT r.rolname AS role, has_schema_privilege(r.rolname, 'identity_internal', 'USAGE') AS works_for_maps FROM pg_roles AS r WHERE r.rolname ~ '^regress_map' ORDER BY 1;
SELECT drop_identity_map('hostile.map'), drop_identity_map('vault.people');
SET client_min_messages = warning;
DROP SCHEMA vault, hostile CASCADE;
DROP ROLE regress_map_owner, regress_map_member, regress_map_site, regress_map_reader, regress_map_mallory;
