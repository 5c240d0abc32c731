CREATE TABLE result AS
SELECT * FROM resolve_identities(
  identity_source('corner', 'SELECT id, a AS user_id, b AS user_id, many AS user_id FROM corner.users'),
  identity_rule('user_id', max_per_identity => 0, max_records => 0, block_placeholders => false)
) AS (identity_id uuid, corner_id bigint, user_id text, record_count bigint);
