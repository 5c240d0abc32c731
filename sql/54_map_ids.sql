-- Ids stay: at a merge the larger identity keeps its id, at a split the larger part; the history tells.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS ids CASCADE;
CREATE SCHEMA ids;
CREATE TABLE ids.tool (id int, email text);
CREATE TABLE ids.name (identity_id uuid, name text);
RESET client_min_messages;
SELECT create_identity_map('ids.people', identity_source('tool', 'SELECT id, email FROM ids.tool'),
  identity_column('tool_id', 'int[]'), identity_column('email', 'text[]'));
CREATE FUNCTION ids.names() RETURNS TABLE (identity text, tool_id int[], email text[]) LANGUAGE sql AS $$
  SELECT n.name, p.tool_id, p.email FROM ids.people AS p LEFT JOIN ids.name AS n USING (identity_id) ORDER BY p.tool_id $$;
INSERT INTO ids.tool VALUES (1, 'a@x.com'), (2, 'b@x.com'), (3, 'b@x.com'), (4, 'c@x.com'), (5, 'd@x.com');
CALL refresh_identity_map('ids.people');
-- The first fill is no event.
SELECT * FROM identity_map_history('ids.people');
INSERT INTO ids.name SELECT identity_id, upper(left(email[1], 1)) FROM ids.people;
SELECT * FROM ids.names();

-- B has two records and A one: B stays, though A's id is the one that a resolve would give.
INSERT INTO ids.tool VALUES (1, 'b@x.com');
CALL refresh_identity_map('ids.people');
SELECT * FROM ids.names();
SELECT h.event, n.name, ARRAY(SELECT name FROM unnest(h.from_ids) AS f JOIN ids.name AS o ON o.identity_id = f) AS taken, i.name AS into_id, by_kind, by_value
FROM identity_map_history('ids.people') AS h LEFT JOIN ids.name AS n USING (identity_id) LEFT JOIN ids.name AS i ON i.identity_id = h.into_id;
SELECT n.name, c.name AS now FROM ids.name AS n JOIN ids.name AS c ON c.identity_id = identity_current('ids.people', n.identity_id) ORDER BY 1;

-- They part again: B stays with most of the records, and what leaves it is new, for A's id was used before.
DELETE FROM ids.tool WHERE id = 1 AND email = 'b@x.com';
CALL refresh_identity_map('ids.people');
SELECT * FROM ids.names();
INSERT INTO ids.name SELECT identity_id, 'A2' FROM ids.people WHERE 1 = ANY (tool_id);
SELECT n.name, c.name AS now FROM ids.name AS n JOIN ids.name AS c ON c.identity_id = identity_current('ids.people', n.identity_id) ORDER BY 1;

-- Of C and D, one record each, both as old: the smaller id stays.
INSERT INTO ids.tool VALUES (6, 'c@x.com'), (6, 'd@x.com');
CALL refresh_identity_map('ids.people');
SELECT n.name, n.identity_id = (SELECT min(identity_id::text)::uuid FROM ids.name WHERE name IN ('C', 'D')) AS is_smaller
FROM ids.people JOIN ids.name AS n USING (identity_id) WHERE 6 = ANY (tool_id);
-- Of an old and a new one, the older.
INSERT INTO ids.tool VALUES (7, 'e@x.com');
CALL refresh_identity_map('ids.people');
INSERT INTO ids.name SELECT identity_id, 'E' FROM ids.people WHERE 7 = ANY (tool_id);
INSERT INTO ids.tool VALUES (8, 'e@x.com'), (8, 'a@x.com');
CALL refresh_identity_map('ids.people');
SELECT n.name, tool_id FROM ids.people JOIN ids.name AS n USING (identity_id) WHERE 7 = ANY (tool_id);

-- Ids outlive a rebuild, by another rule and another query.
CREATE TEMP TABLE before AS SELECT identity_id, tool_id FROM ids.people;
SELECT alter_identity_map('ids.people', identity_source('tool', 'SELECT id, email FROM ids.tool ORDER BY id DESC'),
  identity_rule('email', max_records => 50));
CALL refresh_identity_map('ids.people');
SELECT count(*) AS moved FROM before FULL JOIN (SELECT identity_id, tool_id FROM ids.people) AS p USING (identity_id, tool_id)
WHERE before.identity_id IS NULL OR p.identity_id IS NULL;

