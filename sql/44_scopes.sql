-- Where equal values link: everywhere, within one source, among the rows of one tenant. How many records may carry a value in all.
-- Rules that refine others, and the defaults of earlier versions. doc/guards.md has the rules.
CREATE SCHEMA scopes;
SET search_path = scopes, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS TABLE (people text[]) LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, length(record_id), record_id) AS people
  FROM identity_records(VARIADIC clauses) GROUP BY identity_id ORDER BY people $$;
CREATE FUNCTION evidence(VARIADIC clauses identity_clause[]) RETURNS TABLE (record text, identifier text, status text, others bigint) LANGUAGE sql AS $$
  SELECT source || '/' || record_id, kind || ' ' || value, status, linked_records FROM identity_links(VARIADIC clauses) ORDER BY 1, 2, 3, 4 $$;

-- 1. Three people have the handle alex, each in a tool of their own. A handle says who somebody is only where it was chosen: within one tool.
CREATE TABLE github (id int, username text, email text);
CREATE TABLE forum (id int, username text, email text);
CREATE TABLE chat (id int, username text, email text);
INSERT INTO github VALUES (1, 'alex', 'alex@a.com'), (2, 'sam', 'sam@x.com');
INSERT INTO forum VALUES (1, 'alex', 'alexander@b.com'), (2, 'sam', 'sam@x.com'), (3, 'kim', NULL);
INSERT INTO chat VALUES (1, 'alex', 'alexandra@c.com'), (2, 'alex', NULL), (3, 'kim', NULL);
CREATE FUNCTION tools() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('github', 'TABLE scopes.github'), identity_source('forum', 'TABLE scopes.forum'), identity_source('chat', 'TABLE scopes.chat')] $$;
--    Two handles are in several tools and link nobody across them: alex and kim. Sam's are joined by the address.
SELECT people(VARIADIC tools());
--    A value in another source is another value: nobody but chat/2 carries the alex of chat/1.
SELECT * FROM evidence(VARIADIC tools() || identity_rule('username', scope => 'source')) WHERE identifier ~ 'username';
--    Single sign-on: the handle is one in all tools. Who has chosen is not warned.
SELECT people(VARIADIC tools() || identity_rule('username', scope => 'all'));
SELECT people(VARIADIC tools() || identity_rule('username', scope => 'source'));
--    A rule about something else leaves the default, and the warning.
SELECT count(*) FROM people(VARIADIC tools() || identity_rule('username', 'casefold'));
--    One tool alone, or handles that are in one only: nothing to say.
SELECT count(*) FROM people(identity_source('chat', 'TABLE scopes.chat'));
SELECT count(*) FROM people(identity_source('chat', 'TABLE scopes.chat'), identity_source('forum', 'SELECT id + 10, username || id AS username FROM scopes.forum'));
--    What is shown is the handle.
SELECT * FROM resolve_identities(VARIADIC tools() || identity_rule('username', scope => 'source'))
  AS (github_id int, forum_id int, chat_id int[], username text[], chat_username text) ORDER BY 1, 2, 3;
SELECT step, explanation, kind, value, status FROM explain_identity('chat', '1', 'chat', '2', VARIADIC tools() || identity_rule('username', scope => 'source'));
SELECT step, explanation, kind, value, status FROM explain_identity('chat', '1', 'forum', '1', VARIADIC tools() || identity_rule('username', scope => 'source'));

-- 2. Any kind can have a scope: ids that each tool counts for itself.
CREATE FUNCTION counted() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('shop', $q$SELECT * FROM (VALUES ('a', 7), ('b', 7), ('c', 8)) v(id, customer_no)$q$),
               identity_source('desk', $q$SELECT * FROM (VALUES ('d', 7), ('e', 8), ('f', 8)) v(id, customer_no)$q$)] $$;
SELECT people(VARIADIC counted() || identity_rule('customer_no'));
SELECT people(VARIADIC counted() || identity_rule('customer_no', scope => 'source'));

