-- The type email: stores what was typed, compares by address.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA email_type;
SET search_path = email_type, public;
RESET client_min_messages;

-- One account an address. What is no address is text, and as good as any other.
CREATE TABLE account (email email PRIMARY KEY, plan text);
INSERT INTO account VALUES ('Ziggy@StarDust.com', 'basic'), ('queen@beyonce.com', 'pro'), ('n/a', NULL);
INSERT INTO account VALUES (' ziggy@stardust.com', 'pro');
INSERT INTO account VALUES ('N/A', NULL), ('', NULL);
TABLE account ORDER BY email;
SELECT * FROM account WHERE email = 'ZIGGY@stardust.com';
SELECT * FROM account WHERE email = 'n/a';
INSERT INTO account VALUES ('QUEEN@BEYONCE.COM', 'basic') ON CONFLICT (email) DO UPDATE SET plan = 'pro+' RETURNING *;
DELETE FROM account WHERE email = '';

-- Foreign keys, grouping, sets and aggregates see addresses.
CREATE TABLE ticket (id int, requester email REFERENCES account ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO ticket VALUES (1, 'mailto:ziggy@stardust.com'), (2, 'Ziggy Stardust <Ziggy@Stardust.com>'), (3, 'QUEEN@beyonce.com'), (4, NULL);
INSERT INTO ticket VALUES (5, 'nobody@nowhere.org');
SELECT normalize_email(requester) AS requester, tickets FROM (SELECT requester, count(*) AS tickets FROM ticket GROUP BY requester) g ORDER BY 1;
SELECT count(DISTINCT requester) FROM ticket;
SELECT a.plan, count(*) FROM account a JOIN ticket t ON t.requester = a.email GROUP BY 1 ORDER BY 1;
SELECT min(email), max(email) FROM account WHERE plan IS NOT NULL;
SELECT array_agg(email ORDER BY email DESC) FROM account;
SELECT email FROM account INTERSECT SELECT 'queen@beyonce.com'::email;
SELECT 'a@x.org'::email IN ('b@x.org', 'A@x.org') AS "in", 'a@x.org'::email <> 'A@X.ORG' AS "<>", 'a@x.org'::email = ANY (ARRAY['A@x.org']::email[]) AS "any",
       ARRAY['a@x.org']::email[] = '{A@x.org}' AS "array", ROW('a@x.org'::email, 1) < ROW('A@x.org'::email, 2) AS "row", 'a@x.org'::email IS DISTINCT FROM NULL AS "null",
       'a@x.org'::email BETWEEN 'A@X.org' AND 'B@X.org' AS "between", 'n/a'::email > 'z@z.org' AS "none last";
BEGIN;
UPDATE account SET email = 'Ziggy@Mars.org' WHERE email = 'ziggy@STARDUST.com';
DELETE FROM account WHERE email = 'Queen@Beyonce.com';
TABLE ticket ORDER BY id;
ROLLBACK;

-- Compared with text, whatever comes from a driver or another table, it still goes by address; so do foreign keys, and indexes on either side.
SELECT 'A@x.org'::email = 'a@X.org'::text AS "email = text", 'A@x.org'::varchar = 'a@X.org'::email AS "varchar = email", 'a@x.org   '::char(10) = 'A@x.org'::email AS "char = email",
       'A@x.org'::email = ANY ('{b@x.org,a@X.org}'::text[]) AS "any", 'a@x.org'::email < 'B@x.org'::text AS "<", 'n/a'::email = 'n/a'::text AS "none", 'n/a'::email <> 'N/A'::text AS "<>";
CREATE TABLE message (id int, sender text);
INSERT INTO message VALUES (1, 'ZIGGY@stardust.com'), (2, '<queen@beyonce.com>'), (3, 'n/a'), (4, NULL);
ALTER TABLE message ADD FOREIGN KEY (sender) REFERENCES account;
INSERT INTO message VALUES (5, 'nobody@nowhere.org');
BEGIN;
UPDATE account SET email = 'ZIGGY@STARDUST.COM' WHERE email = 'ziggy@stardust.com' RETURNING email;
ROLLBACK;
DELETE FROM account WHERE email = 'n/a';
SELECT m.id, a.email, a.plan FROM message m JOIN account a ON a.email = m.sender ORDER BY 1;
CREATE INDEX ON message (sender email_ops);
CREATE TABLE noise AS SELECT format('Person.%s@Example.com', i)::email AS email, i FROM generate_series(1, 1000) i;
INSERT INTO account SELECT email FROM noise;
ANALYZE account, noise;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
PREPARE by_email (text) AS SELECT email FROM account WHERE email = $1;
PREPARE by_emails (varchar[]) AS SELECT email FROM account WHERE email = ANY ($1) ORDER BY email;
PREPARE untyped AS SELECT email FROM account WHERE email = $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_email ('');
EXECUTE by_email ('PERSON.7@example.com');
EXECUTE by_email (NULL);
EXPLAIN (COSTS OFF) EXECUTE by_emails ('{}');
EXECUTE by_emails ('{PERSON.8@example.com,nobody@x.org,NULL,person.7@example.com,Person.7@EXAMPLE.com}');
EXPLAIN (COSTS OFF) EXECUTE untyped ('');
EXECUTE untyped ('<person.7@example.com>');
RESET plan_cache_mode;
EXPLAIN (COSTS OFF) SELECT email FROM account WHERE email =@ 'person.7@example.com';
SELECT email FROM account WHERE email =@ 'PERSON.7@example.com';
EXPLAIN (COSTS OFF) SELECT id FROM message WHERE sender = 'ziggy@stardust.com'::email;
SELECT id FROM message WHERE sender = 'ziggy@stardust.com'::email;

-- Ranges, order, the least and the greatest come from the index alone.
EXPLAIN (COSTS OFF) SELECT email FROM account WHERE email >= 'person.998@example.com' AND email < 'q' ORDER BY email;
SELECT email FROM account WHERE email >= 'PERSON.998@example.com' AND email < 'Q@x.org' ORDER BY email;
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT line FROM plan_lines('SELECT min(email) FROM account') AS line WHERE line ~ 'account';
RESET max_parallel_workers_per_gather;
SELECT min(email), max(email) FROM account;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- Every join comes to the same result, email with email and email with text.
CREATE TABLE outcome (plan text, pairs bigint, digest text);
CREATE FUNCTION run(plan text, VARIADIC settings text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE setting text; allowed text[] := settings;
BEGIN
  FOREACH setting IN ARRAY '{enable_seqscan,enable_indexscan,enable_indexonlyscan,enable_bitmapscan,enable_hashjoin,enable_mergejoin,enable_nestloop,enable_memoize,enable_material,enable_hashagg}'::text[] LOOP
    PERFORM set_config(setting, (setting = ANY (allowed))::text, true);
  END LOOP;
  INSERT INTO outcome
  SELECT plan, count(*), md5(string_agg(format('%s-%s', a, b), ',' ORDER BY a, b))
    FROM (SELECT l.n AS a, r.n AS b FROM a l JOIN a r ON l.email = r.email
          UNION ALL SELECT l.n, r.n FROM a l JOIN b r ON l.email = r.typed
          UNION ALL SELECT l.n, r.n FROM b l JOIN a r ON l.typed = r.email AND l.n < 100
          UNION ALL SELECT l.n, count(*) FROM b l JOIN a m ON l.typed = m.email JOIN b r ON m.email = r.typed GROUP BY l.n
          UNION ALL SELECT l.n, -1 FROM a l WHERE EXISTS (SELECT FROM b r WHERE r.typed = l.email)
          UNION ALL SELECT l.n, -2 FROM a l WHERE l.email NOT IN (SELECT r.email FROM a r WHERE r.n > 9)
          UNION ALL SELECT count(*), -3 FROM a GROUP BY email) pairs;
END $$;
CREATE TABLE a AS SELECT i AS n, CASE i % 7 WHEN 0 THEN 'n/a' WHEN 1 THEN 'x' || i % 9 ELSE format('Person.%s@Example.com', i % 70) END::email AS email FROM generate_series(1, 150) i;
CREATE TABLE b AS SELECT i AS n, CASE i % 5 WHEN 0 THEN 'n/a' WHEN 1 THEN NULL ELSE format(' person.%s@EXAMPLE.com', i % 60) END AS typed FROM generate_series(1, 150) i;
ANALYZE a, b;
SELECT run('hash', 'enable_seqscan', 'enable_hashjoin', 'enable_hashagg');
SELECT run('merge', 'enable_seqscan', 'enable_mergejoin');
SELECT run('nested loop', 'enable_seqscan', 'enable_nestloop');
CREATE INDEX ON a (email);
CREATE INDEX ON b (typed email_ops);
SELECT run('index', 'enable_indexscan', 'enable_nestloop');
SELECT run('index only', 'enable_indexonlyscan', 'enable_nestloop', 'enable_memoize');
SELECT run('ordered index', 'enable_indexscan', 'enable_mergejoin');
DROP INDEX a_email_idx;
CREATE INDEX ON a USING hash (email);
SELECT run('hash index', 'enable_indexscan', 'enable_bitmapscan', 'enable_nestloop');
SELECT count(*) AS plans, count(DISTINCT (pairs, digest)) AS results, min(pairs) AS pairs FROM outcome;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT * FROM a JOIN b ON b.typed = a.email;
RESET enable_mergejoin;
SET enable_hashjoin = off;
EXPLAIN (COSTS OFF) SELECT * FROM a JOIN a a2 ON a2.email = a.email;
RESET max_parallel_workers_per_gather;
RESET enable_hashjoin;
RESET enable_nestloop;

-- Text's functions, operators and patterns are at hand.
SELECT upper('Ziggy@x.org'::email) AS text_function, 'Ziggy@x.org'::email || '!' AS text_operator, length('Ziggy@x.org'::email), 'Ziggy@x.org'::email LIKE 'Zig%' AS "like",
       'Ziggy@x.org'::email ~* '^ziggy' AS regex, coalesce('Ziggy@x.org'::email, 'n/a') = 'ziggy@x.org' AS "coalesce", 'Ziggy@x.org'::email =@ 'ziggy@x.org'::text AS "=@";
SELECT pg_typeof('a@x.org'::varchar::email), pg_typeof('a@x.org'::email::char(10)), octet_length('a@x.org'::char(10)::email), to_json('a@x.org'::email), jsonb_build_object('a@x.org'::email, 1);
CREATE TABLE from_other (email email);
INSERT INTO from_other SELECT 'a@x.org'::text UNION ALL SELECT 'b@x.org'::varchar UNION ALL SELECT 'c@x.org'::char(20);

-- Nothing changes for text among itself, and no row has an email that it does not have.
CREATE TABLE plain (t text, v varchar, c char(9));
INSERT INTO plain VALUES ('a@x.org', 'a@x.org', 'a@x.org');
SELECT t = 'A@x.org' AS text, v = 'A@x.org' AS varchar, c = 'A@x.org' AS "char", v = ANY ('{A@x.org}') AS "any", 'a@x.org' = 'A@x.org' AS literals, t = v AND v = c AS across FROM plain;
SELECT plain.email FROM plain;

-- A column of text becomes one without being rewritten; a domain over it says what more is wanted.
CREATE TABLE grown (email text);
INSERT INTO grown VALUES ('A@x.org'), ('a@x.org');
SELECT relfilenode AS before FROM pg_class WHERE oid = 'grown'::regclass \gset
ALTER TABLE grown ALTER email TYPE email;
SELECT relfilenode = :before AS "not rewritten", (SELECT count(DISTINCT email) FROM grown) FROM pg_class WHERE oid = 'grown'::regclass;
CREATE DOMAIN deliverable AS email CHECK (email_problem(VALUE) IS NULL);
CREATE TABLE customer (email deliverable UNIQUE);
INSERT INTO customer VALUES ('Ann@x.org'), (NULL);
INSERT INTO customer VALUES ('ANN@x.org');
INSERT INTO customer VALUES ('n/a');
SELECT * FROM customer WHERE email = 'ann@X.org';

-- Partitions: by hash, list and range of addresses.
CREATE TABLE by_hash (email email PRIMARY KEY) PARTITION BY HASH (email);
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_list (email email PRIMARY KEY) PARTITION BY LIST (email);
CREATE TABLE by_list_a PARTITION OF by_list FOR VALUES IN ('Person.1@example.com', 'n/a');
CREATE TABLE by_list_rest PARTITION OF by_list DEFAULT;
CREATE TABLE by_list_again PARTITION OF by_list FOR VALUES IN ('PERSON.1@EXAMPLE.COM');
CREATE TABLE by_range (email email PRIMARY KEY) PARTITION BY RANGE (email);
CREATE TABLE by_range_a PARTITION OF by_range FOR VALUES FROM (MINVALUE) TO ('Person.5@example.com');
CREATE TABLE by_range_b PARTITION OF by_range FOR VALUES FROM ('person.5@example.com') TO (MAXVALUE);
INSERT INTO by_hash SELECT email FROM noise;
INSERT INTO by_hash SELECT upper(email) FROM noise ON CONFLICT DO NOTHING;
INSERT INTO by_list SELECT email FROM noise;
INSERT INTO by_range SELECT email FROM noise;
SELECT (SELECT count(*) FROM by_hash) AS by_hash, (SELECT count(*) FROM by_list_a) AS by_list_a, (SELECT max(email) FROM by_range_a), (SELECT min(email) FROM by_range_b);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT * FROM by_list WHERE email = 'PERSON.1@example.com';
EXPLAIN (COSTS OFF) SELECT * FROM by_range WHERE email = 'PERSON.9@example.com'::text;
RESET max_parallel_workers_per_gather;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) FROM noise n JOIN by_hash h ON h.email = upper(n.email);

-- Copies, as text and binary, hold what was typed.
CREATE TABLE original (n int, emails email[], email email);
INSERT INTO original VALUES (1, '{"Ann <A@x.org>",NULL,n/a}', E' Jürgen@Bücher.example\t'), (2, '{}', NULL), (3, NULL, '');
CREATE TABLE copied (LIKE original);
\set file `mktemp`
\setenv EMAIL_FILE :file
\copy original TO PROGRAM 'cat >"$EMAIL_FILE"'
\copy copied FROM PROGRAM 'cat "$EMAIL_FILE"'
\copy original TO PROGRAM 'cat >"$EMAIL_FILE"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "$EMAIL_FILE"' (FORMAT binary)
\! rm "$EMAIL_FILE"
SELECT n, count(*), count(DISTINCT o::text COLLATE "C") AS spellings FROM (SELECT * FROM original UNION ALL SELECT * FROM copied) o GROUP BY n ORDER BY n;
SELECT email_send('Ziggy@x.org'::email);

-- Sources and master tables may have it, too.
SELECT * FROM resolve_identities(
  identity_source('accounts', 'SELECT plan AS id, email FROM account WHERE plan IS NOT NULL'),
  identity_source('tickets', 'SELECT id, requester AS email FROM ticket')
) AS (accounts_id text, email email, tickets_email email[], tickets_id int[]) ORDER BY email;

-- It is all that PostgreSQL wants of a type: families that are whole, operators that come in pairs, functions as labelled, a word on each.
SELECT a.amname, c.opcname, f.opfname, c.opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily
 WHERE c.opcname IN ('email_ops', 'email_type_ops') ORDER BY 1, 2;
CREATE TEMP TABLE member AS
SELECT o.* FROM pg_operator o JOIN pg_depend d ON d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'identity_resolve' WHERE 'email'::regtype IN (oprleft, oprright);
SELECT count(*) AS operators,
       count(*) FILTER (WHERE c.oid IS NULL OR c.oprcom <> m.oid OR n.oid IS NULL OR n.oprnegate <> m.oid OR m.oprname IN ('=', '<>') AND (c.oprcode = 0 OR c.oprname <> m.oprname)) AS "without its pair",
       count(*) FILTER (WHERE m.oprcanhash <> EXISTS (SELECT FROM pg_amop p JOIN pg_am a ON a.oid = p.amopmethod WHERE amopopr = m.oid AND amname = 'hash')
                           OR m.oprcanmerge <> EXISTS (SELECT FROM pg_amop p JOIN pg_am a ON a.oid = p.amopmethod WHERE amopopr = m.oid AND amname = 'btree' AND amopstrategy = 3)) AS "with false flags",
       count(*) FILTER (WHERE obj_description(m.oid, 'pg_operator') IS NULL) AS "without a comment"
  FROM member m LEFT JOIN pg_operator c ON c.oid = m.oprcom LEFT JOIN pg_operator n ON n.oid = m.oprnegate;
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
 WHERE ('email'::regtype = ANY (p.proargtypes) OR p.prorettype = 'email'::regtype)
   AND (obj_description(p.oid, 'pg_proc') IS NULL OR p.proparallel <> 's' OR p.prokind = 'f' AND NOT p.proisstrict OR p.provolatile <> CASE WHEN p.proname IN ('email_recv', 'email_send') THEN 's' ELSE 'i' END);
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod FROM pg_cast WHERE 'email'::regtype IN (castsource, casttarget) ORDER BY 1, 2;
