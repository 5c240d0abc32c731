-- What a map's user has made of its table: how a refresh writes it, by itself or by a statement where more hangs on its
-- rows, and that it writes the same.
SET client_min_messages = warning;
CREATE SCHEMA made;
CREATE TABLE made.app (id text PRIMARY KEY, email text);
CREATE TABLE made.desk (id int PRIMARY KEY, email text);
INSERT INTO made.app SELECT 'u' || n, 'e' || n || '@x.com' FROM generate_series(1, 30) AS n;
INSERT INTO made.desk SELECT n, 'E' || n || '@x.com' FROM generate_series(1, 20) AS n;
SELECT create_identity_map('made.people', identity_source('app', 'SELECT id, email FROM made.app'), identity_source('desk', 'SELECT id, email FROM made.desk'),
  identity_column('app_id', 'text[]'), identity_column('desk_id', 'int[]'), identity_column('email', 'varchar(40)'));
CALL refresh_identity_map('made.people');

-- Changes who is who, refreshes, and says how: with the statement broken, only a refresh that needs none goes well. Then what
-- differs from a full resolve.
CREATE SEQUENCE made.round;
CREATE PROCEDURE made.look(OUT how text, OUT changes text, OUT differ bigint) LANGUAGE plpgsql AS $$
DECLARE
  r int := nextval('made.round');
  statement text;
BEGIN
  CALL refresh_identity_map('made.people');  -- takes note of what became of the table
  SELECT c.settle INTO statement FROM identity_internal.identity_map_catalog AS c;
  UPDATE made.app SET email = format('e%s@x.com', 1 + (substr(id, 2)::int * 7 + r * 3) % 40) WHERE substr(id, 2)::int % 5 = r % 5 AND length(id) < 5;
  INSERT INTO made.app VALUES ('u' || 1000 + r, format('only%s@x.com', r));
  DELETE FROM made.desk WHERE id % 9 = r % 9;
  INSERT INTO made.desk SELECT 100 * r + n, format('e%s@x.com', n + r) FROM generate_series(1, 3) AS n;
  BEGIN
    UPDATE identity_internal.identity_map_catalog SET settle = 'SELECT to_jsonb(1 / 0)';
    CALL refresh_identity_map('made.people');
    how := 'by itself';
  EXCEPTION WHEN division_by_zero THEN
    how := 'by a statement';
    CALL refresh_identity_map('made.people');
  END;
  UPDATE identity_internal.identity_map_catalog SET settle = statement;
  SELECT concat_ws(' ', c ->> 'inserted', c ->> 'updated', c ->> 'deleted', c ->> 'created', c ->> 'merged', c ->> 'split', c ->> 'retired') INTO changes
  FROM (SELECT last_changes AS c FROM identity_maps) AS m;
  SELECT count(*) INTO differ FROM (
    (SELECT app_id, desk_id, email FROM made.people EXCEPT ALL SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('made.people')) AS (app_id text[], desk_id int[], email varchar(40)))
    UNION ALL
    (SELECT * FROM resolve_identities(VARIADIC identity_map_clauses('made.people')) AS (app_id text[], desk_id int[], email varchar(40)) EXCEPT ALL SELECT app_id, desk_id, email FROM made.people)) AS d;
END $$;
RESET client_min_messages;
CALL made.look(NULL, NULL, NULL);
CALL made.look(NULL, NULL, NULL);

-- Indexes and columns that are nobody's but the user's: what they say stays.
CREATE INDEX ON made.people (email);
CREATE INDEX ON made.people (lower(email)) WHERE email > 'e2';
ALTER TABLE made.people ADD COLUMN note text, ADD COLUMN gone int, ADD COLUMN pages text;
ALTER TABLE made.people DROP COLUMN gone;
UPDATE made.people SET note = 'first: ' || app_id[1], pages = repeat('long ', 10000) WHERE app_id IS NOT NULL;
SELECT count(*) AS notes FROM made.people WHERE note IS NOT NULL \gset before_
CALL made.look(NULL, NULL, NULL);
SELECT count(*) > 0 AS stay, count(*) < :before_notes AS some_went, bool_and(length(pages) = 50000) AS whole FROM made.people WHERE note IS NOT NULL;

