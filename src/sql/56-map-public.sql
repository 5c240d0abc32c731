-- Identity maps: what a user calls. doc/maps.md shows it at work.

-- Whether the clauses make a map: raises the error of what does not. `map`: its table, with the columns
-- as they are to be. Nothing is read.
CREATE FUNCTION identity_internal.identity_map_check(clauses jsonb, search_path text, map regclass) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made identity_internal.identity_map_catalog.clauses%TYPE := identity_internal.identity_map_list(clauses);
  clause jsonb;
  source jsonb;
  layout jsonb;
  empty identity_internal.identity_map_catalog.clauses%TYPE;
  definition text;
  twice text;
  stamp text;
BEGIN
  FOR clause IN SELECT e FROM jsonb_array_elements(clauses) AS e LOOP
    IF clause ->> 'clause' IN ('output', 'state') THEN
      RAISE EXCEPTION 'an identity map has no use for identity_output()' USING ERRCODE = 'invalid_parameter_value',
        DETAIL = 'A map has one row for each identity.', HINT = 'Leave the clause out.';
    ELSIF clause ->> 'clause' = 'source' AND clause ->> 'name' = 'identify' THEN
      RAISE EXCEPTION 'source "identify" is there anyway' USING ERRCODE = 'reserved_name',
        DETAIL = 'It holds what identify() was told, and comes after all other sources.', HINT = 'Give the source another name.';
    END IF;
  END LOOP;
  SELECT c ->> 'name' INTO twice FROM jsonb_array_elements(clauses) AS c WHERE c ->> 'clause' = 'column'
  GROUP BY 1 HAVING count(*) > 1 LIMIT 1;
  IF twice IS NOT NULL THEN
    RAISE EXCEPTION 'column "%" is given twice', twice USING ERRCODE = 'duplicate_column', HINT = 'Leave one of them out.';
  END IF;
  layout := identity_internal.identity_map_layout(made, identity_map_check.search_path);
  FOR clause, source IN SELECT e, s FROM jsonb_array_elements(clauses) AS e
                        JOIN jsonb_array_elements(layout -> 'sources') AS s ON s -> 'name' = e -> 'name' WHERE e ->> 'clause' = 'source' LOOP
    IF clause ->> 'capture' = 'trigger' THEN
      PERFORM identity_internal.identity_map_check_capture(source);
    END IF;
    IF clause ?| '{changed_since,capture}' THEN
      PERFORM identity_internal.identity_map_check_parts(source, clause ->> 'changed_since', identity_map_check.search_path);
    END IF;
  END LOOP;
  stamp := identity_internal.identity_map_stamp(clauses, layout);
  IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = map AND a.attname = stamp AND NOT a.attisdropped AND a.atttypid <> 'timestamptz'::regtype) THEN
    RAISE EXCEPTION 'column "%" of an identity map cannot be of type %', stamp,
        (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a WHERE a.attrelid = map AND a.attname = stamp)
      USING ERRCODE = 'datatype_mismatch', DETAIL = 'It says when anything in the row was last changed.',
        HINT = format('Declare it as identity_column(%L, %L).', stamp, 'timestamptz');
  END IF;
  -- The columns' names, by a resolve of nothing.
  SELECT array_agg(identity_internal.identity_source(s ->> 'name', 'SELECT NULL::text AS id'
                     || CASE WHEN (s -> 'updated_at')::boolean THEN ', NULL::timestamp AS updated_at' ELSE '' END
                     || coalesce((SELECT string_agg(format(', NULL::text AS %I', c ->> 'kind'), '') FROM jsonb_array_elements(s -> 'columns') AS c), '')
                     || ' WHERE false') ORDER BY n)
         || identity_internal.identity_source('identify', 'SELECT NULL::text AS id'
              || (SELECT string_agg(format(', NULL::text AS %I', k ->> 'name'), '') FROM jsonb_array_elements(layout -> 'kinds') AS k WHERE (k -> 'identify')::boolean)
              || ' WHERE false')
         || ARRAY(SELECT c FROM unnest(made) AS c WHERE c::jsonb ->> 'clause' IN ('rule', 'defaults'))
  INTO empty FROM jsonb_array_elements(layout -> 'sources') WITH ORDINALITY AS s (s, n);
  SELECT string_agg(format(', %I %s', a.attname, format_type(a.atttypid, a.atttypmod)), '' ORDER BY a.attnum)
  INTO definition
  FROM pg_attribute AS a JOIN jsonb_array_elements(clauses) AS c ON c ->> 'clause' = 'column' AND c ->> 'name' = a.attname
  WHERE a.attrelid = map AND NOT a.attisdropped AND a.attname IS DISTINCT FROM stamp;
  EXECUTE format('SELECT * FROM identity_internal.resolve_identities(VARIADIC $1) AS (identity_id uuid%s)', definition) USING empty;
  RETURN layout;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_check(jsonb, text, regclass) IS 'internal: whether clauses make an identity map';

