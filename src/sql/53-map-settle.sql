-- Identity maps: from the records that changed to the table. What they carry, who is affected, and the
-- statement that writes what differs.
--
-- Why a part is enough: who is one person is decided within the records that a path of identifiers
-- connects; identifiers that are too common connect nobody (doc/guards.md). A record that was connected
-- with a changed one, before or now, carries one of the identifiers on the path from it, and the first of
-- these is one that the changed record carried, before or now.

-- Names, in the history, the identifier that joined identities, where all of a map was settled (of a part
-- identity_map_place() tells, by the same rules): of identities that took others in, a record at a place, the
-- identity, the record and what it was. What links here hangs on all records that a path of identifiers
-- connects with these; of many of them the whole map is looked at. At most a thousand carriers are named
-- (kMostCarriers in src/map/place_records.cc).
CREATE FUNCTION identity_internal.identity_map_name_merges(m identity_internal.identity_map_catalog, ids uuid[], rids bigint[], olds uuid[], at timestamptz) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  reached identity_internal.identity_map_reached;
  priorities jsonb := (SELECT jsonb_object_agg(k ->> 'name', k -> 'priority') FROM jsonb_array_elements(m.prepared #> '{layout,kinds}') AS k);
  nests text := current_setting('enable_nestloop');
  level text := current_setting('client_min_messages');
BEGIN
  -- The history has no index by identity: its rows are found by hashing, however many the planner expects. And what there
  -- is to warn of the resolve has said.
  PERFORM set_config('enable_nestloop', 'off', true), set_config('client_min_messages', 'error', true);
  IF cardinality(rids) < 0.1 * identity_internal.identity_map_size(m) THEN
    reached := identity_internal.identity_map_reach(m.map_id, rids, '{}', m.limits_a_source, m.limits_in_all, identity_internal.identity_map_most(m));
  END IF;
  -- A part of an identity is those of its records that were one identity before. A value joins a part if
  -- a record of another part carries it too.
  EXECUTE format('WITH parts AS MATERIALIZED (
      SELECT e.id, e.rid, e.old FROM unnest($2, $6, $7) AS e (id, rid, old)),
    links AS MATERIALIZED (
      SELECT x.id, x.rid, x.old, l.kind, l.value
      FROM identity_internal.identity_links(VARIADIC $1) AS l
      JOIN parts AS x ON x.rid = identity_internal.identity_map_record($3, l.source, l.record_id)
      WHERE l.status = %2$L),
    shared AS MATERIALIZED (
      SELECT id, kind, value, CASE WHEN count(*) <= 1000 THEN array_agg(rid ORDER BY rid) END AS rids, array_agg(DISTINCT old) AS olds,
             bool_or(old IS NULL) AS has_new, bool_or(old = id) AS has_kept
      FROM links GROUP BY id, kind, value
      HAVING count(DISTINCT coalesce(old::text, %3$L)) > 1),
    best AS (
      SELECT DISTINCT ON (s.id, o.old) o.old, s.id, s.kind, s.value, s.rids
      FROM shared AS s CROSS JOIN LATERAL unnest(s.olds) AS o (old)
      WHERE o.old IS NOT NULL
      ORDER BY s.id, o.old, s.has_kept DESC NULLS LAST, ($5 ->> s.kind)::integer DESC, s.kind COLLATE "C", s.value COLLATE "C"),
    own AS (
      SELECT DISTINCT ON (id) id, kind, value, rids FROM best
      ORDER BY id, (old = id), ($5 ->> kind)::integer DESC, kind COLLATE "C", value COLLATE "C")
    UPDATE %1$shistory AS h SET by_kind = b.kind, by_value = b.value, by_rids = b.rids
    FROM (SELECT old AS identity_id, %4$L AS event, id AS into_id, kind, value, rids FROM best
          UNION ALL SELECT id, %5$L, NULL, kind, value, rids FROM own) AS b
    WHERE h.identity_id = b.identity_id AND h.event = b.event AND h.at = $4 AND h.into_id IS NOT DISTINCT FROM b.into_id',
    p, 'links', '-', 'retired', 'merged')
  USING identity_internal.identity_map_request(m, reached), ids, m.secret, at, priorities, rids, olds;
  PERFORM set_config('enable_nestloop', nests, true), set_config('client_min_messages', level, true);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_name_merges(identity_internal.identity_map_catalog, uuid[], bigint[], uuid[], timestamptz) IS
  'internal: by which identifier identities were merged';

-- For statements on many records, until the call ends: as for an index build, what is large is sorted and
-- hashed in memory. The state is looked up record by record unless much of it is concerned; it is small
-- enough to be in the cache mostly.
CREATE FUNCTION identity_internal.identity_map_allow_much() RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')),
                                          pg_size_bytes(current_setting('maintenance_work_mem')) / 2) / 1024 || 'kB', true),
          set_config('random_page_cost', '1.1', true);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_allow_much() IS 'internal: memory and costs for many records';

