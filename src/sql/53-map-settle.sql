-- Identity maps: from the records that changed to the table. What they carry, who is affected, and the
-- statement that writes what differs.
--
-- Why a part is enough: who is one person is decided within the records that a path of identifiers
-- connects; identifiers that are too common connect nobody (doc/guards.md). A record that was connected
-- with a changed one, before or now, carries one of the identifiers on the path from it, and the first of
-- these is one that the changed record carried, before or now.

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
  priorities jsonb := (SELECT jsonb_object_agg(k ->> 'name', k -> 'priority') FROM jsonb_array_elements(m.prepared #> '{layout,kinds}') AS k);
BEGIN
  SELECT array_agg((e ->> 0)::uuid), array_agg((e ->> 1)::bigint), array_agg((e ->> 2)::uuid) INTO ids, rids, olds
  FROM jsonb_array_elements(merges) AS e;
  IF affected IS NULL THEN
    SELECT r.affected INTO affected FROM @extschema@.identity_map_reach(m, rids, '{}', '{}', '{}') AS r;
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

-- The statement that brings identities and table in line with what a resolve says. Its parameters:
-- $1 the clauses to resolve, $2 now, $3 identities of records that are gone, $4 whether the map is
-- being filled for the first time, $5 whether to look for rows that the table should have and has not. It
-- gives what was done as jsonb. %TABLE% stands for the map's table, %RECORDS% for the records with their numbers,
-- %LIMIT% for nothing, or what tells the planner how many they are.
--
-- res      the identities as resolved, named by their derived ids (a "cluster")
-- mem      their records, each with the identity that it had
-- picks    each old identity picks the cluster that has most of its records; of several the one in which
--          others have least
-- kept     of those that pick one cluster the one with most records there (then the older, then the
--          smaller id) gives it its id
-- ids      so each cluster has an id: a kept one, else its derived id if the map never used that, else
--          another one derived from it
-- lost     old identities that are no more, and where they went
CREATE FUNCTION identity_map_settle_text(m identity_map_catalog) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
DECLARE
  p text := @extschema@.identity_map_prefix(m.map_id);
  members text;
  definition text;
  shown text;
  t_shown text;
  r_shown text;
  assigned text;
BEGIN
  SELECT string_agg(format('SELECT %s, unnest(r."[%s]")', n.number, n.place), ' UNION ALL ' ORDER BY n.place),
         'identity_id uuid' || string_agg(format(', "[%s]" text[]', n.place), '' ORDER BY n.place)
  INTO members, definition
  FROM unnest(m.source_numbers) WITH ORDINALITY AS n (number, place);
  SELECT string_agg(format('%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('t.%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('r.%I', c.name), ', ' ORDER BY c.place),
         string_agg(format('%1$I = r.%1$I', c.name), ', ' ORDER BY c.place),
         definition || coalesce(string_agg(format(', %I %s', c.name, format_type(a.atttypid, a.atttypmod)),
                                           '' ORDER BY c.place), '')
  INTO shown, t_shown, r_shown, assigned, definition
  FROM unnest(m.columns) WITH ORDINALITY AS c (name, place)
  JOIN pg_attribute AS a ON a.attrelid = m.map AND a.attname = c.name AND NOT a.attisdropped;
  RETURN
    'WITH res AS MATERIALIZED (SELECT * FROM @extschema@.resolve_identities(VARIADIC $1) AS (' || definition || ')),
 mem AS MATERIALIZED (
   SELECT r.identity_id AS cluster, m.rid, m.identity_id AS old
   FROM res AS r CROSS JOIN LATERAL (' || members || ') AS s (source, record_id)
   JOIN %RECORDS% ON m.source = s.source AND m.record_id = s.record_id %LIMIT%),
 picks AS MATERIALIZED (
   SELECT DISTINCT ON (v.old) v.old, v.cluster, v.n
   FROM (SELECT old, cluster, count(*) AS n, sum(count(*)) OVER (PARTITION BY cluster) AS in_all
         FROM mem WHERE old IS NOT NULL GROUP BY old, cluster) AS v
   ORDER BY v.old, v.n DESC, v.in_all, v.cluster),
 kept AS MATERIALIZED (
   SELECT DISTINCT ON (cluster) cluster, old AS id
   FROM (SELECT cluster, old, n,
                CASE WHEN count(*) OVER (PARTITION BY cluster) > 1
                     THEN (SELECT i.created_at FROM ' || p || 'identities AS i WHERE i.identity_id = old) END AS created_at
         FROM picks) AS p
   ORDER BY cluster, n DESC, created_at, old),
 ids AS MATERIALIZED (
   SELECT c.cluster, k.id IS NULL AS is_new, c.olds,
          CASE WHEN k.id IS NOT NULL THEN k.id
               WHEN NOT EXISTS (SELECT FROM ' || p || 'identities AS i WHERE i.identity_id = c.cluster)
                AND NOT EXISTS (SELECT FROM ' || p || 'retired AS g WHERE g.identity_id = c.cluster) THEN c.cluster
               ELSE (SELECT x.id
                     FROM generate_series(1, 100) AS n
                     CROSS JOIN LATERAL (SELECT overlay(overlay(md5(c.cluster::text || n) PLACING ''8'' FROM 13)
                                                        PLACING ''b'' FROM 17)::uuid) AS x (id)
                     WHERE NOT EXISTS (SELECT FROM ' || p || 'identities AS i WHERE i.identity_id = x.id)
                       AND NOT EXISTS (SELECT FROM ' || p || 'retired AS g WHERE g.identity_id = x.id)
                     LIMIT 1) END AS id
   FROM (SELECT cluster, array_agg(DISTINCT old) FILTER (WHERE old IS NOT NULL) AS olds
         FROM mem GROUP BY cluster) AS c
   LEFT JOIN kept AS k ON k.cluster = c.cluster),
 lost AS MATERIALIZED (
   SELECT o.old, ids.id AS into_id
   FROM (SELECT old FROM mem WHERE old IS NOT NULL UNION SELECT unnest($3)) AS o
   LEFT JOIN picks AS p ON p.old = o.old LEFT JOIN ids ON ids.cluster = p.cluster
   WHERE ids.id IS DISTINCT FROM o.old
     AND (SELECT true FROM ' || p || 'identities AS i WHERE i.identity_id = o.old)),
 w_records AS (
   UPDATE ' || p || 'records AS m SET identity_id = ids.id FROM mem JOIN ids ON ids.cluster = mem.cluster
   WHERE m.rid = mem.rid AND mem.old IS DISTINCT FROM ids.id),
 w_new AS (INSERT INTO ' || p || 'identities (identity_id, created_at) SELECT id, $2 FROM ids WHERE is_new),
 w_gone AS (DELETE FROM ' || p || 'identities AS i WHERE i.identity_id = ANY (ARRAY(SELECT old FROM lost))),
 w_retired AS (INSERT INTO ' || p || 'retired (identity_id, into_id, at) SELECT old, into_id, $2 FROM lost),
 t_gone AS (DELETE FROM %TABLE% AS t WHERE t.identity_id = ANY (ARRAY(SELECT old FROM lost)) RETURNING 1),'
    || coalesce('
 t_same AS (UPDATE %TABLE% AS t SET ' || assigned || ' FROM res AS r JOIN ids ON ids.cluster = r.identity_id
            WHERE t.identity_id = ids.id AND NOT ids.is_new
              AND ROW(' || t_shown || ')::record OPERATOR(pg_catalog.*<>) ROW(' || r_shown || ')::record RETURNING 1),', '
 t_same AS (SELECT 1 WHERE false),') || '
 t_new AS (INSERT INTO %TABLE% (identity_id' || coalesce(', ' || shown, '') || ')
           SELECT ids.id' || coalesce(', ' || r_shown, '') || ' FROM res AS r JOIN ids ON ids.cluster = r.identity_id
           WHERE ids.is_new OR $5 AND NOT EXISTS (SELECT FROM %TABLE% AS t WHERE t.identity_id = ids.id) RETURNING 1),
 events (event, identity_id, from_ids, into_id) AS MATERIALIZED (
   SELECT CASE WHEN NOT is_new THEN ''merged'' WHEN olds IS NULL THEN ''created'' ELSE ''split'' END,
          id, array_remove(olds, id), NULL::uuid
   FROM ids
   WHERE is_new AND (olds IS NOT NULL OR NOT $4) OR NOT is_new AND cardinality(olds) > 1
   UNION ALL
   SELECT ''retired'', old, NULL, into_id FROM lost),
 h AS (INSERT INTO ' || p || 'history (at, event, identity_id, from_ids, into_id)
       SELECT $2, event, identity_id, from_ids, into_id FROM events)
SELECT jsonb_build_object(
  ''inserted'', (SELECT count(*) FROM t_new), ''updated'', (SELECT count(*) FROM t_same),
  ''deleted'', (SELECT count(*) FROM t_gone),
  ''records'', (SELECT count(*) FROM mem),
  ''created'', (SELECT count(*) FROM ids WHERE is_new AND olds IS NULL),
  ''merged'', (SELECT count(*) FROM events WHERE event = ''merged''),
  ''split'', (SELECT count(*) FROM events WHERE event = ''split''),
  ''retired'', (SELECT count(*) FROM events WHERE event = ''retired''),
  ''merges'', (SELECT jsonb_agg(jsonb_build_array(ids.id, mem.rid, mem.old))
               FROM ids JOIN mem ON mem.cluster = ids.cluster
               WHERE NOT ids.is_new AND cardinality(ids.olds) > 1))::text';
END $$;
COMMENT ON FUNCTION identity_map_settle_text(identity_map_catalog) IS
  'internal: the statement that brings an identity map''s table in line with its state';

-- Settles what changed: `live` records, identities of records that are gone, keys that the records carry
-- or carried, keys that came or went. All of the map where so much changed that a part saves nothing.
-- `affected`: as identity_map_affected_text() gave it for these, or more; NULL to find out.
CREATE FUNCTION identity_map_settle(m identity_map_catalog, live bigint[], dead uuid[], keys bigint[], moved bigint[],
                                    at timestamptz, small boolean, affected jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  common jsonb;
  newly bigint[];
  no_longer bigint[];
  done jsonb;
  reached record;
BEGIN
  common := @extschema@.identity_map_execute(@extschema@.identity_map_common_text(m), moved, m.limits);
  newly := ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 0) AS e);
  no_longer := ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 1) AS e);
  IF small AND (affected IS NULL OR common <> '[[], []]') THEN
    affected := @extschema@.identity_map_execute(@extschema@.identity_map_affected_text(m), live, keys, newly, no_longer, false);
  END IF;
  IF small AND (affected ->> 'count')::bigint > 1000 THEN
    -- One record, but many are concerned: to join these record by record would take their square.
    small := false;
    PERFORM @extschema@.identity_map_allow_much(), set_config('enable_seqscan', 'on', true),
            set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true);
  END IF;
  IF NOT small THEN
    reached := @extschema@.identity_map_reach(m, live, keys, newly, no_longer);
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
