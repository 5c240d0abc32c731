-- What a random history leaves behind, as sums. Run after test/oracle/maps.sql, whose model.history(seed, steps) drives the map:
-- here a check judges nothing. It writes down what the map answers, through public functions only, so that the sums outlive
-- every change of how a map works.
--
--   CALL golden.history(seed, steps)           one history
--   CALL golden.large_history(seed, steps)     one history with some thousand records more, which nobody changes one by one
--   SELECT * FROM golden.sums(seed)            a sum for each check of a history
--   SELECT golden.all_is_read()                from now on no source has changed_since or capture
--   SELECT golden.all_is_full()                from now on each refresh is a full one
--
-- A line is a row of the map's table, an event of its history with its reason, an id and the identity that it stands for now, or
-- a record or identifier as a full resolve of the map's clauses has it. Times are left out. model.identify() compares what
-- identify() gives with the table.

CREATE SCHEMA golden;
CREATE UNLOGGED TABLE golden.lines (seed int, clock int, line text);
CREATE INDEX ON golden.lines (seed, clock);
CREATE TABLE golden.ids (id uuid PRIMARY KEY);  -- every id that the map ever showed

-- Functions here go before the extension's: by them a test finds out whether the sums notice an answer that is wrong.
CREATE SCHEMA wrong;

CREATE OR REPLACE PROCEDURE model.check(what text, began timestamptz, has_reasons boolean DEFAULT true) LANGUAGE plpgsql AS $$
DECLARE
  seed_ int := (SELECT seed FROM model.state);
  clock_ int;
BEGIN
  UPDATE model.state SET clock = clock + 1, is_new = false, is_loose = false RETURNING clock INTO clock_;
  PERFORM set_config('search_path', 'wrong, public', true);
  DELETE FROM model.before;
  INSERT INTO model.before SELECT * FROM model.members('m');
  DELETE FROM model.now;
  INSERT INTO model.now TABLE model.before;

  INSERT INTO golden.lines SELECT seed_, clock_, format('after %s', what);
  EXECUTE 'INSERT INTO golden.lines SELECT $1, $2, format(''row %s'', to_jsonb(m)) FROM m' USING seed_, clock_;
  INSERT INTO golden.lines
    SELECT seed_, clock_, format('event %s', jsonb_build_array(h.event, h.identity_id, ARRAY(SELECT unnest(h.from_ids) ORDER BY 1), h.into_id, h.by_kind, h.by_value))
      FROM identity_map_history('m', since => began) h;
  INSERT INTO golden.ids
    SELECT id FROM model.now
    UNION SELECT u.id FROM identity_map_history('m', since => began) h CROSS JOIN LATERAL unnest(h.from_ids || h.identity_id || h.into_id) u (id) WHERE u.id IS NOT NULL
    ON CONFLICT DO NOTHING;
  -- Of ids that the table shows now no more than 200: a map may be large.
  INSERT INTO golden.lines
    SELECT seed_, clock_, format('id %s is %s', i.id, coalesce(identity_current('m', i.id)::text, 'nobody'))
      FROM (SELECT id FROM golden.ids EXCEPT SELECT id FROM model.now
            UNION (SELECT id FROM (SELECT DISTINCT id FROM model.now) n ORDER BY md5(concat(id, clock_)) LIMIT 200)) i;
  IF clock_ % 5 = 0 THEN
    INSERT INTO golden.lines SELECT seed_, clock_, format('record %s', r) FROM identity_records(VARIADIC identity_map_clauses('m')) r;
    INSERT INTO golden.lines SELECT seed_, clock_, format('identifier %s', l) FROM identity_links(VARIADIC identity_map_clauses('m')) l;
  END IF;
  PERFORM set_config('search_path', 'public', true);
END $$;

-- Nobody judges, so nobody has to know what the map has been shown.
CREATE OR REPLACE PROCEDURE model.see(is_full boolean, allow_loss boolean) LANGUAGE sql AS 'UPDATE model.state SET rebuild = false';
CREATE OR REPLACE FUNCTION model.aliases_differ() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false';

CREATE PROCEDURE golden.history(seed_ int, steps int) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM golden.lines WHERE seed = seed_;
  TRUNCATE golden.ids;
  CALL model.history(seed_, steps);
END $$;

-- A history whose source b has been given some thousand records before the first change: model.change() makes changes as ever,
-- among them mass updates that concern all of these. Their addresses and user ids link them in pairs and threes.
CREATE FUNCTION golden.fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.b SELECT format('large%s', n), CASE WHEN n % 3 > 0 THEN format('large%s', n / 2) END, format('Large%s@x.com', n / 3), true FROM generate_series(1, 8000) n;
  RETURN NULL;
END $$;
CREATE PROCEDURE golden.large_history(seed_ int, steps int) LANGUAGE plpgsql AS $$
BEGIN
  CREATE TRIGGER fill AFTER INSERT ON model.state EXECUTE FUNCTION golden.fill();
  CALL golden.history(seed_, steps);
  DROP TRIGGER fill ON model.state;
END $$;

CREATE FUNCTION golden.sums(seed_ int) RETURNS TABLE (clock int, sum text) LANGUAGE sql STABLE AS $$
  SELECT l.clock, left(md5(string_agg(l.line, E'\n' ORDER BY l.line COLLATE "C")), 8) FROM golden.lines l WHERE l.seed = seed_ GROUP BY l.clock ORDER BY l.clock $$;

CREATE FUNCTION golden.all_is_read() RETURNS void LANGUAGE sql AS $$
  CREATE OR REPLACE FUNCTION model.source_clause(s model.sources) RETURNS identity_clause LANGUAGE sql STABLE AS 'SELECT identity_source(s.name, s.query)' $$;
CREATE FUNCTION golden.all_is_full() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  definition text := pg_get_functiondef('model.refresh'::regproc);
BEGIN
  IF position('"full" => is_full' IN definition) = 0 THEN RAISE EXCEPTION 'model.refresh() has another way to refresh in full'; END IF;
  EXECUTE replace(definition, '"full" => is_full', '"full" => true');
END $$;
