-- identity_clause: what a resolve is told. A list of clauses is the whole of a call, so the same
-- list builds the master table and the long form, and can be kept in a table.

CREATE TYPE @extschema@.identity_clause;

CREATE FUNCTION @extschema@.identity_clause_in(cstring) RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.identity_clause_out(@extschema@.identity_clause) RETURNS cstring
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.identity_clause_recv(internal) RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION @extschema@.identity_clause_send(@extschema@.identity_clause) RETURNS bytea
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.identity_clause (
  INPUT = @extschema@.identity_clause_in,
  OUTPUT = @extschema@.identity_clause_out,
  RECEIVE = @extschema@.identity_clause_recv,
  SEND = @extschema@.identity_clause_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = int4,
  STORAGE = extended
);
COMMENT ON TYPE @extschema@.identity_clause IS
  'one clause of a call of identity_resolve: a source, a rule or the output; its text form is JSON';

CREATE CAST (@extschema@.identity_clause AS jsonb) WITHOUT FUNCTION;

-- identity_source(name, query): one tool's users in this database.
--   name   a lower-case identifier; output columns are named after it
--   query  one SELECT: first column the record id, every other column named by its kind
--   bad_ids  what becomes of rows whose record id is blank, or one of identity_blocked_values() that comes
--            on several rows: 'leave_out' (a warning counts them) or 'error'; 'leave_out'
-- Of use to identity maps only (doc/maps.md), and ignored elsewhere: how a refresh finds what changed.
--   changed_since  a column of the query that grows whenever a row is new or changes, such as updated_at
--   capture        'trigger': triggers on the query's one table tell of every change
--   max_loss       the share of its records that a source may lose from one refresh to the next, 0 to 1; 0.5
--   on_loss        what a refresh does when it has lost more: 'keep' keeps the source as it was and warns, 'fail'
--                  raises an error, 'allow' lets the records go; 'keep'
-- Errors: 22004 for NULL, 42602 for a name that cannot name a column, 22023 for another capture, bad_ids or on_loss, and
-- for a max_loss out of range.
CREATE FUNCTION @extschema@.identity_source(name text, query text, changed_since text DEFAULT NULL,
                                capture text DEFAULT NULL, bad_ids text DEFAULT NULL,
                                max_loss double precision DEFAULT NULL, on_loss text DEFAULT NULL) RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_source(text, text, text, text, text, double precision, text) IS
  'a source of records: its name, and a query that yields a record id and identifiers named by their kinds';

-- identity_rule(kind, ...): declares a kind of identifier, or changes a known one. NULL leaves each
-- part as the kind has it. doc/guards.md says how the parts work together.
--   normalizer          exact, casefold, email, mailbox, phone, salesforce_id, uuid, object_id or none;
--                       for a new kind exact, or none where it does not link
--   link                whether equal values link records; for a new kind true
--   region              of the normalizer phone: the country (ISO 3166-1, such as GB or GBR) whose national
--                       form numbers may be written in; NULL: only numbers with a leading +
--   blocked             values that never link, in any spelling
--   blocked_pattern     regular expression: normalised values that match it (~) never link
--   blocked_ipattern    the same in any letter case (~*)
--   block_placeholders  whether identity_blocked_values() never link; true
--   block_automatic     whether automatic senders (no-reply@, mailer-daemon@) never link; true
--   block_roles         whether role addresses (info@, support@) never link; false
--   max_records         a value that more records of one source carry links nobody; 1000, of user_id
--                       0; 0: any number
--   max_per_identity    most distinct values in one identity; 0, of user_id and external_id 1; 0: any
--                       number
--   priority            the greater is the stronger kind; user_id 100, external_id, salesforce_id,
--                       uuid and object_id 80, email 60, phone and new kinds 40, username 20,
--                       anonymous_id and device_id 10
--   fallback            link two records only where no stronger kind does; false
--   on_tie              'apart': a value that people claim with equal evidence joins none of them;
--                       'data': the first in the order of survivorship has it; 'apart'
--   role_max_records    a role address that one source has on more records which nothing else unites
--                       links nobody; 1; 0: any number
--   max_records_in_all  as max_records, of all sources together; 0: any number
--   scope               where equal values link: 'all' everywhere; 'source' within one source; a
--                       column's name, such as 'tenant', among rows that have the same value there;
--                       'all', of username 'source'
-- Several rules of one kind are one: what a later one says counts, part by part.
-- Errors: 22004, 42602, 42939 for a reserved name, 22023 for what is unknown or out of range, 2201B
-- for an invalid pattern.
CREATE FUNCTION @extschema@.identity_rule(kind text, normalizer text DEFAULT NULL, link boolean DEFAULT NULL,
                              region text DEFAULT NULL, blocked text[] DEFAULT NULL,
                              blocked_pattern text DEFAULT NULL, blocked_ipattern text DEFAULT NULL,
                              block_placeholders boolean DEFAULT NULL,
                              block_roles boolean DEFAULT NULL, max_records bigint DEFAULT NULL,
                              max_per_identity integer DEFAULT NULL, priority integer DEFAULT NULL,
                              fallback boolean DEFAULT NULL, on_tie text DEFAULT NULL,
                              max_records_in_all bigint DEFAULT NULL, scope text DEFAULT NULL,
                              block_automatic boolean DEFAULT NULL,
                              role_max_records bigint DEFAULT NULL)
  RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_rule(text, text, boolean, text, text[], text, text, boolean, boolean,
                                  bigint, integer, integer, boolean, text, bigint, text,
                                  boolean, bigint) IS
  'a rule for a kind of identifier: how its values are spelled one way, and what they may link';

