-- Facts about real schemas. 30_real_schema.sh loads the files (schema = folder, table = file) and counts the lines.
-- Nothing blocks, limits or guesses yet: where a placeholder, a shared mailbox or a merged record misleads, the fact says what happens today.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;

CREATE FUNCTION fact(name text, found anyelement, expected anyelement) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN found IS NOT DISTINCT FROM expected THEN 'ok - ' || name || ': ' || coalesce(found::text, 'NULL')
              ELSE 'not ok - ' || name || ': ' || coalesce(found::text, 'NULL') || ', expected ' || coalesce(expected::text, 'NULL') END
$$;

-- Everybody ------------------------------------------------------------------------------------------------------------------------
-- Each people table of each tool. One line a source: its name and its query; whatever ids a tool has for itself are kinds of their own, so that
-- small integers of one tool never meet those of another; digits are made-up telephone numbers, which no area has.
CREATE TABLE people (place serial, source text, query text);
INSERT INTO people (source, query) VALUES
  ('zendesk',            $$SELECT id, 'zendesk:' || id AS tool_id, external_id AS user_id, email, phone, updated_at::timestamptz FROM zendesk.user_data WHERE role = 'end-user'$$),
  ('zendesk_rag',        $$SELECT id, 'zendesk:' || id AS tool_id, external_id AS user_id, email, phone, updated_at::timestamptz FROM zendesk_dbt_unified_rag.zendesk_user$$),
  ('stripe',             $$SELECT id, email, phone FROM stripe.customer_data WHERE is_deleted = 'FALSE'$$),
  ('salesforce_lead',    $$SELECT id, ARRAY[id, master_record_id, converted_contact_id] AS salesforce, email, ARRAY[phone, mobile_phone] AS phone FROM salesforce.sf_lead_data$$),
  ('salesforce_contact', $$SELECT id, ARRAY[id, master_record_id] AS salesforce, email, ARRAY[phone, mobile_phone] AS phone FROM salesforce.sf_contact_data$$),
  ('salesforce_history', $$SELECT id, ARRAY[id, master_record_id] AS salesforce, email FROM salesforce.sf_contact_history_data$$),
  ('intercom',           $$SELECT id, CASE role WHEN 'user' THEN external_id END AS user_id, email, phone FROM intercom.contact_history_data WHERE _fivetran_active = 'TRUE'$$),
  ('mailchimp',          $$SELECT unique_email_id, email_address AS email FROM mailchimp.member$$),
  ('marketo',            $$SELECT id, 'marketo:' || id AS tool_id, email FROM marketo.marketo_lead_data$$),
  ('hubspot',            $$SELECT id, ARRAY['hubspot:' || id] || array(SELECT 'hubspot:' || m FROM unnest(string_to_array(property_hs_merged_object_ids, ';')) AS m) AS tool_id, property_email AS email FROM hubspot.contact_data$$),
  ('hubspot_rag',        $$SELECT id, property_email AS email FROM hubspot_dbt_unified_rag.hubspot_contact$$),
  ('klaviyo',            $$SELECT id, email, phone_number AS phone FROM klaviyo.person$$),
  ('klaviyo_copy',       $$SELECT id, email, phone_number AS phone FROM klaviyo_dbt_shopify_holistic_reporting.klaviyo_person$$),
  ('pardot',             $$SELECT id, ARRAY[crm_contact_fid, crm_lead_fid] AS salesforce, email FROM pardot.pardot_prospect_data$$),
  ('shopify',            $$SELECT id, email, phone FROM shopify.shopify_customer_data$$),
  ('shopify_gql',        $$SELECT id, email, phone FROM shopify.shopify_gql_customer_data$$),
  ('iterable',           $$SELECT iterable_user_id, user_id, email, phone_number AS phone, updated_at::timestamptz FROM iterable.user_history_data$$),
  ('recurly',            $$SELECT id, code AS user_id, email FROM recurly.account_history_data$$),
  ('pendo',              $$SELECT id, id AS user_id, agent_email AS email FROM pendo.visitor_history$$),
  ('amplitude',          $$SELECT user_id, user_id AS email FROM amplitude.amplitude_event_data WHERE user_id IS NOT NULL$$),
  ('jira',               $$SELECT id, email FROM jira.jira_user$$),
  ('segment',            $$SELECT DISTINCT anonymous_id, anonymous_id, user_id FROM segment.example_segment_pages$$),
  ('crm',                $$SELECT crm_contact_id, email, '+1' || right(regexp_replace(phone, '\D', '', 'g'), 10) AS phone, updated_at::timestamp FROM kanoniv.crm_contacts$$),
  ('billing',            $$SELECT billing_account_id, email, created_at::timestamp AS updated_at FROM kanoniv.billing_accounts$$),
  ('support',            $$SELECT support_user_id, email, '+1' || right(regexp_replace(phone, '\D', '', 'g'), 10) AS phone, created_at::timestamp AS updated_at FROM kanoniv.support_users$$),
  ('app',                $$SELECT app_user_id, email, created_at::timestamp AS updated_at FROM kanoniv.app_signups$$),
  ('partner',            $$SELECT partner_lead_id, email, submitted_at::timestamp AS updated_at FROM kanoniv.partner_leads$$),
  ('shop_customers',     $$SELECT customer_id, email, phone AS digits FROM idr_sample.sample_crm_customers$$),
  ('shop_orders',        $$SELECT order_id, customer_email AS email, contact_phone AS digits FROM idr_sample.sample_orders$$),
  ('shop_till',          $$SELECT transaction_id, 'loyalty:' || loyalty_card_id AS tool_id, contact_phone AS digits FROM idr_sample.sample_pos_transactions$$);

