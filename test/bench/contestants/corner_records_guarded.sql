CREATE TABLE result AS
SELECT * FROM identity_records(
  identity_source('corner', 'SELECT id, a AS email, b AS email, owner AS user_id FROM corner.users'),
  identity_rule('email', max_records => 0));
