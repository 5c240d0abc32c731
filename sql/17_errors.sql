-- Wrong calls: what each of them says, and that the session goes on as if nothing had been.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA errors;
SET search_path = errors, public;
RESET client_min_messages;

CREATE TABLE app (id int, email text, name text, flag bool);
INSERT INTO app VALUES (1, 'ann@x.com', 'Ann', true), (2, 'bob@x.com', 'Bob', false);
CREATE SEQUENCE counter;
CREATE TABLE written (n int);
CREATE FUNCTION writes() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO errors.written VALUES (1) RETURNING n';
CREATE PROCEDURE writes_too() LANGUAGE sql AS 'INSERT INTO errors.written VALUES (1)';

-- Runs a statement that must fail and tells SQLSTATE, message, detail and hint; then a right call must be right.
CREATE FUNCTION says(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  state text; message text; detail text; hint text; n int;
BEGIN
  BEGIN
    EXECUTE statement;
    RETURN NEXT 'no error';
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state := RETURNED_SQLSTATE, message := MESSAGE_TEXT, detail := PG_EXCEPTION_DETAIL, hint := PG_EXCEPTION_HINT;
    RETURN NEXT state || ': ' || message;
    -- What PostgreSQL adds for an unknown function differs by version.
    IF state = '42883' THEN detail := ''; hint := ''; END IF;
    IF detail <> '' THEN RETURN NEXT 'DETAIL: ' || detail; END IF;
    IF hint <> '' THEN RETURN NEXT 'HINT: ' || hint; END IF;
  END;
  SELECT count(*) INTO n FROM identity_records(identity_source('app', 'SELECT id, email FROM errors.app'));
  IF n <> 2 OR EXISTS (SELECT FROM written) THEN RETURN NEXT 'and then everything is wrong'; END IF;
END $$;
\pset tuples_only on

\echo A query that fails.
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM errors.nowhere'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, mail AS email FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELEC 1'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1/0'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 2 - id, 1 / (2 - id) AS user_id FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT $1'))$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id FROM errors.nowhere')) AS (app_id int)$$);

\echo A query that yields no column, is none, or is more than one.
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', ''))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', ' -- nothing '))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', ';'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1; SELECT 2'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1; DROP TABLE errors.app'))$$);

\echo A query that is not a SELECT, or tries to write.
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'INSERT INTO errors.written VALUES (1) RETURNING n'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'DELETE FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'DROP TABLE errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SET work_mem = 64'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'EXPLAIN SELECT 1'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'EXPLAIN ANALYZE INSERT INTO errors.written VALUES (1)'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SHOW work_mem'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'COMMIT'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'CALL errors.writes_too()'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'DO ''BEGIN END'''))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'COPY errors.app TO STDOUT'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1 INTO errors.new'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'CREATE TABLE errors.new AS SELECT 1'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'WITH w AS (INSERT INTO errors.written VALUES (1) RETURNING n) SELECT n FROM w'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM errors.app FOR UPDATE'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM errors.app FOR KEY SHARE'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT errors.writes()'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT nextval(''errors.counter'')'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT errors.writes() FROM set_config(''transaction_read_only'', ''off'', true)'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1 FROM (SELECT set_config(''transaction_read_only'', ''off'', true)) s, errors.writes()'))$$);

\echo Sources: none, twice the same, nameless, NULL.
SELECT says($$SELECT * FROM identity_records()$$);
SELECT says($$SELECT * FROM resolve_identities() AS (email text)$$);
SELECT says($$SELECT * FROM identity_records(identity_rule('plan', link => false), identity_output())$$);
SELECT says($$SELECT * FROM identity_records(VARIADIC '{}')$$);
SELECT says($$SELECT * FROM identity_records(VARIADIC NULL::identity_clause[])$$);
SELECT says($$SELECT * FROM resolve_identities(VARIADIC NULL::identity_clause[]) AS (email text)$$);
SELECT says($$SELECT * FROM identity_records(NULL)$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), NULL)$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), identity_source('app', 'SELECT 2'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('App', 'SELECT 1'), identity_source('app', 'SELECT 2'))$$);
SELECT says($$SELECT identity_source(NULL, 'SELECT 1')$$);
SELECT says($$SELECT * FROM identity_records(identity_source(NULL, 'SELECT 1'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', NULL))$$);
SELECT says($$SELECT identity_source('', 'SELECT 1')$$);
SELECT says($$SELECT identity_source('my app', 'SELECT 1')$$);
SELECT says($$SELECT identity_source('1app', 'SELECT 1')$$);
SELECT says($$SELECT identity_source('a"b', 'SELECT 1')$$);
SELECT says(format('SELECT identity_source(%L, %L)', repeat('x', 64), 'SELECT 1'));
SELECT says(format('SELECT identity_source(%L, %L)', repeat('x', 61), 'SELECT 1'));
SELECT says('SELECT * FROM identity_records(1)');
SELECT says($$SELECT * FROM identity_records('app')$$);

\echo Records and identifiers.
SELECT says($$SELECT * FROM identity_records(identity_source('ok', 'SELECT 1'), identity_source('app', 'SELECT nullif(id, 2) FROM errors.app'))$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT NULL')) AS (app_id text)$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT * FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, 1 FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, email AS "Email" FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, email AS e_mail FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, flag AS user_id FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, id AS updated_at FROM errors.app'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT id, now() AS updated_at, now() AS updated_at FROM errors.app'))$$);

\echo Columns of the result.
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app'))$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (id int)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app'), identity_source('shop', 'SELECT 1')) AS (app_id int, shop_email text, mail text)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (app_id int, user_id text)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (email text, email text)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS ("App_id" int)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (sources text)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (record_count int[])$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (record_count bool)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (identity_id int)$$);
SELECT says($$SELECT resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app'))$$);

\echo A cast that fails: column, source and value.
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (app_id uuid)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (app_id int, email int)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (app_email date)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id, email FROM errors.app')) AS (email int[])$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id + 40000 FROM errors.app')) AS (app_id smallint)$$);
CREATE DOMAIN small AS int CHECK (VALUE < 2);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id FROM errors.app')) AS (app_id errors.small)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT id FROM errors.app')) AS (sources int[])$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('app', 'SELECT 1, repeat(''x'', 300) AS user_id')) AS (user_id int)$$);

