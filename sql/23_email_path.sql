-- The type email compares by address wherever its schema is on the search path, and wherever it is not. Its operators, min() and max() live in
-- pg_catalog, which no path leaves out; so neither a path nor a missing USAGE on the schema turns a comparison of addresses into one of texts.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA email_path;
SET search_path = email_path, public;
RESET client_min_messages;
CREATE TABLE account (email email PRIMARY KEY, plan text);
CREATE TABLE ticket (id int PRIMARY KEY, email text);
INSERT INTO account VALUES ('Ziggy@StarDust.com', 'basic'), ('queen@beyonce.com', 'pro'), ('n/a', NULL);
INSERT INTO ticket VALUES (1, 'ziggy@stardust.com'), (2, 'Queen <QUEEN@beyonce.com>'), (3, 'n/a'), (4, 'zoe@mars.org');

-- What an application, a driver or a job says with an empty path. Each line would find nothing if it compared texts.
SET search_path = '';
SELECT plan FROM email_path.account WHERE email = 'ziggy@stardust.com';
SELECT plan FROM email_path.account WHERE email = 'ziggy@stardust.com'::text;
SELECT plan FROM email_path.account WHERE 'ziggy@stardust.com'::varchar = email;
SELECT plan FROM email_path.account WHERE email OPERATOR(pg_catalog.=) 'ziggy@stardust.com';
SELECT plan FROM email_path.account WHERE email IN ('ziggy@stardust.com', 'nobody@x.org');
SELECT plan FROM email_path.account WHERE email IN ('ziggy@stardust.com', 'nobody@x.org'::text);
SELECT plan FROM email_path.account WHERE email IN (SELECT email FROM email_path.ticket WHERE id = 1);
SELECT plan FROM email_path.account WHERE email = ANY ('{ziggy@stardust.com}');
SELECT plan FROM email_path.account WHERE email = ANY (ARRAY['ziggy@stardust.com', 'nobody@x.org']);
SELECT plan FROM email_path.account WHERE NOT email <> ALL ('{ziggy@stardust.com}'::varchar[]);
SELECT plan FROM email_path.account WHERE email BETWEEN 'ZIGGY@stardust.com' AND 'ziggy@stardust.com';
SELECT plan FROM email_path.account WHERE email IS NOT DISTINCT FROM 'ziggy@stardust.com';
SELECT plan FROM email_path.account WHERE (email, plan) = ('ziggy@stardust.com', 'basic');
SELECT plan FROM email_path.account WHERE (email, plan) IN (VALUES ('ziggy@stardust.com', 'basic'));
SELECT plan FROM email_path.account WHERE ROW(email, 'a'::text) BETWEEN ROW('ZIGGY@stardust.com', 'a') AND ROW('ziggy@STARDUST.com', 'a');
SELECT plan, CASE email WHEN 'QUEEN@beyonce.com' THEN 'queen' WHEN 'ziggy@stardust.com'::text THEN 'ziggy' END AS name, nullif(email, 'N/A') AS "nullif n/a", nullif(email, 'Queen@Beyonce.com') AS "nullif queen",
       greatest(email, 'QUEEN@beyonce.com') AS greatest FROM email_path.account ORDER BY email;
SELECT plan, id FROM email_path.account JOIN email_path.ticket USING (email) ORDER BY id;
SELECT plan, id FROM email_path.account NATURAL LEFT JOIN email_path.ticket ORDER BY id;
SELECT id FROM email_path.ticket t WHERE EXISTS (SELECT FROM email_path.account a WHERE a.email = t.email) ORDER BY id;
SELECT min(email), max(email), pg_typeof(min(email)), count(DISTINCT email) FROM (TABLE email_path.account UNION ALL SELECT 'QUEEN@beyonce.com', NULL) a WHERE email <> 'n/a';
SELECT email FROM email_path.account ORDER BY email USING >;
SELECT array_position(array_agg(email ORDER BY email), 'ziggy@stardust.com'), array_agg(email) @> '{ziggy@stardust.com}' AS contains, array_agg(email ORDER BY email) < '{QUEEN@beyonce.com,b@x.org}' AS less FROM email_path.account;
UPDATE email_path.account SET plan = 'pro' WHERE email = 'ziggy@stardust.com' RETURNING *;
INSERT INTO email_path.account VALUES ('ZIGGY@stardust.com', 'basic') ON CONFLICT (email) DO UPDATE SET plan = 'basic' WHERE account.email = 'ziggy@stardust.com' RETURNING *;
CREATE TABLE email_path.held (email public.email, EXCLUDE USING btree (email WITH =));
INSERT INTO email_path.held VALUES ('a@x.org'), ('A@x.org');

