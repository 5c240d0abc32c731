-- Identity maps: the work of a refresh. All of it runs as the map's owner, under search_path
-- pg_catalog, pg_temp, in one transaction.
--
--   look      the columns of the sources, should they have changed              52-map-read.sql
--   aliases   where they have changed all is read anew, as it is where clauses  52-map-read.sql
--             have: any identifier may have another key
--   read      each source: rows that are new, rows that are gone, side by side  src/map/scan_in_parallel.cc
--                                                                               src/map/read.cc
--   reach     the records that a path of shared identifiers connects with       src/map/reach.cc
--             those that changed, before or now, and their rows
--   settle    resolves these alone, side by side, and writes what differs:      src/map/place_records.cc
--             the state and the table                                           53-map-settle.sql
--
-- At first, where clauses or aliases have changed, for a full refresh and where much has changed, all of the map is settled
-- from its sources (identity_map_settle_all(), src/map/fill.cc).

-- How long a map remembers records that are gone.
CREATE FUNCTION identity_internal.identity_map_revive_for() RETURNS interval
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT current_setting('identity_resolve.revive_for')::interval;
END;
COMMENT ON FUNCTION identity_internal.identity_map_revive_for() IS 'internal: the setting identity_resolve.revive_for';

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
  FOR item IN SELECT v.name, v.sequence FROM (VALUES ('identities', NULL), ('retired', NULL), ('gone', NULL), ('history', 'history_id'), ('tombstones', NULL), ('told', NULL)) AS v (name, sequence)
              WHERE identity_internal.identity_map_state_problem((a ->> 'former')::integer, v.name) IS NULL LOOP
    SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) INTO columns
    FROM pg_attribute AS t JOIN pg_attribute AS f ON f.attrelid = to_regclass(former || item.name) AND f.attname = t.attname AND NOT f.attisdropped AND f.attnum > 0
    WHERE t.attrelid = to_regclass(p || item.name) AND NOT t.attisdropped AND t.attnum > 0;
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
CREATE FUNCTION identity_internal.identity_map_judge(m identity_internal.identity_map_catalog, done jsonb, totals jsonb, changed bigint) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  sources integer := cardinality(m.source_numbers) - 1;  -- the last one is what identify() was told
  is_whole boolean := done ->> 'kind' <> 'changes';
  before jsonb := coalesce(m.marks -> 'warnings', '[]');
  found jsonb := '[]';
  fresh record;
  filled integer := 0;
  held bigint[];  -- by source: its records
  n bigint;
BEGIN
  IF NOT is_whole AND changed = 0 THEN
    RETURN before;
  END IF;
  FOR i IN 1 .. sources LOOP
    n := coalesce((totals ->> m.source_numbers[i]::text)::bigint, 0);
    held[i] := n;
    filled := filled + least(n, 1);
    IF n = 0 THEN
      found := found || jsonb_build_object('topic', 'empty', 'source', m.source_names[i], 'text', format('source "%s" has no record', m.source_names[i]));
    END IF;
  END LOOP;
  IF is_whole AND filled > 1 THEN
    FOR i IN 1 .. sources LOOP
      CONTINUE WHEN held[i] < 10 OR done -> 'together' @> to_jsonb(m.source_numbers[i]);
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
COMMENT ON FUNCTION identity_internal.identity_map_judge(identity_internal.identity_map_catalog, jsonb, jsonb, bigint) IS
  'internal: what is most likely wrong with an identity map''s sources, from its state; raises what is new as a WARNING';

