-- A map's life, told in what must not depend on any setting: what is in it and in its history, how many rows differ from
-- a full resolve. Nothing here is written in a way that a setting changes.
\set QUIET on
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA "Odd tools";
CREATE TABLE "Odd tools".app ("Id" int PRIMARY KEY, email text, "a "" b" text, "user" text);
CREATE TABLE "Odd tools"."Help Desk" (id timestamptz PRIMARY KEY, email text[], phone varchar(20), "updated At" timestamptz);
CREATE TABLE "Odd tools".shop (id numeric, email text, ref bytea, since interval, weight float8);
INSERT INTO "Odd tools".app SELECT n, format('p%s@x.com', n), 'a' || chr(92) || 'b''' || n, 'u' || n FROM generate_series(1, 60) AS n;
INSERT INTO "Odd tools"."Help Desk" SELECT timestamptz '2024-01-31 12:00:00.25+00' + n * interval 'P1DT0.001S', ARRAY[format('P%s@x.com', n), format('h%s@x.com', n / 2)],
  '+1415555' || 1000 + n, timestamptz '2024-02-01 00:00+00' + n * interval 'PT1S' FROM generate_series(1, 40, 2) AS n;
INSERT INTO "Odd tools".shop SELECT 0.1 * n, format('h%s@x.com', n), decode(lpad(to_hex(n), 4, '0'), 'hex'), n * interval 'P1DT1H', 0.1::float8 * n FROM generate_series(1, 10) AS n;
DO $$ BEGIN PERFORM set_config('search_path', '"Odd tools", ' || (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'identity_resolve'), false); END $$;
SELECT create_identity_map('"Our ""people"', identity_source('app', 'SELECT "Id", email, "a "" b" AS handle, "user" AS user_id FROM app', capture => 'trigger'),
  identity_source('desk', 'SELECT id, email, phone, "updated At" AS updated_at FROM "Help Desk"', changed_since => 'updated_at'),
  identity_source('shop', 'SELECT id, email, ref, since, weight FROM shop WHERE since <> ''1 mon'' AND email <> ''a' || chr(92) || 'b'''), identity_rule('handle'), identity_rule('ref'),
  identity_rule('since', link => false), identity_rule('weight', link => false), identity_rule('email', max_records => 5), identity_column('app_id', 'int[]'), identity_column('desk_id', 'timestamptz[]'),
  identity_column('shop_id', 'numeric[]'), identity_column('ref', 'bytea[]'), identity_column('email', 'text[]'), identity_column('handle', 'varchar(20)[]'), identity_column('identify_id'),
  identity_column('since', 'text[]'), identity_column('weight', 'float8[]')) IS NOT NULL;
-- The map and its history, by numbers that a change of either changes; the rows that a full resolve does not give.
CREATE FUNCTION "Odd tools".told() RETURNS text LANGUAGE sql SET DateStyle = ISO SET TimeZone = UTC SET extra_float_digits = 1 SET bytea_output = hex AS $$
  SELECT concat_ws(' ', (SELECT count(*) FROM "Our ""people"), (SELECT md5(string_agg(p::text, ' ' ORDER BY identity_id)) FROM "Our ""people" AS p),
    (SELECT md5(coalesce(string_agg(e, ' ' ORDER BY e), '')) FROM (SELECT (event, identity_id, from_ids, into_id, by_kind, by_value)::text FROM identity_map_history('"Our ""people"')) AS h (e)),
    'differ', (SELECT count(*) FROM (
      (SELECT app_id, desk_id, shop_id, ref, email, handle, identify_id, since, weight FROM "Our ""people"
       EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('"Our ""people"')) AS (app_id int[], desk_id timestamptz[], shop_id numeric[], ref bytea[], email text[], handle varchar(20)[], identify_id text, since text[], weight float8[]))
      UNION ALL
      (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('"Our ""people"')) AS (app_id int[], desk_id timestamptz[], shop_id numeric[], ref bytea[], email text[], handle varchar(20)[], identify_id text, since text[], weight float8[])
       EXCEPT ALL SELECT app_id, desk_id, shop_id, ref, email, handle, identify_id, since, weight FROM "Our ""people")) AS d),
    (SELECT last_changes ->> 'kind' FROM identity_maps)) $$;
CALL refresh_identity_map('"Our ""people"');
SELECT 'built', told();
UPDATE app SET email = 'h3@x.com' WHERE "Id" = 50;
DELETE FROM app WHERE "Id" = 51;
INSERT INTO app VALUES (100, 'new@x.com', chr(92), 'NULL');
UPDATE "Help Desk" SET email = ARRAY['p60@x.com', 'null'], "updated At" = '2024-03-01 00:00+00' WHERE id = (SELECT min(id) FROM "Help Desk");
UPDATE shop SET email = 'new@x.com' WHERE id = 0.1 * 3;
CALL refresh_identity_map('"Our ""people"');
SELECT 'changed', told();
SELECT identify('"Our ""people"', 'u7', jsonb_build_object('email', ARRAY['p8@x.com', 'o''' || chr(92)], 'phone', '+14155550100', 'handle', 'x' || chr(92) || 'y')) IS NOT NULL;
SELECT identify('"Our ""people"', 'u7', jsonb_build_object('email', ARRAY['p9@x.com', 'o''' || chr(92)])) = (SELECT identity_id FROM "Our ""people" WHERE identify_id = 'u7');
SELECT 'identified', told();
SELECT forget('"Our ""people"', 'app', '9'), forget_identity('"Our ""people"', (SELECT identity_id FROM "Our ""people" WHERE 20 = ANY (app_id)));
SELECT remember('"Our ""people"', 'app', '9');
DELETE FROM app WHERE "Id" = 20;
DELETE FROM "Help Desk" WHERE 'P20@x.com' = ANY (email);
-- A letter that not every client knows, in a warning.
UPDATE app SET email = chr(1082) || '@x.com' WHERE "Id" BETWEEN 30 AND 40;
CALL refresh_identity_map('"Our ""people"');
SELECT 'forgotten', told();
SELECT alter_identity_map('"Our ""people"', identity_column('sources', 'text[]'), identity_rule('handle', link => false));
CALL refresh_identity_map('"Our ""people"');
SELECT 'altered', told();
SELECT reduce_identity_map('"Our ""people"', columns => ARRAY['sources']);
UPDATE app SET email = 'p1@x.com' WHERE "Id" = 2;
CALL refresh_identity_map('"Our ""people"');
SELECT 'reduced', told();
CALL refresh_identity_map('"Our ""people"', full => true);
SELECT 'all compared', told();
SELECT map::regclass = '"Our ""people"'::regclass, refreshes, needs_full, last_error FROM identity_maps;
-- What the state is made of, where, and whose it is.
SELECT string_agg(DISTINCT concat_ws(' ', a.amname, s.spcname, n.nspname), ', ') FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace WHERE n.nspname = 'identity_state' AND c.relkind = 'r';
SELECT drop_identity_map('"Our ""people"');
SELECT count(*) FROM pg_class WHERE relnamespace = 'identity_state'::regnamespace;
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'identity_map%';
DO $$ BEGIN PERFORM set_config('client_min_messages', 'warning', false); END $$;
DROP SCHEMA "Odd tools" CASCADE;
