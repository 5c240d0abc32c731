-- Values that never link: the built-in placeholders, and what a rule forbids.
CREATE SCHEMA rules;
SET search_path = rules, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

-- Who is one with whom: one row a person.
CREATE FUNCTION people(VARIADIC clauses identity_clause[]) RETURNS TABLE (people text[]) LANGUAGE sql AS $$
  SELECT array_agg(source || '/' || record_id ORDER BY source, length(record_id), record_id) AS people
  FROM identity_records(VARIADIC clauses) GROUP BY identity_id ORDER BY people $$;

-- The placeholders that never link, with who says so: 44_placeholders shows more of them.
SELECT left(value, 40) AS value, is_pattern, left(source, 60) AS source FROM identity_blocked_values() WHERE source ~ '^(Segment|Mixpanel|PostHog)';

-- A hundred users without an id are not one person, in whatever way the tool writes "nobody".
SELECT count(*) AS records, count(DISTINCT identity_id) AS people
FROM identity_records(identity_source('app', $$
  SELECT n, (ARRAY['null', 'NULL', '-1', '0', '000-000', 'n/a', 'Anonymous', 'undefined', 'd41d8cd98f00b204e9800998ecf8427e', ' none '])[n % 10 + 1] AS user_id,
         (ARRAY['test@test.com', 'Test@Test.com', 'n/a'])[n % 3 + 1] AS email, '00000000-0000-0000-0000-000000000000' AS uuid
  FROM generate_series(1, 100) n$$));

-- Each value of the list, in capitals too, and what its pattern matches.
SELECT count(*) AS values, count(*) FILTER (WHERE status <> 'blocked') AS not_blocked
FROM identity_links(identity_source('app', $$
  SELECT row_number() OVER (), v AS word FROM (SELECT unnest(ARRAY[value, upper(value)]) FROM identity_blocked_values() WHERE NOT is_pattern
                                               UNION ALL SELECT unnest('{0,-,00-00,00000000-0000-0000-0000-000000000000}'::text[])) AS list(v)$$), identity_rule('word'));
SELECT count(*) FILTER (WHERE source = '') AS without_source, count(DISTINCT value) = count(*) AS once_each FROM identity_blocked_values();

-- They can be let through, kind by kind.
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'guest', NULL), (2, 'guest', 'test@test.com'), (3, NULL, 'test@test.com')) v(id, username, email)$$));
SELECT people(identity_source('app', $$SELECT * FROM (VALUES (1, 'guest', NULL), (2, 'guest', 'test@test.com'), (3, NULL, 'test@test.com')) v(id, username, email)$$),
              identity_rule('username', block_placeholders => false));

-- A rule adds to them: what it blocks, and the placeholders still.
SELECT value, status FROM identity_links(identity_source('app', $$SELECT n, (ARRAY['guest', 'till', 'ann'])[n] AS username FROM generate_series(1, 3) n$$), identity_rule('username', blocked => '{till}')) ORDER BY 1;

-- A rule blocks values in any spelling that its kind has, and others that match a pattern.
CREATE TABLE shop (id int, email text, user_id text);
INSERT INTO shop VALUES
  (1, 'Kiosk@Shop.com', NULL), (2, ' kiosk@shop.com', NULL), (3, 'bot-7@shop.com', NULL), (4, 'BOT-7@shop.com', NULL), (5, 'ann@shop.com', NULL), (6, 'ann@shop.com', NULL),
  (7, NULL, 'Test-1'), (8, NULL, 'Test-1'), (9, NULL, 'test-1'), (10, NULL, 'test-1');
SELECT people(identity_source('shop', 'TABLE shop'));
SELECT people(identity_source('shop', 'TABLE shop'), identity_rule('email', blocked => ARRAY['KIOSK@SHOP.COM', 'no address']));
SELECT people(identity_source('shop', 'TABLE shop'), identity_rule('email', blocked_pattern => '^(kiosk|bot-\d+)@'));
SELECT people(identity_source('shop', 'TABLE shop'), identity_rule('user_id', blocked_pattern => '^Test-'));
SELECT people(identity_source('shop', 'TABLE shop'), identity_rule('user_id', blocked_ipattern => '^TEST-'));

