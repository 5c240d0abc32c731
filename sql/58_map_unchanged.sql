-- A refresh that finds nothing changed looks at little. What it must notice all the same.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_unchanged_other;
CREATE SCHEMA unchanged;
SET search_path = unchanged, public;
CREATE TABLE users (id integer PRIMARY KEY, email text);
INSERT INTO users VALUES (1, 'ziggy@stardust.com'), (2, 'major@tom.com');
SELECT create_identity_map('people', identity_source('users', 'SELECT id, email FROM unchanged.users', capture => 'trigger')) IS NOT NULL AS made;
CALL refresh_identity_map('people');
CALL refresh_identity_map('people');
SELECT map_id AS id FROM identity_internal.identity_map_catalog WHERE map = 'people'::regclass \gset
CREATE PROCEDURE run(statement text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
CREATE PROCEDURE run_on(statement text, type integer) LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE format(statement, (SELECT t.tgname FROM pg_trigger AS t WHERE t.tgrelid = 'users'::regclass AND t.tgtype = type));
END $$;
CREATE VIEW odd AS
  SELECT (SELECT count(*) FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS x
          WHERE c.relnamespace = 'identity_state'::regnamespace AND pg_get_userbyid(x.grantee) = 'regress_unchanged_other' AND starts_with(c.relname, format('m%s_', :id))) AS tables,
         (SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
          WHERE c.relnamespace = 'identity_state'::regnamespace AND a.attacl IS NOT NULL AND starts_with(c.relname, format('m%s_', :id))) AS columns,
         (SELECT count(*) FROM pg_proc AS f CROSS JOIN LATERAL aclexplode(f.proacl) AS x
          WHERE f.pronamespace = 'identity_state'::regnamespace AND x.grantee <> f.proowner AND starts_with(f.proname, format('m%s_', :id))) AS functions,
         (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = 'users'::regclass AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                                              AND obj_description(t.oid, 'pg_trigger') LIKE 'capture of%') AS triggers;
TABLE odd;
-- Rights of others.
CALL run(format('GRANT SELECT ON identity_state.m%s_told TO regress_unchanged_other', :id));
CALL refresh_identity_map('people');
TABLE odd;
CALL run(format('GRANT SELECT (record_id) ON identity_state.m%s_told TO regress_unchanged_other', :id));
CALL refresh_identity_map('people');
TABLE odd;
CALL run(format('GRANT EXECUTE ON FUNCTION identity_state.m%s_capture_1() TO regress_unchanged_other', :id));
CALL refresh_identity_map('people');
TABLE odd;
-- A trigger without its comment, one that is off, and one that is gone.
CALL run_on('COMMENT ON TRIGGER %I ON users IS NULL', 8);
CALL refresh_identity_map('people');
TABLE odd;
CALL run_on('ALTER TABLE users DISABLE TRIGGER %I', 4);
INSERT INTO users VALUES (3, 'lady@stardust.com');
CALL refresh_identity_map('people');
TABLE odd;
CALL run_on('DROP TRIGGER %I ON users', 16);
UPDATE users SET email = 'aladdin@sane.com' WHERE id = 2;
CALL refresh_identity_map('people');
TABLE odd;
-- A trigger of the function on another table.
CREATE TABLE elsewhere (id integer);
CALL run(format('CREATE TRIGGER stray AFTER INSERT ON elsewhere EXECUTE FUNCTION identity_state.m%s_capture_1()', :id));
CALL refresh_identity_map('people');
SELECT count(*) AS strays FROM pg_trigger WHERE tgrelid = 'elsewhere'::regclass;
-- An index of the state.
CALL run(format('ALTER TABLE identity_state.m%1$s_gone DROP CONSTRAINT m%1$s_gone_pkey', :id));
CALL refresh_identity_map('people');
SELECT map_id = :id AS same_state FROM identity_internal.identity_map_catalog WHERE map = 'people'::regclass;
-- The table's name.
ALTER TABLE people RENAME TO persons;
CALL refresh_identity_map('persons');
SELECT map_name FROM identity_internal.identity_map_catalog WHERE map = 'persons'::regclass;
TABLE odd;
SELECT count(*) FROM persons;
SELECT drop_identity_map('persons');
DROP SCHEMA unchanged CASCADE;
DROP ROLE regress_unchanged_other;