CREATE TABLE clauses AS
SELECT array_agg(identity_source(source, query) ORDER BY place) || identity_rule('tool_id') || identity_rule('salesforce') || identity_rule('digits') AS clauses FROM people;

CREATE TABLE everybody AS SELECT * FROM identity_records(VARIADIC (SELECT clauses FROM clauses));

-- Each row of each table is there, once.
CREATE FUNCTION ids_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT DISTINCT first_column::text FROM (%s) AS t(first_column)', query);
END $$;
CREATE TABLE given AS SELECT source, ids_of(query) AS record_id FROM people;
SELECT fact('sources', (SELECT count(DISTINCT source) FROM everybody), (SELECT count(*) FROM people));
SELECT fact('records given and not in the result', (SELECT count(*) FROM given LEFT JOIN everybody USING (source, record_id) WHERE identity_id IS NULL), 0::bigint);
SELECT fact('records in the result and not given', (SELECT count(*) FROM everybody LEFT JOIN given USING (source, record_id) WHERE given.source IS NULL), 0::bigint);
SELECT fact('records that occur twice', (SELECT count(*) - count(DISTINCT (source, record_id)) FROM everybody), 0::bigint);

-- The master table over all of them agrees with the long form.
CREATE TABLE master AS
SELECT * FROM resolve_identities(VARIADIC (SELECT clauses FROM clauses)) AS (
  identity_id uuid, email text, phone text[], zendesk_id bigint[], stripe_id text, salesforce_lead_id text, salesforce_contact_id text[], mailchimp_id text[],
  marketo_id bigint, hubspot_id bigint[], klaviyo_id text, shopify_id bigint[], crm_id text[], billing_id text[], support_id text[], app_id text[], record_count bigint, sources text[]);
SELECT fact('identities in the master table', (SELECT count(*) FROM master), (SELECT count(DISTINCT identity_id) FROM everybody));
SELECT fact('identity ids that occur twice', (SELECT count(*) - count(DISTINCT identity_id) FROM master), 0::bigint);
SELECT fact('identities whose count or sources differ', (
  SELECT count(*) FROM master FULL JOIN (SELECT identity_id, count(*) AS n, count(DISTINCT source) AS s FROM everybody GROUP BY 1) AS e USING (identity_id)
  WHERE record_count IS DISTINCT FROM n OR cardinality(sources) IS DISTINCT FROM s), 0::bigint);
