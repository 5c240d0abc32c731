-- Statements that make a table of the rows: these are inserted many at a time, and are the same rows in the same order.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS identity_resolve;
CREATE SCHEMA into_a_table;
SET search_path = into_a_table, public;

CREATE TABLE app AS SELECT n AS id, n AS user_id, format('p%s@x.com', n) AS email FROM generate_series(1, 20000) n;
CREATE TABLE shop AS SELECT n AS id, format('P%s@x.com', n) AS email FROM generate_series(1, 20000, 2) n;
ANALYZE app, shop;
-- Workers would read them in another order each time.
SET identity_resolve.max_workers = 0;
SET max_parallel_workers_per_gather = 0;
\set sources 'identity_source(''app'', ''SELECT id, user_id, email FROM into_a_table.app''), identity_source(''shop'', ''SELECT id, email FROM into_a_table.shop'')'

-- A query's rows, in their order, as a count and one hash; and those that a statement wrote, in their order on disk, by one command.
CREATE FUNCTION selected(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE format('SELECT format(''%%s rows, %%s'', count(*), md5(string_agg(t::text, '',''))) FROM (%s) t', query) INTO result;
  RETURN result;
END $$;
CREATE FUNCTION written(tab regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE commands int;
BEGIN
  EXECUTE format('SELECT count(DISTINCT cmin::text) FROM %s', tab) INTO commands;
  ASSERT commands = 1, format('%s commands wrote %s', commands, tab);
  RETURN selected(format('SELECT * FROM %s ORDER BY ctid', tab));
END $$;

\set long 'SELECT * FROM identity_records(' :sources ')'
\set master 'SELECT * FROM resolve_identities(' :sources ') AS (identity_id uuid, app_id int, email text, shop_id int, record_count int)'
CREATE TABLE long AS :long;
SELECT written('long') = selected(:'long') AS same, count(*) FROM long;
CREATE TABLE master AS :master;
SELECT written('master') = selected(:'master') AS same, count(*) FROM master;
CREATE TEMP TABLE temporary AS :long;
SELECT written('temporary') = selected(:'long') AS same;
CREATE UNLOGGED TABLE unlogged (who, tool) WITH (fillfactor = 50) AS :long;
SELECT written('unlogged') = selected(:'long') AS same, pg_relation_size('unlogged') > 1.8 * pg_relation_size('long') AS half_full FROM pg_class WHERE oid = 'unlogged'::regclass;
SELECT * INTO selected_into FROM identity_records(:sources);
SELECT written('selected_into') = selected(:'long') AS same;
PREPARE prepared AS :long;
CREATE TABLE executed AS EXECUTE prepared;
SELECT written('executed') = selected(:'long') AS same;
DO $do$ BEGIN EXECUTE $$CREATE TABLE by_function AS SELECT * FROM identity_records(identity_source('app', 'SELECT id, user_id, email FROM into_a_table.app'))$$; END $do$;
SELECT count(*), count(DISTINCT identity_id) FROM by_function;
DO $do$ BEGIN EXECUTE $$EXPLAIN (ANALYZE) CREATE TABLE explained AS SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM into_a_table.app'))$$; END $do$;
SELECT count(*) FROM explained;

-- A materialised view, filled and filled again.
CREATE MATERIALIZED VIEW people AS :master WITH NO DATA;
SELECT * FROM people;
REFRESH MATERIALIZED VIEW people;
SELECT written('people') = selected(:'master') AS same;
DELETE FROM shop WHERE id > 100;
REFRESH MATERIALIZED VIEW people;
SELECT written('people') = selected(:'master') AS same, sum(record_count) FROM people;
CREATE UNIQUE INDEX ON people (identity_id);
DELETE FROM shop;
REFRESH MATERIALIZED VIEW CONCURRENTLY people;
SELECT sum(record_count) FROM people;
CREATE MATERIALIZED VIEW at_once AS :master;
SELECT written('at_once') = selected(:'master') AS same;

-- It pays in WAL, of which a row inserted by itself writes a record: beside a copy of the same rows.
SELECT pg_current_wal_insert_lsn() AS before \gset
CREATE TABLE in_batches AS :long;
SELECT pg_current_wal_insert_lsn() AS between \gset
CREATE TABLE one_by_one AS SELECT * FROM in_batches;
SELECT pg_current_wal_insert_lsn() AS after \gset
SELECT current_setting('wal_level') = 'minimal' OR pg_wal_lsn_diff(:'between', :'before') < 0.75 * pg_wal_lsn_diff(:'after', :'between') AS less_wal,
       written('in_batches') = written('one_by_one') AS same;

-- No rows, no columns, nothing to fill; more of the statement than our rows.
CREATE TABLE no_rows AS SELECT * FROM identity_records(identity_source('app', 'SELECT id FROM into_a_table.app WHERE false'));
SELECT count(*) FROM no_rows;
CREATE TABLE no_columns AS SELECT FROM identity_records(:sources);
SELECT count(*) FROM no_columns;
CREATE TABLE no_data AS :long WITH NO DATA;
SELECT count(*) FROM no_data;
CREATE TABLE IF NOT EXISTS long AS SELECT * FROM identity_records(:sources) WHERE false;
SELECT count(*) FROM long;
CREATE TABLE joined AS SELECT r.source, a.email, row_number() OVER (ORDER BY a.id) AS place FROM identity_records(:sources) r JOIN app a ON a.id::text = r.record_id ORDER BY a.id DESC LIMIT 1500;
SELECT count(*), min(place), max(place), count(DISTINCT email) FROM joined;
CREATE TABLE counted AS SELECT source, count(*) FROM identity_records(:sources) GROUP BY 1;
SELECT * FROM counted;

-- Rows of all sizes: some fill a batch by themselves, some go to the TOAST table, some are NULL.
CREATE TABLE wide AS
  SELECT n AS id, CASE WHEN n % 3 > 0 THEN repeat(md5(n::text), n) END AS bio, CASE n % 100 WHEN 0 THEN (SELECT string_agg(md5(format('%s %s', n, i)), '') FROM generate_series(1, 3000) i) END AS story
    FROM generate_series(1, 600) n;
CREATE TABLE wide_people AS SELECT * FROM resolve_identities(identity_source('wide', 'SELECT * FROM into_a_table.wide'), identity_rule('bio', link => false), identity_rule('story', link => false))
  AS (wide_id int, bio text, story text);
SELECT count(*) AS rows, count(p.bio) AS bios, count(p.story) AS stories, bool_and(p.bio IS NOT DISTINCT FROM w.bio AND p.story IS NOT DISTINCT FROM w.story) AS same
  FROM wide_people p JOIN wide w ON w.id = p.wide_id;
SELECT pg_relation_size(reltoastrelid) > 0 AS toasted FROM pg_class WHERE oid = 'wide_people'::regclass;
-- Values of other tables, out of line where they come from.
CREATE TABLE wide_joined AS SELECT w.* FROM identity_records(identity_source('wide', 'SELECT id FROM into_a_table.wide')) r JOIN wide w ON w.id::text = r.record_id;
SELECT count(*) AS rows, bool_and(w IS NOT DISTINCT FROM j) AS same FROM wide w JOIN wide_joined j USING (id);

-- An error between the rows leaves no table, and the next statement makes one.
CREATE TABLE failed AS SELECT *, 1 / (20000 - record_id::int) AS boom FROM identity_records(:sources);
SELECT to_regclass('failed');
CREATE TABLE failed AS SELECT *, 1 / (20001 - record_id::int) AS boom FROM identity_records(:sources);
SELECT count(*) FROM failed;
-- A unique index of a materialised view that the new rows break.
CREATE TABLE doubled AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW unique_sources AS SELECT source FROM identity_records(identity_source('a', 'SELECT id FROM into_a_table.doubled'));
CREATE UNIQUE INDEX ON unique_sources (source);
INSERT INTO doubled SELECT generate_series(2, 3000);
REFRESH MATERIALIZED VIEW unique_sources;
SELECT count(*) FROM unique_sources;
DROP SCHEMA into_a_table CASCADE;