-- identity_alias(kind, query): former values of a kind, as of accounts that were merged in the product.
--   query  one SELECT: rows of (former value, present value). Both count as one value everywhere: for links, limits,
--          evidence and output, which shows the present one. Chains are followed; of values that run in a
--          circle the first is shown. No record is made of them. Not for identity maps yet.
-- Errors: 22004, 42602; 42704 for a kind that is none when the clause is used.
CREATE FUNCTION @extschema@.identity_alias(kind text, query text) RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_alias(text, text) IS
  'former values of a kind of identifier, and the present values that they count as';

-- identity_defaults(version): the defaults that kinds had in an earlier version, wherever the clause
-- stands; rules change them as they change those of today. '0.1': username links across sources,
-- external_id has no limit, automatic senders link, role addresses link whoever
-- has them, and the list of placeholders is shorter. 'current': those of today, which says the same as no such clause.
-- Errors: 22004, 22023 for a version that is none.
CREATE FUNCTION @extschema@.identity_defaults(version text) RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_defaults(text) IS
  'what kinds of identifier did by default in an earlier version';

-- identity_blocked_values(): the values that stand for "no value", which never link unless a rule
-- says block_placeholders => false; and the pattern of automatic senders (no-reply@ and its kin),
-- which never link unless a rule says block_automatic => false. A value is compared as it was typed,
-- without blanks at its ends, and as it is normalised. Letter case does not count.
--   is_pattern  the value is a regular expression, as ~* reads it
--   source      who names the value, or why it is here
--   freed_by    the option of identity_rule() which lets it link: block_placeholders or
--               block_automatic, of kinds of email addresses
CREATE FUNCTION @extschema@.identity_blocked_values()
  RETURNS TABLE (value text, is_pattern boolean, source text, freed_by text)
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 500;
COMMENT ON FUNCTION @extschema@.identity_blocked_values() IS
  'the built-in list of placeholders that never link anybody, with the source of each';

-- identity_output(rows, max_combinations): which rows resolve_identities() gives.
--   rows              'identities': one an identity; 'combinations': those that the plain SQL''s
--                     LEFT JOINs would give if they followed every link
--   max_combinations  the most rows that one identity may give
-- Errors: 22004, 22023.
CREATE FUNCTION @extschema@.identity_output(rows text DEFAULT 'identities',
                                max_combinations bigint DEFAULT 10000)
  RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_output(text, bigint) IS
  'what rows the master table has: one an identity, or the combinations of its records';

-- identity_column(name, type): a column of an identity map, named as resolve_identities()'s columns are. One name is a map's alone:
-- updated_at, of the type timestamptz, is when anything in the row was last changed.
-- Errors: 22004, 42602, 42939 for identity_id, which every map has.
CREATE FUNCTION @extschema@.identity_column(name text, type text DEFAULT 'text') RETURNS @extschema@.identity_clause
  AS 'MODULE_PATHNAME' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.identity_column(text, text) IS
  'a column of an identity map: its name says what it shows, as in the definition list of resolve_identities()';