SELECT fact('CRM records in the master table', (SELECT sum(cardinality(crm_id)) FROM master), (SELECT count(*) FROM kanoniv.crm_contacts));
SELECT fact('HubSpot records in the master table', (SELECT sum(cardinality(hubspot_id)) FROM master), (SELECT count(*) FROM hubspot.contact_data));

-- Made by different hands, these tools share nobody: the only identities that span two of them are copies of one file
-- (zendesk_rag, klaviyo_copy), one tool's two layouts, and Kanoniv's and the shop's own systems.
SELECT fact('identities that span tools which share nobody', (
  SELECT count(*) FROM (
    SELECT identity_id FROM everybody GROUP BY 1
    HAVING count(DISTINCT CASE WHEN source IN ('crm', 'billing', 'support', 'app', 'partner') THEN 'kanoniv' WHEN source LIKE 'shop\_%' THEN 'shop' ELSE split_part(source, '_', 1) END) > 1) AS i), 0::bigint);

-- Today's defaults against those of version 0.1, for all tables together and for each by itself, its columns as their names say. Nobody is newly merged.
-- Newly apart are Zendesk's users of one address that a form put in: ten in either of two tables, eleven in both. So are two of Iterable's events by the role
-- address nobody@gmail.co.uk, which are no people.
CREATE FUNCTION kind_of(name text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE
    WHEN name ~* 'e_?mail' AND name !~* 'bounce|opt|type|consent|encoding|prefer|template|client|quality|verif|status|domain|marketing|campaign|cadence|subject|open|click|unsub|receives|confirm|_id$|state|is_|date|count|valid|catch|message|reply_time|unknown|sent|last_' THEN 'email'
    WHEN name ~* 'phone|mobile|(^|_)fax$' AND name !~* 'region|is_|country|type|format|valid|catch|verif|device|opt|do_not|name' THEN 'phone'
    WHEN name ~* '^(user_id|userid|property_user_id|visitor_id)$' THEN 'user_id'
    WHEN name ~* '^external_id$' THEN 'external_id'
    WHEN name ~* '^(username|user_name|community_nickname|alias|login)$' THEN 'username'
    WHEN name ~* '^(anonymous_id|domain_userid|network_userid|user_pseudo_id|distinct_id)$' THEN 'anonymous_id'
    WHEN name ~* '^(device_id|amplitude_id|mp_device_id|user_fingerprint)$' THEN 'device_id'
  END $$;
CREATE TABLE runs (run text, clauses identity_clause[]);
INSERT INTO runs SELECT 'everybody', clauses FROM clauses;
INSERT INTO runs SELECT 'by mailbox', clauses || identity_rule('email', 'mailbox') FROM clauses;
INSERT INTO runs
SELECT format('%I.%I', schema, name), ARRAY[identity_rule('phone', region => 'US'), identity_source('rows', format('SELECT %s%s FROM %I.%I', key, kinds, schema, name))]
FROM (
  SELECT schema, name, string_agg(format(', ARRAY[%s] AS %s', columns, kind), '' ORDER BY kind) FILTER (WHERE kind IS NOT NULL) AS kinds,
         coalesce(min(id), 'ctid') AS key
  FROM (
    SELECT table_schema AS schema, table_name AS name, kind_of(column_name) AS kind, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS columns,
           min(quote_ident(column_name)) FILTER (WHERE lower(column_name) = 'id') AS id
    FROM information_schema.columns
    WHERE table_schema NOT IN ('information_schema', 'identity_internal', 'public') AND table_schema NOT LIKE 'pg\_%' GROUP BY 1, 2, 3) AS columns
  GROUP BY 1, 2) AS tables
WHERE kinds IS NOT NULL;
SELECT fact('tables with a column that says who somebody is', (SELECT count(*) FROM runs WHERE run LIKE '%.%'), 72::bigint);
CREATE FUNCTION people_of(run text, clauses identity_clause[]) RETURNS TABLE (run text, record text, identity_id uuid) LANGUAGE sql AS $$
  SELECT run, source || ' ' || record_id, identity_id FROM identity_records(VARIADIC clauses) $$;
SET client_min_messages = error;
CREATE TABLE parted AS
SELECT run, record, today.identity_id AS today, before.identity_id AS before
FROM runs, people_of(run, clauses) AS today (same_run, record, identity_id)
  JOIN people_of(run, clauses || identity_defaults('0.1')) AS before (same_run, record, identity_id) USING (record);
SELECT fact('records newly merged', (SELECT count(*) FROM (SELECT FROM parted GROUP BY run, today HAVING count(DISTINCT before) > 1) AS merged), 0::bigint);
SELECT fact('records newly apart', (
  SELECT string_agg(run || ' ' || people, ', ' ORDER BY run COLLATE "C")
  FROM (SELECT run, count(DISTINCT today) AS people FROM parted GROUP BY run, before HAVING count(DISTINCT today) > 1) AS apart),
  'by mailbox 11, everybody 11, iterable.event_data 2, zendesk.user_data 10, zendesk_dbt_unified_rag.zendesk_user 10');

-- Each different value of each column of each table: which stand for no value. All of them are words of programs and forms, and nobody's id.
CREATE TABLE cells (value text);
DO $$
DECLARE col record;
BEGIN
  FOR col IN SELECT table_schema, table_name, column_name FROM information_schema.columns
    WHERE table_schema NOT IN ('information_schema', 'identity_internal', 'public') AND table_schema NOT LIKE 'pg\_%' LOOP
    EXECUTE format('INSERT INTO cells SELECT DISTINCT %I FROM %I.%I', col.column_name, col.table_schema, col.table_name);
  END LOOP;
END $$;
SELECT fact('values of all columns that stand for no value', (
  SELECT string_agg(value, ' ' ORDER BY value COLLATE "C")
  FROM (SELECT DISTINCT value, status FROM identity_links(identity_source('cells', 'SELECT DISTINCT md5(value) AS id, value FROM cells WHERE value IS NOT NULL'), identity_rule('value'))) AS l
  WHERE status = 'blocked'), '*|FNAME|* -1 / 0 0.0 0.00 1B2M2Y8AsgTpgAmY7PhCfg== 37a6259cc0c1dae299a7866489dff0bd 68934a3e9455fa72420237eb05902327 ? EMAIL Email Email Address FALSE False ID Id NA NULL Nan Phone Number TRUE True Unknown [] d41d8cd98f00b204e9800998ecf8427e email email@email.com example@email.com false id nan none null true unknown {}');
SELECT fact('addresses that nobody has, or an automatic sender', (
  SELECT string_agg(value, ' ' ORDER BY value COLLATE "C")
  FROM (SELECT DISTINCT value, status FROM identity_links(identity_source('cells', $$SELECT DISTINCT md5(value) AS id, value AS email FROM cells WHERE value LIKE '%@%'$$))) AS l
  WHERE status = 'blocked'), 'email@email.com example@email.com');
SELECT fact('telephone numbers that nobody has', (
  SELECT string_agg(value, ' ' ORDER BY value COLLATE "C")
  FROM (SELECT DISTINCT value, status FROM identity_links(identity_source('cells', $$SELECT DISTINCT md5(value) AS id, value AS phone FROM cells WHERE value ~ '[0-9]'$$), identity_rule('phone', region => 'US'))) AS l
  WHERE status = 'blocked'), NULL::text);

SET client_min_messages = warning;

-- The traps, one by one ----------------------------------------------------------------------------------------------------------
SELECT fact('Zendesk: ten users, one address that the form put in: ten', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('zendesk', 'SELECT id, email FROM zendesk.user_data'))), 10::bigint);
SELECT fact('Zendesk: ... one identity, if placeholders link', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('zendesk', 'SELECT id, email FROM zendesk.user_data'), identity_rule('email', block_placeholders => false))), 1::bigint);
SELECT fact('Zendesk: blocked by a rule, ten', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('zendesk', 'SELECT id, email FROM zendesk.user_data'), identity_rule('email', block_placeholders => false, blocked => ARRAY['example@email.com']))), 10::bigint);
SELECT fact('Zendesk: without the placeholder, ten', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('zendesk', $$SELECT id, nullif(email, 'example@email.com') AS email FROM zendesk.user_data$$))), 10::bigint);
SELECT fact('Stripe: one metadata id for twelve customers: one identity, if somebody takes it for a user id', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('stripe', $$SELECT id, metadata::json->>'external_id' AS user_id, email FROM stripe.customer_data$$))), 1::bigint);
SELECT fact('Stripe: carried without linking, twelve', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('stripe', $$SELECT id, metadata::json->>'external_id' AS organisation, email FROM stripe.customer_data$$), identity_rule('organisation', link => false))), 12::bigint);
SELECT fact('Amplitude: one device of five users: five identities, as each has one user id', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('amplitude', 'SELECT user_id, user_id, device_id FROM amplitude.amplitude_event_data'))
  WHERE record_id NOT IN ('dev@gmail.com', 'john_doe@gmail.com')), 5::bigint);
