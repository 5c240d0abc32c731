-- Identity maps: what those may ask who may read a map's table (src/map/answers.cc). The internal functions run as the map's
-- owner. Those that look something up are VOLATILE, so that each takes a snapshot when it has its locks; what a user calls is
-- STABLE, so that WHERE identity_id = identity_of(...) is answered by an index.

-- identity_current() as the map's owner.
CREATE FUNCTION identity_internal.identity_map_get_current(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  id uuid;
BEGIN
  EXECUTE format('WITH RECURSIVE chain (id) AS (
      SELECT $1 UNION SELECT g.into_id FROM chain JOIN %1$sretired AS g ON g.identity_id = chain.id WHERE g.into_id IS NOT NULL)
    SELECT i.identity_id FROM chain JOIN %1$sidentities AS i ON i.identity_id = chain.id', identity_internal.identity_map_prefix(m.map_id))
  INTO id USING (a ->> 'identity_id')::uuid;
  RETURN jsonb_build_object('id', id);
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_get_current(identity_internal.identity_map_catalog, jsonb) IS 'internal: identity_current() as the owner of the map';

-- identity_of() as the map's owner.
CREATE FUNCTION identity_internal.identity_map_get_of(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source integer := (m.numbers ->> (a ->> 'source'))::integer;
BEGIN
  IF source IS NULL THEN
    RAISE EXCEPTION 'the identity map has no source "%"', a ->> 'source' USING ERRCODE = 'undefined_object',
      DETAIL = format('Its sources are %s.', array_to_string(m.source_names, ', ')),
      HINT = 'Name the source as its clause does. A value such as an address is looked up by its kind: identity_of_value(map, kind, value).';
  END IF;
  RETURN jsonb_build_object('id', (SELECT min(r.identity_id::text) FROM identity_internal.identity_map_members(m.map_id, NULL,
    ARRAY[identity_internal.identity_map_record(m.secret, a ->> 'source', a ->> 'record_id')]) AS r));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_get_of(identity_internal.identity_map_catalog, jsonb) IS 'internal: identity_of() as the owner of the map';

-- identity_of_value() as the map's owner: a list of ids, rising.
CREATE FUNCTION identity_internal.identity_map_get_of_value(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN to_jsonb(identity_internal.identity_map_carriers(m.map_id,
    identity_internal.identity_map_value_keys(m.blank_sources || m.rules || m.state, a ->> 'kind', a ->> 'value', a ->> 'scope')));
END $$;
COMMENT ON FUNCTION identity_internal.identity_map_get_of_value(identity_internal.identity_map_catalog, jsonb) IS
  'internal: identity_of_value() as the owner of the map';

-- The query of identity_map_records().
CREATE FUNCTION identity_internal.identity_map_records_text(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT jsonb_build_object('query', format('SELECT r.identity_id, s.name::text AS source, r.record_id FROM identity_internal.identity_map_all_records(%s) AS r
    JOIN unnest(%L::text[], %L::integer[]) AS s (name, number) ON s.number = r.source', m.map_id, m.source_names, m.source_numbers));
END;
COMMENT ON FUNCTION identity_internal.identity_map_records_text(identity_internal.identity_map_catalog, jsonb) IS
  'internal: the query of identity_map_records()';

-- The query of identity_map_retired(). From those that are, back to those that went into them: each retired id is met once, however
-- long the chains are. Those that are not met are nobody now. $1: since when, or NULL.
CREATE FUNCTION identity_internal.identity_map_retired_text(m identity_internal.identity_map_catalog, a jsonb) RETURNS jsonb
  LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT jsonb_build_object('query', format('WITH RECURSIVE followed (id, now_id) AS (
      SELECT g.identity_id, g.into_id FROM %1$sretired AS g JOIN %1$sidentities AS i ON i.identity_id = g.into_id
      UNION SELECT g.identity_id, f.now_id FROM followed AS f JOIN %1$sretired AS g ON g.into_id = f.id)
    SELECT g.identity_id::uuid, f.now_id::uuid AS current_id, g.at::timestamptz AS retired_at
    FROM %1$sretired AS g LEFT JOIN followed AS f ON f.id = g.identity_id
    WHERE $1 IS NULL OR g.at >= $1 ORDER BY g.at, g.identity_id',
    identity_internal.identity_map_prefix(m.map_id)));
END;
COMMENT ON FUNCTION identity_internal.identity_map_retired_text(identity_internal.identity_map_catalog, jsonb) IS
  'internal: the query of identity_map_retired()';

-- identity_current(map, identity_id): the identity that an id, maybe a retired one, stands for now; NULL if
-- nobody. For those who may SELECT from the map.
CREATE FUNCTION @extschema@.identity_current(map regclass, identity_id uuid) RETURNS uuid
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.identity_current(regclass, uuid) IS 'the identity that an id, maybe a retired one, stands for now';

-- identity_of(map, source, record_id): the identity of a record, under the map's own id; NULL where the map does not have the record.
-- The record id as a source's query gives it, as text; blanks around it do not count. By index. For those who may SELECT from the map.
-- Errors: 42704 for what is no map and for a source that the map does not have, 42501.
CREATE FUNCTION @extschema@.identity_of(map regclass, source text, record_id text) RETURNS uuid
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION @extschema@.identity_of(regclass, text, text) IS 'the identity of a record of an identity map';

-- identity_of_value(map, kind, value, scope): the identities that have a record with this identifier, rising; none where nobody has it.
-- The value is spelled as the map spells it, by its rules and aliases: an address may be typed in any letter case, a telephone number as
-- the rule's region has it. A value that never links, such as n/a, finds nobody. It has a name of its own as a function of PostgreSQL's is told
-- apart by its types alone, and these are those of identity_of(). By index. For those who may SELECT from the map.
--   scope  of a kind whose values link within a column's value, such as tenant: that value. Of one whose values link within a source:
--          the source; NULL: each of them
-- Errors: 42704 for what is no map and a kind that is none, 22023 for a kind that does not link, 22004 without the scope that a kind needs, 42501.
CREATE FUNCTION @extschema@.identity_of_value(map regclass, kind text, value text, scope text DEFAULT NULL) RETURNS SETOF uuid
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION @extschema@.identity_of_value(regclass, text, text, text) IS 'the identities that have an identifier in an identity map';

CREATE FUNCTION @extschema@.identity_map_records_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_map_records_support(internal) IS 'planner support: how many rows identity_map_records() gives';

-- identity_map_records(map): each record of a map once, with its identity: what to join with and to count. As identity_records(), but
-- under the map's own ids, and read from the state: nothing is resolved. What identify() was told is of the source `identify`.
-- For those who may SELECT from the map, all of its rows. Errors: 22004 for no map, 42704 for what is none, 42501.
CREATE FUNCTION @extschema@.identity_map_records(map regclass)
  RETURNS TABLE (identity_id uuid, source text, record_id text)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 100000 SUPPORT @extschema@.identity_map_records_support;
COMMENT ON FUNCTION @extschema@.identity_map_records(regclass) IS 'the records of an identity map, each with its identity';

-- identity_map_retired(map, since): the ids that are no more, those that were retired first come first; retired since a time.
--   current_id  who has its records now, followed through all later mergers as identity_current() follows it; NULL where nobody has
--   retired_at  the time of the refresh, or call, that retired it
-- For those who may SELECT from the map, all of its rows. Errors: 22004 for no map, 42704 for what is none, 42501.
CREATE FUNCTION @extschema@.identity_map_retired(map regclass, since timestamptz DEFAULT NULL)
  RETURNS TABLE (identity_id uuid, current_id uuid, retired_at timestamptz)
  AS 'MODULE_PATHNAME' LANGUAGE c STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION @extschema@.identity_map_retired(regclass, timestamptz) IS 'the ids of an identity map that are no more, and who they are now';

-- identity_map_history(map, since, identity_id): what happened to identities, the oldest first; since a time,
-- of one identity. For those who may SELECT from the map.
--   event      created: of new records alone; split: of records of from_ids; merged: took in records of
--              from_ids; retired: is no more, its records went into into_id, or are gone (NULL); revived: had been
--              retired as all of its records were gone, of which some are back
--   by_kind, by_value   the identifier that joined what was merged; NULL once it was forgotten
-- The first fill of a map is no event. Errors: 22004 for no map, 42704 for what is none, 42501.
CREATE FUNCTION @extschema@.identity_map_history(map regclass, since timestamptz DEFAULT NULL, identity_id uuid DEFAULT NULL)
  RETURNS TABLE (at timestamptz, event text, identity_id uuid, from_ids uuid[], into_id uuid, by_kind text, by_value text)
  AS 'MODULE_PATHNAME' LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1000;
COMMENT ON FUNCTION @extschema@.identity_map_history(regclass, timestamptz, uuid) IS
  'what happened to a map''s identities: created, merged, split, retired, revived';
