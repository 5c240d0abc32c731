-- Rival: pgRouting's connected components (Boost.Graph in the backend) on the same links.
\ir links.sql

DROP TABLE IF EXISTS component;

CREATE UNLOGGED TABLE component AS
SELECT node::int AS record, component
FROM pgr_connectedComponents(
  'SELECT row_number() OVER () AS id, a AS source, b AS target, 1::float8 AS cost, 1::float8 AS reverse_cost FROM edge');
ANALYZE component;

-- pgRouting names a component by its smallest vertex, so a record without links is its own component.
CREATE TABLE result AS
SELECT coalesce(c.component, r.record) AS identity_id, r.source, r.record_id
FROM record r LEFT JOIN component c ON c.record = r.record;

DROP TABLE record, edge, component;
