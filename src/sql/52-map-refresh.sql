-- Identity maps: the work of a refresh. All of it runs as the map's owner, under search_path
-- pg_catalog, pg_temp, in one transaction.
--
--   look      the columns of the sources, should they have changed
--   read      each source: rows that are new, rows that are gone (identity_map_scan()), into the copies
--   change    of the records touched: their identifiers' keys, before and now
--   affected  the records that a path of shared identifiers connects with them, before or now
--   settle    resolves these alone, and writes what differs
--
-- Why a part is enough: who is one person is decided within the records that a path of identifiers
-- connects; identifiers that are too common connect nobody (doc/guards.md). A record that was connected
-- with a changed one, before or now, carries one of the identifiers on the path from it, and the first of
-- these is one that the changed record carried, before or now.

CREATE FUNCTION identity_map_look(m identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  SELECT identity_map_layout(m.clauses, m.search_path);
END;
COMMENT ON FUNCTION identity_map_look(identity_map_catalog, jsonb) IS 'internal: the columns of a map''s sources';

-- The statement that reads source n (its place in the list: i) and gives (fingerprint, ...) as
-- identity_map_scan() does, in a WITH clause named `found`. Its parameters: $1 the clauses, $2 the query,
-- $3 the search_path, $4 the known fingerprints.
CREATE FUNCTION identity_map_found(m identity_map_catalog, i integer) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('found AS MATERIALIZED (SELECT * FROM @extschema@.identity_map_scan($1, %s, $2, $3, $4, %L)
    AS (fingerprint bigint, ordinal bigint, record_id text, keys bigint[], updated_at timestamp%s))', i,
    format('SELECT hash FROM %stombstones WHERE source = %L', identity_map_prefix(m.map_id), m.source_names[i]),
    (SELECT string_agg(format(', c%s %s', n, CASE WHEN (c -> 'array')::boolean THEN 'text[]' ELSE 'text' END), '' ORDER BY n)
     FROM jsonb_array_elements(m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns']) WITH ORDINALITY AS c (c, n)));
END;
COMMENT ON FUNCTION identity_map_found(identity_map_catalog, integer) IS 'internal: the beginning of a statement that reads a source';

-- The columns c1, c2, ... of the copy of source i, each with a comma before it and the prefix.
CREATE FUNCTION identity_map_cells(m identity_map_catalog, i integer, prefix text) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(string_agg(format(', %sc%s', prefix, n), '' ORDER BY n), '')
  FROM jsonb_array_elements(m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns']) WITH ORDINALITY AS c (c, n);
END;
COMMENT ON FUNCTION identity_map_cells(identity_map_catalog, integer, text) IS 'internal: the columns of a copy of a source';

-- The fingerprints of a source's rows anew, a million in a part.
CREATE FUNCTION identity_map_print(m identity_map_catalog, n integer) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
BEGIN
  EXECUTE format('DELETE FROM %sprints WHERE source = %s', p, n);
  EXECUTE format('INSERT INTO %1$sprints (source, came)
                  SELECT %2$s, @extschema@.identity_map_pack(array_agg(fingerprint)) FROM %1$srows_%2$s
                  GROUP BY (fingerprint >> 2) & (SELECT (1::bigint << ceil(log(2.0, greatest(count(*) / 1000000.0, 1.0)))::integer) - 1 FROM %1$srows_%2$s)', p, n);
END $$;
COMMENT ON FUNCTION identity_map_print(identity_map_catalog, integer) IS 'internal: packs the fingerprints of a source''s rows';

-- Reads source i into its copy: all of it, or the records named. Gives the numbers of the records of
-- which a row is new or gone.
CREATE FUNCTION identity_map_read(m identity_map_catalog, i integer, ids text[]) RETURNS bigint[]
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  source jsonb := m.prepared #> ARRAY['layout', 'sources', (i - 1)::text];
  query text := NULL;
  known text := format('SELECT came, went FROM %sprints WHERE source = %s ORDER BY part', p, n);
  touched bigint[];
  is_worn boolean;
BEGIN
  IF ids IS NOT NULL THEN
    query := @extschema@.identity_map_wrap(m, i, format('WHERE q.ir_id = ANY (%L::%s[])', ids, source ->> 'id_type'));
    known := format('SELECT @extschema@.identity_map_pack(array_agg(r.fingerprint)), NULL::bytea
                     FROM %srows_%s AS r WHERE r.rid = ANY (ARRAY(
                       SELECT m.rid FROM %srecords AS m WHERE m.source = %s AND m.record_id = ANY (%L::text[])))', p, n, p, n, ids);
  END IF;
  EXECUTE 'WITH ' || @extschema@.identity_map_found(m, i) || format(',
    gone AS (DELETE FROM %1$srows_%2$s AS r USING found AS f
             WHERE f.record_id IS NULL AND r.fingerprint = f.fingerprint RETURNING r.rid),
    told AS (INSERT INTO %1$sprints (source, came, went)
             SELECT %2$s, @extschema@.identity_map_pack(array_agg(fingerprint) FILTER (WHERE record_id IS NOT NULL)),
                    @extschema@.identity_map_pack(array_agg(fingerprint) FILTER (WHERE record_id IS NULL))
             FROM found HAVING count(*) > 0),
    named AS MATERIALIZED (SELECT DISTINCT f.record_id, m.rid FROM found AS f
              LEFT JOIN %1$srecords AS m ON m.source = %2$s AND m.record_id = f.record_id WHERE f.record_id IS NOT NULL),
    fresh AS (INSERT INTO %1$srecords (source, record_id) SELECT %2$s, record_id FROM named WHERE rid IS NULL
              RETURNING rid, record_id),
    added AS (INSERT INTO %1$srows_%2$s (rid, fingerprint, record_id, keys, updated_at%3$s)
              SELECT coalesce(named.rid, fresh.rid), f.fingerprint, f.record_id, f.keys, f.updated_at%4$s
              FROM found AS f JOIN named ON named.record_id = f.record_id
              LEFT JOIN fresh ON fresh.record_id = f.record_id RETURNING rid)
    SELECT array_agg(DISTINCT rid) FROM (SELECT rid FROM gone UNION ALL SELECT rid FROM added) AS t',
    p, n, @extschema@.identity_map_cells(m, i, ''), @extschema@.identity_map_cells(m, i, 'f.'))
  INTO touched
  USING @extschema@.identity_map_scan_clauses(m), query, m.search_path, known;
  -- Many parts, or much that came and went, are made into one again.
  EXECUTE format('SELECT count(*) > 100 OR sum(coalesce(length(went), 0)) > greatest(0.2 * sum(coalesce(length(came), 0)), 100000)
                  FROM %sprints WHERE source = %s', p, n) INTO is_worn;
  IF is_worn THEN
    PERFORM @extschema@.identity_map_print(m, n);
  END IF;
  RETURN coalesce(touched, '{}');
END $$;
COMMENT ON FUNCTION identity_map_read(identity_map_catalog, integer, text[]) IS
  'internal: reads a source into its copy, and says which records changed';

-- The query of source i as a part of another one: its first column is named ir_id there.
CREATE FUNCTION identity_map_wrap(m identity_map_catalog, i integer, condition text) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format(E'SELECT q.* FROM (%s\n) AS q (ir_id) %s',
                m.prepared #>> ARRAY['layout', 'sources', (i - 1)::text, 'query'], condition);
END;
COMMENT ON FUNCTION identity_map_wrap(identity_map_catalog, integer, text) IS 'internal: a part of a source''s rows';

-- What the records of one source that were touched carry, from their rows: brings records and keys in
-- line. A record without a row is no more.
CREATE FUNCTION identity_map_change(m identity_map_catalog, n integer, touched bigint[],
    OUT live bigint[], OUT dead uuid[], OUT keys bigint[], OUT moved bigint[])
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  EXECUTE format('WITH now AS MATERIALIZED (
      SELECT m.rid, m.identity_id, m.keys AS old, coalesce(r.keys, %3$L) AS new, r.n > 0 AS is_live
      FROM unnest($1) AS t (rid) JOIN %1$srecords AS m ON m.rid = t.rid
      CROSS JOIN LATERAL (SELECT count(*) AS n, array_agg(DISTINCT k ORDER BY k) FILTER (WHERE k IS NOT NULL) AS keys
                          FROM %1$srows_%2$s AS r LEFT JOIN LATERAL unnest(r.keys) AS k ON true WHERE r.rid = t.rid) AS r),
    less AS MATERIALIZED (SELECT rid, unnest(old) AS key FROM now EXCEPT SELECT rid, unnest(new) FROM now),
    more AS MATERIALIZED (SELECT rid, unnest(new) AS key FROM now EXCEPT SELECT rid, unnest(old) FROM now),
    k_less AS (DELETE FROM %1$skeys AS k USING less WHERE k.key = less.key AND k.rid = less.rid),
    k_more AS (INSERT INTO %1$skeys (key, rid) SELECT key, rid FROM more),
    r_same AS (UPDATE %1$srecords AS m SET keys = now.new FROM now WHERE m.rid = now.rid AND is_live AND old <> new),
    r_gone AS (DELETE FROM %1$srecords AS m USING now WHERE m.rid = now.rid AND NOT is_live)
    SELECT (SELECT array_agg(rid) FROM now WHERE is_live),
           (SELECT array_agg(DISTINCT identity_id) FROM now WHERE NOT is_live AND identity_id IS NOT NULL),
           (SELECT array_agg(DISTINCT k) FROM now, unnest(old || new) AS k),
           (SELECT array_agg(DISTINCT key) FROM (SELECT key FROM less UNION ALL SELECT key FROM more) AS x)',
    @extschema@.identity_map_prefix(m.map_id), n, '{}')
  INTO live, dead, keys, moved USING touched;
END $$;
COMMENT ON FUNCTION identity_map_change(identity_map_catalog, integer, bigint[]) IS
  'internal: what changed records carry now, and carried before';

-- Of the keys that came or went: those that have become too common, and those that are no longer.
CREATE FUNCTION identity_map_common_text(m identity_map_catalog) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('WITH many AS MATERIALIZED (
      SELECT k.key FROM %1$skeys AS k WHERE k.key = ANY ($1) AND ($2)[(k.key & 4095) + 1] > 0
      GROUP BY k.key HAVING count(*) > ($2)[(k.key & 4095) + 1]),
    now AS MATERIALIZED (
      SELECT DISTINCT k.key FROM many JOIN %1$skeys AS k ON k.key = many.key JOIN %1$srecords AS m ON m.rid = k.rid
      GROUP BY k.key, m.source HAVING count(*) > ($2)[(k.key & 4095) + 1]),
    more AS (INSERT INTO %1$scommon (key) SELECT key FROM now WHERE NOT EXISTS (SELECT FROM %1$scommon AS c WHERE c.key = now.key)
             RETURNING key),
    less AS (DELETE FROM %1$scommon AS c WHERE c.key = ANY ($1) AND NOT EXISTS (SELECT FROM now WHERE now.key = c.key) RETURNING key)
    SELECT jsonb_build_array((SELECT coalesce(array_agg(key), %2$L) FROM more), (SELECT coalesce(array_agg(key), %2$L) FROM less))::text',
    identity_map_prefix(m.map_id), '{}');
END;
COMMENT ON FUNCTION identity_map_common_text(identity_map_catalog) IS
  'internal: the statement that says which identifiers became, or no longer are, too common';

-- The records affected: $1 changed ones, $2 keys that they carry or carried, $3 keys that became too
-- common, $4 keys that no longer are. Gives {"rids": {"<source>": "{...}"}, "common": which of the records'
-- keys and of $2 are too common, "keys": those that connect the records (where $5), "count"}. Each key is
-- looked at once, so that the cost follows the identifiers and not the pairs of records. OFFSET 0 keeps
-- the planner from joining the tables with each other before it comes to the few keys that are asked for.
CREATE FUNCTION identity_map_affected_text(m identity_map_catalog) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('WITH RECURSIVE
    held AS MATERIALIZED (SELECT k.rid FROM %1$skeys AS k WHERE k.key = ANY ($3)),
    seeds (key) AS (
      SELECT unnest($2) UNION SELECT unnest($4)
      UNION SELECT u.key FROM held JOIN %1$srecords AS m ON m.rid = held.rid CROSS JOIN LATERAL unnest(m.keys) AS u (key)),
    reach (key) AS (
      SELECT s.key FROM seeds AS s WHERE NOT EXISTS (SELECT FROM %1$scommon AS c WHERE c.key = s.key)
      UNION
      SELECT u.key FROM reach
      CROSS JOIN LATERAL (SELECT k.rid FROM %1$skeys AS k WHERE k.key = reach.key OFFSET 0) AS k
      CROSS JOIN LATERAL (SELECT m.keys FROM %1$srecords AS m WHERE m.rid = k.rid OFFSET 0) AS m
      CROSS JOIN LATERAL unnest(m.keys) AS u (key)
      WHERE NOT EXISTS (SELECT FROM %1$scommon AS c WHERE c.key = u.key)),
    rids (rid) AS (SELECT unnest($1) UNION SELECT rid FROM held UNION SELECT k.rid FROM reach JOIN %1$skeys AS k ON k.key = reach.key),
    found AS MATERIALIZED (SELECT m.rid, m.source, m.keys FROM rids JOIN %1$srecords AS m ON m.rid = rids.rid)
    SELECT jsonb_build_object(
      %2$L, (SELECT jsonb_object_agg(source, rids) FROM (SELECT source, array_agg(rid)::text AS rids FROM found GROUP BY source) AS f),
      %3$L, (SELECT jsonb_agg(c.key) FROM (SELECT unnest($2) UNION SELECT u.key FROM found CROSS JOIN LATERAL unnest(found.keys) AS u (key)) AS k (key)
             CROSS JOIN LATERAL (SELECT c.key FROM %1$scommon AS c WHERE c.key = k.key OFFSET 0) AS c),
      %4$L, CASE WHEN $5 THEN (SELECT array_agg(key) FROM (SELECT key FROM reach UNION SELECT key FROM seeds) AS x)::text END,
      %5$L, (SELECT count(*) FROM found))::text',
    identity_map_prefix(m.map_id), 'rids', 'common', 'keys', 'count');
END;
COMMENT ON FUNCTION identity_map_affected_text(identity_map_catalog) IS
  'internal: the statement that finds the records which a change may concern';

-- The same for many: each record is looked up once, each identifier once, a step of all paths at a time.
-- Gives the records; `affected` says it as that statement does, but for "keys" and "count".
CREATE FUNCTION identity_map_reach(m identity_map_catalog, live bigint[], keys bigint[], newly bigint[], no_longer bigint[],
    OUT rids bigint[], OUT sources smallint[], OUT record_ids text[], OUT olds uuid[], OUT affected jsonb)
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  frontier bigint[];
  seen bigint[] := '{}';
  new_rids bigint[];
  found record;
  carried bigint[] := '{}';
  common bigint[];
BEGIN
  rids := '{}';
  sources := '{}';
  record_ids := '{}';
  olds := '{}';
  EXECUTE format('SELECT array_agg(rid) FROM (SELECT unnest($1) UNION SELECT k.rid FROM %skeys AS k WHERE k.key = ANY ($2)) AS r (rid)', p)
  INTO new_rids USING live, newly;
  keys := keys || no_longer;
  LOOP
    EXECUTE format('WITH f AS MATERIALIZED (SELECT m.rid, m.source, m.record_id, m.identity_id, m.keys FROM %srecords AS m WHERE m.rid = ANY ($1))
      SELECT array_agg(rid) AS rids, array_agg(source) AS sources, array_agg(record_id) AS record_ids, array_agg(identity_id) AS olds,
             (SELECT array_agg(DISTINCT u) FROM f, unnest(f.keys) AS u) AS keys FROM f', p)
    INTO found USING new_rids;
    rids := rids || found.rids;
    sources := sources || found.sources;
    record_ids := record_ids || found.record_ids;
    olds := olds || found.olds;
    carried := carried || found.keys;
    EXECUTE format('SELECT array_agg(key) FROM (SELECT unnest($1) UNION SELECT unnest($2) EXCEPT SELECT unnest($3) EXCEPT SELECT key FROM %scommon) AS k (key)', p)
    INTO frontier USING found.keys, keys, seen;
    EXIT WHEN frontier IS NULL;
    keys := '{}';
    seen := seen || frontier;
    EXECUTE format('SELECT array_agg(rid) FROM (SELECT k.rid FROM %skeys AS k WHERE k.key = ANY ($1) EXCEPT SELECT unnest($2)) AS r (rid)', p)
    INTO new_rids USING frontier, rids;
    EXIT WHEN new_rids IS NULL;
  END LOOP;
  EXECUTE format('SELECT coalesce(array_agg(c.key), %L) FROM %scommon AS c WHERE c.key = ANY ($1)', '{}', p) INTO common USING carried;
  affected := jsonb_build_object('common', common, 'rids', (SELECT jsonb_object_agg(source, numbers) FROM (
    SELECT r.source, array_agg(r.rid)::text AS numbers FROM unnest(sources, rids) AS r (source, rid) GROUP BY r.source) AS r));
END $$;
COMMENT ON FUNCTION identity_map_reach(identity_map_catalog, bigint[], bigint[], bigint[], bigint[]) IS
  'internal: the records which many changes may concern';

-- Names, in the history, the identifier that joined identities: `merges` is what the settling statement
-- gave, [[identity, rid, old identity], ...]; `affected` what it resolved, as identity_map_affected_text()
-- has it: what links here hangs on all records that a path of identifiers connects with these. NULL to
-- find out. The planner is told how many there are: of a list as jsonb it takes any number for a hundred.
CREATE FUNCTION identity_map_name_merges(m identity_map_catalog, merges jsonb, affected jsonb, at timestamptz) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  ids uuid[];
  rids bigint[];
  olds uuid[];
  keys bigint[];
  priorities jsonb := (SELECT jsonb_object_agg(k ->> 'name', k -> 'priority') FROM jsonb_array_elements(m.prepared #> '{layout,kinds}') AS k);
BEGIN
  SELECT array_agg((e ->> 0)::uuid), array_agg((e ->> 1)::bigint), array_agg((e ->> 2)::uuid) INTO ids, rids, olds
  FROM jsonb_array_elements(merges) AS e;
  IF affected IS NULL THEN
    EXECUTE format('SELECT array_agg(DISTINCT k) FROM %srecords AS m, unnest(m.keys) AS k WHERE m.rid = ANY ($1)', p) INTO keys USING rids;
    SELECT r.affected INTO affected FROM @extschema@.identity_map_reach(m, rids, coalesce(keys, '{}'), '{}', '{}') AS r;
  END IF;
  -- A part of an identity is those of its records that were one identity before. A value joins a part if
  -- a record of another part carries it too.
  EXECUTE format('WITH parts AS MATERIALIZED (
      SELECT e.id, e.rid, e.old, m.source, m.record_id
      FROM unnest($2, $7, $8) AS e (id, rid, old) JOIN %1$srecords AS m ON m.rid = e.rid),
    links AS MATERIALIZED (
      SELECT x.id, x.rid, x.old, l.kind, l.value
      FROM @extschema@.identity_links(VARIADIC $1) AS l
      JOIN unnest($3, $4) AS s (name, number) ON s.name = l.source
      JOIN parts AS x ON x.source = s.number AND x.record_id = l.record_id
      WHERE l.status = %2$L),
    shared AS MATERIALIZED (
      SELECT id, kind, value, array_agg(rid ORDER BY rid) AS rids, array_agg(DISTINCT old) AS olds,
             bool_or(old IS NULL) AS has_new, bool_or(old = id) AS has_kept
      FROM links GROUP BY id, kind, value
      HAVING count(DISTINCT coalesce(old::text, %3$L)) > 1),
    best AS (
      SELECT DISTINCT ON (s.id, o.old) o.old, s.id, s.kind, s.value, s.rids
      FROM shared AS s CROSS JOIN LATERAL unnest(s.olds) AS o (old)
      WHERE o.old IS NOT NULL
      ORDER BY s.id, o.old, s.has_kept DESC NULLS LAST, ($6 ->> s.kind)::integer DESC, s.kind, s.value),
    own AS (
      SELECT DISTINCT ON (id) id, kind, value, rids FROM best
      ORDER BY id, (old = id), ($6 ->> kind)::integer DESC, kind, value)
    UPDATE %1$shistory AS h SET by_kind = b.kind, by_value = b.value, by_rids = b.rids
    FROM (SELECT old AS identity_id, %4$L AS event, id AS into_id, kind, value, rids FROM best
          UNION ALL SELECT id, %5$L, NULL, kind, value, rids FROM own) AS b
    WHERE h.identity_id = b.identity_id AND h.event = b.event AND h.at = $5 AND h.into_id IS NOT DISTINCT FROM b.into_id',
    p, 'links', '-', 'retired', 'merged')
  USING @extschema@.identity_map_request(m, affected -> 'rids', affected -> 'common'), ids, m.source_names, m.source_numbers, at, priorities,
        rids, olds;
END $$;
COMMENT ON FUNCTION identity_map_name_merges(identity_map_catalog, jsonb, jsonb, timestamptz) IS
  'internal: by which identifier identities were merged';

-- For statements on many records, until the call ends: as for an index build, what is large is sorted and
-- hashed in memory. The state is looked up record by record unless much of it is concerned; it is small
-- enough to be in the cache mostly.
CREATE FUNCTION identity_map_allow_much() RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('work_mem', (SELECT greatest(max(setting::bigint) FILTER (WHERE name = 'work_mem'),
                                                  max(setting::bigint) FILTER (WHERE name = 'maintenance_work_mem') / 2) || 'kB'
                                  FROM pg_settings WHERE name IN ('work_mem', 'maintenance_work_mem')), true),
          set_config('random_page_cost', '1.1', true);
END $$;
COMMENT ON FUNCTION identity_map_allow_much() IS 'internal: memory and costs for many records';

-- Settles what changed: `live` records, identities of records that are gone, keys that the records carry
-- or carried, keys that came or went. All of the map where so much changed that a part saves nothing.
-- `affected`: as identity_map_affected_text() gave it for these, or more; NULL to find out.
CREATE FUNCTION identity_map_settle(m identity_map_catalog, live bigint[], dead uuid[], keys bigint[], moved bigint[],
                                    at timestamptz, small boolean, affected jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  common jsonb;
  done jsonb;
  reached record;
BEGIN
  common := @extschema@.identity_map_execute(@extschema@.identity_map_common_text(m), moved, m.limits);
  IF small AND (affected IS NULL OR common <> '[[], []]') THEN
    affected := @extschema@.identity_map_execute(@extschema@.identity_map_affected_text(m), live, keys,
      ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 0) AS e),
      ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 1) AS e), false);
  END IF;
  IF small AND (affected ->> 'count')::bigint > 1000 THEN
    -- One record, but many are concerned: to join these record by record would take their square.
    small := false;
    PERFORM @extschema@.identity_map_allow_much(), set_config('enable_seqscan', 'on', true),
            set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true);
  END IF;
  IF NOT small THEN
    reached := @extschema@.identity_map_reach(m, live, keys,
      ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 0) AS e),
      ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 1) AS e));
    affected := reached.affected;
  END IF;
  IF small THEN
    done := @extschema@.identity_map_execute(replace(replace(replace(m.settle, '%TABLE%', m.map::text), '%RECORDS%',
        @extschema@.identity_map_prefix(m.map_id) || 'records AS m'), '%LIMIT%', ''),
      @extschema@.identity_map_request(m, coalesce(affected -> 'rids', '{}'), affected -> 'common'), at, dead, false, false);
  ELSE
    EXECUTE replace(replace(replace(m.settle, '%TABLE%', m.map::text), '%RECORDS%', 'unnest($6, $7, $8, $9) AS m (rid, source, record_id, identity_id)'),
                    '%LIMIT%', 'LIMIT cardinality($6)')
    INTO done
    USING @extschema@.identity_map_request(m, coalesce(nullif(affected -> 'rids', 'null'), '{}'), affected -> 'common'), at, dead, false, false,
          reached.rids, reached.sources, reached.record_ids, reached.olds;
  END IF;
  IF jsonb_typeof(done -> 'merges') = 'array' THEN
    PERFORM @extschema@.identity_map_name_merges(m, done -> 'merges', affected, at);
  END IF;
  RETURN done - 'merges';
