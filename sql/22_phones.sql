-- Telephone numbers as people, forms and spreadsheets keep them, in eleven countries: what stands behind a number never becomes digits of it.
CREATE SCHEMA phones;
SET search_path = phones, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;
\pset null '-'

CREATE TABLE numbers (country text, typed text, number text);
INSERT INTO numbers VALUES
  ('US', '(650) 253-0000', '+16502530000'), ('US', '6502530000', '+16502530000'), ('GB', '020 8366 1177', '+442083661177'), ('GB', '07912345678', '+447912345678'),
  ('DE', '030 901820', '+4930901820'), ('DE', '030/90 18 20', '+4930901820'), ('DE', '+49-30-901820', '+4930901820'), ('FR', '01 42 68 53 00', '+33142685300'), ('FR', '0142685300', '+33142685300'),
  ('ES', '912 345 678', '+34912345678'), ('IT', '06 1234 5678', '+390612345678'), ('BR', '(11) 98765-4321', '+5511987654321'), ('AR', '011 2345-6789', '+541123456789'),
  ('IN', '098765 43210', '+919876543210'), ('AU', '0412 345 678', '+61412345678'), ('JP', '03-1234-5678', '+81312345678');
SELECT count(*) AS numbers, count(DISTINCT country) AS countries, count(*) FILTER (WHERE normalize_phone(typed, country) IS DISTINCT FROM number) AS wrong FROM numbers;

-- Behind each of them: a decimal part, words, brackets, dates, a second number. The value is the number, or none; never one that nobody wrote.
CREATE TABLE tails (n int GENERATED ALWAYS AS IDENTITY, what text, tail text);
INSERT INTO tails (what, tail) VALUES ('a decimal part', '.0'), ('a decimal part', ',00'), ('a decimal part', '.0.0'), ('a decimal part', '.5'),
  ('words', ' home'), ('words', ' - work'), ('words', ' after 6 pm'), ('words', ' 24h'), ('words', ' 3. Stock'), ('words', ' 2 kids'), ('words', ' Mo-Fr 9-17'), ('words', ', ask for Ann'),
  ('brackets', ' (neu)'), ('brackets', '(home)'), ('brackets', ' (2024)'), ('brackets', ' (2. Nummer)'), ('brackets', ' [main]'), ('brackets', ' (Mo-Do 9-17)'), ('brackets', ' (030 901821)'),
  ('dates', ' 2024-01-31'), ('dates', ' 31.01.2024'), ('dates', ' (01/2024)'), ('dates', ' 1/31/24'), ('dates', ' Jan 31 2024'),
  ('a second number', ' o. 901821'), ('a second number', ' or 6502530001'), ('a second number', '/21'), ('a second number', ' / 901821'), ('a second number', '; 901821'), ('a second number', E'\n901821'), ('a second number', ' fax 901821'), ('a second number', ' *2'),
  ('nothing', ' '), ('nothing', '.'), ('nothing', ' ('), ('nothing', '?'), ('nothing', ' -'), ('nothing', ';');
SELECT what, tail, count(*) FILTER (WHERE read = number) AS the_number, count(*) FILTER (WHERE read IS NULL) AS "none", count(*) FILTER (WHERE read <> number) AS another
FROM (SELECT n, what, to_json(t.tail)::text AS tail, number, normalize_phone(typed || t.tail, country) AS read FROM numbers, tails t) r GROUP BY n, what, tail ORDER BY n;

-- Before it.
SELECT head, count(*) FILTER (WHERE read = number) AS the_number, count(*) FILTER (WHERE read IS NULL) AS "none", count(*) FILTER (WHERE read <> number) AS another
FROM (SELECT head, number, normalize_phone(head || typed, country) AS read FROM numbers, unnest(ARRAY['Tel. ', 'home: ', 'p:', 'tel:', '''', '="', '(new) ', '2024-01-31 ']) AS head) r GROUP BY head ORDER BY head COLLATE "C";

-- Extensions are part of a number, letters for digits are digits, and an area in brackets is no remark.
SELECT country, typed, normalize_phone(typed, country) FROM (VALUES ('US', '650-253-0000 ext. 12'), ('US', '650-253-0000x12'), ('US', '650-253-0000 #12'), ('IT', '06 1234 5678 int. 12'), ('US', '650-253-0000 ext 12 or 13'), ('US', '+1 (800) FLOWERS'), ('US', '1-800-GO-FEDEX'),
  ('GB', '+44 (0)20 8366 1177'), ('DE', '+49 (0) 30 / 90 18 20'), ('DE', '030/901820-21'), ('DE', '(030) 90 18 20'), ('US', '6.50253E+09'), ('DE', '4,93090E+10')) v(country, typed);

-- One number that is dialled in several ways is one.
SELECT country, number, string_agg(typed, ' | ' ORDER BY n) AS spellings FROM (
  SELECT n, country, typed, normalize_phone(typed, country) AS number FROM (VALUES (1, 'BR', '+55 11 8765-4321'), (2, 'BR', '(11) 8765-4321'), (3, 'BR', '011 98765-4321'), (4, 'BR', '11987654321.0'),
    (5, 'AR', '+54 9 11 2345-6789'), (6, 'AR', '+54 11 2345-6789'), (7, 'AR', '011 15-2345-6789'), (8, 'AR', '11 2345 6789'), (9, 'MX', '+52 55 1234 5678'), (10, 'MX', '55 1234 5678')) v(n, country, typed)) s
GROUP BY country, number ORDER BY country, number;

-- The country comes from data as well: its case, blanks, UK and three letters are forgiven; one that nobody knows means the international form only.
SELECT country, normalize_phone('020 8366 1177', country) AS national, normalize_phone('+44 20 8366 1177', country) AS international FROM unnest(ARRAY['GB', 'gb', ' Gb ', 'UK', 'uk', 'GBR', 'England', 'XX', '', NULL]) AS country;
-- So no row ends a build.
CREATE TABLE leads AS SELECT * FROM (VALUES (1, '020 8366 1177', 'UK'), (2, '+44 (0)20 8366 1177 (work)', 'Atlantis'), (3, '442083661177.0', 'gbr'), (4, '020 8366 1177', NULL), (5, '020 8366 1177 or 1178', 'GB')) v(id, phone, country);
SELECT lead_ids FROM resolve_identities(identity_source('lead', 'SELECT id, normalize_phone(phone, country) AS phone FROM phones.leads')) AS (lead_ids int[]) ORDER BY 1;

-- As a kind: with each of these tails, and with none, there are as many people as numbers.
SELECT count(DISTINCT identity_id) AS people FROM identity_records(identity_source('plain', 'SELECT row_number() OVER (), normalize_phone(typed, country) AS phone FROM phones.numbers'),
  identity_source('odd', 'SELECT row_number() OVER (), normalize_phone(typed || tail, country) AS phone FROM phones.numbers, phones.tails WHERE normalize_phone(typed || tail, country) IS NOT NULL'));
SELECT count(DISTINCT number) AS wanted FROM numbers;

SET client_min_messages = warning;
DROP SCHEMA phones CASCADE;
