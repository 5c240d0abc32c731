-- Progress: a long build, watched from another session.

-- identity_get_progress(): the resolves that are going on in this server, one row for each; the view
-- identity_progress below shows them. Everybody sees that there is one; the rest only of their own
-- roles' sessions, or as a member of pg_read_all_stats.
CREATE FUNCTION @extschema@.identity_get_progress(
    OUT pid integer, OUT datid oid, OUT usesysid oid, OUT started timestamptz, OUT result text,
    OUT stage text, OUT source integer, OUT sources integer, OUT records_read bigint,
    OUT records_estimated bigint, OUT identifiers bigint, OUT identities bigint,
    OUT identities_emitted bigint, OUT bytes_spilled bigint, OUT workers integer,
    OUT share_done double precision)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 ROWS 5;
COMMENT ON FUNCTION @extschema@.identity_get_progress() IS
  'the resolves that are going on in this server, as the view identity_progress shows them';

-- identity_progress: one row for each resolve that is going on.
--   result              what is built: identities, combinations, records, links or evidence
--   stage               scan, union, guard, label, emit
--   source, sources     which source is being read, and of how many, in the order of the clauses
--   records_read        rows read from the sources; records_estimated: as many as the planner expects
--   identifiers         that were found in them
--   identities          how many there are, known from the stage emit on; identities_emitted: those
--                       that have been read out
--   bytes_spilled       to temporary files
--   workers             parallel workers that read the source
--   share_done          an estimate from 0 to 1, which never falls
CREATE VIEW @extschema@.identity_progress AS
  SELECT p.pid, p.datid, d.datname, p.usesysid, pg_catalog.pg_get_userbyid(p.usesysid) AS usename,
         p.started, pg_catalog.clock_timestamp() - p.started AS elapsed, p.result, p.stage,
         p.source, p.sources, p.records_read, p.records_estimated, p.identifiers, p.identities,
         p.identities_emitted, p.bytes_spilled, p.workers, p.share_done
  FROM @extschema@.identity_get_progress() AS p
    LEFT JOIN pg_catalog.pg_database AS d ON d.oid = p.datid;
COMMENT ON VIEW @extschema@.identity_progress IS
  'how far each resolve is that is going on in this server';
GRANT SELECT ON @extschema@.identity_progress TO PUBLIC;
