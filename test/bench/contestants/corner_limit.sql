CREATE TABLE result AS SELECT 'corner' AS source, id::text AS record_id, a, b, many, owner FROM corner.users;
