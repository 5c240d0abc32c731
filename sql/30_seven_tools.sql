-- Seven tools and the company's own users in one database: 3,000 people in 15,000 records, messy on purpose (what is wrong
-- with them: test/sample/generate.sql). Three questions that no tool can answer alone, then a look at what was right,
-- what was wrong and why, for the generator kept the truth.
\set sample `echo "${PG_ABS_SRCDIR:-.}/test/sample"`
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

BEGIN;
\set ECHO none
\i :sample/generate.sql
\set ECHO all

-- (a warning would tell where the file is)
SET client_min_messages = error;
\i :sample/user_identities.sql
RESET client_min_messages;

SELECT count(*) AS identities, sum(record_count) AS records, count(production_id) AS with_account, max(record_count) AS largest
FROM user_identities;

-- One of them: the one whom the most tools know.
\x on
SELECT * FROM user_identities WHERE cardinality(sources) = 9 ORDER BY record_count DESC, identity_id LIMIT 1;
\x off

-- The three questions.
\i :sample/questions.sql

-- The same answers from the truth, and what a plain join finds.
SELECT s.referral_source, count(*) AS tickets
FROM truth.records AS tz
JOIN truth.records AS ts ON ts.person = tz.person AND ts.source = 'segment'
JOIN segment.users AS s ON s.id = ts.record_id
JOIN zendesk.tickets AS t ON t.requester_id = tz.record_id::bigint
WHERE tz.source = 'zendesk' GROUP BY 1 ORDER BY 2 DESC;

SELECT s.referral_source, count(*) AS tickets_by_plain_join
FROM segment.users AS s
JOIN zendesk.users AS z ON z.external_id = s.id OR z.email = s.email
JOIN zendesk.tickets AS t ON t.requester_id = z.id
GROUP BY 1 ORDER BY 2 DESC;

SELECT p.name AS plan, count(DISTINCT tz.person) AS people, count(DISTINCT t.id) AS tickets
FROM truth.records AS tz
JOIN truth.records AS ts ON ts.person = tz.person AND ts.source = 'stripe'
JOIN stripe.subscriptions AS s ON s.customer_id = ts.record_id AND s.status = 'active'
JOIN stripe.plans AS p ON p.id = s.plan_id
JOIN zendesk.tickets AS t ON t.requester_id = tz.record_id::bigint
WHERE tz.source = 'zendesk' GROUP BY 1 ORDER BY count(DISTINCT t.id)::numeric / count(DISTINCT tz.person) DESC;

WITH opened AS (
  SELECT DISTINCT r.person FROM truth.records AS r
  JOIN mailchimp.list_members AS l ON l.unique_email_id = r.record_id
  JOIN mailchimp.reports_email_activity AS a ON a.email_id = l.id AND a.list_id = l.list_id AND a.action = 'open'
  WHERE r.source = 'mailchimp'),
visited AS (
  SELECT DISTINCT r.person FROM truth.records AS r JOIN segment.pages AS p ON p.anonymous_id = r.record_id WHERE r.source = 'device')
SELECT count(*) AS users, count(o) AS opened, count(v) AS visited, count(*) FILTER (WHERE o IS NOT NULL AND v IS NOT NULL) AS opened_and_visited
FROM truth.records AS r LEFT JOIN opened AS o USING (person) LEFT JOIN visited AS v USING (person)
WHERE r.source = 'production';

-- How right is it? Counted in pairs of records: those which it puts together, those of them which are one person's, and those
-- which are one person's and which it leaves apart.
CREATE TABLE resolved AS
SELECT 'address' AS rules, identity_id, source, record_id FROM identity_records(VARIADIC (SELECT clauses FROM identity_clauses))
UNION ALL
SELECT 'mailbox', identity_id, source, record_id
FROM identity_records(VARIADIC (SELECT clauses || identity_rule('email', 'mailbox') FROM identity_clauses))
UNION ALL
SELECT 'no limit', identity_id, source, record_id
FROM identity_records(VARIADIC (SELECT clauses || identity_rule('user_id', max_per_identity => 0) FROM identity_clauses));

