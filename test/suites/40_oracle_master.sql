-- Every column of the master table, scalar and array, against the words of the design: by source, then newest, then
-- record id; each distinct value once; and behind all others what never links: values that are blocked, too common or
-- none of their kind, and a carried null.
\ir graphs.sql
\set VERBOSITY terse

CREATE FUNCTION master_clauses(g_ int) RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT plain_clauses(g_) || identity_rule('email', blocked => '{p2@mail.example,p5@mail.example}') || identity_rule('badge', blocked_pattern => '^u[13]$')
         || identity_rule('anonymous_id', max_records => 2) $$;

-- People, as in 40_oracle.sql, but for what never links.
CREATE UNLOGGED TABLE identifier AS
  SELECT DISTINCT g, src, rid, kind,
         CASE kind WHEN 'email' THEN lower(trim(typed)) WHEN 'badge' THEN lower(trim(typed))
                   WHEN 'phone' THEN regexp_replace(typed, '[^0-9+]', '', 'g') ELSE trim(typed) END AS value
    FROM carries
   WHERE trim(typed) <> '' AND kind <> 'plan' AND (kind <> 'email' OR typed LIKE '%_@_%._%');
CREATE UNLOGGED TABLE never AS
  SELECT DISTINCT g, kind, value FROM identifier WHERE kind = 'email' AND value IN ('p2@mail.example', 'p5@mail.example') OR kind = 'badge' AND value IN ('u1', 'u3')
  UNION
  SELECT g, kind, value FROM identifier WHERE kind = 'anonymous_id' GROUP BY g, kind, value, src HAVING count(*) > 2;
DELETE FROM identifier USING never WHERE (identifier.g, identifier.kind, identifier.value) = (never.g, never.kind, never.value);
CREATE INDEX ON identifier (g, kind, value);
ANALYZE identifier;
CREATE UNLOGGED TABLE neighbour AS
  SELECT DISTINCT x.g, x.src, x.rid, y.src AS src2, y.rid AS rid2 FROM identifier x JOIN identifier y USING (g, kind, value);
CREATE INDEX ON neighbour (g, src, rid);
ANALYZE neighbour;
CREATE UNLOGGED TABLE person AS
  WITH RECURSIVE reach AS (
    SELECT DISTINCT g, src, rid, src AS src2, rid AS rid2 FROM carries
    UNION
    SELECT reach.g, reach.src, reach.rid, n.src2, n.rid2
      FROM reach JOIN neighbour n ON n.g = reach.g AND n.src = reach.src2 AND n.rid = reach.rid2)
  SELECT g, src, rid, min(format('s%s/%s', src2, rid2)) AS person, place, name
    FROM reach JOIN source USING (g, src) GROUP BY g, src, rid, place, name;
CREATE INDEX ON person (g, src, rid);
ANALYZE person;

-- Every value with what its place in the order depends on; then, by column, in that order.
CREATE UNLOGGED TABLE value AS
  WITH one AS (
    SELECT c.g, c.src, s.layout, s.dated, c.rid, c.updated_at, kind, typed, n
      FROM cell c JOIN source s USING (g, src),
           LATERAL (SELECT 'email' AS kind, * FROM unnest(email) WITH ORDINALITY u(typed, n)
                    UNION ALL SELECT 'user_id', * FROM unnest(user_id) WITH ORDINALITY u
                    UNION ALL SELECT 'anonymous_id', * FROM unnest(anonymous_id) WITH ORDINALITY u
                    UNION ALL SELECT 'phone', * FROM unnest(phone) WITH ORDINALITY u
                    UNION ALL SELECT 'badge', * FROM unnest(badge) WITH ORDINALITY u
                    UNION ALL SELECT 'plan', * FROM unnest(plan) WITH ORDINALITY u) u),
  dates AS (
    SELECT *, CASE WHEN NOT dated THEN NULL WHEN layout = 'rows' THEN row_date(updated_at, n) ELSE updated_at END AS row_changed FROM one)
  SELECT p.g, p.person, p.place, p.name, p.rid, kind, typed,
         CASE WHEN kind = 'email' AND typed NOT LIKE '%_@_%._%' THEN NULL
              WHEN kind IN ('email', 'badge') THEN lower(trim(typed))
              WHEN kind = 'phone' THEN regexp_replace(typed, '[^0-9+]', '', 'g')
              WHEN kind = 'plan' THEN typed
              ELSE trim(typed) END AS shown,
         max(row_changed) OVER (PARTITION BY p.g, p.src, p.rid) AS record_changed, row_changed, n
    FROM dates JOIN person p USING (g, src, rid);
ALTER TABLE value ADD COLUMN last boolean;
UPDATE value SET last = CASE kind WHEN 'plan' THEN trim(typed) IN ('null', 'N/A') ELSE shown IS NULL OR EXISTS (SELECT FROM never WHERE (never.g, never.kind, never.value) = (value.g, value.kind, value.shown)) END;
CREATE UNLOGGED TABLE candidate AS
  SELECT g, person, kind AS col, shown, last, place, record_changed, rid, row_changed, n FROM value WHERE trim(shown) <> ''
  UNION ALL
  SELECT g, person, name || '_' || kind, typed, last, place, record_changed, rid, row_changed, n FROM value WHERE trim(typed) <> ''
  UNION ALL
  SELECT DISTINCT g, person, name || '_id', rid, false, place, record_changed, rid, NULL::timestamptz, 1 FROM value
  UNION ALL
  SELECT DISTINCT g, person, 'sources', name, false, place, NULL::timestamptz, NULL, NULL::timestamptz, 1 FROM value;
