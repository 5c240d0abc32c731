-- Identity maps: from the records that changed to the table. What they carry, who is affected, and the
-- statement that writes what differs.
--
-- Why a part is enough: who is one person is decided within the records that a path of identifiers
-- connects; identifiers that are too common connect nobody (doc/guards.md). A record that was connected
-- with a changed one, before or now, carries one of the identifiers on the path from it, and the first of
-- these is one that the changed record carried, before or now.

-- The query which of `many` (key, records) more records carry than a rule allows, of one source or of all.
CREATE FUNCTION identity_internal.identity_map_too_common_text(m identity_internal.identity_map_catalog) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('SELECT k.key FROM many JOIN %1$skeys AS k ON k.key = many.key JOIN %1$srecords AS m ON m.rid = k.rid
      GROUP BY k.key, m.source HAVING (%2$L::bigint[])[(k.key & 4095) + 1] > 0 AND count(*) > (%2$L::bigint[])[(k.key & 4095) + 1]
      UNION SELECT key FROM many WHERE (%3$L::bigint[])[(key & 4095) + 1] > 0 AND records > (%3$L::bigint[])[(key & 4095) + 1]',
    identity_internal.identity_map_prefix(m.map_id), m.limits_a_source, m.limits_in_all);
END;
COMMENT ON FUNCTION identity_internal.identity_map_too_common_text(identity_internal.identity_map_catalog) IS
  'internal: the query which identifiers are too common';

-- Of the keys that came or went: those that have become too common, and those that are no longer.
CREATE FUNCTION identity_internal.identity_map_common_text(m identity_internal.identity_map_catalog) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('WITH many AS MATERIALIZED (
      SELECT k.key, count(*) AS records FROM %1$skeys AS k WHERE k.key = ANY ($1) AND ($2)[(k.key & 4095) + 1] > 0
      GROUP BY k.key HAVING count(*) > ($2)[(k.key & 4095) + 1]),
    now AS MATERIALIZED (%3$s),
    more AS (INSERT INTO %1$scommon (key) SELECT key FROM now WHERE NOT EXISTS (SELECT FROM %1$scommon AS c WHERE c.key = now.key)
             RETURNING key),
    less AS (DELETE FROM %1$scommon AS c WHERE c.key = ANY ($1) AND NOT EXISTS (SELECT FROM now WHERE now.key = c.key) RETURNING key)
    SELECT jsonb_build_array((SELECT coalesce(array_agg(key), %2$L) FROM more), (SELECT coalesce(array_agg(key), %2$L) FROM less))::text',
    identity_internal.identity_map_prefix(m.map_id), '{}', identity_internal.identity_map_too_common_text(m));
END;
COMMENT ON FUNCTION identity_internal.identity_map_common_text(identity_internal.identity_map_catalog) IS
  'internal: the statement that says which identifiers became, or no longer are, too common';

-- Of all keys those that are too common; whether they are others than before.
CREATE FUNCTION identity_internal.identity_map_count_common(m identity_internal.identity_map_catalog) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  has_changed boolean;
BEGIN
  EXECUTE format('WITH many AS MATERIALIZED (
      SELECT key, count(*) AS records FROM %1$skeys GROUP BY key HAVING count(*) > ($1)[(key & 4095) + 1] AND ($1)[(key & 4095) + 1] > 0),
    now AS MATERIALIZED (%2$s),
    less AS (DELETE FROM %1$scommon AS c WHERE NOT EXISTS (SELECT FROM now WHERE now.key = c.key) RETURNING key),
    more AS (INSERT INTO %1$scommon (key) SELECT key FROM now ON CONFLICT DO NOTHING RETURNING key)
    SELECT EXISTS (SELECT FROM less) OR EXISTS (SELECT FROM more)', identity_internal.identity_map_prefix(m.map_id),
    identity_internal.identity_map_too_common_text(m))
  INTO has_changed USING m.limits;
  RETURN has_changed;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_count_common(identity_internal.identity_map_catalog) IS
  'internal: finds out which identifiers of an identity map are too common';

