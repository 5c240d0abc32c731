-- The well-known table: one person under each name that five tools have for them, rows with both of their addresses.
-- test/sample/well_known.sql has the rows as they really come: blanks, capitals, no-break spaces, ids with a blank behind
-- them, a Salesforce lead that knows one of the two addresses, Intercom and Zendesk users that only an id ties to the rest.
\set sample `echo "${PG_ABS_SRCDIR:-.}/test/sample"`
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

BEGIN;
\set ECHO none
\i :sample/well_known.sql
\set ECHO all

-- What everybody writes first finds next to nothing in such rows.
SELECT * FROM (
  SELECT s.id AS segment_id, s.email, z.id AS zendesk_id, st.id AS stripe_id, sf.id AS salesforce_id, ic.id AS intercom_id
  FROM segment.users s
  LEFT JOIN zendesk.users z ON z.external_id = s.id OR z.email = s.email
  LEFT JOIN stripe.customers st ON st.email = s.email
  LEFT JOIN salesforce.leads sf ON sf.email = s.email
  LEFT JOIN intercom.users ic ON ic.user_id = s.id OR ic.email = s.email
  GROUP BY 1, 2, 3, 4, 5, 6) AS plain
ORDER BY array_position('{mYhgYcRBC7,7adt7XG27c,QZnP7cViH1}', segment_id), email COLLATE "C" DESC;

-- The same rows, every link followed.
SELECT * FROM resolve_identities(
  identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'),
  identity_output(rows => 'combinations')
) AS (segment_id text, email text, zendesk_id bigint, stripe_id text, salesforce_id text, intercom_id text)
ORDER BY array_position('{mYhgYcRBC7,7adt7XG27c,QZnP7cViH1}', segment_id), email COLLATE "C" DESC;

-- The master table proper: one row a person. A scalar column shows the surviving value, an array column all of them.
\x on
SELECT * FROM resolve_identities(
  identity_source('segment',    'SELECT id, id AS user_id, email, received_at AS updated_at FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email, updated_at FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email, received_at AS updated_at FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email, name, system_modstamp AS updated_at FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email, updated_at FROM intercom.users'),
  identity_rule('name', link => false)
) AS (identity_id uuid, segment_id text, name text, email text[], zendesk_id bigint, zendesk_email text, stripe_id text[],
      salesforce_id text, intercom_id text, record_count int, sources text[])
ORDER BY array_position('{mYhgYcRBC7,7adt7XG27c,QZnP7cViH1}', segment_id);
\x off

-- And the long form: which record is whose.
SELECT dense_rank() OVER (ORDER BY identity_id) AS person, source, record_id
FROM identity_records(
  identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'))
ORDER BY person, array_position('{segment,zendesk,stripe,salesforce,intercom}', source), record_id COLLATE "C";
ROLLBACK;
