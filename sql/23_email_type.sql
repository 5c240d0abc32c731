-- The type email: stores what was typed, compares by address.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA email_type;
SET search_path = email_type, public;
RESET client_min_messages;

CREATE TABLE account (email email PRIMARY KEY, plan text);
INSERT INTO account VALUES ('Ziggy@StarDust.com', 'basic'), ('queen@beyonce.com', 'pro'), ('n/a', NULL);
INSERT INTO account VALUES (' ziggy@stardust.com', 'pro');
INSERT INTO account VALUES ('N/A', NULL);
TABLE account ORDER BY email;
SELECT * FROM account WHERE email = 'ZIGGY@stardust.com';
SELECT * FROM account WHERE email = 'n/a';

-- Foreign keys, grouping, sets and aggregates see addresses.
CREATE TABLE ticket (id int, requester email REFERENCES account);
INSERT INTO ticket VALUES (1, 'mailto:ziggy@stardust.com'), (2, 'Ziggy Stardust <Ziggy@Stardust.com>'), (3, 'QUEEN@beyonce.com'), (4, NULL);
INSERT INTO ticket VALUES (5, 'nobody@nowhere.org');
SELECT normalize_email(requester) AS requester, tickets FROM (SELECT requester, count(*) AS tickets FROM ticket GROUP BY requester) g ORDER BY 1;
SELECT count(DISTINCT requester) FROM ticket;
SELECT a.plan, count(*) FROM account a JOIN ticket t ON t.requester = a.email GROUP BY 1 ORDER BY 1;
SELECT min(email), max(email) FROM account WHERE plan IS NOT NULL;
SELECT array_agg(email ORDER BY email DESC) FROM account;
SELECT email FROM account INTERSECT SELECT 'queen@beyonce.com'::email;
SELECT 'a@x.org'::email IN ('b@x.org', 'A@x.org') AS "in", 'a@x.org'::email <> 'A@X.ORG' AS "<>", 'a@x.org'::email = ANY (ARRAY['A@x.org']::email[]) AS "any";

-- Casts and binary copies.
SELECT upper('Ziggy@x.org'::email) AS text_function, 'Ziggy@x.org'::email || '!' AS text_operator, 'Ziggy@x.org'::varchar::email = 'ziggy@x.org' AS cast;
SELECT 'Ziggy@x.org'::email =@ 'ziggy@x.org'::text AS "=@ takes it too";
SELECT email_send('Ziggy@x.org'::email);

-- Index, hash join and merge join.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM account WHERE email = 'Ziggy@StarDust.com';
RESET enable_seqscan;
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT * FROM account a JOIN ticket t ON t.requester = a.email;
RESET enable_mergejoin;
SET enable_hashjoin = off;
EXPLAIN (COSTS OFF) SELECT * FROM account a JOIN (SELECT * FROM ticket OFFSET 0) t ON t.requester = a.email;
SELECT a.plan, t.id FROM account a JOIN (SELECT * FROM ticket OFFSET 0) t ON t.requester = a.email ORDER BY 2;
RESET enable_hashjoin;
RESET enable_nestloop;

SELECT a.amname, c.opcname, c.opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.opcname = 'email_type_ops' ORDER BY 1;
