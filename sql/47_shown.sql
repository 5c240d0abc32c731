-- What a column shows. Some values never link, some belong to somebody else, some are disputed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA shown;
SET search_path = shown, public;
RESET client_min_messages;

-- 1. A blocked value comes last: the crm, which is trusted most, has a placeholder; the shop has the address.
CREATE TABLE crm (id text, user_id text, email text, updated_at date);
INSERT INTO crm VALUES
  ('ann', 'u1', 'test@test.com', '2024-03-01'), ('bob', 'u2', 'test@test.com', '2024-03-01'),
  ('cat', 'u3', 'no-reply@shop.com', '2024-03-01'), ('dan', 'u4', 'n/a', '2024-03-01');
CREATE TABLE shop (id text, user_id text, email text, updated_at date);
INSERT INTO shop VALUES
  ('s1', 'u1', 'Ann@x.com', '2023-01-01'), ('s1b', 'u1', 'ann@new.com', '2024-01-01'), ('s3', 'u3', 'cat@x.com', NULL), ('s4', 'u4', 'Dan@x.com', NULL);
CREATE FUNCTION tools() RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('crm', 'TABLE shown.crm'), identity_source('shop', 'TABLE shown.shop')] $$;
SELECT * FROM resolve_identities(VARIADIC tools()) AS (crm_id text, email text, crm_email text, shop_email text) ORDER BY crm_id;
-- The same in arrays: each class in the order of survivorship. Bob has nothing else, so he shows what he has.
SELECT * FROM resolve_identities(VARIADIC tools()) AS (crm_id text, emails text[], crm_emails text[], shop_emails text[]) ORDER BY crm_id;
-- Whatever the rules block comes last, and what they free does not.
SELECT * FROM resolve_identities(VARIADIC tools() || identity_rule('email', block_placeholders => false, role_max_records => 0)) AS (crm_id text, emails text[]) WHERE crm_id = 'ann';
SELECT * FROM resolve_identities(VARIADIC tools() || identity_rule('email', blocked => '{ann@new.com}')) AS (crm_id text, emails text[]) WHERE crm_id = 'ann';
SELECT * FROM resolve_identities(VARIADIC tools() || identity_rule('email', blocked_pattern => '@x[.]com$')) AS (crm_id text, emails text[]) WHERE crm_id = 'ann';
SELECT * FROM resolve_identities(identity_source('crm', $$SELECT * FROM (VALUES (1, 'u1', 'info@x.com'), (2, 'u1', 'ann@x.com')) v(id, user_id, email)$$),
  identity_rule('email', block_roles => true)) AS (crm_ids int[], email text, emails text[]);

-- 2. A value that is too common comes last, in one scope or in all.
CREATE TABLE office (id int, user_id text, phone text, tenant text);
INSERT INTO office SELECT n, 'w' || n, '+1 650 253 0000', 'acme' FROM generate_series(1, 4) n;
INSERT INTO office VALUES (5, 'w1', '+1 650 253 0001', 'acme'), (6, 'w2', '+1 650 253 0000', 'globex');
CREATE FUNCTION workers(VARIADIC rules identity_clause[]) RETURNS TABLE (office_ids int[], phone text, phones text[], office_phone text) LANGUAGE sql AS $$
  SELECT * FROM resolve_identities(VARIADIC ARRAY[identity_source('office', 'TABLE shown.office'), identity_rule('tenant', link => false)] || rules)
    AS (office_ids int[], phone text, phones text[], office_phone text) ORDER BY office_ids $$;
SET client_min_messages = error;
SELECT * FROM workers(identity_rule('phone', max_records => 3));
SELECT * FROM workers(identity_rule('phone', max_records_in_all => 3));
-- Worker 2 has the number in a second workspace, where nothing is wrong with it.
SELECT * FROM workers(identity_rule('phone', max_records => 3, scope => 'tenant'));
-- One row in two workspaces: the better one counts.
SELECT * FROM resolve_identities(identity_source('a', $$SELECT n, '+16502530000' AS phone, CASE n WHEN 1 THEN '{acme,globex}' ELSE '{acme}' END::text[] AS tenant, 'u' || n AS user_id FROM generate_series(1, 4) n
    UNION ALL SELECT 11, '+16502530011', NULL, 'u1' UNION ALL SELECT 12, '+16502530011', NULL, 'u2'$$),
  identity_rule('phone', max_records => 3, scope => 'tenant')) AS (a_ids int[], phones text[]) ORDER BY a_ids;