-- Names, in the history, the identifier that joined identities, where all of a map was settled (of a part
-- identity_map_place() tells, by the same rules): of identities that took others in, a record at a place, the
-- identity, the record and what it was. What links here hangs on all records that a path of identifiers
-- connects with these; of many of them the whole map is looked at. At most a thousand carriers are named
-- (kMostCarriers in src/pg/map_place.cc).
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
  IF cardinality(rids) < 0.1 * identity_internal.identity_map_size(m.map_id) THEN
    reached := identity_internal.identity_map_reach(m.map_id, rids, '{}');
  END IF;
  -- A part of an identity is those of its records that were one identity before. A value joins a part if
  -- a record of another part carries it too.
  EXECUTE format('WITH parts AS MATERIALIZED (
      SELECT e.id, e.rid, e.old, m.source, m.record_id
      FROM unnest($2, $7, $8) AS e (id, rid, old) JOIN %1$srecords AS m ON m.rid = e.rid),
    links AS MATERIALIZED (
      SELECT x.id, x.rid, x.old, l.kind, l.value
      FROM identity_internal.identity_links(VARIADIC $1) AS l
      JOIN unnest($3, $4) AS s (name, number) ON s.name = l.source
      JOIN parts AS x ON x.source = s.number AND x.record_id = identity_internal.identity_map_record_key(l.record_id)
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
      ORDER BY s.id, o.old, s.has_kept DESC NULLS LAST, ($6 ->> s.kind)::integer DESC, s.kind COLLATE "C", s.value COLLATE "C"),
    own AS (
      SELECT DISTINCT ON (id) id, kind, value, rids FROM best
      ORDER BY id, (old = id), ($6 ->> kind)::integer DESC, kind COLLATE "C", value COLLATE "C")
    UPDATE %1$shistory AS h SET by_kind = b.kind, by_value = b.value, by_rids = b.rids
    FROM (SELECT old AS identity_id, %4$L AS event, id AS into_id, kind, value, rids FROM best
          UNION ALL SELECT id, %5$L, NULL, kind, value, rids FROM own) AS b
    WHERE h.identity_id = b.identity_id AND h.event = b.event AND h.at = $5 AND h.into_id IS NOT DISTINCT FROM b.into_id',
    p, 'links', '-', 'retired', 'merged')
  USING identity_internal.identity_map_request(m, reached), ids, m.source_names, m.source_numbers, at, priorities,
        rids, olds;
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

