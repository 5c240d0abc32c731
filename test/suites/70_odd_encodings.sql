-- The same in databases of other encodings. All of this file is ASCII.
SET client_min_messages = warning;
CREATE PROCEDURE promise(promise text, query text) LANGUAGE plpgsql AS $$
DECLARE
  kept bool;
BEGIN
  BEGIN
    EXECUTE query INTO STRICT kept;
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '%: % %', promise, SQLSTATE, left(SQLERRM, 300);
    kept := false;
  END;
  INSERT INTO promise VALUES (current_setting('server_encoding'), promise, coalesce(kept, false));
END $$;
CREATE FUNCTION people(query text) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(DISTINCT identity_id) FROM identity_records(identity_source('s', query)) $$;

CALL promise('people are found', $q$ SELECT people($$SELECT * FROM (VALUES (1, 'Ann@X.com'), (2, ' ann@x.com'), (3, 'bob@x.com')) v(id, email)$$) = 2 $q$);
CALL promise('the master table comes out', $q$ SELECT count(*) = 1 AND min(email) = 'ann@x.com' AND min(s_email) = 'Ann@X.com' FROM resolve_identities(identity_source('s', $$SELECT 1, 'Ann@X.com' AS email$$)) AS (s_id int, email text, s_email varchar(10)) $q$);
-- Every byte from 1 that makes a character by itself.
CREATE TABLE bytes (id int, v text);
DO $$ BEGIN
  FOR n IN 1..255 LOOP
    BEGIN INSERT INTO bytes VALUES (n, 'a' || chr(n) || 'b'); EXCEPTION WHEN OTHERS THEN NULL; END;
  END LOOP;
END $$;
CALL promise('every byte is a character of its own', $q$ SELECT people('SELECT id, v AS user_id FROM bytes') = (SELECT count(*) FROM bytes) AND (SELECT count(*) FROM bytes) >= 127 $q$);
CALL promise('every byte comes out as it was typed', $q$ SELECT bool_and(user_id = v AND s_user_id = v) AND count(*) >= 127 FROM resolve_identities(identity_source('s', 'SELECT id, v AS user_id FROM bytes')) AS r(s_id int, user_id text, s_user_id text) JOIN bytes ON id = s_id $q$);
CALL promise('every byte in record ids', $q$ SELECT bool_and(v IS NOT NULL) AND count(*) >= 127 FROM identity_records(identity_source('s', 'SELECT v FROM bytes')) LEFT JOIN bytes ON v = record_id $q$);
CALL promise('every byte in an email is no error', $q$ SELECT people($$SELECT id, v || '@x.com' AS email FROM bytes$$) >= 100 $q$);
CALL promise('every byte through every normaliser is no error', $q$
  SELECT bool_and((SELECT count(*) FROM identity_records(identity_source('s', 'SELECT id, v AS kind FROM bytes'), identity_rule('kind', normalizer))) = (SELECT count(*) FROM bytes))
    FROM unnest('{exact,casefold,email,mailbox,phone,none}'::text[]) normalizer $q$);
CALL promise('every byte through every normaliser comes out', $q$
  SELECT bool_and((SELECT count(DISTINCT s_id) FROM resolve_identities(identity_source('s', 'SELECT id, v AS kind FROM bytes'), identity_rule('kind', normalizer)) AS (s_id int, kind text)) >= 100)
    FROM unnest('{exact,casefold,none}'::text[]) normalizer $q$);
-- In LATIN1 chr(203) and chr(235) are E and e with two dots; they are the same letter in an address.
SELECT current_setting('server_encoding') = 'LATIN1' AS latin1 \gset
\if :latin1
CALL promise('case of letters beyond ASCII', $q$
  SELECT people($$SELECT n, 'zo' || chr(203 + 32 * n) || '@x.com' AS email FROM generate_series(0, 1) n$$) = 1 $q$);
CALL promise('normalised text is in the encoding of the database', $q$
  SELECT bool_and(email = 'zo' || chr(235) || '@x.com')
    FROM resolve_identities(identity_source('s', $$SELECT 1, 'ZO' || chr(203) || '@X.com' AS email$$)) AS (email text) $q$);