-- So does an address that several people share: Ann shows her own, Bob what he has.
CREATE TABLE clinic (id int, email text, updated_at date);
INSERT INTO clinic VALUES (1, 'info@clinic.org', '2024-02-01'), (1, 'ann@clinic.org', '2024-01-01'), (2, 'info@clinic.org', NULL);
SELECT * FROM resolve_identities(identity_source('clinic', 'TABLE shown.clinic')) AS (clinic_id int, email text, emails text[]) ORDER BY clinic_id;
SELECT create_identity_map('shown.patients', identity_source('clinic', 'TABLE shown.clinic'),
  identity_column('clinic_id', 'int'), identity_column('email', 'text'), identity_column('emails', 'text[]'));
CALL refresh_identity_map('shown.patients');
SELECT clinic_id, email, emails FROM patients ORDER BY clinic_id;
INSERT INTO clinic VALUES (2, 'bob@clinic.org', '2020-01-01'), (3, 'cat@clinic.org', NULL);
CALL refresh_identity_map('shown.patients');
SELECT clinic_id, email, emails FROM patients ORDER BY clinic_id;
RESET client_min_messages;

-- 3. What is carried: null as programs write it comes last; an honest text or number does not, whatever identifiers may be.
CREATE TABLE account (id int, email text, plan text, logins text, updated_at date);
INSERT INTO account VALUES
  (1, 'a@x.com', 'null', '0', '2024-09-01'), (2, 'a@x.com', 'team', '17', '2024-01-01'), (3, 'a@x.com', ' (NULL) ', 'NaN', '2024-05-01'), (4, 'a@x.com', '  ', '', '2024-10-01'),
  (5, 'b@x.com', 'N/A', NULL, NULL), (6, 'c@x.com', 'none', 'unknown', '2024-09-01'), (7, 'c@x.com', 'pro', '3', '2024-01-01');
CREATE FUNCTION accounts(VARIADIC rules identity_clause[]) RETURNS TABLE (email text, plan text, plans text[], account_plan text, logins text[]) LANGUAGE sql AS $$
  SELECT * FROM resolve_identities(VARIADIC ARRAY[identity_source('account', 'TABLE shown.account'), identity_rule('plan', link => false), identity_rule('logins', link => false)] || rules)
    AS (email text, plan text, plans text[], account_plan text, logins text[]) ORDER BY email $$;
SELECT * FROM accounts(identity_output('identities'));
SELECT * FROM accounts(identity_rule('plan', block_placeholders => false)) WHERE email = 'a@x.com';
SELECT * FROM accounts(identity_rule('plan', blocked => '{none}')) WHERE email = 'c@x.com';

-- 4. What is refused to a person is somebody else's: it is shown nowhere as theirs. Ann has the mailbox in two tools, the
-- lead carries two user ids, and who has one of them keeps it.
CREATE TABLE app (id text, user_id text[], email text, updated_at date);
INSERT INTO app VALUES ('ann', '{u1}', 'family@x.com', NULL), ('ann2', '{u1}', 'family@x.com', NULL), ('bob', '{u2}', 'family@x.com', '2024-01-01'), ('bob2', '{u2}', 'bob@x.com', '2020-01-01'),
  ('lead', '{u1,u2,u9}', 'lead@x.com', NULL);
