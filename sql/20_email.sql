-- Email addresses on plain text: one spelling, an equality that joins and indexes know.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA email;
SET search_path = email, public;
RESET client_min_messages;

-- One address, as the tools of a company have it.
SELECT typed, normalize_email(typed)
  FROM (VALUES ('ziggy@stardust.com'), (' Ziggy@StarDust.COM '), ('mailto:ziggy@stardust.com?subject=Hello'),
               ('<ziggy@stardust.com>'), ('"Stardust, Ziggy" <ziggy@stardust.com>'), ('Ziggy Stardust <Ziggy@Stardust.com>'),
               ('"ziggy"@stardust.com'), ('ziggy@stardust.com.'), (U&'\FF5A\FF49\FF47\FF47\FF59\FF20stardust\3002com')) v (typed);

SELECT E'\ufeff\u3000ziggy@stardust.com\u200b\u00a0' =@ 'ziggy@stardust.com' AS "blanks that nobody sees";

-- Internationalised addresses: the domain as the DNS has it, the local part composed and in lower case.
SELECT typed, ~@ typed AS address
  FROM (VALUES ('Jürgen@Bücher.example'), (E'ju\u0308rgen@xn--bcher-kva.example'), ('用户@例子.广告'), ('info@faß.de'), ('ДМИТРИЙ@почта.рф')) v (typed);

-- Accounts that some mail system can tell apart stay apart: only a capital becomes its own lower-case letter.
SELECT a, b, a =@ b AS same
  FROM (VALUES ('MIKE@x.org', 'mike@x.org'), ('mıke@x.org', 'mike@x.org'), ('straße@x.org', 'strasse@x.org'), ('ſam@x.org', 'sam@x.org'),
               (E'mi\u212ae@x.org', 'mike@x.org'), ('m.ike@gmail.com', 'mike@gmail.com'), ('mike+news@gmail.com', 'mike@gmail.com'),
               ('ϴ@x.org', 'θ@x.org'), ('νικος@x.org', 'νικοσ@x.org'), ('a@faß.de', 'a@fass.de'), ('"a b"@x.org', 'ab@x.org')) v (a, b);

-- What is no address has no spelling.
SELECT typed, normalize_email(typed) IS NULL AS none
  FROM (VALUES (''), ('  '), ('n/a'), ('x'), ('@'), ('a@'), ('@x.org'), ('a@b@x.org'), ('.a@x.org'), ('a.@x.org'), ('a..b@x.org'), ('a b@x.org'), ('root@localhost'),
               ('a@-x.org'), ('a@x..org'), ('a@x_y.org'), ('a@127.0.0.1'), ('a@[127.0.0.1]'), ('""@x.org'), ('a@x.org, b@x.org'), ('b@x.org <a@x.org>'), ('<a@x.org'),
               (repeat('a', 65) || '@x.org'), ('a@' || repeat('x', 64) || '.org'), ('a@xn--zzzzzz.org'), (repeat('a@x.org', 200000))) v (typed)
 WHERE normalize_email(typed) IS NOT NULL OR length(typed) < 20;
SELECT length(normalize_email(repeat('a', 64) || '@' || repeat(repeat('b', 62) || '.', 2) || repeat('c', 59) || '.org')) AS longest,
       normalize_email(repeat('a', 64) || '@' || repeat(repeat('b', 62) || '.', 2) || repeat('c', 60) || '.org') IS NULL AS one_more;

-- A value that is no address equals nothing, itself included, and <>@ is the negation of =@. NULL stays NULL.
SELECT a, b, a =@ b AS "=@", a <>@ b AS "<>@", a ==@ b AS "==@"
  FROM (VALUES ('a@x.org', 'A@X.org'), ('a@x.org', 'b@x.org'), ('a@x.org', 'n/a'), ('n/a', 'n/a'), ('', ''), (NULL, 'a@x.org'), (NULL, NULL)) v (a, b);
SELECT ~@ NULL::text IS NULL AS strict;