-- Indexes serve it, as parameters of any type too.
INSERT INTO email_path.account SELECT format('Person.%s@Example.com', i) FROM generate_series(1, 1000) i;
ANALYZE email_path.account;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE untyped AS SELECT email FROM email_path.account WHERE email = $1;
PREPARE by_text (text) AS SELECT email FROM email_path.account WHERE email = $1;
PREPARE by_texts (varchar[]) AS SELECT email FROM email_path.account WHERE email = ANY ($1);
EXPLAIN (COSTS OFF) EXECUTE untyped ('');
EXECUTE untyped ('PERSON.7@example.com');
EXPLAIN (COSTS OFF) EXECUTE by_text ('');
EXECUTE by_text ('PERSON.7@example.com');
EXPLAIN (COSTS OFF) EXECUTE by_texts ('{}');
EXECUTE by_texts ('{PERSON.7@example.com}');
EXPLAIN (COSTS OFF) SELECT FROM email_path.ticket t JOIN email_path.account a USING (email) WHERE t.id = 1;
DEALLOCATE ALL;
RESET plan_cache_mode;
RESET enable_seqscan;
RESET enable_bitmapscan;
DELETE FROM email_path.account WHERE email >= 'person.1@example.com' AND email < 'q@x.org';

-- What has no operator of its own is refused, and not compared as text.
\set VERBOSITY terse
SELECT 'a@x.org'::public.email =@ 'A@x.org';
SELECT ARRAY['a@x.org']::public.email[] = ARRAY['A@x.org'];
SELECT 'a@x.org'::public.email = 'A@x.org'::name;
\set VERBOSITY default

-- Every operator, between email and each type that might be taken for text, on either side and under each path, says what the addresses say:
-- spellings of one, an order that no collation of texts has, and what is no address. Nothing fails, nothing is wrong.
SET search_path = email_path, public;
CREATE DOMAIN email_domain AS email;
CREATE DOMAIN text_domain AS text;
CREATE DOMAIN varchar_domain AS varchar(20);
CREATE TABLE said (path text, statement text, wrong boolean);
CREATE FUNCTION say() RETURNS void LANGUAGE plpgsql SET search_path = email_path AS $$
DECLARE p record; t record; s text; said boolean;
BEGIN
  FOR p IN SELECT * FROM (VALUES (''), ('pg_catalog'), ('pg_catalog, pg_temp'), ('email_path'), ('email_path, pg_catalog'), ('email_path, public'), ('public, pg_catalog')) AS path (path) LOOP
    FOR t IN SELECT format('%L::public.email', CASE WHEN swap THEN right_value ELSE left_value END) AS one, format('%L', CASE WHEN swap THEN left_value ELSE right_value END) || other AS other,
                    CASE WHEN swap THEN -sign ELSE sign END AS sign, o.*
               FROM (VALUES ('A@x.org', 'a@X.org', 0), ('a@x.org', 'B@x.org', -1), ('Z@z.org', 'n/a', -1), ('n/a', 'N/A', 1), ('n/a', 'n/a', 0)) AS pair (left_value, right_value, sign),
                    (VALUES (false), (true)) AS either (swap),
                    (VALUES (''), ('::public.email'), ('::text'), ('::varchar'), ('::varchar(20)'), ('::char(9)'), ('::email_path.email_domain'), ('::email_path.text_domain'), ('::email_path.varchar_domain'), ('::public.email COLLATE "C"')) AS other (other),
                    (VALUES ('=', '{0}'::int[]), ('<>', '{-1,1}'), ('!=', '{-1,1}'), ('<', '{-1}'), ('<=', '{-1,0}'), ('>', '{1}'), ('>=', '{1,0}'),
                            ('IS DISTINCT FROM', '{-1,1}'), ('IS NOT DISTINCT FROM', '{0}'), ('OPERATOR(pg_catalog.=)', '{0}'), ('OPERATOR(pg_catalog.<)', '{-1}')) AS o (operator, signs) LOOP
      PERFORM set_config('search_path', p.path, true);
      s := format('SELECT %s %s %s', t.one, t.operator, t.other);
      EXECUTE s INTO said;
      INSERT INTO email_path.said VALUES (p.path, s, said IS DISTINCT FROM (t.sign = ANY (t.signs)));
      s := format('SELECT %s %s %s', t.other, t.operator, t.one);
      EXECUTE s INTO said;
      INSERT INTO email_path.said VALUES (p.path, s, said IS DISTINCT FROM (-t.sign = ANY (t.signs)));
    END LOOP;
  END LOOP;