-- 3. One address in two workspaces is two users of the product. The workspace is a part of the key: there is no conflict to settle.
CREATE TABLE app (id int, tenant text, email text);
CREATE TABLE billing (id int, tenant text, email text);
INSERT INTO app VALUES (1, 'acme', 'pat@x.com'), (2, 'globex', 'pat@x.com'), (3, 'acme', 'kim@x.com'), (4, NULL, 'kim@x.com'), (5, 'null', 'kim@x.com');
INSERT INTO billing VALUES (11, ' acme', 'PAT@x.com'), (12, 'globex', 'pat@x.com'), (13, 'Acme', 'pat@x.com'), (14, '', 'kim@x.com');
CREATE FUNCTION product() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('app', 'TABLE scopes.app'), identity_source('billing', 'TABLE scopes.billing')] $$;
--    Rows that name no tenant, or a placeholder, link nobody by their address, nor each other: it may be anybody's.
SELECT people(VARIADIC product() || identity_rule('email', scope => 'tenant'));
SELECT * FROM evidence(VARIADIC product() || identity_rule('email', scope => 'tenant')) WHERE identifier ~ 'email';
--    The tenant is compared as its own rule spells it; which of the two rules comes first says nothing.
SELECT people(VARIADIC product() || identity_rule('email', scope => 'tenant') || identity_rule('tenant', 'casefold', link => false));
SELECT people(VARIADIC product() || identity_rule('tenant', 'casefold', link => false) || identity_rule('email', scope => 'tenant'));
--    It is a column like any other, to be shown or not.
SELECT * FROM resolve_identities(VARIADIC product() || identity_rule('email', scope => 'tenant'))
  AS (tenant text, email text, app_id int[], billing_id int[]) ORDER BY app_id, billing_id;
SELECT step, explanation, kind, value, status FROM explain_identity('app', '3', 'app', '4', VARIADIC product() || identity_rule('email', scope => 'tenant'));
SELECT step, explanation, kind, value, status FROM explain_identity('app', '4', 'app', '5', VARIADIC product() || identity_rule('email', scope => 'tenant'));
SELECT step, explanation, kind, value, status FROM explain_identity('app', '1', 'app', '2', VARIADIC product() || identity_rule('email', scope => 'tenant'));
--    A row of several tenants is in each.
SELECT people(identity_source('app', 'TABLE scopes.app'),
              identity_source('agency', $$SELECT 1, ARRAY['acme', 'globex', 'acme', NULL] AS tenant, 'pat@x.com' AS email$$), identity_rule('email', scope => 'tenant'));
SELECT * FROM evidence(identity_source('app', 'TABLE scopes.app'),
              identity_source('agency', $$SELECT 1, ARRAY['acme', 'globex', 'acme', NULL] AS tenant, 'pat@x.com' AS email$$), identity_rule('email', scope => 'tenant')) WHERE record ~ 'agency';
--    A scope may link by itself, and may be a known kind.
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'x', 'pat@x.com'), (2, 'x', 'kim@x.com'), (3, 'y', 'pat@x.com')) v(id, external_id, email)$$),
              identity_rule('email', scope => 'external_id'));
--    The scope of a kind that does not link is of no use, and does no harm.
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'pat@x.com'), (2, 'pat@x.com')) v(id, email)$$), identity_rule('email', link => false, scope => 'tenant'));
--    A source that has addresses and never says whose is a mistake; so is what cannot be a scope.
SELECT people(VARIADIC product() || identity_source('crm', $$SELECT 1, 'pat@x.com' AS email$$) || identity_rule('email', scope => 'tenant'));
SELECT people(VARIADIC product() || identity_source('crm', $$SELECT 1, 'pat@x.com' AS email, NULL AS tenant$$) || identity_rule('email', scope => 'tenant'));
SELECT identity_rule('email', scope => 'email');
SELECT identity_rule('email', scope => 'Tenant');
SELECT identity_rule('email', scope => '');
SELECT identity_rule('email', scope => 'updated_at');

-- 4. Limits count values as they are shown: one handle in two tools is one value, two handles are two.
CREATE FUNCTION handles() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('a', $q$SELECT * FROM (VALUES (1, 'alex', 'alex@x.com'), (2, 'kim', 'kim@x.com')) v(id, username, email)$q$),
               identity_source('b', $q$SELECT * FROM (VALUES (1, 'alex', 'alex@x.com'), (2, 'kimi', 'kim@x.com')) v(id, username, email)$q$)] $$;
