-- The definition list, by the machine: identity_columns().
CREATE SCHEMA columns;
SET search_path = columns, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

CREATE TYPE plan AS ENUM ('free', 'pro');
CREATE DOMAIN ticket_user AS bigint CHECK (VALUE > 0);
CREATE TABLE segment (id text, email text, signed_up date);
INSERT INTO segment VALUES ('s1', 'ann@x.com', '2024-01-31'), ('s2', 'bob@x.com', '2024-02-29');
CREATE TABLE zendesk (id ticket_user, external_id text, email text, plan plan);
INSERT INTO zendesk VALUES (9007199254740993, 's1', 'ann@work.com', 'pro'), (7, 's2', 'BOB@x.com', 'free');
CREATE TABLE stripe (id text, email text);
INSERT INTO stripe VALUES ('cus_1', 'ann@x.com'), ('cus_2', 'ann@work.com'), ('cus_3', 'bob@x.com');
CREATE FUNCTION clauses() RETURNS identity_clause[] LANGUAGE sql STABLE AS $$ SELECT ARRAY[
  identity_source('segment', 'SELECT id, id AS user_id, email, signed_up FROM columns.segment'),
  identity_source('zendesk', 'SELECT id, external_id AS user_id, email, plan FROM columns.zendesk'),
  identity_source('stripe', 'TABLE columns.stripe'),
  identity_rule('signed_up', link => false), identity_rule('plan', link => false)] $$;

-- Ids in the types of their tables; an array where somebody has two, by the data. user_id is what segment_id shows.
SELECT identity_columns(VARIADIC clauses());
DELETE FROM stripe WHERE id = 'cus_2';
SELECT identity_columns(VARIADIC clauses());
INSERT INTO stripe VALUES ('cus_2', 'ann@work.com');

-- Two addresses, where a rule says that a person may have several; and where one has. In an order of their own they stay one.
SELECT identity_columns(VARIADIC clauses() || identity_rule('email', max_per_identity => 0));
SELECT identity_columns(VARIADIC clauses() || identity_rule('email', max_per_identity => 1) || identity_rule('user_id', max_per_identity => 5));

-- The list is accepted as it is, and shows what is there.
SELECT format('SELECT * FROM resolve_identities(VARIADIC clauses()) AS (%s) ORDER BY segment_id', identity_columns(VARIADIC clauses())) \gexec
SELECT format('SELECT * FROM resolve_identities(VARIADIC clauses() || identity_output(''combinations'')) AS (%s) ORDER BY segment_id, stripe_id',
  identity_columns(VARIADIC clauses() || identity_output('combinations'))) \gexec

-- Types. One that cannot be had back from text, or has a length, is text; several types of a kind are one that holds them all.
CREATE FUNCTION accepted(VARIADIC clauses identity_clause[]) RETURNS TABLE (list text, identities bigint) LANGUAGE plpgsql AS $$
BEGIN
  list := identity_columns(VARIADIC clauses);
  EXECUTE format('SELECT count(*) FROM resolve_identities(VARIADIC $1) AS (%s)', list) INTO identities USING clauses;
  RETURN NEXT;
END $$;
SELECT list, identities FROM (VALUES (1, 'char(3)', 'a'), (2, 'varchar(3)', 'a'), (3, '"char"', 'a'), (4, 'name', 'a'), (5, 'smallint', '1'), (6, 'numeric(9,0)', '1'),
  (7, 'uuid', '1e810c19-7e2c-4b5a-9d1e-000000000001'), (8, 'timestamptz', '2024-01-01'), (9, 'int[]', '{1,2}'), (10, 'jsonb', '"a"'), (11, 'bytea', 'a'),
  (12, 'bit(3)', '101'), (13, 'columns.plan', 'pro'), (14, 'columns.segment', '(s1,ann@x.com,2024-01-31)'), (15, 'inet', '10.0.0.1'), (16, 'oid', '3')) AS t(n, type, value),
  LATERAL accepted(identity_source('one', format('SELECT %L::%s AS key, %L::text AS email', value, type, 'ann@x.com'))) ORDER BY n;
SELECT list FROM (VALUES (1, 'int', 'bigint'), (2, 'bigint', 'int'), (3, 'int', 'text'), (4, 'uuid', 'uuid'), (5, 'smallint', 'numeric'), (6, 'int[]', 'int'), (7, 'jsonb', 'int')) AS t(n, a, b),
  LATERAL accepted(identity_source('one', format('SELECT 1 AS key, NULL::%s AS user_id, NULL::%s AS email', a, a)), identity_source('two', format('SELECT 1 AS key, NULL::%s AS user_id', b))) ORDER BY n;
SELECT list FROM accepted(identity_source('one', 'SELECT 1 AS key, NULL::uuid AS uuid, true AS paid, 1.5::real AS score, ''{"a": 1}''::jsonb AS profile'),
  identity_rule('paid', link => false), identity_rule('score', link => false), identity_rule('profile', link => false));
-- A former value may be of another type than the present one.
SELECT list FROM accepted(identity_source('one', 'SELECT 1 AS key, 2 AS user_id'), identity_alias('user_id', 'SELECT ''2'', ''u2'''));

-- Names that SQL reserves are quoted. One that would mean two things is left out, and told.
SELECT list, identities FROM accepted(identity_source('user', 'SELECT 1 AS key, 2 AS "select", 3 AS user_id'), identity_rule('select', link => false), identity_rule('order', link => false));

-- No warning of the resolve is told twice, and its errors are the same.
SELECT identity_columns(identity_source('one', 'SELECT NULLIF(n, 1)::text || '''' AS key, n AS user_id FROM generate_series(2, 3) n UNION ALL SELECT '''', 4'));
SELECT identity_columns(identity_source('one', 'SELECT '''' AS key, 4 AS user_id', bad_ids => 'error'));
SELECT identity_columns(identity_source('one', 'SELECT 1 AS key, 4 AS shoe_size'));
SELECT identity_columns(identity_source('one', 'SELECT 1 / 0 AS key, 4 AS user_id'));
SELECT identity_columns(identity_rule('email'));
SELECT identity_columns();
SELECT identity_columns(VARIADIC NULL::identity_clause[]);

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA columns CASCADE;