SELECT fact('Amplitude: ... one, if an identity may have any number of user ids', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('amplitude', 'SELECT user_id, user_id, device_id FROM amplitude.amplitude_event_data'), identity_rule('user_id', max_per_identity => 0))
  WHERE record_id NOT IN ('dev@gmail.com', 'john_doe@gmail.com')), 1::bigint);
SELECT fact('Amplitude: five, if devices do not link', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('amplitude', 'SELECT user_id, user_id, device_id FROM amplitude.amplitude_event_data'), identity_rule('device_id', link => false))
  WHERE record_id NOT IN ('dev@gmail.com', 'john_doe@gmail.com')), 5::bigint);
SELECT fact('Snowplow: the text NULL is a placeholder: three devices', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('snowplow', 'SELECT domain_userid, user_id FROM snowplow.sp_event'))), 3::bigint);
SELECT fact('Snowplow: ... a user id like any other, if placeholders link: two devices are one', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('snowplow', 'SELECT domain_userid, user_id FROM snowplow.sp_event'), identity_rule('user_id', block_placeholders => false, max_per_identity => 0))), 2::bigint);
SELECT fact('Snowplow: with nullif, three', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('snowplow', $$SELECT domain_userid, nullif(user_id, 'NULL') AS user_id FROM snowplow.sp_event$$))), 3::bigint);
SELECT fact('Recurly: an MD5 is no address and links nobody', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('recurly', 'SELECT id, email FROM recurly.account_history_data'))),
  (SELECT count(DISTINCT id) FROM recurly.account_history_data));