SELECT people(VARIADIC handles() || identity_rule('username', max_per_identity => 1, scope => 'source', priority => 70));
SELECT step, explanation FROM explain_identity('a', '2', 'b', '2', VARIADIC handles() || identity_rule('username', max_per_identity => 1, scope => 'source', priority => 70));
--    So does a value whose row has no scope.
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'u1', 'x', 't'), (2, 'u1', 'y', NULL)) v(id, user_id, badge, tenant)$$),
              identity_rule('badge', scope => 'tenant', max_per_identity => 1, priority => 120));
--    max_records counts the records of one scope: what would be joined.
SELECT count(*) FROM people(identity_source('a', $$SELECT n, 'pat@x.com' AS email, n % 3 AS tenant FROM generate_series(1, 30) n$$),
                            identity_rule('email', scope => 'tenant', max_records => 10));
SELECT count(*) FROM people(identity_source('a', $$SELECT n, 'pat@x.com' AS email, n % 3 AS tenant FROM generate_series(1, 31) n$$),
                            identity_rule('email', scope => 'tenant', max_records => 10));

-- 5. Ten tools, and each has five records of one address: no source has too many of them, all together have.
CREATE FUNCTION ten(records int) RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT array_agg(identity_source('tool' || t, format('SELECT n, ''ours@x.com'' AS email FROM generate_series(1, %s) n', records)) ORDER BY t) FROM generate_series(1, 10) t $$;
SELECT count(*) FROM people(VARIADIC ten(5));
SELECT count(*) FROM people(VARIADIC ten(5) || identity_rule('email', max_records_in_all => 50));
SELECT count(*) FROM people(VARIADIC ten(5) || identity_rule('email', max_records_in_all => 49));
--    Both limits hold, each for itself; the worst is named.
SELECT count(*) FROM people(VARIADIC ten(5) || identity_rule('email', max_records => 4, max_records_in_all => 60));
SELECT count(*) FROM people(VARIADIC ten(5) || identity_rule('email', max_records => 4, max_records_in_all => 40));
SELECT count(*) FROM people(VARIADIC ten(5) || identity_rule('email', max_records => 0, max_records_in_all => 40));
--    An id that comes twice is one record.
SELECT count(*) FROM people(identity_source('a', $$SELECT 1 + n % 3, 'ours@x.com' AS email FROM generate_series(1, 100) n$$),
                            identity_source('b', $$SELECT n, 'ours@x.com' AS email FROM generate_series(1, 2) n$$), identity_rule('email', max_records_in_all => 5));
SELECT step, explanation FROM explain_identity('tool1', '1', 'tool2', '1', VARIADIC ten(5) || identity_rule('email', max_records_in_all => 49));
SELECT identity_rule('email', max_records_in_all => -1);

-- 6. A later rule refines an earlier one: a stored list needs but one more setting. NULL keeps, an array replaces.
CREATE TABLE stored (clauses identity_clause[]);
INSERT INTO stored VALUES (ARRAY[identity_source('a', $$SELECT * FROM (VALUES (1, 'ann@x.com'), (2, 'ann@x.com'), (3, 'bob@x.com'), (4, 'bob@x.com'), (5, 'Kim.K@gmail.com'), (6, 'kimk@gmail.com')) v(id, email)$$),
                                 identity_rule('email', 'mailbox', blocked => '{ann@x.com}')]);
