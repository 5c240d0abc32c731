-- Whose rights count: the caller's, with their row-level security, wherever the call stands.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA rights;
SET search_path = rights, public;
RESET client_min_messages;

CREATE TABLE app (id int, email text, tenant text);
CREATE TABLE shop (id text, email text, tenant text);
INSERT INTO app VALUES (1, 'ann@x.com', 'regress_red'), (2, 'bob@x.com', 'regress_blue'), (3, 'carl@x.com', 'regress_red');
INSERT INTO shop VALUES ('s1', 'Ann@x.com', 'regress_red'), ('s2', 'ann@x.com', 'regress_blue'), ('s3', 'bob@x.com', 'regress_blue');
CREATE ROLE regress_red;
CREATE ROLE regress_blue;
CREATE ROLE regress_owner;
CREATE ROLE regress_stranger;
GRANT USAGE ON SCHEMA rights TO regress_red, regress_blue, regress_stranger;
GRANT USAGE, CREATE ON SCHEMA rights TO regress_owner;
GRANT SELECT ON app, shop TO regress_red, regress_blue, regress_owner;

CREATE FUNCTION people() RETURNS SETOF text[] LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, record_id)
    FROM identity_records(identity_source('app', 'SELECT id, email FROM rights.app'), identity_source('shop', 'SELECT id, email FROM rights.shop'))
   GROUP BY identity_id ORDER BY 1 $$;

-- Without a right to read there is nothing.
SET ROLE regress_stranger;
SELECT people();
SELECT * FROM resolve_identities(identity_source('app', 'SELECT id FROM rights.app')) AS (app_id int);
SELECT * FROM identity_records(identity_source('ok', 'SELECT 1'));
RESET ROLE;

-- A right to some columns is enough for a query that reads those.
GRANT SELECT (id) ON app TO regress_stranger;
SET ROLE regress_stranger;
SELECT app_id FROM resolve_identities(identity_source('app', 'SELECT id FROM rights.app')) AS (app_id int) ORDER BY 1;
SELECT app_id FROM resolve_identities(identity_source('app', 'SELECT id, email FROM rights.app')) AS (app_id int) ORDER BY 1;
RESET ROLE;

-- Row-level security: two tenants, two worlds; who bypasses it sees the person that they share.
ALTER TABLE app ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app USING (tenant = current_user);
CREATE POLICY own ON shop USING (tenant = current_user);
SET ROLE regress_red;
SELECT people();
SET ROLE regress_blue;
SELECT people();
RESET ROLE;
SELECT people();
-- One prepared statement, three callers.
PREPARE mine AS SELECT app_id, shop_id FROM resolve_identities(identity_source('app', 'SELECT id, email FROM rights.app'), identity_source('shop', 'SELECT id, email FROM rights.shop'))
  AS (app_id int, shop_id text[]) ORDER BY app_id, shop_id;
SET ROLE regress_red;
EXECUTE mine;
SET ROLE regress_blue;
EXECUTE mine;
RESET ROLE;
EXECUTE mine;
-- With row_security off, a query that a policy would filter is an error.
SET ROLE regress_red;
SET row_security = off;
SELECT people();
RESET row_security;
RESET ROLE;

-- A view's function runs as whoever asks; an owner who wants to share the result makes a SECURITY DEFINER function.
CREATE VIEW everybody AS SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM rights.app')) AS (app_id int, email text);
CREATE FUNCTION everybody_for_all() RETURNS TABLE (app_id int, email text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
$$ SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM rights.app')) AS (app_id int, email text) $$;
GRANT SELECT ON everybody TO regress_red, regress_stranger;
SET ROLE regress_red;
SELECT * FROM everybody ORDER BY 1;
SELECT * FROM everybody_for_all() ORDER BY 1;
SET ROLE regress_stranger;
SELECT * FROM everybody ORDER BY 1;
SELECT * FROM everybody_for_all() ORDER BY 1;
RESET ROLE;

-- A source may itself be a view with its owner's rights: that is what such views are for.
CREATE VIEW emails AS SELECT id, email FROM app;
GRANT SELECT ON emails TO regress_stranger;
SET ROLE regress_stranger;
SELECT count(*) FROM identity_records(identity_source('app', 'SELECT * FROM rights.emails'));
RESET ROLE;

-- A temporary table, which a read-only query may read.
CREATE TEMP TABLE mine_only AS SELECT 1 AS id;
SELECT count(*) FROM identity_records(identity_source('t', 'SELECT id FROM mine_only'));
DROP TABLE mine_only;
DEALLOCATE mine;

-- The owner of a database installs the extension without a superuser's help.
SELECT current_database() AS here \gset
CREATE DATABASE regress_owned OWNER regress_owner;
\c regress_owned
SET ROLE regress_owner;
SELECT rolsuper FROM pg_roles WHERE rolname = current_user;
CREATE EXTENSION identity_resolve;
SELECT count(*) FROM identity_records(identity_source('a', 'SELECT 1'));
DROP EXTENSION identity_resolve;
CREATE SCHEMA elsewhere;
CREATE EXTENSION identity_resolve SCHEMA elsewhere;
-- Its functions work without their schema in search_path.
SELECT count(*) FROM elsewhere.identity_records(elsewhere.identity_source('a', 'SELECT 1'), elsewhere.identity_rule('plan', link => false));
DROP EXTENSION identity_resolve;
RESET ROLE;
\c :here
DROP DATABASE regress_owned;
SET client_min_messages = warning;
DROP SCHEMA rights CASCADE;
DROP ROLE regress_red, regress_blue, regress_owner, regress_stranger;
