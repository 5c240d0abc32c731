-- Stories from real life: who is one person, and who must not become one. doc/guards.md has the rules.
CREATE SCHEMA guards;
SET search_path = guards, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS TABLE (people text[]) LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, length(record_id), record_id) AS people
  FROM identity_records(VARIADIC clauses) GROUP BY identity_id ORDER BY people $$;
CREATE FUNCTION refused(VARIADIC clauses identity_clause[]) RETURNS TABLE (record text, identifier text, status text) LANGUAGE sql AS $$
  SELECT source || '/' || record_id, kind || ' ' || value, status
  FROM identity_links(VARIADIC clauses) WHERE status NOT IN ('links', 'alone') ORDER BY 1, 2 $$;

-- 1. Ten thousand people share frontdesk@acme.com, and one of them has user id X. Nobody is glued to anybody: the address is too common.
SELECT count(*) AS people, max(records) AS largest
FROM (SELECT count(*) AS records FROM identity_records(
        identity_source('zendesk', $$SELECT n, 'frontdesk@acme.com' AS email, CASE n WHEN 5000 THEN 'X' END AS user_id FROM generate_series(1, 10000) n$$),
        identity_source('app', $$SELECT 'X' AS id, 'X' AS user_id$$)) GROUP BY identity_id) AS identities;

-- 2. The same of ten people, who are below that limit: nothing speaks against one person with one user id, and they are one.
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('zendesk', $$SELECT n, 'frontdesk@acme.com' AS email, CASE n WHEN 5 THEN 'X' END AS user_id FROM generate_series(1, 10) n$$));
--    But if two of the ten have accounts, the address is claimed twice with equal evidence: all ten stay apart.
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('zendesk', $$SELECT n, 'frontdesk@acme.com' AS email, CASE n WHEN 5 THEN 'X' WHEN 6 THEN 'Y' END AS user_id FROM generate_series(1, 10) n$$));

-- 3. A family's mailbox. Both have accounts, but only Ann's address is known from a second tool: the ticket without an id is hers.
CREATE TABLE app (id text, user_id text, email text);
INSERT INTO app VALUES ('ann', 'u1', 'fam@x.com'), ('bob', 'u2', 'fam@x.com');
CREATE TABLE crm (id text, user_id text, email text);
INSERT INTO crm VALUES ('lead', 'u1', 'fam@x.com');
CREATE TABLE ticket (id int, email text);
INSERT INTO ticket VALUES (1303, 'fam@x.com');
SELECT people(identity_source('app', 'TABLE app'), identity_source('crm', 'TABLE crm'), identity_source('zendesk', 'TABLE ticket'));
SELECT * FROM refused(identity_source('app', 'TABLE app'), identity_source('crm', 'TABLE crm'), identity_source('zendesk', 'TABLE ticket'));

-- 4. Without the second tool it is anybody's: a ticket shown to nobody is better than one shown to the wrong customer.
SELECT people(identity_source('app', 'TABLE app'), identity_source('zendesk', 'TABLE ticket'));
SELECT * FROM refused(identity_source('app', 'TABLE app'), identity_source('zendesk', 'TABLE ticket'));
--    Whoever would rather see it somewhere lets the data decide: the first record in the order of survivorship has it.
SELECT people(identity_source('app', 'TABLE app'), identity_source('zendesk', 'TABLE ticket'), identity_rule('email', on_tie => 'data'));
SELECT people(identity_source('app', $$SELECT id, user_id, email, CASE id WHEN 'bob' THEN now() ELSE now() - interval '1 day' END AS updated_at FROM app$$),
              identity_source('zendesk', 'TABLE ticket'), identity_rule('email', on_tie => 'data'));
--    And without the limit all are one, as plain SQL would have it.
SELECT people(identity_source('app', 'TABLE app'), identity_source('zendesk', 'TABLE ticket'), identity_rule('user_id', max_per_identity => 0));

-- 5. The office phone: three colleagues with accounts, and a call that could be anyone's.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('a', 'u1', '+44 20 7946 0958'), ('b', 'u2', '+442079460958'), ('c', 'u3', '+44 (0)20 7946 0958')) v(id, user_id, phone)$$),
              identity_source('calls', $$SELECT 1, '+442079460958' AS phone$$));

-- 6. A shop whose only address is info@: it links as any address does.
SELECT people(identity_source('stripe', $$SELECT 'cus_1' AS id, 'info@corner-shop.com' AS email$$), identity_source('zendesk', $$SELECT 7, 'info@corner-shop.com' AS email$$));
--    A firm's shared one gives way to a personal address: the ticket from both is Ann's, and Bob's claim on info@ changes nothing.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'ann@firm.com'), ('bob', 'u2', 'info@firm.com')) v(id, user_id, email)$$),
              identity_source('zendesk', $$SELECT 1, ARRAY['info@firm.com', 'ann@firm.com'] AS email$$));
