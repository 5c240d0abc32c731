-- Telephone numbers and ids, spelled one way.

CREATE FUNCTION @extschema@.normalize_phone(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000;
-- Not STRICT: a country that is NULL in the data leaves the international form.
CREATE FUNCTION @extschema@.normalize_phone(text, region text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2000;
COMMENT ON FUNCTION @extschema@.normalize_phone(text) IS
  'the telephone number in E.164, with ;ext= and its extension; NULL if it cannot exist or is not in international form';
COMMENT ON FUNCTION @extschema@.normalize_phone(text, text) IS
  'the telephone number in E.164, with ;ext= and its extension, read as in the country (GB, gb, GBR or UK; one that is not known leaves the international form); NULL if it cannot exist';

CREATE FUNCTION @extschema@.normalize_id(kind text, text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.normalize_id(text, text) IS
  'the salesforce_id, uuid or object_id in its one spelling; NULL if it does not have the kind''s form';