CREATE TABLE desk (id int, email text[]);
INSERT INTO desk VALUES (1, '{family@x.com}'), (2, '{Bob@x.com,x@x.com}');
CREATE FUNCTION family(rules identity_clause[] DEFAULT '{}') RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT ARRAY[identity_source('app', 'TABLE shown.app'), identity_source('desk', 'TABLE shown.desk'), identity_rule('user_id', max_per_identity => 1)] || rules $$;
SELECT source, record_id, kind, value, status FROM identity_links(VARIADIC family()) WHERE status <> 'alone' ORDER BY source, record_id, kind, value;
SELECT * FROM resolve_identities(VARIADIC family()) AS (app_ids text[], desk_ids int[], email text, emails text[], app_email text, desk_emails text[], user_id text, user_ids text[]) ORDER BY app_ids;
-- The same in combinations: what a spine's own row may not show, the person's best takes its place.
SELECT * FROM resolve_identities(VARIADIC family(ARRAY[identity_output('combinations')])) AS (app_id text, desk_id int, email text, app_email text, desk_email text, user_id text) ORDER BY app_id, desk_id;
-- The long form and the evidence tell everything, whatever is shown.
SELECT source, record_id FROM identity_records(VARIADIC family()) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT value, status FROM identity_links(VARIADIC family()) WHERE record_id = 'lead' ORDER BY value;

-- 5. Where nobody has a value for sure, whoever has nothing else shows it: two Sams, and one who has another address.
CREATE TABLE bank (id text, email text, born date);
INSERT INTO bank VALUES ('father', 'sam@x.com', '1960-01-31'), ('son', 'sam@x.com', '1991-05-07'), ('aunt', 'sam@x.com', '1955-01-01'), ('aunt', 'aunt@x.com', '1955-01-01');
CREATE TABLE ticket (id int, email text);
INSERT INTO ticket VALUES (7, 'sam@x.com');
CREATE FUNCTION sams(VARIADIC rules identity_clause[]) RETURNS TABLE (bank_id text, ticket_id int, email text, emails text[], bank_emails text[], born date) LANGUAGE sql AS $$
  SELECT * FROM resolve_identities(VARIADIC ARRAY[identity_source('bank', 'TABLE shown.bank'), identity_source('ticket', 'TABLE shown.ticket'),
    identity_rule('born', link => false, max_per_identity => 1)] || rules) AS (bank_id text, ticket_id int, email text, emails text[], bank_emails text[], born date) ORDER BY bank_id, ticket_id $$;
SELECT * FROM sams(identity_output('identities'));
-- With on_tie => 'data' the ticket follows the son, whose record comes first; so the address is his for sure.
SELECT * FROM sams(identity_rule('email', on_tie => 'data'));
SELECT * FROM sams(identity_output('combinations'));
-- A contested address comes before one that never links.
INSERT INTO bank VALUES ('son', 'test@test.com', '1991-05-07');
SELECT * FROM sams(identity_output('identities')) WHERE bank_id = 'son';

-- A ticket that carries two people's addresses takes them from nobody.
SELECT * FROM resolve_identities(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'ann@x.com'), ('bob', 'u2', 'bob@x.com')) v(id, user_id, email)$$),
  identity_source('desk', $$SELECT n AS id, '{ann@x.com,bob@x.com}'::text[] AS email FROM generate_series(1, 2) n$$), identity_rule('user_id', max_per_identity => 1))
  AS (app_id text, desk_ids int[], emails text[]) ORDER BY app_id;

-- 6. Two records that break a limit by themselves, and nobody else who has the ids: nothing is lost.
SELECT * FROM resolve_identities(identity_source('crm', $$SELECT n AS id, '{u1,u2}'::text[] AS user_id FROM generate_series(1, 2) n$$), identity_rule('user_id', max_per_identity => 1))
  AS (crm_id int, user_ids text[], crm_user_id text) ORDER BY crm_id;

-- 7. A row of very many identifiers: the twenty-thousandth is judged as the first is.
SELECT cardinality(emails) AS n, emails[1:2] AS first, emails[cardinality(emails) - 1:] AS last FROM resolve_identities(
  identity_source('list', $$SELECT 1 AS id, 'u1' AS user_id, (SELECT array_agg('p' || n || '@x.com' ORDER BY n) FROM generate_series(1, 20000) n) AS email UNION ALL SELECT 2, 'u2', ARRAY['p1@x.com', 'p20000@x.com']$$),
  identity_source('other', $$SELECT n, 'u1' AS user_id, ARRAY['p19999@x.com', 'p2@x.com', 'test@test.com'] AS email FROM generate_series(1, 3) n$$),
  identity_source('third', $$SELECT n, 'u2' AS user_id, ARRAY['p20000@x.com', 'p1@x.com'] AS email FROM generate_series(1, 3) n$$),
  identity_rule('user_id', max_per_identity => 1)) AS (user_id text, emails text[]) ORDER BY user_id;