-- Whether the types of columns are types, and nothing more.
CREATE FUNCTION identity_internal.identity_map_check_types(clauses jsonb, path text) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  outer_path text := current_setting('search_path');
  type_name text;
  column_name text;
BEGIN
  FOR column_name, type_name IN SELECT c ->> 'name', c ->> 'type' FROM jsonb_array_elements(clauses) AS c WHERE c ->> 'clause' = 'column' LOOP
    PERFORM set_config('search_path', path, true);
    IF pg_catalog.to_regtype(type_name) IS NULL THEN
      RAISE EXCEPTION 'column "%": type "%" does not exist', column_name, type_name USING ERRCODE = 'undefined_object',
        HINT = 'Write the type as CREATE TABLE has it, such as text, bigint or text[].';
    END IF;
    PERFORM pg_catalog.set_config('search_path', outer_path, true);
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_check_types(jsonb, text) IS 'internal: whether the types of an identity map''s columns exist';

-- Comments on a map's table and on the columns that the map fills, which name the map: where there is none (`missing`), and where one of
-- these names another table, as after ALTER TABLE ... RENAME. A comment of the user's stays. A column that is not the map's any more
-- loses its own.
CREATE FUNCTION identity_internal.identity_map_comment(map regclass, names text[], missing boolean) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT w.named, w.wanted
    FROM (SELECT 0 AS number, format('TABLE %s', map) AS named, format('identity map %s: refresh_identity_map() keeps it current', map) AS wanted
          UNION ALL SELECT t.attnum, format('COLUMN %s.%I', map, t.attname),
                           CASE WHEN t.attname = 'identity_id' OR t.attname = ANY (names) THEN format('kept by identity map %s', map) END
                    FROM pg_attribute AS t WHERE t.attrelid = map AND t.attnum > 0 AND NOT t.attisdropped) AS w
    LEFT JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = map AND d.objsubid = w.number
    WHERE CASE WHEN d.description IS NULL THEN missing AND w.wanted IS NOT NULL
               ELSE d.description IS DISTINCT FROM w.wanted AND d.description ~ '^(identity map .*: refresh_identity_map\(\) keeps it current|kept by identity map .*)$' END
  LOOP
    EXECUTE format('COMMENT ON %s IS %L', item.named, item.wanted);
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_comment(regclass, text[], boolean) IS 'internal: comments on an identity map''s table and columns';

