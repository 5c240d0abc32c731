-- One corner of the input space, at any size: psql -v records=1000000 -v corner=chain -f corners.sql
-- makes corner.users(id, a, b, many, owner), whose columns a, b and many[] are identifiers of one kind, and
-- corner.expected with the number of identities that arithmetic promises. In the corners crowd and claims a and b are
-- addresses, and owner is a user id, of which an identity may hold one: everybody is in conflict with everybody.
\set ON_ERROR_STOP on

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS corner CASCADE;
RESET client_min_messages;
CREATE SCHEMA corner;
CREATE TABLE corner.users (id bigint NOT NULL, a text, b text, many text[], owner text);

-- The number of the row is a walk in steps of a prime, so that neighbours in the chain are strangers on disk.
SELECT :'corner' = 'shared' AS shared, :'corner' = 'chain' AS chain, :'corner' = 'alone' AS alone, :'corner' = 'wide' AS wide,
       :'corner' = 'crowd' AS crowd, :'corner' = 'claims' AS claims \gset
CREATE VIEW corner.numbers AS
SELECT 1 + n * 2654435761 % :records AS n FROM generate_series(1, :records::bigint) n;

\if :shared
  INSERT INTO corner.users SELECT n, 'shared@example.com' FROM corner.numbers;
  CREATE TABLE corner.expected AS
  SELECT 1 AS identities, :records || ' records that share one value' AS story;
\elif :chain
  INSERT INTO corner.users SELECT n, 'link-' || n, 'link-' || n + 1 FROM corner.numbers;
  CREATE TABLE corner.expected AS
  SELECT 1 AS identities, 'a chain of ' || :records || ' records, each linked to the next, in no order' AS story;
\elif :alone
  INSERT INTO corner.users SELECT n, 'me-' || n, 'myself-' || n FROM corner.numbers;
  CREATE TABLE corner.expected AS
  SELECT :records AS identities, :records || ' records that stand alone, with two values each' AS story;
\elif :wide
  INSERT INTO corner.users SELECT n, 'key-' || n FROM corner.numbers;
  INSERT INTO corner.users SELECT 0, NULL, NULL, array_agg('key-' || n) FROM generate_series(1, 100000) n;
  CREATE TABLE corner.expected AS
  SELECT 1 + greatest(0, :records - 100000) AS identities,
         :records || ' records, and one with 100000 values that meets as many of them' AS story;
\elif :crowd
  INSERT INTO corner.users (id, a, owner) SELECT n, 'frontdesk@acme.com', 'user-' || n FROM corner.numbers;
  CREATE TABLE corner.expected AS
  SELECT :records AS identities, :records || ' records that share one address, each with a user id of its own' AS story;
\elif :claims
  -- Who has a user id stays alone: between any two of them the nine others are claimed by both, so by none; those
  -- after the last one are his.
  INSERT INTO corner.users (id, a, b, owner)
  SELECT n, 'link-' || n || '@example.com', 'link-' || n + 1 || '@example.com', CASE WHEN n % 10 = 1 THEN 'user-' || n END
  FROM corner.numbers;
  CREATE TABLE corner.expected AS
  SELECT 2 * ((:records + 9) / 10) - 1 AS identities,
         'a chain of ' || :records || ' records, each linked to the next, every tenth with a user id of its own' AS story;
\endif

ALTER TABLE corner.users ADD PRIMARY KEY (id);
VACUUM (ANALYZE) corner.users;
