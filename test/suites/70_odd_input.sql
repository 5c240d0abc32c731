-- Each promise is a query that yields true. An error is a broken promise and is shown.
SET client_min_messages = warning;
CREATE PROCEDURE promise(promise text, query text) LANGUAGE plpgsql AS $$
DECLARE
  kept bool;
BEGIN
  BEGIN
    EXECUTE query INTO STRICT kept;
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '%: % %', promise, SQLSTATE, left(SQLERRM, 300);
    kept := false;
  END;
  INSERT INTO promise VALUES (current_setting('server_encoding'), promise, coalesce(kept, false));
END $$;
-- How many people one source's query has: zero, NaN and any number of user ids are as good as others here.
CREATE FUNCTION any_user_id() RETURNS identity_clause LANGUAGE sql AS $$ SELECT identity_rule('user_id', max_per_identity => 0, block_placeholders => false) $$;
CREATE FUNCTION people(query text) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('s', query), any_user_id()) $$;

-- Width.
CALL promise('1,600 columns of one kind, several records', $q$
  SELECT (SELECT people(format('SELECT n, %s FROM generate_series(1, 50) n', string_agg(format($$ 'c%s.' || n || '@x.com' AS email$$, c), ', '))) = 50
          FROM generate_series(1, 1599) c) $q$);
CALL promise('1,600 columns, the last of which links', $q$
  SELECT (SELECT people(format('SELECT n, %s, %L AS email FROM generate_series(1, 50) n', string_agg(format($$ 'c%s.' || n || '@x.com' AS email$$, c), ', '), 'same@x.com')) = 1
          FROM generate_series(1, 1598) c) $q$);
CALL promise('1,600 NULL columns', $q$
  SELECT (SELECT people(format('SELECT n, %s FROM generate_series(1, 50) n', string_agg('NULL::text AS user_id', ', '))) = 50 FROM generate_series(1, 1599) c) $q$);
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE wide (id int, %s)', string_agg(format('k%s text', k), ', ')) FROM generate_series(1, 1599) k); END $$;
-- (A row of 1,600 long values does not fit a page: one value in ten is set.)
DO $$ BEGIN EXECUTE (SELECT format('INSERT INTO wide SELECT n, %s FROM generate_series(1, 3) n',
  string_agg(CASE WHEN k % 10 = 9 THEN format($f$'v%s.' || n$f$, k) ELSE 'NULL' END, ', ')) FROM generate_series(1, 1599) k); END $$;
CREATE FUNCTION wide_clauses() RETURNS identity_clause[] LANGUAGE sql AS
$$ SELECT identity_source('wide', 'TABLE wide') || array_agg(identity_rule('k' || k)) FROM generate_series(1, 1599) k $$;
CALL promise('1,600 kinds of one table', 'SELECT count(DISTINCT identity_id) = 3 FROM identity_records(VARIADIC wide_clauses())');
SELECT format('SELECT count(*) = 3 AND min(k9) = %L AND max(k1599) = %L FROM (SELECT * FROM resolve_identities(VARIADIC wide_clauses()) AS (wide_id int, %s)) w', 'v9.1', 'v1599.3',
              string_agg(format('k%s text', k), ', ')) AS wide FROM generate_series(1, 1599) k \gset
CALL promise('1,600 columns of the result', :'wide');
SELECT format('CREATE TEMP TABLE wide_result AS SELECT * FROM resolve_identities(VARIADIC wide_clauses()) AS (wide_id int, %s)', string_agg(format('k%s text', k), ', ')) FROM generate_series(1, 1599) k \gexec
CALL promise('1,600 columns of the result in a table', $q$ SELECT count(*) = 3 AND min(k9) = 'v9.1' AND max(k1599) = 'v1599.3' FROM wide_result $q$);
CALL promise('a thousand sources', $q$
  SELECT count(DISTINCT identity_id) = 1 AND count(*) = 1000
    FROM identity_records(VARIADIC (SELECT array_agg(identity_source('s' || n, 'SELECT 1, 7 AS user_id')) FROM generate_series(1, 1000) n)) $q$);

-- Long values.
CALL promise('values of 1 MB link', $q$ SELECT people($$SELECT n, repeat('x', 1000000) || n / 2 AS user_id FROM generate_series(0, 9) n$$) = 5 $q$);
CALL promise('values of 1 MB come out whole', $q$
  SELECT count(*) = 5 AND min(length(user_id)) = 1000001 AND min(length(s_user_id)) = 1000005 FROM resolve_identities(
    identity_source('s', $$SELECT n, '  ' || repeat('x', 1000000) || n / 2 || '  ' AS user_id FROM generate_series(0, 9) n$$)) AS (user_id text, s_user_id text) $q$);