-- 8. An identity map shows the same, also when somebody else's records change what one shows.
SET client_min_messages = error;
SELECT create_identity_map('shown.people', VARIADIC family(ARRAY[identity_rule('email', max_records => 3)]) || ARRAY[identity_column('app_ids', 'text[]'),
  identity_column('desk_ids', 'int[]'), identity_column('email'), identity_column('emails', 'text[]'), identity_column('user_ids', 'text[]')]);
CREATE FUNCTION same_as_resolve() RETURNS TABLE (app_ids text[], desk_ids int[], email text, emails text[], user_ids text[], in_map bigint, in_resolve bigint) LANGUAGE sql AS $$
  SELECT app_ids, desk_ids, email, emails, user_ids, count(*) FILTER (WHERE of_map), count(*) FILTER (WHERE NOT of_map) FROM (
    SELECT true AS of_map, app_ids, desk_ids, email, emails, user_ids FROM people UNION ALL
    SELECT false, * FROM resolve_identities(VARIADIC family(ARRAY[identity_rule('email', max_records => 3)])) AS (app_ids text[], desk_ids int[], email text, emails text[], user_ids text[])) b
  GROUP BY 1, 2, 3, 4, 5 ORDER BY app_ids, desk_ids $$;
CALL refresh_identity_map('shown.people');
SELECT * FROM same_as_resolve();
-- Ann's second record goes: now Bob's claim on the mailbox is as strong as hers.
DELETE FROM app WHERE id = 'ann2';
CALL refresh_identity_map('shown.people');
SELECT * FROM same_as_resolve();
-- Three more tickets make the mailbox too common; without one of them it is not.
INSERT INTO desk SELECT n, '{family@x.com}' FROM generate_series(10, 12) n;
INSERT INTO app VALUES ('ann3', '{u1}', 'ann@x.com', '1999-01-01');
CALL refresh_identity_map('shown.people');
SELECT * FROM same_as_resolve();
DELETE FROM desk WHERE id = 12;
CALL refresh_identity_map('shown.people');
SELECT * FROM same_as_resolve();
-- identify() tells of a placeholder for Bob, and of a new user with the mailbox.
SELECT identify('shown.people', 'u2', '{"email": "test@test.com"}') = (SELECT identity_id FROM people WHERE 'bob' = ANY (app_ids)) AS is_bob;
SELECT identify('shown.people', 'u7', '{"email": "family@x.com"}') IS NOT NULL AS is_known;
SELECT app_ids, desk_ids, email, emails, user_ids FROM people ORDER BY app_ids, desk_ids, user_ids;

-- A map knows what is too common where it reads a part of the records only.
CREATE TABLE calls (id int, user_id text, phone text, tenant text);
INSERT INTO calls SELECT n, 'w' || n, '+16502530000', 'acme' FROM generate_series(1, 4) n;
SELECT create_identity_map('shown.callers', identity_source('calls', 'TABLE shown.calls'), identity_rule('tenant', link => false), identity_rule('phone', max_records => 3, scope => 'tenant'),
  identity_column('calls_ids', 'int[]'), identity_column('phone'), identity_column('phones', 'text[]'));
CALL refresh_identity_map('shown.callers');
INSERT INTO calls VALUES (5, 'w1', '+16502530001', 'acme'), (6, 'w2', '+16502530000', 'globex'), (7, 'w2', '+16502530002', 'globex');
CALL refresh_identity_map('shown.callers');
SELECT calls_ids, phone, phones FROM callers ORDER BY calls_ids;
SELECT * FROM resolve_identities(identity_source('calls', 'TABLE shown.calls'), identity_rule('tenant', link => false), identity_rule('phone', max_records => 3, scope => 'tenant'))
  AS (calls_ids int[], phone text, phones text[]) ORDER BY calls_ids;

DROP TABLE people, callers;
SET client_min_messages = warning;
DROP SCHEMA shown CASCADE;
