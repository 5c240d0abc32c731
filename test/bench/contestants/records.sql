-- The long form: one row a record.
CREATE TABLE result AS
SELECT * FROM identity_records(
  identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'));
