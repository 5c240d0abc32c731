-- How alike two values are. Both functions compare characters, not bytes, and of each value the first 1024; two values cost
-- a few milliseconds at most. Neither changes a value first: lower() and its kin are the caller's. No errors.

-- From 0 to 1. Common characters as Jaro counts them (1989); from 0.7 on a common beginning of up to four characters counts a
-- tenth for each, as Winkler has it (1990). Two empty values: 1.
CREATE FUNCTION @extschema@.jaro_winkler(text, text) RETURNS float8
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.jaro_winkler(text, text) IS
  'how alike two values are, from 0 to 1, by Jaro and Winkler: for names; the first 1024 characters count';

-- A count. No part of a value is edited twice ("optimal string alignment"): 'CA' and 'ABC' are 3 apart.
CREATE FUNCTION @extschema@.damerau(text, text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.damerau(text, text) IS
  'how many characters to insert, delete, replace or exchange with their neighbour make one value of the other; the first 1024 characters count';
