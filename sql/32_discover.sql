-- From the tables that loaders left to the sources of a resolve: what is found, why, what is left out, and that it is safe to ask.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA tour;
SET search_path = tour, public;
RESET client_min_messages;

-- Sixty people with an account, whose id is an ObjectId. Each tool has some of them, laid out as a loader lays it out, in a schema that somebody named.
CREATE VIEW person AS SELECT n, lpad(to_hex(1700000000 + n * 977), 8, '0') || substr(md5(n::text), 1, 16) AS user_id, format('person%s@mail%s.example', n, n % 7) AS email FROM generate_series(1, 60) AS n;
CREATE SCHEMA tour_app;
CREATE TABLE tour_app.users AS SELECT user_id AS id, email, 'Person ' || n AS name, 'basic' AS plan, timestamptz '2026-01-01' + n * interval '1 hour' AS updated_at FROM person;
ALTER TABLE tour_app.users ADD PRIMARY KEY (id);
CREATE SCHEMA tour_events;
CREATE TABLE tour_events.users AS SELECT user_id AS id, email, timestamptz '2026-02-01' AS received_at, timestamptz '2026-02-01' AS uuid_ts FROM person WHERE n % 3 <> 0;
CREATE TABLE tour_events.identifies AS SELECT md5('call' || n) AS id, user_id, md5('device' || n) AS anonymous_id, timestamptz '2026-02-01' AS received_at FROM person, generate_series(1, 2) AS again WHERE n % 3 <> 0;
CREATE TABLE tour_events.pages AS SELECT md5('page' || n) AS id, md5('device' || n) AS anonymous_id, user_id, '/' AS path, timestamptz '2026-02-01' AS received_at FROM person;
-- By Fivetran: singular names, rows that are deleted, staff beside customers, other people's addresses on deleted rows.
CREATE SCHEMA tour_zendesk;
CREATE TABLE tour_zendesk."user" AS
SELECT 40000000 + n AS id, CASE WHEN n % 2 = 0 THEN user_id END AS external_id, CASE WHEN n % 4 <> 0 THEN upper(email) ELSE format('other%s@mail.example', n) END AS email, 'end-user' AS role, false AS suspended, NULL::text AS ticket_restriction, true AS active, false AS _fivetran_deleted, now() AS _fivetran_synced
FROM person WHERE n <= 40
UNION ALL SELECT 90, NULL, 'agent@mail.example', 'agent', false, NULL, true, false, now()
UNION ALL SELECT 91, NULL, 'person1@mail1.example', 'end-user', false, NULL, true, true, now();
CREATE SCHEMA tour_stripe;
CREATE TABLE tour_stripe.customer AS
SELECT 'cus_' || substr(md5('stripe' || n), 1, 14) AS id, NULL::text AS email, format('{"user_id": "%s", "account_id": "acme"}', user_id) AS metadata, true AS livemode, NULL::boolean AS is_deleted, now() AS _fivetran_synced FROM person WHERE n % 2 = 1
UNION ALL SELECT 'cus_00000000000000', 'person2@mail2.example', '{"user_id": null}', false, NULL, now();
-- By Airbyte: names in their own case.
CREATE SCHEMA tour_sales;
CREATE TABLE tour_sales."Lead" AS
SELECT format('00Q5g0000%sEAA', lpad(n::text, 6, '0')) AS "Id", email AS "Email", NULL::text AS "MasterRecordId", CASE WHEN n % 5 = 0 THEN format('0035g0000%sAAA', lpad(n::text, 6, '0')) END AS "ConvertedContactId", false AS "IsDeleted", now() AS "SystemModstamp", md5(n::text) AS _airbyte_raw_id FROM person WHERE n <= 20;
CREATE TABLE tour_sales."Contact" AS
SELECT format('0035g0000%sAAA', lpad(n::text, 6, '0')) AS "Id", NULL::text AS "Email", NULL::text AS "MasterRecordId", false AS "IsDeleted", now() AS "SystemModstamp", md5(n::text) AS _airbyte_raw_id FROM person WHERE n % 5 = 0 AND n <= 20;
CREATE TABLE tour_sales."User" AS SELECT '0055g0000000001AAA' AS "Id", 'rep@mail.example' AS "Email", 'rep' AS "Username", now() AS "SystemModstamp", 'x' AS _airbyte_raw_id;
CREATE SCHEMA tour_intercom;
CREATE TABLE tour_intercom.contacts AS
SELECT lpad(to_hex(1600000000 + n * 31), 8, '0') || substr(md5('ic' || n), 1, 16) AS id, CASE WHEN n % 2 = 0 THEN user_id ELSE gen_random_uuid()::text END AS external_id, CASE WHEN n % 2 = 0 THEN 'user' ELSE 'lead' END AS role, email, 'w1' AS workspace_id, now() AS _airbyte_extracted_at FROM person WHERE n > 30;
-- By Stitch: plural, lower case; an audience and its members.
CREATE SCHEMA tour_mail;
CREATE TABLE tour_mail.lists AS SELECT substr(md5('list'), 1, 10) AS id, 'News' AS name, 'news@mail.example' AS default_from_email, now() AS _sdc_batched_at;
CREATE TABLE tour_mail.list_members AS SELECT md5(email) AS id, substr(md5('list'), 1, 10) AS list_id, substr(md5('u' || email), 1, 10) AS unique_email_id, email AS email_address, CASE n WHEN 1 THEN 'archived' ELSE 'subscribed' END AS status, now() AS _sdc_batched_at FROM person;
-- Merges in the tools themselves, and ids of one tool in another: Salesforce's with 15 characters.
CREATE SCHEMA tour_hubspot;
CREATE TABLE tour_hubspot.contact AS SELECT (500 + n)::bigint AS id, CASE WHEN n > 3 THEN email END AS property_email, CASE n WHEN 9 THEN '501;502' END AS property_hs_merged_object_ids, now() AS _fivetran_synced FROM person WHERE n <= 30;
CREATE SCHEMA tour_marketo;
CREATE TABLE tour_marketo.lead AS SELECT 7000 + n AS id, CASE WHEN n % 2 = 0 THEN email END AS email, CASE WHEN n <= 20 THEN format('00Q5g0000%s', lpad(n::text, 6, '0')) END AS sfdc_lead_id, now() AS _fivetran_synced FROM person WHERE n <= 30;
CREATE TABLE tour_marketo.merged_lead AS SELECT 7021 AS merged_lead, 7022 AS into_lead, now() AS _fivetran_synced;
-- What is none: a list of orders, a copy, masked addresses, one address for all, what was made of other tables.
CREATE TABLE tour_app.orders AS SELECT n AS id, (SELECT email FROM person WHERE person.n = 1 + o.n % 3) AS email FROM generate_series(1, 50) AS o (n);
CREATE TABLE tour_app.users_backup AS TABLE tour_app.users;
CREATE TABLE tour_app.dim_customers AS SELECT md5(id) AS customer_key, id AS user_id, email FROM tour_app.users;
CREATE TABLE tour_app.subscribers AS SELECT n AS id, md5('person' || n) AS email FROM generate_series(1, 20) AS n;
CREATE TABLE tour_app.customers AS SELECT n AS id, 'info@mail.example' AS email FROM generate_series(1, 20) AS n;
CREATE VIEW schemas AS SELECT ARRAY['tour_app', 'tour_events', 'tour_zendesk', 'tour_stripe', 'tour_sales', 'tour_intercom', 'tour_mail', 'tour_hubspot', 'tour_marketo'] AS list;

