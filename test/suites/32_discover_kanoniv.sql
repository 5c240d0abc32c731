-- Kanoniv's five systems, without help. 32_discover_kanoniv.sh loads the files (schema = folder, table = file) and counts the lines.
SET client_min_messages = warning;
CREATE EXTENSION identity_resolve;
ANALYZE;

CREATE FUNCTION pg_temp.fact(name text, found anyelement, expected anyelement) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN found IS NOT DISTINCT FROM expected THEN 'ok - ' || name || ': ' || coalesce(found::text, 'NULL')
              ELSE 'not ok - ' || name || ': ' || coalesce(found::text, 'NULL') || ', expected ' || coalesce(expected::text, 'NULL') END
$$;

CREATE TEMP TABLE found AS SELECT * FROM identity_discover(ARRAY['kanoniv']);
SELECT format('# %s: %s %s; %s', relation, coalesce(confidence, 'left out'), array_to_string(kinds, ' '), coalesce(left_out, why)) FROM found ORDER BY relation::text;

SELECT pg_temp.fact('each of the ten tables is listed', (SELECT count(DISTINCT relation) FROM found), 10::bigint);
SELECT pg_temp.fact('sources', (SELECT string_agg(relation::text, ' ' ORDER BY relation::text) FROM found WHERE left_out IS NULL AND confidence = 'likely'),
                    'kanoniv.app_signups kanoniv.billing_accounts kanoniv.crm_contacts kanoniv.partner_leads kanoniv.support_users');
SELECT pg_temp.fact('sure of a tool that nobody knows', (SELECT count(*) FROM found WHERE confidence = 'sure'), 0::bigint);
SELECT pg_temp.fact('left out with a reason', (SELECT count(*) FROM found WHERE length(left_out) > 10), 5::bigint);

-- By hand: each system's addresses. Telephone numbers come in six spellings without a country, so that they link nobody unless somebody says where they are.
CREATE TEMP TABLE by_hand AS
SELECT source AS system, record_id, identity_id FROM identity_records(
  identity_source('crm_contacts',     'SELECT crm_contact_id, email FROM kanoniv.crm_contacts'),
  identity_source('billing_accounts', 'SELECT billing_account_id, email FROM kanoniv.billing_accounts'),
  identity_source('support_users',    'SELECT support_user_id, email FROM kanoniv.support_users'),
  identity_source('app_signups',      'SELECT app_user_id, email FROM kanoniv.app_signups'),
  identity_source('partner_leads',    'SELECT partner_lead_id, email FROM kanoniv.partner_leads'));
CREATE TEMP TABLE discovered AS
SELECT c.relname AS system, r.record_id, r.identity_id
FROM identity_records(VARIADIC identity_discovered(ARRAY['kanoniv'], 'likely')) AS r
  JOIN found AS f ON f.source = r.source AND f.left_out IS NULL JOIN pg_class AS c ON c.oid = f.relation;
SELECT pg_temp.fact('records', (SELECT count(*) FROM discovered), (SELECT count(*) FROM by_hand));
SELECT pg_temp.fact('records of both', (SELECT count(*) FROM discovered JOIN by_hand USING (system, record_id)), (SELECT count(*) FROM by_hand));
SELECT pg_temp.fact('identities', (SELECT count(DISTINCT identity_id) FROM discovered), (SELECT count(DISTINCT identity_id) FROM by_hand));
SELECT pg_temp.fact('overlaps of identities, discovered and by hand', (SELECT count(DISTINCT (d.identity_id, h.identity_id)) FROM discovered AS d JOIN by_hand AS h USING (system, record_id)),
                    (SELECT count(DISTINCT identity_id) FROM by_hand));
SELECT pg_temp.fact('people in CRM and billing', (SELECT count(*) FROM (SELECT identity_id FROM discovered WHERE system IN ('crm_contacts', 'billing_accounts') GROUP BY 1 HAVING count(DISTINCT system) = 2) AS i),
                    (SELECT count(*) FROM (SELECT email FROM kanoniv.crm_contacts INTERSECT SELECT email FROM kanoniv.billing_accounts) AS e WHERE email IS NOT NULL));

-- As a map, kept up to date.
SELECT create_identity_map('kanoniv_people', VARIADIC identity_discovered(ARRAY['kanoniv'], 'likely')) IS NULL AS created \gset
CALL refresh_identity_map('kanoniv_people');
SELECT pg_temp.fact('identities of the map', (SELECT count(*) FROM kanoniv_people), (SELECT count(DISTINCT identity_id) FROM by_hand));
SELECT pg_temp.fact('the map is no source', (SELECT count(*) FROM identity_discover() WHERE relation = 'kanoniv_people'::regclass AND left_out IS NULL), 0::bigint);
