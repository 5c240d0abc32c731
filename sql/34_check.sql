-- All that is wrong with a call at once: identity_check(). Each finding is shown where it is, and not where it is not.
CREATE SCHEMA checks;
SET search_path = checks, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

CREATE TABLE app (id text PRIMARY KEY, email text, updated_at timestamptz);
INSERT INTO app SELECT 'U' || n, 'p' || n || '@x.com', '2024-01-01' FROM generate_series(1, 9) n;
CREATE TABLE desk (id bigint PRIMARY KEY, external_id text, email text, phone text, updated_at timestamptz);
INSERT INTO desk SELECT n, 'U' || n, 'p' || n || '@x.com', '+1650253000' || n, '2024-01-01' FROM generate_series(1, 9) n;
CREATE FUNCTION app() RETURNS identity_clause IMMUTABLE RETURN identity_source('app', 'SELECT id, id AS user_id, email, updated_at FROM checks.app');
CREATE FUNCTION desk() RETURNS identity_clause IMMUTABLE RETURN identity_source('desk', 'SELECT id, external_id AS user_id, email, updated_at FROM checks.desk');

-- Nothing is wrong with these.
SELECT * FROM identity_check(app(), desk());

-- ---- Errors: as a resolve would raise them, but all of them. ----
-- Each column, each source; what is behind a column that is no kind is measured all the same.
SELECT severity, source, subject, problem FROM identity_check(
  identity_source('crm', 'SELECT id, email, ''Acme'' AS company, 1.5::real AS user_id FROM checks.app'),
  identity_source('gone', 'SELECT id FROM checks.nowhere'), identity_source('two', 'SELECT 1; SELECT 2'),
  identity_source('star', 'SELECT id, NULL::timestamptz AS updated_at, ''x'' AS name, ''y'' AS plan, email FROM checks.app'), app());
SELECT DISTINCT advice FROM identity_check(identity_source('star', 'SELECT id, email, ''y'' AS plan FROM checks.app'));
-- A name is a name, whatever is in it. No rule can carry one like this, so that the rest of its source is not measured.
SELECT severity, source, subject, problem ~ 'always NULL' AS is_measured FROM identity_check(app(),
  identity_source('odd', 'SELECT id, email, NULL::timestamptz AS updated_at, 1 AS "a"", ""link"": true, ""b\" FROM checks.desk'));
-- The same text, SQLSTATE aside, as the resolve's.
SELECT * FROM identity_records(identity_source('gone', 'SELECT id FROM checks.nowhere'));
-- At run time: each source that fails, and what is wrong with the others.
SELECT severity, source, problem FROM identity_check(app(), identity_source('div', 'SELECT id, 1 / (id - 3) AS user_id, email FROM checks.desk'), desk(),
  identity_source('cast', 'SELECT id, email::int AS user_id FROM checks.app'), identity_source('null', 'SELECT NULLIF(id, ''U4''), email FROM checks.app'),
  identity_source('empty', 'SELECT id, email FROM checks.app WHERE false'));
