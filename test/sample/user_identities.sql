-- The master table over the sample data. What each source's columns are called says what they identify; the rules say what the
-- other columns are. The list of clauses is a value, so it can be kept and used again.
CREATE TABLE identity_clauses AS SELECT ARRAY[
  identity_source('production', 'SELECT id, id AS user_id, email, updated_at FROM production.users'),
  identity_source('segment',    'SELECT id, id AS user_id, email, phone, referral_source FROM segment.users'),
  identity_source('device',     'SELECT anonymous_id, anonymous_id, user_id, email FROM segment.identifies
                                 UNION ALL
                                 SELECT anonymous_id, anonymous_id, user_id, NULL FROM segment.pages'),
  identity_source('zendesk',    $$SELECT id, external_id AS user_id, email, phone, updated_at
                                 FROM zendesk.users WHERE role = 'end-user'$$),
  identity_source('stripe',     $$SELECT c.id, c.metadata_user_id AS user_id, c.email, p.name AS plan
                                 FROM stripe.customers c
                                 LEFT JOIN stripe.subscriptions s ON s.customer_id = c.id AND s.status = 'active'
                                 LEFT JOIN stripe.plans p ON p.id = s.plan_id$$),
  identity_source('salesforce', 'SELECT id, id AS sfdc_lead_id, email, phone FROM salesforce.leads WHERE is_deleted IS NOT TRUE'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'),
  identity_source('mailchimp',  'SELECT unique_email_id, email_address AS email FROM mailchimp.list_members'),
  identity_source('marketo',    'SELECT id, sfdc_lead_id, email FROM marketo.leads'),
  identity_rule('sfdc_lead_id'),                    -- a kind of our own: Marketo knows Salesforce's ids
  identity_rule('phone', link => false),            -- carried to the output, links nobody
  identity_rule('plan', link => false),
  identity_rule('referral_source', link => false)
] AS clauses;

CREATE TABLE user_identities AS
SELECT * FROM resolve_identities(VARIADIC (SELECT clauses FROM identity_clauses)) AS (
  identity_id uuid, user_id text, email text, phone text, referral_source text, plan text,
  production_id text, segment_id text, device_id text[], zendesk_id bigint[], stripe_id text[], salesforce_id text,
  intercom_id text, mailchimp_id text[], marketo_id int, record_count int, sources text[]);
