-- A source that has lost many of its records is kept as it was: a refresh between a loader's TRUNCATE and its INSERT takes nobody's id.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
CREATE SCHEMA losses;
SET search_path = losses, public;
CREATE TABLE crm (id int PRIMARY KEY, email text, plan text, updated_at timestamptz);
CREATE TABLE shop (id int PRIMARY KEY, email text);
CREATE FUNCTION load(first int, last int, since timestamptz DEFAULT '2024-01-01 UTC') RETURNS void LANGUAGE sql AS $$
  INSERT INTO losses.crm SELECT n, format('u%s@x.com', n), 'free', since FROM generate_series(first, last) AS n $$;
SELECT load(1, 200);
INSERT INTO shop SELECT n, format('u%s@x.com', n) FROM generate_series(101, 300) AS n;
SELECT create_identity_map('people', identity_source('crm', 'SELECT id, email, plan, updated_at FROM losses.crm'), identity_source('shop', 'SELECT id, email FROM losses.shop'),
  identity_rule('plan', link => false), identity_column('crm_id', 'int'), identity_column('shop_id', 'int'), identity_column('plan'), identity_column('email'));
CALL refresh_identity_map('people');
CREATE TABLE ids AS SELECT identity_id FROM people;
-- How many people there are, how many of them have an id of before, and what the map says of its sources.
CREATE VIEW told AS
  SELECT (SELECT count(*) FROM people) AS people, (SELECT count(*) FROM people JOIN ids USING (identity_id)) AS of_before,
         (SELECT count(*) FROM people WHERE crm_id IS NOT NULL) AS crm, (SELECT count(*) FROM people WHERE shop_id IS NOT NULL) AS shop, k.kept_sources #- '{crm,since}' #- '{shop,since}' AS kept
  FROM identity_maps AS k WHERE k.map = 'losses.people';

-- Emptied: kept, while the other source goes on.
TRUNCATE crm;
INSERT INTO shop VALUES (301, 'u301@x.com');
CALL refresh_identity_map('people');
TABLE told;
SELECT warnings FROM identity_maps;
-- For as long as it is so, whichever way it is read.
SELECT kept_sources #>> '{crm,since}' AS since FROM identity_maps \gset
CALL refresh_identity_map('people');
\set VERBOSITY terse
CALL refresh_identity_map('people', full => true);
SELECT kept_sources #>> '{crm,since}' = :'since' AS as_long FROM identity_maps;
-- It is back, with one record changed and one gone: the same people.
SELECT load(1, 199);
UPDATE crm SET plan = 'paid' WHERE id = 7;
CALL refresh_identity_map('people');
TABLE told;
SELECT crm_id, plan FROM people WHERE plan <> 'free';
SELECT event, count(*) FROM identity_map_history('people') GROUP BY 1 ORDER BY 1;

-- Half of them may go, and one more may not.
DELETE FROM crm WHERE id <= 99;
CALL refresh_identity_map('people');
TABLE told;
DELETE FROM crm WHERE id <= 150;
CALL refresh_identity_map('people');
TABLE told;
-- A record that changed is there; one of another id is another record, and makes up for none.
UPDATE crm SET email = 'v' || email;
CALL refresh_identity_map('people');
UPDATE crm SET id = id + 1000 WHERE id <= 160;
CALL refresh_identity_map('people');
TABLE told;
-- It is as it should be: asked for, it is taken in.
CALL refresh_identity_map('people', allow_loss => true);
TABLE told;
CALL refresh_identity_map('people', allow_loss => NULL);
-- Of fewer than a hundred records all may go.
TRUNCATE crm;
CALL refresh_identity_map('people');
TABLE told;

-- Its own bounds. A failure leaves the whole map as it was.
SELECT load(1, 200);
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email, plan, updated_at FROM losses.crm', max_loss => 0.1, on_loss => 'fail'),
                                    identity_source('shop', 'SELECT id, email FROM losses.shop', max_loss => 0, on_loss => 'allow'));
CALL refresh_identity_map('people');
DELETE FROM crm WHERE id <= 20;
CALL refresh_identity_map('people');
DELETE FROM crm WHERE id <= 40;
TRUNCATE shop;
\set VERBOSITY default
CALL refresh_identity_map('people');
TABLE told;
SELECT last_error FROM identity_maps;
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email, plan, updated_at FROM losses.crm', max_loss => 1));
CALL refresh_identity_map('people');
TABLE told;
TRUNCATE crm;
CALL refresh_identity_map('people');
TABLE told;