-- The same id as in a UTF-8 database, where 70_odd_input.sql looks for the same constant.
CALL promise('ids depend on the characters, not on the encoding', $q$
  SELECT identity_id = 'd3b4e2e6-b336-808c-844f-3c831765d64f' FROM identity_records(identity_source('s', $$SELECT 'zo' || chr(235)$$)) $q$);
-- A link between an address and its punycode goes through characters which LATIN1 lacks.
CALL promise('an address with characters that the database cannot hold', $q$
  SELECT people($$SELECT * FROM (VALUES (1, 'a@xn--e1aybc.com'), (2, 'A@XN--E1AYBC.com')) v(id, email)$$) = 1 $q$);
\endif
-- What people read is in the encoding of the database too: the arrows are ASCII where it lacks others.
CALL promise('why, in words', $q$ SELECT string_agg(explanation, '; ' ORDER BY step) ~ '^a 1 and b 1 are one identity, by 1 step; a 1 .{1,3}email ann@x.com.{1,3} b 1$'
  FROM explain_identity('a', '1', 'b', '1', identity_source('a', $$SELECT 1, 'Ann@X.com' AS email$$), identity_source('b', $$SELECT 1, 'ann@x.com' AS email$$)) $q$);
CALL promise('every byte in a picture and in the links', $q$ SELECT bool_and(identity_graph('s', id::text, identity_source('s', 'SELECT id, v AS user_id FROM bytes')) LIKE 'graph identity {%')
  AND (SELECT count(*) FROM identity_links(identity_source('s', 'SELECT id, v AS user_id FROM bytes')) JOIN bytes ON id::text = record_id AND v = value) = (SELECT count(*) FROM bytes) FROM bytes WHERE id % 16 = 0 $q$);
\if :latin1
CALL promise('a reason with letters beyond ASCII', $q$ SELECT explanation LIKE '%user_id u' || chr(235) || ' and v, where%'
  FROM explain_identity('a', '1', 'b', '1', identity_source('a', $$SELECT 1, 'x@y.z' AS email, 'u' || chr(235) AS user_id$$), identity_source('b', $$SELECT 1, 'x@y.z' AS email, 'v' AS user_id$$)) WHERE step = 1 $q$);
CALL promise('a pattern with letters beyond ASCII', $q$ SELECT status = 'blocked'
  FROM identity_links(identity_source('a', $$SELECT 1, 'zo' || chr(235) || '@x.com' AS email$$), identity_rule('email', blocked_ipattern => '^ZO[' || chr(235) || ']')) $q$);
DO $$ BEGIN
  PERFORM identity_graph('zo' || chr(235), '1', identity_source('a', 'SELECT 1'));
EXCEPTION WHEN invalid_parameter_value THEN
  CALL promise('what an error names', format('SELECT %L = %L', SQLERRM, 'there is no source "zo' || chr(235) || '"'));