-- create_identity_map() as its caller: makes the table. Takes the name, the clauses and the search_path; gives the table
-- as well, and what its sources look like.
CREATE FUNCTION identity_internal.identity_map_create(a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := a ->> 'name';
  path text := a ->> 'path';
  parts text[] := parse_ident(name);
  columns text;
  map regclass;
BEGIN
  IF cardinality(parts) > 2 THEN
    RAISE EXCEPTION '"%" cannot name an identity map', name USING ERRCODE = 'invalid_name',
      HINT = 'Give a table''s name, with or without a schema.';
  END IF;
  SELECT string_agg(format(', %I %s', c ->> 'name', c ->> 'type'), '' ORDER BY n) INTO columns
  FROM jsonb_array_elements(a -> 'clauses') WITH ORDINALITY AS c (c, n) WHERE c ->> 'clause' = 'column';
  PERFORM identity_internal.identity_map_check_types(a -> 'clauses', path);
  PERFORM set_config('search_path', path, true);
  EXECUTE pg_catalog.format('CREATE TABLE %s (identity_id pg_catalog.uuid PRIMARY KEY%s) WITH (fillfactor = 90)',
                            (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x), '.' ORDER BY n) FROM pg_catalog.unnest(parts) WITH ORDINALITY AS u (x, n)),
                            columns);
  map := (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x), '.' ORDER BY n) FROM pg_catalog.unnest(parts) WITH ORDINALITY AS u (x, n));
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  IF (SELECT c.relpersistence FROM pg_class AS c WHERE c.oid = map) = 't' THEN
    RAISE EXCEPTION 'an identity map cannot be a temporary table' USING ERRCODE = 'feature_not_supported',
      HINT = 'Name it with a schema that stays.';
  END IF;
  PERFORM identity_internal.identity_map_comment(map, ARRAY(SELECT c ->> 'name' FROM jsonb_array_elements(a -> 'clauses') AS c WHERE c ->> 'clause' = 'column'), true);
  RETURN jsonb_build_object('map', map::oid, 'clauses', a -> 'clauses', 'search_path', path,
                            'layout', identity_internal.identity_map_check(a -> 'clauses', path, map));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_create(jsonb) IS 'internal: the table of create_identity_map()';

-- create_identity_map(name, clauses): makes a table that refresh_identity_map() fills and keeps current.
-- Its columns are identity_id and what identity_column() clauses ask for. The queries are those of sources:
-- they will run as the table's owner, under today's search_path.
-- Errors: 42P07 for a name that is taken, 42939 for a source named identify, as resolve_identities().
CREATE FUNCTION @extschema@.create_identity_map(name text, VARIADIC clauses @extschema@.identity_clause[]) RETURNS regclass
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.create_identity_map(text, @extschema@.identity_clause[]) IS
  'makes a table of identities that refresh_identity_map() fills and keeps current';

-- refresh_identity_map(map, full, wait, allow_loss): brings a map to what its sources say now, and writes what differs.
--   full  reads every source as a whole, whatever its capture or changed_since, and compares every row
--   wait  for another refresh of the map; false: a notice, and nothing is done
--   allow_loss  takes every source as it is now; false: one that has lost more records than its max_loss allows is kept as it
--               was, or ends the refresh, as its on_loss says
-- A failure is kept in identity_maps where the call is a statement of its own.
-- Errors: 42704 for what is no map, 42501 for others than its owner, 25001 unless READ COMMITTED, 55000 for a loss that ends
-- it, and what a source's query raises.
CREATE PROCEDURE @extschema@.refresh_identity_map(map regclass, "full" boolean DEFAULT false, wait boolean DEFAULT true, allow_loss boolean DEFAULT false)
  AS 'MODULE_PATHNAME' LANGUAGE c;
COMMENT ON PROCEDURE @extschema@.refresh_identity_map(regclass, boolean, boolean, boolean) IS
  'brings an identity map to what its sources say now';

-- alter_identity_map(map, clauses): adds sources, rules, aliases and columns, or puts them in the place of those of the
-- same name or kind. The next refresh reads everything anew; ids stay. Errors: as create_identity_map().
CREATE FUNCTION @extschema@.alter_identity_map(map regclass, VARIADIC clauses @extschema@.identity_clause[]) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.alter_identity_map(regclass, @extschema@.identity_clause[]) IS
  'adds sources, rules, aliases and columns to an identity map, or replaces them';

