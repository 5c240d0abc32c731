-- A made-up company: 200 people or more in its own database and in fifteen tools, where the ids that one tool knows of another really link. The tables are in
-- Fivetran's names and columns, all of type text; layouts.py lays them out as other loaders do. Nothing is random: every choice comes from an MD5 of
-- (person, topic). Schema truth says who is who.
--
-- The traps are those of real files:
--   integers of Zendesk, Marketo, HubSpot and Pardot are the same numbers for other people; user ids, Intercom's ids and half of the anonymous ids are all
--   24 hexadecimal digits; a row that is deleted, or a lead that only Intercom knows, holds somebody else's address or a made-up id; one address that a form
--   put into Zendesk; an account number in Stripe's metadata that whole companies share; the text NULL as a user id; columns with the address of another
--   person (partner, referrer, owner); staff, audiences, companies, tickets and orders; a backup, an old version, and a mart of the production table.
--
--     psql -f company.sql                            200 people, whose ids in the company's database are ObjectIds
--     psql -v people=20000 -v ids=serial -f …        more, and integers from 1000; or ids=uuid
SET client_min_messages = warning;
\if :{?people}
\else
  \set people 200
\endif
\if :{?ids}
\else
  \set ids object
\endif

CREATE FUNCTION pg_temp.draw(person int, topic text) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || substr(md5(person || '/' || topic), 1, 8))::bit(32)::bigint / 4294967296.0
$$;
CREATE FUNCTION pg_temp.at(person int, topic text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT to_char(timestamp '2024-01-01' + floor(pg_temp.draw(person, topic) * 700 * 86400) * interval '1 second', 'YYYY-MM-DD HH24:MI:SS')
$$;
-- Salesforce's id: a prefix, 15 characters in all, and a checksum that tells the capitals.
CREATE FUNCTION pg_temp.salesforce_id(prefix text, person int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  WITH id AS (
    SELECT prefix || '5g0000' || string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
                                                   1 + ((person + 77)::bigint * 7919 / (62 ^ place)::bigint % 62)::int, 1), '' ORDER BY place DESC) AS id
    FROM generate_series(0, 5) AS place)
  SELECT id || (
    SELECT string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + bits, 1), '' ORDER BY chunk)
    FROM (SELECT chunk, sum(CASE WHEN substr(id, chunk * 5 + bit + 1, 1) COLLATE "C" BETWEEN 'A' AND 'Z' THEN 1 << bit ELSE 0 END)::int AS bits
          FROM generate_series(0, 2) AS chunk, generate_series(0, 4) AS bit GROUP BY chunk) AS chunks)
  FROM id
$$;

CREATE TEMP TABLE person AS
WITH named AS (
  SELECT person,
         (ARRAY['Ada','Ben','Carla','Dana','Elif','Farid','Grace','Hana','Ivan','Jonas','Kenji','Lena','Mara','Nils','Olga','Paolo','Quinn','Rosa','Sam','Tess'])[1 + person % 20] AS first_name,
         (ARRAY['Abebe','Bauer','Chen','Diaz','Evans','Farah','Garcia','Haddad','Ito','Jensen','Khan','Lang','Meyer'])[1 + person % 13] AS last_name,
         (ARRAY['acme','bluefin','cobalt','dunder','evergreen','foxglove','globex','harbour'])[1 + person % 200 / 25] AS company
  FROM generate_series(0, :people - 1) AS person)
SELECT *,
  lower(first_name) || '.' || lower(last_name) || person || '@' || (ARRAY['gmail.com','outlook.com',company || '.example','fastmail.com'])[1 + person % 4] AS email,
  lower(left(first_name, 1) || last_name) || person || '@' || company || '.example' AS work_email,
  CASE WHEN pg_temp.draw(person, 'account') < 0.85
       THEN CASE :'ids' WHEN 'serial' THEN (1000 + person * 37 % :people)::text WHEN 'uuid' THEN md5('user ' || person)::uuid::text
                        ELSE to_hex(1704067200 + person * 2000) || substr(md5('ObjectId ' || person), 1, 16) END END AS user_id,
  '+1415' || lpad((person + 5550000)::text, 7, '0') AS phone
FROM named;

ALTER TABLE person ADD PRIMARY KEY (person);
ANALYZE person;

-- Whether a person is known to a tool.
CREATE FUNCTION pg_temp.has(person int, tool text, share double precision) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_temp.draw(person, 'in ' || tool) < share
$$;

CREATE SCHEMA truth;
-- Which person each record is, by the tool and any of the ids a record may be named by. Rows that are deleted, staff, and leads that only one tool knows
-- under no address are not there: nobody has to find them, and nothing may merge people through them.
-- A record that may be named in two ways has two rows of one item.
CREATE TABLE truth.record (tool text, id text, person int, item text);