-- The pattern is PostgreSQL's: options within it count, and the empty one matches everything, as 'x' ~ '' does.
SELECT pattern, count(*) FILTER (WHERE status = 'blocked') AS blocked, count(*) FILTER (WHERE value ~ pattern) AS matches
FROM unnest('{"","^","(?i)^test","***=t-","***:TEST","\\mtest\\M","^(?!Test)",t.*-1$}'::text[]) AS pattern,
     LATERAL identity_links(identity_source('shop', 'SELECT id, user_id FROM shop WHERE user_id IS NOT NULL'), identity_rule('user_id', blocked_pattern => pattern))
GROUP BY pattern ORDER BY pattern COLLATE "C";

-- A blocked value is still shown: it only links nobody.
SELECT * FROM resolve_identities(identity_source('shop', 'SELECT * FROM shop WHERE id < 3'), identity_rule('email', blocked => ARRAY['kiosk@shop.com']))
  AS (shop_id int, email text) ORDER BY 1;

-- Role addresses link unless a rule says otherwise.
SELECT people(identity_source('a', $$SELECT 1, 'info@acme.com' AS email$$), identity_source('b', $$SELECT 1, 'INFO@acme.com' AS email$$));
SELECT people(identity_source('a', $$SELECT 1, 'info@acme.com' AS email$$), identity_source('b', $$SELECT 1, 'INFO@acme.com' AS email$$),
              identity_rule('email', block_roles => true));

-- What too many records carry links nobody; the warning names the worst.
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('zendesk', $$SELECT n, 'frontdesk@acme.com' AS email, 'x' || n / 2 AS user_id FROM generate_series(1, 1001) n$$),
  identity_source('stripe', $$SELECT 'cus_1' AS id, 'frontdesk@acme.com' AS email$$));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('zendesk', $$SELECT n, 'frontdesk@acme.com' AS email FROM generate_series(1, 1001) n$$),
  identity_rule('email', max_records => 1001));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('a', $$SELECT n, ARRAY['shared', 'pair' || n / 2, 'trio' || n / 3] AS external_id FROM generate_series(0, 11) n$$),
  identity_rule('external_id', max_records => 2, max_per_identity => 0));
SELECT count(DISTINCT identity_id) AS people FROM identity_records(
  identity_source('a', $$SELECT n, 'shared' AS user_id FROM generate_series(1, 5000) n$$));

-- The limit is 1,000 records of one source, of every kind but user_id, declared ones too: exactly as many still link, of two sources twice as many.
SET client_min_messages = error;
SELECT kind, records, sources, (SELECT count(DISTINCT identity_id) FROM identity_records(VARIADIC
         (SELECT array_agg(identity_source('s' || s, format($$SELECT n, %L AS %I FROM generate_series(1, %s) n$$, value, kind, records))) FROM generate_series(1, sources) s)
         || CASE kind WHEN 'loyalty_card' THEN ARRAY[identity_rule('loyalty_card')] ELSE '{}' END)) AS people
