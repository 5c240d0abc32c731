-- The master table: one row a person, with the columns that the column definition list names.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA resolve;
SET search_path = resolve, public;
RESET client_min_messages;

-- Five tools know the same people, each by its own id.
CREATE TABLE segment_users (id text, email text);
INSERT INTO segment_users VALUES
  ('mYhgYcRBC7', 'ziggy@stardust.com'), ('7adt7XG27c', 'queen@beyonce.com'), ('QZnP7cViH1', ' Kanye@Kimye.com'), ('a0', NULL);
CREATE TABLE zendesk_users (id bigint, external_id text, email text);
INSERT INTO zendesk_users VALUES
  (1303028105, 'mYhgYcRBC7', NULL), (1472230319, NULL, 'Queen@Beyonce.com '), (1486907299, 'QZnP7cViH1', ''), (99, '', '  ');
CREATE TABLE stripe_customers (id text, email text, plan text);
INSERT INTO stripe_customers VALUES
  ('cus_6ll4iGAO7X8u7L', 'ZIGGY@STARDUST.COM', 'basic'), ('cus_6u2ZcW3uC8VwZa', 'queen@beyonce.com', 'pro'),
  ('cus_6yrv9bwLgXN78s', 'kanye@kimye.com', 'pro'), ('cus_nobody', 'somebody@else.com', 'basic');

-- A person a row; a record that nothing links is a person too.
SELECT * FROM resolve_identities(
  identity_source('segment', 'SELECT id, id AS user_id, email FROM segment_users'),
  identity_source('zendesk', 'SELECT id, external_id AS user_id, email FROM zendesk_users'),
  identity_source('stripe',  'SELECT id, email FROM stripe_customers')
) AS (segment_id text, email text, zendesk_id bigint, stripe_id text)
ORDER BY segment_id COLLATE "C", zendesk_id, stripe_id;

-- The same list of clauses in a variable of psql from here on.
\set clauses 'identity_source(''segment'', ''SELECT id, id AS user_id, email FROM segment_users''), identity_source(''zendesk'', ''SELECT id, external_id AS user_id, email FROM zendesk_users''), identity_source(''stripe'', ''SELECT id, email FROM stripe_customers'')'

-- Every name that a column may have: <source>_id, <kind>, <source>_<kind>, record_count, sources, identity_id.
SELECT * FROM resolve_identities(:clauses)
  AS (record_count int, sources text[], user_id text, segment_email text, zendesk_user_id text, stripe_email text)
ORDER BY user_id COLLATE "C", stripe_email;

-- Columns in any order, of any type that the text form of a value can be cast to.
SELECT * FROM resolve_identities(:clauses)
  AS (zendesk_id numeric(20, 2), record_count double precision, sources name[], email varchar(40), segment_id "char")
WHERE record_count > 1 ORDER BY zendesk_id;
SELECT pg_typeof(zendesk_id), pg_typeof(record_count), pg_typeof(sources), pg_typeof(email)
  FROM resolve_identities(:clauses) AS (zendesk_id oid, record_count smallint, sources varchar(20)[], email character(30)) LIMIT 1;

-- A scalar column shows the surviving value, an array column all of them.
CREATE TABLE twice (id int, email text);
INSERT INTO twice VALUES (1, 'a@x.com'), (1, 'b@x.com'), (2, 'b@x.com'), (2, 'c@x.com'), (3, 'C@x.com'), (10, 'z@x.com');
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT id, email FROM twice'))
  AS (twice_id int[], email text[], twice_email varchar[], record_count bigint) ORDER BY record_count DESC;
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT id, email FROM twice'))
  AS (twice_id int, email text, twice_email varchar, record_count bigint) ORDER BY record_count DESC;
-- An array may be named in the plural; a scalar may not, and a kind of that very name comes first.
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT id, email FROM twice'))
  AS (twice_ids int[], emails text[], twice_emails varchar[]) ORDER BY 1;
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT id, email FROM twice')) AS (emails text);
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT id, email FROM twice')) AS (identity_ids uuid[]);
SELECT * FROM resolve_identities(identity_source('twice', 'SELECT DISTINCT 1 AS id, email, 9 AS emails FROM twice'), identity_rule('emails', link => false))
  AS (email text[], emails text[]);

-- identity_id is a version 8 UUID that depends on the data alone.
CREATE TABLE first_run AS
  SELECT * FROM resolve_identities(:clauses) AS (identity_id uuid, segment_id text, zendesk_id bigint, stripe_id text);
SELECT count(*) AS identities, count(DISTINCT identity_id) AS ids,
       bool_and(identity_id::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$') AS version_8
  FROM first_run;
SELECT segment_id, identity_id FROM first_run WHERE segment_id IS NOT NULL ORDER BY segment_id COLLATE "C";
-- It is a name of the person's first record, so what comes later in the list does not change it.
SELECT count(*) AS same FROM first_run JOIN resolve_identities(identity_source('segment', 'SELECT id FROM segment_users'))
  AS alone(identity_id uuid, segment_id text) USING (identity_id, segment_id);
INSERT INTO stripe_customers VALUES ('cus_new', 'Ziggy@stardust.com', 'pro');
SELECT count(*) FILTER (WHERE f.identity_id IS NOT NULL) AS kept, count(*) FILTER (WHERE f.identity_id IS NULL) AS new
  FROM resolve_identities(:clauses) AS now(identity_id uuid) LEFT JOIN first_run f USING (identity_id);

-- Sources without rows, with NULL only, or with an id only.
SELECT * FROM resolve_identities(identity_source('empty', 'SELECT id, email FROM segment_users WHERE false')) AS (empty_id text, email text);
SELECT * FROM resolve_identities(identity_source('nulls', 'SELECT n, NULL::text AS email, NULL::int[] AS user_id FROM generate_series(1, 3) n'))
  AS (nulls_id int, email text, user_id text[], record_count int) ORDER BY 1;
SELECT * FROM resolve_identities(identity_source('ids', 'SELECT 1'), identity_source('others', 'SELECT 1'))
  AS (ids_id int, others_id int, sources text[]) ORDER BY ids_id;

-- A table, VALUES and a query with its own CTE, semicolon and comments are sources too.
SELECT count(*), sum(record_count) FROM resolve_identities(
  identity_source('t', 'TABLE twice'),
  identity_source('v', $$VALUES (1), (2)$$),
  identity_source('w', $$ /* who */ WITH w AS (SELECT 7 AS id, 'a@X.com'::text AS email) SELECT * FROM w; -- they $$)
) AS (record_count int);

SET client_min_messages = warning;
DROP SCHEMA resolve CASCADE;