\set VERBOSITY terse
-- All is read anew, as a rule says another thing: a source that is kept counts by the new one.
SELECT load(1, 200);
INSERT INTO shop SELECT n, format('U%s@x.com', n) FROM generate_series(101, 300) AS n;
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email, plan, updated_at FROM losses.crm'), identity_source('shop', 'SELECT id, email FROM losses.shop'));
CALL refresh_identity_map('people');
TRUNCATE ids;
INSERT INTO ids SELECT identity_id FROM people;
TRUNCATE crm;
SELECT alter_identity_map('people', identity_rule('email', normalizer => 'exact'));
CALL refresh_identity_map('people');
TABLE told;
SELECT alter_identity_map('people', identity_rule('email', normalizer => 'email'), identity_alias('email', $$SELECT 'u1@x.com', 'u101@x.com'$$));
CALL refresh_identity_map('people');
TABLE told;
SELECT crm_id, shop_id FROM people WHERE email = 'u101@x.com';
SELECT reduce_identity_map('people', aliases => '{email}');
CALL refresh_identity_map('people');
TABLE told;
-- Its rows cannot be kept where it shows other columns: an error, so that nobody's id is lost.
\set VERBOSITY default
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email, updated_at FROM losses.crm'));
CALL refresh_identity_map('people');
SELECT load(1, 200);
CALL refresh_identity_map('people');
TABLE told;

\set VERBOSITY terse
-- Triggers tell of every record that is gone, one by one or all at once.
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email FROM losses.crm', capture => 'trigger'));
CALL refresh_identity_map('people');
TRUNCATE ids;
INSERT INTO ids SELECT identity_id FROM people;
DELETE FROM crm WHERE id <= 150;
CALL refresh_identity_map('people');
TABLE told;
UPDATE shop SET email = 'w1@x.com' WHERE id = 300;
CALL refresh_identity_map('people');
SELECT load(1, 150);
CALL refresh_identity_map('people');
TABLE told;
TRUNCATE crm;
CALL refresh_identity_map('people');
SELECT load(1, 200);
DELETE FROM crm WHERE id = 3;
CALL refresh_identity_map('people');
TABLE told;
DELETE FROM crm WHERE id <= 150;
CALL refresh_identity_map('people');
TABLE told;
CALL refresh_identity_map('people', allow_loss => true);
TABLE told;