CALL promise('arrays of values of 1 MB', $q$
  SELECT count(*) = 1 AND min(cardinality(user_id)) = 6 AND min(length(user_id[6])) = 1000001 FROM resolve_identities(
    identity_source('s', $$SELECT n, ARRAY[repeat('x', 1000000) || n, repeat('x', 1000000) || n + 1] AS user_id FROM generate_series(1, 5) n$$), any_user_id()) AS (user_id text[]) $q$);
CALL promise('record ids of 1 MB', $q$ SELECT count(*) = 3 AND count(DISTINCT identity_id) = 3 AND min(length(record_id)) = 1000001 FROM identity_records(identity_source('s', $$SELECT repeat('x', 1000000) || n FROM generate_series(1, 3) n$$)) $q$);
CALL promise('emails of 1 MB, which are none or which are one', $q$ SELECT people($$SELECT n, repeat('x', 1000000) || '@x.com' AS email FROM generate_series(1, 2) n$$) BETWEEN 1 AND 2 $q$);
CALL promise('a local part of 1 MB with case and accents', $q$ SELECT people($$SELECT n, repeat('É', 500000) || '@x.com' AS email FROM generate_series(1, 2) n$$) BETWEEN 1 AND 2 $q$);
CALL promise('phones of 1 MB', $q$ SELECT people($$SELECT n, '+' || repeat('1', 1000000) AS phone FROM generate_series(1, 2) n$$) BETWEEN 1 AND 2 $q$);
CALL promise('1 MB of blanks is blank', $q$ SELECT people($$SELECT n, repeat(' ', 1000000) AS user_id, repeat(E' \t\n', 300000) AS email FROM generate_series(1, 2) n$$) = 2 $q$);
CALL promise('a value of 100 MB', $q$ SELECT people($$SELECT n, repeat('x', 100000000) AS user_id FROM generate_series(1, 2) n$$) = 1 $q$);
CREATE TABLE toasted AS SELECT n AS id, (SELECT string_agg(md5((n / 2 * 1000 + i)::text), '') FROM generate_series(1, 1000) i) AS v FROM generate_series(0, 19) n;
CALL promise('values that are stored out of line and compressed', $q$ SELECT people('SELECT id, v AS user_id FROM toasted') = 10 $q$);
CALL promise('a query of 1 MB', $q$ SELECT people('SELECT 1 /* ' || repeat('x', 1000000) || ' */') = 1 $q$);
CALL promise('an array of 100,000 identifiers', $q$ SELECT people($$SELECT n, (SELECT array_agg(g * 2 + n) FROM generate_series(1, 100000) g) AS user_id FROM generate_series(0, 2) n$$) = 2 $q$);

-- One person with a million records.
CALL promise('a million records that share one value', $q$ SELECT people('SELECT n, 1 AS user_id FROM generate_series(1, 1000000) n') = 1 $q$);
CALL promise('a million records in a chain', $q$ SELECT people('SELECT n, ARRAY[n, n + 1] AS user_id FROM generate_series(1, 1000000) n') = 1 $q$);
CALL promise('a million records in a chain, backwards', $q$ SELECT people('SELECT 1000001 - n, ARRAY[n, n + 1] AS user_id FROM generate_series(1, 1000000) n') = 1 $q$);
CALL promise('a million records in a shuffled chain', $q$ SELECT people('SELECT n, ARRAY[n, n + 1] AS user_id FROM generate_series(1, 1000000) n ORDER BY hashint4(n)') = 1 $q$);
CALL promise('a chain of a million records, each pair of whom two user ids part', $q$
  SELECT count(DISTINCT identity_id) = 1000000 FROM identity_records(identity_source('s',
    $$SELECT n, n AS user_id, ARRAY[format('%s@x.com', n), format('%s@x.com', n + 1)] AS email FROM generate_series(1, 1000000) n$$)) $q$);
CALL promise('a chain of a million records with a user id at either end', $q$
  SELECT count(DISTINCT identity_id) = 3 AND max(n) = 999998 FROM (SELECT identity_id, count(*) AS n FROM identity_records(identity_source('s',
    $$SELECT n, CASE WHEN n IN (1, 1000000) THEN n END AS user_id, ARRAY[format('%s@x.com', n), format('%s@x.com', n + 1)] AS email FROM generate_series(1, 1000000) n$$)) GROUP BY 1) i $q$);