SELECT source, relation, tool, loader, kinds, confidence, left_out FROM schemas, identity_discover(list);

-- Why, and what was seen. Samples are masked, unless somebody asks.
SELECT source, why, samples FROM schemas, identity_discover(list) WHERE source IN ('tour_app', 'zendesk', 'stripe', 'marketo');
SELECT source, samples FROM schemas, identity_discover(list, show => 'plain') WHERE source IN ('mailchimp');

-- The statement. It runs as it is, and does what the clauses do.
SELECT identity_suggest(list) AS suggestion FROM schemas \gset
\echo :suggestion
SET client_min_messages = error;
:suggestion
RESET client_min_messages;
SELECT count(*), sum(record_count), count(DISTINCT identity_id) FROM user_identities;
SELECT count(DISTINCT identity_id), count(*) FROM schemas, identity_records(VARIADIC identity_discovered(list)) AS r;
-- Nobody is two people: what each tool has of a person is one identity, but for those of whom nothing but another address is known.
SET client_min_messages = error;
CREATE TABLE record AS SELECT r.* FROM schemas, identity_records(VARIADIC identity_discovered(list)) AS r;
RESET client_min_messages;
CREATE VIEW truth AS
SELECT 'tour_app' AS source, user_id AS record_id, n FROM person UNION ALL SELECT 'segment', user_id, n FROM person UNION ALL SELECT 'segment_identify', user_id, n FROM person
UNION ALL SELECT 'zendesk', (40000000 + n)::text, n FROM person UNION ALL SELECT 'stripe', 'cus_' || substr(md5('stripe' || n), 1, 14), n FROM person
UNION ALL SELECT 'salesforce_lead', format('00Q5g0000%sEAA', lpad(n::text, 6, '0')), n FROM person UNION ALL SELECT 'salesforce_contact', format('0035g0000%sAAA', lpad(n::text, 6, '0')), n FROM person
UNION ALL SELECT 'marketo', (7000 + n)::text, n FROM person UNION ALL SELECT 'hubspot', (500 + n)::text, n FROM person;
SELECT count(*) AS records, count(*) FILTER (WHERE identity_id = (SELECT a.identity_id FROM record AS a JOIN truth AS b USING (source, record_id) WHERE b.n = t.n AND source = 'tour_app')) AS with_their_person
FROM record JOIN truth AS t USING (source, record_id);
SELECT source, record_id, n FROM record AS r JOIN truth AS t USING (source, record_id)
WHERE identity_id <> (SELECT a.identity_id FROM record AS a JOIN truth AS b USING (source, record_id) WHERE b.n = t.n AND source = 'tour_app') ORDER BY source, n;

