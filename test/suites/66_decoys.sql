-- Decoys: functions, operators, types and relations in a schema, named as what the extension's script and functions use. One that
-- is called fails, and tells the server's log, unless it was called by mallory, whose they are.
--
-- Before: lab.words (word, is_call) holds the names, lab.symbols (symbol) the operators.

-- What a decoy does. What is in the log stays there, whatever becomes of the statement.
CREATE FUNCTION lab.called(what text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF current_user <> 'mallory' THEN
    RAISE LOG 'decoy % was called as %', what, current_user;
  END IF;
  RAISE EXCEPTION 'decoy % was called as %', what, current_user;
END $$;
-- The same of a domain's values and a view's rows; mallory herself may have them.
CREATE FUNCTION lab.may_be(what text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF current_user <> 'mallory' THEN
    PERFORM lab.called(what);
  END IF;
  RETURN true;
END $$;

-- The types that arguments may have.
CREATE TABLE lab.types AS
SELECT t.oid AS type, t.typarray AS of_array, format('pg_catalog.%I', t.typname) AS name
FROM pg_type AS t
WHERE t.typnamespace = 'pg_catalog'::regnamespace
  AND t.typname IN ('text', 'name', 'varchar', 'bpchar', 'char', 'bool', 'int2', 'int4', 'int8', 'oid', 'numeric', 'float8', 'regclass', 'regproc',
    'regprocedure', 'regtype', 'regrole', 'regnamespace', 'jsonb', 'json', 'uuid', 'bytea', 'timestamptz', 'timestamp', 'interval',
    '_text', '_name', '_int2', '_int4', '_int8', '_oid', '_uuid', '_jsonb', '_bytea', 'int2vector', 'oidvector');

CREATE FUNCTION lab.is_polymorphic(type oid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT typtype = 'p' AND typname LIKE 'any%' AND typname NOT LIKE '%range' AND typname <> 'any' FROM pg_catalog.pg_type WHERE oid = type $$;
-- A polymorphic type where the elements are of type `element`.
CREATE FUNCTION lab.instance(type oid, element oid) RETURNS oid LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN NOT lab.is_polymorphic(type) THEN type WHEN typname LIKE '%array' THEN (SELECT typarray FROM pg_catalog.pg_type WHERE oid = element) ELSE element END
  FROM pg_catalog.pg_type WHERE oid = type $$;

-- The functions: every signature of PostgreSQL's function of the name, and every one in which one argument has another type, which
-- is what makes a function preferred to PostgreSQL's own. Where that takes any type, or any number of arguments, each type, and up to
-- four of the types that matter.
CREATE TABLE lab.functions (name name, arguments oid[], result oid, is_set boolean);
INSERT INTO lab.functions
WITH real AS (
  SELECT p.proname, ARRAY(SELECT unnest(p.proargtypes::oid[])) AS arguments, p.prorettype, p.proretset
  FROM pg_proc AS p JOIN lab.words AS w ON w.word = p.proname AND w.is_call
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[]
    AND p.prorettype NOT IN ('internal'::regtype, 'cstring'::regtype, 'trigger'::regtype, 'event_trigger'::regtype)),
counted AS (SELECT * FROM real WHERE NOT '"any"'::regtype = ANY (arguments)),
open AS (SELECT * FROM real WHERE '"any"'::regtype = ANY (arguments)),
few (type) AS (SELECT type FROM lab.types WHERE name ~ '\.(text|int4|int8|name|jsonb|bool|regclass)$'),
made AS (
  SELECT proname, arguments, prorettype, proretset FROM counted
  UNION ALL
  SELECT r.proname, ARRAY(SELECT lab.instance(a, t.type) FROM unnest(r.arguments) WITH ORDINALITY AS u (a, n) ORDER BY n), lab.instance(r.prorettype, t.type), r.proretset
  FROM counted AS r CROSS JOIN lab.types AS t
  WHERE EXISTS (SELECT FROM unnest(r.arguments) AS a WHERE lab.is_polymorphic(a))
  UNION ALL
  SELECT r.proname, r.arguments[:i - 1] || t.type || r.arguments[i + 1:], r.prorettype, r.proretset
  FROM counted AS r CROSS JOIN generate_series(1, cardinality(r.arguments)) AS i CROSS JOIN lab.types AS t
  WHERE NOT EXISTS (SELECT FROM unnest(r.arguments) AS a WHERE lab.is_polymorphic(a))
  UNION ALL
  SELECT r.proname, x.arguments, r.prorettype, r.proretset
  FROM open AS r CROSS JOIN LATERAL (
    SELECT ARRAY[t.type] FROM lab.types AS t
    UNION ALL SELECT ARRAY['text'::regtype, t.type] FROM lab.types AS t
    UNION ALL SELECT ARRAY[a.type, b.type] FROM few AS a, few AS b
    UNION ALL SELECT ARRAY[a.type, b.type, c.type] FROM few AS a, few AS b, few AS c
    UNION ALL SELECT ARRAY['text'::regtype, a.type, b.type, c.type] FROM few AS a, few AS b, few AS c
    UNION ALL SELECT array_fill('text'::regtype::oid, ARRAY[n]) FROM generate_series(5, 12) AS n
    UNION ALL SELECT ARRAY['text'::regtype, 'anyelement'::regtype]
    UNION ALL SELECT ARRAY['text'::regtype, 'anyelement'::regtype, 'anyelement'::regtype]) AS x (arguments))
SELECT DISTINCT ON (m.proname, m.arguments) m.proname, m.arguments,
       CASE WHEN lab.is_polymorphic(m.prorettype) AND NOT EXISTS (SELECT FROM unnest(m.arguments) AS a WHERE lab.is_polymorphic(a)) THEN 'text'::regtype::oid
            ELSE m.prorettype END, m.proretset
FROM made AS m WHERE NOT 0 = ANY (m.arguments) AND m.prorettype <> 0 AND NOT '"any"'::regtype = ANY (m.arguments)
ORDER BY m.proname, m.arguments, m.prorettype;

-- The operators: every symbol between every two types.
CREATE TABLE lab.operators (symbol text, l oid, r oid, result oid);
INSERT INTO lab.operators
SELECT s.symbol, l.type, r.type,
       CASE WHEN s.symbol IN ('||') AND l.type = r.type THEN l.type WHEN s.symbol IN ('||', '->>', '#>>') THEN 'text'::regtype::oid
            WHEN s.symbol IN ('->', '#>', '#-') THEN 'jsonb'::regtype::oid WHEN s.symbol IN ('+', '-', '*', '/', '%', '^', '&', '|', '#', '<<', '>>') THEN l.type
            ELSE 'bool'::regtype::oid END
FROM lab.symbols AS s CROSS JOIN lab.types AS l CROSS JOIN lab.types AS r
WHERE EXISTS (SELECT FROM pg_operator AS o WHERE o.oprname = s.symbol AND o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b');

-- Types and relations of PostgreSQL's names that are used.
CREATE TABLE lab.domains AS
SELECT DISTINCT t.typname AS name FROM pg_type AS t JOIN lab.words AS w ON w.word = t.typname
WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
UNION SELECT t.typname FROM pg_type AS t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typname IN ('text', 'jsonb', 'uuid', 'bytea', 'oid', 'regclass', 'name', 'timestamptz', '_text', '_int8');
CREATE TABLE lab.relations AS
SELECT c.relname AS name FROM pg_class AS c JOIN lab.words AS w ON w.word = c.relname
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
  AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.atttypid = 'anyarray'::regtype);
GRANT USAGE ON SCHEMA lab TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA lab TO PUBLIC;

-- Fills a schema with them, as whoever calls: at least so many.
CREATE PROCEDURE lab.fill(schema text, enough bigint) LANGUAGE plpgsql SET search_path = pg_catalog SET check_function_bodies = off SET client_min_messages = warning AS $$
DECLARE
  item record;
  made bigint := 0;
  body text;
BEGIN
  FOR item IN SELECT f.name, f.is_set, f.result, (SELECT coalesce(string_agg(format_type(a, NULL), ', ' ORDER BY n), '') FROM unnest(f.arguments) WITH ORDINALITY AS u (a, n)) AS arguments FROM lab.functions AS f LOOP
    body := format('BEGIN PERFORM lab.called(%L); END', item.name || '(' || item.arguments || ')');
    EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', schema, item.name, item.arguments,
                   CASE WHEN item.is_set THEN 'SETOF' ELSE '' END, format_type(item.result, NULL), body);
    made := made + 1;
  END LOOP;
  -- One function for all operators between two types.
  FOR item IN SELECT DISTINCT o.l, o.r, o.result, format('operator_%s', o.result) AS name FROM lab.operators AS o LOOP
    EXECUTE format('CREATE FUNCTION %I.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', schema, item.name, format_type(item.l, NULL), format_type(item.r, NULL),
                   format_type(item.result, NULL), format('BEGIN PERFORM lab.called(%L); END', format('operator (%s, %s)', item.l::regtype, item.r::regtype)));
  END LOOP;
  FOR item IN SELECT o.symbol, o.l, o.r, format('operator_%s', o.result) AS name FROM lab.operators AS o LOOP
    EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I.%I)', schema, item.symbol, format_type(item.l, NULL), format_type(item.r, NULL), schema, item.name);
    made := made + 1;
  END LOOP;
  FOR item IN SELECT d.name FROM lab.domains AS d LOOP
    EXECUTE format('CREATE DOMAIN %I.%I AS %s CHECK (lab.may_be(%L))', schema, item.name, (SELECT format_type(t.oid, NULL) FROM pg_type AS t WHERE t.typname = item.name AND t.typnamespace = 'pg_catalog'::regnamespace), 'type ' || item.name);
    made := made + 1;
  END LOOP;
  FOR item IN SELECT r.name FROM lab.relations AS r LOOP
    EXECUTE format('CREATE VIEW %I.%I AS SELECT r.* FROM pg_catalog.%I AS r WHERE lab.may_be(%L)', schema, item.name, item.name, 'view ' || item.name);
    EXECUTE format('GRANT SELECT ON %I.%I TO PUBLIC', schema, item.name);
    made := made + 1;
  END LOOP;
  -- Collations are looked up by name, too.
  EXECUTE format('CREATE COLLATION %I."C" FROM "POSIX"', schema);
  IF made < enough THEN
    RAISE EXCEPTION 'only % decoys', made;
  END IF;
END $$;

-- Decoys of the extension's own names, once it is there: its internal functions and relations, with the very same arguments, and its public
-- functions with others.
CREATE PROCEDURE lab.fill_own(schema text) LANGUAGE plpgsql SET search_path = pg_catalog SET check_function_bodies = off SET client_min_messages = warning AS $$
DECLARE
  item record;
  made bigint := 0;
BEGIN
  FOR item IN SELECT f.proname, f.proretset, f.prokind, format_type(f.prorettype, NULL) AS result,
                     (SELECT coalesce(string_agg(format_type(a, NULL), ', ' ORDER BY n), '') FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS u (a, n)) AS arguments
              FROM pg_proc AS f
              WHERE f.pronamespace = 'identity_internal'::regnamespace AND NOT f.proargtypes::oid[] && ARRAY['internal'::regtype, '"any"'::regtype]::oid[]
                AND f.prorettype <> 'internal'::regtype
                AND NOT EXISTS (SELECT FROM pg_proc AS g WHERE g.pronamespace = schema::regnamespace AND g.proname = f.proname AND g.proargtypes = f.proargtypes) LOOP
    EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', schema, item.proname, item.arguments, CASE WHEN item.proretset THEN 'SETOF' ELSE '' END,
                   item.result, format('BEGIN PERFORM lab.called(%L); END', item.proname));
    made := made + 1;
  END LOOP;
  IF made < 60 THEN
    RAISE EXCEPTION 'only % decoys of our own', made;
  END IF;
  -- A first argument that fits better than the real one's: of a call that is written in the extension with other types than it declares.
  FOR item IN SELECT DISTINCT ON (f.proname, t.name, f.pronargs) f.proname, f.proretset, format_type(f.prorettype, NULL) AS result, t.name AS first,
                     (SELECT coalesce(string_agg(', ' || format_type(a, NULL), '' ORDER BY n), '') FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS u (a, n) WHERE n > 1) AS rest
              FROM pg_proc AS f CROSS JOIN lab.types AS t
              WHERE f.pronamespace = schema::regnamespace AND f.proowner <> 'mallory'::regrole AND f.pronargs > 0 AND f.prokind = 'f'
                AND NOT f.proargtypes::oid[] && ARRAY['internal'::regtype, '"any"'::regtype, 'cstring'::regtype]::oid[] AND f.prorettype NOT IN ('internal'::regtype, 'cstring'::regtype)
                AND NOT EXISTS (SELECT FROM pg_proc AS g WHERE g.pronamespace = f.pronamespace AND g.proname = f.proname AND g.proargtypes[0] = t.type) LOOP
    EXECUTE format('CREATE FUNCTION %I.%I(%s%s) RETURNS %s %s LANGUAGE plpgsql AS %L', schema, item.proname, item.first, item.rest, CASE WHEN item.proretset THEN 'SETOF' ELSE '' END,
                   item.result, format('BEGIN PERFORM lab.called(%L); END', item.proname));
  END LOOP;
  EXECUTE format('CREATE TABLE %I.identity_map_catalog AS SELECT 1 AS map_id', schema);
  EXECUTE format('CREATE DOMAIN %I.identity_map_reached AS text', schema);
END $$;

-- What an object of the extension depends on in this schema that is no part of the extension.
CREATE FUNCTION lab.borrowed(schema text) RETURNS TABLE (object text, needs text) LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  WITH RECURSIVE members (classid, objid) AS (
    SELECT d.classid, d.objid FROM pg_depend AS d
    WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT e.oid FROM pg_extension AS e WHERE e.extname = 'identity_resolve') AND d.deptype = 'e'
    UNION
    SELECT d.classid, d.objid FROM members AS m JOIN pg_depend AS d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('i', 'a'))
  SELECT pg_describe_object(m.classid, m.objid, 0), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
  FROM members AS m JOIN pg_depend AS d ON d.classid = m.classid AND d.objid = m.objid
  CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) AS i
  WHERE i.schema = quote_ident(borrowed.schema) AND (d.refclassid, d.refobjid) NOT IN (SELECT n.classid, n.objid FROM members AS n) $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA lab TO PUBLIC;
