-- identity_records against a recursive query that follows the links one by one.
\ir graphs.sql
\set VERBOSITY terse

-- The answer, in SQL only: identifiers that link, spelled one way; neighbours share one; people are what neighbours reach.
CREATE UNLOGGED TABLE record AS
  SELECT DISTINCT g, src, rid FROM carries;
CREATE UNLOGGED TABLE identifier AS
  SELECT DISTINCT g, src, rid, kind,
         CASE kind WHEN 'email' THEN lower(trim(typed))
                   WHEN 'badge' THEN lower(trim(typed))
                   WHEN 'phone' THEN regexp_replace(typed, '[^0-9+]', '', 'g')
                   ELSE trim(typed) END AS value
    FROM carries
   WHERE trim(typed) <> '' AND kind <> 'plan' AND (kind <> 'email' OR typed LIKE '%_@_%._%');
CREATE INDEX ON identifier (g, kind, value);
CREATE INDEX ON identifier (g, src, rid);
ANALYZE record, identifier;
CREATE UNLOGGED TABLE neighbour AS
  SELECT DISTINCT x.g, x.src, x.rid, y.src AS src2, y.rid AS rid2
    FROM identifier x JOIN identifier y USING (g, kind, value);
CREATE INDEX ON neighbour (g, src, rid);
ANALYZE neighbour;
CREATE UNLOGGED TABLE expected AS
  WITH RECURSIVE reach AS (
    SELECT g, src, rid, src AS src2, rid AS rid2 FROM record
    UNION
    SELECT reach.g, reach.src, reach.rid, n.src2, n.rid2
      FROM reach JOIN neighbour n ON n.g = reach.g AND n.src = reach.src2 AND n.rid = reach.rid2)
  SELECT g, src, rid, min(format('s%s/%s', src2, rid2)) AS person FROM reach GROUP BY g, src, rid;

-- Ours.
CREATE UNLOGGED TABLE answer (g int, identity_id uuid, source text, record_id text);
DO $$
DECLARE n int;
BEGIN
  FOR n IN SELECT g FROM graph ORDER BY g LOOP
    BEGIN
      INSERT INTO answer SELECT n, r.* FROM identity_records(VARIADIC plain_clauses(n)) r;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'graph %: %', n, SQLERRM;
    END;
  END LOOP;
END $$;
ANALYZE answer;
CREATE UNLOGGED TABLE ours AS
  SELECT g, source, record_id, min(source || '/' || record_id) OVER (PARTITION BY g, identity_id) AS person FROM answer;
CREATE UNLOGGED TABLE theirs AS
  SELECT g, format('s%s', src) AS source, rid AS record_id, person FROM expected;

CREATE UNLOGGED TABLE difference AS
  (SELECT 'only ours' AS side, * FROM (TABLE ours EXCEPT ALL TABLE theirs) o)
  UNION ALL
  (SELECT 'only theirs', * FROM (TABLE theirs EXCEPT ALL TABLE ours) t);

\pset footer off
SELECT shape, count(*) AS graphs, sum(r.n) AS records, sum(r.people) AS identities, max(r.largest) AS largest
  FROM graph JOIN (SELECT g, count(*) AS n, count(DISTINCT person) AS people, max(c) AS largest
                     FROM (SELECT *, count(*) OVER (PARTITION BY g, person) AS c FROM theirs) t GROUP BY g) r USING (g)
 GROUP BY shape ORDER BY shape;
SELECT * FROM difference ORDER BY g, source, record_id, side LIMIT 20;
SELECT 'oracle: ' || (SELECT count(*) FROM graph) || ' graphs, '
       || (SELECT count(DISTINCT g) FROM difference) || ' differences' AS verdict \gset
\echo :verdict