-- reduce_identity_map(map, sources, rules, columns, aliases): takes them away; aliases are named by their kinds. The next refresh reads everything anew.
-- Errors: 42704 for what the map does not have.
CREATE FUNCTION @extschema@.reduce_identity_map(map regclass, sources text[] DEFAULT '{}', rules text[] DEFAULT '{}',
                                    columns text[] DEFAULT '{}', aliases text[] DEFAULT '{}') RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.reduce_identity_map(regclass, text[], text[], text[], text[]) IS
  'takes sources, rules, columns or aliases away from an identity map';

-- drop_identity_map(name): drops a map: its table, state, history and triggers. Of a map whose table was
-- dropped by hand, the name is the one that it had, with its schema.
-- Errors: 42704 for what is no map, 42501 for others than its owner.
CREATE FUNCTION @extschema@.drop_identity_map(name text) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.drop_identity_map(text) IS 'drops an identity map: its table, its state and its history';

-- identify(map, user_id, traits): tells a map of a user, in this transaction, and gives the identity. The
-- record is one of the map's own source `identify`: its id is the user id, and each trait named as a kind
-- (email, phone, ..., or declared by a rule) is an identifier, or an array of them. Other traits are nobody's
-- business here. A trait replaces what the user had under that name, null removes it, what is not named stays.
-- Errors: 22004, 22023 for a user id that is none (identity_blocked_values()) and an identifier that is an object, 55000 for a user who was forgotten, 42501 for
-- others than the owner and those who may INSERT into the map, 25001 unless READ COMMITTED.
CREATE FUNCTION @extschema@.identify(map regclass, user_id text, traits jsonb DEFAULT '{}') RETURNS uuid
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identify(regclass, text, jsonb) IS
  'tells an identity map of a user and the identifiers that are known; gives the identity, current at once';

-- identity_map_clauses(map): the clauses by which a full resolve gives what the map has, but for ids that were
-- kept: its sources, its rules, and what identify() was told. For its owner.
CREATE FUNCTION @extschema@.identity_map_clauses(map regclass) RETURNS @extschema@.identity_clause[]
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_map_clauses(regclass) IS
  'the clauses by which identity_records() and its kin resolve what an identity map resolves';

-- identity_map_definition(map): the call that makes the map, as text to read, to edit and to run: create_identity_map() with the clauses of
-- now, each on a line of its own. Before it a SET of the search_path under which the queries run, where that is not the session's.
-- What was done to the table by hand (indexes, privileges, columns of yours) is no part of it. For its owner.
-- Errors: 42704 for what is no map, 42501.
CREATE FUNCTION @extschema@.identity_map_definition(map regclass) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_map_definition(regclass) IS 'the call of create_identity_map() that makes an identity map';

