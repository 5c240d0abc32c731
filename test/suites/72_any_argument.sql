-- Every function, aggregate, operator, cast and type of the extension, called with NULL and with odd values in each
-- argument: see 72_any_argument.sh. Leaves what came of each call in `tried`.
\set QUIET on
SET client_min_messages = error;
SELECT setseed((:seed % 1000) / 1000.0) \g /dev/null

-- A map, and relations of each sort, of others too.
CREATE ROLE nobody;
CREATE ROLE keeper;
GRANT CREATE ON SCHEMA public TO keeper;
-- What runs the calls below from within the map's own work: see poke().
CREATE TABLE poked (n serial, statement text);
GRANT SELECT ON poked TO PUBLIC;
CREATE FUNCTION poke(here text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  call record;
  first int;
  last int;
BEGIN
  first := nullif(current_setting('poke.first', true), '');
  IF first IS NULL OR here <> current_setting('poke.here') THEN RETURN true; END IF;
  last := current_setting('poke.last');
  PERFORM set_config('poke.first', '', false);
  FOR call IN SELECT n, statement FROM public.poked WHERE n BETWEEN first AND last ORDER BY n LOOP
    BEGIN
      EXECUTE call.statement;
      IF current_setting('poke.keep') = 'no' THEN RAISE EXCEPTION USING ERRCODE = 'OK000'; END IF;
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE = 'XX000' THEN RAISE WARNING 'XX000 % by %', SQLERRM, call.statement; END IF;
    END;
  END LOOP;
  RETURN true;
END $$;
CREATE FUNCTION poke(value text, here text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.poke(here); RETURN value; END';
SET ROLE keeper;
CREATE TABLE app (id int PRIMARY KEY, email text, phone text);
INSERT INTO app SELECT n, format('p%s@x.com', n % 30), CASE WHEN n % 3 = 0 THEN format('+1 415 555 01%s', 10 + n % 20) END FROM generate_series(1, 60) n;
CREATE TABLE shop (id text, email text[], updated_at timestamptz);
INSERT INTO shop SELECT 's' || n % 25, ARRAY[format('p%s@x.com', n), format('q%s@x.com', n)], now() FROM generate_series(1, 40) n;
CREATE DOMAIN checked AS text CHECK (poke(VALUE, 'domain') IS NOT NULL);
SELECT create_identity_map('people', identity_source('app', 'SELECT id, email, phone FROM public.app'), identity_source('shop', 'SELECT id, email, updated_at FROM public.shop WHERE public.poke(''source'')'),
  identity_rule('email', max_records => 3), identity_alias('email', 'SELECT email, ''p1@x.com'' FROM public.app WHERE id = 7'), identity_column('app_id', 'int[]'), identity_column('shop_id', 'text[]'), identity_column('email', 'checked'), identity_column('record_count', 'bigint')) \g /dev/null
CREATE INDEX ON people (poke(email::text, 'index'));
CALL refresh_identity_map('people');
SELECT identify('people', 'u1', '{"email": "p3@x.com"}') \g /dev/null
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS id;
CREATE SEQUENCE a_sequence;
CREATE TYPE a_row AS (a int, b text, c float8[]);
CREATE TABLE a_parted (id int) PARTITION BY LIST (id);
RESET ROLE;
CREATE TABLE an_others (identity_id uuid PRIMARY KEY, email text);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE a_foreign (id int) SERVER nowhere;
-- A map's row of the catalog, as only its owner gets to see it: right, and forged.
SELECT 'identity_internal.identity_map_catalog'::regtype AS map_type \gset
CREATE TABLE forged AS SELECT 'right' AS what, c AS m FROM identity_internal.identity_map_catalog c WHERE map_id = 1;
INSERT INTO forged SELECT f.key || ' ' || v.value, jsonb_populate_record(f.m, jsonb_build_object(f.key, v.value))
  FROM (SELECT m, jsonb_object_keys(to_jsonb(m)) AS key FROM forged) f CROSS JOIN LATERAL (SELECT NULL::jsonb AS value UNION ALL SELECT CASE
    WHEN f.key IN ('map_id') THEN '99' WHEN f.key IN ('map') THEN to_jsonb('an_others'::regclass) WHEN f.key IN ('refreshes', 'identities', 'records', 'format') THEN '0'
    WHEN f.key IN ('source_numbers', 'limits', 'limits_a_source', 'limits_in_all') THEN '[-1, null, 77]' WHEN f.key IN ('source_names', 'trait_kinds', 'columns') THEN '["", null, "id"]'
    WHEN f.key IN ('clauses', 'state_sources', 'reached_sources', 'blank_sources', 'rules', 'state') THEN NULL
    WHEN f.key IN ('prepared', 'numbers', 'marks', 'last_changes') THEN '[]' WHEN f.key LIKE '%\_at' OR f.key LIKE 'last%' OR f.key IN ('rebuild', 'secret', 'map_oid', 'written_in') THEN NULL
    ELSE '"SELECT 1"' END) v;
GRANT SELECT ON forged TO PUBLIC;

-- What is put into an argument, by its type. The first one is the usual one; a name makes it that of arguments of the name.
CREATE TABLE odd (n serial, type text, name text, value text);
INSERT INTO odd (type, name, value) VALUES
  ('text', 'show', $$'masked'$$), ('text', 'confidence', $$'sure'$$), ('text[]', 'schemas', 'NULL'), ('text[]', 'schemas', $$'{public}'$$), ('jsonb', 'tools', 'NULL'), ('jsonb', 'tools', $$'[{"tool": "x", "tables": "app", "key": ["id"], "links": {"email": ["email"]}}]'$$),
  ('text', 'version', $$'0.1'$$), ('text', 'name', $$'people'$$), ('text', 'user_id', $$'u1'$$), ('text', 'operation', $$'identify'$$), ('text', 'operation', $$'current'$$), ('text', 'operation', $$'clauses'$$), ('text', 'operation', $$'forget'$$),
  ('text', 'operation', $$'alter'$$), ('text', 'operation', $$'remember'$$), ('text', 'source', $$'app'$$), ('text', 'search_path', $$'pg_catalog'$$), ('text', 'path', $$'public'$$), ('text', 'statement', $$'SELECT $1'$$),
  ('text', 'statement', $$'COMMIT'$$), ('text', 'statement', $$'SELECT 1'$$), ('text', 'statement', $$'garbage'$$), ('text', 'forgotten', 'NULL'), ('text', 'forgotten', $$'SELECT 1::bigint'$$), ('text', 'forgotten', $$'SELECT 1'$$),
  ('text', 'known', 'NULL'), ('text', 'known', $$'SELECT ''\x0102''::bytea, ''\x030405060708090a0b''::bytea, -1::bigint'$$), ('text', 'known', $$'SELECT NULL::bytea, NULL::bytea, 9223372036854775807'$$),
  ('text', 'known', $$'SELECT repeat(''x'', 100000)::bytea, repeat(''y'', 77777)::bytea, 8::bigint'$$), ('text', 'known', $$'SELECT 1'$$), ('text', 'query', $$'SELECT id, email, phone FROM public.app'$$), ('text', 'query', $$'SELECT 1'$$),
  ('text', 'truth', $$'SELECT ''app'', id, email FROM public.app'$$), ('text', 'truth', $$'SELECT ''app'', 1, ''x'' UNION ALL SELECT ''app'', 1, ''y'''$$), ('text', 'person_a', $$'x'$$), ('text', 'person_b', $$'x'$$),
  ('text', 'source_a', $$'app'$$), ('text', 'id_a', $$'1'$$), ('text', 'source_b', $$'shop'$$), ('text', 'id_b', $$'s1'$$), ('text', 'id', $$'1'$$), ('text', 'record_id', $$'1'$$), ('text', 'normalizer', $$'email'$$), ('text', 'on_tie', $$'data'$$),
  ('text', 'blocked_pattern', $$'^x'$$), ('text', 'blocked_ipattern', $$''$$), ('text', 'region', 'NULL'), ('text', 'changed_since', 'NULL'), ('text', 'capture', 'NULL'), ('text', 'capture', $$'trigger'$$), ('integer', 'priority', '5'), ('integer', 'max_per_identity', '0'),
  ('text', 'kind', $$'email'$$), ('text', 'kind', $$'uuid'$$), ('text', 'type', $$'bigint'$$), ('text', 'rows', $$'combinations'$$), ('text', 'region', $$'GB'$$), ('text', 'condition', $$'WHERE true'$$),
  ('text', NULL, $$'p3@x.com'$$), ('text', NULL, $$''$$), ('text', NULL, $$' '$$), ('text', NULL, $$E'\x01\t'$$), ('text', NULL, $$repeat('ä', 300000)$$), ('text', NULL, $$repeat('a.', 3000) || '@x.com'$$),
  ('text', NULL, $$'"'$$), ('text', NULL, $$'a"b.c''d$x$'$$), ('text', NULL, $$'{"clause": "source"}'$$), ('text', NULL, $$'%s%n%1000000$s'$$), ('text', NULL, $$'SELECT 1; SELECT 2'$$), ('text', NULL, $$'pg_class'$$),
  ('integer', 'map_id', '1'), ('integer', 'map_id', '2'), ('integer', 'number', '1'), ('integer', 'source', '1'), ('integer', 'i', '1'), ('integer', 'table_oid', $$'people'::regclass::oid::integer$$),
  ('integer', NULL, '1'), ('integer', NULL, '0'), ('integer', NULL, '-1'), ('integer', NULL, '65536'), ('integer', NULL, '2147483647'), ('integer', NULL, '-2147483648'),
  ('bigint', 'most', '1000'), ('bigint', NULL, '1'), ('bigint', NULL, '0'), ('bigint', NULL, '-1'), ('bigint', NULL, '9223372036854775807'), ('bigint', NULL, '-9223372036854775808'),
  ('smallint', NULL, '1'), ('smallint', NULL, '-1'), ('smallint', NULL, '32767'),
  ('double precision', NULL, '0.5'), ('double precision', NULL, '0'), ('double precision', NULL, '-1'), ('double precision', NULL, $$'NaN'$$), ('double precision', NULL, $$'-Infinity'$$), ('double precision', NULL, '1e-300'),
  ('text', 'bad_ids', 'NULL'), ('text', 'on_loss', 'NULL'), ('text', 'on_loss', $$'fail'$$),
  ('boolean', 'wait', 'true'), ('boolean', NULL, 'true'), ('boolean', NULL, 'false'),
  ('uuid', 'identity_id', $$(SELECT identity_id FROM public.people LIMIT 1)$$), ('uuid', NULL, $$'00000000-0000-0000-0000-000000000000'$$), ('uuid', NULL, $$'ffffffff-ffff-ffff-ffff-ffffffffffff'$$),
  ('uuid[]', NULL, $$'{}'$$), ('uuid[]', NULL, $$ARRAY[NULL]::uuid[]$$), ('uuid[]', NULL, $$array_fill(gen_random_uuid(), ARRAY[2, 3])$$), ('uuid[]', NULL, $$array_fill(gen_random_uuid(), ARRAY[3], ARRAY[-5])$$),
  ('bigint[]', 'numbers', $$'{1,3,5,9}'$$), ('bigint[]', NULL, $$'{}'$$), ('bigint[]', NULL, $$'{1,2,3}'$$), ('bigint[]', NULL, $$'{NULL}'$$), ('bigint[]', NULL, $$'{1,NULL,3,NULL}'$$), ('bigint[]', NULL, $$'{{1,2},{3,4}}'$$), ('bigint[]', NULL, $$'[-5:-4]={7,8}'$$),
  ('bigint[]', NULL, $$'{9,3,9,-1,-9223372036854775808,9223372036854775807}'$$), ('bigint[]', NULL, $$ARRAY(SELECT n FROM generate_series(1, 5000) n)$$),
  ('integer[]', NULL, $$'{1,2}'$$), ('integer[]', NULL, $$'{}'$$), ('integer[]', NULL, $$'{NULL,-1}'$$), ('integer[]', NULL, $$'{{1},{2147483647}}'$$),
  ('text[]', 'columns', $$'{app_id,shop_id,email,record_count}'$$), ('text[]', 'columns', $$'{email,email}'$$), ('text[]', 'known', $$ARRAY['SELECT NULL::bytea, NULL::bytea, 1::bigint', 'SELECT 1']$$), ('text[]', 'forgotten', $$ARRAY['SELECT 1::bigint', 'SELECT 1']$$), ('text[]', 'ids', 'NULL'),
  ('text[]', 'ids', $$'{1,2,s1,nobody}'$$), ('text[]', NULL, $$'{}'$$), ('text[]', NULL, $$'{NULL}'$$), ('text[]', NULL, $$'{{a,b},{c,d}}'$$), ('text[]', NULL, $$'[7:8]={app,email}'$$), ('text[]', NULL, $$ARRAY[repeat('x', 100000)]$$),
  ('bytea', NULL, $$'\x'$$), ('bytea', NULL, $$'\x00'$$), ('bytea', NULL, $$'\x0102030405060708'$$), ('bytea', NULL, $$decode(repeat('fe01', 50000), 'hex')$$),
  ('jsonb', 'arguments', $$'{"user_id": "u1", "traits": {"email": "p3@x.com"}, "identity_id": null}'$$), ('jsonb', 'arguments', $$'{"user_id": [], "traits": [], "identity_id": [], "source": {}, "record_id": {}}'$$),
  ('jsonb', 'arguments', $$'{"clauses": [{"clause": "column", "name": "x y", "type": "int; SELECT"}], "columns": ["email"], "path": 7}'$$), ('jsonb', 'arguments', $$'{"clauses": 5, "layout": 5, "search_path": []}'$$),
  ('jsonb', 'arguments', $$'{"clauses": [], "layout": {"sources": [{"name": null}], "kinds": [{}]}, "search_path": ""}'$$), ('jsonb', 'layout', $$'{"sources": [{"name": "x", "columns": 5}], "kinds": null}'$$),
  ('jsonb', 'clauses', $$'[{"clause": "source", "name": "s", "query": "SELECT 1 AS id"}, {"clause": "column", "name": "email", "type": "text"}]'$$), ('jsonb', 'clauses', $$'[{"clause": "column", "name": "email", "type": "record"}]'$$),
  ('jsonb', 'a', $$'{"full": true, "wait": true, "changes": {"kind": "built"}, "marks": [], "started": "infinity"}'$$), ('jsonb', 'a', $$'{"error": [], "clauses": [5], "dropped": 5}'$$),
  ('jsonb', 'a', $$'{"source": "app", "record_id": "1", "kind": "email", "value": "P3@x.com", "user_id": "u7", "traits": {"email": ["p1@x.com", null, 5]}, "identity_id": "00000000-0000-0000-0000-000000000000"}'$$),
  ('jsonb', NULL, $$'{}'$$), ('jsonb', NULL, $$'null'$$), ('jsonb', NULL, $$'[]'$$), ('jsonb', NULL, $$'[null, 1, {}]'$$), ('jsonb', NULL, $$'1e300'$$), ('jsonb', NULL, $$'"x"'$$), ('jsonb', NULL, $$(repeat('[', 1000) || repeat(']', 1000))$$),
  ('regclass', 'map', $$'public.people'$$), ('regclass', NULL, $$'identity_state.m1_identities'$$), ('regclass', NULL, '0'), ('regclass', NULL, $$'4294967295'$$), ('regclass', NULL, $$'a_view'$$), ('regclass', NULL, $$'a_matview'$$),
  ('regclass', NULL, $$'a_sequence'$$), ('regclass', NULL, $$'a_row'$$), ('regclass', NULL, $$'a_parted'$$), ('regclass', NULL, $$'a_foreign'$$), ('regclass', NULL, $$'an_others'$$), ('regclass', NULL, $$'app'$$), ('regclass', NULL, $$'app_pkey'$$),
  ('regclass', NULL, $$'pg_class'$$), ('regclass', NULL, $$'pg_class_oid_index'$$), ('regclass', NULL, $$(SELECT reltoastrelid FROM pg_class WHERE oid = 'app'::regclass)$$), ('regclass', NULL, $$'identity_state.m1_places'$$),
  ('timestamp with time zone', NULL, 'now()'), ('timestamp with time zone', NULL, $$'-infinity'$$), ('timestamp with time zone', NULL, $$'infinity'$$), ('timestamp with time zone', NULL, $$'4713-01-01 BC'$$),
  ('identity_clause[]', NULL, $$ARRAY[identity_source('app', 'SELECT id, email, phone FROM public.app'), identity_source('shop', 'SELECT id, email FROM public.shop')]$$),
  ('identity_clause[]', NULL, $$(SELECT (m).clauses || (m).state FROM public.forged WHERE what = 'right')$$), ('identity_clause[]', NULL, $$(SELECT (m).reached_sources || (m).rules || (m).state FROM public.forged WHERE what = 'right')$$),
  ('identity_clause[]', NULL, $$(SELECT (m).state_sources || (m).rules || (m).state FROM public.forged WHERE what = 'right')$$),
  ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'SELECT 1 AS id'), '{"clause": "state", "secret": "00000000-0000-0000-0000-000000000000", "common": [], "map_id": 2147483648, "aliased": ["email", "nothing"]}']$$),
  ('identity_clause[]', NULL, $$'{}'$$), ('identity_clause[]', NULL, $$ARRAY[NULL]::identity_clause[]$$), ('identity_clause[]', NULL, $$ARRAY[ARRAY[identity_source('a', 'SELECT 1 AS id')], ARRAY[identity_output()]]$$),
  ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'SELECT id, "[number]" FROM (VALUES (1, 1)) v (id, "[number]")'), '{"clause": "state", "secret": "00000000-0000-0000-0000-000000000000", "common": [1, -5]}']$$),
  ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'SELECT 1 AS id, 2::bigint AS "[number]", ''x''::text AS email'), '{"clause": "state", "secret": "00000000-0000-0000-0000-000000000000", "common": []}', identity_rule('email', max_records => 0)]$$),
  ('identity_clause[]', NULL, $$ARRAY['{"clause": "state", "secret": "no", "common": [1e400]}', identity_source('a', 'SELECT 1 AS id')]::identity_clause[]$$), ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'garbage')]$$),
  ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'SELECT NULL::int AS id')]$$), ('identity_clause[]', NULL, $$ARRAY[identity_source('a', 'SELECT 1 AS id, pg_sleep(0) AS email')]$$), ('identity_clause[]', NULL, $$ARRAY[identity_column('x'), identity_rule('email')]$$),
  ('identity_clause', NULL, $$identity_source('app', 'SELECT id, email FROM public.app')$$), ('identity_clause', NULL, $$identity_output()$$), ('identity_clause', NULL, $$'{"clause": "state", "secret": "00000000-0000-0000-0000-000000000000", "common": []}'$$),
  ('email', NULL, $$'p3@x.com'$$), ('email', NULL, $$''$$), ('email', NULL, $$repeat('x', 300000)$$), ('email', NULL, $$E'\x7f@\t'$$), ('character', NULL, $$'P3@x.com  '$$), ('character', NULL, $$''$$),
  ('cstring', NULL, $$'{"clause": "rule", "kind": "plan"}'$$), ('cstring', NULL, $$''$$), ('cstring', NULL, $$(repeat('{"a":', 100000) || '1')$$), ('cstring', NULL, $$'{"clause": {"clause": ["clause"]}}'$$), ('cstring', NULL, $$('{"clause": "rule", "kind": "plan", "blocked": [' || repeat('"x",', 10000) || '[]]}')$$),
  ('cstring', NULL, $$'{"clause": "rule", "kind": "plan", "priority": 1e500}'$$), ('cstring', NULL, $$'{"clause": "rule", "kind": "plan", "blocked_pattern": "((a*)*)*("}'$$), ('cstring', NULL, $$'[{"clause": "rule"}]'$$),
  ('record', NULL, $$ROW()$$), ('record', NULL, $$ROW(1)$$), ('record', NULL, $$ROW(NULL, NULL)$$), ('record', NULL, $$ROW(1, 'x'::cstring, ARRAY[ROW(1, 2)], 1.5, ROW(ROW(repeat('x', 100000))))$$), ('record', NULL, $$ROW(1::bigint, 2::bigint, 'x'::text, ARRAY[NULL]::bigint[])$$),
  ('record', NULL, $$(SELECT c FROM pg_class c LIMIT 1)$$), ('record', NULL, $$(SELECT p FROM public.app p LIMIT 1)$$),
  ('anyelement', NULL, $$NULL::identity_state.m1_told$$), ('anyelement', NULL, $$NULL::identity_state.m1_log$$), ('anyelement', NULL, '1'), ('anyelement', NULL, $$'x'::text$$), ('anyelement', NULL, $$ROW(1, 2)$$), ('anyelement', NULL, $$NULL::pg_class$$), ('anyelement', NULL, $$NULL::a_row$$), ('anyelement', NULL, $$NULL::identity_state.m1_records$$),
  ('"any"', NULL, '1'), ('"any"', NULL, $$'x'$$), ('"any"', NULL, $$'x'::text$$), ('"any"', NULL, 'ROW(1, NULL)'), ('"any"', NULL, $$ARRAY[1, NULL]$$), ('"any"', NULL, $$'x'::cstring$$), ('"any"', NULL, $$VARIADIC ARRAY[1, 2]$$), ('"any"', NULL, $$VARIADIC NULL::text[]$$),
  ('"any"', NULL, $$pg_sleep(0)$$), ('"any"', NULL, $$(SELECT p FROM public.app p LIMIT 1)$$), ('"any"', NULL, $$1, 'two', NULL, ARRAY[3], ROW(4)$$);
