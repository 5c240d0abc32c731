-- The type email: stores what was typed and compares by address, so that =, GROUP BY, DISTINCT, UNIQUE and
-- foreign keys just work. Its equality is ==@: every value equals itself, and two values that are no address
-- are equal if they are the same text. So it takes any text, and no dump, replica or cast of what it holds can
-- ever be refused by another version of this library; CHECK (email_problem(email) IS NULL) keeps garbage out.
--
-- Inside it is a text: input, output, storage and casts are text's, and a column becomes an email without being
-- rewritten. Its order is that of email_ops, in the same operator family: an email and a text compare by address
-- too, and each one's index serves the other's values. It has a collation as text has, for the functions of
-- text that it goes to, and because a foreign key from text to it wants one; its own comparisons know none.

CREATE TYPE email;

CREATE FUNCTION email_in(cstring) RETURNS email
  AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION email_out(email) RETURNS cstring
  AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION email_recv(internal) RETURNS email
  AS 'textrecv' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION email_send(email) RETURNS bytea
  AS 'textsend' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION email_in(cstring) IS 'input of type email';
COMMENT ON FUNCTION email_out(email) IS 'output of type email';
COMMENT ON FUNCTION email_recv(internal) IS 'binary input of type email';
COMMENT ON FUNCTION email_send(email) IS 'binary output of type email';

CREATE TYPE email (
  INPUT = email_in, OUTPUT = email_out, RECEIVE = email_recv, SEND = email_send,
  INTERNALLENGTH = VARIABLE, STORAGE = extended, CATEGORY = 'S', PREFERRED = false,
  COLLATABLE = true
);
COMMENT ON TYPE email IS 'text that compares by the email address in it';

CREATE FUNCTION email(character) RETURNS email
  AS 'rtrim1' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION email(character) IS 'convert char(n) to email';

