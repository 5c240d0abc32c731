-- What may not matter, and what may: each graph is resolved again after a change whose effect is known.
\ir graphs.sql
\set VERBOSITY terse

CREATE UNLOGGED TABLE answer (way text, g int, identity_id uuid, source text, record_id text);
CREATE FUNCTION resolve(way text, g int, clauses identity_clause[]) RETURNS void LANGUAGE sql AS
$$ INSERT INTO answer SELECT way, g, r.* FROM identity_records(VARIADIC clauses) r $$;

-- The sources of graph g with another order of rows, of clauses, other layouts; a rule may stand anywhere.
CREATE FUNCTION changed(g_ int, find text, put text) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(identity_source(name, replace(query, find, put)) ORDER BY place)
         || identity_rule('badge', normalizer => 'casefold') || identity_rule('plan', link => false)
    FROM source WHERE g = g_ $$;

SELECT count(resolve('plain', g, clauses(g))) FROM graph \g /dev/null
SELECT count(resolve('again', g, clauses(g))) FROM graph \g /dev/null
SELECT count(resolve('rows permuted', g, changed(g, 'ORDER BY pos', 'ORDER BY md5(pos::text)'))) FROM graph \g /dev/null
SELECT count(resolve('every row twice', g, changed(g, 'FROM oracle.cell', 'FROM (SELECT c.* FROM oracle.cell c, (VALUES (1), (2)) twice) cell'))) FROM graph \g /dev/null
SELECT count(resolve('clauses permuted', g, (
         SELECT array_agg(c ORDER BY random()) FROM unnest(clauses(g)) c))) FROM graph \g /dev/null
SELECT count(resolve('rules first', g,
         identity_rule('plan', link => false) || (identity_rule('badge', normalizer => 'casefold') || changed.sources)))
  FROM graph, LATERAL (SELECT array_agg(identity_source(name, query) ORDER BY place) AS sources FROM source WHERE source.g = graph.g) changed \g /dev/null
-- Without guards: nobody has to give way to anybody.
SELECT count(resolve('no guards', g, plain_clauses(g))) FROM graph \g /dev/null
-- Each source becomes two beside each other, by record. In how many sources a person occurs is evidence.
SELECT count(resolve('sources split', g, (
         SELECT array_agg(identity_source(name || half,
                            format('SELECT * FROM (%s) q WHERE id::int %% 2 = %s', query, (half = 'b')::int)) ORDER BY place, half)
                || identity_rule('badge', normalizer => 'casefold') || identity_rule('plan', link => false)
                || identity_rule('user_id', max_per_identity => 0)
           FROM source, (VALUES ('a'), ('b')) h(half) WHERE source.g = graph.g))) FROM graph \g /dev/null
-- One record more, which carries two identifiers that are about.
SELECT count(resolve('a record more', g, plain_clauses(g) || identity_source('more',
         format($$SELECT 1, 'P%s@mail.example' AS email, '{u%s,u%s}'::text[] AS user_id$$,
                floor(random() * 9), floor(random() * 9), floor(random() * 9))))) FROM graph \g /dev/null
-- One record less.
SELECT count(resolve('a record less', g, (
         SELECT array_agg(CASE WHEN place = 1 THEN identity_source(name, format('SELECT * FROM (%s) q WHERE id::int <> 1', query))
                               ELSE identity_source(name, query) END ORDER BY place)
                || identity_rule('badge', normalizer => 'casefold') || identity_rule('plan', link => false)
                || identity_rule('user_id', max_per_identity => 0)
           FROM source WHERE source.g = graph.g))) FROM graph \g /dev/null
ANALYZE answer;

-- Partitions are compared by the least record of each person.
CREATE UNLOGGED TABLE person AS
  SELECT way, g, source, record_id, identity_id,
         min(source || '/' || record_id) OVER (PARTITION BY way, g, identity_id) AS person
    FROM (SELECT way, g, identity_id, CASE way WHEN 'sources split' THEN rtrim(source, 'ab') ELSE source END AS source, record_id
            FROM answer) a;
CREATE INDEX ON person (way, g, source, record_id);
ANALYZE person;

CREATE FUNCTION differences(way_ text, ids bool, from_ text DEFAULT 'plain') RETURNS bigint LANGUAGE sql STABLE AS $$
  WITH x AS (SELECT g, source, record_id, person, CASE WHEN ids THEN identity_id END FROM person WHERE way = way_),
       y AS (SELECT g, source, record_id, person, CASE WHEN ids THEN identity_id END FROM person WHERE way = from_),
       d AS ((TABLE x EXCEPT ALL TABLE y) UNION ALL (TABLE y EXCEPT ALL TABLE x))
  SELECT count(DISTINCT g) FROM d $$;

