-- The long form: one row a record, with every guard off: the plain components, as the rivals make them.
CREATE TABLE result AS
SELECT * FROM identity_records(
  identity_source('segment',    'SELECT id, id AS user_id, email FROM segment.users'),
  identity_source('zendesk',    'SELECT id, external_id AS user_id, email FROM zendesk.users'),
  identity_source('stripe',     'SELECT id, email FROM stripe.customers'),
  identity_source('salesforce', 'SELECT id, email FROM salesforce.leads'),
  identity_source('intercom',   'SELECT id, user_id, email FROM intercom.users'),
  identity_rule('user_id', max_per_identity => 0, max_records => 0, block_placeholders => false),
  identity_rule('email', max_per_identity => 0, max_records => 0, block_placeholders => false));