-- The columns of a map's table: of each the name, the type, the number, and whether nobody may write it.
CREATE FUNCTION identity_internal.identity_map_table_columns(map regclass) RETURNS jsonb
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnum, a.attgenerated <> '' OR a.attidentity = 'a') ORDER BY a.attnum)
  FROM pg_attribute AS a WHERE a.attrelid = identity_map_table_columns.map AND a.attnum > 0 AND NOT a.attisdropped;
END;
COMMENT ON FUNCTION identity_internal.identity_map_table_columns(regclass) IS 'internal: the columns of an identity map''s table';

-- Whether the map's own columns are those that the state was last prepared for; `now`: what it is to be prepared for.
-- Numbers say nothing of a table that a dump has made anew.
CREATE FUNCTION identity_internal.identity_map_has_columns(m identity_internal.identity_map_catalog, now jsonb) RETURNS boolean
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT NOT EXISTS (
    SELECT FROM jsonb_array_elements(now -> 'columns') AS c
    WHERE (c ->> 0 = ANY (m.columns) OR c ->> 0 = m.stamp)
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(m.prepared -> 'columns') AS o
                      WHERE o -> 0 = c -> 0 AND o -> 1 = c -> 1 AND (o -> 2 = c -> 2 OR m.prepared -> 'table_id' <> now -> 'table_id')));
END;
COMMENT ON FUNCTION identity_internal.identity_map_has_columns(identity_internal.identity_map_catalog, jsonb) IS
  'internal: whether nobody has changed the columns that an identity map keeps';

-- The column updated_at of a map, where it has one: it says when anything in a row of the map's table was last written that differs.
-- It is no value of a resolve, and nothing of it is compared. NULL for none, and where the name means a value: kind `at` of a source
-- called `updated`.
CREATE FUNCTION identity_internal.identity_map_stamp(clauses jsonb, layout jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 'updated_at'
  WHERE EXISTS (SELECT FROM jsonb_array_elements(identity_map_stamp.clauses) AS c WHERE c ->> 'clause' = 'column' AND c ->> 'name' = 'updated_at')
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(identity_map_stamp.layout -> 'sources') AS s CROSS JOIN LATERAL jsonb_array_elements(s -> 'columns') AS k
                    WHERE s ->> 'name' = 'updated' AND k ->> 'kind' = 'at');
END;
COMMENT ON FUNCTION identity_internal.identity_map_stamp(jsonb, jsonb) IS 'internal: the column that says when a row of an identity map has changed';

-- Raises an error where somebody has taken from a map's table a column that the map keeps. Gives whether all of them
-- are as they were when the state was last prepared. A column that was renamed is not followed: its name says what it
-- shows, here as in all clauses.
CREATE FUNCTION identity_internal.identity_map_check_table(m identity_internal.identity_map_catalog) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  now jsonb := identity_internal.identity_map_table_columns(m.map);
  name text;
  is_gone boolean;
  renamed text;