SELECT people(VARIADIC clauses) FROM stored;
SELECT people(VARIADIC clauses || identity_rule('email', max_records => 1)) FROM stored;
SELECT people(VARIADIC clauses || identity_rule('email', blocked => '{bob@x.com}')) FROM stored;
SELECT people(VARIADIC clauses || identity_rule('email', blocked => '{}')) FROM stored;
SELECT people(VARIADIC clauses || identity_rule('email', 'email')) FROM stored;
--    So do many; the last word on each part counts, and rules of other kinds in between change nothing.
SELECT people(VARIADIC clauses || identity_rule('email', link => false) || identity_rule('phone', region => 'GB') || identity_rule('email', link => true)) FROM stored;
--    A new kind that does not link is carried as it is typed, whichever of its rules says so.
SELECT * FROM resolve_identities(identity_source('a', $$SELECT 1, ' pro ' AS plan$$), identity_rule('plan', max_records => 5), identity_rule('plan', link => false)) AS (plan text);
SELECT * FROM resolve_identities(identity_source('a', $$SELECT 1, ' pro ' AS plan$$), identity_rule('plan', link => false, max_records => 5)) AS (plan text);
--    A column that was a scope once is still known.
SELECT count(*) FROM people(VARIADIC product() || identity_rule('email', scope => 'tenant') || identity_rule('email', scope => 'all'));
--    What does not fit together is still told.
SELECT people(VARIADIC clauses || identity_rule('email', region => 'GB')) FROM stored;

-- 7. Whoever writes external_id has the protection of user_id: one a person.
CREATE FUNCTION external() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('app', $q$SELECT * FROM (VALUES (1, 'x1', 'fam@x.com'), (2, 'x2', 'fam@x.com')) v(id, external_id, email)$q$)] $$;
SELECT people(VARIADIC external());
SELECT people(VARIADIC external() || identity_rule('external_id', max_per_identity => 0));
SELECT people(VARIADIC external() || identity_rule('external_id', max_per_identity => 1));

--    A limit that somebody has asked for is not told of. Of several, each what it refused: x1 and x2 are two people, as are u3 and u4.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'x1', NULL, 'fam@x.com'), (2, 'x2', NULL, 'fam@x.com'), (3, NULL, 'u3', 'kin@x.com'), (4, NULL, 'u4', 'kin@x.com')) v(id, external_id, user_id, email)$$),
              identity_source('desk', $$SELECT * FROM (VALUES (1, 'kin@x.com')) v(id, email)$$));
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'x1', '1960', 'fam@x.com'), (2, 'x2', '1960', 'fam@x.com'), (3, NULL, '1960', 'kin@x.com'), (4, NULL, '1991', 'kin@x.com')) v(id, external_id, born, email)$$),
              identity_rule('born', link => false, max_per_identity => 1));
--    In one group of people several limits may be broken: a link is counted where those who carry it would break the default together.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'x1', '1960', '{fam@x.com}'::text[]), (2, 'x2', '1960', '{fam@x.com,kin@x.com}'), (3, NULL, '1991', '{kin@x.com}')) v(id, external_id, born, email)$$),
              identity_rule('born', link => false, max_per_identity => 1));

-- 8. What version 0.1 did, on the same data. The clause may stand anywhere; rules change those defaults as they change today's.
SELECT people(VARIADIC tools() || identity_defaults('0.1'));
SELECT people(VARIADIC identity_defaults('0.1') || external());
SELECT people(VARIADIC identity_rule('external_id', max_per_identity => 1) || external() || identity_defaults('0.1'));
SELECT count(*) FROM people(VARIADIC external() || identity_defaults('current') || identity_rule('external_id', max_per_identity => 1));
SELECT identity_defaults('0.1');
SELECT identity_defaults('0.7');
SELECT identity_defaults(NULL);
SELECT people(VARIADIC external() || identity_defaults('0.1') || identity_defaults('0.1'));
SELECT '{"clause": "defaults"}'::identity_clause;
--    Who comes together or apart by today's defaults: the records that are no more with those that they were with.
SET client_min_messages = error;
WITH before AS (SELECT * FROM identity_records(VARIADIC tools() || identity_defaults('0.1'))),
     now AS (SELECT * FROM identity_records(VARIADIC tools())),
     pairs_before AS (SELECT a.source || '/' || a.record_id AS record, b.source || '/' || b.record_id AS other
                      FROM before AS a JOIN before AS b ON a.identity_id = b.identity_id AND (a.source, a.record_id) < (b.source, b.record_id)),
     pairs_now AS (SELECT a.source || '/' || a.record_id AS record, b.source || '/' || b.record_id AS other
                   FROM now AS a JOIN now AS b ON a.identity_id = b.identity_id AND (a.source, a.record_id) < (b.source, b.record_id))
