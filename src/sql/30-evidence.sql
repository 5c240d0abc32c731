-- The evidence: what each identifier of each record links, what it does not, and why.

-- identity_links(clauses): one row for each identifier of each record, each once. A record without
-- identifiers has no row here; identity_records() has it.
--   value           as normalised; an invalid one as typed
--   status          links        joins the record to another record of its identity
--                   alone        no other record carries it
--                   invalid      is none of its kind
--                   blocked      a rule or identity_blocked_values() forbids it
--                   too_common   more records of one source carry it than max_records, or than
--                                role_max_records where it is a role address
--                   conflict     the link would break max_per_identity, and a stronger claim came first
--                   ambiguous    people with equally strong claims: it joins none of them
--                   not_linking  its kind does not link, or, of a fallback kind, a stronger one does
--   linked_records  how many other records carry the same value, whether or not it links them
-- Errors: as resolve_identities().
CREATE FUNCTION @extschema@.identity_links(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (identity_id uuid, source text, record_id text, kind text, value text, status text,
                 linked_records bigint)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10000
  SUPPORT @extschema@.resolve_identities_support;
COMMENT ON FUNCTION @extschema@.identity_links(@extschema@.identity_clause[]) IS
  'the evidence: each identifier of each record, with what became of it and why';

-- identity_evidence(clauses): identity_records() and identity_links() of one resolve. A row for each
-- record, in which kind, value, status and linked_records are NULL, and after it those of its
-- identifiers. Behind them all, with NULL for identity_id and record_id, a row for each source of which
-- rows were left out, as they name no record: its status is left_out, linked_records how many rows they
-- are; and one for each source that has role addresses on more records than role_max_records: its status
-- is roles_shared, linked_records how many addresses they are.
-- Errors: as resolve_identities().
CREATE FUNCTION @extschema@.identity_evidence(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (identity_id uuid, source text, record_id text, kind text, value text, status text,
                 linked_records bigint)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10000
  SUPPORT @extschema@.resolve_identities_support;
COMMENT ON FUNCTION @extschema@.identity_evidence(@extschema@.identity_clause[]) IS
  'each record, and each of its identifiers with what became of it: records and links of one resolve';

-- explain_identity(source_a, id_a, source_b, id_b, clauses): why two records are one identity, or why
-- they are not: the chain of identifiers between them, a row a step, with as few refused steps as can
-- be and then as few steps. Row 0 says how they stand. Where nothing connects them, the rows show what
-- each of them carries.
-- Errors: 22023 for a source or a record that is not there; as resolve_identities().
CREATE FUNCTION @extschema@.explain_identity(source_a text, id_a text, source_b text, id_b text,
                                 VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (step integer, explanation text, from_source text, from_id text, kind text,
                 value text, status text, to_source text, to_id text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 5;
COMMENT ON FUNCTION @extschema@.explain_identity(text, text, text, text, @extschema@.identity_clause[]) IS
  'why two records are one identity, or why they are not: the chain of identifiers between them, in words';

-- identity_graph(source, id, clauses): the identity of a record as a picture, in the language DOT of
-- Graphviz. Records are boxes, identifiers ellipses; a link that was refused is dashed and says why,
-- and beyond it stand, in grey, some of the records that it was not joined to. Of a large identity 100
-- records are drawn, the one that is asked about among them, and of a record 50 identifiers.
-- Errors: 22023 for a source or a record that is not there; as resolve_identities().
CREATE FUNCTION @extschema@.identity_graph(source text, id text, VARIADIC clauses @extschema@.identity_clause[])
  RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION @extschema@.identity_graph(text, text, @extschema@.identity_clause[]) IS
  'a picture of one identity, its records and identifiers, as Graphviz DOT';

-- identity_report(clauses): what came of a resolve, in numbers. The metrics, in this order:
--   rows left out            of sources that have such rows: those that name no record
--   records, identities      of each source and in all: an identity counts in each of its sources
--   match rate, %            of the records of one source, those whose identity has a record of another
--   identities joined by     of identities of several records: by links of that kind alone
--   identities of n records  how large identities are
--   identifiers              by status, and by status and kind
--   role addresses shared    of sources that have such: those on more of its records than role_max_records;
--                            they link nobody
--   most shared              the twenty values that most records carry: how many
--   records that hold most identifiers   of one kind, ten or more; the twenty: how many
-- Errors: as resolve_identities().
CREATE FUNCTION @extschema@.identity_report(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (metric text, subject text, value numeric)
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 ROWS 100
BEGIN ATOMIC
  WITH sources AS (
    SELECT (c.clause::jsonb ->> 'name') AS source, c.place
    FROM unnest(identity_report.clauses) WITH ORDINALITY AS c (clause, place)
    WHERE (c.clause::jsonb ->> 'clause') = 'source'),
  evidence AS MATERIALIZED (
    SELECT e.identity_id, e.source, e.record_id, e.kind, e.value, e.status, e.linked_records
    FROM @extschema@.identity_evidence(VARIADIC identity_report.clauses) AS e),
  records AS (SELECT e.identity_id, e.source FROM evidence AS e WHERE e.kind IS NULL AND e.status IS NULL),
  links AS (
    SELECT e.identity_id, e.source, e.record_id, e.kind, e.value, e.status, e.linked_records
    FROM evidence AS e WHERE e.kind IS NOT NULL),
  presence AS MATERIALIZED (
    SELECT r.identity_id, r.source, count(*) AS records FROM records AS r GROUP BY 1, 2),
  sizes AS MATERIALIZED (
    SELECT p.identity_id, sum(p.records) AS records FROM presence AS p GROUP BY 1),
  ranges (place, low, high, name) AS (
    VALUES (1, 1, 1, '1'), (2, 2, 2, '2'), (3, 3, 3, '3'), (4, 4, 5, '4 to 5'), (5, 6, 10, '6 to 10'),
           (6, 11, 100, '11 to 100'), (7, 101, 1000, '101 to 1000'),
           (8, 1001, 2147483647, 'more than 1000')),
  joined AS (
    SELECT l.identity_id, min(l.kind) AS kind, min(l.kind) = max(l.kind) AS by_one_kind
    FROM links AS l WHERE l.status = 'links' GROUP BY 1),
  statuses (place, status) AS (
    VALUES (1, 'links'), (2, 'alone'), (3, 'invalid'), (4, 'blocked'), (5, 'too_common'),
           (6, 'conflict'), (7, 'ambiguous'), (8, 'not_linking')),
  metrics (part, place, metric, subject, value) AS (
    SELECT 0, s.place, 'rows left out', s.source, e.linked_records
    FROM sources AS s JOIN evidence AS e ON e.source = s.source AND e.status = 'left_out'
    UNION ALL
    SELECT 1, s.place, 'records', s.source, coalesce(sum(p.records), 0)
    FROM sources AS s LEFT JOIN presence AS p ON p.source = s.source GROUP BY s.place, s.source
    UNION ALL
    SELECT 1, 1000000, 'records', 'all sources', count(*) FROM records
    UNION ALL
    SELECT 2, s.place, 'identities', s.source, count(p.identity_id)
    FROM sources AS s LEFT JOIN presence AS p ON p.source = s.source GROUP BY s.place, s.source
    UNION ALL
    SELECT 2, 1000000, 'identities', 'all sources', count(*) FROM sizes
    UNION ALL
    SELECT 3, a.place * 100000 + b.place, 'match rate, %', a.source || ' in ' || b.source,
           round(100.0 * coalesce(sum(p.records) FILTER (WHERE other.identity_id IS NOT NULL), 0)
                 / nullif(sum(p.records), 0), 1)
    FROM sources AS a JOIN sources AS b ON a.place <> b.place
    LEFT JOIN presence AS p ON p.source = a.source
    LEFT JOIN presence AS other ON other.source = b.source AND other.identity_id = p.identity_id
    GROUP BY a.place, b.place, a.source, b.source
    UNION ALL
    SELECT 4, CASE WHEN j.by_one_kind THEN 1 ELSE 2 END, 'identities joined by',
           CASE WHEN j.by_one_kind THEN j.kind || ' alone' ELSE 'several kinds' END, count(*)
    FROM joined AS j GROUP BY 2, 4
    UNION ALL
    SELECT 5, r.place, 'identities of n records', r.name, count(s.identity_id)
    FROM ranges AS r LEFT JOIN sizes AS s ON s.records BETWEEN r.low AND r.high
    GROUP BY r.place, r.name
    UNION ALL
    SELECT 6, s.place * 10, 'identifiers', s.status, count(l.status)
    FROM statuses AS s LEFT JOIN links AS l ON l.status = s.status GROUP BY s.place, s.status
    UNION ALL
    SELECT 6, s.place * 10 + 1, 'identifiers', s.status || ', ' || l.kind, count(*)
    FROM statuses AS s JOIN links AS l ON l.status = s.status GROUP BY s.place, s.status, l.kind
    UNION ALL
    SELECT 7, s.place, 'role addresses shared', s.source, e.linked_records
    FROM sources AS s JOIN evidence AS e ON e.source = s.source AND e.status = 'roles_shared'
    UNION ALL
    SELECT 8, shared.place, 'most shared', shared.subject, shared.records
    FROM (SELECT row_number() OVER (ORDER BY max(l.linked_records) DESC, l.kind COLLATE "C",
                                    l.value COLLATE "C") AS place,
                 l.kind || ' ' || l.value
                   || CASE WHEN bool_and(l.status = 'links') THEN ''
                           ELSE ' (' || string_agg(DISTINCT l.status, ', ') || ')' END AS subject,
                 max(l.linked_records) + 1 AS records
          FROM links AS l WHERE l.linked_records > 0 GROUP BY l.kind, l.value) AS shared
    WHERE shared.place <= 20
    UNION ALL
    SELECT 9, held.place, 'records that hold most identifiers', held.source || ' ' || held.record_id || ': ' || held.kind, held.identifiers
    FROM (SELECT row_number() OVER (ORDER BY count(*) DESC, l.source COLLATE "C", l.record_id COLLATE "C", l.kind COLLATE "C") AS place,
                 l.source, l.record_id, l.kind, count(*) AS identifiers
          FROM links AS l GROUP BY l.source, l.record_id, l.kind HAVING count(*) >= 10) AS held
    WHERE held.place <= 20)
  SELECT m.metric, m.subject, m.value::numeric FROM metrics AS m
  ORDER BY m.part, m.place, m.subject COLLATE "C";
END;
COMMENT ON FUNCTION @extschema@.identity_report(@extschema@.identity_clause[]) IS
  'what came of a resolve, in numbers: records and identities, match rates, sizes, statuses, what is shared most';

-- Without a clause there is nothing to resolve: a clear error in place of "does not exist".
CREATE FUNCTION @extschema@.identity_links()
  RETURNS TABLE (identity_id uuid, source text, record_id text, kind text, value text, status text,
                 linked_records bigint)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_links() IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_evidence()
  RETURNS TABLE (identity_id uuid, source text, record_id text, kind text, value text, status text,
                 linked_records bigint)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_evidence() IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_report() RETURNS TABLE (metric text, subject text, value numeric)
  LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT r.source, r.record_id, 0::numeric FROM @extschema@.identity_records() AS r;
END;
COMMENT ON FUNCTION @extschema@.identity_report() IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.explain_identity(source_a text, id_a text, source_b text, id_b text)
  RETURNS TABLE (step integer, explanation text, from_source text, from_id text, kind text,
                 value text, status text, to_source text, to_id text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.explain_identity(text, text, text, text) IS
  'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_graph(source text, id text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_graph(text, text) IS
  'raises the error that there is no source to resolve';
