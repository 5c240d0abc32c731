-- The master table and the long form.
--
-- Both read their sources with the caller's rights, under the caller's snapshot, and write nothing.
-- They are parallel unsafe so that the sources' own queries may use parallel workers.

-- Both stream their rows: the planner is shown a scan that takes the place of the function scan, with
-- rows and cost estimated from the sources' queries. ROWS and COST stand where nothing is known of them.
CREATE FUNCTION @extschema@.resolve_identities_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.resolve_identities_support(internal) IS
  'planner support: rows of resolve_identities() and its kin are streamed, and estimated from the sources';

-- resolve_identities(clauses): one row an identity (or a combination: identity_output()).
-- The column definition list says what the row shows and as which type:
--   identity_id uuid   record_count bigint   sources text[]
--   <source>_id        record ids of a source
--   <kind>             values of a kind, normalised
--   <source>_<kind>    values of a kind as that source typed them
-- A scalar column shows the surviving value, an array all distinct ones, the surviving one first; an
-- array of ids or values may be named in the plural.
-- Errors: 22023 without a source, 22004 for a NULL clause or record id, 42703 for a column that
-- means nothing, and what a source's query or a cast raises, saying which.
CREATE FUNCTION @extschema@.resolve_identities(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10000
  SUPPORT @extschema@.resolve_identities_support;
COMMENT ON FUNCTION @extschema@.resolve_identities(@extschema@.identity_clause[]) IS
  'the master table: one row for each identity in the sources, with the columns that the definition list names';

-- identity_records(clauses): each record of the sources once, with its identity.
CREATE FUNCTION @extschema@.identity_records(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (identity_id uuid, source text, record_id text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 10000
  SUPPORT @extschema@.resolve_identities_support;
COMMENT ON FUNCTION @extschema@.identity_records(@extschema@.identity_clause[]) IS
  'the long form: each record of the sources with the identity that it belongs to';

-- Without a clause there is nothing to resolve: a clear error in place of "does not exist".
CREATE FUNCTION @extschema@.resolve_identities() RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.resolve_identities() IS 'raises the error that there is no source to resolve';
CREATE FUNCTION @extschema@.identity_records() RETURNS TABLE (identity_id uuid, source text, record_id text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_records() IS 'raises the error that there is no source to resolve';
