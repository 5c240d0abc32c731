-- Columns of a type that cannot identify, and JSON, in which loaders lay lists of ids and addresses.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA types;
SET search_path = types, public;
RESET client_min_messages;
\pset null '-'

-- Real and double precision know too few digits: two ids are one number there, and their people would be one.
SELECT 16777217::real = 16777216::real AS real, 9007199254740993::float8 = 9007199254740992::float8 AS double;
\set SHOW_CONTEXT never
CREATE DOMAIN ratio AS real;
CREATE FUNCTION says(query text, VARIADIC clauses identity_clause[] DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
  PERFORM count(*) FROM identity_records(VARIADIC identity_source('app', query) || clauses);
  RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state := RETURNED_SQLSTATE, message := MESSAGE_TEXT, detail := PG_EXCEPTION_DETAIL, hint := PG_EXCEPTION_HINT;
  RETURN QUERY VALUES (state || ': ' || message), ('DETAIL: ' || detail), ('HINT: ' || hint);
END $$;
\pset tuples_only on
SELECT says('SELECT 1 AS id, 16777217::real AS user_id');
SELECT says('SELECT 1 AS id, 1::float8 AS external_id');
SELECT says('SELECT 1 AS id, ARRAY[1::float8] AS user_id');
SELECT says('SELECT 1 AS id, 1::types.ratio AS user_id');
SELECT says('SELECT 1 AS id, true AS user_id');
SELECT says('SELECT 1 AS id, ARRAY[true] AS user_id');
\echo What is only carried may be of any type, and a limit may count it.
SELECT says('SELECT 1 AS id, 0.5::real AS score, true AS flag', identity_rule('score', link => false), identity_rule('flag', link => false, max_per_identity => 1));
\echo A composite value and a numeric are exact: they identify by their text.
SELECT says($$SELECT 1 AS id, ROW('eu', 7) AS external_id, 12345678901234567890123::numeric AS user_id$$);
\pset tuples_only off

-- A string, a number or an array of them, in json and jsonb alike, is what it says; a null is nothing.
CREATE TABLE app (id int, user_id text);
INSERT INTO app VALUES (1, 'u1'), (2, '9007199254740993'), (3, 'u3'), (4, 'u4'), (5, '12345678901234567890123'), (6, 'null');
CREATE TABLE loaded (id int, user_id jsonb);
INSERT INTO loaded VALUES (11, '"u1"'), (12, '9007199254740993'), (13, '["u3", null, ["u3", "\u0075\u0034"]]'), (15, '12345678901234567890123'), (16, 'null'), (17, '[]'), (18, '" u1 "'), (19, NULL);
CREATE DOMAIN loaded_ids AS json;
\set sources 'identity_source(''app'', ''SELECT id, user_id FROM types.app''), identity_source(''binary'', ''SELECT id, user_id FROM types.loaded''), identity_source(''written'', ''SELECT id, user_id::text::types.loaded_ids AS user_id FROM types.loaded''), identity_source(''many'', ''SELECT max(id) AS id, array_agg(user_id) AS user_id FROM types.loaded WHERE id IN (11, 16, 18)''), identity_rule(''user_id'', max_per_identity => 2)'
SELECT app_ids, binary_ids, written_ids, many_ids, user_ids FROM resolve_identities(:sources) AS (app_ids int[], binary_ids int[], written_ids int[], many_ids int[], user_ids text[]) ORDER BY app_ids, binary_ids;
SELECT count(*) AS identities FROM (SELECT DISTINCT identity_id FROM identity_records(:sources)) i;

-- An object and a boolean are refused, with the record that has it.
\pset tuples_only on
SELECT says($$SELECT 1 AS id, '{"id": "u1"}'::jsonb AS user_id$$);
SELECT says($$SELECT 2 AS id, '["u1", {"id": "u2"}]'::json AS user_id$$);
SELECT says($$SELECT 3 AS id, 'true'::jsonb AS user_id$$);
SELECT says($$SELECT 4 AS id, ARRAY['"u1"', 'false']::jsonb[] AS user_id$$);
SELECT says($$SELECT 5 AS id, '"a\u0000b"'::json AS user_id$$);
SELECT says($$SELECT 6 AS id, '{"a": 1}'::jsonb AS tenant$$, identity_rule('tenant', link => false, max_per_identity => 1));
\pset tuples_only off
-- JSON that is only carried stays as it is written.
SELECT * FROM resolve_identities(identity_source('app', $$SELECT 1 AS id, '{"plan": "pro"}'::jsonb AS traits, '"pro"'::json AS plan$$),
  identity_rule('traits', link => false), identity_rule('plan', link => false)) AS (app_id int, traits jsonb, plan json);

-- A record id is read as identifiers are: a string without its quotes, a number. Blank ones and placeholders name no record.
SELECT source, record_id FROM identity_records(identity_source('app', $$SELECT v FROM (VALUES ('"r1"'::jsonb), ('7'), ('" r1"'), ('"a\"b"')) w(v)$$)) ORDER BY record_id COLLATE "C";
SELECT count(*) FROM identity_records(identity_source('app', $$SELECT v::json FROM (VALUES ('""'), ('" "'), ('"undefined"'), ('"undefined"'), ('"r1"')) w(v)$$));
\pset tuples_only on
SELECT says($$SELECT '{"a": 1}'::jsonb AS id$$);
SELECT says($$SELECT '["a"]'::json AS id$$);
SELECT says($$SELECT 'null'::json AS id$$);
SELECT says($$SELECT 'true'::jsonb AS id$$);
\echo Nor do real and double precision name records: two ids may be one number.
SELECT says('SELECT 16777217::real AS id, 1 AS user_id');
SELECT says('SELECT 1::float8 AS id, 1 AS user_id');
SELECT says('SELECT ARRAY[1, 0.5]::float8[] AS id, 1 AS user_id');
\echo true and false would be two records that carry what everybody has; so with a domain, and with an array of them.
CREATE DOMAIN flag AS boolean;
SELECT says('SELECT n % 2 = 0 AS id, n AS user_id FROM generate_series(1, 9) n');
SELECT says('SELECT true::types.flag AS id, 1 AS user_id');
SELECT says('SELECT ARRAY[true] AS id, 1 AS user_id');
\echo A scope in JSON is what it says, too.
SELECT says($$SELECT 1 AS id, 'ann@x.com' AS email, '{"a": 1}'::jsonb AS tenant$$, identity_rule('email', scope => 'tenant'));
\pset tuples_only off
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', $$SELECT * FROM (VALUES (1, 'ann@x.com', '"t1"'::jsonb), (2, 'ann@x.com', '"t2"'), (3, 'ann@x.com', '7')) v(id, email, tenant)$$),
  identity_source('crm', $$SELECT * FROM (VALUES (1, 'ann@x.com', 't1'), (2, 'ann@x.com', '7')) v(id, email, tenant)$$), identity_rule('email', scope => 'tenant'));