-- Messy tables. The values that are none are in both, and link nobody.
CREATE TABLE segment (id int, email text);
CREATE TABLE zendesk (id int, email varchar(100));
INSERT INTO segment SELECT i, CASE i % 10 WHEN 0 THEN 'n/a' WHEN 1 THEN '' WHEN 2 THEN NULL ELSE format('Person.%s@Example.com', i) END FROM generate_series(1, 600) i;
INSERT INTO zendesk SELECT i, CASE i % 9 WHEN 0 THEN 'n/a' WHEN 1 THEN '' WHEN 2 THEN 'x' WHEN 3 THEN NULL ELSE format(' person.%s@EXAMPLE.com', i) END FROM generate_series(1, 600) i;
ANALYZE segment, zendesk;

-- Plans are shown without parallel workers, whatever the server's settings are.
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT * FROM segment s JOIN zendesk z ON z.email =@ s.email;

-- An index on the raw column serves =@, by operator or by function, from either side, for constants, parameters and joins.
CREATE INDEX segment_email ON segment (email email_ops);
CREATE INDEX zendesk_email ON zendesk (email email_ops);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM segment WHERE email =@ ' PERSON.7@example.com';
EXPLAIN (COSTS OFF) SELECT * FROM segment WHERE ' PERSON.7@example.com' =@ email;
EXPLAIN (COSTS OFF) SELECT * FROM segment WHERE email_eq(email, 'Person.7@example.com');
SELECT * FROM segment WHERE email =@ ' PERSON.7@example.com';
PREPARE by_email (text) AS SELECT * FROM zendesk WHERE email =@ $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_email ('');
EXECUTE by_email ('mailto:Person.7@example.com');
EXECUTE by_email ('n/a');
EXECUTE by_email (NULL);
RESET plan_cache_mode;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SELECT plan_lines('SELECT * FROM segment s JOIN zendesk z ON z.email =@ s.email WHERE s.id < 10');
RESET enable_hashjoin;
RESET enable_mergejoin;

-- It is an order too: addresses first, then the rest.
EXPLAIN (COSTS OFF) SELECT email FROM segment ORDER BY email USING <#@;
SELECT email FROM (SELECT DISTINCT email FROM segment WHERE id BETWEEN 8 AND 14 OR id = 600) s ORDER BY email USING <#@ NULLS FIRST;
SELECT count(*) FROM zendesk WHERE email >=#@ 'person.1@example.com' AND email <#@ 'PERSON.2@example.com';
SELECT count(*) FROM zendesk WHERE email >#@ 'zzz@zzz.zzz';

-- Unique over spellings: an index of the class keeps one address from being entered twice.
CREATE TABLE account (email text);
CREATE UNIQUE INDEX ON account (email email_ops);
INSERT INTO account VALUES ('ann@x.org'), ('n/a');
INSERT INTO account VALUES (' Ann <ANN@X.org>');
INSERT INTO account VALUES ('n/a');

-- A hash index, and partitions by address.
CREATE INDEX account_hash ON account USING hash (email email_ops);
DROP INDEX account_email_idx;
EXPLAIN (COSTS OFF) SELECT * FROM account WHERE email =@ 'ann@x.org';
RESET max_parallel_workers_per_gather;
SELECT * FROM account WHERE email =@ 'Ann@x.org';
SELECT * FROM account WHERE email =@ 'n/a';
RESET enable_seqscan;
RESET enable_bitmapscan;
CREATE TABLE person (email text) PARTITION BY HASH (email email_ops);
CREATE TABLE person_0 PARTITION OF person FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE person_1 PARTITION OF person FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO person SELECT email FROM segment WHERE email IS NOT NULL;
INSERT INTO person SELECT upper(email) FROM segment WHERE email IS NOT NULL;
SELECT count(*) FROM person_0 a JOIN person_1 b ON a.email =@ b.email;

