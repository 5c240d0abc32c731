-- Email addresses on plain text: normalize_email(), ~@, =@, <>@ and the operator classes email_ops.
--
-- Costs are in units of a plain function call such as int4eq; reading an address costs about as much as
-- four of them (test/bench/engine/normalize_bench.cc), a comparison reads two.

CREATE FUNCTION @extschema@.normalize_email(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.normalize_email(text) IS
  'the email address in the text, spelled the one way that all its spellings share; NULL if there is none';

CREATE OPERATOR @extschema@.~@ (RIGHTARG = text, FUNCTION = @extschema@.normalize_email);
COMMENT ON OPERATOR @extschema@.~@ (NONE, text) IS 'the email address in the text, spelled one way';

-- Same address --------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.email_eq_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.email_eq_support(internal) IS
  'planner support of =@: lets a btree index of class email_ops serve it';

CREATE FUNCTION @extschema@.email_eq(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8 SUPPORT @extschema@.email_eq_support;
COMMENT ON FUNCTION @extschema@.email_eq(text, text) IS 'implementation of =@ operator';

CREATE FUNCTION @extschema@.email_ne(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION @extschema@.email_ne(text, text) IS 'implementation of <>@ operator';

CREATE OPERATOR @extschema@.=@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_eq,
  COMMUTATOR = OPERATOR(@extschema@.=@), NEGATOR = OPERATOR(@extschema@.<>@),
  RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR @extschema@.=@ (text, text) IS 'same email address';

CREATE OPERATOR @extschema@.<>@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_ne,
  COMMUTATOR = OPERATOR(@extschema@.<>@), NEGATOR = OPERATOR(@extschema@.=@),
  RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<>@ (text, text) IS 'not the same email address, or no email address';

-- The order of addresses ----------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.email_before(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_before_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_after_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_after(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_compare(text, text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_sortsupport(internal) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.email_before(text, text) IS 'implementation of <#@ operator';
COMMENT ON FUNCTION @extschema@.email_before_or_same(text, text) IS 'implementation of <=#@ operator';
COMMENT ON FUNCTION @extschema@.email_same(text, text) IS 'implementation of ==@ operator';
COMMENT ON FUNCTION @extschema@.email_after_or_same(text, text) IS 'implementation of >=#@ operator';
COMMENT ON FUNCTION @extschema@.email_after(text, text) IS 'implementation of >#@ operator';
COMMENT ON FUNCTION @extschema@.email_compare(text, text) IS
  'less than, equal to or greater than zero: the order of email_ops';
COMMENT ON FUNCTION @extschema@.email_sortsupport(internal) IS 'sort support of email_ops';

CREATE OPERATOR @extschema@.<#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_before,
  COMMUTATOR = OPERATOR(@extschema@.>#@), NEGATOR = OPERATOR(@extschema@.>=#@), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR @extschema@.<=#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_before_or_same,
  COMMUTATOR = OPERATOR(@extschema@.>=#@), NEGATOR = OPERATOR(@extschema@.>#@), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR @extschema@.==@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_same,
  COMMUTATOR = OPERATOR(@extschema@.==@), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR @extschema@.>=#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_after_or_same,
  COMMUTATOR = OPERATOR(@extschema@.<=#@), NEGATOR = OPERATOR(@extschema@.<#@), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR @extschema@.>#@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.email_after,
  COMMUTATOR = OPERATOR(@extschema@.<#@), NEGATOR = OPERATOR(@extschema@.<=#@), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.<#@ (text, text) IS 'before, in the order of email addresses';
COMMENT ON OPERATOR @extschema@.<=#@ (text, text) IS 'before or same, in the order of email addresses';
COMMENT ON OPERATOR @extschema@.==@ (text, text) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR @extschema@.>=#@ (text, text) IS 'after or same, in the order of email addresses';
COMMENT ON OPERATOR @extschema@.>#@ (text, text) IS 'after, in the order of email addresses';

-- Operator classes ----------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.email_hash(text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION @extschema@.email_hash_extended(text, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.email_hash(text) IS 'hash of email_ops';
COMMENT ON FUNCTION @extschema@.email_hash_extended(text, bigint) IS 'hash of email_ops with a seed';

CREATE OPERATOR CLASS @extschema@.email_ops FOR TYPE text USING btree AS
  OPERATOR 1 @extschema@.<#@,
  OPERATOR 2 @extschema@.<=#@,
  OPERATOR 3 @extschema@.==@,
  OPERATOR 4 @extschema@.>=#@,
  OPERATOR 5 @extschema@.>#@,
  FUNCTION 1 @extschema@.email_compare(text, text),
  FUNCTION 2 @extschema@.email_sortsupport(internal);
COMMENT ON OPERATOR CLASS @extschema@.email_ops USING btree IS
  'text in the order of the email addresses in it; serves =@';

CREATE OPERATOR CLASS @extschema@.email_ops FOR TYPE text USING hash AS
  OPERATOR 1 @extschema@.=@,
  FUNCTION 1 @extschema@.email_hash(text),
  FUNCTION 2 @extschema@.email_hash_extended(text, bigint);
COMMENT ON OPERATOR CLASS @extschema@.email_ops USING hash IS 'text by the email address in it; serves =@';
