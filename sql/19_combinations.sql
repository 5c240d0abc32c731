-- identity_output('combinations'): the rows that the plain SQL's LEFT JOINs and GROUP BY would give.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA combinations;
SET search_path = combinations, public;
RESET client_min_messages;

CREATE SCHEMA segment;
CREATE SCHEMA zendesk;
CREATE SCHEMA stripe;
CREATE SCHEMA salesforce;
CREATE SCHEMA intercom;

-- People whose Segment id is one row, whose emails are clean, and none of whose links is transitive: then the answer is
-- exactly the plain SQL's. A person has 0 to 3 records in each tool, which know the email, or the Segment id, or nothing.
CREATE TABLE segment.users AS
  SELECT format('u%s', n) AS id, CASE WHEN n % 10 <> 0 THEN format('p%s@example.com', n) END AS email FROM generate_series(1, 3000) n;
CREATE TABLE zendesk.users AS
  SELECT n * 10 + k AS id, CASE WHEN k <> 2 OR n % 10 = 0 THEN format('u%s', n) END AS external_id,
         CASE WHEN k <> 1 AND n % 10 <> 0 THEN format('p%s@example.com', n) END AS email
    FROM generate_series(1, 3300) n, generate_series(1, 3) k WHERE k <= n % 4;
CREATE TABLE stripe.customers AS
  SELECT format('cus_%s_%s', n, k) AS id, CASE WHEN n % 10 <> 0 THEN format('p%s@example.com', n) END AS email
    FROM generate_series(1, 3300) n, generate_series(1, 3) k WHERE k <= n / 4 % 4;
CREATE TABLE salesforce.leads AS
  SELECT format('00Q%s', n) AS id, CASE WHEN n % 10 <> 0 THEN format('p%s@example.com', n) END AS email
    FROM generate_series(200, 3300, 3) n;
CREATE TABLE intercom.users AS
  SELECT md5(format('%s %s', n, k)) AS id, CASE WHEN k = 1 OR n % 10 = 0 THEN format('u%s', n) END AS user_id,
         CASE WHEN k = 2 AND n % 10 <> 0 THEN format('p%s@example.com', n) END AS email
    FROM generate_series(1, 3300) n, generate_series(1, 2) k WHERE k <= n / 16 % 3;
CREATE TABLE plain AS
  select s.id as segment_id, s.email, z.id as zendesk_id, st.id as stripe_id, sf.id as salesforce_id, ic.id as intercom_id
    from segment.users s
    left join zendesk.users z on (z.external_id = s.id or z.email = s.email)
    left join stripe.customers st on st.email = s.email
    left join salesforce.leads sf on sf.email = s.email
    left join intercom.users ic on (ic.user_id = s.id or ic.email = s.email)
   group by 1, 2, 3, 4, 5, 6;
CREATE TABLE ours AS
  SELECT * FROM resolve_identities(
    identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
    identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
    identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
    identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
    identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'),
    identity_output('combinations')
  ) AS (segment_id text, email text, zendesk_id int, stripe_id text, salesforce_id text, intercom_id text);
SELECT count(*) AS plain, count(DISTINCT segment_id) AS people FROM plain;
SELECT count(*) AS ours, count(DISTINCT segment_id) AS people FROM ours WHERE segment_id IS NOT NULL;
SELECT (SELECT count(*) FROM (TABLE plain EXCEPT ALL SELECT * FROM ours WHERE segment_id IS NOT NULL) d) AS only_plain,
       (SELECT count(*) FROM (SELECT * FROM ours WHERE segment_id IS NOT NULL EXCEPT ALL TABLE plain) d) AS only_ours;
-- Who has no Segment record is there too: no record of any tool is lost.
SELECT (SELECT count(DISTINCT zendesk_id) FROM ours) = (SELECT count(*) FROM zendesk.users) AS zendesk,
       (SELECT count(DISTINCT stripe_id) FROM ours) = (SELECT count(*) FROM stripe.customers) AS stripe,
       (SELECT count(DISTINCT salesforce_id) FROM ours) = (SELECT count(*) FROM salesforce.leads) AS salesforce,
       (SELECT count(DISTINCT intercom_id) FROM ours) = (SELECT count(*) FROM intercom.users) AS intercom;

