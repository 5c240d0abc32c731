-- Identity maps: how a refresh reads the sources, as the map's owner (54-map-refresh.sql): which records
-- have to be read, what changed in them since the last time, and the triggers that tell of changes.

CREATE FUNCTION identity_internal.identity_map_look(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  SELECT identity_internal.identity_map_layout(m.clauses, m.search_path);
END;
COMMENT ON FUNCTION identity_internal.identity_map_look(identity_internal.identity_map_catalog, jsonb) IS 'internal: the columns of a map''s sources';

-- A source's query as a part of another one: its first column is named "[id]" there, as no other can be. `source` is
-- here and below what the layout has of it (src/pg/map_scan.cc).
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
  LANGUAGE plpgsql STABLE AS $$
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
  LANGUAGE plpgsql VOLATILE AS $$
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

-- The statement that reads all of source i and gives (fingerprint, ...) as identity_map_scan() does, in a WITH
-- clause named `found`. Its parameters: $1 the clauses, $2 the search_path.
CREATE FUNCTION identity_internal.identity_map_found(m identity_internal.identity_map_catalog, i integer) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('found AS MATERIALIZED (SELECT * FROM identity_internal.identity_map_scan($1, %s, NULL, $2, %L)
    AS (fingerprint bigint, ordinal bigint, record_id text, keys bigint[], updated_at timestamp%s))', i, identity_internal.identity_map_forgotten(m, i),
    (SELECT string_agg(format(', c%s %s', n, CASE WHEN (c -> 'array')::boolean THEN 'text[]' ELSE 'text' END), '' ORDER BY n)
     FROM jsonb_array_elements(m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns']) WITH ORDINALITY AS c (c, n)));
END;
COMMENT ON FUNCTION identity_internal.identity_map_found(identity_internal.identity_map_catalog, integer) IS 'internal: the beginning of a statement that reads a source';

-- The columns c1, c2, ... of the copy of source i, each with a comma before it and the prefix.
CREATE FUNCTION identity_internal.identity_map_cells(m identity_internal.identity_map_catalog, i integer, prefix text) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(string_agg(format(', %sc%s', prefix, n), '' ORDER BY n), '')
  FROM jsonb_array_elements(m.prepared #> ARRAY['layout', 'sources', (i - 1)::text, 'columns']) WITH ORDINALITY AS c (c, n);
END;
COMMENT ON FUNCTION identity_internal.identity_map_cells(identity_internal.identity_map_catalog, integer, text) IS 'internal: the columns of a copy of a source';

-- The fingerprints of a source's rows anew, and whose they are, a million in a part.
CREATE FUNCTION identity_internal.identity_map_print(m identity_internal.identity_map_catalog, n integer) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
BEGIN
  EXECUTE format('DELETE FROM %sprints WHERE source = %s', p, n);
  EXECUTE format('INSERT INTO %1$sprints (source, came, came_rids)
                  SELECT %2$s, identity_internal.identity_map_pack(array_agg(fingerprint)), identity_internal.identity_map_pack(array_agg(rid)) FROM %1$srows_%2$s
                  GROUP BY (fingerprint >> 2) & (SELECT (1::bigint << ceil(log(2.0, greatest(count(*) / 1000000.0, 1.0)))::integer) - 1 FROM %1$srows_%2$s)', p, n);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_print(identity_internal.identity_map_catalog, integer) IS 'internal: packs the fingerprints of a source''s rows';

-- The fingerprints of source i's rows as the map knows them: a query.
CREATE FUNCTION identity_internal.identity_map_known(m identity_internal.identity_map_catalog, i integer) RETURNS text
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT format('SELECT came, went, sum(length(came)) OVER () FROM %sprints WHERE source = %s ORDER BY part', identity_internal.identity_map_prefix(m.map_id), m.source_numbers[i]);
END;
COMMENT ON FUNCTION identity_internal.identity_map_known(identity_internal.identity_map_catalog, integer) IS 'internal: the rows that an identity map knows of a source';

-- The places of the sources that are read as a whole: all of them for a full refresh, else those with these
-- numbers, and those of which nothing tells what changed.
CREATE FUNCTION identity_internal.identity_map_wholes(m identity_internal.identity_map_catalog, is_full boolean, numbers integer[]) RETURNS integer[]
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT i FROM generate_series(1, cardinality(m.source_numbers) - 1) AS i
    WHERE is_full OR m.source_numbers[i] = ANY (numbers)
       OR EXISTS (SELECT FROM unnest(m.clauses) AS c WHERE c::jsonb ->> 'clause' = 'source' AND c::jsonb ->> 'name' = m.source_names[i]
                    AND c::jsonb ->> 'changed_since' IS NULL AND c::jsonb ->> 'capture' IS NULL)
    ORDER BY i);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_wholes(identity_internal.identity_map_catalog, boolean, integer[]) IS 'internal: the sources that a refresh reads as a whole';

-- Of the sources at these places, which are read as a whole, those that can be read side by side, before any of
-- them is taken in.
CREATE FUNCTION identity_internal.identity_map_read_ahead(m identity_internal.identity_map_catalog, places integer[], most bigint) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF cardinality(places) > 1 THEN
    PERFORM identity_internal.identity_map_scan_ahead(identity_internal.identity_map_scan_clauses(m), places,
      ARRAY(SELECT m.source_numbers[i] FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n), m.search_path,
      ARRAY(SELECT identity_internal.identity_map_forgotten(m, i) FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n),
      ARRAY(SELECT identity_internal.identity_map_known(m, i) FROM unnest(places) WITH ORDINALITY AS p (i, n) ORDER BY n), m.map_id, most);
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_read_ahead(identity_internal.identity_map_catalog, integer[], bigint) IS 'internal: reads sources of an identity map side by side';

-- Reads source i into its copy: all of it, or the records named. Says of how many records a row is new or
-- gone.
CREATE FUNCTION identity_internal.identity_map_read(m identity_internal.identity_map_catalog, i integer, ids text[], most bigint) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
  n integer := m.source_numbers[i];
  source jsonb := m.prepared #> ARRAY['layout', 'sources', (i - 1)::text];
  query text;
  known text;
  records bigint;
  came bytea;
  came_rids bytea;
  went bytea;
  is_worn boolean;
BEGIN
  IF ids IS NULL THEN
    known := identity_internal.identity_map_known(m, i);
  ELSE
    query := identity_internal.identity_map_named(source, ids);
  END IF;
  SELECT r.records, r.came, r.came_rids, r.went INTO records, came, came_rids, went
  FROM identity_internal.identity_map_read_rows(identity_internal.identity_map_scan_clauses(m), i, query, m.search_path,
         identity_internal.identity_map_forgotten(m, i), known, m.map_id, n, ids, most) AS r;
  IF came IS NOT NULL OR went IS NOT NULL THEN
    EXECUTE format('INSERT INTO %sprints (source, came, came_rids, went) VALUES ($1, $2, $3, $4)', p) USING n, came, came_rids, went;
  END IF;
  -- Many parts, or much that came and went, are made into one again.
  EXECUTE format('SELECT count(*) > 100 OR sum(coalesce(length(went), 0)) > greatest(0.2 * sum(coalesce(length(came), 0)), 100000)
                  FROM %sprints WHERE source = %s', p, n) INTO is_worn;
  IF is_worn THEN
    PERFORM identity_internal.identity_map_print(m, n);
  END IF;
  RETURN records;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_read(identity_internal.identity_map_catalog, integer, text[], bigint) IS
  'internal: reads a source into its copy, and says of how many records something changed';

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
  most bigint := greatest(1000, 0.2 * (SELECT c.reltuples FROM pg_class AS c WHERE c.oid = to_regclass(p || 'rows_' || n)));
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
    IF cardinality(ids) > most THEN
      ids := NULL;
    END IF;
  END IF;
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_changed(identity_internal.identity_map_catalog, integer, boolean) IS
  'internal: the records of a source that a refresh has to read';

-- Makes the triggers that sources with capture => 'trigger' need, where they are not there and enabled.
-- Gives the numbers of the sources that have to be read as a whole because of it.
CREATE FUNCTION identity_internal.identity_map_attach(m identity_internal.identity_map_catalog) RETURNS integer[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p text := identity_internal.identity_map_prefix(m.map_id);
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
COMMENT ON FUNCTION identity_internal.identity_map_attach(identity_internal.identity_map_catalog) IS
  'internal: the triggers by which an identity map hears of changes';

-- Drops the map's triggers and, where it is there, its table.
CREATE FUNCTION identity_internal.identity_map_detach(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
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
COMMENT ON FUNCTION identity_internal.identity_map_detach(identity_internal.identity_map_catalog, jsonb) IS 'internal: drops an identity map''s triggers and table';
