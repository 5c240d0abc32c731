-- identity_output('combinations') against its definition, followed word by word in SQL.
\ir graphs.sql
\set VERBOSITY terse

-- Rows with one email and one user id at most, and a date of their own; a record id may come twice.
CREATE UNLOGGED TABLE line AS
  SELECT g, src, row_number() OVER (PARTITION BY g, src ORDER BY random())::int AS line, rid, email, user_id
    FROM (SELECT g, src, rid, unnest(email) AS email, unnest(user_id) AS user_id FROM cell) c
   WHERE (email IS NULL OR trim(email) = '' OR email LIKE '%_@_%._%');
CREATE INDEX ON line (g, src);
ANALYZE line;

CREATE FUNCTION line_clauses(g_ int) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(identity_source(name, format('SELECT rid, email, user_id, date ''2024-01-01'' - line AS updated_at FROM oracle.line WHERE g = %s AND src = %s ORDER BY line', g, src)) ORDER BY place)
         || identity_output('combinations') || identity_rule('user_id', max_per_identity => 0)
    FROM source WHERE g = g_ $$;

-- A row's identifiers; records, and the people that they reach.
CREATE UNLOGGED TABLE identifier AS
  SELECT g, src, line, rid, 'email' AS kind, lower(trim(email)) AS value FROM line WHERE trim(email) <> ''
  UNION ALL
  SELECT g, src, line, rid, 'user_id', trim(user_id) FROM line WHERE trim(user_id) <> '';
CREATE INDEX ON identifier (g, kind, value);
ANALYZE identifier;
CREATE UNLOGGED TABLE neighbour AS
  SELECT DISTINCT x.g, x.src, x.rid, y.src AS src2, y.rid AS rid2 FROM identifier x JOIN identifier y USING (g, kind, value);
CREATE INDEX ON neighbour (g, src, rid);
ANALYZE neighbour;
CREATE UNLOGGED TABLE person AS
  WITH RECURSIVE reach AS (
    SELECT DISTINCT g, src, rid, src AS src2, rid AS rid2 FROM line
    UNION
    SELECT reach.g, reach.src, reach.rid, n.src2, n.rid2
      FROM reach JOIN neighbour n ON n.g = reach.g AND n.src = reach.src2 AND n.rid = reach.rid2)
  SELECT g, src, rid, min(format('s%s/%s', src2, rid2)) AS person, place
    FROM reach JOIN source USING (g, src) GROUP BY g, src, rid, place;
CREATE INDEX ON person (g, src, rid);
CREATE INDEX ON person (g, person);
ANALYZE person;

-- Spines: the rows of a person's first source.
CREATE UNLOGGED TABLE spine AS
  SELECT l.g, p.person, l.src, l.line, l.rid, p.place
    FROM line l JOIN person p USING (g, src, rid)
   WHERE p.place = (SELECT min(place) FROM person q WHERE (q.g, q.person) = (p.g, p.person));
CREATE UNLOGGED TABLE linked AS  -- a spine and a record of a later source that share an identifier
  SELECT DISTINCT s.g, s.person, s.line, j.src, j.rid
    FROM spine s JOIN identifier i USING (g, src, line)
    JOIN identifier j ON (j.g, j.kind, j.value) = (i.g, i.kind, i.value) AND j.src <> s.src;
CREATE UNLOGGED TABLE offer AS
  WITH candidate AS (
    SELECT s.g, s.person, s.line, r.src, r.rid, l.line IS NOT NULL AS mine,
           NOT EXISTS (SELECT FROM linked l2 WHERE (l2.g, l2.src, l2.rid) = (r.g, r.src, r.rid)) AS nobodys
      FROM spine s JOIN person r ON r.g = s.g AND r.person = s.person AND r.src <> s.src
      LEFT JOIN linked l ON (l.g, l.person, l.line, l.src, l.rid) = (s.g, s.person, s.line, r.src, r.rid)),
  best AS (
    SELECT *, bool_or(mine OR nobodys) OVER (PARTITION BY g, person, line, src) AS chosen FROM candidate)
  SELECT g, person, line, src, rid FROM best WHERE mine OR nobodys OR NOT chosen;
CREATE INDEX ON offer (g, person, line, src);
ANALYZE spine, offer;

-- What the person's email and user id are where a spine has none: the best row's, by place, newest record, newest row.
CREATE UNLOGGED TABLE best AS
  SELECT g, person,
         (array_agg(value ORDER BY place, newest, line) FILTER (WHERE kind = 'email')) AS emails,
         (array_agg(value ORDER BY place, newest, line) FILTER (WHERE kind = 'user_id')) AS user_ids
    FROM person LEFT JOIN (SELECT *, min(line) OVER (PARTITION BY g, src, rid) AS newest FROM (SELECT g, src, rid, line, kind, value FROM line LEFT JOIN identifier USING (g, src, rid, line)) i) i USING (g, src, rid)
   GROUP BY g, person;

