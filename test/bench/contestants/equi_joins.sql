-- The plain SQL of the mission with each OR taken apart into a UNION of two joins, which hash joins can do: what
-- somebody writes by hand once the OR is too slow. The same rows as or_join.sql, and the same gaps: addresses are
-- compared letter by letter, no link leads through a third tool, who is not in Segment has no row.
CREATE TABLE result AS
WITH s AS (SELECT id, nullif(email, '') AS email FROM segment.users),
     z AS (SELECT s.id, z.id AS zendesk_id FROM s JOIN zendesk.users z ON z.external_id = s.id
           UNION SELECT s.id, z.id FROM s JOIN zendesk.users z ON z.email = s.email),
     ic AS (SELECT s.id, ic.id AS intercom_id FROM s JOIN intercom.users ic ON ic.user_id = s.id
            UNION SELECT s.id, ic.id FROM s JOIN intercom.users ic ON ic.email = s.email)
SELECT s.id AS segment_id, s.email, z.zendesk_id, st.id AS stripe_id, sf.id AS salesforce_id, ic.intercom_id
FROM s
LEFT JOIN z ON z.id = s.id
LEFT JOIN stripe.customers st ON st.email = s.email
LEFT JOIN salesforce.leads sf ON sf.email = s.email
LEFT JOIN ic ON ic.id = s.id
GROUP BY 1, 2, 3, 4, 5, 6;
