-- What links: any number of kinds and sources, scalars and arrays, and everything which that reaches.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA links;
SET search_path = links, public;
RESET client_min_messages;

-- One row for each identity: its records as source/id.
CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS SETOF text[] LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, record_id) FROM identity_records(VARIADIC clauses)
   GROUP BY identity_id ORDER BY 1 $$;

-- External id where there is one, email as the fallback; a chain of both joins all four.
SELECT people(
  identity_source('app',     $$SELECT * FROM (VALUES ('u1', 'ann@x.com'), ('u2', 'bob@x.com')) v(id, email)$$),
  identity_source('zendesk', $$SELECT * FROM (VALUES (1, 'u1', 'ann.smith@work.com'), (2, NULL, 'BOB@x.com'), (3, 'u3', NULL)) v(id, user_id, email)$$),
  identity_source('app2',    $$SELECT id, id AS user_id, email FROM (VALUES ('u1', 'ann@x.com'), ('u2', 'bob@x.com')) v(id, email)$$),
  identity_source('stripe',  $$SELECT * FROM (VALUES ('cus_1', 'Ann.Smith@work.com'), ('cus_2', 'bob@x.com ')) v(id, email)$$));

-- A thousand records, each knowing only the next.
SELECT count(DISTINCT identity_id), count(*) FROM identity_records(
  identity_source('chain', $$SELECT n, ARRAY['a' || n, 'a' || n + 1] AS external_id FROM generate_series(1, 1000) n ORDER BY md5(n::text)$$),
  identity_rule('external_id', max_per_identity => 0));

-- One value under two kinds links nobody; nor do two sources' record ids.
SELECT people(
  identity_source('a', $$SELECT 1, 'same' AS user_id$$), identity_source('b', $$SELECT 1, 'same' AS anonymous_id$$),
  identity_source('c', $$SELECT 1, 'same' AS device_id$$), identity_source('d', $$SELECT 1, 'same' AS username$$),
  identity_source('e', $$SELECT 1, 'same' AS external_id$$));

-- NULL and blank carry nothing, in a scalar and in an array.
SELECT people(identity_source('blank', $$
  SELECT * FROM (VALUES (1, NULL, NULL::text[]), (2, '', '{}'), (3, ' ', '{NULL}'), (4, E'\t\n', '{"",NULL," "}'), (5, NULL, '{NULL,NULL}')) v(id, user_id, email)$$));

-- Arrays: each element is an identifier, whatever the array's shape and type.
SELECT people(identity_source('arrays', $$
  SELECT * FROM (VALUES (1, '{7,8}'::int[]), (2, '{{8,9},{10,11}}'), (3, '[5:6]={11,12}'), (4, '{13,NULL,12}'), (5, '{99}')) v(id, external_id)$$),
  identity_source('scalar', $$SELECT 1, 13::bigint AS external_id$$),
  identity_source('texts', $$SELECT 1, '{" 99 ",x}'::text[] AS external_id$$), identity_rule('external_id', max_per_identity => 0));

-- Several columns of one kind.
SELECT people(identity_source('pair', $$SELECT 1, 'a@x.com' AS email, 'b@x.com' AS email, 'c@x.com' AS email$$),
              identity_source('one', $$SELECT * FROM (VALUES (1, 'c@x.com'), (2, 'b@x.com'), (3, 'd@x.com')) v(id, email)$$));

-- Emails compare by address: blanks around, case, and Unicode, composed or not, in any script.
SELECT people(identity_source('email', $$
  SELECT * FROM (VALUES
    (10, 'zoë@example.com'), (11, 'ZOË@EXAMPLE.COM'), (12, U&'zoe\0308@example.com'),
    (20, 'борис@example.com'), (21, 'БОРИС@EXAMPLE.com'),
    (30, 'zoe@example.com'),
    (40, E'  tab@example.com\t'), (41, U&'\00A0Tab@example.com\FEFF')) v(id, email)$$));

-- Exact kinds are trimmed, and otherwise taken as they are.
SELECT people(identity_source('exact', $$
  SELECT * FROM (VALUES (1, 'Ab'), (2, ' Ab '), (3, 'ab'), (4, 'A b'), (5, '0'), (6, '00'), (7, 'Ab')) v(id, user_id)$$));

-- Text that is no address is no identifier: a hundred "none"s are a hundred people.
SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('none', $$SELECT n, 'none' AS email FROM generate_series(1, 100) n$$));

-- Phones compare as numbers.
SELECT people(identity_source('phone', $$
  SELECT * FROM (VALUES (1, '+1 650-253-0000'), (2, '+16502530000'), (3, '+1 (650) 253 0000'), (4, '+1 650 253 0001'), (5, 'call me'), (6, 'call me')) v(id, phone)$$));

-- An identifier of any type; a number and its text are the same value.
SELECT people(identity_source('types', $$SELECT 1, 42 AS user_id$$), identity_source('text', $$SELECT 1, '42' AS user_id$$),
              identity_source('numeric', $$SELECT 1, 42::numeric AS user_id$$), identity_source('char', $$SELECT 1, '42'::character(9) AS user_id$$),
              identity_source('uuid', $$SELECT 1, '0000000000000000000000000000000A'::uuid AS user_id$$),
              identity_source('uuid_text', $$SELECT 1, '00000000-0000-0000-0000-00000000000a' AS user_id$$));

SET client_min_messages = warning;
DROP SCHEMA links CASCADE;