END $$;
COMMENT ON FUNCTION identity_map_settle(identity_map_catalog, bigint[], uuid[], bigint[], bigint[], timestamptz, boolean, jsonb) IS
  'internal: resolves what a change concerns, and writes what differs';

-- Settles the whole map from its state.
CREATE FUNCTION identity_map_settle_all(m identity_map_catalog, dead uuid[], at timestamptz) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  is_first boolean := m.refreshes = 0;
  done jsonb;
  strays bigint;
BEGIN
  EXECUTE format('WITH now AS MATERIALIZED (
      SELECT DISTINCT k.key FROM %1$skeys AS k JOIN %1$srecords AS m ON m.rid = k.rid
      WHERE ($1)[(k.key & 4095) + 1] > 0 GROUP BY k.key, m.source HAVING count(*) > ($1)[(k.key & 4095) + 1]),
    less AS (DELETE FROM %1$scommon AS c WHERE NOT EXISTS (SELECT FROM now WHERE now.key = c.key))
    INSERT INTO %1$scommon (key) SELECT key FROM now ON CONFLICT DO NOTHING', p) USING m.limits;
  -- Rows that somebody else put into the table.
  EXECUTE format('DELETE FROM %s AS t WHERE NOT EXISTS (SELECT FROM %sidentities AS i WHERE i.identity_id = t.identity_id)',
                 m.map, p);
  GET DIAGNOSTICS strays = ROW_COUNT;
  EXECUTE replace(replace(replace(m.settle, '%TABLE%', m.map::text), '%RECORDS%', p || 'records AS m'), '%LIMIT%', '') INTO done
  USING @extschema@.identity_map_request(m, NULL, NULL), at, dead, is_first, true;
  IF jsonb_typeof(done -> 'merges') = 'array' THEN
    PERFORM @extschema@.identity_map_name_merges(m, done -> 'merges', NULL, at);
  END IF;
  RETURN (done - 'merges') || jsonb_build_object('deleted', (done ->> 'deleted')::bigint + strays);