INSERT INTO odd (type, name, value) SELECT 'oid', name, value || '::regclass' FROM odd WHERE type = 'regclass';
INSERT INTO odd (type, value) SELECT :'map_type', format('(SELECT m FROM public.forged WHERE what = %L)', what) FROM forged ORDER BY what <> 'right', what;
DELETE FROM odd WHERE value IS NULL;
-- A type is named as PostgreSQL names it, whatever schema it is in.
INSERT INTO odd (type, value) SELECT DISTINCT t.oid::regtype::text, unnest(ARRAY['NULL', CASE WHEN t.typtype = 'c' THEN format('ROW(%s)', (SELECT string_agg('NULL', ', ') FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0)) END])
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) a (type) JOIN pg_type t ON t.oid = a.type
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve');
DELETE FROM odd WHERE value IS NULL;
UPDATE odd SET type = to_regtype(type)::text WHERE to_regtype(type) IS NOT NULL;

-- The functions, and their arguments.
CREATE TABLE functions AS
  SELECT p.oid, format('%I.%I', n.nspname, p.proname) AS name, p.prokind AS kind, p.proretset AS gives_set, p.prorettype = 'record'::regtype AND p.proargmodes IS NULL AS wants_list, p.provariadic, p.pronargs AS arguments
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve');
CREATE TABLE arguments AS
  SELECT f.oid, a.place::int, a.type::regtype::text AS type, p.proargnames[a.place] AS name, f.provariadic <> 0 AND a.place = f.arguments AND f.provariadic <> '"any"'::regtype AS is_variadic,
         '{}'::text[] AS odds, f.name LIKE 'identity_internal.%' AS internal
  FROM functions f JOIN pg_proc p ON p.oid = f.oid CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place);