CREATE UNLOGGED TABLE theirs AS
  SELECT g, person, col, array_agg(shown ORDER BY best) AS shown
    FROM (SELECT g, person, col, shown, min(rank) AS best
            FROM (SELECT *, row_number() OVER (PARTITION BY g, person, col
                      ORDER BY last, place, record_changed DESC NULLS LAST, length(rid), rid COLLATE "C", row_changed DESC NULLS LAST, n) AS rank
                    FROM candidate) c
           GROUP BY g, person, col, shown) d
   GROUP BY g, person, col
  UNION ALL
  SELECT g, person, 'record_count', ARRAY[count(*)::text] FROM person GROUP BY g, person;

-- Ours: each graph asks for all of its columns as arrays, then for all as scalars; every answer becomes rows (column, values).
CREATE UNLOGGED TABLE answer (g int, identity_id uuid, arrays bool, row jsonb);
SET client_min_messages = error;  -- of what is too common
DO $$
DECLARE
  n int;
  names text[];
BEGIN
  FOR n IN SELECT g FROM graph ORDER BY g LOOP
    SELECT array_agg(col ORDER BY random()) INTO names
      FROM (SELECT unnest('{email,user_id,anonymous_id,phone,badge,plan}'::text[])
            UNION SELECT name || '_' || kind FROM source, unnest('{id,email,user_id,anonymous_id,phone,badge,plan}'::text[]) kind WHERE g = n) c(col);
    BEGIN
      EXECUTE format('INSERT INTO answer SELECT %1$s, identity_id, true, to_jsonb(r) - ''identity_id'' FROM resolve_identities(VARIADIC master_clauses(%1$s)) AS r(identity_id uuid, record_count bigint, sources text[], %2$s)',
                     n, array_to_string(names, ' text[], ') || ' text[]');
      EXECUTE format('INSERT INTO answer SELECT %1$s, identity_id, false, to_jsonb(r) - ''identity_id'' FROM resolve_identities(VARIADIC master_clauses(%1$s)) AS r(record_count text, identity_id uuid, sources varchar[], %2$s)',
                     n, array_to_string(names, ' text, ') || ' text');
    EXCEPTION WHEN OTHERS THEN
      RAISE INFO 'graph %: %', n, SQLERRM;  -- seen whatever client_min_messages is
    END;
  END LOOP;
END $$;
SET client_min_messages = warning;
CREATE UNLOGGED TABLE ours AS
  SELECT g, identity_id, arrays, key AS col,
         CASE jsonb_typeof(value) WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(value)) ELSE ARRAY[value #>> '{}'] END AS shown
    FROM answer, jsonb_each(row) WHERE jsonb_typeof(value) <> 'null' AND value <> '[]';
CREATE INDEX ON ours (g, identity_id);
ANALYZE ours;
-- A person is known by the records it shows: its least one is in some array column.
CREATE UNLOGGED TABLE named AS
  SELECT g, identity_id, min(substr(col, 1, position('_' IN col) - 1) || '/' || rid) AS person
    FROM ours, unnest(shown) rid WHERE arrays AND col ~ '^s\d+_id$' GROUP BY g, identity_id;

CREATE UNLOGGED TABLE difference AS
  SELECT coalesce(o.g, t.g) AS g, coalesce(o.person, t.person) AS person, coalesce(o.arrays, t.arrays) AS arrays, coalesce(o.col, t.col) AS col, o.shown AS ours, t.shown AS theirs
    FROM (SELECT * FROM ours LEFT JOIN named USING (g, identity_id)) o
    FULL JOIN (SELECT g, person, col, arrays, CASE WHEN arrays OR col = 'sources' THEN shown ELSE shown[1:1] END AS shown FROM theirs, (VALUES (true), (false)) a(arrays)) t
      ON (o.g, o.person, o.arrays, o.col) = (t.g, t.person, t.arrays, t.col)
   WHERE o.shown IS DISTINCT FROM t.shown;

\pset footer off
SELECT (SELECT count(*) FROM named) AS identities, (SELECT count(*) FROM ours) AS "values compared", (SELECT max(cardinality(shown)) FROM ours) AS "most in one column",
       (SELECT count(*) FROM theirs t JOIN candidate c ON (t.g, t.person, t.col, t.shown[1]) = (c.g, c.person, c.col, c.shown)
         WHERE NOT c.last AND EXISTS (SELECT FROM candidate d WHERE (d.g, d.person, d.col) = (t.g, t.person, t.col) AND d.last AND d.place < c.place)) AS "values that would have been first";
SELECT * FROM difference ORDER BY g, person, arrays, col LIMIT 20;
SELECT 'oracle of the master: ' || (SELECT count(*) FROM graph) || ' graphs, '
       || (SELECT count(DISTINCT g) FROM difference) || ' differences' AS verdict \gset
\echo :verdict