-- The company's own database -------------------------------------------------------------------------------------------------------
CREATE SCHEMA production;
CREATE TABLE production.users AS
SELECT user_id AS id, email, lower(first_name) || person AS username, first_name || ' ' || last_name AS full_name, company AS company_name,
       CASE WHEN pg_temp.draw(person, 'plan') < 0.5 THEN 'free' ELSE 'team' END AS plan, pg_temp.at(person, 'signed up') AS created_at, pg_temp.at(person, 'changed') AS updated_at
FROM person WHERE user_id IS NOT NULL ORDER BY user_id;
INSERT INTO truth.record SELECT 'production', user_id, person FROM person WHERE user_id IS NOT NULL;
CREATE TABLE production.users_backup_20260101 AS SELECT * FROM production.users;
CREATE TABLE production.users_old AS SELECT * FROM production.users WHERE created_at < '2025-06-01';
CREATE TABLE production.organizations AS
SELECT (row_number() OVER (ORDER BY company))::text AS id, initcap(company) AS name, company || '.example' AS domain, 'billing@' || company || '.example' AS billing_email, min(email) AS owner_email
FROM person GROUP BY company;
CREATE TABLE production.orders AS
SELECT (5000 + person * 3 + n)::text AS id, user_id, (10 + person % 90)::text AS amount, pg_temp.at(person, 'order ' || n) AS created_at
FROM person, generate_series(0, 2) AS n WHERE user_id IS NOT NULL;
CREATE SCHEMA warehouse;
CREATE TABLE warehouse.dim_customers AS SELECT md5(id) AS customer_key, id AS user_id, email, full_name, plan, created_at AS dbt_valid_from FROM production.users;

-- Segment --------------------------------------------------------------------------------------------------------------------------
CREATE SCHEMA segment;
CREATE TABLE segment.users AS
SELECT user_id AS id, CASE WHEN pg_temp.draw(person, 'trait') < 0.9 THEN email END AS email, first_name, last_name, company AS company_name, '2026-02-01 10:00:00' AS received_at, '2026-02-01 11:00:00' AS uuid_ts
FROM person WHERE user_id IS NOT NULL AND pg_temp.has(person, 'segment', 0.95);
INSERT INTO truth.record SELECT 'segment', id, person FROM segment.users JOIN person ON user_id = id;
CREATE TEMP TABLE device AS
SELECT person, user_id, CASE WHEN n = 1 THEN substr(md5('device ' || person), 1, 24) ELSE md5('device ' || n || person)::uuid::text END AS anonymous_id
FROM person, generate_series(1, 2) AS n WHERE user_id IN (SELECT id FROM segment.users) AND pg_temp.draw(person, 'device ' || n) < 0.7;
CREATE TABLE segment.identifies AS
SELECT 'ajs-' || md5('identify ' || anonymous_id || n) AS id, anonymous_id, CASE WHEN n = 3 THEN 'NULL' ELSE user_id END AS user_id, CASE WHEN n = 1 THEN person.email END AS email, '2026-02-0' || n || ' 10:00:00' AS received_at,
       '2026-02-01 11:00:00' AS uuid_ts, '2026-02-01 09:59:59' AS sent_at, '2026-02-01 09:59:59' AS "timestamp"
FROM device JOIN person USING (person, user_id), generate_series(1, 3) AS n WHERE n < 3 OR person % 10 = 0;
CREATE TABLE segment.pages AS
SELECT 'ajs-' || md5('page ' || anonymous_id || n) AS id, anonymous_id, CASE WHEN n > 2 THEN user_id END AS user_id, '/pricing' AS path, 'Pricing' AS title, '2026-02-0' || n || ' 10:00:00' AS received_at, '2026-02-01 11:00:00' AS uuid_ts,
       '2026-02-01 09:59:59' AS sent_at, '2026-02-01 09:59:59' AS "timestamp", '203.0.113.' || person % 250 AS context_ip