CREATE FUNCTION pairs(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 * ($1 - 1) / 2';

WITH found AS (
  SELECT rules, count(*) AS identities, sum(pairs(n)) AS pairs FROM (SELECT rules, count(*) AS n FROM resolved GROUP BY rules, identity_id) AS g GROUP BY 1),
correct AS (
  SELECT rules, sum(pairs(n)) AS pairs
  FROM (SELECT rules, count(*) AS n FROM resolved JOIN truth.records USING (source, record_id) GROUP BY rules, identity_id, person) AS g GROUP BY 1),
there AS (
  SELECT count(*) AS people, sum(pairs(n)) AS pairs FROM (SELECT count(*) AS n FROM truth.records GROUP BY person) AS g)
SELECT rules, people, identities, found.pairs AS pairs_found, correct.pairs AS pairs_right, found.pairs - correct.pairs AS pairs_wrong, there.pairs - correct.pairs AS pairs_missed,
       round(100.0 * correct.pairs / found.pairs, 2) AS precision, round(100.0 * correct.pairs / there.pairs, 2) AS recall
FROM found JOIN correct USING (rules), there ORDER BY rules;

-- At most one user id an identity keeps two of three wrong pairs apart. Every one that is left comes of an address that several people share.
WITH mixed AS (
  SELECT identity_id FROM resolved JOIN truth.records USING (source, record_id) WHERE rules = 'address' GROUP BY 1 HAVING count(DISTINCT person) > 1)
SELECT count(*) AS identities_of_several_people,
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM resolved JOIN truth.identifiers AS i USING (source, record_id) JOIN truth.shared ON shared.email = i.value
         WHERE rules = 'address' AND identity_id = mixed.identity_id)) AS with_a_shared_address
FROM mixed;

-- And every missed pair has its reason: the person's records fall apart into groups that share no identifier. For each group but the
-- person's main one (that with the account's id, or the largest), what it knows of the person.
WITH part AS (
  SELECT person, identity_id, row_number() OVER (PARTITION BY person ORDER BY bool_or(kind = 'user_id') DESC NULLS LAST, count(DISTINCT (source, record_id)) DESC, identity_id) AS place,
         bool_or(kind = 'user_id') AS has_id, bool_or(kind = 'email') AS has_email,
         bool_and(value LIKE '%+%') FILTER (WHERE kind = 'email') AS tagged, bool_or(s.email IS NOT NULL) AS shared
  FROM resolved JOIN truth.records USING (source, record_id) LEFT JOIN truth.identifiers AS i USING (source, record_id) LEFT JOIN truth.shared AS s ON s.email = i.value
  WHERE rules = 'address' GROUP BY 1, 2)
SELECT CASE WHEN has_id THEN 'an id' WHEN tagged THEN 'an address with a plus-tag' WHEN shared THEN 'the address of the whole office'
            WHEN has_email THEN 'another address of theirs' ELSE 'neither id nor address' END AS knows, count(*) AS groups
FROM part WHERE place > 1 GROUP BY 1 ORDER BY 2 DESC, 1;

-- The proof: the identifiers before somebody mistyped them, grouped by a loop that knows nothing of the extension, give the same groups,
-- and the limit only ever takes such a group apart.
CREATE TABLE oracle AS SELECT source, record_id, row_number() OVER (ORDER BY source COLLATE "C", record_id COLLATE "C") AS label FROM truth.records;
CREATE TABLE edges AS SELECT source, record_id, kind, value FROM truth.identifiers WHERE kind IN ('user_id', 'anonymous_id', 'email', 'sfdc_lead_id');
ANALYZE oracle, edges;
DO $$
DECLARE changed bigint;
BEGIN
  LOOP
    UPDATE oracle SET label = low
    FROM (SELECT e.source, e.record_id, min(best.label) AS low
          FROM edges AS e JOIN (SELECT kind, value, min(label) AS label FROM edges JOIN oracle USING (source, record_id) GROUP BY 1, 2) AS best USING (kind, value)
          GROUP BY 1, 2) AS next
    WHERE next.source = oracle.source AND next.record_id = oracle.record_id AND low < label;
    GET DIAGNOSTICS changed = ROW_COUNT;
    EXIT WHEN changed = 0;
  END LOOP;
END $$;
SELECT rules, count(*) AS records, count(DISTINCT label) AS oracle_groups, count(DISTINCT identity_id) AS identities, count(DISTINCT (label, identity_id)) AS overlaps
FROM oracle FULL JOIN (SELECT * FROM resolved WHERE rules <> 'mailbox') AS r USING (source, record_id) GROUP BY 1 ORDER BY 1;

-- No row is lost: each tool's people, counted in the tool and in the master table.
SELECT source, records, in_the_tool
FROM (SELECT source, count(*) AS records FROM resolved WHERE rules = 'address' GROUP BY 1) AS r
JOIN (SELECT 'production' AS source, count(*) AS in_the_tool FROM production.users
      UNION ALL SELECT 'segment', count(*) FROM segment.users
      UNION ALL SELECT 'device', count(*) FROM (SELECT anonymous_id FROM segment.identifies UNION SELECT anonymous_id FROM segment.pages) AS d
      UNION ALL SELECT 'zendesk', count(*) FROM zendesk.users WHERE role = 'end-user'
      UNION ALL SELECT 'stripe', count(*) FROM stripe.customers
      UNION ALL SELECT 'salesforce', count(*) FROM salesforce.leads
      UNION ALL SELECT 'intercom', count(*) FROM intercom.users
      UNION ALL SELECT 'mailchimp', count(DISTINCT unique_email_id) FROM mailchimp.list_members
      UNION ALL SELECT 'marketo', count(*) FROM marketo.leads) AS t USING (source)
ORDER BY source;
ROLLBACK;