CREATE CAST (email AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (email AS varchar) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (email AS character) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (text AS email) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (varchar AS email) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (character AS email) WITH FUNCTION email(character) AS ASSIGNMENT;

-- Functions: one implementation, for email with email and for either with text ------------------------------
CREATE FUNCTION email_type_less(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_less_or_equal(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_equal(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_unequal(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater_or_equal(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater(email, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_compare(email, email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_less(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_less_or_equal(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_equal(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_unequal(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater_or_equal(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater(email, text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_compare(email, text) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_less(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_less_or_equal(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_before_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_equal(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_unequal(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_differs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater_or_equal(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after_or_same' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_greater(text, email) RETURNS boolean
  AS 'MODULE_PATHNAME', 'email_after' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_compare(text, email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_compare' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_hash(email) RETURNS integer
  AS 'MODULE_PATHNAME', 'email_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION email_type_hash_extended(email, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME', 'email_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION email_type_less(email, email) IS 'implementation of < operator';
COMMENT ON FUNCTION email_type_less_or_equal(email, email) IS 'implementation of <= operator';
COMMENT ON FUNCTION email_type_equal(email, email) IS 'implementation of = operator';
COMMENT ON FUNCTION email_type_unequal(email, email) IS 'implementation of <> operator';
COMMENT ON FUNCTION email_type_greater_or_equal(email, email) IS 'implementation of >= operator';
COMMENT ON FUNCTION email_type_greater(email, email) IS 'implementation of > operator';
COMMENT ON FUNCTION email_type_compare(email, email) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION email_type_less(email, text) IS 'implementation of < operator';
COMMENT ON FUNCTION email_type_less_or_equal(email, text) IS 'implementation of <= operator';
COMMENT ON FUNCTION email_type_equal(email, text) IS 'implementation of = operator';
COMMENT ON FUNCTION email_type_unequal(email, text) IS 'implementation of <> operator';
COMMENT ON FUNCTION email_type_greater_or_equal(email, text) IS 'implementation of >= operator';
COMMENT ON FUNCTION email_type_greater(email, text) IS 'implementation of > operator';
COMMENT ON FUNCTION email_type_compare(email, text) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION email_type_less(text, email) IS 'implementation of < operator';
COMMENT ON FUNCTION email_type_less_or_equal(text, email) IS 'implementation of <= operator';
COMMENT ON FUNCTION email_type_equal(text, email) IS 'implementation of = operator';
COMMENT ON FUNCTION email_type_unequal(text, email) IS 'implementation of <> operator';
COMMENT ON FUNCTION email_type_greater_or_equal(text, email) IS 'implementation of >= operator';
COMMENT ON FUNCTION email_type_greater(text, email) IS 'implementation of > operator';
COMMENT ON FUNCTION email_type_compare(text, email) IS 'less than, equal to or greater than zero';
COMMENT ON FUNCTION email_type_hash(email) IS 'hash';
COMMENT ON FUNCTION email_type_hash_extended(email, bigint) IS 'hash with a seed';

-- Operators -----------------------------------------------------------------------------------------------

CREATE OPERATOR < (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_less,
  COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_less_or_equal,
  COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR = (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_equal,
  COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_unequal,
  COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR >= (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_greater_or_equal,
  COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
  LEFTARG = email, RIGHTARG = email, FUNCTION = email_type_greater,
  COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

CREATE OPERATOR < (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_less,
  COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_less_or_equal,
  COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR = (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_equal,
  COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_unequal,
  COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR >= (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_greater_or_equal,
  COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
  LEFTARG = email, RIGHTARG = text, FUNCTION = email_type_greater,
  COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

CREATE OPERATOR < (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_less,
  COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_less_or_equal,
  COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR = (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_equal,
  COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_unequal,
  COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR >= (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_greater_or_equal,
  COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
  LEFTARG = text, RIGHTARG = email, FUNCTION = email_type_greater,
  COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR < (email, email) IS 'before';
COMMENT ON OPERATOR <= (email, email) IS 'before or same';
COMMENT ON OPERATOR = (email, email) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR <> (email, email) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR >= (email, email) IS 'after or same';
COMMENT ON OPERATOR > (email, email) IS 'after';
COMMENT ON OPERATOR < (email, text) IS 'before';
COMMENT ON OPERATOR <= (email, text) IS 'before or same';
COMMENT ON OPERATOR = (email, text) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR <> (email, text) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR >= (email, text) IS 'after or same';
COMMENT ON OPERATOR > (email, text) IS 'after';
COMMENT ON OPERATOR < (text, email) IS 'before';
COMMENT ON OPERATOR <= (text, email) IS 'before or same';
COMMENT ON OPERATOR = (text, email) IS 'same email address, or the same text that is none';
COMMENT ON OPERATOR <> (text, email) IS 'neither the same email address nor the same text';
COMMENT ON OPERATOR >= (text, email) IS 'after or same';
COMMENT ON OPERATOR > (text, email) IS 'after';

-- Operator classes ----------------------------------------------------------------------------------------
-- The hash family is another than email_ops, whose =@ is not total.

CREATE OPERATOR CLASS email_type_ops DEFAULT FOR TYPE email USING btree FAMILY email_ops AS
  OPERATOR 1 <,
  OPERATOR 2 <=,
  OPERATOR 3 =,
  OPERATOR 4 >=,
  OPERATOR 5 >,
  FUNCTION 1 email_type_compare(email, email),
  FUNCTION 2 email_sortsupport(internal);
COMMENT ON OPERATOR CLASS email_type_ops USING btree IS 'default of type email';

ALTER OPERATOR FAMILY email_ops USING btree ADD
  OPERATOR 1 < (email, text),
  OPERATOR 2 <= (email, text),
  OPERATOR 3 = (email, text),
  OPERATOR 4 >= (email, text),
  OPERATOR 5 > (email, text),
  FUNCTION 1 (email, text) email_type_compare(email, text),
  OPERATOR 1 < (text, email),
  OPERATOR 2 <= (text, email),
  OPERATOR 3 = (text, email),
  OPERATOR 4 >= (text, email),
  OPERATOR 5 > (text, email),
  FUNCTION 1 (text, email) email_type_compare(text, email);

CREATE OPERATOR CLASS email_type_ops DEFAULT FOR TYPE email USING hash AS
  OPERATOR 1 =,
  FUNCTION 1 email_type_hash(email),
  FUNCTION 2 email_type_hash_extended(email, bigint);
COMMENT ON OPERATOR CLASS email_type_ops USING hash IS 'default of type email';

ALTER OPERATOR FAMILY email_type_ops USING hash ADD
  OPERATOR 1 = (email, text),
  OPERATOR 1 = (text, email),
  OPERATOR 1 ==@ (text, text),
  FUNCTION 1 (text, text) email_hash(text),
  FUNCTION 2 (text, text) email_hash_extended(text, bigint);

-- Aggregates ----------------------------------------------------------------------------------------------

CREATE FUNCTION email_type_smaller(email, email) RETURNS email
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION email_type_larger(email, email) RETURNS email
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION email_type_smaller(email, email) IS 'the earlier of two';
COMMENT ON FUNCTION email_type_larger(email, email) IS 'the later of two';

CREATE AGGREGATE min(email) (
  SFUNC = email_type_smaller, STYPE = email, SORTOP = <, COMBINEFUNC = email_type_smaller, PARALLEL = SAFE
);
CREATE AGGREGATE max(email) (
  SFUNC = email_type_larger, STYPE = email, SORTOP = >, COMBINEFUNC = email_type_larger, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min(email) IS 'the first in the order of email addresses';
COMMENT ON AGGREGATE max(email) IS 'the last in the order of email addresses';
