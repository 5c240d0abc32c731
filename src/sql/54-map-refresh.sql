-- Identity maps: the work of a refresh. All of it runs as the map's owner, under search_path
-- pg_catalog, pg_temp, in one transaction.
--
--   look      the columns of the sources, should they have changed              52-map-read.sql
--   aliases   where they have changed all is read anew, as it is where clauses  52-map-read.sql
--             have: any identifier may have another key
--   read      each source: rows that are new, rows that are gone, into the      src/pg/map_ahead.cc
--             copies; side by side, until something is written                  src/pg/map_read.cc
--   change    of the records touched: their identifiers' keys, before and now   src/pg/map_change.cc
--   reach     the records that a path of shared identifiers connects with       src/pg/map_reach.cc
--             them, before or now, and their rows
--   settle    resolves these alone, side by side, and writes what differs:      src/pg/map_place.cc
--             the state and the table                                           53-map-settle.sql

-- How long a map remembers records that are gone.
CREATE FUNCTION identity_internal.identity_map_revive_for() RETURNS interval
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT current_setting('identity_resolve.revive_for')::interval;
END;
COMMENT ON FUNCTION identity_internal.identity_map_revive_for() IS 'internal: the setting identity_resolve.revive_for';

-- At the beginning of a refresh: the map forgets what was gone for too long. Gives the greatest number that a record has, so that
-- identity_map_revive() knows those that come; NULL where no record is gone, and nobody can come back.
CREATE FUNCTION identity_internal.identity_map_expect(m identity_internal.identity_map_catalog, at timestamptz) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
BEGIN
  RETURN identity_internal.identity_map_execute(format('WITH less AS (DELETE FROM %1$sgone WHERE at < $1)
    SELECT CASE WHEN EXISTS (SELECT FROM %1$sgone WHERE at >= $1) THEN (SELECT coalesce(max(rid), 0) FROM %1$srecords)::text END', p),
    at - identity_internal.identity_map_revive_for());
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_expect(identity_internal.identity_map_catalog, timestamptz) IS
  'internal: what a refresh must know of records that are gone';

-- Records are gone: of each its source, its name in m<id>_records and the identity that it was, which the state still has.
CREATE FUNCTION identity_internal.identity_map_miss(m identity_internal.identity_map_catalog, sources bigint[], names text[], ids uuid[], at timestamptz) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF cardinality(ids) > 0 AND identity_internal.identity_map_revive_for() > interval '0' THEN
    EXECUTE format('INSERT INTO %1$sgone AS g (hash, identity_id, created_at, at)
      SELECT DISTINCT ON (x.hash) x.hash, x.id, i.created_at, $1
      FROM (SELECT identity_internal.identity_map_record($2, coalesce(($3)[array_position($4, u.source::integer)], $5 ->> u.source::text), u.name), u.id
            FROM unnest($6, $7, $8) AS u (source, name, id)) AS x (hash, id)
      JOIN %1$sidentities AS i ON i.identity_id = x.id WHERE x.hash IS NOT NULL ORDER BY x.hash, x.id
      ON CONFLICT (hash) DO UPDATE SET identity_id = excluded.identity_id, created_at = excluded.created_at, at = excluded.at',
      identity_internal.identity_map_prefix(m.map_id))
    USING at, m.secret, m.source_names, m.source_numbers, m.marks -> 'former', sources, names, ids;
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_miss(identity_internal.identity_map_catalog, bigint[], text[], uuid[], timestamptz) IS
  'internal: remembers records that are gone';

-- Records that came in this refresh, with greater numbers than `since`, and that were gone: where all records of the identity that
-- such a record was had gone, it is this identity's again, as if it had been so when the refresh began, and the identity is none
-- that is retired. Settling decides then which of them live on; where other identities claim the same people, these do
-- (engine/succession.h). Gives the identities, and how many records they are.
CREATE FUNCTION identity_internal.identity_map_revive(m identity_internal.identity_map_catalog, since bigint, OUT ids uuid[], OUT records bigint)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  ids := '{}';
  records := 0;
  IF since IS NOT NULL THEN
    EXECUTE format('WITH back AS MATERIALIZED (
        SELECT r.rid, g.hash, g.identity_id, g.created_at, t.identity_id IS NOT NULL AS is_retired
        FROM %1$srecords AS r
        JOIN %1$sgone AS g ON g.hash = identity_internal.identity_map_record($1, ($2)[array_position($3, r.source::integer)], r.record_id)
        LEFT JOIN %1$sretired AS t ON t.identity_id = g.identity_id AND t.into_id IS NULL
        WHERE r.rid > $4 AND r.identity_id IS NULL),
      olds AS MATERIALIZED (SELECT identity_id, min(created_at) AS created_at FROM back WHERE is_retired GROUP BY identity_id),
      known AS (DELETE FROM %1$sgone AS g USING back AS b WHERE g.hash = b.hash),
      less AS (DELETE FROM %1$sretired AS t USING olds AS o WHERE t.identity_id = o.identity_id),
      more AS (INSERT INTO %1$sidentities (identity_id, created_at) SELECT identity_id, created_at FROM olds ON CONFLICT DO NOTHING),
      named AS (UPDATE %1$srecords AS r SET identity_id = b.identity_id FROM back AS b WHERE r.rid = b.rid AND b.is_retired)
      SELECT (SELECT coalesce(array_agg(identity_id ORDER BY identity_id), $5) FROM olds), (SELECT count(*) FROM back WHERE is_retired)',
      identity_internal.identity_map_prefix(m.map_id))
    INTO ids, records USING m.secret, m.source_names, m.source_numbers, since, ids;
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_revive(identity_internal.identity_map_catalog, bigint) IS
  'internal: records that come back are the identities again that they were';