-- As an identity map, with a column for each tool.
SELECT create_identity_map('tour.everybody', VARIADIC identity_discovered(list, columns => true)) FROM schemas;
SET client_min_messages = error;
CALL refresh_identity_map('tour.everybody');
RESET client_min_messages;
SELECT count(*) FROM everybody;
SELECT user_id = (SELECT user_id FROM person WHERE n = 10) AS own_id, email, zendesk_id, salesforce_lead_id, salesforce_contact_id, hubspot_id, marketo_id FROM everybody WHERE 'person10@mail3.example' IN (email);
-- A map is no source of another.
SELECT relation, left_out FROM identity_discover(ARRAY['tour']) WHERE relation::text IN ('everybody', 'user_identities');

-- Serial numbers are alike by chance: an external id that counts 1, 2, 3 is in the key of every table. Addresses tell.
CREATE SCHEMA tour_serial;
CREATE TABLE tour_serial.users AS SELECT n AS id, format('u%s@mail.example', n) AS email FROM generate_series(1, 60) AS n;
CREATE TABLE tour_serial.zendesk_users AS SELECT 5000 + n AS id, n::text AS external_id, format('z%s@mail.example', n) AS email, 'end-user' AS role, NULL::bigint AS organization_id FROM generate_series(1, 60) AS n;
SELECT source, kinds, confidence, why FROM identity_discover(ARRAY['tour_serial']) ORDER BY source;
UPDATE tour_serial.zendesk_users SET email = CASE WHEN id % 3 = 0 THEN format('u%s@mail.example', external_id) ELSE NULL END;
SELECT source, kinds, confidence, why FROM identity_discover(ARRAY['tour_serial']) ORDER BY source;

