-- Sample data: a company's own users and the seven tools it uses, as the common loaders lay them out in a database, some
-- 3,000 people, messy on purpose. Nothing here is random: every choice is drawn from an MD5 of (person, topic), so that
-- every machine makes the same rows.
--
--     psql -1 -v ON_ERROR_STOP=1 -f test/sample/generate.sql            3,000 people
--     psql -1 -v ON_ERROR_STOP=1 -v people=500 -f …                     fewer
--
-- In one transaction (-1, or between BEGIN and COMMIT), in a database in UTF8. It stops, and changes nothing, where one of
-- the schemas is there already.
--
-- Layout                                     who says which person it is
--   production.users         MongoDB ObjectId, email
--   segment.users            id = the ObjectId, email
--   segment.identifies       user_id and anonymous_id and the email typed at that time; user_id NULL before a sign-up
--   segment.pages            anonymous_id, user_id after a log-in
--   zendesk.users, tickets   external_id = the ObjectId where somebody passed it on, email
--   stripe.customers, plans, subscriptions, charges   metadata_user_id = the ObjectId for some, email
--   salesforce.leads         email
--   intercom.users           user_id = the ObjectId, email
--   mailchimp.lists, list_members, campaigns, reports_email_activity   unique_email_id, email
--   marketo.leads            sfdc_lead_id = salesforce.leads.id for those in sync, email
--
-- What is wrong with it (it is the tests' business to tell how much of it is undone):
--   case, blanks, tabs, line ends and the no-break space U+00A0 around addresses; ids with a blank behind them; letters
--   beyond ASCII, composed and decomposed; plus-tags; addresses and ids missing; people with two or three addresses, and
--   with two accounts in one tool; families that share one mailbox; info@ mailboxes of companies; visitors nobody knows.
--
-- The truth is kept beside it: truth.records says which person each record is, truth.identifiers what its identifiers were
-- before somebody mistyped them, truth.shared which addresses belong to several people.

\if :{?people}
\else
  \set people 3000
\endif

SET LOCAL client_encoding = 'UTF8';
SET LOCAL timezone = 'UTC';   -- a day has 24 hours

-- 1. Dice and pencils ---------------------------------------------------------------------------------------------------

-- A number in [0, 1) which depends on nothing but the person and the topic.
CREATE FUNCTION pg_temp.draw(person bigint, topic text) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || substr(md5(person || '/' || topic), 1, 8))::bit(32)::bigint / 4294967296.0
$$;

