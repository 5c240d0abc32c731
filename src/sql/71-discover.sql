-- Discovery: from the tables that are there to the sources that a resolve would read, with reasons.
--
-- Each stage is a function of the stage before, in the order of this file: relations (the catalogs) -> opened (names inside JSON) -> matched (rules) ->
-- sampled (a few hundred rows of each candidate, fewer where there are many) -> judged (which rule holds, which columns look right) -> tested (whose ids
-- are found in whose key) -> concluded (sources and their queries). Stages are SQL over sets, so a thousand relations cost a few catalog scans and one
-- small read for each candidate. The planner knows nothing of how many rows a stage gives, so stages are planned without nested loops, which would be
-- quadratic.
--
-- All of it runs with the rights of whoever calls. A relation is read only where that runs no code of another role: no view, no foreign table, no row-level
-- security that holds for the caller, no index, constraint or statistics on a function that somebody wrote in SQL or another procedural language (the
-- planner evaluates such), and no columns but of PostgreSQL's own types, enums and citext. Nothing is written.

-- A name in lower case with underscores: MasterRecordId and master__record_id are master_record_id.
CREATE FUNCTION identity_internal.discover_name(name text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN name ~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' THEN name
            ELSE trim(BOTH '_' FROM regexp_replace(lower(regexp_replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z])([A-Z][a-z])', '\1_\2', 'g') COLLATE "C"),
                                                   '[^a-z0-9]+', '_', 'g')) END;
COMMENT ON FUNCTION identity_internal.discover_name(text) IS 'internal: a name of a table or column as rules of discovery have it';

-- discover_ask(relation, question): runs one SELECT of one jsonb over the relation, in which /*sample*/ stands where the part of it belongs that is to
-- be read: some blocks of a large relation, the same ones each time, or all of a small one. Gives {"answer", "pages", "whole"} or, where PostgreSQL raises an
-- error or the relation is locked, {"error"}: a relation that cannot be read is no reason to know nothing of the others.
CREATE FUNCTION identity_internal.discover_ask(relation oid, question text) RETURNS jsonb
  LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET jit = off
  SET enable_nestloop = on SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
  pages bigint;
  answer jsonb;
BEGIN
  pages := (pg_relation_size(relation) + coalesce((SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree(relation) AS t WHERE t.isleaf AND t.relid <> relation), 0))
           / current_setting('block_size')::bigint;
  EXECUTE replace(question, '/*sample*/', CASE WHEN pages > 32 THEN format('TABLESAMPLE SYSTEM (%s) REPEATABLE (24)', round(3200.0 / pages, 6)) ELSE '' END) INTO answer;
  RETURN jsonb_build_object('answer', answer, 'pages', pages, 'whole', pages <= 32);
EXCEPTION
  WHEN lock_not_available THEN
    RETURN '{"error": "locked by another session"}';
  WHEN OTHERS THEN
    RETURN jsonb_build_object('error', SQLERRM);
END $$;
COMMENT ON FUNCTION identity_internal.discover_ask(oid, text) IS 'internal: one question of discovery about a sample of a relation';

