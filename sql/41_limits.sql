-- Limits: a weak identifier yields and a strong one holds. People who agree are joined. doc/guards.md has the rules.
CREATE SCHEMA limits;
SET search_path = limits, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;

CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS TABLE (people text[]) LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, length(record_id), record_id) AS people
  FROM identity_records(VARIADIC clauses) GROUP BY identity_id ORDER BY people $$;
CREATE FUNCTION told(of_kind text, VARIADIC clauses identity_clause[]) RETURNS TABLE (record text, value text, status text) LANGUAGE sql AS $$
  SELECT source || '/' || record_id, value, status FROM identity_links(VARIADIC clauses) WHERE kind = of_kind ORDER BY 1, 2 $$;

-- 1. Seven records of one user, with six devices: the limit on devices refuses what devices join, and no user id.
\set web 'SELECT n AS id, ''u1'' AS user_id, CASE WHEN n > 1 THEN ''device-'' || n END AS anonymous_id FROM generate_series(1, 7) n'
SELECT people(identity_source('web', :'web'), identity_rule('anonymous_id', max_per_identity => 5));
--    Her user id gave her six devices, which is more than five. A visit by one of hers joins her all the same; a visit that brings a seventh does not.
SELECT people(identity_source('web', :'web'), identity_source('visit', $$SELECT * FROM (VALUES (1, '{device-2}'::text[]), (2, '{device-3,device-9}')) v(id, anonymous_id)$$),
              identity_rule('anonymous_id', max_per_identity => 5));
--    Without a user id, six devices of five allowed: the records are apart, where the devices alone could join them.
SELECT people(identity_source('visit', $$SELECT n AS id, ARRAY['device-' || n, 'device-' || n + 1] AS anonymous_id FROM generate_series(1, 5) n$$),
              identity_rule('anonymous_id', max_per_identity => 5));

-- 2. Who changed her address stays one person under a limit of one address; a lead with either address is hers, and a lead with a third is not.
\set app 'SELECT * FROM (VALUES (1, ''u1'', ''ann@old.com'', ''+4930901820''), (2, ''u1'', ''ann@new.com'', NULL)) v(id, user_id, email, phone)'
\set crm 'SELECT * FROM (VALUES (1, ''ann@old.com'', NULL), (2, ''ann@new.com'', NULL), (3, ''eve@new.com'', ''+4930901820'')) v(id, email, phone)'
SELECT people(identity_source('app', :'app'), identity_source('crm', :'crm'), identity_rule('email', max_per_identity => 1));
SELECT * FROM told('phone', identity_source('app', :'app'), identity_source('crm', :'crm'), identity_rule('email', max_per_identity => 1));
--    Without the limit the telephone joins her, too.
SELECT people(identity_source('app', :'app'), identity_source('crm', :'crm'));

-- 3. The limit of a kind that never links holds against every kind: a user id on people of two dates of birth is somebody's mistake.
\set one 'SELECT ''a'' AS id, ''u1'' AS user_id, ''1960-01-31'' AS born'
\set two 'SELECT ''b'' AS id, ''u1'' AS user_id, ''1991-05-07'' AS born'
SELECT people(identity_source('app', :'one'), identity_source('crm', :'two'), identity_rule('born', link => false, max_per_identity => 1));
--    A kind that links has a priority, and yields to a stronger one.
SELECT people(identity_source('app', :'one'), identity_source('crm', :'two'), identity_rule('born', priority => 50, max_per_identity => 1));
SELECT people(identity_source('app', :'one'), identity_source('crm', :'two'), identity_rule('born', priority => 150, max_per_identity => 1));

-- 4. Every limit holds against role addresses, the weakest kind's too.
\set office 'SELECT 1 AS id, ''info@acme.com'' AS email, ''web-1'' AS anonymous_id'
\set branch 'SELECT 1 AS id, ''info@acme.com'' AS email, ''web-2'' AS anonymous_id'
SELECT people(identity_source('office', :'office'), identity_source('branch', :'branch'), identity_rule('anonymous_id', max_per_identity => 1));
--    Against an honest address a weaker kind's limit does not.
SELECT people(identity_source('office', replace(:'office', 'info', 'ann')), identity_source('branch', replace(:'branch', 'info', 'ann')),
              identity_rule('anonymous_id', max_per_identity => 1));