UPDATE arguments a SET odds = ARRAY(SELECT o.value FROM odd o WHERE o.type = a.type AND o.value IS NOT NULL AND (o.name IS NULL OR o.name = a.name)
  AND NOT (a.name LIKE '%pattern' AND o.value LIKE 'repeat%')  -- PostgreSQL takes minutes to compile it
  ORDER BY a.internal AND o.value LIKE '%(m).clauses%' DESC, o.name IS NULL, o.value = 'NULL', o.n);
SELECT format('no odd value for type %s', type) AS "NOT OK" FROM arguments WHERE cardinality(odds) < 1 GROUP BY type;

CREATE FUNCTION call_of(f functions, given text[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('%s(%s)', f.name, (SELECT string_agg(CASE WHEN given[a.place] ~ '^VARIADIC' OR a.type IN ('"any"', 'anyelement', 'record') THEN given[a.place]
           WHEN a.is_variadic THEN format('VARIADIC (%s)::%s', given[a.place], a.type) ELSE format('(%s)::%s', given[a.place], a.type) END, ', ' ORDER BY a.place) FROM arguments a WHERE a.oid = f.oid)) $$;
-- The ways to call one: each reads what comes of it, as a text.
CREATE FUNCTION statements_of(f functions, call text, in_each_way boolean) RETURNS SETOF text LANGUAGE sql STABLE AS $$
  SELECT s FROM unnest(CASE
    WHEN f.kind = 'p' THEN ARRAY['CALL ' || call]
    WHEN f.kind = 'a' THEN ARRAY[format('SELECT %s FROM generate_series(1, 3)', call)] || CASE WHEN in_each_way THEN ARRAY[
        format('SELECT %s FILTER (WHERE false) FROM generate_series(1, 3)', call), format('SELECT %s FILTER (WHERE n > 1) FROM generate_series(1, 3) n GROUP BY n', call),
        format('SELECT %s OVER () FROM generate_series(1, 3)', call), format('SELECT %s OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM generate_series(1, 9) n', call),
        format('SELECT %s OVER (ORDER BY n ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING EXCLUDE CURRENT ROW) FROM generate_series(1, 9) n', call),
        format('SELECT %s WITHIN GROUP (ORDER BY n) FROM generate_series(1, 3) n', call), format('SELECT %s FROM generate_series(1, 3) GROUP BY GROUPING SETS ((), ())', call)] ELSE '{}' END
    WHEN f.wants_list THEN ARRAY[format('SELECT count(x::text) FROM %s AS x (identity_id uuid, email text)', call)] || CASE WHEN in_each_way THEN ARRAY[
        format('SELECT * FROM %s AS x (identity_id uuid, email text)', call), 'SELECT ' || call, format('SELECT * FROM %s', call), format('SELECT * FROM %s AS x (id uuid)', call), format('SELECT * FROM %s AS x (identity_id int, email int[])', call),
        format('SELECT * FROM %s AS x (fingerprint bigint, ordinal bigint, record_id text, keys bigint[], updated_at timestamp, c1 text, c2 text)', call), format('SELECT * FROM %s AS x (fingerprint text, ordinal text, record_id text, keys text, updated_at text, c1 text, c2 text)', call),
        format('SELECT * FROM %s AS x (id uuid, is_new boolean, lost uuid, olds uuid[], records bigint, moved bigint[], by_kind text, by_value text, by_rids bigint[], merged bigint[], merged_olds uuid[], email text)', call),
        format('SELECT * FROM %s AS x (id uuid, is_new boolean, lost uuid, olds uuid[], records bigint, moved bigint[], by_kind text, by_value text, by_rids bigint[], merged bigint[], merged_olds uuid[])', call),
        format('SELECT * FROM %s AS x (id bigint, is_new bigint, lost bigint, olds bigint, records bigint, moved bigint, by_kind bigint, by_value bigint, by_rids bigint, merged bigint, merged_olds bigint)', call),
        format('SELECT * FROM generate_series(1, 2) n, LATERAL %s AS x (identity_id uuid, email text)', call), format('SELECT * FROM ROWS FROM (%s AS (identity_id uuid, email text), generate_series(1, 2)) WITH ORDINALITY', call),
        format('SELECT * FROM %s AS x (identity_id xml, email "char")', call), format('SELECT * FROM %s AS x (%s)', call, (SELECT string_agg(format('c%s text', n), ', ') FROM generate_series(1, 1600) n))] ELSE '{}' END
    WHEN f.gives_set THEN ARRAY[format('SELECT count(x::text) FROM %s AS x', call)] || CASE WHEN in_each_way THEN ARRAY[format('SELECT * FROM %s AS x', call), format('SELECT (%s)::text', call),
        format('SELECT * FROM %s AS x (a int)', call), format('SELECT * FROM generate_series(1, 2) n, LATERAL %s AS x', call), format('SELECT * FROM ROWS FROM (%s, generate_series(1, 2)) WITH ORDINALITY', call), format('SELECT %s LIMIT 1', call)] ELSE '{}' END
    ELSE ARRAY[format('SELECT count(x::text) FROM (SELECT %s) AS x', call)] || CASE WHEN in_each_way THEN ARRAY[format('SELECT * FROM %s AS x', call), format('SELECT * FROM %s AS x (a int, b int)', call), format('SELECT (%s)', call),
        format('SELECT %s OVER ()', call), format('SELECT sum(length(x::text)) FROM (SELECT %s FROM generate_series(1, 3)) x', call)] ELSE '{}' END END) s $$;

CREATE TABLE calls (n serial, name text, statement text);
-- Of each function: all usual; all NULL; in each argument each odd value, the others usual and, once more, odd by chance; and all by chance.
CREATE PROCEDURE write_calls() LANGUAGE plpgsql AS $$
DECLARE
  f functions;
  usual text[];
  given text[];
  a arguments;
BEGIN
  FOR f IN SELECT * FROM functions ORDER BY name, oid LOOP
    usual := ARRAY(SELECT odds[1] FROM arguments WHERE oid = f.oid ORDER BY place);
    INSERT INTO calls (name, statement) SELECT f.oid::regprocedure, s FROM statements_of(f, call_of(f, usual), true) s;
    CONTINUE WHEN usual = '{}';
    INSERT INTO calls (name, statement) SELECT f.oid::regprocedure, s FROM statements_of(f, call_of(f, array_fill('NULL'::text, ARRAY[cardinality(usual)])), true) s;
    FOR a IN SELECT * FROM arguments WHERE oid = f.oid ORDER BY place LOOP
      FOR i IN 1 .. cardinality(a.odds) LOOP
        FOR by_chance IN 0 .. 1 LOOP
          given := CASE by_chance WHEN 0 THEN usual ELSE ARRAY(SELECT odds[1 + floor(random() * cardinality(odds))] FROM arguments WHERE oid = f.oid ORDER BY place) END;
          given[a.place] := a.odds[i];
          INSERT INTO calls (name, statement) SELECT f.oid::regprocedure, s FROM statements_of(f, call_of(f, given), f.wants_list AND by_chance = 0) s;
        END LOOP;
      END LOOP;
    END LOOP;
    FOR i IN 1 .. 10 LOOP
      given := ARRAY(SELECT odds[1 + floor(random() * cardinality(odds))] FROM arguments WHERE oid = f.oid ORDER BY place);
      INSERT INTO calls (name, statement) SELECT f.oid::regprocedure, s FROM statements_of(f, call_of(f, given), random() < 0.3) s;
    END LOOP;
  END LOOP;
END $$;
CALL write_calls();
-- Operators, casts, input of the types; an operator's class through an index and a sort.
INSERT INTO calls (name, statement)
  SELECT o.oid::regoperator::text, format('SELECT ((%s)%s OPERATOR(%I.%s) (%s)::%s)::text', l.value, '::' || l.type, n.nspname, o.oprname, r.value, r.type)
  FROM pg_depend d JOIN pg_operator o ON o.oid = d.objid AND d.classid = 'pg_operator'::regclass JOIN pg_namespace n ON n.oid = o.oprnamespace
  JOIN odd r ON r.type = o.oprright::regtype::text AND r.name IS NULL JOIN odd l ON l.type = CASE o.oprleft WHEN 0 THEN 'boolean' ELSE o.oprleft::regtype::text END AND l.name IS NULL AND (o.oprleft <> 0 OR l.value = 'NULL')
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve');
UPDATE calls SET statement = regexp_replace(statement, '^SELECT \(\(NULL\)::boolean', 'SELECT (') WHERE statement ~ '^SELECT \(\(NULL\)::boolean OPERATOR';
INSERT INTO calls (name, statement)
  SELECT format('cast %s %s', c.castsource::regtype, c.casttarget::regtype), format('SELECT ((%s)::%s::%s)::text', o.value, o.type, c.casttarget::regtype)
  FROM pg_depend d JOIN pg_cast c ON c.oid = d.objid AND d.classid = 'pg_cast'::regclass JOIN odd o ON o.type = c.castsource::regtype::text AND o.name IS NULL
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve');
INSERT INTO calls (name, statement)
  SELECT 'input of ' || t.oid::regtype, format('SELECT ((%s)::text::%s)::text', o.value, t.oid::regtype)
  FROM pg_depend d JOIN pg_type t ON t.oid = d.objid AND d.classid = 'pg_type'::regclass JOIN odd o ON o.type IN ('cstring', 'text', 'record')
  WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'identity_resolve');
INSERT INTO calls (name, statement) SELECT 'order of ' || c.class, format('SELECT count(*) OVER (ORDER BY v USING %s) FROM (VALUES (%s)) v (v)', c.less, (SELECT string_agg(format('(%s)::%s', o.value, c.type), '), (') FROM odd o WHERE o.type = c.type AND o.name IS NULL))
  FROM (VALUES ('email_ops', '<#@', 'text'), ('mailbox_ops', '<#~@', 'text'), ('email_type_ops', '<', 'email')) c (class, less, type);
DELETE FROM calls WHERE statement IS NULL;

-- Runs each call, as the role that is given, and takes it back. What it says is kept; a crash ends the session.
CREATE TABLE tried (role text, n int, sqlstate text, message text);
-- Those that are run from within the map's own work, and kept: what touches maps, often enough what works.
INSERT INTO poked (statement)
  SELECT c.statement FROM calls c WHERE c.name ~ '^identity_internal' OR c.statement ~ '(identify|forget|remember|refresh_|drop_|alter_|reduce_|identity_map_|resolve_)' ORDER BY random() LIMIT :pokes;
CREATE PROCEDURE try_calls(role text, first int, last int, share int) LANGUAGE plpgsql AS $$
DECLARE
  call calls;
  state text;
  said text;
BEGIN
  FOR call IN SELECT * FROM calls WHERE n BETWEEN first AND last AND n % share = 0 ORDER BY n LOOP
    BEGIN
      PERFORM set_config('role', role, true);
      EXECUTE call.statement;
      RAISE EXCEPTION USING ERRCODE = 'OK000';
    EXCEPTION WHEN OTHERS THEN
      state := SQLSTATE;
      said := SQLERRM;
    END;
    INSERT INTO tried VALUES (role, call.n, state, said);
  END LOOP;
END $$;
