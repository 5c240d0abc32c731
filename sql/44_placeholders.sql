-- What machines write where a value is missing: it never links, and nothing honest is lost.
CREATE SCHEMA rubbish;
SET search_path = rubbish, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

-- What becomes of values that two records share.
CREATE FUNCTION fate(kind text, typed text[], VARIADIC rules identity_clause[] DEFAULT '{}') RETURNS TABLE (typed text, status text) LANGUAGE sql AS $$
  SELECT v.typed, string_agg(DISTINCT l.status, ', ') FROM unnest(typed) WITH ORDINALITY AS v(typed, n),
    LATERAL identity_links(VARIADIC ARRAY[identity_source('a', format('SELECT 1, %L AS %I', v.typed, kind)),
                                          identity_source('b', format('SELECT 1, %L AS %I', v.typed, kind))] || rules) l
  GROUP BY v.n, v.typed ORDER BY v.n $$;

-- 50,000 records without a user are not one person.
SELECT count(*) AS records, count(DISTINCT identity_id) AS people FROM identity_records(identity_source('app', 'SELECT n, ''(null)'' AS user_id FROM generate_series(1, 50000) n'));

-- Nulls of each language and database, spreadsheet errors, zeros, all bits, hashes of nothing, names of columns, format strings, macros, punctuation.
SELECT string_agg(typed, '  ') AS blocked FROM fate('user_id', ARRAY['(null)', '<null>', '[NULL]', '"null"', '{undefined}', '\N', '\\N', 'DBNull', 'Optional(nil)', '[object Object]', '[object Undefined]', '%!s(<nil>)',
  '#N/A', '#REF!', '#VALUE!', '#NV', '#BEZUG!', '1.#QNAN', '0x0000000000000000', '0x0', '00:00:00:00:00:00', '{00000000-0000-0000-0000-000000000000}', '0.0', '000000000000000AAA', '000000000000000',
  'ffffffffffffffff', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', 'ff:ff:ff:ff:ff:ff', '-2147483648', '9223372036854775807', md5(''), md5('null'), md5('undefined'), 'anonymousId', '(email)', '<user_id>', '%s',
  '__IDFA__', '__HIVE_DEFAULT_PARTITION__', '&nbsp;', '{{user.id}}', '{{ user.id }}', 'user-{{id}}', '%%emailaddr%%', '*|EMAIL|*', '${user.id}', '#{user.id}', '[[email]]', '<%= user.id %>', '<?php echo $id ?>', '{!Contact.Email}',
  '%FIRSTNAME%', '{contact.email}', '{first_name}', '%7B%7Buser.id%7D%7D', '.', '-', '--', '_', '???', '***', '" "', '/', U&'\2014', U&'\2026', U&'\FF1F', '1.23457E+15', '1E+15', '1,23457E+15', '1.2e5', '-1e5', '5E-05', ' (NULL) ']) WHERE status = 'blocked';
-- Those of other languages, lists and objects of nothing, what loaders and manuals put in, parameters that were not bound, nobody who is logged in.
SELECT string_agg(typed, '  ') AS blocked FROM fate('user_id', ARRAY['[null, null]', '{"id": null}', '{''id'': None}', '(None,)', '["", "null"]', 'Optional[null]', 'Some(None)', 'NULL::uuid', 'undefinednull', 'NaN-NaN-NaN', 'userdata: NULL', 'character(0)', 'map[]', 'pd.NA', 'Invalid Date', 'System.String[]',
  '<class ''NoneType''>', '<object object at 0x7f3c2a1b>', '#<User:0x000055d1>', '[B@1b6d3586', '[Ljava.lang.String;@6d06d69c', 'function () { [native code] }', '[Filtered]', '%5Bobject%20Object%5D', '__debezium_unavailable_value', 'unchanged-toast-datum', 'No Match Row Id', '- None -', '::uniques_exceeded::',
  '\x', '\x00', '\x00000000000000000000000000000000', '\xFFFFFFFFFFFFFFFF', '\0', '\u0000', 'urn:uuid:00000000-0000-0000-0000-000000000000', 'ObjectId("000000000000000000000000")', '-1.0', '#N/B', '#YOK', '=NA()', ':user_id', '$userId', '@@user_id', '~user_id~', '__USER_ID__', '|USER_ID|', '[$USER_ID]', '{$userId}', '{$user.name}',
  '%(user_id)s', '%{user_id}', '@{user.id}', '{% if user %}', '[%user_id%]', '%7Buser_id%7D', '~null~', '|null|', 'YOUR_USER_ID', 'your-user-id', 'VISITOR-UNIQUE-ID', 'not_logged_in', 'not logged in', 'unauthenticated', 'no_user', 'no-id', 'anonymous-user', U&'Non renseign\00C9', U&'\041D\0435 \0443\043A\0430\0437\0430\043D\043E', U&'#\0417\041D\0410\0427!', U&'#DE\011EER!', U&'\672A\8A2D\5B9A', 'GDPR_DELETED', '<br>']) WHERE status = 'blocked';
