-- Identity maps: identify() and forget(), which change the state without a source's query.

-- A trait's values as texts: a scalar is one, null is none. Errors: 22023 for an object.
CREATE FUNCTION identity_internal.identity_map_values(kind text, value jsonb) RETURNS jsonb
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF jsonb_typeof(value) = 'array' THEN
    IF EXISTS (SELECT FROM jsonb_array_elements(value) AS e WHERE jsonb_typeof(e) IN ('array', 'object')) THEN
      RAISE EXCEPTION 'trait "%" is no identifier', kind USING ERRCODE = 'invalid_parameter_value',
        DETAIL = format('It is %s.', value), HINT = 'An identifier is a text or a number, or an array of these.';
    END IF;
    RETURN (SELECT coalesce(jsonb_agg(DISTINCT e), '[]') FROM jsonb_array_elements_text(value) AS e WHERE e IS NOT NULL);
  ELSIF jsonb_typeof(value) = 'object' THEN
    RAISE EXCEPTION 'trait "%" is no identifier', kind USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('It is %s.', value), HINT = 'An identifier is a text or a number, or an array of these.';
  ELSIF jsonb_typeof(value) = 'null' THEN
    RETURN '[]';
  END IF;
  RETURN jsonb_build_array(value #>> '{}');
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_values(text, jsonb) IS 'internal: the values of a trait';

-- identify() as the map's owner. Two calls that may concern the same people wait for each other: each
-- locks the identifiers that connect the records it is about, in one order. As others may have connected
-- more by then, it looks again; what it lacks it locks anew, all in order, after giving up what it had.
CREATE FUNCTION identity_internal.identity_map_identify(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  user_id text := a ->> 'user_id';
  record_hash bigint := identity_internal.identity_map_record(m.secret, 'identify', user_id);
  former jsonb;
  packed bytea;
  old_fingerprint bigint;
  traits jsonb;
  kind text;
  at timestamptz := clock_timestamp();
  reached identity_internal.identity_map_reached;
  wanted bigint[];
  done jsonb;
  more jsonb;
  id uuid;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'identify() cannot be called in a transaction that is %', current_setting('transaction_isolation')
      USING ERRCODE = 'active_sql_transaction', DETAIL = 'It would not see what other calls did to the same people meanwhile.',
            HINT = 'Call it in a transaction that is READ COMMITTED.';
  END IF;
  IF coalesce(user_id, '') !~ '[^[:space:]]' THEN
    RAISE EXCEPTION 'identify() needs a user id' USING ERRCODE = CASE WHEN user_id IS NULL THEN '22004' ELSE '22023' END,
      HINT = 'Give the id under which your accounts know the user.';
  ELSIF identity_internal.identity_map_may_name_none(user_id) THEN
    RAISE EXCEPTION 'identify() needs a user id, and "%" is none', user_id USING ERRCODE = 'invalid_parameter_value',
      DETAIL = 'It is one of identity_blocked_values(), which programs write where they have no id: users without one would become one person.',
      HINT = 'Call identify() when the user is known.';
  ELSIF jsonb_typeof(a -> 'traits') NOT IN ('object', 'null') THEN
    RAISE EXCEPTION 'traits must be an object' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s.', a -> 'traits'),
      HINT = 'Write for example {"email": "jane.kim@example.com"}.';
  END IF;
  PERFORM identity_internal.identity_map_lock_keys(m.map_id, ARRAY[record_hash]);
  IF identity_internal.identity_map_execute(format('SELECT 1 FROM %stombstones WHERE hash = $1', p), record_hash) IS NOT NULL THEN
    RAISE EXCEPTION 'user "%" was forgotten', user_id USING ERRCODE = 'object_not_in_prerequisite_state',
      DETAIL = 'forget() left a mark so that the record does not come back unasked.',
      HINT = format('If it may, call remember(%L, %L, ...) first.', m.map, 'identify');
  END IF;

  former := identity_internal.identity_map_execute(format('SELECT to_jsonb(r) FROM %stold AS r WHERE r.rid = $1', p), record_hash);
  IF former IS NOT NULL THEN
    user_id := former ->> 'record_id';  -- as it was spelled at first
    SELECT r.identity_id, r.fingerprint INTO id, old_fingerprint FROM identity_internal.identity_map_members(m.map_id, NULL, ARRAY[record_hash]) AS r;
  END IF;
  -- What it said before stays, unless it says otherwise.
  traits := coalesce(former, '{}') - 'rid' - 'updated_at' - 'record_id';
  IF traits -> 'k_user_id' IS NULL OR jsonb_typeof(traits -> 'k_user_id') = 'null' THEN
    traits := traits || jsonb_build_object('k_user_id', jsonb_build_array(user_id));
  END IF;
  FOREACH kind IN ARRAY m.trait_kinds LOOP
    CONTINUE WHEN kind = 'user_id' OR NOT coalesce(a -> 'traits' ? kind, false);
    traits := traits || jsonb_build_object('k_' || kind, identity_internal.identity_map_values(kind, a #> ARRAY['traits', kind]));
  END LOOP;
  packed := identity_internal.identity_map_execute(m.scan_told, m.blank_sources || m.rules || m.state, cardinality(m.source_numbers),
    format('SELECT %L::text, %L::timestamp AS updated_at', user_id, at AT TIME ZONE 'UTC')
      || (SELECT string_agg(format(', %L::text[] AS %I',
                   CASE WHEN jsonb_typeof(traits -> ('k_' || k)) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(traits -> ('k_' || k))) END, k), '' ORDER BY n)
          FROM unnest(m.trait_kinds) WITH ORDINALITY AS k (k, n)))::bytea;
  IF old_fingerprint = (identity_internal.identity_map_packed_numbers(packed))[1] THEN
    RETURN jsonb_build_object('id', id);
  END IF;

  wanted := (identity_internal.identity_map_packed_numbers(packed))[2:];
  LOOP
    IF cardinality(wanted) > 1000 THEN
      -- So many that the whole map is meant.
      PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true);
    END IF;
    BEGIN
      IF cardinality(wanted) <= 1000 THEN
        PERFORM identity_internal.identity_map_lock_keys(m.map_id, wanted);
      END IF;
      PERFORM identity_internal.identity_map_told(m.map_id, ARRAY[record_hash], packed);
      reached := identity_internal.identity_map_reach(m.map_id, '{}', '{}', m.limits_a_source, m.limits_in_all, identity_internal.identity_map_most(m));
      IF reached.records IS NULL THEN
        -- As are more than memory holds.
        PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true);
        EXIT;
      END IF;
      EXIT WHEN cardinality(wanted) > 1000 OR reached.keys <@ wanted;
      wanted := ARRAY(SELECT unnest(wanted) UNION SELECT unnest(reached.keys));
      RAISE EXCEPTION USING ERRCODE = 'IR001', MESSAGE = 'more to lock';
    EXCEPTION WHEN SQLSTATE 'IR001' THEN
      NULL;
    END;
  END LOOP;

  PERFORM identity_internal.identity_map_execute(m.told, traits || jsonb_build_object('rid', record_hash, 'record_id', user_id, 'updated_at', at AT TIME ZONE 'UTC'));
  IF reached.records IS NOT NULL THEN
    done := identity_internal.identity_map_settle(m, '{}', at, true);
  ELSE
    -- More than memory holds: from the state, as a source's query is no part of this call.
    PERFORM identity_internal.identity_map_want_all();
    done := identity_internal.identity_map_settle_all(m, at, true);
  END IF;
  more := identity_internal.identity_map_more(done, CASE WHEN former IS NULL THEN 1 ELSE 0 END);
  SELECT r.identity_id INTO id FROM identity_internal.identity_map_members(m.map_id, NULL, ARRAY[record_hash]) AS r;
  RETURN jsonb_build_object('id', id) || CASE WHEN more = '{"more_identities": 0, "more_records": 0}' THEN '{}' ELSE jsonb_build_object('counts', more) END;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_identify(identity_internal.identity_map_catalog, jsonb) IS 'internal: identify() as the owner of the map';

-- forget() and forget_identity() as the map's owner: records leave the copies, and a hash of each stays so
-- that a refresh passes it over; their people are settled anew; the history forgets by what it named them.
CREATE FUNCTION identity_internal.identity_map_forget(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  item record;
  at timestamptz := clock_timestamp();
  touched bigint[] := '{}';
  source_name text;
  record_id text;
  people uuid[] := '{}';
  done jsonb;
  counts jsonb := '{}';
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'nobody can be forgotten in a transaction that is %', current_setting('transaction_isolation')
      USING ERRCODE = 'active_sql_transaction', HINT = 'Call it in a transaction that is READ COMMITTED.';
  END IF;
  PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true);
  IF a ? 'record_id' THEN
    IF NOT a ->> 'source' = ANY (m.source_names) THEN
      RAISE EXCEPTION 'the identity map has no source "%"', a ->> 'source' USING ERRCODE = 'undefined_object',
        DETAIL = format('Its sources are %s.', array_to_string(m.source_names, ', ')), HINT = 'Name the source as its clause does.';
    END IF;
    -- Also of a record that is not there: it is not to come.
    EXECUTE format('INSERT INTO %stombstones (hash, source, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', p)
    USING identity_internal.identity_map_record(m.secret, a ->> 'source', a ->> 'record_id'), a ->> 'source', at;
    EXECUTE format('DELETE FROM %slog WHERE source = $1 AND record_id = $2', p)
    USING (m.numbers ->> (a ->> 'source'))::integer, a ->> 'record_id';
    -- Also that it was there.
    EXECUTE format('DELETE FROM %sgone WHERE hash = $1', p)
    USING identity_internal.identity_map_record(m.secret, a ->> 'source', a ->> 'record_id');
  ELSE
    EXECUTE format('WITH RECURSIVE chain (id) AS (
        SELECT unnest($1) UNION SELECT g.identity_id FROM chain JOIN %1$sretired AS g ON g.into_id = chain.id)
      DELETE FROM %1$sgone AS g USING chain WHERE g.identity_id = chain.id', p)
    USING ARRAY[(a ->> 'identity_id')::uuid, (a ->> 'asked')::uuid];
  END IF;
  FOR item IN SELECT r.rid, r.source, max(r.record_id) AS record_id, array_agg(r.identity_id) AS identities, array_agg(r.fingerprint) AS prints
              FROM identity_internal.identity_map_members(m.map_id, CASE WHEN NOT a ? 'record_id' THEN (a ->> 'identity_id')::uuid END,
                CASE WHEN a ? 'record_id' THEN ARRAY[identity_internal.identity_map_record(m.secret, a ->> 'source', a ->> 'record_id')] END) AS r
              GROUP BY r.rid, r.source ORDER BY r.rid
  LOOP
    source_name := m.source_names[array_position(m.source_numbers, item.source::integer)];
    record_id := item.record_id;
    IF item.source = 0 THEN
      EXECUTE format('DELETE FROM %stold WHERE rid = $1', p) USING item.rid;
    ELSE
      EXECUTE format('INSERT INTO %sprints (source, went) VALUES ($1, identity_internal.identity_map_pack($2))', p) USING item.source, item.prints;
    END IF;
    EXECUTE format('INSERT INTO %stombstones (hash, source, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', p)
    USING identity_internal.identity_map_record(m.secret, source_name, record_id), source_name, at;
    EXECUTE format('DELETE FROM %slog WHERE source = $1 AND record_id = $2', p) USING item.source, record_id;
    touched := touched || item.rid;
    people := people || item.identities;
  END LOOP;
  IF touched <> '{}' THEN
    PERFORM identity_internal.identity_map_told(m.map_id, touched, NULL);
    done := identity_internal.identity_map_settle(m, '{}', at, true);
    IF done IS NULL THEN
      -- More than memory holds. What the state has of the records is left out by their tombstones.
      PERFORM identity_internal.identity_map_want_all();
      done := identity_internal.identity_map_settle_all(m, at, true);
    END IF;
    counts := jsonb_build_object('counts', identity_internal.identity_map_more(done, -cardinality(touched))
      || jsonb_build_object('totals', coalesce(done -> 'totals', identity_internal.identity_map_total(m.marks -> 'totals', done -> 'counts'))));
    -- What the history says of them, of those whom their identities took in, and by their identifiers; also by
    -- those that so many carried that it does not say who.
    EXECUTE format('WITH RECURSIVE chain (id) AS (
        SELECT unnest($2) UNION SELECT g.identity_id FROM chain JOIN %1$sretired AS g ON g.into_id = chain.id)
      UPDATE %1$shistory AS h SET by_kind = NULL, by_value = NULL, by_rids = NULL
      WHERE h.by_value IS NOT NULL AND (h.by_rids IS NULL OR h.by_rids && $1 OR h.identity_id IN (SELECT id FROM chain))', p)
    USING touched, people;
  END IF;
  RETURN jsonb_build_object('forgotten', cardinality(touched)) || counts;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_forget(identity_internal.identity_map_catalog, jsonb) IS 'internal: forget() as the owner of the map';

-- remember() as the map's owner: the next refresh reads the record again, whichever way it reads the source.
CREATE FUNCTION identity_internal.identity_map_remember(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  was_there boolean;
BEGIN
  EXECUTE format('WITH gone AS (DELETE FROM %1$stombstones WHERE hash = $1 RETURNING 1),
                  told AS (INSERT INTO %1$slog (source, record_id) SELECT $2, $3 FROM gone WHERE $2 > 0)
                  SELECT EXISTS (SELECT FROM gone)', p)
  INTO was_there
  USING identity_internal.identity_map_record(m.secret, a ->> 'source', a ->> 'record_id'), (m.numbers ->> (a ->> 'source'))::smallint,
        a ->> 'record_id';
  RETURN jsonb_build_object('was_forgotten', was_there);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_remember(identity_internal.identity_map_catalog, jsonb) IS 'internal: remember() as the owner of the map';

CREATE FUNCTION identity_internal.identity_map_get_clauses(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(jsonb_agg(c::jsonb ORDER BY n), '[]')
  FROM unnest(ARRAY(SELECT c FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' <> 'column')
              || @extschema@.identity_source('identify', m.told_reader)) WITH ORDINALITY AS c (c, n);
END;
COMMENT ON FUNCTION identity_internal.identity_map_get_clauses(identity_internal.identity_map_catalog, jsonb) IS 'internal: identity_map_clauses() as the owner of the map';

-- A value of a clause's JSON as an SQL expression of the text that it is: long or quoted texts between dollar signs, so that a query
-- can be read.
CREATE FUNCTION identity_internal.identity_map_literal(value jsonb) RETURNS text
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  typed text := value #>> '{}';
  tag text := '';
BEGIN
  IF jsonb_typeof(value) = 'array' THEN
    RETURN quote_literal(ARRAY(SELECT jsonb_array_elements_text(value))::text);
  ELSIF jsonb_typeof(value) <> 'string' THEN
    RETURN typed;
  ELSIF typed !~ E'[\'\\\\]' THEN
    RETURN quote_literal(typed);
  END IF;
  -- A text may end in a part of a tag, too.
  WHILE strpos(typed || '$', '$' || tag || '$') > 0 LOOP
    tag := tag || 'q';
  END LOOP;
  RETURN '$' || tag || '$' || typed || '$' || tag || '$';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_literal(jsonb) IS 'internal: a part of a clause as SQL';

-- identity_map_definition() as the map's owner. A clause is a call of the function of its name; each part of it is an argument of the
-- same name: those that every call needs come by their places, the others by their names, in the function's order.
CREATE FUNCTION identity_internal.identity_map_get_definition(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  path text := current_setting('search_path');
  home regnamespace := (SELECT t.typnamespace FROM pg_type AS t WHERE t.oid = pg_typeof(m.state));
  hidden oid[];
  written text;
BEGIN
  -- What another function of the same name hides, or what is not in the path at all, is named with its schema.
  PERFORM set_config('search_path', m.search_path, true);
  hidden := ARRAY(SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.pronamespace OPERATOR(pg_catalog.=) home AND NOT pg_catalog.pg_function_is_visible(p.oid));
  PERFORM pg_catalog.set_config('search_path', path, true);
  SELECT string_agg(E',\n  ' || CASE WHEN p.oid = ANY (hidden) THEN home::text || '.' ELSE '' END || p.proname || '(' || v.arguments || ')', '' ORDER BY c.n)
  INTO written
  FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n)
  JOIN pg_proc AS p ON p.pronamespace = home AND p.proname = 'identity_' || (c.c::jsonb ->> 'clause')
  CROSS JOIN LATERAL (
    SELECT string_agg(CASE WHEN u.place <= p.pronargs - p.pronargdefaults OR c.c::jsonb ->> 'clause' = 'column' THEN '' ELSE quote_ident(u.name) || ' => ' END
                      || identity_internal.identity_map_literal(c.c::jsonb -> u.name), ', ' ORDER BY u.place) AS arguments
    FROM unnest(p.proargnames) WITH ORDINALITY AS u (name, place)
    WHERE c.c::jsonb ? u.name AND (c.c::jsonb ->> 'clause', u.name, c.c::jsonb ->> u.name) <> ('column', 'type', 'text')) AS v;
  SELECT CASE WHEN m.search_path = a ->> 'path' THEN ''
              -- SET takes no name that is empty.
              WHEN m.search_path = '' OR m.search_path ~ '""' THEN format(E'SELECT pg_catalog.set_config(%L, %L, false);\n', 'search_path', m.search_path)
              ELSE format(E'SET search_path = %s;\n', m.search_path) END
         || 'SELECT ' || CASE WHEN p.oid = ANY (hidden) THEN home::text || '.' ELSE '' END || p.proname || '(' || identity_internal.identity_map_literal(to_jsonb(m.map::text)) || written || ');'
  INTO written FROM pg_proc AS p WHERE p.pronamespace = home AND p.proname = 'create_identity_map';
  RETURN jsonb_build_object('definition', written);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_get_definition(identity_internal.identity_map_catalog, jsonb) IS
  'internal: identity_map_definition() as the owner of the map';

-- alter_identity_map() and reduce_identity_map() as the map's owner: changes the table's columns; gives the
-- clauses as they are to be.
CREATE FUNCTION identity_internal.identity_map_alter(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  clauses jsonb := (SELECT jsonb_agg(c::jsonb ORDER BY n) FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n));
  dropped jsonb := '[]';
  clause jsonb;
  part text;
  name text;
  at integer;
  type regtype;
  type_name text;
  wanted regtype;
  statement text;
  replaced text[] := '{}';
  path text := current_setting('search_path');
  map_name text := m.map::text;
BEGIN
  PERFORM identity_internal.identity_map_check_types(a -> 'clauses', coalesce(a ->> 'path', path));
  FOR clause IN SELECT e FROM jsonb_array_elements(a -> 'clauses') AS e LOOP
    part := clause ->> 'clause';
    name := coalesce(clause ->> 'name', clause ->> 'kind', part);
    SELECT min(n) - 1 INTO at FROM jsonb_array_elements(clauses) WITH ORDINALITY AS c (c, n)
    WHERE c ->> 'clause' = part AND coalesce(c ->> 'name', c ->> 'kind', part) = name;
    IF part = 'rule' AND name = ANY (replaced) THEN
      -- It refines the one that has taken the old rules' place.
      at := NULL;
    ELSIF part = 'rule' THEN
      replaced := replaced || name;
      clauses := (SELECT jsonb_agg(c ORDER BY n) FROM jsonb_array_elements(clauses) WITH ORDINALITY AS c (c, n)
                  WHERE n - 1 <= coalesce(at, 0) OR c ->> 'clause' <> part OR c ->> 'kind' <> name);
    END IF;
    IF part = 'column' THEN
      -- What it is in the table, whatever the clauses say.
      SELECT t.atttypid INTO type FROM pg_attribute AS t WHERE t.attrelid = m.map AND t.attname = name AND NOT t.attisdropped;
      type_name := clause ->> 'type';
      PERFORM set_config('search_path', a ->> 'path', true);
      wanted := pg_catalog.to_regtype(type_name);
      PERFORM pg_catalog.set_config('search_path', path, true);
      statement := CASE WHEN at IS NULL OR type IS NULL THEN format('ALTER TABLE %s ADD COLUMN %I %s', map_name, name, type_name)
                        WHEN clauses -> at <> clause OR type <> wanted THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE %3$s USING NULL::%3$s', map_name, name, type_name) END;
      IF statement IS NOT NULL THEN
        PERFORM set_config('search_path', a ->> 'path', true);
        EXECUTE statement;
        PERFORM pg_catalog.set_config('search_path', path, true);
      END IF;
    END IF;
    clauses := CASE WHEN at IS NULL THEN clauses || jsonb_build_array(clause)
                    ELSE jsonb_set(clauses, ARRAY[at::text], clause) END;
  END LOOP;
  FOR part, name IN SELECT d.part, jsonb_array_elements_text(d.names) FROM (VALUES ('source', a -> 'sources'), ('rule', a -> 'rules'),
                    ('alias', a -> 'aliases'), ('column', a -> 'columns')) AS d (part, names) WHERE jsonb_typeof(d.names) = 'array' LOOP
    IF NOT EXISTS (SELECT FROM jsonb_array_elements(clauses) AS c
                   WHERE c ->> 'clause' = part AND coalesce(c ->> 'name', c ->> 'kind') = name) THEN
      RAISE EXCEPTION 'the identity map has no % "%"', part, name USING ERRCODE = 'undefined_object',
        DETAIL = format('It has %s.', (SELECT coalesce(string_agg(coalesce(c ->> 'name', c ->> 'kind'), ', '), 'none')
                                       FROM jsonb_array_elements(clauses) AS c WHERE c ->> 'clause' = part)),
        HINT = 'The view identity_maps shows what it is made of.';
    END IF;
    clauses := (SELECT coalesce(jsonb_agg(c ORDER BY n), '[]') FROM jsonb_array_elements(clauses) WITH ORDINALITY AS c (c, n)
                WHERE c ->> 'clause' <> part OR coalesce(c ->> 'name', c ->> 'kind') <> name);
    IF part = 'column' THEN
      EXECUTE format('ALTER TABLE %s DROP COLUMN IF EXISTS %I', map_name, name);
      dropped := dropped || to_jsonb(name);
    END IF;
  END LOOP;
  PERFORM identity_internal.identity_map_check(clauses, m.search_path, m.map),
          identity_internal.identity_map_comment(m.map, ARRAY(SELECT c ->> 'name' FROM jsonb_array_elements(clauses) AS c WHERE c ->> 'clause' = 'column'), true);
  RETURN jsonb_build_object('clauses', clauses, 'dropped', dropped);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_alter(identity_internal.identity_map_catalog, jsonb) IS 'internal: alter_identity_map() as the owner of the map';