BEGIN
  IF NOT EXISTS (SELECT FROM jsonb_array_elements(now) AS c WHERE c ->> 0 = 'identity_id' AND c ->> 1 = 'uuid') THEN
    RAISE EXCEPTION 'the table of identity map "%" has no column "identity_id" of the type uuid', m.map USING ERRCODE = 'undefined_column',
      HINT = 'Rename it back, or drop the map and create it again.';
  END IF;
  SELECT x, c IS NULL INTO name, is_gone FROM unnest(m.columns || m.stamp) WITH ORDINALITY AS x (x, n) LEFT JOIN jsonb_array_elements(now) AS c ON c ->> 0 = x
  WHERE x IS NOT NULL AND (c IS NULL OR (c -> 3)::boolean) ORDER BY n LIMIT 1;
  IF is_gone THEN
    SELECT c ->> 0 INTO renamed FROM jsonb_array_elements(m.prepared -> 'columns') AS o JOIN jsonb_array_elements(now) AS c ON c -> 2 = o -> 2
    WHERE o ->> 0 = name AND m.prepared -> 'table_id' = to_jsonb(m.map::oid);
    RAISE EXCEPTION 'the table of identity map "%" has no column "%" any more', m.map, name USING ERRCODE = 'undefined_column',
      DETAIL = CASE WHEN renamed IS NULL THEN 'The map keeps a column of that name, which says what it shows.'
                    ELSE format('The map keeps a column of that name, which says what it shows; it was renamed to "%s".', renamed) END,
      HINT = CASE WHEN renamed IS NULL THEN format('Have it made again by alter_identity_map(%L, identity_column(%L, ...))', m.map, name)
                  ELSE format('Rename it back: ALTER TABLE %s RENAME COLUMN %I TO %I', m.map, renamed, name) END
             || format('; or have the map keep it no longer: reduce_identity_map(%L, columns => %L).', m.map, ARRAY[name]);
  ELSIF name IS NOT NULL THEN
    RAISE EXCEPTION 'column "%" of the table of identity map "%" is generated', name, m.map USING ERRCODE = 'generated_always',
      DETAIL = 'The map has to write it.',
      HINT = format('Rename it, or have the map keep it no longer: reduce_identity_map(%L, columns => %L) drops it.', m.map, ARRAY[name]);
  END IF;
  RETURN coalesce(identity_internal.identity_map_has_columns(m, jsonb_build_object('columns', now, 'table_id', m.map::oid)), false);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_check_table(identity_internal.identity_map_catalog) IS
  'internal: whether an identity map''s table has the columns that the map keeps';

-- The statement that brings the map's table in line with what a resolve says, where nothing but a statement may write it.
-- Of a part, which identity_map_reach() has found, its parameters are $1 the clauses to resolve and $2 now; of all of the map
-- those of identity_map_fill_rows(), $1 to $9. The state is written meanwhile. It gives what was done as jsonb. %TABLE%
-- stands for the map's table.
--
-- placed   the identities as resolved, each with its id ("id", "is_new"), what its records were ("olds") and how many they are;
--          and the old identities that are no more ("lost"), with the one into which they went ("id")
CREATE FUNCTION identity_internal.identity_map_settle_text(m identity_internal.identity_map_catalog, of_all boolean) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns text;
  shown text;
  t_shown text;
  r_shown text;
  assigned text;
  is_other text;
  stamp text := quote_ident(m.stamp);
  at text := CASE WHEN of_all THEN '$7' ELSE '$2' END;
