-- The limit: every input record read once and written once, with what the extension has to look at.
CREATE TABLE result AS
SELECT 'segment' AS source, id AS record_id, id AS user_id, email FROM segment.users
UNION ALL SELECT 'zendesk', id::text, external_id, email FROM zendesk.users
UNION ALL SELECT 'stripe', id, NULL, email FROM stripe.customers
UNION ALL SELECT 'salesforce', id, NULL, email FROM salesforce.leads
UNION ALL SELECT 'intercom', id, user_id, email FROM intercom.users;