-- How many records sources have, by their numbers, with those that came and went.
CREATE FUNCTION identity_internal.identity_map_total(totals jsonb, counts jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT totals || coalesce(jsonb_object_agg(c.k, coalesce((totals ->> c.k)::bigint, 0) + c.v::bigint), '{}')
  FROM jsonb_each_text(coalesce(counts, '{}')) AS c (k, v);
END;
COMMENT ON FUNCTION identity_internal.identity_map_total(jsonb, jsonb) IS 'internal: how many records the sources of an identity map have now';

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
  is_whole boolean;
  captures jsonb;
  wholes integer[];
  ids text[];
  mark text;
  marks jsonb := '{}';
  -- As many records are known one by one; where more changed the whole map is looked at.
  most bigint := identity_internal.identity_map_most(m);
  changed bigint := 0;
  left_out jsonb := coalesce(m.marks -> 'left_out', '{}');  -- by the sources' numbers
  totals jsonb := coalesce(m.marks -> 'totals', '{}');      -- records, by the sources' numbers
  columns jsonb := coalesce(m.marks -> 'columns', '{}');    -- by the sources' numbers
  allow_loss boolean := coalesce((a -> 'allow_loss')::boolean, false);
  kept jsonb := '{}';  -- by the sources' numbers, those that stay as they were
  files jsonb;
  loss bigint[];
  read bigint;
  counts jsonb;
  done jsonb := '{"kind": "changes", "inserted": 0, "updated": 0, "deleted": 0, "created": 0, "merged": 0, "split": 0, "retired": 0, "records": 0}';
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
  -- What was gone for too long is forgotten.
  PERFORM identity_internal.identity_map_execute(format('WITH less AS (DELETE FROM %sgone WHERE at < $1 RETURNING 1) SELECT NULL::text', identity_internal.identity_map_prefix(m.map_id)),
                                                 started - identity_internal.identity_map_revive_for());
  is_whole := identity_internal.identity_map_read_aliases(m) OR m.rebuild OR is_full;
  wholes := identity_internal.identity_map_wholes(m, is_whole, captures, files);
  IF NOT is_whole THEN
    PERFORM identity_internal.identity_map_read_ahead(m, wholes);
  END IF;
  FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
    SELECT c.ids, c.mark INTO ids, mark FROM identity_internal.identity_map_changed(m, i, is_whole OR i = ANY (wholes)) AS c;
    marks := marks || jsonb_build_object(m.source_numbers[i], mark);
    CONTINUE WHEN is_whole OR ids = '{}';
    SELECT r.records, r.loss INTO read, loss FROM identity_internal.identity_map_read(m, i, ids, most, identity_internal.identity_map_max_loss(m, i, allow_loss)) AS r;
    IF loss IS NOT NULL THEN
      kept := kept || jsonb_build_object(m.source_numbers[i], identity_internal.identity_map_keep(m, i, loss, true, started));
      CONTINUE;
    END IF;
    changed := changed + read;
    IF ids IS NULL THEN
      left_out := left_out || jsonb_build_object(m.source_numbers[i], identity_internal.identity_map_left_out());
    END IF;
  END LOOP;
  -- From here on nobody calls identify().
  PERFORM identity_internal.identity_map_lock(m.map_id, 2, true, true), set_config('enable_mergejoin', 'off', true);
  at := clock_timestamp();
  is_whole := is_whole OR changed > identity_internal.identity_map_most_settled(m) / 4;
  IF NOT is_whole AND changed > 0 THEN
    done := done || identity_internal.identity_map_settle(m, '{}', at, false);
    is_whole := done IS NULL;
  END IF;
  IF is_whole THEN
    done := identity_internal.identity_map_settle_all(m, at, false,
        ARRAY(SELECT CASE WHEN i < cardinality(m.source_numbers) THEN identity_internal.identity_map_max_loss(m, i, allow_loss) END
              FROM generate_series(1, cardinality(m.source_numbers)) AS i ORDER BY i))
      || jsonb_build_object('kind', CASE WHEN m.rebuild THEN 'built' ELSE 'full' END);
    kept := done -> 'kept';
    -- Of what is kept nothing else is known than before.
    left_out := (SELECT jsonb_object_agg(l.key, CASE WHEN kept ? l.key THEN left_out -> l.key ELSE l.value END) FROM jsonb_each(done -> 'left_out') AS l);
    totals := done -> 'totals';
    changed := (done ->> 'changed')::bigint;
    counts := jsonb_build_object('identities', done -> 'identities', 'records', done -> 'records');
    FOR i IN 1 .. cardinality(m.source_numbers) - 1 LOOP
      columns := columns || jsonb_build_object(m.source_numbers[i], m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns']);
    END LOOP;
  ELSE
    totals := identity_internal.identity_map_total(totals, done -> 'counts');
    counts := identity_internal.identity_map_more(done, (SELECT sum(c.v::bigint)::bigint FROM jsonb_each_text(done -> 'counts') AS c (k, v)));
    PERFORM identity_internal.identity_map_settle_places(m.map_id, false);
  END IF;
  -- While nobody calls identify(): what their claims have left behind. Not where a transaction that is open has the table, which
  -- may be a dump: nobody waits for it.
  IF pg_relation_size((identity_internal.identity_map_prefix(m.map_id) || 'claims')::regclass) > 1000000 THEN
    BEGIN
      EXECUTE format('LOCK TABLE %sclaims IN ACCESS EXCLUSIVE MODE NOWAIT', identity_internal.identity_map_prefix(m.map_id));
      EXECUTE format('TRUNCATE %sclaims', identity_internal.identity_map_prefix(m.map_id));
    EXCEPTION WHEN lock_not_available THEN
    END;
  END IF;
  RETURN jsonb_build_object('started', started,
    'marks', marks || jsonb_build_object('captures', captures, 'files', files, 'kept', kept, 'left_out', left_out, 'totals', totals, 'columns', columns,
                                         'warnings', identity_internal.identity_map_judge(m, done, totals, changed)),
    'changes', done - 'left_out' - 'totals' - 'counts' - 'together' - 'identities' - 'kept' - 'back' || jsonb_build_object('changed', changed),
    'counts', counts);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_refresh(identity_internal.identity_map_catalog, jsonb) IS 'internal: one refresh of an identity map';
