-- Identity maps: how a refresh reads the sources, as the map's owner (54-map-refresh.sql): which records
-- have to be read, what changed in them since the last time, and the triggers that tell of changes.

CREATE FUNCTION identity_internal.identity_map_look(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  SELECT identity_internal.identity_map_layout(m.clauses, m.search_path);
END;
COMMENT ON FUNCTION identity_internal.identity_map_look(identity_internal.identity_map_catalog, jsonb) IS 'internal: the columns of a map''s sources';

-- A source's query as a part of another one: its first column is named "[id]" there, as no other can be. `source` is
-- here and below what the layout has of it (src/map/scan_changes.cc).
CREATE FUNCTION identity_internal.identity_map_wrap(source jsonb, condition text) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format(E'SELECT q.* FROM (%s\n) AS q ("[id]") %s', identity_map_wrap.source ->> 'query', identity_map_wrap.condition);
END;
COMMENT ON FUNCTION identity_internal.identity_map_wrap(jsonb, text) IS 'internal: a part of a source''s rows';

-- The expression that writes a record id as the map has it.
CREATE FUNCTION identity_internal.identity_map_id_text(source jsonb, id text) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format(CASE WHEN (identity_map_id_text.source -> 'id_is_padded')::boolean THEN 'pg_catalog.rtrim(pg_catalog.format(''%%s'', %s))'
                     WHEN (identity_map_id_text.source -> 'id_is_json')::boolean THEN '((%s)::pg_catalog.jsonb OPERATOR(pg_catalog.#>>) ''{}''::pg_catalog.text[])'
                     ELSE 'pg_catalog.format(''%%s'', %s)' END, identity_map_id_text.id);
END;
COMMENT ON FUNCTION identity_internal.identity_map_id_text(jsonb, text) IS 'internal: how a source''s record id is written as text';

-- The query of the records with these ids: by equality, for which there may be an index, and by text, as values that
-- are equal may be written in two ways and are two records then.
CREATE FUNCTION identity_internal.identity_map_named(source jsonb, ids text[]) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT identity_internal.identity_map_wrap(identity_map_named.source,
    format('WHERE %s COLLATE "C" OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.text[])',
           identity_internal.identity_map_id_text(identity_map_named.source, 'q."[id]"'), identity_map_named.ids)
    || CASE WHEN identity_map_named.source ->> 'id_equality' IS NULL THEN ''
            ELSE format(' AND q."[id]" %s ANY (%L::%s[])', identity_map_named.source ->> 'id_equality', identity_map_named.ids,
                        identity_map_named.source ->> 'id_type') END);
END;
COMMENT ON FUNCTION identity_internal.identity_map_named(jsonb, text[]) IS 'internal: the query of some of a source''s records';

-- What changed_since, which is the column `since`, has come to: the query for it, as an array of one text; with more,
-- followed by the ids of at most `most` records where it is `mark` or greater.
CREATE FUNCTION identity_internal.identity_map_since(source jsonb, since text, with_more boolean, mark text, most bigint) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  grows text := CASE WHEN source -> 'names' ->> 0 = since THEN 'q."[id]"' ELSE format('q.%I', since) END;
  found integer := (SELECT count(*) FROM jsonb_array_elements_text(source -> 'names') AS n WHERE n = since);
BEGIN
  IF found <> 1 THEN
    RAISE EXCEPTION 'source "%": changed_since names % of the query', source ->> 'name', CASE found WHEN 0 THEN 'no column' ELSE found || ' columns' END
      USING ERRCODE = CASE found WHEN 0 THEN 'undefined_column' ELSE 'ambiguous_column' END,
        DETAIL = format('It is "%s"; the query has %s.', since, (SELECT string_agg(n, ', ') FROM jsonb_array_elements_text(source -> 'names') AS n)),
        HINT = CASE found WHEN 0 THEN 'Have the query show the column, such as updated_at.' ELSE 'Have the query show the column once.' END;
  END IF;
  IF NOT with_more THEN
    RETURN format('SELECT ARRAY[pg_catalog.format(''%%s'', pg_catalog.max(%s))] FROM (%s) AS q', grows, identity_internal.identity_map_wrap(source, ''));
  END IF;
  RETURN format('WITH q (id, since) AS MATERIALIZED (SELECT q."[id]", %s FROM (%s) AS q)
                 SELECT pg_catalog.array_cat(ARRAY[(SELECT pg_catalog.format(''%%s'', pg_catalog.max(q.since)) FROM q)],
                   (SELECT pg_catalog.array_agg(CASE WHEN l.id IS DISTINCT FROM NULL THEN %s END) FROM (SELECT q.id FROM q LIMIT %s) AS l))',
    grows, identity_internal.identity_map_wrap(source, format('WHERE %s OPERATOR(pg_catalog.>=) %L', grows, mark)), identity_internal.identity_map_id_text(source, 'l.id'), most);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_since(jsonb, text, boolean, text, bigint) IS 'internal: the query for what changed_since tells';

-- Whether the queries by which a refresh will find and read what changed can be planned: what cannot is refused when
-- the map is made.
CREATE FUNCTION identity_internal.identity_map_check_parts(source jsonb, since text, path text) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  outer_path text := current_setting('search_path');
  queries text[] := ARRAY[identity_internal.identity_map_named(source, '{}')];
  query text;
BEGIN
  IF since IS NOT NULL THEN
    queries := queries || identity_internal.identity_map_since(source, since, false, NULL, 0) || identity_internal.identity_map_since(source, since, true, NULL, 0);
  END IF;
  PERFORM set_config('search_path', path, true);
  FOREACH query IN ARRAY queries LOOP
    EXECUTE pg_catalog.concat('EXPLAIN ', query);
  END LOOP;
  PERFORM pg_catalog.set_config('search_path', outer_path, true);
EXCEPTION WHEN undefined_function THEN
  RAISE EXCEPTION 'source "%": % cannot tell what changed', source ->> 'name', coalesce(format('changed_since => ''%s''', since), 'capture')
    USING ERRCODE = 'feature_not_supported', DETAIL = format('PostgreSQL says: %s.', SQLERRM),
      HINT = 'A column that grows is one of numbers, dates, times or texts, such as updated_at.';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_check_parts(jsonb, text, text) IS 'internal: whether a map can read parts of a source';

-- The records of source i that are to be left out: a query.
CREATE FUNCTION identity_internal.identity_map_forgotten(m identity_internal.identity_map_catalog, i integer) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('SELECT hash FROM %stombstones WHERE source = %L', identity_internal.identity_map_prefix(m.map_id), m.source_names[i]);
END;
COMMENT ON FUNCTION identity_internal.identity_map_forgotten(identity_internal.identity_map_catalog, integer) IS 'internal: the records that an identity map leaves out';

-- The fingerprints of a source's rows anew, and whose they are, a million in a part, where many parts came and went.
CREATE FUNCTION identity_internal.identity_map_print(m identity_internal.identity_map_catalog, n integer) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  is_worn boolean;
BEGIN
  EXECUTE format('SELECT count(*) > 100 OR sum(coalesce(length(went), 0)) > greatest(0.2 * sum(coalesce(length(came), 0)), 100000)
                  FROM %sprints WHERE source = %s', p, n) INTO is_worn;
  IF is_worn THEN
    PERFORM identity_internal.identity_map_renew_prints(m.map_id, n);
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_print(identity_internal.identity_map_catalog, integer) IS 'internal: packs the fingerprints of a source''s rows';

-- The fingerprints of source i's rows as the map knows them: a query.
CREATE FUNCTION identity_internal.identity_map_known(m identity_internal.identity_map_catalog, i integer) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('SELECT came, went, sum(length(came)) OVER () FROM %sprints WHERE source = %s ORDER BY part', identity_internal.identity_map_prefix(m.map_id), m.source_numbers[i]);
END;
COMMENT ON FUNCTION identity_internal.identity_map_known(identity_internal.identity_map_catalog, integer) IS 'internal: the rows that an identity map knows of a source';

-- Of each source with changed_since, by its number, a mark of the tables that its query reads. Where it is what it was at the last
-- refresh, no table was emptied, written anew or exchanged for another one since; where it is not, rows may have come that are
-- older than what changed_since has come to, and others may be gone. The tables are locked, so the mark is of the rows that the
-- refresh reads.
CREATE FUNCTION identity_internal.identity_map_file_marks(m identity_internal.identity_map_catalog) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  clauses identity_internal.identity_map_catalog.clauses%TYPE := ARRAY(
    SELECT c FROM unnest(m.clauses) WITH ORDINALITY AS c (c, n)
    WHERE c::jsonb ->> 'clause' IN ('rule', 'defaults') OR c::jsonb ->> 'changed_since' IS NOT NULL ORDER BY n);
BEGIN
  IF NOT EXISTS (SELECT FROM unnest(clauses) AS c WHERE c::jsonb ->> 'clause' = 'source') THEN
    RETURN '{}';
  END IF;
  RETURN (SELECT jsonb_object_agg(m.source_numbers[array_position(m.source_names, f.key)], md5(f.value))
          FROM jsonb_each_text(identity_internal.identity_map_files(clauses, m.search_path)) AS f);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_file_marks(identity_internal.identity_map_catalog) IS
  'internal: by what the next refresh knows that no table of a source was replaced';

-- The share of its records that source i may lose in this refresh; NULL: all of them.
CREATE FUNCTION identity_internal.identity_map_max_loss(m identity_internal.identity_map_catalog, i integer, allow_loss boolean) RETURNS double precision
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT CASE WHEN identity_map_max_loss.allow_loss OR c::jsonb ->> 'on_loss' = 'allow' THEN NULL ELSE coalesce((c::jsonb ->> 'max_loss')::double precision, 0.5) END
  FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = m.source_names[identity_map_max_loss.i];
END;
COMMENT ON FUNCTION identity_internal.identity_map_max_loss(identity_internal.identity_map_catalog, integer, boolean) IS
  'internal: the share of its records that a source may lose';

-- Source i has lost too much: of loss[1] records loss[3] are gone, and it has loss[2] now. It is kept as it was, with a warning,
-- and this is what the catalog remembers of it; or it is an error, where the clause says so, or has_rows says that the state does not
-- have its rows any more. Errors: 55000.
CREATE FUNCTION identity_internal.identity_map_keep(m identity_internal.identity_map_catalog, i integer, loss bigint[], has_rows boolean, at timestamptz) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := m.source_names[i];
  source jsonb := (SELECT c::jsonb FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = name);
  text text := format('%s of its %s records are gone', loss[3], loss[1]);
  detail text := format('It had %s records and has %s now. Its max_loss is %s.', loss[1], loss[2], coalesce(source ->> 'max_loss', '0.5'));
  hint text := format('Should they be gone, CALL refresh_identity_map(%L, allow_loss => true) takes it as it is now. identity_source(%L, ..., on_loss => ''allow'') always does.', m.map_name, name);
BEGIN
  IF source ->> 'on_loss' = 'fail' OR NOT has_rows THEN
    RAISE EXCEPTION 'identity map "%", source "%": %', m.map_name, name, text USING ERRCODE = 'object_not_in_prerequisite_state',
      DETAIL = detail || CASE WHEN has_rows THEN ' Its on_loss is fail.' ELSE ' It cannot be kept as it was, as its query shows other columns than before.' END,
      HINT = hint;
  END IF;
  RAISE WARNING 'identity map "%", source "%": %, so it is kept as it was', m.map_name, name, text
    USING DETAIL = detail, HINT = hint || ' The next refresh looks again.';
  RETURN jsonb_build_object('before', loss[1], 'now', loss[2], 'lost', loss[3],
                            'since', coalesce(m.marks #> ARRAY['kept', m.source_numbers[i]::text, 'since'], to_jsonb(at)));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_keep(identity_internal.identity_map_catalog, integer, bigint[], boolean, timestamptz) IS
  'internal: what becomes of a source that has lost too many of its records';

-- The places of the sources that are read as a whole: all of them for a full refresh, else those of which nothing tells
-- what changed, those whose triggers may not have told all of it, those that were kept as they were the last time, and those
-- with changed_since a table of which was replaced. `captures`: what identity_map_capture_marks() gives, `files`: what
-- identity_map_file_marks() gives.
CREATE FUNCTION identity_internal.identity_map_wholes(m identity_internal.identity_map_catalog, is_full boolean, captures jsonb, files jsonb) RETURNS integer[]
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT i FROM generate_series(1, cardinality(m.source_numbers) - 1) AS i
    CROSS JOIN LATERAL (SELECT captures ->> m.source_numbers[i]::text, m.marks #>> ARRAY['captures', m.source_numbers[i]::text]) AS k (now, before)
    WHERE is_full OR m.marks -> 'kept' ? m.source_numbers[i]::text
       OR files ->> m.source_numbers[i]::text IS DISTINCT FROM m.marks #>> ARRAY['files', m.source_numbers[i]::text]
       OR EXISTS (SELECT FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = m.source_names[i]
                    AND c::jsonb ->> 'changed_since' IS NULL
                    AND (c::jsonb ->> 'capture' IS NULL OR k.now IS NULL OR k.now IS DISTINCT FROM k.before))
    ORDER BY i);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_wholes(identity_internal.identity_map_catalog, boolean, jsonb, jsonb) IS 'internal: the sources that a refresh reads as a whole';

-- Of the sources at these places, which are read as a whole, those that can be read side by side, before any of
-- them is taken in.
CREATE FUNCTION identity_internal.identity_map_read_ahead(m identity_internal.identity_map_catalog, places integer[]) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF cardinality(places) > 1 THEN
    PERFORM identity_internal.identity_map_scan_ahead(identity_internal.identity_map_scan_clauses(m), places,
      ARRAY(SELECT m.source_numbers[i] FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n), m.search_path,
      ARRAY(SELECT identity_internal.identity_map_forgotten(m, i) FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n),
      ARRAY(SELECT identity_internal.identity_map_known(m, i) FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n), m.map_id);
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_read_ahead(identity_internal.identity_map_catalog, integer[]) IS 'internal: reads sources of an identity map side by side';

-- Reads source i: all of it, or the records named. Says of how many records a row is new or gone. Where it has lost more than
-- max_loss, `loss` says so, and nothing has been done.
CREATE FUNCTION identity_internal.identity_map_read(m identity_internal.identity_map_catalog, i integer, ids text[], most bigint, max_loss double precision,
                                                    OUT records bigint, OUT loss bigint[])
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  source jsonb := m.prepared #> ARRAY['layout', 'sources', (i - 1)::text];
  query text;
  known text;
  rids bigint[];
  came bytea;
  came_rids bytea;
  went bytea;
BEGIN
  IF ids IS NULL THEN
    known := identity_internal.identity_map_known(m, i);
  ELSE
    query := identity_internal.identity_map_named(source, ids);
    rids := ARRAY(SELECT identity_internal.identity_map_record(m.secret, m.source_names[i], u.id) FROM unnest(ids) AS u (id));
  END IF;
  SELECT r.records, r.loss, r.came, r.came_rids, r.went INTO records, loss, came, came_rids, went
  FROM identity_internal.identity_map_read_rows(identity_internal.identity_map_scan_clauses(m), i, query, m.search_path,
         identity_internal.identity_map_forgotten(m, i), known, m.map_id, n, rids, most, max_loss, identity_internal.identity_map_size(m, n)) AS r;
  IF came IS NOT NULL OR went IS NOT NULL THEN
    EXECUTE format('INSERT INTO %sprints (source, came, came_rids, went) VALUES ($1, $2, $3, $4)', p) USING n, came, came_rids, went;
    PERFORM identity_internal.identity_map_print(m, n);
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_read(identity_internal.identity_map_catalog, integer, text[], bigint, double precision) IS
  'internal: reads a source, and says of how many records something changed';

-- Which records of source i have to be read: NULL for all of them, as where it is read as a whole. Sets the mark
-- up to which changed_since has been read.
CREATE FUNCTION identity_internal.identity_map_changed(m identity_internal.identity_map_catalog, i integer, is_whole boolean, OUT ids text[], OUT mark text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  since text := (SELECT c::jsonb ->> 'changed_since' FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = m.source_names[i]);
  told text[];
  is_all boolean;
  path text := current_setting('search_path');
  -- Of more than these all of them are found sooner by reading the source once.
  most bigint := identity_internal.identity_map_most_told(m, n);
  query text;
  newest text[];
BEGIN
  -- By the snapshot by which the source is read: what is logged later is for the next refresh.
  told := identity_internal.identity_map_execute_then(format('WITH gone AS (DELETE FROM %slog WHERE source = %s RETURNING record_id),
    ids AS (SELECT DISTINCT record_id FROM gone)
    SELECT CASE WHEN bool_or(record_id IS NULL) THEN NULL ELSE coalesce(array_agg(record_id), %L) END FROM ids', p, n, '{}'));
  is_all := is_whole OR told IS NULL;
  IF since IS NOT NULL THEN
    mark := m.marks ->> n::text;
    is_all := is_all OR mark IS NULL;
    IF is_all THEN
      mark := NULL;  -- it may have been that of another column
    END IF;
    query := identity_internal.identity_map_since(m.prepared #> ARRAY['layout', 'sources', (i - 1)::text], since, NOT is_all, mark, most + 1);
    PERFORM set_config('search_path', m.search_path, true);
    newest := identity_internal.identity_map_execute_then(query);
    PERFORM pg_catalog.set_config('search_path', path, true);
    mark := coalesce(nullif(newest[1], ''), mark);
    ids := newest[2:];
    is_all := is_all OR array_position(ids, NULL) IS NOT NULL;  -- a record without an id: to read it is an error
  END IF;
  IF is_all THEN
    ids := NULL;
  ELSE
    ids := coalesce(ids, '{}') || told;
    -- Whether an id that may name no record does depends on rows that nothing tells of.
    IF cardinality(ids) > most OR EXISTS (SELECT FROM unnest(ids) AS u (id) WHERE identity_internal.identity_map_may_name_none(u.id)) THEN
      ids := NULL;
    ELSIF cardinality(ids) > 0 AND (m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'id_may_have_blanks'])::boolean THEN
      -- All spellings of a record are read: that of the id which changed, and those that are known.
      ids := ARRAY(SELECT unnest(ids) UNION SELECT r.record_id FROM identity_internal.identity_map_members(m.map_id, NULL,
        ARRAY(SELECT identity_internal.identity_map_record(m.secret, m.source_names[i], u.id) FROM unnest(ids) AS u (id))) AS r);
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_changed(identity_internal.identity_map_catalog, integer, boolean) IS
  'internal: the records of a source that a refresh has to read';

-- Reads the aliases into the state. Gives whether they say anything else than at the last refresh: then an identifier of any
-- record may have another key.
CREATE FUNCTION identity_internal.identity_map_read_aliases(m identity_internal.identity_map_catalog) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  has_changed boolean;
  nests text := current_setting('enable_nestloop');
BEGIN
  -- Where there is none it was so at the last refresh, or the clauses have changed since.
  IF NOT m.rebuild AND NOT EXISTS (SELECT FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'alias') THEN
    RETURN false;
  END IF;
  -- By hashing, however many the planner expects.
  PERFORM set_config('enable_nestloop', 'off', true);
  EXECUTE format('WITH now AS MATERIALIZED (
      SELECT a.key, a.kind, a.former, a.present FROM identity_internal.identity_map_aliases($1, $2) AS a),
    less AS (DELETE FROM %1$saliases AS a WHERE NOT EXISTS (
               SELECT FROM now AS n WHERE n.key = a.key AND n.kind = a.kind AND n.former = a.former AND n.present = a.present) RETURNING 1),
    more AS (INSERT INTO %1$saliases (key, kind, former, present)
             SELECT n.key, n.kind, n.former, n.present FROM now AS n WHERE NOT EXISTS (
               SELECT FROM %1$saliases AS a WHERE a.key = n.key AND a.kind = n.kind AND a.former = n.former AND a.present = n.present) RETURNING 1)
    SELECT EXISTS (SELECT FROM less) OR EXISTS (SELECT FROM more)', identity_internal.identity_map_prefix(m.map_id))
  INTO has_changed USING m.clauses || m.state, m.search_path;
  PERFORM set_config('enable_nestloop', nests, true);
  RETURN has_changed;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_read_aliases(identity_internal.identity_map_catalog) IS
  'internal: reads the former and present values of an identity map''s aliases, and says whether they have changed';

-- What follows is about sources with capture => 'trigger'. src/map/capture.cc tells what their triggers do.

-- Those of a map's sources that triggers can tell of, each with its table and the number there of the column that holds
-- the record ids.
CREATE FUNCTION identity_internal.identity_map_captured(m identity_internal.identity_map_catalog)
  RETURNS TABLE (number integer, source text, relation regclass, id smallint)
  LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT (m.numbers ->> (s.s ->> 'name'))::integer, s.s ->> 'name', a.attrelid::regclass, a.attnum
    FROM jsonb_array_elements(m.prepared #> '{layout,sources}') AS s (s)
    JOIN unnest(m.clauses) AS c ON c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = s.s ->> 'name' AND c::jsonb ->> 'capture' = 'trigger'
    JOIN pg_attribute AS a ON a.attrelid = to_regclass(s.s ->> 'table') AND a.attname = s.s ->> 'table_id' AND NOT a.attisdropped
    WHERE NOT s.s ? 'no_capture';
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_captured(identity_internal.identity_map_catalog) IS
  'internal: the sources of an identity map of whose changes triggers tell';

-- The functions of a map's capture triggers: those that its sources need, and those that are there (number NULL: of no
-- use). is_good: there, as identity_map_arm() makes it, and the map's owner alone may make triggers of it; is_foreign: it
-- belongs to another role; is_named: its comment says which map it is of; is_elsewhere: triggers of it stand on another table
-- than the source's.
CREATE FUNCTION identity_internal.identity_map_capture_functions(m identity_internal.identity_map_catalog)
  RETURNS TABLE (number integer, relation regclass, function text, comment text, is_good boolean, is_foreign boolean, is_named boolean, is_elsewhere boolean)
  LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ours oid := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = 'identity_internal.identity_map_catalog'::regclass);
  owner oid := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = m.map);
BEGIN
  RETURN QUERY
    SELECT s.number, s.relation, format('identity_state.%I()', coalesce(s.name, f.proname)), s.comment,
           f.oid IS NOT NULL AND f.proowner = ours AND f.prosrc = 'identity_map_capture' AND f.probin = 'MODULE_PATHNAME'
             AND f.prolang = (SELECT l.oid FROM pg_language AS l WHERE l.lanname = 'c') AND NOT f.prosecdef AND f.proconfig IS NULL
             AND (SELECT bool_and(x.grantee IN (f.proowner, owner)) AND (bool_or(x.grantee = owner) OR owner = f.proowner)
                  FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS x),
           coalesce(f.proowner <> ours, false), d.description IS NOT DISTINCT FROM s.comment,
           EXISTS (SELECT FROM pg_depend AS o JOIN pg_trigger AS t ON t.oid = o.objid
                   WHERE o.refclassid = 'pg_proc'::regclass AND o.refobjid = f.oid AND o.classid = 'pg_trigger'::regclass AND t.tgrelid IS DISTINCT FROM s.relation)
    FROM (SELECT c.number, c.relation, format('m%s_capture_%s', m.map_id, c.number),
                 format('capture of identity map %s, source %s', m.map, c.source)
          FROM identity_internal.identity_map_captured(m) AS c) AS s (number, relation, name, comment)
    FULL JOIN (SELECT p.* FROM pg_proc AS p
               WHERE p.pronamespace = 'identity_state'::regnamespace AND p.pronargs = 0
                 AND p.proname >= format('m%s_capture_', m.map_id)::name AND p.proname < format('m%s_capture`', m.map_id)::name) AS f ON f.proname = s.name
    LEFT JOIN pg_description AS d ON d.objoid = f.oid AND d.classoid = 'pg_proc'::regclass AND d.objsubid = 0;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_capture_functions(identity_internal.identity_map_catalog) IS
  'internal: the functions by which an identity map hears of changes';

-- The triggers that a map's captured sources need, and the statement that makes each. is_there: with the arguments that it
-- must have; is_on: it fires when it must; is_named: its comment says which map it is of.
CREATE FUNCTION identity_internal.identity_map_triggers(m identity_internal.identity_map_catalog)
  RETURNS TABLE (number integer, source text, relation regclass, function text, name name, firing text, definition text, comment text,
                 is_there boolean, is_on boolean, is_named boolean)
  LANGUAGE plpgsql STABLE ROWS 15 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  map_table name := (SELECT c.relname FROM pg_class AS c WHERE c.oid = m.map);
BEGIN
  RETURN QUERY
    SELECT s.number, s.source, s.relation, s.function, n.name, e.firing,
           format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION %s(%s)', n.name, e.events, s.relation, e.scope, s.function, s.arguments),
           s.comment, t.oid IS NOT NULL AND t.tgnargs = 4 AND replace(encode(t.tgargs, 'escape'), '\000', ' ') = replace(s.arguments, ',', '') || ' ',
           t.tgenabled = e.enabled, d.description IS NOT DISTINCT FROM s.comment
    FROM (SELECT c.number, c.source, c.relation, format('identity_state.m%s_capture_%s', m.map_id, c.number),
                 format('%s, %s, %s, %s', m.map::oid, to_regclass(identity_internal.identity_map_prefix(m.map_id) || 'log')::oid, c.relation::oid, c.id),
                 format('capture of identity map %s, source %s', m.map, c.source)
          FROM identity_internal.identity_map_captured(m) AS c) AS s (number, source, relation, function, arguments, comment)
    CROSS JOIN (VALUES ('insert', 'INSERT', 4, 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', '', 'O'::"char"),
                       ('update', 'UPDATE', 16, 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', '', 'O'),
                       ('delete', 'DELETE', 8, 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', '', 'O'),
                       ('truncate', 'TRUNCATE', 32, 'FOR EACH STATEMENT', 'ALWAYS', 'A'),
                       ('row', 'INSERT OR UPDATE OR DELETE', 29, 'FOR EACH ROW', 'REPLICA', 'R')) AS e (kind, events, type, scope, firing, enabled)
    LEFT JOIN pg_trigger AS t ON t.tgrelid = s.relation AND t.tgfoid = to_regprocedure(s.function || '()') AND t.tgtype = e.type
                             AND t.tgqual IS NULL AND t.tgattr = ''
    LEFT JOIN pg_description AS d ON d.objoid = t.oid AND d.classoid = 'pg_trigger'::regclass AND d.objsubid = 0
    CROSS JOIN LATERAL (SELECT coalesce(t.tgname, format('identity_map_m%s_%s_%s_%s_%s', m.map_id, s.number, e.kind, map_table, s.source)::name)) AS n (name);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_triggers(identity_internal.identity_map_catalog) IS
  'internal: the triggers by which an identity map hears of changes';

-- Makes the triggers that captured sources need, where they are not there or do not fire when they must: of all of these
-- sources, or of at most {"most"}. Gives how many they are, {"count"}: one also where triggers that are of no use any more
-- went, as that locks other tables. A source whose triggers cannot be made is read as a whole, and a warning says so.
CREATE FUNCTION identity_internal.identity_map_attach(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := 0;
  source record;
  definition text;
  is_good boolean;
  is_named boolean;
BEGIN
  FOR source IN SELECT s.s ->> 'name' AS name, s.s ->> 'no_capture' AS reason
                FROM jsonb_array_elements(m.prepared #> '{layout,sources}') AS s (s)
                JOIN unnest(m.clauses) AS c ON c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = s.s ->> 'name' AND c::jsonb ->> 'capture' = 'trigger'
                WHERE s.s ? 'no_capture' LOOP
    RAISE WARNING 'identity map "%", source "%": triggers cannot tell of its changes any more, so that all of it is read', m.map, source.name
      USING DETAIL = source.reason, HINT = format('Say so: SELECT alter_identity_map(%L, identity_source(%L, ...)), without capture.', m.map, source.name);
  END LOOP;
  SELECT coalesce(bool_and(f.is_good AND NOT f.is_elsewhere), true), coalesce(bool_or(f.number IS NULL OR f.is_elsewhere)::integer, 0), coalesce(bool_and(f.is_named), true)
  INTO is_good, made, is_named FROM identity_internal.identity_map_capture_functions(m) AS f;
  IF NOT is_good OR made > 0 THEN
    PERFORM identity_internal.identity_map_arm_captures(m.map_id);
  END IF;
  FOR source IN SELECT t.number, t.source, t.relation, bool_and(t.is_there AND t.is_on) AS is_on, bool_and(t.is_named) AS is_named
                FROM identity_internal.identity_map_triggers(m) AS t GROUP BY t.number, t.source, t.relation ORDER BY t.number LOOP
    is_named := is_named AND source.is_named;
    CONTINUE WHEN source.is_on OR made >= (a -> 'most')::integer;
    IF NOT has_table_privilege(source.relation, 'TRIGGER') THEN
      RAISE WARNING 'identity map "%", source "%": its triggers cannot be made, so that all of it is read', m.map, source.source
        USING DETAIL = format('The map''s owner, %s, needs the privilege TRIGGER on table %s.', quote_ident(current_user), source.relation),
              HINT = format('GRANT TRIGGER ON %s TO %I;', source.relation, current_user);
      CONTINUE;
    END IF;
    FOR definition IN SELECT t.definition FROM identity_internal.identity_map_triggers(m) AS t WHERE t.number = source.number AND NOT t.is_there LOOP
      EXECUTE definition;
    END LOOP;
    made := made + 1;
  END LOOP;
  IF made > 0 OR NOT is_named THEN
    PERFORM identity_internal.identity_map_arm_captures(m.map_id);
  END IF;
  RETURN jsonb_build_object('count', made);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_attach(identity_internal.identity_map_catalog, jsonb) IS
  'internal: makes the triggers by which an identity map hears of changes';

-- Of each captured source, by number, a mark of all that the catalogs say of its table, its triggers and the log; null where the
-- triggers do not tell of every change. Where it is what it was at the last refresh, the log has every record that changed since.
--
-- It is taken by the snapshot by which the refresh reads the source and the log. Suppose that the marks of two refreshes are the
-- same, and that a transaction T, which the second snapshot sees and the first does not, changed a row of the source without
-- a trigger's telling. T did so under a version W of some row of a catalog by which the triggers are silent: they were not
-- there, or off; the log was not as it must be; rows came by way of a parent table; the table was rewritten, or was
-- another one. The marks have a version V of that row by which they are not silent, or they would be NULL; so it is not W.
--   V is not older than W: the second snapshot sees T, and so whoever wrote W before it, or T itself did; it cannot see V.
--   V is not newer than W: a version of one kind follows one of the other under a lock that waits for those who write the
--   table (or, of the log, who found it as it must not be: they keep it locked). So whoever wrote V did so after T had ended, or
--   was T; the first snapshot sees V, so it sees T, which it does not.
-- A version is known by its transaction and its place: within one transaction there may be several. Nobody but a superuser who
-- exchanges functions or writes catalogs by hand can get around that.
--
-- An UNLOGGED table is emptied by the recovery from a crash, which writes no catalog: since when the server runs is a part of
-- its mark. All of the table's own row and columns count, also what is harmless, such as a GRANT: to read all of it once
-- more is right in any case. identity_map_has_log() looks at the log as it is now, which is as the mark has it, or another
-- version, and then the next mark is another one.
CREATE FUNCTION identity_internal.identity_map_capture_marks(m identity_internal.identity_map_catalog) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  log oid := to_regclass(identity_internal.identity_map_prefix(m.map_id) || 'log');
  captured record;
  mark text;
  marks jsonb := '{}';
BEGIN
  FOR captured IN SELECT t.number, t.relation::oid, to_regprocedure(t.function || '()')::oid AS function, bool_and(t.is_there AND t.is_on) AS is_on
                  FROM identity_internal.identity_map_triggers(m) AS t GROUP BY 1, 2, 3 LOOP
    mark := NULL;
    IF captured.is_on AND identity_internal.identity_map_has_log(captured.function)
       AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = captured.relation)
       AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = captured.relation) THEN
      SELECT md5(string_agg(v.version, ' ' ORDER BY v.version)) INTO mark FROM (
        SELECT format('relation %s %s %s', c.oid, c.xmin, c.ctid) || CASE c.relpersistence WHEN 'u' THEN ' ' || identity_internal.identity_map_server_start() ELSE '' END
        FROM pg_class AS c WHERE c.oid IN (captured.relation, log)
        UNION ALL SELECT format('column %s %s %s %s', a.attrelid, a.attnum, a.xmin, a.ctid) FROM pg_attribute AS a WHERE a.attrelid IN (captured.relation, log) AND a.attnum > 0
        UNION ALL SELECT format('trigger %s %s %s', t.oid, t.xmin, t.ctid) FROM pg_trigger AS t WHERE t.tgrelid = captured.relation AND t.tgfoid = captured.function
        UNION ALL SELECT format('function %s %s %s', f.oid, f.xmin, f.ctid) FROM pg_proc AS f WHERE f.oid = captured.function) AS v (version)
      HAVING count(v.version) = count(*);
    END IF;
    marks := marks || jsonb_build_object(captured.number, mark);
  END LOOP;
  RETURN marks;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_capture_marks(identity_internal.identity_map_catalog) IS
  'internal: by what the next refresh knows that triggers have told of every change';

-- Whether triggers can tell of a source's changes, and the user may make them: raises the error where not. `source`: as
-- identity_map_layout() has it.
CREATE FUNCTION identity_internal.identity_map_check_capture(source jsonb) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF source ? 'no_capture' THEN
    RAISE EXCEPTION 'source "%": triggers cannot tell of its changes', source ->> 'name' USING ERRCODE = 'feature_not_supported',
      DETAIL = source ->> 'no_capture',
      HINT = 'Leave capture out, or select from one table only, its key first: SELECT id, email FROM users.';
  END IF;
  IF NOT has_table_privilege(to_regclass(source ->> 'table'), 'TRIGGER') THEN
    RAISE EXCEPTION 'source "%": the privilege TRIGGER on table % is missing', source ->> 'name', source ->> 'table' USING ERRCODE = 'insufficient_privilege',
      DETAIL = format('With capture => ''trigger'', role %s makes triggers on it.', quote_ident(current_user)),
      HINT = format('GRANT TRIGGER ON %s TO %I; or leave capture out.', source ->> 'table', current_user);
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_check_capture(jsonb) IS
  'internal: whether triggers can tell of the changes of a source';