-- An identity map, and its refresh read the same.
CREATE TABLE people (id jsonb PRIMARY KEY, user_id jsonb);
INSERT INTO people VALUES ('"p1"', '["u1", "x9"]'), ('"p2"', '"u2"');
SELECT create_identity_map('types.everybody', identity_source('app', 'SELECT id, user_id FROM types.app'), identity_source('people', 'SELECT id, user_id FROM types.people', capture => 'trigger'),
  identity_column('app_ids', 'text[]'), identity_column('people_ids', 'text[]'), identity_column('sources', 'text[]'),
  identity_rule('user_id', max_per_identity => 9));
CALL refresh_identity_map('types.everybody');
SELECT sources, app_ids, people_ids FROM types.everybody ORDER BY app_ids, people_ids;
INSERT INTO people VALUES ('"p3"', '["x9", "u3"]');
UPDATE people SET user_id = '["u2", "u4"]' WHERE id = '"p2"';
CALL refresh_identity_map('types.everybody');
-- One whose escapes jsonb does not know is told of without an error in the statement that writes it, but cannot be read.
CREATE TABLE written (id json, user_id text);
INSERT INTO written VALUES ('"w1"', 'u1'), (' 10 ', 'u2');
SELECT create_identity_map('types.of_written', identity_source('written', 'SELECT id, user_id FROM types.written', capture => 'trigger'), identity_column('written_ids', 'text[]'));
CALL refresh_identity_map('types.of_written');
UPDATE written SET user_id = 'u9' WHERE user_id = 'u1';
INSERT INTO written VALUES ('"w\u0032"', 'u9'), ('1e1', 'u2');
CALL refresh_identity_map('types.of_written');
SELECT written_ids FROM types.of_written ORDER BY 1;
INSERT INTO written VALUES ('"w\u0000"', 'u9');
CALL refresh_identity_map('types.of_written');
SELECT identity_id IS NOT NULL AS has, sources, app_ids, people_ids FROM types.everybody ORDER BY app_ids, people_ids;
SELECT count(*) AS wrong FROM (SELECT app_ids, people_ids FROM types.everybody EXCEPT
  SELECT app_ids, people_ids FROM resolve_identities(identity_source('app', 'SELECT id, user_id FROM types.app'), identity_source('people', 'SELECT id, user_id FROM types.people'), identity_rule('user_id', max_per_identity => 9)) AS (app_ids text[], people_ids text[])) w;
SET client_min_messages = warning;
DROP SCHEMA types CASCADE;