-- Gone and back: under the old id (sql/57_map_revived.sql).
DELETE FROM ids.tool WHERE id IN (2, 3);
CALL refresh_identity_map('ids.people');
SELECT event, into_id FROM identity_map_history('ids.people', identity_id => (SELECT identity_id FROM ids.name WHERE name = 'B')) WHERE event = 'retired';
SELECT identity_current('ids.people', (SELECT identity_id FROM ids.name WHERE name = 'B'));
INSERT INTO ids.tool VALUES (2, 'b@x.com'), (3, 'b@x.com');
CALL refresh_identity_map('ids.people');
SELECT count(*) AS old_ids FROM ids.people JOIN ids.name AS n USING (identity_id) WHERE 2 = ANY (tool_id);
SELECT event, count(*) FROM identity_map_history('ids.people') GROUP BY event ORDER BY event;
SELECT count(*) FROM identity_map_history('ids.people', since => now() + interval '1 minute');
SELECT drop_identity_map('ids.people');

-- A record that comes and parts again, however often, is a new identity each time.
CREATE TABLE ids.fickle (id int, email text);
INSERT INTO ids.fickle VALUES (1, 'a@x.com'), (2, 'a@x.com'), (3, 'b@x.com');
SELECT create_identity_map('ids.turns', identity_source('fickle', 'SELECT id, email FROM ids.fickle'), identity_column('fickle_id', 'int[]'));
CALL refresh_identity_map('ids.turns');
CREATE PROCEDURE ids.turn(times int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. times LOOP
    UPDATE ids.fickle SET email = 'a@x.com' WHERE id = 3;
    CALL public.refresh_identity_map('ids.turns');
    UPDATE ids.fickle SET email = 'b@x.com' WHERE id = 3;
    CALL public.refresh_identity_map('ids.turns');
  END LOOP;
END $$;
SET client_min_messages = warning;
CALL ids.turn(260);
SELECT pg_get_functiondef('identity_internal.identity_map_most'::regproc) AS in_memory \gset
-- Also where memory does not suffice.
CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$;
CALL ids.turn(3);
:in_memory;
RESET client_min_messages;
SELECT fickle_id FROM ids.turns ORDER BY 1;
SELECT event, count(*), count(DISTINCT identity_id) AS identities FROM identity_map_history('ids.turns') GROUP BY event ORDER BY event;
SELECT count(DISTINCT h.from_ids) AS ids_that_came, every(identity_current('ids.turns', h.from_ids[1]) = (SELECT identity_id FROM ids.turns WHERE 1 = ANY (fickle_id))) AS all_followed
FROM identity_map_history('ids.turns') AS h WHERE h.event = 'merged';
SELECT drop_identity_map('ids.turns');

-- Columns may have any names, also those that things have inside; the same in memory and where it does not suffice.
CREATE TABLE ids.odd (id int, email text, cluster text, kept text, lost text, olds text, records text, moved text, merged text, rid text, old text, n text);
INSERT INTO ids.odd SELECT n, 'p' || n / 2 || '@x.com', 'c' || n, 'k' || n, 'l' || n, 'o' || n, 'r' || n, 'm' || n, 'g' || n, 'i' || n, 'd' || n, 'n' || n FROM generate_series(2, 7) AS n;
SELECT create_identity_map('ids.odds', VARIADIC ARRAY[identity_source('odd', 'TABLE ids.odd')]
  || (SELECT array_agg(identity_rule(k, link => false)) FROM unnest('{cluster,kept,lost,olds,records,moved,merged,rid,old,n}'::text[]) AS k)
  || (SELECT array_agg(identity_column(k, 'text[]')) FROM unnest('{cluster,kept,lost,olds,records,moved,merged,rid,old,n}'::text[]) AS k));
CALL refresh_identity_map('ids.odds');
UPDATE ids.odd SET email = 'p1@x.com' WHERE id = 4;
CALL refresh_identity_map('ids.odds');
SELECT cluster, n, rid FROM ids.odds ORDER BY 1;
SELECT pg_get_functiondef('identity_internal.identity_map_most'::regproc) AS in_memory \gset
CREATE OR REPLACE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$;
UPDATE ids.odd SET email = 'p1@x.com' WHERE id = 6;
CALL refresh_identity_map('ids.odds');
SELECT cluster, n, rid FROM ids.odds ORDER BY 1;
SELECT forget('ids.odds', 'odd', '2');
:in_memory;
CALL refresh_identity_map('ids.odds', full => true);
SELECT cluster, n, rid FROM ids.odds ORDER BY 1;
SELECT event, count(*) FROM identity_map_history('ids.odds') GROUP BY event ORDER BY event;
SELECT drop_identity_map('ids.odds');
SET client_min_messages = warning;
DROP SCHEMA ids CASCADE;
