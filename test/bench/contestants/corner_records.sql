CREATE TABLE result AS
SELECT * FROM identity_records(
  identity_source('corner', 'SELECT id, a AS user_id, b AS user_id, many AS user_id FROM corner.users'),
  identity_rule('user_id', max_per_identity => 0, max_records => 0, block_placeholders => false));
