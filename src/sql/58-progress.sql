-- Progress: a long build, or the refresh of a map, watched from another session.

-- identity_get_progress(): the resolves and refreshes that are going on in this server, one row for each; the view
-- identity_progress below shows them. Everybody sees that there is one; the rest only of their own
-- roles' sessions, or as a member of pg_read_all_stats.
CREATE FUNCTION @extschema@.identity_get_progress(
    OUT pid integer, OUT datid oid, OUT usesysid oid, OUT started timestamptz, OUT result text,
    OUT stage text, OUT source integer, OUT sources integer, OUT records_read bigint,
    OUT records_estimated bigint, OUT identifiers bigint, OUT identities bigint,
    OUT identities_emitted bigint, OUT bytes_spilled bigint, OUT workers integer,
    OUT share_done double precision, OUT map oid, OUT phase text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 ROWS 5;
COMMENT ON FUNCTION @extschema@.identity_get_progress() IS
  'the resolves and refreshes that are going on in this server, as the view identity_progress shows them';

-- identity_progress: one row for each resolve and each refresh of a map that is going on.
--   result              what is built: identities, combinations, records, links or evidence; refresh: a map is refreshed
--   stage               of a resolve, also of one within a refresh: scan, union, guard, label, emit
--   source, sources     which source is being read, and of how many, in the order of the clauses
--   records_read        rows read from the sources; records_estimated: as many as the planner expects
--   identifiers         that were found in them
--   identities          how many there are, known from the stage emit on; identities_emitted: those
--                       that have been read out
--   bytes_spilled       to temporary files
--   workers             parallel workers that read the source
--   share_done          an estimate from 0 to 1, which never falls; of a refresh, of its phase
--   map                 of a refresh in this database: the table, as identity_maps has it
--   phase               of a refresh: wait, prepare, read, reach, resolve, write, index, analyze, finish
--   waits_for           the lock that the session waits for: relation, transactionid, object, ...
-- While a refresh makes an index or analyses a table PostgreSQL reports that in the session's one place for progress. Then its report
-- is shown here, and the map by the lock that a refresh holds (src/map/calls.h).
CREATE VIEW @extschema@.identity_progress AS
  WITH held AS (
    SELECT l.pid, m.map, m.map_id FROM pg_catalog.pg_locks AS l JOIN identity_internal.identity_map_catalog AS m ON m.map_id = l.objid::bigint
    WHERE l.locktype = 'object' AND l.classid = 'identity_internal.identity_map_catalog'::regclass AND l.objsubid = 1 AND l.granted
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())),
  its_own AS (  -- relations of the state and the table itself, by the map
    SELECT h.pid, h.map, c.oid AS relation
    FROM held AS h JOIN pg_catalog.pg_class AS c
      ON c.oid = h.map OR c.relnamespace = 'identity_state'::regnamespace AND pg_catalog.starts_with(c.relname, 'm' || h.map_id || '_')),
  going_on AS (
    SELECT p.pid, p.datid, p.usesysid, p.started, p.result, p.stage, p.source, p.sources, p.records_read, p.records_estimated, p.identifiers, p.identities,
           p.identities_emitted, p.bytes_spilled, p.workers, p.share_done, p.map, p.phase
    FROM @extschema@.identity_get_progress() AS p
    UNION ALL
    SELECT i.pid, i.datid, a.usesysid, a.query_start, 'refresh', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           i.tuples_done::double precision / nullif(i.tuples_total, 0), o.map::oid, 'index'
    FROM pg_catalog.pg_stat_progress_create_index AS i JOIN its_own AS o ON o.pid = i.pid AND o.relation = i.relid JOIN pg_catalog.pg_stat_activity AS a ON a.pid = i.pid
    UNION ALL
    SELECT i.pid, i.datid, a.usesysid, a.query_start, 'refresh', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           i.sample_blks_scanned::double precision / nullif(i.sample_blks_total, 0), o.map::oid, 'analyze'
    FROM pg_catalog.pg_stat_progress_analyze AS i JOIN its_own AS o ON o.pid = i.pid AND o.relation = i.relid JOIN pg_catalog.pg_stat_activity AS a ON a.pid = i.pid)
  SELECT p.pid, p.datid, d.datname, p.usesysid, pg_catalog.pg_get_userbyid(p.usesysid) AS usename,
         p.started, pg_catalog.clock_timestamp() - p.started AS elapsed, p.result, p.stage,
         p.source, p.sources, p.records_read, p.records_estimated, p.identifiers, p.identities,
         p.identities_emitted, p.bytes_spilled, p.workers, p.share_done,
         (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.oid = p.map AND d.datname = pg_catalog.current_database()) AS map,
         p.phase, CASE WHEN a.wait_event_type = 'Lock' THEN a.wait_event END AS waits_for
  FROM going_on AS p
    LEFT JOIN pg_catalog.pg_database AS d ON d.oid = p.datid
    LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid;
COMMENT ON VIEW @extschema@.identity_progress IS
  'how far each resolve and each refresh of a map is that is going on in this server';
GRANT SELECT ON @extschema@.identity_progress TO PUBLIC;