END $$;
COMMENT ON FUNCTION identity_map_settle_all(identity_map_catalog, uuid[], timestamptz) IS
  'internal: resolves all of an identity map''s state, and writes what differs';

-- Reads every source anew into an empty copy: at first, and after clauses or columns have changed. Records
-- keep their numbers and identities. Gives the identities of records that are gone.
CREATE FUNCTION identity_map_load(m identity_map_catalog) RETURNS uuid[]
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  n integer;
  base bigint;
  dead uuid[];
  gone uuid[];
BEGIN
  EXECUTE format('TRUNCATE %skeys', p);
  FOR i IN 1 .. cardinality(m.source_numbers) LOOP
    n := m.source_numbers[i];
    IF n = 0 THEN
      EXECUTE 'WITH found AS MATERIALIZED (SELECT * FROM @extschema@.identity_map_scan($1, $2, NULL, $3, NULL, NULL)
          AS (fingerprint bigint, ordinal bigint, record_id text, keys bigint[], updated_at timestamp'
        || m.traits || format('))
        UPDATE %1$srows_0 AS r SET keys = f.keys, fingerprint = f.fingerprint FROM found AS f
        WHERE r.record_id = f.record_id AND (r.keys <> f.keys OR r.fingerprint <> f.fingerprint)', p)
      USING @extschema@.identity_map_request(m, NULL, NULL), i, 'pg_catalog, pg_temp';
      CONTINUE;
    END IF;
    EXECUTE format('TRUNCATE %srows_%s', p, n);
    EXECUTE format('DELETE FROM %slog WHERE source = %s', p, n);
    EXECUTE format('SELECT coalesce(max(rid), 0) FROM %srecords', p) INTO base;
    EXECUTE 'WITH ' || @extschema@.identity_map_found(m, i) || format('
      INSERT INTO %1$srows_%2$s (rid, fingerprint, record_id, keys, updated_at%3$s)
      SELECT coalesce(m.rid, $5 + f.ordinal), f.fingerprint, f.record_id, f.keys, f.updated_at%4$s
      FROM found AS f LEFT JOIN %1$srecords AS m ON m.source = %2$s AND m.record_id = f.record_id',
      p, n, @extschema@.identity_map_cells(m, i, ''), @extschema@.identity_map_cells(m, i, 'f.'))
    USING @extschema@.identity_map_scan_clauses(m), NULL::text, m.search_path, NULL::text, base;
    EXECUTE format('INSERT INTO %1$srecords (rid, source, record_id, keys)
      SELECT r.rid, %2$s, r.record_id, min(r.keys) FROM %1$srows_%2$s AS r WHERE r.rid > $1 GROUP BY r.rid, r.record_id', p, n)
    USING base;
    EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT greatest(max(rid), 1) FROM %srecords))',
                   p || 'records', 'rid', p);
    PERFORM @extschema@.identity_map_print(m, n);
    EXECUTE format('ANALYZE %srows_%s', p, n);
  END LOOP;
  -- Records of a source that the map no longer has, or whose rows are gone; and what the others carry now.
  FOR n IN EXECUTE format('SELECT DISTINCT source FROM %srecords', p) LOOP
    EXECUTE format('WITH gone AS (DELETE FROM %srecords AS m WHERE m.source = %s%s RETURNING m.identity_id)
                    SELECT array_agg(DISTINCT identity_id) FROM gone WHERE identity_id IS NOT NULL', p, n,
      CASE WHEN n = ANY (m.source_numbers)
           THEN format(' AND NOT EXISTS (SELECT FROM %srows_%s AS r WHERE r.rid = m.rid)', p, n) ELSE '' END)
    INTO gone;
    dead := dead || gone;
    IF n = ANY (m.source_numbers) THEN
      EXECUTE format('UPDATE %1$srecords AS m SET keys = x.keys
        FROM (SELECT r.rid, min(r.keys) AS one, count(*) AS n,
                     CASE WHEN count(*) > 1 THEN (SELECT coalesce(array_agg(DISTINCT k ORDER BY k), %3$L)
                       FROM %1$srows_%2$s AS r2, unnest(r2.keys) AS k WHERE r2.rid = r.rid) ELSE min(r.keys) END AS keys
              FROM %1$srows_%2$s AS r GROUP BY r.rid) AS x
        WHERE m.rid = x.rid AND m.keys <> x.keys', p, n, '{}');
    END IF;
  END LOOP;
  EXECUTE format('INSERT INTO %1$skeys (key, rid) SELECT DISTINCT k, m.rid FROM %1$srecords AS m, unnest(m.keys) AS k ORDER BY 1, 2', p);
  EXECUTE format('ANALYZE %1$skeys, %1$srecords', p);
  RETURN dead;
END $$;
COMMENT ON FUNCTION identity_map_load(identity_map_catalog) IS
  'internal: reads all of an identity map''s sources anew';

-- Fills a map that holds nothing yet: copies, then table and records from one resolve. The state has no
-- indexes meanwhile: identity_map_prepare() dropped them, identity_map_note() makes them again.
CREATE FUNCTION identity_map_build(m identity_map_catalog, at timestamptz) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  sources integer := cardinality(m.source_numbers) - 1;
  n integer;
  base bigint := 0;
  last bigint;
  rows bigint;
  copies text[];
  definition text;
  members text;
  shown text;
  done jsonb;
BEGIN
  FOR i IN 1 .. sources LOOP
    n := m.source_numbers[i];
    EXECUTE format('TRUNCATE %srows_%s', p, n);
    EXECUTE 'WITH ' || @extschema@.identity_map_found(m, i) || format(',
      added AS (INSERT INTO %1$srows_%2$s (rid, fingerprint, record_id, keys, updated_at%3$s)
                SELECT $5 + f.ordinal, f.fingerprint, f.record_id, f.keys, f.updated_at%4$s FROM found AS f RETURNING rid)
      SELECT coalesce(max(rid), $5), count(*) FROM added',
      p, n, @extschema@.identity_map_cells(m, i, ''), @extschema@.identity_map_cells(m, i, 'f.'))
    INTO last, rows
    USING @extschema@.identity_map_scan_clauses(m), NULL::text, m.search_path, NULL::text, base;
    -- A record of several rows carries what they all carry.
    copies := copies || CASE WHEN rows = last - base
      THEN format('SELECT %s, rid, record_id, keys FROM %srows_%s', n, p, n)
      ELSE format('SELECT %s, rid, record_id, (SELECT array_agg(DISTINCT k ORDER BY k) FROM unnest(all_keys) AS k WHERE k IS NOT NULL)
                   FROM (SELECT rid, record_id, array_agg(k) AS all_keys FROM %srows_%s LEFT JOIN LATERAL unnest(keys) AS k ON true
                         GROUP BY rid, record_id) AS g', n, p, n) END;
    base := last;
  END LOOP;
  EXECUTE format('DELETE FROM %s', m.map);

  SELECT 'identity_id uuid' || string_agg(format(', "[%s]" text[]', i), '' ORDER BY i),
         string_agg(format('SELECT %s, unnest(r."[%s]")', m.source_numbers[i], i), ' UNION ALL ' ORDER BY i)
  INTO definition, members FROM generate_series(1, sources) AS i;
  SELECT coalesce(string_agg(format(', %I', c.name), '' ORDER BY c.place), ''),
         definition || coalesce(string_agg(format(', %I %s', c.name, format_type(a.atttypid, a.atttypmod)), '' ORDER BY c.place), '')
  INTO shown, definition
  FROM unnest(m.columns) WITH ORDINALITY AS c (name, place)
  JOIN pg_attribute AS a ON a.attrelid = m.map AND a.attname = c.name AND NOT a.attisdropped;
  EXECUTE format('WITH res AS MATERIALIZED (SELECT * FROM @extschema@.resolve_identities(VARIADIC $1) AS (%2$s)),
    t_new AS (INSERT INTO %3$s (identity_id%4$s) SELECT identity_id%4$s FROM res),
    w_new AS (INSERT INTO %1$sidentities (identity_id, created_at) SELECT identity_id, $2 FROM res),
    r_new AS (INSERT INTO %1$srecords (rid, source, record_id, identity_id, keys)
              SELECT x.rid, x.source, x.record_id, r.identity_id, coalesce(x.keys, %7$L)
              FROM res AS r CROSS JOIN LATERAL (%5$s) AS s (source, record_id)
              JOIN (%6$s) AS x (source, rid, record_id, keys) ON x.source = s.source AND x.record_id = s.record_id)
    SELECT jsonb_build_object(%8$L, count(*), %9$L, count(*)) FROM res',
    p, definition, m.map, shown, members, array_to_string(copies, ' UNION ALL '), '{}', 'inserted', 'created')
  INTO done USING @extschema@.identity_map_request(m, NULL, NULL), at;

  EXECUTE format('INSERT INTO %1$skeys (key, rid) SELECT k, m.rid FROM %1$srecords AS m, unnest(m.keys) AS k', p);
  EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), greatest($1, 1))', p || 'records', 'rid') USING base;
  EXECUTE format('ANALYZE %1$skeys, %1$srecords, %1$sidentities, %2$s', p, m.map);
  FOR i IN 1 .. sources LOOP
    PERFORM @extschema@.identity_map_print(m, m.source_numbers[i]);
    EXECUTE format('ANALYZE %srows_%s', p, m.source_numbers[i]);
  END LOOP;
  EXECUTE format('DELETE FROM %scommon', p);
  EXECUTE format('INSERT INTO %1$scommon (key) SELECT DISTINCT k.key FROM %1$skeys AS k JOIN %1$srecords AS m ON m.rid = k.rid
                  WHERE ($1)[(k.key & 4095) + 1] > 0 AND k.key IN (SELECT key FROM %1$skeys GROUP BY key HAVING count(*) > ($1)[(key & 4095) + 1])
                  GROUP BY k.key, m.source HAVING count(*) > ($1)[(k.key & 4095) + 1]', p) USING m.limits;
  RETURN done || jsonb_build_object('records', base, 'updated', 0, 'deleted', 0, 'merged', 0, 'split', 0, 'retired', 0);
END $$;
COMMENT ON FUNCTION identity_map_build(identity_map_catalog, timestamptz) IS 'internal: fills an identity map for the first time';

-- Makes the triggers that sources with capture => 'trigger' need, where they are not there and enabled.
-- Gives the numbers of the sources that have to be read as a whole because of it.
CREATE FUNCTION identity_map_attach(m identity_map_catalog) RETURNS integer[]
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  source jsonb;
  number integer;
  function regprocedure;
  event text;
  trigger_name text;
  made integer[] := '{}';
  item record;
BEGIN
  -- Those that no clause asks for any more.
  FOR item IN SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger AS t JOIN pg_proc AS f ON f.oid = t.tgfoid
              WHERE f.pronamespace = 'identity_state'::regnamespace AND f.proname ~ ('^m' || m.map_id || '_capture_')
                AND NOT EXISTS (SELECT FROM unnest(m.clauses) AS c
                                WHERE c::jsonb ->> 'capture' = 'trigger'
                                  AND 'm' || m.map_id || '_capture_' || (m.numbers ->> (c::jsonb ->> 'name')) = f.proname) LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', item.tgname, item.relation);
  END LOOP;
  FOR source IN SELECT s FROM jsonb_array_elements(m.prepared #> '{layout,sources}') AS s
                WHERE s ->> 'name' IN (SELECT c::jsonb ->> 'name' FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'capture' = 'trigger') LOOP
    number := m.numbers ->> (source ->> 'name');
    function := to_regprocedure(p || 'capture_' || number || '()');
    IF (SELECT count(*) FROM pg_trigger AS t WHERE t.tgfoid = function::oid AND t.tgenabled IN ('O', 'A')
          AND t.tgrelid = (source ->> 'table')::regclass) = 4 THEN
      CONTINUE;
    END IF;
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
      trigger_name := format('identity_map_%s_%s_%s', m.map_id, number, event);
      IF EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgname = trigger_name AND t.tgrelid = (source ->> 'table')::regclass) THEN
        EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, source ->> 'table');
      END IF;
      EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s', trigger_name, event, source ->> 'table',
        CASE event WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
                   WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
                   WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows' ELSE '' END, function);
    END LOOP;
    made := made || number;
  END LOOP;
  RETURN made;