-- Each graph asks for two or three of its sources, and sometimes for the email and the user id.
-- The identity's name is not compared, but that rows of one person agree on it is.
CREATE UNLOGGED TABLE wish AS
  SELECT g, random() < 0.7 AS email, random() < 0.4 AS user_id,
         (SELECT array_agg(src) FROM source WHERE source.g = graph.g AND random() < 0.6) AS sources
    FROM graph;
CREATE UNLOGGED TABLE expected AS
  SELECT DISTINCT s.g, s.person, i1.rid AS s1_id, i2.rid AS s2_id, i3.rid AS s3_id, i4.rid AS s4_id, i5.rid AS s5_id, i6.rid AS s6_id,
         CASE WHEN w.email THEN coalesce((SELECT value FROM identifier i WHERE (i.g, i.src, i.line, i.kind) = (s.g, s.src, s.line, 'email')), b.emails[1]) END AS email,
         CASE WHEN w.user_id THEN coalesce((SELECT value FROM identifier i WHERE (i.g, i.src, i.line, i.kind) = (s.g, s.src, s.line, 'user_id')), b.user_ids[1]) END AS user_id
    FROM spine s JOIN best b USING (g, person) JOIN wish w USING (g)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 1) UNION ALL SELECT s.rid WHERE s.src = 1) i1 ON 1 = ANY (w.sources)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 2) UNION ALL SELECT s.rid WHERE s.src = 2) i2 ON 2 = ANY (w.sources)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 3) UNION ALL SELECT s.rid WHERE s.src = 3) i3 ON 3 = ANY (w.sources)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 4) UNION ALL SELECT s.rid WHERE s.src = 4) i4 ON 4 = ANY (w.sources)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 5) UNION ALL SELECT s.rid WHERE s.src = 5) i5 ON 5 = ANY (w.sources)
    LEFT JOIN LATERAL (SELECT rid FROM offer o WHERE (o.g, o.person, o.line, o.src) = (s.g, s.person, s.line, 6) UNION ALL SELECT s.rid WHERE s.src = 6) i6 ON 6 = ANY (w.sources);

-- Ours.
CREATE UNLOGGED TABLE answer (
  g int, identity_id uuid, s1_id text, s2_id text, s3_id text, s4_id text, s5_id text, s6_id text, email text, user_id text);
DO $$
DECLARE w wish;
BEGIN
  FOR w IN SELECT * FROM wish ORDER BY g LOOP
    BEGIN
      EXECUTE format('INSERT INTO answer (g, identity_id%1$s) SELECT %2$s, r.* FROM resolve_identities(VARIADIC oracle.line_clauses(%2$s)) AS r(identity_id uuid%3$s)',
        coalesce((SELECT string_agg(format(', s%s_id', s), '' ORDER BY s) FROM unnest(w.sources) s), '') || CASE WHEN w.email THEN ', email' ELSE '' END || CASE WHEN w.user_id THEN ', user_id' ELSE '' END, w.g,
        coalesce((SELECT string_agg(format(', s%s_id text', s), '' ORDER BY s) FROM unnest(w.sources) s), '') || CASE WHEN w.email THEN ', email text' ELSE '' END || CASE WHEN w.user_id THEN ', user_id text' ELSE '' END);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'graph %: %', w.g, SQLERRM;
    END;
  END LOOP;
END $$;

-- People are compared by the id that they have: it must be one to one.
CREATE UNLOGGED TABLE difference AS
  SELECT * FROM (
    (SELECT 'only ours' AS side, o.* FROM (SELECT g, s1_id, s2_id, s3_id, s4_id, s5_id, s6_id, email, user_id FROM answer
                                           EXCEPT ALL
                                           SELECT g, s1_id, s2_id, s3_id, s4_id, s5_id, s6_id, email, user_id FROM expected) o)
    UNION ALL
    (SELECT 'only theirs', t.* FROM (SELECT g, s1_id, s2_id, s3_id, s4_id, s5_id, s6_id, email, user_id FROM expected
                                     EXCEPT ALL
                                     SELECT g, s1_id, s2_id, s3_id, s4_id, s5_id, s6_id, email, user_id FROM answer) t)
    UNION ALL
    (SELECT 'people', g, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
       FROM (SELECT g, count(DISTINCT person) AS n FROM expected GROUP BY g) e
       FULL JOIN (SELECT g, count(DISTINCT identity_id) AS n FROM answer GROUP BY g) a USING (g)
      WHERE e.n IS DISTINCT FROM a.n)) d;

\pset footer off
SELECT (SELECT count(*) FROM expected) AS rows, (SELECT count(DISTINCT (g, person)) FROM expected) AS people,
       (SELECT max(n) FROM (SELECT count(*) AS n FROM expected GROUP BY g, person) m) AS "most rows of one";
SELECT * FROM difference ORDER BY g, side, s1_id, s2_id, s3_id, s4_id, s5_id, s6_id LIMIT 20;
SELECT 'oracle of the combinations: ' || (SELECT count(*) FROM graph) || ' graphs, '
       || (SELECT count(DISTINCT g) FROM difference) || ' differences' AS verdict \gset
\echo :verdict