--    So it does before every other kind, weaker ones too: the call from Ann's telephone, filed under info@, is hers.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', NULL, '+442079460958'), ('bob', 'u2', 'info@firm.com', NULL)) v(id, user_id, email, phone)$$),
              identity_source('calls', $$SELECT 1, 'info@firm.com' AS email, '+442079460958' AS phone$$));

-- 7. A record with two user ids, from a merge that somebody did by hand: it joins neither, and the two stay the people that they are.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('a', 'u1'), ('b', 'u2')) v(id, user_id)$$), identity_source('crm', $$SELECT * FROM (VALUES ('x', 'u1'), ('y', 'u2')) v(id, user_id)$$),
              identity_source('zendesk', $$SELECT 1, ARRAY['u1', 'u2'] AS user_id$$));
SELECT * FROM refused(identity_source('app', $$SELECT * FROM (VALUES ('a', 'u1'), ('b', 'u2')) v(id, user_id)$$), identity_source('zendesk', $$SELECT 1, ARRAY['u1', 'u2'] AS user_id$$));

-- 8. A username that Ann gave up and Bob took: the forum's two records of it know no id. It outranks no id, and joins neither.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'ziggy'), ('bob', 'u2', 'ziggy')) v(id, user_id, username)$$),
              identity_source('forum', $$SELECT * FROM (VALUES (1, 'ziggy'), (2, 'ziggy')) v(id, username)$$), identity_rule('username', scope => 'all'));

--    Not even where three tools know Bob by it: the post that carries Ann's id is Ann's.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', NULL), ('bob', 'u2', 'ziggy')) v(id, user_id, username)$$),
              identity_source('chat', $$SELECT 1, 'u2' AS user_id, 'ziggy' AS username$$), identity_source('shop', $$SELECT 1, 'u2' AS user_id, 'ziggy' AS username$$),
              identity_source('forum', $$SELECT 1, 'u1' AS user_id, 'ziggy' AS username$$), identity_rule('username', scope => 'all'));

-- 9. Two accounts on one device: the device belongs to neither.
SELECT people(identity_source('events', $$SELECT * FROM (VALUES (1, 'u1', 'ipad'), (2, 'u2', 'ipad'), (3, NULL, 'ipad')) v(id, user_id, anonymous_id)$$));

-- 10. A ticket that names two people's addresses, by which it could be either's.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('a', 'u1', 'a@x.com'), ('b', 'u2', 'b@x.com')) v(id, user_id, email)$$),
              identity_source('zendesk', $$SELECT 1, ARRAY['a@x.com', 'b@x.com'] AS email$$));
--     With a third address that a second tool knows to be a's, that stronger evidence comes first.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('a', 'u1', '{a@x.com,a2@x.com}'::text[]), ('b', 'u2', '{b@x.com}')) v(id, user_id, email)$$),
              identity_source('crm', $$SELECT 9, 'u1' AS user_id, 'a2@x.com' AS email$$),
              identity_source('zendesk', $$SELECT 1, ARRAY['a2@x.com', 'b@x.com'] AS email$$));

-- 11. The stronger kind comes first: an address before a phone number, unless a rule says otherwise.
\set app 'SELECT * FROM (VALUES (''a'', ''u1'', ''a@x.com'', NULL), (''b'', ''u2'', NULL, ''+442079460958'')) v(id, user_id, email, phone)'
\set call 'SELECT 1, ''a@x.com'' AS email, ''+442079460958'' AS phone'
SELECT people(identity_source('app', :'app'), identity_source('call', :'call'));
SELECT people(identity_source('app', :'app'), identity_source('call', :'call'), identity_rule('phone', priority => 70));

-- 12. The fallback as people mean it. The ticket's user id is Ann's, its address Eve's, who wrote from Ann's account: without the rule the
--     two are one person. With it the address is not asked, since the user id links the ticket to the app already; nor is the address of
--     Ann's record asked, which the first ticket's user id links to zendesk already.
\set app 'SELECT * FROM (VALUES (''ann'', ''u1'', ''ann@x.com''), (''eve'', NULL, ''eve@x.com'')) v(id, user_id, email)'
\set ticket 'SELECT * FROM (VALUES (1, ''u1'', ''eve@x.com''), (2, NULL, ''ann@x.com'')) v(id, user_id, email)'
SELECT people(identity_source('app', :'app'), identity_source('zendesk', :'ticket'));
SELECT people(identity_source('app', :'app'), identity_source('zendesk', :'ticket'), identity_rule('email', fallback => true));
SELECT * FROM refused(identity_source('app', :'app'), identity_source('zendesk', :'ticket'), identity_rule('email', fallback => true));