SELECT 'apart' AS now, * FROM (TABLE pairs_before EXCEPT TABLE pairs_now) AS apart
UNION ALL SELECT 'together', * FROM (TABLE pairs_now EXCEPT TABLE pairs_before) AS together ORDER BY 1, 2, 3;
RESET client_min_messages;

-- 9. Ways of reading: combinations, the long form, workers, little memory. A scope is a part of the key wherever a key is made.
SELECT * FROM resolve_identities(VARIADIC product() || identity_rule('email', scope => 'tenant') || identity_output('combinations'))
  AS (tenant text, email text, app_id int, billing_id int) ORDER BY app_id, billing_id;
SELECT metric, subject, value FROM identity_report(VARIADIC product() || identity_rule('email', scope => 'tenant')) WHERE metric IN ('identities', 'most shared') ORDER BY 1, 2;
CREATE TABLE many AS SELECT n AS id, 't' || n % 7 AS tenant, format('p%s@x.com', n / 14) AS email, 'h' || n % 400 AS username FROM generate_series(1, 20000) n;
CREATE FUNCTION of_many(VARIADIC rules identity_clause[]) RETURNS TABLE (identities bigint, records bigint, largest bigint) LANGUAGE sql AS $$
  SELECT count(*), sum(n), max(n) FROM (SELECT count(*) AS n FROM identity_records(VARIADIC ARRAY[identity_source('a', 'SELECT * FROM scopes.many WHERE id % 3 > 0'),
    identity_source('b', 'SELECT * FROM scopes.many WHERE id % 3 = 0'), identity_rule('tenant', link => false)] || rules) GROUP BY identity_id) AS r $$;
SET client_min_messages = error;
SELECT * FROM of_many(identity_rule('email', scope => 'tenant'), identity_rule('username', link => false));
SELECT * FROM of_many(identity_rule('email', scope => 'source'), identity_rule('username', link => false));
SELECT * FROM of_many(identity_rule('email', link => false));
SELECT * FROM of_many(identity_rule('email', scope => 'tenant', max_records_in_all => 1), identity_rule('username', link => false));
SET maintenance_work_mem = '1MB';
SELECT * FROM of_many(identity_rule('email', scope => 'tenant'), identity_rule('username', link => false));
SELECT * FROM of_many(identity_rule('email', scope => 'source'), identity_rule('username', link => false));
SELECT * FROM of_many(identity_rule('email', link => false));
SELECT * FROM of_many(identity_rule('email', scope => 'tenant', max_records_in_all => 1), identity_rule('username', link => false));
RESET maintenance_work_mem;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT * FROM of_many(identity_rule('email', scope => 'tenant'), identity_rule('username', link => false));
SELECT * FROM of_many(identity_rule('email', scope => 'source'), identity_rule('username', link => false));
RESET client_min_messages;
--    What is counted for the warnings is counted by workers too.
SELECT * FROM of_many(identity_rule('email', link => false));
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- 10. Identity maps: a refresh of what changed, identify() and a new resolve of everything are of one mind.
CREATE TABLE users (id int PRIMARY KEY, tenant text, email text, username text, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE seats (id int PRIMARY KEY, tenant text, email text, username text);
INSERT INTO users SELECT n, CASE WHEN n % 5 > 0 THEN 't' || n % 3 END, format('p%s@x.com', n / 6), 'h' || n / 9 FROM generate_series(1, 60) n;
INSERT INTO seats SELECT n, CASE WHEN n % 7 > 0 THEN 't' || n % 3 END, format('p%s@x.com', n / 6), 'h' || n / 9 FROM generate_series(1, 60) n;
CREATE FUNCTION differ(map regclass) RETURNS TABLE (identities bigint, differ bigint) LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
  map_id integer := (SELECT c.map_id FROM identity_internal.identity_map_catalog AS c WHERE c.map = differ.map);
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH now AS (SELECT min(m.record_id || '/' || m.source) OVER (PARTITION BY m.identity_id) AS first, m.source, m.record_id FROM identity_internal.identity_map_all_records(%1$s) AS m),
    names AS (SELECT (c.numbers ->> s.name)::int AS number, s.name FROM identity_internal.identity_map_catalog AS c, LATERAL jsonb_object_keys(c.numbers) AS s (name) WHERE c.map = %2$L::regclass),
    anew AS (SELECT min(r.record_id || '/' || n.number) OVER (PARTITION BY r.identity_id) AS first, n.number AS source, r.record_id
             FROM identity_records(VARIADIC identity_map_clauses(%2$L::regclass)) AS r JOIN names AS n ON n.name = r.source)
    SELECT (SELECT count(DISTINCT first) FROM now), (SELECT count(*) FROM (TABLE now EXCEPT TABLE anew) AS d) + (SELECT count(*) FROM (TABLE anew EXCEPT TABLE now) AS d)$q$, map_id, map);