SELECT fact('Recurly: the MD5 of nothing is a placeholder, whatever kind somebody declares it to be', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('recurly', 'SELECT id, cc_emails AS hash FROM recurly.account_history_data'), identity_rule('hash'))),
  (SELECT count(DISTINCT id) FROM recurly.account_history_data));
SELECT fact('Recurly: ... joins everybody, if placeholders link', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('recurly', 'SELECT id, cc_emails AS hash FROM recurly.account_history_data'), identity_rule('hash', block_placeholders => false))), 1::bigint);
SELECT fact('Shopify: two customers with one masked address are two', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('shopify', 'SELECT id, email FROM shopify.shopify_customer_data'))), 4::bigint);
SELECT fact('Shopify: and one, if masked addresses are compared as they are', (
  SELECT count(DISTINCT identity_id) FROM identity_records(
    identity_source('shopify', 'SELECT id, email FROM shopify.shopify_customer_data'), identity_rule('email', 'exact'))), 3::bigint);
SELECT fact('HubSpot: a winner and the three contacts that it was merged from are one', (
  SELECT count(*) FROM everybody WHERE source = 'hubspot' AND identity_id = (SELECT identity_id FROM everybody WHERE source = 'hubspot' AND record_id = '78971951')), 4::bigint);
SELECT fact('HubSpot: 22 contacts are 19', (SELECT count(DISTINCT identity_id) FROM everybody WHERE source = 'hubspot'), 19::bigint);
SELECT fact('Salesforce: damaged ids of 17 characters are ids like any other; history rows find their contact', (
  SELECT count(DISTINCT identity_id) FROM everybody WHERE source IN ('salesforce_contact', 'salesforce_history')), 4::bigint);
