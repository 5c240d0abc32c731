-- Telephone numbers and ids, spelled one way.

CREATE FUNCTION @extschema@.normalize_phone(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
CREATE FUNCTION @extschema@.normalize_phone(text, region text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION @extschema@.normalize_phone(text) IS
  'the telephone number in E.164, with ;ext= and its extension; NULL if it cannot exist or is not in international form';
COMMENT ON FUNCTION @extschema@.normalize_phone(text, text) IS
  'the telephone number in E.164, with ;ext= and its extension, read as in the region; NULL if it cannot exist';

CREATE FUNCTION @extschema@.normalize_id(kind text, text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.normalize_id(text, text) IS
  'the salesforce_id, uuid or object_id in its one spelling; NULL if it does not have the kind''s form';
