-- Identity maps: what runs as the owner of the extension's functions, because it writes the catalog, or makes
-- and drops what lies in identity_state. doc/security.md lists the statements.
--
-- None of it touches a row of a state, of a map's table or of a source, or runs anything that somebody else can
-- choose; only C functions (src/map/calls.cc), which have checked who asks, may call it.

-- The tables and sequences of a map's state, and whatever else has the name of one.
CREATE FUNCTION identity_internal.identity_map_relations(id integer) RETURNS SETOF oid
  LANGUAGE sql STABLE ROWS 30
BEGIN ATOMIC
  SELECT c.oid FROM pg_class AS c
  WHERE c.relname >= ('m' || id || '_')::name AND c.relname < ('m' || id || '`')::name  -- the character after _
    AND c.relnamespace = 'identity_state'::regnamespace AND c.relkind NOT IN ('i', 'I', 't', 'c');
END;
COMMENT ON FUNCTION identity_internal.identity_map_relations(integer) IS 'internal: the tables and sequences of an identity map''s state';

-- A map's table, or NULL where it is gone. An oid alone does not tell: pg_dump writes that of a table which is
-- gone as a number, which may be another relation's in the database that the dump is restored into. So the
-- catalog remembers the oid also as a number, and in which catalog it was written: after a restore, a table that
-- still is what the number says was gone before, unless it has the name as well.
CREATE FUNCTION identity_internal.identity_map_table(map regclass, map_oid oid, map_name text, written_in oid) RETURNS oid
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT c.oid FROM pg_class AS c
  WHERE c.oid = identity_map_table.map AND c.relkind = 'r'
    AND (written_in = 'identity_internal.identity_map_catalog'::regclass::oid OR c.oid <> map_oid
         OR map_name = (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_namespace AS n WHERE n.oid = c.relnamespace));
END;
COMMENT ON FUNCTION identity_internal.identity_map_table(regclass, oid, text, oid) IS 'internal: the table of an identity map, if it is there';