FROM device, generate_series(1, 4) AS n;
CREATE TABLE segment.tracks AS
SELECT id, anonymous_id, user_id, 'page_seen' AS event, 'Page Seen' AS event_text, received_at, uuid_ts, sent_at, "timestamp" FROM segment.pages;
CREATE TABLE segment.aliases AS
SELECT 'ajs-' || md5('alias ' || user_id) AS id, md5('before ' || person)::uuid::text AS previous_id, user_id, '2026-02-01 10:00:00' AS received_at, '2026-02-01 11:00:00' AS uuid_ts, '2026-02-01 09:59:59' AS sent_at, '2026-02-01 09:59:59' AS "timestamp"
FROM person WHERE user_id IS NOT NULL AND person % 15 = 0;
CREATE TABLE segment.groups AS
SELECT 'ajs-' || md5('group ' || user_id) AS id, md5('device ' || person)::uuid::text AS anonymous_id, user_id, company AS group_id, '2026-02-01 10:00:00' AS received_at, '2026-02-01 11:00:00' AS uuid_ts, '2026-02-01 09:59:59' AS sent_at, '2026-02-01 09:59:59' AS "timestamp"
FROM person WHERE user_id IS NOT NULL;

-- Zendesk: numbers from 1000 ------------------------------------------------------------------------------------------------------
CREATE SCHEMA zendesk;
CREATE TABLE zendesk."user" AS
SELECT (1000 + person)::text AS id, CASE WHEN person % 20 = 7 THEN 'example@email.com' WHEN user_id IS NOT NULL AND pg_temp.draw(person, 'zendesk address') < 0.15 THEN NULL ELSE initcap(email) END AS email,
       CASE WHEN pg_temp.draw(person, 'passed on') < 0.7 OR person % 20 = 7 THEN user_id END AS external_id, first_name || ' ' || last_name AS name, NULL AS phone, 'end-user' AS role, 'TRUE' AS active, 'FALSE' AS suspended, 'TRUE' AS verified,
       'FALSE' AS shared, (3000 + person / 25)::text AS organization_id, 'en-US' AS locale, 'https://made-up.zendesk.com/api/v2/users/' || (1000 + person) || '.json' AS url,
       pg_temp.at(person, 'zendesk') AS created_at, pg_temp.at(person, 'zendesk changed') AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced, 'FALSE' AS _fivetran_deleted
FROM person WHERE pg_temp.has(person, 'zendesk', 0.6) AND (user_id IS NOT NULL OR person % 20 <> 7);
INSERT INTO truth.record SELECT 'zendesk', id, id::int - 1000 FROM zendesk."user" WHERE external_id IS NOT NULL OR email LIKE '%@%' AND email <> 'example@email.com';
-- agents, one of whom a customer's address was given to; users that are deleted, with the address of the next person
INSERT INTO zendesk."user" SELECT (9000000 + n)::text, CASE n WHEN 1 THEN (SELECT email FROM person WHERE person = 3) ELSE 'agent' || n || '@made-up.example' END, NULL, 'Agent ' || n, NULL, CASE n WHEN 5 THEN 'admin' ELSE 'agent' END, 'TRUE', 'FALSE', 'TRUE', 'FALSE', NULL, 'en-US',
  'https://made-up.zendesk.com/api/v2/users/' || (9000000 + n) || '.json', '2024-01-01 00:00:00', '2025-01-01 00:00:00', '2026-02-28 06:00:00', 'FALSE' FROM generate_series(1, 5) AS n;
INSERT INTO zendesk."user" SELECT (8000000 + person)::text, email, (SELECT user_id FROM person AS other WHERE other.person = (p.person + 31) % :people), 'Gone', NULL, 'end-user', 'FALSE', 'FALSE', 'TRUE', 'FALSE', NULL, 'en-US',
  'https://made-up.zendesk.com/api/v2/users/' || (8000000 + person) || '.json', '2024-01-01 00:00:00', '2025-01-01 00:00:00', '2026-02-28 06:00:00', 'TRUE' FROM person AS p WHERE person % 40 = 1;
CREATE TABLE zendesk.ticket AS
SELECT (800000 + row_number() OVER (ORDER BY id))::text AS id, id AS requester_id, id AS submitter_id, '9000001' AS assignee_id, NULL AS external_id, 'Help' AS subject, 'It does not work' AS description, 'open' AS status, 'support@made-up.example' AS recipient,
       '2025-05-05 05:05:05' AS created_at, '2026-02-28 06:00:00' AS _fivetran_synced FROM zendesk."user" WHERE role = 'end-user';
CREATE TABLE zendesk.organization AS SELECT (3000 + n)::text AS id, 'Company ' || n AS name, NULL AS external_id, '2024-01-01 00:00:00' AS created_at, '2024-01-01 00:00:00' AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(0, 7) AS n;

