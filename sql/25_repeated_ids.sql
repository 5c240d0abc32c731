-- An id that comes twice in a source is one record. Where a unique index rules that out, nobody looks
-- for repeated ids; so here is every table and query in which an index could be believed too much.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
CREATE SCHEMA repeated;
SET search_path = repeated, public;

-- How many rows a query has, and how many records they are.
CREATE FUNCTION records_of(query text, OUT rows bigint, OUT records bigint, OUT people bigint)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO rows;
  SELECT count(*), count(DISTINCT identity_id) INTO records, people
  FROM identity_records(identity_source('s', query));
END $$;

-- The index is right: as many records as rows.
CREATE TABLE account (id int PRIMARY KEY, email text);
INSERT INTO account SELECT CASE n WHEN 0 THEN -7 ELSE n END, format('p%s@x.com', n / 2) FROM generate_series(0, 9) n;
SELECT * FROM records_of('SELECT id, email FROM account');
SELECT * FROM records_of('SELECT id, email FROM account WHERE id > 3 ORDER BY email LIMIT 4');

-- It is another column's, or the query makes more rows of one.
SELECT * FROM records_of('SELECT email, email FROM account');
SELECT * FROM records_of('SELECT id / 2, email FROM account');
SELECT * FROM records_of('SELECT id, generate_series(1, 2)::text AS anonymous_id FROM account');
SELECT * FROM records_of('SELECT a.id, b.email FROM account a, account b WHERE b.id < 2');
SELECT * FROM records_of('SELECT a.id, b.email FROM account a LEFT JOIN account b ON b.id < 2');
SELECT * FROM records_of('SELECT id, email FROM account UNION ALL SELECT id, email FROM account');
SELECT * FROM records_of('WITH twice AS (SELECT * FROM account UNION ALL TABLE account) SELECT id, email FROM twice');
SELECT * FROM records_of('SELECT id, u AS anonymous_id FROM account, unnest(ARRAY[''a'', ''b'']) u');
CREATE VIEW twice AS SELECT * FROM account UNION ALL SELECT * FROM account;
SELECT * FROM records_of('SELECT id, email FROM twice');

-- A view, or a subquery, of the table's rows has its index; not one that makes more of them, or shows another column first.
CREATE VIEW once AS SELECT email, id FROM account WHERE id <> 3;
SELECT * FROM records_of('SELECT id, email FROM once');
SELECT * FROM records_of('SELECT q.* FROM (SELECT id, email FROM (SELECT * FROM once) AS p WHERE id > 1) AS q (ir_id) WHERE ir_id = ANY (''{4,5,6}'')');
SELECT * FROM records_of('SELECT DISTINCT id, email FROM once GROUP BY id, email');
SELECT * FROM records_of('SELECT email, id AS external_id FROM (SELECT email, id::text FROM once) AS q');
SELECT * FROM records_of('SELECT id, email FROM (SELECT email AS id, email FROM account) AS q');
SELECT * FROM records_of('SELECT id, email FROM (SELECT id, email, generate_series(1, 2) FROM account) AS q');
SELECT * FROM records_of('SELECT id, email FROM (SELECT a.id, b.email FROM account a, account b WHERE b.id < 2) AS q');
SELECT * FROM records_of('SELECT id, email FROM (SELECT id, email FROM account UNION ALL SELECT id, email FROM once) AS q');
SELECT * FROM records_of('SELECT id, email FROM (SELECT id, email FROM account GROUP BY GROUPING SETS ((id, email), (id, email))) AS q');
SELECT * FROM records_of('SELECT q.id, q.email FROM once AS q CROSS JOIN generate_series(1, 2)');

-- It is partial, on an expression, on two columns, or only checked at commit.
CREATE TABLE loose (id int, email text, part int);
CREATE UNIQUE INDEX ON loose (id) WHERE part = 1;
CREATE UNIQUE INDEX ON loose ((id + part));
CREATE UNIQUE INDEX ON loose (id, part);
INSERT INTO loose VALUES (1, 'a@x.com', 1), (1, 'b@x.com', 2), (1, 'c@x.com', 3), (5, 'd@x.com', 1);
SELECT * FROM records_of('SELECT id, email FROM loose');
BEGIN;
CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, email text);
INSERT INTO later VALUES (1, 'a@x.com'), (1, 'b@x.com');
SELECT * FROM records_of('SELECT id, email FROM later');
ROLLBACK;

-- A table that others inherit from: the index knows only its own rows.
CREATE TABLE parent (id int PRIMARY KEY, email text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 'a@x.com'), (2, 'b@x.com');
INSERT INTO child VALUES (1, 'b@x.com');
SELECT * FROM records_of('SELECT id, email FROM parent');
SELECT * FROM records_of('SELECT id, email FROM ONLY parent');

-- Partitions have a common index.
CREATE TABLE parted (id int PRIMARY KEY, email text) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted TABLE account;
SELECT * FROM records_of('SELECT id, email FROM parted');

-- Types that write equal values in several ways are not believed, and are right all the same.
CREATE TABLE padded (id character(5) PRIMARY KEY, scale numeric UNIQUE, email text);
INSERT INTO padded VALUES ('a', 1.0, 'a@x.com'), ('b', 2.00, 'b@x.com');
SELECT * FROM records_of('SELECT id, email FROM padded');
SELECT * FROM records_of('SELECT scale, email FROM padded');

SET client_min_messages = warning;
DROP SCHEMA repeated CASCADE;