END $$;
COMMENT ON FUNCTION identity_map_attach(identity_map_catalog) IS
  'internal: the triggers by which an identity map hears of changes';

-- Drops the map's triggers and, where it is there, its table.
CREATE FUNCTION identity_map_detach(m identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger AS t JOIN pg_proc AS f ON f.oid = t.tgfoid
              WHERE f.pronamespace = 'identity_state'::regnamespace AND f.proname ~ ('^m' || m.map_id || '_capture_') LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', item.tgname, item.relation);
  END LOOP;
  IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = m.map) THEN
    EXECUTE format('DROP TABLE %s', m.map);
  END IF;
  RETURN '{}';
END $$;
COMMENT ON FUNCTION identity_map_detach(identity_map_catalog, jsonb) IS 'internal: drops an identity map''s triggers and table';

-- Which records of source i have to be read: NULL for all of them. Sets the mark up to which changed_since
-- has been read.
CREATE FUNCTION identity_map_changed(m identity_map_catalog, i integer, is_full boolean, OUT ids text[], OUT mark text)
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  clause jsonb := (SELECT c::jsonb FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = m.source_names[i]);
  since text := clause ->> 'changed_since';
  told jsonb;
  is_all boolean := is_full OR since IS NULL AND clause ->> 'capture' IS NULL;
  path text := current_setting('search_path');
  query text;
  newest jsonb;