-- A new map's row of the catalog, under a number that no state has: a restore may have left one.
CREATE FUNCTION identity_internal.identity_map_register(table_oid integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  map regclass := table_oid::oid::regclass;
BEGIN
  INSERT INTO identity_internal.identity_map_catalog (map_id, map, map_name, map_oid, written_in, owner_name, clauses, search_path)
  SELECT identity_internal.identity_map_free_number(), map, map::text, map, 'identity_internal.identity_map_catalog'::regclass,
         (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = map),
         identity_internal.identity_map_list(a -> 'clauses'), a ->> 'search_path';
  RETURN a -> 'layout';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_register(integer, jsonb) IS 'internal: enters an identity map into the catalog';

-- A number for a map.
CREATE FUNCTION identity_internal.identity_map_free_number() RETURNS integer
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number integer;
BEGIN
  LOOP
    number := nextval('identity_internal.identity_map_catalog_map_id_seq');
    EXIT WHEN NOT EXISTS (SELECT FROM identity_internal.identity_map_relations(number))
          AND NOT EXISTS (SELECT FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = number);
  END LOOP;
  RETURN number;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_free_number() IS 'internal: a number that no identity map has had';

-- Lets a role run what works as the owner of a map: all internal functions but those that run raised.
CREATE FUNCTION identity_internal.identity_map_admit(role integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', identity_internal.identity_map_worked_by_owners(), role::oid::regrole);
  EXECUTE format('GRANT USAGE ON SCHEMA identity_internal, identity_state TO %s', role::oid::regrole);
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_admit(integer, jsonb) IS 'internal: gives an owner of identity maps the rights that these need';

-- Takes these rights away where the role has no map.
CREATE FUNCTION identity_internal.identity_map_dismiss(role integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF has_function_privilege(role::oid, 'identity_internal.identity_map_create(jsonb)', 'EXECUTE')
     AND NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = role::oid)
     AND NOT EXISTS (SELECT FROM identity_internal.identity_map_catalog AS c WHERE c.owner_name = pg_get_userbyid(role::oid)) THEN
    EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %s', identity_internal.identity_map_worked_by_owners(), role::oid::regrole);
    EXECUTE format('REVOKE USAGE ON SCHEMA identity_internal, identity_state FROM %s', role::oid::regrole);
  END IF;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_dismiss(integer, jsonb) IS 'internal: takes the rights away that owners of identity maps need';

-- The functions that work as a map's owner, as GRANT has them.
CREATE FUNCTION identity_internal.identity_map_worked_by_owners() RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p
  WHERE p.pronamespace = 'identity_internal'::regnamespace
    AND p.proname <> ALL ('{identity_map_register,identity_map_free_number,identity_map_admit,identity_map_dismiss,identity_map_secure,
      identity_map_prepare,identity_map_index,identity_map_note,identity_map_discard,identity_map_clear_dead,
      identity_map_erase,identity_map_arm,identity_map_worked_by_owners}'::name[]);
END;
COMMENT ON FUNCTION identity_internal.identity_map_worked_by_owners() IS 'internal: the functions that run as the owner of an identity map';

-- Sees to it that a map's state is the functions' owner's, and that the owner of the map's table, and nobody else, has the
-- rights that the map's work needs: whatever ALTER DEFAULT PRIVILEGES says, and whoever owns the table now.
-- A state that belongs to another role, as after a restore by one, or whose tables are not as they were made, is not touched: the
-- map gets another number, and {"former": its old one}, so that a state is made anew into which identity_map_adopt() takes what is
-- known of who is who.
CREATE FUNCTION identity_internal.identity_map_secure(id integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m identity_internal.identity_map_catalog;
  ours oid := current_user::regrole;
  owner oid;
  stranger text;
  former oid;
  item record;
BEGIN
  SELECT * INTO m FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = id;
  SELECT c.relowner INTO owner FROM pg_class AS c WHERE c.oid = m.map;
  IF (m.map_name, m.map_oid, m.written_in, m.owner_name)
     IS DISTINCT FROM (m.map::text, m.map::oid, 'identity_internal.identity_map_catalog'::regclass::oid, pg_get_userbyid(owner)) THEN
    UPDATE identity_internal.identity_map_catalog AS c
    SET map_name = m.map::text, map_oid = m.map, written_in = 'identity_internal.identity_map_catalog'::regclass, owner_name = pg_get_userbyid(owner)
    WHERE c.map_id = id;
    SELECT r.oid INTO former FROM pg_roles AS r WHERE r.rolname = m.owner_name AND r.oid <> owner;
    IF former IS NOT NULL THEN
      PERFORM identity_internal.identity_map_dismiss(former::integer, '{}');
    END IF;
  END IF;

  IF m.prepared IS NOT NULL AND identity_internal.identity_map_state_problem(m) IS NOT NULL
     OR EXISTS (SELECT FROM identity_internal.identity_map_relations(id) AS r JOIN pg_class AS c ON c.oid = r WHERE c.relowner <> ours) THEN
    SELECT string_agg(DISTINCT c.relowner::regrole::text, ', ') INTO stranger
    FROM identity_internal.identity_map_relations(id) AS r JOIN pg_class AS c ON c.oid = r
    WHERE c.relowner NOT IN (ours, owner) AND NOT EXISTS (SELECT FROM pg_roles AS x WHERE x.oid = c.relowner AND x.rolsuper);
    IF stranger IS NOT NULL THEN
      RAISE EXCEPTION 'the state of identity map "%" belongs to role %', m.map, stranger USING ERRCODE = 'object_not_in_prerequisite_state',
        DETAIL = 'Neither the map''s owner nor a superuser owns it: what its owner has put there would run with the rights of the map''s owner.',
        HINT = format('A superuser can look at the tables identity_state.m%s_* and drop them; then everything is read anew.', id);
    END IF;
    FOR item IN SELECT f.oid::regprocedure AS function FROM pg_proc AS f
                WHERE f.pronamespace = 'identity_state'::regnamespace AND f.proname ~ ('^m' || id || '_') LOOP
      EXECUTE format('DROP FUNCTION %s CASCADE', item.function);
    END LOOP;
    UPDATE identity_internal.identity_map_catalog AS c
    SET map_id = identity_internal.identity_map_free_number(), format = DEFAULT, prepared = NULL, rebuild = true,
        marks = jsonb_build_object('last_number', c.marks -> 'last_number')
    WHERE c.map_id = id;
    DELETE FROM identity_internal.identity_map_counts AS n WHERE n.map_id = id;  -- the refresh counts anew
    RETURN jsonb_build_object('former', id);
  END IF;
  PERFORM identity_internal.identity_map_grant(id, owner);
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_secure(integer, jsonb) IS 'internal: checks to whom an identity map''s state belongs, and who may do what there';

-- The rights on a map's state: of the map's owner to rows, to sequences; none of anybody else.
CREATE FUNCTION identity_internal.identity_map_grant(id integer, owner oid) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
  grantee oid;
BEGIN
  FOR item IN
    SELECT c.oid, c.oid::regclass AS relation, s.is_sequence, s.wanted, coalesce(c.relacl, acldefault(CASE WHEN s.is_sequence THEN 's' ELSE 'r' END::"char", c.relowner)) AS rights
    FROM identity_internal.identity_map_relations(id) AS r JOIN pg_class AS c ON c.oid = r
    CROSS JOIN LATERAL (SELECT c.relkind = 'S' AS is_sequence,
      CASE WHEN c.relkind = 'S' THEN ARRAY['SELECT', 'USAGE', 'UPDATE'] ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END AS wanted) AS s
  LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM aclexplode(item.rights) AS x
                              WHERE x.grantee <> current_user::regrole::oid AND (x.grantee <> owner OR x.is_grantable OR x.privilege_type <> ALL (item.wanted)))
              AND NOT EXISTS (SELECT FROM pg_attribute AS t WHERE t.attrelid = item.oid AND t.attacl IS NOT NULL)
              AND (owner = current_user::regrole::oid
                   OR (SELECT count(DISTINCT x.privilege_type) FROM aclexplode(item.rights) AS x WHERE x.grantee = owner) = cardinality(item.wanted));
    FOR grantee IN SELECT x.grantee FROM aclexplode(item.rights) AS x WHERE x.grantee <> current_user::regrole::oid
                   UNION SELECT x.grantee FROM pg_attribute AS t CROSS JOIN LATERAL aclexplode(t.attacl) AS x WHERE t.attrelid = item.oid LOOP
      EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', CASE WHEN item.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, item.relation,
                     CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END);
    END LOOP;
    IF owner <> current_user::regrole::oid THEN
      EXECUTE format('GRANT %s ON %s %s TO %s', array_to_string(item.wanted, ', '), CASE WHEN item.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END,
                     item.relation, owner::regrole);
    END IF;
  END LOOP;
  -- The map's owner attaches its capture functions to tables; nobody else may.
  FOR item IN SELECT f.oid::regprocedure AS function, x.grantee FROM pg_proc AS f
              CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS x
              WHERE f.pronamespace = 'identity_state'::regnamespace AND f.proname ~ ('^m' || id || '_') AND x.grantee NOT IN (f.proowner, owner) LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', item.function, CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE item.grantee::regrole::text END);
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_grant(integer, oid) IS 'internal: the rights on an identity map''s state';

-- Drops the state that identity_map_adopt() has taken over.
CREATE FUNCTION identity_internal.identity_map_discard(id integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM identity_internal.identity_map_drop_state((a ->> 'former')::integer);
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_discard(integer, jsonb) IS 'internal: drops a state that an identity map has replaced';

-- Drops the capture functions, and so their triggers, and the tables of a state; what somebody has made of their row types, or
-- a view over them, does not hold them.
CREATE FUNCTION identity_internal.identity_map_drop_state(id integer) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT f.oid::regprocedure AS function FROM pg_proc AS f
              WHERE f.pronamespace = 'identity_state'::regnamespace AND f.proname ~ ('^m' || id || '_') LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', item.function);
  END LOOP;
  -- Of whatever sort: somebody may have put something else in the place of a table. A sequence goes with its table.
  FOR item IN SELECT c.oid, c.relname AS name, k.sort FROM identity_internal.identity_map_relations(id) AS r JOIN pg_class AS c ON c.oid = r
              JOIN (VALUES ('r', 'TABLE'), ('p', 'TABLE'), ('f', 'FOREIGN TABLE'), ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('S', 'SEQUENCE')) AS k (kind, sort)
                ON k.kind = c.relkind ORDER BY c.relkind = 'S' LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = item.oid);
    EXECUTE format('DROP %s identity_state.%I CASCADE', item.sort, item.name);
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_drop_state(integer) IS 'internal: drops the state of an identity map';

-- The end of a map: its triggers, its state, its row of the catalog, and its owner's rights.
CREATE FUNCTION identity_internal.identity_map_erase(id integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid;
BEGIN
  PERFORM identity_internal.identity_map_drop_state(id);
  DELETE FROM identity_internal.identity_map_catalog AS c USING pg_roles AS r WHERE c.map_id = id AND r.rolname = c.owner_name RETURNING r.oid INTO owner;
  DELETE FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = id;
  DELETE FROM identity_internal.identity_map_counts AS n WHERE n.map_id = id;
  IF owner IS NOT NULL THEN
    PERFORM identity_internal.identity_map_dismiss(owner::integer, '{}');
  END IF;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_erase(integer, jsonb) IS 'internal: drops an identity map''s state';

-- Erases what is left of maps whose table was dropped by hand, of the owners whose role `role` has; and, for a superuser, of
-- maps that the catalog does not know, as after a restore of the schema alone. The call that this is a part of is about something
-- else: what cannot be had at once, as somebody is busy with a table that has a trigger, or fails, is left for later.
CREATE FUNCTION identity_internal.identity_map_clear_dead(role integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_super boolean := (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = role::oid);
  item record;
BEGIN
  PERFORM set_config('lock_timeout', '200ms', true);
  FOR item IN SELECT c.map_id, x.oid AS owner FROM identity_internal.identity_map_catalog AS c LEFT JOIN pg_roles AS x ON x.rolname = c.owner_name
              WHERE identity_internal.identity_map_table(c.map, c.map_oid, c.map_name, c.written_in) IS NULL LOOP
    IF (is_super OR coalesce(pg_has_role(role::oid, item.owner, 'USAGE'), false)) AND identity_internal.identity_map_lock(item.map_id, 1, true, false) THEN
      BEGIN
        PERFORM identity_internal.identity_map_erase(item.map_id, '{}');
      EXCEPTION WHEN OTHERS THEN
        NULL;
      END;
    END IF;
  END LOOP;
  IF is_super THEN
    FOR item IN SELECT DISTINCT substring(s.name FROM '^m([0-9]{1,9})_')::integer AS map_id
                FROM (SELECT c.relname AS name FROM pg_class AS c WHERE c.relnamespace = 'identity_state'::regnamespace AND c.relkind = 'r'
                      UNION ALL SELECT f.proname FROM pg_proc AS f WHERE f.pronamespace = 'identity_state'::regnamespace) AS s
                WHERE s.name ~ '^m[0-9]{1,9}_' LOOP
      IF NOT EXISTS (SELECT FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = item.map_id)
         AND identity_internal.identity_map_lock(item.map_id, 1, true, false) THEN
        BEGIN
          PERFORM identity_internal.identity_map_drop_state(item.map_id);
        EXCEPTION WHEN OTHERS THEN
          NULL;
        END;
      END IF;
    END LOOP;
  END IF;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_clear_dead(integer, jsonb) IS 'internal: erases what is left of identity maps whose table is gone';

-- The indexes of a map's state, made where they are missing: without user code, as they have no expressions.
CREATE FUNCTION identity_internal.identity_map_index(id integer) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(id);
  item record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = (p || 'identities')::regclass AND pg_get_constraintdef(c.oid) = 'PRIMARY KEY (identity_id)') THEN
    EXECUTE format('ALTER TABLE %sidentities ADD PRIMARY KEY (identity_id)', p);
  END IF;
  FOR item IN SELECT v.name, v.columns FROM (VALUES ('places', 'first'), ('added', 'hash')) AS v (name, columns)
      WHERE to_regclass(format('%s%s_%s_idx', p, v.name, v.columns)) IS NULL LOOP
    EXECUTE format('CREATE INDEX ON %s%s (%I)', p, item.name, item.columns);
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_index(integer) IS 'internal: the indexes of an identity map''s state';

-- Makes room for what the sources are now: numbers, tables and statements. Where a source's columns, or
-- the clauses, are others than before, the next refresh builds the state anew.
CREATE FUNCTION identity_internal.identity_map_prepare(id integer, layout jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m identity_internal.identity_map_catalog;
  p text := identity_internal.identity_map_prefix(id);
  owner regrole;
  now_prepared jsonb;
  source jsonb;
  item record;
  number integer;
  name text;
BEGIN
  SELECT * INTO m FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = id;
  SELECT c.relowner::regrole INTO owner FROM pg_class AS c WHERE c.oid = m.map;
  now_prepared := jsonb_build_object('layout', layout, 'clauses', (SELECT jsonb_agg(c::jsonb) FROM unnest(m.clauses) AS c),
                                     'table', m.map::text, 'table_id', m.map::oid, 'owner', owner::text,
                                     'columns', identity_internal.identity_map_table_columns(m.map));
  IF now_prepared = m.prepared THEN
    RETURN '{}';
  END IF;
  -- Nobody is in the middle of it.
  PERFORM identity_internal.identity_map_lock(id, 2, true, true);

  m.stamp := identity_internal.identity_map_stamp((SELECT jsonb_agg(c::jsonb) FROM unnest(m.clauses) AS c), layout);
  m.columns := ARRAY(SELECT c::jsonb ->> 'name' FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n)
                     WHERE c::jsonb ->> 'clause' = 'column' AND c::jsonb ->> 'name' IS DISTINCT FROM m.stamp ORDER BY n);
  PERFORM identity_internal.identity_map_check_table(m);
  -- A source keeps its number for as long as the map has it.
  FOR item IN SELECT s ->> 'name' AS name FROM jsonb_array_elements(layout -> 'sources') AS s LOOP
    IF m.numbers -> item.name IS NULL THEN
      m.numbers := m.numbers || jsonb_build_object(item.name,
        1 + greatest((SELECT max(v::integer) FROM jsonb_each_text(m.numbers) AS n (k, v)),
                     coalesce((m.marks ->> 'last_number')::integer, 0)));
    END IF;
  END LOOP;
  m.marks := m.marks || jsonb_build_object('last_number', (SELECT max(v::integer) FROM jsonb_each_text(m.numbers) AS n (k, v)));
  FOR item IN SELECT n.k AS name, n.v::integer AS number FROM jsonb_each_text(m.numbers) AS n (k, v) LOOP
    IF item.name <> 'identify' AND NOT EXISTS (SELECT FROM jsonb_array_elements(layout -> 'sources') AS s
                                               WHERE s ->> 'name' = item.name) THEN
      m.numbers := m.numbers - item.name;
      m.marks := (m.marks - item.number::text) #- ARRAY['left_out', item.number::text] #- ARRAY['kept', item.number::text] #- ARRAY['files', item.number::text]
        #- ARRAY['totals', item.number::text];
    END IF;
  END LOOP;

  IF to_regclass(p || 'identities') IS NULL THEN
    EXECUTE format('CREATE TABLE %sidentities (identity_id uuid PRIMARY KEY, created_at timestamptz NOT NULL, packed bytea NOT NULL) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1)', p);
    EXECUTE format('ALTER TABLE %sidentities ALTER packed SET STORAGE EXTERNAL', p);
    EXECUTE format('CREATE TABLE %splaces (first bigint NOT NULL, entries bytea NOT NULL) WITH (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 10)', p);
    EXECUTE format('ALTER TABLE %splaces ALTER entries SET STORAGE PLAIN', p);
    EXECUTE format('CREATE TABLE %sadded (hash bigint NOT NULL, place bigint NOT NULL, change smallint NOT NULL) WITH (autovacuum_vacuum_scale_factor = 0.1)', p);
    EXECUTE format('CREATE TABLE %sprints (source smallint NOT NULL, part bigint GENERATED BY DEFAULT AS IDENTITY,
      came bytea, came_rids bytea, went bytea, PRIMARY KEY (source, part)) WITH (toast.autovacuum_vacuum_scale_factor = 0.1, toast.autovacuum_vacuum_threshold = 10)', p);
    EXECUTE format('ALTER TABLE %sprints ALTER came SET STORAGE EXTERNAL, ALTER came_rids SET STORAGE EXTERNAL, ALTER went SET STORAGE EXTERNAL', p);
    EXECUTE format('CREATE TABLE %scommon (key bigint PRIMARY KEY)', p);
    EXECUTE format('CREATE TABLE %sretired (identity_id uuid PRIMARY KEY, into_id uuid, at timestamptz NOT NULL)', p);
    EXECUTE format('CREATE INDEX ON %sretired (into_id)', p);
    EXECUTE format('CREATE TABLE %sgone (hash bigint PRIMARY KEY, identity_id uuid NOT NULL, created_at timestamptz NOT NULL, at timestamptz NOT NULL)', p);
    EXECUTE format('CREATE INDEX ON %sgone (at)', p);
    EXECUTE format('CREATE TABLE %shistory (history_id bigint GENERATED BY DEFAULT AS IDENTITY, at timestamptz NOT NULL,
      event text NOT NULL, identity_id uuid NOT NULL, from_ids uuid[], into_id uuid, by_kind text, by_value text, by_rids bigint[])', p);
    EXECUTE format('CREATE TABLE %slog (source smallint NOT NULL, record_id text COLLATE "C")', p);
    EXECUTE format('CREATE TABLE %stombstones (hash bigint PRIMARY KEY, source text NOT NULL, at timestamptz NOT NULL)', p);
    EXECUTE format('CREATE TABLE %saliases (key bigint NOT NULL, kind text NOT NULL, former bytea NOT NULL, present bytea NOT NULL)', p);
    EXECUTE format('CREATE INDEX ON %saliases (key)', p);
    EXECUTE format('CREATE UNLOGGED TABLE %sclaims (key bigint PRIMARY KEY)', p);
    EXECUTE format('CREATE TABLE %stold (rid bigint PRIMARY KEY, record_id text COLLATE "C" NOT NULL, updated_at timestamp)', p);
  END IF;

  FOR name IN SELECT k ->> 'name' FROM jsonb_array_elements(layout -> 'kinds') AS k
              WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(p || 'told')
                                AND a.attname = 'k_' || (k ->> 'name')) LOOP
    EXECUTE format('ALTER TABLE %stold ADD COLUMN %I text[]', p, 'k_' || name);
  END LOOP;

  -- Where a publication has all tables, only one whose rows are known by something can be changed: these have no key.
  -- It makes no difference before wal_level is logical.
  FOR item IN SELECT c.oid::regclass AS relation FROM identity_internal.identity_map_relations(id) AS r JOIN pg_class AS c ON c.oid = r
              WHERE c.relkind = 'r' AND c.relname ~ '_(log|history|aliases|places|added)$' AND c.relreplident <> 'f' LOOP
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', item.relation);
  END LOOP;
  PERFORM identity_internal.identity_map_index(id);

  -- How the state's rows of a source are read. As a clause, with the records' numbers: all of them, each with its bytes; the
  -- rows that were reached last; or none, for where none is wanted. And what identify() was told, as a source.
  WITH sources (n, name, number, is_dated) AS (
    SELECT s.n, s.s ->> 'name', (m.numbers ->> (s.s ->> 'name'))::integer, (s.s -> 'updated_at')::boolean
    FROM jsonb_array_elements(layout -> 'sources') WITH ORDINALITY AS s (s, n)
    UNION ALL SELECT NULL, 'identify', 0, true),
  cells (number, place, cell, type, shown) AS (
    SELECT (m.numbers ->> (s.s ->> 'name'))::integer, c.n, 'c' || c.n, CASE WHEN (c.c -> 'array')::boolean THEN 'text[]' ELSE 'text' END, c.c ->> 'kind'
    FROM jsonb_array_elements(layout -> 'sources') AS s (s) CROSS JOIN LATERAL jsonb_array_elements(s.s -> 'columns') WITH ORDINALITY AS c (c, n)
    UNION ALL SELECT 0, k.n, 'k_' || (k.k ->> 'name'), 'text[]', k.k ->> 'name'
              FROM jsonb_array_elements(layout -> 'kinds') WITH ORDINALITY AS k (k, n) WHERE (k.k -> 'identify')::boolean),
  readers AS (
    SELECT s.number, concat('r.record_id AS id', CASE WHEN s.is_dated THEN ', r.updated_at AS updated_at' END, c.shown) AS shown,
           concat('NULL::text AS id', CASE WHEN s.is_dated THEN ', NULL::timestamp AS updated_at' END, c.blank) AS blank,
           'rid bigint, record_id text, updated_at timestamp, packed bytea' || coalesce(c.definition, '') AS definition
    FROM sources AS s LEFT JOIN (
      SELECT c.number, string_agg(format(', r.%I AS %I', c.cell, c.shown), '' ORDER BY c.place) AS shown,
             string_agg(format(', NULL::%s AS %I', c.type, c.shown), '' ORDER BY c.place) AS blank,
             string_agg(format(', %I %s', c.cell, c.type), '' ORDER BY c.place) AS definition
      FROM cells AS c GROUP BY c.number) AS c ON c.number = s.number)
  SELECT array_agg(s.name ORDER BY s.n NULLS LAST), array_agg(s.number ORDER BY s.n NULLS LAST),
         max(format('SELECT %s FROM %stold AS r', r.shown, p)) FILTER (WHERE s.number = 0),
         array_agg(identity_internal.identity_source(s.name, format('SELECT %s, r.rid AS "[number]", r.packed AS "[packed]" FROM identity_internal.identity_map_rows(%s, %s, true) AS r (%s)',
                                                              r.shown, id, s.number, r.definition)) ORDER BY s.n NULLS LAST),
         array_agg(identity_internal.identity_source(s.name, format('SELECT %s, r.rid AS "[number]" FROM identity_internal.identity_map_rows(%s, %s, false) AS r (%s)',
                                                              r.shown, id, s.number, r.definition)) ORDER BY s.n NULLS LAST),
         array_agg(identity_internal.identity_source(s.name, format('SELECT %s, NULL::bigint AS "[number]" WHERE false', r.blank)) ORDER BY s.n NULLS LAST)
  INTO m.source_names, m.source_numbers, m.told_reader, m.state_sources, m.reached_sources, m.blank_sources
  FROM sources AS s JOIN readers AS r ON r.number = s.number;
  m.state := identity_internal.identity_map_state(m.secret, '{}', id, (
    SELECT coalesce(jsonb_agg(c::jsonb -> 'kind' ORDER BY n), '[]') FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n) WHERE c::jsonb ->> 'clause' = 'alias'));
  -- The kinds that identify() takes; the statement that gives the bytes of a row of its own: $1 clauses, $2 which of the
  -- sources it is, $3 a query for it; and the one that writes what it was told: $1, as JSON.
  m.trait_kinds := ARRAY(SELECT k ->> 'name' FROM jsonb_array_elements(layout -> 'kinds') WITH ORDINALITY AS k (k, n) WHERE (k -> 'identify')::boolean ORDER BY n);
  m.scan_told := format('SELECT packed FROM identity_internal.identity_map_scan($1, $2, $3, %L, NULL)', 'pg_catalog, pg_temp');
  m.told := format('INSERT INTO %1$stold SELECT (jsonb_populate_record(NULL::%1$stold, $1)).*
      ON CONFLICT (rid) DO UPDATE SET updated_at = excluded.updated_at%2$s', p,
    (SELECT string_agg(format(', %1$I = excluded.%1$I', 'k_' || k), '') FROM unnest(m.trait_kinds) AS k));
  m.rules := ARRAY(SELECT c FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n) WHERE c::jsonb ->> 'clause' IN ('rule', 'defaults') ORDER BY n);
  -- By kind, how many records may carry an identifier, of one source and of all; what no more carry is within both.
  SELECT array_agg((k ->> 'max_records')::bigint ORDER BY n), array_agg((k ->> 'max_records_in_all')::bigint ORDER BY n),
         array_agg(coalesce(least(nullif((k ->> 'max_records')::bigint, 0), nullif((k ->> 'max_records_in_all')::bigint, 0)), 0) ORDER BY n)
  INTO m.limits_a_source, m.limits_in_all, m.limits
  FROM jsonb_array_elements(layout -> 'kinds') WITH ORDINALITY AS k (k, n);
  UPDATE identity_internal.identity_map_catalog AS c
  SET numbers = m.numbers, marks = m.marks, source_names = m.source_names,
      source_numbers = m.source_numbers, told_reader = m.told_reader, state_sources = m.state_sources, reached_sources = m.reached_sources,
      blank_sources = m.blank_sources, state = m.state,  trait_kinds = m.trait_kinds, scan_told = m.scan_told, told = m.told, rules = m.rules, limits = m.limits, limits_a_source = m.limits_a_source,
      limits_in_all = m.limits_in_all, columns = m.columns, stamp = m.stamp,
      settle = identity_internal.identity_map_settle_text(m, false), prepared = now_prepared,
      rebuild = c.rebuild OR m.prepared IS NULL OR m.prepared -> 'layout' <> layout
                OR m.prepared -> 'clauses' <> now_prepared -> 'clauses'
                OR NOT identity_internal.identity_map_has_columns(m, now_prepared)
  WHERE c.map_id = id;
  PERFORM identity_internal.identity_map_grant(id, owner::oid);
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_prepare(integer, jsonb) IS
  'internal: makes the tables and statements that an identity map''s sources need';

