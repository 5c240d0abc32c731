-- Mailboxes: normalize_mailbox(), =~@, <>~@ and the operator classes mailbox_ops; and what else an address
-- tells. A mailbox is an address plus what its provider says of its own addresses (email_providers()).

CREATE FUNCTION normalize_mailbox(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION normalize_mailbox(text) IS
  'the mailbox behind the email address in the text, by its provider''s own rules; NULL if there is no address';

-- Same mailbox --------------------------------------------------------------------------------------------

CREATE FUNCTION mailbox_eq_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mailbox_eq_support(internal) IS
  'planner support of =~@: lets a btree index of class mailbox_ops serve it';

CREATE FUNCTION mailbox_eq(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12 SUPPORT mailbox_eq_support;
COMMENT ON FUNCTION mailbox_eq(text, text) IS 'implementation of =~@ operator';

CREATE FUNCTION mailbox_ne(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
COMMENT ON FUNCTION mailbox_ne(text, text) IS 'implementation of <>~@ operator';

CREATE OPERATOR =~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_eq,
  COMMUTATOR = =~@, NEGATOR = <>~@,
  RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR =~@ (text, text) IS 'same mailbox';

CREATE OPERATOR <>~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_ne,
  COMMUTATOR = <>~@, NEGATOR = =~@,
  RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <>~@ (text, text) IS 'not the same mailbox, or no email address';

-- The order of mailboxes ----------------------------------------------------------------------------------

CREATE FUNCTION mailbox_before(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_before_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_after_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_after(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_compare(text, text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION mailbox_sortsupport(internal) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION mailbox_before(text, text) IS 'implementation of <#~@ operator';
COMMENT ON FUNCTION mailbox_before_or_same(text, text) IS 'implementation of <=#~@ operator';
COMMENT ON FUNCTION mailbox_same(text, text) IS 'implementation of ==~@ operator';
COMMENT ON FUNCTION mailbox_after_or_same(text, text) IS 'implementation of >=#~@ operator';
COMMENT ON FUNCTION mailbox_after(text, text) IS 'implementation of >#~@ operator';
COMMENT ON FUNCTION mailbox_compare(text, text) IS
  'less than, equal to or greater than zero: the order of mailbox_ops';
COMMENT ON FUNCTION mailbox_sortsupport(internal) IS 'sort support of mailbox_ops';

CREATE OPERATOR <#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_before,
  COMMUTATOR = >#~@, NEGATOR = >=#~@, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <=#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_before_or_same,
  COMMUTATOR = >=#~@, NEGATOR = >#~@, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR ==~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_same,
  COMMUTATOR = ==~@, RESTRICT = eqsel, JOIN = eqjoinsel, MERGES
);
CREATE OPERATOR >=#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_after_or_same,
  COMMUTATOR = <=#~@, NEGATOR = <#~@, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR >#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = mailbox_after,
  COMMUTATOR = <#~@, NEGATOR = <=#~@, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR <#~@ (text, text) IS 'before, in the order of mailboxes';
COMMENT ON OPERATOR <=#~@ (text, text) IS 'before or same, in the order of mailboxes';
COMMENT ON OPERATOR ==~@ (text, text) IS 'same mailbox, or the same text that is none';
COMMENT ON OPERATOR >=#~@ (text, text) IS 'after or same, in the order of mailboxes';
COMMENT ON OPERATOR >#~@ (text, text) IS 'after, in the order of mailboxes';

-- Operator classes ----------------------------------------------------------------------------------------

CREATE FUNCTION mailbox_hash(text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION mailbox_hash_extended(text, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION mailbox_hash(text) IS 'hash of mailbox_ops';
COMMENT ON FUNCTION mailbox_hash_extended(text, bigint) IS 'hash of mailbox_ops with a seed';

CREATE OPERATOR CLASS mailbox_ops FOR TYPE text USING btree AS
  OPERATOR 1 <#~@,
  OPERATOR 2 <=#~@,
  OPERATOR 3 ==~@,
  OPERATOR 4 >=#~@,
  OPERATOR 5 >#~@,
  FUNCTION 1 mailbox_compare(text, text),
  FUNCTION 2 mailbox_sortsupport(internal);
COMMENT ON OPERATOR CLASS mailbox_ops USING btree IS
  'text in the order of the mailboxes in it; serves =~@';

CREATE OPERATOR CLASS mailbox_ops FOR TYPE text USING hash AS
  OPERATOR 1 =~@,
  FUNCTION 1 mailbox_hash(text),
  FUNCTION 2 mailbox_hash_extended(text, bigint);
COMMENT ON OPERATOR CLASS mailbox_ops USING hash IS 'text by the mailbox in it; serves =~@';

-- What an address tells -----------------------------------------------------------------------------------

CREATE FUNCTION email_providers(
  OUT provider text, OUT domains text[], OUT home_domain text, OUT ignored_characters text, OUT tag_separator text,
  OUT peculiarity text, OUT page text
) RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION email_providers() IS 'the rules by which normalize_mailbox() works, a row a provider';

CREATE FUNCTION email_problem(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION email_problem(text) IS 'why the text is no email address, in words; NULL if it is one';

CREATE FUNCTION email_domain(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION email_is_role(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
CREATE FUNCTION email_is_free(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
CREATE FUNCTION email_is_disposable(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
COMMENT ON FUNCTION email_domain(text) IS 'the domain of the email address in the text, as the DNS has it';
COMMENT ON FUNCTION email_is_role(text) IS
  'whether the email address is a function''s (info, support, postmaster) rather than a person''s';
COMMENT ON FUNCTION email_is_free(text) IS 'whether the email address is at a provider of free mailboxes';
COMMENT ON FUNCTION email_is_disposable(text) IS
  'whether the email address is at a known provider of mailboxes that last for minutes';
