-- The model of identity maps: drives a map through a random history, and judges it after each step by what a full
-- resolve says and by a model of its ids that knows nothing of how the map works.
--
--   CALL model.history(seed, steps)    one history; raises an exception at the first difference
--   CALL model.together(map)           whether a map's table and its state are one (any map)
--   SELECT model.as_resolved(map)      NULL if a map has what a full resolve gives (any map)
--
-- What a map has been shown is kept in the schema `seen`: its tables have the names of the sources' tables, so that the
-- clauses of a map, run under search_path = seen, resolve what the map is to have resolved. A source with changed_since
-- shows rows that are gone, and others of an older version, at the next full refresh only, or after a TRUNCATE; what was forgotten
-- is left out. A source that has lost more than half of a hundred records or more is shown as it was.
-- The schema `plain` has the same rows with each former value as its present one, found without identity_alias(): there the
-- clauses without aliases give the same people.

SET client_min_messages = warning;
CREATE SCHEMA model;
CREATE SCHEMA seen;
CREATE SCHEMA plain;

-- Rows of four tools. Ids repeat: a record may have several rows.
CREATE TABLE a (id int, user_id text, email text, phone text, updated_at timestamptz);
CREATE TABLE b (id text, user_id text, email text, active boolean DEFAULT true);
CREATE TABLE c (id bigint, email text[], phone text, version bigint NOT NULL);
CREATE TABLE d (id int, team text[], email text, updated_at date);
CREATE TABLE extra (id int, email text);  -- addresses of a's records that another table knows
CREATE TABLE aliases (kind text, former text, present text);
CREATE TABLE seen.aliases (LIKE aliases);
CREATE TABLE seen.a (LIKE a);
CREATE TABLE seen.b (LIKE b);
CREATE TABLE seen.c (LIKE c);
CREATE TABLE seen.d (LIKE d);
CREATE TABLE seen.extra (LIKE extra);
CREATE TABLE seen.identify (id text, user_id text[], email text[], phone text[], team text[], updated_at timestamptz);

-- The map as the model knows it. `clock` counts checks, `version` what changed_since goes by.
CREATE TABLE model.state (seed int, step int, clock int, version bigint, mark bigint, is_new boolean, rebuild boolean, is_loose boolean, file oid);
CREATE TABLE model.sources (name text PRIMARY KEY, place int, mode text, query text, is_in boolean DEFAULT true, is_kept boolean DEFAULT false);
CREATE TABLE model.rules (kind text PRIMARY KEY, rule identity_clause);
CREATE TABLE model.aliased (kind text PRIMARY KEY);  -- kinds of which the map has an alias
CREATE TABLE model.columns (name text PRIMARY KEY, type text, place int);
CREATE TABLE model.tombs (source text, record_id text, PRIMARY KEY (source, record_id));
CREATE TABLE model.again (source text, record_id text);                  -- to be read again, as they were remembered
CREATE TABLE model.ids (id uuid PRIMARY KEY, born numeric, died int, into_id uuid); -- every id that the map ever had, and the check that first saw it
CREATE TABLE model.before (source text, record_id text, id uuid);        -- the map's records at the last check
CREATE TABLE model.now (LIKE model.before);
CREATE TABLE model.gone (LIKE model.before);                             -- records that are gone, and what each was at last
CREATE TABLE model.were (LIKE model.before, is_back boolean);            -- `before`, and those that are back
CREATE TABLE model.saved (LIKE a);                                       -- rows that a has lost
CREATE TABLE model.want (source text, record_id text, cluster uuid);     -- the same by a full resolve
CREATE TABLE model.events (event text, identity_id uuid, from_ids uuid[], into_id uuid);
CREATE TABLE model.counts (what text PRIMARY KEY, n bigint);
CREATE TABLE model.trace (place serial, text text);

CREATE FUNCTION model.count(what_ text, n_ bigint DEFAULT 1) RETURNS void LANGUAGE sql AS $$
  INSERT INTO model.counts VALUES (what_, n_) ON CONFLICT (what) DO UPDATE SET n = counts.n + excluded.n $$;
