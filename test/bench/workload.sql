-- The five-tool workload of the benchmark, at any size.
--
--   psql -v people=1000000 -v shared=1 -f workload.sql
--
-- makes five tables, as the tools' own loaders would lay them out, for :people people:
--
--   segment.users      1.00 record a person   id text, email                      the web site's own accounts
--   zendesk.users      0.35                   id bigint, external_id, email       external_id = Segment id, 50 % known
--   stripe.customers   0.50                   id text, email                      reached by email only
--   salesforce.leads   0.30                   id text, email                      reached by email only
--   intercom.users     0.50                   id text, user_id, email             user_id = Segment id, 70 % known
--
-- so 2.65 records and about 3.7 identifiers a person. Everything is a function of the row's number:
-- two runs at one size give the same tables, and nothing is random.
--
-- What makes it realistic:
--   * only segment.users lies in the order of the people; in each other table neighbours on disk are
--     strangers (the person is the row's number times a prime, modulo :people), so nothing is gained by locality;
--   * 2 % of the rows of the other tools are a second record of the person in the row before;
--   * 10 % of the people have a second address, which half of their records outside Segment carry: these link
--     through the id, or only through other tools;
--   * of 200 people :shared (1 if nothing is said) share their address with the person before (families, teams);
--     two people with their user ids and one address are a conflict;
--   * 20 % of Segment's accounts, 10 % of Zendesk's users, 5 % of Stripe's customers, 3 % of the leads and
--     40 % of Intercom's users have no address, a few of them an empty string instead of a NULL;
--   * 5 % of the addresses are typed with capitals, 1 % have blanks around them, 0.5 % have letters
--     beyond ASCII. Each of these is undone by lower(trim()), so that rivals which normalise
--     that way see the same links as the extension does.

\set ON_ERROR_STOP on
\if :{?people} \else
  \set people 10000
\endif
\if :{?shared} \else
  \set shared 1
\endif

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS segment, zendesk, stripe, salesforce, intercom, workload CASCADE;
RESET client_min_messages;
CREATE SCHEMA segment;
CREATE SCHEMA zendesk;
CREATE SCHEMA stripe;
CREATE SCHEMA salesforce;
CREATE SCHEMA intercom;
CREATE SCHEMA workload;

CREATE TABLE segment.users    (id text NOT NULL, email text);
CREATE TABLE zendesk.users    (id bigint NOT NULL, external_id text, email text);
CREATE TABLE stripe.customers (id text NOT NULL, email text);
CREATE TABLE salesforce.leads (id text NOT NULL, email text);
CREATE TABLE intercom.users   (id text NOT NULL, user_id text, email text);

-- A number from 0 to modulus - 1 that looks random; `seed` names the question that is asked of `n`.
CREATE FUNCTION workload.dice(n bigint, seed bigint, modulus bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (hashint8extended(n, seed) & 9223372036854775807) % modulus $$;

-- The person behind row n of a tool: a walk through all of them in steps of the prime `step`; every 50th row stays.
CREATE FUNCTION workload.person(n bigint, step bigint, people bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 1 + ((n - (workload.dice(n, step, 50) = 0)::int) * step) % people $$;

-- Ten hexadecimal digits; an odd factor makes it one-to-one below 2^40.
CREATE FUNCTION workload.segment_id(person bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lpad(to_hex((person * 26544357611) & 1099511627775), 10, '0') $$;

-- The address of a person: first (private) or second (at work).
CREATE FUNCTION workload.private_address(person bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN workload.dice(person, 1, 200) = 0
              THEN ('{zoë,rené,jürgen,søren,françois,łukasz,márta,дарья}'::text[])[1 + workload.dice(person, 2, 8)]
              ELSE ('{ziggy,justin,queen,kanye,prince,dolly,freddie,aretha,otis,nina,elvis,joni,marvin,patti,jimi,stevie}'
                    ::text[])[1 + workload.dice(person, 2, 16)] END
      || ('{.,_,-,""}'::text[])[1 + workload.dice(person, 3, 4)]
      || ('{stardust,biebs,beyonce,kimye,rogers,parton,mercury,franklin,redding,simone,presley,mitchell,gaye,smith,hendrix,nicks}'
          ::text[])[1 + workload.dice(person, 4, 16)]
      || person
      || ('{@gmail.com,@gmail.com,@gmail.com,@gmail.com,@yahoo.com,@hotmail.com,@outlook.com,@icloud.com,@gmx.de,@proton.me}'
          ::text[])[1 + workload.dice(person, 5, 10)]
$$;

CREATE FUNCTION workload.work_address(person bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'p' || person || '@team' || workload.dice(person, 6, 50000) || '.example.com' $$;

-- The first `records` records of a tool: number, person and the address as typed, none in `missing` of a thousand.
-- `tool` seeds the questions; 0 is Segment, where record n is person n, with the private address. Each OFFSET 0
-- keeps what is below it from being computed more than once, and lets all of the functions be inlined.
CREATE FUNCTION workload.records(tool bigint, records bigint, step bigint, people bigint, missing bigint,
                                 shared bigint)
RETURNS TABLE (n bigint, person bigint, email text)
LANGUAGE sql STABLE
AS $$
  SELECT n, person,
         CASE WHEN absent THEN CASE WHEN workload.dice(n, tool + 30, 20) = 0 THEN '' END
              WHEN style > 5 THEN address
              WHEN style = 0 THEN '  ' || address
              WHEN style < 3 THEN upper(address)
              WHEN style < 5 THEN initcap(address)
              ELSE initcap(left(address, 1)) || substr(address, 2) || CASE WHEN n % 4 = 0 THEN ' ' ELSE '' END END
  FROM (SELECT n, person, absent, workload.dice(n, tool + 40, 100) AS style,
               CASE WHEN absent THEN NULL
                    WHEN tool > 0 AND workload.dice(person, 7, 10) = 0 AND workload.dice(n, tool + 10, 2) = 0
                    THEN workload.work_address(person)
                    ELSE workload.private_address(owner) END AS address
        FROM (SELECT n, person,
                     person - (workload.dice(person, 8, 200) < shared)::int AS owner,
                     workload.dice(n, tool + 20, 1000) < missing AS absent
              FROM (SELECT n, CASE tool WHEN 0 THEN n ELSE workload.person(n, step, people) END AS person
                    FROM generate_series(1, records) n OFFSET 0) a
              OFFSET 0) b
        OFFSET 0) c
$$;

INSERT INTO segment.users
SELECT workload.segment_id(person), email
FROM workload.records(0, :people, 0, :people, 200, :shared);

INSERT INTO zendesk.users
SELECT 1300000000 + n * 37 + workload.dice(n, 1, 37),
       CASE WHEN workload.dice(n, 51, 100) < 50 THEN workload.segment_id(person) END,
       email
FROM workload.records(1, :people::bigint * 35 / 100, 2654435761, :people, 100, :shared);

INSERT INTO stripe.customers
SELECT 'cus_' || left(translate(encode(decode(md5('stripe' || n), 'hex'), 'base64'), '+/=', 'xyz'), 14), email
FROM workload.records(2, :people::bigint * 50 / 100, 2246822519, :people, 50, :shared);

INSERT INTO salesforce.leads
SELECT '00Q31000' || lpad(to_hex((n * 2654435) & 268435455), 7, '0') || 'EAO', email
FROM workload.records(3, :people::bigint * 30 / 100, 3266489917, :people, 30, :shared);

INSERT INTO intercom.users
SELECT left(md5('intercom' || n), 24),
       CASE WHEN workload.dice(n, 55, 100) < 70 THEN workload.segment_id(person) END,
       email
FROM workload.records(4, :people::bigint * 50 / 100, 668265263, :people, 400, :shared);

ALTER TABLE segment.users    ADD PRIMARY KEY (id);
ALTER TABLE zendesk.users    ADD PRIMARY KEY (id);
ALTER TABLE stripe.customers ADD PRIMARY KEY (id);
ALTER TABLE salesforce.leads ADD PRIMARY KEY (id);
ALTER TABLE intercom.users   ADD PRIMARY KEY (id);

VACUUM (ANALYZE) segment.users;
VACUUM (ANALYZE) zendesk.users;
VACUUM (ANALYZE) stripe.customers;
VACUUM (ANALYZE) salesforce.leads;
VACUUM (ANALYZE) intercom.users;
