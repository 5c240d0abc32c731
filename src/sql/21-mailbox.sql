-- Mailboxes: normalize_mailbox(), =~@, <>~@ and the operator classes mailbox_ops; and what else an address
-- tells. A mailbox is an address plus what its provider says of its own addresses (email_providers()).

CREATE FUNCTION @extschema@.normalize_mailbox(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION @extschema@.normalize_mailbox(text) IS
  'the mailbox behind the email address in the text, by its provider''s own rules; NULL if there is no address';

-- Same mailbox --------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.mailbox_eq_support(internal) RETURNS internal
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.mailbox_eq_support(internal) IS
  'planner support of =~@: lets a btree index of class mailbox_ops serve it';

CREATE FUNCTION @extschema@.mailbox_eq(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12 SUPPORT @extschema@.mailbox_eq_support;
COMMENT ON FUNCTION @extschema@.mailbox_eq(text, text) IS 'implementation of =~@ operator';

CREATE FUNCTION @extschema@.mailbox_ne(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
COMMENT ON FUNCTION @extschema@.mailbox_ne(text, text) IS 'implementation of <>~@ operator';

CREATE OPERATOR @extschema@.=~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_eq,
  COMMUTATOR = OPERATOR(@extschema@.=~@), NEGATOR = OPERATOR(@extschema@.<>~@),
  RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR @extschema@.=~@ (text, text) IS 'same mailbox';

CREATE OPERATOR @extschema@.<>~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_ne,
  COMMUTATOR = OPERATOR(@extschema@.<>~@), NEGATOR = OPERATOR(@extschema@.=~@),
  RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<>~@ (text, text) IS 'not the same mailbox, or no email address';

-- The order of mailboxes ----------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.mailbox_before(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_before_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_after_or_same(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_after(text, text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_compare(text, text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12;
CREATE FUNCTION @extschema@.mailbox_sortsupport(internal) RETURNS void
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.mailbox_before(text, text) IS 'implementation of <#~@ operator';
COMMENT ON FUNCTION @extschema@.mailbox_before_or_same(text, text) IS 'implementation of <=#~@ operator';
COMMENT ON FUNCTION @extschema@.mailbox_same(text, text) IS 'implementation of ==~@ operator';
COMMENT ON FUNCTION @extschema@.mailbox_after_or_same(text, text) IS 'implementation of >=#~@ operator';
COMMENT ON FUNCTION @extschema@.mailbox_after(text, text) IS 'implementation of >#~@ operator';
COMMENT ON FUNCTION @extschema@.mailbox_compare(text, text) IS
  'less than, equal to or greater than zero: the order of mailbox_ops';
COMMENT ON FUNCTION @extschema@.mailbox_sortsupport(internal) IS 'sort support of mailbox_ops';

CREATE OPERATOR @extschema@.<#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_before,
  COMMUTATOR = OPERATOR(@extschema@.>#~@), NEGATOR = OPERATOR(@extschema@.>=#~@), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR @extschema@.<=#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_before_or_same,
  COMMUTATOR = OPERATOR(@extschema@.>=#~@), NEGATOR = OPERATOR(@extschema@.>#~@), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR @extschema@.==~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_same,
  COMMUTATOR = OPERATOR(@extschema@.==~@), RESTRICT = eqsel, JOIN = eqjoinsel, MERGES
);
CREATE OPERATOR @extschema@.>=#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_after_or_same,
  COMMUTATOR = OPERATOR(@extschema@.<=#~@), NEGATOR = OPERATOR(@extschema@.<#~@), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR @extschema@.>#~@ (
  LEFTARG = text, RIGHTARG = text, FUNCTION = @extschema@.mailbox_after,
  COMMUTATOR = OPERATOR(@extschema@.<#~@), NEGATOR = OPERATOR(@extschema@.<=#~@), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.<#~@ (text, text) IS 'before, in the order of mailboxes';
COMMENT ON OPERATOR @extschema@.<=#~@ (text, text) IS 'before or same, in the order of mailboxes';
COMMENT ON OPERATOR @extschema@.==~@ (text, text) IS 'same mailbox, or the same text that is none';
COMMENT ON OPERATOR @extschema@.>=#~@ (text, text) IS 'after or same, in the order of mailboxes';
COMMENT ON OPERATOR @extschema@.>#~@ (text, text) IS 'after, in the order of mailboxes';

-- Operator classes ----------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.mailbox_hash(text) RETURNS integer
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
CREATE FUNCTION @extschema@.mailbox_hash_extended(text, bigint) RETURNS bigint
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 8;
COMMENT ON FUNCTION @extschema@.mailbox_hash(text) IS 'hash of mailbox_ops';
COMMENT ON FUNCTION @extschema@.mailbox_hash_extended(text, bigint) IS 'hash of mailbox_ops with a seed';

CREATE OPERATOR CLASS @extschema@.mailbox_ops FOR TYPE text USING btree AS
  OPERATOR 1 @extschema@.<#~@,
  OPERATOR 2 @extschema@.<=#~@,
  OPERATOR 3 @extschema@.==~@,
  OPERATOR 4 @extschema@.>=#~@,
  OPERATOR 5 @extschema@.>#~@,
  FUNCTION 1 @extschema@.mailbox_compare(text, text),
  FUNCTION 2 @extschema@.mailbox_sortsupport(internal);
COMMENT ON OPERATOR CLASS @extschema@.mailbox_ops USING btree IS
  'text in the order of the mailboxes in it; serves =~@';

CREATE OPERATOR CLASS @extschema@.mailbox_ops FOR TYPE text USING hash AS
  OPERATOR 1 @extschema@.=~@,
  FUNCTION 1 @extschema@.mailbox_hash(text),
  FUNCTION 2 @extschema@.mailbox_hash_extended(text, bigint);
COMMENT ON OPERATOR CLASS @extschema@.mailbox_ops USING hash IS 'text by the mailbox in it; serves =~@';

-- What an address tells -----------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.email_providers(
  OUT provider text, OUT domains text[], OUT home_domain text, OUT ignored_characters text, OUT tag_separator text,
  OUT peculiarity text, OUT page text
) RETURNS SETOF record
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION @extschema@.email_providers() IS 'the rules by which normalize_mailbox() works, a row a provider';

CREATE FUNCTION @extschema@.email_problem(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION @extschema@.email_problem(text) IS 'why the text is no email address, in words; NULL if it is one';

CREATE FUNCTION @extschema@.email_domain(text) RETURNS text
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION @extschema@.email_is_role(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
CREATE FUNCTION @extschema@.email_is_free(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
CREATE FUNCTION @extschema@.email_is_disposable(text) RETURNS boolean
  AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
COMMENT ON FUNCTION @extschema@.email_domain(text) IS 'the domain of the email address in the text, as the DNS has it';
COMMENT ON FUNCTION @extschema@.email_is_role(text) IS
  'whether the email address is a function''s (info, support, postmaster) rather than a person''s';
COMMENT ON FUNCTION @extschema@.email_is_free(text) IS 'whether the email address is at a provider of free mailboxes';
COMMENT ON FUNCTION @extschema@.email_is_disposable(text) IS
  'whether the email address is at a known provider of mailboxes that last for minutes';