BEGIN
  -- By the snapshot by which the source is read: what is logged later is for the next refresh.
  told := @extschema@.identity_map_execute_then(format('WITH gone AS (DELETE FROM %slog WHERE source = %s RETURNING record_id)
    SELECT jsonb_build_array(coalesce(jsonb_agg(DISTINCT record_id) FILTER (WHERE record_id IS NOT NULL), %L),
                             coalesce(bool_or(record_id IS NULL), false)) FROM gone', p, n, '[]'));
  is_all := is_all OR (told -> 1)::boolean;
  IF since IS NOT NULL THEN
    mark := m.marks ->> n::text;
    is_all := is_all OR mark IS NULL;
    IF is_all THEN
      query := format('SELECT pg_catalog.jsonb_build_array(NULL, pg_catalog.format(''%%s'', pg_catalog.max(q.%I))) FROM (%s) AS q',
                      since, @extschema@.identity_map_wrap(m, i, ''));
    ELSE
      query := format('SELECT pg_catalog.jsonb_build_array(pg_catalog.jsonb_agg(pg_catalog.format(''%%s'', q.ir_id)),
                              pg_catalog.format(''%%s'', pg_catalog.max(q.%1$I))) FROM (%2$s) AS q',
                      since, @extschema@.identity_map_wrap(m, i, format('WHERE q.%I >= %L', since, mark)));
    END IF;
    PERFORM set_config('search_path', m.search_path, true);
    newest := @extschema@.identity_map_execute_then(query);
    PERFORM pg_catalog.set_config('search_path', path, true);
    mark := coalesce(nullif(newest ->> 1, ''), mark);
    IF jsonb_typeof(newest -> 0) = 'array' THEN
      ids := ARRAY(SELECT jsonb_array_elements_text(newest -> 0));
    END IF;
  END IF;
  IF is_all THEN
    ids := NULL;
  ELSE
    ids := coalesce(ids, '{}') || ARRAY(SELECT jsonb_array_elements_text(told -> 0));
    -- Of many, all of them are found sooner by reading the source once.
    IF cardinality(ids) > greatest(1000, 0.2 * (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = to_regclass(p || 'rows_' || n))) THEN
      ids := NULL;
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION identity_map_changed(identity_map_catalog, integer, boolean) IS
  'internal: the records of a source that a refresh has to read';

-- One refresh; the refreshes' lock is held.
CREATE FUNCTION identity_map_refresh(m identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE
  SET DateStyle = ISO SET TimeZone = GMT SET IntervalStyle = postgres SET extra_float_digits = 3 SET bytea_output = hex AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  started timestamptz := clock_timestamp();
  is_full boolean := (a -> 'full')::boolean;
  is_first boolean;
  attached integer[];
  ids text[];
  mark text;
  marks jsonb := '{}';
  touched jsonb := '{}';
  rids bigint[];
  live bigint[] := '{}';
  dead uuid[] := '{}';
  keys bigint[] := '{}';
  moved bigint[] := '{}';
  changed bigint := 0;
  all_records bigint;
  done jsonb;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'an identity map cannot be refreshed in a transaction that is %', current_setting('transaction_isolation')
      USING ERRCODE = 'active_sql_transaction', DETAIL = 'It would not see what others did to the map before it had its turn.',
            HINT = 'Refresh in a transaction of its own that is READ COMMITTED.';
  END IF;
  PERFORM @extschema@.identity_map_allow_much();
  attached := @extschema@.identity_map_attach(m);
  -- Once triggers tell of what it does not see.
  PERFORM @extschema@.identity_map_take_snapshot();
  IF m.rebuild THEN
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      SELECT c.mark INTO mark FROM @extschema@.identity_map_changed(m, i, true) AS c;
      marks := marks || jsonb_build_object(m.source_numbers[i], mark);
    END LOOP;
    PERFORM @extschema@.identity_map_lock(m.map_id, 2, true, true);
    EXECUTE format('SELECT $1 AND NOT EXISTS (SELECT FROM %1$srecords) AND NOT EXISTS (SELECT FROM %1$sretired)', p)
    INTO is_first USING m.refreshes = 0;
    IF is_first THEN
      done := @extschema@.identity_map_build(m, started) || '{"kind": "built"}';
    ELSE
      dead := @extschema@.identity_map_load(m);
      done := @extschema@.identity_map_settle_all(m, dead, started) || '{"kind": "built"}';
    END IF;
  ELSE
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      SELECT c.ids, c.mark INTO ids, mark
      FROM @extschema@.identity_map_changed(m, i, is_full OR m.source_numbers[i] = ANY (attached)) AS c;
      marks := marks || jsonb_build_object(m.source_numbers[i], mark);
      CONTINUE WHEN ids = '{}';
      rids := @extschema@.identity_map_read(m, i, ids);
      IF rids <> '{}' THEN
        touched := touched || jsonb_build_object(m.source_numbers[i], rids::text);
        changed := changed + cardinality(rids);
      END IF;
    END LOOP;
    -- From here on nobody calls identify().
    PERFORM @extschema@.identity_map_lock(m.map_id, 2, true, true);
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      CONTINUE WHEN NOT touched ? m.source_numbers[i]::text;
      DECLARE
        change record;
      BEGIN
        change := @extschema@.identity_map_change(m, m.source_numbers[i], (touched ->> m.source_numbers[i]::text)::bigint[]);
        live := live || change.live;
        dead := dead || change.dead;
        keys := keys || change.keys;
        moved := moved || change.moved;
      END;
    END LOOP;
    SELECT c.reltuples INTO all_records FROM pg_class AS c WHERE c.oid = (p || 'records')::regclass;
    IF is_full OR changed > greatest(all_records, 1000) * 0.3 THEN
      done := @extschema@.identity_map_settle_all(m, dead, started) || '{"kind": "full"}';
    ELSIF changed > 0 THEN
      done := @extschema@.identity_map_settle(m, live, dead, keys, moved, started, false, NULL) || '{"kind": "changes"}';
    ELSE
      done := '{"kind": "changes", "inserted": 0, "updated": 0, "deleted": 0, "created": 0, "merged": 0, "split": 0, "retired": 0, "records": 0}';
    END IF;
  END IF;
  RETURN jsonb_build_object('started', started, 'marks', marks, 'changes', done || jsonb_build_object('changed', changed));
END $$;
COMMENT ON FUNCTION identity_map_refresh(identity_map_catalog, jsonb) IS 'internal: one refresh of an identity map';
