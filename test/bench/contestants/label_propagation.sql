-- Rival: connected components in SQL and PL/pgSQL, set at a time, as well as we could write it.
--
-- Every round each vertex takes the smallest label among its neighbours and itself, the labels are followed to
-- their ends (pointer jumping, doubling the reach each time), and the graph is contracted to the labels that are
-- left; finished parts drop out with their edges. Each round at least halves the vertices of an unfinished part,
-- so long chains take a logarithmic number of rounds where plain propagation takes one for each link.
-- Contraction: Boegeholz, Brand, Todor, "In-database connected component analysis", ICDE 2020;
-- pointer jumping: Shiloach, Vishkin, "An O(log n) parallel connectivity algorithm", 1982.
\ir links.sql

DROP TABLE IF EXISTS label, parent;

DO $$
DECLARE
  moved bigint;
BEGIN
  CREATE UNLOGGED TABLE label AS
    SELECT a AS record, a AS label FROM edge UNION SELECT b, b FROM edge;
  LOOP
    CREATE UNLOGGED TABLE parent AS
      SELECT vertex, least(vertex, min(neighbour)) AS parent
      FROM (SELECT a AS vertex, b AS neighbour FROM edge UNION ALL SELECT b, a FROM edge) e
      GROUP BY vertex;
    ANALYZE parent;

    LOOP
      CREATE UNLOGGED TABLE jumped AS
        SELECT child.vertex, above.parent, child.parent AS before
        FROM parent child JOIN parent above ON above.vertex = child.parent;
      SELECT count(*) INTO moved FROM jumped WHERE parent <> before;
      DROP TABLE parent;
      ALTER TABLE jumped RENAME TO parent;
      EXIT WHEN moved = 0;
      ALTER TABLE parent DROP COLUMN before;
      ANALYZE parent;
    END LOOP;
    ANALYZE parent;

    CREATE UNLOGGED TABLE relabelled AS
      SELECT l.record, coalesce(p.parent, l.label) AS label
      FROM label l LEFT JOIN parent p ON p.vertex = l.label;
    DROP TABLE label;
    ALTER TABLE relabelled RENAME TO label;
    ANALYZE label;

    CREATE UNLOGGED TABLE contracted AS
      SELECT DISTINCT pa.parent AS a, pb.parent AS b
      FROM edge e
      JOIN parent pa ON pa.vertex = e.a
      JOIN parent pb ON pb.vertex = e.b
      WHERE pa.parent <> pb.parent;
    DROP TABLE edge, parent;
    ALTER TABLE contracted RENAME TO edge;
    ANALYZE edge;

    EXIT WHEN NOT EXISTS (SELECT FROM edge);
  END LOOP;
END $$;

CREATE TABLE result AS
SELECT coalesce(l.label, r.record) AS identity_id, r.source, r.record_id
FROM record r LEFT JOIN label l ON l.record = r.record;

DROP TABLE record, edge, label;