CALL promise('a record with a million rows', $q$ SELECT count(*) = 1 FROM identity_records(identity_source('s', 'SELECT 1, n AS user_id FROM generate_series(1, 1000000) n')) $q$);
CALL promise('a master row of a million records, all ids shown', $q$
  SELECT count(*) = 1 AND min(record_count) = 1000000 AND min(cardinality(s_id)) = 1000000 AND min(s_id[1]) = 1 AND min(s_id[1000000]) = 1000000
    FROM resolve_identities(identity_source('s', 'SELECT n, 1 AS user_id FROM generate_series(1, 1000000) n')) AS (record_count int, s_id int[]) $q$);
CALL promise('a million people of one record each', $q$ SELECT people('SELECT n FROM generate_series(1, 1000000) n') = 1000000 $q$);

-- Every byte and every character.
CALL promise('every character of UTF-8 in a user id, between letters', $q$
  SELECT people($$SELECT n, 'a' || chr(n) || 'b' AS user_id FROM generate_series(1, 1114111) n WHERE n NOT BETWEEN 55296 AND 57343$$) = 1114111 - 2048 $q$);
CALL promise('every character of UTF-8 in a record id', $q$
  SELECT count(DISTINCT record_id) = 65535 - 2048 AND bool_and(record_id = 'a' || chr(ascii(substr(record_id, 2))) || 'b')
    FROM identity_records(identity_source('s', $$SELECT 'a' || chr(n) || 'b' FROM generate_series(1, 65535) n WHERE n NOT BETWEEN 55296 AND 57343$$)) $q$);
CALL promise('every character of UTF-8 comes out as typed', $q$
  SELECT count(*) = 65535 - 2048 AND bool_and(user_id = 'a' || chr(s_id) || 'b' AND s_user_id = user_id)
    FROM resolve_identities(identity_source('s', $$SELECT n, 'a' || chr(n) || 'b' AS user_id FROM generate_series(1, 65535) n WHERE n NOT BETWEEN 55296 AND 57343$$)) AS (s_id int, user_id text, s_user_id text) $q$);
CALL promise('every character in an email, quoted or not, is no error', $q$
  SELECT people($$SELECT n, 'a' || chr(n) || 'b@x.com' AS email FROM generate_series(1, 65535) n WHERE n NOT BETWEEN 55296 AND 57343$$) > 1000 $q$);
CALL promise('every character in a phone number is no error', $q$
  SELECT people($$SELECT n, '+1650253' || chr(n) || '0000' AS phone FROM generate_series(1, 65535) n WHERE n NOT BETWEEN 55296 AND 57343$$) > 1000 $q$);
CALL promise('every byte in a bytea', $q$ SELECT people($$SELECT n, set_byte('\x00ff00'::bytea, 1, n % 256) AS user_id FROM generate_series(0, 511) n$$) = 256 $q$);
CALL promise('a bytea comes out as it went in', $q$
  SELECT count(*) = 256 AND bool_and(user_id = set_byte('\x00ff00'::bytea, 1, s_id)) FROM resolve_identities(
    identity_source('s', $$SELECT n, set_byte('\x00ff00'::bytea, 1, n) AS user_id FROM generate_series(0, 255) n$$)) AS (s_id int, user_id bytea) $q$);
