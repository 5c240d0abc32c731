-- Role addresses link as long as no source has one on more records than role_max_records that nothing else unites; and what user_id warns of.
CREATE SCHEMA roles;
SET search_path = roles, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS TABLE (people text) LANGUAGE sql AS $$
  SELECT string_agg(source || ' ' || record_id, ', ' ORDER BY source, record_id) AS people FROM identity_records(VARIADIC clauses) GROUP BY identity_id ORDER BY people $$;

-- A shop's only address goes on linking, in all tools.
CREATE TABLE crm (id text, email text, user_id text, phone text);
CREATE TABLE shop (id text, email text, user_id text, phone text);
INSERT INTO crm VALUES ('bakery', 'info@bakery.com'), ('acme', 'info@acme.com');
INSERT INTO shop VALUES ('bakery', 'Info@bakery.com'), ('acme', 'info@acme.com');
SELECT people(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop'));

-- One source has Acme's on two records that nothing else unites: it links nobody, in no source. The warning counts such addresses and names the worst.
INSERT INTO crm VALUES ('ann', 'info@acme.com', 'u1'), ('bob', 'info@acme.com', 'u2');
SELECT people(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop'));
SET client_min_messages = error;
SELECT source, record_id, value, linked_records, status FROM identity_links(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop')) WHERE kind = 'email' ORDER BY 1, 2;
SELECT step, explanation FROM explain_identity('crm', 'ann', 'shop', 'acme', identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop'));
-- The report counts those that each source has on too many of its records; of the evidence it is a row at the end.
SELECT * FROM identity_report(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop')) WHERE metric = 'role addresses shared' OR subject LIKE 'too_common%';
SELECT * FROM identity_evidence(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop')) WHERE status = 'roles_shared';
SELECT * FROM identity_report(identity_source('crm', 'TABLE crm'), identity_source('shop', 'TABLE shop'), identity_rule('email', role_max_records => 0)) WHERE metric = 'role addresses shared';
-- Three records, of which a user id unites two and a telephone number the third: they count as one, and the address links the shop's too.
SELECT people(identity_source('crm', $$SELECT * FROM (VALUES (1, 'info@acme.com', 'u1', NULL), (2, 'info@acme.com', 'u1', '+442079460958'), (3, 'info@acme.com', NULL, '+442079460958')) v(id, email, user_id, phone)$$),
              identity_source('shop', $$SELECT 'acme', 'info@acme.com' AS email$$));
-- Another role address unites nobody for that purpose: both are judged before either links, so it never matters which comes first.
SELECT people(identity_source('crm', $$SELECT * FROM (VALUES (1, ARRAY['info@a.com', 'sales@a.com']), (2, ARRAY['info@a.com', 'sales@a.com'])) v(id, email)$$));
-- Two rows of one record are one record.
SELECT people(identity_source('crm', $$SELECT * FROM (VALUES (1, 'info@a.com', 'x'), (1, 'info@a.com', 'y')) v(id, email, plan)$$), identity_source('shop', $$SELECT 1, 'info@a.com' AS email$$), identity_rule('plan', link => false));
-- A rule says how many; 0: any number. block_roles blocks them as ever, and the defaults of 0.1 had no limit.
SELECT people(identity_source('crm', 'SELECT id, email FROM crm'), identity_source('shop', 'TABLE shop'), identity_rule('email', role_max_records => 3));
SELECT count(*) FROM people(identity_source('crm', 'SELECT id, email FROM crm'), identity_source('shop', 'TABLE shop'), identity_rule('email', role_max_records => 2));
SELECT count(*) FROM people(identity_source('crm', 'SELECT id, email FROM crm'), identity_source('shop', 'TABLE shop'), identity_rule('email', role_max_records => 0));
SELECT count(*) FROM people(identity_source('crm', 'SELECT id, email FROM crm'), identity_source('shop', 'TABLE shop'), identity_defaults('0.1'));
SELECT count(*) FROM people(identity_source('crm', 'SELECT id, email FROM crm'), identity_source('shop', 'TABLE shop'), identity_rule('email', block_roles => true));
SELECT people(identity_source('crm', 'TABLE crm'), identity_rule('user_id', role_max_records => 1));
SELECT identity_rule('email', role_max_records => -1);
-- The explanation names the limit that the address is over: one source's max_records, that of all sources together, or that of role addresses. Here six records carry it, three of each source.
CREATE FUNCTION why(kind text, value text, VARIADIC rules identity_clause[]) RETURNS text LANGUAGE sql AS $$
  SELECT explanation FROM explain_identity('crm', '1', 'shop', '1', VARIADIC ARRAY[identity_source('crm', format('SELECT n, %L AS %I FROM generate_series(1, 3) n', value, kind)),
    identity_source('shop', format('SELECT n, %L AS %I FROM generate_series(1, 3) n', value, kind))] || rules) WHERE step = 1 $$;
\pset tuples_only on
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 5));
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 2));
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 5, max_records_in_all => 5));
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 5, max_records_in_all => 6));
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 5, max_records_in_all => 5, role_max_records => 0));
SELECT why('email', 'info@acme.com', identity_rule('email', max_records => 5, role_max_records => 0));
SELECT why('email', 'ann@acme.com', identity_rule('email', max_records => 2, max_records_in_all => 9));
SELECT why('user_id', 'u1', identity_rule('user_id', max_records_in_all => 5));
\pset tuples_only off
-- A limit counts a role address only where it links.
SELECT people(identity_source('crm', $$SELECT * FROM (VALUES (1, ARRAY['ann@a.com', 'info@a.com'], 'u1'), (2, ARRAY['ann@a.com'], 'u1'), (3, ARRAY['info@a.com'], NULL)) v(id, email, user_id)$$), identity_rule('email', max_per_identity => 1));
-- With a fallback: it links where nothing stronger answers, if it may link at all.
SELECT people(identity_source('crm', $$SELECT 1, 'info@a.com' AS email, 'u1' AS user_id$$), identity_source('shop', $$SELECT 1, 'info@a.com' AS email$$), identity_source('desk', $$SELECT 1, 'u1' AS user_id, 'info@a.com' AS email$$), identity_rule('email', fallback => true));