-- 13. A kind that does not link can still keep apart: nobody has two dates of birth.
\set bank 'SELECT * FROM (VALUES (1, ''sam@x.com'', ''1960-01-01''), (2, ''kim@x.com'', ''1988-05-05'')) v(id, email, born)'
\set shop 'SELECT * FROM (VALUES (1, ''sam@x.com'', ''1991-02-02''), (2, ''kim@x.com'', ''1988-05-05'')) v(id, email, born)'
SELECT people(identity_source('bank', :'bank'), identity_source('shop', :'shop'), identity_rule('born', link => false, max_per_identity => 1));

-- 14. At most two addresses a person. It limits what addresses join; who has three by a user id is one person all the same.
SELECT people(identity_source('app', $$SELECT 'a' AS id, 'u1' AS user_id, 'a1@x.com' AS email$$), identity_source('crm', $$SELECT 1, 'u1' AS user_id, 'a2@x.com' AS email$$),
              identity_rule('email', max_per_identity => 2));
SELECT people(identity_source('app', $$SELECT 'a' AS id, 'u1' AS user_id, 'a1@x.com' AS email$$), identity_source('crm', $$SELECT 1, 'u1' AS user_id, 'a2@x.com' AS email$$),
              identity_source('erp', $$SELECT 1, 'u1' AS user_id, 'a3@x.com' AS email$$), identity_rule('email', max_per_identity => 2));

-- 15. A chain of people, each of whom shares an address with the next: everybody stays with their own tickets.
SELECT people(identity_source('app', $$SELECT n, 'u' || n AS user_id, ARRAY['mail' || n || '@x.com', 'mail' || n + 1 || '@x.com'] AS email FROM generate_series(1, 4) n$$),
              identity_source('zendesk', $$SELECT n, 'u' || n AS user_id FROM generate_series(1, 4) n$$));

-- 16. A refused link would really have put two people together: giving up the limit joins exactly those, and everybody else stays as they are.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'fam@x.com'), ('bob', 'u2', 'fam@x.com'), ('eve', 'u3', 'eve@x.com')) v(id, user_id, email)$$),
              identity_source('crm', $$SELECT * FROM (VALUES (1, 'u1', 'fam@x.com'), (2, NULL, 'eve@x.com')) v(id, user_id, email)$$));
SELECT people(identity_source('app', $$SELECT * FROM (VALUES ('ann', 'u1', 'fam@x.com'), ('bob', 'u2', 'fam@x.com'), ('eve', 'u3', 'eve@x.com')) v(id, user_id, email)$$),
              identity_source('crm', $$SELECT * FROM (VALUES (1, 'u1', 'fam@x.com'), (2, NULL, 'eve@x.com')) v(id, user_id, email)$$), identity_rule('user_id', max_per_identity => 0));

-- 17. A household of a hundred thousand: one address on 150,000 records of 50,000 accounts, and a chain in which each of 50,000 accounts shares an
--     address with the next. Everybody stays who they are.
SELECT count(*) AS records, count(DISTINCT identity_id) AS people
FROM identity_records(identity_source('app', $$SELECT n, 'u' || n % 50000 AS user_id, 'one@x.com' AS email FROM generate_series(1, 150000) n$$), identity_rule('email', max_records => 0));
SELECT count(*) AS records, count(DISTINCT identity_id) AS people
FROM identity_records(identity_source('app', $$SELECT n, 'u' || n AS user_id, ARRAY['m' || n || '@x.com', 'm' || n + 1 || '@x.com'] AS email FROM generate_series(1, 50000) n$$));

-- The order of rows, of sources' rows and of rules changes nothing.
SELECT count(DISTINCT partition) AS partitions
FROM (SELECT round, md5(string_agg(people::text, ';' ORDER BY people)) AS partition
      FROM generate_series(1, 20) AS round,
           LATERAL people(identity_source('app', format($$SELECT n, 'u' || n %% 40 AS user_id, 'm' || n * 7 %% 45 || '@x.com' AS email FROM generate_series(1, 80) n ORDER BY md5(n || '/%s')$$, round)),
                          identity_source('zendesk', format($$SELECT n, CASE WHEN n %% 3 = 0 THEN 'u' || n %% 50 END AS user_id, 'm' || n * 11 %% 60 || '@x.com' AS email FROM generate_series(1, 90) n ORDER BY md5('%s/' || n)$$, round))) AS people
      GROUP BY round) AS partitions;

SET client_min_messages = warning;
DROP SCHEMA guards CASCADE;