-- What became of these identities, after settling did `done`: the history tells of those that are there, `revived` says how many they
-- are, and `back` how many of all had been none of the map's.
CREATE FUNCTION identity_internal.identity_map_tell_revived(m identity_internal.identity_map_catalog, back uuid[], at timestamptz, done jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  revived bigint;
BEGIN
  IF back = '{}' THEN
    RETURN done;
  END IF;
  EXECUTE format('WITH told AS (INSERT INTO %1$shistory (at, event, identity_id)
      SELECT $1, $2, i.identity_id FROM unnest($3) AS b (id) JOIN %1$sidentities AS i ON i.identity_id = b.id ORDER BY i.identity_id RETURNING 1)
    SELECT count(*) FROM told', identity_internal.identity_map_prefix(m.map_id)) INTO revived USING at, 'revived', back;
  RETURN done || jsonb_build_object('revived', revived, 'back', cardinality(back));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_tell_revived(identity_internal.identity_map_catalog, uuid[], timestamptz, jsonb) IS
  'internal: tells the history of identities that are back';

-- Brings all records and keys in line with the copies. Gives the identities of records that are gone.
CREATE FUNCTION identity_internal.identity_map_reconcile(m identity_internal.identity_map_catalog, at timestamptz) RETURNS uuid[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer;
  dead uuid[];
  gone uuid[];
  names text[];
  nests text := current_setting('enable_nestloop');
BEGIN
  -- Records of a source that the map no longer has, or whose rows are gone. Each of them is looked at, and a copy
  -- may have no index yet: rows are found by hashing, whatever the planner knows.
  PERFORM identity_internal.identity_map_analyze(m.map_id, 'records');
  PERFORM set_config('enable_nestloop', 'off', true);
  FOR n IN EXECUTE format('SELECT DISTINCT source FROM %srecords', p) LOOP
    EXECUTE format('WITH gone AS (DELETE FROM %srecords AS m WHERE m.source = %s%s RETURNING m.identity_id, m.record_id)
                    SELECT array_agg(identity_id), array_agg(record_id) FROM gone WHERE identity_id IS NOT NULL', p, n,
      CASE WHEN n = ANY (m.source_numbers)
           THEN format(' AND NOT EXISTS (SELECT FROM %srows_%s AS r WHERE r.rid = m.rid)', p, n) ELSE '' END)
    INTO gone, names;
    PERFORM identity_internal.identity_map_miss(m, array_fill(n::bigint, ARRAY[coalesce(cardinality(gone), 0)]), names, gone, at);
    dead := dead || ARRAY(SELECT DISTINCT u.id FROM unnest(gone) AS u (id));
  END LOOP;
  PERFORM set_config('enable_nestloop', nests, true);
  EXECUTE format('TRUNCATE %skeys', p);
  EXECUTE format('INSERT INTO %skeys (key, rid) SELECT DISTINCT k.key, k.rid FROM (%s) AS k (key, rid) ORDER BY 1, 2', p,
    (SELECT string_agg(format('SELECT unnest(r.keys), r.rid FROM %srows_%s AS r', p, s), ' UNION ALL ') FROM unnest(m.source_numbers) AS s));
  PERFORM identity_internal.identity_map_analyze(m.map_id, 'keys', 'records');
  RETURN dead;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_reconcile(identity_internal.identity_map_catalog, timestamptz) IS
  'internal: brings an identity map''s records in line with the copies of its sources';

-- Of source number n, whose copy has been made anew, with records that are new from after `base` on: whether it has lost more than
-- the share max_loss of its records (NULL: it may): how many it had, how many it has, how many of the former are gone; NULL where
-- it has not. As src/pg/map_loss.h has it for what is not read into a copy yet.
CREATE FUNCTION identity_internal.identity_map_loss(m identity_internal.identity_map_catalog, n integer, base bigint, max_loss double precision) RETURNS bigint[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before bigint;
  lost bigint;
  fresh bigint;
  nests text := current_setting('enable_nestloop');
BEGIN
  IF max_loss IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('enable_nestloop', 'off', true);
  EXECUTE format('SELECT count(*), count(*) FILTER (WHERE r.rid IS NULL) FROM %1$srecords AS m LEFT JOIN (SELECT DISTINCT rid FROM %1$srows_%2$s) AS r ON r.rid = m.rid
                  WHERE m.source = %2$s', identity_internal.identity_map_prefix(m.map_id), n) INTO before, lost;
  PERFORM set_config('enable_nestloop', nests, true);
  IF before < 100 OR lost <= max_loss * before THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT count(DISTINCT rid) FROM %srows_%s WHERE rid > $1', identity_internal.identity_map_prefix(m.map_id), n) INTO fresh USING base;
  RETURN ARRAY[before, before - lost + fresh, lost];
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_loss(identity_internal.identity_map_catalog, integer, bigint, double precision) IS
  'internal: whether a source that was read anew has lost too many of its records';

-- Source i, whose copy was kept as it was while all is read anew: what its rows carry, by the clauses and aliases of now. Rows of
-- records that the state does not know are none of its.
CREATE FUNCTION identity_internal.identity_map_rekey(m identity_internal.identity_map_catalog, i integer) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  cells text := identity_internal.identity_map_cells(m, i, '');
  nests text := current_setting('enable_nestloop');
BEGIN
  -- By hashing, whatever the planner knows of the copy.
  PERFORM set_config('enable_nestloop', 'off', true);
  EXECUTE format('DELETE FROM %1$srows_%2$s AS r WHERE NOT EXISTS (SELECT FROM %1$srecords AS m WHERE m.rid = r.rid AND m.source = %2$s)', p, n);
  EXECUTE 'WITH ' || replace(identity_internal.identity_map_found(m, i), ', NULL, $2, ', ', $3, $2, ') || format(',
      anew AS (SELECT DISTINCT record_id, keys, updated_at%3$s FROM found)
    UPDATE %1$srows_%2$s AS r SET keys = f.keys FROM anew AS f
    WHERE r.record_id = f.record_id AND r.keys <> f.keys AND ROW(r.updated_at%4$s) IS NOT DISTINCT FROM ROW(f.updated_at%5$s)',
    p, n, cells, identity_internal.identity_map_cells(m, i, 'r.'), identity_internal.identity_map_cells(m, i, 'f.'))
  USING m.blank_sources || m.rules || m.state, 'pg_catalog, pg_temp',
        replace(m.state_sources[i]::jsonb ->> 'query', ', r.rid AS "[number]" FROM ', ' FROM ');
  PERFORM set_config('enable_nestloop', nests, true);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_rekey(identity_internal.identity_map_catalog, integer) IS
  'internal: what the rows of a source that was kept as it was carry now';

-- Reads every source anew into an empty copy: at first, and after clauses, columns or aliases have changed. Records
-- keep their numbers and identities. Gives the identities of records that are gone, and how many rows of each source
-- were left out, as they name no record. A source that has lost too many records stays as it was: `kept`, by their numbers.
CREATE FUNCTION identity_internal.identity_map_load(m identity_internal.identity_map_catalog, allow_loss boolean, at timestamptz,
                                                    OUT dead uuid[], OUT left_out jsonb, OUT kept jsonb)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer;
  base bigint;
  max_loss double precision;
  had_rows boolean;
  loss bigint[];
BEGIN
  left_out := '{}';
  kept := '{}';
  EXECUTE format('DELETE FROM %sprints WHERE source <> ALL ($1)', p) USING m.source_numbers;
  FOR i IN 1 .. cardinality(m.source_numbers) LOOP
    n := m.source_numbers[i];
    IF n = 0 THEN
      EXECUTE 'WITH found AS MATERIALIZED (SELECT * FROM identity_internal.identity_map_scan($1, $2, $3, $4, NULL)
          AS (fingerprint bigint, ordinal bigint, record_id text, keys bigint[], updated_at timestamp'
        || m.traits || format('))
        UPDATE %1$srows_0 AS r SET keys = f.keys, fingerprint = f.fingerprint FROM found AS f
        WHERE r.record_id = f.record_id AND (r.keys <> f.keys OR r.fingerprint <> f.fingerprint)', p)
      USING m.blank_sources || m.rules || m.state, i, m.told_reader, 'pg_catalog, pg_temp';
      CONTINUE;
    END IF;
    max_loss := identity_internal.identity_map_max_loss(m, i, allow_loss);
    EXECUTE format('SELECT EXISTS (SELECT FROM %srows_%s)', p, n) INTO had_rows;
    loss := NULL;
    BEGIN
      EXECUTE format('TRUNCATE %srows_%s', p, n);
      EXECUTE format('SELECT coalesce(max(rid), 0) FROM %srecords', p) INTO base;
      EXECUTE 'WITH ' || identity_internal.identity_map_found(m, i) || format('
        INSERT INTO %1$srows_%2$s (rid, fingerprint, record_id, keys, updated_at%3$s)
        SELECT coalesce(m.rid, $3 + f.ordinal), f.fingerprint, f.record_id, f.keys, f.updated_at%4$s
        FROM found AS f LEFT JOIN %1$srecords AS m ON m.source = %2$s AND m.record_id = identity_internal.identity_map_record_key(f.record_id)',
        p, n, identity_internal.identity_map_cells(m, i, ''), identity_internal.identity_map_cells(m, i, 'f.'))
      USING identity_internal.identity_map_scan_clauses(m), m.search_path, base;
      loss := identity_internal.identity_map_loss(m, n, base, max_loss);
      IF loss IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'IR002', MESSAGE = 'the source has lost too many records';
      END IF;
    EXCEPTION WHEN SQLSTATE 'IR002' THEN
      IF loss IS NULL THEN
        RAISE;
      END IF;
    END;
    IF loss IS NOT NULL THEN
      kept := kept || jsonb_build_object(n, identity_internal.identity_map_keep(m, i, loss, had_rows, at));
      left_out := left_out || jsonb_build_object(n, m.marks #> ARRAY['left_out', n::text]);
      PERFORM identity_internal.identity_map_rekey(m, i), identity_internal.identity_map_print(m, n);
      CONTINUE;
    END IF;
    left_out := left_out || jsonb_build_object(n, identity_internal.identity_map_left_out());
    EXECUTE format('INSERT INTO %1$srecords (rid, source, record_id)
      SELECT DISTINCT r.rid, %2$s, identity_internal.identity_map_record_key(r.record_id) FROM %1$srows_%2$s AS r WHERE r.rid > $1', p, n)
    USING base;
    EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT greatest(max(rid), 1) FROM %srecords))',
                   p || 'records', 'rid', p);
    PERFORM identity_internal.identity_map_print(m, n);
    PERFORM identity_internal.identity_map_analyze(m.map_id, 'rows_' || n);
  END LOOP;
  dead := identity_internal.identity_map_reconcile(m, at);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_load(identity_internal.identity_map_catalog, boolean, timestamptz) IS
  'internal: reads all of an identity map''s sources anew';

-- Fills a map that holds nothing yet: copies, then table and records from one resolve. The state has no
-- indexes meanwhile: identity_map_prepare() dropped them, identity_map_note() makes them again. The table's
-- rows come in the order of its key. A LIMIT tells the planner how many records there are.
CREATE FUNCTION identity_internal.identity_map_build(m identity_internal.identity_map_catalog, at timestamptz) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  sources integer := cardinality(m.source_numbers) - 1;
  n integer;
  base bigint := 0;
  last bigint;
  rows bigint;
  copies text[];
  carried text[];
  definition text;
  shown text;
  done jsonb;
  left_out jsonb := '{}';
BEGIN
  EXECUTE format('DELETE FROM %sprints WHERE source <> ALL ($1)', p) USING m.source_numbers;
  FOR i IN 1 .. sources LOOP
    n := m.source_numbers[i];
    EXECUTE format('TRUNCATE %srows_%s', p, n);
    EXECUTE 'WITH ' || identity_internal.identity_map_found(m, i) || format(',
      added AS (INSERT INTO %1$srows_%2$s (rid, fingerprint, record_id, keys, updated_at%3$s)
                SELECT $3 + f.ordinal, f.fingerprint, f.record_id, f.keys, f.updated_at%4$s FROM found AS f RETURNING rid)
      SELECT coalesce(max(rid), $3), count(*) FROM added',
      p, n, identity_internal.identity_map_cells(m, i, ''), identity_internal.identity_map_cells(m, i, 'f.'))
    INTO last, rows
    USING identity_internal.identity_map_scan_clauses(m), m.search_path, base;
    left_out := left_out || jsonb_build_object(n, identity_internal.identity_map_left_out());
    -- A record of several rows carries what they all carry.
    copies := copies || format('SELECT%s %s, rid, identity_internal.identity_map_record_key(record_id) FROM %srows_%s', CASE WHEN rows = last - base THEN '' ELSE ' DISTINCT' END, n, p, n);
    carried := carried || format('SELECT%s unnest(keys), rid FROM %srows_%s', CASE WHEN rows = last - base THEN '' ELSE ' DISTINCT' END, p, n);
    base := last;
  END LOOP;
  EXECUTE format('DELETE FROM ONLY %s', m.map);
  -- To hash numbers is faster than to sort rows by them.
  PERFORM set_config('enable_mergejoin', 'off', true);
  SELECT coalesce(string_agg(format(', %I', c.name), '' ORDER BY c.place), ''),
         'identity_id uuid, "[number]" bigint[]' || coalesce(string_agg(format(', %I %s', c.name, format_type(a.atttypid, a.atttypmod)), '' ORDER BY c.place), '')
  INTO shown, definition
  FROM unnest(m.columns) WITH ORDINALITY AS c (name, place)
  JOIN pg_attribute AS a ON a.attrelid = m.map AND a.attname = c.name AND NOT a.attisdropped;
  EXECUTE format('WITH res AS MATERIALIZED (SELECT * FROM identity_internal.resolve_identities(VARIADIC $1) AS (%2$s)),
    t_new AS (INSERT INTO %3$s (identity_id%4$s%9$s) SELECT identity_id%4$s%10$s FROM res ORDER BY identity_id),
    r_new AS (INSERT INTO %1$srecords (rid, source, record_id, identity_id)
              SELECT x.rid, x.source, x.record_id, r.identity_id
              FROM (SELECT identity_id, unnest("[number]") AS rid FROM res LIMIT %8$s) AS r
              JOIN (%5$s) AS x (source, rid, record_id) ON x.rid = r.rid)
    SELECT jsonb_build_object(%6$L, count(*), %7$L, count(*)) FROM res',
    p, definition, m.map, shown, array_to_string(copies, ' UNION ALL '), 'inserted', 'created', base,
    coalesce(', ' || quote_ident(m.stamp), ''), CASE WHEN m.stamp IS NULL THEN '' ELSE ', $2' END)
  INTO done USING identity_internal.identity_map_request(m, NULL), at;

  EXECUTE format('INSERT INTO %skeys (key, rid) %s', p, array_to_string(carried, ' UNION ALL '));
  EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), greatest($1, 1))', p || 'records', 'rid') USING base;
  PERFORM identity_internal.identity_map_analyze(m.map_id, 'keys', 'records');
  EXECUTE format('ANALYZE %s', m.map);
  FOR i IN 1 .. sources LOOP
    PERFORM identity_internal.identity_map_print(m, m.source_numbers[i]);
    PERFORM identity_internal.identity_map_analyze(m.map_id, 'rows_' || m.source_numbers[i]);
  END LOOP;
  PERFORM identity_internal.identity_map_count_common(m), identity_internal.identity_map_fill_identities(m, at);
  PERFORM identity_internal.identity_map_analyze(m.map_id, 'identities');
  RETURN done || jsonb_build_object('left_out', left_out, 'records', base, 'updated', 0, 'deleted', 0, 'merged', 0, 'split', 0, 'retired', 0);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_build(identity_internal.identity_map_catalog, timestamptz) IS 'internal: fills an identity map for the first time';

-- Takes in what was read: `changed` records, about, of which at most `most` are known one by one; those that came have
-- greater numbers than `since`. Nobody calls identify() meanwhile.
CREATE FUNCTION identity_internal.identity_map_take_in(m identity_internal.identity_map_catalog, changed bigint, most bigint, is_full boolean, at timestamptz, since bigint) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_much boolean := changed > most OR changed > greatest(identity_internal.identity_map_size(m.map_id), 1000) * 0.3;
  change record;
  dead uuid[];
  back record;
  done jsonb := '{"kind": "changes", "inserted": 0, "updated": 0, "deleted": 0, "created": 0, "merged": 0, "split": 0, "retired": 0, "records": 0}';
BEGIN
  back := identity_internal.identity_map_revive(m, since);
  IF is_much THEN
    dead := identity_internal.identity_map_reconcile(m, at);
  ELSIF changed > 0 THEN
    change := identity_internal.identity_map_change_records(m.map_id);
    PERFORM identity_internal.identity_map_miss(m, change.former_sources, change.former_names, change.former_ids, at);
    done := done || identity_internal.identity_map_settle(m, change.live, change.gone, change.dead, change.keys, change.moved, at, false, back.ids)
      || jsonb_build_object('more', change.more + back.records);
  END IF;
  IF is_full OR is_much THEN
    -- What changed, and then whatever else is not as it should be.
    SELECT jsonb_object_agg(e.key, CASE e.key WHEN 'records' THEN e.value ELSE to_jsonb(e.value::bigint + (done -> e.key)::bigint) END) || '{"kind": "full"}'
    INTO done FROM jsonb_each(identity_internal.identity_map_settle_all(m, dead, at, is_much, CASE WHEN is_much THEN back.ids ELSE '{}' END)) AS e;
  END IF;
  RETURN identity_internal.identity_map_tell_revived(m, back.ids, at, done);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_take_in(identity_internal.identity_map_catalog, bigint, bigint, boolean, timestamptz, bigint) IS
  'internal: brings an identity map in line with what a refresh has read';

-- How many identities and records a map has after a refresh that did `done`: of one that looked at all of it as they are, of another one
-- how many more than before.
CREATE FUNCTION identity_internal.identity_map_counted(m identity_internal.identity_map_catalog, done jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  identities bigint;
BEGIN
  IF done ->> 'kind' = 'changes' THEN
    RETURN identity_internal.identity_map_more(done, (done ->> 'more')::bigint);
  END IF;
  EXECUTE format('SELECT count(*) FROM %sidentities', identity_internal.identity_map_prefix(m.map_id)) INTO identities;
  RETURN jsonb_build_object('identities', identities, 'records', done -> 'records');
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_counted(identity_internal.identity_map_catalog, jsonb) IS
  'internal: how many identities and records an identity map has after a refresh';

-- What is asked before a refresh reads, by a C function, which wants jsonb (src/pg/map_refresh.cc).
CREATE FUNCTION identity_internal.identity_map_unbuilt(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_build_object('unbuilt', identity_internal.identity_map_is_unbuilt(m));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_unbuilt(identity_internal.identity_map_catalog, jsonb) IS
  'internal: whether the next refresh of an identity map fills a state that holds nothing';

-- Takes over what a state that is no longer used says of who is who, and what only it knows: what identify() was told,
-- what was forgotten, and the history. The sources are read anew afterwards.
CREATE FUNCTION identity_internal.identity_map_adopt(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  former text := identity_internal.identity_map_prefix((a ->> 'former')::integer);
  item record;
  columns text;
BEGIN
  FOR item IN SELECT v.name, v.sequence FROM (VALUES ('records', 'rid'), ('identities', NULL), ('retired', NULL), ('gone', NULL), ('history', 'history_id'), ('tombstones', NULL),
                ('rows_0', NULL)) AS v (name, sequence)
              WHERE identity_internal.identity_map_state_problem((a ->> 'former')::integer, v.name) IS NULL LOOP
    -- Packs are made anew.
    SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) INTO columns
    FROM pg_attribute AS t JOIN pg_attribute AS f ON f.attrelid = to_regclass(former || item.name) AND f.attname = t.attname AND NOT f.attisdropped AND f.attnum > 0
    WHERE t.attrelid = to_regclass(p || item.name) AND NOT t.attisdropped AND t.attnum > 0 AND t.attname <> 'packed';
    EXECUTE format('INSERT INTO %1$s%3$s (%4$s) SELECT %4$s FROM %2$s%3$s', p, former, item.name, columns);
    IF item.sequence IS NOT NULL THEN
      EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT greatest(max(%I), 1) FROM %s%s))', p || item.name, item.sequence, item.sequence, p, item.name);
    END IF;
  END LOOP;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_adopt(identity_internal.identity_map_catalog, jsonb) IS
  'internal: what an identity map takes over of a state that it has replaced';

-- What is most likely wrong with an identity map's sources, as its state shows it after a refresh that did `done`: a list of
-- {topic, source, text}. What was not so after the last refresh is raised as a WARNING, once.
--   empty    the source has no record
--   alone    none of its records, ten or more, is one person with a record of another source
--   common   so many values link nobody, as too many records carry them; of a map that is filled for the first time the
--            resolve has said so
-- A refresh that changed nothing looks at nothing; one that changed some records asks only what a look at one row answers
-- (empty, common). The others stay as the last one that looked at the whole map has found them.
CREATE FUNCTION identity_internal.identity_map_judge(m identity_internal.identity_map_catalog, done jsonb, changed bigint) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  sources integer := cardinality(m.source_numbers) - 1;  -- the last one is what identify() was told
  is_whole boolean := done ->> 'kind' <> 'changes';
  before jsonb := coalesce(m.marks -> 'warnings', '[]');
  found jsonb := '[]';
  fresh record;
  together bigint;
  filled integer := 0;
  shares boolean := true;
  held integer[];  -- by source: its records, up to ten
  n bigint;
BEGIN
  IF NOT is_whole AND changed = 0 THEN
    RETURN before;
  END IF;
  FOR i IN 1 .. sources LOOP
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %srows_%s LIMIT 10) AS r', p, m.source_numbers[i]) INTO n;
    held[i] := n;
    filled := filled + least(n, 1);
    IF n = 0 THEN
      found := found || jsonb_build_object('topic', 'empty', 'source', m.source_names[i], 'text', format('source "%s" has no record', m.source_names[i]));
    END IF;
  END LOOP;
  IF is_whole AND filled > 1 AND sources < 62 THEN
    -- A bit for each source; more than fit are not looked at. Mostly some of the first records tell already.
    together := 0;
    FOR i IN 1 .. sources LOOP
      CONTINUE WHEN held[i] < 10;
      EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT r.identity_id FROM %1$srecords AS r WHERE r.source = $1 AND r.identity_id IS NOT NULL LIMIT 1000) AS few
        JOIN %1$srecords AS other ON other.identity_id = few.identity_id AND other.source <> $1)', p) INTO shares USING m.source_numbers[i];
      EXIT WHEN NOT shares;
      together := together | (1::bigint << i);
    END LOOP;
    IF NOT shares THEN
      EXECUTE format('SELECT coalesce(bit_or(i.bits), 0) FROM (
          SELECT bit_or(1::bigint << array_position($1, r.source::integer)) AS bits FROM %srecords AS r WHERE r.identity_id IS NOT NULL GROUP BY r.identity_id) AS i
        WHERE i.bits & (i.bits - 1) <> 0', p) INTO together USING m.source_numbers;
    END IF;
    FOR i IN 1 .. sources LOOP
      CONTINUE WHEN held[i] < 10 OR together & (1::bigint << i) <> 0;
      found := found || jsonb_build_object('topic', 'alone', 'source', m.source_names[i], 'text', format('source "%s" shares no person with another source', m.source_names[i]));
    END LOOP;
  ELSIF NOT is_whole THEN
    found := found || coalesce((SELECT jsonb_agg(b.o ORDER BY b.place) FROM jsonb_array_elements(before) WITH ORDINALITY AS b (o, place)
                                WHERE b.o ->> 'topic' = 'alone' AND b.o ->> 'source' = ANY (m.source_names)), '[]');
  END IF;
  EXECUTE format('SELECT count(*) FROM %scommon', p) INTO n;
  IF n > 0 THEN
    found := found || jsonb_build_object('topic', 'common', 'source', NULL, 'text',
      format('%s %s nobody, as too many records carry %s', n, CASE n WHEN 1 THEN 'value links' ELSE 'values link' END, CASE n WHEN 1 THEN 'it' ELSE 'each' END));
  END IF;
  FOR fresh IN SELECT f.o ->> 'text' AS text FROM jsonb_array_elements(found) WITH ORDINALITY AS f (o, place)
               WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(before) AS b (o) WHERE b.o - 'text' = f.o - 'text')
                 AND NOT (f.o ->> 'topic' = 'common' AND done ->> 'kind' = 'built') ORDER BY f.place LOOP
    RAISE WARNING 'identity map "%": %', m.map_name, fresh.text
      USING HINT = format('SELECT * FROM identity_check(VARIADIC identity_map_clauses(%L)) tells more. It is said once; the view identity_maps shows it as long as it is so.', m.map_name);
  END LOOP;
  RETURN found;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_judge(identity_internal.identity_map_catalog, jsonb, bigint) IS
  'internal: what is most likely wrong with an identity map''s sources, from its state; raises what is new as a WARNING';

