-- Email addresses on plain text: normalize_email(), ~@, =@, <>@ and the operator classes email_ops.
--
-- Costs are in units of a plain function call such as int4eq; reading an address costs about as much as
-- four of them (test/bench/engine/normalize_bench.cc), a comparison reads two.

CREATE FUNCTION normalize_email(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION normalize_email(text) IS
  'the email address in the text, spelled the one way that all its spellings share; NULL if there is none';

CREATE OPERATOR ~@ (RIGHTARG = text, FUNCTION = normalize_email);
COMMENT ON OPERATOR ~@ (NONE, text) IS 'the email address in the text, spelled one way';

-- Same address --------------------------------------------------------------------------------------------

CREATE FUNCTION email_eq_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION email_eq_support(internal) IS
  'planner support of =@: lets a btree index of class email_ops serve it';

CREATE FUNCTION email_eq(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8 SUPPORT email_eq_support;
COMMENT ON FUNCTION email_eq(text, text) IS 'implementation of =@ operator';

CREATE FUNCTION email_ne(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION email_ne(text, text) IS 'implementation of <>@ operator';

CREATE OPERATOR =@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_eq,
  COMMUTATOR = =@, NEGATOR = <>@,
  RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR =@ (text, text) IS 'same email address';

CREATE OPERATOR <>@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_ne,
  COMMUTATOR = <>@, NEGATOR = =@,
  RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <>@ (text, text) IS 'not the same email address, or no email address';

-- The order of addresses ----------------------------------------------------------------------------------

CREATE FUNCTION email_before(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_before_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_after_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_after(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_compare(text, text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_sortsupport(internal) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION email_before(text, text) IS 'implementation of <#@ operator';
COMMENT ON FUNCTION email_before_or_same(text, text) IS 'implementation of <=#@ operator';
COMMENT ON FUNCTION email_same(text, text) IS 'implementation of ==@ operator';
COMMENT ON FUNCTION email_after_or_same(text, text) IS 'implementation of >=#@ operator';
COMMENT ON FUNCTION email_after(text, text) IS 'implementation of >#@ operator';
COMMENT ON FUNCTION email_compare(text, text) IS
  'less than, equal to or greater than zero: the order of email_ops';
COMMENT ON FUNCTION email_sortsupport(internal) IS 'sort support of email_ops';

CREATE OPERATOR <#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_before,
  COMMUTATOR = >#@, NEGATOR = >=#@, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <=#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_before_or_same,
  COMMUTATOR = >=#@, NEGATOR = >#@, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR ==@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_same,
  COMMUTATOR = ==@, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR >=#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_after_or_same,
  COMMUTATOR = <=#@, NEGATOR = <#@, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR >#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = email_after,
  COMMUTATOR = <#@, NEGATOR = <=#@, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR <#@ (text, text) IS 'before, in the order of email addresses';
COMMENT ON OPERATOR <=#@ (text, text) IS 'before or same, in the order of email addresses';
COMMENT ON OPERATOR ==@ (text, text) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR >=#@ (text, text) IS 'after or same, in the order of email addresses';
COMMENT ON OPERATOR >#@ (text, text) IS 'after, in the order of email addresses';

-- Operator classes ----------------------------------------------------------------------------------------

CREATE FUNCTION email_hash(text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION email_hash_extended(text, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION email_hash(text) IS 'hash of email_ops';
COMMENT ON FUNCTION email_hash_extended(text, bigint) IS 'hash of email_ops with a seed';

CREATE OPERATOR CLASS email_ops FOR TYPE text USING btree AS
  OPERATOR 1 <#@,
  OPERATOR 2 <=#@,
  OPERATOR 3 ==@,
  OPERATOR 4 >=#@,
  OPERATOR 5 >#@,
  FUNCTION 1 email_compare(text, text),
  FUNCTION 2 email_sortsupport(internal);
COMMENT ON OPERATOR CLASS email_ops USING btree IS
  'text in the order of the email addresses in it; serves =@';

CREATE OPERATOR CLASS email_ops FOR TYPE text USING hash AS
  OPERATOR 1 =@,
  FUNCTION 1 email_hash(text),
  FUNCTION 2 email_hash_extended(text, bigint);
COMMENT ON OPERATOR CLASS email_ops USING hash IS 'text by the email address in it; serves =@';