-- Stripe ---------------------------------------------------------------------------------------------------------------------------
CREATE SCHEMA stripe;
CREATE TABLE stripe.customer AS
SELECT 'cus_' || substr(translate(md5('stripe ' || person || n), '0123', 'QRST'), 1, 14) AS id, CASE WHEN pg_temp.draw(person, 'stripe address') < 0.9 OR user_id IS NULL THEN CASE n WHEN 2 THEN work_email ELSE email END END AS email,
       first_name || ' ' || last_name AS name, CASE WHEN person % 3 = 0 THEN phone END AS phone, 'Customer' AS description, pg_temp.at(person, 'stripe ' || n) AS created, 'usd' AS currency, '0' AS balance, 'FALSE' AS delinquent, 'TRUE' AS livemode,
       'FALSE' AS is_deleted, upper(substr(md5('prefix ' || person || n), 1, 8)) AS invoice_prefix, 'Berlin' AS address_city, 'DE' AS address_country, 'Berlin' AS shipping_address_city,
       CASE WHEN user_id IS NOT NULL THEN json_build_object('user_id', user_id, 'account_id', 'org-' || company)::text ELSE json_build_object('account_id', 'org-' || company)::text END AS metadata, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person, generate_series(1, 2) AS n WHERE pg_temp.has(person, 'stripe', 0.6) AND (n = 1 OR person % 6 = 0 AND user_id IS NOT NULL);
INSERT INTO truth.record
SELECT 'stripe', c.id, p.person FROM stripe.customer AS c JOIN person AS p ON coalesce(c.metadata::json->>'user_id', c.email) = coalesce(p.user_id, p.email);
INSERT INTO stripe.customer SELECT 'cus_gone' || lpad(person::text, 10, 'X'), email, 'Gone', NULL, NULL, '2024-01-01 00:00:00', 'usd', '0', 'FALSE', 'TRUE', 'TRUE', 'GONE' || person, NULL, NULL, NULL,
  json_build_object('user_id', (SELECT user_id FROM person AS other WHERE other.person = (p.person + 33) % :people))::text, '2026-02-28 06:00:00' FROM person AS p WHERE person % 50 = 2;
CREATE TABLE stripe.charge AS
SELECT 'ch_' || substr(md5('charge ' || id), 1, 24) AS id, id AS customer_id, '1999' AS amount, 'usd' AS currency, email AS receipt_email, created, 'TRUE' AS livemode, 'succeeded' AS status, '2026-02-28 06:00:00' AS _fivetran_synced FROM stripe.customer;
CREATE TABLE stripe.subscription AS
SELECT 'sub_' || substr(md5('subscription ' || id), 1, 14) AS id, id AS customer_id, 'active' AS status, created, 'TRUE' AS livemode, '2026-02-28 06:00:00' AS _fivetran_synced FROM stripe.customer;

-- Salesforce: leads, of which some became contacts and some were merged ---------------------------------------------------------------
CREATE SCHEMA salesforce;
CREATE TABLE salesforce.lead AS
SELECT pg_temp.salesforce_id('00Q', person) AS id, email, first_name, last_name, first_name || ' ' || last_name AS name, phone, NULL AS mobile_phone, company, 'Web' AS lead_source, pg_temp.salesforce_id('005', 1) AS owner_id, 'Open' AS status,
       CASE WHEN person % 4 = 0 THEN 'TRUE' ELSE 'FALSE' END AS is_converted, CASE WHEN person % 4 = 0 THEN pg_temp.salesforce_id('003', person) END AS converted_contact_id, NULL AS master_record_id,
       (SELECT other.email FROM person AS other WHERE other.person = (p.person + 57) % :people) AS referral_contact_email_c, 'rep@partner.example' AS partner_rep_email_c, 'FALSE' AS is_deleted, pg_temp.at(person, 'lead') AS created_date,
       pg_temp.at(person, 'lead changed') AS last_modified_date, pg_temp.at(person, 'lead changed') AS system_modstamp, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person AS p WHERE pg_temp.has(person, 'salesforce', 0.5);
INSERT INTO truth.record SELECT 'salesforce', l.id, p.person FROM salesforce.lead AS l JOIN person AS p USING (email);
-- the other half of a merge, under the person's other address; and leads that are deleted, with the address of one person and the number of another
INSERT INTO salesforce.lead SELECT pg_temp.salesforce_id('00Q', 1000000 + person), work_email, first_name, last_name, first_name || ' ' || last_name, NULL, NULL, company, 'Web', pg_temp.salesforce_id('005', 1), 'Open', 'FALSE', NULL, pg_temp.salesforce_id('00Q', person), NULL, NULL, 'TRUE',
  '2024-01-01 00:00:00', '2025-01-01 00:00:00', '2025-01-01 00:00:00', '2026-02-28 06:00:00' FROM person WHERE person % 9 = 0 AND pg_temp.salesforce_id('00Q', person) IN (SELECT id FROM salesforce.lead);
