CREATE TABLE result AS
SELECT * FROM resolve_identities(
  identity_source('corner', 'SELECT id, a AS user_id, b AS user_id, many AS user_id FROM corner.users')
) AS (identity_id uuid, corner_id bigint, user_id text, record_count bigint);