SELECT fact('Intercom: ids of leads are Intercom''s own, nine leads are nine', (SELECT count(DISTINCT identity_id) FROM everybody WHERE source = 'intercom'), 9::bigint);
SELECT fact('Mailchimp: one address on two lists is one member', (SELECT count(*) FROM everybody WHERE source = 'mailchimp'), 8::bigint);
SELECT fact('Mailchimp: two tags at a provider that is not known are two people', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('mailchimp', 'SELECT unique_email_id, email_address AS email FROM mailchimp.member'), identity_rule('email', 'mailbox'))), 8::bigint);
SELECT fact('Klaviyo: one phone, two addresses: one person', (SELECT count(DISTINCT identity_id) FROM everybody WHERE source = 'klaviyo'), 1::bigint);
SELECT fact('Pendo: your own ids', (SELECT count(DISTINCT identity_id) FROM everybody WHERE source = 'pendo'), (SELECT count(DISTINCT id) FROM pendo.visitor_history));
SELECT fact('GA4: a user of two browsers', (
  SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('ga4', 'SELECT user_pseudo_id, user_pseudo_id AS device_id, user_id FROM ga4.event_data'))), 3::bigint);
SELECT fact('a column whose name is quoted quotes', (
  SELECT count(*) FROM identity_records(identity_source('brand', 'SELECT id, """default""" AS username FROM zendesk.brand_data_postgres'))), (SELECT count(*) FROM zendesk.brand_data_postgres));
SELECT fact('a column whose name has dashes and quotes', (
  SELECT string_agg(DISTINCT anything, ',') FROM resolve_identities(
    identity_source('company', 'SELECT id, coalesce("""property_hs_all-funky-a9384-syntax""", ''empty'') AS anything FROM hubspot.company_data_postgres'),
    identity_rule('anything', link => false)) AS (anything text)),
  (SELECT string_agg(DISTINCT coalesce("""property_hs_all-funky-a9384-syntax""", 'empty'), ',') FROM hubspot.company_data_postgres));

-- Kanoniv's five systems, by address: counted by hand ------------------------------------------------------------------------------
CREATE VIEW kanoniv_people AS
  SELECT 'crm' AS source, crm_contact_id AS record_id, email, right(regexp_replace(phone, '\D', '', 'g'), 10) AS digits FROM kanoniv.crm_contacts
  UNION ALL SELECT 'billing', billing_account_id, email, NULL FROM kanoniv.billing_accounts
  UNION ALL SELECT 'support', support_user_id, email, right(regexp_replace(phone, '\D', '', 'g'), 10) FROM kanoniv.support_users
  UNION ALL SELECT 'app', app_user_id, email, NULL FROM kanoniv.app_signups
  UNION ALL SELECT 'partner', partner_lead_id, email, NULL FROM kanoniv.partner_leads;
CREATE TABLE by_address AS SELECT * FROM identity_records(
  identity_source('crm', 'SELECT crm_contact_id, email FROM kanoniv.crm_contacts'), identity_source('billing', 'SELECT billing_account_id, email FROM kanoniv.billing_accounts'),
  identity_source('support', 'SELECT support_user_id, email FROM kanoniv.support_users'), identity_source('app', 'SELECT app_user_id, email FROM kanoniv.app_signups'),
  identity_source('partner', 'SELECT partner_lead_id, email FROM kanoniv.partner_leads'));
SELECT fact('Kanoniv by address: identities', (SELECT count(DISTINCT identity_id) FROM by_address),
  (SELECT count(DISTINCT email) + count(*) FILTER (WHERE email IS NULL) FROM kanoniv_people));