-- 5. A lead that has two user ids vouches for nobody: by a user id or an address it joins none. A kind that is stronger than user_id joins it, and
--    its surplus is no bridge: u1 and u2 stay two people, whoever they are.
\set lead 'SELECT 1 AS id, ARRAY[''u1'', ''u2''] AS user_id, ''ann@x.com'' AS email, ''T77'' AS tax'
\set users 'SELECT * FROM (VALUES (''ann'', ''u1'', ''ann@x.com''), (''bob'', ''u2'', ''bob@x.com'')) v(id, user_id, email)'
\set contract 'SELECT ''c'' AS id, ''T77'' AS tax'
SELECT people(identity_source('crm', :'lead'), identity_source('app', :'users'), identity_source('erp', :'contract'), identity_rule('tax', priority => 150));
SELECT * FROM told('user_id', identity_source('crm', :'lead'), identity_source('app', :'users'), identity_source('erp', :'contract'), identity_rule('tax', priority => 150));
--    Where it breaks the limit of a kind that never links, all its links are refused.
SELECT people(identity_source('crm', $$SELECT 1 AS id, ARRAY['1960', '1991'] AS born, 'T77' AS tax$$), identity_source('erp', :'contract'),
              identity_rule('tax', priority => 150), identity_rule('born', link => false, max_per_identity => 1));

-- 6. A priority above user_id's is believed more: one person, two user ids, and both users' records are hers.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'T1'), ('old', 'u2', 'T1')) v(id, user_id, tax)$$),
              identity_source('crm', $$SELECT * FROM (VALUES (1, 'u1'), (2, 'u2')) v(id, user_id)$$), identity_rule('tax', priority => 150));

-- 7. The address is refused, as it could be either's; the telephone then says whose the ticket is. Its address reads as a link, too.
\set users 'SELECT * FROM (VALUES (''ann'', ''u1'', ''fam@x.com'', ''+4930901820''), (''bob'', ''u2'', ''fam@x.com'', NULL)) v(id, user_id, email, phone)'
\set ticket 'SELECT 1 AS id, ''fam@x.com'' AS email, ''+49 30 901820'' AS phone'
SELECT people(identity_source('app', :'users'), identity_source('desk', :'ticket'));
SELECT * FROM told('email', identity_source('app', :'users'), identity_source('desk', :'ticket'));

-- 8. Two Sams, father and son, in two tools: two people. The ticket tells no date of birth and joins neither; with more evidence for one it follows him.
\set bank 'SELECT * FROM (VALUES (1, ''sam@x.com'', ''1960-01-31''), (2, ''sam@x.com'', ''1991-05-07'')) v(id, email, born)'
\set shop 'SELECT * FROM (VALUES (11, ''sam@x.com'', ''1960-01-31''), (12, ''Sam@x.com '', ''1991-05-07'')) v(id, email, born)'
\set more 'SELECT 21 AS id, ''sam@x.com'' AS email, ''1991-05-07'' AS born'
\set desk 'SELECT 1 AS id, ''sam@x.com'' AS email'
SELECT people(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_source('desk', :'desk'), identity_rule('born', link => false, max_per_identity => 1));
SELECT * FROM told('email', identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_source('desk', :'desk'), identity_rule('born', link => false, max_per_identity => 1));
SELECT people(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_source('more', :'more'), identity_source('desk', :'desk'),
              identity_rule('born', link => false, max_per_identity => 1));
--    By the data it follows the first one.
SELECT people(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_source('desk', :'desk'), identity_rule('born', link => false, max_per_identity => 1),
              identity_rule('email', on_tie => 'data'));
--    And as a fallback the address joins the same.
SELECT people(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_source('desk', :'desk'), identity_rule('born', link => false, max_per_identity => 1),
              identity_rule('email', fallback => true));
--    The master table and the combinations have two Sams.
SELECT * FROM resolve_identities(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_rule('born', link => false, max_per_identity => 1))
  AS (bank_id int, shop_id int, born date) ORDER BY bank_id;
SELECT * FROM resolve_identities(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_rule('born', link => false, max_per_identity => 1),
                                 identity_output('combinations')) AS (bank_id int, shop_id int, born date) ORDER BY bank_id;

-- 9. First names part a family's mailbox in the same way.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'fam@x.com', 'Ann'), (2, 'fam@x.com', 'Bob')) v(id, email, first_name)$$),
              identity_source('shop', $$SELECT * FROM (VALUES (1, 'fam@x.com', 'BOB'), (2, 'fam@x.com', 'ann'), (3, 'fam@x.com', 'Cid')) v(id, email, first_name)$$),
              identity_rule('first_name', 'casefold', link => false, max_per_identity => 1));

