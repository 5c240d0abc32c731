-- What is wrong with a call, before it is made.

-- identity_check(clauses): everything that is wrong with these clauses and their data at once. Nothing is
-- written. A source is read once, and twice where another one fails.
--   severity  error: resolve_identities() would raise it; warning: it most likely links too much or too
--             little; note: worth a look
--   source    NULL: it concerns no single source
--   subject   the column, kind, table or name that it is about; NULL: the source as a whole
--   problem   what is wrong, with counts and an example
--   advice    the way out
-- The rows come by severity, then by source in the order of the clauses. doc/check.md lists all there are.
-- Clauses of an identity map are taken too, with its columns.
-- Errors: 22004 for a NULL list, 22023 for a call without clauses; a cancel, and want of memory or disk.
CREATE FUNCTION @extschema@.identity_check(VARIADIC clauses @extschema@.identity_clause[])
  RETURNS TABLE (severity text, source text, subject text, problem text, advice text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 20;
COMMENT ON FUNCTION @extschema@.identity_check(@extschema@.identity_clause[]) IS
  'all that is wrong with clauses and their data at once: errors that a resolve would raise, and what is measured on the data';

CREATE FUNCTION @extschema@.identity_check()
  RETURNS TABLE (severity text, source text, subject text, problem text, advice text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_check() IS 'raises the error that there is no source to resolve';