-- Whatever else hangs on a row has its say.
CREATE FUNCTION made.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'stamped'; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON made.people FOR EACH ROW EXECUTE FUNCTION made.stamp();
CALL made.look(NULL, NULL, NULL);
SELECT count(*) > 0 AS stamped FROM made.people WHERE note = 'stamped';
DROP TRIGGER stamp ON made.people;
ALTER TABLE made.people ALTER note SET DEFAULT 'by default';
CALL made.look(NULL, NULL, NULL);
SELECT count(*) > 0 AS defaults FROM made.people WHERE note = 'by default';
ALTER TABLE made.people ALTER note DROP DEFAULT;
ALTER TABLE made.people ADD CONSTRAINT checked CHECK (email LIKE '%@%');
CALL made.look(NULL, NULL, NULL);
ALTER TABLE made.people DROP CONSTRAINT checked;
ALTER TABLE made.people ADD COLUMN mail text GENERATED ALWAYS AS (upper(email)) STORED;
CALL made.look(NULL, NULL, NULL);
SELECT bool_and(mail = upper(email)) AS generated FROM made.people;
ALTER TABLE made.people DROP COLUMN mail;
ALTER TABLE made.people ENABLE ROW LEVEL SECURITY;
CALL made.look(NULL, NULL, NULL);
ALTER TABLE made.people DISABLE ROW LEVEL SECURITY;
CREATE TABLE made.child () INHERITS (made.people);
CALL made.look(NULL, NULL, NULL);
DROP TABLE made.child;
CREATE DOMAIN made.word AS text;
ALTER TABLE made.people ADD COLUMN word made.word;
CALL made.look(NULL, NULL, NULL);
ALTER TABLE made.people DROP COLUMN word;
ALTER TABLE made.people DROP CONSTRAINT people_pkey;
CALL made.look(NULL, NULL, NULL);
ALTER TABLE made.people ADD PRIMARY KEY (identity_id);
CREATE TABLE made.likes (identity_id uuid REFERENCES made.people ON DELETE CASCADE);
INSERT INTO made.likes SELECT identity_id FROM made.people;
SELECT count(*) AS likes FROM made.likes \gset
CALL made.look(NULL, NULL, NULL);
SELECT count(*) < :likes AS cascaded FROM made.likes;
DROP TABLE made.likes;
VACUUM ANALYZE made.people;  -- that it had children is forgotten
CALL made.look(NULL, NULL, NULL);

-- Who has taken rows out gets them back by a full refresh. Where the table will not take what it has to, nothing is done.
DELETE FROM made.people WHERE 'u1' = ANY (app_id) OR 'u2' = ANY (app_id);
UPDATE made.app SET email = 'other@x.com' WHERE id = 'u1';
CALL refresh_identity_map('made.people');
SELECT count(*) FROM made.people WHERE 'u2' = ANY (app_id);
CALL refresh_identity_map('made.people', full => true);
SELECT count(*) FROM made.people WHERE 'u2' = ANY (app_id);
CREATE UNIQUE INDEX one_mail ON made.people (email);
INSERT INTO made.people (identity_id, email) VALUES ('00000000-0000-0000-0000-000000000000', 'mine@x.com');
INSERT INTO made.app VALUES ('u999', 'mine@x.com');
\set VERBOSITY terse
CALL refresh_identity_map('made.people');
\set VERBOSITY default
SELECT count(*) FROM made.people WHERE 'u999' = ANY (app_id);
DELETE FROM made.people WHERE app_id IS NULL AND desk_id IS NULL;
CALL refresh_identity_map('made.people');
SELECT count(*) FROM made.people WHERE 'u999' = ANY (app_id);

-- identify() and forget() write it likewise.
SELECT identify('made.people', 'u3', '{"email": "u3@new.com"}') IS NOT NULL AS known;
SELECT forget('made.people', 'app', 'u4');
SELECT count(*) FROM made.people WHERE 'u4' = ANY (app_id);
SET client_min_messages = warning;
SELECT drop_identity_map('made.people');
DROP SCHEMA made CASCADE;