-- Of punctuation alone nobody's id is made, and NULL is none: these come last.
CALL promise('quotes, backslashes, braces and commas in arrays', $q$
  SELECT count(*) = 1 AND bool_and(user_id = ARRAY['a b', '{', '}', '"', '\', ',', 'NULL', '''']) FROM resolve_identities(
    identity_source('s', $$SELECT 1, ARRAY['{', '}', '"', '\', ',', 'NULL', 'a b', '''', '', NULL] AS user_id$$)) AS (user_id text[]) $q$);

-- Nothing there.
CREATE TABLE empty (id int, email text, user_id int[]);
CREATE TABLE nulls AS SELECT n AS id, NULL::text AS email, NULL::int[] AS user_id FROM generate_series(1, 100) n;
CREATE TABLE dropped (gone int, id int, gone2 text, email text);
INSERT INTO dropped VALUES (1, 2, 'x', 'a@x.com'), (2, 3, 'x', 'A@x.com');
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN gone2, ADD COLUMN user_id int DEFAULT 7;
CALL promise('an empty table', $q$ SELECT people('TABLE empty') = 0 $q$);
CALL promise('an empty table among others', $q$ SELECT count(*) = 100 FROM identity_records(identity_source('a', 'TABLE empty'), identity_source('b', 'TABLE nulls'), identity_source('c', 'TABLE empty')) $q$);
CALL promise('NULL everywhere', $q$ SELECT people('TABLE nulls') = 100 $q$);
CALL promise('dropped and added columns', $q$ SELECT people('TABLE dropped') = 1 $q$);
CALL promise('a result of no columns wanted but one', $q$ SELECT count(*) = 100 AND count(email) = 0 FROM resolve_identities(identity_source('a', 'TABLE nulls')) AS (email text) $q$);
CALL promise('array columns of whom has no value are NULL or empty, never an error', $q$ SELECT count(*) = 100 FROM resolve_identities(identity_source('a', 'TABLE nulls')) AS (email text[], a_user_id int[], a_id int[]) $q$);

-- Shapes and types.
CREATE DOMAIN address AS text CHECK (VALUE <> 'forbidden');
CREATE DOMAIN addresses AS text[];
CREATE DOMAIN counted AS int NOT NULL;
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TYPE pair AS (a int, b text);
CALL promise('arrays of more dimensions, with other bounds, with NULLs', $q$ SELECT people($$SELECT * FROM (VALUES (1, '{{{a,b}},{{c,NULL}}}'::text[]), (2, '[-3:-2]={c,d}'), (3, '{NULL,d}'), (4, '{}'), (5, '{{NULL},{NULL}}')) v(id, user_id)$$) = 3 $q$);
CALL promise('domains over text and over arrays', $q$ SELECT people($$SELECT * FROM (VALUES (1, 'a@x.com'::address, '{b@x.com,c@x.com}'::addresses), (2, 'C@x.com', '{}'), (3, NULL, NULL)) v(id, email, "email")$$) = 2 $q$);
CALL promise('arrays of a domain', $q$ SELECT people($$SELECT 1, ARRAY['a@x.com', 'b@x.com']::address[] AS email UNION ALL SELECT 2, ARRAY['B@x.com']::address[]$$) = 1 $q$);
CALL promise('results in domains', $q$ SELECT count(*) = 1 AND min(email) = 'a@x.com' AND min(s_id) = 1 FROM resolve_identities(identity_source('s', $$SELECT 1, 'a@x.com' AS email$$)) AS (email address, s_id counted) $q$);
CALL promise('results in arrays of domains and domains over arrays', $q$ SELECT bool_and(email = '{a@x.com}' AND s_email = '{A@x.com}') FROM resolve_identities(identity_source('s', $$SELECT 1, 'A@x.com' AS email$$)) AS (email addresses, s_email address[]) $q$);
CALL promise('enums and arrays of them', $q$ SELECT count(*) = 1 AND bool_and(user_id = '{red,green}') FROM resolve_identities(identity_source('s', $$SELECT * FROM (VALUES (1, '{red}'::colour[]), (2, '{red,green}')) v(id, user_id)$$), any_user_id()) AS (user_id colour[]) $q$);
CALL promise('composites', $q$ SELECT count(*) = 1 AND bool_and(user_id = ROW(1, 'a b')::pair) FROM resolve_identities(identity_source('s', $$SELECT n, ROW(1, 'a b')::pair AS user_id FROM generate_series(1, 2) n$$)) AS (user_id pair) $q$);
CALL promise('arrays of composites', $q$ SELECT count(*) = 1 AND bool_and(user_id[2] = ROW(2, 'b,c')::pair) FROM resolve_identities(identity_source('s', $$SELECT 1, ARRAY[ROW(1, 'a'), ROW(2, 'b,c')]::pair[] AS user_id$$)) AS (user_id pair[]) $q$);
CALL promise('jsonb: texts, numbers, arrays of them, NULLs', $q$ SELECT people($$SELECT * FROM (VALUES (1, '"u1"'::jsonb), (2, '["u1", null]'), (3, '[[7]]'), (4, '7'), (5, 'null'), (6, '[]'), (7, '12345678901234567890123')) v(id, user_id)$$) = 5 $q$);
CALL promise('uuid, inet, ranges, bits, money, intervals, points', $q$
  SELECT bool_and(people(format('SELECT n, %L::%s AS user_id FROM generate_series(1, 2) n', v, t)) = 1)
    FROM (VALUES ('00000000-0000-0000-0000-000000000001', 'uuid'), ('10.0.0.1/8', 'inet'), ('[1,5)', 'int4range'), ('{[1,2),[4,5)}', 'int4multirange'), ('101', 'bit(3)'), ('12.50', 'money'),
                 ('1 day 2 h', 'interval'), ('(1,2)', 'point'), ('pg_class', 'regclass'), ('a', '"char"'), ('somebody', 'name'), ('1 2 3', 'int2vector'), ('a fat cat', 'tsvector'), ('08:00:2b:01:02:03', 'macaddr'), ('16/B374D848', 'pg_lsn')) x(v, t) $q$);
CALL promise('float ids as text, with infinities and NaN', $q$ SELECT people($$SELECT n, v::text AS user_id FROM unnest('{1e15,1e15,-0,0.1,0.1,NaN,NaN,Infinity,-Infinity,1e-300}'::float8[]) WITH ORDINALITY u(v, n)$$) = 7 $q$);
CALL promise('floats as numeric record ids', $q$ SELECT count(*) = 3 AND bool_and(s_id IN (0.1, 1e300, 'NaN')) FROM resolve_identities(identity_source('s', $$SELECT unnest('{0.1,1e300,NaN}'::float8[])::numeric$$)) AS (s_id float8) $q$);
CALL promise('character(n) links with text', $q$ SELECT people($$SELECT 1, 'ab'::character(9)::text AS user_id UNION ALL SELECT 2, 'ab'$$) = 1 $q$);
CALL promise('character(n) columns', $q$ SELECT count(DISTINCT identity_id) = 1 FROM identity_records(identity_source('a', $$SELECT 'k'::character(5), 'ab'::character(9) AS user_id$$), identity_source('b', $$SELECT 1, 'ab' AS user_id$$)) $q$);
CALL promise('big numbers', $q$ SELECT people($$SELECT n, repeat('9', 1000)::numeric AS user_id FROM generate_series(1, 2) n$$) = 1 $q$);
CALL promise('a set-returning query, a recursive one, VALUES', $q$ SELECT people('WITH RECURSIVE t AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM t WHERE id < 10) TABLE t') = 10 AND people('SELECT generate_series(1, 3) AS id') = 3 AND people('VALUES (1), (2)') = 2 $q$);
-- (A plain table of partitions, a foreign-looking view, a temporary table.)
CREATE TABLE parted (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
CREATE TABLE parted_2 (email text, id int);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, 'a@x.com'), (11, 'A@x.com'), (12, 'b@x.com');
CREATE VIEW seen AS SELECT id, email FROM parted WHERE id > 1;
CREATE TEMP TABLE brief AS TABLE parted;
CALL promise('partitioned tables, views, temporary tables, system catalogues', $q$ SELECT people('TABLE parted') = 2 AND people('TABLE seen') = 2 AND people('TABLE brief') = 2 AND people('SELECT oid FROM pg_class') > 100 $q$);
CALL promise('reserved words and 60 bytes as names', $q$
  SELECT count(*) = 1 FROM resolve_identities(identity_source('select', 'SELECT 1'), identity_source('from', 'SELECT 1, 2 AS user_id'), identity_source(repeat('x', 60), 'SELECT 7'))
      AS (select_id int, from_id int, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_id int) WHERE from_id IS NULL AND select_id IS NULL $q$);

CALL promise('ids depend on the characters, not on the encoding', $q$ SELECT identity_id = 'd3b4e2e6-b336-808c-844f-3c831765d64f' FROM identity_records(identity_source('s', $$SELECT 'zo' || chr(235)$$)) $q$);

-- Settings which change what text looks like; nothing may depend on them.
CALL promise('settings of the session do not split or join', $q$
  SELECT people($$SELECT v::text FROM unnest('{0.1,0.1,1e15}'::float8[]) AS v, (SELECT set_config('extra_float_digits', '3', true)) s$$) = 2 $q$);
SET default_transaction_isolation = 'serializable';
CALL promise('in a serializable session', $q$ SELECT people('TABLE parted') = 2 $q$);
RESET default_transaction_isolation;
SET work_mem = '64kB'; SET maintenance_work_mem = '1MB';
CALL promise('with the least of memory', $q$ SELECT people('SELECT n, n / 2 AS user_id FROM generate_series(0, 299999) n') = 150000 $q$);
CALL promise('a master table with the least of memory', $q$ SELECT count(*) = 150000 AND min(cardinality(s_id)) = 2 AND sum(user_id) = 150000::bigint * 149999 / 2 FROM resolve_identities(identity_source('s', 'SELECT n, n / 2 AS user_id FROM generate_series(0, 299999) n'), any_user_id()) AS (s_id int[], user_id bigint) $q$);
RESET work_mem; RESET maintenance_work_mem;
-- Parallel plans of the source's query.
CREATE TABLE large AS SELECT n AS id, format('p%s@x.com', n / 2) AS email FROM generate_series(0, 199999) n;
ANALYZE large;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CALL promise('a source read in parallel', $q$ SELECT people('TABLE large') = 100000 $q$);
CALL promise('a source read by a parallel aggregate', $q$ SELECT people('SELECT id / 2, array_agg(email) AS email FROM large GROUP BY 1') = 100000 $q$);
