-- The definition list of a call, written by the machine.

-- identity_columns(clauses): the column definition list of resolve_identities() for these clauses, as text
-- to stand in AS (...): segment_id text, email text, zendesk_id bigint, stripe_id text[].
--   order   each source's record ids in the order of the clauses, and after them the kinds that no source
--           before it has. A kind that is the very record id of a source is shown there and not again
--   types   those of the sources' queries (bigint, uuid, numeric, timestamptz ...), and text for all that is
--           spelled anew (addresses, phone numbers) or has no type that reads it back as it is
--   arrays  record ids where an identity has several in that source; values of a kind where a rule says that an
--           identity may have several (max_per_identity other than 1) and one has. Found by resolving once
-- identity_id, record_count, sources and <source>_<kind> are not in the list: add what is wanted.
-- Errors: as resolve_identities(). A WARNING names a column that is left out as its name means two things.
CREATE FUNCTION @extschema@.identity_columns(VARIADIC clauses @extschema@.identity_clause[]) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION @extschema@.identity_columns(@extschema@.identity_clause[]) IS
  'the column definition list of resolve_identities() for these clauses, with types, ready to stand in AS (...)';

CREATE FUNCTION @extschema@.identity_columns() RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_columns() IS 'raises the error that there is no source to resolve';