-- forget(map, source, record_id): erases a record from table, state and history, and that it was there if it is gone. A hash
-- of its name stays, so that no refresh brings it back; remember() lifts that. Gives whether the map had it.
-- forget_identity(map, identity_id): the same of all records of an identity; gives how many they were.
-- Errors: 42704 for a source that the map does not have, 42501 for others than its owner, 25001.
CREATE FUNCTION @extschema@.forget(map regclass, source text, record_id text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.forget(regclass, text, text) IS
  'erases a record from an identity map, its state and its history, and keeps it from coming back';

CREATE FUNCTION @extschema@.forget_identity(map regclass, identity_id uuid) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.forget_identity(regclass, uuid) IS
  'erases all records of an identity from an identity map, its state and its history, and keeps them from coming back';

-- remember(map, source, record_id): lets a record that was forgotten come back at the next refresh, or
-- identify(). Gives whether it was forgotten.
CREATE FUNCTION @extschema@.remember(map regclass, source text, record_id text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.remember(regclass, text, text) IS 'lets a record that was forgotten come back';

-- identity_maps: the maps whose owner's role the user has.
--   map               its table as SQL names it, with its schema: it can be pasted, and cast to regclass
--   sources           in the order of precedence
--   identities        how many there are now, and how many records: as the last refresh has counted them, and what identify() and
--                     forget() have done since
--   last_refresh      when the last one that succeeded began; last_duration: how long it took
--   last_changes      what it did: kind (built, full or changes), changed records, rows inserted, updated and
--                     deleted, identities created, merged, split, retired and revived (where any came back)
--   needs_full        whether the next refresh reads everything anew, as clauses have changed
--   last_error        of a refresh that failed since; last_error_at
--   kept_sources      of each source that is kept as it was, as it has lost too many of its records: how many it had ("before"),
--                     has ("now") and has lost ("lost"), and since which refresh it is kept
--   left_out          of each source that has such rows, how many are left out, as they name no record
--   warnings          those sources; what is most likely wrong with its sources: one that has no record, one of ten records or more that
--                     shares no person with another one (as the last refresh that looked at all of the map has found), values
--                     that too many records carry
CREATE VIEW @extschema@.identity_maps AS
  SELECT coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), m.map_name) AS map, coalesce(pg_catalog.pg_get_userbyid(c.relowner), m.owner_name) AS owner,
         (SELECT array_agg(e.c::jsonb ->> 'name' ORDER BY e.n) FROM unnest(m.clauses) WITH ORDINALITY AS e (c, n)
          WHERE e.c::jsonb ->> 'clause' = 'source') AS sources,
         m.clauses, m.identities + coalesce(s.identities, 0)::bigint AS identities, m.records + coalesce(s.records, 0)::bigint AS records,
         m.created_at, m.refreshes, m.last_refresh, m.last_duration, m.last_changes, m.rebuild AS needs_full,
         m.last_error, m.last_error_at, c.oid IS NULL AS table_is_gone,
         (SELECT coalesce(jsonb_object_agg(n.k, (m.marks #>> ARRAY['left_out', n.v])::bigint), '{}')
          FROM jsonb_each_text(m.numbers) AS n (k, v) WHERE (m.marks #>> ARRAY['left_out', n.v])::bigint > 0) AS left_out,
         ARRAY(SELECT format('source "%s": %s of its %s records are gone, so it is kept as it was', n.k, m.marks #>> ARRAY['kept', n.v, 'lost'], m.marks #>> ARRAY['kept', n.v, 'before'])
               FROM jsonb_each_text(m.numbers) AS n (k, v) WHERE m.marks -> 'kept' ? n.v ORDER BY n.v::integer)
           || ARRAY(SELECT w.o ->> 'text' FROM jsonb_array_elements(m.marks -> 'warnings') WITH ORDINALITY AS w (o, place) ORDER BY w.place) AS warnings,
         (SELECT coalesce(jsonb_object_agg(n.k, m.marks #> ARRAY['kept', n.v]), '{}') FROM jsonb_each_text(m.numbers) AS n (k, v)
          WHERE m.marks -> 'kept' ? n.v) AS kept_sources
  FROM identity_internal.identity_map_catalog AS m
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = identity_internal.identity_map_table(m.map, m.map_oid, m.map_name, m.written_in)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL (SELECT sum(t.identities) AS identities, sum(t.records) AS records
                       FROM identity_internal.identity_map_counts AS t WHERE t.map_id = m.map_id) AS s ON true
    LEFT JOIN pg_catalog.pg_roles AS o ON o.rolname = m.owner_name
  -- Of a table that is gone and an owner who is gone, too, the functions' owner is told.
  WHERE pg_catalog.pg_has_role(coalesce(c.relowner, o.oid, (SELECT p.proowner FROM pg_catalog.pg_proc AS p
    WHERE p.oid = 'identity_internal.identity_map_table(regclass, oid, text, oid)'::regprocedure)), 'USAGE');
COMMENT ON VIEW @extschema@.identity_maps IS 'the identity maps of this database: sources, last refresh, what it changed, errors';
GRANT SELECT ON @extschema@.identity_maps TO PUBLIC;