SELECT * FROM fate('user_id', ARRAY['(null)', '1.23457E+15', '{{user.id}}'], identity_rule('user_id', block_placeholders => false));

-- The defaults of 0.1 had a shorter list and knew no automatic senders; later rules refine earlier ones.
SELECT * FROM fate('user_id', ARRAY['null', '(none)', 'guest', '0-0', '(null)', '{{user.id}}', '1.23457E+15'], identity_defaults('0.1'));
SELECT * FROM fate('email', ARRAY['test@test.com', 'noemail@gmail.com', 'no-reply@acme.com'], identity_defaults('0.1'));
SELECT * FROM fate('email', ARRAY['no-reply@acme.com'], identity_defaults('0.1'), identity_rule('email', block_automatic => true));
SELECT * FROM fate('email', ARRAY['no-reply@acme.com'], identity_rule('email', block_automatic => false), identity_rule('email', priority => 61));

-- Honest values that look a little like them.
-- Unaligned: not every psql knows how wide the last letters are.
\pset format unaligned
SELECT string_agg(typed, '  ') AS link FROM fate('user_id', ARRAY['1e810c197e', '55e8923', '1e810', '5e8923', '12e3456', '1.e4', '55e-8923', '7e5', 'nat', 'inf', 'array', 'nothing', 'void', 'infinity', 'default', 'f', 'ff', 'ffff', 'fffffff', '0_0', 'o_o', '00a', '0x1', '0xDEADBEEF',
  '{6ba7b810-9dad-11d1-80b4-00c04fd430c8}', '{abcdef12-9dad-11d1-80b4-00c04fd430c8}', '{jane}', '{k3jd92}', '__jane__', '#yolo', '#yolo!', '@jane', '$jane', '100%', '%jane', '[TSM]jane', '<jane>', 'jane|work', 'a{b}c', 'nullsoft', 'null_island', 'nonesuch', 'jean_null', 'guest1234', 'id1', 'email1',
  '2147483647', '4294967295', '000000000000001AAA', 'test', 'deleted', 'J.', 'C++', U&'\00e9', U&'\+01F600',
  '\x01', '\xdeadbeef', '[jane]', '[jane, null]', '{"id": "u1"}', '{"id": 0}', '$jane', ':jane', '@user', '_null', 'null_', '~jane~', '__init__', '<jane at home>', 'Optional("u1")', 'Some(u1)', 'unset', 'missing', 'noid', 'system.admin', 'john.user.id', 'user_id_7', '[B@x', 'redacted', 'n.a.', 'urn:uuid:00000000-0000-0000-0000-000000000001', 'None of us', 'null island']) WHERE status = 'links';
\pset format aligned

-- They are matched before and after normalising: fifteen zeros are Salesforce's empty key, whatever the normaliser makes of them.
SELECT * FROM fate('salesforce_id', ARRAY['000000000000000', '000000000000000AAA', '00Q31000014XGRc']);
CREATE TABLE leads (id text, master_record_id text, converted_contact_id text);
INSERT INTO leads SELECT '00Q31000014XG' || chr(65 + n / 26) || chr(65 + n % 26) || 'EAO', '000000000000000AAA', '000000000000000AAA' FROM generate_series(1, 100) n;
SELECT count(*) AS records, count(DISTINCT identity_id) AS people FROM identity_records(identity_source('salesforce', 'SELECT id, ARRAY[id, master_record_id, converted_contact_id] AS user_id FROM leads'));
SELECT * FROM fate('uuid', ARRAY['d41d8cd98f00b204e9800998ecf8427e', 'd41d8cd9-8f00-b204-e980-0998ecf8427e', '{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}']);
SELECT * FROM fate('phone', ARRAY['4.93090E+10', '(000) 000-0000'], identity_rule('phone', region => 'DE'));

