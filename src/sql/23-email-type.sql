-- The type email: stores what was typed and compares by address, so that =, GROUP BY, DISTINCT, UNIQUE and
-- foreign keys just work. Its equality is ==@: every value equals itself, and two values that are no address
-- are equal if they are the same text. So it takes any text, and no dump, replica or cast of what it holds can
-- ever be refused by another version of this library; CHECK (email_problem(email) IS NULL) keeps garbage out.
--
-- Inside it is a text: input, output, storage and casts are text's, and a column becomes an email without being
-- rewritten. Its order is that of email_ops, in the same operator family: an email and a text compare by address
-- too, and each one's index serves the other's values. It has a collation as text has, for the functions of
-- text that it goes to, and because a foreign key from text to it wants one; its own comparisons know none.
--
-- What shares its name with something of text's is in pg_catalog: the operators, min() and max(). An email becomes
-- text by an implicit cast, without which LIKE, upper() and || would fail; and PostgreSQL looks for operators and
-- functions along the search_path alone. Were these in the extension's schema, then wherever that is off the path, or
-- closed to the role, `email = 'a@b.com'` would be text's =, without an error. pg_catalog is on every path. Each has an
-- email among its arguments, and only a literal becomes an email unasked, for which PostgreSQL prefers text: so no other
-- statement is resolved in another way. As members of the extension they go with it, and pg_upgrade makes them again.

CREATE TYPE @extschema@.email;

CREATE FUNCTION @extschema@.email_in(cstring) RETURNS @extschema@.email
  AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.email_out(@extschema@.email) RETURNS cstring
  AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.email_recv(internal) RETURNS @extschema@.email
  AS 'textrecv' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.email_send(@extschema@.email) RETURNS bytea
  AS 'textsend' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.email_in(cstring) IS 'input of type email';
COMMENT ON FUNCTION @extschema@.email_out(@extschema@.email) IS 'output of type email';
COMMENT ON FUNCTION @extschema@.email_recv(internal) IS 'binary input of type email';
COMMENT ON FUNCTION @extschema@.email_send(@extschema@.email) IS 'binary output of type email';

CREATE TYPE @extschema@.email (
  INPUT = @extschema@.email_in, OUTPUT = @extschema@.email_out, RECEIVE = @extschema@.email_recv, SEND = @extschema@.email_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended, CATEGORY = 'S', PREFERRED = false,
  COLLATABLE = true
);
COMMENT ON TYPE @extschema@.email IS 'text that compares by the email address in it';

CREATE FUNCTION @extschema@.email(character) RETURNS @extschema@.email
  AS 'rtrim1' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.email(character) IS 'convert char(n) to email';

