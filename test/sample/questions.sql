-- Which referral source sends the most tickets? Segment knows the source, Zendesk the tickets.
SELECT u.referral_source, count(DISTINCT u.identity_id) AS people, count(*) AS tickets,
       round(count(*)::numeric / count(DISTINCT u.identity_id), 2) AS tickets_each
FROM user_identities AS u, unnest(u.zendesk_id) AS z
JOIN zendesk.tickets AS t ON t.requester_id = z
WHERE u.referral_source IS NOT NULL
GROUP BY 1 ORDER BY tickets DESC;

-- Tickets per pricing tier: Stripe knows the plan, Zendesk the tickets, nobody knows both.
SELECT u.plan, count(DISTINCT u.identity_id) AS people, count(*) AS tickets,
       round(count(*)::numeric / count(DISTINCT u.identity_id), 2) AS tickets_each
FROM user_identities AS u, unnest(u.zendesk_id) AS z
JOIN zendesk.tickets AS t ON t.requester_id = z
WHERE u.plan IS NOT NULL
GROUP BY 1 ORDER BY tickets_each DESC;

-- Which share of the users opened a campaign and visited the site? Mailchimp knows who opened, Segment who visited.
WITH opened AS (
  SELECT DISTINCT u.identity_id
  FROM user_identities AS u, unnest(u.mailchimp_id) AS m
  JOIN mailchimp.list_members AS l ON l.unique_email_id = m
  JOIN mailchimp.reports_email_activity AS a ON a.email_id = l.id AND a.list_id = l.list_id AND a.action = 'open'),
visited AS (
  SELECT DISTINCT u.identity_id
  FROM user_identities AS u, unnest(u.device_id) AS d
  JOIN segment.pages AS p ON p.anonymous_id = d)
SELECT count(*) AS users, count(o) AS opened, count(v) AS visited,
       count(*) FILTER (WHERE o IS NOT NULL AND v IS NOT NULL) AS opened_and_visited,
       round(100.0 * count(*) FILTER (WHERE o IS NOT NULL AND v IS NOT NULL) / count(*), 1) AS percent
FROM user_identities AS u LEFT JOIN opened AS o USING (identity_id) LEFT JOIN visited AS v USING (identity_id)
WHERE u.production_id IS NOT NULL;
