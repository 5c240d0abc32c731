CREATE TABLE result AS
SELECT * FROM resolve_identities(
  identity_source('corner', 'SELECT id, a AS email, b AS email, owner AS user_id FROM corner.users'),
  identity_rule('email', max_records => 0)
) AS (identity_id uuid, corner_id bigint, email text, user_id text, record_count bigint);