-- A map says the same after each refresh, whoever comes or goes.
CREATE TABLE told (n int GENERATED ALWAYS AS IDENTITY, change text);
INSERT INTO told (change) VALUES ('SELECT 1'), ('DELETE FROM crm WHERE id = ''bob'''), ('DELETE FROM crm WHERE id = ''acme'''), ('INSERT INTO crm VALUES (''new'', ''info@acme.com'', NULL, NULL)'), ('UPDATE crm SET user_id = ''u1'' WHERE id = ''new'''),
  ('UPDATE shop SET user_id = ''u1'' WHERE id = ''acme'''), ('UPDATE crm SET user_id = ''u9'' WHERE id = ''ann'''), ('INSERT INTO shop VALUES (''late'', ''info@acme.com'', NULL, NULL)'), ('DELETE FROM shop WHERE id = ''late'''), ('DELETE FROM crm WHERE id = ''new''');
SELECT FROM create_identity_map('roles.persons', identity_source('crm', 'SELECT * FROM roles.crm'), identity_source('shop', 'SELECT * FROM roles.shop'), identity_column('crm_ids', 'text[]'), identity_column('shop_ids', 'text[]'));
CREATE FUNCTION differences() RETURNS TABLE (change text, people bigint, differences bigint) LANGUAGE plpgsql AS $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT * FROM roles.told ORDER BY n LOOP
    EXECUTE t.change;
    CALL refresh_identity_map('roles.persons');
    change := t.change;
    WITH wanted AS (SELECT crm_ids, shop_ids FROM resolve_identities(identity_source('crm', 'SELECT * FROM roles.crm'), identity_source('shop', 'SELECT * FROM roles.shop')) AS (crm_ids text[], shop_ids text[])),
      kept AS (SELECT crm_ids, shop_ids FROM roles.persons)
    SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM ((TABLE wanted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE wanted)) d) INTO people, differences;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM differences();

-- The same on any number of workers and in any order of rows, also where memory is scarce.
CREATE TABLE many AS SELECT n, CASE WHEN n % 3 = 0 THEN (ARRAY['info', 'sales', 'support'])[1 + n % 7 % 3] || '@firm' || n % 900 || '.com' ELSE 'ann' || n % 5000 || '@x.com' END AS email, 'u' || n % 4001 AS user_id FROM generate_series(1, 20000) n;
CREATE FUNCTION sum_of(clause text) RETURNS text LANGUAGE sql AS $$
  SELECT count(DISTINCT identity_id) || ' ' || md5(string_agg(identity_id || record_id, ',' ORDER BY source, record_id)) FROM identity_records(identity_source('many', 'SELECT n, email, user_id FROM roles.many ' || clause), identity_source('few', 'SELECT n, email FROM roles.many WHERE n % 20 = 0 ' || clause)) $$;
SELECT sum_of('ORDER BY n') = sum_of('ORDER BY n DESC') AS any_order;
SET maintenance_work_mem = '1MB';
SELECT sum_of('ORDER BY n') = sum_of('ORDER BY md5(n::text)') AS scarce;
RESET maintenance_work_mem;

-- Ten thousand records of one source with one user_id are no person: a warning names the value; only a rule cuts it, or ends the warning.
RESET client_min_messages;
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', $$SELECT n, 'nobody' AS user_id FROM generate_series(1, 10001) n$$));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', $$SELECT n, 'nobody' AS user_id FROM generate_series(1, 10000) n$$));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', $$SELECT n, 'nobody' AS user_id FROM generate_series(1, 10001) n$$), identity_rule('user_id', max_records => 0));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', $$SELECT n, 'nobody' AS user_id FROM generate_series(1, 10001) n$$), identity_rule('user_id', max_records => 10000));

SET client_min_messages = warning;
DROP SCHEMA roles CASCADE;