-- No source is read more than twice, and once where none fails.
CREATE FUNCTION seen(id text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'reads %', id; RETURN id; END $$;
\set VERBOSITY terse
SELECT problem FROM identity_check(identity_source('one', 'SELECT checks.seen(''one'') AS id, ''u1'' AS user_id'), identity_source('bad', 'SELECT 1 / (n - n) AS id FROM generate_series(1, 2) n'), identity_source('worst', 'SELECT 1 / 0 AS id'),
  identity_source('three', 'SELECT checks.seen(''three'') AS id, ''u1'' AS user_id'), identity_source('worse', 'SELECT 1 AS id, 1 / (n - n) AS user_id FROM generate_series(1, 2) n')) WHERE severity = 'error';
SELECT problem FROM identity_check(identity_source('one', 'SELECT checks.seen(n::text) AS id, ''info@x.com'' AS email FROM generate_series(1, 2) n'));
\set VERBOSITY default
-- Clauses.
SELECT severity, subject, problem, advice FROM identity_check(app(), desk(), app(), NULL, identity_alias('sku', 'SELECT 1, 2'), identity_rule('email', region => 'GB'), identity_output(), identity_output());
SELECT * FROM identity_check(identity_rule('email'));
SELECT * FROM identity_check();
SELECT * FROM identity_check(VARIADIC NULL::identity_clause[]);
-- Of an identity map's clauses its columns, too.
SELECT severity, subject, problem FROM identity_check(app(), desk(), identity_column('app_id'), identity_column('user_id', 'text'), identity_column('email', 'nonsense'), identity_column('crm_id'));
SELECT count(*) FROM identity_check(app(), desk(), identity_column('app_id'));
-- An alias: what fails, and what says nothing.
SELECT severity, source, subject, problem FROM identity_check(app(), desk(), identity_alias('user_id', 'SELECT ''U1'', 1 / 0'), identity_alias('email', 'SELECT ''a@x.com'', ''A@X.com'''));

-- Nothing is written, and what fails leaves the transaction usable.
BEGIN;
CREATE TABLE written (id int);
SELECT severity, problem FROM identity_check(app(), identity_source('w', 'WITH w AS (INSERT INTO checks.written VALUES (1) RETURNING id) SELECT id FROM w'), identity_source('f', 'SELECT checks.write() AS id, 1 AS user_id'));
CREATE FUNCTION write() RETURNS int LANGUAGE sql AS 'INSERT INTO checks.written VALUES (1) RETURNING id';
SELECT severity, problem FROM identity_check(app(), identity_source('f', 'SELECT checks.write() AS id, 1 AS user_id')) WHERE severity = 'error';
SELECT count(*) FROM written;
ROLLBACK;
-- A cancel is no finding.
SET statement_timeout = 300;
SELECT * FROM identity_check(app(), identity_source('slow', 'SELECT pg_sleep(5)::text AS id, ''x'' AS user_id'));
RESET statement_timeout;

-- ---- What is measured. app() and desk() alone have none of it. ----
CREATE FUNCTION found(VARIADIC clauses identity_clause[]) RETURNS TABLE (severity text, source text, subject text, problem text) LANGUAGE sql AS
  $$ SELECT severity, source, subject, problem FROM identity_check(VARIADIC clauses) $$;

-- An empty source.
SELECT * FROM found(app(), desk(), identity_source('none', 'SELECT id, email FROM checks.app WHERE id = ''''')) WHERE source = 'none';

-- Rows that name no record; as an error where the source is strict. Ids with blanks around them.
SELECT * FROM found(app(), desk(), identity_source('shop', $$SELECT * FROM (VALUES ('', 'p1@x.com'), ('1', 'p2@x.com'), ('2', 'p3@x.com'), (' 2', 'p4@x.com')) v(key, email)$$)) WHERE subject = 'key' OR problem LIKE '%blanks%';
SELECT * FROM found(app(), desk(), identity_source('shop', $$SELECT * FROM (VALUES ('', 'p1@x.com'), ('1', 'p2@x.com')) v(key, email)$$, bad_ids => 'error')) WHERE subject = 'key';

-- A first column that repeats: a little is how further addresses are brought in, and events say the same again and again; what brings several values together is no key.
SELECT * FROM found(app(), desk(), identity_source('events', 'SELECT n % 9 + 1, ''U'' || n % 9 + 1 AS user_id FROM generate_series(1, 90) n'));
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id, email FROM checks.desk UNION ALL SELECT 1, ''q1@x.com'''));
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id % 2, email FROM checks.desk'));

-- Records that carry nothing that could link: invalid and blocked values do not count.
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id, CASE WHEN id > 2 THEN email WHEN id = 2 THEN ''n/a'' END AS email FROM checks.desk'));
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id, CASE WHEN id > 7 THEN email END AS email FROM checks.desk'));

-- Values that are mostly none of their kind, and what they look like.
SELECT source, subject, problem, advice FROM identity_check(app(), desk(),
  identity_source('md', 'SELECT id, ARRAY[md5(email), email] AS email, id || ''x'' AS username FROM checks.desk'),
  identity_source('hashed', 'SELECT id, md5(email) AS email FROM checks.desk'),
  identity_source('masked', 'SELECT id, left(email, 1) || ''***'' AS email FROM checks.desk'),
  identity_source('json', 'SELECT id, format(''["%s"]'', email) AS email FROM checks.desk'),
  identity_source('phones', 'SELECT id, substr(phone, 3) AS phone FROM checks.desk'),
  identity_source('names', 'SELECT id, ''Person '' || id AS email FROM checks.desk')) WHERE problem LIKE '%invalid, such as%';
SELECT * FROM found(app(), desk(), identity_source('phones', 'SELECT id, substr(phone, 3) AS phone FROM checks.desk'), identity_rule('phone', region => 'US')) WHERE problem LIKE '%invalid, such as%';

-- One value on a large share of a source's records, whether it links or not; not on four of them, and not on a tenth.
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id, ''example@shop.com'' AS email FROM checks.desk')) WHERE subject = 'email';
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT id, CASE WHEN id > 4 THEN email ELSE ''example@shop.com'' END AS email FROM checks.desk')) WHERE problem LIKE '%example%';
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT n, CASE WHEN n % 10 = 0 THEN ''example@shop.com'' ELSE ''p'' || n || ''@x.com'' END AS email FROM generate_series(1, 500) n')) WHERE problem LIKE '%example%';
SELECT * FROM found(app(), desk(), identity_source('shop', 'SELECT n, CASE WHEN n % 4 = 0 THEN ''undefined'' ELSE ''U'' || n END AS user_id FROM generate_series(1, 5000) n')) WHERE problem LIKE '%undefined%';

-- A rule, or an alias, for a kind that no source has.
SELECT subject, problem, advice FROM identity_check(app(), desk(), identity_rule('emial', link => true), identity_rule('emails'), identity_rule('shoe_size'), identity_rule('email', max_records => 50), identity_alias('phone', 'SELECT ''+16502530000'', ''+16502530001'''));
SELECT * FROM found(app(), desk(), identity_source('t', 'SELECT id, email AS username, ''a'' AS tenant FROM checks.app'), identity_rule('username', scope => 'tenant')) WHERE problem LIKE 'no source%';

-- A kind that only one source has; one that is carried is no such.
SELECT * FROM found(app(), identity_source('desk', 'SELECT id, external_id AS user_id, email, phone FROM checks.desk'));
SELECT * FROM found(app(), identity_source('desk', 'SELECT id, external_id AS user_id, email, phone FROM checks.desk'), identity_rule('phone', link => false));

-- Ids that miss another source's by their spelling.
SELECT source, subject, problem, advice FROM identity_check(
  identity_source('app', 'SELECT id, id AS user_id, length(id) || ''0000'' || substr(id, 2) AS external_id FROM checks.app'),
  identity_source('lower', 'SELECT id, lower(id) AS user_id FROM checks.app'),
  identity_source('decimal', 'SELECT id, ''20000'' || id || ''.0'' AS external_id FROM checks.desk'),
  identity_source('padded', 'SELECT id, ''00020000'' || id AS external_id FROM checks.desk'),
  identity_source('blank', 'SELECT id, ''2000 0'' || id AS external_id FROM checks.desk')) WHERE problem LIKE '%but for%';
SELECT source, problem FROM identity_check(
  identity_source('app', $$SELECT n, upper(md5(n::text)::uuid::text) AS user_id FROM generate_series(1, 20) n$$),
  identity_source('web', $$SELECT n, md5(n::text)::uuid AS user_id FROM generate_series(1, 15) n$$), identity_source('bare', $$SELECT n, md5(n::text) AS user_id FROM generate_series(1, 10) n$$)) WHERE problem LIKE '%but for%';
SELECT source, problem FROM identity_check(
  identity_source('app', $$SELECT n, upper(md5(n::text)::uuid::text) AS user_id FROM generate_series(1, 20) n$$),
  identity_source('web', $$SELECT n, md5(n::text)::uuid AS user_id FROM generate_series(1, 15) n$$), identity_rule('user_id', normalizer => 'uuid')) WHERE problem LIKE '%but for%';

-- Many identifiers on one record; and so many that a resolve warns.
SELECT * FROM found(app(), desk(), identity_source('shop', $$SELECT id, CASE id WHEN 3 THEN ARRAY(SELECT 'q' || n || '@x.com' FROM generate_series(1, 12) n) ELSE ARRAY[email] END AS email FROM checks.desk$$));
SELECT * FROM found(app(), desk(), identity_source('shop', $$SELECT id, CASE id WHEN 3 THEN ARRAY(SELECT 'q' || n || '@x.com' FROM generate_series(1, 1200) n) ELSE ARRAY[email] END AS email FROM checks.desk$$));

-- Two sources of one table: rows that are in both, or none. A view is its table.
CREATE VIEW desk_view AS SELECT * FROM desk WHERE id < 4;
SELECT * FROM found(app(), desk(), identity_source('agents', 'SELECT id, email FROM checks.desk_view'));
SELECT * FROM found(app(), identity_source('desk', 'SELECT id, external_id AS user_id, email FROM checks.desk WHERE id > 4'), identity_source('agents', 'SELECT id, email FROM checks.desk WHERE id < 4'));

-- Names without a schema: of tables and functions, not of what WITH names or what is PostgreSQL's own.
CREATE FUNCTION clean(text) RETURNS text IMMUTABLE RETURN lower($1);
SELECT * FROM found(app(), identity_source('desk', 'WITH d AS (SELECT * FROM desk JOIN pg_class c ON false RIGHT JOIN checks.app a ON true) SELECT DISTINCT checks.clean(a.id) AS id, clean(a.id) AS user_id, lower(email) AS email FROM checks.app a, (SELECT count(*) FROM d) x'))
  WHERE problem LIKE '%schema%';

-- updated_at that never says anything.
SELECT * FROM found(app(), identity_source('desk', 'SELECT id, external_id AS user_id, email, NULL::date AS updated_at FROM checks.desk'));

-- A source that shares nothing with any other.
SELECT source, problem, advice FROM identity_check(app(), desk(), identity_source('shop', 'SELECT id, ''s'' || email AS email FROM checks.app'), identity_source('bare', 'SELECT email FROM checks.app')) WHERE problem LIKE 'it shares%';
SELECT * FROM found(app());

-- What a resolve warns of, by name: values on too many records, role addresses, handles, refused links.
SELECT severity, source, subject, problem FROM identity_check(app(), desk(), identity_source('shop', 'SELECT n, ''p'' || n % 3 || ''@x.com'' AS email FROM generate_series(1, 40) n'), identity_rule('email', max_records => 10)) WHERE problem LIKE '%common%';
SELECT severity, source, subject, problem FROM identity_check(app(), identity_source('shop', $$SELECT n, CASE WHEN n < 4 THEN 'info@x.com' ELSE 'p' || n || '@x.com' END AS email, 'ann' || n AS username FROM generate_series(1, 9) n$$),
  identity_source('forum', $$SELECT n, 'ann' || n AS username, 'U' || n AS user_id, 'p' || n + 1 || '@x.com' AS email FROM generate_series(1, 4) n$$));
SELECT severity, source, problem FROM identity_check(identity_source('events', 'SELECT n, ''one'' AS user_id FROM generate_series(1, 20000) n')) WHERE problem LIKE '%makes them one%';
-- The same as the resolve says.
SELECT count(*) FROM identity_records(app(), desk(), identity_source('shop', 'SELECT n, ''p'' || n % 3 || ''@x.com'' AS email FROM generate_series(1, 40) n'), identity_rule('email', max_records => 10));

-- The order of rows and of workers says nothing: the same findings from data in another order.
CREATE TABLE many AS SELECT n AS id, CASE WHEN n % 3 = 0 THEN 'shared@x.com' ELSE 'p' || n || '@x.com' END AS email, 'U' || n AS user_id FROM generate_series(1, 30000) n;
CREATE TABLE turned AS SELECT * FROM many ORDER BY md5(id::text);
CREATE FUNCTION many(name text) RETURNS identity_clause[] LANGUAGE sql AS $$ SELECT ARRAY[identity_source('many', format('SELECT id, email, user_id FROM checks.%I', name)), identity_source('other', 'SELECT lower(user_id) AS id, lower(user_id) AS user_id FROM checks.turned')] $$;
SELECT problem FROM identity_check(VARIADIC many('many'));
SELECT count(*) FROM ((SELECT * FROM identity_check(VARIADIC many('many'))) EXCEPT ALL (SELECT * FROM identity_check(VARIADIC many('turned')))) AS d WHERE problem NOT LIKE '%same table%';

-- With the caller's rights: what one may not read is an error of that source.
CREATE ROLE regress_checker;
GRANT USAGE ON SCHEMA checks TO regress_checker;
GRANT SELECT ON app TO regress_checker;
SET ROLE regress_checker;
SELECT severity, source, problem FROM identity_check(app(), desk()) WHERE severity = 'error';
RESET ROLE;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA checks CASCADE;
DROP ROLE regress_checker;
