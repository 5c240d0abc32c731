-- What both hand-written rivals start from: `record`, every record with a number and with its identifiers
-- normalised, and `edge`, a star for each shared identifier (every record that carries it, to the first that does).
-- A star has as many edges as records; joining the records with each other would square a shared address.
-- Unlogged tables, not temporary ones: parallel workers cannot read the latter.
DROP TABLE IF EXISTS record, edge;

CREATE UNLOGGED TABLE record AS
SELECT row_number() OVER ()::int AS record, source, record_id, user_id, nullif(lower(trim(email)), '') AS email
FROM (SELECT 'segment' AS source, id AS record_id, id AS user_id, email FROM segment.users
      UNION ALL SELECT 'zendesk', id::text, external_id, email FROM zendesk.users
      UNION ALL SELECT 'stripe', id, NULL, email FROM stripe.customers
      UNION ALL SELECT 'salesforce', id, NULL, email FROM salesforce.leads
      UNION ALL SELECT 'intercom', id, user_id, email FROM intercom.users) r;
ANALYZE record;

CREATE UNLOGGED TABLE edge AS
SELECT r.record AS a, first.record AS b
FROM record r
JOIN (SELECT user_id, min(record) AS record FROM record WHERE user_id IS NOT NULL GROUP BY user_id HAVING count(*) > 1) first
  ON first.user_id = r.user_id AND first.record <> r.record
UNION ALL
SELECT r.record, first.record
FROM record r
JOIN (SELECT email, min(record) AS record FROM record WHERE email IS NOT NULL GROUP BY email HAVING count(*) > 1) first
  ON first.email = r.email AND first.record <> r.record;
ANALYZE edge;
