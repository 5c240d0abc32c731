-- How right a resolve is: what it says of records, against a truth that the user has.

-- evaluate_truth(truth): the rows of a query that says of records who they are, as text; one that names no record or no person
-- as NULLs. The query is checked and run as a source's is.
CREATE FUNCTION identity_internal.evaluate_truth(truth text) RETURNS TABLE (source text, record_id text, person text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION identity_internal.evaluate_truth(text) IS 'internal: what a truth says';

-- evaluate_agrees(source, record_id, person_a, person_b, records): true where a truth says one thing of a record, and the error
-- where it says two; records: of how many it does.
CREATE FUNCTION identity_internal.evaluate_agrees(source text, record_id text, person_a text, person_b text, records bigint) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF person_a <> person_b THEN
    RAISE EXCEPTION 'truth: the record "%" of source "%" is of two people', record_id, source USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('They are "%s" and "%s".', person_a, person_b) || CASE WHEN records > 1 THEN format(' The truth says two things of %s records.', records) ELSE '' END,
      HINT = 'A record is of one person: correct the query, or leave such records out with GROUP BY ... HAVING count(DISTINCT person) = 1.';
  END IF;
  RETURN true;
END $$;
COMMENT ON FUNCTION identity_internal.evaluate_agrees(text, text, text, text, bigint) IS 'internal: whether a truth says one thing of a record';

-- evaluate_cells(truth, clauses): the contingency table of a truth and a resolve: how many records each (person, identity) has, and the
-- first of them. A person without identity: records that no source has, by source. Neither: rows of the truth that were left out.
--   first_record   source, length of the id, id: so the least is the first source's, and its shorter id, as ids are ordered elsewhere
-- The join is a full one that keeps the truth's records: it is done by hashing or sorting, never pair by pair, whatever the
-- planner expects of the sources.
CREATE FUNCTION identity_internal.evaluate_cells(truth text, clauses @extschema@.identity_clause[])
  RETURNS TABLE (person text, identity_id uuid, source text, records bigint, first_record text[])
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 ROWS 10000
BEGIN ATOMIC
  WITH told AS MATERIALIZED (
    SELECT t.source COLLATE "C" AS source, t.record_id COLLATE "C" AS record_id, min(t.person COLLATE "C") AS person, max(t.person COLLATE "C") AS other, count(*) AS rows
    FROM identity_internal.evaluate_truth(evaluate_cells.truth) AS t GROUP BY 1, 2),
  twice AS (
    SELECT t.source, t.record_id, t.person, t.other, count(*) OVER () AS records FROM told AS t WHERE t.person <> t.other ORDER BY t.source, octet_length(t.record_id), t.record_id LIMIT 1)
  SELECT t.person, r.identity_id, CASE WHEN r.identity_id IS NULL THEN t.source END, CASE WHEN t.person IS NULL THEN max(t.rows) ELSE count(*) END,
         min(ARRAY[t.source, to_char(octet_length(t.record_id), 'FM0000000000'), t.record_id])
  FROM told AS t FULL JOIN @extschema@.identity_records(VARIADIC evaluate_cells.clauses) AS r ON r.source COLLATE "C" = t.source AND r.record_id COLLATE "C" = t.record_id
  WHERE coalesce((SELECT identity_internal.evaluate_agrees(w.source, w.record_id, w.person, w.other, w.records) FROM twice AS w), true) AND coalesce(t.rows, 0) > 0
  GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION identity_internal.evaluate_cells(text, @extschema@.identity_clause[]) IS 'internal: the contingency table of a truth and a resolve';

-- identity_evaluate(truth, clauses): how right a resolve is.
--   truth   a query that says of records who they are, in three columns of any names and types: the source's name, the record
--           id, the person. All are compared as text, ids as identity_records() shows them. It need not have all records, and is
--           run as a source's query is: with the rights of the caller, and it writes nothing
-- A row of the truth that is NULL or blank in a column is left out; so is a record that no source has, or that names another source.
-- The same record several times with one person is one record. What is compared are the records that both have, and of identities
-- these records only. The metrics, always all and in this order:
--   rows left out    of the truth: those that name no record or no person
--   records          in the truth; not in the sources; compared
--   not in the sources   by source, where there are such: the twenty sources of the truth with most of them
--   people           in the truth, of the records compared
--   identities       found for them
--   people found exactly   those whose records are one identity that has nobody else's; and their share of all people
--   pairs            of two records: true: of one person; found: of one identity; right: both
--   pairs            precision: right / found; recall: right / true; F1: the harmonic mean of both, 2 right / (found + true)
--   B-cubed          precision: the mean, over records, of the share that the record's person has of its identity; recall: of the
--                    share that its identity has of its person; F1: their harmonic mean
-- Shares have six digits; one without anything to divide by is NULL. Pairs are counted by (person, identity), in time and memory
-- that grow with the records: n records are n (n - 1) / 2 pairs.
-- Sources: B-cubed is of Bagga and Baldwin, "Entity-Based Cross-Document Coreferencing Using the Vector Space Model", COLING-ACL 1998;
-- pairs as in Menestrina, Whang and Garcia-Molina, "Evaluating Entity Resolution Results", VLDB 2010.
-- Errors: 22023 for a record that is of two people in the truth; 22004 for a truth that is NULL; 42601 for one that is no single SELECT of
-- three columns, 25006 for one that writes, and what it raises, with "truth: " before it; as resolve_identities().
CREATE FUNCTION @extschema@.identity_evaluate(truth text, VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (metric text, subject text, value numeric)
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 ROWS 20
BEGIN ATOMIC
  WITH c AS MATERIALIZED (
    SELECT e.person, e.identity_id, e.source, e.records FROM identity_internal.evaluate_cells(identity_evaluate.truth, identity_evaluate.clauses) AS e),
  sized AS (
    SELECT c.records::numeric AS n, sum(c.records) OVER p AS of_person, sum(c.records) OVER i AS of_identity,
           row_number() OVER p AS person_cell, row_number() OVER i AS identity_cell
    FROM c WHERE c.identity_id IS NOT NULL WINDOW p AS (PARTITION BY c.person COLLATE "C"), i AS (PARTITION BY c.identity_id)),
  summed AS (
    SELECT coalesce(sum(s.n), 0) AS records, count(*) FILTER (WHERE s.person_cell = 1) AS people, count(*) FILTER (WHERE s.identity_cell = 1) AS identities,
           count(*) FILTER (WHERE s.n = s.of_person AND s.n = s.of_identity) AS exact,
           coalesce(div(sum(s.n * (s.of_person - 1)), 2), 0) AS pairs_true, coalesce(div(sum(s.n * (s.of_identity - 1)), 2), 0) AS pairs_found,
           coalesce(div(sum(s.n * (s.n - 1)), 2), 0) AS pairs_right,
           sum(s.n * s.n / s.of_identity) / sum(s.n) AS precise, sum(s.n * s.n / s.of_person) / sum(s.n) AS recalled
    FROM sized AS s),
  missing AS (
    SELECT c.source, sum(c.records) AS records FROM c WHERE c.identity_id IS NULL AND c.person IS NOT NULL GROUP BY c.source),
  lost AS (
    SELECT coalesce(sum(c.records) FILTER (WHERE c.person IS NULL), 0) AS rows, coalesce(sum(c.records) FILTER (WHERE c.person IS NOT NULL), 0) AS records
    FROM c WHERE c.identity_id IS NULL)
  SELECT o.metric, o.subject, o.value
  FROM (
    SELECT v.place, v.metric, v.subject, v.value
    FROM summed AS s CROSS JOIN lost AS l CROSS JOIN LATERAL (VALUES
      (1, 'rows left out', 'no record or no person', l.rows),
      (2, 'records', 'in the truth', s.records + l.records),
      (3, 'records', 'not in the sources', l.records),
      (4, 'records', 'compared', s.records),
      (6, 'people', 'in the truth', s.people),
      (7, 'identities', 'found', s.identities),
      (8, 'people found exactly', 'people', s.exact),
      (9, 'people found exactly', 'share', round(s.exact::numeric / nullif(s.people, 0), 6)),
      (10, 'pairs', 'true', s.pairs_true),
      (11, 'pairs', 'found', s.pairs_found),
      (12, 'pairs', 'right', s.pairs_right),
      (13, 'pairs', 'precision', round(s.pairs_right / nullif(s.pairs_found, 0), 6)),
      (14, 'pairs', 'recall', round(s.pairs_right / nullif(s.pairs_true, 0), 6)),
      (15, 'pairs', 'F1', round(2 * s.pairs_right / nullif(s.pairs_found + s.pairs_true, 0), 6)),
      (16, 'B-cubed', 'precision', round(s.precise, 6)),
      (17, 'B-cubed', 'recall', round(s.recalled, 6)),
      (18, 'B-cubed', 'F1', round(2 * s.precise * s.recalled / (s.precise + s.recalled), 6))) AS v (place, metric, subject, value)
    UNION ALL
    (SELECT 5, 'not in the sources', m.source, m.records FROM missing AS m ORDER BY m.records DESC, m.source COLLATE "C" LIMIT 20)) AS o
  ORDER BY o.place, o.value DESC, o.subject COLLATE "C";
END;
COMMENT ON FUNCTION @extschema@.identity_evaluate(text, @extschema@.identity_clause[]) IS
  'how right a resolve is, against a truth: pairwise and B-cubed precision, recall and F1, people found exactly, and the counts behind them';

-- identity_evaluate_pairs(truth, clauses): where a resolve and a truth differ: pairs of records to look at, the errors of most records
-- first. truth as identity_evaluate() has it, and what is compared, too.
--   status     false: one identity, but two people; missed: one person, but two identities
--   source_a, id_a, person_a, identity_a   a record of the person that has most records in the identity; of missed: of the identity that has most of the person's
--   source_b, id_b, person_b, identity_b   a record of another person in this identity; of missed: of another identity with this person
--   records    how many records stand where the second one does: of one person and one identity
-- There is one row for each person too many in an identity, and one for each identity too many of a person: never more than twice the
-- records, however many pairs are wrong. The record that stands for its like is the first by source and id. explain_identity() says why
-- the two are joined or not.
-- Errors: as identity_evaluate().
CREATE FUNCTION @extschema@.identity_evaluate_pairs(truth text, VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (status text, source_a text, id_a text, source_b text, id_b text, person_a text, person_b text, identity_a uuid, identity_b uuid, records bigint)
  LANGUAGE sql STABLE PARALLEL UNSAFE COST 100000 ROWS 1000
BEGIN ATOMIC
  WITH c AS MATERIALIZED (
    SELECT e.person COLLATE "C" AS person, e.identity_id, e.records, e.first_record COLLATE "C" AS first_record
    FROM identity_internal.evaluate_cells(identity_evaluate_pairs.truth, identity_evaluate_pairs.clauses) AS e WHERE e.identity_id IS NOT NULL)
  SELECT p.status, p.a[1], p.a[3], p.b[1], p.b[3], p.person_a, p.person_b, p.identity_a, p.identity_b, p.records
  FROM (
    SELECT 'false' AS status, first_value(c.first_record) OVER w AS a, c.first_record AS b, first_value(c.person) OVER w AS person_a, c.person AS person_b,
           c.identity_id AS identity_a, c.identity_id AS identity_b, c.records, row_number() OVER w AS n
    FROM c WINDOW w AS (PARTITION BY c.identity_id ORDER BY c.records DESC, c.first_record)
    UNION ALL
    SELECT 'missed', first_value(c.first_record) OVER w, c.first_record, c.person, c.person,
           first_value(c.identity_id) OVER w, c.identity_id, c.records, row_number() OVER w
    FROM c WINDOW w AS (PARTITION BY c.person ORDER BY c.records DESC, c.first_record)) AS p
  WHERE p.n > 1
  ORDER BY p.records DESC, p.status, p.a, p.b;
END;
COMMENT ON FUNCTION @extschema@.identity_evaluate_pairs(text, @extschema@.identity_clause[]) IS
  'where a resolve and a truth differ: a pair of records for each person too many in an identity, and for each identity too many of a person';

-- Without a clause there is nothing to resolve: a clear error in place of "does not exist".
CREATE FUNCTION @extschema@.identity_evaluate(truth text) RETURNS TABLE (metric text, subject text, value numeric)
  LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT r.source, r.record_id, NULL::numeric FROM @extschema@.identity_records() AS r;
END;
COMMENT ON FUNCTION @extschema@.identity_evaluate(text) IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_evaluate_pairs(truth text)
  RETURNS TABLE (status text, source_a text, id_a text, source_b text, id_b text, person_a text, person_b text, identity_a uuid, identity_b uuid, records bigint)
  LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT NULL::text, r.source, r.record_id, NULL::text, NULL::text, NULL::text, NULL::text, r.identity_id, r.identity_id, NULL::bigint FROM @extschema@.identity_records() AS r;
END;
COMMENT ON FUNCTION @extschema@.identity_evaluate_pairs(text) IS 'raises the error that there is no source to resolve';