-- One of the array's elements.
CREATE FUNCTION pg_temp.pick(choices text[], person bigint, topic text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT choices[1 + floor(pg_temp.draw(person, topic) * cardinality(choices))::int]
$$;

-- A day of 2023, 2024 or 2025.
CREATE FUNCTION pg_temp.day(person bigint, topic text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT '2023-01-01 00:00:00+00'::timestamptz + floor(pg_temp.draw(person, topic) * 1095 * 86400) * interval '1 second'
$$;

-- Upper case of the letters that this file uses, whatever the database's locale is.
CREATE FUNCTION pg_temp.shout(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT translate(upper(word COLLATE "C"), 'éëöüñåłø', 'ÉËÖÜÑÅŁØ')
$$;

-- An address as somebody typed it.
CREATE FUNCTION pg_temp.typed(email text, person bigint, topic text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN draw < 0.60 THEN email
    WHEN draw < 0.72 THEN initcap(email COLLATE "C")
    WHEN draw < 0.80 THEN pg_temp.shout(email)
    WHEN draw < 0.86 THEN ' ' || email
    WHEN draw < 0.91 THEN email || '  '
    WHEN draw < 0.95 THEN email || E'\u00A0'
    WHEN draw < 0.97 THEN E'\t' || email
    WHEN draw < 0.98 THEN email || E'\r\n'
    WHEN draw < 0.99 THEN split_part(email, '@', 1) || '@' || pg_temp.shout(split_part(email, '@', 2))
    ELSE replace(replace(replace(replace(email, 'é', E'e\u0301'), 'ë', E'e\u0308'), 'ö', E'o\u0308'), 'ü', E'u\u0308')
  END
  FROM (SELECT pg_temp.draw(person, 'typed ' || topic) AS draw) AS dice
$$;

-- An id as somebody typed it: one in forty has a blank behind it.
CREATE FUNCTION pg_temp.typed_id(id text, person bigint, topic text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN pg_temp.draw(person, 'typed id ' || topic) < 0.025 THEN id || ' ' ELSE id END
$$;

-- Salesforce's 18-character id: 15 characters and a checksum which tells which of them are capitals.
CREATE FUNCTION pg_temp.salesforce_id(person bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  WITH id AS (
    SELECT '00Q3100000' || string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
                                             1 + (person * 7919 / (62 ^ place)::bigint % 62)::int, 1), '' ORDER BY place DESC) AS id
    FROM generate_series(0, 4) AS place)
  SELECT id || (
    SELECT string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + bits, 1), '' ORDER BY chunk)
    FROM (SELECT chunk, sum(CASE WHEN substr(id, chunk * 5 + bit + 1, 1) COLLATE "C" BETWEEN 'A' AND 'Z' THEN 1 << bit ELSE 0 END)::int AS bits
          FROM generate_series(0, 2) AS chunk, generate_series(0, 4) AS bit GROUP BY chunk) AS chunks)
  FROM id
$$;

-- 2. The people ---------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE sample_person ON COMMIT DROP AS
WITH named AS (
  SELECT
    person,
    pg_temp.pick('{Ada,Amara,Ben,Björn,Carla,Chidi,Dana,Diego,Elif,Emma,Farid,Fiona,Grace,Hana,Henry,Ines,Ivan,Jamal,Jana,Jonas,José,Kenji,Lena,Liam,Lucía,Mara,Mei,Milan,Nadia,Nils,Noor,Olga,Omar,Paolo,Priya,Quinn,Rosa,Sam,Sofia,Tariq,Tess,Uma,Viktor,Wanda,Yara,Yusuf,Zoë}', person, 'first name') AS first_name,
    -- a family (see below) has one name
    pg_temp.pick('{Abebe,Adams,Bauer,Becker,Brown,Chen,Cohen,Costa,Demir,Diaz,Evans,Farah,Fischer,Garcia,Haddad,Hansen,Ito,Ivanov,Jensen,Kaya,Khan,Kim,Kowalski,Kumar,Lang,Lee,Lopez,Marino,Meyer,Müller,Nguyen,Novak,Okafor,Olsen,Patel,Petrov,Quist,Rossi,Santos,Sato,Silva,Smith,Tanaka,Unger,Varga,Wagner,Weber,Yilmaz,Zhang}', CASE person % 400 WHEN 2 THEN person - 1 ELSE person END, 'last name') AS last_name,
    pg_temp.pick('{acme,bluefin,cobalt,dunder,evergreen,foxglove,globex,harbour,initech,juniper}', CASE WHEN person % 1000 IN (501, 502) THEN person - person % 1000 + 500 ELSE person END, 'company') AS company
  FROM generate_series(1, :people) AS person),
spelled AS (
  SELECT *, lower(translate(first_name, 'éëöüñåíøł', 'eeounaiol') COLLATE "C") AS first_ascii, lower(translate(last_name, 'ü', 'u') COLLATE "C") AS last_ascii
  FROM named)
SELECT
  person, first_name, last_name, company,
  -- ObjectId: four bytes of seconds since 1970, then eight that are as good as random. One in five has no account.
  CASE WHEN pg_temp.draw(person, 'has account') < 0.80
       THEN lpad(to_hex(extract(epoch FROM pg_temp.day(person, 'signed up'))::bigint), 8, '0') || substr(md5('ObjectId ' || person), 1, 16) END AS user_id,
  pg_temp.day(person, 'signed up') AS signed_up,
  -- the address one gives first
  CASE
    WHEN person % 400 IN (1, 2) THEN 'the.' || last_ascii || 's.' || (person - person % 400) / 400 || '@example.org'       -- families
    WHEN pg_temp.draw(person, 'mailbox') < 0.35 THEN first_ascii || '.' || last_ascii || '.sample' || person || '@gmail.com'
    WHEN pg_temp.draw(person, 'mailbox') < 0.42 THEN lower(first_name COLLATE "C") || '.' || last_ascii || person || '@example.org'   -- accents
    WHEN pg_temp.draw(person, 'mailbox') < 0.70 THEN first_ascii || person || '@example.com'
    ELSE first_ascii || '.' || last_ascii || person || '@example.net'
  END AS email,
  -- the one at work, and an old one
  CASE WHEN pg_temp.draw(person, 'second address') < 0.30 THEN left(first_ascii, 1) || last_ascii || person || '@' || company || '.example' END AS work_email,
  CASE WHEN pg_temp.draw(person, 'third address') < 0.06 THEN first_ascii || '_' || person || '@old.example' END AS old_email,
  -- the one that the whole office reads
  CASE WHEN person % 1000 IN (500, 501, 502) THEN 'info@' || company || (person / 1000) || '.example' END AS office_email,
  -- 555-01xx is kept free for fiction in each area
  '+1 (' || ('{201,202,203,205,206,207,208,209,210,212,213,214,215,216,217,218,219,224,225,228,229,231,234,239,240,248,251,252,253,254,256,260,262,267,269,270,276,281,301,302}'::text[])[1 + person / 100 % 40]
    || ') 555-01' || lpad((person % 100)::text, 2, '0') AS phone,
  pg_temp.pick('{organic search,google ads,newsletter,partner,podcast,word of mouth}', person, 'referral') AS referral_source,
  CASE WHEN pg_temp.draw(person, 'plan') < 0.35 THEN 'starter' WHEN pg_temp.draw(person, 'plan') < 0.65 THEN 'team'
       WHEN pg_temp.draw(person, 'plan') < 0.78 THEN 'enterprise' ELSE 'free' END AS plan
FROM spelled;

ALTER TABLE sample_person ADD PRIMARY KEY (person);

-- The truth ---------------------------------------------------------------------------------------------------------------

CREATE SCHEMA truth;
CREATE TABLE truth.records (source text, record_id text, person int NOT NULL, PRIMARY KEY (source, record_id));
CREATE TABLE truth.identifiers (source text, record_id text, kind text, value text, PRIMARY KEY (source, record_id, kind, value));
CREATE TABLE truth.shared (email text PRIMARY KEY, people bigint);

INSERT INTO truth.shared
SELECT address, count(*) FROM (SELECT email AS address FROM sample_person UNION ALL SELECT office_email FROM sample_person) AS addresses
WHERE address IS NOT NULL GROUP BY address HAVING count(*) > 1;

-- 3. The tools ------------------------------------------------------------------------------------------------------------
-- For each: a temporary table of records as they ought to be, then the tool's table as it is, then the truth.

-- production
CREATE TEMP TABLE sample_production ON COMMIT DROP AS
SELECT person, user_id AS id, email, first_name, last_name, lower(first_name COLLATE "C") || person AS username, signed_up,
       signed_up + pg_temp.draw(person, 'changed') * interval '90 days' AS updated_at
FROM sample_person WHERE user_id IS NOT NULL;

CREATE SCHEMA production;
CREATE TABLE production.users (id text PRIMARY KEY, email text, username text, first_name text, last_name text, created_at timestamptz, updated_at timestamptz);
INSERT INTO production.users
SELECT id, pg_temp.typed(email, person, 'production'), username, first_name, last_name, signed_up, updated_at FROM sample_production ORDER BY id;

INSERT INTO truth.records SELECT 'production', id, person FROM sample_production;
INSERT INTO truth.identifiers SELECT 'production', id, 'user_id', id FROM sample_production UNION ALL SELECT 'production', id, 'email', email FROM sample_production;

-- segment: 19 of 20 accounts made it; one address in twenty did not
CREATE TEMP TABLE sample_segment ON COMMIT DROP AS
SELECT person, user_id AS id, CASE WHEN pg_temp.draw(person, 'segment email') >= 0.05 THEN email END AS email, first_name, last_name, phone, referral_source, signed_up
FROM sample_person WHERE user_id IS NOT NULL AND pg_temp.draw(person, 'in segment') < 0.95;

CREATE SCHEMA segment;
CREATE TABLE segment.users (
  id text PRIMARY KEY, email text, first_name text, last_name text, phone text, referral_source text, utm_source text, utm_medium text,
  received_at timestamptz, uuid_ts timestamptz);
INSERT INTO segment.users
SELECT id, coalesce(pg_temp.typed(email, person, 'segment'), CASE WHEN person % 2 = 0 THEN '' END), first_name, last_name, phone, referral_source,
       CASE referral_source WHEN 'google ads' THEN 'google' WHEN 'newsletter' THEN 'mailchimp' WHEN 'podcast' THEN 'podcast' WHEN 'partner' THEN 'partner' END,
       CASE referral_source WHEN 'google ads' THEN 'cpc' WHEN 'newsletter' THEN 'email' WHEN 'podcast' THEN 'audio' WHEN 'partner' THEN 'referral' END,
       signed_up + interval '2 seconds', signed_up + interval '1 hour'
FROM sample_segment ORDER BY id;

INSERT INTO truth.records SELECT 'segment', id, person FROM sample_segment;
INSERT INTO truth.identifiers
SELECT 'segment', id, 'user_id', id FROM sample_segment UNION ALL SELECT 'segment', id, 'email', email FROM sample_segment WHERE email IS NOT NULL;

-- segment's calls: every device of a user says once who it is; the other addresses come up in later calls; and people without
-- an account sign up for the newsletter. Then there are a few hundred visitors of whom nothing is known.
CREATE TEMP TABLE sample_identify ON COMMIT DROP AS
SELECT person, id AS user_id, md5('device 1 ' || person)::uuid::text AS anonymous_id, email, signed_up AS at FROM sample_segment
UNION ALL
SELECT person, id, md5('device 2 ' || person)::uuid::text, NULL, signed_up + interval '20 days' FROM sample_segment WHERE pg_temp.draw(person, 'two devices') < 0.25
UNION ALL
SELECT person, s.id, md5('device 1 ' || person)::uuid::text, work_email, s.signed_up + interval '40 days'
FROM sample_segment AS s JOIN sample_person USING (person) WHERE work_email IS NOT NULL AND pg_temp.draw(person, 'work address known') < 0.80
UNION ALL
SELECT person, s.id, md5('device 1 ' || person)::uuid::text, old_email, s.signed_up - interval '40 days'
FROM sample_segment AS s JOIN sample_person USING (person) WHERE old_email IS NOT NULL
UNION ALL
SELECT person, NULL, md5('device 1 ' || person)::uuid::text, email, signed_up FROM sample_person WHERE user_id IS NULL AND pg_temp.draw(person, 'newsletter') < 0.40;

CREATE TABLE segment.identifies (id text PRIMARY KEY, user_id text, anonymous_id text, email text, context_page_path text, received_at timestamptz);
INSERT INTO segment.identifies
SELECT 'ajs-' || md5('identify ' || row_number() OVER in_time), user_id, anonymous_id, pg_temp.typed(email, person, 'identify ' || coalesce(email, '')),
       CASE WHEN user_id IS NULL THEN '/newsletter' ELSE '/signup' END, at
FROM sample_identify WINDOW in_time AS (ORDER BY at, person, email COLLATE "C") ORDER BY at, person, email COLLATE "C";

-- one to four pages a device: before the sign-up nobody knows whose, afterwards the user id is there
CREATE TEMP TABLE sample_page ON COMMIT DROP AS
SELECT person, anonymous_id, CASE WHEN visit > 1 THEN user_id END AS user_id, visit, at + (visit - 2) * interval '3 days' AS at
FROM (SELECT DISTINCT ON (anonymous_id) person, anonymous_id, user_id, at FROM sample_identify ORDER BY anonymous_id, at) AS devices,
     generate_series(1, 1 + floor(pg_temp.draw(person, 'pages of ' || anonymous_id) * 4)::int) AS visit
WHERE pg_temp.draw(person, 'blocks ' || anonymous_id) >= 0.30     -- three in ten browsers block the page calls
UNION ALL
SELECT visitor, md5('visitor ' || visitor)::uuid::text, NULL, visit, pg_temp.day(visitor, 'visit ' || visit)
FROM generate_series(:people + 1, :people + :people / 10) AS visitor, generate_series(1, 1 + floor(pg_temp.draw(visitor, 'pages') * 2)::int) AS visit;

CREATE TABLE segment.pages (id text PRIMARY KEY, anonymous_id text, user_id text, path text, referrer text, received_at timestamptz);
INSERT INTO segment.pages
SELECT 'ajs-' || md5('page ' || row_number() OVER in_time), anonymous_id, user_id, pg_temp.pick('{/,/pricing,/docs,/blog,/signup,/product}', person, 'path ' || visit),
       pg_temp.pick('{https://www.google.com/,https://news.example/,"",""}', person, 'referrer ' || visit), at
FROM sample_page WINDOW in_time AS (ORDER BY at, person, anonymous_id, visit) ORDER BY at, person, anonymous_id, visit;

INSERT INTO truth.records SELECT DISTINCT 'device', anonymous_id, person FROM (SELECT person, anonymous_id FROM sample_identify UNION SELECT person, anonymous_id FROM sample_page) AS devices;
INSERT INTO truth.identifiers
SELECT 'device', anonymous_id, 'anonymous_id', anonymous_id FROM sample_identify UNION SELECT 'device', anonymous_id, 'anonymous_id', anonymous_id FROM sample_page
UNION SELECT 'device', anonymous_id, 'user_id', user_id FROM sample_identify WHERE user_id IS NOT NULL
UNION SELECT 'device', anonymous_id, 'email', email FROM sample_identify WHERE email IS NOT NULL;

-- zendesk: 45 in 100 asked for help; 60 in 100 of these from within the product, which passes the id on; some wrote from their
-- other address, some with a plus-tag, some from the office's mailbox; a few did it twice and have two accounts
CREATE TEMP TABLE sample_zendesk ON COMMIT DROP AS
SELECT 1300000000 + person::bigint * 37 AS id, person,
       CASE WHEN pg_temp.draw(person, 'zendesk id') < 0.60 THEN user_id END AS external_id,
       CASE
         WHEN office_email IS NOT NULL AND pg_temp.draw(person, 'zendesk office') < 0.70 THEN office_email
         WHEN pg_temp.draw(person, 'zendesk address') < 0.06 THEN split_part(email, '@', 1) || '+support@' || split_part(email, '@', 2)
         WHEN pg_temp.draw(person, 'zendesk address') < 0.10 THEN NULL
         WHEN pg_temp.draw(person, 'zendesk address') < 0.45 THEN coalesce(work_email, email)
         ELSE email
       END AS email,
       first_name || ' ' || last_name AS name, CASE WHEN pg_temp.draw(person, 'zendesk phone') < 0.40 THEN phone END AS phone, referral_source, plan,
       signed_up + interval '10 days' AS created_at
FROM sample_person WHERE pg_temp.draw(person, 'zendesk') < 0.45;
INSERT INTO sample_zendesk
SELECT id + 1, person, NULL, CASE WHEN z.email = p.email THEN coalesce(p.work_email, p.email) ELSE p.email END, name, NULL, z.referral_source, z.plan, created_at + interval '60 days'
FROM sample_zendesk AS z JOIN sample_person AS p USING (person) WHERE pg_temp.draw(person, 'zendesk twice') < 0.05;

CREATE SCHEMA zendesk;
CREATE TABLE zendesk.users (
  id bigint PRIMARY KEY, external_id text, email text, name text, phone text, role text, active boolean, suspended boolean, verified boolean,
  organization_id bigint, updated_at timestamptz, received_at timestamptz);
INSERT INTO zendesk.users
SELECT id, pg_temp.typed_id(external_id, person, 'zendesk'), pg_temp.typed(email, id, 'zendesk'), name, phone, 'end-user', true, false, pg_temp.draw(id, 'verified') < 0.8,
       NULL, created_at, created_at + interval '1 hour'
FROM sample_zendesk ORDER BY id;
INSERT INTO zendesk.users   -- the staff
SELECT 1200000000 + agent, NULL, 'agent' || agent || '@ourselves.example', 'Agent ' || agent, NULL, CASE agent WHEN 1 THEN 'admin' ELSE 'agent' END, true, false, true,
       1, '2022-12-01 00:00:00+00', '2022-12-01 01:00:00+00'
FROM generate_series(1, 12) AS agent;

CREATE TABLE zendesk.tickets (
  id bigint PRIMARY KEY, requester_id bigint, submitter_id bigint, assignee_id bigint, subject text, status text, via_channel text, created_at timestamptz, received_at timestamptz);
INSERT INTO zendesk.tickets
SELECT row_number() OVER in_time, id, id, 1200000001 + (id + ticket) % 12, pg_temp.pick('{Cannot log in,Invoice is wrong,How do I export,Feature request,It is slow,Cancel my plan}', id, 'subject ' || ticket),
       pg_temp.pick('{open,pending,solved,closed,closed}', id, 'status ' || ticket), pg_temp.pick('{email,web,chat}', id, 'channel ' || ticket), at, at + interval '1 hour'
FROM (
  SELECT id, ticket, created_at + pg_temp.draw(id, 'ticket ' || ticket) * interval '200 days' AS at
  FROM sample_zendesk, generate_series(1,
    1 + floor(pg_temp.draw(id, 'tickets') * 3)::int
    + CASE referral_source WHEN 'google ads' THEN 2 WHEN 'podcast' THEN 1 ELSE 0 END
    + CASE plan WHEN 'enterprise' THEN 2 WHEN 'free' THEN 1 ELSE 0 END) AS ticket) AS tickets
WINDOW in_time AS (ORDER BY at, id, ticket) ORDER BY at, id, ticket;

INSERT INTO truth.records SELECT 'zendesk', id::text, person FROM sample_zendesk;
INSERT INTO truth.identifiers
SELECT 'zendesk', id::text, 'user_id', external_id FROM sample_zendesk WHERE external_id IS NOT NULL
UNION ALL SELECT 'zendesk', id::text, 'email', email FROM sample_zendesk WHERE email IS NOT NULL;

-- stripe: half of the accounts have a card on file; the newer ones carry the user id in the metadata; one in twelve came back with
-- another address and has two customers
CREATE TEMP TABLE sample_stripe ON COMMIT DROP AS
SELECT 'cus_' || substr(translate(md5('cus ' || person), '0123456789', 'KpLq4RsTuVwXyZ') , 1, 14) AS id, person,
       CASE WHEN pg_temp.draw(person, 'stripe id') < 0.40 THEN user_id END AS metadata_user_id,
       CASE WHEN pg_temp.draw(person, 'stripe address') < 0.03 THEN NULL WHEN pg_temp.draw(person, 'stripe address') < 0.28 THEN coalesce(work_email, email) ELSE email END AS email,
       plan, signed_up + interval '5 days' AS created, false AS again
FROM sample_person WHERE user_id IS NOT NULL AND pg_temp.draw(person, 'stripe') < 0.50;
INSERT INTO sample_stripe
SELECT 'cus_' || substr(translate(md5('cus again ' || person), '0123456789', 'KpLq4RsTuVwXyZ') , 1, 14), person, NULL,
       CASE WHEN s.email = p.email THEN coalesce(p.old_email, p.work_email, p.email) ELSE p.email END, s.plan, s.created + interval '300 days', true
FROM sample_stripe AS s JOIN sample_person AS p USING (person) WHERE pg_temp.draw(person, 'stripe twice') < 0.08;

CREATE SCHEMA stripe;
CREATE TABLE stripe.customers (
  id text PRIMARY KEY, email text, currency text, delinquent boolean, description text, metadata_user_id text, created timestamptz, received_at timestamptz);
INSERT INTO stripe.customers
SELECT id, pg_temp.typed(email, person, 'stripe ' || again), 'usd', pg_temp.draw(person, 'delinquent') < 0.05, NULL, pg_temp.typed_id(metadata_user_id, person, 'stripe'), created, created + interval '1 hour'
FROM sample_stripe ORDER BY id COLLATE "C";
CREATE TABLE stripe.plans (id text PRIMARY KEY, name text, amount int, currency text, "interval" text);
INSERT INTO stripe.plans VALUES ('plan_free', 'free', 0, 'usd', 'month'), ('plan_starter', 'starter', 900, 'usd', 'month'), ('plan_team', 'team', 4900, 'usd', 'month'), ('plan_enterprise', 'enterprise', 29900, 'usd', 'month');
CREATE TABLE stripe.subscriptions (id text PRIMARY KEY, customer_id text, plan_id text, status text, start timestamptz, received_at timestamptz);
INSERT INTO stripe.subscriptions
SELECT 'sub_' || substr(md5('sub ' || id), 1, 14), id, 'plan_' || plan, CASE WHEN again OR pg_temp.draw(person, 'stripe twice') >= 0.08 THEN 'active' ELSE 'canceled' END, created, created + interval '1 hour'
FROM sample_stripe ORDER BY id COLLATE "C";
CREATE TABLE stripe.charges (id text PRIMARY KEY, customer_id text, amount int, currency text, status text, receipt_email text, created timestamptz, received_at timestamptz);
INSERT INTO stripe.charges
SELECT 'ch_' || substr(md5('ch ' || s.id || month), 1, 24), s.id, p.amount, 'usd', CASE WHEN pg_temp.draw(person, 'charge ' || month) < 0.03 THEN 'failed' ELSE 'succeeded' END,
       pg_temp.typed(s.email, person, 'charge ' || month), s.created + month * interval '30 days', s.created + month * interval '30 days' + interval '1 hour'
FROM sample_stripe AS s JOIN stripe.plans AS p ON p.name = s.plan, generate_series(1, floor(pg_temp.draw(person, 'months') * 6)::int) AS month
WHERE p.amount > 0 ORDER BY s.created, s.id COLLATE "C", month;

INSERT INTO truth.records SELECT 'stripe', id, person FROM sample_stripe;
INSERT INTO truth.identifiers
SELECT 'stripe', id, 'user_id', metadata_user_id FROM sample_stripe WHERE metadata_user_id IS NOT NULL
UNION ALL SELECT 'stripe', id, 'email', email FROM sample_stripe WHERE email IS NOT NULL;

-- salesforce: a third of all people are somebody's lead, with or without an account
CREATE TEMP TABLE sample_salesforce ON COMMIT DROP AS
SELECT pg_temp.salesforce_id(person) AS id, person,
       CASE WHEN office_email IS NOT NULL THEN office_email
            WHEN pg_temp.draw(person, 'salesforce address') < 0.04 THEN NULL
            WHEN pg_temp.draw(person, 'salesforce address') < 0.50 THEN coalesce(work_email, email) ELSE email END AS email,
       first_name, last_name, company, CASE WHEN pg_temp.draw(person, 'salesforce phone') < 0.60 THEN phone END AS phone, signed_up - interval '30 days' AS created_date
FROM sample_person WHERE pg_temp.draw(person, 'salesforce') < CASE WHEN user_id IS NULL THEN 0.60 ELSE 0.25 END;

CREATE SCHEMA salesforce;
CREATE TABLE salesforce.leads (
  id text PRIMARY KEY, email text, first_name text, last_name text, company text, phone text, lead_source text, is_deleted boolean,
  created_date timestamptz, system_modstamp timestamptz, received_at timestamptz);
INSERT INTO salesforce.leads
SELECT id, pg_temp.typed(email, person, 'salesforce'), first_name, last_name, initcap(company COLLATE "C"), phone, pg_temp.pick('{Web,Event,Partner,Cold call}', person, 'lead source'), false,
       created_date, created_date + pg_temp.draw(person, 'modified') * interval '300 days', created_date + interval '301 days'
FROM sample_salesforce ORDER BY id COLLATE "C";

INSERT INTO truth.records SELECT 'salesforce', id, person FROM sample_salesforce;
INSERT INTO truth.identifiers
SELECT 'salesforce', id, 'sfdc_lead_id', id FROM sample_salesforce UNION ALL SELECT 'salesforce', id, 'email', email FROM sample_salesforce WHERE email IS NOT NULL;

-- intercom: half of the accounts used the chat; nearly always it knows the user id
CREATE TEMP TABLE sample_intercom ON COMMIT DROP AS
SELECT lpad(to_hex(extract(epoch FROM signed_up + interval '1 day')::bigint), 8, '0') || substr(md5('intercom ' || person), 1, 16) AS id, person,
       CASE WHEN pg_temp.draw(person, 'intercom id') < 0.88 THEN user_id END AS user_id, CASE WHEN pg_temp.draw(person, 'intercom address') >= 0.15 THEN email END AS email,
       first_name || ' ' || last_name AS name, signed_up + interval '1 day' AS created_at
FROM sample_person WHERE user_id IS NOT NULL AND pg_temp.draw(person, 'intercom') < 0.50;

CREATE SCHEMA intercom;
CREATE TABLE intercom.users (id text PRIMARY KEY, user_id text, email text, name text, unsubscribed_from_emails boolean, created_at timestamptz, updated_at timestamptz, received_at timestamptz);
INSERT INTO intercom.users
SELECT id, pg_temp.typed_id(user_id, person, 'intercom'), coalesce(pg_temp.typed(email, person, 'intercom'), CASE WHEN person % 3 = 0 THEN ' ' END), name,
       pg_temp.draw(person, 'unsubscribed') < 0.1, created_at, created_at + pg_temp.draw(person, 'seen') * interval '200 days', created_at + interval '201 days'
FROM sample_intercom ORDER BY id;

INSERT INTO truth.records SELECT 'intercom', id, person FROM sample_intercom;
INSERT INTO truth.identifiers
SELECT 'intercom', id, 'user_id', user_id FROM sample_intercom WHERE user_id IS NOT NULL UNION ALL SELECT 'intercom', id, 'email', email FROM sample_intercom WHERE email IS NOT NULL;

-- mailchimp: two lists. An address is one member id and one unique_email_id on both; who shares an address is one member.
CREATE TEMP TABLE sample_mailchimp ON COMMIT DROP AS
SELECT person, first_name, last_name, signed_up + interval '3 days' AS joined,
       CASE WHEN pg_temp.draw(person, 'mailchimp address') < 0.10 THEN split_part(email, '@', 1) || '+news@' || split_part(email, '@', 2)
            WHEN pg_temp.draw(person, 'mailchimp address') < 0.25 THEN coalesce(work_email, email) ELSE email END AS email
FROM sample_person WHERE pg_temp.draw(person, 'mailchimp') < 0.50;

CREATE SCHEMA mailchimp;
CREATE TABLE mailchimp.lists (id text PRIMARY KEY, name text, date_created timestamptz);
INSERT INTO mailchimp.lists VALUES ('8e423a4179', 'Newsletter', '2022-06-01 00:00:00+00'), ('1f0c6b22aa', 'Product updates', '2022-07-01 00:00:00+00');
CREATE TABLE mailchimp.list_members (
  id text, list_id text, email_address text, unique_email_id text, merge_fname text, merge_lname text, status text, last_changed timestamptz, PRIMARY KEY (id, list_id));
INSERT INTO mailchimp.list_members
SELECT DISTINCT ON (md5(email), list.id)
       md5(email), list.id, CASE WHEN pg_temp.draw(person, 'typed ' || list.name) < 0.2 THEN pg_temp.shout(email) WHEN pg_temp.draw(person, 'typed ' || list.name) < 0.4 THEN initcap(email COLLATE "C") ELSE email END,
       substr(md5('everywhere ' || email), 1, 10), first_name, last_name, CASE WHEN pg_temp.draw(person, list.name) < 0.08 THEN 'unsubscribed' ELSE 'subscribed' END, joined
FROM sample_mailchimp CROSS JOIN mailchimp.lists AS list
WHERE list.name = 'Newsletter' OR pg_temp.draw(person, 'both lists') < 0.40
ORDER BY md5(email), list.id, person;
CREATE TABLE mailchimp.campaigns (id text PRIMARY KEY, list_id text, title text, send_time timestamptz);
INSERT INTO mailchimp.campaigns VALUES
  ('c0ffee0001', '8e423a4179', 'Spring news', '2025-03-20 08:00:00+00'), ('c0ffee0002', '8e423a4179', 'Summer news', '2025-06-20 08:00:00+00'),
  ('c0ffee0003', '1f0c6b22aa', 'Version 5 is here', '2025-09-01 08:00:00+00');
CREATE TABLE mailchimp.reports_email_activity (campaign_id text, list_id text, email_id text, email_address text, action text, "timestamp" timestamptz);
INSERT INTO mailchimp.reports_email_activity
SELECT c.id, c.list_id, m.id, m.email_address, action, c.send_time + (CASE action WHEN 'open' THEN 1 ELSE 2 END + ('x' || substr(m.id, 9, 4))::bit(16)::int % 40) * interval '1 hour'
FROM mailchimp.campaigns AS c JOIN mailchimp.list_members AS m USING (list_id), unnest('{open,click}'::text[]) AS action
WHERE m.status = 'subscribed' AND ('x' || substr(md5(c.id || m.id), 1, 4))::bit(16)::int / 65536.0 < CASE action WHEN 'open' THEN 0.35 ELSE 0.08 END
ORDER BY c.id, m.id, action;

INSERT INTO truth.records SELECT DISTINCT ON (email) 'mailchimp', substr(md5('everywhere ' || email), 1, 10), person FROM sample_mailchimp ORDER BY email, person;
INSERT INTO truth.identifiers SELECT DISTINCT 'mailchimp', substr(md5('everywhere ' || email), 1, 10), 'email', email FROM sample_mailchimp;

-- marketo: three in ten; the most are in sync with salesforce and know the lead's id
CREATE TEMP TABLE sample_marketo ON COMMIT DROP AS
SELECT 1031000 + p.person AS id, p.person, CASE WHEN pg_temp.draw(p.person, 'marketo sync') < 0.70 THEN s.id END AS sfdc_lead_id,
       CASE WHEN p.office_email IS NOT NULL THEN p.office_email
            WHEN pg_temp.draw(p.person, 'marketo address') < 0.05 THEN NULL
            WHEN pg_temp.draw(p.person, 'marketo address') < 0.40 THEN coalesce(p.work_email, p.email)
            WHEN pg_temp.draw(p.person, 'marketo address') < 0.60 THEN coalesce(p.old_email, p.email) ELSE p.email END AS email,
       p.first_name, p.last_name, p.signed_up - interval '35 days' AS created_at
FROM sample_person AS p LEFT JOIN sample_salesforce AS s USING (person) WHERE pg_temp.draw(p.person, 'marketo') < 0.30;

CREATE SCHEMA marketo;
CREATE TABLE marketo.leads (id int PRIMARY KEY, email text, first_name text, last_name text, sfdc_lead_id text, created_at timestamptz, updated_at timestamptz);
INSERT INTO marketo.leads
SELECT id, pg_temp.typed(email, person, 'marketo'), first_name, last_name, sfdc_lead_id, created_at, created_at + pg_temp.draw(person, 'marketo changed') * interval '100 days'
FROM sample_marketo ORDER BY id;

INSERT INTO truth.records SELECT 'marketo', id::text, person FROM sample_marketo;
INSERT INTO truth.identifiers
SELECT 'marketo', id::text, 'sfdc_lead_id', sfdc_lead_id FROM sample_marketo WHERE sfdc_lead_id IS NOT NULL UNION ALL SELECT 'marketo', id::text, 'email', email FROM sample_marketo WHERE email IS NOT NULL;

-- 4. Tidy up ----------------------------------------------------------------------------------------------------------------

CREATE INDEX ON zendesk.tickets (requester_id);
CREATE INDEX ON stripe.subscriptions (customer_id);

DROP TABLE sample_person, sample_production, sample_segment, sample_identify, sample_page, sample_zendesk, sample_stripe, sample_salesforce, sample_intercom, sample_mailchimp, sample_marketo;
DROP FUNCTION pg_temp.draw, pg_temp.pick, pg_temp.day, pg_temp.shout, pg_temp.typed, pg_temp.typed_id, pg_temp.salesforce_id;

ANALYZE production.users, segment.users, segment.identifies, segment.pages, zendesk.users, zendesk.tickets, stripe.customers, stripe.plans, stripe.subscriptions, stripe.charges,
        salesforce.leads, intercom.users, mailchimp.lists, mailchimp.list_members, mailchimp.campaigns, mailchimp.reports_email_activity, marketo.leads;
