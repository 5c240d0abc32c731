-- The laws of equality, order and hashing, over every pair and triple of values in several scripts: each query counts what breaks one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA email_laws;
SET search_path = email_laws, public;
RESET client_min_messages;

-- Names and domains in many spellings, and what is no address.
CREATE TABLE value AS
SELECT DISTINCT v FROM (
  SELECT name || '@' || domain AS v
    FROM unnest(ARRAY['ziggy', 'Zig.Gy', 'ziggy+x', 'jürgen', 'JÜRGEN', E'ju\u0308rgen', 'ДМИТРИЙ', 'дмитрий', '用户', 'ｚｉｇｇｙ', 'mıke', 'MIKE', 'straße', 'STRASSE', '"zi ggy"', '"ziggy"', E'k\u212a']) name,
         unnest(ARRAY['gmail.com', 'GoogleMail.com', 'bücher.example', 'xn--bcher-kva.EXAMPLE.', 'faß.de', 'localhost']) domain
  UNION ALL SELECT unnest(ARRAY['', ' ', 'n/a', 'N/A', 'x', '@', 'a@', '<ziggy@gmail.com>', 'Ziggy <ziggy@gmail.com>', 'mailto:ZIGGY@gmail.com', 'a@x.org, b@x.org', 'я', E'\u200b'])
) v;
SELECT count(*) > 100 AS "enough values", count(*) FILTER (WHERE normalize_email(v) IS NULL) > 20 AS "none among them" FROM value;

-- Pairs and triples begin with every value; with each n-th one where email_laws.share is n, as under sanitizers, which take a hundred times as long.
CREATE FUNCTION is_tried(v text) RETURNS boolean LANGUAGE sql AS $$ SELECT (hashtext(v) & 1048575) % coalesce(nullif(current_setting('email_laws.share', true), ''), '1')::int = 0 $$;
-- A spelling of a spelling is itself, and a mailbox is an address.
SELECT count(*) FROM value WHERE ~@ ~@ v <> ~@ v OR normalize_mailbox(normalize_mailbox(v)) <> normalize_mailbox(v) OR ~@ normalize_mailbox(v) <> normalize_mailbox(v)
   OR (~@ v IS NULL) <> (normalize_mailbox(v) IS NULL) OR (~@ v IS NULL) <> (email_problem(v) IS NOT NULL);

