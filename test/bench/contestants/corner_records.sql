CREATE TABLE result AS
SELECT * FROM identity_records(
  identity_source('corner', 'SELECT id, a AS user_id, b AS user_id, many AS user_id FROM corner.users'));