END $$;
\endif
CALL promise('functions on text', $q$ SELECT normalize_email(' Ann@X.com') = 'ann@x.com' AND ' Ann@X.com' =@ 'ANN@x.com' $q$);
-- The functions and operators on text and the type email, in this encoding. u(hex) is text from UTF-8, if the encoding has it.
CREATE FUNCTION u(hex text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN convert_from(decode(hex, 'hex'), 'UTF8'); EXCEPTION WHEN untranslatable_character THEN RETURN NULL; END $$;
CREATE TABLE addresses AS SELECT DISTINCT v FROM (
  SELECT v || '@X.com' AS v FROM bytes UNION ALL SELECT 'a@' || v || '.com' FROM bytes UNION ALL SELECT '<' || v || '@x.com>' FROM bytes WHERE id % 3 = 0 UNION ALL SELECT v FROM bytes
  UNION ALL SELECT u(hex) || '@b.com' FROM unnest('{c3bc,c39c,75cc88,c39f,e1ba9e,c4b1,c4b0,e284aa,ceb8,cfb4,d0b6,d096,e794a8e688b7,efbcba,efbd9a}'::text[]) hex) t WHERE v IS NOT NULL;
CALL promise('laws of addresses: function, operators, order and hashes agree for every pair', $q$
  SELECT count(*) = 0 FROM addresses a, addresses b
   WHERE (a.v =@ b.v) <> coalesce(~@ a.v = ~@ b.v, false) OR (a.v =@ b.v) <> (b.v =@ a.v) OR (a.v ==@ b.v) <> (email_compare(a.v, b.v) = 0) OR (a.v::email = b.v::email) <> (a.v ==@ b.v)
      OR (a.v ==@ b.v AND email_hash(a.v) <> email_hash(b.v)) OR sign(email_compare(a.v, b.v)) <> -sign(email_compare(b.v, a.v)) OR (a.v =@ b.v AND NOT a.v =~@ b.v) $q$);
CALL promise('laws of addresses: a spelling of a spelling is itself, and none has a reason', $q$
  SELECT bool_and(~@ ~@ v IS NOT DISTINCT FROM ~@ v AND (~@ v IS NULL) = (email_problem(v) IS NOT NULL) AND (email_domain(v) IS NULL) = (~@ v IS NULL)) FROM addresses $q$);
CREATE INDEX ON addresses (v email_ops);
CALL promise('an index of addresses finds every address', $q$
  SELECT bool_and((SELECT count(*) FROM addresses i WHERE i.v =@ (' ' || a.v)) >= 1) FROM (SELECT v FROM addresses WHERE ~@ v IS NOT NULL) a $q$);
CALL promise('full-width ASCII, where the encoding has it', $q$ SELECT coalesce(~@ u('efbd9aefbca0efbd98efbc8eefbd8fefbd92efbd87') = 'z@x.org', current_setting('server_encoding') = 'LATIN1') $q$);
CALL promise('an internationalised domain, where the encoding has it', $q$ SELECT coalesce(~@ ('a@b' || u('c3bc') || 'cher.example') = 'a@xn--bcher-kva.example', false) $q$);
CALL promise('trims the blanks of the encoding', $q$ SELECT coalesce(~@ (u('c2a0') || 'a@x.org' || u('c2a0')) = 'a@x.org', true) AND coalesce(~@ (u('e38080') || 'a@x.org') = 'a@x.org', true) $q$);
CALL promise('long values are no addresses and no errors', $q$ SELECT bool_and(~@ repeat(v, 100000) IS NULL AND length(email_problem(repeat(v, 100000))) > 0 AND repeat(v, 2000) ==@ repeat(v, 2000)) FROM bytes WHERE id % 16 = 1 $q$);
CALL promise('phones and ids take every byte', $q$ SELECT count(normalize_phone(v)) = 0 AND count(normalize_phone(v, 'GB')) = 0 AND count(normalize_id('uuid', v)) = 0 FROM bytes $q$);
CALL promise('comparisons take every byte, and count characters', $q$
  SELECT (SELECT bool_and(damerau(v, v) = 0 AND jaro_winkler(v, v) = 1 AND damerau(v || 'ab', v || 'ba') = 1 AND damerau(v, '') >= 1 AND jaro_winkler(v, 'a') BETWEEN 0 AND 1) FROM bytes WHERE v <> '')
     AND coalesce(damerau(u('c3bc'), 'u') = 1, true) AND coalesce(damerau(u('e794a8e688b7'), 'u') = 2, true) AND coalesce(jaro_winkler('M' || u('c3bc') || 'RTHA', 'M' || u('c3bc') || 'RHTA') = jaro_winkler('MARTHA', 'MARHTA'), true) $q$);
CALL promise('comparisons of long values', $q$ SELECT bool_and(damerau(repeat(v, 100000), repeat(v, 100000) || 'a') = 0 AND damerau(repeat(v, 2000), '') = 1024) FROM bytes WHERE id % 16 = 1 AND v <> '' $q$);
SELECT current_setting('server_encoding') = 'SQL_ASCII' AS sql_ascii \gset
\if :sql_ascii
CALL promise('what is no UTF-8 is no address, and is said to be none', $q$ SELECT ~@ (E'\xff' || '@x.org') IS NULL AND email_problem(E'\xff' || '@x.org') = 'it is not valid UTF-8' AND (E'\xff' || '@x.org') ==@ (E'\xff' || '@x.org') $q$);
\endif