END $$;
SELECT say();
SELECT path, count(*) AS statements, count(*) FILTER (WHERE wrong) AS wrong FROM said GROUP BY path ORDER BY path;
SELECT statement FROM said WHERE wrong ORDER BY path, statement LIMIT 5;

-- So it is in functions that set their own path, and in what runs under another path than the one that it was made under.
CREATE FUNCTION plan_of(who text) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN RETURN (SELECT plan FROM email_path.account WHERE email = who); END $$;
SELECT plan_of('ziggy@stardust.com');
CREATE FUNCTION is_ziggy(email) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT $1 = 'ziggy@stardust.com' $$;
CREATE MATERIALIZED VIEW ziggy AS SELECT email FROM account WHERE is_ziggy(email) WITH NO DATA;
SET search_path = pg_catalog, pg_temp;  -- as PostgreSQL 17 and later refresh it
REFRESH MATERIALIZED VIEW email_path.ziggy;
TABLE email_path.ziggy;
CREATE VIEW email_path.basic AS SELECT a.email, min(a.email) OVER () AS first, t.id FROM email_path.account a JOIN email_path.ticket t ON t.email = a.email WHERE a.email IN ('ziggy@stardust.com', 'QUEEN@beyonce.com') AND a.email < 'zz@x.org';
SELECT email, id FROM email_path.basic ORDER BY id;
SET search_path = email_path, public;

-- A role that may not look into the extension's schema has the same operators: a path passes by what a role has no USAGE on.
BEGIN;
CREATE ROLE identity_email_path;
GRANT USAGE ON SCHEMA email_path TO identity_email_path;
GRANT SELECT ON account, ticket TO identity_email_path;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
SET ROLE identity_email_path;
SELECT has_schema_privilege('public', 'USAGE'), plan, id FROM account JOIN ticket USING (email) WHERE email = 'ziggy@stardust.com';
ROLLBACK;

-- Nothing else in the database is resolved in another way: what knows no email has text's operators as before.
SET search_path = '';
CREATE VIEW email_path.as_ever AS SELECT 'a' = 'A' AS literals, v = 'A' AS varchar, 'A' < d AS domain, v IN ('A', 'B') AS "in", c = v AS char, n = 'A' AS name, n < v AS names, min(v) OVER () AS min_varchar, max('x') OVER () AS max_literal,
  pg_typeof(min(NULL) OVER ()) AS min_null, email.e::text = 'A' AS "as text" FROM (SELECT NULL::varchar AS v, NULL::email_path.varchar_domain AS d, NULL::char(3) AS c, NULL::name AS n, NULL::public.email AS e) email;
SELECT r.ev_class::regclass AS view, pg_describe_object(refclassid, refobjid, 0) AS "uses of ours" FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
 WHERE r.ev_class IN ('email_path.as_ever'::regclass, 'email_path.basic'::regclass) AND refclassid IN ('pg_operator'::regclass, 'pg_proc'::regclass) ORDER BY 1, 2;

-- The rule behind it: whatever shares its name with something of pg_catalog is in pg_catalog, so nothing there is taken in its stead; and no type but email becomes another one unasked.
SELECT d.classid::regclass AS catalog, pg_describe_object(d.classid, d.objid, 0) AS "hidden where the schema is off the path"
  FROM pg_depend d JOIN pg_extension e ON e.extname = 'identity_resolve' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  LEFT JOIN pg_operator o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
  LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
 WHERE p.pronamespace <> 'pg_catalog'::regnamespace AND EXISTS (SELECT FROM pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname)
    OR o.oprnamespace <> 'pg_catalog'::regnamespace AND EXISTS (SELECT FROM pg_operator b WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = o.oprname)
    OR t.typnamespace <> 'pg_catalog'::regnamespace AND EXISTS (SELECT FROM pg_type b WHERE b.typnamespace = 'pg_catalog'::regnamespace AND b.typname = t.typname);
SELECT castsource::regtype, casttarget::regtype FROM pg_cast WHERE oid >= 16384 AND castcontext = 'i' AND EXISTS (
  SELECT FROM pg_depend WHERE classid = 'pg_cast'::regclass AND objid = pg_cast.oid AND deptype = 'e') ORDER BY 1, 2;
SELECT pg_describe_object(d.classid, d.objid, 0) AS "of ours in pg_catalog" FROM pg_depend d JOIN pg_extension e ON e.extname = 'identity_resolve' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
 WHERE (SELECT pronamespace FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid) = 'pg_catalog'::regnamespace
    OR (SELECT oprnamespace FROM pg_operator WHERE d.classid = 'pg_operator'::regclass AND oid = d.objid) = 'pg_catalog'::regnamespace ORDER BY 1;
