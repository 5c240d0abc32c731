-- What discovery knows of the common tools: one row a rule. A rule is data: names, patterns and values. It holds no
-- SQL, so that nothing of it can run.

-- identity_tools(): the rules, the more special ones first. A user's own rules have the same fields, as JSON objects:
-- identity_discover(tools => '[{"tool": "crm", "tables": "clients?", "key": ["client_no"], "links": {"email": ["mail"]}}]').
--   tool, part   the tool and which of its tables, such as salesforce and lead
--   role         what rows of the table are: people; pairs (two ids that belong together); former (a former id and the
--                present one, columns "former" and "present" of links); more (further addresses of people: those of the part whose name
--                this part's name begins with);
--                staff, audience, company, events or staged: no source
--   tables       a pattern that the table's name ends with. Names are compared in lower case with underscores
--                (MasterRecordId is master_record_id), without _history, _data and what loaders put around them
--   loaders      the loaders that the rule holds for; NULL: any
--   needs        columns that have to be there; alternatives are separated by |
--   hints        columns that only this tool has. One of them, or the tool's name in the schema's or table's name, or a
--                key of an unmistakable pattern has to be there
--   names        a pattern of the tool's name in a schema or table
--   key          columns that may be the record's id, the best first
--   pattern      a pattern of the key's values; is_strong: no other tool has it
--   tests        patterns of further columns' values, such as role
--   links        for each kind the columns that carry it. "@" is the key, "a|b" the first that is there, "a;" a list
--                separated by semicolons, "[a]" a list of numbers, "a?role=user" only where role is user, "~..." every
--                column whose name matches. Kinds but email and phone are tested on the data where the rule is not of
--                the tool itself
--   keeps        "column=value": other rows are left out
--   drops        "column=value": such rows are left out; "column=value!other": unless the other column has a value
--   note         why, in words, where the table is no source
--   origin       where the rule is from
CREATE FUNCTION @extschema@.identity_tools()
  RETURNS TABLE (tool text, part text, role text, tables text, loaders text[], needs text[], hints text[], names text, key text[], pattern text,
                 is_strong boolean, tests jsonb, links jsonb, keeps text[], drops text[], note text, origin text)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 60
BEGIN ATOMIC
  SELECT r.tool, r.part, r.role, r.tables, r.loaders::text[], r.needs::text[], r.hints::text[], r.names, r.key::text[], r.pattern,
         r.is_strong, r.tests::jsonb, r.links::jsonb, r.keeps::text[], r.drops::text[], r.note, r.origin
  FROM (VALUES
    -- Stripe
    ('stripe', 'customer', 'people', 'customers?', NULL, '{id}',
     '{delinquent,livemode,invoice_prefix,default_source,default_card_id,account_balance,balance,next_invoice_sequence,currency}', 'stripe',
     '{id}', '^cus_[A-Za-z0-9]{6,}$', true, NULL,
     '{"user_id": ["~^metadata_([a-z0-9]+_)*(user_?id|external_?id|uid|account_?id|customer_?id|cms_id|id)$"], "email": ["email"], "phone": ["phone"]}',
     NULL, '{is_deleted=true,deleted=true,livemode=false}', NULL,
     'fivetran/dbt_stripe get_customer_columns.sql; singer-io/tap-stripe customers.json; docs.stripe.com/metadata'),
    -- Salesforce
    ('salesforce', 'lead', 'people', 'leads?', NULL, '{id}',
     '{system_modstamp,is_converted,converted_contact_id,master_record_id,lead_source,last_modified_by_id}', 'salesforce|sfdc|(^|_|\.)sf(_|\.|$)',
     '{id}', '^00Q[A-Za-z0-9]{12,15}$', true, NULL,
     '{"salesforce": ["@", "master_record_id", "converted_contact_id", "individual_id"], "email": ["email"], "phone": ["mobile_phone"],
       "user_id": ["~(^|_)(user|customer|external|app|segment)_?(user_)?id(_c)?$"]}',
     NULL, '{is_deleted=true!master_record_id}', NULL, 'fivetran/dbt_salesforce get_lead_columns.sql; developer.salesforce.com object reference Lead'),
    ('salesforce', 'contact', 'people', 'contacts?', NULL, '{id}',
     '{system_modstamp,master_record_id,reports_to_id,last_modified_by_id,individual_id}', 'salesforce|sfdc|(^|_|\.)sf(_|\.|$)',
     '{id}', '^003[A-Za-z0-9]{12,15}$', true, NULL,
     '{"salesforce": ["@", "master_record_id", "individual_id"], "email": ["email"], "phone": ["mobile_phone"],
       "user_id": ["~(^|_)(user|customer|external|app|segment)_?(user_)?id(_c)?$"]}',
     NULL, '{is_deleted=true!master_record_id}', NULL, 'fivetran/dbt_salesforce get_contact_columns.sql; developer.salesforce.com object reference Contact'),
    ('salesforce', 'user', 'staff', 'users?', NULL, '{id}', '{profile_id,user_role_id,system_modstamp,user_type,username}', 'salesforce|sfdc|(^|_|\.)sf(_|\.|$)',
     '{id}', '^005[A-Za-z0-9]{12,15}$', true, NULL, NULL, NULL, NULL, 'users of Salesforce are staff', 'developer.salesforce.com object reference User'),
    ('salesforce', 'account', 'company', 'accounts?', NULL, '{id}', '{system_modstamp,parent_id,billing_city,number_of_employees,last_modified_by_id}',
     'salesforce|sfdc|(^|_|\.)sf(_|\.|$)', '{id}', '^001[A-Za-z0-9]{12,15}$', true, NULL, NULL, NULL, NULL, 'accounts of Salesforce are companies',
     'developer.salesforce.com object reference Account'),
    -- Zendesk
    ('zendesk', 'user', 'people', 'users?', NULL, '{id,role,email}',
     '{ticket_restriction,only_private_comments,two_factor_auth_enabled,restricted_agent,chat_only,shared_agent,permanently_deleted,user_fields,organization_id}',
     'zendesk|(^|_|\.)zd(_|\.|$)', '{id}', '^[0-9]{1,20}$', false, '{"role": "^(end-user|agent|admin)$"}',
     '{"user_id": ["external_id"], "email": ["email"], "phone": ["phone"]}',
     '{role=end-user}', '{active=false,permanently_deleted=true}', NULL,
     'fivetran/dbt_zendesk get_user_columns.sql; developer.zendesk.com users'),
    ('zendesk', 'user_identity', 'more', 'user_identity|user_identities', NULL, '{user_id,type,value}', '{verified,primary,deliverable_state,undeliverable_count}',
     'zendesk|(^|_|\.)zd(_|\.|$)', '{user_id}', '^[0-9]{1,20}$', false, '{"type": "^[a-z_]+$"}',
     '{"email": ["value?type=email"], "phone": ["value?type=phone_number"]}', NULL, NULL, NULL, 'airbytehq/airbyte source-zendesk-support user_identities.json'),
    -- Intercom
    ('intercom', 'contact', 'people', 'contacts?|users?|leads?', NULL, '{id,external_id|user_id}',
     '{signed_up_at,remote_created_at,unsubscribed_from_emails,workspace_id,session_count,has_hard_bounced,last_request_at,marked_email_as_spam,user_agent_data}', 'intercom',
     '{id}', '^[0-9a-f]{24}$', false, '{"role": "^(user|lead|visitor|contact)$"}',
     '{"user_id": ["external_id?role=user|external_id", "user_id"], "email": ["email"], "phone": ["phone"]}',
     NULL, NULL, NULL, 'airbytehq/airbyte source-intercom contacts.json; developers.intercom.com contacts'),
    ('intercom', 'admin', 'staff', 'admins?', NULL, '{id,email}', '{job_title,away_mode_enabled,has_inbox_seat}', 'intercom', '{id}', NULL, false, NULL, NULL, NULL, NULL,
     'admins of Intercom are staff', 'developers.intercom.com admins'),
    -- Mailchimp
    ('mailchimp', 'member', 'people', 'members?', NULL, '{id,email_address|email,unique_email_id|list_id}',
     '{unique_email_id,merge_fname,merge_fields,member_rating,timestamp_opt,timestamp_signup,ip_opt,web_id}', 'mailchimp',
     '{unique_email_id,id}', '^([0-9a-f]{10}|[0-9a-f]{32})$', false, NULL, '{"email": ["email_address|email"]}',
     NULL, '{status=archived}', NULL, 'fivetran/dbt_mailchimp src_mailchimp.yml; mailchimp.com/developer list members'),
    ('mailchimp', 'list', 'audience', 'lists?|audiences?', NULL, '{id,name}',
     '{permission_reminder,list_rating,default_from_email,campaign_defaults,subscribe_url_short,beamer_address,use_archive_bar}', 'mailchimp',
     '{id}', '^[0-9a-f]{10}$', false, NULL, NULL, NULL, NULL, 'lists of Mailchimp are audiences, not people', 'mailchimp.com/developer lists'),
    -- HubSpot
    ('hubspot', 'contact', 'people', 'contacts?', NULL,
     '{id|vid|canonical_vid|contact_id,property_email|properties_email|properties_email_value|email}',
     '{property_email,properties_email,properties_email_value,property_createdate,vid,canonical_vid,merged_vids,portal_id,is_contact,profile_url}', 'hubspot',
     '{id,vid,canonical_vid,contact_id}', '^[0-9]{1,15}$', false, NULL,
     '{"hubspot": ["@", "property_hs_merged_object_ids;|properties_hs_merged_object_ids;|properties_hs_merged_object_ids_value;", "property_hs_calculated_merged_vids;|properties_hs_calculated_merged_vids;", "merged_vids;"],
       "email": ["property_email|properties_email|properties_email_value|email", "property_hs_additional_emails;|properties_hs_additional_emails;|properties_hs_additional_emails_value;"],
       "phone": ["property_mobilephone|properties_mobilephone|properties_mobilephone_value", "property_phone|properties_phone|properties_phone_value"],
       "salesforce": ["property_salesforcecontactid|properties_salesforcecontactid|properties_salesforcecontactid_value", "property_salesforceleadid|properties_salesforceleadid|properties_salesforceleadid_value"],
       "user_id": ["~^propert(y|ies)_([a-z0-9]+_)*(user_?id|external_?id|customer_?id|uid)(_value)?$"]}',
     NULL, '{is_deleted=true,archived=true}', NULL, 'fivetran/dbt_hubspot get_contact_columns.sql; developers.hubspot.com contacts'),
    ('hubspot', 'contact_merge_audit', 'former', 'contact_merge_audit|contact_merge_audits', NULL, '{canonical_vid,vid_to_merge}', '{num_properties_moved,entity_id,contact_id}', 'hubspot',
     '{canonical_vid}', '^[0-9]{1,15}$', false, NULL, '{"hubspot": ["former=vid_to_merge", "present=canonical_vid"]}', NULL, NULL, NULL,
     'fivetran/dbt_hubspot merge_contacts.sql'),
    ('hubspot', 'owner', 'staff', 'owners?', NULL, '{id|owner_id,email}', '{portal_id,active_user_id,user_id_including_inactive}', 'hubspot',
     '{id,owner_id}', '^[0-9]+$', false, NULL, NULL, NULL, NULL, 'owners in HubSpot are staff', 'fivetran/dbt_hubspot get_owner_columns.sql'),
    ('hubspot', 'user', 'staff', 'users?', NULL, '{id,email}', '{primary_team_id,role_id,super_admin}', 'hubspot',
     '{id}', '^[0-9]+$', false, NULL, NULL, NULL, NULL, 'users of HubSpot are staff', 'fivetran/dbt_hubspot get_users_columns.sql'),
    ('hubspot', 'company', 'company', 'company|companies', NULL, '{id}', '{property_name,properties_name,property_domain,properties_domain}', 'hubspot',
     '{id}', '^[0-9]+$', false, NULL, NULL, NULL, NULL, 'companies, not people', 'fivetran/dbt_hubspot get_company_columns.sql'),
    -- Marketo
    ('marketo', 'lead', 'people', 'leads?', NULL, '{id,email}', '{sfdc_lead_id,sfdc_contact_id,inferred_company,is_anonymous,original_source_type,acquisition_program_id,cookies,lead_partition_id}',
     'marketo|mkto', '{id}', '^[0-9]{1,9}$', false, NULL,
     '{"marketo": ["@"], "email": ["email"], "phone": ["mobile_phone"], "salesforce": ["sfdc_lead_id", "sfdc_contact_id"],
       "user_id": ["~(^|_)(user|customer|external|app)_?(user_)?id(_c)?$"]}',
     NULL, '{is_anonymous=true,is_deleted=true}', NULL, 'fivetran/dbt_marketo src_marketo.yml; airbytehq/airbyte source-marketo leads.json'),
    ('marketo', 'merged_lead', 'former', 'merged_leads?', NULL, '{merged_lead,into_lead}', '{merged_lead}', 'marketo|mkto', '{into_lead}', '^[0-9]{1,9}$', false, NULL,
     '{"marketo": ["former=merged_lead", "present=into_lead"]}', NULL, NULL, NULL, 'fivetran.com/docs/connectors/applications/marketo/sample-queries'),
    ('marketo', 'activity_merge_lead', 'former', 'activity_merge_leads?|activities_merge_leads?', NULL, '{lead_id,merge_ids}', '{merge_ids}', 'marketo|mkto', '{lead_id}', '^[0-9]{1,9}$', false, NULL,
     '{"marketo": ["former=[merge_ids]", "present=lead_id"]}', NULL, NULL, NULL, 'fivetran/dbt_marketo src_marketo.yml'),
    -- Klaviyo, Pardot, Iterable, Recurly, Shopify
    ('klaviyo', 'person', 'people', 'person|persons|people|profiles?', NULL, '{id,email|attributes_email}',
     '{phone_number,custom_consent,custom_source,attributes_phone_number,custom_mail_chimp_rating,email_marketing_consent}', 'klaviyo',
     '{id}', '^01[0-9A-HJKMNP-TV-Z]{24}$', false, NULL,
     '{"email": ["email|attributes_email"], "phone": ["phone_number|attributes_phone_number"], "user_id": ["external_id|attributes_external_id"]}', NULL, NULL, NULL,
     'fivetran/dbt_klaviyo get_person_columns.sql; developers.klaviyo.com profiles'),
    ('klaviyo', 'person', 'people', 'person|persons|people|profiles?', NULL, '{id,email}', '{custom_consent,custom_source,custom_mail_chimp_rating}', 'klaviyo',
     '{id}', '^[A-Za-z0-9]{6}$', false, NULL, '{"email": ["email"], "phone": ["phone_number"], "user_id": ["external_id"]}', NULL, NULL, NULL,
     'fivetran/dbt_klaviyo get_person_columns.sql: ids before 2021'),
    ('pardot', 'prospect', 'people', 'prospects?', NULL, '{id,email}', '{crm_contact_fid,crm_lead_fid,prospect_account_id,crm_last_sync,salesforce_id}', 'pardot|account_engagement',
     '{id}', '^[0-9]{1,15}$', false, NULL, '{"email": ["email"], "salesforce": ["crm_contact_fid", "crm_lead_fid", "salesforce_id"]}', NULL, '{is_deleted=true}', NULL,
     'fivetran/dbt_pardot get_prospect_columns.sql'),
    ('iterable', 'user', 'people', 'users?', NULL, '{email,iterable_user_id|email_list_ids|signup_source|profile_updated_at}', '{email_list_ids,iterable_user_id,phone_number_carrier,signup_source,subscribed_message_type_ids}', 'iterable',
     '{iterable_user_id,fivetran_user_id,user_id,email}', NULL, false, NULL, '{"email": ["email"], "user_id": ["user_id"], "phone": ["phone_number"]}', NULL, NULL, NULL,
     'fivetran/dbt_iterable get_user_history_columns.sql'),
    ('recurly', 'account', 'people', 'accounts?', NULL, '{id,code,email}', '{bill_to,cc_emails,vat_number,hosted_login_token,tax_exempt}', 'recurly',
     '{id}', NULL, false, NULL, '{"user_id": ["code"], "email": ["email"]}', NULL, NULL, NULL, 'fivetran/dbt_recurly get_account_history_columns.sql'),
    ('shopify', 'customer', 'people', 'customers?', NULL, '{id,email}',
     '{orders_count,number_of_orders,total_spent,amount_spent,verified_email,accepts_marketing,default_address_id,email_marketing_consent_state,last_order_id,multipass_identifier}', 'shopify',
     '{id}', '^([0-9]{4,20}|gid://shopify/Customer/[0-9]+)$', false, NULL, '{"email": ["email"], "phone": ["phone"], "user_id": ["multipass_identifier"]}', NULL, NULL, NULL,
     'fivetran/dbt_shopify get_customer_columns.sql; singer-io/tap-shopify'),
    -- Product analytics: ids of devices and events
    ('pendo', 'visitor', 'people', 'visitors?', NULL, '{id}', '{agent_email,first_visit,last_visit,id_hash,pendo_lastemail,last_browser_name}', 'pendo',
     '{id}', NULL, false, NULL, '{"user_id": ["@"], "email": ["agent_email|pendo_lastemail"]}', NULL, NULL, NULL, 'fivetran/dbt_pendo get_visitor_history_columns.sql'),
    ('pendo', 'user', 'staff', 'users?', NULL, '{id,user_type}', '{user_type}', 'pendo', '{id}', '^[0-9]+$', false, NULL, NULL, NULL, NULL, 'users of Pendo are staff', 'fivetran/dbt_pendo get_user_columns.sql'),
    ('pendo', 'account', 'company', 'accounts?', NULL, '{id}', '{id_hash,first_visit,last_visit}', 'pendo', '{id}', NULL, false, NULL, NULL, NULL, NULL, 'accounts of Pendo are companies', 'fivetran/dbt_pendo get_account_history_columns.sql'),
    ('amplitude', 'event', 'pairs', 'events?', NULL, '{user_id,device_id,amplitude_id}', '{amplitude_id}', 'amplitude', '{user_id}', NULL, false, NULL,
     '{"user_id": ["user_id"], "device_id": ["device_id"]}', NULL, NULL, NULL, 'fivetran/dbt_amplitude get_event_columns.sql'),
    ('mixpanel', 'event', 'events', 'events?', NULL, '{distinct_id}', '{distinct_id}', 'mixpanel', NULL, NULL, false, NULL, NULL, NULL, NULL, 'events, not people', 'fivetran/dbt_mixpanel get_event_columns.sql'),
    ('ga4', 'event', 'pairs', 'events?', NULL, '{user_id,user_pseudo_id}', '{user_pseudo_id}', 'ga4|google_analytics', '{user_id}', NULL, false, NULL,
     '{"user_id": ["user_id"], "device_id": ["user_pseudo_id"]}', NULL, NULL, NULL, 'developers.google.com/analytics BigQuery export schema'),
    ('snowplow', 'event', 'pairs', 'events?', NULL, '{user_id,domain_userid}', '{domain_userid,network_userid}', 'snowplow', '{user_id}', NULL, false, NULL,
     '{"user_id": ["user_id"], "device_id": ["domain_userid"]}', NULL, NULL, NULL, 'docs.snowplow.io canonical event model'),
    ('jira', 'user', 'staff', 'users?', NULL, '{id|account_id,time_zone}', '{locale,account_type}', 'jira', '{id,account_id}', NULL, false, NULL, NULL, NULL, NULL, 'users of Jira are staff', 'fivetran/dbt_jira get_user_columns.sql'),
    -- Segment and RudderStack, last: the shape of their users is the most general
    ('segment', 'identify', 'pairs', 'identifies', '{segment,rudderstack}', '{user_id,anonymous_id}', '{anonymous_id}', NULL, '{user_id}', NULL, false, NULL,
     '{"user_id": ["user_id"], "anonymous_id": ["anonymous_id"], "email": ["email|context_traits_email|traits_email"]}', NULL, NULL, NULL, 'segment-docs warehouses/schema.md'),
    ('segment', 'alias', 'former', 'aliases', '{segment,rudderstack}', '{previous_id,user_id}', '{previous_id}', NULL, '{user_id}', NULL, false, NULL,
     '{"user_id": ["former=previous_id", "present=user_id"]}', NULL, NULL, NULL, 'segment.com/docs/connections/spec/alias'),
    ('segment', 'page', 'pairs', 'pages|tracks|screens|groups', '{segment,rudderstack}', '{user_id,anonymous_id}', '{anonymous_id}', NULL, '{user_id}', NULL, false, NULL,
     '{"user_id": ["user_id"], "anonymous_id": ["anonymous_id"]}', NULL, NULL, NULL, 'segment-docs warehouses/schema.md'),
    ('segment', 'event', 'events', '.*', '{segment,rudderstack}', '{anonymous_id,event|event_text|context_library_name}', '{anonymous_id}', NULL, NULL, NULL, false, NULL, NULL, NULL, NULL,
     'events, not people', 'segment-docs warehouses/schema.md'),
    ('segment', 'user', 'people', 'users?', '{segment,rudderstack}', '{id}', '{uuid_ts,received_at,context_library_name}', 'segment|rudder', '{id}', NULL, false, NULL,
     '{"user_id": ["@"], "email": ["email|context_traits_email"], "phone": ["phone"]}', NULL, NULL, NULL, 'segment-docs warehouses/schema.md')
  ) AS r (tool, part, role, tables, loaders, needs, hints, names, key, pattern, is_strong, tests, links, keeps, drops, note, origin);
END;
COMMENT ON FUNCTION @extschema@.identity_tools() IS
  'the rules by which identity_discover() knows the tables of common tools, one row a rule, each with where it is from';