FROM (VALUES ('user_id', 'u'), ('anonymous_id', 'a'), ('device_id', 'd'), ('username', 'n'), ('email', 'x@y.z'), ('external_id', 'e'), ('phone', '+442079460958'),
             ('salesforce_id', '00Q31000014XGRcEAO'), ('uuid', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'), ('object_id', '55c8923f67b8d6524600037f'), ('loyalty_card', '7')) AS kinds(kind, value),
     (VALUES (1000, 1), (1000, 2), (1001, 1)) AS sizes(records, sources) ORDER BY records, sources, kind;
RESET client_min_messages;

-- A rule prints as JSON, with what it was given and no more.
SELECT identity_rule('email', blocked => ARRAY['a@b.c', 'say "hi"'], blocked_pattern => '\d', max_records => 500, fallback => true, on_tie => 'data', priority => 70, block_roles => true);
SELECT identity_rule('user_id', max_per_identity => 0);
SELECT '{"clause": "rule", "kind": "email", "blocked": ["x@y.z"]}'::identity_clause;

-- What is wrong with a rule is said when it is made.
\set VERBOSITY default
SELECT identity_rule('email', max_records => -1);
SELECT identity_rule('email', max_per_identity => -1);
SELECT identity_rule('email', priority => 40000);
SELECT identity_rule('email', on_tie => 'toss a coin');
SELECT identity_rule('email', blocked => ARRAY['a@b.c', NULL]);
SELECT identity_rule('email', blocked_pattern => '(');
\echo :LAST_ERROR_SQLSTATE
SELECT identity_rule('email', blocked_ipattern => '[z-a]');
SELECT '{"clause": "rule", "kind": "email", "blocked_pattern": "a{2,1}"}'::identity_clause;
SELECT '{"clause": "rule", "kind": "email", "blocked": "x@y.z"}'::identity_clause;
SELECT '{"clause": "rule", "kind": "email", "blocked": [1]}'::identity_clause;
SELECT '{"clause": "rule", "kind": "email", "fallback": "yes"}'::identity_clause;
SELECT people(identity_source('a', 'SELECT 1, 2 AS user_id'), identity_rule('user_id', block_roles => true));

-- Patterns block exactly what PostgreSQL's own ~ and ~* say, whatever is looked at beforehand to save the match: random ones of
-- characters, groups, brackets, classes, anchors, quantifiers and alternatives.
CREATE FUNCTION random_of(parts text[]) RETURNS text LANGUAGE sql AS $$ SELECT parts[1 + floor(random() * cardinality(parts))::int] $$;
CREATE FUNCTION random_pattern() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pattern text := '';
BEGIN
  FOR i IN 1 .. 1 + floor(random() * 6) LOOP
    pattern := pattern || random_of('{a,b,ab,i,Ab,\\.,.,(a|b),(?:ab|),[ab],[^a],[]a],"[[:alpha:]]",\\d,^,$,|,\\m,é,"({a)"}')
                       || random_of('{"","","","","",*,?,+,"{0,1}","{2}",*?,??}');
  END LOOP;
  PERFORM '' ~ pattern;
  RETURN pattern;
EXCEPTION WHEN invalid_regular_expression THEN
  RETURN random_pattern();
END $$;
CREATE FUNCTION blocked_otherwise(any_case bool) RETURNS TABLE (patterns bigint, matches bigint, differences bigint) LANGUAGE plpgsql AS $$
DECLARE
  pattern text;
  here record;
BEGIN
  patterns := 0; matches := 0; differences := 0;
  FOR i IN 1 .. 300 LOOP
    pattern := random_pattern();
    SELECT count(*) FILTER (WHERE hit) AS hits, count(*) FILTER (WHERE hit <> (status = 'blocked')) AS wrong INTO here
      FROM (SELECT CASE WHEN any_case THEN value ~* pattern ELSE value ~ pattern END AS hit, status
              FROM identity_links(identity_source('texts', 'SELECT n, typed AS word FROM texts'),
                                  identity_rule('word', block_placeholders => false,
                                                blocked_pattern => CASE WHEN NOT any_case THEN pattern END,
                                                blocked_ipattern => CASE WHEN any_case THEN pattern END))) l;
    patterns := patterns + 1; matches := matches + here.hits; differences := differences + here.wrong;
    IF here.wrong > 0 THEN RAISE WARNING '%', pattern; END IF;
  END LOOP;
  RETURN NEXT;
END $$;
SELECT setseed(0.25) \g /dev/null
CREATE TABLE texts AS
  SELECT n, (SELECT string_agg(random_of('{a,b,A,B,i,I,.,1,é,É,"{"}'), '') FROM generate_series(1, 1 + n % 7) WHERE n > 0) AS typed FROM generate_series(1, 150) n;
SELECT patterns, matches > 1000 AS some_match, matches < 80000 AS some_do_not, differences FROM blocked_otherwise(false);
SELECT patterns, matches > 1000 AS some_match, matches < 80000 AS some_do_not, differences FROM blocked_otherwise(true);

SET client_min_messages = warning;
DROP SCHEMA rules CASCADE;