-- Addresses that nobody has; the name before the @ alone is enough where no person bears it.
SELECT string_agg(typed, '  ') AS blocked FROM fate('email', ARRAY['a@b.invalid', 'ann@shop.invalid', 'ann@my.localhost', 'NoEmail@gmail.com', 'no-email@acme.com', 'deleted@acme.com', 'deleted@example.com', 'redacted@acme.test', 'Example@Email.com',
  'noemail@gmail.com', 'your.email@acme.com', 'j***@gmail.com', 'j**@gmail.com', U&'j\2022\2022\2022@gmail.com', '{{email}}@acme.com', 'Nobody <noemail@acme.com>', 'wapuu@wordpress.example', 'sample@email.tst',
  'no.email.provided@acme.com', 'not.available@acme.com', 'declinedemail@acme.com', 'placeholder@acme.com', 'aaa@aaa.com', 'test@test.de', 'username@domain.com', 'null@example.com', 'root@localhost.localdomain', '{email}@acme.com', '%EMAIL%@acme.com']) WHERE status = 'blocked';
SELECT string_agg(typed, '  ') AS link FROM fate('email', ARRAY['ann@example.com', 'ann@example.org', 'ann@acme.test', 'ann@acme.example', 'null@gmx.de', 'none@gmx.de', 'test@gmail.com', 'email@acme.com', 'rock*star@acme.com', 'invalid@acme.com', 'ann@notinvalid.com', 'ann@localhost.com',
  'ann+null@acme.com', 'nomail.ann@acme.com', 'ann@no-reply.com', 'deleted.scenes@acme.com', 'name@acme.com', 'john.doe@example.com', 'x@x.com', 'ann@box.localdomain', 'refused@acme.com', 'missing@acme.com', 'noemail123@gmail.com', 'rock{star}@acme.com']) WHERE status = 'links';
SELECT * FROM fate('mailbox', ARRAY['no.email@gmail.com', 'No.E.Mail+x@googlemail.com', 'n.o.emails@gmail.com'], identity_rule('mailbox', normalizer => 'mailbox'));

-- Automatic senders are never a person, unless a rule says otherwise; GitHub's users.noreply addresses are people.
CREATE TABLE senders (n int GENERATED ALWAYS AS IDENTITY, typed text);
INSERT INTO senders (typed) SELECT unnest(ARRAY['no-reply@acme.com', 'NoReply@acme.com', 'no_reply@acme.com', 'do-not-reply@acme.com', 'donotreply@acme.com', 'comments-noreply@docs.acme.com', 'noreply+4711@acme.com', 'noreply2@acme.com', 'no-reply-eu@acme.com',
  'nicht-antworten@acme.de', 'ne-pas-repondre@acme.fr', 'noresponder@acme.es', 'mailer-daemon@acme.com', 'MAILER-DAEMON@acme.com', 'bounces@acme.com', 'bounce+ann=x.com@acme.com', 'bounces-123@acme.com', 'auto-reply@acme.com', 'devnull@acme.com',
  'ann@users.noreply.github.com', '123+ann@users.noreply.github.com', 'no-reply@users.noreply.github.com', 'casinoreply@acme.com', 'ann.noreplyson@acme.com', 'bounce-house@acme.com', 'bouncer@acme.com', 'ann@noreply.com', 'postmaster@acme.com', 'notifications@acme.com', 'reply@acme.com',
  'do-not-respond@acme.com', 'unmonitored@acme.com', 'geen-antwoord@acme.nl', 'no-contestar@acme.mx', 'svar-ikke@acme.no', 'neodpovidat@acme.cz', 'ne-otvechat@acme.ru', 'yanitlamayin@acme.tr', 'noresponse@acme.com', 'noreturn@acme.com', 'ngeenantwoord@acme.nl']);
SELECT status, string_agg(typed, '  ' ORDER BY n) AS senders FROM senders JOIN fate('email', (SELECT array_agg(typed ORDER BY n) FROM senders)) USING (typed) GROUP BY status ORDER BY status;
SELECT DISTINCT status FROM fate('email', (SELECT array_agg(typed ORDER BY n) FROM senders), identity_rule('email', block_automatic => false));
-- Of Yahoo's disposable addresses the mailbox has the beginning only: what the address says counts.
SELECT * FROM fate('mailbox', ARRAY['no-reply@yahoo.com', 'MAILER-DAEMON@yahoo.com', 'Nobody <no-email@yahoo.com>', 'bounce-77@yahoo.com', 'nick-shop@yahoo.com', 'no-way@yahoo.com', 'no-reply@proton.me'], identity_rule('mailbox', normalizer => 'mailbox'));
SELECT * FROM fate('user_id', ARRAY['no-reply@acme.com']);
SELECT fate('user_id', ARRAY['x'], identity_rule('user_id', block_automatic => true));
SELECT identity_rule('email', block_automatic => false);

