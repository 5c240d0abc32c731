-- What a user calls to find the sources: the list with its reasons, the statement, and the clauses. doc/discover.md shows them at work.

-- The schemas and words that a caller gave, or the error that says what is wrong with them.
CREATE FUNCTION identity_internal.discover_check(schemas text[], word text, words text[], parameter text) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  missing text := (SELECT s FROM unnest(schemas) AS s WHERE NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = s) ORDER BY s COLLATE "C" LIMIT 1);
BEGIN
  IF missing IS NOT NULL OR array_position(schemas, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'schema "%" does not exist', coalesce(missing, 'NULL') USING ERRCODE = 'invalid_schema_name',
      HINT = 'Name schemas as pg_namespace has them, in the right case and without quotes; NULL for schemas means all that you can use.';
  ELSIF word IS NULL OR word <> ALL (words) THEN
    RAISE EXCEPTION '% cannot be %', parameter, coalesce(quote_literal(word), 'NULL') USING ERRCODE = 'invalid_parameter_value',
      HINT = format('It is one of %s.', (SELECT string_agg(quote_literal(w), ', ' ORDER BY n) FROM unnest(words) WITH ORDINALITY AS w (w, n)));
  END IF;
  RETURN true;
END $$;
COMMENT ON FUNCTION identity_internal.discover_check(text[], text, text[], text) IS 'internal: whether discovery was asked for what there is';

CREATE FUNCTION identity_internal.discover_say(took text) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE NOTICE '%', took USING HINT = 'SELECT * FROM identity_discover() shows why, and what is left out; identity_suggest() writes it as a statement.';
  RETURN true;
END $$;
COMMENT ON FUNCTION identity_internal.discover_say(text) IS 'internal: what identity_discovered() took, as a notice';

-- identity_discover(schemas, tools, show): what tables there are, which would be sources of a resolve, by what they link, why, and what is left out and why.
-- Reads the catalogs and small samples with the rights of the caller, and writes nothing.
--   schemas  where to look; NULL: every schema that the caller can use but PostgreSQL's and this extension's
--   tools    rules for tools of one's own, as identity_tools() has them, in JSON
--   show     'masked' or 'plain': how samples are shown
-- Gives for each relation:
--   source, query, kinds   the source that it would be; a row of former ids becomes an alias of the kind
--   tool, loader           who made it and who loaded it, if that is known
--   rows                   how many there are, estimated where the relation is large
--   confidence             sure: a known tool's table that looks as it should, or one whose keys such a table names; likely: people by its names and content;
--                          unsure: has addresses; NULL: left out
--   why, samples           what was seen; left_out: why it is no source
-- Errors: 3F000 for a schema that is not there, 22023 for what show or tools cannot be, 2201B for a pattern in tools that is none.
CREATE FUNCTION @extschema@.identity_discover(schemas text[] DEFAULT NULL, tools jsonb DEFAULT NULL, show text DEFAULT 'masked')
  RETURNS TABLE (source text, relation regclass, tool text, loader text, query text, kinds text[], rows bigint, confidence text, why text, samples text[], left_out text)
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 ROWS 1000 SET jit = off
BEGIN ATOMIC
  SELECT c.source, c.relation::regclass, c.tool, c.loader, c.query, c.kinds, c.rows, c.confidence, c.why,
         CASE identity_discover.show WHEN 'plain' THEN c.samples
              ELSE ARRAY(SELECT split_part(s, ' = ', 1) || ' = ' || identity_internal.discover_mask(substr(s, length(split_part(s, ' = ', 1)) + 4)) FROM unnest(c.samples) WITH ORDINALITY AS s (s, n) ORDER BY s.n) END,
         c.left_out
  FROM (SELECT identity_internal.discover_check(identity_discover.schemas, identity_discover.show, '{masked,plain}', 'show') AS is_right) AS k
    CROSS JOIN LATERAL identity_internal.discover_concluded(CASE WHEN k.is_right THEN identity_discover.schemas END, identity_discover.tools) AS c
  ORDER BY c.place;
END;
COMMENT ON FUNCTION @extschema@.identity_discover(text[], jsonb, text) IS
  'what tables there are, which would be sources of a resolve, by what they link, why, and what is left out';

-- discover_clauses(schemas, tools, confidence): the sources and aliases of that confidence and above, and the rules that their kinds need.
--   is_taken    whether it is one of them; the others are for identity_suggest() to show
--   normalizer, priority   of a rule
--   carried     of a source, columns to carry along, as its query would have them; of a rule that is not taken, that of such a column
CREATE FUNCTION identity_internal.discover_clauses(schemas text[], tools jsonb, confidence text)
  RETURNS TABLE (place bigint, clause text, name text, relation oid, query text, kinds text[], confidence_found text, why text, carried text[], id_type text, is_taken boolean, normalizer text, priority integer)
  LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100
BEGIN ATOMIC
  WITH c AS MATERIALIZED (
    SELECT f.*, array_position('{sure,likely,unsure}', f.confidence) <= array_position('{sure,likely,unsure}', discover_clauses.confidence) AS is_taken
    FROM identity_internal.discover_concluded(discover_clauses.schemas, discover_clauses.tools) AS f WHERE f.clause IN ('source', 'alias')),
  k AS (SELECT DISTINCT u.kind FROM c CROSS JOIN LATERAL unnest(c.kinds) AS u (kind) WHERE c.is_taken AND c.clause = 'source')
  SELECT c.place, c.clause, c.source, c.relation, c.query, c.kinds, c.confidence, c.why, c.carried, c.id_type, c.is_taken, NULL, NULL FROM c WHERE c.clause = 'source'
  UNION ALL
  SELECT 1000000, 'rule', k.kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, CASE k.kind WHEN 'salesforce' THEN 'salesforce_id' END, 80 FROM k
  WHERE k.kind NOT IN ('user_id', 'anonymous_id', 'device_id', 'username', 'email', 'external_id', 'phone', 'salesforce_id', 'uuid', 'object_id')
  UNION ALL
  SELECT 1000000, 'rule', 'user_id', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, 'casefold', NULL WHERE EXISTS (SELECT FROM c WHERE c.is_taken AND c.is_folded)
  UNION ALL
  SELECT DISTINCT 1500000, 'rule', regexp_replace(x.carried, '^.* AS ', ''), NULL::oid, NULL, NULL::text[], NULL, NULL, NULL::text[], NULL, false, NULL, NULL::integer FROM c CROSS JOIN LATERAL unnest(c.carried) AS x (carried)
  UNION ALL
  SELECT 2000000 + c.place, c.clause, c.alias_kind, c.relation, c.query, c.kinds, c.confidence, c.why, c.carried, c.id_type, c.is_taken AND EXISTS (SELECT FROM k WHERE k.kind = c.alias_kind), NULL, NULL FROM c WHERE c.clause = 'alias';
END;
COMMENT ON FUNCTION identity_internal.discover_clauses(text[], jsonb, text) IS 'internal: what discovery found, clause by clause';

-- identity_discovered(schemas, confidence, tools, columns): the sources that identity_discover() finds, as clauses:
-- SELECT * FROM identity_records(VARIADIC identity_discovered()). A notice says what it took.
--   confidence  'sure', 'likely' (and sure) or 'unsure' (all)
--   columns     with identity_column() clauses, for create_identity_map(); they are no clauses of resolve_identities()
-- schemas and tools as identity_discover() has them. Errors: as identity_discover(); 22023 for another confidence.
CREATE FUNCTION @extschema@.identity_discovered(schemas text[] DEFAULT NULL, confidence text DEFAULT 'sure', tools jsonb DEFAULT NULL, columns boolean DEFAULT false)
  RETURNS @extschema@.identity_clause[]
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 SET jit = off
BEGIN ATOMIC
  WITH c AS MATERIALIZED (
    SELECT d.* FROM (SELECT identity_internal.discover_check(identity_discovered.schemas, identity_discovered.confidence, '{sure,likely,unsure}', 'confidence') AS is_right) AS k
      CROSS JOIN LATERAL identity_internal.discover_clauses(CASE WHEN k.is_right THEN identity_discovered.schemas END, identity_discovered.tools, identity_discovered.confidence) AS d WHERE d.is_taken),
  shown AS (
    SELECT 1 AS part, 1::bigint AS place, 'user_id' AS name, 'text' AS type WHERE EXISTS (SELECT FROM c WHERE 'user_id' = ANY (c.kinds))
    UNION ALL SELECT 1, 2, 'email', 'text' WHERE EXISTS (SELECT FROM c WHERE 'email' = ANY (c.kinds))
    UNION ALL SELECT 2, c.place, c.name || '_id', c.id_type || '[]' FROM c WHERE c.clause = 'source'),
  clauses AS (
    SELECT c.place, CASE c.clause WHEN 'source' THEN @extschema@.identity_source(c.name, c.query) WHEN 'alias' THEN @extschema@.identity_alias(c.name, c.query)
                                  ELSE @extschema@.identity_rule(c.name, c.normalizer, priority => c.priority) END AS clause
    FROM c
    UNION ALL
    SELECT 9000000 + s.part * 1000000 + s.place, @extschema@.identity_column(s.name, s.type) FROM shown AS s WHERE identity_discovered.columns)
  SELECT CASE WHEN identity_internal.discover_say(coalesce(
           'identity_discovered() takes ' || (SELECT count(*) || CASE count(*) WHEN 1 THEN ' source: ' ELSE ' sources: ' END || string_agg(format('%s (%s)', c.name, array_to_string(c.kinds, ', ')), ', ' ORDER BY c.place)
                                              FROM c WHERE c.clause = 'source' HAVING count(*) > 0),
           'identity_discovered() finds no source'))
         THEN coalesce((SELECT array_agg(l.clause ORDER BY l.place) FROM clauses AS l), '{}') END;
END;
COMMENT ON FUNCTION @extschema@.identity_discovered(text[], text, jsonb, boolean) IS
  'the sources that identity_discover() finds, as clauses of a resolve or of an identity map';

-- A clause that identity_suggest() writes, in the quotes that read best.
CREATE FUNCTION identity_internal.discover_quote(query text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN position('$' IN query) = 0 THEN format(E'$$\n    %s$$', replace(query, E'\n', E'\n    ')) ELSE quote_literal(query) END;
COMMENT ON FUNCTION identity_internal.discover_quote(text) IS 'internal: a query as identity_suggest() writes it';

-- identity_suggest(schemas, tools): what identity_discover() finds, as one statement to read, edit and run: CREATE TABLE user_identities AS SELECT * FROM
-- resolve_identities(...) AS (...). Each source stands below the reason for it; those of which discovery is not sure, and columns that may be carried along,
-- are commented out. The sure ones are resolved, to see what is an array and how many records meet others. Run unchanged it has the identities of
-- identity_discovered(). Gives NULL where there is no source,
-- and a comment where there are doubtful ones only.
-- Errors: as identity_discover(), and what a source's query raises.
CREATE FUNCTION @extschema@.identity_suggest(schemas text[] DEFAULT NULL, tools jsonb DEFAULT NULL) RETURNS text
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 SET jit = off SET client_min_messages = error
BEGIN ATOMIC
  WITH c AS MATERIALIZED (
    SELECT d.*, replace(regexp_replace(d.why, '[[:cntrl:]]+', ' ', 'g'), '; ', E'\n  ' || k.dash || '  ') AS reason
    FROM (SELECT identity_internal.discover_check(identity_suggest.schemas, 'sure', '{sure}', 'confidence') AS is_right, repeat('-', 2) || ' ' AS dash) AS k
      CROSS JOIN LATERAL identity_internal.discover_clauses(CASE WHEN k.is_right THEN identity_suggest.schemas END, identity_suggest.tools, 'sure') AS d),
  here AS (
    SELECT CASE WHEN n.nspname = ANY (current_schemas(false)) THEN '' ELSE quote_ident(n.nspname) || '.' END AS prefix, repeat('-', 2) || ' ' AS dash
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'identity_resolve'),
  clauses AS (
    SELECT array_agg(CASE c.clause WHEN 'source' THEN @extschema@.identity_source(c.name, c.query) WHEN 'alias' THEN @extschema@.identity_alias(c.name, c.query)
                                   ELSE @extschema@.identity_rule(c.name, c.normalizer, priority => c.priority) END ORDER BY c.place) AS list
    FROM c WHERE c.is_taken),
  -- Where nothing is sure all of it is a comment, as it would not run.
  taken AS (SELECT count(*) FILTER (WHERE c.clause = 'source' AND c.is_taken) AS sure, count(*) FILTER (WHERE c.clause = 'source') AS sources FROM c),
  -- Of each source the five others that most of its records meet.
  met AS (
    SELECT m.source, string_agg(format('%s %s %%', m.other, round(100 * m.share, 1)::float8), ', ' ORDER BY m.n) AS others
    FROM (SELECT r.source, r.other, r.share, row_number() OVER (PARTITION BY r.source ORDER BY r.share DESC, r.other COLLATE "C") AS n
          FROM clauses AS l CROSS JOIN taken AS k CROSS JOIN LATERAL @extschema@.identity_match_rates(VARIADIC l.list) AS r WHERE k.sure > 1 AND r.matched > 0) AS m
    WHERE m.n <= 5 GROUP BY m.source),
  lines AS (
    SELECT c.place,
           CASE c.clause
             WHEN 'rule' THEN CASE WHEN c.is_taken THEN format('  %sidentity_rule(%L%s%s),', h.prefix, c.name, ', ' || quote_literal(c.normalizer), ', priority => ' || c.priority)
                                   ELSE format('  %s%sidentity_rule(%L, link => false),', h.dash, h.prefix, c.name) END
             ELSE format(E'\n  %s%s%s%s\n  %s', h.dash, CASE WHEN c.is_taken THEN '' WHEN c.clause = 'alias' THEN 'Not used, as its source is not: ' ELSE upper(left(c.confidence_found, 1)) || substr(c.confidence_found, 2) || ', so commented out: ' END, c.reason,
                    coalesce(E'\n  ' || h.dash || '  its records meet: ' || m.others, ''),
                    CASE WHEN c.is_taken OR n.sure = 0 THEN t.text ELSE h.dash || regexp_replace(t.text, E'[\n\r]+', E'\n  ' || h.dash, 'g') END) END
           || CASE WHEN c.carried <> '{}' THEN format(E'\n  %s  to carry along, with a rule below: %s', h.dash, array_to_string(c.carried, ', ')) ELSE '' END AS text
    FROM c CROSS JOIN here AS h CROSS JOIN taken AS n LEFT JOIN met AS m ON m.source = c.name AND c.clause = 'source'
      CROSS JOIN LATERAL (SELECT format('%sidentity_%s(%L, %s),', h.prefix, c.clause, c.name, identity_internal.discover_quote(c.query)) AS text) AS t)
  SELECT CASE WHEN n.sources = 0 THEN NULL WHEN n.sure > 0 THEN format(E'%s%s of %s sources %s sure; the others are commented out. Read, edit, run.\n', h.dash, n.sure, n.sources, CASE n.sure WHEN 1 THEN 'is' ELSE 'are' END) || s.text
              ELSE h.dash || format(E'No source is sure, so all of it is commented out. Take what is right, and the columns of SELECT identity_columns(...).\n') || regexp_replace(s.text, '^', h.dash, 'gn') END
  FROM taken AS n CROSS JOIN here AS h CROSS JOIN (
    SELECT format(E'CREATE TABLE user_identities AS\nSELECT * FROM %sresolve_identities(%s\n  %sidentity_output(rows => ''identities'')\n) AS (\n  identity_id uuid%s\n);', h.prefix,
                  (SELECT string_agg(E'\n' || l.text, '' ORDER BY l.place, l.text COLLATE "C") FROM lines AS l), h.prefix,
                  coalesce((SELECT E',\n  ' || replace(@extschema@.identity_columns(VARIADIC l.list), ', ', E',\n  ') FROM clauses AS l CROSS JOIN taken AS k WHERE k.sure > 0), '') || E',\n  record_count bigint') AS text
    FROM here AS h) AS s;
END;
COMMENT ON FUNCTION @extschema@.identity_suggest(text[], jsonb) IS
  'what identity_discover() finds, as one statement to read, edit and run';
