-- Small random graphs of records and identifiers, for the suites that compare identity_resolve with plain SQL.
--
-- Input:   psql variables "graphs" (how many) and "seed" (a whole number: the same seed gives the same graphs).
-- Output:  schema oracle with
--   graph     one row a graph: its shape and sizes;
--   carries   what is true: record (src, rid) of graph g carries this identifier, spelled so;
--   cell      the same as table rows, in shuffled order; a record may be spread over up to three rows, of which
--             each has a date of its own (or one has none);
--   source    one row a source: its name, its place in the list and the query which reads its cells.
-- The four are made in one pass; the queries differ in layout (arrays, several columns of one kind, one row an
-- identifier), in the type of the record id and in the order of rows and columns, none of which may matter.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
DROP SCHEMA IF EXISTS oracle CASCADE;
CREATE SCHEMA oracle;
SET search_path = oracle, public;
SELECT setseed((:seed % 1000003) / 1000003.0) \g /dev/null

CREATE UNLOGGED TABLE graph (g int PRIMARY KEY, shape text, records int, sources int);
CREATE UNLOGGED TABLE carries (g int, src int, rid text, kind text, typed text);
CREATE UNLOGGED TABLE cell (
  g int, src int, pos int, rid text, updated_at timestamptz,
  email text[], user_id text[], anonymous_id text[], phone text[], badge text[], plan text[]);
CREATE UNLOGGED TABLE source (g int, src int, place int, name text, layout text, dated bool, query text);

CREATE FUNCTION pick(few anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS
$$ SELECT few[1 + floor(random() * cardinality(few))::int] $$;

-- The value number v of a kind, as some tool might spell it. Spellings of one number are the same identifier.
CREATE FUNCTION spell(kind text, v int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT pick('{""," ","  "}'::text[]) || CASE kind
    WHEN 'email' THEN pick(ARRAY[format('p%s@mail.example', v), format('P%s@Mail.Example', v), upper(format('p%s@mail.example', v))])
    WHEN 'phone' THEN replace(pick('{"+1650253####","+1 650-253-####","+1 (650) 253 ####"}'::text[]), '####', lpad(v::text, 4, '0'))
    WHEN 'badge' THEN pick(ARRAY[format('u%s', v), format('U%s', v)])
    WHEN 'plan' THEN pick('{gold,silver,none,"null",N/A}'::text[])
    ELSE format('u%s', v)
  END || pick('{""," ","   "}'::text[]) $$;

CREATE PROCEDURE make_graph(g_ int) LANGUAGE plpgsql AS $$
DECLARE
  kinds constant text[] := '{email,email,email,user_id,user_id,anonymous_id,phone,badge}';
  shape_ text := pick('{chain,star,clique,ring,tree,random,islands,alone}'::text[]);
  n int := 1 + floor(random() * random() * 24);
  s int := 1 + floor(random() * 6);
  src_of int[];
  rid_of text[];
  a int[] := '{}';
  b int[] := '{}';
  hub text := pick(kinds);
  kind_ text;
  v int;
BEGIN
  INSERT INTO graph VALUES (g_, shape_, n, s);
  FOR i IN 1..n LOOP
    src_of[i] := 1 + floor(random() * s);
    rid_of[i] := CASE WHEN random() < 0.15 THEN 1 + floor(random() * n) ELSE i END::int;
    INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], 'user_id', NULL);
  END LOOP;

  IF shape_ IN ('chain', 'ring') THEN
    FOR i IN 2..n LOOP a := a || (i - 1); b := b || i; END LOOP;
    IF shape_ = 'ring' THEN a := a || n; b := b || 1; END IF;
  ELSIF shape_ = 'tree' THEN
    FOR i IN 2..n LOOP a := a || (1 + floor(random() * (i - 1)))::int; b := b || i; END LOOP;
  ELSIF shape_ = 'star' THEN
    FOR i IN 2..n LOOP a := a || 1; b := b || i; END LOOP;
  ELSIF shape_ = 'islands' THEN
    FOR i IN 2..n LOOP IF i % 4 <> 1 THEN a := a || (i - 1); b := b || i; END IF; END LOOP;
  ELSIF shape_ = 'random' THEN
    FOR e IN 1..(random() * n)::int LOOP
      a := a || (1 + floor(random() * n))::int; b := b || (1 + floor(random() * n))::int;
    END LOOP;
  ELSIF shape_ = 'clique' THEN  -- one identifier that everybody carries
    FOR i IN 1..n LOOP INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], hub, spell(hub, 0)); END LOOP;
  END IF;

  FOR e IN 1..cardinality(a) LOOP
    kind_ := pick(kinds);
    v := CASE WHEN random() < 0.05 THEN floor(random() * 3) ELSE e END;
    INSERT INTO carries VALUES
      (g_, src_of[a[e]], rid_of[a[e]], kind_, spell(kind_, v)),
      (g_, src_of[b[e]], rid_of[b[e]], kind_, spell(kind_, v));
  END LOOP;

  -- What must link nobody: blanks, text that is no address, a carried kind, one value under two kinds.
  FOR i IN 1..n LOOP
    IF random() < 0.2 THEN
      kind_ := pick(kinds);
      INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], kind_, pick('{""," ","    "}'::text[]));
    END IF;
    IF random() < 0.1 THEN INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], 'email', pick('{none,n/a,@,unknown}'::text[])); END IF;
    IF random() < 0.2 THEN INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], 'plan', spell('plan', 1)); END IF;
    IF random() < 0.1 THEN kind_ := pick(kinds); INSERT INTO carries VALUES (g_, src_of[i], rid_of[i], kind_, spell(kind_, 100 + i)); END IF;
  END LOOP;