BEGIN
  SELECT string_agg(format('%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('t.%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('r.%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('%1$I = r.%1$I', c.name), ', ' ORDER BY c.place),
         coalesce(string_agg(format(', %I %s', c.name, format_type(a.atttypid, a.atttypmod)), '' ORDER BY c.place), '')
  INTO shown, t_shown, r_shown, assigned, columns
  FROM unnest(m.columns) WITH ORDINALITY AS c (name, place)
  JOIN pg_attribute AS a ON a.attrelid = m.map AND a.attname = c.name AND NOT a.attisdropped;
  is_other := 'ROW(' || t_shown || ')::record OPERATOR(pg_catalog.*<>) ROW(' || r_shown || ')::record';
  IF stamp IS NOT NULL THEN
    -- One that was added lately says nothing yet.
    is_other := concat_ws(' OR ', is_other, 't.' || stamp || ' IS NULL');
    assigned := concat_ws(', ', assigned, stamp || ' = ' || at);
  END IF;
  -- Names that no column of a map can have.
  RETURN 'WITH placed AS MATERIALIZED (
   SELECT * FROM ' || CASE WHEN of_all THEN 'identity_internal.identity_map_fill_rows($1, $2, $3, $4, $5, $6, $7, $8, $9)'
                           ELSE 'identity_internal.identity_map_place($1, ' || m.map_id || ', $2)' END || '
   AS ("[id]" uuid, "[is_new]" boolean, "[is_back]" boolean, "[lost]" uuid, "[olds]" uuid[], "[records]" bigint, "[by_kind]" text, "[by_value]" text,
       "[by_rids]" bigint[], "[places]" bigint[]' || columns || ')),
 ids AS NOT MATERIALIZED (SELECT * FROM placed WHERE "[lost]" IS NULL),
 lost AS MATERIALIZED (SELECT o."[lost]" AS old FROM placed AS o WHERE o."[lost]" IS NOT NULL),
 t_gone AS (DELETE FROM ONLY %TABLE% AS t WHERE t.identity_id = ANY (ARRAY(SELECT old FROM lost)) RETURNING 1),'
    || coalesce('
 t_same AS (UPDATE ONLY %TABLE% AS t SET ' || assigned || ' FROM ids AS r
            WHERE t.identity_id = r."[id]"' || CASE WHEN of_all THEN '' ELSE ' AND NOT r."[is_new]"' END || '
              AND (' || is_other || ') RETURNING 1),', '
 t_same AS (SELECT 1 WHERE false),') || '
 t_new AS (INSERT INTO %TABLE% (identity_id' || coalesce(', ' || shown, '') || coalesce(', ' || stamp, '') || ')
           SELECT r."[id]"' || coalesce(', ' || r_shown, '') || CASE WHEN stamp IS NULL THEN '' ELSE ', ' || at END || ' FROM ids AS r
           WHERE ' || CASE WHEN of_all THEN 'NOT EXISTS (SELECT FROM ONLY %TABLE% AS t WHERE t.identity_id = r."[id]")' ELSE 'r."[is_new]" OR r."[is_back]"' END || ' RETURNING 1)
SELECT jsonb_build_object(
  ''inserted'', (SELECT count(*) FROM t_new), ''updated'', (SELECT count(*) FROM t_same), ''deleted'', (SELECT count(*) FROM t_gone),
  ''records'', c.records, ''created'', c.created, ''merged'', c.merged, ''split'', c.split, ''retired'', (SELECT count(*) FROM lost))::text
FROM (SELECT coalesce(sum("[records]"), 0) AS records, count(*) FILTER (WHERE "[is_new]" AND "[olds]" IS NULL) AS created,
             count(*) FILTER (WHERE NOT "[is_new]" AND cardinality("[olds]") > 1) AS merged,
             count(*) FILTER (WHERE "[is_new]" AND "[olds]" IS NOT NULL) AS split
      FROM ids) AS c';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle_text(identity_internal.identity_map_catalog, boolean) IS
  'internal: the statement that brings an identity map''s table in line with its state';

-- How many records are walked and placed in memory at most, with their rows: each takes about three hundred bytes. The memory is
-- what a fill may take as well: maintenance_work_mem, and 12 bytes for each record that the map has.
CREATE FUNCTION identity_internal.identity_map_most(m identity_internal.identity_map_catalog) RETURNS bigint
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (pg_size_bytes(current_setting('maintenance_work_mem')) + 12 * identity_internal.identity_map_size(m)) / 300;
END;
COMMENT ON FUNCTION identity_internal.identity_map_most(identity_internal.identity_map_catalog) IS 'internal: how many records of an identity map fit into memory';

-- The one estimate of what a refresh costs: of so many records that changes concern to fill the map anew is sooner done than to
-- settle them. Measured on a quiet machine at a million people (test/bench/refresh.sh has the workload): with 5 % of the records
-- changed to settle takes 0.55 of the time of a fill, with 8 % 0.73; both take as long where almost half of all records are
-- concerned. A record that changed concerns four at most.
CREATE FUNCTION identity_internal.identity_map_most_settled(m identity_internal.identity_map_catalog) RETURNS bigint
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT least(identity_internal.identity_map_most(m), greatest((identity_internal.identity_map_size(m) * 0.45)::bigint, 5000));
END;
COMMENT ON FUNCTION identity_internal.identity_map_most_settled(identity_internal.identity_map_catalog) IS
  'internal: of how many records that changes concern a refresh fills the map anew';

-- By how many identities and records a map has grown, of what settling a change gives and the records that came, or went.
CREATE FUNCTION identity_internal.identity_map_more(done jsonb, records bigint) RETURNS jsonb
  LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT jsonb_build_object('more_identities', (done ->> 'created')::bigint + (done ->> 'split')::bigint - (done ->> 'retired')::bigint + coalesce((done ->> 'back')::bigint, 0),
                            'more_records', coalesce(identity_map_more.records, 0));
END;
COMMENT ON FUNCTION identity_internal.identity_map_more(jsonb, bigint) IS 'internal: by how much an identity map has grown';

-- One record, but many are concerned: to join these record by record would take their square.
CREATE FUNCTION identity_internal.identity_map_want_all() RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM identity_internal.identity_map_allow_much(), set_config('enable_seqscan', 'on', true),
          set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_want_all() IS 'internal: plans for many records where plans for one were asked for';

-- Settles what the transaction remembers as changed (identity_map_read_rows(), identity_map_told()), and what hangs on the
-- keys `keys`. NULL where that is more than memory holds, or, of a refresh (not small), more than it is worth: then nothing has been
-- done.
CREATE FUNCTION identity_internal.identity_map_settle(m identity_internal.identity_map_catalog, keys bigint[], at timestamptz, small boolean) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  statement text := replace(m.settle, '%TABLE%', m.map::text);
  reached identity_internal.identity_map_reached;
  request identity_internal.identity_map_catalog.clauses%TYPE;
  done jsonb;
BEGIN
  reached := identity_internal.identity_map_reach(m.map_id, '{}', keys, m.limits_a_source, m.limits_in_all,
               CASE WHEN small THEN identity_internal.identity_map_most(m) ELSE identity_internal.identity_map_most_settled(m) END);
  IF reached.records IS NULL THEN
    RETURN NULL;
  END IF;
  request := identity_internal.identity_map_request(m, reached);
  done := identity_internal.identity_map_write(request, m.map_id, at, m.map, m.columns, coalesce(m.stamp, ''));
  IF done IS NOT NULL THEN
    RETURN done;
  END IF;
  IF NOT identity_internal.identity_map_check_table(m) THEN
    statement := replace(identity_internal.identity_map_settle_text(m, false), '%TABLE%', m.map::text);
  END IF;
  IF small AND reached.records > 1000 THEN
    PERFORM identity_internal.identity_map_want_all();
    small := false;
  END IF;
  IF small THEN
    done := identity_internal.identity_map_execute(statement, request, at);
  ELSE
    EXECUTE statement INTO done USING request, at;
  END IF;
  RETURN done || identity_internal.identity_map_counted(m.map_id);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle(identity_internal.identity_map_catalog, bigint[], timestamptz, boolean) IS
  'internal: resolves what a change concerns, and writes what differs';

-- Settles the whole map, from its sources, or from what its state has of them (from_state), and writes the state anew.
-- max_losses: as identity_map_fill() has it; which sources stay as they were for that is in what it gives ("kept").
CREATE FUNCTION identity_internal.identity_map_settle_all(m identity_internal.identity_map_catalog, at timestamptz, from_state boolean,
                                        max_losses double precision[] DEFAULT NULL) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_first boolean := identity_internal.identity_map_is_unbuilt(m);
  request identity_internal.identity_map_catalog.clauses%TYPE;
  path text := CASE WHEN from_state THEN 'pg_catalog, pg_temp' ELSE m.search_path END;
  done jsonb;
  filled record;
  rows bigint;
  strays bigint := 0;
  kept jsonb := '{}';
  nests text := current_setting('enable_nestloop');
BEGIN
  IF from_state THEN
    request := m.state_sources[:cardinality(m.state_sources) - 1] || identity_internal.identity_source('identify', m.told_reader) || m.rules || m.state;
  ELSE
    request := ARRAY(SELECT c FROM unnest(m.source_names) WITH ORDINALITY AS s (name, n)
                     JOIN unnest(m.clauses) AS c ON c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = s.name ORDER BY s.n)
      || identity_internal.identity_source('identify', m.told_reader) || m.rules || m.state;
  END IF;
  max_losses := coalesce(max_losses, array_fill(NULL::double precision, ARRAY[cardinality(m.source_numbers)]));
  -- Once more where sources have lost too much: with what the state has of these.
  LOOP
    done := identity_internal.identity_map_fill(request, path, m.map_id, m.source_numbers, m.limits_a_source, m.limits_in_all, at, is_first, max_losses, m.map, m.columns, coalesce(m.stamp, ''));
    IF done IS NULL THEN
      PERFORM identity_internal.identity_map_check_table(m);
      EXECUTE replace(identity_internal.identity_map_settle_text(m, true), '%TABLE%', m.map::text) INTO done
      USING request, path, m.map_id, m.source_numbers, m.limits_a_source, m.limits_in_all, at, is_first, max_losses;
    END IF;
    SELECT * INTO filled FROM identity_internal.identity_map_filled(m.map_id);
    EXIT WHEN filled.done -> 'lost' IS NULL;
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      CONTINUE WHEN NOT filled.done -> 'lost' ? m.source_numbers[i]::text;
      kept := kept || jsonb_build_object(m.source_numbers[i], identity_internal.identity_map_keep(m, i,
        ARRAY(SELECT l::bigint FROM jsonb_array_elements_text(filled.done -> 'lost' -> m.source_numbers[i]::text) AS l),
        m.marks #> ARRAY['columns', m.source_numbers[i]::text] = m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns'], at));
      request[i] := m.state_sources[i];
      max_losses[i] := NULL;
    END LOOP;
  END LOOP;
  -- Rows that somebody else put into the table: found by hashing, whatever the planner knows.
  EXECUTE format('SELECT count(*) FROM ONLY %s', m.map) INTO rows;
  IF rows <> (filled.done ->> 'identities')::bigint THEN
    PERFORM set_config('enable_nestloop', 'off', true);
    EXECUTE format('DELETE FROM ONLY %s AS t WHERE NOT EXISTS (SELECT FROM %sidentities AS i WHERE i.identity_id = t.identity_id)',
                   m.map, identity_internal.identity_map_prefix(m.map_id));
    GET DIAGNOSTICS strays = ROW_COUNT;
    PERFORM set_config('enable_nestloop', nests, true);
  END IF;
  IF filled.rids <> '{}' THEN
    PERFORM identity_internal.identity_map_name_merges(m, filled.ids, filled.rids, filled.olds, at);
  END IF;
  RETURN filled.done || (done - 'kept' - 'records' - 'created' - 'merged' - 'split' - 'retired')
    || jsonb_build_object('deleted', (done ->> 'deleted')::bigint + strays, 'kept', kept);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle_all(identity_internal.identity_map_catalog, timestamptz, boolean, double precision[]) IS
  'internal: resolves all of an identity map, and writes what differs';