-- identity_report() counts what is blocked, placeholders and automatic senders alike, and says of the most shared values that they are. Here a shop has three automatic senders on
-- six records, three records without an address of anybody's, and one person on two.
CREATE TABLE mails (n int GENERATED ALWAYS AS IDENTITY, email text);
INSERT INTO mails (email) VALUES ('no-reply@acme.com'), ('no-reply@acme.com'), ('NoReply@acme.com'), ('noreply@acme.com'), ('mailer-daemon@acme.com'), ('mailer-daemon@acme.com'), ('noemail@gmail.com'), ('noemail@gmail.com'), ('(null)'), ('ann@x.com'), ('Ann@x.com');
SELECT * FROM identity_report(identity_source('shop', 'SELECT n, email FROM mails')) WHERE metric IN ('identities', 'identifiers', 'most shared', 'role addresses shared') AND value <> 0;
-- Freed, they link: each sender is one person.
SELECT * FROM identity_report(identity_source('shop', 'SELECT n, email FROM mails'), identity_rule('email', block_automatic => false, role_max_records => 0)) WHERE metric IN ('identities', 'identifiers', 'most shared') AND value <> 0;
SELECT * FROM identity_report(identity_source('shop', 'SELECT n, email FROM mails'), identity_rule('email', block_placeholders => false)) WHERE metric IN ('identities', 'identifiers', 'most shared') AND value <> 0;

-- Telephone numbers that nobody has. Most are none of their kind already, as no plan assigns them; the example numbers of films and documentation stay.
SELECT * FROM fate('phone', ARRAY['+1 234 567 8900', '(234) 567-8900', '+44 7777 777777', '+1 212 555 5555', '+86 138 0013 8000', '+1 222 222 2222', '+1 123 456 7890', '+49 1111111', '+1 212 555 0123', '+1 212 222 2222', '+44 7700 900123', '+44 20 7946 0958',
  '+1 212 555 1212', '+1 888 888 8888', '+49 170 0000000', '+33 6 00 00 00 00', '+34 600 000 000', '+33 1 23 45 67 89', '+33 6 12 34 56 78', '+44 20 1234 5678', '+47 900 00 000', '+91 99999 99999', '+49 89 1234 0000'], identity_rule('phone', region => 'US'));