CREATE CAST (@extschema@.email AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (@extschema@.email AS varchar) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (@extschema@.email AS character) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (text AS @extschema@.email) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (varchar AS @extschema@.email) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (character AS @extschema@.email) WITH FUNCTION @extschema@.email(character) AS ASSIGNMENT;

-- Functions: one implementation, for email with email and for either with text ------------------------------
CREATE FUNCTION @extschema@.email_type_less(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_less_or_equal(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_equal(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_unequal(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater_or_equal(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater(@extschema@.email, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_compare(@extschema@.email, @extschema@.email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_less(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_less_or_equal(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_equal(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_unequal(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater_or_equal(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater(@extschema@.email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_compare(@extschema@.email, text) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_less(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_less_or_equal(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_equal(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_unequal(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater_or_equal(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_greater(text, @extschema@.email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_compare(text, @extschema@.email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_hash(@extschema@.email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION @extschema@.email_type_hash_extended(@extschema@.email, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME', 'email_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.email_type_less(@extschema@.email, @extschema@.email) IS 'implementation of < operator';
COMMENT ON FUNCTION @extschema@.email_type_less_or_equal(@extschema@.email, @extschema@.email) IS 'implementation of <= operator';
COMMENT ON FUNCTION @extschema@.email_type_equal(@extschema@.email, @extschema@.email) IS 'implementation of = operator';
COMMENT ON FUNCTION @extschema@.email_type_unequal(@extschema@.email, @extschema@.email) IS 'implementation of <> operator';
COMMENT ON FUNCTION @extschema@.email_type_greater_or_equal(@extschema@.email, @extschema@.email) IS 'implementation of >= operator';
COMMENT ON FUNCTION @extschema@.email_type_greater(@extschema@.email, @extschema@.email) IS 'implementation of > operator';
COMMENT ON FUNCTION @extschema@.email_type_compare(@extschema@.email, @extschema@.email) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION @extschema@.email_type_less(@extschema@.email, text) IS 'implementation of < operator';
COMMENT ON FUNCTION @extschema@.email_type_less_or_equal(@extschema@.email, text) IS 'implementation of <= operator';
COMMENT ON FUNCTION @extschema@.email_type_equal(@extschema@.email, text) IS 'implementation of = operator';
COMMENT ON FUNCTION @extschema@.email_type_unequal(@extschema@.email, text) IS 'implementation of <> operator';
COMMENT ON FUNCTION @extschema@.email_type_greater_or_equal(@extschema@.email, text) IS 'implementation of >= operator';
COMMENT ON FUNCTION @extschema@.email_type_greater(@extschema@.email, text) IS 'implementation of > operator';
COMMENT ON FUNCTION @extschema@.email_type_compare(@extschema@.email, text) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION @extschema@.email_type_less(text, @extschema@.email) IS 'implementation of < operator';
COMMENT ON FUNCTION @extschema@.email_type_less_or_equal(text, @extschema@.email) IS 'implementation of <= operator';
COMMENT ON FUNCTION @extschema@.email_type_equal(text, @extschema@.email) IS 'implementation of = operator';
COMMENT ON FUNCTION @extschema@.email_type_unequal(text, @extschema@.email) IS 'implementation of <> operator';
COMMENT ON FUNCTION @extschema@.email_type_greater_or_equal(text, @extschema@.email) IS 'implementation of >= operator';
COMMENT ON FUNCTION @extschema@.email_type_greater(text, @extschema@.email) IS 'implementation of > operator';
COMMENT ON FUNCTION @extschema@.email_type_compare(text, @extschema@.email) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION @extschema@.email_type_hash(@extschema@.email) IS 'hash';
COMMENT ON FUNCTION @extschema@.email_type_hash_extended(@extschema@.email, bigint) IS 'hash with a seed';

-- Operators -----------------------------------------------------------------------------------------------

CREATE OPERATOR pg_catalog.< (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_less,
  COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR pg_catalog.<= (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_less_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR pg_catalog.= (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_equal,
  COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR pg_catalog.<> (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_unequal,
  COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR pg_catalog.>= (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_greater_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR pg_catalog.> (
  LEFTARG = @extschema@.email, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_greater,
  COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

CREATE OPERATOR pg_catalog.< (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_less,
  COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR pg_catalog.<= (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_less_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR pg_catalog.= (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_equal,
  COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR pg_catalog.<> (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_unequal,
  COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR pg_catalog.>= (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_greater_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR pg_catalog.> (
  LEFTARG = @extschema@.email, RIGHTARG = text, FUNCTION = @extschema@.email_type_greater,
  COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

CREATE OPERATOR pg_catalog.< (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_less,
  COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR pg_catalog.<= (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_less_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR pg_catalog.= (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_equal,
  COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR pg_catalog.<> (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_unequal,
  COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR pg_catalog.>= (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_greater_or_equal,
  COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR pg_catalog.> (
  LEFTARG = text, RIGHTARG = @extschema@.email, FUNCTION = @extschema@.email_type_greater,
  COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR pg_catalog.< (@extschema@.email, @extschema@.email) IS 'before';
COMMENT ON OPERATOR pg_catalog.<= (@extschema@.email, @extschema@.email) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.= (@extschema@.email, @extschema@.email) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR pg_catalog.<> (@extschema@.email, @extschema@.email) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR pg_catalog.>= (@extschema@.email, @extschema@.email) IS 'after or same';
COMMENT ON OPERATOR pg_catalog.> (@extschema@.email, @extschema@.email) IS 'after';
COMMENT ON OPERATOR pg_catalog.< (@extschema@.email, text) IS 'before';
COMMENT ON OPERATOR pg_catalog.<= (@extschema@.email, text) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.= (@extschema@.email, text) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR pg_catalog.<> (@extschema@.email, text) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR pg_catalog.>= (@extschema@.email, text) IS 'after or same';
COMMENT ON OPERATOR pg_catalog.> (@extschema@.email, text) IS 'after';
COMMENT ON OPERATOR pg_catalog.< (text, @extschema@.email) IS 'before';
COMMENT ON OPERATOR pg_catalog.<= (text, @extschema@.email) IS 'before or same';
COMMENT ON OPERATOR pg_catalog.= (text, @extschema@.email) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR pg_catalog.<> (text, @extschema@.email) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR pg_catalog.>= (text, @extschema@.email) IS 'after or same';
COMMENT ON OPERATOR pg_catalog.> (text, @extschema@.email) IS 'after';

-- Operator classes ----------------------------------------------------------------------------------------
-- The hash family is another than email_ops, whose =@ is not total.

CREATE OPERATOR CLASS @extschema@.email_type_ops DEFAULT FOR TYPE @extschema@.email USING btree FAMILY @extschema@.email_ops AS
  OPERATOR 1 pg_catalog.<,
  OPERATOR 2 pg_catalog.<=,
  OPERATOR 3 pg_catalog.=,
  OPERATOR 4 pg_catalog.>=,
  OPERATOR 5 pg_catalog.>,
  FUNCTION 1 @extschema@.email_type_compare(@extschema@.email, @extschema@.email),
  FUNCTION 2 @extschema@.email_sortsupport(internal);
COMMENT ON OPERATOR CLASS @extschema@.email_type_ops USING btree IS 'default of type email';

ALTER OPERATOR FAMILY @extschema@.email_ops USING btree ADD
  OPERATOR 1 pg_catalog.< (@extschema@.email, text),
  OPERATOR 2 pg_catalog.<= (@extschema@.email, text),
  OPERATOR 3 pg_catalog.= (@extschema@.email, text),
  OPERATOR 4 pg_catalog.>= (@extschema@.email, text),
  OPERATOR 5 pg_catalog.> (@extschema@.email, text),
  FUNCTION 1 (@extschema@.email, text) @extschema@.email_type_compare(@extschema@.email, text),
  OPERATOR 1 pg_catalog.< (text, @extschema@.email),
  OPERATOR 2 pg_catalog.<= (text, @extschema@.email),
  OPERATOR 3 pg_catalog.= (text, @extschema@.email),
  OPERATOR 4 pg_catalog.>= (text, @extschema@.email),
  OPERATOR 5 pg_catalog.> (text, @extschema@.email),
  FUNCTION 1 (text, @extschema@.email) @extschema@.email_type_compare(text, @extschema@.email);

CREATE OPERATOR CLASS @extschema@.email_type_ops DEFAULT FOR TYPE @extschema@.email USING hash AS
  OPERATOR 1 pg_catalog.=,
  FUNCTION 1 @extschema@.email_type_hash(@extschema@.email),
  FUNCTION 2 @extschema@.email_type_hash_extended(@extschema@.email, bigint);
COMMENT ON OPERATOR CLASS @extschema@.email_type_ops USING hash IS 'default of type email';

ALTER OPERATOR FAMILY @extschema@.email_type_ops USING hash ADD
  OPERATOR 1 pg_catalog.= (@extschema@.email, text),
  OPERATOR 1 pg_catalog.= (text, @extschema@.email),
  OPERATOR 1 @extschema@.==@ (text, text),
  FUNCTION 1 (text, text) @extschema@.email_hash(text),
  FUNCTION 2 (text, text) @extschema@.email_hash_extended(text, bigint);

-- Aggregates ----------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.email_type_smaller(@extschema@.email, @extschema@.email) RETURNS @extschema@.email
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.email_type_larger(@extschema@.email, @extschema@.email) RETURNS @extschema@.email
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION @extschema@.email_type_smaller(@extschema@.email, @extschema@.email) IS 'the earlier of two';
COMMENT ON FUNCTION @extschema@.email_type_larger(@extschema@.email, @extschema@.email) IS 'the later of two';

CREATE AGGREGATE pg_catalog.min(@extschema@.email) (
  SFUNC = @extschema@.email_type_smaller, STYPE = @extschema@.email, SORTOP = OPERATOR(pg_catalog.<), COMBINEFUNC = @extschema@.email_type_smaller, PARALLEL = SAFE
);
CREATE AGGREGATE pg_catalog.max(@extschema@.email) (
  SFUNC = @extschema@.email_type_larger, STYPE = @extschema@.email, SORTOP = OPERATOR(pg_catalog.>), COMBINEFUNC = @extschema@.email_type_larger, PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.min(@extschema@.email) IS 'the first in the order of email addresses';
COMMENT ON AGGREGATE pg_catalog.max(@extschema@.email) IS 'the last in the order of email addresses';
