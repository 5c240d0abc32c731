-- Constraints of a map's table that are deferred: a refresh checks them at the end of what it writes, as the map's owner,
-- and they are deferred again after it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS late, hidden CASCADE;
CREATE SCHEMA late;
CREATE ROLE regress_late_owner;
CREATE ROLE regress_late_site;
GRANT CREATE, USAGE ON SCHEMA late TO regress_late_owner;
GRANT USAGE ON SCHEMA late TO regress_late_site;
CREATE TABLE late.app (id int PRIMARY KEY, email text);
GRANT ALL ON late.app TO regress_late_owner, regress_late_site;
INSERT INTO late.app SELECT n, 'e' || n || '@x.com' FROM generate_series(1, 5) AS n;
SET ROLE regress_late_owner;
SELECT create_identity_map('late.people', identity_source('app', 'SELECT id, email FROM late.app'), identity_column('app_id', 'int[]'), identity_column('email', 'text'));
CALL refresh_identity_map('late.people');
GRANT SELECT, INSERT ON late.people TO regress_late_site;
CREATE FUNCTION late.differ() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    (SELECT app_id, email FROM late.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('late.people')) AS (app_id int[], email text))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('late.people')) AS (app_id int[], email text) EXCEPT ALL SELECT app_id, email FROM late.people)) AS d $$;

-- Values that go from one row to another, under a unique and an exclusion constraint.
ALTER TABLE late.people ADD CONSTRAINT once UNIQUE (email) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT apart EXCLUDE USING btree (email WITH =) DEFERRABLE INITIALLY DEFERRED;
UPDATE late.app SET email = 'e' || 6 - id || '@x.com';
CALL refresh_identity_map('late.people');
SELECT late.differ();
CALL refresh_identity_map('late.people', full => true);
-- A part of them, and one by one.
UPDATE late.app SET email = CASE id WHEN 1 THEN 'e4@x.com' ELSE 'e5@x.com' END WHERE id IN (1, 2);
CALL refresh_identity_map('late.people');
SELECT late.differ();
SELECT identify('late.people', 'u1', '{"email": "e5@x.com"}') IS NOT NULL AS known;
SELECT late.differ();
SELECT forget('late.people', 'app', '5');
DELETE FROM late.app WHERE id = 5;
SELECT late.differ();
-- One that is immediate until the transaction says otherwise.
ALTER TABLE late.people DROP CONSTRAINT apart, DROP CONSTRAINT once, ADD CONSTRAINT once UNIQUE (email) DEFERRABLE;
UPDATE late.app SET email = 'e' || 7 - id || '@x.com';
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
CALL refresh_identity_map('late.people');
COMMIT;
SELECT late.differ();

-- What does not hold in the end fails the refresh, and nothing is done.
INSERT INTO late.people (identity_id, email) VALUES (gen_random_uuid(), 'mine@x.com');
UPDATE late.app SET email = 'mine@x.com' WHERE id = 1;
CALL refresh_identity_map('late.people');
SELECT count(*) FROM late.people WHERE app_id @> '{1}' AND email = 'mine@x.com';
DELETE FROM late.people WHERE app_id IS NULL AND email = 'mine@x.com';
CALL refresh_identity_map('late.people');
SELECT late.differ();

