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
--   records                  of each source and in all
--   records without identifier   of sources that have such: those that carry nothing at all
--   identities               of each source and in all: an identity counts in each of its sources
--   duplicate records        of sources that have such: records beyond the first of their identity there
--   match rate, %            of the records of each source, those whose identity has a record of any other
--                            source; by pairs of sources: identity_match_rates()
--   identities joined by     of identities of several records: by links of that kind alone
--   identities of n records  how large identities are
--   identifiers              by status, and by status and kind
--   identifiers by source    by source and status, where there are any
--   role addresses shared    of sources that have such: those on more of its records than role_max_records;
--                            they link nobody
--   most shared              the twenty values that most records carry: how many
--   records that hold most identifiers   of one kind, ten or more; the twenty: how many
--   largest identities       the ten with most records, from three on: how many; with their sources
--   held together by         behind each of them up to three identifiers or records without which it would fall
--                            into parts: how many records would not be in the largest, from two on
-- Errors: as resolve_identities().
CREATE FUNCTION @extschema@.identity_report(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (metric text, subject text, value numeric)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 100;
COMMENT ON FUNCTION @extschema@.identity_report(@extschema@.identity_clause[]) IS
  'what came of a resolve, in numbers: records and identities, match rates, sizes, statuses, what is shared most, what holds the largest together';

-- identity_match_rates(clauses): of the records of each source, how many belong to a person whom another source
-- has too: a row for each two sources, in the order of the clauses.
--   records  of the source
--   matched  those of them whose identity has a record of the other
--   share    matched / records, to four digits; NULL where there are no records
-- Errors: as resolve_identities().
CREATE FUNCTION @extschema@.identity_match_rates(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (source text, other text, records bigint, matched bigint, share numeric)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 100;
COMMENT ON FUNCTION @extschema@.identity_match_rates(@extschema@.identity_clause[]) IS
  'of each two sources: how many records of the one belong to a person whom the other has too';

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
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_report() IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_match_rates()
  RETURNS TABLE (source text, other text, records bigint, matched bigint, share numeric)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_match_rates() IS 'raises the error that there is no source to resolve';
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