SELECT fact('Kanoniv by address: records', (SELECT count(*) FROM by_address), (SELECT count(*) FROM kanoniv_people));
SELECT fact(format('Kanoniv by address: people in both %s and %s', a, b),
  (SELECT count(*) FROM (SELECT identity_id FROM by_address WHERE source IN (a, b) GROUP BY 1 HAVING count(DISTINCT source) = 2) AS i),
  (SELECT count(*) FROM (SELECT email FROM kanoniv_people WHERE source IN (a, b) AND email IS NOT NULL GROUP BY 1 HAVING count(DISTINCT source) = 2) AS e))
FROM (VALUES ('crm', 'billing'), ('crm', 'app'), ('crm', 'support'), ('billing', 'app'), ('billing', 'support')) AS pairs(a, b);

-- By address and telephone number: a transitive closure, by a recursive query ----------------------------------------------------
CREATE TABLE by_both AS SELECT * FROM identity_records(
  identity_source('crm', $$SELECT crm_contact_id, email, right(regexp_replace(phone, '\D', '', 'g'), 10) AS digits FROM kanoniv.crm_contacts$$),
  identity_source('billing', 'SELECT billing_account_id, email FROM kanoniv.billing_accounts'),
  identity_source('support', $$SELECT support_user_id, email, right(regexp_replace(phone, '\D', '', 'g'), 10) AS digits FROM kanoniv.support_users$$),
  identity_source('app', 'SELECT app_user_id, email FROM kanoniv.app_signups'), identity_source('partner', 'SELECT partner_lead_id, email FROM kanoniv.partner_leads'),
  identity_rule('digits'));
CREATE TABLE closure AS
WITH RECURSIVE
  node AS (SELECT source || ' ' || record_id AS node, email, digits FROM kanoniv_people),
  edge AS (SELECT node, 'email ' || email AS value FROM node WHERE email IS NOT NULL UNION ALL SELECT node, 'digits ' || digits FROM node WHERE digits IS NOT NULL),
  pair AS (SELECT DISTINCT a.node AS low, b.node AS high FROM edge AS a JOIN edge AS b USING (value)),
  reach AS (SELECT node, node AS seen FROM node UNION SELECT reach.node, pair.high FROM reach JOIN pair ON pair.low = reach.seen)
SELECT node, min(seen COLLATE "C") AS component FROM reach GROUP BY node;
SELECT fact('Kanoniv by address and number: identities', (SELECT count(DISTINCT identity_id) FROM by_both), (SELECT count(DISTINCT component) FROM closure));
SELECT fact('Kanoniv by address and number: overlaps of identities and components', (
  SELECT count(DISTINCT (identity_id, component)) FROM by_both JOIN closure ON node = source || ' ' || record_id), (SELECT count(DISTINCT component) FROM closure));

-- The shop: customers, orders and till receipts by address, number and loyalty card ------------------------------------------------
SELECT fact('shop: customers, orders and receipts are this many people', (SELECT count(DISTINCT identity_id) FROM everybody WHERE source LIKE 'shop\_%'),
  (WITH RECURSIVE
     edge AS (SELECT 'c' || customer_id AS node, unnest(ARRAY[email, phone]) AS value FROM idr_sample.sample_crm_customers
              UNION ALL SELECT 'o' || order_id, unnest(ARRAY[customer_email, contact_phone]) FROM idr_sample.sample_orders
              UNION ALL SELECT 't' || transaction_id, unnest(ARRAY[loyalty_card_id, contact_phone]) FROM idr_sample.sample_pos_transactions),
     reach AS (SELECT DISTINCT node, node AS seen FROM edge
               UNION SELECT reach.node, b.node FROM reach JOIN edge AS a ON a.node = reach.seen JOIN edge AS b ON b.value = a.value)
   SELECT count(DISTINCT component) FROM (SELECT min(seen COLLATE "C") AS component FROM reach GROUP BY node) AS c));
