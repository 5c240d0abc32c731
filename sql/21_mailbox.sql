-- Mailboxes: the address plus what its provider says of its own addresses; and what else an address tells.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA mailbox;
SET search_path = mailbox, public;
RESET client_min_messages;

-- One account, as people type it.
SELECT typed, normalize_mailbox(typed) AS mailbox
  FROM (VALUES ('Zig.Gy+news@Googlemail.com'), ('zig.gy+news@outlook.com'), ('ziggy-news@yahoo.com'), ('ziggy@me.com'), ('shop@ziggy.fastmail.com'), ('shop@zig-gy.fastmail.com'),
               ('zig_gy@pm.me'), ('zig.gy@ya.ru'), ('12345+ziggy@users.noreply.github.com'), ('12345+stardust@users.noreply.github.com')) v (typed);

-- A Yahoo user's disposable addresses begin with a base name, and the account of that name may be somebody else's. So they
-- are one mailbox, spelled as no Yahoo ID can be, and the account is another.
SELECT normalize_mailbox('nick-shop@yahoo.com') AS disposable, normalize_mailbox('nick@yahoo.com') AS account,
       'nick-shop@yahoo.com' =~@ 'nick-news@yahoo.com' AS "one user's", 'nick-shop@yahoo.com' =~@ 'nick@yahoo.com' AS "perhaps another's";
SELECT email, shop_id, crm_id FROM resolve_identities(
  identity_source('shop', $$SELECT * FROM (VALUES (1, 'nick-shop@yahoo.com'), (2, 'nick@yahoo.com')) v(id, email)$$),
  identity_source('crm', $$SELECT * FROM (VALUES (7, 'nick-news@yahoo.com'), (8, 'Nick@yahoo.com')) v(id, email)$$),
  identity_rule('email', normalizer => 'mailbox')) AS (email text, shop_id int, crm_id int) ORDER BY shop_id;
-- The form that stands for a mailbox is an address of that mailbox.
SELECT count(*) AS "not its own" FROM email_providers(), unnest(domains) domain, unnest('{zig.gy,zig-gy+x,zig_gy-a-b,12345+ziggy,-ziggy,+ziggy}'::text[]) name
 WHERE normalize_mailbox(normalize_mailbox(name || '@' || domain)) <> normalize_mailbox(name || '@' || domain);

-- A tag is not cut for a provider that is not known to have tags, nor a dot elsewhere than at Gmail; quoted and non-ASCII names are left alone.
SELECT typed, normalize_mailbox(typed) = normalize_email(typed) AS "stays as it is"
  FROM (VALUES ('zig.gy+news@example.com'), ('ziggy-news@gmail.com'), ('zig.gy@icloud.com'), ('ziggy+news@yahoo.com'), ('"zig gy"@gmail.com'), ('zíg.gy@gmail.com'),
               ('+news@gmail.com'), ('ziggy@users.noreply.github.com')) v (typed);

-- The two levels are never mixed: =@ compares addresses, =~@ mailboxes.
SELECT a, b, a =@ b AS "=@", a =~@ b AS "=~@", a <>~@ b AS "<>~@"
  FROM (VALUES ('zig.gy@gmail.com', 'ziggy+x@googlemail.com'), ('ziggy@gmail.com', 'ziggy@outlook.com'), ('n/a', 'n/a'), (NULL, 'ziggy@gmail.com')) v (a, b);

-- Joins and indexes know =~@ as they know =@.
CREATE TABLE signup (id int, email text);
INSERT INTO signup SELECT i, CASE i % 4 WHEN 0 THEN format('per.son%s@gmail.com', i / 4) WHEN 1 THEN format('person%s+tag@googlemail.com', i / 4) WHEN 2 THEN 'n/a'
                                 ELSE format('person%s@example.com', i / 4) END FROM generate_series(0, 999) i;
ANALYZE signup;
\set lib `echo "${PG_ABS_SRCDIR:-.}/test/lib"`
\i :lib/plan_lines.sql
SET max_parallel_workers_per_gather = 0;
SELECT plan_lines('SELECT count(*) FROM signup a JOIN signup b ON a.email =~@ b.email AND a.id < b.id');
SELECT count(*) FROM signup a JOIN signup b ON a.email =~@ b.email AND a.id < b.id;
CREATE INDEX ON signup (email mailbox_ops);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM signup WHERE email =~@ 'P.erson7@gmail.com' ORDER BY id;
SELECT * FROM signup WHERE email =~@ 'P.erson7@gmail.com' ORDER BY id;
SELECT count(*) FROM signup WHERE email =~@ 'n/a';
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT plan_lines('SELECT count(*) FROM signup a JOIN signup b ON a.email =~@ b.email AND a.id < b.id');
SELECT count(*) FROM signup a JOIN signup b ON a.email =~@ b.email AND a.id < b.id;
RESET max_parallel_workers_per_gather;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- The rules, for everybody to read.
SELECT provider, domains[1] AS "for instance", home_domain, ignored_characters AS ignored, tag_separator AS tag, peculiarity FROM email_providers();
SELECT count(*) AS "without a page" FROM email_providers() WHERE page IS NULL OR page !~ '^https?://';

-- Why not?
SELECT typed, email_problem(typed)
  FROM (VALUES ('ziggy@stardust.com'), ('n/a'), (''), ('ziggy@'), ('@stardust.com'), ('a@b@stardust.com'), ('ziggy stardust@x.org'), ('.ziggy@x.org'), ('ziggy@localhost'),
               ('ziggy@x..org'), ('ziggy@-x.org'), ('ziggy@x_y.org'), ('ziggy@127.0.0.1'), ('ziggy@[127.0.0.1]'), ('"ziggy@x.org'), ('a@x.org <b@x.org>'),
               ('ziggy@xn--zzzzzz.org'), (NULL)) v (typed);
SELECT email_problem(repeat('z', 65) || '@x.org') AS a, email_problem('z@' || repeat('x', 64) || '.org') AS b, email_problem(repeat('z', 1001)) AS c;
SELECT email_problem(E'zig\u200bgy@x.org') AS "a zero-width space inside";

-- Whose address is it?
SELECT email, email_domain(email), email_is_role(email) AS role, email_is_free(email) AS free, email_is_disposable(email) AS disposable
  FROM (VALUES ('Ziggy@Stardust.com'), ('Info+de@Bücher.example'), ('ziggy@gmail.com'), ('shop@ziggy.fastmail.com'), ('x@inbox.mailinator.com'), ('x@guerrillamailblock.com'), ('x@duck.com'), ('n/a'), (NULL)) v (email);

SELECT a.amname, c.opcname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.opcname = 'mailbox_ops' ORDER BY 1;
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
 WHERE p.proname ~ 'mailbox' AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's');
