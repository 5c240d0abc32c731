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
 WHERE NOT a.v <=#@ c.v OR (a.v ==@ b.v AND b.v ==@ c.v AND NOT a.v ==@ c.v) OR (a.v =@ b.v AND b.v =@ c.v AND NOT a.v =@ c.v);

-- A sort, an index and the comparison agree about the order, addresses first.
CREATE TABLE sorted AS SELECT row_number() OVER (ORDER BY v USING <#@) AS n, v FROM value;
SELECT count(*) FROM sorted a JOIN sorted b ON a.n < b.n AND a.v >#@ b.v;
SELECT count(*) FROM sorted a JOIN sorted b ON a.n < b.n AND ~@ a.v IS NULL AND ~@ b.v IS NOT NULL;
CREATE INDEX ON sorted (v email_ops);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT count(*) FROM (SELECT v, lag(v) OVER () AS before FROM (SELECT v FROM sorted ORDER BY v USING <#@) o) p WHERE before >#@ v;
