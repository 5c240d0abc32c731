-- Rules: further kinds, another normaliser, values that are carried without linking.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA rules;
SET search_path = rules, public;
RESET client_min_messages;

CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS SETOF text[] LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, record_id) FROM identity_records(VARIADIC clauses)
   GROUP BY identity_id ORDER BY 1 $$;
CREATE TABLE members (id int, email text, badge text, name text, plan text);
INSERT INTO members VALUES
  (1, 'ann@x.com', 'B-1', 'Ann', 'pro'), (2, 'ann.smith@x.com', ' b-1', 'Ann Smith', 'basic'), (3, 'bob@x.com', 'B-2', 'Ann', 'pro');

-- A column that is no known kind is an error, so that SELECT * never links people by their name.
SELECT people(identity_source('members', 'SELECT * FROM members'));
-- What is declared may be used: a kind that links, and two that are only shown.
SELECT people(identity_source('members', 'SELECT * FROM members'),
              identity_rule('badge'), identity_rule('name', link => false), identity_rule('plan', link => false));
SELECT people(identity_source('members', 'SELECT * FROM members'),
              identity_rule('badge', 'casefold'), identity_rule('name', link => false), identity_rule('plan', link => false));
SELECT * FROM resolve_identities(identity_source('members', 'SELECT * FROM members'),
    identity_rule('badge', 'casefold'), identity_rule('name', link => false), identity_rule('plan', link => false))
  AS (members_id int, name text, plan text[], badge text, members_badge text[], members_name text[]) ORDER BY members_id;

-- A rule may stand before or after the sources that use it.
SELECT people(identity_rule('name', link => true), identity_source('members', 'SELECT id, name FROM members'));

-- Each normaliser.
CREATE TABLE spelled (id int, v text);
INSERT INTO spelled VALUES (1, 'Ann@X.com'), (2, 'ann@x.com'), (3, ' ann@x.com'), (4, '+1 650 253 0000'), (5, '+16502530000'), (6, 'ann@x.com '), (7, 'STRASSE'), (8, 'straße');
SELECT normalizer, people FROM unnest('{exact,casefold,email,mailbox,phone,none}'::text[]) normalizer,
  LATERAL (SELECT string_agg(p::text, ' ') AS people FROM people(identity_source('s', 'SELECT id, v FROM spelled'), identity_rule('v', normalizer)) p) p;

-- Known kinds can be changed: user ids whose case means nothing; emails which are shown and do not link.
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'U7'), (2, 'u7')) v(id, user_id)$$), identity_rule('user_id', normalizer => 'casefold'));
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'a@x.com'), (2, 'A@x.com')) v(id, email)$$), identity_rule('email', link => false));
SELECT * FROM resolve_identities(identity_source('a', $$SELECT * FROM (VALUES (1, 'a@x.com'), (2, 'A@x.com')) v(id, email)$$), identity_rule('email', link => false))
  AS (a_id int, email text) ORDER BY a_id;

-- A clause is a value: it has a text form, and that reads back as the same clause.
SELECT identity_source('app', 'SELECT 1');
SELECT identity_rule('plan', link => false);
SELECT identity_rule('badge', 'casefold');
SELECT identity_output();
SELECT identity_output('combinations', max_combinations => 7);
SELECT c::text = c::text::identity_clause::text AS same FROM unnest(ARRAY[
  identity_source('_quotes', E'SELECT ''\\'' AS "a", 1 -- '' \t 😀 \n'), identity_rule('plan', 'none', false), identity_output('combinations')]) c;
SELECT people(VARIADIC ARRAY(SELECT c::text::identity_clause FROM unnest(ARRAY[
  identity_source('members', 'SELECT id, badge FROM members'), identity_rule('badge', 'casefold')]) c));

SET client_min_messages = warning;
DROP SCHEMA rules CASCADE;