-- What LEFT JOINs lose: links that reach further than one step, and emails as people type them.
CREATE TABLE app (id text, email text, name text);
CREATE TABLE pay (id text, email text, plan text);
CREATE TABLE help (id int, user_id text, email text);
-- One id with two emails is two rows; each shows the customers beside its own email.
INSERT INTO app VALUES ('a', 'one@x.com', 'Ann'), ('a', 'two@x.com', 'Ann'), ('b', NULL, 'Bob'), ('c', 'carl@x.com', 'Carl');
INSERT INTO pay VALUES ('p1', ' One@x.com', 'basic'), ('p2', 'TWO@x.com', 'pro'), ('p3', 'two@x.com', 'team'), ('p4', 'three@x.com', 'free'), ('p9', 'nobody@x.com', 'pro');
-- 1 knows the id; 2 one of the emails; 3 leads on to an email that the app does not know; 4 and 5 are Carl's.
INSERT INTO help VALUES (1, 'a', ''), (2, NULL, 'one@x.com'), (3, 'b', 'three@x.com'), (4, 'c', NULL), (5, NULL, 'Carl@X.com'), (6, NULL, NULL);
\set app 'identity_source(''app'', ''SELECT id, id AS user_id, email, name FROM combinations.app'')'
\set pay 'identity_source(''pay'', ''SELECT id, email, plan FROM combinations.pay'')'
\set help 'identity_source(''help'', ''SELECT id, user_id, email FROM combinations.help'')'
\set rules 'identity_rule(''name'', link => false), identity_rule(''plan'', link => false)'
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, email text, pay_id text, help_id int) ORDER BY app_id, email, pay_id, help_id;
-- Only what is asked for multiplies.
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, email text, pay_id text) ORDER BY app_id, email, pay_id;
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, help_id int) ORDER BY app_id, help_id;
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, name text) ORDER BY app_id;
-- A source's own column multiplies like its id, and goes with it.
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, app_email text, pay_id text, pay_email text, pay_plan text) ORDER BY app_id, app_email, pay_id;
-- An array column shows all that the person has, on each row, and multiplies nothing.
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('combinations'))
  AS (app_id text, email text, pay_id text[], help_id int[], sources text[], record_count int) ORDER BY app_id, email, pay_id;
-- The default is a row a person.
SELECT * FROM resolve_identities(:app, :pay, :help, :rules, identity_output('identities'))
  AS (app_id text, email text, pay_id text, help_id int) ORDER BY app_id, email, pay_id;
-- The first source in the list that a person has is the spine: with pay first, the rows follow the payments.
SELECT * FROM resolve_identities(:pay, :app, :help, :rules, identity_output('combinations'))
  AS (pay_id text, email text, app_id text, help_id int) ORDER BY pay_id, app_id, help_id;

-- Combinations grow fast: the limit names the person, and can be raised.
\set many 'identity_source(''a'', ''SELECT n, 1 AS user_id FROM generate_series(1, 200) n''), identity_source(''b'', ''SELECT n, 1 AS user_id FROM generate_series(1, 60) n'')'
SELECT count(*) FROM resolve_identities(:many, identity_output('combinations')) AS (a_id int, b_id int);
SELECT count(*) FROM resolve_identities(:many, identity_output('combinations', max_combinations => 12000)) AS (a_id int, b_id int);
SELECT count(*) FROM resolve_identities(:many, identity_output('combinations', max_combinations => 11999)) AS (a_id int, b_id int);
SELECT count(*) FROM resolve_identities(:many, identity_output('combinations', max_combinations => 200)) AS (a_id int, b_id int[]);
-- Other people's rows do not count towards it.
SELECT count(*) FROM resolve_identities(
  identity_source('a', 'SELECT n, n / 10 + 1 AS user_id FROM generate_series(0, 9999) n'), identity_source('b', 'SELECT n, n / 10 + 1 AS user_id FROM generate_series(0, 9999) n'),
  identity_output('combinations', max_combinations => 100)) AS (a_id int, b_id int);
-- So many (a thousand to the seventh) that no counter could hold them.
SELECT count(*) FROM resolve_identities(VARIADIC (
    SELECT identity_output('combinations', max_combinations => 9223372036854775807)
           || array_agg(identity_source(format('s%s', s), 'SELECT n, 1 AS user_id FROM generate_series(1, 1000) n')) FROM generate_series(1, 7) s))
  AS (s1_id int, s2_id int, s3_id int, s4_id int, s5_id int, s6_id int, s7_id int);

SET client_min_messages = warning;
DROP SCHEMA combinations, segment, zendesk, stripe, salesforce, intercom CASCADE;