-- The list shows all of it: its words and patterns, as PostgreSQL's ~* reads them, say of each of thousands of values what the engine does.
CREATE TABLE scraps AS
  SELECT row_number() OVER () AS n, scrap FROM (
    SELECT DISTINCT unnest(string_to_array(value, '|')) AS scrap FROM identity_blocked_values() WHERE NOT is_pattern AND length(value) < 25
    UNION ALL SELECT scrap FROM generate_series(1, 10), unnest(ARRAY['[object map]', '{contact.email}', '{first_name}', '{contact', 'first_', '0x00', '1e+', '1.5e', '-3e', '{!', '${', '#{', '%!s(', '{', '{{', '}', '}}', '[', '[[', ']', ']]', '<', '>', '<%', '%>', '<?', '?>', '%', '%%', '*', '**', '*|', '|*', '$', '#', '!', '@', '@x.com', '@a.invalid', '@localhost', '@users.noreply.github.com', '"', '''', '`', '(', ')', '_', '-', '.', ',', ':', ' ', '+', '/',
      '\', '0', '00', '000000', '0x', '1', '12', '123', '1234', 'e', 'E', 'e+', 'e-', 'E+05', '.5', 'f', 'ff', 'fffff', 'FFFFFFFF', 'a', 'b', 'ab', 'c1', 'd12', 'e123', 'first', 'name', 'noreply', 'no-reply', 'noemail', 'deleted', 'your.email', '%7b%7b', '%7D%7D', '%24%7b', '%7d', '+1', 'object ', '%!s', '%!d(x)', 'é',
      '\x', '\0', 'user_id', 'userId', 'null', 'NULL', 'undefined', '"id"', ': null', ', ', '=', '~', '$', '&', ';', '{%', '%}', '[%', '%]', '@{', '%{', '{$', '%(', ')s', '#<', ' at 0x', '<class ''', '''>', '[B', '[Ljava', ';@', '@1b6d', '{email}', '%EMAIL%', '%(email)s', '+4917', '+1212', '+1', '0000', '00000000', '5551212', '+12125551212', '+4900000000', '{{a}}', '*|a|*', '1E+15', '~user_id~', '${a}', '{!a}', '[[a]]', '<%a%>', '%%a%%', '%7b%7ba%7d%7d', '{%a%}', 'noemail@x.com', '{email}@x.com', 'j**@x.com', '#<x>', '{$jane}', '[B@1b6d', '<x at 0xff>', '<class ''str''>',
      U&'#\0437\043D\0430\0447!', U&'non d\00E9fini', U&'j\2022@x.com', U&'\2014', U&'\2022', U&'\2026', U&'\FF01', U&'\00aa', U&'\00b7', U&'\FFFD', U&'\3000']) AS scrap) s;
SELECT setseed(0.5) \g /dev/null
CREATE TABLE texts AS
  SELECT parts.n, string_agg(scrap, '' ORDER BY i) AS typed
  FROM (SELECT m AS n, i, 1 + floor(random() * (SELECT count(*) FROM scraps))::int AS at FROM generate_series(1, 20000) m, LATERAL generate_series(1, 1 + m % 5) i) parts
    JOIN scraps ON scraps.n = at GROUP BY parts.n;
CREATE TABLE found AS SELECT value AS typed, status FROM identity_links(identity_source('texts', 'SELECT n, typed AS word FROM texts'), identity_rule('word', normalizer => 'none'));
CREATE TABLE wanted AS
  WITH list AS (SELECT array_agg(value) FILTER (WHERE NOT is_pattern) AS words, string_agg('(' || value || ')', '|') FILTER (WHERE is_pattern) AS pattern FROM identity_blocked_values() WHERE freed_by = 'block_placeholders')
  SELECT typed, lower(trimmed) = ANY (words) OR trimmed ~* pattern OR typed ~* pattern AS hit
  FROM (SELECT DISTINCT typed, btrim(typed, U&' \3000') AS trimmed FROM texts) t, list;
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE hit) > 1500 AS some_hit, count(*) FILTER (WHERE NOT hit) > 1500 AS some_do_not, count(*) FILTER (WHERE hit <> (status = 'blocked')) AS differences
FROM found JOIN wanted USING (typed);
SELECT DISTINCT typed, hit, status FROM found JOIN wanted USING (typed) WHERE hit <> (status = 'blocked') ORDER BY 1 LIMIT 20;

-- The pattern of automatic senders likewise.
CREATE TABLE names AS
  SELECT n, string_agg((ARRAY['no', 'reply', 'noreply', 'do', 'not', 'dont', 'mailer', 'daemon', 'mail', 'auto', 'dev', 'null', 'bounce', 'bounces', 'nicht', 'antworten', 'keine', 'antwort', 'responder', 'responda', 'nao', 'ikke', 'svar', 'respond', 'geen', 'antwoord', 'contestar', 'unmonitored', 'neodpovidat', '.', '-', '_', '+', '=', '1', '22', 'a', 'ann'])[1 + floor(random() * 38)::int], '') AS name
  FROM generate_series(1, 30000) n, LATERAL generate_series(1, 1 + n % 5) i GROUP BY n;
CREATE TABLE sent AS SELECT value, status FROM identity_links(identity_source('names', $$SELECT n, name || CASE n % 9 WHEN 0 THEN '@users.noreply.github.com' ELSE '@x.com' END AS email FROM names$$), identity_rule('email', block_placeholders => false, role_max_records => 0)) WHERE status <> 'invalid';
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE status = 'blocked') > 300 AS some_hit, count(*) FILTER (WHERE (value ~* pattern) <> (status = 'blocked')) AS differences
FROM sent, (SELECT value AS pattern FROM identity_blocked_values() WHERE freed_by = 'block_automatic') p;

-- Every pattern hits something here, as each has a text of its own among the scraps; every entry has its source.
SELECT value FROM identity_blocked_values() b WHERE is_pattern AND freed_by = 'block_placeholders' AND NOT EXISTS (SELECT FROM found WHERE status = 'blocked' AND typed ~* b.value);
SELECT freed_by, is_pattern, count(*), count(*) FILTER (WHERE source = '') AS without_source FROM identity_blocked_values() GROUP BY 1, 2 ORDER BY 1, 2;

SET client_min_messages = warning;
DROP SCHEMA rubbish CASCADE;
