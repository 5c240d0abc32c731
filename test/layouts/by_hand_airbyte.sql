-- The company of company.sql as Airbyte loads it: the clauses that somebody who knows these tools writes. Leaves by_hand (tool, record_id, identity_id).
CREATE TEMP TABLE by_hand AS
SELECT split_part(source, '_', 1) AS tool, record_id, identity_id FROM identity_records(
  identity_source('production', 'SELECT id, id AS user_id, email FROM production.users'),
  identity_source('segment', 'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('device', 'SELECT DISTINCT anonymous_id, anonymous_id, user_id FROM segment.identifies'),
  identity_source('zendesk', $$SELECT id, external_id AS user_id, email FROM zendesk.users WHERE role = 'end-user'$$),
  identity_source('stripe', $$SELECT id, metadata ->> 'user_id' AS user_id, email FROM stripe.customers$$),
  identity_source('salesforce_lead', 'SELECT "Id", ARRAY["Id", "MasterRecordId", "ConvertedContactId"] AS salesforce, "Email" AS email FROM salesforce."Lead" WHERE "IsDeleted" IS NOT TRUE'),
  identity_source('salesforce_contact', 'SELECT "Id", ARRAY["Id", "MasterRecordId"] AS salesforce, "Email" AS email FROM salesforce."Contact" WHERE "IsDeleted" IS NOT TRUE'),
  identity_source('intercom', $$SELECT id, CASE WHEN role = 'user' THEN external_id END AS user_id, email FROM intercom.contacts$$),
  identity_source('mailchimp', 'SELECT unique_email_id, email_address AS email FROM mailchimp.list_members'),
  identity_source('marketo', 'SELECT id, "sfdcLeadId" AS salesforce, email FROM marketo.leads'),
  identity_source('hubspot', $$SELECT id, ARRAY[id::text] || string_to_array(properties ->> 'hs_merged_object_ids', ';') AS hubspot, properties ->> 'email' AS email FROM hubspot.contacts$$),
  identity_source('pardot', 'SELECT id, ARRAY[crm_lead_fid, crm_contact_fid] AS salesforce, email FROM pardot.prospects'),
  identity_source('recurly', 'SELECT id, code AS user_id, email FROM recurly.accounts'),
  identity_source('pendo', 'SELECT id, id AS user_id, agent_email AS email FROM pendo.visitors'),
  identity_source('iterable', 'SELECT iterable_user_id, user_id, email FROM iterable.users'),
  identity_source('klaviyo', 'SELECT id, email FROM klaviyo.profiles'),
  identity_source('shopify', 'SELECT id, email FROM shopify.customers'),
  identity_rule('salesforce'), identity_rule('hubspot'));
