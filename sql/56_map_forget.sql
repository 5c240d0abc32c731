-- forget(): a person is erased from table, state and history at once, and does not come back unasked.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS gdpr CASCADE;
CREATE SCHEMA gdpr;
CREATE TABLE gdpr.app (id text PRIMARY KEY, email text, phone text);
CREATE TABLE gdpr.desk (id int PRIMARY KEY, email text);
INSERT INTO gdpr.app VALUES ('ann', 'ann@secret.com', NULL), ('bob', 'bob@x.com', NULL);
INSERT INTO gdpr.desk VALUES (1, 'ann@secret.com'), (2, 'bob@x.com'), (3, 'ann2@secret.com');
SELECT create_identity_map('gdpr.people', identity_source('app', 'SELECT id, id AS user_id, email, phone FROM gdpr.app'),
  identity_source('desk', 'SELECT id, email FROM gdpr.desk', capture => 'trigger'),
  identity_column('app_id'), identity_column('desk_id', 'int[]'), identity_column('identify_id'), identity_column('email', 'text[]'));
CALL refresh_identity_map('gdpr.people');
RESET client_min_messages;
-- Every table of the map's, as text, searched for what must be nowhere.
CREATE FUNCTION gdpr.traces(what text) RETURNS TABLE (place text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE r regclass;
BEGIN
  FOR r IN SELECT c.oid FROM pg_class AS c WHERE c.relkind = 'r' AND (c.relnamespace = 'identity_state'::regnamespace OR c.oid = 'gdpr.people'::regclass) ORDER BY relname LOOP
    EXECUTE format('SELECT count(*) FROM %s AS t WHERE t::text ~* $1', r) INTO rows USING what;
    place := regexp_replace(r::text, '.*\.(m\d+_)?', '');
    IF rows > 0 THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

-- Ann's two addresses become one person by what she told the site.
SELECT identify('gdpr.people', 'ann', '{"email": ["ann2@secret.com"]}') IS NOT NULL AS known;
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;
SELECT * FROM gdpr.traces('secret');
SELECT identity_id AS ann FROM gdpr.people WHERE app_id = 'ann' \gset

-- One record.
SELECT forget('gdpr.people', 'desk', '1');
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;
CALL refresh_identity_map('gdpr.people', full => true);
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;
-- It does not come back by a change either.
UPDATE gdpr.desk SET email = 'bob@x.com' WHERE id = 1;
CALL refresh_identity_map('gdpr.people');
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;

-- All of the person, by an id that was retired too. Undone with the transaction.
BEGIN;
SELECT forget_identity('gdpr.people', :'ann');
ROLLBACK;
SELECT count(*) FROM gdpr.people;
SELECT forget_identity('gdpr.people', :'ann');
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;
SELECT * FROM gdpr.traces('secret|ann');
SELECT event, into_id IS NULL AS gone, by_kind, by_value FROM identity_map_history('gdpr.people');
SELECT identity_current('gdpr.people', :'ann');
CALL refresh_identity_map('gdpr.people', full => true);
SELECT alter_identity_map('gdpr.people', identity_rule('phone', link => false));
CALL refresh_identity_map('gdpr.people');
SELECT * FROM gdpr.traces('secret|ann');
SELECT identify('gdpr.people', 'ann', '{}');

-- Asked to, it does: at the next refresh, whichever way that reads the source, or call.
SELECT remember('gdpr.people', 'desk', '3'), remember('gdpr.people', 'app', 'ann'), remember('gdpr.people', 'identify', 'ann'), remember('gdpr.people', 'app', 'nobody');
CALL refresh_identity_map('gdpr.people');
SELECT identify('gdpr.people', 'ann', '{"email": "ann2@secret.com"}') <> :'ann' AS is_new;
SELECT app_id, desk_id, identify_id, email FROM gdpr.people ORDER BY 1;

-- One that is not there yet is not to come.
SELECT forget('gdpr.people', 'app', 'cyd');
INSERT INTO gdpr.app VALUES ('cyd', 'cyd@x.com', NULL);
CALL refresh_identity_map('gdpr.people');
SELECT count(*) FROM gdpr.people WHERE app_id = 'cyd';
SELECT forget_identity('gdpr.people', '00000000-0000-0000-0000-000000000000');
SELECT forget('gdpr.people', 'shop', '1');
SELECT forget('gdpr.people', 'app', NULL);
SELECT drop_identity_map('gdpr.people');
-- A value that more than a thousand share joined them: who they were is not kept, and it is forgotten with anybody. In a part of
-- the map, and where all of it is settled.
CREATE TABLE gdpr.crowd AS SELECT n AS id, 'own' || n || '@x.com' AS email FROM generate_series(1, 6000) AS n;
SELECT create_identity_map('gdpr.crowds', identity_source('crowd', 'SELECT id, email FROM gdpr.crowd'), identity_rule('email', max_records => 0),
  identity_column('email'), identity_column('crowd_id', 'int[]'));
CALL refresh_identity_map('gdpr.crowds');
UPDATE gdpr.crowd SET email = 'one@x.com' WHERE id <= 1100;
CALL refresh_identity_map('gdpr.crowds');
SELECT event, by_kind, by_value, count(*) FROM identity_map_history('gdpr.crowds') WHERE event IN ('merged', 'retired') GROUP BY 1, 2, 3 ORDER BY 1;
SELECT forget('gdpr.crowds', 'crowd', '7');
SELECT event, by_kind, by_value, count(*) FROM identity_map_history('gdpr.crowds') WHERE event IN ('merged', 'retired') GROUP BY 1, 2, 3 ORDER BY 1;
UPDATE gdpr.crowd SET email = 'two@x.com' WHERE id > 3000;
CALL refresh_identity_map('gdpr.crowds');
SELECT event, by_kind, by_value, count(*) FROM identity_map_history('gdpr.crowds') WHERE by_value IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1;
SELECT forget('gdpr.crowds', 'crowd', '2000');
SELECT count(*) FROM identity_map_history('gdpr.crowds') WHERE by_value IS NOT NULL;
-- A source that comes to others, larger than they are.
CREATE TABLE gdpr.more AS SELECT n AS id, CASE WHEN n <= 50 THEN 'own' || n + 1500 || '@x.com' ELSE 'more' || n % 20000 || '@x.com' END AS email FROM generate_series(1, 40000) AS n;
SELECT alter_identity_map('gdpr.crowds', identity_source('more', 'SELECT id, email FROM gdpr.more'), identity_column('more_id', 'int[]'));
CALL refresh_identity_map('gdpr.crowds');
SELECT count(*) AS people, count(*) FILTER (WHERE crowd_id IS NOT NULL AND more_id IS NOT NULL) AS in_both, max(cardinality(more_id)) AS most FROM gdpr.crowds;
SELECT drop_identity_map('gdpr.crowds');

SET client_min_messages = warning;
DROP SCHEMA gdpr CASCADE;
