-- The company of company.sql as Fivetran loads it: the clauses that somebody who knows these tools writes. Leaves by_hand (tool, record_id, identity_id).
CREATE TEMP TABLE by_hand AS
SELECT split_part(source, '_', 1) AS tool, record_id, identity_id FROM identity_records(
  identity_source('production', 'SELECT id, id AS user_id, email FROM production.users'),
  identity_source('segment', 'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('device', 'SELECT DISTINCT anonymous_id, anonymous_id, user_id FROM segment.identifies'),
  identity_source('zendesk', $$SELECT id, external_id AS user_id, email FROM zendesk."user" WHERE role = 'end-user' AND _fivetran_deleted IS NOT TRUE$$),
  identity_source('stripe', $$SELECT id, metadata::jsonb ->> 'user_id' AS user_id, email FROM stripe.customer WHERE is_deleted IS NOT TRUE$$),
  identity_source('salesforce_lead', 'SELECT id, ARRAY[id, master_record_id, converted_contact_id] AS salesforce, email FROM salesforce.lead WHERE is_deleted IS NOT TRUE'),
  identity_source('salesforce_contact', 'SELECT id, ARRAY[id, master_record_id] AS salesforce, email FROM salesforce.contact WHERE is_deleted IS NOT TRUE'),
  identity_source('intercom', $$SELECT id, CASE WHEN role = 'user' THEN external_id END AS user_id, email FROM intercom.contact WHERE _fivetran_deleted IS NOT TRUE$$),
  identity_source('mailchimp', 'SELECT unique_email_id, email_address AS email FROM mailchimp.member'),
  identity_source('marketo', 'SELECT id, sfdc_lead_id AS salesforce, email FROM marketo.lead'),
  identity_source('hubspot', $$SELECT id, ARRAY[id::text] || string_to_array(property_hs_merged_object_ids, ';') AS hubspot, property_email AS email FROM hubspot.contact WHERE _fivetran_deleted IS NOT TRUE$$),
  identity_source('pardot', 'SELECT id, ARRAY[crm_lead_fid, crm_contact_fid] AS salesforce, email FROM pardot.prospect WHERE _fivetran_deleted IS NOT TRUE'),
  identity_source('recurly', 'SELECT id, code AS user_id, email FROM recurly.account_history'),
  identity_source('pendo', 'SELECT id, id AS user_id, agent_email AS email FROM pendo.visitor_history'),
  identity_source('iterable', 'SELECT iterable_user_id, user_id, email FROM iterable.user_history'),
  identity_source('klaviyo', 'SELECT id, email FROM klaviyo.person WHERE _fivetran_deleted IS NOT TRUE'),
  identity_source('shopify', 'SELECT id, email FROM shopify.customer'),
  identity_rule('salesforce'), identity_rule('hubspot'));