-- The statement that brings identities and table in line with what a resolve says. Its parameters:
-- $1 the clauses to resolve, numbered, $2 now, $3 identities of records that are gone, $4 those that identity_map_revive() has
-- brought back, and of all records $5 whether the map is being filled for the first time and $6 how many they are (so that the
-- planner knows). Of a part, which identity_map_reach() has found, identity_map_place() writes all but the table itself. It gives what was done as jsonb, and of all records
-- what identity_map_name_merges() wants. %TABLE% stands for the map's table.
--
-- placed   the identities as resolved, each with its id ("id", "is_new"), what its records were ("olds"), how
--          many they are, and those that were of another one ("moved"); and the old identities that are no
--          more ("lost"), with the one into which they went ("id"). Where identities merged, by what ("by_kind",
--          "by_value", "by_rids"), or, of all records, what has to be looked at for that ("merged"). By
--          identity_map_place(), which says by what rules; where there may be more than memory holds by SQL:
--          res, mem, picks, kept and named follow the same rules. An id is a kept one, else the one derived from
--          the cluster's first record if the map never used that, else another one derived from it
-- lost     old identities that are no more, and where they went
CREATE FUNCTION identity_internal.identity_map_settle_text(m identity_internal.identity_map_catalog, of_all boolean, by_sql boolean) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  columns text;
  shown text;
  t_shown text;
  r_shown text;
  assigned text;
  is_other text;
  stamp text := quote_ident(m.stamp);
  -- Names that no column of a map can have.
  fixed text := '"[id]", "[is_new]", "[lost]", "[olds]", "[records]", "[moved]", "[by_kind]", "[by_value]", "[by_rids]", "[merged]", "[merged_olds]"';
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
    assigned := concat_ws(', ', assigned, stamp || ' = $2');
  END IF;
  RETURN CASE WHEN by_sql THEN
    'WITH res AS MATERIALIZED (SELECT * FROM identity_internal.resolve_identities(VARIADIC $1) AS (identity_id uuid, "[number]" bigint[]' || columns || ')),
 mem AS MATERIALIZED (
   SELECT r.identity_id AS cluster, m.rid, m.identity_id AS old
   FROM (SELECT identity_id, unnest("[number]") AS rid FROM res LIMIT $6) AS r JOIN ' || p || 'records AS m ON m.rid = r.rid),
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
   ORDER BY cluster, old = ANY ($4), n DESC, created_at, old),
 named AS MATERIALIZED (
   SELECT c.cluster, c.kept IS NULL AS is_new, c.olds, c.records, c.moved, c.rids, c.rid_olds,
          CASE WHEN c.kept IS NOT NULL THEN c.kept
               WHEN NOT EXISTS (SELECT FROM ' || p || 'identities AS i WHERE i.identity_id = c.cluster)
                AND NOT EXISTS (SELECT FROM ' || p || 'retired AS g WHERE g.identity_id = c.cluster) THEN c.cluster
               ELSE identity_internal.identity_map_free_id(' || m.map_id || ', c.cluster) END AS id
   FROM (SELECT mem.cluster, k.id AS kept, array_agg(DISTINCT old) FILTER (WHERE old IS NOT NULL) AS olds, count(*) AS records,
                array_agg(rid) FILTER (WHERE k.id IS NULL OR old IS DISTINCT FROM k.id) AS moved, array_agg(rid) AS rids, array_agg(old) AS rid_olds
         FROM mem LEFT JOIN kept AS k ON k.cluster = mem.cluster GROUP BY mem.cluster, k.id) AS c),
 placed (' || fixed || coalesce(', ' || shown, '') || ') AS MATERIALIZED (
   SELECT n.id, n.is_new, NULL::uuid, n.olds, n.records, n.moved, NULL::text, NULL::text, NULL::bigint[],
          CASE WHEN NOT n.is_new AND cardinality(n.olds) > 1 THEN n.rids END,
          CASE WHEN NOT n.is_new AND cardinality(n.olds) > 1 THEN n.rid_olds END' || coalesce(', ' || r_shown, '') || '
   FROM named AS n JOIN res AS r ON r.identity_id = n.cluster
   UNION ALL
   SELECT n.id, NULL, o.old, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL' || coalesce((SELECT string_agg(', NULL', '') FROM unnest(m.columns)), '') || '
   FROM (SELECT old FROM mem WHERE old IS NOT NULL UNION SELECT unnest($3)) AS o
   LEFT JOIN picks AS p ON p.old = o.old LEFT JOIN named AS n ON n.cluster = p.cluster
   WHERE n.id IS DISTINCT FROM o.old),'
  ELSE
    'WITH placed AS MATERIALIZED (
   SELECT * FROM identity_internal.identity_map_place($1, ' || m.map_id || CASE WHEN of_all THEN ', $3, $4)' ELSE ', ''{}'', ''{}'', $3, $2, $4)' END || '
   AS ("[id]" uuid, "[is_new]" boolean, "[lost]" uuid, "[olds]" uuid[], "[records]" bigint, "[moved]" bigint[], "[by_kind]" text, "[by_value]" text,
       "[by_rids]" bigint[], "[merged]" bigint[], "[merged_olds]" uuid[]' || columns || ')),'
  END || '
 ids AS NOT MATERIALIZED (SELECT * FROM placed WHERE "[lost]" IS NULL),
 lost AS MATERIALIZED (
   SELECT o."[lost]" AS old, o."[id]" AS into_id, o."[by_kind]" AS by_kind, o."[by_value]" AS by_value, o."[by_rids]" AS by_rids
   FROM placed AS o
   WHERE o."[lost]" IS NOT NULL' || CASE WHEN of_all THEN ' AND (SELECT true FROM ' || p || 'identities AS i WHERE i.identity_id = o."[lost]")' ELSE '' END || '),
 t_gone AS (DELETE FROM ONLY %TABLE% AS t WHERE t.identity_id = ANY (ARRAY(SELECT old FROM lost)) RETURNING 1),'
    || coalesce('
 t_same AS (UPDATE ONLY %TABLE% AS t SET ' || assigned || ' FROM ids AS r
            WHERE t.identity_id = r."[id]" AND NOT r."[is_new]"
              AND (' || is_other || ') RETURNING 1),', '
 t_same AS (SELECT 1 WHERE false),') || '
 t_new AS (INSERT INTO %TABLE% (identity_id' || coalesce(', ' || shown, '') || coalesce(', ' || stamp, '') || ')
           SELECT r."[id]"' || coalesce(', ' || r_shown, '') || CASE WHEN stamp IS NULL THEN '' ELSE ', $2' END || ' FROM ids AS r
           WHERE r."[is_new]"' || CASE WHEN of_all THEN ' OR NOT EXISTS (SELECT FROM ONLY %TABLE% AS t WHERE t.identity_id = r."[id]")' ELSE ' OR r."[id]" = ANY ($4)' END || ' RETURNING 1)'
    || CASE WHEN of_all THEN ',
 w_records AS (
   UPDATE ' || p || 'records AS m SET identity_id = r.id
   FROM (SELECT "[id]" AS id, unnest("[moved]") AS rid FROM ids WHERE "[moved]" IS NOT NULL) AS r
   WHERE m.rid = r.rid),
 w_new AS (INSERT INTO ' || p || 'identities (identity_id, created_at) SELECT r."[id]", $2 FROM ids AS r
           WHERE r."[is_new]" OR NOT EXISTS (SELECT FROM ' || p || 'identities AS i WHERE i.identity_id = r."[id]")),
 w_gone AS (DELETE FROM ' || p || 'identities AS i WHERE i.identity_id = ANY (ARRAY(SELECT old FROM lost))),
 w_retired AS (INSERT INTO ' || p || 'retired (identity_id, into_id, at) SELECT old, into_id, $2 FROM lost),
 events (event, identity_id, from_ids, into_id, by_kind, by_value, by_rids) AS (
   SELECT CASE WHEN NOT "[is_new]" THEN ''merged'' WHEN "[olds]" IS NULL THEN ''created'' ELSE ''split'' END,
          "[id]", array_remove("[olds]", "[id]"), NULL::uuid, "[by_kind]", "[by_value]", "[by_rids]"
   FROM ids
   WHERE "[is_new]" AND ("[olds]" IS NOT NULL OR NOT $5) OR NOT "[is_new]" AND cardinality("[olds]") > 1
   UNION ALL
   SELECT ''retired'', old, NULL, into_id, by_kind, by_value, by_rids FROM lost),
 h AS (INSERT INTO ' || p || 'history (at, event, identity_id, from_ids, into_id, by_kind, by_value, by_rids)
       SELECT $2, event, identity_id, from_ids, into_id, by_kind, by_value, by_rids FROM events)' ELSE '' END || '
SELECT jsonb_build_object(
  ''inserted'', (SELECT count(*) FROM t_new), ''updated'', (SELECT count(*) FROM t_same),
  ''deleted'', (SELECT count(*) FROM t_gone),
  ''records'', c.records, ''created'', c.created, ''merged'', c.merged, ''split'', c.split, ''retired'', (SELECT count(*) FROM lost))::text' || CASE WHEN of_all THEN ',
  x.ids, x.rids, x.olds' ELSE '' END || '
FROM (SELECT coalesce(sum("[records]"), 0) AS records, count(*) FILTER (WHERE "[is_new]" AND "[olds]" IS NULL) AS created,
             count(*) FILTER (WHERE NOT "[is_new]" AND cardinality("[olds]") > 1) AS merged,
             count(*) FILTER (WHERE "[is_new]" AND "[olds]" IS NOT NULL) AS split
      FROM ids) AS c' || CASE WHEN of_all THEN '
CROSS JOIN (SELECT array_agg(ids."[id]") AS ids, array_agg(u.rid) AS rids, array_agg(u.old) AS olds
            FROM ids CROSS JOIN LATERAL unnest(ids."[merged]", ids."[merged_olds]") AS u (rid, old) WHERE ids."[merged]" IS NOT NULL) AS x' ELSE '' END;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle_text(identity_internal.identity_map_catalog, boolean, boolean) IS
  'internal: the statement that brings an identity map''s table in line with its state';

-- How many records are walked and placed in memory at most, with their rows: each takes about three hundred
-- bytes. Without rows, as all of a map is placed, a third of that.
CREATE FUNCTION identity_internal.identity_map_most() RETURNS bigint
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT pg_size_bytes(current_setting('maintenance_work_mem')) / 300;
END;
COMMENT ON FUNCTION identity_internal.identity_map_most() IS 'internal: how many records of an identity map fit into memory';

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

-- Settles what changed: `live` records, those that are `gone` and the identities of these, `dead`; keys that
-- they carry or carried, keys that came or went; identities that are back. All of the map where so much changed that a part saves
-- nothing.
CREATE FUNCTION identity_internal.identity_map_settle(m identity_internal.identity_map_catalog, live bigint[], gone bigint[], dead uuid[], keys bigint[], moved bigint[],
                                    at timestamptz, small boolean, back uuid[] DEFAULT '{}') RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  common jsonb;
  statement text := replace(m.settle, '%TABLE%', m.map::text);
  most bigint := identity_internal.identity_map_most();
  reached identity_internal.identity_map_reached;
  request identity_internal.identity_map_catalog.clauses%TYPE;
  done jsonb;
BEGIN
  live := coalesce(live, '{}');
  gone := coalesce(gone, '{}');
  dead := coalesce(dead, '{}');
  keys := coalesce(keys, '{}');
  reached := identity_internal.identity_map_reach(m.map_id, live, keys, limits => m.limits, most => most, gone => gone, dead => dead);
  IF reached.many <> '{}' OR reached.common <> '{}' THEN
    common := identity_internal.identity_map_execute(identity_internal.identity_map_common_text(m),
      ARRAY(SELECT unnest(reached.many || reached.common) INTERSECT SELECT unnest(moved)), m.limits);
    IF common <> '[[], []]' THEN
      reached := identity_internal.identity_map_reach(m.map_id, live, keys,
        ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 0) AS e),
        ARRAY(SELECT e::bigint FROM jsonb_array_elements_text(common -> 1) AS e), m.limits, most, gone, dead);
    END IF;
  END IF;
  IF reached.records IS NULL THEN
    IF small THEN
      PERFORM identity_internal.identity_map_want_all();
    END IF;
    RETURN identity_internal.identity_map_settle_all(m, dead, at, true, back);
  END IF;
  request := identity_internal.identity_map_request(m, reached);
  done := identity_internal.identity_map_write(request, m.map_id, dead, at, m.map, m.columns, coalesce(m.stamp, ''), back);
  IF done IS NOT NULL THEN
    RETURN done;
  END IF;
  IF NOT identity_internal.identity_map_check_table(m) THEN
    statement := replace(identity_internal.identity_map_settle_text(m, false, false), '%TABLE%', m.map::text);
  END IF;
  IF small AND reached.records > 1000 THEN
    PERFORM identity_internal.identity_map_want_all();
    small := false;
  END IF;
  IF small THEN
    done := identity_internal.identity_map_execute(statement, request, at, dead, back);
  ELSE
    EXECUTE statement INTO done USING request, at, dead, back;
  END IF;
  RETURN done;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle(identity_internal.identity_map_catalog, bigint[], bigint[], uuid[], bigint[], bigint[], timestamptz, boolean, uuid[]) IS
  'internal: resolves what a change concerns, and writes what differs';