INSERT INTO salesforce.lead SELECT pg_temp.salesforce_id('00Q', 2000000 + person), email, 'Gone', 'Gone', 'Gone Gone', (SELECT phone FROM person AS other WHERE other.person = (p.person + 35) % :people), NULL, company, 'Web', pg_temp.salesforce_id('005', 1), 'Open', 'TRUE',
  pg_temp.salesforce_id('003', (person + 36) % :people), NULL, NULL, NULL, 'TRUE', '2024-01-01 00:00:00', '2025-01-01 00:00:00', '2025-01-01 00:00:00', '2026-02-28 06:00:00' FROM person AS p WHERE person % 50 = 3;
CREATE TABLE salesforce.contact AS
SELECT pg_temp.salesforce_id('003', person) AS id, CASE WHEN person % 8 = 0 THEN work_email ELSE email END AS email, first_name, last_name, first_name || ' ' || last_name AS name, phone, NULL AS mobile_phone, NULL AS home_phone, pg_temp.salesforce_id('001', person / 25) AS account_id,
       pg_temp.salesforce_id('005', 1) AS owner_id, NULL AS master_record_id, 'FALSE' AS is_deleted, pg_temp.at(person, 'contact') AS created_date, pg_temp.at(person, 'contact') AS last_modified_date, pg_temp.at(person, 'contact') AS system_modstamp, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE pg_temp.salesforce_id('003', person) IN (SELECT converted_contact_id FROM salesforce.lead WHERE is_deleted = 'FALSE');
INSERT INTO truth.record SELECT 'salesforce', pg_temp.salesforce_id('003', person), person FROM person WHERE pg_temp.salesforce_id('003', person) IN (SELECT id FROM salesforce.contact);
CREATE TABLE salesforce.account AS
SELECT pg_temp.salesforce_id('001', n) AS id, 'Company ' || n AS name, NULL AS phone, 'https://made-up.example' AS website, 'Software' AS industry, pg_temp.salesforce_id('005', 1) AS owner_id, 'FALSE' AS is_deleted, '2024-01-01 00:00:00' AS created_date, '2024-01-01 00:00:00' AS last_modified_date,
       '2024-01-01 00:00:00' AS system_modstamp, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(0, 7) AS n;
-- staff; the first of them is a customer as well, which is no reason to take staff in
CREATE TABLE salesforce."user" AS
SELECT pg_temp.salesforce_id('005', n) AS id, CASE n WHEN 1 THEN (SELECT email FROM person WHERE person = 5) ELSE 'rep' || n || '@made-up.example' END AS email, 'rep' || n || '@made-up.example' AS username, 'Rep' AS first_name, 'No' || n AS last_name, 'Rep No' || n AS name,
       'rep' || n AS alias, pg_temp.salesforce_id('00e', n) AS profile_id, 'Standard' AS user_type, 'TRUE' AS is_active, '2024-01-01 00:00:00' AS system_modstamp, 'FALSE' AS _fivetran_deleted, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(1, 12) AS n;

-- Intercom: users with our id, leads with one that Intercom makes up ---------------------------------------------------------------------
CREATE SCHEMA intercom;
CREATE TABLE intercom.contact AS
SELECT to_hex(1704067200 + person * 7777) || substr(md5('intercom ' || person), 1, 16) AS id, CASE WHEN user_id IS NULL THEN 'lead' ELSE 'user' END AS role,
       CASE WHEN user_id IS NULL THEN md5('lead ' || person)::uuid::text ELSE user_id END AS external_id, CASE WHEN user_id IS NULL OR pg_temp.draw(person, 'intercom address') < 0.9 THEN upper(email) END AS email, first_name || ' ' || last_name AS name, NULL AS phone,
       'abcd1234' AS workspace_id, pg_temp.at(person, 'intercom') AS created_at, pg_temp.at(person, 'intercom') AS updated_at, CASE WHEN user_id IS NOT NULL THEN pg_temp.at(person, 'intercom') END AS signed_up_at, 'FALSE' AS has_hard_bounced,
       'FALSE' AS unsubscribed_from_emails, 'Nurse' AS custom_job_title, '2026-02-28 06:00:00' AS _fivetran_synced, 'FALSE' AS _fivetran_deleted
