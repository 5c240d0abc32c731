-- Which value a column shows: by source, then newest updated_at, then record id.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA survivorship;
SET search_path = survivorship, public;
RESET client_min_messages;

CREATE TABLE crm (id int, email text, name text, city text, updated_at timestamptz);
INSERT INTO crm VALUES
  (9,  'Ann@X.com',     'Ann',       'Oslo',   '2024-03-01 12:00+00'),
  (10, 'ann@x.com',     'Ann Smith', NULL,     '2024-03-02 12:00+00'),
  (11, ' ANN@x.com',    'A. Smith',  'Bergen', NULL),
  (20, 'bob@x.com',     'Bob',       NULL,     NULL),
  (3,  'bob@x.com',     'Bobby',     NULL,     NULL),
  (100,'bob@x.com',     'Robert',    NULL,     NULL);
CREATE TABLE shop (id text, email text, name text, phone text, updated_at timestamp);
INSERT INTO shop VALUES
  ('s1', 'ann@x.com', 'ann s', '+1 650 253 0000', '2030-01-01'),
  ('s2', 'bob@x.com', NULL,    '+1 (650) 253-0001', NULL),
  ('s3', 'bob@x.com', '   ',   '+16502530001', '2020-01-01');
\set crm 'identity_source(''crm'', ''SELECT * FROM crm'')'
\set shop 'identity_source(''shop'', ''SELECT * FROM shop'')'
\set rules 'identity_rule(''name'', link => false), identity_rule(''city'', link => false)'

-- Newest first, no date last, then the shorter id, then bytewise; a NULL or blank never survives.
SELECT * FROM resolve_identities(:crm, :shop, :rules) AS (crm_id int, name text, city text, shop_id text, shop_name text) ORDER BY crm_id;
-- An array holds every distinct value in that same order, so the scalar is its first element.
SELECT * FROM resolve_identities(:crm, :shop, :rules) AS (crm_id int[], name text[], city text[], shop_id text[], shop_name text[]) ORDER BY crm_id;
-- The order of the sources in the list is their precedence.
SELECT * FROM resolve_identities(:shop, :crm, :rules) AS (crm_id int, name text, city text, shop_id text, crm_name text) ORDER BY crm_id;
SELECT * FROM resolve_identities(:shop, :crm, :rules) AS (name text[], sources text[]) ORDER BY name;
-- A kind's column shows the normalised value, a source's own column what the source typed.
SELECT * FROM resolve_identities(:crm, :shop, :rules) AS (email text, crm_email text, phone text, shop_phone text) ORDER BY email;
SELECT * FROM resolve_identities(:crm, :shop, :rules) AS (email text[], crm_email text[], phone text[], shop_phone text[]) ORDER BY email;

-- updated_at may be a date with or without time zone; infinity is later than all; it is no identifier and no column.
SET TimeZone = 'UTC';
SELECT * FROM resolve_identities(identity_source('a', $$
    SELECT * FROM (VALUES (1, 'a@x.com', 'old', timestamp '2024-01-01'), (2, 'a@x.com', 'newest', 'infinity'), (4, 'a@x.com', 'oldest', '-infinity'), (3, 'a@x.com', 'none', NULL)) v(id, email, name, updated_at)$$),
  identity_rule('name', link => false)) AS (name text[], a_id int[]);
-- Each row of a record has its own date.
SELECT * FROM resolve_identities(identity_source('a', $$
    SELECT * FROM (VALUES (1, 'a@x.com', 'a', timestamptz '2024-01-01 00:00+00'), (1, 'b@x.com', 'b', '2024-01-03 00:00+00'), (2, 'a@x.com', 'c', '2024-01-02 00:00+00')) v(id, email, name, updated_at)$$),
  identity_rule('name', link => false)) AS (name text[], email text[], a_id int[], record_count int);
-- Across zones the instant counts.
SET TimeZone = 'Asia/Tokyo';
SELECT * FROM resolve_identities(
  identity_source('a', $$SELECT * FROM (VALUES (1, 'a@x.com', 'earlier', timestamptz '2024-01-01 10:00+09'), (2, 'a@x.com', 'later', '2024-01-01 02:00+00')) v(id, email, name, updated_at)$$),
  identity_rule('name', link => false)) AS (name text[]);
RESET TimeZone;

-- The same row twice is as if it came once: its array keeps its order. Rows that differ give theirs by size.
SELECT * FROM resolve_identities(identity_source('a', $$
    SELECT * FROM (VALUES (1, '{z@x.com,b@x.com}'::text[], 'p'), (1, '{z@x.com,b@x.com}', 'p'), (1, '{z@x.com,b@x.com}', 'o')) v(id, email, name)$$),
  identity_rule('name', link => false)) AS (email text[], a_email text, name text[]);
SELECT * FROM resolve_identities(identity_source('a', $$
    SELECT * FROM (VALUES (1, '{z@x.com,b@x.com}'::text[]), (1, '{z@x.com,b@x.com,c@x.com}')) v(id, email)$$)) AS (email text[], a_email text);

-- Ids compare shorter first, then byte by byte: 9 before 10, 10 before 9a, A before a.
SELECT * FROM resolve_identities(identity_source('a', $$
    SELECT id, 'a@x.com' AS email FROM unnest('{a,10,9,A,9a,100,é,"",b1}'::text[]) id$$)) AS (a_id text[]);

SET client_min_messages = warning;
DROP SCHEMA survivorship CASCADE;