-- discover_relations(schemas): the tables, views and foreign tables of the schemas, with what the catalogs say of each.
--   core       its name without what loaders put around it
--   not_read   why it is judged by its columns alone
--   left_out   why it is no source, whatever is in it
--   columns    name as rules have it -> {"x": expression, "t": kind of type, "n": name}
--   keys       columns that are unique by themselves; indexed: columns that an index starts with
CREATE FUNCTION identity_internal.discover_relations(schemas text[])
  RETURNS TABLE (relation oid, schema_name text, table_name text, core text, tuples double precision, not_read text, left_out text, loader text,
                 columns jsonb, keys text[], indexed text[])
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH RECURSIVE spaces AS MATERIALIZED (
    SELECT n.oid, n.nspname::text AS name FROM pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'identity_internal', 'identity_state') AND has_schema_privilege(n.oid, 'USAGE')
      AND (discover_relations.schemas IS NULL OR n.nspname = ANY (discover_relations.schemas))),
  here AS MATERIALIZED (
    SELECT c.oid, s.name AS schema_name, c.relname::text AS table_name, c.relkind, c.reltuples, c.relrowsecurity
    FROM pg_class AS c JOIN spaces AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')),
  -- Who reads a table reads its partitions and what inherits from it.
  parts AS (
    SELECT h.oid AS relation, h.oid AS part FROM here AS h
    UNION SELECT p.relation, i.inhrelid FROM parts AS p JOIN pg_inherits AS i ON i.inhparent = p.part),
  -- Functions that run another's code if they are called.
  written AS MATERIALIZED (
    SELECT 'pg_proc'::regclass AS classid, p.oid FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname NOT IN ('internal', 'c')
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid FROM pg_operator AS o JOIN pg_proc AS p ON p.oid = o.oprcode JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname NOT IN ('internal', 'c')),
  risky AS MATERIALIZED (
    SELECT DISTINCT p.relation
    FROM (SELECT d.objid AS part FROM pg_depend AS d JOIN written AS w ON w.classid = d.refclassid AND w.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass
          UNION ALL
          SELECT i.indrelid FROM pg_depend AS d JOIN written AS w ON w.classid = d.refclassid AND w.oid = d.refobjid JOIN pg_index AS i ON i.indexrelid = d.objid WHERE d.classid = 'pg_class'::regclass
          UNION ALL
          SELECT k.conrelid FROM pg_depend AS d JOIN written AS w ON w.classid = d.refclassid AND w.oid = d.refobjid JOIN pg_constraint AS k ON k.oid = d.objid WHERE d.classid = 'pg_constraint'::regclass
          UNION ALL
          SELECT e.stxrelid FROM pg_depend AS d JOIN written AS w ON w.classid = d.refclassid AND w.oid = d.refobjid JOIN pg_statistic_ext AS e ON e.oid = d.objid WHERE d.classid = 'pg_statistic_ext'::regclass) AS f
    JOIN parts AS p USING (part)),
  foreign_parts AS (SELECT DISTINCT p.relation FROM parts AS p JOIN pg_class AS c ON c.oid = p.part WHERE c.relkind = 'f'),
  -- A domain's values are shown as those of the type below it; its CHECK is not run by reading.
  types AS MATERIALIZED (
    SELECT t.oid, b.typname, b.typtype, b.oid < 16384 OR b.typtype = 'e' OR (b.typname = 'citext' AND l.lanname IN ('internal', 'c')) AS is_known
    FROM pg_type AS t JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_proc AS p ON p.oid = b.typoutput JOIN pg_language AS l ON l.oid = p.prolang),
  columns_of AS MATERIALIZED (
    SELECT a.attrelid AS relation, a.attnum, a.attname::text AS name, identity_internal.discover_name(a.attname::text) AS plain, lower(a.attname::text COLLATE "C") AS low,
           has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS is_allowed,
           CASE WHEN NOT t.is_known THEN 'x'
                WHEN t.typtype = 'e' OR t.typname IN ('text', 'varchar', 'bpchar', 'name', 'citext') THEN 's'
                WHEN t.typname IN ('int2', 'int4', 'int8') THEN 'i' WHEN t.typname = 'numeric' THEN 'n' WHEN t.typname = 'bool' THEN 'b'
                WHEN t.typname IN ('timestamp', 'timestamptz') THEN 't' WHEN t.typname = 'uuid' THEN 'u' WHEN t.typname IN ('json', 'jsonb') THEN 'j'
                WHEN t.typname IN ('_text', '_varchar') THEN 'a' ELSE 'x' END AS type,
           t.typtype = 'e' AS is_enum
    FROM pg_attribute AS a JOIN here AS h ON h.oid = a.attrelid JOIN types AS t ON t.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname::text !~ '[[:cntrl:]]'),
  described AS MATERIALIZED (
    SELECT c.relation, bool_or(c.is_allowed) AS is_allowed, bool_or(c.low = 'identity_id') AS is_ours,
           bool_or(c.low LIKE '\_fivetran\_%') AS fivetran, bool_or(c.low LIKE '\_airbyte\_%') AS airbyte, bool_or(c.low LIKE '\_dlt\_%') AS dlt,
           bool_or(c.low IN ('flow_published_at', '_meta/op')) AS estuary, bool_or(c.low LIKE '\_\_hevo%') AS hevo,
           bool_or(c.low = '_sdc_extracted_at') AS meltano, bool_or(c.low LIKE '\_sdc\_%') AS stitch, bool_or(c.low IN ('uuid_ts', 'received_at')) AS segment,
           jsonb_object_agg(c.plain, jsonb_build_object('x', quote_ident(c.name) || CASE WHEN c.is_enum THEN '::text' ELSE '' END, 't', c.type, 'n', c.name)
                            ORDER BY c.plain = c.name, c.attnum) FILTER (WHERE c.is_allowed AND c.plain <> '') AS columns
    FROM columns_of AS c GROUP BY c.relation),
  indexes AS (
    SELECT i.indrelid AS relation, array_agg(DISTINCT a.attname::text) AS indexed,
           array_agg(DISTINCT a.attname::text) FILTER (WHERE i.indisunique AND i.indnkeyatts = 1) AS keys
    FROM pg_index AS i JOIN here AS h ON h.oid = i.indrelid JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indisvalid AND i.indpred IS NULL GROUP BY i.indrelid)
  SELECT h.oid, h.schema_name, h.table_name,
         regexp_replace(regexp_replace(identity_internal.discover_name(h.table_name), '^airbyte_raw_|^.*_raw_stream_', ''), '(_data|_history|_postgres|_norename)+$', ''),
         greatest(h.reltuples, 0),
         CASE WHEN h.relkind = 'v' THEN 'a view' WHEN h.relkind = 'f' OR f.relation IS NOT NULL THEN 'a foreign table'
              WHEN h.relrowsecurity AND row_security_active(h.oid) THEN 'row-level security' WHEN r.relation IS NOT NULL THEN 'an index or constraint on a written function' END,
         CASE WHEN d.relation IS NULL THEN 'it has no columns'
              WHEN NOT d.is_allowed THEN 'you may not read it'
              WHEN d.is_ours THEN 'it has an identity_id: made by identity_resolve'
              WHEN h.table_name = 'identity_lookups' THEN 'made by identity_resolve'
              WHEN h.schema_name || h.table_name ~ '[[:cntrl:]]' THEN 'its name holds control characters'
              WHEN h.table_name ~* '(^|_)(old|tmp|temp|bak|backup|bkp|copy|archive|archived|snapshot|staging)(_?[0-9]+)?$|^_*(tmp|temp|stg|old|bak|backup|scratch)_|_(19|20)[0-9]{6}$|__dbt_(tmp|backup)$|^_scd_|_scd$'
                THEN 'by its name a copy'
              WHEN h.table_name ~* '^(dim|fct|fact|mart|rpt|agg|obt|int)_' THEN 'by its name made of other tables' END,
         CASE WHEN d.fivetran THEN 'fivetran' WHEN d.airbyte THEN 'airbyte' WHEN d.dlt THEN 'dlt' WHEN d.estuary THEN 'estuary' WHEN d.hevo THEN 'hevo'
              WHEN d.meltano THEN 'meltano' WHEN d.stitch THEN 'stitch'
              WHEN d.segment THEN CASE WHEN h.schema_name ~* 'rudder' THEN 'rudderstack' ELSE 'segment' END END,
         coalesce(d.columns, '{}'), coalesce(i.keys, '{}'), coalesce(i.indexed, '{}')
  FROM here AS h LEFT JOIN described AS d ON d.relation = h.oid LEFT JOIN indexes AS i ON i.relation = h.oid
    LEFT JOIN risky AS r ON r.relation = h.oid LEFT JOIN foreign_parts AS f ON f.relation = h.oid;
END;
COMMENT ON FUNCTION identity_internal.discover_relations(text[]) IS 'internal: the relations of discovery, by the catalogs';

-- discover_rules(tools): the caller's own rules, then those of identity_tools(), numbered.
-- Errors: 22023 for what is no list of objects that name a tool and its tables, 2201B for a pattern that is none.
CREATE FUNCTION identity_internal.discover_own_rules(tools jsonb) RETURNS SETOF jsonb
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rule jsonb;
BEGIN
  IF tools IS NOT NULL AND jsonb_typeof(tools) <> 'array' THEN
    RAISE EXCEPTION 'tools is no list of rules' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('It is a JSON %s.', jsonb_typeof(tools)), HINT = 'Give a JSON array of objects with the fields of identity_tools(), such as ''[{"tool": "crm", "tables": "clients?", "key": ["client_no"], "links": {"email": ["mail"]}}]''.';
  END IF;
  FOR rule IN SELECT e FROM jsonb_array_elements(tools) AS e LOOP
    IF jsonb_typeof(rule) <> 'object' OR rule ->> 'tool' IS NULL OR rule ->> 'tables' IS NULL
       OR jsonb_typeof(coalesce(rule -> 'links', '{}')) <> 'object' OR jsonb_typeof(coalesce(rule -> 'tests', '{}')) <> 'object'
       OR EXISTS (SELECT FROM unnest(ARRAY['loaders', 'needs', 'hints', 'key', 'keeps', 'drops']) AS f WHERE jsonb_typeof(coalesce(rule -> f, '[]')) <> 'array')
       OR EXISTS (SELECT FROM jsonb_each(CASE jsonb_typeof(rule -> 'links') WHEN 'object' THEN rule -> 'links' ELSE '{}' END) AS l WHERE jsonb_typeof(l.value) <> 'array') THEN
      RAISE EXCEPTION 'a rule of tools is none' USING ERRCODE = 'invalid_parameter_value',
        DETAIL = format('The rule is %s.', left(rule::text, 200)),
        HINT = 'A rule is a JSON object with the fields of identity_tools(): tool and tables at least, arrays for needs, hints, key, keeps and drops, and an object of arrays for links.';
    END IF;
    PERFORM '' ~ (rule ->> 'tables'), '' ~ coalesce(rule ->> 'pattern', ''), '' ~ coalesce(rule ->> 'names', '');
    RETURN NEXT rule;
  END LOOP;
END $$;
COMMENT ON FUNCTION identity_internal.discover_own_rules(jsonb) IS 'internal: a caller''s own rules of discovery, checked';

CREATE FUNCTION identity_internal.discover_rules(tools jsonb)
  RETURNS TABLE (place bigint, tool text, part text, role text, tables text, loaders text[], needs text[], hints text[], names text, key text[], pattern text,
                 is_strong boolean, tests jsonb, links jsonb, keeps text[], drops text[], note text, is_own boolean)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 60
BEGIN ATOMIC
  SELECT row_number() OVER (ORDER BY r.own, r.n), identity_internal.discover_name(r.tool), r.part, r.role, r.tables, r.loaders, r.needs, r.hints, r.names, r.key, r.pattern,
         r.is_strong, r.tests, r.links, r.keeps, r.drops, r.note, r.own = 0
  FROM (
    SELECT 1 AS own, row_number() OVER () AS n, t.tool, t.part, t.role, t.tables, t.loaders, t.needs, t.hints, coalesce(t.names, t.tool) AS names, t.key, t.pattern,
           t.is_strong, coalesce(t.tests, '{}') AS tests, coalesce(t.links, '{}') AS links, coalesce(t.keeps, '{}') AS keeps, coalesce(t.drops, '{}') AS drops, t.note
    FROM @extschema@.identity_tools() AS t
    UNION ALL
    SELECT 0, o.n, t.tool, coalesce(t.part, 'own'), coalesce(t.role, 'people'), t.tables, t.loaders, coalesce(t.needs, ARRAY[array_to_string(t.key, '|')], '{}'), coalesce(t.hints, '{}'), coalesce(t.names, '.'), t.key, t.pattern,
           true, coalesce(t.tests, '{}'), coalesce(t.links, '{}'), coalesce(t.keeps, '{}'), coalesce(t.drops, '{}'), coalesce(t.note, 'a rule of the call')
    FROM identity_internal.discover_own_rules(discover_rules.tools) WITH ORDINALITY AS o (rule, n)
      CROSS JOIN LATERAL jsonb_to_record(o.rule) AS t (tool text, part text, role text, tables text, loaders text[], needs text[], hints text[], names text, key text[], pattern text,
                                                       tests jsonb, links jsonb, keeps text[], drops text[], note text)) AS r;
END;
COMMENT ON FUNCTION identity_internal.discover_rules(jsonb) IS 'internal: the rules of discovery, a caller''s own ones first';

-- A condition that leaves rows out: 'is_deleted=true' or 'active=false' of a column of type boolean, or of a text or number that stands for one; 'status=archived';
-- 'deleted_at': rows with a value there; 'is_deleted=true!other': unless other has a value. NULL where the column is not there. An unknown is no reason to leave a row out.
CREATE FUNCTION identity_internal.discover_condition(columns jsonb, drops text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT CASE WHEN p.unless IS NOT NULL AND columns ? p.unless THEN format('(%s OR nullif(btrim((%s)::text), '''') IS NOT NULL)', c.condition, columns -> p.unless ->> 'x') ELSE c.condition END
  FROM (SELECT m[1] AS name, m[2] AS value, m[3] AS unless FROM regexp_match(drops, '^([a-z0-9_]+)(?:=([^!]*))?(?:!([a-z0-9_]+))?$') AS m) AS p
    CROSS JOIN LATERAL (SELECT columns -> p.name ->> 'x' AS x, columns -> p.name ->> 't' AS t) AS d
    CROSS JOIN LATERAL (SELECT CASE
      WHEN d.x IS NULL OR d.t IN ('x', 'j', 'a') THEN NULL
      WHEN p.value IS NULL THEN CASE d.t WHEN 's' THEN format('nullif(btrim(%s), '''') IS NULL', d.x) ELSE format('%s IS NULL', d.x) END
      WHEN p.value IN ('true', 'false') THEN
        CASE d.t WHEN 'b' THEN format('%s IS NOT %s', d.x, upper(p.value))
                 WHEN 'i' THEN format('%s IS DISTINCT FROM %s', d.x, CASE p.value WHEN 'true' THEN 1 ELSE 0 END)
                 WHEN 's' THEN format('coalesce(lower(btrim(%s)), '''') NOT IN (%s)', d.x, CASE p.value WHEN 'true' THEN '''t'', ''true'', ''y'', ''yes'', ''1''' ELSE '''f'', ''false'', ''n'', ''no'', ''0''' END) END
      WHEN d.t = 's' THEN format('%s IS DISTINCT FROM %L', d.x, p.value) END AS condition) AS c;
END;
COMMENT ON FUNCTION identity_internal.discover_condition(jsonb, text) IS 'internal: a condition of a source''s query that leaves rows out';

-- What leaves rows out of any table: what loaders mark as deleted or as an earlier version, what is deleted softly, and test accounts.
CREATE FUNCTION identity_internal.discover_drops() RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['fivetran_active=false', 'fivetran_deleted=true', 'is_deleted=true', 'deleted=true', 'deleted_at', 'sdc_deleted_at', 'ab_cdc_deleted_at', 'hevo_marked_deleted=true', 'meta_op=d', 'dlt_valid_to',
             'is_test=true', 'test_account=true'];
COMMENT ON FUNCTION identity_internal.discover_drops() IS 'internal: what leaves rows out of any source that discovery finds';

-- The same as one condition, for samples and tests.
CREATE FUNCTION identity_internal.discover_current(columns jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((SELECT string_agg(identity_internal.discover_condition(columns, d.drops), ' AND ' ORDER BY d.n) FROM unnest(identity_internal.discover_drops()) WITH ORDINALITY AS d (drops, n)
                 WHERE columns ? split_part(d.drops, '=', 1)), 'true');
COMMENT ON FUNCTION identity_internal.discover_current(jsonb) IS 'internal: the condition of the rows that discovery looks at';

-- discover_opened(schemas, tools): the same, with the names inside JSON columns that loaders keep a record in, as columns of their own: properties_email is
-- properties ->> 'email'; what is in _airbyte_data is named without it. And where a loader has written a rule's column without its underscores, under the
-- rule's name: sfdc_lead_id for sfdcleadid.
CREATE FUNCTION identity_internal.discover_opened(schemas text[], tools jsonb)
  RETURNS TABLE (relation oid, schema_name text, table_name text, core text, tuples double precision, not_read text, left_out text, loader text,
                 columns jsonb, keys text[], indexed text[])
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH r AS MATERIALIZED (SELECT * FROM identity_internal.discover_relations(discover_opened.schemas)),
  asked AS MATERIALIZED (
    SELECT r.relation, c.key AS plain, c.value ->> 'x' AS x, c.value ->> 't' AS t,
           identity_internal.discover_ask(r.relation, CASE c.value ->> 't'
             WHEN 'j' THEN format($q$SELECT jsonb_agg(DISTINCT p) FROM (
  SELECT p FROM (SELECT (%1$s)::jsonb AS c FROM %2$I.%3$I /*sample*/ LIMIT 200) AS s, LATERAL (
    SELECT jsonb_build_array(k) AS p FROM jsonb_object_keys(s.c) AS k
    UNION ALL
    SELECT jsonb_build_array(n, k) FROM unnest(ARRAY['properties', 'metadata', 'attributes', 'traits', 'custom_attributes', 'user_fields', 'merge_fields']) AS n,
      jsonb_object_keys(CASE jsonb_typeof(s.c -> n) WHEN 'object' THEN s.c -> n ELSE '{}' END) AS k) AS i
  WHERE jsonb_typeof(s.c) = 'object' LIMIT 20000) AS x$q$, c.value ->> 'x', r.schema_name, r.table_name)
             ELSE format($q$SELECT jsonb_agg(DISTINCT jsonb_build_array(m[1])) FROM (SELECT (%1$s)::text AS c FROM %2$I.%3$I /*sample*/ LIMIT 200) AS s, regexp_matches(c, '"([A-Za-z0-9_ -]{1,40})"\s*:', 'g') AS m
                            WHERE c ~ '^\s*\{'$q$, c.value ->> 'x', r.schema_name, r.table_name) END) AS said
    FROM r CROSS JOIN LATERAL jsonb_each(r.columns) AS c
    WHERE r.not_read IS NULL AND r.left_out IS NULL
      AND ((c.value ->> 't' = 'j' AND c.key IN ('airbyte_data', 'data', 'properties', 'metadata', 'attributes', 'traits', 'custom_attributes', 'user_fields', 'merge_fields'))
           OR (c.value ->> 't' = 's' AND c.key = 'metadata'))),
  inside AS (
    SELECT a.relation,
           jsonb_object_agg(identity_internal.discover_name(concat_ws('_', CASE a.plain WHEN 'airbyte_data' THEN NULL ELSE a.plain END, k.path ->> 0, k.path ->> 1)),
             jsonb_build_object('x', CASE WHEN a.t = 's' THEN format('substring(%s FROM %L)', a.x, '"' || (k.path ->> 0) || '"\s*:\s*"?([^",}]*)')
                                          WHEN k.path ->> 1 IS NULL THEN format('(%s ->> %L)', a.x, k.path ->> 0) ELSE format('(%s -> %L ->> %L)', a.x, k.path ->> 0, k.path ->> 1) END, 't', 's', 'n', NULL)) AS columns
    FROM asked AS a CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(a.said -> 'answer') WHEN 'array' THEN a.said -> 'answer' ELSE '[]' END) AS k (path)
    WHERE k.path::text !~ '\\[bfnrtu]' GROUP BY a.relation),
  -- The names in rules, as one that has lost its underscores is found.
  spoken AS MATERIALIZED (
    SELECT DISTINCT m[1] AS name, replace(m[1], '_', '') AS joined
    FROM identity_internal.discover_rules(discover_opened.tools) AS t
      CROSS JOIN LATERAL unnest(t.key || t.needs || t.hints || t.drops || t.keeps || ARRAY(SELECT jsonb_array_elements_text(l.value) FROM jsonb_each(t.links) AS l) || identity_internal.discover_drops()) AS w (word)
      CROSS JOIN LATERAL regexp_matches(w.word, '[a-z0-9_]+', 'g') AS m
    WHERE w.word !~ '^~' AND m[1] ~ '[a-z0-9]_[a-z0-9]'),
  all_of AS MATERIALIZED (SELECT r.relation, coalesce(i.columns, '{}') || r.columns AS columns FROM r LEFT JOIN inside AS i USING (relation)),
  joined AS (
    SELECT a.relation, jsonb_object_agg(s.name, a.columns -> s.joined) AS columns
    FROM all_of AS a CROSS JOIN LATERAL jsonb_object_keys(a.columns) AS c (name) JOIN spoken AS s ON s.joined = c.name
    WHERE NOT a.columns ? s.name GROUP BY a.relation)
  SELECT r.relation, r.schema_name, r.table_name, r.core, r.tuples, r.not_read, r.left_out, r.loader, coalesce(n.columns, '{}') || a.columns, r.keys, r.indexed
  FROM r JOIN all_of AS a USING (relation) LEFT JOIN joined AS n USING (relation);
END;
COMMENT ON FUNCTION identity_internal.discover_opened(text[], jsonb) IS 'internal: the relations of discovery, with the names inside their JSON';

-- discover_sampled(schemas, tools): each relation with the rules that may hold for it, the likeliest first, and a sample.
--   rules    the rules, as objects
--   sample   column -> [values that are not blank, distinct ones, addresses, hashes, numbers of digits, telephone numbers, [60 of them, by their hashes], rows]
--   seen     rows of the sample's blocks; blocks: how many the relation has; whole: all of them are the sample's
--   failed   why it could not be read
CREATE FUNCTION identity_internal.discover_sampled(schemas text[], tools jsonb)
  RETURNS TABLE (relation oid, schema_name text, table_name text, core text, tuples double precision, not_read text, left_out text, loader text,
                 columns jsonb, keys text[], indexed text[], rules jsonb, sample jsonb, seen bigint, blocks bigint, whole boolean, failed text)
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH r AS MATERIALIZED (SELECT * FROM identity_internal.discover_opened(discover_sampled.schemas, discover_sampled.tools)),
  t AS MATERIALIZED (SELECT * FROM identity_internal.discover_rules(discover_sampled.tools)),
  fits AS (
    SELECT r.relation, t.place, to_jsonb(t) AS rule, r.schema_name || '.' || r.table_name ~* t.names AS is_named,
           EXISTS (SELECT FROM unnest(t.hints) AS h WHERE r.columns ? h) AS is_hinted
    FROM r JOIN t ON r.core ~ ('(^|_)(?:' || t.tables || ')$') AND (t.loaders IS NULL OR r.loader = ANY (t.loaders))
    WHERE r.left_out IS NULL
      AND NOT EXISTS (SELECT FROM unnest(t.needs) AS n WHERE NOT r.columns ?| string_to_array(n, '|'))),
  rules AS MATERIALIZED (
    SELECT f.relation, jsonb_agg(f.rule || jsonb_build_object('is_named', f.is_named) ORDER BY f.is_named DESC, f.is_hinted DESC, f.place) AS rules
    FROM fits AS f WHERE f.is_named OR f.is_hinted OR (f.rule -> 'is_strong')::boolean GROUP BY f.relation),
  -- What a rule names, and of a relation with a column for addresses what may be its key or another's.
  named AS (
    SELECT u.relation, k.name, true AS is_ruled
    FROM rules AS u JOIN r USING (relation) CROSS JOIN LATERAL jsonb_array_elements(u.rules) AS e (rule)
      CROSS JOIN LATERAL (
        SELECT jsonb_array_elements_text(CASE jsonb_typeof(e.rule -> 'key') WHEN 'array' THEN e.rule -> 'key' ELSE '[]' END)
        UNION ALL SELECT jsonb_object_keys(e.rule -> 'tests')
        UNION ALL SELECT m[1] FROM jsonb_each(e.rule -> 'links') AS l CROSS JOIN LATERAL jsonb_array_elements_text(l.value) AS s (spec)
                  CROSS JOIN LATERAL regexp_matches(s.spec, '[a-z0-9_]+', 'g') AS m WHERE s.spec !~ '^~'
        UNION ALL SELECT c.name FROM jsonb_each(e.rule -> 'links') AS l CROSS JOIN LATERAL jsonb_array_elements_text(l.value) AS s (spec)
                  CROSS JOIN LATERAL jsonb_object_keys(r.columns) AS c (name) WHERE s.spec ~ '^~' AND c.name ~ substr(s.spec, 2)
      ) AS k (name)
    UNION ALL
    SELECT r.relation, c.name, false
    FROM r CROSS JOIN LATERAL jsonb_object_keys(r.columns) AS c (name)
    WHERE r.left_out IS NULL AND EXISTS (SELECT FROM jsonb_object_keys(r.columns) AS a WHERE a ~ '(^|_)e_?mail(_address|_addr|_1)?$')
      AND (c.name ~ '^(id|uid|uuid|guid|key|pk)$|_(id|uid|uuid|guid|key|no|nr|number|code)$|(^|_)e_?mail(_address|_addr|_1)?$' OR r.columns #>> ARRAY[c.name, 'n'] = ANY (r.keys)) AND c.name !~ '^(fivetran|airbyte|sdc|dlt)_'),
  wanted AS MATERIALIZED (
    SELECT r.relation, n.name, row_number() OVER (PARTITION BY r.relation ORDER BY bool_or(n.is_ruled) DESC, n.name ~ 'mail' DESC, n.name = 'id' DESC, r.columns #>> ARRAY[n.name, 'n'] = ANY (r.keys) DESC, n.name COLLATE "C") AS n,
           CASE r.columns -> n.name ->> 't' WHEN 'a' THEN format('array_to_string(%s, %L)', r.columns -> n.name ->> 'x', ';') ELSE format('(%s)::text', r.columns -> n.name ->> 'x') END AS x
    FROM named AS n JOIN r USING (relation)
    WHERE r.columns -> n.name ->> 't' NOT IN ('x', 'j', 'b') GROUP BY r.relation, r.columns, r.keys, n.name),
  questions AS (
    SELECT w.relation,
           format($q$SELECT jsonb_build_object('rows', (SELECT count(*) FROM %1$I.%2$I /*sample*/ WHERE %6$s), 'columns',
  (SELECT jsonb_object_agg(x.c, x.a) FROM (
    SELECT v.c, jsonb_build_array(count(v.v), count(DISTINCT v.v), count(*) FILTER (WHERE v.k = 'e'), count(*) FILTER (WHERE v.k = 'h'), count(*) FILTER (WHERE v.k = 'i'), count(*) FILTER (WHERE v.k = 'p'),
                                  (array_agg(v.v ORDER BY hashtext(v.v), v.v COLLATE "C") FILTER (WHERE v.v IS NOT NULL))[1:60], count(*)) AS a
    FROM (SELECT s.c, s.v, CASE WHEN s.v LIKE '%%@%%' THEN CASE WHEN s.v ~ '^[^@]+@[^@[:space:]]+[.][^@]+$' THEN 'e' END WHEN s.v ~ '^[0-9]+$' THEN 'i'
                                WHEN s.v LIKE '+%%' THEN CASE WHEN s.v ~ '^[+][0-9][0-9 ().-]{6,}$' THEN 'p' END
                                WHEN length(s.v) IN (24, 32, 40, 64) AND s.v ~ '^([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[A-Za-z0-9+/]{22}==)$' THEN 'h' END AS k
          FROM (SELECT %3$s FROM %1$I.%2$I /*sample*/ WHERE %6$s LIMIT %5$s) AS r, LATERAL (VALUES %4$s) AS s (c, v) OFFSET 0) AS v
    GROUP BY v.c) AS x))$q$, r.schema_name, r.table_name,
             string_agg(format('nullif(btrim(%s), %L) AS c%s', w.x, '', w.n), ', ' ORDER BY w.n), string_agg(format('(%L, r.c%s)', w.name, w.n), ', ' ORDER BY w.n),
             CASE WHEN u.relation IS NULL OR a.candidates > 300 THEN 150 ELSE 500 END, identity_internal.discover_current(r.columns)) AS question
    FROM wanted AS w JOIN r USING (relation) LEFT JOIN rules AS u USING (relation) CROSS JOIN (SELECT count(DISTINCT c.relation) AS candidates FROM wanted AS c) AS a
    WHERE w.n <= CASE WHEN u.relation IS NULL THEN 12 ELSE 30 END AND r.not_read IS NULL GROUP BY w.relation, r.schema_name, r.table_name, u.relation, r.columns, a.candidates),
  said AS MATERIALIZED (SELECT q.relation, identity_internal.discover_ask(q.relation, q.question) AS said FROM questions AS q)
  SELECT r.relation, r.schema_name, r.table_name, r.core, r.tuples, r.not_read, r.left_out, r.loader, r.columns, r.keys, r.indexed, coalesce(u.rules, '[]'),
         coalesce(nullif(s.said #> '{answer,columns}', 'null'), '{}'), (s.said #>> '{answer,rows}')::bigint, (s.said ->> 'pages')::bigint, coalesce((s.said -> 'whole')::boolean, false), s.said ->> 'error'
  FROM r LEFT JOIN rules AS u USING (relation) LEFT JOIN said AS s USING (relation);
END;
COMMENT ON FUNCTION identity_internal.discover_sampled(text[], jsonb) IS 'internal: the relations of discovery, with the rules that fit and a sample';

-- An expression that a query of a source has: of a column as discover_relations() describes it, maybe where another has a value.
CREATE FUNCTION identity_internal.discover_expression(columns jsonb, name text, if_name text, if_value text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN if_name IS NULL THEN columns -> name ->> 'x'
            ELSE format('CASE WHEN %s = %L THEN %s END', columns -> if_name ->> 'x', if_value, columns -> name ->> 'x') END;
COMMENT ON FUNCTION identity_internal.discover_expression(jsonb, text, text, text) IS 'internal: a column in a source''s query';

-- discover_judged(schemas, tools): each relation with the rule that holds for it, by its columns and its sample, and the columns that may link.
--   status   people, pairs, former, more: may become a source; otherwise left_out says why it is none
--   rule     the rule; NULL: a table of no known tool, judged by its names and content
--   key      the column that is the record's id
--   is_sure  whether the sample confirms the rule; doubt: what could not be looked at
--   links    [{kind, name, x, is_key, list, numbers, side, test, bad, n, digits, counts, capitals, share, auto}]: test: whose key has to hold the values; bad: why it
--            does not link; counts: values of it are alike by chance, as they count; share: of the values, those of the kind; auto: of use only where another table names it
CREATE FUNCTION identity_internal.discover_judged(schemas text[], tools jsonb)
  RETURNS TABLE (relation oid, schema_name text, table_name text, core text, tuples double precision, loader text, columns jsonb, indexed text[], sample jsonb, seen bigint, blocks bigint,
                 whole boolean, status text, left_out text, doubt text, rule jsonb, key text, is_sure boolean, links jsonb, email text, is_unique boolean, is_people boolean)
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH s AS MATERIALIZED (
    SELECT r.*, CASE WHEN coalesce(r.not_read, r.failed) IS NOT NULL THEN (SELECT jsonb_object_agg(c.name, '[0, 0, 0, 0, 0, 0, null]'::jsonb) FROM jsonb_each(r.columns) AS c (name, v) WHERE c.v ->> 't' NOT IN ('x', 'j', 'b')) END AS blank
    FROM identity_internal.discover_sampled(discover_judged.schemas, discover_judged.tools) AS r),
  -- Rules, by the key's values and the columns that they test. What was not read, or is empty, contradicts nothing.
  held AS MATERIALIZED (
    SELECT DISTINCT ON (s.relation) s.relation, e.rule, k.name AS key, coalesce(p.share, 0) >= 0.9 OR e.rule ->> 'pattern' IS NULL AS is_confirmed
    FROM s CROSS JOIN LATERAL jsonb_array_elements(s.rules) WITH ORDINALITY AS e (rule, n)
      LEFT JOIN LATERAL (SELECT c.name FROM jsonb_array_elements_text(CASE jsonb_typeof(e.rule -> 'key') WHEN 'array' THEN e.rule -> 'key' ELSE '[]' END) WITH ORDINALITY AS c (name, n)
                         WHERE s.columns ? c.name AND (s.sample = '{}' OR s.sample #> ARRAY[c.name, '0'] <> '0') ORDER BY c.n LIMIT 1) AS k ON true
      LEFT JOIN LATERAL (SELECT avg((v.v ~ (e.rule ->> 'pattern'))::int) AS share
                         FROM jsonb_array_elements_text(CASE jsonb_typeof(s.sample #> ARRAY[k.name, '6']) WHEN 'array' THEN s.sample #> ARRAY[k.name, '6'] ELSE '[]' END) AS v (v)) AS p ON true
      LEFT JOIN LATERAL (SELECT min(w.share) AS share FROM (
          SELECT avg((v.v ~ t.value)::int) AS share
          FROM jsonb_each_text(e.rule -> 'tests') AS t
            CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(s.sample #> ARRAY[t.key, '6']) WHEN 'array' THEN s.sample #> ARRAY[t.key, '6'] ELSE '[]' END) AS v (v)
          GROUP BY t.key) AS w) AS x ON true
    WHERE (p.share IS NULL OR p.share >= 0.9) AND (x.share IS NULL OR x.share >= 0.9)
      AND (k.name IS NOT NULL OR e.rule ->> 'role' NOT IN ('people', 'pairs', 'former', 'more'))
      AND (p.share IS NOT NULL OR e.rule ->> 'pattern' IS NULL OR (e.rule -> 'is_named')::boolean)
    ORDER BY s.relation, e.n),
  -- Others, by their names and content: a column of addresses, and one that is unique.
  general AS MATERIALIZED (
    SELECT s.relation, a.name AS email, coalesce(a.n, 0) AS emails, coalesce(a.d, 0) AS distinct_emails, k.name AS key
    FROM s
      LEFT JOIN LATERAL (
        SELECT c.name, (c.v ->> 0)::bigint AS n, (c.v ->> 1)::bigint AS d FROM jsonb_each(CASE WHEN coalesce(s.not_read, s.failed) IS NULL THEN s.sample ELSE s.blank END) AS c (name, v)
        WHERE c.name ~ '(^|_)e_?mail(_address|_addr|_1)?$' AND c.name !~ '(partner|refer|owner|manager|agent|admin|sender|from|reply|cc|by|assign|invit|approv|emergency|spouse|parent|guardian|support|company|billing_contact|rep)_'
          AND (s.blank IS NOT NULL OR (c.v ->> 2)::float8 >= 0.5 * greatest((c.v ->> 0)::float8, 1))
        ORDER BY c.name IN ('email', 'email_address', 'e_mail') DESC, length(c.name), c.name COLLATE "C" LIMIT 1) AS a ON true
      LEFT JOIN LATERAL (
        SELECT c.name FROM jsonb_each(CASE WHEN coalesce(s.not_read, s.failed) IS NULL THEN s.sample ELSE s.blank END) AS c (name, v)
        WHERE c.name !~ 'mail' AND (s.columns #>> ARRAY[c.name, 'n'] = ANY (s.keys) OR (s.blank IS NOT NULL AND c.name IN ('id', regexp_replace(s.core, 's$', '') || '_id')) OR (c.v -> 1 = c.v -> 7 AND s.seen > 1))
        ORDER BY s.columns #>> ARRAY[c.name, 'n'] = ANY (s.keys) DESC, c.name = 'id' DESC, c.name = regexp_replace(s.core, 's$', '') || '_id' DESC, length(c.name), c.name COLLATE "C" LIMIT 1) AS k ON true
    WHERE NOT EXISTS (SELECT FROM held AS h WHERE h.relation = s.relation)),
  verdicts AS MATERIALIZED (
    SELECT s.relation, s.schema_name, s.table_name, s.core, s.tuples, s.loader, s.columns, s.indexed, s.sample, s.seen, s.blocks, s.whole,
           h.rule, coalesce(h.key, g.key, CASE WHEN g.distinct_emails > 1 AND g.distinct_emails = g.emails AND g.emails = s.seen THEN g.email END) AS key, h.is_confirmed, g.email AS general_email, coalesce(s.not_read, s.failed) AS doubt,
           s.core ~ '(^|_)(users?|customers?|contacts?|members?|people|persons?|accounts?|leads?|clients?|subscribers?|profiles?|patients?|students?|visitors?|guests?|signups?|registrations?|prospects?|buyers?|donors?|attendees?|players?|participants?|shoppers?|applicants?|candidates?)$' AS is_people,
           CASE
             WHEN s.left_out IS NOT NULL THEN s.left_out
             WHEN h.rule ->> 'role' NOT IN ('people', 'pairs', 'former', 'more') THEN coalesce(h.rule ->> 'note', h.rule ->> 'role')
             WHEN h.rule IS NOT NULL AND s.seen = 0 THEN 'it is empty'
             WHEN h.rule IS NOT NULL THEN NULL
             WHEN NOT EXISTS (SELECT FROM jsonb_object_keys(s.columns) AS a WHERE a ~ '(^|_)e_?mail(_address|_addr|_1)?$') THEN 'no column of it holds addresses, and no rule knows it'
             WHEN s.core ~ '(^|_)(employees?|staff|admins?|administrators?|agents?|operators?|workers?|reps|owners?)$' THEN 'staff, by its name'
             WHEN s.core ~ '(^|_)(company|companies|organi[sz]ations?|orgs?|tenants?|workspaces?|vendors?|suppliers?|stores?|branches|audiences?|lists?|campaigns?|brands?)$' THEN 'not people, by its name'
             WHEN coalesce(s.not_read, s.failed) IS NOT NULL AND g.key IS NOT NULL AND g.email IS NOT NULL THEN NULL
             WHEN s.seen = 0 THEN 'it is empty'
             WHEN g.email IS NULL AND EXISTS (SELECT FROM jsonb_each(s.sample) AS c (name, v) WHERE c.name ~ 'mail' AND (c.v ->> 3)::float8 >= 0.5 * greatest((c.v ->> 0)::float8, 1)) THEN 'its addresses are hashed or masked'
             WHEN g.email IS NULL THEN 'no column of it holds addresses of the rows'' own people'
             WHEN g.key IS NULL AND (g.distinct_emails < 2 OR g.distinct_emails < g.emails OR g.emails < s.seen) THEN 'no column names the record'
             WHEN g.distinct_emails = 1 AND g.emails >= 3 THEN 'one address stands on all rows'
             WHEN g.distinct_emails < 0.5 * g.emails THEN 'events: an address stands on many rows'
           END AS left_out
    FROM s LEFT JOIN held AS h USING (relation) LEFT JOIN general AS g USING (relation)),
  -- What each kind is made of.
  specs AS (
    SELECT v.relation, l.key AS kind, e.spec, e.n
    FROM verdicts AS v CROSS JOIN LATERAL jsonb_each(v.rule -> 'links') AS l CROSS JOIN LATERAL jsonb_array_elements_text(l.value) WITH ORDINALITY AS e (spec, n)
    WHERE v.left_out IS NULL AND v.rule IS NOT NULL
    UNION ALL
    SELECT v.relation, 'email', v.general_email, 1 FROM verdicts AS v WHERE v.left_out IS NULL AND v.rule IS NULL AND v.general_email IS NOT NULL
    UNION ALL
    SELECT v.relation, 'user_id', '@', 1 FROM verdicts AS v WHERE v.left_out IS NULL AND v.rule IS NULL AND v.key IS NOT NULL AND v.is_people
    UNION ALL
    SELECT v.relation, 'user_id', '~^(user|customer|external|app_user|account|member|client|contact|person|segment|production)_?(user_)?(id|uid|uuid|no|number)$', 2
    FROM verdicts AS v WHERE v.left_out IS NULL AND v.rule IS NULL
    UNION ALL
    -- A tool's id in one's own table, such as stripe_customer_id, and the tool's key that it may be.
    SELECT v.relation, v.rule ->> 'tool', '@', 0 FROM verdicts AS v
    WHERE v.left_out IS NULL AND v.rule ->> 'role' = 'people' AND v.rule ->> 'tool' <> 'segment' AND NOT (v.rule -> 'is_own')::boolean AND NOT v.rule -> 'links' ? (v.rule ->> 'tool')
    UNION ALL
    SELECT v.relation, t.tool, format('~^(?!.*(refer|partner|owner|manager|parent|invit|sponsor|assign))(.*_)?%s_([a-z]+_)?(id|uid|key)$', CASE t.tool WHEN 'salesforce' THEN '(salesforce|sfdc|sf)' ELSE t.tool END), 3
    FROM verdicts AS v CROSS JOIN (SELECT DISTINCT o.rule ->> 'tool' AS tool FROM verdicts AS o WHERE o.left_out IS NULL AND o.rule ->> 'role' = 'people' AND o.rule ->> 'tool' <> 'segment') AS t
    WHERE v.left_out IS NULL AND v.rule IS NULL),
  atoms AS MATERIALIZED (
    SELECT v.relation, p.kind, p.n, a.side, a.numbers, CASE a.name WHEN '@' THEN v.key ELSE a.name END AS name, a.name = '@' OR a.name = v.key AS is_key, a.list, a.if_name, a.if_value
    FROM specs AS p JOIN verdicts AS v USING (relation)
      CROSS JOIN LATERAL (
        SELECT m[1] AS side, m[2] IS NOT NULL AS numbers, m[3] AS name, m[4] IS NOT NULL AS list, m[5] AS if_name, m[6] AS if_value
        FROM string_to_table(p.spec, '|') WITH ORDINALITY AS w (spec, n) CROSS JOIN LATERAL regexp_match(w.spec, '^(?:(former|present)=)?(\[)?([a-z0-9_]+|@)\]?(:?;)?(?:\?([a-z0-9_]+)=(.*))?$') AS m
        WHERE (m[3] = '@' OR v.columns -> m[3] ->> 't' NOT IN ('x', 'j', 'b')) AND (m[5] IS NULL OR v.columns ? m[5]) ORDER BY w.n LIMIT 1) AS a
    WHERE p.spec !~ '^~'
    UNION ALL
    SELECT v.relation, p.kind, p.n, NULL, false, c.name, false, false, NULL, NULL
    FROM specs AS p JOIN verdicts AS v USING (relation) CROSS JOIN LATERAL jsonb_object_keys(v.columns) AS c (name)
    WHERE p.spec ~ '^~' AND c.name ~ substr(p.spec, 2) AND c.name IS DISTINCT FROM v.key AND v.columns -> c.name ->> 't' NOT IN ('x', 'j', 'b')),
  measured AS (
    SELECT a.*, coalesce((v.sample #>> ARRAY[a.name, '0'])::float8, 0) AS filled, coalesce((v.sample #>> ARRAY[a.name, '1'])::float8, 0) AS different,
           coalesce((v.sample #>> ARRAY[a.name, '2'])::float8, 0) AS emails, coalesce((v.sample #>> ARRAY[a.name, '3'])::float8, 0) AS hashes,
           coalesce((v.sample #>> ARRAY[a.name, '4'])::float8, 0) AS digits, coalesce((v.sample #>> ARRAY[a.name, '5'])::float8, 0) AS phones,
           v.columns, v.rule, v.sample, v.doubt, v.key
    FROM atoms AS a JOIN verdicts AS v USING (relation) WHERE a.name IS NOT NULL),
  links AS (
    SELECT m.relation,
           jsonb_agg(jsonb_build_object('kind', m.kind, 'name', m.name, 'x', identity_internal.discover_expression(m.columns, m.name, m.if_name, m.if_value), 't', CASE WHEN m.if_name IS NULL THEN m.columns -> m.name ->> 't' ELSE 's' END,
             'is_key', m.is_key, 'is_plain', m.if_name IS NULL AND NOT m.list AND NOT m.numbers, 'list', m.list, 'numbers', m.numbers, 'side', m.side, 'n', m.filled, 'digits', CASE WHEN m.if_name IS NULL THEN m.filled > 0 AND m.digits >= 0.9 * m.filled END,
             'counts', m.if_name IS NULL AND (SELECT CASE WHEN count(*) >= 3 AND count(DISTINCT substring(v.v FROM '^[^0-9]*')) = 1 AND bool_and(v.v ~ '^[^0-9]*[0-9]+$') THEN max(length(regexp_replace(v.v, '^[^0-9]*', ''))) ELSE max(length(v.v)) END < 9
                        FROM jsonb_array_elements_text(CASE jsonb_typeof(m.sample #> ARRAY[m.name, '6']) WHEN 'array' THEN m.sample #> ARRAY[m.name, '6'] ELSE '[]' END) AS v (v)),
             'capitals', EXISTS (SELECT FROM jsonb_array_elements_text(CASE jsonb_typeof(m.sample #> ARRAY[m.name, '6']) WHEN 'array' THEN m.sample #> ARRAY[m.name, '6'] ELSE '[]' END) AS v (v) WHERE v.v ~ '[A-Z]'),
             'share', round((CASE m.kind WHEN 'email' THEN m.emails WHEN 'phone' THEN m.phones ELSE m.filled END / greatest(m.filled, 1))::numeric, 3),
             'test', CASE WHEN m.kind IN ('email', 'phone', 'device_id', 'anonymous_id') OR m.side IS NOT NULL OR m.kind = m.rule ->> 'tool' OR ((m.rule -> 'is_own')::boolean AND m.kind <> 'user_id') THEN NULL ELSE m.kind END,
             'auto', m.n = 0, 'bad', CASE
               WHEN m.n = 3 AND m.filled = 0 THEN 'empty'
               WHEN m.n = 3 AND m.different < 0.98 * m.filled THEN 'several rows share a value, as those of an organisation do'
               WHEN m.doubt IS NOT NULL OR m.if_name IS NOT NULL THEN NULL
               WHEN m.kind = 'email' AND m.filled = 0 THEN 'empty'
               WHEN m.kind = 'email' AND m.list THEN NULL
               WHEN m.kind = 'email' AND m.different = 1 AND m.filled >= 3 THEN format('one value on all of %s rows', m.filled)
               WHEN m.kind = 'email' AND m.hashes >= 0.5 * m.filled THEN 'hashed or masked: no addresses'
               WHEN m.kind = 'email' AND m.emails < 0.5 * m.filled THEN 'no addresses'
               WHEN m.kind = 'phone' AND m.filled = 0 THEN 'empty'
               WHEN m.kind = 'phone' AND m.phones < 0.5 * m.filled THEN 'written nationally: name the country to link by it, identity_rule(''phone'', region => ''US'')'
               WHEN m.kind = 'phone' AND m.different < 0.9 * least(m.filled, coalesce((m.sample #>> ARRAY[m.key, '1'])::float8, m.filled)) AND m.filled >= 5 THEN 'several rows share a number'
               WHEN m.kind = 'user_id' AND NOT m.is_key AND m.side IS NULL AND m.filled = 0 THEN 'empty'
               WHEN m.kind = 'user_id' AND NOT m.is_key AND m.side IS NULL AND m.rule ->> 'role' IS DISTINCT FROM 'pairs' AND m.different = 1 AND m.filled >= 3 THEN format('one value on all of %s rows', m.filled)
               WHEN m.kind = 'user_id' AND NOT m.is_key AND m.side IS NULL AND m.rule ->> 'role' IS DISTINCT FROM 'pairs' AND m.different < 0.8 * least(m.filled, coalesce((m.sample #>> ARRAY[m.key, '1'])::float8, m.filled)) THEN 'several rows share a value, as those of an organisation do'
             END) ORDER BY m.kind COLLATE "C", m.n, m.name COLLATE "C") AS links
    FROM measured AS m GROUP BY m.relation)
  SELECT v.relation, v.schema_name, v.table_name, v.core, v.tuples, v.loader, v.columns, v.indexed, v.sample, v.seen, v.blocks, v.whole,
         CASE WHEN v.left_out IS NOT NULL THEN NULL ELSE coalesce(v.rule ->> 'role', 'people') END, v.left_out, v.doubt, v.rule, v.key, coalesce(v.is_confirmed AND v.seen > 0, false), coalesce(l.links, '[]'),
         (SELECT e ->> 'x' FROM jsonb_array_elements(l.links) AS e WHERE e ->> 'kind' = 'email' AND e ->> 'bad' IS NULL AND (e -> 'is_plain')::boolean AND e ->> 't' = 's' LIMIT 1),
         v.sample #>> ARRAY[v.key, '0'] IS NOT DISTINCT FROM v.sample #>> ARRAY[v.key, '1'], v.is_people
  FROM verdicts AS v LEFT JOIN links AS l USING (relation);
END;
COMMENT ON FUNCTION identity_internal.discover_judged(text[], jsonb) IS 'internal: the relations of discovery, with the rule that holds for each and the columns that may link';

-- The question for values of a column, each with the address beside it: [[value, address], ...], 300 of a sample.
CREATE FUNCTION identity_internal.discover_values(x text, email text, schema_name text, name text, current text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format($q$SELECT jsonb_agg(jsonb_build_array(d.v, d.e)) FROM (
  SELECT DISTINCT btrim(s.v) AS v, lower(btrim(s.e)) AS e FROM (SELECT (%s)::text AS v, (%s)::text AS e FROM %I.%I /*sample*/ WHERE %s LIMIT 2000) AS s WHERE btrim(s.v) <> '' ORDER BY 1, 2 LIMIT 300) AS d$q$,
  x, coalesce(email, 'NULL'), schema_name, name, current);
COMMENT ON FUNCTION identity_internal.discover_values(text, text, text, text, text) IS 'internal: the question for values that discovery looks up';

-- The question which of these values are a relation's keys: {number of a test: [values, found, found with addresses on both sides, of those with the same
-- address], "clashes": keys that differ in letter case alone}. One look at the relation serves all tests of it.
--   key, type         the key and the kind of its type, email: the address beside it; current: the rows that count
--   how               'same'; 'fold': in any letter case; 'prefix': Salesforce's ids of 15 and of 18 characters are one
--   numbers, values, emails   the values, each with its test's number and its address
CREATE FUNCTION identity_internal.discover_lookup(key text, type text, email text, schema_name text, name text, current text, how text, numbers bigint[], "values" text[], emails text[]) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format($q$SELECT jsonb_object_agg(t.r, t.counts) || jsonb_build_object('clashes', %11$s) FROM (
  SELECT f.r, jsonb_build_array(count(*), count(*) FILTER (WHERE f.found), count(*) FILTER (WHERE f.found AND f.both), count(*) FILTER (WHERE f.found AND f.same)) AS counts
  FROM (SELECT a.r, a.v, bool_or(h.k IS NOT NULL) AS found, bool_or(a.e LIKE '%%_@_%%' AND h.e LIKE '%%_@_%%') AS both, bool_or(a.e LIKE '%%_@_%%' AND a.e = h.e) AS same
        FROM unnest(%1$L::bigint[], %2$L::text[], %3$L::text[]) AS a (r, v, e)
          LEFT JOIN (SELECT %4$s AS k, lower(btrim((%5$s)::text)) AS e FROM %6$I.%7$I WHERE %8$s) AS h ON %9$s
        GROUP BY a.r, a.v) AS f
  GROUP BY f.r) AS t%10$s$q$, numbers, "values", emails, key, coalesce(email, 'NULL'), schema_name, name, current,
  CASE type WHEN 'i' THEN 'h.k = CASE WHEN a.v ~ ''^[0-9]{1,18}$'' THEN a.v::bigint END' WHEN 'n' THEN 'h.k = CASE WHEN a.v ~ ''^[0-9]{1,30}$'' THEN a.v::numeric END'
            WHEN 'u' THEN 'h.k = CASE WHEN a.v ~* ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'' THEN a.v::uuid END'
            ELSE CASE how WHEN 'prefix' THEN 'left(h.k, 15) = left(a.v, 15)' WHEN 'fold' THEN 'lower(btrim(h.k)) = lower(a.v)' ELSE 'h.k = a.v' END END, '',
  CASE how WHEN 'fold' THEN format('(SELECT count(DISTINCT btrim(c.k)) - count(DISTINCT lower(btrim(c.k))) FROM (SELECT (%s)::text AS k FROM %I.%I WHERE %s) AS c)', key, schema_name, name, current) ELSE '0' END);
COMMENT ON FUNCTION identity_internal.discover_lookup(text, text, text, text, text, text, text, bigint[], text[], text[]) IS 'internal: the question which values are keys of a relation';

-- Whether what was found proves a link. Addresses decide where both sides have them; without, values that cannot be alike by chance: those that count
-- (1, 2, 3 or C-0001, C-0002) are, as any serial key holds them.
CREATE FUNCTION identity_internal.discover_proves(values_seen numeric, found numeric, both_sides numeric, same numeric, do_count boolean) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN found = 0 OR values_seen = 0 THEN false
            WHEN both_sides >= 2 THEN same >= 0.3 * both_sides AND (found >= 0.05 * values_seen OR found >= 10)
            WHEN do_count THEN same >= 1 AND same = both_sides AND found >= 0.5 * values_seen
            ELSE found >= 0.3 * values_seen OR found >= 10 END;
COMMENT ON FUNCTION identity_internal.discover_proves(numeric, numeric, numeric, numeric, boolean) IS 'internal: whether what a test of discovery found proves a link';

-- discover_tested(judged): the tests between the relations that may become sources, which come as an array.
--   purpose     id: values of name (a column of relation) are values of other_name (the key of other, or a user id of a tool's table); copy: keys of relation are keys of
--               other, of the same tool; made: the same, of no known tool
--   kind        the kind that name would be; is_proof: whether what was found proves it; is_folded: in any letter case only; is_skipped: it was not tested
--   why         what was found, or why it was not tested, in words
-- At most 400 tests of ids and 100 of copies: what rules name comes first.
CREATE FUNCTION identity_internal.discover_tested(judged jsonb)
  RETURNS TABLE (purpose text, kind text, relation oid, name text, other oid, other_name text, is_proof boolean, is_folded boolean, is_skipped boolean, why text)
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH j AS MATERIALIZED (
    SELECT r.*, r.rule ->> 'tool' AS tool, r.rule ->> 'part' AS part, identity_internal.discover_current(r.columns) AS current
    FROM jsonb_to_recordset(discover_tested.judged) AS r (relation oid, schema_name text, table_name text, core text, tuples float8, columns jsonb, indexed text[], blocks bigint, status text, doubt text,
                                                          rule jsonb, key text, links jsonb, email text, is_people boolean)
    WHERE r.status IS NOT NULL AND r.doubt IS NULL),
  atoms AS MATERIALIZED (
    SELECT j.relation, a.*, j.status, row_number() OVER (ORDER BY j.rule IS NULL, j.schema_name COLLATE "C", j.table_name COLLATE "C", a.kind COLLATE "C", a.name COLLATE "C") AS place
    FROM j CROSS JOIN LATERAL jsonb_to_recordset(j.links) AS a (kind text, name text, x text, t text, is_key boolean, list boolean, test text, bad text, n float8, digits boolean, counts boolean, capitals boolean)
    WHERE a.test IS NOT NULL AND a.bad IS NULL AND NOT a.list AND a.n > 0),
  -- What ids may be found in: keys of people, and where no key is known (a company's own table is not here) the user ids that tools hold.
  hubs AS MATERIALIZED (
    SELECT h.* FROM (
      SELECT j.relation, 'user_id' AS kind, j.key AS name, j.columns -> j.key ->> 'x' AS x, j.columns -> j.key ->> 't' AS t, a.digits, a.counts, a.capitals,
             row_number() OVER (ORDER BY j.rule IS NULL, j.core !~ '(^|_)users?$', j.core !~ '(^|_)(accounts?|customers?|members?|people|persons?)$', j.tuples DESC, j.schema_name COLLATE "C", j.table_name COLLATE "C") AS place
      FROM j JOIN atoms AS a USING (relation) WHERE a.kind = 'user_id' AND a.is_key AND j.status = 'people') AS h WHERE h.place <= 30
    UNION ALL
    SELECT h.* FROM (
      SELECT j.relation, 'user_id', a.name, a.x, a.t, a.digits, a.counts, a.capitals, 100 + row_number() OVER (ORDER BY a.place) AS place
      FROM j JOIN atoms AS a USING (relation) WHERE a.kind = 'user_id' AND NOT a.is_key AND j.status = 'people' AND j.rule IS NOT NULL) AS h WHERE h.place <= 108
    UNION ALL
    SELECT j.relation, j.tool, j.key, j.columns -> j.key ->> 'x', j.columns -> j.key ->> 't', NULL, NULL, false, 0 FROM j WHERE j.status = 'people' AND j.tool IN (SELECT a.kind FROM atoms AS a)),
  asked AS (
    SELECT a.kind, a.relation, a.name, a.x, a.counts OR coalesce(h.counts, false) AS counts, NOT coalesce(a.digits, h.digits, false) AND (a.capitals OR h.capitals) AS is_cased, h.relation AS other, h.name AS other_name, h.x AS other_x, h.t AS other_t,
           row_number() OVER (ORDER BY h.place > 8, h.place > 100, a.place, h.place, h.relation) AS place
    FROM atoms AS a JOIN hubs AS h ON h.kind = a.test AND h.relation <> a.relation AND coalesce(h.digits = a.digits, true)),
  -- Relations of one part of one tool: the later is a copy of the earlier, or another account.
  order_of AS (
    SELECT j.*, row_number() OVER (PARTITION BY j.tool, j.part ORDER BY j.table_name ~* 'history|raw', j.schema_name ~* 'dbt|analytics|mart|intermediate|staging|transform', NOT (j.rule -> 'is_named')::boolean, j.schema_name COLLATE "C", j.table_name COLLATE "C") AS place
    FROM j WHERE j.rule IS NOT NULL),
  copies AS (
    SELECT b.relation, a.relation AS other, row_number() OVER (ORDER BY b.tool, b.part, a.place, b.place) AS place
    FROM order_of AS a JOIN order_of AS b ON b.tool = a.tool AND b.part = a.part AND b.place > a.place),
  -- A table of no known tool may hold the keys of another such, and be made of it: one of the first keys, or one of the same name.
  general AS (
    SELECT j.relation, j.core, j.schema_name ~* 'warehouse|analytics|dbt|mart|dwh|report|staging|intermediate|airbyte_internal' OR j.table_name ~* '_raw_' AS is_made, coalesce(h.place, 999) AS place, j.schema_name, j.table_name
    FROM j LEFT JOIN hubs AS h ON h.relation = j.relation AND h.kind = 'user_id' WHERE j.rule IS NULL AND j.status = 'people'),
  made AS (
    SELECT b.relation, a.relation AS other, row_number() OVER (ORDER BY a.core <> b.core, a.place, b.place, a.relation, b.relation) AS place
    FROM general AS a JOIN general AS b ON (b.is_made, b.place, b.schema_name COLLATE "C", b.table_name COLLATE "C") > (a.is_made, a.place, a.schema_name COLLATE "C", a.table_name COLLATE "C")
      AND (a.core = b.core OR (a.place <= 8 AND b.place < 999))),
  wished AS (
    SELECT 'id' AS purpose, q.kind, q.relation, q.name, q.x, q.counts AS counts_up, q.is_cased, q.other, q.other_name, q.other_x, q.other_t, false AS is_skipped, q.place FROM asked AS q WHERE q.place <= 400
    UNION ALL
    SELECT * FROM (SELECT DISTINCT ON (q.relation, q.name) 'id', q.kind, q.relation, q.name, q.x, q.counts, q.is_cased, q.other, q.other_name, q.other_x, q.other_t, true, q.place FROM asked AS q
                   WHERE q.place > 400 ORDER BY q.relation, q.name, q.place) AS s
    UNION ALL
    SELECT m.purpose, NULL, m.relation, j.key, j.columns -> j.key ->> 'x', NULL, NULL, m.other, o.key, o.columns -> o.key ->> 'x', o.columns -> o.key ->> 't', false, m.place
    FROM (SELECT 'copy' AS purpose, c.relation, c.other, c.place FROM copies AS c UNION ALL SELECT 'made', m.relation, m.other, m.place FROM made AS m) AS m
      JOIN j ON j.relation = m.relation JOIN j AS o ON o.relation = m.other WHERE m.place <= 100),
  numbered AS MATERIALIZED (
    SELECT w.*, o.blocks, row_number() OVER (ORDER BY w.is_skipped, w.place, w.purpose, w.relation, w.name COLLATE "C", w.other) AS no,
           CASE WHEN w.kind = 'salesforce' AND o.blocks <= 8192 THEN 'prefix' ELSE 'same' END AS how,
           coalesce(o.columns #>> ARRAY[w.other_name, 'n'] = ANY (o.indexed) AND w.other_x = o.columns -> w.other_name ->> 'x', false) AS is_indexed
    FROM wished AS w JOIN j AS o ON o.relation = w.other),
  -- What is not looked up by an index is read as a whole, once for all tests: up to 512 MB in all, in the order of importance.
  looks AS MATERIALIZED (
    SELECT l.*, sum(CASE WHEN l.is_indexed AND l.how = 'same' THEN 8 ELSE l.blocks END) OVER (ORDER BY l.no) <= 65536 AS is_affordable
    FROM (SELECT n.other, n.other_name, n.other_x, n.other_t, n.how, min(n.no) AS no, max(n.blocks) AS blocks, bool_and(n.is_indexed) AS is_indexed FROM numbered AS n WHERE NOT n.is_skipped GROUP BY 1, 2, 3, 4, 5) AS l),
  tests AS MATERIALIZED (
    SELECT n.*, NOT n.is_skipped AND l.is_affordable AS is_made FROM numbered AS n LEFT JOIN looks AS l ON l.other = n.other AND l.other_name = n.other_name AND l.other_x = n.other_x AND l.how = n.how),
  given AS MATERIALIZED (
    SELECT g.relation, g.name, g.x, identity_internal.discover_ask(g.relation, identity_internal.discover_values(g.x, a.email, a.schema_name, a.table_name, a.current)) AS said
    FROM (SELECT DISTINCT t.relation, t.name, t.x FROM tests AS t WHERE t.is_made) AS g JOIN j AS a USING (relation)),
  first_look AS MATERIALIZED (
    SELECT q.other, q.other_name, q.other_x, q.how,
           identity_internal.discover_ask(q.other, identity_internal.discover_lookup(q.other_x, q.other_t, b.email, b.schema_name, b.table_name, b.current, q.how, q.numbers, q.values, q.emails)) AS said
    FROM (SELECT t.other, t.other_name, t.other_x, t.other_t, t.how, array_agg(t.no ORDER BY t.no, v.n) AS numbers, array_agg(v.pair ->> 0 ORDER BY t.no, v.n) AS values, array_agg(v.pair ->> 1 ORDER BY t.no, v.n) AS emails
          FROM tests AS t JOIN given AS g ON g.relation = t.relation AND g.name = t.name AND g.x = t.x
            CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(g.said -> 'answer') WHEN 'array' THEN g.said -> 'answer' ELSE '[]' END) WITH ORDINALITY AS v (pair, n)
          WHERE t.is_made GROUP BY 1, 2, 3, 4, 5) AS q JOIN j AS b ON b.relation = q.other),
  looked AS MATERIALIZED (
    SELECT t.*, f.said -> 'answer' -> t.no::text AS counts, coalesce(g.said ->> 'error', f.said ->> 'error') AS error, g.said -> 'answer' AS pairs
    FROM tests AS t LEFT JOIN given AS g ON g.relation = t.relation AND g.name = t.name AND g.x = t.x
      LEFT JOIN first_look AS f ON f.other = t.other AND f.other_name = t.other_name AND f.other_x = t.other_x AND f.how = t.how),
  -- Zendesk finds external ids in any letter case, so that they may be written in another there.
  second_look AS MATERIALIZED (
    SELECT q.other, q.other_name, q.other_x,
           identity_internal.discover_ask(q.other, identity_internal.discover_lookup(q.other_x, q.other_t, b.email, b.schema_name, b.table_name, b.current, 'fold', q.numbers, q.values, q.emails)) AS said
    FROM (SELECT l.other, l.other_name, l.other_x, l.other_t, array_agg(l.no ORDER BY l.no, v.n) AS numbers, array_agg(v.pair ->> 0 ORDER BY l.no, v.n) AS values, array_agg(v.pair ->> 1 ORDER BY l.no, v.n) AS emails
          FROM looked AS l CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(l.pairs) WHEN 'array' THEN l.pairs ELSE '[]' END) WITH ORDINALITY AS v (pair, n)
          WHERE l.purpose = 'id' AND l.is_cased AND l.other_t = 's' AND l.blocks <= 4096 AND (l.counts ->> 1)::numeric < 0.9 * (l.counts ->> 0)::numeric GROUP BY 1, 2, 3, 4) AS q JOIN j AS b ON b.relation = q.other),
  counted AS (
    SELECT c.*, (c.best ->> 0)::numeric AS n, (c.best ->> 1)::numeric AS found, (c.best ->> 2)::numeric AS both_sides, (c.best ->> 3)::numeric AS same
    FROM (SELECT d.*, CASE WHEN d.is_better THEN d.folded ELSE d.counts END AS best
          FROM (SELECT l.*, s.said -> 'answer' -> l.no::text AS folded,
                       coalesce((s.said #>> '{answer,clashes}')::numeric = 0 AND (s.said -> 'answer' -> l.no::text ->> 1)::numeric >= (l.counts ->> 1)::numeric + greatest(1, 0.1 * (l.counts ->> 0)::numeric), false) AS is_better
                FROM looked AS l LEFT JOIN second_look AS s ON s.other = l.other AND s.other_name = l.other_name AND s.other_x = l.other_x AND l.purpose = 'id') AS d) AS c)
  SELECT c.purpose, c.kind, c.relation, c.name, c.other, c.other_name,
         CASE WHEN c.best IS NULL THEN false WHEN c.purpose = 'copy' THEN c.n > 0 AND c.found >= 0.9 * c.n AND c.same >= 0.5 * c.both_sides
              WHEN c.purpose = 'made' THEN c.both_sides >= 5 AND c.found >= 0.9 * c.n AND c.same >= 0.95 * c.both_sides
              WHEN c.kind = 'salesforce' THEN c.found > 0
              -- A column that a tool's name is in says what it is, so that it takes no addresses where the ids do not count.
              WHEN c.kind <> 'user_id' AND NOT c.counts_up THEN c.found >= 0.3 * c.n OR c.found >= 10
              ELSE coalesce(identity_internal.discover_proves(c.n, c.found, c.both_sides, c.same, c.counts_up), false) END,
         c.is_better, c.best IS NULL AND (NOT c.is_made OR c.error IS NOT NULL),
         CASE WHEN c.best IS NULL THEN format('not looked at whether values of %s are in %s.%s (%s): %s', c.name, o.schema_name, o.table_name, c.other_name,
                                              coalesce(c.error, CASE WHEN c.is_skipped OR c.is_indexed THEN 'there are too many tables' ELSE 'it has no index, and is too large to be read' END))
              ELSE format('%s: %s of %s values are in %s.%s (%s)', c.name, c.found, c.n, o.schema_name, o.table_name, c.other_name)
                   || CASE WHEN c.is_better THEN ' in one letter case or another' ELSE '' END
                   || CASE WHEN c.both_sides > 0 THEN format(', %s of %s with the same address', c.same, c.both_sides) ELSE '' END END
  FROM counted AS c JOIN j AS o ON o.relation = c.other;
END;
COMMENT ON FUNCTION identity_internal.discover_tested(jsonb) IS 'internal: which ids of discovery''s relations are found in whose keys';

-- A value as samples show it: the beginning of each part.
CREATE FUNCTION identity_internal.discover_mask(value text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value LIKE '%@%' THEN left(value, 1) || '***@' || left(split_part(value, '@', 2), 1) || '***' WHEN length(value) > 6 THEN left(value, 3) || '***' ELSE '***' END;
COMMENT ON FUNCTION identity_internal.discover_mask(text) IS 'internal: a value as samples of discovery show it';

-- discover_query(relation, key, kinds): the query of a source. `kinds` are (kind, expression) in order; conditions leave rows out.
CREATE FUNCTION identity_internal.discover_query(columns jsonb, schema_name text, table_name text, key text, kinds jsonb, conditions text[], latest text, updated_at text, is_distinct boolean) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'SELECT ' || CASE WHEN is_distinct THEN 'DISTINCT ' ELSE '' END
  || CASE columns -> key ->> 'x' WHEN 'id' THEN 'id' ELSE format('%s AS id', columns -> key ->> 'x') END
  || coalesce((SELECT string_agg(', ' || CASE k.x WHEN quote_ident(k.kind) THEN k.x ELSE format('%s AS %I', k.x, k.kind) END, '' ORDER BY k.n)
               FROM jsonb_to_recordset(kinds) AS k (n int, kind text, x text)), '')
  || CASE WHEN updated_at IS NULL THEN '' WHEN columns -> updated_at ->> 'x' = 'updated_at' THEN ', updated_at' ELSE format(', %s AS updated_at', columns -> updated_at ->> 'x') END
  || E'\nFROM ' || CASE WHEN latest IS NULL THEN format('%I.%I', schema_name, table_name)
                       ELSE format('(SELECT DISTINCT ON (%1$s) * FROM %2$I.%3$I ORDER BY %1$s, %4$s DESC NULLS LAST) AS latest', columns -> key ->> 'x', schema_name, table_name, columns -> latest ->> 'x') END
  || coalesce(E'\nWHERE ' || nullif(array_to_string(conditions, E'\n  AND '), ''), '');
COMMENT ON FUNCTION identity_internal.discover_query(jsonb, text, text, text, jsonb, text[], text, text, boolean) IS 'internal: the query of a source that discovery found';

-- discover_concluded(schemas, tools): what identity_discover() shows, with what makes clauses of it.
--   clause      source, alias, or more: further rows that are in the source's query; NULL: left out
--   alias_kind  the kind of an alias
--   samples     name = value, as it stands
--   carried     columns worth showing, which do not link, as expressions with their names
--   is_folded   whether its user ids are the others' in any letter case only
CREATE FUNCTION identity_internal.discover_concluded(schemas text[], tools jsonb)
  RETURNS TABLE (place bigint, clause text, source text, relation oid, schema_name text, table_name text, tool text, loader text, query text, kinds text[], alias_kind text, rows bigint,
                 confidence text, why text, samples text[], left_out text, carried text[], id_type text, is_folded boolean)
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000 SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
  WITH RECURSIVE judged AS MATERIALIZED (SELECT * FROM identity_internal.discover_judged(discover_concluded.schemas, discover_concluded.tools)),
  tests AS MATERIALIZED (SELECT * FROM identity_internal.discover_tested((SELECT jsonb_agg(to_jsonb(g)) FROM judged AS g))),
  copied AS (SELECT DISTINCT ON (t.relation) t.relation, t.other, t.why FROM tests AS t WHERE t.purpose IN ('copy', 'made') AND t.is_proof ORDER BY t.relation, t.other),
  -- A view of a table that may be a source shows the same rows again.
  viewed AS (
    SELECT DISTINCT ON (r.ev_class) r.ev_class AS relation, format('a view of %I.%I', b.schema_name, b.table_name) AS why
    FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN judged AS b ON b.relation = d.refobjid AND b.status IS NOT NULL
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class ORDER BY r.ev_class, b.schema_name COLLATE "C", b.table_name COLLATE "C"),
  j AS MATERIALIZED (
    SELECT g.*, g.rule ->> 'tool' AS tool, g.rule ->> 'part' AS part, c.relation IS NOT NULL OR v.relation IS NOT NULL AS is_copy, coalesce(v.why, 'a copy: ' || c.why) AS copy_why
    FROM judged AS g LEFT JOIN copied AS c USING (relation) LEFT JOIN viewed AS v USING (relation)),
  alive AS MATERIALIZED (SELECT * FROM j WHERE j.status IS NOT NULL AND NOT j.is_copy),
  atoms AS MATERIALIZED (
    SELECT j.relation, a.*, a.kind = j.tool AS is_own
    FROM alive AS j CROSS JOIN LATERAL jsonb_array_elements(j.links) WITH ORDINALITY AS e (link, place)
      CROSS JOIN LATERAL (SELECT e.place, r.* FROM jsonb_to_record(e.link) AS r (kind text, name text, x text, t text, is_key boolean, is_plain boolean, list boolean, numbers boolean, side text, test text, bad text, n float8, share numeric, auto boolean)) AS a),
  -- The user ids of one product: the key that most others know, and keys that are among each other.
  edges AS MATERIALIZED (
    SELECT DISTINCT t.relation, t.name, t.other, t.other_name, t.is_folded, t.other_name <> o.key AS is_of_tool, r.rule IS NOT NULL AS is_ruled,
           r.status = 'people' AND t.name = r.key AND EXISTS (SELECT FROM atoms AS a WHERE a.relation = t.relation AND a.kind = 'user_id' AND a.is_key) AS is_of_key
    FROM tests AS t JOIN alive AS r USING (relation) JOIN alive AS o ON o.relation = t.other WHERE t.purpose = 'id' AND t.kind = 'user_id' AND t.is_proof),
  centre AS (
    SELECT e.other AS relation, e.other_name AS name FROM edges AS e JOIN alive AS o ON o.relation = e.other
    GROUP BY e.other, e.other_name, o.rule, o.schema_name, o.table_name ORDER BY bool_or(e.is_of_tool), count(DISTINCT e.relation) DESC, o.rule IS NULL DESC, o.schema_name COLLATE "C", o.table_name COLLATE "C" LIMIT 1),
  space AS (
    SELECT c.relation, c.name FROM centre AS c
    UNION
    SELECT CASE WHEN (e.other, e.other_name) = (s.relation, s.name) THEN e.relation ELSE e.other END, CASE WHEN (e.other, e.other_name) = (s.relation, s.name) THEN e.name ELSE e.other_name END
    FROM space AS s JOIN edges AS e ON e.is_of_key AND NOT e.is_of_tool AND ((e.other, e.other_name) = (s.relation, s.name) OR (e.relation, e.name) = (s.relation, s.name))),
  -- The columns that link.
  linking AS MATERIALIZED (
    SELECT a.*, CASE WHEN a.is_own AND a.kind <> 'salesforce' THEN 1 ELSE 0 END AS is_numbered
    FROM atoms AS a JOIN alive AS j USING (relation)
    WHERE a.bad IS NULL AND a.side IS NULL
      AND CASE WHEN a.kind = 'user_id' THEN EXISTS (SELECT FROM space AS s WHERE s.relation = a.relation AND s.name = a.name AND j.status = 'people')
                                            OR EXISTS (SELECT FROM edges AS e JOIN space AS s ON s.relation = e.other AND s.name = e.other_name WHERE e.relation = a.relation AND e.name = a.name)
               WHEN a.test IS NOT NULL THEN EXISTS (SELECT FROM tests AS t WHERE t.purpose = 'id' AND t.kind = a.kind AND t.relation = a.relation AND t.name = a.name AND t.is_proof)
               ELSE true END),
  -- Accounts of one tool: each schema that has people of it is one.
  accounts AS MATERIALIZED (
    SELECT j.tool, j.schema_name, row_number() OVER (PARTITION BY j.tool ORDER BY j.schema_name COLLATE "C") AS n
    FROM alive AS j WHERE j.status = 'people' AND j.tool IS NOT NULL GROUP BY j.tool, j.schema_name),
  sides AS (
    SELECT a.relation, max(a.kind) AS kind, max(a.x) FILTER (WHERE a.side = 'former') AS former, bool_or(a.numbers) FILTER (WHERE a.side = 'former') AS numbers, max(a.x) FILTER (WHERE a.side = 'present') AS present
    FROM atoms AS a WHERE a.side IS NOT NULL GROUP BY a.relation),
  named AS MATERIALIZED (
    SELECT l.relation, l.kind || CASE WHEN coalesce(f.n, CASE l.is_numbered WHEN 1 THEN c.n END, 1) > 1 THEN '_' || coalesce(f.n, c.n) ELSE '' END AS kind, l.kind AS tool_kind, l.name, l.x, l.t, l.list, l.is_key, l.place, l.is_own, l.share, l.n,
           j.whole, l.auto
    FROM linking AS l JOIN alive AS j USING (relation) LEFT JOIN accounts AS c ON c.tool = j.tool AND c.schema_name = j.schema_name
      LEFT JOIN (SELECT t.relation, t.name, t.kind, min(c.n) AS n FROM tests AS t JOIN alive AS o ON o.relation = t.other JOIN accounts AS c ON c.tool = o.tool AND c.schema_name = o.schema_name
                 WHERE t.purpose = 'id' AND t.kind NOT IN ('user_id', 'salesforce') AND t.is_proof GROUP BY 1, 2, 3) AS f ON f.relation = l.relation AND f.name = l.name AND f.kind = l.kind AND NOT l.is_own),
  former AS MATERIALIZED (
    SELECT j.relation, CASE s.kind WHEN 'user_id' THEN 'user_id' ELSE s.kind || CASE WHEN s.kind <> 'salesforce' AND c.n > 1 THEN '_' || c.n ELSE '' END END AS kind, s.former, s.numbers, s.present
    FROM alive AS j JOIN sides AS s USING (relation) JOIN accounts AS c ON c.tool = j.tool AND c.schema_name = j.schema_name
    WHERE j.status = 'former' AND s.former IS NOT NULL AND s.present IS NOT NULL AND (s.kind <> 'user_id' OR EXISTS (SELECT FROM space))),
  -- A tool's own id is a kind only where something else names it.
  usable AS MATERIALIZED (
    SELECT n.* FROM named AS n
    WHERE CASE WHEN n.auto THEN EXISTS (SELECT FROM tests AS t JOIN named AS o ON o.relation = t.relation AND o.name = t.name AND o.kind = n.kind WHERE t.purpose = 'id' AND t.kind = n.tool_kind AND t.other = n.relation AND t.is_proof)
               ELSE NOT n.is_own END
      OR NOT n.auto AND (EXISTS (SELECT FROM named AS o WHERE o.kind = n.kind AND (o.relation <> n.relation OR (NOT o.is_key AND (o.n > 0 OR NOT o.whole)))) OR EXISTS (SELECT FROM former AS f WHERE f.kind = n.kind))),
  kinds_of AS MATERIALIZED (
    SELECT k.relation, jsonb_agg(jsonb_build_object('n', k.n, 'kind', k.kind, 'x', k.x) ORDER BY k.n) AS kinds, array_agg(k.kind ORDER BY k.n) AS names
    FROM (
      SELECT u.relation, u.kind, CASE u.kind WHEN 'user_id' THEN 1 WHEN 'email' THEN 100 WHEN 'phone' THEN 101 ELSE 1 + min(u.place) END AS n,
             CASE WHEN count(*) = 1 AND NOT bool_or(u.list) THEN min(u.x)
                  ELSE concat_ws(' || ', 'ARRAY[' || string_agg(u.x || CASE u.t WHEN 's' THEN '' ELSE '::text' END, ', ' ORDER BY u.is_key DESC, u.place) FILTER (WHERE NOT u.list) || ']',
                                 string_agg(CASE WHEN u.name ~ 'calculated_merged_vids' THEN format('string_to_array(regexp_replace(%s, '':[0-9]+'', '''', ''g''), '';'')', u.x) ELSE format('string_to_array(%s, '';'')', u.x) END, ' || ' ORDER BY u.place) FILTER (WHERE u.list)) END AS x
      FROM usable AS u GROUP BY u.relation, u.kind) AS k
    GROUP BY k.relation),
  final AS MATERIALIZED (
    SELECT j.relation, j.schema_name, j.table_name, j.core, j.tool, j.part, j.loader, j.rule, j.key, j.columns, j.sample, j.seen, j.whole, j.tuples, j.status, j.doubt, j.is_sure, j.is_people, j.is_unique, k.kinds, coalesce(k.names, '{}') AS names,
           f.kind AS alias_kind, f.former, f.numbers, f.present,
           CASE WHEN j.left_out IS NOT NULL THEN j.left_out
                WHEN j.is_copy THEN j.copy_why
                WHEN j.status = 'people' AND k.names IS NULL THEN 'nothing in it links: '
                  || coalesce((SELECT string_agg(DISTINCT format('%s (%s): %s', a.name, a.kind, coalesce(a.bad, 'found in no key')), '; ') FROM atoms AS a WHERE a.relation = j.relation AND NOT a.is_key AND (a.bad IS NOT NULL OR a.test IS NOT NULL)), 'no column of it is known to another table')
                WHEN j.status = 'pairs' AND 'user_id' <> ALL (coalesce(k.names, '{}')) THEN 'events, not people: its user ids are no key of another table'
                WHEN j.status = 'pairs' AND j.part <> 'identify' AND EXISTS (SELECT FROM alive AS i JOIN kinds_of AS o USING (relation) WHERE i.tool = j.tool AND i.part = 'identify' AND i.schema_name = j.schema_name AND 'user_id' = ANY (o.names))
                  THEN 'events, not people: identifies has the pairs of ids'
                WHEN j.status = 'former' AND f.relation IS NULL THEN 'the people that it is about are not here'
                WHEN j.status = 'more' AND NOT EXISTS (SELECT FROM alive AS p JOIN kinds_of AS o USING (relation) WHERE p.tool = j.tool AND p.schema_name = j.schema_name AND p.status = 'people' AND p.part = split_part(j.part, '_', 1))
                  THEN 'the people that it is about are not here' END AS left_out
    FROM j LEFT JOIN kinds_of AS k USING (relation) LEFT JOIN former AS f USING (relation)),
  sources AS MATERIALIZED (
    SELECT f.relation, b.name || CASE WHEN b.again > 1 THEN '_' || b.again ELSE '' END AS name
    FROM (
      SELECT a.relation, CASE WHEN a.name ~ '^[0-9]' OR a.name IN ('user', 'external', 'device', 'anonymous', 'identity', 'record', 'identify', 'object') THEN 't_' || a.name ELSE left(a.name, 48) END AS name,
             row_number() OVER (PARTITION BY CASE WHEN a.name ~ '^[0-9]' OR a.name IN ('user', 'external', 'device', 'anonymous', 'identity', 'record', 'identify', 'object') THEN 't_' || a.name ELSE left(a.name, 48) END
                                ORDER BY a.schema_name COLLATE "C", a.table_name COLLATE "C") AS again
      FROM (
        SELECT f.relation, f.schema_name, f.table_name,
               CASE WHEN f.tool IS NOT NULL AND f.status = 'people' AND count(*) FILTER (WHERE f.status = 'people') OVER (PARTITION BY f.tool) = count(*) FILTER (WHERE f.status = 'people') OVER (PARTITION BY f.tool, f.part) THEN f.tool
                    WHEN f.tool IS NOT NULL THEN f.tool || '_' || f.part
                    WHEN f.schema_name = 'public' OR NOT f.is_people OR count(*) OVER (PARTITION BY f.schema_name) > 1 THEN identity_internal.discover_name(f.table_name)
                    ELSE identity_internal.discover_name(f.schema_name) END AS name
        FROM final AS f WHERE f.left_out IS NULL AND f.status IN ('people', 'pairs', 'former')) AS a) AS b
    JOIN final AS f USING (relation)),
  limits AS MATERIALIZED (
    SELECT f.relation,
           ARRAY(SELECT format('%s = %L', f.columns -> split_part(e.keeps, '=', 1) ->> 'x', split_part(e.keeps, '=', 2)) FROM jsonb_array_elements_text(f.rule -> 'keeps') WITH ORDINALITY AS e (keeps, n)
                 WHERE f.columns -> split_part(e.keeps, '=', 1) ->> 't' = 's' ORDER BY e.n)
           || ARRAY(SELECT c.condition FROM (
                 SELECT DISTINCT ON (split_part(split_part(d.drops, '=', 1), '!', 1)) d.n, identity_internal.discover_condition(f.columns, d.drops) AS condition
                 FROM (SELECT e.drops, e.n FROM jsonb_array_elements_text(f.rule -> 'drops') WITH ORDINALITY AS e (drops, n)
                       UNION ALL
                       SELECT g.drops, 100 + g.n FROM unnest(identity_internal.discover_drops()) WITH ORDINALITY AS g (drops, n)) AS d
                 WHERE f.columns ? split_part(split_part(d.drops, '=', 1), '!', 1)
                 ORDER BY split_part(split_part(d.drops, '=', 1), '!', 1), d.n) AS c
               WHERE c.condition IS NOT NULL ORDER BY c.n)
           || CASE WHEN f.status <> 'pairs' THEN '{}' WHEN f.columns -> f.key ->> 't' = 's' THEN ARRAY[format('coalesce(upper(btrim(%s)), '''') NOT IN ('''', ''NULL'')', f.columns -> f.key ->> 'x')]
                ELSE ARRAY[format('%s IS NOT NULL', f.columns -> f.key ->> 'x')] END AS conditions,
           CASE WHEN f.status <> 'people' OR f.columns ? 'fivetran_active' THEN NULL
                WHEN f.table_name ~* 'history|_raw_' OR (f.loader = 'airbyte' AND NOT f.is_unique) THEN
                  (SELECT c.name FROM unnest(ARRAY['airbyte_extracted_at', 'airbyte_emitted_at', 'updated_at', 'last_updated_at', 'system_modstamp', 'last_modified_date', 'date_updated', 'fivetran_synced']) WITH ORDINALITY AS c (name, n)
                   WHERE f.columns -> c.name ->> 't' IN ('t', 's') ORDER BY c.n LIMIT 1) END AS latest,
           CASE WHEN f.status = 'people' THEN
             (SELECT c.name FROM unnest(ARRAY['updated_at', 'last_updated_at', 'system_modstamp', 'last_modified_date', 'modified_at', 'last_changed', 'updated', 'received_at']) WITH ORDINALITY AS c (name, n)
              WHERE f.columns -> c.name ->> 't' = 't' ORDER BY c.n LIMIT 1) END AS updated_at
    FROM final AS f WHERE f.left_out IS NULL),
  -- Further addresses of people, as rows of their source; their columns are those of its query, in their order.
  more AS (
    SELECT p.relation, m.relation AS part, E'\nUNION ALL\n' || format('SELECT %s%s%s', CASE WHEN p.columns -> p.key ->> 't' = m.columns -> m.key ->> 't' THEN m.columns -> m.key ->> 'x' ELSE format('(%s)::%s', m.columns -> m.key ->> 'x', CASE p.columns -> p.key ->> 't' WHEN 'i' THEN 'bigint' WHEN 'n' THEN 'numeric' WHEN 'u' THEN 'uuid' ELSE 'text' END) END,
             (SELECT string_agg(', ' || coalesce((SELECT min(e ->> 'x') FROM jsonb_array_elements(m.kinds) AS e WHERE e ->> 'kind' = k ->> 'kind'), 'NULL'), '' ORDER BY (k -> 'n')::int) FROM jsonb_array_elements(p.kinds) AS k),
             CASE WHEN l.updated_at IS NULL THEN '' ELSE ', NULL' END)
             || format(E'\nFROM %I.%I', m.schema_name, m.table_name) || coalesce(E'\nWHERE ' || nullif(array_to_string(o.conditions, E'\n  AND '), ''), '') AS text
    FROM final AS m JOIN final AS p ON p.tool = m.tool AND p.schema_name = m.schema_name AND p.status = 'people' AND p.part = split_part(m.part, '_', 1) JOIN limits AS l ON l.relation = p.relation JOIN limits AS o ON o.relation = m.relation
    WHERE m.status = 'more' AND m.left_out IS NULL AND p.left_out IS NULL),
  shown AS MATERIALIZED (
    SELECT f.*, coalesce(s.name, ps.name) AS source,
           CASE WHEN f.left_out IS NOT NULL THEN NULL WHEN f.status = 'former' THEN 'alias' WHEN f.status = 'more' THEN 'more' ELSE 'source' END AS clause,
           CASE WHEN f.left_out IS NOT NULL OR f.status = 'more' THEN NULL
                WHEN f.status = 'former' THEN
                  format(E'SELECT %s AS former, %s AS present\nFROM %I.%I%s', CASE WHEN f.numbers THEN 'm[1]' ELSE format('(%s)::text', f.former) END, format('(%s)::text', f.present), f.schema_name, f.table_name,
                         CASE WHEN f.numbers THEN format(', regexp_matches((%s)::text, ''[0-9]+'', ''g'') AS m', f.former) ELSE '' END)
                  || coalesce(E'\nWHERE ' || nullif(array_to_string(l.conditions, E'\n  AND '), ''), '')
                ELSE identity_internal.discover_query(f.columns, f.schema_name, f.table_name, f.key, f.kinds, l.conditions, l.latest, l.updated_at, f.status = 'pairs')
                  || coalesce((SELECT string_agg(m.text, '' ORDER BY m.part) FROM more AS m WHERE m.relation = f.relation), '') END AS query,
           CASE WHEN f.left_out IS NOT NULL THEN NULL
                WHEN f.doubt IS NOT NULL THEN 'unsure'
                WHEN f.rule IS NULL THEN CASE WHEN EXISTS (SELECT FROM edges AS e WHERE e.other = f.relation AND e.is_ruled) AND f.relation IN (SELECT c.relation FROM space AS c)
                                               OR EXISTS (SELECT FROM usable AS u JOIN tests AS t ON t.relation = u.relation AND t.name = u.name AND t.kind = u.tool_kind WHERE u.relation = f.relation AND f.is_people AND t.purpose = 'id' AND t.kind <> 'user_id' AND t.is_proof)
                                             THEN 'sure' WHEN f.is_people THEN 'likely' ELSE 'unsure' END
                WHEN f.is_sure THEN 'sure' ELSE 'likely' END AS confidence,
           f.relation IN (SELECT c.relation FROM space AS c) AS is_central
    FROM final AS f LEFT JOIN sources AS s USING (relation) LEFT JOIN limits AS l USING (relation)
      LEFT JOIN more AS mo ON mo.part = f.relation LEFT JOIN sources AS ps ON ps.relation = mo.relation)
  SELECT row_number() OVER (ORDER BY h.clause IS NULL, array_position(ARRAY['source', 'more', 'alias'], h.clause), array_position(ARRAY['sure', 'likely', 'unsure'], h.confidence), h.status <> 'people', NOT h.is_central, h.rule IS NOT NULL,
                                     h.source COLLATE "C", h.schema_name COLLATE "C", h.table_name COLLATE "C"),
         h.clause, h.source, h.relation, h.schema_name, h.table_name, h.tool, h.loader, h.query,
         CASE WHEN h.clause = 'alias' THEN ARRAY[h.alias_kind] WHEN h.clause IS NOT NULL THEN h.names END, h.alias_kind,
         CASE WHEN h.seen IS NULL THEN nullif(h.tuples, 0) WHEN h.whole THEN h.seen WHEN h.tuples > 0 THEN h.tuples ELSE round(h.seen * (SELECT g.blocks FROM judged AS g WHERE g.relation = h.relation) / 32.0) END::bigint,
         h.confidence,
         CASE WHEN h.clause IS NULL THEN NULL ELSE
           concat_ws('; ',
             CASE WHEN h.rule IS NULL THEN 'of no known tool: people by its names and content' ELSE format('%s of %s', replace(h.part, '_', ' '), h.tool) || CASE WHEN h.is_sure THEN ', by its columns and keys' ELSE ', by its columns' END END,
             CASE WHEN h.doubt IS NOT NULL THEN 'not looked at: ' || h.doubt END,
             CASE h.clause WHEN 'alias' THEN 'former ids, each with the one that it is now' WHEN 'more' THEN 'further addresses of its people, in its query' END,
             (SELECT string_agg(format('%s: %s %% of %s have %s', n.name, round(n.share * 100, 1)::float8, n.n, CASE n.kind WHEN 'email' THEN 'an address' ELSE 'a telephone number' END), '; ' ORDER BY n.place)
              FROM usable AS n WHERE n.relation = h.relation AND n.kind IN ('email', 'phone') AND n.n > 0 AND h.doubt IS NULL),
             (SELECT string_agg(b.why, '; ' ORDER BY b.name COLLATE "C", b.why COLLATE "C")
              FROM (SELECT DISTINCT ON (t.name, CASE t.kind WHEN 'user_id' THEN 0 ELSE t.other END) t.name, t.why
                    FROM tests AS t LEFT JOIN centre AS c ON c.relation = t.other AND c.name = t.other_name
                    WHERE t.purpose = 'id' AND t.relation = h.relation AND t.is_proof AND (t.kind <> 'user_id' OR EXISTS (SELECT FROM space AS s WHERE s.relation = t.other AND s.name = t.other_name))
                    ORDER BY t.name, CASE t.kind WHEN 'user_id' THEN 0 ELSE t.other END, c.relation IS NULL, t.why COLLATE "C") AS b),
             (SELECT CASE h.key WHEN t.other_name THEN 'its key is in ' ELSE t.other_name || ' is in ' END || string_agg(DISTINCT format('%s.%s (%s)', g.schema_name, g.table_name, t.name), ', ')
              FROM tests AS t JOIN alive AS g USING (relation) WHERE t.purpose = 'id' AND t.other = h.relation AND t.is_proof AND (t.kind <> 'user_id' OR EXISTS (SELECT FROM space AS s WHERE s.relation = t.other AND s.name = t.other_name))
              GROUP BY t.other_name ORDER BY t.other_name = h.key DESC, t.other_name LIMIT 1),
             (SELECT string_agg(DISTINCT t.why, '; ') FROM tests AS t WHERE t.purpose = 'id' AND t.relation = h.relation AND t.is_skipped),
             (SELECT string_agg(DISTINCT format('%s is left: %s', a.name, coalesce(a.bad, 'its values are no key of another table')), '; ')
              FROM atoms AS a WHERE a.relation = h.relation AND NOT a.is_key AND a.side IS NULL AND (a.bad <> 'empty' OR (a.bad IS NULL AND a.n > 0)) AND NOT EXISTS (SELECT FROM usable AS u WHERE u.relation = a.relation AND u.name = a.name))) END,
         CASE WHEN h.clause IS NOT NULL THEN
           ARRAY(SELECT format('%s = %s', c.name, h.sample #>> ARRAY[c.name, '6', '0'])
                 FROM (SELECT h.key AS name, 0 AS n UNION ALL SELECT DISTINCT ON (u.name) u.name, u.place FROM usable AS u WHERE u.relation = h.relation AND NOT u.is_key) AS c
                 WHERE h.sample #>> ARRAY[c.name, '6', '0'] IS NOT NULL ORDER BY c.n) END,
         h.left_out,
         CASE WHEN h.clause = 'source' THEN ARRAY(
           SELECT CASE h.columns -> c.name ->> 'x' WHEN c.name THEN c.name ELSE format('%s AS %s', h.columns -> c.name ->> 'x', c.name) END
           FROM unnest(ARRAY['name', 'full_name', 'first_name', 'last_name', 'company', 'company_name', 'plan', 'plan_name', 'referral_source', 'lead_source', 'signup_source', 'country', 'title']) WITH ORDINALITY AS c (name, n)
           WHERE h.status = 'people' AND h.columns ? c.name AND h.columns -> c.name ->> 't' NOT IN ('x', 'j', 'a') ORDER BY c.n) END,
         CASE h.columns -> h.key ->> 't' WHEN 'i' THEN 'bigint' WHEN 'n' THEN 'numeric' WHEN 'u' THEN 'uuid' ELSE 'text' END,
         EXISTS (SELECT FROM edges AS e JOIN space AS c ON c.relation = e.other AND c.name = e.other_name WHERE e.relation = h.relation AND e.is_folded)
  FROM shown AS h;
END;
COMMENT ON FUNCTION identity_internal.discover_concluded(text[], jsonb) IS 'internal: what discovery found, ready to be shown and to be made clauses of';