-- A query for the packs of all identities, by what the copies say: (identity_id, packed), each with its rows in
-- the order of their records' numbers and their fingerprints; $1: the identities that share an identifier with another one.
CREATE FUNCTION identity_internal.identity_map_pack_text(m identity_internal.identity_map_catalog) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('SELECT r.identity_id, identity_internal.identity_map_pack_rows(r.source, r.packed_row, r.shares) AS packed
    FROM (SELECT m.identity_id, x.source, x.packed_row, s.id IS NOT NULL AS shares
          FROM (%s) AS x (source, rid, fingerprint, packed_row) JOIN %srecords AS m ON m.rid = x.rid LEFT JOIN unnest($1) AS s (id) ON s.id = m.identity_id
          ORDER BY m.identity_id, x.rid, x.fingerprint) AS r
    GROUP BY r.identity_id',
    string_agg(format('SELECT %s::smallint, r.rid, r.fingerprint, identity_internal.identity_map_packed_row(r) FROM %srows_%s AS r', n, identity_internal.identity_map_prefix(m.map_id), n), ' UNION ALL '),
    identity_internal.identity_map_prefix(m.map_id))
  FROM unnest(m.source_numbers) AS n;
END;
COMMENT ON FUNCTION identity_internal.identity_map_pack_text(identity_internal.identity_map_catalog) IS 'internal: the query that packs all identities of a map';