-- The functions of a map's capture triggers (52-map-read.sql: identity_map_triggers()), made where they are not as they
-- must be; those that no clause asks for any more go, and their triggers with them, whoever owns the tables. Of the
-- triggers that are there: those that stand on a table that is no longer the source's go; the others fire in the sessions
-- that they are for, and say what they are. Nothing of it touches a row.
CREATE FUNCTION identity_internal.identity_map_arm(id integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
  m identity_internal.identity_map_catalog;
  owner regrole;
  item record;
  grantee oid;
BEGIN
  SELECT * INTO m FROM identity_internal.identity_map_catalog AS c WHERE c.map_id = id;
  SELECT c.relowner::regrole INTO owner FROM pg_class AS c WHERE c.oid = m.map;
  FOR item IN SELECT f.function FROM identity_internal.identity_map_capture_functions(m) AS f WHERE f.number IS NULL LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', item.function);
  END LOOP;
  FOR item IN SELECT f.* FROM identity_internal.identity_map_capture_functions(m) AS f WHERE NOT f.is_good LOOP
    IF item.is_foreign THEN
      EXECUTE format('DROP FUNCTION %s CASCADE', item.function);
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS trigger LANGUAGE c AS %L, %L', item.function, 'MODULE_PATHNAME', 'identity_map_capture');
    FOR grantee IN SELECT DISTINCT x.grantee FROM pg_proc AS f CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS x
                   WHERE f.oid = item.function::regprocedure AND x.grantee <> f.proowner LOOP
      EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', item.function, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END);
    END LOOP;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', item.function, owner);
  END LOOP;
  FOR item IN SELECT t.tgname, t.tgrelid::regclass AS relation
              FROM identity_internal.identity_map_capture_functions(m) AS f JOIN pg_trigger AS t ON t.tgfoid = f.function::regprocedure AND t.tgrelid <> f.relation
              WHERE f.is_elsewhere LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', item.tgname, item.relation);
  END LOOP;
  FOR item IN SELECT t.* FROM identity_internal.identity_map_triggers(m) AS t WHERE t.is_there AND NOT t.is_on LOOP
    EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', item.relation, item.firing, item.name);
  END LOOP;
  FOR item IN SELECT f.function, f.comment FROM identity_internal.identity_map_capture_functions(m) AS f WHERE NOT f.is_named LOOP
    EXECUTE format('COMMENT ON FUNCTION %s IS %L', item.function, item.comment);
  END LOOP;
  FOR item IN SELECT t.* FROM identity_internal.identity_map_triggers(m) AS t WHERE t.is_there AND NOT t.is_named LOOP
    EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', item.name, item.relation, item.comment);
  END LOOP;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_arm(integer, jsonb) IS
  'internal: the functions by which an identity map hears of changes, and when their triggers fire';

-- What a refresh did, or what it failed with; what alter_identity_map() changes; how many identities and records identify() and
-- forget() have added.
CREATE FUNCTION identity_internal.identity_map_note(id integer, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m identity_internal.identity_map_catalog;
BEGIN
  IF a ? 'error' THEN
    UPDATE identity_internal.identity_map_catalog AS c
    SET last_error = format('%s (%s)', a ->> 'error', a ->> 'sqlstate'), last_error_at = clock_timestamp()
    WHERE c.map_id = id;
  ELSIF a ? 'clauses' THEN
    UPDATE identity_internal.identity_map_catalog AS c
    SET rebuild = true,
        clauses = identity_internal.identity_map_list(a -> 'clauses'),
        columns = ARRAY(SELECT x FROM unnest(c.columns) WITH ORDINALITY AS x (x, n)
                        WHERE NOT a -> 'dropped' ? x ORDER BY n),
        stamp = CASE WHEN NOT a -> 'dropped' ? c.stamp THEN c.stamp END
    WHERE c.map_id = id RETURNING c.* INTO m;
    UPDATE identity_internal.identity_map_catalog AS c SET settle = identity_internal.identity_map_settle_text(m, false) WHERE c.map_id = id;
  ELSIF a ? 'changes' THEN
    -- Nobody is in the middle of identify(): what its calls have added is all there. The row takes up a page, so it is written once.
    WITH told AS (DELETE FROM identity_internal.identity_map_counts AS n WHERE n.map_id = id RETURNING n.identities, n.records),
      told_in_all (identities, records) AS (SELECT coalesce(sum(t.identities), 0), coalesce(sum(t.records), 0) FROM told AS t)
    UPDATE identity_internal.identity_map_catalog AS c
    SET refreshes = c.refreshes + 1, rebuild = false, marks = c.marks || (a -> 'marks'),
        last_refresh = (a ->> 'started')::timestamptz,
        last_duration = clock_timestamp() - (a ->> 'started')::timestamptz,
        last_changes = a -> 'changes', last_error = NULL, last_error_at = NULL,
        identities = coalesce((a #>> '{counts,identities}')::bigint, c.identities + t.identities + (a #>> '{counts,more_identities}')::bigint),
        records = coalesce((a #>> '{counts,records}')::bigint, c.records + t.records + (a #>> '{counts,more_records}')::bigint)
    FROM told_in_all AS t WHERE c.map_id = id;
  ELSIF a ? 'counts' THEN
    INSERT INTO identity_internal.identity_map_counts (map_id, identities, records)
    VALUES (id, (a #>> '{counts,more_identities}')::bigint, (a #>> '{counts,more_records}')::bigint);
    -- Of forget(), which no other call on the map is beside.
    IF a #> '{counts,totals}' IS NOT NULL THEN
      UPDATE identity_internal.identity_map_catalog AS c SET marks = c.marks || jsonb_build_object('totals', a #> '{counts,totals}') WHERE c.map_id = id;
    END IF;
  END IF;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_note(integer, jsonb) IS 'internal: writes down what became of an identity map';