END $$;

SELECT format('CALL make_graph(%s)', g) FROM generate_series(1, :graphs) g \gexec

-- Rows: the identifiers of one record may lie in up to three rows, each with an array of each kind.
INSERT INTO cell
SELECT g, src, (random() * 1000000)::int, rid,
       CASE WHEN split > 0 OR random() < 0.7 THEN timestamptz '2024-01-01 00:00+00' + floor(random() * 4) * interval '1 day' + split * interval '1 hour' END,
       array_agg(typed) FILTER (WHERE kind = 'email'),
       array_agg(typed) FILTER (WHERE kind = 'user_id'),
       array_agg(typed) FILTER (WHERE kind = 'anonymous_id'),
       array_agg(typed) FILTER (WHERE kind = 'phone'),
       array_agg(typed) FILTER (WHERE kind = 'badge'),
       array_agg(typed) FILTER (WHERE kind = 'plan')
  FROM (SELECT *, CASE WHEN random() < 0.3 THEN floor(random() * 3) ELSE 0 END AS split FROM carries) c
 GROUP BY g, src, rid, split
 ORDER BY random();
CREATE INDEX ON cell (g, src);
ANALYZE carries, cell;

-- The columns of one kind in a source's query. "rows" takes the arrays apart, so that each row has one identifier of a
-- kind at most; the first row of a cell keeps its date, the others come a little before it.
CREATE FUNCTION columns_of(kind text, layout text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT replace(CASE layout
    WHEN 'array' THEN '%1$s'
    WHEN 'varchar' THEN '%1$s::varchar(200)[] AS %1$s'
    WHEN 'columns' THEN '%1$s[1] AS %1$s, %1$s[2] AS %1$s, %1$s[3:] AS %1$s'
    WHEN 'rows' THEN 'one.%1$s'
  END, '%1$s', kind) $$;
CREATE FUNCTION row_date(updated_at timestamptz, n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN n = 1 THEN updated_at ELSE coalesce(updated_at, '1990-01-01 00:00+00') - n * interval '1 second' END $$;

INSERT INTO source
SELECT g, src, row_number() OVER (PARTITION BY g ORDER BY random()), format('s%s', src), layout, dated,
       format('SELECT %s%s, %s FROM oracle.cell%s WHERE g = %s AND src = %s ORDER BY pos',
              pick('{rid,rid::int,rid::bigint,rid::numeric}'::text[]) || ' AS id',
              CASE WHEN NOT dated THEN '' WHEN layout = 'rows' THEN ', oracle.row_date(updated_at, n) AS updated_at' ELSE ', updated_at' END,
              (SELECT string_agg(columns_of(kind, layout), ', ' ORDER BY random())
                 FROM unnest('{email,user_id,anonymous_id,phone,badge,plan}'::text[]) kind),
              CASE layout WHEN 'rows' THEN
                ', ROWS FROM (unnest(email), unnest(user_id), unnest(anonymous_id), unnest(phone), unnest(badge), unnest(plan)) WITH ORDINALITY AS one(email, user_id, anonymous_id, phone, badge, plan, n)'
              END,
              g, src)
  FROM (SELECT g, src, layout,  -- rows of one record without a date have no order among them: see the oracle of the master table
               layout = 'rows' OR random() < 0.6 OR EXISTS (SELECT FROM cell WHERE (cell.g, cell.src) = (s.g, s.src) GROUP BY rid HAVING count(*) > 1) AS dated
          FROM (SELECT g, src, pick('{array,varchar,columns,rows}'::text[]) AS layout
                  FROM graph, generate_series(1, sources) src) s) s;
CREATE INDEX ON source (g);
ANALYZE graph, source;

-- The clauses of graph g: its sources in their places, and the two rules which its kinds need.
CREATE FUNCTION clauses(g_ int) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(identity_source(name, query) ORDER BY place)
         || identity_rule('badge', normalizer => 'casefold') || identity_rule('plan', link => false)
    FROM source WHERE g = g_ $$;
-- The same without guards: plain components.
CREATE FUNCTION plain_clauses(g_ int) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT clauses(g_) || identity_rule('user_id', max_per_identity => 0) $$;