-- Whether all identities of a map can be packed at once: which of them share an identifier is found out in
-- memory. Where that is not enough there are no packs until a change concerns somebody.
CREATE FUNCTION identity_internal.identity_map_can_pack_all(m identity_internal.identity_map_catalog) RETURNS boolean
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT identity_internal.identity_map_size(m.map_id) <= identity_internal.identity_map_most() * 6;
END;
COMMENT ON FUNCTION identity_internal.identity_map_can_pack_all(identity_internal.identity_map_catalog) IS 'internal: whether memory suffices to pack all identities of a map';

-- The identities of a map's records, where there is none yet, and their packs.
CREATE FUNCTION identity_internal.identity_map_fill_identities(m identity_internal.identity_map_catalog, at timestamptz) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
BEGIN
  IF identity_internal.identity_map_can_pack_all(m) THEN
    EXECUTE format('INSERT INTO %sidentities (identity_id, created_at, packed) SELECT g.identity_id, $2, g.packed FROM (%s) AS g',
                   p, identity_internal.identity_map_pack_text(m))
    USING identity_internal.identity_map_sharers(m.map_id), at;
  ELSE
    EXECUTE format('INSERT INTO %1$sidentities (identity_id, created_at) SELECT DISTINCT m.identity_id, $1 FROM %1$srecords AS m', p)
    USING at;
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_fill_identities(identity_internal.identity_map_catalog, timestamptz) IS 'internal: enters the identities of a map that had none';