-- One refresh; the refreshes' lock is held.
CREATE FUNCTION identity_internal.identity_map_refresh(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, MDY' SET TimeZone = GMT SET IntervalStyle = postgres SET extra_float_digits = 3 SET bytea_output = hex AS $$
DECLARE
  started timestamptz := clock_timestamp();
  -- What history and table say: as nobody calls identify() from then on, what is told later has a later time.
  at timestamptz;
  -- The rows of a table that is UNLOGGED may be gone, and nothing tells.
  is_full boolean := (a -> 'full')::boolean OR EXISTS (SELECT FROM pg_class AS c WHERE c.oid = m.map AND c.relpersistence = 'u');
  captures jsonb;
  wholes integer[];
  ids text[];
  mark text;
  marks jsonb := '{}';
  -- As many records are known one by one; where more changed the whole map is looked at.
  most bigint := identity_internal.identity_map_most();
  dead uuid[];
  changed bigint := 0;
  left_out jsonb := coalesce(m.marks -> 'left_out', '{}');  -- by the sources' numbers
  allow_loss boolean := coalesce((a -> 'allow_loss')::boolean, false);
  kept jsonb := '{}';  -- by the sources' numbers, those that stay as they were
  files jsonb;
  loss bigint[];
  read bigint;
  since bigint;
  back uuid[];
  has_other_aliases boolean;
  done jsonb;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'an identity map cannot be refreshed in a transaction that is %', current_setting('transaction_isolation')
      USING ERRCODE = 'active_sql_transaction', DETAIL = 'It would not see what others did to the map before it had its turn.',
            HINT = 'Refresh in a transaction of its own that is READ COMMITTED.';
  END IF;
  PERFORM identity_internal.identity_map_allow_much(), identity_internal.identity_map_comment(m.map, m.columns || m.stamp, false);
  -- Once triggers tell of what it does not see.
  PERFORM identity_internal.identity_map_take_snapshot();
  captures := identity_internal.identity_map_execute_then('SELECT identity_internal.identity_map_capture_marks($1)', m);
  files := identity_internal.identity_map_file_marks(m);
  since := identity_internal.identity_map_expect(m, started);
  has_other_aliases := identity_internal.identity_map_read_aliases(m);
  IF m.rebuild OR has_other_aliases THEN
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      SELECT c.mark INTO mark FROM identity_internal.identity_map_changed(m, i, true) AS c;
      marks := marks || jsonb_build_object(m.source_numbers[i], mark);
    END LOOP;
    PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true);
    at := clock_timestamp();
    IF identity_internal.identity_map_is_unbuilt(m) THEN
      done := identity_internal.identity_map_build(m, at) || '{"kind": "built"}';
      left_out := done -> 'left_out';
      done := done - 'left_out';
    ELSE
      SELECT l.dead, l.left_out, l.kept INTO dead, left_out, kept FROM identity_internal.identity_map_load(m, allow_loss, started) AS l;
      SELECT r.ids INTO back FROM identity_internal.identity_map_revive(m, since) AS r;
      done := identity_internal.identity_map_tell_revived(m, back, at, identity_internal.identity_map_settle_all(m, dead, at, true, back))
        || jsonb_build_object('kind', CASE WHEN m.rebuild THEN 'built' ELSE 'full' END);
    END IF;
  ELSE
    wholes := identity_internal.identity_map_wholes(m, is_full, captures, files);
    PERFORM identity_internal.identity_map_read_ahead(m, wholes, most);
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      SELECT c.ids, c.mark INTO ids, mark
      FROM identity_internal.identity_map_changed(m, i, i = ANY (wholes)) AS c;
      marks := marks || jsonb_build_object(m.source_numbers[i], mark);
      CONTINUE WHEN ids = '{}';
      SELECT r.records, r.loss INTO read, loss
      FROM identity_internal.identity_map_read(m, i, ids, greatest(most - changed, 0), identity_internal.identity_map_max_loss(m, i, allow_loss)) AS r;
      IF loss IS NOT NULL THEN
        kept := kept || jsonb_build_object(m.source_numbers[i], identity_internal.identity_map_keep(m, i, loss, true, started));
        CONTINUE;
      END IF;
      changed := changed + read;
      IF ids IS NULL THEN
        left_out := left_out || jsonb_build_object(m.source_numbers[i], identity_internal.identity_map_left_out());
      END IF;
    END LOOP;
    -- From here on nobody calls identify(), and no source's query runs.
    PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true), set_config('enable_mergejoin', 'off', true);
    at := clock_timestamp();
    IF is_full THEN
      BEGIN
        done := identity_internal.identity_map_take_in(m, changed, most, true, at, since);
      EXCEPTION WHEN data_corrupted THEN
        -- The state contradicts itself: all is read anew. Records that are known stay who they are.
        SELECT l.dead, l.left_out, l.kept INTO dead, left_out, kept FROM identity_internal.identity_map_load(m, allow_loss, started) AS l;
        SELECT r.ids INTO back FROM identity_internal.identity_map_revive(m, since) AS r;
        done := identity_internal.identity_map_tell_revived(m, back, at, identity_internal.identity_map_settle_all(m, dead, at, true, back)) || '{"kind": "full"}';
      END;
    ELSE
      done := identity_internal.identity_map_take_in(m, changed, most, false, at, since);
    END IF;
  END IF;
  -- While nobody calls identify(): what their claims have left behind.
  IF is_full OR pg_relation_size((identity_internal.identity_map_prefix(m.map_id) || 'claims')::regclass) > 1000000 THEN
    EXECUTE format('TRUNCATE %sclaims', identity_internal.identity_map_prefix(m.map_id));
  END IF;
  RETURN jsonb_build_object('started', started, 'marks', marks || jsonb_build_object('captures', captures, 'files', files, 'kept', kept, 'former', '{}'::jsonb,
      'left_out', left_out, 'warnings', identity_internal.identity_map_judge(m, done, changed)),
    'changes', done - 'more' - 'back' || jsonb_build_object('changed', changed), 'counts', identity_internal.identity_map_counted(m, done));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_refresh(identity_internal.identity_map_catalog, jsonb) IS 'internal: one refresh of an identity map';
