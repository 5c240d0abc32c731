-- The extension is trusted: this script runs as the bootstrap superuser, in a schema that a role without further
-- rights may own, and may have filled with functions, operators, types and tables of any name before. So nothing
-- here is found by way of that schema: every name without one is PostgreSQL's own, and everything of ours is named
-- with its schema. The setting ends with the script.
SET LOCAL search_path = pg_catalog, pg_temp;

-- What users do not call: in a schema where nobody else can create anything. Bodies that are kept as text
-- (PL/pgSQL, statements in the catalog of maps) refer to this schema alone, so that the extension's own schema may
-- be renamed; where they need something of that schema, a twin stands here.
CREATE SCHEMA identity_internal;
REVOKE ALL ON SCHEMA identity_internal FROM PUBLIC;
COMMENT ON SCHEMA identity_internal IS 'what identity_resolve is made of: of no use to anybody else';

