-- The long table: each record of each source, and whom it belongs to.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA records;
SET search_path = records, public;
RESET client_min_messages;

CREATE TABLE app (id int, email text);
CREATE TABLE shop (id uuid, email text, user_id int);
INSERT INTO app VALUES (9, 'ann@x.com'), (10, 'bob@x.com'), (11, NULL);
INSERT INTO shop VALUES
  ('00000000-0000-0000-0000-00000000000a', 'ANN@x.com', NULL), ('00000000-0000-0000-0000-00000000000b', NULL, 10),
  ('00000000-0000-0000-0000-00000000000c', 'carl@x.com', NULL), ('00000000-0000-0000-0000-00000000000d', 'carl@X.com', NULL);
\set clauses 'identity_source(''app'', ''SELECT id, id AS user_id, email FROM app''), identity_source(''shop'', ''SELECT * FROM shop'')'

\df identity_records
SELECT dense_rank() OVER (ORDER BY person) AS person, source, record_id
  FROM (SELECT *, min(source || length(record_id) || record_id) OVER (PARTITION BY identity_id) AS person FROM identity_records(:clauses)) r
 ORDER BY 1, source, record_id;

-- Both tables call a person by the same id.
SELECT count(*), count(m.identity_id) AS with_master, bool_and(m.app_id::text = r.record_id) AS right_one
  FROM identity_records(:clauses) r LEFT JOIN resolve_identities(:clauses) AS m(identity_id uuid, app_id int) USING (identity_id)
 WHERE r.source = 'app';

-- An id that comes twice is one record; the same id in two sources is two.
SELECT source, record_id, count(*) OVER (PARTITION BY identity_id) AS together
  FROM identity_records(
    identity_source('a', $$SELECT * FROM (VALUES (1, 'x@x.com'), (1, 'y@x.com'), (2, 'z@x.com')) v(id, email)$$),
    identity_source('b', $$SELECT * FROM (VALUES (1, 'y@x.com'), (2, 'w@x.com')) v(id, email)$$)) r ORDER BY 1, 2;

-- Record ids of any type that can name a record (sql/26_column_types) come out as their text.
SELECT source, record_id FROM identity_records(
  identity_source('b_date', $$SELECT date '2024-02-29'$$),
  identity_source('c_bytea', $$SELECT '\x00ff'::bytea$$),
  identity_source('e_numeric', 'SELECT 1.50'),
  identity_source('f_composite', $$SELECT ROW(1, 'a b')$$),
  identity_source('g_array', $$SELECT '{1,2}'::int[]$$),
  identity_source('h_empty', $$SELECT ''$$),
  identity_source('i_blank', $$SELECT ' '$$),
  identity_source('j_json', $$SELECT '"a b"'::jsonb$$),
  identity_source('k_char', $$SELECT 'x'::character(3)$$),
  identity_source('l_inet', $$SELECT '10.0.0.1'::inet$$),
  identity_source('m_utf8', $$SELECT 'Zoë 😀'$$)
) ORDER BY source;

-- What a session likes to see as dates, times and numbers changes neither record ids nor identity ids, and casts read them back.
CREATE TABLE events (on_day date, at timestamptz, lasted interval, raw bytea);
INSERT INTO events VALUES ('2024-02-29', '2024-02-29 12:00+00', '-1 day 2:03:04', '\x00ff');
\set events 'identity_source(''day'', ''SELECT on_day FROM events''), identity_source(''at'', ''SELECT at FROM events''), identity_source(''lasted'', ''SELECT lasted FROM events''), identity_source(''raw'', ''SELECT raw FROM events'')'
CREATE TABLE ids AS SELECT * FROM identity_records(:events);
SELECT source, record_id FROM ids ORDER BY 1;
SET datestyle = 'German'; SET timezone = 'Asia/Kolkata'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = -5; SET bytea_output = 'escape';
SELECT count(*) AS same FROM ids NATURAL JOIN identity_records(:events);
SELECT count(*) AS equal FROM events, resolve_identities(:events) AS r(day_id date, at_id timestamptz, lasted_id interval, raw_id bytea)
 WHERE r.day_id = on_day OR r.at_id = at OR r.lasted_id = lasted OR r.raw_id = raw;
SELECT now()::date::text = to_char(now(), 'DD.MM.YYYY') AS as_before;
RESET datestyle; RESET timezone; RESET intervalstyle; RESET extra_float_digits; RESET bytea_output;

-- ORDER BY, LIMIT and aggregates are the query's, as over any table.
SELECT source, count(*) FROM identity_records(:clauses) GROUP BY source ORDER BY source;
SELECT count(*) FROM (SELECT FROM identity_records(:clauses) LIMIT 2) two;
SELECT identity_id IS NULL AS none FROM identity_records(:clauses) WHERE record_id = 'nobody';

SET client_min_messages = warning;
DROP SCHEMA records CASCADE;