FROM person WHERE pg_temp.has(person, 'intercom', 0.6);
INSERT INTO truth.record SELECT 'intercom', i.id, p.person FROM intercom.contact AS i JOIN person AS p ON CASE i.role WHEN 'lead' THEN lower(i.email) ELSE i.external_id END = coalesce(p.user_id, p.email);
INSERT INTO intercom.contact SELECT to_hex(1704067200 + person * 7777) || substr(md5('gone ' || person), 1, 16), 'user', (SELECT user_id FROM person AS other WHERE other.person = (p.person + 37) % :people), email, 'Gone', NULL, 'abcd1234', '2024-01-01 00:00:00', '2024-01-01 00:00:00', '2024-01-01 00:00:00',
  'FALSE', 'FALSE', NULL, '2026-02-28 06:00:00', 'TRUE' FROM person AS p WHERE person % 50 = 6;
CREATE TABLE intercom.admin AS SELECT (4077000 + n)::text AS id, 'agent' || n || '@made-up.example' AS email, 'Agent ' || n AS name, 'Support' AS job_title, 'FALSE' AS _fivetran_deleted, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(1, 5) AS n;

-- Mailchimp: the id is the MD5 of the address -------------------------------------------------------------------------------------------
CREATE SCHEMA mailchimp;
CREATE TABLE mailchimp.member AS
SELECT md5(lower(address)) AS id, list_id, address AS email_address, substr(md5('unique ' || lower(address)), 1, 10) AS unique_email_id, CASE WHEN person % 7 = 0 THEN 'unsubscribed' ELSE 'subscribed' END AS status, first_name AS merge_fname, last_name AS merge_lname,
       pg_temp.at(person, 'mailchimp') AS last_changed, pg_temp.at(person, 'mailchimp') AS timestamp_opt, '3' AS member_rating, 'FALSE' AS vip, 'en' AS language, '2026-02-28 06:00:00' AS _fivetran_synced
FROM (SELECT *, CASE WHEN person % 4 = 1 THEN initcap(email) ELSE email END AS address FROM person) AS p, (VALUES ('8e423a4179', 0.5), ('8e423a4180', 0.15)) AS l(list_id, share) WHERE pg_temp.has(person, list_id, share);
INSERT INTO truth.record SELECT DISTINCT 'mailchimp', key, p.person, m.id FROM mailchimp.member AS m JOIN person AS p ON lower(m.email_address) = p.email, unnest(ARRAY[m.id, m.unique_email_id]) AS key;
CREATE TABLE mailchimp.list AS SELECT l.id, l.name, 'Made-up Inc.' AS contact_company, 'news@made-up.example' AS default_from_email, 'Made-up' AS default_from_name, 'en' AS default_language, '2024-01-01 00:00:00' AS date_created, 'FALSE' AS _fivetran_deleted, '2026-02-28 06:00:00' AS _fivetran_synced
FROM (VALUES ('8e423a4179', 'Newsletter'), ('8e423a4180', 'Beta')) AS l(id, name);
CREATE TABLE mailchimp.campaign_recipient AS SELECT 'c0ffee0001' AS campaign_id, id AS member_id, list_id, '2026-02-28 06:00:00' AS _fivetran_synced FROM mailchimp.member;

-- Marketo, HubSpot and Pardot: numbers from 1000, of other people ------------------------------------------------------------------------
CREATE SCHEMA marketo;
CREATE TABLE marketo.lead AS
SELECT (1000 + (person + 50) % :people)::text AS id, CASE WHEN NOT l.synced OR pg_temp.draw(person, 'marketo address') < 0.8 THEN email END AS email, first_name, last_name, company, CASE WHEN l.synced THEN pg_temp.salesforce_id('00Q', person) END AS sfdc_lead_id, 'FALSE' AS is_anonymous, pg_temp.at(person, 'marketo') AS created_at,
       pg_temp.at(person, 'marketo changed') AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person, LATERAL (SELECT pg_temp.has(person, 'salesforce', 0.5) AND person % 3 > 0 AS synced) AS l WHERE pg_temp.has(person, 'marketo', 0.5);
INSERT INTO truth.record SELECT 'marketo', id, (id::int - 1000 + :people - 50) % :people FROM marketo.lead;
CREATE TABLE marketo.activity_send_email AS SELECT (9000000 + id::int)::text AS id, id AS lead_id, '6' AS activity_type_id, '2025-05-05 05:05:05' AS activity_date, '2026-02-28 06:00:00' AS _fivetran_synced FROM marketo.lead;
CREATE SCHEMA hubspot;
CREATE TABLE hubspot.contact AS
SELECT (1000 + (person + 100) % :people)::text AS id, email AS property_email, first_name AS property_firstname, last_name AS property_lastname, company AS property_company, NULL AS property_hs_merged_object_ids, pg_temp.at(person, 'hubspot') AS property_createdate,
       'FALSE' AS _fivetran_deleted, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE pg_temp.has(person, 'hubspot', 0.45);