-- Pairs: operators say what the functions say, are symmetric, and agree with the order and the hashes; one address is one mailbox.
SELECT count(*) FROM value a, value b
 WHERE (a.v =@ b.v) <> coalesce(~@ a.v = ~@ b.v, false) OR (a.v =@ b.v) <> (b.v =@ a.v) OR (a.v <>@ b.v) = (a.v =@ b.v)
    OR (a.v ==@ b.v) <> (coalesce(~@ a.v = ~@ b.v, false) OR a.v = b.v COLLATE "C") OR (a.v ==@ b.v) <> (email_compare(a.v, b.v) = 0)
    OR (a.v <#@ b.v) <> (b.v >#@ a.v) OR (a.v <=#@ b.v) <> (NOT a.v >#@ b.v) OR (a.v >=#@ b.v) <> (NOT a.v <#@ b.v) OR sign(email_compare(a.v, b.v)) <> -sign(email_compare(b.v, a.v))
    OR (a.v ==@ b.v AND (email_hash(a.v) <> email_hash(b.v) OR email_hash_extended(a.v, 7) <> email_hash_extended(b.v, 7)));
SELECT count(*) FROM value a, value b
 WHERE (a.v =~@ b.v) <> coalesce(normalize_mailbox(a.v) = normalize_mailbox(b.v), false) OR (a.v =~@ b.v) <> (b.v =~@ a.v) OR (a.v <>~@ b.v) = (a.v =~@ b.v)
    OR (a.v ==~@ b.v) <> (mailbox_compare(a.v, b.v) = 0) OR (a.v <#~@ b.v) <> (b.v >#~@ a.v) OR (a.v <=#~@ b.v) <> (NOT a.v >#~@ b.v)
    OR (a.v ==~@ b.v AND (mailbox_hash(a.v) <> mailbox_hash(b.v) OR mailbox_hash_extended(a.v, 7) <> mailbox_hash_extended(b.v, 7)))
    OR (a.v =@ b.v AND NOT a.v =~@ b.v);
SELECT count(*) FROM value WHERE email_hash_extended(v, 0) & 4294967295 <> email_hash(v)::bigint & 4294967295;

-- Triples: both equalities and the order are transitive.
SELECT count(*) FROM value a JOIN value b ON a.v <=#@ b.v JOIN value c ON b.v <=#@ c.v
 WHERE is_tried(a.v) AND (NOT a.v <=#@ c.v OR (a.v ==@ b.v AND b.v ==@ c.v AND NOT a.v ==@ c.v) OR (a.v =@ b.v AND b.v =@ c.v AND NOT a.v =@ c.v));

-- A sort, an index and the comparison agree about the order, addresses first.
CREATE TABLE sorted AS SELECT row_number() OVER (ORDER BY v USING <#@) AS n, v FROM value;
SELECT count(*) FROM sorted a JOIN sorted b ON a.n < b.n AND a.v >#@ b.v;
SELECT count(*) FROM sorted a JOIN sorted b ON a.n < b.n AND ~@ a.v IS NULL AND ~@ b.v IS NOT NULL;
CREATE INDEX ON sorted (v email_ops);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT count(*) FROM (SELECT v, lag(v) OVER () AS before FROM (SELECT v FROM sorted ORDER BY v USING <#@) o) p WHERE before >#@ v;

-- The same over text that nobody chose: 250 strings of pieces of several scripts, drawn by md5, so that every run has the same.
CREATE TABLE piece AS SELECT row_number() OVER () - 1 AS n, p FROM unnest(ARRAY['a', 'B', 'z9', '.', '.', '-', '+', '+x', '_', '"', '\', ' ', '<', '>', 'mailto:', '%40', ',', '@', '@', '@', '@gmail.com',
  '@X.org', '@me.com', '@proton.me', '@ya.ru', '@yahoo.com', '@n.fastmail.com', 'x.org', '.com', 'xn--', 'bcher-kva', 'ü', 'Ü', E'u\u0308', 'ß', 'ẞ', 'ſ', 'ı', 'İ', 'I', E'\u0307', E'\u212a', 'Σ', 'ς', 'ϴ', 'Ж', 'ж',
  'א', 'ش', E'\u200c', E'\u200d', '用户', '한', 'ｚ', '＠', '．', '。', E'\u200b', E'\u00a0', '🙂', 'ﬁ', '①', E'\u0338']) p;
CREATE TABLE noise AS
SELECT DISTINCT CASE i % 5 WHEN 0 THEN text WHEN 1 THEN upper(text) WHEN 2 THEN '<' || text || '>' ELSE text || '@x.org' END AS v
  FROM generate_series(1, 260) i,
       LATERAL (SELECT string_agg(p, '' ORDER BY j) AS text FROM generate_series(1, 1 + i % 7) j JOIN piece ON n = ('x' || substr(md5(i / 3 || '/' || j), 1, 7))::bit(28)::int % 63) t;
INSERT INTO noise SELECT v FROM value WHERE v NOT IN (SELECT v FROM noise);
SELECT count(*) > 300 AS "enough values", count(*) FILTER (WHERE normalize_email(v) IS NULL) > 60 AS "none among them", count(DISTINCT ~@ v) > 60 AS "addresses among them" FROM noise;
SELECT count(*) FROM noise WHERE ~@ ~@ v <> ~@ v OR normalize_mailbox(normalize_mailbox(v)) <> normalize_mailbox(v) OR ~@ normalize_mailbox(v) <> normalize_mailbox(v)
   OR (~@ v IS NULL) <> (normalize_mailbox(v) IS NULL) OR (~@ v IS NULL) <> (email_problem(v) IS NOT NULL) OR (email_domain(v) IS NULL) <> (~@ v IS NULL) OR ~@ (E'\u3000' || v || E'\u200b ') IS DISTINCT FROM ~@ v;
SELECT count(*) FROM (SELECT v FROM noise WHERE is_tried(v)) a, noise b
 WHERE (a.v =@ b.v) <> coalesce(~@ a.v = ~@ b.v, false) OR (a.v <>@ b.v) = (a.v =@ b.v) OR (a.v ==@ b.v) <> (coalesce(~@ a.v = ~@ b.v, false) OR a.v = b.v COLLATE "C")
    OR (a.v ==@ b.v) <> (email_compare(a.v, b.v) = 0) OR sign(email_compare(a.v, b.v)) <> -sign(email_compare(b.v, a.v)) OR (a.v <#@ b.v) <> (email_compare(a.v, b.v) < 0)
    OR (a.v ==@ b.v AND (email_hash(a.v) <> email_hash(b.v) OR email_hash_extended(a.v, 7) <> email_hash_extended(b.v, 7)))
    OR (a.v =~@ b.v) <> coalesce(normalize_mailbox(a.v) = normalize_mailbox(b.v), false) OR (a.v ==~@ b.v) <> (mailbox_compare(a.v, b.v) = 0)
    OR (a.v ==~@ b.v AND (mailbox_hash(a.v) <> mailbox_hash(b.v) OR mailbox_hash_extended(a.v, 7) <> mailbox_hash_extended(b.v, 7))) OR (a.v =@ b.v AND NOT a.v =~@ b.v);
-- The order that a sort comes to is the order of every pair: it is one order, and so the equalities are transitive.
CREATE TABLE noise_sorted AS SELECT row_number() OVER (ORDER BY v USING <#@) AS n, dense_rank() OVER (ORDER BY v USING <#@) AS class, v,
                                    row_number() OVER (ORDER BY v USING <#~@) AS m, dense_rank() OVER (ORDER BY v USING <#~@) AS mailbox_class FROM noise;
SELECT count(*) FROM noise_sorted a JOIN noise_sorted b ON a.n < b.n AND a.v >#@ b.v OR a.m < b.m AND a.v >#~@ b.v OR (a.class = b.class) <> (a.v ==@ b.v) OR (a.mailbox_class = b.mailbox_class) <> (a.v ==~@ b.v);

-- The type email, with itself and with text on either side, says what ==@ and the order of email_ops say, and hashes like them.
SELECT count(*) FROM (SELECT v, v::email AS e FROM noise WHERE is_tried(v)) a, (SELECT v, v::email AS e FROM noise) b
 WHERE ROW(a.e = b.e, a.e = b.v, a.v = b.e) IS DISTINCT FROM ROW(a.v ==@ b.v, a.v ==@ b.v, a.v ==@ b.v) OR ROW(a.e <> b.e, a.e <> b.v, a.v <> b.e) IS DISTINCT FROM ROW(NOT a.v ==@ b.v, NOT a.v ==@ b.v, NOT a.v ==@ b.v)
    OR ROW(a.e < b.e, a.e < b.v, a.v < b.e) IS DISTINCT FROM ROW(a.v <#@ b.v, a.v <#@ b.v, a.v <#@ b.v) OR ROW(a.e <= b.e, a.e <= b.v, a.v <= b.e) IS DISTINCT FROM ROW(a.v <=#@ b.v, a.v <=#@ b.v, a.v <=#@ b.v)
    OR ROW(a.e > b.e, a.e > b.v, a.v > b.e) IS DISTINCT FROM ROW(a.v >#@ b.v, a.v >#@ b.v, a.v >#@ b.v) OR ROW(a.e >= b.e, a.e >= b.v, a.v >= b.e) IS DISTINCT FROM ROW(a.v >=#@ b.v, a.v >=#@ b.v, a.v >=#@ b.v);
SELECT count(*) FROM noise WHERE email_type_hash(v::email) <> email_hash(v) OR email_type_hash_extended(v::email, 7) <> email_hash_extended(v, 7) OR v::email::text <> v COLLATE "C";
SELECT (SELECT count(*) FROM (SELECT v::email FROM noise GROUP BY 1) g) = (SELECT max(class) FROM noise_sorted) AS "groups are classes";
-- All classes of operators are as PostgreSQL wants them.
SELECT count(*), bool_and(amvalidate(c.oid)) FROM pg_opclass c JOIN pg_depend d ON d.classid = 'pg_opclass'::regclass AND d.objid = c.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'identity_resolve';
