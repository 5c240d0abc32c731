-- A thousand tables that hold nobody of any tool, of forty shapes: things, events, settings, words; tables named as tools name theirs (users, leads, contacts,
-- members, customers, lists, person) with something else in them; ids that look like a tool's; addresses of servers and of mail queues; loaders' columns around
-- what no tool has. 32_discover_unrelated.sh counts the lines.
SET client_min_messages = warning;
CREATE EXTENSION identity_resolve;

-- A shape is a name and a query over n, the row's number, and t, the table's.
CREATE TEMP TABLE shape (number serial, name text, query text);
INSERT INTO shape (name, query) VALUES
  ('sensor_reading', $$SELECT n AS id, n % 7 AS sensor_id, sqrt(n) AS value, timestamptz '2026-01-01' + n * interval '1 minute' AS created_at$$),
  ('product', $$SELECT n AS id, 'SKU-' || n AS sku, 'Thing ' || n AS name, n * 1.5 AS price, md5(n::text) AS image_hash$$),
  ('lead', $$SELECT n AS id, 'Pb' AS symbol, n * 0.01 AS purity, 'mine ' || n % 9 AS origin$$),
  ('leads', $$SELECT n AS id, 'Line ' || n AS name, n % 3 AS priority, false AS is_deleted, now() AS system_modstamp$$),
  ('contact', $$SELECT n AS id, 'relay ' || n AS label, 0.02 * n AS resistance_ohm, n % 2 = 0 AS is_closed$$),
  ('contacts', $$SELECT md5(n::text) AS id, 'pin' AS role, n AS pin, n % 5 AS bank$$),
  ('customer', $$SELECT date '2024-01-01' + n AS day, n * 3 AS new_customers, n AS lost_customers$$),
  ('customers', $$SELECT n AS id, 'Tier ' || n % 4 AS tier, n * 100 AS total_spent, n AS orders_count, 'eur' AS currency$$),
  ('member', $$SELECT n AS id, 'beam ' || n AS name, n * 2 AS length_mm, 'S235' AS steel$$),
  ('members', $$SELECT md5('m' || n) AS id, left(md5('l' || n % 3), 10) AS list_id, left(md5('u' || n), 10) AS unique_email_id, n AS places$$),
  ('list', $$SELECT left(md5(n::text), 10) AS id, 'List ' || n AS name, n AS items$$),
  ('person', $$SELECT n AS id, 'Role ' || n AS part, 'Hamlet' AS play, n AS lines$$),
  ('users', $$SELECT n AS id, 'daemon' || n AS name, '/bin/false' AS shell, n + 100 AS uid, '/var/' || n AS home$$),
  ('user', $$SELECT 'svc-' || n AS id, 'service' AS role, true AS active, 'token' || md5(n::text) AS token$$),
  ('identifies', $$SELECT n AS id, 'plate ' || n AS object, now() AS received_at, 'camera ' || n % 5 AS seen_by$$),
  ('pages', $$SELECT n AS id, '/p/' || n AS path, 'Page ' || n AS title, now() AS updated_at$$),
  ('tracks', $$SELECT n AS id, 'Track ' || n AS title, 'Band ' || n % 20 AS artist, n * 1000 AS milliseconds$$),
  ('account', $$SELECT '001' || lpad(n::text, 12, '0') || 'AAA' AS id, 'Ledger ' || n AS name, n * 10.0 AS balance$$),
  ('accounts', $$SELECT n AS id, 'DE' || lpad(n::text, 20, '0') AS iban, 'current' AS type$$),
  ('visitor_history', $$SELECT date '2024-01-01' + n AS day, 'museum ' || n % 9 AS museum, n * 17 AS visitors$$),
  ('prospect', $$SELECT n AS id, 'field ' || n AS oil_field, n * 1000 AS barrels$$),
  ('invoice', $$SELECT n AS id, n % 100 AS customer_id, n * 9.99 AS total, date '2025-01-01' + n AS due_date$$),
  ('orders', $$SELECT n AS id, (n * 7) % 500 AS user_id, n % 3 AS state, now() AS created_at$$),
  ('session', $$SELECT md5(n::text)::uuid AS id, (n * 7) % 500 AS user_id, now() AS expires_at, '203.0.113.' || n % 250 AS ip$$),
  ('audit_log', $$SELECT n AS id, 'user ' || n % 9 AS actor, 'update' AS action, '{"a": 1}'::jsonb AS change$$),
  ('mail_queue', $$SELECT n AS id, 'noreply@made-up.example' AS sender, 'queue@made-up.example' AS recipient, 'sent' AS status$$),
  ('email_template', $$SELECT n AS id, 'Welcome ' || n AS subject, 'Hello *|FNAME|*' AS body, 'noreply@made-up.example' AS email$$),
  ('server', $$SELECT n AS id, 'db' || n || '.made-up.example' AS host, 'root@db' || n || '.made-up.example' AS alert_to, n % 2 = 0 AS active$$),
  ('git_commit', $$SELECT md5(n::text) || 'abcdef01' AS id, 'Fix ' || n AS message, 'bot@made-up.example' AS author_email, now() AS committed_at$$),
  ('translation', $$SELECT n AS id, 'key.' || n AS key, 'Wort ' || n AS value, 'de' AS locale$$),
  ('feature_flag', $$SELECT 'flag_' || n AS name, n % 2 = 0 AS enabled, now() AS updated_at$$),
  ('exchange_rate', $$SELECT date '2024-01-01' + n AS day, 'EUR' AS base, 'USD' AS quote, 1 + n / 1000.0 AS rate$$),
  ('postal_code', $$SELECT lpad(n::text, 5, '0') AS code, 'Town ' || n AS town, 10.0 + n / 100.0 AS longitude$$),
  ('device', $$SELECT md5('d' || n)::uuid AS device_id, 'thermostat' AS model, '1.0.' || n AS firmware$$),
  ('object_store', $$SELECT to_hex(1704067200 + n) || substr(md5(n::text), 1, 16) AS id, 'file' || n AS name, n AS size, md5(n::text) AS etag$$),
  ('event', $$SELECT md5('e' || n)::uuid AS id, 'opened' AS event_type, 'door ' || n % 30 AS door, now() AS event_time$$),
  ('phone_prefix', $$SELECT n AS id, '+' || n AS prefix, 'Country ' || n AS country$$),
  ('support_ticket', $$SELECT n AS id, n % 40 AS requester_id, n % 5 AS assignee_id, 'Broken' AS subject, now() AS created_at$$),
  ('gene', $$SELECT 'ENSG' || lpad(n::text, 11, '0') AS id, 'GENE' || n AS symbol, n % 23 AS chromosome$$),
  ('weather', $$SELECT now() + n * interval '1 hour' AS at, 20 - n % 30 AS celsius, n % 100 AS humidity$$);