-- Foreign keys: of a table that the owner may not see, and one on to which a deletion goes.
RESET ROLE;
CREATE SCHEMA hidden;
CREATE TABLE hidden.likes (identity_id uuid PRIMARY KEY REFERENCES late.people ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE hidden.likers (identity_id uuid REFERENCES hidden.likes ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
                            CONSTRAINT once UNIQUE (identity_id) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO hidden.likes SELECT identity_id FROM late.people;
INSERT INTO hidden.likers SELECT identity_id FROM late.people;
-- Of the constraint's name there is another one that cannot be deferred.
CREATE TABLE hidden.decoy (n int, CONSTRAINT once CHECK (n > 0));
SET ROLE regress_late_owner;
UPDATE late.app SET email = 'e1@x.com';
CALL refresh_identity_map('late.people');
RESET ROLE;
SELECT (SELECT count(*) FROM late.people) AS people, (SELECT count(*) FROM hidden.likes) AS likes, (SELECT count(*) FROM hidden.likers WHERE identity_id IS NULL) AS nobodys;
CREATE TABLE hidden.needs (identity_id uuid REFERENCES late.people DEFERRABLE INITIALLY DEFERRED);
INSERT INTO hidden.needs SELECT identity_id FROM late.people;
DELETE FROM late.app;
SET ROLE regress_late_owner;
\set VERBOSITY terse
CALL refresh_identity_map('late.people');
\set VERBOSITY default
RESET ROLE;
DROP TABLE hidden.needs;
CALL refresh_identity_map('late.people');
INSERT INTO late.app VALUES (1, 'e1@x.com'), (2, 'e2@x.com');
CALL refresh_identity_map('late.people');

-- Constraint triggers run as who wrote the row: what the transaction had queued as its user, what the map's work writes as
-- the map's owner. After it they are deferred again.
CREATE TABLE late.seen (who name, email text);
GRANT INSERT ON late.seen TO PUBLIC;
CREATE FUNCTION late.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO late.seen VALUES (current_user, NEW.email); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE ON late.people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late.see();
SET ROLE regress_late_site;
BEGIN;
INSERT INTO late.people (identity_id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'before@x.com');
SELECT identify('late.people', 'u2', '{"email": "told@x.com"}') IS NOT NULL AS known;
RESET ROLE;
TABLE late.seen;
SET ROLE regress_late_site;
INSERT INTO late.people (identity_id, email) VALUES ('00000000-0000-0000-0000-000000000002', 'after@x.com');
RESET ROLE;
SELECT count(*) AS not_yet FROM late.seen WHERE email = 'after@x.com';
SET ROLE regress_late_site;
COMMIT;
RESET ROLE;
TABLE late.seen;
-- A trigger of the caller's own table, of the same name and in the same schema, runs as the caller; with something else
-- queued it waits.
GRANT CREATE ON SCHEMA late TO regress_late_site;
SET ROLE regress_late_site;
CREATE TABLE late.own (email text);
CREATE FUNCTION late.own_see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO late.seen VALUES (current_user, 'own: ' || NEW.email); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER see AFTER INSERT ON late.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late.own_see();
CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON late.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late.own_see();
BEGIN;
INSERT INTO late.own VALUES ('here@x.com');
SELECT identify('late.people', 'u3', '{"email": "told3@x.com"}') IS NOT NULL AS known;
RESET ROLE;
SELECT * FROM late.seen WHERE email LIKE '%here@x.com' OR email = 'told3@x.com';
SET ROLE regress_late_site;
COMMIT;
RESET ROLE;
SELECT * FROM late.seen WHERE email LIKE '%here@x.com';

-- A trigger that writes to another table whose constraints are deferred is refused by PostgreSQL; where that table refers to
-- the map's, its constraint is checked at once, too.
CREATE TABLE late.noted (identity_id uuid CONSTRAINT noted_who REFERENCES late.people DEFERRABLE INITIALLY DEFERRED,
                         app_id int CONSTRAINT noted_app REFERENCES late.app DEFERRABLE INITIALLY DEFERRED);
GRANT INSERT ON late.noted TO PUBLIC;
CREATE FUNCTION late.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO late.noted VALUES (NEW.identity_id, 1); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON late.people FOR EACH ROW EXECUTE FUNCTION late.note();
SELECT identify('late.people', 'u4', '{"email": "noted@x.com"}');
ALTER TABLE late.noted ALTER CONSTRAINT noted_app DEFERRABLE INITIALLY IMMEDIATE;
SELECT identify('late.people', 'u4', '{"email": "noted@x.com"}') IS NOT NULL AS known;
SELECT count(*) AS noted FROM late.noted JOIN late.people USING (identity_id);

DROP TABLE late.noted;
SET client_min_messages = warning;
DROP SCHEMA hidden CASCADE;
SELECT drop_identity_map('late.people');
DROP SCHEMA late CASCADE;
DROP ROLE regress_late_owner, regress_late_site;