-- Brings the packs of all identities in line with the copies.
CREATE FUNCTION identity_internal.identity_map_pack_all(m identity_internal.identity_map_catalog) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  nests text := current_setting('enable_nestloop');
BEGIN
  -- All are looked at: by hashing, though the planner may believe that no record has an identity, as at its last look.
  PERFORM set_config('enable_nestloop', 'off', true);
  IF identity_internal.identity_map_can_pack_all(m) THEN
    EXECUTE format('UPDATE %sidentities AS i SET packed = g.packed FROM (%s) AS g WHERE i.identity_id = g.identity_id AND i.packed IS DISTINCT FROM g.packed',
                   p, identity_internal.identity_map_pack_text(m))
    USING identity_internal.identity_map_sharers(m.map_id);
  ELSE
    EXECUTE format('UPDATE %sidentities SET packed = NULL WHERE packed IS NOT NULL', p);
  END IF;
  PERFORM set_config('enable_nestloop', nests, true);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_pack_all(identity_internal.identity_map_catalog) IS 'internal: packs all identities of a map';

-- Settles the whole map from its state. Unsettled: whether records have changed that are not settled yet; if so,
-- or if who is one person is not as it was, packs say what is so no longer, and are made anew.
CREATE FUNCTION identity_internal.identity_map_settle_all(m identity_internal.identity_map_catalog, dead uuid[], at timestamptz, unsettled boolean, back uuid[] DEFAULT '{}') RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  is_first boolean := m.refreshes = 0;
  done jsonb;
  merged uuid[];
  merged_rids bigint[];
  merged_olds uuid[];
  strays bigint;
  empty uuid[];
  all_records bigint;
BEGIN
  unsettled := identity_internal.identity_map_count_common(m) OR unsettled;
  -- Rows that somebody else put into the table.
  EXECUTE format('DELETE FROM ONLY %s AS t WHERE NOT EXISTS (SELECT FROM %sidentities AS i WHERE i.identity_id = t.identity_id)',
                 m.map, p);
  GET DIAGNOSTICS strays = ROW_COUNT;
  EXECUTE format('SELECT count(*) FROM %srecords', p) INTO all_records;
  -- To hash ids and numbers is faster than to sort rows by them.
  PERFORM set_config('enable_mergejoin', 'off', true);
  -- Identities whose records somebody else took.
  EXECUTE format('SELECT array_agg(i.identity_id) FROM %1$sidentities AS i
                  WHERE NOT EXISTS (SELECT FROM %1$srecords AS m WHERE m.identity_id = i.identity_id)', p) INTO empty;
  dead := dead || empty;
  EXECUTE replace(identity_internal.identity_map_settle_text(m, true, all_records > 3 * identity_internal.identity_map_most()), '%TABLE%', m.map::text) INTO done, merged, merged_rids, merged_olds
  USING identity_internal.identity_map_request(m, NULL), at, coalesce(dead, '{}'), back, is_first, all_records;
  IF unsettled OR ARRAY[done -> 'created', done -> 'merged', done -> 'split', done -> 'retired'] <> '{0,0,0,0}' THEN
    PERFORM identity_internal.identity_map_pack_all(m);
  END IF;
  IF merged IS NOT NULL THEN
    PERFORM identity_internal.identity_map_name_merges(m, merged, merged_rids, merged_olds, at);
  END IF;
  RETURN done || jsonb_build_object('deleted', (done ->> 'deleted')::bigint + strays);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_settle_all(identity_internal.identity_map_catalog, uuid[], timestamptz, boolean, uuid[]) IS
  'internal: resolves all of an identity map''s state, and writes what differs';
