-- How alike two values are: jaro_winkler() and damerau().
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
RESET client_min_messages;

-- What Jaro and Winkler published, and others since.
SELECT a, b, round(jaro_winkler(a, b)::numeric, 4) AS jaro_winkler, damerau(a, b)
  FROM (VALUES ('MARTHA', 'MARHTA'), ('DIXON', 'DICKSONX'), ('DWAYNE', 'DUANE'), ('SHACKLEFORD', 'SHACKELFORD'), ('DUNNINGHAM', 'CUNNIGHAM'),
               ('NICHLESON', 'NICHULSON'), ('JONES', 'JOHNSON'), ('MASSEY', 'MASSIE'), ('ABROMS', 'ABRAMS'), ('JERALDINE', 'GERALDINE')) v (a, b);
-- No part is edited twice: Damerau's own distance of the first two is 2.
SELECT a, b, damerau(a, b) FROM (VALUES ('CA', 'ABC'), ('ab', 'ba'), ('abc', 'bca'), ('kitten', 'sitting'), ('a', 'b'), ('ab', 'b')) v (a, b);
-- The ends. Blanks and letter case are characters; NULL is no value.
SELECT a, b, jaro_winkler(a, b), damerau(a, b)
  FROM (VALUES ('', ''), ('', 'abc'), ('a', 'a'), ('a', 'A'), ('a', 'a '), ('abc', NULL), (NULL, NULL)) v (a, b);
-- A boost from 0.7 on, for a common beginning: 0.7 itself has it, what is below has not.
SELECT a, b, jaro_winkler(a, b) FROM (VALUES ('abcde', 'abcxyz'), ('abcd', 'abxyz')) v (a, b);

-- A character is a code point, whatever its bytes: where a database is not UTF-8, its own characters are.
SELECT damerau(U&'M\00fcller', 'Muller'), damerau(U&'Zo\00eb', U&'Zo\00e9'), jaro_winkler(U&'\00e9MARTHA', U&'\00e9MARHTA') = jaro_winkler('xMARTHA', 'xMARHTA') AS same;
-- Decomposed letters are two characters: bring values to one form first.
SELECT damerau(U&'Zo\00eb', U&'Zoe\0308'), damerau(U&'Zo\00eb', normalize(U&'Zoe\0308', NFC));

-- Symmetric; 1 and 0 edits for equal values only.
CREATE TEMP TABLE words AS SELECT DISTINCT left(md5(n::text), n % 20) || repeat(chr(97 + n % 3), n % 70) AS word FROM generate_series(1, 400) n;
SELECT count(*) > 100000 AS many, bool_and(jaro_winkler(a.word, b.word) = jaro_winkler(b.word, a.word)) AS symmetric, bool_and(damerau(a.word, b.word) = damerau(b.word, a.word)) AS symmetric_too,
       bool_and((jaro_winkler(a.word, b.word) = 1) = (a.word = b.word)) AS one_is_equal, bool_and((damerau(a.word, b.word) = 0) = (a.word = b.word)) AS none_is_equal,
       bool_and(damerau(a.word, b.word) BETWEEN abs(length(a.word) - length(b.word)) AND greatest(length(a.word), length(b.word))) AS within,
       bool_and(jaro_winkler(a.word, b.word) BETWEEN 0 AND 1) AS within_too
  FROM words a, words b;

-- The first 1024 characters of a long value count, so that any two cost milliseconds. No more than these is read of a value that is compressed or stored apart.
SELECT damerau(repeat('a', 1000000), repeat('b', 1000000)), damerau(repeat('a', 1024) || 'b', repeat('a', 1024) || 'c'), damerau(repeat('a', 1023) || 'b', repeat('a', 1023) || 'c'),
       round(jaro_winkler(repeat('ab', 500000), repeat('ba', 500000))::numeric, 4) AS jaro_winkler, damerau(repeat(U&'\00e9', 1000000), repeat(U&'\00e8', 1000000)), damerau(repeat('a', 1000000), '');
CREATE TEMP TABLE long_values (kept text, stored text);
ALTER TABLE long_values ALTER stored SET STORAGE EXTERNAL;
INSERT INTO long_values SELECT v, v FROM (SELECT string_agg(md5(n::text), U&'\00e9' ORDER BY n) AS v FROM generate_series(1, 30000) n UNION ALL SELECT repeat(U&'\00e9abcde', 200000)) t;
SELECT damerau(kept, stored), damerau(kept, left(stored, 1024)), damerau(stored, left(stored, 1023)), jaro_winkler(kept, left(stored, 1024)) FROM long_values;

SELECT proname, provolatile, proisstrict, proparallel FROM pg_proc WHERE proname IN ('jaro_winkler', 'damerau') ORDER BY 1;