-- Without a table of one's own, the user ids of tools are looked up in each other; Zendesk finds its in any letter case, and so do they then.
CREATE SCHEMA tour_pair;
CREATE TABLE tour_pair.zendesk_users AS SELECT 100000 + n AS id, upper('acct-' || md5(n::text)) AS external_id, format('a%s@mail.example', n) AS email, 'end-user' AS role, 1 AS organization_id FROM generate_series(1, 50) AS n;
CREATE TABLE tour_pair.intercom_contacts AS SELECT substr(md5('i' || n), 1, 24) AS id, 'acct-' || md5(n::text) AS external_id, CASE WHEN n % 10 = 0 THEN format('a%s@mail.example', n) END AS email, 'user' AS role, 'w' AS workspace_id FROM generate_series(1, 50) AS n;
SELECT source, kinds, confidence, why FROM identity_discover(ARRAY['tour_pair']) ORDER BY source;
WITH d AS MATERIALIZED (SELECT identity_discovered(ARRAY['tour_pair']) AS list) SELECT clause::jsonb FROM d CROSS JOIN unnest(list) AS clause WHERE clause::jsonb ->> 'clause' = 'rule';
SELECT count(*), count(DISTINCT identity_id) FROM identity_records(VARIADIC identity_discovered(ARRAY['tour_pair']));
-- Ids of tools in one's own table: of one that is a person's, and of one that a company's people share.
CREATE SCHEMA tour_refs;
CREATE TABLE tour_refs.users AS SELECT n AS id, format('own%s@mail.example', n) AS email, 'cus_' || substr(md5('r' || n), 1, 14) AS stripe_customer_id, 200000000 + n AS zendesk_user_id, 'cus_' || substr(md5('r' || n / 5), 1, 14) AS stripe_team_id FROM generate_series(1, 40) AS n;
CREATE TABLE tour_refs.stripe_customers AS SELECT 'cus_' || substr(md5('r' || n), 1, 14) AS id, format('pay%s@mail.example', n) AS email, 'eur' AS currency FROM generate_series(1, 40) AS n;
CREATE TABLE tour_refs.zendesk_users AS SELECT 200000000 + n AS id, CASE WHEN n % 2 = 0 THEN format('own%s@mail.example', n) ELSE format('desk%s@mail.example', n) END AS email, 'end-user' AS role, 1 AS organization_id FROM generate_series(1, 30) AS n;
SELECT source, query, kinds, confidence, why FROM identity_discover(ARRAY['tour_refs']);
SELECT count(*), count(DISTINCT identity_id) FROM identity_records(VARIADIC identity_discovered(ARRAY['tour_refs'], 'likely'));
-- Codes that count are no more than numbers that count.
CREATE SCHEMA tour_codes;
CREATE TABLE tour_codes.users AS SELECT format('CUST-%s', lpad(n::text, 6, '0')) AS id, format('c%s@mail.example', n) AS email FROM generate_series(1, 50) AS n;
CREATE TABLE tour_codes.zendesk_users AS SELECT 100000 + n AS id, format('CUST-%s', lpad(n::text, 6, '0')) AS external_id, NULL::text AS email, 'end-user' AS role, 1 AS organization_id FROM generate_series(1, 50) AS n;
SELECT source, relation, kinds, confidence, left_out FROM identity_discover(ARRAY['tour_codes']);

