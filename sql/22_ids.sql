-- Telephone numbers and ids, spelled one way.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

-- E.164, the extension kept apart. Without a region only the international form says which country it is.
SELECT typed, normalize_phone(typed) AS international, normalize_phone(typed, 'GB') AS "in Britain"
  FROM (VALUES ('+44 20 8366 1177'), ('020 8366 1177'), ('+44 (0)20 8366 1177'), ('tel:+44-20-8366-1177;ext=12'), ('020 8366 1177 ext. 12'), ('+1 (650) 253-0000'),
               ('00 1 650 253 0000'), (E'+44\u00a020\u202f8366\u20091177'), ('020 8366 1177 / 020 8366 1178'), ('020 8366 1177 x12/x13'), ('+1 650 253'), ('12345'), ('n/a'), (''), (NULL)) v (typed);
-- A country comes from data: case, blanks, UK and the three letters of ISO 3166-1 are forgiven; one that is not known, or missing,
-- leaves the international form.
SELECT country, normalize_phone('020 8366 1177', country) AS national, normalize_phone('+44 20 8366 1177', country) AS international
  FROM (VALUES ('GB'), ('gb'), (' Gb '), ('UK'), ('uk'), ('GBR'), ('gbr'), ('England'), ('XX'), ('44'), (''), (NULL)) v(country);

-- A spreadsheet's decimal part, words, brackets and dates behind a number are no part of it. A value with two numbers is none, as either might be
-- the wrong one. Letters in the place of digits are digits.
SELECT typed, normalize_phone(typed)
  FROM (VALUES ('+4930901820'), ('+4930901820.0'), ('+4930901820,00'), ('+4930901820.5'), ('4.930901820E+11'), ('+49 30 901820 home'), ('+49 30 901820 (neu)'),
               ('+49 30 901820 (2024)'), ('+49 30 901820 2024-01-31'), ('+49 30 901820 o. 901821'), ('+49 30 901820/21'), ('+49 30 901820, 901821'),
               ('+49 (0)30 / 901820'), ('+49.30901820'), ('+1 (800) FLOWERS'), ('+1 650 253 home'), ('+1 650-253-0000 ext. 12')) v (typed);
-- Blanks group the digits of a number. Behind one that has none itself they part it from what follows; a year ends a number that would not exist with it.
SELECT typed, normalize_phone(typed, 'DE')
  FROM (VALUES ('030 90 18 20'), ('0309018 2024'), ('+49 30 901820 2024'), ('+4930901820 2024'), ('030/901820 2024'), ('+4930901820 2'), ('+4930901820 901821'),
               ('+1 650 253 0000 2024'), ('+1 650 253 0000 5'), ('+44 20 8366 1177 020 8366 1178')) v (typed);
-- The spreadsheet's decimal part, in many countries.
SELECT count(*) AS "somebody else's" FROM (VALUES ('+4930901820'), ('+431234567'), ('+390669812345'), ('+442083661177'), ('+81312345678'), ('+16502530000'), ('+33142685300'), ('+34911234567'),
       ('+5511987654321'), ('+358401234567'), ('+6281234567890'), ('+861012345678'), ('+48221234567'), ('+31201234567'), ('+4686661234')) v(number), unnest('{.0,.00,",0",.000}'::text[]) part
 WHERE normalize_phone(number) IS NOT NULL AND normalize_phone(number || part) IS DISTINCT FROM normalize_phone(number);

-- One number of two spellings: Brazil's ninth digit, Argentina's 9 for callers from abroad.
SELECT typed, normalize_phone(typed) FROM (VALUES ('+55 11 8765-4321'), ('+55 11 98765-4321'), ('+55 11 3456-7890'), ('+54 9 11 2345-6789'), ('+54 11 2345-6789')) v(typed);
-- Mexico's old 1 before a mobile number, within the country and from abroad: libphonenumber drops it, or, newer, knows no
-- such number; it never stays.
SELECT coalesce(normalize_phone('01 1 83 2264 6355', 'MX'), '+528322646355') AS national,
  coalesce(normalize_phone('+52 1 83 2264 6355'), '+528322646355') AS abroad, normalize_phone('+52 83 2264 6355') AS now;

-- A Salesforce id has 15 characters, or 18 that survive a change of case; the last three are verified.
SELECT typed, normalize_id('salesforce_id', typed)
  FROM (VALUES ('00Q31000014XGRc'), ('00Q31000014XGRcEAO'), ('00q31000014xgrceao'), ('00Q31000014XGRCEAO'), ('00Q31000014xGRcEAO'), ('00Q31000014XGRcEAM'), ('00Q31000014XGRcEA'), ('00Q31000014'), ('x')) v (typed);
SELECT typed, normalize_id('uuid', typed)
  FROM (VALUES ('F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6'), ('{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}'), ('urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'),
               ('f81d4fae7dec11d0a76500a0c91e6bf6'), ('00000000-0000-0000-0000-000000000000'), ('f81d4fae')) v (typed);
SELECT typed, normalize_id('object_id', typed)
  FROM (VALUES ('55C8923F67B8D6524600037F'), ('ObjectId("55c8923f67b8d6524600037f")'), ('55c8923f67b8d652460003')) v (typed);

-- Nothing is guessed, and no number is touched: 007, +7 and 7 are three people, as an id of any kind.
SELECT normalize_id('number', '007');
SELECT kind, count(*), count(DISTINCT identity_id) FROM unnest('{user_id,external_id,username,anonymous_id}'::text[]) kind,
       identity_records(identity_source('app', format($$SELECT * FROM (VALUES (1, '007'), (2, '+7'), (3, '7'), (4, '7.0')) v(id, %I)$$, kind))) GROUP BY kind ORDER BY kind;
-- What a value is not, it never becomes: NULL for NULL, blank and all else.
SELECT kind, normalize_id(kind, NULL) IS NULL AND normalize_id(kind, '') IS NULL AND normalize_id(kind, ' ') IS NULL AND normalize_id(kind, 'n/a') IS NULL AS none
  FROM unnest('{salesforce_id,uuid,object_id}'::text[]) kind;
SELECT proname, provolatile, proisstrict, proparallel FROM pg_proc WHERE proname IN ('normalize_phone', 'normalize_id') ORDER BY 1, pronargs;