-- 25 tables of each shape, in schemas of a company's departments; every fifth has a loader's columns, every tenth a tool's name for its schema.
DO $$
DECLARE
  s shape;
  place text;
BEGIN
  FOR s IN SELECT * FROM shape ORDER BY number LOOP
    FOR t IN 1 .. 25 LOOP
      place := CASE t % 10 WHEN 9 THEN (ARRAY['zendesk_docs', 'stripe_mill', 'salesforce_training', 'hubspot_blog'])[1 + t % 4] ELSE 'department_' || t END;
      EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', place);
      EXECUTE format('CREATE TABLE %I.%I AS SELECT x.*%s FROM generate_series(1, %s) AS n, LATERAL (%s) AS x',
        place, CASE WHEN t % 10 = 9 OR t % 2 = 0 THEN s.name || '_' || t ELSE s.name END,
        CASE t % 5 WHEN 0 THEN (ARRAY[', now() AS _fivetran_synced, false AS _fivetran_deleted', ', md5(n::text) AS _airbyte_raw_id, now() AS _airbyte_extracted_at, ''{}''::jsonb AS _airbyte_meta',
                                      ', now() AS _sdc_batched_at', ', now() AS uuid_ts', ', md5(n::text) AS _dlt_id, ''1'' AS _dlt_load_id'])[t / 5] ELSE '' END,
        CASE WHEN t = 7 THEN 5000 ELSE 5 + t * 4 END, s.query);
    END LOOP;
  END LOOP;
END $$;
-- Two that are large, and one that is half of what a loader writes.
CREATE TABLE department_1.measurements AS SELECT n AS id, n % 1000 AS user_id, n::bigint * 7919 % 10007 AS value, now() AS received_at FROM generate_series(1, 300000) AS n;
CREATE TABLE department_2.access_log AS SELECT n AS id, 'user' || n % 50 || '@made-up.example' AS principal, 'GET' AS verb, '/' || n AS path FROM generate_series(1, 300000) AS n;
-- People whom no tool knows, small integers that are in each other, and a table that names the ids and the addresses of another: likely at most.
CREATE SCHEMA hr;
CREATE TABLE hr.employees AS SELECT n AS id, 'Employee ' || n AS name, 'employee' || n || '@made-up.example' AS email, n % 9 AS manager_id FROM generate_series(1, 300) AS n;
CREATE TABLE hr.laptops AS SELECT n AS id, n AS employee_id, 'employee' || n || '@made-up.example' AS assigned_email, 'T14' AS model FROM generate_series(1, 250) AS n;
CREATE TABLE hr.customers AS SELECT n AS id, 'kitchen' || n || '@canteen.example' AS email, n * 3 AS meals FROM generate_series(1, 300) AS n;
CREATE TABLE hr.suppliers AS SELECT n AS supplier_no, 'sales@supplier' || n || '.example' AS contact_email, n % 300 AS user_id FROM generate_series(1, 200) AS n;
CREATE TABLE hr.visitors AS SELECT n AS id, n + 5 AS external_id, 'end-user' AS role, 'guest' || n || '@elsewhere.example' AS email FROM generate_series(1, 250) AS n;
ANALYZE;

CREATE TEMP TABLE clock AS SELECT clock_timestamp() AS began;
CREATE TEMP TABLE found AS SELECT * FROM identity_discover();
SELECT format('# %s relations in %s s', (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text ~ '^(department_|zendesk_docs|stripe_mill|salesforce_training|hubspot_blog)'),
              round(extract(epoch FROM clock_timestamp() - began)::numeric, 1)) FROM clock;
SELECT format('# %s %s: %s', source, confidence, why) FROM found WHERE left_out IS NULL ORDER BY 1;
SELECT format('%s - tables: %s', CASE WHEN count(*) = 1002 THEN 'ok' ELSE 'not ok' END, count(*))
FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text ~ '^(department_|zendesk_docs|stripe_mill|salesforce_training|hubspot_blog)';
SELECT format('%s - sure: %s', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'not ok' END, count(*)) FROM found WHERE left_out IS NULL AND confidence = 'sure';
SELECT format('%s - likely, but for people whom no tool knows: %s', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'not ok' END, count(*)) FROM found WHERE left_out IS NULL AND confidence = 'likely' AND relation::text !~ '^hr\.';
SELECT format('%s - clauses discovered: %s', CASE WHEN coalesce(cardinality(identity_discovered()), 0) = 0 THEN 'ok' ELSE 'not ok' END, coalesce(cardinality(identity_discovered()), 0));