END $$;
SELECT create_identity_map('scopes.people', identity_source('users', 'SELECT id, tenant, email, username, updated_at FROM scopes.users', changed_since => 'updated_at'),
  identity_source('seats', 'SELECT id, tenant, email, username FROM scopes.seats', capture => 'trigger'), identity_rule('email', scope => 'tenant', max_records => 3, max_records_in_all => 4),
  identity_rule('username', max_per_identity => 2), identity_column('tenant', 'text[]'), identity_column('users_id', 'text[]'));
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
--    A row moves to another tenant, another one gets one, a third loses it; the source's name is a part of the handle's key.
UPDATE seats SET tenant = 't0' WHERE id = 8;
UPDATE seats SET tenant = 't1' WHERE id IN (7, 14, 21);
UPDATE seats SET tenant = NULL WHERE id = 30;
UPDATE users SET tenant = 't1', updated_at = now() + interval '1 second' WHERE id = 40;
UPDATE users SET username = 'h1', updated_at = now() + interval '1 second' WHERE id IN (50, 51);
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
--    One address becomes too common in all sources together, in one tenant alone; and no longer is.
INSERT INTO seats SELECT n, 't1', 'p3@x.com', NULL FROM generate_series(101, 104) n;
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
DELETE FROM seats WHERE id > 102;
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
--    Who is told of with a tenant is found by it, and not without one.
SELECT identify('scopes.people', 'u1', '{"email": "p5@x.com", "tenant": "t2"}') = identity_id AS found FROM people WHERE users_id && '{32}';
SELECT identify('scopes.people', 'u2', '{"email": "p5@x.com"}') = ANY (array_agg(identity_id)) AS found FROM people WHERE users_id IS NOT NULL;
SELECT identify('scopes.people', 'u3', '{"username": "h5"}') = ANY (array_agg(identity_id)) AS found FROM people WHERE users_id IS NOT NULL;
SELECT * FROM differ('scopes.people');
CALL refresh_identity_map('scopes.people', full => true);
SELECT * FROM differ('scopes.people');
--    What somebody changes about the rules is kept, in as many rules as they like; an old map can have the old defaults, and today's again.
SELECT alter_identity_map('scopes.people', identity_rule('email', scope => 'all'), identity_defaults('0.1'));
SELECT alter_identity_map('scopes.people', identity_rule('email', scope => 'all'), identity_rule('tenant', link => false), identity_rule('email', max_records_in_all => 500), identity_defaults('0.1'));
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
SELECT c ->> 'clause' AS clause, c - 'clause' AS parts FROM identity_internal.identity_map_catalog AS m, unnest(m.clauses::text[]::jsonb[]) AS c WHERE m.map = 'scopes.people'::regclass AND c ->> 'clause' IN ('rule', 'defaults');
SELECT alter_identity_map('scopes.people', identity_rule('email', scope => 'source'), identity_defaults('current'));
SELECT reduce_identity_map('scopes.people', rules => '{username}');
CALL refresh_identity_map('scopes.people');
SELECT * FROM differ('scopes.people');
SELECT c ->> 'clause' AS clause, c - 'clause' AS parts FROM identity_internal.identity_map_catalog AS m, unnest(m.clauses::text[]::jsonb[]) AS c WHERE m.map = 'scopes.people'::regclass AND c ->> 'clause' IN ('rule', 'defaults');
DROP TABLE people;