\echo Names that mean two things.
SELECT says($$SELECT * FROM resolve_identities(identity_source('user', 'SELECT 1, 2 AS user_id')) AS (user_id int)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('a', 'SELECT 1, 2 AS b_c'), identity_source('a_b', 'SELECT 1, 3 AS c'), identity_rule('b_c'), identity_rule('c')) AS (a_b_c int)$$);
SELECT says($$SELECT * FROM resolve_identities(identity_source('identity', 'SELECT 1')) AS (identity_id uuid)$$);

\echo Rules and output.
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), identity_rule('plan'), identity_rule('plan', region => 'GB'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), identity_defaults('0.1'), identity_defaults('0.1'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), identity_defaults('0.0'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1, 2 AS email'), identity_rule('email', scope => 'tenant'))$$);
SELECT says($$SELECT * FROM identity_records(identity_source('app', 'SELECT 1'), identity_output(), identity_output('combinations'))$$);
SELECT says($$SELECT identity_rule('plan', 'sounds_like')$$);
SELECT says($$SELECT identity_rule('plan', '')$$);
SELECT says($$SELECT identity_rule(NULL)$$);
SELECT says($$SELECT identity_rule('')$$);
SELECT says($$SELECT identity_rule('my plan')$$);
SELECT says($$SELECT identity_rule('updated_at')$$);
SELECT says($$SELECT identity_rule('sources')$$);
SELECT says($$SELECT identity_output('rows')$$);
SELECT says($$SELECT identity_output(NULL)$$);
SELECT says($$SELECT identity_output('combinations', 0)$$);
SELECT says($$SELECT identity_output('combinations', -1)$$);
SELECT says($$SELECT identity_output('combinations', NULL)$$);

\echo Too many combinations.
SELECT says($$SELECT * FROM resolve_identities(
  identity_source('a', 'SELECT n, 1 AS user_id FROM generate_series(1, 4) n'), identity_source('b', 'SELECT n, 1 AS user_id FROM generate_series(1, 5) n'),
  identity_output('combinations', max_combinations => 19)) AS (a_id int, b_id int)$$);

\echo Text that is no clause.
SELECT says($$SELECT '{}'::identity_clause$$);
SELECT says($$SELECT 'x'::identity_clause$$);
SELECT says($$SELECT ''::identity_clause$$);
SELECT says($$SELECT 'null'::identity_clause$$);
SELECT says($$SELECT '[]'::identity_clause$$);
SELECT says(format('SELECT %L::identity_clause', left(identity_source('app', 'SELECT 1')::text, -1)));
SELECT says(format('SELECT %L::identity_clause', identity_source('app', 'SELECT 1')::text || '}'));
SELECT says(format('SELECT %L::identity_clause', jsonb_set(identity_source('app', 'SELECT 1')::text::jsonb, '{extra}', '1')));
SELECT says(format('SELECT %L::identity_clause', replace(identity_source('app', 'SELECT 1')::text, '"app"', '7')));
SELECT says(format('SELECT %L::identity_clause', replace(identity_source('app', 'SELECT 1')::text, '"app"', '"my app"')));
SELECT says(format('SELECT %L::identity_clause', replace(identity_source('app', 'SELECT 1')::text, '"SELECT 1"', 'null')));
SELECT says(format('SELECT %L::identity_clause', replace(identity_rule('badge', 'casefold')::text, 'casefold', 'sounds_like')));
SELECT says(format('SELECT %L::identity_clause', repeat('[', 100000)));
SELECT says(format('SELECT %L::identity_clause', repeat('{"source":', 100000)));

\echo Nothing was written, and no sequence has moved.
SELECT (SELECT count(*) FROM written) AS written, (SELECT is_called FROM counter) AS called, to_regclass('errors.new') AS new, (SELECT count(*) FROM app) AS app;
\pset tuples_only off

-- At the top level the message carries where it came from.
SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM errors.app WHERE 1 / (id - 2) = 0'));
SELECT * FROM identity_records(identity_source('app', 'SELECT id, mail FROM errors.app'));
SELECT * FROM identity_records(identity_source('app', 'SELECT errors.writes() FROM set_config(''transaction_read_only'', ''off'', true)'));
-- A caught error leaves a transaction that can write.
DO $$ BEGIN
  BEGIN
    PERFORM FROM identity_records(identity_source('app', 'SELECT errors.writes()'));
  EXCEPTION WHEN read_only_sql_transaction THEN
    INSERT INTO errors.written VALUES (2);
  END;
  PERFORM FROM identity_records(identity_source('app', 'SELECT id FROM errors.app'));
  INSERT INTO errors.written VALUES (3);
END $$;
SELECT * FROM written;
-- An error inside a transaction block ends only that block; a savepoint saves it.
BEGIN;
SAVEPOINT s;
SELECT * FROM identity_records(identity_source('app', 'SELECT 1/0'));
ROLLBACK TO s;
SELECT count(*) FROM identity_records(identity_source('app', 'SELECT id, email FROM errors.app'));
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA errors CASCADE;