CREATE FUNCTION model.dice(n int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT floor(random() * n)::int';
CREATE FUNCTION model.chance(p float) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT random() < p';
CREATE FUNCTION model.pick(VARIADIC of_ text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT of_[1 + floor(random() * cardinality(of_))::int]';

-- Few values, so that they meet; in several spellings.
-- Two of each five histories have role addresses.
CREATE FUNCTION model.an_email() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  n int := 1 + floor(14 * random() * random())::int;
  address text := CASE WHEN n IN (3, 6) AND (SELECT seed % 5 < 2 FROM model.state) THEN CASE n WHEN 3 THEN 'info@x.com' ELSE 'sales@y.com' END ELSE format('e%s@x.com', n) END;
BEGIN
  IF model.chance(0.25) THEN RETURN NULL; END IF;
  RETURN CASE model.dice(6) WHEN 0 THEN upper(address) WHEN 1 THEN ' ' || address WHEN 2 THEN initcap(address) || ' ' ELSE address END;
END $$;
CREATE FUNCTION model.in_order(text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS
  $$ SELECT ARRAY(SELECT e FROM (SELECT DISTINCT e FROM unnest($1) e) x ORDER BY lower(btrim(e)), e) $$;
CREATE FUNCTION model.a_user() RETURNS text LANGUAGE sql VOLATILE AS
  $$ SELECT CASE WHEN model.chance(0.5) THEN format('u%s', 1 + model.dice(12)) END $$;
CREATE FUNCTION model.a_phone() RETURNS text LANGUAGE sql VOLATILE AS
  $$ SELECT CASE WHEN model.chance(0.4) THEN format(model.pick('+1 415 555 01%s', '+1415555-01%s'), 10 + model.dice(10)) END $$;
CREATE FUNCTION model.a_team() RETURNS text[] LANGUAGE sql VOLATILE AS
  $$ SELECT CASE WHEN model.chance(0.7) THEN ARRAY(SELECT model.pick('red', 'green', 'blue', 'pink', 'grey', NULL) FROM generate_series(1, model.dice(3))) END $$;

-- As dice(), by the step alone: the histories' dice fall as they fell without it.
CREATE FUNCTION model.turn(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT coalesce((SELECT seed + clock FROM model.state), 0) % n';

-- The same of many dice a step.
CREATE FUNCTION model.roll(n int, salt text) RETURNS int LANGUAGE sql STABLE AS
  $$ SELECT ('x' || left(md5(concat_ws(' ', seed, step, salt)), 6))::bit(24)::int % n FROM model.state $$;

-- How the values of the kinds that have aliases are read, by what a table of pairs says of them: those that are read as
-- another one. All that pairs connect are one value: the one that is nowhere a former one, or the first of several such; where
-- all are former ones the first of all.
CREATE FUNCTION model.spelled(kind text, value text) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT nullif(CASE WHEN kind <> 'email' THEN btrim(value) WHEN value LIKE '%@%' THEN lower(btrim(value)) END, '') $$;
CREATE FUNCTION model.presents(aliases regclass) RETURNS TABLE (kind text, former text, present text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH RECURSIVE pairs AS (
      SELECT * FROM (SELECT a.kind, model.spelled(a.kind, a.former) AS former, model.spelled(a.kind, a.present) AS present FROM %s a JOIN model.aliased USING (kind)) p
       WHERE p.former <> p.present AND 'null' NOT IN (p.former, p.present)),
    ends AS (SELECT p.kind, p.former AS one, p.present AS other FROM pairs p UNION SELECT p.kind, p.present, p.former FROM pairs p),
    one AS (SELECT e.kind, e.one AS value, e.one AS other FROM ends e UNION SELECT o.kind, o.value, e.other FROM one o JOIN ends e ON e.kind = o.kind AND e.one = o.other),
    read AS (SELECT DISTINCT ON (o.kind, o.value) o.kind, o.value, o.other FROM one o
              ORDER BY o.kind, o.value, EXISTS (SELECT FROM pairs p WHERE p.kind = o.kind AND p.former = o.other), length(o.other), o.other COLLATE "C")
    SELECT r.kind, r.value, r.other FROM read r WHERE r.value <> r.other$q$, aliases);
END $$;
CREATE TABLE model.reads (kind text, former text, present text);  -- of what the map was shown
CREATE FUNCTION model.present(kind_ text, value text) RETURNS text LANGUAGE sql STABLE AS
  $$ SELECT coalesce((SELECT r.present FROM model.reads r WHERE r.kind = kind_ AND r.former = model.spelled(kind_, value)), value) $$;
CREATE FUNCTION model.present(kind text, value text[]) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT CASE WHEN value IS NOT NULL THEN ARRAY(SELECT model.present(kind, v) FROM unnest(value) v) END $$;
CREATE VIEW plain.a AS SELECT id, model.present('user_id', user_id) AS user_id, model.present('email', email) AS email, phone, updated_at FROM seen.a;
CREATE VIEW plain.b AS SELECT id, model.present('user_id', user_id) AS user_id, model.present('email', email) AS email, active FROM seen.b;
CREATE VIEW plain.c AS SELECT id, model.present('email', email) AS email, phone, version FROM seen.c;
CREATE VIEW plain.d AS SELECT id, model.present('team', team) AS team, model.present('email', email) AS email, updated_at FROM seen.d;
CREATE VIEW plain.extra AS SELECT id, model.present('email', email) AS email FROM seen.extra;
CREATE VIEW plain.identify AS SELECT id, model.present('user_id', user_id) AS user_id, model.present('email', email) AS email, phone, model.present('team', team) AS team, updated_at FROM seen.identify;

CREATE FUNCTION model.an_alias(kind text) RETURNS identity_clause LANGUAGE sql STABLE AS
  $$ SELECT identity_alias(kind, format('SELECT former, present FROM aliases WHERE kind = %L', kind)) $$;

CREATE FUNCTION model.a_rule(kind text) RETURNS identity_clause LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN CASE kind
    WHEN 'email' THEN identity_rule('email', max_records => (ARRAY[1, 2, 2, 3, 1000])[1 + model.dice(5)], max_per_identity => (ARRAY[0, 0, 2, 3])[1 + model.dice(4)],
      fallback => model.chance(0.3), on_tie => model.pick('apart', 'apart', 'data'), blocked => CASE WHEN model.chance(0.2) THEN ARRAY['e2@x.com'] END,
      max_records_in_all => (ARRAY[0, 0, 0, 3, 5])[1 + model.turn(5)], role_max_records => (ARRAY[NULL, 1, 2, 0])[1 + model.turn(4)], block_roles => model.turn(9) = 0, scope => CASE WHEN model.turn(7) = 0 THEN 'source' END)
    WHEN 'user_id' THEN identity_rule('user_id', max_per_identity => (ARRAY[1, 1, 0, 2])[1 + model.dice(4)], max_records => (ARRAY[0, 0, 2])[1 + model.dice(3)])
    WHEN 'phone' THEN identity_rule('phone', scope => CASE WHEN model.turn(6) = 0 THEN 'source' END, max_records => (ARRAY[2, 3, 1000])[1 + model.dice(3)], fallback => model.chance(0.4), priority => (ARRAY[40, 70, 60, 150])[1 + model.dice(4)])
    WHEN 'team' THEN identity_rule('team', max_records => (ARRAY[2, 2, 4])[1 + model.dice(3)], link => model.chance(0.7), fallback => model.chance(0.3), max_per_identity => (ARRAY[0, 0, 1, 2])[1 + model.dice(4)])
    WHEN 'version' THEN identity_rule('version', link => false)
  END;
END $$;

-- The columns that a map may have, for the sources that it has now. Each source's ids are always among them: by these
-- the model sees who is with whom.
CREATE FUNCTION model.possible_columns() RETURNS TABLE (name text, type text, is_id boolean) LANGUAGE sql STABLE AS $$
  SELECT s.name || '_id', 'text[]', true FROM model.sources s WHERE s.is_in
  UNION ALL VALUES ('identify_id', 'text[]', true), ('email', 'text', false), ('user_id', 'text[]', false), ('phone', 'text[]', false), ('team', 'text[]', false),
    ('record_count', 'int', false), ('sources', 'text[]', false), ('identify_email', 'text[]', false), ('identify_user_id', 'text', false)
  UNION ALL SELECT s.name || '_email', CASE s.name WHEN 'b' THEN 'varchar' ELSE 'text[]' END, false FROM model.sources s WHERE s.is_in
  UNION ALL SELECT 'a_user_id', 'text', false FROM model.sources s WHERE s.is_in AND s.name = 'a'
  UNION ALL SELECT 'c_version', 'bigint', false FROM model.sources s WHERE s.is_in AND s.name = 'c' $$;

CREATE FUNCTION model.source_clause(s model.sources) RETURNS identity_clause LANGUAGE sql STABLE AS $$
  SELECT identity_source(s.name, s.query, changed_since => CASE s.mode WHEN 'since' THEN 'version' END, capture => CASE s.mode WHEN 'trigger' THEN 'trigger' END) $$;

-- The clauses of a full resolve of what the map was shown.
CREATE FUNCTION model.clauses() RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT (SELECT array_agg(identity_source(s.name, s.query) ORDER BY s.place, s.name) FROM model.sources s WHERE s.is_in)
    || identity_source('identify', 'SELECT id, user_id, email, phone, team, updated_at FROM identify')
    || (SELECT array_agg(r.rule) FROM model.rules r) || (SELECT array_agg(model.an_alias(k.kind)) FROM model.aliased k) $$;

-- Without aliases: of what is in `plain`, where a rule that blocks a value blocks the one that it is read as.
CREATE FUNCTION model.plain_clauses() RETURNS identity_clause[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(CASE WHEN c::jsonb ? 'blocked' THEN jsonb_set(c::jsonb, '{blocked}', (SELECT jsonb_agg(model.present(c::jsonb ->> 'kind', v)) FROM jsonb_array_elements_text(c::jsonb -> 'blocked') v))::text::identity_clause
                        ELSE c END ORDER BY n)
    FROM unnest(model.clauses()) WITH ORDINALITY AS u (c, n) WHERE c::jsonb ->> 'clause' <> 'alias' $$;

-- What differs, with the history behind it.
CREATE FUNCTION model.fail(what text, VARIADIC args text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'seed %, step %: %', (SELECT seed FROM model.state), (SELECT step FROM model.state), what
    USING DETAIL = concat_ws(E'\n', array_to_string(args, ' | '),
      (SELECT 'after: ' || string_agg(text, '; ' ORDER BY place) FROM (SELECT * FROM model.trace ORDER BY place DESC LIMIT 12) t));
END $$;

-- The records of a list, each with the identity that it was of and what it carries, by a full resolve.
CREATE FUNCTION model.links(clauses identity_clause[], who text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s was %s: %s', n.source, n.record_id, left(coalesce(b.id::text, 'new'), 8), l.links), '; ' ORDER BY n.source, n.record_id)
    FROM model.now n LEFT JOIN model.were b USING (source, record_id)
    LEFT JOIN (SELECT source, record_id, string_agg(concat_ws(' ', kind, value, status), ', ' ORDER BY kind, value) AS links
               FROM public.identity_links(VARIADIC clauses) GROUP BY 1, 2) l USING (source, record_id)
   WHERE concat_ws(' ', n.source, n.record_id) = ANY (string_to_array(who, ', ')) $$;

-- Each record in the map's table.
CREATE FUNCTION model.members(map regclass) RETURNS SETOF model.before LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY EXECUTE (SELECT string_agg(format('SELECT %L::text, unnest(%I), identity_id FROM %s', left(c.name, -3), c.name, map), ' UNION ALL ')
                        FROM model.possible_columns() c WHERE c.is_id);
END $$;

-- The table and the state tell the same: each identity once, each record of an identity that is there, each pack what the
-- copies of the sources say, and of each of their rows the fingerprint and the record's number.
-- Joined by hashes whatever the planner thinks of tables that nobody analysed: a map of a million records takes half a minute.
CREATE PROCEDURE model.together(map_ regclass) LANGUAGE plpgsql AS $$
DECLARE
  id int := (SELECT map_id FROM identity_internal.identity_map_catalog c WHERE c.map = map_);
  p text := format('identity_state.m%s_', id);
  found text;
BEGIN
  EXECUTE format('SELECT array_to_string((array_agg(x.text))[1:5], E''\n'') FROM (
      SELECT format(''identity %%s is in one of table and state only'', identity_id) FROM %1$s t FULL JOIN %2$sidentities i USING (identity_id)
       WHERE t.identity_id IS NULL OR i.identity_id IS NULL
      UNION ALL SELECT format(''identity %%s has no record'', i.identity_id) FROM %2$sidentities i
       WHERE NOT EXISTS (SELECT FROM identity_internal.identity_map_all_records(%3$s) m WHERE m.identity_id = i.identity_id)
      UNION ALL SELECT format(''record %%s of source %%s is of two identities'', m.record_id, m.source) FROM identity_internal.identity_map_all_records(%3$s) m
       GROUP BY m.source, m.record_id HAVING count(*) > 1
      UNION ALL SELECT format(''identity %%s is retired and is not'', i.identity_id) FROM %2$sidentities i JOIN %2$sretired USING (identity_id)
      UNION ALL SELECT d.text FROM identity_internal.identity_map_differences(%3$s) d (text) WHERE d.text IS NOT NULL) x (text)', map_, p, id)
  INTO found;
  IF found IS NOT NULL THEN RAISE EXCEPTION 'table and state differ' USING DETAIL = found; END IF;
END $$;

-- Whether a map that was just refreshed holds what a full resolve of its clauses gives: NULL, or what differs. For maps of
-- which nobody was forgotten.
CREATE FUNCTION model.as_resolved(map_ regclass) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  m identity_internal.identity_map_catalog := (SELECT c FROM identity_internal.identity_map_catalog c WHERE c.map = map_);
  found text;
BEGIN
  CALL model.together(map_);
  EXECUTE format('WITH resolved AS (SELECT source, record_id, identity_id FROM identity_records(VARIADIC identity_map_clauses(%L))),
    kept AS (SELECT n.key AS source, r.record_id, r.identity_id FROM identity_internal.identity_map_all_records(%s) r JOIN jsonb_each_text(%L) n ON n.value::int = r.source),
    pair AS (SELECT source, record_id, f.identity_id AS f, m.identity_id AS m FROM resolved f FULL JOIN kept m USING (source, record_id))
    SELECT string_agg(x, ''; '') FROM (SELECT (SELECT format(''%%s records are in one of map and resolve only, such as %%s'', count(*), min(source || '' '' || record_id)) FROM pair WHERE f IS NULL OR m IS NULL HAVING count(*) > 0)
      UNION ALL SELECT (SELECT ''one person is several identities: '' || string_agg(source || '' '' || record_id, '', '') FROM pair GROUP BY f HAVING count(DISTINCT m) > 1 LIMIT 1)
      UNION ALL SELECT (SELECT ''several people are one identity: '' || string_agg(source || '' '' || record_id, '', '') FROM pair GROUP BY m HAVING count(DISTINCT f) > 1 LIMIT 1)) d (x)',
    map_, m.map_id, m.numbers) INTO found;
  RETURN found;
END $$;

-- What the map answers of itself is what its table and its ids say; model.now has just been filled.
CREATE PROCEDURE model.answers(what text) LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  SELECT * INTO r FROM (SELECT source, record_id, identity_id FROM public.identity_map_records('m') EXCEPT ALL SELECT source, record_id, id FROM model.now) x LIMIT 1;
  IF FOUND THEN PERFORM model.fail(format('%s: identity_map_records() gives %s, and the table does not', what, r)); END IF;
  SELECT * INTO r FROM (SELECT source, record_id, id FROM model.now EXCEPT ALL SELECT source, record_id, identity_id FROM public.identity_map_records('m')) x LIMIT 1;
  IF FOUND THEN PERFORM model.fail(format('%s: identity_map_records() lacks %s', what, r)); END IF;
  SELECT s.identities, s.records, (SELECT count(*) FROM public.m) AS people, (SELECT count(*) FROM model.now) AS of_them INTO r FROM public.identity_maps AS s WHERE s.map = 'public.m';
  IF (r.identities, r.records) IS DISTINCT FROM (r.people, r.of_them) THEN PERFORM model.fail(format('%s: identity_maps counts %s', what, r)); END IF;
  SELECT * INTO r FROM public.identity_map_retired('m') AS t WHERE t.current_id IS DISTINCT FROM public.identity_current('m', t.identity_id) LIMIT 1;
  IF FOUND THEN PERFORM model.fail(format('%s: identity_map_retired() gives %s, and identity_current() does not', what, r)); END IF;
  SELECT * INTO r FROM model.now AS n WHERE public.identity_of('m', n.source, n.record_id) IS DISTINCT FROM n.id LIMIT 1;
  IF FOUND THEN PERFORM model.fail(format('%s: identity_of() does not find %s', what, r)); END IF;
END $$;

-- Judges the map after something was done to it, at `began` or later.
CREATE PROCEDURE model.check(what text, began timestamptz, has_reasons boolean DEFAULT true) LANGUAGE plpgsql AS $$
DECLARE
  clauses identity_clause[] := model.clauses();
  is_new boolean := (SELECT is_new FROM model.state);
  is_loose boolean := (SELECT is_loose FROM model.state);  -- several things were done at once: of ids only that none comes back
  definition text;
  shown text;
  r record;
BEGIN
  UPDATE model.state SET clock = clock + 1, is_new = false, is_loose = false;
  PERFORM model.count('checks');
  DELETE FROM model.now;
  INSERT INTO model.now SELECT * FROM model.members('m');
  DELETE FROM model.were;
  INSERT INTO model.were SELECT b.*, false FROM model.before b;
  INSERT INTO model.were SELECT g.*, true FROM model.gone g JOIN model.ids i ON i.id = g.id AND i.died IS NOT NULL AND i.into_id IS NULL
    WHERE (g.source, g.record_id) IN (SELECT source, record_id FROM model.now) AND what = 'refresh';

  -- (a) The partition is that of a full resolve.
  PERFORM set_config('search_path', 'seen, public', true);
  DELETE FROM model.want;
  INSERT INTO model.want SELECT source, record_id, identity_id FROM public.identity_records(VARIADIC clauses);
  FOR r IN SELECT w.cluster, n.id, coalesce(w.source, n.source) s, coalesce(w.record_id, n.record_id) i FROM model.want w FULL JOIN model.now n USING (source, record_id)
           WHERE w.cluster IS NULL OR n.id IS NULL LIMIT 1 LOOP
    PERFORM model.fail(format('%s: record %s %s is only in %s', what, r.s, r.i, CASE WHEN r.id IS NULL THEN 'a full resolve' ELSE 'the map' END));
  END LOOP;
  FOR r IN SELECT string_agg(DISTINCT concat_ws(' ', w.source, w.record_id), ', ') who, count(DISTINCT n.id) ids FROM model.want w JOIN model.now n USING (source, record_id)
           GROUP BY w.cluster HAVING count(DISTINCT n.id) > 1 LIMIT 1 LOOP
    PERFORM model.fail(format('%s: one person is %s identities of the map', what, r.ids), r.who, model.links(clauses, r.who));
  END LOOP;
  FOR r IN SELECT string_agg(DISTINCT concat_ws(' ', w.source, w.record_id), ', ') who FROM model.want w JOIN model.now n USING (source, record_id)
           GROUP BY n.id HAVING count(DISTINCT w.cluster) > 1 LIMIT 1 LOOP
    PERFORM model.fail(format('%s: several people are one identity of the map', what), r.who, model.links(clauses, r.who));
  END LOOP;

  IF EXISTS (SELECT FROM model.aliased) THEN
    DELETE FROM model.reads;
    INSERT INTO model.reads SELECT * FROM model.presents('seen.aliases');
    CREATE TEMPORARY TABLE IF NOT EXISTS carried (source text, record_id text, kind text, value text, status text);
    DELETE FROM carried;
    INSERT INTO carried SELECT l.source, l.record_id, l.kind, l.value, l.status FROM public.identity_links(VARIADIC clauses) l;
    PERFORM set_config('search_path', 'plain, public', true);
    SELECT * INTO r FROM (SELECT source, record_id, identity_id FROM public.identity_records(VARIADIC model.plain_clauses()) EXCEPT ALL TABLE model.want) d LIMIT 1;
    IF FOUND THEN PERFORM model.fail(format('%s: with present values in the place of former ones, record %s %s is with others', what, r.source, r.record_id), model.links(clauses, concat_ws(' ', r.source, r.record_id))); END IF;
    SELECT * INTO r FROM (SELECT l.source, l.record_id, l.kind, l.value, l.status FROM public.identity_links(VARIADIC model.plain_clauses()) l EXCEPT ALL TABLE carried) d LIMIT 1;
    IF FOUND THEN PERFORM model.fail(format('%s: with present values in the place of former ones: %s', what, r)); END IF;
    PERFORM set_config('search_path', 'seen, public', true);
    PERFORM model.count('checks without aliases');
    PERFORM model.count(format('role addresses: %s', status), count(*)) FROM carried WHERE value IN ('info@x.com', 'sales@y.com') GROUP BY status;
    PERFORM model.count('values read as others', (SELECT count(*) FROM model.reads));
  END IF;

  -- (b) The table is that of a full resolve, column by column.
  SELECT string_agg(format('%I %s', name, type), ', '), string_agg(format('%I', name), ', ') INTO definition, shown FROM model.columns;
  EXECUTE format('SELECT (SELECT ''a full resolve gives '' || x::text FROM (SELECT ROW(%2$s)::text FROM public.resolve_identities(VARIADIC $1) AS (identity_id uuid, %1$s) EXCEPT ALL SELECT ROW(%2$s)::text FROM public.m) x LIMIT 1) AS lacks,
      (SELECT ''the map gives '' || x::text FROM (SELECT ROW(%2$s)::text FROM public.m EXCEPT ALL SELECT ROW(%2$s)::text FROM public.resolve_identities(VARIADIC $1) AS (identity_id uuid, %1$s)) x LIMIT 1) AS has',
    definition, shown) INTO r USING clauses;
  PERFORM set_config('search_path', 'public', true);
  IF r.lacks IS NOT NULL OR r.has IS NOT NULL THEN PERFORM model.fail(format('%s: a row differs', what), shown, r.lacks, r.has); END IF;
  CALL model.together(to_regclass('m'));
  CALL model.answers(what);

  -- (c) Ids. An old identity goes with most of its records; where two places have as many, with any of them. Where all of its
  -- records were gone, and some are back, it is there again, after those that were there all along.
  PERFORM model.count('records that are back', count(*)) FROM model.were WHERE is_back;
  CREATE TEMPORARY TABLE IF NOT EXISTS picks (old uuid, id uuid, n bigint, is_sure boolean, born numeric, lives int);
  DELETE FROM picks;
  INSERT INTO picks
    SELECT v.old, v.id, v.n, count(*) OVER (PARTITION BY v.old) = 1, i.born, (i.died IS NULL)::int
    FROM (SELECT b.id AS old, n.id, count(*) AS n, max(count(*)) OVER (PARTITION BY b.id) AS most
          FROM model.were b JOIN model.now n USING (source, record_id) GROUP BY b.id, n.id) v JOIN model.ids i ON i.id = v.old
    WHERE v.n = v.most;
  FOR r IN SELECT n.id FROM model.now n JOIN model.ids i ON i.id = n.id WHERE i.died IS NOT NULL AND NOT EXISTS (SELECT FROM model.were w WHERE w.id = n.id) LIMIT 1 LOOP
    PERFORM model.fail(format('%s: id %s had been retired and is used again', what, r.id));
  END LOOP;
  IF NOT is_loose THEN
    -- A cluster's id is that of the strongest who picked it for certain, or of one stronger still who may have.
    FOR r IN SELECT n.id, w.old, w.n FROM (SELECT DISTINCT id FROM model.now) n
             JOIN LATERAL (SELECT * FROM picks p WHERE p.id = n.id AND p.is_sure ORDER BY p.lives DESC, p.n DESC, p.born, p.old LIMIT 1) w ON true
             WHERE NOT EXISTS (SELECT FROM picks p WHERE p.id = n.id AND p.old = n.id AND (p.lives, p.n, -p.born) >= (w.lives, w.n, -w.born)
                                AND ((p.lives, p.n, -p.born) > (w.lives, w.n, -w.born) OR p.old <= w.old)) LIMIT 1 LOOP
      PERFORM model.fail(format('%s: an identity is %s, not %s', what, r.id, r.old),
        (SELECT string_agg(format('%s: %s records here, since %s%s', p.old, p.n, p.born, CASE p.lives WHEN 0 THEN ', back' END), ', ' ORDER BY p.n DESC, p.born, p.old) FROM picks p WHERE p.id = r.id));
    END LOOP;
    -- Nobody else's id came here.
    FOR r IN SELECT DISTINCT n.id FROM model.now n JOIN model.ids i ON i.id = n.id WHERE NOT EXISTS (SELECT FROM picks p WHERE p.id = n.id AND p.old = n.id) LIMIT 1 LOOP
      PERFORM model.fail(format('%s: id %s went with a smaller part, or to other people', what, r.id));
    END LOOP;
    -- Who lost an id although all places were undecided: in each of them somebody stronger was.
    FOR r IN SELECT DISTINCT p.old FROM picks p WHERE NOT EXISTS (SELECT FROM model.now n WHERE n.id = p.old)
             AND NOT EXISTS (SELECT FROM picks q JOIN picks o ON o.id = q.id AND o.old = q.id WHERE q.old = p.old AND o.old <> p.old
                             AND (o.lives > q.lives OR o.lives = q.lives AND (o.n > q.n OR o.n = q.n AND (o.born, o.old) < (q.born, q.old)))) LIMIT 1 LOOP
      PERFORM model.fail(format('%s: identity %s lost its id to nobody', what, r.old));
    END LOOP;
  END IF;

  -- (d) The history says all that, and nothing else.
  DELETE FROM model.events;
  INSERT INTO model.events
    SELECT CASE WHEN NOT EXISTS (SELECT FROM model.ids i WHERE i.id = x.id) THEN CASE WHEN x.olds = '{}' THEN 'created' ELSE 'split' END
                WHEN array_remove(x.olds, x.id) <> '{}' THEN 'merged' END, x.id, nullif(array_remove(x.olds, x.id), '{}'), NULL
    FROM (SELECT n.id, coalesce(array_agg(DISTINCT b.id ORDER BY b.id) FILTER (WHERE b.id IS NOT NULL), '{}') AS olds
          FROM model.now n LEFT JOIN model.were b USING (source, record_id) GROUP BY n.id) x;
  DELETE FROM model.events WHERE event IS NULL OR is_new AND event = 'created';
  INSERT INTO model.events SELECT DISTINCT 'revived', n.id, NULL::uuid[], NULL::uuid FROM model.now n JOIN model.ids i ON i.id = n.id WHERE i.died IS NOT NULL;
  PERFORM model.count(event, count(*)) FROM model.events GROUP BY event;
  CREATE TEMP TABLE IF NOT EXISTS told (event text, identity_id uuid, from_ids uuid[], into_id uuid, by_kind text, by_value text, at timestamptz);
  DELETE FROM told;
  INSERT INTO told SELECT h.event, h.identity_id, nullif(ARRAY(SELECT unnest(h.from_ids) ORDER BY 1), '{}'), h.into_id, h.by_kind, h.by_value, h.at
    FROM identity_map_history('m', since => began) h;
  IF is_loose THEN
    DELETE FROM model.events;
    INSERT INTO model.events SELECT event, identity_id, from_ids, into_id FROM told;
    -- What came to be at several times since the last check is not of one age.
    INSERT INTO model.ids SELECT t.identity_id, s.clock + dense_rank() OVER (ORDER BY t.at) / 1000.0
      FROM (SELECT identity_id, min(at) AS at FROM told GROUP BY identity_id) t, model.state s ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO model.events
    SELECT 'retired', g.id, NULL, CASE WHEN count(p.id) <= 1 THEN min(p.id::text)::uuid
                                       ELSE (SELECT t.into_id FROM told t WHERE t.event = 'retired' AND t.identity_id = g.id AND t.into_id = ANY (array_agg(p.id))) END
    FROM (SELECT DISTINCT id FROM model.were EXCEPT SELECT id FROM model.now) g LEFT JOIN picks p ON p.old = g.id GROUP BY g.id;
  END IF;
  FOR r IN (SELECT 'the history lacks' AS how, e FROM (TABLE model.events EXCEPT ALL SELECT event, identity_id, from_ids, into_id FROM told) e
            UNION ALL SELECT 'the history invents', e FROM (SELECT event, identity_id, from_ids, into_id FROM told EXCEPT ALL TABLE model.events) e) LIMIT 1 LOOP
    PERFORM model.fail(format('%s: %s %s', what, r.how, r.e), (SELECT string_agg(t::text, ' ') FROM told t));
  END LOOP;
  -- A merge names an identifier that links records which were apart.
  IF has_reasons AND NOT is_loose AND current_setting('model.reasons', true) IS DISTINCT FROM 'off' THEN
    PERFORM set_config('search_path', 'seen, public', true);
    FOR r IN SELECT t.* FROM told t WHERE t.event = 'merged' AND (
        SELECT count(DISTINCT coalesce(b.id::text, 'new')) < 2 FROM public.identity_links(VARIADIC clauses) l JOIN model.now n USING (source, record_id) LEFT JOIN model.were b USING (source, record_id)
         WHERE l.status = 'links' AND l.kind = t.by_kind AND l.value = t.by_value AND n.id = t.identity_id) LIMIT 1 LOOP
      PERFORM model.fail(format('%s: a merge into %s by %s %s', what, r.identity_id, coalesce(r.by_kind, 'nothing'), r.by_value), r.from_ids::text,
        model.links(clauses, (SELECT string_agg(concat_ws(' ', n.source, n.record_id), ', ') FROM model.now n WHERE n.id = r.identity_id)));
    END LOOP;
    PERFORM set_config('search_path', 'public', true);
  END IF;

  -- Into the books.
  UPDATE model.ids i SET died = NULL, into_id = NULL FROM model.events e WHERE e.event = 'revived' AND i.id = e.identity_id;
  UPDATE model.ids i SET died = s.clock, into_id = e.into_id FROM model.events e, model.state s WHERE e.event = 'retired' AND i.id = e.identity_id;
  INSERT INTO model.ids (id, born) SELECT DISTINCT n.id, s.clock FROM model.now n, model.state s ON CONFLICT DO NOTHING;
  PERFORM model.count('retired', count(*)) FROM model.events WHERE event = 'retired';
  -- Retired ids lead to who is there now.
  FOR r IN SELECT * FROM (
      (SELECT id FROM model.ids i WHERE died = (SELECT clock FROM model.state) LIMIT 10) UNION (SELECT id FROM model.ids ORDER BY md5(concat(id, (SELECT clock FROM model.state))) LIMIT 2)) x
    CROSS JOIN LATERAL (WITH RECURSIVE chain AS (SELECT i.* FROM model.ids i WHERE i.id = x.id UNION ALL SELECT i.* FROM chain c JOIN model.ids i ON i.id = c.into_id)
                        SELECT (SELECT c.id FROM chain c WHERE c.died IS NULL) AS want) y
    CROSS JOIN LATERAL (SELECT identity_current('m', x.id) AS current) z WHERE z.current IS DISTINCT FROM y.want LIMIT 1 LOOP
    PERFORM model.fail(format('%s: %s leads to %s, not %s', what, r.id, coalesce(r.current::text, 'nobody'), coalesce(r.want::text, 'nobody')));
  END LOOP;
  DELETE FROM model.gone WHERE (source, record_id) IN (SELECT source, record_id FROM model.now);
  IF is_loose THEN
    -- What they were at last is not known; the map's word is taken.
    EXECUTE (SELECT format('INSERT INTO model.gone SELECT b.source, b.record_id, g.identity_id FROM model.before b
      JOIN identity_state.m%s_gone g ON g.hash = identity_internal.identity_map_record(%L, b.source, b.record_id)
      WHERE (b.source, b.record_id) NOT IN (SELECT source, record_id FROM model.now)', c.map_id, c.secret) FROM identity_internal.identity_map_catalog c);
  ELSE
    INSERT INTO model.gone SELECT * FROM model.before WHERE (source, record_id) NOT IN (SELECT source, record_id FROM model.now);
  END IF;
  DELETE FROM model.before;
  INSERT INTO model.before TABLE model.now;
END $$;

-- One change of the sources.
CREATE PROCEDURE model.change() LANGUAGE plpgsql AS $$
DECLARE
  t text := model.pick('a', 'a', 'b', 'b', 'c', 'c', 'd');
  salt text := random();  -- drawn once, so that the order of rows on disk does not count
  email_ text := model.an_email();
  phone_ text := model.a_phone();
  user_ text := model.a_user();
  team_ text[] := model.a_team();
  active_ boolean := model.chance(0.8);
  number int := 1 + model.dice(40);
  third int := model.dice(3);
  kept boolean := model.chance(0.5);
  done text;
  id_ text;
BEGIN
  IF model.chance(0.5) THEN UPDATE model.state SET version = version + 1; END IF;
  EXECUTE format('SELECT id::text FROM %I ORDER BY md5(id || $1) LIMIT 1', t) INTO id_ USING salt;
  CASE model.dice(12)
    WHEN 0, 1, 2, 3 THEN done := 'insert';
      id_ := CASE WHEN id_ IS NOT NULL AND model.chance(0.2) THEN id_ ELSE (CASE t WHEN 'a' THEN '' WHEN 'b' THEN 'b' ELSE '' END) || (1 + model.dice(40)) END;
      IF t = 'a' THEN INSERT INTO a VALUES (id_::int, model.a_user(), model.an_email(), model.a_phone(), timestamptz '2024-01-01' + model.dice(100) * interval '1 day');
      ELSIF t = 'b' THEN INSERT INTO b VALUES (id_, model.a_user(), model.an_email(), model.chance(0.8));
      ELSIF t = 'c' THEN INSERT INTO c VALUES (id_::bigint, model.in_order(ARRAY[email_, CASE WHEN third = 0 THEN model.an_email() END]), phone_, (SELECT version FROM model.state));
      ELSE INSERT INTO d VALUES (id_::int, model.a_team(), model.an_email(), date '2024-01-01' + model.dice(50));
      END IF;
    WHEN 4, 5, 6, 7 THEN done := 'update';  -- all rows of a record, so that it may have equal ones
      IF t = 'a' THEN UPDATE a SET user_id = CASE WHEN third = 0 THEN user_ ELSE user_id END, email = CASE WHEN kept THEN email ELSE email_ END,
          phone = CASE WHEN third = 1 THEN phone_ ELSE phone END, updated_at = updated_at + third * interval '1 day' WHERE id = id_::int;
      ELSIF t = 'b' THEN UPDATE b SET user_id = CASE WHEN kept THEN user_id ELSE user_ END, email = email_, active = active_ WHERE id = id_;
      ELSIF t = 'c' THEN UPDATE c SET email = CASE WHEN kept THEN model.in_order(email || email_) ELSE ARRAY[email_] END, phone = phone_, version = (SELECT version FROM model.state)
        WHERE ctid = (SELECT c.ctid FROM c WHERE id = id_::bigint ORDER BY md5(c::text || salt) LIMIT 1);
      ELSE UPDATE d SET team = team_, updated_at = updated_at - 1 WHERE id = id_::int;
      END IF;
    WHEN 8, 9 THEN done := 'delete';
      EXECUTE format('DELETE FROM %I WHERE id::text = $1', t) USING id_;
    WHEN 10 THEN done := 'rename';  -- a record of another id, maybe of one that is there
      IF t = 'a' THEN UPDATE a SET id = number WHERE id = id_::int;
      ELSIF t = 'b' THEN UPDATE b SET id = 'b' || number WHERE id = id_;
      ELSIF t = 'c' THEN UPDATE c SET id = number, version = (SELECT version FROM model.state) WHERE id = id_::bigint;
      ELSE UPDATE d SET id = number WHERE id = id_::int;
      END IF;
    ELSE
      CASE model.dice(12)
        WHEN 0 THEN done := 'truncate'; EXECUTE format('TRUNCATE %I', t);
        WHEN 1, 2 THEN done := 'mass update'; id_ := NULL;
          IF t = 'a' THEN UPDATE a SET email = format('e%s@x.com', 1 + id % 7) WHERE id % 3 = third;
          ELSIF t = 'b' THEN UPDATE b SET user_id = user_ WHERE active;
          ELSIF t = 'c' THEN UPDATE c SET phone = NULL, version = (SELECT version FROM model.state);
          ELSE UPDATE d SET email = NULL;
          END IF;
        WHEN 3 THEN done := 'rows again'; IF t = 'c' THEN t := 'a'; END IF; EXECUTE format('INSERT INTO %1$I SELECT * FROM %1$I t ORDER BY md5(t::text || $1) LIMIT 3', t) USING salt;  -- equal rows are one
        WHEN 4, 5, 6 THEN done := 'extra'; IF model.chance(0.4) THEN DELETE FROM extra WHERE id % 3 = third; ELSE INSERT INTO extra VALUES (number, email_); END IF;
        ELSE done := 'one row'; EXECUTE format('DELETE FROM %1$I WHERE ctid = (SELECT t.ctid FROM %1$I t ORDER BY md5(t::text || $1) LIMIT 1)', t) USING salt;
      END CASE;
  END CASE;
  INSERT INTO model.trace (text) VALUES (concat_ws(' ', done, t, id_));
  PERFORM model.count('changes of sources');
END $$;

-- One change of the aliases: values that meet, in several spellings, and some that say nothing.
CREATE PROCEDURE model.change_aliases(salt text) LANGUAGE plpgsql AS $$
DECLARE
  kind_ text := (ARRAY['user_id', 'user_id', 'email', 'team'])[1 + model.roll(4, 'kind' || salt)];
  value text := CASE kind_ WHEN 'user_id' THEN 'u%s' WHEN 'email' THEN 'e%s@x.com' ELSE (ARRAY['red', 'green', 'blue', 'pink'])[1 + model.roll(4, 'team' || salt)] END;
  plain text := CASE WHEN kind_ = 'email' AND model.roll(5, 'role' || salt) = 0 THEN 'info@x.com' ELSE format(value, 1 + model.roll(14, 'former' || salt)) END;
  former_ text := CASE model.roll(8, 'spelling' || salt) WHEN 0 THEN ' ' || plain WHEN 1 THEN initcap(plain) ELSE plain END;
  present_ text := format((ARRAY[value, value, value, value, value || ' ', 'grey', NULL, '', 'null'])[1 + model.roll(9, 'sort' || salt)], 1 + model.roll(14, 'present' || salt));
BEGIN
  CASE model.roll(7, 'do' || salt)
    WHEN 0, 1, 2 THEN INSERT INTO aliases VALUES (kind_, former_, present_);
    WHEN 3 THEN UPDATE aliases SET present = present_ WHERE kind = kind_ AND former = (SELECT min(former) FROM aliases a WHERE a.kind = kind_);
    WHEN 4 THEN INSERT INTO aliases SELECT kind, present, former_ FROM aliases a WHERE a.kind = kind_ LIMIT 1;
    ELSE DELETE FROM aliases WHERE (kind, former) = (SELECT a.kind, a.former FROM aliases a WHERE a.kind = kind_ ORDER BY md5(a.former || salt) LIMIT 1);
  END CASE;
  INSERT INTO model.trace (text) VALUES (concat_ws(' ', 'alias of', kind_, former_, present_));
  PERFORM model.count('changes of aliases');
END $$;

-- Whether the map's aliases say anything else than it was shown.
CREATE FUNCTION model.aliases_differ() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT * FROM model.presents('public.aliases') EXCEPT SELECT * FROM model.presents('seen.aliases'))
      OR EXISTS (SELECT * FROM model.presents('seen.aliases') EXCEPT SELECT * FROM model.presents('public.aliases')) $$;

-- Whether a source has lost more than half of what the map was shown of it.
CREATE FUNCTION model.has_lost(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  lost boolean;
BEGIN
  PERFORM set_config('search_path', 'seen, public', true);
  CREATE TEMPORARY TABLE IF NOT EXISTS had (id text);
  DELETE FROM had;
  EXECUTE format('INSERT INTO had SELECT DISTINCT q.id::text FROM (%s) AS q', (SELECT rtrim(s.query, ';') FROM model.sources s WHERE s.name = has_lost.name));
  PERFORM set_config('search_path', 'public', true);
  EXECUTE format('SELECT count(*) >= 100 AND count(*) FILTER (WHERE NOT EXISTS (SELECT FROM (%s) AS q WHERE q.id::text = had.id)) > 0.5 * count(*) FROM had',
                 (SELECT rtrim(s.query, ';') FROM model.sources s WHERE s.name = has_lost.name)) INTO lost;
  RETURN lost;
END $$;

-- What a refresh shows the map of the sources.
CREATE PROCEDURE model.see(is_full boolean, allow_loss boolean) LANGUAGE plpgsql AS $$
DECLARE
  s model.sources;
  is_replaced boolean := (SELECT file IS DISTINCT FROM pg_relation_filenode('public.c') FROM model.state);
BEGIN
  FOR s IN SELECT * FROM model.sources WHERE is_in ORDER BY place, name LOOP
    IF NOT allow_loss AND model.has_lost(s.name) THEN
      UPDATE model.sources SET is_kept = true WHERE name = s.name;
      PERFORM model.count('sources kept as they were');
      CONTINUE;
    END IF;
    UPDATE model.sources SET is_kept = false WHERE name = s.name AND is_kept;
    IF s.mode = 'since' AND NOT (is_full OR is_replaced OR s.is_kept) THEN
      DELETE FROM seen.c WHERE id IN (SELECT c.id FROM c, model.state WHERE c.version >= mark) OR id::text IN (SELECT record_id FROM model.again WHERE source = 'c');
      INSERT INTO seen.c SELECT * FROM c WHERE (id IN (SELECT c.id FROM c, model.state WHERE c.version >= mark) OR id::text IN (SELECT record_id FROM model.again WHERE source = 'c'))
        AND id::text NOT IN (SELECT record_id FROM model.tombs WHERE source = 'c');
    ELSE
      EXECUTE format('DELETE FROM seen.%I', s.name);
      EXECUTE format('INSERT INTO seen.%1$I SELECT * FROM public.%1$I WHERE id::text NOT IN (SELECT record_id FROM model.tombs WHERE source = %1$L)', s.name);
    END IF;
  END LOOP;
  IF (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM model.sources WHERE is_in AND is_kept) <> (SELECT ARRAY(SELECT jsonb_object_keys(kept_sources) ORDER BY 1) FROM identity_maps) THEN
    PERFORM model.fail('refresh: other sources are kept as they were', (SELECT kept_sources::text FROM identity_maps));
  END IF;
  DELETE FROM seen.extra;
  INSERT INTO seen.extra TABLE extra;
  DELETE FROM seen.aliases;
  INSERT INTO seen.aliases TABLE aliases;
  DELETE FROM model.again;
  UPDATE model.state SET file = pg_relation_filenode('public.c'), mark = CASE WHEN is_full OR is_replaced THEN coalesce((SELECT max(version) FROM c), mark, 0)
                                     ELSE coalesce(greatest((SELECT max(version) FROM c), mark), 0) END, rebuild = false;
END $$;

-- is_last: whether the map is to be judged after it.
CREATE PROCEDURE model.identify(is_last boolean DEFAULT true) LANGUAGE plpgsql AS $$
DECLARE
  who text := format('u%s', 1 + model.dice(16));
  traits jsonb := jsonb_build_object('name', 'Jane', 'plan', jsonb_build_object('id', 3));
  kind text;
  value jsonb;
  began timestamptz;
  old seen.identify;
  new seen.identify;
  given uuid;
BEGIN
  FOREACH kind IN ARRAY ARRAY['email', 'phone', 'team'] LOOP
    CONTINUE WHEN model.chance(0.5);
    value := CASE WHEN model.chance(0.15) THEN 'null' WHEN kind = 'email' AND model.chance(0.7) THEN to_jsonb(model.an_email()) WHEN kind = 'email' THEN to_jsonb(ARRAY[model.an_email(), model.an_email()])
                  WHEN kind = 'phone' THEN to_jsonb(model.a_phone()) ELSE to_jsonb(model.a_team()) END;
    traits := traits || jsonb_build_object(kind, coalesce(value, 'null'));
  END LOOP;
  INSERT INTO model.trace (text) VALUES (format('identify %s %s', who, traits - 'name' - 'plan'));
  began := clock_timestamp();
  IF EXISTS (SELECT FROM model.tombs WHERE source = 'identify' AND record_id = who) THEN
    BEGIN
      PERFORM identify('m', who, traits);
      PERFORM model.fail('somebody who was forgotten is back');
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
      RETURN;
    END;
  END IF;
  SELECT * INTO old FROM seen.identify WHERE id = who;
  new := old;
  new.id := who;
  new.user_id := ARRAY[who];
  FOR kind, value IN SELECT * FROM jsonb_each(traits) LOOP
    CASE kind WHEN 'email' THEN new.email := model.values_of(value); WHEN 'phone' THEN new.phone := model.values_of(value); WHEN 'team' THEN new.team := model.values_of(value); ELSE NULL; END CASE;
  END LOOP;
  IF old IS NOT DISTINCT FROM new AND current_setting('model.reasons', true) = 'off' THEN RETURN; END IF;
  given := identify('m', who, traits);
  IF old.id IS NULL OR old IS DISTINCT FROM new THEN new.updated_at := clock_timestamp(); END IF;
  DELETE FROM seen.identify WHERE id = who;
  INSERT INTO seen.identify SELECT new.*;
  PERFORM model.count('identify()');
  IF NOT is_last THEN RETURN; END IF;
  CALL model.check('identify()', began);
  IF given IS DISTINCT FROM (SELECT id FROM model.now WHERE source = 'identify' AND record_id = who) THEN PERFORM model.fail('identify() gave another id', given::text); END IF;
END $$;
CREATE FUNCTION model.values_of(value jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'null' THEN NULL WHEN 'array' THEN nullif(ARRAY(SELECT DISTINCT e FROM jsonb_array_elements_text(value) e WHERE e IS NOT NULL ORDER BY e), '{}') ELSE ARRAY[value #>> '{}'] END $$;

CREATE PROCEDURE model.forget() LANGUAGE plpgsql AS $$
DECLARE
  gone model.before[];
  one model.before;
  began timestamptz := clock_timestamp();
  whole boolean := model.chance(0.4);
  salt text := random();
  n int;
BEGIN
  SELECT * INTO one FROM model.before ORDER BY md5(concat(source, record_id, salt)) LIMIT 1;
  IF one.id IS NULL THEN RETURN; END IF;
  gone := CASE WHEN whole THEN ARRAY(SELECT b FROM model.before b WHERE b.id = one.id) ELSE ARRAY[one] END;
  INSERT INTO model.trace (text) VALUES (format('forget %s', gone));
  IF whole THEN n := forget_identity('m', one.id); ELSE n := forget('m', one.source, one.record_id)::int; END IF;
  IF n <> cardinality(gone) THEN PERFORM model.fail(format('forgot %s records, not %s', n, cardinality(gone))); END IF;
  FOREACH one IN ARRAY gone LOOP
    INSERT INTO model.tombs VALUES (one.source, one.record_id);
    EXECUTE format('DELETE FROM seen.%I WHERE id::text = $1', one.source) USING one.record_id;
  END LOOP;
  CALL model.check(CASE WHEN whole THEN 'forget_identity()' ELSE 'forget()' END, began, false);
  -- Nor does the map remember them, or those that the person had before.
  DELETE FROM model.gone g WHERE (g.source, g.record_id) IN (SELECT f.source, f.record_id FROM unnest(gone) f)
    OR whole AND g.id IN (WITH RECURSIVE chain AS (SELECT gone[1].id UNION SELECT i.id FROM chain c JOIN model.ids i ON i.into_id = c.id) SELECT c.id FROM chain c);
  PERFORM model.count('forgotten records', cardinality(gone));
END $$;

CREATE PROCEDURE model.remember() LANGUAGE plpgsql AS $$
DECLARE
  one model.tombs;
  salt text := random();
BEGIN
  DELETE FROM model.tombs t WHERE t.ctid = (SELECT t.ctid FROM model.tombs t ORDER BY md5(concat(source, record_id, salt)) LIMIT 1) RETURNING * INTO one;
  IF one.source IS NULL THEN RETURN; END IF;
  INSERT INTO model.trace (text) VALUES (format('remember %s %s', one.source, one.record_id));
  IF NOT remember('m', one.source, one.record_id) THEN PERFORM model.fail('nothing to remember'); END IF;
  IF remember('m', one.source, one.record_id) THEN PERFORM model.fail('remembered twice'); END IF;
  INSERT INTO model.again VALUES (one.source, one.record_id);
END $$;

-- A rule, a source or a column is another.
CREATE PROCEDURE model.alter() LANGUAGE plpgsql AS $$
DECLARE
  salt text := random();
  done text;
  clause identity_clause;
  r record;
BEGIN
  CASE model.dice(7)
    WHEN 0, 1, 2 THEN
      SELECT * INTO r FROM model.rules WHERE kind <> 'version' ORDER BY md5(kind || salt) LIMIT 1;
      clause := model.a_rule(r.kind);
      done := 'rule ' || clause;
      PERFORM alter_identity_map('m', clause);
      UPDATE model.rules SET rule = clause WHERE kind = r.kind;
    WHEN 3 THEN  -- source d leaves, or comes back
      IF (SELECT is_in FROM model.sources WHERE name = 'd') THEN
        done := 'without d';
        PERFORM reduce_identity_map('m', sources => '{d}', columns => ARRAY(SELECT name FROM model.columns WHERE name LIKE 'd\_%'));
        UPDATE model.sources SET is_in = false WHERE name = 'd';
        DELETE FROM model.columns WHERE name LIKE 'd\_%';
        DELETE FROM seen.d;
      ELSE
        done := 'with d';
        UPDATE model.sources SET is_in = true, place = 1 + (SELECT max(place) FROM model.sources) WHERE name = 'd';
        PERFORM alter_identity_map('m', model.source_clause(s), identity_column('d_id', 'text[]')) FROM model.sources s WHERE name = 'd';
        INSERT INTO model.columns VALUES ('d_id', 'text[]', 99);
      END IF;
    WHEN 4 THEN  -- another query, another way to tell of changes
      done := 'source b';
      UPDATE model.sources SET query = model.pick('SELECT id, user_id, email FROM b', 'SELECT id, user_id, email FROM b WHERE active', 'SELECT id, email FROM b'), mode = model.pick('read', 'trigger') WHERE name = 'b';
      PERFORM alter_identity_map('m', model.source_clause(s)) FROM model.sources s WHERE name = 'b';
    WHEN 5 THEN
      SELECT * INTO r FROM model.columns WHERE name NOT LIKE '%\_id' ORDER BY md5(name || salt) LIMIT 1;
      IF NOT FOUND THEN RETURN; END IF;
      done := 'without column ' || r.name;
      PERFORM reduce_identity_map('m', columns => ARRAY[r.name]);
      DELETE FROM model.columns WHERE name = r.name;
    ELSE
      SELECT * INTO r FROM model.possible_columns() p WHERE p.name NOT IN (SELECT name FROM model.columns) ORDER BY md5(name || salt) LIMIT 1;
      IF NOT FOUND THEN RETURN; END IF;
      done := 'with column ' || r.name;
      PERFORM alter_identity_map('m', identity_column(r.name, r.type));
      INSERT INTO model.columns VALUES (r.name, r.type, 98);
  END CASE;
  INSERT INTO model.trace (text) VALUES (format('alter: %s', done));
  UPDATE model.state SET rebuild = true;
  PERFORM model.count('alter_identity_map()');
END $$;

-- A kind has aliases, or no longer.
CREATE PROCEDURE model.alter_aliases() LANGUAGE plpgsql AS $$
DECLARE
  kind_ text := (ARRAY['user_id', 'email', 'team'])[1 + model.roll(3, 'alter')];
BEGIN
  IF EXISTS (SELECT FROM model.aliased WHERE kind = kind_) THEN
    PERFORM reduce_identity_map('m', aliases => ARRAY[kind_]);
    DELETE FROM model.aliased WHERE kind = kind_;
  ELSE
    PERFORM alter_identity_map('m', model.an_alias(kind_));
    INSERT INTO model.aliased VALUES (kind_);
  END IF;
  INSERT INTO model.trace (text) VALUES (format('alter: aliases of %s', kind_));
  UPDATE model.state SET rebuild = true;
  PERFORM model.count('alter_identity_map(), aliases');
END $$;

CREATE PROCEDURE model.refresh(began timestamptz DEFAULT clock_timestamp()) LANGUAGE plpgsql AS $$
DECLARE
  is_full boolean := model.chance(0.1);
  is_whole boolean;
  allow_loss boolean := model.roll(4, 'allow') = 0;
BEGIN
  INSERT INTO model.trace (text) VALUES (CASE WHEN is_full THEN 'refresh in full' ELSE 'refresh' END || CASE WHEN allow_loss THEN ', whatever is lost' ELSE '' END);
  -- Not a constant: PostgreSQL 14 keeps a CALL's for the session, also where the table was made anew.
  CALL refresh_identity_map(to_regclass('m'), "full" => is_full, allow_loss => allow_loss);
  -- Where very much has changed all is read anew, as the map says.
  is_whole := is_full OR (SELECT rebuild FROM model.state) OR model.aliases_differ() OR (SELECT last_changes ->> 'kind' <> 'changes' FROM identity_maps);
  CALL model.see(is_whole, allow_loss);
  CALL model.check('refresh', began);
  PERFORM model.count(CASE WHEN is_full THEN 'full refreshes' ELSE 'refreshes' END);
END $$;

-- Source a loses most of its rows, or has them again.
CREATE PROCEDURE model.lose() LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM model.saved) THEN
    INSERT INTO a TABLE model.saved;
    DELETE FROM model.saved;
  ELSE
    INSERT INTO model.saved SELECT * FROM a WHERE id % 10 <= 3 + model.roll(7, 'much');
    DELETE FROM a WHERE id % 10 <= 3 + model.roll(7, 'much');
  END IF;
  INSERT INTO model.trace (text) VALUES (format('a has %s rows', (SELECT count(*) FROM a)));
END $$;

-- A map of its own for each seed, and its life.
CREATE PROCEDURE model.history(seed_ int, steps int) LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz;
  is_early boolean := seed_ % 10 = 7;  -- the sources are still empty
  is_aliased boolean := seed_ % 2 = 0;
  is_large boolean := seed_ % 5 = 1;
BEGIN
  SET LOCAL search_path = public;
  PERFORM setseed((seed_ % 100000) / 100000.0);
  IF EXISTS (SELECT FROM identity_maps) THEN PERFORM drop_identity_map('m'); END IF;
  TRUNCATE model.gone, model.were, model.saved, a, b, c, d, extra, aliases, seen.aliases, model.aliased, seen.extra, seen.a, seen.b, seen.c, seen.d, seen.identify, model.state, model.sources, model.rules, model.columns, model.tombs, model.again, model.ids, model.before, model.trace;
  INSERT INTO model.state VALUES (seed_, 0, 0, 1, NULL, true, true, false, pg_relation_filenode('public.c'));
  INSERT INTO model.sources VALUES
    ('a', model.dice(100), 'read', model.pick('SELECT id, user_id, email, phone, updated_at FROM a', 'SELECT id, user_id, email, phone FROM a;', 'SELECT a.id, a.user_id, a.email, a.phone, x.email FROM a LEFT JOIN extra x ON x.id = a.id')),
    ('b', model.dice(100), model.pick('read', 'trigger', 'trigger'), model.pick('SELECT id, user_id, email FROM b', 'SELECT id, user_id, email FROM b WHERE active')),
    ('c', model.dice(100), model.pick('read', 'since', 'since'), 'SELECT id, email, phone, version FROM c'),
    ('d', model.dice(100), model.pick('read', 'trigger'), 'SELECT id, team, email, updated_at FROM d');
  INSERT INTO model.rules SELECT k, model.a_rule(k) FROM unnest(ARRAY['email', 'user_id', 'phone', 'team', 'version']) k;
  IF is_aliased THEN
    INSERT INTO model.aliased VALUES ('user_id'), ('team');
    FOR i IN 1 .. 8 LOOP CALL model.change_aliases(i::text); END LOOP;
  END IF;
  INSERT INTO model.columns SELECT name, type, row_number() OVER () FROM model.possible_columns() WHERE is_id OR model.chance(0.5);
  -- Each tenth map's sources are empty for its first refreshes.
  FOR i IN 1 .. CASE WHEN is_early THEN 0 ELSE 10 + model.dice(60) END LOOP CALL model.change(); END LOOP;
  -- Of each fifth map one source is large enough to lose much.
  IF is_large THEN INSERT INTO a SELECT n, 'large' || n, format('large%s@x.com', n), NULL, '2024-01-01' FROM generate_series(1001, 1130) n; END IF;
  PERFORM create_identity_map('m', VARIADIC (SELECT array_agg(model.source_clause(s) ORDER BY s.place, s.name) FROM model.sources s)
    || (SELECT array_agg(rule) FROM model.rules) || (SELECT array_agg(model.an_alias(kind)) FROM model.aliased) || (SELECT array_agg(identity_column(name, type) ORDER BY place) FROM model.columns));
  -- Each third map's table is one that is written by a statement.
  IF seed_ % 3 = 0 THEN ALTER TABLE m ADD CHECK (identity_id IS NOT NULL); END IF;
  COMMIT;
  SET LOCAL search_path = public;
  CALL model.refresh();
  COMMIT;
  FOR step_ IN 1 .. steps LOOP
    SET LOCAL search_path = public;
    UPDATE model.state SET step = step_;
    is_early := is_early AND step_ < 4;
    FOR i IN 1 .. CASE WHEN is_early THEN 0 ELSE model.dice(5) END LOOP CALL model.change(); END LOOP;
    IF is_large AND model.roll(3, 'lose') = 0 THEN CALL model.lose(); END IF;
    IF is_aliased AND model.roll(5, 'change') = 0 THEN CALL model.change_aliases('later'); END IF;
    IF model.chance(0.3) THEN CALL model.identify(); END IF;
    IF model.chance(0.06) THEN CALL model.forget(); END IF;
    IF model.chance(0.06) THEN CALL model.remember(); END IF;
    began := clock_timestamp();
    IF model.chance(CASE WHEN is_early THEN 0.5 ELSE 0.08 END) THEN
      CALL model.alter();
      -- What identify() does meanwhile is not judged but by what the next refresh makes of it.
      IF model.chance(0.3) THEN
        CALL model.identify(false);
        UPDATE model.state SET is_loose = true;
      END IF;
    END IF;
    IF is_aliased AND model.roll(20, 'clauses') = 0 THEN CALL model.alter_aliases(); END IF;
    CALL model.refresh(began);
    COMMIT;
  END LOOP;
  PERFORM model.count('histories');
END $$;
SET client_min_messages = warning;