-- changed_since does not tell of what is gone: a full refresh finds it.
TRUNCATE crm;
SELECT load(1, 200);
SELECT alter_identity_map('people', identity_source('crm', 'SELECT id, email, updated_at FROM losses.crm', changed_since => 'updated_at'));
CALL refresh_identity_map('people', allow_loss => true);
TRUNCATE ids;
INSERT INTO ids SELECT identity_id FROM people;
DELETE FROM crm WHERE id <= 150;
CALL refresh_identity_map('people');
TABLE told;
CALL refresh_identity_map('people', full => true);
-- From then on it is read as a whole, until it is back.
CALL refresh_identity_map('people');
TABLE told;
SELECT load(1, 150);
CALL refresh_identity_map('people');
TABLE told;
-- A table that was emptied and loaded anew, or replaced, is read as a whole: what came is older than what had been seen.
SELECT load(201, 201, '2024-06-01 UTC');
CALL refresh_identity_map('people');
INSERT INTO crm VALUES (202, 'u202@x.com', 'free', '2024-02-01 UTC');
CALL refresh_identity_map('people');
SELECT count(*) AS seen FROM people WHERE crm_id = 202;
BEGIN;
TRUNCATE crm;
SELECT load(2, 202);
COMMIT;
CALL refresh_identity_map('people');
SELECT array_agg(crm_id ORDER BY crm_id) FROM people WHERE crm_id IN (1, 2, 202);
CREATE TABLE crm_new (LIKE crm INCLUDING ALL);
INSERT INTO crm_new SELECT id + 1, email, plan, updated_at FROM crm;
BEGIN;
ALTER TABLE crm RENAME TO crm_old;
ALTER TABLE crm_new RENAME TO crm;
COMMIT;
CALL refresh_identity_map('people');
SELECT array_agg(crm_id ORDER BY crm_id) FROM people WHERE crm_id IN (1, 2, 3, 202, 203);
DROP TABLE crm;
CREATE TABLE crm (id int PRIMARY KEY, email text, plan text, updated_at timestamptz);
INSERT INTO crm SELECT id, email, plan, updated_at FROM crm_old;
CALL refresh_identity_map('people');
SELECT array_agg(crm_id ORDER BY crm_id) FROM people WHERE crm_id IN (1, 2, 3, 202, 203);
-- So it is when the rows are written anew, which costs a look at each, and through views, of which the tables below count.
DELETE FROM crm WHERE id = 2;
CALL refresh_identity_map('people');
SELECT count(*) AS still_there FROM people WHERE crm_id = 2;
VACUUM FULL crm;
CALL refresh_identity_map('people');
SELECT count(*) AS still_there FROM people WHERE crm_id = 2;
CREATE VIEW crm_of_now AS SELECT id, email, updated_at FROM crm;
SELECT alter_identity_map('people', identity_source('crm', 'SELECT * FROM losses.crm_of_now', changed_since => 'updated_at'));
CALL refresh_identity_map('people');
CREATE OR REPLACE VIEW crm_of_now AS SELECT id, email, updated_at FROM crm_old WHERE id <> 50;
CALL refresh_identity_map('people');
SELECT array_agg(crm_id ORDER BY crm_id) FROM people WHERE crm_id IN (2, 3, 50);
DELETE FROM crm_old WHERE id = 51;
CALL refresh_identity_map('people');
TRUNCATE crm;
CALL refresh_identity_map('people');
SELECT array_agg(crm_id ORDER BY crm_id) FROM people WHERE crm_id IN (2, 3, 50, 51);
TRUNCATE crm_old;
CALL refresh_identity_map('people');
TABLE told;
DROP VIEW told;
SELECT drop_identity_map('people');

-- A record of several rows is there as long as one of them is.
CREATE TABLE addresses (id int, email text);
INSERT INTO addresses SELECT n / 3, format('a%s@x.com', n) FROM generate_series(3, 602) AS n;
SELECT create_identity_map('many', identity_source('app', 'SELECT id, email FROM losses.addresses'), identity_column('app_id'), identity_column('emails', 'text[]'));
CALL refresh_identity_map('many');
DELETE FROM addresses WHERE email NOT LIKE '%0@x.com' AND id % 2 = 0;
DELETE FROM addresses WHERE email NOT LIKE '%1@x.com' AND email NOT LIKE '%2@x.com' AND id % 2 = 1;
SELECT count(DISTINCT id) AS records, count(*) AS rows FROM addresses;
CALL refresh_identity_map('many');
INSERT INTO addresses SELECT n / 3, format('b%s@x.com', n) FROM generate_series(300, 602) AS n;
CALL refresh_identity_map('many');
SELECT count(*), kept_sources FROM many, identity_maps GROUP BY kept_sources;
UPDATE addresses SET id = -id;
CALL refresh_identity_map('many');
SELECT count(*), kept_sources #- '{app,since}' AS kept FROM many, identity_maps GROUP BY 2;
SELECT drop_identity_map('many');

-- What clauses may say; elsewhere than in a map they say nothing.
SELECT identity_source('crm', 'SELECT 1', max_loss => 0.25, on_loss => 'keep'), identity_source('crm', 'SELECT 1', on_loss => 'fail');
\set VERBOSITY default
SELECT identity_source('crm', 'SELECT 1', max_loss => 1.5);
SELECT identity_source('crm', 'SELECT 1', max_loss => -0.1);
SELECT identity_source('crm', 'SELECT 1', max_loss => 'NaN');
SELECT identity_source('crm', 'SELECT 1', on_loss => 'ignore');
SELECT '{"clause": "source", "name": "crm", "query": "SELECT 1", "max_loss": "much"}'::identity_clause;
SELECT '{"clause": "rule", "kind": "email", "max_loss": 0.5}'::identity_clause;
SELECT count(*) FROM resolve_identities(identity_source('shop', 'SELECT id, email FROM losses.shop', max_loss => 0, on_loss => 'fail')) AS (shop_id int);
SET client_min_messages = warning;
DROP SCHEMA losses CASCADE;