INSERT INTO truth.record SELECT 'hubspot', id, (id::int - 1000 + :people - 100) % :people FROM hubspot.contact;
-- a merge: the survivor tells the id of the other, which is still there under the other address
INSERT INTO hubspot.contact SELECT (2000000 + person)::text, work_email, first_name, last_name, company, NULL, '2024-01-01 00:00:00', 'FALSE', '2026-02-28 06:00:00' FROM person WHERE person % 11 = 0 AND (1000 + (person + 100) % :people)::text IN (SELECT id FROM hubspot.contact);
UPDATE hubspot.contact AS c SET property_hs_merged_object_ids = m.id || ';' || '99' || m.id FROM hubspot.contact AS m WHERE m.id::int >= 2000000 AND c.id = (1000 + (m.id::int - 2000000 + 100) % :people)::text;
INSERT INTO truth.record SELECT 'hubspot', id, id::int - 2000000 FROM hubspot.contact WHERE id::int >= 2000000;
INSERT INTO hubspot.contact SELECT (2500000 + person)::text, email, 'Gone', 'Gone', company, (1000 + (person + 141) % :people)::text, '2024-01-01 00:00:00', 'TRUE', '2026-02-28 06:00:00' FROM person WHERE person % 50 = 7;
CREATE TABLE hubspot.owner AS SELECT (42000000 + n)::text AS owner_id, 'rep' || n || '@made-up.example' AS email, 'Rep' AS first_name, 'No' || n AS last_name, 'PERSON' AS type, '4727653' AS portal_id, '2024-01-01 00:00:00' AS created_at, '2024-01-01 00:00:00' AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(1, 10) AS n;
CREATE TABLE hubspot.company AS SELECT (7000 + n)::text AS id, 'FALSE' AS is_deleted, 'Company ' || n AS property_name, 'made-up.example' AS property_domain, NULL AS "property_hs_all-funky-a9384-syntax", '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(0, 7) AS n;
CREATE SCHEMA pardot;
CREATE TABLE pardot.prospect AS
SELECT (1000 + (person + 25) % :people)::text AS id, CASE WHEN person % 2 = 0 THEN email END AS email, first_name, last_name, company, CASE WHEN l.is_lead THEN pg_temp.salesforce_id('00Q', person) END AS crm_lead_fid, NULL AS crm_contact_fid, '64180' AS campaign_id, '15064353' AS user_id,
       '10' AS score, 'FALSE' AS _fivetran_deleted, pg_temp.at(person, 'pardot') AS created_at, pg_temp.at(person, 'pardot') AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person, LATERAL (SELECT pg_temp.has(person, 'salesforce', 0.5) AS is_lead) AS l WHERE pg_temp.has(person, 'pardot', 0.4) AND (l.is_lead OR person % 2 = 0);
INSERT INTO truth.record SELECT 'pardot', id, (id::int - 1000 + :people - 25) % :people FROM pardot.prospect;

-- The rest: by our own id or by an address -------------------------------------------------------------------------------------------------
CREATE SCHEMA recurly;
CREATE TABLE recurly.account_history AS
SELECT md5('recurly ' || person) AS id, user_id AS code, CASE WHEN person % 3 > 0 THEN email END AS email, first_name AS account_first_name, last_name AS account_last_name, company, 'active' AS state, 'self' AS bill_to, NULL AS deleted_at, pg_temp.at(person, 'recurly') AS created_at,
       CASE v WHEN 1 THEN '2023-01-01 00:00:00' ELSE pg_temp.at(person, 'recurly') END AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person, generate_series(1, 2) AS v WHERE user_id IS NOT NULL AND pg_temp.has(person, 'recurly', 0.4) AND (v = 2 OR person % 5 = 0);
INSERT INTO truth.record SELECT DISTINCT 'recurly', r.id, p.person FROM recurly.account_history AS r JOIN person AS p ON p.user_id = r.code;
CREATE SCHEMA pendo;
CREATE TABLE pendo.visitor_history AS
SELECT user_id AS id, company AS account_id, CASE WHEN person % 4 > 0 THEN email END AS agent_email, first_name || ' ' || last_name AS agent_full_name, pg_temp.at(person, 'first visit') AS first_visit, '2026-02-01 00:00:00' AS last_visit, 'Chrome' AS last_browser_name, (person * 7919 + 100000)::text AS id_hash,
       '2026-02-01 00:00:00' AS last_updated_at, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE user_id IS NOT NULL AND pg_temp.has(person, 'pendo', 0.6);