-- Pairs of records together in one answer and apart in another.
CREATE FUNCTION parted(together text, apart text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT count(DISTINCT x.g)
    FROM person x JOIN person y ON y.way = x.way AND y.g = x.g AND y.identity_id = x.identity_id
    JOIN person x2 ON x2.way = apart AND x2.g = x.g AND (x2.source, x2.record_id) = (x.source, x.record_id)
    JOIN person y2 ON y2.way = apart AND y2.g = y.g AND (y2.source, y2.record_id) = (y.source, y.record_id)
   WHERE x.way = together AND x2.identity_id <> y2.identity_id $$;

CREATE TABLE law (law text, graphs bigint, broken bigint);
INSERT INTO law
SELECT law, (SELECT count(*) FROM graph), broken FROM (VALUES
  ('there are records to compare', (SELECT (count(*) = 0)::int::bigint FROM person WHERE way = 'plain')),
  ('the same call gives the same ids', differences('again', true)),
  ('the order of rows changes nothing', differences('rows permuted', true)),
  ('every row twice changes nothing', differences('every row twice', true)),
  ('rules may stand first', differences('rules first', true)),
  ('the order of clauses keeps the partition', differences('clauses permuted', false)),
  ('guards join nobody', parted('plain', 'no guards')),
  ('guards part somebody', (SELECT (parted('no guards', 'plain') = 0)::int::bigint)),
  ('without guards splitting sources changes only names', differences('sources split', false, 'no guards')),
  ('without guards a record more splits nobody', parted('no guards', 'a record more')),
  ('without guards a record less joins nobody', parted('a record less', 'no guards'))
) l(law, broken);

-- The master table: the same identities, with the same number of records, whatever the order of rows and of columns,
-- and whether the rows have dates or tie with each other.
CREATE UNLOGGED TABLE master (way text, g int, identity_id uuid, record_count bigint, email text, user_id text, phone text, plan text[], sources text[]);
CREATE FUNCTION undated(clauses identity_clause[]) RETURNS identity_clause[] LANGUAGE sql AS $$
  SELECT array_agg(replace(replace(c::text, ', updated_at', ''), ', oracle.row_date(updated_at, n) AS updated_at', '')::identity_clause ORDER BY n)
    FROM unnest(clauses) WITH ORDINALITY u(c, n) $$;
DO $$
DECLARE n int;
BEGIN
  FOR n IN SELECT g FROM graph LOOP
    INSERT INTO master SELECT 'plain', n, r.* FROM resolve_identities(VARIADIC clauses(n))
        AS r(identity_id uuid, record_count bigint, email text, user_id text, phone text, plan text[], sources text[]);
    INSERT INTO master SELECT 'permuted', n, r.* FROM resolve_identities(VARIADIC changed(n, 'ORDER BY pos', 'ORDER BY md5(pos::text)'))
        AS r(identity_id uuid, record_count bigint, email text, user_id text, phone text, plan text[], sources text[]);
    INSERT INTO master SELECT 'columns permuted', n, r.identity_id, r.record_count, r.email, r.user_id, r.phone, r.plan, r.sources
      FROM resolve_identities(VARIADIC clauses(n))
        AS r(sources text[], plan text[], phone text, user_id text, email text, record_count bigint, identity_id uuid);
    INSERT INTO master SELECT 'undated', n, r.* FROM resolve_identities(VARIADIC undated(clauses(n)))
        AS r(identity_id uuid, record_count bigint, email text, user_id text, phone text, plan text[], sources text[]);
    INSERT INTO master SELECT 'undated, permuted', n, r.* FROM resolve_identities(VARIADIC undated(changed(n, 'ORDER BY pos', 'ORDER BY md5(pos::text)')))
        AS r(identity_id uuid, record_count bigint, email text, user_id text, phone text, plan text[], sources text[]);
    INSERT INTO master SELECT 'undated, columns permuted', n, r.identity_id, r.record_count, r.email, r.user_id, r.phone, r.plan, r.sources
      FROM resolve_identities(VARIADIC undated(clauses(n)))
        AS r(sources text[], plan text[], phone text, user_id text, email text, record_count bigint, identity_id uuid);
  END LOOP;
END $$;
CREATE FUNCTION masters_differ(one text, other text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT count(DISTINCT g)
    FROM (SELECT * FROM master WHERE way = one) p FULL JOIN (SELECT * FROM master WHERE way = other) q USING (g, identity_id)
   WHERE (p.record_count, p.email, p.user_id, p.phone, p.plan, p.sources) IS DISTINCT FROM (q.record_count, q.email, q.user_id, q.phone, q.plan, q.sources) $$;
INSERT INTO law
SELECT law, (SELECT count(*) FROM graph), broken FROM (VALUES
  ('master and long table agree', (
     SELECT count(*) FROM (SELECT g, identity_id, record_count, sources FROM master WHERE way = 'plain') m
       FULL JOIN (SELECT g, identity_id, count(*) AS n, array_agg(DISTINCT source ORDER BY source) AS sources
                    FROM answer WHERE way = 'plain' GROUP BY 1, 2) l USING (g, identity_id)
      WHERE m.record_count IS DISTINCT FROM l.n OR (SELECT array_agg(s ORDER BY s) FROM unnest(m.sources) s) IS DISTINCT FROM l.sources)),
  ('the order of rows keeps the master table', masters_differ('plain', 'permuted')),
  ('the order of columns keeps the master table', masters_differ('plain', 'columns permuted')),
  ('the order of rows that tie keeps the master table', masters_differ('undated', 'undated, permuted')),
  ('the order of columns keeps the values of rows that tie', masters_differ('undated', 'undated, columns permuted'))
) l(law, broken);

\pset footer off
SELECT * FROM law;
SELECT count(*) FILTER (WHERE broken = 0) AS passed, count(*) FILTER (WHERE broken <> 0) AS failed FROM law \gset
\echo :passed passed, :failed failed
