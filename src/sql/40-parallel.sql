-- What parallel workers run in the place of a source's query. Of no use to anybody else: an argument
-- of type internal keeps SQL from calling it.

CREATE FUNCTION identity_internal.identity_sink_row(internal, internal, bytea, VARIADIC "any") RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 40;
CREATE FUNCTION identity_internal.identity_sink_pack(internal) RETURNS bytea
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION identity_internal.identity_sink_unpack(bytea, internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION identity_internal.identity_sink_combine(internal, internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION identity_internal.identity_sink_end(internal) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
CREATE AGGREGATE identity_internal.identity_sink(internal, bytea, VARIADIC "any") (
  SFUNC = identity_internal.identity_sink_row, STYPE = internal, SSPACE = 1048576,
  SERIALFUNC = identity_internal.identity_sink_pack, DESERIALFUNC = identity_internal.identity_sink_unpack,
  COMBINEFUNC = identity_internal.identity_sink_combine, FINALFUNC = identity_internal.identity_sink_end, PARALLEL = SAFE);

COMMENT ON FUNCTION identity_internal.identity_sink_row(internal, internal, bytea, VARIADIC "any") IS
  'internal: takes a row of a source';
COMMENT ON FUNCTION identity_internal.identity_sink_pack(internal) IS 'internal: what a worker read, to the leader';
COMMENT ON FUNCTION identity_internal.identity_sink_unpack(bytea, internal) IS 'internal: what a worker read, from it';
COMMENT ON FUNCTION identity_internal.identity_sink_combine(internal, internal) IS 'internal: workers'' ends';
COMMENT ON FUNCTION identity_internal.identity_sink_end(internal) IS 'internal: the source''s end';
COMMENT ON AGGREGATE identity_internal.identity_sink(internal, bytea, VARIADIC "any") IS
  'internal: the rows of a source, read by parallel workers';