-- Tables of any make: partitioned, with an enum and a domain; a document in one column, with older versions of it; a key that is the address; a materialised view.
CREATE SCHEMA tour_makes;
CREATE TYPE tour_makes.role AS ENUM ('end-user', 'agent');
CREATE DOMAIN tour_makes.address AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE tour_makes.zendesk_users (id bigint, email tour_makes.address, role tour_makes.role, organization_id int, updated_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE tour_makes.zendesk_users_low PARTITION OF tour_makes.zendesk_users FOR VALUES FROM (0) TO (1020);
CREATE TABLE tour_makes.zendesk_users_high PARTITION OF tour_makes.zendesk_users FOR VALUES FROM (1020) TO (9999);
INSERT INTO tour_makes.zendesk_users SELECT 1000 + n, format('m%s@mail.example', n), CASE WHEN n > 35 THEN 'agent' ELSE 'end-user' END::tour_makes.role, 1, now() FROM generate_series(1, 40) AS n;
CREATE TABLE tour_makes._airbyte_raw_customers AS
SELECT md5(n::text || v) AS _airbyte_ab_id, jsonb_build_object('id', 'cus_' || substr(md5(n::text), 1, 14), 'email', CASE v WHEN 1 THEN format('old%s@mail.example', n) ELSE format('m%s@mail.example', n) END, 'metadata', jsonb_build_object('plan', 'x')) AS _airbyte_data,
       timestamptz '2026-01-01' + v * interval '1 day' AS _airbyte_emitted_at FROM generate_series(1, 30) AS n, generate_series(1, 2) AS v;
CREATE TABLE tour_makes.subscribers (email text PRIMARY KEY, topic text);
INSERT INTO tour_makes.subscribers SELECT format('m%s@mail.example', n), 'news' FROM generate_series(1, 20) AS n;
CREATE MATERIALIZED VIEW tour_makes.clients AS SELECT id, email FROM tour_makes.zendesk_users;
SELECT source, relation, loader, query, kinds, confidence, left_out FROM identity_discover(ARRAY['tour_makes']);
SELECT count(*), count(DISTINCT identity_id) FROM identity_records(VARIADIC identity_discovered(ARRAY['tour_makes'], 'likely'));

-- Keys of any name, addresses of the type citext, a table without columns, one that is empty.
CREATE SCHEMA tour_odd;
CREATE EXTENSION citext SCHEMA tour_odd;
CREATE TABLE tour_odd.members ("I""d" int PRIMARY KEY, email tour_odd.citext, other_id int);
INSERT INTO tour_odd.members SELECT n, format('O%s@mail.example', n), 1 FROM generate_series(1, 20) AS n;
CREATE TABLE tour_odd.nothing ();
CREATE TABLE tour_odd.users (id int, email text);
SELECT relation, query, kinds, confidence, left_out FROM identity_discover(ARRAY['tour_odd']);
SELECT identity_suggest(ARRAY['tour_odd']);

-- A tool of one's own is a rule of the call.
CREATE SCHEMA tour_own;
CREATE TABLE tour_own.klanten AS SELECT n AS klant_nr, format('k%s@mail.example', n) AS mailadres, 'card' || n AS card FROM generate_series(1, 20) AS n;
CREATE TABLE tour_own.kassa_klanten AS SELECT n AS klant_nr, NULL::text AS mailadres, 'card' || n AS card FROM generate_series(10, 30) AS n;
SELECT source, relation, left_out FROM identity_discover(ARRAY['tour_own']);
SELECT source, relation, tool, query, kinds, confidence FROM identity_discover(ARRAY['tour_own'], '[{"tool": "winkel", "tables": "klanten", "key": ["klant_nr"], "links": {"email": ["mailadres"], "card": ["card"]}}]');
SELECT count(*), count(DISTINCT identity_id) FROM identity_records(VARIADIC identity_discovered(ARRAY['tour_own'], tools => '[{"tool": "winkel", "tables": "klanten", "key": ["klant_nr"], "links": {"email": ["mailadres"], "card": ["card"]}}]'));

-- Errors.
\set SHOW_CONTEXT never
SELECT identity_discover(ARRAY['tour_nowhere']);
SELECT identity_discover(show => 'all');
SELECT identity_discover(tools => '{"tool": "x"}');
SELECT identity_discover(tools => '[{"tool": "x"}]');
SELECT identity_discover(tools => '[{"tool": "x", "tables": "("}]');
SELECT identity_discovered(confidence => 'certain');
-- Where there is nothing.
CREATE SCHEMA tour_empty;
SELECT identity_suggest(ARRAY['tour_empty']) IS NULL AS none, identity_discovered(ARRAY['tour_empty']);

-- Whose rights ----------------------------------------------------------------------------------------------------------------------------------
-- Nothing of another role runs: no view, no policy, no function of an index. What may not be read is listed as such.
CREATE ROLE regress_looker;
CREATE ROLE regress_owner;
CREATE SCHEMA tour_rights AUTHORIZATION regress_owner;
SET ROLE regress_owner;
CREATE FUNCTION tour_rights.trap(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'a function of % runs as %', 'regress_owner', current_user; RETURN $1; END $$;
CREATE TABLE tour_rights.users AS SELECT n AS id, format('r%s@mail.example', n) AS email FROM generate_series(1, 20) AS n;
CREATE TABLE tour_rights.members AS TABLE tour_rights.users;
-- (PostgreSQL runs it while it makes an index, and once more as often as it plans.)
SET client_min_messages = error;
CREATE INDEX ON tour_rights.members (tour_rights.trap('x'));
CREATE TABLE tour_rights.guests (id int, email text);
CREATE TABLE tour_rights.guests_old () INHERITS (tour_rights.guests);
INSERT INTO tour_rights.guests_old SELECT 500 + n, format('g%s@mail.example', n) FROM generate_series(1, 5) AS n;
CREATE INDEX ON tour_rights.guests_old (email) WHERE tour_rights.trap('x') = 'y';
RESET client_min_messages;
CREATE TABLE tour_rights.customers AS TABLE tour_rights.users;
ALTER TABLE tour_rights.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON tour_rights.customers USING (tour_rights.trap(email) IS NOT NULL);
CREATE VIEW tour_rights.clients AS SELECT id, tour_rights.trap(email) AS email FROM tour_rights.users;
CREATE TABLE tour_rights.patients AS TABLE tour_rights.users;
CREATE TABLE tour_rights."a'b""c
-- d" AS TABLE tour_rights.users;
CREATE TABLE tour_rights."x'; DROP SCHEMA tour CASCADE; --$$students" AS SELECT id + 100 AS "Student""Id", 's' || email AS "E'Mail" FROM tour_rights.users;
GRANT USAGE ON SCHEMA tour_rights TO regress_looker;
GRANT SELECT ON tour_rights.users, tour_rights.guests, tour_rights.members, tour_rights.customers, tour_rights.clients, tour_rights."x'; DROP SCHEMA tour CASCADE; --$$students" TO regress_looker;
RESET ROLE;
SET ROLE regress_looker;
SELECT source, relation, query, kinds, confidence, why, left_out FROM identity_discover(ARRAY['tour_rights']);
-- What a hostile name does in a statement: nothing. It is commented out, line by line, and quoted where it is not.
SELECT identity_suggest(ARRAY['tour_rights']);
SELECT count(*) FROM identity_records(VARIADIC identity_discovered(ARRAY['tour_rights'], 'likely'));
RESET ROLE;
-- A superuser, too, reads no more by accident.
SELECT relation, confidence, left_out FROM identity_discover(ARRAY['tour_rights']);
-- A locked table keeps nobody waiting; a transaction that only reads is enough.
BEGIN READ ONLY;
SELECT count(*) FROM identity_discover(ARRAY['tour_serial']);
COMMIT;
SET client_min_messages = error;
DROP SCHEMA tour_rights CASCADE;
RESET client_min_messages;
DROP ROLE regress_looker;
DROP ROLE regress_owner;

-- The rules are data, each with where it is from.
SELECT count(*) > 30 AS rules, count(*) FILTER (WHERE origin IS NULL) AS without_origin, count(DISTINCT tool) >= 18 AS tools FROM identity_tools();

SELECT drop_identity_map('tour.everybody');
SET client_min_messages = warning;
DROP SCHEMA tour, tour_app, tour_events, tour_zendesk, tour_stripe, tour_sales, tour_intercom, tour_mail, tour_hubspot, tour_marketo, tour_serial, tour_own, tour_empty, tour_pair, tour_codes, tour_makes, tour_odd, tour_refs CASCADE;