INSERT INTO truth.record SELECT 'pendo', v.id, p.person FROM pendo.visitor_history AS v JOIN person AS p ON p.user_id = v.id;
CREATE TABLE pendo."user" AS SELECT (5748677122064384 + n)::text AS id, 'Rep' AS first_name, 'No' || n AS last_name, '2' AS role, 'normal' AS user_type, 'rep' || n || '@made-up.example' AS username, '2026-02-28 06:00:00' AS _fivetran_synced FROM generate_series(1, 5) AS n;
CREATE SCHEMA iterable;
CREATE TABLE iterable.user_history AS
SELECT email, user_id, (60000 + person)::text AS iterable_user_id, first_name, last_name, NULL AS phone_number, pg_temp.at(person, 'iterable') AS signup_date, 'API' AS signup_source, '[]' AS email_list_ids, pg_temp.at(person, 'iterable') AS updated_at, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE pg_temp.has(person, 'iterable', 0.3);
INSERT INTO truth.record SELECT 'iterable', key, p.person, i.email FROM iterable.user_history AS i JOIN person AS p USING (email), unnest(ARRAY[i.iterable_user_id, i.email]) AS key;
CREATE SCHEMA klaviyo;
CREATE TABLE klaviyo.person AS
SELECT '01F35SYVPX' || upper(translate(substr(md5('klaviyo ' || person), 1, 16), 'ilou', 'abcd')) AS id, email, CASE WHEN person % 2 = 0 THEN phone END AS phone_number, first_name, last_name, 'Berlin' AS city, 'Germany' AS country, pg_temp.at(person, 'klaviyo') AS created, pg_temp.at(person, 'klaviyo') AS updated,
       'FALSE' AS _fivetran_deleted, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE pg_temp.has(person, 'klaviyo', 0.4);
INSERT INTO truth.record SELECT 'klaviyo', k.id, p.person FROM klaviyo.person AS k JOIN person AS p USING (email);
CREATE SCHEMA shopify;
CREATE TABLE shopify.customer AS
SELECT (3588998496000 + person)::text AS id, email, CASE WHEN person % 3 = 0 THEN phone END AS phone, first_name, last_name, 'enabled' AS state, '2' AS orders_count, '20.50' AS total_spent, 'TRUE' AS verified_email, 'FALSE' AS tax_exempt, pg_temp.at(person, 'shopify') AS created_at, pg_temp.at(person, 'shopify') AS updated_at,
       '2026-02-28 06:00:00' AS _fivetran_synced
FROM person WHERE pg_temp.has(person, 'shopify', 0.35);
INSERT INTO truth.record SELECT 'shopify', s.id, p.person FROM shopify.customer AS s JOIN person AS p USING (email);
CREATE TABLE shopify."order" AS SELECT (4500000000000 + id::bigint - 3588998496000)::text AS id, email, id AS customer_id, '#' || id AS name, '19.99' AS total_price, created_at, '2026-02-28 06:00:00' AS _fivetran_synced FROM shopify.customer;
CREATE SCHEMA amplitude;
CREATE TABLE amplitude.event AS
SELECT (100000 + person * 10 + n)::text AS id, CASE WHEN n > 1 THEN user_id END AS user_id, md5('amplitude ' || person / 2)::uuid::text AS device_id, (75805000000 + person / 2)::text AS amplitude_id, 'page_view' AS event_type, '2026-01-0' || n || ' 00:00:00' AS event_time, '1' AS session_id,
       md5('event ' || person || n)::uuid::text AS uuid, '{}' AS event_properties, '2026-02-28 06:00:00' AS _fivetran_synced
FROM person, generate_series(1, 3) AS n WHERE user_id IS NOT NULL AND pg_temp.has(person, 'amplitude', 0.5);

UPDATE truth.record SET item = id WHERE item IS NULL;

-- Records that no source may bring: deleted ones, most of which hold somebody else's address or id, and staff.
CREATE TABLE truth.gone AS
SELECT 'zendesk' AS tool, id FROM zendesk."user" WHERE id::int >= 8000000
UNION ALL SELECT 'stripe', id FROM stripe.customer WHERE is_deleted = 'TRUE'
UNION ALL SELECT 'salesforce', id FROM salesforce.lead WHERE is_deleted = 'TRUE' AND master_record_id IS NULL
UNION ALL SELECT 'salesforce', id FROM salesforce."user"
UNION ALL SELECT 'intercom', id FROM intercom.contact WHERE _fivetran_deleted = 'TRUE'
UNION ALL SELECT 'intercom', id FROM intercom.admin
UNION ALL SELECT 'hubspot', id FROM hubspot.contact WHERE _fivetran_deleted = 'TRUE'
UNION ALL SELECT 'hubspot', owner_id FROM hubspot.owner
UNION ALL SELECT 'pendo', id FROM pendo."user";