-- However the planner goes about it, the result is the same.
CREATE INDEX ON zendesk USING hash (email email_ops);
CREATE TABLE outcome (plan text, pairs bigint, digest text);
CREATE FUNCTION run(plan text, VARIADIC settings text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE setting text; allowed text[] := settings;
BEGIN
  FOREACH setting IN ARRAY '{enable_seqscan,enable_indexscan,enable_indexonlyscan,enable_bitmapscan,enable_hashjoin,enable_mergejoin,enable_nestloop,enable_memoize,enable_material}'::text[] LOOP
    PERFORM set_config(setting, (setting = ANY (allowed))::text, true);
  END LOOP;
  INSERT INTO outcome
  SELECT plan, count(*), md5(string_agg(format('%s-%s', s, z), ',' ORDER BY s, z))
    FROM (SELECT s.id AS s, z.id AS z FROM segment s JOIN zendesk z ON z.email =@ s.email
          UNION ALL SELECT s.id, -1 FROM segment s WHERE EXISTS (SELECT FROM zendesk z WHERE s.email =@ z.email)
          UNION ALL SELECT s.id, -2 FROM segment s WHERE NOT EXISTS (SELECT FROM zendesk z WHERE s.email =@ z.email)
          UNION ALL SELECT s.id, -3 FROM segment s WHERE (s.email =@ ANY (SELECT z.email FROM zendesk z WHERE z.email IS NOT NULL)) IS FALSE
          UNION ALL SELECT s.id, -4 FROM segment s WHERE (s.email =@ ANY ('{n/a,x,"",person.3@example.com,a@x,b,c,d,e,f}')) IS FALSE
          UNION ALL SELECT s.id, z.id FROM segment s LEFT JOIN zendesk z ON z.email =@ s.email WHERE s.id < 50) pairs;
END $$;
SELECT run('seq scan, nested loop', 'enable_seqscan', 'enable_nestloop');
SELECT run('seq scan, hash join', 'enable_seqscan', 'enable_hashjoin');
SELECT run('index scan, nested loop', 'enable_indexscan', 'enable_nestloop');
SELECT run('index only scan, nested loop, memoize', 'enable_indexonlyscan', 'enable_nestloop', 'enable_memoize');
SELECT run('bitmap scan, nested loop', 'enable_bitmapscan', 'enable_nestloop', 'enable_material');
DROP INDEX zendesk_email;
SELECT run('hash index, nested loop', 'enable_indexscan', 'enable_nestloop');
INSERT INTO outcome
SELECT 'by normalize_email()', count(*), md5(string_agg(format('%s-%s', s, z), ',' ORDER BY s, z))
  FROM (SELECT s.id AS s, z.id AS z FROM segment s JOIN zendesk z ON ~@ z.email = ~@ s.email
        UNION ALL SELECT s.id, -1 FROM segment s WHERE EXISTS (SELECT FROM zendesk z WHERE ~@ s.email = ~@ z.email)
        UNION ALL SELECT s.id, -2 FROM segment s WHERE NOT EXISTS (SELECT FROM zendesk z WHERE ~@ s.email = ~@ z.email)
        UNION ALL SELECT s.id, -3 FROM segment s WHERE s.email IS NOT NULL AND NOT EXISTS (SELECT FROM zendesk z WHERE ~@ s.email = ~@ z.email)
        UNION ALL SELECT s.id, -4 FROM segment s WHERE s.email IS NOT NULL AND ~@ s.email IS DISTINCT FROM 'person.3@example.com'
        UNION ALL SELECT s.id, z.id FROM segment s LEFT JOIN zendesk z ON ~@ z.email = ~@ s.email WHERE s.id < 50) pairs;
SELECT count(*) AS plans, count(DISTINCT (pairs, digest)) AS results, min(pairs) AS pairs FROM outcome;

-- The classes are complete, and every function is what the planner is told: immutable, strict, safe in workers.
SELECT a.amname, c.opcname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.opcname = 'email_ops' ORDER BY 1;
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
 WHERE p.proname ~ 'email' AND p.proname NOT IN ('email_recv', 'email_send') AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's');