-- 10. One address in two workspaces stays two people, both tools' records join within each: by a limit on the workspace, or by a scope of the address.
\set seats 'SELECT * FROM (VALUES (1, ''acme'', ''pat@x.com''), (2, ''globex'', ''pat@x.com'')) v(id, tenant, email)'
\set bills 'SELECT * FROM (VALUES (11, ''acme'', ''pat@x.com''), (12, ''globex'', ''pat@x.com'')) v(id, tenant, email)'
SELECT people(identity_source('seat', :'seats'), identity_source('bill', :'bills'), identity_rule('tenant', link => false, max_per_identity => 1));
SELECT people(identity_source('seat', :'seats'), identity_source('bill', :'bills'), identity_rule('email', scope => 'tenant'));

-- 11. Who agrees in the one of two kinds that keep apart, and not in the other, is no group.
SELECT people(identity_source('a', $$SELECT * FROM (VALUES (1, 'sam@x.com', '1960', 'x'), (2, 'sam@x.com', '1991', 'y')) v(id, email, born, tenant)$$),
              identity_source('b', $$SELECT * FROM (VALUES (1, 'sam@x.com', '1960', 'y'), (2, 'sam@x.com', '1991', 'y')) v(id, email, born, tenant)$$),
              identity_rule('born', link => false, max_per_identity => 1), identity_rule('tenant', link => false, max_per_identity => 1));

-- 12. A limit that a default has set and that refuses links is told of, and what it joined is not counted.
RESET client_min_messages;
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'fam@x.com'), ('bob', 'u2', 'fam@x.com')) v(id, user_id, email)$$),
              identity_source('crm', $$SELECT 'lead' AS id, 'u1' AS user_id, 'fam@x.com' AS email$$));
SET client_min_messages = warning;

-- 13. Identity maps: the same people, and after a change the same as a new resolve.
CREATE TABLE bank (id int PRIMARY KEY, email text, born date);
CREATE TABLE shop (id int PRIMARY KEY, email text, born date);
INSERT INTO bank VALUES (1, 'sam@x.com', '1960-01-31'), (2, 'sam@x.com', '1991-05-07');
INSERT INTO shop VALUES (11, 'sam@x.com', '1960-01-31'), (12, 'sam@x.com', '1991-05-07'), (13, 'sam@x.com', NULL);
SELECT create_identity_map('limits.sams', identity_source('bank', 'TABLE limits.bank', capture => 'trigger'), identity_source('shop', 'TABLE limits.shop', capture => 'trigger'),
                           identity_rule('born', link => false, max_per_identity => 1), identity_column('bank_id', 'int'), identity_column('shop_ids', 'int[]'));
CALL refresh_identity_map('limits.sams');
SELECT bank_id, shop_ids FROM sams ORDER BY bank_id, shop_ids;
--    The third order turns out to be the father's; the son's account is closed.
UPDATE shop SET born = '1960-01-31' WHERE id = 13;
DELETE FROM bank WHERE id = 2;
CALL refresh_identity_map('limits.sams');
SELECT bank_id, shop_ids FROM sams ORDER BY bank_id, shop_ids;
SELECT people(VARIADIC identity_map_clauses('limits.sams'));
--    An address and a date of birth find the one person who has both. An address alone finds the person who has more evidence for it.
BEGIN;
SELECT identify('limits.sams', 'jr', '{"email": "sam@x.com", "born": "1991-05-07"}') = identity_id AS is_the_son FROM sams WHERE bank_id IS NULL;
ROLLBACK;
SELECT identify('limits.sams', 'sr', '{"email": "sam@x.com"}') = identity_id AS is_the_father FROM sams WHERE bank_id = 1;

-- 14. A hundred thousand records with one address, in two tenants: two people, in any order of the rows.
SELECT round, count(*) AS records, count(DISTINCT identity_id) AS people
FROM generate_series(1, 2) AS round,
     LATERAL identity_records(identity_source('seat', format($$SELECT n AS id, 't' || n %% 2 AS tenant, 'one@x.com' AS email FROM generate_series(1, 100000) n ORDER BY md5(n || '/%s')$$, round)),
                              identity_rule('email', max_records => 0), identity_rule('tenant', link => false, max_per_identity => 1))
GROUP BY round ORDER BY round;

SELECT drop_identity_map('limits.sams');
DROP SCHEMA limits CASCADE;
